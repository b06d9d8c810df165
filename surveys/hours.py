"""The hour at which somebody wants to be reminded, in their own words: *nhắc tôi lúc 19 giờ*."""

from __future__ import annotations

import re
from datetime import time

from surveys.moments import read_time
from surveys.numerals import Doubt
from surveys.words import Lexicon, core, even, plain, words

LONGEST = 60
"""Characters of a message that can be such a wish."""

_ASKING = Lexicon(
    """
    nhắc tôi lúc, nhắc tôi vào lúc, nhắc tôi vào, nhắc em lúc, nhắc em vào, nhắc mình lúc, nhắc lúc, nhắc
    vào lúc, nhắc vào, nhắn tôi lúc, nhắn tôi vào, nhắn lúc, nhắn vào, nhắn tin lúc, nhắn tin vào, nhắn tin
    cho tôi lúc, nhắn cho tôi lúc, nhắn cho tôi vào, xin nhắc lúc, xin nhắc tôi lúc, hãy nhắc tôi lúc, hãy
    nhắc lúc, giờ nhắc, giờ nhắc là, đổi giờ nhắc, đổi giờ nhắc thành, đặt giờ nhắc, đặt giờ nhắc lúc,
    remind me at, please remind me at, write to me at, message me at, reminder time, reminder hour
    """
)
_ANY = frozenset(
    words_
    for words_ in (
        "bat ky", "bat ki", "gio nao cung duoc", "luc nao cung duoc", "bo", "xoa", "tat", "khong",
        "any", "any time", "anytime", "none", "off",
    )
)  # fmt: skip
_BARE = re.compile(r"[0-9]{1,2}")


def read_hour(text: str) -> time | None:
    """A time of day told as people do, a bare hour too; None for anything else."""
    said = text.strip()
    if _BARE.fullmatch(said):
        said = f"{said}h"
    told = read_time(said)
    return None if isinstance(told, Doubt) else time.fromisoformat(told)


def is_any(text: str) -> bool:
    """Whether any hour will do again."""
    return plain(core(words(even(text)))) in _ANY


def asked_hour(text: str) -> str | None:
    """What follows *nhắc tôi lúc …* where it is a time of day or *any*; empty for *giờ nhắc* alone, which
    asks what holds. None for anything else.
    """
    said = text.strip(" \t.!")
    if not said or len(said) > LONGEST or "?" in said or said.startswith("/"):
        return None
    heard = words(even(said))
    length = _ASKING.at(heard, 0)
    if not length:
        return None
    found = list(re.finditer(r"[^\W_]+", said))
    rest = said[found[length].start() :] if length < len(found) else ""
    if not rest:
        return "" if plain(heard) in _ALONE else None
    return rest if read_hour(rest) is not None or is_any(rest) else None


_ALONE = frozenset({"gio nhac", "doi gio nhac", "dat gio nhac", "reminder time", "reminder hour"})
