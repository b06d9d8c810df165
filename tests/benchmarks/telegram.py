"""Plays Telegram and its users against a bot: posts updates to its webhook and answers its Bot API calls.

A closed loop: a respondent's next message leaves when the webhook said 200 *and* the bot's next message was
seen, in the webhook's own answer or as a call. A bot that says 200 first and works later gains nothing.
Respondents know the survey (:mod:`tests.benchmarks.survey`) by its words, nothing else of the bot. Its HTTP
is written by hand because it shares the machine with what it measures.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any, Protocol
from urllib.parse import parse_qsl, urlsplit

import orjson

from tests.benchmarks import survey
from tests.benchmarks.survey import Kind

BOT = {"id": 4242, "is_bot": True, "first_name": "Survey", "username": "survey_bot"}
TOKEN = "4242:MEASUREMENT"
SECRET = "s3cret"
STALLED = 10.0
"""Seconds without an answer after which a respondent gives up."""
AGAIN = 0.05
"""Seconds until an update that was not taken is posted again; Telegram waits longer."""
TRIES = 100
INVALID = 0.05
"""The share of numbers that are first typed as a word."""

Update = dict[str, Any]


@dataclass(slots=True)
class Figures:
    """What was seen in one window. Times in seconds, one entry a turn."""

    to_200: list[float] = field(default_factory=list)
    to_question: list[float] = field(default_factory=list)
    calls: Counter[str] = field(default_factory=Counter)
    """Bot API calls by method; those in a webhook's answer as ``answer:method``."""
    refused: int = 0
    """Answers of the webhook other than 200, broken connections among them."""
    stalls: int = 0
    finished: int = 0


class _Owner(Protocol):
    def told(self, start: bytes, headers: dict[bytes, bytes], body: bytes) -> None:
        """A whole HTTP message."""

    def lost(self) -> None:
        """The connection is gone."""


class _Line(asyncio.Protocol):
    """HTTP/1.1 messages with a Content-Length, in either direction, over a connection that stays open."""

    def __init__(self, owner: _Owner | None) -> None:
        self.owner = owner
        self.transport: asyncio.Transport | None = None
        self._kept = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self._kept += data
        while (end := self._kept.find(b"\r\n\r\n")) >= 0:
            start, *lines = self._kept[:end].split(b"\r\n")
            headers = {
                name.lower(): value.strip() for name, _, value in (line.partition(b":") for line in lines)
            }
            if b"transfer-encoding" in headers:
                raise ValueError("a body in chunks is not understood here")
            length = int(headers.get(b"content-length", b"0"))
            if len(self._kept) < end + 4 + length:
                return
            body = self._kept[end + 4 : end + 4 + length]
            self._kept = self._kept[end + 4 + length :]
            if self.owner is not None:
                self.owner.told(start, headers, body)

    def connection_lost(self, exc: Exception | None) -> None:
        self.transport = None
        if self.owner is not None:
            self.owner.lost()


@dataclass(slots=True)
class Seen:
    """The bot's newest message to one respondent."""

    number: int
    text: str
    buttons: dict[str, str]
    """Label → data."""


