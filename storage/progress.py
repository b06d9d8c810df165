"""How far a campaign has come, counted set by set, and who has not answered yet.

Everything here only reads, a whole campaign at a time: for a snapshot beside the lanes, not for a turn.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    and_,
    func,
    or_,
    select,
    true,
)

from storage.crypto import Keyring
from storage.frames import active, units_from
from storage.households import opened
from storage.schema import (
    case_contacts,
    cases,
    contacts,
    households,
    interviews,
    persons,
    steps,
    submissions,
)
from surveys.areas import AreaKey
from surveys.instruments import Unit
from surveys.progress import REMINDERS, WAITING, Tally

QUARTER_MS = 900_000
"""Instants are counted in pieces that every time zone's days are made of."""
PIECE = 2_000
"""Rows read at once from a long result."""

_MAIN = and_(interviews.c.case_id == cases.c.id, interviews.c.stage == "main")
_INVITATION = and_(steps.c.case_id == cases.c.id, steps.c.step == 0)
_STARTED = interviews.c.id.is_not(None)
# The contact a case was made with, else the one that came to answer for it last.
_CONTACT = func.coalesce(
    cases.c.contact_id,
    select(func.max(case_contacts.c.contact_id))
    .where(case_contacts.c.case_id == cases.c.id)
    .correlate(cases)
    .scalar_subquery(),
)


def _of(campaign_id: int, areas: Collection[str] | None) -> ColumnElement[bool]:
    """Cases of a campaign, in these communes (None: everywhere)."""
    mine = cases.c.campaign_id == campaign_id
    return mine if areas is None else and_(mine, cases.c.area_code.in_(sorted(areas)))


def tallies(
    connection: Connection,
    campaign_id: int,
    areas: Collection[str] | None = None,
    *,
    channels: bool = False,
) -> list[Tally]:
    """The cases of a campaign counted by all that :class:`Tally` says; by channel if that is asked for."""
    columns: list[Any] = [
        cases.c.area_code,
        cases.c.neighbourhood,
        cases.c.disposition,
        _STARTED.label("started"),
        cases.c.sent,
        steps.c.case_id.is_not(None).label("invited"),
    ]
    source: Any = cases.outerjoin(interviews, _MAIN).outerjoin(steps, _INVITATION)
    if channels:
        source = source.outerjoin(contacts, contacts.c.id == _CONTACT)
        columns.append(func.coalesce(contacts.c.channel, "").label("channel"))
    each = select(*columns).select_from(source).where(_of(campaign_id, areas)).subquery()
    counted = select(*each.c, func.count()).group_by(*each.c)
    found: dict[Tally, int] = {}
    for area, neighbourhood, code, started, sent, invited, *channel, number in connection.execute(counted):
        # Who came before they were invited got nothing but reminders.
        reminders = min(REMINDERS, sent - bool(invited)) if sent else 0
        name = channel[0] if channel else ""
        alike = Tally(area, neighbourhood, code, bool(started), sent > 0, reminders, 0, name)
        found[alike] = found.get(alike, 0) + int(number)
    in_order = sorted(found.items(), key=lambda pair: (pair[0].area, pair[0].neighbourhood, pair[0].code))
    return [replace(alike, cases=number) for alike, number in in_order]


def frame(
    connection: Connection,
    area: AreaKey,
    communes: Collection[str],
    unit: Unit,
    neighbourhoods: Collection[str] = (),
) -> dict[tuple[str, str], int]:
    """The units of the frame that are there now, by *(commune, neighbourhood)*."""
    h = households.c
    statement = (
        select(h.area_code, h.neighbourhood, func.count())
        .select_from(units_from(unit))
        .where(
            h.area_vintage == area[0],
            h.area_code.in_(sorted(communes)),
            active(unit),
            h.neighbourhood.in_(sorted(neighbourhoods)) if neighbourhoods else true(),
        )
        .group_by(h.area_code, h.neighbourhood)
    )
    return {(code, name): int(number) for code, name, number in connection.execute(statement)}


# ── by day ──────────────────────────────────────────────────────────────────────────────────────────────────


def begun_by_day(
    connection: Connection, campaign_id: int, zone: ZoneInfo, areas: Collection[str] | None = None
) -> dict[date, int]:
    """Main questionnaires begun, by day."""
    statement = (
        select(*_quarters(interviews.c.started_at))
        .select_from(interviews.join(cases, cases.c.id == interviews.c.case_id))
        .where(_of(campaign_id, areas), interviews.c.stage == "main")
    )
    return _days(connection, statement, zone)


def handed_in_by_day(
    connection: Connection, campaign_id: int, zone: ZoneInfo, areas: Collection[str] | None = None
) -> dict[date, int]:
    """Main questionnaires of cases that are complete now, by the day they were first handed in."""
    statement = (
        select(*_quarters(submissions.c.at))
        .select_from(submissions.join(cases, cases.c.id == submissions.c.case_id))
        .where(
            submissions.c.campaign_id == campaign_id,
            submissions.c.stage == "main",
            submissions.c.revision == 1,
            cases.c.disposition == "1.1",
            true() if areas is None else cases.c.area_code.in_(sorted(areas)),
        )
    )
    return _days(connection, statement, zone)


