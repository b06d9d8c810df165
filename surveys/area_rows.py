"""Rows of a file of areas or of conversions, checked: all or nothing, with a report per line."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Generic, TypeVar

from surveys.areas import Area, AreaKey, Areas, Conversion, ConversionKind
from surveys.letters import tidy
from surveys.placenames import TYPES, Level, split_title
from surveys.problems import Problem

_PARENTS: Mapping[Level, tuple[Level, ...]] = {
    Level.PROVINCE: (),
    Level.DISTRICT: (Level.PROVINCE,),
    Level.COMMUNE: (Level.DISTRICT, Level.PROVINCE),
    Level.NEIGHBOURHOOD: (Level.COMMUNE,),
}

_DIGITS = {Level.PROVINCE: 2, Level.DISTRICT: 3, Level.COMMUNE: 5}
"""Digits of an official code, zeros in front included."""


@dataclass(frozen=True, slots=True)
class Row:
    """A line of a file (the header is line 1) and its cells by column."""

    line: int
    cells: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Remark:
    """Something to say about a line.

    ``refused``: nothing is taken from the file until it is put right; else a note on how the line was
    understood. Its sentence is ``problem.<code>`` or ``areas.note.<code>``.
    """

    line: int
    code: str
    params: Mapping[str, object] = field(default_factory=dict)
    refused: bool = True

    @property
    def key(self) -> str:
        """Key of its sentence in the catalogue."""
        return f"{'problem' if self.refused else 'areas.note'}.{self.code}"


Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Result(Generic[Item]):
    """What was read, in the order of the file, and the remarks by line. No items if any line is refused."""

    items: tuple[Item, ...]
    report: tuple[Remark, ...] = ()

    @property
    def refusals(self) -> tuple[Remark, ...]:
        """The remarks that stand in the way."""
        return tuple(remark for remark in self.report if remark.refused)

    def require(self) -> tuple[Item, ...]:
        """The items; raises Problem ``area_lines_refused`` (``count``, the first ``lines``, ``report``)."""
        refusals = self.refusals
        if refusals:
            lines = sorted({remark.line for remark in refusals})
            shown = ", ".join(map(str, lines[:_LINES_SHOWN])) + (" …" if len(lines) > _LINES_SHOWN else "")
            raise Problem("area_lines_refused", count=len(lines), lines=shown, report=self.report)
        return self.items


_LINES_SHOWN = 10
_VALUE_SHOWN = 100
_CONTROLS = dict.fromkeys((*range(0x20), *range(0x7F, 0xA0)), " ")
_LONGEST_NAME = 100
_LONGEST_TEXT = 200
_SHARE_SLACK = 0.001
"""Shares are published rounded; a unit split in six, to four digits, is off by at most 0.0003."""
_NEIGHBOURHOOD_CODE = re.compile(r"[0-9A-Za-z][0-9A-Za-z._-]{0,19}")


def _result(items: Sequence[Item], report: Iterable[Remark]) -> Result[Item]:
    remarks = tuple(sorted(report, key=lambda remark: remark.line))
    return Result(() if any(remark.refused for remark in remarks) else tuple(items), remarks)


def _day(text: str) -> date | None:
    """2025-07-01 or 1/7/2025; None for anything else."""
    found = re.fullmatch(r"(\d{4})-(\d{2})-(\d{2})", text, re.ASCII)
    backwards = re.fullmatch(r"(\d{1,2})/(\d{1,2})/(\d{4})", text, re.ASCII)
    parts = found.groups() if found else backwards.groups()[::-1] if backwards else None
    if parts is None:
        return None
    try:
        return date(*map(int, parts))
    except ValueError:
        return None


class _Refused(Exception):
    """A line can't be taken; caught where the line is read."""

    def __init__(self, code: str, **params: object) -> None:
        super().__init__(code)
        self.code = code
        self.params = {
            name: f"{value[:_VALUE_SHOWN]}…"
            if isinstance(value, str) and len(value) > _VALUE_SHOWN
            else value
            for name, value in params.items()
        }


def _cell(row: Row, column: str) -> str:
    return tidy(row.cells.get(column, "").translate(_CONTROLS))


