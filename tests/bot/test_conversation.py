"""What a message means, given whose it is and which interview is open; and what is said about what it did."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot import render
from bot.conversation import Aside, answer, listen, notices, staged
from bot.messages import ABILITIES, Inbound, What
from bot.questionnaires import Prepared, context, prepare
from bot.render import data, mark, mark_of, read_data
from bot.texts import LANGUAGES, say
from storage.contacts import Contact
from storage.interviews import Interview
from surveys import interview as engine
from surveys.forms import Missing
from surveys.instruments import Instrument, Unit
from surveys.interview import (
    Answer,
    Ask,
    Back,
    Change,
    Done,
    Event,
    Keep,
    Leave,
    Review,
    ShowReview,
    State,
    Submit,
    Toggle,
    Typed,
    prompt,
)
from surveys.replies import make_code
from surveys.xform import read_form
from tests.forms.build import choices, converted, row

TODAY = date(2026, 3, 5)
NOW = datetime(2026, 3, 5, 9)
CODE = make_code(7)
CONTACT = Contact(
    id=1,
    channel="telegram",
    status="active",
    account_id=None,
    language="vi",
    interview_id=7,
    misread=0,
    version=1,
)
INTERVIEW = Interview(
    id=7,
    case_id=3,
    instrument_id=1,
    stage="main",
    way="self",
    status="open",
    version=1,
    campaign_id=2,
    campaign_code=CODE,
    campaign_title="Khảo sát",
    campaign_status="open",
    campaign_ends="2026-03-31",
    reference_date="2026-03-01",
    area_code="26740",
    state=State(),
)


def ready() -> Prepared:
    made = converted(
        [
            row("begin group", "home", "Home"),
            row("select_one yn", "child", "A child?", required="yes", required_message="Please."),
            row("text", "name", "Its name?", relevant="${child} = 'yes'"),
            row("end group"),
            row("select_multiple abc", "many", "Which?", constraint="count-selected(.) < 3"),
            row("integer", "age", "How old?", constraint=". < 120", constraint_message="Too old."),
        ],
        [*choices("yn", "yes", "no"), *choices("abc", "a", "b", "c")],
        [{"form_id": "f", "version": "1"}],
    )
    form = read_form(made.xform, made.rows).form
    assert form is not None
    return prepare(1, form, Instrument("i", "1", "", "f", Unit.PERSON))


PREPARED = ready()
CHILD, NAME, MANY, AGE = PREPARED.questionnaire.asked
ABOUT = context(NOW, "vi")


def text(said: str) -> Inbound:
    return Inbound("telegram", "e1", "a1", What.TEXT, said)


def tap(carried: str) -> Inbound:
    return Inbound("telegram", "e1", "a1", What.TAP, data=carried)


def means(
    inbound: Inbound,
    interview: Interview | None = INTERVIEW,
    contact: Contact | None = CONTACT,
    today: date = TODAY,
) -> Event | Aside:
    return listen(inbound, contact, interview, PREPARED if interview else None, today)


def button(op: str, ref: str = "", choice: str = "", interview: int = 7) -> Inbound:
    return tap(data(op, interview, mark_of(ref) if ref else "", mark(choice) if choice else ""))


# ── buttons ─────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("tapped", "event"),
    [
        (button(render.CHOOSE, CHILD, "yes"), Answer(CHILD, "yes")),
        (button(render.TOGGLE, MANY, "b"), Toggle(MANY, "b")),
        (button(render.DONE, MANY), Done(MANY)),
        (button(render.SKIP, AGE), Leave(AGE, Missing.SKIPPED)),
        (button(render.DONT_KNOW, AGE), Leave(AGE, Missing.DONT_KNOW)),
        (button(render.PREFER_NOT, AGE), Leave(AGE, Missing.PREFER_NOT)),
        (button(render.CHANGE, AGE), Change(AGE)),
        (button(render.KEEP, AGE), Keep(AGE)),
        (button(render.KEEP), Keep()),
        (button(render.BACK), Back()),
        (button(render.REVIEW), ShowReview()),
        (button(render.SUBMIT), Submit()),
    ],
)
def test_every_button_of_an_interview_is_one_event(tapped: Inbound, event: Event) -> None:
    assert means(tapped) == event


def test_every_button_that_is_shown_means_something() -> None:
    states = [
        State(),
        State({CHILD: "yes"}, {NAME: Missing.SKIPPED}),
        State({CHILD: "no", MANY: "a b"}),
        State({CHILD: "no", MANY: "a", AGE: "5"}),
        State({CHILD: "no", MANY: "a", AGE: "5"}, focus=engine.Focus(AGE)),
        State({CHILD: "no"}, focus=engine.Focus(None)),
    ]
    for state in states:
        now = prompt(PREPARED.questionnaire, state, ABOUT)
        made = render.render(now, 7, "vi", ABILITIES["telegram"])
        assert made is not None
        assert made.rows
        for shown in (each for line in made.rows for each in line):
            event = means(tap(shown.data))
            assert not isinstance(event, Aside)
            assert answer(PREPARED, state, event, ABOUT).refusal is None


def test_a_button_of_an_interview_that_is_not_open_any_more_is_late() -> None:
    assert means(button(render.CHOOSE, CHILD, "yes", interview=6)) == Aside("stale_tap", "6")
    assert means(button(render.CHOOSE, CHILD, "yes"), interview=None) == Aside("stale_tap", "7")
    handed_in = replace(INTERVIEW, status="submitted")
    assert means(button(render.BACK), handed_in) == Aside("stale_tap", "7")


@pytest.mark.parametrize(
    "carried",
    [
        "", "x", "z7.1", "c7", "c7.nothing", data("c", 7, mark_of(CHILD)),
        data("c", 7, mark_of(CHILD), mark("x")),
        data("c", 7, mark_of(NAME), mark("yes")), data("d", 7), data("q", 7, mark_of(CHILD)),
        data("w", 0, "start"), data("w", 7, "new_campaign"),
    ],
)  # fmt: skip
def test_what_no_button_of_ours_carries_is_foreign(carried: str) -> None:
    assert means(tap(carried)) == Aside("foreign_tap")


def test_buttons_outside_an_interview_say_what_they_are_for() -> None:
    assert means(button(render.AMEND, interview=9), interview=None) == Aside("amend", "9")
    assert means(tap(data(render.LANGUAGE, 0, "en"))) == Aside("language", "en")
    assert means(tap(data(render.WORD, 0, "privacy_request"))) == Aside("privacy_request")
    assert means(tap(data(render.WORD, 0, "close_sure", CODE))) == Aside("close_sure", CODE)


def test_what_belongs_to_a_consent_or_a_wizard_goes_alone_and_means_the_same() -> None:
    consent = replace(INTERVIEW, stage="consent")
    inbound = button(render.CHOOSE, CHILD, "yes")
    assert means(inbound, consent) == Aside("stage")
    assert staged(inbound, consent, PREPARED) == Answer(CHILD, "yes")
    assert means(text("có"), consent) == Aside("stage", "có")
    assert staged(text("có"), consent, PREPARED) == Typed("có")


@given(
    st.one_of(
        st.text(max_size=70), st.from_regex(r"[a-z][0-9a-z]{0,6}(\.[0-9a-z_]{0,12}){0,3}", fullmatch=True)
    )
)
def test_no_button_can_do_more_than_an_event_or_an_aside(carried: str) -> None:
    for interview in (INTERVIEW, replace(INTERVIEW, stage="consent"), None):
        meaning = means(tap(carried), interview)
        if not isinstance(meaning, Aside):
            assert interview is INTERVIEW
            found = read_data(carried)
            assert found is not None
            assert found[1] == 7


# ── words ───────────────────────────────────────────────────────────────────────────────────────────────────


def test_words_in_an_interview_are_for_the_question() -> None:
    for said in ("có", "quay lại", CODE, "không biết", ""):
        assert means(text(said)) == Typed(said)


def test_words_without_an_interview_are_a_code_a_command_or_nothing() -> None:
    assert means(text(f"mã của tôi là {CODE.lower()}"), interview=None) == Aside("code", CODE)
    assert means(text("trợ giúp"), interview=None) == Aside("help")
    assert means(text("xin chào"), interview=None) == Aside("idle", "xin chào")


@pytest.mark.parametrize(
    ("said", "aside"),
    [
        ("/trogiup", Aside("help")),
        ("/help@hoidan_bot", Aside("help")),
        ("/ngonngu en", Aside("language", "en")),
        ("/start ABC234", Aside("code", "ABC234")),
        ("/start", Aside("start")),
        ("/yeucau xin xóa dữ liệu", Aside("request", "xin xóa dữ liệu")),
        ("/chiendich", Aside("campaigns")),
    ],
)
@pytest.mark.parametrize("open_interview", [True, False])
def test_a_slash_is_a_command_at_any_time(said: str, aside: Aside, open_interview: bool) -> None:
    assert means(text(said), INTERVIEW if open_interview else None) == aside


def test_commands_of_the_interview_are_left_to_it() -> None:
    assert means(text("/xemlai")) == Typed("/xemlai")
    assert means(text("/xemlai"), interview=None) == Aside("review")


def test_who_writes_for_the_first_time_arrives() -> None:
    assert means(text("xin chào"), contact=None) == Aside("arrive")


@pytest.mark.parametrize(
    ("what", "aside"),
    [
        (What.OPENED, Aside("opened")),
        (What.UNREADABLE, Aside("unreadable")),
        (What.BLOCKED, Aside("blocked")),
        (What.UNBLOCKED, Aside("unblocked")),
    ],
)
def test_what_is_no_words_goes_alone(what: What, aside: Aside) -> None:
    assert means(Inbound("telegram", "e", "a", what)) == aside


def test_opening_with_a_code_and_editing_a_message_carry_their_words() -> None:
    assert means(Inbound("telegram", "e", "a", What.OPENED, CODE)) == Aside("code", CODE)
    assert means(Inbound("telegram", "e", "a", What.EDIT, "mới")) == Aside("edit", "mới")


def test_after_the_last_day_an_answer_comes_too_late_and_a_command_does_not() -> None:
    late = date(2026, 4, 1)
    assert means(text("có"), today=late) == Aside("over")
    assert means(button(render.CHOOSE, CHILD, "yes"), today=late) == Aside("over")
    assert means(text("/trogiup"), today=late) == Aside("help")
    assert means(text("có"), replace(INTERVIEW, campaign_status="closed")) == Aside("over")
    wizard = replace(INTERVIEW, campaign_status="", campaign_ends="", stage="wizard")
    assert means(text("có"), wizard, today=late) == Aside("stage", "có")


@given(st.text(max_size=60))
def test_any_words_mean_something(said: str) -> None:
    for interview in (INTERVIEW, None):
        meaning = means(text(said), interview)
        assert isinstance(meaning, Aside | Typed)
        if isinstance(meaning, Typed):
            answer(PREPARED, State({CHILD: "yes"}), meaning, ABOUT)


# ── what words do in an interview ───────────────────────────────────────────────────────────────────────────

HALF = State({CHILD: "yes", NAME: "An"})
FULL = State({CHILD: "yes", NAME: "An", MANY: "a", AGE: "5"})


def asked_after(said: str, state: State) -> str:
    """The name of the question asked then; ``review``, ``submitted``."""
    now = prompt(PREPARED.questionnaire, answer(PREPARED, state, Typed(said), ABOUT).state, ABOUT)
    return now.ref.rpartition("/")[2] if isinstance(now, Ask) else type(now).__name__.lower()


@pytest.mark.parametrize(
    ("said", "state", "then"),
    [
        ("quay lại", HALF, "name"),
        ("xem lại", HALF, "review"),
        ("giữ nguyên", HALF, "many"),
        ("sửa 2", HALF, "name"),
        ("sửa 9", HALF, "many"),
        ("gửi", HALF, "many"),
        ("bỏ qua", HALF, "age"),
        ("gửi", FULL, "submitted"),
        ("sửa 4", FULL, "age"),
        ("quay lại", FULL, "age"),
        ("/xemlai", HALF, "review"),
    ],
)
def test_commands_of_the_interview_are_carried_out(said: str, state: State, then: str) -> None:
    assert asked_after(said, state) == then


def test_another_command_is_handed_on_and_nothing_is_answered() -> None:
    for said, name in (("trợ giúp", "help"), ("English", "language"), ("gặp cán bộ", "human")):
        done = answer(PREPARED, HALF, Typed(said), ABOUT)
        assert (done.command and done.command.name, done.state) == (name, HALF)


def test_a_campaigns_code_that_answers_nothing_is_a_code() -> None:
    done = answer(PREPARED, HALF, Typed(CODE), ABOUT)
    assert done.command is not None
    assert (done.command.name, done.command.argument, done.state) == ("code", CODE, HALF)


# ── what is said about it ───────────────────────────────────────────────────────────────────────────────────


def told(event: Event, state: State, language: str = "vi") -> list[str]:
    about = context(NOW, language)
    return notices(PREPARED, event, answer(PREPARED, state, event, about), about)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_refusal_is_told_in_the_forms_words_or_in_ours(language: str) -> None:
    assert told(Typed("150"), replace(HALF, answers={**HALF.answers, MANY: "a"}), language) == ["Too old."]
    assert told(Answer(MANY, "a b c"), HALF, language) == [say(language, "reply.constraint")]
    assert told(Leave(CHILD, Missing.SKIPPED), State(), language) == ["Please."]
    assert told(Back(), State(), language) == [say(language, "reply.at_start")]


def test_a_refusal_that_is_about_another_question_says_which() -> None:
    said = told(Answer(AGE, "150"), HALF)
    assert said == [say("vi", "turn.about", question="How old", text="Too old.")]


def test_what_no_longer_applies_is_listed_after_what_was_changed() -> None:
    said = told(Answer(CHILD, "no"), HALF)
    assert said == [
        say("vi", "turn.changed", question="A child", value="NO"),
        say("vi", "turn.dropped", lines="– Its name?"),
    ]


def test_what_was_typed_is_repeated_only_where_it_was_read_as_something_else() -> None:
    state = State({CHILD: "yes", NAME: "An", MANY: "a"})
    assert told(Typed("ba mươi lăm"), state) == [say("vi", "turn.noted", value="35")]
    assert told(Typed("35"), state) == []
    assert told(Answer(AGE, "35"), state) == []


def test_moving_about_needs_no_words() -> None:
    quiet: list[Event] = [Back(), ShowReview(), Change(CHILD), Keep(), Toggle(MANY, "a")]
    for event in quiet:
        assert told(event, HALF) == []


def test_which_of_these_lists_the_choices_it_could_be() -> None:
    made = converted(
        [row("select_one l", "q", "Q?")],
        [
            {"list_name": "l", "name": "1", "label": "Công ty nhà nước"},
            {"list_name": "l", "name": "2", "label": "Công ty tư nhân"},
        ],
        [{"form_id": "f", "version": "1"}],
    )
    form = read_form(made.xform, made.rows).form
    assert form is not None
    prepared = prepare(1, form, Instrument("i", "1", "", "f", Unit.PERSON))
    event = Typed("công ty")
    said = notices(prepared, event, answer(prepared, State(), event, ABOUT), ABOUT)
    assert said == [say("vi", "reply.which") + "\n– Công ty nhà nước\n– Công ty tư nhân"]


def test_an_answer_given_in_the_review_is_shown_by_the_review() -> None:
    done = answer(PREPARED, FULL, Answer(AGE, "6"), ABOUT)
    assert isinstance(prompt(PREPARED.questionnaire, done.state, ABOUT), Review)
    assert told(Answer(AGE, "6"), FULL) == []
