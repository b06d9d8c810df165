"""Making the cases of a campaign, set by set: every step is bounded, resumable, and may be repeated.

A step inserts the cases of so many units of the frame in one statement and notes in the same transaction how
far it came (``campaigns.made_to``), so a killed process leaves nothing half made, and whoever goes on begins
where it ended. A unit that has a case already (somebody was quicker) keeps it: the unique keys say so.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from typing import Any

import msgspec
from sqlalchemy import (
    BigInteger,
    Connection,
    Engine,
    Float,
    Select,
    String,
    Table,
    bindparam,
    delete,
    func,
    literal,
    null,
    select,
    text,
    tuple_,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import IntegrityError

from storage.database import insert_row
from storage.frames import Frame, ids_of, units_from, wanted
from storage.schema import campaigns, cases, draws, households, persons
from surveys.designs import Drawn
from surveys.dispositions import Disposition
from surveys.instruments import Unit
from surveys.problems import Problem

h, p, d = households.c, persons.c, draws.c
NOT_SENT = Disposition.NOT_SENT.value


@dataclass(frozen=True, slots=True)
class Making:
    """What all cases of a campaign have in common. ``next_at`` is when to look at an untouched case first,
    None where nobody is written to. With ``drawn`` cases are made of the campaign's draw, else of the whole
    frame.
    """

    campaign_id: int
    frame: Frame
    now: int
    next_at: int | None
    drawn: Drawn | None = None


@dataclass(frozen=True, slots=True)
class Made:
    """What a step came to: cases made, units looked at, and whether all are there now."""

    cases: int
    units: int
    done: bool


def step(connection: Connection, making: Making, limit: int) -> Made:
    """Make the cases of the next units of the frame, at most ``limit`` units (of persons: households).

    Does nothing once the campaign is closed, or all its cases are there.
    """
    row = connection.execute(
        select(campaigns.c.made_to, campaigns.c.made_at, campaigns.c.status)
        .where(campaigns.c.id == making.campaign_id)
        # Not the key: cases that turns make meanwhile refer to it.
        .with_for_update(key_share=True)
    ).one()
    if row.made_at is not None or row.status in ("closed", "archived"):
        return Made(0, 0, True)
    at = tuple(msgspec.json.decode(row.made_to)) if row.made_to else ()
    walk = _of_frame if making.drawn is None else _of_draw
    made, looked, to = walk(connection, making, at, limit)
    written: dict[str, Any] = {"made_to": msgspec.json.encode(to).decode()} if to else {"made_to": None}
    if not to:
        written["made_at"] = making.now
    connection.execute(update(campaigns).where(campaigns.c.id == making.campaign_id).values(**written))
    return Made(made, looked, not to)


def carry_over(engine: Engine) -> None:
    """On SQLite, copy what was committed from the log into the file, beside the lane: else the lane does it
    itself at some commit, a long log at once, and turns wait for it. For a thread of its own.
    """
    if engine.dialect.name == "sqlite":
        with engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA wal_checkpoint(PASSIVE)").all()


def settle(connection: Connection) -> None:
    """Let PostgreSQL know how large its table of cases has become, before the first of them are asked for: by
    what it knew before, it would sort them all. SQLite chooses by the shape of its indexes.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(text("ANALYZE cases"))


_Position = tuple[Any, ...]
COMMUNES = 40
"""Communes walked in one step at most, however few live there."""

_commune = (h.area_vintage == bindparam("vintage"), h.area_code == bindparam("commune"))
_order = tuple_(h.neighbourhood, h.id)
_beyond = _order > tuple_(bindparam("neighbourhood", type_=String), bindparam("number", type_=BigInteger))
_up_to = _order <= tuple_(bindparam("last", type_=String), bindparam("last_number", type_=BigInteger))


# Statements are made once: making one costs as much as inserting hundreds of cases.
@lru_cache
def _end_of(going_on: bool) -> Select[Any]:
    """Where so many units further a commune's piece ends; the index alone is read."""
    return (
        select(h.neighbourhood, h.id)
        .where(*_commune, *([_beyond] if going_on else []))
        .order_by(h.neighbourhood, h.id)
        .limit(1)
        .offset(bindparam("further"))
    )


@lru_cache
def _left_of(going_on: bool) -> Select[Any]:
    """How many units are left of a commune."""
    return select(func.count()).select_from(households).where(*_commune, *([_beyond] if going_on else []))


@lru_cache(maxsize=32)
def _piece(frame: Frame, going_on: bool, ends: bool) -> Select[Any]:
    """The cases of a commune, from a place on and up to one."""
    bounds = [*([_beyond] if going_on else []), *([_up_to] if ends else [])]
    return (
        select(*_columns(frame.unit, literal(""), null(), null()))
        .select_from(units_from(frame.unit))
        .where(*_commune, *bounds, wanted(frame))
        .order_by(h.neighbourhood, h.id, *([p.id] if frame.unit is Unit.PERSON else []))
    )


