"""What a message means, given whose it is and which interview is open; and what is said about what it did."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot import buttons, render, wishes
from bot.buttons import data, mark, mark_of, place_of, read_data
from bot.conversation import Aside, answer, code_alone, listen, misread, notices, page_after, shifted, staged
from bot.messages import ABILITIES, Inbound, What
from bot.questionnaires import Prepared, context, prepare
from bot.rosters import pending_mark
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
    campaign_instrument=0,
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


def household() -> Prepared:
    made = converted(
        [
            row("integer", "count", "How many?"),
            row("begin repeat", "member", "Thành viên", repeat_count="${count}"),
            row("text", "name", "Name?"),
            row("integer", "age", "Age of ${name}?"),
            row("end repeat"),
            row("begin repeat", "field", "Thửa ruộng"),
            row("text", "where", "Where?"),
            row("end repeat"),
            row("text", "words", "Anything to say?"),
        ],
        [],
        [{"form_id": "h", "version": "1"}],
    )
    form = read_form(made.xform, made.rows).form
    assert form is not None
    return prepare(2, form, Instrument("h", "1", "", "h", Unit.PERSON))


HOUSEHOLD = household()
PEOPLE: dict[str, str] = {
    "/data/count": "3",
    "/data/member[1]/name": "Nguyễn Thị Lan",
    "/data/member[1]/age": "40",
    "/data/member[2]/name": "Trần Minh",
    "/data/member[2]/age": "41",
    "/data/member[3]/name": "Trần Lan Anh",
    "/data/member[3]/age": "9",
}
FIELDS = {"/data/field[1]/where": "Đồng Trên", "/data/field[2]/where": "Bờ Sông"}
AT_FIELDS = State({**PEOPLE, **FIELDS}, counts={"/data/field": 2})
AT_WORDS = replace(AT_FIELDS, closed=frozenset({"/data/field"}))
AT_REVIEW = replace(AT_WORDS, answers={**AT_WORDS.answers, "/data/words": "no"})
ON_MEMBERS = replace(AT_WORDS, focus=engine.Focus("/data/member"))


def heard(said: str, state: State, page: int = 0) -> Event | Aside:
    """What typed words mean in the household's interview."""
    standing = wishes.standing(HOUSEHOLD, state, ABOUT, page=page)
    return listen(text(said), CONTACT, INTERVIEW, HOUSEHOLD, TODAY, standing)


def tapped(carried: str, state: State) -> Event | Aside:
    standing = wishes.standing(HOUSEHOLD, state, ABOUT)
    return listen(tap(carried), CONTACT, INTERVIEW, HOUSEHOLD, TODAY, standing)


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


# ── buttons about members of repeats ────────────────────────────────────────────────────────────────────────


def test_every_button_about_a_member_is_one_event() -> None:
    second, age = place_of("/data/member[2]", 0), place_of("/data/member[2]/age", 0)
    members = place_of("/data/member", 0)
    assert tapped(data(buttons.REMOVE, 7, second), ON_MEMBERS) == engine.Remove("/data/member[2]")
    assert tapped(data(buttons.MEMBER, 7, second), ON_MEMBERS) == Aside("member", "/data/member[2]")
    assert tapped(data(buttons.CHANGE, 7, age), AT_WORDS) == Change("/data/member[2]/age")
    assert tapped(data(buttons.ROSTER, 7, members), AT_WORDS) == engine.ShowRoster("/data/member")
    assert tapped(data(buttons.ADD, 7, members, "3"), AT_WORDS) == engine.Add("/data/member")
    assert tapped(data(buttons.PAGE, 7, members, "2"), ON_MEMBERS) == Aside("page", "2")
    assert tapped(data(buttons.PAGE, 7, "all", "1"), AT_REVIEW) == Aside("page", "1")


