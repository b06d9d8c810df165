"""What goes by the clock for staff: alerts raised and cleared, told by day, and summaries that come by
themselves.

Everything is decided anew at each run from what the tables say, so a run that was missed, or done twice,
does no harm: an alert that stands is not raised again, what was told is not told again, and a summary has
one key an account and day.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from bot.actions.progress import SIGN, alert_view, deadlines, digest_roles, outlook, running_for
from bot.contacting import CHANNELS
from bot.readings import Reading, to_wait
from scheduler.jobs import Job
from storage import accounts, alerts, areas, campaigns, contacting, leases, outbox, parameters
from storage import progress as counted
from storage.alerts import Raised
from storage.crypto import Keyring
from storage.database import Database, now_ms
from surveys.alerts import (
    SYSTEM,
    TOLD,
    Alert,
    Kind,
    Limits,
    Running,
    System,
    compare,
    of_campaign,
    of_system,
)
from surveys.areas import AreaKey
from surveys.progress import occasions
from surveys.roles import Grant, covers, in_force

log = logging.getLogger("hoidan.watching")

SECONDS = 60
"""How often the system is looked at, and told of."""
CAMPAIGN_SECONDS = 900
"""How often campaigns are: each takes a count of all its cases."""
DIGEST_SECONDS = 300
SILENT_MS = 600_000
"""After so long without a sign nothing goes by the clock any more."""
HOLDER = "jobs"

ALERTS, DIGEST = "staff.alerts", "staff.digest"

OF_CAMPAIGNS = frozenset({Kind.SILENCE, Kind.COVERAGE})
OF_SYSTEM = frozenset({Kind.DELIVERY, Kind.WORKER, Kind.DEAD_LETTERS, Kind.SCHEDULER})
"""Kinds by the job that raises and clears them. Whoever runs shows by that that the scheduler is alive."""


@dataclass(frozen=True, slots=True)
class Watch:
    """What is needed to watch and to tell."""

    keyring: Keyring
    zone: ZoneInfo
    clock: Callable[[], int] = now_ms

    def local(self, now: int) -> datetime:
        """An instant as the office's clocks show it."""
        return datetime.fromtimestamp(now / 1000, self.zone)


def jobs(watch: Watch) -> tuple[Job, ...]:
    """The jobs that the scheduler's lease holder runs."""
    return (
        Job("watch_system", SECONDS, lambda database: watch_system(database, watch)),
        Job("watch_campaigns", CAMPAIGN_SECONDS, lambda database: watch_campaigns(database, watch)),
        Job("tell_staff", SECONDS, lambda database: tell(database, watch)),
        Job("send_digests", DIGEST_SECONDS, lambda database: send_digests(database, watch)),
    )


# ── raising and clearing ────────────────────────────────────────────────────────────────────────────────────


def limits(connection: Connection) -> Limits:
    """From when on something is an alert, by the parameters in force."""

    def number(name: str) -> int:
        return parameters.number(connection, name)

    return Limits(
        late_minutes=number("alert_late_minutes"),
        undelivered=number("alert_undelivered"),
        silent_hours=number("alert_silent_hours"),
        near_days=number("alert_near_days"),
    )


def watch_system(database: Database, watch: Watch) -> int:
    """Look at channels, tasks and undelivered messages; how many alerts changed. Leaves a sign of life."""
    now = watch.clock()

    def look(connection: Connection) -> list[Alert]:
        found = limits(connection)
        late = now - found.late_minutes * 60_000
        waiting, working = alerts.waiting_tasks(connection, now)
        known = System(
            sending=tuple(
                alerts.sending(connection, name, outbox.standing(connection, name).bulk_until, late)
                for name in CHANNELS
            ),
            task_due_at=waiting,
            working=working,
            undelivered=alerts.undelivered(connection),
        )
        return of_system(known, found, now)

    found = database.read(look)
    database.write(lambda c: leases.take(c, SIGN, HOLDER, now, SILENT_MS), bulk=True)
    return _settle(database, found, OF_SYSTEM, now)


