"""Takes a list of households in: the work of the task, and what the worker writes of its result.

The child process reads the file, matches it against the frame, seals what is to be written and reports on
every line; the worker's one transaction only inserts. Nothing of the file is written when a single line is
refused.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any, BinaryIO

import msgspec
from sqlalchemy import Connection

import surveys
from bot.authoring.sheets import read_sheets
from bot.texts import say
from storage import areas, audit, household_events, household_imports, household_plans, households
from storage.crypto import Keyring
from storage.database import Database
from surveys.areas import AreaKey
from surveys.frames.lists import Household, Line, Remark
from surveys.frames.matching import Plan, plan
from surveys.frames.places import Locator
from surveys.frames.rows import Frame, Outcome, Report, Sheet, read_frame
from surveys.problems import Problem

KIND = "household_import"
TEMPLATES: Mapping[str, str] = {"vi": "danh-sach-ho.xlsx", "en": "household-list.xlsx"}
"""File names of the shipped templates, by language."""
_FOLDER = Path(surveys.__file__).parent / "library" / "frames"
LINK_HOURS = 24
"""How long the link to a report is good."""
_EVERY = 2_000
"""Lines between two words of progress."""
_HALFWAY = 20_000
"""Lines after which reading counts as half done: how many there are shows at the end."""

Tell = Callable[[int], object]
"""Told how far the work is, in percent."""


def template_file(language: str) -> Path:
    """The empty list to fill in, in a language."""
    return _FOLDER / TEMPLATES[language]


class Row(msgspec.Struct, frozen=True):
    """A remark as it is kept and shown to programs."""

    sheet: str
    line: int
    code: str
    params: dict[str, Any]
    column: str
    refused: bool


def work(database: Database, keys: Keyring, arguments: Mapping[str, Any], tell: Tell) -> dict[str, Any]:
    """Read and match the list; what is to be written lies in ``arguments["folder"]`` afterwards."""
    import_id, folder = int(arguments["import"]), Path(arguments["folder"])
    within = None if arguments["area"] is None else (arguments["area"][0], arguments["area"][1])
    today = date.fromisoformat(arguments["today"])
    file = folder / "list"
    file.write_bytes(
        database.read(lambda connection: household_imports.content(connection, keys, import_id, "file"))
    )
    index = database.read(areas.load)
    result: dict[str, Any] = {
        "import": import_id,
        "account": arguments["account"],
        "folder": str(folder),
        "area": arguments["area"],
        "page": arguments["page"],
    }
    try:
        with read_sheets(file) as sheets:
            locator = Locator(index, within, arguments["vintage"])
            found = read_frame(_counted(sheets, tell), locator, today)
    except Problem as problem:
        told = {"code": problem.code, "params": msgspec.to_builtins(problem.params, enc_hook=str)}
        return {**result, "state": "refused", "summary": {"problem": told}}
    finally:
        file.unlink()
    tell(65)
    made = _match(database, keys, found, folder, tell)
    tell(85)
    summary = _summary(found, made)
    _keep_report(keys, import_id, folder, arguments["language"], found.report, summary)
    return {**result, "state": "refused" if found.report.refused else "done", "summary": summary}


def _counted(sheets: Iterable[Sheet], tell: Tell) -> Iterator[Sheet]:
    """The same sheets, with a word of progress now and then."""
    number = 0

    def lines(sheet: Sheet) -> Iterator[Line]:
        nonlocal number
        for line in sheet.lines:
            number += 1
            if number % _EVERY == 0:
                tell(5 + round(55 * number / (number + _HALFWAY)))
            yield line

    for sheet in sheets:
        yield Sheet(sheet.name, lines(sheet), sheet.spans, sheet.hidden)


def _match(database: Database, keys: Keyring, found: Frame, folder: Path, tell: Tell) -> Plan:
    communes = {one.area for one in found.households}
    offices = {one.given for one in found.households}

    def stock(connection: Connection) -> tuple[list[Household], int]:
        known = households.known(connection, keys, communes, offices)
        communes.update(one.area for one in known)
        return known, household_events.edition(connection, communes)

    known, edition = database.read(stock) if communes else ([], 0)
    tell(75)
    made = plan(found.households, known, found.report)
    tell(80)
    if not found.report.refused:
        with (folder / "plan").open("wb") as file:
            household_plans.save_plan(file, keys, made, communes, edition)
    return made


def _summary(found: Frame, made: Plan) -> dict[str, Any]:
    """Numbers alone: nothing of anybody."""
    report = found.report
    return {
        "lines": found.lines,
        "households": {str(name): number for name, number in made.households.items() if number},
        "people": {str(name): number for name, number in made.people.items() if number},
        "absent": made.absent,
        "refused": report.refused,
        "refused_lines": sum(1 for outcome in report.outcomes.values() if outcome is Outcome.REFUSED),
        "remarks": {
            f"{'refused' if refused else 'note'}.{code}": number
            for (refused, code), number in report.counts.items()
            if number
        },
    }


def numbers(language: str, summary: Mapping[str, Any]) -> list[tuple[str, object]]:
    """A summary in words: *(what, how many)*."""
    of_households, of_people = summary["households"], summary["people"]
    told = [("lines", summary["lines"])]
    if summary["refused"]:
        # What would have been is of no interest: it is read anew when the list comes again.
        told.append(("refused", summary["refused"]))
        return [(say(language, f"households.number.{name}"), number) for name, number in told]
    told += [(f"households_{name}", of_households.get(name, 0)) for name in ("new", "changed", "same")]
    told += [(f"people_{name}", of_people.get(name, 0)) for name in ("new", "changed", "gone")]
    told.append(("absent", summary["absent"]))
    return [(say(language, f"households.number.{name}"), number) for name, number in told]


def _keep_report(
    keys: Keyring, import_id: int, folder: Path, language: str, report: Report, summary: Mapping[str, Any]
) -> None:
    """Lay the report down, sealed: as a workbook, and as data."""
    from bot.authoring.households import report as workbook

    remarks = report.remarks
    outcomes = sorted(report.outcomes.items())
    files = {
        "report": workbook(language, numbers(language, summary), remarks, outcomes),
        "remarks": msgspec.json.encode([_row(remark) for remark in remarks]),
    }
    with (folder / "report").open("wb") as file:
        for kind, data in files.items():
            for number, sealed in household_imports.pieces(keys, import_id, kind, data):
                piece = msgspec.msgpack.encode((kind, number, sealed))
                file.write(len(piece).to_bytes(4, "big"))
                file.write(piece)


def _row(remark: Remark) -> Row:
    params = {name: _plain(value) for name, value in remark.params.items()}
    return Row(remark.place.sheet, remark.place.line, remark.code, params, remark.column, remark.refused)


def _plain(value: object) -> object:
    return value if isinstance(value, str | int | float | bool) or value is None else str(value)


def read_remarks(data: bytes) -> list[Row]:
    """What :func:`work` kept of the remarks."""
    return msgspec.json.decode(data, type=list[Row]) if data else []


def place_of(language: str, sheet: str, line: int, column: str = "") -> str:
    """Where a remark belongs, with a space behind: "Dòng 12, cột “Ngày sinh”: "; nothing for the file as a
    whole.
    """
    if not line:
        return ""
    key = "at_sheet" if sheet else "at_line"
    where = say(language, f"households.{key}", sheet=sheet, line=line)
    if column:
        where += say(language, "households.at_column", column=column)
    return f"{where}: "


# ── what the worker writes ──────────────────────────────────────────────────────────────────────────────────


def dealt_with(connection: Connection, arguments: Mapping[str, Any]) -> dict[str, Any] | None:
    """What to tell of a list that was taken in, or refused, before; None where there is something to do."""
    found = household_imports.get(connection, int(arguments["import"]))
    if found is None or found.state == "waiting":
        return None
    return {"import": found.id, "state": found.state, "summary": dict(found.summary), "link": ""}


def staging(result: Mapping[str, Any], file: BinaryIO, now: int) -> household_plans.Staging:
    """What is to be written of a list that may be, from the file :func:`plan_file`."""
    return household_plans.Staging(
        file, account_id=result["account"], import_id=int(result["import"]), now=now
    )


def plan_file(result: Mapping[str, Any]) -> Path | None:
    """Where the plan of a list lies; None for one that is refused."""
    return Path(result["folder"]) / "plan" if result["state"] == "done" else None


def finish(
    connection: Connection, result: Mapping[str, Any], plan: household_plans.Staging | None, now: int
) -> dict[str, Any]:
    """Make a plan whose new rows are there the frame's, keep the report; the parameters of the message about
    it.

    Raises :class:`storage.household_plans.Stale` when the frame changed in the meantime.
    """
    import_id, folder, state = int(result["import"]), Path(result["folder"]), str(result["state"])
    account_id = result["account"]
    if plan is not None:
        plan.end(connection)
    summary: dict[str, Any] = dict(result["summary"])
    if not household_imports.end(connection, import_id, state, summary, now):
        raise RuntimeError("the list was dealt with already")
    if (folder / "report").exists():
        _put_report(connection, import_id, folder / "report")
    area: Sequence[str] | None = result["area"]
    _record(connection, import_id, account_id, area, "done" if state == "done" else "failed", now)
    told: dict[str, Any] = {"import": import_id, "state": state, "summary": summary, "link": ""}
    if result["page"]:
        value = household_imports.issue_link(connection, import_id, "report", now, LINK_HOURS * 3_600_000)
        told["link"] = report_link(result["page"], value)
    return told


def _put_report(connection: Connection, import_id: int, path: Path) -> None:
    with path.open("rb") as file:
        while size := file.read(4):
            kind, number, sealed = msgspec.msgpack.decode(file.read(int.from_bytes(size, "big")))
            household_imports.add_pieces(connection, import_id, kind, [(number, sealed)])


def give_up(connection: Connection, arguments: Mapping[str, Any], now: int) -> None:
    """The work could not be done: the file goes, nothing was taken."""
    import_id = int(arguments["import"])
    household_imports.end(connection, import_id, "failed", {}, now)
    _record(connection, import_id, arguments["account"], arguments["area"], "failed", now)


def _record(
    connection: Connection,
    import_id: int,
    account_id: int | None,
    area: Sequence[str] | None,
    outcome: str,
    now: int,
) -> None:
    where: AreaKey | None = None if area is None else (area[0], area[1])
    entry = audit.Entry(
        now, account_id, None, "worker", "household.import", where, f"import:{import_id}", outcome
    )
    audit.record(connection, entry)


def upload_link(page: str, value: str) -> str:
    """Where a browser sends a list by a one-time secret."""
    return f"{page.rstrip('/')}/households/{value}"


def report_link(page: str, value: str) -> str:
    """Where a browser sees what came of a list."""
    return f"{page.rstrip('/')}/households/report/{value}"
