"""Members: listed, named, added and taken out at any time, and what is asked before somebody goes."""

from __future__ import annotations

from dataclasses import replace

import msgspec
import pytest

from surveys.interview import (
    Add,
    AddAnother,
    Answer,
    Back,
    Change,
    Changed,
    Confirm,
    Confirming,
    Event,
    Focus,
    Keep,
    NoMore,
    Questionnaire,
    Remove,
    Roster,
    ShowReview,
    ShowRoster,
    State,
    Submit,
    Toggle,
    Typed,
    begin,
    prompt,
    result,
    step,
)
from surveys.trees import INSTANCES_LIMIT, MEMBERS_LIMIT
from tests.forms.build import row
from tests.surveys.talk import ABC, YES_NO, Talk, refused


def household() -> Talk:
    """Three members: An 40, Bình 15, Chi 8; nobody has said yet whether there are more."""
    talk = Talk([
        row("begin repeat", "m", "Member"),
        row("text", "name", "Name?"),
        row("integer", "age", "Age of ${name}?"),
        row("select_multiple abc", "likes", "Likes?", relevant="${age} >= 15"),
        row("end repeat"),
        row("text", "end", "Anything else?"),
    ], ABC)  # fmt: skip
    talk.say(**{"m[1]/name": "An", "m[1]/age": "40", "m[1]/likes": "a"})
    talk.do(Add())
    talk.say(**{"m[2]/name": "Bình", "m[2]/age": "15", "m[2]/likes": "b"})
    talk.do(Add())
    talk.say(**{"m[3]/name": "Chi", "m[3]/age": "8"})
    return talk


def counted() -> Talk:
    """Two members, as many as the question before says."""
    talk = Talk([
        row("integer", "n", "How many people?", constraint=". <= 4", constraint_message="At most 4."),
        row("begin repeat", "m", "Member", repeat_count="${n}"),
        row("text", "name", "Name?"),
        row("end repeat"),
        row("text", "end", "Anything else?"),
    ])  # fmt: skip
    talk.say(n="2", **{"m[1]/name": "An", "m[2]/name": "Bình"})
    return talk


def changes(found: tuple[Changed, ...]) -> list[tuple[str, str, str | None]]:
    return [(each.what, each.ref, each.value) for each in found]


# ── listing ─────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_members_are_shown_on_request_and_the_interview_goes_on_where_it_was() -> None:
    talk = household()
    talk.do(ShowRoster())
    shown = talk.roster
    assert (shown.ref, shown.label, shown.may_change, shown.governed_by) == ("/data/m", "Member", True, "")
    assert [(each.ref, each.number, each.total, each.name, each.open) for each in shown.members] == [
        ("/data/m[1]", 1, 3, "An", 0), ("/data/m[2]", 2, 3, "Bình", 0), ("/data/m[3]", 3, 3, "Chi", 0),
    ]  # fmt: skip
    talk.do(Keep())
    assert talk.asks == "m?"


def test_a_roster_says_how_many_questions_wait_in_each_member() -> None:
    talk = household()
    talk.say(**{"m[3]/age": "20"})
    talk.do(ShowRoster())
    assert [each.open for each in talk.roster.members] == [0, 0, 1]


@pytest.mark.parametrize("leave", [Keep(), Back(), NoMore()])
def test_a_roster_can_be_left_in_several_ways(leave: Event) -> None:
    talk = household()
    talk.do(NoMore(), ShowRoster(), leave)
    assert talk.asks == "end"


def test_the_roster_of_the_repeat_that_the_person_is_in_is_shown_unless_they_say_which() -> None:
    talk = Talk([
        row("begin repeat", "house", "House"),
        row("text", "addr", "Address?"),
        row("begin repeat", "person", "Person"),
        row("text", "name", "Name?"),
        row("end repeat"),
        row("end repeat"),
        row("begin repeat", "dog", "Dog"),
        row("text", "called", "Called?"),
        row("end repeat"),
    ])  # fmt: skip
    for ref, shown in (
        (None, "/data/house"), ("/data/dog", "/data/dog"),
        ("/data/house[1]/person", "/data/house[1]/person"),
    ):  # fmt: skip
        talk.do(ShowRoster(ref))
        assert talk.roster.ref == shown
    talk.do(Keep())
    talk.say(**{"house[1]/addr": "A"})
    talk.do(ShowRoster())
    assert (talk.roster.ref, [each.name for each in talk.roster.within]) == ("/data/house[1]/person", ["A"])


