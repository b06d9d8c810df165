"""What a person typed → a value, a command, a refusal, or "which of these?".

A wrong answer is worse than a question asked twice: what can be read in two ways, what is turned round by a
*không*, what says more than an answer, is asked again.

A reply is first a whole label, then a command, *don't know* or *prefer not to say*, then whatever the kind
of question takes (:mod:`surveys.choices`, :mod:`surveys.numerals`, :mod:`surveys.moments`,
:mod:`surveys.coordinates`). What nothing was read from is read once more with the slips of Vietnamese
keyboards undone, and as a correction ("à nhầm, 3 mới đúng").
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import NamedTuple

from surveys import coordinates, moments, numerals
from surveys.choices import Index, Option, index_of, point_at_one, point_at_several, point_in_order
from surveys.codes import find_code, make_code
from surveys.forms import ACKNOWLEDGED, SELECTS, UPLOADS, Kind, Range
from surveys.letters import fold
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
    "read_enough",
    "read_month_year",
    "read_more",
    "read_reply",
    "read_yes_no",
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
    """Choice names: of a select_multiple in list order, of a rank in the order told."""

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
    Kind.RANK: "reply.not_a_rank",
    Kind.RANGE: Doubt.NOT_A_NUMBER,
    Kind.TIME: Doubt.NOT_A_TIME,
    Kind.DATETIME: Doubt.NOT_A_DATETIME,
    Kind.GEOPOINT: Doubt.NOT_A_LOCATION,
    Kind.ACKNOWLEDGE: "reply.confirm_expected",
    Kind.IMAGE: "reply.image_expected",
    Kind.AUDIO: "reply.audio_expected",
    Kind.VIDEO: "reply.video_expected",
    Kind.FILE: "reply.file_expected",
}


class _Asked(NamedTuple):
    """What is asked, as :func:`read_reply` was told."""

    kind: Kind
    choices: tuple[Option, ...]
    known: Index | None
    """None where there are no choices."""
    language: str
    today: date
    offers: Offers
    appearance: str
    question: str
    now: datetime | None
    within: Range | None
    ticked: tuple[str, ...]
    paged: bool


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
    now: datetime | None = None,
    within: Range | None = None,
    ticked: Sequence[str] = (),
    paged: bool = False,
) -> Reading:
    """What ``text`` means as a reply to a question of ``kind``. Never raises, whatever the text.

    ``choices`` are those shown, in the order shown; ``language`` the person's (``vi`` or ``en``); ``today``
    anchors *hôm nay* and years of two digits. ``appearance`` is the question's in XLSForm: a text with
    ``month-year`` or ``year`` becomes ``03/1985`` or ``1985``, with ``time`` ``07:30``, with ``phone`` ten
    or eleven digits. ``question`` is its label, if at hand: what it counts (hours, months, millions)
    decides whether a number with such a unit is an answer. ``now``, in the person's zone, gives a time and a
    dateTime their zone. ``within`` are the bounds and the step of a range. ``ticked`` are the names that a
    select_multiple or rank has so far: *xong* then is the command ``done``, and a rank is completed.
    ``paged``: the choices are shown page by page, so *tiếp* turns the page.

    What the kinds become: time ``07:30:00.000+07:00``, dateTime ``2026-03-05T14:30:00.000+07:00``, geopoint
    ``10.77 106.7 0 0``, acknowledge ``OK``, rank the names of all choices in order.
    """
    free = kind is Kind.BARCODE or (kind is Kind.TEXT and not _TYPED & set(appearance.split()))
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
        return _read_text(said, offers, question)
    shown = tuple(choices) if kind in SELECTS else ()
    index = index_of(shown) if shown else None
    asked = _Asked(
        kind, shown, index, language, today, offers, appearance, question, now, within, tuple(ticked), paged
    )
    reading = _read(said, asked)
    if isinstance(reading, Refused):
        mended = respell(said) if language != "en" else None
        if mended is not None:
            again = _read(mended, asked)
            if not isinstance(again, Refused):
                return again
    if isinstance(reading, Refused | Ambiguous):
        corrected = _corrected(said, asked)
        return reading if corrected is None else corrected
    return reading


_CORRECTION = re.compile(
    r"(?P<before>.*?)(?:^|[\s,.;:…]+)(?:"
    r"(?:(?:à|ủa|ấy|ơ|ối|ý|xin lỗi|dạ)[\s,]+)*(?:nhầm(?: rồi)?|lộn rồi|sửa lại(?: là)?|đính chính|"
    r"gõ nhầm|bấm nhầm)"
    r"|(?:à|ủa|ấy|ơ|ối|ý)[\s,]+(?:nhầm|lộn|quên|không(?: phải)?|ko)"
    r"|(?:a|ua|o|y) (?:nham|lon|quen|khong|ko)|nham roi|lon roi"
    r"|no wait|wait no|wait|sorry|i mean|i meant|correction|oops"
    r")[\s,.:;…-]+(?P<after>.+)"
)
"""What is taken back, and what is put in its place."""
_TAKEN_BACK = frozenset("nham lon sua dinh wait sorry mean meant correction oops".split())
_TURNED = frozenset("quen khong ko".split())
_STARTLED = frozenset("a ua ay o oi i y".split())
"""Plain words without one of which nothing is corrected: the long look is only taken then."""


def _corrected(said: str, asked: _Asked) -> Reading | None:
    """What a correction puts in place of an answer: ``2 à nhầm 3``; None for anything else.

    What is taken back must be an answer, too, or nothing at all.
    """
    if len(said) > 80 or "?" in said:
        return None
    names = {each.plain for each in words(said)}
    if names.isdisjoint(_TAKEN_BACK) and (names.isdisjoint(_TURNED) or names.isdisjoint(_STARTLED)):
        return None
    found = _CORRECTION.fullmatch(even(said))
    if found is None:
        return None
    before = found["before"].strip(" ,.;:…-")
    if before and not isinstance(_read(before, asked), Value | Values | Ambiguous):
        return None
    reading = _read(found["after"], asked)
    return reading if isinstance(reading, Value | Values) else None


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


def _read(text: str, asked: _Asked) -> Reading:
    kind, choices = asked.kind, asked.choices
    said = words(text)
    if not said:
        return Refused("reply.no_words")
    index = asked.known
    if plain(said) in _THOI and (index is None or not index.exactly(usual(said))):
        return Refused("reply.stop_or_go_on")
    if kind is Kind.ACKNOWLEDGE and "?" not in text and _agrees(said):
        return Value(ACKNOWLEDGED)
    if index is not None:
        if _may_stop(said, index):
            return Refused("reply.stop_or_yes")
        exact = index.exactly(usual(said)) if not _is_number(said) else []
        if len(exact) == 1 and "?" not in text:
            name = choices[exact[0]].name
            if kind is not Kind.RANK or len(choices) == 1:
                return Value(name) if kind is Kind.SELECT_ONE else Values((name,))
    aside = _aside(text, said, asked)
    if aside is not None:
        return aside
    if kind is Kind.RANK:
        return _rank(text, asked)
    if kind in SELECTS:
        return _select(text, asked)
    if kind is Kind.GEOPOINT:
        return _told(coordinates.read_point(text))
    if "?" in text or kind in UPLOADS:
        return Refused(_unread(kind, asked.appearance))
    if kind is Kind.INTEGER or kind is Kind.DECIMAL:
        whole = kind is Kind.INTEGER
        number = numerals.read_number(text, asked.language, whole=whole, question=asked.question)
        return Refused(number.value) if isinstance(number, Doubt) else Value(_number_text(number))
    if kind is Kind.RANGE:
        return _range(text, asked)
    if kind is Kind.TEXT or kind in _MOMENTS:
        return _told(_moment(text, asked))
    return Refused(_unread(kind, asked.appearance))


_MOMENTS = frozenset({Kind.DATE, Kind.TIME, Kind.DATETIME})


def _moment(text: str, asked: _Asked) -> str | Doubt:
    """A date, a time or both; a text question with an appearance that asks for such, or for a telephone."""
    today = asked.today
    if asked.kind is Kind.DATE:
        return moments.iso_date(text, today, asked.appearance)
    if asked.kind is Kind.DATETIME:
        return moments.read_moment(text, today, asked.now)
    if asked.kind is Kind.TIME:
        told = moments.read_time(text)
        return told if isinstance(told, Doubt) else moments.odk_time(told, asked.now)
    shown = asked.appearance.split()
    if "month-year" in shown:
        return moments.month_and_year(text, today)
    if "year" in shown:
        return moments.only_year(text, today)
    return moments.read_time(text) if "time" in shown else numerals.read_phone(text)


_OUT_OF = re.compile(
    r"([0-9]{1,4}(?:[.,][0-9]{1,2})?) ?(?:/|trên|tren|out of) ?([0-9]{1,4})(?: (?:điểm|diem))?(?: ạ)?"
)


def _range(text: str, asked: _Asked) -> Reading:
    """A number between the bounds and on a step; ``8/10`` where ten is the most."""
    within = asked.within
    whole = within is not None and not within.start % 1 and not within.step % 1
    share = _OUT_OF.fullmatch(even(text).strip(" .!"))
    if share and within is not None and Decimal(share[2]) == max(within.start, within.end):
        text = share[1]
    number = numerals.read_number(text, asked.language, whole=whole, question=asked.question)
    if isinstance(number, Doubt):
        return Refused(number.value)
    if within is not None and not _on_step(number, within):
        limits = {"start": within.start, "end": within.end, "step": within.step}
        return Refused("reply.not_in_range", {name: _number_text(limit) for name, limit in limits.items()})
    return Value(_number_text(number))


def _on_step(number: Decimal, within: Range) -> bool:
    lowest, highest = sorted((within.start, within.end))
    return lowest <= number <= highest and (not within.step or not (number - within.start) % within.step)


_AGREEING = frozenset(
    plain(words(phrase))
    for phrase in """
    đã rõ, rõ, rõ rồi, hiểu, hiểu rồi, tôi hiểu, tôi hiểu rồi, đã hiểu, biết rồi, đã biết, đã đọc, đọc
    rồi, tôi đã đọc, tôi đã hiểu, xong, xong rồi, tiếp, tiếp tục, tiếp đi, tiếp tục đi, tiếp theo, xác
    nhận, tôi xác nhận, tôi đồng ý, đã xem, xem rồi, nhận rồi, đã nhận, ok tiếp, ok em, next, continue,
    understood, got it, i understand, confirmed, i confirm, noted, read it, i have read it, done, go on
    """.split(",")
)
"""Plain phrases that acknowledge what was shown, besides a yes."""


def _agrees(said: Words) -> bool:
    inner = core(said)
    return "yes" in meanings(said) | meanings(inner) or bool({plain(said), plain(inner)} & _AGREEING)


def _rank(text: str, asked: _Asked) -> Reading:
    """All choices in the order told, which may begin with those that are ticked already."""
    choices, index = asked.choices, asked.known
    if index is None:
        return Refused("reply.not_a_rank")
    found = point_in_order(text, index)
    if found.beyond:
        return Refused("reply.out_of_range", {"count": len(choices)})
    told = tuple(choices[at].name for at in found.positions)
    if not found.sure or not told or len(set(told)) < len(told):
        return Refused("reply.not_a_rank")
    if len(told) < len(choices) and not set(told) & set(asked.ticked):
        told = (*asked.ticked, *told)
    rest = [(at, option) for at, option in enumerate(choices, 1) if option.name not in told]
    if rest:
        shown = "; ".join(
            f"{at}. {option.labels[0] if option.labels else option.name}" for at, option in rest
        )
        return Refused("reply.rank_rest", {"rest": shown[:LINE_LIMIT], "count": len(choices)})
    return Values(told)


_AMONG = 12
"""Choices that are worth asking "which of these?"."""


def _names(choices: tuple[Option, ...], positions: Iterable[int]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(choices[at].name for at in sorted(set(positions))))


def _which(names: tuple[str, ...]) -> Reading:
    return Ambiguous(names) if 0 < len(names) <= _AMONG else Refused("reply.not_a_choice")


def _select(text: str, asked: _Asked) -> Reading:
    choices, index = asked.choices, asked.known
    if index is None:
        return Refused("reply.not_a_choice")
    one = asked.kind is Kind.SELECT_ONE
    found = point_at_one(text, index, asked.question) if one else point_at_several(text, index)
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
    found = moments.month_and_year(clean(text, LINE_LIMIT), today)
    return None if isinstance(found, Doubt) else found


_HEARD_IN_TEXT = ADVERTISED | {"giup"}


def _read_text(said: str, offers: Offers, question: str) -> Reading:
    """A text answer, unless the whole message is a command, or a word that can't be told from one."""
    if len(said) <= 60:
        some = words(said)
        if not some:
            return Refused("reply.no_words")
        if plain(some) in _THOI:
            return Refused("reply.stop_or_go_on")
        if len(some) == 1 and even(said).strip(" .!") in NAMES:
            # Asked for a name, who writes "Huy" like a name is called so.
            if not (said.istitle() and _NAMING.search(fold(question))):
                return Refused("reply.stop_or_answer")
            return Value(said)
        command = _command(said, some)
        mended = respell(said) if command is None else None
        if mended is not None:
            command = _command(mended, words(mended))
        heard = some if mended is None else words(mended)
        if command is not None and _advertised(command, heard, _HEARD_IN_TEXT):
            return command
        meant = meanings(core(some)) | meanings(some)
        if "dont_know" in meant and offers.dont_know:
            return DontKnow()
        if "prefer_not" in meant and offers.prefer_not:
            return PreferNot()
    elif not words(said[:LINE_LIMIT]) and not words(said):
        return Refused("reply.no_words")
    return Value(said)


