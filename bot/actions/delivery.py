"""Messages that could not be delivered: seen, sent once more, or given up, by those who run the campaign."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import Annotated, Any

import msgspec

from bot.actions.campaigns import Reference
from bot.actions.gate import Act, Aim, Arguments, Id, action
from storage import campaigns, undelivered
from storage.campaigns import Campaign
from surveys.problems import Problem

GIVEN_UP = "given up by staff"
"""Why a message was dropped that somebody gave up."""


class State(StrEnum):
    """How a message was not delivered."""

    FAILED = "failed"
    """The platform does not take it."""
    UNKNOWN = "unknown"
    """It may have arrived: nothing but a member of staff sends it once more."""


class Which(Arguments, frozen=True):
    """Of one campaign or of all, in one state or in both."""

    campaign: Reference | None = None
    state: State | None = None
    limit: Annotated[int, msgspec.Meta(ge=1, le=500)] = 50


class Choose(Arguments, frozen=True):
    """Messages by their numbers; or those of a campaign in a state, ``failed`` where none is named."""

    messages: Annotated[tuple[Id, ...], msgspec.Meta(max_length=500)] = ()
    campaign: Reference | None = None
    state: State | None = None


def _states(state: State | None) -> Sequence[str]:
    return undelivered.STATES if state is None else (state.value,)


def _campaign(act: Act, wanted: int | str | None) -> Campaign | None:
    return None if wanted is None else campaigns.expect(act.connection, wanted)


def _of_which(act: Act, given: Which) -> Aim:
    campaign = _campaign(act, given.campaign)
    return Aim() if campaign is None else Aim((campaign.area,), f"campaign:{campaign.id}")


@action("delivery.list", Which, _of_which)
def listing(act: Act, given: Which) -> dict[str, Any]:
    """What could not be delivered in the actor's areas: counted by campaign and reason, and the newest one
    by one. Nobody's address or words are among it.
    """
    campaign = _campaign(act, given.campaign)
    campaign_id = None if campaign is None else campaign.id
    chosen: dict[str, Any] = {
        "within": act.scope,
        "campaign_id": campaign_id,
        "states": _states(given.state),
    }
    groups = undelivered.groups(act.connection, **chosen)
    return {
        "total": sum(group.number for group in groups),
        "groups": [
            {
                "campaign": group.campaign_id,
                "code": group.campaign_code,
                "title": group.campaign_title,
                "channel": group.channel,
                "state": group.state,
                "fault": group.fault,
                "number": group.number,
            }
            for group in groups
        ],
        "messages": [
            {
                "id": one.id,
                "state": one.state,
                "channel": one.channel,
                "contact": one.contact_id,
                "bulk": one.bulk,
                "fault": one.fault,
                "attempts": one.attempts,
                "at": one.at,
                "campaign": one.campaign_id,
                "code": one.campaign_code,
            }
            for one in undelivered.listing(act.connection, limit=given.limit, **chosen)
        ],
    }


def _of_chosen(act: Act, given: Choose) -> Aim:
    campaign = _campaign(act, given.campaign)
    if campaign is not None and not given.messages:
        return Aim((campaign.area,), f"campaign:{campaign.id}")
    if campaign is not None or not given.messages:
        raise Problem("delivery_which")
    found = undelivered.areas_of(act.connection, given.messages)
    for key in given.messages:
        if key not in found:
            raise Problem("message_unknown", status=404, message=key)
    # What belongs to no campaign concerns everywhere (None).
    return Aim(tuple(dict.fromkeys(found.values())), ",".join(f"message:{key}" for key in given.messages[:5]))


def _chosen(act: Act, given: Choose) -> dict[str, Any]:
    if given.messages:
        return {"ids": list(given.messages), "states": _states(given.state)}
    campaign = _campaign(act, given.campaign)
    assert campaign is not None
    return {"campaign_id": campaign.id, "states": _states(given.state or State.FAILED)}


@action("delivery.retry", Choose, _of_chosen, bulk=True)
def retry(act: Act, given: Choose) -> dict[str, Any]:
    """Send messages once more, from the first try on. Those of a campaign that is over are dropped all the
    same. Raises Problem ``delivery_which``, ``message_unknown``.
    """
    return {"retried": undelivered.retry(act.connection, act.now_ms, **_chosen(act, given))}


@action("delivery.drop", Choose, _of_chosen, bulk=True)
def drop(act: Act, given: Choose) -> dict[str, Any]:
    """Give messages up for good. Raises Problem ``delivery_which``, ``message_unknown``."""
    return {"dropped": undelivered.drop(act.connection, act.now_ms, GIVEN_UP, **_chosen(act, given))}
