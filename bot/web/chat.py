"""The web chat: its page, and the socket that carries a conversation."""

from __future__ import annotations

import asyncio
import contextlib
import mimetypes
from urllib.parse import quote

from aiohttp import WSMsgType, web

from bot.channels import webchat
from bot.channels.webchat import Frame
from bot.turns import Unavailable
from bot.web import pages, visitors
from bot.web.guard import same_origin
from bot.web.hub import Line
from bot.web.limits import Address, Bucket, client
from bot.web.services import GATE, HANDOUTS, HUB, SERVICES
from storage.database import of_the_ground
from surveys.replies import find_code

HEARTBEAT_S = 25.0
"""Shorter than the idle time after which mobile networks and proxies drop a connection."""
HELLO_WITHIN_S = 15.0
BUSY_S = 3
"""When a page tries again after nothing could be committed."""
RATE, BURST = 5.0, 40.0
"""Frames a second from one page, and at once (somebody ticking many boxes)."""
MALFORMED = 10
"""Frames that are none of ours before the socket is closed."""

NO_COOKIE, TOO_MUCH, NO_HELLO = 4401, 4429, 4400
"""Close codes the page knows."""


async def page(request: web.Request) -> web.Response:
    """``GET /chat`` and ``GET /chat/CODE``: the page, and a cookie for a new visitor."""
    services = request.app[SERVICES]
    language = pages.wanted_language(request)
    code = request.match_info.get("code", "")
    value = visitors.address(request)
    asking: dict[str, str] = {}
    try:
        asking = await services.database.reading(
            lambda connection: visitors.asking(connection, services.keyring, value, code)
        )
    except Exception as fault:
        # The page opens all the same, keeps what is typed and sends it once the database is back.
        if not of_the_ground(fault):
            raise
    value = value or visitors.new_address()
    response = pages.html(
        pages.chat(
            language,
            code,
            visitors.nickname(value),
            asking.get("office", ""),
            asking.get("title", ""),
            services.desk.files,
        )
    )
    visitors.keep(request, response, value)
    return response


async def file(request: web.Request) -> web.Response:
    """``GET /chat/file/TOKEN``: a file or a large picture, for the browser it was made for."""
    value = visitors.address(request)
    found = request.app[HANDOUTS].find(request.match_info["token"], value) if value else None
    if found is None:
        raise web.HTTPNotFound
    kind = mimetypes.guess_type(found.name)[0] or "application/octet-stream"
    way = "inline" if kind == "image/png" else "attachment"
    return web.Response(
        body=found.data,
        content_type=kind,
        headers={
            "Content-Disposition": f"{way}; filename*=UTF-8''{quote(found.name, safe='')}",
            "Content-Security-Policy": "default-src 'none'; sandbox",
        },
    )


async def socket(request: web.Request) -> web.StreamResponse:
    """``GET /chat/ws``: a WebSocket of a page of ours."""
    services = request.app[SERVICES]
    if not same_origin(request):
        raise web.HTTPForbidden
    source = client(request, services.settings.trusted_proxies)
    gate = request.app[GATE]
    if gate.wait(source, "socket", 20.0, 400.0) or not gate.enter(source):
        raise web.HTTPServiceUnavailable(headers={"Retry-After": "5"})
    try:
        ws = web.WebSocketResponse(heartbeat=HEARTBEAT_S, max_msg_size=webchat.FRAME_LIMIT, compress=False)
        await ws.prepare(request)
        value = visitors.address(request)
        if value is None:
            await ws.close(code=NO_COOKIE)
        else:
            await _Talk(request, ws, value, source).run()
        return ws
    finally:
        gate.leave(source)


class _Talk:
    """One open socket: frames in, one after the other; whatever goes out, through its line."""

    def __init__(
        self, request: web.Request, ws: web.WebSocketResponse, address: str, source: Address | None
    ) -> None:
        self._services = request.app[SERVICES]
        self._hub = request.app[HUB]
        self._gate = request.app[GATE]
        self._handouts = request.app[HANDOUTS]
        self._ws = ws
        self._address = address
        self._source = source
        self._language = pages.wanted_language(request)
        self._line = Line(address, self._hand_out)
        self._bucket = Bucket(RATE, BURST)
        self._malformed = 0
        self._asking: dict[str, str] = {}

    def _hand_out(self, data: bytes, name: str) -> str:
        return "/chat/file/" + self._handouts.keep(self._address, data, name)

    async def run(self) -> None:
        """Until either side ends it."""
        self._hub.enter(self._line)
        writer = asyncio.create_task(self._write())
        try:
            await self._read()
        finally:
            self._hub.leave(self._line)
            self._line.close()
            writer.cancel()
            with contextlib.suppress(asyncio.CancelledError, ConnectionError):
                await writer

    async def _write(self) -> None:
        while (text := await self._line.next()) is not None:
            await self._ws.send_str(text)
        await self._ws.close(code=1001)

    async def _read(self) -> None:
        greeted = False
        while True:
            try:
                message = await self._ws.receive(None if greeted else HELLO_WITHIN_S)
            except TimeoutError:
                await self._ws.close(code=NO_HELLO)
                return
            if message.type not in (WSMsgType.TEXT, WSMsgType.BINARY):
                return
            frame = webchat.read(message.data)
            if frame is None or (frame.hello is None and not greeted):
                if not await self._misread():
                    return
                continue
            wait = self._bucket.take() or self._gate.wait(self._source, "frame")
            if wait:
                self._line.put({"busy": round(wait + 1), "id": _id(frame)})
                continue
            greeted = True
            raw = message.data.encode() if isinstance(message.data, str) else message.data
            await self._take(frame, raw)

    async def _misread(self) -> bool:
        """A frame that is none of ours: say so; after too many of them, end. Whether to go on."""
        self._malformed += 1
        self._line.put({"error": "malformed"})
        if self._malformed < MALFORMED:
            return True
        await self._ws.close(code=TOO_MUCH)
        return False

    async def _take(self, frame: Frame, raw: bytes) -> None:
        if frame.ping is not None:
            self._line.put({"pong": frame.ping})
            return
        if frame.seen is not None:
            self._hub.acknowledge(self._line, frame.seen)
            return
        if frame.hello is not None:
            self._language = frame.hello.language or self._language
            self._line.shown.update(frame.hello.seen)
            if frame.hello.quiet:
                return
        inbound = webchat.inbound(frame, self._address, self._language, raw)
        assert inbound is not None
        try:
            turned = await self._services.turns.taking(inbound)
        except Unavailable:
            self._line.put({"busy": BUSY_S, "id": _id(frame)})
            return
        answer: dict[str, object] = {
            "ack": _id(frame),
            "language": turned.language,
            "staff": turned.account_id is not None,
        }
        if turned.reply is not None:
            answer["prompt"] = webchat.content(turned.reply, turned.language, self._hand_out)
        self._line.put(answer)
        if turned.contact_id is not None:
            self._hub.join(self._line, turned.contact_id)
            if turned.queued:
                self._hub.wake(turned.contact_id)
        if frame.hello is not None or (frame.text is not None and find_code(frame.text)):
            await self._say_who_asks()

    async def _say_who_asks(self) -> None:
        services = self._services
        try:
            asking = await services.database.reading(
                lambda connection: visitors.asking(connection, services.keyring, self._address, "")
            )
        except Exception as fault:
            if not of_the_ground(fault):
                raise
            return  # Said with the next hello.
        if asking and asking != self._asking:
            self._asking = asking
            self._line.put({"asking": asking})


def _id(frame: Frame) -> str | None:
    return frame.hello.id if frame.hello is not None else frame.id
