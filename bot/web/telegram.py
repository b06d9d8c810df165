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
import time
from collections import OrderedDict
from collections.abc import Callable, Collection, Coroutine, Mapping
from concurrent.futures import Future
from typing import Any

import orjson
from aiohttp import web

from bot.channels import Fate
from bot.channels.telegram import call, read_update
from bot.channels.telegram_api import TelegramSender
from bot.conversation import COMMANDS, STAFF_COMMANDS
from bot.messages import Inbound, Outgoing
from bot.pacing import LOOK_S, SendingAccount
from bot.texts import LANGUAGES, SOURCE, say
from bot.turns import Turned, Turns, Unavailable

log = logging.getLogger("hoidan.telegram")

BODY_LIMIT = 1 << 20
"""Bytes of an update; Telegram's are a few kilobytes."""
RETRY_AFTER = 3
"""Seconds; a callback expires after 150, so never much more."""

REFILL_S = 3.0
CHATS = 50_000
"""Chats whose pace is remembered."""
ATTEMPTS = 10
LONGEST_S = 60.0
SENT_WITHIN_S = 3.0
"""How long an acknowledgement waits for a prompt that goes by a call: if this process dies before that is
sent, Telegram brings the update again, and with it the prompt.
"""

_JSON = {"Content-Type": "application/json"}


Listed = dict[str, list[tuple[str, str]]]
"""Commands by language: *(name, description)*."""


def resident_commands() -> Listed:
    """Everybody's commands as Telegram lists them."""
    return _listed(COMMANDS)


def staff_commands() -> Listed:
    """The commands of members of staff, everybody's after them."""
    return _listed({**STAFF_COMMANDS, **COMMANDS})


def _listed(commands: Mapping[str, tuple[str, str]]) -> Listed:
    return {
        language: [(words[place], say(language, f"command.{name}")) for name, words in commands.items()]
        for place, language in enumerate(LANGUAGES)
    }


class Prompts:
    """Prompts that are sent rather than put into a webhook's answer.

    Telegram takes about one message a second for a chat, and never says what became of a call in a
    webhook's answer. So
    somebody who taps quicker than that gets prompts by calls of their own: a refusal is waited out, and
    what is sent then
    is the newest prompt alone. A refusal halts the whole account, and prompts wait with it.
    """

    def __init__(self, sender: TelegramSender, burst: int, account: SendingAccount) -> None:
        self._sender = sender
        self._burst = burst
        self._account = account
        self._recent: OrderedDict[str, tuple[float, float]] = OrderedDict()
        self._late: dict[str, tuple[Outgoing, str, str]] = {}
        self._sendings: dict[str, asyncio.Task[None]] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def may_ride(self, address: str) -> bool:
        """Whether the next prompt for this chat may ride in a webhook's answer: not while the account is
        halted, nor where it may be one too many, since nobody would know.
        """
        crowded = self._account.crowded()
        if not self._burst:
            return True
        if crowded or self._account.halted:
            return False
        now = time.monotonic()
        saved, at = self._recent.pop(address, (float(self._burst), now))
        saved = min(float(self._burst), saved + (now - at) / REFILL_S)
        rides = saved >= 1 and address not in self._late
        self._recent[address] = (saved - 1 if saved >= 1 else saved, now)
        if len(self._recent) > CHATS:
            self._recent.popitem(last=False)
        return rides

    def send(
        self, address: str, outgoing: Outgoing, tapped: str, language: str = SOURCE
    ) -> asyncio.Task[None]:
        """Send a prompt behind everything else, in place of an older one that is not sent yet.

        What is returned ends when the chat's newest prompt is sent or given up.
        """
        self._late[address] = (outgoing, tapped, language)
        sending = self._sendings.get(address)
        if sending is None:
            sending = self._sendings[address] = self.run(self._sending(address))
        return sending

    def run(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Have something done behind the turns."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _sending(self, address: str) -> None:
        try:
            for _ in range(ATTEMPTS):
                async with self._account.room():
                    while halted := self._account.halted:
                        await asyncio.sleep(min(halted, LOOK_S))
                    latest = self._late[address]
                    outcome = await self._sender.send(address, *latest)
                if outcome.fate is Fate.HALT:
                    await self._account.halt(outcome.after)
                elif outcome.fate is Fate.RETRY:
                    await asyncio.sleep(min(max(outcome.after, 1.0), LONGEST_S))
                elif self._late[address] is latest:
                    return
            log.info("a prompt was given up")
        finally:
            del self._late[address], self._sendings[address]


async def _sent(sendings: Collection[asyncio.Task[None]]) -> None:
    """Wait for prompts a moment; they go on if they need longer."""
    if sendings:
        await asyncio.wait(set(sendings), timeout=SENT_WITHIN_S)


class TelegramDoor:
    """Takes updates in; replies to a webhook in its own answer, to polled updates by sending."""

    def __init__(
        self,
        turns: Turns,
        sender: TelegramSender,
        secret: str,
        wake: Callable[[], None],
        account: SendingAccount,
        burst: int = 2,
    ) -> None:
        self._turns = turns
        self._sender = sender
        self._secret = secret.encode()
        self._wake = wake
        self._account = account
        self._prompts = Prompts(sender, burst, account)
        self._staff: set[str] = set()
        """Chats of staff that were told their commands since this process began."""
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
        if reply is None:
            return web.Response(status=200)
        if not (self._sender.rides(inbound.address, reply) and self._prompts.may_ride(inbound.address)):
            await _sent([self._prompts.send(inbound.address, reply, inbound.message, turned.language)])
            return web.Response(status=200)
        method, parameters = call(reply, inbound.address, inbound.message)
        return web.Response(body=orjson.dumps({"method": method, **parameters}), headers=_JSON)

    async def polled(self, updates: list[bytes]) -> None:
        """A batch of polled updates, in order; returns when all are committed and their prompts sent."""
        waiting = [(inbound, self._turns.take(inbound)) for inbound in map(read_update, updates) if inbound]
        sendings = []
        for inbound, future in waiting:
            turned = await self._committed(inbound, future)
            self._after(inbound, turned)
            if turned.reply is not None:
                self._account.talked()
                sendings.append(
                    self._prompts.send(inbound.address, turned.reply, inbound.message, turned.language)
                )
        await _sent(sendings)

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
        if turned.reply is not None and turned.contact_id is not None:
            self._account.chats.note(turned.contact_id)
        if turned.queued:
            self._wake()
        if turned.account_id is not None and inbound.address not in self._staff:
            self._staff.add(inbound.address)
            self._prompts.run(self._sender.set_staff_commands(inbound.address, staff_commands()))
