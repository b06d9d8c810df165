"""Telegram: raw updates → :class:`Inbound`, :class:`Outgoing` → Bot API calls.

Updates are read tolerantly from raw JSON: real ones lack "required" fields, and an update that can't be
used must still
be acknowledged, or it blocks its chat until it expires (core.telegram.org/bots/api, /bots/webhooks). Only
private chats
are answered: a survey's questions have no place in a group.
"""

from __future__ import annotations

import hashlib
import html
from typing import Any

import orjson

from bot.messages import Attached, Inbound, Outgoing, What
from bot.texts import say

CHANNEL = "telegram"
UPDATES = ("message", "edited_message", "callback_query", "my_chat_member")
"""Kinds of update asked for."""

_READABLE_FREE = frozenset(
    {
        "new_chat_members", "left_chat_member", "new_chat_title", "new_chat_photo", "delete_chat_photo",
        "group_chat_created", "supergroup_chat_created", "channel_chat_created", "migrate_to_chat_id",
        "migrate_from_chat_id", "pinned_message", "message_auto_delete_timer_changed", "write_access_allowed",
        "boost_added", "chat_background_set", "successful_payment", "refunded_payment", "users_shared",
        "chat_shared", "connected_website", "proximity_alert_triggered", "forum_topic_created",
        "video_chat_started", "video_chat_ended", "video_chat_scheduled", "video_chat_participants_invited",
    }
)  # fmt: skip
"""Service messages: nobody said anything."""


def read_update(raw: bytes) -> Inbound | None:
    """The message in an update, or None when there is nothing to answer (a group, a bot, a service
    message, garbage).
    """
    try:
        update = orjson.loads(raw)
    except orjson.JSONDecodeError:
        return None
    if not isinstance(update, dict):
        return None
    number = update.get("update_id")
    event_id = str(number) if type(number) is int else hashlib.sha256(raw).hexdigest()[:40]
    if isinstance(query := update.get("callback_query"), dict):
        return _tap(query, event_id, raw)
    if isinstance(message := update.get("message"), dict):
        return _message(message, event_id, raw)
    if isinstance(message := update.get("edited_message"), dict):
        return _edited(message, event_id, raw)
    if isinstance(member := update.get("my_chat_member"), dict):
        return _membership(member, event_id, raw)
    return None


def _person(sender: Any) -> tuple[str, str] | None:
    """*(address, language)* of a human sender."""
    if not isinstance(sender, dict) or sender.get("is_bot") is True:
        return None
    number = sender.get("id")
    if type(number) is not int or number <= 0:
        return None
    language = sender.get("language_code")
    return str(number), language if isinstance(language, str) else ""


def _private(message: dict[str, Any]) -> tuple[str, str] | None:
    """Who wrote in a private chat with the bot; None for any other chat."""
    chat = message.get("chat")
    if not isinstance(chat, dict) or type(chat.get("id")) is not int:
        return _person(message.get("from")) if chat is None else None
    kind = chat.get("type")
    if chat["id"] <= 0 or (kind is not None and kind != "private"):
        return None
    sender = message.get("from")
    if sender is None:
        return str(chat["id"]), ""
    return _person(sender)


def _number(value: Any) -> str:
    return str(value) if type(value) is int else ""


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _message(message: dict[str, Any], event_id: str, raw: bytes) -> Inbound | None:
    who = _private(message)
    if who is None:
        return None
    address, language = who
    text = message.get("text")
    number = _number(message.get("message_id"))
    if not isinstance(text, str):
        if _READABLE_FREE & message.keys() or message.keys() <= {"message_id", "from", "chat", "date"}:
            return None
        file, place = _file(message), _place(message)
        what = What.FILE if file else What.LOCATION if place else What.UNREADABLE
        return Inbound(
            CHANNEL, event_id, address, what, place, message=number, language=language, raw=raw, file=file
        )
    if text.startswith("/"):
        command, _, rest = text.partition(" ")
        command = command.partition("@")[0]
        if command == "/start":
            return Inbound(
                CHANNEL,
                event_id,
                address,
                What.OPENED,
                rest.strip(),
                message=number,
                language=language,
                raw=raw,
            )
        text = f"{command} {rest}".strip()
    return Inbound(
        CHANNEL,
        event_id,
        address,
        What.TEXT,
        text,
        message=number,
        language=language,
        raw=raw,
        replied=_replied(message.get("reply_to_message")),
    )


_REPLIED = 200
"""Characters of a message replied to that are looked at."""


def _replied(message: Any) -> str:
    """How a message of a bot's begins that is replied to; empty for a person's."""
    if not isinstance(message, dict):
        return ""
    sender = message.get("from")
    ours = isinstance(sender, dict) and sender.get("is_bot") is True
    return _text(message.get("text"))[:_REPLIED] if ours else ""


_CARRIES = (
    ("voice", "audio", "voice.ogg"),
    ("audio", "audio", "audio.mp3"),
    ("video", "video", "video.mp4"),
    ("video_note", "video", "video.mp4"),
    ("document", "file", "file"),
)
"""What a message carries a file in, the kind of file that is, and what to call it without a name."""
_MEDIA = ("image", "audio", "video")


