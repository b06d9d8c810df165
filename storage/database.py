"""Engines, and the lanes that every write goes through.

SQLite allows one writer, so all writes of a process go through one lane: a thread with one connection,
jobs in two
priorities (turns first, bulk work when nothing else waits). PostgreSQL has a lane per priority, each with
its own
connection, so that bulk work never makes a turn wait. A job is a function of an open connection; the lane
begins and
commits the transaction around it. Reads run in their own short transactions, side by side.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import sqlite3
import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import lru_cache
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

from sqlalchemy import Connection, Engine, Insert, Table, create_engine, event, insert, text
from sqlalchemy.engine import URL as URL
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, InterfaceError, OperationalError
from sqlalchemy.pool import QueuePool

from storage.signals import Signals, take_told
from surveys.problems import Problem

T = TypeVar("T")

BUSY_MS = 5_000
"""How long SQLite waits for another process's write lock before it says so."""

_SQLITE_GROUND = ("locked", "busy", "disk", "full", "readonly", "unable to open", "i/o error", "interrupted")


def of_the_ground(fault: BaseException) -> bool:
    """Whether ``fault`` comes from the database's surroundings (connection, disk, lock, serialization)
    rather than
    from what was written: then it is worth trying again.
    """
    if not isinstance(fault, DBAPIError):
        return False
    if fault.connection_invalidated or isinstance(fault, InterfaceError):
        return True
    if not isinstance(fault, OperationalError):
        return False
    if isinstance(fault.orig, sqlite3.Error):
        # SQLite calls a missing column operational, too.
        said = str(fault.orig).lower()
        return any(word in said for word in _SQLITE_GROUND)
    return True


def parse_url(url: str) -> URL:
    """The database address, or a Problem that says which forms are understood."""
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise Problem("database_url") from None
    if parsed.drivername in ("postgresql", "postgres"):
        parsed = parsed.set(drivername="postgresql+psycopg")
    if parsed.drivername not in ("sqlite", "postgresql+psycopg"):
        raise Problem("database_url")
    return parsed


def make_engine(url: URL) -> Engine:
    """An engine set up for the product: SQLite in WAL with synchronous=FULL, PostgreSQL in READ COMMITTED."""
    if url.drivername == "sqlite":
        if url.database and url.database != ":memory:" and not url.database.startswith("file:"):
            Path(url.database).parent.mkdir(parents=True, exist_ok=True)
        engine = create_engine(
            url,
            poolclass=QueuePool,
            pool_size=8,
            max_overflow=8,
            hide_parameters=True,  # What is written must not show in a fault's text, nor in a log.
            connect_args={"check_same_thread": False, "timeout": BUSY_MS / 1000},
        )
        event.listen(engine, "connect", _prepare_sqlite)
        return engine
    return create_engine(
        url,
        pool_size=8,
        max_overflow=8,
        pool_pre_ping=True,
        hide_parameters=True,
        pool_recycle=1800,
        connect_args={"connect_timeout": 5, "application_name": "hoidan"},
    )


def _prepare_sqlite(connection: Any, _record: object) -> None:
    # The driver must not begin transactions by itself: the lanes say BEGIN IMMEDIATE, readers a plain BEGIN.
    connection.isolation_level = None
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA synchronous=FULL")
    cursor.execute("PRAGMA foreign_keys=ON")
    cursor.execute("PRAGMA temp_store=MEMORY")
    cursor.execute("PRAGMA cache_size=-65536")
    cursor.execute("PRAGMA journal_size_limit=67108864")
    cursor.execute("PRAGMA wal_autocheckpoint=4000")
    cursor.close()


Transact = Callable[[Callable[[Connection], Any]], Any]
"""Runs a function of a connection in one write transaction and returns after the commit."""


