"""Which of the choices shown a typed reply means.

Everything here works with positions in the list, the way a person sees it. The order in which one choice is
looked for:

1. a label, whole, however it is typed (marks, case, place of the tone, abbreviations);
2. the number shown beside a choice. It wins over a stored name that looks like another number, but a label
that is itself about that number elsewhere in the list ("2 con") makes it doubtful;
3. a stored name, or the letter before a label;
4. a yes or a no, where the choices are such;
5. labels, or their everyday synonyms (:mod:`surveys.synonyms`), that stand in the reply, or a part of a label
that points at it alone;
6. a label with one slip of a finger.

What is turned round ("không phải nam"), what stands beside a label and says something, what fits several
labels is found but not sure: the person is asked which one is meant.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from surveys.synonyms import synonyms
from surveys.words import (
    BOUND,
    EITHER,
    JOINING,
    KIN,
    LEADING,
    NEGATIVE,
    NUMBERED,
    PLACE,
    SIGNS,
    TRAILING,
    UNSURE,
    WEAK,
    Lexicon,
    Word,
    Words,
    agree,
    agrees,
    core,
    even,
    is_syllable,
    meanings,
    plain,
    usual,
    word,
    words,
)

LABEL_LIMIT = 400
"""Characters of a label that are compared."""

_FEW = 200
"""Forms of labels that are searched for words written together."""


class Option(NamedTuple):
    """A choice as shown: the name that is stored, and its labels (one or more languages).

    A tuple, since lists of thousands are compared at every reply.
    """

    name: str
    labels: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Found:
    """Positions of choices that a reply points at, from 0; ``sure`` when that is an answer.

    ``beyond``: the reply is a number that isn't shown.
    """

    positions: tuple[int, ...]
    sure: bool = True
    beyond: bool = False


NOTHING = Found((), False)
BEYOND = Found((), False, True)


# ── a list of choices made ready ──────────────────────────────────────────────────────────────────────

_ENUMERATED = re.compile(r"\s*\(?([0-9]{1,3}|[A-Za-zĐđ])\s*[.)/:]\s+(?=\S)")
_ASIDE = re.compile(r"\([^()]*\)|\[[^\[\]]*\]")
_DENYING = tuple(words("không chưa no not never chẳng chả"))
_YES = Lexicon("có, đúng, đồng ý, phải, rồi, được, yes, true, agree, tôi đồng ý, i agree, vâng")
_NO = Lexicon(
    """
    không, chưa, no, not, sai, false, disagree, i disagree, tôi không, i do not, i don t, rất không,
    hoàn toàn không, never
    """
)
_NEITHER = Lexicon(
    """
    không biết, không rõ, không nhớ, không chắc, chưa biết, chưa rõ, không muốn, không trả lời, từ chối,
    không áp dụng, không ý kiến, không có ý kiến, không xác định, không liên quan, tùy, khác, no opinion,
    no answer, not sure, not applicable, not know, no idea, không để ý
    """
)
_NONE = Lexicon("không có, không, chưa có, none, nothing, no")
_ALL = Lexicon("tất cả, cả hai, all, both")
_OTHER = Lexicon("khác, other, ý khác, others")


@dataclass(frozen=True, slots=True)
class _Form:
    """One way the label of the choice at ``at`` can be typed."""

    at: int
    words: Words


class Index:
    """The labels of a list of choices, folded once and only read from then on."""

    __slots__ = (
        "all_of", "by_name", "by_word", "denying", "digits", "echoes", "forms", "glued", "keep", "letters",
        "marked", "no", "none", "numbers", "other", "plain_forms", "plainly_none", "size", "starts",
        "unsure", "vocabulary", "yes",
    )  # fmt: skip

    def __init__(self, choices: Sequence[Option]) -> None:
        self.size = len(choices)
        self.marked = any(not label.isascii() for option in choices for label in option.labels)
        """Whether labels are written with marks; if none is, a reply's marks say nothing against a label."""
        self.forms: list[_Form] = []
        self.plain_forms: dict[str, list[_Form]] = {}
        self.starts: dict[tuple[str, str], list[_Form]] = {}
        """By the first two plain words, the second empty where there is one word."""
        self.glued: dict[str, list[_Form]] = {}
        self.letters: dict[str, int] = {}
        self.numbers: dict[str, set[int]] = {}
        self.by_name: dict[str, int] = {}
        self.by_word: dict[str, list[_Form]] = {}
        """The forms that have a plain word; under the empty word those of one word."""
        labels: list[Words] = []
        forms: list[list[Words]] = []
        for at, option in enumerate(choices):
            self.by_name.setdefault(option.name.lower(), at)
            first: Words = ()
            forms.append([])
            for label in option.labels:
                for form in self._forms(at, label[:LABEL_LIMIT]):
                    first = first or form
                    forms[at].append(form)
                    self._add(_Form(at, form))
                # With its number or letter too, as a person copies it.
                whole = usual(words(label[:LABEL_LIMIT]))
                self.plain_forms.setdefault(plain(whole), []).append(_Form(at, whole))
            labels.append(first)
        self.vocabulary = frozenset(each.plain for form in self.forms for each in form.words)
        self.digits = any(each.isdecimal() for each in self.vocabulary)
        for at, saying in synonyms(forms):
            # Only whole: they are no part of a label, and none of its words.
            alike = _Form(at, saying)
            self.plain_forms.setdefault(plain(saying), []).append(alike)
            self.starts.setdefault(_start(saying), []).append(alike)
        self.keep = self.vocabulary
        """Plain words that say something beside these labels."""
        if len(KIN & {each for form in self.forms for each in form.words}) > 1:
            self.keep |= {each.plain for each in KIN}
        if "hoc" in self.vocabulary:
            # Who is at a school has not finished it.
            self.keep |= {"dang"}
        self._sort(labels)

    def _forms(self, at: int, label: str) -> list[Words]:
        """A label as it is, without its number or letter, without what is in brackets, without the kind of
        a place."""
        enumerated = _ENUMERATED.match(label)
        if enumerated:
            sign = enumerated[1].lower()
            if sign.isdecimal():
                self.numbers.setdefault(sign.lstrip("0") or "0", set()).add(at)
            else:
                self.letters.setdefault(sign, at)
            label = label[enumerated.end() :]
        whole = usual(words(label))
        forms = [whole]
        if "(" in label or "[" in label:
            forms.append(usual(words(_ASIDE.sub(" ", label))))
        kind = PLACE.at(whole, 0)
        if 0 < kind < len(whole) and not whole[kind].plain.isdecimal():
            forms.append(whole[kind:])
        if len(whole) > 1 and whole[0].plain in ("tai", "o") and whole[0].shape in ("tai.", "ơ?"):
            # "Tại nhà", "ở nhà", "nhà".
            forms += [whole[1:], (word("ở"), *whole[1:]), (word("tại"), *whole[1:])]
        return [form for form in dict.fromkeys(forms) if form]

    def _add(self, form: _Form) -> None:
        self.forms.append(form)
        self.plain_forms.setdefault(plain(form.words), []).append(form)
        self.starts.setdefault(_start(form.words), []).append(form)
        self.glued.setdefault("".join(each.plain for each in form.words), []).append(form)
        for name in {each.plain for each in form.words} | ({""} if len(form.words) == 1 else set()):
            self.by_word.setdefault(name, []).append(form)
        for each in form.words:
            if each.plain.isdecimal():
                self.numbers.setdefault(each.plain, set()).add(form.at)

    def _sort(self, labels: list[Words]) -> None:
        """Which choices say yes, no, nothing of both (*không biết*, *khác*), none at all, all."""
        place = {label: at for at, label in enumerate(labels) if label}
        pairs = [
            (place[opposite[1:]], against)
            for against, opposite in enumerate(labels)
            if opposite and opposite[0] in _DENYING and opposite[1:] in place
        ]
        denied = {against for _, against in pairs}
        yes: list[int] = []
        no: list[int] = []
        neither: list[int] = []
        rest: list[int] = []
        for at, label in enumerate(labels):
            if _NEITHER.at(label, 0) and at not in denied:
                neither.append(at)
            elif _NO.at(label, 0):
                no.append(at)
            else:
                (yes if _YES.at(label, 0) else rest).append(at)
        if len(rest) == 1 and (
            (len(pairs) == 1 and rest[0] == pairs[0][0])
            or (not yes and len(no) == 1 and _done_or_not(labels[rest[0]], labels[no[0]]))
        ):
            yes, rest = [*yes, *rest], []
        plain_yes_or_no = bool(yes) and bool(no) and not rest
        self.yes: tuple[int, ...] = tuple(yes) if plain_yes_or_no else ()
        self.no: tuple[int, ...] = tuple(no) if plain_yes_or_no else ()
        self.none = tuple(
            at for at, label in enumerate(labels) if _NONE.at(label, 0) and not _NEITHER.at(label, 0)
        )
        denying = [at for at, label in enumerate(labels) if label and label[0] in _DENYING]
        self.denying = tuple(denying if len(denying) == 1 else ())
        """The one choice that denies all others: *Không muốn học*."""
        self.plainly_none = tuple(at for at in self.none if _NONE.at(labels[at], 0) == len(labels[at]))
        """Those that say *không có* and no more."""
        self.all_of = tuple(at for at, label in enumerate(labels) if _ALL.at(label, 0))
        self.other = tuple(at for at, label in enumerate(labels) if _OTHER.at(label, 0))
        self.unsure = {
            meaning: tuple(
                at for at, label in enumerate(labels) if meaning in meanings(label) and at not in denied
            )
            for meaning in ("dont_know", "prefer_not")
        }
        apart = {each.plain for at in neither for each in labels[at]}
        self.echoes = {each.plain for at in (*yes, *no) for each in labels[at]} - apart
        """Plain words that may be repeated after a yes or a no."""
        """The choices that say *don't know* or *prefer not* themselves."""

    def fits(self, said: Words, meant: Words) -> bool:
        """Whether words agree, marks and all where the labels have marks."""
        if self.marked:
            return agree(said, meant)
        return [each.plain for each in said] == [each.plain for each in meant]

    def exactly(self, said: Words) -> tuple[int, ...]:
        """The choices whose label is ``said``, whole; only the one of the very same marks if there is one."""
        found = self.plain_forms.get(plain(said))
        if found is None:
            return ()
        same = {form.at for form in found if form.words == said}
        return tuple(sorted(same or {form.at for form in found if self.fits(said, form.words)}))

    def apart(self, run: str) -> Words:
        """The words of a label that make ``run`` when they are written together; none if there are none."""
        for form in self.forms[:_FEW]:
            for start, first in enumerate(form.words):
                if not run.startswith(first.plain):
                    continue
                for end in range(start + 2, len(form.words) + 1):
                    if "".join(each.plain for each in form.words[start:end]) == run:
                        return form.words[start:end]
        return ()

    def holding(self, said: Words) -> tuple[int, ...]:
        """The choices whose label has ``said`` in it, word for word."""
        some = usual(said)
        found = {
            form.at
            for form in self.by_word.get(some[0].plain, ())
            for start in range(len(form.words) - len(some) + 1)
            if form.words[start].plain == some[0].plain
            and self.fits(some, form.words[start : start + len(some)])
        }
        return tuple(sorted(found))


