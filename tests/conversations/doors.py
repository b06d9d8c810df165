"""A person at each channel's real door: what they do goes in where the channel's server or page would put it,
and what they see is what arrives there.

Telegram: a double of the Bot API calls our webhook and takes what we send. Web chat: a WebSocket of a
browser. Terminal: the loop of ``hoidan talk``.
"""

from __future__ import annotations

import asyncio
import itertools
import uuid
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol
from urllib.parse import quote

from aiohttp import ClientSession, ClientWebSocketResponse, CookieJar, WSMsgType, web

from bot.channels.telegram_api import TelegramSender
from bot.channels.terminal import typed
from bot.contacting import lost, wanted
from bot.delivery import Delivery
from bot.doubles.telegram import BotApiDouble
from bot.doubles.telegram_people import NO_LIMITS
from bot.fetching import Fetching
from bot.pacing import SendingAccount
from bot.talking import Talk
from bot.web.telegram import TelegramDoor
from bot.web.visitors import COOKIE, nickname
from storage import contacts, outbox
from tests.bot.served import PATIENCE, served
from tests.town import Town, contacting
from tests.working import work

SECRET = "a-secret-of-the-webhook"
WEBHOOK = "/telegram/webhook"


@dataclass(frozen=True, slots=True)
class Shown:
    """A button on the screen."""

    label: str
    data: str
    ticked: bool = False


@dataclass(frozen=True, slots=True)
class Message:
    """A message of the bot on the screen. ``changes``: only the buttons of the message before it changed."""

    key: str
    text: str
    rows: tuple[tuple[Shown, ...], ...] = ()
    changes: bool = False
    picture: bool = False

    @property
    def buttons(self) -> Iterable[Shown]:
        return itertools.chain.from_iterable(self.rows)


class Door(Protocol):
    """What a person can do; each act returns what the bot says to it. ``message``: one of the bot's."""

    channel: str

    @property
    def address(self) -> str: ...

    def forget(self) -> None:
        """What was said so far was before the transcript began."""
        ...

    async def open(self, code: str) -> list[Message]: ...
    async def say(self, text: str) -> list[Message]: ...
    async def edit(self, number: int, text: str) -> list[Message]:
        """New words for the person's ``number``-th own message, from 0."""
        ...

    async def tap(self, data: str, message: str) -> list[Message]: ...
    async def send(self, kind: str, content: bytes = b"\x00", **extra: Any) -> list[Message]: ...
    async def send_file(self, name: str, content: bytes) -> list[Message]: ...
    async def fetch(self) -> list[Message]:
        """Let what was sent arrive, and what was begun be done."""
        ...

    async def block(self) -> list[Message]: ...
    async def unblock(self) -> list[Message]: ...
    async def wait(self) -> list[Message]:
        """What comes by itself."""
        ...


def _pending(town: Town, channel: str, address: str) -> int:
    """Messages that wait in the outbox for the person."""
    contact_id = town.database.read(
        lambda connection: contacts.find_unlocked(connection, town.keyring, channel, address)
    )
    if contact_id is None:
        return 0
    return int(town.database.read(lambda connection: outbox.pending(connection, contact_id)))


# ── Telegram ────────────────────────────────────────────────────────────────────────────────────────────────

_TICKED = ("☑ ", "❲")


@dataclass(slots=True)
class TelegramPerson:
    """A private chat with the bot."""

    town: Town
    api: BotApiDouble
    fetching: Fetching
    user: int = 7
    channel: str = "telegram"
    own: list[int] = field(default_factory=list)
    read: dict[int, Mapping[str, Any]] = field(default_factory=dict)

    @property
    def address(self) -> str:
        return str(self.user)

    def forget(self) -> None:
        self.own.clear()

    async def open(self, code: str) -> list[Message]:
        self.own.append(self.api.start(self.user, code))
        return await self._answered()

    async def say(self, text: str) -> list[Message]:
        self.own.append(self.api.say(self.user, text))
        return await self._answered()

    async def edit(self, number: int, text: str) -> list[Message]:
        self.api.edit(self.user, self.own[number], text)
        return await self._answered()

    async def tap(self, data: str, message: str) -> list[Message]:
        self.api.press(self.user, int(message), data)
        return await self._answered()

    async def send(self, kind: str, content: bytes = b"\x00", **extra: Any) -> list[Message]:
        self.own.append(self.api.send(self.user, kind, content, **extra))
        return await self._answered()

    async def send_file(self, name: str, content: bytes) -> list[Message]:
        self.own.append(self.api.send(self.user, "document", content, name=name))
        return await self._answered()

    async def fetch(self) -> list[Message]:
        await self.fetching.round()
        await work(self.town)
        return await self._answered()

    async def block(self) -> list[Message]:
        self.api.block(self.user)
        return await self._answered()

    async def unblock(self) -> list[Message]:
        self.api.unblock(self.user)
        return await self._answered()

    async def wait(self) -> list[Message]:
        return await self._answered()

    async def _answered(self) -> list[Message]:
        await self.api.wait_for(lambda: not self.api.pending, PATIENCE)
        async with asyncio.timeout(PATIENCE):
            while _pending(self.town, self.channel, self.address):
                await asyncio.sleep(0.005)
        new = []
        for message in self.api.chat(self.user).from_bot:
            key = message["message_id"]
            if self.read.get(key) != message:
                new.append(self._message(message, changes=key in self.read))
                self.read[key] = message
        return new

    def _message(self, message: Mapping[str, Any], *, changes: bool) -> Message:
        rows = (message.get("reply_markup") or {}).get("inline_keyboard", ())
        return Message(
            key=str(message["message_id"]),
            text=message.get("text") or message.get("caption") or "",
            rows=tuple(
                tuple(Shown(b["text"], b["callback_data"], b["text"].startswith(_TICKED)) for b in row)
                for row in rows
            ),
            changes=changes,
            picture="photo" in message,
        )


