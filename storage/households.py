"""The frame as stored: households and their people.

Names, addresses, telephones, codes and births are sealed; a code and a telephone can be looked up by their
keyed fingerprint. Lists are taken in by :mod:`storage.household_plans`; what became of a household stands in
:mod:`storage.household_events`, which nothing deletes.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, func, select, tuple_

from storage.areas import inside
from storage.crypto import Keyring
from storage.schema import areas, households, persons
from surveys.areas import AreaKey
from surveys.frames.lists import Household, Person, Relation
from surveys.frames.rows import code_key
from surveys.population import Sex

_CODE, _HEAD, _ADDRESS = b"households.code", b"households.head", b"households.address"
_PHONE, _NAME, _BIRTH = b"households.phone", b"persons.name", b"persons.birth"
_PERSON_PHONE = b"persons.phone"
ACTIVE = "active"
COMING = "coming"
"""Of a list on its way in: nothing counts or shows such a household yet."""
_MANY = 400
"""Ids asked for at once."""


# ── what campaigns draw from ────────────────────────────────────────────────────────────────────────────────


def frame(within: Collection[AreaKey] | None) -> Select[Any]:
    """The households that can be asked: *id, area_vintage, area_code, given_vintage, given_code,
    neighbourhood*; of areas and all below them. A statement to be composed.
    """
    h = households.c
    columns = (h.id, h.area_vintage, h.area_code, h.given_vintage, h.given_code, h.neighbourhood)
    statement = select(*columns).where(h.status == ACTIVE)
    return statement if within is None else statement.where(inside(h.area_vintage, h.area_code, within))


@dataclass(frozen=True, slots=True)
class Count:
    """How many households and people a neighbourhood has."""

    area: AreaKey
    neighbourhood: str
    households: int
    people: int


def count(connection: Connection, within: Collection[AreaKey] | None, *, given: bool = False) -> list[Count]:
    """The frame by commune and neighbourhood, in that order.

    ``given``: by the communes that their lists named, of whichever year: what figures from before a change of
    boundaries can be held against.
    """
    there, p = frame(within).subquery(), persons.c
    kind = "given" if given else "area"
    keys = [there.c[f"{kind}_vintage"], there.c[f"{kind}_code"], there.c.neighbourhood]
    of_people = {
        (row[0], row[1], row[2]): row[3]
        for row in connection.execute(
            select(*keys, func.count())
            .select_from(there.join(persons, p.household_id == there.c.id))
            .where(p.status == ACTIVE)
            .group_by(*keys)
        )
    }
    found = connection.execute(select(*keys, func.count()).group_by(*keys)).all()
    return [
        Count((vintage, code), neighbourhood, number, of_people.get((vintage, code, neighbourhood), 0))
        for vintage, code, neighbourhood, number in sorted(tuple(row) for row in found)
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
        wanted = h.id.in_(sorted(beyond)[:_MANY])


def lock(connection: Connection, communes: Collection[AreaKey]) -> None:
    """Keep other writers of the frame of these communes out until the transaction ends."""
    statement = (
        select(areas.c.code)
        .where(tuple_(areas.c.vintage, areas.c.code).in_(sorted(communes)))
        .order_by(areas.c.vintage, areas.c.code)
        .with_for_update()
    )
    connection.execute(statement).all()


# ── rows to be written ──────────────────────────────────────────────────────────────────────────────────────


def household_row(keyring: Keyring, one: Household) -> dict[str, Any]:
    """What a household is, as columns; but for its status and when it was written."""
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


def person_row(keyring: Keyring, one: Person) -> dict[str, Any]:
    """What a person is, as columns; but for their household and when it was written."""
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


# ── one household ───────────────────────────────────────────────────────────────────────────────────────────


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
