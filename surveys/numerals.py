"""Numbers, dates and times of day as people write them: ``hai mốt``, ``1 triệu rưỡi``, ``5.3.85``, ``7h
tối``.

Every reader returns the value or a :class:`Doubt`: why it is better to ask again. Numbers that are about
something ("hơn 20", "5-7") are no answers. All readers look at a bounded text and take linear time.
"""

from __future__ import annotations

import re
from datetime import date, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import NamedTuple

from surveys.letters import fold
from surveys.words import (
    BOUND,
    EITHER,
    LEADING,
    NEGATIVE,
    TRAILING,
    Lexicon,
    Word,
    agrees,
    even,
    meanings,
    word,
    words,
)

LONGEST = 120
"""Characters of a reply that can still be one number, date or time."""


class Doubt(StrEnum):
    """Why nothing was read: a key of the catalogue of replies."""

    NOT_AN_INTEGER = "reply.not_an_integer"
    NOT_A_NUMBER = "reply.not_a_number"
    ONE_NUMBER = "reply.one_number"
    ZERO = "reply.zero"
    TOO_LARGE = "reply.too_large"
    NOT_A_DATE = "reply.not_a_date"
    NO_SUCH_DATE = "reply.no_such_date"
    LUNAR = "reply.lunar"
    YEAR = "reply.year_in_full"
    NOT_A_MONTH = "reply.not_a_month"
    NOT_A_YEAR = "reply.not_a_year"
    NOT_A_TIME = "reply.not_a_time"
    NOT_A_PHONE = "reply.not_a_phone"


# ── numerals ──────────────────────────────────────────────────────────────────────────────────────────


class _Role(NamedTuple):
    """What a word is in a number: ``sort`` d digit, m/t/l digits only after tens, M ten, Y tens, h twenty,
    H hundred, K thousand, V ten thousand, T million, B milliard, L "and", R a half, C tens, P decimal
    point, N typed digits, G typed digits that can only be a group of more."""

    sort: str
    value: Decimal


_ROLES: dict[str, list[tuple[str, _Role]]] = {}
for _sort, _names in {
    "d": "không:0 một:1 hai:2 ba:3 bốn:4 năm:5 sáu:6 bảy:7 bẩy:7 tám:8 chín:9",
    "m": "mốt:1",
    "t": "tư:4",
    "l": "lăm:5 nhăm:5",
    "M": "mười:10",
    "Y": "mươi:10",
    "C": "chục:10",
    "h": "hăm:20",
    "H": "trăm:100",
    "K": "nghìn:1000 ngàn:1000",
    "V": "vạn:10000",
    "T": "triệu:1000000 tr:1000000",
    "B": "tỷ:1000000000 tỉ:1000000000",
    "L": "linh:0 lẻ:0",
    "R": "rưỡi:0",
    "P": "phẩy:0 chấm:0",
}.items():
    for _entry in _names.split():
        _name, _, _worth = _entry.partition(":")
        _written = word(even(_name))
        _ROLES.setdefault(_written.plain, []).append((_written.shape, _Role(_sort, Decimal(_worth))))

_SCALES = "BTVK"
_MOST = 15
"""Digits a number may have."""


def _roles(items: list[Word | _Role]) -> list[_Role] | None:
    """Words as their roles. Without marks "muoi" is mươi after a digit, else mười; "mot", "tu" after tens
    mốt, tư."""
    found: list[_Role] = []
    for item in items:
        if isinstance(item, _Role):
            found.append(item)
            continue
        fitting = [(shape, role) for shape, role in _ROLES.get(item.plain, ()) if agrees(item.shape, shape)]
        if not fitting:
            return None
        some = [role for shape, role in fitting if shape == item.shape] or [role for _, role in fitting]
        before = found[-1].sort if found else ""
        wanted = "Y" if before in ("d", "N") else ""
        if before in ("d", "Y", "h") or (before == "M" and len(found) > 1):
            wanted += "mtl"
        elif before == "M":
            wanted += "tl"
        found.append(next((role for role in some if role.sort in wanted), some[0]))
    return found


def _below_hundred(roles: list[_Role]) -> Decimal | None:
    """``hai mươi mốt``, ``hai mốt``, ``ba lăm``, ``mười``; None if it isn't surely a number below a hundred.

    "hai ba" is two or three, "hai mươi năm" can be twenty years, "chục người" is about ten.
    """
    sorts = "".join(role.sort for role in roles)
    value = [role.value for role in roles]
    if sorts[:2] == "dM":
        sorts = "dY" + sorts[2:]
    if sorts in ("d", "M", "h"):
        return value[0]
    if sorts in ("Md", "Ml"):
        return 10 + value[1] if value[1] and not (sorts == "Md" and value[1] == 5) else None
    if sorts in ("dY", "dC", "NC"):
        return value[0] * 10 if 0 < value[0] < 10 and not value[0] % 1 else None
    if sorts in ("dYd", "dYm", "dYt", "dYl"):
        doubtful = sorts == "dYd" and value[2] in (0, 5)
        return None if doubtful or not value[0] else value[0] * 10 + value[2]
    if sorts in ("hm", "ht", "hl", "hd"):
        return None if value[1] in (0, 5) and sorts == "hd" else 20 + value[1]
    if sorts in ("dm", "dt", "dl", "dd") and value[0] > 1:
        doubtful = sorts == "dd" and (value[1] in (0, 5) or value[1] == value[0] + 1 or value[1] == 1)
        return None if doubtful else value[0] * 10 + value[1]
    return None


