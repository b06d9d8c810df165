"""What a prompt looks like on a channel: texts within its limits, buttons that fit and lead back."""

from __future__ import annotations

import re
import string
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.buttons import (
    ADD,
    BACK,
    CHANGE,
    CHOOSE,
    CONFIRM,
    DONE,
    DONT_KNOW,
    GENERATIONS,
    KEEP,
    MEMBER,
    NO_MORE,
    PAGE,
    PREFER_NOT,
    REMOVE,
    ROSTER,
    SKIP,
    SUBMIT,
    TOGGLE,
    WORD,
    base36,
    data,
    fits,
    mark,
    mark_of,
    place_of,
    read_data,
    read_place,
)
from bot.lengths import cut, fit, shorten, units, within
from bot.messages import ABILITIES, Abilities, Button, Outgoing
from bot.phrases import topic
from bot.questionnaires import prepare
from bot.render import Look, render
from bot.rosters import pending_mark
from bot.texts import LANGUAGES, say
from surveys.forms import (
    ACKNOWLEDGED,
    ASKED,
    SELECTS,
    UPLOADS,
    Choice,
    Form,
    Group,
    Item,
    Kind,
    Missing,
    Question,
    Range,
    Repeat,
    Text,
)
from surveys.instruments import Instrument, Unit
from surveys.interview import (
    AddAnother,
    Ask,
    Confirming,
    Line,
    Member,
    Passage,
    Pending,
    Review,
    Roster,
    Shown,
    Submitted,
)
from surveys.problems import Problem
from surveys.replies import Offers

TELEGRAM, WEB, TERMINAL = ABILITIES["telegram"], ABILITIES["webchat"], ABILITIES["terminal"]
TELEGRAM_BUTTONS = 100
"""Telegram refuses a keyboard with more (core.telegram.org/bots/api, observed)."""
LONGEST_DATA = 64
"""Bytes of ``callback_data`` (core.telegram.org/bots/api#inlinekeyboardbutton)."""
NEWEST = 2**63 - 1
"""No interview has a larger number."""


def passages(*texts: str) -> tuple[Passage, ...]:
    return tuple(Passage("/data/note", None, text) for text in texts)


def ask(**given: Any) -> Ask:
    """A question with one answer among three, with what a test says otherwise."""
    plain = Ask(
        ref="/data/group/colour",
        kind=Kind.SELECT_ONE,
        label="Which colour?",
        hint="",
        guidance="",
        appearance="",
        choices=(Shown("r", "Red"), Shown("g", "Green"), Shown("b", "Blue")),
        ticked=(),
        number=2,
        total=5,
        before=(),
        value=None,
        value_label="",
        missing=None,
        required=True,
        offers=Offers(),
        may_go_back=False,
    )
    return replace(plain, **given)


def shown(prompt: Any, abilities: Abilities = TELEGRAM, language: str = "en", **more: Any) -> Outgoing:
    made = render(prompt, 7, language, abilities, **more)
    assert made is not None
    return made


def buttons(made: Outgoing) -> list[Button]:
    return [button for row in made.rows for button in row]


def carried(made: Outgoing) -> list[tuple[str, str, str]]:
    """Operation, question mark, choice mark of every button."""
    found = [read_data(button.data) for button in buttons(made)]
    assert all(each is not None and each[1] == 7 for each in found)
    return [(each[0], each[2], each[3]) for each in found if each is not None]


def widths(made: Outgoing) -> list[int]:
    return [len(row) for row in made.rows]


# ── what buttons carry ──────────────────────────────────────────────────────────────────────────────────────


@given(st.integers(0, NEWEST))
def test_numbers_are_written_in_base_36_and_read_back(number: int) -> None:
    assert int(base36(number), 36) == number


@given(
    st.sampled_from([CHOOSE, TOGGLE, DONE, SKIP, BACK, CHANGE, KEEP, SUBMIT]),
    st.integers(0, NEWEST),
    st.text(),
    st.text(),
)
def test_what_a_button_carries_is_short_and_read_back(
    operation: str, interview: int, question: str, choice: str
) -> None:
    written = data(operation, interview, mark(question), mark(choice))
    assert len(written.encode()) <= LONGEST_DATA
    assert read_data(written) == (operation, interview, mark(question), mark(choice))
    assert read_data(data(operation, interview)) == (operation, interview, "", "")


@given(
    st.one_of(
        st.text(max_size=80), st.from_regex(r"[a-z][0-9a-z _+-]{0,8}(\.[0-9a-z]*){0,3}", fullmatch=True)
    )
)
def test_anything_else_a_button_might_carry_is_read_without_a_fault(text: str) -> None:
    found = read_data(text)
    if found is not None:
        operation, interview, question, choice = found
        assert len(operation) == 1
        assert interview >= 0
        assert "." not in question + choice


