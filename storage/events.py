"""Event ids already dealt with, and events that could not be: nothing is counted twice, nothing is lost."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sqlalchemy import Connection, bindparam, delete, func, insert, select, tuple_

from storage.crypto import Keyring
from storage.schema import quarantine, seen_events

EventKey = tuple[str, str]
"""*(channel, event id)*."""


_SEEN = select(seen_events.c.channel, seen_events.c.event_id).where(
    tuple_(seen_events.c.channel, seen_events.c.event_id).in_(bindparam("keys", expanding=True))
)
_MARK = insert(seen_events)


def already_seen(connection: Connection, keys: Sequence[EventKey]) -> set[EventKey]:
    """Which of ``keys`` were committed before."""
    if not keys:
        return set()
    return {
        (channel, event_id)
        for channel, event_id in connection.execute(_SEEN, {"keys": list(dict.fromkeys(keys))})
    }


def mark_seen(connection: Connection, keys: Iterable[EventKey], now: int) -> None:
    """Write ``keys`` as seen; a key written by another process in the meantime raises IntegrityError."""
    rows = [{"channel": channel, "event_id": event_id, "at": now} for channel, event_id in keys]
    if rows:
        connection.execute(_MARK, rows)


def seen_since(connection: Connection, at: int) -> list[tuple[str, str, int]]:
    """Event ids seen at or after ``at`` (milliseconds), oldest first: *(channel, event id, at)*."""
    statement = (
        select(seen_events.c.channel, seen_events.c.event_id, seen_events.c.at)
        .where(seen_events.c.at >= at)
        .order_by(seen_events.c.at)
    )
    return [(channel, event_id, when) for channel, event_id, when in connection.execute(statement)]


_LATELY = select(func.count()).select_from(
    select(seen_events.c.at)
    .where(seen_events.c.at > bindparam("since"), seen_events.c.channel == bindparam("on"))
    .limit(bindparam("most"))
    .subquery()
)


def lately(connection: Connection, channel: str, since: int, most: int) -> int:
    """How many events of a channel came after ``since``, by whichever process; counted up to ``most``."""
    return int(connection.execute(_LATELY, {"on": channel, "since": since, "most": most}).scalar_one())


def forget_before(connection: Connection, at: int) -> int:
    """Drop ids seen before ``at``; how many."""
    return connection.execute(delete(seen_events).where(seen_events.c.at < at)).rowcount


def quarantine_event(
    connection: Connection, keyring: Keyring, key: EventKey, event: bytes, fault: str, now: int
) -> None:
    """Keep an event that can't be dealt with, sealed, with the kind of fault."""
    connection.execute(
        insert(quarantine).values(
            channel=key[0],
            event_id=key[1],
            event_sealed=keyring.seal(event, b"quarantine"),
            fault=fault[:500],
            at=now,
        )
    )


def quarantined(connection: Connection, limit: int = 100) -> list[tuple[int, str, str, str, int]]:
    """The newest quarantined events: *(id, channel, event id, fault, at)*."""
    statement = (
        select(
            quarantine.c.id, quarantine.c.channel, quarantine.c.event_id, quarantine.c.fault, quarantine.c.at
        )
        .order_by(quarantine.c.id.desc())
        .limit(limit)
    )
    return [tuple(row) for row in connection.execute(statement)]
