"""Runs tasks: work too long for a turn, each in a child process of its own, with progress told in the chat.

A task is a row committed with the turn that asked for it. The worker claims it, starts ``python -m
bot.worker KIND`` with
the arguments on standard input, reads JSON lines of progress and one of result, and writes what came of it
together with
the message that tells it. A worker that dies leaves a claim that lapses; the task is then taken again.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import secrets
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

from sqlalchemy import Connection

from bot import frames, opening, printing, trials, waiting
from bot.actions.forms import KIND as CHECK
from bot.leaflets import Links
from bot.questionnaires import Shelf
from bot.settings import Settings, keyring, load
from bot.submitting import count_campaign, differences
from storage import campaigns, contacts, counts, downloads, outbox, senders, tasks
from storage.counts import Cell
from storage.crypto import Keyring
from storage.database import Database, now_ms
from storage.household_plans import Stale, clear
from storage.tasks import Task
from surveys.designs import Drawn
from surveys.problems import Problem

log = logging.getLogger("hoidan.worker")

CLAIM_MS = 60_000
"""How long a claim holds without a sign of life."""
IDLE_S = 1.0
SECONDS = 1_800
"""How long a task may take."""
ATTEMPTS = 3
LARGEST = 256 << 20
"""Bytes of a result."""
AGAIN = 10
"""How often a list is read anew because the frame changed."""

Keep = Callable[..., Awaitable[None]]
"""Percent done, and perhaps a message with its parameters for whoever asked."""


@dataclass(frozen=True, slots=True)
class Help:
    """What work in steps is given: ``keep`` says that it is still at it, ``child`` runs a part of it in a
    process of its own (a name of :data:`KINDS`), with the task's arguments and more.
    """

    settings: Settings
    database: Database
    task: Task
    keep: Keep
    child: Callable[..., Awaitable[dict[str, Any] | None]]


Finish = Callable[[Connection, Mapping[str, Any]], Mapping[str, Any]]
"""Writes a task's result in the closing transaction; returns the parameters of the message about it."""


