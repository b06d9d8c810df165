"""The interview engine: what is asked, and how a person moves about.

Every test is a small questionnaire as an author would write it, and what somebody does with it.
"""

from __future__ import annotations

from dataclasses import replace

import msgspec
import pytest

from surveys.forms import Kind, Missing
from surveys.interview import (
    Answer,
    Ask,
    Back,
    ChangeNumber,
    Focus,
    Keep,
    Leave,
    ShowReview,
    State,
    Submit,
    Submitted,
    Typed,
    prompt,
    step,
)
from surveys.replies import Offers
from tests.forms.build import row
from tests.surveys.talk import (
    ABC,
    SKIPPED,
    YES_NO,
    Talk,
    names,
    refused,
    three,
)

# ── what is asked ───────────────────────────────────────────────────────────────────────────────────────────


def test_questions_are_asked_in_the_order_of_the_form_and_then_reviewed() -> None:
    talk = three()
    seen = []
    while talk.asks:
        seen.append((talk.asks, talk.counted))
        talk.typed("x")
    assert seen == [("a", "1/3"), ("b", "2/3"), ("c", "3/3")]
    assert names(talk.review.lines) == ["a", "b", "c"]
    assert talk.review.open == 0


def test_a_question_whose_condition_does_not_hold_is_not_asked_nor_counted() -> None:
    talk = Talk([
        row("select_one yn", "child", "A child?"),
        row("integer", "age", "Its age?", relevant="${child} = 'yes'"),
        row("text", "end", "Anything else?"),
    ], YES_NO)  # fmt: skip
    assert talk.counted == "1/2"
    talk.say(child="no")
    assert (talk.asks, talk.counted) == ("end", "2/2")
    talk.say(child="yes")
    assert (talk.asks, talk.counted) == ("age", "2/3")


def test_a_group_that_does_not_apply_takes_all_that_stands_in_it_along() -> None:
    talk = Talk([
        row("select_one yn", "job", "A job?"),
        row("begin group", "work", "Work", relevant="${job} = 'yes'"),
        row("begin group", "inner", "More"),
        row("text", "what", "Doing what?"),
        row("end group"),
        row("end group"),
        row("text", "echo", "Echo?", relevant="${what} != ''"),
    ], YES_NO)  # fmt: skip
    talk.say(job="yes", what="farming")
    assert talk.asks == "echo"
    done = talk.say(job="no")
    assert talk.asks == ""
    assert names(done.dropped) == ["what"]
    assert "what" not in talk.values


def test_an_answer_that_no_longer_applies_reads_as_blank_is_kept_and_comes_back() -> None:
    talk = Talk([
        row("select_one yn", "child", "A child?"),
        row("text", "name", "Its name?", relevant="${child} = 'yes'"),
        row("calculate", "greeting", calculation="concat('Hello ', ${name})"),
        row("text", "end", "Well, ${name}?"),
    ], YES_NO)  # fmt: skip
    talk.say(child="yes", name="An")
    assert talk.ask.label == "Well, An?"
    talk.say(child="no")
    assert (talk.ask.label, talk.values["greeting"]) == ("Well, ?", "Hello ")
    assert "name" not in talk.values
    talk.say(child="yes")
    assert (talk.ask.label, talk.values["name"]) == ("Well, An?", "An")


def test_what_is_left_out_because_of_an_answer_is_told_once_with_its_number() -> None:
    talk = Talk([
        row("select_one yn", "child", "A child?"),
        row("text", "name", "The name of ${child}?", relevant="${child} = 'yes'"),
        row("integer", "age", "Its age?", relevant="${child} = 'yes'"),
    ], YES_NO)  # fmt: skip
    talk.say(child="yes", name="An")
    done = talk.say(child="no")
    assert [(each.number, each.label, each.value_label) for each in done.dropped] == [
        (2, "The name of yes?", "An")
    ]
    assert talk.say(child="no").dropped == ()


