"""What runs when: a few static jobs, each a function that may run twice without harm."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from storage import counts, events, tokens
from storage.database import Database, now_ms

HOUR_MS = 3_600_000

KEEP_EVENTS_MS = 72 * HOUR_MS
"""Event ids are kept longer than any channel repeats an event (Telegram: 24 hours)."""

FOLD = 4_000
"""Ledger entries folded in one transaction, so that turns wait little."""


@dataclass(frozen=True, slots=True)
class Job:
    """A job that runs every ``seconds``, in whichever process holds the scheduler's lease."""

    name: str
    seconds: int
    run: Callable[[Database], object]


def fold_ledger(database: Database) -> int:
    """Fold the ledger into the cube, a bounded piece at a time."""
    moved = 0
    while True:
        piece = database.write(lambda connection: counts.fold(connection, FOLD), bulk=True)
        moved += piece
        if piece < FOLD:
            return moved


def forget_events(database: Database) -> int:
    """Drop event ids that no channel will repeat any more."""
    before = now_ms() - KEEP_EVENTS_MS
    return database.write(lambda connection: events.forget_before(connection, before), bulk=True)


def forget_tokens(database: Database) -> int:
    """Drop one-time codes that have expired."""
    return database.write(lambda connection: tokens.forget_before(connection, now_ms()), bulk=True)


STORAGE_JOBS = (
    Job("fold_ledger", 30, fold_ledger),
    Job("forget_events", 3_600, forget_events),
    Job("forget_tokens", 3_600, forget_tokens),
)
"""Jobs that need nothing but the tables."""