def test_a_button_from_before_somebody_was_taken_out_leads_to_the_list() -> None:
    removed = replace(AT_WORDS, removals=1)
    for op in (buttons.REMOVE, buttons.MEMBER):
        assert tapped(data(op, 7, place_of("/data/member[2]", 0)), removed) == Aside("moved", "/data/member")
    answered = data(buttons.KEEP, 7, place_of("/data/field[2]/where", 0))
    assert tapped(answered, removed) == Aside("moved", "/data/field")
    # What is in no repeat is still what it was.
    assert tapped(data(buttons.CHANGE, 7, mark_of("/data/count")), removed) == Change("/data/count")


def test_a_second_tap_on_add_adds_nobody_else() -> None:
    carried = data(buttons.ADD, 7, place_of("/data/field", 0), "2")
    assert tapped(carried, AT_FIELDS) == engine.Add("/data/field")
    assert tapped(carried, replace(AT_FIELDS, counts={"/data/field": 3})) == Aside("stale_tap")


def test_an_old_yes_confirms_nothing_else() -> None:
    lan, minh = (engine.Pending("remove", f"/data/member[{number}]") for number in (1, 2))
    yes = data(buttons.CONFIRM, 7, pending_mark(lan), "1")
    asked = replace(AT_WORDS, focus=engine.Focus("/data/member", None, lan))
    assert tapped(yes, asked) == engine.Confirm(True)
    assert tapped(data(buttons.CONFIRM, 7, pending_mark(lan), "0"), asked) == engine.Confirm(False)
    assert tapped(yes, AT_WORDS) == Aside("stale_tap")
    assert tapped(yes, replace(asked, focus=engine.Focus("/data/member", None, minh))) == Aside("stale_tap")


@pytest.mark.parametrize(
    ("ref", "gone", "now"),
    [
        ("/data/count", ["/data/member[1]"], "/data/count"),
        ("/data/member[3]/age", ["/data/member[1]"], "/data/member[2]/age"),
        ("/data/member[3]/age", ["/data/member[1]", "/data/member[1]"], "/data/member[1]/age"),
        ("/data/member[1]/age", ["/data/member[2]"], "/data/member[1]/age"),
        ("/data/member[2]/age", ["/data/member[2]"], None),
        ("/data/house[2]/member[3]/age", ["/data/house[1]/member[1]"], "/data/house[2]/member[3]/age"),
        ("/data/house[2]/member[3]/age", ["/data/house[1]"], "/data/house[1]/member[3]/age"),
        ("/data/house[2]/member[3]/age", ["/data/house[2]/member[2]"], "/data/house[2]/member[2]/age"),
        ("/data/members[2]/age", ["/data/member[1]"], "/data/members[2]/age"),
    ],
)
def test_what_a_message_answered_is_found_again_after_removals(
    ref: str, gone: list[str], now: str | None
) -> None:
    assert shifted(ref, gone) == now


