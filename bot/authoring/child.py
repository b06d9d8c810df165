"""Convert one XLSForm to an XForm: a program of its own, under limits it sets before it reads anything.

pyxform takes quadratic time on nested repeats, crashes on some real files and reads its input into memory
whole: a process that can be killed is the only safe place for it. Nothing of the product is imported here, so
that the limits hold from the first byte. Usage: ``child.py FORM.xlsx NAME MEMORY_BYTES CPU_SECONDS
OUTPUT_BYTES``; one JSON document goes to standard output (see :func:`document`), nothing to standard error
that a person needs.
"""

from __future__ import annotations

import json
import os
import re
import resource
import sys
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

_DENIED = (
    "socket.",
    "subprocess.",
    "os.system",
    "os.exec",
    "os.fork",
    "os.posix_spawn",
    "os.spawn",
    "urllib.",
)
"""Audit events of starting processes or talking to a network: a converter has no business doing either."""

_WRITTEN = {"calculate": "calculation", "readonly": "read_only", "jr:count": "repeat_count"}
"""pyxform's names of columns, where XLSForm has another."""

_SHEETS = ("survey", "choices", "settings")


def _limit(memory: int, seconds: int, output: int) -> None:
    """Bound address space, processor time (seconds) and written files (bytes); forbid core dumps and the
    network."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    # pyxform writes the XForm to a temporary file and reads it back.
    resource.setrlimit(resource.RLIMIT_FSIZE, (output, output))
    resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 1))
    # macOS knows the name of this limit and refuses to set it.
    if sys.platform != "darwin":
        resource.setrlimit(resource.RLIMIT_AS, (memory, memory))

    def refuse(event: str, _arguments: object) -> None:
        # socket.* also covers __new__ and gethostname; importing the module raises no such event.
        if event.startswith(_DENIED):
            raise PermissionError(event)

    sys.addaudithook(refuse)


def _walk(survey: Iterable[Mapping[str, Any]], root: str) -> tuple[list[list[Any]], dict[str, int]]:
    """Re-walk the survey sheet as pyxform does, since an XForm knows no rows.

    Returns every used row as ``[row, type, name, columns]`` and the row of every path (``/data/group/name``),
    repeats included.
    """
    from pyxform import aliases
    from pyxform.xls2json import RE_BEGIN_CONTROL, RE_END_CONTROL

    used: list[list[Any]] = []
    rows: dict[str, int] = {}
    stack = [f"/{root}"]
    for number, row in enumerate(survey, start=2):
        if not row or aliases.yes_no.get(row.get("disabled")):
            continue
        kind = row.get("type")
        if not isinstance(kind, str) or not kind:
            continue
        name = row.get("name")
        if name is None and kind == "note":
            name = f"generated_note_name_{number}"
        used.append([number, kind, "" if name is None else str(name), sorted(row)])
        if RE_END_CONTROL.search(kind):
            if len(stack) > 1:
                stack.pop()
            continue
        if kind in aliases.settings_header:
            continue
        path = f"{stack[-1]}/{name}"
        rows.setdefault(path, number)
        if RE_BEGIN_CONTROL.search(kind):
            stack.append(path)
    return used, rows


def _mentions(sheet: str, rows: Iterable[Mapping[str, Any]]) -> dict[str, list[Any]]:
    """Where each name is first referred to in a sheet, since some refusals tell the name only."""
    found: dict[str, list[Any]] = {}
    for number, row in enumerate(rows, start=2):
        for column, cell in row.items():
            # Columns such as bind::relevant come grouped.
            cells = (
                cell.items() if column in ("bind", "control") and isinstance(cell, dict) else [(column, cell)]
            )
            for written, value in cells:
                for name in re.findall(r"\$\{\s*([^}\s]+)\s*\}", str(value)):
                    found.setdefault(name, [number, _WRITTEN.get(written, written), sheet])
    return found


def _triggers(survey: Iterable[Mapping[str, Any]]) -> list[list[Any]]:
    """The names in the column ``trigger`` with their rows."""
    return [
        [number, name]
        for number, row in enumerate(survey, start=2)
        for name in re.findall(r"\$\{\s*([^}\s]+)\s*\}", str(row.get("trigger") or ""))
    ]


def _describe(definition: Any, result: dict[str, Any]) -> None:
    """Note headers, rows and choice rows in ``result``, read with pyxform's own header rules."""
    from pyxform import aliases
    from pyxform.parsing.sheet_headers import dealias_and_group_headers
    from pyxform.question import MultipleChoiceQuestion, Option
    from pyxform.survey import Survey

    for sheet in _SHEETS:
        header = getattr(definition, f"{sheet}_header")
        result["headers"][sheet] = list(header[0]) if header else []
    if definition.settings:
        settings = dealias_and_group_headers(
            sheet_name="settings",
            sheet_data=definition.settings,
            sheet_header=definition.settings_header,
            header_aliases=aliases.settings_header,
            header_columns=set(Survey.get_slot_names()),
        ).data
        result["root"] = str(settings[0].get("name", result["root"]))
        result["mentions"] = _mentions("settings", settings)
    if definition.survey:
        survey = dealias_and_group_headers(
            sheet_name="survey",
            sheet_data=definition.survey,
            sheet_header=definition.survey_header,
            header_aliases=aliases.survey_header,
            header_columns=set(MultipleChoiceQuestion.get_slot_names()),
            headers_required={"type"},
            strip_whitespace=True,
        ).data
        result["survey"], result["rows"] = _walk(survey, result["root"])
        result["mentions"] |= _mentions("survey", survey)
        result["triggers"] = _triggers(survey)
    if definition.choices:
        choices = dealias_and_group_headers(
            sheet_name="choices",
            sheet_data=definition.choices,
            sheet_header=definition.choices_header,
            header_aliases=aliases.list_header,
            header_columns=set(Option.get_slot_names()),
            add_row_number=True,
        ).data
        for row in choices:
            if row.get("list name") is not None:
                listed = result["choices"].setdefault(str(row["list name"]), [])
                listed.append([row["__row"], str(row.get("name", ""))])


