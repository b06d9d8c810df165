"""``hoidan form``: what an author wants to know before a form is asked."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from bot.authoring.check import check as check_form
from bot.authoring.show import authored, outline
from bot.cli.frame import Command, Group, Shown, language
from surveys.expressions import Expression
from surveys.forms import Question, Text

form = Group("form")

File = click.argument("file", metavar="FORM.xlsx", type=click.Path(path_type=Path))


@form.command(cls=Command)
@File
def check(file: Path) -> Shown:
    report = check_form(file)
    return Shown(report.to_json(language()), report.lines(language()), failed=bool(report.errors))


@form.command(cls=Command)
@File
def show(file: Path) -> Shown:
    report = check_form(file)
    if report.form is None:
        return Shown(report.to_json(language()), report.lines(language()), failed=True)
    described = {**report.to_json(language())["form"], "items": [_item(q) for q in report.form.questions()]}
    return Shown(described, [outline(report.form, language())])


def _item(question: Question) -> dict[str, Any]:
    """A question for programs; texts by the form's own names of its languages."""
    return {
        "ref": question.ref,
        "name": question.name,
        "kind": question.kind.value,
        "row": question.row,
        "label": _text(question.label),
        "hint": _text(question.hint),
        "choices": [{"name": choice.name, "label": _text(choice.label)} for choice in question.choices],
        "required": _rule(question.required),
        "relevant": _rule(question.relevant),
        "constraint": _rule(question.constraint),
        "calculation": _rule(question.calculation),
        "choice_filter": _rule(question.choice_filter),
    }


def _text(text: Text) -> dict[str, str]:
    return {
        name: "".join(part if isinstance(part, str) else authored(part.source) for part in template)
        for name, template in text.by_language.items()
    }


def _rule(expression: Expression | None) -> str | None:
    return None if expression is None else authored(expression.source)
