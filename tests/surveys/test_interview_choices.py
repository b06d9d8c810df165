"""Choices: filtered, ticked, put in order, shuffled, made of answers."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import msgspec

from surveys.interview import (
    Add,
    Done,
    Keep,
    NoMore,
    Questionnaire,
    ShowReview,
    State,
    Submit,
)
from tests.forms.build import choices, row
from tests.surveys.talk import (
    ABC,
    SKIPPED,
    YES_NO,
    Talk,
    questionnaire,
    refused,
)

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
    talk.say(xa="ben_thanh", tinh="hn")
    assert (talk.asks, talk.ask.value) == ("xa", None)


def test_an_answer_that_is_offered_again_before_the_interview_comes_to_it_stands() -> None:
    talk = Talk([
        row("select_one yn", "first", "First?"),
        row("select_one abc", "of", "Not which?"),
        row("text", "between", "Between?", relevant="${of} = 'a'"),
        row("select_one abc", "q", "Q?", choice_filter="name != ${of}"),
    ], [*ABC, *YES_NO])  # fmt: skip
    talk.say(first="yes", of="b", q="a")
    talk.say(of="a")
    assert (talk.asks, "q" in talk.values) == ("between", False)
    talk.say(of="b")
    assert (talk.asks, talk.values["q"]) == ("", "a")


def test_what_depends_on_a_dropped_answer_goes_with_it() -> None:
    talk = places()
    talk.say(tinh="hn", xa="cua_nam", street="Hàng Bài")
    talk.say(tinh="xx")
    assert (talk.asks, talk.values) == ("", {"tinh": "xx", "street": "Hàng Bài"})
    talk.change("street")
    assert talk.ask.label == "Street in ?"


def test_an_answer_that_was_dropped_with_nothing_to_offer_in_its_place_is_told() -> None:
    talk = places()
    talk.say(tinh="hn", xa="cua_nam")
    assert [line.value_label for line in talk.say(tinh="xx").dropped] == ["CUA_NAM"]


def test_of_several_choices_those_that_are_still_offered_stand_until_they_are_confirmed() -> None:
    talk = Talk([
        row("select_one abc", "of", "Not which?"),
        row("select_multiple abc", "q", "Q?", choice_filter="name != ${of}"),
        row("text", "end", "${q}?"),
    ], ABC)  # fmt: skip
    talk.say(of="a", q="b c")
    talk.say(of="b")
    assert (talk.asks, talk.ask.value, talk.ask.ticked, "q" in talk.values) == ("q", "c", ("c",), False)
    talk.do(Done("/data/q"))
    assert talk.ask.label == "c?"
    talk.say(of="a")
    assert talk.values["q"] == "c"


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
    assert (talk.ask.value, *talk.ask.ticked) == ("z", "z")


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


# ── a rank ──────────────────────────────────────────────────────────────────────────────────────────────────


def test_taps_put_choices_in_order_and_take_them_out() -> None:
    talk = Talk([row("rank abc", "q", "Q?")], ABC)
    talk.tick("q", "c", "a")
    assert list(talk.ask.ticked) == ["c", "a"]
    assert refused(talk.do(Done("/data/q"))) == "reply.not_a_rank"
    assert list(talk.ask.ticked) == ["c", "a"]
    talk.tick("q", "c", "b", "c")
    assert list(talk.ask.ticked) == ["a", "b", "c"]
    talk.do(Done("/data/q"))
    assert talk.values == {"q": "a b c"}
    talk.change("q")
    assert list(talk.ask.ticked) == ["a", "b", "c"]


def test_a_rank_of_what_a_filter_lets_through_has_all_of_that() -> None:
    talk = Talk([
        row("select_one abc", "not", "Not which?"),
        row("rank abc", "q", "Q?", choice_filter="name != ${not}"),
    ], ABC)  # fmt: skip
    talk.say(**{"not": "b", "q": "c a"})
    assert talk.values["q"] == "c a"
    talk.say(**{"not": "a"})
    assert (talk.asks, talk.ask.ticked, talk.ask.value) == ("q", ("c",), None)


# ── choices made of answers ─────────────────────────────────────────────────────────────────────────────────


def members() -> Talk:
    talk = Talk([
        row("begin repeat", "m", "M"),
        row("text", "name", "Name?"),
        row("select_one ${name}", "friend", "Friend of ${name}?"),
        row("end repeat"),
        row("select_one ${name}", "head", "Who is the head?"),
        row("calculate", "words", calculation="jr:choice-name(${head}, '${head}')"),
    ])  # fmt: skip
    talk.say(**{"m[1]/name": "An"})
    talk.do(Add("/data/m"))
    talk.say(**{"m[2]/name": "Bình"})
    return talk


def test_the_members_are_choices_as_soon_as_they_have_a_name() -> None:
    talk = members()
    talk.change("head")
    assert [(each.name, each.label) for each in talk.ask.choices] == [("An", "An"), ("Bình", "Bình")]
    talk.do(Add("/data/m"))
    talk.change("head")
    assert len(talk.ask.choices) == 2
    talk.say(**{"m[3]/name": "Chi"})
    talk.change("head")
    assert [each.name for each in talk.ask.choices] == ["An", "Bình", "Chi"]
    talk.typed("bình")
    assert (talk.values["head"], talk.values["words"]) == ("Bình", "Bình")
    assert talk.review_line("head") == "Bình"


def test_a_choice_made_of_an_answer_goes_with_it() -> None:
    talk = members()
    talk.say(head="Bình")
    talk.say(**{"m[2]/name": "Ba"})
    talk.change("head")
    assert (talk.ask.value, "head" in talk.values) == (None, False)
    talk.say(head="Ba")
    talk.remove("m[2]")
    assert "head" not in talk.values
    talk.change("head")
    assert [each.name for each in talk.ask.choices] == ["An"]


def test_a_choice_of_members_with_nobody_to_choose_is_passed_over() -> None:
    talk = Talk([
        row("begin repeat", "m", "M"),
        row("text", "name", "Name?"),
        row("end repeat"),
        row("select_one ${name}", "head", "Head?", required="yes"),
        row("text", "end", "End?"),
    ])  # fmt: skip
    talk.leave("m[1]/name")
    talk.do(NoMore())
    assert talk.asks == "end"


def test_two_members_of_the_same_name_are_two_choices_of_the_same_name() -> None:
    talk = members()
    talk.say(**{"m[2]/name": "An"})
    talk.change("head")
    assert [each.name for each in talk.ask.choices] == ["An", "An"]
    talk.say(head="An")
    assert talk.values["head"] == "An"


# ── an order of chance ──────────────────────────────────────────────────────────────────────────────────────

MANY = choices("many", *"abcdefgh")


def order(talk: Talk) -> str:
    return "".join(each.name for each in talk.ask.choices)


def test_an_order_of_chance_stays_the_same_for_an_interview() -> None:
    rows = [row("select_one many", "q", "Q?", parameters="randomize=true"), row("text", "b", "B?")]
    first, other = Talk(rows, MANY, chance=[0.1]), Talk(rows, MANY, chance=[0.7])
    shown = order(first)
    assert sorted(shown) == list("abcdefgh") != list(shown)
    assert order(other) != shown
    first.say(b="x")
    first.state = msgspec.json.decode(msgspec.json.encode(first.state), type=State)
    assert order(first) == shown


def test_a_seed_gives_the_order_that_odks_engines_give() -> None:
    talk = Talk([row("select_one many", "q", "Q?", parameters="randomize=true, seed=42")], MANY)
    again = Talk([
        row("select_one many", "q", "Q?", parameters="randomize=true, seed=${s}"), row("integer", "s", "S?"),
    ], MANY)  # fmt: skip
    again.say(s="42")
    assert order(talk) == order(again)
    assert talk.state.computed == {}
    again.say(s="43")
    assert order(talk) != order(again)


def test_several_choices_are_kept_in_the_order_shown() -> None:
    talk = Talk([row("select_multiple many", "q", "Q?", parameters="randomize=true")], MANY, chance=[0.1])
    shown = order(talk)
    talk.say(q="a b c d")
    assert talk.values["q"] == " ".join(name for name in shown if name in "abcd")


def test_an_order_of_chance_is_not_another_behind_a_filter() -> None:
    talk = Talk([
        row("select_one many", "not", "Not which?"),
        row("select_one many", "q", "Q?", parameters="randomize=true", choice_filter="name != ${not}"),
    ], MANY, chance=[0.3])  # fmt: skip
    talk.say(**{"not": "a"})
    shown = order(talk)
    talk.say(**{"not": "b"})
    assert order(talk).replace("a", "") == shown.replace("b", "")


def test_every_member_has_an_order_of_its_own() -> None:
    talk = Talk([
        row("begin repeat", "m", "M"),
        row("select_one many", "q", "Q?", parameters="randomize=true"),
        row("end repeat"),
    ], MANY, chance=[0.1, 0.7])  # fmt: skip
    first = order(talk)
    talk.say(**{"m[1]/q": "a"})
    talk.add()
    second = order(talk)
    assert first != second
    talk.remove("m[1]")
    assert order(talk) == second


# ── lists from files ────────────────────────────────────────────────────────────────────────────────────────


def test_an_attached_file_is_looked_up() -> None:
    asked = questionnaire([
        row("integer", "n", "N?"),
        row("calculate", "who", calculation="instance('l')/root/item[name = ${n}]/label"),
        row("text", "end", "So ${who}?"),
    ], choices("l", "0"))  # fmt: skip
    rows = ({"name": "1", "label": "Ba Đình"}, {"name": "2", "label": "Cửa Nam"})
    talk = Talk([row("text", "x", "X?")])
    talk.put(Questionnaire(replace(asked.form, lists={}, tables={"l": rows})))
    talk.say(n="2")
    assert talk.ask.label == "So Cửa Nam?"
