"""Vietnamese letters: how the same word, typed in different ways, becomes the same characters.

Keyboards and files write "ấ" as one character or as a letter followed by marks, "Đ" in three look-alikes, and
hide invisible characters between words. :func:`tidy` keeps the diacritics, for what is stored and shown;
:func:`fold` drops them, for what is compared and searched.
"""

from __future__ import annotations

import re
import unicodedata

_INVISIBLE = {ord(character): None for character in "\u00ad\u200b\u200c\u200d\u2060\ufeff"}
"""Soft hyphen, zero-width characters, word joiner, byte-order mark."""

_MARKS = dict.fromkeys(range(0x0300, 0x0370))
"""The combining diacritical marks of the Latin script. Marks of other scripts are parts of their letters."""

_STROKED_D = {ord(letter): "d" for letter in "đðɖ"}
"""đ has no decomposition; ð and ɖ have capitals that look like Đ and are typed for it."""


def tidy(text: str) -> str:
    """``text`` in NFC, without invisible characters, runs of white space made one space, none at the ends."""
    return " ".join(unicodedata.normalize("NFC", text.translate(_INVISIBLE)).split())


def fold(text: str) -> str:
    """``text`` in lower case without diacritics, đ as d, white space collapsed: "Bến  Nghé" → "ben nghe".

    Punctuation and digits stay. Folding twice changes nothing more.
    """
    plain = unicodedata.normalize("NFD", text.translate(_INVISIBLE).lower()).translate(_MARKS)
    return " ".join(unicodedata.normalize("NFC", plain.translate(_STROKED_D)).split())


_LATE_MARK = re.compile(r"(?:o[àáảãạèéẻẽẹ]|(?<!q)u[ỳýỷỹỵ])(?!\w)")
_BARE = str.maketrans("àáảãạèéẻẽẹỳýỷỹỵ", "aaaaaeeeeeyyyyy")
_EARLY = str.maketrans("àáảãạèéẻẽẹỳýỷỹỵ", "òóỏõọòóỏõọùúủũụ")


def settle(text: str) -> str:
    """``text`` (lower case, NFC) with the tone mark in one place where two are usual: "hoà" → "hòa".

    Only syllables that end in oa, oe, uy have two spellings; after q the u is no vowel ("quý").
    """

    def move(found: re.Match[str]) -> str:
        vowel = found[0][1]
        return vowel.translate(_EARLY) + vowel.translate(_BARE)

    return _LATE_MARK.sub(move, text)
