"""What holds for every form with repeats in repeats and every course of an interview with it.

An engine that goes on from its last step must say exactly what one says that looks at the state anew: the
same prompts, refusals, changes and results, whatever was done, by whom it was done, and in which order.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta, timezone

import msgspec
from hypothesis import event, given, settings
from hypothesis import strategies as st

from surveys.expressions import Expression, parse
from surveys.forms import (
    ASKED,
    Choice,
    Form,
    Group,
    Item,
    Kind,
    Missing,
    Picked,
    Question,
    Repeat,
    Setting,
    Text,
)
from surveys.interview import (
    Add,
    AddAnother,
    Answer,
    Ask,
    Back,
    Change,
    ChangeNumber,
    Confirm,
    Confirming,
    Context,
    Done,
    Event,
    Keep,
    Leave,
    NoMore,
    Prompt,
    Questionnaire,
    Remove,
    Review,
    ShowReview,
    ShowRoster,
    State,
    Step,
    Submit,
    Submitted,
    Toggle,
    Typed,
    begin,
    instance_name,
    prompt,
    result,
    step,
    wording,
)
from surveys.replies import Offers

NOW = datetime(2026, 6, 1, 9, tzinfo=timezone(timedelta(hours=7)))
VI = "Tiếng Việt (vi)"
TYPES = {
    Kind.SELECT_ONE: "select1",
    Kind.SELECT_MULTIPLE: "select",
    Kind.RANK: "select",
    Kind.INTEGER: "int",
}


def context() -> Context:
    """A moment in which chance says the same as in the same moment elsewhere."""
    return Context(
        now=NOW,
        language="vi",
        match=lambda pattern, text: re.fullmatch(pattern, text) is not None,
        rng=random.Random(1).random,
    )


YES_OR_NO: st.SearchStrategy[bool] = st.booleans()

# ── forms ───────────────────────────────────────────────────────────────────────────────────────────────────

CHOICES = tuple(
    Choice(name, Text({VI: (name.upper(),)}), {"of": of})
    for name, of in (("a", "a"), ("b", "a"), ("c", "b"), ("1", "b"))
)
TESTS = (
    "{a} = 'a'", "{a} != ''", "{a} > 1", "selected({a}, 'b')", "{a} = {b}", "sum({a}) > 2", "count({r}) > 1",
    "position({own}) > 1", "count({all}) < 3", "count-non-empty({all}) > 1", "{a}",
)  # fmt: skip
CALCULATIONS = (
    "{a}", "concat({a}, '-', {b})", "{a} + 1", "sum({all})", "count({r})", "position({own})", "{a} = 'a'",
    "join(' ', {all})", "once({a})", "once(random())", "random() + count-selected({a})", "max({all})",
    "indexed-repeat({all}, {r}, 1)", "{r}[position() = 2]/{leaf}", "string(today())",
)  # fmt: skip
FILTERS = ("of = {a}", "of = {a} or name = 'c'", "name != {a}", "count({all}) > 1 or of = 'a'")
CONSTRAINTS = (". != 'a'", ". != {a}", "string-length(.) < 4", "count({all}[. = current()/.]) < 2")
KINDS = (
    *(Kind.SELECT_ONE, Kind.SELECT_ONE, Kind.SELECT_MULTIPLE, Kind.RANK, Kind.TEXT, Kind.TEXT),
    *(Kind.INTEGER, Kind.INTEGER, Kind.NOTE, Kind.CALCULATE, Kind.CALCULATE, Kind.HIDDEN),
)
DEFAULTS = {Kind.SELECT_ONE: "b", Kind.SELECT_MULTIPLE: "a c", Kind.INTEGER: "2", Kind.TEXT: "lời"}


@dataclass
class Sketch:
    """What can be read so far: leaves with the repeats around them, and complete repeats."""

    leaves: list[tuple[str, tuple[str, ...]]] = field(default_factory=list)
    repeats: list[str] = field(default_factory=list)
    count: int = 0


def path(owner: str, around: Sequence[str], target: str) -> str:
    """A reference as converters write it: relative up to the repeat that both stand in, else absolute."""
    shared = [repeat for repeat in around if f"{target}/".startswith(f"{repeat}/")]
    if not shared or target == shared[-1]:
        return target
    here = shared[-1]
    return "/".join([".."] * (owner.count("/") - here.count("/"))) + target[len(here) :]


@st.composite
def forms(draw: st.DrawFn) -> Form:
    sketch = Sketch()
    children = _children(draw, sketch, "/data", (), 0)
    named = _expression(draw, sketch, "/data", (), ("{a}", "count({r})", "join(' ', {all})"))
    return Form(
        id="f", version="1", title="F", root="data", languages=(VI,), default_language=VI,
        children=children, lists={"list": CHOICES}, instance_name=named,
    )  # fmt: skip


def _children(
    draw: st.DrawFn, sketch: Sketch, ref: str, around: tuple[str, ...], depth: int
) -> tuple[Item, ...]:
    made: list[Item] = []
    for _ in range(draw(st.integers(3, 7) if depth == 0 else st.integers(1, 3))):
        number = sketch.count
        sketch.count += 1
        what = draw(st.integers(0, 5)) if depth < 3 else 5
        if what <= 1:
            made.append(_repeat(draw, sketch, f"{ref}/r{number}", around, depth))
        elif what == 2:
            here = f"{ref}/g{number}"
            relevant = _maybe(draw, sketch, here, around, TESTS)
            label = _text(draw, sketch, f"group {number}", here, around)
            inside = _children(draw, sketch, here, around, depth + 1)
            made.append(Group(here, f"g{number}", inside, label, relevant))
        else:
            made.append(_question(draw, sketch, f"{ref}/q{number}", around))
    return tuple(made)


def _repeat(draw: st.DrawFn, sketch: Sketch, ref: str, around: tuple[str, ...], depth: int) -> Repeat:
    relevant = _maybe(draw, sketch, ref, around, TESTS) if draw(YES_OR_NO) else None
    count, governor = None, None
    if draw(YES_OR_NO):
        outer = [
            leaf for leaf, repeats in sketch.leaves
            if set(repeats) <= set(around) and leaf.rpartition("/")[2].startswith("n")
        ]  # fmt: skip
        if draw(YES_OR_NO) and outer:
            governor = draw(st.sampled_from(outer))
            count = parse(path(ref, around, governor), owner=ref)
        else:
            patterns = ("2", "{a}", "count({r})", "{a} + 1", "count-selected({a})", "-1", "'x'")
            count = _expression(draw, sketch, ref, around, patterns)
    label = Text({VI: (f"repeat {ref}",)}) if draw(YES_OR_NO) else Text()
    inside = _children(draw, sketch, ref, (*around, ref), depth + 1)
    sketch.repeats.append(ref)
    return Repeat(ref, ref.rpartition("/")[2], inside, label, relevant, 0, count, governor)


def _question(draw: st.DrawFn, sketch: Sketch, ref: str, around: tuple[str, ...]) -> Question:
    kind = draw(st.sampled_from(KINDS))
    asked = kind in ASKED
    if kind is Kind.INTEGER:
        ref = ref.replace("/q", "/n")
    calculation = None
    if kind is Kind.CALCULATE or (asked and draw(st.integers(0, 9)) == 0):
        calculation = _expression(draw, sketch, ref, around, CALCULATIONS)
    select = kind in (Kind.SELECT_ONE, Kind.SELECT_MULTIPLE, Kind.RANK)
    picked = None
    if kind is Kind.SELECT_ONE and sketch.leaves and draw(YES_OR_NO):
        source, repeats = draw(st.sampled_from(sketch.leaves))
        if repeats:
            at = source.rpartition("/")[0]
            named = parse(source.rpartition("/")[2], owner=at)
            picked = Picked(parse(at, owner=ref), named, named)
    filtered = select and picked is None and draw(st.integers(0, 2)) == 0
    read_only: bool | Expression = kind is Kind.NOTE or (asked and draw(st.integers(0, 12)) == 0)
    if asked and not read_only and draw(st.integers(0, 8)) == 0:
        read_only = _expression(draw, sketch, ref, around, TESTS)
    made = Question(
        ref=ref,
        name=ref.rpartition("/")[2],
        kind=kind,
        label=_text(draw, sketch, ref, ref, around) if kind is not Kind.CALCULATE else Text(),
        choices=CHOICES if select and picked is None else (),
        list_name="list" if select and picked is None else "",
        choice_filter=_expression(draw, sketch, ref, around, FILTERS, "list") if filtered else None,
        relevant=_maybe(draw, sketch, ref, around, TESTS),
        required=parse("true()", owner=ref) if asked and draw(st.integers(0, 3)) == 0 else None,
        constraint=_maybe(draw, sketch, ref, around, CONSTRAINTS) if asked and draw(YES_OR_NO) else None,
        calculation=calculation,
        read_only=read_only,
        default=DEFAULTS.get(kind) if draw(st.integers(0, 4)) == 0 and picked is None else None,
        type=TYPES.get(kind, "string"),
        picked=picked,
        shuffled=select and draw(st.integers(0, 4)) == 0,
        settings=_settings(draw, sketch, ref, around, kind) if calculation is None else (),
    )
    sketch.leaves.append((ref, around))
    return made


def _settings(
    draw: st.DrawFn, sketch: Sketch, ref: str, around: tuple[str, ...], kind: Kind
) -> tuple[Setting, ...]:
    if not sketch.leaves or kind in (Kind.NOTE, Kind.HIDDEN) or draw(st.integers(0, 5)):
        return ()
    triggers = (draw(st.sampled_from(sketch.leaves))[0],) if draw(YES_OR_NO) else ()
    value = _expression(draw, sketch, ref, around, ("{a}", "count({r})", "concat({a}, 'x')", "'b'", "2"))
    return (Setting(value, triggers),)


def _maybe(
    draw: st.DrawFn, sketch: Sketch, owner: str, around: tuple[str, ...], patterns: Sequence[str]
) -> Expression | None:
    if not sketch.leaves or draw(st.integers(0, 2)):
        return None
    return _expression(draw, sketch, owner, around, patterns)


def _expression(
    draw: st.DrawFn,
    sketch: Sketch,
    owner: str,
    around: tuple[str, ...],
    patterns: Sequence[str],
    table: str | None = None,
) -> Expression:
    """An expression over what stands before ``owner``."""
    leaves = sketch.leaves or [("/data/nothing", ())]
    fitting = [each for each in patterns if around or "{own}" not in each]
    pattern = draw(st.sampled_from(fitting))
    many = [leaf for leaf, repeats in leaves if repeats] or ["/data/nowhere/nothing"]
    chosen = draw(st.sampled_from(many))
    repeats = next((found for leaf, found in leaves if leaf == chosen), ())
    repeat = repeats[0] if repeats else "/data/nowhere"
    prefix = "current()/" if table else ""
    source = pattern.format(
        a=_read(prefix, path(owner, around, draw(st.sampled_from(leaves))[0])),
        b=_read(prefix, path(owner, around, draw(st.sampled_from(leaves))[0])),
        all=chosen,
        r=repeat,
        leaf=chosen[len(repeat) + 1 :],
        own="/".join([".."] * (owner.count("/") - around[-1].count("/"))) if around else "",
    )
    if "position()" in source and owner == "/data/none":
        source = "1"
    return parse(source or ".", owner=owner, table=table)


def _read(prefix: str, reference: str) -> str:
    return reference if reference.startswith("/") else f"{prefix}{reference}"


def _text(draw: st.DrawFn, sketch: Sketch, words: str, owner: str, around: tuple[str, ...]) -> Text:
    if not sketch.leaves or draw(st.integers(0, 2)):
        return Text({VI: (f"{words}?",)})
    shown = parse(path(owner, around, draw(st.sampled_from(sketch.leaves))[0]), owner=owner)
    return Text({VI: (f"{words} ", shown, "?")})


# ── events ──────────────────────────────────────────────────────────────────────────────────────────────────

VALUES = ("a", "b", "c", "1", "a b", "1 c b a", "zz", "0", "2", "3", "-3", "", "lời")
SAID = ("A", "1", "2", "có", "không", "không biết", "bỏ qua", "quay lại", "xem lại", "?", "", "lời")
FITTING = {Kind.INTEGER: ("2", "1", "3", "0"), Kind.TEXT: ("An", "Bình", "a", "2")}

Move = Callable[[Questionnaire, State, Prompt], Event]
"""What somebody does, given what is asked."""


def _fitting(place: int) -> Move:
    """What fits what is asked now, the ``place``-th of that."""

    def move(questionnaire: Questionnaire, state: State, now: Prompt) -> Event:
        if isinstance(now, AddAnother):
            return NoMore() if place % 3 == 0 else Add()
        if isinstance(now, Confirming):
            return Confirm(place % 2 == 0)
        if isinstance(now, Review):
            return Keep() if now.open else Submit()
        if not isinstance(now, Ask):
            return Keep()
        if now.kind is Kind.RANK:
            return Answer(now.ref, " ".join(choice.name for choice in now.choices))
        fitting = FITTING.get(now.kind) or tuple(choice.name for choice in now.choices)
        return Answer(now.ref, fitting[place % len(fitting)], sure=place % 2 == 0)

    return move


def _known(questionnaire: Questionnaire, state: State, now: Prompt) -> list[str]:
    """References that mean something, and some that don't."""
    rosters = now.rosters if isinstance(now, Review) else ()
    members = [member.ref for roster in rosters for member in roster.members]
    repeats = [*questionnaire.repeats, *(roster.ref for roster in rosters)]
    instances = [f"{ref}[{number}]" for ref in repeats for number in (1, 2, 9)]
    leaves = [ref for ref in questionnaire.leaves if ref.count("/") < 3]
    return [*state.answers, *members, *repeats, *instances, *leaves, "/data/nobody[0]", "", "]["]


