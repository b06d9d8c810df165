"""The interview engine: a form, what was answered so far and one event → new state and what to ask next.

Nothing here remembers a position. What is asked is derived from the answers every time: the focus (what the
person asked to see out of turn), else the first question that waits for an answer, else the review. Values
are ODK strings (choice names, select_multiple separated by spaces, ISO dates). Relevance, calculation,
constraint and required follow the ODK XForms specification: a question that is not relevant reads as blank
and its answer is kept until submission.

Who is asked what:

* A question with a calculation, or read only, is never asked: its value is shown before the next question.
  Read only may depend on other answers; what was answered before stands meanwhile.
* A select that has nothing to offer can't be answered, so it isn't asked. An answer that is not offered any
  more is dropped and asked for again when the interview comes to it. A rank is answered once all that is
  offered is in an order.
* A default is a question's value from the beginning. It is shown as the current value and taken by
  :class:`Keep` (or *Done*); until then the question waits for an answer like any other. So does a question
  whose value was set because another answer changed.
* A constraint is tried on answers only, required on the lack of one; both again at submission, since what
  they read may have changed. *Don't know* and *prefer not to say* satisfy required.
* A calculation by chance or the clock (``random()``, ``uuid()``, ``now()``) is worked out when the interview
  begins (or when it becomes relevant) and when what it reads changes, not with every message; ``once()``
  never again. The results are part of the state, as are defaults that are worked out and the order of
  shuffled choices.

Repeats (a household's members, and what each of them has):

* Questions in a repeat are asked for each instance in turn; references name the instance
  (``/data/member[2]/age``), a repeat as such goes without its own number (``/data/house[2]/member``).
* Without a count one instance is there from the beginning (of a repeat directly in another: in its first).
  When the last one is complete the person is asked whether there is another, until they say no. Members can
  be added and taken out at any time.
* With a count there are as many as it says. Those beyond it are kept, and are there again when it rises. If
  the count is the plain answer to a question, adding and taking out change that answer; else they are
  refused.
* Taking out the second of three makes the third the second.
* What would take members away who were answered for is asked first (:class:`Confirming`), unless the event
  says it is sure.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TypeVar

from surveys import answers as kinds
from surveys.events import Add as Add
from surveys.events import Answer as Answer
from surveys.events import Back as Back
from surveys.events import Change as Change
from surveys.events import ChangeNumber as ChangeNumber
from surveys.events import Confirm as Confirm
from surveys.events import Done as Done
from surveys.events import Event as Event
from surveys.events import Keep as Keep
from surveys.events import Leave as Leave
from surveys.events import NoMore as NoMore
from surveys.events import Remove as Remove
from surveys.events import ShowReview as ShowReview
from surveys.events import ShowRoster as ShowRoster
from surveys.events import Submit as Submit
from surveys.events import Toggle as Toggle
from surveys.events import Typed as Typed
from surveys.expressions import Expression, Leaf, store, to_string
from surveys.forms import SELECTS, Kind, Missing, Repeat
from surveys.prompts import AddAnother as AddAnother
from surveys.prompts import Ask as Ask
from surveys.prompts import Changed as Changed
from surveys.prompts import Confirming as Confirming
from surveys.prompts import Line as Line
from surveys.prompts import Member as Member
from surveys.prompts import Passage as Passage
from surveys.prompts import Prompt as Prompt
from surveys.prompts import Refusal as Refusal
from surveys.prompts import Result as Result
from surveys.prompts import Review as Review
from surveys.prompts import Roster as Roster
from surveys.prompts import Submitted as Submitted
from surveys.questionnaires import Questionnaire as Questionnaire
from surveys.replies import (
    Ambiguous,
    Command,
    DontKnow,
    Option,
    PreferNot,
    Refused,
    Value,
    Values,
    read_command,
    read_enough,
    read_more,
    read_reply,
    read_yes_no,
)
from surveys.sights import Sight
from surveys.states import Context as Context
from surveys.states import Focus as Focus
from surveys.states import Pending as Pending
from surveys.states import State as State
from surveys.trees import INSTANCES_LIMIT, MEMBERS_LIMIT, Place, Series
from surveys.wordings import Shown as Shown


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
    sight: Sight | None = field(default=None, compare=False, repr=False)
    """What :func:`prompt`, and the next :func:`step`, may go on from."""


# ── asking ──────────────────────────────────────────────────────────────────────────────────────────────────


def begin(questionnaire: Questionnaire, hidden: Mapping[str, str], context: Context) -> State:
    """A new interview with ``hidden`` values by name (those the form does not declare are left out)."""
    declared = {
        leaf.question.name for leaf in questionnaire.leaves.values() if leaf.question.kind is Kind.HIDDEN
    }
    state = State(hidden={name: value for name, value in hidden.items() if name in declared})
    sight = _weeded(Sight(questionnaire, state, context))
    return sight.tree.remembered(sight.state)


def prompt(questionnaire: Questionnaire, state: State, context: Context, after: Step | None = None) -> Prompt:
    """What to put to the person now, with every text filled in in ``context.language``.

    ``after`` is the step that led to ``state``: going on from it saves looking at everything anew.
    """
    if state.submitted:
        return Submitted()
    sight = _sight(questionnaire, state, context, after)
    if sight.prompt is None:
        sight.prompt = _prompt(sight)
    return sight.prompt


def line(
    questionnaire: Questionnaire, state: State, ref: str, context: Context, after: Step | None = None
) -> Line:
    """The question at ``ref`` with its answer, as the review shows it; number 0 if it is not asked now.

    ``after`` as for :func:`prompt`. A reference to a member who is not there has no label.
    """
    sight = _sight(questionnaire, state, context, after)
    place = sight.tree.places.get(ref)
    if place is None or place.spot.leaf is None:
        return Line(0, ref, "", "", None)
    return sight.line(place)


def _sight(questionnaire: Questionnaire, state: State, context: Context, after: Step | None) -> Sight:
    """The look that ``after`` left, if it is one at ``state`` and still holds, else a new one."""
    sight = after.sight if after is not None else None
    if (
        sight is not None
        and sight.state is state
        and sight.questionnaire is questionnaire
        and sight.context.language == context.language
        and sight.current(context)
    ):
        return sight
    return Sight(questionnaire, state, context)


def _prompt(sight: Sight) -> Prompt:
    pending = sight.pending()
    if pending is not None:
        return _confirming(sight, pending)
    here = sight.here()
    if here is None:
        return _review(sight)
    if isinstance(here, Place):
        return _ask(sight, here)
    if sight.shows_roster(here):
        return sight.roster(here)
    return AddAnother(
        ref=here.ref,
        label=sight.heading(here),
        members=sight.all_members(here),
        before=sight.before(here),
        within=sight.members(here.parent),
        may_go_back=sight.before_this(here.at) >= 0,
    )


def _ask(sight: Sight, place: Place) -> Ask:
    question, wording = place.question, sight.wording(place)
    required = sight.required(place)
    value = sight.standing(place)
    many = question.kind in (Kind.SELECT_MULTIPLE, Kind.RANK)
    before = sight.before(place)
    return Ask(
        ref=place.ref,
        kind=question.kind,
        label=sight.fill(wording.label, place),
        hint=sight.fill(wording.hint, place),
        guidance=sight.fill(wording.guidance, place),
        appearance=question.appearance,
        choices=sight.shown(place),
        ticked=sight.ticked(place) if many else (),
        number=sight.number(place),
        total=sight.tree.counted.count(1),
        before=before,
        value=value,
        value_label=sight.value_label(place, value),
        missing=sight.state.missing.get(place.ref),
        required=required,
        offers=place.leaf.offers[required],
        may_go_back=sight.before_this(place.at) >= 0,
        members=sight.members(place),
        range=question.range,
        media=tuple([file for passage in before for file in passage.media]) + wording.media,
    )


def _review(sight: Sight) -> Review:
    tree = sight.tree
    lines = []
    number, at = 0, tree.counted.find(1)
    while at >= 0:
        number += 1
        place = tree.order[at]
        if isinstance(place, Place) and tree.asked[at] and not tree.waiting[at]:
            lines.append(sight.line(place, number))
        at = tree.counted.find(1, at + 1)
    waiting = tree.counted.count(1) - len(lines)
    waiting += sum(tree.waiting[series.at] for series in tree.series.values() if series.at >= 0)
    rosters = tuple([sight.roster(series) for series in sight.rosters()])
    before = () if waiting else sight.before(None)
    return Review(tuple(lines), before=before, open=waiting, rosters=rosters)


def _confirming(sight: Sight, pending: Pending) -> Confirming:
    if pending.what == "answer":
        place = sight.tree.places[pending.ref]
        lost = _beyond(sight, _grown(sight, _settled(sight.state, pending), frozenset()))
        repeat = sight.heading(sight.tree.series_of(lost[0])) if lost else ""
        members = tuple([sight.as_member(each) for each in lost])
        return Confirming("count", pending.ref, repeat, members, sight.label(place), pending.value)
    if pending.what == "add":
        series, members = sight.tree.series[pending.ref], ()
        number = len(series.instances) + 1
    else:
        instance = sight.tree.places[pending.ref]
        series, members = sight.tree.series_of(instance), (sight.as_member(instance),)
        number = len(series.instances) - 1
    governor = sight.tree.governor(series)
    return Confirming(
        what=pending.what,
        ref=pending.ref,
        label=sight.heading(series),
        members=members,
        governed_by=sight.label(governor) if governor is not None else "",
        value=str(number) if governor is not None else "",
    )


def wording(questionnaire: Questionnaire, state: State, context: Context) -> str:
    """Every text of the form that applies, in order, as shown in ``context.language``: what was put to the
    person.
    """
    sight = Sight(questionnaire, state, context)
    tree = sight.tree
    lines: list[str] = []
    for at, place in enumerate(tree.order):
        if isinstance(place, Place) and tree.counted[at]:
            lines += [passage.text for passage in sight.before(place) if passage.text]
            lines += filter(None, (sight.label(place), sight.fill(sight.wording(place).hint, place)))
            lines += [f"( ) {choice.label}" for choice in sight.shown(place)]
    return "\n".join([*lines, *(passage.text for passage in sight.before(None) if passage.text)])


def labels(questionnaire: Questionnaire, ref: str, context: Context) -> tuple[str, dict[str, str]]:
    """The label of the question at ``ref`` (as the form gives it, without numbers of instances) and of all
    its choices by name, as a person without answers sees them.
    """
    sight = Sight(questionnaire, State(), context)
    place = sight.tree.sample(ref)
    texts = sight.wording(place)
    choices = zip(place.question.choices, texts.choices, strict=True)
    return sight.label(place), {choice.name: sight.fill(words, place) for choice, words in choices}


def result(questionnaire: Questionnaire, state: State, context: Context) -> Result:
    """Every relevant value (hidden, read-only and calculated ones too) and missing state, as submitted: of
    every instance, in the order of the form.
    """
    tree = Sight(questionnaire, state, context).tree
    values: dict[str, str] = {}
    missing: dict[str, Missing] = {}
    for place in tree.leaves():
        if tree.is_asked(place):
            if not tree.waiting[place.at]:
                value = state.answers.get(place.ref, "")
                if value:
                    values[place.ref] = value
                elif place.ref in state.missing:
                    missing[place.ref] = state.missing[place.ref]
        elif tree.told[place.at] if place.at >= 0 else place.is_relevant():
            value = to_string(place.value)
            if value:
                values[place.ref] = value
    return Result(values, missing)


def instance_name(questionnaire: Questionnaire, state: State, context: Context) -> str:
    """What the form's author wants a finished interview to be called; empty if the form does not say."""
    expression = questionnaire.form.instance_name
    if expression is None:
        return ""
    tree = Sight(questionnaire, state, context).tree
    return tree.text(expression, tree.top)


