"""What a published table must not show, so that nobody can be recognised in it.

After Hundepool et al., *Statistical Disclosure Control* (2012), chapter 4: primary suppression by a minimum
frequency, then secondary suppression until no suppressed cell follows from what is published. Tables
published together (a ward's and its city's, an indicator's and its breakdown) must be protected together, as
one :class:`Table`.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from typing import Generic, TypeVar

from surveys.problems import Problem

C = TypeVar("C", bound=Hashable)
"""What names a cell, usually ``(row, column)``."""

THRESHOLD = 5
SHARE_FLOOR = 10


class Reason(StrEnum):
    """Why a cell is not shown."""

    PRIMARY = "primary"
    """It says something about too few people."""
    SECONDARY = "secondary"
    """It would let a primary cell be worked out."""


@dataclass(frozen=True, slots=True)
class Sum(Generic[C]):
    """``total`` is published as the sum of ``parts``."""

    total: C
    parts: tuple[C, ...]


@dataclass(frozen=True, slots=True)
class Share(Generic[C]):
    """``part`` is published as a share of ``whole`` (0 % and 100 % say something about everybody in
    ``whole``).
    """

    part: C
    whole: C


@dataclass(frozen=True, slots=True)
class Table(Generic[C]):
    """Counts of people, and what everybody knows about how they hang together."""

    counts: Mapping[C, int]
    sums: tuple[Sum[C], ...] = ()
    shares: tuple[Share[C], ...] = ()


TOTAL = "total"
"""The column that holds a row's total in :func:`cross`."""


def cross(
    counts: Mapping[tuple[str, str], int], columns: Sequence[str], parents: Mapping[str, str]
) -> Table[tuple[str, str]]:
    """A table of rows × columns whose columns split each row, with totals and a hierarchy of rows.

    ``counts`` by (row, column); a missing cell is 0. ``parents`` names for a row the row it is part of (ward
    → city): a parent's counts are the sums of its children, worked out here at every level. Column
    :data:`TOTAL` is added.
    """
    sums: dict[tuple[str, str], int] = {}
    children: dict[str, list[str]] = {}
    leaves = dict.fromkeys(row for row, _ in counts)
    for row, parent in parents.items():
        children.setdefault(parent, []).append(row)
    for row in leaves:
        if row in children:
            raise Problem("disclosure_parent_with_counts", row=row)
        here: str | None = row
        passed: set[str] = set()
        while here is not None:
            if here in passed:
                raise Problem("disclosure_circle", row=here)
            passed.add(here)
            for column in columns:
                count = counts.get((row, column), 0)
                sums[here, column] = sums.get((here, column), 0) + count
                sums[here, TOTAL] = sums.get((here, TOTAL), 0) + count
            here = parents.get(here)
    rows = dict.fromkeys(row for row, _ in sums)
    across = [Sum((row, TOTAL), tuple((row, column) for column in columns)) for row in rows]
    down = [
        Sum((parent, column), tuple((row, column) for row in below if row in rows))
        for parent, below in children.items()
        if parent in rows
        for column in (*columns, TOTAL)
    ]
    return Table(
        counts=sums,
        sums=tuple(across + down),
        shares=tuple(Share((row, column), (row, TOTAL)) for row in rows for column in columns),
    )


def suppress(
    table: Table[C], *, threshold: int = THRESHOLD, share_floor: int = SHARE_FLOOR
) -> dict[C, Reason]:
    """The cells that must not be shown, with the reason.

    Primary: 1 … ``threshold`` − 1 people in the cell, or in the complement of a share; shares of 0 % and 100
    % of fewer than ``share_floor`` people. Secondary: in every sum with a published total, at least two
    hidden parts that together hold at least ``threshold`` people (two hidden cells of one person each hide
    nothing: their sum is published); under a hidden total, at least one hidden part. The smallest cells that
    hold anybody go first. At the end no hidden cell follows from the published ones by any combination of
    sums (:func:`determined`).
    """
    hidden: dict[C, Reason] = dict.fromkeys(_primary(table, threshold, share_floor), Reason.PRIMARY)
    rank = {cell: index for index, cell in enumerate(table.counts)}
    of_cell: dict[C, list[Sum[C]]] = {}
    for each in table.sums:
        for cell in (each.total, *each.parts):
            of_cell.setdefault(cell, []).append(each)
    waiting = list(dict.fromkeys(each for cell in hidden for each in of_cell.get(cell, ())))
    always: set[C] | None = None
    while True:
        while waiting:
            each = waiting.pop()
            while _leaks(each, table.counts, hidden, threshold):
                companion = _companion(each, table.counts, hidden, rank, threshold)
                if companion is None:
                    break
                hidden[companion] = Reason.SECONDARY
                waiting += of_cell[companion]
        open_cells = determined(table, hidden)
        if open_cells and always is None:
            # Some sums make a cell 0 whatever the counts are: no table can hide that, and it is about nobody.
            always = determined(table, table.counts)
        open_cells -= always or set()
        if not open_cells:
            return hidden
        covered: set[C] = set()
        for cell in sorted(open_cells, key=rank.__getitem__):
            if cell in covered:
                continue
            around = [other for each in of_cell[cell] for other in (each.total, *each.parts)]
            # A cell can follow by way of sums it is no part of: then any published cell loosens them.
            published = [other for other in around if other not in hidden] or [
                other for other in of_cell if other not in hidden
            ]
            if not published:
                break
            companion = min(
                published, key=lambda other: (table.counts[other] == 0, table.counts[other], rank[other])
            )
            hidden[companion] = Reason.SECONDARY
            waiting += of_cell[companion]
            covered.update(around)


