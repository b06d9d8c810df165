"""How much of what lies in the tables: a few numbers for whoever watches the system, none about a person."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import Connection, func, select, text

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
            counted[channel, state] = sum(_count(connection, channel, part) for part in _PARTS[state])
    return counted


_PARTS = {
    "due": ("outbox.state = 'due' AND NOT outbox.bulk", "outbox.state = 'due' AND outbox.bulk"),
    "claimed": ("outbox.state = 'claimed'",),
    **{
        state: (f"outbox.state IN ('failed', 'unknown') AND outbox.state = '{state}'",)
        for state in ("unknown", "failed")
    },
}
"""What is counted of each state: a range of an index each, since a grouped count would walk through all
that was ever sent. Written out: a partial index is used only where it is seen to hold all that is asked.
"""


def _count(connection: Connection, channel: str, part: str) -> int:
    statement = select(func.count()).where(text(part), outbox.c.channel == channel)
    return int(connection.execute(statement).scalar_one())


def quarantined(connection: Connection) -> int:
    """Events in quarantine."""
    return int(connection.execute(select(func.count()).select_from(quarantine)).scalar_one())
