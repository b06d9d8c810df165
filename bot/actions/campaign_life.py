"""What happens to a campaign: looked at before it begins, approved, opened, paused, extended, closed,
archived; and a unit of its sample replaced by the next of the reserve.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any
from zoneinfo import ZoneInfo

import msgspec

from bot import holidays
from bot.actions.campaigns import (
    One,
    Reference,
    campaign_view,
    check_area,
    of_campaign,
    quotas_view,
    view,
)
from bot.actions.gate import Act, Arguments, Id, action, may
from bot.contacting import message
from bot.leaflets import chat_link
from bot.messages import ABILITIES
from bot.opening import (
    SMALL,
    first_contact,
    frame_of,
    instrument_of,
    is_opening,
    open_at_once,
    rules_of,
    unit_of,
)
from bot.pacing import RESERVE
from bot.readings import Reading, reading
from bot.settings import load
from bot.texts import LANGUAGES
from storage import (
    accounts,
    areas,
    campaigns,
    contacting,
    frames,
    messages,
    openings,
    outbox,
    parameters,
    tasks,
)
from storage.campaigns import Campaign
from surveys.areas import AreaKey
from surveys.campaigns import (
    Mode,
    Status,
    Step,
    after,
    check_approval,
    check_extension,
    check_opening,
    missing,
)
from surveys.deadlines import DEADLINES, LEAD, upcoming
from surveys.designs import Strata, planned
from surveys.dispositions import Disposition
from surveys.problems import Problem
from surveys.progress import natural
from surveys.roles import MAY, Role

if TYPE_CHECKING:
    from sqlalchemy import Connection


# ── before ──────────────────────────────────────────────────────────────────────────────────────────────────

SHOWN_STRATA = 30
"""Strata that a preview lists; of more it says how many there are."""

CHANNELS = ("telegram", "webchat")
"""Channels that take messages of our own accord."""
PACED = frozenset({"telegram"})
"""Those with a pace (setting ``CHANNEL_per_second``) and a price (parameter ``CHANNEL_message_price``)."""


@action("campaign.preview", One, of_campaign)
def preview(act: Act, given: One) -> Reading:
    """Whom the campaign would ask: how many, who is left out and why, by which channels they are reached,
    what they would read, how long sending takes and what it costs; which reports are due until its end;
    whether somebody else has to approve, who could, and what the actor may do next.
    """
    campaign = campaigns.expect(act.connection, given.campaign)
    arguments = {
        "campaign": campaign.id,
        "now": act.now_ms,
        "zone": str(act.zone),
        "approvers": approvers(act, campaign),
        "may": offered(act, campaign),
    }
    return Reading("campaign_preview", arguments)


_APPROVING = (Role.APPROVER, Role.OFFICER, Role.ADMINISTRATOR)
"""Who is asked to approve, in this order: the next only where there is none of the one before."""
NAMED = 3
"""Names of staff in one sentence."""


def _asked_to_approve(act: Act, campaign: Campaign) -> list[messages.Answering]:
    """The contacts of those who could approve a draft, of the first role that has any."""
    line = areas.line(act.connection, campaign.area)
    own = (campaign.created_by, campaign.changed_by)
    assert set(_APPROVING) == MAY["campaign.approve"]
    found = [
        one
        for one in messages.answering(act.connection, _APPROVING, line, act.today)
        if one.account_id not in own
    ]
    first = next((role for role in _APPROVING if any(one.role is role for one in found)), None)
    return [one for one in found if one.role is first]


def approvers(act: Act, campaign: Campaign) -> list[str]:
    """The names of some who could approve a draft and can be written to."""
    ids = list(dict.fromkeys(one.account_id for one in _asked_to_approve(act, campaign)))[:NAMED]
    known = [accounts.get(act.connection, act.keyring, key) for key in ids]
    return [one.name for one in known if one is not None]


OFFERED = (
    "campaign.open",
    "campaign.approve",
    "campaign.ask_approval",
    "campaign.pause",
    "campaign.leaflets",
    "campaign.remind",
    "campaign.waiting",
    "campaign.progress",
)
"""What there are buttons for."""


def offered(act: Act, campaign: Campaign) -> list[str]:
    """Those of :data:`OFFERED` that the actor may do; nobody approves what they made."""
    own = act.actor.account_id in (None, campaign.created_by, campaign.changed_by)
    return [
        name for name in OFFERED if not (own and name == "campaign.approve") and may(act, name, campaign.area)
    ]


@reading("campaign_preview")
def _preview(connection: Connection, arguments: Mapping[str, Any]) -> dict[str, Any]:
    campaign = campaigns.expect(connection, int(arguments["campaign"]))
    now = datetime.fromtimestamp(arguments["now"] / 1000, ZoneInfo(arguments["zone"]))
    threshold = parameters.number(connection, "approval_cases")
    shown = view(connection, campaign, now.date())
    base = {
        **shown,
        "unit": unit_of(connection, campaign.draft.instrument_id).value,
        "missing": list(missing(campaign.draft.legal)),
        "may": list(arguments.get("may", ())),
        "deadlines": _due_until_then(connection, campaign, now.date()),
        "quotas": quotas_view(connection, campaign),
    }
    named = list(arguments.get("approvers", ()))
    if campaign.draft.mode is Mode.OPEN:
        nobody: dict[str, Any] = dict.fromkeys(("frame", "cases", "left_out", "reach", "sending"))
        approval = _approval(campaign, 0, threshold, named)
        return {**base, **nobody, "strata": [], "messages": [], "approval": approval}
    frame = frame_of(connection, campaign)
    design = campaign.draft.design
    sizes = frames.strata(connection, frame, design.strata)
    total = sum(sizes.values())
    strata: list[dict[str, Any]] = []
    size, problem = total, None
    if campaign.draft.mode is Mode.SAMPLE:
        try:
            plan = planned(design, sizes)
        except Problem as refused:
            problem, size = refused, 0
        else:
            size = sum(plan.sample.values())
            if design.strata is not Strata.NONE:
                strata = [
                    {"stratum": name, "frame": number, "sample": plan.sample[name]}
                    for name, number in sorted(sizes.items(), key=lambda one: natural(one[0]))
                ]
    about_others = instrument_of(connection, campaign.draft.instrument_id).about_others
    reach = frames.reach(connection, frame)
    share = size / total if total else 0.0
    reached = {name: round(number * share) for name, number in reach.channels.items()}
    return {
        **base,
        "frame": total,
        "cases": size,
        "problem": None if problem is None else {"code": problem.code, "params": dict(problem.params)},
        "strata": strata[:SHOWN_STRATA],
        "strata_in_all": len(strata),
        "left_out": msgspec.to_builtins(frames.left_out(connection, frame)),
        "reach": {
            "channels": reached,
            "reached": round(reach.reached * share),
            "no_contact": round(reach.no_contact * share),
            "blocked": round(reach.blocked * share),
            "opted_out": round(reach.opted_out * share),
            "estimated": share < 1,
        },
        "messages": [
            {
                "channel": channel,
                "language": language,
                "text": sample_message(campaign, channel, language, about_others=about_others),
            }
            for channel in (*(name for name in CHANNELS if reached.get(name)),) or CHANNELS[:1]
            for language in LANGUAGES
        ],
        "sending": _sending(connection, campaign, reached, now),
        "approval": _approval(campaign, size, threshold, named),
    }


def _due_until_then(connection: Connection, campaign: Campaign, today: date) -> list[dict[str, Any]]:
    """The reports that are due soon or before the campaign ends; ``late`` where it ends after that day."""
    days = parameters.numbers(connection, DEADLINES)
    lead, ends = parameters.number(connection, LEAD), campaign.draft.ends_on
    return [
        {"name": one.name, "on": one.on.isoformat(), "days_left": one.days_left, "late": one.on < ends}
        for one in upcoming(days, lead, today)
        if one.near or one.on < ends
    ]


def _approval(campaign: Campaign, size: int, threshold: int, named: list[str]) -> dict[str, Any]:
    """Whether another account has to approve before the campaign opens."""
    try:
        check_approval(size, threshold, campaign.approved_size)
        needed = False
    except Problem:
        needed = True
    return {
        "threshold": threshold,
        "needed": needed,
        "approved_size": campaign.approved_size,
        "approved_by": campaign.approved_by,
        "approvers": named,
    }


def sample_message(campaign: Campaign, channel: str, language: str, *, about_others: bool) -> str:
    """An invitation as somebody on this channel would read it, with the campaign's own code. What asks about
    other people is not answered over a platform abroad, unless that was filed: it leads to our own page.
    """
    home = ABILITIES[channel].country == "VN" or bool(campaign.draft.legal.transfer_file)
    params = {
        "title": campaign.draft.title,
        "office": campaign.draft.legal.controller or "…",
        "code": campaign.code,
        "ends": f"{campaign.draft.ends_on:%d/%m/%Y}",
        "days": (campaign.draft.ends_on - campaign.draft.starts_on).days,
        "link": chat_link(load().public_url, campaign.code) if about_others and not home else "",
    }
    return message("contact.invite", params, language, ABILITIES[channel]).text


def _sending(
    connection: Connection, campaign: Campaign, reached: Mapping[str, int], now: datetime
) -> dict[str, Any]:
    """When the invitations would go out, how long that takes at each channel's rate, and what they cost."""
    zone, days = ZoneInfo(str(now.tzinfo)), holidays.around(connection, now.date())
    begins_ms = first_contact(connection, campaign, round(now.timestamp() * 1000), zone, days)
    rules = rules_of(connection, campaign)
    pace, seconds, cost = load(), 0, 0
    for channel in PACED & set(reached):
        # Beside live replies, which is what a campaign brings about.
        rate = max(1, getattr(pace, f"{channel}_per_second") - RESERVE)
        seconds = max(seconds, math.ceil(reached[channel] / rate))
        cost += reached[channel] * parameters.number(connection, f"{channel}_message_price")
    begins = None if begins_ms is None else datetime.fromtimestamp(begins_ms / 1000, now.tzinfo)
    if begins is not None and begins.date() > campaign.draft.ends_on:
        # Nobody is written to after the last day: then a case is only looked at for the last time.
        begins = None
    ends = None if begins is None else rules.hours.after(begins, seconds, days)
    return {
        "messages": sum(reached.values()),
        "begins": None if begins is None else begins.isoformat(timespec="minutes"),
        "ends": None if ends is None else ends.isoformat(timespec="minutes"),
        "seconds": seconds,
        "cost": cost,
        "most_per_case": 1 + rules.most,
    }


