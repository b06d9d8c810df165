"""The short texts that prompts are made of: an answer, a heading, a member of a repeat."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

from bot.lengths import shorten
from bot.texts import say
from surveys.forms import Missing, Range
from surveys.interview import AddAnother, Ask, Line, Member, Review
from surveys.letters import fold

NAME = 60
"""Characters of a member's name, or of a repeat's label, in a line."""
STEPS = 11
"""Steps of a range that are still buttons: 0 to 10."""


def said_before(prompt: Ask | AddAnother | Review) -> list[str]:
    """Headings and notes that stand before a prompt and have something to say. An instance of a repeat that
    the prompt itself names needs no heading.
    """
    named = {member.ref for member in prompt.members} if isinstance(prompt, Ask) else set()
    return [
        passage.text
        for passage in prompt.before
        if passage.text and (passage.kind is not None or passage.ref not in named)
    ]


def said(value_label: str, missing: Missing | None, language: str) -> str:
    """An answer as shown to a person: its label, or why there is none."""
    return say(language, f"missing.{missing.value}") if missing is not None else value_label


def topic(label: str, room: int = 90) -> str:
    """A question as the heading of its answer: a line of at most ``room`` characters, without its mark."""
    return shorten(label, room).rstrip("?:. ")


def repeat_label(label: str, language: str) -> str:
    """What a repeat is called: as the form says, else in a word of ours."""
    return topic(label, NAME) or say(language, "member.item")


def called(member: Member, language: str) -> str:
    """A member in a list or a sentence: their name, else what they are and their number."""
    name = shorten(member.name, NAME)
    label = repeat_label(member.label, language)
    return name or say(language, "member.line", label=label, place=member.number)


def whereabouts(members: Sequence[Member], language: str) -> str:
    """Which instances of repeats something is about: ``Thành viên 2/4 · Lan``; empty outside repeats.

    The last of them may not be the last: how many there are stands only where more follow.
    """
    return " › ".join([_whereabouts(member, language) for member in members])


def _whereabouts(member: Member, language: str) -> str:
    place = f"{member.number}/{member.total}" if member.number < member.total else str(member.number)
    label, name = repeat_label(member.label, language), shorten(member.name, NAME)
    if not name or fold(name) == fold(label):
        return say(language, "member.line", label=label, place=place)
    if fold(label) in fold(name):
        return say(language, "member.name", place=place, name=name)
    return say(language, "member.named", label=label, place=place, name=name)


def headline(line: Line, language: str, room: int = 90) -> str:
    """A question as the heading of its answer, outside a list: with whose it is, unless it says so itself."""
    heading = topic(line.label, room)
    # The answer that is their name does not say whose it is.
    known = [
        member if member.name != line.value_label else replace(member, name="") for member in line.members
    ]
    who = [called(member, language) for member in known]
    return " – ".join([*(name for name in who if fold(name) not in fold(heading)), heading])


def names(members: Sequence[Member], language: str, most: int = 12) -> str:
    """Members in a sentence, apart by commas."""
    some = [called(member, language) for member in members[:most]]
    return ", ".join(some) + ("…" if len(members) > most else "")


def steps_of(scale: Range) -> tuple[str, ...]:
    """The values of a range as they are stored, where there are few enough to tap; else none."""
    if not scale.step or (scale.end - scale.start) / scale.step < 0:
        return ()
    number = int((scale.end - scale.start) // scale.step) + 1
    if number > STEPS:
        return ()
    return tuple([plain(scale.start + scale.step * at) for at in range(number)])


def plain(number: Decimal) -> str:
    """A number as values are stored: ``5``, ``0.5``."""
    text = f"{number:f}"
    return text.rstrip("0").rstrip(".") or "0" if "." in text else text


def shown_number(number: Decimal, language: str) -> str:
    """A number as it is written: ``0,5`` in Vietnamese."""
    return plain(number).replace(".", ",") if language == "vi" else plain(number)
