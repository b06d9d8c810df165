"""Accounts and grants: who works here, and what they may do where."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any

import msgspec

from bot.actions.gate import Act, Aim, Arguments, Id, Nothing, action, area_key, area_text, reaches
from storage import accounts, areas, contacts, parameters, tokens
from storage.accounts import Account
from surveys.areas import AreaKey
from surveys.letters import tidy
from surveys.problems import Problem
from surveys.roles import Grant, Role

INVITATION = "invitation"
CODE_PREFIX = "nv_"
"""In front of every invitation code, so that a chat can tell it from a campaign's code."""

HOUR = 3_600_000
"""Milliseconds."""

Name = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
SystemUser = Annotated[str, msgspec.Meta(min_length=1, max_length=80)]
AccountRef = Id | Annotated[str, msgspec.Meta(min_length=1, max_length=200)]


class Create(Arguments, frozen=True):
    """``system_user``: the user of the operating system whose commands act as this account."""

    name: Name
    system_user: SystemUser | None = None


class One(Arguments, frozen=True):
    """An account by id or name."""

    account: AccountRef


class Code(Arguments, frozen=True):
    """An invitation code."""

    code: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]


class Give(Arguments, frozen=True):
    """A role in an ``area`` (``VINTAGE/CODE``, or ``*`` for everywhere); from today unless said, without
    end.
    """

    account: AccountRef
    role: Role
    area: Annotated[str, msgspec.Meta(min_length=1, max_length=40)]
    valid_from: date | None = None
    valid_to: date | None = None


class Take(Arguments, frozen=True):
    """A grant by id."""

    grant: Id


def _view(
    account: Account, grants: list[Grant], channels: list[tuple[int, str]], today: date
) -> dict[str, Any]:
    return {
        "id": account.id,
        "name": account.name,
        "status": account.status,
        "system_user": account.system_user,
        "contacts": [{"id": contact_id, "channel": channel} for contact_id, channel in channels],
        "grants": [_grant_view(grant, today) for grant in grants if not grant.revoked],
    }


def _grant_view(grant: Grant, today: date) -> dict[str, Any]:
    return {
        "id": grant.id,
        "role": grant.role.value,
        "area": "*" if grant.area is None else area_text(grant.area),
        "valid_from": grant.valid_from.isoformat(),
        "valid_to": grant.valid_to.isoformat() if grant.valid_to else None,
        "in_force": grant.holds(today),
    }


def _shown(act: Act, account: Account) -> dict[str, Any]:
    channels = accounts.contacts_of(act.connection, [account.id]).get(account.id, [])
    return _view(account, accounts.grants_of(act.connection, account.id), channels, act.today)


def _of_account(act: Act, given: One) -> Aim:
    """An account is touched wherever it has a say: nobody takes over an account that reaches further than
    their own.
    """
    account = accounts.expect(act.connection, act.keyring, given.account)
    held = [grant for grant in accounts.grants_of(act.connection, account.id) if not grant.revoked]
    return Aim(tuple(dict.fromkeys(grant.area for grant in held)), f"account:{account.id}")


def _active(act: Act, wanted: int | str) -> Account:
    account = accounts.expect(act.connection, act.keyring, wanted)
    if account.status != "active":
        raise Problem("account_closed", account=account.id)
    return account


def _someone_still_administers(act: Act) -> None:
    if not accounts.administrators(act.connection, act.today):
        raise Problem("last_administrator")


@action("account.create", Create, founding=True)
def create(act: Act, given: Create) -> dict[str, Any]:
    """A new account; the first of all becomes administrator, acted for by the user of the system who made
    it.
    """
    first = act.actor.account_id is None
    name = tidy(given.name)
    if not name or name.isdecimal():
        raise Problem("account_name", name=name)
    system_user = given.system_user or (act.actor.system_user if first else None)
    account = accounts.create(act.connection, act.keyring, name, system_user, act.now_ms)
    if first:
        accounts.grant(
            act.connection,
            account_id=account.id,
            role=Role.ADMINISTRATOR,
            area=None,
            valid_from=act.today,
            valid_to=None,
            granted_by=account.id,
            now=act.now_ms,
        )
    return _shown(act, account)


@action("account.invite", One, _of_account)
def invite(act: Act, given: One) -> dict[str, Any]:
    """A one-time code: the contact that sends it to the bot becomes the account's."""
    account = _active(act, given.account)
    hours = parameters.number(act.connection, "invitation_hours")
    code = tokens.issue(act.connection, INVITATION, account.id, act.now_ms, hours * HOUR, CODE_PREFIX)
    return {
        "account": account.id,
        "name": account.name,
        "code": code,
        "hours": hours,
        "expires_at": act.now_ms + hours * HOUR,
    }