@action("campaign.ask_approval", One, of_campaign)
def ask_approval(act: Act, given: One) -> dict[str, Any]:
    """Ask those who can approve a draft to look at it; ``asked`` are their names. Raises Problem
    ``campaign_approval_late`` (it is no draft any more), ``campaign_no_approver`` (nobody who may can be
    written to).
    """
    campaign = campaigns.expect(act.connection, given.campaign)
    if campaign.status is not Status.DRAFT:
        raise Problem("campaign_approval_late", title=campaign.draft.title)
    account_id = act.actor.account_id
    asked = [one for one in _asked_to_approve(act, campaign) if one.account_id != account_id]
    if not asked:
        raise Problem("campaign_no_approver")
    account = None if account_id is None else accounts.get(act.connection, act.keyring, account_id)
    told = {
        "code": campaign.code,
        "title": campaign.draft.title,
        "area_title": _title_of(act.connection, campaign.area),
        "who": account.name if account is not None else "",
    }
    to = dict.fromkeys((one.contact_id, one.channel) for one in asked)
    _tell(act, campaign, "life.approval_asked", told, list(to))
    return {**campaign_view(act, campaign), "asked": approvers(act, campaign)}


def _title_of(connection: Connection, area: AreaKey) -> str:
    found = areas.get(connection, area)
    return area[1] if found is None else found.title


