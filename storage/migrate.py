"""Bringing a database up to date: the revisions in ``storage/migrations``, run without any configuration
file.

Revisions only go up. To go back, restore the backup made before: a revision may drop what the older program
needs. Whoever changes :mod:`storage.schema` adds a revision in the same commit::

    python -m storage.migrate "What changes"
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, Engine, inspect, text

from storage.database import make_engine, parse_url
from surveys.problems import Problem

if TYPE_CHECKING:
    from alembic.config import Config

_FOLDER = Path(__file__).parent / "migrations"
_VERSIONS = "alembic_version"
_LOCK = 7_310_271_101
"""Key of the advisory lock under which one process at a time migrates a PostgreSQL database."""


def revisions() -> tuple[str, ...]:
    """All revisions the program knows, the oldest first: the numbers in front of their files' names."""
    return tuple(sorted(path.name.partition("_")[0] for path in (_FOLDER / "versions").glob("[0-9]*_*.py")))


def pending(engine: Engine) -> tuple[str, ...]:
    """The revisions still to be run, the oldest first; empty when the database is up to date.

    Raises Problem ``database_newer`` when the database was made by a later version of the program, and
    ``database_foreign`` when it holds tables but no record of revisions.
    """
    with engine.connect() as connection:
        return _pending(connection)


def _pending(connection: Connection) -> tuple[str, ...]:
    known = revisions()
    tables = inspect(connection).get_table_names()
    if _VERSIONS not in tables:
        if tables:
            raise Problem("database_foreign", table=sorted(tables)[0])
        return known
    current = connection.execute(text(f"SELECT version_num FROM {_VERSIONS}")).scalar()  # noqa: S608
    if current is None:
        return known
    if current not in known:
        raise Problem("database_newer", revision=current)
    return known[known.index(current) + 1 :]


def is_empty(engine: Engine) -> bool:
    """Whether the database has no table at all."""
    return not inspect(engine).get_table_names()


def upgrade(engine: Engine) -> tuple[str, ...]:
    """Run what is pending, all in one transaction, and return it. Several may call this at once."""
    with engine.connect() as connection, _alone(connection):
        ran = _pending(connection)
        if ran:
            from alembic import command

            command.upgrade(_config(connection), "head")
        return ran


@contextmanager
def _alone(connection: Connection) -> Iterator[None]:
    """A transaction that keeps other migrations out. On SQLite, foreign keys are checked at its end."""
    if connection.dialect.name != "sqlite":
        with connection.begin():
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
            yield
        return
    # Changing a table on SQLite means copying it and dropping the old one, which foreign keys would forbid;
    # and that setting can't be changed inside a transaction.
    connection.exec_driver_sql("PRAGMA foreign_keys=OFF")
    connection.rollback()
    try:
        with connection.begin():
            connection.exec_driver_sql("BEGIN IMMEDIATE")
            yield
            broken = connection.exec_driver_sql("PRAGMA foreign_key_check").first()
            if broken is not None:
                raise RuntimeError(f"a migration left a row of {broken[0]} that refers to nothing")
    finally:
        connection.exec_driver_sql("PRAGMA foreign_keys=ON")
        connection.rollback()


def _config(connection: Connection) -> Config:
    # Alembic takes a fifth of a second to import; what only looks does without.
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(_FOLDER).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config


def write_revision(message: str) -> Path:
    """Write a revision that leads from the existing ones to :mod:`storage.schema`, to be read over; for
    developers.
    """
    from alembic import command

    engine = make_engine(parse_url("sqlite://"))
    with engine.connect() as connection:
        if revisions():
            command.upgrade(_config(connection), "head")
        number = f"{len(revisions()) + 1:04}"
        script = command.revision(_config(connection), message, autogenerate=True, rev_id=number)
    engine.dispose()
    if script is None or isinstance(script, list):
        raise RuntimeError("no single revision was written")
    path = Path(script.path)
    kept = [line for line in path.read_text("utf-8").splitlines() if not line.strip().startswith("# ###")]
    path.write_text("\n".join(kept) + "\n", "utf-8")
    subprocess.run([sys.executable, "-m", "ruff", "format", "--quiet", str(path)], check=True)
    return path


if __name__ == "__main__":
    print(write_revision(sys.argv[1]))
