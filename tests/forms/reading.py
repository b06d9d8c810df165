"""Reading small forms in tests: rows in, a form or its findings out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bot.authoring.check import generated_texts, line
from surveys.attachments import attachment
from surveys.expressions import Expression
from surveys.forms import Form, Question, Repeat, Template
from surveys.xform import Finding, Loaded, read_form
from tests.forms.build import Rows, choices, converted

VI, EN = "Tiếng Việt (vi)", "English (en)"
YES_NO = choices("yn", "yes", "no")
SETTINGS = [{"form_id": "thu", "form_title": "Thử", "version": "1"}]

Place = tuple[str, str, int, str]
"""A finding's code, sheet, row and column."""


def read(
    survey: Rows,
    lists: Rows = (),
    settings: Rows = SETTINGS,
    files: Mapping[str, bytes] | None = None,
    **sheets: Rows,
) -> Loaded:
    """What reading came to; every finding must have its sentence in both languages."""
    made = converted(survey, lists, settings, **sheets)
    assert not made.errors, made.errors
    attached = [attachment(name, content) for name, content in (files or {}).items()]
    loaded = read_form(made.xform, made.rows, generated=generated_texts(), attached=attached)
    for found in (*loaded.errors, *loaded.warnings):
        for language in ("vi", "en"):
            told = line(found, language)
            assert not told.startswith("form."), f"no sentence for {found}"
            assert "{{" not in told, f"braces are left in {told}"
    return loaded


def form(
    survey: Rows,
    lists: Rows = (),
    settings: Rows = SETTINGS,
    files: Mapping[str, bytes] | None = None,
) -> Form:
    """The form, which must be without errors."""
    loaded = read(survey, lists, settings, files)
    assert loaded.form is not None, loaded.errors
    return loaded.form


def question(
    survey: Rows, lists: Rows = (), name: str = "q", files: Mapping[str, bytes] | None = None
) -> Question:
    """The question called ``name``."""
    return next(found for found in form(survey, lists, files=files).questions() if found.name == name)


def repeat(survey: Rows, lists: Rows = (), name: str = "r") -> Repeat:
    """The repeat called ``name``."""
    items = form(survey, lists).items()
    return next(item for item in items if isinstance(item, Repeat) and item.name == name)


def refused(
    survey: Rows,
    lists: Rows = (),
    settings: Rows = SETTINGS,
    files: Mapping[str, bytes] | None = None,
    **sheets: Rows,
) -> list[Place]:
    """Where the errors of a form stand that must have some."""
    loaded = read(survey, lists, settings, files, **sheets)
    assert loaded.form is None
    return places(loaded.errors)


def warned(
    survey: Rows,
    lists: Rows = (),
    settings: Rows = SETTINGS,
    files: Mapping[str, bytes] | None = None,
) -> list[Place]:
    """Where the warnings about a form stand that must have no errors."""
    loaded = read(survey, lists, settings, files)
    assert loaded.form is not None, loaded.errors
    return places(loaded.warnings)


def places(findings: Sequence[Finding]) -> list[Place]:
    """Where findings stand."""
    return [(found.code, found.sheet, found.row, found.column) for found in findings]


def shown(template: Template) -> str:
    """A text with the sources of its references."""
    return "".join(part.source if isinstance(part, Expression) else part for part in template)
