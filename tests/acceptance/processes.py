"""Real processes for acceptance tests: an installation with a survey open, ``hoidan serve`` on it, people who
answer through the double of Telegram's servers.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiohttp import ClientError, ClientSession

from bot.doubles.telegram import BotApiDouble
from bot.doubles.telegram_people import NO_LIMITS, Delivery
from bot.questionnaires import Shelf
from bot.settings import Settings, keyring, load
from bot.submitting import count_campaign, differences
from storage import campaigns, contacts, counts, interviews, submissions
from storage.database import Database
from tests.benchmarks import survey
from tests.benchmarks.seed import seed
from tests.benchmarks.survey import QUESTIONS, Kind, asked_in

HOME = Path(__file__).resolve().parent.parent.parent
TOKEN = "42:acceptance"
SECRET = "s3cret"
PATIENCE = 60.0
"""Seconds after which a test gives up waiting; nothing depends on how long anything takes."""

_HOIDAN = ("-c", "import sys; from bot.cli import main; sys.exit(main())")


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as line:
        line.bind(("127.0.0.1", 0))
        port: int = line.getsockname()[1]
    return port


@dataclass(slots=True)
class Installation:
    """A database with the survey open, and the environment of the processes that work on it."""

    folder: Path
    environment: dict[str, str]
    port: int
    code: str = ""

    @property
    def settings(self) -> Settings:
        return load(self.environment)

    @property
    def webhook(self) -> str:
        return f"http://127.0.0.1:{self.port}/telegram/webhook"

    def opened(self) -> Database:
        """The database, for a look from this process."""
        return Database(self.settings.database)

    def log(self) -> str:
        """What the processes said on standard error, all of them."""
        return "\n".join(path.read_text("utf-8", "replace") for path in sorted(self.folder.glob("*.log")))

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """One command of the command line, to its end."""
        return subprocess.run(
            [sys.executable, *_HOIDAN, *arguments],
            cwd=HOME,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )

    def json(self, *arguments: str) -> Any:
        """What a command prints with ``--json``."""
        done = self.run(*arguments, "--json")
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)


def install(folder: Path, database_url: str, **more: str) -> Installation:
    """An installation in ``folder`` on the empty database at ``database_url``; Telegram is off."""
    port = free_port()
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith(("HOIDAN_", "PG"))},
        "HOIDAN_DATABASE_URL": database_url,
        "HOIDAN_KEYS_FILE": str(folder / "keys"),
        "HOIDAN_PORT": str(port),
        "HOIDAN_LANGUAGE": "en",
        "HOIDAN_LOG_LEVEL": "warning",
        # Walkers answer quicker than Telegram takes messages for a chat: prompts ride all the same, so that
        # somebody sees a prompt exactly when their update is acknowledged.
        "HOIDAN_TELEGRAM_CHAT_BURST": "0",
        **more,
    }
    made = Installation(folder, environment, port)
    made.code = seed(made.settings)
    return made


def on_telegram(installation: Installation, api: BotApiDouble, mode: str = "webhook") -> None:
    """Put the installation on the Telegram of ``api``."""
    installation.environment.update(
        HOIDAN_TELEGRAM_TOKEN=api.token,
        HOIDAN_TELEGRAM_API_BASE=api.base_url,
        HOIDAN_TELEGRAM_MODE=mode,
        HOIDAN_TELEGRAM_WEBHOOK_SECRET=SECRET,
    )


def double() -> BotApiDouble:
    """A Telegram without limits that is quick to deliver again."""
    return BotApiDouble(TOKEN, limits=NO_LIMITS, delivery=Delivery(pace=0.05))


@dataclass(slots=True)
class Server:
    """A process of ``hoidan serve``."""

    installation: Installation
    process: subprocess.Popen[bytes]
    base: str

    def kill(self) -> None:
        """SIGKILL, with everything it started."""
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def terminate(self) -> int:
        """SIGTERM; its exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(PATIENCE)

    async def died(self) -> int:
        """Wait until it is gone; its exit code."""
        return await asyncio.to_thread(self.process.wait, PATIENCE)


_numbers = iter(range(1, 1_000_000))


