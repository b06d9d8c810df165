"""Work too long for a turn: queued with the turn, run in a child process, told back to who asked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec
from sqlalchemy import Connection, or_, select, update

from storage.crypto import Keyring
from storage.database import insert_row
from storage.schema import tasks

_ARGUMENTS = b"tasks.arguments"
_RESULT = b"tasks.result"


@dataclass(frozen=True, slots=True)
class Task:
    """A claimed task."""

    id: int
    kind: str
    account_id: int | None
    contact_id: int | None
    arguments: Mapping[str, Any]
    attempts: int


def queue(
    connection: Connection,
    keyring: Keyring,
    kind: str,
    arguments: Mapping[str, Any],
    account_id: int | None,
    contact_id: int | None,
    now: int,
) -> int:
    """Write a task; its id."""
    key = insert_row(
        connection,
        tasks,
        kind=kind,
        account_id=account_id,
        contact_id=contact_id,
        arguments_sealed=keyring.seal(msgspec.json.encode(arguments), _ARGUMENTS),
        state="due",
        created_at=now,
        changed_at=now,
    )
    return int(key)


def claim(connection: Connection, keyring: Keyring, holder: str, now: int, length: int) -> Task | None:
    """Take the oldest due task, or one whose holder let it lapse, for ``length`` milliseconds."""
    row = connection.execute(
        select(tasks)
        .where(or_(tasks.c.state == "due", (tasks.c.state == "running") & (tasks.c.held_until < now)))
        .order_by(tasks.c.created_at, tasks.c.id)
        .limit(1)
        .with_for_update(skip_locked=True)
    ).one_or_none()
    if row is None:
        return None
    connection.execute(
        update(tasks)
        .where(tasks.c.id == row.id)
        .values(
            state="running", holder=holder, held_until=now + length, attempts=row.attempts + 1, changed_at=now
        )
    )
    arguments = msgspec.json.decode(keyring.open(row.arguments_sealed, _ARGUMENTS))
    return Task(row.id, row.kind, row.account_id, row.contact_id, arguments, row.attempts + 1)


def lapse(connection: Connection) -> None:
    """End every claim: for the one owner of an embedded database, before it begins. Who held one is dead."""
    connection.execute(update(tasks).where(tasks.c.state == "running").values(held_until=0))


def keep(connection: Connection, task_id: int, holder: str, progress: int, now: int, length: int) -> None:
    """Still at it: progress in percent."""
    connection.execute(
        update(tasks)
        .where(tasks.c.id == task_id, tasks.c.holder == holder)
        .values(progress=progress, held_until=now + length, changed_at=now)
    )


def finish(
    connection: Connection,
    keyring: Keyring,
    task_id: int,
    holder: str,
    result: Mapping[str, Any],
    now: int,
    *,
    failed: bool = False,
) -> bool:
    """Write the result; False when the task is no longer this holder's."""
    done = connection.execute(
        update(tasks)
        .where(tasks.c.id == task_id, tasks.c.holder == holder, tasks.c.state == "running")
        .values(
            state="failed" if failed else "done",
            progress=100,
            result_sealed=keyring.seal(msgspec.json.encode(result), _RESULT),
            changed_at=now,
        )
    )
    return done.rowcount == 1
