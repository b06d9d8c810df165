"""What a person typed → a value, a command, a refusal, or "which of these?".

A wrong answer is worse than a question asked twice: what can be read in two ways, what is turned round by a
*không*, what says more than an answer, is asked again.

A reply is first a whole label, then a command, *don't know* or *prefer not to say*, then whatever the kind
of question takes (:mod:`surveys.choices`, :mod:`surveys.numerals`). What nothing was read from is read once
more with the slips of Vietnamese keyboards undone.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from surveys import numerals
from surveys.choices import Option, index_of, point_at_one, point_at_several
from surveys.codes import find_code, make_code
from surveys.forms import Kind
from surveys.numerals import Doubt
from surveys.words import (
    ADVERTISED,
    COMMANDS,
    NAMES,
    Lexicon,
    Words,
    core,
    even,
    meanings,
    plain,
    respell,
    usual,
    words,
)

__all__ = [
    "Ambiguous",
    "Command",
    "DontKnow",
    "Offers",
    "Option",
    "PreferNot",
    "Reading",
    "Refused",
    "Value",
    "Values",
    "clean",
    "find_code",
    "make_code",
    "read_command",
    "read_month_year",
    "read_reply",
]

# ── what is offered, and what comes out ───────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Offers:
    """What a question lets a person do instead of answering."""

    dont_know: bool = False
    prefer_not: bool = False
    skip: bool = False


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
    """Not an answer: ``reason`` is a key of the catalogue of replies, ``params`` fill it in."""

    reason: str
    params: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Ambiguous:
    """Could be any of these choice names, in list order; one alone asks "did you mean this?"."""

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
"""Characters of a text answer."""

LINE_LIMIT = 400
"""Characters of a reply that can still be anything but a text answer."""

# ── cleaning ──────────────────────────────────────────────────────────────────────────────────────────

_STRIPPED = re.compile(
    "[\u0000-\u0008\u000e-\u001f\u007f-\u0084\u0086-\u009f\u00ad\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f"
    "\ufeff\ufff9-\ufffb\ufffe\uffff\ud800-\udfff\U000e0000-\U000e007f]+"
)
"""Control and format characters, direction marks, lone surrogates, tags; white space is kept for now."""

_MARKS_KEPT = 4
"""Combining marks on one letter; more are ornament, and slow to normalise."""


def clean(text: str, limit: int = TEXT_LIMIT) -> str:
    """``text`` in NFC, without control and direction characters, spaces collapsed, at most ``limit``
    characters."""
    text = _STRIPPED.sub("", text[: 4 * limit])
    if text.isascii():
        return " ".join(text.split())[:limit].rstrip()
    if len(text) > 200:
        text = _calm(text)
    return " ".join(unicodedata.normalize("NFC", text).split())[:limit].rstrip()


def _calm(text: str) -> str:
    kept: list[str] = []
    run = 0
    for character in text:
        run = run + 1 if unicodedata.combining(character) else 0
        if run <= _MARKS_KEPT:
            kept.append(character)
    return "".join(kept)


# ── a reply ───────────────────────────────────────────────────────────────────────────────────────────

_NO_OFFERS = Offers()

_UNREAD = {
    Kind.SELECT_ONE: "reply.not_a_choice",
    Kind.SELECT_MULTIPLE: "reply.not_a_choice",
    Kind.INTEGER: Doubt.NOT_AN_INTEGER,
    Kind.DECIMAL: Doubt.NOT_A_NUMBER,
    Kind.DATE: Doubt.NOT_A_DATE,
}


def read_reply(
    kind: Kind,
    text: str,
    *,
    choices: Sequence[Option] = (),
    language: str,
    today: date,
    offers: Offers = _NO_OFFERS,
    appearance: str = "",
    question: str = "",
) -> Reading:
    """What ``text`` means as a reply to a question of ``kind``. Never raises, whatever the text.

    ``choices`` are those shown, in the order shown; ``language`` the person's (``vi`` or ``en``); ``today``
    anchors *hôm nay* and years of two digits. ``appearance`` is the question's in XLSForm: a text with
    ``month-year`` or ``year`` becomes ``03/1985`` or ``1985``, with ``time`` ``07:30``, with ``phone`` ten
    or eleven digits. ``question`` is its label, if at hand: what it counts (hours, months, millions)
    decides whether a number with such a unit is an answer.
    """
    free = kind is Kind.TEXT and not _TYPED & set(appearance.split())
    limit = TEXT_LIMIT if free else LINE_LIMIT
    said = clean(text, limit + 1)
    if len(said) > limit or len(text) > 4 * limit:
        return Refused("reply.too_long", {"limit": limit}) if free else Refused(_unread(kind, appearance))
    if not said:
        return Refused("reply.blank")
    if said[0] == "/":
        command = _slash(said)
        if command is not None:
            return command
    if not free and not said.isascii():
        said = even(said)
    if free:
        return _read_text(said, offers)
    shown = tuple(choices) if kind is Kind.SELECT_ONE or kind is Kind.SELECT_MULTIPLE else ()
    reading = _read(kind, said, shown, language, today, offers, appearance, question)
    if isinstance(reading, Refused):
        mended = respell(said) if language != "en" else None
        if mended is not None:
            again = _read(kind, mended, shown, language, today, offers, appearance, question)
            if not isinstance(again, Refused):
                return again
    return reading


_TYPED = {"month-year", "year", "time", "phone"}


def _unread(kind: Kind, appearance: str) -> str:
    if kind is not Kind.TEXT:
        return str(_UNREAD.get(kind, "reply.not_a_choice"))
    shown = appearance.split()
    if "month-year" in shown:
        return Doubt.NOT_A_MONTH
    if "year" in shown:
        return Doubt.NOT_A_YEAR
    return Doubt.NOT_A_TIME if "time" in shown else Doubt.NOT_A_PHONE


def _read(
    kind: Kind,
    text: str,
    choices: tuple[Option, ...],
    language: str,
    today: date,
    offers: Offers,
    appearance: str,
    question: str,
) -> Reading:
    said = words(text)
    if not said:
        return Refused("reply.no_words")
    if choices:
        if _may_stop(said, choices):
            return Refused("reply.stop_or_yes")
        exact = index_of(choices).exactly(usual(said)) if not _is_number(said) else []
        if len(exact) == 1 and "?" not in text:
            name = choices[exact[0]].name
            return Value(name) if kind is Kind.SELECT_ONE else Values((name,))
    aside = _aside(text, said, kind, choices, offers)
    if aside is not None:
        return aside
    if kind is Kind.SELECT_ONE or kind is Kind.SELECT_MULTIPLE:
        return _select(kind, text, choices, question)
    if "?" in text:
        return Refused(_unread(kind, appearance))
    if kind is Kind.INTEGER or kind is Kind.DECIMAL:
        number = numerals.read_number(text, language, whole=kind is Kind.INTEGER, question=question)
        return Refused(number.value) if isinstance(number, Doubt) else Value(_number_text(number))
    if kind is not Kind.DATE and kind is not Kind.TEXT:
        return Refused("reply.not_a_choice")
    if kind is Kind.DATE:
        return _told(numerals.iso_date(text, today, appearance))
    shown = appearance.split()
    if "month-year" in shown:
        return _told(numerals.month_and_year(text, today))
    if "year" in shown:
        return _told(numerals.only_year(text, today))
    return _told(numerals.read_time(text) if "time" in shown else numerals.read_phone(text))


_AMONG = 12
"""Choices that are worth asking "which of these?"."""


def _names(choices: tuple[Option, ...], positions: Iterable[int]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(choices[at].name for at in sorted(set(positions))))


def _which(names: tuple[str, ...]) -> Reading:
    return Ambiguous(names) if 0 < len(names) <= _AMONG else Refused("reply.not_a_choice")


def _select(kind: Kind, text: str, choices: tuple[Option, ...], question: str) -> Reading:
    if not choices:
        return Refused("reply.not_a_choice")
    index = index_of(choices)
    one = kind is Kind.SELECT_ONE
    found = point_at_one(text, index, question) if one else point_at_several(text, index)
    if found.beyond:
        return Refused("reply.out_of_range", {"count": index.size})
    names = _names(choices, found.positions)
    if not names or not found.sure:
        return _which(names)
    return Value(names[0]) if one else Values(names)


def _is_number(said: Words) -> bool:
    return len(said) == 1 and said[0].plain.isdecimal()


def _told(found: str | Doubt) -> Reading:
    return Refused(found.value) if isinstance(found, Doubt) else Value(found)


def _number_text(number: Decimal) -> str:
    text = f"{number:f}"
    return text.rstrip("0").rstrip(".") or "0" if "." in text else text


def read_month_year(text: str, today: date | None = None) -> str | None:
    """``MM/YYYY`` or ``YYYY`` of a month or year as people write it, None for anything else.

    ``today`` settles years of two digits; without it the year 2025 stands for today.
    """
    found = numerals.month_and_year(clean(text, LINE_LIMIT), today)
    return None if isinstance(found, Doubt) else found


def _read_text(said: str, offers: Offers) -> Reading:
    """A text answer, unless the whole message is a command, or a word that can't be told from one."""
    if len(said) <= 60:
        some = words(said)
        if not some:
            return Refused("reply.no_words")
        if len(some) == 1 and even(said).strip(" .!") in NAMES:
            return Refused("reply.stop_or_answer")
        command = _command(said, some)
        mended = respell(said) if command is None else None
        if mended is not None:
            command = _command(mended, words(mended))
        if command is not None and _advertised(command, some if mended is None else words(mended)):
            return command
        meant = meanings(core(some)) | meanings(some)
        if "dont_know" in meant and offers.dont_know:
            return DontKnow()
        if "prefer_not" in meant and offers.prefer_not:
            return PreferNot()
    elif not words(said[:LINE_LIMIT]) and not words(said):
        return Refused("reply.no_words")
    return Value(said)


