"""XForm → Form: what is doubtful is said at load, with its place."""

from __future__ import annotations

import pytest

from bot.authoring.check import line
from tests.forms.build import Rows, choices, row
from tests.forms.reading import YES_NO, form, places, read, warned


@pytest.mark.parametrize(
    ("survey", "expected"),
    [
        (
            [row("text", "a", "A", relevant="${b} = 1"), row("integer", "b", "B")],
            ("later_question", "survey", 2, "relevant"),
        ),
        (
            [row("integer", "a", "A", constraint=". > 1")],
            ("constraint_without_message", "survey", 2, "constraint_message"),
        ),
        (
            [row("text", "a", "A"), row("calculate", "b", calculation="random()")],
            ("changing_calculation", "survey", 3, "calculation"),
        ),
        (
            [row("text", "a", "A"), row("note", "b", "B", required="yes")],
            ("required_not_asked", "survey", 3, "required"),
        ),
        (
            [row("text", "a", "A", relevant="random() > 0.5")],
            ("changing_condition", "survey", 2, "relevant"),
        ),
        (
            [row("text", "a", "A"), row("text", "b", "B", required="maybe")],
            ("unknown_word", "survey", 3, "required"),
        ),
        (
            [row("text", "a", "A"), row("calculate", "b", calculation="if(${a} = null, 1, 2)")],
            ("unknown_word", "survey", 3, "calculation"),
        ),
        (
            [row("begin group", "g", "G", required="yes"), row("text", "a", "A"), row("end group")],
            ("column_ignored", "survey", 2, "required"),
        ),
    ],
)
def test_what_is_doubtful_is_a_warning_at_its_place(
    survey: Rows, expected: tuple[str, str, int, str]
) -> None:
    loaded = read(survey)
    assert loaded.form is not None
    assert places(loaded.warnings) == [expected]


def test_a_calculation_that_is_made_once_is_not_doubtful() -> None:
    assert read([row("text", "a", "A"), row("calculate", "b", calculation="once(random())")]).warnings == ()


def test_a_list_too_long_for_a_phone_is_a_warning() -> None:
    lists = choices("l", *(f"c{number}" for number in range(51)))
    assert places(read([row("select_one l", "q", "Q")], lists).warnings) == [
        ("many_choices", "survey", 2, "type")
    ]


def test_a_choice_without_words_is_shown_by_its_name() -> None:
    lists = [*YES_NO, {"list_name": "yn", "name": "maybe"}]
    loaded = read([row("select_one yn", "q", "Q")], lists)
    assert loaded.form is not None
    assert places(loaded.warnings) == [("choice_without_label", "choices", 4, "label")]
    assert next(loaded.form.questions()).choices[2].label.by_language == {"default": ("maybe",)}


def test_a_form_without_a_version_is_a_warning() -> None:
    assert places(read([row("text", "q", "Q")], settings=()).warnings) == [
        ("no_version", "settings", 2, "version")
    ]


# Repeats ----------------------------------------------------------------------------------------------------


def members(*inside: dict[str, object]) -> list[dict[str, object]]:
    return [row("begin repeat", "r", "R"), *inside, row("end repeat")]


AGE = row("integer", "tuoi", "Tuổi")


@pytest.mark.parametrize(
    ("calculation", "fix"),
    [
        ("sum(${tuoi})", "sum(${r}/tuoi)"),
        ("max(${tuoi})", "max(${r}/tuoi)"),
        ("join(', ', ${tuoi})", "join(${r}/tuoi)"),
        ("count(${tuoi})", "count(${r}/tuoi)"),
    ],
)
def test_a_sum_over_one_member_is_doubtful_and_the_fix_is_shown(calculation: str, fix: str) -> None:
    loaded = read(members(AGE, row("calculate", "q", calculation=calculation)))
    assert places(loaded.warnings) == [("aggregate_of_one", "survey", 4, "calculation")]
    assert fix in line(loaded.warnings[0], "en")


@pytest.mark.parametrize(
    "calculation",
    ["sum(${r}/tuoi)", "max(${tuoi}, 18)", "count(${r})", "${tuoi} + 1", "indexed-repeat(${tuoi}, ${r}, 1)"],
)
def test_a_sum_over_all_members_is_not_doubtful(calculation: str) -> None:
    assert warned(members(AGE, row("calculate", "q", calculation=calculation))) == []