@pytest.mark.parametrize(
    "text", ["", "c", "c-1", "c 7", "c+7", "c1_0", "c7.", "c7.a.b.c", "ç7", "c٣", "c7\n", "c" + "9" * 64]
)
def test_what_none_of_our_buttons_carries_is_not_read(text: str) -> None:
    assert read_data(text) is None


def test_questions_of_one_name_in_two_groups_have_marks_of_their_own() -> None:
    assert mark_of("/data/man/age") != mark_of("/data/woman/age")
    assert mark_of("/data/age") == mark_of("/other_root/age") == mark("age")


def form(*items: Item) -> Form:
    return Form("f", "1", "F", "data", ("vi",), "vi", items)


def question(ref: str, *names: str) -> Question:
    choices = tuple(Choice(name, Text({"vi": (name,)})) for name in names)
    kind = Kind.SELECT_ONE if names else Kind.TEXT
    return Question(ref, ref.rpartition("/")[2], kind, choices=choices)


INSTRUMENT = Instrument("i", "1", "", "f", Unit.PERSON)
COLLIDING = ("plumless", "buckeroo")
"""Two words with one CRC-32."""


def test_a_form_whose_questions_buttons_can_not_tell_apart_is_refused() -> None:
    assert mark(COLLIDING[0]) == mark(COLLIDING[1])
    with pytest.raises(Problem) as refused:
        prepare(1, form(*(question(f"/data/{name}") for name in COLLIDING)), INSTRUMENT)
    assert refused.value.code == "instrument_same_mark_question"
    assert refused.value.params == {"first": "/data/plumless", "second": "/data/buckeroo"}


def test_a_form_whose_choices_buttons_can_not_tell_apart_is_refused() -> None:
    with pytest.raises(Problem) as refused:
        prepare(1, form(question("/data/q", "a", *COLLIDING)), INSTRUMENT)
    assert refused.value.code == "instrument_same_mark_choice"
    assert refused.value.params == {"question": "q", "first": "plumless", "second": "buckeroo"}


def test_the_same_names_in_different_places_are_told_apart() -> None:
    twice = [
        Group(f"/data/{name}", name, (question(f"/data/{name}/age", "1", "2"),)) for name in ("man", "woman")
    ]
    made = prepare(1, form(*twice, question("/data/age", "1", "1")), INSTRUMENT)
    assert sorted(made.refs.values()) == ["/data/age", "/data/man/age", "/data/woman/age"]
    assert all(set(names.values()) == {"1", "2"} for ref, names in made.choices.items() if ref != "/data/age")


INSTANCES = st.lists(st.integers(1, 200), max_size=10)


@given(INSTANCES, st.integers(0, 10**6))
def test_a_button_inside_repeats_says_which_instances_and_after_how_many_removals(
    numbers: list[int], removals: int
) -> None:
    ref = "/data" + "".join(f"/r{at}[{number}]" for at, number in enumerate(numbers)) + "/age"
    read = read_place(place_of(ref, removals))
    assert read is not None
    assert (read.mark, list(read.numbers)) == (mark_of(ref), numbers)
    assert read.is_of(removals)
    assert read.is_of(removals + 1) is (not numbers)
    assert read.is_of(removals + GENERATIONS)


@given(INSTANCES, st.integers(0, NEWEST), st.integers(0, 10**9), st.text())
def test_buttons_ten_repeats_deep_are_no_longer_than_a_button_may_be(
    numbers: list[int], interview: int, removals: int, choice: str
) -> None:
    ref = "/data" + "".join(f"/r{at}[{number}]" for at, number in enumerate(numbers)) + "/age"
    assert fits(ref)
    assert len(data(CHOOSE, interview, place_of(ref, removals), mark(choice)).encode()) <= LONGEST_DATA


def test_deeper_than_buttons_can_say_everything_is_typed() -> None:
    deep = "/data" + "".join(f"/r{at}[200]" for at in range(12)) + "/colour"
    made = shown(ask(ref=deep))
    assert made.rows == ()
    assert "1. Red" in made.text


@pytest.mark.parametrize(
    "text", ["", "-", "1_2", "1-2", "_2-3", "1_2-", "1__2-3", "1_2-3-4", "1_A-2", "x" * 9]
)
def test_what_no_button_says_it_is_about_is_not_read(text: str) -> None:
    assert read_place(text) is None


def test_what_a_button_is_about_is_found_in_the_form() -> None:
    age, colour = question("/data/house/member/age"), question("/data/colour", "r")
    member = Repeat("/data/house/member", "member", (age,))
    made = prepare(1, form(Repeat("/data/house", "house", (member,)), colour), INSTRUMENT)
    for ref in (
        "/data/house[2]/member[3]/age",
        "/data/house[2]/member[3]",
        "/data/house[2]/member",
        "/data/house[2]",
        "/data/house",
        "/data/colour",
    ):
        place = read_place(place_of(ref, 4))
        assert place is not None
        assert made.ref(place) == ref
    for ref in ("/data/house[2]/age", "/data/colour[1]", "/data/nothing"):
        place = read_place(place_of(ref, 4))
        assert place is not None
        assert made.ref(place) is None


