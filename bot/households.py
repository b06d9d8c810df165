"""The frame in chat: a link to send a list of households by, and what came of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bot import render
from bot.actions import perform
from bot.actions.gate import area_text
from bot.desk import Desk, Heard, Hearing
from bot.frames import upload_link
from bot.messages import Abilities, Outgoing
from bot.notices import maker
from bot.orders import act
from bot.problems import explain
from bot.texts import say
from storage import areas
from surveys.placenames import Level
from surveys.problems import Problem


def households(desk: Desk, hearing: Hearing, argument: str) -> Heard:
    """``/hogiadinh [phường]``: a one-time link to our own page, where a list is sent and its report is read.

    A list holds names and addresses: it never goes through a chat (Law 91/2025/QH15, Article 20).
    """
    if not desk.links.public_url:
        raise Problem("household_no_page")
    area = None
    if argument.strip():
        index = areas.index(hearing.connection)
        found = index.pick(argument, level=Level.COMMUNE) or index.pick(argument)
        if found is None:
            raise Problem("area_not_named", name=argument.strip()[:60])
        area = area_text(found.area.key)
    made = perform(act(hearing), "household.upload", {"area": area} if area else {})
    link = upload_link(desk.links.public_url, made["token"])
    place = made["place"] or hearing.say("households.everywhere")
    text = hearing.say("households.upload", link=link, hours=made["hours"], place=place)
    return Heard(hearing.contact, Outgoing(render.fit(text, hearing.abilities)))


@maker("task.household_import")
def _imported(params: Mapping[str, Any], language: str, abilities: Abilities) -> Outgoing:
    """What came of a list, in numbers: nothing that stood in it goes through a chat."""
    summary, link = params["summary"], params["link"]
    if params["state"] == "failed":
        return Outgoing(say(language, "households.failed"))
    if "problem" in summary:
        problem = Problem(summary["problem"]["code"], **summary["problem"]["params"])
        text = say(language, "households.not_read", why=explain(language, problem))
        return Outgoing(render.fit(text, abilities))
    if params["state"] == "refused":
        text = say(
            language, "households.lines_refused", lines=summary["refused_lines"], number=summary["refused"]
        )
    else:
        text = told(language, summary)
    report = say(language, "households.report_link", link=link) if link else ""
    return Outgoing(render.fit("\n\n".join(filter(None, [text, report])), abilities))


def told(language: str, summary: Mapping[str, Any]) -> str:
    """What was taken in, in a sentence or two."""
    of_households, of_people = summary["households"], summary["people"]
    lines = [
        say(
            language,
            "households.done",
            new=of_households.get("new", 0),
            changed=of_households.get("changed", 0),
            same=of_households.get("same", 0),
            people=of_people.get("new", 0),
        )
    ]
    notes = sum(number for name, number in summary["remarks"].items() if name.startswith("note."))
    if notes:
        lines.append(say(language, "households.notes", count=notes))
    if summary["absent"]:
        lines.append(say(language, "households.absent", count=summary["absent"]))
    return "\n".join(lines)
