"""Invitations on paper, asked for in the chat: ``/toroi CODE``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bot.actions import perform
from bot.actions.leaflets import Kind
from bot.campaigning import RUNNING, choosing
from bot.desk import Desk, Handler, Heard, Hearing
from bot.messages import Abilities, Outgoing
from bot.notices import maker
from bot.orders import act, code, rest
from bot.render import fit
from bot.texts import say
from surveys.letters import fold

_KINDS = {
    "tem": Kind.LABELS, "nhan": Kind.LABELS, "labels": Kind.LABELS, "label": Kind.LABELS,
    "ap phich": Kind.POSTER, "poster": Kind.POSTER,
    "thu": Kind.LEAFLET, "thu moi": Kind.LEAFLET, "to roi": Kind.LEAFLET, "leaflets": Kind.LEAFLET,
    "letters": Kind.LEAFLET,
}  # fmt: skip
_WAITING = ("chua tra loi", "waiting")


def leaflets(desk: Desk, hearing: Hearing, argument: str) -> Heard:
    """``/toroi CODE [tem|áp phích] [chưa trả lời] [neighbourhood]``."""
    argument = argument.replace("_", " ")
    if not argument.strip():
        return _WHICH(desk, hearing, "")
    kind, waiting, place = _read(rest(argument))
    given: dict[str, Any] = {
        "campaign": code(argument),
        "kind": kind.value,
        "waiting": waiting,
        "neighbourhood": place,
        "page": desk.links.public_url,
        "language": hearing.language,
    }
    made = perform(act(hearing), "campaign.leaflets", given)
    text = hearing.say(f"leaflets.queued_{kind.value}", count=made["number"], title=made["title"])
    return Heard(hearing.contact, Outgoing(text))


def _read(text: str) -> tuple[Kind, bool, str]:
    """*(what to print, only for those who have not answered, neighbourhood)* of what follows the campaign."""
    words = text.replace(",", " ").replace(":", " ").split()
    waiting = False
    for said in _WAITING:
        length = len(said.split())
        for start in range(len(words) - length + 1):
            if fold(" ".join(words[start : start + length])) == said:
                words = [*words[:start], *words[start + length :]]
                waiting = True
                break
    for length in (2, 1):
        kind = _KINDS.get(fold(" ".join(words[:length]))) if len(words) >= length else None
        if kind is not None:
            return kind, waiting, " ".join(words[length:])
    return Kind.LEAFLET, waiting, " ".join(words)


@maker("task.leaflets")
def _made(params: Mapping[str, Any], language: str, abilities: Abilities) -> Outgoing:
    """The paper is there: the link, never the file itself, whatever the channel."""
    told = {name: params[name] for name in ("title", "code", "pages", "files")}
    key = "leaflets.link_poster" if params["kind"] == Kind.POSTER else "leaflets.link"
    link = say(language, key, link=params["link"])
    return Outgoing(fit(f"{say(language, 'leaflets.done', **told)}\n{link}", abilities))


_WHICH = choosing(leaflets, "leaflets", *RUNNING, hint="leaflets.how")

PRINTING: Mapping[str, Handler] = {"leaflets": leaflets}
