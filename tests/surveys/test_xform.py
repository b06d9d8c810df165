"""XForm → Form: what a chat can ask is read, everything else is refused with its place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.authoring.check import generated_texts, line
from surveys.expressions import Expression
from surveys.forms import Form, Group, Kind, Question, Template, language_code
from surveys.xform import Finding, Loaded, Row, circles, read_form
from tests.forms.build import Rows, choices, converted, row

VI, EN = "Tiếng Việt (vi)", "English (en)"
YES_NO = choices("yn", "yes", "no")
SETTINGS = [{"form_id": "thu", "form_title": "Thử", "version": "1"}]


def read(survey: Rows, lists: Rows = (), settings: Rows = SETTINGS, **sheets: Rows) -> Loaded:
    made = converted(survey, lists, settings, **sheets)
    assert not made.errors, made.errors
    loaded = read_form(made.xform, made.rows, generated=generated_texts())
    for found in (*loaded.errors, *loaded.warnings):
        for language in ("vi", "en"):
            assert not line(found, language).startswith("form."), f"no sentence for {found}"
    return loaded


def form(survey: Rows, lists: Rows = (), settings: Rows = SETTINGS) -> Form:
    loaded = read(survey, lists, settings)
    assert loaded.form is not None, loaded.errors
    return loaded.form


def question(survey: Rows, lists: Rows = (), name: str = "q") -> Question:
    return next(found for found in form(survey, lists).questions() if found.name == name)


def places(findings: Sequence[Finding]) -> list[tuple[str, str, int, str]]:
    return [(found.code, found.sheet, found.row, found.column) for found in findings]


def shown(template: Template) -> str:
    return "".join(part.source if isinstance(part, Expression) else part for part in template)


# What is read -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("type", "kind", "node"),
    [
        ("text", Kind.TEXT, "string"),
        ("integer", Kind.INTEGER, "int"),
        ("decimal", Kind.DECIMAL, "decimal"),
        ("date", Kind.DATE, "date"),
        ("select_one yn", Kind.SELECT_ONE, "select1"),
        ("select_multiple yn", Kind.SELECT_MULTIPLE, "select"),
        ("note", Kind.NOTE, "string"),
    ],
)
def test_a_question_of_each_supported_type_keeps_its_kind_name_row_and_words(
    type: str, kind: Kind, node: str
) -> None:
    found = question([row("text", "first", "Một"), {}, row(type, "q", "Hai")], YES_NO)
    assert (found.kind, found.type, found.ref, found.row) == (kind, node, "/data/q", 4)
    assert found.label.by_language == {"default": ("Hai",)}
    assert [choice.name for choice in found.choices] == (["yes", "no"] if "select" in type else [])


def test_a_calculation_is_never_shown_and_keeps_its_expression() -> None:
    found = question([row("integer", "a", "A"), row("calculate", "q", calculation="${a} + 1")])
    assert found.kind is Kind.CALCULATE
    assert found.calculation is not None
    assert found.calculation.references == ("/data/a",)


def test_a_hidden_field_has_no_calculation_and_may_have_a_value() -> None:
    found = question([row("text", "a", "A"), row("hidden", "q", default="p07")])
    assert (found.kind, found.calculation, found.default) == (Kind.HIDDEN, None, "p07")


def test_a_read_only_text_without_calculation_is_a_note_with_its_value() -> None:
    found = question([row("text", "a", "A"), row("text", "q", "Mã hộ", read_only="yes", default="12")])
    assert (found.kind, found.read_only, found.default) == (Kind.NOTE, True, "12")


def test_a_read_only_text_with_a_calculation_shows_what_it_computes() -> None:
    survey = [row("integer", "a", "A"), row("text", "q", "Tổng", read_only="yes", calculation="${a} * 2")]
    found = question(survey)
    assert (found.kind, found.read_only) == (Kind.TEXT, True)
    assert found.calculation is not None


def test_groups_nest_and_keep_label_relevance_and_order() -> None:
    survey = [
        row("text", "a", "A"),
        row("begin group", "outer", "Ngoài", relevant="${a} != ''"),
        row("begin group", "inner"),
        row("text", "b", "B"),
        row("end group"),
        row("text", "c", "C"),
        row("end group"),
    ]
    loaded = form(survey)
    outer = loaded.children[1]
    assert isinstance(outer, Group)
    assert outer.label.by_language == {"default": ("Ngoài",)}
    assert outer.relevant is not None and outer.relevant.references == ("/data/a",)
    inner = outer.children[0]
    assert isinstance(inner, Group) and not inner.label
    assert [found.ref for found in loaded.questions()] == ["/data/a", "/data/outer/inner/b", "/data/outer/c"]


def test_a_read_only_group_makes_its_questions_read_only() -> None:
    survey = [row("begin group", "g", read_only="yes"), row("integer", "q", "Q"), row("end group")]
    assert question(survey).read_only


def test_the_same_rules_and_messages_come_out_as_went_in() -> None:
    found = question(
        [
            row("integer", "a", "A"),
            row(
                "integer",
                "q",
                "Q",
                hint="gợi ý",
                guidance_hint="hướng dẫn",
                relevant="${a} > 1",
                required="${a} > 2",
                required_message="Cần trả lời",
                constraint=". < ${a}",
                constraint_message="Phải nhỏ hơn ${a}",
                default="-3",
                appearance="w1",
            ),
        ]
    )
    assert found.relevant is not None and found.relevant.references == ("/data/a",)
    assert found.required is not None and found.required.references == ("/data/a",)
    assert found.constraint is not None and set(found.constraint.references) == {"/data/q", "/data/a"}
    assert found.required_message.by_language == {"default": ("Cần trả lời",)}
    assert shown(found.constraint_message.by_language["default"]) == "Phải nhỏ hơn /data/a"
    assert found.hint.by_language == {"default": ("gợi ý",)}
    assert found.guidance.by_language == {"default": ("hướng dẫn",)}
    assert (found.default, found.appearance) == ("-3", "w1")


@pytest.mark.parametrize(("written", "source"), [("yes", "true()"), ("no", None), (None, None)])
def test_required_may_be_yes_or_no(written: str | None, source: str | None) -> None:
    found = question([row("text", "q", "Q", required=written)])
    assert (found.required.source if found.required else None) == source


def test_a_label_with_references_keeps_words_and_blanks_around_them() -> None:
    found = question(
        [row("text", "a", "A"), row("text", "q", "Ông/bà ${a}, tên <b>ai</b>?\nNhà ${a} - ${a}")]
    )
    template = found.label.by_language["default"]
    assert [part.source if isinstance(part, Expression) else part for part in template] == [
        "Ông/bà ",
        "/data/a",
        ", tên <b>ai</b>?\nNhà ",
        "/data/a",
        " - ",
        "/data/a",
    ]


def test_a_missing_translation_falls_back_and_is_reported_once_a_language() -> None:
    survey = [
        {"type": "text", "name": "a", f"label::{VI}": "Tên", f"label::{EN}": "Name", f"hint::{VI}": "gợi ý"},
        {"type": "select_one l", "name": "b", f"label::{VI}": "Chọn ${a}"},
    ]
    lists = [{"list_name": "l", "name": "x", f"label::{VI}": "Ích", f"label::{EN}": "Ex"}]
    loaded = read(survey, lists, [{**SETTINGS[0], "default_language": VI}])
    assert loaded.form is not None
    assert loaded.form.languages == (VI, EN)
    assert loaded.form.default_language == VI
    first, second = loaded.form.questions()
    assert first.label.choose(EN, VI) == ("Name",)
    assert shown(second.label.choose(EN, VI)) == "Chọn /data/a"
    assert second.choices[0].label.by_language == {VI: ("Ích",), EN: ("Ex",)}
    assert places(loaded.warnings) == [("missing_translation", "survey", 2, "hint")]
    assert loaded.warnings[0].params == {"language": EN, "count": 2}


def test_a_lone_hyphen_is_a_text_in_a_form_of_one_language() -> None:
    assert question([row("text", "q", "-")]).label.by_language == {"default": ("-",)}


def test_words_without_a_language_belong_to_the_default_one() -> None:
    survey = [{"type": "text", "name": "q", f"label::{VI}": "Tên", f"label::{EN}": "Name", "hint": "gợi ý"}]
    loaded = form(survey, settings=[{**SETTINGS[0], "default_language": VI}])
    assert next(loaded.questions()).hint.by_language == {VI: ("gợi ý",)}


@pytest.mark.parametrize(
    ("name", "code"), [(VI, "vi"), ("English (en-GB)", "en"), ("fr", "fr"), ("default", ""), ("Tày", "")]
)
def test_the_code_of_a_language_is_read_from_its_name(name: str, code: str) -> None:
    assert language_code(name) == code


def test_a_choice_filter_reads_extra_columns_of_its_list() -> None:
    lists = [
        *choices("tinh", "hn", "hcm"),
        *choices("xa", "a", "b", tinh="hn"),
        *choices("xa", "c", tinh="hcm"),
    ]
    survey = [row("select_one tinh", "t", "T"), row("select_one xa", "q", "Q", choice_filter="tinh = ${t}")]
    found = question(survey, lists)
    assert found.choice_filter is not None
    assert found.choice_filter.references == ("/data/t",)
    assert found.choice_filter.columns == {("xa", "tinh")}
    assert [choice.columns["tinh"] for choice in found.choices] == ["hn", "hn", "hcm"]
    assert found.list_name == "xa"


def test_the_form_carries_every_list_for_expressions() -> None:
    survey = [
        row("select_one yn", "a", "A"),
        row("calculate", "q", calculation="instance('gia')/root/item[name = ${a}]/muc"),
    ]
    lists = [*YES_NO, {"list_name": "gia", "name": "yes", "label": "x", "muc": "5"}]
    loaded = form(survey, lists)
    assert loaded.lists["gia"][0].columns["muc"] == "5"
    assert [choice.name for choice in loaded.lists["yn"]] == ["yes", "no"]


def test_a_choice_label_may_hold_a_reference() -> None:
    lists = [{"list_name": "l", "name": "x", "label": "Con của ${a}"}]
    found = question([row("text", "a", "A"), row("select_one l", "q", "Q")], lists)
    assert shown(found.choices[0].label.by_language["default"]) == "Con của /data/a"


def test_or_other_adds_a_choice_and_a_question_in_the_languages_of_the_form() -> None:
    survey = [
        {"type": "select_multiple l or_other", "name": "q", f"label::{VI}": "Nghề", f"label::{EN}": "Job"}
    ]
    lists = [{"list_name": "l", "name": "x", f"label::{VI}": "Ích", f"label::{EN}": "Ex"}]
    loaded = read(survey, lists, [{**SETTINGS[0], "default_language": VI}])
    assert loaded.form is not None
    asked, other = loaded.form.questions()
    assert asked.choices[-1].name == "other"
    assert asked.choices[-1].label.by_language == {VI: ("Khác",), EN: ("Other",)}
    assert (other.kind, other.name, other.row) == (Kind.TEXT, "q_other", 2)
    assert other.label.by_language == {VI: ("Vui lòng ghi rõ.",), EN: ("Please specify.",)}
    assert other.relevant is not None and other.relevant.references == ("/data/q",)
    assert loaded.warnings == ()


def test_a_table_of_selects_becomes_a_heading_and_questions() -> None:
    survey = [
        row("begin group", "g", "Bảng", appearance="table-list"),
        row("select_one yn", "a", "A"),
        row("select_one yn", "b", "B"),
        row("end group"),
    ]
    kinds = [(found.name, found.kind) for found in form(survey, YES_NO).questions()]
    assert [kind for _, kind in kinds] == [Kind.NOTE, Kind.SELECT_ONE, Kind.SELECT_ONE]
    assert [name for name, _ in kinds[1:]] == ["a", "b"]


def test_id_version_title_and_root_come_from_the_settings() -> None:
    loaded = form([row("text", "q", "Q")], settings=[{**SETTINGS[0], "name": "phieu"}])
    assert (loaded.id, loaded.version, loaded.title, loaded.root) == ("thu", "1", "Thử", "phieu")
    assert [found.ref for found in loaded.questions()] == ["/phieu/q"]
    assert next(loaded.questions()).row == 2


def test_a_date_cell_of_a_spreadsheet_is_a_date() -> None:
    assert question([row("date", "q", "Q", default="2024-03-01 00:00:00")]).default == "2024-03-01"


def test_layout_is_ignored_silently() -> None:
    survey = [
        row("begin group", "g", "G", appearance="field-list"),
        row("select_one yn", "q", "Q", appearance="minimal w2"),
        row("text", "t", "T", appearance="multiline", parameters="rows=3"),
        row("end group"),
    ]
    loaded = read(survey, YES_NO, [{**SETTINGS[0], "style": "pages"}])
    assert (loaded.errors, loaded.warnings) == ((), ())


def test_the_digest_changes_with_the_form_and_with_its_rows() -> None:
    made = converted([row("text", "q", "Q")], settings=SETTINGS)
    one = read_form(made.xform, made.rows)
    again = read_form(made.xform, dict(made.rows))
    moved = read_form(made.xform, {ref: Row("survey", 9) for ref in made.rows})
    assert one.form and again.form and moved.form
    assert one.form.digest == again.form.digest != moved.form.digest
    assert len(one.form.digest) == 64


def test_a_file_that_only_ignored_metadata_would_read_is_not_missed() -> None:
    settings = [{**SETTINGS[0], "instance_name": "pulldata('gia', 'a', 'b', ${q})"}]
    loaded = read([row("text", "q", "Q")], settings=settings)
    assert loaded.form is not None
    assert places(loaded.warnings) == [("metadata_ignored", "settings", 2, "instance_name")]


def test_metadata_of_devices_is_ignored_with_a_warning() -> None:
    survey = [row("start", "start"), row("deviceid", "may"), row("audit", "audit"), row("text", "q", "Q")]
    loaded = read(survey)
    assert loaded.form is not None
    assert [found.name for found in loaded.form.questions()] == ["q"]
    assert {found.code for found in loaded.warnings} == {"metadata_ignored"}
    assert {(found.row, found.params["name"]) for found in loaded.warnings} >= {(2, "start"), (3, "deviceid")}


def test_the_day_an_interview_began_can_be_used_in_expressions() -> None:
    survey = [
        row("today", "today"),
        row("date", "a", "A"),
        row("calculate", "q", calculation="${today} > ${a}"),
    ]
    found = question(survey, name="today")
    assert found.kind is Kind.CALCULATE
    assert found.calculation is not None and found.calculation.source == "once(today())"
    assert found.type == "date"


# What is refused --------------------------------------------------------------------------------------------


def refused(survey: Rows, lists: Rows = (), settings: Rows = SETTINGS, **sheets: Rows) -> list[Any]:
    loaded = read(survey, lists, settings, **sheets)
    assert loaded.form is None
    return places(loaded.errors)


@pytest.mark.parametrize(
    ("type", "name", "columns"),
    [
        ("rank yn", "rank", {}),
        ("range", "range", {"parameters": "start=1 end=5 step=1"}),
        ("time", "time", {}),
        ("dateTime", "dateTime", {}),
        ("geopoint", "geopoint", {}),
        ("geotrace", "geotrace", {}),
        ("geoshape", "geoshape", {}),
        ("image", "image", {}),
        ("audio", "audio", {}),
        ("video", "video", {}),
        ("file", "file", {}),
        ("barcode", "barcode", {}),
        ("acknowledge", "acknowledge", {}),
    ],
)
def test_a_type_that_chat_can_not_ask_is_refused_at_its_row(
    type: str, name: str, columns: Mapping[str, str]
) -> None:
    loaded = read([row("text", "a", "A"), row(type, "q", "Q", **columns)], YES_NO)
    assert loaded.form is None
    assert places(loaded.errors) == [("unsupported_type", "survey", 3, "type")]
    assert loaded.errors[0].params["type"] == name


def test_a_repeat_is_refused_at_the_row_where_it_begins() -> None:
    survey = [
        row("text", "a", "A"),
        row("begin repeat", "r", "R"),
        row("text", "b", "B", relevant="${c} = 1"),
        row("integer", "c", "C"),
        row("end repeat"),
    ]
    assert refused(survey) == [("unsupported_type", "survey", 3, "type")]


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        (row("select_one_from_file xa.csv", "q", "Q"), ("unsupported_external", "survey", 3, "type")),
        (row("select_one ${a}", "q", "Q"), ("unsupported_choices_from_repeat", "survey", 3, "type")),
        (
            row("select_one yn", "q", "Q", parameters="randomize=true"),
            ("unsupported_randomize", "survey", 3, "parameters"),
        ),
        (
            row("select_one yn", "q", "Q", appearance="search('xa')"),
            ("unsupported_appearance", "survey", 3, "appearance"),
        ),
        (
            row("calculate", "q", calculation="pulldata('gia', 'muc', 'ma', ${a})"),
            ("unsupported_external", "survey", 3, "calculation"),
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
        (row("csv-external", "gia"), ("unsupported_external", "survey", 3, "type")),
        (row("text", "q", "Q", default="today()"), ("unsupported_default", "survey", 3, "default")),
        (row("text", "q", "Q", read_only="${a} = 1"), ("unsupported_read_only", "survey", 3, "read_only")),
        (
            row("text", "q", "Q", appearance="ex:org.app"),
            ("unsupported_appearance", "survey", 3, "appearance"),
        ),
        (row("note", "q", "Q", **{"media::image": "a.png"}), ("unsupported_media", "survey", 3, "image")),
    ],
)
def test_what_chat_can_not_do_is_refused_with_sheet_row_and_column(
    asked: Mapping[str, Any], expected: tuple[str, str, int, str]
) -> None:
    loaded = read([row("integer", "a", "A"), asked], YES_NO if "yn" in asked["type"] else ())
    assert loaded.form is None
    assert expected in places(loaded.errors)
    assert {found.row for found in loaded.errors} == {3}


def test_pictures_on_choices_are_refused_on_the_sheet_of_choices() -> None:
    lists = [*YES_NO, {"list_name": "yn", "name": "x", "label": "X", "image": "a.png"}]
    assert refused([row("select_one yn", "q", "Q")], lists) == [("unsupported_media", "choices", 4, "image")]


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


def test_a_word_in_required_that_is_neither_yes_nor_no_is_a_path_to_nowhere() -> None:
    assert refused([row("text", "q", "Q", required="maybe")]) == [
        ("unknown_reference", "survey", 2, "required")
    ]


def test_metadata_that_is_not_recorded_can_not_be_used() -> None:
    survey = [row("deviceid", "may"), row("text", "q", "Q", relevant="${may} != ''")]
    assert refused(survey) == [("metadata_used", "survey", 3, "relevant")]


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


def test_a_filter_on_a_column_that_is_not_there_is_refused() -> None:
    survey = [row("integer", "a", "A"), row("select_one yn", "q", "Q", choice_filter="tinh = ${a}")]
    loaded = read(survey, YES_NO)
    assert places(loaded.errors) == [("unknown_choice_column", "survey", 3, "choice_filter")]
    assert loaded.errors[0].params == {"name": "tinh", "list": "yn"}


@pytest.mark.parametrize(
    ("type", "value", "code"),
    [
        ("integer", "mười", "bad_default"),
        ("integer", "1.5", "bad_default"),
        ("decimal", "một", "bad_default"),
        ("date", "01/03/2024", "bad_default"),
        ("date", "2024-02-30", "bad_default"),
        ("select_one yn", "maybe", "default_not_in_list"),
        ("select_multiple yn", "yes maybe", "default_not_in_list"),
    ],
)
def test_a_default_that_can_not_be_an_answer_is_refused(type: str, value: str, code: str) -> None:
    survey = [row("text", "a", "A"), row(type, "q", "Q", default=value)]
    lists = YES_NO if "select" in type else ()
    # A date with slashes looks like a path to the converter; it stays static text either way.
    assert [found[:1] + found[2:] for found in refused(survey, lists)] == [(code, 3, "default")]


def test_two_choices_of_one_name_are_refused_where_the_second_stands() -> None:
    settings = [{**SETTINGS[0], "allow_choice_duplicates": "yes"}]
    lists = [*YES_NO, *choices("yn", "yes")]
    survey = [row("select_one yn", "q", "Q"), row("select_one yn", "r", "R")]
    assert refused(survey, lists, settings) == [("duplicate_choice", "choices", 4, "name")]


def test_one_name_under_two_parents_of_a_filtered_list_is_allowed() -> None:
    settings = [{**SETTINGS[0], "allow_choice_duplicates": "yes"}]
    lists = [*choices("xa", "trung_tam", tinh="hn"), *choices("xa", "trung_tam", tinh="hcm")]
    survey = [row("text", "t", "T"), row("select_one xa", "q", "Q", choice_filter="tinh = ${t}")]
    assert form(survey, lists, settings).id == "thu"


def test_a_select_without_choices_is_refused() -> None:
    xform = _xform(body='<select1 ref="/data/q"><label>Q</label></select1>')
    assert places(read_form(xform, {"/data/q": Row("survey", 2)}).errors) == [
        ("no_choices", "survey", 2, "type")
    ]


def test_a_form_that_asks_nothing_is_refused() -> None:
    assert refused([row("calculate", "q", calculation="1 + 1")]) == [("no_questions", "survey", 0, "")]


def test_several_errors_are_told_at_once_in_the_order_of_the_sheet() -> None:
    survey = [
        row("time", "a", "A"),
        row("integer", "b", "B", relevant="1 +"),
        row("integer", "c", "C", constraint="(", default="x"),
    ]
    assert [found[2:] for found in refused(survey)] == [
        (2, "type"),
        (3, "relevant"),
        (4, "constraint"),
        (4, "default"),
    ]


# Limits -----------------------------------------------------------------------------------------------------


def _xform(body: str = '<input ref="/data/q"><label>Q</label></input>', names: Sequence[str] = ("q",)) -> str:
    leaves = "".join(f"<{name}/>" for name in names)
    return (
        '<h:html xmlns="http://www.w3.org/2002/xforms" xmlns:h="http://www.w3.org/1999/xhtml">'
        f'<h:head><h:title>T</h:title><model><instance><data id="t" version="1">{leaves}</data></instance>'
        f"</model></h:head><h:body>{body}</h:body></h:html>"
    )


def test_more_than_a_thousand_questions_are_refused() -> None:
    names = [f"q{number}" for number in range(1001)]
    body = "".join(f'<input ref="/data/{name}"><label>Q</label></input>' for name in names)
    loaded = read_form(_xform(body, names), {})
    assert [found.code for found in loaded.errors] == ["too_many_questions"]
    assert read_form(_xform(body, names[:1000]), {}).form is not None


def test_more_than_five_thousand_choices_are_refused() -> None:
    def made(count: int) -> Loaded:
        items = "".join(f"<item><name>c{number}</name><label>C</label></item>" for number in range(count))
        listed = f'<instance id="l"><root>{items}</root></instance>'
        itemset = (
            "<itemset nodeset=\"instance('l')/root/item\"><value ref='name'/><label ref='label'/></itemset>"
        )
        body = f'<select1 ref="/data/q"><label>Q</label>{itemset}</select1>'
        return read_form(_xform(body).replace("</model>", f"{listed}</model>"), {})

    assert [found.code for found in made(5001).errors] == ["too_many_choices"]
    assert made(5000).form is not None


def test_a_label_over_four_thousand_characters_is_refused_and_a_long_one_is_warned_about() -> None:
    assert refused([row("text", "q", "x" * 4001)]) == [("text_too_long", "survey", 2, "label")]
    assert places(read([row("text", "q", "x" * 4000)]).warnings) == [("text_long", "survey", 2, "label")]


def test_groups_nested_without_end_are_refused() -> None:
    depth = 40
    survey = [
        *(row("begin group", f"g{number}") for number in range(depth)),
        row("text", "q", "Q"),
        *(row("end group") for _ in range(depth)),
    ]
    assert refused(survey)[0][0] == "too_deep"


@pytest.mark.parametrize(
    "xform",
    [
        '<!DOCTYPE x [<!ENTITY a "b">]><x>&a;</x>',
        '<!DOCTYPE x SYSTEM "file:///etc/passwd"><x/>',
    ],
)
def test_a_document_type_is_refused(xform: str) -> None:
    assert [found.code for found in read_form(xform, {}).errors] == ["unsafe_xml"]


@pytest.mark.parametrize("xform", ["", "không phải xml", "<x/>", "<x>"])
def test_what_is_not_an_xform_is_refused(xform: str) -> None:
    assert [found.code for found in read_form(xform, {}).errors] == ["not_xform"]


# What is doubtful -------------------------------------------------------------------------------------------


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
            [row("date", "a", "A", appearance="month-year")],
            ("part_of_date", "survey", 2, "appearance"),
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


# Circles ----------------------------------------------------------------------------------------------------

_GRAPHS = st.dictionaries(
    st.sampled_from("abcdef"), st.lists(st.sampled_from("abcdef"), max_size=4), max_size=6
)


@given(_GRAPHS)
def test_a_circle_is_a_walk_along_the_graph_and_none_is_left_without_it(graph: dict[str, list[str]]) -> None:
    found = circles(graph)
    for circle in found:
        for node, following in zip(circle, [*circle[1:], circle[0]], strict=True):
            assert following in graph[node]
    # Without the nodes that stand on a circle's component, everything can be put in order.
    assert bool(found) == (not _has_order(graph))


def _has_order(graph: Mapping[str, Sequence[str]]) -> bool:
    left = {node: {target for target in targets if target in graph} for node, targets in graph.items()}
    while left:
        free = [node for node, targets in left.items() if not targets & left.keys()]
        if not free:
            return False
        for node in free:
            del left[node]
    return True
