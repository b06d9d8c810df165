"""What a person typed → a value, a command, a refusal, or "which of these?".

A wrong answer is worse than a question asked twice: what can be read in two ways, what is turned round by a *không*,
what says more than an answer, is asked again. The order in which a reply to choices is read:

1. it is a label, whole, however it is typed (marks, case, tone placement, keyboard slips, abbreviations);
2. it is a command, *don't know* or *prefer not to say*;
3. it is the number shown beside a choice, which wins over a stored name that looks like another number; but a label
   that is itself about that number ("2 con") makes it doubtful;
4. it is a stored name;
5. it is a yes or a no, and the choices are such;
6. it holds labels, or is a part of one that points at it alone;
7. it is a label with one slip of a finger.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from functools import lru_cache

from surveys import numerals
from surveys.forms import Kind
from surveys.numerals import Doubt
from surveys.words import (
    BOUND,
    COMMANDS,
    EITHER,
    IN_TEXT,
    JOINING,
    LEADING,
    NAMES,
    NEGATIVE,
    NUMBERED,
    PLACE,
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
    respell,
    usual,
    word,
    words,
)

# ── what is offered, and what comes out ───────────────────────────────────────────────────────────────────────


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

# ── cleaning ──────────────────────────────────────────────────────────────────────────────────────────────────

_STRIPPED = re.compile(
    "[\u0000-\u0008\u000e-\u001f\u007f-\u0084\u0086-\u009f\u00ad\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f"
    "\ufeff\ufff9-\ufffb\ufffe\uffff\ud800-\udfff\U000e0000-\U000e007f]+"
)
"""Control and format characters, direction marks, lone surrogates, tags; white space is kept for now."""

_MARKS_KEPT = 4
"""Combining marks on one letter; more are ornament, and slow to normalise."""


def clean(text: str, limit: int = TEXT_LIMIT) -> str:
    """``text`` in NFC, without control and direction characters, spaces collapsed, at most ``limit`` characters."""
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


# ── a reply ───────────────────────────────────────────────────────────────────────────────────────────────────

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

    ``choices`` are those shown, in the order shown; ``language`` the person's (``vi`` or ``en``); ``today`` anchors
    *hôm nay* and years of two digits. ``appearance`` is the question's in XLSForm: a text with ``month-year`` or ``year``
    becomes ``03/1985`` or ``1985``, with ``time`` ``07:30``, with ``phone`` ten or eleven digits. ``question`` is its label,
    if at hand: what it counts (hours, months, millions) decides whether a number with such a unit is an answer.
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
    reading = _read(kind, said, tuple(choices), language, today, offers, appearance, question)
    if isinstance(reading, Refused):
        mended = respell(said) if language != "en" else None
        if mended is not None:
            again = _read(kind, mended, tuple(choices), language, today, offers, appearance, question)
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
        exact = _index(choices).exactly(usual(said)) if not _is_number(said) else []
        if len(exact) == 1 and "?" not in text:
            name = choices[exact[0]].name
            return Value(name) if kind is Kind.SELECT_ONE else Values((name,))
    aside = _aside(text, said, kind, choices, offers)
    if aside is not None:
        return aside
    if kind is Kind.SELECT_ONE:
        return _select_one(text, said, choices, question)
    if kind is Kind.SELECT_MULTIPLE:
        return _select_multiple(text, said, choices)
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
        if command is None and (mended := respell(said)) is not None:
            command = _command(mended, words(mended))
        if command is not None and command.name in IN_TEXT:
            return command
        meant = meanings(core(some)) | meanings(some)
        if "dont_know" in meant and offers.dont_know:
            return DontKnow()
        if "prefer_not" in meant and offers.prefer_not:
            return PreferNot()
    elif not words(said[:LINE_LIMIT]) and not words(said):
        return Refused("reply.no_words")
    return Value(said)


def _aside(text: str, said: Words, kind: Kind, choices: tuple[Option, ...], offers: Offers) -> Reading | None:
    """A command, *don't know*, *prefer not*, or a message that asks back; None for what may be an answer."""
    meant = meanings(said) or meanings(core(said)) or meanings(usual(core(said)))
    index = _index(choices) if choices else None
    if "?" not in text:
        command = _command(text, said)
        if command is not None and not (choices and command.name == "language" and said[-1].plain == "anh"):
            return command
        if not choices and kind is Kind.SELECT_ONE and len(said) == 1 and said[0].plain.isdecimal():
            # No question is open: the numbered answers are, for review.
            return Command("change", said[0].plain) if len(said[0].plain) < 5 else None
    for meaning, offered, reading in (
        ("dont_know", offers.dont_know, DontKnow()),
        ("prefer_not", offers.prefer_not, PreferNot()),
    ):
        if meaning in meant and "?" not in text:
            if index is not None and len(said) == 1 and said[0].plain in index.vocabulary:
                break
            shown = index.unsure(meaning) if index is not None else ()
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
    index = _index(choices)
    same = index.plain_forms.get(one[0].plain, ())
    if any(form.words == one for form in same):
        return False
    return bool(same) or (one[0].plain == "dung" and bool(index.yes))


