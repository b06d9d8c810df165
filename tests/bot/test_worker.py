"""Tasks run in processes of their own, are told about once, and taken again when whoever had them is gone."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import psutil
import pytest
from sqlalchemy import Connection, func, select

from bot import worker
from bot.questionnaires import Shelf
from bot.settings import keyring
from bot.submitting import count_campaign, differences
from bot.worker import CLAIM_MS, Worker
from storage import campaigns, contacts, counts, outbox, tasks
from storage.counts import Cell
from storage.crypto import Keyring
from storage.database import Database, now_ms
from storage.schema import ledger
from storage.schema import tasks as table
from tests.acceptance.processes import Installation, install

PATIENCE = 60.0


@dataclass(frozen=True, slots=True)
class Place:
    """An installation as the worker's process sees it."""

    installation: Installation
    database: Database
    keyring: Keyring
    campaign_id: int
    contact_id: int

    def worker(self) -> Worker:
        return Worker(self.installation.settings, self.database, self.keyring)

    def queue(self, kind: str = "counts_rebuild") -> int:
        """A task that somebody on Telegram asked for; its id."""
        return self.database.write(
            lambda connection: tasks.queue(
                connection,
                self.keyring,
                kind,
                {"campaign": self.campaign_id},
                None,
                self.contact_id,
                now_ms(),
            )
        )

    def row(self, key: int) -> Any:
        """A task as it stands."""
        return self.database.read(
            lambda connection: connection.execute(select(table).where(table.c.id == key)).one()
        )

    def told(self) -> list[str]:
        """What waits in the outbox."""
        return [
            one.message
            for one in self.database.write(
                lambda connection: outbox.claim(connection, self.keyring, "telegram", "test", 1, 10, now_ms())
            )
        ]


@pytest.fixture
def place(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    installation = install(tmp_path, database_url)
    for name, value in installation.environment.items():
        if name.startswith("HOIDAN_"):
            monkeypatch.setenv(name, value)
    keys = keyring(installation.settings)
    with installation.opened() as database:

        def people(connection: Connection) -> tuple[int, int]:
            campaign = campaigns.expect(connection, installation.code)
            contact = contacts.create(connection, keys, "telegram", "7001", "vi", now_ms())
            return campaign.id, contact.id

        yield Place(installation, database, keys, *database.write(people))


def work_until(place: Place, done: Callable[[], bool]) -> None:
    """Let a worker work until ``done``."""

    async def main() -> None:
        stopping = asyncio.Event()
        running = asyncio.create_task(place.worker().run(stopping))
        try:
            async with asyncio.timeout(PATIENCE):
                while not await asyncio.to_thread(done):
                    await asyncio.sleep(0.05)
        finally:
            stopping.set()
            await running

    asyncio.run(main())


def test_a_task_runs_in_a_process_of_its_own_and_is_told_about_once(place: Place) -> None:
    wrong = Cell(place.campaign_id, 1, "person", "self", "26740", "male", "15-19", "sex", "c1")
    place.database.write(lambda connection: counts.correct(connection, place.campaign_id, [(wrong, 5)]))
    key = place.queue()
    work_until(place, lambda: place.row(key).state == "done")
    assert place.row(key).progress == 100
    assert place.told() == ["task.counts_rebuild"]

    def agree(connection: Connection) -> Any:
        fresh, _ = count_campaign(connection, place.keyring, Shelf(), place.campaign_id)
        return differences(fresh, dict(counts.cells(connection, place.campaign_id)))

    assert place.database.read(agree) == []
    assert place.database.read(lambda c: c.execute(select(func.sum(ledger.c.delta))).scalar_one()) == 0


def test_a_task_whose_worker_was_killed_is_taken_again(place: Place) -> None:
    key = place.queue()
    long_ago = now_ms() - CLAIM_MS - 1
    taken = place.database.write(lambda c: tasks.claim(c, place.keyring, "dead", long_ago, CLAIM_MS))
    assert taken is not None and taken.id == key
    work_until(place, lambda: place.row(key).state == "done")
    assert place.row(key).attempts == 2
    assert place.row(key).holder != "dead"
    # The dead one comes back with its result: the task is no longer its own.
    late = place.database.write(
        lambda c: tasks.finish(c, place.keyring, key, "dead", {"late": True}, now_ms())
    )
    assert late is False
    assert place.told() == ["task.counts_rebuild"]


def test_a_task_that_somebody_works_on_is_left_to_them(place: Place) -> None:
    now = now_ms()
    key = place.queue()
    assert place.database.write(lambda c: tasks.claim(c, place.keyring, "first", now, CLAIM_MS)) is not None
    assert place.database.write(lambda c: tasks.claim(c, place.keyring, "second", now, CLAIM_MS)) is None
    # A sign of life holds it for as long again.
    later = now + CLAIM_MS - 1
    place.database.write(lambda c: tasks.keep(c, key, "first", 40, later, CLAIM_MS))
    assert (
        place.database.write(lambda c: tasks.claim(c, place.keyring, "second", now + CLAIM_MS + 1, 1)) is None
    )
    assert place.row(key).progress == 40


def test_the_one_owner_of_an_embedded_database_takes_over_at_once(place: Place) -> None:
    key = place.queue()
    now = now_ms()
    assert place.database.write(lambda c: tasks.claim(c, place.keyring, "dead", now, CLAIM_MS)) is not None
    place.database.write(tasks.lapse)
    again = place.database.write(lambda c: tasks.claim(c, place.keyring, "next", now, CLAIM_MS))
    assert again is not None and again.id == key


def test_a_task_whose_process_dies_fails_and_its_owner_is_told(place: Place) -> None:
    key = place.queue()

    async def main() -> None:
        stopping = asyncio.Event()
        running = asyncio.create_task(place.worker().run(stopping))
        try:
            async with asyncio.timeout(PATIENCE):
                while not (children := [each for each in psutil.Process().children() if is_task(each)]):
                    await asyncio.sleep(0.005)
                os.kill(children[0].pid, signal.SIGKILL)
                while (await asyncio.to_thread(place.row, key)).state == "running":
                    await asyncio.sleep(0.02)
        finally:
            stopping.set()
            await running

    asyncio.run(main())
    assert place.row(key).state == "failed"
    assert place.told() == ["task.failed"]


def is_task(process: psutil.Process) -> bool:
    """Whether a child process is one of the worker's."""
    try:
        return "bot.worker" in process.cmdline()
    except psutil.Error:
        return False


def test_an_unknown_kind_of_task_fails_without_a_process(place: Place) -> None:
    key = place.queue("no_such_kind")
    work_until(place, lambda: place.row(key).state == "failed")
    assert place.told() == ["task.failed"]


def test_a_task_that_killed_three_workers_is_given_up(place: Place) -> None:
    key = place.queue()
    for attempt in range(worker.ATTEMPTS):
        long_ago = now_ms() - 10 * CLAIM_MS + attempt * 2 * CLAIM_MS
        claim = partial(tasks.claim, keyring=place.keyring, holder="dead", now=long_ago, length=CLAIM_MS)
        assert place.database.write(claim)
    work_until(place, lambda: place.row(key).state == "failed")
    assert place.told() == ["task.failed"]
