"""Helping people to answer: staff write down what somebody says, for a case of their own area.

How that was done stays with the interview and its submissions: ``assisted``, when the people asked answered
and staff wrote; ``proxy``, when somebody else answered for them. What people have begun by themselves stays
theirs, until they hand it over with a code from their own device.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any

import msgspec

from bot.actions.campaigns import Reference
from bot.actions.gate import Act, Aim, Arguments, Id, Nothing, action, area_text, reaches
from bot.opening import unit_of
from storage import assists, campaigns, cases, households, interviews, invitations, tokens
from storage.assists import Case
from storage.campaigns import Campaign
from surveys.campaigns import Mode, is_running
from surveys.problems import Problem

HOUR_MS = 3_600_000
WRONG_CODES = 20
"""Wrong codes after which a member of staff has to wait an hour: at this pace nobody guesses one."""
MOST = 30
"""Cases shown at once."""
HANDED_OVER = "elsewhere"
"""The purpose of codes by which people hand their interview over."""


class Way(StrEnum):
    """Whose answers are written down."""

    ASSISTED = "assisted"
    """Those of the people asked."""
    PROXY = "proxy"
    """Those of somebody else about them."""


def view(act: Act, case: Case) -> dict[str, Any]:
    """A case as staff see it who help: whom it is about, how far it is, nothing of any answer."""
    whom = assists.whom(act.connection, act.keyring, case.id)
    campaign = campaigns.expect(act.connection, case.campaign_id)
    return {
        "case": case.id,
        "campaign": campaign.code,
        "title": campaign.draft.title,
        "unit": case.unit,
        "area": area_text(case.area),
        "status": case.status or ("begun" if case.begun else ""),
        "way": case.way,
        "name": whom.name if whom else "",
        "household": whom.household_code if whom else "",
        "relation": whom.relation if whom else "",
        "number": whom.number if whom else 0,
        "neighbourhood": case.neighbourhood,
    }


# ── finding ─────────────────────────────────────────────────────────────────────────────────────────────────


class Find(Arguments, frozen=True):
    """Whom to help: a ``personal`` code as *(case, tag in hexadecimal)*, or the ``household``'s own code in
    the office's list; ``campaign`` narrows it down.
    """

    personal: tuple[Id, Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{10}$")]] | None = None
    household: Annotated[str, msgspec.Meta(max_length=60)] = ""
    campaign: Reference | None = None


@action("case.find", Find)
def find(act: Act, given: Find) -> dict[str, Any]:
    """The cases of a code, in the actor's areas and in campaigns that run. Raises Problem ``assist_unknown``,
    also for one that is elsewhere; ``assist_wait`` after too many wrong codes.
    """
    contact_id = act.actor.contact_id
    since = act.now_ms - HOUR_MS
    if contact_id is not None and invitations.wrong(act.connection, contact_id, since) >= WRONG_CODES:
        raise Problem("assist_wait", status=429)
    campaign = None if given.campaign is None else campaigns.expect(act.connection, given.campaign)
    found = _of_code(act, given) if given.personal is not None else _of_household(act, given, campaign)
    mine = [case for case in found if reaches(act, case.area) and _runs(act, case)]
    if not mine:
        if contact_id is not None:
            invitations.note_wrong(act.connection, contact_id, act.now_ms, since)
        return {"cases": []}
    return {"cases": [view(act, case) for case in mine[:MOST]], "more": max(0, len(mine) - MOST)}


def _of_code(act: Act, given: Find) -> list[Case]:
    assert given.personal is not None
    number, tag = given.personal
    found = invitations.find(act.connection, act.keyring, number, bytes.fromhex(tag))
    case = None if found is None or found.withdrawn else assists.case(act.connection, found.case_id)
    return [case] if case is not None else []


def _of_household(act: Act, given: Find, campaign: Campaign | None) -> list[Case]:
    if not given.household.strip():
        raise Problem("argument_missing", field="household")
    ids = households.find(act.connection, act.keyring, act.scope, code=given.household)
    now = {cases.household_now(act.connection, key) for key in ids} - {None}
    wanted = sorted({*ids, *(key for key in now if key is not None)})
    return (
        assists.of_households(act.connection, wanted, campaign.id if campaign is not None else None)
        if wanted
        else []
    )


def _runs(act: Act, case: Case) -> bool:
    campaign = campaigns.expect(act.connection, case.campaign_id)
    return is_running(campaign.status, campaign.draft.starts_on, campaign.draft.ends_on, act.today)


class Look(Arguments, frozen=True):
    """A case, by its number."""

    case: Id


def _of_case(act: Act, given: Look) -> Aim:
    case = assists.case(act.connection, given.case)
    if case is None:
        raise Problem("assist_unknown", status=404, case=given.case)
    return Aim((case.area,), f"case:{case.id}")


@action("case.look", Look, _of_case)
def look(act: Act, given: Look) -> dict[str, Any]:
    """Whom a case is about, and how far it is."""
    case = assists.case(act.connection, given.case)
    assert case is not None
    return view(act, case)


# ── helping ─────────────────────────────────────────────────────────────────────────────────────────────────


class Assist(Arguments, frozen=True):
    """Whom to help, and how. Without a ``case`` somebody who is in no list, in an open ``campaign``;
    ``handover`` is the code by which people hand over what they have begun.
    """

    way: Way
    case: Id | None = None
    campaign: Reference | None = None
    handover: Annotated[str, msgspec.Meta(max_length=20)] = ""


def _aim(act: Act, given: Assist) -> Aim:
    if given.case is not None:
        case = assists.case(act.connection, given.case)
        if case is None:
            raise Problem("assist_unknown", status=404, case=given.case)
        return Aim((case.area,), f"case:{case.id}")
    if given.campaign is not None:
        campaign = campaigns.expect(act.connection, given.campaign)
        return Aim((campaign.area,), f"campaign:{campaign.id}")
    # A handover alone: the area of what it leads to is looked at when it is used.
    return Aim()


@action("case.assist", Assist, _aim)
def assist(act: Act, given: Assist) -> dict[str, Any]:
    """Begin to write down somebody's answers, or go on with it. Raises Problem ``assist_unknown``,
    ``assist_not_running``, ``assist_answered`` (they have answered by themselves), ``assist_begun`` (they
    have begun), ``assist_open`` (a campaign with a frame asks nobody who is not in it), ``assist_handover``,
    ``assist_in_chat``.
    """
    account_id, contact_id = act.actor.account_id, act.actor.contact_id
    if account_id is None or contact_id is None:
        raise Problem("assist_in_chat")
    new = given.case is None and given.campaign is not None
    case = _new(act, given) if new else _known(act, given)
    if not _runs(act, case):
        raise Problem("assist_not_running")
    mine = assists.get(act.connection, case.id, account_id)
    own = case.held and case.way in ("", "self") and mine is None
    if own and case.status == "submitted":
        raise Problem("assist_answered")
    if own and case.begun and not given.handover:
        raise Problem("assist_begun")
    way = given.way.value
    assists.help_with(act.connection, case.id, account_id, contact_id, way, act.now_ms)
    interviews.set_way(act.connection, act.keyring, case.id, way, act.now_ms)
    return {**view(act, case), "way": way}


def _new(act: Act, given: Assist) -> Case:
    assert given.campaign is not None
    campaign = campaigns.expect(act.connection, given.campaign)
    if campaign.draft.mode is not Mode.OPEN:
        raise Problem("assist_open", title=campaign.draft.title)
    unit = unit_of(act.connection, campaign.draft.instrument_id).value
    key = assists.new_case(act.connection, campaign.id, campaign.area[1], unit, act.now_ms)
    made = assists.case(act.connection, key)
    assert made is not None
    return made


def _known(act: Act, given: Assist) -> Case:
    key = given.case
    if given.handover:
        key = tokens.use_for_case(act.connection, HANDED_OVER, given.handover, act.now_ms)
        if key is None:
            raise Problem("assist_handover")
    case = None if key is None else assists.case(act.connection, key)
    if case is None or not reaches(act, case.area):
        raise Problem("assist_unknown", status=404, case=key or 0)
    return case


@action("case.assisted", Nothing)
def assisted(act: Act, given: Nothing) -> dict[str, Any]:
    """What the actor has begun to write down and not handed in, the newest first."""
    account_id = act.actor.account_id
    found = assists.open_of(act.connection, account_id, MOST) if account_id is not None else []
    return {"cases": [view(act, case) for case in found if reaches(act, case.area)]}
