"""Lines of a list become households, one row a person or one row a household; every line is accounted for."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum
from functools import lru_cache
from itertools import chain, islice

from surveys.areas import AreaKey
from surveys.frames import cells
from surveys.frames.columns import HEADING_WITHIN, MOST_COLUMNS, Field, Heading, find_heading, is_numbering
from surveys.frames.lists import (
    SELF_ANSWERING_AGE,
    Household,
    Line,
    Person,
    Place,
    Relation,
    Remark,
    shortened,
)
from surveys.frames.places import Located, Locator, Lost, Said
from surveys.letters import fold, settle, tidy
from surveys.placenames import split_title
from surveys.population import Sex
from surveys.problems import Problem


class Outcome(StrEnum):
    """What came of a line."""

    NEW = "new"
    CHANGED = "changed"
    SAME = "same"
    MERGED = "merged"
    """Its household is that of another line."""
    IGNORED = "ignored"
    REFUSED = "refused"


MOST_REMARKS = 5_000
"""Refusals, and notes, that a report lists one by one; all are counted."""


class Report:
    """What is said of a file: remarks, as many as anybody can act on, their number, the outcome of each
    line.
    """

    def __init__(self) -> None:
        self._kept: tuple[list[Remark], list[Remark]] = ([], [])
        self.counts: Counter[tuple[bool, str]] = Counter()
        self.outcomes: dict[Place, Outcome] = {}

    def refuse(self, place: Place, code: str, column: str = "", /, **params: object) -> None:
        """Say why nothing can be taken as long as a line stands so."""
        self._add(Remark(place, code, params, column))
        self.outcomes[place] = Outcome.REFUSED

    def note(self, place: Place, code: str, column: str = "", /, **params: object) -> None:
        """Say how a line was understood."""
        self._add(Remark(place, code, params, column, refused=False))

    def note_once(self, place: Place, code: str, column: str = "", /, **params: object) -> None:
        """Say something of the whole file, at the first line it is true of."""
        if not self.counts[False, code]:
            self.note(place, code, column, **params)
        else:
            self.counts[False, code] += 1

    def _add(self, remark: Remark) -> None:
        self.counts[remark.refused, remark.code] += 1
        kept = self._kept[remark.refused]
        if len(kept) < MOST_REMARKS:
            kept.append(remark)

    def rename(self, name: Callable[[Place], Place]) -> None:
        """Name all lines otherwise."""
        for kept in self._kept:
            kept[:] = [replace(remark, place=name(remark.place)) for remark in kept]
        self.outcomes = {name(place): outcome for place, outcome in self.outcomes.items()}

    @property
    def remarks(self) -> list[Remark]:
        """Those that are kept, by line."""
        return sorted(chain(*self._kept), key=lambda one: (one.place, not one.refused))

    @property
    def refused(self) -> int:
        """How many refusals there are."""
        return sum(number for (refused, _), number in self.counts.items() if refused)


@dataclass(frozen=True, slots=True)
class Sheet:
    """One sheet of a file, its lines still to be read. ``spans``: merged cells side by side among its first
    lines, *(line, first column, last column)*, columns from 0.
    """

    name: str
    lines: Iterable[Line]
    spans: Sequence[tuple[int, int, int]] = ()
    hidden: bool = False


@dataclass(slots=True)
class Frame:
    """What a file says: its households in their order, the report so far, how many lines speak of
    somebody.
    """

    households: list[Household]
    report: Report
    lines: int = 0


def read_frame(sheets: Iterable[Sheet], locator: Locator, today: date) -> Frame:
    """The households of a file.

    Raises Problem where it is no list at all: ``household_columns`` (no headings), ``household_file_font``
    (letters of a font of old), ``household_file_wide``, ``household_column_twice``, ``household_file_empty``,
    ``household_file_example``, ``household_file_hidden``. What is wrong with a line stands in the report.
    """
    report = Report()
    parsed: list[_Row] = []
    letters: Counter[str] = Counter()
    found = False
    broken: set[str] = set()
    number = 0
    example = 0
    several = False
    hidden = ""
    blank = True
    for sheet in sheets:
        lines = iter(sheet.lines)
        first = list(islice(lines, HEADING_WITHIN))
        blank = blank and not first
        reading = _open(sheet, first, lines, letters)
        if reading is None:
            continue
        if sheet.hidden:
            hidden = hidden or sheet.name[:40]
            report.note(Place(sheet.name, 0), "hidden_sheet", sheet=sheet.name[:40])
            continue
        several = several or found
        found = True
        reader = _Reader(reading, sheet.name, locator, report, letters, today)
        before = len(parsed)
        parsed.extend(reader.rows())
        broken |= reader.broken
        number += reader.lines
        example += reader.examples
        if len(parsed) > before:
            _group_sheet(parsed, before, reading.heading)
    _check_letters(letters)
    if not found and hidden:
        raise Problem("household_file_hidden", sheet=hidden)
    if not found:
        raise Problem("household_file_empty" if blank else "household_columns")
    if not parsed and not report.refused:
        raise Problem("household_file_example" if example else "household_file_empty")
    households = list(_households(parsed, broken, report, today))
    if not several:
        _forget_sheet(households, report)
    return Frame(households, report, number)


def _check_letters(letters: Counter[str]) -> None:
    """Raise Problem ``household_file_font`` when much of what has marks at all is in no Unicode."""
    odd = {kind: letters[kind] for kind in ("tcvn3", "vni", "garbled")}
    flagged, marked = sum(odd.values()), letters["marked"]
    if flagged * 2 > marked or (flagged >= 5 and flagged * 5 >= marked):
        kind = max(odd, key=lambda one: odd[one])
        if kind == "garbled":
            raise Problem("household_file_garbled")
        raise Problem("household_file_font", font=_FONTS[kind])


_FONTS = {"tcvn3": "TCVN3 (.VnTime)", "vni": "VNI (VNI-Times)"}


def _forget_sheet(households: Sequence[Household], report: Report) -> None:
    """Name lines by their number alone where a single sheet has any."""

    def plain(place: Place) -> Place:
        return Place("", place.line)

    for household in households:
        household.places = [plain(place) for place in household.places]
        for person in household.members:
            person.place = plain(person.place)
    report.rename(plain)


# ── a sheet ─────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class _Opened:
    heading: Heading
    lines: Iterator[Line]


def _open(
    sheet: Sheet, first: Sequence[Line], others: Iterator[Line], letters: Counter[str]
) -> _Opened | None:
    """A sheet with its headings found among its ``first`` lines, before the ``others``; None for one
    without, which is something else.
    """
    heading = find_heading(first, sheet.spans)
    if heading is None:
        # A list all in a font of old has headings that nobody can read, either.
        for line in first:
            _count_letters(line.cells, letters)
        return None
    if any(sum(1 for cell in line.cells if cell) > MOST_COLUMNS for line in first):
        raise Problem("household_file_wide", limit=MOST_COLUMNS)
    rest = (line for line in chain(first, others) if line.number > heading.last)
    return _Opened(heading, rest)


def _count_letters(texts: Iterable[str], letters: Counter[str]) -> None:
    for cell in texts:
        if not cell.isascii():
            letters["marked"] += 1
            if kind := cells.not_unicode(cell):
                letters[kind] += 1


@dataclass(slots=True)
class _Row:
    """A line as read, before it is known whose household it belongs to."""

    place: Place
    area: AreaKey
    given: AreaKey
    neighbourhood: str
    code: str
    address: str
    head: str
    head_phone: str
    name: str
    sex: Sex | None
    birth: str
    relation: Relation | None
    phone: str
    number: int
    same_as: str
    persons: bool = False
    coded: bool = False
    headed: bool = False


_LONGEST = {
    Field.CODE: 40,
    Field.NAME: 100,
    Field.HEAD: 100,
    Field.NEIGHBOURHOOD: 100,
    Field.ADDRESS: 300,
    Field.HOUSE_NUMBER: 100,
    Field.STREET: 200,
}
_TOTALS = re.compile(r"(?:(?:tổng|cộng|total|tong (?:cong|so))\b.{0,40}|(?:tong|cong)\b[\W\d]*)")
"""Marks count: Tống, Tòng, Công and Cống are names of families."""
_EXAMPLE = re.compile(r"(?:(?:mẫu )?ví ?dụ|(?:mau )?vi ?du|example)\b")
"""Marks count: Vi is the name of a family, whose son may be called Dự."""
_BULLETS = "-–•*+· "
_NO_NAME = re.compile(r"[=@<>|{}\\^~]|://")
"""What stands in no name: formulas, addresses, programs."""
_SIGNS = frozenset({Field.UNREAD, Field.UNWANTED})


class _Reader:
    """Reads the lines of one sheet under its headings."""

    def __init__(
        self,
        opened: _Opened,
        sheet: str,
        locator: Locator,
        report: Report,
        letters: Counter[str],
        today: date,
    ) -> None:
        self._heading, self._lines = opened.heading, opened.lines
        self._sheet, self._locator, self._report, self._letters = sheet, locator, report, letters
        self._today = today
        self._at: Mapping[Field, int] = {
            field: at for at, field in self._heading.columns.items() if field not in _SIGNS
        }
        self._section = ""
        self._said: set[str] = set()
        self._kind = _neighbourhood_kind(self._heading.name(Field.NEIGHBOURHOOD))
        self.examples = 0
        self.lines = 0
        self.broken: set[str] = set()
        """Codes of lines that were refused; empty for one without."""

    def rows(self) -> Iterator[_Row]:
        """The lines that speak of somebody."""
        for at, found in self._heading.columns.items():
            if found is Field.UNWANTED:
                self._report.note(
                    Place(self._sheet, self._heading.last), "unwanted_column", self._heading.names[at][:60]
                )
        for line in self._lines:
            if not any(line.cells) and not line.faults:
                continue
            place = Place(self._sheet, line.number)
            if self._passed_over(line, place):
                continue
            if line.hidden:
                self._report.note_once(place, "hidden_line")
            row = self._row(line, place)
            self.lines += 1
            if row is None:
                self.broken.add(code_key(cells.text(self._cell(line, Field.CODE))))
            else:
                yield row

    # Lines that are no data

    def _passed_over(self, line: Line, place: Place) -> bool:
        """Whether a line speaks of nobody: blank, a numbering, an example, a total, a heading, a
        signature.
        """
        filled = {at: cell for at, cell in enumerate(line.cells) if cell.strip()}
        known = {at for at in filled if self._heading.columns.get(at, Field.UNREAD) not in _SIGNS}
        if (not known and len(filled) != 1 and not line.faults) or is_numbering(line):
            return True
        code = self._cell(line, Field.CODE)
        named = self._cell(line, Field.NAME) or self._cell(line, Field.HEAD)
        texts = list(filled.values())
        if _EXAMPLE.match(cells.text(code or named).lower()):
            self.examples += 1
            self._report.note_once(place, "example")
        elif len(texts) <= 4 and any(_TOTALS.fullmatch(cells.text(cell).lower()) for cell in texts[:2]):
            self._report.note(place, "total_line")
        elif line.faults or (len(texts) > 1 and (named or code or len(known) > 1)):
            return False
        elif section := next((name for cell in texts if (name := cells.is_neighbourhood(cell))), ""):
            self._section = section
            self._report.note(place, "section", name=section)
        elif known or not texts[0].strip(" .()").isdecimal():
            self._report.note(place, "unused_line", value=shortened(cells.text(texts[0])))
        self._report.outcomes[place] = Outcome.IGNORED
        return True

    # Lines of data

    def _cell(self, line: Line, field: Field) -> str:
        at = self._at.get(field)
        return line.cells[at].strip() if at is not None and at < len(line.cells) else ""

    def _row(self, line: Line, place: Place) -> _Row | None:
        report, heading = self._report, self._heading
        sound = True
        for at, fault in line.faults.items():
            if (field := heading.columns.get(at)) is not None and field not in _SIGNS:
                code = "formula_empty" if fault == "formula" else "cell_error"
                report.refuse(place, code, heading.names[at][:60], fault=fault)
                sound = False
        texts = {field: cells.text(self._cell(line, field)) for field in self._at}
        for field, limit in _LONGEST.items():
            if len(texts.get(field, "")) > limit:
                report.refuse(place, "cell_long", heading.name(field)[:60], limit=limit)
                sound = False
        name, head = (self._name(place, field, texts) for field in (Field.NAME, Field.HEAD))
        _count_letters((name, head, texts.get(Field.ADDRESS, "")), self._letters)
        if not name and not head and sound and place not in report.outcomes:
            report.refuse(place, "name_missing")
        located = self._locator.find(
            Said(
                code=texts.get(Field.AREA_CODE, ""),
                name=texts.get(Field.AREA_NAME, ""),
                district=texts.get(Field.DISTRICT, ""),
                province=texts.get(Field.PROVINCE, ""),
                vintage=texts.get(Field.VINTAGE, ""),
                new=texts.get(Field.AREA_NEW, ""),
            )
        )
        if isinstance(located, Lost):
            fields = (Field.AREA_CODE, Field.AREA_NAME)
            field = next((each for each in fields if texts.get(each)), Field.AREA_CODE)
            column = heading.name(field) or heading.name(Field.AREA_NAME)
            report.refuse(place, located.code, column[:60], **located.params)
            return None
        self._understood(place, located)
        sex, birth, relation = self._person(line, place, texts)
        phone = self._phone(place, Field.PHONE, texts)
        head_phone = self._phone(place, Field.HEAD_PHONE, texts)
        if place in report.outcomes or not sound:
            return None
        neighbourhood = cells.neighbourhood(texts.get(Field.NEIGHBOURHOOD, ""), self._kind) or self._section
        number = texts.get(Field.NUMBER, "")
        return _Row(
            place,
            located.area,
            located.given,
            neighbourhood,
            re.sub(r"(?<=[0-9])\.0+$", "", texts.get(Field.CODE, "")),
            self._address(texts),
            head,
            head_phone,
            name,
            sex,
            birth,
            relation,
            phone,
            int(number) if number.isdecimal() and len(number) <= 3 else 0,
            texts.get(Field.SAME_AS, ""),
        )

    def _name(self, place: Place, field: Field, texts: Mapping[Field, str]) -> str:
        """A name as it is kept; refused where it is none."""
        told = texts.get(field, "").strip(_BULLETS)
        if not told or cells.blank(told):
            return ""
        if _NO_NAME.search(told) or not any(letter.isalpha() for letter in told):
            column = self._heading.name(field)[:60]
            self._report.refuse(place, "name_unreadable", column, value=shortened(told))
        return told

    def _understood(self, place: Place, located: Located) -> None:
        if located.note:
            key = f"{located.given} {located.area}"
            if key not in self._said:
                self._said.add(key)
                self._report.note(place, located.note, **located.params)

    def _address(self, texts: Mapping[Field, str]) -> str:
        parts = (texts.get(each, "") for each in (Field.HOUSE_NUMBER, Field.STREET, Field.ADDRESS))
        return " ".join(part for part in parts if part and not cells.blank(part))

    def _phone(self, place: Place, field: Field, texts: Mapping[Field, str]) -> str:
        told = texts.get(field, "")
        if not told or cells.blank(told):
            return ""
        phone = cells.read_phone(told)
        if phone is None:
            self._report.note(place, "phone_unusable", self._heading.name(field)[:60], value=shortened(told))
        return phone or ""

    def _person(
        self, line: Line, place: Place, texts: Mapping[Field, str]
    ) -> tuple[Sex | None, str, Relation | None]:
        sex, told = None, texts.get(Field.SEX, "")
        if told and not cells.blank(told):
            sex = cells.read_sex(told)
            if sex is None:
                column = self._heading.name(Field.SEX)[:60]
                self._report.refuse(place, "sex_unreadable", column, value=shortened(told))
        relation, told = None, texts.get(Field.RELATION, "")
        if told and not cells.blank(told):
            relation = cells.read_relation(told)
            if relation is None:
                column = self._heading.name(Field.RELATION)[:60]
                self._report.refuse(place, "relation_unreadable", column, value=shortened(told))
        marked = self._marked(texts)
        birth, by_column = self._birth(place, texts)
        agreed = {each for each in (sex, marked, by_column) if each is not None}
        if len(agreed) > 1:
            self._report.refuse(place, "sex_differs")
        return (next(iter(agreed)) if agreed else None), birth, relation

    def _marked(self, texts: Mapping[Field, str]) -> Sex | None:
        """The sex that a column of its own is ticked for."""
        male, female = (cells.is_mark(texts.get(each, "")) for each in (Field.SEX_MALE, Field.SEX_FEMALE))
        if male != female:
            return Sex.MALE if male else Sex.FEMALE
        return None

    def _birth(self, place: Place, texts: Mapping[Field, str]) -> tuple[str, Sex | None]:
        """The birth, and the sex that its column tells."""
        sexes = ((Field.BIRTH_MALE, Sex.MALE), (Field.BIRTH_FEMALE, Sex.FEMALE))
        filled = [(each, sex) for each, sex in sexes if not cells.blank(texts.get(each, ""))]
        field = Field.BIRTH if Field.BIRTH in self._at else Field.BIRTH_YEAR
        told = texts.get(field, "")
        try:
            if len(filled) == 1:
                field, sex = filled[0]
                told = texts[field]
                return cells.read_birth(told, self._today), sex
            if len(filled) == 2:
                raise cells.Unreadable("birth_twice")
            if Field.BIRTH_MONTH in self._at and Field.BIRTH_YEAR in self._at:
                field, told = Field.BIRTH_YEAR, texts.get(Field.BIRTH_YEAR, "")
                day, month = texts.get(Field.BIRTH_DAY, ""), texts.get(Field.BIRTH_MONTH, "")
                return cells.join_birth(day, month, told, self._today), None
            if cells.blank(told) and Field.BIRTH_YEAR in self._at:
                field, told = Field.BIRTH_YEAR, texts.get(Field.BIRTH_YEAR, "")
            return cells.read_birth(told, self._today), None
        except cells.Unreadable as fault:
            self._report.refuse(place, fault.code, self._heading.name(field)[:60], value=shortened(told))
            return "", None


def _neighbourhood_kind(heading: str) -> str:
    """What a number alone in the column of neighbourhoods is: the heading says so."""
    plain = cells.text(heading).lower()
    kind, _ = split_title(f"{plain.split('/')[0].split(',')[0].strip()} 1")
    return kind if kind and plain else "khu phố"


# ── whose household ─────────────────────────────────────────────────────────────────────────────────────────


def _group_sheet(parsed: list[_Row], start: int, heading: Heading) -> None:
    """Say of each row of a sheet whether rows are persons, and by what households are told."""
    rows = parsed[start:]
    codes = Counter((row.given, code_key(row.code)) for row in rows if row.code)
    persons = heading.has(Field.RELATION, Field.NUMBER) or (
        # With a column for heads alone a code that comes twice is a slip, not a second person.
        heading.has(Field.NAME)
        and (
            heading.has(Field.HEAD)
            or any(number > 1 and _names_differ(rows, key) for key, number in codes.most_common(5))
        )
    )
    for row in rows:
        row.persons = persons
        row.coded = bool(codes)
        row.headed = heading.has(Field.HEAD)


def _names_differ(rows: Iterable[_Row], key: tuple[AreaKey, str]) -> bool:
    names = {name_key(row.name or row.head) for row in rows if (row.given, code_key(row.code)) == key}
    return len(names) > 1


@lru_cache(maxsize=1 << 17)
def code_key(code: str) -> str:
    """A household's code as compared: without marks, capitals, spaces, and zeros before a number."""
    plain = fold(code).replace(" ", "")
    return plain.lstrip("0") or "0" if plain.isdecimal() else plain


