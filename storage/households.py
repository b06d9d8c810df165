"""The frame as stored: households and their people, what became of them, and by which contacts they are
reached.

Names, addresses, telephones, codes and births are sealed; a code and a telephone can be looked up by their
keyed fingerprint. Nothing is ever deleted by a change: ``household_events`` says what was, who changed it and
when.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO

import msgspec
from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    Select,
    Table,
    bindparam,
    delete,
    func,
    insert,
    literal,
    null,
    select,
    text,
    tuple_,
    update,
)
from sqlalchemy.exc import IntegrityError

from storage import contacting
from storage.areas import inside
from storage.crypto import Keyring
from storage.schema import (
    areas,
    contact_links,
    contacts,
    household_events,
    household_imports,
    households,
    persons,
)
from surveys.areas import AreaKey
from surveys.frames.lists import Household, Person, Relation
from surveys.frames.matching import Plan, Write
from surveys.frames.rows import code_key
from surveys.population import Sex
from surveys.problems import Problem

_CODE, _HEAD, _ADDRESS = b"households.code", b"households.head", b"households.address"
_PHONE, _NAME, _BIRTH = b"households.phone", b"persons.name", b"persons.birth"
_PERSON_PHONE, _DETAIL = b"persons.phone", b"household_events.detail"
CHUNK = 400
"""Rows of one piece of a plan: of one short transaction."""
ACTIVE = "active"


# ── what campaigns draw from ────────────────────────────────────────────────────────────────────────────────


def frame(within: Collection[AreaKey] | None) -> Select[Any]:
    """The households that can be asked: *id, area_vintage, area_code, neighbourhood*; of areas and all below
    them.

    A statement to be composed: ``INSERT … SELECT`` makes the cases of a campaign of it.
    """
    h = households.c
    statement = select(h.id, h.area_vintage, h.area_code, h.neighbourhood).where(h.status == ACTIVE)
    return statement if within is None else statement.where(inside(h.area_vintage, h.area_code, within))


def people(within: Collection[AreaKey] | None) -> Select[Any]:
    """The people of those: *id, household_id, area_vintage, area_code, neighbourhood, sex, relation*."""
    h, p = households.c, persons.c
    statement = (
        select(p.id, p.household_id, h.area_vintage, h.area_code, h.neighbourhood, p.sex, p.relation)
        .select_from(persons.join(households, households.c.id == persons.c.household_id))
        .where(h.status == ACTIVE, p.status == ACTIVE)
    )
    return statement if within is None else statement.where(inside(h.area_vintage, h.area_code, within))


@dataclass(frozen=True, slots=True)
class Count:
    """How many households and people a neighbourhood has."""

    area: AreaKey
    neighbourhood: str
    households: int
    people: int


def count(connection: Connection, within: Collection[AreaKey] | None) -> list[Count]:
    """The frame by commune and neighbourhood, in that order."""
    all_households, all_people = frame(within).subquery(), people(within).subquery()
    keys = ("area_vintage", "area_code", "neighbourhood")

    def grouped(source: Any) -> dict[tuple[str, str, str], int]:
        columns = [source.c[name] for name in keys]
        rows = connection.execute(select(*columns, func.count()).group_by(*columns))
        return {(row[0], row[1], row[2]): row[3] for row in rows}

    of_people = grouped(all_people)
    return [
        Count((vintage, code), neighbourhood, number, of_people.get((vintage, code, neighbourhood), 0))
        for (vintage, code, neighbourhood), number in sorted(grouped(all_households).items())
    ]


# ── what is known, for matching ─────────────────────────────────────────────────────────────────────────────


def _open(keyring: Keyring, sealed: bytes | None, use: bytes) -> str:
    return "" if sealed is None else keyring.open(sealed, use).decode()


_USES: Mapping[str, bytes] = {
    "code": _CODE,
    "head": _HEAD,
    "address": _ADDRESS,
    "phone": _PHONE,
    "name": _NAME,
    "person_phone": _PERSON_PHONE,
    "birth": _BIRTH,
}


def opened(keyring: Keyring, what: str, sealed: bytes | None) -> str:
    """A sealed ``code``, ``head``, ``address`` or ``phone`` of a household, or ``name``, ``person_phone``
    or ``birth`` of a person; empty where there is none.
    """
    return _open(keyring, sealed, _USES[what])


def _seal(keyring: Keyring, plain: str, use: bytes) -> bytes | None:
    return keyring.seal(plain.encode(), use) if plain else None


def _household(keyring: Keyring, row: Any) -> Household:
    return Household(
        area=(row.area_vintage, row.area_code),
        given=(row.given_vintage, row.given_code),
        neighbourhood=row.neighbourhood,
        code=_open(keyring, row.code_sealed, _CODE),
        head=_open(keyring, row.head_sealed, _HEAD),
        address=_open(keyring, row.address_sealed, _ADDRESS),
        phone=_open(keyring, row.phone_sealed, _PHONE),
        id=row.id,
        merged_into=row.merged_into or 0,
        status=row.status,
    )


def _person(keyring: Keyring, row: Any) -> Person:
    return Person(
        name=_open(keyring, row.name_sealed, _NAME),
        sex=Sex(row.sex) if row.sex else None,
        birth=_open(keyring, row.birth_sealed, _BIRTH),
        relation=Relation(row.relation) if row.relation else None,
        phone=_open(keyring, row.phone_sealed, _PERSON_PHONE),
        status=row.status,
        id=row.id,
        number=row.number,
    )


def known(
    connection: Connection,
    keyring: Keyring,
    communes: Collection[AreaKey],
    offices: Collection[AreaKey] = (),
) -> list[Household]:
    """All households of communes with their people, opened; those merged or gone, too. By id.

    Also those whose lists named one of ``offices``: wherever they are now, its codes are theirs.
    """
    h = households.c
    wanted: ColumnElement[bool] = tuple_(h.area_vintage, h.area_code).in_(sorted(communes))
    if offices:
        wanted |= tuple_(h.given_vintage, h.given_code).in_(sorted(offices))
    found: dict[int, Household] = {}
    while True:
        here = wanted & (h.status != COMING)
        for row in connection.execute(select(households).where(here).order_by(h.id)):
            found[row.id] = _household(keyring, row)
        theirs = select(h.id).where(here)
        statement = select(persons).where(persons.c.household_id.in_(theirs))
        statement = statement.order_by(persons.c.household_id, persons.c.number, persons.c.id)
        for row in connection.execute(statement):
            found[row.household_id].members.append(_person(keyring, row))
        # What was merged into a household elsewhere leads there.
        beyond = {one.merged_into for one in found.values() if one.merged_into} - found.keys()
        if not beyond:
            return [found[key] for key in sorted(found)]
        wanted = h.id.in_(sorted(beyond)[:CHUNK])


def edition(connection: Connection, communes: Collection[AreaKey]) -> int:
    """A number that is another one after every change of the households of these communes."""
    e = household_events.c
    waiting = select(household_imports.c.id).where(household_imports.c.state == "waiting")
    statement = select(func.count()).where(
        tuple_(e.area_vintage, e.area_code).in_(sorted(communes)),
        e.import_id.is_(None) | e.import_id.not_in(waiting),
    )
    return int(connection.execute(statement).scalar_one())


def lock(connection: Connection, communes: Collection[AreaKey]) -> None:
    """Keep other writers of the frame of these communes out until the transaction ends."""
    statement = (
        select(areas.c.code)
        .where(tuple_(areas.c.vintage, areas.c.code).in_(sorted(communes)))
        .order_by(areas.c.vintage, areas.c.code)
        .with_for_update()
    )
    connection.execute(statement).all()


# ── writing a plan ──────────────────────────────────────────────────────────────────────────────────────────
#
# A plan is sealed where it was made, in a process of its own, and written to a file in pieces. New households
# come in a piece a transaction, so that nobody's turn waits; they are ``coming``, which nothing counts or
# shows, until one short transaction makes the changes to known households and turns all of them ``active``:
# everything or nothing. New rows have ids below zero in the file.

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


def _of_household(keyring: Keyring, one: Household) -> dict[str, Any]:
    given = one.given
    return {
        "area_vintage": one.area[0],
        "area_code": one.area[1],
        "given_vintage": given[0],
        "given_code": given[1],
        "neighbourhood": one.neighbourhood,
        "code_lookup": code_lookup(keyring, given, one.code),
        "code_sealed": _seal(keyring, one.code, _CODE),
        "head_sealed": _seal(keyring, one.head, _HEAD),
        "address_sealed": _seal(keyring, one.address, _ADDRESS),
        "phone_lookup": keyring.lookup("phone", one.phone) if one.phone else None,
        "phone_sealed": _seal(keyring, one.phone, _PHONE),
    }


def code_lookup(keyring: Keyring, given: AreaKey, code: str) -> bytes | None:
    """The fingerprint of an office's own code."""
    return keyring.lookup("household", *given, code_key(code)) if code else None