def _vintage(text: str) -> str:
    day = _day(text)
    if day is None:
        raise _Refused("area_vintage_bad", value=text)
    return day.isoformat()


def _columns(rows: Sequence[Row], needed: Iterable[str]) -> None:
    if not rows:
        raise Problem("area_file_empty")
    missing = [column for column in needed if column not in rows[0].cells]
    if missing:
        raise Problem("area_file_columns", columns=", ".join(missing))


def read_areas(
    rows: Iterable[Row], *, known: Areas | None = None, vintage: str | None = None
) -> Result[Area]:
    """Areas from rows with the columns ``code``, ``name`` and, as far as needed, ``vintage``, ``type``,
    ``level``, ``parent``, ``valid_from``, ``valid_to``.

    ``vintage`` stands in where the column is empty; ``known`` holds areas already stored, so that a file of
    neighbourhoods finds its communes (a row for a known key replaces it). The name may carry its type. A
    level is told by the type where it can be. Zeros that a spreadsheet dropped from an official code are put
    back; a neighbourhood's code too short to be its own in the country gets its commune's in front. Both are
    noted in the report.

    Raises Problem ``area_file_empty``, ``area_file_columns``. Never anything else, whatever the cells hold.
    """
    lines = list(rows)
    _columns(lines, ("code", "name"))
    report: list[Remark] = []
    drafts: list[tuple[Row, Area]] = []
    for row in lines:
        try:
            drafts.append((row, _area(row, vintage, report)))
        except _Refused as refusal:
            report.append(Remark(row.line, refusal.code, refusal.params))
    levels = {area.key: area.level for area in known or ()}
    levels.update((area.key, area.level) for _, area in drafts if area.level is not Level.NEIGHBOURHOOD)
    areas: list[Area] = []
    first_lines: dict[AreaKey, int] = {}
    for row, draft in drafts:
        try:
            area = _placed(row, draft, levels, report)
            if (first := first_lines.setdefault(area.key, row.line)) != row.line:
                raise _Refused("area_duplicate", unit=area.code, vintage=area.vintage, first=first)
            areas.append(area)
        except _Refused as refusal:
            report.append(Remark(row.line, refusal.code, refusal.params))
    return _result(areas, report)


def _area(row: Row, vintage: str | None, report: list[Remark]) -> Area:
    """The area of a row by itself; its parent is still as written."""
    edition = _vintage(_cell(row, "vintage") or vintage or "")
    name, kind, typed_as = _name_and_type(row)
    level = _level(_cell(row, "level"), kind, _cell(row, "code"), _cell(row, "parent"))
    if typed_as:
        report.append(Remark(row.line, "area_type_corrected", {"name": name, "type": kind}, refused=False))
    code, written = _code(_cell(row, "code"), level), _cell(row, "code")
    if code != written:
        report.append(Remark(row.line, "area_code_padded", {"written": written, "unit": code}, refused=False))
    days: list[date | None] = []
    for column in ("valid_from", "valid_to"):
        text = _cell(row, column)
        days.append(_day(text))
        if text and days[-1] is None:
            raise _Refused("area_date_bad", value=text)
    since, until = days[0] or date.fromisoformat(edition), days[1]
    if until and until < since:
        raise _Refused("area_dates_reversed", since=since.isoformat(), until=until.isoformat())
    return Area(edition, code, name, kind, level, _cell(row, "parent") or None, since, until)


def _name_and_type(row: Row) -> tuple[str, str, bool]:
    """(name without type, type, whether the type was taken from the name against the column)."""
    # Lists mix ' and ’ within one name's spellings (M'Drắk).
    written, title = _cell(row, "type").lower(), _cell(row, "name").replace("’", "'")
    kind, name = "thành phố" if written.startswith("thành phố") else written, title
    read, bare = split_title(title)
    known = any(kind in kinds for kinds in TYPES.values())
    corrected = False
    if read == kind and title.lower().startswith(kind):
        name = bare
    elif read is not None and (
        not known or (_formal(read) & _formal(kind) and title.lower().startswith(read))
    ):
        kind, name, corrected, known = read, bare, bool(written), True
    if not name:
        raise _Refused("area_name_missing")
    if len(name) > _LONGEST_NAME:
        raise _Refused("area_name_long", limit=_LONGEST_NAME)
    if not known:
        raise _Refused("area_type_unknown", value=written)
    return name, kind, corrected


