"""A questionnaire as immutable data: what an XLSForm means once it has been checked.

Built by :mod:`surveys.xform` from an XForm, read by :mod:`surveys.interview`. Names and semantics follow the
XLSForm/ODK standard (xlsform.org, the ODK XForms specification).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum

from surveys.expressions import Expression


class Kind(StrEnum):
    """What a question is, named as in XLSForm's ``type`` column."""

    SELECT_ONE = "select_one"
    SELECT_MULTIPLE = "select_multiple"
    RANK = "rank"
    INTEGER = "integer"
    DECIMAL = "decimal"
    RANGE = "range"
    TEXT = "text"
    BARCODE = "barcode"
    DATE = "date"
    TIME = "time"
    DATETIME = "dateTime"
    ACKNOWLEDGE = "acknowledge"
    GEOPOINT = "geopoint"
    IMAGE = "image"
    AUDIO = "audio"
    VIDEO = "video"
    FILE = "file"
    NOTE = "note"
    CALCULATE = "calculate"
    HIDDEN = "hidden"


class Missing(StrEnum):
    """Why an asked question has no value. Blank in every expression; codes 98 and 99 only in coded rows."""

    SKIPPED = "skipped"
    DONT_KNOW = "dont_know"
    PREFER_NOT = "prefer_not"


UPLOADS = frozenset({Kind.IMAGE, Kind.AUDIO, Kind.VIDEO, Kind.FILE})
"""Kinds answered with a file; the value is the name under which it is kept."""

SELECTS = frozenset({Kind.SELECT_ONE, Kind.SELECT_MULTIPLE, Kind.RANK})
"""Kinds answered with one or several names of choices."""

ASKED = frozenset(Kind) - {Kind.NOTE, Kind.CALCULATE, Kind.HIDDEN}
"""Kinds that wait for a person's answer."""

ACKNOWLEDGED = "OK"
"""The value of an *acknowledge* that was tapped."""

Template = tuple[str | Expression, ...]
"""A text with references: strings as they are, expressions shown by their string value."""


_CODE = re.compile(r"\(\s*([A-Za-z]{2,3})(?:[-_][A-Za-z0-9]+)*\s*\)\s*$")


def language_code(name: str) -> str:
    """The code in a form's name of a language: ``vi`` for ``Tiếng Việt (vi)`` or ``vi``, else empty."""
    found = _CODE.search(name)
    if found:
        return found[1].lower()
    return name.lower() if re.fullmatch(r"[A-Za-z]{2,3}", name) else ""


@dataclass(frozen=True, slots=True)
class Text:
    """One text in several languages: ``by_language`` maps a language as the form names it to a template."""

    by_language: Mapping[str, Template] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.by_language)

    def choose(self, language: str, fallback: str) -> Template:
        """The template in ``language``, else in ``fallback``, else in any language, else empty."""
        for name in (language, fallback):
            if name in self.by_language:
                return self.by_language[name]
        return next(iter(self.by_language.values()), ())


@dataclass(frozen=True, slots=True)
class Choice:
    """One choice of a select: ``name`` is what is stored, ``columns`` the extra columns of the choices sheet.

    As in an XForm's instance, ``columns`` has ``label`` too where the label is in one language only and
    plain.
    """

    name: str
    label: Text
    columns: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Picked:
    """Choices made of what was answered in a repeat: ``nodes`` are the instances' nodes, ``value`` and
    ``label`` are evaluated at each of them. A node whose value is blank is no choice.
    """

    nodes: Expression
    value: Expression
    label: Expression


@dataclass(frozen=True, slots=True)
class Range:
    """The bounds and the step of a ``range`` question, as the form writes them (``1``, ``0.5``)."""

    start: Decimal
    end: Decimal
    step: Decimal


