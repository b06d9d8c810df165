"""``hoidan import``: files taken in whole or not at all, with a report per line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

import surveys
from bot.authoring.areas import NEWEST, read_file
from bot.cli.frame import Group, Shown, act, say
from bot.cli.frame import language as spoken
from bot.problems import explain, said
from surveys.problems import Problem

imports = Group("import")

SHIPPED = Path(surveys.__file__).parent / "library" / "areas" / f"units_{NEWEST}.csv"
REMARKS_SHOWN = 50


def _rows(path: Path) -> dict[str, Any]:
    table = read_file(path)
    return {
        "name": path.name,
        "columns": table.columns,
        "rows": [(row.line, [row.cells.get(column, "") for column in table.columns]) for row in table.rows],
    }


def _remark(remark: dict[str, Any]) -> str:
    section = "problem" if remark["refused"] else "areas.note"
    sentence = said(spoken(), f"{section}.{remark['code']}", remark["params"])
    return say("areas.line", line=remark["line"], sentence=sentence)


def _report(report: list[dict[str, Any]]) -> list[str]:
    lines = [_remark(remark) for remark in report[:REMARKS_SHOWN]]
    if len(report) > REMARKS_SHOWN:
        lines.append(say("import.more", count=len(report) - REMARKS_SHOWN))
    return lines


def _taken(action: str, as_account: str | None, given: dict[str, Any]) -> Shown:
    try:
        done = act(action, as_account, given)
    except Problem as problem:
        report = problem.params.get("report")
        if not isinstance(report, list | tuple):
            raise
        message = explain(spoken(), problem)
        refused = [remark for remark in report if remark["refused"]]
        click.echo(message, err=True)
        for line in _report(refused):
            click.echo(line, err=True)
        error = {"code": problem.code, "message": message}
        told = [{**remark, "message": _remark(remark)} for remark in report]
        return Shown({"error": error, "report": told}, failed=True)
    counts = {name: done[name] for name in ("added", "changed", "unchanged")}
    told = [{**remark, "message": _remark(remark)} for remark in done["report"]]
    return Shown({**done, "report": told}, [say("import.done", **counts), *_report(done["report"])])


@imports.command()
@click.argument("file", type=click.Path(path_type=Path), required=False)
@click.option("--vintage", metavar="YYYY-MM-DD")
def areas(file: Path | None, vintage: str | None, as_account: str | None) -> Shown:
    return _taken("area.import", as_account, {**_rows(file or SHIPPED), "vintage": vintage})


@imports.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--old-vintage", metavar="YYYY-MM-DD")
@click.option("--new-vintage", metavar="YYYY-MM-DD")
def conversions(
    file: Path, old_vintage: str | None, new_vintage: str | None, as_account: str | None
) -> Shown:
    given = {**_rows(file), "old_vintage": old_vintage, "new_vintage": new_vintage}
    return _taken("conversion.import", as_account, given)
