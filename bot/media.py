"""Files and places as answers: which question they answer, what is kept, and by which way they may come.

A file with personal data passes only through our own page, or directly where the channel's servers stand in
the country (Law 91/2025/QH15, Article 20: a platform abroad is a transfer abroad), unless the campaign has
filed for that.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import msgspec
from sqlalchemy import Connection

from bot import filetypes
from bot.buttons import place_of
from bot.filetypes import BY_ENDING, Fault, FileType, NotTaken
from bot.messages import Abilities, Attached, Outgoing, What
from bot.notices import maker
from bot.questionnaires import Prepared
from storage import contacts, instruments, interviews, media, trials
from storage.crypto import Keyring
from storage.database import Database
from storage.outbox import Draft
from surveys import interview as engine
from surveys.forms import UPLOADS, Kind
from surveys.problems import Problem

if TYPE_CHECKING:
    from bot.desk import Hearing
    from bot.leaflets import Links

MEGABYTE = 1 << 20
LINK_MINUTES = 30
"""How long a link to the upload page is good: long enough to find a paper and take its picture."""
TELEGRAM_LARGEST = 20 * MEGABYTE
"""Bots can't download more (core.telegram.org/bots/api#getfile)."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How large a file may be, in bytes; pictures have a limit of their own."""

    largest: int = 20 * MEGABYTE
    picture: int = 10 * MEGABYTE

    def of(self, kind: str) -> int:
        """The limit for an ``image``, ``audio``, ``video`` or ``file``."""
        return min(self.picture, self.largest) if kind == Kind.IMAGE else self.largest

    @property
    def most(self) -> int:
        """The largest of them."""
        return max(self.largest, self.picture)