def _advertised(command: Command, said: Words) -> bool:
    told = {plain(said), plain(core(said))} & ADVERTISED
    return bool(told) or (command.name == "change" and command.argument != "")


def _aside(text: str, said: Words, kind: Kind, choices: tuple[Option, ...], offers: Offers) -> Reading | None:
    """A command, *don't know*, *prefer not*, or a message that asks back; None for what may be an answer."""
    meant = meanings(said) or meanings(core(said)) or meanings(usual(core(said)))
    index = index_of(choices) if choices else None
    if "?" not in text:
        command = _command(text, said)
        if command is not None and index is not None and not _advertised(command, said):
            # "giúp" beside "Người giúp việc", "tiếng Anh" where one is asked what to learn.
            answers = plain(core(said)) == "tieng anh" or bool(index.holding(core(said)))
            command = None if answers else command
        if command is not None:
            return command
        if not choices and kind is Kind.SELECT_ONE and len(said) == 1 and said[0].plain.isdecimal():
            # No question is open: the numbered answers are, for review.
            return Command("change", said[0].plain) if len(said[0].plain) < 5 else None
    for meaning, offered, reading in (
        ("dont_know", offers.dont_know, DontKnow()),
        ("prefer_not", offers.prefer_not, PreferNot()),
    ):
        if meaning in meant and "?" not in text:
            shown = index.unsure[meaning] if index is not None else ()
            parts = index.holding(core(said)) if index is not None and not shown else ()
            if parts:
                return _which(_names(choices, parts))
            if len(shown) == 1:
                name = choices[shown[0]].name
                return Value(name) if kind is Kind.SELECT_ONE else Values((name,))
            return reading if offered else Refused("reply.not_offered")
    return None


