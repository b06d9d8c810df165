"""XForm → Form: questions, texts and metadata come out as they went in."""

from __future__ import annotations

import pytest

from surveys.expressions import Expression
from surveys.forms import Group, Kind, Media, language_code
from surveys.xform import Row, read_form
from tests.forms.build import converted, row
from tests.forms.reading import EN, SETTINGS, VI, YES_NO, form, places, question, read, refused, shown, warned


@pytest.mark.parametrize(
    ("type", "kind", "node"),
    [
        ("text", Kind.TEXT, "string"),
        ("integer", Kind.INTEGER, "int"),
        ("decimal", Kind.DECIMAL, "decimal"),
        ("date", Kind.DATE, "date"),
        ("time", Kind.TIME, "time"),
        ("dateTime", Kind.DATETIME, "dateTime"),
        ("barcode", Kind.BARCODE, "barcode"),
        ("acknowledge", Kind.ACKNOWLEDGE, "string"),
        ("geopoint", Kind.GEOPOINT, "geopoint"),
        ("image", Kind.IMAGE, "binary"),
        ("audio", Kind.AUDIO, "binary"),
        ("video", Kind.VIDEO, "binary"),
        ("file", Kind.FILE, "binary"),
        ("select_one yn", Kind.SELECT_ONE, "select1"),
        ("select_multiple yn", Kind.SELECT_MULTIPLE, "select"),
        ("rank yn", Kind.RANK, "select"),
        ("note", Kind.NOTE, "string"),
    ],
)
def test_a_question_of_each_type_keeps_its_kind_name_row_and_words(type: str, kind: Kind, node: str) -> None:
    lists = YES_NO if "yn" in type else ()
    found = question([row("text", "first", "Một"), {}, row(type, "q", "Hai")], lists)
    assert (found.kind, found.type, found.ref, found.row) == (kind, node, "/data/q", 4)
    assert found.label.by_language == {"default": ("Hai",)}
    assert [choice.name for choice in found.choices] == (["yes", "no"] if lists else [])


@pytest.mark.parametrize(
    ("written", "start", "end", "step", "node"),
    [
        ("start=1 end=5 step=1", "1", "5", "1", "int"),
        ("start=0.5 end=2 step=0.5", "0.5", "2", "0.5", "decimal"),
        ("start=10 end=0 step=5", "0", "10", "5", "int"),
        ("", "1", "10", "1", "int"),
    ],
)
def test_a_range_has_its_bounds_and_step(written: str, start: str, end: str, step: str, node: str) -> None:
    found = question([row("range", "q", "Q", parameters=written)])
    assert found.range is not None
    assert (str(found.range.start), str(found.range.end), str(found.range.step)) == (start, end, step)
    assert (found.kind, found.type) == (Kind.RANGE, node)


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


# Read only, defaults ----------------------------------------------------------------------------------------


def test_a_question_may_be_read_only_by_an_expression() -> None:
    found = question([row("integer", "a", "A"), row("text", "q", "Q", read_only="${a} > 1")])
    assert isinstance(found.read_only, Expression)
    assert found.read_only.references == ("/data/a",)
    assert found.kind is Kind.TEXT


def test_the_questions_of_a_group_are_read_only_when_it_or_they_are() -> None:
    survey = [
        row("integer", "a", "A"),
        row("begin group", "g", "G", read_only="${a} > 1"),
        row("text", "q", "Q", read_only="${a} = 0"),
        row("text", "p", "P"),
        row("end group"),
    ]
    found = question(survey)
    assert isinstance(found.read_only, Expression)
    assert found.read_only.source == "(/data/a  > 1) or (/data/a  = 0)"
    alone = question(survey, name="p")
    assert isinstance(alone.read_only, Expression) and alone.read_only.references == ("/data/a",)


@pytest.mark.parametrize(
    ("type", "written", "kept"),
    [
        ("integer", "-3", "-3"),
        ("integer", "3.0", "3"),
        ("decimal", "2.5", "2.5"),
        ("time", "08:30", "08:30"),
        ("time", "08:30:15.250", "08:30:15.250"),
        ("dateTime", "2024-03-01 08:30:00", "2024-03-01T08:30:00"),
        ("geopoint", "10.7 106.7 0 0", "10.7 106.7 0 0"),
        ("acknowledge", "OK", "OK"),
        ("select_multiple yn", "no yes", "no yes"),
        ("rank yn", "no yes", "no yes"),
        ("text", "Huế", "Huế"),
    ],
)
def test_a_static_default_that_fits_is_kept(type: str, written: str, kept: str) -> None:
    survey = [row("text", "a", "A"), row(type, "q", "Q", default=written)]
    assert question(survey, YES_NO if "yn" in type else ()).default == kept


def test_a_dynamic_default_is_set_once_when_the_interview_begins() -> None:
    found = question([row("integer", "a", "A"), row("date", "q", "Q", default="today()")])
    assert [(setting.value.source, setting.triggers) for setting in found.settings] == [("today()", ())]
    assert found.default is None


