"""Files of areas and of conversions: from CSV or XLSX to rows, whoever's columns they have; the shipped list.

Run as a program (``python -m bot.authoring.areas``):

``read FILE``
    prints the table in FILE as JSON. Workbooks are read this way only, in a process of their own with limits.
``derive JSON [--out FILE]``
    makes ``surveys/library/areas/units_2025-07-01.csv`` from the data file of the package
    ``vietnam-provinces`` (see the README beside that table). ``compare FILE`` prints where the shipped list
    differs from an official list in FILE; exit 1 if it does.
"""

from __future__ import annotations

import argparse
import csv
import io
import json
import os
import re
import resource
import subprocess
import sys
import zipfile
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any, TypeVar

import surveys
from bot.texts import say
from surveys.area_rows import Remark, Result, Row, read_areas, read_conversions
from surveys.areas import Area, Areas, Conversion, ConversionKind
from surveys.letters import fold, tidy
from surveys.placenames import Level, split_title
from surveys.problems import Problem

NEWEST = "2025-07-01"
"""Vintage of the shipped list: in force since that day (Quyết định 19/2025/QĐ-TTg)."""

BEFORE = "2025-06-30"
"""Vintage of the list that it replaced, after its last day."""

MOST_BYTES = 16 * 2**20
MOST_ROWS = 100_000
_MOST_COLUMNS = 60
_MOST_UNPACKED = 400 * 2**20
_LONGEST_CELL = 1000
_CHILD_MEMORY = 1 * 2**30
_CHILD_SECONDS = 60
_ROOT = Path(__file__).resolve().parents[2]
_SHIPPED = Path(surveys.__file__).parent / "library" / "areas" / f"units_{NEWEST}.csv"

UNIT_COLUMNS = ("vintage", "code", "name", "type", "level", "parent", "valid_from", "valid_to")
CONVERSION_COLUMNS = (
    *("old_vintage", "old_code", "new_vintage", "new_code", "kind", "share", "source"),
    "old_name",
)

_OTHER_NAMES = {
    "code": ("ma", "ma don vi", "ma px", "ma xa", "ma phuong xa"),
    "name": ("ten", "ten don vi", "phuong xa", "ten xa", "xa phuong"),
    "type": ("loai", "loai hinh", "cap"),
    "parent": ("ma cha", "don vi cha", "ma don vi cha"),
    "vintage": ("ngay danh muc",),
    "valid_from": ("hieu luc tu",),
    "valid_to": ("hieu luc den",),
    "district": ("quan huyen", "huyen"),
    "district_code": ("ma qh", "ma huyen", "ma quan huyen"),
    "province": ("tinh", "tinh thanh pho", "ten tinh"),
    "province_code": ("ma tinh", "ma tp", "ma tinh thanh pho"),
    "old_code": ("ma cu", "ma don vi cu"),
    "old_name": ("ten cu", "ten don vi cu"),
    "new_code": ("ma moi", "ma don vi moi"),
    "new_name": ("ten moi", "ten don vi moi"),
    "note": ("ghi chu",),
    "share": ("ty trong", "ty trong dan so"),
    "source": ("nguon",),
    "kind": ("loai chuyen doi",),
}
"""Headings of the statistics office's and of other offices' files, folded, for ours."""

_OURS = {other: ours for ours, others in _OTHER_NAMES.items() for other in others}


@dataclass(frozen=True, slots=True)
class Table:
    """A file as a table: its columns, under our names where we know them, and its rows."""

    columns: tuple[str, ...]
    rows: tuple[Row, ...]


def shipped_areas() -> tuple[Area, ...]:
    """The provinces and communes in force since 2025-07-01 that come with the product."""
    return read_areas(read_csv(_SHIPPED.read_bytes()).rows).require()


# Reading files --------------------------------------------------------------------------------------------


def read_areas_file(path: Path, *, known: Areas | None = None, vintage: str | None = None) -> Result[Area]:
    """Areas from a CSV or XLSX file with our columns (``UNIT_COLUMNS``) or an official list's.

    An official list has one commune a row with the code and name of its province and, before 2025-07-01, of
    its district; those become areas too. ``vintage`` (ISO date) is used where the file names none; an
    official list without one is taken as of 2025-06-30 if it has districts, else as of 2025-07-01.

    Raises Problem ``area_file_…`` when the file is no table that can be read.
    """
    return areas_in(read_file(path), known=known, vintage=vintage)


