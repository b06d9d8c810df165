"""How far a campaign has come: outcomes, rates, coverage of the frame, and what to expect by its last day.

Rates are AAPOR's (:mod:`surveys.dispositions`), worked out as if field work ended now: a questionnaire begun
and not handed in counts as a break-off (2.12) until it is. Of an open link, which has no frame, only
participation is given: completes of starts, starts of those who came (AAPOR Task Force on Non-Probability
Sampling, 2013). The columns are those of report B01 (tiến độ và tỷ lệ trả lời).
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Collection, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import TypeVar

from surveys.campaigns import Mode
from surveys.deadlines import Deadline
from surveys.disclosure import cross, suppress
from surveys.dispositions import Category, Disposition, Rates, rates
from surveys.dispositions import tally as by_category
from surveys.letters import fold

K = TypeVar("K", bound=Hashable)

REMINDERS = 3
"""Reminders counted one by one, as in report B01."""
WINDOW = 7
"""Days whose average is the pace."""

WAITING = frozenset({Disposition.NO_REPLY.value, Disposition.NOT_SENT.value, Disposition.UNDELIVERED.value})
"""Outcomes, as they are stored, of who has not answered and may still be asked: nobody who refused, and
nobody who said *stop*, half way (2.12) or before (2.13). Who began and only paused is among them: that can't
stay so, and counts as a break-off until they hand in.
"""


@dataclass(frozen=True, slots=True)
class Tally:
    """So many ``cases`` that are alike: where, with which disposition ``code``, whether a questionnaire was
    begun (``started``), whether we wrote of our own accord (``written``), and how many reminders went out
    after the invitation (of more than three it says three). ``channel`` is the one they are in contact by,
    empty where none is known or it was not asked for.
    """

    area: str
    neighbourhood: str
    code: str
    started: bool
    written: bool
    reminders: int
    cases: int
    channel: str = ""

    @property
    def outcome(self) -> str:
        """The disposition, were field work to end now."""
        unfinished = self.started and self.code in WAITING
        return Disposition.BREAK_OFF.value if unfinished else self.code


@dataclass(frozen=True, slots=True)
class Figures:
    """Cases counted. ``invited``: were sent a message or came by themselves. ``reached``: somebody there
    reacted (AAPOR contact). ``unfinished`` began and have not handed in (a part of ``broken_off``).
    ``reminded`` got at least one, two, three reminders after the invitation. ``rates`` is None of an open
    link, ``codes`` are cases by disposition.
    """

    cases: int
    invited: int
    reached: int
    started: int
    unfinished: int
    complete: int
    partial: int
    refused: int
    broken_off: int
    no_reply: int
    not_sent: int
    undelivered: int
    other: int
    out_of_scope: int
    reminded: tuple[int, ...]
    codes: Mapping[str, int]
    rates: Rates | None
    participation: float | None

    @property
    def answered(self) -> int:
        """Complete and partial."""
        return self.complete + self.partial


def figures(tallies: Iterable[Tally], mode: Mode) -> Figures:
    """The figures of some cases."""
    codes: dict[str, int] = {}
    reminded = [0] * REMINDERS
    invited = started = unfinished = cases = 0
    for one in tallies:
        cases += one.cases
        codes[one.outcome] = codes.get(one.outcome, 0) + one.cases
        if one.written or one.started or one.code != Disposition.NOT_SENT:
            invited += one.cases
        if one.started:
            started += one.cases
            if one.outcome.startswith(Disposition.BREAK_OFF.value):
                unfinished += one.cases
        for number in range(REMINDERS):
            if one.reminders > number:
                reminded[number] += one.cases
    n = by_category(codes)
    broken_off = _of(codes, Disposition.BREAK_OFF)
    not_sent = _of(codes, Disposition.NOT_SENT)
    return Figures(
        cases=cases,
        invited=invited,
        reached=n[Category.I] + n[Category.P] + n[Category.R] + n[Category.O],
        started=started,
        unfinished=unfinished,
        complete=n[Category.I],
        partial=n[Category.P],
        refused=n[Category.R] - broken_off,
        broken_off=broken_off,
        no_reply=n[Category.NC],
        not_sent=not_sent,
        undelivered=n[Category.UH] + n[Category.UO] - not_sent,
        other=n[Category.O],
        out_of_scope=n[Category.INELIGIBLE],
        reminded=tuple(reminded),
        codes=dict(sorted(codes.items())),
        rates=None if mode is Mode.OPEN else rates(codes),
        participation=_share(n[Category.I], started),
    )


def _of(codes: Mapping[str, int], disposition: Disposition) -> int:
    return sum(number for code, number in codes.items() if code.startswith(disposition.value))


def _share(part: float, whole: float) -> float | None:
    return part / whole if whole else None


def grouped(tallies: Iterable[Tally], key: Callable[[Tally], K], mode: Mode) -> dict[K, Figures]:
    """Figures by whatever ``key`` names, in the order of first sight."""
    groups: dict[K, list[Tally]] = {}
    for one in tallies:
        groups.setdefault(key(one), []).append(one)
    return {name: figures(some, mode) for name, some in groups.items()}


@dataclass(frozen=True, slots=True)
class Coverage:
    """Of the units in the ``frame`` now: the share that has a case, was invited, has answered. Above 1 where
    people came who are not in it.
    """

    frame: int
    asked: float
    invited: float
    answered: float


def coverage(frame: int | None, found: Figures) -> Coverage | None:
    """The coverage of a frame of so many units; None where there is no frame."""
    if not frame:
        return None
    return Coverage(frame, found.cases / frame, found.invited / frame, found.answered / frame)


_DIGITS = re.compile(r"(\d+)")


def natural(name: str) -> tuple[object, ...]:
    """A sort key by which "Khu phố 2" comes before "Khu phố 10", and the unknown (empty) last."""
    parts = tuple((0, int(part)) if part.isdecimal() else (1, part) for part in _DIGITS.split(fold(name)))
    return (not name, *parts)


def pick(wanted: str, known: Collection[str]) -> tuple[str, ...]:
    """The neighbourhoods that somebody can mean by ``wanted``: of that name however it is typed, else those
    whose last number or word it is ("3" for "Khu phố 3").
    """
    plain = fold(wanted)
    if not plain:
        return ()
    if same := tuple(name for name in known if fold(name) == plain):
        return same
    return tuple(sorted((name for name in known if fold(name).endswith(" " + plain)), key=natural))


# ── by day ──────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Day:
    """Cases begun and handed in for the first time on a day, and handed in so far."""

    day: date
    started: int
    complete: int
    so_far: int


def by_day(
    started: Mapping[date, int], complete: Mapping[date, int], first: date, last: date
) -> tuple[Day, ...]:
    """Every day from ``first`` to ``last``, the empty ones too. What lies before is in ``so_far``."""
    so_far = sum(number for on, number in complete.items() if on < first)
    days = []
    for offset in range((last - first).days + 1):
        on = first + timedelta(days=offset)
        so_far += complete.get(on, 0)
        days.append(Day(on, started.get(on, 0), complete.get(on, 0), so_far))
    return tuple(days)


# ── what to expect ──────────────────────────────────────────────────────────────────────────────────────────


class Outlook(StrEnum):
    """What the pace of the last days comes to."""

    REACHED = "reached"
    """The target is reached."""
    ON_TRACK = "on_track"
    BEHIND = "behind"
    TOO_EARLY = "too_early"
    """No whole day has passed yet."""
    OVER = "over"
    """The last day has passed, or the campaign is closed."""


@dataclass(frozen=True, slots=True)
class Forecast:
    """What to expect by the last day if it goes on like the last ``window`` whole days.

    ``per_day`` is their average; ``days_left`` counts the days after today; ``expected`` completes by then.
    ``needed_per_day`` would reach the ``target``, today included; ``reached_on`` is the day on which the pace
    reaches it (None: never, or reached).
    """

    outlook: Outlook
    complete: int
    target: int
    per_day: float | None
    window: int
    days_left: int
    expected: int | None
    needed_per_day: int | None
    reached_on: date | None

    @property
    def missing(self) -> int:
        """Completes still to come."""
        return max(0, self.target - self.complete)


FAR = 3_650
"""Days ahead that no date is named for any more."""


def forecast(
    complete: int,
    target: int,
    daily: Mapping[date, int],
    *,
    opened: date,
    ends: date,
    today: date,
    most: int | None = None,
    running: bool = True,
) -> Forecast:
    """The plain forecast: the average of the last :data:`WINDOW` whole days (fewer after the opening) goes on
    to the last day. ``most`` bounds what can be expected: there are no more cases.
    """
    window = min(WINDOW, (today - opened).days)
    days_left = max(0, (ends - today).days)
    over = not running or today > ends
    per_day = None
    if window > 0:
        some = (daily.get(today - timedelta(days=back), 0) for back in range(1, window + 1))
        per_day = sum(some) / window
    expected = None
    if per_day is not None and not over:
        expected = complete + math.floor(per_day * days_left + 1e-9)
        expected = expected if most is None else max(complete, min(most, expected))
    missing = max(0, target - complete)
    reached_on = None
    if missing and per_day and not over and missing / per_day <= FAR:
        reached_on = today + timedelta(days=math.ceil(missing / per_day - 1e-9))
    if not missing:
        outlook = Outlook.REACHED
    elif over:
        outlook = Outlook.OVER
    elif expected is None:
        outlook = Outlook.TOO_EARLY
    else:
        outlook = Outlook.ON_TRACK if expected >= target else Outlook.BEHIND
    return Forecast(
        outlook=outlook,
        complete=complete,
        target=target,
        per_day=per_day,
        window=max(0, window),
        days_left=days_left,
        expected=expected,
        needed_per_day=None if over or not missing else math.ceil(missing / (days_left + 1)),
        reached_on=reached_on,
    )


def wanted_by(starts: date, ends: date, deadlines: Iterable[Deadline]) -> date:
    """The day by which a campaign's answers are wanted: its last day, or a reporting deadline before that, if
    more than half of its days lie before the deadline (a report early in a campaign can't be about it).
    """
    half = starts + (ends - starts) / 2
    return min([ends, *(one.on for one in deadlines if half < one.on)])


def target_of(cases: int, percent: int) -> int:
    """``percent`` of the cases as a number of completes, rounded up."""
    return -(-cases * percent // 100)


# ── what others may see ─────────────────────────────────────────────────────────────────────────────────────

ALL = ""
"""The row of all of them, in :func:`hidden`."""


def hidden(rows: Mapping[str, Figures], threshold: int) -> frozenset[str]:
    """The rows of which who does not run the campaign there may only see the number of cases.

    To them a row is split in two, who has answered and who has not: of a few people of a neighbourhood either
    would tell who it is. Suppressed as any published table, with the sum over all rows
    (:func:`surveys.disclosure.suppress`).
    """
    counts: dict[tuple[str, str], int] = {}
    for name, row in rows.items():
        counts[name, "answered"] = row.answered
        counts[name, "open"] = row.cases - row.answered
    parents = dict.fromkeys(rows, ALL) if ALL not in rows else {}
    found = suppress(cross(counts, ("answered", "open"), parents), threshold=threshold)
    return frozenset(row for row, _ in found)


# ── when staff are told ─────────────────────────────────────────────────────────────────────────────────────


class Occasion(StrEnum):
    """Why a digest goes out today."""

    WEEKLY = "weekly"
    ENDS = "ends"
    """A campaign ends in a few days."""
    DEADLINE = "deadline"
    """A report is due in a few days."""


def occasions(
    today: date,
    *,
    weekday: int,
    before: Collection[int],
    ends: Iterable[date],
    deadlines: Sequence[Deadline] = (),
) -> tuple[Occasion, ...]:
    """Why a digest goes out ``today``; empty: it does not. ``weekday`` is 1 for Monday to 7 (0: never),
    ``before`` are the days before an end or a reporting deadline.
    """
    found = []
    if weekday == today.isoweekday():
        found.append(Occasion.WEEKLY)
    if any((last - today).days in before for last in ends):
        found.append(Occasion.ENDS)
    if any(one.days_left in before for one in deadlines):
        found.append(Occasion.DEADLINE)
    return tuple(found)