def _of_frame(
    connection: Connection, making: Making, at: _Position, limit: int
) -> tuple[int, int, _Position]:
    """Along the frame's index: commune by commune, in each by neighbourhood and number."""
    frame = making.frame
    made = looked = 0
    left = [commune for commune in frame.communes if not at or commune >= at[0]]
    for number, commune in enumerate(left):
        if number == COMMUNES:
            return made, looked, (commune,)
        going_on = len(at) > 1 and commune == at[0]
        place: dict[str, Any] = {"vintage": frame.vintage, "commune": commune}
        if going_on:
            place |= {"neighbourhood": at[1], "number": at[2]}
        further = {"further": limit - looked - 1}
        ends = connection.execute(_end_of(going_on), {**place, **further}).one_or_none()
        piece = _piece(frame, going_on, ends is not None)
        up_to = {} if ends is None else {"last": ends[0], "last_number": ends[1]}
        made += _insert(connection, piece, {**_common(making), **place, **up_to})
        if ends is not None:
            return made, limit, (commune, *ends)
        looked += int(connection.execute(_left_of(going_on), place).scalar_one())
    return made, looked, ()


@lru_cache
def _drawn(unit: Unit) -> Select[Any]:
    """The cases of some ranks of a stratum's draw."""
    tables = draws.join(households, h.id == d.household_id)
    if unit is Unit.PERSON:
        tables = tables.join(persons, p.id == d.person_id)
    stratum = bindparam("stratum_now", type_=String)
    return (
        select(*_columns(unit, stratum, bindparam("chance", type_=Float), d.rank))
        .select_from(tables)
        .where(d.campaign_id == bindparam("campaign"), d.stratum == stratum)
        .where(d.rank > bindparam("since"), d.rank <= bindparam("last_rank"))
        .order_by(d.rank)
    )


def _of_draw(connection: Connection, making: Making, at: _Position, limit: int) -> tuple[int, int, _Position]:
    """Along the draw: stratum by stratum, in each by rank, as far as the sample goes."""
    assert making.drawn is not None
    made = looked = 0
    for stratum, size in sorted(making.drawn.sample.items()):
        if at and stratum < at[0]:
            continue
        since = at[1] if at and stratum == at[0] else 0
        to = min(size, since + limit - looked)
        if to > since:
            ranks = {"stratum_now": stratum, "since": since, "last_rank": to}
            chance = {"chance": making.drawn.probability(stratum)}
            piece = _drawn(making.frame.unit)
            made += _insert(connection, piece, {**_common(making), **ranks, **chance})
            looked += to - since
        if looked >= limit:
            return made, looked, (stratum, to)
    return made, looked, ()


_WRITTEN = (
    "campaign_id",
    "unit",
    "area_code",
    "neighbourhood",
    "disposition",
    "created_at",
    "changed_at",
    "household_id",
    "person_id",
    "stratum",
    "probability",
    "rank",
    "next_at",
)


def _common(making: Making) -> dict[str, Any]:
    """What all cases of a campaign have in common, as the statements name it."""
    return {"campaign": making.campaign_id, "now": making.now, "next": making.next_at}


def _columns(unit: Unit, stratum: Any, probability: Any, rank: Any) -> list[Any]:
    """The columns of a case, in the order of :data:`_WRITTEN`."""
    now = bindparam("now", type_=BigInteger)
    values: list[Any] = [
        bindparam("campaign", type_=BigInteger),
        literal(unit.value),
        h.area_code,
        h.neighbourhood,
        literal(NOT_SENT),
        now,
        now,
        h.id,
        p.id if unit is Unit.PERSON else null(),
        stratum,
        probability,
        rank,
        bindparam("next", type_=BigInteger),
    ]
    return [value.label(name) for name, value in zip(_WRITTEN, values, strict=True)]


@lru_cache(maxsize=64)
def _inserting(dialect: str, found: Select[Any], unless_there: bool) -> Any:
    inserted = _insert_into(dialect, cases).from_select(_WRITTEN, found)
    return inserted.on_conflict_do_nothing() if unless_there else inserted


def _insert(connection: Connection, found: Select[Any], given: Mapping[str, Any]) -> int:
    """Insert those cases that are not there; how many."""
    dialect = connection.dialect.name
    if dialect == "postgresql":
        # To ask row by row costs a sixth of all, and seldom is there any.
        try:
            with connection.begin_nested():
                return int(connection.execute(_inserting(dialect, found, False), given).rowcount)
        except IntegrityError:
            pass
    return int(connection.execute(_inserting(dialect, found, True), given).rowcount)


def _insert_into(dialect: str, table: Table) -> Any:
    return (sqlite if dialect == "sqlite" else postgresql).insert(table)