def _below_thousand(roles: list[_Role]) -> Decimal | None:
    if len(roles) == 1 and roles[0].sort == "N":
        return roles[0].value
    sorts = "".join(role.sort for role in roles)
    if "H" not in sorts:
        return _below_hundred(roles)
    at = sorts.index("H")
    if at != 1 or sorts[0] not in "dN" or not 0 <= roles[0].value <= 9 or roles[0].value % 1:
        return None
    hundreds, rest = roles[0].value * 100, roles[2:]
    if not rest:
        return hundreds
    if len(rest) == 1 and rest[0].sort == "R":
        return hundreds + 50
    if rest[0].sort == "L":
        units = rest[1:]
        return (
            hundreds + units[0].value
            if len(units) == 1 and units[0].sort in "dltN" and 0 < units[0].value < 10
            else None
        )
    if len(rest) == 1 and rest[0].sort == "d":
        # "một trăm hai" is 120, as 102 is "một trăm linh hai"; "một trăm năm" can be a hundred years.
        return hundreds + rest[0].value * 10 if rest[0].value not in (0, 5) and hundreds else None
    tens = _below_hundred(rest)
    return None if tens is None else hundreds + tens


def _point(roles: list[_Role]) -> Decimal | None:
    """``hai phẩy năm``: digits after the point one by one, or as a number below a hundred."""
    at = next(index for index, role in enumerate(roles) if role.sort == "P")
    left, right = _below_thousand(roles[:at]), roles[at + 1 :]
    if left is None or left % 1 or not right or len(right) > 4:
        return None
    if all(role.sort in "dtl" or (role.sort == "N" and 0 <= role.value <= 9) for role in right):
        digits = "".join(str(int(role.value)) for role in right)
    else:
        tens = _below_hundred(right)
        if tens is None or tens < 10:
            return None
        digits = str(int(tens))
    return left + Decimal(f"0.{digits}")


def _value(roles: list[_Role]) -> Decimal | None:
    """The number that ``roles`` spell, None if they surely don't spell one."""
    if not roles:
        return None
    sorts = "".join(role.sort for role in roles)
    scale = next((each for each in _SCALES if each in sorts), None)
    if scale is None:
        if "P" in sorts:
            return _point(roles)
        if sorts[-1] == "R" and "H" not in sorts:
            half = _below_thousand(roles[:-1])
            return None if half is None or half % 1 or len(sorts) > 2 else half + Decimal("0.5")
        return _below_thousand(roles)
    at = sorts.index(scale)
    worth = roles[at].value
    left = _point(roles[:at]) if "P" in sorts[:at] else _below_thousand(roles[:at])
    if left is None or left <= 0 or (left >= 1000 and left % 1):
        return None
    rest = _rest(roles[at + 1 :], worth)
    if rest is None or (rest and left % 1):
        return None
    return left * worth + rest


def _rest(roles: list[_Role], worth: Decimal) -> Decimal | None:
    """What follows a scale word: ``2 triệu`` *rưỡi*, *3*, *300*, *ba trăm nghìn*."""
    if not roles:
        return Decimal(0)
    sorts = "".join(role.sort for role in roles)
    first = roles[0]
    if sorts == "R":
        return worth / 2
    if sorts in ("d", "t"):
        return first.value * worth / 10 if first.value not in (0, 5) else None
    if sorts == "N":
        if 1 <= first.value <= 9 and not first.value % 1:
            return first.value * worth / 10
        return first.value * worth / 1000 if 100 <= first.value <= 999 and not first.value % 1 else None
    if sorts[0] == "L":
        return _below_hundred(roles[1:]) if worth == 1000 else None
    value = _value(roles)
    if value is None or value >= worth or value % 1:
        return None
    # "một triệu hai trăm" can be 1,200,000 and 1,000,200.
    return None if worth > 10_000 and not any(each in sorts for each in _SCALES) else value


_ENGLISH_UNITS = {
    name: number
    for number, name in enumerate(
        "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen "
        "sixteen seventeen eighteen nineteen".split()
    )
}
_ENGLISH_TENS = {
    name: 10 * number
    for number, name in enumerate("twenty thirty forty fifty sixty seventy eighty ninety".split(), 2)
}


def _english(names: list[str]) -> Decimal | None:
    """``two hundred and five``, ``twenty one``, ``two point five``."""
    if "point" in names:
        at = names.index("point")
        left, right = _english(names[:at]), names[at + 1 :]
        if (
            left is None
            or not 1 <= len(right) <= 4
            or any(_ENGLISH_UNITS.get(name, 10) > 9 for name in right)
        ):
            return None
        return left + Decimal("0." + "".join(str(_ENGLISH_UNITS[name]) for name in right))
    total = part = 0
    lowest = 1_000_000_000
    room = 1000
    for name in names:
        if name == "and" and room == 100:
            continue
        if name in _ENGLISH_UNITS and _ENGLISH_UNITS[name] < room:
            part, room = part + _ENGLISH_UNITS[name], 0
        elif name in _ENGLISH_TENS and room >= 100:
            part, room = part + _ENGLISH_TENS[name], 10
        elif name == "hundred" and 0 < part < 10:
            part, room = part * 100, 100
        elif name in ("thousand", "million") and part:
            worth = 1000 if name == "thousand" else 1_000_000
            if worth >= lowest:
                return None
            total, part, lowest, room = total + part * worth, 0, worth, 1000
        else:
            return None
    return Decimal(total + part) if names and names[-1] != "and" else None


