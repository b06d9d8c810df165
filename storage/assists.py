"""Answers written down by staff: who helps with which case, and whom a case is about.

Whoever helps does not answer for the case: reminders, receipts and rights stay with the people of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Select, func, insert, or_, select, update

from storage.crypto import Keyring
from storage.database import insert_row
from storage.households import opened
from storage.schema import assists, campaigns, case_contacts, cases, households, interviews, persons
from surveys.areas import AreaKey
from surveys.campaigns import Status
from surveys.dispositions import Disposition


@dataclass(frozen=True, slots=True)
class Case:
    """A case that somebody may be helped with. ``status`` is that of its main interview, empty before that
    was begun; ``begun`` says that any interview of it was, ``held`` that people answer for it themselves.
    ``way`` is how it is answered.
    """

    id: int
    campaign_id: int
    area: AreaKey
    unit: str
    disposition: str
    household_id: int | None
    person_id: int | None
    neighbourhood: str
    status: str
    way: str
    begun: bool
    held: bool


_main = interviews.alias("main")
_HELD = select(case_contacts.c.case_id).where(case_contacts.c.case_id == cases.c.id).exists()
_BEGUN = select(interviews.c.id).where(interviews.c.case_id == cases.c.id).exists()
_SELECT: Select[Any] = (
    select(
        cases.c.id,
        cases.c.campaign_id,
        campaigns.c.area_vintage,
        cases.c.area_code,
        cases.c.unit,
        cases.c.disposition,
        cases.c.household_id,
        cases.c.person_id,
        cases.c.neighbourhood,
        func.coalesce(_main.c.status, "").label("status"),
        func.coalesce(_main.c.way, "").label("way"),
        _BEGUN.label("begun"),
        _HELD.label("held"),
    )
    .select_from(
        cases.join(campaigns, campaigns.c.id == cases.c.campaign_id).outerjoin(
            _main, (_main.c.case_id == cases.c.id) & (_main.c.stage == "main")
        )
    )
    .order_by(cases.c.id)
)


def _cases(connection: Connection, statement: Select[Any]) -> list[Case]:
    return [_case(row) for row in connection.execute(statement)]


def _case(row: Any) -> Case:
    return Case(
        id=row.id,
        campaign_id=row.campaign_id,
        area=(row.area_vintage, row.area_code),
        unit=row.unit,
        disposition=row.disposition,
        household_id=row.household_id,
        person_id=row.person_id,
        neighbourhood=row.neighbourhood,
        status=row.status,
        way=row.way,
        begun=bool(row.begun),
        held=bool(row.held),
    )


def case(connection: Connection, case_id: int) -> Case | None:
    """The case with this id."""
    found = _cases(connection, _SELECT.where(cases.c.id == case_id))
    return found[0] if found else None


def of_households(connection: Connection, household_ids: list[int], campaign_id: int | None) -> list[Case]:
    """The cases of households and of their people in campaigns that run: of one campaign, or of all."""
    theirs = select(persons.c.id).where(
        persons.c.household_id.in_(household_ids), persons.c.status == "active"
    )
    statement = _SELECT.where(
        campaigns.c.status == Status.OPEN.value,
        or_(
            cases.c.household_id.in_(household_ids) & cases.c.person_id.is_(None),
            cases.c.person_id.in_(theirs),
        ),
    )
    if campaign_id is not None:
        statement = statement.where(cases.c.campaign_id == campaign_id)
    return _cases(connection, statement)


# ── helping ─────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Assist:
    """Somebody who helps with a case, and whose answers these are: ``assisted`` or ``proxy``."""

    case_id: int
    account_id: int
    way: str


def get(connection: Connection, case_id: int, account_id: int | None) -> Assist | None:
    """How an account helps with a case; None when it does not."""
    row = connection.execute(
        select(assists.c.case_id, assists.c.account_id, assists.c.way).where(
            assists.c.case_id == case_id, assists.c.account_id == account_id
        )
    ).one_or_none()
    return Assist(*row) if row else None


def help_with(
    connection: Connection, case_id: int, account_id: int, contact_id: int, way: str, now: int
) -> None:
    """Note that an account helps with a case from now on, by this contact and in this way."""
    done = connection.execute(
        update(assists)
        .where(assists.c.case_id == case_id, assists.c.account_id == account_id)
        .values(contact_id=contact_id, way=way, changed_at=now)
    )
    if not done.rowcount:
        connection.execute(
            insert(assists).values(
                case_id=case_id,
                account_id=account_id,
                contact_id=contact_id,
                way=way,
                since=now,
                changed_at=now,
            )
        )


def open_of(connection: Connection, account_id: int, limit: int) -> list[Case]:
    """The cases an account has begun to help with and that are not handed in, of campaigns that run; the
    newest first.
    """
    statement = (
        _SELECT.join(assists, assists.c.case_id == cases.c.id)
        .where(
            assists.c.account_id == account_id,
            campaigns.c.status == Status.OPEN.value,
            or_(_main.c.status.is_(None), _main.c.status == "open"),
        )
        .order_by(None)
        .order_by(assists.c.changed_at.desc(), cases.c.id.desc())
        .limit(limit)
    )
    return _cases(connection, statement)


def with_interview(connection: Connection, interview_id: int, account_id: int | None) -> str:
    """How an account helps with the case of an interview; empty when it does not."""
    if account_id is None:
        return ""
    statement = (
        select(assists.c.way)
        .join(interviews, interviews.c.case_id == assists.c.case_id)
        .where(interviews.c.id == interview_id, assists.c.account_id == account_id)
    )
    return str(connection.execute(statement).scalar() or "")


def of_interview(connection: Connection, interview_id: int) -> tuple[int, str] | None:
    """*(case, how it is answered)* of an interview that people don't answer by themselves; None of any
    other.
    """
    statement = select(interviews.c.case_id, interviews.c.way).where(
        interviews.c.id == interview_id, interviews.c.way != "self"
    )
    row = connection.execute(statement).one_or_none()
    return None if row is None or row[0] is None else (int(row[0]), str(row[1]))


def new_case(connection: Connection, campaign_id: int, area_code: str, unit: str, now: int) -> int:
    """A case for somebody who is in no list, in a campaign that asks whoever comes; nobody answers for it
    but by help.
    """
    return insert_row(
        connection,
        cases,
        campaign_id=campaign_id,
        unit=unit,
        area_code=area_code,
        disposition=Disposition.NO_REPLY.value,
        created_at=now,
        changed_at=now,
    )


# ── whom it is about ────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Whom:
    """Whom a case is about, as the frame has them. ``name`` is theirs, or that of the household's head;
    ``relation`` and ``number`` of a person in their household (empty, 0: the household as a whole).
    """

    case_id: int
    name: str
    household_code: str
    relation: str
    number: int
    neighbourhood: str


_WHOM = (
    select(
        cases.c.id,
        cases.c.neighbourhood,
        households.c.code_sealed,
        households.c.head_sealed,
        persons.c.name_sealed,
        persons.c.relation,
        persons.c.number,
        persons.c.id.label("person"),
    )
    .select_from(
        cases.outerjoin(persons, persons.c.id == cases.c.person_id).outerjoin(
            households, households.c.id == func.coalesce(persons.c.household_id, cases.c.household_id)
        )
    )
)  # fmt: skip


def whom(connection: Connection, keyring: Keyring, case_id: int) -> Whom | None:
    """Whom a case is about; None when there is no such case."""
    row = connection.execute(_WHOM.where(cases.c.id == case_id)).one_or_none()
    if row is None:
        return None
    whose = ("name", row.name_sealed) if row.person is not None else ("head", row.head_sealed)
    return Whom(
        case_id=row.id,
        name=opened(keyring, *whose),
        household_code=opened(keyring, "code", row.code_sealed),
        relation=row.relation or "",
        number=row.number or 0,
        neighbourhood=row.neighbourhood,
    )
