"""Several people on one telephone, and one interview on several devices.

Who is active is the session's open interview. A case can be answered for by several contacts, and a contact
can answer for several cases: those of a family that shares a telephone. To go on with another device, a
one-time code is asked for here and typed there.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import replace

from bot import render
from bot.desk import Desk, Heard, Hearing, about, queue
from bot.entering import another_button, ask_case, resume
from bot.messages import Button, Outgoing
from storage import campaigns, cases, interviews, tokens
from storage.campaigns import Campaign
from storage.cases import Held
from surveys.codes import ALPHABET, DIGITS, HANDOVER, write_handover
from surveys.letters import fold
from surveys.problems import Problem

PURPOSE = "elsewhere"
MINUTES = 30
_MINUTE_MS = 60_000
MOST = 20
"""People who can answer by one telephone in a campaign."""


# ── another device ──────────────────────────────────────────────────────────────────────────────────────────


def elsewhere(desk: Desk, hearing: Hearing, argument: str) -> Heard:
    """A code by which the open interview goes on with another device or on another channel."""
    interview = hearing.interview
    if interview is None or interview.status != "open" or not interview.case_id:
        return Heard(hearing.contact, desk.now(hearing, [hearing.say("elsewhere.nothing_open")]))
    code = _new_code(hearing, interview.case_id)
    shown = write_handover(code)
    links = desk.links.join(shown.replace("-", ""))
    text = hearing.say("elsewhere.code", code=shown, minutes=MINUTES)
    if links:
        text += "\n" + "\n".join(links)
    return Heard(hearing.contact, Outgoing(render.fit(text, hearing.abilities)))


def _new_code(hearing: Hearing, case_id: int) -> str:
    while True:
        # With a digit in it, so that it can't be taken for a word.
        code = secrets.choice(DIGITS) + "".join(secrets.choice(ALPHABET) for _ in range(HANDOVER - 1))
        if tokens.issue_for_case(
            hearing.connection, PURPOSE, code, case_id, hearing.now, MINUTES * _MINUTE_MS
        ):
            return code


def arrived(desk: Desk, hearing: Hearing, code: str) -> Heard:
    """The code was typed here: this contact answers for the case from now on, too; the others are told."""
    case_id = tokens.use_for_case(hearing.connection, PURPOSE, code, hearing.now)
    if case_id is None:
        return Heard(hearing.contact, desk.now(hearing, [hearing.say("elsewhere.unknown")]))
    others = [
        one for one in cases.holders(hearing.connection, case_id) if one.contact_id != hearing.contact.id
    ]
    cases.hold(hearing.connection, case_id, hearing.contact.id, hearing.now)
    for other in others:
        queue(
            hearing,
            f"elsewhere:{case_id}:{hearing.contact.id}:{other.contact_id}:{hearing.now}",
            "elsewhere.taken",
            {},
            to=(other.channel, other.contact_id),
        )
    begun = interviews.of_case(hearing.connection, case_id)
    key = begun.get("main", begun.get("consent"))
    if key is None:
        raise Problem("elsewhere_nothing_begun")
    return replace(resume(desk, hearing, key), queued=bool(others))


# ── several people ──────────────────────────────────────────────────────────────────────────────────────────


def people(desk: Desk, hearing: Hearing, argument: str) -> Heard:
    """Who answers by this telephone, and how far they are; a tap or ``người 2`` changes over."""
    campaign = about(hearing)
    if campaign is None:
        return Heard(hearing.contact, desk.now(hearing, [hearing.say("turn.nothing_open")]))
    held = cases.held(hearing.connection, campaign.id, hearing.contact.id)
    number = argument.strip()
    if number and fold(number) in ("moi", "new"):
        return another(desk, hearing, "")
    if number.isdecimal() and len(number) < 4 and 1 <= int(number) <= len(held):
        return _switch(desk, hearing, campaign, held[int(number) - 1])
    lines = [_line(hearing, each, place) for place, each in enumerate(held, 1)]
    text = "\n".join([hearing.say("people.title", title=campaign.draft.title), *lines])
    tail = "people.tap" if hearing.abilities.buttons else "people.type"
    rows = _rows(hearing, campaign, held) if hearing.abilities.buttons else ()
    return Heard(
        hearing.contact, Outgoing(render.within(text, "", hearing.say(tail), hearing.abilities), rows)
    )


def _line(hearing: Hearing, held: Held, number: int) -> str:
    active = hearing.interview is not None and hearing.interview.case_id == held.case_id
    status = hearing.say(f"people.{held.status or 'invited'}")
    return hearing.say("people.line_active" if active else "people.line", number=number, status=status)


def _rows(hearing: Hearing, campaign: Campaign, held: Sequence[Held]) -> tuple[tuple[Button, ...], ...]:
    rows = [
        (
            Button(
                hearing.say("button.person", number=number),
                render.data(render.WORD, 0, "person", render.base36(each.case_id)),
            ),
        )
        for number, each in enumerate(held, 1)
    ]
    if len(held) < MOST:
        rows.append((another_button(hearing, campaign),))
    return tuple(rows)


def person(desk: Desk, hearing: Hearing, argument: str) -> Heard:
    """One of the people was tapped: their interview is the open one now."""
    case_id = int(argument, 36) if argument.isalnum() and argument.isascii() else 0
    if not cases.holds(hearing.connection, case_id, hearing.contact.id):
        return Heard(hearing.contact, desk.now(hearing, [hearing.say("turn.stale_tap")]))
    campaign = campaigns.expect(hearing.connection, cases.campaign_of(hearing.connection, case_id))
    held = cases.held(hearing.connection, campaign.id, hearing.contact.id)
    return _switch(desk, hearing, campaign, next(each for each in held if each.case_id == case_id))


def _switch(desk: Desk, hearing: Hearing, campaign: Campaign, held: Held) -> Heard:
    return ask_case(desk, hearing, campaign, held.case_id)


def another(desk: Desk, hearing: Hearing, argument: str) -> Heard:
    """Somebody else answers the same campaign by this telephone: a case of their own."""
    campaign = campaigns.by_code(hearing.connection, argument.strip().upper()) if argument else about(hearing)
    if campaign is None:
        return Heard(hearing.contact, desk.now(hearing, [hearing.say("turn.nothing_open")]))
    held = cases.held(hearing.connection, campaign.id, hearing.contact.id)
    fresh = next((each for each in held if each.interview_id is None), None)
    if fresh is not None:
        return ask_case(desk, hearing, campaign, fresh.case_id)
    if len(held) >= MOST:
        raise Problem("too_many_people", limit=MOST)
    return ask_case(desk, hearing, campaign, None)