def determined(table: Table[C], hidden: Iterable[C]) -> set[C]:
    """The hidden cells whose exact value follows from the published cells by adding and subtracting sums.

    Gauss–Jordan elimination on the sums with the hidden cells as unknowns: a cell follows exactly if its row
    of the reduced form holds nothing else.
    """
    unknown = set(hidden)
    rows: dict[int, dict[C, int | Fraction]] = {}
    where: dict[C, set[int]] = {}
    for number, each in enumerate(table.sums):
        row: dict[C, int | Fraction] = {}
        for cell, sign in ((each.total, 1), *((part, -1) for part in each.parts)):
            if cell in unknown:
                row[cell] = row.get(cell, 0) + sign
        row = {cell: value for cell, value in row.items() if value}
        if row:
            rows[number] = row
            for cell in row:
                where.setdefault(cell, set()).add(number)
    pivots: dict[int, C] = {}
    for number in list(rows):
        row = rows[number]
        if not row:
            continue
        # Pivots of ±1 keep the numbers whole, those in few rows keep the rows short.
        pivot = min(row, key=lambda cell: (abs(row[cell]) != 1, len(where[cell])))
        pivots[number] = pivot
        if row[pivot] != 1:
            scale = Fraction(1) / row[pivot] if abs(row[pivot]) != 1 else row[pivot]
            for cell in row:
                row[cell] *= scale
        for other in list(where[pivot] - {number}):
            target = rows[other]
            factor = target[pivot]
            for cell, value in row.items():
                left = target.get(cell, 0) - factor * value
                if left:
                    target[cell] = left
                    where[cell].add(other)
                else:
                    target.pop(cell, None)
                    where[cell].discard(other)
    return {pivot for number, pivot in pivots.items() if len(rows[number]) == 1}


def _primary(table: Table[C], threshold: int, share_floor: int) -> list[C]:
    few = [cell for cell, count in table.counts.items() if 1 <= count < threshold]
    for share in table.shares:
        part, whole = table.counts[share.part], table.counts[share.whole]
        everybody_known = part in (0, whole) and 0 < whole < share_floor
        if 1 <= whole - part < threshold or everybody_known:
            few.append(share.part)
    return list(dict.fromkeys(few))


def _leaks(each: Sum[C], counts: Mapping[C, int], hidden: Mapping[C, Reason], threshold: int) -> bool:
    parts = [part for part in each.parts if part in hidden]
    if each.total in hidden:
        return not parts
    return len(parts) == 1 or (bool(parts) and sum(counts[part] for part in parts) < threshold)


def _companion(
    each: Sum[C],
    counts: Mapping[C, int],
    hidden: Mapping[C, Reason],
    rank: Mapping[C, int],
    threshold: int,
) -> C | None:
    """The next cell to hide in a sum: the smallest part that holds anybody, else an empty part, else the
    total.

    An empty part is no cover for too few people: then the total goes.
    """
    published = sorted(
        (part for part in each.parts if part not in hidden),
        key=lambda part: (counts[part] == 0, counts[part], rank[part]),
    )
    if each.total in hidden:
        return published[0] if published else None
    held = sum(counts[part] for part in each.parts if part in hidden)
    if published and (counts[published[0]] > 0 or held >= threshold):
        return published[0]
    return each.total
