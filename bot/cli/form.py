"""``hoidan form``: what an author wants to know before a form is asked."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from bot.authoring.check import check as check_form
from bot.authoring.diff import lines
from bot.authoring.diff import to_json as differences
from bot.authoring.picture import flow
from bot.authoring.show import authored, outline
from bot.cli.frame import Command, Group, Shown, language
from surveys.expressions import Expression
from surveys.forms import Item, Question, Repeat, Text
from surveys.problems import Problem

form = Group("form")

File = click.argument("file", metavar="FORM.xlsx", type=click.Path(path_type=Path))


@form.command(cls=Command)
@File
def check(file: Path) -> Shown:
    report = check_form(file)
    return Shown(report.to_json(language()), report.lines(language()), failed=bool(report.errors))


@form.command(cls=Command)
@File
@click.option("--picture", type=click.Path(path_type=Path), metavar="FILE.svg")
def show(file: Path, picture: Path | None) -> Shown:
    if picture is not None and picture.suffix.lower() != ".svg":
        raise Problem("picture_file", file=picture.name)
    report = check_form(file)
    if report.form is None:
        return Shown(report.to_json(language()), report.lines(language()), failed=True)
    if picture is not None:
        picture.write_text(flow(report.form, language()), encoding="utf-8")
    described = {**report.to_json(language())["form"], "items": [_item(each) for each in report.form.items()]}
    return Shown(described, [outline(report.form, language())])


@form.command(cls=Command)
@click.argument("older", metavar="OLD.xlsx", type=click.Path(path_type=Path))
@click.argument("newer", metavar="NEW.xlsx", type=click.Path(path_type=Path))
def diff(older: Path, newer: Path) -> Shown:
    old, new = check_form(older), check_form(newer)
    for report in (old, new):
        if report.form is None:
            return Shown(report.to_json(language()), report.lines(language()), failed=True)
    assert old.form is not None and new.form is not None
    return Shown(differences(old.form, new.form, language()), lines(old.form, new.form, language()))


def _item(item: Item) -> dict[str, Any]:
    """A question, group or repeat for programs; texts by the form's own names of its languages."""
    if isinstance(item, Question):
        return _question(item)
    return {
        "ref": item.ref,
        "name": item.name,
        "kind": "repeat" if isinstance(item, Repeat) else "group",
        "row": item.row,
        "label": _text(item.label),
        "relevant": _rule(item.relevant),
        "count": _rule(item.count) if isinstance(item, Repeat) else None,
    }


def _question(question: Question) -> dict[str, Any]:
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
        "read_only": _rule(question.read_only)
        if isinstance(question.read_only, Expression)
        else question.read_only,
        "default": question.default,
        "appearance": question.appearance,
    }


def _text(text: Text) -> dict[str, str]:
    return {
        name: "".join(part if isinstance(part, str) else authored(part.source) for part in template)
        for name, template in text.by_language.items()
    }


def _rule(expression: Expression | None) -> str | None:
    return None if expression is None else authored(expression.source)
