"""Forms written as tables that can be read: ``## sheet``, a header row, rows, columns parted by ``|``."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

FORMS = Path(__file__).parent / "forms"
FILES = FORMS / "files"
"""What the forms attach: lists and tables in CSV."""


def sheets(text: str) -> dict[str, list[dict[str, str]]]:
    r"""The rows of every sheet. Text before the first heading is for the reader; ``\|`` is a bar that parts
    nothing; cells at the end of a row may be left out.
    """
    found: dict[str, list[dict[str, str]]] = {}
    rows: list[dict[str, str]] | None = None
    header: list[str] = []
    for line in text.splitlines():
        if line.startswith("## "):
            rows = found[line[3:].strip()] = []
            header = []
        elif rows is not None and line.strip():
            cells = [cell.strip().replace(r"\|", "|") for cell in re.split(r"(?<!\\)\|", line)]
            if header:
                rows.append(dict(zip(header, cells + [""] * (len(header) - len(cells)), strict=True)))
            else:
                header = cells
    return {
        sheet: [{column: cell for column, cell in row.items() if cell} for row in rows]
        for sheet, rows in found.items()
    }


def names() -> Iterator[str]:
    """The forms there are, in order."""
    return iter(sorted(path.stem for path in FORMS.glob("*.md")))
