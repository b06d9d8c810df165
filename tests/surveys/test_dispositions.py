"""Outcomes of cases and AAPOR's rates."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from surveys.dispositions import Category, Disposition, category, completeness, rates, tally

CODES = st.dictionaries(st.sampled_from([code.value for code in Disposition]), st.integers(0, 500))


def test_every_disposition_counts_as_something_and_its_finer_codes_as_the_same() -> None:
    for code in Disposition:
        assert category(code.value + "1") is category(code.value)


@pytest.mark.parametrize(
    ("code", "counts_as"),
    [("1.1", Category.I), ("1.2", Category.P), ("2.35", Category.O), ("3.9", Category.UO),
     ("4.7", Category.INELIGIBLE), ("2.112", Category.R)],
)  # fmt: skip
def test_a_code_we_do_not_use_counts_with_its_family(code: str, counts_as: Category) -> None:
    assert category(code) is counts_as


@pytest.mark.parametrize("code", ["", "1", "5.1", "x", "11", "1,1"])
def test_what_is_no_code_is_refused(code: str) -> None:
    with pytest.raises(ValueError, match="no disposition"):
        category(code)


def test_the_rates_are_those_of_the_formulas() -> None:
    found = rates({"1.1": 400, "1.2": 20, "2.11": 60, "2.12": 20, "2.20": 250, "2.30": 50, "3.10": 30,
                   "3.20": 70, "4.10": 100})  # fmt: skip
    # I 400, P 20, R 80, NC 250, O 50, UH 70, UO 30, not eligible 100.
    assert found.rr1 == pytest.approx(400 / 900)
    assert found.rr2 == pytest.approx(420 / 900)
    assert found.e == pytest.approx(800 / 900)
    assert found.rr3 == pytest.approx(400 / (800 + 800 / 900 * 100))
    assert found.rr4 == pytest.approx(420 / (800 + 800 / 900 * 100))
    assert found.rr5 == pytest.approx(0.5)
    assert found.rr6 == pytest.approx(420 / 800)
    assert found.coop1 == pytest.approx(400 / 550)
    assert found.coop3 == pytest.approx(400 / 500)
    assert found.ref1 == pytest.approx(80 / 900)
    assert found.con1 == pytest.approx(550 / 900)


def test_a_small_campaign_worked_out_by_hand() -> None:
    """Twenty cases: 4 answered, 1 in part; 1 refused, 1 broke off; 3 did not reply; 1 could not take part;
    of 5 nothing is known; 4 had moved away. Fractions by AAPOR's formulas, worked out on paper.
    """
    of_each = {
        "1.1": 4,
        "1.2": 1,
        "2.11": 1,
        "2.12": 1,
        "2.20": 3,
        "2.30": 1,
        "3.10": 4,
        "3.20": 1,
        "4.10": 4,
    }
    assert sum(of_each.values()) == 20
    found = rates(of_each)
    assert found.e == pytest.approx(Fraction(11, 15))
    assert (found.rr1, found.rr2) == pytest.approx((Fraction(1, 4), Fraction(5, 16)))
    # 11 eligible and 11/15 of 5 are 44/3.
    assert (found.rr3, found.rr4) == pytest.approx((Fraction(3, 11), Fraction(15, 44)))
    assert (found.rr5, found.rr6) == pytest.approx((Fraction(4, 11), Fraction(5, 11)))
    assert (found.coop1, found.coop3) == pytest.approx((Fraction(1, 2), Fraction(4, 7)))
    assert (found.ref1, found.con1) == pytest.approx((Fraction(1, 8), Fraction(1, 2)))


def test_the_share_taken_as_eligible_can_be_given() -> None:
    assert rates({"1.1": 1, "3.10": 2}, e=0.5).rr3 == pytest.approx(0.5)


def test_without_cases_there_are_no_rates() -> None:
    found = rates({})
    assert {getattr(found, name) for name in found.__slots__} == {None}


@given(CODES)
def test_no_case_is_lost_and_the_rates_keep_their_order(codes: dict[str, int]) -> None:
    assert sum(tally(codes).values()) == sum(codes.values())
    found = rates(codes)
    for rate in (getattr(found, name) for name in found.__slots__):
        assert rate is None or 0 <= rate <= 1
    if found.rr1 is not None and found.rr3 is not None and found.rr5 is not None:
        assert found.rr1 <= found.rr3 + 1e-12 <= found.rr5 + 2e-12


@pytest.mark.parametrize(
    ("answered", "applicable", "outcome"),
    [(18, 18, Disposition.COMPLETE), (81, 100, Disposition.COMPLETE), (80, 100, Disposition.PARTIAL),
     (50, 100, Disposition.PARTIAL), (49, 100, Disposition.BREAK_OFF), (0, 0, Disposition.BREAK_OFF)],
)  # fmt: skip
def test_how_much_was_answered_decides_between_complete_partial_and_break_off(
    answered: int, applicable: int, outcome: Disposition
) -> None:
    assert completeness(answered, applicable) is outcome