# ── words about lists ───────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("said", "state", "meant"),
    [
        # who is there
        ("danh sách", ON_MEMBERS, engine.ShowRoster("/data/member")),
        ("danh sach", AT_FIELDS, engine.ShowRoster("/data/field")),
        ("danh sách", AT_REVIEW, Aside("lists")),
        ("thành viên", AT_FIELDS, engine.ShowRoster("/data/member")),
        ("danh sách thửa ruộng", AT_REVIEW, engine.ShowRoster("/data/field")),
        # one more, nobody else
        ("có", AT_FIELDS, engine.Add("/data/field")),
        ("còn", AT_FIELDS, engine.Add("/data/field")),
        ("thêm", AT_FIELDS, engine.Add("/data/field")),
        ("thêm thửa ruộng", AT_FIELDS, engine.Add("/data/field")),
        ("thêm người", ON_MEMBERS, engine.Add("/data/member")),
        ("thêm người", AT_REVIEW, Aside("lists")),
        ("thêm thành viên", AT_REVIEW, engine.Add("/data/member")),
        ("thêm thửa ruộng", AT_WORDS, engine.Add("/data/field")),
        ("thêm đường vào làng", AT_WORDS, Typed("thêm đường vào làng")),
        ("hết rồi", AT_FIELDS, engine.NoMore("/data/field")),
        ("không còn ai", AT_FIELDS, engine.NoMore("/data/field")),
        ("khong", AT_FIELDS, engine.NoMore("/data/field")),
        ("hết rồi", AT_WORDS, Typed("hết rồi")),
        # out with one
        ("bỏ người 3", AT_WORDS, engine.Remove("/data/member[3]")),
        ("xoá 2", ON_MEMBERS, engine.Remove("/data/member[2]")),
        ("bo 2", AT_FIELDS, engine.Remove("/data/field[2]")),
        ("bỏ thửa ruộng 1", AT_REVIEW, engine.Remove("/data/field[1]")),
        ("xóa Minh", AT_WORDS, engine.Remove("/data/member[2]")),
        ("xoa tran minh", AT_REVIEW, engine.Remove("/data/member[2]")),
        ("bỏ Bờ Sông", AT_REVIEW, engine.Remove("/data/field[2]")),
        ("bỏ Lan", AT_REVIEW, engine.Remove("/data/member[1]")),
        ("bỏ người 9", AT_WORDS, Aside("nobody", "nguoi 9")),
        ("bỏ Tèo", ON_MEMBERS, Aside("nobody", "teo")),
        ("bỏ học", AT_WORDS, Typed("bỏ học")),
        ("bố Minh", AT_WORDS, Typed("bố Minh")),
        ("bỏ qua", AT_FIELDS, Typed("bỏ qua")),
        # change one
        ("sửa Minh", AT_REVIEW, Aside("member", "/data/member[2]")),
        ("sửa người 1", AT_WORDS, Aside("member", "/data/member[1]")),
        ("sửa 2", ON_MEMBERS, Aside("member", "/data/member[2]")),
        ("2", ON_MEMBERS, Aside("member", "/data/member[2]")),
        ("Minh", ON_MEMBERS, Aside("member", "/data/member[2]")),
        ("sửa 2", AT_REVIEW, Typed("sửa 2")),
        ("xong", ON_MEMBERS, Keep()),
        ("trợ giúp", ON_MEMBERS, Typed("trợ giúp")),
        ("Tèo", ON_MEMBERS, Aside("nobody", "Tèo")),
        # looking for an answer
        ("xem lại tuổi", AT_REVIEW, Aside("find", "tuổi")),
        ("tìm Bờ Sông", AT_REVIEW, Aside("find", "Bờ Sông")),
        ("xem lại tuổi Minh", AT_FIELDS, Aside("find", "tuổi Minh")),
        ("tìm việc làm", AT_WORDS, Typed("tìm việc làm")),
        ("xem lại", AT_REVIEW, Typed("xem lại")),
        ("tiếp", AT_REVIEW, Typed("tiếp")),
    ],
)
def test_words_about_a_list_mean_what_the_person_sees(said: str, state: State, meant: Event | Aside) -> None:
    assert heard(said, state) == meant


def test_a_name_that_two_have_is_nobodys() -> None:
    twins = replace(AT_WORDS, answers={**AT_WORDS.answers, "/data/member[3]/name": "Lê Thị Lan"})
    assert heard("xóa Lan", twins) == Typed("xóa Lan")
    assert heard("xóa Nguyễn Thị Lan", twins) == engine.Remove("/data/member[1]")


@pytest.mark.parametrize(("said", "yes"), [("có", True), ("vâng", True), ("không", False), ("thôi", False)])
def test_yes_and_no_settle_what_was_asked_back(said: str, yes: bool) -> None:
    pending = engine.Pending("remove", "/data/member[2]")
    state = replace(AT_WORDS, focus=engine.Focus("/data/member", None, pending))
    assert heard(said, state) == engine.Confirm(yes)
    assert heard("tôi không hiểu câu này", state) == Typed("tôi không hiểu câu này")


