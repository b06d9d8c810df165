"""Two versions of a form: what changed between them, and what becomes of an interview begun under the older.

A question is the same in both if it stands at the same place, else if it is the only one of its name inside
the same repeats, whatever groups it stands in now: answers move by name. What is asked for again or dropped
follows from the two forms and the answer alone. Conditions are not worked out here: an answer that a new
constraint no longer lets through is found when the interview is handed in, as always.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from enum import StrEnum

from surveys.expressions import Expression
from surveys.forms import ASKED, SELECTS, Form, Group, Item, Kind, Missing, Question, Repeat, Text
from surveys.replies import Offers
from surveys.states import Focus, State

# ── what changed ────────────────────────────────────────────────────────────────────────────────────────────


class What(StrEnum):
    """What changed of a question, a group, a repeat or a choice."""

    ADDED = "added"
    REMOVED = "removed"
    RENAMED = "renamed"
    """Rather: one went and one that looks the same came, under another name."""
    MOVED = "moved"
    LABEL = "label"
    HINT = "hint"
    TYPE = "type"
    CHOICE_ADDED = "choice_added"
    CHOICE_REMOVED = "choice_removed"
    CHOICE_LABEL = "choice_label"
    RELEVANT = "relevant"
    REQUIRED = "required"
    CONSTRAINT = "constraint"
    CALCULATION = "calculation"
    CHOICE_FILTER = "choice_filter"
    READ_ONLY = "read_only"
    DEFAULT = "default"
    COUNT = "count"


class Effect(StrEnum):
    """What a change means for interviews that are half finished."""

    NONE = "none"
    """Answers stay as they are."""
    ASKED = "asked"
    """It is asked, also of those who are further on."""
    AGAIN = "again"
    """It is asked again of everybody who had answered it."""
    SOME_AGAIN = "some_again"
    """It is asked again of those whose answer does not fit any more."""
    AT_SUBMISSION = "at_submission"
    """Answers that no longer fit are asked for again when the interview is handed in."""
    DROPPED = "dropped"
    """What was answered is dropped."""
    DEPENDS = "depends"
    """Who is asked it may change; answers are kept as long as they apply."""


@dataclass(frozen=True, slots=True)
class Change:
    """One difference. ``ref`` is the place in the newer form (of what was removed, in the older), ``name``
    its name, ``kind`` what it is (``group``, ``repeat`` or a :class:`~surveys.forms.Kind`); ``before`` and
    ``after`` as the author wrote them, empty where there was nothing.
    """

    what: What
    effect: Effect
    ref: str
    name: str
    kind: str
    before: str = ""
    after: str = ""
    detail: str = ""
    """The language of a text, the name of a choice."""


@dataclass(frozen=True, slots=True)
class Changes:
    """All differences, in the order of the newer form, what was removed last."""

    all: tuple[Change, ...]

    def __bool__(self) -> bool:
        return bool(self.all)

    def names(self, *effects: Effect) -> tuple[str, ...]:
        """The names of the questions with one of these effects, each once."""
        return tuple(dict.fromkeys(one.name for one in self.all if one.effect in effects))


_NAME = r"[\w\-]+(?:\.[\w\-]+)*"
_PATH = re.compile(
    # The converter puts a space around every reference; one that the author wrote stays.
    rf"(?:(?<=[ (\[,]) |^ )?"
    rf"(?<![\w.)\]])(?:/{_NAME}(?:/{_NAME})+|(?:current\(\)/)?(?:\.\./)+{_NAME}(?:/{_NAME})*)"
    rf"(?: (?=[ )/\[\],]|$))?"
)


def written(source: str) -> str:
    """An expression as its author wrote it: ``${age}`` for a path such as ``/data/member/age``."""
    return _PATH.sub(lambda found: "${" + found[0].strip().rpartition("/")[2] + "}", source).strip()


# ── the same question in both ───────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class _Place:
    """Where something stands: ``path`` are the names below the root, ``within`` the repeats it is in,
    outermost first, ``at`` its place in the order of the form.
    """

    item: Item
    path: tuple[str, ...]
    within: tuple[str, ...]
    at: int

    @property
    def ref(self) -> str:
        return self.item.ref


def _places(form: Form) -> dict[str, _Place]:
    found: dict[str, _Place] = {}
    stack: list[tuple[Item, tuple[str, ...], tuple[str, ...]]] = [
        (item, (), ()) for item in reversed(form.children)
    ]
    while stack:
        item, above, within = stack.pop()
        path = (*above, item.name)
        found[item.ref] = _Place(item, path, within, len(found))
        if not isinstance(item, Question):
            inside = (*within, item.ref) if isinstance(item, Repeat) else within
            stack.extend((child, path, inside) for child in reversed(item.children))
    return found


@dataclass(frozen=True, slots=True)
class _Match:
    """What corresponds: references of the older form → of the newer, for questions, groups and repeats."""

    old: Mapping[str, _Place]
    new: Mapping[str, _Place]
    pairs: Mapping[str, str]

    def removed(self) -> Iterator[_Place]:
        return (place for ref, place in self.old.items() if ref not in self.pairs)

    def added(self) -> Iterator[_Place]:
        known = set(self.pairs.values())
        return (place for ref, place in self.new.items() if ref not in known)


def _matched(old: Form, new: Form) -> _Match:
    """Repeats are matched before what stands in them: a member's answers stay that member's."""
    before, after = _places(old), _places(new)
    pairs: dict[str, str] = {}
    deepest = max((len(place.within) for place in before.values()), default=0)
    for depth in range(deepest + 1):
        for name in (_by_path, _by_name):
            taken = set(pairs.values())
            here = _alone(
                name,
                [
                    (place, tuple([pairs.get(repeat, "") for repeat in place.within]))
                    for ref, place in before.items()
                    if len(place.within) == depth and ref not in pairs
                ],
            )
            there = _alone(
                name,
                [
                    (place, place.within)
                    for ref, place in after.items()
                    if len(place.within) == depth and ref not in taken
                ],
            )
            pairs.update((place.ref, there[key].ref) for key, place in here.items() if key in there)
    return _Match(before, after, pairs)


_Key = tuple[object, ...]


def _by_path(place: _Place) -> _Key:
    return place.path


def _by_name(place: _Place) -> _Key:
    return (place.item.name,)


def _alone(
    name: Callable[[_Place], _Key], places: Iterable[tuple[_Place, tuple[str, ...]]]
) -> dict[_Key, _Place]:
    """Those of ``places`` that alone are called what they are called, inside the same repeats."""
    found: dict[_Key, list[_Place]] = {}
    for place, within in places:
        found.setdefault((type(place.item), within, *name(place)), []).append(place)
    return {key: some[0] for key, some in found.items() if len(some) == 1}


# ── comparing ───────────────────────────────────────────────────────────────────────────────────────────────


def compare(old: Form, new: Form) -> Changes:
    """Every difference between two versions that a person who answers, or an author, would notice."""
    match = _matched(old, new)
    back = {ref: was for was, ref in match.pairs.items()}
    renamed = _renamed(match)
    moved = _moved(match)
    found: list[Change] = []
    for ref, place in match.new.items():
        if ref in back:
            found += _differences(match.old[back[ref]], place, moved=ref in moved)
        elif ref in renamed:
            was = renamed[ref].item
            found.append(_change(What.RENAMED, Effect.DROPPED, place.item, was.name, place.item.name))
        elif _seen(place.item):
            found.append(_change(What.ADDED, _of_added(place.item), place.item, after=_title(place.item)))
    gone = {place.ref for place in renamed.values()}
    for place in match.removed():
        if place.ref not in gone and _seen(place.item):
            effect = Effect.DROPPED if is_asked(place.item) or isinstance(place.item, Repeat) else Effect.NONE
            found.append(_change(What.REMOVED, effect, place.item, before=_title(place.item)))
    return Changes(tuple(found))


def is_asked(item: Item) -> bool:
    """Whether a person answers this (a question that is sometimes read only, sometimes)."""
    return (
        isinstance(item, Question)
        and item.kind in ASKED
        and item.read_only is not True
        and item.calculation is None
    )


def _seen(item: Item) -> bool:
    """Whether coming or going of this alone is worth telling: a group without a condition is not."""
    return not isinstance(item, Group) or item.relevant is not None or bool(item.label)


def _of_added(item: Item) -> Effect:
    return Effect.ASKED if is_asked(item) or isinstance(item, Repeat) else Effect.NONE


def _kind(item: Item) -> str:
    if isinstance(item, Question):
        return item.kind.value
    return "repeat" if isinstance(item, Repeat) else "group"


def _change(
    what: What, effect: Effect, item: Item, before: str = "", after: str = "", detail: str = ""
) -> Change:
    return Change(what, effect, item.ref, item.name, _kind(item), before, after, detail)


def _title(item: Item) -> str:
    """A label in any language, for a line about something that came or went."""
    return next(iter(_texts(item.label).values()), "")


def _texts(text: Text) -> dict[str, str]:
    """A text by language, references as the author wrote them, spaces collapsed."""
    found = {}
    for language, template in text.by_language.items():
        parts = (part if isinstance(part, str) else written(part.source) for part in template)
        words = " ".join("".join(parts).split())
        if words:
            found[language] = words
    return found


def _renamed(match: _Match) -> dict[str, _Place]:
    """Questions that look like one that went: same type, same label, same repeats; the newer's reference →
    the older.
    """
    gone: dict[_Key, list[_Place]] = {}
    come: dict[_Key, list[_Place]] = {}
    for places, looks in ((match.removed(), gone), (match.added(), come)):
        for place in places:
            item = place.item
            title = _title(item)
            if is_asked(item) and title:
                within = tuple([match.pairs.get(each, each) for each in place.within])
                looks.setdefault((_kind(item), title, within), []).append(place)
    return {
        others[0].ref: places[0]
        for look, places in gone.items()
        if len(places) == len(others := come.get(look, [])) == 1
    }


def _moved(match: _Match) -> set[str]:
    """What stands in another group now, or was overtaken by what once stood before or after it: everything
    outside one longest run of the pairs that kept their order.
    """
    found = {
        ref
        for was, ref in match.pairs.items()
        if _above(match.old[was], match.old, match.pairs) != _above(match.new[ref], match.new, None)
    }
    back = {ref: was for was, ref in match.pairs.items()}
    staying = [ref for ref, place in match.new.items() if ref in back and isinstance(place.item, Question)]
    return found | (set(staying) - _run(staying, [match.old[back[ref]].at for ref in staying]))


def _above(place: _Place, places: Mapping[str, _Place], pairs: Mapping[str, str] | None) -> str:
    """The group or repeat directly around something; of the older form, what it corresponds to now."""
    above = place.ref.rpartition("/")[0]
    if above not in places:
        return ""
    return above if pairs is None else pairs.get(above, f"gone {above}")


def _run(refs: Sequence[str], places: Sequence[int]) -> set[str]:
    """The references of one longest subsequence with rising places (patience sorting)."""
    tops: list[int] = []
    piles: list[int] = []
    before: list[int] = []
    for index, at in enumerate(places):
        pile = bisect_left(tops, at)
        before.append(piles[pile - 1] if pile else -1)
        if pile == len(tops):
            tops.append(at)
            piles.append(index)
        else:
            tops[pile] = at
            piles[pile] = index
    kept: set[str] = set()
    index = piles[-1] if piles else -1
    while index >= 0:
        kept.add(refs[index])
        index = before[index]
    return kept


def _differences(was: _Place, now: _Place, *, moved: bool) -> Iterator[Change]:
    old, new = was.item, now.item
    if moved:
        yield _change(What.MOVED, Effect.NONE, new, "/".join(was.path[:-1]), "/".join(now.path[:-1]))
    yield from _texts_differ(What.LABEL, old.label, new.label, new)
    yield from _rule(What.RELEVANT, Effect.DEPENDS, old.relevant, new.relevant, new)
    if isinstance(old, Repeat) and isinstance(new, Repeat):
        yield from _rule(What.COUNT, Effect.DEPENDS, old.count, new.count, new)
    if not (isinstance(old, Question) and isinstance(new, Question)):
        return
    yield from _texts_differ(What.HINT, old.hint, new.hint, new)
    again = refits(old, new)
    if again or _type(old) != _type(new):
        effect = Effect.NONE
        if is_asked(old):
            effect = (Effect.AGAIN if again else Effect.NONE) if is_asked(new) else Effect.DROPPED
        elif is_asked(new):
            effect = Effect.ASKED
        yield _change(What.TYPE, effect, new, _type(old), _type(new))
    if not again:
        yield from _choices(old, new)
    became = _always(new.required) and not _always(old.required)
    required = Effect.SOME_AGAIN if became else Effect.AT_SUBMISSION if new.required else Effect.NONE
    yield from _rule(What.REQUIRED, required, old.required, new.required, new)
    constrained = Effect.AT_SUBMISSION if new.constraint else Effect.NONE
    yield from _rule(What.CONSTRAINT, constrained, old.constraint, new.constraint, new)
    yield from _rule(What.CALCULATION, Effect.NONE, old.calculation, new.calculation, new)
    yield from _rule(What.CHOICE_FILTER, Effect.SOME_AGAIN, old.choice_filter, new.choice_filter, new)
    if _shown(old.read_only) != _shown(new.read_only):
        yield _change(What.READ_ONLY, Effect.DEPENDS, new, _shown(old.read_only), _shown(new.read_only))
    if (old.default or "") != (new.default or ""):
        yield _change(What.DEFAULT, Effect.NONE, new, old.default or "", new.default or "")


def _texts_differ(what: What, old: Text, new: Text, item: Item) -> Iterator[Change]:
    before, after = _texts(old), _texts(new)
    for language in dict.fromkeys([*after, *before]):
        was, now = before.get(language, ""), after.get(language, "")
        if was != now:
            yield _change(what, Effect.NONE, item, was, now, language)


def _rule(
    what: What, effect: Effect, old: Expression | None, new: Expression | None, item: Item
) -> Iterator[Change]:
    before, after = ("" if rule is None else written(rule.source) for rule in (old, new))
    if before != after:
        yield _change(what, effect, item, before, after)


def _shown(read_only: bool | Expression) -> str:
    if isinstance(read_only, Expression):
        return written(read_only.source)
    return "true()" if read_only else ""


def _always(required: Expression | None) -> bool:
    return required is not None and required.source.strip() == "true()"


def _type(question: Question) -> str:
    """The type as an author would write it: ``date month-year``, ``range 0 10 1``."""
    precision = sorted(set(question.appearance.split()) & _PRECISE)
    limits = question.range
    numbers = [] if limits is None else [f"{limits.start}", f"{limits.end}", f"{limits.step}"]
    return " ".join([question.kind.value, *precision, *numbers])


def _choices(old: Question, new: Question) -> Iterator[Change]:
    if new.kind not in SELECTS:
        return
    before = {choice.name: _texts(choice.label) for choice in old.choices}
    after = {choice.name: _texts(choice.label) for choice in new.choices}
    fewer = Effect.AGAIN if new.kind is Kind.RANK else Effect.SOME_AGAIN
    for name in before:
        if name not in after:
            title = next(iter(before[name].values()), name)
            yield _change(What.CHOICE_REMOVED, fewer, new, title, "", name)
    for name, texts in after.items():
        if name not in before:
            more = Effect.AGAIN if new.kind is Kind.RANK else Effect.NONE
            yield _change(What.CHOICE_ADDED, more, new, "", next(iter(texts.values()), name), name)
        elif texts != before[name]:
            language = next(
                each for each in [*texts, *before[name]] if texts.get(each) != before[name].get(each)
            )
            was, now = before[name].get(language, ""), texts.get(language, "")
            yield _change(What.CHOICE_LABEL, Effect.NONE, new, was, now, name)


# ── moving an interview ─────────────────────────────────────────────────────────────────────────────────────


class Why(StrEnum):
    """Why something is asked for again."""

    TYPE = "type"
    CHOICE = "choice"
    REQUIRED = "required"
    NOT_OFFERED = "not_offered"
    RANGE = "range"


@dataclass(frozen=True, slots=True)
class Moved:
    """An interview under the newer form. ``kept`` are references there whose answers came along, ``again``
    those that are asked for once more and why, ``dropped`` references of the older form whose answers have no
    place any more.
    """

    state: State
    kept: tuple[str, ...] = ()
    again: Mapping[str, Why] = field(default_factory=dict)
    dropped: tuple[str, ...] = ()


_PRECISE = frozenset({"year", "month-year", "time", "phone"})
"""Appearances that decide what a value looks like."""

_WIDER = {
    (Kind.INTEGER, Kind.DECIMAL),
    (Kind.SELECT_ONE, Kind.SELECT_MULTIPLE),
    (Kind.TEXT, Kind.BARCODE),
    (Kind.BARCODE, Kind.TEXT),
}
"""Types that take every value of another."""

_FINER = {"year": 0, "month-year": 1}


def refits(old: Question, new: Question) -> bool:
    """Whether answers to ``old`` can't be answers to ``new`` for their type alone."""
    if old.kind is not new.kind:
        return (old.kind, new.kind) not in _WIDER
    before, after = (set(each.appearance.split()) & _PRECISE for each in (old, new))
    if new.kind is Kind.DATE:
        # A day stands for its month and year, the first of a month not for a day.
        return _fineness(after) > _fineness(before)
    return new.kind is Kind.TEXT and before != after and bool(after)