def _lost_formulas(path: str) -> list[list[Any]]:
    """Cells with a formula whose value the workbook does not carry: ``[sheet, row, column header]``.

    Converters read the value that Excel saved beside a formula; a workbook made by a program has none, and
    the cell would be lost without a word.
    """
    with zipfile.ZipFile(path) as archive:
        sheets = [name for name in archive.namelist() if name.startswith("xl/worksheets/")]
        if not any(re.search(rb"<(\w+:)?f[\s>/]", archive.read(name)) for name in sheets):
            return []
    from openpyxl import load_workbook

    lost: list[list[Any]] = []
    written = load_workbook(path, read_only=True, data_only=False)
    saved = load_workbook(path, read_only=True, data_only=True)
    for title in written.sheetnames:
        if title.lower() not in _SHEETS:
            continue
        header: Sequence[Any] = ()
        pairs = zip(written[title].iter_rows(), saved[title].iter_rows(), strict=False)
        for number, (cells, values) in enumerate(pairs, start=1):
            if number == 1:
                header = [cell.value for cell in cells]
            for index, (cell, value) in enumerate(zip(cells, values, strict=False)):
                if cell.data_type == "f" and value.value is None:
                    column = header[index] if index < len(header) else None
                    lost.append([title.lower(), number, "" if column is None else str(column)])
    return lost


_DEADLY = re.compile(r"\s*instance\s*::?\s*(tag|nodeset|ref)\s*$", re.IGNORECASE)
"""Columns for an attribute of the instance that pyxform takes for an argument of its own, and dies of."""


