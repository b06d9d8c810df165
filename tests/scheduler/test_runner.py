"""Jobs run in one process at a time, and another takes over when it is gone."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator
from datetime import datetime, tzinfo
from typing import Self

import pytest

from scheduler.jobs import Job
from scheduler.runner import LEASE, LEASE_MS, Runner
from storage import leases
from storage.database import Database, now_ms
from storage.migrate import upgrade

PATIENCE = 30.0


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    with Database(database_url) as opened:
        upgrade(opened.engine)
        yield opened


class Count:
    """A job that counts how often it ran."""

    def __init__(self) -> None:
        self.ran = threading.Event()

    def job(self, name: str) -> Job:
        return Job(name, 1, lambda _: self.ran.set())


async def until(holds: Runner) -> None:
    async with asyncio.timeout(PATIENCE):
        while not holds.holding:
            await asyncio.sleep(0.01)


def test_one_of_two_processes_runs_the_jobs_and_the_other_takes_over(database: Database) -> None:
    async def main() -> None:
        one, other = Count(), Count()
        stop_one, stop_other = asyncio.Event(), asyncio.Event()
        first = Runner(database, [one.job("a")])
        running = asyncio.create_task(first.run(stop_one))
        await until(first)
        second = Runner(database, [other.job("a")])
        waiting = asyncio.create_task(second.run(stop_other))
        await asyncio.to_thread(one.ran.wait, PATIENCE)
        assert one.ran.is_set()
        assert not second.holding
        assert not other.ran.is_set()
        stop_one.set()
        await running
        assert not first.holding
        stop_other.set()
        await waiting
        # It gave its lease back: whoever begins now, begins at once.
        third, stop = Runner(database, [other.job("a")]), asyncio.Event()
        taking_over = asyncio.create_task(third.run(stop))
        await until(third)
        await asyncio.to_thread(other.ran.wait, PATIENCE)
        assert other.ran.is_set()
        stop.set()
        await taking_over

    asyncio.run(main())


def test_a_dead_holder_keeps_the_jobs_no_longer_than_its_lease(database: Database) -> None:
    now = now_ms()
    assert database.write(lambda c: leases.take(c, LEASE, "dead", now - LEASE_MS - 1, LEASE_MS)) == 1

    async def main() -> None:
        runner, stop = Runner(database, []), asyncio.Event()
        running = asyncio.create_task(runner.run(stop))
        await until(runner)
        stop.set()
        await running

    asyncio.run(main())
    assert database.write(lambda c: leases.take(c, LEASE, "next", now_ms(), LEASE_MS)) == 3


def test_a_lease_has_one_holder_and_its_epoch_rises_with_every_change_of_hands(database: Database) -> None:
    take = leases.take
    assert database.write(lambda c: take(c, "x", "a", 1_000, 100)) == 1
    assert database.write(lambda c: take(c, "x", "b", 1_050, 100)) is None
    assert database.write(lambda c: take(c, "x", "a", 1_090, 100)) == 1, "kept"
    assert database.write(lambda c: take(c, "x", "b", 1_150, 100)) is None
    assert database.write(lambda c: take(c, "x", "b", 1_190, 100)) == 2, "lapsed"
    assert database.write(lambda c: take(c, "x", "a", 1_200, 100)) is None
    database.write(lambda c: leases.release(c, "x", "a"))
    assert database.write(lambda c: take(c, "x", "a", 1_200, 100)) is None, "not its own to give back"
    database.write(lambda c: leases.release(c, "x", "b"))
    assert database.write(lambda c: take(c, "x", "a", 1_200, 100)) == 3
    database.write(leases.lapse)
    assert database.write(lambda c: take(c, "x", "b", 1_201, 100)) == 4


def test_a_job_that_fails_neither_stops_the_others_nor_the_runner(database: Database) -> None:
    async def main() -> None:
        count = Count()

        def fail(_: Database) -> None:
            raise RuntimeError("on purpose")

        runner, stop = Runner(database, [Job("failing", 1, fail), count.job("counting")]), asyncio.Event()
        running = asyncio.create_task(runner.run(stop))
        await asyncio.to_thread(count.ran.wait, PATIENCE)
        assert count.ran.is_set()
        assert runner.holding
        stop.set()
        await running

    asyncio.run(main())


def test_jobs_go_on_when_the_clock_is_set_back(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    ahead, real = [3_600.0], time.time_ns
    monkeypatch.setattr(time, "time_ns", lambda: real() + round(ahead[0] * 1e9))
    monkeypatch.setattr("scheduler.runner.LOOK_S", 0.2)

    class Clock(datetime):
        """What APScheduler takes the time from."""

        @classmethod
        def now(cls, tz: tzinfo | None = None) -> Self:
            return cls.fromtimestamp(time.time_ns() / 1e9, tz)

    for module in ("schedulers.base", "triggers.interval", "executors.base"):
        monkeypatch.setattr(f"apscheduler.{module}.datetime", Clock)

    async def main() -> None:
        count, stop = Count(), asyncio.Event()
        running = asyncio.create_task(Runner(database, [count.job("a")]).run(stop))
        assert await asyncio.to_thread(count.ran.wait, PATIENCE)
        ahead[0] = 0.0
        count.ran.clear()
        assert await asyncio.to_thread(count.ran.wait, PATIENCE), "an hour to wait"
        stop.set()
        await running

    asyncio.run(main())