def _start(some: Words) -> tuple[str, str]:
    return some[0].plain, some[1].plain if len(some) > 1 else ""


def _done_or_not(positive: Words, negative: Words) -> bool:
    """*Đã tham gia* and *Chưa tham gia*: the same but for the first word."""
    return len(positive) > 1 and positive[0].plain == "da" and positive[1:] == negative[1:]


@lru_cache(maxsize=256)
def index_of(choices: tuple[Option, ...]) -> Index:
    """The index of a list of choices, kept for the lists asked last."""
    return Index(choices)


# ── one choice ────────────────────────────────────────────────────────────────────────────────────────

_NUMBERS = {
    each.plain: (each.shape, number)
    for number, each in enumerate(words("một hai ba bốn năm sáu bảy tám chín mười"), 1)
}
_NUMBERS |= {
    name: (name, number)
    for number, name in enumerate("one two three four five six seven eight nine ten".split(), 1)
}
_NUMBERS |= {"nhat": (word("nhất").shape, 1), "tu": (word("tư").shape, 4)}
_WORDS_OF = {str(number): word(name) for number, name in enumerate("một hai ba bốn năm".split(), 1)}
_EVERYDAY = frozenset({"nam", "sau", "bay", "tu", "ba"})
"""Number words that without marks are other words too."""