def _of_person(keyring: Keyring, one: Person) -> dict[str, Any]:
    return {
        "number": one.number,
        "name_sealed": _seal(keyring, one.name, _NAME),
        "sex": one.sex.value if one.sex else "",
        "birth_sealed": _seal(keyring, one.birth, _BIRTH),
        "relation": one.relation.value if one.relation else "",
        "phone_lookup": keyring.lookup("phone", one.phone) if one.phone else None,
        "phone_sealed": _seal(keyring, one.phone, _PERSON_PHONE),
        "status": one.status,
    }


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
        yield {"id": numbers.household(write.target), **_of_household(keyring, write.target)}


def _changed_households(keyring: Keyring, write: Write, _: _Numbers) -> Iterator[dict[str, Any]]:
    if write.known is not None and write.fields:
        yield {"key": write.target.id, **_of_household(keyring, write.target), "status": ACTIVE}


def _new_people(keyring: Keyring, write: Write, numbers: _Numbers) -> Iterator[dict[str, Any]]:
    key = numbers.household(write.target)
    for one in write.added:
        yield {"id": numbers.person(one), "household_id": key, **_of_person(keyring, one)}


def _changed_people(keyring: Keyring, write: Write, _: _Numbers) -> Iterator[dict[str, Any]]:
    for one, _was in write.changed:
        yield {"key": one.id, **_of_person(keyring, one)}
    for one, status, _who in write.gone:
        yield {"key": one.id, **_of_person(keyring, one), "status": status}


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
        detail = keyring.seal(msgspec.json.encode(_before(write)), _DETAIL)
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


