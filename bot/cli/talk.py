"""``hoidan talk``: answer a form in the terminal (:mod:`bot.talking`), or let a program answer it, a JSON
object a line both ways (:mod:`bot.driving`). Nothing is stored.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from importlib import import_module
from pathlib import Path
from typing import Any

import click

from bot.authoring.check import check as check_form
from bot.channels.terminal import Terminal
from bot.cli.frame import Spoken, zone
from bot.cli.frame import language as language_of_the_system
from bot.cli.instrument import LIBRARY, read_definition
from bot.driving import Drive, Out
from bot.texts import LANGUAGES
from surveys.forms import Form
from surveys.instruments import Instrument, Unit, read_instrument
from surveys.problems import Problem


def exchange(drive: Drive, given: Mapping[str, str], terminal: Terminal) -> None:
    """Talk with a program until the answers are handed in or the input ends."""
    _emit(terminal, drive.begin(given))
    for line in terminal.lines():
        if line.strip():
            _emit(terminal, drive.take(_said(line)))
        if drive.over:
            return


def _said(line: str) -> object:
    """What a line says; None if it is no JSON."""
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        return None


def _emit(terminal: Terminal, events: Iterable[Out]) -> None:
    for event in events:
        terminal.show(json.dumps(event, ensure_ascii=False))


def _pairs(given: Iterable[str]) -> dict[str, str]:
    """``name=value`` texts as a mapping. Raises Problem ``talk_set``."""
    pairs = {}
    for text in given:
        name, equals, value = text.partition("=")
        if not equals or not name.strip():
            raise Problem("talk_set", given=text[:80])
        pairs[name.strip()] = value
    return pairs


def _place(form: Path) -> tuple[Path, dict[str, Any] | None]:
    """The workbook; and what the ``instrument.yaml`` beside it says, for a folder or a shipped one's name."""
    folder = form if form.is_dir() or form.suffix else LIBRARY / form.name
    if not folder.is_dir():
        return form, None
    definition = folder / "instrument.yaml"
    return folder / "form.xlsx", read_definition(definition) if definition.is_file() else None


def _instrument(form: Form, definition: Mapping[str, Any] | None) -> Instrument:
    if definition is not None:
        return read_instrument(definition, form)
    # A form alone offers neither "don't know" nor "prefer not to say".
    return Instrument(id=form.id, version=form.version, status="", form=form.id, unit=Unit.PERSON)


@click.command(cls=Spoken)
@click.argument("form", metavar="FORM.xlsx|FOLDER", type=click.Path(path_type=Path))
@click.option("--language", type=click.Choice(LANGUAGES))
@click.option("--set", "given", multiple=True, metavar="NAME=VALUE")
@click.option("--json", "as_json", is_flag=True)
def talk(form: Path, language: str | None, given: tuple[str, ...], as_json: bool) -> int:
    pairs = _pairs(given)
    spoken = language or language_of_the_system()
    workbook, definition = _place(form)
    with ThreadPoolExecutor(1) as pool:
        # The workbook is opened in a process of its own; what the talk needs is loaded meanwhile.
        checking = pool.submit(check_form, workbook)
        import_module("bot.questionnaires" if as_json else "bot.talking")
        report = checking.result()
    if report.form is None:
        for line in (
            [json.dumps(report.to_json(spoken), ensure_ascii=False)] if as_json else report.lines(spoken)
        ):
            click.echo(line)
        return 1
    if callable(reconfigure := getattr(sys.stdin, "reconfigure", None)):
        reconfigure(encoding="utf-8", errors="replace")
    _begin(report.form, definition, spoken, pairs, as_json)
    return 0


def _begin(
    form: Form, definition: Mapping[str, Any] | None, language: str, given: Mapping[str, str], as_json: bool
) -> None:
    from bot.questionnaires import prepare

    here = zone()
    prepared = prepare(0, form, _instrument(form, definition))
    terminal = Terminal(sys.stdin, sys.stdout)
    if as_json:
        exchange(Drive(prepared, language, lambda: datetime.now(here)), given, terminal)
        return
    from bot.talking import Talk, converse

    converse(Talk(prepared, language, lambda: datetime.now(here)), given, terminal)