def _tell(
    act: Act, campaign: Campaign, message: str, told: Mapping[str, Any], to: Sequence[tuple[int, str]]
) -> None:
    """Write to contacts of staff about a campaign."""
    drafts = [
        outbox.Draft(
            channel=channel,
            contact_id=contact_id,
            key=f"{message}:{campaign.id}:{act.now_ms}:{contact_id}",
            message=message,
            params=told,
            campaign_id=campaign.id,
        )
        for contact_id, channel in to
    ]
    if drafts:
        outbox.queue(act.connection, act.keyring, drafts, act.now_ms)


class Approve(Arguments, frozen=True):
    """``size`` is how many cases the one who approves was shown: of more the campaign won't be opened."""

    campaign: Reference
    size: Annotated[int, msgspec.Meta(ge=1, le=10_000_000)]


@action("campaign.approve", Approve, of_campaign)
def approve(act: Act, given: Approve) -> dict[str, Any]:
    """Approve a draft of up to so many cases; whoever made or last changed it is told. They can't approve it
    themselves: Problem ``campaign_approve_own``.
    """
    campaign = campaigns.expect(act.connection, given.campaign, lock=True)
    if campaign.status is not Status.DRAFT:
        raise Problem("campaign_approval_late", title=campaign.draft.title)
    if act.actor.account_id in (None, campaign.created_by, campaign.changed_by):
        raise Problem("campaign_approve_own", status=403)
    campaigns.note(
        act.connection,
        campaign.id,
        approved_by=act.actor.account_id,
        approved_at=act.now_ms,
        approved_size=given.size,
    )
    shown = campaign_view(act, campaigns.expect(act.connection, campaign.id))
    assert act.actor.account_id is not None
    account = accounts.get(act.connection, act.keyring, act.actor.account_id)
    told = {**shown, "by": account.name if account is not None else "", "may": ["campaign.open"]}
    authors = dict.fromkeys(key for key in (campaign.created_by, campaign.changed_by) if key is not None)
    to = [contact for key in authors for contact in messages.contacts_of(act.connection, key)]
    _tell(act, campaign, "life.approved", told, list(dict.fromkeys(to)))
    return {**shown, "may": offered(act, campaign)}