def test_the_review_lists_every_roster_and_says_whose_each_line_is() -> None:
    talk = household()
    talk.do(NoMore())
    talk.say(end="no")
    (roster,) = talk.review.rosters
    assert [each.name for each in roster.members] == ["An", "Bình", "Chi"]
    assert [line.number for line in talk.review.lines] == list(range(1, 10))
    assert [line.members[0].name if line.members else "" for line in talk.review.lines] == [
        "An", "An", "An", "Bình", "Bình", "Bình", "Chi", "Chi", "",
    ]  # fmt: skip


def test_a_member_is_gone_through_from_its_first_question() -> None:
    talk = household()
    talk.do(Change("/data/m[2]"))
    assert (talk.asks, talk.ask.value) == ("m[2]/name", "Bình")
    talk.do(Change("/data/m"))
    assert isinstance(talk.now, Roster)
    talk.typed("3")
    assert talk.asks == "m[3]/name"
    assert refused(talk.do(Change("/data/m[4]"))) == "reply.no_such_member"


def test_what_is_typed_at_a_roster_is_a_number_or_a_command() -> None:
    talk = household()
    talk.do(ShowRoster())
    assert refused(talk.typed("7")) == "reply.no_such_member"
    done = talk.typed("xem lại")
    assert done.command is not None and done.command.name == "review"
    assert refused(talk.typed("tôi thích")) == "reply.review_expected"


def test_a_roster_where_there_is_none_is_refused() -> None:
    talk = Talk([row("text", "a", "A?")])
    for event in (ShowRoster(), ShowRoster("/data/m"), Add(), NoMore(), Remove("/data/m[1]"), Add("/data/a")):
        assert refused(talk.do(event)) == "reply.no_such_member"


# ── adding ──────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_member_can_be_added_after_the_person_said_there_was_nobody_else() -> None:
    talk = household()
    talk.do(NoMore())
    talk.say(end="no")
    done = talk.do(Add("/data/m"))
    assert changes(done.changes) == [("added", "/data/m[4]", None)]
    assert talk.asks == "m[4]/name"
    talk.say(**{"m[4]/name": "Dũng", "m[4]/age": "3"})
    assert talk.asks == "m?"
    talk.do(NoMore())
    assert talk.review.open == 0


def test_yes_and_no_are_read_where_another_is_asked_for() -> None:
    talk = household()
    done = talk.typed("có")
    assert changes(done.changes) == [("added", "/data/m[4]", None)]
    talk.remove("m[4]")
    assert refused(talk.typed("Lan")) == "reply.yes_or_no"
    assert isinstance(talk.now, AddAnother)
    talk.typed("không")
    assert talk.asks == "end"


def test_commands_are_understood_where_another_is_asked_for() -> None:
    talk = household()
    done = talk.typed("quay lại")
    assert done.command is not None and done.command.name == "back"
    talk.typed("bỏ qua")
    assert talk.asks == "end"


# ── taking out ──────────────────────────────────────────────────────────────────────────────────────────────


def test_the_second_is_taken_out_after_a_yes_and_the_third_becomes_the_second() -> None:
    talk = household()
    talk.do(Remove("/data/m[2]"))
    now = talk.confirming
    assert (now.what, now.ref, now.label, [each.name for each in now.members]) == (
        "remove", "/data/m[2]", "Member", ["Bình"],
    )  # fmt: skip
    assert names_left(talk) == ["An", "Bình", "Chi"]
    done = talk.do(Confirm(True))
    assert changes(done.changes) == [("removed", "/data/m[2]", "Bình")]
    assert talk.values == {
        "m[1]/name": "An", "m[1]/age": "40", "m[1]/likes": "a", "m[2]/name": "Chi", "m[2]/age": "8",
    }  # fmt: skip
    assert talk.state.removals == 1


def names_left(talk: Talk) -> list[str]:
    """The members' names, by their answers."""
    return [value for ref, value in talk.values.items() if ref.endswith("name")]