@lru_cache(maxsize=1 << 17)
def name_key(name: str) -> str:
    """A person's name as compared: "Nguyễn  Văn Ân" and "NGUYEN VAN AN" are one."""
    return re.sub(r"[^0-9a-z]+", " ", fold(name)).strip()


_SAID_OR_NOT = frozenset("so nha duong d pho ng ngo".split())


@lru_cache(maxsize=1 << 17)
def address_key(address: str) -> str:
    """An address as compared: without marks, capitals, punctuation and what is written short."""
    plain = re.sub(r"[^0-9a-z/]+", " ", fold(address))
    return " ".join(
        word for word in plain.split() if word not in ("so", "nha", "duong", "d", "pho", "ng", "ngo")
    )


def _households(
    rows: Sequence[_Row], broken: Collection[str], report: Report, today: date
) -> Iterator[Household]:
    """Households in the order of their first lines. ``broken``: codes of which a line was refused already."""
    made: list[Household] = []
    by_code: dict[tuple[AreaKey, str], Household] = {}
    before: _Row | None = None
    current: Household | None = None
    children = 0
    for row in rows:
        household: Household | None = None
        key = (row.given, code_key(row.code)) if row.code else None
        if key is not None:
            household = by_code.get(key)
        elif row.persons and current is not None and before is not None and _goes_on(row, before):
            household = current
            if row.coded:
                report.note_once(row.place, "code_carried")
        if household is None:
            household = Household(
                row.area, row.given, row.neighbourhood, row.code, "", row.address, "", whole=row.persons
            )
            made.append(household)
            if key is not None:
                by_code[key] = household
        elif not _agrees(household, row, report):
            continue
        children += _put(household, row, report, today)
        current, before = household, row
    for household in made:
        # Of a household that lost a line nothing more can be said to be missing.
        whole = code_key(household.code) not in broken and (household.code or not broken)
        refused = any(report.outcomes.get(place) is Outcome.REFUSED for place in household.places)
        _settle_head(household, report, sure=bool(whole) and not refused)
    if children:
        report.note(Place("", 0), "children", count=children)
    yield from made