def areas_in(table: Table, *, known: Areas | None = None, vintage: str | None = None) -> Result[Area]:
    """As :func:`read_areas_file`, from a table already read."""
    if "province_code" not in table.columns or "parent" in table.columns:
        return read_areas(table.rows, known=known, vintage=vintage)
    if not vintage:
        vintage = BEFORE if "district_code" in table.columns else NEWEST
    rows, remarks = official_rows(table)
    result = read_areas(rows, known=known, vintage=vintage)
    return _with(result, remarks)


def read_conversions_file(
    path: Path, *, areas: Areas | None = None, old_vintage: str = BEFORE, new_vintage: str = NEWEST
) -> Result[Conversion]:
    """Conversions from a CSV or XLSX file with our columns (``CONVERSION_COLUMNS``) or an office's.

    An office's has a row per old and new unit with both codes and a note in words, see
    :func:`conversion_rows`; the vintages are used for it only.

    Raises Problem ``area_file_…`` when the file is no table that can be read.
    """
    return conversions_in(read_file(path), areas=areas, old_vintage=old_vintage, new_vintage=new_vintage)


def conversions_in(
    table: Table, *, areas: Areas | None = None, old_vintage: str = BEFORE, new_vintage: str = NEWEST
) -> Result[Conversion]:
    """As :func:`read_conversions_file`, from a table already read."""
    if "note" not in table.columns or "kind" in table.columns:
        return read_conversions(table.rows, areas=areas)
    rows, remarks = conversion_rows(table, old_vintage, new_vintage)
    return _with(read_conversions(rows, areas=areas), remarks)


Item = TypeVar("Item")


def _with(result: Result[Item], remarks: Sequence[Remark]) -> Result[Item]:
    report = tuple(sorted((*result.report, *remarks), key=lambda remark: remark.line))
    return Result(() if any(remark.refused for remark in report) else result.items, report)