def _at(place: int, make: Callable[[str], Event]) -> Move:
    def move(questionnaire: Questionnaire, state: State, now: Prompt) -> Event:
        refs = _known(questionnaire, state, now)
        return make(refs[place % len(refs)])

    return move


def _answered(place: int, value: str, sure: bool) -> Move:
    """Another answer to what was answered before."""

    def move(questionnaire: Questionnaire, state: State, now: Prompt) -> Event:
        refs = list(state.answers) or ["/data/nobody"]
        return Answer(refs[place % len(refs)], value, sure)

    return move


def _just(made: Event) -> Move:
    return lambda questionnaire, state, now: made


PLACES = st.integers(0, 60)
VALUE, SURE = st.sampled_from(VALUES), st.booleans()
MAKES = st.sampled_from([Done, Change, Keep, ShowRoster, NoMore])
MEMBERS = st.sampled_from([Add, Remove])
ASIDE = (
    Keep(), Back(), ShowReview(), Submit(), ShowRoster(), Add(), Add(sure=True), NoMore(), Confirm(True),
    Confirm(False),
)  # fmt: skip
MOVES: st.SearchStrategy[Move] = st.one_of(
    *[st.builds(_fitting, PLACES) for _ in range(5)],
    st.builds(_answered, PLACES, VALUE, SURE),
    st.builds(lambda p, v, s: _at(p, lambda ref: Answer(ref, v, s)), PLACES, VALUE, SURE),
    st.builds(lambda p, c: _at(p, lambda ref: Toggle(ref, c)), PLACES, st.sampled_from("abc1z")),
    st.builds(lambda p, m: _at(p, lambda ref: Leave(ref, m)), PLACES, st.sampled_from(Missing)),
    st.builds(lambda p, make: _at(p, make), PLACES, MAKES),
    st.builds(lambda p, s, make: _at(p, lambda ref: make(ref, s)), PLACES, SURE, MEMBERS),
    st.builds(lambda text: _just(Typed(text)), st.sampled_from(SAID)),
    st.builds(lambda n: _just(ChangeNumber(n)), st.integers(-1, 9)),
    st.sampled_from([_just(made) for made in ASIDE]),
)