def test_a_calculation_with_triggers_is_set_when_one_of_them_changes() -> None:
    survey = [
        row("integer", "a", "A"),
        row("integer", "b", "B"),
        row("calculate", "c", calculation="now()", trigger="${a}"),
        row("text", "q", "Q", calculation="concat('x', ${b})", trigger="${a}, ${b}"),
    ]
    found = question(survey)
    assert found.calculation is None
    assert [(s.value.source, s.triggers) for s in found.settings] == [
        ("concat('x',  /data/b )", ("/data/a", "/data/b"))
    ]
    hidden = question(survey, name="c")
    assert (hidden.kind, hidden.calculation) == (Kind.HIDDEN, None)
    assert [setting.triggers for setting in hidden.settings] == [("/data/a",)]


# Metadata ---------------------------------------------------------------------------------------------------


def test_the_time_an_interview_ended_is_worked_out_when_it_is_handed_in() -> None:
    survey = [row("start", "start"), row("end", "end"), row("text", "q", "Q")]
    found = question(survey, name="end")
    assert (found.kind, found.at_end, found.type) == (Kind.CALCULATE, True, "dateTime")
    assert found.calculation is not None and found.calculation.source == "now()"
    assert not question(survey, name="start").at_end


@pytest.mark.parametrize("type", ["deviceid", "username", "phonenumber", "email"])
def test_what_is_known_of_a_contact_is_a_hidden_field_that_expressions_may_read(type: str) -> None:
    survey = [row(type, "ai"), row("text", "q", "Q", relevant="${ai} != ''")]
    loaded = read(survey)
    assert loaded.form is not None and loaded.warnings == ()
    assert next(loaded.form.questions()).kind is Kind.HIDDEN


def test_what_only_a_device_knows_is_ignored_with_a_warning_and_reads_as_blank() -> None:
    survey = [
        row("audit", "audit"),
        row("start-geopoint", "noi"),
        row("background-audio", "tieng"),
        row("text", "q", "Q ${noi}"),
    ]
    loaded = read(survey)
    assert loaded.form is not None
    assert places(loaded.warnings) == [("metadata_ignored", "survey", at, "type") for at in (2, 3, 4)]
    kinds = {found.name: found.kind for found in loaded.form.questions()}
    assert kinds == {"noi": Kind.HIDDEN, "tieng": Kind.HIDDEN, "q": Kind.TEXT}


def test_the_id_of_an_interview_can_be_used_in_expressions() -> None:
    survey = [row("text", "q", "Q"), row("calculate", "c", calculation="substr(/data/meta/instanceID, 5)")]
    found = question(survey, name="instanceID")
    assert found.ref == "/data/meta/instanceID"
    assert found.calculation is not None and found.calculation.source == "once(concat('uuid:', uuid()))"
    assert [item.ref for item in form([row("text", "q", "Q")]).items()] == ["/data/q"]


def test_a_form_says_what_a_finished_interview_is_called() -> None:
    loaded = form([row("text", "q", "Q")], settings=[{**SETTINGS[0], "instance_name": "concat('Hộ ', ${q})"}])
    assert loaded.instance_name is not None
    assert loaded.instance_name.references == ("/data/q",)


# Media ------------------------------------------------------------------------------------------------------


def test_pictures_sound_and_films_go_with_a_label_in_every_language() -> None:
    survey = [
        {
            "type": "note",
            "name": "q",
            f"label::{VI}": "Xem",
            f"label::{EN}": "Look",
            f"media::image::{VI}": "vi.png",
            f"media::image::{EN}": "en.png",
            f"media::audio::{VI}": "vi.mp3",
        }
    ]
    files = dict.fromkeys(("vi.png", "en.png", "vi.mp3"), b"x")
    loaded = read(survey, settings=[{**SETTINGS[0], "default_language": VI}], files=files)
    assert loaded.form is not None
    found = sorted(next(loaded.form.questions()).media, key=lambda media: media.kind)
    assert found == [Media("audio", {VI: "vi.mp3"}), Media("image", {VI: "vi.png", EN: "en.png"})]


def test_a_picture_that_did_not_come_is_missed_only_where_nothing_else_is_shown() -> None:
    assert warned([row("note", "q", "Q", **{"media::image": "a.png"})]) == [
        ("missing_media", "survey", 2, "image")
    ]
    assert refused([row("text", "q", **{"media::image": "a.png"})]) == [
        ("missing_file", "survey", 2, "image")
    ]
    assert question([row("text", "q", **{"media::image": "a.png"})], files={"a.png": b"x"}).media


def test_pictures_of_choices_and_groups_are_left_out_with_a_warning() -> None:
    lists = [*YES_NO, {"list_name": "yn", "name": "x", "label": "X", "image": "a.png"}]
    assert warned([row("select_one yn", "q", "Q")], lists) == [("media_not_shown", "choices", 4, "image")]
    group = [row("begin group", "g", "G", image="a.png"), row("text", "q", "Q"), row("end group")]
    assert warned(group) == [("media_not_shown", "survey", 2, "image")]
