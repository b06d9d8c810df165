"""``python -m tests.simulation.moved serve …``: the command line in a process that lives by the moved clock.

What tells the time (:func:`storage.database.now_ms`) reads ``time.time_ns``; that is what is moved. Jobs run
by APScheduler keep the machine's time, a fraction of their intervals apart, since days pass in minutes here.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from tests.simulation.clock import VARIABLE, Clock

HASTE = 10.0
"""How much more often than in service jobs run."""
LEAST_S = 0.5


def move() -> None:
    """Let this process live by the clock that its environment names."""
    clock = Clock(Path(os.environ[VARIABLE]))
    time.time_ns = clock.ns
    time.time = lambda: clock.ns() / 1e9


def hasten() -> None:
    """Let jobs run more often."""
    from bot import serve
    from scheduler.jobs import Job
    from scheduler.runner import Runner
    from storage.database import Database

    class Hasty(Runner):
        def __init__(self, database: Database, jobs: Sequence[Job]) -> None:
            quick = [Job(job.name, max(LEAST_S, job.seconds / HASTE), job.run) for job in jobs]
            super().__init__(database, quick)

    setattr(serve, "Runner", Hasty)  # noqa: B010


if __name__ == "__main__":
    move()
    hasten()
    from bot.cli import main

    sys.exit(main())
