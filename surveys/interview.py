"""The interview engine: a form, what was answered so far and one event → new state and what to ask next.

Nothing here remembers a position. What is asked is derived from the answers every time: the focus (what the
person asked to see out of turn), else the first question that waits for an answer, else the review. Values
are ODK strings (choice names, select_multiple separated by spaces, ISO dates). Relevance, calculation,
constraint and required follow the ODK XForms specification: a question that is not relevant reads as blank
and its answer is kept until submission.

Who is asked what:

* A question with a calculation, or read only, is never asked: its value is shown before the next question.
* A select none of whose choices the filter lets through can't be answered, so it isn't asked. An answer the
  filter no longer lets through is asked for again.
* A static default is shown as the current value and taken by :class:`Keep` (or *Done*); until then the
  question waits for an answer like any other.
* A constraint is tried on answers only, required on the lack of one; both again at submission, since what
  they read may have changed. *Don't know* and *prefer not to say* satisfy required.
* A calculation by chance or the clock (``random()``, ``uuid()``, ``now()``) is worked out when the interview
  begins and when what it reads changes, not with every message; ``once()`` never again. The results are part
  of the state.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from decimal import Decimal

from surveys.expressions import Expression, ExpressionError, Node, Scope, store, to_string
from surveys.forms import Kind, Missing, Question, Text
from surveys.questionnaires import Leaf, Plan, Rule, Spot, Wording, Words
from surveys.questionnaires import Questionnaire as Questionnaire
from surveys.questionnaires import Shown as Shown
from surveys.replies import (
    TEXT_LIMIT,
    Ambiguous,
    Command,
    DontKnow,
    Offers,
    Option,
    PreferNot,
    Refused,
    Value,
    Values,
    clean,
    read_command,
    read_reply,
)

_INTEGER = re.compile(r"[+-]?[0-9]{1,9}")
_DECIMAL = re.compile(r"[+-]?([0-9]{1,15}(\.[0-9]{0,15})?|\.[0-9]{1,15})")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")

# ── what goes in ────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Answer:
    """An exact ODK value for the question at ``ref`` (a tapped choice, a program); blank means skip."""

    ref: str
    value: str


@dataclass(frozen=True, slots=True)
class Typed:
    """A message typed by a person, meant for whatever is asked now, or for ``ref`` when it says which."""

    text: str
    ref: str | None = None


@dataclass(frozen=True, slots=True)
class Toggle:
    """One choice of a select_multiple ticked or unticked; counts only once ``Done`` comes."""

    ref: str
    choice: str


@dataclass(frozen=True, slots=True)
class Done:
    """The ticks of a select_multiple are complete."""

    ref: str


@dataclass(frozen=True, slots=True)
class Leave:
    """No value for the question at ``ref``, and why."""

    ref: str
    missing: Missing


@dataclass(frozen=True, slots=True)
class Keep:
    """Leave the answer at ``ref`` (or its default) as it is and go on; None just goes on."""

    ref: str | None = None


@dataclass(frozen=True, slots=True)
class Back:
    """To the question before the one asked now."""


@dataclass(frozen=True, slots=True)
class Change:
    """Ask the question at ``ref`` again."""

    ref: str


@dataclass(frozen=True, slots=True)
class ChangeNumber:
    """Ask the question with this number in the review again."""

    number: int


@dataclass(frozen=True, slots=True)
class ShowReview:
    """Show what was answered so far."""


@dataclass(frozen=True, slots=True)
class Submit:
    """Hand in."""


Event = Answer | Typed | Toggle | Done | Leave | Keep | Back | Change | ChangeNumber | ShowReview | Submit


# ── what is kept ────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Focus:
    """What the person asked to see out of turn. ``ref`` None is the review; ``ticked`` are ticks not yet
    done.
    """

    ref: str | None
    ticked: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class State:
    """An interview so far: a small document. ``answers`` and ``missing`` by reference, of which one holds;
    ``hidden`` by name; ``computed`` the results of calculations that can't be worked out again.
    """

    answers: Mapping[str, str] = field(default_factory=dict)
    missing: Mapping[str, Missing] = field(default_factory=dict)
    hidden: Mapping[str, str] = field(default_factory=dict)
    focus: Focus | None = None
    submitted: bool = False
    computed: Mapping[str, str | float | bool] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Context:
    """What the engine may know of the world. ``match`` is a time-limited full match of a pattern and a
    text.
    """

    now: datetime
    language: str
    match: Callable[[str, str], bool]
    rng: Callable[[], float]


# ── what comes out ──────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Ask:
    """A question to put. ``before`` are headings and notes that stand directly before it, in order."""

    ref: str
    kind: Kind
    label: str
    hint: str
    guidance: str
    appearance: str
    choices: tuple[Shown, ...]
    ticked: tuple[str, ...]
    number: int
    total: int
    before: tuple[str, ...]
    value: str | None
    value_label: str
    missing: Missing | None
    required: bool
    offers: Offers
    may_go_back: bool


@dataclass(frozen=True, slots=True)
class Line:
    """One answered question in the review."""

    number: int
    ref: str
    label: str
    value_label: str
    missing: Missing | None


@dataclass(frozen=True, slots=True)
class Review:
    """Everything answered, before it is handed in. ``before`` are notes after the last question."""

    lines: tuple[Line, ...]
    before: tuple[str, ...]
    open: int
    """How many questions still wait for an answer (> 0 only when the person asked for the review early)."""


@dataclass(frozen=True, slots=True)
class Submitted:
    """Handed in: nothing more to ask."""


Prompt = Ask | Review | Submitted


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a reply was not taken: a catalogue key with parameters, or a text of the form's own."""

    key: str
    params: Mapping[str, object] = field(default_factory=dict)
    text: str = ""
    between: tuple[Shown, ...] = ()
    ref: str | None = None


