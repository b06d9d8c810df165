"""What holds for every form and every course of an interview, held against a slow walk written for the test.

Forms are made of everything that can depend on something: relevance of questions and groups, calculations,
constraints, requirements, choice filters, defaults, texts with references. Events come in any order, most of
them fitting what is asked, many not.
"""

from __future__ import annotations

import math
import random
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta, timezone

import msgspec
import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from surveys.expressions import Expression, Node, Scope, Table, parse, store
from surveys.forms import ASKED, Choice, Form, Group, Item, Kind, Missing, Question, Repeat, Text
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
    Line,
    Questionnaire,
    Review,
    ShowReview,
    State,
    Step,
    Submit,
    Submitted,
    Toggle,
    Typed,
    begin,
    prompt,
    result,
    step,
    wording,
)
from surveys.replies import Offers

NOW = datetime(2026, 6, 1, 9, tzinfo=timezone(timedelta(hours=7)))
VI, EN = "Tiếng Việt (vi)", "English (en)"
ROOT = "/data"
TYPES = {
    Kind.SELECT_ONE: "select1",
    Kind.SELECT_MULTIPLE: "select",
    Kind.INTEGER: "int",
    Kind.DECIMAL: "decimal",
    Kind.DATE: "date",
}


def context() -> Context:
    """A moment in which chance never says the same twice."""
    return Context(
        now=NOW,
        language="vi",
        match=lambda pattern, text: re.fullmatch(pattern, text) is not None,
        rng=random.Random(1).random,
    )


CONTEXT = context()

# ── forms ───────────────────────────────────────────────────────────────────────────────────────────────────

CHOICES = tuple(
    Choice(name, Text({VI: (name.upper(),), EN: (f"choice {name}",)}), {"of": of})
    for name, of in (("a", "a"), ("b", "a"), ("c", "b"), ("1", "b"))
)
TESTS = (
    "{a} = 'a'",
    "{a} != ''",
    "{a} = ''",
    "{a} > 3",
    "selected({a}, 'b')",
    "not({a} = 'a' or {b} = '1')",
    "{a} = {b}",
    "{a} != '' and {b} != 'a'",
    "count-non-empty({group}*) > 1",
    "string-length({a}) > 1",
    "{a}",
)
CALCULATIONS = (
    "{a}",
    "concat({a}, '-', {b})",
    "{a} + 1",
    "if({a} = 'a', 'a', {b})",
    "count-selected({a})",
    "count-non-empty({group}*)",
    "{a} = 'a'",
    "once({a})",
    "once(random())",
    "random() + count-selected({a})",
    "string(today())",
)
CONSTRAINTS = (
    ". != 'a'",
    ". != {a}",
    "string-length(.) < 4",
    ". > 2 or {a} = ''",
    "count-selected(.) < 3",
    "{a} != 'b'",
)
KINDS = (
    *(Kind.SELECT_ONE, Kind.SELECT_ONE, Kind.SELECT_ONE, Kind.SELECT_MULTIPLE, Kind.SELECT_MULTIPLE),
    *(Kind.TEXT, Kind.INTEGER, Kind.DECIMAL, Kind.DATE, Kind.NOTE, Kind.CALCULATE, Kind.HIDDEN),
)
DEFAULTS = {
    Kind.SELECT_ONE: "b",
    Kind.SELECT_MULTIPLE: "a c",
    Kind.INTEGER: "7",
    Kind.DECIMAL: "2.50",
    Kind.TEXT: "lời",
    Kind.DATE: "2026-05-01",
}


@dataclass
class Sketch:
    """What is drawn of a form, so that a failing one can be read: a line an item."""

    lines: list[str] = field(default_factory=list)
    refs: list[str] = field(default_factory=list)
    """What may be read: the references of every leaf so far."""
    selects: list[str] = field(default_factory=list)
    groups: list[str] = field(default_factory=lambda: [f"{ROOT}/"])


