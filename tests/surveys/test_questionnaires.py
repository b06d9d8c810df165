"""What follows from a form alone: the order of its rules, what depends on what, what can't be ordered."""

from __future__ import annotations

import pytest

from surveys.expressions import ExpressionError, parse
from surveys.forms import Form, Item, Kind, Question, Repeat
from surveys.interview import Questionnaire
from tests.forms.build import row
from tests.surveys.talk import YES_NO, questionnaire


def calculated(ref: str, source: str) -> Question:
    name = ref.rpartition("/")[2]
    return Question(ref, name, Kind.CALCULATE, calculation=parse(source, owner=ref))


def form(*items: Item) -> Form:
    return Form("f", "1", "F", "data", ("vi",), "vi", items)


def member(*items: Item, count: str | None = None) -> Repeat:
    counted = parse(count, owner="/data/m") if count else None
    return Repeat("/data/m", "m", items, count=counted)


def ranks(about: Questionnaire) -> list[str]:
    return [rule.key.removeprefix("/data/") for rule in about.ranked]


def test_what_is_worked_out_comes_after_what_it_reads_and_members_after_their_number() -> None:
    about = questionnaire([
        row("calculate", "adults", calculation="sum(${adult})"),
        row("begin repeat", "m", "M", repeat_count="${n} + ${more}"),
        row("integer", "age", "Age?"),
        row("calculate", "adult", calculation="if(${age} > 17, 1, 0)"),
        row("end repeat"),
        row("calculate", "more", calculation="if(${n} > 3, 1, 0)"),
        row("integer", "n", "N?", relevant="${yes} = 'yes'"),
        row("select_one yn", "yes", "Yes?"),
    ], YES_NO)  # fmt: skip
    order = ranks(about)
    assert order.index("n") < order.index("more") < order.index("m#") < order.index("m/adult")
    assert order.index("m/adult") < order.index("adults")


@pytest.mark.parametrize(
    "items",
    [
        (calculated("/data/a", "../b"), calculated("/data/b", "../a")),
        (member(calculated("/data/m/a", "../b"), calculated("/data/m/b", "../a")),),
        # as in ODK's engines, also by way of another member
        (
            member(
                calculated("/data/m/a", "/data/m[position() = 1]/b"),
                calculated("/data/m/b", "/data/m[position() = 1]/a"),
            ),
        ),
    ],
)
def test_rules_that_depend_on_each_other_are_refused_with_the_way_around(items: tuple[Item, ...]) -> None:
    with pytest.raises(ExpressionError) as refused:
        Questionnaire(form(*items))
    assert refused.value.code == "cycle"
    path = refused.value.params["path"]
    assert isinstance(path, list) and path[0] == path[-1] and len(path) == 3


def test_a_number_of_members_may_depend_on_the_members() -> None:
    name = Question("/data/m/name", "name", Kind.TEXT)
    about = Questionnaire(form(member(name, count="count(/data/m[name != '']) + 1")))
    assert about.loose == {"/data/m#"}
    assert "/data/m/name" in about.structural


def test_a_default_and_what_reads_a_whole_group_are_ordered_as_far_as_that_goes() -> None:
    about = questionnaire([
        row("integer", "a", "A?", default="${c}"),
        row("calculate", "c", calculation="1 + 1"),
        row("integer", "x", "X?", default="${y}"),
        row("calculate", "y", calculation="${x} + 1"),
    ])  # fmt: skip
    order = ranks(about)
    assert order.index("c") < order.index("a")
    assert order.index("x") < order.index("y")


def test_an_answer_in_a_member_reaches_that_members_rules_and_what_reads_all() -> None:
    about = questionnaire([
        row("begin repeat", "m", "M"),
        row("integer", "age", "Age?"),
        row("calculate", "adult", calculation="if(${age} > 17, 1, 0)"),
        row("end repeat"),
        row("calculate", "adults", calculation="sum(${adult})"),
    ])  # fmt: skip
    reached = {read.key: read.together for read in about.reach["/data/m/age"].rules}
    assert reached == {"/data/m/adult": 1}
    assert {read.key: read.together for read in about.reach["/data/m/adult"].rules} == {"/data/adults": 0}
    assert about.reached(["/data/m/age"]) == {"/data/m/adult", "/data/adults"}
    assert about.structural == frozenset()


def test_what_changes_how_many_there_are_is_known_beforehand() -> None:
    about = questionnaire([
        row("integer", "n", "N?"),
        row("calculate", "c", calculation="${n} * 2"),
        row("text", "t", "T?"),
        row("begin repeat", "m", "M", repeat_count="${c}"),
        row("text", "x", "X?"),
        row("end repeat"),
    ])  # fmt: skip
    assert "/data/n" in about.structural
    assert not about.structural & {"/data/t", "/data/m/x"}


def test_a_questionnaire_of_many_questions_is_ready_at_once() -> None:
    items = tuple(
        calculated(f"/data/q{at}", f"/data/q{at - 1} + /data/q{at // 2}" if at > 1 else "1")
        for at in range(2_000)
    )
    about = Questionnaire(form(*items))
    assert len(about.ranked) == 2_000
