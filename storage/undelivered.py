"""Messages that could not be delivered, for staff: what they are, how many, and what is to become of them.

``failed``: the platform will not take it, or not after many tries. ``unknown``: it may have arrived; nothing
repeats it but a member of staff who says so.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, func, select, text, update

from storage import signals
from storage.areas import inside
from storage.schema import campaigns, outbox
from surveys.areas import AreaKey

STATES = ("failed", "unknown")
_AT_A_TIME = 500
"""Ids of one statement."""
_UNDELIVERED = text("outbox.state IN ('failed', 'unknown')")
"""Written out, so that the partial index is used; a literal column would become a comparison with 1."""


@dataclass(frozen=True, slots=True)
class Undelivered:
    """A message that could not be delivered. ``fault``: why, in the platform's words or ours."""

    id: int
    state: str
    channel: str
    contact_id: int
    message: str
    fault: str
    attempts: int
    bulk: bool
    at: int
    campaign_id: int | None
    campaign_code: str | None
    campaign_title: str | None


@dataclass(frozen=True, slots=True)
class Group:
    """How many messages of a campaign could not be delivered for one reason."""

    campaign_id: int | None
    campaign_code: str | None
    campaign_title: str | None
    channel: str
    state: str
    fault: str
    number: int


def _within(within: Collection[AreaKey] | None) -> list[ColumnElement[bool]]:
    """Of campaigns in these areas; what belongs to no campaign is only theirs who see everything."""
    if within is None:
        return []
    return [inside(campaigns.c.area_vintage, campaigns.c.area_code, within)]


def _chosen(
    statement: Select[Any],
    within: Collection[AreaKey] | None,
    campaign_id: int | None,
    states: Collection[str],
) -> Select[Any]:
    statement = (
        statement.select_from(outbox.join(campaigns, campaigns.c.id == outbox.c.campaign_id, isouter=True))
        .where(_UNDELIVERED, outbox.c.state.in_(sorted(states)))
        .where(*_within(within))
    )
    return statement if campaign_id is None else statement.where(outbox.c.campaign_id == campaign_id)


def listing(
    connection: Connection,
    *,
    within: Collection[AreaKey] | None = None,
    campaign_id: int | None = None,
    states: Collection[str] = STATES,
    limit: int = 100,
) -> list[Undelivered]:
    """The newest first; of campaigns in the areas ``within`` and below (None: everything)."""
    statement = _chosen(
        select(
            outbox.c.id,
            outbox.c.state,
            outbox.c.channel,
            outbox.c.contact_id,
            outbox.c.message,
            func.coalesce(outbox.c.fault, ""),
            outbox.c.attempts,
            outbox.c.bulk,
            outbox.c.changed_at,
            outbox.c.campaign_id,
            campaigns.c.code,
            campaigns.c.title,
        ),
        within,
        campaign_id,
        states,
    )
    rows = connection.execute(statement.order_by(outbox.c.id.desc()).limit(limit))
    return [Undelivered(*row) for row in rows]


def groups(
    connection: Connection,
    *,
    within: Collection[AreaKey] | None = None,
    campaign_id: int | None = None,
    states: Collection[str] = STATES,
) -> list[Group]:
    """The same counted by campaign, channel, state and reason, the most frequent first."""
    by = (
        outbox.c.campaign_id,
        campaigns.c.code,
        campaigns.c.title,
        outbox.c.channel,
        outbox.c.state,
        func.coalesce(outbox.c.fault, ""),
    )
    statement = _chosen(select(*by, func.count()), within, campaign_id, states).group_by(*by)
    found = [Group(*row) for row in connection.execute(statement)]
    return sorted(found, key=lambda one: (-one.number, one.campaign_id or 0, one.state, one.fault))


def areas_of(connection: Connection, ids: Sequence[int]) -> dict[int, AreaKey | None]:
    """The area of the campaign of each of these messages that could not be delivered; None: of no
    campaign.
    """
    found: dict[int, AreaKey | None] = {}
    for start in range(0, len(ids), _AT_A_TIME):
        statement = (
            select(outbox.c.id, campaigns.c.area_vintage, campaigns.c.area_code)
            .select_from(outbox.join(campaigns, campaigns.c.id == outbox.c.campaign_id, isouter=True))
            .where(outbox.c.id.in_(ids[start : start + _AT_A_TIME]), outbox.c.state.in_(STATES))
        )
        for row_id, vintage, code in connection.execute(statement):
            found[row_id] = None if vintage is None else (vintage, code)
    return found


def retry(
    connection: Connection,
    now: int,
    *,
    ids: Sequence[int] | None = None,
    campaign_id: int | None = None,
    states: Collection[str] = STATES,
) -> int:
    """Have messages sent once more, from the first try on; how many. Of ``ids``, or of a campaign."""
    values = {"state": "due", "due_at": now, "attempts": 0, "fault": None}
    return _change(connection, values, now, ids, campaign_id, states)


def drop(
    connection: Connection,
    now: int,
    reason: str,
    *,
    ids: Sequence[int] | None = None,
    campaign_id: int | None = None,
    states: Collection[str] = STATES,
) -> int:
    """Give messages up for good; how many."""
    return _change(connection, {"state": "dropped", "fault": reason}, now, ids, campaign_id, states)


def _change(
    connection: Connection,
    values: Mapping[str, Any],
    now: int,
    ids: Sequence[int] | None,
    campaign_id: int | None,
    states: Collection[str],
) -> int:
    # Without its holder: what a process that was thought dead has to say of it counts no more.
    changing = (
        update(outbox)
        .where(_UNDELIVERED, outbox.c.state.in_(sorted(states)))
        .values(**values, holder=None, epoch=None, changed_at=now)
        .returning(outbox.c.channel)
    )
    if ids is None:
        of = outbox.c.campaign_id.is_(None) if campaign_id is None else outbox.c.campaign_id == campaign_id
        parts = [changing.where(of)]
    else:
        parts = [
            changing.where(outbox.c.id.in_(ids[start : start + _AT_A_TIME]))
            for start in range(0, len(ids), _AT_A_TIME)
        ]
    changed = [channel for part in parts for channel in connection.execute(part).scalars()]
    signals.tell(connection, *(signals.queued(channel) for channel in sorted(set(changed))))
    return len(changed)
