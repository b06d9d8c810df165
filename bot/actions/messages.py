"""Talking back: what people ask of a human reaches the staff of their area, and the answer reaches them.

A question is told to the nearest staff first; as long as nobody answers, they are told again, and others with
them. Who takes a thread is shown to the others. Nothing of what is said is audited.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from typing import TYPE_CHECKING, Annotated, Any

import msgspec

from bot.actions.gate import EVERYWHERE, Act, Aim, Arguments, Id, action, area_text
from bot.messages import ABILITIES
from storage import accounts, areas, campaigns, cases, contacts, messages, outbox, parameters, requests
from storage.crypto import Keyring
from storage.messages import IN, Answering
from storage.outbox import Draft
from storage.requests import PRIVACY, QUESTION, Request
from surveys.calendar import working_days_after
from surveys.problems import Problem
from surveys.roles import Role

if TYPE_CHECKING:
    from sqlalchemy import Connection

MOST_AN_HOUR = 20
"""What one contact may say to staff in an hour: more would only bury the others."""
HOUR_MS = 3_600_000
SAME_THREAD_MS = 7 * 24 * HOUR_MS
"""So long after an answer more words belong to the same thread."""

ORDER: dict[str, tuple[Role, ...]] = {
    QUESTION: (Role.WARD_STAFF, Role.ADMINISTRATOR, Role.DPO),
    PRIVACY: (Role.DPO, Role.WARD_STAFF, Role.ADMINISTRATOR),
}
"""Who is told first, by kind of request; within a role those of the nearest area."""

Words = Annotated[str, msgspec.Meta(min_length=1, max_length=4000)]


# ── who is told ─────────────────────────────────────────────────────────────────────────────────────────────


def staff_of(connection: Connection, request: Request, today: date, told: int) -> list[Answering]:
    """The contacts of staff to tell of a request when they were told ``told`` times before: each time those
    next in line, too. Never who asked.
    """
    line = () if request.area is None else areas.line(connection, request.area)
    found = messages.answering(connection, ORDER[request.kind], line, today)
    groups = [
        group
        for role in ORDER[request.kind]
        for area in (*line, None)
        if (group := [one for one in found if (one.role, one.area) == (role, area)])
    ]
    chosen = [one for group in groups[: told + 1] for one in group if one.contact_id != request.contact_id]
    return list({one.contact_id: one for one in chosen}.values())


def told_of(
    connection: Connection, keyring: Keyring, request: Request, today: date, message: str, mark: str
) -> list[Draft]:
    """What to send to those who are to know of a request now. Who has taken it is always among them; while
    it is in their hands, new words go to them alone.
    """
    to = [(one.contact_id, one.channel) for one in staff_of(connection, request, today, request.told)]
    if request.taken_by is not None:
        theirs = messages.contacts_of(connection, request.taken_by)
        to = theirs if message == "question.more" and theirs else [*theirs, *to]
    params = notice_params(connection, keyring, request)
    return [
        Draft(
            channel=channel,
            contact_id=contact_id,
            key=f"question:{request.id}:{mark}:{contact_id}",
            message=message,
            params=kept_home(params, channel),
        )
        for contact_id, channel in dict.fromkeys(to)
    ]


def kept_home(params: dict[str, Any], channel: str) -> dict[str, Any]:
    """The same for a reader on ``channel``: words said on a platform at home stay there, unless the campaign
    has filed for their transfer (Law 91/2025/QH15, Article 20).
    """
    if not params["stays"] or ABILITIES[channel].country == "VN":
        return params
    return {**params, "text": None, "thread": []}


def notice_params(connection: Connection, keyring: Keyring, request: Request) -> dict[str, Any]:
    """What staff read of a request: never an answer to a question of the form."""
    campaign = None if request.campaign_id is None else campaigns.expect(connection, request.campaign_id)
    contact = contacts.get(connection, request.contact_id)
    said = messages.thread(connection, keyring, request.id)
    taken = None if request.taken_by is None else accounts.get(connection, keyring, request.taken_by)
    filed = campaign is not None and bool(campaign.draft.legal.transfer_file)
    at_home = contact is not None and ABILITIES[contact.channel].country == "VN"
    return {
        "id": request.id,
        "kind": request.kind,
        "state": request.state,
        "title": campaign.draft.title if campaign else "",
        "code": campaign.code if campaign else "",
        "place": "" if request.case_id is None else cases.neighbourhood_of(connection, request.case_id),
        "asked": dict(request.about),
        "text": request.text,
        "thread": [[one.direction, one.text] for one in said],
        "since": request.waiting_since,
        "due_on": request.due_on.isoformat(),
        "taken_by": taken.name if taken else "",
        "stays": at_home and not filed,
    }


def tell(connection: Connection, keyring: Keyring, request: Request, today: date, now: int) -> int:
    """Tell staff of a request that is new, or (again) that it waits; how many contacts. When there is nobody
    to tell, that is tried again later.
    """
    name = "question.new" if request.told == 0 else "question.waiting"
    drafts = told_of(connection, keyring, request, today, name, f"{request.told}.{now}")
    outbox.queue(connection, keyring, drafts, now)
    requests.tell(connection, request.id, request.told + 1 if drafts else 0, now)
    return len(drafts)


def due(connection: Connection, today: date) -> date:
    """When a request made today is answered at the latest (Decree 356/2025/NĐ-CP, Article 5)."""
    return working_days_after(today, parameters.number(connection, "request_working_days"))


def check_pace(act: Act, contact_id: int) -> None:
    """Raises Problem ``messages_many`` when a contact has said too much within an hour."""
    since = act.now_ms - HOUR_MS
    said = messages.said_since(act.connection, contact_id, since)
    if said + requests.begun_since(act.connection, contact_id, since) >= MOST_AN_HOUR:
        raise Problem("messages_many", status=429, most=MOST_AN_HOUR)


# ── people ──────────────────────────────────────────────────────────────────────────────────────────────────


class Say(Arguments, frozen=True):
    """More words for a thread of the contact's own."""

    request: Id
    text: Words


