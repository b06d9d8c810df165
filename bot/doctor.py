"""What is well with an installation, and what is not. Looking changes nothing."""

from __future__ import annotations

import json
import shutil
import stat
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from bot.office import dial, socket_path
from bot.settings import Settings, keyring, keys_path, load
from storage import accounts, areas, migrate
from storage.crypto import parse_keys
from storage.database import Database
from storage.faults import as_problem
from surveys.problems import Problem

if TYPE_CHECKING:
    from sqlalchemy import Connection

MEBIBYTE = 2**20
LITTLE = 1024 * MEBIBYTE
"""Free bytes on the disk below which an operator should know."""
TOO_LITTLE = 100 * MEBIBYTE
"""Free bytes below which a day's answers may not fit."""

ONLINE_WITHIN = 10
"""Seconds to wait for a platform."""


@dataclass(frozen=True, slots=True)
class Check:
    """One thing looked at. ``outcome``: ``ok``, ``warning`` or ``failed``; ``key`` and ``params`` say why."""

    name: str
    outcome: str
    key: str
    params: Mapping[str, object] = field(default_factory=dict)


def _wrong(name: str, problem: Problem, outcome: str = "failed") -> Check:
    return Check(name, outcome, f"problem.{problem.code.removeprefix('problem.')}", problem.params)


def examine(environment: Mapping[str, str] | None = None, *, online: bool = False) -> Iterator[Check]:
    """Look at everything in turn; ``online`` asks the chat platforms, too. What depends on a failure is
    left out.
    """
    try:
        settings = load(environment)
    except Problem as problem:
        yield _wrong("settings", problem)
        return
    yield Check("settings", "ok", "doctor.settings.ok")
    yield from _keys(settings)
    yield from _database(settings)
    yield from _disk(settings)
    yield from _address(settings)
    yield _telegram(settings, online)


def _keys(settings: Settings) -> Iterator[Check]:
    path = keys_path(settings)
    file = settings.database_file
    if path is not None and not path.exists() and file is not None and not file.exists():
        yield Check("keys", "ok", "doctor.keys.new", {"file": path})
        return
    try:
        if path is not None and path.exists():
            parse_keys(path.read_text("ascii"))
        else:
            # Never reached where a file would be made: it is there, or the database is without it.
            keyring(settings)
    except Problem as problem:
        yield _wrong("keys", problem)
        return
    except (OSError, UnicodeDecodeError):
        yield _wrong("keys", Problem("keys_file_unreadable", file=str(path)))
        return
    if path is not None and stat.S_IMODE(path.stat().st_mode) & 0o077:
        yield Check("keys", "failed", "doctor.keys.mode", {"file": path})
        return
    yield Check("keys", "ok", "doctor.keys.ok")


def _database(settings: Settings) -> Iterator[Check]:
    file = settings.database_file
    if file is not None and not file.exists():
        yield Check("database", "warning", "doctor.database.none", {"file": file})
        return
    try:
        with Database(settings.database) as database:
            empty = migrate.is_empty(database.engine)
            pending = migrate.pending(database.engine)
            yield Check("database", "ok", f"doctor.database.{'embedded' if file else 'server'}")
            if pending:
                key = "doctor.migrations.empty" if empty else "doctor.migrations.pending"
                yield Check("migrations", "failed", key, {"count": len(pending)})
                return
            yield Check("migrations", "ok", "doctor.migrations.ok")
            today = datetime.now(settings.time_zone).date()

            def look(connection: Connection) -> tuple[dict[str, int], int]:
                return areas.vintages(connection), accounts.administrators(connection, today)

            loaded, administrators = database.read(look)
    except Exception as fault:
        problem = as_problem(fault)
        if problem is None:
            raise
        yield _wrong("database", problem)
        return
    yield from _content(loaded, administrators)
    if file is not None:
        yield _server(file)


def _content(loaded: Mapping[str, int], administrators: int) -> Iterator[Check]:
    if loaded:
        held = "; ".join(f"{vintage}: {count}" for vintage, count in loaded.items())
        yield Check("areas", "ok", "doctor.areas.ok", {"held": held})
    else:
        yield Check("areas", "warning", "doctor.areas.none")
    if administrators:
        yield Check("administrators", "ok", "doctor.administrators.ok", {"count": administrators})
    else:
        yield Check("administrators", "warning", "doctor.administrators.none")


def _server(file: Path) -> Check:
    try:
        line = dial(socket_path(file))
    except Problem as problem:
        return _wrong("server", problem, "warning")
    if line is None:
        return Check("server", "ok", "doctor.server.none")
    with closing(line):
        return Check("server", "ok", "doctor.server.ok")


def _disk(settings: Settings) -> Iterator[Check]:
    file = settings.database_file
    if file is None:
        return
    folder = file.absolute().parent
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free
    outcome = "failed" if free < TOO_LITTLE else "warning" if free < LITTLE else "ok"
    yield Check("disk", outcome, f"doctor.disk.{outcome}", {"megabytes": free // MEBIBYTE, "folder": folder})


def _address(settings: Settings) -> Iterator[Check]:
    parts = urlsplit(settings.public_url)
    local = parts.hostname in ("127.0.0.1", "localhost", "::1")
    if parts.scheme == "https" or local:
        key = "doctor.address.local" if local else "doctor.address.ok"
        yield Check("address", "ok", key, {"address": settings.public_url})
    else:
        yield Check("address", "warning", "doctor.address.plain", {"address": settings.public_url})


def _telegram(settings: Settings, online: bool) -> Check:
    if not settings.telegram:
        return Check("telegram", "ok", "doctor.telegram.off")
    if not online:
        return Check("telegram", "ok", "doctor.telegram.not_asked")
    # The address holds the token, so neither it nor an error that quotes it is ever shown.
    asked = f"{settings.telegram_api_base}/bot{settings.telegram_token}/getMe"
    try:
        with urllib.request.urlopen(asked, timeout=ONLINE_WITHIN) as answer:  # noqa: S310 (http or https: checked)
            me = json.loads(answer.read(65_536))
        return Check("telegram", "ok", "doctor.telegram.ok", {"name": me["result"]["username"]})
    except urllib.error.HTTPError as error:
        refused = error.code in (401, 404)
        error.close()
        return Check("telegram", "failed", f"doctor.telegram.{'token' if refused else 'unreachable'}")
    except (OSError, ValueError, KeyError, TypeError):
        return Check("telegram", "failed", "doctor.telegram.unreachable")