# ── commands ──────────────────────────────────────────────────────────────────────────────────────────────────

_SLASH = {
    "start": "start", "batdau": "start", "ma": "start", "code": "start", "help": "help", "trogiup": "help", "giup": "help",
    "language": "language", "lang": "language", "ngonngu": "language", "stop": "stop", "dung": "stop", "huy": "stop",
    "privacy": "privacy", "riengtu": "privacy", "request": "privacy_request", "yeucau": "privacy_request",
    "human": "human", "canbo": "human", "back": "back", "quaylai": "back", "skip": "skip", "boqua": "skip",
    "keep": "keep", "tieptuc": "keep", "review": "review", "xemlai": "review", "submit": "submit", "gui": "submit",
    "nop": "submit", "change": "change", "edit": "change", "sua": "change", "counts": "counts", "thongke": "counts",
    "campaign": "campaign", "campaigns": "campaigns", "chiendich": "campaigns", "newcampaign": "new_campaign",
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

    Names: ``start`` (argument: the code), ``help``, ``language`` (argument ``vi``, ``en`` or none), ``stop``, ``privacy``,
    ``privacy_request``, ``human``, ``back``, ``skip``, ``keep``, ``review``, ``submit``, ``change`` (argument: the number),
    ``counts``, ``campaign``, ``campaigns``, ``new_campaign``, ``open_campaign``, ``close_campaign``, ``qr`` (argument: the
    rest); a slash before anything else is ``unknown`` with that word.
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


# ── choices ───────────────────────────────────────────────────────────────────────────────────────────────────

_ENUMERATED = re.compile(r"\s*\(?([0-9]{1,3}|[A-Za-zĐđ])\s*[.)/:]\s+(?=\S)")
_ASIDE = re.compile(r"\([^()]*\)|\[[^\[\]]*\]")
_NOT_WORDS = tuple(words(each)[0] for each in ("không", "chưa", "no", "not", "never", "chẳng", "chả"))
_YES_STARTS = tuple(
    words(each)
    for each in (
        "có",
        "đúng",
        "đồng ý",
        "phải",
        "rồi",
        "được",
        "yes",
        "true",
        "agree",
        "tôi đồng ý",
        "i agree",
        "vâng",
    )
)
_NO_STARTS = tuple(
    words(each)
    for each in (
        "không", "chưa", "no", "not", "sai", "false", "disagree", "i disagree", "tôi không", "i do not", "i don t",
        "rất không", "hoàn toàn không", "never",
    )
)  # fmt: skip
_OTHER_STARTS = tuple(
    words(each)
    for each in (
        "không biết", "không rõ", "không nhớ", "không chắc", "chưa biết", "chưa rõ", "không muốn", "không trả lời",
        "từ chối", "không áp dụng", "không ý kiến", "không có ý kiến", "không xác định", "không liên quan", "tùy", "khác",
        "no opinion", "no answer", "not sure", "not applicable", "not know", "no idea", "không để ý",
    )
)  # fmt: skip


def _starts(said: Words, with_: Iterable[Words]) -> bool:
    return any(agree(said[: len(some)], some) for some in with_)


@dataclass(frozen=True, slots=True)
class _Form:
    """One way a choice's label can be typed."""

    at: int
    words: Words


class _Index:
    """The labels of a list of choices, folded once. Positions, not names: they are what a person sees."""

    __slots__ = (
        "all_of", "by_name", "digits", "forms", "glued", "letters", "marked", "no", "none", "numbers", "plain_forms", "size",
        "starts", "unsures", "vocabulary", "yes",
    )  # fmt: skip

    def __init__(self, choices: tuple[Option, ...]) -> None:
        self.size = len(choices)
        self.forms: list[_Form] = []
        self.plain_forms: dict[str, list[_Form]] = {}
        self.glued: dict[str, set[int]] = {}
        self.starts: dict[str, list[_Form]] = {}
        self.letters: dict[str, int] = {}
        self.numbers: dict[str, set[int]] = {}
        self.by_name: dict[str, int] = {}
        self.marked = any(not label.isascii() for option in choices for label in option.labels)
        labels: list[Words] = []
        for at, option in enumerate(choices):
            self.by_name.setdefault(option.name.lower(), at)
            first: Words = ()
            for label in option.labels:
                for form in self._forms(at, clean(label, LINE_LIMIT)):
                    first = first or form
                    self._add(_Form(at, form))
            labels.append(first)
        self.vocabulary = frozenset(each.plain for form in self.forms for each in form.words)
        self.digits = any(each.isdecimal() for each in self.vocabulary)
        self._polarity(labels)

    def _forms(self, at: int, label: str) -> Iterable[Words]:
        """The label as it is, without its number or letter, without what is in brackets."""
        enumerated = _ENUMERATED.match(label)
        if enumerated:
            sign = enumerated[1].lower()
            if sign.isdecimal():
                self.numbers.setdefault(sign.lstrip("0") or "0", set()).add(at)
            else:
                self.letters.setdefault(sign, at)
            label = label[enumerated.end() :]
        whole = usual(words(label))
        seen = []
        if whole:
            seen.append(whole)
        bare = usual(words(_ASIDE.sub(" ", label)))
        if bare and bare not in seen:
            seen.append(bare)
        if (
            whole
            and (length := PLACE.at(whole, 0))
            and length < len(whole)
            and not whole[length].plain.isdecimal()
        ):
            seen.append(whole[length:])
        return seen

    def _add(self, form: _Form) -> None:
        self.forms.append(form)
        self.plain_forms.setdefault(plain(form.words), []).append(form)
        self.glued.setdefault("".join(each.plain for each in form.words), set()).add(form.at)
        self.starts.setdefault(form.words[0].plain, []).append(form)
        for each in form.words:
            if each.plain.isdecimal():
                self.numbers.setdefault(each.plain, set()).add(form.at)

    def _polarity(self, labels: list[Words]) -> None:
        """Which choices say yes, which say no, which say neither (*không biết*, *khác*)."""
        yes: list[int] = []
        no: list[int] = []
        other: list[int] = []
        paired = {
            (at, against)
            for at, label in enumerate(labels)
            for against, opposite in enumerate(labels)
            if at != against and label and any(_same(opposite, (denied, *label)) for denied in _NOT_WORDS)
        }
        positive, negative = {at for at, _ in paired}, {against for _, against in paired}
        for at, label in enumerate(labels):
            if at not in negative and _starts(label, _OTHER_STARTS):
                other.append(at)
            elif _starts(label, _NO_STARTS):
                no.append(at)
            elif _starts(label, _YES_STARTS):
                yes.append(at)
        rest = [at for at in range(len(labels)) if at not in {*yes, *no, *other}]
        if len(paired) == 1 and set(rest) <= positive:
            yes.extend(at for at in rest if at in positive)
        elif len(yes) == 0 and len(no) == 1 and len(rest) == 1 and _since(labels[rest[0]], labels[no[0]]):
            yes.extend(rest)
        self.yes, self.no = (tuple(yes), tuple(no)) if yes and no else ((), ())
        if len(self.yes) + len(self.no) + len(other) < len(labels) and rest and not paired:
            self.yes, self.no = (), ()
        self.none = tuple(
            at for at, label in enumerate(labels)
            if _starts(label, _NONE_STARTS) and not _starts(label, _OTHER_STARTS)
        )  # fmt: skip
        self.all_of = tuple(at for at, label in enumerate(labels) if _starts(label, _ALL_STARTS))
        self.unsures = {
            meaning: tuple(
                at for at, label in enumerate(labels) if meaning in meanings(label) and at not in negative
            )
            for meaning in ("dont_know", "prefer_not")
        }

    def unsure(self, meaning: str) -> tuple[int, ...]:
        """The choices that say *don't know* or *prefer not* themselves."""
        return self.unsures[meaning]

    def exactly(self, said: Words) -> list[int]:
        """The choices whose label is ``said``, whole; the one of the very same marks if there is one."""
        found = self.plain_forms.get(plain(said))
        if found is None:
            return []
        same = sorted({form.at for form in found if form.words == said})
        return same or sorted({form.at for form in found if self.fits(said, form.words)})

    def fits(self, said: Words, meant: Words) -> bool:
        """Whether words of the same plain letters agree in their marks; labels without any mark agree with all."""
        return agree(said, meant) if self.marked else [w.plain for w in said] == [w.plain for w in meant]


_NONE_STARTS = tuple(words(each) for each in ("không có", "không", "chưa có", "none", "nothing", "no"))
_ALL_STARTS = tuple(words(each) for each in ("tất cả", "cả hai", "all", "both"))
_OTHER = tuple(words(each) for each in ("khác", "other", "ý khác", "others"))


def _same(one: Words, other: Words) -> bool:
    return len(one) == len(other) and all(a.shape == b.shape for a, b in zip(one, other, strict=True))


def _since(positive: Words, negative: Words) -> bool:
    """*Đã tham gia* and *Chưa tham gia*: the same but for the first word."""
    return (
        len(positive) == len(negative) > 1 and positive[0].plain == "da" and _same(positive[1:], negative[1:])
    )


@lru_cache(maxsize=256)
def _index(choices: tuple[Option, ...]) -> _Index:
    return _Index(choices)


def _names(choices: tuple[Option, ...], positions: Iterable[int]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(choices[at].name for at in sorted(set(positions))))


def _one(choices: tuple[Option, ...], positions: Iterable[int]) -> Reading:
    """The one choice, "which of these?" for several, a refusal for none."""
    names = _names(choices, positions)
    if len(names) == 1:
        return Value(names[0])
    return Ambiguous(names) if names else Refused("reply.not_a_choice")


@dataclass(frozen=True, slots=True)
class _Found:
    """Positions that a text points at; ``sure`` when one of them is an answer."""

    positions: tuple[int, ...]
    sure: bool = True


_NOTHING = _Found((), False)


def _select_one(text: str, said: Words, choices: tuple[Option, ...], question: str) -> Reading:
    if not choices:
        return Refused("reply.not_a_choice")
    index = _index(choices)
    asks = "?" in text
    found = _point_at(text, usual(said), index, words(question))
    if found is None:
        return Refused("reply.out_of_range", {"count": index.size})
    if len(set(found.positions)) == 1 and (not found.sure or asks):
        return Ambiguous(_names(choices, found.positions))
    return _one(choices, found.positions)


def _point_at(text: str, said: Words, index: _Index, question: Words) -> _Found | None:
    """What a reply to a select_one points at; None for a number that isn't shown."""
    if len(said) > 40:
        return _NOTHING
    numbered = _shown_number(text, said, index)
    if numbered is not None:
        return numbered if numbered.positions else None
    name = index.by_name.get(text.strip().strip(".").lower())
    if name is not None:
        return _Found((name,))
    if len(said) == 1 and said[0].plain in index.letters:
        return _Found((index.letters[said[0].plain],))
    several = _several_numbers(text, said, index)
    if several:
        return _Found(several, False)
    if said[0].plain.isdecimal() and len(said) > 1 and _LISTED.match(text):
        # "2. Không": the number and the label must be of one choice.
        number, label = (
            int(said[0].plain),
            index.exactly(said[1:]) or index.exactly(core(said[1:], index.vocabulary)),
        )
        if label:
            return _Found(tuple({*label, *({number - 1} if 1 <= number <= index.size else ())}))
    inner = core(said, index.vocabulary)
    exact = index.exactly(inner) or (index.exactly(_in_digits(inner)) if index.digits else [])
    if exact:
        return _Found(tuple(exact))
    polar = _yes_or_no(said if meanings(said) else inner, index, question)
    if polar is not None:
        return polar
    return _by_words(said, inner, index)


def _in_digits(said: Words) -> Words:
    """``hai con`` → ``2 con``: small numbers in words made digits."""
    return tuple(
        word(str(_ORDINALS[each.plain]))
        if each.plain in _ORDINALS and each.shape in (_ORDINAL_SHAPES[each.plain], each.plain)
        else each
        for each in said
    )


_LISTED = re.compile(r"\s*\(?[0-9]{1,3}\s*[.):=\-–]\s*(?=[^\s0-9])")
_LONE_NUMBER = re.compile(r"[\"“'(\[#]?\s*([0-9]{1,4})\s*[\"”')\].:!#]{0,3}")
_ALIKE_WORDS = frozenset({"nam", "sau", "bay", "tu", "ba"})
"""Number words that without their marks, or with them, are everyday words too."""
_ORDINALS = {
    "mot": 1,
    "nhat": 1,
    "hai": 2,
    "ba": 3,
    "bon": 4,
    "tu": 4,
    "nam": 5,
    "sau": 6,
    "bay": 7,
    "tam": 8,
    "chin": 9,
    "muoi": 10,
}
_ORDINAL_SHAPES = {
    each.plain: each.shape for each in words("một nhất hai ba bốn tư năm sáu bảy tám chín mười")
}


def _shown_number(text: str, said: Words, index: _Index) -> _Found | None:
    """A choice by the number shown: ``2``, ``2.``, ``số 2``, ``chọn hai``. No positions: a number that isn't shown."""
    lone = _LONE_NUMBER.fullmatch(text)
    inner = said if lone else core(said, index.vocabulary)
    start = 0
    while length := NUMBERED.at(inner, start):
        start += length
    rest = inner[start:]
    if len(rest) != 1 or (not lone and re.search(r"[-−+]\s*[0-9]|[0-9]\s*[.,/]\s*[0-9]", text)):
        return None
    one = rest[0]
    if one.plain.isdecimal():
        number = int(one.plain) if len(one.plain) < 5 else index.size + 1
    elif one.plain in _ORDINALS and (
        start or one.plain not in _ALIKE_WORDS or one.shape == _ORDINAL_SHAPES[one.plain] != one.plain
    ):
        if one.shape != one.plain and one.shape != _ORDINAL_SHAPES[one.plain]:
            return None
        number = _ORDINALS[one.plain]
        if not start and any(one.plain == each.plain for form in index.forms for each in form.words):
            return None
    else:
        return None
    if start:
        return _Found((number - 1,)) if 1 <= number <= index.size else _Found(())
    told = index.numbers.get(one.plain, set())
    if 1 <= number <= index.size:
        # A label about this number, elsewhere in the list: the person may mean either.
        return _Found(tuple({number - 1, *told}), len(told - {number - 1}) == 0)
    named = index.by_name.get(text.strip().strip(".").lower(), index.by_name.get(one.plain))
    if named is not None:
        return _Found((named,), not told - {named})
    if one.plain.isdecimal():
        return _Found(tuple(told), False) if told else _Found(())
    return None


def _several_numbers(text: str, said: Words, index: _Index) -> tuple[int, ...]:
    """Positions when a reply to a select_one is several shown numbers and nothing else."""
    numbers = [int(each.plain) for each in said if each.plain.isdecimal() and len(each.plain) < 5]
    others = [each for each in said if not each.plain.isdecimal()]
    if len(numbers) < 2 or any(not EITHER.holds(each) and not JOINING.holds(each) for each in others):
        return ()
    if re.search(r"[0-9][.,][0-9]", text) and len(numbers) == 2 and "." in text:
        return ()
    return tuple(number - 1 for number in numbers if 1 <= number <= index.size)


_ECHO = 6
"""Words of the question that may follow a yes or a no: "có dùng", "không đi làm"."""


def _yes_or_no(said: Words, index: _Index, question: Words) -> _Found | None:
    """The choice for a yes or a no; None if the choices aren't such or the reply is neither.

    What follows the yes or no must be said in the question or the choices too: "không phản đối" is no no.
    """
    if not index.yes:
        return None
    meant = meanings(said)
    if meant & {"yes", "no"} == {"yes"}:
        return _Found(index.yes)
    if "no" in meant and "yes" not in meant:
        return _Found(index.no)
    bare = meanings(said[:1])
    rest = said[1:]
    while rest and meanings(rest[:1]) & {"yes", "no"} and meanings(said[:1]) == meanings(rest[:1]):
        rest = rest[1:]
    if "yes" not in bare and "no" not in bare:
        return None
    both = (*index.yes, *index.no)
    echoed = all(
        each.plain in index.vocabulary or _echoes(each, question) or TRAILING.holds(each) for each in rest
    )
    if len(rest) > _ECHO or not echoed or UNSURE.any(said) or any(NEGATIVE.holds(each) for each in rest):
        return _Found(both, False)
    if "yes" in bare and any("no" in meanings((each,)) for each in rest):
        return _Found(both, False)
    if "no" in bare and any(each.plain in ("va", "nhung", "phai") for each in rest):
        return _Found(both, False)
    return _Found(index.yes if "yes" in bare else index.no)


def _echoes(one: Word, question: Words) -> bool:
    return one.plain in ("co", "phai", "dung") or any(
        one.plain == each.plain and agrees(one.shape, each.shape) for each in question
    )


def _by_words(said: Words, inner: Words, index: _Index) -> _Found:
    """By labels that stand in the reply, by a part of a label, by a label with a slip."""
    for some in (said, inner):
        glued = index.glued.get("".join(each.plain for each in some))
        if glued and len(some) != max(len(form.words) for form in index.forms if form.at in glued):
            close = {
                form.at for form in index.forms
                if form.at in glued and (len(some) > 1 or some[0].shape == some[0].plain)
            }  # fmt: skip
            if close and len("".join(each.plain for each in some)) > 3 and len(some) == 1:
                return _Found(tuple(close))
    held, rest = _held(said, index)
    if held:
        turned = [each for each in rest if NEGATIVE.holds(each)]
        if turned or any(UNSURE.holds(each) for each in rest if not EITHER.holds(each)):
            return _NOTHING if turned else _Found(tuple(held), False)
        plainly = all(_says_nothing(each, held, index) for each in rest)
        return _Found(tuple(held), plainly and len(set(held)) == 1)
    part = _part_of(inner, index)
    if part.positions:
        return part
    if any(NEGATIVE.holds(each) for each in inner):
        return _NOTHING
    return _slipped(inner, index)


def _says_nothing(one: Word, held: Iterable[int], index: _Index) -> bool:
    """Whether a word beside the labels of ``held`` leaves them as they are.

    A word of another label does not, nor the word for another kind of place ("phường Củ Chi" where Củ Chi is a xã).
    """
    if one.plain in index.vocabulary:
        return any(each.plain == one.plain for form in index.forms if form.at in held for each in form.words)
    return PLACE.holds(one) is False and (
        LEADING.holds(one) or TRAILING.holds(one) or EITHER.holds(one) or JOINING.holds(one) or NUMBERED.holds(one)
        or one.plain in _SOFT
    )  # fmt: skip


_SOFT = frozenset(
    {
        "gioi",
        "nguoi",
        "toi",
        "thuoc",
        "dan",
        "song",
        "o",
        "tai",
        "la",
        "bang",
        "tot",
        "nghiep",
        "trinh",
        "do",
        "school",
    }
)


def _held(said: Words, index: _Index) -> tuple[list[int], Words]:
    """Labels that stand whole in ``said``, the longest at each place; and the words that are left."""
    held: list[int] = []
    rest: list[int] = []
    at = 0
    while at < len(said):
        best = 0
        which: list[int] = []
        for form in index.starts.get(said[at].plain, ()):
            length = len(form.words)
            if length < best or length > len(said) - at or not index.fits(said[at : at + length], form.words):
                continue
            if length > best:
                best, which = length, []
            which.append(form.at)
        if best:
            held.extend(which)
            at += best
        else:
            rest.append(at)
            at += 1
    return held, tuple(said[position] for position in rest)


def _part_of(said: Words, index: _Index) -> _Found:
    """Labels in which ``said`` stands, word for word. Sure only if what is left out doesn't turn or bound it."""
    if not said or (
        len(said) == 1 and (WEAK.holds(said[0]) or len(said[0].plain) < 3 or said[0].plain.isdecimal())
    ):
        return _NOTHING
    if all(WEAK.holds(each) or each.plain.isdecimal() for each in said):
        return _NOTHING
    sure: set[int] = set()
    near: set[int] = set()
    for form in index.forms:
        label = form.words
        for start in range(len(label) - len(said) + 1):
            if label[start].plain != said[0].plain or not index.fits(said, label[start : start + len(said)]):
                continue
            left = (*label[:start], *label[start + len(said) :])
            digits = any(each.plain.isdecimal() for each in said)
            bound = (
                BOUND.any(label[:start])
                or BOUND.any(label[start + len(said) :])
                or any(NEGATIVE.holds(each) or (digits and each.plain.isdecimal()) for each in left)
            )
            weak = len(said) == 1 and len(label) > 5
            (near if bound or weak else sure).add(form.at)
            break
    together = sure | near
    return _Found(tuple(together), len(together) == 1 and bool(sure)) if together else _NOTHING


def _slipped(said: Words, index: _Index) -> _Found:
    """Labels of which one word of five letters or more has one slip that makes it no word of its own."""
    close: set[int] = set()
    for form in index.forms:
        label = form.words
        if len(label) != len(said):
            continue
        wrong = [
            (one, other)
            for one, other in zip(said, label, strict=True)
            if one.plain != other.plain or not index.fits((one,), (other,))
        ]
        if len(wrong) != 1:
            continue
        one, other = wrong[0][0].plain, wrong[0][1].plain
        if len(other) >= 5 and len(one) >= 4 and not is_syllable(one) and _one_edit(one, other):
            close.add(form.at)
    if close:
        # "unemployee" is near one label and holds another.
        run = "".join(each.plain for each in said)
        near = {glued for glued, some in index.glued.items() if close & some}
        close.update(
            at
            for glued, some in index.glued.items()
            if len(glued) > 3 and glued in run and not any(glued in label for label in near)
            for at in some
        )
    return _Found(tuple(close), len(close) == 1) if close else _NOTHING


def _one_edit(one: str, other: str) -> bool:
    """Whether one letter put in, left out or changed, or two neighbours swapped, make ``one`` the ``other``."""
    if one == other or abs(len(one) - len(other)) > 1 or not (one.isalpha() and other.isalpha()):
        return False
    at = next(
        (i for i, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other))
    )
    if len(one) == len(other):
        swapped = one[at : at + 2] == other[at : at + 2][::-1] and one[at + 2 :] == other[at + 2 :]
        return swapped or one[at + 1 :] == other[at + 1 :]
    longer, shorter = (one, other) if len(one) > len(other) else (other, one)
    return longer[at + 1 :] == shorter[at:]