_NAMING = re.compile(r"\bten\b|\bname\b|\bcalled\b")


def _advertised(command: Command, said: Words, told: Set[str] = ADVERTISED) -> bool:
    heard = {plain(said), plain(core(said))} & told
    return bool(heard) or (command.name in ("change", "remove") and command.argument != "")


def _aside(text: str, said: Words, asked: _Asked) -> Reading | None:
    """A command, *don't know*, *prefer not*, or a message that asks back; None for what may be an answer."""
    kind, choices, offers = asked.kind, asked.choices, asked.offers
    meant = meanings(said) or meanings(core(said)) or meanings(usual(core(said)))
    index = asked.known
    if "?" not in text:
        if asked.ticked and {"done", "no_more"} & (meant | meanings(core(said))):
            return Command("done")
        command = _command(text, said)
        if command is not None and command.name == "no_more":
            # An answer to "is there another?", and to nothing else.
            command = None
        if command is None and index is not None and len(choices) > _LONG:
            command = _find(text)
            command = None if command and index.holding(usual(said)) else command
        if asked.paged and plain(core(said)) in _PAGED:
            return Command("next_page")
        if command is not None and index is not None and not _advertised(command, said):
            # "giúp" beside "Người giúp việc", "tiếng Anh" where one is asked what to learn.
            answers = command.name != "find" and (
                plain(core(said)) == "tieng anh" or bool(index.holding(core(said)))
            )
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


