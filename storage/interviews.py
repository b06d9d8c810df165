"""Cases and interviews: who is asked what, how far they are, and every value an answer ever had."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec
from sqlalchemy import Connection, bindparam, func, insert, select, update

from storage.crypto import Keyring
from storage.database import insert_row
from storage.schema import answer_log, campaigns, cases, interviews
from surveys.interview import State

_DOCUMENT = b"interviews.document"
_VALUE = b"answer_log.value"
_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(State).decode


@dataclass(frozen=True, slots=True)
class Interview:
    """An interview with what a turn needs of its case and campaign (a wizard has neither: zero and empty).

    ``version`` rises with every write.
    """

    id: int
    case_id: int
    instrument_id: int
    stage: str
    way: str
    status: str
    version: int
    campaign_id: int
    campaign_code: str
    campaign_title: str
    campaign_status: str
    campaign_ends: str
    reference_date: str
    area_code: str
    state: State


@dataclass(frozen=True, slots=True)
class Logged:
    """One line of the answer log. ``value`` None with ``missing`` None never occurs."""

    interview_id: int
    contact_id: int
    ref: str
    value: str | None
    missing: str | None
    way: str
    message: str


_FIND = (
    select(
        interviews.c.id,
        func.coalesce(interviews.c.case_id, 0),
        interviews.c.instrument_id,
        interviews.c.stage,
        interviews.c.way,
        interviews.c.status,
        interviews.c.version,
        func.coalesce(cases.c.campaign_id, 0),
        func.coalesce(campaigns.c.code, ""),
        func.coalesce(campaigns.c.title, ""),
        func.coalesce(campaigns.c.status, ""),
        func.coalesce(campaigns.c.ends_on, ""),
        func.coalesce(campaigns.c.reference_date, ""),
        func.coalesce(cases.c.area_code, ""),
        interviews.c.document_sealed,
    )
    .select_from(
        interviews.outerjoin(cases, cases.c.id == interviews.c.case_id).outerjoin(
            campaigns, campaigns.c.id == cases.c.campaign_id
        )
    )
    .where(interviews.c.id.in_(bindparam("ids", expanding=True)))
    .order_by(interviews.c.id)
    .with_for_update(of=interviews)
)
_SAVE = (
    update(interviews)
    .where(interviews.c.id == bindparam("key"), interviews.c.version == bindparam("was"))
    .values(
        document_sealed=bindparam("document"),
        status=bindparam("now_status"),
        version=bindparam("now_version"),
        changed_at=bindparam("now"),
    )
)


_LOG = insert(answer_log)
_CASE = select(cases.c.id).where(
    cases.c.campaign_id == bindparam("campaign"), cases.c.contact_id == bindparam("contact")
)
_DISPOSE = (
    update(cases)
    .where(cases.c.id == bindparam("key"))
    .values(disposition=bindparam("code"), changed_at=bindparam("now"))
)
_STAGES = select(interviews.c.stage, interviews.c.id).where(interviews.c.case_id == bindparam("case"))


def find(connection: Connection, keyring: Keyring, ids: Sequence[int]) -> dict[int, Interview]:
    """The interviews with these ids, locked in order of id."""
    if not ids:
        return {}
    found = {}
    for row in connection.execute(_FIND, {"ids": list(ids)}):
        *plain, sealed = row
        found[row[0]] = Interview(*plain, _decode(keyring.open(sealed, _DOCUMENT)))  # type: ignore[call-arg]
    return found


def save(
    connection: Connection, keyring: Keyring, changed: Sequence[tuple[Interview, State, str]], now: int
) -> None:
    """Write new states and statuses of interviews that :func:`find` locked."""
    if changed:
        connection.execute(
            _SAVE,
            [
                {
                    "key": interview.id,
                    "was": interview.version,
                    "document": keyring.seal(_encode(state), _DOCUMENT),
                    "now_status": status,
                    "now_version": interview.version + 1,
                    "now": now,
                }
                for interview, state, status in changed
            ],
        )


def log_answers(connection: Connection, keyring: Keyring, lines: Sequence[Logged], now: int) -> None:
    """Append to the answer log, in the order given."""
    if lines:
        connection.execute(
            _LOG,
            [
                {
                    "interview_id": line.interview_id,
                    "contact_id": line.contact_id,
                    "ref": line.ref,
                    "value_sealed": None if line.value is None else keyring.seal(line.value.encode(), _VALUE),
                    "missing": line.missing,
                    "way": line.way,
                    "message": line.message or None,
                    "at": now,
                }
                for line in lines
            ],
        )


def answered_by_message(connection: Connection, contact_id: int, message: str) -> tuple[int, str] | None:
    """*(interview id, reference)* that a message of this contact had answered last."""
    row = connection.execute(
        select(answer_log.c.interview_id, answer_log.c.ref)
        .where(answer_log.c.contact_id == contact_id, answer_log.c.message == message)
        .order_by(answer_log.c.id.desc())
        .limit(1)
    ).one_or_none()
    return (row[0], row[1]) if row else None


def answer_history(
    connection: Connection, keyring: Keyring, interview_id: int
) -> list[tuple[str, str | None, str | None, int]]:
    """Every value of every answer: *(reference, value, missing, at)*, oldest first."""
    statement = (
        select(answer_log.c.ref, answer_log.c.value_sealed, answer_log.c.missing, answer_log.c.at)
        .where(answer_log.c.interview_id == interview_id)
        .order_by(answer_log.c.id)
    )
    return [
        (ref, None if sealed is None else keyring.open(sealed, _VALUE).decode(), missing, at)
        for ref, sealed, missing, at in connection.execute(statement)
    ]


def open_case(
    connection: Connection, campaign_id: int, contact_id: int, unit: str, area_code: str, now: int
) -> int:
    """The case of this contact in this campaign, made if there is none; its id."""
    key: int | None = connection.execute(_CASE, {"campaign": campaign_id, "contact": contact_id}).scalar()
    if key is None:
        key = insert_row(
            connection,
            cases,
            campaign_id=campaign_id,
            contact_id=contact_id,
            unit=unit,
            area_code=area_code,
            disposition="2.20",
            created_at=now,
            changed_at=now,
        )
    return key


def set_dispositions(connection: Connection, changed: Sequence[tuple[int, str]], now: int) -> None:
    """Write AAPOR disposition codes of cases: *(case id, code)*."""
    if changed:
        connection.execute(
            _DISPOSE,
            [{"key": case_id, "code": code, "now": now} for case_id, code in sorted(changed)],
        )


def begin(
    connection: Connection,
    keyring: Keyring,
    case_id: int | None,
    instrument_id: int,
    stage: str,
    way: str,
    state: State,
    now: int,
) -> int:
    """A new interview for a case; its id."""
    key = insert_row(
        connection,
        interviews,
        case_id=case_id,
        instrument_id=instrument_id,
        stage=stage,
        way=way,
        document_sealed=keyring.seal(_encode(state), _DOCUMENT),
        status="open",
        version=1,
        started_at=now,
        changed_at=now,
    )
    return int(key)


def of_case(connection: Connection, case_id: int) -> dict[str, int]:
    """The interviews of a case by stage."""
    return {row.stage: row.id for row in connection.execute(_STAGES, {"case": case_id})}


def restart(
    connection: Connection, keyring: Keyring, interview_id: int, state: State, version: int, now: int
) -> None:
    """Open a submitted interview again with ``state`` (its submission stays until a newer one amends it)."""
    connection.execute(
        update(interviews)
        .where(interviews.c.id == interview_id, interviews.c.version == version)
        .values(
            document_sealed=keyring.seal(_encode(state), _DOCUMENT),
            status="open",
            version=version + 1,
            changed_at=now,
        )
    )


def of_contact(connection: Connection, contact_id: int) -> set[int]:
    """The interviews of a contact's cases."""
    statement = (
        select(interviews.c.id)
        .join(cases, cases.c.id == interviews.c.case_id)
        .where(cases.c.contact_id == contact_id)
    )
    return {row[0] for row in connection.execute(statement)}


def newest_submitted(connection: Connection, contact_id: int) -> int | None:
    """The interview this contact handed in last."""
    key: int | None = connection.execute(
        select(interviews.c.id)
        .join(cases, cases.c.id == interviews.c.case_id)
        .where(
            cases.c.contact_id == contact_id, interviews.c.stage == "main", interviews.c.status == "submitted"
        )
        .order_by(interviews.c.changed_at.desc(), interviews.c.id.desc())
        .limit(1)
    ).scalar()
    return key


def newest_campaign(connection: Connection, contact_id: int) -> int | None:
    """The campaign of this contact's newest case."""
    key: int | None = connection.execute(
        select(cases.c.campaign_id)
        .where(cases.c.contact_id == contact_id)
        .order_by(cases.c.id.desc())
        .limit(1)
    ).scalar()
    return key
