"""Households merged, split and moved to new areas by staff, and how that is taken back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Column, ColumnElement, Connection, Table, insert, literal, null, select, update

from storage.crypto import Keyring
from storage.household_contacts import hand_over
from storage.household_events import opened_detail, record
from storage.households import ACTIVE, COMING, get, household_row
from storage.schema import contact_links, household_events, households, persons
from surveys.areas import AreaKey
from surveys.frames.lists import Household, Relation
from surveys.problems import Problem


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
    others come along, as do all contacts. A household has one head: who headed ``gone`` is in ``keep``
    without a relation, until somebody says which. Both households must be locked, active and of one commune.
    """
    number = max((one.number for one in keep.members), default=0)
    headed = any(one.relation is Relation.HEAD for one in keep.members if one.status == ACTIVE)
    people: list[dict[str, Any]] = []
    for one in gone.members:
        if one.status != ACTIVE:
            continue
        relation = one.relation.value if one.relation else ""
        people.append(
            {"id": one.id, "household": gone.id, "number": one.number, "status": one.status}
            | {"relation": relation}
        )
        if one.id in twins:
            values: dict[str, Any] = {"status": "duplicate", "moved_to": twins[one.id]}
        else:
            number += 1
            values = {"household_id": keep.id, "number": number}
            if headed and one.relation is Relation.HEAD:
                values["relation"] = ""
        _set(connection, persons, one.id, now, **values)
    moved = hand_over(connection, gone.id, keep.id, [entry["id"] for entry in people], twins)
    _set(connection, households, gone.id, now, status="merged", merged_into=keep.id)
    detail = {"people": people, "links": moved}
    return record(
        connection, keyring, keep, "merged", detail, other_id=gone.id, account_id=account_id, now=now
    )


def _set(connection: Connection, table: Table, key: int, now: int, **values: Any) -> None:
    connection.execute(update(table).where(table.c.id == key).values(changed_at=now, **values))


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
        .values(**household_row(keyring, new), status=ACTIVE, created_at=now, changed_at=now)
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
    event = record(
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
    detail = opened_detail(keyring, sealed)
    for was in detail["people"]:
        values = {name: was[name] for name in ("number", "status", "relation")}
        _set(connection, persons, was["id"], now, household_id=was["household"], moved_to=None, **values)
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
        hand_over(connection, done.other_id, done.household_id, [], {})
        _set(connection, households, done.other_id, now, status="merged", merged_into=done.household_id)
    household = get(connection, keyring, done.household_id)
    assert household is not None
    return record(
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
