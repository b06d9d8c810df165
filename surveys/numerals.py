"""Numbers as people write them: ``hai mốt``, ``1 triệu rưỡi``, ``2,5``; telephone numbers.

Every reader returns the value or a :class:`Doubt`: why it is better to ask again. Numbers that are about
something ("hơn 20", "5-7") are no answers. All readers look at a bounded text and take linear time.
"""

from __future__ import annotations

import re
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
    NOT_A_DATETIME = "reply.not_a_datetime"
    NOT_A_LOCATION = "reply.not_a_location"


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
    có, được, tổng, tổng cộng, tổng số, tất cả, cả thảy, số, điểm, cho, hết, lương, thu nhập, tuổi, cả nhà,
    trong nhà, chỉ, chỉ có, mỗi, a total of, nhà, nhà tôi, nhà em, nhà có, con, cháu
    """
)
_HEDGED = Lexicon(
    """
    khoảng, chừng, tầm, cỡ, độ, ước chừng, áng chừng, đâu đó, about, around, approximately, roughly, nearly,
    almost, maybe, mấy, vài
    """
)
"""Words that make a number one of several."""
_SQUARE = re.compile(r"(?<=[0-9]) ?(?:m2|m²|m\^2)(?![0-9a-z])")
_LABELLED = re.compile(r"(?<=[^\W\d_]) ?:(?= |[0-9])")
"""The colon of ``tuổi: 35``."""
_INSIDE = re.compile(r"(?<=[a-z])['’](?=[a-z])")
_UNITS = Lexicon(
    """
    tuổi, t, người, ng, ngừi, nhân khẩu, khẩu, thành viên, cái, chiếc, con, đứa, cháu, bé, lần, lượt, đồng,
    đ, vnđ, vnd, điểm, đ điểm, kg, kí, ký, cân, kí lô, ký lô, ki lô, kilo, kgs, kilogram, kilograms,
    ha, hecta, héc ta, m2, m², mét vuông, km, cây số, phần trăm, câu, môn, lớp, khóa, hộ, nhà, phòng, xe,
    years old, year old, yo, tủi, nhân khẩu, suất, bữa, buổi học, people, persons, person, children, child,
    kids, kid, times, points, percent, dong, vietnam dong
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
    "ti": 1_000_000_000,
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
    text = _LABELLED.sub(" ", _INSIDE.sub("", _SQUARE.sub(" mét vuông", text)))
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
    rate = _RATE.search(text)
    if rate and rate[1] not in even(question):
        return nothing
    value = _spelled(items, question)
    if value is None:
        items = _trimmed(items)
        value = _number(items, question)
    if value is None:
        several = sum(isinstance(item, _Role) for item in items) > 1
        vague = several or BOUND.any(said) or EITHER.any(said) or _HEDGED.any(said)
        return Doubt.ONE_NUMBER if vague else nothing
    if isinstance(value, Doubt):
        return value
    if whole and value % 1:
        return nothing
    scaled = any(each.plain in _SCALE_WORDS for each in said)
    if 10 <= value < 1000 and not (scaled or _BARE_DIGITS.search(text)) and _OF_MONEY.search(fold(question)):
        # "Năm trăm" is said of 500,000 đồng.
        return nothing
    if abs(value) >= 10**9 if whole else len(str(int(abs(value)))) > _MOST:
        return Doubt.TOO_LARGE
    return value


_BARE_DIGITS = re.compile(r"[0-9]{2}")
_OF_MONEY = re.compile(r"\bdong\b|\bvnd\b|\btien\b")
_RATE = re.compile(r"(?:\b(?:a|per|each|every|một|mỗi|1)|/) ?(day|week|month|year|ngày|tuần|tháng|năm)\W*$")
"""So many *a day*, where the question asks for something else."""
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


# ── the numbers of dates ──────────────────────────────────────────────────────────────────────────────

_NUMBER_WORDS = frozenset(
    "mot hai ba bon tu nam lam nham sau bay tam chin muoi khong linh le nghin ngan tram".split()
)


def year_digits(tokens: list[str]) -> str | None:
    """The digits of a year in digits or words (``một chín tám lăm`` → 1985, ``tám lăm`` → 85); None for
    anything else."""
    if len(tokens) == 1 and tokens[0].isdecimal():
        return tokens[0]
    if not tokens or not _NUMBER_WORDS.issuperset(tokens):
        return None
    roles = _roles([Word(token, token) for token in tokens])
    if roles is None:
        return None
    if len(roles) == 4 and all(role.sort in "dmtl" for role in roles):
        return "".join(str(int(role.value)) for role in roles)
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
    return str(int(value)) if value is not None and (value >= 1900 or 10 <= value < 100) else None


def small_number(tokens: list[str]) -> int | None:
    """A day, month or hour in digits or words, below a hundred; None for anything else."""
    if len(tokens) == 1 and tokens[0].isdecimal():
        return int(tokens[0]) if len(tokens[0]) <= 2 else None
    if not tokens or not _NUMBER_WORDS.issuperset(tokens):
        return None
    roles = _roles([Word(token, token) for token in tokens])
    if roles and len(roles) == 1 and roles[0].sort == "t":
        return int(roles[0].value)
    value = _below_hundred(roles) if roles else None
    return None if value is None else int(value)


# ── telephone numbers ─────────────────────────────────────────────────────────────────────────────────

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
