"""Personal invitations: codes that lead to one case, and the people of a household who get one.

A code is the number of its case with a tag under the campaign's code key: nothing of it is kept. What is kept
is who used it (:mod:`storage.cases`), and how often somebody tried a wrong one.
"""

from __future__ import annotations

import hmac
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import msgspec
from sqlalchemy import Connection, bindparam, delete, func, insert, select, update

from storage import areas
from storage.crypto import Keyring
from storage.database import insert_row
from storage.households import opened
from storage.schema import (
    campaigns,
    case_contacts,
    cases,
    instruments,
    interviews,
    invited_members,
    persons,
    wrong_codes,
)
from surveys.areas import AreaKey
from surveys.campaigns import Status
from surveys.personal_codes import write

_BROUGHT = b"invited_members.brought"
_NO_TAG = b"\0" * 5


@dataclass(frozen=True, slots=True)
class Invited:
    """A case that a code leads to. ``brought`` is what a household's roster knows of the person, for hidden
    fields; ``withdrawn`` says that the roster does not have them any more.
    """

    case_id: int
    campaign_id: int
    area_code: str
    household_id: int | None = None
    member: int | None = None
    brought: Mapping[str, str] = field(default_factory=dict)
    withdrawn: bool = False


_CASE = (
    select(
        cases.c.id,
        cases.c.campaign_id,
        cases.c.area_code,
        campaigns.c.code_key,
        invited_members.c.household_id,
        invited_members.c.member,
        invited_members.c.brought_sealed,
        invited_members.c.withdrawn,
    )
    .select_from(
        cases.join(campaigns, campaigns.c.id == cases.c.campaign_id).outerjoin(
            invited_members, invited_members.c.case_id == cases.c.id
        )
    )
    .where(cases.c.id == bindparam("case"))
)


def _invited(keyring: Keyring, row: Any) -> Invited:
    case_id, campaign_id, area_code, _, household_id, member, sealed, withdrawn = row
    brought = msgspec.json.decode(keyring.open(sealed, _BROUGHT), type=dict[str, str]) if sealed else {}
    return Invited(case_id, campaign_id, area_code, household_id, member, brought, bool(withdrawn))


def of_case(connection: Connection, keyring: Keyring, case_id: int) -> Invited | None:
    """What is known of a case before it is asked anything."""
    row = connection.execute(_CASE, {"case": case_id}).one_or_none()
    return None if row is None else _invited(keyring, row)


def find(connection: Connection, keyring: Keyring, case_id: int, tag: bytes) -> Invited | None:
    """The case of a code, if the tag is its own. Compared in constant time, also where there is no case."""
    row = connection.execute(_CASE, {"case": case_id}).one_or_none()
    right = _NO_TAG
    if row is not None and row.code_key is not None:
        right = keyring.code_tag(row.code_key, row.campaign_id, row.id)
    if not hmac.compare_digest(right, tag) or row is None or row.code_key is None:
        return None
    return _invited(keyring, row)


def code(connection: Connection, keyring: Keyring, campaign_id: int, case_id: int) -> str:
    """The personal code of a case; see :func:`codes`."""
    return codes(connection, keyring, campaign_id, [case_id])[case_id]


def codes(
    connection: Connection, keyring: Keyring, campaign_id: int, case_ids: Iterable[int]
) -> dict[int, str]:
    """The personal codes of cases. The campaign's code key is settled with the first one, and stays."""
    kept = select(campaigns.c.code_key).where(campaigns.c.id == campaign_id)
    key = connection.execute(kept).scalar_one()
    if key is None:
        connection.execute(
            update(campaigns)
            .where(campaigns.c.id == campaign_id, campaigns.c.code_key.is_(None))
            .values(code_key=keyring.code_key)
        )
        key = connection.execute(kept).scalar_one()
    return {case_id: write(case_id, keyring.code_tag(key, campaign_id, case_id)) for case_id in case_ids}


def campaign_asking(
    connection: Connection, instrument: str, area: AreaKey, today: date
) -> tuple[int, str] | None:
    """The campaign whose days include today and that asks any version of ``instrument`` where ``area`` is:
    *(id, title)*. Of several that of the smallest area, then the newest.
    """
    line = areas.line(connection, area)
    statement = (
        select(campaigns.c.id, campaigns.c.title, campaigns.c.area_vintage, campaigns.c.area_code)
        .join(instruments, instruments.c.id == campaigns.c.instrument_id)
        .where(
            instruments.c.name == instrument,
            campaigns.c.status == Status.OPEN.value,
            campaigns.c.area_vintage == area[0],
            campaigns.c.area_code.in_([code for _, code in line]),
            campaigns.c.starts_on <= today.isoformat(),
            campaigns.c.ends_on >= today.isoformat(),
        )
        .order_by(campaigns.c.id.desc())
    )
    found = connection.execute(statement).all()
    near = {key: place for place, key in enumerate(line)}
    best = min(found, key=lambda row: near[row.area_vintage, row.area_code], default=None)
    return None if best is None else (int(best.id), str(best.title))


def household_of(connection: Connection, case_id: int) -> tuple[int, int] | None:
    """The household out of whose roster the case came: *(its campaign, its case)*."""
    statement = (
        select(cases.c.campaign_id, cases.c.id)
        .join(invited_members, invited_members.c.household_id == cases.c.id)
        .where(invited_members.c.case_id == case_id)
    )
    row = connection.execute(statement).one_or_none()
    return None if row is None else (int(row[0]), int(row[1]))


