"""Requests of the people asked: their rights under the data law, and questions to a human."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any

import msgspec

from bot.actions import messages
from bot.actions.gate import Act, Arguments, Id, action, area_text
from bot.actions.messages import Answer, Words, of_request
from storage import campaigns, cases, contacts, requests
from storage.requests import Request
from surveys.areas import AreaKey
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


Label = Annotated[str, msgspec.Meta(max_length=300)]


class Create(Arguments, frozen=True):
    """A request in the person's own words, about a campaign if one was open, while they were asked ``about``
    something (language → the question, without anything they answered).
    """

    kind: Kind
    text: Words
    campaign: Id | None = None
    case: Id | None = None
    about: dict[Annotated[str, msgspec.Meta(max_length=8)], Label] = msgspec.field(default_factory=dict)


class Which(Arguments, frozen=True):
    """Requests that wait, or all."""

    all: bool = False
    limit: Annotated[int, msgspec.Meta(ge=1, le=500)] = 100


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
    """Take down what a contact asks for, and tell the staff of their area; it is answered within two working
    days (Decree 356/2025/NĐ-CP, Article 5).
    """
    contact_id = act.actor.contact_id
    if contact_id is None or contacts.get(act.connection, contact_id) is None:
        raise Problem("contact_unknown", status=404)
    if requests.open_of(act.connection, contact_id) >= MOST_OPEN:
        raise Problem("requests_many", status=429, most=MOST_OPEN)
    messages.check_pace(act, contact_id)
    due_on = messages.due(act.connection, act.today)
    key = requests.create(
        act.connection,
        act.keyring,
        contact_id=contact_id,
        campaign_id=given.campaign,
        kind=given.kind.value,
        text=given.text,
        due_on=due_on,
        now=act.now_ms,
        case_id=given.case,
        area=_area(act, contact_id, given),
        about=given.about,
    )
    made = requests.get(act.connection, act.keyring, key)
    assert made is not None
    messages.tell(act.connection, act.keyring, made, act.today, act.now_ms)
    return {"id": key, "kind": given.kind.value, "due_on": due_on.isoformat()}


def _area(act: Act, contact_id: int, given: Create) -> AreaKey | None:
    """Whose staff answers: where the case is, else the campaign, else the household they are linked with."""
    if given.campaign is None:
        return cases.home_of(act.connection, contact_id)
    campaign = campaigns.expect(act.connection, given.campaign)
    if given.case is None:
        return campaign.area
    return campaign.area[0], cases.area_code_of(act.connection, given.case)


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


@action("request.answer", Answer, of_request)
def answer(act: Act, given: Answer) -> dict[str, Any]:
    """Answer a request: the person is told in the chat, the answer is kept with it."""
    request = requests.get(act.connection, act.keyring, given.request, lock=True)
    if request is None:
        raise Problem("request_unknown", status=404, request=given.request)
    if request.state != "open":
        raise Problem("request_answered", request=request.id)
    messages.settle(act, request, given.text)
    answered = requests.get(act.connection, act.keyring, request.id)
    return _view(answered or request)
