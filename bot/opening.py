"""Opening a campaign: who is asked is settled, drawn where it is a sample, and their cases are made.

A small campaign is opened in the turn that asks for it. A big one is opened by a task: the frame is counted
and drawn beside the lanes, then cases are made set by set in the lane of bulk work, in steps short enough
that nobody's turn waits. Whatever is killed in between is taken up where it ended.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Container, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from storage import campaigns, contacting, frames, instruments, openings, parameters
from storage.campaigns import Campaign
from storage.database import Database
from storage.frames import Frame
from storage.openings import Made, Making
from surveys import sampling
from surveys.campaigns import Mode, Status, check_approval
from surveys.designs import Drawn, planned
from surveys.dispositions import Disposition
from surveys.instruments import Instrument, Unit, read_instrument
from surveys.problems import Problem
from surveys.reminders import Campaigning, Facts, Rules, Stage, next_contact, within

SMALL = 2_000
"""Units of a frame up to which a campaign is opened within a turn."""

LAPSE_MS = 3_600_000
"""After so long nobody is opening a campaign any more, whatever its row says."""

STEP = 2_000
"""Units of the first step; the next ones follow from how long it took."""
SHORTEST, LONGEST = 1_000, 25_000
SQLITE_MS, POSTGRES_MS = 15.0, 200.0
"""How long the statements of a step should take. On SQLite turns wait for them, and for the commit, which
costs the same however short a step is; on PostgreSQL they have a lane of their own.
"""
CARRIED_OVER = 8_000
"""Units after which SQLite's log is carried over into its file: about 2 MiB."""


def instrument_of(connection: Connection, instrument_id: int) -> Instrument:
    """How an instrument that is there asks and counts."""
    stored = instruments.get(connection, instrument_id)
    assert stored is not None
    return read_instrument(json.loads(stored.definition))


def unit_of(connection: Connection, instrument_id: int) -> Unit:
    """Whom an instrument asks."""
    return instrument_of(connection, instrument_id).unit


def frame_of(connection: Connection, campaign: Campaign) -> Frame:
    """The units of the frame that a campaign is about."""
    return frames.frame_of(
        connection,
        campaign_id=campaign.id,
        instrument_id=campaign.draft.instrument_id,
        area=campaign.area,
        unit=unit_of(connection, campaign.draft.instrument_id),
        neighbourhoods=campaign.draft.design.neighbourhoods,
    )


def rules_of(connection: Connection, campaign: Campaign) -> Rules:
    """A campaign's rules as far as the office allows them."""
    return within(campaign.draft.rules, contacting.office(connection))


def first_contact(
    connection: Connection,
    campaign: Campaign,
    now_ms: int,
    zone: ZoneInfo,
    holidays: Container[date] = (),
) -> int | None:
    """When to look at a case first that nobody has touched; the same for all, so it is worked out once.
    Whether it is written to is decided then: a turn does without the ``holidays``.
    """
    now = datetime.fromtimestamp(now_ms / 1000, zone)
    at = next_contact(
        Facts(Disposition.NOT_SENT, Stage.NOT_STARTED),
        Campaigning(True, campaign.draft.starts_on, campaign.draft.ends_on),
        rules_of(connection, campaign),
        now,
        holidays,
    )
    return None if at is None else round(at.timestamp() * 1000)


def is_opening(campaign: Campaign, now_ms: int) -> bool:
    """Whether somebody is opening the campaign at this moment."""
    return campaign.opening_at is not None and now_ms - campaign.opening_at < LAPSE_MS


# ── the steps, each a function of an open transaction ───────────────────────────────────────────────────────

Order = Mapping[str, Sequence[str]]


def draw(connection: Connection, campaign: Campaign, frame: Frame) -> tuple[Drawn, Order]:
    """Draw a campaign's sample and reserve: what it was drawn of, and the units of each stratum in order.

    Only reads. Raises what :func:`surveys.designs.planned` raises.
    """
    design = campaign.draft.design
    drawn = planned(design, frames.strata(connection, frame, design.strata))
    keep = {stratum: drawn.sample[stratum] + drawn.reserve[stratum] for stratum in drawn.sample}
    order = sampling.first(frames.units(connection, frame, design.strata), keep, design.seed)
    return drawn, order


def admit(connection: Connection, campaign: Campaign, size: int, drawn: Drawn | None, now: int) -> Campaign:
    """Open a campaign of so many cases. Raises Problem ``frame_empty``, and what
    :func:`surveys.campaigns.check_approval` raises.
    """
    if not size:
        raise Problem("frame_empty")
    threshold = parameters.number(connection, "approval_cases")
    check_approval(size, threshold, campaign.approved_size)
    campaigns.note(connection, campaign.id, size=size, drawn=drawn, opening_at=None)
    return campaigns.set_status(connection, campaign.id, Status.OPEN, now)


