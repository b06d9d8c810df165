"""How far a campaign has come, who has not answered, and what staff have to look at."""

from __future__ import annotations

import base64
import contextlib
from collections.abc import Collection, Iterable, Mapping
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any
from zoneinfo import ZoneInfo

import msgspec

from bot.actions.campaigns import Reference
from bot.actions.counts import campaign_seen, part_seen
from bot.actions.gate import Act, Aim, Arguments, Id, action, area_text
from bot.opening import unit_of
from bot.readings import Reading, reading
from storage import accounts, alerts, areas, audit, campaigns, downloads, parameters, tasks
from storage import progress as counted
from storage.campaigns import Campaign
from storage.downloads import Download
from surveys.alerts import Kind
from surveys.areas import AreaKey, Areas
from surveys.campaigns import Mode, Status
from surveys.deadlines import DEADLINES, LEAD, Deadline, upcoming
from surveys.problems import Problem
from surveys.progress import (
    ALL,
    Figures,
    Forecast,
    Tally,
    by_day,
    coverage,
    figures,
    forecast,
    grouped,
    hidden,
    natural,
    pick,
    target_of,
    wanted_by,
)
from surveys.roles import MAY, Grant, Role, covers, in_force, scope

if TYPE_CHECKING:
    from sqlalchemy import Connection

TARGET = "target_percent"
LONGEST = 400
"""Days that are shown one by one at most."""


# ── progress ────────────────────────────────────────────────────────────────────────────────────────────────


class By(StrEnum):
    """What progress is broken down by, beside the communes or, in one commune, its neighbourhoods."""

    NEIGHBOURHOOD = "neighbourhood"
    CHANNEL = "channel"
    DAY = "day"


class Progress(Arguments, frozen=True):
    """A campaign by id or code, and what to break its progress down by."""

    campaign: Reference
    by: tuple[By, ...] = ()


def _named(act: Act, given: Any) -> Aim:
    """Only what is asked about, for the audit; which areas are shown is for the action to find out."""
    with contextlib.suppress(Problem):
        return Aim(target=f"campaign:{campaigns.expect(act.connection, given.campaign).id}")
    return Aim()


@action("campaign.progress", Progress, _named)
def progress(act: Act, given: Progress) -> Reading:
    """How far a campaign has come: outcomes, rates, coverage of the frame, places, days, forecast.

    Who reaches only a part of its area sees that part. Who may fetch the list of those who have not answered
    there sees all figures of each place; others see of a place who has answered, unless that would tell of
    somebody (``hidden``). Raises Problem ``campaign_unknown``, ``not_allowed``, ``progress_draft``.
    """
    campaign = campaign_seen(act, given.campaign)
    if campaign.status is Status.DRAFT:
        raise Problem("progress_draft", title=campaign.draft.title, campaign=campaign.code)
    seen = part_seen(act, campaign)
    return Reading(
        "campaign_progress",
        {
            "campaign": campaign.id,
            "areas": None if seen is None else sorted(seen),
            "by": [by.value for by in given.by],
            "whole": _runs_it(act, campaign, seen),
            "now": act.now_ms,
            "zone": str(act.zone),
        },
    )


def _runs_it(act: Act, campaign: Campaign, seen: Collection[str] | None) -> bool:
    """Whether the actor does the work in all of what is seen: then its figures hide nothing from them."""
    doing = in_force(act.grants, MAY["campaign.waiting"], act.today)
    shown = [campaign.area] if seen is None else [(campaign.area[0], code) for code in seen]
    return all(covers(doing, area, areas.line(act.connection, area)) for area in shown)


