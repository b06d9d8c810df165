"""A form made ready for asking: what follows from the form alone, worked out once and kept.

Which nodes expressions read, in which order relevance and calculations are worked out, what another answer
may change, which texts have nothing to fill in. Nothing here knows an interview.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from surveys.expressions import Expression, Table, parse
from surveys.forms import (
    ASKED,
    Form,
    Group,
    Item,
    Kind,
    Question,
    Repeat,
    Setting,
    Template,
    Text,
    language_code,
)
from surveys.replies import Offers
from surveys.rules import CHANGING, Graph, Reach, Read, Rule
from surveys.wordings import Shown as Shown
from surveys.wordings import Texts, plain

_CONVERTED = frozenset({"int", "decimal", "boolean", "date", "dateTime", "time"})
"""Types of nodes whose values are not simply the text that was answered."""

_PATH = re.compile(r"\s*[\w.\-/]+\s*")


@dataclass(frozen=True, slots=True)
class Leaf:
    """A question, and what follows for it from the form alone.

    ``asked``: whether a person may answer it, always or while ``locked`` does not hold; ``told``: whether it
    is shown where nobody answers it. ``chosen`` finds the rows of its list that its filter lets through;
    ``moving``: what it offers may differ between interviews; ``awaits`` are the asked questions before it
    that its filter reads.
    """

    question: Question
    asked: bool
    told: bool
    locked: Expression | None
    required: Expression | bool
    offers: tuple[Offers, Offers]
    """What may be done instead of answering: while an answer is optional, and while it is required."""
    names: frozenset[str]
    chosen: Expression | None
    moving: bool
    steady: bool
    """What it offers is the same everywhere in an interview."""
    awaits: tuple[str, ...]
    at_start: Expression | None
    """A default that is worked out."""


@dataclass(frozen=True, slots=True)
class Spot:
    """An item of the form as trees are grown from it: ``parts`` are what stands in it. ``watched``: whether
    its instances have to be found from what they depend on; ``given``: whether a question may have a value
    that nobody answered; ``drawn``: whether its choices stand in an order of chance; ``verbatim``: whether a
    text is its node's value as it is.
    """

    ref: str
    name: str
    type: str
    item: Item
    parts: tuple[Spot, ...]
    leaf: Leaf | None
    watched: bool
    given: bool = False
    drawn: bool = False
    verbatim: bool = False


@dataclass(frozen=True, slots=True)
class Naming:
    """What names a member: labels with references (*where they stand, text*), else the answers at
    ``questions``; references without the repeat's own part.
    """

    labels: tuple[tuple[str, Text], ...]
    questions: tuple[str, ...]


class Questionnaire:
    """A form prepared for asking: indexes, and the order in which relevance and calculations are worked out.

    Made once per form and kept; holds nothing of any interview. ``offers`` says by question name where
    *don't know* and *prefer not to say* are offered (the instrument decides; a form alone offers neither).
    ``leaves`` are all questions by reference (as the form gives it, without numbers of instances),
    ``by_name`` references by name, ``asked`` the references a person may be asked for, in order, ``repeats``
    all repeats. Raises :class:`ExpressionError` ``cycle`` for a form whose rules depend on themselves
    (reading a form finds that before).
    """

    def __init__(self, form: Form, offers: Mapping[str, Offers] | None = None) -> None:
        self.form = form
        self.offers = dict(offers or {})
        self.top = f"/{form.root}"
        self.instances = {
            name: Table([{"name": choice.name, **choice.columns} for choice in choices])
            for name, choices in form.lists.items()
        } | {name: Table(rows) for name, rows in form.tables.items()}
        self._items: dict[str, Item] = {item.ref: item for item in form.items()}
        self._parents: dict[str, str] = {}
        self.around: dict[str, tuple[str, ...]] = {self.top: ()}
        """The repeats that each reference stands in (with itself, if it is one), outermost first."""
        self._place(form.children, self.top, ())
        self._in_order = {ref: place for place, ref in enumerate(self._items)}
        self.leaves: dict[str, Leaf] = {}
        self.by_name: dict[str, str] = {}
        for question in form.questions():
            self.leaves[question.ref] = self._leaf(question)
            self.by_name.setdefault(question.name, question.ref)
        self.repeats = {ref: item for ref, item in self._items.items() if isinstance(item, Repeat)}
        self.asked = tuple(ref for ref, leaf in self.leaves.items() if leaf.asked)
        self.own_labels = {ref: _own(repeat) for ref, repeat in self.repeats.items()}
        """The labels of repeats, for one of their instances."""
        self.namings = {ref: self._naming(repeat) for ref, repeat in self.repeats.items()}
        self.triggered = self._triggered()
        self.rules = {rule.key: rule for rule in self._rules()}
        graph = self._graph()
        self.ranked = tuple(self.rules[key] for key in graph.arranged() if key in self.rules)
        """The rules, each after what it depends on."""
        ranks = {rule.key: rank for rank, rule in enumerate(self.ranked)}
        self.loose = frozenset(
            key
            for key, needs in graph.counted.items()
            if any(ranks.get(need, -1) >= ranks[key] for need in self._upstream(graph, needs))
        )
        """Counts of instances that depend on what stands in the instances."""
        self._depends(ranks)
        self.structural = self._structural()
        """Questions whose answer may change how many instances there are."""
        self.awaited: dict[str, list[tuple[str, int]]] = {}
        """Filtered selects by the questions they wait for, and in how many repeats the two are together."""
        for ref, leaf in self.leaves.items():
            for awaited in leaf.awaits:
                together = self._shared(ref, awaited)
                self.awaited.setdefault(awaited, []).append((ref, together))
        watched = {read.key for reach in self.reach.values() for read in (*reach.rules, *reach.shown)}
        watched |= {ref for pairs in self.awaited.values() for ref, _ in pairs}
        watched |= {target for pairs in self.triggered.values() for target, _ in pairs}
        watched |= self.rules.keys()
        self.root = Spot(
            ref=self.top,
            name=form.root,
            type="group",
            item=Group(self.top, form.root, form.children),
            parts=tuple(self._spot(item, watched) for item in form.children),
            leaf=None,
            watched=False,
        )
        self.clocked = any(
            expression.functions & CHANGING for expression in self._decisive() if expression is not None
        )
        """Whether something may be relevant, or offered, at one moment and not at the next."""
        self._texts: dict[str, Texts] = {}
        self._languages: dict[str, str] = {}

    # What stands where --------------------------------------------------------------------------------------

    def _place(self, children: tuple[Item, ...], parent: str, around: tuple[str, ...]) -> None:
        for item in children:
            self._parents[item.ref] = parent
            repeats = (*around, item.ref) if isinstance(item, Repeat) else around
            self.around[item.ref] = repeats
            if not isinstance(item, Question):
                self._place(item.children, item.ref, repeats)

    def depth(self, ref: str) -> int:
        """In how many repeats ``ref`` stands, itself one if it is a repeat."""
        return len(self.around[ref])

    def _shared(self, one: str, other: str) -> int:
        """In how many repeats both stand."""
        pairs = zip(self.around[one], self.around[other], strict=False)
        count = 0
        for mine, yours in pairs:
            if mine != yours:
                break
            count += 1
        return count

    def _spot(self, item: Item, watched: set[str]) -> Spot:
        parts = (
            () if isinstance(item, Question) else tuple(self._spot(each, watched) for each in item.children)
        )
        watch = item.ref in watched
        if not isinstance(item, Question):
            type = "repeat" if isinstance(item, Repeat) else "group"
            return Spot(item.ref, item.name, type, item, parts, None, watch)
        given = bool(item.default) or bool(item.settings) or item.at_end or item.kind is Kind.HIDDEN
        return Spot(
            ref=item.ref,
            name=item.name,
            type=item.type,
            item=item,
            parts=parts,
            leaf=self.leaves[item.ref],
            watched=watch,
            given=given,
            drawn=item.shuffled and item.seed is None,
            verbatim=item.type not in _CONVERTED,
        )

    def _leaf(self, question: Question) -> Leaf:
        chosen = None
        if question.choice_filter is not None:
            # Written as in an XForm, a filter by one column finds its rows by an index.
            chosen = parse(
                f"instance('{question.list_name}')/root/item[{question.choice_filter.source}]",
                owner=question.ref,
            )
        given = self.offers.get(question.name, Offers())
        answered = question.kind in ASKED and question.calculation is None and not question.at_end
        locked = question.read_only if isinstance(question.read_only, Expression) else None
        certain = _decided(locked)
        asked = answered and question.read_only is not True and certain is not True
        offering = _offering(question, chosen)
        starts = [setting.value for setting in question.settings if not setting.triggers]
        return Leaf(
            question=question,
            asked=asked,
            told=question.kind is Kind.NOTE or question.kind in ASKED,
            locked=locked if asked and certain is None else None,
            required=_truth(question.required),
            offers=(
                Offers(given.dont_know, given.prefer_not, skip=True),
                Offers(given.dont_know, given.prefer_not, skip=False),
            ),
            names=frozenset(choice.name for choice in question.choices),
            chosen=chosen,
            moving=bool(offering) or question.shuffled,
            steady=not question.shuffled
            and not any(each.references or each.functions & CHANGING for each in offering),
            awaits=self._awaited(question, chosen) if asked and chosen is not None else (),
            at_start=starts[-1] if starts else None,
        )

    def _awaited(self, question: Question, chosen: Expression) -> tuple[str, ...]:
        """The asked questions before ``question`` that its filter reads, one of each for one of these."""
        found = []
        here = self._in_order[question.ref]
        for ref in chosen.references:
            other = self._items.get(ref)
            if isinstance(other, Question) and other.kind in ASKED and self._in_order[ref] < here:
                repeats = self.around[ref]
                if self.around[question.ref][: len(repeats)] == repeats:
                    found.append(ref)
        return tuple(found)

    def _naming(self, repeat: Repeat) -> Naming:
        """What names the members of ``repeat``: what stands directly in it, or in a group in it."""
        labels = [("", self.own_labels[repeat.ref])] if _filled(repeat.label) else []
        questions = []
        for item in repeat.children:
            if isinstance(item, Group) and _filled(item.label):
                labels.append((item.ref[len(repeat.ref) :], item.label))
            for each in item.children if isinstance(item, Group) else (item,):
                if isinstance(each, Question) and each.kind is Kind.TEXT and self.leaves[each.ref].asked:
                    questions.append(each.ref[len(repeat.ref) :])
        return Naming(tuple(labels), tuple(questions[:1]))

    def _triggered(self) -> dict[str, list[tuple[str, Setting]]]:
        """What is set when the value at a reference changes: *(where, setting)*."""
        found: dict[str, list[tuple[str, Setting]]] = {}
        for question in self.form.questions():
            for setting in question.settings:
                for trigger in setting.triggers:
                    found.setdefault(trigger, []).append((question.ref, setting))
        return found

    # Rules --------------------------------------------------------------------------------------------------

    def _rules(self) -> Iterator[Rule]:
        for ref, item in self._items.items():
            if isinstance(item, Repeat):
                yield Rule(f"{ref}#", count=item.count, structure=True)
            calculation = item.calculation if isinstance(item, Question) and not item.at_end else None
            default = self.leaves[ref].at_start if isinstance(item, Question) else None
            if item.relevant is not None or calculation is not None or default is not None:
                yield Rule(
                    key=ref,
                    type=item.type if isinstance(item, Question) else "",
                    relevant=item.relevant,
                    calculation=calculation,
                    default=default,
                    kept=calculation is not None and bool(calculation.functions & CHANGING),
                )

    def _graph(self) -> Graph:
        graph = Graph()
        for ref, item in self._items.items():
            parent = self._parents[ref]
            above = [parent] if parent in self._items else []
            if isinstance(item, Repeat):
                count = f"{ref}#"
                graph.firm[count] = above
                graph.counted[count] = [read for read, _ in self._reads(item.count, ref)]
                above = [count]
            rule = self.rules.get(ref)
            worked_out = () if rule is None else (rule.relevant, rule.calculation)
            reads = [read for each in worked_out for read, _ in self._reads(each, ref) if read != ref]
            graph.firm[ref] = [*above, *reads]
            wished = [each for read in reads for each in self._inside(read) if each != ref]
            if rule is not None:
                wished += [read for read, _ in self._reads(rule.default, ref) if read != ref]
            graph.wished[ref] = wished
        return graph

    def _upstream(self, graph: Graph, keys: Iterable[str]) -> set[str]:
        """``keys`` and everything they come after."""
        found: set[str] = set()
        pending = list(keys)
        while pending:
            key = pending.pop()
            if key not in found:
                found.add(key)
                pending += graph.firm.get(key, ())
        return found

    def _reads(self, expression: Expression | None, owner: str) -> Iterator[tuple[str, int]]:
        """The references that ``expression`` reads (those that fit, for a path with ``*``), and in how many
        repeats each is together with ``owner``.
        """
        if expression is None:
            return
        lengths = [repeat.count("/") + 1 for repeat in self.around[owner]]
        for reference, turn in zip(expression.references, expression.turns, strict=True):
            shared = bisect_right(lengths, turn)
            for ref in self._fitting(reference):
                yield ref, min(shared, self.depth(ref))

    def _fitting(self, reference: str) -> Iterator[str]:
        if "*" not in reference:
            if reference in self._items:
                yield reference
            return
        steps = reference.split("/")
        for ref in self._items:
            names = ref.split("/")
            if len(names) == len(steps) and all(
                step in ("*", name) for step, name in zip(steps, names, strict=True)
            ):
                yield ref

    def _inside(self, ref: str) -> list[str]:
        """What stands in a group. The text of a repeat is nobody's business."""
        if not isinstance(self._items[ref], Group):
            return []
        return [each for each in self._items if each.startswith(f"{ref}/")]

    def _depends(self, ranks: Mapping[str, int]) -> None:
        """Fill in :attr:`reach`: what may change with everything there is."""
        rules: dict[str, dict[str, int]] = {}
        shown: dict[str, dict[str, int]] = {}

        def note(found: dict[str, dict[str, int]], key: str, owner: str, expressions: Iterable[Expression],
                 at_most: int | None = None) -> None:  # fmt: skip
            for expression in expressions:
                for ref, together in self._reads(expression, owner):
                    if at_most is not None:
                        together = min(together, at_most)
                    for each in (ref, *self._inside(ref)):
                        # a group around it may not be relevant
                        while each in self._items:
                            keys = found.setdefault(each, {})
                            keys[key] = min(together, self.depth(each), keys.get(key, together))
                            each = self._parents[each]

        for rule in self.rules.values():
            if rule.structure:
                repeat = rule.key[:-1]
                counted = [rule.count] if rule.count is not None else []
                note(rules, rule.key, repeat, counted, self.depth(repeat) - 1)
                relevant = self.repeats[repeat].relevant
                if relevant is not None and rule.count is None:
                    note(shown, rule.key, repeat, [relevant], self.depth(repeat) - 1)
            else:
                worked_out = [each for each in (rule.relevant, rule.calculation) if each is not None]
                note(rules, rule.key, rule.key, worked_out)
                if rule.kept:
                    # Worked out as soon as what it stands in is relevant.
                    around = self._parents[rule.key]
                    while around in self._items:
                        depth = self.depth(around)
                        keys = rules.setdefault(around, {})
                        keys[rule.key] = min(depth, keys.get(rule.key, depth))
                        around = self._parents[around]
                if any("jr:choice-name" in each.functions for each in worked_out):
                    for leaf in self.leaves.values():
                        if leaf.question.picked is not None:
                            note(rules, rule.key, leaf.question.ref, _offering(leaf.question, None), 0)
        for ref, leaf in self.leaves.items():
            question = leaf.question
            if leaf.asked:
                offering = _offering(question, leaf.chosen)
                if question.picked is not None:
                    turned = min((turn for _, turn in self._reads(question.picked.nodes, ref)), default=0)
                    note(shown, ref, ref, offering, turned)
                else:
                    note(shown, ref, ref, offering)
                if leaf.locked is not None:
                    note(shown, ref, ref, [leaf.locked])
        self.reach: dict[str, Reach] = {}
        for ref in rules.keys() | shown.keys():
            self.reach[ref] = Reach(
                tuple(
                    sorted(
                        (
                            Read(ranks[key], key, together)
                            for key, together in rules.get(ref, {}).items()
                            if key != ref or together < self.depth(ref)
                        ),
                        key=lambda read: read.rank,
                    )
                ),
                tuple(Read(-1, key, together) for key, together in shown.get(ref, {}).items()),
            )

    def reached(self, starts: Iterable[str], across: int | None = None) -> frozenset[str]:
        """The rules that may have another result when what is at ``starts`` changes; ``across``: of those
        that read it directly, only from outside of instances that deep.
        """
        found: set[str] = set()
        pending: list[str] = []
        for ref in starts:
            for read in self.reach.get(ref, _NOWHERE).rules:
                if across is None or read.together < across:
                    pending.append(read.key)
            if across is None:
                pending += [target for target, _ in self.triggered.get(ref, ())]
        while pending:
            key = pending.pop()
            if key not in found:
                found.add(key)
                pending += [read.key for read in self.reach.get(key, _NOWHERE).rules]
                pending += [target for target, _ in self.triggered.get(key, ())]
        return frozenset(found)

    def _structural(self) -> frozenset[str]:
        """The references whose change reaches the count of a repeat."""
        above: dict[str, list[str]] = {}
        for ref, reach in self.reach.items():
            for read in reach.rules:
                above.setdefault(read.key, []).append(ref)
        for ref, pairs in self.triggered.items():
            for target, _ in pairs:
                above.setdefault(target, []).append(ref)
        found: set[str] = set()
        pending = [key for key, rule in self.rules.items() if rule.structure]
        while pending:
            for ref in above.get(pending.pop(), ()):
                if ref not in found:
                    found.add(ref)
                    pending.append(ref)
        return frozenset(found)

    def _decisive(self) -> Iterator[Expression | None]:
        """The expressions that decide on what is asked and offered."""
        for rule in self.rules.values():
            yield rule.relevant
            yield rule.count
        for leaf in self.leaves.values():
            yield leaf.locked
            yield from _offering(leaf.question, leaf.chosen)

    # Words --------------------------------------------------------------------------------------------------

    def texts(self, language: str) -> Texts:
        """The texts in ``language``, a name that the form gives one."""
        found = self._texts.get(language)
        if found is None:
            found = self._texts[language] = Texts(self.form, language)
        return found

    def label(self, ref: str, value: str, language: str) -> str:
        """The label of choice ``value`` of the select at ``ref`` (for ``jr:choice-name``); the value if
        unknown.
        """
        leaf = self.leaves.get(ref)
        if leaf is None:
            return value
        words = self.texts(language).wording(leaf.question).by_name.get(value)
        return value if words is None else plain(words)

    def language(self, wanted: str) -> str:
        """The form's own name of the language whose code is ``wanted`` (``vi`` → ``Tiếng Việt (vi)``),
        else its default.
        """
        found = self._languages.get(wanted)
        if found is None:
            names = (name for name in self.form.languages if wanted in (name, language_code(name)))
            found = self._languages[wanted] = next(names, self.form.default_language)
        return found