@dataclass(frozen=True, slots=True)
class Media:
    """What is shown with a label: ``kind`` is ``image``, ``audio`` or ``video``, the name of the file by
    language.
    """

    kind: str
    by_language: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Setting:
    """A value set when something happens, as ``setvalue`` of the ODK XForms specification.

    ``value`` is evaluated at the question that gets it: whenever the value of one of the questions at
    ``triggers`` changes, or, where there are none, once: when the interview begins or, inside a repeat, when
    the instance is made.
    """

    value: Expression
    triggers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Question:
    """A leaf of the form. ``ref`` is its ODK path (``/data/group/name``), ``row`` its row in sheet
    ``survey``; inside a repeat it stands for the question in every instance.
    """

    ref: str
    name: str
    kind: Kind
    label: Text = Text()
    hint: Text = Text()
    guidance: Text = Text()
    choices: tuple[Choice, ...] = ()
    choice_filter: Expression | None = None
    relevant: Expression | None = None
    required: Expression | None = None
    required_message: Text = Text()
    constraint: Expression | None = None
    constraint_message: Text = Text()
    calculation: Expression | None = None
    read_only: bool | Expression = False
    default: str | None = None
    appearance: str = ""
    row: int = 0
    list_name: str = ""
    """The choice list in :attr:`Form.lists`; empty for anything but a select."""
    type: str = "string"
    """What its node is to expressions: ``string int decimal date dateTime select1 select`` …"""
    picked: Picked | None = None
    """Choices made of answers, in place of a list."""
    shuffled: bool = False
    """Choices are offered in a random order that stays the same for an interview; by ``seed`` where given."""
    seed: Expression | None = None
    range: Range | None = None
    settings: tuple[Setting, ...] = ()
    media: tuple[Media, ...] = ()
    at_end: bool = False
    """A calculation that is worked out once, when the interview is handed in (metadata ``end``)."""


@dataclass(frozen=True, slots=True)
class Group:
    """Questions that belong together; its label is shown once as a heading."""

    ref: str
    name: str
    children: tuple[Item, ...]
    label: Text = Text()
    relevant: Expression | None = None
    row: int = 0


@dataclass(frozen=True, slots=True)
class Repeat:
    """Questions asked once for each member of something: ``ref`` stands for all its instances
    (``/data/member``); the instances are ``/data/member[1]``, ``/data/member[2]`` …

    Without ``count`` one instance is there from the beginning, and *add another?* is asked after the last.
    With it, as many are there as it says; ``governed_by`` is the reference of the integer question whose
    plain value it is, if it is one, so that adding and removing can change that answer.
    """

    ref: str
    name: str
    children: tuple[Item, ...]
    label: Text = Text()
    relevant: Expression | None = None
    row: int = 0
    count: Expression | None = None
    governed_by: str | None = None


Item = Group | Repeat | Question
"""What a form, a group or a repeat is made of."""


@dataclass(frozen=True, slots=True)
class Form:
    """A whole questionnaire. ``languages`` in the form's own order, ``default_language`` one of them."""

    id: str
    version: str
    title: str
    root: str
    languages: tuple[str, ...]
    default_language: str
    children: tuple[Item, ...]
    digest: str = ""
    """Hexadecimal SHA-256 of the XForm and its row map: the same digest is the same form."""
    lists: Mapping[str, tuple[Choice, ...]] = field(default_factory=dict)
    """Every choice list by name, for ``instance('list')`` in expressions; also lists no question shows."""
    tables: Mapping[str, Sequence[Mapping[str, str]]] = field(default_factory=dict)
    """Attached files by name of their instance, for ``instance()`` and ``pulldata()``: rows of column →
    value.
    """
    instance_name: Expression | None = None
    """What a finished interview is called."""

    def items(self) -> Iterator[Item]:
        """Everything in form order, a group or repeat before what stands in it."""
        stack: list[Item] = list(reversed(self.children))
        while stack:
            item = stack.pop()
            yield item
            if not isinstance(item, Question):
                stack.extend(reversed(item.children))

    def questions(self) -> Iterator[Question]:
        """Every leaf in form order, hidden and calculated ones too."""
        return (item for item in self.items() if isinstance(item, Question))