_GROUPED = re.compile(r"[1-9][0-9]{0,2}(?:\.[0-9]{3})+|[1-9][0-9]{0,2}(?:,[0-9]{3})+")
_MIXED = re.compile(r"([1-9][0-9]{0,2}(?:\.[0-9]{3})+),([0-9]+)|([1-9][0-9]{0,2}(?:,[0-9]{3})+)\.([0-9]+)")


def _digits(text: str, language: str, whole: bool) -> Decimal | None:
    """Typed digits with separators. ``2.5`` and ``2,5`` are the same; ``1.000`` is a thousand.

    Three digits after one separator are thousands for a whole number. Where fractions can be meant, only the
    language's own thousands separator before a final zero is taken so; the rest is doubtful, not rounded.
    """
    if len(text) > 40 or sum(character.isdecimal() for character in text) > _MOST:
        return None
    mixed = _MIXED.fullmatch(text)
    if mixed:
        integer, fraction = (mixed[1], mixed[2]) if mixed[1] else (mixed[3], mixed[4])
        return None if whole else Decimal(f"{re.sub('[.,]', '', integer)}.{fraction}")
    parts = re.split("[.,]", text)
    if len(parts) == 1:
        return None if len(text) > 2 and text[0] == "0" else Decimal(text)
    if len(parts) > 2 or (_GROUPED.fullmatch(text) and whole):
        return Decimal("".join(parts)) if _GROUPED.fullmatch(text) else None
    if whole:
        return None
    if _GROUPED.fullmatch(text):
        own = ("," in text) == (language == "en")
        ends = text[-1] == "0"
        if own and ends:
            return Decimal("".join(parts))
        return Decimal(".".join(parts)) if not own and not ends and language == "en" else None
    if len(parts[0]) > 1 and parts[0][0] == "0":
        return None
    return Decimal(f"{parts[0] or 0}.{parts[1]}")


_TOKEN = re.compile(
    r"(?P<n>(?:(?<![0-9])[.,])?[0-9]+(?:[.,][0-9]+)*)|(?P<w>[^\W\d_]+)|(?P<s>[^\s\w])|(?P<o>\S)"
)
_HARD = frozenset("+-–—−/\\*=~<>≥≤^|&@#?:…×÷°$€£¥±≈_'%")
"""Signs that a plain number doesn't have; a percent sign is taken off before."""

_BEFORE = Lexicon(
    """
    khoảng, khoảng độ, khoảng chừng, chừng, chừng khoảng, tầm, tầm khoảng, cỡ, độ, ước chừng, có, được,
    tổng, tổng cộng, tổng số, tất cả, cả thảy, số, điểm, cho, about, around, approximately, roughly, có
    khoảng, hết, lương, thu nhập, tuổi, cả nhà, trong nhà, chỉ, chỉ có, mỗi, a total of, nhà, nhà tôi, nhà
    em, nhà có, con, cháu
    """
)
_UNITS = Lexicon(
    """
    tuổi, t, người, ng, ngừi, nhân khẩu, khẩu, thành viên, cái, chiếc, con, đứa, cháu, bé, lần, lượt,
    đồng, đ, vnđ, vnd, điểm, đ điểm, kg, kí, ký, ha, hecta, héc ta, m2, m², mét vuông, km, cây số, phần
    trăm, câu, môn, lớp, khóa, hộ, nhà, phòng, xe, years old, year old, people, persons, person, children,
    child, kids, kid, times, points, percent, dong, vietnam dong
    """
)
_TIME_UNITS = {
    "giờ": "gio", "tiếng": "gio", "h": "gio", "hour": "gio", "hours": "gio", "phút": "phut",
    "minute": "phut", "minutes": "phut", "ngày": "ngay", "day": "ngay", "days": "ngay", "tuần": "tuan",
    "week": "tuan", "weeks": "tuan", "tháng": "thang", "month": "thang", "months": "thang", "năm": "nam",
    "year": "nam", "years": "nam", "buổi": "buoi",
}  # fmt: skip
_BY_UNIT = {words(unit)[0].plain: (words(unit)[0].shape, meant) for unit, meant in _TIME_UNITS.items()}
_QUESTION_UNITS = {
    "gio": {"gio", "tieng", "hour", "hours"}, "phut": {"phut", "minute", "minutes"},
    "ngay": {"ngay", "day", "days"}, "tuan": {"tuan", "week", "weeks"},
    "thang": {"thang", "month", "months"}, "nam": {"nam", "year", "years"}, "buoi": {"buoi"},
}  # fmt: skip
_QUESTION_SCALES = {
    "trieu": 1_000_000,
    "nghin": 1_000,
    "ngan": 1_000,
    "ty": 1_000_000_000,
    "million": 1_000_000,
}
_SCALE_WORDS = frozenset({"nghin", "ngan", "van", "trieu", "tr", "ty", "ti"})