# ── a question ──────────────────────────────────────────────────────────────────────────────────────────────


def test_short_choices_are_buttons_below_each_other() -> None:
    made = shown(ask())
    assert made.text == "Question 2/5. Which colour?"
    assert [button.label for button in buttons(made)] == ["Red", "Green", "Blue"]
    assert widths(made) == [1, 1, 1]
    assert carried(made) == [(CHOOSE, mark_of("/data/group/colour"), mark(name)) for name in "rgb"]


def test_long_choices_are_numbered_in_the_text_and_on_buttons() -> None:
    long = "A choice with more letters than a button on a phone can show"
    made = shown(ask(choices=tuple(Shown(str(number), f"{long} {number}") for number in range(7))))
    assert [button.label for button in buttons(made)] == ["1", "2", "3", "4", "5", "6", "7"]
    assert widths(made) == [5, 2]
    assert made.text.endswith("\n".join(f"{number + 1}. {long} {number}" for number in range(7)))
    # The same choices fit on the buttons of a page.
    assert widths(shown(ask(choices=(Shown("1", long),)), WEB)) == [1]
    assert buttons(shown(ask(choices=(Shown("1", long),)), WEB))[0].label in ("1", long)


def test_choices_to_tick_show_what_is_ticked_and_end_with_done() -> None:
    made = shown(ask(kind=Kind.SELECT_MULTIPLE, ticked=("g",)), ticks=True)
    assert [button.label for button in buttons(made)] == [
        "☐ Red",
        "☑ Green",
        "☐ Blue",
        say("en", "button.done"),
    ]
    assert [button.ticked for button in buttons(made)] == [False, True, False, False]
    assert [operation for operation, _, _ in carried(made)] == [TOGGLE, TOGGLE, TOGGLE, DONE]
    assert made.ticks
    assert made.text.endswith(say("en", "ask.tick_all"))


def test_numbered_choices_to_tick_stand_four_in_a_row() -> None:
    choices = tuple(Shown(str(number), "x" * 61) for number in range(6))
    made = shown(ask(kind=Kind.SELECT_MULTIPLE, choices=choices, ticked=("1",)))
    assert widths(made) == [4, 2, 1]
    assert [button.label for button in made.rows[0]] == ["☐ 1", "☑ 2", "☐ 3", "☐ 4"]


WARDS = tuple(Shown(str(number), f"Ward {number}") for number in range(1, 169))


@pytest.mark.parametrize("kind", [Kind.SELECT_ONE, Kind.SELECT_MULTIPLE])
def test_a_long_list_comes_in_pages_and_says_that_it_can_be_searched(kind: Kind) -> None:
    asked = ask(kind=kind, choices=WARDS, ticked=("2", "100") if kind is Kind.SELECT_MULTIPLE else ())
    first = shown(asked)
    labels = [button.label for button in buttons(first)]
    assert [label for label in labels if "Ward" in label][-1].endswith("Ward 10")
    assert labels[10:12] == ["1/17", "▶"]
    assert say("en", "ask.part", count=168) in first.text
    # What is ticked on other pages is counted; without buttons it is named.
    assert ("✔ Done (2)" in labels) is (kind is Kind.SELECT_MULTIPLE)
    assert ("Ward 2, Ward 100" in shown(asked, TERMINAL).text) is (kind is Kind.SELECT_MULTIPLE)
    last = shown(asked, look=Look(page=16))
    assert [button.label.lstrip("☐ ") for button in buttons(last)][:10] == [
        *(f"Ward {number}" for number in range(161, 169)),
        "◀",
        "17/17",
    ]
    assert shown(asked, look=Look(page=99)) == last


def test_the_buttons_of_a_page_lead_to_the_pages_beside_it() -> None:
    made = shown(ask(choices=WARDS), look=Look(page=3))
    turns = [(operation, choice) for operation, _, choice in carried(made) if operation == PAGE]
    assert turns == [(PAGE, "2"), (PAGE, "3"), (PAGE, "4")]


def test_without_buttons_a_page_is_numbered_as_in_the_whole_list_and_turned_by_words() -> None:
    made = shown(ask(choices=WARDS), TERMINAL, look=Look(page=2))
    assert "21. Ward 21\n" in made.text
    assert "30. Ward 30\n" in made.text
    assert "31. Ward 31" not in made.text
    assert made.text.endswith(f"({say('en', 'ask.type_list', page=3, pages=17)})")


