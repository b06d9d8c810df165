"""Calls to Telegram's Bot API: python-telegram-bot's methods and errors over aiohttp.

Its default transport costs more processor time than a whole turn; this one keeps connections open and adds
nothing.
Nothing here logs an address, a text or the token (which is part of every URL).
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from datetime import timedelta
from typing import Any, TypeVar
from urllib.parse import quote, urlsplit

import aiohttp
import msgspec
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
from bot.channels.calls import BrokenOff, Calls, NoConnection
from bot.channels.lines import Lines
from bot.channels.telegram import PUT, UPDATES, call, offer_place, withdraw_place
from bot.messages import Outgoing
from bot.texts import SOURCE
from surveys.problems import Problem

log = logging.getLogger("hoidan.telegram")

# The library's coming way of telling times; without it every refusal for pace is a warning of its own.
os.environ.setdefault("PTB_TIMEDELTA", "1")

FAREWELL = 2
"""Seconds that a last word to Telegram may take at the end."""


DOWNLOAD_S = 120.0
"""Seconds that fetching a file may take."""

CONNECTIONS = 64
"""Connections kept open at most, where no quicker pace needs more."""


class AiohttpRequest(BaseRequest):
    """python-telegram-bot's transport over one aiohttp session with connections kept open."""

    def __init__(self, connections: int = CONNECTIONS, timeout: float = 20.0) -> None:
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


PER_SECOND = 30
"""Messages a second that Telegram takes for nothing; above, ``allow_paid_broadcast`` goes with each
(core.telegram.org/bots/api, sendMessage).
"""

FILES = 2_000
"""Files of forms whose place with Telegram is remembered, and chats that show a button for their place."""

Files = Callable[[int, str], Awaitable[tuple[str, bytes] | None]]
"""An interview and the name of a file of its form → *(a name for these very bytes, the bytes)*."""


class Unfetched(Exception):
    """A file was not fetched. ``again``: it may be had later, after ``after`` seconds at least."""

    def __init__(self, fault: str, *, again: bool, after: float = 0.0) -> None:
        super().__init__(fault)
        self.again, self.after = again, after


