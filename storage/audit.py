"""The log of what staff did or were refused. Append-only, and without personal data: ids alone."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import Connection, insert, select

from storage.areas import inside
from storage.schema import audit
from surveys.areas import AreaKey


@dataclass(frozen=True, slots=True)
class Entry:
    """One action: who (an account, a contact or neither), by which channel, what, where, with which outcome.

    ``target`` names a thing by kind and id (``campaign:12``). ``outcome``: ``done``, ``refused`` (not
    allowed) or ``failed`` (allowed, but something was wrong with it).
    """

    at: int
    account_id: int | None
    contact_id: int | None
    channel: str
    action: str
    area: AreaKey | None
    target: str
    outcome: str
    id: int = 0


def record(connection: Connection, entry: Entry) -> None:
    """Append ``entry``."""
    vintage, code = entry.area if entry.area is not None else (None, None)
    connection.execute(
        insert(audit).values(
            at=entry.at,
            account_id=entry.account_id,
            contact_id=entry.contact_id,
            channel=entry.channel,
            action=entry.action,
            area_vintage=vintage,
            area_code=code,
            target=entry.target,
            outcome=entry.outcome,
        )
    )


def entries(
    connection: Connection,
    *,
    within: Collection[AreaKey] | None = None,
    action: str | None = None,
    account_id: int | None = None,
    since: int | None = None,
    before_id: int | None = None,
    limit: int = 100,
) -> list[Entry]:
    """The newest entries first. ``within`` areas and all below them (None: everywhere, entries without an
    area too).

    ``since`` in milliseconds; ``before_id`` goes on where an earlier page ended.
    """
    statement = select(audit).order_by(audit.c.id.desc()).limit(limit)
    if within is not None:
        statement = statement.where(inside(audit.c.area_vintage, audit.c.area_code, within))
    if action is not None:
        statement = statement.where(audit.c.action == action)
    if account_id is not None:
        statement = statement.where(audit.c.account_id == account_id)
    if since is not None:
        statement = statement.where(audit.c.at >= since)
    if before_id is not None:
        statement = statement.where(audit.c.id < before_id)
    return [
        Entry(
            at=row.at,
            account_id=row.account_id,
            contact_id=row.contact_id,
            channel=row.channel,
            action=row.action,
            area=None if row.area_code is None else (row.area_vintage, row.area_code),
            target=row.target,
            outcome=row.outcome,
            id=row.id,
        )
        for row in connection.execute(statement)
    ]