# ── the draw ────────────────────────────────────────────────────────────────────────────────────────────────

ROWS = 2_000
"""Rows of a draw written or removed in one transaction."""


def rows_of(campaign_id: int, order: Mapping[str, Sequence[str]]) -> Iterable[dict[str, Any]]:
    """The rows of a draw from the keys of each stratum in order."""
    for stratum, keys in order.items():
        for rank, key in enumerate(keys, 1):
            household, person = ids_of(key)
            yield {
                "campaign_id": campaign_id,
                "stratum": stratum,
                "rank": rank,
                "household_id": household,
                "person_id": person,
            }


def pieces(rows: Iterable[dict[str, Any]]) -> Iterable[list[dict[str, Any]]]:
    """Rows in pieces that one transaction writes."""
    left = iter(rows)
    while piece := list(islice(left, ROWS)):
        yield piece


def keep_draw(connection: Connection, rows: Sequence[dict[str, Any]]) -> None:
    """Write a piece of a draw."""
    connection.execute(_insert_into(connection.dialect.name, draws).on_conflict_do_nothing(), list(rows))


def forget_draw(connection: Connection, campaign_id: int) -> int:
    """Remove a piece of a draw that was not finished; how many rows."""
    some = select(d.stratum, d.rank).where(d.campaign_id == campaign_id).limit(ROWS)
    gone = delete(draws).where(d.campaign_id == campaign_id, tuple_(d.stratum, d.rank).in_(some))
    return int(connection.execute(gone).rowcount)


# ── replacement ─────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Lost:
    """A case of a sample that is to be replaced."""

    id: int
    campaign_id: int
    area_code: str
    disposition: str
    stratum: str
    probability: float
    next_at: int | None


def replaceable(connection: Connection, campaign_id: int, case_id: int) -> Lost:
    """A case that may be replaced: drawn, not answered, not replaced yet.

    Raises Problem ``case_unknown`` (404), ``case_not_of_sample``, ``case_answered``, ``case_replaced``.
    """
    row = connection.execute(
        select(cases).where(cases.c.id == case_id, cases.c.campaign_id == campaign_id).with_for_update()
    ).one_or_none()
    if row is None:
        raise Problem("case_unknown", status=404, case=case_id)
    if row.rank is None or row.probability is None:
        raise Problem("case_not_of_sample", case=case_id)
    if row.disposition in (Disposition.COMPLETE, Disposition.PARTIAL):
        raise Problem("case_answered", case=case_id)
    if connection.execute(select(cases.c.id).where(cases.c.replaces == case_id)).first() is not None:
        raise Problem("case_replaced", case=case_id)
    return Lost(
        row.id,
        row.campaign_id,
        row.area_code,
        row.disposition,
        row.stratum,
        row.probability,
        row.next_at,
    )


def replace(connection: Connection, lost: Lost, unit: Unit, code: str, now: int, next_at: int | None) -> int:
    """Close a lost case with disposition ``code`` and take the next unit of its stratum's reserve; its case.

    A unit of the reserve that has left the frame since, or has a case already, is passed over. The new case
    has the probability of its stratum. Raises Problem ``reserve_empty``.
    """
    used = select(func.coalesce(func.max(cases.c.rank), 0)).where(
        cases.c.campaign_id == lost.campaign_id, cases.c.stratum == lost.stratum
    )
    tables = draws.join(households, h.id == d.household_id).outerjoin(persons, p.id == d.person_id)
    there = h.status == "active"
    if unit is Unit.PERSON:
        there &= p.status == "active"
        same = cases.c.person_id == d.person_id
    else:
        same = (cases.c.household_id == d.household_id) & cases.c.person_id.is_(None)
    taken = select(cases.c.id).where(cases.c.campaign_id == lost.campaign_id, same).exists()
    following = connection.execute(
        select(d.rank, d.household_id, d.person_id, h.area_code, h.neighbourhood)
        .select_from(tables)
        .where(d.campaign_id == lost.campaign_id, d.stratum == lost.stratum)
        .where(d.rank > used.scalar_subquery(), there, ~taken)
        .order_by(d.rank)
        .limit(1)
    ).one_or_none()
    if following is None:
        raise Problem("reserve_empty", stratum=lost.stratum)
    connection.execute(
        update(cases).where(cases.c.id == lost.id).values(disposition=code, next_at=None, changed_at=now)
    )
    return insert_row(
        connection,
        cases,
        campaign_id=lost.campaign_id,
        unit=unit.value,
        area_code=following.area_code,
        neighbourhood=following.neighbourhood,
        disposition=NOT_SENT,
        created_at=now,
        changed_at=now,
        household_id=following.household_id,
        person_id=following.person_id,
        stratum=lost.stratum,
        probability=lost.probability,
        rank=following.rank,
        replaces=lost.id,
        next_at=next_at,
    )