def watch_campaigns(database: Database, watch: Watch) -> int:
    """Look at every campaign that runs; how many alerts changed."""
    now = watch.clock()
    local = watch.local(now)
    running = database.read(lambda c: campaigns.running(c, local.date()))
    found: list[Alert] = []
    for one in running:
        found += database.read(partial(_look_at, campaign_id=one.id, now=now, local=local))
    return _settle(database, found, OF_CAMPAIGNS, now)


def _look_at(connection: Connection, campaign_id: int, now: int, local: datetime) -> list[Alert]:
    campaign = campaigns.expect(connection, campaign_id)
    total, expected, days_left = outlook(connection, campaign, local)
    begins = datetime.combine(campaign.draft.starts_on, datetime.min.time(), local.tzinfo)
    known = Running(
        campaign_id=campaign.id,
        since=max(campaign.opened_at or 0, round(begins.timestamp() * 1000)),
        answered_at=counted.answered_at(connection, campaign.id),
        left=total.broken_off + total.no_reply + total.not_sent + total.undelivered,
        forecast=expected,
        days_left=days_left,
    )
    return of_campaign(known, limits(connection), now)


def _settle(database: Database, found: Iterable[Alert], kinds: Collection[Kind], now: int) -> int:
    """Raise what is new, clear what is over. Most of the time there is nothing to write."""
    found = list(found)
    before = {(one.kind, one.about) for one in database.read(alerts.standing)}
    change = compare(found, before, kinds)
    if not change.raised and not change.over:
        return 0

    def write(connection: Connection) -> int:
        raised = sum(alerts.put(connection, one, now) is not None for one in change.raised)
        return raised + alerts.clear(connection, change.over, now)

    changed = database.write(write, bulk=True)
    for one in change.raised:
        log.warning("alert: %s (%s) %s", one.kind.value, one.about, dict(one.figures))
    for kind, about in change.over:
        log.info("alert is over: %s (%s)", kind, about)
    return changed


# ── telling ─────────────────────────────────────────────────────────────────────────────────────────────────


def tell(database: Database, watch: Watch) -> int:
    """Tell the right members of staff of alerts that stand and were not told, in the hours in which people
    may be written to: what is over by morning is not told at all. How many messages.
    """
    now = watch.clock()
    local = watch.local(now)

    def look(connection: Connection) -> list[Raised]:
        waiting = [one for one in alerts.standing(connection) if one.told_at is None]
        return waiting if waiting and _hours(connection, local) else []

    if not database.read(look):
        return 0

    def write(connection: Connection) -> int:
        found = look(connection)
        told = _recipients(connection, found, local.date())
        reached = alerts.contacts_of(connection, told, CHANNELS)
        drafts = [
            outbox.Draft(
                reached[account].channel,
                reached[account].contact_id,
                f"alerts:{account}:{max(one.id for one in theirs)}",
                ALERTS,
                {"alerts": [alert_view(one) for one in theirs]},
            )
            for account, theirs in sorted(told.items())
            if account in reached
        ]
        outbox.queue(connection, watch.keyring, drafts, now)
        alerts.mark_told(connection, [one.id for one in found], now)
        return len(drafts)

    return database.write(write, bulk=True)


def _hours(connection: Connection, local: datetime) -> bool:
    """Whether staff may be written to now: at the office's hours for people, on any day."""
    hours = contacting.office(connection).hours
    return hours.begins <= local.time() < hours.ends


def _recipients(connection: Connection, found: Iterable[Raised], today: date) -> dict[int, list[Raised]]:
    """Accounts, each with the alerts it is told of."""
    grants = accounts.all_grants(connection)
    told: dict[int, list[Raised]] = {}
    for one in found:
        kind = Kind(one.kind)
        line = () if one.area is None else areas.line(connection, one.area)
        for account, held in grants.items():
            if _concerns(kind, one.area, line, in_force(held, TOLD[kind], today)):
                told.setdefault(account, []).append(one)
    return told


