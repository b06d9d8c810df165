"""How the command line acts: as an account, on a database that a server may own.

On an embedded database one process owns the file. While ``hoidan serve`` runs, commands go to it over a
socket beside the database (mode 600; JSON over HTTP; the kernel says which user is at the other end); else
a command takes the lock and acts itself. On PostgreSQL commands act directly: whoever has its address and
the keys is its owner.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import logging
import os
import pwd
import socket
import struct
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol
from zoneinfo import ZoneInfo

import msgspec

from bot.actions import ACTIONS, Act, Actor, settle
from bot.readings import Reading, finish, finishing
from bot.settings import Settings, keyring
from storage import accounts, migrate
from storage.crypto import Keyring
from storage.database import Database, Ownership, now_ms
from storage.faults import as_problem
from surveys.problems import Problem

if TYPE_CHECKING:
    from aiohttp import web
    from sqlalchemy import Connection

CHANNEL = "cli"
LARGEST = 64 * 2**20
"""Bytes of a request: a file of areas with all its columns has some ten million."""

PATIENCE = 15.0
"""Seconds a command waits for another one to let go of the database."""

ANSWER_WITHIN = 600.0
"""Seconds a server may take over one action: an import of the whole country on a small machine."""

log = logging.getLogger(__name__)


class Office(Protocol):
    """Where actions are done for the command line."""

    def call(self, action: str, arguments: Mapping[str, Any], as_account: str | None = None) -> Any:
        """The action's result as plain data (dicts, lists, strings, numbers).

        ``as_account`` names the account to act as, by id or name; by default the one bound to the user of the
        operating system. Raises Problem: ``no_account``, and whatever the action raises.
        """


@dataclass(frozen=True, slots=True)
class Desk:
    """An office in this process."""

    database: Database
    keyring: Keyring
    zone: ZoneInfo
    user: str

    def call(self, action: str, arguments: Mapping[str, Any], as_account: str | None = None) -> Any:
        job = Job(self.keyring, self.zone, self.user, action, arguments, as_account)
        result = self.database.write(job, bulk=job.bulk)
        if isinstance(result, Problem):
            raise result
        return finish(self.database, result)


@dataclass(frozen=True, slots=True)
class Job:
    """One action for a user of the operating system, as a function of a connection.

    Its result is plain data, a reading still to be worked out, or the Problem: returned, so that the audit
    row of a refusal is committed.
    """

    keyring: Keyring
    zone: ZoneInfo
    user: str
    action: str
    arguments: Mapping[str, Any]
    as_account: str | None

    @property
    def bulk(self) -> bool:
        """Whether it should wait for people's turns."""
        return self.action in ACTIONS and ACTIONS[self.action].bulk

    def __call__(self, connection: Connection) -> Any:
        now = now_ms()
        try:
            actor = self._actor(connection)
        except Problem as problem:
            return _plain(problem)
        act = Act(
            connection=connection,
            keyring=self.keyring,
            actor=actor,
            now_ms=now,
            today=datetime.fromtimestamp(now / 1000, self.zone).date(),
            channel=CHANNEL,
            zone=self.zone,
        )
        result = settle(act, self.action, self.arguments)
        if isinstance(result, Reading):
            return result
        return _plain(result) if isinstance(result, Problem) else msgspec.to_builtins(result)

    def _actor(self, connection: Connection) -> Actor:
        if self.as_account is not None:
            account = accounts.expect(connection, self.keyring, self.as_account)
            if account.status != "active":
                raise Problem("account_closed", account=account.id)
            return Actor(account_id=account.id, system_user=self.user)
        found = accounts.of_system_user(connection, self.user)
        founding = self.action in ACTIONS and ACTIONS[self.action].founding
        if found is None and (not founding or accounts.any_account(connection)):
            raise Problem("no_account", status=403, user=self.user)
        return Actor(account_id=found, system_user=self.user)


def _plain(problem: Problem) -> Problem:
    """The same problem with its parameters as plain data, as it also comes over the socket."""
    return Problem(problem.code, status=problem.status, **msgspec.to_builtins(problem.params, enc_hook=str))


def user_name(uid: int) -> str:
    """The name of a user of the operating system; its number when it has none (as in some containers)."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


@contextlib.contextmanager
def enter(settings: Settings) -> Iterator[Office]:
    """An office to act in, for the length of one command.

    Raises Problem ``database_busy`` (another command holds the database for too long), ``database_behind``
    (to be upgraded first), and what reading the keys raises.
    """
    file = settings.database_file
    if file is None:
        with opened(settings) as desk:
            yield desk
        return
    owner = Ownership(file)
    deadline = time.monotonic() + PATIENCE
    while not owner.take():
        connection = dial(socket_path(file))
        if connection is not None:
            with contextlib.closing(connection):
                yield Remote(connection)
            return
        if time.monotonic() > deadline:
            raise Problem("database_busy", status=503)
        time.sleep(0.05)
    try:
        with opened(settings) as desk:
            yield desk
    finally:
        owner.release()


@contextlib.contextmanager
def opened(settings: Settings) -> Iterator[Desk]:
    """A desk on a database that this process may write. An embedded one that is new gets its tables first."""
    keys = keyring(settings)
    with Database(settings.database) as database:
        if database.is_sqlite and migrate.is_empty(database.engine):
            migrate.upgrade(database.engine)
        elif migrate.pending(database.engine):
            raise Problem("database_behind", status=503)
        yield Desk(database, keys, settings.time_zone, user_name(os.geteuid()))


# Over the socket


def socket_path(database: Path) -> Path:
    """Where the server that owns ``database`` listens for commands."""
    return database.with_name(database.name + ".sock")


@contextlib.contextmanager
def _short(path: Path) -> Iterator[str]:
    """A name for ``path`` that a socket's address has room for (some hundred bytes), however deep it lies."""
    if len(os.fsencode(path)) < 100:
        yield str(path)
        return
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{folder}/{path.name}"
    finally:
        os.close(folder)