class Worker:
    """Takes tasks one at a time."""

    def __init__(
        self, settings: Settings, database: Database, keys: Keyring, clock: Callable[[], int] = now_ms
    ) -> None:
        self._settings = settings
        self._database = database
        self._keyring = keys
        self._clock = clock
        self._holder = secrets.token_hex(8)

    async def drain(self) -> int:
        """Do every task that is due now; how many."""
        number = 0
        while (task := await self._claim()) is not None:
            await self._do(task)
            number += 1
        return number

    async def _claim(self) -> Task | None:
        return await self._database.writing(
            lambda connection: tasks.claim(connection, self._keyring, self._holder, self._clock(), CLAIM_MS),
            bulk=True,
        )

    async def run(self, stopping: asyncio.Event) -> None:
        """Take tasks until ``stopping``; one that is running then is left to be taken again."""
        while not stopping.is_set():
            try:
                task = await self._claim()
                if task is not None:
                    await self._do(task)
                    continue
            except Exception as fault:
                log.error("the worker failed: %s", type(fault).__name__)
            try:
                await asyncio.wait_for(stopping.wait(), IDLE_S)
            except TimeoutError:
                continue

    async def _do(self, task: Task) -> None:
        log.info("task %d (%s) begins", task.id, task.kind)
        result: dict[str, Any] | None = None
        if task.attempts <= ATTEMPTS and task.kind in STEPS:
            result = await STEPS[task.kind](self._help(task))
        elif task.attempts <= ATTEMPTS and task.kind in KINDS:
            result = await self._child(task)
        finish = FINISH.get(task.kind)
        give_up = GIVEN_UP.get(task.kind)

        def settle(connection: Connection) -> None:
            now = self._clock()
            told = dict(finish(connection, result)) if finish is not None and result is not None else {}
            if result is None and give_up is not None:
                give_up(connection, task.arguments)
            elif task.kind in STEPS and result is not None:
                told = result
            if not tasks.finish(
                connection, self._keyring, task.id, self._holder, told, now, failed=result is None
            ):
                raise RuntimeError("the task is no longer ours")
            self._tell(
                connection, task, f"task.{task.kind}" if result is not None else "task.failed", told, now
            )

        await self._database.writing(settle, bulk=True)
        log.info("task %d %s", task.id, "done" if result is not None else "failed")

    def _tell(
        self, connection: Connection, task: Task, message: str, params: Mapping[str, Any], now: int
    ) -> None:
        contact = contacts.get(connection, task.contact_id) if task.contact_id is not None else None
        if contact is not None:
            draft = outbox.Draft(
                contact.channel, contact.id, f"task:{task.id}", message, {**params, "task": task.id}
            )
            outbox.queue(connection, self._keyring, [draft], now)

    def _help(self, task: Task) -> Help:
        """What work in steps needs of the worker."""

        async def keep(percent: int, message: str = "", **params: Any) -> None:
            def write(connection: Connection) -> None:
                tasks.keep(connection, task.id, self._holder, percent, self._clock(), CLAIM_MS)
                contact = contacts.get(connection, task.contact_id) if message and task.contact_id else None
                if contact is not None:
                    key = f"task:{task.id}:{self._clock()}"
                    draft = outbox.Draft(contact.channel, contact.id, key, message, params)
                    outbox.queue(connection, self._keyring, [draft], self._clock())

            await self._database.writing(write, bulk=True)

        return Help(self._settings, self._database, task, keep, partial(self._child, task))

    async def _child(self, task: Task, kind: str = "", **more: Any) -> dict[str, Any] | None:
        """Run one task, or the part of it called ``kind``, in a process of its own; its result, or None when
        it failed. ``more``: arguments beside the task's.
        """
        child = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "bot.worker", kind or task.kind,
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
            limit=LARGEST, start_new_session=True, env=dict(os.environ),
        )  # fmt: skip
        assert child.stdin is not None and child.stdout is not None
        try:
            child.stdin.write(json.dumps({**task.arguments, **more}).encode())
            child.stdin.close()
            return await asyncio.wait_for(self._listen(task, child.stdout), SECONDS)
        except (TimeoutError, ValueError, OSError) as fault:
            log.error("task %d (%s): %s", task.id, task.kind, type(fault).__name__)
            return None
        finally:
            if child.returncode is None:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(child.pid, 9)
            await child.wait()

    async def _listen(self, task: Task, lines: asyncio.StreamReader) -> dict[str, Any] | None:
        while line := await lines.readline():
            said = json.loads(line)
            if "result" in said:
                result: dict[str, Any] = said["result"]
                return result
            await self._database.writing(self._kept(task, int(said["progress"])), bulk=True)
        return None

    def _kept(self, task: Task, progress: int) -> Callable[[Connection], None]:
        return lambda connection: tasks.keep(
            connection, task.id, self._holder, progress, self._clock(), CLAIM_MS
        )


# ── the tasks there are ─────────────────────────────────────────────────────────────────────────────────────


def _say(line: Mapping[str, Any]) -> None:
    print(json.dumps(line), flush=True)