@asynccontextmanager
async def telegram(town: Town, language: str) -> AsyncIterator[TelegramPerson]:
    """The webhook of a served town, the double that calls it, and the delivery of the outbox."""
    async with BotApiDouble(limits=NO_LIMITS) as api:
        sender = TelegramSender(api.token, api.base_url)
        await sender.start()
        account = SendingAccount(town.database, "telegram", lambda: town.now, chats_paced=False)
        delivery = Delivery(
            town.database,
            town.keyring,
            "telegram",
            sender,
            lambda: town.now,
            account=account,
            wanted=wanted(contacting(town)),
            lost=lost(contacting(town)),
        )
        door = TelegramDoor(town.turns, sender, SECRET, delivery.wake, account, burst=0)
        fetching = Fetching(
            town.database, town.keyring, "telegram", sender, town.turns, town.desk.files, lambda: town.now
        )
        async with served(town, routes=(web.post(WEBHOOK, door.webhook),)) as server:
            running = asyncio.create_task(delivery.run())
            await sender.set_webhook(server.base + WEBHOOK, SECRET)
            api.user(7, "Lan", language_code=language)
            try:
                yield TelegramPerson(town, api, fetching)
            finally:
                delivery.stop()
                await running
                await sender.close()
        assert api.violations == []
        assert door.refused == 0


# ── web chat ────────────────────────────────────────────────────────────────────────────────────────────────

FRAMES = 25
"""Frames after which the network breaks off and the page connects again: a page may not send many at once."""