def test_a_first_answer_too_can_leave_out_a_later_one() -> None:
    talk = Talk([
        row("select_one yn", "more", "More?"),
        row("select_one yn", "fine", "Fine?", relevant="${more} = 'yes'"),
        row("text", "why", "Why?", relevant="not(${fine} = 'yes')"),
    ], YES_NO)  # fmt: skip
    talk.say(more="no", why="it rains")
    talk.say(more="yes")
    assert talk.asks == "fine"
    assert names(talk.say(fine="yes").dropped) == ["why"]


def test_calculations_are_worked_out_each_after_what_it_reads_wherever_they_stand() -> None:
    talk = Talk([
        row("calculate", "double", calculation="${sum} * 2"),
        row("calculate", "sum", calculation="${a} + ${b}"),
        row("integer", "a", "A?"),
        row("integer", "b", "B?"),
        row("text", "end", "Twice is ${double}?", relevant="${double} > 10"),
    ])  # fmt: skip
    talk.say(a="2", b="3")
    assert talk.asks == ""
    talk.say(b="4")
    assert talk.ask.label == "Twice is 12?"
    assert (talk.values["sum"], talk.values["double"]) == ("6", "12")


def test_what_reads_a_whole_group_follows_every_answer_in_it() -> None:
    talk = Talk([
        row("begin group", "g", "G"),
        row("text", "a", "A?"),
        row("text", "b", "B?"),
        row("end group"),
        row("text", "end", "Both?", relevant="count-non-empty(/data/g/*) = 2"),
    ])  # fmt: skip
    assert talk.counted == "1/2"
    talk.say(a="1", b="2")
    assert talk.asks == "end"


def test_what_reads_a_group_as_text_follows_every_answer_in_it() -> None:
    talk = Talk([
        row("begin group", "g", "G"),
        row("text", "a", "A?"),
        row("end group"),
        row("text", "end", "So ${a}?", relevant="string-length(string(/data/g)) > 1"),
    ])  # fmt: skip
    assert talk.counted == "1/1"
    talk.say(a="12")
    assert talk.asks == "end"


def test_a_blank_number_is_less_than_nothing_and_more_than_nothing() -> None:
    talk = Talk([
        row("integer", "n", "N?"),
        row("text", "small", "Small?", relevant="${n} < 5"),
        row("text", "large", "Large?", relevant="${n} >= 5"),
        row("text", "none", "None?", relevant="${n} = ''"),
    ])  # fmt: skip
    talk.leave("n")
    assert (talk.asks, talk.counted) == ("none", "2/2")


@pytest.mark.parametrize("why", Missing)
def test_every_reason_for_no_answer_reads_as_blank(why: Missing) -> None:
    talk = Talk([
        row("select_one yn", "smokes", "Smoking?"),
        row("text", "how", "How much?", relevant="${smokes} != 'no'"),
        row("text", "blank", "Blank?", relevant="${smokes} = ''"),
    ], YES_NO, {"smokes": Offers(dont_know=True, prefer_not=True)})  # fmt: skip
    talk.leave("smokes", why)
    assert talk.counted == "2/3"
    assert talk.result.missing == {"/data/smokes": why}


def test_a_question_with_a_calculation_is_shown_and_never_asked() -> None:
    talk = Talk([
        row("integer", "a", "A?"),
        row("integer", "twice", "Twice as many", calculation="${a} * 2"),
        row("text", "b", "B?"),
    ])  # fmt: skip
    assert talk.counted == "1/2"
    talk.say(a="4")
    assert (talk.asks, talk.before) == ("b", ("Twice as many: 8",))
    assert refused(talk.say(twice="9")) == "reply.no_longer_asked"
    assert talk.values["twice"] == "8"


def test_a_read_only_question_shows_its_value_and_hands_it_in() -> None:
    talk = Talk([
        row("select_one yn", "given", "Given", read_only="yes", default="yes"),
        row("date", "day", "The day", read_only="yes", default="2026-03-05"),
        row("text", "word", "The word", read_only="yes", default="hello"),
        row("text", "b", "B?"),
    ], YES_NO)  # fmt: skip
    assert talk.before == ("Given: YES", "The day: 05/03/2026", "The word: hello")
    assert (talk.asks, talk.counted) == ("b", "1/1")
    assert talk.values == {"given": "yes", "day": "2026-03-05", "word": "hello"}