# ── several choices ───────────────────────────────────────────────────────────────────────────────────────────

_SEPARATOR = re.compile(r"[,;\n/&+|•、，]+|(?<=[^0-9])\.(?=\s)|(?:^|\s)-\s")
_NUMBERS_ONLY = re.compile(r"[0-9\s,;./&+|()\[\]#:!-]+")
_RANGE = re.compile(r"(?:tu )?([0-9]{1,3}) (?:den|toi|to|through|->) ([0-9]{1,3})")
_EVERY_OF = re.compile(r"(?:chon |co )?(?:ca|het|all) ([0-9]{1,3}|hai|ba|bon)(?: (?:y|cau|cai|thu|of them))?")


def _select_multiple(text: str, said: Words, choices: tuple[Option, ...]) -> Reading:
    if not choices:
        return Refused("reply.not_a_choice")
    index = _index(choices)
    if len(said) > 80 or "?" in text:
        return Refused("reply.not_a_choice")
    some = usual(said)
    inner = core(some, index.vocabulary)
    found: _Found | Refused | None = _every(some, inner, index)
    if found is None:
        found = _numbers(text, inner, index)
    if found is None:
        found = _none(some, inner, index)
    if found is None:
        found = _labels(text, index)
    if isinstance(found, Refused):
        return found
    names = _names(choices, found.positions)
    if not names:
        return Refused("reply.not_a_choice")
    alone = {*index.none, *(at for some_of in index.unsures.values() for at in some_of)}
    if not found.sure or (len(names) > 1 and alone & set(found.positions)):
        return Ambiguous(names)
    return Values(names)


