"""What a person typed → a value, a command, a refusal, or "which of these?"."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from surveys.forms import Kind
from surveys.letters import fold


@dataclass(frozen=True, slots=True)
class Offers:
    """What a question lets a person do instead of answering."""

    dont_know: bool = False
    prefer_not: bool = False
    skip: bool = False


@dataclass(frozen=True, slots=True)
class Option:
    """A choice as shown: the name that is stored, and its labels (one or more languages)."""

    name: str
    labels: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Value:
    """An ODK string: choice name, integer ``21``, decimal ``2.5``, ISO date, text."""

    value: str


@dataclass(frozen=True, slots=True)
class Values:
    """Choice names of a select_multiple, in list order."""

    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Refused:
    """Not an answer: ``reason`` is a catalogue key, ``params`` fill it in."""

    reason: str
    params: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Ambiguous:
    """Could be any of these choice names."""

    between: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class DontKnow:
    """The person doesn't know, and may."""


@dataclass(frozen=True, slots=True)
class PreferNot:
    """The person would rather not say, and may."""


@dataclass(frozen=True, slots=True)
class Command:
    """Not an answer but a wish: ``name`` says which, ``argument`` with what."""

    name: str
    argument: str = ""


Reading = Value | Values | Refused | Ambiguous | DontKnow | PreferNot | Command

TEXT_LIMIT = 4_000
ALPHABET = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"

_SLASH = {
    "start": "start", "help": "help", "trogiup": "help", "language": "language", "ngonngu": "language",
    "stop": "stop", "dung": "stop", "privacy": "privacy", "riengtu": "privacy", "back": "back", "quaylai": "back",
    "review": "review", "xemlai": "review", "submit": "submit", "gui": "submit", "counts": "counts",
    "thongke": "counts", "skip": "skip", "boqua": "skip", "campaign": "campaign", "campaigns": "campaigns",
}  # fmt: skip
_BARE = {
    "dung": ("stop", ""), "stop": ("stop", ""), "huy": ("stop", ""), "quay lai": ("back", ""), "back": ("back", ""),
    "bo qua": ("skip", ""), "skip": ("skip", ""), "xem lai": ("review", ""), "review": ("review", ""),
    "gui": ("submit", ""), "nop": ("submit", ""), "submit": ("submit", ""), "rieng tu": ("privacy", ""),
    "privacy": ("privacy", ""), "tro giup": ("help", ""), "giup": ("help", ""), "help": ("help", ""),
    "ngon ngu": ("language", ""), "english": ("language", "en"), "tieng viet": ("language", "vi"),
    "giu nguyen": ("keep", ""), "keep": ("keep", ""), "tiep tuc": ("keep", ""),
}  # fmt: skip
_YES = {"co", "u", "da co", "dung roi", "yes", "y", "vang", "phai", "dong y"}
_NO = {"khong", "ko", "k", "khong a", "no", "n", "nope", "chua", "khong co"}


def clean(text: str, limit: int = TEXT_LIMIT) -> str:
    """NFC, without control and bidi characters, spaces collapsed, at most ``limit`` characters."""
    kept = "".join(c if c.isprintable() else " " if c.isspace() else "" for c in text[: limit * 4])
    return " ".join(unicodedata.normalize("NFC", kept).split())[:limit].rstrip()


