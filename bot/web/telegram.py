"""The door for Telegram: webhook and polling, one way in for both.

An update is acknowledged once it is committed, whatever is in it; what can't be used is acknowledged at
once. Only when
nothing can be committed does the door say 503, so that Telegram delivers again. The prompt rides in the
webhook's own
answer: no call out, and nothing is lost with it that can't be derived again.
"""

from __future__ import annotations

import asyncio
import hmac
import logging
from collections.abc import Callable
from concurrent.futures import Future

import orjson
from aiohttp import web

from bot.channels.telegram import call, read_update
from bot.channels.telegram_api import TelegramSender
from bot.messages import Inbound
from bot.turns import Turned, Turns, Unavailable

log = logging.getLogger("hoidan.telegram")

BODY_LIMIT = 1 << 20
"""Bytes of an update; Telegram's are a few kilobytes."""
RETRY_AFTER = 3
"""Seconds; a callback expires after 150, so never much more."""

_JSON = {"Content-Type": "application/json"}


class TelegramDoor:
    """Takes updates in; replies to a webhook in its own answer, to polled updates by sending."""

    def __init__(self, turns: Turns, sender: TelegramSender, secret: str, wake: Callable[[], None]) -> None:
        self._turns = turns
        self._sender = sender
        self._secret = secret.encode()
        self._wake = wake
        self.refused = 0

    async def webhook(self, request: web.Request) -> web.Response:
        """``POST`` of one update."""
        given = request.headers.get("X-Telegram-Bot-Api-Secret-Token", "").encode("utf-8", "replace")
        if not self._secret or not hmac.compare_digest(given, self._secret):
            self.refused += 1
            return web.Response(status=403)
        if request.content_length is not None and request.content_length > BODY_LIMIT:
            return web.Response(status=200)
        inbound = read_update(await request.read())
        if inbound is None:
            return web.Response(status=200)
        try:
            turned = await self._take(inbound)
        except Unavailable:
            return web.Response(status=503, headers={"Retry-After": str(RETRY_AFTER)})
        reply = turned.reply
        if reply is None or reply.picture is not None or reply.file is not None:
            return web.Response(status=200)
        method, parameters = call(reply, inbound.address, inbound.message)
        return web.Response(body=orjson.dumps({"method": method, **parameters}), headers=_JSON)

    async def polled(self, updates: list[bytes]) -> None:
        """A batch of polled updates, in order; returns when all are committed."""
        waiting = [(inbound, self._turns.take(inbound)) for inbound in map(read_update, updates) if inbound]
        for inbound, future in waiting:
            turned = await self._committed(inbound, future)
            self._after(inbound, turned)
            if turned.reply is not None:
                outcome = await self._sender.send(inbound.address, turned.reply, inbound.message)
                if outcome.fault:
                    log.info("a prompt was not taken: %s", outcome.fate.value)

    async def _committed(self, inbound: Inbound, future: Future[Turned]) -> Turned:
        """Wait for the commit, as long as it takes: the offset must not pass an update that is not
        committed.
        """
        while True:
            try:
                return await asyncio.wrap_future(future)
            except Unavailable:
                await asyncio.sleep(RETRY_AFTER)
                future = self._turns.take(inbound)

    async def _take(self, inbound: Inbound) -> Turned:
        turned = await self._turns.taking(inbound)
        self._after(inbound, turned)
        return turned

    def _after(self, inbound: Inbound, turned: Turned) -> None:
        if inbound.callback:
            self._sender.acknowledge(inbound.callback)
        if turned.queued:
            self._wake()