_THOI = frozenset(
    plain(words(phrase))
    for phrase in """
    thôi, dạ thôi, thôi ạ, dạ thôi ạ, thôi khỏi, thôi khỏi đi, thôi nhé, thôi nha, thôi em
    """.split(",")
)
"""*Enough*: to stop, to say nothing more, or no."""


def read_enough(text: str) -> bool:
    """Whether a message says no more than *thôi*. It stops only where nothing is asked: elsewhere it can be
    an answer, too, and whoever says it is asked which.
    """
    return plain(words(clean(text, LINE_LIMIT))) in _THOI


def _may_stop(said: Words, index: Index) -> bool:
    """Whether this is "dung" or the like without marks, where it can also be a yes or a choice."""
    one = core(said)
    if (
        len(one) != 1
        or one[0].plain not in NAMES
        or one[0].shape != one[0].plain
        or meanings(said) == {"yes"}
    ):
        return False
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
    "danhsach": "roster", "thanhvien": "roster", "roster": "roster", "them": "add", "add": "add",
    "xoa": "remove", "remove": "remove", "hetroi": "no_more", "nomore": "no_more", "tim": "find",
    "find": "find", "trangsau": "next_page", "next": "next_page", "trangtruoc": "previous_page",
    "previous": "previous_page",
    "taochiendich": "new_campaign", "opencampaign": "open_campaign", "mochiendich": "open_campaign",
    "closecampaign": "close_campaign", "dongchiendich": "close_campaign", "qr": "qr", "maqr": "qr",
    "households": "households", "hogiadinh": "households", "hoi": "human", "ask": "human",
    "questions": "questions", "cauhoi": "questions", "answer": "answer", "traloi": "answer",
    "assist": "assist", "nhapho": "assist", "leaflets": "leaflets", "toroi": "leaflets",
    "forward": "forward", "chuyentiep": "forward",
}  # fmt: skip
"""Slash commands, Vietnamese and English, without marks."""