def making_of(connection: Connection, campaign: Campaign, now: int, zone: ZoneInfo) -> Making:
    """How the cases of an open campaign are made."""
    frame = frame_of(connection, campaign)
    return Making(campaign.id, frame, now, first_contact(connection, campaign, now, zone), campaign.drawn)


def open_at_once(
    connection: Connection, campaign: Campaign, frame: Frame, now: int, zone: ZoneInfo
) -> Campaign:
    """Open a small campaign, all of it in this transaction."""
    drawn, size = None, 0
    if campaign.draft.mode is Mode.SAMPLE:
        drawn, order = draw(connection, campaign, frame)
        size = sum(drawn.sample.values())
    else:
        size = frames.count(connection, frame)
    opened = admit(connection, campaign, size, drawn, now)
    if drawn is not None:
        for piece in openings.pieces(openings.rows_of(campaign.id, order)):
            openings.keep_draw(connection, piece)
    making = making_of(connection, opened, now, zone)
    while not openings.step(connection, making, SMALL).done:
        continue
    return campaigns.expect(connection, campaign.id)


# ── the task ────────────────────────────────────────────────────────────────────────────────────────────────

Progress = Callable[[int, int], Awaitable[None]]
"""Is told how many units are done, of how many."""


@dataclass(frozen=True, slots=True)
class Opened:
    """What became of a task that opens a campaign: ``problem`` says why it stayed a draft."""

    campaign: Campaign
    problem: Problem | None = None


async def open_by_steps(
    database: Database,
    campaign_id: int,
    zone: ZoneInfo,
    *,
    clock: Callable[[], int],
    drawing: Callable[[], Awaitable[tuple[Drawn, Order]]] | None = None,
    progress: Progress | None = None,
) -> Opened:
    """Open a big campaign, or go on where somebody was killed.

    ``drawing`` draws a sample elsewhere (a process of its own: it takes the processor for a while); without
    it this process does.
    """
    campaign = await database.reading(lambda c: campaigns.expect(c, campaign_id))
    if campaign.status is Status.DRAFT:
        try:
            campaign = await _settle(database, campaign, clock, drawing)
        except Problem as problem:
            await database.writing(lambda c: campaigns.note(c, campaign_id, opening_at=None))
            return Opened(campaign, problem)
    await _make(database, campaign, zone, clock, progress)
    return Opened(await database.reading(lambda c: campaigns.expect(c, campaign_id)))


async def _settle(
    database: Database,
    campaign: Campaign,
    clock: Callable[[], int],
    drawing: Callable[[], Awaitable[tuple[Drawn, Order]]] | None,
) -> Campaign:
    """Count or draw beside the lanes, then open; Problems leave it a draft."""
    key, drawn = campaign.id, None
    if campaign.draft.mode is Mode.SAMPLE:
        while await database.writing(lambda c: openings.forget_draw(c, key), bulk=True):
            continue
        drawn, order = await (drawing or _here(database, campaign))()
        for piece in openings.pieces(openings.rows_of(key, order)):
            await database.writing(_keeping(piece), bulk=True)
        size = sum(drawn.sample.values())
    else:
        size = await database.reading(lambda c: frames.count(c, frame_of(c, campaign)))

    def opens(connection: Connection) -> Campaign:
        now = campaigns.expect(connection, key, lock=True)
        if now.status is not Status.DRAFT:
            return now
        return admit(connection, now, size, drawn, clock())

    return await database.writing(opens)


def _here(database: Database, campaign: Campaign) -> Callable[[], Awaitable[tuple[Drawn, Order]]]:
    return lambda: database.reading(lambda c: draw(c, campaign, frame_of(c, campaign)))


def _keeping(piece: list[dict[str, Any]]) -> Callable[[Connection], None]:
    return lambda connection: openings.keep_draw(connection, piece)


async def _make(
    database: Database,
    campaign: Campaign,
    zone: ZoneInfo,
    clock: Callable[[], int],
    progress: Progress | None,
) -> None:
    """Make all cases, in steps as long as turns may wait."""
    making = await database.reading(lambda c: making_of(c, campaign, clock(), zone))
    aim = SQLITE_MS if database.is_sqlite else POSTGRES_MS
    limit, looked, since = STEP, 0, 0
    while True:
        made, took = await database.writing(partial(_timed, making=making, most=limit), bulk=True)
        looked += made.units
        if progress is not None:
            await progress(looked, campaign.size or 0)
        if made.done:
            break
        since += made.units
        if database.is_sqlite and since >= CARRIED_OVER:
            await asyncio.to_thread(openings.carry_over, database.engine)
            since = 0
        # A single step says little on a busy machine.
        limit = round(limit * min(2.0, max(0.5, aim / max(took, 0.1))))
        limit = min(LONGEST, max(SHORTEST, limit))
    await database.writing(openings.settle, bulk=True)


def _timed(connection: Connection, making: Making, most: int) -> tuple[Made, float]:
    """A step, and how many milliseconds its statements took."""
    began = time.perf_counter()
    made = openings.step(connection, making, most)
    return made, (time.perf_counter() - began) * 1000
