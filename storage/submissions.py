"""Finished interviews: kept whole, amended by a newer revision, never overwritten; and the consents they
gave.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import msgspec
from sqlalchemy import Connection, bindparam, exists, func, insert, select, update

from storage.crypto import Keyring
from storage.database import insert_row
from storage.schema import cases, consent_texts, consents, person_rows, submissions
from surveys.interview import Result

_DOCUMENT = b"submissions.document"
_ROW = b"person_rows.row"
_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Result).decode


@dataclass(frozen=True, slots=True)
class Submission:
    """A finished interview as stored."""

    id: int
    interview_id: int
    case_id: int
    campaign_id: int
    instrument_id: int
    stage: str
    revision: int
    receipt: str
    channel: str
    way: str
    at: int
    result: Result


_LATEST = (
    select(submissions)
    .where(submissions.c.interview_id == bindparam("interview"))
    .order_by(submissions.c.revision.desc())
    .limit(1)
)
_REVISION = select(func.max(submissions.c.revision)).where(
    submissions.c.interview_id == bindparam("interview")
)
_SUPERSEDE = (
    update(person_rows)
    .where(
        person_rows.c.campaign_id == bindparam("campaign"),
        person_rows.c.pseudonym == bindparam("person"),
        person_rows.c.current.is_(True),
    )
    .values(current=False)
)
_ADD_ROW = insert(person_rows)


def latest(connection: Connection, keyring: Keyring, interview_id: int) -> Submission | None:
    """The newest revision of an interview's submission."""
    row = connection.execute(_LATEST, {"interview": interview_id}).one_or_none()
    if row is None:
        return None
    return Submission(
        id=row.id,
        interview_id=row.interview_id,
        case_id=row.case_id,
        campaign_id=row.campaign_id,
        instrument_id=row.instrument_id,
        stage=row.stage,
        revision=row.revision,
        receipt=row.receipt,
        channel=row.channel,
        way=row.way,
        at=row.at,
        result=_decode(keyring.open(row.document_sealed, _DOCUMENT)),
    )


def add(
    connection: Connection,
    keyring: Keyring,
    *,
    interview_id: int,
    case_id: int,
    campaign_id: int,
    instrument_id: int,
    stage: str,
    receipt: str,
    channel: str,
    way: str,
    result: Result,
    now: int,
) -> int:
    """Write a submission as the newest revision of its interview; its id."""
    newest = connection.execute(_REVISION, {"interview": interview_id}).scalar()
    key = insert_row(
        connection,
        submissions,
        interview_id=interview_id,
        case_id=case_id,
        campaign_id=campaign_id,
        instrument_id=instrument_id,
        stage=stage,
        revision=(newest or 0) + 1,
        receipt=receipt,
        document_sealed=keyring.seal(_encode(result), _DOCUMENT),
        channel=channel,
        way=way,
        at=now,
    )
    return int(key)


@dataclass(frozen=True, slots=True)
class Counted:
    """What counting a submission needs."""

    instrument_id: int
    area_code: str
    way: str
    result: Result


def newest_of_campaign(connection: Connection, keyring: Keyring, campaign_id: int) -> Iterator[Counted]:
    """Every newest submission of a campaign's main interviews, read piece by piece."""
    newer = submissions.alias("newer")
    statement = (
        select(
            submissions.c.instrument_id, cases.c.area_code, submissions.c.way, submissions.c.document_sealed
        )
        .join(cases, cases.c.id == submissions.c.case_id)
        .where(
            submissions.c.campaign_id == campaign_id,
            submissions.c.stage == "main",
            ~exists().where(
                newer.c.interview_id == submissions.c.interview_id, newer.c.revision > submissions.c.revision
            ),
        )
        .order_by(submissions.c.id)
        .execution_options(yield_per=1000)
    )
    for instrument_id, area_code, way, sealed in connection.execute(statement):
        yield Counted(instrument_id, area_code, way, _decode(keyring.open(sealed, _DOCUMENT)))


def number_of_campaign(connection: Connection, campaign_id: int) -> int:
    """How many main interviews of a campaign were handed in."""
    statement = select(func.count(submissions.c.interview_id.distinct())).where(
        submissions.c.campaign_id == campaign_id, submissions.c.stage == "main"
    )
    return int(connection.execute(statement).scalar_one())


def add_person_row(
    connection: Connection,
    keyring: Keyring,
    *,
    submission_id: int,
    campaign_id: int,
    instrument_id: int,
    pseudonym: str,
    area_code: str,
    way: str,
    unit: str,
    row: Mapping[str, str],
) -> None:
    """Write the coded row of a submission; an earlier one of the same person stops being current."""
    connection.execute(_SUPERSEDE, {"campaign": campaign_id, "person": pseudonym})
    connection.execute(
        _ADD_ROW,
        {
            "submission_id": submission_id,
            "campaign_id": campaign_id,
            "instrument_id": instrument_id,
            "pseudonym": pseudonym,
            "area_code": area_code,
            "way": way,
            "unit": unit,
            "row_sealed": keyring.seal(msgspec.json.encode(row), _ROW),
            "current": True,
        },
    )


def add_consent(
    connection: Connection,
    *,
    case_id: int,
    submission_id: int,
    contact_id: int,
    channel: str,
    language: str,
    text: str,
    text_digest: str,
    toggles: Mapping[str, str],
    now: int,
) -> None:
    """Append to the consent record: which text (kept once per digest), which toggles, when, where, by
    whom.
    """
    known = connection.execute(
        select(consent_texts.c.digest).where(consent_texts.c.digest == text_digest)
    ).one_or_none()
    if known is None:
        connection.execute(
            insert(consent_texts).values(digest=text_digest, language=language, text=text, first_shown_at=now)
        )
    connection.execute(
        insert(consents).values(
            case_id=case_id,
            submission_id=submission_id,
            contact_id=contact_id,
            channel=channel,
            text_digest=text_digest,
            toggles=msgspec.json.encode(toggles).decode(),
            at=now,
        )
    )
