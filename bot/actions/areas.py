"""Areas: the lists of administrative units, what became of old ones, and finding one."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any

import msgspec

from bot.actions.gate import Act, Arguments, action, area_text, everywhere
from bot.authoring.areas import MOST_BYTES, MOST_ROWS, Table, areas_in, conversions_in, read_csv
from storage import areas
from storage.areas import Put
from surveys.area_rows import Remark, Row
from surveys.areas import Area, Areas, Match

Cell = Annotated[str, msgspec.Meta(max_length=1000)]


class Lines(Arguments, frozen=True):
    """A file, called ``name``: its ``content`` as CSV, or a table read already.

    A table is the columns, and per row its line in the file and its cells.
    """

    name: Annotated[str, msgspec.Meta(max_length=255)] = ""
    content: Annotated[str, msgspec.Meta(max_length=MOST_BYTES)] | None = None
    columns: Annotated[tuple[Cell, ...], msgspec.Meta(max_length=60)] = ()
    rows: Annotated[tuple[tuple[int, tuple[Cell, ...]], ...], msgspec.Meta(max_length=MOST_ROWS)] = ()


class Units(Lines, frozen=True):
    """Areas; ``vintage`` stands in where the file has none."""

    vintage: date | None = None


class Changes(Lines, frozen=True):
    """Conversions; the vintages stand in for a file without its own."""

    old_vintage: date | None = None
    new_vintage: date | None = None


class Find(Arguments, frozen=True):
    """A name, or part of one, present or former."""

    text: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
    vintage: date | None = None
    limit: Annotated[int, msgspec.Meta(ge=1, le=50)] = 8


def _table(given: Lines) -> Table:
    if given.content is not None:
        return read_csv(given.content.encode())
    return Table(
        tuple(given.columns),
        tuple(
            Row(line, dict(zip(given.columns, [*cells, *[""] * len(given.columns)], strict=False)))
            for line, cells in given.rows
        ),
    )


def _told(name: str, put: Put, report: tuple[Remark, ...]) -> dict[str, Any]:
    return {
        "name": name,
        "added": put.added,
        "changed": put.changed,
        "unchanged": put.unchanged,
        "report": [remark_view(remark) for remark in report],
    }


def remark_view(remark: Remark) -> dict[str, Any]:
    """A remark on a line, as results and problems carry it."""
    return {
        "line": remark.line,
        "code": remark.code,
        "params": {name: _plain(value) for name, value in remark.params.items()},
        "refused": remark.refused,
    }


def _plain(value: object) -> object:
    return value if isinstance(value, str | int | float | bool) or value is None else str(value)


@action("area.import", Units, everywhere, bulk=True)
def take_in(act: Act, given: Units) -> dict[str, Any]:
    """Write areas, all or none. Raises Problem ``area_lines_refused`` with the report, ``area_file_…``."""
    known = areas.load(act.connection)
    vintage = given.vintage.isoformat() if given.vintage else None
    result = areas_in(_table(given), known=known, vintage=vintage)
    put = areas.put(act.connection, result.require(), act.now_ms)
    return _told(given.name, put, result.report)


@action("conversion.import", Changes, everywhere, bulk=True)
def take_in_conversions(act: Act, given: Changes) -> dict[str, Any]:
    """Write what became of old units, all or none; problems as for areas."""
    vintages = {
        name: day.isoformat()
        for name, day in (("old_vintage", given.old_vintage), ("new_vintage", given.new_vintage))
        if day is not None
    }
    result = conversions_in(_table(given), areas=areas.load(act.connection), **vintages)
    put = areas.put_conversions(act.connection, result.require(), act.now_ms)
    return _told(given.name, put, result.report)


def area_view(index: Areas, area: Area) -> dict[str, Any]:
    """An area as people and programs are shown it."""
    return {
        "area": area_text(area.key),
        "vintage": area.vintage,
        "code": area.code,
        "title": area.title,
        "place": index.place(area.key),
        "level": area.level.value,
        "valid_to": area.valid_to.isoformat() if area.valid_to else None,
    }


def _match_view(index: Areas, match: Match) -> dict[str, Any]:
    return {
        **area_view(index, match.area),
        "former": match.former or None,
        "kind": match.conversion.kind.value if match.conversion else None,
        "share": match.conversion.share if match.conversion else None,
    }


@action("area.find", Find)
def find(act: Act, given: Find) -> dict[str, Any]:
    """Areas by a present or former name, the best fit first."""
    index = areas.index(act.connection)
    vintage = given.vintage.isoformat() if given.vintage else None
    matches = index.search(given.text, limit=given.limit, vintage=vintage)
    return {"areas": [_match_view(index, match) for match in matches]}