def test_nobody_is_taken_out_after_a_no() -> None:
    talk = household()
    before = talk.state
    talk.do(Remove("/data/m[2]"))
    done = talk.do(Confirm(False))
    assert (done.state, done.changes, talk.asks) == (before, (), "m?")


@pytest.mark.parametrize(("said", "left"), [("có", 2), ("Yes", 2), ("không", 3), ("bỏ qua", 3)])
def test_a_yes_or_no_may_be_typed(said: str, left: int) -> None:
    talk = household()
    talk.do(Remove("/data/m[2]"))
    assert talk.typed(said).refusal is None
    assert (talk.asks, len(names_left(talk))) == ("m?", left)


def test_what_is_no_yes_nor_no_leaves_the_question_standing() -> None:
    talk = household()
    talk.do(Remove("/data/m[2]"))
    assert refused(talk.typed("mười hai")) == "reply.yes_or_no"
    assert isinstance(talk.now, Confirming)
    talk.do(Back())
    assert (talk.asks, len(names_left(talk))) == ("m?", 3)


def test_a_yes_to_nothing_is_refused() -> None:
    talk = household()
    assert refused(talk.do(Confirm(True))) == "reply.no_longer_asked"


def test_whatever_else_is_done_meanwhile_takes_the_question_away() -> None:
    talk = household()
    talk.do(Remove("/data/m[2]"))
    talk.say(**{"m[1]/age": "41"})
    assert talk.asks == "m?"
    assert refused(talk.do(Confirm(True))) == "reply.no_longer_asked"


def test_when_all_are_taken_out_another_is_asked_for() -> None:
    talk = household()
    talk.do(NoMore())
    for _ in range(3):
        talk.remove("m[1]")
    assert (talk.asks, talk.another.members, talk.state.answers) == ("m?", (), {})
    talk.do(Add())
    assert talk.asks == "m[1]/name"
    talk.remove("m[1]")
    talk.do(NoMore())
    assert talk.asks == "end"


def test_with_a_member_goes_all_that_is_kept_of_it() -> None:
    talk = Talk([
        row("begin repeat", "m", "M"),
        row("text", "name", "Name?"),
        row("calculate", "lot", calculation="once(random())"),
        row("begin repeat", "k", "K"),
        row("text", "x", "X?"),
        row("end repeat"),
        row("end repeat"),
    ], chance=[0.1, 0.2])  # fmt: skip
    talk.say(**{"m[1]/name": "An", "m[1]/k[1]/x": "1"})
    talk.do(NoMore("/data/m[1]/k"), Add("/data/m"))
    talk.leave("m[2]/name")
    talk.add("m[2]/k")
    talk.say(**{"m[2]/k[1]/x": "2"})
    talk.add("m[2]/k")
    talk.say(**{"m[2]/k[2]/x": "3"})
    talk.do(NoMore("/data/m[2]/k"), Change("/data/m[2]/name"))
    talk.remove("m[1]")
    assert talk.state == State(
        answers={"/data/m[1]/k[1]/x": "2", "/data/m[1]/k[2]/x": "3"},
        missing=talk.state.missing,
        computed={"/data/m[1]/lot": 0.2},
        counts={"/data/m": 1, "/data/m[1]/k": 2},
        closed=frozenset({"/data/m[1]/k"}),
        removals=1,
    )
    assert list(talk.state.missing) == ["/data/m[1]/name"]


def test_answers_elsewhere_that_do_not_apply_without_a_member_are_told() -> None:
    talk = Talk([
        row("begin repeat", "m", "M"),
        row("integer", "age", "Age?"),
        row("end repeat"),
        row("text", "school", "Which school?", relevant="count(${m}[age < 15]) > 0"),
    ])  # fmt: skip
    talk.say(**{"m[1]/age": "40"})
    talk.add()
    talk.say(**{"m[2]/age": "8"})
    talk.do(NoMore())
    talk.say(school="Lê Lợi")
    done = talk.remove("m[2]")
    assert [(line.number, line.value_label) for line in done.dropped] == [(3, "Lê Lợi")]
    assert talk.values == {"m[1]/age": "40"}


# ── a count that a question gives ───────────────────────────────────────────────────────────────────────────


