"""What people and staff say to each other, thread by thread; and which staff a thread can be brought to."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date

from sqlalchemy import ColumnElement, Connection, func, insert, or_, select

from storage.crypto import Keyring
from storage.schema import accounts, contacts, grants, messages, requests
from surveys.areas import AreaKey
from surveys.roles import Role

_TEXT = b"messages.text"

IN, OUT = "in", "out"


@dataclass(frozen=True, slots=True)
class Message:
    """What was said: ``in`` by the person, ``out`` by staff (``account_id``)."""

    direction: str
    text: str
    at: int
    account_id: int | None


def opened(keyring: Keyring, sealed: bytes) -> str:
    """The words of a message."""
    return keyring.open(sealed, _TEXT).decode()


def add(
    connection: Connection,
    keyring: Keyring,
    request_id: int,
    direction: str,
    text: str,
    account_id: int | None,
    now: int,
) -> int:
    """Append to a thread; the message's id."""
    key: int = connection.execute(
        insert(messages)
        .values(
            request_id=request_id,
            direction=direction,
            text_sealed=keyring.seal(text.encode(), _TEXT),
            at=now,
            account_id=account_id,
        )
        .returning(messages.c.id)
    ).scalar_one()
    return key


def thread(connection: Connection, keyring: Keyring, request_id: int) -> list[Message]:
    """What was said after a request's first words, the oldest first."""
    m = messages.c
    rows = connection.execute(
        select(m.direction, m.text_sealed, m.at, m.account_id)
        .where(m.request_id == request_id)
        .order_by(m.id)
    )
    return [Message(way, opened(keyring, sealed), at, account) for way, sealed, at, account in rows]


def said_since(connection: Connection, contact_id: int, since: int) -> int:
    """How often a contact has added to its threads since then."""
    statement = (
        select(func.count())
        .select_from(messages.join(requests, requests.c.id == messages.c.request_id))
        .where(requests.c.contact_id == contact_id, messages.c.direction == IN, messages.c.at > since)
    )
    return int(connection.execute(statement).scalar_one())


# ── who is there to answer ──────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Answering:
    """A contact of a member of staff who may answer: by which role, in which area (None: everywhere)."""

    account_id: int
    contact_id: int
    channel: str
    role: Role
    area: AreaKey | None


def answering(
    connection: Connection, roles: Collection[Role], line: Collection[AreaKey], today: date
) -> list[Answering]:
    """The contacts that can be written to, of active accounts that have one of ``roles`` on ``today`` in an
    area of ``line`` (an area and those above it) or everywhere.
    """
    day = today.isoformat()
    here: ColumnElement[bool] = grants.c.area_code.is_(None)
    if line:
        vintage, codes = next(iter(line))[0], [code for _, code in line]
        here = or_(here, (grants.c.area_vintage == vintage) & grants.c.area_code.in_(codes))
    statement = (
        select(
            grants.c.account_id,
            contacts.c.id,
            contacts.c.channel,
            grants.c.role,
            grants.c.area_vintage,
            grants.c.area_code,
        )
        .select_from(
            grants.join(accounts, accounts.c.id == grants.c.account_id).join(
                contacts, contacts.c.account_id == accounts.c.id
            )
        )
        .where(
            accounts.c.status == "active",
            contacts.c.status == "active",
            grants.c.revoked_at.is_(None),
            grants.c.role.in_([role.value for role in roles]),
            grants.c.valid_from <= day,
            or_(grants.c.valid_to.is_(None), grants.c.valid_to >= day),
            here,
        )
        .order_by(contacts.c.id, grants.c.id)
    )
    return [
        Answering(account, contact, channel, Role(role), None if code is None else (vintage_of, code))
        for account, contact, channel, role, vintage_of, code in connection.execute(statement)
    ]


def contacts_of(connection: Connection, account_id: int) -> list[tuple[int, str]]:
    """The contacts by which a member of staff can be written to: *(contact id, channel)*."""
    statement = select(contacts.c.id, contacts.c.channel).where(
        contacts.c.account_id == account_id, contacts.c.status == "active"
    )
    return [(key, channel) for key, channel in connection.execute(statement.order_by(contacts.c.id))]
