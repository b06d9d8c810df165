"""Whom to print invitations for: households of a campaign with their people, place by place."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, func, select, true

from storage.crypto import Keyring
from storage.households import opened
from storage.schema import cases, households, persons
from surveys.dispositions import OPEN, Disposition

PIECE = 2_000
"""Rows read at once."""

h, p = households.c, persons.c
_FRAMED = cases.join(households, households.c.id == cases.c.household_id).outerjoin(
    persons, persons.c.id == cases.c.person_id
)


_NEVER = sorted(
    code.value
    for code in (
        Disposition.REFUSED,
        Disposition.OPTED_OUT,
        Disposition.OUT_OF_SCOPE,
        Disposition.DUPLICATE,
        Disposition.QUOTA_FULL,
    )
)


@dataclass(frozen=True, slots=True)
class Invitee:
    """A case to print a code for: of a person (``name``, ``number``), or of the household as a whole."""

    case_id: int
    name: str
    number: int


@dataclass(frozen=True, slots=True)
class Addressee:
    """A household to bring paper to."""

    household_id: int
    area_code: str
    neighbourhood: str
    code: str
    head: str
    address: str
    invitees: tuple[Invitee, ...]


def _asked(
    campaign_id: int,
    areas: Collection[str] | None,
    neighbourhoods: Collection[str] | None,
    waiting: bool,
) -> ColumnElement[bool]:
    """Cases of households that are there: of these communes and neighbourhoods, or only those that have not
    answered. Nobody is written to who has refused, or is not of those asked after all.
    """
    return and_(
        cases.c.campaign_id == campaign_id,
        cases.c.disposition.not_in(_NEVER),
        households.c.status == "active",
        true() if areas is None else cases.c.area_code.in_(sorted(areas)),
        true() if neighbourhoods is None else cases.c.neighbourhood.in_(sorted(neighbourhoods)),
        cases.c.disposition.in_(sorted(code.value for code in OPEN)) if waiting else true(),
    )


def places(
    connection: Connection,
    campaign_id: int,
    areas: Collection[str] | None,
    neighbourhoods: Collection[str] | None,
    *,
    waiting: bool,
) -> list[int]:
    """How many households each neighbourhood has that are to get something, in order."""
    c = cases.c
    statement = (
        select(func.count(c.household_id.distinct()))
        .select_from(_FRAMED)
        .where(_asked(campaign_id, areas, neighbourhoods, waiting))
        .group_by(c.area_code, c.neighbourhood)
        .order_by(c.area_code, c.neighbourhood)
    )
    return list(connection.execute(statement).scalars())


def addressees(
    connection: Connection,
    keyring: Keyring,
    campaign_id: int,
    areas: Collection[str] | None,
    neighbourhoods: Collection[str] | None,
    *,
    waiting: bool,
) -> Iterator[Addressee]:
    """Those households, by commune and neighbourhood; read piece by piece, what is sealed opened."""
    statement = (
        select(
            cases.c.id,
            cases.c.area_code,
            cases.c.neighbourhood,
            cases.c.household_id,
            h.code_sealed,
            h.head_sealed,
            h.address_sealed,
            p.name_sealed,
            p.number,
        )
        .select_from(_FRAMED)
        .where(_asked(campaign_id, areas, neighbourhoods, waiting))
        .order_by(cases.c.area_code, cases.c.neighbourhood, cases.c.household_id, p.number, cases.c.id)
        .execution_options(stream_results=True, yield_per=PIECE)
    )
    found = connection.execute(statement)
    for _, rows in groupby(found, key=lambda row: (row.area_code, row.neighbourhood, row.household_id)):
        yield _addressee(keyring, list(rows))


def _addressee(keyring: Keyring, rows: list[Any]) -> Addressee:
    first = rows[0]
    return Addressee(
        household_id=first.household_id,
        area_code=first.area_code,
        neighbourhood=first.neighbourhood,
        code=opened(keyring, "code", first.code_sealed),
        head=opened(keyring, "head", first.head_sealed),
        address=opened(keyring, "address", first.address_sealed),
        invitees=tuple(
            Invitee(row.id, opened(keyring, "name", row.name_sealed), row.number or 0) for row in rows
        ),
    )
