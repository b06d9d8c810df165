"""Finished interviews: kept whole, amended by a newer revision, never overwritten; and the consents they
gave.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import msgspec
from sqlalchemy import Connection, bindparam, delete, exists, func, insert, select, update

from storage.crypto import Keyring
from storage.database import insert_row
from storage.schema import cases, consent_texts, consents, person_rows, private_values, submissions
from surveys.interview import Result

_DOCUMENT = b"submissions.document"
_ROW = b"person_rows.row"
_PRIVATE_VALUE = b"private_values.value"
_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Result).decode
_decode_row = msgspec.json.Decoder(dict[str, str]).decode


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
    .where(person_rows.c.submission_id == bindparam("superseded"), person_rows.c.current.is_(True))
    .values(current=False)
)
_ADD_ROW = insert(person_rows)
_PRIVATE = select(private_values.c.ref, private_values.c.value_sealed).where(
    private_values.c.case_id == bindparam("case")
)
_FORGET = delete(private_values).where(private_values.c.case_id == bindparam("case"))
_KEEP = insert(private_values)


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
    account_id: int | None = None,
) -> int:
    """Write a submission as the newest revision of its interview; its id. ``account_id``: who of the staff
    wrote the answers down, where the people did not themselves.
    """
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
        account_id=account_id,
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


def number_of_version(connection: Connection, campaign_id: int, instrument_id: int) -> int:
    """How many main interviews of a campaign were handed in, for good so far, under one version."""
    newer = submissions.alias("newer")
    statement = select(func.count()).where(
        submissions.c.campaign_id == campaign_id,
        submissions.c.instrument_id == instrument_id,
        submissions.c.stage == "main",
        ~exists().where(
            newer.c.interview_id == submissions.c.interview_id, newer.c.revision > submissions.c.revision
        ),
    )
    return int(connection.execute(statement).scalar_one())


@dataclass(frozen=True, slots=True)
class CodedRow:
    """The coded row of a household or person. ``member`` is the number of a household's member for good (0:
    the unit itself), ``place`` where they stand in this submission, ``household`` the pseudonym of the
    household they belong to, as far as one is known.
    """

    pseudonym: str
    household: str | None
    member: int
    place: int
    area_code: str
    way: str
    unit: str
    row: Mapping[str, str]


def add_rows(
    connection: Connection,
    keyring: Keyring,
    *,
    submission_id: int,
    campaign_id: int,
    instrument_id: int,
    rows: Sequence[CodedRow],
    superseded: int | None = None,
) -> None:
    """Write the coded rows of a submission; those of the ``superseded`` one stop being current."""
    if superseded is not None:
        connection.execute(_SUPERSEDE, {"superseded": superseded})
    connection.execute(
        _ADD_ROW,
        [
            {
                "submission_id": submission_id,
                "campaign_id": campaign_id,
                "instrument_id": instrument_id,
                "pseudonym": one.pseudonym,
                "household": one.household,
                "member": one.member,
                "place": one.place,
                "area_code": one.area_code,
                "way": one.way,
                "unit": one.unit,
                "row_sealed": keyring.seal(_encode(one.row), _ROW),
                "current": True,
            }
            for one in rows
        ],
    )


def current_rows(connection: Connection, keyring: Keyring, campaign_id: int) -> list[CodedRow]:
    """The coded rows of a campaign's newest submissions, one submission after another in their places."""
    columns = (
        person_rows.c.pseudonym,
        person_rows.c.household,
        person_rows.c.member,
        person_rows.c.place,
        person_rows.c.area_code,
        person_rows.c.way,
        person_rows.c.unit,
        person_rows.c.row_sealed,
    )
    statement = (
        select(*columns)
        .where(person_rows.c.campaign_id == campaign_id, person_rows.c.current.is_(True))
        .order_by(person_rows.c.submission_id, person_rows.c.place)
    )
    found = []
    for row in connection.execute(statement):
        *plain, sealed = row
        found.append(CodedRow(*plain, _decode_row(keyring.open(sealed, _ROW))))  # type: ignore[call-arg]
    return found


@dataclass(frozen=True, slots=True)
class Listed:
    """A member of a household in one of its submissions: where they stood, and what was coded of them."""

    submission_id: int
    place: int
    member: int
    row: Mapping[str, str]


def members_ever(connection: Connection, keyring: Keyring, interview_id: int) -> list[Listed]:
    """The members of every revision of a household's submission, the newest revision first."""
    statement = (
        select(
            person_rows.c.submission_id, person_rows.c.place, person_rows.c.member, person_rows.c.row_sealed
        )
        .join(submissions, submissions.c.id == person_rows.c.submission_id)
        .where(submissions.c.interview_id == interview_id, person_rows.c.place > 0)
        .order_by(submissions.c.revision.desc(), person_rows.c.place)
    )
    return [
        Listed(submission_id, place, member, _decode_row(keyring.open(sealed, _ROW)))
        for submission_id, place, member, sealed in connection.execute(statement)
    ]


def private_of(connection: Connection, keyring: Keyring, case_id: int) -> dict[str, str]:
    """What is kept apart of a case, by reference."""
    rows = connection.execute(_PRIVATE, {"case": case_id})
    return {ref: keyring.open(sealed, _PRIVATE_VALUE).decode() for ref, sealed in rows}


def keep_private(connection: Connection, keyring: Keyring, case_id: int, values: Mapping[str, str]) -> None:
    """Keep these values apart in place of those kept of the case before."""
    connection.execute(_FORGET, {"case": case_id})
    if values:
        connection.execute(
            _KEEP,
            [
                {
                    "case_id": case_id,
                    "ref": ref,
                    "value_sealed": keyring.seal(value.encode(), _PRIVATE_VALUE),
                }
                for ref, value in values.items()
            ],
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
