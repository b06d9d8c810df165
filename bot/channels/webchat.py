"""Web chat: frames of the page ↔ :class:`Inbound` and :class:`Outgoing`.

Frames are small JSON objects over one WebSocket. From the page, one key of these says what a frame is:

- ``hello``: ``{"id", "code"?, "language"?, "seen"?, "quiet"?}``, always first;
- ``text`` with ``id``: something typed;
- ``tap`` with ``id``: a button's data, ``message`` the prompt it stood under;
- ``edit`` with ``id``: new words for the page's own earlier message ``message``;
- ``place`` with ``id``: where the device is, as ODK writes it, ``question`` the mark of the question it
  answers;
- ``language`` with ``id``: ``vi`` or ``en``;
- ``seen``: sequence number of a notice that is on the screen now;
- ``ping``: a number that comes back as ``pong``.

``id`` is made by the page, once for each message: whatever is sent again with the same id is the same
message.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable, Mapping
from typing import Annotated, Any
from urllib.parse import quote

import msgspec

from bot import buttons
from bot.messages import Button, Inbound, Outgoing, What

CHANNEL = "webchat"
FRAME_LIMIT = 128 * 1024
"""Bytes of one frame from the page."""
INLINE_LIMIT = 200 * 1024
"""Bytes of a picture that travels inside a frame; a larger one is fetched by link."""

_DEGREES, _METRES = r"-?[0-9]{1,3}(\.[0-9]{1,9})?", r"-?[0-9]{1,7}(\.[0-9]{1,3})?"
PLACE = f"^{_DEGREES} {_DEGREES} {_METRES} {_METRES}$"
"""Latitude, longitude (degrees), altitude and accuracy (metres)."""

Id = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-zA-Z-]{8,40}$")]
Number = Annotated[int, msgspec.Meta(ge=0, lt=2**53)]


class Hello(msgspec.Struct, frozen=True):
    """The page says who it is. ``seen`` are the notices it shows already; ``quiet`` asks for no prompt, since
    messages follow whose replies will be prompts.
    """

    id: Id
    code: Annotated[str, msgspec.Meta(max_length=24)] = ""
    language: Annotated[str, msgspec.Meta(max_length=35)] = ""
    seen: Annotated[list[Number], msgspec.Meta(max_length=50)] = msgspec.field(default_factory=list)
    quiet: bool = False


class Frame(msgspec.Struct, frozen=True):
    """One frame from the page; exactly one of its kinds is given."""

    id: Id | None = None
    hello: Hello | None = None
    text: str | None = None
    tap: Annotated[str, msgspec.Meta(max_length=64)] | None = None
    edit: str | None = None
    place: Annotated[str, msgspec.Meta(pattern=PLACE)] | None = None
    question: Annotated[str, msgspec.Meta(max_length=60)] = ""
    language: Annotated[str, msgspec.Meta(max_length=8)] | None = None
    message: Annotated[str, msgspec.Meta(max_length=40)] = ""
    seen: Number | None = None
    ping: Number | None = None


_KINDS = ("hello", "text", "tap", "edit", "place", "language", "seen", "ping")
_NEED_ID = ("text", "tap", "edit", "place", "language")
_decode = msgspec.json.Decoder(Frame).decode


def read(raw: str | bytes) -> Frame | None:
    """The frame in ``raw``, or None when it is none of ours."""
    try:
        frame = _decode(raw)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return None
    given = [kind for kind in _KINDS if getattr(frame, kind) is not None]
    if len(given) != 1 or (given[0] in _NEED_ID and frame.id is None):
        return None
    return frame


def event_id(address: str, message_id: str) -> str:
    """A page's message among all messages of the channel: 69 characters at most, and nothing of the
    address.
    """
    return hashlib.sha256(b"webchat event " + address.encode()).hexdigest()[:28] + ":" + message_id


def inbound(frame: Frame, address: str, language: str, raw: bytes = b"") -> Inbound | None:
    """The message in a frame; None for frames that are for the channel itself (seen, ping).

    ``language`` is what the person's device asked for, used when the contact is new.
    """
    if frame.hello is not None:
        return Inbound(
            CHANNEL, event_id(address, frame.hello.id), address, What.OPENED, frame.hello.code,
            language=frame.hello.language or language, raw=raw,
        )  # fmt: skip
    if frame.id is None:
        return None
    event = event_id(address, frame.id)
    if frame.text is not None:
        return Inbound(CHANNEL, event, address, What.TEXT, frame.text, "", frame.id, "", language, raw)
    if frame.edit is not None:
        return Inbound(CHANNEL, event, address, What.EDIT, frame.edit, "", frame.message, "", language, raw)
    if frame.place is not None:
        return Inbound(
            CHANNEL, event, address, What.LOCATION, frame.place, frame.question, frame.id, "", language, raw
        )
    data = frame.tap or ""
    if frame.language is not None:
        data = buttons.data(buttons.LANGUAGE, 0, frame.language)
    return Inbound(CHANNEL, event, address, What.TAP, "", data, frame.message, "", language, raw)


# ── to the page ─────────────────────────────────────────────────────────────────────────────────────────────

HandOut = Callable[[bytes, str], str]
"""Keeps a file for the person and gives the link to it."""

_TICK = re.compile(r"^([☑☐]|❲\d+❳)\s*")
_PLACED = re.compile(r"❲(\d+)❳")
_ROLES: Mapping[str, str] = {
    buttons.CHOOSE: "choice",
    buttons.TOGGLE: "tick",
    buttons.DONE: "done",
    buttons.SUBMIT: "main",
    buttons.DONT_KNOW: "aside",
    buttons.PREFER_NOT: "aside",
    buttons.CHANGE: "change",
    buttons.BACK: "way",
    buttons.SKIP: "way",
    buttons.REVIEW: "way",
    buttons.ADD: "decide",
    buttons.NO_MORE: "decide",
    buttons.CONFIRM: "decide",
    buttons.ROSTER: "way",
    buttons.PAGE: "page",
}
"""What a button is for, which decides how it looks."""


def content(outgoing: Outgoing, language: str, hand_out: HandOut) -> dict[str, Any]:
    """A message as the page draws it."""
    message: dict[str, Any] = {"text": outgoing.text, "language": language}
    if outgoing.rows:
        message["rows"] = [[_button(button) for button in row] for row in outgoing.rows]
    for name in ("ticks", "again", "wide"):
        if getattr(outgoing, name):
            message[name] = True
    if outgoing.keyboard:
        message["keyboard"] = outgoing.keyboard
    if outgoing.ask_file:
        message["attach"] = {"kind": outgoing.ask_file, "question": outgoing.question}
    if outgoing.ask_location:
        message["locate"] = outgoing.question
    if outgoing.media:
        message["media"] = [
            {"kind": kind, "name": name, "link": f"/chat/media/{outgoing.interview}/{quote(name, safe='')}"}
            for kind, name in outgoing.media
        ]
    if outgoing.picture is not None:
        if len(outgoing.picture) <= INLINE_LIMIT:
            message["picture"] = "data:image/png;base64," + base64.b64encode(outgoing.picture).decode()
        else:
            message["picture"] = hand_out(outgoing.picture, "image.png")
    if outgoing.file is not None:
        name = outgoing.file_name or "file"
        message["file"] = {"link": hand_out(outgoing.file, name), "name": name, "size": len(outgoing.file)}
    return message


def _button(button: Button) -> dict[str, Any]:
    read_back = buttons.read_data(button.data)
    op, _, question, _ = read_back if read_back else ("", 0, "", "")
    role = _ROLES.get(op, "plain")
    if op == buttons.KEEP:
        # "Go on" without a question is the one way forward; with a question it leaves its answer as it is.
        role = "way" if question else "main"
    drawn: dict[str, Any] = {"label": button.label, "data": button.data, "role": role}
    if role == "tick":
        # The page draws the tick itself, where a screen reader finds it.
        drawn["label"] = _TICK.sub("", button.label)
        drawn["ticked"] = button.ticked
        if place := _PLACED.match(button.label):
            drawn["place"] = int(place[1])
    return drawn
