"""Counts: what one submission adds to the ledger, and tables made of what the ledger adds up to."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from itertools import pairwise

from surveys.disclosure import SHARE_FLOOR, THRESHOLD, Reason, Share, Sum, Table, suppress
from surveys.forms import Missing
from surveys.indicators import Answers, Verdict, items_of, score
from surveys.instruments import (
    ANSWERED,
    CODES,
    NOT_ASKED,
    AnyOf,
    Instrument,
    Part,
    PersonFields,
    Score,
    Unit,
    Way,
    screen_out,
)
from surveys.population import (
    DECREE_135_2020,
    AgeBand,
    Birth,
    Denominator,
    RetirementAges,
    Sex,
    WorkingAgeRule,
    age_band,
    membership,
    parse_birth,
)
from surveys.problems import Problem

_AREA = re.compile(r"[A-Za-z0-9._-]{1,20}")

UNKNOWN = "unknown"
"""Sex of a person who did not say."""

ASKED = "asked"
"""The denominator of a question: the persons who were asked it."""

HOUSEHOLDS_ASKED = "households_asked"
"""The denominator of a question about the household."""


class Dimension(StrEnum):
    """What counts can be broken down by."""

    UNIT = "unit"
    WAY = "way"
    AREA = "area"
    SEX = "sex"
    AGE_BAND = "age_band"


@dataclass(frozen=True, slots=True)
class Entry:
    """One cell of the cube that one submission falls into. ``area`` is a code in the campaign's vintage."""

    item: str
    outcome: str
    unit: str
    way: str
    area: str
    sex: str
    age_band: str


# ── from a submission to the ledger ─────────────────────────────────────────────────────────────────────────


def by_name(values: Mapping[str, str], missing: Mapping[str, Missing]) -> dict[str, str | Missing]:
    """A submission's values and missing states by reference (``/data/group/name``) → answers by question
    name. What was asked of the members of a repeat is no part of it: :func:`by_member`.
    """
    answers: dict[str, str | Missing] = {
        ref.rpartition("/")[2]: value for ref, value in values.items() if value and "[" not in ref
    }
    answers.update((ref.rpartition("/")[2], why) for ref, why in missing.items() if "[" not in ref)
    return answers


def by_member(
    values: Mapping[str, str], missing: Mapping[str, Missing], repeat: str
) -> dict[int, dict[str, str | Missing]]:
    """The same for each instance of the repeat of that name, by its number: ``/data/member[2]/age`` is
    ``age`` of 2. What stands in a repeat inside it is left out.
    """
    members: dict[int, dict[str, str | Missing]] = {}
    given: Iterable[tuple[str, str | Missing]] = (*values.items(), *missing.items())
    for ref, value in given:
        before, _, rest = ref.partition("[")
        if not value or not rest or "[" in rest or before.rpartition("/")[2] != repeat:
            continue
        number, _, path = rest.partition("]")
        members.setdefault(int(number), {})[path.rpartition("/")[2]] = value
    return dict(sorted(members.items()))


def members_of(
    instrument: Instrument, values: Mapping[str, str], missing: Mapping[str, Missing]
) -> dict[int, dict[str, str | Missing]]:
    """The answers about each member that the instrument counts, by number; none where it counts none."""
    if instrument.members is None:
        return {}
    return by_member(values, missing, instrument.members.repeat)


def area_of(instrument: Instrument, answers: Answers) -> str | None:
    """The code of the area the answers say they belong to, if they do."""
    area = answers.get(instrument.area) if instrument.area is not None else None
    return None if area is None or isinstance(area, Missing) or not _AREA.fullmatch(area) else area


def way_of(person: PersonFields | None, answers: Answers, otherwise: Way) -> Way:
    """Whether this person answered: as the answers about them say, else as the interview was held."""
    said = answers.get(person.way) if person is not None and person.way is not None else None
    return Way(said) if said in set(Way) else otherwise


def member_way(person: PersonFields | None, answers: Answers, held: Way) -> Way:
    """How a member of a household was answered for, in an interview that was ``held`` so: whoever answered
    for themselves did so in that way, everybody else was answered for.
    """
    said = way_of(person, answers, Way.PROXY)
    return held if said is Way.SELF else said