@dataclass(frozen=True, slots=True)
class Changed:
    """An answer as it was given now. ``value`` None: left blank, for the reason ``missing``."""

    ref: str
    value: str | None
    missing: Missing | None
    first: bool
    """False when there was an answer before, the same or another."""


@dataclass(frozen=True, slots=True)
class Step:
    """What one event did."""

    state: State
    changes: tuple[Changed, ...] = ()
    refusal: Refusal | None = None
    command: Command | None = None
    """A command found in a typed reply that is not the engine's to carry out."""
    dropped: tuple[Line, ...] = ()
    """Answers that no longer apply after this change; kept until submission in case they do again."""
    sight: _Sight | None = field(default=None, compare=False, repr=False)
    """What :func:`prompt` may go on from."""


@dataclass(frozen=True, slots=True)
class Result:
    """A finished interview: every relevant value, and why asked questions have none, by reference."""

    values: Mapping[str, str]
    missing: Mapping[str, Missing]


# ── one look at an interview ────────────────────────────────────────────────────────────────────────────────


class _Sight:
    """One state with relevance and calculations worked out; lives for one turn.

    The tree for expressions holds only nodes that some expression reads; any other is made when an expression
    is evaluated there.
    """

    __slots__ = (
        "_filtered",
        "_nodes",
        "_scope",
        "_steps",
        "_texts",
        "context",
        "holds",
        "prompt",
        "questionnaire",
        "state",
        "zone",
    )

    def __init__(
        self, questionnaire: Questionnaire, state: State, context: Context, plan: Plan | None = None
    ) -> None:
        self.questionnaire = questionnaire
        self.state = state
        self.context = context
        self.zone = context.now.tzinfo or UTC
        self.holds: dict[str, bool] = {}
        """Relevance by reference of what has one of its own."""
        self.prompt: Prompt | None = None
        """What is asked, once it has been put into words."""
        self._steps: Sequence[str] | None = None
        self._filtered: dict[str, Sequence[int]] = {}
        language = questionnaire.language(context.language)
        self._texts = questionnaire.texts(language)
        root = Node("", type="root")
        top = Node(questionnaire.form.root, type="group", parent=root)
        self._scope = Scope(
            node=top,
            root=root,
            instances=questionnaire.instances,
            now=context.now,
            rng=context.rng,
            match=context.match,
            language=language,
            labels=questionnaire.label,
        )
        plan = plan or questionnaire.turn
        nodes = self._nodes = {f"/{questionnaire.form.root}": top}
        for spot in plan.spots:
            nodes[spot.ref] = Node(spot.name, self._given(spot), spot.type, parent=nodes[spot.parent])
        self._work_out(plan.rules, begun=False)

    def _given(self, spot: Spot) -> str | float | bool:
        """The value of a node before anything is worked out."""
        value = self.state.answers.get(spot.ref, "") or spot.constant
        if spot.hidden:
            value = self.state.hidden.get(spot.name, value)
        return store(value, spot.type, self.zone) if value else ""

    def _work_out(self, rules: Iterable[Rule], *, begun: bool) -> None:
        """Relevance and calculations, each after what it depends on. Once the interview has ``begun``, a
        result that is kept gives way to a new one.
        """
        scope = self._scope
        for rule in rules:
            node = scope.node = self.node(rule.ref)
            if rule.relevant is not None:
                node.relevant = self.holds[rule.ref] = rule.relevant.true(scope)
            if rule.calculation is not None:
                if rule.kept and not begun and rule.ref in self.state.computed:
                    node.value = self.state.computed[rule.ref]
                else:
                    node.value = store(rule.calculation.evaluate(scope), rule.type, self.zone)

    def moved(self, state: State, ref: str | None = None) -> _Sight:
        """The sight of ``state``, which differs from this one's in the answer at ``ref`` or in the focus
        alone. The tree is handed on: this sight can't be used afterwards.
        """
        self.state = state
        self.prompt = None
        if ref is not None:
            questionnaire = self.questionnaire
            node = self._nodes.get(ref)
            if node is not None:
                node.value = self._given(questionnaire.spots[ref])
            reach = questionnaire.reach(ref)
            self._work_out(reach.rules, begun=True)
            if reach.asked:
                self._filtered.clear()
            self._steps = None
        return self

    def remembered(self) -> State:
        """The state with the results that are part of it."""
        state = self.state
        computed = {ref: self.node(ref).value for ref in self.questionnaire.kept}
        if computed != state.computed:
            self.state = state = replace(state, computed=computed)
        return state

    # The tree -----------------------------------------------------------------------------------------------

    def node(self, ref: str) -> Node:
        """The node at ``ref``."""
        node = self._nodes.get(ref)
        if node is None:
            spot = self.questionnaire.spots[ref]
            node = self._nodes[ref] = Node(spot.name, self._given(spot), spot.type)
            node.parent = self.node(spot.parent)  # who has no need to know it: nobody reads it
        return node

    def at(self, ref: str) -> Scope:
        """The one scope of this sight, looking at ``ref``."""
        self._scope.node = self.node(ref)
        return self._scope

    def relevant(self, leaf: Leaf) -> bool:
        """Whether the question, and every group it stands in, is relevant."""
        return all(map(self.holds.__getitem__, leaf.gates))

    # What is asked ------------------------------------------------------------------------------------------

    def asks(self, ref: str) -> bool:
        """Whether the question at ``ref`` can be put now."""
        leaf = self.questionnaire.leaves.get(ref)
        return (
            leaf is not None
            and leaf.asked
            and self.relevant(leaf)
            and (leaf.chosen is None or bool(self.positions(leaf)))
        )

    @property
    def steps(self) -> Sequence[str]:
        """The references that are asked, in order: what is counted as *question 7 of 18*.

        A select without anything to offer counts while it waits for the answer that its filter reads.
        """
        if self._steps is None:
            holds, leaves = self.holds, self.questionnaire.leaves
            steps: list[str] = []
            for gates, refs in self.questionnaire.stretches:
                if not all(map(holds.__getitem__, gates)):
                    continue
                leaf = leaves[refs[0]]
                if (
                    leaf.chosen is None
                    or self.positions(leaf)
                    or any(ref in steps and self.open(ref) for ref in leaf.filtered_by)
                ):
                    steps += refs
            self._steps = steps
        return self._steps

    def number(self, ref: str) -> int:
        """The number of the question at ``ref``; 0 if it is not asked."""
        return self.steps.index(ref) + 1 if ref in self.steps else 0

    def open(self, ref: str) -> bool:
        """Whether the question at ``ref``, one that is asked, still waits for an answer."""
        state = self.state
        if ref in state.missing:
            return False
        value = state.answers.get(ref)
        if value is None:
            return True
        leaf = self.questionnaire.leaves[ref]
        return leaf.chosen is not None and not _picked(leaf.question, value) <= self.offered(leaf)

    def first_open(self) -> str | None:
        """The first question that waits for an answer."""
        return next((ref for ref in self.steps if self.open(ref)), None)

    def here(self) -> str | None:
        """What is asked now; None is the review."""
        focus = self.state.focus
        if focus is not None:
            if focus.ref is None:
                return None
            if self.asks(focus.ref):
                return focus.ref
        return self.first_open()

    def required(self, ref: str) -> bool:
        """Whether an answer is required."""
        required = self.questionnaire.leaves[ref].required
        return required if isinstance(required, bool) else required.true(self.at(ref))

    def standing(self, ref: str) -> str | None:
        """The value that stands at ``ref``: the answer, or a default nobody has taken yet; None if the filter
        no longer lets it through.
        """
        leaf = self.questionnaire.leaves[ref]
        value = self.state.answers.get(ref)
        if value is None and ref not in self.state.missing:
            value = leaf.question.default
        if value is None or leaf.chosen is None or _picked(leaf.question, value) <= self.offered(leaf):
            return value
        return None

    def ticked(self, ref: str) -> tuple[str, ...]:
        """The choices of a select_multiple that are ticked: in the focus, else answered, else by default."""
        leaf = self.questionnaire.leaves[ref]
        focus = self.state.focus
        if focus is not None and focus.ref == ref and focus.ticked is not None:
            return self.in_order(leaf, focus.ticked)
        value = self.state.answers.get(ref)
        if value is None and ref not in self.state.missing:
            value = leaf.question.default
        return self.in_order(leaf, value.split()) if value else ()

    # Choices ------------------------------------------------------------------------------------------------

    def positions(self, leaf: Leaf) -> Sequence[int]:
        """The places in its list of the choices offered now: all, or those the filter lets through."""
        if leaf.chosen is None:
            return range(len(leaf.question.choices))
        ref = leaf.question.ref
        found = self._filtered.get(ref)
        if found is None:
            rows = leaf.chosen.nodes(self.at(ref))
            found = self._filtered[ref] = [row.instance - 1 for row in rows]
        return found

    def offered(self, leaf: Leaf) -> frozenset[str]:
        """The names of the choices offered now."""
        if leaf.chosen is None:
            return leaf.names
        choices = leaf.question.choices
        return frozenset([choices[at].name for at in self.positions(leaf)])

    def in_order(self, leaf: Leaf, names: Iterable[str]) -> tuple[str, ...]:
        """Those of ``names`` that are offered, as the list has them."""
        wanted = set(names)
        choices = leaf.question.choices
        every = (choices[at].name for at in self.positions(leaf))
        return tuple(dict.fromkeys(name for name in every if name in wanted))

    def shown(self, leaf: Leaf) -> tuple[Shown, ...]:
        """The choices offered now, with their labels."""
        wording = self._texts.wording(leaf.question)
        if wording.shown is not None:
            return wording.shown
        ref, choices = leaf.question.ref, leaf.question.choices
        offered = [(choices[at].name, wording.choices[at]) for at in self.positions(leaf)]
        return tuple([Shown(name, self.fill(words, ref) or name) for name, words in offered])

    # Words --------------------------------------------------------------------------------------------------

    def fill(self, words: Words, ref: str) -> str:
        """A text of the question or group at ``ref`` with its references filled in."""
        if isinstance(words, str):
            return words
        scope = self.at(ref)
        return "".join([part if isinstance(part, str) else part.string(scope) for part in words]).strip()

    def say(self, text: Text, ref: str) -> str:
        """``text`` in the person's language; empty if there is none."""
        return self.fill(self._texts.words(text), ref) if text else ""

    def wording(self, leaf: Leaf) -> Wording:
        return self._texts.wording(leaf.question)

    def value_label(self, leaf: Leaf, value: str | None) -> str:
        """``value`` of a question as a person would write it: labels for selects, 05/03/2026 for dates, 2,5
        for decimals in Vietnamese, else as it is.
        """
        if not value:
            return ""
        question = leaf.question
        if question.kind is Kind.DATE and _is_date(value):
            return "/".join(reversed(value.split("-")))
        if question.kind is Kind.DECIMAL and self.context.language == "vi":
            return value.replace(".", ",")
        if not question.choices:
            return value
        wording = self.wording(leaf)
        labels = wording.by_name
        if leaf.chosen is not None:
            # A name may stand under several parents of a filtered list: what is offered counts.
            offered = {question.choices[at].name: wording.choices[at] for at in self.positions(leaf)}
            labels = {**labels, **offered}
        picked = [value] if question.kind is Kind.SELECT_ONE else value.split()
        return ", ".join([self.fill(labels.get(name, name), question.ref) or name for name in picked])

    def line(self, ref: str, number: int) -> Line:
        """The question at ``ref`` as a line of the review."""
        leaf = self.questionnaire.leaves[ref]
        return Line(
            number,
            ref,
            self.fill(self.wording(leaf).label, ref),
            self.value_label(leaf, self.state.answers.get(ref)),
            self.state.missing.get(ref),
        )

    def note(self, leaf: Leaf) -> str:
        """What is shown of something nobody answers: its words, and its value if it has one."""
        ref, wording = leaf.question.ref, self.wording(leaf)
        value = self.value_label(leaf, to_string(self.node(ref).value))
        label = self.fill(wording.label, ref)
        if value:
            label = f"{label.rstrip(' :')}: {value}" if label else value
        return "\n".join(filter(None, (label, self.fill(wording.hint, ref))))

    def before(self, ref: str | None) -> tuple[str, ...]:
        """Headings and notes between the question asked before ``ref`` and ``ref`` itself (None: after the
        last). A heading stands before the first thing that is shown of its group.
        """
        questionnaire = self.questionnaire
        shown = questionnaire.shown
        at = len(shown) if ref is None else questionnaire.place[ref]
        between: list[Leaf] = []
        entered: tuple[str, ...] = ()
        for leaf in reversed(shown[:at]):
            if leaf.asked:
                if self.asks(leaf.question.ref):
                    entered = leaf.parents
                    break
            elif self.relevant(leaf):
                between.append(leaf)
        lines: list[str] = []
        for leaf in reversed(between):
            note = self.note(leaf)
            if note:
                lines += self._headings(leaf, entered)
                lines.append(note)
                entered = leaf.parents
        if ref is not None:
            lines += self._headings(shown[at], entered)
        return tuple(lines)

    def _headings(self, leaf: Leaf, entered: tuple[str, ...]) -> list[str]:
        """The headings of the groups that ``leaf`` stands in and those before it did not."""
        if leaf.parents == entered:
            return []
        groups = [self.questionnaire.groups[ref] for ref in leaf.parents if ref not in entered]
        headings = [self.fill(self._texts.heading(group), group.ref) for group in groups]
        return [heading for heading in headings if heading]


