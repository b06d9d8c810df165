"""The worker of a town for tests: the tasks that wait are done, in this process."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from bot.worker import KINDS, Worker
from storage.tasks import Task
from tests.bot.served import settings
from tests.town import Town


class InProcess(Worker):
    """A worker whose tasks run in this process: the same work, without starting Python again."""

    async def _child(self, task: Task, kind: str = "", **more: Any) -> dict[str, Any] | None:
        do, given = KINDS[kind or task.kind], {**task.arguments, **more}
        result = await asyncio.to_thread(do, self._database, self._keyring, given)
        told: dict[str, Any] = json.loads(json.dumps(result))
        return told


async def work(town: Town) -> int:
    """Do every task that waits; how many."""
    return await InProcess(settings(town), town.database, town.keyring, lambda: town.now).drain()
