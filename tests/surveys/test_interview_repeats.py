"""Questions asked once for each member: repeats with and without a count, in one another, and what
expressions say inside and outside of them.
"""

from __future__ import annotations

import pytest

from surveys.interview import Answer, Back, Keep, Leave, NoMore, Review, ShowReview, Submit
from tests.forms.build import row
from tests.surveys.talk import ABC, SKIPPED, YES_NO, Talk, refused


def household(**settings: str) -> Talk:
    """Whoever lives here: name and age, and of adults whether they work."""
    return Talk([
        row("text", "street", "Street?"),
        row("begin repeat", "member", "Member", **settings),
        row("text", "name", "Name?"),
        row("integer", "age", "How old is ${name}?"),
        row("select_one yn", "works", "Does ${name} work?", relevant="${age} >= 15"),
        row("end repeat"),
        row("text", "end", "Anything else?"),
    ], YES_NO)  # fmt: skip


def walk(talk: Talk, *values: str) -> list[str]:
    """What is asked while these values are given; ``+`` is one more, ``.`` no more."""
    asked = []
    for value in values:
        asked.append(talk.asks)
        if value == ".":
            talk.do(NoMore())
        elif value == "+":
            talk.add()
        else:
            talk.do(Answer(talk.ask.ref, value))
    return asked


# ── without a count ─────────────────────────────────────────────────────────────────────────────────────────


def test_without_a_count_one_member_is_there_and_after_the_last_question_another_is_asked_for() -> None:
    talk = household()
    asked = walk(talk, "Lê Lợi", "An", "40", "yes", "+", "Bình", "8", ".", "no")
    assert asked == [
        "street", "member[1]/name", "member[1]/age", "member[1]/works", "member?",
        "member[2]/name", "member[2]/age", "member?", "end",
    ]  # fmt: skip
    assert isinstance(talk.now, Review)
    assert talk.values == {
        "street": "Lê Lợi", "member[1]/name": "An", "member[1]/age": "40", "member[1]/works": "yes",
        "member[2]/name": "Bình", "member[2]/age": "8", "end": "no",
    }  # fmt: skip


def test_a_question_inside_says_which_member_it_is_about() -> None:
    talk = household()
    walk(talk, "Lê Lợi", "An", "40", "yes", "+")
    (member,) = talk.ask.members
    assert (member.ref, member.number, member.total, member.label, member.name) == (
        "/data/member[2]", 2, 2, "Member", "",
    )  # fmt: skip
    assert member.open == 2
    walk(talk, "Bình")
    assert (talk.ask.members[0].name, talk.ask.label) == ("Bình", "How old is Bình?")


def test_numbers_count_through_all_members() -> None:
    talk = household()
    assert talk.counted == "1/4"
    walk(talk, "Lê Lợi", "An", "40", "yes", "+")
    assert talk.counted == "5/7"


def test_whether_there_is_another_names_those_there_are() -> None:
    talk = household()
    walk(talk, "Lê Lợi", "An", "8", "+", "Bình", "9")
    assert [(each.number, each.name) for each in talk.another.members] == [(1, "An"), (2, "Bình")]
    assert (talk.another.ref, talk.another.label, talk.another.may_go_back) == (
        "/data/member", "Member", True,
    )  # fmt: skip


def test_a_member_of_whom_nothing_is_asked_is_asked_about_at_once() -> None:
    talk = Talk([
        row("begin repeat", "m", "M"),
        row("note", "n", "A member."),
        row("end repeat"),
        row("text", "end", "End?"),
    ])  # fmt: skip
    assert (talk.asks, talk.before) == ("m?", ("M", "A member."))
    talk.add()
    assert talk.asks == "m?"
    talk.do(NoMore())
    assert (talk.asks, talk.before) == ("end", ())


def test_going_back_leads_from_one_member_to_the_one_before() -> None:
    talk = household()
    walk(talk, "Lê Lợi", "An", "8", "+")
    talk.do(Back())
    assert talk.asks == "member[1]/age"
    talk.do(Keep())
    assert talk.asks == "member[2]/name"
    walk(talk, "Bình", "9")
    talk.do(Back())
    assert talk.asks == "member[2]/age"


