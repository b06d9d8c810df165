"""Workbooks that staff print or go on working with. Written in child processes alone, line by line, so that
memory does not grow with their length.

Whatever people typed is written as text that no spreadsheet takes for a formula.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE
from openpyxl.styles import Alignment, Border, Font, PatternFill, Side
from openpyxl.utils import get_column_letter
from openpyxl.worksheet._write_only import WriteOnlyWorksheet
from openpyxl.worksheet.pagebreak import Break
from openpyxl.worksheet.properties import PageSetupProperties

from bot.authoring.households import defused
from bot.progress import outcome
from bot.texts import say
from storage.progress import Waiting

BREAKS = 1_000
"""Page breaks of a sheet: Excel takes 1,026."""
EVERY = 2_000
"""Lines between two words of progress."""

COLUMNS = (
    ("number", 6),
    ("code", 13),
    ("name", 26),
    ("address", 34),
    ("phone", 15),
    ("outcome", 24),
    ("sent", 9),
    ("last", 16),
    ("case", 10),
    ("remarks", 34),
)
"""Columns of the list of those who have not answered: the name of the heading, and the width."""

_BOLD, _TITLE = Font(bold=True), Font(bold=True, size=13)
_FILL = PatternFill("solid", start_color="FFDDEBF7")
_THIN = Side(style="thin", color="FFBFBFBF")
_GRID = Border(left=_THIN, right=_THIN, top=_THIN, bottom=_THIN)
_WRAPPED = Alignment(wrap_text=True, vertical="top")


@dataclass(frozen=True, slots=True)
class About:
    """What a list is of. ``zone`` is where its times are told; ``place`` names a commune by its code."""

    language: str
    title: str
    code: str
    made_at: int
    zone: ZoneInfo
    place: Callable[[str], str]

    def moment(self, at: int | None) -> str:
        """An instant as people read it."""
        return "" if at is None else f"{datetime.fromtimestamp(at / 1000, self.zone):%d/%m/%Y %H:%M}"


def waiting_list(
    about: About, rows: Iterable[Waiting], tell: Callable[[int], object] = lambda _lines: None
) -> tuple[bytes, int]:
    """Who has not answered, to be printed and taken along: ``rows`` in the order of their places; the
    workbook, and how many lines it has.

    Each neighbourhood begins on a page of its own, under its name; headings are repeated on every page, A4
    across, all columns on its width. ``tell`` is told now and then how many lines are written.
    """
    book = Workbook(write_only=True)
    sheet = book.create_sheet(say(about.language, "progress.list.sheet"))
    _set_up(sheet, about)
    sheet.append([_cell(sheet, say(about.language, "progress.list.title", **_head(about)), _TITLE)])
    heads = [_cell(sheet, say(about.language, f"progress.list.{name}"), _BOLD) for name, _ in COLUMNS]
    for head in heads:
        head.fill, head.border, head.alignment = _FILL, _GRID, _WRAPPED
    sheet.append(heads)
    # One row of cells for all lines: they are written as they are appended.
    cells: list[Any] = [WriteOnlyCell(sheet) for _ in COLUMNS]
    for cell in cells:
        cell.border, cell.alignment = _GRID, _WRAPPED
    line, number, here = 2, 0, None
    totals: dict[str, int] = {}
    words: dict[str, str] = {}
    for row in rows:
        place = _place(about, row)
        if place != here:
            if here is not None and len(sheet.row_breaks.brk) < BREAKS:
                sheet.row_breaks.append(Break(id=line))
            here, number = place, 0
            sheet.append([_cell(sheet, place, _BOLD)])
            line += 1
        number += 1
        line += 1
        totals[place] = number
        if row.outcome not in words:
            words[row.outcome] = outcome(row.outcome, about.language)
        values = (
            number,
            _text(row.code),
            _text(row.name),
            _text(row.address),
            _text(row.phone),
            words[row.outcome],
            row.sent,
            about.moment(row.last_at),
            row.case_id,
            "",
        )
        for cell, value in zip(cells, values, strict=True):
            cell.value = value
        sheet.append(cells)
        if sum(totals.values()) % EVERY == 0:
            tell(sum(totals.values()))
    _sums(book, about, totals)
    file = io.BytesIO()
    book.save(file)
    return file.getvalue(), sum(totals.values())


def _head(about: About) -> dict[str, str]:
    return {"title": about.title, "code": about.code, "at": about.moment(about.made_at)}


def _place(about: About, row: Waiting) -> str:
    name = row.neighbourhood or say(about.language, "progress.no_neighbourhood")
    return _text(f"{name}, {about.place(row.area)}")


def _text(text: str) -> str:
    return defused(ILLEGAL_CHARACTERS_RE.sub("", text))


def _cell(sheet: WriteOnlyWorksheet, text: str, font: Font) -> Any:
    cell = WriteOnlyCell(sheet, _text(text))
    cell.font = font
    return cell


def _set_up(sheet: Any, about: About) -> None:
    """How the sheet is shown and printed. (A write-only sheet has all this; its types don't say so.)"""
    for at, (_, width) in enumerate(COLUMNS, 1):
        sheet.column_dimensions[get_column_letter(at)].width = width
    sheet.freeze_panes = "A3"
    sheet.print_title_rows = "1:2"
    sheet.page_setup.orientation = "landscape"
    sheet.page_setup.paperSize = "9"
    sheet.page_setup.fitToWidth, sheet.page_setup.fitToHeight = 1, 0
    sheet.sheet_properties.pageSetUpPr = PageSetupProperties(fitToPage=True)
    margins = sheet.page_margins
    margins.left = margins.right = 0.4
    margins.top, margins.bottom = 0.5, 0.7
    # An ampersand begins an instruction there.
    secret = say(about.language, "progress.list.secret").replace("&", "&&")
    sheet.oddFooter.left.text, sheet.oddFooter.left.size = secret, 8
    sheet.oddFooter.right.text = "&P / &N"


def _sums(book: Workbook, about: About, totals: dict[str, int]) -> None:
    """A second sheet: how many there are in each place."""
    sheet = book.create_sheet(say(about.language, "progress.list.sums"))
    sheet.column_dimensions["A"].width, sheet.column_dimensions["B"].width = 48, 12
    for place, number in totals.items():
        sheet.append([place, number])
    sheet.append([_cell(sheet, say(about.language, "progress.list.all"), _BOLD), sum(totals.values())])
