"""What the double of Telegram's server is set to and knows: limits, faults, calls, people, chats, files.

See :mod:`bot.doubles.telegram` for the server itself.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from bot.doubles.telegram_methods import Upload, Violation, bad_request

Json = dict[str, Any]

# What is set and what is told


@dataclass(frozen=True, slots=True)
class Rate:
    """At most ``count`` in any ``seconds``."""

    count: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Limits:
    """How fast the bot may send (https://core.telegram.org/bots/faq); None: as fast as it likes.

    One message a second to a person, short bursts tolerated (here 3 in 3 seconds; the true figure is not
    published), 20 a minute to a group, 30 a second in all; setWebhook once a second.
    """

    chat: Rate | None = Rate(3, 3.0)
    group: Rate | None = Rate(20, 60.0)
    bot: Rate | None = Rate(30, 1.0)
    set_webhook: Rate | None = Rate(1, 1.0)


NO_LIMITS = Limits(chat=None, group=None, bot=None, set_webhook=None)


@dataclass(frozen=True, slots=True)
class Delivery:
    """How updates reach the bot.

    ``pace`` is a factor on every pause of the double's own (webhook retries, held polls): 1 as Telegram, 0.01
    in tests. ``answer_seconds``: how long a webhook may take. ``twice``: a webhook gets each update again
    after accepting it, as when its 200 was lost. ``without``: dotted paths left out of updates, such as
    ``callback_query.chat_instance``, for real updates lack fields the documentation requires.
    """

    pace: float = 1.0
    answer_seconds: float = 60.0
    twice: bool = False
    without: tuple[str, ...] = ()


class FaultKind(StrEnum):
    """What can be made to go wrong with a call."""

    TOO_MANY = "too_many"
    """429 with ``retry_after``; nothing done."""
    ERROR = "error"
    """500; nothing done."""
    BAD_GATEWAY = "bad_gateway"
    """502 with a page of HTML; nothing done."""
    MIGRATED = "migrated"
    """400 with ``migrate_to``; nothing done."""
    SLOW = "slow"
    """Done at once, answered after ``seconds``."""
    DROP_BEFORE = "drop_before"
    """The connection closes without an answer; nothing done."""
    DROP_AFTER = "drop_after"
    """The connection closes without an answer, but it was done: the bot can't know."""


@dataclass(slots=True)
class Fault:
    """What happens to the next ``times`` calls of ``method`` (None: any) for ``chat_id`` (None: any); with
    ``replies`` also to those in a webhook's answer, of which the bot learns nothing.
    """

    kind: FaultKind
    method: str | None = None
    chat_id: int | None = None
    times: int = 1
    retry_after: int = 1
    seconds: float = 1.0
    migrate_to: int = 0
    replies: bool = True


@dataclass(frozen=True, slots=True)
class Call:
    """A call of the bot. ``status`` None: the connection was dropped; ``by_reply``: in a webhook's answer."""

    number: int
    at: float
    method: str
    params: Mapping[str, Any]
    status: int | None
    description: str = ""
    result: Any = None
    violations: tuple[Violation, ...] = ()
    fault: FaultKind | None = None
    by_reply: bool = False

    @property
    def valid(self) -> bool:
        """Whether the request kept to the table (Telegram may have refused it all the same)."""
        return not self.violations


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try to give an update to the webhook at ``at``.

    ``status`` None: no answer. ``again_in``: seconds to the next try, before ``pace``; None if there is none.
    """

    update_id: int
    kind: str
    status: int | None
    at: float
    again_in: int | None


@dataclass(frozen=True, slots=True)
class CallbackAnswer:
    """What the person saw after pressing a button: a toast (perhaps empty) or an alert."""

    text: str
    show_alert: bool
    url: str


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    body: bytes
    retry_after: int = 0
    dropped: bool = False
    html: bool = False


class Refused(Exception):
    """Telegram's refusal: HTTP status, description, and ``parameters`` of the body."""

    def __init__(self, status: int, description: str, **parameters: int) -> None:
        super().__init__(description)
        self.status = status
        self.description = description
        self.parameters = parameters


def not_found(what: str) -> Refused:
    return Refused(400, bad_request(f"{what} not found"))


class HandClock:
    """A clock that tests move by hand; calling it gives seconds since 1970."""

    def __init__(self, now: float = 1_790_000_000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now

    def advance(self, seconds: float) -> None:
        """Let that much time pass."""
        self.now += seconds


# People and chats


class Standing(StrEnum):
    """What a user is to the bot."""

    NEW = "new"
    """Never pressed Start: the bot can't write."""
    STARTED = "started"
    BLOCKED = "blocked"
    DEACTIVATED = "deactivated"


@dataclass(slots=True)
class User:
    """Someone on Telegram."""

    id: int
    first_name: str
    last_name: str = ""
    username: str = ""
    language_code: str = "vi"
    standing: Standing = Standing.NEW

    def names(self) -> Json:
        """Names as chats and senders show them."""
        shown = {"first_name": self.first_name, "last_name": self.last_name, "username": self.username}
        return {key: value for key, value in shown.items() if value or key == "first_name"}

    def sender(self) -> Json:
        """The user as ``from`` in an update."""
        language = {"language_code": self.language_code} if self.language_code else {}
        return {"id": self.id, "is_bot": False, **self.names(), **language}


@dataclass(slots=True)
class Chat:
    """A chat as it stands: messages by id (rising, per chat), the reply keyboard shown, what the bot did.

    Messages are never changed in place: an edit puts another object in their place. ``deeds`` counts the
    bot's messages, edits and deletions, ``sent`` its messages, ``actions`` how often it showed itself typing.
    """

    id: int
    kind: str
    title: str = ""
    user: User | None = None
    members: set[int] = field(default_factory=set)
    bot_status: str = "member"
    migrated_to: int | None = None
    by_id: dict[int, Json] = field(default_factory=dict)
    reply_keyboard: Json | None = None
    frozen: set[int] = field(default_factory=set)
    """Messages sent with a keyboard other than inline: Telegram does not let bots edit them."""
    next_id: int = 1
    deeds: int = 0
    sent: int = 0
    pinned: int | None = None
    actions: int = 0

    @property
    def messages(self) -> list[Json]:
        """All messages, oldest first, as Telegram's JSON."""
        return list(self.by_id.values())

    @property
    def from_bot(self) -> list[Json]:
        """The bot's messages, oldest first."""
        return [message for message in self.by_id.values() if message["from"]["is_bot"]]

    @property
    def texts(self) -> list[str]:
        """Texts and captions of the bot's messages, oldest first."""
        return [message.get("text") or message.get("caption") or "" for message in self.from_bot]

    def button(self, wanted: str, message_id: int | None = None) -> tuple[int | None, Json]:
        """The button with that label or callback data: in one message, or in the newest that has it.

        Returns the message's id and the button; the id is None for a button of the reply keyboard. Raises
        LookupError naming what there is.
        """
        if message_id is None and self.reply_keyboard is not None:
            for button in itertools.chain.from_iterable(self.reply_keyboard["keyboard"]):
                if button["text"] == wanted:
                    return None, button
        newest_first = [one for one in reversed(self.messages) if message_id in (None, one["message_id"])]
        there: list[str] = []
        for message in newest_first:
            rows = message.get("reply_markup", {}).get("inline_keyboard", ())
            for button in itertools.chain.from_iterable(rows):
                if wanted in (button["text"], button.get("callback_data")):
                    return message["message_id"], button
                there.append(button["text"])
        raise LookupError(f"no button {wanted!r} in chat {self.id}; there are {there}")

    def as_json(self) -> Json:
        """The chat as it stands in messages."""
        if self.user is not None:
            return {"id": self.id, **self.user.names(), "type": "private"}
        return {"id": self.id, "title": self.title, "type": self.kind}


@dataclass(frozen=True, slots=True)
class Update:
    update_id: int
    kind: str
    body: bytes
    queue: int
    expires_at: float


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file on the double: what getFile tells and what a download gives."""

    file_id: str
    path: str
    upload: Upload

    def as_json(self) -> Json:
        """The file's identifiers and size."""
        unique = f"u{self.file_id[-8:]}"
        return {"file_id": self.file_id, "file_unique_id": unique, "file_size": len(self.upload.content)}