def _picked(question: Question, value: str) -> set[str]:
    """The choice names in the value of a select."""
    return {value} if question.kind is Kind.SELECT_ONE else set(value.split())


# ── asking ──────────────────────────────────────────────────────────────────────────────────────────────────


def begin(questionnaire: Questionnaire, hidden: Mapping[str, str], context: Context) -> State:
    """A new interview with ``hidden`` values by name (those the form does not declare are left out)."""
    declared = {
        leaf.question.name for leaf in questionnaire.leaves.values() if leaf.question.kind is Kind.HIDDEN
    }
    state = State(hidden={name: value for name, value in hidden.items() if name in declared})
    return _Sight(questionnaire, state, context).remembered()


def prompt(questionnaire: Questionnaire, state: State, context: Context, after: Step | None = None) -> Prompt:
    """What to put to the person now, with every text filled in in ``context.language``.

    ``after`` is the step that led to ``state``, taken at the same moment: it saves looking anew.
    """
    if state.submitted:
        return Submitted()
    sight = _sight(questionnaire, state, context, after)
    if sight.prompt is None:
        ref = sight.here()
        sight.prompt = _review(sight) if ref is None else _ask(sight, ref)
    return sight.prompt


def line(
    questionnaire: Questionnaire, state: State, ref: str, context: Context, after: Step | None = None
) -> Line:
    """The question at ``ref`` with its answer, as the review shows it; number 0 if it is not asked now.

    ``after`` as for :func:`prompt`.
    """
    sight = _sight(questionnaire, state, context, after)
    return sight.line(ref, sight.number(ref))


