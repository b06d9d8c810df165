"""What waits to be sent: one row a message, unique by key, written before the send."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
from sqlalchemy import Connection, bindparam, func, insert, select, update

from storage.crypto import Keyring
from storage.schema import contacts, halts, outbox, sessions
from storage.unless_there import insert_unless_there

_USE = b"outbox.params"
_encode = msgspec.json.encode
_decode = msgspec.json.decode


@dataclass(frozen=True, slots=True)
class Draft:
    """A message to queue. ``message`` is a catalogue key or a named message; ``params`` are sealed.

    ``bulk`` messages (invitations, reminders) keep to the channel's bulk pace; the others answer somebody.
    """

    channel: str
    contact_id: int
    key: str
    message: str
    params: Mapping[str, Any]
    due_at: int = 0
    bulk: bool = False


@dataclass(frozen=True, slots=True)
class Waiting:
    """A claimed message, ready to be rendered in ``language`` and sent."""

    id: int
    channel: str
    contact_id: int
    language: str
    status: str
    message: str
    params: Mapping[str, Any]
    attempts: int
    bulk: bool


_QUEUE = insert(outbox)


def queue(connection: Connection, keyring: Keyring, drafts: Sequence[Draft], now: int) -> None:
    """Write ``drafts``; a key that is there already raises IntegrityError."""
    if drafts:
        connection.execute(
            _QUEUE,
            [
                {
                    "channel": draft.channel,
                    "contact_id": draft.contact_id,
                    "key": draft.key,
                    "message": draft.message,
                    "params_sealed": keyring.seal(_encode(draft.params), _USE),
                    "bulk": draft.bulk,
                    "state": "due",
                    "due_at": draft.due_at or now,
                    "changed_at": now,
                }
                for draft in drafts
            ],
        )


_DUE = (
    select(outbox.c.id)
    .where(
        outbox.c.channel == bindparam("on"), outbox.c.state == "due", outbox.c.due_at <= bindparam("before")
    )
    .order_by(outbox.c.bulk, outbox.c.due_at, outbox.c.id)
    .limit(bindparam("most"))
    .with_for_update(skip_locked=True)
)
_DUE_TO = _DUE.where(outbox.c.contact_id.in_(bindparam("contacts", expanding=True)))
_CLAIM = (
    update(outbox)
    .where(outbox.c.id.in_(bindparam("ids", expanding=True)))
    .values(
        state="claimed",
        holder=bindparam("by"),
        epoch=bindparam("at"),
        attempts=outbox.c.attempts + 1,
        changed_at=bindparam("now"),
    )
)
_CLAIMED = (
    select(
        outbox.c.id,
        outbox.c.channel,
        outbox.c.contact_id,
        sessions.c.language,
        contacts.c.status,
        outbox.c.message,
        outbox.c.params_sealed,
        outbox.c.attempts,
        outbox.c.bulk,
    )
    .join(contacts, contacts.c.id == outbox.c.contact_id)
    .join(sessions, sessions.c.contact_id == outbox.c.contact_id)
    .where(outbox.c.id.in_(bindparam("ids", expanding=True)))
    .order_by(outbox.c.bulk, outbox.c.due_at, outbox.c.id)
)


def claim(
    connection: Connection,
    keyring: Keyring,
    channel: str,
    holder: str,
    epoch: int,
    limit: int,
    now: int,
    contacts_only: Sequence[int] | None = None,
) -> list[Waiting]:
    """Take up to ``limit`` due messages of a channel, oldest first, for one holder in one epoch of its
    lease.
    """
    wanted = {"on": channel, "before": now, "most": limit}
    if contacts_only is None:
        found = connection.execute(_DUE, wanted)
    else:
        found = connection.execute(_DUE_TO, {**wanted, "contacts": list(contacts_only)})
    ids = [row[0] for row in found]
    if not ids:
        return []
    connection.execute(_CLAIM, {"ids": ids, "by": holder, "at": epoch, "now": now})
    rows = connection.execute(_CLAIMED, {"ids": ids})
    return [Waiting(*row[:6], _decode(keyring.open(row[6], _USE)), row[7], row[8]) for row in rows]


_SETTLE = (
    update(outbox)
    .where(
        outbox.c.id == bindparam("row_id"),
        outbox.c.holder == bindparam("by"),
        outbox.c.epoch == bindparam("at"),
    )
    .values(
        state=bindparam("now_state"),
        due_at=bindparam("due"),
        attempts=outbox.c.attempts - bindparam("untried"),
        fault=bindparam("why"),
        changed_at=bindparam("now"),
    )
)


@dataclass(frozen=True, slots=True)
class Settled:
    """What became of a claimed message: ``sent``, ``unknown``, ``failed``, ``dropped``, or ``due`` again
    at ``due_at``.

    ``tried`` False: the platform took nothing just now, and that says nothing about the message.
    """

    id: int
    state: str
    fault: str = ""
    due_at: int = 0
    tried: bool = True


def settle(connection: Connection, holder: str, epoch: int, settled: Sequence[Settled], now: int) -> None:
    """Write what became of messages this holder claimed in this epoch."""
    if settled:
        connection.execute(
            _SETTLE,
            [
                {
                    "row_id": one.id,
                    "by": holder,
                    "at": epoch,
                    "now_state": one.state,
                    "due": one.due_at or now,
                    "untried": 0 if one.tried else 1,
                    "why": one.fault[:200] or None,
                    "now": now,
                }
                for one in settled
            ],
        )


def orphan(connection: Connection, channel: str, epoch: int, now: int) -> tuple[int, int]:
    """Settle claims of earlier epochs, which may have been sent or not: *(made unknown, due again)*.

    Bulk messages become ``unknown`` and are not sent again by themselves. An answer to somebody is due again:
    a receipt that comes twice does less harm than one that never comes.
    """
    claimed = (outbox.c.channel == channel) & (outbox.c.state == "claimed") & (outbox.c.epoch < epoch)
    unknown = connection.execute(
        update(outbox).where(claimed, outbox.c.bulk.is_(True)).values(state="unknown", changed_at=now)
    )
    due = connection.execute(
        update(outbox).where(claimed, outbox.c.bulk.is_(False)).values(state="due", changed_at=now)
    )
    return unknown.rowcount, due.rowcount


def release(connection: Connection, channel: str, now: int) -> int:
    """Claimed messages of a channel whose page acknowledges what it has (web chat) are due again; how
    many.
    """
    return connection.execute(
        update(outbox)
        .where(outbox.c.channel == channel, outbox.c.state == "claimed")
        .values(state="due", changed_at=now)
    ).rowcount


def pending(connection: Connection, contact_id: int) -> int:
    """How many messages wait for a contact."""
    statement = select(func.count()).where(
        outbox.c.contact_id == contact_id, outbox.c.state.in_(("due", "claimed"))
    )
    return int(connection.execute(statement).scalar_one())


def halt(connection: Connection, channel: str, until: int) -> None:
    """Nothing is sent on a channel before ``until``: the platform said so. A longer halt stays."""
    if insert_unless_there(connection, halts, channel=channel, until=until) is None:
        connection.execute(
            update(halts).where(halts.c.channel == channel, halts.c.until < until).values(until=until)
        )


_HALTED = select(halts.c.until).where(halts.c.channel == bindparam("on"))


def halted_until(connection: Connection, channel: str) -> int:
    """When sending on a channel may go on; 0 when nothing holds it."""
    row = connection.execute(_HALTED, {"on": channel}).one_or_none()
    return int(row[0]) if row else 0
