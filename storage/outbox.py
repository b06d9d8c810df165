"""What waits to be sent: one row a message, unique by key, written before the send.

Rows that answer somebody are claimed by age; those of our own accord (*bulk*) campaign by campaign, so that a
large one does not keep a small one waiting, and only while their campaign is open. What could not be
delivered is kept for staff to see (:mod:`storage.undelivered`).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

import msgspec
from sqlalchemy import (
    ColumnElement,
    CompoundSelect,
    Connection,
    Select,
    TextClause,
    bindparam,
    delete,
    func,
    insert,
    literal,
    select,
    text,
    union_all,
    update,
)

from storage import signals
from storage.contacting import unsent
from storage.crypto import Keyring
from storage.schema import campaigns, contacts, halts, outbox, sessions
from storage.unless_there import insert_unless_there
from surveys.campaigns import Status

_USE = b"outbox.params"
_encode = msgspec.json.encode
_decode = msgspec.json.decode

OVER = "campaign_over"
"""Why a message was dropped: its campaign is closed."""
ENDED = (Status.CLOSED.value, Status.ARCHIVED.value)
"""Of a campaign in these nothing is sent any more."""


@dataclass(frozen=True, slots=True)
class Draft:
    """A message to queue. ``message`` is a catalogue key or a named message; ``params`` are sealed.

    ``bulk`` messages (invitations, reminders) keep to the channel's bulk pace, wait while their campaign is
    paused and are dropped when it closes; the others answer somebody. ``campaign_id`` says whose staff sees
    it if it can't be delivered.
    """

    channel: str
    contact_id: int
    key: str
    message: str
    params: Mapping[str, Any]
    due_at: int = 0
    bulk: bool = False
    campaign_id: int | None = None


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
    campaign_id: int | None = None
    key: str = ""
    due_at: int = 0


_QUEUE = insert(outbox)


def queue(connection: Connection, keyring: Keyring, drafts: Sequence[Draft], now: int) -> None:
    """Write ``drafts``, and tell whoever delivers; a key that is there already raises IntegrityError."""
    if not drafts:
        return
    connection.execute(
        _QUEUE,
        [
            {
                "channel": draft.channel,
                "contact_id": draft.contact_id,
                "campaign_id": draft.campaign_id,
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
    signals.tell(connection, *(signals.queued(channel) for channel in {draft.channel for draft in drafts}))


# ── which rows are next ─────────────────────────────────────────────────────────────────────────────────────

# Written out, not bound: a partial index is used only where it is seen to hold all that is asked.
_REPLY = text("outbox.state = 'due' AND NOT outbox.bulk")
_BULK = text("outbox.state = 'due' AND outbox.bulk")

Busy = Callable[[int], bool]
"""Whether the chat of a contact takes no message just now."""


_PASSES = 4
"""How often more rows are looked at because chats were busy, or some campaigns have few."""


def _nobody(_contact_id: int) -> bool:
    return False


def _next(number: int, *conditions: ColumnElement[bool] | TextClause) -> Select[Any]:
    """The oldest rows due of one lane; its parameters end in ``number``, so that several can be one
    statement.
    """
    found = (
        select(outbox.c.id, outbox.c.contact_id, outbox.c.due_at)
        .where(
            outbox.c.channel == bindparam("on"),
            outbox.c.due_at <= bindparam("before"),
            outbox.c.contact_id.not_in(bindparam("passed", expanding=True)),
            *conditions,
        )
        .order_by(outbox.c.due_at, outbox.c.id)
        .limit(bindparam(f"most{number}"))
        .subquery(f"lane{number}")
    )
    return select(literal(number).label("lane"), found)


@lru_cache(maxsize=64)
def _next_bulk(number: int, of_none: bool) -> Select[Any] | CompoundSelect[Any]:
    """The same of so many campaigns, as far as they are open, and of those rows that belong to none."""
    parts = [
        _next(
            lane,
            _BULK,
            outbox.c.campaign_id
            == select(campaigns.c.id)
            .where(campaigns.c.id == bindparam(f"campaign{lane}"), campaigns.c.status == Status.OPEN.value)
            .scalar_subquery(),
        )
        for lane in range(number)
    ]
    if of_none:
        parts.append(_next(number, _BULK, outbox.c.campaign_id.is_(None)))
    return parts[0] if len(parts) == 1 else union_all(*parts)


_NEXT_REPLIES = _next(0, _REPLY)


@dataclass(frozen=True, slots=True)
class _Found:
    """A row that may be claimed."""

    id: int
    due_at: int


def _pick(
    connection: Connection,
    statement: Select[Any] | CompoundSelect[Any],
    asked: Mapping[str, Any],
    most: Sequence[int],
    limit: int,
    busy: Busy,
    chosen: dict[int, _Found],
    passed: set[int],
) -> bool:
    """Add rows to ``chosen`` (by contact), one a contact, up to ``limit`` in all and ``most`` of each lane;
    whether some lane may have more.
    """
    shares = {f"most{lane}": share for lane, share in enumerate(most)}
    found = connection.execute(statement, {**asked, **shares, "passed": list(passed)}).all()
    seen = [0] * len(most)
    for lane, row_id, contact_id, due_at in found:
        seen[lane] += 1
        if contact_id in passed or len(chosen) >= limit:
            continue
        passed.add(contact_id)
        if not busy(contact_id):
            chosen[contact_id] = _Found(row_id, due_at)
    return any(number and number == share for number, share in zip(seen, most, strict=True))


@dataclass(frozen=True, slots=True)
class Lane:
    """Bulk messages of one campaign (or of none) that are due."""

    campaign_id: int | None
    status: str


_LANES = text(
    """
    WITH RECURSIVE lane (campaign_id) AS (
        SELECT (SELECT min(outbox.campaign_id) FROM outbox
                WHERE outbox.state = 'due' AND outbox.bulk AND outbox.channel = :channel)
        UNION ALL
        SELECT (SELECT min(outbox.campaign_id) FROM outbox
                WHERE outbox.state = 'due' AND outbox.bulk AND outbox.channel = :channel
                  AND outbox.campaign_id > lane.campaign_id)
        FROM lane WHERE lane.campaign_id IS NOT NULL
    )
    SELECT lane.campaign_id, campaigns.status,
           (SELECT min(outbox.due_at) FROM outbox
            WHERE outbox.state = 'due' AND outbox.bulk AND outbox.channel = :channel
              AND outbox.campaign_id = lane.campaign_id) AS first_at
    FROM lane JOIN campaigns ON campaigns.id = lane.campaign_id
    """
)
"""From one campaign in the index to the next, however many rows each has."""
_ANY_OF_NONE = (
    select(outbox.c.id)
    .where(
        _BULK,
        outbox.c.channel == bindparam("channel"),
        outbox.c.campaign_id.is_(None),
        outbox.c.due_at <= bindparam("now"),
    )
    .limit(1)
)


def lanes(connection: Connection, channel: str, now: int) -> list[Lane]:
    """The campaigns of which bulk messages are due on a channel: those that may be sent, those paused, and
    those that are over.
    """
    asked = {"channel": channel, "now": now}
    found = [
        Lane(row.campaign_id, row.status)
        for row in connection.execute(_LANES, asked)
        if row.first_at <= now or row.status in ENDED
    ]
    if connection.execute(_ANY_OF_NONE, asked).first():
        found.append(Lane(None, Status.OPEN.value))
    return found


_OPEN = select(campaigns.c.id).where(
    campaigns.c.id.in_(bindparam("ids", expanding=True)), campaigns.c.status == Status.OPEN.value
)


def open_among(connection: Connection, campaign_ids: Iterable[int | None]) -> set[int | None]:
    """Those of the campaigns whose messages may be sent; no campaign is one that may."""
    ids = [key for key in campaign_ids if key is not None]
    found: set[int | None] = {None}
    if ids:
        found.update(connection.execute(_OPEN, {"ids": ids}).scalars())
    return found


_DROP_OVER = update(outbox).where(
    outbox.c.id.in_(
        select(outbox.c.id)
        .where(
            _BULK,
            outbox.c.channel == bindparam("on"),
            outbox.c.campaign_id == bindparam("campaign"),
        )
        .limit(bindparam("most"))
    )
)


def drop_over(connection: Connection, channel: str, campaign_id: int, limit: int, now: int) -> int:
    """Drop up to ``limit`` bulk messages of a campaign that is over; how many."""
    dropped = connection.execute(
        _DROP_OVER.values(state="dropped", fault=OVER, changed_at=now).returning(outbox.c.key),
        {"on": channel, "campaign": campaign_id, "most": limit},
    )
    keys = dropped.scalars().all()
    unsent(connection, keys)
    return len(keys)


_CHANNELS = select(outbox.c.channel).where(_BULK, outbox.c.channel > bindparam("after"))


def bulk_channels(connection: Connection) -> list[str]:
    """The channels on which bulk messages are due."""
    found: list[str] = []
    statement = _CHANNELS.order_by(outbox.c.channel).limit(1)
    while row := connection.execute(statement, {"after": found[-1] if found else ""}).first():
        found.append(row[0])
    return found


# ── claiming ────────────────────────────────────────────────────────────────────────────────────────────────

_CLAIM = (
    update(outbox)
    .where(outbox.c.id.in_(bindparam("ids", expanding=True)), outbox.c.state == "due")
    .values(
        state="claimed",
        holder=bindparam("by"),
        epoch=bindparam("at"),
        attempts=outbox.c.attempts + 1,
        changed_at=bindparam("now"),
    )
    .returning(
        outbox.c.id,
        outbox.c.channel,
        outbox.c.contact_id,
        outbox.c.message,
        outbox.c.params_sealed,
        outbox.c.attempts,
        outbox.c.bulk,
        outbox.c.campaign_id,
        outbox.c.key,
        outbox.c.due_at,
    )
)
"""Only what is due still: whoever else was quicker has it."""
_WHO = (
    select(contacts.c.id, sessions.c.language, contacts.c.status)
    .join(sessions, sessions.c.contact_id == contacts.c.id)
    .where(contacts.c.id.in_(bindparam("ids", expanding=True)))
)


def _claim(
    connection: Connection, keyring: Keyring, ids: Collection[int], holder: str, epoch: int, now: int
) -> list[Waiting]:
    if not ids:
        return []
    rows = connection.execute(_CLAIM, {"ids": list(ids), "by": holder, "at": epoch, "now": now}).all()
    who = {row[0]: row for row in connection.execute(_WHO, {"ids": list({row.contact_id for row in rows})})}
    claimed = [
        Waiting(
            id=row.id,
            channel=row.channel,
            contact_id=row.contact_id,
            language=who[row.contact_id][1],
            status=who[row.contact_id][2],
            message=row.message,
            params=_decode(keyring.open(row.params_sealed, _USE)),
            attempts=row.attempts,
            bulk=row.bulk,
            campaign_id=row.campaign_id,
            key=row.key,
            due_at=row.due_at,
        )
        for row in rows
    ]
    return sorted(claimed, key=lambda one: (one.bulk, one.due_at, one.id))


def claim_replies(
    connection: Connection,
    keyring: Keyring,
    channel: str,
    holder: str,
    epoch: int,
    limit: int,
    now: int,
    busy: Busy = _nobody,
) -> list[Waiting]:
    """Take up to ``limit`` due answers of a channel, oldest first and one a contact, for one holder in one
    epoch of its lease.
    """
    chosen: dict[int, _Found] = {}
    passed: set[int] = set()
    asked = {"on": channel, "before": now}
    for _ in range(_PASSES if limit > 0 else 0):
        more = _pick(connection, _NEXT_REPLIES, asked, [limit], limit, busy, chosen, passed)
        if not more or len(chosen) >= limit:
            break
    return _claim(connection, keyring, [one.id for one in chosen.values()], holder, epoch, now)


def claim_bulk(
    connection: Connection,
    keyring: Keyring,
    channel: str,
    holder: str,
    epoch: int,
    limit: int,
    now: int,
    among: Sequence[int | None],
    busy: Busy = _nobody,
) -> list[Waiting]:
    """The same of bulk messages, in turn from the campaigns ``among`` that are open at this moment; the
    first get the odd ones. Of a person always the oldest, whichever campaign's.
    """
    if limit <= 0 or not among:
        return []
    chosen: dict[int, _Found] = {}
    passed: set[int] = set()
    named = [key for key in among[:limit] if key is not None]
    order = [*named, *([None] if None in among[:limit] else [])]
    asked = {"on": channel, "before": now, **{f"campaign{lane}": key for lane, key in enumerate(named)}}
    statement = _next_bulk(len(named), len(order) > len(named))
    share, odd = divmod(limit, len(order))
    shares = [share + (among.index(key) < odd) for key in order]
    for _ in range(_PASSES):
        more = _pick(connection, statement, asked, shares, limit, busy, chosen, passed)
        if not more or len(chosen) >= limit:
            break
        shares = [limit - len(chosen)] * len(order)
    ids = {contact_id: one.id for contact_id, one in chosen.items()}
    if len(among) > 1 and ids:
        # Of what is younger than all of these none can be the oldest.
        ids = _oldest(connection, channel, ids, max(one.due_at for one in chosen.values()))
    return _claim(connection, keyring, ids.values(), holder, epoch, now)


_OLDER = (
    select(outbox.c.contact_id, outbox.c.id, outbox.c.campaign_id)
    .where(
        outbox.c.contact_id.in_(bindparam("contacts", expanding=True)),
        outbox.c.state == "due",
        outbox.c.bulk.is_(True),
        outbox.c.channel == bindparam("on"),
        outbox.c.due_at <= bindparam("before"),
    )
    .order_by(outbox.c.due_at, outbox.c.id)
)


def _oldest(
    connection: Connection,
    channel: str,
    chosen: Mapping[int, int],
    latest: int,
) -> dict[int, int]:
    """For each contact its oldest row that may be sent, in place of the one that was chosen; all of these
    were due at ``latest``.
    """
    found = connection.execute(_OLDER, {"contacts": list(chosen), "on": channel, "before": latest}).all()
    own = set(chosen.values())
    others = {row.campaign_id for row in found if row.id not in own}
    running = open_among(connection, others) if others - {None} else {None}
    oldest: dict[int, int] = {}
    for contact_id, row_id, campaign_id in found:
        if row_id in own or campaign_id in running:
            oldest.setdefault(contact_id, row_id)
    return {**chosen, **oldest}


_DUE = (
    select(outbox.c.id)
    .join(campaigns, campaigns.c.id == outbox.c.campaign_id, isouter=True)
    .where(
        outbox.c.channel == bindparam("on"),
        outbox.c.state == "due",
        outbox.c.due_at <= bindparam("before"),
        outbox.c.bulk.is_(False) | campaigns.c.id.is_(None) | (campaigns.c.status == Status.OPEN.value),
    )
    .order_by(outbox.c.bulk, outbox.c.due_at, outbox.c.id)
    .limit(bindparam("most"))
)
_DUE_TO = _DUE.where(outbox.c.contact_id.in_(bindparam("contacts", expanding=True)))


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
    """Take up to ``limit`` due messages, answers first, several a contact: for these contacts, or, where
    little waits, for anybody.
    """
    asked = {"on": channel, "before": now, "most": limit}
    if contacts_only is None:
        found = connection.execute(_DUE, asked)
    else:
        found = connection.execute(_DUE_TO, {**asked, "contacts": list(contacts_only)})
    return _claim(connection, keyring, found.scalars().all(), holder, epoch, now)


# ── still wanted? ───────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a message is still wanted at the moment of sending: ``send``, ``drop`` for a ``reason``, or
    ``later``, at the instant ``at``.
    """

    what: Literal["send", "drop", "later"] = "send"
    reason: str = ""
    at: int = 0


