"""``hoidan serve`` beside other processes: how it ends, who else may write, two of it on one database."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path

from aiohttp import ClientSession

from tests.acceptance.processes import (
    PATIENCE,
    SECRET,
    Walker,
    assert_counts_agree,
    assert_each_answer_once,
    double,
    free_port,
    install,
    kept,
    on_telegram,
    people,
    serve,
    served,
)
from tests.benchmarks.survey import QUESTIONS


def test_a_server_told_to_end_finishes_what_it_began(database_url: str, tmp_path: Path) -> None:
    asyncio.run(told_to_end(database_url, tmp_path))


async def told_to_end(database_url: str, folder: Path) -> None:
    installation = install(folder, database_url)
    async with double() as api:
        on_telegram(installation, api)
        server = await serve(installation)
        walkers = people(api, 12, installation.code)
        answering = asyncio.gather(*(walker.walk() for walker in walkers))
        try:
            await api.wait_for(lambda: len(api.attempts) > 60, PATIENCE)
            code = await asyncio.to_thread(server.terminate)
            assert code == 0
            # Whoever was heard was answered: 200, or the connection was not taken any more. Never an error.
            assert {attempt.status for attempt in api.attempts} <= {200, None}
            assert "Traceback" not in installation.log()
            server = await serve(installation)
            await answering
            await asyncio.to_thread(server.terminate)
        finally:
            answering.cancel()
            server.kill()
        assert not api.violations
    assert_each_answer_once(installation, walkers)
    assert_counts_agree(installation, len(walkers))


def test_a_second_server_on_one_file_is_refused_with_one_sentence(tmp_path: Path) -> None:
    asyncio.run(second_server(tmp_path))


async def second_server(folder: Path) -> None:
    installation = install(folder, f"sqlite:///{folder}/hoidan.db")
    async with served(installation) as server:
        second = await asyncio.to_thread(installation.run, "serve", "--port", "0")
        assert second.returncode == 1
        said = second.stderr.strip().splitlines()
        assert len(said) == 1
        assert "hoidan.db" in said[0]
        assert server.process.poll() is None
        await asyncio.to_thread(server.terminate)
    # The lock went with its process.
    async with served(installation):
        pass


def test_commands_reach_the_file_through_the_server_that_owns_it(tmp_path: Path) -> None:
    asyncio.run(commands_beside_a_server(tmp_path))


async def commands_beside_a_server(folder: Path) -> None:
    installation = install(folder, f"sqlite:///{folder}/hoidan.db")
    async with double() as api:
        on_telegram(installation, api)
        async with served(installation) as server:
            socket = folder / "hoidan.db.sock"
            assert socket.is_socket()
            assert socket.stat().st_mode & 0o077 == 0
            someone = Walker(api, 7001, installation.code)
            await someone.walk(stop_before="age")
            closed = await asyncio.to_thread(installation.json, "campaign", "close", installation.code)
            assert closed["status"] == "closed"
            late = api.chat(7002)
            api.user(7002, language_code="en")
            api.start(7002, installation.code)
            await api.wait_for(lambda: late.from_bot, PATIENCE)
            assert "Question" not in late.from_bot[-1]["text"], "the server knows at once that it is closed"
            # A server that was killed leaves its socket behind; commands take the file then.
            server.kill()
            assert socket.exists()
            status = await asyncio.to_thread(installation.json, "campaign", "status", installation.code)
            assert status["status"] == "closed"
            assert status["progress"]["begun"] == 1


def test_two_servers_on_one_database_share_the_same_people(postgres_url: str, tmp_path: Path) -> None:
    asyncio.run(two_servers(postgres_url, tmp_path))


async def two_servers(database_url: str, folder: Path) -> None:
    """Every update goes to both at the same moment, as when a proxy repeats what it has sent."""
    installation = install(folder, database_url)
    async with double() as api, ClientSession() as http:
        on_telegram(installation, api)
        async with served(installation) as first, served(installation, port=free_port()) as second:
            people_ids = [7000 + index for index in range(12)]

            async def post(base: str, update: dict[str, object]) -> dict[str, object]:
                headers = {"X-Telegram-Bot-Api-Secret-Token": SECRET}
                for _ in range(50):
                    async with http.post(f"{base}/telegram/webhook", json=update, headers=headers) as answer:
                        if answer.status == 200:
                            told = await answer.read()
                            return await answer.json() if told else {}
                        assert answer.status == 503
                        await asyncio.sleep(0.05)
                raise AssertionError("never taken")

            async def both(update: dict[str, object]) -> dict[str, object]:
                said = await asyncio.gather(post(first.base, update), post(second.base, update))
                prompts = [one for one in said if one]
                return prompts[0] if prompts else {}

            async def person(user_id: int) -> None:
                number = user_id * 1000
                sender = {"id": user_id, "is_bot": False, "first_name": "Lan", "language_code": "en"}
                chat = {"id": user_id, "type": "private"}

                async def say(text: str) -> dict[str, object]:
                    nonlocal number
                    number += 1
                    message = {"message_id": number, "from": sender, "chat": chat, "date": 1, "text": text}
                    return await both({"update_id": number, "message": message})

                prompt = await say(f"/start {installation.code}")
                for question in QUESTIONS:
                    assert question.label in str(prompt["text"])
                    prompt = await say(typed(question.name))
                assert "Your answers" in str(prompt["text"])
                await say("submit")

            await asyncio.gather(*(person(user_id) for user_id in people_ids))
    found = kept(installation, people_ids)
    expected = {question.name: [stored(question.name)] for question in QUESTIONS}
    assert all(each.log == expected for each in found.values())
    assert all(each.submissions == 1 for each in found.values())
    assert_counts_agree(installation, len(people_ids))
    quarantined = installation.json("events", "--quarantined")
    assert quarantined["events"] == []
    assert "deadlock" not in installation.log().lower()


def typed(name: str) -> str:
    """What a person types for a question: the first choice's number, a number, or words."""
    return {"age": "34", "household": "4", "first": "Đường cạnh chợ.", "services": "1, 3"}.get(name, "1")


def stored(name: str) -> str:
    """The value that is stored then."""
    return {"age": "34", "household": "4", "first": "Đường cạnh chợ.", "services": "c1 c3"}.get(name, "c1")


def test_an_interrupt_at_the_terminal_ends_a_server_like_a_signal_to_end(tmp_path: Path) -> None:
    asyncio.run(interrupted(tmp_path))


async def interrupted(folder: Path) -> None:
    installation = install(folder, f"sqlite:///{folder}/hoidan.db")
    async with served(installation) as server:
        os.kill(server.process.pid, signal.SIGINT)
        assert await server.died() == 0
        assert not (folder / "hoidan.db.sock").exists()
        assert "Traceback" not in installation.log()
