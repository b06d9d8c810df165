"""``hoidan instrument``: publishing questionnaires with how they are scored."""

from __future__ import annotations

import json
from base64 import b64encode
from pathlib import Path
from typing import Any

import click
import yaml

import surveys
from bot.authoring.check import Report, read_converted
from bot.authoring.convert import convert
from bot.cli.frame import Group, Shown, act, language, moment, say, table, zone
from surveys.problems import Problem

instrument = Group("instrument")

LIBRARY = Path(surveys.__file__).parent / "library"
LARGEST = 2**20
"""Bytes of an ``instrument.yaml``."""


def library() -> list[str]:
    """The names of the instruments that come with the product."""
    return sorted(path.parent.name for path in LIBRARY.glob("*/instrument.yaml"))


def _folder(given: str) -> Path:
    for folder in (Path(given), LIBRARY / given):
        if (folder / "instrument.yaml").is_file():
            return folder
    raise Problem("instrument_folder", folder=given, library=", ".join(library()))


def read_definition(path: Path) -> dict[str, Any]:
    """The content of an ``instrument.yaml``. Raises Problem ``instrument_yaml``."""
    if path.stat().st_size > LARGEST:
        raise Problem("instrument_yaml", line=1)
    try:
        content = yaml.safe_load(path.read_text("utf-8"))
        # As it will be stored: what JSON can't hold (a date, a set) has no place in it either.
        definition = json.loads(json.dumps(content))
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        raise Problem("instrument_yaml", line=mark.line + 1 if mark else 1) from None
    except (UnicodeDecodeError, TypeError, ValueError, RecursionError):
        raise Problem("instrument_yaml", line=1) from None
    if not isinstance(definition, dict):
        raise Problem("instrument_yaml", line=1)
    return definition


@instrument.command()
@click.argument("folder", metavar="FOLDER|NAME")
def publish(folder: str, as_account: str | None) -> Shown:
    place = _folder(folder)
    definition = read_definition(place / "instrument.yaml")
    converted = convert(place / "form.xlsx")
    report = Report(None, converted.errors, converted.warnings)
    if converted.xform and not converted.errors:
        loaded = read_converted(converted)
        report = Report(loaded.form, loaded.errors, loaded.warnings)
    if report.form is None:
        return Shown(report.to_json(language()), report.lines(language()), failed=True)
    rows = {ref: (row.sheet, row.row) for ref, row in converted.rows.items()}
    given = {
        "definition": definition,
        "xform": converted.xform,
        "rows": rows,
        "attached": {file.name: b64encode(file.content).decode() for file in converted.attached},
    }
    made = act("instrument.publish", as_account, given)
    key = "instrument.published" if made["new"] else "instrument.there"
    return Shown(made, [say(key, name=made["name"], version=made["version"], title=made["title"])])


@instrument.command("list")
def listing(as_account: str | None) -> Shown:
    found = act("instrument.list", as_account, {})
    at = zone()
    rows = [
        (each["id"], f"{each['name']}@{each['version']}", moment(each["published_at"], at), each["title"])
        for each in found["instruments"]
    ]
    if not rows:
        return Shown(found, [say("instrument.none", library=", ".join(library()))])
    return Shown(found, table(rows))