@reading("campaign_progress")
def work_out(connection: Connection, asked: Mapping[str, Any]) -> dict[str, Any]:
    """What :func:`progress` allowed."""
    campaign = campaigns.expect(connection, int(asked["campaign"]))
    draft, zone = campaign.draft, ZoneInfo(asked["zone"])
    now = datetime.fromtimestamp(asked["now"] / 1000, zone)
    seen: list[str] | None = asked["areas"]
    by = {By(name) for name in asked["by"]}
    tallies = counted.tallies(connection, campaign.id, seen, channels=By.CHANNEL in by)
    total = figures(tallies, draft.mode)
    index = areas.index(connection)
    frame = _frame(connection, campaign, index, seen)
    threshold = parameters.number(connection, "suppression_threshold")
    whole: bool = asked["whole"]
    percent = parameters.number(connection, TARGET)
    begun = counted.begun_by_day(connection, campaign.id, zone, seen) if By.DAY in by else None
    complete = counted.handed_in_by_day(connection, campaign.id, zone, seen)
    expected = _forecast(campaign, total, complete, percent, now)
    place = By.NEIGHBOURHOOD in by or len({one.area for one in tallies} | {area for area, _ in frame}) <= 1
    shown: dict[str, Any] = {
        "campaign": {
            "code": campaign.code,
            "title": draft.title,
            "status": campaign.status.value,
            "mode": draft.mode.value,
            "unit": unit_of(connection, draft.instrument_id).value,
            "area": area_text(campaign.area),
            "area_title": index.expect(campaign.area).title,
            "starts_on": draft.starts_on.isoformat(),
            "ends_on": draft.ends_on.isoformat(),
            "days_left": max(0, (draft.ends_on - now.date()).days),
        },
        "at": now.isoformat(timespec="minutes"),
        "areas": seen,
        "asked": [one.value for one in By if one in by],
        "whole": whole,
        "suppression_threshold": threshold,
        "target_percent": percent,
        "total": _view(total),
        "coverage": _plain(coverage(sum(frame.values()), total)),
        "forecast": _forecast_view(expected),
        "deadlines": [_deadline_view(one) for one in deadlines(connection, now.date()) if one.near],
        "by": "neighbourhood" if place else "area",
        "rows": _places(tallies, frame, campaign, index, place, whole, threshold),
        "days": _days(campaign, begun, complete, now),
    }
    if By.CHANNEL in by:
        shown["channels"] = _protected(
            grouped(tallies, lambda one: one.channel, draft.mode), whole, threshold, "channel"
        )
    return shown


def _frame(
    connection: Connection, campaign: Campaign, index: Areas, seen: Collection[str] | None
) -> dict[tuple[str, str], int]:
    """Units of the frame by place; nothing of an open link, which has none."""
    if campaign.draft.mode is Mode.OPEN:
        return {}
    communes = _below(index, [campaign.area])
    if seen is not None:
        communes &= set(seen)
    unit = unit_of(connection, campaign.draft.instrument_id)
    return counted.frame(connection, campaign.area, communes, unit, campaign.draft.design.neighbourhoods)


def _below(index: Areas, tops: Iterable[AreaKey]) -> set[str]:
    """The codes of these areas of one vintage and of all below them."""
    codes, left = set[str](), list(tops)
    while left:
        key = left.pop()
        codes.add(key[1])
        left += [child.key for child in index.children(key)]
    return codes


def _view(found: Figures) -> dict[str, Any]:
    plain: dict[str, Any] = msgspec.to_builtins(found)
    share = found.answered / found.cases if found.cases else None
    return {**plain, "answered": found.answered, "share": share}


def _plain(thing: object) -> Any:
    return None if thing is None else msgspec.to_builtins(thing)


def _places(
    tallies: Iterable[Tally],
    frame: Mapping[tuple[str, str], int],
    campaign: Campaign,
    index: Areas,
    place: bool,
    whole: bool,
    threshold: int,
) -> list[dict[str, Any]]:
    """A row a place, in the order people look for them."""

    def key_of(area: str, neighbourhood: str) -> tuple[str, str]:
        return area, neighbourhood if place else ""

    found = grouped(tallies, lambda one: key_of(one.area, one.neighbourhood), campaign.draft.mode)
    units: dict[tuple[str, str], int] = {}
    for (area, neighbourhood), number in frame.items():
        key = key_of(area, neighbourhood)
        units[key] = units.get(key, 0) + number
        found.setdefault(key, figures((), campaign.draft.mode))
    titles = {}
    for area, _ in found:
        known = index.get((campaign.area[0], area))
        titles[area] = known.title if known else area
    keys = {f"{area}/{name}": (area, name) for area, name in found}
    secret = frozenset() if whole else hidden({text: found[key] for text, key in keys.items()}, threshold)
    rows = [
        {
            "area": area,
            "area_title": titles[area],
            "name": name,
            "frame": units.get((area, name)),
            **_row(found[area, name], whole, text in secret),
        }
        for text, (area, name) in keys.items()
    ]
    return sorted(rows, key=lambda row: (natural(row["area_title"]), row["area"], natural(row["name"])))


