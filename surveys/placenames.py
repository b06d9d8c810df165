"""Names of places: how people write them, and how well one fits what was typed.

Knows words only; what a name stands for is the business of :mod:`surveys.areas`.
"""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import IntEnum, StrEnum

from surveys.letters import fold, settle, tidy


class Level(StrEnum):
    """How deep an area stands. Districts ended on 2025-07-01 (Nghị quyết 203/2025/QH15)."""

    PROVINCE = "province"
    DISTRICT = "district"
    COMMUNE = "commune"
    NEIGHBOURHOOD = "neighbourhood"


DEPTH = {level: depth for depth, level in enumerate(Level)}

TYPES: Mapping[Level, tuple[str, ...]] = {
    Level.PROVINCE: ("tỉnh", "thành phố"),
    Level.DISTRICT: ("quận", "huyện", "thị xã", "thành phố"),
    Level.COMMUNE: ("xã", "phường", "thị trấn", "đặc khu"),
    Level.NEIGHBOURHOOD: (
        *("khu phố", "tổ dân phố", "ấp", "thôn", "khóm", "xóm", "bản", "làng", "buôn", "bon", "plei", "phum"),
        *("sóc", "khối phố", "tiểu khu", "khu dân cư", "khối", "khu", "tổ"),
    ),
}
"""What areas are called, by level. Neighbourhoods after Thông tư 04/2012/TT-BNV, and as offices do."""


class Rank(IntEnum):
    """How well a name fits what was typed, best first."""

    EXACT = 1
    """The same letters, diacritics included (typed with diacritics)."""
    FOLDED = 2
    """The same letters but for diacritics, capitals, spaces, punctuation and zeros before a number."""
    PREFIX = 3
    """The name begins with what was typed."""
    PART = 4
    """What was typed stands inside the name from the beginning of a word, or all of three words or more."""
    CLOSE = 5
    """One slip of the finger away (two from eight letters up); looked for when nothing above fits."""
    INITIALS = 6
    """First letters of the words ("hcm"); looked for when nothing above fits."""


_APOSTROPHES = dict.fromkeys(map(ord, "'’‘ʼ`´"))


@dataclass(frozen=True, slots=True)
class Words:
    """A name as compared: words in lower case between single spaces.

    ``spelled`` has the diacritics, ``folded`` has not; they have the same number of words.
    """

    spelled: str
    folded: str

    @property
    def compact(self) -> str:
        """``folded`` run together: "saigon"."""
        return self.folded.replace(" ", "")


def words(text: str) -> Words:
    """The words of ``text``, without punctuation, apostrophes and zeros before a number."""
    lowered = settle(tidy(text).lower()).translate(_APOSTROPHES)
    kept = "".join(c if c.isalnum() or unicodedata.category(c)[0] == "M" else " " for c in lowered)
    pairs = [(word, fold(word)) for word in kept.split()]
    # "Phường 01" and "Phường 1" are one name.
    pairs = [(s.lstrip("0") or "0", f.lstrip("0") or "0") if f.isdigit() else (s, f) for s, f in pairs if f]
    return Words(" ".join(s for s, _ in pairs), " ".join(f for _, f in pairs))


_LONG_TYPES = {
    written: kind
    for spell in (fold, str)
    for kinds in TYPES.values()
    for kind in kinds
    for written in [spell(kind)]
}
"""Types by how they are written, with diacritics or with none. No two are told apart by diacritics alone."""

_MOST_TYPE_WORDS = max(kind.count(" ") + 1 for kind in _LONG_TYPES)

_SHORT_TYPES = {
    "p": "phường", "ph": "phường", "x": "xã", "tt": "thị trấn", "dk": "đặc khu", "q": "quận", "h": "huyện",
    "tx": "thị xã", "tp": "thành phố", "t": "tỉnh", "kp": "khu phố", "tdp": "tổ dân phố",
}  # fmt: skip
_GLUED = re.compile(r"(p|q|kp|tdp|tp|phuong|quan|ap|thon|to)(\d\w*)|(tp)([a-z]{2,})")
_GLUED_PLACE = re.compile(r"[pq]\d+|tp[a-z]{2,}")
_SPLITTING = {"phuong", "xa", "quan", "huyen", "tinh", "tp", "tx", "q", "thanh pho", "thi xa", "thi tran"}


def split_title(title: str) -> tuple[str | None, str]:
    """A full name as (type or None, name): "Phường Sài Gòn" → ("phường", "Sài Gòn").

    The type is read with its diacritics, or without if it was written with none: "Xa Ea Kly".
    """
    clean = tidy(title)
    parts = clean.split(" ")
    for size in range(min(_MOST_TYPE_WORDS, len(parts) - 1), 0, -1):
        kind = _LONG_TYPES.get(" ".join(parts[:size]).lower())
        if kind is not None:
            return kind, " ".join(parts[size:])
    return None, clean


@dataclass(frozen=True, slots=True)
class Query:
    """One way to read what was typed: a name, perhaps its type, and names of places around it."""

    name: Words
    type: str | None = None
    around: tuple[Words, ...] = ()


def queries(text: str) -> Iterator[Query]:
    """Every way to read ``text``. Which one was meant shows by what it finds."""
    parts = [said for said in map(words, re.split(r"[,;/()\n]", text)) if said.folded]
    if not parts:
        return
    first, *rest = parts
    around = tuple(_untyped(place) for place in rest)
    for own, *places in ((first,), *_cut(first)):
        everything = (*(_untyped(place) for place in places), *around)
        yield Query(own, None, everything)
        for kind, name in _typed(own):
            yield Query(name, kind, everything)


