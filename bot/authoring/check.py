"""What an author is told about a form: what is wrong, where, and what to do."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from bot.authoring.convert import LIMITS, Converted, Limits, convert
from bot.authoring.show import authored
from bot.texts import LANGUAGES, SOURCE, say
from surveys.forms import Form, Kind
from surveys.problems import Problem
from surveys.xform import Finding, Generated, Loaded, Severity, in_order, read_form


@dataclass(frozen=True, slots=True)
class Report:
    """The outcome of a check. ``form`` is there exactly when there are no errors."""

    form: Form | None
    errors: tuple[Finding, ...] = ()
    warnings: tuple[Finding, ...] = ()

    def to_json(self, language: str = SOURCE) -> dict[str, Any]:
        """The report for programs: the same findings, each with its sentence in ``language``."""
        return {
            "ok": not self.errors,
            "form": None if self.form is None else _summary(self.form),
            "errors": [_finding_json(finding, language) for finding in self.errors],
            "warnings": [_finding_json(finding, language) for finding in self.warnings],
        }

    def lines(self, language: str = SOURCE) -> list[str]:
        """The report for people: a headline, then a line a finding (``survey hàng 12, cột relevant: …``)."""
        return list(self._lines(language))

    def _lines(self, language: str) -> Iterator[str]:
        if self.form is not None:
            yield say(language, "form.check_ok", title=self.form.title, count=_asked(self.form))
        if self.errors:
            yield say(language, "form.check_errors", count=len(self.errors))
            yield from (line(finding, language) for finding in self.errors)
        if self.warnings:
            yield say(language, "form.check_warnings", count=len(self.warnings))
            yield from (line(finding, language) for finding in self.warnings)


def check(
    source: str | os.PathLike[str] | bytes,
    *,
    limits: Limits = LIMITS,
    name: str = "",
    files: Mapping[str, bytes] | None = None,
) -> Report:
    """Convert and read a workbook, given by its path or bytes; whatever is wrong becomes a finding.

    Files that the form names are found as :func:`bot.authoring.convert.convert` says.

    Takes as long as the conversion may take (``limits.seconds``): not for the middle of a turn.
    """
    try:
        loaded = load(source, limits=limits, name=name, files=files)
    except Problem as problem:
        return Report(None, (Finding(problem.code, params=problem.params),))
    return Report(loaded.form, loaded.errors, loaded.warnings)


def load(
    source: str | os.PathLike[str] | bytes,
    *,
    limits: Limits = LIMITS,
    name: str = "",
    files: Mapping[str, bytes] | None = None,
) -> Loaded:
    """The form in a workbook, or its findings. A file that is no safe workbook raises :class:`Problem`."""
    return read_converted(convert(source, limits=limits, name=name, files=files))


def read_converted(converted: Converted) -> Loaded:
    """The form that a conversion came to, or its findings and the reader's."""
    if not converted.xform:
        return Loaded(None, converted.errors, converted.warnings)
    read = read_form(
        converted.xform, converted.rows, generated=generated_texts(), attached=converted.attached
    )
    errors = in_order((*converted.errors, *read.errors))
    warnings = in_order((*converted.warnings, *read.warnings))
    return Loaded(None if errors else read.form, errors, warnings)


def generated_texts() -> dict[str, Generated]:
    """The words for what ``or_other`` adds, by language code; a form that names no language gets the
    product's.
    """
    by_language = {
        language: Generated(say(language, "form.other_choice"), say(language, "form.other_question"))
        for language in LANGUAGES
    }
    return {**by_language, "": by_language[SOURCE]}


def sentence(finding: Finding, language: str) -> str:
    """What is wrong and what to do, without the place."""
    params = dict(finding.params)
    # A fault in an expression is told in the words of the expression language's own catalogue.
    if "reason" in params:
        params["reason"] = say(language, str(params["reason"]), **params)
    if "source" in params:
        params["source"] = authored(str(params["source"]))
    if "kind" in params:
        params["kind"] = say(language, f"form.kind_{params['kind']}")
    # What was wrong with the file as a whole is a problem, told as everywhere else.
    section = "problem" if finding.code.startswith("form_") else "form"
    return say(language, f"{section}.{finding.code}", **params)


def line(finding: Finding, language: str) -> str:
    """The place as the author sees it in the workbook, and the sentence."""
    message = sentence(finding, language)
    if not finding.sheet:
        return message
    place = "_".join(part for part, there in (("row", finding.row), ("column", finding.column)) if there)
    return say(
        language,
        f"form.place_{place or 'sheet'}",
        sheet=finding.sheet,
        row=finding.row,
        column=finding.column,
        message=message,
    )


def _finding_json(finding: Finding, language: str) -> dict[str, Any]:
    return {
        "code": finding.code,
        "severity": Severity(finding.severity).value,
        "sheet": finding.sheet or None,
        "row": finding.row or None,
        "column": finding.column or None,
        "message": sentence(finding, language),
        "params": {name: value if _is_plain(value) else str(value) for name, value in finding.params.items()},
    }


def _is_plain(value: object) -> bool:
    return value is None or isinstance(value, str | int | float | bool)


def _asked(form: Form) -> int:
    return sum(question.kind not in (Kind.NOTE, Kind.CALCULATE, Kind.HIDDEN) for question in form.questions())


def _summary(form: Form) -> dict[str, Any]:
    return {
        "id": form.id,
        "version": form.version,
        "title": form.title,
        "languages": list(form.languages),
        "default_language": form.default_language,
        "questions": _asked(form),
        "digest": form.digest,
    }