def _protected(found: Mapping[str, Figures], whole: bool, threshold: int, name: str) -> list[dict[str, Any]]:
    # The empty name is the sum's in :func:`hidden`.
    named = {key or "-": row for key, row in found.items()}
    secret = frozenset() if whole else hidden(named, threshold)
    return [
        {name: "" if key == "-" else key, **_row(row, whole, key in secret)}
        for key, row in sorted(named.items())
        if key != ALL
    ]


def _row(found: Figures, whole: bool, secret: bool) -> dict[str, Any]:
    """What is shown of a place: everything, or who has answered, or how many there are."""
    if whole:
        return {**_view(found), "hidden": False}
    answered = None if secret else found.answered
    share = None if answered is None or not found.cases else answered / found.cases
    return {"cases": found.cases, "answered": answered, "share": share, "hidden": secret}


def _opened(campaign: Campaign, zone: Any) -> date:
    opened = campaign.opened_at
    on = campaign.draft.starts_on
    return on if opened is None else max(on, datetime.fromtimestamp(opened / 1000, zone).date())


def _days(
    campaign: Campaign, counted_begun: Mapping[date, int] | None, complete: Mapping[date, int], now: datetime
) -> list[dict[str, Any]]:
    """Every day so far; how many began only where that was counted."""
    begun = counted_begun or {}
    last = min(now.date(), max(campaign.draft.ends_on, max([*begun, *complete], default=date.min)))
    first = max(min([_opened(campaign, now.tzinfo), *begun, *complete]), last - timedelta(days=LONGEST))
    return [
        {
            "day": one.day.isoformat(),
            "started": None if counted_begun is None else one.started,
            "complete": one.complete,
            "so_far": one.so_far,
        }
        for one in by_day(begun, complete, first, last)
    ]


def _forecast(
    campaign: Campaign,
    total: Figures,
    complete: Mapping[date, int],
    percent: int,
    now: datetime,
    by: date | None = None,
) -> Forecast | None:
    """The forecast for the last day, or for ``by``. None of an open link: nobody knows who might come."""
    if campaign.draft.mode is Mode.OPEN:
        return None
    left = total.partial + total.broken_off + total.no_reply + total.not_sent + total.undelivered
    return forecast(
        total.complete,
        target_of(total.cases - total.out_of_scope, percent),
        complete,
        opened=_opened(campaign, now.tzinfo),
        ends=by or campaign.draft.ends_on,
        today=now.date(),
        most=total.complete + left,
        running=campaign.status in (Status.OPEN, Status.PAUSED),
    )


def _forecast_view(expected: Forecast | None) -> dict[str, Any] | None:
    return None if expected is None else {**_plain(expected), "missing": expected.missing}


def deadlines(connection: Connection, today: date) -> tuple[Deadline, ...]:
    """The next reporting deadlines by the parameters in force."""
    days = {name: parameters.number(connection, name) for name in DEADLINES}
    return upcoming(days, parameters.number(connection, LEAD), today)


@reading("campaign_progress_chart")
def chart(connection: Connection, asked: Mapping[str, Any]) -> dict[str, Any]:
    """The same with a picture of it (``picture``, a PNG), in the language ``asked`` for."""
    # With the drawing library, which nobody else needs.
    from bot.charts import progress_png

    shown = work_out(connection, asked)
    return {**shown, "picture": progress_png(shown, asked["language"])}


# ── who has not answered ────────────────────────────────────────────────────────────────────────────────────