def _may_stop(said: Words, choices: tuple[Option, ...]) -> bool:
    """Whether this is "dung" or the like without marks, where it can also be a yes or a choice."""
    one = core(said)
    if (
        len(one) != 1
        or one[0].plain not in NAMES
        or one[0].shape != one[0].plain
        or meanings(said) == {"yes"}
    ):
        return False
    index = index_of(choices)
    same = index.plain_forms.get(one[0].plain, ())
    if any(form.words == one for form in same):
        return False
    return bool(same) or (one[0].plain == "dung" and bool(index.yes))


# ── commands ──────────────────────────────────────────────────────────────────────────────────────────

_SLASH = {
    "start": "start", "batdau": "start", "ma": "start", "code": "start", "help": "help", "trogiup": "help",
    "giup": "help", "language": "language", "lang": "language", "ngonngu": "language", "stop": "stop",
    "dung": "stop", "huy": "stop", "privacy": "privacy", "riengtu": "privacy", "request": "privacy_request",
    "yeucau": "privacy_request", "human": "human", "canbo": "human", "back": "back", "quaylai": "back",
    "skip": "skip", "boqua": "skip", "keep": "keep", "tieptuc": "keep", "review": "review",
    "xemlai": "review", "submit": "submit", "gui": "submit", "nop": "submit", "change": "change",
    "edit": "change", "sua": "change", "counts": "counts", "thongke": "counts", "campaign": "campaign",
    "campaigns": "campaigns", "chiendich": "campaigns", "newcampaign": "new_campaign",
    "taochiendich": "new_campaign", "opencampaign": "open_campaign", "mochiendich": "open_campaign",
    "closecampaign": "close_campaign", "dongchiendich": "close_campaign", "qr": "qr", "maqr": "qr",
}  # fmt: skip
"""Slash commands, Vietnamese and English, without marks."""

