"""Databases with all their tables, made by the migrations once and copied for every test after that."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from functools import lru_cache
from pathlib import Path

from storage.database import Database
from storage.migrate import upgrade
from tests.postgres import Server


def migrate(url: str) -> None:
    """Give the database at ``url`` its tables."""
    with Database(url) as database:
        upgrade(database.engine)


def put(path: Path) -> str:
    """The URL of an embedded database with all tables, newly at ``path``."""
    shutil.copyfile(_template(), path)
    return f"sqlite:///{path}"


def create(server: Server) -> str:
    """The name of a new database of ``server`` with all tables."""
    return server.create_database(server.template("migrated", migrate))


@lru_cache(maxsize=1)
def _template() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="hoidan-tables-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    migrate(f"sqlite:///{folder / 'tables.db'}")
    return folder / "tables.db"
