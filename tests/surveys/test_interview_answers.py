"""What may be an answer to each kind of question, what defaults do, and what a person types."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from surveys.expressions import parse
from surveys.forms import Media, Setting, Text
from surveys.interview import (
    Add,
    Answer,
    Back,
    Change,
    Done,
    Event,
    Keep,
    Leave,
    Review,
    Submit,
    Typed,
    prompt,
)
from surveys.replies import Offers
from tests.forms.build import choices, row
from tests.surveys.talk import (
    ABC,
    DK,
    EN,
    NOW,
    PN,
    SKIPPED,
    VI,
    YES_NO,
    Talk,
    altered,
    refused,
    three,
)

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


def test_a_default_that_the_filter_does_not_let_through_is_dropped_when_it_is_reached() -> None:
    talk = Talk([
        row("select_one yn", "big", "Big?"),
        row("select_one size", "size", "Size?", choice_filter="big = ${big}", default="m"),
    ], [*YES_NO, *choices("size", "s", "m", big="no"), *choices("size", "xl", big="yes")])  # fmt: skip
    talk.say(big="yes")
    assert (talk.ask.value, talk.do(Keep()).changes) == (None, ())
    talk.say(big="no")
    assert talk.ask.value is None


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


# ── every kind ──────────────────────────────────────────────────────────────────────────────────────────────


def asking(type: str, **columns: str) -> Talk:
    return Talk([row(type, "q", "Q?", **columns)], ABC)


@pytest.mark.parametrize(
    ("type", "given", "stored", "read"),
    [
        ("time", "07:30", "07:30", "07:30"),
        ("time", "23:59:59.999+07:00", "23:59:59.999+07:00", "23:59"),
        ("time", "00:00Z", "00:00Z", "00:00"),
        ("dateTime", "2026-03-05T07:30", "2026-03-05T07:30", "07:30 05/03/2026"),
        ("dateTime", "2026-03-05T07:30:00.000+07:00", "2026-03-05T07:30:00.000+07:00", "07:30 05/03/2026"),
        ("geopoint", "10.776 106.7", "10.776 106.7 0 0", "10.776, 106.7"),
        ("geopoint", "-90 180 12.50 4.0", "-90 180 12.5 4", "-90, 180"),
        ("acknowledge", "OK", "OK", "OK"),
        ("barcode", " 893 456 ", "893 456", "893 456"),
        ("image", "photo 1.jpg", "photo 1.jpg", "photo 1.jpg"),
        ("file", "bảng.pdf", "bảng.pdf", "bảng.pdf"),
        ("rank abc", "c a b", "c a b", "C, A, B"),
        ("rank abc", " c  a b ", "c a b", "C, A, B"),
    ],
)
def test_other_kinds_are_stored_as_odk_writes_them_and_read_as_people_do(
    type: str, given: str, stored: str, read: str
) -> None:
    talk = asking(type)
    assert [change.value for change in talk.say(q=given).changes] == [stored]
    assert [line.value_label for line in talk.review.lines] == [read]


@pytest.mark.parametrize(
    ("type", "given", "why"),
    [
        ("time", "7:30", "reply.not_a_time"),
        ("time", "24:01", "reply.not_a_time"),
        ("time", "2026-03-05T07:30", "reply.not_a_time"),
        ("dateTime", "2026-03-05", "reply.not_a_datetime"),
        ("dateTime", "2026-02-30T07:30", "reply.not_a_datetime"),
        ("dateTime", "2026-03-05 07:30", "reply.not_a_datetime"),
        ("geopoint", "90.1 106", "reply.not_a_location"),
        ("geopoint", "10 180.5", "reply.not_a_location"),
        ("geopoint", "10", "reply.not_a_location"),
        ("geopoint", "10 106 0 0 0", "reply.not_a_location"),
        ("geopoint", "10 106 0 -1", "reply.not_a_location"),
        ("geopoint", "mười 106", "reply.not_a_location"),
        ("acknowledge", "yes", "reply.not_a_choice"),
        ("barcode", "9" * 4001, "reply.too_long"),
        ("rank abc", "a b", "reply.not_a_rank"),
        ("rank abc", "a b b", "reply.not_a_rank"),
        ("rank abc", "a b c a", "reply.not_a_rank"),
        ("rank abc", "a b d", "reply.not_a_rank"),
    ],
)
def test_what_is_no_value_of_another_kind_is_refused(type: str, given: str, why: str) -> None:
    talk = asking(type)
    assert refused(talk.say(q=given)) == why
    assert talk.asks == "q"


@pytest.mark.parametrize(
    ("bounds", "taken", "out"),
    [
        ("start=1 end=10", ["1", "10", "+5"], ["0", "11", "2.5", "x"]),
        ("start=0 end=1 step=0.1", ["0", "0.3", ".7", "1.0"], ["0.35", "-0.1", "1.1"]),
        ("start=10 end=1 step=3", ["10", "7", "1"], ["9", "13"]),
        ("start=-5 end=5 step=5", ["-5", "0", "5"], ["1"]),
    ],
)
def test_a_range_takes_what_is_on_a_step_between_its_ends(
    bounds: str, taken: list[str], out: list[str]
) -> None:
    talk = asking("range", parameters=bounds)
    assert talk.ask.range is not None
    for value in out:
        done = talk.say(q=value)
        assert refused(done) == ("reply.not_in_range" if value != "x" else "reply.not_a_number")
    for value in taken:
        assert talk.say(q=value).refusal is None
    done = talk.say(q="99")
    limits = talk.about.leaves["/data/q"].question.range
    assert limits is not None and done.refusal is not None
    assert done.refusal.params == {"start": limits.start, "end": limits.end, "step": limits.step}


def test_a_file_can_be_sent_but_not_typed() -> None:
    talk = Talk([row("image", "photo", "A photo?"), row("text", "b", "B?")])
    done = talk.typed("đây là ảnh của tôi")
    assert refused(done) == "reply.image_expected"
    assert talk.typed("bỏ qua").refusal is None
    assert talk.asks == "b"
    talk.say(photo="abc.jpg")
    assert talk.values == {"photo": "abc.jpg"}


def test_a_month_or_a_year_is_read_as_such() -> None:
    talk = Talk([
        row("date", "month", "Month?", appearance="month-year"),
        row("date", "year", "Year?", appearance="year"),
    ])  # fmt: skip
    talk.say(month="1985-03-01", year="1985-01-01")
    assert [line.value_label for line in talk.review.lines] == ["03/1985", "1985"]


def test_files_shown_with_a_label_are_handed_on() -> None:
    talk = three()
    shown = (
        Media("image", {VI: "bản_đồ.png", EN: "map.png"}),
        Media("audio", {VI: "map.mp3"}),
        Media("video", {}),
    )
    talk.put(altered(talk.about, a={"media": shown}))
    assert talk.ask.media == (("image", "bản_đồ.png"), ("audio", "map.mp3"))


def test_a_note_may_be_but_a_picture_or_have_nothing_to_say() -> None:
    talk = Talk([row("note", "n", "N"), row("note", "m", "M"), row("text", "a", "A?")])
    picture = Media("image", {VI: "map.png"})
    talk.put(altered(talk.about, n={"label": Text(), "media": (picture,)}, m={"label": Text()}))
    assert [(each.ref, each.text, each.media) for each in talk.ask.before] == [
        ("/data/n", "", (("image", "map.png"),)),
        ("/data/m", "", ()),
    ]


def test_pictures_of_notes_are_shown_with_the_question_after_them_before_its_own() -> None:
    talk = Talk([row("note", "n", "N"), row("text", "a", "A?")])
    map, chart = (Media("image", {VI: name}) for name in ("map.png", "chart.png"))
    talk.put(altered(talk.about, n={"media": (map,)}, a={"media": (chart,)}))
    assert talk.ask.media == (("image", "map.png"), ("image", "chart.png"))


# ── read only, sometimes ────────────────────────────────────────────────────────────────────────────────────


def test_a_question_may_be_read_only_at_times_and_keeps_its_answer() -> None:
    talk = Talk([
        row("text", "name", "Name?", read_only="${done} = 'yes'"),
        row("select_one yn", "done", "Done?"),
        row("text", "end", "End?"),
    ], YES_NO)  # fmt: skip
    assert talk.counted == "1/3"
    talk.say(name="An", done="yes")
    assert (talk.counted, refused(talk.say(name="Bình"))) == ("2/2", "reply.no_longer_asked")
    talk.do(Back())
    assert (talk.asks, talk.before) == ("done", ("Name?: An",))
    assert talk.values == {"name": "An", "done": "yes"}
    talk.say(done="no", name="Bình")
    assert talk.values == {"name": "Bình", "done": "no"}


# ── defaults that are worked out, and values that are set ───────────────────────────────────────────────────


def test_a_default_is_the_value_of_its_question_from_the_beginning() -> None:
    talk = Talk([
        row("integer", "n", "N?", default="7"),
        row("text", "more", "More than ${n}?", relevant="${n} > 5"),
    ])  # fmt: skip
    assert talk.counted == "1/2"
    talk.leave("n")
    assert (talk.asks, talk.counted if talk.asks else "") == ("", "")


def test_a_default_may_be_worked_out_once_when_the_interview_begins() -> None:
    talk = Talk([
        row("integer", "age", "Age?", default="${year} - 1986"),
        row("hidden", "year"),
        row("date", "day", "Day?", default="today()"),
        row("text", "b", "B ${age}?"),
    ], hidden={"year": "2026"})  # fmt: skip
    assert (talk.ask.value, talk.state.computed) == ("40", {"/data/age": "40", "/data/day": "2026-06-01"})
    assert [change.value for change in talk.do(Keep()).changes] == ["40"]
    talk.context = replace(talk.context, now=NOW + timedelta(days=3))
    assert (talk.ask.value, talk.ask.value_label) == ("2026-06-01", "01/06/2026")


def test_a_default_in_a_member_is_worked_out_when_the_member_is_made() -> None:
    talk = Talk([
        row("text", "name", "Family name?"),
        row("begin repeat", "m", "M"),
        row("text", "full", "Name?", default="concat(${name}, ' ', position(..))"),
        row("end repeat"),
    ])  # fmt: skip
    talk.say(name="Lê", **{"m[1]/full": "An"})
    talk.add()
    assert (talk.asks, talk.ask.value) == ("m[2]/full", "Lê 2")
    talk.say(name="Trần")
    assert talk.ask.value == "Lê 2"
    talk.add("m")
    talk.do(Keep())
    assert talk.ask.value == "Trần 3"


def test_a_default_stands_while_its_question_is_not_asked() -> None:
    talk = Talk([
        row("select_one yn", "ask", "Ask?"),
        row("integer", "n", "N?", default="7", relevant="${ask} = 'yes'"),
        row("calculate", "c", calculation="coalesce(${n}, 0)"),
    ], YES_NO)  # fmt: skip
    talk.say(ask="no")
    assert talk.values == {"ask": "no", "c": "0"}
    talk.say(ask="yes")
    assert (talk.ask.value, talk.values["c"]) == ("7", "7")


def test_a_value_is_set_when_the_answer_it_hangs_on_changes_and_only_then() -> None:
    talk = Talk([
        row("integer", "a", "A?"),
        row("calculate", "twice", calculation="${a} * 2"),
        row("integer", "b", "B?", calculation="${twice} + 1", trigger="${a}"),
        row("text", "c", "C?", calculation="concat('b=', ${b})", trigger="${b}"),
    ])  # fmt: skip
    talk.say(a="5")
    assert (talk.asks, talk.ask.value) == ("b", "11")
    talk.do(Keep())
    assert (talk.asks, talk.ask.value) == ("c", "b=11")
    talk.say(b="99", c="x")
    assert (talk.asks, talk.ask.value) == ("c", "b=99") if talk.asks else talk.values["c"] == "x"
    talk.say(a="5")
    assert talk.values["b"] == "99"
    talk.say(a="6")
    assert (talk.asks, talk.ask.value, "b" in talk.values) == ("b", "13", False)


def test_a_hidden_value_may_be_set_by_an_answer() -> None:
    talk = Talk([
        row("select_one yn", "a", "A?"),
        row("calculate", "at", calculation="now()", trigger="${a}"),
        row("text", "b", "B?"),
    ], YES_NO)  # fmt: skip
    assert talk.values == {}
    talk.say(a="no")
    assert talk.values["at"] == "2026-06-01T05:30:00.000+07:00"
    talk.context = replace(talk.context, now=NOW + timedelta(hours=1))
    talk.say(b="x")
    assert talk.values["at"].startswith("2026-06-01T05:30")
    talk.say(a="yes")
    assert talk.values["at"].startswith("2026-06-01T06:30")


def test_a_value_set_in_a_member_hangs_on_that_members_answer() -> None:
    talk = Talk([
        row("begin repeat", "m", "M"),
        row("integer", "a", "A?"),
        row("integer", "b", "B?", calculation="${a} + 1", trigger="${a}"),
        row("end repeat"),
    ])  # fmt: skip
    talk.say(**{"m[1]/a": "1"})
    talk.do(Keep(), Add())
    talk.say(**{"m[2]/a": "5"})
    assert (talk.asks, talk.ask.value, talk.values["m[1]/b"]) == ("m[2]/b", "6", "2")


def test_a_value_that_is_set_may_change_how_many_members_there_are() -> None:
    talk = Talk([
        row("select_one yn", "family", "A family?"),
        row("integer", "n", "How many?", calculation="if(${family} = 'yes', 2, 0)", trigger="${family}"),
        row("begin repeat", "m", "M", repeat_count="${n}"),
        row("text", "name", "Name?"),
        row("end repeat"),
    ], YES_NO)  # fmt: skip
    talk.say(family="yes")
    assert (talk.asks, talk.ask.value, talk.counted) == ("n", "2", "2/4")


def test_values_that_set_each_other_come_to_rest() -> None:
    talk = Talk([row("integer", "a", "A?"), row("integer", "b", "B?")])
    settings = {
        name: {"settings": (Setting(parse(f"../{other} + 1", owner=f"/data/{name}"), (f"/data/{other}",)),)}
        for name, other in ("ab", "ba")
    }
    talk.put(altered(talk.about, **settings))
    talk.say(a="1")
    assert (talk.asks, talk.ask.value, talk.ask.total) == ("a", "3", 2)
