"""Requests of the people asked: their rights under the data law, and questions to a human."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any

import msgspec

from bot.actions.gate import EVERYWHERE, Act, Aim, Arguments, Id, action, area_text
from storage import campaigns, contacts, outbox, parameters, requests
from storage.outbox import Draft
from storage.requests import Request
from surveys.calendar import working_days_after
from surveys.problems import Problem

MOST_OPEN = 10
"""Requests of one contact that may wait at a time: more would only bury the others."""


class Kind(StrEnum):
    """What a request is about."""

    PRIVACY = "privacy"
    """A right under Law 91/2025/QH15, Article 4: to know, see, correct, withdraw, delete, restrict, object,
    complain.
    """
    QUESTION = "question"
    """A word to a human."""


Words = Annotated[str, msgspec.Meta(min_length=1, max_length=4000)]


class Create(Arguments, frozen=True):
    """A request in the person's own words, about a campaign if one was open."""

    kind: Kind
    text: Words
    campaign: Id | None = None


class Which(Arguments, frozen=True):
    """Requests that wait, or all."""

    all: bool = False
    limit: Annotated[int, msgspec.Meta(ge=1, le=500)] = 100


class Answer(Arguments, frozen=True):
    """What to tell the person."""

    request: Id
    text: Words


def _view(request: Request) -> dict[str, Any]:
    return {
        "id": request.id,
        "kind": request.kind,
        "campaign": request.campaign_id,
        "area": area_text(request.area),
        "contact": request.contact_id,
        "text": request.text,
        "state": request.state,
        "created_at": request.created_at,
        "due_on": request.due_on.isoformat(),
        "answered_at": request.answered_at,
        "answered_by": request.answered_by,
        "answer": request.answer,
    }


@action("request.create", Create)
def create(act: Act, given: Create) -> dict[str, Any]:
    """Take down what a contact asks for; it is answered within two working days (Decree 356/2025/NĐ-CP,
    Article 5).
    """
    contact_id = act.actor.contact_id
    if contact_id is None or contacts.get(act.connection, contact_id) is None:
        raise Problem("contact_unknown", status=404)
    if requests.open_of(act.connection, contact_id) >= MOST_OPEN:
        raise Problem("requests_many", status=429, most=MOST_OPEN)
    if given.campaign is not None:
        campaigns.expect(act.connection, given.campaign)
    days = parameters.number(act.connection, "request_working_days")
    due_on = working_days_after(act.today, days)
    key = requests.create(
        act.connection,
        act.keyring,
        contact_id=contact_id,
        campaign_id=given.campaign,
        kind=given.kind.value,
        text=given.text,
        due_on=due_on,
        now=act.now_ms,
    )
    return {"id": key, "kind": given.kind.value, "due_on": due_on.isoformat()}


@action("request.list", Which)
def listing(act: Act, given: Which) -> dict[str, Any]:
    """The most urgent first, of the areas the actor answers for."""
    found = requests.listing(
        act.connection,
        act.keyring,
        within=act.scope,
        state=None if given.all else "open",
        limit=given.limit,
    )
    late = act.today.isoformat()
    return {
        "requests": [
            {**_view(request), "late": request.state == "open" and request.due_on.isoformat() < late}
            for request in found
        ]
    }


def _of_request(act: Act, given: Answer) -> Aim:
    found = requests.area_of(act.connection, given.request)
    if found is None:
        raise Problem("request_unknown", status=404, request=given.request)
    (area,) = found
    return Aim(EVERYWHERE if area is None else (area,), f"request:{given.request}")


@action("request.answer", Answer, _of_request)
def answer(act: Act, given: Answer) -> dict[str, Any]:
    """Answer a request: the person is told in the chat, the answer is kept with it."""
    request = requests.get(act.connection, act.keyring, given.request, lock=True)
    if request is None:
        raise Problem("request_unknown", status=404, request=given.request)
    if request.state != "open":
        raise Problem("request_answered", request=request.id)
    contact = contacts.get(act.connection, request.contact_id)
    if contact is None:
        raise Problem("contact_unknown", status=404)
    text = given.text.strip()
    if not text:
        raise Problem("argument_missing", field="text")
    requests.answer(act.connection, act.keyring, request.id, text, act.actor.account_id, act.now_ms)
    told = Draft(
        channel=contact.channel,
        contact_id=contact.id,
        key=f"request:{request.id}",
        message="request.answered",
        params={"id": request.id, "text": text},
    )
    outbox.queue(act.connection, act.keyring, [told], act.now_ms)
    answered = requests.get(act.connection, act.keyring, request.id)
    return _view(answered or request)