_CHANGING = Lexicon(
    """
    sửa, sửa lại, muốn sửa, chỉnh, chỉnh sửa, đổi, thay đổi, change, edit, correct
    """
)
_CHANGE = re.compile(r"(?:(?:cau|cau so|so|dong|question|number|answer) )?([0-9]{1,4}|[a-z]+)")
_CHANGES = frozenset({each for some in words("sửa muốn chỉnh đổi thay change edit correct") for each in some})
_REMOVES = frozenset(
    {each.shape for some in ("bỏ bo xóa xoa bớt bot gỡ loại loai remove delete",) for each in words(some)}
)
_SMALL = {
    name: str(number) for number, name in enumerate("mot hai ba bon nam sau bay tam chin muoi".split(), 1)
}


_REMOVE = re.compile(
    r"(?:bo bot|xoa bo|bo|xoa|bot|go|loai bo|loai|remove|delete) "
    r"(?:nguoi thu|nguoi so|nguoi|thanh vien thu|thanh vien so|thanh vien|member number|member|"
    r"person number|person) "
    rf"([0-9]{{1,3}}|nhat|tu|{'|'.join(_SMALL)})"
)
"""Whom to take out of a list, by number."""
_PLACES = {**_SMALL, "nhat": "1", "tu": "4"}