def _rebuild(database: Database, keys: Keyring, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Count a campaign anew from its submissions, and find what ledger and cube hold otherwise."""
    campaign_id = int(arguments["campaign"])

    def read(connection: Connection) -> tuple[list[tuple[Cell, int]], int]:
        fresh, number = count_campaign(
            connection, keys, Shelf(), campaign_id, lambda share: _say({"progress": round(100 * share)})
        )
        return differences(fresh, dict(counts.cells(connection, campaign_id))), number

    found, number = database.read(read)
    return {
        "campaign": campaign_id,
        "submissions": number,
        "differences": [[asdict(cell), delta] for cell, delta in found],
    }


def _rebuilt(connection: Connection, result: Mapping[str, Any]) -> dict[str, Any]:
    campaign = campaigns.expect(connection, int(result["campaign"]))
    found = ((Cell(**cell), int(delta)) for cell, delta in result["differences"])
    corrected = counts.correct(connection, campaign.id, found)
    return {"code": campaign.code, "submissions": result["submissions"], "corrected": corrected}


def _draw(database: Database, keys: Keyring, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Draw a campaign's sample in one snapshot."""

    def read(connection: Connection) -> dict[str, Any]:
        campaign = campaigns.expect(connection, int(arguments["campaign"]))
        drawn, order = opening.draw(connection, campaign, opening.frame_of(connection, campaign))
        return {"drawn": asdict(drawn), "order": order}

    try:
        return database.read(read)
    except Problem as problem:
        return {"problem": problem.code, "params": problem.params}


TOLD_S = 15.0
"""After so long people are told how far it is, and again."""


async def _open_campaign(given: Help) -> dict[str, Any]:
    """Open a big campaign; or say why it stays a draft."""
    last_kept = last_told = time.monotonic()
    campaign_id = int(given.task.arguments["campaign"])

    async def drawing() -> tuple[Drawn, Mapping[str, list[str]]]:
        result = await given.child("campaign_draw")
        if result is None:
            raise RuntimeError("the draw failed")
        if "problem" in result:
            raise Problem(result["problem"], **result["params"])
        return Drawn(**result["drawn"]), result["order"]

    async def progress(done: int, size: int) -> None:
        nonlocal last_kept, last_told
        now = time.monotonic()
        percent = min(99, 100 * done // max(size, 1))
        if now - last_told > TOLD_S:
            last_kept = last_told = now
            await given.keep(percent, "campaign.making", done=done, size=size)
        elif now - last_kept > 1:
            last_kept = now
            await given.keep(percent)

    opened = await opening.open_by_steps(
        given.database,
        campaign_id,
        given.settings.time_zone,
        clock=now_ms,
        drawing=drawing,
        progress=progress,
    )
    campaign = opened.campaign
    bot = await given.database.reading(partial(senders.name_on, channel="telegram"))
    told: dict[str, Any] = {
        "code": campaign.code,
        "title": campaign.draft.title,
        "size": campaign.size,
        "links": list(Links(given.settings.public_url, bot).join(campaign.code)),
    }
    if opened.problem is not None:
        told["problem"] = {"code": opened.problem.code, "params": dict(opened.problem.params)}
    return told


def _not_opened(connection: Connection, arguments: Mapping[str, Any]) -> None:
    """Let somebody try again."""
    campaigns.note(connection, int(arguments["campaign"]), opening_at=None)


def _read_households(database: Database, keys: Keyring, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Read a list of households, and lay down what is to be written of it."""
    return frames.work(database, keys, arguments, lambda percent: _say({"progress": percent}))


async def _take_in(given: Help, result: Mapping[str, Any]) -> dict[str, Any]:
    """Write what was worked out of a list, in many short transactions of which the last one counts."""
    database, path = given.database, frames.plan_file(result)
    import_id = int(result["import"])
    while await database.writing(lambda connection: clear(connection, import_id), bulk=True):
        continue
    if path is None:
        return await database.writing(
            partial(frames.finish, result=result, plan=None, now=now_ms()), bulk=True
        )
    with path.open("rb") as file:
        plan = frames.staging(result, file, now_ms())
        while await database.writing(plan.step, bulk=True):
            await given.keep(90 + 9 * plan.done // max(plan.size, 1))
        return await database.writing(
            partial(frames.finish, result=result, plan=plan, now=now_ms()), bulk=True
        )


async def _import_households(given: Help) -> dict[str, Any]:
    """Take a list of households in, or refuse it: all of it or nothing."""
    told = await given.database.reading(
        lambda connection: frames.dealt_with(connection, given.task.arguments)
    )
    if told is not None:
        return told
    for _ in range(AGAIN):
        with tempfile.TemporaryDirectory(prefix="hoidan-") as folder:
            result = await given.child("household_read", folder=folder)
            if result is None:
                raise RuntimeError("the list could not be read")
            try:
                return await _take_in(given, result)
            except Stale:
                # Somebody changed the frame in the meantime: what is to be written is worked out anew.
                await asyncio.sleep(1)
    raise RuntimeError("the frame changes all the time")


def _write_list(database: Database, keys: Keyring, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Write the list of those who have not answered."""
    return waiting.work(database, keys, arguments, lambda percent: _say({"progress": percent}))


async def _list_waiting(given: Help) -> dict[str, Any]:
    """Make the list of those who have not answered, and keep it to be fetched."""
    arguments = given.task.arguments
    with tempfile.TemporaryDirectory(prefix="hoidan-") as folder:
        result = await given.child(waiting.MAKING, folder=folder)
        if result is None:
            raise RuntimeError("the list could not be made")
        await given.database.writing(
            lambda connection: waiting.keep(connection, folder, arguments), bulk=True
        )
    return await given.database.writing(
        lambda connection: waiting.finish(connection, arguments, result, now_ms()), bulk=True
    )


def _draw_paper(database: Database, keys: Keyring, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Draw a campaign's invitations on paper."""
    return printing.work(database, keys, arguments, lambda percent: _say({"progress": percent}))


async def _print(given: Help) -> dict[str, Any]:
    """Make a campaign's paper, and keep it to be fetched: piece by piece, since there may be many pages."""
    arguments = given.task.arguments
    download = int(arguments["download"])
    with tempfile.TemporaryDirectory(prefix="hoidan-") as folder:
        result = await given.child(printing.MAKING, folder=folder)
        if result is None:
            raise RuntimeError("the paper could not be made")
        await given.database.writing(partial(downloads.clear, download_id=download), bulk=True)
        for number, piece in printing.sealed(folder):
            await given.database.writing(
                partial(downloads.add, download_id=download, sealed=[(number, piece)]), bulk=True
            )
            if number % 50 == 0:
                await given.keep(95)
    return await given.database.writing(
        lambda connection: printing.finish(connection, arguments, result, now_ms()), bulk=True
    )


KINDS: Mapping[str, Callable[[Database, Keyring, Mapping[str, Any]], dict[str, Any]]] = {
    "counts_rebuild": _rebuild,
    "campaign_draw": _draw,
    "household_read": _read_households,
    waiting.MAKING: _write_list,
    printing.MAKING: _draw_paper,
    CHECK: trials.work,
}
"""What runs in the child process: reads, computes, writes nothing."""

FINISH: Mapping[str, Finish] = {
    "counts_rebuild": _rebuilt,
    CHECK: lambda connection, result: trials.finish(connection, result, now_ms()),
}
"""What the worker writes of a result."""

STEPS: Mapping[str, Callable[[Help], Awaitable[dict[str, Any]]]] = {
    "campaign_open": _open_campaign,
    frames.KIND: _import_households,
    waiting.KIND: _list_waiting,
    printing.KIND: _print,
}
"""Work that writes in many short transactions, in this process: its lanes know how to let turns go first. It
may be begun anew at any step; what it returns is told.
"""

GIVEN_UP: Mapping[str, Callable[[Connection, Mapping[str, Any]], None]] = {
    "campaign_open": _not_opened,
    waiting.KIND: waiting.give_up,
    printing.KIND: printing.give_up,
    frames.KIND: lambda connection, arguments: frames.give_up(connection, arguments, now_ms()),
    CHECK: lambda connection, arguments: trials.give_up(connection, arguments, now_ms()),
}
"""What is written when a task failed for good."""


def main(kind: str) -> int:
    """The child process: arguments from standard input, JSON lines to standard output."""
    settings = load()
    with Database(settings.database) as database:
        _say({"progress": 0})
        _say({"result": KINDS[kind](database, keyring(settings), json.load(sys.stdin))})
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1]))