def _numbers(text: str, said: Words, index: _Index) -> _Found | Refused | None:
    """Shown numbers: ``1,3 và 5``, ``1 3 5``, ``từ 1 đến 3``; doubtful: ``1-3``, ``135``. None if there are words."""
    kept: list[str] = []
    either = False
    at = 0
    while at < len(said):
        one = said[at]
        if one.plain.isdecimal():
            kept.append(one.plain)
            at += 1
        elif (
            length := NUMBERED.at(said, at)
            or JOINING.at(said, at)
            or LEADING.at(said, at)
            or TRAILING.at(said, at)
        ):
            at += length
        elif EITHER.holds(one):
            either, at = True, at + 1
        elif (
            one.plain in _ORDINALS
            and one.shape in (one.plain, _ORDINAL_SHAPES[one.plain])
            and (one.plain not in _ALIKE_WORDS or one.shape == _ORDINAL_SHAPES[one.plain])
            and not any(one.plain == each.plain for form in index.forms for each in form.words)
        ):
            kept.append(str(_ORDINALS[one.plain]))
            at += 1
        else:
            kept = []
            break
    if not kept:
        between = _RANGE.fullmatch(plain(said))
        if between is None:
            return None
        first, last = int(between[1]), int(between[2])
        if not 1 <= first < last <= index.size:
            return Refused("reply.out_of_range", {"count": index.size})
        return _Found(tuple(range(first - 1, last)))
    if len(kept) == 1:
        return _single_number(text, kept[0], index)
    numbers = [int(each) if len(each) < 5 else 0 for each in kept]
    if not all(1 <= number <= index.size for number in numbers):
        return Refused("reply.out_of_range", {"count": index.size})
    if len(numbers) == 2 and re.search(r"[0-9]\s*[-–—~]+>?\s*[0-9]", text):
        first, last = numbers
        return _Found(tuple(range(min(first, last) - 1, max(first, last))), False)
    return _Found(tuple(number - 1 for number in numbers), not either)