def test_a_repeat_that_does_not_apply_asks_for_nobody() -> None:
    talk = Talk([
        row("select_one yn", "family", "A family?"),
        row("begin repeat", "m", "M", relevant="${family} = 'yes'"),
        row("text", "name", "Name?"),
        row("end repeat"),
        row("text", "end", "End ${family}?"),
    ], YES_NO)  # fmt: skip
    talk.say(family="no")
    assert (talk.asks, talk.counted) == ("end", "2/2")
    talk.say(family="yes")
    assert walk(talk, "An", ".") == ["m[1]/name", "m?"]
    assert talk.asks == "end"
    done = talk.say(family="no")
    assert [line.ref for line in done.dropped] == ["/data/m[1]/name"]
    assert talk.values == {"family": "no"}
    assert refused(talk.add("m")) == "reply.no_such_member"


def test_relevance_of_a_repeat_may_say_that_there_can_be_no_more() -> None:
    talk = Talk([
        row("begin repeat", "m", "M", relevant="position(.) < 3"),
        row("text", "name", "Name?"),
        row("end repeat"),
        row("text", "end", "End?"),
    ])  # fmt: skip
    assert walk(talk, "An", "+", "Bình") == ["m[1]/name", "m?", "m[2]/name"]
    assert talk.asks == "end"


def test_handing_in_waits_until_nobody_is_missing() -> None:
    talk = household()
    walk(talk, "Lê Lợi", "An", "8")
    talk.do(ShowReview())
    assert talk.review.open == 2
    done = talk.do(Submit())
    assert (refused(done), done.refusal and done.refusal.ref) == ("reply.still_open", "/data/member")
    assert talk.asks == "member?"


def test_constraints_and_requirements_are_tried_again_for_every_member() -> None:
    talk = Talk([
        row("begin repeat", "m", "M"),
        row("integer", "age", "Age?", constraint=". <= ${limit}", constraint_message="Too old."),
        row("text", "why", "Why?", required="${limit} > 50"),
        row("end repeat"),
        row("integer", "limit", "Limit?"),
    ])  # fmt: skip
    talk.say(limit="40")
    walk(talk, "30")
    talk.leave("m[1]/why")
    talk.add()
    walk(talk, "39", "because", ".")
    talk.say(limit="35")
    done = talk.do(Submit())
    assert (refused(done), done.refusal and done.refusal.ref) == ("reply.constraint", "/data/m[2]/age")
    talk.say(limit="60")
    done = talk.do(Submit())
    assert (refused(done), done.refusal and done.refusal.ref) == ("reply.required", "/data/m[1]/why")


# ── with a count ────────────────────────────────────────────────────────────────────────────────────────────


def counted(count: str = "${n}") -> Talk:
    return Talk([
        row("integer", "n", "How many?"),
        row("begin repeat", "m", "M", repeat_count=count),
        row("text", "name", "Name?"),
        row("end repeat"),
        row("text", "end", "End?"),
    ])  # fmt: skip


def test_with_a_count_as_many_are_asked_about_as_it_says_and_not_whether_there_is_another() -> None:
    talk = counted()
    assert talk.counted == "1/2"
    assert walk(talk, "2", "An", "Bình", "x") == ["n", "m[1]/name", "m[2]/name", "end"]
    assert isinstance(talk.now, Review)


@pytest.mark.parametrize("number", ["0", "-3"])
def test_a_count_of_nobody_asks_about_nobody(number: str) -> None:
    talk = counted()
    talk.say(n=number)
    assert talk.asks == "end"


def test_a_count_that_is_not_known_yet_asks_about_nobody() -> None:
    talk = counted()
    talk.leave("n")
    assert talk.asks == "end"


@pytest.mark.parametrize(
    ("count", "members"),
    [("${n} + 1", 3), ("${n} div 0", 0), ("'x'", 0), ("3", 3), ("${n} * 0.7", 1), ("if(${n} > 1, 4, 0)", 4)],
)
def test_a_count_may_be_worked_out(count: str, members: int) -> None:
    talk = counted(count)
    talk.say(n="2") if count != "${n} div 0" else talk.say(n="0")
    talk.do(ShowReview())
    assert sum(len(roster.members) for roster in talk.review.rosters) == members


def test_a_lower_count_hides_the_last_and_a_higher_one_shows_them_again() -> None:
    talk = counted()
    walk(talk, "3", "An", "Bình", "Chi")
    talk.do(Answer("/data/n", "1", sure=True))
    assert talk.values == {"n": "1", "m[1]/name": "An"}
    talk.say(n="2")
    assert (talk.values["m[2]/name"], talk.asks) == ("Bình", "end")
    talk.say(n="4")
    assert talk.asks == "m[4]/name"


