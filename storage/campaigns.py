"""Campaigns as stored, and how far each has come."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Connection, bindparam, func, select, update

from storage import signals
from storage.areas import inside
from storage.ids import is_id
from storage.schema import campaigns, case_contacts, cases, interviews, submissions
from storage.unless_there import insert_unless_there
from surveys.areas import AreaKey
from surveys.campaigns import Legal, Mode, Status
from surveys.designs import Design, Drawn
from surveys.problems import Problem
from surveys.reminders import Rules

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Legal).decode
_decode_rules = msgspec.json.Decoder(Rules).decode
_decode_drawn = msgspec.json.Decoder(Drawn).decode
read_design = lru_cache(maxsize=256)(msgspec.json.Decoder(Design).decode)
"""A campaign's design as its column holds it; read once, since every turn of a campaign with quotas asks."""

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
    design: Design = field(default_factory=Design)
    rules: Rules = field(default_factory=Rules)


@dataclass(frozen=True, slots=True)
class Campaign:
    """A campaign. Its ``code`` is what people type or scan to come in.

    ``changed_by`` changed the draft last; ``approved_size`` is how many cases were approved. While cases are
    made, ``opening_at`` says since when somebody opens it, ``size`` how many there will be, and ``made_at``
    when all were there; ``drawn`` is what a sample was drawn of.
    """

    id: int
    code: str
    status: Status
    draft: Draft
    created_by: int | None
    created_at: int
    opened_at: int | None
    closed_at: int | None
    changed_by: int | None = None
    approved_by: int | None = None
    approved_at: int | None = None
    approved_size: int | None = None
    opening_at: int | None = None
    size: int | None = None
    drawn: Drawn | None = None
    made_at: int | None = None
    paused_at: int | None = None
    urged_at: int | None = None
    look_again: bool = False

    @property
    def area(self) -> AreaKey:
        """Where it asks."""
        return self.draft.area


@dataclass(frozen=True, slots=True)
class Progress:
    """Exact tallies of a campaign: cases that somebody came to, interviews begun and submitted, and cases
    that refused consent (2.11).
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
        "design": None if draft.design == Design() else _encode(draft.design).decode(),
        "rules": None if draft.rules == Rules() else _encode(draft.rules).decode(),
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
            design=read_design(row.design) if row.design else Design(),
            rules=_decode_rules(row.rules) if row.rules else Rules(),
        ),
        created_by=row.created_by,
        created_at=row.created_at,
        opened_at=row.opened_at,
        closed_at=row.closed_at,
        changed_by=row.changed_by,
        approved_by=row.approved_by,
        approved_at=row.approved_at,
        approved_size=row.approved_size,
        opening_at=row.opening_at,
        size=row.size,
        drawn=_decode_drawn(row.drawn) if row.drawn else None,
        made_at=row.made_at,
        paused_at=row.paused_at,
        urged_at=row.urged_at,
        look_again=row.look_again,
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


def running(connection: Connection, today: date) -> list[Campaign]:
    """The campaigns that ask people on ``today``, the oldest first."""
    statement = (
        select(campaigns)
        .where(
            campaigns.c.status == Status.OPEN.value,
            campaigns.c.starts_on <= today.isoformat(),
            campaigns.c.ends_on >= today.isoformat(),
        )
        .order_by(campaigns.c.id)
    )
    return [_campaign(row) for row in connection.execute(statement)]


def amend(connection: Connection, campaign_id: int, draft: Draft) -> Campaign:
    """Write another draft in place of a campaign's own."""
    connection.execute(update(campaigns).where(campaigns.c.id == campaign_id).values(**_values(draft)))
    return _expect(connection, campaign_id)


def note(connection: Connection, campaign_id: int, **values: Any) -> None:
    """Write columns of a campaign that are no part of its draft; ``drawn`` as such."""
    if values.get("drawn") is not None:
        values["drawn"] = _encode(values["drawn"]).decode()
    connection.execute(update(campaigns).where(campaigns.c.id == campaign_id).values(**values))


def set_status(connection: Connection, campaign_id: int, status: Status, now: int) -> Campaign:
    """Write the status, and when the campaign was first opened, paused or closed; whoever sends its messages
    hears of it at once.
    """
    paused = status is Status.PAUSED
    values: dict[str, Any] = {"status": status.value, "paused_at": now if paused else None}
    if status is Status.OPEN:
        values["opened_at"] = func.coalesce(campaigns.c.opened_at, now)
    if status is Status.CLOSED:
        values["closed_at"] = now
    connection.execute(update(campaigns).where(campaigns.c.id == campaign_id).values(**values))
    signals.tell(connection, signals.CAMPAIGNS)
    return _expect(connection, campaign_id)


def half_finished(connection: Connection, campaign_id: int) -> int:
    """How many main interviews of a campaign are begun and not handed in."""
    return int(
        connection.execute(
            select(func.count())
            .select_from(interviews.join(cases, cases.c.id == interviews.c.case_id))
            .where(
                cases.c.campaign_id == campaign_id,
                interviews.c.stage == "main",
                interviews.c.status == "open",
            )
        ).scalar_one()
    )


def progress(connection: Connection, campaign_id: int) -> Progress:
    """How far the campaign is. A submission that was amended counts once."""
    mine = cases.c.campaign_id == campaign_id

    def number(condition: ColumnElement[bool]) -> int:
        return int(connection.execute(select(func.count()).where(mine, condition)).scalar_one())

    # A case of the frame has no contact of its own: who came to it is known by who holds it.
    held = connection.execute(
        select(func.count(case_contacts.c.case_id.distinct()))
        .join(cases, cases.c.id == case_contacts.c.case_id)
        .where(mine, cases.c.contact_id.is_(None))
    ).scalar_one()
    came = number(cases.c.contact_id.is_not(None)) + held
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
    return Progress(came, begun, submitted, number(cases.c.disposition == "2.11"))