# ── opening ─────────────────────────────────────────────────────────────────────────────────────────────────

TASK = "campaign_open"


@action("campaign.open", One, of_campaign)
def open_campaign(act: Act, given: One) -> dict[str, Any]:
    """Open a draft: from its first day on, people may come in by its code. Of a frame that is large the cases
    are made by a task (``opening`` is true then), which also says if it can't be opened after all.

    Raises Problem ``campaign_status``, ``campaign_opening`` (somebody is at it), ``frame_empty``,
    ``campaign_approval_needed``, ``campaign_approval_outgrown``, and what
    :func:`surveys.campaigns.check_opening` and :func:`surveys.designs.planned` raise.
    """
    campaign = campaigns.expect(act.connection, given.campaign, lock=True)
    after(campaign.status, Step.OPEN)
    if is_opening(campaign, act.now_ms):
        raise Problem("campaign_opening", title=campaign.draft.title)
    draft = campaign.draft
    check_area(act, draft.area, draft.starts_on)
    check_opening(
        legal=draft.legal,
        starts_on=draft.starts_on,
        ends_on=draft.ends_on,
        reference_date=draft.reference_date,
        has_consent_form=draft.consent_id is not None,
        today=act.today,
    )
    if draft.mode is Mode.OPEN:
        opened = campaigns.set_status(act.connection, campaign.id, Status.OPEN, act.now_ms)
        return {**campaign_view(act, opened), "opening": False}
    frame = frame_of(act.connection, campaign)
    least = frames.count(act.connection, frame, SMALL + 1)
    if not least:
        raise Problem("frame_empty")
    if least <= SMALL:
        opened = open_at_once(act.connection, campaign, frame, act.now_ms, act.zone)
        return {**campaign_view(act, opened), "opening": False}
    if draft.mode is Mode.SAMPLE:
        least = draft.design.size or sum(draft.design.sizes.values())
    # What is known to be too many is refused here and now; the rest is counted beside the lanes.
    threshold = parameters.number(act.connection, "approval_cases")
    check_approval(least, threshold, campaign.approved_size)
    campaigns.note(act.connection, campaign.id, opening_at=act.now_ms)
    return {**campaign_view(act, campaign), "opening": True, "task": _queue(act, campaign)}


def _queue(act: Act, campaign: Campaign) -> int:
    return tasks.queue(
        act.connection,
        act.keyring,
        TASK,
        {"campaign": campaign.id},
        act.actor.account_id,
        act.actor.contact_id,
        act.now_ms,
    )


# ── while it runs ───────────────────────────────────────────────────────────────────────────────────────────


def _step(act: Act, given: One, step: Step) -> Campaign:
    campaign = campaigns.expect(act.connection, given.campaign, lock=True)
    status = after(campaign.status, step)
    return campaigns.set_status(act.connection, campaign.id, status, act.now_ms)