def _formal(kind: str) -> set[Level]:
    """Levels of a type above neighbourhoods: a thôn may be named "Bản Lầu", a xã is not named "Phường 5"."""
    return {level for level, kinds in TYPES.items() if kind in kinds} - {Level.NEIGHBOURHOOD}


def _level(written: str, kind: str, code: str, parent: str) -> Level:
    fitting = [level for level, kinds in TYPES.items() if kind in kinds]
    if written:
        if written not in list(Level):
            raise _Refused("area_level_unknown", value=written)
        if Level(written) not in fitting:
            raise _Refused("area_level_differs", level=written, type=kind)
        return Level(written)
    if len(fitting) > 1:
        # "thành phố": a city of the first level, or one of a province before 2025-07-01.
        return Level.DISTRICT if parent or len(code) == _DIGITS[Level.DISTRICT] else Level.PROVINCE
    return fitting[0]


def _code(written: str, level: Level) -> str:
    digits = _DIGITS.get(level)
    if digits is None:
        if not _NEIGHBOURHOOD_CODE.fullmatch(written):
            raise _Refused("area_code_neighbourhood", value=written)
        return written
    if not re.fullmatch(r"\d+", written, re.ASCII) or len(written) > digits or not written.strip("0"):
        raise _Refused("area_code_bad", value=written, digits=digits)
    return written.zfill(digits)


def _placed(row: Row, area: Area, levels: Mapping[AreaKey, Level], report: list[Remark]) -> Area:
    """``area`` with the parent's full code, and a neighbourhood's own code made unique in the country."""
    allowed = _PARENTS[area.level]
    if not allowed:
        if area.parent is not None:
            raise _Refused("area_parent_needless", parent=area.parent)
        return area
    if area.parent is None:
        raise _Refused("area_parent_missing", unit=area.code)
    fitting = [code for code in (area.parent,) if levels.get((area.vintage, code)) in allowed] or [
        code
        for code in {area.parent.zfill(_DIGITS[level]) for level in allowed}
        if levels.get((area.vintage, code)) in allowed
    ]
    if len(fitting) != 1:
        raise _Refused("area_parent_unknown", parent=area.parent, vintage=area.vintage)
    code = area.code
    if area.level is Level.NEIGHBOURHOOD and len(code) <= _DIGITS[Level.COMMUNE]:
        code = f"{fitting[0]}-{code}"
        report.append(
            Remark(row.line, "area_code_joined", {"written": area.code, "unit": code}, refused=False)
        )
    return replace(area, code=code, parent=fitting[0])


def read_conversions(rows: Iterable[Row], *, areas: Areas | None = None) -> Result[Conversion]:
    """Conversions from rows with the columns ``old_vintage``, ``old_code``, ``new_vintage``, ``new_code``,
    ``kind`` and, if known, ``share``, ``source``, ``old_name``.

    Checked: a unit that went whole or unchanged has one row, a whole share and, if unchanged, a new unit that
    takes in no other; the shares of a unit's parts sum to 1 when all are known, to no more than 1 otherwise;
    a pair stands once; in a vintage that ``areas`` holds, the new unit exists, and the old one exists or has
    an ``old_name``. The share of a whole is 1; any other that is not given stays unknown.

    Raises Problem ``area_file_empty``, ``area_file_columns``. Never anything else, whatever the cells hold.
    """
    lines = list(rows)
    _columns(lines, ("old_vintage", "old_code", "new_vintage", "new_code", "kind"))
    report: list[Remark] = []
    read: list[tuple[Row, Conversion]] = []
    pairs: dict[tuple[AreaKey, AreaKey], int] = {}
    for row in lines:
        try:
            step = _conversion(row, areas, report)
            if (first := pairs.setdefault((step.old, step.new), row.line)) != row.line:
                raise _Refused("conversion_duplicate", old=step.old_code, new=step.new_code, first=first)
            read.append((row, step))
        except _Refused as refusal:
            report.append(Remark(row.line, refusal.code, refusal.params))
    by_old: dict[tuple[AreaKey, str], list[tuple[Row, Conversion]]] = defaultdict(list)
    by_new: dict[tuple[AreaKey, str], list[int]] = defaultdict(list)
    for row, step in read:
        by_old[step.old, step.new_vintage].append((row, step))
        by_new[step.new, step.old_vintage].append(row.line)
    for steps in by_old.values():
        report.extend(_unit_remarks(steps))
    for row, step in read:
        sources = by_new[step.new, step.old_vintage]
        if step.kind is ConversionKind.UNCHANGED and len(sources) > 1:
            others = ", ".join(str(line) for line in sources if line != row.line)
            report.append(
                Remark(row.line, "conversion_unchanged_shared", {"new": step.new_code, "lines": others})
            )
    return _result([step for _, step in read], report)