def _sight(questionnaire: Questionnaire, state: State, context: Context, after: Step | None) -> _Sight:
    sight = after.sight if after is not None else None
    if sight is not None and sight.state is state and sight.context.language == context.language:
        return sight
    return _Sight(questionnaire, state, context)


def _review(sight: _Sight) -> Review:
    steps = sight.steps
    lines = [sight.line(ref, number) for number, ref in enumerate(steps, 1) if not sight.open(ref)]
    waiting = len(steps) - len(lines)
    return Review(tuple(lines), before=() if waiting else sight.before(None), open=waiting)


def _ask(sight: _Sight, ref: str) -> Ask:
    leaf = sight.questionnaire.leaves[ref]
    question, wording = leaf.question, sight.wording(leaf)
    steps = sight.steps
    required = sight.required(ref)
    value = sight.standing(ref)
    return Ask(
        ref=ref,
        kind=question.kind,
        label=sight.fill(wording.label, ref),
        hint=sight.fill(wording.hint, ref),
        guidance=sight.fill(wording.guidance, ref),
        appearance=question.appearance,
        choices=sight.shown(leaf),
        ticked=sight.ticked(ref) if question.kind is Kind.SELECT_MULTIPLE else (),
        number=sight.number(ref),
        total=len(steps),
        before=sight.before(ref),
        value=value,
        value_label=sight.value_label(leaf, value),
        missing=sight.state.missing.get(ref),
        required=required,
        offers=leaf.offers[required],
        may_go_back=steps[0] != ref,
    )


