"""The interview engine: what is asked, what an answer does, and how a person moves about.

Every test is a small questionnaire as an author would write it, and what somebody does with it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import Any

import msgspec
import pytest

from surveys.forms import Kind, Missing
from surveys.interview import (
    Answer,
    Ask,
    Back,
    Change,
    ChangeNumber,
    Context,
    Done,
    Event,
    Focus,
    Keep,
    Leave,
    Prompt,
    Questionnaire,
    Result,
    Review,
    ShowReview,
    State,
    Step,
    Submit,
    Submitted,
    Toggle,
    Typed,
    begin,
    labels,
    line,
    prompt,
    result,
    step,
    wording,
)
from surveys.replies import Offers
from surveys.xform import read_form
from tests.forms.build import Rows, choices, converted, row

NOW = datetime(2026, 6, 1, 5, 30, tzinfo=timezone(timedelta(hours=7)))
VI, EN = "Tiếng Việt (vi)", "English (en)"
DK, PN, SKIPPED = Missing.DONT_KNOW, Missing.PREFER_NOT, Missing.SKIPPED
YES_NO = choices("yn", "yes", "no")
ABC = choices("abc", "a", "b", "c")


def questionnaire(
    survey: Iterable[Mapping[str, Any]],
    listed: Rows = (),
    offers: Mapping[str, Offers] | None = None,
    **settings: str,
) -> Questionnaire:
    about = {"form_id": "f", "version": "1", "default_language": VI, **settings}
    made = converted(list(survey), listed, [about])
    loaded = read_form(made.xform, made.rows)
    assert loaded.form is not None, (made.errors, loaded.errors)
    return Questionnaire(loaded.form, offers)


class Talk:
    """Somebody answering; questions go by their names."""

    def __init__(
        self,
        survey: Iterable[Mapping[str, Any]],
        listed: Rows = (),
        offers: Mapping[str, Offers] | None = None,
        hidden: Mapping[str, str] | None = None,
        language: str = "vi",
        chance: Iterable[float] = (),
        **settings: str,
    ) -> None:
        self.about = questionnaire(survey, listed, offers, **settings)
        drawn = iter(chance)
        self.context = Context(
            now=NOW,
            language=language,
            match=lambda pattern, text: re.fullmatch(pattern, text) is not None,
            rng=lambda: next(drawn),
        )
        self.state = begin(self.about, hidden or {}, self.context)
        self.last = Step(self.state)

    def ref(self, name: str) -> str:
        return self.about.by_name[name]

    def do(self, *events: Event) -> Step:
        """What comes of the last of some events; what went before must be taken."""
        for event in events:
            assert self.last.refusal is None, self.last.refusal
            self.last = step(self.about, self.state, event, self.context)
            self.state = self.last.state
            assert prompt(self.about, self.state, self.context, self.last) == self.now
        done, self.last = self.last, Step(self.state)
        return done

    def say(self, **answers: str) -> Step:
        """Answers by name, in this order."""
        return self.do(*(Answer(self.ref(name), value) for name, value in answers.items()))

    def leave(self, name: str, why: Missing = SKIPPED) -> Step:
        return self.do(Leave(self.ref(name), why))

    def typed(self, text: str, name: str | None = None) -> Step:
        return self.do(Typed(text, self.ref(name) if name else None))

    def tick(self, name: str, *names: str) -> Step:
        return self.do(*(Toggle(self.ref(name), choice) for choice in names))

    def change(self, name: str) -> Step:
        return self.do(Change(self.ref(name)))

    @property
    def now(self) -> Prompt:
        return prompt(self.about, self.state, self.context)

    @property
    def ask(self) -> Ask:
        now = self.now
        assert isinstance(now, Ask), now
        return now

    @property
    def review(self) -> Review:
        now = self.now
        assert isinstance(now, Review), now
        return now

    @property
    def asks(self) -> str:
        """The name of what is asked; empty at the review and after."""
        now = self.now
        return now.ref.rpartition("/")[2] if isinstance(now, Ask) else ""

    @property
    def counted(self) -> str:
        return f"{self.ask.number}/{self.ask.total}"

    @property
    def result(self) -> Result:
        return result(self.about, self.state, self.context)

    @property
    def values(self) -> dict[str, str]:
        return {ref.rpartition("/")[2]: value for ref, value in self.result.values.items()}


def refused(done: Step) -> str:
    """The key of a refusal."""
    assert done.refusal is not None
    return done.refusal.key


def names(found: Iterable[Any]) -> list[str]:
    return [each.ref.rpartition("/")[2] for each in found]


def three() -> Talk:
    """Three questions without any rules."""
    return Talk([row("text", "a", "A?"), row("text", "b", "B?"), row("text", "c", "C?")])


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
    assert (talk.asks, talk.ask.before) == ("b", ("Twice as many: 8",))
    assert refused(talk.say(twice="9")) == "reply.no_longer_asked"
    assert talk.values["twice"] == "8"


def test_a_read_only_question_shows_its_value_and_hands_it_in() -> None:
    talk = Talk([
        row("select_one yn", "given", "Given", read_only="yes", default="yes"),
        row("date", "day", "The day", read_only="yes", default="2026-03-05"),
        row("text", "word", "The word", read_only="yes", default="hello"),
        row("text", "b", "B?"),
    ], YES_NO)  # fmt: skip
    assert talk.ask.before == ("Given: YES", "The day: 05/03/2026", "The word: hello")
    assert (talk.asks, talk.counted) == ("b", "1/1")
    assert talk.values == {"given": "yes", "day": "2026-03-05", "word": "hello"}


def test_a_read_only_question_without_a_value_shows_its_words_alone() -> None:
    talk = Talk([
        row("integer", "a", "A?"),
        row("integer", "sum", "The sum:", read_only="yes", calculation="${a} + 1"),
        row("text", "b", "B?"),
    ])  # fmt: skip
    talk.leave("a")
    assert list(talk.ask.before) == ["The sum:"]
    talk.say(a="1")
    assert list(talk.ask.before) == ["The sum: 2"]


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
    assert talk.review == Review(lines=(), before=("Nothing today.",), open=0)
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
    assert talk.review.before == ("Only from 15 on.",)
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
        seen.append((talk.asks, talk.ask.before))
        talk.typed("x")
    assert seen == [
        ("a", ("Hello.", "Part 1", "About you.")),
        ("b", ()),
        ("c", ("Part 1b",)),
        ("d", ()),
        ("e", ("Part 2",)),
    ]
    assert talk.review.before == ("Thank you.", "Bye.")


def test_going_back_shows_headings_and_notes_again() -> None:
    talk = grouped()
    talk.say(a="1")
    talk.do(Back())
    assert talk.ask.before == ("Hello.", "Part 1", "About you.")


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
    assert (talk.asks, talk.ask.before) == ("where", ("Home",))
    talk.say(where="here")
    assert talk.review.before == ()


def test_the_heading_moves_to_the_first_question_of_its_group_that_is_asked() -> None:
    talk = Talk([
        row("select_one yn", "job", "A job?"),
        row("begin group", "work", "Work"),
        row("text", "what", "Doing what?", relevant="${job} = 'yes'"),
        row("text", "else", "What else?"),
        row("end group"),
    ], YES_NO)  # fmt: skip
    talk.say(job="no")
    assert (talk.asks, talk.ask.before) == ("else", ("Work",))
    talk.say(job="yes")
    assert (talk.asks, talk.ask.before) == ("what", ("Work",))
    talk.say(what="farming")
    assert (talk.asks, talk.ask.before) == ("else", ())


def test_notes_come_and_go_with_their_condition_and_are_filled_in_anew() -> None:
    talk = Talk([
        row("text", "name", "Name?"),
        row("note", "hello", "Hello ${name}.", relevant="${name} != ''"),
        row("text", "b", "B?"),
    ])  # fmt: skip
    talk.say(name="An")
    assert list(talk.ask.before) == ["Hello An."]
    talk.say(name="Bình")
    assert list(talk.ask.before) == ["Hello Bình."]
    talk.leave("name")
    assert list(talk.ask.before) == []


def test_a_note_has_a_hint_too() -> None:
    talk = Talk([row("note", "n", "A note.", hint="With a hint."), row("text", "a", "A?", hint="Just so.")])
    assert (talk.ask.before, talk.ask.hint) == (("A note.\nWith a hint.",), "Just so.")


def test_closing_notes_wait_for_the_last_answer() -> None:
    talk = grouped()
    talk.say(a="1")
    talk.do(ShowReview())
    assert talk.review.before == ()


# ── answers and their forms ─────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("type", "given", "stored"),
    [
        ("integer", "5", "5"),
        ("integer", "+05", "5"),
        ("integer", "-3", "-3"),
        ("decimal", "2.50", "2.5"),
        ("decimal", ".5", "0.5"),
        ("decimal", "7.", "7"),
        ("decimal", "-0.0", "0"),
        ("decimal", "123456789012345.123456789012345", "123456789012345.123456789012345"),
        ("date", "2026-02-28", "2026-02-28"),
        ("text", "  a\u0000  b\n", "a b"),
        ("select_one abc", "b", "b"),
        ("select_multiple abc", "c a", "a c"),
        ("select_multiple abc", "b b", "b"),
    ],
)
def test_values_are_stored_as_odk_writes_them(type: str, given: str, stored: str) -> None:
    talk = Talk([row(type, "q", "Q?")], ABC)
    done = talk.say(q=given)
    assert [change.value for change in done.changes] == [stored]
    assert talk.values == {"q": stored}


@pytest.mark.parametrize(
    ("type", "given", "why"),
    [
        ("integer", "2.5", "reply.not_an_integer"),
        ("integer", "1234567890", "reply.not_an_integer"),
        ("integer", "٣", "reply.not_an_integer"),
        ("integer", "5\n6", "reply.not_an_integer"),
        ("decimal", "2,5", "reply.not_a_number"),
        ("decimal", "1e3", "reply.not_a_number"),
        ("decimal", ".", "reply.not_a_number"),
        ("date", "2026-02-30", "reply.not_a_date"),
        ("date", "2026-W01-1", "reply.not_a_date"),
        ("date", "20260228", "reply.not_a_date"),
        ("text", "x" * 4001, "reply.too_long"),
        ("select_one abc", "d", "reply.not_a_choice"),
        ("select_one abc", "a b", "reply.not_a_choice"),
        ("select_multiple abc", "a d", "reply.not_a_choice"),
    ],
)
def test_what_is_no_value_of_the_question_is_refused(type: str, given: str, why: str) -> None:
    talk = Talk([row(type, "q", "Q?")], ABC)
    before = talk.state
    assert refused(talk.say(q=given)) == why
    assert talk.state == before


def test_a_blank_value_is_a_skip() -> None:
    talk = three()
    talk.say(a="", b="  \n ")
    assert talk.result.missing == {"/data/a": SKIPPED, "/data/b": SKIPPED}


def test_an_answer_to_what_is_not_asked_is_refused() -> None:
    talk = Talk(
        [row("note", "n", "N"), row("text", "a", "A?", relevant="${b} = 'x'"), row("text", "b", "B?")]
    )
    late: list[Event] = [
        *(Answer("/data/a", "1"), Leave("/data/a", SKIPPED), Change("/data/a"), Typed("1", "/data/a")),
        *(Answer("/data/n", "1"), Answer("/data/nobody", "1"), Change("/data"), Done("/data/b")),
    ]
    for event in late:
        assert refused(talk.do(event)) == "reply.no_longer_asked"


def test_reviews_and_questions_show_values_as_people_write_them() -> None:
    talk = Talk([
        row("date", "day", "Day?"),
        row("decimal", "area", "Area?"),
        row("integer", "n", "N?"),
        row("select_one abc", "one", "One?"),
        row("select_multiple abc", "many", "Many?"),
        row("text", "words", "Words?"),
    ], ABC)  # fmt: skip
    talk.say(day="2026-03-05", area="2.5", n="12", one="b", many="a c", words="2.5")
    assert [each.value_label for each in talk.review.lines] == ["05/03/2026", "2,5", "12", "B", "A, C", "2.5"]
    english = prompt(talk.about, talk.state, replace(talk.context, language="en"))
    assert isinstance(english, Review)
    assert english.lines[1].value_label == "2.5"
    talk.change("day")
    assert (talk.ask.value, talk.ask.value_label) == ("2026-03-05", "05/03/2026")


def test_the_engine_never_takes_a_constraint_to_a_blank() -> None:
    talk = Talk([row("integer", "n", "N?", constraint=". > 10", constraint_message="More than 10.")])
    done = talk.say(n="5")
    assert (refused(done), done.refusal and done.refusal.text) == ("reply.constraint", "More than 10.")
    assert talk.leave("n").refusal is None


def test_a_constraint_sees_the_candidate_and_the_other_answers() -> None:
    talk = Talk([
        row("integer", "people", "People?"),
        row("integer", "children", "Children?", constraint=". <= ${people} and ${children} >= 0"),
    ])  # fmt: skip
    talk.say(people="3")
    assert refused(talk.say(children="4")) == "reply.constraint"
    assert refused(talk.say(children="-1")) == "reply.constraint"
    assert talk.say(children="3").refusal is None


def test_a_constraint_that_takes_too_much_work_is_not_kept_to() -> None:
    rows = choices("many", *(f"c{number}" for number in range(1, 1002)))
    within = "count(instance('many')/root/item[count(instance('many')/root/item[name != '']) > 0]) > 0"
    talk = Talk([row("select_one many", "q", "Q?", constraint=within)], rows)
    assert refused(talk.say(q="c1")) == "reply.constraint"


def test_what_is_required_can_be_neither_skipped_nor_left_blank() -> None:
    talk = Talk([row("text", "a", "A?", required="yes", required_message="Please."), row("text", "b", "B?")])
    assert talk.ask.required and not talk.ask.offers.skip
    for done in (talk.leave("a"), talk.say(a=""), talk.typed("bỏ qua")):
        assert (refused(done), done.refusal and done.refusal.text) == ("reply.required", "Please.")
    talk.say(a="x")
    assert talk.ask.offers.skip and not talk.ask.required


def test_required_may_depend_on_other_answers() -> None:
    talk = Talk([
        row("select_one yn", "job", "A job?"),
        row("text", "what", "Doing what?", required="${job} = 'yes'"),
    ], YES_NO)  # fmt: skip
    talk.say(job="no")
    assert talk.leave("what").refusal is None
    talk.say(job="yes")
    done = talk.do(Submit())
    assert refused(done) == "reply.required"
    assert talk.asks == "what"
    assert talk.ask.missing is SKIPPED


def test_dont_know_and_prefer_not_are_taken_only_where_they_are_offered_and_satisfy_required() -> None:
    talk = Talk(
        [row("text", "a", "A?", required="yes"), row("text", "b", "B?", required="yes")],
        offers={"a": Offers(dont_know=True), "b": Offers(prefer_not=True)},
    )
    assert talk.ask.offers == Offers(dont_know=True)
    assert refused(talk.leave("a", PN)) == "reply.not_offered"
    talk.leave("a", DK)
    assert refused(talk.leave("b", DK)) == "reply.not_offered"
    talk.leave("b", PN)
    assert talk.do(Submit()).state.submitted
    assert talk.result.missing == {"/data/a": DK, "/data/b": PN}


def test_the_reasons_for_no_answer_are_kept_apart_and_can_be_changed() -> None:
    talk = Talk([row("text", "a", "A?")], offers={"a": Offers(dont_know=True, prefer_not=True)})
    done = talk.leave("a", DK)
    assert [(each.value, each.missing, each.first) for each in done.changes] == [(None, DK, True)]
    talk.change("a")
    assert (talk.ask.missing, talk.ask.value) == (DK, None)
    done = talk.leave("a", SKIPPED)
    assert [(each.missing, each.first) for each in done.changes] == [(SKIPPED, False)]
    done = talk.say(a="x")
    assert [(each.value, each.missing, each.first) for each in done.changes] == [("x", None, False)]
    assert talk.state.missing == {}
    talk.leave("a", PN)
    assert (talk.state.answers, talk.state.missing) == ({}, {"/data/a": PN})


# ── defaults ────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_default_is_shown_as_current_and_taken_by_keep() -> None:
    talk = Talk([row("integer", "n", "N?", default="7"), row("text", "b", "B?")])
    assert (talk.asks, talk.ask.value, talk.ask.value_label) == ("n", "7", "7")
    assert talk.values == {}
    done = talk.do(Keep("/data/n"))
    assert [(each.value, each.first) for each in done.changes] == [("7", True)]
    assert (talk.asks, talk.values) == ("b", {"n": "7"})


def test_keep_without_a_question_keeps_what_is_asked_now() -> None:
    talk = Talk([row("integer", "n", "N?", default="7"), row("text", "b", "B?")])
    assert [each.value for each in talk.do(Keep()).changes] == ["7"]
    done = talk.do(Keep())
    assert (done.changes, talk.asks) == ((), "b")


def test_a_default_can_be_replaced_or_skipped_and_does_not_come_back() -> None:
    talk = Talk([row("integer", "n", "N?", default="7")])
    talk.leave("n")
    talk.change("n")
    assert (talk.ask.value, talk.ask.missing) == (None, SKIPPED)
    talk.do(Keep("/data/n"))
    assert (talk.values, talk.result.missing) == ({}, {"/data/n": SKIPPED})


def test_the_choices_of_a_default_are_ticked_already() -> None:
    talk = Talk([row("select_multiple abc", "q", "Q?", default="c a")], ABC)
    assert (talk.ask.ticked, talk.ask.value_label) == (("a", "c"), "C, A")
    talk.tick("q", "a", "b")
    assert talk.ask.ticked == ("b", "c")
    talk.do(Done("/data/q"))
    assert talk.values == {"q": "b c"}


def test_a_default_that_the_filter_does_not_let_through_is_no_default() -> None:
    talk = Talk([
        row("select_one yn", "big", "Big?"),
        row("select_one size", "size", "Size?", choice_filter="big = ${big}", default="m"),
    ], [*YES_NO, *choices("size", "s", "m", big="no"), *choices("size", "xl", big="yes")])  # fmt: skip
    talk.say(big="yes")
    assert (talk.ask.value, talk.do(Keep()).changes) == (None, ())
    talk.say(big="no")
    assert talk.ask.value == "m"


# ── choice filters ──────────────────────────────────────────────────────────────────────────────────────────


def places() -> Talk:
    return Talk([
        row("select_one tinh", "tinh", "Province?"),
        row("select_one xa", "xa", "Ward?", choice_filter="tinh = ${tinh}", required="yes"),
        row("text", "street", "Street in ${xa}?"),
    ], [
        *choices("tinh", "hn", "hcm", "xx"),
        *choices("xa", "ba_dinh", "cua_nam", tinh="hn"),
        *choices("xa", "ben_thanh", tinh="hcm"),
    ])  # fmt: skip


def test_only_choices_that_the_filter_lets_through_are_offered() -> None:
    talk = places()
    talk.say(tinh="hn")
    assert [each.name for each in talk.ask.choices] == ["ba_dinh", "cua_nam"]
    assert refused(talk.say(xa="ben_thanh")) == "reply.not_a_choice"
    assert talk.typed("2").changes[0].value == "cua_nam"


def test_an_answer_that_is_not_offered_any_more_is_asked_for_again() -> None:
    talk = places()
    talk.say(tinh="hn", xa="cua_nam")
    done = talk.say(tinh="hcm")
    assert done.dropped == ()
    assert (talk.asks, talk.ask.value, talk.counted) == ("xa", None, "2/3")
    assert "xa" not in talk.values
    assert refused(talk.do(Submit())) == "reply.still_open"
    talk.say(tinh="hn")
    assert (talk.asks, talk.values["xa"]) == ("street", "cua_nam")


def test_a_select_without_anything_to_offer_is_passed_over_even_if_it_is_required() -> None:
    talk = places()
    talk.say(tinh="xx")
    assert (talk.asks, talk.counted) == ("street", "2/2")
    assert refused(talk.change("xa")) == "reply.no_longer_asked"
    talk.leave("street")
    assert talk.do(Submit()).state.submitted


def test_a_select_that_waits_for_another_answer_counts_meanwhile() -> None:
    talk = places()
    assert talk.counted == "1/3"
    talk.do(ShowReview())
    assert talk.review.open == 3
    talk.leave("tinh")
    talk.do(Keep())
    assert talk.counted == "2/2"


def test_ticks_that_are_not_offered_any_more_are_gone() -> None:
    talk = Talk([
        row("select_one abc", "of", "Of?"),
        row("select_multiple l", "q", "Q?", choice_filter="of = ${of} or not(of != '')"),
    ], [*ABC, *choices("l", "p", of="a"), *choices("l", "r", "s", of="b"), *choices("l", "z")])  # fmt: skip
    talk.say(of="a")
    talk.tick("q", "p", "z")
    assert list(talk.ask.ticked) == ["p", "z"]
    talk.say(of="b")
    assert (talk.asks, *talk.ask.ticked) == ("q", "z")
    talk.tick("q", "r")
    talk.do(Done("/data/q"))
    assert talk.values["q"] == "r z"
    talk.say(of="a")
    assert (talk.ask.value, *talk.ask.ticked) == (None, "z")


def test_a_name_under_two_parents_has_the_label_of_the_one_offered() -> None:
    talk = Talk([
        row("select_one tinh", "tinh", "Province?"),
        row("select_one xa", "xa", "Ward?", choice_filter="tinh = ${tinh}"),
    ], [
        *choices("tinh", "hn", "hcm"),
        {"list_name": "xa", "name": "1", "label": "Ba Đình", "tinh": "hn"},
        {"list_name": "xa", "name": "1", "label": "Bến Thành", "tinh": "hcm"},
    ], allow_choice_duplicates="yes")  # fmt: skip
    talk.say(tinh="hcm", xa="1")
    assert talk.review.lines[1].value_label == "Bến Thành"


# ── several choices ─────────────────────────────────────────────────────────────────────────────────────────


def many(**columns: Any) -> Talk:
    return Talk([row("select_multiple abc", "q", "Q?", **columns), row("text", "b", "B?")], ABC)


def test_ticks_count_only_when_done_and_stand_in_the_order_of_the_list() -> None:
    talk = many()
    talk.tick("q", "c", "a")
    assert (talk.asks, talk.ask.ticked, talk.values) == ("q", ("a", "c"), {})
    talk.do(Done("/data/q"))
    assert (talk.asks, talk.values) == ("b", {"q": "a c"})


def test_a_second_tap_unticks() -> None:
    talk = many()
    talk.tick("q", "a", "b", "a")
    assert talk.ask.ticked == ("b",)


def test_done_with_nothing_ticked_is_a_skip_where_that_is_allowed() -> None:
    talk = many()
    talk.tick("q", "a", "a")
    talk.do(Done("/data/q"))
    assert talk.result.missing == {"/data/q": SKIPPED}
    strict = many(required="yes", required_message="At least one.")
    done = strict.do(Done("/data/q"))
    assert (refused(done), done.refusal and done.refusal.text) == ("reply.required", "At least one.")


def test_unticking_the_last_of_an_answer_and_done_takes_the_answer_away() -> None:
    talk = many()
    talk.say(q="a")
    talk.tick("q", "a")
    assert (talk.asks, talk.ask.ticked, talk.values) == ("q", (), {"q": "a"})
    talk.do(Done("/data/q"))
    assert (talk.values, talk.result.missing) == ({}, {"/data/q": SKIPPED})


def test_ticking_an_answered_question_starts_from_its_answer() -> None:
    talk = many()
    talk.say(q="a c")
    talk.tick("q", "b")
    assert (talk.asks, talk.ask.ticked) == ("q", ("a", "b", "c"))
    assert talk.values == {"q": "a c"}
    talk.do(Keep("/data/q"))
    assert (talk.asks, talk.values) == ("b", {"q": "a c"})


def test_an_unknown_choice_or_a_question_of_another_kind_takes_no_tick() -> None:
    talk = many()
    assert refused(talk.tick("q", "z")) == "reply.not_a_choice"
    assert refused(talk.tick("b", "a")) == "reply.no_longer_asked"
    assert refused(talk.do(Done("/data/b"))) == "reply.no_longer_asked"
    assert talk.state == State()


def test_a_constraint_on_ticks_is_tried_when_done_and_keeps_them() -> None:
    talk = many(constraint="count-selected(.) <= 2", constraint_message="At most two.")
    talk.tick("q", "a", "b", "c")
    done = talk.do(Done("/data/q"))
    assert (refused(done), talk.ask.ticked) == ("reply.constraint", ("a", "b", "c"))
    talk.tick("q", "c")
    assert talk.do(Done("/data/q")).refusal is None


def test_unfinished_ticks_outlast_what_is_done_elsewhere() -> None:
    talk = Talk([row("text", "a", "A?"), row("select_multiple abc", "q", "Q?")], ABC)
    talk.say(a="1")
    talk.tick("q", "b")
    talk.say(a="2")
    assert (talk.asks, talk.ask.ticked) == ("q", ("b",))
    assert refused(talk.do(Submit())) == "reply.still_open"
    assert talk.ask.ticked == ("b",)
    talk.change("q")
    assert talk.ask.ticked == ("b",)
    assert refused(talk.typed("nhiều lắm")) == "reply.not_a_choice"
    assert talk.ask.ticked == ("b",)


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
    assert (talk.asks, talk.ask.before) == ("b", ("It was 5.",))
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


# ── typing ──────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_typed_reply_is_for_the_question_asked_now() -> None:
    talk = Talk([row("integer", "n", "How many?"), row("select_one yn", "b", "Sure?")], YES_NO)
    assert [each.value for each in talk.typed("mười hai").changes] == ["12"]
    assert [each.value for each in talk.typed("no").changes] == ["no"]


def test_an_edited_message_changes_the_answer_it_gave_and_nothing_else() -> None:
    talk = three()
    talk.say(a="1", b="2")
    done = talk.typed("one", "a")
    assert [(each.ref, each.value, each.first) for each in done.changes] == [("/data/a", "one", False)]
    assert (talk.asks, talk.values) == ("c", {"a": "one", "b": "2"})


def test_words_for_no_answer_are_read_where_they_are_offered() -> None:
    talk = Talk([row("integer", "a", "A?"), row("integer", "b", "B?"), row("integer", "c", "C?")],
                offers={"a": Offers(dont_know=True), "b": Offers(prefer_not=True)})  # fmt: skip
    talk.typed("không biết")
    talk.typed("không muốn trả lời")
    talk.typed("bỏ qua")
    assert list(talk.result.missing.values()) == [DK, PN, SKIPPED]


def test_a_reply_that_may_be_one_of_several_choices_asks_which() -> None:
    talk = Talk([row("select_one l", "q", "Q?")], [
        {"list_name": "l", "name": "1", "label": "Công ty nhà nước"},
        {"list_name": "l", "name": "2", "label": "Công ty tư nhân"},
        {"list_name": "l", "name": "3", "label": "Ở nhà"},
    ])  # fmt: skip
    done = talk.typed("công ty")
    assert refused(done) == "reply.which"
    assert done.refusal is not None
    assert [each.name for each in done.refusal.between] == ["1", "2"]
    assert talk.asks == "q"


def test_a_command_is_handed_on_and_changes_nothing() -> None:
    talk = three()
    talk.say(a="1")
    done = talk.typed("quay lại")
    assert (done.command and done.command.name, done.state) == ("back", talk.state)


def test_at_the_review_only_commands_are_understood() -> None:
    talk = three()
    talk.say(a="1", b="2", c="3")
    assert talk.typed("gửi").command is not None
    assert talk.typed("sửa 2").command is not None
    assert refused(talk.typed("tôi thích")) == "reply.review_expected"
    assert refused(talk.typed("")) == "reply.review_expected"


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
    assert talk.ask.before == ("Today: 01/06/2026",)


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
    assert (talk.ask.before, talk.ask.label, talk.ask.guidance) == (
        ("Phần một",),
        "Ông/bà khỏe không?",
        "Giải thích.",
    )
    talk.context = replace(talk.context, language="en")
    assert (talk.ask.before, talk.ask.label, talk.ask.guidance) == (
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
        "focus": {"ref": "/data/q", "ticked": ["b"]},
        "submitted": False,
        "computed": {},
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