def _single_number(text: str, digits: str, index: _Index) -> _Found | Refused | None:
    number = int(digits) if len(digits) < 5 else 0
    if re.search(r"[-−+]\s*[0-9]", text):
        return None
    parts = [int(digit) for digit in digits]
    if 1 <= number <= index.size:
        return _Found((number - 1,))
    if (
        index.size < 10
        and len(digits) > 1
        and len(set(parts)) == len(parts)
        and all(1 <= p <= index.size for p in parts)
    ):
        return _Found(tuple(part - 1 for part in parts), False)
    named = index.by_name.get(digits)
    return _Found((named,)) if named is not None else Refused("reply.out_of_range", {"count": index.size})


def _every(said: Words, inner: Words, index: _Index) -> _Found | None:
    """All of them: every choice that isn't *none*, *don't know*; doubtful where *other* is among them."""
    if "all" not in meanings(said) | meanings(inner):
        counted = _EVERY_OF.fullmatch(plain(inner))
        wanted = {"hai": 2, "ba": 3, "bon": 4}.get(counted[1]) or int(counted[1]) if counted else 0
        if not wanted:
            return None
    else:
        wanted = 0
    apart = {*index.none, *index.all_of, *(at for some in index.unsures.values() for at in some)}
    every = tuple(at for at in range(index.size) if at not in apart)
    if wanted and wanted != len(every):
        return _NOTHING
    other = any(form.at in every and _starts(form.words, _OTHER) for form in index.forms)
    if index.all_of:
        return _Found(index.all_of, len(index.all_of) == 1)
    return _Found(every, not other)