def test_a_read_only_question_without_a_value_shows_its_words_alone() -> None:
    talk = Talk([
        row("integer", "a", "A?"),
        row("integer", "sum", "The sum:", read_only="yes", calculation="${a} + 1"),
        row("text", "b", "B?"),
    ])  # fmt: skip
    talk.leave("a")
    assert list(talk.before) == ["The sum:"]
    talk.say(a="1")
    assert list(talk.before) == ["The sum: 2"]


def test_hidden_values_come_by_name_and_other_names_are_left_out() -> None:
    talk = Talk([
        row("hidden", "ward"),
        row("hidden", "way", default="self"),
        row("text", "a", "Here in ${ward}?", relevant="${way} = 'self'"),
    ], hidden={"ward": "Hòa Bình", "other": "x"})  # fmt: skip
    assert talk.ask.label == "Here in Hòa Bình?"
    assert talk.state.hidden == {"ward": "Hòa Bình"}
    assert talk.values == {"ward": "Hòa Bình", "way": "self"}


def test_a_form_with_nothing_to_ask_goes_to_the_review_at_once() -> None:
    talk = Talk([row("note", "n", "Nothing today."), row("calculate", "x", calculation="1 + 1")])
    assert (talk.review.lines, talk.review.open, talk.before) == ((), 0, ("Nothing today.",))
    assert talk.do(Submit()).state.submitted
    assert talk.values == {"x": "2"}


def test_a_form_whose_every_question_is_skipped_can_be_handed_in() -> None:
    talk = three()
    for name in "abc":
        talk.leave(name)
    assert [each.missing for each in talk.review.lines] == [SKIPPED] * 3
    talk.do(Submit())
    assert talk.now == Submitted()
    assert (talk.values, set(talk.result.missing.values())) == ({}, {SKIPPED})


def test_an_answer_that_ends_the_interview_leads_to_the_review_with_the_closing_words() -> None:
    talk = Talk([
        row("integer", "age", "Age?"),
        row("note", "young", "Only from 15 on.", relevant="${age} < 15"),
        row("begin group", "rest", relevant="${age} >= 15"),
        row("text", "a", "A?"),
        row("end group"),
    ])  # fmt: skip
    talk.say(age="12")
    assert talk.before == ("Only from 15 on.",)
    assert (names(talk.review.lines), talk.review.open) == (["age"], 0)
    talk.say(age="30")
    assert talk.asks == "a"


# ── headings and notes ──────────────────────────────────────────────────────────────────────────────────────


def grouped() -> Talk:
    return Talk([
        row("note", "hello", "Hello."),
        row("begin group", "one", "Part 1"),
        row("note", "about", "About you."),
        row("text", "a", "A?"),
        row("text", "b", "B?"),
        row("begin group", "inner", "Part 1b"),
        row("text", "c", "C?"),
        row("end group"),
        row("text", "d", "D?"),
        row("end group"),
        row("begin group", "two", "Part 2"),
        row("text", "e", "E?"),
        row("note", "thanks", "Thank you."),
        row("end group"),
        row("note", "bye", "Bye."),
    ])  # fmt: skip


def test_a_heading_stands_before_the_first_thing_shown_of_its_group() -> None:
    talk = grouped()
    seen = []
    while talk.asks:
        seen.append((talk.asks, talk.before))
        talk.typed("x")
    assert seen == [
        ("a", ("Hello.", "Part 1", "About you.")),
        ("b", ()),
        ("c", ("Part 1b",)),
        ("d", ()),
        ("e", ("Part 2",)),
    ]
    assert talk.before == ("Thank you.", "Bye.")


def test_going_back_shows_headings_and_notes_again() -> None:
    talk = grouped()
    talk.say(a="1")
    talk.do(Back())
    assert talk.before == ("Hello.", "Part 1", "About you.")