SEND = Verdict()

Wanted = Callable[[Connection, Sequence[Waiting]], Mapping[int, Verdict]]
"""Decides again about bulk messages, in the transaction that claims them: row id → verdict; a row it says
nothing of is sent. What follows for cases and their steps it writes itself.
"""


def still_wanted(
    connection: Connection,
    claimed: Sequence[Waiting],
    wanted: Wanted | None,
    holder: str,
    epoch: int,
    now: int,
) -> list[Waiting]:
    """Those of ``claimed`` that are to be sent; of the others it is written down what becomes of them."""
    bulk = [one for one in claimed if one.bulk]
    if wanted is None or not bulk:
        return list(claimed)
    verdicts = wanted(connection, bulk)
    settled, send = [], []
    for one in claimed:
        verdict = verdicts.get(one.id, SEND) if one.bulk else SEND
        if verdict.what == "send":
            send.append(one)
        elif verdict.what == "drop":
            settled.append(Settled(one.id, "dropped", verdict.reason, tried=False))
        else:
            settled.append(Settled(one.id, "due", verdict.reason, max(verdict.at, now + 1), tried=False))
    settle(connection, holder, epoch, settled, now)
    return send


# ── what became of them ─────────────────────────────────────────────────────────────────────────────────────

_ours = (outbox.c.holder == bindparam("by"), outbox.c.epoch == bindparam("at"))
_SETTLE = (
    update(outbox)
    .where(outbox.c.id == bindparam("row_id"), *_ours)
    .values(
        state=bindparam("now_state"),
        due_at=bindparam("due"),
        attempts=outbox.c.attempts - bindparam("untried"),
        fault=bindparam("why"),
        changed_at=bindparam("now"),
    )
)
_SENT = (
    update(outbox)
    .where(outbox.c.id.in_(bindparam("ids", expanding=True)), *_ours)
    .values(state="sent", fault=None, changed_at=bindparam("now"))
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
    sent = [one.id for one in settled if one.state == "sent" and not one.fault]
    if sent:
        connection.execute(_SENT, {"ids": sent, "by": holder, "at": epoch, "now": now})
    rest = [
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
        if one.state != "sent" or one.fault
    ]
    if rest:
        connection.execute(_SETTLE, rest)


def orphan(connection: Connection, channel: str, epoch: int, now: int) -> tuple[int, int]:
    """Settle claims of earlier epochs, which may have been sent or not: *(made unknown, due again)*.

    Bulk messages become ``unknown`` and are not sent again by themselves. An answer to somebody is due again:
    a receipt that comes twice does less harm than one that never comes.
    """
    claimed = (
        text("outbox.state = 'claimed'"),
        outbox.c.channel == channel,
        outbox.c.epoch < epoch,
    )
    unknown = connection.execute(
        update(outbox)
        .where(*claimed, outbox.c.bulk.is_(True))
        .values(state="unknown", fault="holder ended", changed_at=now)
    )
    due = connection.execute(
        update(outbox).where(*claimed, outbox.c.bulk.is_(False)).values(state="due", changed_at=now)
    )
    return unknown.rowcount, due.rowcount


def release(connection: Connection, channel: str, now: int) -> int:
    """Claimed messages of a channel whose page acknowledges what it has (web chat) are due again; how
    many.
    """
    return connection.execute(
        update(outbox)
        .where(text("outbox.state = 'claimed'"), outbox.c.channel == channel)
        .values(state="due", changed_at=now)
    ).rowcount


def pending(connection: Connection, contact_id: int) -> int:
    """How many messages wait for a contact."""
    statement = select(func.count()).where(
        outbox.c.contact_id == contact_id, outbox.c.state.in_(("due", "claimed"))
    )
    return int(connection.execute(statement).scalar_one())


def forget_done(connection: Connection, before: int, after: int, span: int) -> tuple[int | None, int]:
    """Delete messages sent or dropped before the instant ``before``, among the ``span`` ids above ``after``:
    *(where to go on, how many)*; None at the end. What could not be delivered stays.
    """
    last = connection.execute(
        select(func.max(outbox.c.id)).where(
            outbox.c.id.in_(select(outbox.c.id).where(outbox.c.id > after).order_by(outbox.c.id).limit(span))
        )
    ).scalar()
    if last is None:
        return None, 0
    gone = connection.execute(
        delete(outbox).where(
            outbox.c.id > after,
            outbox.c.id <= last,
            outbox.c.state.in_(("sent", "dropped")),
            outbox.c.changed_at < before,
        )
    ).rowcount
    return int(last), gone


# ── how an account stands ───────────────────────────────────────────────────────────────────────────────────

REPEATED_MS = 10_000
"""A halt that comes within that time after the last one ended is one upon the other."""
LONGEST_MS = 300_000
"""How long a halt becomes by repetition; the platform's own word may be longer."""


@dataclass(frozen=True, slots=True)
class Standing:
    """How a channel's account stands: nothing is sent before ``halted_until``, and bulk messages are on
    their way until ``bulk_until``.
    """

    halted_until: int = 0
    bulk_until: int = 0


_STANDS = select(halts.c.until, halts.c.bulk_until).where(halts.c.channel == bindparam("on"))


def standing(connection: Connection, channel: str) -> Standing:
    """How the account of a channel stands."""
    row = connection.execute(_STANDS, {"on": channel}).one_or_none()
    return Standing(int(row[0]), int(row[1])) if row else Standing()


def halt(connection: Connection, channel: str, until: int, now: int) -> int:
    """Nothing is sent on a channel before ``until``: the platform said so. Until when it is now.

    A longer halt stays. One that follows closely upon another is twice as long as that would make it, and so
    on: who is told to wait again and again asks too often.
    """
    row = connection.execute(select(halts).where(halts.c.channel == channel).with_for_update()).one_or_none()
    if row is None:
        if insert_unless_there(connection, halts, channel=channel, until=until) is not None:
            signals.tell(connection, signals.halted(channel))
            return until
        row = connection.execute(select(halts).where(halts.c.channel == channel).with_for_update()).one()
    strikes: int = row.strikes
    if row.until <= now:
        strikes = strikes + 1 if now - row.until < REPEATED_MS and row.until else 0
    asked = until - now
    longer = now + max(asked, min(asked << min(strikes, 20), LONGEST_MS))
    ends: int = max(row.until, longer)
    connection.execute(update(halts).where(halts.c.channel == channel).values(until=ends, strikes=strikes))
    signals.tell(connection, signals.halted(channel))
    return ends


def bulk_under_way(connection: Connection, channel: str, until: int) -> None:
    """Say that bulk messages are on their way until then: prompts of other processes make room for them."""
    changed = connection.execute(
        update(halts).where(halts.c.channel == channel).values(bulk_until=until)
    ).rowcount
    if not changed:
        insert_unless_there(connection, halts, channel=channel, until=0, bulk_until=until)