def test_the_choices_a_reply_could_have_meant_are_what_a_long_list_offers() -> None:
    made = shown(ask(choices=WARDS), look=Look(among=(WARDS[11], WARDS[111])))
    labels = [button.label for button in buttons(made)]
    assert labels == ["Ward 12", "Ward 112", say("en", "button.whole_list")]
    # Of a short list everything is there anyway.
    assert len(buttons(shown(ask(), look=Look(among=(Shown("r", "Red"),))))) == 3


def test_a_list_of_ten_thousand_long_choices_is_no_more_than_a_message() -> None:
    choices = tuple(
        Shown(str(number), f"Choice {number} " + "với nhiều chữ " * 60) for number in range(10_000)
    )
    for abilities in ABILITIES.values():
        made = shown(ask(choices=choices), replace(abilities, text_limit=2_000), look=Look(page=700))
        assert units(made.text) <= 2_000
        assert "7001. Choice 7000" in made.text
        assert "7010. Choice 7009" in made.text


def test_what_may_be_done_instead_and_the_way_back_follow_the_choices() -> None:
    made = shown(ask(offers=Offers(dont_know=True, prefer_not=True, skip=True), may_go_back=True))
    assert [operation for operation, _, _ in carried(made)] == [
        *[CHOOSE] * 3,
        DONT_KNOW,
        PREFER_NOT,
        BACK,
        SKIP,
    ]
    assert widths(made) == [1, 1, 1, 2, 2]


def test_an_answered_question_shows_its_answer_and_offers_to_keep_it() -> None:
    made = shown(ask(value="g", value_label="Green", offers=Offers(skip=True)))
    assert made.text.endswith(say("en", "ask.was", value="Green"))
    assert [operation for operation, _, _ in carried(made)][3:] == [KEEP]
    for why in Missing:
        made = shown(ask(missing=why))
        assert made.text.endswith(say("en", f"ask.was_{why.value}"))
        assert [operation for operation, _, _ in carried(made)][3:] == [KEEP]


def test_several_choices_need_no_skip_since_done_says_it() -> None:
    made = shown(ask(kind=Kind.SELECT_MULTIPLE, offers=Offers(skip=True)))
    assert SKIP not in [operation for operation, _, _ in carried(made)]


def test_notices_headings_and_notes_stand_before_the_question() -> None:
    made = shown(ask(before=passages("Part 2", "A note."), hint="Just one."), notices=["Not understood."])
    assert made.text == "Not understood.\n\nPart 2\n\nA note.\n\nQuestion 2/5. Which colour?\nJust one."


def test_headings_are_not_repeated_when_the_question_was_just_asked() -> None:
    made = shown(ask(before=passages("Part 2")), notices=["Not understood."], again=True)
    assert made.text == "Not understood.\n\nQuestion 2/5. Which colour?"
    review = Review((), passages("Thank you."), 0)
    assert "Thank you." in shown(review).text
    assert "Thank you." not in shown(review, again=True).text


@pytest.mark.parametrize(
    ("kind", "keyboard"), [(Kind.INTEGER, "numeric"), (Kind.DECIMAL, "decimal"), (Kind.TEXT, "")]
)
def test_a_number_is_asked_with_the_keys_for_it(kind: Kind, keyboard: str) -> None:
    assert shown(ask(kind=kind, choices=())).keyboard == keyboard


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", sorted(ASKED))
def test_without_buttons_the_text_says_how_to_answer(kind: Kind, language: str) -> None:
    choices = ask().choices if kind in (Kind.SELECT_ONE, Kind.SELECT_MULTIPLE) else ()
    offers = Offers(dont_know=True, prefer_not=True, skip=True)
    made = shown(ask(kind=kind, choices=choices, offers=offers), TERMINAL, language)
    assert made.rows == ()
    assert not re.search(r"\bask\.[a-z_]+", made.text)
    for key in ("ask.type_dont_know", "ask.type_prefer_not", "ask.type_skip"):
        assert say(language, key) in made.text
        assert say(language, key) not in shown(ask(kind=kind, choices=choices), TERMINAL, language).text
    for number, choice in enumerate(choices, 1):
        assert f"{number}. {choice.label}" in made.text.split("\n")


def test_without_buttons_ticks_stand_in_the_list() -> None:
    made = shown(ask(kind=Kind.SELECT_MULTIPLE, ticked=("g",)), TERMINAL)
    assert "2. ✓ Green" in made.text.split("\n")


def test_after_handing_in_there_is_nothing_to_show_but_notices() -> None:
    assert render(Submitted(), 7, "vi", TELEGRAM) is None
    assert render(Submitted(), 7, "vi", TELEGRAM, ["Đã gửi."]) == Outgoing("Đã gửi.")


# ── the review ──────────────────────────────────────────────────────────────────────────────────────────────


def lines(count: int, label: str = "Which colour?", value: str = "Green") -> tuple[Line, ...]:
    return tuple(Line(number, f"/data/q{number}", label, value, None) for number in range(1, count + 1))


