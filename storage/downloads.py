"""Files made for one member of staff: sealed in pieces, fetched by a one-time link, forgotten after a while.

A file is begun with who asked for it and why, filled by a task, and becomes ready with the number of its
records and a secret of which only a digest is kept.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, delete, insert, select, update

from storage.crypto import Keyring, token, token_digest
from storage.database import insert_row
from storage.schema import download_pieces, downloads

PIECE = 256 * 1024
"""Bytes sealed at once: writing one holds nobody up."""
GRACE_MS = 10 * 60_000
"""How long a file can be fetched again after the first time: a telephone may need a second go."""

d = downloads.c


@dataclass(frozen=True, slots=True)
class Download:
    """A file. ``records`` is None while it is being made."""

    id: int
    kind: str
    account_id: int
    campaign_id: int | None
    name: str
    records: int | None
    expires_at: int


_COLUMNS = (d.id, d.kind, d.account_id, d.campaign_id, d.name, d.records, d.expires_at)


def begin(
    connection: Connection,
    *,
    kind: str,
    account_id: int,
    campaign_id: int | None,
    name: str,
    now: int,
    length: int,
) -> int:
    """A file that is going to be made, kept for ``length`` milliseconds at most; its number."""
    return insert_row(
        connection,
        downloads,
        kind=kind,
        account_id=account_id,
        campaign_id=campaign_id,
        name=name,
        created_at=now,
        expires_at=now + length,
    )


def get(connection: Connection, download_id: int, now: int) -> Download | None:
    """The file with this number, unless it is too old."""
    statement = select(*_COLUMNS).where(d.id == download_id, d.expires_at > now)
    row = connection.execute(statement).one_or_none()
    return None if row is None else Download(*row)


def _use(download_id: int, number: int) -> bytes:
    return f"download_pieces:{download_id}:{number}".encode()


def pieces(keyring: Keyring, download_id: int, data: bytes) -> Iterator[tuple[int, bytes]]:
    """The file in numbered, sealed pieces."""
    for number, start in enumerate(range(0, len(data), PIECE), 1):
        yield number, keyring.seal(data[start : start + PIECE], _use(download_id, number))


def piece(keyring: Keyring, download_id: int, number: int, data: bytes) -> bytes:
    """One piece (the first is 1) of a file that is not held whole, sealed."""
    return keyring.seal(data, _use(download_id, number))


def opened(connection: Connection, keyring: Keyring, download_id: int, number: int) -> bytes | None:
    """One piece of a file; None after the last."""
    sealed = connection.execute(
        select(download_pieces.c.piece_sealed).where(
            download_pieces.c.download_id == download_id, download_pieces.c.number == number
        )
    ).scalar()
    return None if sealed is None else keyring.open(sealed, _use(download_id, number))


def add(connection: Connection, download_id: int, sealed: Iterable[tuple[int, bytes]]) -> None:
    """Keep sealed pieces."""
    rows: list[dict[str, Any]] = [
        {"download_id": download_id, "number": number, "piece_sealed": piece} for number, piece in sealed
    ]
    if rows:
        connection.execute(insert(download_pieces), rows)


def clear(connection: Connection, download_id: int) -> None:
    """Drop what was kept of a file, so that it can be filled anew."""
    connection.execute(delete(download_pieces).where(download_pieces.c.download_id == download_id))


def ready(connection: Connection, download_id: int, records: int) -> str:
    """All pieces are there: the secret of the link. It is not kept and can't be shown again."""
    value = token()
    connection.execute(
        update(downloads).where(d.id == download_id).values(records=records, digest=token_digest(value))
    )
    return value


def drop(connection: Connection, download_id: int) -> None:
    """The file could not be made, or is not wanted any more."""
    clear(connection, download_id)
    connection.execute(delete(downloads).where(d.id == download_id))


def find(connection: Connection, value: str, now: int) -> Download | None:
    """The file that a link leads to, without using it; None when it is unknown, used up or too old."""
    statement = select(*_COLUMNS).where(d.digest == token_digest(value), d.expires_at > now)
    row = connection.execute(statement).one_or_none()
    return None if row is None else Download(*row)


def use(connection: Connection, download_id: int, now: int) -> None:
    """Somebody fetched the file: from the first time on it is there for a little while only."""
    first = update(downloads).where(d.id == download_id, d.used_at.is_(None)).values(used_at=now)
    if connection.execute(first).rowcount == 1:
        connection.execute(
            update(downloads)
            .where(d.id == download_id, d.expires_at > now + GRACE_MS)
            .values(expires_at=now + GRACE_MS)
        )


def content(connection: Connection, keyring: Keyring, download_id: int) -> bytes:
    """The file; empty when there is none (any more)."""
    rows = connection.execute(
        select(download_pieces.c.number, download_pieces.c.piece_sealed)
        .where(download_pieces.c.download_id == download_id)
        .order_by(download_pieces.c.number)
    ).all()
    return b"".join(keyring.open(piece, _use(download_id, number)) for number, piece in rows)


def forget_before(connection: Connection, at: int) -> int:
    """Drop files that expired before ``at`` (milliseconds); how many."""
    old = select(d.id).where(d.expires_at < at)
    connection.execute(delete(download_pieces).where(download_pieces.c.download_id.in_(old)))
    return connection.execute(delete(downloads).where(d.expires_at < at)).rowcount
