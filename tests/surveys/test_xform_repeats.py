"""XForm → Form: repeats, what counts them, and what refers to them."""

from __future__ import annotations

import pytest

from surveys.expressions import Expression
from surveys.forms import Kind, Question, Repeat
from tests.forms.build import choices, row
from tests.forms.reading import YES_NO, form, question, read, refused, repeat, shown, warned


def members(*inside: dict[str, object], **columns: object) -> list[dict[str, object]]:
    return [row("begin repeat", "r", "Thành viên", **columns), *inside, row("end repeat")]


NAME, AGE = row("text", "ten", "Tên"), row("integer", "tuoi", "Tuổi")


def test_a_repeat_keeps_its_questions_label_relevance_and_row() -> None:
    found = repeat([row("text", "a", "A"), *members(NAME, AGE, relevant="${a} != ''")])
    assert (found.ref, found.row, found.count, found.governed_by) == ("/data/r", 3, None, None)
    assert found.label.by_language == {"default": ("Thành viên",)}
    assert found.relevant is not None and found.relevant.references == ("/data/a",)
    assert [child.ref for child in found.children] == ["/data/r/ten", "/data/r/tuoi"]


def test_repeats_nest_with_groups_between_them() -> None:
    survey = members(
        NAME,
        row("begin group", "g"),
        row("begin repeat", "con", "Con"),
        row("text", "ten_con", "Tên"),
        row("end repeat"),
        row("end group"),
    )
    kinds = [(type(item).__name__, item.ref) for item in form(survey).items()]
    assert kinds == [
        ("Repeat", "/data/r"),
        ("Question", "/data/r/ten"),
        ("Group", "/data/r/g"),
        ("Repeat", "/data/r/g/con"),
        ("Question", "/data/r/g/con/ten_con"),
    ]


def test_a_count_that_is_plainly_an_integer_question_is_governed_by_it() -> None:
    found = repeat([row("integer", "n", "N"), *members(NAME, repeat_count="${n}")])
    assert found.count is not None and found.count.references == ("/data/n",)
    assert found.governed_by == "/data/n"


def test_a_nested_count_is_governed_by_the_question_beside_it() -> None:
    survey = members(
        row("integer", "n", "N"),
        row("begin repeat", "con", "Con", repeat_count="${n}"),
        row("text", "t", "T"),
        row("end repeat"),
    )
    assert repeat(survey, name="con").governed_by == "/data/r/n"


@pytest.mark.parametrize(
    "counting",
    [
        row("calculate", "n", calculation="2"),
        row("integer", "n", "N", read_only="yes"),
        row("integer", "n", "N", calculation="2"),
        row("text", "n", "N"),
    ],
)
def test_a_count_that_nobody_is_asked_for_is_not_governed(counting: dict[str, object]) -> None:
    survey = [row("text", "a", "A"), counting, *members(NAME, repeat_count="${n}")]
    assert repeat(survey).governed_by is None


def test_a_count_may_be_worked_out() -> None:
    survey = [row("integer", "n", "N"), *members(NAME, repeat_count="${n} + 1")]
    found = repeat(survey)
    assert found.governed_by is None
    assert found.count is not None and found.count.references == ("/data/r_count",)
    counted = question(survey, name="r_count")
    assert (counted.kind, counted.row) == (Kind.CALCULATE, 3)
    assert refused([row("integer", "n", "N"), *members(NAME, repeat_count="${n} +")]) == [
        ("expression", "survey", 3, "repeat_count")
    ]


@pytest.mark.parametrize(
    ("counting", "warns"),
    [
        (row("text", "n", "N"), True),
        (row("decimal", "n", "N"), True),
        (row("select_multiple yn", "n", "N"), True),
        (row("select_one yn", "n", "N"), False),
        (row("integer", "n", "N"), False),
    ],
)
def test_a_count_that_is_no_whole_number_is_warned_about(counting: dict[str, object], warns: bool) -> None:
    found = warned(
        [counting, *members(NAME, repeat_count="${n}")], YES_NO if "yn" in str(counting["type"]) else ()
    )
    assert found == ([("count_not_whole", "survey", 3, "repeat_count")] if warns else [])


