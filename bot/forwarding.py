"""Passing invitations on: somebody of a household gets, for each of its people who are asked, a message to
hand on as it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bot import render
from bot.desk import Desk, Handler, Heard, Hearing, queue
from bot.messages import Abilities, Button, Outgoing
from bot.notices import maker
from bot.texts import has, say
from storage import campaigns, cases, invitations
from storage.invitations import Listed
from surveys.instruments import Unit
from surveys.personal_codes import bare


def forward(desk: Desk, hearing: Hearing, argument: str) -> Heard:
    """Who of the household is asked, and a message to pass on for each; ``chuyển tiếp 2`` for the second."""
    listed = _people(hearing)
    if not listed:
        return Heard(hearing.contact, desk.now(hearing, [hearing.say("forward.nobody")]))
    number = argument.strip()
    if number.isdecimal() and len(number) < 4 and 1 <= int(number) <= len(listed):
        return _invitation(desk, hearing, listed[int(number) - 1])
    lines = [
        hearing.say(
            "forward.line",
            number=at,
            name=_called(one, hearing.language, hearing.abilities),
            status=hearing.say(f"forward.{one.status or 'not_begun'}"),
        )
        for at, one in enumerate(listed, 1)
    ]
    rows = tuple(
        (
            Button(
                hearing.say("button.forward", name=_called(one, hearing.language, hearing.abilities)),
                render.data(render.WORD, 0, "forward_to", render.base36(one.case_id)),
            ),
        )
        for one in listed
        if not one.status
    )
    how = hearing.say("forward.tap" if hearing.abilities.buttons else "forward.type")
    text = render.within(hearing.say("forward.title"), "\n".join(lines), how, hearing.abilities)
    return Heard(hearing.contact, Outgoing(text, rows if hearing.abilities.buttons else ()))


def _people(hearing: Hearing) -> list[Listed]:
    """The people of the households this contact speaks for who are asked one by one."""
    linked = cases.linked(hearing.connection, hearing.contact.id, Unit.HOUSEHOLD)
    ids = {one.household_id for one in linked}
    if not ids:
        return []
    return invitations.listed_of(hearing.connection, hearing.keyring, ids, hearing.local.date())


def _called(one: Listed, language: str, abilities: Abilities) -> str:
    """Somebody of the household, to those who live with them: by name where the chat is at home, over a
    platform abroad by who they are to its head.
    """
    relation = f"households.relation.{one.relation}"
    whose = say(language, relation) if one.relation and has(relation) else ""
    number = say(language, "assist.person", number=one.number)
    if abilities.country == "VN" and one.name:
        return render.shorten(one.name, 60)
    return f"{number} ({whose})" if whose else number


def to_tapped(desk: Desk, hearing: Hearing, argument: str) -> Heard:
    """Somebody of the household was tapped."""
    key = int(argument, 36) if argument.isalnum() and argument.isascii() and len(argument) < 13 else 0
    one = next((each for each in _people(hearing) if each.case_id == key), None)
    if one is None:
        return Heard(hearing.contact, desk.now(hearing, [hearing.say("turn.stale_tap")]))
    return _invitation(desk, hearing, one)


def _invitation(desk: Desk, hearing: Hearing, one: Listed) -> Heard:
    """The message to pass on: into the outbox, so that it stands alone in the chat."""
    campaign = campaigns.expect(hearing.connection, one.campaign_id)
    code = invitations.code(hearing.connection, hearing.keyring, campaign.id, one.case_id)
    params = {
        "name": _called(one, hearing.language, hearing.abilities),
        "title": campaign.draft.title,
        "office": campaign.draft.legal.controller,
        "code": code,
        "links": desk.links.join(bare(code)),
        "ends": f"{campaign.draft.ends_on:%d/%m/%Y}",
    }
    queue(
        hearing, f"forward:{hearing.inbound.channel}:{hearing.inbound.event_id}", "forward.invitation", params
    )
    return Heard(hearing.contact, None, queued=True)


@maker("forward.invitation")
def _forwarded(params: Mapping[str, Any], language: str, abilities: Abilities) -> Outgoing:
    lines = [
        say(language, "forward.invitation", **{k: params[k] for k in ("name", "title", "office", "code")})
    ]
    lines += params["links"]
    lines.append(say(language, "forward.pass_on", name=params["name"], ends=params["ends"]))
    return Outgoing(render.fit("\n".join(lines), abilities))


FORWARDING: Mapping[str, Handler] = {"forward": forward, "forward_to": to_tapped}
