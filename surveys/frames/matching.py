"""Who of a list is known already: what is certain is merged, what is doubtful is said and kept apart.

Two households are surely one when an office gives them one code, or, where one of them has none, when their
heads have the same name and telephone, or the same name, month of birth and address within the commune. A
household that nothing proves is known again when two lists say the same of it word for word. Two rows are
surely one person with the same name, birth and telephone. Anything less (a name and a birth alone:
in a commune of a hundred thousand people that is no proof) is a doubt for a person to decide.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from surveys.areas import AreaKey
from surveys.frames.lists import Household, Person, Relation
from surveys.frames.rows import Outcome, Report, address_key, code_key, name_key, same_name
from surveys.letters import fold

Sign = tuple[object, ...]

RENUMBERED_LEAST = 10
"""So many known codes with nobody in common, and more than half of all: the office has given its codes
anew.
"""


@dataclass(slots=True)
class Write:
    """What is written of one household. ``target`` is how it shall stand, its id 0 where it is new.

    ``fields`` are those of the household that change; ``added`` its new people, ``changed`` *(how somebody
    shall stand, how they stood)*, ``gone`` *(a known person, their new status, who they are elsewhere)*.
    ``given``: the area its list named, where that is another one.
    """

    target: Household
    known: Household | None = None
    fields: tuple[str, ...] = ()
    added: list[Person] = field(default_factory=list)
    changed: list[tuple[Person, Person]] = field(default_factory=list)
    gone: list[tuple[Person, str, Person | None]] = field(default_factory=list)

    @property
    def outcome(self) -> Outcome:
        """Whether anything is written, and what."""
        if self.known is None:
            return Outcome.NEW
        changes = self.fields or self.added or self.changed or self.gone
        return Outcome.CHANGED if changes else Outcome.SAME


@dataclass(slots=True)
class Plan:
    """What an import would write. ``absent``: known households of its communes that it does not name."""

    writes: list[Write]
    households: Counter[str] = field(default_factory=Counter)
    people: Counter[str] = field(default_factory=Counter)
    absent: int = 0


def plan(drafts: Iterable[Household], known: Iterable[Household], report: Report) -> Plan:
    """Match the households of a file against themselves and the known ones of their communes.

    ``known`` has the merged ones, too. Remarks and the outcome of each line go into ``report``. Matching a
    file against what it wrote itself plans no change.
    """
    stock = _Stock(known)
    pairs = _pair(_join(list(drafts), stock, report), stock, report)
    made = Plan([_write(draft, match, report) for draft, match in _standing(pairs, stock, report)])
    _people_elsewhere(made.writes, stock, report)
    _check_codes(made.writes, report)
    for write in made.writes:
        outcome = write.outcome
        made.households[outcome] += 1
        made.people[Outcome.NEW] += len(write.added)
        made.people[Outcome.CHANGED] += len(write.changed)
        made.people["gone"] += len(write.gone)
        for place in write.target.places:
            report.outcomes.setdefault(place, outcome)
    named = {write.known for write in made.writes if write.known is not None}
    areas = {write.target.area for write in made.writes}
    made.absent = sum(
        1 for one in stock.households if one.status == "active" and one.area in areas and one not in named
    )
    return made


# ── what tells households apart ─────────────────────────────────────────────────────────────────────────────


def _head_birth(household: Household) -> str:
    head = household.head_person
    return head.birth if head is not None else ""


def _surely_one(household: Household) -> list[tuple[str, Sign]]:
    """What proves that two households are one where an office has not given each a code, with the reason."""
    name, birth, address = name_key(household.head), _head_birth(household), address_key(household.address)
    signs: list[tuple[str, Sign]] = []
    if name and household.phone:
        signs.append(("phone_and_name", (household.area, "phone", name, household.phone)))
    if name and "-" in birth and address:
        signs.append(("name_birth_address", (household.area, "birth", name, birth, address)))
    return signs


def _weakly(household: Household) -> list[tuple[str, Sign]]:
    """What makes two households look alike without proving it, with the reason."""
    name, birth, address = name_key(household.head), _head_birth(household), address_key(household.address)
    signs: list[tuple[str, Sign]] = []
    if name and household.phone:
        signs.append(("phone_and_name", (household.area, name, household.phone)))
    if name and "-" in birth:
        signs.append(("name_and_birth", (household.area, name, birth)))
    if name and address and not birth:
        signs.append(("name_and_address", (household.area, name, address)))
    return signs


def _content(household: Household) -> Sign:
    """All that tells a household, for those that nothing proves: two lists say the same of them, word for
    word.
    """
    people = sorted(
        (name_key(one.name), one.birth, one.sex or "") for one in household.members if one.status in _STAYING
    )
    told = (
        name_key(household.head),
        household.neighbourhood,
        household.phone,
        address_key(household.address),
    )
    return (household.area, code_key(household.code), *told, tuple(people))


_STAYING = ("active", "duplicate")
_APART = re.compile(r"(?:rieng|khac|khong|khong trung|ho rieng|no|separate|different)")
_LINE = re.compile(r"(?:dong|line|row) ?(?:so )?([0-9]{1,7})")


# ── within the file ─────────────────────────────────────────────────────────────────────────────────────────


def _join(drafts: list[Household], stock: _Stock, report: Report) -> list[Household]:
    """Households of the file that are one, made one; doubts are said."""
    sure: dict[Sign, Household] = {}
    doubtful: dict[tuple[str, Sign], Household] = {}
    named = _Named(drafts, stock)
    into: dict[Household, Household] = {}
    kept: list[Household] = []
    for draft in drafts:
        apart = is_apart(draft)
        other = named.by(draft)
        while other in into:
            other = into[other]
        if draft.same_as and not apart and other is None and named.in_stock(draft) is None:
            report.refuse(draft.places[0], "same_as_unknown", value=draft.same_as[:24])
        proof = "told"
        if other is None and not apart:
            # Two codes of one office say that these are two.
            for reason, sign in _surely_one(draft):
                twin = sure.get(sign)
                if twin is not None and not (twin.code and draft.code) and other is None:
                    other, proof = twin, reason
        if other is not None and other is not draft:
            _fold_in(other, draft, proof, report)
            into[draft] = other
            continue
        for reason, sign in _weakly(draft):
            alike = doubtful.setdefault((reason, sign), draft)
            if alike is not draft and not apart:
                report.note(draft.places[0], f"maybe_same_{reason}", first=alike.places[0].line)
                break
        for _, sign in _surely_one(draft):
            sure.setdefault(sign, draft)
        kept.append(draft)
    return kept


class _Named:
    """Finds the household that the column "trùng với" names: "dòng 12", or a code."""

    def __init__(self, drafts: Iterable[Household], stock: _Stock) -> None:
        self._stock = stock
        self._by_code: dict[tuple[AreaKey, str], Household] = {}
        self._by_line: dict[int, Household] = {}
        for one in drafts:
            if one.code:
                self._by_code[one.given, code_key(one.code)] = one
            self._by_line.update((place.line, one) for place in one.places)

    def by(self, draft: Household) -> Household | None:
        """The household of the file that is named."""
        told = fold(draft.same_as)
        if not told or is_apart(draft):
            return None
        line = _LINE.fullmatch(told)
        if line:
            return self._by_line.get(int(line[1]))
        return self._by_code.get((draft.given, code_key(told)))

    def in_stock(self, draft: Household) -> Household | None:
        """The known household that is named."""
        return self._stock.coded(draft, draft.same_as)


def is_apart(draft: Household) -> bool:
    """Whether the column "trùng với" says that a household is one of its own."""
    return bool(_APART.fullmatch(fold(draft.same_as)))


def _fold_in(household: Household, draft: Household, reason: str, report: Report) -> None:
    """Make ``draft`` a part of ``household``."""
    report.note(draft.places[0], f"merged_{reason}", first=household.places[0].line)
    for place in draft.places:
        report.outcomes.setdefault(place, Outcome.MERGED)
    household.code = household.code or draft.code
    household.neighbourhood = household.neighbourhood or draft.neighbourhood
    household.address = household.address or draft.address
    household.phone = household.phone or draft.phone
    _take_in(household, draft)


def _complete(person: Person, other: Person) -> None:
    """Fill what is not known of somebody."""
    person.sex = person.sex or other.sex
    person.birth = max(person.birth, other.birth, key=len)
    person.relation = person.relation or other.relation
    person.phone = person.phone or other.phone


# ── against what is known ───────────────────────────────────────────────────────────────────────────────────


class _Stock:
    """The known households, by what tells them."""

    def __init__(self, known: Iterable[Household]) -> None:
        self.households = list(known)
        self.by_id = {one.id: one for one in self.households}
        self._by_code: dict[tuple[AreaKey, str], Household] = {}
        self._by_area_code: dict[tuple[AreaKey, str], list[Household]] = defaultdict(list)
        self.by_sign: dict[Sign, list[Household]] = defaultdict(list)
        self.by_content: dict[Sign, list[Household]] = defaultdict(list)
        self.by_doubt: dict[tuple[str, Sign], list[Household]] = defaultdict(list)
        for one in self.households:
            if one.code:
                self._by_code[one.given, code_key(one.code)] = one
                self._by_area_code[one.area, code_key(one.code)].append(one)
            if one.status != "active":
                continue
            for _, sign in _surely_one(one):
                self.by_sign[sign].append(one)
            self.by_content[_content(one)].append(one)
            for reason, sign in _weakly(one):
                self.by_doubt[reason, sign].append(one)

    def coded(self, draft: Household, code: str) -> Household | None:
        """The household that an office gave a code to.

        The office is that of the area which the list names. One that was named by an area of an older list,
        and now lies in the same commune, is the same if its head is: two offices of old may both have had a
        number 1.
        """
        if not code:
            return None
        found = self._by_code.get((draft.given, code_key(code)))
        if found is not None:
            return found
        here = self._by_area_code.get((draft.area, code_key(code)), ())
        named = [one for one in here if name_key(one.head) == name_key(draft.head) and one.status == "active"]
        return named[0] if len(named) == 1 else None

    def standing(self, one: Household) -> Household:
        """The household that another was merged into, over as many merges as there were."""
        for _ in range(len(self.households)):
            into = self.by_id.get(one.merged_into)
            if one.status != "merged" or into is None:
                break
            one = into
        return one


Pair = tuple[Household, Household | None]


def _pair(drafts: Sequence[Household], stock: _Stock, report: Report) -> list[Pair]:
    """Each household of the file with the known one that it is; every known one once."""
    found: dict[Household, Household] = {}
    claimed: set[Household] = set()
    for draft in drafts:
        match = stock.coded(draft, draft.code)
        if match is None and not is_apart(draft):
            match = stock.coded(draft, draft.same_as)
        if match is not None:
            found[draft] = match
            claimed.add(stock.standing(match))
    for draft in drafts:
        if draft in found:
            continue
        sure: Iterable[Household] = (
            one for _, sign in _surely_one(draft) for one in stock.by_sign.get(sign, ())
        )
        if is_apart(draft):
            sure = ()
        match = next((one for one in sure if one not in claimed and not (one.code and draft.code)), None)
        if match is None:
            same = stock.by_content.get(_content(draft), ())
            match = next((one for one in same if one not in claimed), None)
        if match is not None:
            found[draft] = match
            claimed.add(match)
            continue
        if is_apart(draft):
            continue
        for reason, sign in _weakly(draft):
            alike = [one for one in stock.by_doubt.get((reason, sign), ()) if one not in claimed]
            if alike:
                report.note(draft.places[0], f"maybe_known_{reason}", household=alike[0].id)
                break
    return [(draft, found.get(draft)) for draft in drafts]


def _standing(pairs: Iterable[Pair], stock: _Stock, report: Report) -> list[Pair]:
    """The same with what staff merged staying merged: lines of such a household belong to the one that
    stands.
    """
    made: list[Pair] = []
    first: dict[Household, Household] = {}
    late: list[tuple[Household, Household]] = []
    for draft, match in pairs:
        known = None if match is None else stock.standing(match)
        if known is not None and known is not match:
            report.note(draft.places[0], "merged_before", household=known.id)
            late.append((draft, known))
            continue
        if known is not None:
            first[known] = draft
        made.append((draft, known))
    for draft, known in late:
        if known in first:
            _take_in(first[known], draft)
            continue
        # Only the household that is no more stands in the list: nothing of the other is changed by it.
        draft.code, draft.head, draft.area = known.code, known.head, known.area
        draft.neighbourhood, draft.address, draft.phone = known.neighbourhood, known.address, known.phone
        draft.whole = False
        for person in draft.members:
            # They headed the one that is no more.
            person.relation = None if person.relation is Relation.HEAD else person.relation
        first[known] = draft
        made.append((draft, known))
    return made


def _take_in(household: Household, draft: Household) -> None:
    """Make the people of ``draft`` people of ``household``."""
    household.places.extend(draft.places)
    for person in draft.members:
        twin = _find(person, household.members)
        if twin is not None:
            _complete(twin, person)
            continue
        person.number = len(household.members) + 1
        if person.relation is Relation.HEAD and household.head_person is not None:
            person.relation = None
        household.members.append(person)


def _write(draft: Household, known: Household | None, report: Report) -> Write:
    if known is None:
        return Write(draft, added=list(draft.members))
    write = Write(draft, known)
    if known.area[0] == draft.area[0] and known.area != draft.area:
        # Between areas of one list households are moved by people, not by a list.
        report.refuse(draft.places[0], "code_elsewhere", household=known.id)
        draft.area = known.area
    draft.id, draft.given = known.id, known.given
    draft.code = draft.code or known.code
    draft.head = draft.head or known.head
    draft.neighbourhood = draft.neighbourhood or known.neighbourhood
    draft.address = draft.address or known.address
    draft.phone = draft.phone or known.phone
    names = ("area", "neighbourhood", "code", "head", "address", "phone")
    changed = zip(names, draft.told, known.told, strict=True)
    write.fields = tuple(name for name, new, old in changed if new != old)
    if known.status == "left":
        write.fields = (*write.fields, "status")
    _match_people(write, draft, known)
    return write


def _find(person: Person, among: Iterable[Person]) -> Person | None:
    """Who of a household a person of its list is: by name and birth, by name, or for a child by birth."""
    candidates = list(among)
    if person.name:
        called = [one for one in candidates if one.name and name_key(one.name) == name_key(person.name)]
        same = [one for one in called if one.birth == person.birth]
        if same:
            # Of Hùng and Hưng the one who is spelled so.
            return next((one for one in same if same_name(one.name, person.name)), same[0])
        near = [
            one for one in called if not (one.birth and person.birth) or one.birth[:4] == person.birth[:4]
        ]
        return near[0] if len(near) == 1 else None
    born = [one for one in candidates if not one.name and one.birth == person.birth and one.sex == person.sex]
    by_relation = [one for one in born if one.relation == person.relation]
    return next(iter(by_relation or born), None)


def _match_people(write: Write, draft: Household, known: Household) -> None:
    left = [one for one in known.members if one.status in _STAYING]
    before = [one for one in known.members if one.status not in _STAYING]
    number = max((one.number for one in known.members), default=0)
    for person in draft.members:
        match = _find(person, left)
        if match is not None:
            left.remove(match)
        else:
            match = _find(person, before)
            if match is not None:
                before.remove(match)
                if match.status == "moved":
                    match = None
        if match is None:
            number += 1
            person.number = number
            write.added.append(person)
            continue
        person.id, person.number = match.id, match.number
        person.status = match.status if match.status == "duplicate" else "active"
        if not person.name or not match.name:
            # A child that came of age has a name now; an adult's is never taken back.
            person.name = person.name or match.name
        else:
            person.birth = person.birth if len(person.birth) >= len(match.birth) else match.birth
        person.sex, person.relation = person.sex or match.sex, person.relation or match.relation
        person.birth, person.phone = person.birth or match.birth, person.phone or match.phone
        if person.told != match.told or person.status != match.status:
            write.changed.append((person, match))
    if draft.whole and len(write.added) < len(draft.members):
        write.gone.extend((one, "left", None) for one in left if one.status == "active")
    elif draft.head_person is not None:
        # A list of heads alone names another one: whoever was it stays in the household.
        write.changed.extend(
            (replace(one, relation=None), one)
            for one in left
            if one.relation is Relation.HEAD and one.status == "active"
        )


# ── one person in two households ────────────────────────────────────────────────────────────────────────────


def _people_elsewhere(writes: Sequence[Write], stock: _Stock, report: Report) -> None:
    """People who stand in two households: surely one person where name, birth and telephone are the same."""
    here: dict[Sign, tuple[Write, Person]] = {}
    doubtful: dict[Sign, tuple[Write, Person]] = {}
    listed = {write.known for write in writes if write.known is not None}
    of_stock: dict[Sign, tuple[Household, Person]] = {}
    for one in stock.households:
        if one.status == "active":
            for person in one.members:
                if person.status == "active" and (sign := _surely(person)) is not None:
                    of_stock.setdefault((one.area, *sign), (one, person))
    leaving = {person: write for write in writes for person, _, _ in write.gone}
    for write in sorted(writes, key=lambda one: one.known is None):
        for person in write.target.members:
            if person.status == "duplicate":
                continue
            sign = _surely(person)
            if sign is not None:
                place = (write.target.area, *sign)
                first = here.setdefault(place, (write, person))
                if first[1] is not person:
                    here[place] = _one_of_two(first, (write, person), report)
                    continue
                home, known = of_stock.get(place, (None, None))
                if home is not None and known is not None and home is not write.known:
                    _moved(write, person, home, known, listed, leaving, report)
            weak = (write.target.area, name_key(person.name), person.birth, person.sex)
            if person.name and "-" in person.birth and person.sex is not None and not person.id:
                alike = doubtful.setdefault(weak, (write, person))
                if alike[1] is not person:
                    report.note(person.place, "maybe_same_person", first=alike[1].place.line)


def _surely(person: Person) -> Sign | None:
    told = person.name and person.birth and person.phone
    return (name_key(person.name), person.birth, person.phone) if told else None


Stand = tuple[Write, Person]


def _one_of_two(first: Stand, second: Stand, report: Report) -> Stand:
    """Of a person listed twice the row in the household they head counts, else the first one: that one."""
    keep, drop = first, second
    if second[1].relation is Relation.HEAD and first[1].relation is not Relation.HEAD:
        keep, drop = second, first
    write, person = drop
    report.note(person.place, "person_twice", first=keep[1].place.line)
    if not any(one is person for one in write.added) and write.known is not None:
        known = next(one for one in write.known.members if one.id == person.id)
        if not any(target is person for target, _ in write.changed):
            write.changed.append((person, known))
    person.status, person.elsewhere = "duplicate", keep[1]
    return keep


def _moved(
    write: Write,
    person: Person,
    home: Household,
    known: Person,
    listed: set[Household],
    leaving: dict[Person, Write],
    report: Report,
) -> None:
    """Somebody known in another household: they have moved here, unless the file has them there as well."""
    if home in listed and known not in leaving:
        return
    report.note(person.place, "person_moved", household=home.id)
    if known in leaving:
        gone = leaving[known].gone
        gone[:] = [(one, "moved", person) if one is known else (one, how, where) for one, how, where in gone]
    else:
        write.gone.append((known, "moved", person))


def _check_codes(writes: Sequence[Write], report: Report) -> None:
    """Refuse a list whose codes stand for other households than before."""
    known = [write for write in writes if write.known is not None and write.known.code and write.target.code]
    strangers = [
        write
        for write in known
        if "head" in write.fields
        and write.known is not None
        and not any(person.id for person in write.target.members)
        and write.known.members
    ]
    if len(strangers) >= RENUMBERED_LEAST and len(strangers) * 2 > len(known):
        first = strangers[0].target.places[0]
        report.refuse(first, "codes_renumbered", count=len(strangers), of=len(known))
    else:
        for write in strangers:
            report.note(write.target.places[0], "other_people", household=write.target.id)