def _none(said: Words, inner: Words, index: _Index) -> _Found | None:
    if "none" not in meanings(said) | meanings(inner):
        return None
    return _Found(index.none, len(index.none) == 1)


def _labels(text: str, index: _Index) -> _Found:
    """Labels between separators, or standing one after another."""
    whole = usual(words(text))
    if EITHER.any(whole) and not index.exactly(whole):
        held, _ = _held(whole, index)
        return _Found(tuple(held), False)
    if any(NEGATIVE.holds(each) for each in whole):
        held, rest = _held(whole, index)
        if not held or any(NEGATIVE.holds(each) for each in rest):
            return _NOTHING
    found: set[int] = set()
    sure = True
    for segment in _segments(text, index):
        here = _segment(segment, index)
        if not here.positions:
            return _NOTHING
        found.update(here.positions)
        sure = sure and here.sure
    return _Found(tuple(found), sure)


def _segments(text: str, index: _Index) -> list[Words]:
    """The pieces of a list. A comma inside a label separates nothing: such labels are taken out whole first."""
    some = usual(words(text))
    held, rest = _held(some, index)
    if held and all(_says_nothing(each, held, index) or JOINING.holds(each) for each in rest):
        return [some]
    pieces = [usual(words(piece)) for piece in _SEPARATOR.split(text)]
    split: list[Words] = []
    for piece in pieces:
        start = 0
        for at, each in enumerate(piece):
            if (
                each.plain in ("va", "with", "and", "voi", "lan")
                and JOINING.holds(each)
                and not _inside(piece, at, index)
            ):
                split.append(piece[start:at])
                start = at + 1
        split.append(piece[start:])
    return [core(piece) for piece in split if piece]