COMING = "coming"


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


# ── one household ───────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Event:
    """What became of a household: see ``household_events``. ``undone``: it was taken back."""

    id: int
    what: str
    at: int
    household_id: int
    other_id: int | None
    account_id: int | None
    import_id: int | None
    undone: bool


@dataclass(frozen=True, slots=True)
class Link:
    """A contact by which a household, or one person of it, is reached."""

    id: int
    contact_id: int
    channel: str
    person_id: int | None
    since: int
    ended_at: int | None
    how: str


@dataclass(frozen=True, slots=True)
class Shown:
    """A household with all that is known of it."""

    household: Household
    links: list[Link]
    events: list[Event]


def get(
    connection: Connection, keyring: Keyring, household_id: int, *, locked: bool = False
) -> Household | None:
    """The household with this id, with its people by number."""
    statement = select(households).where(households.c.id == household_id, households.c.status != COMING)
    row = connection.execute(statement.with_for_update() if locked else statement).one_or_none()
    if row is None:
        return None
    found = _household(keyring, row)
    theirs = select(persons).where(persons.c.household_id == household_id)
    rows = connection.execute(theirs.order_by(persons.c.number, persons.c.id))
    found.members = [_person(keyring, each) for each in rows]
    return found


def is_taken(connection: Connection, keyring: Keyring, given: AreaKey, code: str) -> bool:
    """Whether a household has this code of the office in ``given``."""
    h = households.c
    lookups = keyring.lookups("household", *given, code_key(code))
    statement = select(h.id).where(
        h.given_vintage == given[0], h.given_code == given[1], h.code_lookup.in_(lookups)
    )
    return connection.execute(statement.limit(1)).first() is not None


def area_of(connection: Connection, household_id: int) -> AreaKey | None:
    """The commune a household is in; None when there is no such household."""
    h = households.c
    statement = select(h.area_vintage, h.area_code).where(h.id == household_id, h.status != COMING)
    row = connection.execute(statement).one_or_none()
    return None if row is None else (row[0], row[1])


def find(
    connection: Connection,
    keyring: Keyring,
    within: Collection[AreaKey] | None,
    *,
    code: str = "",
    phone: str = "",
    limit: int = 20,
) -> list[int]:
    """Ids of households with a code or a telephone (their own or one of their people's), active ones
    first.
    """
    found: list[int] = []
    h = households.c
    order = (h.status != ACTIVE, h.id)
    if code:
        offices = select(h.given_vintage, h.given_code).distinct()
        if within is not None:
            offices = offices.where(inside(h.area_vintage, h.area_code, within))
        lookups = [
            each
            for vintage, area in connection.execute(offices)
            for each in keyring.lookups("household", vintage, area, code_key(code))
        ]
        statement = select(h.id).where(h.code_lookup.in_(lookups)).order_by(*order)
        found += [row[0] for row in connection.execute(_bounded(statement, within).limit(limit))]
    if phone:
        lookups = list(keyring.lookups("phone", phone))
        theirs = select(persons.c.household_id).where(
            persons.c.phone_lookup.in_(lookups), persons.c.status == ACTIVE
        )
        statement = select(h.id).where(h.phone_lookup.in_(lookups) | h.id.in_(theirs)).order_by(*order)
        found += [row[0] for row in connection.execute(_bounded(statement, within).limit(limit))]
    return list(dict.fromkeys(found))[:limit]


