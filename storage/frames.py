"""What a campaign asks of the frame: how many units, in which strata, who is left out, who is reached.

Everything here only reads, whole areas at a time: for a snapshot beside the lanes, not for a turn. What is
bounded says so.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    FromClause,
    Integer,
    Select,
    and_,
    case,
    exists,
    false,
    func,
    literal,
    or_,
    select,
    true,
)

from storage.areas import inside
from storage.schema import (
    areas,
    campaigns,
    cases,
    contact_links,
    contacts,
    households,
    instruments,
    persons,
)
from surveys.areas import AreaKey
from surveys.campaigns import Status
from surveys.designs import Strata, stratum_of
from surveys.instruments import Unit
from surveys.sampling import Unit as Drawable

h, p = households.c, persons.c
PIECE = 5_000
"""Units read at once from a long result."""


@dataclass(frozen=True, slots=True)
class Frame:
    """The households or persons that a campaign is about: of these communes (in order), all their
    neighbourhoods or some. Who has a case in one of the campaigns ``beside`` is left out.
    """

    unit: Unit
    vintage: str
    communes: tuple[str, ...]
    neighbourhoods: tuple[str, ...] = ()
    beside: tuple[int, ...] = ()


def frame_of(
    connection: Connection,
    *,
    campaign_id: int,
    instrument_id: int,
    area: AreaKey,
    unit: Unit,
    neighbourhoods: Collection[str] = (),
) -> Frame:
    """The frame of a campaign. Left out is who is asked the same in another open or paused one: any version
    of the same instrument, for units of the frame.
    """
    codes = connection.execute(
        select(areas.c.code).where(inside(areas.c.vintage, areas.c.code, [area]))
    ).scalars()
    same = select(instruments.c.name).where(instruments.c.id == instrument_id).scalar_subquery()
    beside = connection.execute(
        select(campaigns.c.id)
        .join(instruments, instruments.c.id == campaigns.c.instrument_id)
        .where(
            campaigns.c.id != campaign_id,
            campaigns.c.status.in_((Status.OPEN.value, Status.PAUSED.value)),
            campaigns.c.area_vintage == area[0],
            instruments.c.name == same,
        )
        .order_by(campaigns.c.id)
    ).scalars()
    return Frame(unit, area[0], tuple(sorted(codes)), tuple(sorted(set(neighbourhoods))), tuple(beside))


# ── conditions ──────────────────────────────────────────────────────────────────────────────────────────────


def neighbourhoods(connection: Connection, area: AreaKey) -> list[str]:
    """The names of the neighbourhoods that an area's households lie in."""
    statement = (
        select(h.neighbourhood)
        .where(h.status == "active", h.neighbourhood != "", inside(h.area_vintage, h.area_code, [area]))
        .distinct()
        .order_by(h.neighbourhood)
    )
    return [str(name) for name in connection.execute(statement).scalars()]


def units_from(unit: Unit) -> FromClause:
    """The tables that hold the units."""
    if unit is Unit.HOUSEHOLD:
        return households
    return households.join(persons, p.household_id == h.id)


def active(unit: Unit) -> ColumnElement[bool]:
    """Units that are there."""
    if unit is Unit.HOUSEHOLD:
        return h.status == "active"
    return and_(h.status == "active", p.status == "active")


def chosen(frame: Frame) -> ColumnElement[bool]:
    """Units of the neighbourhoods that are asked."""
    return h.neighbourhood.in_(frame.neighbourhoods) if frame.neighbourhoods else true()


def asked_beside(frame: Frame) -> ColumnElement[bool]:
    """Units that are asked the same in another campaign."""
    if not frame.beside:
        return false()
    other = cases.alias("beside")
    if frame.unit is Unit.HOUSEHOLD:
        same = and_(other.c.household_id == h.id, other.c.person_id.is_(None))
    else:
        same = other.c.person_id == p.id
    return exists().where(other.c.campaign_id.in_(frame.beside), same)


def _whole(frame: Frame) -> ColumnElement[bool]:
    return and_(h.area_vintage == frame.vintage, h.area_code.in_(frame.communes))


def wanted(frame: Frame) -> ColumnElement[bool]:
    """Units that get a case, of whichever commune."""
    return and_(active(frame.unit), chosen(frame), ~asked_beside(frame))


# ── numbers ─────────────────────────────────────────────────────────────────────────────────────────────────


def count(connection: Connection, frame: Frame, most: int | None = None) -> int:
    """How many units get a case. With ``most`` no more than that are looked at, so that it is quick."""
    found: Select[Any] = (
        select(literal(1)).select_from(units_from(frame.unit)).where(_whole(frame), wanted(frame))
    )
    if most is not None:
        found = found.limit(most)
    return int(connection.execute(select(func.count()).select_from(found.subquery())).scalar_one())


