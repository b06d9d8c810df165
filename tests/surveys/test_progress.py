"""How far a campaign has come: figures, rates, coverage, forecast, and what others may see of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from surveys.campaigns import Mode
from surveys.deadlines import Deadline
from surveys.dispositions import Disposition
from surveys.progress import (
    Figures,
    Occasion,
    Outlook,
    Tally,
    by_day,
    coverage,
    figures,
    forecast,
    grouped,
    hidden,
    natural,
    occasions,
    pick,
    target_of,
    wanted_by,
)

TODAY = date(2026, 11, 20)


def cases(code: str, number: int, **more: object) -> Tally:
    """So many cases of one outcome, invited unless they were not."""
    sent = code != Disposition.NOT_SENT
    alike = Tally("26740", "Khu phố 1", code, code[0] == "1", sent, 0, number)
    return replace(alike, **more)  # type: ignore[arg-type]


# ── figures ─────────────────────────────────────────────────────────────────────────────────────────────────


def test_rates_follow_the_formulas_of_aapor() -> None:
    found = figures(
        [
            cases("1.1", 60),
            cases("1.2", 5),
            cases("2.11", 8),
            cases("2.12", 7),
            cases("2.20", 10),
            cases("3.10", 4),
            cases("3.20", 3),
            cases("4.10", 3),
        ],
        Mode.CENSUS,
    )
    assert found.rates is not None
    e = 90 / 93
    assert found.rates.rr1 == pytest.approx(60 / 97)
    assert found.rates.rr2 == pytest.approx(65 / 97)
    assert found.rates.rr3 == pytest.approx(60 / (90 + e * 7))
    assert found.rates.coop1 == pytest.approx(60 / 80)
    assert found.rates.con1 == pytest.approx(80 / 97)
    assert (found.cases, found.answered, found.reached) == (100, 65, 80)
    assert (found.refused, found.broken_off, found.no_reply) == (8, 7, 10)
    assert (found.not_sent, found.undelivered, found.out_of_scope) == (4, 3, 3)


def test_an_open_link_has_participation_and_no_response_rate() -> None:
    found = figures([cases("1.1", 30), cases("2.20", 20, started=True), cases("2.20", 50)], Mode.OPEN)
    assert found.rates is None
    assert found.participation == pytest.approx(30 / 50)


def test_who_began_and_has_not_handed_in_counts_as_a_break_off_for_now() -> None:
    found = figures([cases("2.20", 4, started=True), cases("3.10", 1, started=True)], Mode.CENSUS)
    assert found.codes == {"2.12": 5}
    assert (found.unfinished, found.no_reply, found.not_sent, found.reached) == (5, 0, 0, 5)


def test_who_came_by_themselves_counts_as_invited() -> None:
    found = figures([cases("3.10", 5), cases("3.10", 2, started=True), cases("2.20", 3)], Mode.CENSUS)
    assert (found.cases, found.invited) == (10, 5)


def test_reminders_are_counted_after_the_invitation() -> None:
    found = figures(
        [cases("2.20", 5), cases("2.20", 3, reminders=1), cases("1.1", 2, reminders=3)], Mode.CENSUS
    )
    assert found.reminded == (5, 2, 2)


def test_a_campaign_without_cases_has_no_rates_to_show() -> None:
    found = figures([], Mode.CENSUS)
    assert found.cases == 0 and found.rates is not None
    assert (found.rates.rr1, found.rates.coop1, found.participation) == (None, None, None)


CODES = [each.value for each in Disposition]
TALLIES = st.lists(
    st.builds(
        Tally,
        area=st.sampled_from(["a", "b"]),
        neighbourhood=st.sampled_from(["", "1", "2"]),
        code=st.sampled_from(CODES),
        started=st.booleans(),
        written=st.booleans(),
        reminders=st.integers(0, 3),
        cases=st.integers(0, 50),
    ),
    max_size=12,
)


@given(TALLIES)
def test_every_case_is_counted_once_and_parts_add_up_to_the_whole(tallies: list[Tally]) -> None:
    whole = figures(tallies, Mode.CENSUS)
    split = (
        whole.complete + whole.partial + whole.refused + whole.broken_off + whole.no_reply
        + whole.not_sent + whole.undelivered + whole.other + whole.out_of_scope
    )  # fmt: skip
    assert split == whole.cases == sum(whole.codes.values())
    parts = grouped(tallies, lambda one: (one.area, one.neighbourhood), Mode.CENSUS).values()
    for name in ("cases", "invited", "started", "unfinished", "complete", "refused", "undelivered"):
        assert sum(getattr(part, name) for part in parts) == getattr(whole, name)


@given(TALLIES)
def test_rates_lie_between_nothing_and_everybody(tallies: list[Tally]) -> None:
    rates = figures(tallies, Mode.CENSUS).rates
    assert rates is not None
    for name in ("rr1", "rr2", "rr3", "coop1", "con1"):
        value = getattr(rates, name)
        assert value is None or 0 <= value <= 1


def test_coverage_is_held_against_the_frame_as_it_is_now() -> None:
    found = figures([cases("1.1", 30), cases("2.20", 50), cases("3.10", 10)], Mode.SAMPLE)
    held = coverage(200, found)
    assert held is not None
    assert (held.asked, held.invited, held.answered) == (0.45, 0.4, 0.15)
    assert coverage(None, found) is None and coverage(0, found) is None


# ── places ──────────────────────────────────────────────────────────────────────────────────────────────────


def test_neighbourhoods_stand_in_the_order_of_their_numbers() -> None:
    names = ["Khu phố 10", "", "Ấp Chợ", "Khu phố 2", "khu phố 1"]
    assert sorted(names, key=natural) == ["Ấp Chợ", "khu phố 1", "Khu phố 2", "Khu phố 10", ""]


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("Khu phố 1", ("Khu phố 1",)),
        ("khu pho 1", ("Khu phố 1",)),
        ("1", ("Khu phố 1",)),
        ("chợ", ("Ấp Chợ",)),
        ("11", ("Khu phố 11", "Tổ 11")),
        ("7", ()),
        ("  ", ()),
    ],
)
def test_a_neighbourhood_is_found_by_its_name_or_its_number(typed: str, found: tuple[str, ...]) -> None:
    assert pick(typed, ["Khu phố 1", "Khu phố 11", "Tổ 11", "Ấp Chợ", ""]) == found


def row(answered: int, cases_: int) -> Figures:
    return figures([cases("1.1", answered), cases("2.20", cases_ - answered)], Mode.CENSUS)


@pytest.mark.parametrize(
    ("rows", "secret"),
    [
        ({"1": (100, 200), "2": (90, 180)}, set()),
        ({"1": (3, 200), "2": (90, 180), "3": (80, 100)}, {"1", "3"}),
        ({"1": (198, 200), "2": (90, 180), "3": (60, 100)}, {"1", "3"}),
        ({"1": (0, 6), "2": (90, 180), "3": (60, 100)}, {"1"}),
    ],
)
def test_a_place_whose_few_could_be_told_is_hidden_with_a_companion(
    rows: Mapping[str, tuple[int, int]], secret: set[str]
) -> None:
    found = hidden({name: row(*numbers) for name, numbers in rows.items()}, 5)
    assert secret <= found
    if not secret:
        assert found == frozenset()
    # What is hidden can't be worked out of the sum over all and the rows that are shown.
    assert len(found) != 1


# ── by day ──────────────────────────────────────────────────────────────────────────────────────────────────


def test_every_day_has_a_line_and_the_sum_goes_on() -> None:
    first = date(2026, 11, 1)
    complete = {date(2026, 10, 30): 2, first: 3, first + timedelta(days=2): 4}
    days = by_day({first: 9}, complete, first, first + timedelta(days=3))
    assert [(one.started, one.complete, one.so_far) for one in days] == [
        (9, 3, 5),
        (0, 0, 5),
        (0, 4, 9),
        (0, 0, 9),
    ]


# ── forecast ────────────────────────────────────────────────────────────────────────────────────────────────


def daily(per_day: int, days: int) -> dict[date, int]:
    return {TODAY - timedelta(days=back): per_day for back in range(1, days + 1)}


def test_the_pace_is_the_average_of_the_last_seven_whole_days() -> None:
    made = daily(10, 7) | {TODAY: 500, TODAY - timedelta(days=8): 900}
    found = forecast(
        600, 800, made, opened=TODAY - timedelta(days=20), ends=TODAY + timedelta(days=10), today=TODAY
    )
    assert (found.per_day, found.window, found.expected) == (10.0, 7, 700)
    assert found.outlook is Outlook.BEHIND
    assert (found.missing, found.needed_per_day) == (200, 19)
    assert found.reached_on == TODAY + timedelta(days=20)


def test_a_young_campaign_is_judged_by_the_days_it_has() -> None:
    opened = TODAY - timedelta(days=2)
    found = forecast(60, 300, daily(30, 2), opened=opened, ends=TODAY + timedelta(days=10), today=TODAY)
    assert (found.window, found.per_day, found.expected) == (2, 30.0, 360)
    assert found.outlook is Outlook.ON_TRACK


def test_on_its_first_day_nothing_is_foretold() -> None:
    found = forecast(5, 100, {TODAY: 5}, opened=TODAY, ends=TODAY + timedelta(days=9), today=TODAY)
    assert (found.outlook, found.expected, found.needed_per_day) == (Outlook.TOO_EARLY, None, 10)


def test_more_than_there_are_cases_is_not_expected() -> None:
    opened, ends = TODAY - timedelta(days=9), TODAY + timedelta(days=30)
    found = forecast(90, 100, daily(50, 7), opened=opened, ends=ends, today=TODAY, most=95)
    assert found.expected == 95 and found.outlook is Outlook.BEHIND


def test_a_target_that_is_met_is_met_whatever_the_pace() -> None:
    found = forecast(80, 80, {}, opened=TODAY - timedelta(days=9), ends=TODAY, today=TODAY)
    assert (found.outlook, found.missing, found.needed_per_day) == (Outlook.REACHED, 0, None)


@pytest.mark.parametrize("running", [True, False])
def test_after_the_last_day_and_of_a_closed_campaign_nothing_more_comes(running: bool) -> None:
    ends = TODAY - timedelta(days=1) if running else TODAY + timedelta(days=5)
    found = forecast(
        10, 80, daily(5, 7), opened=TODAY - timedelta(days=20), ends=ends, today=TODAY, running=running
    )
    assert (found.outlook, found.expected, found.reached_on) == (Outlook.OVER, None, None)


def test_a_standstill_reaches_nothing() -> None:
    found = forecast(
        10, 80, {}, opened=TODAY - timedelta(days=20), ends=TODAY + timedelta(days=5), today=TODAY
    )
    assert (found.expected, found.reached_on, found.outlook) == (10, None, Outlook.BEHIND)


@pytest.mark.parametrize(("cases_", "percent", "target"), [(36_000, 80, 28_800), (7, 50, 4), (0, 80, 0)])
def test_a_target_is_rounded_up(cases_: int, percent: int, target: int) -> None:
    assert target_of(cases_, percent) == target


@pytest.mark.parametrize(("due", "wanted"), [(5, 30), (15, 30), (16, 16), (29, 29), (31, 30)])
def test_a_report_in_the_second_half_of_a_campaign_is_what_its_answers_are_wanted_for(
    due: int, wanted: int
) -> None:
    deadline = Deadline("deadline_units", TODAY + timedelta(days=due), due, True)
    assert wanted_by(TODAY, TODAY + timedelta(days=30), [deadline]) == TODAY + timedelta(days=wanted)


# ── when staff are told ─────────────────────────────────────────────────────────────────────────────────────

MONDAY = date(2026, 11, 16)


@pytest.mark.parametrize(
    ("today", "ends", "due", "why"),
    [
        (MONDAY, 30, 40, {Occasion.WEEKLY}),
        (MONDAY + timedelta(days=1), 30, 40, set()),
        (MONDAY + timedelta(days=1), 7, 40, {Occasion.ENDS}),
        (MONDAY + timedelta(days=1), 2, 3, {Occasion.DEADLINE}),
        (MONDAY, 1, 1, {Occasion.WEEKLY, Occasion.ENDS, Occasion.DEADLINE}),
    ],
)
def test_summaries_come_weekly_and_before_ends_and_deadlines(
    today: date, ends: int, due: int, why: set[Occasion]
) -> None:
    deadline = Deadline("deadline_units", today + timedelta(days=due), due, False)
    found = occasions(
        today, weekday=1, before={7, 3, 1}, ends=[today + timedelta(days=ends)], deadlines=[deadline]
    )
    assert set(found) == why


def test_no_weekday_means_no_weekly_summary() -> None:
    assert occasions(MONDAY, weekday=0, before=(), ends=[MONDAY]) == ()
