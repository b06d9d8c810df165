"""A town served on a real port, and visitors who speak to it over real sockets."""

from __future__ import annotations

import asyncio
import itertools
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import ClientSession, ClientWebSocketResponse, CookieJar, WSMsgType, web

from bot.settings import Settings, load
from bot.web.app import make_app
from bot.web.limits import Gate
from bot.web.services import Services
from tests.town import Town

PATIENCE = 30.0
"""Seconds after which a test gives up waiting; nothing depends on how long anything takes."""


def settings(town: Town, **environment: str) -> Settings:
    """The settings of a server for ``town``."""
    return load({"HOIDAN_DATABASE_URL": town.database.url.render_as_string(False), **environment})


@dataclass(slots=True)
class Served:
    """Where the town listens."""

    town: Town
    app: web.Application
    base: str
    port: int


@asynccontextmanager
async def served(
    town: Town,
    *,
    port: int = 0,
    gate: Gate | None = None,
    routes: tuple[web.RouteDef, ...] = (),
    **environment: str,
) -> AsyncIterator[Served]:
    """The web application of a town on 127.0.0.1."""
    services = Services(
        settings=settings(town, **environment),
        database=town.database,
        keyring=town.keyring,
        turns=town.turns,
        shelf=town.shelf,
        desk=town.desk,
        routes=routes,
    )
    app = make_app(services, gate)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=3.0)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", port, reuse_address=True)
        await site.start()
        at = runner.addresses[0][1]
        yield Served(town, app, f"http://127.0.0.1:{at}", at)
    finally:
        await runner.cleanup()


@dataclass
class Visitor:
    """A browser tab, as far as the protocol goes: what it was shown, and what it may tap."""

    base: str
    http: ClientSession
    ws: ClientWebSocketResponse | None = None
    prompts: list[dict[str, Any]] = field(default_factory=list)
    notices: dict[int, dict[str, Any]] = field(default_factory=dict)
    frames: list[dict[str, Any]] = field(default_factory=list)
    numbers: Any = field(default_factory=lambda: itertools.count(1))

    async def connect(self, code: str = "", *, origin: str | None = None, **hello: Any) -> None:
        """Open the page, then its socket, and say hello."""
        async with self.http.get(f"{self.base}/chat") as page:
            assert page.status == 200
        await self.open(origin=origin)
        frame = {"id": new_id(), **({"code": code} if code else {}), **hello}
        await self.put({"hello": frame})
        if not hello.get("quiet"):
            await self.until("ack", frame["id"])

    async def open(self, origin: str | None = None) -> None:
        """The socket alone."""
        headers = {"Origin": self.base if origin is None else origin}
        self.ws = await self.http.ws_connect(f"{self.base}/chat/ws", headers=headers)

    async def put(self, frame: dict[str, Any]) -> None:
        assert self.ws is not None
        await self.ws.send_json(frame)

    async def get(self) -> dict[str, Any]:
        """The next frame; notices are acknowledged as a page does."""
        assert self.ws is not None
        message = await self.ws.receive(PATIENCE)
        assert message.type is WSMsgType.TEXT, message
        frame: dict[str, Any] = message.json()
        self.frames.append(frame)
        if "prompt" in frame:
            self.prompts.append(frame["prompt"])
        if "seq" in frame:
            self.notices[frame["seq"]] = frame["notice"]
            await self.put({"seen": frame["seq"]})
        return frame

    async def until(self, key: str, value: Any = None) -> dict[str, Any]:
        """Frames until one has ``key`` (with ``value``); that one."""
        while True:
            frame = await self.get()
            if key in frame and (value is None or frame[key] == value):
                return frame

    async def send(self, frame: dict[str, Any]) -> dict[str, Any]:
        """Send a message and wait until it is stored."""
        given = {"id": new_id(), **frame}
        await self.put(given)
        return await self.until("ack", given["id"])

    async def say(self, text: str) -> dict[str, Any]:
        return await self.send({"text": text})

    async def tap(self, label: str) -> dict[str, Any]:
        """Tap the button of the newest prompt whose label is, or holds, ``label``."""
        found = [button for button in self.buttons() if button["label"] == label]
        found = found or [button for button in self.buttons() if label in button["label"]]
        assert found, f"no {label!r} among {[button['label'] for button in self.buttons()]}"
        return await self.send({"tap": found[0]["data"], "message": "1"})

    def buttons(self) -> list[dict[str, Any]]:
        return [button for row in self.last.get("rows", []) for button in row]

    @property
    def last(self) -> dict[str, Any]:
        return self.prompts[-1]

    async def answer(self) -> bool:
        """Answer what is asked with the first thing that fits; False at the review."""
        roles = {button["role"] for button in self.buttons()}
        if "change" in roles:
            return False
        if "tick" in roles:
            await self.tap(next(b["label"] for b in self.buttons() if b["role"] == "tick"))
            await self.tap("Xong")
        elif "Đồng ý" in [button["label"] for button in self.buttons()]:
            await self.tap("Đồng ý")
        elif "choice" in roles:
            await self.tap(next(b["label"] for b in self.buttons() if b["role"] == "choice"))
        else:
            await self.say("03/1985")
        return True

    async def answer_everything(self) -> None:
        """Up to the review."""
        for _ in range(60):
            if not await self.answer():
                return
        raise AssertionError("the interview does not end")

    async def notice(self) -> dict[str, Any]:
        """The next notice."""
        frame = await self.until("seq")
        notice: dict[str, Any] = frame["notice"]
        return notice

    async def drop(self) -> None:
        """The network is gone: nothing is said any more."""
        assert self.ws is not None
        connection = self.ws._conn  # A break without a goodbye has no public name.
        assert connection is not None and connection.transport is not None
        connection.transport.abort()
        await self.ws.close()


@asynccontextmanager
async def visitor(base: str, **headers: str) -> AsyncIterator[Visitor]:
    """A browser of its own, cookies and all."""
    async with ClientSession(cookie_jar=CookieJar(unsafe=True), headers=headers) as http:
        someone = Visitor(base, http)
        yield someone
        if someone.ws is not None:
            await someone.ws.close()


def new_id() -> str:
    return uuid.uuid4().hex


async def eventually(check: Any) -> Any:
    """What ``check()`` gives once it gives something."""
    async with asyncio.timeout(PATIENCE):
        while not (found := check()):
            await asyncio.sleep(0.01)
    return found