async def serve(
    installation: Installation,
    *,
    port: int | None = None,
    fault: str = "",
    ready: bool = True,
    **environment: str,
) -> Server:
    """Start ``hoidan serve`` and wait until it answers.

    ``fault``: a place at which it kills itself once the file ``trigger`` is in the folder; see
    :mod:`tests.acceptance.faulty`.
    """
    port = port or installation.port
    command = ["-m", "tests.acceptance.faulty", fault] if fault else [*_HOIDAN]
    log = installation.folder / f"serve-{next(_numbers):03}.log"
    process = subprocess.Popen(
        [sys.executable, *command, "serve", "--port", str(port)],
        cwd=HOME,
        env={
            **installation.environment,
            "HOIDAN_PUBLIC_URL": f"http://127.0.0.1:{port}",
            "HOIDAN_TEST_TRIGGER": str(trigger(installation)),
            **environment,
        },
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=log.open("wb"),
        start_new_session=True,
    )
    server = Server(installation, process, f"http://127.0.0.1:{port}")
    if ready:
        try:
            await answering(server)
        except BaseException:
            server.kill()
            raise
    return server


def trigger(installation: Installation) -> Path:
    """The file that sets off a process's fault; the process removes it then."""
    return installation.folder / "trigger"


async def answering(server: Server) -> None:
    """Wait until the server can serve."""
    deadline = time.monotonic() + PATIENCE
    async with ClientSession() as http:
        while server.process.poll() is None and time.monotonic() < deadline:
            try:
                async with http.get(f"{server.base}/readyz") as answer:
                    if answer.status == 200:
                        return
            except (ClientError, OSError):
                pass
            await asyncio.sleep(0.03)
    raise AssertionError(f"the server does not answer: {server.installation.log()}")


@asynccontextmanager
async def served(installation: Installation, **options: Any) -> AsyncIterator[Server]:
    """A server for the length of a block; killed at its end if it still runs."""
    server = await serve(installation, **options)
    try:
        yield server
    finally:
        server.kill()


# ── people ──────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(slots=True)
class Walker:
    """Somebody who answers the whole survey on Telegram, and remembers what they said.

    ``given``: question → the stored values they gave it, in order (one each, unless they were asked again).
    """

    api: BotApiDouble
    user_id: int
    code: str
    seed: int = 1
    given: dict[str, list[str]] = field(default_factory=dict)
    ticked: list[str] = field(default_factory=list)
    finished: bool = False

    async def walk(self, *, stop_before: str = "") -> None:
        """From the start to handing in (or until ``stop_before`` is asked); as long as it takes."""
        rng = random.Random(self.user_id * 1000 + self.seed)
        self.api.user(self.user_id, language_code="en")
        if not self.api.chat(self.user_id).from_bot:
            await self.do(lambda: self.api.start(self.user_id, self.code))
        while not self.finished:
            message = self.api.chat(self.user_id).from_bot[-1]
            text = message["text"]
            question = asked_in(text)
            if survey.SUBMIT in text_of_buttons(message):
                self._press(message, survey.SUBMIT)
                await self.api.wait_for(self._taken, PATIENCE)
                self.finished = True
            elif question is None:
                raise AssertionError(f"the bot asks nothing: {text!r}")
            elif question.name == stop_before:
                return
            elif question.kind is Kind.ONE:
                choice = rng.randrange(len(question.choices))
                self._gave(question.name, f"c{choice + 1}")
                await self.do(lambda m=message, c=question.choices[choice]: self._press(m, c))
            elif question.kind is Kind.NUMBER:
                number = str(rng.randint(question.least, question.most))
                self._gave(question.name, number)
                await self.do(lambda n=number: self.api.say(self.user_id, n))
            elif question.kind is Kind.TEXT:
                words = f"Sửa con đường số {rng.randrange(10**9)} cạnh chợ."
                self._gave(question.name, words)
                await self.do(lambda w=words: self.api.say(self.user_id, w))
            elif len(self.ticked) < survey.TICKS:
                left = [choice for choice in question.choices if choice not in self.ticked]
                wanted = rng.choice(left)
                self.ticked.append(wanted)
                await self.do(lambda m=message, w=wanted: self._press(m, w))
            else:
                names = [
                    f"c{number}" for number, choice in enumerate(question.choices, 1) if choice in self.ticked
                ]
                self._gave(question.name, " ".join(names))
                await self.do(lambda m=message: self._press(m, survey.DONE))

    def _gave(self, name: str, value: str) -> None:
        self.given.setdefault(name, []).append(value)

    def _taken(self) -> bool:
        """Whether all that this person sent was accepted by the bot."""
        return not any(
            update.body.find(b'"id":%d,' % self.user_id) >= 0 for update in self.api._updates.values()
        )

    def _press(self, message: Mapping[str, Any], label: str) -> None:
        for row in message["reply_markup"]["inline_keyboard"]:
            for button in row:
                if button["text"].endswith(label):
                    self.api.press(self.user_id, message["message_id"], button["callback_data"])
                    return
        raise AssertionError(f"no button {label!r} below {message['text']!r}")

    async def do(self, act: Any) -> None:
        """Act, and wait until the bot did something in the chat."""
        chat = self.api.chat(self.user_id)
        before = chat.deeds
        act()
        await self.api.wait_for(lambda: chat.deeds > before, PATIENCE)


