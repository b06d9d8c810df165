"""Files that people sent as answers: a row says what each is and whose, its bytes lie beside it in sealed
pieces.

A file comes in one of two ways. One that was uploaded to us is written first (:func:`begin`,
:func:`add_piece`, :func:`complete`) and belongs to no interview until the turn that makes it an answer says
so (:func:`attach`). One that a platform holds is an answer at once (:func:`expect`), and its bytes are
fetched afterwards. Either way the interview's answer is the file's name, and with the interview the file
goes. Pieces keep every write short, so that nobody's turn waits behind a film.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, delete, func, insert, select, update

from storage.crypto import Keyring, token, token_digest
from storage.database import insert_row
from storage.schema import contacts, media, media_pieces, sessions, upload_links

PIECE = 256 << 10
"""Bytes of a piece."""
FORM = "form"
"""The kind of a file that is no answer, but a form to be tried."""
_HANDLE = b"media.handle"


@dataclass(frozen=True, slots=True)
class Kept:
    """A file as its row tells. ``size`` in bytes; ``sha256`` of the bytes, None until they are here."""

    id: int
    contact_id: int
    interview_id: int | None
    ref: str | None
    name: str
    kind: str
    type: str
    size: int
    status: str
    sha256: bytes | None


@dataclass(frozen=True, slots=True)
class Due:
    """A file to be fetched from the platform that holds it by ``handle``."""

    id: int
    contact_id: int
    interview_id: int | None
    ref: str | None
    kind: str
    handle: str
    attempts: int
    language: str


@dataclass(frozen=True, slots=True)
class Link:
    """What a one-time upload link leads to."""

    contact_id: int
    interview_id: int
    ref: str


_KEPT = (
    media.c.id,
    media.c.contact_id,
    media.c.interview_id,
    media.c.ref,
    media.c.name,
    media.c.kind,
    media.c.type,
    media.c.size,
    media.c.status,
    media.c.sha256,
)


def _kept(row: Any) -> Kept:
    return Kept(*row)


def new_name(ending: str) -> str:
    """A name nobody chose and nobody guesses: 128 random bits and an ending of ours."""
    return f"{secrets.token_hex(16)}.{ending}"


def begin(
    connection: Connection, contact_id: int, *, kind: str, type_: str, ending: str, size: int, now: int
) -> int:
    """A row for a file whose bytes follow; its id."""
    return insert_row(
        connection,
        media,
        contact_id=contact_id,
        name=new_name(ending),
        kind=kind,
        type=type_,
        size=size,
        status="waiting",
        due_at=now,
        created_at=now,
    )


def pieces(data: bytes) -> Iterator[tuple[int, bytes]]:
    """``data`` cut into numbered pieces."""
    for number, start in enumerate(range(0, len(data), PIECE)):
        yield number, data[start : start + PIECE]


def seal_piece(keyring: Keyring, media_id: int, number: int, piece: bytes) -> bytes:
    """A piece sealed for its place alone: pieces can't change places, nor files."""
    return keyring.seal(piece, _use(media_id, number))


def _use(media_id: int, number: int) -> bytes:
    return f"media_pieces.piece {media_id} {number}".encode()


def add_piece(connection: Connection, media_id: int, number: int, sealed: bytes) -> None:
    """Write one sealed piece, in place of an earlier try's."""
    connection.execute(
        delete(media_pieces).where(media_pieces.c.media_id == media_id, media_pieces.c.number == number)
    )
    connection.execute(insert(media_pieces).values(media_id=media_id, number=number, piece_sealed=sealed))


def complete(
    connection: Connection, media_id: int, *, type_: str, size: int, sha256: bytes, number: int
) -> bool:
    """All ``number`` pieces are written: the file is kept. False when it is no longer waited for."""
    written = connection.execute(select(func.count()).where(media_pieces.c.media_id == media_id)).scalar_one()
    if written != number:
        return False
    done = connection.execute(
        update(media)
        .where(media.c.id == media_id, media.c.status == "waiting")
        .values(status="kept", type=type_, size=size, sha256=sha256, handle_sealed=None)
    )
    return done.rowcount == 1


