"""Alerts as stored, the signs by which they are raised, and who is told."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Select, func, select, text, update
from sqlalchemy import exists as any_row

from storage.areas import inside
from storage.schema import accounts, alerts, campaigns, contacts, leases, outbox, sessions, tasks
from storage.unless_there import insert_unless_there
from surveys.alerts import Alert, Sending
from surveys.areas import AreaKey
from surveys.campaigns import Status

a = alerts.c


@dataclass(frozen=True, slots=True)
class Raised:
    """An alert as it stands. ``code``, ``title`` and ``area`` are its campaign's, if it is about one."""

    id: int
    kind: str
    about: str
    campaign_id: int | None
    figures: Mapping[str, int]
    raised_at: int
    told_at: int | None
    cleared_at: int | None
    code: str | None
    title: str | None
    area: AreaKey | None


_COLUMNS = (
    a.id,
    a.kind,
    a.about,
    a.campaign_id,
    a.figures,
    a.raised_at,
    a.told_at,
    a.cleared_at,
    campaigns.c.code,
    campaigns.c.title,
    campaigns.c.area_vintage,
    campaigns.c.area_code,
)


def _select() -> Select[Any]:
    joined = alerts.join(campaigns, campaigns.c.id == a.campaign_id, isouter=True)
    return select(*_COLUMNS).select_from(joined).order_by(a.id.desc())


def _raised(row: Any) -> Raised:
    return Raised(
        id=row.id,
        kind=row.kind,
        about=row.about,
        campaign_id=row.campaign_id,
        figures=json.loads(row.figures),
        raised_at=row.raised_at,
        told_at=row.told_at,
        cleared_at=row.cleared_at,
        code=row.code,
        title=row.title,
        area=None if row.area_code is None else (row.area_vintage, row.area_code),
    )


def put(connection: Connection, alert: Alert, now: int) -> int | None:
    """Raise an alert; its number, or None when it stands already."""
    return insert_unless_there(
        connection,
        alerts,
        kind=alert.kind.value,
        about=alert.about,
        campaign_id=alert.campaign_id,
        figures=json.dumps(dict(alert.figures)),
        raised_at=now,
    )


def clear(connection: Connection, keys: Iterable[tuple[str, str]], now: int) -> int:
    """These alerts (*(kind, about)*) are over; how many there were."""
    cleared = 0
    for kind, about in keys:
        standing = (a.kind == kind) & (a.about == about) & a.cleared_at.is_(None)
        cleared += connection.execute(update(alerts).where(standing).values(cleared_at=now)).rowcount
    return cleared


def standing(connection: Connection) -> list[Raised]:
    """The alerts that are not over, the newest first."""
    return [_raised(row) for row in connection.execute(_select().where(a.cleared_at.is_(None)))]


def listing(
    connection: Connection,
    *,
    within: Collection[AreaKey] | None = None,
    since: int | None = None,
    limit: int = 100,
) -> list[Raised]:
    """The newest alerts first: the system's, and those of campaigns in the areas ``within`` and below (None:
    everywhere). Those that are not over; with ``since`` also those that ended after it.
    """
    statement = _select().limit(limit)
    if since is None:
        statement = statement.where(a.cleared_at.is_(None))
    else:
        statement = statement.where(a.cleared_at.is_(None) | (a.cleared_at >= since))
    if within is not None:
        here = inside(campaigns.c.area_vintage, campaigns.c.area_code, within)
        statement = statement.where(a.campaign_id.is_(None) | here)
    return [_raised(row) for row in connection.execute(statement)]


def mark_told(connection: Connection, ids: Collection[int], now: int) -> None:
    """Staff were told of these."""
    connection.execute(update(alerts).where(a.id.in_(sorted(ids))).values(told_at=now))


# ── signs ───────────────────────────────────────────────────────────────────────────────────────────────────