def _conversion(row: Row, areas: Areas | None, report: list[Remark]) -> Conversion:
    before, after = _vintage(_cell(row, "old_vintage")), _vintage(_cell(row, "new_vintage"))
    if after <= before:
        raise _Refused("conversion_vintages_reversed", old=before, new=after)
    old, new = _cell(row, "old_code"), _cell(row, "new_code")
    for code in (old, new):
        if not re.fullmatch(r"\d{2}|\d{3}|\d{5}", code, re.ASCII):
            raise _Refused("conversion_code_bad", value=code)
    written = _cell(row, "kind")
    if written not in list(ConversionKind):
        raise _Refused("conversion_kind_unknown", value=written, kinds=", ".join(ConversionKind))
    kind = ConversionKind(written)
    share = _share(_cell(row, "share"))
    if kind is not ConversionKind.PART:
        if share is not None and share != 1:
            raise _Refused("conversion_whole_share", kind=kind.value, value=_cell(row, "share"))
        share = 1.0
    source, name = _cell(row, "source"), _cell(row, "old_name")
    if len(source) > _LONGEST_TEXT or len(name) > _LONGEST_TEXT:
        raise _Refused("conversion_text_long", limit=_LONGEST_TEXT)
    if areas is not None:
        if after in areas.vintages and (after, new) not in areas:
            raise _Refused("conversion_new_unknown", unit=new, vintage=after)
        if before in areas.vintages and (before, old) not in areas:
            if not name:
                raise _Refused("conversion_old_unknown", unit=old, vintage=before)
            about = {"unit": old, "name": name, "vintage": before}
            report.append(Remark(row.line, "conversion_old_unlisted", about, refused=False))
    return Conversion(before, old, after, new, kind, share, source, name)


def _share(text: str) -> float | None:
    """0.35, 0,35, 35% or 35,5 %; None for an empty cell."""
    if not text:
        return None
    number = re.fullmatch(r"(\d{1,3}(?:[.,]\d{1,17})?) ?(%?)", text, re.ASCII)
    share = float(number[1].replace(",", ".")) / (100 if number[2] else 1) if number else -1.0
    if not 0 <= share <= 1:
        raise _Refused("conversion_share_bad", value=text)
    return share


def _unit_remarks(steps: Sequence[tuple[Row, Conversion]]) -> Iterator[Remark]:
    """What is wrong with the rows of one old unit, seen together."""
    old = steps[0][1].old_code
    lines = ", ".join(str(row.line) for row, _ in steps)
    if len(steps) > 1:
        for row, step in steps:
            if step.kind is not ConversionKind.PART:
                yield Remark(row.line, "conversion_whole_split", {"unit": old, "lines": lines})
                return
    shares = [step.share for _, step in steps if step.share is not None]
    total = sum(shares)
    if total > 1 + _SHARE_SLACK or (len(shares) == len(steps) and total < 1 - _SHARE_SLACK):
        params = {"unit": old, "total": f"{total:.4g}", "lines": lines}
        yield Remark(steps[-1][0].line, "conversion_share_sum", params)