def strata(connection: Connection, frame: Frame, by: Strata) -> dict[str, int]:
    """How many units get a case, by stratum."""
    statement = (
        select(h.area_code, h.neighbourhood, func.count())
        .select_from(units_from(frame.unit))
        .where(_whole(frame), wanted(frame))
        .group_by(h.area_code, h.neighbourhood)
    )
    sums: dict[str, int] = {}
    for code, neighbourhood, number in connection.execute(statement):
        stratum = stratum_of(by, code, neighbourhood)
        sums[stratum] = sums.get(stratum, 0) + number
    return dict(sorted(sums.items()))


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Units of the area that get no case: not there any more, of a neighbourhood that is not asked, asked the
    same elsewhere.
    """

    inactive: int
    other_neighbourhood: int
    asked_elsewhere: int


def left_out(connection: Connection, frame: Frame) -> LeftOut:
    """Who is left out and why; each unit once, by the first reason that holds."""
    there, here, busy = active(frame.unit), chosen(frame), asked_beside(frame)

    def number(condition: ColumnElement[bool]) -> ColumnElement[int]:
        return func.coalesce(func.sum(case((condition, 1), else_=0)), 0).cast(Integer)

    statement = (
        select(number(~there), number(and_(there, ~here)), number(and_(there, here, busy)))
        .select_from(units_from(frame.unit))
        .where(_whole(frame))
    )
    return LeftOut(*connection.execute(statement).one())


@dataclass(frozen=True, slots=True)
class Reach:
    """Of the units that get a case: by how many channels they can be written to. ``channels`` counts a unit
    once for each of its channels, ``reached`` once; the others have no contact, have only contacts that
    blocked us, or asked not to be written to.
    """

    channels: Mapping[str, int]
    reached: int
    no_contact: int
    blocked: int
    opted_out: int


def reach(connection: Connection, frame: Frame) -> Reach:
    """Who can be written to. A telephone of the household counts for each of its people, too."""
    own = contact_links.c.household_id == h.id
    unit: Any = h.id
    if frame.unit is Unit.PERSON:
        own = and_(own, or_(contact_links.c.person_id == p.id, contact_links.c.person_id.is_(None)))
        unit = p.id
    opted = contacts.c.opted_out_at.is_not(None)
    good = and_(contacts.c.status == "active", ~opted)
    linked = (
        units_from(frame.unit)
        .join(contact_links, and_(own, contact_links.c.ended_at.is_(None)))
        .join(contacts, contacts.c.id == contact_links.c.contact_id)
    )
    place = and_(_whole(frame), wanted(frame))
    channels = (
        select(contacts.c.channel, func.count(unit.distinct()))
        .select_from(linked)
        .where(place, good)
        .group_by(contacts.c.channel)
        .order_by(contacts.c.channel)
    )
    each = (
        select(
            func.max(case((good, 1), else_=0)).label("good"),
            func.max(case((and_(contacts.c.status == "active", opted), 1), else_=0)).label("opted"),
        )
        .select_from(linked)
        .where(place)
        .group_by(unit)
        .subquery()
    )
    with_contact = dict.fromkeys(("good", "opted", "blocked"), 0)
    grouped = select(each.c.good, each.c.opted, func.count()).group_by(each.c.good, each.c.opted)
    for reached, opted_out, number in connection.execute(grouped):
        with_contact["good" if reached else "opted" if opted_out else "blocked"] += number
    return Reach(
        channels={row[0]: int(row[1]) for row in connection.execute(channels)},
        reached=with_contact["good"],
        no_contact=count(connection, frame) - sum(with_contact.values()),
        blocked=with_contact["blocked"],
        opted_out=with_contact["opted"],
    )


# ── units one by one ────────────────────────────────────────────────────────────────────────────────────────


def units(connection: Connection, frame: Frame, by: Strata) -> Iterator[Drawable]:
    """Every unit that gets a case, for a draw: its key is what :func:`ids_of` reads. Read piece by piece."""
    columns = [h.id, h.area_code, h.neighbourhood]
    if frame.unit is Unit.PERSON:
        columns.append(p.id)
    statement = (
        select(*columns)
        .select_from(units_from(frame.unit))
        .where(_whole(frame), wanted(frame))
        .execution_options(stream_results=True, yield_per=PIECE)
    )
    for household, code, neighbourhood, *person in connection.execute(statement):
        key = f"{household}.{person[0]}" if person else str(household)
        yield Drawable(key, stratum_of(by, code, neighbourhood))


def ids_of(key: str) -> tuple[int, int | None]:
    """*(household, person)* of a unit's key."""
    household, _, person = key.partition(".")
    return int(household), int(person) if person else None
