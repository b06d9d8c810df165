"""The outbox and its delivery: claiming among very many rows, and sending at a platform's pace.

Claims run on both kinds of database, through the functions that delivery uses. Sends go to the double of
Telegram's server in a process of its own, with the limits Telegram holds.
"""

from __future__ import annotations

import asyncio
import json
import random
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import psutil
from sqlalchemy import Connection, insert, select, text

from bot.channels.telegram_api import TelegramSender
from bot.delivery import Delivery
from bot.messages import Outgoing
from bot.pacing import PER_SECOND
from storage import events, outbox
from storage.crypto import Keyring
from storage.database import Database, now_ms
from storage.outbox import Settled
from storage.schema import campaigns, contacts, sessions
from tests.benchmarks.bots import HOME, Stores
from tests.benchmarks.survey import NAME, publication
from tests.town import Town, found

CAMPAIGNS = 5
PEOPLE = 100_000
"""Contacts at most; a larger outbox holds several messages for each."""
BATCHES = (30, 250, 1_000)
TOKEN = "42:benchmark"
MESSAGE = "turn.unreadable"
"""A sentence of the catalogues as the message."""


@dataclass(frozen=True, slots=True)
class Claimed:
    """Claiming and settling: so many rows a second, in batches, among ``standing`` rows that wait. As
    delivery does it: what the last batch came to is written in the transaction that claims the next.
    """

    store: str
    standing: int
    batch: int
    rows: int
    per_second: int
    one_p50: float
    """Milliseconds that such a transaction takes."""
    one_p99: float


@dataclass(frozen=True, slots=True)
class Paced:
    """Delivery at a platform's pace for some seconds. ``refused``: answers 429 of the platform."""

    store: str
    case: str
    allowed: int
    seconds: float
    sent: int
    per_second: float
    replies: int
    refused: int
    cpu: float
    """Milliseconds of the sending process's processor time a message."""
    cpu_double: float


def queue_up(database: Database, keyring: Keyring, number: int, codes: Sequence[str]) -> None:
    """An outbox of ``number`` bulk messages for as many people, in turn from every campaign."""
    now, people = now_ms(), min(number, PEOPLE)
    sealed_as = b"contacts.address"

    def know(connection: Connection, first: int, last: int) -> None:
        rows = [
            {
                "id": 1_000 + index,
                "channel": "telegram",
                "address_lookup": keyring.lookup("contact", "telegram", str(7_000_000 + index)),
                "address_sealed": keyring.seal(str(7_000_000 + index).encode(), sealed_as),
                "status": "active",
                "created_at": now,
            }
            for index in range(first, last)
        ]
        connection.execute(insert(contacts), rows)
        connection.execute(
            insert(sessions),
            [{"contact_id": row["id"], "language": "vi", "version": 1, "updated_at": now} for row in rows],
        )

    for first in range(0, people, 10_000):
        database.write(partial(know, first=first, last=min(people, first + 10_000)))
    params = keyring.seal(b'{"code":"ABC-123"}', b"outbox.params")

    def fill(connection: Connection) -> None:
        ids = list(
            connection.execute(
                select(campaigns.c.id).where(campaigns.c.code.in_(codes)).order_by(campaigns.c.id)
            ).scalars()
        )
        numbers = (
            "WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < :most - 1)"
            if database.is_sqlite
            else "WITH n (i) AS (SELECT generate_series(0, :most - 1))"
        )
        connection.execute(
            text(
                "INSERT INTO outbox (channel, contact_id, campaign_id, key, message, params_sealed, bulk,"
                f" state, due_at, attempts, changed_at) {numbers} SELECT 'telegram', 1000 + i % :people,"
                " :first + i % :campaigns, 'bench:' || i, :message, :params, true, 'due', :now + i / 1000, 0,"
                " :now FROM n"
            ),
            {
                "most": number,
                "people": people,
                "first": ids[0],
                "campaigns": len(ids),
                "message": MESSAGE,
                "params": params,
                "now": now - 10_000_000,
            },
        )

    database.write(fill, bulk=True)
    with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("ANALYZE"))


@contextmanager
def filled(url: str, number: int) -> Iterator[Town]:
    """A town on the database at ``url`` with open campaigns and that many messages due."""
    place = found(url, instruments=())
    try:
        place.act("instrument.publish", publication())
        codes = [place.campaign(basis="dieu_19", instrument=NAME) for _ in range(CAMPAIGNS)]
        queue_up(place.database, place.keyring, number, codes)
        yield place
    finally:
        place.close()


