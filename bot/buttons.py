"""What buttons carry: an operation, an interview, what it is about, and a choice. At most 64 bytes.

A question is named by a mark of its path (CRC-32 in base 36). Inside a repeat the mark is followed by the
numbers of the instances and by how many members had been taken out of the interview when the button was made:
``1k2j3h4_3-2`` is a question of the third member, after two removals. Taking somebody out moves everybody
behind them, so a button from before may name somebody else now; it is then known to be old.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from zlib import crc32

LONGEST = 64
"""Bytes that a button may carry (core.telegram.org/bots/api#inlinekeyboardbutton)."""

CHOOSE, TOGGLE, DONE, SKIP, DONT_KNOW, PREFER_NOT = "c", "t", "d", "s", "k", "p"
BACK, CHANGE, REVIEW, SUBMIT, KEEP = "b", "e", "v", "y", "n"
ADD, NO_MORE, REMOVE, MEMBER, ROSTER, CONFIRM = "a", "z", "x", "m", "o", "u"
PAGE, AMEND, LANGUAGE, WORD = "g", "r", "l", "w"

GENERATIONS = 36**3
"""Removals are counted up to here, then from nought again: three characters."""

_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"
_DATA = re.compile(r"([a-z])([0-9a-z]{1,13})(?:\.([0-9A-Za-z_-]{1,46}))?(?:\.([0-9A-Za-z_-]{1,30}))?")
_PLACE = re.compile(r"([0-9a-z]{1,7})((?:_[0-9a-z]{1,4})*)(?:-([0-9a-z]{1,3}))?")
_NUMBER = re.compile(r"\[([0-9]+)\]")


def base36(number: int) -> str:
    """``number`` (≥ 0) in digits and small letters."""
    if number < 36:
        return _DIGITS[number]
    text = ""
    while number:
        number, rest = divmod(number, 36)
        text = _DIGITS[rest] + text
    return text


@lru_cache(maxsize=1 << 16)
def mark(name: str) -> str:
    """A short mark of a name (CRC-32, base 36)."""
    return base36(crc32(name.encode()))


def template(ref: str) -> str:
    """``ref`` without the numbers of instances: ``/data/member[2]/age`` → ``/data/member/age``."""
    return _NUMBER.sub("", ref) if "[" in ref else ref


@lru_cache(maxsize=1 << 14)
def mark_of(ref: str) -> str:
    """The mark of what stands at ``ref`` in the form: of its path below the root, since groups may share a
    name; the same in every instance of a repeat.
    """
    return mark(template(ref).split("/", 2)[-1])


def place_of(ref: str, removals: int = 0) -> str:
    """What a button says of ``ref``: the mark, and inside repeats the instances and the removals so far."""
    if "[" not in ref:
        return mark_of(ref)
    numbers = "".join("_" + base36(int(number)) for number in _NUMBER.findall(ref))
    return f"{mark_of(ref)}{numbers}-{base36(removals % GENERATIONS)}"


@dataclass(frozen=True, slots=True)
class Place:
    """What :func:`place_of` wrote. ``generation`` is None outside repeats."""

    mark: str
    numbers: tuple[int, ...] = ()
    generation: int | None = None

    def is_of(self, removals: int) -> bool:
        """Whether it still names what it named, after ``removals``."""
        return self.generation is None or self.generation == removals % GENERATIONS


def read_place(text: str) -> Place | None:
    """What a button is about, or None for what no button of ours says."""
    found = _PLACE.fullmatch(text)
    if found is None or bool(found[2]) != bool(found[3]):
        return None
    numbers = tuple(int(number, 36) for number in found[2].split("_")[1:])
    return Place(found[1], numbers, int(found[3], 36) if found[3] else None)


def data(op: str, interview: int, about: str = "", choice: str = "") -> str:
    """What a button carries: operation, interview, what it is about, and a choice."""
    return ".".join(filter(None, (op + base36(interview), about, choice)))


def read_data(text: str) -> tuple[str, int, str, str] | None:
    """*(operation, interview, about, choice)*, or None for what no button of ours carries."""
    found = _DATA.fullmatch(text)
    if found is None:
        return None
    operation, interview, about, choice = found.groups(default="")
    return operation, int(interview, 36), about, choice


def fits(ref: str) -> bool:
    """Whether buttons about ``ref`` fit into what a button may carry, whatever the interview and choice."""
    return len(data(CHOOSE, 2**63 - 1, place_of(ref, GENERATIONS - 1), mark("choice"))) <= LONGEST