WAITING = "campaign_waiting"
"""The task that makes the list."""
KEPT_MS = 24 * 3_600_000
"""How long the list is kept to be fetched."""
MOST = 200_000
"""Lines of a list: more than a city's staff go to."""


class Waiting(Arguments, frozen=True):
    """Who of a campaign, in one ``neighbourhood`` (its name, or its number) or all of them. ``page``: our
    public address, so that a link can be given.
    """

    campaign: Reference
    neighbourhood: Annotated[str, msgspec.Meta(max_length=100)] = ""
    page: Annotated[str, msgspec.Meta(max_length=300)] = ""
    language: Annotated[str, msgspec.Meta(max_length=20)] = "vi"


@action("campaign.waiting", Waiting, _named)
def waiting(act: Act, given: Waiting) -> dict[str, Any]:
    """Have a list made of who has not answered, for work from door to door: a task, told when it is there.

    Who reaches only a part of the campaign's area gets that part. Raises Problem ``campaign_unknown``,
    ``not_allowed``, ``waiting_nobody``, ``waiting_many``, ``waiting_no_frame`` (an open link has no list),
    ``neighbourhood_unknown``, ``neighbourhood_unclear``.
    """
    campaign = campaign_seen(act, given.campaign)
    if campaign.draft.mode is Mode.OPEN:
        raise Problem("waiting_no_frame", title=campaign.draft.title)
    assert act.actor.account_id is not None
    seen = part_seen(act, campaign)
    some = neighbourhoods_meant(act, campaign, seen, given.neighbourhood)
    number = counted.waiting_number(act.connection, campaign.id, seen, some)
    if not number:
        raise Problem("waiting_nobody", title=campaign.draft.title)
    if number > MOST:
        raise Problem("waiting_many", number=number, most=MOST)
    download = downloads.begin(
        act.connection,
        kind="waiting",
        account_id=act.actor.account_id,
        campaign_id=campaign.id,
        name=f"chua-tra-loi-{campaign.code}-{act.today:%Y%m%d}.xlsx",
        now=act.now_ms,
        length=KEPT_MS,
    )
    task = tasks.queue(
        act.connection,
        act.keyring,
        WAITING,
        {
            "download": download,
            "campaign": campaign.id,
            "areas": None if seen is None else sorted(seen),
            "neighbourhoods": None if some is None else list(some),
            "account": act.actor.account_id,
            "page": given.page,
            "language": given.language,
            "now": act.now_ms,
            "zone": str(act.zone),
        },
        act.actor.account_id,
        act.actor.contact_id,
        act.now_ms,
    )
    return {
        "task": task,
        "download": download,
        "number": number,
        "code": campaign.code,
        "title": campaign.draft.title,
        "neighbourhoods": None if some is None else list(some),
    }


def neighbourhoods_meant(
    act: Act, campaign: Campaign, seen: Collection[str] | None, wanted: str
) -> tuple[str, ...] | None:
    """The neighbourhoods meant; None is all of them."""
    if not wanted.strip():
        return None
    known = counted.neighbourhoods_of(act.connection, campaign.id, seen)
    found = pick(wanted, known)
    if not found:
        some = ", ".join(sorted(filter(None, known), key=natural)[:10])
        raise Problem("neighbourhood_unknown", name=wanted.strip()[:60], known=some)
    if len(found) > 1:
        raise Problem("neighbourhood_unclear", name=wanted.strip()[:60], known=", ".join(found[:10]))
    return found


class Fetch(Arguments, frozen=True):
    """A file by its number."""

    download: Id


def _of_download(act: Act, given: Fetch) -> Aim:
    found = downloads.get(act.connection, given.download, act.now_ms)
    if found is None:
        return Aim(target=f"download:{given.download}")
    return Aim(target=f"download:{found.id} rows:{found.records or 0}")


