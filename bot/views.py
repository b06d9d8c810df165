"""What a person asks to see, or to have done, about a list: the answers that hold some words, a member's
part, who is there. Nothing here changes an interview; an event to go on with is named.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bot import reviews
from bot.buttons import template
from bot.lengths import shorten
from bot.messages import Abilities, Outgoing
from bot.pages import LINES
from bot.phrases import whereabouts
from bot.questionnaires import Prepared
from bot.texts import say
from bot.wishes import Aside, overview
from surveys import interview as engine

NAMES = frozenset(
    {"find", "member", "lists", "moved", "nobody", "roster", "add", "no_more", "next_page", "previous_page"}
)
"""The asides that are answered here."""


@dataclass(frozen=True, slots=True)
class View:
    """An ``event`` for the engine, if any; then ``message`` as it is, else the prompt that stands with
    ``notice`` before it.
    """

    message: Outgoing | None = None
    event: engine.Event | None = None
    notice: str = ""


def look(
    prepared: Prepared,
    state: engine.State,
    about: engine.Context,
    aside: Aside,
    *,
    interview: int,
    abilities: Abilities,
) -> View:
    """What comes of a wish about an open interview. ``aside`` is one of :data:`NAMES`."""
    language = about.language

    def some(title: str, lines: Sequence[engine.Line], inside: str = "") -> View:
        shown = lines[:LINES]
        more = len(lines) - len(shown)
        made = reviews.some(
            title, shown, interview, language, abilities, state.removals, more=more, inside=inside
        )
        return View(made, _away(prepared, state))

    match aside.name:
        case "find":
            wanted = shorten(aside.argument, 40)
            found = reviews.found(overview(prepared, state, about).lines, aside.argument, language)
            if not found:
                return View(notice=say(language, "review.not_found", wanted=wanted))
            return some(say(language, "review.found", wanted=wanted), found)
        case "member":
            review = overview(prepared, state, about)
            everybody = [each for roster in review.rosters for each in roster.members]
            one = next((each for each in everybody if each.ref == aside.argument), None)
            if one is None:
                return _moved(aside.argument.partition("[")[0], language)
            lines = reviews.of_member(review.lines, aside.argument)
            if lines:
                return some(whereabouts((one,), language), lines, inside=one.ref)
            # Nothing was said about them yet: that is asked now.
            return View(event=engine.Change(one.ref))
        case "moved":
            return _moved(aside.argument, language)
        case "nobody":
            return View(notice=say(language, "roster.who", who=shorten(aside.argument, 40)))
        case "lists":
            rosters = reviews.worth_seeing(overview(prepared, state, about).rosters)
            return View(
                reviews.lists(rosters, interview, language, abilities, state.removals), _away(prepared, state)
            )
        case "roster" | "add" if prepared.repeats:
            return View(event=engine.ShowRoster() if aside.name == "roster" else engine.Add())
        case "next_page" | "previous_page":
            return View(notice=say(language, "turn.no_page"))
        case "roster" | "add":
            return View(notice=say(language, "roster.nothing"))
    return View(notice=say(language, "turn.not_a_code"))


def _away(prepared: Prepared, state: engine.State) -> engine.Event | None:
    """Away from a list of members that is shown: numbers typed now are those of answers."""
    ref = state.focus.ref if state.focus is not None and state.focus.pending is None else None
    return engine.Keep() if ref is not None and template(ref) in prepared.repeats else None


def _moved(ref: str, language: str) -> View:
    """The list of the repeat at ``ref``, to choose again in."""
    return View(event=engine.ShowRoster(ref), notice=say(language, "roster.moved"))
