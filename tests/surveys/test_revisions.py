"""Two versions of a form: what is told of the difference, and what becomes of half-finished interviews."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from surveys.expressions import parse
from surveys.forms import Choice, Form, Group, Item, Kind, Missing, Question, Range, Repeat, Text
from surveys.replies import Offers
from surveys.revisions import Changes, Effect, Moved, What, Why, compare, move, written
from surveys.states import Focus, Pending, State

LANGUAGE = "Tiếng Việt (vi)"


def text(words: str) -> Text:
    return Text({LANGUAGE: (words,)}) if words else Text()


def q(name: str, kind: Kind = Kind.TEXT, label: str | None = None, **more: Any) -> Question:
    """A question; ``choices`` as names, rules as expressions in text."""
    names = more.pop("choices", "").split()
    rules: dict[str, Any] = {
        key: parse(more.pop(key), owner=f"/data/{name}")
        for key in ("relevant", "required", "constraint", "calculation", "choice_filter")
        if key in more
    }
    return Question(
        ref=name,
        name=name,
        kind=kind,
        label=text(name.capitalize() if label is None else label),
        choices=tuple(Choice(each, text(each.upper())) for each in names),
        **rules,
        **more,
    )


def group(name: str, *children: Item, label: str = "") -> Group:
    return Group(ref=name, name=name, children=children, label=text(label))


def repeat(name: str, *children: Item, count: str = "", governed_by: str | None = None) -> Repeat:
    counted = parse(count, owner=f"/data/{name}") if count else None
    return Repeat(ref=name, name=name, children=children, count=counted, governed_by=governed_by)


def form(*items: Item) -> Form:
    """A form of these items, each at its place."""
    return Form("f", "1", "Phiếu", "data", (LANGUAGE,), LANGUAGE, tuple(_at("/data", item) for item in items))


def _at(above: str, item: Item) -> Item:
    ref = f"{above}/{item.name}"
    if isinstance(item, Question):
        return replace(item, ref=ref)
    return replace(item, ref=ref, children=tuple(_at(ref, child) for child in item.children))


def answered(**answers: str) -> State:
    """Answers by path below the root, ``__`` for ``/``."""
    return State({"/data/" + name.replace("__", "/"): value for name, value in answers.items()})


def at(answers: Mapping[str, str]) -> State:
    return State({f"/data/{path}": value for path, value in answers.items()})


def told(changes: Changes) -> list[tuple[What, str, Effect]]:
    return [(one.what, one.name, one.effect) for one in changes.all]


def outcome(moved: Moved) -> tuple[dict[str, str], dict[str, Why], tuple[str, ...]]:
    return dict(moved.state.answers), dict(moved.again), moved.dropped


A = q("a")
ONE = q("one", Kind.SELECT_ONE, choices="x y z")
MANY = q("many", Kind.SELECT_MULTIPLE, choices="x y z")


# ── what changed ────────────────────────────────────────────────────────────────────────────────────────────


def test_a_form_compared_with_itself_has_no_changes() -> None:
    same = form(A, group("g", ONE, label="Phần"), repeat("m", MANY))
    assert not compare(same, same)


def test_questions_that_come_are_asked_and_those_that_go_are_dropped() -> None:
    changes = compare(form(A, ONE), form(ONE, MANY))
    assert told(changes) == [(What.ADDED, "many", Effect.ASKED), (What.REMOVED, "a", Effect.DROPPED)]
    assert changes.names(Effect.DROPPED) == ("a",)


def test_a_question_of_another_name_with_the_same_words_is_told_as_renamed() -> None:
    (change,) = compare(form(A), form(q("b", label="A"))).all
    assert (change.what, change.effect, change.before, change.after) == (
        What.RENAMED,
        Effect.DROPPED,
        "a",
        "b",
    )


def test_a_question_put_into_a_group_has_moved_and_keeps_its_answers() -> None:
    changes = compare(form(A, ONE), form(A, group("g", ONE, label="Phần")))
    assert told(changes) == [(What.ADDED, "g", Effect.NONE), (What.MOVED, "one", Effect.NONE)]
    assert (changes.all[1].before, changes.all[1].after) == ("", "g")


def test_of_questions_that_changed_places_only_the_one_that_jumped_is_told() -> None:
    b, c, d = q("b"), q("c"), q("d")
    assert told(compare(form(A, b, c, d), form(d, A, b, c))) == [(What.MOVED, "d", Effect.NONE)]


def test_a_question_taken_out_of_a_repeat_is_another_question() -> None:
    changes = compare(form(repeat("m", A, ONE)), form(repeat("m", ONE), q("a", label="Khác")))
    assert told(changes) == [(What.ADDED, "a", Effect.ASKED), (What.REMOVED, "a", Effect.DROPPED)]


def test_labels_and_hints_are_compared_in_every_language() -> None:
    old = replace(A, label=Text({"vi": ("Tuổi",), "en": ("Age",)}))
    new = replace(A, label=Text({"vi": ("Tuổi",), "en": ("Your age",)}), hint=Text({"vi": ("Tròn năm",)}))
    assert [(one.what, one.detail, one.before, one.after) for one in compare(form(old), form(new)).all] == [
        (What.LABEL, "en", "Age", "Your age"),
        (What.HINT, "vi", "", "Tròn năm"),
    ]


@pytest.mark.parametrize(
    ("old", "new", "effect"),
    [
        (q("a", Kind.INTEGER), q("a"), Effect.AGAIN),
        (q("a", Kind.INTEGER), q("a", Kind.DECIMAL), Effect.NONE),
        (q("a", Kind.DECIMAL), q("a", Kind.INTEGER), Effect.AGAIN),
        (q("a", Kind.DATE), q("a", Kind.DATE, appearance="month-year"), Effect.NONE),
        (q("a", Kind.DATE, appearance="month-year"), q("a", Kind.DATE), Effect.AGAIN),
        (q("a"), q("a", appearance="phone"), Effect.AGAIN),
        (q("a"), q("a", Kind.CALCULATE, calculation="1 + 1"), Effect.DROPPED),
        (q("a", Kind.HIDDEN), q("a"), Effect.ASKED),
    ],
)
def test_another_type_is_asked_again_unless_it_takes_every_value(
    old: Question, new: Question, effect: Effect
) -> None:
    changes = [one for one in compare(form(old), form(new)).all if one.what is What.TYPE]
    assert [one.effect for one in changes] == [effect]


def test_choices_that_come_go_and_are_worded_anew_are_told() -> None:
    new = q("one", Kind.SELECT_ONE, choices="x y w")
    new = replace(new, choices=(replace(new.choices[0], label=text("Ít")), *new.choices[1:]))
    found = compare(form(ONE), form(new)).all
    assert [(one.what, one.detail, one.effect) for one in found] == [
        (What.CHOICE_REMOVED, "z", Effect.SOME_AGAIN),
        (What.CHOICE_LABEL, "x", Effect.NONE),
        (What.CHOICE_ADDED, "w", Effect.NONE),
    ]


def test_conditions_are_told_as_the_author_wrote_them() -> None:
    old = q("a", relevant=" /data/one  = 'x'", required="true()")
    new = q("a", relevant=" /data/one  = 'y'", constraint=". != ''", required=" /data/one  = 'x'")
    found = compare(form(ONE, old), form(ONE, new)).all
    assert [(one.what, one.before, one.after, one.effect) for one in found] == [
        (What.RELEVANT, "${one} = 'x'", "${one} = 'y'", Effect.DEPENDS),
        (What.REQUIRED, "true()", "${one} = 'x'", Effect.AT_SUBMISSION),
        (What.CONSTRAINT, "", ". != ''", Effect.AT_SUBMISSION),
    ]


def test_a_condition_on_a_question_that_moved_is_the_same_condition() -> None:
    old = form(ONE, q("a", relevant=" /data/one  = 'x'"))
    new = form(group("g", ONE), q("a", relevant=" /data/g/one  = 'x'"))
    assert told(compare(old, new)) == [(What.MOVED, "one", Effect.NONE)]


@pytest.mark.parametrize(
    ("source", "author"),
    [
        (" /data/member/age  > 15", "${age} > 15"),
        (" ../age  + 1", "${age} + 1"),
        ("../age + 1", "${age} + 1"),
        (" /data/a  and ( /data/b ) = 1", "${a} and (${b}) = 1"),
        (" current()/../../tinh  = 'x'", "${tinh} = 'x'"),
        ("join(',',  /data/g/member /ten)", "join(',', ${member}/ten)"),
        ("selected( /data/a ,'b/c')", "selected(${a},'b/c')"),
        (". >= 0 and . <= 120", ". >= 0 and . <= 120"),
    ],
)
def test_paths_are_told_by_the_names_an_author_knows(source: str, author: str) -> None:
    assert written(source) == author


# ── half-finished interviews ────────────────────────────────────────────────────────────────────────────────


def test_answers_move_by_name_into_other_groups_and_out_of_them() -> None:
    old = form(A, group("g", ONE))
    new = form(group("h", A), ONE)
    assert outcome(move(old, new, answered(a="Lan", g__one="x"))) == (
        {"/data/h/a": "Lan", "/data/one": "x"},
        {},
        (),
    )


def test_of_two_questions_of_one_name_only_those_at_their_place_keep_their_answers() -> None:
    old = form(group("g", A), group("h", A))
    new = form(group("g", A), group("i", A))
    assert outcome(move(old, new, answered(g__a="1", h__a="2"))) == (
        {"/data/g/a": "1", "/data/i/a": "2"},
        {},
        (),
    )
    three = form(group("i", A), group("j", A))
    assert outcome(move(old, three, answered(g__a="1", h__a="2")))[2] == ("/data/g/a", "/data/h/a")


def test_what_is_not_asked_any_more_is_dropped() -> None:
    new = form(q("a", Kind.CALCULATE, calculation="1"))
    assert outcome(move(form(A, ONE), new, answered(a="1", one="x"))) == ({}, {}, ("/data/a", "/data/one"))


@pytest.mark.parametrize(
    ("old", "new", "value", "why"),
    [
        (q("a", Kind.INTEGER), q("a"), "5", Why.TYPE),
        (q("a", Kind.INTEGER), q("a", Kind.DECIMAL), "5", None),
        (ONE, q("one", Kind.SELECT_ONE, choices="x y"), "z", Why.CHOICE),
        (ONE, q("one", Kind.SELECT_ONE, choices="x y"), "x", None),
        (ONE, q("one", Kind.SELECT_MULTIPLE, choices="x y"), "x", None),
        (MANY, q("many", Kind.SELECT_MULTIPLE, choices="x y"), "x z", Why.CHOICE),
        (q("r", Kind.RANK, choices="x y"), q("r", Kind.RANK, choices="x y z"), "y x", Why.CHOICE),
    ],
)
def test_an_answer_that_fits_no_more_is_asked_again(
    old: Question, new: Question, value: str, why: Why | None
) -> None:
    moved = move(form(old), form(new), answered(**{old.name: value}))
    assert moved.again == ({f"/data/{old.name}": why} if why else {})
    assert moved.state.answers == ({} if why else {f"/data/{old.name}": value})


@pytest.mark.parametrize(("value", "fits"), [("4", True), ("5", False), ("12", False), ("-2", False)])
def test_a_number_outside_of_a_new_range_is_asked_again(value: str, fits: bool) -> None:
    wide = q("r", Kind.RANGE, range=Range(Decimal(-5), Decimal(20), Decimal(1)))
    narrow = q("r", Kind.RANGE, range=Range(Decimal(0), Decimal(10), Decimal(2)))
    assert move(form(wide), form(narrow), answered(r=value)).again == ({} if fits else {"/data/r": Why.RANGE})


def test_what_was_skipped_is_asked_again_once_it_is_required() -> None:
    state = State(missing={"/data/a": Missing.SKIPPED})
    assert move(form(A), form(A), state).again == {}
    assert move(form(A), form(q("a", required="true()")), state).again == {"/data/a": Why.REQUIRED}


def test_dont_know_is_asked_again_where_it_is_not_offered_any_more() -> None:
    state = State(missing={"/data/a": Missing.DONT_KNOW})
    assert move(form(A), form(A), state).again == {}
    assert move(form(A), form(A), state, offers={"a": Offers(dont_know=True)}).again == {}
    assert move(form(A), form(A), state, offers={}).again == {"/data/a": Why.NOT_OFFERED}


def test_members_keep_their_answers_when_their_repeat_moves_into_a_group() -> None:
    old = form(repeat("m", A, repeat("n", ONE)))
    new = form(group("g", repeat("m", group("h", A), repeat("n", ONE))))
    state = replace(
        at({"m[1]/a": "Lan", "m[2]/a": "Hà", "m[2]/n[1]/one": "x", "m[2]/n[3]/one": "y"}),
        counts={"/data/m": 2, "/data/m[2]/n": 3},
        closed=frozenset({"/data/m", "/data/m[2]/n"}),
        removals=4,
    )
    moved = move(old, new, state).state
    assert moved.answers == {
        "/data/g/m[1]/h/a": "Lan",
        "/data/g/m[2]/h/a": "Hà",
        "/data/g/m[2]/n[1]/one": "x",
        "/data/g/m[2]/n[3]/one": "y",
    }
    assert moved.counts == {"/data/g/m": 2, "/data/g/m[2]/n": 3}
    assert moved.closed == {"/data/g/m", "/data/g/m[2]/n"}
    assert moved.removals == 4


def test_answers_never_wander_from_the_members_of_one_repeat_to_those_of_another() -> None:
    old = form(repeat("m", A), repeat("n", ONE))
    new = form(repeat("m", MANY), repeat("n", ONE, A))
    assert outcome(move(old, new, at({"m[1]/a": "Lan"}))) == ({}, {}, ("/data/m[1]/a",))


def test_members_that_were_counted_are_still_there_when_nobody_counts_them_any_more() -> None:
    number = q("k", Kind.INTEGER)
    old = form(number, repeat("m", A, count="/data/k", governed_by="/data/k"))
    state = at({"k": "2", "m[1]/a": "Lan", "m[2]/a": "Hà", "m[3]/a": "của trước đây"})
    assert move(old, form(repeat("m", A)), state).state.counts == {"/data/m": 2}


def test_members_that_are_counted_now_are_told_by_the_answer_alone() -> None:
    new = form(q("k", Kind.INTEGER), repeat("m", A, count="/data/k", governed_by="/data/k"))
    state = replace(at({"m[1]/a": "Lan"}), counts={"/data/m": 1}, closed=frozenset({"/data/m"}))
    moved = move(form(repeat("m", A)), new, state).state
    assert (moved.counts, moved.closed, moved.answers) == ({}, frozenset(), state.answers)


def test_the_focus_stays_on_what_is_still_there() -> None:
    old, new = form(A, ONE), form(group("g", A))
    focused = replace(answered(a="1"), focus=Focus("/data/a", ("x",), Pending("answer", "/data/a", "2")))
    moved = move(old, new, focused).state.focus
    assert moved == Focus("/data/g/a", ("x",), Pending("answer", "/data/g/a", "2"))
    assert move(old, new, replace(focused, focus=Focus("/data/one"))).state.focus is None
    assert move(old, new, replace(focused, focus=Focus(None))).state.focus == Focus(None)


def test_hidden_fields_come_along_and_new_ones_are_given() -> None:
    old, new = form(q("x", Kind.HIDDEN), q("y", Kind.HIDDEN)), form(q("x", Kind.HIDDEN), q("z", Kind.HIDDEN))
    state = State(hidden={"x": "1", "y": "2"})
    assert move(old, new, state, hidden={"x": "9", "z": "3"}).state.hidden == {"x": "1", "z": "3"}


def test_results_of_chance_come_along_unless_they_would_be_worked_out_otherwise() -> None:
    def drawn(rule: str) -> Form:
        return form(q("luck", Kind.CALCULATE, calculation=rule))

    state = State(computed={"/data/luck": 0.25})
    assert move(drawn("random()"), drawn("random()"), state).state.computed == {"/data/luck": 0.25}
    assert move(drawn("random()"), drawn("random() * 2"), state).state.computed == {}


# ── whatever the forms and the answers ──────────────────────────────────────────────────────────────────────

NAMES = st.sampled_from("abcdef")


def questions(name: str) -> st.SearchStrategy[Question]:
    return st.sampled_from(
        [
            q(name),
            q(name, required="true()"),
            q(name, Kind.INTEGER),
            q(name, Kind.SELECT_ONE, choices="x y"),
            q(name, Kind.SELECT_MULTIPLE, choices="x z"),
            q(name, Kind.NOTE),
            q(name, Kind.CALCULATE, calculation="1"),
        ]
    )


@st.composite
def forms(draw: st.DrawFn, depth: int = 2) -> Form:
    return form(*draw(items(depth)))


@st.composite
def items(draw: st.DrawFn, depth: int) -> list[Item]:
    found: list[Item] = [draw(questions(name)) for name in draw(st.lists(NAMES, max_size=4, unique=True))]
    if depth:
        for name in draw(st.lists(st.sampled_from("ghm"), max_size=2, unique=True)):
            make = group if name != "m" else repeat
            found.append(make(name, *draw(items(depth - 1))))
    return draw(st.permutations(found))


@st.composite
def states(draw: st.DrawFn, of: Form) -> State:
    """Some answers to questions of ``of``, inside repeats for a few members."""
    answers, missing, counts = {}, {}, {}
    repeats = {item.ref for item in of.items() if isinstance(item, Repeat)}
    for item in of.items():
        ref, steps = "", item.ref.split("/")[1:]
        for index, step in enumerate(steps):
            ref += f"/{step}"
            if "/" + "/".join(steps[: index + 1]) in repeats and index < len(steps) - 1:
                ref += f"[{draw(st.integers(1, 3))}]"
        if isinstance(item, Repeat):
            counts[ref] = draw(st.integers(0, 3))
        elif isinstance(item, Question) and item.kind not in (Kind.NOTE, Kind.CALCULATE):
            if draw(st.booleans()):
                answers[ref] = draw(st.sampled_from(["x", "y", "x z", "7"]))
            elif draw(st.booleans()):
                missing[ref] = draw(st.sampled_from(list(Missing)))
    focus = draw(st.sampled_from([None, Focus(None), *map(Focus, answers)]))
    return State(answers, missing, focus=focus, counts=counts, closed=frozenset(counts))


@given(st.data())
def test_an_interview_moved_to_the_same_form_is_the_same(data: st.DataObject) -> None:
    same = data.draw(forms())
    state = data.draw(states(same))
    # Values that the form would never have taken are none that move could meet.
    fitting = {ref: value for ref, value in state.answers.items() if ref not in move(same, same, state).again}
    state = replace(state, answers=fitting, focus=None)
    moved = move(same, same, state)
    assert moved.state == state
    assert (moved.again, moved.dropped) == ({}, ())


@given(st.data())
def test_every_answer_is_kept_asked_again_or_dropped_and_nobody_starts_over(data: st.DataObject) -> None:
    old, new = data.draw(forms()), data.draw(forms())
    state = replace(data.draw(states(old)), missing={})
    moved = move(old, new, state)
    assert sorted(moved.kept) == sorted(moved.state.answers)
    assert not set(moved.kept) & set(moved.again)
    assert len(state.answers) == len(moved.kept) + len(moved.again) + len(moved.dropped)
    asked = {question.ref for question in new.questions()}
    assert {_template(ref) for ref in (*moved.kept, *moved.again)} <= asked
    assert set(moved.dropped) <= set(state.answers)


@given(forms(), forms())
def test_any_two_forms_can_be_compared_both_ways(old: Form, new: Form) -> None:
    there, back = compare(old, new), compare(new, old)
    assert bool(there) == bool(back)


def _template(ref: str) -> str:
    return "".join(part.rpartition("]")[2] if "]" in part else part for part in ref.split("["))