def test_a_sum_outside_the_repeat_is_not_doubtful() -> None:
    assert warned([*members(AGE), row("calculate", "q", calculation="sum(${tuoi})")]) == []


def test_a_position_in_a_group_of_a_repeat_is_doubtful_and_the_fix_is_shown() -> None:
    group = [
        row("begin group", "g"),
        row("calculate", "q", calculation="position(..)"),
        AGE,
        row("end group"),
    ]
    loaded = read(members(*group))
    assert places(loaded.warnings) == [("position_of_group", "survey", 4, "calculation")]
    assert "position(../..)" in line(loaded.warnings[0], "vi")
    assert warned(members(AGE, row("calculate", "q", calculation="position(..)"))) == []


@pytest.mark.parametrize(
    ("asked", "column"),
    [
        (row("note", "q", "Tuổi ${tuoi}"), "label"),
        (row("calculate", "q", calculation="${tuoi} + 1"), "calculation"),
        (row("text", "q", "Q", relevant="${tuoi} > 15"), "relevant"),
        (row("calculate", "q", calculation="string-length(${tuoi})"), "calculation"),
    ],
)
def test_several_values_where_one_is_wanted_are_doubtful(asked: dict[str, object], column: str) -> None:
    assert warned([*members(AGE), asked]) == [("several_values", "survey", 5, column)]


@pytest.mark.parametrize(
    "calculation",
    [
        "sum(${tuoi})",
        "join(' ', ${tuoi})",
        "count(${r}[tuoi > 15])",
        "${r}[position() = 1]/tuoi",
        "count(${r})",
    ],
)
def test_several_values_where_they_are_wanted_are_not(calculation: str) -> None:
    assert warned([*members(AGE), row("calculate", "q", calculation=calculation)]) == []


# Conditions -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("column", "condition", "doubtful"),
    [
        ("relevant", "${b}", True),
        ("relevant", "not(${b})", True),
        ("relevant", "${a} > 1 and ${b}", True),
        ("relevant", "if(${b}, true(), false())", True),
        ("relevant", "${b} = true()", False),
        ("relevant", "${a}", False),
    ],
)
def test_a_calculated_yes_or_no_as_a_condition_is_doubtful(
    column: str, condition: str, doubtful: bool
) -> None:
    survey = [
        row("integer", "a", "A"),
        row("calculate", "b", calculation="${a} > 18"),
        row("text", "q", "Q", **{column: condition}),
    ]
    assert warned(survey) == ([("calculated_condition", "survey", 4, column)] if doubtful else [])


@pytest.mark.parametrize(
    ("condition", "doubtful"),
    [
        ("selected(${a}, 'co')", True),
        ("${a} = 'co'", True),
        ("'co' != ${a}", True),
        ("${a} = 1", True),
        ("selected(${a}, 'yes')", False),
        ("selected(${a}, ' no ')", False),
        ("${a} = ''", False),
        ("${a} = 'yes no'", False),
    ],
)
def test_a_select_compared_with_what_it_does_not_offer_is_doubtful(condition: str, doubtful: bool) -> None:
    survey = [row("select_multiple yn", "a", "A"), row("text", "q", "Q", relevant=condition)]
    found = warned(survey, YES_NO)
    assert found == ([("value_not_in_list", "survey", 3, "relevant")] if doubtful else [])


@pytest.mark.parametrize("number", ["1", "1.0", "01"])
def test_a_number_equals_a_choice_written_as_a_number(number: str) -> None:
    survey = [row("select_one l", "a", "A"), row("text", "q", "Q", relevant=f"${{a}} = {number}")]
    assert warned(survey, choices("l", "1", "2")) == []


def test_a_date_compared_with_today_is_not_doubtful() -> None:
    survey = [
        row("date", "q", "Q", constraint=". <= today() and . > '1900-01-01'", constraint_message="Sai ngày")
    ]
    assert warned(survey) == []


def test_a_choice_filter_is_not_taken_for_a_condition_on_answers() -> None:
    lists = [*choices("tinh", "hn"), *choices("xa", "a", tinh="hn")]
    survey: Rows = [
        row("select_one tinh", "t", "T"),
        row("select_one xa", "q", "Q", choice_filter="tinh = ${t}"),
    ]
    assert warned(survey, lists) == []
    assert form(survey, lists).id == "thu"