def read_file(path: Path) -> Table:
    """The table in a CSV file or in the first sheet of a workbook (read by a process of its own, limited).

    At most 16 MiB and 100,000 rows. Raises Problem ``area_file_…``.
    """
    if not path.is_file():
        raise Problem("area_file_missing", file=path.name)
    try:
        with path.open("rb") as file:
            data = file.read(MOST_BYTES + 1)
    except OSError as error:
        raise Problem("area_file_missing", file=path.name) from error
    if len(data) > MOST_BYTES:
        raise Problem("area_file_large", limit=MOST_BYTES // 2**20)
    return _read_apart(path) if data.startswith(b"PK\x03\x04") else read_csv(data)


def read_csv(data: bytes) -> Table:
    """The table in the bytes of a CSV file in UTF-8, with or without byte-order mark.

    Cells are divided by commas, semicolons (Excel's way in Vietnam) or tabs. Raises Problem ``area_file_…``.
    """
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Problem("area_file_encoding") from error
    if "\0" in text:
        raise Problem("area_file_encoding")
    heading = text.lstrip("\r\n").partition("\n")[0]
    divider = max(",;\t", key=heading.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=divider, strict=True)

    def records() -> Iterator[tuple[int, list[str]]]:
        line = 1
        try:
            for cells in reader:
                yield line, cells
                line = reader.line_num + 1
        except csv.Error as error:
            raise Problem("area_file_broken", line=line) from error

    return _table(records())


def _table(records: Iterable[tuple[int, Sequence[str]]]) -> Table:
    """A table from numbered records: the first that is not blank is the headings, blank ones are left out."""
    columns: tuple[str, ...] = ()
    rows: list[Row] = []
    for line, record in records:
        cells = [cell.strip() for cell in record]
        while cells and not cells[-1]:
            cells.pop()
        if not cells:
            continue
        if len(cells) > _MOST_COLUMNS:
            raise Problem("area_file_wide", limit=_MOST_COLUMNS)
        if not columns:
            columns = tuple(_column(cell) for cell in cells)
            twice = [name for name, times in Counter(columns).items() if name and times > 1]
            if twice:
                raise Problem("area_file_column_twice", column=twice[0])
            continue
        if len(cells) > len(columns):
            raise Problem("area_file_ragged", line=line)
        if any(len(cell) > _LONGEST_CELL for cell in cells):
            raise Problem("area_file_cell", line=line, limit=_LONGEST_CELL)
        if len(rows) == MOST_ROWS:
            raise Problem("area_file_long", limit=f"{MOST_ROWS:,}".replace(",", "\u202f"))
        padded = (*cells, *[""] * (len(columns) - len(cells)))
        rows.append(Row(line, {name: cell for name, cell in zip(columns, padded, strict=True) if name}))
    return Table(tuple(name for name in columns if name), tuple(rows))


def _column(heading: str) -> str:
    folded = " ".join(re.sub(r"[^0-9a-z]+", " ", fold(heading)).split())
    return _OURS.get(folded, folded.replace(" ", "_"))


def _read_apart(path: Path) -> Table:
    """The first sheet of a workbook, as a process with limits of its own reports it."""
    try:
        child = subprocess.run(
            [sys.executable, "-m", "bot.authoring.areas", "read", str(path.resolve())],
            capture_output=True,
            timeout=_CHILD_SECONDS + 30,
            cwd=_ROOT,
            # No key and no address of ours is its business.
            env={"PYTHONPATH": str(_ROOT), "PYTHONIOENCODING": "utf-8", "PATH": os.defpath},
            check=False,
        )
        answer = json.loads(child.stdout)
    except (subprocess.TimeoutExpired, ValueError) as error:
        # Killed by a limit, or dead of it in a way that left no answer.
        raise Problem("area_file_heavy") from error
    if "problem" in answer:
        raise Problem(answer["problem"], **answer["params"])
    return Table(tuple(answer["columns"]), tuple(Row(line, cells) for line, cells in answer["rows"]))


def _sheet(path: Path) -> Iterator[tuple[int, list[str]]]:
    """Numbered rows of the first sheet. Raises Problem for what is no workbook or unpacks to too much."""
    try:
        with zipfile.ZipFile(path) as archive:
            unpacked = sum(part.file_size for part in archive.infolist())
    except zipfile.BadZipFile as error:
        raise Problem("area_file_unreadable") from error
    if unpacked > _MOST_UNPACKED:
        raise Problem("area_file_heavy")
    from openpyxl import load_workbook

    try:
        sheet = load_workbook(path, read_only=True, data_only=True).worksheets[0]
        for line, cells in enumerate(sheet.iter_rows(max_col=_MOST_COLUMNS + 1, values_only=True), 1):
            yield line, [_shown(cell) for cell in cells]
    except (MemoryError, Problem):
        raise
    # Whatever else the library dies of is the file's fault, and the person who sent it has to hear of it.
    except Exception as error:
        raise Problem("area_file_unreadable") from error


def _shown(cell: object) -> str:
    """A cell of a workbook as a CSV file would have it: whole numbers without ".0", dates as 2025-07-01."""
    if cell is None:
        return ""
    if isinstance(cell, datetime | date):
        return cell.isoformat()[:10]
    if isinstance(cell, float):
        return f"{cell:.10f}".rstrip("0").rstrip(".")
    return str(cell)


# Other offices' columns -----------------------------------------------------------------------------------


def official_rows(table: Table) -> tuple[tuple[Row, ...], tuple[Remark, ...]]:
    """Rows for :func:`surveys.area_rows.read_areas` from an official list: provinces, districts, communes.

    A province or district takes the line where it is first named. Columns: ``code``, ``name``, ``type``
    (may be missing), ``province_code``, ``province`` and, before 2025-07-01, ``district_code``,
    ``district``.
    """
    needed = ["code", "name", "province"] + (["district"] if "district_code" in table.columns else [])
    _need(table, needed)
    above: dict[tuple[str, str], Row] = {}
    communes: list[Row] = []
    remarks: list[Remark] = []

    def note(level: Level, row: Row, parent: str) -> str:
        code = row.cells[f"{level}_code"].zfill(2 if level is Level.PROVINCE else 3)
        name = tidy(row.cells[level])
        cells = {"code": code, "name": name, "level": level.value, "parent": parent}
        first = above.setdefault((level, code), Row(row.line, cells))
        if fold(first.cells["name"]) != fold(name) or first.cells["parent"] != parent:
            params = {"unit": code, "name": name, "other": first.cells["name"], "first": first.line}
            remarks.append(Remark(row.line, "area_names_differ", params))
        return code

    for row in table.rows:
        parent = note(Level.PROVINCE, row, "")
        if row.cells.get("district_code"):
            parent = note(Level.DISTRICT, row, parent)
        communes.append(Row(row.line, {**row.cells, "level": "", "parent": parent}))
    return (*above.values(), *communes), tuple(remarks)


def conversion_rows(
    table: Table, old_vintage: str, new_vintage: str
) -> tuple[tuple[Row, ...], tuple[Remark, ...]]:
    """Rows for :func:`surveys.area_rows.read_conversions` from an office's table with a note in words.

    Columns: ``old_code``, ``new_code``, ``note`` and, if there are, ``old_name``, ``old_district``,
    ``old_district_code``, ``old_province``. How a note is understood:

    - "Giữ nguyên", "Đổi tên", "Đổi loại hình": the unit unchanged;
    - "… một phần …", "Phần còn lại …": a part, of unknown share; but a part with "toàn bộ dân số" has all the
      people, and what else the unit went into has none;
    - "… toàn bộ …": the whole. Where the table has other rows for the same code, that is contradictory; the
      rows are then parts of unknown share, with a note in the report. So are the rows of a code that stands
      for two names.

    A row without a code is a district that became one commune, or is left out with a note.
    """
    _need(table, ("old_code", "new_code"))
    remarks: list[Remark] = []
    units: dict[str, list[tuple[Row, str, str]]] = defaultdict(list)
    for row in table.rows:
        note = fold(row.cells["note"])
        code, name = row.cells["old_code"], tidy(row.cells.get("old_name", ""))
        if not code and "toan bo huyen" in note:
            code = row.cells.get("old_district_code", "")
        elif code.isdigit():
            code = code.zfill(5)
        if not code:
            remarks.append(Remark(row.line, "conversion_no_code", {"name": name}, refused=False))
            continue
        units[code].append((row, note, name))
    rows: list[Row] = []
    for code, members in units.items():
        names = {fold(name): name for _, _, name in members}
        kinds = [_kind(note, alone=len(members) == 1) for _, note, _ in members]
        for (row, _, _), kind in zip(members, kinds, strict=True):
            if kind is None:
                params = {"value": row.cells["note"]}
                remarks.append(Remark(row.line, "conversion_note_unknown", params))
        shares = [""] * len(members)
        people = [
            "toan bo dan so" in note and kind is ConversionKind.PART
            for (_, note, _), kind in zip(members, kinds, strict=True)
        ]
        if len(members) > 1 and (len(names) > 1 or any(kind is not ConversionKind.PART for kind in kinds)):
            doubt = "conversion_two_names" if len(names) > 1 else "conversion_whole_twice"
            about = {"unit": code, "names": "; ".join(names.values())}
            remarks.extend(Remark(row.line, doubt, about, refused=False) for row, _, _ in members)
            kinds = [ConversionKind.PART] * len(members)
        elif people.count(True) == 1:
            shares = ["1" if all_people else "0" for all_people in people]
        for (row, _, name), kind, share in zip(members, kinds, shares, strict=True):
            places = (name, row.cells.get("old_district", ""), row.cells.get("old_province", ""))
            cells = {
                "old_vintage": old_vintage,
                "old_code": code,
                "new_vintage": new_vintage,
                "new_code": row.cells["new_code"].zfill(5),
                "kind": kind.value if kind else ConversionKind.PART.value,
                "share": share,
                "source": row.cells.get("source", "") or tidy(row.cells["note"]),
                "old_name": ", ".join(tidy(place) for place in places if place),
            }
            rows.append(Row(row.line, cells))
    return tuple(sorted(rows, key=lambda row: row.line)), tuple(remarks)


def _kind(note: str, *, alone: bool) -> ConversionKind | None:
    """What a folded note says; None if it says nothing known."""
    if "mot phan" in note or "phan con lai" in note:
        return ConversionKind.PART
    if note in ("giu nguyen", "doi ten", "doi loai hinh"):
        return ConversionKind.UNCHANGED
    if "toan bo" in note:
        # All the land of a unit whose people went to several.
        land = "toan bo dien tich" in note and "dan so" not in note
        return ConversionKind.PART if land and not alone else ConversionKind.WHOLE
    return None


def _need(table: Table, columns: Iterable[str]) -> None:
    missing = [column for column in columns if column not in table.columns]
    if missing:
        raise Problem("area_file_columns", columns=", ".join(missing))


# The shipped list -----------------------------------------------------------------------------------------

_SPELLED = {
    "00922": "Thuận Hòa",
    "02287": "Chiêm Hóa",
    "02353": "Hòa An",
    "02419": "Thái Hòa",
    "02620": "Sơn Thủy",
    "05569": "Định Hoá",
    "05941": "Điềm Thuỵ",
    "07840": "Hiệp Hòa",
    "14182": "Giao Hòa",
    "14677": "Định Hoá",
    "27823": "Mộc Hoá",
}
"""Where the package puts the tone mark otherwise than the list of the statistics office (see the README)."""


def derive(document: Sequence[Mapping[str, Any]]) -> list[Area]:
    """The areas in force since 2025-07-01 from the nested divisions of ``vietnam-provinces``, from 2026.1.0
    on.

    Taken are code, name, type and parent, nothing else. Put right are double spaces, a type in lower case,
    two kinds of apostrophe, and the spellings above. Raises Problem ``area_source_unknown`` for another
    structure.
    """
    since = date.fromisoformat(NEWEST)
    areas: list[Area] = []
    try:
        for province in document:
            code = f"{province['code']:02}"
            areas.append(_derived(province["name"], code, Level.PROVINCE, None, since))
            for ward in province["wards"]:
                areas.append(_derived(ward["name"], f"{ward['code']:05}", Level.COMMUNE, code, since))
    except (KeyError, TypeError, ValueError) as error:
        raise Problem("area_source_unknown") from error
    return sorted(areas, key=lambda area: (area.level is Level.COMMUNE, area.code))


def _derived(title: str, code: str, level: Level, parent: str | None, since: date) -> Area:
    kind, name = split_title(title.replace("’", "'"))
    if kind is None:
        raise ValueError(title)
    return Area(NEWEST, code, _SPELLED.get(code, name), kind, level, parent, since)


def write_units(areas: Iterable[Area]) -> str:
    """Areas as a CSV file with our columns."""
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(UNIT_COLUMNS)
    for area in areas:
        until = area.valid_to.isoformat() if area.valid_to else ""
        since = area.valid_from.isoformat()
        writer.writerow(
            (area.vintage, area.code, area.name, area.type, area.level.value, area.parent or "", since, until)
        )
    return file.getvalue()


def differences(areas: Iterable[Area], table: Table) -> list[tuple[str, str, str]]:
    """(code, ours, theirs) of every commune whose code, full name or province an official list has otherwise.

    Apostrophes are held equal: lists mix ' and ’.
    """
    ours = {area.code: f"{area.title} ({area.parent})" for area in areas if area.level is Level.COMMUNE}
    theirs = {
        row.cells["code"].zfill(5): tidy(
            f"{row.cells['name']} ({row.cells['province_code'].zfill(2)})"
        ).replace("’", "'")
        for row in table.rows
    }
    return [
        (code, ours.get(code, ""), theirs.get(code, ""))
        for code in sorted(ours.keys() | theirs.keys())
        if ours.get(code) != theirs.get(code)
    ]


# The program ----------------------------------------------------------------------------------------------


def _limit() -> None:
    """Bound memory and processor time; no core dump."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CPU, (_CHILD_SECONDS, _CHILD_SECONDS + 1))
    resource.setrlimit(resource.RLIMIT_AS, (_CHILD_MEMORY, _CHILD_MEMORY))


def _read(path: Path) -> dict[str, Any]:
    try:
        data = path.read_bytes()
        table = _table(_sheet(path)) if data.startswith(b"PK\x03\x04") else read_csv(data)
    except MemoryError:
        return {"problem": "area_file_heavy", "params": {}}
    except Problem as problem:
        return {"problem": problem.code, "params": problem.params}
    return {"columns": table.columns, "rows": [(row.line, row.cells) for row in table.rows]}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run ``read``, ``derive`` or ``compare``; the exit code."""
    parser = argparse.ArgumentParser(prog="python -m bot.authoring.areas")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("read").add_argument("file", type=Path)
    deriving = commands.add_parser("derive")
    deriving.add_argument("json", type=Path)
    deriving.add_argument("--out", type=Path, default=_SHIPPED)
    commands.add_parser("compare").add_argument("file", type=Path)
    chosen = parser.parse_args(arguments)
    if chosen.command == "read":
        _limit()
        json.dump(_read(chosen.file), sys.stdout, ensure_ascii=False)
        return 0
    try:
        if chosen.command == "derive":
            areas = derive(json.loads(chosen.json.read_text(encoding="utf-8")))
            chosen.out.write_text(write_units(areas), encoding="utf-8", newline="")
            return 0
        found = differences(shipped_areas(), read_file(chosen.file))
    except Problem as problem:
        print(say("vi", f"problem.{problem.code}", **problem.params), file=sys.stderr)
        return 1
    for code, ours, theirs in found:
        print(code, ours or "-", theirs or "-", sep="\t")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