def coded(answers: Answers) -> dict[str, str]:
    """A coded row for export: 98 for *don't know*, 99 for *prefer not to say*, blank for skipped."""
    codes = {**CODES, Missing.SKIPPED: ""}
    return {name: codes[value] if isinstance(value, Missing) else value for name, value in answers.items()}


def sex_and_birth(person: PersonFields | None, answers: Answers) -> tuple[Sex | None, Birth | None]:
    """Sex and birth of the person the answers are about, None where they are not known."""
    if person is None:
        return None, None
    sex = answers.get(person.sex)
    birth = answers.get(person.birth)
    return (
        None if sex is None or isinstance(sex, Missing) else person.sexes.get(sex),
        None if birth is None or isinstance(birth, Missing) else parse_birth(birth),
    )


def entries(
    instrument: Instrument,
    answers: Answers,
    *,
    area: str,
    way: Way,
    on: date,
    members: Iterable[Answers] = (),
    rule: WorkingAgeRule = WorkingAgeRule.BIRTH_MONTH,
    ages: RetirementAges = DECREE_135_2020,
) -> tuple[Entry, ...]:
    """Everything one submission counts for: its questions, choice by choice, and its indicators; of a
    household the same for each of its ``members`` as a person.

    ``on`` is the campaign's reference date, ``rule`` and ``ages`` its reading of working age. An interview
    that was screened out counts for nothing. A question with several answers also counts once as *answered*,
    so that the number of persons asked is known. The same submission always gives the same entries: taking it
    back adds them with −1.
    """
    if screen_out(instrument, answers) is not None:
        return ()
    own, *of_members = instrument.parts
    found = _entries(instrument, own, answers, area, way, on, rule, ages)
    for part in of_members:
        for member in members:
            said = member_way(part.person, member, way)
            found += _entries(instrument, part, member, area, said, on, rule, ages)
    return tuple(found)


def _entries(
    instrument: Instrument,
    part: Part,
    answers: Answers,
    area: str,
    way: Way,
    on: date,
    rule: WorkingAgeRule,
    ages: RetirementAges,
) -> list[Entry]:
    """What one household or person counts for."""
    found: list[tuple[str, str]] = []
    for name in part.items:
        barred = way is Way.PROXY and name in instrument.self_only
        value = None if barred else answers.get(name)
        if value is None:
            found.append((name, NOT_ASKED))
        elif isinstance(value, Missing):
            found.append((name, CODES[value]))
        else:
            found += [(name, choice) for choice in dict.fromkeys(value.split())]
            if name in part.multiple:
                found.append((name, ANSWERED))
    sex, band = UNKNOWN, AgeBand.UNKNOWN
    populations: Mapping[Denominator, bool | None] = {Denominator.HOUSEHOLDS: True}
    if part.unit is Unit.PERSON:
        known, birth = sex_and_birth(part.person, answers)
        sex = known.value if known else UNKNOWN
        band = age_band(birth, known, on, rule=rule, ages=ages)
        populations = membership(birth, known, on, rule=rule, ages=ages)
    found += [
        (outcome.item, outcome.verdict.value)
        for outcome in score(instrument, answers, members=populations, way=way, part=part)
    ]
    return [
        Entry(item, outcome, part.unit.value, way.value, area, sex, band.value) for item, outcome in found
    ]


# ── from the cube to a table ────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Tally:
    """One row of a count: ``group`` holds a value per dimension; empty for the total.

    ``n`` is the denominator shares are of: persons asked (a question), or persons the indicator says yes or
    no of. ``undetermined`` are those in the population but without an answer (a question) or verdict (an
    indicator), and ``outside`` those who were not asked or are not in the population. ``counts`` holds every
    outcome of the item.
    """

    group: tuple[str, ...]
    n: int
    undetermined: int
    outside: int
    counts: Mapping[str, int]

    def share(self, outcome: str) -> float | None:
        """The share (0 … 1) of an outcome in ``n``; None when n is 0."""
        return self.counts.get(outcome, 0) / self.n if self.n else None

    def bounds(self) -> tuple[float, float] | None:
        """For an indicator: its share with every undetermined person counted as *no*, and as *yes*."""
        everybody = self.n + self.undetermined
        if not everybody:
            return None
        yes = self.counts.get(Verdict.YES, 0)
        return yes / everybody, (yes + self.undetermined) / everybody


