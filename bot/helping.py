"""What is different in an interview that staff write down: for whom it is, and who is told at its end."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection

from bot.lengths import fit, shorten
from bot.messages import Abilities, Outgoing
from bot.notices import maker
from bot.texts import has, say
from storage import assists, cases
from storage.assists import Whom
from storage.contacts import Contact
from storage.crypto import Keyring
from storage.interviews import Interview
from storage.outbox import Draft
from surveys.instruments import Way

NAME = 60
"""Characters of a name in a line."""


def helper(interview: Interview, contact: Contact) -> int | None:
    """The account that writes an interview down; None where people answer by themselves."""
    return None if interview.way == Way.SELF else contact.account_id


def described(whom: Mapping[str, Any], language: str, abilities: Abilities) -> str:
    """Whom a case is about, for staff: by name where the chat is at home; over a platform abroad by their
    place in the household and its code in the office's list.

    ``whom``: *name, household, relation, number, neighbourhood, case*.
    """
    at_home = abilities.country == "VN"
    parts = []
    named = at_home and bool(whom["name"])
    if named:
        parts.append(shorten(whom["name"], NAME))
    relation = f"households.relation.{whom['relation']}"
    if whom["number"] and not named:
        parts.append(say(language, "assist.person", number=whom["number"]))
    if whom["number"] and whom["relation"] and has(relation):
        parts.append(say(language, relation).lower())
    if whom["household"]:
        parts.append(say(language, "assist.household", code=shorten(whom["household"], NAME)))
    if at_home and whom["neighbourhood"]:
        parts.append(shorten(whom["neighbourhood"], NAME))
    return ", ".join(parts) or say(language, "assist.unnamed", number=whom["case"])


def as_described(whom: Whom) -> dict[str, Any]:
    """Whom a case is about, as :func:`described` reads it."""
    return {
        "case": whom.case_id,
        "name": whom.name,
        "household": whom.household_code,
        "relation": whom.relation,
        "number": whom.number,
        "neighbourhood": whom.neighbourhood,
    }


def told(
    connection: Connection, keyring: Keyring, interview_id: int, abilities: Abilities, language: str
) -> list[str]:
    """The line above every prompt that says for whom it is answered; nothing where people answer by
    themselves.
    """
    found = assists.of_interview(connection, interview_id)
    whom = assists.whom(connection, keyring, found[0]) if found is not None else None
    if found is None or whom is None:
        return []
    return [say(language, f"assist.for_{found[1]}", whom=described(as_described(whom), language, abilities))]


def receipts(
    connection: Connection,
    keyring: Keyring,
    interview: Interview,
    contact: Contact,
    submission: int,
    told: Mapping[str, Any],
) -> list[Draft]:
    """What is said when staff have handed in for somebody: to them the receipt that the person is to keep, to
    the person's own contacts that it was done.
    """
    whom = assists.whom(connection, keyring, interview.case_id)
    params = {**told, "whom": as_described(whom) if whom is not None else None}
    drafts = [Draft(contact.channel, contact.id, f"receipt:{submission}", "assist.receipt", params)]
    for one in cases.holders(connection, interview.case_id):
        if one.contact_id != contact.id:
            key = f"receipt:{submission}:{one.contact_id}"
            drafts.append(Draft(one.channel, one.contact_id, key, "assist.filed", told))
    return drafts


@maker("assist.receipt")
def _receipt(params: Mapping[str, Any], language: str, abilities: Abilities) -> Outgoing:
    whom = described(params["whom"], language, abilities) if params["whom"] else ""
    text = say(language, "assist.receipt", whom=whom, title=params["title"], receipt=params["receipt"])
    return Outgoing(fit(text, abilities))