_NOWHERE = Reach()


def _offering(question: Question, chosen: Expression | None) -> list[Expression]:
    """The expressions that decide on what a select offers."""
    picked = question.picked
    found = [chosen, question.seed, *((picked.nodes, picked.value, picked.label) if picked else ())]
    return [expression for expression in found if expression is not None]


def _filled(text: Text) -> bool:
    """Whether something is filled in in ``text``."""
    return any(not isinstance(part, str) for template in text.by_language.values() for part in template)


def _own(repeat: Repeat) -> Text:
    """The label of a repeat, for one of its instances.

    It stands outside of the repeat, so a reference to what stands in it is an absolute path there, or one
    through the instance around the repeat; it means the instance at hand (as in JavaRosa).
    """

    def nearer(part: str | Expression) -> str | Expression:
        if isinstance(part, str) or len(part.references) != 1 or not _PATH.fullmatch(part.source):
            return part
        inside = part.references[0]
        if not inside.startswith(f"{repeat.ref}/"):
            return part
        return parse(f".{inside[len(repeat.ref) :]}", owner=repeat.ref)

    def template(parts: Template) -> Template:
        return tuple(nearer(part) for part in parts)

    return Text({language: template(parts) for language, parts in repeat.label.by_language.items()})


def _truth(expression: Expression | None) -> Expression | bool:
    """Whether it holds, where that needs no evaluation."""
    if expression is None:
        return False
    certain = _decided(expression)
    return expression if certain is None else certain


def _decided(expression: Expression | None) -> bool | None:
    """What an expression that is always the same says."""
    return None if expression is None else {"true()": True, "false()": False}.get(expression.source.strip())
