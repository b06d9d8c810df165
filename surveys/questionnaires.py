"""A form made ready for asking: what follows from the form alone, worked out once and kept.

Which nodes expressions read, in which order relevance and calculations are worked out, what another answer
may change, which texts have nothing to fill in. Nothing here knows an interview.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from surveys.expressions import Expression, Table, order, parse
from surveys.forms import ASKED, Form, Group, Kind, Question, Template, Text, language_code
from surveys.replies import Offers

_CHANGING = frozenset({"once", "random", "uuid", "now"})
"""Functions whose value may differ from one message to the next, or depends on its own last one."""

_SHOWN = ASKED | {Kind.NOTE}


@dataclass(frozen=True, slots=True)
class Shown:
    """A choice as shown: what is stored, and its text."""

    name: str
    label: str


@dataclass(frozen=True, slots=True)
class Leaf:
    """A question, and what follows for it from the form alone.

    ``parents`` are the groups it stands in, outermost first; ``gates`` those of them, and itself, that have a
    relevance; ``asked`` whether a person answers it. ``chosen`` finds the rows of its list that its filter
    lets through, ``filtered_by`` are the asked questions before it that the filter reads.
    """

    question: Question
    parents: tuple[str, ...]
    gates: tuple[str, ...]
    asked: bool
    required: Expression | bool
    offers: tuple[Offers, Offers]
    """What may be done instead of answering: while an answer is optional, and while it is required."""
    names: frozenset[str]
    chosen: Expression | None
    filtered_by: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Rule:
    """What is worked out for the group or question at ``ref``. ``reads`` are all references on which it
    depends. ``kept``: the calculation's result is part of the state.
    """

    ref: str
    type: str
    relevant: Expression | None
    calculation: Expression | None
    reads: frozenset[str]
    kept: bool


@dataclass(frozen=True, slots=True)
class Spot:
    """A node of the instance. ``constant`` is its value while nobody answers it, ``hidden`` whether the
    context may give it another.
    """

    ref: str
    name: str
    type: str
    parent: str
    constant: str = ""
    hidden: bool = False


@dataclass(frozen=True, slots=True)
class Plan:
    """What one look at an interview builds and works out: nodes, parents first; rules in their order."""

    spots: tuple[Spot, ...]
    rules: tuple[Rule, ...]


@dataclass(frozen=True, slots=True)
class Reach:
    """What another answer may change: rules to work out again, and whether other questions are asked."""

    rules: tuple[Rule, ...]
    asked: tuple[str, ...]


Words = str | Template
"""A text in one language: ready to show, or with references to fill in."""


@dataclass(frozen=True, slots=True)
class Wording:
    """A question's texts in one language. ``choices`` are the labels of its choices, in order and by name;
    ``shown`` all of them as shown, where there is no filter and nothing to fill in.
    """

    label: Words
    hint: Words
    guidance: Words
    choices: tuple[Words, ...]
    by_name: Mapping[str, Words]
    shown: tuple[Shown, ...] | None


class Texts:
    """The form's texts in one language, each got ready when it is first shown."""

    __slots__ = ("_choices", "_fallback", "_groups", "_language", "_wordings")

    def __init__(self, form: Form, language: str) -> None:
        self._language = language
        self._fallback = form.default_language
        self._wordings: dict[str, Wording] = {}
        self._groups: dict[str, Words] = {}
        self._choices: dict[str, tuple[tuple[Words, ...], Mapping[str, Words]]] = {}

    def words(self, text: Text) -> Words:
        """``text`` in this language, else in the form's default language, else in any."""
        template = text.choose(self._language, self._fallback)
        if any(not isinstance(part, str) for part in template):
            return template
        return "".join(part for part in template if isinstance(part, str)).strip()

    def wording(self, question: Question) -> Wording:
        """The texts of ``question``."""
        found = self._wordings.get(question.ref)
        if found is None:
            labels, by_name = self._choices_of(question)
            shown = None
            if question.choice_filter is None and all(isinstance(label, str) for label in labels):
                pairs = zip(question.choices, labels, strict=True)
                shown = tuple(Shown(choice.name, str(label) or choice.name) for choice, label in pairs)
            found = self._wordings[question.ref] = Wording(
                label=self.words(question.label),
                hint=self.words(question.hint),
                guidance=self.words(question.guidance),
                choices=labels,
                by_name=by_name,
                shown=shown,
            )
        return found

    def _choices_of(self, question: Question) -> tuple[tuple[Words, ...], Mapping[str, Words]]:
        """The labels of a list that several questions may show, once."""
        key = question.list_name or question.ref
        found = self._choices.get(key)
        if found is None:
            labels = tuple(self.words(choice.label) for choice in question.choices)
            pairs = zip(question.choices, labels, strict=True)
            found = self._choices[key] = labels, {choice.name: label for choice, label in pairs}
        return found

    def heading(self, group: Group) -> Words:
        """The label of a group."""
        found = self._groups.get(group.ref)
        if found is None:
            found = self._groups[group.ref] = self.words(group.label)
        return found


