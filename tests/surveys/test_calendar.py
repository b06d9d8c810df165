"""Working days."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from surveys.calendar import Corrections, Hours, read_corrections, working_days_after
from surveys.problems import Problem


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


# ── hours ───────────────────────────────────────────────────────────────────────────────────────────────────

TET_2026 = frozenset(date(2026, 2, day) for day in range(14, 23))
"""As announced for 2026: 14 to 22 February."""


def at(day: int, hour: int, minute: int = 0) -> datetime:
    return datetime(2026, 2, day, hour, minute)


@pytest.mark.parametrize(
    ("moment", "goes"),
    [
        (at(11, 7, 59), at(11, 8)),
        (at(11, 8), at(11, 8)),
        (at(11, 19, 59), at(11, 19, 59)),
        (at(11, 20), at(12, 8)),
        (at(13, 21), at(23, 8)),
        (at(17, 12), at(23, 8)),
    ],
)
def test_nobody_is_written_to_at_night_or_at_tet(moment: datetime, goes: datetime) -> None:
    assert Hours().next(moment, TET_2026) == goes


def test_weekends_can_be_spared_too() -> None:
    assert Hours(weekends=False).next(at(7, 9)) == at(9, 8)  # a Saturday


@pytest.mark.parametrize(
    ("moment", "goes"),
    [(at(11, 9), at(11, 18)), (at(11, 18, 30), at(11, 18, 30)), (at(11, 20), at(12, 18))],
)
def test_the_hour_somebody_prefers_is_kept(moment: datetime, goes: datetime) -> None:
    assert Hours().next(moment, preferred=time(18)) == goes


def test_an_hour_at_night_is_no_preference_that_can_be_kept() -> None:
    assert Hours().next(at(11, 9), preferred=time(23)) == at(11, 9)


def test_hours_that_never_come_are_no_hours() -> None:
    class Always:
        def __contains__(self, day: object) -> bool:
            return True

    assert Hours().next(at(11, 9), Always()) is None


@given(st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1)), st.times(), st.times(), st.booleans())
def test_whatever_the_hours_a_message_goes_out_within_them_and_not_before(
    moment: datetime, begins: time, ends: time, weekends: bool
) -> None:
    hours = Hours(begins, ends, weekends=weekends)
    goes = hours.next(moment, TET_2026)
    if begins >= ends:
        return
    assert goes is not None and goes >= moment and hours.allow(goes, TET_2026)
    if hours.allow(moment, TET_2026):
        assert goes == moment


def test_working_days_leave_out_holidays() -> None:
    assert working_days_after(date(2026, 2, 13), 2, TET_2026) == date(2026, 2, 24)


def test_work_that_rests_outside_the_hours_ends_on_a_later_day() -> None:
    hours = Hours(time(8), time(20), weekends=False)
    friday = datetime(2026, 1, 9, 19, 0)
    assert hours.after(friday, 1_800) == datetime(2026, 1, 9, 19, 30)
    assert hours.after(friday, 3_600) == datetime(2026, 1, 9, 20, 0)
    # An hour on Friday, all of Monday, an hour on Tuesday.
    assert hours.after(friday, 14 * 3_600) == datetime(2026, 1, 13, 9, 0)
    assert hours.after(datetime(2026, 1, 10, 9, 0), 60) == datetime(2026, 1, 12, 8, 1)


@given(st.integers(0, 300_000), st.integers(0, 23))
def test_more_work_never_ends_sooner(seconds: int, hour: int) -> None:
    begins = datetime(2026, 1, 9, hour)
    first, second = (Hours().after(begins, each) for each in (seconds, seconds + 60))
    assert first is not None and second is not None and begins <= first < second


def test_an_office_adds_days_in_lieu_and_takes_out_days_that_are_none() -> None:
    found = read_corrections("+2027-02-11, -2027-11-24")
    assert (found.added, found.removed) == (frozenset({date(2027, 2, 11)}), frozenset({date(2027, 11, 24)}))
    assert read_corrections("  ") == Corrections()


@pytest.mark.parametrize(
    "text", ["2027-02-11", "+2027-02-30", "+11/02/2027", "+2027-02-11 -2027-02-11", "Tết"]
)
def test_corrections_that_are_none_are_refused(text: str) -> None:
    with pytest.raises(Problem, match="holidays_wrong"):
        read_corrections(text)
