"""Cases: who may answer for one, which one somebody comes to, which ones are due.

One telephone can serve several people, one person several devices.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, bindparam, func, insert, select, update

from storage import areas
from storage.campaigns import Campaign
from storage.contacting import replan
from storage.schema import case_contacts, cases, contact_links, contacts, households, interviews, persons
from storage.unless_there import insert_unless_there
from surveys.areas import AreaKey
from surveys.campaigns import Mode
from surveys.designs import Kind, read_kind
from surveys.dispositions import Disposition
from surveys.instruments import Unit
from surveys.problems import Problem


@dataclass(frozen=True, slots=True)
class Held:
    """A case that a contact answers for. ``interview_id`` is its main interview, with its ``status``; None
    and empty before that was begun.
    """

    case_id: int
    interview_id: int | None
    status: str
    since: int


_HELD = (
    select(cases.c.id, interviews.c.id, interviews.c.status, case_contacts.c.since)
    .select_from(
        case_contacts.join(cases, cases.c.id == case_contacts.c.case_id).outerjoin(
            interviews, (interviews.c.case_id == cases.c.id) & (interviews.c.stage == "main")
        )
    )
    .where(case_contacts.c.contact_id == bindparam("contact"), cases.c.campaign_id == bindparam("campaign"))
    .order_by(cases.c.id)
)
_MINE = select(case_contacts.c.since).where(
    case_contacts.c.case_id == bindparam("case"), case_contacts.c.contact_id == bindparam("contact")
)


def held(connection: Connection, campaign_id: int, contact_id: int) -> list[Held]:
    """The cases of a campaign that this contact answers for, the oldest first."""
    rows = connection.execute(_HELD, {"contact": contact_id, "campaign": campaign_id})
    return [Held(case_id, interview_id, status or "", since) for case_id, interview_id, status, since in rows]


@dataclass(frozen=True, slots=True)
class Holder:
    """A contact that answers for a case."""

    contact_id: int
    channel: str


def holders(connection: Connection, case_id: int) -> list[Holder]:
    """The contacts that answer for a case, the earliest first."""
    statement = (
        select(contacts.c.id, contacts.c.channel)
        .select_from(case_contacts.join(contacts, contacts.c.id == case_contacts.c.contact_id))
        .where(case_contacts.c.case_id == case_id)
        .order_by(case_contacts.c.since, contacts.c.id)
    )
    return [Holder(*row) for row in connection.execute(statement)]


def campaign_of(connection: Connection, case_id: int) -> int:
    """The campaign of a case that there is."""
    return int(connection.execute(select(cases.c.campaign_id).where(cases.c.id == case_id)).scalar_one())


def neighbourhood_of(connection: Connection, case_id: int) -> str:
    """The neighbourhood of a case that there is; empty where that is not known."""
    return str(connection.execute(select(cases.c.neighbourhood).where(cases.c.id == case_id)).scalar_one())


def area_code_of(connection: Connection, case_id: int) -> str:
    """The commune (in the vintage of its campaign) of a case that there is."""
    return str(connection.execute(select(cases.c.area_code).where(cases.c.id == case_id)).scalar_one())


def holds(connection: Connection, case_id: int, contact_id: int) -> bool:
    """Whether this contact answers for the case."""
    return connection.execute(_MINE, {"case": case_id, "contact": contact_id}).first() is not None


def hold(connection: Connection, case_id: int, contact_id: int, now: int) -> None:
    """Let a contact answer for a case, too. When to write to them is decided anew."""
    if not holds(connection, case_id, contact_id):
        connection.execute(insert(case_contacts).values(case_id=case_id, contact_id=contact_id, since=now))
        replan(connection, [case_id], now)


# ── which case somebody comes to ────────────────────────────────────────────────────────────────────────────

LONGEST_TRACE = 20
"""Merges or moves followed from a household or person that is not there any more: a circle ends there."""

_LINKS = (
    select(contact_links.c.household_id, contact_links.c.person_id)
    .where(contact_links.c.contact_id == bindparam("contact"), contact_links.c.ended_at.is_(None))
    .order_by(contact_links.c.since.desc(), contact_links.c.id.desc())
)
_HOUSEHOLD = select(
    households.c.status,
    households.c.merged_into,
    households.c.area_vintage,
    households.c.area_code,
    households.c.neighbourhood,
).where(households.c.id == bindparam("household"))
_PERSON = select(persons.c.household_id, persons.c.status, persons.c.moved_to).where(
    persons.c.id == bindparam("person")
)
_OF_HOUSEHOLD = select(cases.c.id).where(
    cases.c.campaign_id == bindparam("campaign"),
    cases.c.household_id == bindparam("household"),
    cases.c.person_id.is_(None),
)
_OF_PERSON = select(cases.c.id).where(
    cases.c.campaign_id == bindparam("campaign"), cases.c.person_id == bindparam("person")
)


@dataclass(frozen=True, slots=True)
class Linked:
    """A household or person of the frame that a contact speaks for, as it is now, and where it lives."""

    household_id: int
    person_id: int | None
    vintage: str
    area_code: str
    neighbourhood: str


def case_for(connection: Connection, campaign: Campaign, contact_id: int, unit: Unit, now: int) -> int:
    """The case that a contact comes to by the campaign's own code or link, held by the contact from now on.

    That is the case it answered for last; else the frame's case of the household or person it is linked with
    (made now, where a census has not come to it yet); else a new one of nobody known. Raises Problem
    ``case_not_drawn`` where a sample did not draw them: who is asked is not for anybody to choose.
    """
    mine = held(connection, campaign.id, contact_id)
    if mine:
        return mine[-1].case_id
    links = linked(connection, contact_id, unit)
    for link in links:
        known = of_frame(connection, campaign.id, link)
        if known is not None:
            hold(connection, known, contact_id, now)
            return known
    here = next((link for link in links if _is_asked(connection, campaign, link)), None)
    return another(connection, campaign, contact_id, unit, now, here)


def another(
    connection: Connection,
    campaign: Campaign,
    contact_id: int,
    unit: Unit,
    now: int,
    here: Linked | None = None,
) -> int:
    """A new case of a campaign, held by this contact: of somebody of the frame (``here``), or of nobody
    known.

    Raises Problem ``case_not_drawn`` in a sample.
    """
    if campaign.draft.mode is Mode.SAMPLE:
        raise Problem("case_not_drawn", title=campaign.draft.title)
    made = insert_unless_there(
        connection,
        cases,
        campaign_id=campaign.id,
        contact_id=contact_id,
        unit=unit.value,
        area_code=campaign.area[1] if here is None else here.area_code,
        neighbourhood="" if here is None else here.neighbourhood,
        household_id=None if here is None else here.household_id,
        person_id=None if here is None else here.person_id,
        disposition=Disposition.NO_REPLY.value,
        created_at=now,
        changed_at=now,
    )
    if made is None:
        # Somebody made it in this moment; unless_there has waited for them.
        assert here is not None
        made = of_frame(connection, campaign.id, here)
        assert made is not None
    hold(connection, made, contact_id, now)
    return made


def linked(connection: Connection, contact_id: int, unit: Unit) -> list[Linked]:
    """Whom of the frame a contact speaks for, the newest link first: households, or persons known by name.

    Who was merged or moved since is followed to where they are now; who left is nobody. Of a link with a
    whole household nobody can tell which of its people writes.
    """
    found: list[Linked] = []
    for household, person in connection.execute(_LINKS, {"contact": contact_id}):
        if unit is Unit.PERSON:
            if person is None:
                continue
            person, household = _person_now(connection, person)
            if person is None:
                continue
        one = _household_now(connection, household)
        if one is not None:
            key, vintage, code, neighbourhood = one
            found.append(Linked(key, person if unit is Unit.PERSON else None, vintage, code, neighbourhood))
    return list(dict.fromkeys(found))


def home_of(connection: Connection, contact_id: int) -> AreaKey | None:
    """The commune of the household that a contact speaks for, by its newest link; None without any."""
    found = linked(connection, contact_id, Unit.HOUSEHOLD)
    return (found[0].vintage, found[0].area_code) if found else None


def household_now(connection: Connection, household_id: int) -> int | None:
    """The household that one of the frame is now, after all merges; None for one that left."""
    found = _household_now(connection, household_id)
    return None if found is None else found[0]


def whose(connection: Connection, case_id: int) -> tuple[int | None, int | None]:
    """*(household, person)* of the frame that a case is of, as they are now; None for a household that is not
    there any more or was never known, and for a case of a household as a whole.
    """
    household, person = connection.execute(
        select(cases.c.household_id, cases.c.person_id).where(cases.c.id == case_id)
    ).one()
    if person is not None:
        person, household = _person_now(connection, person)
        if person is None:
            return None, None
    return (None if household is None else household_now(connection, household)), person


def _person_now(connection: Connection, person: int) -> tuple[int | None, int]:
    """*(person, household)* after all moves; None for who left."""
    for _ in range(LONGEST_TRACE):
        household, status, moved_to = connection.execute(_PERSON, {"person": person}).one()
        if moved_to is None:
            return (person if status == "active" else None), household
        person = moved_to
    return None, 0


def _household_now(connection: Connection, household: int) -> tuple[int, str, str, str] | None:
    """*(household, vintage, commune, neighbourhood)* after all merges; None for one that left."""
    for _ in range(LONGEST_TRACE):
        row = connection.execute(_HOUSEHOLD, {"household": household}).one()
        if row.merged_into is None:
            gone = row.status != "active"
            return None if gone else (household, row.area_vintage, row.area_code, row.neighbourhood)
        household = row.merged_into
    return None


def of_frame(connection: Connection, campaign_id: int, link: Linked) -> int | None:
    """The case of a household or person of the frame in a campaign."""
    given = {"campaign": campaign_id, "household": link.household_id, "person": link.person_id}
    statement = _OF_HOUSEHOLD if link.person_id is None else _OF_PERSON
    found: int | None = connection.execute(statement, given).scalar()
    return found


def _is_asked(connection: Connection, campaign: Campaign, link: Linked) -> bool:
    """Whether somebody of the frame belongs to the campaign's area and neighbourhoods."""
    asked = campaign.draft.design.neighbourhoods
    return (
        link.vintage == campaign.area[0]
        and campaign.area in areas.line(connection, (link.vintage, link.area_code))
        and (not asked or link.neighbourhood in asked)
    )


