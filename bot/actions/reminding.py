"""Reminding everybody now: staff ask, the rules still say who is left in peace."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from bot import holidays
from bot.actions.campaigns import Reference, of_campaign
from bot.actions.gate import Act, Arguments, action
from bot.contacting import CHANNELS, DAY_MS, rules_of
from bot.readings import Reading, reading
from storage import campaigns, contacting
from surveys.campaigns import Status
from surveys.problems import Problem
from surveys.reminders import REST, Why

if TYPE_CHECKING:
    from sqlalchemy import Connection


class Remind(Arguments, frozen=True):
    """A campaign by id or code. ``sure`` False: only say what it would come to."""

    campaign: Reference
    sure: bool = True


@action("campaign.remind", Remind, of_campaign)
def remind(act: Act, given: Remind) -> Reading:
    """Write to everybody who has not answered, without waiting for the days between messages: within the
    allowed hours, no household more often than allowed, nobody twice a day. How many those are, and how many
    are left out and why. Raises Problem ``campaign_not_running``, ``campaign_not_begun``, ``campaign_ended``.
    """
    campaign = campaigns.expect(act.connection, given.campaign, lock=given.sure)
    draft = campaign.draft
    if campaign.status is not Status.OPEN:
        raise Problem("campaign_not_running", campaign_status=campaign.status.value)
    if act.today < draft.starts_on:
        raise Problem("campaign_not_begun", starts_on=draft.starts_on)
    if act.today > draft.ends_on:
        raise Problem("campaign_ended", ends_on=draft.ends_on)
    if given.sure:
        contacting.urge(act.connection, campaign.id, act.now_ms)
    return Reading(
        "campaign_remind",
        {"campaign": campaign.id, "now": act.now_ms, "zone": str(act.zone), "sure": given.sure},
    )


@reading("campaign_remind")
def _outlook(connection: Connection, arguments: Mapping[str, Any]) -> dict[str, Any]:
    campaign = campaigns.expect(connection, int(arguments["campaign"]))
    now_ms: int = arguments["now"]
    now = datetime.fromtimestamp(now_ms / 1000, ZoneInfo(arguments["zone"]))
    rules = rules_of(connection, campaign)
    found = contacting.outlook(
        connection,
        campaign.id,
        CHANNELS,
        asked_at=now_ms,
        rested=now_ms - round(REST.total_seconds() * 1000),
        per_household=rules.per_household,
        since=now_ms - rules.household_days * DAY_MS,
    )
    begins = rules.hours.next(now, holidays.around(connection, now.date()))
    return {
        "id": campaign.id,
        "code": campaign.code,
        "title": campaign.draft.title,
        "sure": arguments["sure"],
        "wanted": found.pop(Why.WANTED, 0),
        "left_out": {why.value: number for why, number in sorted(found.items())},
        "begins": None if begins is None else begins.isoformat(timespec="minutes"),
        "at_once": begins is not None and begins <= now,
    }