def _small(one: Word) -> int | None:
    """The number that a word is, 1 to 10; None for other words."""
    shape, number = _NUMBERS.get(one.plain, ("", 0))
    return number if one.shape in (shape, one.plain) and shape else None


def _bare_number(one: Word, index: Index) -> int | None:
    """The same for a word that stands alone: it must not be another word, nor one of a label."""
    if one.plain in index.vocabulary or (one.plain in _EVERYDAY and one.shape == one.plain):
        return None
    return _small(one)


def _typed(one: Word) -> int | None:
    """The number typed in digits; −1 for one too long to be shown."""
    if not one.plain.isdecimal():
        return None
    return int(one.plain) if len(one.plain) < 5 else -1


_ORDINALS = {
    "dau": 0, "dau tien": 0, "thu nhat": 0, "first": 0, "first one": 0, "cuoi": -1, "cuoi cung": -1,
    "last": -1, "last one": -1, "second": 1, "second one": 1, "third": 2, "third one": 2, "fourth": 3,
    "fourth one": 3, "fifth": 4, "fifth one": 4,
}  # fmt: skip
"""Places in the list by name; −1 is the last."""

_LONE = re.compile(r"[\"“'(\[#]?\s*[0-9]{1,6}\s*[\"”')\].:!#]{0,3}")
_NUMBER_SIGN = re.compile(r"^\s*no\.? ?(?=[0-9])", re.IGNORECASE)
"""``No. 5``, where *no* turns nothing round."""
_FIGURES = re.compile(r"[-−+]\s*[0-9]|[0-9]\s*[.,/]\s*[0-9]")


def point_at_one(text: str, index: Index, question: str = "") -> Found:
    """The choice that ``text`` means; several, or not sure, where it can be read in more ways than one.

    ``question``, if at hand, is the text asked: its words may be repeated after a yes or a no.
    """
    text = _NUMBER_SIGN.sub("number ", text)
    said = usual(words(text))
    if not said or len(said) > 40:
        return NOTHING
    found = _numbered(text, said, index)
    if found is None:
        found = _named(text, said, index)
    if found is None:
        found = _several_numbers(text, said, index) or _listed(said, index)
    if found is None:
        inner = core(said, index.keep)
        if len(inner) > 2 and inner[-1].plain == "dau" and NEGATIVE.holds(inner[0]):
            # "Không … đâu" only says it louder.
            inner = inner[:-1]
        exact = index.exactly(inner) or (index.exactly(_in_digits(inner)) if index.digits else ())
        exact = exact or _spelled_exactly(inner, index)
        if exact:
            found = Found(exact, len(exact) == 1)
        else:
            found = _yes_or_no(said if meanings(said) else inner, index, words(question))
            if found is None and len(index.plainly_none) == 1 and meanings(inner) & {"no", "none"}:
                found = Found(index.plainly_none)
            found = found or _by_words(said, inner, index, words(question))
    if "?" in text and found.sure:
        return Found(found.positions, False)
    return found


