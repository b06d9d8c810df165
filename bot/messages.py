"""What comes in from and goes out to a contact, whatever the channel."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class What(StrEnum):
    """What an incoming message is."""

    TEXT = "text"
    TAP = "tap"
    EDIT = "edit"
    OPENED = "opened"
    """The person opened the chat (a web page, Telegram's Start): greet, or show where they were."""
    UNREADABLE = "unreadable"
    """A sticker, voice, photo or anything else that can't be an answer."""
    BLOCKED = "blocked"
    UNBLOCKED = "unblocked"


@dataclass(frozen=True, slots=True)
class Inbound:
    """One message from a contact.

    ``event_id`` is the channel's own and never twice the same on it; ``address`` is the contact's on that
    channel.
    ``text`` is what was typed (or the code of a link), ``data`` what a tapped button carried. ``message``
    names the
    message that was edited or whose button was tapped, ``answers`` the interview question an edited
    message had answered,
    where the channel keeps that. ``callback`` is what the channel wants acknowledged.
    """

    channel: str
    event_id: str
    address: str
    what: What
    text: str = ""
    data: str = ""
    message: str = ""
    callback: str = ""
    language: str = ""
    raw: bytes = b""


@dataclass(frozen=True, slots=True)
class Button:
    """Something to tap: its label, and what comes back (1–64 bytes)."""

    label: str
    data: str
    ticked: bool = False


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One message to a contact.

    ``rows`` of buttons. ``ticks`` says that this is the same question with other ticks: a channel that
    can, changes the
    buttons of the message that was tapped instead of sending another. ``again`` marks what merely repeats
    the question.
    """

    text: str
    rows: tuple[tuple[Button, ...], ...] = ()
    ticks: bool = False
    again: bool = False
    picture: bytes | None = None
    file: bytes | None = None
    file_name: str = ""
    wide: bool = False
    """A table: shown in letters of equal width."""
    keyboard: str = ""
    """``numeric`` or ``decimal`` where a number is asked: which keys a phone should show."""


@dataclass(frozen=True, slots=True)
class Abilities:
    """What a channel can do; ``render`` fits every message into it."""

    name: str
    buttons: bool
    edit_buttons: bool
    text_limit: int
    button_limit: int
    """Characters of a button's label that can still be read on a phone; longer choices are numbered in the
    text.
    """
    buttons_per_message: int
    files: bool
    country: str
    """``VN``, or the country whose platform this is: personal files pass only through domestic channels."""


ABILITIES = {
    ability.name: ability
    for ability in (
        Abilities("webchat", True, True, 8_000, 60, 100, True, "VN"),
        Abilities("telegram", True, True, 4_096, 36, 90, True, "AE"),
        Abilities("terminal", False, False, 16_000, 0, 0, False, "VN"),
    )
}
"""What each channel can do. Telegram: core.telegram.org/bots/api (message and keyboard limits)."""