@action("campaign.waiting_file", Fetch, _of_download)
def waiting_file(act: Act, given: Fetch) -> dict[str, Any]:
    """The list that the actor had made: ``content`` in Base64. Raises Problem ``download_gone`` (404: not
    there any more, or somebody else's), ``download_not_ready``, ``not_allowed`` (any more).
    """
    found = downloads.get(act.connection, given.download, act.now_ms)
    if found is None or found.account_id != act.actor.account_id or found.campaign_id is None:
        raise Problem("download_gone", status=404)
    campaign_seen(act, found.campaign_id)
    if found.records is None:
        raise Problem("download_not_ready", status=409)
    data = downloads.content(act.connection, act.keyring, found.id)
    downloads.use(act.connection, found.id, act.now_ms)
    return {"name": found.name, "records": found.records, "content": base64.b64encode(data).decode()}


def record_made(connection: Connection, made: Download, area: AreaKey, records: int, now: int) -> None:
    """Write down that a list with personal data was made, of how many records."""
    entry = audit.Entry(
        now,
        made.account_id,
        None,
        "worker",
        "campaign.waiting",
        area,
        f"campaign:{made.campaign_id} rows:{records}",
        "done",
    )
    audit.record(connection, entry)


# ── alerts ──────────────────────────────────────────────────────────────────────────────────────────────────

RECENT_MS = 7 * 24 * 3_600_000
"""How long an alert that is over is still listed where that is asked for."""
SIGN = "signs:jobs"
"""The lease by whose end is seen that nothing goes by the clock any more (:mod:`bot.watching`)."""


class Listed(Arguments, frozen=True):
    """``over``: also those of the last week that are over."""

    over: bool = False


@action("alert.list", Listed)
def listing(act: Act, given: Listed) -> dict[str, Any]:
    """What staff have to look at, of the areas the actor sees and of the system, the newest first."""
    since = act.now_ms - RECENT_MS if given.over else None
    found = [alert_view(one) for one in alerts.listing(act.connection, within=act.scope, since=since)]
    until = alerts.alive_until(act.connection, SIGN)
    known = any(one["kind"] == Kind.SCHEDULER and not one["cleared_at"] for one in found)
    if 0 < until < act.now_ms and not known:
        # Whoever would raise it is what is silent.
        minutes = (act.now_ms - until) // 60_000
        found.insert(0, _unraised(Kind.SCHEDULER, until, minutes))
    return {"alerts": found}


def alert_view(one: alerts.Raised) -> dict[str, Any]:
    """An alert as people and programs are shown it."""
    return {
        "kind": one.kind,
        "about": one.about,
        "campaign": one.code,
        "title": one.title,
        "figures": dict(one.figures),
        "raised_at": one.raised_at,
        "told_at": one.told_at,
        "cleared_at": one.cleared_at,
    }


def _unraised(kind: Kind, since: int, minutes: int) -> dict[str, Any]:
    nothing = dict.fromkeys(("campaign", "title", "told_at", "cleared_at"))
    return {
        "kind": kind.value,
        "about": kind.value,
        "figures": {"minutes": minutes},
        "raised_at": since,
        **nothing,
    }


# ── the digest ──────────────────────────────────────────────────────────────────────────────────────────────


class Digest(Arguments, frozen=True):
    """Whether to get summaries by themselves; without that it stays as it is, and is told."""

    wanted: bool | None = None


@action("digest.set", Digest)
def set_digest(act: Act, given: Digest) -> dict[str, Any]:
    """Whether the actor gets the summaries that come by themselves. Alerts come all the same."""
    assert act.actor.account_id is not None
    if given.wanted is None:
        return {"wanted": act.actor.account_id not in alerts.without_digest(act.connection)}
    alerts.set_digest(act.connection, act.actor.account_id, given.wanted, act.now_ms)
    return {"wanted": given.wanted}


DIGESTED: Mapping[str, Role] = {
    "digest_ward_staff": Role.WARD_STAFF,
    "digest_officers": Role.OFFICER,
    "digest_administrators": Role.ADMINISTRATOR,
}
"""Parameters that say which roles get summaries."""
TOGETHER = 12
"""Campaigns in one summary."""


def digest_roles(connection: Connection) -> frozenset[Role]:
    """The roles that get summaries by the parameters in force."""
    return frozenset(role for name, role in DIGESTED.items() if parameters.number(connection, name))