def _fineness(appearance: Iterable[str]) -> int:
    return min((_FINER[each] for each in appearance if each in _FINER), default=2)


def move(
    old: Form,
    new: Form,
    state: State,
    *,
    offers: Mapping[str, Offers] | None = None,
    hidden: Mapping[str, str] | None = None,
) -> Moved:
    """``state``, begun under ``old``, as an interview under ``new``; from ``old`` to itself nothing changes.

    ``offers`` says by question name where the newer instrument lets people not know or not say (None: as the
    older did); ``hidden`` are values for fields that only ``new`` declares.
    """
    match = _matched(old, new)
    carrier = _Carrier(match)
    answers: dict[str, str] = {}
    missing: dict[str, Missing] = {}
    again: dict[str, Why] = {}
    dropped: list[str] = []
    for ref, value in state.answers.items():
        target = carrier.question(ref)
        if target is None:
            dropped.append(ref)
            continue
        at, was, now = target
        why = _unfit(was, now, value)
        if why is None:
            answers[at] = value
        else:
            again[at] = why
    for ref, reason in state.missing.items():
        target = carrier.question(ref)
        if target is None:
            continue
        at, was, now = target
        why = _unfit_missing(was, now, reason, offers)
        if why is None:
            missing[at] = reason
        else:
            again[at] = why
    kept = (*answers, *missing)
    moved = State(
        answers=answers,
        missing=missing,
        hidden=_hidden(new, state, hidden or {}),
        focus=_focus(carrier, state.focus),
        submitted=state.submitted,
        computed=_computed(carrier, state),
        counts=_counts(carrier, state),
        closed=frozenset(_closed(carrier, state)),
        removals=state.removals,
    )
    return Moved(moved, kept, again, tuple(dropped))


