"""The bots that are measured: started afresh on empty stores, watched as a tree of processes, stopped or
killed.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

from tests import postgres
from tests.benchmarks import survey
from tests.benchmarks.telegram import SECRET, TOKEN, Telegram

HERE = Path(__file__).parent
HOME = HERE.parent.parent
READY = 40.0
"""Seconds a bot may take to listen, seeding included."""
PATH = "/hook"


@dataclass(frozen=True, slots=True)
class Kind:
    """A bot to measure. ``code`` follows ``/start``; ``server``: it keeps its data in PostgreSQL; ``more``:
    added to its environment.
    """

    name: str
    command: tuple[str, ...]
    code: str = ""
    server: bool = False
    more: tuple[tuple[str, str], ...] = ()


_PTB = (sys.executable, "-m", "tests.benchmarks.ptb_bot", "--transport")
OURS = Kind("hoidan, SQLite", (str(HERE / "target"),), survey.CODE)
OURS_SERVER = Kind("hoidan, PostgreSQL", (str(HERE / "target"),), survey.CODE, server=True)
PTB = Kind("python-telegram-bot", (*_PTB, "httpx"))
PTB_AIOHTTP = Kind("python-telegram-bot over aiohttp", (*_PTB, "aiohttp"))
KINDS = (OURS, OURS_SERVER, PTB, PTB_AIOHTTP)


@dataclass(frozen=True, slots=True)
class Spent:
    """Processor seconds, user and system, and resident bytes."""

    bot: float
    server: float
    generator: float
    machine: float
    resident: int


@dataclass(slots=True)
class Bot:
    """A bot that runs. ``environment`` is what it was started with."""

    kind: Kind
    process: subprocess.Popen[bytes]
    environment: Mapping[str, str]
    telegram: Telegram
    servers: tuple[int, ...]

    def spent(self) -> Spent:
        """What was used up to now."""
        own, times = os.times(), psutil.cpu_times()
        bot, resident = tree([self.process.pid])
        return Spent(
            bot=bot,
            server=tree(self.servers)[0],
            generator=own.user + own.system,
            machine=sum(getattr(times, name, 0.0) for name in ("user", "nice", "system", "irq", "softirq")),
            resident=resident,
        )

    def kill(self) -> None:
        """SIGKILL to the whole group, without a warning."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def stop(self) -> None:
        """SIGTERM, then after a while SIGKILL."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGTERM)
            try:
                self.process.wait(15)
            except subprocess.TimeoutExpired:
                self.kill()

    def saved(self) -> set[int]:
        """The updates whose effect is in the database."""
        command = [str(HERE / "saved")]
        said = subprocess.run(command, env=self.environment, stdout=subprocess.PIPE, text=True, check=True)
        return set(map(int, said.stdout.split()))


def tree(roots: Iterable[int]) -> tuple[float, int]:
    """Processor seconds and resident bytes of processes with all below them."""
    seconds, resident = 0.0, 0
    for pid in roots:
        try:
            top = psutil.Process(pid)
            processes = [top, *top.children(recursive=True)]
        except psutil.Error:
            continue
        for process in processes:
            try:
                times = process.cpu_times()
                seconds += times.user + times.system
                resident += process.memory_info().rss
            except psutil.Error:
                continue
    return seconds, resident


class Stores:
    """Empty stores, one after another: a folder below the temporary one, and a database where wanted."""

    def __init__(self) -> None:
        self._run: postgres.Run | None = None
        self._server: postgres.Server | None = None

    def server(self) -> postgres.Server:
        """The PostgreSQL server of this run, writing through to the disk. Raises NoServer."""
        if self._server is None:
            self._run = self._run or postgres.begin()
            self._server = postgres.server_of(self._run.folder, durable=True)
        return self._server

    @property
    def pids(self) -> tuple[int, ...]:
        """The server's process, if one was started."""
        if self._server is None:
            return ()
        return tuple(each.pid for each in postgres.postmasters(self._server.folder / "data"))

    def close(self) -> None:
        if self._run is not None:
            self._run.close()


@asynccontextmanager
async def running(kind: Kind, stores: Stores, *, latency: float = 0.0) -> AsyncIterator[Bot]:
    """``kind`` started on empty stores, with a Telegram of its own; stopped and its stores removed at the
    end.

    ``latency``: seconds that every Bot API call takes.
    """
    data = Path(tempfile.mkdtemp(prefix="hoidan-bench-"))
    server = stores.server() if kind.server else None
    database = server.create_database() if server else ""
    port, api_port = free_port(), free_port()
    telegram = Telegram(f"http://127.0.0.1:{port}{PATH}", code=kind.code, latency=latency)
    await telegram.open(api_port)
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith(("HOIDAN_", "PG"))},
        "WEBHOOK_PORT": str(port),
        "WEBHOOK_PATH": PATH,
        "WEBHOOK_SECRET": SECRET,
        "BOT_API_BASE": f"http://127.0.0.1:{api_port}",
        "BOT_TOKEN": TOKEN,
        "DATA_DIR": str(data),
        **dict(kind.more),
        **({"PG_DSN": server.dsn(database)} if server else {}),
    }
    bot = Bot(kind, start(kind, environment), environment, telegram, stores.pids if server else ())
    try:
        await listening(bot)
        yield bot
    finally:
        bot.stop()
        await telegram.aclose()
        if server:
            server.drop_database(database)
        shutil.rmtree(data, ignore_errors=True)


def start(kind: Kind, environment: Mapping[str, str]) -> subprocess.Popen[bytes]:
    """The bot's process, leader of a group of its own."""
    return subprocess.Popen(
        kind.command,
        env=dict(environment),
        cwd=HOME,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=(Path(environment["DATA_DIR"]) / "log").open("ab"),
        start_new_session=True,
    )


async def listening(bot: Bot) -> None:
    """Return once the bot accepts connections. Raises RuntimeError with what it said when it does not."""
    deadline = time.monotonic() + READY
    while time.monotonic() < deadline and bot.process.poll() is None:
        try:
            _, writer = await asyncio.open_connection(bot.telegram.host, bot.telegram.port)
        except OSError:
            await asyncio.sleep(0.05)
            continue
        writer.close()
        await asyncio.sleep(0.3)
        bot.telegram.window()
        return
    said = (Path(bot.environment["DATA_DIR"]) / "log").read_text("utf-8", "replace")
    raise RuntimeError(f"{bot.kind.name} does not listen: {said.strip()[-2000:]}")


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as line:
        line.bind(("127.0.0.1", 0))
        port: int = line.getsockname()[1]
    return port
