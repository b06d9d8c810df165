"""Forgetting: what was only needed while a campaign was open is taken out of everything that holds it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import TypeVar

from sqlalchemy import Column, ColumnElement, Connection, delete, or_, select, update

from storage import interviews as stored
from storage.crypto import Keyring
from storage.schema import answer_log, campaigns, cases, instruments, interviews, outbox, private_values
from surveys.campaigns import Status
from surveys.interview import State

_OVER = (Status.CLOSED.value, Status.ARCHIVED.value)
_DONE = ("sent", "unknown", "failed", "dropped")
_Value = TypeVar("_Value")


def campaigns_to_forget(connection: Connection) -> dict[int, list[str]]:
    """The closed campaigns whose names are not forgotten yet, each with the definitions (JSON) of every
    version of the instrument that was asked.
    """
    due = select(campaigns.c.id).where(
        campaigns.c.status.in_(_OVER), campaigns.c.names_forgotten_at.is_(None)
    )
    asked = (
        select(cases.c.campaign_id, instruments.c.definition)
        .select_from(
            interviews.join(cases, cases.c.id == interviews.c.case_id).join(
                instruments, instruments.c.id == interviews.c.instrument_id
            )
        )
        .where(cases.c.campaign_id.in_(due), interviews.c.stage == "main")
        .distinct()
    )
    found: dict[int, list[str]] = {int(row.id): [] for row in connection.execute(due)}
    for campaign_id, definition in connection.execute(asked):
        found[campaign_id].append(definition)
    return found


def forget_names(
    connection: Connection,
    keyring: Keyring,
    campaign_id: int,
    names: Collection[str],
    after: int,
    limit: int,
    now: int,
) -> int | None:
    """Take the fields ``names`` out of up to ``limit`` interviews of a campaign with ids above ``after``: the
    last id, or None when there was none left. What is gone already is no fault.
    """
    statement = (
        select(interviews.c.id, interviews.c.case_id)
        .join(cases, cases.c.id == interviews.c.case_id)
        .where(cases.c.campaign_id == campaign_id, interviews.c.stage == "main", interviews.c.id > after)
        .order_by(interviews.c.id)
        .limit(limit)
    )
    rows = connection.execute(statement).all()
    if not rows:
        return None
    ids = [int(row.id) for row in rows]
    kept = [
        (one, _without(one.state, names), one.status)
        for one in stored.find(connection, keyring, ids).values()
    ]
    stored.save(connection, keyring, [each for each in kept if each[0].state != each[1]], now)
    connection.execute(
        delete(private_values).where(
            private_values.c.case_id.in_([row.case_id for row in rows]), _named(private_values.c.ref, names)
        )
    )
    logged = answer_log.c.interview_id.in_(ids)
    connection.execute(
        delete(answer_log).where(logged, answer_log.c.what == "answer", _named(answer_log.c.ref, names))
    )
    # Who was added or taken out was noted by name.
    connection.execute(
        update(answer_log).where(logged, answer_log.c.what != "answer").values(value_sealed=None)
    )
    return ids[-1]


def forget_invitations(connection: Connection, campaign_id: int) -> None:
    """Drop the messages that named members of households to those who answered in a campaign."""
    contacts = select(cases.c.contact_id).where(cases.c.campaign_id == campaign_id)
    connection.execute(
        delete(outbox).where(
            outbox.c.message == "invite.member", outbox.c.state.in_(_DONE), outbox.c.contact_id.in_(contacts)
        )
    )


def mark_forgotten(connection: Connection, campaign_id: int, now: int) -> None:
    """Note that a campaign's names are forgotten."""
    connection.execute(update(campaigns).where(campaigns.c.id == campaign_id).values(names_forgotten_at=now))


def _without(state: State, names: Collection[str]) -> State:
    def rest(values: Mapping[str, _Value]) -> dict[str, _Value]:
        return {ref: value for ref, value in values.items() if ref.rpartition("/")[2] not in names}

    return replace(
        state, answers=rest(state.answers), missing=rest(state.missing), computed=rest(state.computed)
    )


def _named(ref: Column[str], names: Collection[str]) -> ColumnElement[bool]:
    """References of the fields ``names``, wherever they stand."""
    return or_(*(ref.endswith(f"/{name}", autoescape=True) for name in sorted(names)))
