"""Reminding everybody now, in the chat: first what it would come to, then with one tap for real."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from bot.actions import perform
from bot.campaigning import button, choosing, number
from bot.desk import Desk, Handler, Heard, Hearing
from bot.lengths import fit
from bot.messages import Abilities, Button, Outgoing
from bot.notices import maker
from bot.orders import act, code, queued
from bot.readings import to_wait
from bot.texts import say
from surveys.campaigns import Status


def remind(desk: Desk, hearing: Hearing, argument: str) -> Heard:
    """``/nhac CODE``: how many would be written to, and who is left out; asks first."""
    asked = perform(act(hearing), "campaign.remind", {"campaign": code(argument), "sure": False})
    return queued(hearing, "remind.outlook", to_wait(asked))


def remind_sure(desk: Desk, hearing: Hearing, argument: str) -> Heard:
    """Remind everybody now; the asking is done."""
    asked = perform(act(hearing), "campaign.remind", {"campaign": code(argument), "sure": True})
    return queued(hearing, "remind.outlook", to_wait(asked))


def outlook_lines(params: Mapping[str, Any], language: str) -> list[str]:
    """Who is written to and who is left out, as people read it."""
    key = "remind.asked" if params["sure"] else "remind.would"
    lines = [
        say(
            language,
            key if params["wanted"] else "remind.nobody",
            title=params["title"],
            code=params["code"],
            wanted=number(params["wanted"], language),
        )
    ]
    if params["wanted"] and not params["at_once"] and params["begins"]:
        begins = datetime.fromisoformat(params["begins"])
        lines.append(say(language, "remind.begins", begins=f"{begins:%H:%M %d/%m/%Y}"))
    if params["left_out"]:
        lines.append(say(language, "remind.left_out"))
        lines += [
            say(language, f"remind.{why}", number=number(count, language))
            for why, count in params["left_out"].items()
        ]
    return lines


@maker("remind.outlook")
def _outlook(params: Mapping[str, Any], language: str, abilities: Abilities) -> Outgoing:
    rows: tuple[tuple[Button, ...], ...] = ()
    lines = outlook_lines(params, language)
    if params["wanted"] and not params["sure"]:
        if abilities.buttons:
            rows = ((button(language, "button.remind_now", "remind_sure", params["code"]),),)
        else:
            lines.append(say(language, "remind.how", code=params["code"]))
    return Outgoing(fit("\n".join(lines), abilities), rows)


REMINDING: Mapping[str, Handler] = {
    "remind": choosing(remind, "remind", Status.OPEN),
    "remind_sure": remind_sure,
}
"""The commands of this page."""