def _goes_on(row: _Row, before: _Row) -> bool:
    """Whether a row without a code belongs to the household of the row before."""
    if before.place.sheet != row.place.sheet or row.relation is Relation.HEAD or row.area != before.area:
        return False
    if row.coded and before.coded:
        return not row.head or name_key(row.head) == name_key(before.head)
    if row.headed and row.head:
        same_place = not row.address or address_key(row.address) == address_key(before.address)
        return name_key(row.head) == name_key(before.head) and same_place
    return row.relation is not None or row.number > 1


def _agrees(household: Household, row: _Row, report: Report) -> bool:
    """Whether a further row tells the same of the household; refuses it else."""
    first = household.places[0].line
    if row.neighbourhood and household.neighbourhood and row.neighbourhood != household.neighbourhood:
        params = {"first": first, "value": row.neighbourhood, "other": household.neighbourhood}
        report.refuse(row.place, "neighbourhoods_differ", **params)
        return False
    known = household.head or next((one.name for one in household.members), "")
    if not row.persons and known and name_key(row.name or row.head) != name_key(known):
        report.refuse(row.place, "code_twice", code=shortened(row.code), first=first)
        return False
    household.neighbourhood = household.neighbourhood or row.neighbourhood
    if row.address and household.address and address_key(row.address) != address_key(household.address):
        report.note(row.place, "addresses_differ", first=first)
    household.address = household.address or row.address
    return True