def test_answers_of_members_beyond_the_count_are_told_as_left_out() -> None:
    talk = counted()
    walk(talk, "2", "An", "Bình")
    done = talk.do(Answer("/data/n", "1", sure=True))
    assert [(line.ref, line.value_label) for line in done.dropped] == [("/data/m[2]/name", "Bình")]


def test_a_repeat_goes_on_while_the_last_member_says_so() -> None:
    talk = Talk([
        row("begin repeat", "m", "M", repeat_count="count(${m}[more = 'yes']) + 1"),
        row("select_one yn", "more", "More?"),
        row("end repeat"),
        row("calculate", "members", calculation="count(${m})"),
    ], YES_NO)  # fmt: skip
    assert walk(talk, "yes", "yes", "no") == ["m[1]/more", "m[2]/more", "m[3]/more"]
    assert (talk.review.open, talk.values["members"]) == (0, "3")
    talk.say(**{"m[3]/more": "yes"})
    assert talk.asks == "m[4]/more"


# ── in one another ──────────────────────────────────────────────────────────────────────────────────────────


def village() -> Talk:
    return Talk([
        row("begin repeat", "house", "House"),
        row("text", "addr", "Address?"),
        row("integer", "n", "How many in ${addr}?"),
        row("begin repeat", "person", "Person", repeat_count="${n}"),
        row("text", "name", "Name?"),
        row("begin repeat", "skill", "Skill"),
        row("text", "what", "What can ${name} of ${addr} do?"),
        row("end repeat"),
        row("calculate", "skills", calculation="count(${skill})"),
        row("end repeat"),
        row("calculate", "first",
            calculation="indexed-repeat(${name}, ${house}, position(..), ${person}, 1)"),
        row("calculate", "here", calculation="sum(${person}/skills)"),
        row("end repeat"),
        row("calculate", "people", calculation="count(${person})"),
        row("calculate", "all", calculation="sum(${skills})"),
        row("note", "told", "${people} people, ${all} skills."),
    ])  # fmt: skip


def test_repeats_stand_in_repeats() -> None:
    talk = village()
    asked = walk(talk, *"A 2 An x . Bình + y + z . + B 1 Chi + q . .".split())
    assert asked == [
        "house[1]/addr", "house[1]/n", "house[1]/person[1]/name", "house[1]/person[1]/skill[1]/what",
        "house[1]/person[1]/skill?", "house[1]/person[2]/name", "house[1]/person[2]/skill?",
        "house[1]/person[2]/skill[1]/what", "house[1]/person[2]/skill?", "house[1]/person[2]/skill[2]/what",
        "house[1]/person[2]/skill?", "house?", "house[2]/addr", "house[2]/n", "house[2]/person[1]/name",
        "house[2]/person[1]/skill?", "house[2]/person[1]/skill[1]/what", "house[2]/person[1]/skill?",
        "house?",
    ]  # fmt: skip
    assert talk.before == ("3 people, 4 skills.",)
    assert {ref: value for ref, value in talk.values.items() if ref.endswith(("here", "first"))} == {
        "house[1]/first": "An", "house[1]/here": "3", "house[2]/first": "Chi", "house[2]/here": "1",
    }  # fmt: skip


def test_a_repeat_directly_in_another_begins_with_nobody_in_what_was_added_later() -> None:
    talk = Talk([
        row("begin repeat", "house", "House"),
        row("begin repeat", "cat", "Cat"),
        row("text", "cat_name", "Name?"),
        row("end repeat"),
        row("begin group", "people"),
        row("begin repeat", "person", "Person"),
        row("text", "name", "Name?"),
        row("end repeat"),
        row("end group"),
        row("end repeat"),
    ])  # fmt: skip
    assert walk(talk, "Mi", ".", "An", ".", "+") == [
        "house[1]/cat[1]/cat_name", "house[1]/cat?",
        "house[1]/people/person[1]/name", "house[1]/people/person?", "house?",
    ]  # fmt: skip
    assert (talk.asks, talk.another.members) == ("house[2]/cat?", ())
    assert walk(talk, ".", "Bình") == ["house[2]/cat?", "house[2]/people/person[1]/name"]
    talk.remove("house[1]")
    assert talk.values == {"house[1]/people/person[1]/name": "Bình"}
    talk.remove("house[1]")
    talk.add("house")
    assert talk.asks == "house[1]/cat?"