def _items(text: str, language: str, whole: bool) -> list[Word | _Role] | Doubt:
    """Words and typed numbers of ``text`` in order; a Doubt for signs that make it more than a plain
    number."""
    found: list[Word | _Role] = []
    ends: list[int] = []
    negative = False
    spans: list[tuple[int, int]] = []
    text = re.sub(r"(?<=[0-9]) ?%(?=\W*$)", " phần trăm", text)
    matches = list(_TOKEN.finditer(text))
    for at, token in enumerate(matches):
        if token["n"]:
            value = _digits(token["n"], language, whole)
            if value is None and whole and re.fullmatch(r"[0-9]{1,4}[.,][0-9]{1,2}", token["n"]):
                follows = matches[at + 1] if at + 1 < len(matches) else None
                if follows is not None and follows["w"] and word(follows["w"]).plain in _SCALE_WORDS:
                    value = Decimal(token["n"].replace(",", "."))
            if value is None:
                # Perhaps a group of "1 000 000".
                if not re.fullmatch(r"0[0-9]{2}|000(?:[.,][0-9]+)?", token["n"]):
                    return Doubt.NOT_A_NUMBER
                found.append(_Role("G", Decimal(token["n"].replace(",", "."))))
            else:
                found.append(_Role("N", value))
            spans.append((token.start(), token.end()))
            ends.append(token.end())
        elif token["w"]:
            if token["w"] == "k" and ends and ends[-1] == token.start() and isinstance(found[-1], _Role):
                found.append(_Role("K", Decimal(1000)))
            else:
                found.append(word(token["w"]))
            ends.append(token.end())
        elif token["o"]:
            return Doubt.NOT_A_NUMBER
        elif token["s"] in _HARD:
            follows = matches[at + 1] if at + 1 < len(matches) else None
            glued = follows is not None and bool(follows["n"]) and follows.start() == token.end()
            if token["s"] in "-−–+" and not found and glued:
                negative = token["s"] != "+"
                continue
            between_words = (
                token["s"] == "-"
                and follows is not None
                and bool(follows["w"])
                and bool(found)
                and isinstance(found[-1], Word)
            )
            if not between_words:
                return (
                    Doubt.ONE_NUMBER if any(isinstance(item, _Role) for item in found) else Doubt.NOT_A_NUMBER
                )
    found = _joined(found, [text[start:end] for start, end in spans])
    if negative:
        first = found[0]
        if len([item for item in found if isinstance(item, _Role)]) != 1 or not isinstance(first, _Role):
            return Doubt.NOT_A_NUMBER
        found[0] = _Role("N", -first.value)
    return found


def _joined(items: list[Word | _Role], texts: list[str]) -> list[Word | _Role]:
    """Groups of three digits apart by spaces made one number: ``5 000 000``."""
    numbers = iter(texts)
    found: list[tuple[Word | _Role, str]] = [
        (item, next(numbers) if isinstance(item, _Role) and item.sort in "NG" else "") for item in items
    ]
    joined: list[tuple[Word | _Role, str]] = []
    for item, text in found:
        before = joined[-1][1] if joined else ""
        if (
            before
            and re.fullmatch(r"[1-9][0-9]{0,2}(?: [0-9]{3})*", before)
            and re.fullmatch(r"[0-9]{3}(?:[.,][0-9]{1,2})?", text)
            and len(before) < _MOST
        ):
            whole = f"{before} {text}"
            joined[-1] = (_Role("N", Decimal(whole.replace(" ", "").replace(",", "."))), whole)
        else:
            joined.append((item, text))
    return [item for item, _ in joined]


def read_number(text: str, language: str, *, whole: bool, question: str = "") -> Decimal | Doubt:
    """One number, in digits or words, with what people say around it; ``whole`` where fractions can't be
    meant.

    ``question`` is the text of the question, if known: a number of hours or months is an answer only to a
    question about hours or months, and "5 triệu" is 5 where the question asks for millions.
    """
    nothing = Doubt.NOT_AN_INTEGER if whole else Doubt.NOT_A_NUMBER
    text = even(text)
    if len(text) > LONGEST:
        return nothing
    items = _items(text, language, whole)
    if isinstance(items, Doubt):
        return nothing if items is Doubt.NOT_A_NUMBER else items
    said = tuple(item if isinstance(item, Word) else Word("0", "0") for item in items)
    if not any(isinstance(item, _Role) for item in items) and _nothing_of(said):
        return Doubt.ZERO
    if _HOUSE.any(said[:-1]):
        return nothing
    value = _spelled(items, question)
    if value is None:
        items = _trimmed(items)
        value = _number(items, question)
    if value is None:
        several = sum(isinstance(item, _Role) for item in items) > 1
        return Doubt.ONE_NUMBER if several or BOUND.any(said) or EITHER.any(said) else nothing
    if isinstance(value, Doubt):
        return value
    if whole and value % 1:
        return nothing
    if abs(value) >= 10**9 if whole else len(str(int(abs(value)))) > _MOST:
        return Doubt.TOO_LARGE
    return value


_HOUSE = Lexicon("nhà số, số nhà, lớp, tầng, thứ, ngõ, hẻm, đường")
"""Words before a number that counts nothing."""


def _nothing_of(said: tuple[Word, ...]) -> bool:
    return (
        bool(said)
        and len(said) <= 4
        and (
            bool(meanings(said) & {"no", "none"})
            or (NEGATIVE.holds(said[0]) and len(said) > 1 and said[1].plain == "co")
        )
    )