def _inside(piece: Words, at: int, index: _Index) -> bool:
    """Whether the joining word at ``at`` is a word of a label that stands there."""
    around = piece[max(0, at - 1) : at + 2]
    return any(
        form.words[start : start + len(around)] == around
        for form in index.forms
        for start in range(len(form.words) - len(around) + 1)
    )


def _segment(said: Words, index: _Index) -> _Found:
    if len(said) == 1 and said[0].plain.isdecimal():
        number = int(said[0].plain) if len(said[0].plain) < 5 else 0
        return _Found((number - 1,)) if 1 <= number <= index.size else _NOTHING
    while said and JOINING.holds(said[0]) and not index.exactly(said):
        said = said[1:]
    if not said:
        return _NOTHING
    exact = index.exactly(said)
    if exact:
        return _Found(tuple(exact), len(exact) == 1)
    held, rest = _held(said, index)
    if held:
        turned = any(NEGATIVE.holds(each) for each in rest)
        plainly = all(_says_nothing(each, held, index) for each in rest)
        return _NOTHING if turned or not plainly else _Found(tuple(held))
    part = _part_of(said, index)
    if part.positions:
        return part
    glued = index.glued.get("".join(each.plain for each in said))
    if glued and len(said) == 1 and len(said[0].plain) > 3:
        return _Found(tuple(glued), len(glued) == 1)
    return _slipped(said, index)


