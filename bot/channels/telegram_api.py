"""Calls to Telegram's Bot API: python-telegram-bot's methods and errors over aiohttp.

Its default transport costs more processor time than a whole turn; this one keeps connections open and adds
nothing.
Nothing here logs an address, a text or the token (which is part of every URL).
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import orjson
from telegram import Bot, InputFile
from telegram.error import (
    BadRequest,
    ChatMigrated,
    Conflict,
    Forbidden,
    InvalidToken,
    NetworkError,
    RetryAfter,
    TelegramError,
    TimedOut,
)
from telegram.request import BaseRequest, RequestData
from telegram.request._requestparameter import RequestParameter

from bot.channels import Fate, Outcome
from bot.channels.lines import Lines
from bot.channels.telegram import UPDATES, call
from bot.messages import Outgoing
from surveys.problems import Problem

log = logging.getLogger("hoidan.telegram")

# The library's coming way of telling times; without it every refusal for pace is a warning of its own.
os.environ.setdefault("PTB_TIMEDELTA", "1")

FAREWELL = 2
"""Seconds that a last word to Telegram may take at the end."""


class AiohttpRequest(BaseRequest):
    """python-telegram-bot's transport over one aiohttp session with connections kept open."""

    def __init__(self, connections: int = 64, timeout: float = 20.0) -> None:
        self._connections = connections
        self._timeout = timeout
        self._session: aiohttp.ClientSession | None = None

    @property
    def read_timeout(self) -> float | None:
        return self._timeout

    @property
    def session(self) -> aiohttp.ClientSession:
        if self._session is None or self._session.closed:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=self._connections, keepalive_timeout=60),
                timeout=aiohttp.ClientTimeout(total=self._timeout, connect=5),
                skip_auto_headers=("User-Agent",),
            )
        return self._session

    async def initialize(self) -> None:
        """Connections are made when the first call needs one."""

    async def shutdown(self) -> None:
        if self._session is not None:
            await self._session.close()

    async def do_request(
        self,
        url: str,
        method: str,
        request_data: RequestData | None = None,
        read_timeout: Any = BaseRequest.DEFAULT_NONE,
        write_timeout: Any = BaseRequest.DEFAULT_NONE,
        connect_timeout: Any = BaseRequest.DEFAULT_NONE,
        pool_timeout: Any = BaseRequest.DEFAULT_NONE,
    ) -> tuple[int, bytes]:
        body: Any = None
        if request_data is not None and request_data.contains_files:
            body = aiohttp.FormData()
            for name, value in request_data.json_parameters.items():
                body.add_field(name, value)
            for name, (file_name, content, mime) in request_data.multipart_data.items():
                body.add_field(name, content, filename=file_name, content_type=mime)
        elif request_data is not None:
            body = request_data.json_parameters
        total = read_timeout if isinstance(read_timeout, int | float) else self._timeout
        try:
            async with self.session.request(
                method, url, data=body, timeout=aiohttp.ClientTimeout(total=total + 5, connect=5)
            ) as answer:
                return answer.status, await answer.read()
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as fault:
            raise NetworkError(f"no connection: {type(fault).__name__}") from None
        except TimeoutError:
            raise TimedOut("timed out") from None
        except aiohttp.ClientError as fault:
            raise TimedOut(f"broken off: {type(fault).__name__}") from None


