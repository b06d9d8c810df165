"""One look at an interview: its tree, and everything in words as the person reads it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from surveys import answers
from surveys.expressions import to_string
from surveys.forms import SELECTS, Group, Kind, Repeat, Text
from surveys.prompts import Line, Member, Passage, Prompt, Roster
from surveys.questionnaires import Questionnaire
from surveys.states import Context, Pending, State
from surveys.trees import Place, Series, Target, Tree
from surveys.wordings import Shown, Wording, Words, references


class Sight:
    """A state seen at one moment in one language; goes on with the interview as :meth:`moved` says."""

    __slots__ = ("_members", "_texts", "prompt", "questionnaire", "tree")

    def __init__(
        self,
        questionnaire: Questionnaire,
        state: State,
        context: Context,
        redraw: frozenset[str] = frozenset(),
    ) -> None:
        self.questionnaire = questionnaire
        self.tree = Tree(questionnaire, state, context, redraw)
        self._texts = questionnaire.texts(self.tree.scope.language)
        self._members: dict[Place, Member] = {}
        self.prompt: Prompt | None = None
        """What is asked, once it has been put into words."""

    @property
    def state(self) -> State:
        return self.tree.state

    @property
    def context(self) -> Context:
        return self.tree.context

    def current(self, context: Context) -> bool:
        """Whether this look holds in ``context`` too, whose time and chance it takes."""
        if context is not self.tree.context:
            self.prompt = None
            self._members.clear()
        return self.tree.current(context)

    def moved(self, state: State, *refs: str) -> Sight:
        """The look at ``state``, which differs from this one's in the answers at ``refs`` (none of which
        changes how many instances there are) or in what the person asked to see. The tree is handed on: this
        look can't be used any more for the state it was made for.
        """
        self.prompt = None
        if refs:
            self._members.clear()
            self.tree.move(state, *refs)
        else:
            self.tree.state = state
        return self

    def remark(self, series: Series) -> None:
        """Look again whether a repeat waits for *no more*."""
        self._members.clear()
        self.tree.remark(series)

    # What is asked ------------------------------------------------------------------------------------------

    def asks(self, ref: str) -> Place | None:
        """The question at ``ref``, if it can be put now."""
        place = self.tree.places.get(ref)
        if place is None or place.spot.leaf is None or not self.tree.is_asked(place):
            return None
        return place

    def repeat(self, ref: str) -> Series | None:
        """The repeat at ``ref``, if it applies now."""
        series = self.tree.series.get(ref)
        if series is None or not series.parent.is_relevant():
            return None
        if any(instance.relevant for instance in series.instances):
            return series
        relevant = series.repeat.relevant
        return series if relevant is None or self.tree.holds(relevant, series.ghost) else None

    def rosters(self) -> list[Series]:
        """Every repeat that applies, in order."""
        found: list[Series] = []

        def walk(place: Place) -> None:
            for part in place.parts:
                if isinstance(part, Series):
                    if self.repeat(part.ref) is not None:
                        found.append(part)
                    for instance in part.instances:
                        walk(instance)
                elif part.spot.leaf is None and part.relevant:
                    walk(part)

        walk(self.tree.top)
        return found

    def member(self, ref: str) -> Place | None:
        """The instance at ``ref``, if it applies."""
        place = self.tree.places.get(ref)
        if place is None or not isinstance(place.spot.item, Repeat) or not place.is_relevant():
            return None
        return place

    def pending(self) -> Pending | None:
        """What waits for a yes or no, if it still can come to pass."""
        focus = self.state.focus
        pending = focus.pending if focus is not None else None
        if pending is None:
            return None
        if pending.what == "answer":
            possible = self.asks(pending.ref) is not None
        elif pending.what == "add":
            possible = self.repeat(pending.ref) is not None
        else:
            possible = pending.what == "remove" and self.member(pending.ref) is not None
        return pending if possible else None

    def here(self) -> Target | None:
        """What is asked now: a question, a repeat (its members, or *add another?*); None is the review."""
        focus = self.state.focus
        if focus is not None:
            if focus.ref is None:
                return None
            found = self.asks(focus.ref) or self.repeat(focus.ref)
            if found is not None:
                return found
        return self.tree.first_open()

    def shows_roster(self, series: Series) -> bool:
        """Whether the members of a repeat are shown because the person asked to see them."""
        focus = self.state.focus
        return focus is not None and focus.ref == series.ref

    def number(self, place: Place) -> int:
        """The number of a question among those that are counted; 0 if it is not one."""
        at = place.at
        counted = self.tree.counted
        return counted.count(1, 0, at) + 1 if at >= 0 and counted[at] else 0

    def numbered(self, number: int) -> Place | None:
        """The question with this number."""
        counted, at = self.tree.counted, -1
        if not 1 <= number <= counted.count(1):
            return None
        for _ in range(number):
            at = counted.find(1, at + 1)
        place = self.tree.order[at]
        return place if isinstance(place, Place) else None

    def open(self, place: Place) -> bool:
        """Whether a question that is asked still waits for an answer."""
        return bool(self.tree.waiting[place.at])

    def before_this(self, at: int) -> int:
        """Where the question before place ``at`` stands; −1 if there is none."""
        return self.tree.asked.rfind(1, 0, at)

    def required(self, place: Place) -> bool:
        """Whether an answer is required."""
        required = place.leaf.required
        return required if isinstance(required, bool) else self.tree.holds(required, place)

    def standing(self, place: Place) -> str | None:
        """The value that stands at a question: the answer, or a default nobody has taken yet; None if it is
        not offered.
        """
        value = self._value(place)
        if value is None or not place.leaf.moving or self.tree.fits(place, value):
            return value
        return None

    def by_default(self, place: Place) -> str:
        """What stands at a question that still waits for an answer; empty where none waits."""
        waits = self.tree.is_asked(place) and self.open(place)
        return (self.standing(place) or "") if waits else ""

    def _value(self, place: Place) -> str | None:
        state, ref = self.state, place.ref
        value = state.answers.get(ref)
        if value is None and ref not in state.missing:
            kept = state.computed.get(ref, self.tree.fresh.get(ref))
            value = place.question.default if kept is None else to_string(kept)
        return value or None

    def ticked(self, place: Place) -> tuple[str, ...]:
        """The choices of a select_multiple that are ticked, or those of a rank in their order: in the focus,
        else answered, else by default.
        """
        focus = self.state.focus
        if focus is not None and focus.ref == place.ref and focus.ticked is not None:
            return self.in_order(place, focus.ticked)
        value = self._value(place)
        return self.in_order(place, value.split()) if value else ()

    # Choices ------------------------------------------------------------------------------------------------

    def in_order(self, place: Place, names: Iterable[str]) -> tuple[str, ...]:
        """Those of ``names`` that are offered: of a rank as they come, else in the order shown."""
        question = place.question
        offered = self.tree.names(place)
        if question.kind is Kind.RANK:
            known = frozenset(offered)
            return tuple(dict.fromkeys(name for name in names if name in known))
        wanted = frozenset(names)
        return tuple(dict.fromkeys(name for name in offered if name in wanted))

    def shown(self, place: Place) -> tuple[Shown, ...]:
        """The choices offered now, with their labels."""
        question = place.question
        if question.kind not in SELECTS:
            return ()
        wording = self.wording(place)
        if wording.shown is not None:
            return wording.shown
        found = []
        for each in self.tree.offers(place) if place.leaf.moving else range(len(question.choices)):
            if isinstance(each, Shown):
                found.append(each)
            else:
                name = question.choices[each].name
                found.append(Shown(name, self.fill(wording.choices[each], place) or name))
        return tuple(found)

    # Words --------------------------------------------------------------------------------------------------

    def fill(self, words: Words, place: Place) -> str:
        """A text of the question or group at ``place`` with its references filled in."""
        if isinstance(words, str):
            return words
        text = self.tree.text
        return "".join([part if isinstance(part, str) else text(part, place) for part in words]).strip()

    def say(self, text: Text, place: Place) -> str:
        """``text`` in the person's language; empty if there is none."""
        return self.fill(self._texts.words(text), place) if text else ""

    def wording(self, place: Place) -> Wording:
        """The texts of the question at ``place``."""
        return self._texts.wording(place.question)

    def label(self, place: Place) -> str:
        """The label of the question at ``place``."""
        return self.fill(self.wording(place).label, place)

    def value_label(self, place: Place, value: str | None) -> str:
        """``value`` of a question as a person would write it: labels for selects, 05/03/2026 for dates, 2,5
        for decimals in Vietnamese, else as it is.
        """
        if not value:
            return ""
        question = place.question
        if question.kind not in SELECTS:
            return answers.shown(question, value, self.context.language)
        named = [value] if question.kind is Kind.SELECT_ONE else value.split()
        return ", ".join([self._choice(place, name) for name in named])

    def _choice(self, place: Place, name: str) -> str:
        """The label of the choice ``name``. It may stand under several parents of a filtered list: what is
        offered counts.
        """
        question, wording = place.question, self.wording(place)
        if place.leaf.moving:
            for each in self.tree.offers(place):
                if isinstance(each, Shown):
                    if each.name == name:
                        return each.label
                elif question.choices[each].name == name:
                    return self.fill(wording.choices[each], place) or name
        return self.fill(wording.by_name.get(name, name), place) or name

    def line(self, place: Place, number: int | None = None) -> Line:
        """A question as a line of the review, with its number if that is known."""
        return Line(
            self.number(place) if number is None else number,
            place.ref,
            self.label(place),
            self.value_label(place, self.state.answers.get(place.ref)),
            self.state.missing.get(place.ref),
            self.members(place),
        )

    # Members ------------------------------------------------------------------------------------------------

    def members(self, place: Place) -> tuple[Member, ...]:
        """The instances of repeats that ``place`` is in, outermost first."""
        around = place.within
        return () if len(around) == 1 else tuple([self.as_member(each) for each in around[1:]])

    def as_member(self, instance: Place) -> Member:
        """An instance of a repeat as one of its members."""
        found = self._members.get(instance)
        if found is None:
            series = self.tree.series_of(instance)
            found = self._members[instance] = Member(
                ref=instance.ref,
                number=instance.instance,
                total=len(series.instances),
                label=self.heading(series),
                name=self._name(instance),
                open=self.tree.waiting.count(1, instance.at, instance.end),
            )
        return found

    def _name(self, instance: Place) -> str:
        """What tells a member from the others; empty until it is known."""
        naming = self.questionnaire.namings[instance.spot.ref]
        places = self.tree.places
        for path, text in naming.labels:
            place = places[instance.ref + path]
            words = self._texts.words(text)
            if place.relevant and any(self.tree.text(part, place) for part in references(words)):
                return self.fill(words, place)
        for path in naming.questions:
            place = places[instance.ref + path]
            if place.is_relevant():
                return to_string(place.value)
        return ""

    def heading(self, series: Series) -> str:
        """The label of a repeat as a whole."""
        words = self._texts.heading(series.repeat)
        return self.fill(words, series.ghost).rstrip(" :") if words else ""

    def roster(self, series: Series) -> Roster:
        """The members of a repeat."""
        governor = self.tree.governor(series)
        counted = series.repeat.count is not None
        governs = governor is not None and self.asks(governor.ref) is not None
        return Roster(
            ref=series.ref,
            label=self.heading(series),
            members=self.all_members(series),
            may_change=governs or not counted,
            governed_by=self.label(governor) if governor is not None else "",
            within=self.members(series.parent),
        )

    def all_members(self, series: Series) -> tuple[Member, ...]:
        """The members of a repeat that apply."""
        return tuple([self.as_member(each) for each in series.instances if each.relevant])

    # Notes and headings -------------------------------------------------------------------------------------

    def note(self, place: Place) -> Passage:
        """What is shown of something nobody answers: its words, and its value if it has one."""
        wording = self.wording(place)
        stored = to_string(place.value)
        value = self.value_label(place, stored)
        label = said = self.fill(wording.label, place)
        if value:
            said = f"{label.rstrip(' :')}: {value}" if label else value
        text = "\n".join(filter(None, (said, self.fill(wording.hint, place))))
        return Passage(place.ref, place.question.kind, text, label, stored, wording.media)

    def before(self, target: Target | None) -> tuple[Passage, ...]:
        """Headings and notes between what was asked before ``target`` and ``target`` itself (None: after the
        last). A heading stands before the first thing that is shown of its group or member. A note may have
        nothing to say (yet): its text is empty then.
        """
        tree = self.tree
        order, told = tree.order, tree.told
        end = len(order) if target is None else target.at
        last = tree.stops.rfind(1, 0, end)
        entered = _around(order[last]) if last >= 0 else ()
        lines: list[Passage] = []
        at = told.find(1, last + 1, end)
        while at >= 0:
            place = order[at]
            assert isinstance(place, Place)
            around = _around(place)
            lines += self._headings(around, entered)
            lines.append(self.note(place))
            entered = around
            at = told.find(1, at + 1, end)
        if target is not None:
            lines += self._headings(_around(target), entered)
        return tuple(lines)

    def _headings(self, around: Sequence[Place], entered: Sequence[Place]) -> list[Passage]:
        """The headings of what is entered on the way from ``entered`` to ``around``."""
        found = []
        for place in around:
            if place not in entered:
                item = place.spot.item
                assert isinstance(item, Group | Repeat)
                text = self._heading(place, item)
                if text:
                    found.append(Passage(place.ref, None, text, text))
        return found

    def _heading(self, place: Place, item: Group | Repeat) -> str:
        if isinstance(item, Repeat):
            own = self.questionnaire.own_labels[item.ref]
            return self.say(own, place).rstrip(" :")
        return self.fill(self._texts.heading(item), place)


def _around(target: Target) -> tuple[Place, ...]:
    """The groups and instances that ``target`` stands in, outermost first, without the form itself."""
    found: list[Place] = []
    above = target.parent
    while isinstance(above, Place) and above.parent is not None and above.parent.parent is not None:
        found.append(above)
        above = above.parent
    found.reverse()
    return tuple(found)