def test_pages_are_turned_only_where_there_are_more() -> None:
    many = {f"/data/field[{number}]/where": f"Nơi {number}" for number in range(1, 40)}
    state = replace(AT_REVIEW, answers={**AT_REVIEW.answers, **many}, counts={"/data/field": 39})
    assert heard("tiếp", state) == Aside("page", "1")
    assert heard("trang sau", state) == Aside("page", "1")
    assert heard("tiếp", state, page=1) == Typed("tiếp")
    assert heard("trước", state, page=1) == Aside("page", "0")
    assert heard("trước", state) == Typed("trước")
    assert heard("tiếp tục", state) == Typed("tiếp tục")


@given(st.text(max_size=70), st.sampled_from([AT_FIELDS, AT_WORDS, AT_REVIEW, ON_MEMBERS]))
def test_any_words_about_a_list_mean_something(said: str, state: State) -> None:
    meaning = heard(said, state)
    assert isinstance(meaning, Aside | Typed) or not isinstance(meaning, Answer)


def test_misunderstandings_in_a_row_are_counted_and_success_begins_anew() -> None:
    refused = engine.Step(State(), refusal=engine.Refusal("reply.not_a_choice"))
    told = engine.Step(State(), refusal=engine.Refusal("reply.still_open"))
    assert misread(1, Typed("x"), refused) == 2
    assert misread(1, Answer(CHILD, "x"), refused) == 1
    assert misread(3, Typed("submit"), told) == 0
    assert misread(3, Typed("yes"), engine.Step(State())) == 0


def test_a_page_is_kept_while_the_same_list_is_looked_at() -> None:
    refused = engine.Step(State(), refusal=engine.Refusal("reply.which"))
    assert page_after(4, Typed("x"), refused) == 4
    assert page_after(4, Toggle(MANY, "a"), engine.Step(State())) == 4
    assert page_after(4, Answer(CHILD, "yes"), engine.Step(State())) == 0


def test_the_product_speaks_a_language_that_the_form_has() -> None:
    def spoken(*languages: str, default: str, wanted: str) -> str:
        plain = PREPARED.form
        form = replace(plain, languages=languages, default_language=default)
        return prepare(3, form, Instrument("i", "1", "", "f", Unit.PERSON)).spoken(wanted)

    both = ("Tiếng Việt (vi)", "English (en)")
    assert spoken(*both, default=both[0], wanted="en") == "en"
    assert spoken(both[0], default=both[0], wanted="en") == "vi"
    assert spoken(both[1], default=both[1], wanted="vi") == "en"
    assert spoken("Khmer (km)", both[1], default="Khmer (km)", wanted="vi") == "en"
    assert spoken("Khmer (km)", default="Khmer (km)", wanted="vi") == "vi"
    # A form that does not say in which language it is.
    assert spoken("default", default="default", wanted="en") == "en"


# ── what goes alone ─────────────────────────────────────────────────────────────────────────────────────────


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
        say("vi", "turn.dropped", lines="– Its name"),
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


SPACED = f"{CODE[:3]} {CODE[3:]}"


@pytest.mark.parametrize(
    "text",
    [
        CODE,
        CODE.lower(),
        SPACED,
        SPACED.replace(" ", "-"),
        f"Mã: {CODE} ạ.",
        f"toi co ma {CODE}",
        f"mã khảo sát của tôi là {CODE}",
        f"my code is {CODE}",
        f"https://hoidan.example/chat/{CODE}",
    ],
)
def test_a_code_and_the_word_for_it_are_a_code_alone(text: str) -> None:
    assert code_alone(text) == CODE


@pytest.mark.parametrize(
    "text",
    [f"Tôi gõ mã {CODE} không được", f"{CODE} là gì?", "Mã của tôi đâu?", "079123456789", "Bao giờ hết hạn?"],
)
def test_a_code_among_other_words_is_not_alone(text: str) -> None:
    assert code_alone(text) is None