class TelegramSender:
    """The sending half of the channel, for one bot account."""

    def __init__(self, token: str, api_base: str = "https://api.telegram.org") -> None:
        self._request = AiohttpRequest()
        self._base = api_base.rstrip("/")
        self._token = token
        self.bot = Bot(
            token,
            base_url=f"{self._base}/bot",
            base_file_url=f"{self._base}/file/bot",
            request=self._request,
            get_updates_request=AiohttpRequest(connections=1, timeout=65),
        )
        self._lines = Lines(self._base)
        self._acknowledging = f"{urlsplit(self._base).path}/bot{token}/answerCallbackQuery"

    def __repr__(self) -> str:
        return "TelegramSender()"

    async def start(self) -> None:
        """Ask who we are. Raises Problem ``telegram_token`` or ``telegram_unreachable``."""
        try:
            await self.bot.initialize()
        except InvalidToken:
            raise Problem("telegram_token") from None
        except TelegramError as fault:
            raise Problem("telegram_unreachable", fault=type(fault).__name__) from None

    @property
    def name(self) -> str:
        """The bot's user name."""
        return self.bot.username

    async def announce(
        self, webhook: tuple[str, str] | None, commands: dict[str, list[tuple[str, str]]]
    ) -> None:
        """Tell Telegram where we are (*URL and secret*; None: we poll) and what can be said.

        A server that won't listen just now is no reason not to serve.
        """
        try:
            if webhook is not None:
                await self.set_webhook(*webhook)
            else:
                await self.remove_webhook()
            await self.set_commands(commands)
        except TelegramError as fault:
            log.error("Telegram did not take our address or commands: %s", type(fault).__name__)

    async def close(self) -> None:
        self._lines.close()
        await self.bot.shutdown()
        await self._request.shutdown()

    async def send(self, address: str, outgoing: Outgoing, tapped: str = "") -> Outcome:
        """Send one message; what became of it."""
        try:
            if outgoing.picture is not None:
                await self.bot.send_photo(
                    int(address), outgoing.picture, caption=outgoing.text[:1024] or None
                )
            elif outgoing.file is not None:
                file = InputFile(outgoing.file, filename=outgoing.file_name)
                await self.bot.send_document(int(address), file, caption=outgoing.text[:1024] or None)
            else:
                method, parameters = call(outgoing, address, tapped)
                await self._call(method, parameters)
        except TelegramError as fault:
            return classify(fault)
        return Outcome(Fate.SENT)

    async def _call(self, method: str, parameters: dict[str, Any], **timeouts: float) -> Any:
        """One Bot API call with plain parameters; its result as plain data. Raises TelegramError.

        The library's own methods would make objects of every answer, which costs more than the whole turn.
        """
        data = RequestData([RequestParameter.from_input(key, value) for key, value in parameters.items()])
        return await self._request.post(f"{self._base}/bot{self._token}/{method}", data, **timeouts)

    def acknowledge(self, callback: str) -> None:
        """Stop the spinner of a tapped button: best effort, behind everything else."""
        if callback:
            self._lines.post(self._acknowledging, orjson.dumps({"callback_query_id": callback}))

    @property
    def dropped(self) -> int:
        """Acknowledgements that were not sent, or went with their connection (a spinner ends by itself)."""
        return self._lines.dropped

    async def set_commands(self, commands: dict[str, list[tuple[str, str]]]) -> None:
        """Tell Telegram the bot's commands by language (the first is also the fallback): *(name,
        description)*.
        """
        for index, (language, entries) in enumerate(commands.items()):
            if index == 0:
                await self.bot.set_my_commands(entries)
            await self.bot.set_my_commands(entries, language_code=language)

    async def set_staff_commands(self, address: str, commands: dict[str, list[tuple[str, str]]]) -> None:
        """The same for one private chat, of a member of staff; best effort."""
        scope = {"type": "chat", "chat_id": int(address)}
        try:
            for index, (language, entries) in enumerate(commands.items()):
                listed = [{"command": name, "description": text} for name, text in entries]
                if index == 0:
                    await self._call("setMyCommands", {"commands": listed, "scope": scope})
                await self._call(
                    "setMyCommands", {"commands": listed, "scope": scope, "language_code": language}
                )
        except TelegramError as fault:
            log.info("commands of a chat were not taken: %s", type(fault).__name__)

    async def set_webhook(self, url: str, secret: str) -> None:
        """Have updates sent to ``url`` with ``secret`` in their header."""
        await self.bot.set_webhook(url, secret_token=secret, allowed_updates=UPDATES, max_connections=100)

    async def remove_webhook(self) -> None:
        """Have updates kept for polling."""
        await self.bot.delete_webhook()

    async def poll(
        self,
        take: Callable[[list[bytes]], Awaitable[None]],
        stopping: asyncio.Event,
        allowed: Callable[[], Awaitable[bool]],
    ) -> None:
        """Fetch updates until ``stopping``; ``take`` gets raw updates and returns when they are committed.

        ``allowed`` is asked before every fetch: one process alone may poll for a bot.

        The offset moves only after that, so a crash in between brings them again; their ids are known by
        then.
        """
        offset = 0
        while not stopping.is_set():
            try:
                if not await allowed():
                    await _pause(stopping, 5)
                    continue
            except Exception as fault:
                log.warning("polling waits for the database: %s", type(fault).__name__)
                await _pause(stopping, 3)
                continue
            try:
                updates = await _unless(
                    stopping,
                    self._call(
                        "getUpdates",
                        {"offset": offset, "timeout": 25, "allowed_updates": list(UPDATES)},
                        read_timeout=35,
                    ),
                )
            except Conflict:
                log.error("another program polls for this bot, or a webhook is set; waiting")
                await _pause(stopping, 15)
                continue
            except InvalidToken:
                log.error("Telegram refuses the bot's token; polling has stopped")
                return
            except RetryAfter as fault:
                await _pause(stopping, _seconds(fault))
                continue
            except TelegramError as fault:
                log.warning("polling failed: %s", type(fault).__name__)
                await _pause(stopping, 3)
                continue
            if not isinstance(updates, list) or not updates:
                continue
            await take([orjson.dumps(update) for update in updates])
            numbers = [one["update_id"] for one in updates if isinstance(one, dict) and "update_id" in one]
            if numbers:
                offset = max(numbers) + 1
        if offset:
            # What is committed need not come again at the next start; what is new stays with Telegram.
            with suppress(TelegramError):
                await self._call(
                    "getUpdates", {"offset": offset, "timeout": 0, "limit": 1}, read_timeout=FAREWELL
                )


