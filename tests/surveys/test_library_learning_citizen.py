"""The self-assessment of a learning citizen: what is asked, what it says at the end, what it counts for."""

from __future__ import annotations

from datetime import date

import pytest

from surveys.counts import by_name, entries
from surveys.forms import Kind, Missing
from surveys.instruments import Way
from surveys.interview import Ask, Review, begin, prompt, result
from tests.shipped import CONTEXT, Held, Key, hold, shipped

INSTRUMENT, FORM = shipped("cong_dan_hoc_tap")
CAMPAIGN = {
    "ten_chien_dich": "CDHT 2026",
    "ten_xa": "Phường Sài Gòn",
    "ma_xa": "26740",
    "ref_date": "2026-03-01",
}
SCORES = [f"cd_{number:02d}" for number in range(1, 11)]
ANSWERS: dict[Key, str | Missing] = {
    "nhom": "2",
    "nam_danh_gia": "2025",
    **dict.fromkeys(SCORES, "8"),
    **dict.fromkeys((f"{name}_minh_chung" for name in SCORES), Missing.SKIPPED),
}


def assessment(**changes: str | Missing) -> Held:
    given = dict(ANSWERS)
    for name, reply in changes.items():
        given[name] = reply
    return hold(FORM, given, CAMPAIGN)


def verdict(held: Held, way: Way = Way.SELF) -> str:
    outcome = result(FORM, held.state, CONTEXT)
    found = entries(
        INSTRUMENT, by_name(outcome.values, outcome.missing), area="26740", way=way, on=date(2026, 3, 1)
    )
    return next(entry.outcome for entry in found if entry.item == "cdht_tu_danh_gia")


def test_ten_indicators_are_scored_one_by_one_each_with_its_evidence() -> None:
    expected = ["nhom", "nam_danh_gia", *(each for name in SCORES for each in (name, f"{name}_minh_chung"))]
    assert assessment().asked == expected


def test_a_score_is_any_whole_number_from_0_to_10() -> None:
    every = {question.name: question for question in FORM.form.questions()}
    for name in SCORES:
        found = every[name]
        assert found.kind is Kind.RANGE
        assert found.range is not None
        assert [int(each) for each in (found.range.start, found.range.end, found.range.step)] == [0, 10, 1]
    for wrong in ("11", "-1", "7.5"):
        assert assessment(cd_01=wrong).refusal is not None


def test_the_year_of_the_reference_date_is_offered_and_none_after_it_is_taken() -> None:
    state = hold(FORM, {**ANSWERS, "nam_danh_gia": "2027"}, CAMPAIGN)
    assert (state.asked[-1], state.refusal is not None) == ("nam_danh_gia", True)
    now = prompt(FORM, begin(FORM, CAMPAIGN, CONTEXT), CONTEXT)
    assert isinstance(now, Ask)
    assert now.ref.endswith("/nhom")
    now = prompt(FORM, hold(FORM, {**ANSWERS, "nam_danh_gia": "1999"}, CAMPAIGN).state, CONTEXT)
    assert isinstance(now, Ask)
    assert now.value == "2026"


@pytest.mark.parametrize(
    ("changes", "reached", "said"),
    [
        ({}, "yes", "Tổng 80/100 điểm, thấp nhất 8 điểm: tự đánh giá đạt"),
        ({"cd_10": "7"}, "no", "Tổng 79/100 điểm, thấp nhất 7 điểm: tự đánh giá chưa đạt"),
        ({"cd_01": "5", "cd_02": "10", "cd_03": "9"}, "yes", "Tổng 80/100 điểm, thấp nhất 5 điểm"),
        ({"cd_01": "4", "cd_02": "10", "cd_03": "10"}, "no", "Tổng 80/100 điểm, thấp nhất 4 điểm"),
        ({"cd_05": Missing.PREFER_NOT}, "undetermined", ""),
    ],
)
def test_it_takes_80_points_and_none_below_5(
    changes: dict[str, str | Missing], reached: str, said: str
) -> None:
    held = assessment(**changes)
    assert isinstance(held.last, Review)
    assert verdict(held) == reached
    assert held.said.startswith(said)
    assert bool(held.said) == bool(said)


def test_nobody_assesses_somebody_else() -> None:
    assert verdict(assessment(), Way.PROXY) == "undetermined"


def test_evidence_is_short_optional_and_kept_apart() -> None:
    assert assessment(cd_01_minh_chung="x" * 141).refusal is not None
    assert assessment(cd_01_minh_chung="x" * 140).refusal is None
    assert INSTRUMENT.private == {f"{name}_minh_chung" for name in SCORES}


def test_being_recognised_is_said_to_be_somebody_elses_decision() -> None:
    assert "công nhận" in assessment().said
