"""Regular expressions of forms, written for Java or JavaScript, as Python's :mod:`re` writes them.

ODK's ``regex()`` takes what Java and JavaScript understand. Most of it is the same in Python; what is not and
can be said otherwise is rewritten: ``\\p{L}`` and its kin, ``\\Q…\\E``, ``\\z``, ``\\h``, ``(?<name>…)``,
flags at the start, a bare ``[`` in a class. ``\\d``, ``\\w``, ``\\s`` mean ASCII, as there.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

_LEADING_FLAGS = re.compile(r"\(\?([a-zA-Z]+)\)")
_PROPERTY = re.compile(r"\\([pP])(?:\{\^?([A-Za-z_=]+)\}|([A-Z]))")
_POSIX = {
    "Alpha": "A-Za-z",
    "Digit": "0-9",
    "Alnum": "A-Za-z0-9",
    "Upper": "A-Z",
    "Lower": "a-z",
    "Punct": r"!-/:-@\[-`{-~",
    "Space": r" \t\n\x0b\f\r",
    "Blank": r" \t",
    "XDigit": "0-9A-Fa-f",
    "ASCII": r"\x00-\x7f",
    "IsAlphabetic": "L",
    "IsLetter": "L",
    "IsDigit": "Nd",
    "IsUppercase": "Lu",
    "IsLowercase": "Ll",
    "IsPunctuation": "P",
    "IsWhite_Space": "Z",
    "IsLatin": "L",
}
_CLASS = frozenset({r"\w", r"\W", r"\d", r"\D", r"\s", r"\S"})
_CATEGORY = re.compile(r"(?:Is|gc=|general_category=)?([LMNPSZC][a-z]?)")


def translate(pattern: str) -> str:
    """``pattern`` for Python's :func:`re.fullmatch`; raises ``re.error`` for what can't be said in Python."""
    flags = "a"
    if leading := _LEADING_FLAGS.match(pattern):
        flags += "".join(sorted(set(leading[1]) - set("adu")))
        pattern = pattern[leading.end() :]
    out: list[str] = []
    at, inside = 0, False
    while at < len(pattern):
        char = pattern[at]
        if char == "\\":
            piece, at = _escape(pattern, at, inside)
            out.append(piece)
            continue
        if inside:
            # what has a meaning of its own in classes of Python only, or may get one (re warns of it)
            escaped = char in "[&~|"
            if char == "-":
                # beside a class such as \w it can't mean a range: Java and JavaScript take it as itself
                escaped = out[-1] == "-" or out[-1] in _CLASS or pattern[at + 1 : at + 3] in _CLASS
            out.append("\\" + char if escaped else char)
            inside = char != "]"
            at += 1
            continue
        if char == "[":
            inside = True
            opening = re.compile(r"\[\^?\]?").match(pattern, at)
            piece = opening[0] if opening else char
            # an empty class is no class in Python: a leading ] is a literal there as in Java
            out.append(piece.replace("]", r"\]"))
            at += len(piece)
            continue
        if pattern.startswith("(?<", at) and pattern[at + 3 : at + 4] not in ("=", "!"):
            out.append("(?P<")
            at += 3
            continue
        out.append(char)
        at += 1
    return f"(?{flags})" + "".join(out)


def _escape(pattern: str, at: int, inside: bool) -> tuple[str, int]:
    if found := _PROPERTY.match(pattern, at):
        ranges = _ranges(found[2] or found[3])
        negated = found[1] == "P"
        if inside and negated:
            raise re.error("negated property in a class", pattern, at)
        return (ranges if inside else f"[{'^' if negated else ''}{ranges}]"), found.end()
    code = pattern[at + 1 : at + 2]
    match code:
        case "Q":
            end = pattern.find("\\E", at)
            quoted = pattern[at + 2 : end if end >= 0 else len(pattern)]
            return re.escape(quoted), (end + 2 if end >= 0 else len(pattern))
        case "z" | "Z":
            return r"\Z", at + 2
        case "h":
            return r" \t\xa0" if inside else r"[ \t\xa0]", at + 2
        case "k" if named := re.compile(r"<(\w+)>").match(pattern, at + 2):
            return f"(?P={named[1]})", named.end()
        case "R":
            return r"(?:\r\n|[\n\x0b\f\r])", at + 2
    return pattern[at : at + 2], at + 2


def _ranges(name: str) -> str:
    posix = _POSIX.get(name)
    category = _CATEGORY.fullmatch(posix or name)
    if category:
        return _category_ranges(category[1])
    if posix is None:
        raise re.error(f"unknown property {name}")
    return posix


@lru_cache(maxsize=64)
def _category_ranges(category: str) -> str:
    """The characters of a general category of Unicode (basic plane) as the inside of a class."""
    ranges: list[tuple[int, int]] = []
    for code in range(0x10000):
        if unicodedata.category(chr(code)).startswith(category):
            if ranges and ranges[-1][1] == code - 1:
                ranges[-1] = (ranges[-1][0], code)
            else:
                ranges.append((code, code))
    return "".join(f"\\u{low:04x}" if low == high else f"\\u{low:04x}-\\u{high:04x}" for low, high in ranges)


@lru_cache(maxsize=1024)
def fault(pattern: str) -> str | None:
    """What is wrong with a pattern, in the words of the compiler; None if nothing is."""
    try:
        re.compile(translate(pattern))
    except (re.error, OverflowError, RecursionError) as error:
        return str(error)
    return None
