"""By which contacts households and their people are reached: several of one person, one of several people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, insert, select, update

from storage import household_events
from storage.crypto import Keyring
from storage.schema import contact_links, contacts
from surveys.frames.lists import Household


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
    household_events.record(connection, keyring, household, "linked", detail, account_id=account_id, now=now)
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
    household_events.record(connection, keyring, household, "linked", detail, account_id=account_id, now=now)
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


def hand_over(
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
