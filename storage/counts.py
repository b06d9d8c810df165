"""The ledger (+1/−1 entries of submissions) and the cube (their sums): exact counts at any moment.

Entries are appended with the submission; a fold moves them into the cube in one transaction. Whoever reads
adds both
in one snapshot, so a count never depends on when the last fold ran.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from operator import attrgetter

from sqlalchemy import Connection, Executable, delete, func, insert, select, union_all
from sqlalchemy.dialects import postgresql, sqlite

from storage.schema import CELL, cube, ledger


@dataclass(frozen=True, slots=True)
class Cell:
    """Where one count stands. The fields are the dimensions of :data:`storage.schema.CELL`, in that order."""

    campaign_id: int
    instrument_id: int
    unit: str
    way: str
    area_code: str
    sex: str
    age_band: str
    item: str
    outcome: str


_fields = attrgetter(*CELL)
_ENTER = insert(ledger)


def enter(connection: Connection, submission_id: int, cells: Iterable[Cell], delta: int) -> None:
    """Append one ledger entry a cell: +1 for a submission that counts, −1 for one that no longer does."""
    rows = [
        {"submission_id": submission_id, "delta": delta, **dict(zip(CELL, _fields(cell), strict=True))}
        for cell in cells
    ]
    if rows:
        connection.execute(_ENTER, rows)


def fold(connection: Connection, limit: int = 50_000) -> int:
    """Move up to ``limit`` of the oldest entries from the ledger into the cube; how many were moved."""
    columns = [ledger.c[name] for name in CELL]
    ids = select(ledger.c.id).order_by(ledger.c.id).limit(limit).with_for_update(skip_locked=True)
    taken = connection.execute(
        delete(ledger).where(ledger.c.id.in_(ids.scalar_subquery())).returning(*columns, ledger.c.delta)
    ).all()
    sums: dict[tuple[object, ...], int] = {}
    for *cell, delta in taken:
        key = tuple(cell)
        sums[key] = sums.get(key, 0) + delta
    rows = [
        {**dict(zip(CELL, key, strict=True)), "count": delta}
        for key, delta in sorted(sums.items(), key=lambda item: repr(item[0]))
        if delta
    ]
    if rows:
        connection.execute(_added(connection), rows)
    return len(taken)


def _added(connection: Connection) -> Executable:
    """Insert cells, or add to those that are there."""
    insert_into = sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert
    statement = insert_into(cube)
    return statement.on_conflict_do_update(
        index_elements=list(CELL), set_={"count": cube.c.count + statement.excluded.count}
    )


def cells(
    connection: Connection,
    campaign_id: int,
    items: Sequence[str] | None = None,
    areas: Sequence[str] | None = None,
) -> list[tuple[Cell, int]]:
    """Counts of a campaign that are not zero: ledger and cube together. ``areas`` None means everywhere."""
    parts = []
    for table, number in ((cube, cube.c.count), (ledger, ledger.c.delta)):
        statement = select(*(table.c[name] for name in CELL), number.label("number")).where(
            table.c.campaign_id == campaign_id
        )
        if items is not None:
            statement = statement.where(table.c.item.in_(items))
        if areas is not None:
            statement = statement.where(table.c.area_code.in_(areas))
        parts.append(statement)
    both = union_all(*parts).subquery()
    summed = (
        select(*(both.c[name] for name in CELL), func.sum(both.c.number))
        .group_by(*(both.c[name] for name in CELL))
        .having(func.sum(both.c.number) != 0)
        .order_by(both.c.item, both.c.outcome)
    )
    return [(Cell(*row[:-1]), int(row[-1])) for row in connection.execute(summed)]


def correct(connection: Connection, campaign_id: int, differences: Iterable[tuple[Cell, int]]) -> int:
    """Append what a fresh count found to differ, as entries of no submission; how many cells.

    Corrections add up with whatever was entered since the fresh count was made, so nothing has to wait for
    it.
    """
    rows = [
        {"submission_id": 0, "delta": delta, **dict(zip(CELL, _fields(cell), strict=True))}
        for cell, delta in differences
        if delta
    ]
    if rows:
        connection.execute(_ENTER, rows)
    return len(rows)
