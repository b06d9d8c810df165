"""How much of what lies in the tables: a few numbers for whoever watches the system, none about a person."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import Connection, func, select

from storage.schema import outbox, quarantine

UNSENT = ("due", "claimed", "unknown", "failed")
"""States of a message that is not simply done; what was sent only grows, and is not counted anew each
time.
"""


def unsent(connection: Connection, channels: Iterable[str]) -> dict[tuple[str, str], int]:
    """Messages of the outbox that were not sent, by *(channel, state)*; zeros included."""
    counted = {}
    for channel in channels:
        for state in UNSENT:
            # One range of the index each: a grouped count would walk through all that was ever sent.
            statement = select(func.count()).where(outbox.c.channel == channel, outbox.c.state == state)
            counted[channel, state] = int(connection.execute(statement).scalar_one())
    return counted


def quarantined(connection: Connection) -> int:
    """Events in quarantine."""
    return int(connection.execute(select(func.count()).select_from(quarantine)).scalar_one())