@settings(max_examples=60, deadline=None)
@given(forms(), st.lists(MOVES, min_size=4, max_size=25))
def test_going_on_from_the_last_step_is_as_looking_anew(form: Form, moves: list[Move]) -> None:
    names = [question.name for question in form.questions()]
    questionnaire = Questionnaire(form, {name: Offers(dont_know=True) for name in names[::2]})
    near, far = context(), context()
    state = begin(questionnaire, {}, near)
    assert state == begin(questionnaire, {}, far)
    now = prompt(questionnaire, state, near)
    after: Step | None = None
    for move in moves:
        made = move(questionnaire, state, now)
        afresh = step(questionnaire, state, made, far)
        after = step(questionnaire, state, made, near, after)
        assert after == afresh
        state = after.state
        now = prompt(questionnaire, state, near, after)
        assert now == prompt(questionnaire, state, far)
        assert result(questionnaire, state, near) == result(questionnaire, state, far)
        event(f"{type(made).__name__} → {type(now).__name__}")
    wording(questionnaire, state, near)
    instance_name(questionnaire, state, near)


@dataclass(frozen=True)
class Course:
    """An interview as it went: before, what was done, what came of it."""

    questionnaire: Questionnaire
    taken: tuple[tuple[State, Event, Step], ...]


@st.composite
def courses(draw: st.DrawFn) -> Course:
    questionnaire = Questionnaire(draw(forms()))
    about = context()
    state = begin(questionnaire, {}, about)
    taken = []
    after: Step | None = None
    for move in draw(st.lists(MOVES, min_size=4, max_size=20)):
        made = move(questionnaire, state, prompt(questionnaire, state, about, after))
        after = step(questionnaire, state, made, about, after)
        taken.append((state, made, after))
        state = after.state
    return Course(questionnaire, tuple(taken))