@dataclass(frozen=True, slots=True)
class CountTable:
    """Counts of one question or indicator. ``denominator`` names what ``n`` counts (catalogue
    ``denominator.…``).
    """

    item: str
    denominator: str
    indicator: bool
    several: bool
    """A person may have several outcomes: they do not add up to ``n``."""
    by: tuple[Dimension, ...]
    outcomes: tuple[str, ...]
    rows: tuple[Tally, ...]
    total: Tally
    unit: Unit = Unit.PERSON
    """What is counted: persons or households."""


def countable(instrument: Instrument) -> tuple[str, ...]:
    """Every item a count can be asked for: indicators (and their other thresholds), then questions."""
    return (*(item for each in instrument.every_indicator for item in items_of(each)), *instrument.items)


def table(
    instrument: Instrument,
    cells: Iterable[tuple[Entry, int]],
    *,
    item: str,
    by: Sequence[Dimension] = (),
    choices: Sequence[str] = (),
) -> CountTable:
    """Add cells of the cube up to the counts of one item, broken down by some dimensions.

    ``choices`` are a question's in the form's order: they are all listed, also those nobody chose.
    Cells of other items are passed over; groups whose counts have come back to 0 are left out. Raises
    ``count_unknown_item`` (with what can be counted) and ``count_negative`` when the cells can't be a cube's.
    """
    indicator = instrument.indicator(item.partition("@")[0])
    part = instrument.part_of(item)
    if part is None or item not in countable(instrument):
        raise Problem("count_unknown_item", item=item, known=", ".join(countable(instrument)))
    groups: dict[tuple[str, ...], dict[str, int]] = {}
    everybody: dict[str, int] = {}
    for entry, count in cells:
        if entry.item != item:
            continue
        group = tuple(str(getattr(entry, dimension.value)) for dimension in by)
        for counts in (groups.setdefault(group, {}), everybody):
            counts[entry.outcome] = counts.get(entry.outcome, 0) + count
    several = item in part.multiple
    asked = ASKED if part.unit is Unit.PERSON else HOUSEHOLDS_ASKED
    tallies = [
        _tally(item, group, counts, indicator=indicator is not None, several=several)
        for group, counts in groups.items()
        if any(counts.values())
    ]
    return CountTable(
        item=item,
        denominator=indicator.denominator.value if indicator else asked,
        indicator=indicator is not None,
        several=several,
        by=tuple(by),
        outcomes=_outcomes(everybody, () if indicator else choices, indicator=indicator is not None),
        rows=tuple(sorted(tallies, key=lambda tally: _place(tally.group, by))) if by else (),
        total=_tally(item, (), everybody, indicator=indicator is not None, several=several),
        unit=part.unit,
    )


def _tally(
    item: str, group: tuple[str, ...], counts: Mapping[str, int], *, indicator: bool, several: bool
) -> Tally:
    if min(counts.values(), default=0) < 0:
        raise Problem("count_negative", item=item, group=", ".join(group))
    held = {outcome: count for outcome, count in counts.items() if count}
    if indicator:
        return Tally(
            group,
            n=held.get(Verdict.YES, 0) + held.get(Verdict.NO, 0),
            undetermined=held.get(Verdict.UNDETERMINED, 0),
            outside=held.get(Verdict.NOT_APPLICABLE, 0),
            counts=held,
        )
    without = sum(held.get(code, 0) for code in CODES.values())
    outside = held.get(NOT_ASKED, 0)
    answered = held.get(ANSWERED, 0) if several else sum(held.values()) - without - outside
    return Tally(group, n=answered + without, undetermined=without, outside=outside, counts=held)


