"""The ground fails under a running server: no database, no room on the disk. Nothing is acknowledged that is
not kept, the process stays, and goes on by itself when the ground is there again.
"""

from __future__ import annotations

import asyncio
import resource
from collections.abc import Awaitable, Callable
from pathlib import Path

import psycopg
import pytest
from aiohttp import ClientSession

from bot.doubles.telegram import BotApiDouble
from tests import postgres
from tests.acceptance.processes import (
    PATIENCE,
    SECRET,
    Installation,
    Server,
    Walker,
    assert_each_answer_once,
    double,
    heard,
    install,
    kept,
    on_telegram,
    served,
)


async def answers_503_until_mended(
    api: BotApiDouble, installation: Installation, server: Server, mend: Callable[[], Awaitable[None]]
) -> None:
    """Somebody answers while nothing can be committed: 503 with a Retry-After, then everything as if nothing
    was.
    """
    someone = Walker(api, 7001, installation.code)
    before = len(api.attempts)
    going_on = asyncio.ensure_future(someone.walk(stop_before="part"))
    try:
        await api.wait_for(lambda: any(each.status == 503 for each in list(api.attempts)[before:]), PATIENCE)
        refused = next(each for each in list(api.attempts)[before:] if each.status == 503)
        assert refused.again_in is not None and 1 <= refused.again_in <= 5, "Retry-After was heeded"
        async with ClientSession() as http:
            headers = {"X-Telegram-Bot-Api-Secret-Token": SECRET}
            update = {"update_id": 1, "message": message(7002, f"/start {installation.code}")}
            async with http.post(installation.webhook, json=update, headers=headers) as answer:
                assert answer.status == 503
                assert 1 <= int(answer.headers["Retry-After"]) <= 5
            async with http.get(f"{server.base}/healthz") as answer:
                assert answer.status == 200
            async with http.get(f"{server.base}/readyz") as answer:
                ready_meanwhile = answer.status
        assert not going_on.done()
        assert server.process.poll() is None
        await mend()
        await going_on
        await someone.walk()
    finally:
        going_on.cancel()
    assert ready_meanwhile in (200, 503)
    assert_each_answer_once(installation, [someone])
    assert kept(installation, [7002])[7002].log == {}
    assert installation.json("events", "--quarantined")["events"] == [], "no event is to blame for the ground"


def message(user_id: int, text: str) -> dict[str, object]:
    """A private message as Telegram tells it."""
    sender = {"id": user_id, "is_bot": False, "first_name": "Lan", "language_code": "en"}
    chat = {"id": user_id, "type": "private"}
    return {"message_id": 1, "from": sender, "chat": chat, "date": 1, "text": text}


def test_a_database_that_lets_nobody_in_means_503_until_it_does(
    postgres_server: postgres.Server, postgres_url: str, tmp_path: Path
) -> None:
    asyncio.run(nobody_let_in(postgres_server, postgres_url, tmp_path))


async def nobody_let_in(server: postgres.Server, url: str, folder: Path) -> None:
    name = url.partition("@/")[2].partition("?")[0]
    installation = install(folder, url)

    def let_in(yes: bool) -> None:
        with psycopg.connect(server.dsn("postgres"), autocommit=True) as connection:
            connection.execute(
                f"ALTER DATABASE {name} ALLOW_CONNECTIONS {'true' if yes else 'false'}".encode()
            )
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name]
            )

    async def mend() -> None:
        await asyncio.to_thread(let_in, True)

    async with double() as api:
        on_telegram(installation, api)
        async with served(installation) as running:
            await asyncio.to_thread(let_in, False)
            try:
                await answers_503_until_mended(api, installation, running, mend)
            finally:
                let_in(True)
            assert await asyncio.to_thread(running.terminate) == 0


def test_connections_that_break_under_load_cost_no_answer(
    postgres_server: postgres.Server, postgres_url: str, tmp_path: Path
) -> None:
    asyncio.run(connections_break(postgres_server, postgres_url, tmp_path))


async def connections_break(server: postgres.Server, url: str, folder: Path) -> None:
    name = url.partition("@/")[2].partition("?")[0]
    installation = install(folder, url)

    def cut() -> None:
        with psycopg.connect(server.dsn("postgres"), autocommit=True) as connection:
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name]
            )

    async with double() as api:
        on_telegram(installation, api)
        async with served(installation) as running:
            walkers = [Walker(api, 7000 + index, installation.code) for index in range(8)]
            answering = asyncio.gather(*(walker.walk() for walker in walkers))
            try:
                for _ in range(5):
                    await heard(api, len(api.attempts) + 12, answering)
                    await asyncio.to_thread(cut)
                await answering
            finally:
                answering.cancel()
            assert running.process.poll() is None
    assert_each_answer_once(installation, walkers)
    assert installation.json("events", "--quarantined")["events"] == []


@pytest.mark.skipif(not hasattr(resource, "prlimit"), reason="limits of another process can't be set here")
def test_a_full_disk_means_503_until_there_is_room(tmp_path: Path) -> None:
    asyncio.run(full_disk(tmp_path))


async def full_disk(folder: Path) -> None:
    installation = install(folder, f"sqlite:///{folder}/hoidan.db")
    async with double() as api:
        on_telegram(installation, api)
        async with served(installation) as running:
            pid = running.process.pid
            before = resource.prlimit(pid, resource.RLIMIT_FSIZE)
            # No file may be written beyond its first block: a disk that is full, for this process alone.
            resource.prlimit(pid, resource.RLIMIT_FSIZE, (4096, before[1]))

            async def mend() -> None:
                resource.prlimit(pid, resource.RLIMIT_FSIZE, before)

            await answers_503_until_mended(api, installation, running, mend)
            assert await asyncio.to_thread(running.terminate) == 0