@settings(max_examples=30, deadline=None)
@given(courses())
def test_a_refused_event_changes_nothing_but_the_focus_and_changes_are_told(course: Course) -> None:
    for state, _, done in course.taken:
        if done.refusal is not None:
            assert replace(done.state, focus=None) == replace(state, focus=None)
            assert not done.changes and not done.dropped
        for change in done.changes:
            if change.what == "answer":
                assert change.value == done.state.answers.get(change.ref) or change.ref in done.state.computed
                assert change.missing == done.state.missing.get(change.ref)
        assert not done.state.answers.keys() & done.state.missing.keys()


@settings(max_examples=30, deadline=None)
@given(courses())
def test_taking_somebody_out_takes_their_answers_and_nobody_elses(course: Course) -> None:
    for state, _, done in course.taken:
        removed = [change for change in done.changes if change.what == "removed"]
        assert done.state.removals == state.removals + len(removed)
        for change in removed:
            event("removed")
            series, _, number = change.ref[:-1].rpartition("[")
            told = {other.ref for other in done.changes}
            kept = {
                ref: value
                for ref, value in state.answers.items()
                if not ref.startswith(f"{series}[") and ref not in told
            }
            # What stands elsewhere stays, but for what is offered, or set, no more.
            for ref, value in done.state.answers.items():
                if ref in kept:
                    assert value == kept[ref]
            own = [ref for ref in state.answers if ref.startswith(f"{change.ref}/")]
            others = [ref for ref in state.answers if ref.startswith(f"{series}[") and ref not in own]
            after = [ref for ref in done.state.answers if ref.startswith(f"{series}[")]
            assert len(after) <= len(others)
            last = max((int(ref[len(series) + 1 :].partition("]")[0]) for ref in others), default=0)
            assert not any(ref.startswith(f"{series}[{last}]") for ref in after) or last < int(number)


@settings(max_examples=30, deadline=None)
@given(courses())
def test_an_interview_read_again_goes_on_as_it_was(course: Course) -> None:
    questionnaire = course.questionnaire
    for _, _, done in course.taken[-3:]:
        again = msgspec.json.decode(msgspec.json.encode(done.state), type=State)
        assert again == done.state
        assert prompt(questionnaire, again, context()) == prompt(questionnaire, done.state, context())


@settings(max_examples=30, deadline=None)
@given(courses())
def test_what_was_handed_in_had_nothing_left_to_ask(course: Course) -> None:
    for state, _, done in course.taken:
        if done.state.submitted and not state.submitted:
            event("handed in")
            open_again = replace(done.state, submitted=False)
            now = prompt(course.questionnaire, open_again, context())
            assert isinstance(now, Review) and now.open == 0
            assert prompt(course.questionnaire, done.state, context()) == Submitted()