def test_the_review_shows_every_answer_and_a_button_to_change_each() -> None:
    given = (
        Line(1, "/data/g/a", "A?", "yes", None),
        Line(3, "/data/b", "And:", "", Missing.DONT_KNOW),
    )
    made = shown(Review(given, passages("Thank you."), 0), language="vi")
    assert made.text == "\n\n".join(
        ["Thank you.", say("vi", "review.title"), "1. A: yes\n3. And: (không biết)", say("vi", "review.ask")]
    )
    assert carried(made) == [
        (SUBMIT, "", ""),
        (CHANGE, mark_of("/data/g/a"), ""),
        (CHANGE, mark_of("/data/b"), ""),
    ]
    assert [button.label for button in buttons(made)[1:]] == ["✎ 1", "✎ 3"]


@pytest.mark.parametrize("language", LANGUAGES)
def test_an_early_review_leads_on_to_what_is_open(language: str) -> None:
    made = shown(Review(lines(2), (), 3), language=language)
    assert carried(made)[0] == (KEEP, "", "")
    assert made.text.endswith(say(language, "review.ask_open", open=3))
    typed = shown(Review(lines(2), (), 3), TERMINAL, language)
    assert typed.text.endswith(say(language, "review.ask_open_typed", open=3))


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_review_without_answers_has_no_empty_list(language: str) -> None:
    assert shown(Review((), (), 4), language=language).text == say(language, "review.none")
    assert (
        shown(Review((), passages("Bye."), 0), language=language).text
        == f"Bye.\n\n{say(language, 'review.ask')}"
    )


@pytest.mark.parametrize("abilities", ABILITIES.values(), ids=list(ABILITIES))
@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("value", ["Có", "Một câu trả lời rất dài. " * 150, "😀" * 2000])
def test_every_page_of_a_long_review_shows_every_line_of_it_and_what_to_do(
    value: str, language: str, abilities: Abilities
) -> None:
    long = "Trong mười hai tháng qua, ông/bà có tham gia lớp tập huấn nào không, kể cả qua mạng?"
    seen = []
    for page in range(3):
        made = shown(Review(lines(60, long, value), (), 0), abilities, language, look=Look(page=page))
        assert units(made.text) <= abilities.text_limit
        assert len(buttons(made)) <= TELEGRAM_BUTTONS
        shown_lines = [text for text in made.text.split("\n") if re.match(r"\d+\. ", text)]
        seen += [text.split(".")[0] for text in shown_lines]
        assert all(": " in text and not text.endswith(": ") for text in shown_lines)
        asked = "review.ask" if abilities.buttons else "review.ask_typed"
        assert say(language, asked, open=0) in made.text
    assert seen == [str(number) for number in range(1, 61)]


def test_a_short_review_shows_answers_in_full() -> None:
    text = "Sửa con đường cạnh chợ, mưa là ngập. " * 5
    assert text.strip() in shown(Review(lines(3, value=text), (), 0)).text


def test_a_review_of_hundreds_of_questions_still_says_what_to_do() -> None:
    made = shown(Review(lines(900), (), 0), look=Look(page=35))
    assert units(made.text) <= TELEGRAM.text_limit
    assert made.text.endswith(f"{say('en', 'review.ask')}\n{say('en', 'review.find')}")
    assert [button.label for button in buttons(made)][:3] == [say("en", "button.submit"), "◀", "36/36"]
    assert "900. " in made.text


# ── other kinds of question ─────────────────────────────────────────────────────────────────────────────────


def test_a_rank_is_tapped_in_order_and_shows_the_order_so_far() -> None:
    made = shown(ask(kind=Kind.RANK, ticked=("b", "r")), ticks=True)
    assert [button.label for button in buttons(made)] == ["❲2❳ Red", "☐ Green", "❲1❳ Blue", "✔ Done"]
    assert [operation for operation, _, _ in carried(made)] == [TOGGLE, TOGGLE, TOGGLE, DONE]
    typed = shown(ask(kind=Kind.RANK, ticked=("b", "r")), TERMINAL)
    assert "1. (2) Red\n2. Green\n3. (1) Blue" in typed.text
    assert say("en", "ask.so_far", choices="1. Blue, 2. Red") in typed.text
    assert say("en", "ask.type_rank") in typed.text


def scale(start: str, end: str, step: str) -> Ask:
    return ask(kind=Kind.RANGE, choices=(), range=Range(Decimal(start), Decimal(end), Decimal(step)))