MOST_RUNNING = 1_000
"""Campaigns looked at for a summary."""


def running_for(
    connection: Connection, grants: Collection[Grant], today: date
) -> list[tuple[Campaign, set[str] | None]]:
    """The campaigns that run ``today`` where these grants reach, the first to end first, each with the codes
    of the part that they reach (None: all of it).
    """
    found: list[tuple[Campaign, set[str] | None]] = []
    lines = {grant.area: areas.line(connection, grant.area) for grant in grants if grant.area is not None}
    for one in campaigns.listing(connection, statuses=(Status.OPEN, Status.PAUSED), limit=MOST_RUNNING):
        if not one.draft.starts_on <= today <= one.draft.ends_on:
            continue
        if covers(grants, one.area, areas.line(connection, one.area)):
            found.append((one, None))
        elif below := [area for area, line in lines.items() if one.area in line]:
            found.append((one, _below(areas.index(connection), below)))
    return sorted(found, key=lambda pair: (pair[0].draft.ends_on, pair[0].id))


@reading("staff_digest")
def digest(connection: Connection, asked: Mapping[str, Any]) -> dict[str, Any]:
    """All campaigns that run in an account's areas, each in a few figures, as they are at this moment."""
    zone = ZoneInfo(asked["zone"])
    now = datetime.fromtimestamp(asked["now"] / 1000, zone)
    grants = in_force(
        accounts.grants_of(connection, int(asked["account"])), digest_roles(connection), now.date()
    )
    found = running_for(connection, grants, now.date())
    percent = parameters.number(connection, TARGET)
    return {
        "at": now.isoformat(timespec="minutes"),
        "occasions": list(asked["occasions"]),
        "campaigns": [_digested(connection, one, seen, percent, now) for one, seen in found[:TOGETHER]],
        "more": len(found) > TOGETHER,
        "deadlines": [_deadline_view(one) for one in deadlines(connection, now.date()) if one.near],
        "standing": len(alerts.listing(connection, within=scope(grants))) if grants else 0,
    }


def _deadline_view(one: Deadline) -> dict[str, Any]:
    return {"name": one.name, "on": one.on.isoformat(), "days_left": one.days_left}


def _digested(
    connection: Connection, campaign: Campaign, seen: Collection[str] | None, percent: int, now: datetime
) -> dict[str, Any]:
    total = figures(counted.tallies(connection, campaign.id, seen), campaign.draft.mode)
    zone = now.tzinfo
    assert isinstance(zone, ZoneInfo)
    complete = counted.handed_in_by_day(connection, campaign.id, zone, seen)
    week = [complete.get(now.date() - timedelta(days=back), 0) for back in range(1, 8)]
    return {
        "code": campaign.code,
        "title": campaign.draft.title,
        "status": campaign.status.value,
        "mode": campaign.draft.mode.value,
        "ends_on": campaign.draft.ends_on.isoformat(),
        "days_left": (campaign.draft.ends_on - now.date()).days,
        "cases": total.cases,
        "answered": total.answered,
        "started": total.started,
        "last_week": sum(week),
        "forecast": _forecast_view(_forecast(campaign, total, complete, percent, now)),
    }


# ── what alerts are raised by ───────────────────────────────────────────────────────────────────────────────


def outlook(
    connection: Connection, campaign: Campaign, now: datetime
) -> tuple[Figures, Forecast | None, int]:
    """How a campaign stands: its figures, the forecast for the day by which its answers are wanted
    (:func:`surveys.progress.wanted_by`), and how many days are left to that.
    """
    zone = now.tzinfo
    assert isinstance(zone, ZoneInfo)
    draft = campaign.draft
    total = figures(counted.tallies(connection, campaign.id), draft.mode)
    complete = counted.handed_in_by_day(connection, campaign.id, zone)
    percent = parameters.number(connection, TARGET)
    by = wanted_by(draft.starts_on, draft.ends_on, deadlines(connection, now.date()))
    return total, _forecast(campaign, total, complete, percent, now, by), (by - now.date()).days
