"""Cells of a list of households as values: births, telephones, sexes, relations, neighbourhoods; and letters
of fonts that are no Unicode.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from datetime import date, timedelta
from functools import lru_cache

from surveys.frames.lists import Relation
from surveys.letters import fold, tidy
from surveys.moments import read_date
from surveys.numerals import Doubt
from surveys.placenames import TYPES, Level, split_title
from surveys.population import EARLIEST_BIRTH_YEAR, Sex

_CONTROLS: Mapping[int, str | None] = {
    **dict.fromkeys((*range(0x20), *range(0x7F, 0xA0), 0x2028, 0x2029), " "),
    # What turns the direction of writing would turn a report, or a letter to print, around.
    **dict.fromkeys((0x61C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2061, 0x2070))),
}
_EMPTY = frozenset({"", "-", "--", "---", "x", "?", ".", "...", "…", "0", "null", "none", "nan", "n/a", "na"})
_NOT_KNOWN = frozenset(
    "khong ro; khong biet; khong nho; khong xac dinh; chua ro; khong co; khong; chua co; unknown".split("; ")
)


_LONGEST_NOTHING = 20


def text(cell: str) -> str:
    """A cell as text: NFC, single spaces, no control characters, and without what spreadsheets put before
    text.
    """
    return tidy(cell.translate(_CONTROLS)).removeprefix("'").strip()


@lru_cache(maxsize=1 << 16)
def folded(cell: str) -> str:
    """A cell without marks and capitals. Kept: lists say the same things again and again."""
    return fold(cell)


def blank(cell: str) -> bool:
    """Whether a cell says nothing: empty, a dash, "không rõ"."""
    if len(cell) > _LONGEST_NOTHING:
        return False
    plain = folded(cell)
    return plain in _EMPTY or plain in _NOT_KNOWN


# ── sex and relation ────────────────────────────────────────────────────────────────────────────────────────

_SEXES: Mapping[str, Sex] = {
    name: sex
    for sex, names in {
        Sex.MALE: "nam;1;m;male;trai;con trai;dan ong;ong;anh;man;nam gioi",
        Sex.FEMALE: "nu;2;f;female;gai;con gai;dan ba;phu nu;ba;chi;woman;nu gioi",
    }.items()
    for name in names.split(";")
}


def read_sex(cell: str) -> Sex | None:
    """``Nam``, ``nữ``, ``F``, ``1`` (male) or ``2`` (female), as the questionnaires number them; else
    None.
    """
    return _SEXES.get(folded(cell).strip(" ."))


def is_mark(cell: str) -> bool:
    """Whether a cell is ticked: x, ✓, 1, có."""
    return folded(cell) in ("x", "v", "1", "co", "yes", "true", "✓", "✔", "√", "+")


_RELATIONS: Mapping[str, Relation] = {
    name: relation
    for relation, names in {
        Relation.HEAD: "chu ho; ch; chu ho gia dinh; ban than; head; householder; head of household; 1",
        Relation.SPOUSE: """vo; chong; vo chong; vo chu ho; chong chu ho; vo chong chu ho; spouse; wife;
            husband; 2""",
        Relation.CHILD: """con; con de; con trai; con gai; con ruot; con nuoi; con rieng; con trai ruot; con
            gai ruot; con chu ho; child; son; daughter; 3""",
        Relation.PARENT: """cha; me; bo; ba ma; bo me; cha me; tia; ma; bo de; me de; cha ruot; me ruot; bo
            chu ho; me chu ho; cha chu ho; bo ruot; bo nuoi; me nuoi; parent; father; mother; 4""",
        Relation.SIBLING: """anh; chi; em; anh trai; chi gai; em trai; em gai; anh chi em; anh ruot; chi ruot;
            em ruot; anh em ruot; sibling; brother; sister; 5""",
        Relation.GRAND: """ong; ba; ong ba; ong noi; ba noi; ong ngoai; ba ngoai; chau; chau noi; chau ngoai;
            chat; cu; cu ong; cu ba; chau ruot; ong ba noi; ong ba ngoai; ong ba chau; chau trai; chau gai;
            grandchild; grandparent; grandson; granddaughter; grandfather; grandmother; 6""",
        Relation.RELATIVE: """con dau; con re; dau; re; bo vo; me vo; bo chong; me chong; cha vo; cha chong;
            em dau; em re; chi dau; anh re; co; di; chu ruot; bac; cau; mo; thim; duong; co ruot; di ruot; cau
            ruot; bac ruot; chau dau; chau re; anh vo; chi vo; em vo; anh chong; chi chong; em chong; ho hang;
            ho hang khac; nguoi than; ba con; chau ho; anh ho; chi ho; em ho; relative; other relative;
            in-law; nephew; niece; 7""",
        Relation.UNRELATED: """khong ho hang; khong quan he; khong co quan he; nguoi o nho; o nho; o tro; o
            thue; thue tro; nguoi thue; nguoi o tro; nguoi giup viec; giup viec; lam thue; ban; ban be; nguoi
            khac; khac; unrelated; lodger; tenant; other; 8""",
    }.items()
    for name in (" ".join(one.split()) for one in names.split(";"))
}  # fmt: skip


_SPELLED: Mapping[str, Relation] = {
    "bạn thân": Relation.UNRELATED,
    "chú": Relation.RELATIVE,
    "ba": Relation.PARENT,
    "bá": Relation.RELATIVE,
}
"""Words that only their marks tell from others: bản thân, chủ, bà."""


@lru_cache(maxsize=2_000)
def read_relation(cell: str) -> Relation | None:
    """``Chủ hộ``, ``vợ``, ``con dâu``, ``3`` …; None for what is none."""
    spelled = _SPELLED.get(text(cell).lower().strip(" ."))
    if spelled is not None:
        return spelled
    plain = " ".join(re.sub(r"[^0-9a-z-]+", " ", fold(cell)).split())
    found = _RELATIONS.get(plain)
    if found is None and plain.endswith(" chu ho"):
        found = _RELATIONS.get(plain.removesuffix(" chu ho").removesuffix(" cua"))
    if found is None:
        found = _RELATIONS.get(re.sub(r" (thu )?([0-9]{1,2}|ca|ut)$", "", plain))
    return found


# ── telephones ──────────────────────────────────────────────────────────────────────────────────────────────

_MOVED = {
    "0120": "070", "0121": "079", "0122": "077", "0126": "076", "0128": "078",
    "0123": "083", "0124": "084", "0125": "085", "0127": "081", "0129": "082",
    "0162": "032", "0163": "033", "0164": "034", "0165": "035", "0166": "036", "0167": "037", "0168": "038",
    "0169": "039", "0186": "056", "0188": "058", "0199": "059",
}  # fmt: skip
"""Mobile numbers of eleven digits became ten between 15/9 and 14/11/2018 (Quyết định 798/QĐ-BTTTT, 2018)."""

_MOBILE = re.compile(r"0[35789][0-9]{8}")
_LANDLINE = re.compile(r"02[0-9]{8,9}")
_SEVERAL = re.compile(r"[;,/\n|]|\s(?:và|hoặc|or|and)\s|\s-\s")


def read_phone(cell: str) -> str | None:
    """The first telephone number in a cell, a mobile before a landline: ten digits (a landline up to eleven).

    +84 and 84 become 0, the zero that a spreadsheet dropped is put back, and mobile numbers of eleven digits
    get their prefix of 2018. None when no number of Vietnam is in it.
    """
    landline = None
    for part in _SEVERAL.split(cell):
        number = _number(part)
        if number is None:
            continue
        if _MOBILE.fullmatch(number):
            return number
        landline = landline or number
    return landline


def _number(part: str) -> str | None:
    digits = re.sub(r"[^0-9]", "", re.sub(r"\.0+$", "", part.strip()))
    international = part.strip().startswith("+") or digits.startswith("0084")
    digits = digits.removeprefix("00") if digits.startswith("0084") else digits
    if digits.startswith("84") and (international or len(digits) in (11, 12)):
        digits = "0" + digits[2:].removeprefix("0")
    if len(digits) in (9, 10) and not digits.startswith("0"):
        digits = "0" + digits
    if digits[:4] in _MOVED and len(digits) == 11:
        digits = _MOVED[digits[:4]] + digits[4:]
    return digits if _MOBILE.fullmatch(digits) or _LANDLINE.fullmatch(digits) else None


# ── births ──────────────────────────────────────────────────────────────────────────────────────────────────

_EPOCH = date(1899, 12, 30)
"""Day 0 of a spreadsheet's count of days."""


