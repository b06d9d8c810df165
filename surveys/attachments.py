"""Files that come with a form: tables that its lists and look-ups read (CSV, XML, GeoJSON), and media.

Read as the XLSForm reference says (xlsform.org, *Multiple choice from file* and *How to pull data from CSV*):
a CSV file has its columns in the first row; an XML file has a row an ``item`` in its ``root``; a GeoJSON file
has a row a feature, its properties as columns, with ``id`` and ``geometry``.
"""

from __future__ import annotations

import csv
import hashlib
import json
import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from xml.etree import ElementTree

MAX_BYTES = 10 * 2**20
MAX_ROWS = 100_000
MAX_COLUMNS = 200
MAX_CELL = 10_000

Rows = Sequence[Mapping[str, str]]


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file by the ``name`` the form calls it. ``digest`` is the hexadecimal SHA-256 of its content, which
    is left empty where only the name counts (media that are kept elsewhere).
    """

    name: str
    digest: str
    content: bytes = b""


class Unreadable(Exception):
    """A file that is no table we can read. ``code`` names the sentence ``form.<code>``."""

    def __init__(self, code: str, **params: object) -> None:
        super().__init__(code)
        self.code = code
        self.params = params


def attachment(name: str, content: bytes) -> Attachment:
    """A file with its digest."""
    return Attachment(name, hashlib.sha256(content).hexdigest(), content)


TABLES = (".csv", ".xml", ".geojson", ".json")


def is_table(name: str) -> bool:
    """Whether a file is a table by its name; else it is shown or played."""
    return name.lower().endswith(TABLES)


def read_table(file: Attachment) -> Rows:
    """The rows of a table, column → value; blank cells are there as ''. Raises :class:`Unreadable`."""
    if len(file.content) > MAX_BYTES:
        raise Unreadable("file_too_large", name=file.name, limit=MAX_BYTES // 2**20)
    name = file.name.lower()
    if name.endswith((".geojson", ".json")):
        return _read_geojson(file)
    if name.endswith(".xml"):
        return _read_xml(file)
    return _read_csv(file)


# Text -------------------------------------------------------------------------------------------------------

_UTF_16 = (b"\xff\xfe", b"\xfe\xff")


def _decode(file: Attachment) -> str:
    """The text of a file: UTF-8, UTF-16 by its mark, else Windows-1258 (old Vietnamese Excel)."""
    if file.content.startswith(_UTF_16):
        encodings = ["utf-16"]
    elif b"\0" in file.content[:200]:
        encodings = ["utf-16-le", "utf-16-be"]
    else:
        encodings = ["utf-8-sig", "cp1258"]
    for encoding in encodings:
        try:
            text = file.content.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" not in text:
            # Windows-1258 writes tone marks as signs of their own.
            return unicodedata.normalize("NFC", text) if encoding == "cp1258" else text
    raise Unreadable("file_encoding", name=file.name)


def _read_csv(file: Attachment) -> Rows:
    text = _decode(file)
    lines = text.splitlines(keepends=True)
    heading = next((line for line in lines if line.strip()), "")
    divider = max(",;\t|", key=heading.count)
    reader = csv.reader(lines, delimiter=divider, strict=True)
    columns: list[str] = []
    rows: list[Mapping[str, str]] = []
    try:
        for cells in reader:
            if not any(cell.strip() for cell in cells):
                continue
            if not columns:
                columns = _headings(file, cells)
                continue
            if any(cell.strip() for cell in cells[len(columns) :]):
                raise Unreadable("file_row_too_wide", name=file.name, line=reader.line_num)
            _check_size(file, len(rows), cells)
            values = [*(cell.strip() for cell in cells), *[""] * (len(columns) - len(cells))]
            rows.append({column: value for column, value in zip(columns, values, strict=False) if column})
    except csv.Error:
        raise Unreadable("file_broken", name=file.name, line=reader.line_num) from None
    if not columns:
        raise Unreadable("file_empty", name=file.name)
    return rows


def _headings(file: Attachment, cells: Sequence[str]) -> list[str]:
    columns = [cell.strip() for cell in cells]
    while columns and not columns[-1]:
        columns.pop()
    named = [column for column in columns if column]
    twice = next((column for column in named if named.count(column) > 1), None) if len(named) < 500 else ""
    if twice:
        raise Unreadable("file_column_twice", name=file.name, column=twice)
    if len(columns) > MAX_COLUMNS:
        raise Unreadable("file_too_wide", name=file.name, limit=MAX_COLUMNS)
    return columns


def _check_size(file: Attachment, rows: int, cells: Sequence[str]) -> None:
    if rows >= MAX_ROWS:
        raise Unreadable("file_too_long", name=file.name, limit=MAX_ROWS)
    if any(len(cell) > MAX_CELL for cell in cells):
        raise Unreadable("file_cell_too_long", name=file.name, limit=MAX_CELL)


# XML --------------------------------------------------------------------------------------------------------


def _read_xml(file: Attachment) -> Rows:
    """The items of ``<root><item><name>…</name><label>…</label></item></root>``."""
    # A document type is the only place where entities can be declared.
    if any(mark in file.content for mark in (b"<!DOCTYPE", b"<!ENTITY", b"<\0!\0", b"\0<\0!")):
        raise Unreadable("file_unsafe", name=file.name)
    try:
        root = ElementTree.fromstring(file.content)  # noqa: S314
    except (ElementTree.ParseError, LookupError, ValueError):
        raise Unreadable("file_not_xml", name=file.name) from None
    rows: list[Mapping[str, str]] = []
    for item in root:
        cells = {_local(cell.tag): (cell.text or "").strip() for cell in item}
        if _local(item.tag) != "item" or any(len(cell) for cell in item):
            raise Unreadable("file_not_items", name=file.name)
        _check_size(file, len(rows), tuple(cells.values()))
        rows.append(cells)
    if _local(root.tag) != "root" or not rows:
        raise Unreadable("file_not_items", name=file.name)
    return rows


def _local(tag: str) -> str:
    return tag.rpartition("}")[2]


# GeoJSON ----------------------------------------------------------------------------------------------------


def _read_geojson(file: Attachment) -> Rows:
    """The features of a collection; ``geometry`` becomes ODK's text of a place (``latitude longitude 0 0``,
    several divided by semicolons).
    """
    try:
        collection = json.loads(_decode(file))
    except (ValueError, RecursionError):
        raise Unreadable("file_not_geojson", name=file.name) from None
    features = collection.get("features") if isinstance(collection, dict) else None
    if not isinstance(features, list):
        raise Unreadable("file_not_geojson", name=file.name)
    rows: list[Mapping[str, str]] = []
    for feature in features:
        cells = _feature(feature)
        if cells is None:
            raise Unreadable("file_not_geojson", name=file.name)
        _check_size(file, len(rows), tuple(cells.values()))
        rows.append(cells)
    return rows


def _feature(feature: Any) -> dict[str, str] | None:
    """The cells of one feature; ``None`` if it is none."""
    if not isinstance(feature, dict):
        return None
    properties, geometry = feature.get("properties") or {}, feature.get("geometry")
    if not isinstance(properties, dict) or not isinstance(geometry, dict):
        return None
    place = _geometry(geometry)
    if place is None:
        return None
    cells = {"geometry": place}
    if feature.get("id") is not None:
        cells["id"] = _plain(feature["id"])
    return {**cells, **{str(name): _plain(value) for name, value in properties.items()}}


def _geometry(geometry: Mapping[str, Any]) -> str | None:
    coordinates = geometry.get("coordinates")
    match geometry.get("type"):
        case "Point":
            points = [coordinates]
        case "LineString":
            points = coordinates if isinstance(coordinates, list) else []
        case "Polygon":
            points = coordinates[0] if isinstance(coordinates, list) and coordinates else []
        case _:
            return None
    if not isinstance(points, list) or not points:
        return None
    shown = []
    for point in points:
        if not isinstance(point, list) or len(point) < 2:
            return None
        longitude, latitude = point[:2]
        if not all(isinstance(number, int | float) for number in (longitude, latitude)):
            return None
        shown.append(f"{latitude} {longitude} 0 0")
    return "; ".join(shown)


def _plain(value: object) -> str:
    """A JSON value as a cell."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


# Names ------------------------------------------------------------------------------------------------------

_SOURCE = re.compile(r"jr://(?!instance/)[\w\-]+/([^\"'<>]+)")
_SEARCHED = re.compile(r"\bsearch\(\s*(?:'|&apos;|&#39;)([^'&]+)")


def named_files(xform_xml: str) -> Iterator[str]:
    """The names of all files that an XForm names, each once: tables of its lists and look-ups, media."""
    found = [name.strip() for name in _SOURCE.findall(xform_xml)]
    found += [f"{name.strip().removesuffix('.csv')}.csv" for name in _SEARCHED.findall(xform_xml)]
    found = [name.replace("&amp;", "&").replace(".csv.csv", ".csv") for name in found]
    yield from (name for name in dict.fromkeys(found) if safe_name(name))


def safe_name(name: str) -> bool:
    """Whether a file may be called so: one step, no way out of its folder."""
    return bool(re.fullmatch(r"[^/\\\0]{1,200}", name)) and not name.startswith(".")