def _file(message: dict[str, Any]) -> Attached | None:
    """The file in a message: of a photo the largest size there is, of a document what its type says."""
    sizes = message.get("photo")
    if isinstance(sizes, list):
        usable = [size for size in sizes if isinstance(size, dict) and _text(size.get("file_id"))]
        if not usable:
            return None
        best = max(usable, key=lambda size: _whole(size.get("width")) * _whole(size.get("height")))
        return Attached("image", "photo.jpg", _whole(best.get("file_size")), "image/jpeg", best["file_id"])
    for field, kind, name in _CARRIES:
        told = message.get(field)
        if isinstance(told, dict) and _text(told.get("file_id")):
            type_ = _text(told.get("mime_type"))[:100]
            family = type_.partition("/")[0]
            if kind == "file" and family in _MEDIA:
                kind = family
            called = _text(told.get("file_name"))[-100:] or name
            return Attached(kind, called, _whole(told.get("file_size")), type_, told["file_id"])
    return None


def _whole(value: Any) -> int:
    return value if type(value) is int and value > 0 else 0


def _place(message: dict[str, Any]) -> str:
    """Where a message says that somebody is, as ODK writes it: latitude, longitude, altitude (Telegram tells
    none), accuracy in metres.
    """
    told = message.get("location")
    if not isinstance(told, dict):
        return ""
    latitude, longitude = told.get("latitude"), told.get("longitude")
    accuracy = told.get("horizontal_accuracy")
    if not isinstance(latitude, int | float) or not isinstance(longitude, int | float):
        return ""
    if not (-90 <= latitude <= 90 and -180 <= longitude <= 180):
        return ""
    metres = accuracy if isinstance(accuracy, int | float) and 0 <= accuracy <= 100_000 else 0
    return f"{_degrees(latitude)} {_degrees(longitude)} 0 {metres:g}"


def _degrees(value: float) -> str:
    """Degrees to the seventh place, a centimetre on the ground."""
    return f"{value:.7f}".rstrip("0").rstrip(".")


def _edited(message: dict[str, Any], event_id: str, raw: bytes) -> Inbound | None:
    who = _private(message)
    text = message.get("text")
    if who is None or not isinstance(text, str):
        return None
    number = _number(message.get("message_id"))
    return Inbound(CHANNEL, event_id, who[0], What.EDIT, text, message=number, language=who[1], raw=raw)


def _tap(query: dict[str, Any], event_id: str, raw: bytes) -> Inbound | None:
    who = _person(query.get("from"))
    if who is None:
        return None
    message = query.get("message")
    number = ""
    if isinstance(message, dict):
        chat = message.get("chat")
        if isinstance(chat, dict) and type(chat.get("id")) is int and str(chat["id"]) != who[0]:
            return None
        number = _number(message.get("message_id"))
    return Inbound(
        CHANNEL,
        event_id,
        who[0],
        What.TAP,
        data=_text(query.get("data")),
        message=number,
        callback=_text(query.get("id")),
        language=who[1],
        raw=raw,
    )


def _membership(member: dict[str, Any], event_id: str, raw: bytes) -> Inbound | None:
    who = _private(member)
    new = member.get("new_chat_member")
    status = new.get("status") if isinstance(new, dict) else None
    if who is None or status not in ("kicked", "member"):
        return None
    what = What.BLOCKED if status == "kicked" else What.UNBLOCKED
    return Inbound(CHANNEL, event_id, who[0], what, language=who[1], raw=raw)


PUT = {"image": ("sendPhoto", "photo"), "audio": ("sendAudio", "audio"), "video": ("sendVideo", "video")}
"""By which method a file of a form is sent, and in which field."""


def offer_place(address: str, language: str) -> tuple[str, dict[str, Any]]:
    """A message with a button in place of the keys that sends where the person is."""
    button = {"text": say(language, "media.location.button"), "request_location": True}
    markup = {"keyboard": [[button]], "resize_keyboard": True, "one_time_keyboard": True}
    parameters = {
        "chat_id": int(address),
        "text": say(language, "media.location.ask"),
        "reply_markup": markup,
    }
    return "sendMessage", parameters


def withdraw_place(address: str, language: str) -> tuple[str, dict[str, Any]]:
    """A message that takes that button away again."""
    parameters = {
        "chat_id": int(address),
        "text": say(language, "media.location.done"),
        "reply_markup": {"remove_keyboard": True},
    }
    return "sendMessage", parameters


def call(outgoing: Outgoing, address: str, tapped: str = "") -> tuple[str, dict[str, Any]]:
    """The Bot API method and its parameters for a message without a file.

    Other ticks of the same question change the buttons of the message that was ``tapped``.
    """
    chat = int(address)
    markup = None
    if outgoing.rows:
        markup = {
            "inline_keyboard": [
                [{"text": button.label, "callback_data": button.data} for button in row]
                for row in outgoing.rows
            ]
        }
    if outgoing.ticks and tapped and markup:
        return "editMessageReplyMarkup", {"chat_id": chat, "message_id": int(tapped), "reply_markup": markup}
    parameters: dict[str, Any] = {"chat_id": chat, "text": outgoing.text}
    if outgoing.wide:
        parameters["text"] = f"<pre>{html.escape(outgoing.text, quote=False)}</pre>"
        parameters["parse_mode"] = "HTML"
    if markup:
        parameters["reply_markup"] = markup
    parameters["link_preview_options"] = {"is_disabled": True}
    return "sendMessage", parameters
