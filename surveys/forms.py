"""A questionnaire as immutable data: what an XLSForm means once it has been checked.

Built by :mod:`surveys.xform` from an XForm, read by :mod:`surveys.interview`. Names and semantics follow the
XLSForm/ODK standard (xlsform.org, the ODK XForms specification).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from surveys.expressions import Expression


class Kind(StrEnum):
    """What a question is, named as in XLSForm's ``type`` column."""

    SELECT_ONE = "select_one"
    SELECT_MULTIPLE = "select_multiple"
    INTEGER = "integer"
    DECIMAL = "decimal"
    TEXT = "text"
    DATE = "date"
    NOTE = "note"
    CALCULATE = "calculate"
    HIDDEN = "hidden"


class Missing(StrEnum):
    """Why an asked question has no value. Blank in every expression; codes 98 and 99 only in coded rows."""

    SKIPPED = "skipped"
    DONT_KNOW = "dont_know"
    PREFER_NOT = "prefer_not"


ASKED = frozenset({Kind.SELECT_ONE, Kind.SELECT_MULTIPLE, Kind.INTEGER, Kind.DECIMAL, Kind.TEXT, Kind.DATE})
"""Kinds that wait for a person's answer."""

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
class Question:
    """A leaf of the form. ``ref`` is its ODK path (``/data/group/name``), ``row`` its row in sheet
    ``survey``."""

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
    read_only: bool = False
    default: str | None = None
    appearance: str = ""
    row: int = 0
    list_name: str = ""
    """The choice list in :attr:`Form.lists`; empty for anything but a select."""
    type: str = "string"
    """What its node is to expressions: ``string int decimal date dateTime select1 select`` …"""


@dataclass(frozen=True, slots=True)
class Group:
    """Questions that belong together; its label is shown once as a heading."""

    ref: str
    name: str
    children: tuple[Group | Question, ...]
    label: Text = Text()
    relevant: Expression | None = None
    row: int = 0


@dataclass(frozen=True, slots=True)
class Form:
    """A whole questionnaire. ``languages`` in the form's own order, ``default_language`` one of them."""

    id: str
    version: str
    title: str
    root: str
    languages: tuple[str, ...]
    default_language: str
    children: tuple[Group | Question, ...]
    digest: str = ""
    """Hexadecimal SHA-256 of the XForm and its row map: the same digest is the same form."""
    lists: Mapping[str, tuple[Choice, ...]] = field(default_factory=dict)
    """Every choice list by name, for ``instance('list')`` in expressions; also lists no question shows."""

    def questions(self) -> Iterator[Question]:
        """Every leaf in form order, hidden and calculated ones too."""
        stack: list[Group | Question] = list(reversed(self.children))
        while stack:
            item = stack.pop()
            if isinstance(item, Group):
                stack.extend(reversed(item.children))
            else:
                yield item