def _trimmed(items: list[Word | _Role]) -> list[Word | _Role]:
    """Without what is said before and after a number without changing it."""
    said = tuple(item if isinstance(item, Word) else Word("0", "0") for item in items)
    start, end = 0, len(said)
    while start < end and (length := LEADING.at(said[:end], start) or _BEFORE.at(said[:end], start)):
        start += length
    while end > start + 1:
        length = next(
            (
                size
                for size in (3, 2, 1)
                if end - size > start and TRAILING.at(said[:end], end - size) == size
            ),
            0,
        )
        if not length:
            break
        end -= length
    return items[start:end] if start < end else items


def _number(items: list[Word | _Role], question: str) -> Decimal | Doubt | None:
    value = _spelled(items, question)
    if value is not None:
        return value
    if len(items) < 2 or not isinstance(items[-1], Word):
        return None
    last = items[-1]
    unit = _BY_UNIT.get(last.plain)
    if unit is not None and agrees(last.shape, unit[0]):
        digits = len(items) == 2 and isinstance(items[0], _Role)
        # "20 năm" is a number of years; "hai mươi năm" may be 25, unless years are asked for.
        told = digits and unit[1] == "nam" and not question
        fits = told or _asks_for(question, _QUESTION_UNITS[unit[1]])
        return _spelled(items[:-1], question) if fits else None
    said = tuple(item if isinstance(item, Word) else Word("0", "0") for item in items)
    for length in (2, 1):
        if len(items) > length and _UNITS.at(said, len(said) - length) == length:
            return _spelled(_trimmed(items[:-length]), question)
    return None


_HOW_MANY = re.compile(r"\b(?:bao nhieu|may|how many|so|bang|theo|in)(?: tieng)? ([a-z]+)|\(([a-z]+)\)")


def _asks_for(question: str, names: set[str]) -> bool:
    """Whether the question asks how many of a unit: "mấy giờ", "số tháng", "how many days", "(phút)"."""
    asked = {name for found in _HOW_MANY.finditer(fold(question)) for name in found.groups() if name}
    return bool(asked & names)


def _spelled(items: list[Word | _Role], question: str) -> Decimal | Doubt | None:
    if not items:
        return None
    if all(isinstance(item, Word) for item in items):
        names = [item.plain for item in items if isinstance(item, Word)]
        if names[0] in ("a", "an") and len(names) > 1:
            names[0] = "one"
        english = _english(names)
        if english is not None:
            return english
    roles = _roles(items)
    if roles is None:
        return None
    value = _value(roles)
    if value is None:
        return None
    scales = {role.value for role in roles if role.sort in _SCALES}
    asked = {_QUESTION_SCALES[each.plain] for each in words(question) if each.plain in _QUESTION_SCALES}
    if scales and asked:
        if scales != asked or re.search(r"[0-9]", question):
            return Doubt.ONE_NUMBER
        return value / scales.pop()
    return value


# ── dates ─────────────────────────────────────────────────────────────────────────────────────────────


class Parts(NamedTuple):
    """A date as far as it was told."""

    day: int | None
    month: int | None
    year: int | None


_MONTHS = {
    name: number
    for number, names in enumerate(
        ("january jan", "february feb", "march mar", "april apr", "may", "june jun", "july jul", "august aug",
         "september sep sept", "october oct", "november nov", "december dec"), 1)
    for name in names.split()
}  # fmt: skip
_LUNAR = re.compile(
    r"\bam lich\b|\bal\b|\bgieng\b|\bchap\b|\bram\b|"
    r"\b(?:giap|at|binh|dinh|mau|ky|ki|canh|tan|nham|quy|tuoi(?: con)?) "
    r"(?:ty|ti|suu|dan|mao|meo|thin|ngo|mui|than|dau|tuat|hoi|"
    r"chuot|trau|cop|ho|tho|rong|ran|ngua|de|khi|ga|cho|heo|lon)\b"
)
_DATE_LEAD = re.compile(
    r"(?:(?:da|thua|vang|toi|tui|em|con|chau|minh|la|thi|sinh|sinh vao|"
    r"ngay thang nam sinh|thang nam sinh|ngay sinh|thang sinh|nam sinh|sn|ns|vao|luc|tu|"
    r"on|in|since|i was born|born|it was|it is)\b[ :,]*)+"
)
_DATE_TAIL = re.compile(
    r"(?:[ ,.!;)]*\b(?:a|ah|nha|nhe|nghe|do|em|ban|roi|duong lich|dl|duong)\b)*[ .,!;)]*$"
)
_WEEKDAYS = {
    "thu hai": 0, "thu 2": 0, "thu ba": 1, "thu 3": 1, "thu tu": 2, "thu 4": 2, "thu nam": 3, "thu 5": 3,
    "thu sau": 4, "thu 6": 4, "thu bay": 5, "thu 7": 5, "chu nhat": 6, "monday": 0, "tuesday": 1,
    "wednesday": 2, "thursday": 3, "friday": 4, "saturday": 5, "sunday": 6,
}  # fmt: skip
_WEEKDAY = re.compile(f"({'|'.join(_WEEKDAYS)})[ ,]+(?:ngay +)?(?=[0-9])")
_MONTH_MARK = re.compile(r"(?:(?<=[^a-z0-9])|^)(?:thang|thg|thag|th|t)(?:\. ?| )?(?=[0-9])|\bthang\b")
_SPLIT = re.compile(r"[ ,/.\-]+")
_NUMERIC = re.compile(r"([0-9]{1,4}) ?([/.\- ]) ?([0-9]{1,4})(?: ?\2 ?([0-9]{1,4}))?")
_NUMBER_WORDS = frozenset(
    "mot hai ba bon tu nam lam nham sau bay tam chin muoi khong linh le nghin ngan tram".split()
)


