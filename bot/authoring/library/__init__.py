"""The shipped questionnaires as tables, and the program that writes them as XLSForm workbooks.

``python -m bot.authoring.library`` writes every ``surveys/library/*/form.xlsx`` anew, byte for byte the same
each time. The workbooks are what the product runs; the tables are what is edited, since a change in them can
be read in a diff. What the questions are for, and how answers become indicators, stands in the
``instrument.yaml`` beside each workbook.
"""

from __future__ import annotations

from pathlib import Path

from bot.authoring.library.campaign import WIZARD
from bot.authoring.library.consent import CONSENT
from bot.authoring.library.household import HOUSEHOLD
from bot.authoring.library.learning_citizen import LEARNING_CITIZEN
from bot.authoring.library.tables import VI, Workform, workbook
from bot.authoring.library.worker import WORKER

__all__ = ["FORMS", "LIBRARY", "VI", "Workform", "workbook", "write_library"]

LIBRARY = Path(__file__).parents[3] / "surveys" / "library"

FORMS = (HOUSEHOLD, WORKER, LEARNING_CITIZEN, CONSENT, WIZARD)


def write_library(folder: Path = LIBRARY) -> list[Path]:
    """Write every form to ``folder/<id>/form.xlsx``; returns the paths."""
    paths = []
    for form in FORMS:
        path = folder / form.id / "form.xlsx"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(workbook(form))
        paths.append(path)
    return paths