def test_a_range_of_few_steps_is_tapped_and_one_of_many_says_its_limits() -> None:
    made = shown(scale("0", "10", "1"))
    assert [button.label for button in buttons(made)] == [str(number) for number in range(11)]
    assert carried(made)[10] == (CHOOSE, mark_of("/data/group/colour"), mark("10"))
    assert [button.label for button in buttons(shown(scale("0", "1", "0.5"), language="vi"))] == [
        "0",
        "0,5",
        "1",
    ]
    many = shown(scale("0", "1.5", "0.1"), language="vi")
    assert many.rows == ()
    assert many.text.endswith(say("vi", "ask.type_range", start="0", end="1,5"))
    assert many.keyboard == "decimal"


def test_something_to_acknowledge_has_one_button() -> None:
    made = shown(ask(kind=Kind.ACKNOWLEDGE, choices=()))
    assert [button.label for button in buttons(made)] == [say("en", "button.acknowledge")]
    assert carried(made)[0][2] == mark(ACKNOWLEDGED)


def test_a_place_is_asked_for_where_a_channel_can_and_can_be_typed_anywhere() -> None:
    for abilities in ABILITIES.values():
        made = shown(ask(kind=Kind.GEOPOINT, choices=()), abilities)
        assert made.ask_location
        assert made.question == mark_of("/data/group/colour")
        assert say("en", "ask.type_geopoint") in made.text


@pytest.mark.parametrize("kind", sorted(UPLOADS))
def test_a_file_is_sent_here_or_by_a_page_of_ours_or_left_out(kind: Kind) -> None:
    asked = ask(kind=kind, choices=(), offers=Offers(skip=True))
    here = shown(asked, WEB)
    assert (here.ask_file, here.question) == (kind.value, mark_of("/data/group/colour"))
    assert say("en", f"ask.send_{kind.value}") in here.text
    by_page = shown(asked, TELEGRAM)
    assert say("en", f"media.ask_page.{kind.value}") in by_page.text
    assert [operation for operation, _, _ in carried(by_page)] == [WORD, SKIP]
    assert say("en", f"ask.send_{kind.value}") in shown(asked, TELEGRAM, look=Look(files="here")).text
    assert say("en", "ask.no_file") in shown(asked, TERMINAL).text
    assert say("en", "ask.no_file_needed") in shown(replace(asked, offers=Offers()), TERMINAL).text


def test_what_stands_with_a_label_goes_out_with_it() -> None:
    made = shown(ask(media=(("image", "map.png"),)))
    assert (made.media, made.interview) == ((("image", "map.png"),), 7)


@pytest.mark.parametrize(
    ("kind", "appearance", "key"),
    [
        (Kind.DATE, "", "ask.type_date"),
        (Kind.DATE, "month-year", "ask.type_month_year"),
        (Kind.DATE, "no-calendar year", "ask.type_year"),
        (Kind.TIME, "", "ask.type_time"),
        (Kind.DATETIME, "", "ask.type_datetime"),
        (Kind.BARCODE, "", "ask.type_barcode"),
        (Kind.TEXT, "year", "ask.type_year"),
        (Kind.TEXT, "phone", "ask.type_phone"),
    ],
)
def test_what_is_typed_is_explained_with_an_example(kind: Kind, appearance: str, key: str) -> None:
    asked = ask(kind=kind, appearance=appearance, choices=())
    assert say("vi", key) in shown(asked, TERMINAL, "vi").text
    assert (say("vi", key) in shown(asked, TELEGRAM, "vi").text) is (kind is not Kind.TEXT)


# ── not understood again and again ──────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("abilities", [TELEGRAM, TERMINAL], ids=["telegram", "terminal"])
def test_after_two_misunderstandings_an_example_follows_and_after_three_a_human(abilities: Abilities) -> None:
    once, twice, thrice = (shown(ask(), abilities, look=Look(misread=times)) for times in (1, 2, 3))
    assert (say("en", "ask.type_one") in once.text) is (not abilities.buttons)
    assert say("en", "ask.type_one") in twice.text
    assert say("en", "ask.human") not in twice.text
    assert say("en", "ask.human") in thrice.text
    if abilities.buttons:
        assert read_data(buttons(thrice)[-1].data) == (WORD, 0, "human", "")


# ── members of repeats ──────────────────────────────────────────────────────────────────────────────────────


def members(*names: str, label: str = "Thành viên", open: int = 0) -> tuple[Member, ...]:
    return tuple(
        Member(f"/data/member[{number}]", number, len(names), label, name, open)
        for number, name in enumerate(names, 1)
    )


def test_a_question_inside_a_repeat_says_whose_it_is() -> None:
    lan, minh, hoa = members("Lan", "", "Hoa")

    def above(*some: Member) -> str:
        return shown(ask(members=some), TERMINAL, "vi").text.split("\n")[0]

    assert above(lan) == "Thành viên 1/3 · Lan"
    assert above(minh) == "Thành viên 2/3"
    # The last there is so far need not be the last.
    assert above(hoa) == "Thành viên 3 · Hoa"
    assert above(replace(lan, name="Thành viên Lan")) == "1/3 · Thành viên Lan"
    assert above(replace(lan, label="", name="")) == f"{say('vi', 'member.item')} 1/3"
    assert above(lan, replace(hoa, label="Con")) == "Thành viên 1/3 · Lan › Con 3 · Hoa"