@action("account.bind", Code)
def bind(act: Act, given: Code) -> dict[str, Any]:
    """Make the acting contact the account's that the code was issued for."""
    contact_id = act.actor.contact_id
    contact = contacts.get(act.connection, contact_id) if contact_id is not None else None
    if contact is None:
        raise Problem("contact_unknown", status=404)
    account_id = tokens.use(act.connection, INVITATION, given.code.strip(), act.now_ms)
    account = accounts.get(act.connection, act.keyring, account_id) if account_id is not None else None
    if account is None or account.status != "active":
        raise Problem("invitation_wrong")
    if contact.account_id is not None and contact.account_id != account.id:
        raise Problem("contact_taken")
    contacts.bind_account(act.connection, contact.id, account.id)
    return _shown(act, account)


@action("account.sign_out", Nothing)
def sign_out(act: Act, _given: Nothing) -> dict[str, Any]:
    """The acting contact is no member of staff's any more. What was answered there stays."""
    contact_id = act.actor.contact_id
    contact = contacts.get(act.connection, contact_id) if contact_id is not None else None
    if contact is None:
        raise Problem("contact_unknown", status=404)
    contacts.bind_account(act.connection, contact.id, None)
    return {"account": contact.account_id}


@action("account.close", One, _of_account)
def close(act: Act, given: One) -> dict[str, Any]:
    """Close an account at once: no grant, no contact, no code of it is good any more."""
    account = _active(act, given.account)
    accounts.close(act.connection, account.id, act.now_ms)
    tokens.discard(act.connection, account.id)
    _someone_still_administers(act)
    return _shown(act, accounts.expect(act.connection, act.keyring, account.id))


def _granted_area(text: str) -> AreaKey | None:
    return None if text.strip() == "*" else area_key(text)


def _of_giving(act: Act, given: Give) -> Aim:
    account = accounts.expect(act.connection, act.keyring, given.account)
    return Aim((_granted_area(given.area),), f"account:{account.id}")


@action("account.grant", Give, _of_giving)
def grant(act: Act, given: Give) -> dict[str, Any]:
    """Give an account a role in an area and all below it."""
    account = _active(act, given.account)
    area = _granted_area(given.area)
    if area is not None:
        areas.index(act.connection).expect(area)
    valid_from = given.valid_from or act.today
    if given.valid_to is not None and given.valid_to < valid_from:
        raise Problem("grant_dates", valid_from=valid_from, valid_to=given.valid_to)
    for held in accounts.grants_of(act.connection, account.id):
        if (held.role, held.area) == (given.role, area) and held.holds(valid_from):
            raise Problem("grant_held", grant=held.id, role=given.role.value)
    accounts.grant(
        act.connection,
        account_id=account.id,
        role=given.role,
        area=area,
        valid_from=valid_from,
        valid_to=given.valid_to,
        granted_by=act.actor.account_id,
        now=act.now_ms,
    )
    return _shown(act, account)


def _of_grant(act: Act, given: Take) -> Aim:
    held = accounts.get_grant(act.connection, given.grant)
    if held is None:
        raise Problem("grant_unknown", status=404, grant=given.grant)
    return Aim((held.area,), f"grant:{held.id}")


@action("account.revoke", Take, _of_grant)
def revoke(act: Act, given: Take) -> dict[str, Any]:
    """End a grant at once."""
    held = accounts.get_grant(act.connection, given.grant)
    if held is None or held.revoked:
        raise Problem("grant_unknown", status=404, grant=given.grant)
    accounts.revoke(act.connection, held.id, act.now_ms)
    _someone_still_administers(act)
    return _shown(act, accounts.expect(act.connection, act.keyring, held.account_id))


@action("account.list", Nothing)
def listing(act: Act, _given: Nothing) -> dict[str, Any]:
    """Accounts with what they may do: all of them, or those that reach no further than the actor."""
    held = accounts.all_grants(act.connection)
    everyone = accounts.everyone(act.connection, act.keyring)
    channels = accounts.contacts_of(act.connection, [account.id for account in everyone])
    seen = [
        _view(account, held.get(account.id, []), channels.get(account.id, []), act.today)
        for account in everyone
        if act.scope is None
        or all(reaches(act, grant.area) for grant in held.get(account.id, []) if not grant.revoked)
    ]
    return {"accounts": seen}