def _quarters(instant: Any) -> tuple[Any, Any]:
    return (instant - instant % QUARTER_MS).label("quarter"), func.count()


def _days(connection: Connection, statement: Select[Any], zone: ZoneInfo) -> dict[date, int]:
    found: dict[date, int] = {}
    for at, number in connection.execute(statement.group_by(statement.selected_columns[0])):
        on = datetime.fromtimestamp(at / 1000, zone).date()
        found[on] = found.get(on, 0) + number
    return found


def answered_at(connection: Connection, campaign_id: int) -> int | None:
    """When a main questionnaire of a campaign was answered last: begun, or an answer given, or handed in."""
    newest = connection.execute(
        select(submissions.c.at)
        .where(submissions.c.campaign_id == campaign_id, submissions.c.stage == "main")
        .order_by(submissions.c.id.desc())
        .limit(1)
    ).scalar()
    changed = connection.execute(
        select(func.max(interviews.c.changed_at))
        .select_from(interviews.join(cases, cases.c.id == interviews.c.case_id))
        .where(cases.c.campaign_id == campaign_id, interviews.c.stage == "main")
    ).scalar()
    found = [at for at in (newest, changed) if at is not None]
    return max(found) if found else None


# ── who has not answered ────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Waiting:
    """A case that has not been answered, with what is needed at the door. ``name`` is the head of the
    household, or the person where persons are asked; ``sent`` messages went out, the last one (or the last
    sign of life) at ``last_at``.
    """

    case_id: int
    area: str
    neighbourhood: str
    outcome: str
    sent: int
    last_at: int | None
    code: str
    name: str
    address: str
    phone: str


_FRAMED = cases.join(households, households.c.id == cases.c.household_id).outerjoin(
    persons, persons.c.id == cases.c.person_id
)


def _waiting(
    campaign_id: int, areas: Collection[str] | None, neighbourhoods: Collection[str] | None
) -> ColumnElement[bool]:
    return and_(
        _of(campaign_id, areas),
        cases.c.disposition.in_(sorted(WAITING)),
        true() if neighbourhoods is None else cases.c.neighbourhood.in_(sorted(neighbourhoods)),
        # Nobody goes to who has left, and another case stands for who was merged.
        households.c.status == "active",
        or_(cases.c.person_id.is_(None), persons.c.status == "active"),
    )


def waiting_number(
    connection: Connection,
    campaign_id: int,
    areas: Collection[str] | None = None,
    neighbourhoods: Collection[str] | None = None,
) -> int:
    """How many units of the frame with a case have not answered."""
    some = _waiting(campaign_id, areas, neighbourhoods)
    return int(connection.execute(select(func.count()).select_from(_FRAMED).where(some)).scalar_one())


def neighbourhoods_of(
    connection: Connection, campaign_id: int, areas: Collection[str] | None = None
) -> list[str]:
    """The names of the neighbourhoods that a campaign has cases in."""
    statement = select(cases.c.neighbourhood).where(_of(campaign_id, areas)).distinct()
    return sorted(connection.execute(statement).scalars())


def waiting(
    connection: Connection,
    keyring: Keyring,
    campaign_id: int,
    areas: Collection[str] | None = None,
    neighbourhoods: Collection[str] | None = None,
) -> Iterator[Waiting]:
    """Who has not answered, by commune and neighbourhood; read piece by piece, what is sealed opened."""
    h, p = households.c, persons.c
    statement = (
        select(
            cases.c.id,
            cases.c.area_code,
            cases.c.neighbourhood,
            cases.c.disposition,
            _STARTED.label("started"),
            cases.c.sent,
            cases.c.last_at,
            h.code_sealed,
            h.head_sealed,
            h.address_sealed,
            h.phone_sealed,
            p.name_sealed,
            p.phone_sealed.label("person_phone"),
        )
        .select_from(_FRAMED.outerjoin(interviews, _MAIN))
        .where(_waiting(campaign_id, areas, neighbourhoods))
        .order_by(cases.c.area_code, cases.c.neighbourhood, h.id, cases.c.id)
        .execution_options(stream_results=True, yield_per=PIECE)
    )
    for row in connection.execute(statement):
        alike = Tally(
            row.area_code, row.neighbourhood, row.disposition, bool(row.started), row.sent > 0, 0, 1
        )
        yield Waiting(
            case_id=row.id,
            area=row.area_code,
            neighbourhood=row.neighbourhood,
            outcome=alike.outcome,
            sent=row.sent,
            last_at=row.last_at,
            code=opened(keyring, "code", row.code_sealed),
            name=opened(keyring, "name", row.name_sealed) or opened(keyring, "head", row.head_sealed),
            address=opened(keyring, "address", row.address_sealed),
            phone=opened(keyring, "person_phone", row.person_phone)
            or opened(keyring, "phone", row.phone_sealed),
        )