def _numbered(text: str, said: Words, index: Index) -> Found | None:
    """A choice by the number shown: ``2``, ``2.``, ``số 2``, ``chọn hai``; None for anything else."""
    lone = _LONE.fullmatch(text) is not None
    inner = said if lone else core(said, index.keep)
    start = 0
    while length := NUMBERED.at(inner, start):
        start += length
    ordinal = _ORDINALS.get(plain(inner[start + (len(inner) > start and inner[start].plain == "cai") :]))
    if (
        ordinal is not None
        and (start or said[0].plain in ("the", "cai", "y", "cau"))
        and not index.exactly(inner)
    ):
        return Found((ordinal if ordinal >= 0 else index.size - 1,)) if ordinal < index.size else BEYOND
    if len(inner) != start + 1 or (not lone and _FIGURES.search(text)):
        return None
    one = inner[start]
    number = _typed(one)
    if number is None:
        number = _small(one) if start else _bare_number(one, index)
    if number is None:
        return None
    shown = 1 <= number <= index.size
    if start:
        return Found((number - 1,)) if shown else BEYOND
    told = index.numbers.get(one.plain, set())
    if shown:
        # A label about this number elsewhere in the list: the person may mean either.
        positions = {number - 1, *told}
        return Found(tuple(positions), len(positions) == 1)
    name = index.by_name.get(text.strip().strip(".").lower(), index.by_name.get(one.plain))
    if name is not None:
        return Found((name,), not told - {name})
    exact = index.exactly(inner)
    if exact:
        return Found(exact, len(exact) == 1)
    return Found(tuple(told), False) if told else BEYOND


def _named(text: str, said: Words, index: Index) -> Found | None:
    """A choice by its stored name, or by the letter before its label."""
    name = index.by_name.get(text.strip().strip("().:").lower())
    if len(said) > 1 and len(said[0].plain) == 1:
        # "B nhé".
        inner = core(said, index.keep)
        said = inner if inner[0] == said[0] else said
    one = said[-1]
    led = len(said) == 1 or (len(one.plain) == 1 and NUMBERED.at(said, 0) == len(said) - 1)
    if name is None and led:
        name = index.letters.get(one.plain)
        if name is None and len(one.plain) == 1 and one.plain.isalpha():
            name = index.by_name.get(one.plain)
    return None if name is None else Found((name,))


def _several_numbers(text: str, said: Words, index: Index) -> Found | None:
    """Several shown numbers and nothing else where one is asked: ``1,3``, ``1 hoặc 2``."""
    numbers = [number for each in said if (number := _typed(each)) is not None]
    others = [each for each in said if not each.plain.isdecimal()]
    if len(numbers) < 2 or any(not EITHER.holds(each) and not JOINING.holds(each) for each in others):
        return None
    if len(numbers) == 2 and re.search(r"[0-9]\.[0-9]", text):
        return None
    positions = tuple(number - 1 for number in numbers if 1 <= number <= index.size)
    return Found(positions, False) if positions else None


def _listed(said: Words, index: Index) -> Found | None:
    """``2. Không``: a number and a label, which should be of one choice."""
    number = _typed(said[0])
    if number is None or len(said) == 1 or index.exactly(said):
        return None
    exact = index.exactly(said[1:]) or index.exactly(core(said[1:], index.keep))
    if not exact:
        return None
    shown = 1 <= number <= index.size
    positions = {*exact, number - 1} if shown else set(exact)
    return Found(tuple(positions), shown and len(positions) == 1)


def _spelled_exactly(said: Words, index: Index) -> tuple[int, ...]:
    """The label that ``said`` is with its digits in words: ``đi 1 mình``."""
    if len(said) == 1 or not any(each.plain.isdecimal() for each in said):
        return ()
    return index.exactly(tuple(_WORDS_OF.get(each.plain, each) for each in said))


def _in_digits(said: Words) -> Words:
    """``hai con`` → ``2 con``."""
    return tuple(each if (number := _small(each)) is None else word(str(number)) for each in said)


# ── yes and no ────────────────────────────────────────────────────────────────────────────────────────

_ASSENT = words("có phải đúng")
_ECHO = 6
"""Words that may follow a yes or a no: "có dùng", "không đi làm"."""


