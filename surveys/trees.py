"""An interview as a tree: every instance of every group, repeat and question, worked out and kept up to date.

A :class:`Tree` is grown from a state. An answer then changes only what depends on it: rules by rules, in
their order, each in the instances concerned. What is asked, what waits for an answer and what is only shown
stands in rows of flags along the order of the form, so that counting and finding the next costs next to
nothing. When the number of instances changes the tree is grown anew.

A repeat's instances are as many as its count says (a number cut to an integer; none for a blank); without a
count as many as the state says, one at the beginning. No more than 200 of one repeat, 2,000 in all.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, tzinfo
from heapq import heappop, heappush

from surveys.expressions import Expression, ExpressionError, Leaf, Node, Scope, seeded, store, to_string
from surveys.forms import Kind, Question, Repeat
from surveys.questionnaires import Leaf as Asked
from surveys.questionnaires import Questionnaire, Spot
from surveys.rules import Reach, Rule
from surveys.states import Context, State
from surveys.wordings import Shown

MEMBERS_LIMIT = 200
"""Instances of one repeat."""

INSTANCES_LIMIT = 2_000
"""Instances of all repeats together."""

VALUE_LIMIT = 100_000
"""Characters of a calculated text; what is longer counts as blank."""

_ORDER = "@order"
"""What stands behind a reference in the computed values of a state for the chance of an order of choices."""

_ROUNDS_LIMIT = 200
"""How often a tree is grown until a count that depends on its own instances stays the same."""

_NOWHERE = Reach()

Offer = int | Shown
"""A choice that is offered: its place in its list, or one made of answers."""


class Place(Node):
    """A group, an instance of a repeat, or a question in one of its instances.

    ``ref`` names instances (``/data/member[2]/age``). ``within`` are the instances it stands in (with itself,
    if it is one), the form first; those know what is ``inside`` them, by reference without numbers. ``at`` is
    its place in the order of what is shown, −1 if it never is; a group's or an instance's parts stand from
    ``at`` to ``end``. ``offered`` are the choices of a select that does not always offer the same: positions
    in its list, or made of answers.
    """

    __slots__ = ("at", "end", "inside", "offered", "parts", "ref", "spot", "within")

    children: list[Node]
    parts: list[Place | Series]
    inside: dict[str, list[Place | Series]]
    offered: Sequence[Offer] | None
    within: tuple[Place, ...]

    def __init__(self, spot: Spot, ref: str, above: Place | None, instance: int = 1) -> None:
        # Trees are grown often: everything is put in its place here, and leaves share what they never fill.
        self.name = spot.name
        self.type = spot.type
        self.value = ""
        self.relevant = True
        self.instance = instance
        self.parent = above
        self.counted = 0
        self.spot = spot
        self.ref = ref
        self.within = above.within if above is not None else ()
        self.at = self.end = -1
        self.offered = None
        if spot.leaf is None:
            self.children, self.by_name, self.parts, self.inside = [], {}, [], {}
        else:
            self.children, self.by_name, self.parts, self.inside = _NODES, _NAMED, _PARTS, _INSIDE

    @property
    def leaf(self) -> Asked:
        """What follows from the form for this question."""
        leaf = self.spot.leaf
        assert leaf is not None
        return leaf

    @property
    def question(self) -> Question:
        """The question asked here."""
        return self.leaf.question


class Series:
    """The instances of a repeat, in the form or in one instance of another repeat. ``ghost`` stands where the
    next one would: there it is decided how many there are and whether there may be more.
    """

    __slots__ = ("at", "ghost", "instances", "parent", "ref", "repeat", "spot")

    def __init__(self, spot: Spot, ref: str, parent: Place) -> None:
        assert isinstance(spot.item, Repeat)
        self.spot = spot
        self.repeat = spot.item
        self.ref = ref
        self.parent = parent
        self.instances: list[Place] = []
        self.at = -1
        self.ghost = Place(spot, f"{ref}[1]", parent)

    @property
    def within(self) -> tuple[Place, ...]:
        """The instances it stands in, the form first."""
        return self.parent.within


Target = Place | Series

_NODES: list[Node] = []
_NAMED: dict[str, list[Node]] = {}
_PARTS: list[Target] = []
_INSIDE: dict[str, list[Target]] = {}


class Tree:
    """All of one interview worked out; see the module. Changed by :meth:`move` alone."""

    __slots__ = (
        "_begun",
        "_guesses",
        "_lists",
        "_redraw",
        "_size",
        "_touched",
        "asked",
        "context",
        "counted",
        "fresh",
        "lost",
        "misfits",
        "order",
        "overflow",
        "places",
        "questionnaire",
        "scope",
        "series",
        "state",
        "stops",
        "told",
        "top",
        "waiting",
        "zone",
    )

    def __init__(
        self,
        questionnaire: Questionnaire,
        state: State,
        context: Context,
        redraw: frozenset[str] = frozenset(),
    ) -> None:
        """Grow the tree of ``state``. ``redraw`` are calculations by chance or the clock to be worked out
        anew, since what they read has changed.
        """
        self.questionnaire = questionnaire
        self.state = state
        self.context = context
        self.zone: tzinfo = context.now.tzinfo or UTC
        self.fresh: dict[str, Leaf] = {}
        """Results that belong into the state and are not in it yet."""
        self.lost: list[str] = []
        """Answered questions that were asked and are not any more, since this was last emptied."""
        self.misfits: dict[Place, None] = {}
        """Selects that do not offer their answer any more, or not their default."""
        self._redraw = redraw
        self._guesses: dict[str, int] = {}
        rounds = 0
        while self._grow() and rounds < _ROUNDS_LIMIT:
            rounds += 1
        self._arrange()

    # Growing ------------------------------------------------------------------------------------------------

    def _grow(self) -> bool:
        """Build everything; True if a count that depends on what it counts asks for more."""
        questionnaire = self.questionnaire
        root = Node("", type="root")
        top = self.top = Place(questionnaire.root, questionnaire.top, None)
        root.add(top)
        top.within = (top,)
        self.places: dict[str, Place] = {}
        self.series: dict[str, Series] = {}
        self.overflow = False
        self._size = 0
        self._begun = False
        self._lists: dict[str, Sequence[int]] = {}
        self._touched: dict[Target, None] = {}
        self.misfits.clear()
        self.scope = Scope(
            node=top,
            root=root,
            instances=questionnaire.instances,
            now=self.context.now,
            rng=self.context.rng,
            match=self.context.match,
            language=questionnaire.language(self.context.language),
            labels=self._choice_label,
        )
        self._fill(top)
        for rule in questionnaire.ranked:
            for target in tuple(top.inside.get(rule.key, ())):
                self._work_out(rule, target)
        self._begun = True
        more = False
        for key in questionnaire.loose:
            for series in top.inside.get(key, ()):
                assert isinstance(series, Series)
                wanted = self._wanted(series)
                if len(series.instances) < wanted and self._room(series):
                    self._guesses[series.ref] = wanted
                    more = True
        return more

    def _fill(self, place: Place) -> None:
        """Grow what stands in a group or an instance; instances of repeats come later."""
        within, parts, children = place.within, place.parts, place.children
        answers, computed, places = self.state.answers, self.state.computed, self.places
        start = place.ref
        for spot in place.spot.parts:
            ref = f"{start}/{spot.name}"
            part: Place | Series
            if spot.leaf is not None:
                part = places[ref] = Place(spot, ref, place)
                if spot.given or ref in answers or ref in computed:
                    part.value = self._given(part)
                if spot.drawn and f"{ref}{_ORDER}" not in computed:
                    self.fresh.setdefault(f"{ref}{_ORDER}", self.context.rng())
                children.append(part)
            elif isinstance(spot.item, Repeat):
                part = self.series[ref] = Series(spot, ref, place)
                for holder in within:
                    holder.inside.setdefault(f"{spot.ref}#", []).append(part)
            else:
                part = self.places[ref] = Place(spot, ref, place)
                children.append(part)
                self._fill(part)
            parts.append(part)
            if spot.watched and isinstance(part, Place):
                for holder in within:
                    holder.inside.setdefault(spot.ref, []).append(part)
        place.counted = -1

    def _given(self, place: Place) -> Leaf:
        """The value of a question's node before anything is worked out: the answer, else a default."""
        leaf, ref, state = place.leaf, place.ref, self.state
        question = leaf.question
        value: Leaf = state.answers.get(ref, "")
        if not value and ref not in state.missing:
            kept = state.computed.get(ref, self.fresh.get(ref))
            value = (question.default or "") if kept is None else kept
        if question.kind is Kind.HIDDEN:
            value = state.hidden.get(question.name, value)
        if value == "" or (place.spot.verbatim and value.__class__ is str):
            return value
        return store(value, question.type, self.zone)

    def _wanted(self, series: Series) -> int:
        """How many instances there should be, whatever the limits."""
        count = series.repeat.count
        if count is None:
            known = self.state.counts.get(series.ref)
            return _at_first(series) if known is None else known
        series.ghost.instance = len(series.instances) + 1
        number = self.number(count, series.ghost)
        return 0 if math.isnan(number) else int(max(0.0, min(number, 1e9)))

    def _room(self, series: Series) -> int:
        """How many instances more there may be."""
        return min(MEMBERS_LIMIT - len(series.instances), INSTANCES_LIMIT - self._size)

    def _multiply(self, series: Series) -> None:
        """Make the instances of a repeat."""
        loose = f"{series.spot.ref}#" in self.questionnaire.loose
        wanted = self._guesses.get(series.ref, 0) if loose else self._wanted(series)
        room = self._room(series)
        self.overflow = self.overflow or wanted > room
        for number in range(1, min(wanted, room) + 1):
            self._add(series, number)
        parent = series.parent
        children: list[Node] = []
        for part in parent.parts:
            children += part.instances if isinstance(part, Series) else (part,)
        parent.children = children
        parent.counted = -1

    def _add(self, series: Series, number: int) -> Place:
        spot = series.spot
        ref = f"{series.ref}[{number}]"
        place = self.places[ref] = Place(spot, ref, series.parent, number)
        place.within = (*series.within, place)
        series.instances.append(place)
        series.ghost.instance = number + 1
        self._size += 1
        if spot.watched:
            for holder in place.within:
                holder.inside.setdefault(spot.ref, []).append(place)
        self._fill(place)
        return place

    def full(self, series: Series) -> int | None:
        """The limit that keeps a repeat from having one instance more, if one does."""
        if len(series.instances) >= MEMBERS_LIMIT:
            return MEMBERS_LIMIT
        return INSTANCES_LIMIT if self._size >= INSTANCES_LIMIT else None

    # Working out --------------------------------------------------------------------------------------------

    def _work_out(self, rule: Rule, target: Target) -> bool:
        """Relevance and value of one instance; whether either is another now."""
        if isinstance(target, Series):
            self._multiply(target)
            return True
        changed = False
        if rule.relevant is not None:
            holds = self.holds(rule.relevant, target)
            if holds != target.relevant:
                target.relevant = holds
                self._touched[target] = None
                changed = True
        if rule.calculation is not None:
            value = self._calculated(rule, rule.calculation, target)
            if value != target.value or value.__class__ is not target.value.__class__:
                target.value = value
                changed = True
        elif rule.default is not None and not self._begun:
            self._begin(rule.default, target)
        return changed

    def _calculated(self, rule: Rule, calculation: Expression, target: Place) -> Leaf:
        if not rule.kept:
            return self.stored(calculation, target)
        ref, computed = target.ref, self.state.computed
        if not self._begun:
            kept = computed.get(ref, self.fresh.get(ref))
            if kept is not None:
                if rule.key not in self._redraw:
                    return kept
                target.value = kept
        if not target.is_relevant():
            return target.value
        value = self.stored(calculation, target)
        self.fresh[ref] = value
        return value

    def _begin(self, default: Expression, target: Place) -> None:
        """Work out a default once."""
        ref, state = target.ref, self.state
        known = ref in state.computed or ref in self.fresh or ref in state.answers or ref in state.missing
        if not known:
            self.fresh[ref] = to_string(self.stored(default, target))
            target.value = self._given(target)

    def stored(self, expression: Expression, place: Place) -> Leaf:
        """The value of ``expression`` as the node of ``place`` keeps it; blank if it takes too much work."""
        self.scope.node = place
        try:
            value = expression.evaluate(self.scope)
        except ExpressionError:
            return ""
        if isinstance(value, str) and len(value) > VALUE_LIMIT:
            return ""
        return store(value, place.type, self.zone)

    def holds(self, expression: Expression, place: Place) -> bool:
        """Whether ``expression`` holds at ``place``; not if that takes more work than one may cost."""
        self.scope.node = place
        try:
            return expression.true(self.scope)
        except ExpressionError:
            return False

    def text(self, expression: Expression, place: Place) -> str:
        """``expression`` as a label at ``place`` shows it; blank if it takes too much work."""
        self.scope.node = place
        try:
            return expression.string(self.scope)[:VALUE_LIMIT]
        except ExpressionError:
            return ""

    def number(self, expression: Expression, place: Place) -> float:
        """``expression`` as a number; NaN if it is none, or takes too much work."""
        self.scope.node = place
        try:
            return expression.number(self.scope)
        except ExpressionError:
            return math.nan

    def nodes(self, expression: Expression, place: Place) -> list[Node]:
        """The nodes of ``expression``; none if it takes too much work."""
        self.scope.node = place
        try:
            return expression.nodes(self.scope)
        except ExpressionError:
            return []

    def _choice_label(self, ref: str, value: str, language: str) -> str:
        """What ``jr:choice-name`` says, for choices made of answers too."""
        leaf = self.questionnaire.leaves.get(ref)
        if leaf is None or leaf.question.picked is None:
            return self.questionnaire.label(ref, value, language)
        scope = self.scope
        here = scope.node
        around = here.within if isinstance(here, Place) else (self.top,)
        found = [each for holder in reversed(around) for each in holder.inside.get(ref, ())]
        for place in found[:1]:
            assert isinstance(place, Place)
            for shown in self._picked(place):
                if shown.name == value:
                    value = shown.label
                    break
        scope.node = here
        return value

    # Moving -------------------------------------------------------------------------------------------------

    def current(self, context: Context) -> bool:
        """Take the time, chance and patterns of ``context``; False if a tree grown now could be another."""
        self.scope.spent = 0
        known = self.context
        if context is not known:
            if (
                self.questionnaire.clocked
                or context.now.date() != known.now.date()
                or context.now.tzinfo != known.now.tzinfo
                or context.language != known.language
            ):
                return False
            self.context = context
            self.scope.now, self.scope.rng, self.scope.match = context.now, context.rng, context.match
        return True

    def move(self, state: State, *refs: str) -> None:
        """Go on to ``state``, which differs in the answers at ``refs``, none of which changes how many
        instances there are.
        """
        self.state = state
        changed = []
        for ref in refs:
            place = self.places[ref]
            value = self._given(place)
            if value != place.value or value.__class__ is not place.value.__class__:
                place.value = value
                changed.append(place)
            if place.at >= 0:
                self._mark(place)
        if changed:
            self._settle(changed)

    def _settle(self, changed: Iterable[Place]) -> None:
        """Work out again what depends on changed nodes, each rule after those it depends on."""
        questionnaire = self.questionnaire
        ranked, reach = questionnaire.ranked, questionnaire.reach
        waiting: dict[int, dict[Target, None]] = {}
        ranks: list[int] = []
        stale: dict[Target, None] = {}

        def alert(place: Place, after: int) -> None:
            reached = reach.get(place.spot.ref, _NOWHERE)
            within = place.within
            for read in reached.rules:
                rank = read.rank
                if rank > after:
                    for target in within[read.together].inside.get(read.key, ()):
                        targets = waiting.get(rank)
                        if targets is None:
                            targets = waiting[rank] = {}
                            heappush(ranks, rank)
                        targets[target] = None
            for read in reached.shown:
                for target in within[read.together].inside.get(read.key, ()):
                    stale[target] = None

        for place in changed:
            alert(place, -1)
        while ranks:
            rank = heappop(ranks)
            rule = ranked[rank]
            for target in waiting.pop(rank):
                if isinstance(target, Place) and self._work_out(rule, target):
                    alert(target, rank)
        for target in stale:
            if isinstance(target, Place):
                target.offered = None
            self._touched[target] = None
        for target in self._touched:
            if isinstance(target, Place) and target.end >= 0:
                for at in range(target.at, target.end):
                    self._mark(self.order[at])
            elif target.at >= 0:
                self._mark(target)
        self._touched.clear()

    # What is asked ------------------------------------------------------------------------------------------

    def _arrange(self) -> None:
        """Put what is shown in order, and flag it: what is ``asked``, ``counted`` in *question 7 of 18*,
        still ``waiting``, only ``told``; ``stops`` are what is asked and the ends of repeats where more can
        come.
        """
        order: list[Target] = []

        def walk(place: Place) -> None:
            place.at = len(order)
            for part in place.parts:
                if isinstance(part, Series):
                    for instance in part.instances:
                        walk(instance)
                    if part.repeat.count is None:
                        part.at = len(order)
                        order.append(part)
                elif part.spot.leaf is None:
                    walk(part)
                elif part.spot.leaf.asked or part.spot.leaf.told:
                    part.at = len(order)
                    order.append(part)
            place.end = len(order)

        walk(self.top)
        self._touched.clear()
        self.order = order
        size = len(order)
        self.asked, self.counted = bytearray(size), bytearray(size)
        self.waiting, self.told, self.stops = bytearray(size), bytearray(size), bytearray(size)
        for target in order:
            self._mark(target)

    def _mark(self, target: Target) -> None:
        """Set the flags of one thing shown."""
        at = target.at
        if isinstance(target, Series):
            self.stops[at] = may = self.may_grow(target)
            self.waiting[at] = may and target.ref not in self.state.closed
            return
        leaf = target.leaf
        asked = counted = waiting = told = False
        self.misfits.pop(target, None)
        if target.is_relevant():
            if not leaf.asked or (leaf.locked is not None and self.holds(leaf.locked, target)):
                told = leaf.told
            else:
                ref = target.ref
                settled = ref in self.state.missing
                value = self.state.answers.get(ref)
                if value is not None:
                    settled = not leaf.moving or self.fits(target, value)
                    if not settled:
                        self.misfits[target] = None
                elif leaf.moving and target.value != "" and self._stale(target):
                    self.misfits[target] = None
                asked = counted = not leaf.moving or bool(self.offers(target))
                if not asked and leaf.awaits:
                    counted = any(map(self._pending, self._awaited(target)))
                waiting = asked and not settled
        if self.asked[at] and not asked and target.ref in self.state.answers:
            self.lost.append(target.ref)
        pending = self.waiting[at] or (self.counted[at] and not self.asked[at])
        self.asked[at] = self.stops[at] = asked
        self.counted[at], self.waiting[at], self.told[at] = counted, waiting, told
        waited_for = self.questionnaire.awaited.get(target.spot.ref)
        if waited_for and pending != (waiting or (counted and not asked)):
            for key, together in waited_for:
                for other in target.within[together].inside.get(key, ()):
                    if other.at > at:
                        self._mark(other)

    def _pending(self, place: Place) -> bool:
        """Whether the question still waits for its answer, or would if there were anything to offer."""
        at = place.at
        if self.waiting[at]:
            return True
        return bool(self.counted[at]) and not self.asked[at] and place.ref not in self.state.missing

    def _awaited(self, place: Place) -> Iterable[Place]:
        """The questions that the filter of this one reads."""
        for ref in place.leaf.awaits:
            holder = place.within[self.questionnaire.depth(ref)]
            yield self.places[f"{holder.ref}{ref[len(holder.spot.ref) :]}"]

    def may_grow(self, series: Series) -> bool:
        """Whether *add another?* may be asked of this repeat."""
        repeat = series.repeat
        if repeat.count is not None or not series.parent.is_relevant():
            return False
        return repeat.relevant is None or self.holds(repeat.relevant, series.ghost)

    def _stale(self, place: Place) -> bool:
        """Whether the value that stands at a select, which nobody answered, has something not offered."""
        value = to_string(place.value)
        named = [value] if place.question.kind is Kind.SELECT_ONE else value.split()
        return not frozenset(self.names(place)).issuperset(named)

    def reached_misfits(self) -> list[Place]:
        """The selects that do not offer their answer any more, or not their default, and that the interview
        has come to: all before the first thing that waits, and that itself.
        """
        if not self.misfits:
            return []
        first = self.waiting.find(1)
        return [place for place in self.misfits if first < 0 or place.at <= first]

    def is_asked(self, place: Place) -> bool:
        """Whether the question at ``place`` can be put now."""
        return place.at >= 0 and bool(self.asked[place.at])

    def first_open(self) -> Target | None:
        """The first question that waits for an answer, or repeat that waits for *no more*."""
        at = self.waiting.find(1)
        return None if at < 0 else self.order[at]

    # Choices ------------------------------------------------------------------------------------------------

    def offers(self, place: Place) -> Sequence[Offer]:
        """What a select that does not always offer the same offers now."""
        if place.offered is None:
            place.offered = self._offered(place)
        return place.offered

    def _offered(self, place: Place) -> Sequence[Offer]:
        leaf = place.leaf
        question = leaf.question
        found: Sequence[Offer]
        if question.picked is not None:
            found = self._picked(place)
        elif leaf.chosen is None:
            found = range(len(question.choices))
        else:
            known = self._lists.get(question.ref)
            if known is None:
                known = [row.instance - 1 for row in self.nodes(leaf.chosen, place)]
                if leaf.steady:
                    self._lists[question.ref] = known
            found = known
        if not question.shuffled:
            return found
        if question.seed is not None:
            self.scope.node = place
            try:
                return seeded(found, question.seed.evaluate(self.scope))
            except ExpressionError:
                return found
        return self._shuffled(place, found)

    def _shuffled(self, place: Place, found: Sequence[Offer]) -> Sequence[Offer]:
        """In an order of the interview's own: the whole list's, so that a filter does not change it."""
        key = f"{place.ref}{_ORDER}"
        drawn = self.state.computed.get(key, self.fresh.get(key, 0.0))
        seed = float(int(float(drawn) * 2_147_483_646))
        if place.question.picked is not None:
            return seeded(found, seed)
        wanted = frozenset(found)
        return [at for at in seeded(range(len(place.question.choices)), seed) if at in wanted]

    def _picked(self, place: Place) -> Sequence[Shown]:
        """Choices made of answers: none for a blank, two for the same answer in two members."""
        picked = place.question.picked
        assert picked is not None
        scope = self.scope
        found = []
        for node in self.nodes(picked.nodes, place):
            scope.node, scope.current = node, place
            try:
                name = picked.value.string(scope).strip()
                label = picked.label.string(scope).strip()
            except ExpressionError:
                name = label = ""
            if name:
                found.append(Shown(name, label or name))
        scope.current = None
        scope.node = place
        return found

    def names(self, place: Place) -> Sequence[str]:
        """The names of the choices offered now, in the order shown."""
        choices = place.question.choices
        if not place.leaf.moving:
            return [choice.name for choice in choices]
        return [each.name if isinstance(each, Shown) else choices[each].name for each in self.offers(place)]

    def fits(self, place: Place, value: str) -> bool:
        """Whether a select offers what ``value`` names; of a rank, nothing else."""
        leaf = place.leaf
        names = frozenset(self.names(place)) if leaf.moving else leaf.names
        if leaf.question.kind is Kind.SELECT_ONE:
            return value in names
        named = value.split()
        if leaf.question.kind is Kind.RANK:
            return len(named) == len(names) and names == set(named)
        return bool(named) and names.issuperset(named)

    # Finding ------------------------------------------------------------------------------------------------

    def governor(self, series: Series) -> Place | None:
        """The question whose answer says how many instances there are."""
        ref = series.repeat.governed_by
        if ref is None:
            return None
        depth = self.questionnaire.depth(ref)
        if depth >= len(series.within):
            return None
        holder = series.within[depth]
        return self.places.get(f"{holder.ref}{ref[len(holder.spot.ref) :]}")

    def series_of(self, instance: Place) -> Series:
        """The repeat that ``instance`` is one of."""
        return self.series[instance.ref.rpartition("[")[0]]

    def leaves(self) -> Iterator[Place]:
        """Every question in every instance, in the order of the form."""
        pending: list[Target] = [self.top]
        while pending:
            part = pending.pop()
            if isinstance(part, Series):
                pending += reversed(part.instances)
            elif part.spot.leaf is not None:
                yield part
            else:
                pending += reversed(part.parts)

    def together(self, place: Place, ref: str) -> list[Place]:
        """The places of the question at ``ref`` (as the form gives it) in the instances ``place`` is in."""
        mine, theirs = place.within, self.questionnaire.around[ref]
        depth = 0
        while depth < min(len(mine) - 1, len(theirs)) and mine[depth + 1].spot.ref == theirs[depth]:
            depth += 1
        return [each for each in mine[depth].inside.get(ref, ()) if isinstance(each, Place)]

    def remark(self, series: Series) -> None:
        """Look again whether a repeat waits for *no more*."""
        if series.at >= 0:
            self._mark(series)

    def sample(self, ref: str) -> Place:
        """A place of the question at ``ref`` (as the form gives it), whether there is an instance or not.

        Where there is none, one is made: the tree is of no use afterwards but for looking at this place.
        """
        place = self.top
        while place.spot.ref != ref:
            part = next(part for part in place.parts if f"{ref}/".startswith(f"{part.spot.ref}/"))
            if isinstance(part, Series):
                part = part.instances[0] if part.instances else self._add(part, 1)
            place = part
        return place

    def remembered(self, state: State) -> State:
        """``state`` with the results that belong into it."""
        if not self.fresh:
            return state
        changed = {
            key: value for key, value in self.fresh.items() if not _same(state.computed.get(key), value)
        }
        self.fresh.clear()
        return replace(state, computed={**state.computed, **changed}) if changed else state


def _at_first(series: Series) -> int:
    """How many instances a repeat without a count begins with: one. A repeat that stands directly in another
    one begins empty in what was added later (pyxform writes it so, ODK's engines do so): a second house has
    no people yet.
    """
    original = all(around.instance == 1 for around in series.within)
    return 1 if original or not isinstance(series.parent.spot.item, Repeat) else 0


def _same(a: Leaf | None, b: Leaf) -> bool:
    return a.__class__ is b.__class__ and a == b
