"""A town laid once and copied for every test, since making one takes longer than most tests."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from bot.desk import Desk
from bot.questionnaires import Shelf
from bot.turns import Turns
from storage.crypto import Keyring
from storage.database import Database
from tests.town import ZONE, Town, found


@dataclass(frozen=True, slots=True)
class Ground:
    """An embedded database as :func:`lay` left it, and what opens it."""

    file: Path
    keyring: Keyring
    admin: int
    shelf: Shelf
    desk: Desk
    now: int


def lay(folder: Path, now: int, prepare: Callable[[Town], object]) -> Ground:
    """Found a town in an empty folder and ``prepare`` it."""
    file = folder / "ground.db"
    town = found(f"sqlite:///{file}", instruments=(), now=now)
    prepare(town)
    ground = Ground(file, town.keyring, town.admin, town.shelf, town.desk, town.now)
    town.close()
    return ground


def copied(ground: Ground, folder: Path) -> Town:
    """The same town once more, to do with as one likes."""
    file = folder / "town.db"
    shutil.copyfile(ground.file, file)
    database = Database(f"sqlite:///{file}")
    town = Town(database, ground.keyring, ground.shelf, ground.desk, None, ground.admin, ground.now)  # type: ignore[arg-type]
    town.turns = Turns(database, ground.keyring, ground.shelf, ground.desk, ZONE, clock=lambda: town.now)
    return town