def test_adding_where_a_question_says_how_many_there_are_changes_its_answer_after_a_yes() -> None:
    talk = counted()
    talk.do(Add("/data/m"))
    now = talk.confirming
    assert (now.what, now.ref, now.governed_by, now.value, now.members) == (
        "add", "/data/m", "How many people?", "3", (),
    )  # fmt: skip
    done = talk.do(Confirm(True))
    assert changes(done.changes) == [("answer", "/data/n", "3"), ("added", "/data/m[3]", None)]
    assert (talk.asks, talk.values["n"]) == ("m[3]/name", "3")


def test_taking_out_the_first_of_two_takes_out_the_first_and_changes_the_number() -> None:
    talk = counted()
    talk.do(Remove("/data/m[1]"))
    assert (talk.confirming.governed_by, talk.confirming.value) == ("How many people?", "1")
    done = talk.do(Confirm(True))
    assert changes(done.changes) == [("answer", "/data/n", "1"), ("removed", "/data/m[1]", "An")]
    assert talk.values == {"n": "1", "m[1]/name": "Bình"}
    talk.say(n="2")
    assert talk.asks == "m[2]/name"


def test_a_number_that_its_question_does_not_allow_is_refused_with_its_words() -> None:
    talk = counted()
    talk.add("m")
    talk.say(**{"m[3]/name": "Chi"})
    talk.add("m")
    talk.say(**{"m[4]/name": "Dũng"})
    done = talk.add("m")
    assert (refused(done), done.refusal and done.refusal.text) == ("reply.constraint", "At most 4.")
    assert talk.values["n"] == "4"


@pytest.mark.parametrize("count", ["${n} + 0", "2", "count(/data/n) * 2"])
def test_where_nobody_answers_how_many_there_are_nobody_can_be_added_or_taken_out(count: str) -> None:
    talk = Talk([
        row("integer", "n", "How many?"),
        row("begin repeat", "m", "Member", repeat_count=count),
        row("text", "name", "Name?"),
        row("end repeat"),
    ])  # fmt: skip
    talk.say(n="2")
    for event in (Add("/data/m"), Remove("/data/m[1]"), Remove("/data/m[1]", sure=True)):
        done = talk.do(event)
        assert refused(done) == "reply.members_counted"
        assert done.refusal is not None and done.refusal.params == {"question": ""}
    talk.do(ShowRoster())
    assert not talk.roster.may_change


def test_a_refusal_names_the_question_that_governs_even_if_it_is_not_asked_any_more() -> None:
    talk = Talk([
        row("select_one yn", "more", "More?"),
        row("integer", "n", "How many?", relevant="${more} = 'yes'"),
        row("begin repeat", "m", "Member", repeat_count="${n}"),
        row("text", "name", "Name?"),
        row("end repeat"),
    ], YES_NO)  # fmt: skip
    talk.say(more="yes", n="1")
    talk.do(Answer("/data/more", "no"))
    done = talk.do(Add("/data/m"))
    assert (refused(done), done.refusal and done.refusal.params) == (
        "reply.members_counted", {"question": "How many?"},
    )  # fmt: skip


# ── a number that takes members away ────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("event", [Typed("1", "/data/n"), Answer("/data/n", "1")])
def test_a_lower_number_that_would_drop_somebody_is_asked_about_first(event: Event) -> None:
    talk = counted()
    talk.change("n")
    done = talk.do(event)
    assert (done.changes, talk.values["n"]) == ((), "2")
    now = talk.confirming
    assert (now.what, now.ref, now.label, now.governed_by, now.value) == (
        "count", "/data/n", "Member", "How many people?", "1",
    )  # fmt: skip
    assert [(each.number, each.name) for each in now.members] == [(2, "Bình")]
    done = talk.do(Confirm(True))
    assert changes(done.changes) == [("answer", "/data/n", "1")]
    assert [line.value_label for line in done.dropped] == ["Bình"]
    assert talk.values == {"n": "1", "m[1]/name": "An"}


def test_a_lower_number_is_not_taken_after_a_no() -> None:
    talk = counted()
    talk.do(Answer("/data/n", "0"), Confirm(False))
    assert (talk.values["n"], talk.asks) == ("2", "end")