def _bounded(statement: Select[Any], within: Collection[AreaKey] | None) -> Select[Any]:
    statement = statement.where(households.c.status != COMING)
    if within is None:
        return statement
    return statement.where(inside(households.c.area_vintage, households.c.area_code, within))


def show(connection: Connection, keyring: Keyring, household_id: int) -> Shown | None:
    """A household opened, with its contacts and its history, the oldest first."""
    household = get(connection, keyring, household_id)
    if household is None:
        return None
    return Shown(household, links(connection, household_id), events(connection, household_id))


def events(connection: Connection, household_id: int) -> list[Event]:
    """What became of a household, the oldest first."""
    e = household_events.c
    undoing = household_events.alias()
    statement = (
        select(
            e.id,
            e.what,
            e.at,
            e.household_id,
            e.other_id,
            e.account_id,
            e.import_id,
            undoing.c.id.label("by"),
        )
        .select_from(household_events.outerjoin(undoing, undoing.c.undoes == e.id))
        .where((e.household_id == household_id) | (e.other_id == household_id))
        .order_by(e.id)
    )
    return [Event(*row[:7], row.by is not None) for row in connection.execute(statement)]


def _event(
    connection: Connection,
    keyring: Keyring,
    household: Household,
    what: str,
    detail: Mapping[str, Any] | None,
    *,
    other_id: int | None = None,
    undoes: int | None = None,
    account_id: int | None,
    now: int,
) -> int:
    statement = insert(household_events).values(
        household_id=household.id,
        other_id=other_id,
        area_vintage=household.area[0],
        area_code=household.area[1],
        what=what,
        at=now,
        account_id=account_id,
        undoes=undoes,
        detail_sealed=None if detail is None else keyring.seal(msgspec.json.encode(detail), _DETAIL),
    )
    key: int = connection.execute(statement.returning(household_events.c.id)).scalar_one()
    # Whoever is reached by other contacts now is written to by them.
    contacting.replan_households(connection, [household.id, *([] if other_id is None else [other_id])], now)
    return key


# ── merging and splitting, and taking that back ─────────────────────────────────────────────────────────────


def merge(
    connection: Connection,
    keyring: Keyring,
    keep: Household,
    gone: Household,
    twins: Mapping[int, int],
    account_id: int | None,
    now: int,
) -> int:
    """Make ``gone`` a part of ``keep``; the event's id, to undo it by.

    ``twins`` says who of ``gone`` is whom of ``keep`` (person → person): those stay behind as duplicates, the
    others come along, as do all contacts. Both households must be locked, active and of one commune.
    """
    number = max((one.number for one in keep.members), default=0)
    people: list[dict[str, Any]] = []
    for one in gone.members:
        if one.status != ACTIVE:
            continue
        people.append({"id": one.id, "household": gone.id, "number": one.number, "status": one.status})
        if one.id in twins:
            values: dict[str, Any] = {"status": "duplicate", "moved_to": twins[one.id]}
        else:
            number += 1
            values = {"household_id": keep.id, "number": number}
        _set(connection, persons, one.id, now, **values)
    moved = _move_links(connection, gone.id, keep.id, [entry["id"] for entry in people], twins)
    _set(connection, households, gone.id, now, status="merged", merged_into=keep.id)
    detail = {"people": people, "links": moved}
    return _event(
        connection, keyring, keep, "merged", detail, other_id=gone.id, account_id=account_id, now=now
    )


def _set(connection: Connection, table: Table, key: int, now: int, **values: Any) -> None:
    connection.execute(update(table).where(table.c.id == key).values(changed_at=now, **values))