def _drop_deadly_columns(definition: Any) -> list[str]:
    """Take columns out that mean nothing to an interview and would end the conversion; returns them."""
    dropped = [header for header in (definition.survey_header or [{}])[0] if _DEADLY.match(header)]
    if dropped:
        definition.survey_header = [
            {header: None for header in definition.survey_header[0] if header not in dropped}
        ]
        for row in definition.survey:
            for header in dropped:
                row.pop(header, None)
    return dropped


def _compare_by_identity() -> None:
    """Let pyxform ask whether two elements are *the same*, as it means to.

    It compares by writing out all that stands in both, for every question of a repeat with every repeat
    around it: a minute for a thousand questions in nested repeats. And another repeat of the same content
    would count as the same.
    """
    from pyxform.survey_element import SurveyElement

    SurveyElement.__eq__ = object.__eq__


def document(path: str, name: str) -> dict[str, Any]:
    """What the parent gets.

    ``xform`` (empty when refused), ``warnings`` (pyxform's own sentences), ``error`` (``None`` or ``kind``
    one of ``pyxform``, ``crash``, ``memory``, with ``message``, ``type``, ``sheet``, ``row``, ``column``),
    ``root``, ``survey``, ``rows``, ``mentions`` (a name in ``${name}`` → its first ``[row, column, sheet]``),
    ``triggers`` (``[row, name]`` each), ``choices`` (list → ``[row, name]`` each), ``headers`` (sheet →
    headers as written), ``sheets``, ``formulas``, ``dropped`` (headers of columns that are left out).
    """
    result: dict[str, Any] = {
        "xform": "",
        "warnings": [],
        "error": None,
        "root": "data",
        "survey": [],
        "rows": {},
        "dropped": [],
        "mentions": {},
        "triggers": [],
        "choices": {},
        "headers": {},
        "sheets": [],
        "formulas": [],
    }
    try:
        from pyxform.errors import PyXFormError
        from pyxform.xls2json_backends import get_xlsform
        from pyxform.xls2xform import convert
    except MemoryError:
        result["error"] = {"kind": "memory", "message": "", "type": "MemoryError"}
        return result

    _compare_by_identity()
    try:
        definition = get_xlsform(path, file_type=os.path.splitext(path)[1])
        definition.fallback_form_name = name or None
        result["dropped"] = _drop_deadly_columns(definition)
        result["sheets"] = list(definition.sheet_names or ())
        _describe(definition, result)
        if zipfile.is_zipfile(path):
            result["formulas"] = _lost_formulas(path)
        workbook = {slot: getattr(definition, slot) for slot in type(definition).__slots__}
        converted = convert(workbook, validate=False)
        result["xform"] = converted.xform
        result["warnings"] = [str(sentence) for sentence in converted.warnings]
    except PyXFormError as error:
        context = error.context or {}
        result["error"] = {
            "kind": "pyxform",
            "message": str(error),
            "type": error.code.name if error.code else "",
            "sheet": str(context.get("sheet") or ""),
            "row": context.get("row") or 0,
            "column": str(context.get("column") or ""),
            "name": str(context.get("q") or ""),
        }
    except MemoryError:
        result["error"] = {"kind": "memory", "message": "", "type": "MemoryError"}
    # Whatever else pyxform dies of is its fault or the file's, and the author has to hear of it.
    except Exception as error:
        result["error"] = {"kind": "crash", "message": str(error)[:500], "type": type(error).__name__}
    return result


def main(arguments: Sequence[str]) -> None:
    """Run with ``FORM.xlsx NAME MEMORY_BYTES CPU_SECONDS OUTPUT_BYTES``; writes the JSON document, ends with
    0."""
    path, name, memory, seconds, output = arguments
    _limit(int(memory), int(seconds), int(output))
    # Nothing a library prints may get into the answer.
    answer = os.dup(1)
    os.dup2(2, 1)
    written = json.dumps(document(path, name), ensure_ascii=False).encode()
    with os.fdopen(answer, "wb") as pipe:
        pipe.write(written)


if __name__ == "__main__":
    main(sys.argv[1:])
