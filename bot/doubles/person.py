"""A resident on Telegram, for tests and the demo: writes, presses what the bot shows, reads what it answers.

    lan = Person(api, user_id=7)
    await lan.start("HD7K2")
    await lan.press("Nữ")
    assert "tháng, năm sinh" in (await lan.say("toi khong nho")).text

Every act waits until the bot has answered: until it has sent, edited or deleted something in the chat, then
was quiet for ``settle`` seconds, for an answer may be several messages. Where none is due, act through the
double itself: ``lan.api.say(7, "…")``.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from bot.doubles.telegram import BotApiDouble
from bot.doubles.telegram_people import CallbackAnswer, Chat, Standing, User

# The smallest of their kind: enough for a bot that looks at the first bytes.
_JPEG = (
    b"\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00"
    b"\xff\xc0\x00\x0b\x08\x00\x01\x00\x01\x01\x01\x11\x00\xff\xda\x00\x08\x01\x01\x00\x00?\x00\x00\xff\xd9"
)
_WEBP = b"RIFF\x1a\x00\x00\x00WEBPVP8L\x0d\x00\x00\x00/\x00\x00\x00\x10\x07\x10\x11\x11\x88\x88\xfe\x07\x00"
_OGG = b"OggS\x00\x02" + bytes(20) + b"\x01\x13OpusHead"


@dataclass(frozen=True, slots=True)
class Seen:
    """A message of the bot as the person sees it.

    ``buttons`` are the labels below it, row by row; ``keyboard`` those in place of the phone's keys.
    ``raw`` is Telegram's message object.
    """

    message_id: int
    text: str
    buttons: tuple[tuple[str, ...], ...]
    keyboard: tuple[tuple[str, ...], ...]
    raw: Mapping[str, Any]

    @property
    def labels(self) -> tuple[str, ...]:
        """All labels that can be tapped, in reading order."""
        return tuple(itertools.chain(*self.buttons, *self.keyboard))


class Person:
    """Someone with a private chat with the bot: known to Telegram at once, to the bot from the first act.

    ``seconds`` is the longest wait for an answer (TimeoutError then), ``settle`` the quiet that ends one.
    """

    def __init__(
        self,
        api: BotApiDouble,
        user_id: int,
        language_code: str = "vi",
        *,
        first_name: str = "",
        seconds: float = 5.0,
        settle: float = 0.02,
    ) -> None:
        self.api = api
        self.seconds = seconds
        self.settle = settle
        self.user: User = api.user(user_id, first_name, language_code=language_code)
        self.place = (10.7769, 106.7009)
        """Where the person is: latitude and longitude in degrees."""
        self._last_own: int | None = None
        self._last_query = ""

    @property
    def chat(self) -> Chat:
        """The private chat with the bot."""
        return self.api.chat(self.user.id)

    @property
    def standing(self) -> Standing:
        """Started, blocked, …"""
        return self.user.standing

    def last(self) -> Seen:
        """The newest message of the bot in the chat, with what can be tapped. LookupError without one."""
        sent = self.chat.from_bot
        if not sent:
            raise LookupError(f"the bot has written nothing to {self.user.id}")
        return self._seen(sent[-1])

    @property
    def popup(self) -> CallbackAnswer | None:
        """What popped up at the last press (an empty text: nothing seen); None if it was not answered."""
        return self.api.answers.get(self._last_query)

    def read(self, message_id: int) -> Seen:
        """One message of the chat as it stands now. Raises LookupError if it is gone."""
        return self._seen(self.chat.by_id[message_id])

    def _seen(self, message: Mapping[str, Any]) -> Seen:
        markup = message.get("reply_markup") or {}
        shown = self.chat.reply_keyboard or {}
        return Seen(
            message_id=message["message_id"],
            text=message.get("text") or message.get("caption") or "",
            buttons=_labels(markup.get("inline_keyboard", ())),
            keyboard=_labels(shown.get("keyboard", ())),
            raw=message,
        )

    async def start(self, payload: str = "") -> Seen:
        """Open the bot, by its link with ``?start=payload`` perhaps, and press Start."""
        return await self._do(lambda: self.api.start(self.user.id, payload))

    async def say(self, text: str, *, reply_to: int | None = None) -> Seen:
        """Write ``text``."""
        return await self._do(lambda: self.api.say(self.user.id, text, reply_to=reply_to))

    async def edit_last(self, text: str) -> Seen:
        """Change one's own last message. Raises LookupError without one."""
        own = self._last_own
        if own is None:
            raise LookupError("nothing written yet")
        return await self._do(lambda: self.api.edit(self.user.id, own, text))

    async def send_sticker(self) -> Seen:
        """Send a sticker."""
        return await self._do(lambda: self.api.send(self.user.id, "sticker", _WEBP))

    async def send_photo(self, caption: str = "", content: bytes = _JPEG) -> Seen:
        """Send a photo."""
        extra: dict[str, Any] = {"caption": caption} if caption else {}
        return await self._do(lambda: self.api.send(self.user.id, "photo", content, **extra))

    async def send_voice(self) -> Seen:
        """Send a voice message."""
        return await self._do(lambda: self.api.send(self.user.id, "voice", _OGG))

    async def send_document(self, name: str, content: bytes) -> Seen:
        """Send a file."""
        return await self._do(lambda: self.api.send(self.user.id, "document", content, name=name))

    async def send_contact(self, phone_number: str) -> Seen:
        """Share one's own phone number."""
        own: dict[str, Any] = {"phone_number": phone_number, "first_name": self.user.first_name}
        return await self._do(lambda: self.api.send(self.user.id, "contact", **own))

    async def send_location(self, latitude: float, longitude: float) -> Seen:
        """Share a place, in degrees."""
        place: dict[str, Any] = {"latitude": latitude, "longitude": longitude}
        return await self._do(lambda: self.api.send(self.user.id, "location", **place))

    async def press(self, button: str, *, message_id: int | None = None, popup_only: bool = False) -> Seen:
        """Press the button with that label or data, in one message or in the newest that has it.

        A button in place of the keys writes its label, or sends where the person is. Waits until the press
        is answered and something has happened in the chat; with ``popup_only`` the answer is enough. Raises
        LookupError, naming what there is, if no such button is to be seen: for one that is gone see
        ``press_gone``.
        """
        found, shown = self.chat.button(button, message_id)
        if shown.get("request_location"):
            return await self.send_location(*self.place)
        if found is None:
            return await self.say(shown["text"])
        if shown.get("request_location"):
            return await self.send_location(*self.place)
        if "callback_data" not in shown:
            raise LookupError(f"{button!r} opens a link or an app; it sends nothing to the bot")
        return await self.press_gone(shown["callback_data"], found, popup_only=popup_only)

    async def press_gone(self, data: str, message_id: int, *, popup_only: bool = False) -> Seen:
        """Press a button that the phone may still show though the bot has taken it, or the message, away."""
        before = self.chat.deeds
        query_id = self._last_query = self.api.press(self.user.id, message_id, data)

        def answered() -> bool:
            return query_id in self.api.answers and (popup_only or self.chat.deeds > before)

        await self.api.wait_for(answered, self.seconds)
        return await self._settled()

    def block(self) -> None:
        """Block the bot; it is told."""
        self.api.block(self.user.id)

    def unblock(self) -> None:
        """Unblock the bot; it is told."""
        self.api.unblock(self.user.id)

    async def _do(self, act: Callable[[], int | None]) -> Seen:
        before = self.chat.deeds
        self._last_own = act() or self._last_own
        await self.api.wait_for(lambda: self.chat.deeds > before, self.seconds)
        return await self._settled()

    async def _settled(self) -> Seen:
        """The newest message, once the bot has done nothing in the chat for ``settle`` seconds."""
        seen = -1
        while seen != self.chat.deeds:
            seen = self.chat.deeds
            await asyncio.sleep(self.settle)
        return self.last()


def _labels(rows: Any) -> tuple[tuple[str, ...], ...]:
    return tuple(tuple(button["text"] for button in row) for row in rows)