def _yes_or_no(said: Words, index: Index, question: Words) -> Found | None:
    """The choice for a yes or a no; None if the choices aren't such or the reply is neither.

    What follows the yes or no must be words of the question or the choices: "không phản đối" says no no.
    """
    if not index.yes:
        return None
    if len(said) > 2 and said[-1].plain == "dau" and NEGATIVE.holds(said[0]):
        # "Không … đâu" only says it louder.
        said = said[:-1]
    if "unclear" in meanings(said):
        return Found((*index.yes, *index.no), False)
    meant = meanings(said) & {"yes", "no"}
    if not meant:
        meant = meanings(said[:1]) & {"yes", "no"}
        if not meant:
            return None
        rest = said[1:]
        echoed = len(rest) <= _ECHO and all(_echoes(each, index, question) for each in rest)
        # A word of the question is no "mấy" for looking like one: "có máy giặt".
        own = (said[0], *(each for each in rest if each not in question))
        if not echoed or UNSURE.any(own) or any(NEGATIVE.holds(each) for each in rest):
            return Found((*index.yes, *index.no), False)
    if len(meant) > 1:
        return Found((*index.yes, *index.no), False)
    positions = index.yes if meant == {"yes"} else index.no
    return Found(positions, len(positions) == 1)


def _echoes(one: Word, index: Index, question: Words) -> bool:
    return (
        one.plain in index.echoes
        or any(one.plain == each.plain and agrees(one.shape, each.shape) for each in _ASSENT)
        or TRAILING.holds(one)
        or any(one.plain == each.plain and agrees(one.shape, each.shape) for each in question)
    )


# ── by words ──────────────────────────────────────────────────────────────────────────────────────────

_SOFT = frozenset("gioi nguoi toi thuoc dan song o tai la bang tot nghiep trinh do school by".split())
"""Plain words that may stand beside a label without changing it: "giới nữ", "bằng đại học"."""


def _by_words(said: Words, inner: Words, index: Index, question: Words) -> Found:
    """By labels that stand in the reply, by a part of a label, by a label with a slip.

    Words of the question may stand beside a label: "đi làm bằng xe máy".
    """
    glued = _glued(inner, index)
    if glued is not None:
        return glued
    held, rest = _held(said, index)
    if held:
        if any(NEGATIVE.holds(each) for each in rest):
            return NOTHING
        _, beside = _held(inner, index)
        plainly = all(
            (each.plain in _SOFT or each in question) and each.plain not in index.keep for each in beside
        ) and not UNSURE.any(beside)
        return Found(tuple(held), plainly and len(set(held)) == 1)
    part = _part(inner, index)
    if part.positions:
        return part
    return NOTHING if any(NEGATIVE.holds(each) for each in inner) else _slipped(inner, index)


def _glued(said: Words, index: Index) -> Found | None:
    """A label with its spaces left out or put in elsewhere: ``daihoc``, ``ôtô``, ``smart phone``."""
    run = "".join(each.plain for each in said)
    if len(run) < 3 or not run.isalpha():
        return None
    marks = _run_of(said)
    positions = {
        form.at
        for form in index.glued.get(run, ())
        if len(form.words) != len(said) and marks in ((run, ""), _run_of(form.words))
    }
    if not positions and len(said) == 1 and len(run) > 5 and not is_syllable(run):
        apart = index.apart(run)
        return _part(apart, index) if apart else None
    return Found(tuple(positions), len(positions) == 1) if positions else None


def _run_of(some: Words) -> tuple[str, str]:
    """Letters run together, and the tones on them wherever they stand."""
    shapes = [each.shape for each in some]
    letters = [shape.rstrip(SIGNS) for shape in shapes]
    tones = {sign for shape, bare in zip(shapes, letters, strict=True) for sign in shape[len(bare) :]}
    return "".join(letters), "".join(sorted(tones))


def _held(said: Words, index: Index) -> tuple[list[int], Words]:
    """Labels that stand whole in ``said``, the longest at each place; and the words that are left."""
    held: list[int] = []
    rest: list[Word] = []
    at = 0
    while at < len(said):
        longest = 0
        which: list[int] = []
        second = said[at + 1].plain if at + 1 < len(said) else ""
        for key in {(said[at].plain, second), (said[at].plain, "")}:
            for form in index.starts.get(key, ()):
                length = len(form.words)
                if length < longest or not index.fits(said[at : at + length], form.words):
                    continue
                which = [*which, form.at] if length == longest else [form.at]
                longest = length
        if not longest:
            rest.append(said[at])
        held.extend(which)
        at += longest or 1
    return held, tuple(rest)


