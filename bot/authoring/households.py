"""Workbooks about lists of households: the template that offices fill in, and the report of what came of a
list.

``python -m bot.authoring.households`` writes the templates that are shipped. Run apart from the serving
process, as everything that writes workbooks.
"""

from __future__ import annotations

import io
import sys
from collections.abc import Iterable, Sequence

from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.styles import Alignment, Font, PatternFill
from openpyxl.utils import get_column_letter
from openpyxl.worksheet._write_only import WriteOnlyWorksheet
from openpyxl.worksheet.datavalidation import DataValidation

from bot.frames import template_file
from bot.problems import said
from bot.texts import LANGUAGES, say
from surveys.frames.lists import Place, Relation, Remark
from surveys.frames.rows import Outcome

COLUMNS: Sequence[tuple[str, int, bool]] = (
    ("code", 12, True),
    ("neighbourhood", 16, False),
    ("address", 28, False),
    ("name", 26, False),
    ("relation", 18, False),
    ("sex", 10, False),
    ("birth", 13, True),
    ("phone", 15, True),
    ("area", 12, True),
    ("same_as", 14, True),
    ("note", 20, False),
)
"""Columns of the template: the name of its heading, its width, and whether its cells are text, so that no
spreadsheet takes zeros away or makes days of months.
"""

_PREPARED = 2_000
"""Lines that are made ready."""
_BOLD = Font(bold=True)
_HEAD = PatternFill("solid", start_color="FFDDEBF7")
_EXAMPLE = Font(italic=True, color="FF7F7F7F")
_WRAPPED = Alignment(wrap_text=True, vertical="top")


def template(language: str) -> bytes:
    """The template: a sheet to fill in, one that explains it, one with the words to choose from."""
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.title = say(language, "households.template.sheet")
    for at, (name, width, as_text) in enumerate(COLUMNS, 1):
        head = sheet.cell(1, at, say(language, f"households.template.column.{name}"))
        head.font, head.fill, head.alignment = _BOLD, _HEAD, _WRAPPED
        example = sheet.cell(2, at, say(language, f"households.template.example.{name}").strip())
        example.font = _EXAMPLE
        letter = get_column_letter(at)
        sheet.column_dimensions[letter].width = width
        for prepared in range(2, _PREPARED + 2 if as_text else 3):
            sheet.cell(prepared, at).number_format = "@" if as_text else "General"
    sheet.freeze_panes = "A2"
    words = book.create_sheet(say(language, "households.template.words_sheet"))
    lists = {
        "sex": [say(language, f"households.sex.{sex}") for sex in ("male", "female")],
        "relation": [say(language, f"households.relation.{relation.value}") for relation in Relation],
    }
    for column, (name, choices) in enumerate(lists.items(), 1):
        words.cell(1, column, say(language, f"households.template.column.{name}")).font = _BOLD
        words.column_dimensions[get_column_letter(column)].width = 24
        for below, choice in enumerate(choices, 2):
            words.cell(below, column, choice)
        place = get_column_letter(column)
        rule = DataValidation(
            type="list",
            formula1=f"'{words.title}'!${place}$2:${place}${len(choices) + 1}",
            allow_blank=True,
            showErrorMessage=True,
            errorTitle=say(language, "households.template.choose_title"),
            error=say(language, "households.template.choose"),
        )
        letter = get_column_letter([each for each, _, _ in COLUMNS].index(name) + 1)
        rule.add(f"{letter}2:{letter}{_PREPARED + 1}")
        sheet.add_data_validation(rule)
    guide = book.create_sheet(say(language, "households.template.guide_sheet"), 1)
    guide.column_dimensions["A"].width, guide.column_dimensions["B"].width = 26, 100
    lines = [(say(language, "households.template.guide"), "")]
    lines += [
        (
            say(language, f"households.template.column.{name}"),
            say(language, f"households.template.about.{name}"),
        )
        for name, _, _ in COLUMNS
    ]
    for row, (what, about) in enumerate(lines, 1):
        guide.cell(row, 1, what).font = _BOLD
        guide.cell(row, 2, about).alignment = _WRAPPED
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def report(
    language: str,
    numbers: Sequence[tuple[str, object]],
    remarks: Iterable[Remark],
    outcomes: Iterable[tuple[Place, Outcome]],
) -> bytes:
    """What came of a list: its numbers, what is to be put right or to be known, and each line with its
    outcome.

    Whatever stood in the list is written as text, and can't be taken for a formula.
    """
    book = Workbook(write_only=True)
    summary = book.create_sheet(say(language, "households.report.summary_sheet"))
    summary.column_dimensions["A"].width = 48
    for label, value in numbers:
        summary.append(_cells(summary, (label, value)))
    told = book.create_sheet(say(language, "households.report.remarks_sheet"))
    for letter, width in zip("ABCDE", (16, 8, 14, 24, 110), strict=True):
        told.column_dimensions[letter].width = width
    told.freeze_panes = "A2"
    heads = ("sheet", "line", "kind", "column", "what")
    told.append(_cells(told, [say(language, f"households.report.head.{name}") for name in heads], bold=True))
    for remark in remarks:
        told.append(
            _cells(
                told, (*remark.place, kind_of(language, remark), remark.column, sentence(language, remark))
            )
        )
    each = book.create_sheet(say(language, "households.report.lines_sheet"))
    each.freeze_panes = "A2"
    each.append(
        _cells(
            each,
            [say(language, f"households.report.head.{name}") for name in ("sheet", "line", "what")],
            bold=True,
        )
    )
    words = {outcome: say(language, f"households.outcome.{outcome.value}") for outcome in Outcome}
    for place, outcome in outcomes:
        each.append([place.sheet and defused(place.sheet), place.line, words[outcome]])
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def kind_of(language: str, remark: Remark) -> str:
    """Whether a remark stands in the way, in a word."""
    return say(language, "households.report.refused" if remark.refused else "households.report.note")


def sentence(language: str, remark: Remark) -> str:
    """What a remark says."""
    return said(language, remark.key, remark.params)


_ACTIVE = ("=", "+", "-", "@", "\t", "\r", "\n")


def defused(text: str) -> str:
    """A text that no spreadsheet takes for a formula, also when it is saved as CSV and opened again."""
    return f"'{text}" if text.startswith(_ACTIVE) else text


def _cells(sheet: WriteOnlyWorksheet, values: Iterable[object], *, bold: bool = False) -> list[object]:
    made: list[object] = []
    for value in values:
        if not isinstance(value, str):
            made.append(value)
            continue
        cell = WriteOnlyCell(sheet, defused(value))
        cell.data_type = "s"
        if bold:
            cell.font = _BOLD
        made.append(cell)
    return made


def main() -> int:
    """Write the shipped templates."""
    for language in LANGUAGES:
        file = template_file(language)
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(template(language))
    return 0


if __name__ == "__main__":
    sys.exit(main())