def claims(place: Town, store: str, standing: int, rows: int) -> list[Claimed]:
    """Claim and settle some rows in batches of every size."""
    database, keyring = place.database, place.keyring
    measured = []
    for batch in BATCHES:
        took: list[float] = []
        done = 0
        lanes = database.read(lambda connection: outbox.lanes(connection, "telegram", now_ms()))
        among = [lane.campaign_id for lane in lanes]
        began = time.perf_counter()
        claimed: list[outbox.Waiting] = []
        while done < rows:

            def turn(
                connection: Connection,
                settled: Sequence[Settled] = tuple(Settled(one.id, "sent") for one in claimed),
                batch: int = batch,
                among: Sequence[int | None] = tuple(among),
            ) -> list[outbox.Waiting]:
                outbox.settle(connection, "bench", 1, settled, now_ms())
                return outbox.claim_bulk(connection, keyring, "telegram", "bench", 1, batch, now_ms(), among)

            at = time.perf_counter()
            claimed = database.write(turn)
            took.append(1000 * (time.perf_counter() - at))
            among = [*among[1:], among[0]]
            done += len(claimed)
            if not claimed:
                break
        rest = [Settled(one.id, "sent") for one in claimed]
        database.write(partial(outbox.settle, holder="bench", epoch=1, settled=rest, now=now_ms()))
        passed = time.perf_counter() - began
        took.sort()
        measured.append(
            Claimed(
                store,
                standing,
                batch,
                done,
                round(done / passed),
                round(statistics.median(took), 2),
                round(took[int(0.99 * (len(took) - 1))], 2),
            )
        )
    return measured


@contextmanager
def double(*, paid: int = 0) -> Iterator[tuple[str, psutil.Process]]:
    """The double in a process of its own: *(its address, the process)*."""
    command = [sys.executable, "-m", "bot.doubles.telegram", "--token", TOKEN, "--everybody", "--no-check"]
    command += ["--log", "0", "--per-second", str(paid or PER_SECOND)]
    process = subprocess.Popen(command, cwd=HOME, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield json.loads(process.stdout.readline())["base_url"], psutil.Process(process.pid)
    finally:
        process.terminate()
        process.wait(20)


def spent(process: psutil.Process) -> float:
    """Processor seconds of a process."""
    times = process.cpu_times()
    return float(times.user + times.system)


class Counting(TelegramSender):
    """The sender as it is; remembers how often Telegram said to wait."""

    refused = 0
    taken = 0

    async def send(self, *arguments: Any, **more: Any) -> Any:
        outcome = await super().send(*arguments, **more)
        self.refused += outcome.fate.value == "halt"
        self.taken += outcome.fate.value == "sent"
        return outcome


async def _talking(place: Town, sender: Counting, per_second: float, stop: asyncio.Event) -> int:
    """People who talk to the bot of another process: their events come in, and they get their replies."""
    chance, number = random.Random(1), 0
    tasks = set()
    while not stop.is_set():
        number += 1
        key = ("telegram", f"talk {number}")
        await place.database.writing(partial(events.mark_seen, keys=[key], now=now_ms()))
        tasks.add(asyncio.create_task(sender.send(str(9_000_000 + number), Outgoing("Câu tiếp theo?"))))
        await asyncio.sleep(chance.uniform(0.5, 1.5) / per_second)
    await asyncio.gather(*tasks)
    return number


async def pace(
    place: Town, store: str, case: str, per_second: int, seconds: float, talking: float = 0.0
) -> Paced:
    """Deliver for some seconds after a short start, and count."""
    with double(paid=per_second if per_second > PER_SECOND else 0) as (base, process):
        sender = Counting(TOKEN, base, per_second=per_second)
        other = Counting(TOKEN, base)
        delivery = Delivery(place.database, place.keyring, "telegram", sender, per_second=per_second)
        stop = asyncio.Event()
        talk = asyncio.create_task(_talking(place, other, talking, stop)) if talking else None
        if talking:
            await asyncio.sleep(1.2)
        running = asyncio.create_task(delivery.run())
        await asyncio.sleep(1.5)
        before = delivery.sent, time.perf_counter(), time.process_time(), spent(process)
        await asyncio.sleep(seconds)
        sent, passed = delivery.sent - before[0], time.perf_counter() - before[1]
        own, theirs = time.process_time() - before[2], spent(process) - before[3]
        delivery.stop()
        await running
        stop.set()
        replies = await talk if talk else 0
        await sender.close()
        await other.close()
    each = 1000 / max(1, sent)
    return Paced(
        store,
        case,
        per_second,
        round(passed, 1),
        sent,
        round(sent / passed, 1),
        replies,
        sender.refused + other.refused,
        round(own * each, 3),
        round(theirs * each, 3),
    )


def measure(
    stores: Stores, tell: Callable[[str], object], *, rows: int, seconds: float, postgresql: bool = True
) -> tuple[list[Claimed], list[Paced]]:
    """Claims among ``rows`` messages and sends for ``seconds``, on SQLite and on PostgreSQL where there is
    one.
    """
    claimed: list[Claimed] = []
    paced: list[Paced] = []
    with TemporaryDirectory(prefix="hoidan-bench-") as folder:
        places = [("SQLite", f"sqlite:///{Path(folder) / 'hoidan.db'}")]
        if postgresql:
            server = stores.server()
            places.append(("PostgreSQL", server.url(server.create_database())))
        for store, url in places:
            tell(f"{store}: an outbox of {rows:,} messages")
            with filled(url, rows) as place:
                claimed += claims(place, store, rows, min(rows // 4, 100_000))
                for case, per_second, talking in (
                    ("free tier, nobody talks", PER_SECOND, 0.0),
                    ("free tier, 4 replies a second", PER_SECOND, 4.0),
                    ("paid tier", 1_000, 0.0),
                ):
                    found_ = asyncio.run(pace(place, store, case, per_second, seconds, talking))
                    tell(f"{store}: {case}: {found_.per_second}/s, {found_.refused} refused")
                    paced.append(found_)
    return claimed, paced