def text_of_buttons(message: Mapping[str, Any]) -> list[str]:
    """The labels below a message."""
    rows = (message.get("reply_markup") or {}).get("inline_keyboard", ())
    return [button["text"] for row in rows for button in row]


def people(api: BotApiDouble, number: int, code: str, seed: int = 1) -> list[Walker]:
    """So many people who will answer."""
    return [Walker(api, 7000 + index, code, seed) for index in range(number)]


async def heard(api: BotApiDouble, attempts: int, answering: asyncio.Future[list[None]]) -> None:
    """Wait until so many updates were posted, or everybody is done."""
    await api.wait_for(lambda: answering.done() or len(api.attempts) >= attempts, PATIENCE)


# ── what is in the database ─────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Kept:
    """What the database holds of one person: the answer log in order, and what was handed in."""

    log: dict[str, list[str]]
    submissions: int
    values: dict[str, str]


def kept(installation: Installation, user_ids: Sequence[int]) -> dict[int, Kept]:
    """What the database holds of these people on Telegram."""
    keys = keyring(installation.settings)
    found = {}
    with installation.opened() as database:
        for user_id in user_ids:

            def look(connection: Any, user_id: int = user_id) -> Kept:
                contact_id = contacts.find_unlocked(connection, keys, "telegram", str(user_id))
                log: dict[str, list[str]] = {}
                number, values = 0, {}
                for interview_id in interviews.of_contact(connection, contact_id) if contact_id else ():
                    for ref, value, _, _ in interviews.answer_history(connection, keys, interview_id):
                        log.setdefault(ref.rpartition("/")[2], []).append(value or "")
                    newest = submissions.latest(connection, keys, interview_id)
                    if newest is not None:
                        number += newest.revision
                        values = {
                            ref.rpartition("/")[2]: value for ref, value in newest.result.values.items()
                        }
                return Kept(log, number, values)

            found[user_id] = database.read(look)
    return found


def assert_each_answer_once(installation: Installation, walkers: Sequence[Walker]) -> None:
    """Everybody's answers are in the database exactly as given: none lost, none twice, in order."""
    names = {question.name for question in QUESTIONS}
    for user_id, found in kept(installation, [walker.user_id for walker in walkers]).items():
        walker = next(each for each in walkers if each.user_id == user_id)
        assert found.log == walker.given, f"person {user_id}"
        if walker.finished:
            assert found.submissions == 1, f"person {user_id}"
            submitted = {name: value for name, value in found.values.items() if name in names}
            assert submitted == {name: values[-1] for name, values in walker.given.items()}


def assert_counts_agree(installation: Installation, submitted: int) -> None:
    """Ledger and cube are what counting all submissions anew gives, and there are so many of them."""
    keys = keyring(installation.settings)
    with installation.opened() as database:

        def look(connection: Any) -> tuple[list[Any], int]:
            campaign = campaigns.expect(connection, installation.code)
            fresh, number = count_campaign(connection, keys, Shelf(), campaign.id)
            return differences(fresh, dict(counts.cells(connection, campaign.id))), number

        assert database.read(look) == ([], submitted)