@action("message.say", Say, lambda _, given: Aim(target=f"request:{given.request}"))
def say_more(act: Act, given: Say) -> dict[str, Any]:
    """Add to a thread: it is open again, and its staff are told. Raises Problem ``request_unknown``,
    ``messages_many``.
    """
    contact_id = act.actor.contact_id
    request = requests.get(act.connection, act.keyring, given.request, lock=True)
    if request is None or contact_id is None or request.contact_id != contact_id:
        raise Problem("request_unknown", status=404, request=given.request)
    check_pace(act, contact_id)
    key = messages.add(act.connection, act.keyring, request.id, IN, given.text, None, act.now_ms)
    requests.wait_again(act.connection, request, due(act.connection, act.today), act.now_ms)
    request = _expect(act, given.request)
    drafts = told_of(act.connection, act.keyring, request, act.today, "question.more", f"m{key}")
    outbox.queue(act.connection, act.keyring, drafts, act.now_ms)
    requests.tell(act.connection, request.id, max(request.told, 1) if drafts else 0, act.now_ms)
    return {"id": request.id, "due_on": request.due_on.isoformat()}


# ── staff ───────────────────────────────────────────────────────────────────────────────────────────────────


class One(Arguments, frozen=True):
    """A thread, by its number."""

    request: Id


class Answer(Arguments, frozen=True):
    """What to tell the person."""

    request: Id
    text: Words


class Which(Arguments, frozen=True):
    """Threads that wait, or all."""

    all: bool = False
    limit: Annotated[int, msgspec.Meta(ge=1, le=100)] = 20


def of_request(act: Act, given: One | Answer) -> Aim:
    """The aim of what is done to one request."""
    found = requests.area_of(act.connection, given.request)
    if found is None:
        raise Problem("request_unknown", status=404, request=given.request)
    (area,) = found
    return Aim(EVERYWHERE if area is None else (area,), f"request:{given.request}")


def _expect(act: Act, request_id: int) -> Request:
    request = requests.get(act.connection, act.keyring, request_id, lock=True)
    if request is None:
        raise Problem("request_unknown", status=404, request=request_id)
    return request


def _view(act: Act, request: Request) -> dict[str, Any]:
    return {
        **notice_params(act.connection, act.keyring, request),
        "area": area_text(request.area),
        "campaign": request.campaign_id,
        "mine": request.taken_by is not None and request.taken_by == act.actor.account_id,
        "created_at": request.created_at,
        "answered_at": request.answered_at,
        "late": request.state == "open" and request.due_on < act.today,
    }


@action("message.list", Which)
def listing(act: Act, given: Which) -> dict[str, Any]:
    """The threads of the actor's areas, the most urgent first."""
    state = None if given.all else "open"
    found = requests.listing(act.connection, act.keyring, within=act.scope, state=state, limit=given.limit)
    return {"questions": [_view(act, request) for request in found]}


@action("message.show", One, of_request)
def show(act: Act, given: One) -> dict[str, Any]:
    """A thread with all that was said."""
    return _view(act, _expect(act, given.request))


@action("message.take", One, of_request)
def take(act: Act, given: One) -> dict[str, Any]:
    """Look after a thread from now on; the others are told who does. Raises Problem ``message_taken``."""
    request = _expect(act, given.request)
    if request.taken_by not in (None, act.actor.account_id):
        holder = accounts.get(act.connection, act.keyring, request.taken_by or 0)
        raise Problem("message_taken", status=409, name=holder.name if holder else "", request=request.id)
    _took(act, request)
    return _view(act, _expect(act, given.request))


