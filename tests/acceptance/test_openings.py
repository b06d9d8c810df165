"""A process that is killed while it opens a campaign leaves nothing half made: who comes next goes on, and in
the end everybody of the frame has one case.
"""

from __future__ import annotations

import random
import subprocess
import sys

import pytest
from sqlalchemy import func, select

from storage import campaigns
from storage.database import Database
from storage.schema import cases, households
from surveys.campaigns import Status
from tests.acceptance.processes import HOME
from tests.benchmarks.campaigns import COMMUNES, draft, frame
from tests.ward import found, publication

HOUSEHOLDS = 24 * COMMUNES

OPENS = """
import asyncio, sys
from bot import opening
from bot.actions.gate import VIETNAM
from storage.database import Database

opening.STEP = opening.SHORTEST = opening.LONGEST = 60
opening.CARRIED_OVER = 240

async def told(done, of):
    print(done, flush=True)

with Database(sys.argv[1]) as database:
    opens = opening.open_by_steps(database, int(sys.argv[2]), VIETNAM, clock=lambda: 10**12, progress=told)
    asyncio.run(opens)
"""


def begun(url: str, campaign: int) -> subprocess.Popen[str]:
    """A process that opens the campaign, and prints a line after each step."""
    command = [sys.executable, "-c", OPENS, url, str(campaign)]
    return subprocess.Popen(command, cwd=HOME, stdout=subprocess.PIPE, text=True)


@pytest.mark.parametrize(
    ("mode", "database_url"), [("census", "postgresql"), ("sample", "sqlite")], indirect=["database_url"]
)
def test_killed_again_and_again_an_opening_goes_on_until_everybody_has_one_case(
    mode: str, database_url: str
) -> None:
    ward = found(database_url)
    published = publication("ho")
    published["definition"]["instrument"]["unit"] = "household"
    ward.act("instrument.publish", **published)
    frame(ward.database, HOUSEHOLDS)
    design = {"design": {"size": 1_500, "strata": "commune", "seed": "7"}} if mode == "sample" else {}
    campaign = draft(ward, mode=mode, instrument="ho-v0", **design)
    ward.close()
    chance, came_to = random.Random(11), [0]
    for _ in range(3):
        process = begun(database_url, campaign)
        assert process.stdout is not None
        for _ in range(chance.randrange(2, 7)):
            assert process.stdout.readline()
        process.kill()
        assert process.wait() < 0
        process.stdout.close()
        came_to.append(number(database_url, campaign))
    assert came_to == sorted(set(came_to))  # Each went on, and none began again.
    assert came_to[-1] < (HOUSEHOLDS if mode == "census" else 1_500)
    process = begun(database_url, campaign)
    process.communicate()
    assert process.returncode == 0
    with Database(database_url) as database:
        opened = database.read(lambda c: campaigns.expect(c, campaign))
        there = select(func.count(), func.count(cases.c.household_id.distinct())).where(
            cases.c.campaign_id == campaign, cases.c.household_id.in_(select(households.c.id))
        )
        found_ = database.read(lambda c: c.execute(there).one())
    assert (opened.status, opened.made_at) == (Status.OPEN, 10**12)
    assert found_ == (opened.size, opened.size) and opened.size == (1_500 if mode == "sample" else HOUSEHOLDS)


def number(url: str, campaign: int) -> int:
    """How many cases a campaign has."""
    with Database(url) as database:
        counted = select(func.count()).where(cases.c.campaign_id == campaign)
        return int(database.read(lambda c: c.execute(counted).scalar_one()))
