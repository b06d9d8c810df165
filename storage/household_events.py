"""What became of households: taken in, changed, merged, split, moved to a new area, linked, and who did it.

Nothing is ever deleted by a change: an event keeps, sealed, what was before it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec
from sqlalchemy import Connection, func, insert, select, tuple_

from storage import contacting
from storage.crypto import Keyring
from storage.schema import household_events, household_imports
from surveys.areas import AreaKey
from surveys.frames.lists import Household

_DETAIL = b"household_events.detail"


@dataclass(frozen=True, slots=True)
class Event:
    """What became of a household: see ``household_events``. ``undone``: it was taken back.

    ``area``: where the household was, of what moved it to a new area where it came from and where it came
    to, an event each. ``was``: of a change what was before, ``{"household": {"head": …}, "people": {"31":
    {"name": …}}, "new": 1}``.
    """

    id: int
    what: str
    at: int
    household_id: int
    other_id: int | None
    account_id: int | None
    import_id: int | None
    area: AreaKey
    was: Mapping[str, Any]
    undone: bool


def edition(connection: Connection, communes: Collection[AreaKey]) -> int:
    """A number that is another one after every change of the households of these communes."""
    e = household_events.c
    waiting = select(household_imports.c.id).where(household_imports.c.state == "waiting")
    statement = select(func.count()).where(
        tuple_(e.area_vintage, e.area_code).in_(sorted(communes)),
        e.import_id.is_(None) | e.import_id.not_in(waiting),
    )
    return int(connection.execute(statement).scalar_one())


def events(connection: Connection, keyring: Keyring, household_id: int) -> list[Event]:
    """What became of a household, the oldest first."""
    e = household_events.c
    undoing = household_events.alias()
    statement = (
        select(household_events, undoing.c.id.label("by"))
        .select_from(household_events.outerjoin(undoing, undoing.c.undoes == e.id))
        .where((e.household_id == household_id) | (e.other_id == household_id))
        .order_by(e.id)
    )
    return [
        Event(
            id=row.id,
            what=row.what,
            at=row.at,
            household_id=row.household_id,
            other_id=row.other_id,
            account_id=row.account_id,
            import_id=row.import_id,
            area=(row.area_vintage, row.area_code),
            was=opened_detail(keyring, row.detail_sealed) if row.what == "changed" else {},
            undone=row.by is not None,
        )
        for row in connection.execute(statement)
    ]


def record(
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
        detail_sealed=None if detail is None else sealed_detail(keyring, detail),
    )
    key: int = connection.execute(statement.returning(household_events.c.id)).scalar_one()
    # Whoever is reached by other contacts now is written to by them.
    contacting.replan_households(connection, [household.id, *([] if other_id is None else [other_id])], now)
    return key


def sealed_detail(keyring: Keyring, detail: Mapping[str, Any]) -> bytes:
    """What was before a change, as it is kept."""
    return keyring.seal(msgspec.json.encode(detail), _DETAIL)


def opened_detail(keyring: Keyring, sealed: bytes | None) -> dict[str, Any]:
    """The same again; empty where nothing was kept."""
    return {} if sealed is None else msgspec.json.decode(keyring.open(sealed, _DETAIL), type=dict[str, Any])