def sending(connection: Connection, channel: str, bulk_until: int, late: int) -> Sending:
    """How a channel stands whose messages we send ourselves: what is due since before ``late``."""
    o = outbox.c
    # Written out, not bound: a partial index is used only where the database sees that it holds all asked.
    reply = connection.execute(
        select(func.min(o.due_at)).where(
            text("outbox.state = 'due' AND NOT outbox.bulk"), o.channel == channel
        )
    ).scalar()
    due = (
        select(o.due_at)
        .where(
            text("outbox.state = 'due' AND outbox.bulk"),
            o.channel == channel,
            o.campaign_id == campaigns.c.id,
            o.due_at < late,
        )
        .order_by(o.due_at)
        .limit(1)
        .correlate(campaigns)
        .scalar_subquery()
    )
    bulk = connection.execute(select(func.min(due)).where(campaigns.c.status == Status.OPEN.value)).scalar()
    return Sending(channel, int(reply or 0), int(bulk or 0), bulk_until)


def undelivered(connection: Connection) -> dict[int, int]:
    """Messages that could not be delivered, by campaign."""
    o = outbox.c
    rows = connection.execute(
        select(o.campaign_id, func.count())
        .where(text("outbox.state IN ('failed', 'unknown')"), o.campaign_id.is_not(None))
        .group_by(o.campaign_id)
    )
    return {campaign_id: int(number) for campaign_id, number in rows}


def waiting_tasks(connection: Connection, now: int) -> tuple[int, bool]:
    """*(since when the oldest task waits, 0: none; whether one is being worked on)*."""
    held = (tasks.c.state == "running") & (tasks.c.held_until > now)
    working = bool(connection.execute(select(any_row().where(held))).scalar())
    lapsed = (tasks.c.state == "running") & (tasks.c.held_until <= now)
    due = connection.execute(
        select(func.min(tasks.c.created_at)).where((tasks.c.state == "due") | lapsed)
    ).scalar()
    return int(due or 0), working


def alive_until(connection: Connection, sign: str) -> int:
    """Until when a sign of life holds (kept as a lease of that name); 0 when there was none, or it was
    ended.
    """
    return int(connection.execute(select(leases.c.until).where(leases.c.name == sign)).scalar() or 0)


# ── who is told ─────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Reached:
    """The contact by which an account is told something."""

    account_id: int
    contact_id: int
    channel: str
    language: str


def contacts_of(
    connection: Connection, account_ids: Collection[int], pushed: Collection[str]
) -> dict[int, Reached]:
    """One contact of each of these active accounts, where there is any: on a channel that comes to people by
    itself (``pushed``) if there is one, else the one used last.
    """
    statement = (
        select(contacts.c.account_id, contacts.c.id, contacts.c.channel, sessions.c.language)
        .join(accounts, accounts.c.id == contacts.c.account_id)
        .join(sessions, sessions.c.contact_id == contacts.c.id)
        .where(
            contacts.c.account_id.in_(sorted(account_ids)),
            contacts.c.status == "active",
            accounts.c.status == "active",
        )
        .order_by(sessions.c.updated_at.desc(), contacts.c.id.desc())
    )
    found: dict[int, Reached] = {}
    for row in connection.execute(statement):
        one = Reached(*row)
        known = found.get(one.account_id)
        if known is None or (known.channel not in pushed and one.channel in pushed):
            found[one.account_id] = one
    return found


def set_digest(connection: Connection, account_id: int, wanted: bool, now: int) -> None:
    """Whether the account wants the summaries that come by themselves."""
    connection.execute(
        update(accounts).where(accounts.c.id == account_id).values(no_digest_at=None if wanted else now)
    )


def without_digest(connection: Connection) -> set[int]:
    """The accounts that want no summaries."""
    statement = select(accounts.c.id).where(accounts.c.no_digest_at.is_not(None))
    return set(connection.execute(statement).scalars())


def drop_older(connection: Connection, contact_ids: Collection[int], message: str, now: int) -> int:
    """Drop messages of this name that these contacts have not fetched yet, since a newer one follows; how
    many.
    """
    older = (
        outbox.c.contact_id.in_(sorted(contact_ids))
        & (outbox.c.state == "due")
        & (outbox.c.message == message)
    )
    values = {"state": "dropped", "fault": "newer", "changed_at": now}
    return connection.execute(update(outbox).where(older).values(**values)).rowcount


def queued_already(connection: Connection, keys: Collection[str]) -> set[str]:
    """Those of these keys that the outbox has a message under."""
    statement = select(outbox.c.key).where(outbox.c.key.in_(sorted(keys)))
    return set(connection.execute(statement).scalars())