def wording(questionnaire: Questionnaire, state: State, context: Context) -> str:
    """Every text of the form that applies, in order, as shown in ``context.language``: what was put to the
    person.
    """
    sight = _Sight(questionnaire, state, context)
    lines: list[str] = []
    for ref in sight.steps:
        leaf = questionnaire.leaves[ref]
        texts = sight.wording(leaf)
        lines += sight.before(ref)
        lines += filter(None, (sight.fill(texts.label, ref), sight.fill(texts.hint, ref)))
        lines += [f"( ) {choice.label}" for choice in sight.shown(leaf)]
    return "\n".join([*lines, *sight.before(None)])


def labels(questionnaire: Questionnaire, ref: str, context: Context) -> tuple[str, dict[str, str]]:
    """The label of the question at ``ref`` and of all its choices by name, as a person without answers sees
    them.
    """
    sight = _Sight(questionnaire, State(), context)
    leaf = questionnaire.leaves[ref]
    texts = sight.wording(leaf)
    choices = zip(leaf.question.choices, texts.choices, strict=True)
    return sight.fill(texts.label, ref), {choice.name: sight.fill(words, ref) for choice, words in choices}


def result(questionnaire: Questionnaire, state: State, context: Context) -> Result:
    """Every relevant value (hidden, read-only and calculated ones too) and missing state, as submitted."""
    sight = _Sight(questionnaire, state, context, questionnaire.whole)
    values: dict[str, str] = {}
    for ref, leaf in questionnaire.leaves.items():
        if leaf.asked:
            value = state.answers.get(ref, "") if sight.asks(ref) and not sight.open(ref) else ""
        else:
            value = to_string(sight.node(ref).value) if sight.relevant(leaf) else ""
        if value:
            values[ref] = value
    return Result(values, {ref: why for ref, why in state.missing.items() if sight.asks(ref)})