def read_command(text: str, *, paged: bool = False) -> Command | None:
    """A command: after a slash, or words that are the whole message; None for anything else.

    Names: ``start`` (argument: the code), ``help``, ``language`` (argument ``vi``, ``en`` or none),
    ``stop``, ``privacy``, ``privacy_request``, ``human``, ``back``, ``skip``, ``keep``, ``review``,
    ``submit``, ``change`` (argument: the number), ``counts``, ``campaign``, ``campaigns``,
    ``new_campaign``, ``open_campaign``, ``close_campaign``, ``qr`` (argument: the rest); of members
    ``roster``, ``add``, ``no_more``, ``remove`` (argument: the number or the name); of long lists ``find``
    (argument: what), ``next_page`` (also *tiếp*, with ``paged``), ``previous_page``; a slash before anything
    else is ``unknown`` with that word.
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
    if found is not None and found.name == "keep" and paged and plain(core(words(said))) in _PAGED:
        return Command("next_page")
    return found or _find(said) or _remove(said)


_PAGED = frozenset({"tiep", "tiep theo", "tiep di", "next", "continue"})
_LONG = 12
"""Choices from which on a list is searched: *tìm Bến Thành*."""
_FINDING = re.compile(
    r"(?:(?:dạ|cho tôi|tôi muốn|muốn|hãy|xin)\s+)?"
    r"(?:tìm kiếm|tim kiem|tìm|tim|search for|search|find)[\s:]+(\S.*)",
    re.IGNORECASE,
)
_REMOVING = re.compile(
    r"(?:(?:dạ|cho tôi|tôi muốn|muốn|hãy|xin)\s+)?"
    r"(?:(?:xóa|xoá|xoa|gỡ|remove|delete)"
    r"(?:\s+(?:tên|ten|người|nguoi|thành viên|thanh vien|bỏ|bo|person|member))*"
    r"|(?:bỏ|bo|bớt|bot|loại|loai)(?:\s+(?:bớt|bot|tên|ten|ra))*"
    r"\s+(?:người|nguoi|thành viên|thanh vien|tên|ten))"
    r"(?:\s+(\S.*))?",
    re.IGNORECASE,
)
_POLITE = re.compile(
    r"(?:[\s,.!]+(?:ạ|a|đi|di|nhé|nhe|nha|giúp tôi|giùm tôi|dùm tôi|giúp|giùm|khỏi danh sách|ra|please))*"
    r"[\s.!]*",
    re.IGNORECASE,
)


_DATA = re.compile(r"\b(?:du lieu|thong tin|tai khoan|tin nhan|data|information|account|messages?)\b")
"""What a person may want erased that is nobody of the household."""


def _find(said: str) -> Command | None:
    """``tìm Bến Thành``: what is looked for in a list."""
    found = _FINDING.fullmatch(said)
    return Command("find", _without_manners(found[1])) if found and _is_not_a_sentence(said) else None


def _remove(said: str) -> Command | None:
    """``xoá Lan``: who is taken out of a list; *bỏ Lan* alone says too little."""
    found = _REMOVING.fullmatch(said)
    if found is None or not _is_not_a_sentence(said) or _DATA.search(fold(said)):
        return None
    return Command("remove", _without_manners(found[1] or ""))


def _without_manners(said: str) -> str:
    for start in range(len(said)):
        if _POLITE.fullmatch(said, start):
            return said[:start]
    return said


def _is_not_a_sentence(said: str) -> bool:
    return len(said) <= 60 and len(said.split()) <= 8


_SIDES = (Option("yes", ("Có", "Yes")), Option("no", ("Không", "No")))
_CONFIRMED = "có không thêm bớt xóa bỏ đổi sửa người này đó thành viên đi remove add delete change it them"


def read_yes_no(text: str, language: str) -> bool | None:
    """A yes or a no to "shall I …?"; None for anything else, also for half of either. ``1`` is yes, ``2``
    no."""
    reading = read_reply(
        Kind.SELECT_ONE, text, choices=_SIDES, language=language, today=_ANY_DAY, question=_CONFIRMED
    )
    if isinstance(reading, Value):
        return reading.value == "yes"
    return None


_ANY_DAY = date(2025, 1, 1)
_ENOUGH = frozenset(
    plain(words(phrase))
    for phrase in """
    hết, đủ, thôi, dạ thôi, thôi ạ, thôi khỏi, đủ rồi, hết rồi, hết người, không ai, không có ai, không có
    ai nữa, chẳng còn ai, không còn, xong, xong rồi, chỉ có vậy, vậy thôi, thế thôi, chừng đó thôi, nhiêu
    đó, done, finished, enough, none, no one, that is it, that s it
    """.split(",")
)
_MORE = frozenset(
    plain(words(phrase))
    for phrase in """
    thêm, thêm nữa, nữa, còn, còn nữa, còn ai, còn người, còn một người, còn 1 người, còn một người nữa,
    còn 1 người nữa, còn chứ, vẫn còn, thêm đi, more, one more, another, add, yes add, có thêm, có còn,
    một người nữa, 1 người nữa, thêm tiếp
    """.split(",")
)


def read_more(text: str, language: str) -> bool | None:
    """The answer to "is there another?": *thêm*, *còn người nữa* are True, *hết rồi*, *không còn ai* False;
    None for anything else."""
    said = words(clean(text, LINE_LIMIT))
    if not said or "?" in text or len(said) > 10:
        return None
    command = read_command(text)
    if command is not None:
        return {"add": True, "no_more": False}.get(command.name) if not command.argument else None
    for some in (said, core(said), usual(core(said))):
        if plain(some) in _MORE:
            return True
        if plain(some) in _ENOUGH:
            return False
    return read_yes_no(text, language)


def _slash(said: str) -> Command | None:
    head, _, argument = said[1:].partition(" ")
    called = head.partition("@")[0]
    name = _SLASH.get("".join(each.plain for each in words(called)))
    return Command(name, argument.strip()[:200]) if name else Command("unknown", called[:60])


def _command(text: str, said: Words) -> Command | None:
    if not said or len(said) > 8:
        return None
    found = meanings(said) or meanings(core(said)) or meanings(usual(core(said)))
    wishes = found & COMMANDS
    if len(wishes) == 1 and (found == wishes or wishes == {"stop"}):
        name, _, argument = next(iter(wishes)).partition(" ")
        return Command(name, argument)
    some = core(said)
    if some[0].shape in _REMOVES:
        whom = _REMOVE.fullmatch(plain(some))
        if whom is not None:
            return Command("remove", whom[1] if whom[1].isdecimal() else _PLACES[whom[1]])
    length = _CHANGING.at(some, 0)
    change = _CHANGE.fullmatch(plain(some[length:])) if length and some[0].shape in _CHANGES else None
    if change is None:
        return None
    number = change[1] if change[1].isdecimal() else _SMALL.get(change[1]) if some[0].plain == "sua" else None
    return Command("change", number) if number else None