_CHANGING = Lexicon(
    """
    sửa, sửa lại, muốn sửa, chỉnh, chỉnh sửa, đổi, thay đổi, change, edit, correct
    """
)
_CHANGE = re.compile(r"(?:(?:cau|cau so|so|dong|question|number|answer) )?([0-9]{1,4}|[a-z]+)")
_CHANGES = frozenset({each for some in words("sửa muốn chỉnh đổi thay change edit correct") for each in some})
_SMALL = {
    name: str(number) for number, name in enumerate("mot hai ba bon nam sau bay tam chin muoi".split(), 1)
}


def read_command(text: str) -> Command | None:
    """A command: after a slash, or words that are the whole message; None for anything else.

    Names: ``start`` (argument: the code), ``help``, ``language`` (argument ``vi``, ``en`` or none),
    ``stop``, ``privacy``, ``privacy_request``, ``human``, ``back``, ``skip``, ``keep``, ``review``,
    ``submit``, ``change`` (argument: the number), ``counts``, ``campaign``, ``campaigns``,
    ``new_campaign``, ``open_campaign``, ``close_campaign``, ``qr`` (argument: the rest); a slash before
    anything else is ``unknown`` with that word.
    """
    if len(text) > 4 * LINE_LIMIT:
        return None
    said = clean(text, LINE_LIMIT)
    if said.startswith("/"):
        return _slash(said)
    if len(said) > 60 or "?" in said:
        return None
    found = _command(said, words(said))
    if found is None and (mended := respell(said)) is not None:
        found = _command(mended, words(mended))
    return found


def _slash(said: str) -> Command | None:
    head, _, argument = said[1:].partition(" ")
    called = head.partition("@")[0]
    name = _SLASH.get("".join(each.plain for each in words(called)))
    return Command(name, argument.strip()[:200]) if name else Command("unknown", called[:60])


def _command(text: str, said: Words) -> Command | None:
    if not said or len(said) > 8:
        return None
    found = meanings(said) or meanings(core(said))
    wishes = found & COMMANDS
    if len(wishes) == 1 and (found == wishes or wishes == {"stop"}):
        name, _, argument = next(iter(wishes)).partition(" ")
        return Command(name, argument)
    some = core(said)
    length = _CHANGING.at(some, 0)
    change = _CHANGE.fullmatch(plain(some[length:])) if length and some[0].shape in _CHANGES else None
    if change is None:
        return None
    number = change[1] if change[1].isdecimal() else _SMALL.get(change[1]) if some[0].plain == "sua" else None
    return Command("change", number) if number else None