def _move_links(
    connection: Connection, old: int, new: int, people_ids: Sequence[int], twins: Mapping[int, int]
) -> list[dict[str, Any]]:
    """Hand contacts over with a household and its people; how they were."""
    statement = select(contact_links).where(
        contact_links.c.household_id == old, contact_links.c.ended_at.is_(None)
    )
    moved = []
    for row in connection.execute(statement).all():
        if row.person_id is not None and row.person_id not in people_ids:
            continue
        moved.append({"id": row.id, "household": row.household_id, "person": row.person_id})
        person = twins.get(row.person_id, row.person_id) if row.person_id is not None else None
        connection.execute(
            update(contact_links)
            .where(contact_links.c.id == row.id)
            .values(household_id=new, person_id=person)
        )
    return moved


def split(
    connection: Connection,
    keyring: Keyring,
    household: Household,
    leaving: Sequence[int],
    new: Household,
    account_id: int | None,
    now: int,
) -> tuple[int, int]:
    """Make a household of its own of some people of another; *(its id, the event's id)*.

    ``new`` says where it is and who heads it. The household must be locked, and somebody must stay in it. The
    contacts of those who leave go with them.
    """
    key: int = connection.execute(
        insert(households)
        .values(**_of_household(keyring, new), status=ACTIVE, created_at=now, changed_at=now)
        .returning(households.c.id)
    ).scalar_one()
    head = new.members[0].id if new.members else 0
    people: list[dict[str, Any]] = []
    number = 1
    for one in household.members:
        if one.id not in leaving:
            continue
        relation = one.relation.value if one.relation else ""
        people.append(
            {"id": one.id, "household": household.id, "number": one.number, "status": one.status}
            | {"relation": relation}
        )
        number += one.id != head
        values: dict[str, Any] = {"number": 1, "relation": Relation.HEAD.value}
        if one.id != head:
            # Who they are to the new head is not known.
            values = {"number": number, "relation": ""}
        _set(connection, persons, one.id, now, household_id=key, **values)
    ids = [entry["id"] for entry in people]
    moved = []
    for row in connection.execute(
        select(contact_links).where(contact_links.c.person_id.in_(ids), contact_links.c.ended_at.is_(None))
    ).all():
        moved.append({"id": row.id, "household": row.household_id, "person": row.person_id})
        connection.execute(update(contact_links).where(contact_links.c.id == row.id).values(household_id=key))
    detail = {"people": people, "links": moved}
    event = _event(
        connection, keyring, household, "split", detail, other_id=key, account_id=account_id, now=now
    )
    return key, event


@dataclass(frozen=True, slots=True)
class Deed:
    """A merge or split that may be undone."""

    id: int
    what: str
    household_id: int
    other_id: int
    undone: bool


def deed(connection: Connection, event_id: int) -> Deed | None:
    """The merge or split with this number; None for anything else."""
    e = household_events.c
    row = connection.execute(
        select(e.id, e.what, e.household_id, e.other_id).where(
            e.id == event_id, e.what.in_(("merged", "split")), e.other_id.is_not(None)
        )
    ).one_or_none()
    if row is None:
        return None
    undone = connection.execute(select(e.id).where(e.undoes == event_id)).first() is not None
    return Deed(*row, undone)


_BINDING = ("merged", "split", "changed", "converted", "left")


def undo(connection: Connection, keyring: Keyring, done: Deed, account_id: int | None, now: int) -> int:
    """Take a merge or split back; the event's id. Both households must be locked.

    Raises Problem ``household_undone`` when that was done before, ``household_undo_late`` when either
    household was changed in between: what came after would be lost.
    """
    e = household_events.c
    if done.undone:
        raise Problem("household_undone", status=409)
    pair = (done.household_id, done.other_id)
    undoings = select(e.undoes).where(e.undoes.is_not(None))
    after = connection.execute(
        select(e.id)
        .where(
            e.id > done.id,
            e.what.in_(_BINDING),
            e.household_id.in_(pair) | e.other_id.in_(pair),
            e.id.not_in(undoings),
        )
        .limit(1)
    ).first()
    if after is not None:
        raise Problem("household_undo_late", status=409)
    sealed = connection.execute(select(e.detail_sealed).where(e.id == done.id)).scalar_one()
    detail = msgspec.json.decode(keyring.open(sealed, _DETAIL))
    for was in detail["people"]:
        values = {"household_id": was["household"], "number": was["number"], "status": was["status"]}
        if "relation" in was:
            values["relation"] = was["relation"]
        _set(connection, persons, was["id"], now, moved_to=None, **values)
    for was in detail["links"]:
        connection.execute(
            update(contact_links)
            .where(contact_links.c.id == was["id"])
            .values(household_id=was["household"], person_id=was["person"])
        )
    if done.what == "merged":
        _set(connection, households, done.other_id, now, status=ACTIVE, merged_into=None)
    else:
        # What was split off is empty now; contacts it got since belong to where its people are.
        _move_links(connection, done.other_id, done.household_id, [], {})
        _set(connection, households, done.other_id, now, status="merged", merged_into=done.household_id)
    household = get(connection, keyring, done.household_id)
    assert household is not None
    return _event(
        connection,
        keyring,
        household,
        "undone",
        None,
        other_id=done.other_id,
        undoes=done.id,
        account_id=account_id,
        now=now,
    )


