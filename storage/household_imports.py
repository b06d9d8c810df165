"""Lists of households on their way in: asked for by a link, arrived, read by a task, reported on.

The file is kept in sealed pieces only until it was read. What is said of it is kept, sealed, until
:func:`forget`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, delete, insert, select, update

from storage.crypto import Keyring, token, token_digest
from storage.schema import household_imports, household_links, household_pieces, tasks
from surveys.areas import AreaKey

PIECE = 256 * 1024
"""Bytes sealed at once: writing one holds nobody up."""
_NAME = b"household_imports.name"


@dataclass(frozen=True, slots=True)
class Import:
    """A list. ``state``: ``asked`` (a link was given), ``waiting`` (it came), ``done``, ``refused``
    (something in it has to be put right; nothing was taken), ``failed``. ``progress`` in percent.
    """

    id: int
    area: AreaKey | None
    account_id: int | None
    contact_id: int | None
    channel: str
    state: str
    progress: int
    summary: Mapping[str, Any]
    changed_at: int


_COLUMNS = (
    household_imports.c.id,
    household_imports.c.area_vintage,
    household_imports.c.area_code,
    household_imports.c.account_id,
    household_imports.c.contact_id,
    household_imports.c.channel,
    household_imports.c.state,
    household_imports.c.summary,
    household_imports.c.changed_at,
    tasks.c.progress,
)
_SELECT = select(*_COLUMNS).select_from(
    household_imports.outerjoin(tasks, tasks.c.id == household_imports.c.task_id)
)


def _import(row: Any) -> Import:
    return Import(
        id=row.id,
        area=None if row.area_code is None else (row.area_vintage, row.area_code),
        account_id=row.account_id,
        contact_id=row.contact_id,
        channel=row.channel,
        state=row.state,
        progress=row.progress or 0,
        summary=json.loads(row.summary) if row.summary else {},
        changed_at=row.changed_at,
    )


def create(
    connection: Connection,
    *,
    area: AreaKey | None,
    account_id: int | None,
    contact_id: int | None,
    channel: str,
    now: int,
) -> int:
    """A list to come; its number."""
    vintage, code = area if area is not None else (None, None)
    statement = insert(household_imports).values(
        area_vintage=vintage,
        area_code=code,
        account_id=account_id,
        contact_id=contact_id,
        channel=channel,
        state="asked",
        created_at=now,
        changed_at=now,
    )
    key: int = connection.execute(statement.returning(household_imports.c.id)).scalar_one()
    return key


def get(connection: Connection, import_id: int) -> Import | None:
    """The list with this number."""
    row = connection.execute(_SELECT.where(household_imports.c.id == import_id)).one_or_none()
    return _import(row) if row else None


def name_of(connection: Connection, keyring: Keyring, import_id: int) -> str:
    """What the file was called."""
    statement = select(household_imports.c.name_sealed).where(household_imports.c.id == import_id)
    sealed = connection.execute(statement).scalar()
    return keyring.open(sealed, _NAME).decode() if sealed else ""


def arrive(
    connection: Connection, keyring: Keyring, import_id: int, name: str, task_id: int, now: int
) -> None:
    """The file is here, and a task will read it."""
    connection.execute(
        update(household_imports)
        .where(household_imports.c.id == import_id)
        .values(
            name_sealed=keyring.seal(name.encode(), _NAME), state="waiting", task_id=task_id, changed_at=now
        )
    )


def end(connection: Connection, import_id: int, state: str, summary: Mapping[str, Any], now: int) -> bool:
    """Write what came of it, and drop the file; False when that was done before."""
    done = connection.execute(
        update(household_imports)
        .where(household_imports.c.id == import_id, household_imports.c.state == "waiting")
        .values(state=state, summary=json.dumps(summary), changed_at=now)
    )
    _drop(connection, import_id, "file")
    return done.rowcount == 1


# ── files ───────────────────────────────────────────────────────────────────────────────────────────────────


def _use(import_id: int, kind: str, number: int) -> bytes:
    return f"household_pieces:{import_id}:{kind}:{number}".encode()


def pieces(keyring: Keyring, import_id: int, kind: str, data: bytes) -> Iterator[tuple[int, bytes]]:
    """A file of an import (``file``, ``report``, ``remarks``) in numbered, sealed pieces."""
    for number, start in enumerate(range(0, len(data), PIECE), 1):
        yield number, keyring.seal(data[start : start + PIECE], _use(import_id, kind, number))


def add_pieces(
    connection: Connection, import_id: int, kind: str, sealed: Iterable[tuple[int, bytes]]
) -> None:
    """Keep sealed pieces."""
    rows = [
        {"import_id": import_id, "kind": kind, "number": number, "piece_sealed": piece}
        for number, piece in sealed
    ]
    if rows:
        connection.execute(insert(household_pieces), rows)


def content(connection: Connection, keyring: Keyring, import_id: int, kind: str) -> bytes:
    """A file of an import; empty when there is none (any more)."""
    rows: Sequence[Any] = connection.execute(
        select(household_pieces.c.number, household_pieces.c.piece_sealed)
        .where(household_pieces.c.import_id == import_id, household_pieces.c.kind == kind)
        .order_by(household_pieces.c.number)
    ).all()
    return b"".join(keyring.open(piece, _use(import_id, kind, number)) for number, piece in rows)


def _drop(connection: Connection, import_id: int, kind: str) -> None:
    connection.execute(
        delete(household_pieces).where(
            household_pieces.c.import_id == import_id, household_pieces.c.kind == kind
        )
    )


def restart(connection: Connection, import_id: int) -> None:
    """Drop what came of a file before, so that it may come again."""
    _drop(connection, import_id, "file")


# ── one-time links to our own page ──────────────────────────────────────────────────────────────────────────

GRACE_MS = 3_600_000
"""How long a report can still be fetched after it was opened: a telephone may need a second go."""


def issue_link(connection: Connection, import_id: int, purpose: str, now: int, length: int) -> str:
    """A secret for a link to send the list (``upload``) or to see what came of it (``report``), good for
    ``length`` milliseconds.
    """
    value = token()
    connection.execute(
        insert(household_links).values(
            digest=token_digest(value), import_id=import_id, purpose=purpose, expires_at=now + length
        )
    )
    return value


def find_link(connection: Connection, value: str, purpose: str, now: int) -> Import | None:
    """The list that a link leads to, without using it; None when it is unknown, used up or too old."""
    links = household_links.c
    good = (links.digest == token_digest(value)) & (links.purpose == purpose) & (links.expires_at > now)
    if purpose == "upload":
        good &= links.used_at.is_(None)
    key = connection.execute(select(links.import_id).where(good)).scalar()
    return None if key is None else get(connection, key)


def use_link(connection: Connection, value: str, purpose: str, now: int) -> bool:
    """Use a link: one to upload is good once, one to a report for a while longer."""
    links = household_links.c
    good = (links.digest == token_digest(value)) & (links.purpose == purpose) & (links.expires_at > now)
    mine = update(household_links).where(good, links.used_at.is_(None)).values(used_at=now)
    used = connection.execute(mine).rowcount == 1
    if purpose == "upload":
        return used
    if used:
        connection.execute(
            update(household_links)
            .where(good, links.expires_at > now + GRACE_MS)
            .values(expires_at=now + GRACE_MS)
        )
    return connection.execute(select(links.digest).where(good)).first() is not None


def forget(connection: Connection, before: int) -> int:
    """Drop links that expired before ``before`` (milliseconds), files and reports of lists that nothing was
    heard of since, and lists that never came; how many of these.
    """
    connection.execute(delete(household_links).where(household_links.c.expires_at < before))
    old = household_imports.c.changed_at < before
    theirs = select(household_imports.c.id).where(old, household_imports.c.state != "waiting")
    connection.execute(delete(household_pieces).where(household_pieces.c.import_id.in_(theirs)))
    never = select(household_imports.c.id).where(old, household_imports.c.state == "asked")
    connection.execute(delete(household_links).where(household_links.c.import_id.in_(never)))
    return connection.execute(
        delete(household_imports).where(old, household_imports.c.state == "asked")
    ).rowcount