# ── taking an event ─────────────────────────────────────────────────────────────────────────────────────────


def step(questionnaire: Questionnaire, state: State, event: Event, context: Context) -> Step:
    """What ``event`` does to ``state``. A refusal changes nothing but, where it helps, the focus."""
    if state.submitted:
        return Step(state, refusal=Refusal("reply.already_submitted"))
    sight = _Sight(questionnaire, state, context)
    taken = _step(sight, event)
    if taken.sight is not None or taken.command is not None:
        return taken
    return replace(taken, sight=sight.moved(taken.state))


def _step(sight: _Sight, event: Event) -> Step:
    match event:
        case Typed(text, ref):
            return _typed(sight, text, sight.here() if ref is None else ref)
        case Answer(ref, value):
            return _answer(sight, ref, value)
        case Toggle(ref, choice):
            return _toggle(sight, ref, choice)
        case Done(ref):
            return _done(sight, ref)
        case Leave(ref, missing):
            return _leave(sight, ref, missing)
        case Keep(ref):
            return _keep(sight, sight.here() if ref is None else ref)
        case Back():
            return _back(sight)
        case Change(ref):
            return _change(sight, ref)
        case ChangeNumber(number):
            steps = sight.steps
            if not 1 <= number <= len(steps) or sight.open(steps[number - 1]):
                return _refuse(sight, "reply.no_such_line", {"number": number})
            return _change(sight, steps[number - 1])
        case ShowReview():
            return Step(_looking(sight.state, Focus(None)))
        case Submit():
            return _submit(sight)


def _refuse(
    sight: _Sight,
    key: str,
    params: Mapping[str, object] | None = None,
    *,
    text: str = "",
    ref: str | None = None,
) -> Step:
    """A step that changes nothing."""
    return Step(sight.state, refusal=Refusal(key, params or {}, text=text, ref=ref))


def _looking(state: State, focus: Focus | None) -> State:
    """``state`` with another focus; a focus on the same question keeps its ticks."""
    if (
        focus is not None
        and state.focus is not None
        and focus.ticked is None
        and state.focus.ref == focus.ref
    ):
        return state
    return replace(state, focus=focus)


# What a person typed


def _typed(sight: _Sight, text: str, ref: str | None) -> Step:
    if ref is None:
        command = read_command(text)
        return (
            _refuse(sight, "reply.review_expected") if command is None else Step(sight.state, command=command)
        )
    if not sight.asks(ref):
        return _refuse(sight, "reply.no_longer_asked", ref=ref)
    leaf = sight.questionnaire.leaves[ref]
    question = leaf.question
    shown = sight.shown(leaf)
    reading = read_reply(
        question.kind,
        text,
        choices=[Option(choice.name, (choice.label,)) for choice in shown],
        language=sight.context.language,
        today=sight.context.now.date(),
        offers=leaf.offers[sight.required(ref)],
        appearance=question.appearance,
        question=sight.fill(sight.wording(leaf).label, ref),
    )
    match reading:
        case Value(value):
            return _take(sight, ref, value)
        case Values(values):
            return _take(sight, ref, " ".join(values))
        case DontKnow():
            return _leave(sight, ref, Missing.DONT_KNOW)
        case PreferNot():
            return _leave(sight, ref, Missing.PREFER_NOT)
        case Command(name) as command:
            return (
                _leave(sight, ref, Missing.SKIPPED) if name == "skip" else Step(sight.state, command=command)
            )
        case Ambiguous(between):
            among = tuple([choice for choice in shown if choice.name in between])
            return Step(sight.state, refusal=Refusal("reply.which", between=among, ref=ref))
        case Refused(reason, params):
            return _refuse(sight, reason, params, ref=ref)
    raise AssertionError(reading)


