"""Messages of our own accord when processes die over them: none doubled, none lost, and what nobody can know
is said to be so. The platform's own log is the truth.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, select

from bot.delivery import TOGETHER
from bot.doubles.telegram import BotApiDouble
from bot.settings import keyring
from storage import campaigns, contacts, outbox
from storage.database import now_ms
from storage.outbox import Draft
from storage.schema import outbox as table
from tests.acceptance.processes import (
    Installation,
    Server,
    double,
    install,
    on_telegram,
    serve,
    trigger,
)

PEOPLE = 60
WAITS = 90.0


def write_to_everybody(installation: Installation, api: BotApiDouble) -> dict[int, int]:
    """A message for each of many people, of the open campaign: *row → who*."""
    keys = keyring(installation.settings)
    numbers = range(8_001, 8_001 + PEOPLE)
    for number in numbers:
        api.user(number)
        api.start(number)
    api._updates.clear()  # They came long ago.

    def write(connection: Connection) -> dict[int, int]:
        campaign = campaigns.expect(connection, installation.code)
        for number in numbers:
            known = contacts.create(connection, keys, "telegram", str(number), "en", now_ms())
            draft = Draft(
                "telegram",
                known.id,
                f"told:{number}",
                "turn.unreadable",
                {},
                bulk=True,
                campaign_id=campaign.id,
            )
            outbox.queue(connection, keys, [draft], now_ms())
        rows = connection.execute(select(table.c.id, table.c.key)).all()
        return {row.id: int(row.key.partition(":")[2]) for row in rows}

    with installation.opened() as database:
        return database.write(write)


def states(installation: Installation) -> dict[int, str]:
    """The state of every message."""
    with installation.opened() as database:
        return dict(
            database.read(
                lambda connection: [
                    (row.id, row.state) for row in connection.execute(select(table.c.id, table.c.state))
                ]
            )
        )


async def settled(installation: Installation) -> dict[int, str]:
    """Wait until nothing is due or on its way."""
    async with asyncio.timeout(WAITS):
        while {"due", "claimed"} & set((found := await asyncio.to_thread(states, installation)).values()):
            await asyncio.sleep(0.2)
    return found


@pytest.mark.parametrize(
    ("place", "database_url"), [("sending", "sqlite"), ("sent", "postgresql")], indirect=["database_url"]
)
def test_a_process_that_dies_over_its_sends_doubles_and_loses_nothing(
    place: str, database_url: str, tmp_path: Path
) -> None:
    asyncio.run(dies_over_its_sends(place, database_url, tmp_path))


async def dies_over_its_sends(place: str, database_url: str, folder: Path) -> None:
    installation = install(folder, database_url)
    server: Server | None = None
    async with double() as api:
        on_telegram(installation, api)
        people = write_to_everybody(installation, api)
        try:
            server = await serve(installation, fault=place)
            await api.wait_for(lambda: len(api.calls("sendMessage")) >= 12, WAITS)
            trigger(installation).touch()
            await server.died()
            server = await serve(installation)
            ends = await settled(installation)
            assert await asyncio.to_thread(server.terminate) == 0
        finally:
            if server is not None:
                server.kill()
        assert not api.violations
        got = Counter(call.params["chat_id"] for call in api.calls("sendMessage") if call.status == 200)
    assert set(got.values()) == {1}, "nobody got anything twice"
    assert set(ends.values()) <= {"sent", "unknown"}
    unknown = {row for row, state in ends.items() if state == "unknown"}
    assert 1 <= len(unknown) <= TOGETHER, "no more than was on its way"
    assert {people[row] for row, state in ends.items() if state == "sent"} <= set(got)
    assert {people[row] for row in ends} - set(got) <= {people[row] for row in unknown}
    assert_listed(installation, unknown)


def assert_listed(installation: Installation, unknown: set[int]) -> None:
    """Staff see every one of these, and can have them sent once more."""
    listed: dict[str, Any] = installation.json("delivery", "list", "--state", "unknown")
    assert {each["id"] for each in listed["messages"]} == unknown
    assert {each["code"] for each in listed["messages"]} == {installation.code}
    again = installation.json("delivery", "retry", str(min(unknown)))
    assert again == {"retried": 1}
    assert states(installation)[min(unknown)] == "due"
    dropped = installation.json("delivery", "drop", "--campaign", installation.code, "--state", "unknown")
    assert dropped == {"dropped": len(unknown) - 1}