_STEP = re.compile(r"([^/\[\]]+)(?:\[(\d+)\])?")


class _Carrier:
    """References of instances, from the older form to the newer."""

    def __init__(self, match: _Match) -> None:
        self.match = match

    def instance(self, ref: str) -> tuple[str, str, str] | None:
        """*(reference there, template here, template there)* of what stands at ``ref``; None if it has no
        place.
        """
        steps = [(name, number) for name, number in _STEP.findall(ref)]
        template = "/" + "/".join(name for name, _ in steps)
        there = self.match.pairs.get(template)
        if there is None:
            return None
        numbers = iter([number for _, number in steps if number])
        parts = []
        for step, repeats in zip(there.split("/")[1:], _steps(there, self.match.new), strict=True):
            number = next(numbers, "") if repeats else ""
            parts.append(f"{step}[{number}]" if number else step)
        return "/" + "/".join(parts), template, there

    def question(self, ref: str) -> tuple[str, Question, Question] | None:
        """The same for a question that is asked there: *(reference there, here, there)*."""
        found = self.instance(ref)
        if found is None:
            return None
        at, here, there = found
        was, now = self.match.old[here].item, self.match.new[there].item
        if not (isinstance(was, Question) and isinstance(now, Question) and is_asked(now)):
            return None
        return at, was, now