def test_the_heading_of_a_group_in_which_nothing_is_shown_does_not_stand_elsewhere() -> None:
    talk = Talk([
        row("select_one yn", "job", "A job?"),
        row("begin group", "work", "Work"),
        row("text", "what", "Doing what?", relevant="${job} = 'yes'"),
        row("end group"),
        row("begin group", "home", "Home"),
        row("text", "where", "Where?"),
        row("end group"),
        row("begin group", "more", "More"),
        row("text", "last", "And?", relevant="${job} = 'yes'"),
        row("end group"),
    ], YES_NO)  # fmt: skip
    talk.say(job="no")
    assert (talk.asks, talk.before) == ("where", ("Home",))
    talk.say(where="here")
    assert talk.before == ()


def test_the_heading_moves_to_the_first_question_of_its_group_that_is_asked() -> None:
    talk = Talk([
        row("select_one yn", "job", "A job?"),
        row("begin group", "work", "Work"),
        row("text", "what", "Doing what?", relevant="${job} = 'yes'"),
        row("text", "else", "What else?"),
        row("end group"),
    ], YES_NO)  # fmt: skip
    talk.say(job="no")
    assert (talk.asks, talk.before) == ("else", ("Work",))
    talk.say(job="yes")
    assert (talk.asks, talk.before) == ("what", ("Work",))
    talk.say(what="farming")
    assert (talk.asks, talk.before) == ("else", ())


def test_notes_come_and_go_with_their_condition_and_are_filled_in_anew() -> None:
    talk = Talk([
        row("text", "name", "Name?"),
        row("note", "hello", "Hello ${name}.", relevant="${name} != ''"),
        row("text", "b", "B?"),
    ])  # fmt: skip
    talk.say(name="An")
    assert list(talk.before) == ["Hello An."]
    talk.say(name="Bình")
    assert list(talk.before) == ["Hello Bình."]
    talk.leave("name")
    assert list(talk.before) == []


def test_a_note_has_a_hint_too() -> None:
    talk = Talk([row("note", "n", "A note.", hint="With a hint."), row("text", "a", "A?", hint="Just so.")])
    assert (talk.before, talk.ask.hint) == (("A note.\nWith a hint.",), "Just so.")


def test_closing_notes_wait_for_the_last_answer() -> None:
    talk = grouped()
    talk.say(a="1")
    talk.do(ShowReview())
    assert talk.before == ()


# ── moving about ────────────────────────────────────────────────────────────────────────────────────────────


def test_back_goes_one_question_back_each_time_and_stops_at_the_first() -> None:
    talk = three()
    talk.say(a="1", b="2")
    seen = [talk.asks]
    while talk.do(Back()).refusal is None:
        seen.append(talk.asks)
    assert seen == ["c", "b", "a"]
    assert not talk.ask.may_go_back
    assert refused(talk.do(Back())) == "reply.at_start"
    assert talk.values == {"a": "1", "b": "2"}


def test_back_passes_over_what_does_not_apply() -> None:
    talk = Talk(
        [row("text", "a", "A?"), row("text", "b", "B?", relevant="${a} = 'x'"), row("text", "c", "C?")]
    )
    talk.say(a="1")
    talk.do(Back())
    assert talk.asks == "a"


def test_after_going_back_keep_or_a_new_answer_leads_on_to_what_waits() -> None:
    talk = three()
    talk.say(a="1", b="2")
    talk.do(Back(), Back())
    assert (talk.asks, talk.ask.value) == ("a", "1")
    talk.do(Keep("/data/a"))
    assert talk.asks == "c"
    talk.do(Back(), Back())
    talk.typed("new")
    assert (talk.asks, talk.values) == ("c", {"a": "new", "b": "2"})


def test_back_from_the_review_leads_to_the_last_question_and_from_an_early_one_to_where_one_was() -> None:
    talk = three()
    talk.say(a="1")
    talk.do(ShowReview(), Back())
    assert (talk.asks, talk.ask.value) == ("b", None)
    talk.say(b="2", c="3")
    talk.do(Back())
    assert (talk.asks, talk.ask.value) == ("c", "3")