def _part(said: Words, index: Index) -> Found:
    """Labels in which ``said`` stands, word for word. Sure if one, and what it leaves out neither turns nor
    bounds it."""
    other = len(said) == 1 and said[0].plain in ("khac", "other")
    if not other and all(WEAK.holds(each) or each.plain.isdecimal() for each in said):
        return NOTHING
    if len(said) == 1 and len(said[0].plain) < 3 and said[0].shape == said[0].plain:
        return NOTHING
    digits = any(each.plain.isdecimal() for each in said)
    sure: set[int] = set()
    near: set[int] = set()
    turned: set[int] = set()
    rarest = min((index.by_word.get(each.plain, ()) for each in said), key=len)
    for form in rarest:
        label = form.words
        for start in range(len(label) - len(said) + 1):
            end = start + len(said)
            if label[start].plain != said[0].plain or not index.fits(said, label[start:end]):
                continue
            left = (*label[:start], *label[end:])
            bound = BOUND.any(label[:start]) or BOUND.any(label[end:])
            bound = bound or (digits and any(each.plain.isdecimal() for each in left))
            # One syllable says little: "hội" is not "Mạng xã hội".
            weak = len(said) == 1 and (
                len(label) > (2 if is_syllable(said[0].plain) else 5) or other > (end == len(label))
            )
            # "Trong tỉnh, ngoài xã" doesn't deny the province.
            bound = bound or any(each.plain == "ngoai" for each in left)
            denied = any(NEGATIVE.holds(each) and each.plain != "ngoai" for each in left)
            (turned if denied else near if bound or weak else sure).add(form.at)
            break
    if not sure and not near:
        return NOTHING
    together = sure | near | turned
    return Found(tuple(together), len(together) == 1 and bool(sure))


def _slipped(said: Words, index: Index) -> Found:
    """Labels of which one word of five letters or more has one slip that makes it no word of its own."""
    close: set[int] = set()
    # All words but one are typed right; of two, either.
    for name in ("",) if len(said) == 1 else {said[0].plain, said[1].plain}:
        for form in index.by_word.get(name, ()):
            if len(form.words) == len(said) and _near(said, form.words, index):
                close.add(form.at)
    if close:
        # "unemployee" is near one label and holds another.
        run = "".join(each.plain for each in said)
        near = [glued for glued, forms in index.glued.items() if any(form.at in close for form in forms)]
        for glued, forms in index.glued.items():
            if len(glued) > 3 and glued in run and not any(glued in label for label in near):
                close.update(form.at for form in forms)
    return Found(tuple(close), len(close) == 1) if close else NOTHING


def _near(said: Words, label: Words, index: Index) -> bool:
    wrong = [
        (one.plain, other.plain)
        for one, other in zip(said, label, strict=True)
        if one.plain != other.plain or not index.fits((one,), (other,))
    ]
    if len(wrong) != 1:
        return False
    one, other = wrong[0]
    return len(other) >= 5 and not is_syllable(one) and _one_slip(one, other)


def _one_slip(one: str, other: str) -> bool:
    """Whether one letter put in, left out or changed, or two neighbours swapped, make ``one`` the
    ``other``."""
    if one == other or abs(len(one) - len(other)) > 1 or not (one.isalpha() and other.isalpha()):
        return False
    shorter, longer = sorted((one, other), key=len)
    at = next((at for at, letter in enumerate(shorter) if letter != longer[at]), len(shorter))
    if len(one) != len(other):
        return longer[at + 1 :] == shorter[at:]
    swapped = one[at : at + 2] == other[at : at + 2][::-1] and one[at + 2 :] == other[at + 2 :]
    return swapped or one[at + 1 :] == other[at + 1 :]


# ── an order ────────────────────────────────────────────────────────────────────────────────────────────

_THEN = re.compile(
    r"\s*(?:->|=>|[>→]|(?<!\w)(?:rồi đến|rồi tới|rồi|sau đó là|sau đó|kế đến|kế là|tiếp theo là|tiếp theo|"
    r"tiếp đến|cuối cùng là|cuối cùng|đầu tiên là|đầu tiên|trước hết là|trước hết|xong đến|and then|then|"
    r"finally|first)(?!\w))\s*"
)


def point_in_order(text: str, index: Index) -> Found:
    """The choices that ``text`` names, in the order it names them: ``2 1 3``, ``213``, ``zalo > facebook``.

    Not sure where one of them is doubtful or comes twice. It may name some of them only.
    """
    said = usual(words(text))
    if not said or len(said) > 80 or "?" in text or EITHER.any(said):
        return NOTHING
    run = said[0].plain
    if len(said) == 1 and run.isdecimal() and len(run) > 1 and index.size < 10:
        whole = sorted(run) == [str(number) for number in range(1, index.size + 1)]
        return Found(tuple(int(digit) - 1 for digit in run)) if whole else BEYOND
    found = _by_numbers(text, core(said, index.keep), index) or _by_letters(said, index)
    if found is not None and (_SPAN.search(text) or found.beyond):
        # "1-3-2" is an order, "1-3" perhaps a span.
        numbers = [int(each.plain) for each in said if each.plain.isdecimal() and len(each.plain) < 5]
        shown = len(numbers) > 2 and all(1 <= number <= index.size for number in numbers)
        found = Found(tuple(number - 1 for number in numbers)) if shown else found
    if found is None:
        found = _labels_in_order(text, index)
    return Found(
        found.positions, found.sure and len(set(found.positions)) == len(found.positions), found.beyond
    )