def _full_year(digits: str, today: date | None) -> int | Doubt | None:
    """``1985`` or ``85`` as a year of 1900 to 2100.

    Two digits are the latest year that is not to come; the ten years after today stay open, since both
    "1927" and "2027" may be meant. Without ``today`` the year 2025 stands for it.
    """
    if len(digits) == 4:
        return int(digits) if 1900 <= int(digits) <= 2100 else None
    if len(digits) != 2:
        return None
    this = today.year if today else 2025
    year = 2000 + int(digits)
    if year <= this:
        return year
    return Doubt.YEAR if year <= this + 10 else year - 100


def _year_words(tokens: list[str], today: date | None) -> int | Doubt | None:
    """A year in words: ``một chín tám lăm``, ``tám lăm``, ``hai nghìn lẻ năm``; or one token of digits."""
    if len(tokens) == 1 and tokens[0].isdecimal():
        return _full_year(tokens[0], today)
    if not tokens or not _NUMBER_WORDS.issuperset(tokens):
        return None
    roles = _roles([Word(token, token) for token in tokens])
    if roles is None:
        return None
    if len(roles) == 4 and all(role.sort in "dmtl" for role in roles):
        return _full_year("".join(str(int(role.value)) for role in roles), today)
    value = _value(roles)
    if (
        value is None
        and len(roles) == 2
        and roles[0].sort == "d"
        and roles[1].sort in "dmtl"
        and roles[0].value > 1
    ):
        # A year is never "two or three": "tám chín" is 89.
        value = roles[0].value * 10 + roles[1].value
    if value is None:
        return None
    return _full_year(str(int(value)), today) if value >= 1900 or 10 <= value < 100 else None


def _small_number(tokens: list[str]) -> int | None:
    """A day or month in digits or words."""
    if len(tokens) == 1 and tokens[0].isdecimal():
        return int(tokens[0]) if len(tokens[0]) <= 2 else None
    if not tokens or not _NUMBER_WORDS.issuperset(tokens):
        return None
    roles = _roles([Word(token, token) for token in tokens])
    if roles and len(roles) == 1 and roles[0].sort == "t":
        return int(roles[0].value)
    value = _below_hundred(roles) if roles else None
    return None if value is None else int(value)


def _with_month_mark(text: str, at: re.Match[str], today: date | None) -> Parts | Doubt | None:
    """``ngày 5 tháng 3 năm 1985`` and everything less of it."""
    before = [token for token in _SPLIT.split(text[: at.start()]) if token]
    after = [token for token in _SPLIT.split(text[at.end() :]) if token]
    if before and before[0] in ("ngay", "mung", "mong", "hom"):
        before = before[1:]
        if before and before[0] in ("mung", "mong"):
            before = before[1:]
        if not before:
            return None
    day = _small_number(before) if before else None
    if (before and day is None) or not after:
        return None
    size = 2 if len(after) > 1 and after[0] == "muoi" and after[1] in ("mot", "hai") else 1
    month, rest = _small_number(after[:size]), after[size:]
    if month is None:
        return None
    if not rest:
        return Parts(day, month, None)
    if rest[0] == "nam":
        rest = rest[1:]
    year = _year_words(rest, today)
    return year if isinstance(year, Doubt) else None if year is None else Parts(day, month, year)


_ENGLISH_DATE = re.compile(
    r"(?:(?:the )?([0-9]{1,2})(?:st|nd|rd|th)? (?:of )?)?([a-z]{3,9})"
    r"(?: ([0-9]{1,2})(?:st|nd|rd|th)?)?(?: ([0-9]{2,4}))?"
)


def _with_month_name(text: str, today: date | None) -> Parts | Doubt | None:
    """``5 March 1985``, ``March 5, 1985``, ``Mar 85``."""
    found = _ENGLISH_DATE.fullmatch(" ".join(token for token in _SPLIT.split(text) if token))
    if found is None or found[2] not in _MONTHS:
        return None
    month = _MONTHS[found[2]]
    first, second, last = found[1], found[3], found[4]
    if first and second and last:
        return None
    day = first or (second if last else None)
    year_text = last or second
    if year_text is None:
        return Parts(int(day) if day else None, month, None)
    year = _full_year(year_text, today)
    if isinstance(year, Doubt) or year is None:
        return year
    return Parts(int(day) if day else None, month, year)


def _numeric(text: str, today: date | None) -> Parts | Doubt | None:
    """Digits with separators, day before month before year, or ISO order; and digits run together."""
    if text.isdecimal():
        if len(text) == 6:
            year = _full_year(text[2:], today)
            return Parts(None, int(text[:2]), year) if isinstance(year, int) else None
        if len(text) == 8:
            orders = [(text[:2], text[2:4], text[4:]), (text[6:], text[4:6], text[:4])]
            fitting = [
                Parts(int(day), int(month), int(year))
                for day, month, year in orders
                if 1 <= int(day) <= 31 and 1 <= int(month) <= 12 and 1900 <= int(year) <= 2100
            ]
            return fitting[0] if len(fitting) == 1 else None
        year = _full_year(text, today)
        return Parts(None, None, year) if isinstance(year, int) else year
    found = _NUMERIC.fullmatch(text)
    if found is None:
        return None
    first, second, third = found[1], found[3], found[4]
    if len(first) > 2:
        if (
            len(first) != 4
            or len(second) > 2
            or (third and len(third) > 2)
            or (not third and found[2] == ".")
        ):
            return None
        year = _full_year(first, today)
        return Parts(int(third) if third else None, int(second), year) if isinstance(year, int) else None
    if third:
        year = _full_year(third, today) if len(second) <= 2 else None
        day_month: tuple[int | None, int] = (int(first), int(second))
    elif len(second) == 1:
        return Parts(int(first), int(second), None)
    else:
        year = _full_year(second, today)
        day_month = (None, int(first))
        if year is None:
            return None
    if isinstance(year, Doubt) or year is None:
        return year
    return Parts(*day_month, year)