def _outcomes(counts: Mapping[str, int], choices: Sequence[str], *, indicator: bool) -> tuple[str, ...]:
    """The outcomes of a table: choices (in the form's order, then others by number), then missing states."""
    if indicator:
        return tuple(verdict.value for verdict in Verdict if counts.get(verdict.value))
    last = (*CODES.values(), NOT_ASKED)
    others = sorted(
        (
            outcome
            for outcome, count in counts.items()
            if count and outcome not in (*choices, *last, ANSWERED)
        ),
        key=lambda outcome: (not outcome.isdigit(), int(outcome) if outcome.isdigit() else 0, outcome),
    )
    return (*choices, *others, *(outcome for outcome in last if counts.get(outcome)))


_BANDS = {band.value: f"{place:02d}" for place, band in enumerate(AgeBand)}
_SEXES = {Sex.MALE.value: "0", Sex.FEMALE.value: "1", UNKNOWN: "2"}


def _place(group: tuple[str, ...], by: Sequence[Dimension]) -> tuple[str, ...]:
    orders = {Dimension.AGE_BAND: _BANDS, Dimension.SEX: _SEXES}
    return tuple(
        orders.get(dimension, {}).get(value, value) for dimension, value in zip(by, group, strict=True)
    )


# ── what of it may be shown ─────────────────────────────────────────────────────────────────────────────────

N = "n"
"""The column of a tally that holds its denominator."""
UNDETERMINED = Verdict.UNDETERMINED.value
"""The column of a tally that holds how many have no answer or verdict."""

BREAKDOWNS: tuple[tuple[Dimension, ...], ...] = (
    (),
    (Dimension.WAY,),
    (Dimension.AREA,),
    (Dimension.SEX,),
    (Dimension.AGE_BAND,),
    (Dimension.SEX, Dimension.AGE_BAND),
)
"""The breakdowns that counts are offered in."""

_OF_PERSONS = frozenset({Dimension.SEX, Dimension.AGE_BAND})


def breakdowns_offered(instrument: Instrument, item: str) -> tuple[tuple[Dimension, ...], ...]:
    """The breakdowns an item is offered in: a household has neither sex nor age."""
    part = instrument.part_of(item)
    if part is None or part.unit is Unit.PERSON:
        return BREAKDOWNS
    return tuple(by for by in BREAKDOWNS if not _OF_PERSONS & set(by))


Place = tuple[tuple[str, ...], str]
"""A cell of a count: its group (``()`` is the total) and its outcome, ``n`` or ``undetermined``."""
_Key = tuple[str, tuple[tuple[str, str], ...], str]
"""A cell of several counts: item, group as sorted (dimension, value) pairs, column."""


def protect(
    counts: CountTable, *, threshold: int = THRESHOLD, share_floor: int = SHARE_FLOOR
) -> dict[Place, Reason]:
    """The cells of one count that must not be shown, with the reason.

    Rows add up to the total in every column, and the outcomes of a question with one answer to ``n``. Persons
    who were not asked or are outside the population are no part of it. Right only if nothing else is shown
    about the same answers: else see :func:`protect_together`.
    """
    return protect_together([counts], threshold=threshold, share_floor=share_floor)[0]


def family(instrument: Instrument, item: str) -> tuple[str, ...]:
    """The items whose counts tell something about each other, ``item`` among them.

    The thresholds of one score (their differences are people, too), and the indicators and questions that are
    linked by listed choices (*có bằng, chứng chỉ* is a sum of levels of ``cmkt``). These must be protected
    together.
    """
    name = item.partition("@")[0]
    indicator = instrument.indicator(name)
    if indicator is not None and isinstance(indicator.rule, Score):
        return items_of(indicator)
    rules = {
        each.name: set(each.questions) for each in instrument.every_indicator if isinstance(each.rule, AnyOf)
    }
    found = {name}
    while True:
        grown = found | {
            linked
            for each, questions in rules.items()
            if found & {each, *questions}
            for linked in (each, *questions)
            if linked in countable(instrument)
        }
        if grown == found:
            return tuple(each for each in countable(instrument) if each in found)
        found = grown