def _took(act: Act, request: Request) -> None:
    """Note who looks after a thread, and tell the others once."""
    account_id = act.actor.account_id
    if account_id is None or request.taken_by is not None:
        return
    requests.take(act.connection, request.id, account_id)
    account = accounts.get(act.connection, act.keyring, account_id)
    told = staff_of(act.connection, request, act.today, max(request.told - 1, 0)) if request.told else []
    params = {"id": request.id, "name": account.name if account else ""}
    _tell_of(act, request, [one for one in told if one.account_id != account_id], "question.taken", params)


def _tell_of(
    act: Act, request: Request, to: Iterable[Answering], message: str, params: dict[str, Any]
) -> None:
    drafts = [
        Draft(
            channel=one.channel,
            contact_id=one.contact_id,
            key=f"{message}:{request.id}:{act.now_ms}:{one.contact_id}",
            message=message,
            params=params,
        )
        for one in to
    ]
    outbox.queue(act.connection, act.keyring, drafts, act.now_ms)


@action("message.answer", Answer, of_request)
def answer(act: Act, given: Answer) -> dict[str, Any]:
    """Answer in a thread: the person is told in the chat. ``reached`` is false where they have blocked us, so
    that the answer has to find another way.
    """
    return settle(act, _expect(act, given.request), given.text)


def settle(act: Act, request: Request, text: str) -> dict[str, Any]:
    """Write an answer and bring it to the person."""
    contact = contacts.get(act.connection, request.contact_id)
    if contact is None:
        raise Problem("contact_unknown", status=404)
    words = text.strip()
    if not words:
        raise Problem("argument_missing", field="text")
    before = request.taken_by
    _took(act, request)
    account_id = act.actor.account_id
    key = requests.answer(act.connection, act.keyring, request.id, words, account_id, act.now_ms)
    told = Draft(
        channel=contact.channel,
        contact_id=contact.id,
        key=f"request:{request.id}:{key}",
        message="request.answered",
        params={"id": request.id, "text": words, "kind": request.kind},
    )
    outbox.queue(act.connection, act.keyring, [told], act.now_ms)
    if before is not None and before != account_id:
        account = accounts.get(act.connection, act.keyring, account_id or 0)
        holders = [
            Answering(before, contact_id, channel, Role.WARD_STAFF, None)
            for contact_id, channel in messages.contacts_of(act.connection, before)
        ]
        params = {"id": request.id, "name": account.name if account else ""}
        _tell_of(act, request, holders, "question.answered_by", params)
    after = requests.get(act.connection, act.keyring, request.id)
    return {**_view(act, after or request), "reached": contact.status == "active"}


@action("message.close", One, of_request)
def close(act: Act, given: One) -> dict[str, Any]:
    """End a thread without (another) answer. The person may write again at any time. A request under the law
    is answered, never just closed: Problem ``message_privacy``.
    """
    request = _expect(act, given.request)
    if request.kind == PRIVACY and request.answer is None:
        raise Problem("message_privacy", request=request.id)
    requests.close(act.connection, request.id)
    return _view(act, _expect(act, given.request))


@action("message.reopen", One, of_request)
def reopen(act: Act, given: One) -> dict[str, Any]:
    """Open a thread again: it waits for an answer, and staff are told of it."""
    request = _expect(act, given.request)
    if request.state != "open":
        requests.reopen(act.connection, request.id, act.now_ms)
        requests.take(act.connection, request.id, act.actor.account_id)
    return _view(act, _expect(act, given.request))


# ── while nobody answers ────────────────────────────────────────────────────────────────────────────────────

AT_ONCE = 50
"""Requests looked at in one transaction, so that turns wait little."""
TRY_AGAIN_MS = 600_000
"""So long until it is looked again for somebody to tell, where there was nobody."""


def remind(connection: Connection, keyring: Keyring, today: date, now: int) -> int:
    """Tell staff of the requests that wait too long, and of those nobody could be told of; how many of them
    were looked at.
    """
    hours = parameters.number(connection, "question_reminder_hours")
    waiting = requests.untold(connection, now - hours * HOUR_MS, AT_ONCE)
    unreached = requests.unreached(connection, now - TRY_AGAIN_MS, AT_ONCE)
    wanted: Sequence[int] = sorted({*waiting, *unreached})[:AT_ONCE]
    for key in wanted:
        request = requests.get(connection, keyring, key, lock=True)
        if request is not None and request.state == "open":
            tell(connection, keyring, request, today, now)
    return len(wanted)