# ── which cases are due ─────────────────────────────────────────────────────────────────────────────────────

_DUE = (
    select(cases.c.id)
    .where(
        cases.c.campaign_id == bindparam("campaign"),
        cases.c.next_at.is_not(None),
        cases.c.next_at <= bindparam("before"),
    )
    .order_by(cases.c.next_at, cases.c.id)
    .limit(bindparam("most"))
    .with_for_update(skip_locked=True)
)


def due(connection: Connection, campaign_id: int, now: int, limit: int) -> list[int]:
    """The cases of one campaign that are to be looked at, the longest due first; locked.

    Asked campaign by campaign, for those that run: a paused campaign's cases stay as they are, and cost
    nothing however many they are.
    """
    return list(connection.execute(_DUE, {"campaign": campaign_id, "before": now, "most": limit}).scalars())


# ── quotas ──────────────────────────────────────────────────────────────────────────────────────────────────


def completes(connection: Connection, campaign_id: int) -> Mapping[Kind, int]:
    """The completes of a campaign with quotas, by kind of person."""
    statement = (
        select(cases.c.stratum, func.count())
        .where(cases.c.campaign_id == campaign_id, cases.c.disposition == "1.1", cases.c.stratum != "")
        .group_by(cases.c.stratum)
    )
    return {read_kind(written): number for written, number in connection.execute(statement)}


@dataclass(frozen=True, slots=True)
class Standing:
    """What quotas know of a case: its ``kind`` once it was let in, and whether it has answered."""

    kind: Kind | None
    complete: bool


def standing(connection: Connection, case_id: int) -> Standing:
    """How a case that there is stands with the quotas."""
    stratum, disposition = connection.execute(
        select(cases.c.stratum, cases.c.disposition).where(cases.c.id == case_id)
    ).one()
    return Standing(read_kind(stratum) if stratum else None, disposition == Disposition.COMPLETE)


def set_kind(connection: Connection, case_id: int, kind: Kind) -> None:
    """Write what kind of person a case is, for quotas."""
    connection.execute(update(cases).where(cases.c.id == case_id).values(stratum=str(kind)))
