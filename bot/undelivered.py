"""What could not be delivered, in the chat: why, how much of it, and buttons to try again or let it be."""

from __future__ import annotations

import re
from collections.abc import Mapping
from itertools import groupby
from typing import Any

from bot import render
from bot.actions import perform
from bot.campaigning import button, number
from bot.desk import Desk, Handler, Heard, Hearing
from bot.messages import Abilities, Button, Outgoing
from bot.notices import maker
from bot.orders import act, code, queued
from bot.texts import has, say
from surveys.letters import fold

_RETRY = re.compile(r"(?:gui lai|thu lai|retry|resend)\b\s*(.*)", re.DOTALL)
_DROP = re.compile(r"(?:bo qua|bo|drop|give up)\b\s*(.*)", re.DOTALL)
_UNKNOWN = re.compile(r"\b(?:khong ro|chua ro|unknown)\b")
_REASONS = (
    ("timed out", "timed_out"),
    ("broken off", "broken_off"),
    ("holder ended", "ended"),
    ("no connection", "no_connection"),
    ("http ", "trouble"),
    ("internal server error", "trouble"),
    ("bad gateway", "trouble"),
    ("the answer to something else", "broken_off"),
    ("can't parse entities", "refused"),
)


def reason(language: str, fault: str) -> str:
    """Why a message was not delivered, in words; what we have no sentence for, as the platform says it."""
    lower = fault.lower()
    for start, name in _REASONS:
        if lower.startswith(start):
            return say(language, f"undelivered.{name}")
    return say(language, "undelivered.said", fault=fault) if fault else say(language, "undelivered.refused")


def failed(desk: Desk, hearing: Hearing, argument: str) -> Heard:
    """``/loigui [CODE]``; ``/loigui gửi lại CODE``, ``/loigui bỏ 12 13``."""
    plain = fold(argument).strip()
    for pattern, name in ((_RETRY, "retry"), (_DROP, "drop")):
        if found := pattern.fullmatch(plain):
            return _change(hearing, name, found[1])
    asked = {"campaign": code(argument), "limit": 10} if plain else {"limit": 10}
    return queued(hearing, "staff.undelivered", perform(act(hearing), "delivery.list", asked))


def retry_failed(desk: Desk, hearing: Hearing, argument: str) -> Heard:
    """A button: send what a campaign could not deliver once more."""
    return _change(hearing, "retry", argument.replace("_", " "))


def drop_failed(desk: Desk, hearing: Hearing, argument: str) -> Heard:
    """A button: let it be."""
    return _change(hearing, "drop", argument.replace("_", " "))


def _change(hearing: Hearing, name: str, argument: str) -> Heard:
    """What is meant: numbers of messages, or a campaign's code and perhaps "unknown"."""
    said = _UNKNOWN.sub(" ", argument)
    words = said.replace(",", " ").split()
    given: dict[str, Any] = {"state": "unknown"} if said != argument else {}
    if words and all(word.isdecimal() and not word.startswith("0") for word in words) and len(words[0]) < 19:
        given["messages"] = [int(word) for word in words]
    else:
        given["campaign"] = code(" ".join(words))
    done = perform(act(hearing), f"delivery.{name}", given)
    text = hearing.say(f"undelivered.{name}", n=number(next(iter(done.values())), hearing.language))
    return Heard(hearing.contact, Outgoing(render.fit(text, hearing.abilities)))


@maker("staff.undelivered")
def undelivered_message(params: Mapping[str, Any], language: str, abilities: Abilities) -> Outgoing:
    """What ``delivery.list`` found."""
    if not params["total"]:
        return Outgoing(say(language, "undelivered.none"))
    lines = [say(language, "undelivered.head", n=number(params["total"], language))]
    rows: list[tuple[Button, ...]] = []

    def of(group: Mapping[str, Any]) -> tuple[str, str]:
        return group["code"] or "", group["title"] or ""

    for (campaign, title), groups in groupby(sorted(params["groups"], key=of), key=of):
        lines.append("")
        lines.append(
            say(language, "undelivered.campaign", title=title, code=campaign)
            if campaign
            else say(language, "undelivered.others")
        )
        counted: dict[str, int] = {}
        for group in groups:
            counted[group["state"]] = counted.get(group["state"], 0) + group["number"]
            lines.append(
                say(
                    language,
                    f"undelivered.{group['state']}",
                    n=number(group["number"], language),
                    channel=_channel(language, group["channel"]),
                    reason=reason(language, group["fault"]),
                )
            )
        if campaign:
            rows += _buttons(language, campaign, counted)
    if "unknown" in {group["state"] for group in params["groups"]}:
        lines += ["", say(language, "undelivered.about_unknown")]
    if any(not group["code"] for group in params["groups"]):
        shown = [str(one["id"]) for one in params["messages"] if not one["code"]]
        if shown:
            lines += ["", say(language, "undelivered.numbers", numbers=", ".join(shown))]
    return Outgoing(render.fit("\n".join(lines), abilities), tuple(rows) if abilities.buttons else ())


def _channel(language: str, channel: str) -> str:
    key = f"channel.{channel}"
    return say(language, key) if has(key) else channel


def _buttons(language: str, campaign: str, counted: Mapping[str, int]) -> list[tuple[Button, ...]]:
    rows: list[tuple[Button, ...]] = []
    for state, words in (("failed", campaign), ("unknown", f"{campaign} unknown")):
        if state in counted:
            n = number(counted[state], language)
            rows.append(
                (
                    button(language, f"button.retry_{state}", "retry_failed", words, n=n),
                    button(language, f"button.drop_{state}", "drop_failed", words, n=n),
                )
            )
    return rows


UNDELIVERED: Mapping[str, Handler] = {
    "failed": failed,
    "retry_failed": retry_failed,
    "drop_failed": drop_failed,
}
