"""A campaign's form was published again while people are in the middle: their interviews go over to it.

An interview moves at its person's next turn, with every answer that still fits; the person is told what
changed. What was typed meant the question that was asked then: it is taken only if that is what is asked now.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import Connection

from bot.phrases import topic
from bot.questionnaires import Prepared, Shelf, context
from bot.texts import say
from storage import submissions
from storage.crypto import Keyring
from storage.interviews import Interview
from surveys.interview import Ask, Context, Line, Prompt, State, line, prompt
from surveys.revisions import Effect, Moved, What, compare, move

NAMED = 5
"""Questions named in a notice; the rest is a number."""


@dataclass(frozen=True, slots=True)
class Republished:
    """An interview under the campaign's present version, not yet written. ``notice`` tells its person what
    changed; ``same`` is whether what is asked now is what was asked before.
    """

    interview: Interview
    prepared: Prepared
    notice: str
    same: bool


def due(interview: Interview | None) -> bool:
    """Whether an open interview was begun under another version than its campaign asks now."""
    return (
        interview is not None
        and interview.stage == "main"
        and interview.status == "open"
        and interview.campaign_instrument not in (0, interview.instrument_id)
    )


def republish(
    connection: Connection,
    keyring: Keyring,
    shelf: Shelf,
    interview: Interview,
    hidden: Callable[[], Mapping[str, str]],
    now: datetime,
    language: str,
) -> Republished | None:
    """``interview`` under the version that its campaign asks now; None for one that was handed in before and
    is only being amended: it stays with the version it was counted under.

    ``hidden`` gives what the case brings along, for fields that only the newer version declares.
    """
    if submissions.latest(connection, keyring, interview.id) is not None:
        return None
    old = shelf.get(connection, interview.instrument_id)
    new = shelf.get(connection, interview.campaign_instrument)
    moved = move(old.form, new.form, interview.state, offers=new.questionnaire.offers, hidden=hidden())
    before = prompt(old.questionnaire, interview.state, context(now, old.spoken(language)))
    about = context(now, new.spoken(language))
    after = prompt(new.questionnaire, moved.state, about)
    return Republished(
        interview=replace(interview, instrument_id=new.id, state=moved.state),
        prepared=new,
        notice=_notice(old, new, interview, moved, about),
        same=_same(before, after),
    )


def _same(before: Prompt, after: Prompt) -> bool:
    """Whether two prompts, of two versions, put the same: what is typed means the same to both."""
    if type(before) is not type(after):
        return False
    if isinstance(before, Ask) and isinstance(after, Ask):
        return (_place(before.ref), before.kind, before.appearance, before.choices) == (
            _place(after.ref),
            after.kind,
            after.appearance,
            after.choices,
        )
    return _place(getattr(before, "ref", "")) == _place(getattr(after, "ref", ""))


def _place(ref: str) -> tuple[str, Sequence[str]]:
    """A question's name and the numbers of the members it is about."""
    return ref.rpartition("/")[2], re.findall(r"\[(\d+)\]", ref)


def _notice(old: Prepared, new: Prepared, interview: Interview, moved: Moved, about: Context) -> str:
    language = about.language
    again = _asked(new, moved.state, moved.again, about)
    dropped = _asked(old, interview.state, moved.dropped, about)
    changes = compare(old.form, new.form).all
    added = len({one.ref for one in changes if one.what is What.ADDED and one.effect is Effect.ASKED})
    said = [
        say(language, "revision.again", lines=_listed(again, language))
        if again
        else say(language, "revision.notice")
    ]
    if added:
        said.append(say(language, "revision.new", count=added))
    if dropped:
        said.append(say(language, "revision.dropped", lines=_listed(dropped, language)))
    return "\n".join(said)


def _asked(prepared: Prepared, state: State, refs: Iterable[str], about: Context) -> list[Line]:
    """Those of ``refs`` that are asked, as lines of the review."""
    found = [line(prepared.questionnaire, state, ref, about) for ref in refs]
    return [each for each in found if each.number]


def _listed(lines: Sequence[Line], language: str) -> str:
    shown = [f"– {topic(each.label, 60)}" for each in lines[:NAMED]]
    if len(lines) > NAMED:
        shown.append(say(language, "revision.more", count=len(lines) - NAMED))
    return "\n".join(shown)
