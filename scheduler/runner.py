"""Runs the jobs: in one process at a time, the one that holds the lease ``scheduler``.

APScheduler keeps time; its own job stores are not used, since several processes sharing one run jobs
several times.
Another process takes over when the lease lapses.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Sequence

from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler

from scheduler.jobs import Job
from storage import leases
from storage.database import Database, now_ms

log = logging.getLogger("hoidan.scheduler")

LEASE_MS = 30_000
LEASE = "scheduler"
LOOK_S = LEASE_MS / 3000
"""How often the lease is kept, and the clock looked at."""
BACKWARDS_MS = 5_000
"""A clock that was set back by more: jobs planned by the clock before would wait until it is there again."""


class Runner:
    """Holds the lease while it can, and runs the jobs while it does."""

    def __init__(self, database: Database, jobs: Sequence[Job]) -> None:
        self._database = database
        self._jobs = tuple(jobs)
        self._holder = secrets.token_hex(8)
        self._scheduler: BackgroundScheduler | None = None
        self._seen = 0

    @property
    def holding(self) -> bool:
        """Whether this process runs the jobs now."""
        return self._scheduler is not None

    async def run(self, stopping: asyncio.Event) -> None:
        """Take and keep the lease until ``stopping``."""
        try:
            while not stopping.is_set():
                await self._tick()
                try:
                    await asyncio.wait_for(stopping.wait(), LOOK_S)
                except TimeoutError:
                    continue
        finally:
            self._end()
            await self._database.writing(
                lambda connection: leases.release(connection, LEASE, self._holder), bulk=True
            )

    async def _tick(self) -> None:
        now, before = now_ms(), self._seen
        self._seen = now
        if now < before - BACKWARDS_MS and self._scheduler is not None:
            log.warning("the clock was set back by %d s: the jobs are planned anew", (before - now) // 1000)
            self._end()
        try:
            epoch = await self._database.writing(
                lambda connection: leases.take(connection, LEASE, self._holder, now, LEASE_MS), bulk=True
            )
        except Exception as fault:
            log.warning("the scheduler's lease can't be kept: %s", type(fault).__name__)
            epoch = None
        if epoch is None:
            self._end()
        elif self._scheduler is None:
            self._begin()

    def _begin(self) -> None:
        scheduler = BackgroundScheduler(
            executors={"default": ThreadPoolExecutor(2)},
            job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": 600},
        )
        for job in self._jobs:
            scheduler.add_job(self._guarded, "interval", args=[job], seconds=job.seconds, id=job.name)
        scheduler.start()
        self._scheduler = scheduler
        log.info("this process runs the jobs now")

    def _end(self) -> None:
        scheduler, self._scheduler = self._scheduler, None
        if scheduler is not None:
            scheduler.shutdown(wait=False)
            log.info("this process no longer runs the jobs")

    def _guarded(self, job: Job) -> None:
        try:
            job.run(self._database)
        except Exception as fault:
            log.error("job %s failed: %s", job.name, type(fault).__name__)
