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
from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any

from sqlalchemy import Connection

from bot.questionnaires import Shelf
from bot.settings import Settings, keyring, load
from bot.submitting import count_campaign, differences
from storage import campaigns, contacts, counts, outbox, tasks
from storage.counts import Cell
from storage.crypto import Keyring
from storage.database import Database, now_ms
from storage.tasks import Task

log = logging.getLogger("hoidan.worker")

CLAIM_MS = 60_000
"""How long a claim holds without a sign of life."""
IDLE_S = 1.0
SECONDS = 1_800
"""How long a task may take."""
ATTEMPTS = 3
LARGEST = 256 << 20
"""Bytes of a result."""

Finish = Callable[[Connection, Mapping[str, Any]], Mapping[str, Any]]
"""Writes a task's result in the closing transaction; returns the parameters of the message about it."""


class Worker:
    """Takes tasks one at a time."""

    def __init__(self, settings: Settings, database: Database, keys: Keyring) -> None:
        self._settings = settings
        self._database = database
        self._keyring = keys
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
            lambda connection: tasks.claim(connection, self._keyring, self._holder, now_ms(), CLAIM_MS),
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
        if task.attempts <= ATTEMPTS and task.kind in KINDS:
            result = await self._child(task)
        finish = FINISH.get(task.kind)

        def settle(connection: Connection) -> None:
            now = now_ms()
            told = dict(finish(connection, result)) if finish is not None and result is not None else {}
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

    async def _child(self, task: Task) -> dict[str, Any] | None:
        """Run one task in a process of its own; its result, or None when it failed."""
        child = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "bot.worker", task.kind,
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
            limit=LARGEST, start_new_session=True, env=dict(os.environ),
        )  # fmt: skip
        assert child.stdin is not None and child.stdout is not None
        try:
            child.stdin.write(json.dumps(task.arguments).encode())
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
        return lambda connection: tasks.keep(connection, task.id, self._holder, progress, now_ms(), CLAIM_MS)


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


KINDS: Mapping[str, Callable[[Database, Keyring, Mapping[str, Any]], dict[str, Any]]] = {
    "counts_rebuild": _rebuild,
}
"""What runs in the child process: reads, computes, writes nothing."""

FINISH: Mapping[str, Finish] = {"counts_rebuild": _rebuilt}
"""What the worker writes of a result."""


def main(kind: str) -> int:
    """The child process: arguments from standard input, JSON lines to standard output."""
    settings = load()
    with Database(settings.database) as database:
        _say({"progress": 0})
        _say({"result": KINDS[kind](database, keyring(settings), json.load(sys.stdin))})
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1]))