# An answer


def _answer(sight: _Sight, ref: str, value: str) -> Step:
    leaf = sight.questionnaire.leaves.get(ref)
    text = leaf is not None and leaf.question.kind is Kind.TEXT
    value = clean(value, TEXT_LIMIT + 1) if text else value.strip()
    return _take(sight, ref, value) if value else _leave(sight, ref, Missing.SKIPPED)


def _take(sight: _Sight, ref: str, value: str) -> Step:
    """Accept ``value`` at ``ref`` if its type, the choices and the constraint allow it."""
    if not sight.asks(ref):
        return _refuse(sight, "reply.no_longer_asked", ref=ref)
    refusal = _unfit(sight, ref, value)
    if refusal is not None:
        return Step(sight.state, refusal=refusal)
    value = _written(sight, sight.questionnaire.leaves[ref], value)
    state = sight.state
    missing = state.missing
    if ref in missing:
        missing = {at: why for at, why in missing.items() if at != ref}
    return _changed(
        sight, {**state.answers, ref: value}, missing, Changed(ref, value, None, _first(state, ref))
    )


def _unfit(sight: _Sight, ref: str, value: str) -> Refusal | None:
    """Why ``value`` can't be the answer at ``ref``."""
    leaf = sight.questionnaire.leaves[ref]
    question = leaf.question
    kind = question.kind
    if kind is Kind.SELECT_ONE or kind is Kind.SELECT_MULTIPLE:
        picked = _picked(question, value)
        if not picked or not picked <= sight.offered(leaf):
            return Refusal("reply.not_a_choice", ref=ref)
    elif kind is Kind.INTEGER and not _INTEGER.fullmatch(value):
        return Refusal("reply.not_an_integer", ref=ref)
    elif kind is Kind.DECIMAL and not _DECIMAL.fullmatch(value):
        return Refusal("reply.not_a_number", ref=ref)
    elif kind is Kind.DATE and not _is_date(value):
        return Refusal("reply.not_a_date", ref=ref)
    elif kind is Kind.TEXT and len(value) > TEXT_LIMIT:
        return Refusal("reply.too_long", {"limit": TEXT_LIMIT}, ref=ref)
    if question.constraint is None or _fits(sight, ref, value, question.constraint):
        return None
    return Refusal("reply.constraint", text=sight.say(question.constraint_message, ref), ref=ref)


def _fits(sight: _Sight, ref: str, value: str, constraint: Expression) -> bool:
    """Whether ``value`` keeps to the constraint; not if that takes more work than one evaluation may cost."""
    node = sight.node(ref)
    kept, node.value = node.value, store(value, node.type, sight.zone)
    try:
        return constraint.true(sight.at(ref))
    except ExpressionError:
        return False
    finally:
        node.value = kept


def _is_date(value: str) -> bool:
    if not _DATE.fullmatch(value):
        return False
    try:
        date.fromisoformat(value)
    except ValueError:
        return False
    return True


def _written(sight: _Sight, leaf: Leaf, value: str) -> str:
    """``value`` as it is stored: ``5`` for ``+05``, ``2.5`` for ``2.50``, choices in their list's order."""
    match leaf.question.kind:
        case Kind.SELECT_MULTIPLE:
            return " ".join(sight.in_order(leaf, value.split()))
        case Kind.INTEGER:
            return str(int(value))
        case Kind.DECIMAL:
            number = f"{Decimal(value):f}"
            number = number.rstrip("0").rstrip(".") if "." in number else number
            return "0" if number == "-0" else number
    return value


def _leave(sight: _Sight, ref: str, missing: Missing) -> Step:
    """No value at ``ref``, if the question and the instrument allow that."""
    if not sight.asks(ref):
        return _refuse(sight, "reply.no_longer_asked", ref=ref)
    if missing is Missing.SKIPPED:
        if sight.required(ref):
            return Step(sight.state, refusal=_required(sight, ref))
    else:
        given = sight.questionnaire.leaves[ref].offers[False]
        if not (given.dont_know if missing is Missing.DONT_KNOW else given.prefer_not):
            return _refuse(sight, "reply.not_offered", ref=ref)
    state = sight.state
    answers = state.answers
    if ref in answers:
        answers = {at: value for at, value in answers.items() if at != ref}
    return _changed(
        sight, answers, {**state.missing, ref: missing}, Changed(ref, None, missing, _first(state, ref))
    )