def test_back_where_there_is_nothing_to_ask_stays() -> None:
    talk = Talk([row("note", "n", "Nothing.")])
    assert refused(talk.do(Back())) == "reply.at_start"


def test_an_early_review_shows_what_was_answered_and_how_many_are_open() -> None:
    talk = three()
    talk.say(b="2")
    talk.do(ShowReview())
    assert [(each.number, each.label, each.value_label) for each in talk.review.lines] == [(2, "B?", "2")]
    assert talk.review.open == 2
    talk.do(Keep())
    assert talk.asks == "a"


def test_a_line_of_the_review_is_changed_by_its_number() -> None:
    talk = three()
    talk.say(a="1", c="3")
    talk.do(ChangeNumber(3))
    assert (talk.asks, talk.ask.value) == ("c", "3")
    for number in (2, 0, -1, 4):
        done = talk.do(ChangeNumber(number))
        assert (refused(done), done.refusal and done.refusal.params) == (
            "reply.no_such_line",
            {"number": number},
        )


def test_a_changed_answer_leads_back_to_the_review_when_nothing_is_open() -> None:
    talk = three()
    talk.say(a="1", b="2", c="3")
    talk.change("b")
    assert (talk.asks, talk.counted, talk.ask.may_go_back) == ("b", "2/3", True)
    done = talk.typed("two")
    assert [(each.value, each.first) for each in done.changes] == [("two", False)]
    assert [each.value_label for each in talk.review.lines] == ["1", "two", "3"]


def test_the_same_answer_again_is_a_change_that_leaves_all_as_it_was() -> None:
    talk = three()
    talk.say(a="1")
    before = talk.state
    done = talk.say(a="1")
    assert [(each.value, each.first) for each in done.changes] == [("1", False)]
    assert talk.state == before


def test_a_refused_reply_stays_at_the_question() -> None:
    talk = Talk([row("integer", "a", "A?"), row("text", "b", "B?")])
    talk.say(a="1", b="2")
    talk.change("a")
    assert refused(talk.typed("nhiều")) == "reply.one_number"
    assert (talk.asks, talk.ask.value) == ("a", "1")


def test_a_refused_value_is_nowhere_to_be_seen() -> None:
    talk = Talk([
        row("integer", "a", "A (${a})?", constraint=". < 10"),
        row("note", "n", "It was ${a}."),
        row("text", "b", "B?"),
    ])  # fmt: skip
    talk.say(a="5")
    assert refused(talk.say(a="50")) == "reply.constraint"
    assert (talk.asks, talk.before) == ("b", ("It was 5.",))
    talk.change("a")
    assert refused(talk.say(a="50")) == "reply.constraint"
    assert talk.ask.label == "A (5)?"


def test_an_answer_to_another_question_leaves_what_the_person_wanted_to_see() -> None:
    talk = three()
    talk.say(a="1", b="2")
    talk.change("a")
    talk.say(b="two")
    assert talk.asks == "a"
    talk.say(a="one")
    assert talk.asks == "c"


def test_what_the_person_wanted_to_see_is_dropped_when_it_does_not_apply_any_more() -> None:
    talk = Talk([
        row("select_one yn", "child", "A child?"),
        row("text", "name", "Its name?", relevant="${child} = 'yes'"),
        row("text", "end", "End?"),
    ], YES_NO)  # fmt: skip
    talk.say(child="yes", name="An")
    talk.change("name")
    talk.say(child="no")
    assert (talk.asks, talk.state.focus) == ("end", None)
    talk.say(child="yes")
    assert talk.asks == "end"


def test_a_focus_on_what_was_never_there_is_no_focus() -> None:
    talk = three()
    talk.state = replace(talk.state, focus=Focus("/data/gone"))
    assert talk.asks == "a"


# ── handing in ──────────────────────────────────────────────────────────────────────────────────────────────


def test_submit_leads_to_the_first_question_that_waits() -> None:
    talk = three()
    talk.say(a="1", c="3")
    done = talk.do(Submit())
    assert (refused(done), done.refusal and done.refusal.ref) == ("reply.still_open", "/data/b")
    assert (talk.asks, done.state.submitted) == ("b", False)