class Questionnaire:
    """A form prepared for asking: indexes, and the order in which relevance and calculations are worked out.

    Made once per form and kept; holds nothing of any interview. ``offers`` says by question name where
    *don't know* and *prefer not to say* are offered (the instrument decides; a form alone offers neither).
    ``leaves`` are all questions by reference, ``by_name`` references by name, ``asked`` the references a
    person may be asked for, in order. Raises :class:`ExpressionError` ``cycle`` for a form whose rules depend
    on themselves (reading a form finds that before).
    """

    def __init__(self, form: Form, offers: Mapping[str, Offers] | None = None) -> None:
        self.form = form
        self.offers = dict(offers or {})
        self.groups: dict[str, Group] = {}
        self.leaves: dict[str, Leaf] = {}
        self.by_name: dict[str, str] = {}
        self.instances = {
            name: Table([{"name": choice.name, **choice.columns} for choice in choices])
            for name, choices in form.lists.items()
        }
        self._items: dict[str, Group | Question] = {}
        self.spots: dict[str, Spot] = {}
        self._walk(form.children, (), f"/{form.root}")
        self.asked = tuple(ref for ref, leaf in self.leaves.items() if leaf.asked)
        self.shown = tuple(
            leaf for leaf in self.leaves.values() if leaf.asked or leaf.question.kind in _SHOWN
        )
        """Everything a person sees, in order: questions, notes, values that can only be read."""
        self.place = {leaf.question.ref: place for place, leaf in enumerate(self.shown)}
        rules = self._ordered_rules()
        self.kept = tuple(rule.ref for rule in rules if rule.kept)
        """Calculations whose results are part of the state."""
        self.whole = Plan(tuple(self.spots.values()), rules)
        """For a look at everything."""
        self.turn = self._needed(rules)
        """For asking: without calculations that nothing asked or shown depends on."""
        self.stretches = tuple(self._stretches())
        self._reach: dict[str, Reach] = {}
        self._texts: dict[str, Texts] = {}
        self._languages: dict[str, str] = {}

    def _walk(self, children: Sequence[Group | Question], parents: tuple[str, ...], parent: str) -> None:
        for item in children:
            self._items[item.ref] = item
            if isinstance(item, Group):
                self.groups[item.ref] = item
                self.spots[item.ref] = Spot(item.ref, item.name, "group", parent)
                self._walk(item.children, (*parents, item.ref), item.ref)
            else:
                self.by_name.setdefault(item.name, item.ref)
                leaf = self.leaves[item.ref] = self._leaf(item, parents)
                constant = item.default if item.default and not leaf.asked else ""
                hidden = item.kind is Kind.HIDDEN
                self.spots[item.ref] = Spot(item.ref, item.name, item.type, parent, constant, hidden)

    def _leaf(self, question: Question, parents: tuple[str, ...]) -> Leaf:
        chosen = None
        filtered_by: tuple[str, ...] = ()
        if question.choice_filter is not None:
            # Written as in an XForm, a filter by one column finds its rows by an index.
            chosen = parse(
                f"instance('{question.list_name}')/root/item[{question.choice_filter.source}]",
                owner=question.ref,
            )
            filtered_by = tuple(
                ref
                for ref in question.choice_filter.references
                if ref in self.leaves and self.leaves[ref].asked
            )
        given = self.offers.get(question.name, Offers())
        return Leaf(
            question=question,
            parents=parents,
            gates=tuple(ref for ref in (*parents, question.ref) if self._items[ref].relevant is not None),
            asked=question.kind in ASKED and not question.read_only and question.calculation is None,
            required=_decided(question.required),
            offers=(
                Offers(given.dont_know, given.prefer_not, skip=True),
                Offers(given.dont_know, given.prefer_not, skip=False),
            ),
            names=frozenset(choice.name for choice in question.choices),
            chosen=chosen,
            filtered_by=filtered_by,
        )

    # Rules --------------------------------------------------------------------------------------------------

    def _ordered_rules(self) -> tuple[Rule, ...]:
        """Every relevance and calculation, each after what it reads."""
        needs: dict[str, list[str]] = {}
        for ref, item in self._items.items():
            read = [self.spots[ref].parent]
            for expression in _worked_out(item):
                read += self._named(expression)
            needs[ref] = [name for name in read if name in self._items and name != ref]
        return tuple(
            self._rule(self._items[ref]) for ref in order(needs) if any(_worked_out(self._items[ref]))
        )

    def _rule(self, item: Group | Question) -> Rule:
        calculation = item.calculation if isinstance(item, Question) else None
        return Rule(
            ref=item.ref,
            type=self.spots[item.ref].type,
            relevant=item.relevant,
            calculation=calculation,
            reads=frozenset(self._around(_worked_out(item))),
            kept=calculation is not None and bool(calculation.functions & _CHANGING),
        )

    def _named(self, expression: Expression) -> Iterator[str]:
        """The references that ``expression`` reads; those that fit, for a path with ``*``."""
        for reference in expression.references:
            if "*" not in reference:
                yield reference
                continue
            steps = reference.split("/")
            for ref in self._items:
                names = ref.split("/")
                if len(names) == len(steps) and all(
                    step in ("*", name) for step, name in zip(steps, names, strict=True)
                ):
                    yield ref

    def _around(self, expressions: Iterable[Expression]) -> set[str]:
        """What ``expressions`` depend on: what they read, what stands in a group they read, and the groups
        around it, which may not be relevant.
        """
        found: set[str] = set()
        for expression in expressions:
            for ref in self._named(expression):
                inside = [ref]
                if ref not in self.leaves:
                    inside += [each for each in self._items if each.startswith(f"{ref}/")]
                for each in inside:
                    while each in self._items and each not in found:
                        found.add(each)
                        each = self.spots[each].parent
        return found

    def _needed(self, rules: Sequence[Rule]) -> Plan:
        """The nodes and rules on which it depends what is asked and shown."""
        read = self._around(self._spoken())
        needed: set[str] = {
            rule.ref for rule in rules if rule.kept or rule.ref in self.place or rule.ref in self.groups
        }
        for rule in reversed(rules):
            if rule.ref in needed or rule.ref in read:
                needed.add(rule.ref)
                read |= rule.reads
        return Plan(
            tuple(spot for ref, spot in self.spots.items() if ref in read),
            tuple(rule for rule in rules if rule.ref in needed),
        )

    def _spoken(self) -> Iterator[Expression]:
        """Every expression but the rules: in texts, constraints, requirements, filters."""
        texts = [group.label for group in self.groups.values()]
        lists = {}
        for leaf in self.leaves.values():
            question = leaf.question
            texts += [question.label, question.hint, question.guidance]
            texts += [question.constraint_message, question.required_message]
            lists[question.list_name or question.ref] = question.choices
            for expression in (question.constraint, question.required, leaf.chosen):
                if expression is not None:
                    yield expression
        texts += [choice.label for choices in lists.values() for choice in choices]
        for text in texts:
            for template in text.by_language.values():
                yield from (part for part in template if isinstance(part, Expression))

    def _stretches(self) -> Iterator[tuple[tuple[str, ...], tuple[str, ...]]]:
        """The asked questions in order, neighbours behind the same gates together: *(gates, references)*. A
        filtered select, which may have nothing to offer, stands alone.
        """
        gates: tuple[str, ...] = ()
        together: list[str] = []
        for ref in self.asked:
            leaf = self.leaves[ref]
            alone = leaf.chosen is not None
            if together and (alone or leaf.gates != gates):
                yield gates, tuple(together)
                together = []
            gates = leaf.gates
            together.append(ref)
            if alone:
                yield gates, (ref,)
                together = []
        if together:
            yield gates, tuple(together)

    def reach(self, ref: str) -> Reach:
        """What may change with the answer at ``ref``."""
        found = self._reach.get(ref)
        if found is None:
            changed = {ref}
            rules = []
            for rule in self.turn.rules:
                if not rule.reads.isdisjoint(changed):
                    rules.append(rule)
                    changed.add(rule.ref)
            asked = []
            for other in self.asked:
                leaf = self.leaves[other]
                filtered = leaf.chosen is not None and not self._around([leaf.chosen]).isdisjoint(changed)
                if other != ref and (filtered or not changed.isdisjoint(leaf.gates)):
                    asked.append(other)
            found = self._reach[ref] = Reach(tuple(rules), tuple(asked))
        return found

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
        found = self._languages.get(wanted)
        if found is None:
            names = (name for name in self.form.languages if wanted in (name, language_code(name)))
            found = self._languages[wanted] = next(names, self.form.default_language)
        return found


def _worked_out(item: Group | Question) -> list[Expression]:
    """The expressions that decide on an item's relevance and value."""
    calculation = item.calculation if isinstance(item, Question) else None
    return [expression for expression in (item.relevant, calculation) if expression is not None]


def _decided(required: Expression | None) -> Expression | bool:
    """Whether an answer is required, where that needs no evaluation."""
    if required is None:
        return False
    return {"true()": True, "false()": False}.get(required.source.strip(), required)