# ── campaign codes ────────────────────────────────────────────────────────────────────────────────────────────

ALPHABET = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"
"""The 32 characters of a code: no 0 and O, no 1 and I."""

_POSITION = {character: value for value, character in enumerate(ALPHABET)}
_SPREAD = {5: 60_013, 6: 2_000_003}
_LINK = re.compile(r"/chat/([A-Za-z0-9]{5,6})(?![A-Za-z0-9])")
_RUN = re.compile(r"[A-Za-z0-9]+")


def _twice(value: int) -> int:
    """``value`` times x in the field of 32 elements (polynomials over two elements modulo x⁵ + x² + 1)."""
    value <<= 1
    return value ^ 0b100101 if value & 32 else value


def _check(body: Sequence[int]) -> int:
    """The check value of a code's other characters, first to last.

    Characters are elements of the field of 32; the check makes Σ xⁿ⁻ⁱ·cᵢ over the whole code zero. The weights are
    distinct powers of the generator x and none is zero, so a change of one character changes the sum by w·(c − c′) ≠ 0,
    and exchanging two characters by (wᵢ − wⱼ)·(cᵢ − cⱼ) ≠ 0: every single substitution and every transposition is found.
    """
    total = 0
    for value in body:
        total = _twice(total ^ value)
    return total


def make_code(number: int, length: int = 6) -> str:
    """The campaign code of ``number``: ``length`` characters (5 or 6), of which the second is a digit, the last a check.

    Different numbers have different codes, and neighbours look unlike. ``number`` from 0 to 8 · 32^(length − 2) − 1
    (262,143 for five characters, 8,388,607 for six); ValueError for others.
    """
    room = 8 * 32 ** (length - 2) if length in _SPREAD else 0
    if not 0 <= number < room:
        raise ValueError(f"no code of {length} characters for {number}")
    rest, digit = divmod((number * _SPREAD[length] + 12_345) % room, 8)
    body: list[int] = []
    for _ in range(length - 2):
        rest, value = divmod(rest, 32)
        body.append(value)
    body.insert(1, digit)
    return "".join(ALPHABET[value] for value in (*body, _check(body)))


def _code(text: str) -> str | None:
    """``text`` in capitals if it is a code: its characters, a digit among them, its check."""
    code = text.upper()
    values = [_POSITION.get(character, -1) for character in code]
    if len(code) not in _SPREAD or min(values) < 0 or min(values) > 7:
        return None
    return code if _check(values[:-1]) == values[-1] else None


def find_code(text: str) -> str | None:
    """A campaign code anywhere in a message, in capitals; None if there is none.

    Looks for a link that ends in ``/chat/CODE``, then for a word that is a code (one in capitals first), then for two
    neighbours that make one, written with a space or hyphen inside.
    """
    said = clean(text[:4_000].translate(_NARROW), 1_000)
    for link in _LINK.finditer(said):
        if found := _code(link[1]):
            return found
    runs = list(_RUN.finditer(said))
    codes = [run[0] for run in runs if _code(run[0])]
    for code in sorted(codes, key=lambda each: not each.isupper()):
        return code.upper()
    for first, second in zip(runs, runs[1:], strict=False):
        if said[first.end() : second.start()] in (" ", "-", " - ") and (found := _code(first[0] + second[0])):
            return found
    return None


_NARROW = {0xFF01 + at: 0x21 + at for at in range(94)}
