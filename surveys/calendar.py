"""Days of work: when something that the law gives so many working days is due."""

from __future__ import annotations

from datetime import date, timedelta

_SATURDAY = 5


def working_days_after(day: date, count: int) -> date:
    """The ``count``-th working day (Monday to Friday) after ``day``; ``count`` at least 1.

    The day itself does not count, as in Điều 147 and 148 of the Civil Code (91/2015/QH13): a time given in
    days begins on the day after.
    """
    while count > 0:
        day += timedelta(days=1)
        if day.weekday() < _SATURDAY:
            count -= 1
    return day
