"""Writing down somebody's answers, in the chat of a member of staff who is with them.

``/nhapho CODE`` finds the household or person, asks whose answers these will be, and asks the questions with
a line above each that says for whom. Several can be open; ``/nhapho`` alone lists them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bot import render
from bot.actions import perform
from bot.actions.assisting import Way
from bot.desk import Desk, Handler, Heard, Hearing
from bot.entering import enter, not_here
from bot.helping import described
from bot.messages import Button, Outgoing
from bot.orders import act
from bot.problems import explain
from storage import campaigns
from surveys import instruments
from surveys.codes import find_handover
from surveys.letters import fold
from surveys.personal_codes import read
from surveys.problems import Problem
from surveys.replies import find_code

_WAYS = {
    "ho": Way.ASSISTED, "nhap ho": Way.ASSISTED, "tu tra loi": Way.ASSISTED, "assisted": Way.ASSISTED,
    "thay": Way.PROXY, "tra loi thay": Way.PROXY, "proxy": Way.PROXY,
}  # fmt: skip
"""Whose answers: the person's own, or somebody else's about them."""
_MARKS = {"a": Way.ASSISTED, "p": Way.PROXY}


def assist(desk: Desk, hearing: Hearing, argument: str) -> Heard:
    """``/nhapho [CAMPAIGN] CODE [NUMBER] [hộ|thay]``; alone: what is open."""
    text, way = _way(argument.strip())
    if not text:
        return _open(desk, hearing)
    handover = find_handover(text)
    if handover is not None:
        given = {"way": (way or Way.ASSISTED).value, "handover": handover}
        return _ask(desk, hearing, perform(act(hearing), "case.assist", given))
    campaign, code, number = _meant(hearing, text)
    if not code:
        return _new(desk, hearing, campaign, way)
    personal = read(code)
    # A code of an office may look like a personal one: of these, the case has to be there.
    found = _found(hearing, campaign, personal, code)
    cases = found["cases"]
    if number and 1 <= number <= len(cases):
        cases = [cases[number - 1]]
    if not cases:
        # Said, not raised: that it was wrong is noted, and stays so.
        unknown = explain(hearing.language, Problem("assist_unknown", status=404, case=code[:40]))
        return Heard(hearing.contact, desk.now(hearing, [unknown]))
    if len(cases) > 1:
        return Heard(hearing.contact, _which(hearing, cases, found.get("more", 0), text))
    (case,) = cases
    if way is None:
        return Heard(hearing.contact, _whose(hearing, case, text))
    return _begin(desk, hearing, case["case"], way)


def _way(text: str) -> tuple[str, Way | None]:
    """What was typed without its last words, if these say whose answers are written down."""
    words = text.split()
    for length in (3, 2, 1):
        way = _WAYS.get(fold(" ".join(words[-length:]))) if len(words) > length else None
        if way is not None:
            return " ".join(words[:-length]), way
    return text, None


def _meant(hearing: Hearing, text: str) -> tuple[str, str, int]:
    """*(campaign or empty, code of a household or person, number in the list or 0)*."""
    words = text.split()
    campaign = ""
    if find_code(words[0]) is not None and read(words[0]) is None:
        known = campaigns.by_code(hearing.connection, find_code(words[0]) or "")
        campaign = known.code if known is not None else ""
    rest = words[1:] if campaign else words
    number = 0
    if len(rest) > 1 and rest[-1].isdecimal() and len(rest[-1]) < 3:
        number = int(rest.pop())
    return campaign, " ".join(rest), number


def _found(hearing: Hearing, campaign: str, personal: tuple[int, bytes] | None, code: str) -> dict[str, Any]:
    given: dict[str, Any] = {"household": code}
    if campaign:
        given["campaign"] = campaign
    if personal is not None:
        with_tag = {"personal": (personal[0], personal[1].hex())}
        found: dict[str, Any] = perform(act(hearing), "case.find", with_tag)
        if found["cases"]:
            return found
    found = perform(act(hearing), "case.find", given)
    return found


# ── which, and whose answers ────────────────────────────────────────────────────────────────────────────────


def _word(hearing: Hearing, label: str, word: str, argument: str) -> tuple[Button, ...]:
    return (Button(label, render.data(render.WORD, 0, word, argument)),)


def _line(hearing: Hearing, number: int, case: Mapping[str, Any]) -> str:
    whom = described(case, hearing.language, hearing.abilities)
    status = hearing.say(f"assist.status_{case['status'] or 'new'}")
    return hearing.say("assist.line", number=number, whom=whom, title=case["title"], status=status)


def _which(hearing: Hearing, cases: list[dict[str, Any]], more: int, text: str) -> Outgoing:
    """The cases of a code, to choose from."""
    lines = [_line(hearing, number, case) for number, case in enumerate(cases, 1)]
    if more:
        lines.append(hearing.say("assist.more", count=more))
    rows = [
        _word(hearing, f"{number}. {described(case, hearing.language, hearing.abilities)}", "assist_case",
              render.base36(case["case"]))
        for number, case in enumerate(cases, 1)
    ]  # fmt: skip
    shown = render.within(
        hearing.say("assist.which"), "\n".join(lines), hearing.say("assist.which_typed", code=text[:60]),
        hearing.abilities,
    )  # fmt: skip
    return Outgoing(shown, tuple(rows) if hearing.abilities.buttons else ())


def _whose(hearing: Hearing, case: Mapping[str, Any], text: str) -> Outgoing:
    """Ask whose answers will be written down."""
    whom = described(case, hearing.language, hearing.abilities)
    shown = hearing.say(f"assist.whose_{case['unit']}", whom=whom, title=case["title"])
    rows = tuple(
        _word(hearing, hearing.say(f"button.{way}_{case['unit']}"), "assist_as",
              f"{render.base36(case['case'])}-{mark}")
        for mark, way in _MARKS.items()
    )  # fmt: skip
    typed = hearing.say("assist.whose_typed", code=text[:60]) if text else ""
    return Outgoing(render.within(shown, "", typed, hearing.abilities), rows)


def case_tapped(desk: Desk, hearing: Hearing, argument: str) -> Heard:
    """One of several cases was tapped: whose answers?"""
    case_id = _number(argument)
    listed = perform(act(hearing), "case.assisted", {})["cases"]
    mine = next((case for case in listed if case["case"] == case_id), None)
    if mine is not None and mine["way"] in set(Way):
        return _begin(desk, hearing, case_id, Way(mine["way"]))
    shown = perform(act(hearing), "case.look", {"case": case_id})
    return Heard(hearing.contact, _whose(hearing, shown, ""))


def as_tapped(desk: Desk, hearing: Hearing, argument: str) -> Heard:
    """Whose answers these are was tapped."""
    number, _, mark = argument.partition("-")
    if mark not in _MARKS:
        return Heard(hearing.contact, desk.now(hearing, [hearing.say("turn.stale_tap")]))
    return _begin(desk, hearing, _number(number), _MARKS[mark])


def _number(text: str) -> int:
    return int(text, 36) if text.isalnum() and text.isascii() and len(text) < 13 else 0


def _begin(desk: Desk, hearing: Hearing, case_id: int, way: Way) -> Heard:
    return _ask(desk, hearing, perform(act(hearing), "case.assist", {"case": case_id, "way": way.value}))


def _new(desk: Desk, hearing: Hearing, campaign: str, way: Way | None) -> Heard:
    """Somebody who is in no list, in a campaign that asks whoever comes."""
    if not campaign:
        raise Problem("assist_code_missing")
    given = {"campaign": campaign, "way": (way or Way.ASSISTED).value}
    return _ask(desk, hearing, perform(act(hearing), "case.assist", given))


def _ask(desk: Desk, hearing: Hearing, case: Mapping[str, Any]) -> Heard:
    """Into the interview: what is read aloud first, then the questions."""
    campaign = campaigns.expect(hearing.connection, case["campaign"])
    if not_here(hearing, campaign):
        raise Problem("assist_not_here")
    notice = hearing.say("assist.read_aloud" if campaign.draft.consent_id is not None else "assist.ask_aloud")
    return enter(desk, hearing, campaign, case["case"], instruments.Way(case["way"]), notice)


# ── what is open ────────────────────────────────────────────────────────────────────────────────────────────


def _open(desk: Desk, hearing: Hearing) -> Heard:
    """What was begun and is not handed in; a tap goes on with it."""
    listed = perform(act(hearing), "case.assisted", {})["cases"]
    if not listed:
        return Heard(hearing.contact, desk.now(hearing, [hearing.say("assist.none")]))
    lines = [_line(hearing, number, case) for number, case in enumerate(listed, 1)]
    rows = [
        _word(hearing, f"{number}. {described(case, hearing.language, hearing.abilities)}", "assist_case",
              render.base36(case["case"]))
        for number, case in enumerate(listed, 1)
    ]  # fmt: skip
    text = render.within(
        hearing.say("assist.open"), "\n".join(lines), hearing.say("assist.open_how"), hearing.abilities
    )
    return Heard(hearing.contact, Outgoing(text, tuple(rows) if hearing.abilities.buttons else ()))


ASSISTING: Mapping[str, Handler] = {
    "assist": assist,
    "assist_case": case_tapped,
    "assist_as": as_tapped,
}