def test_a_prompt_names_all_the_members_it_stands_in() -> None:
    talk = village()
    walk(talk, "A", "1", "An")
    assert [(each.ref, each.name) for each in talk.ask.members] == [
        ("/data/house[1]", "A"), ("/data/house[1]/person[1]", "An"),
        ("/data/house[1]/person[1]/skill[1]", ""),
    ]  # fmt: skip
    assert talk.ask.label == "What can An of A do?"
    walk(talk, "x")
    assert [each.ref for each in talk.another.within] == ["/data/house[1]", "/data/house[1]/person[1]"]


def test_an_answer_in_one_member_changes_nothing_in_another() -> None:
    talk = village()
    walk(talk, "A", "1", "An", "x", ".", "+", "B", "1", "Chi", ".", ".")
    talk.say(**{"house[1]/person[1]/name": "Ánh"})
    assert talk.values["house[1]/first"] == "Ánh"
    assert talk.values["house[2]/first"] == "Chi"


# ── what expressions say ────────────────────────────────────────────────────────────────────────────────────


def family(*rows: dict[str, object]) -> Talk:
    """Three members with ages 40, 15 and 8, and what is worked out of them."""
    talk = Talk([
        row("begin repeat", "m", "M"),
        row("text", "name", "Name?"),
        row("integer", "age", "Age?"),
        *rows,
        row("end repeat"),
    ], ABC)  # fmt: skip
    for at, (name, age) in enumerate([("An", "40"), ("Bình", "15"), ("Chi", "8")], start=1):
        if at > 1:
            talk.add("m")
        talk.say(**{f"m[{at}]/name": name, f"m[{at}]/age": age})
    return talk


@pytest.mark.parametrize(
    ("calculation", "values"),
    [
        ("position(..)", ["1", "2", "3"]),
        ("count(${m})", ["3", "3", "3"]),
        ("sum(${m}/age)", ["63", "63", "63"]),
        ("sum(${age})", ["40", "15", "8"]),
        ("${age} + 1", ["41", "16", "9"]),
        ("indexed-repeat(${name}, ${m}, 2)", ["Bình", "Bình", "Bình"]),
        ("indexed-repeat(${name}, ${m}, position(..) - 1)", ["", "An", "Bình"]),
        ("${m}[position() = position(current()/..) - 1]/age", ["", "40", "15"]),
        ("count(${m}[age > current()/../age])", ["0", "1", "2"]),
        ("max(${m}/age) = ${age}", ["true", "false", "false"]),
        ("join(', ', ${m}/name)", ["An, Bình, Chi"] * 3),
        ("concat(${m}[2]/name, '!')", ["Bình!"] * 3),
        ("../name", ["An", "Bình", "Chi"]),
        ("if(${age} >= 18, 'adult', 'child')", ["adult", "child", "child"]),
    ],
)
def test_expressions_inside_a_member_see_their_own_and_through_the_repeat_all(
    calculation: str, values: list[str]
) -> None:
    talk = family(row("calculate", "x", calculation=calculation))
    assert [talk.values.get(f"m[{at}]/x", "") for at in (1, 2, 3)] == values


def test_what_is_asked_of_a_member_may_depend_on_the_others() -> None:
    talk = family(row("text", "eldest", "Eldest?", relevant="${age} = max(${m}/age)"))
    assert (talk.asks, talk.counted) == ("m[1]/eldest", "3/7")
    talk.say(**{"m[3]/age": "90"})
    assert talk.asks == "m[3]/eldest"


def test_totals_outside_follow_every_member() -> None:
    talk = Talk([
        row("begin repeat", "m", "M"),
        row("integer", "age", "Age?"),
        row("select_one yn", "here", "Here?"),
        row("calculate", "adult", calculation="if(${age} >= 18, 1, 0)"),
        row("end repeat"),
        row("calculate", "adults", calculation="sum(${adult})"),
        row("calculate", "members", calculation="count(${m})"),
        row("calculate", "away", calculation="count(${m}[here = 'no'])"),
        row("text", "who", "Who of ${adults}?", relevant="${adults} > 1"),
    ], YES_NO)  # fmt: skip
    walk(talk, "40", "yes", "+", "30", "no", ".")
    assert talk.ask.label == "Who of 2?"
    assert (talk.values["members"], talk.values["away"]) == ("2", "1")
    talk.say(**{"m[2]/age": "9"})
    assert talk.asks == ""
    talk.remove("m[2]")
    assert (talk.values["members"], talk.values["away"]) == ("1", "0")


