"""The frame in chat: lists sent by a link and what came of them; households looked up, merged, split."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import datetime, tzinfo
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
from bot.texts import has, say
from storage import areas
from surveys.frames.cells import read_phone
from surveys.letters import fold
from surveys.placenames import Level, split_title
from surveys.problems import Problem


def households(desk: Desk, hearing: Hearing, argument: str) -> Heard:
    """``/hogiadinh``: a link to send a list by; with words behind it a household or what to do with it.

    ``12``, ``HK-0012``, ``0912345678``: that household. ``gộp 12 57``, ``tách 12 31 32``, ``hoàn lại 307``:
    merged, split, taken back. ``đếm``: how many there are. Anything else is the ward that a list is of.
    """
    plain = " ".join(fold(argument).split())
    for pattern, answer in _ORDERS:
        if asked := re.fullmatch(pattern, plain):
            return _said(hearing, answer(hearing, [int(each) for each in re.findall("[0-9]+", asked[0])]))
    if plain.isdecimal() and len(plain) < 9 and not plain.startswith("0"):
        return _said(hearing, _show(hearing, int(plain)))
    if re.search("[0-9]", plain) and not split_title(argument)[0] and not _ward(hearing, argument):
        return _said(hearing, _find(hearing, argument))
    return _said(hearing, _link(desk, hearing, argument))


def _said(hearing: Hearing, text: str) -> Heard:
    return Heard(hearing.contact, Outgoing(render.fit(text, hearing.abilities)))


def _ward(hearing: Hearing, argument: str) -> str:
    """The ward that is named; empty for none."""
    index = areas.index(hearing.connection)
    found = index.pick(argument, level=Level.COMMUNE) or index.pick(argument)
    return area_text(found.area.key) or "" if found is not None else ""


def _link(desk: Desk, hearing: Hearing, argument: str) -> str:
    """A one-time link to our own page, where a list is sent and its report is read.

    A list holds names and addresses: it never goes through a chat (Law 91/2025/QH15, Article 20).
    """
    if not desk.links.public_url:
        raise Problem("household_no_page")
    area = _ward(hearing, argument) if argument.strip() else ""
    if argument.strip() and not area:
        raise Problem("area_not_named", name=argument.strip()[:60])
    made = perform(act(hearing), "household.upload", {"area": area} if area else {})
    link = upload_link(desk.links.public_url, made["token"])
    place = made["place"] or hearing.say("households.everywhere")
    return hearing.say("households.upload", link=link, hours=made["hours"], place=place)


# ── one household ───────────────────────────────────────────────────────────────────────────────────────────


def _find(hearing: Hearing, argument: str) -> str:
    phone = read_phone(argument) if fold(argument).startswith(("0", "+", "84")) else None
    by = {"phone": argument} if phone else {"code": argument.strip()[:100]}
    found = perform(act(hearing), "household.find", by)["households"]
    if not found:
        return hearing.say("household.none")
    if len(found) > 1:
        return hearing.say("household.several", numbers=", ".join(map(str, found)))
    return _show(hearing, found[0])


def _show(hearing: Hearing, number: int) -> str:
    """A household opened. Over a platform abroad nothing of it is said (Law 91/2025/QH15, Article 20)."""
    if hearing.abilities.country != "VN":
        raise Problem("household_not_here", household=number)
    one = perform(act(hearing), "household.show", {"household": number})
    zone = hearing.local.tzinfo
    people = [f"{each['person']}. {', '.join(_of_person(hearing.language, each))}" for each in one["people"]]
    events = [event_line(hearing.language, each, zone) for each in one["events"]]
    reached = [contact_line(hearing.language, each) for each in one["contacts"]]
    parts = [facts(hearing.language, one), [hearing.say("households.people"), *people], reached]
    parts.append([hearing.say("households.events"), *events] if events else [])
    return "\n\n".join("\n".join(part) for part in parts if part)


def _merge(hearing: Hearing, numbers: list[int]) -> str:
    keep, gone = numbers
    done = perform(act(hearing), "household.merge", {"household": keep, "gone": gone})
    return hearing.say("households.merged", household=keep, gone=gone, event=done["event"])


def _split(hearing: Hearing, numbers: list[int]) -> str:
    """The first of those who leave heads the new household."""
    number, *people = numbers
    given = {"household": number, "people": people, "head": people[0]}
    done = perform(act(hearing), "household.split", given)
    return hearing.say("households.split", household=number, new=done["new"], event=done["event"])


def _undo(hearing: Hearing, numbers: list[int]) -> str:
    done = perform(act(hearing), "household.undo", {"event": numbers[0]})
    return hearing.say("household.taken_back", household=done["household"], other=done["other"])


def _count(hearing: Hearing, _: list[int]) -> str:
    found = perform(act(hearing), "household.count", {})
    place, lines = "", []
    for each in found["areas"]:
        if each["place"] != place:
            place = each["place"]
            lines.append(place + (f" ({each['area']})" if each["outdated"] else ""))
        name = each["neighbourhood"] or "–"
        lines.append("– " + _amount(hearing.language, name, each["households"], each["people"]))
    total = hearing.say("household.total")
    return "\n".join([*lines, _amount(hearing.language, total, found["households"], found["people"])])


def _amount(language: str, name: str, number: int, people: int) -> str:
    return say(language, "households.amount", name=name, households=number, people=people)


_ORDERS: tuple[tuple[str, Callable[[Hearing, list[int]], str]], ...] = (
    (r"(?:gop|merge) [0-9]{1,12}[ ,]+[0-9]{1,12}", _merge),
    (r"(?:tach|split) [0-9]{1,12}(?:[ ,:]+[0-9]{1,12}){1,30}", _split),
    (r"(?:hoan|hoan lai|undo) [0-9]{1,12}", _undo),
    (r"dem|so ho|count", _count),
)
"""What may be said of households, without marks, and who answers it."""


# ── a household in words, here and on the command line ──────────────────────────────────────────────────────


_FACTS = (
    ("area", "place"),
    ("neighbourhood", "neighbourhood"),
    ("code", "code"),
    ("head", "head"),
    ("address", "address"),
    ("phone", "phone"),
)


def facts(language: str, one: Mapping[str, Any]) -> list[str]:
    """What is known of a household, a line each."""
    lines = [say(language, "household.number", household=one["id"])]
    lines += [f"{say(language, f'household.head.{name}')}: {one[key] or '–'}" for name, key in _FACTS]
    lines.append(say(language, f"household.status.{one['status']}", into=one["merged_into"]))
    if one["given"] != one["area"]:
        lines.append(say(language, "household.given", area=one["given"]))
    return lines


def word(language: str, family: str, value: str | None) -> str | None:
    """A ``sex``, ``relation`` or ``person_status`` in a word."""
    key = f"households.{family}.{value}"
    return say(language, key) if value and has(key) else value or None


def _of_person(language: str, one: Mapping[str, Any]) -> list[str]:
    told = (
        one["name"],
        word(language, "sex", one["sex"]),
        one["birth"],
        word(language, "relation", one["relation"]),
        one["phone"],
        word(language, "person_status", one["status"]),
    )
    return [each for each in told if each]


def contact_line(language: str, one: Mapping[str, Any]) -> str:
    """A contact by which somebody is, or was, reached."""
    key = "household.contact_ended" if one["ended_at"] else "household.contact"
    whose = one["person"] or say(language, "household.whole")
    return say(language, key, contact=one["contact"], channel=one["channel"], person=whose)


def event_line(language: str, one: Mapping[str, Any], zone: tzinfo | None) -> str:
    """What became of a household: when, by whom, and what was before."""
    at = datetime.fromtimestamp(one["at"] / 1000, zone).strftime("%d/%m/%Y %H:%M")
    what = say(language, f"household.event.{one['what']}")
    line = say(language, "household.event", event=one["event"], at=at, what=what)
    if one["what"] in ("imported", "converted"):
        line += f" ({one['place']}, {one['area']})"
    if one["other"] is not None:
        line += say(language, "household.event_other", other=one["other"])
    if one["account"] is not None:
        line += say(language, "household.event_account", account=one["account"])
    if one["was"]:
        line += say(language, "household.event_was", was=_was(language, one["was"]))
    return line + (" " + say(language, "household.undone") if one["undone"] else "")


def _was(language: str, was: Mapping[str, Any]) -> str:
    """What stood before a change, in a line."""
    told = [(say(language, f"household.head.{name}"), value) for name, value in was["household"].items()]
    for number, one in was["people"].items():
        person = say(language, "household.head.person")
        told.append((person, f"{number} ({', '.join(_of_person(language, one))})"))
    if was["new"]:
        told.append((say(language, "household.new_people"), was["new"]))
    return "; ".join(
        f"{name}: {'/'.join(value) if isinstance(value, list) else value or '–'}" for name, value in told
    )


# ── what came of a list ─────────────────────────────────────────────────────────────────────────────────────


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
    if gone := summary["people"].get("gone", 0):
        lines.append(say(language, "households.gone", count=gone))
    notes = sum(number for name, number in summary["remarks"].items() if name.startswith("note."))
    if notes:
        lines.append(say(language, "households.notes", count=notes))
    if summary["absent"]:
        lines.append(say(language, "households.absent", count=summary["absent"]))
    return "\n".join(lines)
