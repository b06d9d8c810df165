"""Members of staff: their accounts, what was granted to them, and the contacts they use."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import Connection, func, insert, or_, select, text, update

from storage.crypto import Keyring
from storage.ids import is_id
from storage.schema import accounts, contacts, grants
from storage.unless_there import insert_unless_there
from surveys.areas import AreaKey
from surveys.letters import tidy
from surveys.problems import Problem
from surveys.roles import Grant, Role

_NAME = b"accounts.name"


@dataclass(frozen=True, slots=True)
class Account:
    """A member of staff. ``system_user`` is the user of the operating system that acts as this account."""

    id: int
    name: str
    system_user: str | None
    status: str
    created_at: int


def any_account(connection: Connection) -> bool:
    """Whether there is an account at all. On PostgreSQL, nobody else makes one before this transaction
    ends.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(text("LOCK TABLE accounts IN SHARE ROW EXCLUSIVE MODE"))
    return connection.execute(select(accounts.c.id).limit(1)).scalar() is not None


def create(connection: Connection, keyring: Keyring, name: str, system_user: str | None, now: int) -> Account:
    """A new account. Raises Problem ``system_user_taken``."""
    key = insert_unless_there(
        connection,
        accounts,
        name_sealed=keyring.seal(name.encode(), _NAME),
        system_user=system_user,
        status="active",
        created_at=now,
    )
    if key is None:
        raise Problem("system_user_taken", system_user=system_user)
    return Account(key, name, system_user, "active", now)


def _account(keyring: Keyring, row: Any) -> Account:
    return Account(
        row.id, keyring.open(row.name_sealed, _NAME).decode(), row.system_user, row.status, row.created_at
    )


def get(connection: Connection, keyring: Keyring, account_id: int) -> Account | None:
    """The account with this id."""
    row = connection.execute(select(accounts).where(accounts.c.id == account_id)).one_or_none()
    return _account(keyring, row) if row else None


def everyone(connection: Connection, keyring: Keyring) -> list[Account]:
    """All accounts, closed ones too, by id."""
    return [_account(keyring, row) for row in connection.execute(select(accounts).order_by(accounts.c.id))]


def expect(connection: Connection, keyring: Keyring, wanted: int | str) -> Account:
    """The account with this id, or the only active one of this name (names are sealed, so all are opened to
    compare).

    Raises Problem ``account_unknown`` (404), ``account_ambiguous`` naming the ids.
    """
    if is_id(wanted):
        found = get(connection, keyring, int(wanted))
        if found is None:
            raise Problem("account_unknown", status=404, account=wanted)
        return found
    name = tidy(str(wanted)).casefold()
    named = [account for account in everyone(connection, keyring) if tidy(account.name).casefold() == name]
    active = [account for account in named if account.status == "active"] or named
    if not active:
        raise Problem("account_unknown", status=404, account=wanted)
    if len(active) > 1:
        raise Problem("account_ambiguous", account=wanted, ids=tuple(account.id for account in active))
    return active[0]


def of_system_user(connection: Connection, system_user: str) -> int | None:
    """The id of the active account that a user of the operating system acts as."""
    key: int | None = connection.execute(
        select(accounts.c.id).where(accounts.c.system_user == system_user, accounts.c.status == "active")
    ).scalar()
    return key


def close(connection: Connection, account_id: int, now: int) -> None:
    """Close the account: its grants end, its contacts are nobody's."""
    connection.execute(update(accounts).where(accounts.c.id == account_id).values(status="closed"))
    connection.execute(
        update(grants)
        .where(grants.c.account_id == account_id, grants.c.revoked_at.is_(None))
        .values(revoked_at=now)
    )
    connection.execute(update(contacts).where(contacts.c.account_id == account_id).values(account_id=None))


def contacts_of(connection: Connection, account_ids: Sequence[int]) -> Mapping[int, list[tuple[int, str]]]:
    """The contacts of accounts: account id → *(contact id, channel)* each."""
    found: dict[int, list[tuple[int, str]]] = defaultdict(list)
    statement = (
        select(contacts.c.account_id, contacts.c.id, contacts.c.channel)
        .where(contacts.c.account_id.in_(account_ids))
        .order_by(contacts.c.id)
    )
    for account_id, contact_id, channel in connection.execute(statement):
        found[account_id].append((contact_id, channel))
    return found


# Grants


def _grant(row: Any) -> Grant:
    return Grant(
        id=row.id,
        account_id=row.account_id,
        role=Role(row.role),
        area=None if row.area_code is None else (row.area_vintage, row.area_code),
        valid_from=date.fromisoformat(row.valid_from),
        valid_to=None if row.valid_to is None else date.fromisoformat(row.valid_to),
        revoked=row.revoked_at is not None,
    )


def grant(
    connection: Connection,
    *,
    account_id: int,
    role: Role,
    area: AreaKey | None,
    valid_from: date,
    valid_to: date | None,
    granted_by: int | None,
    now: int,
) -> Grant:
    """Give ``role`` in ``area`` (None: everywhere) from the first to the last day, both included."""
    vintage, code = area if area is not None else (None, None)
    key: int = connection.execute(
        insert(grants)
        .values(
            account_id=account_id,
            role=role.value,
            area_vintage=vintage,
            area_code=code,
            valid_from=valid_from.isoformat(),
            valid_to=None if valid_to is None else valid_to.isoformat(),
            granted_by=granted_by,
            granted_at=now,
        )
        .returning(grants.c.id)
    ).scalar_one()
    return Grant(key, account_id, role, area, valid_from, valid_to)


def get_grant(connection: Connection, grant_id: int) -> Grant | None:
    """The grant with this id."""
    row = connection.execute(select(grants).where(grants.c.id == grant_id)).one_or_none()
    return _grant(row) if row else None


def revoke(connection: Connection, grant_id: int, now: int) -> None:
    """End a grant at once. It stays on record."""
    connection.execute(
        update(grants).where(grants.c.id == grant_id, grants.c.revoked_at.is_(None)).values(revoked_at=now)
    )


def grants_of(connection: Connection, account_id: int) -> list[Grant]:
    """All grants of an account that is active, revoked and past ones too; none of a closed one."""
    statement = (
        select(grants)
        .join(accounts, accounts.c.id == grants.c.account_id)
        .where(grants.c.account_id == account_id, accounts.c.status == "active")
        .order_by(grants.c.id)
    )
    return [_grant(row) for row in connection.execute(statement)]


def all_grants(connection: Connection) -> Mapping[int, list[Grant]]:
    """Every grant by account id."""
    found: dict[int, list[Grant]] = defaultdict(list)
    for row in connection.execute(select(grants).order_by(grants.c.id)):
        found[row.account_id].append(_grant(row))
    return found


def administrators(connection: Connection, today: date) -> int:
    """How many active accounts administer everything on ``today``."""
    day = today.isoformat()
    statement = (
        select(func.count(grants.c.account_id.distinct()))
        .join(accounts, accounts.c.id == grants.c.account_id)
        .where(
            accounts.c.status == "active",
            grants.c.role == Role.ADMINISTRATOR.value,
            grants.c.area_code.is_(None),
            grants.c.revoked_at.is_(None),
            grants.c.valid_from <= day,
            or_(grants.c.valid_to.is_(None), grants.c.valid_to >= day),
        )
    )
    return int(connection.execute(statement).scalar_one())