def breakdowns(
    instrument: Instrument,
    cells: Iterable[tuple[Entry, int]],
    *,
    item: str,
    by: Iterable[Sequence[Dimension]] | None = None,
) -> tuple[CountTable, ...]:
    """Every count of the family of ``item`` in each breakdown: what people can ask for one by one.

    Whoever lets counts be asked for one at a time protects these together, once, and shows of each what that
    leaves: then no series of questions tells more than one. Each further breakdown costs cells in all others.
    """
    by_item: dict[str, list[tuple[Entry, int]]] = {name: [] for name in family(instrument, item)}
    for entry, count in cells:
        if entry.item in by_item:
            by_item[entry.item].append((entry, count))
    offered = breakdowns_offered(instrument, item) if by is None else tuple(by)
    return tuple(
        table(instrument, found, item=name, by=each) for name, found in by_item.items() for each in offered
    )


def protect_together(
    tables: Sequence[CountTable],
    instrument: Instrument | None = None,
    *,
    threshold: int = THRESHOLD,
    share_floor: int = SHARE_FLOOR,
) -> tuple[dict[Place, Reason], ...]:
    """For each of several counts of one campaign, the cells that must not be shown, with the reason.

    A group broken down further is the sum of its parts; with ``instrument``, thresholds of one score and
    indicators that add up listed choices are linked as well (:func:`family`).
    """
    hidden = suppress(_linked(tables, instrument), threshold=threshold, share_floor=share_floor)
    return tuple(_places(counts, hidden) for counts in tables)


def protect_in_order(
    tables: Sequence[CountTable],
    instrument: Instrument | None = None,
    *,
    threshold: int = THRESHOLD,
    share_floor: int = SHARE_FLOOR,
) -> tuple[dict[Place, Reason], ...]:
    """As :func:`protect_together`, but a finer breakdown never costs a coarser one anything.

    Breakdowns are taken in the order they first occur. One that could only be shown by hiding more of those
    before it is hidden whole: a ward of 150 answers then keeps its totals and loses sex by age, rather than
    losing the totals.
    """
    shown: list[CountTable] = []
    places: dict[_Key, Reason] = {}
    found: dict[int, dict[Place, Reason]] = {}
    for by in dict.fromkeys(counts.by for counts in tables):
        level = [counts for counts in tables if counts.by == by]
        together = [*shown, *level]
        hidden = suppress(_linked(together, instrument), threshold=threshold, share_floor=share_floor)
        before = {key for counts in shown for key in _keys(counts)}
        if any(key in hidden and key not in places for key in before):
            # Its total row is the coarser count's, and keeps what is hidden there.
            found |= {id(counts): {**_places(counts, places), **_everything(counts)} for counts in level}
            continue
        shown = together
        places = hidden
        found |= {id(counts): _places(counts, hidden) for counts in level}
    return tuple(found[id(counts)] for counts in tables)


def _keys(counts: CountTable) -> Iterator[_Key]:
    """Every cell that is shown of a count, the total's among them."""
    for tally in (*counts.rows, counts.total):
        for column in dict.fromkeys((*_columns(counts)[0], N, UNDETERMINED)):
            yield counts.item, _group(counts, tally), column


def _everything(counts: CountTable) -> dict[Place, Reason]:
    """Every cell of the rows of a breakdown that can't be shown; the total is not its own."""
    columns = dict.fromkeys((*_columns(counts)[0], N, UNDETERMINED))
    return {(tally.group, column): Reason.SECONDARY for tally in counts.rows for column in columns}


def _places(counts: CountTable, hidden: Mapping[_Key, Reason]) -> dict[Place, Reason]:
    return {
        (tally.group, column): hidden[key]
        for tally in (*counts.rows, counts.total)
        for column in dict.fromkeys((*_columns(counts)[0], N, UNDETERMINED))
        if (key := (counts.item, _group(counts, tally), column)) in hidden
    }


