"""``hoidan import``: files taken in whole or not at all, with a report per line."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Coroutine
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

import surveys
from bot.authoring.areas import NEWEST, read_file
from bot.cli.frame import Group, Shown, act, say
from bot.cli.frame import language as spoken
from bot.problems import explain, said
from surveys.problems import Problem

if TYPE_CHECKING:
    from bot.office import Desk, Office

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


@imports.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--area", metavar="VINTAGE/CODE")
@click.option("--vintage", metavar="YYYY-MM-DD")
def households(file: Path, area: str | None, vintage: str | None, as_account: str | None) -> Shown:
    from bot.office import Desk, enter
    from bot.settings import load
    from bot.worker import Worker

    given: dict[str, Any] = {"content": _content(file), "name": file.name, "language": spoken()}
    given |= {name: value for name, value in (("area", area), ("vintage", vintage)) if value is not None}
    settings = load()
    with enter(settings) as office:
        begun = office.call("household.import", given, as_account)
        if isinstance(office, Desk):
            # No server of ours would do it: it is done here and now.
            worker = Worker(settings, office.database, office.keyring)
            asyncio.run(_watched(worker.drain(), office, begun["id"]))
        report = _awaited(office, begun["id"], as_account)
    return list_shown(report)


def _content(file: Path) -> bytes:
    from bot.authoring.sheets import MOST_BYTES

    try:
        with file.open("rb") as opened:
            content = opened.read(MOST_BYTES + 1)
    except OSError:
        raise Problem("household_file_missing", file=file.name[:60]) from None
    if len(content) > MOST_BYTES:
        raise Problem("household_file_large", limit=MOST_BYTES >> 20)
    return content


LOOK_S = 2.0
"""How often it is looked how far a list is. Asking a server is an action, and stands in the audit."""
PATIENCE_S = 1_800.0
"""How long a list may take a server that has other things to do, too."""


async def _watched(work: Coroutine[Any, Any, object], desk: Desk, upload: int) -> None:
    """Have the work done, and say how far it is to whoever looks on."""
    from storage import household_imports

    doing = asyncio.create_task(work)
    while not (await asyncio.wait({doing}, timeout=LOOK_S))[0]:
        found = await desk.database.reading(lambda connection: household_imports.get(connection, upload))
        _show_progress(found.progress if found is not None else 0)
    await doing


def _show_progress(percent: int) -> None:
    """Where somebody looks on, not in a file: a list of 100,000 lines takes a minute."""
    if sys.stderr.isatty():
        click.echo(f"\r{say('import.reading', percent=percent)}", err=True, nl=percent >= 100)


def _awaited(office: Office, upload: int, as_account: str | None) -> dict[str, Any]:
    """The report of a list, once there is one."""
    until = time.monotonic() + PATIENCE_S
    while True:
        report: dict[str, Any] = office.call("household.report", {"upload": upload}, as_account)
        if report["state"] != "waiting":
            _show_progress(100)
            return report
        _show_progress(report["progress"])
        if time.monotonic() > until:
            raise Problem("household_slow", status=503, upload=upload)
        time.sleep(LOOK_S)


def list_shown(report: dict[str, Any]) -> Shown:
    """What came of a list of households."""
    from bot.households import told

    summary, state = report["summary"], report["state"]
    remarks = [{**remark, "message": _of_list(remark)} for remark in report["remarks"]]
    document = {**report, "remarks": remarks}
    if state == "done":
        lines = [told(spoken(), summary), *(remark["message"] for remark in remarks[:REMARKS_SHOWN])]
        if len(remarks) > REMARKS_SHOWN:
            lines.append(say("import.more", count=len(remarks) - REMARKS_SHOWN))
        return Shown(document, lines)
    if "problem" in summary:
        problem = Problem(summary["problem"]["code"], **summary["problem"]["params"])
    elif state == "refused":
        counts = {"lines": summary["refused_lines"], "number": summary["refused"]}
        problem = Problem("household_lines_refused", **counts)
    else:
        problem = Problem("household_failed")
    message = explain(spoken(), problem)
    refused = [remark for remark in remarks if remark["refused"]]
    click.echo(message, err=True)
    for remark in refused[:REMARKS_SHOWN]:
        click.echo(remark["message"], err=True)
    if len(refused) > REMARKS_SHOWN:
        click.echo(say("import.more", count=len(refused) - REMARKS_SHOWN), err=True)
    return Shown({"error": {"code": problem.code, "message": message}, **document}, failed=True)


def _of_list(remark: dict[str, Any]) -> str:
    from bot.frames import place_of

    key = f"households.{'refused' if remark['refused'] else 'note'}.{remark['code']}"
    where = place_of(spoken(), remark["sheet"], remark["line"], remark["column"])
    return where + said(spoken(), key, remark["params"])