@st.composite
def forms(draw: st.DrawFn) -> Form:
    sketch = Sketch()
    children = _children(draw, sketch, ROOT, 0)
    return Form(
        id="f", version="1", title="F", root="data", languages=(VI, EN), default_language=VI,
        children=children, lists={"list": CHOICES},
    )  # fmt: skip


def _children(draw: st.DrawFn, sketch: Sketch, path: str, depth: int) -> tuple[Group | Question, ...]:
    made: list[Group | Question] = []
    for _ in range(draw(st.integers(3, 8) if depth == 0 else st.integers(1, 3))):
        number = len(sketch.lines)
        sketch.lines.append("")
        if depth < 2 and draw(st.integers(0, 4)) == 0:
            ref = f"{path}/g{number}"
            relevant = _maybe(draw, sketch, ref, TESTS)
            inside = _children(draw, sketch, ref, depth + 1)
            sketch.groups.append(f"{ref}/")
            label = _text(draw, sketch, f"group {number}", ref) if draw(st.booleans()) else Text()
            made.append(Group(ref, f"g{number}", inside, label, relevant))
        else:
            made.append(_question(draw, sketch, f"{path}/q{number}", f"q{number}"))
    return tuple(made)


def _question(draw: st.DrawFn, sketch: Sketch, ref: str, name: str) -> Question:
    kind = draw(st.sampled_from(KINDS))
    asked = kind in ASKED
    worked_out = kind is Kind.CALCULATE or (asked and draw(st.integers(0, 7)) == 0)
    read_only = kind is Kind.NOTE or (asked and draw(st.integers(0, 9)) == 0)
    calculation = None
    if worked_out and sketch.refs:
        calculation = _expression(draw, sketch, ref, CALCULATIONS)
        read_only = read_only or draw(st.booleans())
    select = kind in (Kind.SELECT_ONE, Kind.SELECT_MULTIPLE)
    filtered = select and bool(sketch.refs) and draw(st.booleans())
    required = draw(st.sampled_from(["", "true()", "test"])) if asked else ""
    made = Question(
        ref=ref,
        name=name,
        kind=kind,
        label=_text(draw, sketch, name, ref) if kind is not Kind.CALCULATE else Text(),
        hint=Text({VI: (f"gợi ý {name}",)}) if draw(st.booleans()) else Text(),
        choices=CHOICES if select else (),
        list_name="list" if select else "",
        choice_filter=_expression(draw, sketch, ref, ("of = {a}", "of = {a} or name = 'c'"), "list")
        if filtered
        else None,
        relevant=_maybe(draw, sketch, ref, TESTS),
        required=parse("true()", owner=ref)
        if required == "true()" or (required and not sketch.refs)
        else _expression(draw, sketch, ref, TESTS)
        if required
        else None,
        constraint=_maybe(draw, sketch, ref, CONSTRAINTS) if asked else None,
        constraint_message=Text({VI: ("không được",)}),
        calculation=calculation,
        read_only=read_only,
        default=DEFAULTS[kind] if asked and draw(st.integers(0, 3)) == 0 else None,
        type=TYPES.get(kind, "string"),
    )
    sketch.refs.append(ref)
    if select:
        sketch.selects.append(ref)
    return made


def _maybe(draw: st.DrawFn, sketch: Sketch, owner: str, patterns: Sequence[str]) -> Expression | None:
    if not sketch.refs or draw(st.booleans()):
        return None
    return _expression(draw, sketch, owner, patterns)


def _expression(
    draw: st.DrawFn, sketch: Sketch, owner: str, patterns: Sequence[str], table: str | None = None
) -> Expression:
    """An expression over what stands before ``owner``; a group is read only when it is complete."""
    source = draw(st.sampled_from(patterns)).format(
        a=draw(st.sampled_from((sketch.selects if table else []) or sketch.refs)),
        b=draw(st.sampled_from(sketch.refs)),
        group=draw(st.sampled_from(sketch.groups[1:] or [f"{ROOT}/none/"])),
    )
    return parse(source, owner=owner, table=table)


