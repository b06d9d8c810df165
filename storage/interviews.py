"""Cases and interviews: who is asked what, how far they are, and every value an answer ever had."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace

import msgspec
from sqlalchemy import Connection, bindparam, func, insert, select, update

from storage.crypto import Keyring
from storage.database import insert_row
from storage.schema import answer_log, campaigns, case_contacts, cases, interviews
from surveys.dispositions import OPEN, Disposition
from surveys.instruments import WAY_FIELD
from surveys.interview import State

_DOCUMENT = b"interviews.document"
_VALUE = b"answer_log.value"
_write = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(State).decode
_PARTS = [each.name for each in fields(State)]


def _encode(state: State) -> bytes:
    """The document of an interview; what is empty is left out."""
    parts = ((name, getattr(state, name)) for name in _PARTS)
    return _write({name: part for name, part in parts if part})


@dataclass(frozen=True, slots=True)
class Interview:
    """An interview with what a turn needs of its case and campaign (a wizard has neither: zero and empty).

    ``instrument_id`` is below zero for a form that is only tried: minus the number of the trial.
    ``version`` rises with every write. ``campaign_instrument`` is what the campaign asks now: a newer version
    than ``instrument_id`` when it was published again since the interview was begun.
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
    campaign_instrument: int
    state: State
    campaign_design: str = ""
    """As :func:`storage.campaigns.read_design` reads it; empty where there is nothing to read."""


@dataclass(frozen=True, slots=True)
class Logged:
    """One line of the answer log. Of an answer ``value`` or ``missing`` is given; ``what`` may also be
    ``added`` or ``removed``: ``ref`` is a member of a repeat then, ``value`` their name.
    """

    interview_id: int
    contact_id: int
    ref: str
    value: str | None
    missing: str | None
    way: str
    message: str
    what: str = "answer"


_FIND = (
    select(
        interviews.c.id,
        func.coalesce(interviews.c.case_id, 0),
        func.coalesce(interviews.c.instrument_id, -interviews.c.trial_id),
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
        func.coalesce(campaigns.c.instrument_id, 0),
        func.coalesce(campaigns.c.design, ""),
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
        instrument_id=bindparam("instrument"),
        document_sealed=bindparam("document"),
        status=bindparam("now_status"),
        version=bindparam("now_version"),
        changed_at=bindparam("now"),
    )
)


_LOG = insert(answer_log)
_DISPOSE = (
    update(cases)
    .where(cases.c.id == bindparam("key"))
    .values(disposition=bindparam("code"), next_at=bindparam("next"), changed_at=bindparam("now"))
)
_STAGES = select(interviews.c.stage, interviews.c.id).where(interviews.c.case_id == bindparam("case"))


def find(connection: Connection, keyring: Keyring, ids: Sequence[int]) -> dict[int, Interview]:
    """The interviews with these ids, locked in order of id."""
    if not ids:
        return {}
    found = {}
    for row in connection.execute(_FIND, {"ids": list(ids)}):
        *plain, design, sealed = row
        found[row[0]] = Interview(*plain, _decode(keyring.open(sealed, _DOCUMENT)), design)  # type: ignore[call-arg]
    return found


_MAIN = select(interviews.c.case_id, interviews.c.instrument_id, interviews.c.document_sealed).where(
    interviews.c.case_id.in_(bindparam("cases", expanding=True)), interviews.c.stage == "main"
)


def main_states(
    connection: Connection, keyring: Keyring, case_ids: Sequence[int]
) -> dict[int, tuple[int, State]]:
    """How far the main interviews of cases are: *(instrument, state)* by case. For a look: not locked."""
    return {
        case_id: (instrument_id, _decode(keyring.open(sealed, _DOCUMENT)))
        for case_id, instrument_id, sealed in connection.execute(_MAIN, {"cases": list(case_ids)})
    }


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
                    "instrument": interview.instrument_id if interview.instrument_id > 0 else None,
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
                    "what": line.what,
                    "message": line.message or None,
                    "at": now,
                }
                for line in lines
            ],
        )