def megabytes(size: int) -> int:
    """Bytes as whole megabytes, as people are told them."""
    return max(1, size // MEGABYTE)


def asked(prepared: Prepared, state: engine.State, about: engine.Context) -> engine.Ask | None:
    """The question asked now, if that is answered with a file or a place."""
    prompt = engine.prompt(prepared.questionnaire, state, about)
    if isinstance(prompt, engine.Ask) and prompt.kind in UPLOADS | {Kind.GEOPOINT}:
        return prompt
    return None


def inspect(data: bytes, kind: str, limits: Limits) -> FileType:
    """What an uploaded file is, if it may answer a question of this ``kind``.

    Raises Problem ``media_too_large``, ``media_empty``, ``media_broken``, ``media_pixels`` or
    ``media_wrong_<kind>``, each 4xx.
    """
    check_size(len(data), kind, limits)
    try:
        found = filetypes.recognise(data)
    except NotTaken as fault:
        if fault.fault is Fault.UNKNOWN:
            raise Problem(f"media_wrong_{kind}", status=415) from None
        raise Problem(f"media_{fault.fault.value}", status=422) from None
    if kind not in found.kinds:
        raise Problem(f"media_wrong_{kind}", status=415)
    if found in (filetypes.MP4, filetypes.THREE_GP, filetypes.WEBM) and kind == Kind.AUDIO:
        return FileType(found.type.replace("video/", "audio/"), found.ending, found.kinds)
    return found


def check_size(size: int, kind: str, limits: Limits) -> None:
    """Raises Problem ``media_too_large`` for a file of ``size`` bytes that is more than its kind may be."""
    if size > limits.of(kind):
        raise Problem("media_too_large", status=413, most=megabytes(limits.of(kind)))


# ── in a turn ───────────────────────────────────────────────────────────────────────────────────────────────


def expected(hearing: Hearing, kinds: frozenset[Kind]) -> engine.Ask:
    """The question a file or a place that just came is the answer to.

    ``data`` of a file or a place, where it carries something, is the mark of the question it was sent for.
    Raises Problem ``media_not_asked``, ``media_moved_on``.
    """
    interview, prepared = hearing.interview, hearing.prepared
    if interview is None or prepared is None or interview.status != "open":
        raise Problem("media_not_asked")
    ask = asked(prepared, interview.state, hearing.context())
    inbound = hearing.inbound
    meant = inbound.data if inbound.what in (What.FILE, What.LOCATION) else ""
    if meant and (ask is None or place_of(ask.ref, interview.state.removals) != meant):
        raise Problem("media_moved_on")
    if ask is None or ask.kind not in kinds:
        raise Problem("media_not_asked")
    return ask


def keep(hearing: Hearing, limits: Limits) -> engine.Answer:
    """Keep the file that came for the question asked now, and answer it with the file's name.

    One that was uploaded is ours already; of one that a platform holds a row is written, and its bytes are
    fetched after the commit. Raises Problem ``media_not_asked``, ``media_moved_on``, ``media_too_large``,
    ``media_wrong_<kind>``, ``media_gone``.
    """
    ask = expected(hearing, UPLOADS)
    file, interview = hearing.inbound.file, hearing.interview
    assert file is not None and interview is not None
    if ask.kind != Kind.FILE and file.kind != ask.kind:
        raise Problem(f"media_wrong_{ask.kind.value}", status=415)
    if file.media:
        kept = media.attach(hearing.connection, file.media, hearing.contact.id, interview.id, ask.ref)
        if kept is None:
            raise Problem("media_gone")
        return engine.Answer(ask.ref, kept.name)
    if not file.handle:
        raise Problem("media_gone")
    bounds = Limits(min(limits.largest, TELEGRAM_LARGEST), limits.picture)
    check_size(file.size, ask.kind.value, bounds)
    _, name = media.expect(
        hearing.connection,
        hearing.keyring,
        contact_id=hearing.contact.id,
        interview_id=interview.id,
        ref=ask.ref,
        kind=ask.kind.value,
        type_=file.type,
        ending=_ending(file),
        size=file.size,
        handle=file.handle,
        now=hearing.now,
    )
    return engine.Answer(ask.ref, name)


_ENDINGS = {"image": "jpg", "audio": "ogg", "video": "mp4"}


def _ending(file: Attached) -> str:
    """The ending of a file's name until its bytes tell what it is: one of ours, whatever it is called."""
    told = file.name.rpartition(".")[2].lower()
    if told in BY_ENDING and (file.kind == "file" or file.kind in BY_ENDING[told].kinds):
        return told
    return _ENDINGS.get(file.kind, "bin")


def place(hearing: Hearing) -> engine.Answer:
    """The place that came as the answer to the question asked now. Raises Problem ``media_no_place_asked``,
    ``media_moved_on``.
    """
    try:
        ask = expected(hearing, frozenset({Kind.GEOPOINT}))
    except Problem as problem:
        if problem.code == "media_not_asked":
            raise Problem("media_no_place_asked") from None
        raise
    return engine.Answer(ask.ref, hearing.inbound.text)


def by_page(hearing: Hearing, links: Links) -> str:
    """A one-time link to our own page for the file asked now, in words. Raises Problem ``media_not_asked``,
    ``media_no_page``.
    """
    ask, interview = expected(hearing, UPLOADS), hearing.interview
    if not links.public_url:
        raise Problem("media_no_page")
    assert interview is not None
    value = media.issue_link(
        hearing.connection,
        hearing.contact.id,
        interview.id,
        ask.ref,
        hearing.now,
        LINK_MINUTES * 60_000,
    )
    return hearing.say(
        f"media.by_page.{ask.kind.value}", link=upload_link(links.public_url, value), minutes=LINK_MINUTES
    )


def upload_link(public_url: str, value: str) -> str:
    """Where a browser sends a file by a one-time secret."""
    return f"{public_url.rstrip('/')}/upload/{value}"


@dataclass(frozen=True, slots=True)
class Lost:
    """A file that can't be had. ``state`` is the open interview's without it, None where it is not open here
    any more; ``ref`` the question that is asked again.
    """

    state: engine.State | None = None
    ref: str = ""


def lose(hearing: Hearing) -> Lost | None:
    """Give up a file that was promised; ``text`` of the message is its number. None when nobody has to be
    told: it came after all, or the answer is another by now.
    """
    number = hearing.inbound.text
    lost = media.numbered(hearing.connection, int(number)) if number.isdecimal() else None
    if lost is None or not media.fail(hearing.connection, lost.id):
        return None
    interview = hearing.interview
    if interview is None or interview.id != lost.interview_id or interview.status != "open":
        return Lost()
    # By its value: the reference may be another's since a member was taken out.
    ref = next((ref for ref, value in interview.state.answers.items() if value == lost.name), "")
    if not ref:
        return None
    answers = {at: value for at, value in interview.state.answers.items() if at != ref}
    return Lost(replace(interview.state, answers=answers, focus=None, submitted=False), ref)


async def store(
    database: Database,
    keyring: Keyring,
    media_id: int,
    data: bytes,
    type_: str,
    then: Callable[[Connection], None] | None = None,
) -> bool:
    """Write the bytes of a file, a sealed piece at a time, so that turns wait for none of it; False when
    the file is no longer waited for. ``then`` is done in the transaction that completes it.
    """
    number = 0
    for number, piece in media.pieces(data):
        sealed = await asyncio.to_thread(media.seal_piece, keyring, media_id, number, piece)
        await database.writing(
            partial(media.add_piece, media_id=media_id, number=number, sealed=sealed), bulk=True
        )
    digest = await asyncio.to_thread(media.digest, data)

    def complete(connection: Connection) -> bool:
        done = media.complete(
            connection, media_id, type_=type_, size=len(data), sha256=digest, number=number + 1
        )
        if done and then is not None:
            then(connection)
        return done

    return await database.writing(complete, bulk=True)


# ── what forms show ─────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class ShownFile:
    """A file that a form shows with a question. ``digest`` is the hexadecimal SHA-256 of its content."""

    type: str
    digest: str
    content: bytes


def shown(connection: Connection, interview_id: int, name: str) -> ShownFile | None:
    """A file of the form of an interview; None for none, and for what can be neither seen nor heard."""
    instrument = interviews.instrument_of(connection, interview_id)
    found = None
    if instrument is not None:
        tried = instrument < 0
        found = (
            trials.attachment(connection, -instrument, name)
            if tried
            else instruments.attachment(connection, instrument, name)
        )
    if found is None:
        return None
    try:
        kind = filetypes.recognise(found.content)
    except NotTaken:
        return None
    return ShownFile(kind.type, found.digest, found.content) if set(kind.kinds) - {Kind.FILE} else None


def shown_to(
    connection: Connection, keyring: Keyring, channel: str, address: str, interview_id: int, name: str
) -> ShownFile | None:
    """The same for the contact at an address, who must be, or have been, asked by that interview."""
    contact_id = contacts.find_unlocked(connection, keyring, channel, address)
    contact = contacts.get(connection, contact_id) if contact_id is not None else None
    if contact is None:
        return None
    if interview_id != contact.interview_id and interview_id not in interviews.of_contact(
        connection, contact.id
    ):
        return None
    return shown(connection, interview_id, name)


# ── a prompt that comes by the outbox ───────────────────────────────────────────────────────────────────────

PROMPT = "media.prompt"


def prompt_draft(channel: str, contact_id: int, key: str, prompt: Outgoing) -> Draft:
    """A prompt as a message to queue: for a turn that was taken elsewhere than in the chat itself."""
    return Draft(channel, contact_id, key, PROMPT, {"prompt": msgspec.to_builtins(prompt)})


@maker(PROMPT)
def _prompt(params: Mapping[str, Any], language: str, abilities: Abilities) -> Outgoing:
    return msgspec.convert(params["prompt"], Outgoing)
