"""Chance and the clock, languages and texts."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import msgspec

from surveys.interview import (
    Add,
    Ask,
    Keep,
    NoMore,
    ShowReview,
    State,
    Submit,
    instance_name,
    labels,
    line,
    prompt,
    wording,
)
from tests.forms.build import Rows, choices, row
from tests.surveys.talk import (
    EN,
    NOW,
    VI,
    YES_NO,
    Talk,
    three,
)

# ── chance and the clock ────────────────────────────────────────────────────────────────────────────────────


def test_once_is_once_in_an_interview_and_not_once_a_message() -> None:
    talk = Talk([
        row("calculate", "lot", calculation="once(random())"),
        row("text", "a", "A?", relevant="${lot} < 0.5"),
        row("text", "b", "B ${lot}?"),
    ], chance=[0.25])  # fmt: skip
    assert talk.asks == "a"
    talk.say(a="1")
    assert talk.ask.label == "B 0.25?"
    assert talk.state.computed == {"/data/lot": 0.25}
    assert talk.values["lot"] == "0.25"


def test_once_waits_until_there_is_something_to_keep() -> None:
    talk = Talk([row("text", "a", "A?"), row("calculate", "first", calculation="once(${a})")])
    talk.say(a="x")
    talk.say(a="y")
    assert talk.values == {"a": "y", "first": "x"}


def test_chance_is_drawn_again_only_when_what_it_reads_changes() -> None:
    talk = Talk([
        row("calculate", "lot", calculation="random() * ${n}"),
        row("integer", "n", "N?"),
        row("text", "b", "B ${lot}?"),
    ], chance=[0.1, 0.5, 0.25])  # fmt: skip
    assert talk.state.computed == {"/data/lot": ""}
    talk.say(n="4")
    assert talk.ask.label == "B 2?"
    talk.say(b="x")
    talk.do(ShowReview())
    assert talk.values["lot"] == "2"
    talk.say(n="16")
    assert talk.values["lot"] == "4"


def test_an_interview_written_down_goes_on_with_what_was_drawn() -> None:
    talk = Talk([
        row("calculate", "lot", calculation="once(random())"),
        row("calculate", "won", calculation="once(${lot} < 0.5)"),
        row("text", "a", "${lot} ${won}?"),
    ], chance=[0.25])  # fmt: skip
    talk.state = msgspec.json.decode(msgspec.json.encode(talk.state), type=State)
    assert talk.ask.label == "0.25 true?"


def test_a_calculated_day_is_the_day_here_not_in_greenwich() -> None:
    talk = Talk([
        row("date", "today", "Today", read_only="yes", calculation="now()"),
        row("text", "a", "A?"),
    ])  # fmt: skip
    assert talk.before == ("Today: 01/06/2026",)


# ── languages and texts ─────────────────────────────────────────────────────────────────────────────────────

BOTH: Rows = [
    {"type": "begin group", "name": "g", f"label::{VI}": "Phần một", f"label::{EN}": "Part one"},
    {
        "type": "select_one yn", "name": "a",
        f"label::{VI}": "Ông/bà khỏe không?", f"label::{EN}": "Are you well?",
        f"hint::{VI}": "Hôm nay.", f"guidance_hint::{VI}": "Giải thích.", f"guidance_hint::{EN}": "Guidance.",
    },
    {"type": "end group"},
    {"type": "text", "name": "b", f"label::{VI}": "Vì sao ${a}?"},
]  # fmt: skip
BOTH_YN: Rows = [
    {"list_name": "yn", "name": "1", f"label::{VI}": "Có", f"label::{EN}": "Yes"},
    {"list_name": "yn", "name": "2", f"label::{VI}": "Không", f"label::{EN}": "No"},
]


def test_the_language_can_change_at_any_question() -> None:
    talk = Talk(BOTH, BOTH_YN)
    assert (talk.before, talk.ask.label, talk.ask.guidance) == (
        ("Phần một",),
        "Ông/bà khỏe không?",
        "Giải thích.",
    )
    talk.context = replace(talk.context, language="en")
    assert (talk.before, talk.ask.label, talk.ask.guidance) == (
        ("Part one",),
        "Are you well?",
        "Guidance.",
    )
    assert [each.label for each in talk.ask.choices] == ["Yes", "No"]
    talk.typed("no")
    talk.context = replace(talk.context, language="vi")
    talk.do(ShowReview())
    assert [(each.label, each.value_label) for each in talk.review.lines] == [("Ông/bà khỏe không?", "Không")]


def test_a_missing_translation_falls_back_to_the_forms_own_language() -> None:
    talk = Talk(BOTH, BOTH_YN, language="en")
    assert talk.ask.hint == "Hôm nay."
    talk.say(a="1")
    assert talk.ask.label == "Vì sao 1?"


def test_a_language_the_form_does_not_have_gets_its_own() -> None:
    assert Talk(BOTH, BOTH_YN, language="km").ask.label == "Ông/bà khỏe không?"


def test_a_step_in_one_language_does_not_speak_in_another() -> None:
    talk = Talk(BOTH, BOTH_YN)
    done = talk.typed("sao cơ")
    now = prompt(talk.about, done.state, replace(talk.context, language="en"), done)
    assert isinstance(now, Ask)
    assert now.label == "Are you well?"


def test_a_step_does_not_speak_for_another_state() -> None:
    talk = three()
    done = talk.say(a="1")
    now = prompt(talk.about, State(), talk.context, done)
    assert isinstance(now, Ask)
    assert now.ref == "/data/a"


def test_names_of_choices_are_put_into_words_where_the_form_asks_for_them() -> None:
    talk = Talk([
        row("select_one yn", "a", "A?"),
        row("calculate", "words", calculation="jr:choice-name(${a}, '${a}')"),
        row("text", "b", "So ${words}?"),
    ], YES_NO)  # fmt: skip
    talk.say(a="no")
    assert talk.ask.label == "So NO?"


def test_labels_are_those_of_somebody_who_has_answered_nothing() -> None:
    talk = Talk([row("hidden", "who"), row("select_one yn", "a", "Is ${who} well?")], YES_NO)
    assert labels(talk.about, "/data/a", talk.context) == ("Is  well?", {"yes": "YES", "no": "NO"})


def test_a_single_line_can_be_had_for_any_question() -> None:
    talk = Talk([row("select_one yn", "a", "A?"), row("text", "b", "B?", relevant="${a} = 'yes'")], YES_NO)
    done = talk.say(a="no")
    found = line(talk.about, done.state, "/data/a", talk.context, done)
    assert (found.number, found.label, found.value_label) == (1, "A?", "NO")
    assert line(talk.about, done.state, "/data/b", talk.context).number == 0


def test_the_wording_is_everything_that_was_put_to_the_person() -> None:
    talk = Talk([
        row("note", "why", "Why we ask."),
        row("begin group", "g", "Part"),
        row("select_one yn", "agree", "Do you agree, ${who}?", hint="Freely."),
        row("end group"),
        row("text", "more", "More?", relevant="${agree} = 'yes'"),
        row("hidden", "who"),
        row("note", "end", "Thank you."),
    ], YES_NO, hidden={"who": "An"})  # fmt: skip
    talk.say(agree="no")
    assert wording(talk.about, talk.state, talk.context).split("\n") == [
        "Why we ask.", "Part", "Do you agree, An?", "Freely.", "( ) YES", "( ) NO", "Thank you.",
    ]  # fmt: skip


# ── the end ─────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_end_of_an_interview_is_when_it_is_handed_in() -> None:
    talk = Talk([row("start", "began"), row("end", "ended"), row("text", "a", "A?")])
    talk.say(a="x")
    assert (talk.values["began"], "ended" in talk.values) == ("2026-06-01T05:30:00.000+07:00", False)
    talk.context = replace(talk.context, now=NOW + timedelta(hours=1))
    talk.do(Submit())
    talk.context = replace(talk.context, now=NOW + timedelta(hours=9))
    assert talk.values == {
        "began": "2026-06-01T05:30:00.000+07:00",
        "ended": "2026-06-01T06:30:00.000+07:00",
        "a": "x",
    }


def test_a_finished_interview_is_called_as_its_author_wants() -> None:
    talk = Talk([
        row("text", "street", "Street?"),
        row("begin repeat", "m", "M"),
        row("text", "name", "Name?"),
        row("end repeat"),
    ], instance_name="concat(${street}, ': ', count(${m}))")  # fmt: skip
    talk.say(street="Lê Lợi", **{"m[1]/name": "An"})
    talk.do(Add(), NoMore())
    assert instance_name(talk.about, talk.state, talk.context) == "Lê Lợi: 2"
    assert instance_name(three().about, State(), talk.context) == ""


# ── the clock ───────────────────────────────────────────────────────────────────────────────────────────────


def test_what_depends_on_the_day_changes_at_midnight_and_what_depends_on_the_moment_at_once() -> None:
    talk = Talk([
        row("text", "a", "A?"),
        row("text", "b", "B?", relevant="today() > date('2026-06-01')"),
        row("text", "c", "C?", relevant="now() > date-time('2026-06-01T12:00:00.000+07:00')"),
    ])  # fmt: skip
    talk.say(a="x")
    assert talk.asks == ""
    for hours, asked in ((7, "c"), (20, "b")):
        talk.context = replace(talk.context, now=NOW + timedelta(hours=hours))
        talk.do(Keep())
        assert talk.asks == asked


# ── bombs ───────────────────────────────────────────────────────────────────────────────────────────────────


def test_an_expression_that_takes_too_much_work_is_blank_or_false_and_never_an_error() -> None:
    heavy = "count(instance('many')/root/item[count(instance('many')/root/item[name != '']) > 0])"
    rows = choices("many", *(f"c{number}" for number in range(1, 1002)))
    talk = Talk([
        row("calculate", "c", calculation=heavy),
        row("text", "a", "A ${c}?", required=f"{heavy} > 0"),
        row("text", "b", "B?", relevant=f"{heavy} > 0"),
        row("select_one many", "q", "Q?", choice_filter=f"{heavy} > 0"),
        row("begin repeat", "m", "M", repeat_count=heavy),
        row("text", "x", "X?", default=f"{heavy} + 1"),
        row("end repeat"),
        row("text", "end", "End?"),
    ], rows)  # fmt: skip
    assert (talk.asks, talk.ask.required) == ("a", False)
    talk.leave("a")
    talk.leave("end")
    assert talk.review.open == 0
    assert talk.values == {}


def test_a_text_that_grows_with_every_calculation_stays_within_bounds() -> None:
    rows = [row("text", "t0", "T?")]
    for number in range(1, 30):
        before = f"${{t{number - 1}}}"
        parts = ", ".join([before] * 8)
        rows.append(row("calculate", f"t{number}", calculation=f"concat({parts})"))
    talk = Talk([*rows, row("text", "end", "End ${t29}?")])
    talk.say(t0="x" * 4000)
    assert talk.ask.label == "End ?"
    assert max(map(len, talk.values.values())) <= 100_000