def _required(sight: _Sight, ref: str) -> Refusal:
    message = sight.questionnaire.leaves[ref].question.required_message
    return Refusal("reply.required", text=sight.say(message, ref), ref=ref)


def _first(state: State, ref: str) -> bool:
    return ref not in state.answers and ref not in state.missing


def _changed(
    sight: _Sight, answers: Mapping[str, str], missing: Mapping[str, Missing], change: Changed
) -> Step:
    """The step for one changed answer, with the answers it takes out of the interview.

    A focus on another question stays while that one can be asked: the person still wants to see it.
    """
    before, ref = sight.state, change.ref
    focus = before.focus
    if focus is not None and focus.ref in (None, ref):
        focus = None
    after = State(answers, missing, before.hidden, focus, before.submitted, before.computed)
    at_stake = [
        other for other in sight.questionnaire.reach(ref).asked if other in answers and sight.asks(other)
    ]
    sight = sight.moved(after, ref)
    if focus is not None and focus.ref is not None and not sight.asks(focus.ref):
        sight.state = after = replace(after, focus=None)
    if sight.questionnaire.kept:
        after = sight.remembered()
    dropped: tuple[Line, ...] = ()
    gone = [other for other in at_stake if not sight.asks(other)]
    if gone:
        earlier = _Sight(sight.questionnaire, before, sight.context)
        dropped = tuple([earlier.line(other, earlier.number(other)) for other in gone])
    return Step(after, changes=(change,), dropped=dropped, sight=sight)


# Several choices


def _many(sight: _Sight, ref: str) -> bool:
    """Whether the question at ``ref`` can be put now and takes several choices."""
    return sight.asks(ref) and sight.questionnaire.leaves[ref].question.kind is Kind.SELECT_MULTIPLE


def _toggle(sight: _Sight, ref: str, choice: str) -> Step:
    if not _many(sight, ref):
        return _refuse(sight, "reply.no_longer_asked", ref=ref)
    leaf = sight.questionnaire.leaves[ref]
    if choice not in sight.offered(leaf):
        return _refuse(sight, "reply.not_a_choice", ref=ref)
    ticked = sight.in_order(leaf, {choice}.symmetric_difference(sight.ticked(ref)))
    return Step(_looking(sight.state, Focus(ref, ticked)))


def _done(sight: _Sight, ref: str) -> Step:
    if not _many(sight, ref):
        return _refuse(sight, "reply.no_longer_asked", ref=ref)
    ticked = sight.ticked(ref)
    return _take(sight, ref, " ".join(ticked)) if ticked else _leave(sight, ref, Missing.SKIPPED)


# Moving about


def _keep(sight: _Sight, ref: str | None) -> Step:
    if ref is not None and sight.asks(ref) and sight.open(ref):
        default = sight.standing(ref)
        if default is not None:
            return _take(sight, ref, default)
    return Step(_looking(sight.state, None))


def _back(sight: _Sight) -> Step:
    here = sight.here()
    if here is None:
        # An early review leads back to the question that was left for it.
        if sight.first_open() is not None:
            return Step(_looking(sight.state, None))
        at = len(sight.steps)
    else:
        at = sight.steps.index(here)
    if at == 0:
        return _refuse(sight, "reply.at_start")
    return Step(_looking(sight.state, Focus(sight.steps[at - 1])))


def _change(sight: _Sight, ref: str) -> Step:
    if not sight.asks(ref):
        return _refuse(sight, "reply.no_longer_asked", ref=ref)
    return Step(_looking(sight.state, Focus(ref)))


def _submit(sight: _Sight) -> Step:
    """Hand in if every question is answered and every answer still fits; else lead to the first to mend."""
    state = sight.state
    for ref in sight.steps:
        value = state.answers.get(ref)
        refusal: Refusal | None
        if sight.open(ref):
            # The first that waits: asked without a focus, but for one that has ticks already.
            focus = state.focus if state.focus is not None and state.focus.ref == ref else None
            return Step(_looking(state, focus), refusal=Refusal("reply.still_open", ref=ref))
        if value is not None:
            refusal = _unfit(sight, ref, value)
        else:
            skipped = state.missing[ref] is Missing.SKIPPED
            refusal = _required(sight, ref) if skipped and sight.required(ref) else None
        if refusal is not None:
            return Step(_looking(state, Focus(ref)), refusal=refusal)
    return Step(replace(state, focus=None, submitted=True))
