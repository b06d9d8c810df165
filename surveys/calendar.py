"""Days of work, and the hours in which people may be written to of our own accord.

Public holidays come in as an argument (Labour Code 45/2019/QH14, Article 112: Tết by the lunar calendar,
and the days in lieu that the Government names each year), so that an office can correct them.
"""

from __future__ import annotations

import re
from collections.abc import Container
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from surveys.problems import Problem

_SATURDAY = 5
LONGEST_SEARCH = 400
"""Days looked ahead for one on which people may be written to."""
KEPT = timedelta(hours=2)
"""How long after the hour somebody prefers a message may still come; later it waits for the next day."""


def working_days_after(day: date, count: int, holidays: Container[date] = ()) -> date:
    """The ``count``-th working day (Monday to Friday, no holiday) after ``day``; ``count`` at least 1.

    The day itself does not count, as in Điều 147 and 148 of the Civil Code (91/2015/QH13): a time given in
    days begins on the day after.
    """
    while count > 0:
        day += timedelta(days=1)
        if is_working_day(day, holidays):
            count -= 1
    return day


def is_working_day(day: date, holidays: Container[date] = ()) -> bool:
    """Whether offices work on ``day``."""
    return day.weekday() < _SATURDAY and day not in holidays


def _later(preferred: time) -> time:
    """When the hour somebody prefers is over; the end of the day at the latest."""
    later = (datetime.combine(date.min, preferred) + KEPT).time()
    return later if later > preferred else time.max


@dataclass(frozen=True, slots=True)
class Corrections:
    """What an office says otherwise: days that are holidays (``added``), days that are none (``removed``)."""

    added: frozenset[date] = frozenset()
    removed: frozenset[date] = frozenset()


MOST_CORRECTIONS = 100
_CORRECTION = re.compile(r"([+-])([0-9]{4}-[0-9]{2}-[0-9]{2})")


def read_corrections(text: str) -> Corrections:
    """``+2027-02-11 -2027-11-24``: the first is a holiday, the second is none. Empty: nothing to correct.

    Raises Problem ``holidays_wrong`` (not so written, or no day of the calendar), ``holidays_many``.
    """
    given: dict[str, set[date]] = {"+": set(), "-": set()}
    words = text.replace(",", " ").split()
    if len(words) > MOST_CORRECTIONS:
        raise Problem("holidays_many", most=MOST_CORRECTIONS)
    for word in words:
        found = _CORRECTION.fullmatch(word)
        try:
            day = date.fromisoformat(found[2]) if found else None
        except ValueError:
            day = None
        if found is None or day is None:
            raise Problem("holidays_wrong", word=word[:40])
        given[found[1]].add(day)
    if given["+"] & given["-"]:
        raise Problem("holidays_wrong", word=min(given["+"] & given["-"]).isoformat())
    return Corrections(frozenset(given["+"]), frozenset(given["-"]))


@dataclass(frozen=True, slots=True)
class Hours:
    """When messages of our own accord may go out: from ``begins`` (included) to ``ends`` (not included) on
    any day, but for ``weekends`` and ``holidays`` unless these are allowed.
    """

    begins: time = time(8)
    ends: time = time(20)
    weekends: bool = True
    holidays: bool = False

    def allow(self, moment: datetime, holidays: Container[date] = ()) -> bool:
        """Whether a message may go out at ``moment``, in local time."""
        return self._day(moment.date(), holidays) and self.begins <= moment.time() < self.ends

    def next(
        self, moment: datetime, holidays: Container[date] = (), *, preferred: time | None = None
    ) -> datetime | None:
        """The first moment from ``moment`` on when a message may go out; within :data:`KEPT` of the
        ``preferred`` time of day if that lies in the hours. None when there is none in more than a year.
        """
        begins, ends = self.begins, self.ends
        if preferred is not None and begins <= preferred < ends:
            begins, ends = preferred, min(ends, _later(preferred))
        day = moment.date()
        for _ in range(LONGEST_SEARCH):
            if self._day(day, holidays):
                first = datetime.combine(day, begins, moment.tzinfo)
                if moment <= first:
                    return first
                if day == moment.date() and moment.time() < ends:
                    return moment
            day += timedelta(days=1)
        return None

    def after(self, moment: datetime, seconds: float, holidays: Container[date] = ()) -> datetime | None:
        """When ``seconds`` of work begun at ``moment`` are done, if it rests outside these hours; None when
        that is more than a year away.
        """
        for _ in range(LONGEST_SEARCH):
            begins = self.next(moment, holidays)
            if begins is None:
                return None
            ends = datetime.combine(begins.date(), self.ends, begins.tzinfo)
            if begins + timedelta(seconds=seconds) <= ends:
                return begins + timedelta(seconds=seconds)
            seconds -= (ends - begins).total_seconds()
            moment = ends
        return None

    def _day(self, day: date, holidays: Container[date]) -> bool:
        return (self.weekends or day.weekday() < _SATURDAY) and (self.holidays or day not in holidays)
