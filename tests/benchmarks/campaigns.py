"""Measures the opening of a campaign: a million cases made set by set while turns go on, and what a pause
and a claim cost beside them.

    python -m tests.benchmarks.campaigns [--households 1000000] [--only sqlite,postgresql] [--json FILE]

The frame is made by SQL, then the real steps of :mod:`bot.opening` run in the lane of bulk work. Meanwhile a
writer in the lane of turns writes down an event every few milliseconds and notes how long it took, commit
included; how long that takes with nothing beside is the first row. Processor time is printed beside the
seconds: on a shared machine it moves less.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import resource
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import psutil
from sqlalchemy import Connection, text

from bot import opening
from bot.actions.gate import VIETNAM
from storage import campaigns, cases, events
from storage.database import Database
from surveys.campaigns import Status
from surveys.designs import Drawn
from surveys.roles import Role
from tests import postgres
from tests.benchmarks.bots import Stores
from tests.ward import CITY, NOW, Ward, found, publication

COMMUNES = 168
"""As many as Hồ Chí Minh City has."""
CLAIM = 1_000
ALONE_S = 2.0
"""Seconds of turns with nothing beside."""


@dataclass(frozen=True, slots=True)
class Row:
    """One measurement. Waits are those of turns meanwhile, in milliseconds; ``processor`` seconds count the
    database server's, too; ``memory`` is the most that this process held meanwhile, in MiB.
    """

    database: str
    what: str
    cases: int
    seconds: float
    processor: float
    wait_p50: float
    wait_p99: float
    wait_most: float
    memory: float


def frame(database: Database, households: int) -> None:
    """Households in the communes of a city, by SQL."""
    each = max(1, households // COMMUNES)
    if database.is_sqlite:
        numbers = (
            f"WITH RECURSIVE s(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM s WHERE i < {households})"
            " SELECT i FROM s"
        )
        blob, padded = "zeroblob(60)", f"substr('00' || (i / {each}), -3)"
    else:
        numbers = f"SELECT i FROM generate_series(1, {households}) i"
        blob, padded = "decode(repeat('00', 60), 'hex')", f"to_char(i / {each}, 'FM000')"
    areas = ", ".join(
        f"('{CITY[0]}', 'c{number:03}', 'Xã {number}', 'xã', 'commune', '{CITY[1]}', '2025-07-01')"
        for number in range(COMMUNES + 1)
    )
    code = f"'c' || {padded}"
    rows = (
        "INSERT INTO households (area_vintage, area_code, given_vintage, given_code, neighbourhood,"
        " head_sealed, address_sealed, status, created_at, changed_at)"
        f" SELECT '{CITY[0]}', {code}, '{CITY[0]}', {code},"
        f" 'Khu phố ' || (i % {each}) / 300, {blob}, {blob}, 'active', {NOW}, {NOW} FROM ({numbers}) q"
    )

    def write(connection: Connection) -> None:
        columns = "vintage, code, name, type, level, parent, valid_from"
        connection.execute(text(f"INSERT INTO areas ({columns}) VALUES {areas}"))
        connection.execute(text(rows))

    database.write(write)
    with database.engine.connect() as connection:
        # As the server's own maintenance leaves a table some time after it was filled.
        tidy = "ANALYZE" if database.is_sqlite else "VACUUM (ANALYZE)"
        connection.execution_options(isolation_level="AUTOCOMMIT").execute(text(tidy))


def frame_at(url: str, households: int) -> None:
    """The same as a process of its own, so that what it takes is not counted."""
    with Database(url) as database:
        frame(database, households)


def draft(ward: Ward, **asked: Any) -> int:
    """A draft in the whole city that somebody has approved; its number."""
    made = int(ward.act("campaign.create", **ward.draft(CITY, consent="dong_y-v0", **asked))["id"])
    approver = ward.staff(Role.APPROVER, CITY)
    ward.act("campaign.approve", approver, campaign=made, size=10_000_000)
    return made


class Undone(Exception):
    """What a transaction did was only to be timed."""


class Turns:
    """A turn every few milliseconds that writes down its event, and how long each took with its commit."""

    _numbers = itertools.count()

    def __init__(self, database: Database) -> None:
        self._database = database
        self._stop = threading.Event()
        self.waits: list[float] = []
        self._thread = threading.Thread(target=self._run, daemon=True)

    def _run(self) -> None:
        while not self._stop.wait(0.004):
            asked = time.perf_counter()
            keys = [("telegram", f"turn {next(self._numbers)}")]
            self._database.write(partial(events.mark_seen, keys=keys, now=NOW))
            self.waits.append((time.perf_counter() - asked) * 1000)

    @contextmanager
    def going_on(self) -> Iterator[None]:
        self._thread.start()
        try:
            yield
        finally:
            self._stop.set()
            self._thread.join()


def processor(database: Database) -> float:
    """Seconds of this process, and of the PostgreSQL server if it is one."""
    own = psutil.Process().cpu_times()
    spent = own.user + own.system
    if not database.is_sqlite:
        backend = database.read(lambda c: c.execute(text("SELECT pg_backend_pid()")).scalar_one())
        server = psutil.Process(backend).parent()
        assert server is not None
        for process in (server, *server.children()):
            times = process.cpu_times()
            spent += times.user + times.system
    return spent


def measured(database: Database, name: str, what: str, run: Callable[[], Any], number: int) -> Row:
    """Run something beside turns."""
    turns = Turns(database)
    forget_peak()
    spent = processor(database)
    began = time.perf_counter()
    with turns.going_on():
        run()
        seconds = time.perf_counter() - began
    waits = sorted(turns.waits) or [0.0]
    return Row(
        name,
        what,
        number,
        round(seconds, 3),
        round(processor(database) - spent, 2),
        round(statistics.median(waits), 2),
        round(waits[int(len(waits) * 0.99)], 2),
        round(waits[-1], 2),
        round(peak() / 2**20, 1),
    )


STATUS = Path("/proc/self/status")


def forget_peak() -> None:
    """Where the system can, begin to look for the most memory anew."""
    with suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")


def peak() -> int:
    """The most memory of this process so far, in bytes."""
    if STATUS.exists():
        line = next(line for line in STATUS.read_text().splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def draw(url: str, campaign_id: int) -> tuple[Drawn, opening.Order]:
    """Draw a sample, as the worker's child process does."""

    def read(connection: Connection) -> tuple[Drawn, opening.Order]:
        campaign = campaigns.expect(connection, campaign_id)
        return opening.draw(connection, campaign, opening.frame_of(connection, campaign))

    with Database(url) as database:
        return database.read(read)


