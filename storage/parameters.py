"""Parameters as set by the office: every value a parameter ever had, the newest in force."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import Connection, func, select

from storage.schema import parameters
from storage.unless_there import insert_unless_there
from surveys.parameters import PARAMETERS, expect


@dataclass(frozen=True, slots=True)
class Setting:
    """A parameter's value. ``version`` 0: the default, never set."""

    name: str
    value: int | str
    version: int = 0
    set_at: int | None = None
    set_by: int | None = None


def number(connection: Connection, name: str) -> int:
    """The value in force. Raises Problem ``parameter_unknown``."""
    return int(text(connection, name))


def numbers(connection: Connection, names: Collection[str]) -> dict[str, int]:
    """The values in force of several parameters at once. Raises Problem ``parameter_unknown``."""
    found = {name: int(expect(name).default) for name in names}
    statement = (
        select(parameters.c.name, parameters.c.value)
        .where(parameters.c.name.in_(names))
        .order_by(parameters.c.version)
    )
    return found | {name: int(value) for name, value in connection.execute(statement)}


def text(connection: Connection, name: str) -> str:
    """The value in force as a text. Raises Problem ``parameter_unknown``."""
    parameter = expect(name)
    value: str | None = connection.execute(
        select(parameters.c.value)
        .where(parameters.c.name == name)
        .order_by(parameters.c.version.desc())
        .limit(1)
    ).scalar()
    return str(parameter.default) if value is None else value


def _read(name: str, written: str) -> int | str:
    return written if isinstance(expect(name).default, str) else int(written)


def history(connection: Connection, name: str) -> list[Setting]:
    """Every value that was set, the oldest first."""
    rows = connection.execute(
        select(parameters).where(parameters.c.name == name).order_by(parameters.c.version)
    )
    return [Setting(row.name, _read(name, row.value), row.version, row.set_at, row.set_by) for row in rows]


def in_force(connection: Connection) -> list[Setting]:
    """Every parameter there is, with the value in force."""
    return [
        next(reversed(history(connection, name)), Setting(name, p.default)) for name, p in PARAMETERS.items()
    ]


def put(connection: Connection, name: str, value: int | str, now: int, set_by: int | None) -> Setting:
    """Write ``value`` (checked already) as the newest version. An equal value is not written again."""
    newest = next(reversed(history(connection, name)), None)
    if newest is not None and newest.value == value:
        return newest
    while True:
        version = (
            connection.execute(
                select(func.max(parameters.c.version)).where(parameters.c.name == name)
            ).scalar()
            or 0
        ) + 1
        written = insert_unless_there(
            connection, parameters, name=name, version=version, value=str(value), set_at=now, set_by=set_by
        )
        if written is not None:
            return Setting(name, value, version, now, set_by)