def test_the_heading_of_an_instance_is_not_said_twice() -> None:
    (lan,) = members("Lan")
    before = (Passage(lan.ref, None, "Thành viên 1"), Passage("/data/member[1]/n", Kind.NOTE, "A note."))
    assert shown(ask(members=(lan,), before=before)).text.startswith("A note.\n\nThành viên 1")


def test_another_one_is_asked_for_with_those_there_are() -> None:
    prompt = AddAnother("/data/member", "Thành viên", members("Lan", "Minh"))
    made = shown(prompt, language="vi")
    assert made.text == "Thành viên: đã ghi 2\n1. Lan\n2. Minh\n\nCòn nữa không?"
    about = mark_of("/data/member")
    assert carried(made) == [(ADD, about, "2"), (NO_MORE, about, ""), (BACK, "", ""), (ROSTER, about, "")]
    assert say("vi", "ask.type_another") in shown(prompt, TERMINAL, "vi").text
    none = shown(replace(prompt, members=(), may_go_back=False), language="vi")
    assert none.text.startswith(say("vi", "roster.empty", label="Thành viên"))
    assert [operation for operation, _, _ in carried(none)] == [ADD, NO_MORE]


def roster(count: int, **more: Any) -> Roster:
    return Roster(
        "/data/member", "Thành viên", members(*(f"Người {n}" for n in range(1, count + 1))), True, **more
    )


def test_a_roster_has_a_button_to_correct_and_one_to_take_out_for_each() -> None:
    made = shown(roster(2), language="vi", look=Look(removals=5))
    assert [button.label for button in buttons(made)] == [
        "✎ 1. Người 1", "✖ Bỏ 1", "✎ 2. Người 2", "✖ Bỏ 2", "➕ Thêm", say("vi", "button.continue"),
    ]  # fmt: skip
    second = place_of("/data/member[2]", 5)
    assert carried(made)[2:4] == [(MEMBER, second, ""), (REMOVE, second, "")]
    fixed = shown(replace(roster(2, governed_by="Nhà có mấy người?"), may_change=False), language="vi")
    assert [operation for operation, _, _ in carried(fixed)] == [MEMBER, MEMBER, KEEP]
    assert say("vi", "roster.governed", question="Nhà có mấy người") in fixed.text


def test_a_roster_of_two_hundred_comes_in_pages() -> None:
    made = shown(roster(200), look=Look(page=1))
    assert [operation for operation, _, _ in carried(made)] == [MEMBER, REMOVE] * 8 + [PAGE] * 3 + [ADD, KEEP]
    assert "9. Người 9\n" in made.text
    assert "17. Người 17" not in made.text


def test_what_is_not_finished_says_so_in_the_roster() -> None:
    prompt = Roster("/data/member", "Thành viên", members("Lan", open=3), True)
    assert f"1. {say('vi', 'roster.unfinished', name='Lan', open=3)}" in shown(prompt, language="vi").text


@pytest.mark.parametrize("what", ["remove", "add", "count"])
def test_a_yes_is_asked_for_with_what_it_changes(what: str) -> None:
    pending = Pending(what, "/data/member[2]")
    prompt = Confirming(what, pending.ref, "Thành viên", members("Lan", "Minh"), "Nhà có mấy người?", "4")
    made = shown(prompt, language="vi", look=Look(pending=pending))
    assert say("vi", "confirm.changes", question="Nhà có mấy người", value="4") in made.text
    assert ("Lan, Minh" in made.text) is (what != "add")
    assert carried(made) == [(CONFIRM, pending_mark(pending), "1"), (CONFIRM, pending_mark(pending), "0")]
    assert say("vi", "ask.type_confirm") in shown(prompt, TERMINAL, "vi").text


def test_the_review_has_a_heading_for_each_member_and_names_everybody() -> None:
    lan, minh = members("Lan", "Minh")
    found = (
        Line(1, "/data/a", "A", "x", None),
        Line(2, "/data/member[1]/age", "Age", "30", None, (lan,)),
        Line(3, "/data/member[2]/age", "Age", "3", None, (minh,)),
        Line(4, "/data/b", "B", "y", None),
    )
    made = shown(
        Review(found, (), 0, (Roster("/data/member", "Thành viên", (lan, minh), True),)), language="vi"
    )
    assert "1. A: x\n— Lan\n2. Age: 30\n— Minh\n3. Age: 3\n—\n4. B: y" in made.text
    assert "Thành viên (2): Lan, Minh" in made.text
    assert (ROSTER, mark_of("/data/member"), "") in carried(made)
    assert (CHANGE, place_of("/data/member[2]/age"), "") in carried(made)


