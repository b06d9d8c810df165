"""Administrative units as stored: a vintage at a time, with what became of them."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any
from weakref import WeakKeyDictionary

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    Engine,
    bindparam,
    func,
    insert,
    literal,
    select,
    tuple_,
    update,
)

from storage.schema import areas, conversions, parameters
from surveys.areas import Area, AreaKey, Areas, Conversion, ConversionKind
from surveys.placenames import Level

CHUNK = 1_000
"""Rows written by one statement."""


@dataclass(frozen=True, slots=True)
class Put:
    """What an import changed: rows that were new, that differed, and that were there just so."""

    added: int
    changed: int
    unchanged: int


def _area(row: Any) -> Area:
    return Area(
        row.vintage,
        row.code,
        row.name,
        row.type,
        Level(row.level),
        row.parent,
        date.fromisoformat(row.valid_from),
        date.fromisoformat(row.valid_to) if row.valid_to else None,
    )


def _area_values(area: Area) -> dict[str, Any]:
    return {
        "name": area.name,
        "type": area.type,
        "level": area.level.value,
        "parent": area.parent,
        "valid_from": area.valid_from.isoformat(),
        "valid_to": area.valid_to.isoformat() if area.valid_to else None,
    }


_WRITTEN = ("name", "type", "level", "parent", "valid_from", "valid_to")


_GET = select(areas).where(areas.c.vintage == bindparam("in_vintage"), areas.c.code == bindparam("with_code"))


def get(connection: Connection, key: AreaKey) -> Area | None:
    """The area of ``key``."""
    row = connection.execute(_GET, {"in_vintage": key[0], "with_code": key[1]}).one_or_none()
    return _area(row) if row else None


def load(connection: Connection) -> Areas:
    """A new index of all areas with all conversions."""
    return Areas(
        load_rows(connection),
        (_conversion(row) for row in connection.execute(select(conversions))),
    )


def vintages(connection: Connection) -> dict[str, int]:
    """How many areas each vintage has, the oldest vintage first."""
    statement = (
        select(areas.c.vintage, func.count().label("areas"))
        .group_by(areas.c.vintage)
        .order_by(areas.c.vintage)
    )
    return {row.vintage: row.areas for row in connection.execute(statement)}


_EDITION = "areas.edition"


def edition(connection: Connection) -> str:
    """A word that is another one after every change of areas or conversions."""
    statement = (
        select(parameters.c.value)
        .where(parameters.c.name == _EDITION)
        .order_by(parameters.c.version.desc())
        .limit(1)
    )
    return connection.execute(statement).scalar() or ""


def _new_edition(connection: Connection, now: int) -> None:
    newest = select(func.max(parameters.c.version)).where(parameters.c.name == _EDITION)
    version = connection.execute(newest).scalar() or 0
    connection.execute(
        insert(parameters).values(name=_EDITION, version=version + 1, value=secrets.token_hex(8), set_at=now)
    )


_kept: WeakKeyDictionary[Engine, tuple[str, Areas]] = WeakKeyDictionary()
_keeping = threading.Lock()


def index(connection: Connection) -> Areas:
    """The index of everything, kept in memory until areas or conversions change."""
    now = edition(connection)
    with _keeping:
        kept = _kept.get(connection.engine)
    if kept is None or kept[0] != now:
        kept = now, load(connection)
        with _keeping:
            _kept[connection.engine] = kept
    return kept[1]


def put(connection: Connection, new: Iterable[Area], now: int) -> Put:
    """Write areas: a new key is added, a known one gets what differs. Nothing is removed: history names old
    areas.
    """
    known = {area.key: area for area in load_rows(connection)}
    added, changed, unchanged = [], [], 0
    for area in new:
        before = known.get(area.key)
        if before is None:
            added.append({"vintage": area.vintage, "code": area.code, **_area_values(area)})
        elif before != area:
            changed.append({"in_vintage": area.vintage, "of_code": area.code, **_area_values(area)})
        else:
            unchanged += 1
    for start in range(0, len(added), CHUNK):
        connection.execute(insert(areas), added[start : start + CHUNK])
    if changed:
        connection.execute(
            update(areas)
            .where(areas.c.vintage == bindparam("in_vintage"), areas.c.code == bindparam("of_code"))
            .values(
                {
                    name: bindparam(name)
                    for name in ("name", "type", "level", "parent", "valid_from", "valid_to")
                }
            ),
            changed,
        )
    if added or changed:
        _new_edition(connection, now)
    return Put(len(added), len(changed), unchanged)


def load_rows(connection: Connection) -> list[Area]:
    """All areas, by vintage and code."""
    return [_area(row) for row in connection.execute(select(areas).order_by(areas.c.vintage, areas.c.code))]


def line(connection: Connection, key: AreaKey) -> tuple[AreaKey, ...]:
    """The keys of the area and of all above it, itself first; empty when there is no such area."""
    up = (
        select(areas.c.vintage, areas.c.code, areas.c.parent, literal(0).label("height"))
        .where(areas.c.vintage == key[0], areas.c.code == key[1])
        .cte("up", recursive=True)
    )
    up = up.union_all(
        select(areas.c.vintage, areas.c.code, areas.c.parent, up.c.height + 1)
        .join(up, (areas.c.vintage == up.c.vintage) & (areas.c.code == up.c.parent))
        .where(up.c.height < _HIGHEST)
    )
    return tuple(
        (vintage, code)
        for vintage, code in connection.execute(select(up.c.vintage, up.c.code).order_by(up.c.height))
    )


_HIGHEST = 10
"""More steps than there are levels: a circle in bad data ends there."""


def inside(vintage: Column[Any], code: Column[Any], within: Collection[AreaKey]) -> ColumnElement[bool]:
    """The condition that the area in these columns is one of ``within`` or below one, in its vintage."""
    down = (
        select(areas.c.vintage, areas.c.code)
        .where(tuple_(areas.c.vintage, areas.c.code).in_(sorted(within)))
        .cte("down", recursive=True)
    )
    down = down.union(
        select(areas.c.vintage, areas.c.code).join(
            down, (areas.c.vintage == down.c.vintage) & (areas.c.parent == down.c.code)
        )
    )
    return tuple_(vintage, code).in_(select(down.c.vintage, down.c.code))


# Conversions


def _conversion(row: Any) -> Conversion:
    return Conversion(
        row.old_vintage,
        row.old_code,
        row.new_vintage,
        row.new_code,
        ConversionKind(row.kind),
        row.share,
        row.source,
        row.old_name,
    )


def put_conversions(connection: Connection, new: Iterable[Conversion], now: int) -> Put:
    """Write conversions: a new pair is added, a known one gets what differs. Nothing is removed."""
    known = {(step.old, step.new): step for step in map(_conversion, connection.execute(select(conversions)))}
    added, changed, unchanged = [], [], 0
    for step in new:
        before = known.get((step.old, step.new))
        values: dict[str, Any] = {
            "kind": step.kind.value,
            "share": step.share,
            "source": step.source,
            "old_name": step.old_name,
        }
        if before is None:
            added.append(
                {
                    "old_vintage": step.old_vintage,
                    "old_code": step.old_code,
                    "new_vintage": step.new_vintage,
                    "new_code": step.new_code,
                    **values,
                }
            )
        elif before != step:
            changed.append(
                {"from_v": step.old_vintage, "from_c": step.old_code, "to_v": step.new_vintage}
                | {"to_c": step.new_code, **values}
            )
        else:
            unchanged += 1
    for start in range(0, len(added), CHUNK):
        connection.execute(insert(conversions), added[start : start + CHUNK])
    if changed:
        c = conversions.c
        connection.execute(
            update(conversions)
            .where(
                c.old_vintage == bindparam("from_v"),
                c.old_code == bindparam("from_c"),
                c.new_vintage == bindparam("to_v"),
                c.new_code == bindparam("to_c"),
            )
            .values({name: bindparam(name) for name in ("kind", "share", "source", "old_name")}),
            changed,
        )
    if added or changed:
        _new_edition(connection, now)
    return Put(len(added), len(changed), unchanged)
