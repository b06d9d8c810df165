"""A server that is killed without a warning: whatever it acknowledged is there, once, and people go on
answering.
"""

from __future__ import annotations

import asyncio
import random
from pathlib import Path

import pytest

from tests.acceptance.processes import (
    PATIENCE,
    Walker,
    assert_counts_agree,
    assert_each_answer_once,
    double,
    heard,
    install,
    kept,
    on_telegram,
    people,
    serve,
    trigger,
)


def test_killed_at_random_moments_a_server_loses_and_doubles_nothing(
    database_url: str, tmp_path: Path
) -> None:
    asyncio.run(killed_at_random(database_url, tmp_path))


async def killed_at_random(database_url: str, folder: Path) -> None:
    installation = install(folder, database_url)
    chance = random.Random(7)
    async with double() as api:
        on_telegram(installation, api)
        server = await serve(installation)
        walkers = people(api, 16, installation.code)
        answering = asyncio.gather(*(walker.walk() for walker in walkers))
        try:
            for _ in range(3):
                await heard(api, len(api.attempts) + chance.randrange(5, 60), answering)
                if answering.done():
                    break
                await asyncio.sleep(chance.random() / 50)
                server.kill()
                server = await serve(installation)
            await answering
            assert server.terminate() == 0
        finally:
            answering.cancel()
            server.kill()
        assert not api.violations
    assert_each_answer_once(installation, walkers)
    assert all(walker.finished for walker in walkers)
    status = installation.json("campaign", "status", installation.code)
    assert status["progress"]["submitted"] == len(walkers)
    assert_counts_agree(installation, len(walkers))


@pytest.mark.parametrize("place", ["before_commit", "half_batch", "after_commit"])
def test_a_server_killed_around_its_commit_leaves_all_of_a_batch_or_nothing(
    place: str, database_url: str, tmp_path: Path
) -> None:
    asyncio.run(killed_around_the_commit(place, database_url, tmp_path))


async def killed_around_the_commit(place: str, database_url: str, folder: Path) -> None:
    installation = install(folder, database_url)
    async with double() as api:
        on_telegram(installation, api)
        server = await serve(installation, fault=place)
        walkers = people(api, 4, installation.code)
        try:
            await asyncio.gather(*(walker.walk(stop_before="water") for walker in walkers))
            # Everybody answers one more question, and the server dies over them.
            trigger(installation).touch()
            going_on = asyncio.gather(*(walker.walk(stop_before="light") for walker in walkers))
            await server.died()
            at_death = kept(installation, [walker.user_id for walker in walkers])
            stored = {user_id: len(found.log.get("water", ())) for user_id, found in at_death.items()}
            assert set(stored.values()) <= {0, 1}
            assert any(stored.values()) or place != "after_commit"
            server = await serve(installation)
            await going_on
            assert server.terminate() == 0
        finally:
            server.kill()
    assert_each_answer_once(installation, walkers)


def test_the_prompt_that_a_killed_server_did_not_send_comes_with_the_retry(tmp_path: Path) -> None:
    asyncio.run(prompt_with_the_retry(f"sqlite:///{tmp_path}/hoidan.db", tmp_path))


async def prompt_with_the_retry(database_url: str, folder: Path) -> None:
    installation = install(folder, database_url)
    async with double() as api:
        on_telegram(installation, api)
        server = await serve(installation, fault="after_commit")
        someone = Walker(api, 7001, installation.code)
        try:
            await someone.walk(stop_before="age")
            before = len(api.chat(7001).from_bot)
            trigger(installation).touch()
            api.say(7001, "34")
            await server.died()
            assert kept(installation, [7001])[7001].log["age"] == ["34"]
            assert len(api.chat(7001).from_bot) == before, "nothing was said before the server died"
            server = await serve(installation)
            await api.wait_for(lambda: len(api.chat(7001).from_bot) > before, PATIENCE)
            assert "Which part of town" in api.chat(7001).texts[-1]
            assert len(api.chat(7001).from_bot) == before + 1
            assert server.terminate() == 0
        finally:
            server.kill()
    assert kept(installation, [7001])[7001].log["age"] == ["34"]