def _steps(ref: str, places: Mapping[str, _Place]) -> list[bool]:
    """For every step of a template, whether it is a repeat."""
    names = ref.split("/")[1:]
    return [
        isinstance(place.item, Repeat) if (place := places.get("/" + "/".join(names[:at]))) else False
        for at in range(1, len(names) + 1)
    ]


def _unfit(was: Question, now: Question, value: str) -> Why | None:
    """Why an answer to ``was`` is none to ``now``."""
    if refits(was, now):
        return Why.TYPE
    if now.kind in SELECTS and now.picked is None:
        names = {choice.name for choice in now.choices}
        chosen = [value] if now.kind is Kind.SELECT_ONE else value.split()
        if not names.issuperset(chosen) or (now.kind is Kind.RANK and len(chosen) != len(names)):
            return Why.CHOICE
    if now.range is not None and not _in_range(now, value):
        return Why.RANGE
    return None


def _in_range(question: Question, value: str) -> bool:
    limits = question.range
    assert limits is not None
    try:
        number = Decimal(value)
    except InvalidOperation:
        return False
    low, high = sorted((limits.start, limits.end))
    step = abs(limits.step)
    return low <= number <= high and (not step or (number - limits.start) % step == 0)


def _unfit_missing(
    was: Question, now: Question, reason: Missing, offers: Mapping[str, Offers] | None
) -> Why | None:
    """Why ``now`` can't be left without a value for this reason."""
    if refits(was, now):
        return Why.TYPE
    if reason is Missing.SKIPPED:
        return Why.REQUIRED if _always(now.required) and not _always(was.required) else None
    if offers is None:
        return None
    given = offers.get(now.name, Offers())
    allowed = given.dont_know if reason is Missing.DONT_KNOW else given.prefer_not
    return None if allowed else Why.NOT_OFFERED


