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
from bot.pacing import PER_SECOND, SendingAccount
from bot.web.telegram import Prompts
from storage import events, outbox
from storage.crypto import Keyring
from storage.database import Database, now_ms
from storage.outbox import Settled
from storage.schema import campaigns, contacts, sessions
from tests.benchmarks.bots import HOME, Stores
from tests.benchmarks.rounds import quantile
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
    reply_p50: float
    """Milliseconds from an update to its prompt, sent, beside the bulk messages."""
    reply_p99: float
    refused: int
    cpu: float
    """Milliseconds of the sending process's processor time a message."""
    cpu_double: float


def know(database: Database, keyring: Keyring, people: int) -> None:
    """So many people on Telegram, from number 1,000 on."""
    now, sealed_as = now_ms(), b"contacts.address"

    def write(connection: Connection, first: int, last: int) -> None:
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
        database.write(partial(write, first=first, last=min(people, first + 10_000)))


def numbers(database: Database, first: int, last: int) -> str:
    """SQL for a table ``n`` of whole numbers ``i`` from ``first`` up to below ``last``."""
    if database.is_sqlite:
        return f"WITH RECURSIVE n (i) AS (SELECT {first} UNION ALL SELECT i + 1 FROM n WHERE i < {last - 1})"
    return f"WITH n (i) AS (SELECT generate_series({first}, {last - 1}))"


def queue_up(
    database: Database,
    keyring: Keyring,
    codes: Sequence[str],
    people: int,
    first: int,
    last: int,
    state: str = "due",
) -> list[int]:
    """Bulk messages of the numbers from ``first`` up to below ``last``, in turn for everybody and from every
    campaign: the invitation of the case of that number. The campaigns, by number.
    """
    params = keyring.seal(b'{"code":"ABC-123"}', b"outbox.params")

    def fill(connection: Connection) -> list[int]:
        ids = list(
            connection.execute(
                select(campaigns.c.id).where(campaigns.c.code.in_(codes)).order_by(campaigns.c.id)
            ).scalars()
        )
        connection.execute(
            text(
                "INSERT INTO outbox (channel, contact_id, campaign_id, key, message, params_sealed, bulk,"
                f" state, due_at, attempts, changed_at) {numbers(database, first, last)} SELECT 'telegram',"
                " 1000 + i % :people, :campaign + i % :campaigns, 'case:' || i || '\\:0', :message, :params,"
                " true, :state, :now + i / 1000, 0, :now FROM n"
            ),
            {
                "people": people,
                "campaign": ids[0],
                "campaigns": len(ids),
                "message": MESSAGE,
                "params": params,
                "state": state,
                "now": now_ms() - 10_000_000,
            },
        )
        return ids

    return database.write(fill, bulk=True)


def tidy(database: Database) -> None:
    """Leave the tables as the server's own maintenance does, some time after they were filled."""
    with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("ANALYZE" if database.is_sqlite else "VACUUM (ANALYZE)"))


@contextmanager
def campaigning(url: str) -> Iterator[tuple[Town, list[str]]]:
    """A town on the database at ``url``, and the codes of its open campaigns."""
    place = found(url, instruments=())
    try:
        place.act("instrument.publish", publication())
        yield place, [place.campaign(basis="dieu_19", instrument=NAME) for _ in range(CAMPAIGNS)]
    finally:
        place.close()


@contextmanager
def filled(url: str, number: int) -> Iterator[Town]:
    """A town on the database at ``url`` with open campaigns and that many messages due."""
    with campaigning(url) as (place, codes):
        people = min(number, PEOPLE)
        know(place.database, place.keyring, people)
        queue_up(place.database, place.keyring, codes, people, 0, number)
        tidy(place.database)
        yield place


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


async def _talking(
    place: Town, sender: Counting, per_second: float, stop: asyncio.Event, waits: list[float]
) -> None:
    """People who talk to the bot of another process: their events come in, and they get their prompts by
    calls, as when updates are polled. ``waits``: seconds until a prompt was sent.
    """
    account = SendingAccount(place.database, "telegram")
    knowing = asyncio.create_task(account.run(stop))
    while not account.bulk_under_way:  # As a server knows that has run for some time.
        await asyncio.sleep(0.01)
    prompts = Prompts(sender, 0, account)
    chance, number = random.Random(1), 0
    tasks = set()

    async def answer(address: str, came: float) -> None:
        await prompts.send(address, Outgoing("Câu tiếp theo?"), "")
        waits.append(time.perf_counter() - came)

    while not stop.is_set():
        number += 1
        came = time.perf_counter()
        key = ("telegram", f"talk {number} {came}")
        await place.database.writing(partial(events.mark_seen, keys=[key], now=now_ms()))
        account.talked()
        tasks.add(asyncio.create_task(answer(str(9_000_000 + number), came)))
        await asyncio.sleep(chance.uniform(0.5, 1.5) / per_second)
    await asyncio.gather(*tasks)
    await knowing


async def pace(
    place: Town, store: str, case: str, per_second: int, seconds: float, talking: float = 0.0
) -> Paced:
    """Deliver for some seconds after a short start, and count. Who talks begins when bulk messages already
    have the whole pace, and goes on.
    """
    waits: list[float] = []
    with double(paid=per_second if per_second > PER_SECOND else 0) as (base, process):
        sender = Counting(TOKEN, base, per_second=per_second)
        other = Counting(TOKEN, base)
        delivery = Delivery(place.database, place.keyring, "telegram", sender, per_second=per_second)
        stop = asyncio.Event()
        running = asyncio.create_task(delivery.run())
        await asyncio.sleep(1.5)
        talk = asyncio.create_task(_talking(place, other, talking, stop, waits)) if talking else None
        if talking:
            await asyncio.sleep(2.5)
        before = delivery.sent, time.perf_counter(), time.process_time(), spent(process)
        await asyncio.sleep(seconds)
        sent, passed = delivery.sent - before[0], time.perf_counter() - before[1]
        own, theirs = time.process_time() - before[2], spent(process) - before[3]
        stop.set()
        if talk is not None:
            await talk
        delivery.stop()
        await running
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
        len(waits),
        quantile(waits, 0.5),
        quantile(waits, 0.99),
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
