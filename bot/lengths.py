"""Texts fitted to what a channel can show, counted in UTF-16 units, the strictest way channels count."""

from __future__ import annotations

from bot.messages import Abilities


def shorten(text: str, room: int) -> str:
    """``text`` on one line in at most ``room`` characters."""
    line = " ".join(text.split())
    return line if len(line) <= room else line[: room - 1].rstrip() + "…"


def fit(text: str, abilities: Abilities) -> str:
    """``text`` within the channel's limit."""
    return cut(text, abilities.text_limit)


def is_within(text: str, limit: int) -> bool:
    """Whether ``text`` has at most ``limit`` units."""
    return len(text) * 2 <= limit or units(text) <= limit


def within(head: str, middle: str, tail: str, abilities: Abilities) -> str:
    """Three texts, one below the other, within the channel's limit; the middle one gives way first."""
    parts = [part for part in (head, middle, tail) if part]
    text = "\n".join(parts)
    if is_within(text, abilities.text_limit) or not middle:
        return fit(text, abilities)
    room = abilities.text_limit - units(head) - units(tail) - len(parts) + 1
    return fit("\n".join(filter(None, (head, cut(middle, max(0, room)), tail))), abilities)


def cut(text: str, limit: int) -> str:
    """``text`` in at most ``limit`` units, with an ellipsis where something is missing."""
    if is_within(text, limit):
        return text
    low, high = 0, len(text)
    while low < high:
        middle = (low + high + 1) // 2
        if units(text[:middle]) <= limit - 1:
            low = middle
        else:
            high = middle - 1
    return text[:low] + "…" if limit else ""


def units(text: str) -> int:
    """Length in UTF-16 units."""
    return len(text) + sum(character > "\uffff" for character in text)