def _put(household: Household, row: _Row, report: Report, today: date) -> int:
    """Add the person of a row to a household; 1 if it is a child."""
    household.places.append(row.place)
    household.phone = household.phone or row.head_phone
    household.same_as = household.same_as or row.same_as
    name, relation = row.name or row.head, row.relation
    if not row.persons:
        relation = Relation.HEAD
        name = row.head or row.name
    elif not row.name:
        relation = relation or Relation.HEAD
    elif row.head and relation is None and name_key(row.head) == name_key(row.name):
        relation = Relation.HEAD
    if row.head:
        household.head = household.head or row.head
    phone = row.phone or (row.head_phone if relation is Relation.HEAD else "")
    person = Person(name, row.sex, row.birth, relation, phone, row.place, number=row.number)
    twin = next((one for one in household.members if same_person(one, person)), None)
    if twin is not None:
        report.note(row.place, "row_repeated", first=twin.place.line)
        report.outcomes[row.place] = Outcome.MERGED
        twin.sex, twin.birth = twin.sex or person.sex, max(twin.birth, person.birth, key=len)
        twin.relation, twin.phone = twin.relation or person.relation, twin.phone or person.phone
        return 0
    if relation is Relation.HEAD and (head := household.head_person) is not None:
        report.refuse(row.place, "two_heads", first=head.place.line)
        return 0
    years = cells.age(row.birth, today)
    child = years is not None and years < SELF_ANSWERING_AGE
    if child and relation is Relation.HEAD:
        report.refuse(row.place, "head_a_child")
        return 0
    alike = next((one for one in household.members if one.name and same_name(one.name, name)), None)
    if alike is not None:
        report.note(row.place, "namesake", first=alike.place.line)
    if child:
        person.name = person.phone = ""
    household.members.append(person)
    return int(child)