def _concerns(kind: Kind, area: AreaKey | None, line: Collection[AreaKey], held: Collection[Grant]) -> bool:
    return bool(held) if kind in SYSTEM else covers(held, area, line)


# ── summaries ───────────────────────────────────────────────────────────────────────────────────────────────

BEFORE = ("digest_days_first", "digest_days_second", "digest_days_last")


def send_digests(database: Database, watch: Watch) -> int:
    """Send everybody who wants them a summary of all their campaigns, on the days and from the hour on that
    the parameters name: one message an account and day. How many.
    """
    now = watch.clock()
    local = watch.local(now)

    def look(connection: Connection) -> list[outbox.Draft]:
        if local.hour < parameters.number(connection, "digest_hour") or not _hours(connection, local):
            return []
        return _digests(connection, local, watch, now)

    if not database.read(look):
        return 0

    def write(connection: Connection) -> int:
        drafts = look(connection)
        # Who opens the web chat once a month wants the newest alone.
        alerts.drop_older(connection, [one.contact_id for one in drafts], DIGEST, now)
        outbox.queue(connection, watch.keyring, drafts, now)
        return len(drafts)

    return database.write(write, bulk=True)


def _digests(connection: Connection, local: datetime, watch: Watch, now: int) -> list[outbox.Draft]:
    today, roles = local.date(), digest_roles(connection)
    weekday = parameters.number(connection, "digest_weekday")
    before = {parameters.number(connection, name) for name in BEFORE}
    due = deadlines(connection, today)
    nobody = alerts.without_digest(connection)
    wanted: dict[int, tuple[str, ...]] = {}
    for account, held in accounts.all_grants(connection).items():
        grants = in_force(held, roles, today)
        if account in nobody or not grants:
            continue
        running = running_for(connection, grants, today)
        ends = [one.draft.ends_on for one, _ in running]
        why = occasions(today, weekday=weekday, before=before, ends=ends, deadlines=due) if running else ()
        if why:
            wanted[account] = tuple(one.value for one in why)
    keys = {account: f"digest:{account}:{today.isoformat()}" for account in wanted}
    already = alerts.queued_already(connection, keys.values()) if keys else set[str]()
    reached = alerts.contacts_of(connection, wanted, CHANNELS)
    return [
        outbox.Draft(
            one.channel,
            one.contact_id,
            keys[account],
            DIGEST,
            to_wait(Reading("staff_digest", _asked(account, wanted[account], watch, now))),
        )
        for account, one in sorted(reached.items())
        if keys[account] not in already
    ]


def _asked(account: int, why: Collection[str], watch: Watch, now: int) -> Mapping[str, Any]:
    return {"account": account, "occasions": list(why), "now": now, "zone": str(watch.zone)}


# ── whether anybody watches ─────────────────────────────────────────────────────────────────────────────────


async def keep_an_eye(database: Database, watch: Watch, stopping: asyncio.Event) -> None:
    """In every process: say so when nothing goes by the clock any more. Whoever would notice anything else is
    what is silent then, so this is raised and told from here.
    """
    since = watch.clock()
    while not stopping.is_set():
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stopping.wait(), SECONDS)
        if stopping.is_set():
            return
        try:
            await asyncio.to_thread(notice_silence, database, watch, since)
        except Exception as fault:
            log.warning("can't see whether the scheduler is alive: %s", type(fault).__name__)


def notice_silence(database: Database, watch: Watch, since: int) -> bool:
    """Raise and tell that the scheduler is silent; whether it is. ``since``: when this process began to look,
    which is as good as a sign.
    """
    now = watch.clock()
    until = max(database.read(lambda c: alerts.alive_until(c, SIGN)), since + SILENT_MS)
    if until >= now:
        return False
    figures = {"minutes": (now - until) // 60_000}
    silent = Alert(Kind.SCHEDULER, Kind.SCHEDULER.value, None, figures)
    if database.write(lambda c: alerts.put(c, silent, now), bulk=True) is not None:
        log.error("nothing goes by the clock any more: no process runs the scheduler's jobs")
    tell(database, watch)
    return True
