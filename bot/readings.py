"""Results that take longer than a turn may: allowed by an action, worked out afterwards in a snapshot of
its own.

An action that returns a :class:`Reading` has checked who asks and for what; nothing is looked at before it
is worked out
outside of the transaction that writes, so that nobody's turn waits for a table.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from storage.database import Database

if TYPE_CHECKING:
    from sqlalchemy import Connection


@dataclass(frozen=True, slots=True)
class Reading:
    """What is to be worked out: a name and plain arguments, so that it can wait in the outbox."""

    name: str
    arguments: Mapping[str, Any]


Worker = Callable[["Connection", Mapping[str, Any]], Any]

_workers: dict[str, Worker] = {}


def reading(name: str) -> Callable[[Worker], Worker]:
    """Register how the reading ``name`` is worked out."""

    def register(worker: Worker) -> Worker:
        _workers[name] = worker
        return worker

    return register


def work_out(connection: Connection, asked: Reading) -> Any:
    """The result, as plain data."""
    return _workers[asked.name](connection, asked.arguments)


def finish(database: Database, result: Any) -> Any:
    """``result`` itself, or what it stands for."""
    return (
        database.read(lambda connection: work_out(connection, result))
        if isinstance(result, Reading)
        else result
    )


async def finishing(database: Database, result: Any) -> Any:
    """The same without blocking the event loop."""
    if not isinstance(result, Reading):
        return result
    return await database.reading(lambda connection: work_out(connection, result))


def to_wait(asked: Reading) -> dict[str, Any]:
    """A reading as parameters of a message in the outbox; :func:`waited` works it out at the moment of
    sending.
    """
    return {_READING: asked.name, "arguments": dict(asked.arguments)}


async def waited(database: Database, params: Mapping[str, Any]) -> Mapping[str, Any]:
    """The parameters of a message, worked out if they are a reading that waited."""
    name = params.get(_READING)
    if not isinstance(name, str):
        return params
    result: Mapping[str, Any] = await finishing(database, Reading(name, params["arguments"]))
    return result


_READING = "reading"