# ── contacts ────────────────────────────────────────────────────────────────────────────────────────────────


def links(connection: Connection, household_id: int) -> list[Link]:
    """By which contacts a household and its people are, or were, reached."""
    c = contact_links.c
    statement = (
        select(c.id, c.contact_id, contacts.c.channel, c.person_id, c.since, c.ended_at, c.how)
        .select_from(contact_links.join(contacts, contacts.c.id == c.contact_id))
        .where(c.household_id == household_id)
        .order_by(c.id)
    )
    return [Link(*row) for row in connection.execute(statement)]


def link(
    connection: Connection,
    keyring: Keyring,
    *,
    contact_id: int,
    household: Household,
    person_id: int | None,
    how: str,
    account_id: int | None,
    now: int,
) -> int | None:
    """Note that a contact reaches a household, or one person of it; None if that was known. The household is
    locked. One telephone may serve several people, and one person have several contacts.
    """
    if _open_link(connection, contact_id, household.id, person_id) is not None:
        return None
    statement = insert(contact_links).values(
        contact_id=contact_id, household_id=household.id, person_id=person_id, since=now, how=how
    )
    key: int = connection.execute(statement.returning(contact_links.c.id)).scalar_one()
    detail = {"link": key, "contact": contact_id, "person": person_id, "how": how}
    _event(connection, keyring, household, "linked", detail, account_id=account_id, now=now)
    return key


def unlink(
    connection: Connection,
    keyring: Keyring,
    *,
    contact_id: int,
    household: Household,
    person_id: int | None,
    account_id: int | None,
    now: int,
) -> int | None:
    """End such a link; None when there is none."""
    key = _open_link(connection, contact_id, household.id, person_id)
    if key is None:
        return None
    connection.execute(update(contact_links).where(contact_links.c.id == key).values(ended_at=now))
    detail = {"link": key, "contact": contact_id, "person": person_id, "ended": True}
    _event(connection, keyring, household, "linked", detail, account_id=account_id, now=now)
    return key


def _open_link(
    connection: Connection, contact_id: int, household_id: int, person_id: int | None
) -> int | None:
    c = contact_links.c
    whose = c.person_id.is_(None) if person_id is None else c.person_id == person_id
    key: int | None = connection.execute(
        select(c.id).where(
            c.contact_id == contact_id, c.household_id == household_id, whose, c.ended_at.is_(None)
        )
    ).scalar()
    return key


# ── boundaries that change ──────────────────────────────────────────────────────────────────────────────────


def convert(
    connection: Connection,
    old: AreaKey,
    new: AreaKey,
    neighbourhood: str | None,
    account_id: int | None,
    now: int,
) -> int:
    """Move the households of ``old`` (of one neighbourhood, or all) to ``new``; how many.

    Each gets an event in either area: where it was, and where it came to.
    """
    h = households.c
    theirs: list[ColumnElement[bool]] = [h.area_vintage == old[0], h.area_code == old[1], h.status != COMING]
    if neighbourhood is not None:
        theirs.append(h.neighbourhood == neighbourhood)
    columns: list[Column[Any]] = [
        household_events.c[name] for name in ("household_id", "area_vintage", "area_code")
    ]
    columns += [household_events.c[name] for name in ("what", "at", "account_id")]
    for vintage, code in ((h.area_vintage, h.area_code), (_said(new[0]), _said(new[1]))):
        values = [h.id, vintage, code, _said("converted"), _said(now), _said(account_id)]
        connection.execute(insert(household_events).from_select(columns, select(*values).where(*theirs)))
    moved = update(households).where(*theirs).values(area_vintage=new[0], area_code=new[1], changed_at=now)
    return connection.execute(moved).rowcount


def _said(value: object) -> Any:
    return null() if value is None else literal(value)
