"""Working days."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from surveys.calendar import working_days_after


@pytest.mark.parametrize(
    ("day", "due"),
    [
        (date(2026, 1, 5), date(2026, 1, 7)),  # Monday
        (date(2026, 1, 8), date(2026, 1, 12)),  # Thursday
        (date(2026, 1, 9), date(2026, 1, 13)),  # Friday
        (date(2026, 1, 10), date(2026, 1, 13)),  # Saturday
        (date(2026, 1, 11), date(2026, 1, 13)),  # Sunday
    ],
)
def test_two_working_days_skip_the_weekend(day: date, due: date) -> None:
    assert working_days_after(day, 2) == due


@given(st.dates(date(2000, 1, 1), date(2100, 1, 1)), st.integers(1, 60))
def test_so_many_working_days_lie_between(day: date, count: int) -> None:
    due = working_days_after(day, count)
    after = [day + timedelta(days=n) for n in range(1, (due - day).days + 1)]
    assert due.weekday() < 5
    assert sum(each.weekday() < 5 for each in after) == count