@action("campaign.pause", One, of_campaign)
def pause(act: Act, given: One) -> dict[str, Any]:
    """Pause a campaign: nobody is written to or asked until it is resumed. Its cases stay as they are."""
    return campaign_view(act, _step(act, given, Step.PAUSE))


@action("campaign.resume", One, of_campaign)
def resume(act: Act, given: One) -> dict[str, Any]:
    """Go on with a paused campaign; or with making the cases of one whose opening was broken off."""
    campaign = campaigns.expect(act.connection, given.campaign, lock=True)
    framed = campaign.draft.mode is not Mode.OPEN
    if framed and campaign.made_at is None and campaign.status in (Status.OPEN, Status.PAUSED):
        _queue(act, campaign)
        if campaign.status is Status.OPEN:
            return {**campaign_view(act, campaign), "opening": True}
    return {**campaign_view(act, _step(act, given, Step.RESUME)), "opening": False}


class Extend(Arguments, frozen=True):
    """The new last day."""

    campaign: Reference
    ends_on: date


@action("campaign.extend", Extend, of_campaign)
def extend(act: Act, given: Extend) -> dict[str, Any]:
    """Let an open or paused campaign run longer, also one whose last day has passed. ``before`` is its former
    last day. Raises Problem ``campaign_extension``, ``campaign_dates``, ``campaign_not_running``.
    """
    campaign = campaigns.expect(act.connection, given.campaign, lock=True)
    if campaign.status not in (Status.OPEN, Status.PAUSED):
        raise Problem("campaign_not_running", campaign_status=campaign.status.value)
    draft = campaign.draft
    check_extension(draft.starts_on, draft.ends_on, given.ends_on, act.today)
    made = campaigns.amend(act.connection, campaign.id, replace(draft, ends_on=given.ends_on))
    contacting.look_again(act.connection, campaign.id)
    return {**campaign_view(act, made), "before": draft.ends_on.isoformat()}


@action("campaign.close", One, of_campaign)
def close(act: Act, given: One) -> dict[str, Any]:
    """Close a campaign for good: nobody is asked any more."""
    return campaign_view(act, _step(act, given, Step.CLOSE))


@action("campaign.archive", One, of_campaign)
def archive(act: Act, given: One) -> dict[str, Any]:
    """Put a closed campaign away: it is not listed unless asked for."""
    return campaign_view(act, _step(act, given, Step.ARCHIVE))


# ── replacement ─────────────────────────────────────────────────────────────────────────────────────────────


class Reason(StrEnum):
    """Why a unit of a sample is lost."""

    REFUSED = "refused"
    NOT_FOUND = "not_found"
    ABSENT = "absent"
    MOVED = "moved"
    UNABLE = "unable"


_LOST: Mapping[Reason, Disposition] = {
    Reason.REFUSED: Disposition.REFUSED,
    Reason.NOT_FOUND: Disposition.UNDELIVERED,
    Reason.ABSENT: Disposition.NO_REPLY,
    Reason.MOVED: Disposition.OUT_OF_SCOPE,
    Reason.UNABLE: Disposition.OTHER,
}


class Replace(Arguments, frozen=True):
    """Which case of a sample is lost, and why."""

    campaign: Reference
    case: Id
    reason: Reason


@action("campaign.replace", Replace, of_campaign)
def replace_case(act: Act, given: Replace) -> dict[str, Any]:
    """Take the next unit of the reserve in place of one that is lost: the next in the order of the draw,
    whoever that is. ``replacement`` is its case.

    Raises Problem ``case_unknown``, ``case_not_of_sample``, ``case_answered``, ``case_replaced``,
    ``reserve_empty``, ``campaign_not_running``.
    """
    campaign = campaigns.expect(act.connection, given.campaign, lock=True)
    if campaign.status not in (Status.OPEN, Status.PAUSED):
        raise Problem("campaign_not_running", campaign_status=campaign.status.value)
    lost = openings.replaceable(act.connection, campaign.id, given.case)
    made = openings.replace(
        act.connection,
        lost,
        unit_of(act.connection, campaign.draft.instrument_id),
        _LOST[given.reason].value,
        act.now_ms,
        first_contact(act.connection, campaign, act.now_ms, act.zone),
    )
    return {
        "campaign": campaign.code,
        "title": campaign.draft.title,
        "case": lost.id,
        "reason": given.reason.value,
        "replacement": made,
    }
