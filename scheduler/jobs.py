"""What runs when: a few static jobs, each a function that may run twice without harm."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from storage import (
    counts,
    downloads,
    events,
    household_imports,
    household_plans,
    media,
    outbox,
    parameters,
    tokens,
    trials,
)
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
    seconds: float
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


UPLOADED_MS = HOUR_MS
"""How long an upload may take to become an answer."""


def forget_uploads(database: Database) -> int:
    """Drop files that were uploaded and became no answer, and links to upload that have expired."""
    before = now_ms() - UPLOADED_MS
    dropped = database.write(lambda connection: media.forget_unattached(connection, before), bulk=True)
    return dropped + database.write(lambda connection: media.forget_links(connection, before), bulk=True)


KEEP_LISTS_MS = 7 * 24 * HOUR_MS
"""How long the report on a list of households is kept: long enough to put the list right."""


def forget_lists(database: Database) -> int:
    """Drop reports on lists of households, links to them, lists that never came, and what is left of given up
    ones.
    """
    before = now_ms() - KEEP_LISTS_MS
    while database.write(lambda connection: household_plans.clear(connection, None), bulk=True):
        continue
    return database.write(lambda connection: household_imports.forget(connection, before), bulk=True)


TRIED_MS = 7 * 24 * HOUR_MS
"""How long a form that is tried is kept, with what was answered in it."""


def forget_trials(database: Database) -> int:
    """Delete forms that were sent to be tried, some at a time."""
    before, dropped = now_ms() - TRIED_MS, 0
    while True:
        piece = database.write(
            lambda connection: trials.drop(connection, trials.sent_before(connection, before, 20)), bulk=True
        )
        dropped += piece
        if not piece:
            return dropped


def forget_downloads(database: Database) -> int:
    """Drop files made for members of staff whose time is over."""
    return database.write(lambda connection: downloads.forget_before(connection, now_ms()), bulk=True)


DAY_MS = 24 * HOUR_MS
SPAN = 2_000
"""Messages looked at in one transaction."""


def forget_sent(database: Database) -> int:
    """Drop messages that were sent or given up long ago; those that could not be delivered stay."""
    days = database.read(lambda connection: parameters.number(connection, "outbox_days"))
    before, after, dropped = now_ms() - days * DAY_MS, 0, 0
    while True:
        piece = partial(outbox.forget_done, before=before, after=after, span=SPAN)
        last, number = database.write(piece, bulk=True)
        dropped += number
        if last is None:
            return dropped
        after = last


OVER_AT_ONCE = 250
"""Messages dropped in one transaction."""


def drop_over(database: Database) -> int:
    """Drop what campaigns that are over would still have sent, on every channel."""
    dropped, now = 0, now_ms()
    for channel in database.read(outbox.bulk_channels):
        for lane in database.read(partial(outbox.lanes, channel=channel, now=now)):
            if lane.campaign_id is None or lane.status not in outbox.ENDED:
                continue
            piece = partial(
                outbox.drop_over, channel=channel, campaign_id=lane.campaign_id, limit=OVER_AT_ONCE, now=now
            )
            while number := database.write(piece, bulk=True):
                dropped += number
    return dropped


STORAGE_JOBS = (
    Job("fold_ledger", 30, fold_ledger),
    Job("forget_events", 3_600, forget_events),
    Job("forget_sent", 21_600, forget_sent),
    Job("drop_over", 10, drop_over),
    Job("forget_tokens", 3_600, forget_tokens),
    Job("forget_uploads", 600, forget_uploads),
    Job("forget_downloads", 600, forget_downloads),
    Job("forget_trials", 3_600, forget_trials),
    Job("forget_lists", 3_600, forget_lists),
)
"""Jobs that need nothing but the tables."""