def _labels_in_order(text: str, index: Index) -> Found:
    positions: list[int] = []
    sure = True
    for part in _THEN.split(even(text)):
        said = usual(words(part))
        if not said:
            continue
        if any(NEGATIVE.holds(each) for each in said) and not index.exactly(core(said, index.keep)):
            return NOTHING
        for piece in _pieces(part, said, index):
            held, rest = _held(piece, index)
            if held and all(_between(each, index) for each in rest):
                positions.extend(held)
                continue
            here = _piece(piece, index)
            if not here.positions:
                return NOTHING
            positions.extend(here.positions)
            sure = sure and here.sure
    return Found(tuple(positions), sure)


# ── several choices ───────────────────────────────────────────────────────────────────────────────────

_SEPARATOR = re.compile(r"[,;\n/&+|•、，]+|(?<=[^0-9])\.(?=\s)|(?:^|\s)-\s")
_BETWEEN = re.compile(r"(?:tu )?([0-9]{1,3}) (?:den|toi|to|through) ([0-9]{1,3})")
_SPAN = re.compile(r"[0-9]\s*(?:[-–—~]+>?|\.\.+|…)\s*[0-9]")
_CROSSED = re.compile("[✗✘❌✖×]")
_COUNTED = re.compile(r"(?:chon |co )?(?:ca|het|all) ([0-9]{1,3}|hai|ba|bon)(?: (?:y|cau|cai|thu|of them))?")


def point_at_several(text: str, index: Index) -> Found:
    """The choices that ``text`` lists, by numbers or labels, or *tất cả*, *không có*; not sure where
    doubtful."""
    said = usual(words(text))
    if not said or len(said) > 80 or "?" in text or _CROSSED.search(text):
        return NOTHING
    inner = core(said, index.keep)
    exact = _spelled_exactly(said, index)
    if exact:
        return Found(exact, len(exact) == 1)
    found = _but(text, index) or _every(said, inner, index) or _by_numbers(text, inner, index)
    if found is None:
        found = _by_letters(said, index)
    if found is None and ("none" in meanings(said) | meanings(inner) or _nothing_of_it(inner, index)):
        found = Found(index.none, len(index.none) == 1)
    if found is None:
        found = _by_labels(text, said, index)
    alone = {*index.none, *index.denying, *index.unsure["dont_know"], *index.unsure["prefer_not"]}
    if len(set(found.positions)) > 1 and alone & set(found.positions):
        # "Không có" and something.
        return Found(found.positions, False)
    return found


def _every(said: Words, inner: Words, index: Index) -> Found | None:
    """All of them: every choice but *none*, *don't know*; doubtful where *other* is among them. None: not
    said."""
    apart = {*index.none, *index.unsure["dont_know"], *index.unsure["prefer_not"]}
    every = tuple(at for at in range(index.size) if at not in apart)
    if "all" not in meanings(said) | meanings(inner):
        counted = _COUNTED.fullmatch(plain(inner))
        if counted is None:
            return None
        wanted = {"hai": 2, "ba": 3, "bon": 4}.get(counted[1]) or int(counted[1])
        if wanted != len(every):
            return NOTHING
    if index.all_of:
        return Found(index.all_of, len(index.all_of) == 1)
    return Found(every, not index.other)


_EXCEPT = re.compile(r"(?<!\w)(?:ngoại trừ|ngoai tru|trừ|tru|except for|except|but not|but)(?!\w)")


def _but(text: str, index: Index) -> Found | None:
    """All but some: ``tất cả trừ 2``; doubtful where *all* is not said. None: no such thing is said."""
    turn = _EXCEPT.search(even(text))
    if turn is None:
        return None
    said, left = usual(words(even(text)[: turn.start()])), even(text)[turn.end() :].strip(" ,.:")
    without = point_at_several(left, index) if left and not _EXCEPT.search(left) else NOTHING
    if not without.sure or not without.positions:
        return None
    every = _every(said, core(said), index) if said else Found(tuple(range(index.size)), False)
    if every is None:
        return None
    rest = tuple(at for at in every.positions if at not in without.positions)
    return Found(rest, every.sure and bool(rest))


def _nothing_of_it(said: Words, index: Index) -> bool:
    """``không dùng cái nào``, ``chưa học gì hết``: none of what is listed."""
    ends = said[-1].plain in ("het", "ca") and len(said) > 2
    last = said[-2 if ends else -1]
    return (
        3 <= len(said) - ends <= 5
        and NEGATIVE.holds(said[0])
        and last.plain in ("nao", "gi")
        and last.shape in (last.plain, "nao`", "gi`")
        and not index.holding(said)
    )


def _by_letters(said: Words, index: Index) -> Found | None:
    """Letters of choices, or stored names of one letter: ``a, c``, ``A và B``. None for anything else."""
    positions = []
    for one in said:
        at = index.letters.get(one.plain)
        if at is None and len(one.plain) == 1 and one.plain.isalpha():
            at = index.by_name.get(one.plain)
        if at is not None and one.shape == one.plain:
            positions.append(at)
        elif not JOINING.holds(one):
            return None
    return Found(tuple(positions)) if len(positions) > 1 else None