def _hidden(new: Form, state: State, given: Mapping[str, str]) -> dict[str, str]:
    declared = {question.name for question in new.questions() if question.kind is Kind.HIDDEN}
    return {name: value for name, value in {**given, **state.hidden}.items() if name in declared}


def _focus(carrier: _Carrier, focus: Focus | None) -> Focus | None:
    """What the person asked to see, if it is still there; without what waited for a yes if that is not."""
    if focus is None:
        return None
    if focus.ref is not None and carrier.instance(focus.ref) is None:
        return None
    ref = None if focus.ref is None else carrier.instance(focus.ref)
    pending = focus.pending
    if pending is not None:
        target = carrier.instance(pending.ref)
        if target is None:
            return None
        pending = type(pending)(pending.what, target[0], pending.value)
    return Focus(None if ref is None else ref[0], focus.ticked, pending)


def _computed(carrier: _Carrier, state: State) -> dict[str, str | float | bool]:
    """Results that can't be worked out again, where they would be worked out alike."""
    found: dict[str, str | float | bool] = {}
    for ref, value in state.computed.items():
        target = carrier.instance(ref)
        if target is None:
            continue
        at, here, there = target
        was, now = carrier.match.old[here].item, carrier.match.new[there].item
        if isinstance(was, Question) and isinstance(now, Question) and _same_calculation(was, now):
            found[at] = value
    return found