# ── limits ──────────────────────────────────────────────────────────────────────────────────────────────────

WORDS = st.text(alphabet=string.ascii_letters + " ộẫ😀\n", max_size=40)
LONG_WORDS = st.builds(lambda words, times: words * times, WORDS, st.sampled_from([1, 1, 30, 400]))
CHANNELS = st.builds(
    lambda channel, limit, label: replace(channel, text_limit=limit, button_limit=label),
    st.sampled_from([*ABILITIES.values()]),
    st.integers(200, 5000),
    st.integers(0, 60),
)
CHOICES = st.lists(LONG_WORDS, max_size=8).flatmap(
    lambda labels: st.sampled_from([1, 30]).map(
        lambda times: tuple(Shown(f"c{at}", label or "?") for at, label in enumerate(labels * times))
    )
)


@st.composite
def asks(draw: st.DrawFn) -> Ask:
    kind = draw(st.sampled_from(sorted(ASKED)))
    choices = draw(CHOICES) if kind in SELECTS else ()
    return ask(
        kind=kind,
        label=draw(LONG_WORDS),
        hint=draw(LONG_WORDS),
        choices=choices,
        ticked=tuple(each.name for each in choices[::2])
        if kind in SELECTS and kind is not Kind.SELECT_ONE
        else (),
        before=passages(*draw(st.lists(LONG_WORDS, max_size=3))),
        value=draw(st.sampled_from([None, "c0"])),
        value_label=draw(LONG_WORDS),
        missing=draw(st.sampled_from([None, *Missing])),
        offers=draw(st.builds(Offers, st.booleans(), st.booleans(), st.booleans())),
        may_go_back=draw(st.booleans()),
    )


@given(asks(), CHANNELS, st.sampled_from(LANGUAGES), st.lists(LONG_WORDS, max_size=2))
def test_no_question_is_too_much_for_a_channel(
    asked: Ask, abilities: Abilities, language: str, notices: list[str]
) -> None:
    made = shown(asked, abilities, language, notices=notices)
    assert units(made.text) <= abilities.text_limit
    assert len(buttons(made)) <= abilities.buttons_per_message + 10
    assert abilities.buttons or not made.rows
    for button in buttons(made):
        assert button.label.strip()
        assert 1 <= len(button.data.encode()) <= LONGEST_DATA
    assert len({button.data for button in buttons(made)}) == len(buttons(made))


@given(
    st.lists(st.tuples(LONG_WORDS, LONG_WORDS, st.sampled_from([None, *Missing])), max_size=120),
    CHANNELS,
    st.sampled_from(LANGUAGES),
    st.integers(0, 3),
)
def test_no_review_is_too_much_for_a_channel(
    found: list[tuple[str, str, Missing | None]], abilities: Abilities, language: str, waiting: int
) -> None:
    given_lines = tuple(
        Line(at, f"/data/q{at}", label, value, missing) for at, (label, value, missing) in enumerate(found, 1)
    )
    made = shown(Review(given_lines, (), waiting), abilities, language)
    assert units(made.text) <= abilities.text_limit
    assert len(buttons(made)) <= TELEGRAM_BUTTONS
    assert all(button.label.strip() for button in buttons(made))


@given(st.text(), st.integers(0, 50))
def test_cutting_keeps_the_beginning_and_says_that_something_is_missing(text: str, limit: int) -> None:
    short = cut(text, limit)
    assert units(short) <= limit
    if units(text) <= limit:
        assert short == text
    elif limit:
        assert short.endswith("…")
        assert text.startswith(short[:-1])
        # Not a character less than necessary.
        assert units(text[: len(short)]) + 1 > limit


@given(st.text(max_size=30), st.text(max_size=60), st.text(max_size=30), st.integers(70, 200))
def test_of_three_texts_the_middle_one_gives_way(head: str, middle: str, tail: str, limit: int) -> None:
    abilities = replace(TERMINAL, text_limit=limit)
    text = within(head, middle, tail, abilities)
    assert units(text) <= limit
    if units(head) + units(tail) + 3 <= limit:
        assert text.startswith(head)
        assert text.endswith(tail)


def test_a_text_of_emoji_is_counted_as_channels_count_it() -> None:
    made = fit("😀" * 3000, TELEGRAM)
    assert units(made) <= TELEGRAM.text_limit
    assert made == "😀" * 2047 + "…"


@given(st.text(max_size=60), st.integers(1, 40))
def test_a_shortened_text_is_one_line_of_so_many_characters(text: str, room: int) -> None:
    line = shorten(text, room)
    assert len(line) <= room
    assert "\n" not in line


def test_a_heading_of_an_answer_has_no_question_mark() -> None:
    assert topic("Ông/bà bao nhiêu\n tuổi?") == "Ông/bà bao nhiêu tuổi"
    assert topic("Tuổi:") == "Tuổi"