def _text(draw: st.DrawFn, sketch: Sketch, words: str, owner: str) -> Text:
    """Vietnamese always, English sometimes; with a reference sometimes."""
    if not sketch.refs or draw(st.integers(0, 2)):
        return Text({VI: (f"{words}?",), **({EN: (f"{words} in English?",)} if draw(st.booleans()) else {})})
    shown = parse(draw(st.sampled_from(sketch.refs)), owner=owner)
    return Text({VI: (f"{words} ", shown, "?"), EN: (f"{words} in English ", shown)})


# ── events ──────────────────────────────────────────────────────────────────────────────────────────────────

VALUES = (
    "a", "b", "c", "1", "a b", "c a", "1 a b c", "zz", "5", "2", "-3", "+07", "2.5", ".50", "1e3",
    "2026-05-31", "2026-02-30", "2026-W01-1", "", "  ", "lời dài hơn", "không", "\ud800", "x" * 4_001,
)  # fmt: skip
SAID = (
    "A", "1", "2", "1, 3", "5", "31/5/2026", "không biết", "không muốn trả lời", "bỏ qua", "quay lại", "gửi",
    "xem lại", "giữ nguyên", "sửa 2", "?", "", "lời", "choice b", "/trogiup", "x" * 20_000,
)  # fmt: skip
FITTING = {
    Kind.INTEGER: ("5", "2", "0"),
    Kind.DECIMAL: ("2.5", "4"),
    Kind.TEXT: ("a", "b", "xyz", "5"),
    Kind.DATE: ("2026-05-31", "2025-01-01"),
}

Move = Callable[[Questionnaire, State], Event]
"""What somebody does, given what is asked."""


def _fitting(place: int) -> Move:
    """The answer that fits what is asked now, the ``place``-th of them; or on with it."""

    def move(questionnaire: Questionnaire, state: State) -> Event:
        now = prompt(questionnaire, state, CONTEXT)
        if not isinstance(now, Ask):
            return Submit() if isinstance(now, Review) and not now.open else Keep()
        fitting = FITTING.get(now.kind) or tuple(choice.name for choice in now.choices)
        if now.kind is Kind.SELECT_MULTIPLE:
            fitting = (*fitting, " ".join(fitting[:2]))
        return Answer(now.ref, fitting[place % len(fitting)])

    return move


def _otherwise(place: int, choice: int) -> Move:
    """Another answer, of the right kind, to a question that was answered or left out before."""

    def move(questionnaire: Questionnaire, state: State) -> Event:
        done = [*state.answers, *state.missing]
        if not done:
            return _fitting(choice)(questionnaire, state)
        ref = done[place % len(done)]
        kind = questionnaire.leaves[ref].question.kind
        fitting = FITTING.get(kind, ("a", "b", "c", "1"))
        return Answer(ref, fitting[choice % len(fitting)])

    return move


def _at(place: int, make: Callable[[str], Event]) -> Move:
    """Something about the ``place``-th question of the form, whatever it is."""

    def move(questionnaire: Questionnaire, state: State) -> Event:
        refs = [*questionnaire.leaves, "/data/nobody"]
        return make(refs[place % len(refs)])

    return move


def _just(made: Event) -> Move:
    return lambda questionnaire, state: made


PLACES = st.integers(0, 30)
MOVES: st.SearchStrategy[Move] = st.one_of(
    st.builds(_fitting, PLACES),
    st.builds(_fitting, PLACES),
    st.builds(_fitting, PLACES),
    st.builds(_otherwise, PLACES, PLACES),
    st.builds(_otherwise, PLACES, PLACES),
    st.builds(lambda p, v: _at(p, lambda ref: Answer(ref, v)), PLACES, st.sampled_from(VALUES)),
    st.builds(lambda p, c: _at(p, lambda ref: Toggle(ref, c)), PLACES, st.sampled_from("abc1z")),
    st.builds(lambda p, m: _at(p, lambda ref: Leave(ref, m)), PLACES, st.sampled_from(Missing)),
    st.builds(lambda p, make: _at(p, make), PLACES, st.sampled_from([Done, Change, Keep])),
    st.builds(lambda text: _just(Typed(text)), st.sampled_from(SAID)),
    st.builds(lambda p, t: _at(p, lambda ref: Typed(t, ref)), PLACES, st.sampled_from(SAID)),
    st.builds(lambda n: _just(ChangeNumber(n)), st.integers(-1, 9)),
    st.sampled_from([_just(Keep()), _just(Back()), _just(ShowReview()), _just(Submit())]),
)


