"""What people ask for under the law, or ask of a human: each with a day by which it is answered.

A request is the head of a thread: what is said after its first words, by the person and by staff, stands in
:mod:`storage.messages`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import msgspec
from sqlalchemy import Connection, func, insert, or_, select, update

from storage import messages as said
from storage.areas import inside
from storage.crypto import Keyring
from storage.schema import messages, requests
from surveys.areas import AreaKey

_TEXT = b"requests.text"
_ABOUT = b"requests.about"

PRIVACY, QUESTION = "privacy", "question"


@dataclass(frozen=True, slots=True)
class Request:
    """A request. ``area`` is whose staff answers it; None where nobody knows. ``about`` says in which words
    the person was asked something when they wrote: language → label. ``answer`` is the newest of staff's.

    ``waiting_since``: since then the person waits for an answer; ``told`` times staff were told, the last
    time at ``told_at``. ``taken_by`` is the account that looks after it.
    """

    id: int
    contact_id: int
    campaign_id: int | None
    case_id: int | None
    area: AreaKey | None
    kind: str
    text: str
    about: Mapping[str, str]
    state: str
    created_at: int
    due_on: date
    waiting_since: int | None
    told_at: int | None
    told: int
    taken_by: int | None
    answered_at: int | None
    answered_by: int | None
    answer: str | None


_ANSWER = (
    select(messages.c.text_sealed)
    .where(messages.c.request_id == requests.c.id, messages.c.direction == said.OUT)
    .order_by(messages.c.id.desc())
    .limit(1)
    .scalar_subquery()
    .label("answer_sealed")
)
_SELECT = select(requests, _ANSWER)


def _request(keyring: Keyring, row: Any) -> Request:
    about = {}
    if row.about_sealed is not None:
        about = msgspec.json.decode(keyring.open(row.about_sealed, _ABOUT), type=dict[str, str])
    return Request(
        id=row.id,
        contact_id=row.contact_id,
        campaign_id=row.campaign_id,
        case_id=row.case_id,
        area=None if row.area_code is None else (row.area_vintage, row.area_code),
        kind=row.kind,
        text=keyring.open(row.text_sealed, _TEXT).decode(),
        about=about,
        state=row.state,
        created_at=row.created_at,
        due_on=date.fromisoformat(row.due_on),
        waiting_since=row.waiting_since,
        told_at=row.told_at,
        told=row.told,
        taken_by=row.taken_by,
        answered_at=row.answered_at,
        answered_by=row.answered_by,
        answer=None if row.answer_sealed is None else said.opened(keyring, row.answer_sealed),
    )


def create(
    connection: Connection,
    keyring: Keyring,
    *,
    contact_id: int,
    campaign_id: int | None,
    kind: str,
    text: str,
    due_on: date,
    now: int,
    case_id: int | None = None,
    area: AreaKey | None = None,
    about: Mapping[str, str] | None = None,
) -> int:
    """A new request; its id."""
    vintage, code = area if area is not None else (None, None)
    key: int = connection.execute(
        insert(requests)
        .values(
            contact_id=contact_id,
            campaign_id=campaign_id,
            case_id=case_id,
            area_vintage=vintage,
            area_code=code,
            kind=kind,
            text_sealed=keyring.seal(text.encode(), _TEXT),
            about_sealed=keyring.seal(msgspec.json.encode(about), _ABOUT) if about else None,
            state="open",
            created_at=now,
            waiting_since=now,
            due_on=due_on.isoformat(),
        )
        .returning(requests.c.id)
    ).scalar_one()
    return key


def open_of(connection: Connection, contact_id: int) -> int:
    """How many requests of a contact wait for an answer."""
    statement = select(func.count()).where(requests.c.contact_id == contact_id, requests.c.state == "open")
    return int(connection.execute(statement).scalar_one())


def begun_since(connection: Connection, contact_id: int, since: int) -> int:
    """How many requests a contact has made since then."""
    statement = select(func.count()).where(requests.c.contact_id == contact_id, requests.c.created_at > since)
    return int(connection.execute(statement).scalar_one())


def current(connection: Connection, contact_id: int, campaign_id: int | None, since: int) -> int | None:
    """The newest question of a contact that more words belong to: about the same campaign, and open or
    answered since then.
    """
    same = requests.c.campaign_id.is_(None) if campaign_id is None else requests.c.campaign_id == campaign_id
    key: int | None = connection.execute(
        select(requests.c.id)
        .where(
            requests.c.contact_id == contact_id,
            requests.c.kind == QUESTION,
            same,
            or_(requests.c.state == "open", requests.c.answered_at > since),
        )
        .order_by(requests.c.id.desc())
        .limit(1)
    ).scalar()
    return key


def area_of(connection: Connection, request_id: int) -> tuple[AreaKey | None] | None:
    """The area whose staff answers a request, in a tuple of its own; None when there is no such request."""
    row = connection.execute(
        select(requests.c.area_vintage, requests.c.area_code).where(requests.c.id == request_id)
    ).one_or_none()
    if row is None:
        return None
    return (None if row.area_code is None else (row.area_vintage, row.area_code),)


def get(connection: Connection, keyring: Keyring, request_id: int, *, lock: bool = False) -> Request | None:
    """The request with this id."""
    statement = _SELECT.where(requests.c.id == request_id)
    if lock:
        statement = statement.with_for_update(of=requests)
    row = connection.execute(statement).one_or_none()
    return _request(keyring, row) if row else None


def listing(
    connection: Connection,
    keyring: Keyring,
    *,
    within: Collection[AreaKey] | None = None,
    state: str | None = "open",
    limit: int = 100,
) -> list[Request]:
    """The most urgent first. ``within`` areas and all below them (None: everywhere, and those of nowhere)."""
    statement = _SELECT.order_by(requests.c.due_on, requests.c.id).limit(limit)
    if within is not None:
        statement = statement.where(inside(requests.c.area_vintage, requests.c.area_code, within))
    if state is not None:
        statement = statement.where(requests.c.state == state)
    return [_request(keyring, row) for row in connection.execute(statement)]


# ── what becomes of one ─────────────────────────────────────────────────────────────────────────────────────


def _write(connection: Connection, request_id: int, **values: Any) -> None:
    connection.execute(update(requests).where(requests.c.id == request_id).values(**values))


def wait_again(connection: Connection, request: Request, due_on: date, now: int) -> None:
    """The person has said more: the thread is open again, and due anew if it had been answered."""
    changed: dict[str, Any] = {"state": "open"}
    if request.waiting_since is None:
        changed |= {"waiting_since": now, "due_on": due_on.isoformat()}
    _write(connection, request.id, **changed)


def answer(
    connection: Connection, keyring: Keyring, request_id: int, text: str, answered_by: int | None, now: int
) -> int:
    """Keep an answer with the request, which is then answered; the id of its message."""
    key = said.add(connection, keyring, request_id, said.OUT, text, answered_by, now)
    _write(
        connection,
        request_id,
        state="answered",
        answered_by=answered_by,
        answered_at=now,
        waiting_since=None,
        told=0,
    )
    return key


def close(connection: Connection, request_id: int) -> None:
    """Nothing is to be answered (any more)."""
    _write(connection, request_id, state="closed", waiting_since=None)


def reopen(connection: Connection, request_id: int, now: int) -> None:
    """Somebody is to look at it again."""
    _write(connection, request_id, state="open", waiting_since=now)


def take(connection: Connection, request_id: int, account_id: int | None) -> None:
    """From now on this account looks after it (None: nobody does)."""
    _write(connection, request_id, taken_by=account_id)


def tell(connection: Connection, request_id: int, told: int, now: int) -> None:
    """Staff were told so often, now again; 0: there was nobody to tell."""
    _write(connection, request_id, told=told, told_at=now)


def untold(connection: Connection, before: int, limit: int) -> list[int]:
    """The requests somebody waits for whose staff was told last before then, or never; those that wait
    longest first.
    """
    statement = (
        select(requests.c.id)
        .where(
            requests.c.state == "open",
            requests.c.waiting_since < before,
            or_(requests.c.told_at.is_(None), requests.c.told_at < before),
        )
        .order_by(requests.c.waiting_since, requests.c.id)
        .limit(limit)
    )
    return list(connection.execute(statement).scalars())


def unreached(connection: Connection, before: int, limit: int) -> list[int]:
    """The requests that nobody could be told of when that was last tried, before then."""
    statement = (
        select(requests.c.id)
        .where(requests.c.state == "open", requests.c.told == 0, requests.c.told_at < before)
        .order_by(requests.c.id)
        .limit(limit)
    )
    return list(connection.execute(statement).scalars())
