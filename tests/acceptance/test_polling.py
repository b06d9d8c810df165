"""Polling: Telegram is rid of an update only once it is committed, whatever happens."""

from __future__ import annotations

import asyncio
from pathlib import Path

from storage import senders
from tests.acceptance.processes import (
    PATIENCE,
    Walker,
    assert_each_answer_once,
    double,
    install,
    kept,
    on_telegram,
    people,
    serve,
    served,
    trigger,
)


def test_the_offset_moves_only_after_the_commit(tmp_path: Path) -> None:
    asyncio.run(offset_after_commit(tmp_path))


async def offset_after_commit(folder: Path) -> None:
    installation = install(folder, f"sqlite:///{folder}/hoidan.db")
    async with double() as api:
        on_telegram(installation, api, "polling")
        server = await serve(installation, fault="before_commit")
        someone = Walker(api, 7001, installation.code)
        try:
            await someone.walk(stop_before="age")
            await api.wait_for(lambda: not api.pending, PATIENCE)
            trigger(installation).touch()
            someone.given["age"] = ["34"]
            api.say(7001, "34")
            await server.died()
            assert api.pending == 1, "Telegram still has the update"
            assert kept(installation, [7001])[7001].log.get("age") is None, "and we don't"
            asked = max(int(call.params["offset"]) for call in api.calls("getUpdates"))
            newest = max(api._updates)
            assert asked <= newest
            server = await serve(installation)
            await api.wait_for(lambda: "Which part of town" in api.chat(7001).texts[-1], PATIENCE)
            await someone.walk()
            assert await asyncio.to_thread(server.terminate) == 0
        finally:
            server.kill()
        assert not api.violations
    assert_each_answer_once(installation, [someone])


def test_what_telegram_calls_us_is_kept_for_links_that_other_processes_make(tmp_path: Path) -> None:
    asyncio.run(known_by_name(tmp_path))


async def known_by_name(folder: Path) -> None:
    installation = install(folder, f"sqlite:///{folder}/hoidan.db")

    async def named(expected: str) -> None:
        # A server is ready before it has greeted Telegram.
        with installation.opened() as database:
            async with asyncio.timeout(PATIENCE):
                while database.read(lambda connection: senders.name_on(connection, "telegram")) != expected:
                    await asyncio.sleep(0.05)

    async with double() as api:
        on_telegram(installation, api, "polling")
        async with served(installation) as server:
            await named("hoidan_bot")
            assert await asyncio.to_thread(server.terminate) == 0
    # Without a token there is no bot, and nobody is sent to one.
    del installation.environment["HOIDAN_TELEGRAM_TOKEN"]
    async with served(installation) as server:
        await named("")
        assert await asyncio.to_thread(server.terminate) == 0


def test_several_people_are_polled_for_at_once(database_url: str, tmp_path: Path) -> None:
    asyncio.run(several_people(database_url, tmp_path))


async def several_people(database_url: str, folder: Path) -> None:
    installation = install(folder, database_url)
    async with double() as api:
        on_telegram(installation, api, "polling")
        async with served(installation) as server:
            walkers = people(api, 6, installation.code)
            await asyncio.gather(*(walker.walk() for walker in walkers))
            await api.wait_for(lambda: not api.pending, PATIENCE)
            assert await asyncio.to_thread(server.terminate) == 0
        assert not api.violations
    assert_each_answer_once(installation, walkers)
