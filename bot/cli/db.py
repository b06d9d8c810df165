"""``hoidan db``: the tables."""

from __future__ import annotations

from bot.cli.frame import Command, Group, Shown, say
from bot.settings import keyring, load
from storage import migrate
from storage.database import Database, Ownership
from surveys.problems import Problem

db = Group("db")


@db.command(cls=Command)
def upgrade() -> Shown:
    settings = load()
    # First the keys: a database whose keys were lost is not to be touched.
    keyring(settings)
    file = settings.database_file
    owner = Ownership(file) if file is not None else None
    if owner is not None and not owner.take():
        raise Problem("database_in_use", status=503)
    try:
        with Database(settings.database) as database:
            ran = migrate.upgrade(database.engine)
    finally:
        if owner is not None:
            owner.release()
    key = "db.upgraded" if ran else "db.current"
    return Shown({"ran": list(ran)}, [say(key, revisions=", ".join(ran))])
