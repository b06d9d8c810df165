"""Measures how long staff wait to see how far a campaign has come, and for the list of who has not answered.

    python -m tests.benchmarks.progress [--cases 36000] [--only sqlite,postgresql] [--json FILE]

A census in the middle of its four weeks: invited, reminded, half of it answered. Each reading is run in a
snapshot of its own, as in service; the median of nine runs is printed, the slowest, and the processor time,
which moves less on a machine that others use.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import insert, select, text, update

from bot import watching
from bot.actions.gate import VIETNAM
from bot.charts import progress_png
from bot.opening import open_by_steps
from bot.readings import finish
from bot.waiting import work
from storage.database import Database
from storage.schema import cases, households, interviews, steps, submissions
from surveys.roles import Role
from tests import postgres
from tests.benchmarks.campaigns import processor
from tests.census import DAY, Census, over
from tests.ward import HERE, NOW, Ward, found

NEIGHBOURHOODS = 120
RUNS = 9


@dataclass(frozen=True, slots=True)
class Row:
    """One measurement, in milliseconds; ``processor`` counts the database server's time, too, on average."""

    database: str
    what: str
    cases: int
    median: float
    slowest: float
    processor: float


def fill(ward: Ward, number: int) -> Census:
    """A census of so many households, half answered."""

    def homes(connection: Any) -> list[int]:
        rows = [
            {
                "area_vintage": HERE[0], "area_code": HERE[1], "given_vintage": HERE[0],
                "given_code": HERE[1], "neighbourhood": f"Khu phố {place % NEIGHBOURHOODS + 1}",
                "status": "active", "created_at": NOW, "changed_at": NOW,
                "head_sealed": ward.keyring.seal(f"Nguyễn Văn {place}".encode(), b"households.head"),
                "address_sealed": ward.keyring.seal(f"{place} Lê Lợi".encode(), b"households.address"),
                "phone_sealed": ward.keyring.seal(f"09{place:08}".encode(), b"households.phone"),
            }
            for place in range(number)
        ]  # fmt: skip
        connection.execute(insert(households), rows)
        return list(connection.execute(select(households.c.id).order_by(households.c.id)).scalars())

    made = ward.database.write(homes)
    ward.act("parameter.set", name="approval_cases", value=10_000_000)
    campaign = over(ward, made)
    contact = ward.resident().contact_id
    opening(ward, campaign)

    def answers(connection: Any) -> None:
        ids = list(
            connection.execute(
                select(cases.c.id).where(cases.c.campaign_id == campaign.id).order_by(cases.c.id)
            ).scalars()
        )
        done, begun, written = ids[: number // 2], ids[: number * 6 // 10], ids[: number * 9 // 10]
        connection.execute(
            insert(steps),
            [
                {"case_id": key, "step": step, "at": NOW, "contact_id": contact, "outbox_key": ""}
                for key in written
                for step in range(1 + key % 3)
            ],
        )
        connection.execute(
            insert(interviews),
            [
                {
                    "case_id": key, "instrument_id": 1, "stage": "main", "way": "self",
                    "document_sealed": b"-" * 400, "status": "open", "version": 1,
                    "started_at": NOW + key % 14 * DAY, "changed_at": NOW + key % 14 * DAY,
                }
                for key in begun
            ],
        )  # fmt: skip
        theirs = {row[0]: row[1] for row in connection.execute(select(interviews.c.case_id, interviews.c.id))}
        connection.execute(
            insert(submissions),
            [
                {
                    "interview_id": theirs[key], "case_id": key, "campaign_id": campaign.id,
                    "instrument_id": 1, "stage": "main", "revision": 1, "receipt": f"R{key}",
                    "document_sealed": b"-" * 400, "channel": "webchat", "way": "self",
                    "at": NOW + key % 14 * DAY,
                }
                for key in done
            ],
        )  # fmt: skip
        wrote = cases.c.id.in_(select(steps.c.case_id))
        connection.execute(update(cases).where(wrote).values(disposition="2.20", sent=1 + cases.c.id % 3))
        answered = cases.c.id.in_(select(submissions.c.case_id))
        connection.execute(update(cases).where(answered).values(disposition="1.1"))

    ward.database.write(answers)
    ward.now += 14 * DAY
    with ward.database.engine.connect() as connection:
        connection.execution_options(isolation_level="AUTOCOMMIT").execute(text("ANALYZE"))
    return campaign


def opening(ward: Ward, campaign: Census) -> None:
    """Make the cases of a census that was too big to be opened within a turn."""
    asyncio.run(open_by_steps(ward.database, campaign.id, VIETNAM, clock=lambda: ward.now))


def timed(database: Database, run: Callable[[], object], runs: int = RUNS) -> tuple[float, float, float]:
    """*(median, slowest, processor time)* of some runs, in milliseconds; one before them does not count."""
    run()
    took, spent = [], processor(database)
    for _ in range(runs):
        began = time.perf_counter()
        run()
        took.append((time.perf_counter() - began) * 1000)
    spent = (processor(database) - spent) * 1000 / runs
    return round(statistics.median(took), 1), round(max(took), 1), round(spent, 1)


def measure(name: str, url: str, number: int) -> Iterator[Row]:
    """Everything staff wait for."""
    ward = found(url)
    try:
        campaign = fill(ward, number)
        staff = ward.staff(Role.WARD_STAFF)

        def read(*by: str) -> Any:
            asked = ward.act("campaign.progress", staff, campaign=campaign.id, by=list(by))
            return finish(ward.database, asked)

        shown = read()
        watch = watching.Watch(ward.keyring, VIETNAM, lambda: ward.now)
        with tempfile.TemporaryDirectory() as folder:
            given = {
                "download": 1, "campaign": campaign.id, "areas": None, "neighbourhoods": None,
                "language": "vi", "now": ward.now, "zone": "Asia/Ho_Chi_Minh", "folder": folder,
            }  # fmt: skip
            jobs: list[tuple[str, Callable[[], object], int]] = [
                ("progress", read, RUNS),
                ("progress by channel", lambda: read("channel"), RUNS),
                ("picture", lambda: progress_png(shown, "vi"), RUNS),
                ("look at the campaign", lambda: watching.watch_campaigns(ward.database, watch), RUNS),
                ("look at the system", lambda: watching.watch_system(ward.database, watch), RUNS),
                ("list of who has not answered", lambda: _list(ward, given), 2),
            ]
            for what, run, runs in jobs:
                yield Row(name, what, number, *timed(ward.database, run, runs))
    finally:
        ward.close()


def _list(ward: Ward, given: dict[str, Any]) -> object:
    return work(ward.database, ward.keyring, given, lambda _percent: None)


@contextmanager
def databases(only: set[str]) -> Iterator[list[tuple[str, str]]]:
    """The databases to measure on: *(name, address)*."""
    with tempfile.TemporaryDirectory() as folder:
        there = [("sqlite", f"sqlite:///{Path(folder) / 'hoidan.db'}")] if "sqlite" in only else []
        if "postgresql" not in only:
            yield there
            return
        run = postgres.begin()
        try:
            server = postgres.server_of(run.folder, durable=True)
            yield [*there, ("postgresql", server.url(server.create_database()))]
        finally:
            run.close()


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.progress", description=__doc__)
    parser.add_argument("--cases", type=int, default=36_000)
    parser.add_argument("--only", default="sqlite,postgresql")
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args()
    rows = []
    with databases(set(asked.only.split(","))) as places:
        for name, url in places:
            for row in measure(name, url, asked.cases):
                rows.append(row)
                print(
                    f"{row.database:11} {row.what:30} {row.median:9.1f} ms"
                    f"  (slowest {row.slowest:.1f}, processor {row.processor:.1f})"
                )
    if asked.json is not None:
        asked.json.write_text(json.dumps([asdict(row) for row in rows], indent=2) + "\n", "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