class Unreadable(Exception):
    """A birth that can't be taken; ``code`` of the remark that says why."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def read_birth(cell: str, today: date) -> str:
    """A birth as ``YYYY-MM``, or ``YYYY`` where only the year is told; '' where nothing is.

    The day is not kept: nothing is asked by it. A bare number beyond any year is a spreadsheet's count of
    days. Raises :class:`Unreadable`.
    """
    if blank(cell):
        return ""
    told = re.sub(r" 00:00(:00)?$", "", cell.strip())
    told = re.sub(r"^00/00/|^0?0/(?=[0-9]{4}$)|^00-00-", "", told)
    if re.fullmatch(r"[0-9]{5}(\.0+)?", told):
        day = _EPOCH + timedelta(days=int(told[:5]))
        return _checked(day.year, day.month, today)
    if re.fullmatch(r"[0-9]{4}\.0+", told):
        told = told[:4]
    parts = read_date(told, today)
    if isinstance(parts, Doubt) or parts.year is None:
        raise Unreadable("birth_unreadable")
    if parts.day is not None and parts.month is not None:
        try:
            date(parts.year, parts.month, parts.day)
        except ValueError:
            raise Unreadable("birth_unreadable") from None
    elif parts.day is not None:
        raise Unreadable("birth_unreadable")
    return _checked(parts.year, parts.month, today)


def join_birth(day: str, month: str, year: str, today: date) -> str:
    """A birth from columns of its own for day, month and year; the day only has to be one."""
    if blank(year):
        return ""
    parts = [re.sub(r"\.0+$", "", part.strip()) for part in (day, month, year)]
    if blank(month) or not parts[1].isdecimal():
        return read_birth(year, today)
    told = "/".join(parts) if parts[0].isdecimal() and not blank(parts[0]) else "/".join(parts[1:])
    return read_birth(told, today)


def _checked(year: int, month: int | None, today: date) -> str:
    if (year, month or 1) > (today.year, today.month):
        raise Unreadable("birth_to_come")
    if year < EARLIEST_BIRTH_YEAR:
        raise Unreadable("birth_long_ago")
    return f"{year}-{month:02}" if month else str(year)


def age(birth: str, today: date) -> int | None:
    """The least age in full years that somebody born then may have; None for an unknown birth.

    With a year alone they may have been born in December, with a month on its last day.
    """
    if not birth:
        return None
    year, _, month = birth.partition("-")
    return today.year - int(year) - (int(month or 12) >= today.month)


# ── neighbourhoods ──────────────────────────────────────────────────────────────────────────────────────────

_SHORT = {
    "kp": "khu phố", "khupho": "khu phố", "tdp": "tổ dân phố", "todanpho": "tổ dân phố", "kdc": "khu dân cư",
    "ap": "ấp", "to": "tổ", "thon": "thôn", "khom": "khóm", "k": "khu", "xom": "xóm",
    "ban": "bản", "khu": "khu", "khoi": "khối", "kpho": "khu phố", "k.p": "khu phố", "t.d.p": "tổ dân phố",
}  # fmt: skip
_SHORTENED = re.compile(
    rf"({'|'.join(re.escape(short) for short in sorted(_SHORT, key=len, reverse=True))})\s*[.:]?\s*"
    r"(?:số\s*)?(?=[0-9])"
)
_NUMBER_ALONE = re.compile(r"0*([1-9][0-9]{0,2})([a-z]?)", re.IGNORECASE)


@lru_cache(maxsize=4_000)
def neighbourhood(cell: str, kind: str = "khu phố") -> str:
    """A neighbourhood as one name, however it was typed: ``KP5``, ``khu pho 05`` → ``Khu phố 5``.

    ``kind`` is what a number alone is called: the heading of its column says it. Names keep their letters; a
    type keeps its own (``Tổ 5`` is not ``Khu phố 5``).
    """
    plain = text(cell)
    if blank(plain) or not plain:
        return ""
    if alone := _NUMBER_ALONE.fullmatch(plain.removesuffix(".0")):
        return _named(kind, alone[1] + alone[2].upper())
    lowered = fold(plain)
    short = _SHORTENED.match(lowered)
    if short is not None:
        return (
            _named(_SHORT[short[1]], plain[short.end() :])
            if len(lowered) == len(plain)
            else _named(_SHORT[short[1]], lowered[short.end() :])
        )
    found, name = split_title(re.sub(r"\s*[-–:]\s*(?=[0-9])|\bsố\s+(?=[0-9])", " ", plain))
    if found in TYPES[Level.NEIGHBOURHOOD] and name:
        return _named(found, name)
    return plain


def _named(kind: str, name: str) -> str:
    clean = name.strip(" .:-–")
    number = _NUMBER_ALONE.fullmatch(clean)
    shown = number[1] + number[2].upper() if number else clean
    return f"{kind[:1].upper()}{kind[1:]} {shown}"


def is_neighbourhood(cell: str) -> str:
    """The neighbourhood that a line alone in its row names, as a heading of what follows: "II. KHU PHỐ 2".

    Empty for anything else.
    """
    plain = re.sub(r"^(?:[IVX]{1,5}|[0-9]{1,2}|[A-Z])\s*[.)/:-]\s*", "", text(cell))
    kind, name = split_title(plain)
    if kind in TYPES[Level.NEIGHBOURHOOD] and name and len(plain) <= 60:
        return neighbourhood(f"{kind} {name}")
    short = _SHORTENED.match(fold(plain))
    return neighbourhood(plain) if short is not None and len(plain) <= 12 else ""


# ── letters that are no Unicode ─────────────────────────────────────────────────────────────────────────────

_TCVN3 = re.compile(
    r"[A-Za-z][\u00a8-\u00ac\u00ae\u00b5-\u00b9\u00bb-\u00be]|[\u00a8-\u00ac\u00ae\u00b5-\u00b9\u00bb-\u00be][A-Za-z]"
    r"|[a-z][\u00c6-\u00df](?![A-Z])"
)
"""Letters of .VnTime: signs amid letters ("V¨n"), capitals after small letters ("NguyÔn")."""
_VNI = re.compile(
    r"[aeouyAEOUY\u00f4\u00f6\u00d4\u00d6][\u00f8\u00fb\u00fc\u00ef\u00e4\u00eb\u00e5\u00d8\u00db\u00dc\u00cf\u00c4\u00cb\u00c5]"
    r"|[aA][\u00e0\u00e1\u00e2\u00e3\u00ea\u00e9\u00e8\u00c0\u00c1\u00c2\u00c3\u00ca\u00c9\u00c8]|[eE][\u00e2\u00e3\u00e1\u00e0\u00c2\u00c3\u00c1\u00c0]"
    r"|[oO][\u00e2\u00e5\u00c2\u00c5]|(?:^|\s)\u00f1|(?:^|\s)\u00d1|[\u00f6\u00d6][\u00f4\u00d4u\u00f9\u00f8\u00fb\u00f5\u00ef]"
)
"""Letters of VNI-Times: a vowel and its mark as two letters ("Nguyeãn Vaên"), ñ for đ."""
_GARBLED = re.compile(
    r"[\u00c2-\u00c6\u00e1](?:[\u00ba\u00bb][\u0080-\u00bf\u2018-\u203a\u0152-\u0178]"
    r"|[\u0080-\u00bf\u2018-\u203a])|\ufffd"
)
"""UTF-8 taken for another encoding ("Nguyá»…n"), or letters that are lost."""


def not_unicode(cell: str) -> str:
    """``tcvn3``, ``vni`` or ``garbled`` for text in letters that are no Vietnamese in Unicode; else empty.

    A single name may deceive it ("Müller"): what counts is how many cells of a file look so.
    """
    if cell.isascii():
        return ""
    plain = unicodedata.normalize("NFC", cell)
    if _GARBLED.search(plain):
        return "garbled"
    if _TCVN3.search(plain):
        return "tcvn3"
    return "vni" if _VNI.search(plain) else ""