@dataclass(frozen=True)
class Course:
    """An interview as it went: before, what was done, what came of it."""

    questionnaire: Questionnaire
    context: Context
    taken: tuple[tuple[State, Event, Step], ...]

    @property
    def last(self) -> State:
        return self.taken[-1][2].state


@st.composite
def courses(draw: st.DrawFn, at_most: int = 18) -> Course:
    form = draw(forms())
    names = [question.name for question in form.questions() if question.kind in ASKED]
    offers = {name: Offers(draw(st.booleans()), draw(st.booleans())) for name in names}
    questionnaire = Questionnaire(form, offers)
    hidden = [question.name for question in form.questions() if question.kind is Kind.HIDDEN]
    given_names = draw(st.lists(st.sampled_from(hidden), unique=True)) if hidden else []
    about = context()
    state = begin(questionnaire, dict.fromkeys(given_names, "a"), about)
    taken = []
    for move in draw(st.lists(MOVES, min_size=at_most // 3, max_size=at_most)):
        made = move(questionnaire, state)
        done = step(questionnaire, state, made, about)
        taken.append((state, made, done))
        state = done.state
    return Course(questionnaire, about, tuple(taken))


# ── the slow walk ───────────────────────────────────────────────────────────────────────────────────────────


class Walk:
    """Everything worked out from the front to the back, as the ODK XForms specification says, nothing saved.

    Forms here read only what stands before, so the order of the form is an order of evaluation.
    """

    def __init__(self, questionnaire: Questionnaire, state: State) -> None:
        self.form, self.state = questionnaire.form, state
        self.told = [ref for ref, leaf in questionnaire.leaves.items() if leaf.told and not leaf.asked]
        self.root = Node("", type="root")
        self.nodes = {ROOT: Node("data", type="group", parent=self.root)}
        self.leaves: list[Question] = []
        self.lists = {"list": Table([{"name": one.name, **one.columns} for one in CHOICES])}
        self._build(self.form.children, ROOT)
        self._evaluate(self.form.children)

    def _build(self, children: Sequence[Item], parent: str) -> None:
        for item in children:
            assert not isinstance(item, Repeat)
            type = "group" if isinstance(item, Group) else item.type
            node = self.nodes[item.ref] = Node(item.name, type=type, parent=self.nodes[parent])
            if isinstance(item, Group):
                self._build(item.children, item.ref)
                continue
            self.leaves.append(item)
            if item.kind is Kind.HIDDEN:
                value = self.state.hidden.get(item.name, "")
            elif self.answers(item):
                open_ = item.ref not in self.state.missing
                # A default that was not offered when it was come to is gone.
                stands = str(self.state.computed.get(item.ref, item.default or ""))
                value = self.state.answers.get(item.ref, stands if open_ else "")
            else:
                value = item.default or ""
            node.value = store(value, item.type, NOW.tzinfo or UTC)

    def _evaluate(self, children: Sequence[Item]) -> None:
        for item in children:
            assert not isinstance(item, Repeat)
            node = self.nodes[item.ref]
            if item.relevant is not None:
                node.relevant = item.relevant.true(self.scope(node))
            if isinstance(item, Group):
                self._evaluate(item.children)
            elif item.calculation is not None:
                kept = self.state.computed.get(item.ref)
                value = item.calculation.evaluate(self.scope(node)) if kept is None else kept
                node.value = store(value, item.type, NOW.tzinfo or UTC)

    def scope(self, node: Node, current: Node | None = None) -> Scope:
        return Scope(
            node,
            self.root,
            now=NOW,
            rng=CONTEXT.rng,
            match=CONTEXT.match,
            instances=self.lists,
            current=current,
        )

    def answers(self, question: Question) -> bool:
        """Whether a person answers it."""
        return question.kind in ASKED and not question.read_only and question.calculation is None

    def relevant(self, ref: str) -> bool:
        return self.nodes[ref].is_relevant()

    def offered(self, question: Question) -> list[str]:
        """The names of the choices that the filter lets through."""
        if question.choice_filter is None:
            return [choice.name for choice in question.choices]
        rows = list(self.lists["list"].items)
        own = self.nodes[question.ref]
        return [
            str(row.named("name")[0].value)
            for row in rows
            if question.choice_filter.true(self.scope(row, own))
        ]

    def asked(self) -> list[str]:
        """What can be asked, in order."""
        return [
            question.ref
            for question in self.leaves
            if self.answers(question)
            and self.relevant(question.ref)
            and (not question.choices or self.offered(question))
        ]

    def question(self, ref: str) -> Question:
        return next(question for question in self.leaves if question.ref == ref)

    def answered(self, ref: str) -> bool:
        """Whether there is an answer that is still offered, or a reason for none."""
        if ref in self.state.missing:
            return True
        value = self.state.answers.get(ref)
        question = self.question(ref)
        if value is None or not question.choices:
            return value is not None
        picked = {value} if question.kind is Kind.SELECT_ONE else set(value.split())
        return picked <= set(self.offered(question))

    def valid(self, ref: str) -> bool:
        """Whether the answer may be handed in."""
        if not self.answered(ref):
            return False
        question, node = self.question(ref), self.nodes[ref]
        if ref in self.state.answers:
            return question.constraint is None or question.constraint.true(self.scope(node))
        skipped = self.state.missing[ref] is Missing.SKIPPED
        return not (skipped and question.required is not None and question.required.true(self.scope(node)))

    def barred(self) -> list[str]:
        """What is required and blank, though nobody can answer it."""
        return [
            ref
            for ref in self.told
            if self.relevant(ref)
            and self.nodes[ref].value == ""
            and (required := self.question(ref).required) is not None
            and required.true(self.scope(self.nodes[ref]))
        ]


# ── what holds ──────────────────────────────────────────────────────────────────────────────────────────────


@settings(max_examples=90)
@given(courses())
def test_the_prompt_after_a_step_is_the_prompt_worked_out_afresh(course: Course) -> None:
    for _, made, done in course.taken:
        going_on = prompt(course.questionnaire, done.state, course.context, done)
        assert going_on == prompt(course.questionnaire, done.state, course.context)
        event(f"{type(made).__name__} → {type(going_on).__name__}")


@settings(max_examples=90)
@given(courses())
def test_what_is_asked_and_how_it_is_numbered_is_what_the_slow_walk_finds(course: Course) -> None:
    for _, _, done in course.taken:
        walk = Walk(course.questionnaire, done.state)
        asked, now = walk.asked(), prompt(course.questionnaire, done.state, course.context)
        waiting = [ref for ref in asked if not walk.answered(ref)]
        if isinstance(now, Ask):
            assert now.ref in asked
            focus = done.state.focus
            assert now.ref == (focus.ref if focus and focus.ref in asked else waiting[0])
            assert [choice.name for choice in now.choices] == walk.offered(walk.question(now.ref))
            assert 1 <= now.number <= now.total
            # A filtered select may be counted while it waits for the answer that its filter reads.
            assert len(asked) <= now.total <= len(course.questionnaire.asked)
            assert now.may_go_back == (now.ref != asked[0]) or now.total > len(asked)
        elif isinstance(now, Review):
            assert [line.ref for line in now.lines] == [ref for ref in asked if walk.answered(ref)]
            assert [line.number for line in now.lines] == sorted({line.number for line in now.lines})
            assert now.open >= len(waiting)
            assert (now.open == 0) == (not waiting)


@settings(max_examples=90)
@given(courses())
def test_handing_in_is_possible_exactly_when_every_relevant_question_is_answered_validly(
    course: Course,
) -> None:
    for state, _, _ in course.taken:
        if state.submitted:
            continue
        walk = Walk(course.questionnaire, state)
        wrong = [ref for ref in walk.asked() if not walk.valid(ref)]
        done = step(course.questionnaire, state, Submit(), course.context)
        event("handed in" if done.state.submitted else "refused")
        if wrong:
            assert not done.state.submitted
            assert done.refusal is not None and done.refusal.ref == wrong[0]
            now = prompt(course.questionnaire, done.state, course.context, done)
            assert isinstance(now, Ask) and now.ref == wrong[0]
        elif barred := walk.barred():
            assert not done.state.submitted
            assert done.refusal is not None and done.refusal.ref == barred[0]
        else:
            assert done.state == replace(state, focus=None, submitted=True)
            assert prompt(course.questionnaire, done.state, course.context, done) == Submitted()


@settings(max_examples=50)
@given(courses())
def test_only_its_own_change_replaces_an_answer_and_every_change_is_told(course: Course) -> None:
    for state, _, done in course.taken:
        changed = {change.ref for change in done.changes}
        assert len(changed) == len(done.changes) <= 1
        for ref in (
            state.answers.keys()
            | state.missing.keys()
            | done.state.answers.keys()
            | done.state.missing.keys()
        ):
            same = (state.answers.get(ref), state.missing.get(ref)) == (
                done.state.answers.get(ref),
                done.state.missing.get(ref),
            )
            # What a filter does not let through any more is dropped.
            dropped = done.state.answers.get(ref) is None and course.questionnaire.leaves[ref].chosen
            assert same or ref in changed or dropped
        for change in done.changes:
            assert change.value == done.state.answers.get(change.ref)
            assert change.missing == done.state.missing.get(change.ref)
            assert change.first == (change.ref not in state.answers and change.ref not in state.missing)
        assert not done.state.answers.keys() & done.state.missing.keys()


@settings(max_examples=50)
@given(courses())
def test_a_refused_event_changes_nothing_but_the_focus(course: Course) -> None:
    for state, _, done in course.taken:
        if done.refusal is not None:
            assert replace(done.state, focus=None) == replace(state, focus=None)
            assert not done.changes
            assert not done.dropped


@settings(max_examples=50)
@given(courses())
def test_moving_about_never_changes_an_answer(course: Course) -> None:
    for state, made, done in course.taken:
        if isinstance(made, Back | Change | ChangeNumber | ShowReview | Toggle):
            assert replace(done.state, focus=None) == replace(state, focus=None)


@settings(max_examples=50)
@given(courses(), st.sampled_from("abc1"))
def test_ticking_twice_is_as_not_ticking(course: Course, choice: str) -> None:
    questionnaire, state = course.questionnaire, course.last
    now = prompt(questionnaire, state, course.context)
    if not isinstance(now, Ask) or now.kind is not Kind.SELECT_MULTIPLE:
        return
    once = step(questionnaire, state, Toggle(now.ref, choice), course.context)
    twice = step(questionnaire, once.state, Toggle(now.ref, choice), course.context)
    ticked = prompt(questionnaire, twice.state, course.context, twice)
    assert isinstance(ticked, Ask)
    assert ticked.ticked == now.ticked
    if once.refusal is None:
        shown = prompt(questionnaire, once.state, course.context, once)
        assert isinstance(shown, Ask)
        assert set(shown.ticked) ^ set(now.ticked) == {choice}
        order = [each.name for each in now.choices]
        assert list(shown.ticked) == sorted(shown.ticked, key=order.index)


@settings(max_examples=50)
@given(courses())
def test_a_result_holds_what_is_relevant_and_nothing_else(course: Course) -> None:
    state = course.last
    walk = Walk(course.questionnaire, state)
    found = result(course.questionnaire, state, course.context)
    assert all(walk.relevant(ref) for ref in (*found.values, *found.missing))
    assert all(found.values.values())
    asked = walk.asked()
    for question in walk.leaves:
        ref = question.ref
        if walk.answers(question):
            expected = state.answers.get(ref) if ref in asked and walk.answered(ref) else None
            assert found.values.get(ref) == expected
            assert found.missing.get(ref) == (state.missing.get(ref) if ref in asked else None)
        else:
            value = walk.nodes[ref].value if walk.relevant(ref) else ""
            assert (ref in found.values) == (value != "" and value == value)


@settings(max_examples=50)
@given(courses())
def test_a_state_survives_being_written_as_json(course: Course) -> None:
    decode = msgspec.json.Decoder(State).decode
    for _, _, done in course.taken:
        written = msgspec.json.encode(done.state)
        again = decode(written)
        assert again == done.state
        assert msgspec.json.encode(again) == written
        assert prompt(course.questionnaire, again, course.context) == prompt(
            course.questionnaire, done.state, course.context
        )


@settings(max_examples=50)
@given(courses())
def test_answers_that_no_longer_apply_are_told_and_come_back_when_they_do(course: Course) -> None:
    for state, _, done in course.taken:
        before, after = Walk(course.questionnaire, state), Walk(course.questionnaire, done.state)
        was, now = before.asked(), after.asked()
        if not done.changes:
            assert done.dropped == ()
            continue
        gone = [ref for ref in was if ref in state.answers and ref not in now and ref != done.changes[0].ref]
        assert [line.ref for line in done.dropped] == gone
        assert all(isinstance(line, Line) and line.ref in done.state.answers for line in done.dropped)
        if gone:
            event("answers dropped")


@settings(max_examples=40)
@given(courses())
def test_the_other_language_asks_the_same_question(course: Course) -> None:
    english = replace(course.context, language="en")
    for _, _, done in course.taken:
        one = prompt(course.questionnaire, done.state, course.context, done)
        # The step was taken in Vietnamese; its shortcut must not speak for another language.
        other = prompt(course.questionnaire, done.state, english, done)
        assert other == prompt(course.questionnaire, done.state, english)
        if isinstance(one, Ask):
            assert isinstance(other, Ask)
            assert (one.ref, one.number, one.total, one.value) == (
                other.ref,
                other.number,
                other.total,
                other.value,
            )
        else:
            assert type(one) is type(other)


@settings(max_examples=40)
@given(courses())
def test_what_was_put_to_the_person_names_every_question_that_is_asked(course: Course) -> None:
    text = wording(course.questionnaire, course.last, course.context)
    for ref in Walk(course.questionnaire, course.last).asked():
        name = course.questionnaire.leaves[ref].question.name
        assert re.search(rf"\b{name}\b", text)


@settings(max_examples=40)
@given(courses(at_most=6), st.integers(0, 6))
def test_answering_on_comes_to_an_end(course: Course, place: int) -> None:
    """Whatever happened before, somebody who answers what fits is through after a number of questions that
    the form bounds, or is told why a value isn't taken.
    """
    questionnaire, state = course.questionnaire, replace(course.last, focus=None)
    asked = set()
    for _ in range(3 * len(questionnaire.leaves) + 3):
        now = prompt(questionnaire, state, course.context)
        if not isinstance(now, Ask):
            break
        done = step(questionnaire, state, _fitting(place)(questionnaire, state), course.context)
        if done.refusal is not None:
            assert done.refusal.key == "reply.constraint"
            assert done.refusal.text == "không được"
            event("stopped by a constraint")
            return
        asked.add(now.ref)
        state = done.state
    else:
        pytest.fail("the interview does not end")
    event("came to the review")
    assert asked <= set(questionnaire.asked)


@pytest.mark.parametrize("value", [0.25, math.pi, "x", True])
def test_what_was_computed_keeps_its_type_in_json(value: str | float | bool) -> None:
    state = State(computed={"/data/q": value}, focus=Focus("/data/q", ("a",)))
    again = msgspec.json.decode(msgspec.json.encode(state), type=State)
    assert again == state
    assert type(again.computed["/data/q"]) is type(value)