class _Line(http.client.HTTPConnection):
    """HTTP over a socket that is open already."""

    def __init__(self, opened: socket.socket) -> None:
        super().__init__("office")
        self.sock = opened


def dial(path: Path) -> http.client.HTTPConnection | None:
    """A connection to the server that listens at ``path``; None when none does."""
    line = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    line.settimeout(ANSWER_WITHIN)
    try:
        with _short(path) as address:
            line.connect(address)
    except PermissionError:
        line.close()
        raise Problem("office_closed_to_you", status=403) from None
    except OSError:
        line.close()
        return None
    return _Line(line)


@dataclass(frozen=True, slots=True)
class Remote:
    """An office in the server that owns the database."""

    connection: http.client.HTTPConnection

    def call(self, action: str, arguments: Mapping[str, Any], as_account: str | None = None) -> Any:
        asked = {"action": action, "arguments": arguments, "as": as_account}
        body = msgspec.json.encode(asked)
        try:
            self.connection.request("POST", "/act", body, {"Content-Type": "application/json"})
            response = self.connection.getresponse()
            told = json.loads(response.read())
        except (OSError, http.client.HTTPException, ValueError):
            raise Problem("office_gone", status=503) from None
        problem = told.get("problem")
        if problem is not None:
            raise Problem(problem["code"], status=response.status, **problem["params"])
        return told["result"]


class _Asked(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    action: str
    arguments: dict[str, Any] = {}
    as_account: str | None = msgspec.field(default=None, name="as")


_read_asked = msgspec.json.Decoder(_Asked).decode


async def serve_office(database: Database, keys: Keyring, zone: ZoneInfo, path: Path) -> web.AppRunner:
    """Listen at ``path`` (see :func:`socket_path`) until ``cleanup()`` of what is returned.

    Only for the owner of the database's :class:`~storage.database.Ownership`: whatever lies at ``path`` is
    taken for what a killed server left, and removed. Served are this process's own user and root, and
    nobody else.
    """
    from aiohttp import web

    async def act(request: web.Request) -> web.Response:
        uid = _peer(request)
        if uid not in (os.geteuid(), 0):
            return _problem(Problem("office_closed_to_you", status=403))
        try:
            asked = _read_asked(await request.read())
        except msgspec.DecodeError:
            return _problem(Problem("argument_wrong", field="…"))
        job = Job(keys, zone, user_name(uid), asked.action, asked.arguments, asked.as_account)
        try:
            result = await finishing(database, await database.writing(job, bulk=job.bulk))
        except Exception as fault:
            # What went wrong is named by its kind alone: its words may quote what was written.
            log.error("an action failed: %s: %s", asked.action, type(fault).__name__)
            return _problem(as_problem(fault) or Problem("internal", status=500, fault=type(fault).__name__))
        if isinstance(result, Problem):
            return _problem(result)
        return _json({"result": result}, 200)

    async def remove(_application: web.Application) -> None:
        path.unlink(missing_ok=True)

    application = web.Application(client_max_size=LARGEST)
    application.router.add_post("/act", act)
    application.on_cleanup.append(remove)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    try:
        await web.SockSite(runner, listen(path)).start()
    except BaseException:
        await runner.cleanup()
        raise
    return runner


def listen(path: Path) -> socket.socket:
    """A socket at ``path`` that only its owner (and root) can connect to, from its first moment on."""
    path.unlink(missing_ok=True)
    line = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    mask = os.umask(0o177)
    try:
        with _short(path) as address:
            line.bind(address)
    except BaseException:
        line.close()
        raise
    finally:
        os.umask(mask)
    line.listen(16)
    return line


def _peer(request: web.Request) -> int:
    """Which user is at the other end, as the kernel says.

    Where it can't say, the file's mode has let in nobody but this process's own user and root.
    """
    transport = request.transport
    line = None if transport is None else transport.get_extra_info("socket")
    if line is None:
        return -1
    asked = getattr(socket, "SO_PEERCRED", None)
    if asked is None:
        return os.geteuid()
    size = struct.calcsize("3i")
    _process, uid, _group = struct.unpack("3i", line.getsockopt(socket.SOL_SOCKET, asked, size))
    return int(uid)


def _json(document: object, status: int) -> web.Response:
    from aiohttp import web

    return web.Response(body=msgspec.json.encode(document), status=status, content_type="application/json")


def _problem(problem: Problem) -> web.Response:
    return _json({"problem": {"code": problem.code, "params": problem.params}}, problem.status)
