"""A program answers a form: what goes in, what comes out, and that nothing that goes in does any harm."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.driving import Drive, without
from bot.questionnaires import Prepared, prepare
from surveys.instruments import Instrument, Unit, read_instrument
from surveys.problems import Problem
from surveys.xform import read_form
from tests.forms.build import Rows, choices, converted, row

NOW = datetime(2026, 6, 1, 9, 30, tzinfo=timezone(timedelta(hours=7)))
VI = "Tiếng Việt (vi)"
AB = choices("ab", "a", "b")
Event = dict[str, Any]


def prepared(survey: Rows, listed: Rows = (), missing: Iterable[str] = (), **settings: str) -> Prepared:
    made = converted(
        list(survey), listed, [{"form_id": "f", "version": "1", "default_language": VI, **settings}]
    )
    loaded = read_form(made.xform, made.rows)
    assert loaded.form is not None, (made.errors, loaded.errors)
    instrument = Instrument(id="f", version="1", status="", form="f", unit=Unit.PERSON)
    if missing:
        head = {"id": "f", "version": "1", "status": "thử", "form": "f", "unit": "person"}
        instrument = read_instrument({"instrument": head, "missing": {"default": [*missing]}}, loaded.form)
    return prepare(0, loaded.form, instrument)


class Program:
    """What drives a form, and what it was told."""

    def __init__(self, form: Prepared, hidden: Mapping[str, str] | None = None, language: str = "vi") -> None:
        self.drive = Drive(form, language, lambda: NOW)
        self.told = self.drive.begin(hidden or {})

    def say(self, *lines: object) -> list[Event]:
        """What comes of the last of these lines."""
        for line in lines:
            self.told = self.drive.take(line)
        json.dumps(self.told)
        return self.told

    def give(self, *values: str | None) -> list[Event]:
        return self.say(*({"value": value} for value in values))


def short(events: Iterable[Event]) -> list[tuple[str, str | None]]:
    return [(event["event"], event.get("ref")) for event in events]


SMALL = prepared(
    [
        row("begin_group", "g", "Phần 1"),
        row("note", "chao", "Chào ${ten}"),
        row("select_one ab", "chon", "Chọn?", required="yes", hint="Một thôi"),
        row("integer", "so", "Mấy?", constraint=". < 10", constraint_message="Dưới 10"),
        row("end_group"),
        row("hidden", "ten"),
        row("text", "y", "Ý kiến"),
    ],
    AB,
)


# ── what comes out ──────────────────────────────────────────────────────────────────────────────────────────


def test_a_form_is_driven_from_its_first_note_to_its_values() -> None:
    program = Program(SMALL, {"ten": "Lan"})
    group, note, question = program.told
    assert group == {"event": "group", "ref": "/data/g", "type": "group", "label": "Phần 1"}
    assert (note["event"], note["type"], note["label"]) == ("note", "note", "Chào Lan")
    assert question == {
        "event": "question",
        "ref": "/data/g/chon",
        "type": "select_one",
        "label": "Chọn?",
        "hint": "Một thôi",
        "required": True,
        "read_only": False,
        "choices": [{"name": "a", "label": "A"}, {"name": "b", "label": "B"}],
        "value": None,
    }
    (review,) = program.give("b", "5", None)
    assert (review["event"], review["open"], review["missing"]) == ("review", 0, {"/data/y": "skipped"})
    (end,) = program.say({"submit": True})
    assert end["event"] == "submitted"
    assert end["values"] == {
        "/data/g/chao": "",
        "/data/g/chon": "b",
        "/data/g/so": "5",
        "/data/ten": "Lan",
        "/data/y": "",
    }
    assert program.drive.over


def test_notes_and_headings_are_told_once_and_not_again_with_a_repeated_question() -> None:
    program = Program(SMALL)
    assert short(program.give("c")) == [("rejected", "/data/g/chon"), ("question", "/data/g/chon")]
    assert short(program.give("a")) == [("question", "/data/g/so")]
    assert short(program.say({"back": True})) == [("question", "/data/g/chon")]


def test_a_note_whose_text_has_changed_is_told_again() -> None:
    form = prepared([row("text", "a", "A"), row("note", "n", "Đã ghi ${a}"), row("text", "b", "B")])
    program = Program(form)
    assert program.give("x")[0]["label"] == "Đã ghi x"
    assert short(program.say({"change": "/data/a"})) == [("question", "/data/a")]
    assert program.give("y")[0]["label"] == "Đã ghi y"


def test_what_can_only_be_read_is_a_question_that_waits_for_nothing() -> None:
    form = prepared(
        [
            row("integer", "a", "A"),
            row("integer", "hai", "Gấp đôi", calculation="${a} * 2", read_only="yes"),
            row("select_one ab", "c", "C", read_only="yes", default="b"),
            row("text", "b", "B"),
        ],
        AB,
    )
    double, chosen, after = Program(form).give("4")
    assert (double["ref"], double["read_only"], double["value"], double["choices"]) == (
        "/data/hai",
        True,
        "8",
        [],
    )
    assert (chosen["read_only"], chosen["value"], [each["name"] for each in chosen["choices"]]) == (
        True,
        "b",
        ["a", "b"],
    )
    assert (after["ref"], after["read_only"]) == ("/data/b", False)


@pytest.mark.parametrize(
    ("kind", "columns", "value", "stored"),
    [
        ("integer", {}, "+05", "5"),
        ("integer", {}, 7, "7"),
        ("decimal", {}, 2.50, "2.5"),
        ("select_multiple ab", {}, "b a", "a b"),
        ("rank ab", {}, "b a", "b a"),
        ("date", {}, "2026-02-28", "2026-02-28"),
        ("date", {"appearance": "month-year"}, "2026-02-01", "2026-02-01"),
        ("range", {"parameters": "start=0 end=10 step=2"}, "4", "4"),
        ("acknowledge", {}, "OK", "OK"),
        ("barcode", {}, "ABC 1", "ABC 1"),
        ("image", {}, "anh.jpg", "anh.jpg"),
    ],
)
def test_every_kind_takes_the_string_that_odk_would_store(
    kind: str, columns: dict[str, str], value: object, stored: str
) -> None:
    program = Program(prepared([row(kind, "q", "Câu hỏi", **columns)], AB))
    assert program.told[-1]["type"] == kind.split()[0]
    (review,) = program.say({"value": value})
    assert review["values"] == {"/data/q": stored}


def test_a_range_tells_its_bounds_and_a_select_only_what_its_filter_lets_through() -> None:
    listed = [
        {"list_name": "l", "name": name, "label": name, "under": under} for name, under in ("xa", "yb", "zb")
    ]
    form = prepared(
        [
            row("select_one ab", "a", "A"),
            row("select_one l", "b", "B", choice_filter="under = ${a}"),
            row("range", "r", "R", parameters="start=1 end=2 step=0.5"),
        ],
        [*({"under": "", **each} for each in AB), *listed],
    )
    program = Program(form)
    (second,) = program.give("b")
    assert [each["name"] for each in second["choices"]] == ["y", "z"]
    (third,) = program.give("z")
    assert third["range"] == {"start": "1", "end": "2", "step": "0.5"}


# ── what is rejected ────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ({"value": None}, "required"),
        ({"value": "c"}, "choice"),
        ({"value": ["a"]}, "bad_line"),
        ({"value": True}, "bad_line"),
        ({"reply": "gì cơ"}, "not_understood"),
        ({"reply": 5}, "bad_line"),
        ({"dont_know": True}, "not_offered"),
        ({"prefer_not": True}, "not_offered"),
        ({"dont_know": False}, "bad_line"),
        ({"back": True}, "at_start"),
        ({"add": True}, "not_there"),
        ({"remove": "/data/g[1]"}, "not_there"),
        ({"change": "/data/y/z"}, "not_there"),
        ({"change": None}, "bad_line"),
        ({"language": "kl"}, "language"),
        ({"submit": True}, "open"),
        ({"reply": "/thongke"}, "not_here"),
        ({}, "bad_line"),
        ({"value": "a", "reply": "a"}, "bad_line"),
        ({"back": True, "ref": "/data/g/chon"}, "bad_line"),
        ({"value": "a", "ref": 5}, "bad_line"),
        ("value", "bad_line"),
        (None, "bad_line"),
        ([{"value": "a"}], "bad_line"),
    ],
)
def test_what_cannot_be_taken_is_rejected_with_a_reason_and_asked_again(line: object, reason: str) -> None:
    program = Program(SMALL)
    rejected, asked = program.say(line)
    assert (rejected["event"], rejected["reason"]) == ("rejected", reason)
    assert rejected["message"] and "reply." not in rejected["message"]
    assert asked == {**program.told[-1], "event": "question", "ref": "/data/g/chon", "value": None}
    assert short(program.give("a")) == [("question", "/data/g/so")]


def test_a_constraint_is_told_in_the_forms_own_words() -> None:
    program = Program(SMALL)
    rejected, _ = program.give("a", "12")
    assert (rejected["reason"], rejected["message"], rejected["ref"]) == (
        "constraint",
        "Dưới 10",
        "/data/g/so",
    )
    assert program.give("mười hai")[0]["reason"] == "type"


def test_a_value_is_not_taken_for_an_answer_where_none_is_asked() -> None:
    program = Program(SMALL)
    program.give("a", "1", "x")
    assert short(program.give("y")) == [("rejected", None), ("review", None)]
    assert short(program.say({"dont_know": True})) == [("rejected", None), ("review", None)]


def test_after_the_end_every_line_is_answered_with_the_end() -> None:
    program = Program(SMALL)
    end = program.say({"value": "a"}, {"value": "1"}, {"value": "x"}, {"submit": True})
    assert program.say({"value": "b"}) == program.say({"back": True}) == program.say("?") == end


# ── moving about ────────────────────────────────────────────────────────────────────────────────────────────


def test_a_reply_is_read_as_a_persons_with_the_commands_people_have() -> None:
    program = Program(SMALL)
    assert short(program.say({"reply": "ý B"})) == [("question", "/data/g/so")]
    assert short(program.say({"reply": "quay lại"})) == [("question", "/data/g/chon")]
    assert program.told[-1]["value"] == "b"
    assert short(program.say({"reply": "giữ nguyên"})) == [("question", "/data/g/so")]
    assert short(program.say({"reply": "bảy"})) == [("question", "/data/y")]
    assert short(program.say({"reply": "xem lại"})) == [("review", None)]
    assert program.told[-1]["open"] == 1
    assert short(program.say({"reply": "sửa 2"})) == [("question", "/data/g/so")]
    assert [event["event"] for event in program.say({"reply": "trợ giúp"})] == ["note", "question"]
    assert program.say({"reply": "dừng"}) == []
    assert program.drive.over


def test_a_reply_that_could_mean_several_choices_names_them() -> None:
    listed = [
        {"list_name": "l", "name": str(number), "label": label}
        for number, label in enumerate(("Phường Bình Dương", "Phường Bình Hòa", "Xã Long Hòa"), 1)
    ]
    rejected, asked = Program(prepared([row("select_one l", "a", "Ở đâu?")], listed)).say({"reply": "bình"})
    assert rejected["reason"] == "ambiguous"
    assert [each["name"] for each in rejected["choices"]] == ["1", "2"]
    assert asked["event"] == "question"


def test_another_question_than_the_one_asked_can_be_answered_by_its_reference() -> None:
    program = Program(SMALL)
    program.give("a")
    assert short(program.say({"value": "b", "ref": "/data/g/chon"})) == [("question", "/data/g/so")]
    assert program.drive.state.answers["/data/g/chon"] == "b"


def test_dont_know_and_prefer_not_are_taken_where_they_are_offered() -> None:
    form = prepared([row("text", "a", "A", required="yes"), row("text", "b", "B")], missing=["dont_know"])
    program = Program(form)
    assert short(program.say({"dont_know": True})) == [("question", "/data/b")]
    assert program.say({"prefer_not": True})[0]["reason"] == "not_offered"
    (review,) = program.give("x")
    assert review["missing"] == {"/data/a": "dont_know"}


def test_the_language_is_switched_by_its_code_or_by_the_forms_own_name() -> None:
    texts = {"label::Tiếng Việt (vi)": "Tên?", "label::English (en)": "Name?", "label::Khmer (km)": "ឈ្មោះ?"}
    program = Program(prepared([row("text", "a", **texts)]))
    assert program.told[0]["label"] == "Tên?"
    assert program.say({"language": "en"})[0]["label"] == "Name?"
    assert program.say({"back": True})[0]["message"].isascii()
    assert program.say({"language": "Khmer (km)"})[0]["label"] == "ឈ្មោះ?"
    assert program.say({"language": "km"})[0]["label"] == "ឈ្មោះ?"
    assert program.say({"language": "vi"})[0]["label"] == "Tên?"


def test_hidden_fields_are_given_at_the_beginning_and_unknown_ones_are_refused() -> None:
    with pytest.raises(Problem, match="talk_field"):
        Program(SMALL, {"chon": "a"})


# ── rosters ─────────────────────────────────────────────────────────────────────────────────────────────────

HOUSE = prepared(
    [
        row("begin_repeat", "nguoi", "Người"),
        row("text", "ten", "Tên?"),
        row("integer", "tuoi", "${ten} mấy tuổi?"),
        row("end_repeat"),
        row("text", "y", "Ý kiến"),
    ]
)
COUNTED = prepared(
    [
        row("integer", "so", "Mấy người?"),
        row("begin_repeat", "nguoi", "Người", repeat_count="${so}"),
        row("text", "ten", "Tên?"),
        row("end_repeat"),
        row("begin_repeat", "xe", "Xe", repeat_count="${so} + 1"),
        row("text", "hieu", "Hiệu?"),
        row("end_repeat"),
    ]
)


def test_members_are_added_until_there_is_no_other() -> None:
    program = Program(HOUSE)
    assert short(program.told) == [("group", "/data/nguoi[1]"), ("question", "/data/nguoi[1]/ten")]
    (another,) = program.give("Lan", "40")
    assert (another["event"], another["ref"], another["label"]) == ("add_another", "/data/nguoi", "Người")
    assert [(each["number"], each["name"]) for each in another["members"]] == [(1, "Lan")]
    assert short(program.say({"add": True})) == [
        ("group", "/data/nguoi[2]"),
        ("question", "/data/nguoi[2]/ten"),
    ]
    (asked,) = program.give("Hà")
    assert (asked["label"], asked["members"][0]["name"]) == ("Hà mấy tuổi?", "Hà")
    program.give("12")
    assert short(program.say({"add": False})) == [("question", "/data/y")]


def test_a_member_taken_out_takes_the_answers_along_and_the_others_move_up() -> None:
    program = Program(HOUSE)
    program.give("Lan", "40")
    program.say({"add": True})
    program.give("Hà", "12")
    (another,) = program.say({"remove": "/data/nguoi[1]"})
    assert [each["name"] for each in another["members"]] == ["Hà"]
    assert program.drive.state.answers == {"/data/nguoi[1]/ten": "Hà", "/data/nguoi[1]/tuoi": "12"}


def test_is_there_another_can_be_answered_in_words_but_not_with_a_value() -> None:
    program = Program(HOUSE)
    program.give("Lan", "40")
    assert short(program.give("yes")) == [("rejected", "/data/nguoi"), ("add_another", "/data/nguoi")]
    assert program.say({"value": "yes"})[0]["reason"] == "unexpected"
    assert short(program.say({"reply": "có"}))[-1] == ("question", "/data/nguoi[2]/ten")


def test_a_program_adds_to_and_takes_from_a_counted_roster_without_being_asked_back() -> None:
    program = Program(COUNTED)
    program.give("2", "Lan", "Hà")
    program.say({"remove": "/data/nguoi[1]"})
    assert program.drive.state.answers["/data/so"] == "1"
    assert program.drive.state.answers["/data/nguoi[1]/ten"] == "Hà"
    assert short(program.say({"add": True, "ref": "/data/nguoi"}))[-1] == (
        "question",
        "/data/nguoi[2]/ten",
    )
    assert program.drive.state.answers["/data/so"] == "2"


def test_a_roster_that_is_counted_otherwise_says_what_governs_it() -> None:
    program = Program(COUNTED)
    program.give("1", "Lan", "Honda")
    rejected = program.say({"remove": "/data/xe[1]"})[0]
    assert rejected["reason"] == "governed"


def test_a_reply_that_takes_somebody_out_is_asked_back_as_a_question() -> None:
    program = Program(HOUSE)
    program.give("Lan", "40")
    (asked,) = program.say({"reply": "xóa Lan"})
    assert (asked["event"], asked["type"], asked["ref"]) == ("question", "select_one", "/data/nguoi[1]")
    assert (asked["confirms"], [each["name"] for each in asked["choices"]]) == ("remove", ["yes", "no"])
    assert "Lan" in asked["label"]
    assert short(program.give("maybe")) == [("rejected", "/data/nguoi[1]"), ("question", "/data/nguoi[1]")]
    (another,) = program.give("no")
    assert [each["name"] for each in another["members"]] == ["Lan"]
    program.say({"reply": "xóa Lan"})
    (another,) = program.say({"reply": "có"})
    assert another["members"] == []


def test_the_members_shown_on_request_come_as_a_review_of_their_repeat() -> None:
    program = Program(HOUSE)
    program.give("Lan")
    (shown,) = program.say({"reply": "danh sách"})
    assert (shown["event"], shown["ref"]) == ("review", "/data/nguoi")
    assert [each["name"] for each in shown["members"]] == ["Lan"]
    assert short(program.give(None)) == [("question", "/data/nguoi[1]/tuoi")]


def test_an_early_review_has_the_defaults_that_nobody_has_taken_yet() -> None:
    program = Program(prepared([row("text", "a", "A?"), row("integer", "n", "Mấy?", default="3")]))
    (shown,) = program.say({"reply": "xem lại"})
    assert (shown["event"], shown["open"], shown["values"]) == ("review", 2, {"/data/a": "", "/data/n": "3"})


def test_a_note_that_has_nothing_to_say_is_told_all_the_same() -> None:
    program = Program(prepared([row("note", "chao", "${ten}"), row("text", "ten", "Tên?")]))
    assert short(program.told) == [("note", "/data/chao"), ("question", "/data/ten")]
    assert program.told[0]["label"] == ""


def test_what_was_told_of_later_members_is_told_of_them_when_they_move_up() -> None:
    told = {"/d/m[1]": "a", "/d/m[2]/n": "b", "/d/m[3]/n": "c", "/d/mm[2]": "d", "/d/m[10]": "e"}
    assert without(told, "/d/m[2]") == {"/d/m[1]": "a", "/d/m[2]/n": "c", "/d/mm[2]": "d", "/d/m[9]": "e"}


# ── whatever comes ──────────────────────────────────────────────────────────────────────────────────────────

REFS = st.sampled_from(
    ["/data/so", "/data/nguoi", "/data/nguoi[1]", "/data/nguoi[2]/ten", "/data/nguoi[1]/tuoi", "/data/y", "?"]
)
WORDS = st.sampled_from("2,Lan,có,không,thêm,hết,xóa 1,sửa 1,danh sách,quay lại,xem lại,gửi,next".split(","))
LINES = st.one_of(
    st.fixed_dictionaries({"value": st.one_of(st.none(), WORDS, st.integers(0, 3))}),
    st.fixed_dictionaries({"reply": WORDS}),
    st.fixed_dictionaries({"add": st.booleans()}),
    st.fixed_dictionaries({"remove": REFS}),
    st.fixed_dictionaries({"change": REFS}),
    st.fixed_dictionaries({"value": WORDS, "ref": REFS}),
    st.sampled_from([{"back": True}, {"dont_know": True}, {"language": "en"}, {"submit": True}]),
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
        max_leaves=4,
    ),
)


@given(st.sampled_from([SMALL, HOUSE, COUNTED]), st.lists(LINES, max_size=12))
def test_every_line_is_answered_and_only_the_last_event_waits(form: Prepared, lines: list[Any]) -> None:
    program = Program(form)
    for line in lines:
        events = program.say(line)
        assert events
        for event in events[:-1]:
            assert event["event"] in ("note", "group", "rejected") or event["read_only"]
        assert events[-1]["event"] in ("question", "add_another", "review", "submitted")
        assert [event["event"] for event in events].count("rejected") <= 1
        assert program.drive.over == (events[-1]["event"] == "submitted")