def answered_by_message(
    connection: Connection, contact_id: int, message: str
) -> tuple[int, str, list[str]] | None:
    """*(interview id, reference, members taken out since)* of what a message of this contact had answered
    last; the members by their references at the time, in order.
    """
    row = connection.execute(
        select(answer_log.c.interview_id, answer_log.c.ref, answer_log.c.id)
        .where(
            answer_log.c.contact_id == contact_id,
            answer_log.c.message == message,
            answer_log.c.what == "answer",
        )
        .order_by(answer_log.c.id.desc())
        .limit(1)
    ).one_or_none()
    if row is None:
        return None
    gone = connection.execute(
        select(answer_log.c.ref)
        .where(answer_log.c.interview_id == row[0], answer_log.c.id > row[2], answer_log.c.what == "removed")
        .order_by(answer_log.c.id)
    )
    return row[0], row[1], [each[0] for each in gone]


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


def set_dispositions(connection: Connection, changed: Sequence[tuple[int, str]], now: int) -> None:
    """Write AAPOR disposition codes of cases: *(case id, code)*. One that is closed by it is not looked at
    again, any other is looked at now (:mod:`storage.contacting`).
    """
    if changed:
        connection.execute(
            _DISPOSE,
            [
                {"key": case_id, "code": code, "next": now if code in OPEN else None, "now": now}
                for case_id, code in sorted(changed)
            ],
        )


_NEVER_REACHED = (Disposition.NOT_SENT.value, Disposition.UNDELIVERED.value)


def reached(connection: Connection, case_id: int, now: int) -> None:
    """Somebody came to a case by themselves, by a code on paper perhaps: nobody can say any more that it was
    not invited, or not to be reached.
    """
    row = connection.execute(select(cases.c.disposition).where(cases.c.id == case_id)).scalar_one_or_none()
    if row in _NEVER_REACHED:
        set_dispositions(connection, [(case_id, Disposition.NO_REPLY.value)], now)


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
    """A new interview for a case; its id. ``instrument_id`` is below zero for a form that is only tried."""
    key = insert_row(
        connection,
        interviews,
        case_id=case_id,
        instrument_id=instrument_id if instrument_id > 0 else None,
        trial_id=-instrument_id if instrument_id < 0 else None,
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


def set_way(connection: Connection, keyring: Keyring, case_id: int, way: str, now: int) -> None:
    """How the open interviews of a case are answered from now on: ``self``, ``assisted`` or ``proxy``; the
    form learns it too, where it asks. What was handed in stays as it was answered.
    """
    statement = select(interviews.c.id).where(
        interviews.c.case_id == case_id, interviews.c.status == "open", interviews.c.way != way
    )
    found = find(connection, keyring, list(connection.execute(statement).scalars()))
    for interview in found.values():
        state = interview.state
        if WAY_FIELD in state.hidden:
            state = replace(state, hidden={**state.hidden, WAY_FIELD: way})
        save(connection, keyring, [(interview, state, interview.status)], now)
        connection.execute(update(interviews).where(interviews.c.id == interview.id).values(way=way))


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


_HELD = interviews.join(case_contacts, case_contacts.c.case_id == interviews.c.case_id)


def of_contact(connection: Connection, contact_id: int) -> set[int]:
    """The interviews of the cases that a contact answers for."""
    statement = select(interviews.c.id).select_from(_HELD).where(case_contacts.c.contact_id == contact_id)
    return {row[0] for row in connection.execute(statement)}


def newest_submitted(connection: Connection, contact_id: int) -> int | None:
    """The interview that was handed in last of those this contact answers for."""
    key: int | None = connection.execute(
        select(interviews.c.id)
        .select_from(_HELD)
        .where(
            case_contacts.c.contact_id == contact_id,
            interviews.c.stage == "main",
            interviews.c.status == "submitted",
        )
        .order_by(interviews.c.changed_at.desc(), interviews.c.id.desc())
        .limit(1)
    ).scalar()
    return key


def newest_campaign(connection: Connection, contact_id: int) -> int | None:
    """The campaign of the newest case this contact answers for."""
    key: int | None = connection.execute(
        select(cases.c.campaign_id)
        .select_from(cases.join(case_contacts, case_contacts.c.case_id == cases.c.id))
        .where(case_contacts.c.contact_id == contact_id)
        .order_by(cases.c.id.desc())
        .limit(1)
    ).scalar()
    return key


def instrument_of(connection: Connection, interview_id: int) -> int | None:
    """The instrument of an interview, for a look only; below zero for a form that is only tried."""
    key: int | None = connection.execute(
        select(func.coalesce(interviews.c.instrument_id, -interviews.c.trial_id)).where(
            interviews.c.id == interview_id
        )
    ).scalar()
    return key