def _by_numbers(text: str, said: Words, index: Index) -> Found | None:
    """Shown numbers: ``1,3 và 5``, ``1 3 5``, ``từ 1 đến 3``; doubtful: ``1-3``, ``135``. None if there are
    other words."""
    between = _BETWEEN.fullmatch(plain(said))
    if between is not None:
        first, last = int(between[1]), int(between[2])
        return Found(tuple(range(first - 1, last))) if 1 <= first < last <= index.size else BEYOND
    numbers: list[int] = []
    either = surely = False
    at = 0
    while at < len(said):
        one = said[at]
        number = _typed(one)
        if number is None and one.plain not in index.vocabulary:
            number = _small(one)
        if number is not None:
            numbers.append(number)
            surely = surely or one.plain.isdecimal() or _bare_number(one, index) is not None
            length = 1
        elif EITHER.holds(one):
            either, length = True, 1
        else:
            length = max(lexicon.at(said, at) for lexicon in (NUMBERED, JOINING, LEADING, TRAILING))
            joins = JOINING.holds(one) or NUMBERED.holds(one)
            if not length or (one.plain in index.keep and not joins):
                return None
        at += length
    if not surely:
        return None
    if len(numbers) == 1:
        return _by_number(text, numbers[0], index)
    if not all(1 <= number <= index.size for number in numbers):
        return BEYOND
    if len(numbers) == 2 and _SPAN.search(text):
        return Found(tuple(range(min(numbers) - 1, max(numbers))), False)
    told = {at for number in numbers for at in index.numbers.get(str(number), ())}
    positions = tuple(number - 1 for number in numbers)
    return Found(positions, not either and told <= set(positions))


def _by_number(text: str, number: int, index: Index) -> Found:
    """One number: a choice, or the digits of several run together (doubtful)."""
    if re.search(r"[-−+]\s*[0-9]", text):
        return NOTHING
    if 1 <= number <= index.size:
        positions = {number - 1, *index.numbers.get(str(number), ())}
        return Found(tuple(positions), len(positions) == 1)
    digits = [int(digit) for digit in str(number)] if number > 9 else []
    if (
        index.size < 10
        and digits
        and len(set(digits)) == len(digits)
        and all(1 <= d <= index.size for d in digits)
    ):
        return Found(tuple(digit - 1 for digit in digits), False)
    name = index.by_name.get(str(number))
    return Found((name,)) if name is not None else BEYOND


def _by_labels(text: str, said: Words, index: Index) -> Found:
    """Labels between separators, or standing one after another."""
    held, rest = _held(said, index)
    if EITHER.any(said) and not index.exactly(said):
        return Found(tuple(held), False)
    if any(NEGATIVE.holds(each) for each in rest):
        return _part(core(said, index.keep), index)
    positions: set[int] = set()
    sure = True
    for piece in _pieces(text, said, index):
        here = _piece(piece, index)
        if not here.positions:
            return NOTHING
        positions.update(here.positions)
        sure = sure and here.sure
    return Found(tuple(positions), sure)


def _pieces(text: str, said: Words, index: Index) -> list[Words]:
    """The pieces of a list. If labels make up the whole reply it is one piece: a comma in a label separates
    nothing."""
    inner = core(said, index.keep)
    held, rest = _held(inner, index)
    if held and all(_between(each, index) for each in rest):
        return [inner]
    pieces: list[Words] = []
    for part in _SEPARATOR.split(text):
        piece = usual(words(part))
        start = 0
        for at, each in enumerate(piece):
            joins = each.plain in ("va", "and", "voi", "with", "lan") and JOINING.holds(each)
            if joins and not _inside(piece, at, index):
                pieces.append(piece[start:at])
                start = at + 1
        pieces.append(piece[start:])
    return [core(piece, index.keep) for piece in pieces if piece]


def _between(one: Word, index: Index) -> bool:
    """Whether a word between or beside labels leaves them as they are."""
    return JOINING.holds(one) or ((one.plain in _SOFT or NUMBERED.holds(one)) and one.plain not in index.keep)


def _inside(piece: Words, at: int, index: Index) -> bool:
    """Whether the joining word at ``at`` is a word of a label that stands there."""
    around = piece[max(0, at - 1) : at + 2]
    return any(
        form.words[start : start + len(around)] == around
        for form in index.forms
        for start in range(len(form.words) - len(around) + 1)
    )


def _piece(said: Words, index: Index) -> Found:
    """What one piece of a list points at; no positions if nothing."""
    while len(said) > 1 and JOINING.holds(said[0]) and not index.exactly(said):
        said = said[1:]
    number = _typed(said[0]) if len(said) == 1 else None
    if number is not None:
        return Found((number - 1,)) if 1 <= number <= index.size else NOTHING
    exact = index.exactly(said)
    if exact:
        return Found(exact, len(exact) == 1)
    held, rest = _held(said, index)
    if held:
        return Found(tuple(held)) if all(_between(each, index) for each in rest) else NOTHING
    part = _part(said, index)
    if part.positions:
        return part
    return _glued(said, index) or _slipped(said, index)