def read_reply(
    kind: Kind,
    text: str,
    *,
    choices: Sequence[Option] = (),
    language: str,
    today: date,
    offers: Offers = Offers(),
    appearance: str = "",
) -> Reading:
    """What ``text`` means as a reply to a question of this kind."""
    said = clean(text)
    key = fold(said).strip(" .!")
    for option in choices:
        if any(fold(label) == key for label in option.labels):
            return Value(option.name) if kind is Kind.SELECT_ONE else Values((option.name,))
    command = read_command(said)
    if command is not None:
        return command
    if not key:
        return Refused("reply.blank")
    if key in {"khong biet", "ko biet", "khong ro", "don't know", "dont know"}:
        return DontKnow() if offers.dont_know else Refused("reply.not_offered")
    if key in {"khong muon tra loi", "bi mat", "rather not say"}:
        return PreferNot() if offers.prefer_not else Refused("reply.not_offered")
    if kind is Kind.SELECT_ONE:
        if key.isascii() and key.isdecimal() and len(key) < 5 and 1 <= int(key) <= len(choices):
            return Value(choices[int(key) - 1].name)
        words = _YES if key in _YES else _NO if key in _NO else set()
        found = [o.name for o in choices if any(fold(label) in words for label in o.labels) or fold(o.name) == key]
        return Value(found[0]) if len(found) == 1 else Refused("reply.not_a_choice")
    if kind is Kind.SELECT_MULTIPLE:
        numbers = [int(n) for n in re.findall(r"[0-9]{1,4}", key)]
        if re.fullmatch(r"[0-9 ,;va]+", key) and numbers and all(1 <= n <= len(choices) for n in numbers):
            return Values(tuple(o.name for at, o in enumerate(choices, 1) if at in numbers))
        return Refused("reply.not_a_choice")
    if kind is Kind.INTEGER:
        return Value(str(int(key))) if re.fullmatch(r"-?[0-9]{1,9}", key) else Refused("reply.not_an_integer")
    if kind is Kind.DECIMAL:
        number = key.replace(",", ".")
        return Value(number) if re.fullmatch(r"-?[0-9]{1,9}(\.[0-9]{1,9})?", number) else Refused("reply.not_a_number")
    if kind is Kind.DATE:
        found_date = re.fullmatch(r"([0-9]{1,2})[/.-]([0-9]{1,2})[/.-]([0-9]{4})", key)
        try:
            if found_date:
                return Value(date(int(found_date[3]), int(found_date[2]), int(found_date[1])).isoformat())
            return Value(date.fromisoformat(key).isoformat())
        except ValueError:
            return Refused("reply.not_a_date")
    if {"month-year", "year"} & set(appearance.split()):
        month = read_month_year(said)
        return Value(month) if month else Refused("reply.not_a_month")
    return Value(said)


def read_month_year(text: str) -> str | None:
    """``MM/YYYY`` or ``YYYY``, None for anything else."""
    found = re.fullmatch(r"(?:([0-9]{1,2})[/.-])?((?:19|20)?[0-9]{2})", text.strip())
    if not found or (found[1] and not 1 <= int(found[1]) <= 12):
        return None
    year = found[2] if len(found[2]) == 4 else ("20" if int(found[2]) < 30 else "19") + found[2]
    return f"{int(found[1]):02}/{year}" if found[1] else year


def read_command(text: str) -> Command | None:
    """A command as the whole message, None for anything else."""
    said = clean(text, 200)
    if said.startswith("/"):
        word, _, argument = said[1:].partition(" ")
        name = _SLASH.get(fold(word.split("@")[0]))
        return Command(name, argument.strip()) if name else Command("unknown", word)
    key = fold(said).strip(" .!")
    if key in _BARE:
        return Command(*_BARE[key])
    change = re.fullmatch(r"(?:sua|change|doi)(?: (?:cau|so))?(?: ([0-9]{1,4}))?", key)
    return Command("change", change[1] or "") if change else None


def _times(a: int, b: int) -> int:
    """Product in the field of 32 elements (polynomials over two elements modulo x⁵ + x² + 1)."""
    product = 0
    while b:
        if b & 1:
            product ^= a
        a <<= 1
        if a & 32:
            a ^= 0b100101
        b >>= 1
    return product


def _check(body: Sequence[int]) -> int:
    total = 0
    for value in body:
        total = _times(total ^ value, 2)
    return total


def make_code(number: int, length: int = 6) -> str:
    """The campaign code of ``number`` (≥ 0): always a digit in it, last a check character."""
    room = 8 * 32 ** (length - 2)
    if length not in (5, 6) or not 0 <= number < room:
        raise ValueError(f"no code for {number} in {length} characters")
    mixed = number * 5_000_011 % room
    mixed, digit = divmod(mixed, 8)
    body = []
    for _ in range(length - 2):
        mixed, value = divmod(mixed, 32)
        body.append(value)
    body.insert(1, digit)
    return "".join(ALPHABET[value] for value in [*body, _check(body)])


def _code(text: str) -> str | None:
    code = text.upper()
    if len(code) not in (5, 6) or not any(c in "23456789" for c in code) or any(c not in ALPHABET for c in code):
        return None
    values = [ALPHABET.index(c) for c in code]
    return code if _check(values[:-1]) == values[-1] else None


def find_code(text: str) -> str | None:
    """A campaign code anywhere in a message, in capitals; None if there is none."""
    words = re.findall(r"[A-Za-z0-9]+", clean(text, 1000))
    for word in words:
        if found := _code(word):
            return found
    for first, second in zip(words, words[1:], strict=False):
        if found := _code(first + second):
            return found
    return None
