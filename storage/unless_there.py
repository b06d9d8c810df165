"""Inserting what may be there already, on both kinds of database."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Table
from sqlalchemy.dialects import postgresql, sqlite


def insert_unless_there(connection: Connection, table: Table, **values: Any) -> int | None:
    """Insert a row; its first key column, or None when a row with the same unique key stands in the way."""
    first = next(iter(table.primary_key))
    if connection.dialect.name == "sqlite":
        statement = sqlite.insert(table).values(**values).on_conflict_do_nothing().returning(first)
        return connection.execute(statement).scalar()
    same = postgresql.insert(table).values(**values).on_conflict_do_nothing().returning(first)
    return connection.execute(same).scalar()
