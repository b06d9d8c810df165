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
    FILE = "file"
    """A picture, a recording, a film or a document: ``file``."""
    LOST = "lost"
    """From ourselves: the file that answered a question can't be had. ``text`` is its number."""
    LOCATION = "location"
    """Where the person is: ``text`` is ODK's ``latitude longitude altitude accuracy``."""
    UNREADABLE = "unreadable"
    """A sticker or anything else that can't be an answer."""
    BLOCKED = "blocked"
    UNBLOCKED = "unblocked"


@dataclass(frozen=True, slots=True)
class Attached:
    """A file that came in. ``kind`` is ``image``, ``audio``, ``video`` or ``file`` (or ``form``, from our own
    page: a workbook to be tried); ``size`` in bytes (0: unknown). ``media`` is its row where it is kept
    already, ``handle`` what the channel fetches it by where it is not.
    """

    kind: str
    name: str
    size: int
    type: str = ""
    """Its media type (``image/jpeg``) as the channel told."""
    handle: str = ""
    media: int = 0


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
    file: Attached | None = None
    replied: str = ""
    """The text of a message of ours that this one replies to, where the channel has replies."""


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
    """``numeric``, ``decimal``, ``date``, ``month``, ``time`` or ``datetime`` where such is asked: which
    keys, or which picker beside the keys, a device should show.
    """
    ask_location: bool = False
    """The question is where the person is: a channel that can offers to send the device's place."""
    ask_file: str = ""
    """``image``, ``audio``, ``video`` or ``file`` where one is asked for; ``form``: a form can be sent to be
    tried.
    """
    media: tuple[tuple[str, str], ...] = ()
    """Files of the form shown with the question: *(kind, file name)*."""
    interview: int = 0
    """The interview whose form ``media`` belongs to."""
    question: str = ""
    """The mark of the question's reference, where a file or a place answers it: what comes in says so
    again.
    """


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
    reaches: bool = True
    """Whether a message comes to somebody who has closed the chat. Invitations and reminders need that."""


ABILITIES = {
    ability.name: ability
    for ability in (
        Abilities("webchat", True, True, 8_000, 60, 100, True, "VN", reaches=False),
        Abilities("telegram", True, True, 4_096, 36, 90, True, "AE"),
        Abilities("terminal", False, False, 16_000, 0, 0, False, "VN", reaches=False),
    )
}
"""What each channel can do. Telegram: core.telegram.org/bots/api (message and keyboard limits)."""