def measure(url: str, name: str, households: int) -> list[Row]:
    """Everything on one database, empty before."""
    ward = found(url)
    database = ward.database
    of_households = publication("ho")
    of_households["definition"]["instrument"]["unit"] = "household"
    ward.act("instrument.publish", **of_households)
    other = publication("mau")
    other["definition"]["instrument"]["unit"] = "household"
    ward.act("instrument.publish", **other)
    with ProcessPoolExecutor(1, get_context("spawn")) as elsewhere:
        elsewhere.submit(frame_at, url, households).result()

    def opened(campaign: int) -> Callable[[], Any]:
        async def run() -> None:
            with ProcessPoolExecutor(1) as elsewhere:

                def drawing() -> Awaitable[tuple[Drawn, opening.Order]]:
                    # As the worker does it: in a process of its own.
                    return asyncio.get_running_loop().run_in_executor(elsewhere, draw, url, campaign)

                await opening.open_by_steps(database, campaign, VIETNAM, clock=lambda: NOW, drawing=drawing)

        return lambda: asyncio.run(run())

    census = draft(ward, mode="census", instrument="ho-v0")
    rows = [
        measured(database, name, "(turns alone)", lambda: time.sleep(ALONE_S), 0),
        measured(database, name, "open a census", opened(census), households),
    ]
    known = database.read(lambda c: campaigns.expect(c, census))
    assert (known.size, known.status) == (households, Status.OPEN)
    counted = "SELECT count(*) FROM cases WHERE campaign_id = :campaign"
    number = database.read(lambda c: c.execute(text(counted), {"campaign": census}).scalar_one())
    assert number == households, f"{number} cases"
    size = min(20_000, households // 10)
    sample = draft(
        ward,
        title="Mẫu",
        mode="sample",
        instrument="mau-v0",
        design={"size": size, "strata": "commune", "seed": "1"},
    )
    rows.append(measured(database, name, f"draw and open a sample of {size}", opened(sample), size))
    due = 10**15
    taken: list[int] = []

    def claim() -> None:
        taken.extend(database.write(lambda c: cases.due(c, census, due, CLAIM)))

    rows.append(measured(database, name, f"claim {CLAIM} due cases", claim, CLAIM))
    assert len(taken) == min(CLAIM, households)
    rows.append(
        measured(
            database,
            name,
            "pause",
            lambda: database.write(lambda c: campaigns.set_status(c, census, Status.PAUSED, NOW)),
            households,
        )
    )
    rows.append(
        measured(
            database,
            name,
            "claim beside a paused campaign",
            lambda: database.write(lambda c: cases.due(c, sample, due, CLAIM)),
            min(CLAIM, size),
        )
    )
    # What a pause would cost if it took the plan of every case away, the other way to do it.
    plan_away = "UPDATE cases SET next_at = NULL WHERE campaign_id = :campaign AND next_at IS NOT NULL"
    rows.append(
        measured(
            database,
            name,
            "(a pause that rewrites every case)",
            lambda: database.write(lambda c: c.execute(text(plan_away), {"campaign": census}), bulk=True),
            households,
        )
    )

    def at_once(connection: Connection) -> None:
        columns = "campaign_id, unit, area_code, neighbourhood, disposition, created_at, changed_at, next_at"
        connection.execute(
            text(
                f"INSERT INTO cases ({columns}, household_id) SELECT :campaign, 'household', area_code,"
                f" neighbourhood, '3.10', {NOW}, {NOW}, {NOW}, -id FROM households WHERE status = 'active'"
            ),
            {"campaign": sample},
        )
        raise Undone

    def plainly() -> None:
        with suppress(Undone):
            database.write(at_once, bulk=True)

    rows.append(measured(database, name, "(open all at once, undone)", plainly, households))
    ward.close()
    return rows


def show(rows: Sequence[Row]) -> None:
    """The rows as a table."""
    heads = list(asdict(rows[0]))
    lines = [heads, *([str(value) for value in asdict(row).values()] for row in rows)]
    widths = [max(len(line[place]) for line in lines) for place in range(len(heads))]
    for line in lines:
        print("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())


def both(stores: Stores, tell: Callable[[str], object], households: int) -> list[Row]:
    """Everything on SQLite, and on PostgreSQL where there is one."""
    with tempfile.TemporaryDirectory(prefix="hoidan-campaigns-") as folder:
        tell(f"SQLite: a frame of {households:,} households")
        rows = measure(f"sqlite:///{folder}/hoidan.db", "SQLite", households)
    try:
        server = stores.server()
    except postgres.NoServer as problem:
        tell(f"without PostgreSQL: {problem}")
        return rows
    tell(f"PostgreSQL: a frame of {households:,} households")
    return rows + measure(server.url(server.create_database()), "PostgreSQL", households)


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.campaigns", description=__doc__)
    parser.add_argument("--households", type=int, default=1_000_000)
    parser.add_argument("--only", default="sqlite,postgresql", metavar="DATABASES")
    parser.add_argument("--json", type=Path, metavar="FILE")
    given = parser.parse_args()
    rows: list[Row] = []
    with tempfile.TemporaryDirectory(prefix="hoidan-campaigns-") as folder:
        if "sqlite" in given.only:
            rows += measure(f"sqlite:///{folder}/hoidan.db", "SQLite", given.households)
    if "postgresql" in given.only:
        run = postgres.begin()
        try:
            server = postgres.server_of(run.folder, durable=True)
            rows += measure(server.url(server.create_database()), "PostgreSQL", given.households)
        finally:
            run.close()
    show(rows)
    if given.json is not None:
        given.json.write_text(json.dumps([asdict(row) for row in rows], indent=2, ensure_ascii=False))
    return 0


if __name__ == "__main__":
    sys.exit(main())
