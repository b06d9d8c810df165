"""XForm → Form: what chat can't ask, and what a converter lets through, is refused with its place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from bot.authoring.check import line
from surveys.forms import Kind
from tests.forms.build import choices, row
from tests.forms.reading import SETTINGS, YES_NO, form, places, question, read, refused, warned


@pytest.mark.parametrize("type", ["geotrace", "geoshape"])
def test_a_line_or_area_on_a_map_is_left_out_unless_it_is_required(type: str) -> None:
    survey = [row("text", "a", "A"), row(type, "q", "Q"), row("note", "n", "${q}")]
    assert warned(survey) == [("left_out", "survey", 3, "type")]
    found = question(survey)
    assert (found.kind, found.label.by_language) == (Kind.HIDDEN, {})
    survey[1] = row(type, "q", "Q", required="${a} = 'x'")
    assert refused(survey) == [("required_type", "survey", 3, "type")]


@pytest.mark.parametrize("appearance", ["annotate", "draw", "signature"])
def test_a_picture_drawn_by_hand_is_left_out_unless_it_is_required(appearance: str) -> None:
    survey = [row("text", "a", "A"), row("image", "q", "Q", appearance=appearance)]
    assert warned(survey) == [("left_out", "survey", 3, "type")]
    survey[1]["required"] = "yes"
    assert refused(survey) == [("required_type", "survey", 3, "type")]


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        (row("select_one_from_file xa.csv", "q", "Q"), ("missing_file", "survey", 3, "type")),
        (
            row("select_one yn", "q", "Q", appearance="search('xa')"),
            ("bad_search", "survey", 3, "appearance"),
        ),
        (
            row("calculate", "q", calculation="pulldata('gia', 'muc', 'ma', ${a})"),
            ("missing_file", "survey", 3, "calculation"),
        ),
        (
            row("calculate", "q", calculation="${last-saved#a}"),
            ("unsupported_last_saved", "survey", 3, "calculation"),
        ),
        (
            row("calculate", "q", calculation="instance('khong_co')/root/item[1]/x"),
            ("unknown_list", "survey", 3, "calculation"),
        ),
        (
            row("calculate", "q", calculation="jr:itext('x')"),
            ("unsupported_function", "survey", 3, "calculation"),
        ),
        (
            row("text", "q", "Q", appearance="ex:org.app"),
            ("unsupported_appearance", "survey", 3, "appearance"),
        ),
        (
            row("text", "q", "Q", appearance="printer:org.app"),
            ("unsupported_appearance", "survey", 3, "appearance"),
        ),
    ],
)
def test_what_chat_can_not_do_is_refused_with_sheet_row_and_column(
    asked: Mapping[str, Any], expected: tuple[str, str, int, str]
) -> None:
    loaded = read([row("integer", "a", "A"), asked], YES_NO if "yn" in asked["type"] else ())
    assert loaded.form is None
    assert expected in places(loaded.errors)
    assert {found.row for found in loaded.errors} == {3}


def test_external_choices_are_refused_with_what_to_use_instead() -> None:
    survey = [row("text", "a", "A"), row("select_one_external xa", "q", "Q", choice_filter="a=${a}")]
    external = [{"list_name": "xa", "name": "x", "label": "X", "a": "1"}]
    loaded = read(survey, external_choices=external)
    assert places(loaded.errors) == [("unsupported_type", "survey", 3, "type")]
    assert "choice_filter" in line(loaded.errors[0], "en")


@pytest.mark.parametrize(
    ("setting", "code"),
    [("submission_url", "unsupported_submission_url"), ("public_key", "unsupported_encryption")],
)
def test_forms_that_want_another_server_are_refused(setting: str, code: str) -> None:
    settings = [{**SETTINGS[0], setting: "https://example.org"}]
    assert refused([row("text", "q", "Q")], settings=settings) == [(code, "settings", 2, setting)]


def test_entities_are_refused() -> None:
    survey = [row("text", "q", "Q", save_to="ten")]
    entities = [{"list_name": "ho", "label": "x"}]
    assert [found[0] for found in refused(survey, entities=entities)] == ["unsupported_entities"] * 2


# What the converter does not check --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("relevant", "${a} = (1"),
        ("relevant", "${a} == 1"),
        ("constraint", ". > 1 AND . < 3"),
        ("required", "khong-co-ham(${a})"),
        ("constraint", "regex(., 'x)"),
    ],
)
def test_a_broken_expression_is_refused_at_its_column_with_a_reason(column: str, value: str) -> None:
    loaded = read([row("integer", "a", "A"), row("integer", "q", "Q", **{column: value})])
    assert places(loaded.errors) == [("expression", "survey", 3, column)]
    assert loaded.form is None


def test_a_broken_calculation_is_refused_at_its_column() -> None:
    survey = [row("integer", "a", "A"), row("calculate", "q", calculation="${a} +")]
    assert refused(survey) == [("expression", "survey", 3, "calculation")]


def test_a_broken_choice_filter_is_refused_at_its_column() -> None:
    survey = [row("select_one yn", "q", "Q", choice_filter="name = (")]
    assert refused(survey, YES_NO) == [("expression", "survey", 2, "choice_filter")]


def test_the_reason_is_told_with_the_expression_as_the_author_wrote_it() -> None:
    loaded = read([row("integer", "a", "A"), row("integer", "q", "Q", relevant="${a} = (1")])
    told = line(loaded.errors[0], "vi")
    assert told.startswith("survey hàng 3, cột relevant: ")
    assert "${a} = (1" in told


@pytest.mark.parametrize("column", ["relevant", "constraint", "required", "calculation"])
def test_a_path_to_nowhere_is_refused_at_its_column(column: str) -> None:
    survey = [row("text", "a", "A"), row("integer", "q", "Q", **{column: "/data/khong_co = 1"})]
    loaded = read(survey)
    assert places(loaded.errors) == [("unknown_reference", "survey", 3, column)]
    assert loaded.errors[0].params["name"] == "khong_co"


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("relevant", "${a} && 1"),
        ("relevant", "selected(${a})"),
        ("relevant", "cht:tuoi(${a})"),
        ("relevant", "/data/*[@ma = 1]"),
        ("relevant", "//a = 1"),
        ("relevant", "following-sibling::a = 1"),
        ("relevant", "$bien = 1"),
        ("constraint", "regex(., '[a')"),
        ("default", "concat(${a}"),
        ("read_only", "${a} ="),
    ],
)
def test_what_no_engine_understands_is_refused_at_its_column(column: str, value: str) -> None:
    loaded = read([row("integer", "a", "A"), row("text", "q", "Q", **{column: value})])
    assert places(loaded.errors) == [("expression", "survey", 3, column)]


@pytest.mark.parametrize(
    "rules",
    [
        ({"relevant": "${b} = 1"}, {"relevant": "${a} = 1"}),
        ({"required": "${b} = 1"}, {"relevant": "${a} = 1"}),
        ({"relevant": "${a} = 1"}, {}),
    ],
)
def test_questions_that_depend_on_each_other_in_a_circle_are_refused(rules: Sequence[dict[str, str]]) -> None:
    survey = [row("integer", "a", "A", **rules[0]), row("integer", "b", "B", **rules[1])]
    loaded = read(survey)
    assert [(found.code, found.row) for found in loaded.errors] == [("cycle", 2)]


def test_calculations_that_depend_on_each_other_are_refused_with_the_way_round() -> None:
    survey = [
        row("text", "q", "Q"),
        row("calculate", "a", calculation="${b} + 1"),
        row("calculate", "b", calculation="${c} + 1"),
        row("calculate", "c", calculation="${a} + 1"),
    ]
    loaded = read(survey)
    assert places(loaded.errors) == [("cycle", "survey", 3, "calculation")]
    assert loaded.errors[0].params["names"] == "a → b → c → a"


def test_a_group_shown_because_of_a_question_inside_it_is_a_circle() -> None:
    survey = [
        row("begin group", "g", "G", relevant="${a} = 1"),
        row("integer", "a", "A"),
        row("end group"),
    ]
    assert refused(survey) == [("cycle", "survey", 2, "relevant")]


def test_a_constraint_may_look_at_its_own_and_at_each_other() -> None:
    survey = [
        row("integer", "a", "A", constraint=". < ${b}", constraint_message="x"),
        row("integer", "b", "B", constraint=". > ${a}", constraint_message="x"),
    ]
    assert form(survey).id == "thu"


@pytest.mark.parametrize("column", ["relevant", "required", "read_only"])
def test_a_rule_that_reads_its_own_question_is_a_circle(column: str) -> None:
    survey = [row("text", "a", "A"), row("text", "q", "Q", **{column: "${q} = 'x'"})]
    assert refused(survey) == [("cycle", "survey", 3, column)]


def test_settings_and_filters_may_look_at_each_other() -> None:
    survey = [
        row("text", "a", "A", default="concat(${b}, '')"),
        row("text", "b", "B", default="concat(${a}, '')"),
        row("select_one yn", "c", "C", choice_filter="name != ${d}"),
        row("select_one yn", "d", "D", choice_filter="name != ${c}"),
    ]
    assert form(survey, YES_NO).id == "thu"


def test_a_filter_on_a_column_that_is_not_there_is_refused() -> None:
    survey = [row("integer", "a", "A"), row("select_one yn", "q", "Q", choice_filter="tinh = ${a}")]
    loaded = read(survey, YES_NO)
    assert places(loaded.errors) == [("unknown_choice_column", "survey", 3, "choice_filter")]
    assert loaded.errors[0].params == {"name": "tinh", "list": "yn"}


def test_a_column_that_other_lists_fill_in_is_only_doubtful() -> None:
    lists = [*YES_NO, *choices("xa", "a", tinh="hn")]
    survey = [row("text", "t", "T"), row("select_one yn", "q", "Q", choice_filter="tinh = ${t}")]
    found = warned([*survey, row("select_one xa", "x", "X")], lists)
    assert found == [("empty_choice_column", "survey", 3, "choice_filter")]


@pytest.mark.parametrize(
    ("type", "value", "code"),
    [
        ("integer", "mười", "bad_default"),
        ("integer", "1.5", "bad_default"),
        ("decimal", "một", "bad_default"),
        ("date", "01/03/2024", "bad_default"),
        ("date", "2024-02-30", "bad_default"),
        ("time", "25:00", "bad_default"),
        ("time", "tám giờ", "bad_default"),
        ("dateTime", "2024-03-01", "bad_default"),
        ("geopoint", "200 5", "bad_default"),
        ("acknowledge", "yes", "bad_default"),
        ("range", "nhiều", "bad_default"),
        ("select_one yn", "maybe", "default_not_in_list"),
        ("select_multiple yn", "yes maybe", "default_not_in_list"),
        ("rank yn", "no maybe", "default_not_in_list"),
    ],
)
def test_a_default_that_can_not_be_an_answer_is_refused(type: str, value: str, code: str) -> None:
    survey = [row("text", "a", "A"), row(type, "q", "Q", default=value)]
    lists = YES_NO if "yn" in type else ()
    # A date with slashes looks like a path to the converter; it stays static text either way.
    assert [found[:1] + found[2:] for found in refused(survey, lists)] == [(code, 3, "default")]


@pytest.mark.parametrize(("required", "refuses"), [("yes", True), (None, False)])
@pytest.mark.parametrize("constraint", ["false()", "1 > 2", ". > 10 and . < 5", ". > 3 and . <= 3"])
def test_a_constraint_that_no_answer_meets_is_refused_where_an_answer_is_required(
    constraint: str, required: str | None, refuses: bool
) -> None:
    survey = [row("integer", "q", "Q", constraint=constraint, constraint_message="x", required=required)]
    loaded = read(survey)
    found = loaded.errors if refuses else loaded.warnings
    assert places(found) == [("impossible_constraint", "survey", 2, "constraint")]
    assert (loaded.form is None) == refuses


@pytest.mark.parametrize(
    "constraint", [". >= 0 and . <= 120", ". >= 3 and . <= 3", ". > 3 or . < 1", "true()", ". = 5"]
)
def test_a_constraint_that_some_answer_meets_is_left_alone(constraint: str) -> None:
    survey = [row("integer", "q", "Q", constraint=constraint, constraint_message="x", required="yes")]
    assert warned(survey) == []


def test_one_name_under_two_parents_of_a_filtered_list_is_allowed() -> None:
    settings = [{**SETTINGS[0], "allow_choice_duplicates": "yes"}]
    lists = [*choices("xa", "trung_tam", tinh="hn"), *choices("xa", "trung_tam", tinh="hcm")]
    survey = [row("text", "t", "T"), row("select_one xa", "q", "Q", choice_filter="tinh = ${t}")]
    assert form(survey, lists, settings).id == "thu"


def test_a_form_that_asks_nothing_is_refused() -> None:
    assert refused([row("calculate", "q", calculation="1 + 1")]) == [("no_questions", "survey", 0, "")]


def test_several_errors_are_told_at_once_in_the_order_of_the_sheet() -> None:
    survey = [
        row("geotrace", "a", "A", required="yes"),
        row("integer", "b", "B", relevant="1 +"),
        row("integer", "c", "C", constraint="(", default="x"),
    ]
    assert [found[2:] for found in refused(survey)] == [
        (2, "type"),
        (3, "relevant"),
        (4, "constraint"),
        (4, "default"),
    ]
