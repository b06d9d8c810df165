"""Households and people of a frame for tests, written as rows: how they get there from a list is tested
elsewhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import insert, select

from storage.schema import contact_links, households, persons
from surveys.areas import AreaKey

AT = 1_767_571_200_000


def settle(
    connection: Any,
    area: AreaKey,
    number: int,
    *,
    neighbourhoods: Sequence[str] = ("Khu phố 1",),
    people: int = 0,
    status: str = "active",
) -> list[int]:
    """``number`` households in a commune, spread over its neighbourhoods in turn, each with so many people;
    their ids.
    """
    made: list[int] = []
    for count in range(number):
        made.append(
            connection.execute(
                insert(households)
                .values(
                    area_vintage=area[0],
                    area_code=area[1],
                    given_vintage=area[0],
                    given_code=area[1],
                    neighbourhood=neighbourhoods[count % len(neighbourhoods)],
                    status=status,
                    created_at=AT,
                    changed_at=AT,
                )
                .returning(households.c.id)
            ).scalar_one()
        )
    rows = [
        {"household_id": key, "number": place, "status": "active", "created_at": AT, "changed_at": AT}
        for key in made
        for place in range(1, people + 1)
    ]
    if rows:
        connection.execute(insert(persons), rows)
    return made


def people_of(connection: Any, household: int) -> list[int]:
    """The people of a household."""
    found = select(persons.c.id).where(persons.c.household_id == household).order_by(persons.c.number)
    return list(connection.execute(found).scalars())


def link(connection: Any, contact_id: int, household: int, person: int | None = None) -> None:
    """Let a contact speak for a household or for one person of it."""
    connection.execute(
        insert(contact_links).values(
            contact_id=contact_id, household_id=household, person_id=person, since=AT, how="staff"
        )
    )
