"""Contacts and their sessions: who is at an address, in which language, with which interview open."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, bindparam, insert, select, update

from storage.crypto import Keyring
from storage.database import insert_row
from storage.schema import contacts, sessions

_USE = b"contacts.address"


@dataclass(frozen=True, slots=True)
class Contact:
    """One address on one channel, and its session. ``version`` rises with every change of the session;
    ``misread`` counts replies in a row that weren't understood, ``page`` is that of the long list shown;
    ``writing`` says whom the next words go to, if not to the question asked (:mod:`bot.questions`).
    """

    id: int
    channel: str
    status: str
    account_id: int | None
    language: str
    interview_id: int | None
    misread: int
    version: int
    page: int = 0
    writing: str = ""


_COLUMNS = (
    contacts.c.id,
    contacts.c.channel,
    contacts.c.status,
    contacts.c.account_id,
    sessions.c.language,
    sessions.c.interview_id,
    sessions.c.misread,
    sessions.c.version,
    sessions.c.page,
    sessions.c.writing,
)
_JOINED = contacts.join(sessions, sessions.c.contact_id == contacts.c.id)
_FIND = (
    select(contacts.c.address_lookup, *_COLUMNS)
    .select_from(_JOINED)
    .where(contacts.c.address_lookup.in_(bindparam("lookups", expanding=True)))
    .order_by(contacts.c.id)
    .with_for_update(of=sessions)
)
_UPDATE = (
    update(sessions)
    .where(sessions.c.contact_id == bindparam("key"))
    .values(
        language=bindparam("language"),
        interview_id=bindparam("interview"),
        misread=bindparam("misread"),
        page=bindparam("page"),
        writing=bindparam("writing"),
        version=bindparam("version"),
        updated_at=bindparam("now"),
    )
)


_BEGIN = insert(sessions)
_ADDRESSES = select(contacts.c.id, contacts.c.address_sealed).where(
    contacts.c.id.in_(bindparam("ids", expanding=True)), contacts.c.status == "active"
)


def find(
    connection: Connection, keyring: Keyring, addresses: Sequence[tuple[str, str]]
) -> dict[tuple[str, str], Contact]:
    """The contacts at ``addresses`` (*channel, address*), their sessions locked in order of id."""
    wanted: dict[bytes, tuple[str, str]] = {}
    for channel, address in addresses:
        for lookup in keyring.lookups("contact", channel, address):
            wanted[lookup] = (channel, address)
    found = {}
    for row in connection.execute(_FIND, {"lookups": list(wanted)}):
        found[wanted[bytes(row[0])]] = Contact(*row[1:])
    return found


def get(connection: Connection, contact_id: int) -> Contact | None:
    """The contact with this id."""
    row = connection.execute(
        select(*_COLUMNS).select_from(_JOINED).where(contacts.c.id == contact_id)
    ).one_or_none()
    return Contact(*tuple(row)) if row else None


def create(
    connection: Connection, keyring: Keyring, channel: str, address: str, language: str, now: int
) -> Contact:
    """A new contact with an empty session."""
    contact_id = insert_row(
        connection,
        contacts,
        channel=channel,
        address_lookup=keyring.lookup("contact", channel, address),
        address_sealed=keyring.seal(address.encode(), _USE),
        status="active",
        created_at=now,
    )
    connection.execute(
        _BEGIN, {"contact_id": contact_id, "language": language, "version": 1, "updated_at": now}
    )
    return Contact(contact_id, channel, "active", None, language, None, 0, 1)


def save_sessions(connection: Connection, changed: Sequence[Contact], now: int) -> None:
    """Write the sessions of ``changed`` (already locked by :func:`find`)."""
    if changed:
        connection.execute(
            _UPDATE,
            [
                {
                    "key": contact.id,
                    "language": contact.language,
                    "interview": contact.interview_id,
                    "misread": contact.misread,
                    "page": contact.page,
                    "writing": contact.writing,
                    "version": contact.version + 1,
                    "now": now,
                }
                for contact in changed
            ],
        )


def set_status(connection: Connection, contact_id: int, status: str) -> None:
    """``active`` or ``blocked`` (the person blocked us: nothing more is sent there)."""
    connection.execute(update(contacts).where(contacts.c.id == contact_id).values(status=status))


def move(connection: Connection, keyring: Keyring, contact_id: int, channel: str, address: str) -> bool:
    """The platform gave a contact another address. False when somebody else is known there: then the contact
    is nobody's any more.
    """
    taken = find_unlocked(connection, keyring, channel, address)
    if taken is not None and taken != contact_id:
        set_status(connection, contact_id, "blocked")
        return False
    connection.execute(
        update(contacts)
        .where(contacts.c.id == contact_id)
        .values(
            address_lookup=keyring.lookup("contact", channel, address),
            address_sealed=keyring.seal(address.encode(), _USE),
        )
    )
    return True


def bind_account(connection: Connection, contact_id: int, account_id: int | None) -> None:
    """Make the contact a member of staff's, or nobody's."""
    connection.execute(update(contacts).where(contacts.c.id == contact_id).values(account_id=account_id))


def addresses(connection: Connection, keyring: Keyring, ids: Sequence[int]) -> Mapping[int, str]:
    """The addresses of active contacts, for the moment of sending only."""
    return {
        contact_id: keyring.open(sealed, _USE).decode()
        for contact_id, sealed in connection.execute(_ADDRESSES, {"ids": list(ids)})
    }


def find_unlocked(connection: Connection, keyring: Keyring, channel: str, address: str) -> int | None:
    """The id of the contact at an address, for a look only."""
    key: int | None = connection.execute(
        select(contacts.c.id).where(
            contacts.c.address_lookup.in_(keyring.lookups("contact", channel, address))
        )
    ).scalar()
    return key