# ── taking an event ─────────────────────────────────────────────────────────────────────────────────────────


def step(
    questionnaire: Questionnaire, state: State, event: Event, context: Context, after: Step | None = None
) -> Step:
    """What ``event`` does to ``state``. A refusal changes nothing but, where it helps, the focus.

    ``after`` is the step that led to ``state``, if it is at hand: only what depends on a changed answer is
    worked out then. It can't serve a second time.
    """
    if state.submitted:
        return Step(state, refusal=Refusal("reply.already_submitted"))
    sight = _sight(questionnaire, state, context, after)
    taken = _step(sight, event)
    if taken.sight is not None:
        return taken
    return replace(taken, sight=sight if taken.state is sight.state else sight.moved(taken.state))


def _step(sight: Sight, event: Event) -> Step:
    match event:
        case Typed(text, ref):
            return _typed(sight, text, ref)
        case Answer(ref, value, sure):
            return _answer(sight, ref, value, sure)
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
            return _change_number(sight, number)
        case ShowReview():
            return Step(_looking(sight.state, Focus(None)))
        case ShowRoster(ref):
            return _show_roster(sight, ref)
        case Add(ref, sure):
            return _add(sight, ref, sure)
        case NoMore(ref):
            return _no_more(sight, ref)
        case Remove(ref, sure):
            return _remove(sight, ref, sure)
        case Confirm(yes):
            return _confirm(sight, yes)
        case Submit():
            return _submit(sight)


