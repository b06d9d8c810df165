"""The days on which offices report, and from when on they want to be thought of.

The defaults: units report by 10 December (kế hoạch 1927/KH-UBND of Hồ Chí Minh City, 11/4/2024, part V.4),
departments by 10 January and the files of learning units are due by 15 January (kế hoạch 4403/KH-SGDĐT,
19/7/2024, parts III.9 and IV). An office changes them as parameters, without a new version of the program.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

DEADLINES = ("deadline_units", "deadline_departments", "deadline_files")
"""Parameters that hold a day of the year as month and day: 1210 is 10 December."""
LEAD = "deadline_lead_days"
"""The parameter with the days before a deadline from which on it is near."""


@dataclass(frozen=True, slots=True)
class Deadline:
    """The next time that a report is due. ``near``: its lead time has begun."""

    name: str
    on: date
    days_left: int
    near: bool


def day_of(month_and_day: int, year: int) -> date:
    """1210 in 2026 as 10 December 2026; 29 February as the 28th in a common year."""
    month, day = divmod(month_and_day, 100)
    if (month, day) == (2, 29):
        return date(year, 3, 1) - timedelta(days=1)
    return date(year, month, day)


def is_day(month_and_day: int) -> bool:
    """Whether a number is a day of the year written so."""
    try:
        day_of(month_and_day, 2024)
    except ValueError:
        return False
    return True


def upcoming(days: Mapping[str, int], lead_days: int, today: date) -> tuple[Deadline, ...]:
    """The next date of each deadline (today included), the nearest first."""
    found = []
    for name, written in days.items():
        on = day_of(written, today.year)
        if on < today:
            on = day_of(written, today.year + 1)
        left = (on - today).days
        found.append(Deadline(name, on, left, left <= lead_days))
    return tuple(sorted(found, key=lambda one: (one.on, one.name)))
