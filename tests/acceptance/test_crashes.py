"""A server that is killed without a warning: whatever it acknowledged is there, once, and people go on
answering.
"""

from __future__ import annotations

import asyncio
import random
from pathlib import Path

import pytest

from bot.doubles.telegram import BotApiDouble
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


def test_an_update_is_not_acknowledged_before_its_prompt_went_out_by_a_call(tmp_path: Path) -> None:
    asyncio.run(prompt_by_a_call(tmp_path))


async def prompt_by_a_call(folder: Path) -> None:
    """Somebody taps quicker than Telegram takes messages: a prompt goes by a call, and the server dies."""
    installation = install(folder, f"sqlite:///{folder}/hoidan.db", HOIDAN_TELEGRAM_CHAT_BURST="1")
    async with double() as api:
        on_telegram(installation, api)
        server = await serve(installation, fault="sending")
        someone = Walker(api, 7001, installation.code)
        try:
            await someone.walk(stop_before="age")
            trigger(installation).touch()
            api.say(7001, "34")
            await server.died()
            assert kept(installation, [7001])[7001].log["age"] == ["34"]
            assert api.pending == 1, "Telegram was not told that this is done"
            server = await serve(installation)
            await api.wait_for(lambda: "Which part of town" in api.chat(7001).texts[-1], PATIENCE)
            assert await asyncio.to_thread(server.terminate) == 0
        finally:
            server.kill()


def receipts(api: BotApiDouble) -> list[str]:
    """The receipts that person 7001 got."""
    return [text for text in api.chat(7001).texts if text.startswith("Thank you")]


@pytest.mark.parametrize("place", ["sending", "sent"])
def test_a_receipt_survives_the_death_of_the_process_that_sends_it(place: str, tmp_path: Path) -> None:
    asyncio.run(receipt_survives(place, tmp_path))


async def receipt_survives(place: str, folder: Path) -> None:
    installation = install(folder, f"sqlite:///{folder}/hoidan.db")
    async with double() as api:
        on_telegram(installation, api)
        server = await serve(installation, fault=place)
        someone = Walker(api, 7001, installation.code)
        try:
            await someone.walk(stop_before="first")
            await someone.do(lambda: api.say(7001, "Đường cạnh chợ."))
            trigger(installation).touch()
            someone.given["first"] = ["Đường cạnh chợ."]
            api.say(7001, "submit")
            await server.died()
            server = await serve(installation)
            most = 2 if place == "sent" else 1
            await api.wait_for(lambda: len(receipts(api)) >= most, PATIENCE)
            someone.finished = True
            assert await asyncio.to_thread(server.terminate) == 0
            assert len(receipts(api)) == most
            assert len(set(receipts(api))) == 1, "the same receipt, if it comes twice"
        finally:
            server.kill()
    assert_each_answer_once(installation, [someone])