class Lane:
    """One thread, one connection, work in two priorities. ``signals`` hear what an embedded database
    tells.
    """

    def __init__(self, engine: Engine, name: str, signals: Signals) -> None:
        self._engine = engine
        self._signals = signals
        self._turns: deque[tuple[Callable[[Transact], Any], Future[Any]]] = deque()
        self._bulk: deque[tuple[Callable[[Transact], Any], Future[Any]]] = deque()
        self._wake = threading.Condition()
        self._closing = False
        self._connection: Connection | None = None
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def submit(self, work: Callable[[Transact], T], *, bulk: bool) -> Future[T]:
        """Queue ``work``, which gets the lane's ``transact`` and may call it several times in a row."""
        future: Future[T] = Future()
        with self._wake:
            if self._closing:
                raise RuntimeError("the lane is closed")
            (self._bulk if bulk else self._turns).append((work, future))
            self._wake.notify()
        return future

    def write(self, job: Callable[[Connection], T], *, bulk: bool = False) -> Future[T]:
        """Queue one transaction; the future is done after the commit."""

        def work(transact: Transact) -> T:
            result: T = transact(job)
            return result

        return self.submit(work, bulk=bulk)

    def close(self) -> None:
        """Finish what waits, then stop."""
        with self._wake:
            self._closing = True
            self._wake.notify()
        self._thread.join()

    def _run(self) -> None:
        while True:
            with self._wake:
                while not (self._turns or self._bulk or self._closing):
                    self._wake.wait()
                if not (self._turns or self._bulk):
                    break
                work, future = (self._turns or self._bulk).popleft()
            if not future.set_running_or_notify_cancel():
                continue
            try:
                result = work(self._transact)
            except BaseException as fault:
                future.set_exception(fault)
            else:
                future.set_result(result)
        self._drop()

    def _transact(self, job: Callable[[Connection], T]) -> T:
        try:
            if self._connection is None:
                self._connection = self._engine.connect()
            connection = self._connection
            take_told(connection)  # What a transaction told that was undone.
            with connection.begin():
                if connection.dialect.name == "sqlite":
                    connection.exec_driver_sql("BEGIN IMMEDIATE")
                result = job(connection)
            if told := take_told(connection):
                self._signals.heard(told)
            return result
        except BaseException as fault:
            if of_the_ground(fault):
                self._drop()
            raise

    def _drop(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            try:
                connection.close()
            except DBAPIError:
                connection.invalidate()


class Database:
    """The one way to the tables: ``read`` and ``write`` with a function of a connection."""

    def __init__(self, url: str) -> None:
        self.url = parse_url(url)
        self.engine = make_engine(self.url)
        self.is_sqlite = self.url.drivername == "sqlite"
        self.signals = Signals(self.engine)
        self._lane = Lane(self.engine, "writes", self.signals)
        self._bulk_lane = self._lane if self.is_sqlite else Lane(self.engine, "bulk writes", self.signals)
        self._own_lanes: list[Lane] = []
        self._readers = ThreadPoolExecutor(max_workers=4, thread_name_prefix="reads")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self.close()

    @property
    def path(self) -> Path | None:
        """The file of an embedded database."""
        return Path(self.url.database) if self.is_sqlite and self.url.database else None

    def submit(self, job: Callable[[Connection], T], *, bulk: bool = False) -> Future[T]:
        """Queue a write; the future is done after the commit."""

        return (self._bulk_lane if bulk else self._lane).write(job, bulk=bulk)

    def work(self, work: Callable[[Transact], T]) -> Future[T]:
        """Queue work of several transactions in a row, in the lane of turns."""
        return self._lane.submit(work, bulk=False)

    def lane(self, name: str) -> Lane:
        """A lane for work that neither keeps turns waiting nor waits for bulk work: with a connection of its
        own on PostgreSQL, the one there is on SQLite.
        """
        if self.is_sqlite:
            return self._lane
        made = Lane(self.engine, name, self.signals)
        self._own_lanes.append(made)
        return made

    def write(self, job: Callable[[Connection], T], *, bulk: bool = False) -> T:
        """Run ``job`` in a write transaction and wait for the commit."""
        return self.submit(job, bulk=bulk).result()

    async def writing(self, job: Callable[[Connection], T], *, bulk: bool = False) -> T:
        """The same without blocking the event loop."""
        return await asyncio.wrap_future(self.submit(job, bulk=bulk))

    def read(self, job: Callable[[Connection], T]) -> T:
        """Run ``job`` in one snapshot."""
        with self.engine.connect() as connection, connection.begin():
            if self.is_sqlite:
                connection.exec_driver_sql("BEGIN")
            else:
                connection.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY"))
            return job(connection)

    async def reading(self, job: Callable[[Connection], T]) -> T:
        """The same without blocking the event loop."""
        return await asyncio.wrap_future(self._readers.submit(self.read, job))

    def ready(self) -> None:
        """Raise when the database can't be reached or is not up to date."""
        with self.engine.connect() as connection:
            connection.execute(text("SELECT 1"))

    def close(self) -> None:
        for lane in {self._lane, self._bulk_lane, *self._own_lanes}:
            lane.close()
        self.signals.close()
        self._readers.shutdown()
        self.engine.dispose()


@lru_cache
def _inserting(table: Table) -> Insert:
    return insert(table).returning(table.c.id)


def insert_row(connection: Connection, table: Table, **values: Any) -> int:
    """Insert one row; its id. The statement is built once: building one costs more than running it."""
    key: int = connection.execute(_inserting(table), values).scalar_one()
    return key


class Ownership:
    """The lock on an embedded database file: one process at a time may write it."""

    def __init__(self, database: Path) -> None:
        self._path = database.with_name(database.name + ".lock")
        self._handle: int | None = None

    def take(self) -> bool:
        """Whether the file is ours now."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(handle)
            return False
        os.ftruncate(handle, 0)
        os.write(handle, str(os.getpid()).encode())
        self._handle = handle
        return True

    def release(self) -> None:
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None


def now_ms() -> int:
    """This instant, as the tables hold it."""
    return time.time_ns() // 1_000_000
