"""The interview engine: a form, what was answered so far and one event → new state and what to ask next.

Nothing here remembers a position. What is asked is derived from the answers every time: the focus (what
the person
asked to see out of turn), else the first relevant question without an answer, else the review. Values are
ODK strings
(choice names, select_multiple separated by spaces, ISO dates). Relevance, calculation, constraint and
required follow
the ODK XForms specification: a question that is not relevant reads as blank and its answer is kept until
submission.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime

from surveys.expressions import ExpressionError, Node, Scope, Table, order, store, to_string
from surveys.forms import (
    ASKED,
    Choice,
    Form,
    Group,
    Kind,
    Missing,
    Question,
    Template,
    Text,
    language_code,
)
from surveys.replies import (
    Ambiguous,
    Command,
    DontKnow,
    Offers,
    Option,
    PreferNot,
    Refused,
    Value,
    Values,
    read_reply,
)

TEXT_LIMIT = 4_000
"""Characters kept of a typed text answer."""

_INTEGER = re.compile(r"[+-]?[0-9]{1,9}\Z")
_DECIMAL = re.compile(r"[+-]?([0-9]{1,15}(\.[0-9]{0,15})?|\.[0-9]{1,15})\Z")

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
    """An interview so far. ``answers`` and ``missing`` by reference, ``hidden`` by name; one of the first
    two holds.
    """

    answers: Mapping[str, str] = field(default_factory=dict)
    missing: Mapping[str, Missing] = field(default_factory=dict)
    hidden: Mapping[str, str] = field(default_factory=dict)
    focus: Focus | None = None
    submitted: bool = False


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
class Shown:
    """A choice as shown: what is stored, and its text."""

    name: str
    label: str


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
    """An answer that is not what it was. ``value`` None: left blank, for the reason ``missing``."""

    ref: str
    value: str | None
    missing: Missing | None
    first: bool
    """False when an earlier answer was replaced."""


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


# ── a form made ready ───────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class _Leaf:
    question: Question
    parents: tuple[str, ...]


class Questionnaire:
    """A form prepared for asking: indexes and the order in which relevance and calculations are worked out.

    Made once per form and kept; holds nothing of any interview. ``offers`` says by question name where
    *don't know*
    and *prefer not to say* are offered (the instrument decides; a form alone offers neither).
    """

    def __init__(self, form: Form, offers: Mapping[str, Offers] | None = None) -> None:
        self.form = form
        self.offers = dict(offers or {})
        self.leaves: dict[str, _Leaf] = {}
        self.groups: dict[str, Group] = {}
        self.by_name: dict[str, str] = {}
        self._spine: list[tuple[str, str, str, str]] = []
        self._walk(form.children, (), f"/{form.root}")
        self.asked = tuple(ref for ref, leaf in self.leaves.items() if leaf.question.kind in ASKED)
        self.instances = {
            name: Table([{"name": choice.name, **choice.columns} for choice in choices])
            for name, choices in form.lists.items()
        }
        self._rules = self._ordered_rules()

    def _walk(self, children: Sequence[Group | Question], parents: tuple[str, ...], parent: str) -> None:
        for item in children:
            if isinstance(item, Group):
                self.groups[item.ref] = item
                self._spine.append((item.ref, item.name, "group", parent))
                self._walk(item.children, (*parents, item.ref), item.ref)
            else:
                kind = item.type
                self.leaves[item.ref] = _Leaf(item, parents)
                self.by_name.setdefault(item.name, item.ref)
                self._spine.append((item.ref, item.name, kind, parent))

    def _ordered_rules(self) -> list[tuple[str, Group | Question]]:
        items: dict[str, Group | Question] = {**self.groups}
        items.update((ref, leaf.question) for ref, leaf in self.leaves.items())
        needs: dict[str, list[str]] = {}
        for ref, _, _, parent in self._spine:
            item = items[ref]
            read = [parent] if parent in items else []
            if item.relevant:
                read += item.relevant.references
            if isinstance(item, Question) and item.calculation:
                read += item.calculation.references
            needs[ref] = [name for name in read if name in items and name != ref]
        ruled = {
            ref
            for ref, item in items.items()
            if item.relevant or (isinstance(item, Question) and item.calculation)
        }
        return [(ref, items[ref]) for ref in order(needs) if ref in ruled]

    def label(self, ref: str, value: str, language: str) -> str:
        """The label of choice ``value`` of the select at ``ref`` (for ``jr:choice-name``); the value if
        unknown.
        """
        leaf = self.leaves.get(ref)
        if leaf:
            for choice in leaf.question.choices:
                if choice.name == value:
                    template = choice.label.choose(language, self.form.default_language)
                    return "".join(part for part in template if isinstance(part, str))
        return value

    def language(self, wanted: str) -> str:
        """The form's own name of the language whose code is ``wanted`` (``vi`` → ``Tiếng Việt (vi)``),
        else its default.
        """
        for name in self.form.languages:
            if name == wanted or language_code(name) == wanted:
                return name
        return self.form.default_language


def begin(questionnaire: Questionnaire, hidden: Mapping[str, str]) -> State:
    """A new interview with context for the form's hidden questions (names it does not declare are left
    out).
    """
    declared = {
        leaf.question.name for leaf in questionnaire.leaves.values() if leaf.question.kind is Kind.HIDDEN
    }
    answers = {
        ref: leaf.question.default
        for ref, leaf in questionnaire.leaves.items()
        if leaf.question.default and leaf.question.read_only
    }
    return State(answers=answers, hidden={name: value for name, value in hidden.items() if name in declared})


# ── one look at an interview ────────────────────────────────────────────────────────────────────────────────


class _Sight:
    """The instance tree of one state, with relevance and calculations worked out; lives for one call."""

    __slots__ = ("_scope", "context", "language", "nodes", "questionnaire", "root", "state")

    def __init__(self, questionnaire: Questionnaire, state: State, context: Context) -> None:
        self.questionnaire = questionnaire
        self.state = state
        self.context = context
        self.language = questionnaire.language(context.language)
        self.root = Node("", type="root")
        top = Node(questionnaire.form.root, type="group", parent=self.root)
        nodes: dict[str, Node] = {f"/{questionnaire.form.root}": top}
        self.nodes = nodes
        self._scope = Scope(
            node=top,
            root=self.root,
            instances=questionnaire.instances,
            now=context.now,
            rng=context.rng,
            match=context.match,
            language=self.language,
            labels=questionnaire.label,
        )
        answers = state.answers
        leaves = questionnaire.leaves
        hidden = state.hidden
        for ref, name, kind, parent in questionnaire._spine:
            node = nodes[ref] = Node(name, type=kind, parent=nodes[parent])
            if kind == "group":
                continue
            value = answers.get(ref)
            if value is not None:
                node.value = store(value, kind)
            elif leaves[ref].question.kind is Kind.HIDDEN:
                node.value = hidden.get(name, leaves[ref].question.default or "")
        self._work_out()

    def _work_out(self) -> None:
        """Relevance and calculations, each after what it depends on."""
        for ref, item in self.questionnaire._rules:
            node = self.nodes[ref]
            if item.relevant is not None:
                node.relevant = item.relevant.true(self.scope(node))
            if isinstance(item, Question) and item.calculation is not None:
                node.value = store(item.calculation.evaluate(self.scope(node)), node.type)

    def moved(self, state: State, ref: str | None = None) -> _Sight:
        """The sight of ``state``, which differs from this one's in the answer at ``ref`` or in the focus
        alone.

        The tree is handed on: this sight can't be used afterwards.
        """
        self.state = state
        if ref is not None:
            node = self.nodes[ref]
            value = state.answers.get(ref)
            node.value = "" if value is None else store(value, node.type)
            self._work_out()
        return self

    def scope(self, node: Node) -> Scope:
        """The one scope of this sight, looking at ``node``."""
        self._scope.node = node
        return self._scope

    def relevant(self, ref: str) -> bool:
        leaf = self.questionnaire.leaves[ref]
        nodes = self.nodes
        return nodes[ref].relevant and all(nodes[parent].relevant for parent in leaf.parents)

    def show(self, text: Text, node: Node) -> str:
        return self.fill(text.choose(self.language, self.questionnaire.form.default_language), node)

    def fill(self, template: Template, node: Node) -> str:
        if len(template) == 1 and isinstance(template[0], str):
            return template[0]
        return "".join(
            part if isinstance(part, str) else part.string(self.scope(node)) for part in template
        ).strip()

    def choices(self, ref: str) -> tuple[Choice, ...]:
        """The choices offered now: all, or those the choice filter lets through."""
        question = self.questionnaire.leaves[ref].question
        if question.choice_filter is None:
            return question.choices
        node = self.nodes[ref]
        scope = replace(self.scope(node), current=node)
        kept = []
        for choice in question.choices:
            row = Node("item", type="group")
            for column, value in {"name": choice.name, **choice.columns}.items():
                Node(column, value, parent=row)
            scope.node = row
            if question.choice_filter.true(scope):
                kept.append(choice)
        return tuple(kept)

    def shown_choices(self, ref: str) -> tuple[Shown, ...]:
        node = self.nodes[ref]
        return tuple(Shown(choice.name, self.show(choice.label, node)) for choice in self.choices(ref))

    def steps(self) -> Iterator[str]:
        """The references that are asked now, in order."""
        for ref in self.questionnaire.asked:
            if self.relevant(ref) and not self.questionnaire.leaves[ref].question.read_only:
                yield ref

    def open(self, ref: str) -> bool:
        """Whether the question at ``ref`` still waits for an answer."""
        if ref in self.state.missing:
            return False
        value = self.state.answers.get(ref)
        if value is None:
            return True
        question = self.questionnaire.leaves[ref].question
        if question.choice_filter is None:
            return False
        offered = {choice.name for choice in self.choices(ref)}
        return not set(value.split()) <= offered

    def required(self, ref: str) -> bool:
        question = self.questionnaire.leaves[ref].question
        return question.required is not None and question.required.true(self.scope(self.nodes[ref]))

    def value_label(self, ref: str, value: str | None) -> str:
        """``value`` of the question at ``ref`` as a person would write it: labels for selects, 05/03/2026
        for dates, else as it is.
        """
        if value is None:
            return ""
        question = self.questionnaire.leaves[ref].question
        if question.kind is Kind.DATE and _is_date(value):
            return "/".join(reversed(value.split("-")))
        if question.kind is Kind.DECIMAL and self.context.language == "vi":
            return value.replace(".", ",")
        if not question.choices:
            return value
        node = self.nodes[ref]
        labels = {choice.name: self.show(choice.label, node) for choice in question.choices}
        if question.kind is Kind.SELECT_ONE:
            return labels.get(value, value)
        return ", ".join(labels.get(name, name) for name in value.split())

    def before(self, ref: str | None) -> tuple[str, ...]:
        """Headings and notes between the asked question before ``ref`` and ``ref`` itself (None: after the
        last).
        """
        lines: list[str] = []
        for at, _, kind, _ in self.questionnaire._spine:
            if kind == "group":
                group = self.questionnaire.groups[at]
                if group.label and self._group_relevant(at):
                    lines.append(self.show(group.label, self.nodes[at]))
                continue
            question = self.questionnaire.leaves[at].question
            if at == ref:
                break
            if question.kind in ASKED and not question.read_only:
                if self.relevant(at):
                    lines.clear()
            elif question.kind is Kind.NOTE and self.relevant(at):
                lines.append(self.show(question.label, self.nodes[at]))
            elif question.kind in ASKED and question.read_only and self.relevant(at):
                lines.append(
                    f"{self.show(question.label, self.nodes[at])}: {self.value_label(at, self.state.answers.get(at))}"
                )
        if ref is None:
            headings = {
                self.show(group.label, self.nodes[at]) for at, group in self.questionnaire.groups.items()
            }
            lines = [line for line in lines if line not in headings]
        return tuple(line for line in lines if line)

    def _group_relevant(self, ref: str) -> bool:
        node: Node | None = self.nodes[ref]
        while node is not None:
            if not node.relevant:
                return False
            node = node.parent
        return True

    def here(self) -> str | None:
        """What is asked now; None is the review."""
        focus = self.state.focus
        if focus is not None:
            if focus.ref is None:
                return None
            if focus.ref in self.questionnaire.leaves and self.relevant(focus.ref):
                return focus.ref
        return next((ref for ref in self.steps() if self.open(ref)), None)

    def line(self, ref: str, number: int) -> Line:
        question = self.questionnaire.leaves[ref].question
        return Line(
            number,
            ref,
            self.show(question.label, self.nodes[ref]),
            self.value_label(ref, self.state.answers.get(ref)),
            self.state.missing.get(ref),
        )


# ── asking ──────────────────────────────────────────────────────────────────────────────────────────────────


def prompt(questionnaire: Questionnaire, state: State, context: Context, after: Step | None = None) -> Prompt:
    """What to put to the person now, with every text filled in in ``context.language``.

    ``after`` is the step that led to ``state`` in the same context: it saves looking at everything anew.
    """
    if after is not None and after.sight is not None and after.state is state:
        return _prompt(after.sight)
    return _prompt(_Sight(questionnaire, state, context))


def _prompt(sight: _Sight) -> Prompt:
    state = sight.state
    if state.submitted:
        return Submitted()
    steps = list(sight.steps())
    ref = sight.here()
    if ref is None:
        answered = [r for r in steps if not sight.open(r)]
        numbers = {r: index for index, r in enumerate(steps, 1)}
        return Review(
            lines=tuple(sight.line(r, numbers[r]) for r in answered),
            before=sight.before(None),
            open=len(steps) - len(answered),
        )
    question = sight.questionnaire.leaves[ref].question
    node = sight.nodes[ref]
    required = sight.required(ref)
    focus = state.focus
    ticked: tuple[str, ...] = ()
    if question.kind is Kind.SELECT_MULTIPLE:
        if focus is not None and focus.ref == ref and focus.ticked is not None:
            ticked = focus.ticked
        else:
            ticked = tuple(state.answers.get(ref, "").split())
    given = sight.questionnaire.offers.get(question.name, Offers())
    value = state.answers.get(ref)
    if value is None and ref not in state.missing:
        value = question.default
    elif value is not None and sight.open(ref):
        value = None  # A choice that is not offered any more can't be kept.
    return Ask(
        ref=ref,
        kind=question.kind,
        label=sight.show(question.label, node),
        hint=sight.show(question.hint, node),
        guidance=sight.show(question.guidance, node),
        appearance=question.appearance,
        choices=sight.shown_choices(ref) if question.choices else (),
        ticked=ticked,
        number=steps.index(ref) + 1 if ref in steps else 1,
        total=max(len(steps), 1),
        before=sight.before(ref),
        value=value,
        value_label=sight.value_label(ref, value),
        missing=state.missing.get(ref),
        required=required,
        offers=Offers(dont_know=given.dont_know, prefer_not=given.prefer_not, skip=not required),
        may_go_back=bool(steps) and steps[0] != ref,
    )


def wording(questionnaire: Questionnaire, state: State, context: Context) -> str:
    """Every text of the form that applies, in order, as shown in ``context.language``: what was put to the
    person.
    """
    sight = _Sight(questionnaire, state, context)
    lines = []
    for ref, _, kind, _ in questionnaire._spine:
        if kind == "group":
            continue
        question = questionnaire.leaves[ref].question
        if sight.relevant(ref) and (question.kind is Kind.NOTE or question.kind in ASKED):
            lines.append(sight.show(question.label, sight.nodes[ref]))
            lines.extend(f"( ) {choice.label}" for choice in sight.shown_choices(ref))
    return "\n".join(lines)


def line(questionnaire: Questionnaire, state: State, ref: str, context: Context, after: Step | None = None) -> Line:
    """The question at ``ref`` with its answer, as the review shows it. ``after`` as for :func:`prompt`."""
    ready = after is not None and after.sight is not None and after.state is state
    sight = after.sight if ready and after is not None and after.sight is not None else None
    return (sight or _Sight(questionnaire, state, context)).line(ref, 0)


def labels(questionnaire: Questionnaire, ref: str, context: Context) -> tuple[str, dict[str, str]]:
    """The label of the question at ``ref`` and of all its choices by name, as a person without answers sees them."""
    sight = _Sight(questionnaire, State(), context)
    question, node = questionnaire.leaves[ref].question, sight.nodes[ref]
    return sight.show(question.label, node), {
        choice.name: sight.show(choice.label, node) for choice in question.choices
    }


def result(questionnaire: Questionnaire, state: State, context: Context) -> Result:
    """Every relevant value (hidden and calculated ones too) and missing state, as submitted."""
    sight = _Sight(questionnaire, state, context)
    values: dict[str, str] = {}
    for ref, leaf in questionnaire.leaves.items():
        if leaf.question.kind is Kind.NOTE or not sight.relevant(ref):
            continue
        value = state.answers.get(ref) if leaf.question.kind in ASKED else to_string(sight.nodes[ref].value)
        if value:
            values[ref] = value
    missing = {ref: why for ref, why in state.missing.items() if sight.relevant(ref)}
    return Result(values, missing)


# ── taking an event ─────────────────────────────────────────────────────────────────────────────────────────


def step(questionnaire: Questionnaire, state: State, event: Event, context: Context) -> Step:
    """What ``event`` does to ``state``. A refusal changes nothing but, where it helps, the focus."""
    if state.submitted:
        return Step(state, refusal=Refusal("reply.already_submitted"))
    sight = _Sight(questionnaire, state, context)
    taken = _step(sight, event)
    if taken.sight is None and taken.command is None:
        return replace(taken, sight=sight.moved(taken.state))
    return taken


def _step(sight: _Sight, event: Event) -> Step:
    state = sight.state
    match event:
        case Typed(text, ref):
            return _typed(sight, text, ref)
        case Answer(ref, value):
            if not value:
                return _leave(sight, ref, Missing.SKIPPED)
            return _take(sight, ref, value)
        case Toggle(ref, choice):
            return _toggle(sight, ref, choice)
        case Done(ref):
            return _done(sight, ref)
        case Leave(ref, missing):
            return _leave(sight, ref, missing)
        case Keep(ref):
            return _keep(sight, ref)
        case Back():
            return _back(sight)
        case Change(ref):
            return _change(sight, ref)
        case ChangeNumber(number):
            steps = list(sight.steps())
            if not 1 <= number <= len(steps) or sight.open(steps[number - 1]):
                return Step(state, refusal=Refusal("reply.no_such_line", {"number": number}))
            return _change(sight, steps[number - 1])
        case ShowReview():
            return Step(replace(state, focus=Focus(None)))
        case Submit():
            return _submit(sight)


def _typed(sight: _Sight, text: str, at: str | None) -> Step:
    state = sight.state
    ref = at if at is not None else sight.here()
    if ref is None:
        reading = read_reply(
            Kind.SELECT_ONE,
            text,
            choices=(),
            language=sight.context.language,
            today=sight.context.now.date(),
            offers=Offers(),
        )
        if isinstance(reading, Command):
            return Step(state, command=reading)
        return Step(state, refusal=Refusal("reply.review_expected"))
    if not _askable(sight, ref):
        return Step(state, refusal=Refusal("reply.no_longer_asked", ref=ref))
    question = sight.questionnaire.leaves[ref].question
    given = sight.questionnaire.offers.get(question.name, Offers())
    offers = Offers(given.dont_know, given.prefer_not, not sight.required(ref))
    shown = sight.shown_choices(ref) if question.choices else ()
    reading = read_reply(
        question.kind,
        text,
        choices=tuple(Option(choice.name, (choice.label,)) for choice in shown),
        language=sight.context.language,
        today=sight.context.now.date(),
        offers=offers,
        appearance=question.appearance,
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
            return _leave(sight, ref, Missing.SKIPPED) if name == "skip" else Step(state, command=command)
        case Ambiguous(between):
            among = tuple(choice for choice in shown if choice.name in between)
            return Step(state, refusal=Refusal("reply.which", between=among, ref=ref))
        case Refused(reason, params):
            return Step(state, refusal=Refusal(reason, params, ref=ref))
    raise AssertionError(reading)


def _askable(sight: _Sight, ref: str) -> bool:
    leaf = sight.questionnaire.leaves.get(ref)
    return (
        leaf is not None
        and leaf.question.kind in ASKED
        and not leaf.question.read_only
        and sight.relevant(ref)
    )


def _take(sight: _Sight, ref: str, value: str) -> Step:
    """Accept ``value`` at ``ref`` if its type, the choices and the constraint allow it."""
    state = sight.state
    if not _askable(sight, ref):
        return Step(state, refusal=Refusal("reply.no_longer_asked", ref=ref))
    refusal = _unfit(sight, ref, value)
    if refusal is not None:
        return Step(state, refusal=refusal)
    question = sight.questionnaire.leaves[ref].question
    if question.kind is Kind.SELECT_MULTIPLE:
        picked = set(value.split())
        value = " ".join(choice.name for choice in question.choices if choice.name in picked)
    answers = {**state.answers, ref: value}
    missing = {at: why for at, why in state.missing.items() if at != ref}
    after = replace(state, answers=answers, missing=missing, focus=None)
    return _changed(sight, after, Changed(ref, value, None, _first(state, ref)))


def _first(state: State, ref: str) -> bool:
    return ref not in state.answers and ref not in state.missing


def _changed(before: _Sight, state: State, change: Changed) -> Step:
    """The step for one changed answer, with the answers it takes out of the interview."""
    if change.first:
        return Step(state, changes=(change,), sight=before.moved(state, change.ref))
    lines = [before.line(ref, number) for number, ref in enumerate(before.steps(), 1) if ref in state.answers]
    after = before.moved(state, change.ref)
    dropped = tuple(line for line in lines if not after.relevant(line.ref))
    return Step(state, changes=(change,), dropped=dropped, sight=after)


def _unfit(sight: _Sight, ref: str, value: str) -> Refusal | None:
    question = sight.questionnaire.leaves[ref].question
    kind = question.kind
    if kind is Kind.INTEGER and not _INTEGER.match(value):
        return Refusal("reply.not_an_integer", ref=ref)
    if kind is Kind.DECIMAL and not _DECIMAL.match(value):
        return Refusal("reply.not_a_number", ref=ref)
    if kind is Kind.DATE and not _is_date(value):
        return Refusal("reply.not_a_date", ref=ref)
    if kind is Kind.TEXT and len(value) > TEXT_LIMIT:
        return Refusal("reply.too_long", {"limit": TEXT_LIMIT}, ref=ref)
    if kind in (Kind.SELECT_ONE, Kind.SELECT_MULTIPLE):
        offered = {choice.name for choice in sight.choices(ref)}
        picked = {value} if kind is Kind.SELECT_ONE else set(value.split())
        if not picked or not picked <= offered:
            return Refusal("reply.not_a_choice", ref=ref)
    if question.constraint is not None:
        node = sight.nodes[ref]
        kept, node.value = node.value, store(value, node.type)
        try:
            fits = question.constraint.true(sight.scope(node))
        except ExpressionError:
            fits = False
        finally:
            node.value = kept
        if not fits:
            message = sight.show(question.constraint_message, node) if question.constraint_message else ""
            return Refusal("reply.constraint", text=message, ref=ref)
    return None


def _is_date(value: str) -> bool:
    try:
        date.fromisoformat(value)
    except ValueError:
        return False
    return len(value) == 10


def _leave(sight: _Sight, ref: str, missing: Missing) -> Step:
    state = sight.state
    if not _askable(sight, ref):
        return Step(state, refusal=Refusal("reply.no_longer_asked", ref=ref))
    question = sight.questionnaire.leaves[ref].question
    given = sight.questionnaire.offers.get(question.name, Offers())
    if missing is Missing.SKIPPED and sight.required(ref):
        text = sight.show(question.required_message, sight.nodes[ref]) if question.required_message else ""
        return Step(state, refusal=Refusal("reply.required", text=text, ref=ref))
    if (missing is Missing.DONT_KNOW and not given.dont_know) or (
        missing is Missing.PREFER_NOT and not given.prefer_not
    ):
        return Step(state, refusal=Refusal("reply.not_offered", ref=ref))
    answers = {at: value for at, value in state.answers.items() if at != ref}
    after = replace(state, answers=answers, missing={**state.missing, ref: missing}, focus=None)
    return _changed(sight, after, Changed(ref, None, missing, _first(state, ref)))


def _toggle(sight: _Sight, ref: str, choice: str) -> Step:
    state = sight.state
    leaf = sight.questionnaire.leaves.get(ref)
    if leaf is None or leaf.question.kind is not Kind.SELECT_MULTIPLE or not _askable(sight, ref):
        return Step(state, refusal=Refusal("reply.no_longer_asked", ref=ref))
    offered = [item.name for item in sight.choices(ref)]
    if choice not in offered:
        return Step(state, refusal=Refusal("reply.not_a_choice", ref=ref))
    focus = state.focus
    if focus is not None and focus.ref == ref and focus.ticked is not None:
        ticked = set(focus.ticked)
    else:
        ticked = set(state.answers.get(ref, "").split())
    ticked ^= {choice}
    return Step(replace(state, focus=Focus(ref, tuple(name for name in offered if name in ticked))))


def _done(sight: _Sight, ref: str) -> Step:
    focus = sight.state.focus
    if focus is not None and focus.ref == ref and focus.ticked is not None:
        ticked = focus.ticked
    else:
        ticked = tuple(sight.state.answers.get(ref, "").split())
    if not ticked:
        return _leave(sight, ref, Missing.SKIPPED)
    return _take(sight, ref, " ".join(ticked))


def _keep(sight: _Sight, ref: str | None) -> Step:
    if ref is not None and _askable(sight, ref) and sight.open(ref):
        default = sight.questionnaire.leaves[ref].question.default
        if default:
            return _take(sight, ref, default)
    return Step(replace(sight.state, focus=None))


def _back(sight: _Sight) -> Step:
    steps = list(sight.steps())
    here = sight.here()
    if here is None:
        before = steps[-1] if steps else None
    else:
        at = steps.index(here) if here in steps else 0
        before = steps[at - 1] if at > 0 else None
    if before is None:
        return Step(sight.state, refusal=Refusal("reply.at_start"))
    return Step(replace(sight.state, focus=Focus(before)))


def _change(sight: _Sight, ref: str) -> Step:
    if not _askable(sight, ref):
        return Step(sight.state, refusal=Refusal("reply.no_longer_asked", ref=ref))
    return Step(replace(sight.state, focus=Focus(ref)))


def _submit(sight: _Sight) -> Step:
    """Hand in if every relevant question is answered and still valid; otherwise lead to the first that is
    not.
    """
    state = sight.state
    for ref in sight.steps():
        if sight.open(ref):
            return Step(replace(state, focus=Focus(ref)), refusal=Refusal("reply.still_open", ref=ref))
        value = state.answers.get(ref)
        if value is None:
            if state.missing[ref] is Missing.SKIPPED and sight.required(ref):
                return Step(replace(state, focus=Focus(ref)), refusal=Refusal("reply.required", ref=ref))
            continue
        refusal = _unfit(sight, ref, value)
        if refusal is not None:
            return Step(replace(state, focus=Focus(ref)), refusal=refusal)
    return Step(replace(state, focus=None, submitted=True))