def attach(
    connection: Connection, media_id: int, contact_id: int, interview_id: int, ref: str
) -> Kept | None:
    """Make an uploaded file of this contact part of an interview; None when there is none to be had."""
    row = connection.execute(
        update(media)
        .where(
            media.c.id == media_id,
            media.c.contact_id == contact_id,
            media.c.status == "kept",
            media.c.interview_id.is_(None),
        )
        .values(interview_id=interview_id, ref=ref)
        .returning(*_KEPT)
    ).one_or_none()
    return _kept(row) if row else None


def expect(
    connection: Connection,
    keyring: Keyring,
    *,
    contact_id: int,
    interview_id: int | None,
    ref: str | None,
    kind: str,
    type_: str,
    ending: str,
    size: int,
    handle: str,
    now: int,
) -> tuple[int, str]:
    """A file that is still to be fetched by ``handle``: *(its id, its name)*. A form to be tried is of no
    interview.
    """
    name = new_name(ending)
    key = insert_row(
        connection,
        media,
        contact_id=contact_id,
        interview_id=interview_id,
        ref=ref,
        name=name,
        kind=kind,
        type=type_,
        size=size,
        status="waiting",
        handle_sealed=keyring.seal(handle.encode(), _HANDLE),
        due_at=now,
        created_at=now,
    )
    return key, name


def due(connection: Connection, keyring: Keyring, channel: str, now: int, limit: int) -> list[Due]:
    """Files of a channel that are to be fetched now, the longest due first."""
    rows = connection.execute(
        select(
            media.c.id,
            media.c.contact_id,
            media.c.interview_id,
            media.c.ref,
            media.c.kind,
            media.c.handle_sealed,
            media.c.attempts,
            sessions.c.language,
        )
        .join(contacts, contacts.c.id == media.c.contact_id)
        .join(sessions, sessions.c.contact_id == media.c.contact_id)
        .where(
            media.c.status == "waiting",
            media.c.handle_sealed.is_not(None),
            media.c.due_at <= now,
            contacts.c.channel == channel,
        )
        .order_by(media.c.due_at, media.c.id)
        .limit(limit)
    )
    return [
        Due(row[0], row[1], row[2], row[3], row[4], keyring.open(row[5], _HANDLE).decode(), row[6], row[7])
        for row in rows
    ]


def postpone(connection: Connection, media_id: int, due_at: int) -> None:
    """A fetch failed, and is tried again at ``due_at``."""
    connection.execute(
        update(media)
        .where(media.c.id == media_id, media.c.status == "waiting")
        .values(due_at=due_at, attempts=media.c.attempts + 1)
    )


def fail(connection: Connection, media_id: int) -> bool:
    """A file can't be had; False when that was known, or it is kept after all."""
    waits = select(media.c.id).where(media.c.id == media_id, media.c.status == "waiting")
    connection.execute(delete(media_pieces).where(media_pieces.c.media_id.in_(waits)))
    failed = connection.execute(
        update(media)
        .where(media.c.id == media_id, media.c.status == "waiting")
        .values(status="failed", handle_sealed=None)
    )
    return failed.rowcount == 1


def of_interviews(connection: Connection, interview_ids: Collection[int]) -> list[Kept]:
    """The files of interviews, oldest first; for exports and for showing what was sent."""
    rows = connection.execute(
        select(*_KEPT).where(media.c.interview_id.in_(sorted(interview_ids))).order_by(media.c.id)
    )
    return [_kept(row) for row in rows]


def named(connection: Connection, name: str) -> Kept | None:
    """The file with this name."""
    row = connection.execute(select(*_KEPT).where(media.c.name == name)).one_or_none()
    return _kept(row) if row else None


