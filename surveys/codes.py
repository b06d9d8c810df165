"""Campaign codes: short, easy to read aloud and type, and guarded against slips by a check character.

A code has five or six characters of an alphabet without 0 and O, 1 and I; the second is a digit, the last
the check.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise

from surveys.words import narrow

ALPHABET = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"
"""The 32 characters of a code; the first eight are the digits."""
DIGITS = ALPHABET[:8]

_VALUE = {character: value for value, character in enumerate(ALPHABET)}
_SPREAD = {5: 60_013, 6: 2_000_003}
_SEARCHED = 1_000
_LINK = re.compile(r"/chat/([A-Za-z0-9]{5,6})(?![A-Za-z0-9])")
_RUN = re.compile(r"[^\W_]+")
_INVISIBLE = re.compile("[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]")


def _times_x(value: int) -> int:
    """``value`` times x in the field of 32 elements (polynomials over two elements modulo x⁵ + x² + 1)."""
    value <<= 1
    return value ^ 0b100101 if value & 32 else value


def _check(body: Sequence[int]) -> int:
    """The check value of a code's other characters, first to last.

    Characters are elements of the field of 32. With c₁ … cₙ the whole code, the check makes Σ xⁿ⁻ⁱ·cᵢ = 0.
    The weights xⁿ⁻ⁱ are distinct and none is zero (x generates the field), so changing one character
    changes the sum by w·(c − c′) ≠ 0 and exchanging two by (wᵢ − wⱼ)·(cᵢ − cⱼ) ≠ 0: every single
    substitution and every transposition is found.
    """
    total = 0
    for value in body:
        total = _times_x(total ^ value)
    return total


def make_code(number: int, length: int = 6) -> str:
    """The campaign code of ``number``, of ``length`` 5 or 6; different numbers have different codes,
    neighbours look unlike.

    ``number`` is at most 8 · 32^(length − 2) − 1: 262,143 for five characters, 8,388,607 for six.
    ValueError for others.
    """
    room = 8 * 32 ** (length - 2) if length in _SPREAD else 0
    if not 0 <= number < room:
        raise ValueError(f"no code of {length} characters for {number}")
    rest, digit = divmod((number * _SPREAD[length] + 12_345) % room, 8)
    body: list[int] = []
    for _ in range(length - 3):
        rest, value = divmod(rest, 32)
        body.append(value)
    body.insert(1, digit)
    body.append(rest)
    return "".join(ALPHABET[value] for value in (*body, _check(body)))


def _code(text: str) -> str | None:
    """``text`` in capitals if it is a code: its characters, a digit among them, its check."""
    code = text.upper()
    values = [_VALUE.get(character, -1) for character in code]
    if len(code) not in _SPREAD or min(values) < 0 or min(values) > 7:
        return None
    return code if _check(values[:-1]) == values[-1] else None


def find_code(text: str) -> str | None:
    """A campaign code anywhere in the first 1,000 characters of a message, in capitals; None if there is
    none.

    Looks for a link that ends in ``/chat/CODE``, then for a word that is a code (one in capitals first),
    then for two neighbours that make one: a code written with a space or hyphen inside.
    """
    said = narrow(_INVISIBLE.sub("", text[: 2 * _SEARCHED]))[:_SEARCHED]
    for link in _LINK.finditer(said):
        if found := _code(link[1]):
            return found
    runs = list(_RUN.finditer(said))
    codes = [run[0] for run in runs if _code(run[0])]
    if codes:
        return next((code for code in codes if code.isupper()), codes[0]).upper()
    for first, second in pairwise(runs):
        joined = first[0] + second[0]
        # Two words are a code by chance more easily: here the digit must stand where ours have it.
        if (
            said[first.end() : second.start()] in (" ", "-", " - ")
            and joined[1].isdecimal()
            and _code(joined)
        ):
            return joined.upper()
    return None


# ── hand-over ───────────────────────────────────────────────────────────────────────────────────────────────

HANDOVER = 8
"""Characters of a one-time code by which an interview goes on with another device."""
_HANDOVER = re.compile(rf"TT[ -]?([{ALPHABET}]{{4}})[ -]?([{ALPHABET}]{{4}})")


def write_handover(code: str) -> str:
    """A hand-over code as it is shown: ``TT-ABCD-2345``. In a link it stands without hyphens."""
    return f"TT-{code[:4]}-{code[4:]}"


def find_handover(text: str) -> str | None:
    """The hand-over code that a message consists of, in capitals and without its prefix; None for anything
    else. With a digit in it or written with its hyphens, so that no word is taken for one.
    """
    said = narrow(_INVISIBLE.sub("", text[:40])).strip().upper()
    found = _HANDOVER.fullmatch(said)
    if found is None or not (any(map(str.isdecimal, said)) or "-" in said):
        return None
    return found[1] + found[2]