def _linked(tables: Sequence[CountTable], instrument: Instrument | None) -> Table[_Key]:
    """All cells of several counts, with every sum that links them."""
    cells: dict[_Key, int] = {}
    sums: dict[Sum[_Key], None] = {}
    shares: dict[Share[_Key], None] = {}
    for counts in tables:
        shown, parts, without = _columns(counts)
        for tally in (*counts.rows, counts.total):
            group = _group(counts, tally)

            def key(column: str, item: str = counts.item, group: tuple[tuple[str, str], ...] = group) -> _Key:
                return item, group, column

            cells[key(N)] = tally.n
            cells.update({key(outcome): tally.counts.get(outcome, 0) for outcome in shown})
            shares |= {Share(key(outcome), key(N)): None for outcome in parts}
            if without:
                cells[key(UNDETERMINED)] = tally.undetermined
                sums[Sum(key(UNDETERMINED), tuple(key(code) for code in without))] = None
            if not counts.several:
                sums[Sum(key(N), tuple(key(outcome) for outcome in parts))] = None
    for linked in _finer(tables):
        sums[linked] = None
    if instrument is not None:
        groups = dict.fromkeys(group for _, group, _ in cells)
        for group in groups:
            for linked in _same_people(instrument, group, cells):
                sums[linked] = None
    return Table(cells, tuple(sums), tuple(shares))


def _group(counts: CountTable, tally: Tally) -> tuple[tuple[str, str], ...]:
    return tuple(sorted(zip((each.value for each in counts.by), tally.group, strict=False)))


def _columns(counts: CountTable) -> tuple[list[str], list[str], list[str]]:
    """The outcomes that are shown, those of them that are shares of ``n``, and those that are no answer."""
    outside = Verdict.NOT_APPLICABLE if counts.indicator else NOT_ASKED
    shown = [outcome for outcome in counts.outcomes if outcome != outside]
    if counts.indicator:
        return shown, [outcome for outcome in shown if outcome != UNDETERMINED], []
    return shown, shown, [outcome for outcome in shown if outcome in CODES.values()]


def _finer(tables: Sequence[CountTable]) -> Iterator[Sum[_Key]]:
    """Every group as the sum of its parts in the next finer breakdowns of the same item."""
    for item in dict.fromkeys(counts.item for counts in tables):
        levels: dict[frozenset[str], CountTable] = {}
        for counts in tables:
            if counts.item == item:
                levels[frozenset(each.value for each in counts.by)] = counts
        levels.setdefault(frozenset(), next(counts for counts in tables if counts.item == item))
        for fine, counts in levels.items():
            coarser = [level for level in levels if level < fine]
            for coarse in coarser:
                if any(coarse < between < fine for between in levels):
                    continue
                parts: dict[tuple[tuple[str, str], ...], list[tuple[tuple[str, str], ...]]] = {}
                for tally in counts.rows:
                    group = _group(counts, tally)
                    parts.setdefault(tuple(pair for pair in group if pair[0] in coarse), []).append(group)
                shown, _, without = _columns(counts)
                for column in dict.fromkeys((*shown, N, *([UNDETERMINED] if without else []))):
                    for group, within in parts.items():
                        yield Sum((item, group, column), tuple((item, each, column) for each in within))


def _same_people(
    instrument: Instrument, group: tuple[tuple[str, str], ...], cells: dict[_Key, int]
) -> Iterator[Sum[_Key]]:
    """What the indicators of one group tell about each other; adds the cells that nobody prints but anyone
    can work out.
    """
    for indicator in instrument.every_indicator:
        name = indicator.name
        if isinstance(indicator.rule, Score):
            at = {threshold: f"{name}@{threshold}" for threshold in indicator.rule.sensitivity}
            at[indicator.rule.threshold] = name
            reached = [
                key for _, item in sorted(at.items()) if (key := (item, group, Verdict.YES.value)) in cells
            ]
            for more, fewer in pairwise(reached):
                between = (f"{more[0]} - {fewer[0]}", group, Verdict.YES.value)
                cells[between] = cells[more] - cells[fewer]
                yield Sum(more, (fewer, between))
        else:
            yes = (name, group, Verdict.YES.value)
            listed = [
                key
                for question, choices in indicator.rule.choices.items()
                for choice in sorted(choices)
                if (key := (question, group, choice)) in cells
            ]
            asked = [(question, group, N) in cells for question in indicator.rule.choices]
            if yes in cells and listed and all(asked):
                # Who chose a listed choice but is outside the population, or chose two.
                together, others = (f"{name} + ", group, "choices"), (f"{name} + ", group, "others")
                cells[together] = sum(cells[key] for key in listed)
                cells[others] = cells[together] - cells[yes]
                yield Sum(together, tuple(listed))
                yield Sum(together, (yes, others))
