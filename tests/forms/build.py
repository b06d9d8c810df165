"""Small XLSForms for tests, written as rows: ``xlsx(survey=[row("text", "a", "A")])``."""

from __future__ import annotations

import io
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from openpyxl import Workbook

from bot.authoring.child import document
from bot.authoring.convert import Converted, interpret

Rows = Sequence[Mapping[str, Any]]


def xlsx(survey: Rows, choices: Rows = (), settings: Rows = (), **sheets: Rows) -> bytes:
    """A workbook: a sheet an argument, a column a key in order of first use, ``{}`` an empty row."""
    book = Workbook()
    book.remove(book.worksheets[0])
    for title, rows in {"survey": survey, "choices": choices, "settings": settings, **sheets}.items():
        if not rows:
            continue
        sheet = book.create_sheet(title)
        columns = list(dict.fromkeys(column for row in rows for column in row))
        sheet.append(columns)
        for number, row in enumerate(rows, start=2):
            for index, column in enumerate(columns, start=1):
                if row.get(column) is not None:
                    sheet.cell(number, index, row[column])
    written = io.BytesIO()
    book.save(written)
    return written.getvalue()


def converted(survey: Rows, choices: Rows = (), settings: Rows = (), **sheets: Rows) -> Converted:
    """The same rows converted in this process: what ``bot.authoring.convert.convert`` gives, only sooner."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "form.xlsx"
        path.write_bytes(xlsx(survey, choices, settings, **sheets))
        return interpret(document(str(path), "form"))


def row(type: str, name: str | None = None, label: str | None = None, **columns: Any) -> dict[str, Any]:
    """One row of the sheet ``survey``."""
    return {"type": type, "name": name, **({"label": label} if label is not None else {}), **columns}


def choices(list_name: str, *names: str, **columns: Any) -> list[dict[str, Any]]:
    """Rows of the sheet ``choices``: every name its own label in capitals."""
    return [{"list_name": list_name, "name": name, "label": name.upper(), **columns} for name in names]