@dataclass(slots=True)
class WebPerson:
    """A browser tab."""

    town: Town
    base: str
    http: ClientSession
    ws: ClientWebSocketResponse
    channel: str = "webchat"
    address: str = ""
    own: list[str] = field(default_factory=list)
    frames: int = 0
    shown: set[int] = field(default_factory=set)
    last_rows: tuple[tuple[Shown, ...], ...] = ()
    prompts: int = 0

    def forget(self) -> None:
        self.own.clear()

    async def open(self, code: str) -> list[Message]:
        return await self._send("hello", {"code": code} if code else {})

    async def say(self, text: str) -> list[Message]:
        return await self._send("text", text, own=True)

    async def edit(self, number: int, text: str) -> list[Message]:
        return await self._send("edit", text, message=self.own[number])

    async def tap(self, data: str, message: str) -> list[Message]:
        return await self._send("tap", data, message=message)

    async def send(self, kind: str, content: bytes = b"\x00", **extra: Any) -> list[Message]:
        raise NotImplementedError("the page sends nothing but text")

    async def send_file(self, name: str, content: bytes) -> list[Message]:
        headers = {
            "Origin": self.base,
            "X-Hoidan-Page": nickname(self.address),
            "X-Hoidan-Id": uuid.uuid4().hex,
            "X-Hoidan-Question": "form",
            "X-Hoidan-Name": quote(name),
        }
        async with self.http.post(f"{self.base}/chat/upload", data=content, headers=headers) as answer:
            told = await answer.json()
        # A page shows why a file was not taken beside the file.
        return [self._message(told["prompt"] if "prompt" in told else {"text": told["message"]})]

    async def fetch(self) -> list[Message]:
        await work(self.town)
        return await self._brought([])

    async def block(self) -> list[Message]:
        raise NotImplementedError("a page can't be blocked")

    async def unblock(self) -> list[Message]:
        raise NotImplementedError("a page can't be blocked")

    async def wait(self) -> list[Message]:
        return await self._brought([])

    async def _brought(self, said: list[Message]) -> list[Message]:
        """``said``, and whatever waits in the outbox behind it."""
        async with asyncio.timeout(PATIENCE):
            while _pending(self.town, self.channel, self.address):
                await self._take(said, within=0.05)
        return said

    async def _send(self, kind: str, what: Any, *, own: bool = False, **more: Any) -> list[Message]:
        if self.frames >= FRAMES:
            await self._again()
        number = uuid.uuid4().hex
        if own:
            self.own.append(number)
        frame = {"hello": {"id": number, **what}} if kind == "hello" else {"id": number, kind: what, **more}
        await self._put(frame)
        said: list[Message] = []
        while not await self._take(said, ack=number):
            pass
        return await self._brought(said)

    async def _again(self) -> None:
        await self.ws.close()
        self.ws = await connect(self.http, self.base)
        self.frames = 0
        await self._put({"hello": {"id": uuid.uuid4().hex, "seen": sorted(self.shown), "quiet": True}})

    async def _put(self, frame: Mapping[str, Any]) -> None:
        self.frames += 1
        await self.ws.send_json(frame)

    async def _take(self, said: list[Message], ack: str = "", within: float = PATIENCE) -> bool:
        """Take one frame if one comes in time; whether it was the acknowledgement waited for."""
        try:
            message = await self.ws.receive(within)
        except TimeoutError:
            assert not ack, "the page was never answered"
            return False
        assert message.type is WSMsgType.TEXT, message
        frame = message.json()
        assert "error" not in frame and "busy" not in frame, frame
        if "seq" in frame and frame["seq"] not in self.shown:
            self.shown.add(frame["seq"])
            said.append(self._message(frame["notice"]))
            await self._put({"seen": frame["seq"]})
        if "prompt" in frame:
            said.append(self._message(frame["prompt"]))
        return bool(ack) and frame.get("ack") == ack

    def _message(self, content: Mapping[str, Any]) -> Message:
        self.prompts += 1
        return Message(
            key=f"m{self.prompts}",
            text=content["text"],
            rows=tuple(
                tuple(Shown(b["label"], b["data"], bool(b.get("ticked"))) for b in row)
                for row in content.get("rows", ())
            ),
            changes=bool(content.get("ticks")),
            picture="picture" in content,
        )


async def connect(http: ClientSession, base: str) -> ClientWebSocketResponse:
    """The socket of a page of ours."""
    return await http.ws_connect(f"{base}/chat/ws", headers={"Origin": base})


@asynccontextmanager
async def webchat(town: Town, language: str) -> AsyncIterator[WebPerson]:
    """A served town and a browser with its page open."""
    async with (
        served(town) as server,
        ClientSession(cookie_jar=CookieJar(unsafe=True), headers={"Accept-Language": language}) as http,
    ):
        async with http.get(f"{server.base}/chat") as page:
            assert page.status == 200
            address = page.cookies[COOKIE].value
        person = WebPerson(town, server.base, http, await connect(http, server.base), address=address)
        # A page says hello before anything else; what that shows is what opening the chat shows.
        await person._put({"hello": {"id": uuid.uuid4().hex, "quiet": True}})
        try:
            yield person
        finally:
            await person.ws.close()


# ── terminal ────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(slots=True)
class TerminalPerson:
    """Someone at ``hoidan talk``."""

    talk: Talk
    given: Mapping[str, str]
    channel: str = "terminal"
    address: str = ""
    count: int = 0

    def forget(self) -> None:
        """Nothing was said before."""

    async def open(self, code: str) -> list[Message]:
        return self._said(self.talk.begin(self.given))

    async def say(self, text: str) -> list[Message]:
        return self._said(self.talk.hear(typed(text)))

    def _said(self, text: str) -> list[Message]:
        self.count += 1
        return [Message(str(self.count), text)]

    async def edit(self, number: int, text: str) -> list[Message]:
        raise NotImplementedError("what is typed in a terminal stays")

    async def tap(self, data: str, message: str) -> list[Message]:
        raise NotImplementedError("there is nothing to tap in a terminal")

    async def send(self, kind: str, content: bytes = b"\x00", **extra: Any) -> list[Message]:
        raise NotImplementedError("a terminal sends nothing but text")

    async def send_file(self, name: str, content: bytes) -> list[Message]:
        raise NotImplementedError("a terminal sends nothing but text")

    async def fetch(self) -> list[Message]:
        raise NotImplementedError("nothing is begun in a terminal")

    async def block(self) -> list[Message]:
        raise NotImplementedError("a terminal can't be blocked")

    async def unblock(self) -> list[Message]:
        raise NotImplementedError("a terminal can't be blocked")

    async def wait(self) -> list[Message]:
        raise NotImplementedError("nothing comes to a terminal by itself")