def test_a_member_who_does_not_apply_counts_nowhere() -> None:
    talk = Talk([
        row("integer", "limit", "Limit?"),
        row("begin repeat", "m", "M", relevant="position(.) <= ${limit} or ${limit} = ''"),
        row("integer", "age", "Age?"),
        row("end repeat"),
        row("calculate", "sum", calculation="sum(${age})"),
    ])  # fmt: skip
    talk.leave("limit")
    walk(talk, "40", "+", "30", ".")
    assert talk.values["sum"] == "70"
    talk.say(limit="1")
    assert (talk.values["sum"], "m[2]/age" in talk.values) == ("40", False)


def test_labels_of_choices_are_put_into_words_in_every_member() -> None:
    talk = Talk([
        row("begin repeat", "m", "M"),
        row("select_one abc", "q", "Q?"),
        row("text", "say", "So ${w}?"),
        row("calculate", "w", calculation="jr:choice-name(${q}, '${q}')"),
        row("end repeat"),
    ], ABC)  # fmt: skip
    walk(talk, "b")
    assert talk.ask.label == "So B?"
    walk(talk, "x", "+", "c")
    assert talk.ask.label == "So C?"


def test_chance_inside_a_member_is_drawn_for_each_and_stays() -> None:
    talk = Talk([
        row("begin repeat", "m", "M"),
        row("calculate", "lot", calculation="once(random())"),
        row("text", "name", "Name ${lot}?"),
        row("end repeat"),
    ], chance=[0.25, 0.5])  # fmt: skip
    assert talk.ask.label == "Name 0.25?"
    walk(talk, "An", "+")
    assert talk.ask.label == "Name 0.5?"
    talk.remove("m[1]")
    assert talk.ask.label == "Name 0.5?"
    assert talk.state.computed == {"/data/m[1]/lot": 0.5}


# ── headings ────────────────────────────────────────────────────────────────────────────────────────────────


def test_every_member_has_a_heading_and_so_has_a_group_inside() -> None:
    talk = Talk([
        row("begin repeat", "m", "Member ${name}"),
        row("text", "name", "Name?"),
        row("begin group", "work", "Work of ${name}"),
        row("note", "why", "We ask everybody."),
        row("text", "job", "Job?"),
        row("text", "wage", "Wage?"),
        row("end group"),
        row("end repeat"),
        row("note", "bye", "Bye."),
    ])  # fmt: skip
    seen = []
    for value in ("An", "farmer", "1", "+", "Bình", "clerk", "2", "."):
        seen.append(talk.before)
        walk(talk, value)
    assert seen == [
        ("Member",), ("Work of An", "We ask everybody."), (), (),
        ("Member",), ("Work of Bình", "We ask everybody."), (), (),
    ]  # fmt: skip
    assert talk.before == ("Bye.",)
    talk.change("m[1]/name")
    assert talk.before == ("Member An",)


@pytest.mark.parametrize(
    ("label", "group", "first", "name"),
    [
        ("Ông/bà ${name}", "", "x", "Ông/bà An"),
        ("Member", "About ${name}", "x", "About An"),
        ("Member", "About them", "name", "An"),
        ("Member", "", "x", "2"),
    ],
)
def test_a_members_name_is_the_filled_label_of_the_repeat_or_a_group_in_it_or_the_first_text(
    label: str, group: str, first: str, name: str
) -> None:
    questions = [row("text", "name", "N?"), row("text", "x", "X?")]
    talk = Talk([
        row("begin repeat", "m", label),
        row("begin group", "g", **({"label": group} if group else {})),
        *(questions if first == "name" else reversed(questions)),
        row("end group"),
        row("end repeat"),
    ])  # fmt: skip
    talk.say(**{"m[1]/g/name": "An", "m[1]/g/x": "2"})
    assert [each.name for each in talk.another.members] == [name]


def test_a_member_without_a_text_has_no_name() -> None:
    talk = Talk([row("begin repeat", "m", "M"), row("integer", "age", "Age?"), row("end repeat")])
    talk.say(**{"m[1]/age": "8"})
    assert [each.name for each in talk.another.members] == [""]


def test_skipped_answers_of_members_are_kept_apart() -> None:
    talk = household()
    walk(talk, "Lê Lợi", "An", "8", "+")
    talk.do(Leave("/data/member[2]/name", SKIPPED))
    assert talk.result.missing == {"/data/member[2]/name": SKIPPED}
    assert talk.ask.members[0].name == ""
