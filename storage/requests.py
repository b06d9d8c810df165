"""What people ask for under the law, or ask of a human: each with a day by which it is answered."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import Connection, func, insert, select, update

from storage.areas import inside
from storage.crypto import Keyring
from storage.schema import campaigns, requests
from surveys.areas import AreaKey

_TEXT = b"requests.text"
_ANSWER = b"requests.answer"


@dataclass(frozen=True, slots=True)
class Request:
    """A request. ``area`` is its campaign's; None without a campaign."""

    id: int
    contact_id: int
    campaign_id: int | None
    area: AreaKey | None
    kind: str
    text: str
    state: str
    created_at: int
    due_on: date
    answered_at: int | None
    answered_by: int | None
    answer: str | None


_JOINED = requests.outerjoin(campaigns, campaigns.c.id == requests.c.campaign_id)
_COLUMNS = (requests, campaigns.c.area_vintage, campaigns.c.area_code)


def _request(keyring: Keyring, row: Any) -> Request:
    return Request(
        id=row.id,
        contact_id=row.contact_id,
        campaign_id=row.campaign_id,
        area=None if row.area_code is None else (row.area_vintage, row.area_code),
        kind=row.kind,
        text=keyring.open(row.text_sealed, _TEXT).decode(),
        state=row.state,
        created_at=row.created_at,
        due_on=date.fromisoformat(row.due_on),
        answered_at=row.answered_at,
        answered_by=row.answered_by,
        answer=None if row.answer_sealed is None else keyring.open(row.answer_sealed, _ANSWER).decode(),
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
) -> int:
    """A new request; its id."""
    key: int = connection.execute(
        insert(requests)
        .values(
            contact_id=contact_id,
            campaign_id=campaign_id,
            kind=kind,
            text_sealed=keyring.seal(text.encode(), _TEXT),
            state="open",
            created_at=now,
            due_on=due_on.isoformat(),
        )
        .returning(requests.c.id)
    ).scalar_one()
    return key


def open_of(connection: Connection, contact_id: int) -> int:
    """How many requests of a contact wait for an answer."""
    statement = select(func.count()).where(requests.c.contact_id == contact_id, requests.c.state == "open")
    return int(connection.execute(statement).scalar_one())


def area_of(connection: Connection, request_id: int) -> tuple[AreaKey | None] | None:
    """The area of a request's campaign, in a tuple of its own; None when there is no such request."""
    row = connection.execute(
        select(campaigns.c.area_vintage, campaigns.c.area_code)
        .select_from(_JOINED)
        .where(requests.c.id == request_id)
    ).one_or_none()
    if row is None:
        return None
    return (None if row.area_code is None else (row.area_vintage, row.area_code),)


def get(connection: Connection, keyring: Keyring, request_id: int, *, lock: bool = False) -> Request | None:
    """The request with this id."""
    statement = select(*_COLUMNS).select_from(_JOINED).where(requests.c.id == request_id)
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
    """The most urgent first. ``within`` areas and all below them (None: everywhere, and those without a
    campaign).
    """
    statement = select(*_COLUMNS).select_from(_JOINED).order_by(requests.c.due_on, requests.c.id).limit(limit)
    if within is not None:
        statement = statement.where(inside(campaigns.c.area_vintage, campaigns.c.area_code, within))
    if state is not None:
        statement = statement.where(requests.c.state == state)
    return [_request(keyring, row) for row in connection.execute(statement)]


def answer(
    connection: Connection, keyring: Keyring, request_id: int, text: str, answered_by: int | None, now: int
) -> None:
    """Keep the answer with the request, which is then answered."""
    connection.execute(
        update(requests)
        .where(requests.c.id == request_id)
        .values(
            state="answered",
            answer_sealed=keyring.seal(text.encode(), _ANSWER),
            answered_by=answered_by,
            answered_at=now,
        )
    )
