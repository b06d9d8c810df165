"""Personal codes: the number of a case and a tag that only we can make, in Crockford's base 32.

``0016-9KQ4-2MTD``: four characters or more for the case, eight (40 bits) for the tag. Longer than a code of a
campaign, so neither can be taken for the other. Letters that look like digits are read as these.
"""

from __future__ import annotations

import re

from surveys.words import narrow

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Crockford's base 32 (crockford.com/base32.html): without I, L, O, U."""

TAG_BYTES = 5
_TAG = 8
_CASE = 4
_VALUE = {character: value for value, character in enumerate(ALPHABET)} | {"O": 0, "I": 1, "L": 1}
_LINK = re.compile(r"(?:/chat/|[?&]start=)([0-9A-Za-z-]{12,24})(?![0-9A-Za-z-])")
_WRITTEN = re.compile(r"(?<![\w-])[0-9A-TV-Za-tv-z]{1,4}(?:-[0-9A-TV-Za-tv-z]{4}){2,4}(?![\w-])")
_CODE = re.compile(r"[0-9A-TV-Za-tv-z](?:[ -]?[0-9A-TV-Za-tv-z]){11,17}")
_LONGEST = 1_000


def write(case: int, tag: bytes) -> str:
    """The code of a case, in groups of four from the end. ``tag`` has five bytes."""
    characters = _digits(case, _CASE) + _digits(int.from_bytes(tag), _TAG)
    first = len(characters) % 4
    groups = [characters[:first]] * (first > 0)
    groups += [characters[start : start + 4] for start in range(first, len(characters), 4)]
    return "-".join(groups)


def bare(code: str) -> str:
    """A code as it stands in a link: without hyphens."""
    return code.replace("-", "")


def read(text: str) -> tuple[int, bytes] | None:
    """The case and the tag of a message that is a personal code, or has one in a link or with its hyphens;
    None for anything else. Whether the tag is right, only the key tells.
    """
    said = narrow(text[:_LONGEST]).strip()
    link = _LINK.search(said)
    written = _WRITTEN.search(said)
    code = link[1] if link else written[0] if written else said
    values = [_VALUE[character] for character in code.upper() if character in _VALUE]
    if not _CODE.fullmatch(code) or len(values) < _CASE + _TAG:
        return None
    case = tag = 0
    for value in values[:-_TAG]:
        case = case * 32 + value
    for value in values[-_TAG:]:
        tag = tag * 32 + value
    return (case, tag.to_bytes(TAG_BYTES)) if case < 2**50 else None


def has_letters(text: str) -> bool:
    """Whether there is more in it than digits: a telephone number could be a code, too."""
    return any(character.isalpha() for character in text)


def _digits(number: int, least: int) -> str:
    digits = ""
    while number or len(digits) < least:
        number, value = divmod(number, 32)
        digits = ALPHABET[value] + digits
    return digits