def of_household(connection: Connection, keyring: Keyring, household_id: int) -> dict[int, Invited]:
    """The cases of a household's people, by their number in it."""
    statement = (
        select(*_CASE.selected_columns)
        .select_from(
            cases.join(campaigns, campaigns.c.id == cases.c.campaign_id).join(
                invited_members, invited_members.c.case_id == cases.c.id
            )
        )
        .where(invited_members.c.household_id == household_id)
        .order_by(cases.c.id)
    )
    found = [_invited(keyring, row) for row in connection.execute(statement)]
    return {one.member: one for one in found if one.member is not None}


def invite(
    connection: Connection,
    keyring: Keyring,
    *,
    campaign_id: int,
    household_id: int,
    member: int,
    area_code: str,
    brought: Mapping[str, str],
    now: int,
) -> int:
    """A case for a member of a household; its id."""
    key = insert_row(
        connection,
        cases,
        campaign_id=campaign_id,
        unit="person",
        area_code=area_code,
        disposition="2.20",
        created_at=now,
        changed_at=now,
    )
    connection.execute(
        insert(invited_members).values(
            case_id=key,
            household_id=household_id,
            member=member,
            brought_sealed=keyring.seal(msgspec.json.encode(brought), _BROUGHT),
            withdrawn=False,
        )
    )
    return key


def bring(
    connection: Connection, keyring: Keyring, case_id: int, brought: Mapping[str, str], *, withdrawn: bool
) -> None:
    """Write what the newest roster knows of an invited member, and whether it still has them."""
    connection.execute(
        update(invited_members)
        .where(invited_members.c.case_id == case_id)
        .values(
            brought_sealed=keyring.seal(msgspec.json.encode(brought), _BROUGHT),
            withdrawn=withdrawn,
        )
    )


def adopt(
    connection: Connection,
    keyring: Keyring,
    *,
    case_id: int,
    household_id: int,
    member: int,
    brought: Mapping[str, str],
) -> None:
    """Let a member of a household's roster answer by the case that the frame has of them already."""
    connection.execute(
        insert(invited_members).values(
            case_id=case_id,
            household_id=household_id,
            member=member,
            brought_sealed=keyring.seal(msgspec.json.encode(brought), _BROUGHT),
            withdrawn=False,
        )
    )


@dataclass(frozen=True, slots=True)
class Listed:
    """A case of somebody of the frame, with what the frame knows of them. ``birth`` is MM/YYYY, YYYY or
    empty, ``sex`` male, female or empty; ``status`` that of their interview, empty before it was begun.
    """

    case_id: int
    campaign_id: int
    household_id: int
    person_id: int
    number: int
    name: str
    sex: str
    birth: str
    relation: str
    status: str


_LISTED = (
    select(
        cases.c.id,
        cases.c.campaign_id,
        persons.c.household_id,
        persons.c.id.label("person_id"),
        persons.c.number,
        persons.c.name_sealed,
        persons.c.sex,
        persons.c.birth_sealed,
        persons.c.relation,
        func.coalesce(interviews.c.status, "").label("status"),
    )
    .select_from(
        cases.join(persons, persons.c.id == cases.c.person_id)
        .join(campaigns, campaigns.c.id == cases.c.campaign_id)
        .outerjoin(interviews, (interviews.c.case_id == cases.c.id) & (interviews.c.stage == "main"))
    )
    .where(persons.c.status == "active")
    .order_by(persons.c.number, cases.c.id)
)


def _listed(keyring: Keyring, row: Any) -> Listed:
    year, _, month = opened(keyring, "birth", row.birth_sealed).partition("-")
    return Listed(
        case_id=row.id,
        campaign_id=row.campaign_id,
        household_id=row.household_id,
        person_id=row.person_id,
        number=row.number,
        name=opened(keyring, "name", row.name_sealed),
        sex=row.sex,
        birth=f"{month}/{year}" if month else year,
        relation=row.relation,
        status=row.status,
    )


def listed(connection: Connection, keyring: Keyring, case_id: int) -> Listed | None:
    """What the frame knows of the person of a case; None for a case of nobody in it."""
    row = connection.execute(_LISTED.where(cases.c.id == case_id)).one_or_none()
    return None if row is None else _listed(keyring, row)


def listed_of(
    connection: Connection, keyring: Keyring, household_ids: Collection[int], today: date
) -> list[Listed]:
    """The cases of the people of households of the frame, in campaigns that ask today; by their number."""
    statement = _LISTED.where(
        persons.c.household_id.in_(sorted(household_ids)),
        campaigns.c.status == Status.OPEN.value,
        campaigns.c.starts_on <= today.isoformat(),
        campaigns.c.ends_on >= today.isoformat(),
    )
    return [_listed(keyring, row) for row in connection.execute(statement)]


def begun(connection: Connection, case_ids: Collection[int]) -> set[int]:
    """Those of these cases that somebody answers for already."""
    statement = select(case_contacts.c.case_id).where(case_contacts.c.case_id.in_(case_ids)).distinct()
    return {row[0] for row in connection.execute(statement)}


def wrong(connection: Connection, contact_id: int, since: int) -> int:
    """How many wrong codes a contact tried since then."""
    statement = select(func.count()).where(wrong_codes.c.contact_id == contact_id, wrong_codes.c.at > since)
    return int(connection.execute(statement).scalar_one())


def note_wrong(connection: Connection, contact_id: int, now: int, forget_before: int) -> None:
    """Note a wrong code, and forget those of this contact from before."""
    connection.execute(
        delete(wrong_codes).where(wrong_codes.c.contact_id == contact_id, wrong_codes.c.at <= forget_before)
    )
    connection.execute(insert(wrong_codes).values(contact_id=contact_id, at=now))
