"""Households with names, for tests: of a ward's list, as rows."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import insert, update

from storage.households import code_lookup
from storage.schema import households, persons
from surveys.areas import AreaKey
from tests.households import settle
from tests.town import Town

HERE: AreaKey = ("2025-07-01", "26740")
THERE: AreaKey = ("2025-07-01", "26743")

Member = tuple[str, str, str, str]
"""Name, sex, birth (YYYY-MM or YYYY), relation to the head."""


@dataclass(frozen=True, slots=True)
class Family:
    """A household of the frame, and its people by their number."""

    id: int
    code: str
    people: tuple[int, ...]


def family(
    town: Town,
    code: str,
    head: str,
    *members: Member,
    area: AreaKey = HERE,
    neighbourhood: str = "Khu phố 1",
    address: str = "",
) -> Family:
    """Write a household down in the frame."""
    seal = town.keyring.seal

    def write(connection: object) -> Family:
        (key,) = settle(connection, area, 1, neighbourhoods=(neighbourhood,))
        connection.execute(  # type: ignore[attr-defined]
            update(households)
            .where(households.c.id == key)
            .values(
                code_lookup=code_lookup(town.keyring, area, code),
                code_sealed=seal(code.encode(), b"households.code"),
                head_sealed=seal(head.encode(), b"households.head"),
                address_sealed=seal(address.encode(), b"households.address") if address else None,
            )
        )
        made = []
        for number, (name, sex, birth, relation) in enumerate(members, 1):
            statement = (
                insert(persons)
                .values(
                    household_id=key,
                    number=number,
                    name_sealed=seal(name.encode(), b"persons.name"),
                    sex=sex,
                    birth_sealed=seal(birth.encode(), b"persons.birth") if birth else None,
                    relation=relation,
                    status="active",
                    created_at=town.now,
                    changed_at=town.now,
                )
                .returning(persons.c.id)
            )
            made.append(connection.execute(statement).scalar_one())  # type: ignore[attr-defined]
        return Family(key, code, tuple(made))

    return town.database.write(write)
