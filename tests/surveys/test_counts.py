"""What a submission adds to the ledger, and the tables the ledger adds up to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from itertools import pairwise
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from surveys.counts import (
    BREAKDOWNS,
    CountTable,
    Dimension,
    Entry,
    Place,
    area_of,
    breakdowns,
    breakdowns_offered,
    by_member,
    by_name,
    coded,
    countable,
    entries,
    family,
    members_of,
    protect,
    protect_in_order,
    protect_together,
    sex_and_birth,
    table,
)
from surveys.disclosure import Reason
from surveys.forms import Missing
from surveys.indicators import Answers
from surveys.instruments import Way, read_instrument
from surveys.population import AgeBand, Birth, Sex, WorkingAgeRule
from surveys.problems import Problem

LIBRARY = Path(__file__).parents[2] / "surveys" / "library"
WORKER = read_instrument(
    yaml.safe_load((LIBRARY / "nguoi_lao_dong" / "instrument.yaml").read_text(encoding="utf-8"))
)
REFERENCE = date(2026, 3, 1)
DK, PN, BLANK = Missing.DONT_KNOW, Missing.PREFER_NOT, Missing.SKIPPED

FULL: dict[str, str | Missing] = {
    "gioi_chot": "2",
    "sinh_chot": "05/1990",
    "sang_loc": "",
    "viec_lam": "1",
    "hoc_van": "4",
    "cmkt": "6",
    "linh_vuc": "14",
    "dao_tao_12t": "1 2",
    "nhu_cau": "2 7",
    **dict.fromkeys(WORKER.indicators[0].questions, "2"),
    **dict.fromkeys(WORKER.indicators[1].questions, "2"),
}


def ledger(answers: Answers, area: str = "26740", way: Way = Way.SELF) -> tuple[Entry, ...]:
    return entries(WORKER, answers, area=area, way=way, on=REFERENCE)


def outcomes(answers: Answers, item: str, way: Way = Way.SELF) -> list[str]:
    return [entry.outcome for entry in ledger(answers, way=way) if entry.item == item]


def cells(*submissions: Iterable[Entry]) -> list[tuple[Entry, int]]:
    return list(Counter(entry for submission in submissions for entry in submission).items())


def test_every_entry_says_where_and_who_but_not_which_person() -> None:
    found = {(e.unit, e.way, e.area, e.sex, e.age_band) for e in ledger(FULL)}
    assert found == {("person", "self", "26740", "female", "35_44")}


def test_every_countable_item_has_an_entry_for_every_person() -> None:
    assert {entry.item for entry in ledger(FULL)} == set(countable(WORKER))
    assert {entry.item for entry in ledger({"sinh_chot": "1990"})} == set(countable(WORKER))


def test_a_choice_counts_once_and_several_choices_each() -> None:
    assert outcomes(FULL, "viec_lam") == ["1"]
    assert outcomes(FULL, "nhu_cau") == ["2", "7", "answered"]


@pytest.mark.parametrize(("state", "outcome"), [(DK, "98"), (PN, "99"), (BLANK, "blank")])
@pytest.mark.parametrize("item", ["hoc_van", "nhu_cau"])
def test_missing_states_are_outcomes_that_stay_apart(state: Missing, outcome: str, item: str) -> None:
    assert outcomes({**FULL, item: state}, item) == [outcome]


def test_a_question_that_was_not_asked_says_so() -> None:
    assert outcomes(FULL, "tay_nghe") == ["not_asked"]


def test_a_proxy_is_not_counted_on_what_only_the_person_knows() -> None:
    assert outcomes(FULL, "ls_thau_cam", Way.PROXY) == ["not_asked"]
    assert outcomes(FULL, "duoc_trang_bi_kns", Way.PROXY) == ["undetermined"]
    assert outcomes(FULL, "viec_lam", Way.PROXY) == ["1"]


def test_an_interview_that_was_screened_out_counts_for_nothing() -> None:
    assert ledger({"sinh_chot": "2015", "sang_loc": "duoi_15"}) == ()


def test_a_person_who_does_not_say_sex_or_birth_is_counted_as_unknown() -> None:
    found = {(e.sex, e.age_band) for e in ledger({**FULL, "gioi_chot": PN, "sinh_chot": BLANK})}
    assert found == {("unknown", "unknown")}
    assert sex_and_birth(WORKER.person, {"gioi_chot": "1", "sinh_chot": "1985"}) == (Sex.MALE, Birth(1985))


def test_age_band_and_working_age_follow_the_campaigns_rule_and_reference_date() -> None:
    retired = {**FULL, "sinh_chot": "04/1969"}  # 56 years 8 months reached in December 2025
    found = {e.outcome for e in ledger(retired) if e.item == "duoc_trang_bi_nltt"}
    assert (found, {e.age_band for e in ledger(retired)}) == ({"not_applicable"}, {AgeBand.ABOVE})
    yearly = entries(WORKER, retired, area="x", way=Way.SELF, on=REFERENCE, rule=WorkingAgeRule.YEAR)
    assert {e.age_band for e in yearly} == {AgeBand.FROM_55}
    earlier = entries(WORKER, retired, area="x", way=Way.SELF, on=date(2025, 12, 31))
    assert {e.outcome for e in earlier if e.item == "duoc_trang_bi_nltt"} == {"yes"}


def test_taking_a_submission_back_leaves_nothing() -> None:
    total = Counter(ledger(FULL))
    total.subtract(ledger(dict(FULL)))
    assert not any(total.values())


def test_answers_by_reference_become_answers_by_name() -> None:
    found = by_name({"/data/phan_1/sinh": "1985", "/data/xh": ""}, {"/data/phan_2/cmkt": DK})
    assert found == {"sinh": "1985", "cmkt": DK}


def test_a_coded_row_says_98_and_99() -> None:
    assert coded({"a": "1 2", "b": DK, "c": PN, "d": BLANK}) == {"a": "1 2", "b": "98", "c": "99", "d": ""}


def test_a_questions_denominator_is_who_was_asked() -> None:
    people = [
        FULL,
        FULL,
        {**FULL, "nhu_cau": DK},
        {**FULL, "nhu_cau": PN},
        {**FULL, "nhu_cau": BLANK},
        {name: value for name, value in FULL.items() if name != "nhu_cau"},
    ]
    count = table(WORKER, cells(*map(ledger, people)), item="nhu_cau")
    assert (count.denominator, count.several) == ("asked", True)
    assert (count.total.n, count.total.undetermined, count.total.outside) == (5, 3, 1)
    assert count.outcomes == ("2", "7", "98", "99", "blank", "not_asked")
    assert count.total.share("7") == 2 / 5


def test_an_indicators_denominator_leaves_out_the_undetermined_and_bounds_them() -> None:
    nobody_knows = {**FULL, "il_tim": DK, "il_nhu_cau": DK}
    people = [FULL, {**FULL, "il_tim": "0"}, nobody_knows, {**FULL, "sinh_chot": "1950"}]
    count = table(WORKER, cells(*map(ledger, people)), item="duoc_trang_bi_nltt")
    assert (count.denominator, count.indicator) == ("working_age", True)
    assert count.total.counts == {"yes": 1, "no": 1, "undetermined": 1, "not_applicable": 1}
    assert (count.total.n, count.total.share("yes")) == (2, 0.5)
    assert count.total.bounds() == (1 / 3, 2 / 3)


def test_a_share_of_nobody_is_no_number() -> None:
    count = table(WORKER, [], item="dai_hoc")
    assert (count.total.n, count.total.share("yes"), count.total.bounds()) == (0, None, None)


def test_rows_stand_in_the_order_of_the_tables() -> None:
    people = [
        {**FULL, "gioi_chot": sex, "sinh_chot": birth}
        for birth in ("1950", "2005", "1985", "1968")
        for sex in ("2", "1")
    ]
    count = table(WORKER, cells(*map(ledger, people)), item="cmkt", by=(Dimension.AGE_BAND, Dimension.SEX))
    assert [row.group for row in count.rows] == [
        ("15_24", "male"),
        ("15_24", "female"),
        ("35_44", "male"),
        ("35_44", "female"),
        ("55_retire", "male"),
        ("above", "male"),
        ("above", "female"),
    ]


def test_choices_stand_in_the_forms_order_even_those_nobody_chose() -> None:
    people = [{**FULL, "cmkt": code} for code in ("41", "8", "0")] + [{**FULL, "cmkt": PN}]
    cube = cells(*map(ledger, people))
    assert table(WORKER, cube, item="cmkt").outcomes == ("0", "8", "41", "99")
    levels = ("0", "2", "3", "4", "41", "5", "6", "7", "8")
    assert table(WORKER, cube, item="cmkt", choices=levels).outcomes == (*levels, "99")


def test_a_threshold_beside_the_chosen_one_can_be_counted() -> None:
    assert table(WORKER, cells(ledger(FULL)), item="duoc_trang_bi_kns@19").total.counts == {"yes": 1}


@pytest.mark.parametrize("item", ["thu_nhap", "dai_hoc@3", "gioi"])
def test_what_can_not_be_counted_is_refused_with_what_can(item: str) -> None:
    with pytest.raises(Problem) as refused:
        table(WORKER, [], item=item)
    assert refused.value.code == "count_unknown_item"
    assert "dai_hoc" in str(refused.value.params["known"])


def test_a_negative_cell_is_a_fault_and_not_a_count() -> None:
    entry = next(entry for entry in ledger(FULL) if entry.item == "cmkt")
    with pytest.raises(Problem) as refused:
        table(WORKER, [(entry, -1)], item="cmkt")
    assert refused.value.code == "count_negative"


def test_a_group_whose_last_submission_was_withdrawn_is_gone() -> None:
    there, gone = ledger(FULL, area="1"), ledger(FULL, area="2")
    count = table(
        WORKER,
        [*((entry, 1) for entry in there), *((entry, 0) for entry in gone)],
        item="cmkt",
        by=(Dimension.AREA,),
    )
    assert [row.group for row in count.rows] == [("1",)]


def test_few_people_are_hidden_in_a_count_and_can_not_be_worked_out() -> None:
    cube = [
        (Entry("dai_hoc", outcome, "person", "self", area, "female", "35_44"), count)
        for area, yes, no in (("1", 3, 40), ("2", 30, 41), ("3", 50, 60))
        for outcome, count in (("yes", yes), ("no", no))
    ]
    hidden = protect(table(WORKER, cube, item="dai_hoc", by=(Dimension.AREA,)))
    assert hidden == {
        (("1",), "yes"): Reason.PRIMARY,
        (("1",), "no"): Reason.PRIMARY,
        (("2",), "yes"): Reason.SECONDARY,
        (("2",), "no"): Reason.SECONDARY,
    }


def test_a_count_of_enough_people_is_shown_whole() -> None:
    people = [ledger(FULL)] * 20 + [ledger({**FULL, "cmkt": "0"})] * 20
    count = table(WORKER, cells(*people), item="cmkt", by=(Dimension.SEX,))
    assert protect(count) == {}


# Several counts of one campaign


def spread(item: str, **groups: tuple[int, int]) -> list[tuple[Entry, int]]:
    """(yes, no) of an indicator by area and sex, as ``w1_male=(3, 40)``."""
    return [
        (Entry(item, outcome, "person", "self", area, sex, "35_44"), count)
        for group, counts in groups.items()
        for area, sex in [group.split("_")]
        for outcome, count in zip(("yes", "no"), counts, strict=True)
        if count
    ]


def worked_out(
    tables: Sequence[CountTable], hidden: Sequence[Mapping[Place, Reason]], outcome: str
) -> set[object]:
    """The cells of one outcome that a reader gets by subtracting what is shown, in all breakdowns."""
    shown: dict[frozenset[tuple[str, str]], int | None] = {}
    for count, gone in zip(tables, hidden, strict=True):
        for tally in (*count.rows, count.total):
            group = frozenset(zip((each.value for each in count.by), tally.group, strict=False))
            cell = None if (tally.group, outcome) in gone else tally.counts.get(outcome, 0)
            shown[group] = cell if shown.get(group) is None else shown[group]
    found: set[object] = set()
    levels = {frozenset(name for name, _ in group) for group in shown}
    while True:
        before = len(found)
        for whole in list(shown):
            for level in levels:
                if not {name for name, _ in whole} < level:
                    continue
                parts = [group for group in shown if whole < group and {name for name, _ in group} == level]
                gaps = [group for group in (whole, *parts) if shown[group] is None]
                if len(gaps) == 1:
                    rest = sum(shown[part] or 0 for part in parts)
                    shown[gaps[0]] = rest if gaps[0] == whole else (shown[whole] or 0) - rest
                    found.add(gaps[0])
        if len(found) == before:
            return found


def test_two_counts_that_are_safe_alone_can_betray_each_other_and_are_protected_together() -> None:
    cube = spread(
        "dai_hoc", w1_male=(10, 9), w1_female=(14, 30), w2_male=(3, 41), w2_female=(30, 60), w3_male=(44, 70),
        w3_female=(51, 80),
    )  # fmt: skip
    tables = [
        table(WORKER, cube, item="dai_hoc", by=by)
        for by in ((Dimension.AREA, Dimension.SEX), (Dimension.SEX,), (Dimension.AREA,))
    ]
    alone = [protect(each) for each in tables]
    assert worked_out(tables, alone, "yes")
    together = protect_together(tables, WORKER)
    assert (("w2", "male"), "yes") in together[0]
    assert worked_out(tables, together, "yes") == set()


def test_the_few_between_two_thresholds_are_not_given_away_by_the_difference() -> None:
    item = "duoc_trang_bi_nltt"
    cube = (
        spread(f"{item}@8", w1_male=(50, 40))
        + spread(item, w1_male=(48, 42))
        + spread(f"{item}@10", w1_male=(30, 60))
    )
    tables = breakdowns(WORKER, cube, item=item, by=[()])
    shown = [
        count.item
        for count, hidden in zip(tables, protect_together(tables, WORKER), strict=True)
        if ((), "yes") not in hidden
    ]
    assert not {item, f"{item}@8"} <= set(shown)
    assert protect(tables[0]) == protect(tables[1]) == {}


def test_a_level_hidden_in_the_question_does_not_follow_from_the_indicator() -> None:
    levels = {"0": 40, "4": 20, "41": 2, "5": 19, "6": 18}
    cube = (
        [
            (Entry("cmkt", code, "person", "self", "w1", "male", "35_44"), count)
            for code, count in levels.items()
        ]
        + spread("cmkt_certified", w1_male=(59, 40))
        + spread("dai_hoc", w1_male=(18, 81))
    )
    tables = breakdowns(WORKER, cube, item="cmkt", by=[()])
    hidden = {
        (count.item, column)
        for count, gone in zip(tables, protect_together(tables, WORKER), strict=True)
        for _, column in gone
    }
    assert ("cmkt", "41") in hidden
    # Level 6 alone would be no cover: how many have a degree is an indicator of its own.
    assert {("cmkt", "4"), ("cmkt", "5"), ("dai_hoc", "yes")} & hidden
    assert ("cmkt", "0") not in hidden or ("cmkt_certified", "yes") in hidden


def test_items_that_tell_about_each_other_are_a_family() -> None:
    assert family(WORKER, "duoc_trang_bi_kns@17") == (
        "duoc_trang_bi_kns",
        "duoc_trang_bi_kns@17",
        "duoc_trang_bi_kns@19",
    )
    qualification = ("cmkt_certified", "cmkt_broad", "dai_hoc", "cmkt", "tay_nghe")
    assert {family(WORKER, item) for item in qualification} == {qualification}
    assert family(WORKER, "dao_tao_12t") == ("da_tap_huan_nltt", "dao_tao_12t")
    assert family(WORKER, "viec_lam") == ("viec_lam",)


@settings(max_examples=40)
@given(
    groups=st.dictionaries(
        st.sampled_from([f"w{ward}_{sex}" for ward in range(4) for sex in ("male", "female")]),
        st.tuples(st.integers(0, 30), st.integers(0, 30)),
        min_size=1,
    )
)
@pytest.mark.parametrize("protection", [protect_together, protect_in_order])
def test_no_series_of_counts_tells_what_one_of_them_hides(
    protection: Callable[..., Sequence[Mapping[Place, Reason]]], groups: dict[str, tuple[int, int]]
) -> None:
    tables = breakdowns(WORKER, spread("dai_hoc", **groups), item="dai_hoc", by=BREAKDOWNS)
    ours = [count for count in tables if count.item == "dai_hoc"]
    hidden = [
        gone
        for count, gone in zip(tables, protection(tables, WORKER), strict=True)
        if count.item == "dai_hoc"
    ]
    for count, gone in zip(ours, hidden, strict=True):
        small = {
            (tally.group, outcome) for tally in count.rows for outcome, n in tally.counts.items() if n < 5
        }
        assert small <= gone.keys()
    assert worked_out(ours, hidden, "yes") == worked_out(ours, hidden, "no") == set()


def test_a_breakdown_with_too_few_people_costs_the_totals_nothing() -> None:
    cube = spread("dai_hoc", w1_male=(12, 20), w1_female=(15, 22), w2_male=(1, 2), w2_female=(2, 1))
    total, by_area = breakdowns(WORKER, cube, item="dai_hoc", by=[(), (Dimension.AREA,)])[:2]
    hidden = protect_in_order([total, by_area], WORKER)
    assert hidden[0] == protect(total) == {}
    assert {(row.group, "yes") for row in by_area.rows} <= hidden[1].keys()
    assert ((), "yes") not in hidden[1]


def test_what_is_hidden_in_the_total_is_hidden_in_every_breakdowns_total() -> None:
    cube = spread("dai_hoc", w1_male=(1, 20), w1_female=(2, 22), w2_male=(0, 9), w2_female=(0, 7))
    tables = breakdowns(WORKER, cube, item="dai_hoc")
    hidden = dict(
        zip(((each.item, each.by) for each in tables), protect_in_order(tables, WORKER), strict=True)
    )
    for each in tables:
        in_total = {place for place in hidden[each.item, ()] if place[0] == ()}
        assert in_total <= hidden[each.item, each.by].keys()
    assert ((), "yes") in hidden["dai_hoc", ()]


@st.composite
def people(draw: st.DrawFn) -> dict[str, str | Missing]:
    """Answers of somebody who may have left out anything."""
    answers: dict[str, str | Missing] = {}
    for name in WORKER.one:
        value = draw(st.sampled_from(["0", "1", "2", DK, PN, BLANK, None]))
        if value is not None:
            answers[name] = value
    for name in WORKER.multiple:
        value = draw(st.sampled_from(["1", "1 2", "0", DK, None]))
        if value is not None:
            answers[name] = value
    return answers | {
        "gioi_chot": draw(st.sampled_from(["1", "2", PN])),
        "sinh_chot": draw(st.sampled_from(["01/1950", "1968", "05/2005", BLANK])),
    }


@given(submissions=st.lists(people(), max_size=6), data=st.data())
def test_every_person_is_once_in_every_item_whatever_it_is_broken_down_by(
    submissions: list[dict[str, str | Missing]], data: st.DataObject
) -> None:
    cube = cells(*map(ledger, submissions))
    item = data.draw(st.sampled_from(countable(WORKER)))
    by = data.draw(st.lists(st.sampled_from(Dimension), unique=True, max_size=3))
    count = table(WORKER, cube, item=item, by=by)
    for tally in (count.total, *count.rows):
        assert tally.n + tally.outside + (tally.undetermined if count.indicator else 0) == (
            len(submissions)
            if tally is count.total
            else sum(
                tuple(getattr(ledger(each)[0], dimension.value) for dimension in by) == tally.group
                for each in submissions
            )
        )
    if by:
        assert sum(tally.n for tally in count.rows) == count.total.n


# Households and their people

HOUSEHOLD = read_instrument(
    yaml.safe_load((LIBRARY / "ho_gia_dinh" / "instrument.yaml").read_text(encoding="utf-8"))
)
HOME: dict[str, str | Missing] = {
    "loai_ho": "1",
    "internet": "3",
    "thiet_bi": "1 3",
    "sang_loc": "",
    "xa_chot": "26743",
}
FATHER: dict[str, str | Missing] = {
    "tv_ten": "Ba", "tv_gioi": "1", "tv_sinh": "03/1970", "tv_qh": "1", "tv_cach": "self", "tv_hoc_van": "4",
    "tv_cmkt": "6", "tv_viec": "1",
}  # fmt: skip
MOTHER: dict[str, str | Missing] = {
    "tv_ten": "Má", "tv_gioi": "2", "tv_sinh": "1972", "tv_qh": "2", "tv_cach": "proxy", "tv_hoc_van": DK,
    "tv_cmkt": "0", "tv_viec": "5",
}  # fmt: skip


def house(answers: Answers, members: Iterable[Answers], way: Way = Way.SELF) -> tuple[Entry, ...]:
    return entries(HOUSEHOLD, answers, area="26740", way=way, on=REFERENCE, members=members)


def test_answers_about_members_are_read_one_by_one_and_kept_out_of_the_households() -> None:
    values = {
        "/data/phan_2/internet": "1",
        "/data/thanh_vien[2]/tv_ten": "Má",
        "/data/thanh_vien[1]/tv_ten": "Ba",
        "/data/thanh_vien[1]/nhom/tv_qh": "1",
        "/data/thanh_vien[1]/viec[1]/ten": "lái xe",
        "/data/xe[1]/bien_so": "59A",
        "/data/thanh_vien[2]/tv_viec": "",
    }
    missing = {"/data/thanh_vien[2]/tv_hoc_van": DK, "/data/phan_2/thiet_bi": PN}
    assert by_name(values, missing) == {"internet": "1", "thiet_bi": PN}
    assert by_member(values, missing, "thanh_vien") == {
        1: {"tv_ten": "Ba", "tv_qh": "1"},
        2: {"tv_ten": "Má", "tv_hoc_van": DK},
    }
    assert list(members_of(HOUSEHOLD, values, missing)) == [1, 2]
    assert members_of(WORKER, values, missing) == {}


def test_a_household_has_neither_sex_nor_age_and_its_people_have_their_own() -> None:
    found = house(HOME, [FATHER, MOTHER])
    assert {(e.unit, e.sex, e.age_band) for e in found} == {
        ("household", "unknown", "unknown"),
        ("person", "male", "55_retire"),
        ("person", "female", "45_54"),
    }
    assert {e.item for e in found} == set(countable(HOUSEHOLD))


def test_who_was_answered_for_counts_as_proxy_whoever_typed() -> None:
    found = house(HOME, [FATHER, MOTHER, {"tv_sinh": "1990"}], Way.ASSISTED)
    ways = [(e.way, e.sex) for e in found if e.item == "tv_viec"]
    assert ways == [("assisted", "male"), ("proxy", "female"), ("proxy", "unknown")]
    assert {e.way for e in found if e.item == "internet"} == {"assisted"}


def test_nobody_of_a_household_that_was_screened_out_counts() -> None:
    assert house({**HOME, "sang_loc": "nha_tap_the"}, [FATHER]) == ()


def test_the_answers_may_say_in_which_area_they_count() -> None:
    assert area_of(HOUSEHOLD, HOME) == "26743"
    assert area_of(HOUSEHOLD, {}) is None
    assert area_of(HOUSEHOLD, {"xa_chot": "không rõ"}) is None
    assert area_of(WORKER, {"ma_xa": "26740"}) == "26740"


def test_items_of_households_and_of_persons_have_their_own_denominators() -> None:
    found = cells(house(HOME, [FATHER, MOTHER]), house(HOME, []))
    internet = table(HOUSEHOLD, found, item="internet", choices=("1", "2", "3"))
    assert (internet.unit.value, internet.denominator, internet.total.n) == (
        "household",
        "households_asked",
        2,
    )
    online = table(HOUSEHOLD, found, item="ho_co_internet")
    assert (online.denominator, online.total.share("yes")) == ("households", 0.0)
    degree = table(HOUSEHOLD, found, item="dai_hoc", by=[Dimension.SEX])
    assert (degree.unit.value, degree.denominator, degree.total.n) == ("person", "aged_15", 2)
    assert [row.group for row in degree.rows] == [("male",), ("female",)]


def test_a_household_is_not_broken_down_by_sex_or_age() -> None:
    assert breakdowns_offered(HOUSEHOLD, "dai_hoc") == BREAKDOWNS
    assert breakdowns_offered(HOUSEHOLD, "ho_co_internet") == ((), (Dimension.WAY,), (Dimension.AREA,))
    made = breakdowns(HOUSEHOLD, cells(house(HOME, [FATHER])), item="internet")
    assert {each.by for each in made} == {(), (Dimension.WAY,), (Dimension.AREA,)}
    assert {each.item for each in made} == {"internet", "ho_co_internet"}


_members = st.lists(
    st.fixed_dictionaries(
        {
            "tv_gioi": st.sampled_from(["1", "2", PN]),
            "tv_sinh": st.sampled_from(["1950", "03/1970", "05/2004", "2011"]),
            "tv_cach": st.sampled_from(["self", "proxy"]),
            "tv_cmkt": st.sampled_from(["0", "41", "6", DK]),
        },
        optional={
            "tv_hoc_van": st.sampled_from(["0", "1", "4", PN]),
            "tv_biet_chu": st.sampled_from(["1", "2", DK]),
        },
    ),
    max_size=5,
)
_homes = st.fixed_dictionaries(
    {"internet": st.sampled_from(["1", "3", DK]), "thiet_bi": st.sampled_from(["0", "1 2", BLANK])},
    optional={"sang_loc": st.just("nha_tap_the")},
)


@given(submissions=st.lists(st.tuples(_homes, st.lists(_members, min_size=1, max_size=3)), max_size=4))
def test_amending_a_household_any_number_of_times_leaves_what_the_last_revision_counts_for(
    submissions: list[tuple[Answers, list[list[Answers]]]],
) -> None:
    held: Counter[Entry] = Counter()
    for home, revisions in submissions:
        for before, after in pairwise([None, *revisions]):
            if before is not None:
                held.subtract(house(home, before))
            held.update(house(home, after or []))
    fresh = Counter(entry for home, revisions in submissions for entry in house(home, revisions[-1]))
    assert {entry: number for entry, number in held.items() if number} == fresh


@given(members=_members)
def test_every_member_counts_exactly_once_for_every_question(members: list[Answers]) -> None:
    found = house({"internet": "1"}, members)
    for item in HOUSEHOLD.parts[1].items:
        assert sum(entry.item == item for entry in found) == len(members)
    for name in ("dai_hoc", "biet_chu_15_60"):
        assert sum(entry.item == name for entry in found) == len(members)