class Respondent:
    """One person after another, each answering the survey from its start to its thanks."""

    def __init__(self, telegram: Telegram) -> None:
        self._telegram = telegram
        self._line: _Line | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._waiting = False
        self._accepted = True
        self._seen: Seen | None = None
        self._shown = Seen(0, "", {})
        self._ticked: set[str] = set()
        self._rng = random.Random(0)
        self.chat_id = 0

    def begin(self) -> None:
        """A new person presses Start."""
        telegram = self._telegram
        telegram.people.pop(self.chat_id, None)
        self.chat_id = telegram.new_person(self)
        self._rng = random.Random(self.chat_id)
        self._ticked = set()
        self._say(f"/start {telegram.code}".strip())

    def end(self) -> None:
        """Hang up."""
        if self._timer is not None:
            self._timer.cancel()
        if self._line is not None and self._line.transport is not None:
            self._line.owner = None
            self._line.transport.close()

    @property
    def idle(self) -> bool:
        """Whether nothing of this respondent is on its way."""
        return self._accepted

    # What a person does

    def _answer(self, seen: Seen) -> None:
        self._shown = seen
        if seen.text.startswith(survey.THANKS):
            self._telegram.figures.finished += 1
            self.begin()
            return
        if survey.SUBMIT in seen.buttons:
            self._press(seen, survey.SUBMIT)
            return
        question = survey.asked_in(seen.text)
        if question is None:
            raise ValueError(f"a message that asks nothing: {seen.text[:80]!r}")
        match question.kind:
            case Kind.ONE:
                self._press(seen, self._rng.choice(question.choices))
            case Kind.NUMBER:
                wrong = self._rng.random() < INVALID
                self._say("many" if wrong else str(self._rng.randint(question.least, question.most)))
            case Kind.TEXT:
                self._say("Fix the road by the market, please: it floods.")
            case Kind.MANY:
                left = [choice for choice in question.choices if choice not in self._ticked]
                if len(self._ticked) == survey.TICKS:
                    self._press(seen, survey.DONE)
                else:
                    wanted = self._rng.choice(left)
                    self._ticked.add(wanted)
                    self._press(seen, wanted)

    def _press(self, seen: Seen, label: str) -> None:
        found = next((data for shown, data in seen.buttons.items() if shown.endswith(label)), None)
        if found is None:
            raise ValueError(f"no button {label!r} among {list(seen.buttons)}")
        self._post(
            {
                "callback_query": {
                    "id": f"{self.chat_id}{self._telegram.posted:010d}",
                    "from": self._person(),
                    "chat_instance": str(self.chat_id),
                    "data": found,
                    "message": {
                        "message_id": seen.number,
                        "from": BOT,
                        "chat": self._chat(),
                        "date": int(time.time()),
                        "text": seen.text,
                        "reply_markup": {
                            "inline_keyboard": [
                                [{"text": label, "callback_data": data}]
                                for label, data in seen.buttons.items()
                            ]
                        },
                    },
                }
            }
        )

    def _say(self, text: str) -> None:
        message: Update = {
            "message_id": self._telegram.next_message(),
            "from": self._person(),
            "chat": self._chat(),
            "date": int(time.time()),
            "text": text,
        }
        if text.startswith("/"):
            length = len(text.partition(" ")[0])
            message["entities"] = [{"offset": 0, "length": length, "type": "bot_command"}]
        self._post({"message": message})

    def _person(self) -> Update:
        return {
            "id": self.chat_id, "is_bot": False, "first_name": "Lan", "last_name": "Trần",
            "username": f"lan{self.chat_id}", "language_code": "en",
        }  # fmt: skip

    def _chat(self) -> Update:
        return {"id": self.chat_id, "type": "private", "first_name": "Lan", "last_name": "Trần"}

    # How it travels

    def _post(self, update: Update) -> None:
        telegram = self._telegram
        telegram.posted += 1
        self._number = telegram.posted
        self._body = orjson.dumps({"update_id": self._number, **update})
        self._waiting, self._seen, self._tries = True, None, 0
        self._began = time.perf_counter()
        if self._timer is not None:
            self._timer.cancel()
        self._timer = telegram.loop.call_later(STALLED, self._stalled)
        self._send()

    def _send(self) -> None:
        self._accepted = False
        if self._line is None or self._line.transport is None:
            self._dialling = asyncio.ensure_future(self._dial())
        else:
            self._line.transport.write(self._telegram.request(self._body))

    async def _dial(self) -> None:
        telegram = self._telegram
        try:
            _, line = await telegram.loop.create_connection(lambda: _Line(self), telegram.host, telegram.port)
        except OSError:
            self.lost()
            return
        self._line = line
        assert line.transport is not None
        line.transport.write(telegram.request(self._body))

    def told(self, start: bytes, headers: dict[bytes, bytes], body: bytes) -> None:
        telegram = self._telegram
        self._accepted = True
        if start.split(b" ", 2)[1] != b"200":
            self._refused()
            return
        telegram.accepted.add(self._number)
        if telegram.ended:
            return
        telegram.figures.to_200.append(time.perf_counter() - self._began)
        if b"json" in headers.get(b"content-type", b"") and body.strip() not in (b"", b"{}"):
            called = orjson.loads(body)
            if "method" in called:
                telegram.call(called.pop("method"), called, by_answer=True)
        self.go_on()

    def lost(self) -> None:
        if not self._accepted:
            self._accepted = True
            self._refused()

    def _refused(self) -> None:
        telegram = self._telegram
        if telegram.ended:
            return
        telegram.figures.refused += 1
        self._tries += 1
        if self._tries < TRIES:
            telegram.loop.call_later(AGAIN, self._resend)

    def _resend(self) -> None:
        if not self._telegram.ended:
            self._send()

    def _stalled(self) -> None:
        if self._telegram.ended:
            return
        self._telegram.figures.stalls += 1
        if self._line is not None and self._line.transport is not None:
            self._line.owner = None
            self._line.transport.abort()
            self._line = None
        self.begin()

    def see(self, number: int, text: str | None, buttons: dict[str, str]) -> None:
        """A message, or other buttons (``text`` None) of the one shown. Buttons beat none, later beats
        earlier.
        """
        if self._seen is None or buttons or not self._seen.buttons:
            self._seen = Seen(number, self._shown.text if text is None else text, buttons)

    def go_on(self) -> None:
        """Take the next step if both the 200 and the message are there."""
        telegram = self._telegram
        if not (self._waiting and self._accepted and self._seen is not None) or telegram.ended:
            return
        self._waiting = False
        telegram.figures.to_question.append(time.perf_counter() - self._began)
        telegram.loop.call_soon(self._answer, self._seen)


