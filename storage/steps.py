"""Steps: which messages of our own accord a case has had. One row a message, written before the send.

The key *(case, step)* is the one place that says whether a message was sent already: whoever writes the row
writes the outbox row in the same transaction, so both are there or neither is.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

from sqlalchemy import Connection, Select, bindparam, delete, func, insert, select

from storage.schema import steps


@dataclass(frozen=True, slots=True)
class Step:
    """One message: number ``step`` of a case (0 the invitation), to whom, and the outbox row that is it.

    ``household_id`` is None for who belongs to no household of the frame.
    """

    case_id: int
    step: int
    at: int
    contact_id: int
    household_id: int | None
    outbox_key: str


_NAMES = tuple(each.name for each in fields(Step))
_TAKE = insert(steps)


def key_of(case_id: int, step: int) -> str:
    """The key of the outbox row of a step."""
    return f"case:{case_id}:{step}"


def read_key(key: str) -> tuple[int, int] | None:
    """*(case, step)* of an outbox row's key; None for the key of anything else."""
    kind, _, rest = key.partition(":")
    case_id, _, step = rest.partition(":")
    if kind != "case" or not (case_id.isdecimal() and step.isdecimal()):
        return None
    return int(case_id), int(step)


def take(connection: Connection, taken: Sequence[Step]) -> None:
    """Write steps. One that was taken before raises IntegrityError, and with it nothing is written."""
    if taken:
        connection.execute(_TAKE, [{name: getattr(one, name) for name in _NAMES} for one in taken])


_TAKEN = (
    select(*(steps.c[name] for name in _NAMES))
    .where(steps.c.case_id.in_(bindparam("cases", expanding=True)))
    .order_by(steps.c.case_id, steps.c.step)
)


def of_cases(connection: Connection, case_ids: Collection[int]) -> dict[int, list[Step]]:
    """The steps of these cases, in order; a case without any is left out."""
    found: dict[int, list[Step]] = {}
    for row in connection.execute(_TAKEN, {"cases": list(case_ids)}):
        found.setdefault(row.case_id, []).append(Step(*row))
    return found


_UNDO = delete(steps).where(steps.c.case_id == bindparam("of_case"), steps.c.step == bindparam("number"))


def undo(connection: Connection, undone: Sequence[tuple[int, int]]) -> None:
    """Take steps back, each *(case, step)*: their messages did not go out, and will not."""
    if undone:
        connection.execute(_UNDO, [{"of_case": case_id, "number": step} for case_id, step in undone])


_TO_HOUSEHOLDS = (
    select(steps.c.household_id, func.count())
    .where(steps.c.household_id.in_(bindparam("ids", expanding=True)), steps.c.at > bindparam("since"))
    .group_by(steps.c.household_id)
)
_TO_CONTACTS = (
    select(steps.c.contact_id, func.count())
    .where(
        steps.c.contact_id.in_(bindparam("ids", expanding=True)),
        steps.c.household_id.is_(None),
        steps.c.at > bindparam("since"),
    )
    .group_by(steps.c.contact_id)
)


def to_households(connection: Connection, ids: Collection[int], since: int) -> Mapping[int, int]:
    """How many messages these households had after ``since``, over all campaigns."""
    return _counted(connection, _TO_HOUSEHOLDS, ids, since)


def to_contacts(connection: Connection, ids: Collection[int], since: int) -> Mapping[int, int]:
    """The same for contacts, as far as no household is known."""
    return _counted(connection, _TO_CONTACTS, ids, since)


def _counted(
    connection: Connection, statement: Select[Any], ids: Collection[int], since: int
) -> Mapping[int, int]:
    if not ids:
        return {}
    rows = connection.execute(statement, {"ids": list(ids), "since": since})
    return {row[0]: int(row[1]) for row in rows}
