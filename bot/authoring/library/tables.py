"""Workbooks as tables: rows of the sheets of an XLSForm, and the file made of them, byte for byte the same
each time.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from openpyxl import Workbook
from openpyxl.packaging.core import DocumentProperties
from openpyxl.styles import Alignment, Font
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.worksheet import Worksheet
from openpyxl.xml.functions import tostring

VI = "Tiếng Việt (vi)"
EN = "English (en)"

SURVEY_COLUMNS = (
    "type",
    "name",
    f"label::{VI}",
    f"label::{EN}",
    f"hint::{VI}",
    f"hint::{EN}",
    "required",
    "relevant",
    "constraint",
    f"constraint_message::{VI}",
    f"constraint_message::{EN}",
    "calculation",
    "appearance",
    "default",
    "choice_filter",
    "repeat_count",
    "parameters",
    "trigger",
)
_WHERE_USED = frozenset({"default", "choice_filter", "repeat_count", "parameters", "trigger"})
"""Columns that stand only in workbooks that use them."""

CHOICE_COLUMNS = ("list_name", "name", f"label::{VI}", f"label::{EN}")
SETTING_COLUMNS = ("form_title", "form_id", "version", "default_language")


@dataclass(frozen=True, slots=True)
class Row:
    """One row of sheet ``survey``. Texts are pairs: Vietnamese, English."""

    type: str
    name: str = ""
    label: tuple[str, str] = ("", "")
    hint: tuple[str, str] = ("", "")
    required: bool = False
    relevant: str = ""
    constraint: str = ""
    message: tuple[str, str] = ("", "")
    calculation: str = ""
    appearance: str = ""
    default: str = ""
    choice_filter: str = ""
    repeat_count: str = ""
    parameters: str = ""
    trigger: str = ""

    def cells(self) -> tuple[str, ...]:
        """The row in the order of ``SURVEY_COLUMNS``."""
        return (
            self.type,
            self.name,
            *self.label,
            *self.hint,
            "yes" if self.required else "",
            self.relevant,
            self.constraint,
            *self.message,
            self.calculation,
            self.appearance,
            self.default,
            self.choice_filter,
            self.repeat_count,
            self.parameters,
            self.trigger,
        )


@dataclass(frozen=True, slots=True)
class Options:
    """One list of choices: name, Vietnamese, English, and values of extra columns."""

    name: str
    rows: tuple[tuple[str, str, str], ...]
    extra: dict[str, dict[str, str]] = field(default_factory=dict)
    """Extra column → choice → value."""


@dataclass(frozen=True, slots=True)
class Workform:
    """A whole workbook: settings, survey rows, lists of choices."""

    id: str
    version: str
    title: str
    survey: tuple[Row, ...]
    lists: tuple[Options, ...]


def hidden(*names: str) -> tuple[Row, ...]:
    """Declared hidden fields: what the case and the campaign bring along."""
    return tuple(Row("hidden", name) for name in names)


def calculate(name: str, calculation: str) -> Row:
    """A value worked out, never shown."""
    return Row("calculate", name, calculation=calculation)


_MADE = datetime(2026, 1, 1, tzinfo=UTC).replace(tzinfo=None)
"""Written into every workbook instead of the moment it was made."""

_WIDTHS = {
    "label": 60,
    "hint": 40,
    "constraint": 40,
    "constraint_message": 60,
    "calculation": 60,
    "relevant": 36,
}


def workbook(form: Workform) -> bytes:
    """The form as an .xlsx file: sheets ``survey``, ``choices``, ``settings``, every cell a text."""
    book = Workbook()
    book.remove(book.worksheets[0])
    rows = [row.cells() for row in form.survey]
    shown = [
        place
        for place, column in enumerate(SURVEY_COLUMNS)
        if column not in _WHERE_USED or any(row[place] for row in rows)
    ]
    _write(
        book.create_sheet("survey"),
        [SURVEY_COLUMNS[place] for place in shown],
        [[row[place] for place in shown] for row in rows],
    )
    extra = tuple(dict.fromkeys(column for options in form.lists for column in options.extra))
    _write(
        book.create_sheet("choices"),
        (*CHOICE_COLUMNS, *extra),
        [
            (options.name, *row, *(options.extra.get(column, {}).get(row[0], "") for column in extra))
            for options in form.lists
            for row in options.rows
        ],
    )
    _write(book.create_sheet("settings"), SETTING_COLUMNS, [(form.title, form.id, form.version, VI)])
    made = io.BytesIO()
    book.save(made)
    return _timeless(made.getvalue())


def _write(sheet: Worksheet, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    sheet.append(list(columns))
    for row in rows:
        sheet.append([value or None for value in row])
    for cells in sheet.iter_rows():
        for cell in cells:
            cell.number_format = "@"
            cell.alignment = Alignment(wrap_text=True, vertical="top")
    for cell in sheet[1]:
        cell.font = Font(bold=True)
    for index, column in enumerate(columns):
        sheet.column_dimensions[get_column_letter(index + 1)].width = _WIDTHS.get(
            column.partition("::")[0], 18
        )
    sheet.freeze_panes = "C2" if sheet.title != "settings" else "A2"


def _timeless(made: bytes) -> bytes:
    """The same workbook with a fixed time in its properties and its archive, so that equal forms are equal
    files.
    """
    properties = DocumentProperties(creator="hoidan", created=_MADE, modified=_MADE)
    written = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(made)) as old, zipfile.ZipFile(written, "w") as new:
        for name in sorted(old.namelist(), key=lambda name: (name != "[Content_Types].xml", name)):
            data = tostring(properties.to_tree()) if name == "docProps/core.xml" else old.read(name)
            entry = zipfile.ZipInfo(name, (_MADE.year, _MADE.month, _MADE.day, 0, 0, 0))
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o644 << 16
            new.writestr(entry, data)
    return written.getvalue()