def same_person(one: Person, other: Person) -> bool:
    """Whether two rows of a household are surely one person: the same name, and births that are equal."""
    return bool(one.name) and one.birth == other.birth and same_name(one.name, other.name)


def same_name(one: str, other: str) -> bool:
    """Whether two names are one within a household, where brothers are called Hùng and Hưng: letter by
    letter, unless one of them was typed without marks.
    """
    if name_key(one) != name_key(other):
        return False
    first, second = (settle(tidy(name).lower()) for name in (one, other))
    return first == second or first.isascii() or second.isascii()


def _settle_head(household: Household, report: Report, *, sure: bool) -> None:
    """Name the head, where rows tell; number the people."""
    head = household.head_person
    if head is None and household.head:
        called = [one for one in household.members if name_key(one.name) == name_key(household.head)]
        if len(called) == 1 and called[0].relation is None:
            head = called[0]
            head.relation = Relation.HEAD
    if head is None and household.members:
        first = next((one for one in household.members if one.name), None)
        if not household.head and first is None:
            if sure:
                report.refuse(household.places[0], "no_head")
            return
        if not household.head and first is not None:
            household.head = first.name
            report.note_once(household.places[0], "head_first")
    if head is not None:
        household.head = head.name
    told = head.phone if head is not None else ""
    household.phone = (
        household.phone or told or next((one.phone for one in household.members if one.phone), "")
    )
    taken = {one.number for one in household.members if one.number}
    if len(taken) != len(household.members):
        for number, one in enumerate(household.members, 1):
            one.number = number