async def _unless(stopping: asyncio.Event, call: Coroutine[Any, Any, Any]) -> Any:
    """What ``call`` gives, or None as soon as ``stopping`` is set: nobody waits for a long poll to end."""
    calling, ended = asyncio.create_task(call), asyncio.create_task(stopping.wait())
    try:
        await asyncio.wait({calling, ended}, return_when=asyncio.FIRST_COMPLETED)
        return calling.result() if calling.done() else None
    finally:
        ended.cancel()
        if not calling.done():
            calling.cancel()
            await asyncio.wait({calling})


async def _pause(stopping: asyncio.Event, seconds: float) -> None:
    try:
        await asyncio.wait_for(stopping.wait(), seconds)
    except TimeoutError:
        return


def _seconds(fault: RetryAfter) -> float:
    after = fault.retry_after
    return after.total_seconds() if isinstance(after, timedelta) else float(after)


def classify(fault: TelegramError) -> Outcome:
    """What an error of the Bot API means for the message (its texts name no person)."""
    text = fault.message
    if isinstance(fault, RetryAfter):
        return Outcome(Fate.HALT, "flood", _seconds(fault))
    if isinstance(fault, ChatMigrated):
        return Outcome(Fate.RETRY, "migrated", 0.0, str(fault.new_chat_id))
    if isinstance(fault, Forbidden):
        return Outcome(Fate.GONE, text)
    if isinstance(fault, BadRequest):
        lower = text.lower()
        if "chat not found" in lower or "user is deactivated" in lower or "peer_id_invalid" in lower:
            return Outcome(Fate.GONE, text)
        if "not modified" in lower or "to edit not found" in lower or "can't be edited" in lower:
            return Outcome(Fate.SENT, text)
        return Outcome(Fate.REFUSED, text)
    if isinstance(fault, InvalidToken):
        return Outcome(Fate.HALT, "token", 60.0)
    if isinstance(fault, TimedOut):
        return Outcome(Fate.UNKNOWN, text)
    if isinstance(fault, NetworkError) and text.startswith("no connection"):
        return Outcome(Fate.RETRY, text, 2.0)
    if isinstance(fault, NetworkError):
        return Outcome(Fate.UNKNOWN, text)
    return Outcome(Fate.REFUSED, text)