class _ApiLine(_Line):
    """One connection of the bot to the Bot API."""

    def __init__(self, telegram: Telegram) -> None:
        super().__init__(self)
        self._telegram = telegram

    def told(self, start: bytes, headers: dict[bytes, bytes], body: bytes) -> None:
        method = start.split(b" ")[1].partition(b"?")[0].rpartition(b"/")[2].decode()
        if b"json" in headers.get(b"content-type", b""):
            given = orjson.loads(body)
        else:
            given = dict(parse_qsl(body.decode()))
        if self._telegram.latency:
            self._telegram.loop.call_later(self._telegram.latency, self._finish, method, given)
        else:
            self._finish(method, given)

    def lost(self) -> None:
        """The bot hung up."""

    def _finish(self, method: str, given: dict[str, Any]) -> None:
        if self.transport is None:
            return
        result = self._telegram.call(method, given)
        body = orjson.dumps({"ok": True, "result": result})
        self.transport.write(
            b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b"
            % (len(body), body)
        )


class Telegram:
    """The Bot API on ``api_port``, and everybody who writes to the bot at ``webhook``.

    ``latency``: seconds that every call takes. ``code``: what follows ``/start``. ``accepted`` are the
    numbers of the updates that got their 200.
    """

    def __init__(self, webhook: str, *, code: str = "", latency: float = 0.0) -> None:
        address = urlsplit(webhook)
        self.host, self.port = address.hostname or "", address.port or 80
        self._path = address.path
        self.code = code
        self.latency = latency
        self.people: dict[int, Respondent] = {}
        self.respondents: list[Respondent] = []
        self.accepted: set[int] = set()
        self.figures = Figures()
        self.posted = 1000
        self.ended = False
        self._messages = 10
        self._persons = 10_000_000
        self._server: asyncio.Server | None = None
        self.loop = asyncio.get_running_loop()

    async def open(self, api_port: int) -> None:
        """Listen for the bot's calls."""
        self._server = await self.loop.create_server(
            lambda: _ApiLine(self), "127.0.0.1", api_port, backlog=1024, reuse_address=True
        )

    async def aclose(self) -> None:
        if self._server is not None:
            self._server.close()

    def begin(self, respondents: int, over: float) -> None:
        """Let so many people begin, spread over ``over`` seconds so that they don't answer in step."""
        self.ended = False
        self.respondents = [Respondent(self) for _ in range(respondents)]
        for index, respondent in enumerate(self.respondents):
            self.loop.call_later(over * index / respondents, respondent.begin)

    async def end(self) -> None:
        """No more messages; wait a moment for what is on its way."""
        self.ended = True
        for _ in range(100):
            if all(respondent.idle for respondent in self.respondents):
                break
            await asyncio.sleep(0.02)
        await asyncio.sleep(0.05)
        for respondent in self.respondents:
            respondent.end()
        self.people.clear()

    def window(self) -> Figures:
        """What was seen since the last call of this."""
        figures, self.figures = self.figures, Figures()
        return figures

    def request(self, body: bytes) -> bytes:
        """The HTTP request that posts an update."""
        head = (
            f"POST {self._path} HTTP/1.1\r\nHost: {self.host}:{self.port}\r\n"
            "Content-Type: application/json\r\n"
            f"X-Telegram-Bot-Api-Secret-Token: {SECRET}\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        return head.encode() + body

    def new_person(self, respondent: Respondent) -> int:
        """The id of somebody nobody knows yet."""
        self._persons += 1
        self.people[self._persons] = respondent
        return self._persons

    def next_message(self) -> int:
        """A message's number."""
        self._messages += 1
        return self._messages

    def call(self, method: str, given: dict[str, Any], *, by_answer: bool = False) -> Any:
        """Do what the bot asks; its result."""
        self.figures.calls[f"answer:{method}" if by_answer else method] += 1
        match method:
            case "getMe":
                return {**BOT, "can_join_groups": False, "can_read_all_group_messages": False}
            case "getWebhookInfo":
                return {"url": "", "has_custom_certificate": False, "pending_update_count": 0}
            case "sendMessage" | "editMessageReplyMarkup" | "editMessageText":
                return self._message(method, given)
        return True

    def _message(self, method: str, given: dict[str, Any]) -> Update:
        chat_id = int(given["chat_id"])
        markup = given.get("reply_markup") or {}
        if isinstance(markup, str):
            markup = orjson.loads(markup)
        buttons = {
            button["text"]: button["callback_data"]
            for row in markup.get("inline_keyboard", ())
            for button in row
        }
        edited = method.startswith("edit")
        number = int(given["message_id"]) if edited else self.next_message()
        respondent = self.people.get(chat_id)
        if respondent is not None:
            respondent.see(number, given.get("text"), buttons)
            self.loop.call_soon(respondent.go_on)
        return {
            "message_id": number,
            "from": BOT,
            "date": int(time.time()),
            "chat": {"id": chat_id, "type": "private", "first_name": "Lan"},
            "text": given.get("text") or "-",
        }