def _same_calculation(was: Question, now: Question) -> bool:
    return _worked_out(was) == _worked_out(now)


def _worked_out(question: Question) -> tuple[object, ...]:
    """How a value that nobody gives comes about."""
    calculation = "" if question.calculation is None else written(question.calculation.source)
    settings = tuple([(written(each.value.source), len(each.triggers)) for each in question.settings])
    return question.type, calculation, settings


def _counts(carrier: _Carrier, state: State) -> dict[str, int]:
    """How many members there are where no answer says so; also of a repeat that was counted until now."""
    found: dict[str, int] = {}
    for ref, number in state.counts.items():
        target = carrier.instance(ref)
        if target is not None and _uncounted(carrier.match.new[target[2]].item):
            found[target[0]] = number
    for was, now in carrier.match.pairs.items():
        before, after = carrier.match.old[was].item, carrier.match.new[now].item
        if isinstance(before, Repeat) and before.count is not None and _uncounted(after):
            for ref, number in _entered(was, before, state).items():
                target = carrier.instance(ref)
                if target is not None:
                    found[target[0]] = number
    return found


def _uncounted(item: Item) -> bool:
    return isinstance(item, Repeat) and item.count is None


def _entered(template: str, repeat: Repeat, state: State) -> dict[str, int]:
    """How many members of a counted repeat there were, by its reference: those with answers, and not more
    than the answer that governed it said.
    """
    steps = "".join(rf"/{re.escape(step)}(?:\[\d+\])?" for step in template.split("/")[1:])
    member = re.compile(rf"({steps})\[(\d+)\]/.*")
    last: Counter[str] = Counter()
    for ref in (*state.answers, *state.missing):
        found = member.fullmatch(ref)
        if found:
            last[found[1]] = max(last[found[1]], int(found[2]))
    governed = state.answers.get(repeat.governed_by or "", "")
    most = int(governed) if governed.isdecimal() else None
    return {ref: number if most is None else min(number, most) for ref, number in last.items()}


def _closed(carrier: _Carrier, state: State) -> Iterator[str]:
    for ref in state.closed:
        target = carrier.instance(ref)
        if target is not None and _uncounted(carrier.match.new[target[2]].item):
            yield target[0]
