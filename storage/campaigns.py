"""Campaigns as stored, and how far each has come."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import date
from typing import Any

import msgspec
from sqlalchemy import Connection, bindparam, func, select, update

from storage.areas import inside
from storage.ids import is_id
from storage.schema import campaigns, cases, interviews, submissions
from storage.unless_there import insert_unless_there
from surveys.areas import AreaKey
from surveys.campaigns import Legal, Mode, Status
from surveys.problems import Problem

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Legal).decode

TRIES = 50
"""Codes drawn before a new campaign gives up: with a million codes, fifty in a row are never taken."""


@dataclass(frozen=True, slots=True)
class Draft:
    """What a campaign is made of. ``consent_id`` is the instrument that asks for consent, if any."""

    title: str
    instrument_id: int
    consent_id: int | None
    mode: Mode
    area: AreaKey
    starts_on: date
    ends_on: date
    reference_date: date
    legal: Legal


@dataclass(frozen=True, slots=True)
class Campaign:
    """A campaign. Its ``code`` is what people type or scan to come in."""

    id: int
    code: str
    status: Status
    draft: Draft
    created_by: int | None
    created_at: int
    opened_at: int | None
    closed_at: int | None

    @property
    def area(self) -> AreaKey:
        """Where it asks."""
        return self.draft.area


@dataclass(frozen=True, slots=True)
class Progress:
    """Exact tallies of a campaign: cases, interviews begun and submitted, and cases that refused consent
    (2.11).
    """

    cases: int
    begun: int
    submitted: int
    refused: int


def _values(draft: Draft) -> dict[str, Any]:
    return {
        "title": draft.title,
        "instrument_id": draft.instrument_id,
        "consent_id": draft.consent_id,
        "mode": draft.mode.value,
        "area_vintage": draft.area[0],
        "area_code": draft.area[1],
        "starts_on": draft.starts_on.isoformat(),
        "ends_on": draft.ends_on.isoformat(),
        "reference_date": draft.reference_date.isoformat(),
        "legal": _encode(draft.legal).decode(),
    }


def _campaign(row: Any) -> Campaign:
    return Campaign(
        id=row.id,
        code=row.code,
        status=Status(row.status),
        draft=Draft(
            title=row.title,
            instrument_id=row.instrument_id,
            consent_id=row.consent_id,
            mode=Mode(row.mode),
            area=(row.area_vintage, row.area_code),
            starts_on=date.fromisoformat(row.starts_on),
            ends_on=date.fromisoformat(row.ends_on),
            reference_date=date.fromisoformat(row.reference_date),
            legal=_decode(row.legal),
        ),
        created_by=row.created_by,
        created_at=row.created_at,
        opened_at=row.opened_at,
        closed_at=row.closed_at,
    )


def create(
    connection: Connection, draft: Draft, make_code: Callable[[], str], created_by: int | None, now: int
) -> Campaign:
    """A new campaign, a draft, under the first code of ``make_code`` that no other has.

    Raises Problem ``campaign_codes_used_up`` when none was free in so many tries.
    """
    for _ in range(TRIES):
        key = insert_unless_there(
            connection,
            campaigns,
            code=make_code(),
            status=Status.DRAFT.value,
            created_by=created_by,
            created_at=now,
            **_values(draft),
        )
        if key is not None:
            return _expect(connection, key)
    raise Problem("campaign_codes_used_up", status=500)


def _expect(connection: Connection, campaign_id: int) -> Campaign:
    return _campaign(connection.execute(select(campaigns).where(campaigns.c.id == campaign_id)).one())


def expect(connection: Connection, wanted: int | str, *, lock: bool = False) -> Campaign:
    """A campaign by id or code. Raises Problem ``campaign_unknown`` (404)."""
    statement = select(campaigns).with_for_update() if lock else select(campaigns)
    row = None
    if isinstance(wanted, str):
        row = connection.execute(statement.where(campaigns.c.code == wanted.strip().upper())).one_or_none()
    # A code may be all digits, and is what people know.
    if row is None and (is_id(wanted)):
        row = connection.execute(statement.where(campaigns.c.id == int(wanted))).one_or_none()
    if row is None:
        raise Problem("campaign_unknown", status=404, campaign=wanted)
    return _campaign(row)


_BY_CODE = select(campaigns).where(campaigns.c.code == bindparam("wanted"))


def by_code(connection: Connection, code: str) -> Campaign | None:
    """The campaign with this code, written as stored."""
    row = connection.execute(_BY_CODE, {"wanted": code}).one_or_none()
    return _campaign(row) if row else None


def listing(
    connection: Connection,
    *,
    within: Collection[AreaKey] | None = None,
    statuses: Collection[Status] | None = None,
    limit: int = 100,
) -> list[Campaign]:
    """The newest campaigns first. ``within`` areas and all below them (None: everywhere)."""
    statement = select(campaigns).order_by(campaigns.c.id.desc()).limit(limit)
    if within is not None:
        statement = statement.where(inside(campaigns.c.area_vintage, campaigns.c.area_code, within))
    if statuses is not None:
        statement = statement.where(campaigns.c.status.in_(sorted(statuses)))
    return [_campaign(row) for row in connection.execute(statement)]


def amend(connection: Connection, campaign_id: int, draft: Draft) -> Campaign:
    """Write another draft in place of a campaign's own."""
    connection.execute(update(campaigns).where(campaigns.c.id == campaign_id).values(**_values(draft)))
    return _expect(connection, campaign_id)


def set_status(connection: Connection, campaign_id: int, status: Status, now: int) -> Campaign:
    """Write the status, and when the campaign was first opened or closed."""
    values: dict[str, Any] = {"status": status.value}
    if status is Status.OPEN:
        values["opened_at"] = func.coalesce(campaigns.c.opened_at, now)
    if status is Status.CLOSED:
        values["closed_at"] = now
    connection.execute(update(campaigns).where(campaigns.c.id == campaign_id).values(**values))
    return _expect(connection, campaign_id)


def progress(connection: Connection, campaign_id: int) -> Progress:
    """How far the campaign is. A submission that was amended counts once."""
    made = connection.execute(
        select(func.count(), func.count().filter(cases.c.disposition == "2.11")).where(
            cases.c.campaign_id == campaign_id
        )
    ).one()
    begun = connection.execute(
        select(func.count())
        .select_from(interviews.join(cases, cases.c.id == interviews.c.case_id))
        .where(cases.c.campaign_id == campaign_id, interviews.c.stage == "main")
    ).scalar_one()
    submitted = connection.execute(
        select(func.count(submissions.c.interview_id.distinct())).where(
            submissions.c.campaign_id == campaign_id, submissions.c.stage == "main"
        )
    ).scalar_one()
    return Progress(made[0], begun, submitted, made[1])