def test_submit_leads_to_an_answer_that_a_later_change_made_impossible() -> None:
    talk = Talk([
        row("integer", "people", "People?"),
        row("integer", "children", "Children?", constraint=". <= ${people}", constraint_message="Too many."),
    ])  # fmt: skip
    talk.say(people="3", children="3")
    talk.say(people="2")
    done = talk.do(Submit())
    assert (refused(done), done.refusal and done.refusal.text) == ("reply.constraint", "Too many.")
    assert (talk.asks, talk.ask.value) == ("children", "3")
    talk.say(children="2")
    assert talk.do(Submit()).state.submitted


def test_after_handing_in_nothing_is_taken_any_more() -> None:
    talk = three()
    talk.say(a="1", b="2", c="3")
    talk.do(Submit())
    before = talk.state
    for event in (Answer("/data/a", "x"), Back(), Submit(), Typed("x"), ShowReview(), Keep()):
        done = talk.do(event)
        assert (refused(done), done.state) == ("reply.already_submitted", before)
    assert talk.now == Submitted()


def test_a_result_holds_what_applies_and_no_notes() -> None:
    talk = Talk([
        row("note", "hello", "Hello."),
        row("select_one yn", "child", "A child?"),
        row("text", "name", "Its name?", relevant="${child} = 'yes'"),
        row("integer", "age", "Its age?", relevant="${child} = 'yes'"),
        row("calculate", "blank", calculation="if(${child} = 'yes', 'x', '')"),
        row("calculate", "is_child", calculation="${child} = 'yes'"),
    ], YES_NO)  # fmt: skip
    talk.say(child="yes", name="An")
    talk.leave("age")
    talk.say(child="no")
    assert (talk.values, talk.result.missing) == ({"child": "no", "is_child": "false"}, {})


# ── the state ───────────────────────────────────────────────────────────────────────────────────────────────


def test_a_state_is_a_small_document() -> None:
    talk = Talk([row("hidden", "h"), row("text", "a", "A?"), row("select_multiple abc", "q", "Q?")], ABC,
                hidden={"h": "1"})  # fmt: skip
    talk.leave("a")
    talk.tick("q", "b")
    assert msgspec.json.decode(msgspec.json.encode(talk.state)) == {
        "answers": {},
        "missing": {"/data/a": "skipped"},
        "hidden": {"h": "1"},
        "focus": {"ref": "/data/q", "ticked": ["b"], "pending": None},
        "submitted": False,
        "computed": {},
        "counts": {},
        "closed": [],
        "removals": 0,
    }


def test_a_document_written_before_there_were_computed_values_still_reads() -> None:
    old = b'{"answers":{"/data/a":"1"},"missing":{},"hidden":{},"focus":null,"submitted":false}'
    assert msgspec.json.decode(old, type=State) == State(answers={"/data/a": "1"})


def test_a_step_leaves_the_state_it_came_from_untouched() -> None:
    talk = three()
    before = msgspec.json.encode(talk.state)
    first = talk.state
    talk.say(a="1")
    assert msgspec.json.encode(first) == before


def test_a_questionnaire_serves_many_interviews_at_once() -> None:
    talk = Talk(
        [row("text", "a", "A?"), row("calculate", "c", calculation="${a}"), row("text", "b", "${c}?")]
    )
    other = State()
    talk.say(a="mine")
    assert talk.ask.label == "mine?"
    now = prompt(
        talk.about, step(talk.about, other, Leave("/data/a", SKIPPED), talk.context).state, talk.context
    )
    assert isinstance(now, Ask)
    assert now.label == "?"


def test_kinds_and_appearances_are_passed_on() -> None:
    talk = Talk([row("text", "a", "A?", appearance="month-year"), row("decimal", "b", "B?")])
    assert (talk.ask.kind, talk.ask.appearance) == (Kind.TEXT, "month-year")
    assert talk.typed("3/85").changes[0].value == "03/1985"
    assert talk.ask.kind is Kind.DECIMAL
