"""Words that something has changed: a message was queued, an account halted, a campaign paused.

Nobody relies on hearing them: whoever listens also looks by itself now and then. On PostgreSQL every process
hears them (LISTEN and NOTIFY), on SQLite the one process there is. They go out with the commit of the
transaction that tells them, and with nothing else.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable

import psycopg
from sqlalchemy import Connection, Engine, bindparam, func, select

log = logging.getLogger("hoidan.signals")

CAMPAIGNS = "campaigns"
"""A campaign was paused, resumed, closed."""
_CHANNEL = "hoidan"
_LOOK_S = 0.5
"""How often the listener looks whether it should end."""
_AGAIN_S = 2.0
"""How long it waits before it connects again."""
_INFO = "hoidan.told"

_NOTIFY = select(func.pg_notify(_CHANNEL, bindparam("topic")))


def queued(channel: str) -> str:
    """The topic of messages queued for a channel."""
    return f"outbox:{channel}"


def halted(channel: str) -> str:
    """The topic of halts of a channel's account."""
    return f"halts:{channel}"


def tell(connection: Connection, *topics: str) -> None:
    """Say ``topics`` when this transaction commits; if it does not, nobody hears of it."""
    if connection.dialect.name == "sqlite":
        connection.info.setdefault(_INFO, set()).update(topics)
        return
    for topic in topics:
        connection.execute(_NOTIFY, {"topic": topic})


def take_told(connection: Connection) -> frozenset[str]:
    """What an embedded database's transaction has told, for whoever ends it; asked once."""
    return frozenset(connection.info.pop(_INFO, ()))


class Signals:
    """Who listens in this process. Callbacks come from any thread, must be quick, may come for nothing."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._lock = threading.Lock()
        self._callbacks: dict[str, list[Callable[[], None]]] = {}
        self._thread: threading.Thread | None = None
        self._closing = threading.Event()

    def listen(self, topic: str, callback: Callable[[], None]) -> Callable[[], None]:
        """Have ``callback`` called whenever ``topic`` is told; returns what ends that."""
        with self._lock:
            self._callbacks.setdefault(topic, []).append(callback)
            if self._thread is None and self._engine.dialect.name != "sqlite":
                self._thread = threading.Thread(target=self._run, name="signals", daemon=True)
                self._thread.start()

        def end() -> None:
            with self._lock:
                self._callbacks[topic].remove(callback)

        return end

    def heard(self, topics: Iterable[str]) -> None:
        """Call whoever listens to ``topics``."""
        with self._lock:
            called = [callback for topic in topics for callback in self._callbacks.get(topic, ())]
        for callback in called:
            try:
                callback()
            except RuntimeError as fault:
                # Of an event loop that has ended meanwhile: nobody there waits any more.
                log.debug("a listener is gone: %s", fault)

    def close(self) -> None:
        """Listen no more."""
        self._closing.set()
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        while not self._closing.is_set():
            try:
                self._listen()
            except (psycopg.Error, OSError) as fault:
                log.info("signals are not heard for a moment: %s", type(fault).__name__)
                self._closing.wait(_AGAIN_S)

    def _listen(self) -> None:
        """Hear what is told until the connection ends or we close."""
        arguments, options = self._engine.dialect.create_connect_args(self._engine.url)
        options = {"connect_timeout": 5, "application_name": "hoidan signals", **options}
        with psycopg.connect(*arguments, **options, autocommit=True) as connection:
            connection.execute(f"LISTEN {_CHANNEL}")
            # What was told while nobody listened is not told again.
            self.heard(list(self._callbacks))
            while not self._closing.is_set():
                self.heard({note.payload for note in connection.notifies(timeout=_LOOK_S)})
