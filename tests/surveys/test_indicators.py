"""How answers become yes, no, undetermined or not applicable."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from surveys.forms import Missing
from surveys.indicators import Answers, Verdict, items_of, scale_sum, score
from surveys.instruments import Instrument, Score, Way, read_instrument
from surveys.population import Denominator
from surveys.problems import Problem

LIBRARY = Path(__file__).parents[2] / "surveys" / "library"
WORKER: Instrument = read_instrument(
    yaml.safe_load((LIBRARY / "nguoi_lao_dong" / "instrument.yaml").read_text(encoding="utf-8"))
)
EVERYBODY = dict.fromkeys(Denominator, True)
YES, NO, UNDETERMINED, NOT_APPLICABLE = Verdict

IL = ("il_nhu_cau", "il_tim", "il_danh_gia", "il_su_dung", "il_an_toan")
LS = WORKER.indicators[1].questions
DK, PN, BLANK = Missing.DONT_KNOW, Missing.PREFER_NOT, Missing.SKIPPED


def verdicts(
    answers: Answers,
    members: Mapping[Denominator, bool | None] = EVERYBODY,
    way: Way = Way.SELF,
) -> dict[str, Verdict]:
    return {outcome.item: outcome.verdict for outcome in score(WORKER, answers, members=members, way=way)}


def levels(names: tuple[str, ...], *values: int | Missing) -> dict[str, str | Missing]:
    return {
        name: value if isinstance(value, Missing) else str(value)
        for name, value in zip(names, values, strict=True)
    }


def il(*values: int | Missing) -> Verdict:
    return verdicts(levels(IL, *values))["duoc_trang_bi_nltt"]


def ls(*values: int | Missing) -> Verdict:
    return verdicts(levels(LS, *values))["duoc_trang_bi_kns"]


def test_the_shipped_instrument_has_ten_outcomes_and_names_their_denominators() -> None:
    found = {outcome.item: outcome.denominator for outcome in score(WORKER, {}, members=EVERYBODY)}
    working, adults = Denominator.WORKING_AGE, Denominator.AGED_15
    assert found == {
        "duoc_trang_bi_nltt@8": working,
        "duoc_trang_bi_nltt": working,
        "duoc_trang_bi_nltt@10": working,
        "duoc_trang_bi_kns@17": working,
        "duoc_trang_bi_kns": working,
        "duoc_trang_bi_kns@19": working,
        "cmkt_certified": adults,
        "cmkt_broad": adults,
        "dai_hoc": adults,
        "da_tap_huan_nltt": working,
    }


@pytest.mark.parametrize(
    ("values", "verdict"),
    [
        ((2, 2, 2, 2, 1), YES),  # 9
        ((2, 2, 2, 1, 1), NO),  # 8
        ((3, 0, 3, 3, 3), NO),  # 12, but cannot search
        ((3, 3, 0, 3, 3), NO),
        ((3, 3, 3, 3, 0), NO),
        ((0, 3, 3, 0, 3), YES),  # 9; the other two items may be 0
        ((DK, 2, 2, 2, 1), NO),  # 7·5/4 = 8.75
        ((DK, 2, 2, 2, 2), YES),  # 8·5/4 = 10
        ((DK, PN, 3, 3, 3), UNDETERMINED),
        ((BLANK, BLANK, BLANK, BLANK, BLANK), UNDETERMINED),
        ((3, DK, 3, 3, 3), NO),  # an item that must be answered is not
    ],
)
def test_information_literacy_is_nine_of_fifteen_and_no_zero_in_three_items(
    values: tuple[int | Missing, ...], verdict: Verdict
) -> None:
    assert il(*values) is verdict


@pytest.mark.parametrize(
    ("values", "verdict"),
    [
        ((2, 2, 2, 2, 2, 2, 2, 2, 1, 1), YES),  # 18, ten items at 1 or more
        ((2, 2, 2, 2, 2, 2, 2, 1, 1, 1), NO),  # 17
        ((3, 3, 3, 3, 3, 3, 3, 0, 0, 0), NO),  # 21, but seven items at 1 or more
        ((3, 3, 3, 3, 3, 3, 3, 1, 0, 0), YES),  # 22, eight
        ((2, 2, 2, 2, 2, 2, 2, 1, DK, PN), YES),  # 15·10/8 = 18.75
        ((2, 2, 2, 2, 2, 2, 1, 1, DK, PN), NO),  # 14·10/8 = 17.5
        ((3, 3, 3, 3, 3, 3, 3, DK, DK, DK), UNDETERMINED),
    ],
)
def test_life_skills_are_eighteen_of_thirty_and_eight_items_above_zero(
    values: tuple[int | Missing, ...], verdict: Verdict
) -> None:
    assert ls(*values) is verdict


def test_other_thresholds_are_reported_beside_the_chosen_one() -> None:
    found = verdicts(levels(IL, 2, 2, 2, 1, 1) | levels(LS, 2, 2, 2, 2, 2, 2, 2, 2, 2, 1))
    assert (found["duoc_trang_bi_nltt@8"], found["duoc_trang_bi_nltt"]) == (YES, NO)
    assert (found["duoc_trang_bi_kns"], found["duoc_trang_bi_kns@19"]) == (YES, YES)
    assert items_of(WORKER.indicators[0]) == (
        "duoc_trang_bi_nltt",
        "duoc_trang_bi_nltt@8",
        "duoc_trang_bi_nltt@10",
    )


@given(values=st.lists(st.one_of(st.integers(0, 3), st.sampled_from(Missing)), min_size=10, max_size=10))
def test_a_higher_threshold_never_makes_a_yes(values: list[int | Missing]) -> None:
    found = verdicts(levels(LS, *values))
    order = [found[f"duoc_trang_bi_kns{at}"] for at in ("@17", "", "@19")]
    assert order in (
        [UNDETERMINED] * 3,
        [YES, YES, YES],
        [YES, YES, NO],
        [YES, NO, NO],
        [NO, NO, NO],
    )


@given(
    values=st.lists(st.integers(0, 3), min_size=5, max_size=5),
    at=st.integers(0, 4),
    level=st.integers(0, 3),
)
def test_a_higher_level_never_turns_yes_into_no(values: list[int], at: int, level: int) -> None:
    better = [max(value, level) if index == at else value for index, value in enumerate(values)]
    assert il(*values) is NO or il(*better) is YES


@given(values=st.lists(st.one_of(st.integers(0, 3), st.just(DK)), min_size=5, max_size=5))
def test_a_missing_item_is_worth_the_mean_of_the_others(values: list[int | Missing]) -> None:
    rule = WORKER.indicators[0].rule
    assert isinstance(rule, Score)
    known = [value for value in values if not isinstance(value, Missing)]
    total = scale_sum(rule, levels(IL, *values))
    if len(known) < 4:
        assert total is None
    else:
        assert total == Fraction(sum(known), len(known)) * 5


@pytest.mark.parametrize(
    ("cmkt", "tay_nghe", "certified", "broad", "university"),
    [
        ("0", "2", NO, NO, NO),
        ("0", "1", NO, YES, NO),
        ("2", "2", NO, NO, NO),  # under three months: in neither reading
        ("2", "1", NO, YES, NO),
        ("0", DK, NO, UNDETERMINED, NO),
        ("3", None, YES, YES, NO),
        ("4", None, YES, YES, NO),
        ("41", None, YES, YES, NO),  # between 4 and 5: not a university degree
        ("5", None, YES, YES, NO),
        ("6", None, YES, YES, YES),
        ("7", None, YES, YES, YES),
        ("8", None, YES, YES, YES),
        (DK, None, UNDETERMINED, UNDETERMINED, UNDETERMINED),
        (PN, None, UNDETERMINED, UNDETERMINED, UNDETERMINED),
        (None, None, UNDETERMINED, UNDETERMINED, UNDETERMINED),
    ],
)
def test_qualification_is_read_by_membership_in_both_official_readings(
    cmkt: str | Missing | None,
    tay_nghe: str | Missing | None,
    certified: Verdict,
    broad: Verdict,
    university: Verdict,
) -> None:
    given = {"cmkt": cmkt, "tay_nghe": tay_nghe}
    found = verdicts({name: value for name, value in given.items() if value is not None})
    assert (found["cmkt_certified"], found["cmkt_broad"], found["dai_hoc"]) == (certified, broad, university)


@pytest.mark.parametrize(
    ("dao_tao", "verdict"), [("1", YES), ("2 1", YES), ("2 3", NO), ("0", NO), (PN, UNDETERMINED)]
)
def test_having_had_training_is_the_other_reading_of_equipped(
    dao_tao: str | Missing, verdict: Verdict
) -> None:
    assert verdicts({"dao_tao_12t": dao_tao})["da_tap_huan_nltt"] is verdict


def test_outside_its_population_an_indicator_does_not_apply() -> None:
    answers = levels(IL, 3, 3, 3, 3, 3) | {"cmkt": "6"}
    found = verdicts(answers, {Denominator.WORKING_AGE: False, Denominator.AGED_15: True})
    assert (found["duoc_trang_bi_nltt"], found["dai_hoc"]) == (NOT_APPLICABLE, YES)


def test_where_the_population_is_unknown_nothing_is_determined() -> None:
    answers = levels(IL, 3, 3, 3, 3, 3) | {"cmkt": "6"}
    assert set(verdicts(answers, dict.fromkeys(Denominator, None)).values()) == {UNDETERMINED}


def test_a_proxys_word_on_what_only_the_person_knows_is_not_counted() -> None:
    answers = levels(IL, 3, 3, 3, 3, 3) | levels(LS, *[3] * 10) | {"cmkt": "6"}
    by_proxy = verdicts(answers, way=Way.PROXY)
    assert by_proxy["duoc_trang_bi_nltt"] is by_proxy["duoc_trang_bi_kns"] is UNDETERMINED
    assert by_proxy["dai_hoc"] is YES
    assert verdicts(answers, way=Way.ASSISTED) == verdicts(answers)


@pytest.mark.parametrize("value", ["4", "-1", "x", "1.5", "³"])
def test_a_value_that_is_no_level_is_a_problem_not_a_guess(value: str) -> None:
    with pytest.raises(Problem) as refused:
        verdicts({**levels(IL, 1, 1, 1, 1, 1), "il_tim": value})
    assert refused.value.code == "answer_not_a_level"
    assert refused.value.params == {"question": "il_tim", "value": value, "most": 3}