class TelegramSender:
    """The sending half of the channel, for one bot account. ``files`` gives what forms show with
    questions. ``per_second``: more than the free pace is paid for, message by message of our own accord.
    """

    def __init__(
        self,
        token: str,
        api_base: str = "https://api.telegram.org",
        files: Files | None = None,
        per_second: int = PER_SECOND,
    ) -> None:
        self._files = files
        self._known: OrderedDict[str, str] = OrderedDict()
        self._offered: OrderedDict[str, None] = OrderedDict()
        self._paid = per_second > PER_SECOND
        self._paths: dict[str, bytes] = {}
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
        self._path = f"{urlsplit(self._base).path}/bot{token}"
        self._calls = Calls(self._base, most=max(CONNECTIONS, per_second // 4))
        self._lines = Lines(self._base)
        self._acknowledging = f"{self._path}/answerCallbackQuery"

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
        self._calls.close()
        await self.bot.shutdown()
        await self._request.shutdown()

    def rides(self, address: str, outgoing: Outgoing) -> bool:
        """Whether a message is a single call, and may be the answer to a webhook."""
        alone = outgoing.picture is None and outgoing.file is None and not outgoing.media
        return alone and not outgoing.ask_location and address not in self._offered

    async def send(
        self,
        address: str,
        outgoing: Outgoing,
        tapped: str = "",
        language: str = SOURCE,
        bulk: bool = False,
    ) -> Outcome:
        """Send one message, with what belongs to it; what became of it. ``bulk``: of our own accord."""
        if self.rides(address, outgoing):
            return await self._send(address, outgoing, tapped, paid=bulk and self._paid)
        try:
            if address in self._offered and not outgoing.ask_location:
                # One message can't both take the keys away and have buttons of its own.
                await self._call(*withdraw_place(address, language))
                del self._offered[address]
            if outgoing.media and not (outgoing.ticks and tapped):
                await self._show(address, outgoing)
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
            if outgoing.ask_location and address not in self._offered:
                await self._call(*offer_place(address, language))
                _remember(self._offered, address, None)
        except TelegramError as fault:
            return classify(fault)
        return Outcome(Fate.SENT)

    async def _send(self, address: str, outgoing: Outgoing, tapped: str, *, paid: bool) -> Outcome:
        """A message that is a single call: the common case, without the library's objects."""
        method, parameters = call(outgoing, address, tapped)
        if paid:
            parameters["allow_paid_broadcast"] = True
        outcome = await self._post(method, parameters, int(address))
        if method != "sendMessage" and _is_lost(outcome.fault):
            # The message whose buttons should change is gone: the question is asked anew.
            return await self._send(address, outgoing, "", paid=paid)
        return outcome

    async def _post(self, method: str, parameters: dict[str, Any], chat: int) -> Outcome:
        """One call to one chat as JSON, and what its answer means. Never raises for the ground's faults."""
        path = self._paths.get(method)
        if path is None:
            path = self._paths[method] = f"{self._path}/{method}".encode()
        try:
            status, body, distrust = await self._calls.post(path, msgspec.json.encode(parameters))
        except NoConnection as fault:
            return Outcome(Fate.RETRY, f"no connection: {fault}", 2.0)
        except TimeoutError:
            return Outcome(Fate.UNKNOWN, "timed out")
        except BrokenOff:
            return Outcome(Fate.UNKNOWN, "broken off")
        outcome = read_answer(status, body, chat)
        if outcome.fault == ASTRAY:
            distrust()
        return outcome

    async def _show(self, address: str, outgoing: Outgoing) -> None:
        """Send what the form shows with a question, before the question. Telegram keeps what it was given:
        the second time its name for the file is enough. A file that can't be shown doesn't hold up the
        question; a chat that can't be written to does.
        """
        for kind, name in outgoing.media:
            found = await self._files(outgoing.interview, name) if self._files else None
            if found is None or kind not in PUT:
                log.warning("a form's %s is not there", kind)
                continue
            mark, content = found
            method, field = PUT[kind]
            given: str | InputFile = self._known.get(mark) or InputFile(content, filename=name)
            try:
                sent = await self._call(method, {"chat_id": int(address), field: given})
            except BadRequest as fault:
                if classify(fault).fate is Fate.GONE:
                    raise
                log.warning("Telegram does not take a form's %s", kind)
                self._known.pop(mark, None)
                continue
            if handle := _handle(sent, field):
                _remember(self._known, mark, handle)

    async def fetch(self, handle: str, largest: int) -> bytes:
        """The bytes of a file somebody sent, ``largest`` at most. Raises Unfetched."""
        try:
            told = await self._call("getFile", {"file_id": handle})
        except RetryAfter as fault:
            raise Unfetched("flood", again=True, after=_seconds(fault)) from None
        except (BadRequest, Forbidden) as fault:
            raise Unfetched(type(fault).__name__, again=False) from None
        except TelegramError as fault:
            raise Unfetched(type(fault).__name__, again=True) from None
        path = told.get("file_path") if isinstance(told, dict) else None
        if not isinstance(path, str):
            raise Unfetched("no path", again=True)
        return await self._download(path, largest)

    async def _download(self, path: str, largest: int) -> bytes:
        received = bytearray()
        try:
            async with self._request.session.get(
                f"{self._base}/file/bot{self._token}/{quote(path)}",
                timeout=aiohttp.ClientTimeout(total=DOWNLOAD_S, connect=5),
                allow_redirects=False,
            ) as answer:
                if answer.status != 200:
                    # The link lapses after an hour; the next try asks for another.
                    raise Unfetched(f"HTTP {answer.status}", again=True)
                async for piece in answer.content.iter_chunked(1 << 16):
                    received += piece
                    if len(received) > largest:
                        raise Unfetched("too large", again=False)
        except (aiohttp.ClientError, TimeoutError) as fault:
            # Not its words: they hold the address, and with it the token.
            raise Unfetched(type(fault).__name__, again=True) from None
        return bytes(received)

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


_V = TypeVar("_V")


def _remember(kept: OrderedDict[str, _V], key: str, value: _V) -> None:
    kept[key] = value
    if len(kept) > FILES:
        kept.popitem(last=False)


def _handle(sent: Any, field: str) -> str:
    """Telegram's own name for the file in a message just sent."""
    told = sent.get(field) if isinstance(sent, dict) else None
    if isinstance(told, list) and told:
        told = told[-1]
    handle = told.get("file_id") if isinstance(told, dict) else None
    return handle if isinstance(handle, str) else ""


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


class _Chat(msgspec.Struct):
    id: int


class _Message(msgspec.Struct):
    chat: _Chat


class _Parameters(msgspec.Struct):
    retry_after: int = 0
    migrate_to_chat_id: int = 0


class _Verdict(msgspec.Struct):
    """What every answer of the Bot API says."""

    ok: bool
    description: str = ""
    error_code: int = 0
    parameters: _Parameters | None = None


class _Answer(_Verdict):
    result: _Message | bool | None = None


_read_answer = msgspec.json.Decoder(_Answer).decode
_read_verdict = msgspec.json.Decoder(_Verdict).decode

TROUBLE_S = 5.0
"""How long to leave a platform alone that fails."""
ASTRAY = "the answer to something else"


def read_answer(status: int, body: bytes, chat: int) -> Outcome:
    """What the answer to a call for ``chat`` means: Telegram's JSON, or whatever stood in its place.

    A success that names another chat answers another call (a server, or something in between, that answered
    twice over one connection): then nobody knows what became of this one.
    """
    try:
        verdict: _Verdict = _read_answer(body)
    except msgspec.ValidationError:
        try:
            verdict = _read_verdict(body)
        except msgspec.DecodeError:
            return _no_answer(status)
    except msgspec.DecodeError:
        return _no_answer(status)
    if not verdict.ok:
        more = verdict.parameters or _Parameters()
        return judge(
            verdict.error_code or status, verdict.description, more.retry_after, more.migrate_to_chat_id
        )
    sent = verdict.result if isinstance(verdict, _Answer) else None
    if isinstance(sent, _Message) and sent.chat.id != chat:
        return Outcome(Fate.UNKNOWN, ASTRAY)
    return Outcome(Fate.SENT)


def _no_answer(status: int) -> Outcome:
    """A page of HTML, half an answer, or nothing at all: not the Bot API's own word."""
    if 400 <= status < 500:
        # Something in between refused it, so Telegram never saw it.
        return Outcome(Fate.RETRY, f"HTTP {status} without an answer", TROUBLE_S)
    return Outcome(Fate.UNKNOWN, f"HTTP {status} without an answer", TROUBLE_S if status >= 500 else 0.0)


_NOT_THERE = ("chat not found", "user is deactivated", "peer_id_invalid", "can't initiate conversation")
_DONE_ALREADY = ("message is not modified", "query is too old")
_LOST = ("message to edit not found", "message can't be edited")
_PREFIXES = ("bad request: ", "forbidden: ", "internal server error: ")


def _is_lost(fault: str) -> bool:
    return any(words in fault.lower() for words in _LOST)


def judge(code: int, description: str, retry_after: float = 0.0, migrate_to: int = 0) -> Outcome:
    """What an error of the Bot API means for the message (its words name no person: what it quotes of a
    text is left out).
    """
    text = description
    for prefix in _PREFIXES:
        if text.lower().startswith(prefix):
            text = text[len(prefix) :]
    text = text.partition(":")[0] or f"HTTP {code}"
    lower = description.lower()
    if code == 429:
        return Outcome(Fate.HALT, "flood", max(1.0, retry_after))
    if migrate_to:
        return Outcome(Fate.RETRY, "migrated", 0.0, str(migrate_to))
    if code == 403 or any(words in lower for words in _NOT_THERE):
        return Outcome(Fate.GONE, text)
    if any(words in lower for words in (*_DONE_ALREADY, *_LOST)):
        return Outcome(Fate.SENT, text)
    if code in (401, 404):
        return Outcome(Fate.HALT, "token", 60.0)
    if code >= 500:
        return Outcome(Fate.UNKNOWN, text, TROUBLE_S)
    return Outcome(Fate.REFUSED, text)


_CODES: tuple[tuple[type[TelegramError], int], ...] = (
    (InvalidToken, 401),
    (Forbidden, 403),
    (BadRequest, 400),
    (Conflict, 409),
)


def classify(fault: TelegramError) -> Outcome:
    """The same for an error that the library raised."""
    text = fault.message
    if isinstance(fault, RetryAfter):
        return judge(429, text, _seconds(fault))
    if isinstance(fault, ChatMigrated):
        return judge(400, text, migrate_to=fault.new_chat_id)
    if isinstance(fault, TimedOut):
        return Outcome(Fate.UNKNOWN, text)
    for kind, code in _CODES:
        if isinstance(fault, kind):
            return judge(code, text)
    if isinstance(fault, NetworkError) and text.startswith("no connection"):
        return Outcome(Fate.RETRY, text, 2.0)
    if isinstance(fault, NetworkError):
        return judge(500, text)
    return judge(400, text)
