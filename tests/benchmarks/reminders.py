"""What a campaign of a million cases costs the scheduler: claiming a thousand due cases, and a whole tick.

``python -m tests.benchmarks.reminders [--postgres] [--cases N] [--json FILE]``. The ground is made by plain
statements; what is measured is the product's own code. On a shared machine compare rows of one run.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from sqlalchemy import Connection, text

from bot.contacting import tick
from storage import cases, contacting
from tests import postgres
from tests.benchmarks.bots import Stores
from tests.street import Street, at, street
from tests.town import ZONE

NUMBER, DUE = 1_000_000, 1_000
TIMES = 15


@dataclass(frozen=True, slots=True)
class Measured:
    """Milliseconds: the median of several times, the lowest and the highest."""

    database: str
    what: str
    median: float
    lowest: float
    highest: float


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.reminders", description=__doc__)
    parser.add_argument("--postgres", action="store_true", help="on PostgreSQL, too")
    parser.add_argument("--cases", type=int, default=NUMBER)
    parser.add_argument("--json", type=Path, metavar="FILE")
    given = parser.parse_args()
    found = []
    for kind in ("SQLite", *(["PostgreSQL"] if given.postgres else [])):
        with ground(kind) as url, street(url, 1) as one:
            fill(one, given.cases)
            found += measure(kind, one, given.cases)
    print(f"{'database':<12}{'what':<58}{'median':>9}{'lowest':>9}{'highest':>9}  ms")
    for each in found:
        print(f"{each.database:<12}{each.what:<58}{each.median:>9.2f}{each.lowest:>9.2f}{each.highest:>9.2f}")
    if given.json is not None:
        given.json.write_text(json.dumps([asdict(each) for each in found], indent=1) + "\n", "utf-8")
    return 0


def both(stores: Stores, tell: Callable[[str], object], number: int) -> list[Measured]:
    """Everything on SQLite, and on PostgreSQL where there is one."""
    found = []
    for kind in ("SQLite", "PostgreSQL"):
        try:
            if kind == "PostgreSQL":
                stores.server()
        except postgres.NoServer as problem:
            tell(f"without PostgreSQL: {problem}")
            continue
        tell(f"{kind}: {number:,} cases")
        with ground(kind) as url, street(url, 1) as one:
            fill(one, number)
            found += measure(kind, one, number)
    return found


@contextmanager
def ground(kind: str) -> Iterator[str]:
    """The URL of an empty database."""
    with tempfile.TemporaryDirectory(prefix="hoidan-bench-") as folder:
        if kind == "SQLite":
            yield f"sqlite:///{Path(folder) / 'hoidan.db'}"
            return
        run = postgres.begin()
        try:
            server = postgres.server_of(run.folder, durable=True)
            yield server.url(server.create_database())
        finally:
            run.close()


def fill(one: Street, number: int) -> None:
    """``number`` households with a telephone and a case each; a thousand of them due, spread over all."""
    every = number // DUE

    def write(connection: Connection) -> None:
        series = (
            "SELECT generate_series(1, :n) AS i"
            if connection.dialect.name == "postgresql"
            else "WITH RECURSIVE s(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM s WHERE i < :n) "
            "SELECT i FROM s"
        )
        blob = "decode(md5(i::text), 'hex')" if connection.dialect.name == "postgresql" else "randomblob(16)"
        base = {"n": number, "now": one.now, "campaign": one.campaign}
        for statement in (
            f"""INSERT INTO households (id, area_vintage, area_code, given_vintage, given_code, neighbourhood,
                status, created_at, changed_at)
                SELECT i + 10, '2025-07-01', '26740', '2025-07-01', '26740', 'KP ' || (i % 50), 'active',
                    :now, :now
                FROM ({series}) AS x""",
            f"""INSERT INTO contacts (id, channel, address_lookup, address_sealed, status, created_at)
                SELECT i + 10, 'telegram', {blob}, {blob}, 'active', :now FROM ({series}) AS x""",
            f"""INSERT INTO sessions (contact_id, language, version, updated_at)
                SELECT i + 10, 'vi', 1, :now FROM ({series}) AS x""",
            f"""INSERT INTO contact_links (contact_id, household_id, since, how)
                SELECT i + 10, i + 10, :now, 'import' FROM ({series}) AS x""",
            f"""INSERT INTO cases (campaign_id, unit, area_code, disposition, created_at, changed_at,
                household_id, next_at)
                SELECT :campaign, 'household', '26740', '3.10', :now, :now, i + 10,
                CASE WHEN i % {every} = 0 THEN :due ELSE :later END FROM ({series}) AS x""",
        ):
            given = dict(base)
            if ":due" in statement:
                given |= {"due": at(2, 2, 8), "later": at(2, 20, 8)}
            connection.execute(text(statement), {k: v for k, v in given.items() if f":{k}" in statement})

    one.town.database.write(write)
    with one.town.database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("ANALYZE"))


def measure(kind: str, one: Street, number: int) -> list[Measured]:
    """The rows of the table."""
    database, now = one.town.database, at(2, 2, 8)

    def claim() -> float:
        def work(connection: Connection) -> float:
            began = time.perf_counter()
            found = cases.due(connection, one.campaign, now, DUE)
            took = (time.perf_counter() - began) * 1000
            assert len(found) == DUE
            return took

        return database.write(work, bulk=True)

    def look() -> float:
        def work(connection: Connection) -> float:
            ids = cases.due(connection, one.campaign, now, 200)
            began = time.perf_counter()
            contacting.look(connection, ids, now, ZONE, ("telegram",))
            return (time.perf_counter() - began) * 1000

        return database.write(work, bulk=True)

    results = [
        times(kind, f"claim {DUE:,} due among {number:,} cases", claim, TIMES),
        times(kind, "read 200 cases as the rules see them", look, TIMES),
    ]
    one.now = at(2, 2, 7, 59)
    idle = lambda: timed(lambda: tick(database, one.to))  # noqa: E731
    results.append(times(kind, "a tick with nothing due", idle, TIMES))
    one.now = now
    began = time.perf_counter()
    ticked = tick(database, one.to)
    took = (time.perf_counter() - began) * 1000
    assert ticked.written >= DUE - 1
    results.append(Measured(kind, f"a tick that writes {ticked.written:,} invitations", took, took, took))
    return results


def timed(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return (time.perf_counter() - began) * 1000


def times(kind: str, what: str, measured: Callable[[], float], number: int) -> Measured:
    """The first time doesn't count."""
    measured()
    found = [measured() for _ in range(number)]
    return Measured(
        kind, what, round(statistics.median(found), 2), round(min(found), 2), round(max(found), 2)
    )


if __name__ == "__main__":
    sys.exit(main())
