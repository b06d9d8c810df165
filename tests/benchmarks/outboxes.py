"""An outbox of a million messages: that whatever is asked of it costs the same as if they were not there.

First a million that are done stand beside a few that are due, then as many wait. Each figure stands beside
the indexes that the database used, and the claim beside the plain way to write it.
"""

from __future__ import annotations

import re
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from sqlalchemy import Connection, event, text, update

from storage import campaigns, outbox, undelivered
from storage.database import now_ms
from storage.outbox import Settled
from storage.schema import outbox as table
from surveys.campaigns import Status
from tests import postgres
from tests.benchmarks.bots import Stores
from tests.benchmarks.delivery import campaigning, know, numbers, queue_up, tidy
from tests.town import Town

BATCH = 250
"""Messages of a claim: what the paid pace takes in a quarter of a second."""
FEW = 1_000
PEOPLE = 100_000
DROPPED = 1_000
"""Messages of a closed campaign that one transaction drops."""
TIMES = 9


@dataclass(frozen=True, slots=True)
class Asked:
    """What one thing costs, in milliseconds; ``plan``: the indexes of the outbox that were used."""

    store: str
    outbox: str
    what: str
    median: float
    lowest: float
    highest: float
    plan: str


def measure(
    stores: Stores, tell: Callable[[str], object], *, rows: int = 1_000_000, times: int = TIMES
) -> list[Asked]:
    """Everything on SQLite, and on PostgreSQL where there is one."""
    asked: list[Asked] = []
    with TemporaryDirectory(prefix="hoidan-bench-") as folder:
        places = [("SQLite", f"sqlite:///{Path(folder) / 'hoidan.db'}")]
        try:
            server = stores.server()
            places.append(("PostgreSQL", server.url(server.create_database())))
        except postgres.NoServer as problem:
            tell(f"without PostgreSQL: {problem}")
        for store, url in places:
            tell(f"{store}: an outbox of {rows:,} messages, then of {2 * rows:,}")
            asked += measured(store, url, rows, times)
    return asked


