"""A list of households taken in: planned in a process of its own, written in pieces, all or nothing.

A plan is sealed where it was made and written to a file. New households come in a piece a transaction, so
that nobody's turn waits; they are ``coming``, which nothing counts or shows, until one short transaction
makes the changes to known households and turns all of them ``active``. New rows have ids below zero in the
file.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any, BinaryIO

import msgspec
from sqlalchemy import Connection, Table, bindparam, delete, func, insert, select, text, update
from sqlalchemy.exc import IntegrityError

from storage import contacting
from storage.crypto import Keyring
from storage.household_events import edition, sealed_detail
from storage.households import ACTIVE, COMING, household_row, lock, person_row
from storage.schema import household_events, household_imports, households, persons
from surveys.areas import AreaKey
from surveys.frames.lists import Household, Person
from surveys.frames.matching import Plan, Write

CHUNK = 400
"""Rows of one piece of a plan: of one short transaction."""
Rows = list[dict[str, Any]]


class Head(msgspec.Struct, frozen=True):
    """The first piece of a plan: the communes it is about, their edition when it was made, and how many new
    rows.
    """

    communes: list[tuple[str, str]]
    edition: int
    households: int
    people: int


class Piece(msgspec.Struct, frozen=True):
    """Rows for one table. ``what`` is a name of :data:`_ROWS`, ``ending``: written in the last
    transaction.
    """

    what: str
    rows: Rows
    ending: bool


_FIELDS = ("area", "neighbourhood", "code", "head", "address", "phone")


def _before(write: Write) -> dict[str, Any]:
    """What a change leaves behind, for its event."""
    known = write.known
    assert known is not None
    told = dict(zip(_FIELDS, known.told, strict=True))
    return {
        "household": {name: told.get(name, known.status) for name in write.fields},
        "people": {
            str(was.id): {"name": was.name, "sex": was.sex, "birth": was.birth, "relation": was.relation}
            | {"phone": was.phone, "status": was.status}
            for was in [*(was for _, was in write.changed), *(was for was, _, _ in write.gone)]
        },
        "new": len(write.added),
    }


class _Numbers:
    """Ids for rows to come, below zero until they are written."""

    def __init__(self) -> None:
        self._given: dict[Person | Household, int] = {}
        self.households = self.people = 0

    def household(self, one: Household) -> int:
        if one.id:
            return one.id
        if one not in self._given:
            self.households += 1
            self._given[one] = -self.households
        return self._given[one]

    def person(self, one: Person) -> int:
        if one.id:
            return one.id
        if one not in self._given:
            self.people += 1
            self._given[one] = -self.people
        return self._given[one]


def save_plan(file: BinaryIO, keyring: Keyring, made: Plan, communes: Collection[AreaKey], at: int) -> None:
    """Write ``made`` to a file, sealed, for :class:`Staging`. ``at``: the edition it was made from."""
    writes = [write for write in made.writes if write.outcome != "same"]
    numbers = _Numbers()
    for write in writes:
        numbers.household(write.target)
        for person in write.added:
            numbers.person(person)
    _put(file, Head(sorted(communes), at, numbers.households, numbers.people))
    for ending in (False, True):
        for what, rows_of in _ROWS.items():
            rows: Rows = []
            for write in writes:
                # Who somebody is now can be told when all of them are there.
                late = what == "moves" or write.known is not None
                if late is not ending:
                    continue
                rows.extend(rows_of(keyring, write, numbers))
                if len(rows) >= CHUNK:
                    _put(file, Piece(what, rows, ending))
                    rows = []
            if rows:
                _put(file, Piece(what, rows, ending))


def _put(file: BinaryIO, piece: Head | Piece) -> None:
    data = msgspec.msgpack.encode(piece)
    file.write(len(data).to_bytes(4, "big"))
    file.write(data)


def _new_households(keyring: Keyring, write: Write, numbers: _Numbers) -> Iterator[dict[str, Any]]:
    if write.known is None:
        yield {"id": numbers.household(write.target), **household_row(keyring, write.target)}


def _changed_households(keyring: Keyring, write: Write, _: _Numbers) -> Iterator[dict[str, Any]]:
    if write.known is not None and write.fields:
        yield {"key": write.target.id, **household_row(keyring, write.target), "status": ACTIVE}


def _new_people(keyring: Keyring, write: Write, numbers: _Numbers) -> Iterator[dict[str, Any]]:
    key = numbers.household(write.target)
    for one in write.added:
        yield {"id": numbers.person(one), "household_id": key, **person_row(keyring, one)}


def _changed_people(keyring: Keyring, write: Write, _: _Numbers) -> Iterator[dict[str, Any]]:
    for one, _was in write.changed:
        yield {"key": one.id, **person_row(keyring, one)}
    for one, status, _who in write.gone:
        yield {"key": one.id, **person_row(keyring, one), "status": status}


def _moves(_: Keyring, write: Write, numbers: _Numbers) -> Iterator[dict[str, Any]]:
    for one, _status, who in write.gone:
        if who is not None:
            yield {"key": one.id, "who": numbers.person(who)}
    for one in write.target.members:
        if one.elsewhere is not None:
            yield {"key": numbers.person(one), "who": numbers.person(one.elsewhere)}


def _what_happened(keyring: Keyring, write: Write, numbers: _Numbers) -> Iterator[dict[str, Any]]:
    target = write.target
    where = {
        "household_id": numbers.household(target),
        "area_vintage": target.area[0],
        "area_code": target.area[1],
    }
    if write.known is not None:
        detail = sealed_detail(keyring, _before(write))
        yield {**where, "what": "changed", "detail_sealed": detail}
        if "area" in write.fields:
            yield {**where, "what": "converted", "detail_sealed": None}
        return
    yield {**where, "what": "imported", "detail_sealed": None}
    if target.given != target.area:
        yield {**where, "what": "converted", "detail_sealed": None}


_ROWS: Mapping[str, Callable[[Keyring, Write, _Numbers], Iterator[dict[str, Any]]]] = {
    "households": _new_households,
    "household_changes": _changed_households,
    "persons": _new_people,
    "person_changes": _changed_people,
    "moves": _moves,
    "events": _what_happened,
}
"""In the order that keys between the tables need: households before their people, people before who they are
now.
"""


class Stale(Exception):
    """The frame changed since a plan was made: it has to be made again."""


class Staging:
    """Takes a plan in: :meth:`step` until there is nothing left, then :meth:`end`, each in a transaction.

    Either raises :class:`Stale` when the households it is about have changed since. What was done until then
    is taken back by :func:`clear`.
    """

    def __init__(self, file: BinaryIO, *, account_id: int | None, import_id: int, now: int) -> None:
        self._file, self._account_id, self._import_id, self._now = file, account_id, import_id, now
        self._head = msgspec.msgpack.decode(_next(file), type=Head)
        self._ids: dict[str, dict[int, int]] = {"household": {}, "person": {}}
        self._waiting: Piece | None = None
        self.done = 0

    @property
    def size(self) -> int:
        """How many new rows there are, households and people."""
        return self._head.households + self._head.people

    def step(self, connection: Connection) -> bool:
        """Write a piece of what is new; False when there is none left."""
        piece = self._read()
        if piece is None or piece.ending:
            self._waiting = piece
            return False
        try:
            with connection.begin_nested():
                self._write(connection, piece)
        except IntegrityError:
            # Another list with the same codes is on its way in.
            raise Stale from None
        return True

    def end(self, connection: Connection) -> None:
        """Change what was known, and make what came the frame's."""
        head = self._head
        lock(connection, head.communes)
        if head.communes and edition(connection, head.communes) != head.edition:
            raise Stale
        touched: set[int] = set()
        piece = self._waiting
        while piece is not None:
            self._write(connection, piece)
            touched.update(row["household_id"] for row in piece.rows if piece.what == "events")
            piece = self._read()
        mine = (households.c.import_id == self._import_id) & (households.c.status == COMING)
        connection.execute(update(households).where(mine).values(status=ACTIVE))
        contacting.replan_households(connection, touched, self._now)

    def _read(self) -> Piece | None:
        data = _next(self._file)
        return msgspec.msgpack.decode(data, type=Piece) if data else None

    def _real(self, kind: str, key: int) -> int:
        return key if key > 0 else self._ids[kind][key]

    def _write(self, connection: Connection, piece: Piece) -> None:
        rows, what = piece.rows, piece.what
        if what in ("households", "persons"):
            kind = what[:-1]
            table = households if what == "households" else persons
            real = _reserve(connection, table, len(rows))
            self._ids[kind].update(zip((row["id"] for row in rows), real, strict=True))
            self.done += len(rows)
        for row in rows:
            if "household_id" in row:
                row["household_id"] = self._real("household", row["household_id"])
            if what in ("households", "persons"):
                row.update(id=self._real(what[:-1], row["id"]), created_at=self._now, changed_at=self._now)
                if what == "households":
                    row.update(status=COMING, import_id=self._import_id)
            elif what == "moves":
                row["key"], row["who"] = self._real("person", row["key"]), self._real("person", row["who"])
            elif what == "events":
                row.update(at=self._now, account_id=self._account_id, import_id=self._import_id)
            else:
                row["changed_at"] = self._now
        connection.execute(_STATEMENTS[what], rows)