def numbered(connection: Connection, media_id: int) -> Kept | None:
    """The file with this number."""
    row = connection.execute(select(*_KEPT).where(media.c.id == media_id)).one_or_none()
    return _kept(row) if row else None


def content(connection: Connection, keyring: Keyring, media_id: int) -> bytes:
    """The bytes of a file that is kept. Raises Problem when they were tampered with."""
    rows: Sequence[tuple[int, bytes]] = [
        (row[0], row[1])
        for row in connection.execute(
            select(media_pieces.c.number, media_pieces.c.piece_sealed)
            .where(media_pieces.c.media_id == media_id)
            .order_by(media_pieces.c.number)
        )
    ]
    return b"".join(keyring.open(sealed, _use(media_id, number)) for number, sealed in rows)


def digest(data: bytes) -> bytes:
    """SHA-256 of a file's bytes."""
    return hashlib.sha256(data).digest()


def forget(connection: Connection, interview_ids: Collection[int]) -> int:
    """Remove the files of interviews, bytes and all; how many. (With an interview's row they go by
    themselves.)
    """
    wanted = select(media.c.id).where(media.c.interview_id.in_(sorted(interview_ids)))
    connection.execute(delete(media_pieces).where(media_pieces.c.media_id.in_(wanted)))
    return connection.execute(delete(media).where(media.c.interview_id.in_(sorted(interview_ids)))).rowcount


def drop(connection: Connection, media_id: int) -> None:
    """Remove an upload that became no answer."""
    theirs = select(media.c.id).where(media.c.id == media_id, media.c.interview_id.is_(None))
    connection.execute(delete(media_pieces).where(media_pieces.c.media_id.in_(theirs)))
    connection.execute(delete(media).where(media.c.id == media_id, media.c.interview_id.is_(None)))


def forget_unattached(connection: Connection, before: int) -> int:
    """Remove uploads begun before ``before`` that became no answer; how many. Forms that wait to be checked
    (:mod:`storage.trials`) are no answers.
    """
    old = media.c.interview_id.is_(None) & (media.c.created_at < before) & (media.c.kind != FORM)
    connection.execute(delete(media_pieces).where(media_pieces.c.media_id.in_(select(media.c.id).where(old))))
    return connection.execute(delete(media).where(old)).rowcount


# ── one-time links to our own upload page ───────────────────────────────────────────────────────────────────


def issue_link(
    connection: Connection, contact_id: int, interview_id: int, ref: str, now: int, length: int
) -> str:
    """A secret for a link to send one file for a question, good for ``length`` milliseconds. Earlier ones
    of the contact are good no more.
    """
    connection.execute(
        delete(upload_links).where(upload_links.c.contact_id == contact_id, upload_links.c.used_at.is_(None))
    )
    value = token()
    connection.execute(
        insert(upload_links).values(
            digest=token_digest(value),
            contact_id=contact_id,
            interview_id=interview_id,
            ref=ref,
            expires_at=now + length,
        )
    )
    return value


def _good(value: str, now: int) -> ColumnElement[bool]:
    return and_(
        upload_links.c.digest == token_digest(value),
        upload_links.c.used_at.is_(None),
        upload_links.c.expires_at > now,
    )


_LINK = (upload_links.c.contact_id, upload_links.c.interview_id, upload_links.c.ref)


def find_link(connection: Connection, value: str, now: int) -> Link | None:
    """What a link leads to, without using it; None when it is unknown, used or too old."""
    row = connection.execute(select(*_LINK).where(_good(value, now))).one_or_none()
    return Link(*row) if row else None


def use_link(connection: Connection, value: str, now: int) -> Link | None:
    """Use a link up."""
    row = connection.execute(
        update(upload_links).where(_good(value, now)).values(used_at=now).returning(*_LINK)
    ).one_or_none()
    return Link(*row) if row else None


def forget_links(connection: Connection, before: int) -> int:
    """Drop links that expired before ``before``; how many."""
    return connection.execute(delete(upload_links).where(upload_links.c.expires_at < before)).rowcount
