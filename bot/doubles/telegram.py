"""A double of Telegram's Bot API server: a real HTTP server on loopback that answers as Telegram would.

It knows the people who write to the bot, keeps what the bot sends, refuses what Telegram refuses and in its
words, holds its limits, delivers updates by long polling or to a webhook, and fails on demand. Every request
is held against the table of ``telegram_methods``; what breaks it stands in ``BotApiDouble.violations``::

    async with BotApiDouble(token="42:abc") as api:
        bot = ...  # any client, with api.base_url as its server
        api.start(7)  # user 7 presses Start
        await api.wait_for(lambda: api.chat(7).sent)
        assert not api.violations

Behaviour follows https://core.telegram.org/bots/api, .../bots/faq, .../bots/webhooks and the source of
Telegram's own server (github.com/tdlib/telegram-bot-api). What is simpler here: no channels, business
accounts, inline mode, payments or topics; no Markdown; links and mentions in texts are not detected; files
stay in memory; webhooks are called on this machine alone, over plain HTTP if so given.

Alone: ``python -m bot.doubles.telegram --port 8081`` serves the API and, below ``/control``, a small JSON API
for tests in other processes: see ``BotApiDouble.control``.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import hmac
import inspect
import ipaddress
import itertools
import math
import random
import re
import signal
import struct
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from typing import Any, TypeVar
from urllib.parse import parse_qsl, urlsplit

import aiohttp
import orjson
from aiohttp import web

from bot.doubles.telegram_methods import (
    METHODS,
    Checked,
    FormattedText,
    Method,
    Upload,
    Violation,
    check,
    decode,
    method_named,
    utf16_length,
)
from bot.doubles.telegram_people import (
    NO_LIMITS,
    Answer,
    Attempt,
    Call,
    CallbackAnswer,
    Chat,
    Delivery,
    Fault,
    FaultKind,
    Json,
    Limits,
    Rate,
    Refused,
    Standing,
    StoredFile,
    Update,
    User,
    not_found,
)
from bot.doubles.telegram_webhook import Pusher

T = TypeVar("T")

UPLOAD_BYTES = 50 << 20
PHOTO_BYTES = 10 << 20
DOWNLOAD_BYTES = 20 << 20
ANSWER_BYTES = 1 << 22
"""One getUpdates answer is cut at about this size."""
DAY = 86_400
CALLBACK_LIFETIME = 150
DELETABLE = 2 * DAY
POLL_SECONDS = 50

UNDER_WEBHOOK = (
    "Conflict: can't use getUpdates method while webhook is active; use deleteWebhook to delete the webhook "
    "first"
)
TWO_POLLERS = (
    "Conflict: terminated by other getUpdates request; make sure that only one bot instance is running"
)
NOT_MODIFIED = (
    "Bad Request: message is not modified: specified new message content and reply markup are exactly the "
    "same as a current content and reply markup of the message"
)
GIFTS = ("unlimited_gifts", "limited_gifts", "unique_gifts", "premium_subscription", "gifts_from_channels")

NO_UPDATES_UNASKED = frozenset(("chat_member", "message_reaction", "message_reaction_count"))


_PICTURES = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF8", b"RIFF", b"BM")
_COMMAND = re.compile(r"/[A-Za-z0-9_]{1,32}(?:@[A-Za-z0-9_]+)?(?=\s|$)")


def _picture_size(content: bytes) -> tuple[int, int]:
    """Width and height of a PNG; of other pictures a plausible size."""
    if content[:8] == _PICTURES[0] and len(content) >= 24:
        width, height = struct.unpack(">II", content[16:24])
        return width, height
    return 800, 600


def _inline(markup: Json | None) -> Json | None:
    """An inline keyboard as Telegram keeps it: no empty rows; nothing left of an empty one."""
    if not markup or "inline_keyboard" not in markup:
        return None
    rows = [row for row in markup["inline_keyboard"] if row]
    return {"inline_keyboard": rows} if rows else None


def _leave_out(body: Json, path: str) -> Json:
    """A copy of ``body`` without what ``path`` names."""
    step, _, rest = path.partition(".")
    if step not in body:
        return body
    if not rest:
        return {key: value for key, value in body.items() if key != step}
    return {**body, step: _leave_out(body[step], rest)} if isinstance(body[step], dict) else body


# The server


class BotApiDouble:
    """Telegram for one bot, on 127.0.0.1: an async context manager; all runs in the caller's event loop.

    ``check=False`` leaves out the check against the table and ``log`` bounds how many calls are remembered
    (both for measurements); ``latency`` seconds pass before every answer; a press can be answered for
    ``callback_seconds`` (not published; about 15 by report). ``clock`` gives seconds since 1970 and rules
    dates, limits and expiry; pauses are real time, times ``delivery.pace``. ``everybody``: whoever is written
    to has pressed Start. ``heard`` is told of every call as it is made, whatever ``log`` keeps.
    """

    def __init__(
        self,
        token: str = "42:double",  # noqa: S107 - of a double
        *,
        name: str = "Hỏi Dân",
        username: str = "hoidan_bot",
        limits: Limits | None = None,
        delivery: Delivery | None = None,
        check: bool = True,
        log: int | None = None,
        latency: float = 0.0,
        callback_seconds: float = 15.0,
        clock: Callable[[], float] = time.time,
        port: int = 0,
        control: bool = False,
        seed: int = 0,
        everybody: bool = False,
        heard: Callable[[Call], object] | None = None,
    ) -> None:
        bot_id, colon, _ = token.partition(":")
        if not colon or not bot_id.isdigit() or bot_id.startswith("0"):
            raise ValueError("a token looks like 42:secret")
        self.token = token
        self.bot: Json = {"id": int(bot_id), "is_bot": True, "first_name": name, "username": username}
        self.limits = limits or Limits()
        self.delivery = delivery or Delivery()
        self.clock = clock
        self.latency = latency
        self.callback_seconds = callback_seconds
        self.attempts: deque[Attempt] = deque(maxlen=log)
        self.violations: list[Violation] = []
        """What the bot's requests broke of the table. A test that drives a bot asserts that it is empty."""
        self.answers: dict[str, CallbackAnswer] = {}
        """Answers to callback queries, by query id."""
        self.commands: dict[tuple[str, str], list[Json]] = {}
        """Commands by scope (JSON with sorted keys) and language code."""
        self.profile: dict[tuple[str, str], str] = {}
        """Texts set for the bot, by field (name, description, short_description) and language code."""
        self.menu_buttons: dict[int | None, Json] = {}
        self.users: dict[int, User] = {}
        self.faults: list[Fault] = []
        self._check = check
        self._port = port
        self._control = control
        self._everybody = everybody
        self._random = random.Random(seed)  # noqa: S311 - spreads retries, hides nothing
        self._calls: deque[Call] = deque(maxlen=log)
        self._heard = heard
        self._chats: dict[int, Chat] = {}
        self._files: dict[str, StoredFile] = {}
        self._queries: dict[str, float] = {}
        self._updates: dict[int, Update] = {}
        self._allowed: frozenset[str] | None = None
        self._held_kinds: frozenset[str] = frozenset()
        self._held: list[Callable[[], None]] = []
        self._next_update = 100_000_001
        self._numbers = itertools.count(1)
        self._call_numbers = itertools.count(1)
        self._windows: dict[tuple[str, int], deque[float]] = {}
        self._pusher: Pusher | None = None
        self._webhook: Json = {}
        self._poll: asyncio.Future[Refused | None] | None = None
        self._last_poll: tuple[int, float] | None = None
        self._next_conflict = 0.0
        self._logged_out_until = 0.0
        self._waiters: list[asyncio.Future[None]] = []
        self._closing = asyncio.Event()
        self._runner: web.ServerRunner | None = None
        self._http: aiohttp.ClientSession | None = None
        self._handlers: dict[str, Callable[[Checked], Any]] = {
            "getMe": self._get_me,
            "logOut": self._log_out,
            "close": lambda _: True,
            "getUpdates": self._get_updates,
            "setWebhook": self._set_webhook,
            "deleteWebhook": self._delete_webhook,
            "getWebhookInfo": self._get_webhook_info,
            "sendMessage": self._send_message,
            "forwardMessage": self._forward_message,
            "copyMessage": self._copy_message,
            "sendPhoto": self._send_photo,
            "sendAudio": lambda asked: self._send_recording("audio", asked),
            "sendVideo": lambda asked: self._send_recording("video", asked),
            "sendDocument": self._send_document,
            "sendChatAction": self._send_chat_action,
            "getFile": self._get_file,
            "getChat": self._get_chat,
            "getChatMember": self._get_chat_member,
            "leaveChat": self._leave_chat,
            "pinChatMessage": self._pin,
            "unpinChatMessage": self._unpin,
            "answerCallbackQuery": self._answer_callback_query,
            "setMyCommands": self._set_commands,
            "deleteMyCommands": self._delete_commands,
            "getMyCommands": self._get_commands,
            "setMyName": lambda asked: self._set_profile("name", asked),
            "getMyName": lambda asked: self._get_profile("name", asked),
            "setMyDescription": lambda asked: self._set_profile("description", asked),
            "getMyDescription": lambda asked: self._get_profile("description", asked),
            "setMyShortDescription": lambda asked: self._set_profile("short_description", asked),
            "getMyShortDescription": lambda asked: self._get_profile("short_description", asked),
            "setChatMenuButton": self._set_menu_button,
            "getChatMenuButton": self._get_menu_button,
            "editMessageText": self._edit_text,
            "editMessageCaption": self._edit_caption,
            "editMessageReplyMarkup": self._edit_markup,
            "deleteMessage": self._delete_message,
            "deleteMessages": self._delete_messages,
        }

    # Life

    async def __aenter__(self) -> BotApiDouble:
        await self.open()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def open(self) -> None:
        """Listen on 127.0.0.1, at the port given or a free one."""
        server = web.Server(self._serve, request_factory=_request)
        self._runner = web.ServerRunner(server, access_log=None, shutdown_timeout=1.0)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self._port, backlog=1024)
        await site.start()
        self._port = self._runner.addresses[0][1]
        self._http = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, ssl=False), auto_decompress=True
        )

    async def aclose(self) -> None:
        """Stop delivering and listening; what waits is answered first."""
        self._closing.set()
        if self._pusher is not None:
            await self._pusher.close()
            self._pusher = None
        self._wake_poll(Refused(500, "Internal Server Error: restart"))
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None
        if self._http is not None:
            await self._http.close()
            self._http = None

    @property
    def base_url(self) -> str:
        """The server's address, in place of https://api.telegram.org."""
        return f"http://127.0.0.1:{self._port}"

    # What tests look at

    @property
    def requests(self) -> list[Call]:
        """Every call of the bot so far (of the last ``log``, where that was given), oldest first."""
        return list(self._calls)

    def calls(self, method: str, *, after: int = 0) -> list[Call]:
        """The calls of one method with a number above ``after``."""
        return [call for call in self._calls if call.method == method and call.number > after]

    def chat(self, chat_id: int) -> Chat:
        """The chat with that id (a private chat's is its user's); the user is made known if need be."""
        if chat_id not in self._chats and chat_id > 0:
            self.user(chat_id)
        return self._chats[chat_id]

    @property
    def polling(self) -> bool:
        """Whether a long poll of the bot is waiting for an update."""
        return self._poll is not None

    @property
    def pending(self) -> int:
        """Updates not yet confirmed by the bot."""
        return len(self._updates)

    async def wait_for(self, condition: Callable[[], T], seconds: float = 5.0) -> T:
        """Wait until ``condition()`` holds (looked at after each call and update), and return what it gave.

        Raises TimeoutError after ``seconds`` of real time, with the last calls in its message.
        """
        loop = asyncio.get_running_loop()
        deadline = loop.time() + seconds
        while not (held := condition()):
            changed: asyncio.Future[None] = loop.create_future()
            self._waiters.append(changed)
            try:
                await asyncio.wait_for(changed, deadline - loop.time())
            except TimeoutError:
                held = condition()
                if held:
                    break
                last = [f"{call.method} {call.status} {call.description}" for call in list(self._calls)[-5:]]
                raise TimeoutError(f"not within {seconds} s; last calls: {last}") from None
        return held

    async def _pause(self, seconds: float) -> None:
        """Let real time pass, unless the double closes."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._closing.wait(), seconds)

    def _changed(self) -> None:
        if self._waiters:
            waiting, self._waiters = self._waiters, []
            for one in waiting:
                if not one.done():
                    one.set_result(None)

    # What tests do

    def fault(self, kind: FaultKind | str, method: str | None = None, **details: Any) -> Fault:
        """Make the next calls go wrong; ``details`` are the fields of ``Fault``. Faults apply in order."""
        made = Fault(FaultKind(kind), METHODS[method].name if method else None, **details)
        self.faults.append(made)
        return made

    def hold(self, *kinds: str) -> None:
        """Keep back updates of these kinds until ``release``: so a press overtakes a text, as it may.

        Under a webhook they have their number already; while polling they get it at the release. Both happen.
        """
        self._held_kinds |= frozenset(kinds)

    def release(self) -> None:
        """Let held updates go, oldest first."""
        self._held_kinds = frozenset()
        held, self._held = self._held, []
        for deliver in held:
            deliver()

    def user(self, user_id: int, first_name: str = "", **details: Any) -> User:
        """The user with that id, made (with a private chat, not yet started) or changed as given."""
        user = self.users.get(user_id)
        if user is None:
            user = self.users[user_id] = User(user_id, first_name or f"Người {user_id}")
            self._chats[user_id] = Chat(user_id, "private", user=user)
        elif first_name:
            user.first_name = first_name
        for key, value in details.items():
            setattr(user, key, value)
        return user

    def group(self, chat_id: int, title: str = "Tổ dân phố", kind: str = "group") -> Chat:
        """A group with the bot in it; ``kind`` is group or supergroup, the id negative."""
        if chat_id >= 0 or kind not in ("group", "supergroup"):
            raise ValueError("a group has a negative id and is a group or a supergroup")
        return self._chats.setdefault(chat_id, Chat(chat_id, kind, title))

    def migrate(self, chat_id: int, new_id: int | None = None) -> int:
        """Turn a group into a supergroup: its id changes, both chats say so, the old one refuses messages."""
        old = self._chats[chat_id]
        new = self.group(new_id or -1_000_000_000_000 + chat_id, old.title, "supergroup")
        old.migrated_to = new.id
        anyone = self.users[min(old.members)] if old.members else self.user(1)
        self._say(anyone, old, {"migrate_to_chat_id": new.id})
        self._say(anyone, new, {"migrate_from_chat_id": old.id})
        return new.id

    def say(self, user_id: int, text: str, *, chat_id: int | None = None, reply_to: int | None = None) -> int:
        """A user writes ``text`` to the bot (or in a group). Returns the message's id."""
        user, chat = self._writer(user_id, chat_id)
        content: Json = {"text": text}
        command = _COMMAND.match(text)
        if command:
            content["entities"] = [{"type": "bot_command", "offset": 0, "length": utf16_length(command[0])}]
        if reply_to is not None:
            answered = chat.by_id[reply_to]
            content["reply_to_message"] = {k: v for k, v in answered.items() if k != "reply_to_message"}
        return self._say(user, chat, content)

    def start(self, user_id: int, payload: str = "") -> int:
        """A user opens the bot by its link (``?start=payload``) or for the first time, and presses Start."""
        if payload and not re.fullmatch(r"[A-Za-z0-9_-]{1,64}", payload):
            raise ValueError("a start payload has 1 to 64 of A-Z, a-z, 0-9, _ and -")
        return self.say(user_id, f"/start {payload}".strip())

    def edit(self, user_id: int, message_id: int, text: str, *, chat_id: int | None = None) -> None:
        """A user changes a message of their own."""
        user, chat = self._writer(user_id, chat_id)
        message = chat.by_id[message_id]
        if message["from"]["id"] != user.id:
            raise ValueError("people edit their own messages only")
        now = int(self.clock())
        edited = {**message, "edit_date": now, "text": text}
        edited.pop("entities", None)
        chat.by_id[message_id] = edited
        self._add("edited_message", edited, chat.id, now + DAY)

    def send(
        self,
        user_id: int,
        kind: str,
        content: bytes = b"",
        *,
        name: str = "",
        chat_id: int | None = None,
        **extra: Any,
    ) -> int:
        """A user sends something else than text: photo, document, voice, audio, sticker, video, contact or
        location.

        ``content`` becomes a file the bot can download; ``extra`` goes into the message (``caption=…``), or
        for a contact (one's own) or location into that object. Returns the message's id.
        """
        user, chat = self._writer(user_id, chat_id)
        if kind in ("contact", "location"):
            own = {"user_id": user.id} if kind == "contact" else {}
            return self._say(user, chat, {kind: {**extra, **own}})
        types = {
            "photo": ("photos", "jpg", "image/jpeg"),
            "sticker": ("stickers", "webp", "image/webp"),
            "voice": ("voice", "oga", "audio/ogg"),
            "audio": ("music", "mp3", "audio/mpeg"),
            "video": ("videos", "mp4", "video/mp4"),
            "document": ("documents", "bin", "application/octet-stream"),
        }
        folder, ending, content_type = types[kind]
        upload = Upload(name or f"file.{ending}", extra.pop("mime_type", content_type), content)
        stored = self._store(folder, upload)
        told: Json = stored.as_json()
        if kind == "photo":
            width, height = _picture_size(content)
            small = self._store(folder, Upload("small.jpg", content_type, content[: len(content) // 2]))
            sizes = [
                {**small.as_json(), "width": max(1, width // 4), "height": max(1, height // 4)},
                {**told, "width": width, "height": height},
            ]
            return self._say(user, chat, {"photo": sizes, **extra})
        if kind == "sticker":
            look = {"type": "regular", "is_animated": False, "is_video": False, "emoji": "👍"}
            told |= {"width": 512, "height": 512, **look}
        elif kind in ("voice", "audio"):
            told |= {"duration": 3, "mime_type": upload.content_type}
        elif kind == "video":
            told |= {"width": 640, "height": 480, "duration": 3, "mime_type": upload.content_type}
        else:
            told |= {"file_name": upload.name, "mime_type": upload.content_type}
        return self._say(user, chat, {kind: told, **extra})

    def press(self, user_id: int, message_id: int, data: str, *, chat_id: int | None = None) -> str:
        """A user presses a button that carries ``data``, there (still) or not. Returns the query's id.

        A message that was deleted, or never was, arrives as inaccessible (date 0).
        """
        user, chat = self._writer(user_id, chat_id)
        inaccessible = {"message_id": message_id, "chat": chat.as_json(), "date": 0}
        query_id = str(self.bot["id"] * 1_000_000 + next(self._numbers))
        now = self.clock()
        self._queries[query_id] = now
        query = {
            "id": query_id,
            "from": user.sender(),
            "message": chat.by_id.get(message_id, inaccessible),
            "chat_instance": str(-1_000_003 * chat.id),
            "data": data,
        }
        self._add("callback_query", query, user.id + (3 << 33), now + CALLBACK_LIFETIME)
        return query_id

    def block(self, user_id: int) -> None:
        """A user blocks the bot; it is told, and can't write any more."""
        self._turn(user_id, Standing.BLOCKED, "member", "kicked")

    def unblock(self, user_id: int) -> None:
        """A user unblocks the bot."""
        self._turn(user_id, Standing.STARTED, "kicked", "member")

    def deactivate(self, user_id: int) -> None:
        """A user's account is gone; the bot is not told."""
        self.user(user_id).standing = Standing.DEACTIVATED

    def expel(self, chat_id: int, status: str = "kicked") -> None:
        """The bot is removed from a group (``kicked``) or has ``left`` it."""
        chat = self._chats[chat_id]
        before, chat.bot_status = chat.bot_status, status
        by = self.users[min(chat.members)] if chat.members else self.user(1)
        self._add_membership(chat, by, before, status)

    def inject(self, update: Mapping[str, Any]) -> int:
        """Give the bot an update as it is, but for its ``update_id``: odd, old or incomplete ones.

        The private chat it names is made known and started, its callback query can be answered.
        """
        kind = next((key for key in update if key != "update_id"), "message")
        body = update.get(kind)
        told: Mapping[str, Any] = body if isinstance(body, Mapping) else {}
        chat, sender = told.get("chat") or {}, told.get("from") or {}
        queue, lifetime = chat.get("id", 0), DAY
        if kind == "callback_query":
            queue, lifetime = sender.get("id", 0) + (3 << 33), CALLBACK_LIFETIME
            chat = (told.get("message") or {}).get("chat") or {}
            if "id" in told:
                self._queries[told["id"]] = self.clock()
        if chat.get("type") == "private":
            self.user(chat["id"], chat.get("first_name", ""), standing=Standing.STARTED)
        number = self._next_update
        self._next_update += 1
        whole = {**update, "update_id": number}
        expires = self.clock() + lifetime
        self._deliver(Update(number, kind, orjson.dumps(whole), queue or -number, expires))
        return number

    def _writer(self, user_id: int, chat_id: int | None) -> tuple[User, Chat]:
        user = self.user(user_id)
        chat = self._chats[chat_id] if chat_id is not None else self._chats[user_id]
        if user.standing in (Standing.BLOCKED, Standing.DEACTIVATED) and chat.user is user:
            raise ValueError(f"user {user_id} is {user.standing}: nobody there to write")
        if chat.user is user:
            user.standing = Standing.STARTED
        else:
            chat.members.add(user_id)
        return user, chat

    def _say(self, user: User, chat: Chat, content: Json) -> int:
        now = int(self.clock())
        number = chat.next_id
        chat.next_id += 1
        message = {
            "message_id": number,
            "from": user.sender(),
            "chat": chat.as_json(),
            "date": now,
            **content,
        }
        chat.by_id[number] = message
        self._add("message", message, chat.id, now + DAY)
        return number

    def _turn(self, user_id: int, standing: Standing, before: str, after: str) -> None:
        user = self.user(user_id)
        if user.standing is not standing:
            user.standing = standing
            self._add_membership(self._chats[user_id], user, before, after)

    def _add_membership(self, chat: Chat, by: User, before: str, after: str) -> None:
        now = int(self.clock())
        until = {"until_date": 0}
        body = {
            "chat": chat.as_json(),
            "from": by.sender(),
            "date": now,
            "old_chat_member": {"user": self.bot, "status": before, **(until if before == "kicked" else {})},
            "new_chat_member": {"user": self.bot, "status": after, **(until if after == "kicked" else {})},
        }
        self._add("my_chat_member", body, chat.id + (5 << 33), now + DAY)

    # Updates

    def _add(self, kind: str, body: Json, queue: int, expires_at: float) -> None:
        """Number an update and let it go, or hold it; serialised now, since what it shows may change."""
        if self._allowed is None:
            if kind in NO_UPDATES_UNASKED:
                return
        elif kind not in self._allowed:
            return
        whole: Json = {kind: body}
        for path in self.delivery.without:
            whole = _leave_out(whole, path)

        def numbered() -> Update:
            number = self._next_update
            self._next_update += 1
            return Update(number, kind, orjson.dumps({"update_id": number, **whole}), queue, expires_at)

        if kind not in self._held_kinds:
            self._deliver(numbered())
        elif self._pusher is not None:
            update = numbered()
            self._held.append(lambda: self._deliver(update))
        else:
            self._held.append(lambda: self._deliver(numbered()))

    def _deliver(self, update: Update) -> None:
        late = bool(self._updates) and update.update_id < next(reversed(self._updates))
        self._updates[update.update_id] = update
        if late:
            self._updates = dict(sorted(self._updates.items()))
        if self._pusher is not None:
            self._pusher.feed(update)
        else:
            self._wake_poll(None)
        self._changed()

    def _wake_poll(self, reason: Refused | None) -> None:
        poll, self._poll = self._poll, None
        if poll is not None and not poll.done():
            poll.set_result(reason)

    def _forget(self, update_id: int) -> None:
        self._updates.pop(update_id, None)
        self._changed()

    async def _conflict(self, refusal: Refused) -> Refused:
        """A 409; those that follow within 3 seconds are answered 3 seconds late."""
        now = self.clock()
        if now >= self._next_conflict:
            self._next_conflict = now + 3.0
        else:
            await self._pause(3.0 * self.delivery.pace)
        return refusal

    def _take(self, offset: int, limit: int) -> list[orjson.Fragment]:
        """Confirm what lies before ``offset`` (negative: all but so many) and read on from there."""
        if offset < 0:
            for number in list(self._updates)[:offset]:
                del self._updates[number]
        elif 0 < offset <= self._next_update + 10:
            for number in list(itertools.takewhile(lambda number: number < offset, self._updates)):
                del self._updates[number]
        now = self.clock()
        for number in [number for number, update in self._updates.items() if update.expires_at < now]:
            del self._updates[number]
        taken: list[orjson.Fragment] = []
        left = ANSWER_BYTES
        for update in itertools.islice(self._updates.values(), limit):
            left -= len(update.body) + 50
            if left <= 0:
                break
            taken.append(orjson.Fragment(update.body))
        return taken

    async def _get_updates(self, asked: Checked) -> list[orjson.Fragment]:
        values = asked.values
        if self._pusher is not None:
            raise await self._conflict(Refused(409, UNDER_WEBHOOK))
        offset, limit = values.get("offset", 0), values.get("limit", 100)
        wait = float(min(max(values.get("timeout", 0), 0), POLL_SECONDS))
        self._allow(values)
        now = self.clock()
        if self._last_poll is not None and offset == self._last_poll[0]:
            # Asking for the same again at once is slowed down, and gives one update only.
            if wait < 3 and now < self._last_poll[1] + 3.0:
                wait = 3.0 * self.delivery.pace
            if now < self._last_poll[1] + 0.5:
                limit = 1
        self._last_poll = (offset, now)
        taken = self._take(offset, limit)
        if taken or wait <= 0:
            return taken
        self._wake_poll(Refused(409, TWO_POLLERS))
        poll: asyncio.Future[Refused | None] = asyncio.get_running_loop().create_future()
        self._poll = poll
        self._changed()
        await asyncio.wait((poll,), timeout=wait)
        if self._poll is poll:
            self._poll = None
        reason = poll.result() if poll.done() else None
        if reason is not None:
            raise await self._conflict(reason) if reason.status == 409 else reason
        return self._take(offset, limit)

    def _allow(self, values: Json) -> None:
        """Take over ``allowed_updates``: an empty list is the default set, no list changes nothing."""
        kinds = values.get("allowed_updates")
        if isinstance(kinds, list):
            self._allowed = frozenset(map(str, kinds)) or None

    def _set_webhook(self, asked: Checked) -> Any:
        values = asked.values
        url = values.get("url", "")
        if not url:
            return self._delete_webhook(asked)
        if self.limits.set_webhook and (wait := self._wait("set_webhook", 0, self.limits.set_webhook)):
            raise _too_many(wait)
        self._note("set_webhook", 0, self.limits.set_webhook)
        address = _webhook_address(url)
        certificate = values.get("certificate")
        settings = {
            "url": url,
            "has_custom_certificate": isinstance(certificate, Upload),
            "max_connections": values.get("max_connections", 40),
            "ip_address": values.get("ip_address") or address,
            "secret": values.get("secret_token", ""),
        }
        self._allow(values)
        if values.get("drop_pending_updates"):
            self._updates.clear()
        elif self._pusher is not None and self._webhook == settings:
            return _Described(True, "Webhook is already set")
        self._stop_pusher()
        self._wake_poll(Refused(409, "Conflict: terminated by setWebhook request"))
        self._webhook = settings
        self._pusher = Pusher(self, url, settings["secret"], settings["max_connections"])
        for update in list(self._updates.values()):
            self._pusher.feed(update)
        return _Described(True, "Webhook was set")

    def _delete_webhook(self, asked: Checked) -> Any:
        if asked.values.get("drop_pending_updates"):
            self._updates.clear()
        was_set = self._pusher is not None
        self._stop_pusher()
        self._webhook = {}
        return _Described(True, "Webhook was deleted" if was_set else "Webhook is already deleted")

    def _stop_pusher(self) -> None:
        if self._pusher is not None:
            self._pusher.cancel()
            self._pusher = None

    def _get_webhook_info(self, asked: Checked) -> Json:
        shown = {key: value for key, value in self._webhook.items() if key != "secret"}
        error = {}
        if self._pusher is not None and self._pusher.last_error:
            date, message = self._pusher.last_error
            error = {"last_error_date": int(date), "last_error_message": message}
        allowed = {} if self._allowed is None else {"allowed_updates": sorted(self._allowed)}
        fixed = {"url": "", "has_custom_certificate": False, "pending_update_count": len(self._updates)}
        return {**fixed, **shown, **error, **allowed}

    # Requests

    async def _serve(self, request: web.BaseRequest) -> web.StreamResponse:
        path = request.path
        if path.startswith("/bot"):
            token, _, name = path[4:].partition("/")
            answer = self._refuse_token(token) or await self._request(name, request)
        elif path.startswith("/file/bot"):
            token, _, name = path[9:].partition("/")
            stored = next((one for one in self._files.values() if one.path == name), None)
            refused = self._refuse_token(token)
            if refused is None and stored is not None:
                return web.Response(body=stored.upload.content, content_type="application/octet-stream")
            answer = refused or _failure(Refused(404, "Not Found"))
        elif self._control and path.startswith("/control/"):
            answer = await self._serve_control(path[9:], request)
        else:
            answer = _failure(Refused(404, "Not Found"))
        if answer.dropped:
            if request.transport is not None:
                request.transport.abort()
            return web.Response(status=500)
        headers = {"Content-Type": "text/html" if answer.html else "application/json"}
        if answer.retry_after:
            headers["Retry-After"] = str(answer.retry_after)
        return web.Response(status=answer.status, body=answer.body, headers=headers)

    def _refuse_token(self, token: str) -> Answer | None:
        if hmac.compare_digest(token.encode(), self.token.encode()):
            return None
        bad_shape = ":" not in token or token.startswith("0") or len(token) > 80
        said = "Unauthorized: invalid token specified" if bad_shape else "Unauthorized"
        return _failure(Refused(401, said))

    async def _request(self, name: str, request: web.BaseRequest) -> Answer:
        if self.latency:
            await self._pause(self.latency)
        try:
            arguments, files, problem = await _read(request)
        except web.HTTPRequestEntityTooLarge:
            return _failure(Refused(413, "Request Entity Too Large"))
        name = name or str(arguments.pop("method", ""))
        return await self._call(name, arguments, files, problem)

    async def _call(
        self,
        name: str,
        arguments: Json,
        files: Mapping[str, Upload],
        problem: str = "",
        by_reply: bool = False,
    ) -> Answer:
        """One call from check to answer; logged, whatever becomes of it."""
        method = method_named(name)
        if method is None:
            refused = Refused(404, "Not Found: method not found")
            odd = Violation(name, "", "not a method of the table", refused.description)
            self._log(name, arguments, refused.status, refused.description, None, (odd,), None, by_reply)
            return _failure(refused)
        checked = self._checked(method, arguments, files)
        violations = checked.violations
        if problem:
            violations = (Violation(method.name, "", problem), *violations)
        fault = self._fault_for(method.name, checked.values, by_reply)
        answer, description, result = await self._outcome(method.name, checked, fault)
        status = None if answer.dropped else answer.status
        kind = fault.kind if fault else None
        self._log(method.name, checked.values, status, description, result, violations, kind, by_reply)
        if fault and fault.kind is FaultKind.SLOW:
            await self._pause(fault.seconds)
        return answer

    def _checked(self, method: Method, arguments: Json, files: Mapping[str, Upload]) -> Checked:
        if self._check:
            return check(method, arguments, files)
        try:
            values = decode(method, arguments, files)
        except orjson.JSONDecodeError:
            odd = Violation(method.name, "", "must be JSON", "Bad Request: can't parse JSON object")
            return Checked({}, None, (odd,))
        text = values.get("text", values.get("caption"))
        return Checked(values, FormattedText(text) if isinstance(text, str) else None)

    async def _outcome(self, name: str, asked: Checked, fault: Fault | None) -> tuple[Answer, str, Any]:
        """What is answered, the description of a refusal, and the result."""
        if fault is not None and (failed := _fault_answer(fault)):
            return failed
        try:
            if self._logged_out_until > self.clock():
                raise Refused(400, "Logged out")
            if asked.refusal:
                raise Refused(400, asked.refusal)
            result = self._handlers[name](asked)
            if inspect.isawaitable(result):
                result = await result
        except Refused as refused:
            dropped = fault is not None and fault.kind is FaultKind.DROP_AFTER
            return replace(_failure(refused), dropped=dropped), refused.description, None
        said = b""
        if isinstance(result, _Described):
            said = b',"description":' + orjson.dumps(result.description)
            result = result.value
        body = b'{"ok":true,"result":' + orjson.dumps(result) + said + b"}"
        if fault is not None and fault.kind is FaultKind.DROP_AFTER:
            return Answer(200, body, dropped=True), "", result
        return Answer(200, body), "", result

    def _log(
        self,
        method: str,
        params: Mapping[str, Any],
        status: int | None,
        description: str,
        result: Any,
        violations: tuple[Violation, ...],
        fault: FaultKind | None,
        by_reply: bool,
    ) -> None:
        if violations:
            self.violations.extend(violations)
        number = next(self._call_numbers)
        if self._calls.maxlen != 0 or self._heard is not None:
            told = None if method == "getUpdates" else result
            now = self.clock()
            call = Call(number, now, method, params, status, description, told, violations, fault, by_reply)
            self._calls.append(call)
            if self._heard is not None:
                self._heard(call)
        self._changed()

    def _fault_for(self, name: str, values: Json, by_reply: bool) -> Fault | None:
        for fault in self.faults:
            if by_reply and not fault.replies:
                continue
            if fault.method in (None, name) and fault.chat_id in (None, values.get("chat_id")):
                fault.times -= 1
                if fault.times <= 0:
                    self.faults.remove(fault)
                return fault
        return None

    # Limits

    def _wait(self, lane: str, key: int, rate: Rate) -> float:
        """Seconds until one more fits into the window; 0 if it does now."""
        times = self._windows.get((lane, key))
        if not times:
            return 0.0
        now = self.clock()
        while times and times[0] <= now - rate.seconds:
            times.popleft()
        return times[len(times) - rate.count] + rate.seconds - now if len(times) >= rate.count else 0.0

    def _note(self, lane: str, key: int, rate: Rate | None) -> None:
        if rate is not None:
            self._windows.setdefault((lane, key), deque()).append(self.clock())

    def _hold_to_limits(self, chat: Chat) -> None:
        limits = self.limits
        of_chat = limits.chat if chat.user is not None else limits.group
        wait = self._wait("chat", chat.id, of_chat) if of_chat else 0.0
        if limits.bot:
            wait = max(wait, self._wait("bot", 0, limits.bot))
        if wait > 0:
            raise _too_many(wait)
        self._note("chat", chat.id, of_chat)
        self._note("bot", 0, limits.bot)

    # Methods: the bot and its chats

    def _get_me(self, asked: Checked) -> Json:
        flags = {
            "can_join_groups": True,
            "can_read_all_group_messages": False,
            "supports_inline_queries": False,
            "can_connect_to_business": False,
            "has_main_web_app": False,
        }
        return {**self.bot, **flags}

    def _log_out(self, asked: Checked) -> bool:
        self._logged_out_until = self.clock() + 600
        return True

    def _find_chat(self, chat_id: Any) -> Chat:
        if isinstance(chat_id, str):
            if chat_id.startswith("@"):
                raise not_found("chat")
            chat_id = int(chat_id) if re.fullmatch(r"-?\d{1,18}", chat_id) else 0
        chat = self._chats.get(chat_id)
        if chat is None:
            if not (self._everybody and isinstance(chat_id, int) and chat_id > 0):
                raise not_found("chat")
            self.user(chat_id, standing=Standing.STARTED)
            chat = self._chats[chat_id]
        return chat

    def _writable(self, values: Json) -> Chat:
        """The chat to write to; raises Telegram's refusal if the bot may not."""
        if values.get("business_connection_id"):
            raise not_found("business connection")
        chat = self._find_chat(values["chat_id"])
        if chat.user is not None:
            standing = chat.user.standing
            if standing is Standing.NEW:
                raise Refused(403, "Forbidden: bot can't initiate conversation with a user")
            if standing is Standing.BLOCKED:
                raise Refused(403, "Forbidden: bot was blocked by the user")
            if standing is Standing.DEACTIVATED:
                raise Refused(403, "Forbidden: user is deactivated")
        else:
            _refuse_group(chat)
        return chat

    def _get_chat(self, asked: Checked) -> Json:
        chat = self._find_chat(asked.values["chat_id"])
        if chat.user is not None and chat.user.standing is Standing.NEW:
            raise not_found("chat")
        full = chat.as_json()
        full |= {
            "accent_color_id": 0,
            "max_reaction_count": 11,
            "accepted_gift_types": dict.fromkeys(GIFTS, False),
        }
        if chat.pinned is not None and chat.pinned in chat.by_id:
            full["pinned_message"] = chat.by_id[chat.pinned]
        return full

    def _get_chat_member(self, asked: Checked) -> Json:
        chat = self._find_chat(asked.values["chat_id"])
        user_id = asked.values["user_id"]
        if user_id == self.bot["id"]:
            until = {"until_date": 0} if chat.bot_status == "kicked" else {}
            return {"user": self.bot, "status": chat.bot_status, **until}
        user = self.users.get(user_id)
        if user is None:
            raise Refused(400, "Bad Request: PARTICIPANT_ID_INVALID")
        there = user is chat.user or user_id in chat.members
        return {"user": user.sender(), "status": "member" if there else "left"}

    def _leave_chat(self, asked: Checked) -> bool:
        chat = self._find_chat(asked.values["chat_id"])
        if chat.user is not None:
            raise Refused(400, "Bad Request: chat member status can't be changed in private chats")
        _refuse_group(chat)
        chat.bot_status = "left"
        return True

    def _send_chat_action(self, asked: Checked) -> bool:
        chat = self._writable(asked.values)
        chat.actions += 1
        return True

    def _set_commands(self, asked: Checked) -> bool:
        self.commands[self._scope(asked.values)] = list(asked.values.get("commands") or ())
        return True

    def _delete_commands(self, asked: Checked) -> bool:
        self.commands.pop(self._scope(asked.values), None)
        return True

    def _get_commands(self, asked: Checked) -> list[Json]:
        return self.commands.get(self._scope(asked.values), [])

    def _scope(self, values: Json) -> tuple[str, str]:
        scope = values.get("scope") or {"type": "default"}
        if "chat_id" in scope:
            self._find_chat(scope["chat_id"])
        return orjson.dumps(scope, option=orjson.OPT_SORT_KEYS).decode(), values.get("language_code", "")

    def _set_profile(self, what: str, asked: Checked) -> bool:
        key = (what, asked.values.get("language_code", ""))
        text = asked.values.get(what, "")
        if text:
            self.profile[key] = text
        else:
            self.profile.pop(key, None)
        return True

    def _get_profile(self, what: str, asked: Checked) -> Json:
        language = asked.values.get("language_code", "")
        own = self.bot["first_name"] if what == "name" else ""
        return {what: self.profile.get((what, language), self.profile.get((what, ""), own))}

    def _set_menu_button(self, asked: Checked) -> bool:
        chat_id = asked.values.get("chat_id")
        if chat_id is not None and self._find_chat(chat_id).user is None:
            raise Refused(400, "Bad Request: private chat not found")
        self.menu_buttons[chat_id] = asked.values.get("menu_button") or {"type": "default"}
        return True

    def _get_menu_button(self, asked: Checked) -> Json:
        default = self.menu_buttons.get(None, {"type": "commands"})
        button = self.menu_buttons.get(asked.values.get("chat_id"), default)
        return default if button == {"type": "default"} else button

    # Methods: messages

    def _send_message(self, asked: Checked) -> Json:
        return self._post(asked, _text_content(asked.formatted))

    def _send_document(self, asked: Checked) -> Json:
        stored = self._file(asked.values["document"], "document")
        upload = stored.upload
        document = {**stored.as_json(), "file_name": upload.name, "mime_type": upload.content_type}
        return self._post(asked, {"document": document, **_caption_content(asked.formatted)})

    def _send_photo(self, asked: Checked) -> Json:
        given = asked.values["photo"]
        if isinstance(given, Upload):
            if len(given.content) > PHOTO_BYTES:
                size = len(given.content)
                raise Refused(400, f"Bad Request: file of size {size} bytes is too big for a photo")
            if not given.content.startswith(_PICTURES):
                raise Refused(400, "Bad Request: IMAGE_PROCESS_FAILED")
        stored = self._file(given, "photo")
        width, height = _picture_size(stored.upload.content)
        photo = [{**stored.as_json(), "width": width, "height": height}]
        return self._post(asked, {"photo": photo, **_caption_content(asked.formatted)})

    def _send_recording(self, what: str, asked: Checked) -> Json:
        stored = self._file(asked.values[what], what)
        upload = stored.upload
        told: Json = {**stored.as_json(), "duration": 3, "mime_type": upload.content_type}
        if what == "video":
            told |= {"width": 640, "height": 480}
        return self._post(asked, {what: told, **_caption_content(asked.formatted)})

    def _file(self, given: Any, what: str) -> StoredFile:
        if isinstance(given, Upload):
            if not given.content:
                raise Refused(400, "Bad Request: file must be non-empty")
            return self._store(f"{what}s", given)
        if given in self._files:
            return self._files[given]
        if given.startswith("attach://"):
            raise Refused(400, f"Bad Request: there is no {what} in the request")
        if given.startswith(("http://", "https://")):
            raise Refused(400, "Bad Request: failed to get HTTP URL content")
        raise Refused(400, "Bad Request: wrong file identifier/HTTP URL specified")

    def _store(self, folder: str, upload: Upload) -> StoredFile:
        number = next(self._numbers)
        ending = upload.name.rpartition(".")[2][:8] if "." in upload.name else "bin"
        stored = StoredFile(f"AgACAgUAA{number:010d}", f"{folder}/file_{number}.{ending}", upload)
        self._files[stored.file_id] = stored
        return stored

    def _get_file(self, asked: Checked) -> Json:
        stored = self._files.get(asked.values["file_id"])
        if stored is None:
            raise Refused(400, "Bad Request: invalid file_id")
        if len(stored.upload.content) > DOWNLOAD_BYTES:
            raise Refused(400, "Bad Request: file is too big")
        return {**stored.as_json(), "file_path": stored.path}

    def _post(self, asked: Checked, content: Json) -> Json:
        """Put a message of the bot into a chat, if it may; returns it."""
        values = asked.values
        chat = self._writable(values)
        reply = self._replied(chat, values.get("reply_parameters"))
        self._hold_to_limits(chat)
        number = chat.next_id
        chat.next_id += 1
        message: Json = {
            "message_id": number,
            "from": self.bot,
            "chat": chat.as_json(),
            "date": int(self.clock()),
            **reply,
            **content,
        }
        markup = values.get("reply_markup")
        if markup:
            self._show_keyboard(chat, number, markup, message)
        chat.by_id[number] = message
        chat.sent += 1
        chat.deeds += 1
        return message

    def _show_keyboard(self, chat: Chat, number: int, markup: Json, message: Json) -> None:
        inline = _inline(markup)
        if inline is not None:
            message["reply_markup"] = inline
        elif "keyboard" in markup:
            chat.reply_keyboard = markup
            chat.frozen.add(number)
        elif markup.get("remove_keyboard"):
            chat.reply_keyboard = None
            chat.frozen.add(number)
        elif markup.get("force_reply"):
            chat.frozen.add(number)

    def _replied(self, chat: Chat, parameters: Json | None) -> Json:
        if not parameters:
            return {}
        source = self._find_chat(parameters["chat_id"]) if "chat_id" in parameters else chat
        answered = source.by_id.get(parameters["message_id"])
        if answered is None:
            if parameters.get("allow_sending_without_reply"):
                return {}
            raise not_found("message to be replied")
        if source is not chat:
            return {}
        return {"reply_to_message": {k: v for k, v in answered.items() if k != "reply_to_message"}}

    def _source(self, values: Json, what: str) -> Json:
        source = self._find_chat(values["from_chat_id"]).by_id.get(values["message_id"])
        if source is None:
            raise not_found(what)
        return source

    def _copy_message(self, asked: Checked) -> Json:
        source = self._source(asked.values, "message to copy")
        parts = ("text", "entities", "photo", "document", "caption", "caption_entities")
        content = {key: source[key] for key in parts if key in source}
        if not content:
            raise Refused(400, "Bad Request: message can't be copied")
        if "caption" in asked.values and "text" not in content:
            content.pop("caption", None)
            content.pop("caption_entities", None)
            content |= _caption_content(asked.formatted)
        return {"message_id": self._post(asked, content)["message_id"]}

    def _forward_message(self, asked: Checked) -> Json:
        source = self._source(asked.values, "message to forward")
        left = ("message_id", "from", "chat", "date", "edit_date", "reply_markup", "reply_to_message")
        kept = {key: value for key, value in source.items() if key not in left}
        origin = {"type": "user", "sender_user": source["from"], "date": source["date"]}
        return self._post(asked, {"forward_origin": origin, **kept})

    def _edited(self, asked: Checked, change: Callable[[Json], Json]) -> Json:
        """Replace a message of the bot's own by ``change`` of it, with the request's keyboard, or none."""
        values = asked.values
        if values.get("business_connection_id"):
            raise not_found("business connection")
        if values.get("inline_message_id"):
            raise Refused(400, "Bad Request: MESSAGE_ID_INVALID")
        chat = self._find_chat(values["chat_id"])
        if chat.user is not None and chat.user.standing is Standing.DEACTIVATED:
            raise Refused(403, "Forbidden: user is deactivated")
        if chat.user is None:
            _refuse_group(chat)
        number = values["message_id"]
        message = chat.by_id.get(number)
        if message is None:
            raise not_found("message to edit")
        if not message["from"]["is_bot"] or number in chat.frozen or "forward_origin" in message:
            raise Refused(400, "Bad Request: message can't be edited")
        bare = {key: value for key, value in message.items() if key not in ("reply_markup", "edit_date")}
        changed = change(bare)
        markup = _inline(values.get("reply_markup"))
        if changed == bare and markup == message.get("reply_markup"):
            raise Refused(400, NOT_MODIFIED)
        changed["edit_date"] = int(self.clock())
        if markup is not None:
            changed["reply_markup"] = markup
        chat.by_id[number] = changed
        chat.deeds += 1
        return changed

    def _edit_text(self, asked: Checked) -> Json:
        content = _text_content(asked.formatted)

        def change(message: Json) -> Json:
            if "text" not in message:
                raise Refused(400, "Bad Request: there is no text in the message to edit")
            bare = {k: v for k, v in message.items() if k not in ("text", "entities")}
            return {**bare, **content}

        return self._edited(asked, change)

    def _edit_caption(self, asked: Checked) -> Json:
        content = _caption_content(asked.formatted)

        def change(message: Json) -> Json:
            if "text" in message:
                raise Refused(400, "Bad Request: there is no caption in the message to edit")
            bare = {k: v for k, v in message.items() if k not in ("caption", "caption_entities")}
            return {**bare, **content}

        return self._edited(asked, change)

    def _edit_markup(self, asked: Checked) -> Json:
        return self._edited(asked, dict)

    def _delete_message(self, asked: Checked) -> bool:
        chat = self._deletable(asked.values)
        if not self._delete(chat, asked.values["message_id"]):
            raise not_found("message to delete")
        return True

    def _delete_messages(self, asked: Checked) -> bool:
        chat = self._deletable(asked.values)
        for number in asked.values["message_ids"]:
            self._delete(chat, number)
        return True

    def _deletable(self, values: Json) -> Chat:
        chat = self._find_chat(values["chat_id"])
        if chat.user is None:
            _refuse_group(chat)
        return chat

    def _delete(self, chat: Chat, number: int) -> bool:
        message = chat.by_id.get(number)
        if message is None:
            return False
        foreign = chat.user is None and not message["from"]["is_bot"]
        if foreign or self.clock() - message["date"] >= DELETABLE:
            raise Refused(400, "Bad Request: message can't be deleted")
        del chat.by_id[number]
        chat.deeds += 1
        return True

    def _pin(self, asked: Checked) -> bool:
        chat = self._writable(asked.values)
        if asked.values["message_id"] not in chat.by_id:
            raise not_found("message to pin")
        chat.pinned = asked.values["message_id"]
        return True

    def _unpin(self, asked: Checked) -> bool:
        chat = self._writable(asked.values)
        if chat.pinned is None or asked.values.get("message_id", chat.pinned) != chat.pinned:
            raise not_found("message to unpin")
        chat.pinned = None
        return True

    def _answer_callback_query(self, asked: Checked) -> bool:
        query_id = asked.values["callback_query_id"]
        pressed_at = self._queries.get(query_id)
        late = pressed_at is not None and self.clock() - pressed_at > self.callback_seconds
        if pressed_at is None or late or query_id in self.answers:
            said = "Bad Request: query is too old and response timeout expired or query ID is invalid"
            raise Refused(400, said)
        values = asked.values
        self.answers[query_id] = CallbackAnswer(
            values.get("text", ""), bool(values.get("show_alert")), values.get("url", "")
        )
        return True

    # Control from another process

    async def _serve_control(self, verb: str, request: web.BaseRequest) -> Answer:
        body = await request.read()
        try:
            details = orjson.loads(body) if body else {}
            details |= {key: orjson.loads(value) for key, value in request.query.items()}
            told = await self.control(verb, details)
        except TimeoutError as problem:
            return Answer(408, orjson.dumps({"error": str(problem)}))
        except (LookupError, TypeError, ValueError) as problem:
            return Answer(400, orjson.dumps({"error": f"{type(problem).__name__}: {problem}"}))
        return Answer(200, orjson.dumps(told, default=_plain))

    async def control(self, verb: str, details: Json) -> Any:
        """What ``/control/VERB`` does with a JSON object (or query parameters in JSON): for other processes.

        ``user``, ``group``, ``say``, ``start``, ``edit``, ``send`` (content in base64), ``block``,
        ``unblock``, ``deactivate``, ``migrate``, ``expel``, ``inject``, ``fault``, ``hold`` (kinds) and
        ``release`` take what the methods of those names take. ``press`` takes ``user_id``, ``button`` (label
        or data) and perhaps ``message_id``. ``chat`` shows one by ``chat_id``; ``requests`` lists the calls
        above number ``after``, ``violations`` what broke the table. ``wait`` waits until the bot did more
        than ``deeds`` things in ``chat_id``, ``seconds`` at most.
        Raises LookupError, TypeError, ValueError or TimeoutError for what can't be done.
        """
        if verb == "press":
            wanted = details.pop("button")
            chat_id = details.get("chat_id") or details["user_id"]
            message_id, button = self.chat(chat_id).button(wanted, details.pop("message_id", None))
            if message_id is None:
                return {"message_id": self.say(text=button["text"], **details)}
            return {"query_id": self.press(message_id=message_id, data=button["callback_data"], **details)}
        if verb == "wait":
            chat, deeds = self.chat(details["chat_id"]), details.get("deeds", 0)
            await self.wait_for(lambda: chat.deeds > deeds, details.get("seconds", 5.0))
            return {"deeds": chat.deeds}
        if verb == "chat":
            chat = self.chat(details["chat_id"])
            return {"messages": chat.messages, "reply_keyboard": chat.reply_keyboard, "deeds": chat.deeds}
        if verb == "requests":
            return [asdict(call) for call in self._calls if call.number > details.get("after", 0)]
        if verb == "violations":
            return [asdict(violation) for violation in self.violations]
        if verb == "send" and "content" in details:
            details["content"] = base64.b64decode(details["content"], validate=True)
        if verb == "hold":
            return self.hold(*details["kinds"])
        acts: dict[str, Callable[..., Any]] = {
            "user": lambda **given: asdict(self.user(**given)),
            "group": lambda **given: self.group(**given).as_json(),
            "say": lambda **given: {"message_id": self.say(**given)},
            "start": lambda **given: {"message_id": self.start(**given)},
            "send": lambda **given: {"message_id": self.send(**given)},
            "inject": lambda **given: {"update_id": self.inject(**given)},
            "migrate": lambda **given: {"chat_id": self.migrate(**given)},
            "edit": self.edit,
            "block": self.block,
            "unblock": self.unblock,
            "deactivate": self.deactivate,
            "expel": self.expel,
            "release": self.release,
            "fault": lambda **given: asdict(self.fault(**given)),
        }
        return acts[verb](**details)


# Wire


@dataclass(frozen=True, slots=True)
class _Described:
    """A result with a description beside it."""

    value: Any
    description: str


def _request(*given: Any) -> web.BaseRequest:
    message, payload, protocol, writer, task = given
    loop, most = asyncio.get_running_loop(), UPLOAD_BYTES + (1 << 20)
    return web.BaseRequest(message, payload, protocol, writer, task, loop, client_max_size=most)


async def _read(request: web.BaseRequest) -> tuple[Json, dict[str, Upload], str]:
    """Arguments, files and what is wrong with the body as such ("" if nothing)."""
    arguments: Json = dict(request.query) if request.query_string else {}
    files: dict[str, Upload] = {}
    if not request.body_exists:
        return arguments, files, ""
    content_type = request.content_type
    if content_type.startswith("multipart/"):
        for key, value in (await request.post()).items():
            if isinstance(value, web.FileField):
                with value.file as content:
                    files[key] = Upload(value.filename, value.content_type, content.read())
            elif isinstance(value, str):
                arguments[key] = value
        return arguments, files, ""
    body = await request.read()
    if content_type == "application/json":
        try:
            told = orjson.loads(body) if body else {}
        except orjson.JSONDecodeError:
            return arguments, files, "the body is not JSON"
        if not isinstance(told, dict):
            return arguments, files, "the body is not a JSON object"
        return {**arguments, **told}, files, ""
    if content_type == "application/x-www-form-urlencoded":
        try:
            return {**arguments, **dict(parse_qsl(body.decode(), keep_blank_values=True))}, files, ""
        except UnicodeDecodeError:
            return arguments, files, "the body is not UTF-8"
    return arguments, files, f"a body of {content_type} is not read" if body else ""


def _too_many(wait: float) -> Refused:
    seconds = max(1, math.ceil(wait))
    return Refused(429, f"Too Many Requests: retry after {seconds}", retry_after=seconds)


def _refuse_group(chat: Chat) -> None:
    if chat.migrated_to is not None:
        raise Refused(
            400,
            "Bad Request: group chat was upgraded to a supergroup chat",
            migrate_to_chat_id=chat.migrated_to,
        )
    if chat.bot_status == "kicked":
        raise Refused(403, f"Forbidden: bot was kicked from the {chat.kind} chat")
    if chat.bot_status == "left":
        raise Refused(403, f"Forbidden: bot is not a member of the {chat.kind} chat")


def _failure(refused: Refused) -> Answer:
    body: Json = {"ok": False, "error_code": refused.status, "description": refused.description}
    if refused.parameters:
        body["parameters"] = refused.parameters
    return Answer(refused.status, orjson.dumps(body), refused.parameters.get("retry_after", 0))


def _fault_answer(fault: Fault) -> tuple[Answer, str, None] | None:
    """The answer of a fault that stands in place of the call; None for those that let it happen."""
    if fault.kind is FaultKind.TOO_MANY:
        refused = _too_many(fault.retry_after)
    elif fault.kind is FaultKind.ERROR:
        refused = Refused(500, "Internal Server Error: restart")
    elif fault.kind is FaultKind.MIGRATED:
        said = "Bad Request: group chat was upgraded to a supergroup chat"
        refused = Refused(400, said, migrate_to_chat_id=fault.migrate_to)
    elif fault.kind is FaultKind.BAD_GATEWAY:
        page = b"<html><head><title>502 Bad Gateway</title></head><body>nginx</body></html>"
        return Answer(502, page, html=True), "", None
    elif fault.kind is FaultKind.DROP_BEFORE:
        return Answer(0, b"", dropped=True), "", None
    else:
        return None
    return _failure(refused), refused.description, None


def _webhook_address(url: str) -> str:
    """The loopback address of a webhook; refused is any other, since nothing leaves this machine."""
    try:
        parts = urlsplit(url if "://" in url else f"https://{url}")
        host = parts.hostname or ""
    except ValueError:
        host = ""
        parts = urlsplit("")
    if not host or parts.scheme not in ("http", "https"):
        raise Refused(400, "Bad Request: invalid webhook URL specified")
    if host == "localhost":
        return "127.0.0.1"
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        said = "Bad Request: bad webhook: Failed to resolve host: Name or service not known"
        raise Refused(400, said) from None
    if not address.is_loopback:
        raise Refused(400, f"Bad Request: bad webhook: IP address {host} is reserved")
    return host


def _text_content(formatted: FormattedText | None) -> Json:
    if formatted is None:
        raise Refused(400, "Bad Request: message text is empty")
    entities = {"entities": list(formatted.entities)} if formatted.entities else {}
    return {"text": formatted.text, **entities}


def _caption_content(formatted: FormattedText | None) -> Json:
    if formatted is None or not formatted.text:
        return {}
    entities = {"caption_entities": list(formatted.entities)} if formatted.entities else {}
    return {"caption": formatted.text, **entities}


def _plain(value: object) -> Any:
    if isinstance(value, Upload):
        return {"name": value.name, "content_type": value.content_type, "size": len(value.content)}
    if isinstance(value, bytes):
        return f"{len(value)} bytes"
    raise TypeError(f"{type(value).__name__} is not JSON")


async def _run(options: argparse.Namespace) -> None:
    api = BotApiDouble(
        options.token,
        limits=NO_LIMITS if options.no_limits else Limits(bot=Rate(options.per_second, 1.0)),
        delivery=Delivery(pace=options.pace),
        check=not options.no_check,
        latency=options.latency_ms / 1000,
        log=options.log,
        port=options.port,
        control=True,
        everybody=options.everybody,
    )
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with api:
        print(orjson.dumps({"base_url": api.base_url}).decode(), flush=True)
        await stop.wait()


def main(arguments: Iterable[str] | None = None) -> None:
    """Serve the double alone, with /control, until SIGINT or SIGTERM; its address is printed as JSON."""
    parser = argparse.ArgumentParser(prog="python -m bot.doubles.telegram", description=main.__doc__)
    parser.add_argument("--port", type=int, default=0, help="on 127.0.0.1; 0 takes a free one")
    parser.add_argument("--token", default="42:double", help="the bot's token")
    parser.add_argument("--no-limits", action="store_true", help="let the bot send as fast as it likes")
    parser.add_argument("--no-check", action="store_true", help="don't hold requests against the table")
    parser.add_argument("--pace", type=float, default=1.0, help="factor on pauses between webhook retries")
    parser.add_argument("--latency-ms", type=float, default=0.0, help="what every answer takes")
    parser.add_argument("--log", type=int, default=None, help="how many calls to remember; all by default")
    parser.add_argument("--per-second", type=int, default=30, help="messages a second that it takes in all")
    parser.add_argument("--everybody", action="store_true", help="whoever is written to has pressed Start")
    asyncio.run(_run(parser.parse_args(None if arguments is None else list(arguments))))


if __name__ == "__main__":
    main()