_DAYS_OFF = {
    "hom nay": 0, "nay": 0, "bua nay": 0, "ngay hom nay": 0, "today": 0, "hom qua": -1, "bua qua": -1,
    "ngay hom qua": -1, "yesterday": -1, "hom kia": -2, "ngay mai": 1, "mai": 1, "tomorrow": 1,
}  # fmt: skip


def read_date(text: str, today: date | None) -> Parts | Doubt:
    """A date as far as told: ``5.3.85``, ``tháng 3 năm 1985``, ``hôm nay``; the month exists, the day may
    not.

    ``today`` anchors words like *hôm nay* and years of two digits.
    """
    if len(text) > LONGEST:
        return Doubt.NOT_A_DATE
    said = " ".join(re.sub(r"[\"“”'’()]+", " ", fold(even(text))).split())
    if _LUNAR.search(said):
        return Doubt.LUNAR
    lead = _DATE_LEAD.match(said)
    if lead and lead.end() < len(said):
        said = said[lead.end() :]
    said = _DATE_TAIL.sub("", said)
    if today is not None and said in _DAYS_OFF:
        at = today + timedelta(days=_DAYS_OFF[said])
        return Parts(at.day, at.month, at.year)
    if today is not None and said in ("thang nay", "thang truoc", "this month", "last month"):
        at = today if said in ("thang nay", "this month") else today.replace(day=1) - timedelta(days=1)
        return Parts(None, at.month, at.year)
    if today is not None and said in ("nam nay", "nam ngoai", "this year", "last year"):
        return Parts(None, None, today.year - (said in ("nam ngoai", "last year")))
    weekday = _WEEKDAY.match(said)
    if weekday:
        said = said[weekday.end() :]
    parts = _parts(said, today)
    if isinstance(parts, Doubt):
        return parts
    if parts is None or (parts.month is not None and not 1 <= parts.month <= 12) or parts.day == 0:
        return Doubt.NOT_A_DATE
    if weekday:
        try:
            told = date(parts.year or 0, parts.month or 0, parts.day or 0)
        except ValueError:
            return Doubt.NOT_A_DATE
        if told.weekday() != _WEEKDAYS[weekday[1]]:
            return Doubt.NOT_A_DATE
    return parts


def _parts(said: str, today: date | None) -> Parts | Doubt | None:
    mark = _MONTH_MARK.search(said)
    if mark:
        return _with_month_mark(said, mark, today)
    if re.search("[a-z]{3}", said) and any(token in _MONTHS for token in _SPLIT.split(said)):
        return _with_month_name(said, today)
    said = re.sub(r"^ngay ?(?=[0-9])", "", said)
    if said.startswith("nam ") or not any(character.isdecimal() for character in said):
        tokens = said.split()
        year = _year_words(tokens[1:] if tokens[:1] == ["nam"] and len(tokens) > 1 else tokens, today)
        return Parts(None, None, year) if isinstance(year, int) else year
    said = re.sub(r"(?<=[0-9])[ ,/.\-]*nam (?=[0-9])", "/", said)
    if "/" in said:
        said = re.sub(r" ?/ ?| (?=[0-9]{4}$)", "/", said)
        mixed = re.fullmatch(r"([0-9]{1,2})[-. ]([0-9]{1,2})/([0-9]{2,4})", said)
        if mixed:
            return None
    return _numeric(said, today)


def iso_date(text: str, today: date, appearance: str = "") -> str | Doubt:
    """A whole date in ISO form. With ``month-year`` or ``year`` (ODK's appearances) the first day of it."""
    parts = read_date(text, today)
    if isinstance(parts, Doubt):
        return parts
    shown = appearance.split()
    if "year" in shown and parts.year:
        return f"{parts.year}-01-01"
    if "month-year" in shown and parts.year and parts.month:
        return f"{parts.year}-{parts.month:02}-01"
    if parts.day is None or parts.month is None or parts.year is None:
        return Doubt.NOT_A_DATE
    try:
        return date(parts.year, parts.month, parts.day).isoformat()
    except ValueError:
        return Doubt.NO_SUCH_DATE


def month_and_year(text: str, today: date | None) -> str | Doubt:
    """``MM/YYYY``, or ``YYYY`` when only a year was told (in four digits: "40" may be an age)."""
    parts = read_date(text, today)
    if isinstance(parts, Doubt):
        return parts if parts in (Doubt.LUNAR, Doubt.YEAR) else Doubt.NOT_A_MONTH
    if parts.year is None:
        return Doubt.NOT_A_MONTH
    if parts.month is None:
        return str(parts.year) if _tells_year(text) else Doubt.YEAR
    if parts.day is not None and parts.day > 31:
        return Doubt.NOT_A_MONTH
    return f"{parts.month:02}/{parts.year}"