def test_a_default_that_is_worked_out_is_one_setting_for_every_member() -> None:
    found = question(
        members(NAME, row("date", "q", "Q", default="today()"), row("text", "t", "T", default="x"))
    )
    assert [(setting.value.source, setting.triggers) for setting in found.settings] == [("today()", ())]
    survey = members(NAME, row("text", "q", "Q", default="x"))
    assert question(survey).default == "x"


def test_the_label_of_a_repeat_speaks_of_its_own_member() -> None:
    survey = [
        row("begin repeat", "nha", "Nhà ${chu}"),
        row("text", "chu", "Chủ"),
        row("begin repeat", "r", "Thành viên ${ten} nhà ${chu}"),
        NAME,
        row("end repeat"),
        row("end repeat"),
    ]
    assert shown(repeat(survey).label.by_language["default"]) == "Thành viên ./ten nhà ../chu"
    outer = repeat(survey, name="nha")
    (words, named) = outer.label.by_language["default"]
    assert words == "Nhà "
    assert isinstance(named, Expression) and named.references == ("/data/nha/chu",)


def test_choices_may_be_what_was_answered_in_a_repeat() -> None:
    survey = [*members(NAME, AGE), row("select_one ${ten}", "q", "Ai?", choice_filter="${tuoi} >= 15")]
    found = question(survey)
    assert (found.choices, found.list_name, found.choice_filter) == ((), "", None)
    assert found.picked is not None
    assert set(found.picked.nodes.references) == {"/data/r", "/data/r/tuoi"}
    assert (found.picked.value.source, found.picked.label.source) == ("ten", "ten")
    assert found.picked.value.references == ("/data/r/ten",)


def test_a_label_of_a_choice_in_a_repeat_speaks_of_its_own_member() -> None:
    lists = [{"list_name": "l", "name": "x", "label": "${ten} tự lo"}, *choices("l", "y")]
    survey = members(NAME, row("begin group", "g"), row("select_one l", "q", "Q"), row("end group"))
    loaded = form([*survey, row("select_one l", "p", "P")], lists)
    inside, outside = (found for found in loaded.questions() if isinstance(found, Question) and found.choices)
    assert shown(inside.choices[0].label.by_language["default"]) == "../../ten tự lo"
    assert shown(outside.choices[0].label.by_language["default"]) == "/data/r/ten tự lo"
    assert inside.list_name != outside.list_name
    for found in (inside, outside):
        assert loaded.lists[found.list_name] == found.choices


# Circles ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("calculation", "circle"),
    [
        ("position(..)", False),
        ("count(${r})", False),
        ("count(/data/r)", False),
        ("${tuoi} + indexed-repeat(${tuoi}, ${r}, position(..) - 1)", False),
        ("sum(/data/r/q)", True),
        ("indexed-repeat(${q}, ${r}, position(..) - 1) + 1", True),
        ("../../r[position() = position(current()/..) - 1]/q + 1", True),
    ],
)
def test_what_reads_itself_in_any_member_is_a_circle_as_to_odk(calculation: str, circle: bool) -> None:
    loaded = read(members(AGE, row("calculate", "q", calculation=calculation)))
    assert [found.code for found in loaded.errors] == (["cycle"] if circle else [])


def test_a_repeat_may_be_counted_by_what_its_members_say() -> None:
    again = "if(indexed-repeat(${nua}, ${r}, count(${r})) = 'yes', count(${r}) + 1, count(${r}))"
    survey = members(NAME, row("select_one yn", "nua", "Nữa?"), repeat_count=again)
    assert isinstance(repeat(survey, YES_NO), Repeat)


def test_a_repeat_shown_because_of_a_question_in_it_is_a_circle() -> None:
    assert refused(members(NAME, relevant="${ten} = ''")) == [("cycle", "survey", 2, "relevant")]
