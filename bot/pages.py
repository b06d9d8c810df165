"""Long lists in parts: which choices, lines or members a message shows, and the buttons to the others.

A list is paged where it is longer than anybody reads on a telephone, or than a message may be. The page that
is shown stands in the session; it is kept while the same list is asked about.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

from bot.buttons import PAGE, base36, data
from bot.lengths import is_within
from bot.messages import Abilities, Button
from surveys.interview import Ask, Prompt, Review, Roster

CHOICES = 24
"""Choices that are still shown at once; of more, :data:`PER_PAGE` at a time."""
PER_PAGE = 10
LINES = 25
"""Lines of the review on a page."""
MEMBERS = 8
"""Members of a roster on a page: two buttons each."""
LABEL = 300
"""Characters of a choice in a numbered list whose choices are too long for a message."""

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Page:
    """A part of a list: from ``start`` up to ``end``; ``number`` of ``total`` pages, from 0."""

    number: int
    total: int
    start: int
    end: int

    def of(self, items: Sequence[_T]) -> Sequence[_T]:
        """What stands on this page."""
        return items[self.start : self.end]


def page_of(length: int, size: int, wanted: int, whole: int) -> Page:
    """The page ``wanted`` (the nearest there is) of a list; up to ``whole`` items are one page."""
    if length <= whole:
        return Page(0, 1, 0, length)
    total = -(-length // size)
    number = min(max(0, wanted), total - 1)
    return Page(number, total, number * size, min(length, (number + 1) * size))


def listing(prompt: Prompt) -> tuple[int, int, int]:
    """*(length, items on a page, items that need no pages)* of the list that a prompt shows."""
    match prompt:
        case Ask():
            return len(prompt.choices), PER_PAGE, CHOICES
        case Review():
            return len(prompt.lines), LINES, LINES
        case Roster():
            return len(prompt.members), MEMBERS, MEMBERS
    return 0, 1, 1


def pages(prompt: Prompt) -> int:
    """How many pages the list of a prompt has; 1 for what has no list."""
    length, size, whole = listing(prompt)
    return page_of(length, size, 0, whole).total


def fitting(page: Page, lines: Sequence[str], room: int) -> Sequence[str]:
    """The lines of a page in at most ``room`` units: each is shortened where all together are too long."""
    shown = page.of(lines)
    for most in (LABEL, LABEL // 2, LABEL // 4, LABEL // 8):
        if is_within("\n".join(shown), room):
            return shown
        shown = [line if len(line) <= most else line[: most - 1].rstrip() + "…" for line in shown]
    return shown


def turning(page: Page, interview: int, about: str, abilities: Abilities) -> tuple[Button, ...]:
    """The buttons to the page before, to this one, and to the next; none where there is one page."""
    if page.total < 2 or not abilities.buttons:
        return ()

    def to(label: str, number: int) -> Button:
        return Button(label, data(PAGE, interview, about, base36(number)))

    row = [to(f"{page.number + 1}/{page.total}", page.number)]
    if page.number:
        row.insert(0, to("◀", page.number - 1))
    if page.number + 1 < page.total:
        row.append(to("▶", page.number + 1))
    return tuple(row)