def test_a_lower_number_is_taken_at_once_where_nobody_was_answered_for() -> None:
    talk = counted()
    talk.say(n="4")
    talk.say(n="3")
    assert (talk.values["n"], talk.asks) == ("3", "m[3]/name")


def test_a_number_left_out_that_would_drop_somebody_is_asked_about_first_too() -> None:
    talk = counted()
    talk.leave("n")
    assert (talk.confirming.what, talk.confirming.value) == ("count", "")
    assert [each.name for each in talk.confirming.members] == ["An", "Bình"]
    talk.do(Confirm(True))
    assert talk.values == {}
    assert list(talk.result.missing) == ["/data/n"]


def test_only_the_outermost_of_those_who_would_go_are_named() -> None:
    talk = Talk([
        row("integer", "n", "How many?"),
        row("begin repeat", "m", "M", repeat_count="${n}"),
        row("text", "name", "Name?"),
        row("begin repeat", "k", "K", repeat_count="${n}"),
        row("text", "kid", "Kid?"),
        row("end repeat"),
        row("end repeat"),
    ])  # fmt: skip
    talk.say(n="2", **{"m[1]/name": "An", "m[1]/k[2]/kid": "x", "m[2]/k[1]/kid": "y"})
    talk.do(Answer("/data/n", "1"))
    assert [each.ref for each in talk.confirming.members] == ["/data/m[2]", "/data/m[1]/k[2]"]


def test_a_tap_that_takes_members_away_by_way_of_a_calculation_is_asked_about_too() -> None:
    talk = Talk([
        row("select_multiple abc", "who", "Who?"),
        row("begin repeat", "m", "M", repeat_count="count-selected(${who})"),
        row("text", "name", "Name of ${who}?"),
        row("end repeat"),
    ], ABC)  # fmt: skip
    talk.say(who="a b", **{"m[1]/name": "1", "m[2]/name": "2"})
    talk.do(Answer("/data/who", "a"))
    assert [each.name for each in talk.confirming.members] == ["2"]


# ── bounds ──────────────────────────────────────────────────────────────────────────────────────────────────


def test_there_are_no_more_members_than_can_be_handled() -> None:
    talk = Talk([
        row("integer", "n", "How many?"),
        row("begin repeat", "m", "M", repeat_count="${n}"),
        row("text", "name", "Name?"),
        row("end repeat"),
    ])  # fmt: skip
    for number in ("201", "1000", "999999999"):
        done = talk.say(n=number)
        assert refused(done) == "reply.too_many_members"
        assert done.refusal is not None and done.refusal.params == {"limit": MEMBERS_LIMIT}
    talk.say(n="200")
    assert talk.asks == "m[1]/name"
    assert refused(talk.add("m")) == "reply.too_many_members"


def test_there_are_no_more_members_of_all_repeats_together_than_can_be_handled() -> None:
    talk = Talk([
        row("integer", "n", "How many?"),
        row("begin repeat", "m", "M", repeat_count="${n}"),
        row("begin repeat", "k", "K", repeat_count="100"),
        row("text", "x", "X?"),
        row("end repeat"),
        row("end repeat"),
    ])  # fmt: skip
    talk.say(n="19")
    assert talk.counted == "2/1901"
    assert 19 * 101 < INSTANCES_LIMIT < 20 * 101
    assert refused(talk.say(n="20")) == "reply.too_many_members"


def test_an_uncounted_repeat_has_a_limit_too() -> None:
    talk = household()
    talk.state = replace(talk.state, counts={"/data/m": MEMBERS_LIMIT})
    assert refused(talk.add("m")) == "reply.too_many_members"


# ── the state ───────────────────────────────────────────────────────────────────────────────────────────────


def test_an_interview_goes_on_in_the_middle_of_member_three_when_it_is_read_again() -> None:
    talk = household()
    talk.say(**{"m[3]/age": "20"})
    talk.do(Toggle("/data/m[3]/likes", "c"))
    talk.state = msgspec.json.decode(msgspec.json.encode(talk.state), type=State)
    assert (talk.asks, talk.ask.ticked, talk.ask.members[0].name) == ("m[3]/likes", ("c",), "Chi")