def clear(connection: Connection, import_id: int | None, limit: int = 500) -> int:
    """Take back some of what came of an import that did not end, and of those that were given up; how many
    households.
    """
    h = households.c
    over = select(household_imports.c.id).where(household_imports.c.state != "waiting")
    whose = h.import_id.in_(over) if import_id is None else (h.import_id == import_id) | h.import_id.in_(over)
    ids = list(connection.execute(select(h.id).where(h.status == COMING, whose).limit(limit)).scalars())
    if ids:
        theirs = select(persons.c.id).where(persons.c.household_id.in_(ids))
        connection.execute(update(persons).where(persons.c.moved_to.in_(theirs)).values(moved_to=None))
        connection.execute(delete(persons).where(persons.c.household_id.in_(ids)))
        connection.execute(delete(household_events).where(household_events.c.household_id.in_(ids)))
        connection.execute(delete(households).where(h.id.in_(ids)))
    return len(ids)


def _next(file: BinaryIO) -> bytes:
    size = file.read(4)
    return file.read(int.from_bytes(size, "big")) if size else b""


def _changing(table: Table, left_out: Collection[str]) -> Any:
    values: dict[str, Any] = {c.name: bindparam(c.name) for c in table.c if c.name not in left_out}
    return update(table).where(table.c.id == bindparam("key")).values(values)


_STATEMENTS: Mapping[str, Any] = {
    "households": insert(households),
    "persons": insert(persons),
    "events": insert(household_events),
    "household_changes": _changing(households, ("id", "created_at", "merged_into", "import_id")),
    "person_changes": _changing(persons, ("id", "created_at", "household_id", "moved_to")),
    "moves": update(persons).where(persons.c.id == bindparam("key")).values(moved_to=bindparam("who")),
}


def _reserve(connection: Connection, table: Table, number: int) -> Sequence[int]:
    """Ids that no other row gets."""
    if not number:
        return ()
    if connection.dialect.name == "sqlite":
        first = (connection.execute(select(func.max(table.c.id))).scalar() or 0) + 1
        return range(first, first + number)
    statement = text(
        "SELECT nextval(pg_get_serial_sequence(:of, 'id')) FROM generate_series(1, :number)"
    ).bindparams(of=table.name, number=number)
    return [row[0] for row in connection.execute(statement)]