def _refuse(
    sight: Sight,
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
    known = state.focus
    if focus == known:
        return state
    if focus is not None and known == replace(focus, ticked=known.ticked if known else None):
        return state if focus.ticked is None else replace(state, focus=focus)
    return replace(state, focus=focus)


# What a person typed


def _typed(sight: Sight, text: str, ref: str | None) -> Step:
    if ref is not None:
        place = sight.asks(ref)
        return _read(sight, place, text) if place else _refuse(sight, "reply.no_longer_asked", ref=ref)
    if sight.pending() is not None:
        return _yes_or_no(
            sight,
            text,
            read_yes_no,
            lambda yes: _confirm(sight, yes),
            skip=lambda: _confirm(sight, False),
        )
    here = sight.here()
    if isinstance(here, Place):
        return _read(sight, here, text)
    if isinstance(here, Series) and not sight.shows_roster(here):
        return _yes_or_no(
            sight,
            text,
            read_more,
            lambda yes: _add(sight, here.ref, False) if yes else _no_more(sight, here.ref),
            skip=lambda: _no_more(sight, here.ref),
        )
    command = read_command(text)
    if command is not None:
        return Step(sight.state, command=command)
    if here is not None and re.fullmatch(r"\s*[0-9]{1,3}\s*", text):
        return _change(sight, f"{here.ref}[{int(text)}]")
    return _refuse(sight, "reply.stop_or_go_on" if read_enough(text) else "reply.review_expected")


def _yes_or_no(
    sight: Sight,
    text: str,
    read: Callable[[str, str], bool | None],
    say: Callable[[bool], Step],
    skip: Callable[[], Step],
) -> Step:
    """What ``text`` says to a question that is no question of the form's."""
    said = read(text, sight.context.language)
    if said is not None:
        return say(said)
    command = read_command(text)
    if command is None:
        return _refuse(sight, "reply.yes_or_no")
    return skip() if command.name == "skip" else Step(sight.state, command=command)


def _read(sight: Sight, place: Place, text: str) -> Step:
    """What ``text`` says to the question at ``place``."""
    question, ref = place.question, place.ref
    shown = sight.shown(place)
    reading = read_reply(
        question.kind,
        text,
        choices=[Option(choice.name, (choice.label,)) for choice in shown],
        language=sight.context.language,
        today=sight.context.now.date(),
        offers=place.leaf.offers[sight.required(place)],
        appearance=question.appearance,
        question=sight.label(place),
        now=sight.context.now,
        within=question.range,
        ticked=sight.ticked(place) if question.kind in (Kind.SELECT_MULTIPLE, Kind.RANK) else (),
    )
    match reading:
        case DontKnow():
            return _leave(sight, ref, Missing.DONT_KNOW)
        case PreferNot():
            return _leave(sight, ref, Missing.PREFER_NOT)
        case Command("skip"):
            return _leave(sight, ref, Missing.SKIPPED)
        case Command("done"):
            return _done(sight, ref)
        case Command() as command:
            return Step(sight.state, command=command)
        case Value(value):
            return _take(sight, place, value, sure=False)
        case Values(values):
            return _take(sight, place, " ".join(values), sure=False)
        case Ambiguous(between):
            among = tuple([choice for choice in shown if choice.name in between])
            return Step(sight.state, refusal=Refusal("reply.which", between=among, ref=ref))
        case Refused(reason, params):
            return _refuse(sight, reason, params, ref=ref)
    raise AssertionError(reading)


# An answer


def _answer(sight: Sight, ref: str, value: str, sure: bool) -> Step:
    place = sight.asks(ref)
    if place is None:
        return _refuse(sight, "reply.no_longer_asked", ref=ref)
    value = kinds.tidy(place.question.kind, value)
    return _take(sight, place, value, sure) if value else _leave(sight, ref, Missing.SKIPPED, sure)


def _take(sight: Sight, place: Place, value: str, sure: bool) -> Step:
    """Accept ``value`` at ``place`` if its type, the choices and the constraint allow it."""
    refusal = _unfit(sight, place, value)
    if refusal is not None:
        return Step(sight.state, refusal=refusal)
    value = _written(sight, place, value)
    change = Changed(place.ref, value, None, _first(sight.state, place.ref))
    return _changed(sight, _with(sight.state, place.ref, value), change, sure)


def _with(state: State, ref: str, value: str) -> State:
    """``state`` with another answer."""
    answers = dict(state.answers)
    answers[ref] = value
    return _replaced(state, answers, _without(state.missing, ref))


def _without(known: Mapping[str, Missing], ref: str) -> Mapping[str, Missing]:
    return {at: why for at, why in known.items() if at != ref} if ref in known else known


def _replaced(state: State, answers: Mapping[str, str], missing: Mapping[str, Missing]) -> State:
    """``state`` with other answers (``dataclasses.replace`` takes its time)."""
    return State(
        answers,
        missing,
        state.hidden,
        state.focus,
        state.submitted,
        state.computed,
        state.counts,
        state.closed,
        state.removals,
    )


def _unfit(sight: Sight, place: Place, value: str) -> Refusal | None:
    """Why ``value`` can't be the answer at ``place``."""
    question, ref = place.question, place.ref
    if question.kind in SELECTS:
        if not sight.tree.fits(place, value):
            rank = question.kind is Kind.RANK
            return Refusal("reply.not_a_rank" if rank else "reply.not_a_choice", ref=ref)
    else:
        fault = kinds.fault(question, value)
        if fault is not None:
            return Refusal(fault[0], fault[1], ref=ref)
    if question.constraint is None or _fits(sight, place, value, question.constraint):
        return None
    return Refusal("reply.constraint", text=sight.say(question.constraint_message, place), ref=ref)


def _fits(sight: Sight, place: Place, value: str, constraint: Expression) -> bool:
    """Whether ``value`` keeps to the constraint; not if that takes more work than one evaluation may cost."""
    kept, place.value = place.value, store(value, place.type, sight.tree.zone)
    try:
        return sight.tree.holds(constraint, place)
    finally:
        place.value = kept


def _written(sight: Sight, place: Place, value: str) -> str:
    """``value`` as it is stored: ``5`` for ``+05``, choices in their list's order."""
    if place.question.kind is Kind.SELECT_MULTIPLE:
        return " ".join(sight.in_order(place, value.split()))
    return kinds.written(place.question, value)


def _leave(sight: Sight, ref: str, missing: Missing, sure: bool = False) -> Step:
    """No value at ``ref``, if the question and the instrument allow that."""
    place = sight.asks(ref)
    if place is None:
        return _refuse(sight, "reply.no_longer_asked", ref=ref)
    if missing is Missing.SKIPPED:
        if sight.required(place):
            return Step(sight.state, refusal=_required(sight, place))
    else:
        given = place.leaf.offers[False]
        if not (given.dont_know if missing is Missing.DONT_KNOW else given.prefer_not):
            return _refuse(sight, "reply.not_offered", ref=ref)
    change = Changed(ref, None, missing, _first(sight.state, ref))
    return _changed(sight, _left(sight.state, ref, missing), change, sure)


def _left(state: State, ref: str, missing: Missing) -> State:
    """``state`` without an answer at ``ref``."""
    answers = state.answers
    if ref in answers:
        answers = {at: value for at, value in answers.items() if at != ref}
    return _replaced(state, answers, {**state.missing, ref: missing})


def _settled(state: State, pending: Pending) -> State:
    """``state`` with the answer that waits for a yes."""
    if pending.missing is not None:
        return _left(state, pending.ref, pending.missing)
    return _with(state, pending.ref, pending.value)


def _required(sight: Sight, place: Place) -> Refusal:
    return Refusal("reply.required", text=sight.say(place.question.required_message, place), ref=place.ref)


def _first(state: State, ref: str) -> bool:
    return ref not in state.answers and ref not in state.missing


# What an answer changes


def _changed(sight: Sight, after: State, change: Changed, sure: bool) -> Step:
    """The step for one changed answer, with the answers it takes out of the interview.

    A focus on another question stays while that one can be asked: the person still wants to see it.
    """
    before, ref = sight.state, change.ref
    focus = before.focus
    if focus is not None and (focus.ref in (None, ref) or focus.pending is not None):
        after = replace(after, focus=None)
    place = sight.tree.places[ref]
    template, value = place.spot.ref, place.value
    if template in sight.questionnaire.structural:
        moved = _grown(sight, after, sight.questionnaire.reached([template]))
        if moved.tree.overflow and not sight.tree.overflow:
            return _refuse(sight, "reply.too_many_members", {"limit": MEMBERS_LIMIT}, ref=ref)
        if not sure and _beyond(sight, moved):
            pending = Pending("answer", ref, change.value or "", change.missing)
            return Step(_looking(before, Focus(ref, None, pending)))
    else:
        sight.tree.lost.clear()
        moved = sight.moved(after, ref)
    if sight.questionnaire.triggered:
        moved = _set(moved, ref, value)
    return _told(sight, before, moved, (change,))


def _grown(sight: Sight, state: State, redraw: frozenset[str]) -> Sight:
    """A look at ``state`` for which the tree is grown anew."""
    return Sight(sight.questionnaire, state, sight.context, redraw)


def _same(ref: str) -> str | None:
    return ref


def _told(
    sight: Sight,
    before: State,
    moved: Sight,
    changes: tuple[Changed, ...],
    renamed: Callable[[str], str | None] = _same,
) -> Step:
    """The step from ``before``, which ``sight`` was a look at, to where ``moved`` is. ``renamed`` says what a
    reference is called now, None if it is gone.
    """
    moved = _weeded(moved)
    tree = moved.tree
    state = tree.remembered(tree.state)
    focus = state.focus
    if focus is not None and focus.ref is not None and not (moved.asks(focus.ref) or moved.repeat(focus.ref)):
        state = replace(state, focus=None)
    if state is not tree.state:
        moved.moved(state)
    told = {change.ref for change in changes}
    candidates = dict.fromkeys(tree.lost) if moved is sight else before.answers
    gone = []
    for ref in candidates:
        now = renamed(ref)
        if ref not in told and now is not None and moved.asks(now) is None:
            gone.append(ref)
    dropped: tuple[Line, ...] = ()
    if gone:
        earlier = sight if sight.state is before else Sight(sight.questionnaire, before, sight.context)
        places = [place for place in map(earlier.asks, gone) if place is not None]
        dropped = tuple([earlier.line(place) for place in sorted(places, key=lambda place: place.at)])
    return Step(state, changes=changes, dropped=dropped, sight=moved)


def _beyond(sight: Sight, grown: Sight) -> list[Place]:
    """The members that ``grown`` has not any more and somebody was answered for."""
    found: list[Place] = []
    answers, order = sight.state.answers, sight.tree.order
    for series in sight.tree.series.values():
        if any(each in found for each in series.within):
            continue
        for instance in series.instances:
            if instance.ref not in grown.tree.places and any(
                order[at].ref in answers for at in range(instance.at, instance.end)
            ):
                found.append(instance)
    return found


def _set(sight: Sight, ref: str, before: Leaf) -> Sight:
    """Set what is to be set when the value at ``ref``, which was ``before``, changes; then what is to be set
    because of that, each once.
    """
    done: set[tuple[str, str]] = set()
    pending = [(ref, before)]
    while pending:
        trigger, was = pending.pop(0)
        place = sight.tree.places.get(trigger)
        if place is None or (place.value == was and place.value.__class__ is was.__class__):
            continue
        for at, setting in sight.questionnaire.triggered.get(place.spot.ref, ()):
            for target in sight.tree.together(place, at):
                if (target.ref, setting.value.source) in done or target.ref not in sight.tree.places:
                    continue
                done.add((target.ref, setting.value.source))
                target = sight.tree.places[target.ref]
                value = to_string(sight.tree.stored(setting.value, target))
                if value == to_string(target.value):
                    continue
                pending.append((target.ref, target.value))
                sight = _moved_to(sight, target, value)
    return sight


def _weeded(sight: Sight) -> Sight:
    """The look after answers that are not offered any more were dropped, and defaults that are not, as ODK's
    engines do when they come to them: what is left of several choices stands, but waits to be confirmed.
    """
    while reached := sight.tree.reached_misfits():
        place = min(reached, key=lambda each: each.at)
        before, offered = place.value, frozenset(sight.tree.names(place))
        value = sight.state.answers.get(place.ref) or to_string(before)
        left = [name for name in value.split() if name in offered]
        sight = _set(_moved_to(sight, place, " ".join(left)), place.ref, before)
    return sight


def _moved_to(sight: Sight, target: Place, value: str) -> Sight:
    """The look after ``value`` was set at ``target``: whatever was answered there is gone."""
    ref, template = target.ref, target.spot.ref
    state = sight.tree.remembered(sight.state)
    answers = {at: each for at, each in state.answers.items() if at != ref}
    state = _replaced(state, answers, _without(state.missing, ref))
    if value or target.question.default is not None or ref in state.computed:
        state = replace(state, computed={**state.computed, ref: value})
    if template in sight.questionnaire.structural:
        return _grown(sight, state, sight.questionnaire.reached([template]))
    return sight.moved(state, ref)


# Several choices


def _many(sight: Sight, ref: str) -> Place | None:
    """The question at ``ref``, if it can be put now and takes several choices."""
    place = sight.asks(ref)
    several = place is not None and place.question.kind in (Kind.SELECT_MULTIPLE, Kind.RANK)
    return place if several else None


def _toggle(sight: Sight, ref: str, choice: str) -> Step:
    place = _many(sight, ref)
    if place is None:
        return _refuse(sight, "reply.no_longer_asked", ref=ref)
    if choice not in sight.tree.names(place):
        return _refuse(sight, "reply.not_a_choice", ref=ref)
    ticked = sight.ticked(place)
    names = [name for name in ticked if name != choice] if choice in ticked else [*ticked, choice]
    return Step(_looking(sight.state, Focus(ref, sight.in_order(place, names))))


def _done(sight: Sight, ref: str) -> Step:
    place = _many(sight, ref)
    if place is None:
        return _refuse(sight, "reply.no_longer_asked", ref=ref)
    ticked = sight.ticked(place)
    if not ticked:
        return _leave(sight, ref, Missing.SKIPPED)
    return _take(sight, place, " ".join(ticked), sure=False)


# Moving about


def _keep(sight: Sight, ref: str | None) -> Step:
    here = sight.here() if ref is None else None
    place = sight.asks(ref) if ref is not None else here if isinstance(here, Place) else None
    if place is not None and sight.open(place):
        default = sight.standing(place)
        if default is not None:
            return _take(sight, place, default, sure=False)
    return Step(_looking(sight.state, None))


def _back(sight: Sight) -> Step:
    if sight.pending() is not None:
        return Step(_looking(sight.state, None))
    here = sight.here()
    if isinstance(here, Series) and sight.shows_roster(here):
        return Step(_looking(sight.state, None))
    if here is None:
        # An early review leads back to the question that was left for it.
        if sight.tree.first_open() is not None:
            return Step(_looking(sight.state, None))
        at = len(sight.tree.order)
    else:
        at = here.at
    last = sight.before_this(at)
    if last < 0:
        return _refuse(sight, "reply.at_start")
    return Step(_looking(sight.state, Focus(sight.tree.order[last].ref)))


def _change(sight: Sight, ref: str) -> Step:
    """Ask a question again; of a member the first one, of a repeat who is in it."""
    if sight.asks(ref) is not None or sight.repeat(ref) is not None:
        return Step(_looking(sight.state, Focus(ref)))
    member = sight.member(ref)
    if member is None:
        absent = ref.endswith("]")
        return _refuse(sight, "reply.no_such_member" if absent else "reply.no_longer_asked", ref=ref)
    first = sight.tree.asked.find(1, member.at, member.end)
    if first < 0:
        return _refuse(sight, "reply.no_longer_asked", ref=ref)
    return Step(_looking(sight.state, Focus(sight.tree.order[first].ref)))


def _change_number(sight: Sight, number: int) -> Step:
    place = sight.numbered(number)
    if place is None or not sight.tree.is_asked(place) or sight.open(place):
        return _refuse(sight, "reply.no_such_line", {"number": number})
    return _change(sight, place.ref)


# Members


def _series(sight: Sight, ref: str | None) -> Series | None:
    """The repeat at ``ref``; without one, the one asked about or shown now, or that the person is in."""
    if ref is not None:
        return sight.repeat(ref)
    here = sight.here()
    if isinstance(here, Series):
        return here
    if isinstance(here, Place) and len(here.within) > 1:
        return sight.tree.series_of(here.within[-1])
    rosters = sight.rosters()
    return rosters[0] if rosters else None


def _show_roster(sight: Sight, ref: str | None) -> Step:
    series = _series(sight, ref)
    if series is None:
        return _refuse(sight, "reply.no_such_member", ref=ref)
    return Step(_looking(sight.state, Focus(series.ref)))


def _counted(sight: Sight, series: Series) -> Place | Step | None:
    """The question that says how many there are, if its answer can change; None where nothing says so; else
    why nobody can be added or taken out.
    """
    if series.repeat.count is None:
        return None
    governor = sight.tree.governor(series)
    if governor is not None and sight.asks(governor.ref) is not None:
        return governor
    label = sight.label(governor) if governor is not None else ""
    return _refuse(sight, "reply.members_counted", {"question": label}, ref=series.ref)


def _add(sight: Sight, ref: str | None, sure: bool) -> Step:
    series = _series(sight, ref)
    if series is None:
        return _refuse(sight, "reply.no_such_member", ref=ref)
    governor = _counted(sight, series)
    if isinstance(governor, Step):
        return governor
    limit = sight.tree.full(series)
    if limit is not None:
        return _refuse(sight, "reply.too_many_members", {"limit": limit}, ref=series.ref)
    number = len(series.instances) + 1
    added = Changed(f"{series.ref}[{number}]", None, None, first=True, what="added")
    if governor is not None:
        if not sure:
            return Step(_looking(sight.state, Focus(series.ref, None, Pending("add", series.ref))))
        return _recounted(sight, sight.state, series, governor, number, added)
    if not sight.tree.may_grow(series):
        return _refuse(sight, "reply.no_longer_asked", ref=series.ref)
    state = replace(
        sight.state,
        counts={**sight.state.counts, **_empty(series, number), series.ref: number},
        closed=sight.state.closed - {series.ref},
        focus=None,
    )
    moved = _grown(sight, state, _members_changed(sight, series))
    if moved.tree.overflow and not sight.tree.overflow:
        return _refuse(sight, "reply.too_many_members", {"limit": INSTANCES_LIMIT}, ref=series.ref)
    return _told(sight, sight.state, moved, (added,))


def _empty(series: Series, number: int) -> dict[str, int]:
    """The counts of repeats directly in a first member that was not there from the beginning: nobody."""
    if number > 1:
        return {}
    repeats = (spot.name for spot in series.spot.parts if isinstance(spot.item, Repeat))
    return {f"{series.ref}[1]/{name}": 0 for name in repeats}


def _members_changed(sight: Sight, series: Series) -> frozenset[str]:
    """The rules that may have another result when there are more or fewer members."""
    questionnaire, repeat = sight.questionnaire, series.repeat.ref
    inside = [ref for ref in (*questionnaire.leaves, *questionnaire.reach) if ref.startswith(f"{repeat}/")]
    return questionnaire.reached([repeat, *inside], questionnaire.depth(repeat))


def _recounted(
    sight: Sight, state: State, series: Series, governor: Place, number: int, changed: Changed
) -> Step:
    """One member more or less where a question says how many there are: its answer changes. ``state`` is as
    it will be but for that answer.
    """
    ref, value = governor.ref, str(number)
    refusal = _unfit(sight, governor, value)
    if refusal is not None:
        return Step(sight.state, refusal=refusal)
    before = sight.state
    answered = Changed(ref, value, None, _first(before, ref))
    redraw = sight.questionnaire.reached([governor.spot.ref]) | _members_changed(sight, series)
    moved = _grown(sight, replace(_with(state, ref, value), focus=None), redraw)
    if moved.tree.overflow and not sight.tree.overflow:
        return _refuse(sight, "reply.too_many_members", {"limit": INSTANCES_LIMIT}, ref=series.ref)
    moved = _set(moved, ref, governor.value)
    renamed = _renaming(changed) if changed.what == "removed" else _same
    return _told(sight, before, moved, (answered, changed), renamed)


def _no_more(sight: Sight, ref: str | None) -> Step:
    series = _series(sight, ref)
    if series is None:
        return _refuse(sight, "reply.no_such_member", ref=ref)
    state = _looking(sight.state, None)
    if series.repeat.count is not None or series.ref in state.closed:
        return Step(state)
    before = sight.state
    sight.tree.lost.clear()
    moved = sight.moved(replace(state, closed=state.closed | {series.ref}))
    moved.remark(series)
    return _told(sight, before, moved, ())


def _remove(sight: Sight, ref: str, sure: bool) -> Step:
    instance = sight.member(ref)
    if instance is None:
        return _refuse(sight, "reply.no_such_member", ref=ref)
    series = sight.tree.series_of(instance)
    governor = _counted(sight, series)
    if isinstance(governor, Step):
        return governor
    if not sure:
        return Step(_looking(sight.state, Focus(series.ref, None, Pending("remove", ref))))
    removed = Changed(ref, sight.as_member(instance).name, None, first=False, what="removed")
    number = len(series.instances) - 1
    renamed = _renaming(removed)
    # The second becomes the first, but nobody else comes into it by that.
    second = f"{series.ref}[2]/"
    inside = [each for at, each in sight.tree.series.items() if at.startswith(second)]
    kept = {each.ref: len(each.instances) for each in inside if each.repeat.count is None}
    state = _taken_out(replace(sight.state, counts={**kept, **sight.state.counts}), renamed)
    if governor is not None:
        return _recounted(sight, state, series, governor, number, removed)
    state = replace(state, counts={**state.counts, series.ref: number})
    if not number:
        state = replace(state, closed=state.closed - {series.ref})
    moved = _grown(sight, state, _members_changed(sight, series))
    return _told(sight, sight.state, moved, (removed,), renamed)


def _renaming(removed: Changed) -> Callable[[str], str | None]:
    """What references are called once a member is taken out: those after it move up. None for the member's
    own.
    """
    series, _, number = removed.ref[:-1].rpartition("[")
    out = int(number)
    start = f"{series}["

    def renamed(ref: str) -> str | None:
        if not ref.startswith(start):
            return ref
        number, _, rest = ref[len(start) :].partition("]")
        if int(number) == out:
            return None
        return f"{start}{int(number) - 1}]{rest}" if int(number) > out else ref

    return renamed


_T = TypeVar("_T")


def _taken_out(state: State, renamed: Callable[[str], str | None]) -> State:
    """``state`` without a member, and with the references of those after it."""

    def kept(known: Mapping[str, _T]) -> Mapping[str, _T]:
        pairs = ((renamed(ref), value) for ref, value in known.items())
        return {ref: value for ref, value in pairs if ref is not None}

    closed = (renamed(ref) for ref in state.closed)
    return replace(
        state,
        answers=kept(state.answers),
        missing=kept(state.missing),
        computed=kept(state.computed),
        counts=kept(state.counts),
        closed=frozenset(ref for ref in closed if ref is not None),
        focus=None,
        removals=state.removals + 1,
    )


def _confirm(sight: Sight, yes: bool) -> Step:
    pending = sight.pending()
    if pending is None:
        return _refuse(sight, "reply.no_longer_asked")
    if not yes:
        return Step(_looking(sight.state, None))
    if pending.what == "add":
        return _add(sight, pending.ref, sure=True)
    if pending.what == "remove":
        return _remove(sight, pending.ref, sure=True)
    if pending.missing is not None:
        return _leave(sight, pending.ref, pending.missing, sure=True)
    place = sight.asks(pending.ref)
    assert place is not None
    return _take(sight, place, pending.value, sure=True)


# Handing in


def _submit(sight: Sight) -> Step:
    """Hand in if every question is answered and every answer still fits; else lead to the first to mend."""
    state, tree = sight.state, sight.tree
    at = tree.stops.find(1)
    while at >= 0:
        target = tree.order[at]
        if tree.waiting[at]:
            # The first that waits: asked without a focus, but for one that has ticks already.
            focus = state.focus if state.focus is not None and state.focus.ref == target.ref else None
            focus = focus if isinstance(target, Place) and focus is not None and not focus.pending else None
            return Step(_looking(state, focus), refusal=Refusal("reply.still_open", ref=target.ref))
        if isinstance(target, Place):
            refusal = _unsound(sight, target)
            if refusal is not None:
                return Step(_looking(state, Focus(target.ref)), refusal=refusal)
        at = tree.stops.find(1, at + 1)
    barred = _barred(sight)
    if barred is not None:
        return Step(state, refusal=barred)
    return Step(replace(state, focus=None, submitted=True, computed=_ended(sight)))


def _barred(sight: Sight) -> Refusal | None:
    """What keeps the answers from being handed in that nobody can answer: a note, or a value only read, that
    is required and blank. Forms stop people so until they change an earlier answer.
    """
    tree = sight.tree
    at = tree.told.find(1)
    while at >= 0:
        place = tree.order[at]
        if isinstance(place, Place) and place.value == "" and sight.required(place):
            message = sight.say(place.question.required_message, place) or sight.note(place).text
            return Refusal("reply.required", text=message, ref=place.ref)
        at = tree.told.find(1, at + 1)
    return None


def _unsound(sight: Sight, place: Place) -> Refusal | None:
    """What is wrong with an answer, or the lack of one, that was all right when it was given."""
    value = sight.state.answers.get(place.ref)
    if value is not None:
        return _unfit(sight, place, value)
    skipped = sight.state.missing[place.ref] is Missing.SKIPPED
    return _required(sight, place) if skipped and sight.required(place) else None


def _ended(sight: Sight) -> Mapping[str, Leaf]:
    """The computed values with those that are worked out at the end."""
    computed = sight.state.computed
    for place in sight.tree.leaves():
        question = place.question
        if question.at_end and question.calculation is not None:
            computed = {**computed, place.ref: sight.tree.stored(question.calculation, place)}
    return computed