def _cut(said: Words) -> Iterator[tuple[Words, ...]]:
    """The words cut before each type ("phuong 1", "quan 4", "tp hcm"); nothing if there is one place only."""
    folded = said.folded.split(" ")
    starts = [0]
    for i in range(1, len(folded)):
        opens = folded[i] in _SPLITTING or " ".join(folded[i : i + 2]) in _SPLITTING
        # A type alone is no place: "xa tinh ha" is Xã Tịnh Hà.
        least = 2 if folded[starts[-1]] in _SHORT_TYPES or folded[starts[-1]] in _SPLITTING else 1
        if (opens and starts[-1] + least <= i < len(folded) - 1) or _GLUED_PLACE.fullmatch(folded[i]):
            starts.append(i)
    if len(starts) > 1:
        ends = [*starts[1:], len(folded)]
        yield tuple(_some(said, start, end) for start, end in zip(starts, ends, strict=True))


def _some(said: Words, start: int, end: int | None = None) -> Words:
    return Words(" ".join(said.spelled.split(" ")[start:end]), " ".join(said.folded.split(" ")[start:end]))


def _typed(said: Words) -> Iterator[tuple[str, Words]]:
    """(type, name) if the words begin with a type, written out, shortened ("p sai gon") or glued ("p12")."""
    spelled, folded = said.spelled.split(" "), said.folded.split(" ")
    for size in range(min(_MOST_TYPE_WORDS, len(folded) - 1), 0, -1):
        if kind := _LONG_TYPES.get(" ".join(spelled[:size])):
            yield kind, _some(said, size)
    if len(folded) > 1 and folded[0] in _SHORT_TYPES and spelled[0] in (folded[0], "đk"):
        yield _SHORT_TYPES[folded[0]], _some(said, 1)
    if glued := _GLUED.fullmatch(folded[0]):
        short, rest = (part for part in glued.groups() if part is not None)
        yield _SHORT_TYPES.get(short) or _LONG_TYPES[short], words(" ".join([rest, *spelled[1:]]))


def _untyped(said: Words) -> Words:
    return next((name for _, name in _typed(said)), said)


class Names:
    """Folded names, ready to be compared: by compact form, by initials, with a bit mask of the letters."""

    def __init__(self, names: Iterable[str]) -> None:
        self.compact: dict[str, list[str]] = defaultdict(list)
        self.initials: dict[str, list[str]] = defaultdict(list)
        self.masks: list[tuple[int, str]] = []
        for name in dict.fromkeys(names):
            self.compact[name.replace(" ", "")].append(name)
            self.initials["".join(word[0] for word in name.split())].append(name)
            self.masks.append((_mask(name), name))


def _mask(name: str) -> int:
    mask = 0
    for letter in name:
        mask |= 1 << (ord(letter) & 63)
    return mask


Look = Callable[[Names, Words], Iterator[tuple[Rank, str]]]
"""One way to look a query up: (rank, folded name) of what fits."""


def alike(index: Names, query: Words) -> Iterator[tuple[Rank, str]]:
    """Names equal to the query, beginning with it or holding it, each with its rank."""
    whole = set(index.compact.get(query.compact, ()))
    for name in whole:
        yield Rank.FOLDED, name
    typed = query.folded
    parts = typed.split(" ")
    needed = _mask(typed.replace(" ", ""))
    # "1" begins "1 Bảo Lộc" but not "12".
    number = typed[-1].isdigit()
    for mask, name in index.masks:
        if needed & ~mask or name in whole:
            continue
        at = f" {name}".find(f" {typed}")
        if at >= 0 and not (number and name[at + len(typed) :][:1].isdigit()):
            yield (Rank.PREFIX if at == 0 else Rank.PART), name
        elif len(parts) > 2 and set(parts) <= set(name.split(" ")):
            yield Rank.PART, name


def close(index: Names, query: Words) -> Iterator[tuple[Rank, str]]:
    """Names a slip or two away from the query."""
    typed = query.folded
    slips = 0 if len(typed) < 4 else 1 if len(typed) < 8 else 2
    if not slips:
        return
    letters = _mask(typed)
    for mask, name in index.masks:
        if (
            abs(len(name) - len(typed)) <= slips
            and (mask ^ letters).bit_count() <= 2 * slips
            and _slips(typed, name, slips) <= slips
        ):
            yield Rank.CLOSE, name


def initials(index: Names, query: Words) -> Iterator[tuple[Rank, str]]:
    """Names whose words begin with the letters of the query."""
    if len(query.folded) > 1:
        for name in index.initials.get(query.folded, ()):
            yield Rank.INITIALS, name


def _slips(a: str, b: str, most: int) -> int:
    """Letters to insert, delete, replace or swap with a neighbour to get from ``a`` to ``b``.

    The optimal string alignment distance; some number above ``most`` as soon as it is sure to be above.
    """
    before: list[int] = []
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        two_before, before, row = before, row, [i]
        for j, y in enumerate(b, 1):
            cost = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (x != y))
            if i > 1 and j > 1 and x == b[j - 2] and a[i - 2] == y:
                cost = min(cost, two_before[j - 2] + 1)
            row.append(cost)
        if min(row) > most and min(before) > most:
            return most + 1
    return row[-1]


def same_place(said: Words, known: Words) -> bool:
    """Whether what was said is the known name or its initials ("hcm")."""
    initials = "".join(word[0] for word in known.folded.split(" ") if word)
    return said.compact == known.compact or (len(initials) > 1 and said.folded == initials)