def _tells_year(text: str) -> bool:
    """Whether a lone year is in four digits or words, or said to be a year."""
    said = fold(even(text))
    return re.search(r"[0-9]{4}", said) is not None or re.search(r"\bnam\b|\bsn\b|[a-z]{3}", said) is not None


def only_year(text: str, today: date | None) -> str | Doubt:
    """``YYYY``; a month told with it is left out."""
    parts = read_date(text, today)
    if isinstance(parts, Doubt):
        return parts if parts in (Doubt.LUNAR, Doubt.YEAR) else Doubt.NOT_A_YEAR
    return str(parts.year) if parts.year is not None else Doubt.NOT_A_YEAR


# ── times of day and telephone numbers ────────────────────────────────────────────────────────────────

_TIME = re.compile(
    r"([0-9]{1,2}) ?(?:(?::|h|g|gio) ?([0-9]{2})? ?(?:p|phut|'|h)?|\.([0-9]{2}))"
    r"(?: ?(ruoi)| ?kem ([0-9]{1,2})(?: ?phut)?)? ?(sang|trua|chieu|toi|dem|am|pm)?"
)
_HOUR_WORDS = re.compile(r"^((?:mot|hai|ba|bon|nam|sau|bay|tam|chin|muoi(?: mot| hai)?)) gio\b")


def read_time(text: str) -> str | Doubt:
    """``HH:MM`` of a time of day: ``7h30``, ``7 giờ rưỡi tối``, ``2:15 pm``, ``8 giờ kém 15``; a bare
    number is none."""
    if len(text) > LONGEST:
        return Doubt.NOT_A_TIME
    said = " ".join(fold(even(text)).split())
    said = re.sub(r"^(?:(?:da|luc|vao luc|vao|toi|khoang|tam(?! gio)|at)\b ?)+(?=[0-9a-z])", "", said)
    said = re.sub(r"(?:[ ,.!]*\b(?:a|nha|nhe|em|do)\b)*[ .,!]*$", "", said)
    spelled = _HOUR_WORDS.match(said)
    if spelled:
        hour = _small_number(spelled[1].split())
        said = f"{hour} gio{said[spelled.end() :]}"
    said = re.sub(r"(?<=[0-9]) ?(?=[ap]m$)", "h ", said) if re.fullmatch(r"[0-9]{1,2} ?[ap]m", said) else said
    found = _TIME.fullmatch(said)
    if found is None:
        return Doubt.NOT_A_TIME
    hour_text, minute_text, dotted, half, short, part = found.groups()
    minutes = minute_text or dotted
    if (half and minutes) or (short and (minutes or half)):
        return Doubt.NOT_A_TIME
    hour, minute = int(hour_text), 30 if half else int(minutes or 0)
    if part:
        turned = _turned(hour, part)
        if turned is None:
            return Doubt.NOT_A_TIME
        hour = turned
    total = hour * 60 + minute - int(short or 0)
    if hour > 23 or minute > 59 or int(short or 0) > 59 or total < 0:
        return Doubt.NOT_A_TIME
    return f"{total // 60:02}:{total % 60:02}"


def _turned(hour: int, part: str) -> int | None:
    """The hour of the day for an hour of a part of the day; None where the two don't fit."""
    if part in ("sang", "am"):
        return hour % 12 if hour == 12 and part == "am" else hour if hour < 12 else None
    if part == "trua":
        return hour if 10 <= hour <= 14 else hour + 12 if hour in (1, 2) else None
    if part == "dem":
        return (
            0 if hour == 12 else hour + 12 if 8 <= hour <= 11 else hour if hour <= 4 or hour >= 20 else None
        )
    first = {"chieu": 1, "toi": 5, "pm": 1}[part]
    if hour == 12 and part == "pm":
        return 12
    return hour + 12 if first <= hour <= 11 else hour if hour >= 12 + first else None


_PHONE_LEAD = re.compile(
    r"(?:(?:da|so|cua|toi|em|minh|la|sdt|dt|dien thoai|so dien thoai|di dong|zalo|"
    r"phone|my|number|is)\b[ :.]*)+"
)


def read_phone(text: str) -> str | Doubt:
    """A Vietnamese telephone number as 10 (mobile) or 11 (landline) digits from 0; ``+84`` becomes 0."""
    if len(text) > LONGEST:
        return Doubt.NOT_A_PHONE
    said = re.sub(r"(?:[ ,.!]*\b(?:a|nha|nhe|em)\b)*[ .,!]*$", "", " ".join(fold(even(text)).split()))
    lead = _PHONE_LEAD.match(said)
    if lead:
        said = said[lead.end() :]
    if not re.fullmatch(r"\(?\+?[0-9(][0-9 .()\-]*", said):
        return Doubt.NOT_A_PHONE
    digits = re.sub(r"[^0-9]", "", said)
    if "+" in said or (digits.startswith("84") and len(digits) in (11, 12)):
        if not digits.startswith("84"):
            return Doubt.NOT_A_PHONE
        digits = "0" + digits[2:].removeprefix("0")
    return digits if re.fullmatch(r"0[35789][0-9]{8}|02[0-9]{9}", digits) else Doubt.NOT_A_PHONE
