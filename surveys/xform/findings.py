"""What reading a form comes to: findings with their places, and the form if there is nothing against it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from surveys.forms import Form


class Severity(StrEnum):
    """An error keeps a form from being asked; a warning does not."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Row:
    """A row of a workbook, numbered as the spreadsheet program shows it (the header is row 1)."""

    sheet: str
    row: int


@dataclass(frozen=True, slots=True)
class Finding:
    """Something wrong or doubtful in a form.

    ``code`` names the sentence ``form.<code>`` of the catalogue ``forms``, filled in with ``params``. ``row``
    is 0 and ``sheet`` or ``column`` empty where there is no such place. ``column`` is XLSForm's name of the
    column.
    """

    code: str
    sheet: str = ""
    row: int = 0
    column: str = ""
    params: Mapping[str, object] = field(default_factory=dict)
    severity: Severity = Severity.ERROR


@dataclass(frozen=True, slots=True)
class Loaded:
    """What reading came to: a form, or the errors that forbid it; and warnings either way."""

    form: Form | None
    errors: tuple[Finding, ...] = ()
    warnings: tuple[Finding, ...] = ()


_SHEETS = {"survey": 0, "choices": 1, "settings": 2}


def in_order(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Each finding once (a list is checked for every question that shows it), by sheet and row."""
    once = {(f.code, f.sheet, f.row, f.column, repr(f.params)): f for f in findings}
    return tuple(sorted(once.values(), key=lambda found: (_SHEETS.get(found.sheet, 3), found.row)))


def choice_ref(list_name: str, position: int) -> str:
    """The key in a row map of the choice at ``position`` (from 0) of a list."""
    return f"{list_name}#{position}"