def measured(store: str, url: str, rows: int, times: int) -> list[Asked]:
    """Everything on one database, empty before; ``rows`` are at least 6,000."""
    with campaigning(url) as (place, codes):
        people = min(rows, PEOPLE)
        know(place.database, place.keyring, people)
        queue = partial(queue_up, place.database, place.keyring, codes, people)
        ids = queue(0, rows, "sent")
        queue(rows, rows + FEW)
        tidy(place.database)
        one = _Outbox(place, store, f"{rows:,} done, {FEW:,} due", ids, times)
        found = [one.claim(max(1, FEW // (2 * times + 4))), one.lanes(), *one.lists(), one.forget(rows)]
        queue(rows + FEW, 2 * rows)
        _cases(place, ids, rows + FEW, min(2 * rows, rows + FEW + 3 * len(ids) * DROPPED * (times + 2)))
        tidy(place.database)
        one = _Outbox(place, store, f"{rows:,} done, {rows:,} due", ids, times)
        found += [one.claim(BATCH), one.plainly(BATCH), one.lanes(), one.pause(), one.claim(BATCH)]
        return [*found, one.drop(min(DROPPED, rows // 50)), *one.lists(), one.forget(rows)]


def _cases(place: Town, ids: Sequence[int], first: int, last: int) -> None:
    """Cases and steps of the messages of these numbers."""

    def write(connection: Connection) -> None:
        given = {"campaign": ids[0], "campaigns": len(ids), "now": now_ms()}
        series = numbers(place.database, first, last)
        connection.execute(
            text(
                "INSERT INTO cases (id, campaign_id, unit, area_code, disposition, created_at, changed_at,"
                f" sent) {series} SELECT i, :campaign + i % :campaigns, 'household', '26740', '3.20', :now,"
                " :now, 1 FROM n"
            ),
            given,
        )
        connection.execute(
            text(
                f"INSERT INTO steps (case_id, step, at, contact_id, outbox_key) {series} SELECT i, 0, :now,"
                " 1000, 'case:' || i || '\\:0' FROM n"
            ),
            {"now": given["now"]},
        )

    place.database.write(write, bulk=True)


class _Outbox:
    """What is asked of one outbox, several times each."""

    def __init__(self, place: Town, store: str, size: str, ids: Sequence[int], times: int) -> None:
        self._place, self._store, self._size = place, store, size
        self._ids, self._times = list(ids), times
        self._open = list(ids)

    def _asked(self, what: str, work: Callable[[Connection], object], prepare: Any = None) -> Asked:
        """Time ``work`` in transactions of its own, commit included; the first one doesn't count."""
        took, plan = [], ""
        for number in range(self._times + 1):
            if prepare is not None:
                prepare()
            if not number:
                plan = self._place.database.write(partial(planned, work=work), bulk=True)
                continue
            began = time.perf_counter()
            self._place.database.write(work, bulk=True)
            took.append(1000 * (time.perf_counter() - began))
        middle, least, most = (round(one, 2) for one in (statistics.median(took), min(took), max(took)))
        return Asked(self._store, self._size, what, middle, least, most, plan)

    def claim(self, batch: int) -> Asked:
        """Settle a batch and claim the next, as delivery does."""
        claimed: list[outbox.Waiting] = []

        def work(connection: Connection) -> None:
            nonlocal claimed
            now, mine = now_ms(), ("telegram", "bench", 1)
            outbox.settle(connection, "bench", 1, [Settled(each.id, "sent") for each in claimed], now)
            claimed = outbox.claim_bulk(connection, self._place.keyring, *mine, batch, now, self._open)
            assert len(claimed) == batch

        paused = len(self._ids) - len(self._open)
        beside = f" beside {paused} paused" if paused else ""
        return self._asked(f"claim {batch} and settle as many{beside}", work)

    def plainly(self, batch: int) -> Asked:
        """The plain way: the oldest that are due, whose campaigns are open."""
        statement = text(
            "SELECT outbox.id FROM outbox LEFT JOIN campaigns ON campaigns.id = outbox.campaign_id"
            " WHERE outbox.channel = 'telegram' AND outbox.state IN ('due') AND outbox.due_at <= :now"
            " AND (NOT outbox.bulk OR campaigns.status = 'open')"
            " ORDER BY outbox.bulk, outbox.due_at, outbox.id LIMIT :batch"
        )
        given = {"now": now_ms(), "batch": batch}
        return self._asked(f"(only find {batch} the plain way)", lambda c: c.execute(statement, given).all())

    def lanes(self) -> Asked:
        """Which campaigns have messages due."""
        return self._asked("whose messages are due", lambda c: outbox.lanes(c, "telegram", now_ms()))

    def pause(self) -> Asked:
        """Pause a campaign with very many messages."""
        paused = self._ids[0]

        def again() -> None:
            self._place.database.write(lambda c: campaigns.set_status(c, paused, Status.OPEN, now_ms()))

        asked = self._asked(
            "pause a campaign", lambda c: campaigns.set_status(c, paused, Status.PAUSED, now_ms()), again
        )
        self._open.remove(paused)
        return asked

    def drop(self, most: int) -> Asked:
        """Drop messages of a campaign that is over, and take their steps back."""
        over = self._ids[-1]
        self._open.remove(over)
        self._place.database.write(lambda c: campaigns.set_status(c, over, Status.CLOSED, now_ms()))

        def work(connection: Connection) -> None:
            number = outbox.drop_over(connection, "telegram", over, most, now_ms())
            assert number == most

        return self._asked(f"drop {most:,} of a campaign that is over", work)

    def lists(self) -> list[Asked]:
        """What could not be delivered: a few hundred messages."""

        def fail(connection: Connection) -> None:
            some = table.c.id.in_([self._least + 7 * number for number in range(300)])
            connection.execute(update(table).where(some).values(state="failed", fault="refused"))

        self._least = self._place.database.read(
            lambda c: int(c.execute(text("SELECT min(id) FROM outbox")).scalar_one())
        )
        self._place.database.write(fail, bulk=True)
        return [
            self._asked("list what could not be delivered", lambda c: undelivered.listing(c)),
            self._asked("count it by campaign and reason", lambda c: undelivered.groups(c)),
        ]

    def forget(self, rows: int) -> Asked:
        """Delete what was sent long ago, a span at a time."""
        after: int | None = 0
        span = min(5_000, rows // (3 * self._times + 3))

        def work(connection: Connection) -> None:
            nonlocal after
            after, _ = outbox.forget_done(connection, now_ms(), after or 0, span)

        return self._asked(f"forget what was sent among {span:,}", work)


def planned(connection: Connection, work: Callable[[Connection], object]) -> str:
    """Do the work, and say how the database goes through the outbox for it: by which indexes."""
    with listening(connection) as said:
        work(connection)
    used: set[str] = set()
    explain = "EXPLAIN QUERY PLAN " if connection.dialect.name == "sqlite" else "EXPLAIN "
    for statement, given in said:
        if "outbox" not in statement or statement.lstrip().startswith("INSERT"):
            continue
        for row in connection.exec_driver_sql(explain + statement, given).all():
            line = str(row[-1])
            used.update(re.findall(r"\b(?:ix|uq|pk)_outbox\w*", line))
            if re.search(r"SCAN outbox(?! USING)|Seq Scan on outbox", line):
                used.add("all rows")
            if "INTEGER PRIMARY KEY" in line and "outbox" in line:
                used.add("pk_outbox")
            if "TEMP B-TREE FOR ORDER BY" in line or line.strip().startswith("Sort Key: outbox.bulk"):
                used.add("sorts")
    return ", ".join(sorted(used)) or "–"


@contextmanager
def listening(connection: Connection) -> Iterator[list[tuple[str, Any]]]:
    """The statements that run meanwhile, one set of parameters each."""
    said: list[tuple[str, Any]] = []

    def hear(_c: Any, _cursor: Any, statement: str, given: Any, _context: Any, many: bool) -> None:
        said.append((statement, given[0] if many else given))

    event.listen(connection, "before_cursor_execute", hear)
    try:
        yield said
    finally:
        event.remove(connection, "before_cursor_execute", hear)