def test_a_focus_on_somebody_who_is_gone_is_no_focus() -> None:
    talk = household()
    for focus in (Focus("/data/m[9]/name"), Focus("/data/m[9]"), Focus("/data/k")):
        talk.state = replace(talk.state, focus=focus)
        assert talk.asks == "m?"


def test_events_about_nobody_change_nothing() -> None:
    talk = household()
    before = talk.state
    for ref in ("/data/m[0]/name", "/data/m[4]/name", "/data/m/name", "/data/m[1]", "/data/m", "", "[", "/"):
        assert refused(talk.do(Answer(ref, "x"))) == "reply.no_longer_asked"
        assert refused(talk.do(Toggle(ref, "a"))) == "reply.no_longer_asked"
        talk.do(Remove(ref))
        assert talk.now.__class__ in (AddAnother, Confirming)
        talk.state = before


def test_a_step_can_be_the_beginning_of_two_others() -> None:
    talk = household()
    here = step(talk.about, talk.state, Keep(), talk.context)
    one = step(talk.about, here.state, Answer("/data/m[1]/name", "Ánh"), talk.context, here)
    other = step(talk.about, here.state, Answer("/data/m[1]/name", "Ân"), talk.context, here)
    assert one.state.answers["/data/m[1]/name"] == "Ánh"
    assert other.state.answers["/data/m[1]/name"] == "Ân"
    for done in (one, other):
        afresh = prompt(talk.about, done.state, talk.context)
        assert prompt(talk.about, done.state, talk.context, done) == afresh


def test_a_state_of_another_questionnaire_is_looked_at_anew() -> None:
    talk = household()
    again = Questionnaire(talk.about.form)
    here = step(talk.about, talk.state, Keep(), talk.context)
    done = step(again, here.state, NoMore(), talk.context, here)
    assert done.state.closed == {"/data/m"}
    assert result(again, done.state, talk.context) == result(talk.about, done.state, talk.context)


def test_the_same_interview_can_be_begun_again() -> None:
    talk = household()
    assert begin(talk.about, {}, talk.context) == State()
    assert talk.do(NoMore(), Submit()).refusal is not None
    talk.state = replace(talk.state, focus=None)
    talk.do(ShowReview())
    assert talk.review.open == 1


def test_no_more_is_counted_in_what_waits_in_the_members_around() -> None:
    talk = Talk([
        row("begin repeat", "house", "House"),
        row("text", "addr", "Address?"),
        row("begin repeat", "person", "Person"),
        row("text", "name", "Name?"),
        row("end repeat"),
        row("end repeat"),
    ])  # fmt: skip
    talk.say(**{"house[1]/addr": "A", "house[1]/person[1]/name": "An"})
    assert talk.another.within[0].open == 1
    talk.do(NoMore())
    assert talk.another.members[0].open == 0


def test_repeats_may_stand_ten_deep() -> None:
    rows = [row("begin repeat", f"r{at}", f"R{at}") for at in range(10)]
    talk = Talk([*rows, row("text", "x", "X?"), *[row("end repeat") for _ in rows]])
    assert talk.asks == "/".join(f"r{at}[1]" for at in range(10)) + "/x"
    assert len(talk.ask.members) == 10
    talk.say(**{talk.asks: "1"})
    for _ in range(10):
        talk.do(NoMore())
    assert (talk.asks, talk.review.open, len(talk.review.rosters)) == ("", 0, 10)


def test_two_hundred_members_can_be_gone_through() -> None:
    talk = Talk([
        row("integer", "n", "How many?"),
        row("begin repeat", "m", "M", repeat_count="${n}"),
        row("text", "name", "Name?"),
        row("integer", "age", "Age of ${name}?"),
        row("end repeat"),
        row("calculate", "sum", calculation="sum(${age})"),
    ])  # fmt: skip
    talk.say(n="200")
    after = None
    for at in range(1, 201):
        for name, value in (("name", f"An {at}"), ("age", "1")):
            event = Answer(f"/data/m[{at}]/{name}", value)
            after = step(talk.about, talk.state, event, talk.context, after)
            talk.state = after.state
    assert talk.values["sum"] == "200"
    done = talk.remove("m[7]")
    assert changes(done.changes) == [("answer", "/data/n", "199"), ("removed", "/data/m[7]", "An 7")]
    assert talk.values["m[7]/name"] == "An 8"
