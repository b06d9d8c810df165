"""An author's .xlsx → XForm, in a child process that can be killed.

The file is anybody's: it is measured and its archive unpacked into nothing here, within bounds, before a
library that builds trees from it sees a byte (in :mod:`bot.authoring.child`, under limits). pyxform and
openpyxl are never imported by this process.
"""

from __future__ import annotations

import codecs
import contextlib
import difflib
import io
import json
import os
import re
import selectors
import signal
import subprocess
import sys
import tempfile
import time
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple
from xml.parsers import expat

from bot.authoring.attached import FORMS, beside, chosen, unpack
from surveys.attachments import Attachment, named_files
from surveys.problems import Problem
from surveys.xform import Finding, Row, Severity, choice_ref, in_order

MEBIBYTE = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Limits:
    """What one conversion may take. Sizes in bytes, times in seconds."""

    file: int = 10 * MEBIBYTE
    entries: int = 1_000
    unpacked: int = 64 * MEBIBYTE
    ratio: int = 200
    """Unpacked to packed of one entry, counted from the first MiB on: sheets of empty cells pack well."""
    seconds: float = 120
    memory: int = 1024 * MEBIBYTE
    output: int = 32 * MEBIBYTE


LIMITS = Limits()


@dataclass(frozen=True, slots=True)
class Converted:
    """What a conversion came to. ``xform`` is empty when ``errors`` say why there is none.

    ``attached`` are the files that the form names and that came with it.
    """

    xform: str
    rows: Mapping[str, Row]
    warnings: tuple[Finding, ...] = ()
    errors: tuple[Finding, ...] = ()
    attached: tuple[Attachment, ...] = ()


def convert(
    source: str | os.PathLike[str] | bytes,
    *,
    limits: Limits = LIMITS,
    name: str = "",
    files: Mapping[str, bytes] | None = None,
) -> Converted:
    """Convert a workbook, given by its path or its bytes.

    ``name`` becomes the form's id where its settings give none; by default the file's name without its
    ending. Files that the form names (lists, tables, media) are looked for in ``files``, beside a workbook
    given by its path (in its folder and in ``<name>-media``), and in the archive where workbook and files
    came as one .zip. A file that is no workbook, or a dangerous one, raises :class:`Problem`
    (``form_not_found``, ``form_too_large``, ``form_not_xlsx``, ``form_corrupt``, ``form_encrypted``,
    ``form_unsafe``, ``form_too_slow``, ``form_too_heavy``, ``form_converter_died``,
    ``form_attached_too_large``); what is wrong inside it is in ``errors``.
    """
    path = None if isinstance(source, bytes) else Path(source)
    if isinstance(source, bytes):
        content = source
    else:
        content = _read(Path(source), limits)
        name = name or Path(source).stem
    there = dict(files or {})
    package = unpack(content) if content.startswith(b"PK") else None
    if package is not None:
        content, name, path = package.content, package.name, None
        there = {**package.files, **there}
    inspect(content, limits=limits)
    document = _run(content, _form_id(name), limits)
    if content.startswith(_OLE) and document["error"] is not None and document["error"]["kind"] == "crash":
        # Newer workbooks are looked through before; of an old one its reader says what is wrong.
        secret = "encrypted" in document["error"]["message"]
        raise Problem("form_encrypted" if secret else "form_corrupt")
    made = interpret(document)
    names = list(named_files(made.xform))
    found = chosen(there, names)
    if path is not None:
        known = {file.name for file in found}
        found += beside(path, (name for name in names if name not in known))
    return replace(made, attached=found)


def _form_id(name: str) -> str:
    """A file name as a form id: XLSForm wants no blanks, and an argument no leading hyphen."""
    return re.sub(r"[^\w.]+", "_", name).strip("_")[:100]


# Before any library -----------------------------------------------------------------------------------------


def _read(path: Path, limits: Limits) -> bytes:
    try:
        with path.open("rb") as file:
            content = file.read(limits.file + 1)
            size = os.fstat(file.fileno()).st_size
    except (FileNotFoundError, IsADirectoryError, PermissionError):
        raise Problem("form_not_found", status=404, name=path.name) from None
    if len(content) > limits.file:
        raise _too_large(max(size, len(content)), limits)
    if path.suffix.lower() not in (*FORMS, ".zip"):
        raise Problem("form_not_xlsx", name=path.name)
    return content


def _too_large(size: int, limits: Limits) -> Problem:
    return Problem(
        "form_too_large",
        status=413,
        megabytes=round(size / MEBIBYTE, 1),
        limit=round(limits.file / MEBIBYTE, 1),
    )


_OLE = bytes.fromhex("d0cf11e0a1b11ae1")
"""The start of an Excel 97 workbook, and of any workbook under a password."""

_PASSWORD = "EncryptedPackage".encode("utf-16-le")
"""The part in which a newer workbook under a password hides."""

_CHUNK = 64 * 1024
_UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def inspect(content: bytes, *, limits: Limits = LIMITS) -> None:
    """Make sure ``content`` is a workbook that can be unpacked within ``limits``; raises :class:`Problem` if
    not.

    Every entry is decompressed in pieces and thrown away, so that neither declared nor hidden sizes can fill
    memory; XML parts are read through with a parser that builds nothing and stops at a document type, the
    only place where entities can be declared.
    """
    if len(content) > limits.file:
        raise _too_large(len(content), limits)
    if content.startswith(_OLE):
        if _PASSWORD in content:
            raise Problem("form_encrypted")
        # Its parts are not packed: there is nothing to grow.
        return
    if not content.startswith(b"PK"):
        raise Problem("form_not_xlsx", name="")
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            _inspect_archive(archive, limits)
    except (
        zipfile.BadZipFile,
        zlib.error,
        EOFError,
        NotImplementedError,
        ValueError,
        OverflowError,
    ) as error:
        raise Problem("form_corrupt") from error


def _inspect_archive(archive: zipfile.ZipFile, limits: Limits) -> None:
    entries = archive.infolist()
    names = [entry.filename for entry in entries]
    if len(entries) > limits.entries:
        raise Problem("form_unsafe")
    if any(entry.flag_bits & 0x1 for entry in entries):
        raise Problem("form_encrypted")
    if any(entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED) for entry in entries):
        raise Problem("form_corrupt")
    if len(set(names)) != len(names) or any(
        name.startswith(("/", "\\")) or ".." in re.split(r"[/\\]", name) for name in names
    ):
        raise Problem("form_corrupt")
    if "[Content_Types].xml" not in names or not any(
        re.fullmatch(r"xl/workbook\d*\.xml", name) for name in names
    ):
        raise Problem("form_not_xlsx", name="")
    if sum(entry.file_size for entry in entries) > limits.unpacked:
        raise Problem("form_unsafe")
    left = limits.unpacked
    for entry in entries:
        allowed = min(left, max(MEBIBYTE, entry.compress_size * limits.ratio))
        left -= _read_through(archive, entry, allowed)


def _read_through(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, allowed: int) -> int:
    """Unpack one entry into nothing, at most ``allowed`` bytes; returns its real size."""
    size = 0
    parser: expat.XMLParserType | None = None
    declared = entry.filename.lower().endswith((".xml", ".rels"))
    with archive.open(entry) as stream:
        while chunk := stream.read(_CHUNK):
            if size == 0 and (declared or _looks_like_xml(chunk)):
                parser = expat.ParserCreate()
                parser.StartDoctypeDeclHandler = _refuse_doctype
            size += len(chunk)
            if size > allowed:
                raise Problem("form_unsafe")
            parser = _parse(parser, chunk, declared)
    if parser is not None:
        _parse(parser, b"", declared, final=True)
    return size


def _looks_like_xml(chunk: bytes) -> bool:
    return chunk.startswith(_UTF_16) or chunk.removeprefix(codecs.BOM_UTF8).lstrip().startswith(
        (b"<", b"\0<")
    )


def _refuse_doctype(*_declaration: object) -> None:
    raise Problem("form_unsafe")


def _parse(
    parser: expat.XMLParserType | None, chunk: bytes, declared: bool, *, final: bool = False
) -> expat.XMLParserType | None:
    """Feed a part to the parser. A broken part that calls itself XML is a broken file; any other is left
    alone.
    """
    if parser is None:
        return None
    try:
        parser.Parse(chunk, final)
    except expat.ExpatError:
        if declared:
            raise Problem("form_corrupt") from None
        return None
    return parser


# The child --------------------------------------------------------------------------------------------------

_CHILD = Path(__file__).with_name("child.py")


def _run(content: bytes, name: str, limits: Limits) -> Mapping[str, Any]:
    """Run the converter on ``content``; returns its JSON document, or raises :class:`Problem`."""
    with tempfile.TemporaryDirectory(prefix="hoidan-form-") as folder:
        path = Path(folder) / ("form.xls" if content.startswith(_OLE) else "form.xlsx")
        path.write_bytes(content)
        arguments = [
            str(path),
            name,
            str(limits.memory),
            str(max(1, round(limits.seconds))),
            str(limits.output),
        ]
        # Isolated from the settings and secrets of ours; a group of its own, to be killed with all it has.
        child = subprocess.Popen(
            [sys.executable, "-I", "-B", str(_CHILD), *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd=folder,
            env={"PATH": os.defpath, "TMPDIR": folder, "LC_ALL": "C.UTF-8"},
            start_new_session=True,
        )
        try:
            output = _collect(child, limits)
        finally:
            _kill(child)
    try:
        document = json.loads(output)
    except ValueError:
        document = None
    if not isinstance(document, dict):
        if child.returncode == -signal.SIGXCPU:
            raise Problem("form_too_slow", seconds=round(limits.seconds))
        raise Problem("form_converter_died")
    error = document["error"]
    if error is not None and error["kind"] == "memory":
        raise Problem("form_too_heavy")
    return document


def _collect(child: subprocess.Popen[bytes], limits: Limits) -> bytes:
    """All the child writes until it ends, within the limits of time and size."""
    assert child.stdout is not None
    deadline = time.monotonic() + limits.seconds
    pieces: list[bytes] = []
    size = 0
    with selectors.DefaultSelector() as selector:
        selector.register(child.stdout, selectors.EVENT_READ)
        while True:
            left = deadline - time.monotonic()
            if left <= 0 or not selector.select(left):
                raise Problem("form_too_slow", seconds=round(limits.seconds))
            piece = os.read(child.stdout.fileno(), _CHUNK)
            if not piece:
                break
            size += len(piece)
            if size > limits.output:
                raise Problem("form_too_heavy")
            pieces.append(piece)
    try:
        child.wait(max(1.0, deadline - time.monotonic()))
    except subprocess.TimeoutExpired:
        raise Problem("form_too_slow", seconds=round(limits.seconds)) from None
    return b"".join(pieces)


def _kill(child: subprocess.Popen[bytes]) -> None:
    """End the child and whatever it started, and take its exit status."""
    # Until its status is taken the number belongs to it; afterwards it may be somebody else's.
    if child.returncode is None:
        # Already gone: macOS says so with a refusal.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(child.pid, signal.SIGKILL)
        child.wait()
    if child.stdout is not None:
        child.stdout.close()


# What it found ----------------------------------------------------------------------------------------------


class _SurveyRow(NamedTuple):
    """A row of the sheet ``survey`` that is in use: its number, type, name, and the columns it fills in."""

    row: int
    type: str
    name: str
    columns: frozenset[str]


def interpret(document: Mapping[str, Any]) -> Converted:
    """The child's document as a conversion with located findings."""
    foreign = next((header for header in document["headers"].get("survey", ()) if _ODKX.match(header)), None)
    if foreign is not None:
        return Converted("", {}, (), (Finding("odkx", "survey", 1, foreign),))
    survey = [
        _SurveyRow(row, kind, name, frozenset(columns)) for row, kind, name, columns in document["survey"]
    ]
    rows = {path: Row("survey", row) for path, row in document["rows"].items()}
    for listed, choices in document["choices"].items():
        for position, (row, _value) in enumerate(choices):
            rows[choice_ref(listed, position)] = Row("choices", row)
    errors = [
        Finding("formula_without_value", sheet, row, column) for sheet, row, column in document["formulas"]
    ]
    errors += [
        Finding("unsupported_type", "survey", row, "type", {"type": kind})
        for row, kind, _name, _columns in survey
        if _OBSOLETE.match(kind)
    ]
    unseen = {name for _row, kind, name, _columns in survey if _UNSEEN.match(kind)}
    # Nothing is ever changed there by anybody, and the XForm has no trace of the trigger.
    errors += [
        Finding("bad_trigger", "survey", row, "trigger", {"name": name})
        for row, name in document.get("triggers", ())
        if name in unseen
    ]
    unfiltered = [
        Finding("column_ignored", "survey", row, "choice_filter", severity=Severity.WARNING)
        for row, kind, _name, columns in survey
        if "choice_filter" in columns and not _CHOOSES.match(kind)
    ]
    header_errors, warnings = _headers(document["headers"])
    if document["error"] is not None:
        explained = header_errors or [
            _mentioned(found, document.get("mentions", {}))
            for found in _explain(document["error"], survey, document["choices"])
        ]
        told = {(found.code, found.row) for found in errors}
        errors += [found for found in explained if (found.code, found.row) not in told]
    warnings += [
        *unfiltered,
        *(
            Finding("column_ignored", "survey", 1, header, severity=Severity.WARNING)
            for header in document.get("dropped", ())
        ),
        *(finding for sentence in document["warnings"] for finding in _warning(sentence)),
    ]
    return Converted(
        xform=document["xform"],
        rows=rows,
        warnings=in_order(warnings),
        errors=in_order(errors),
    )


_UNSEEN = re.compile(
    r"(hidden|calculate|start|end|today|deviceid|username|phonenumber|email|subscriberid|simserial|audit)$"
)
_ODKX = re.compile(r"clause$|display\.|values_list$")
"""Columns of an ODK-X workbook, another dialect."""

_CHOOSES = re.compile(r"(add )?(select|rank)")
_OBSOLETE = re.compile(r"(begin[ _]loop\b|cascading[ _]select\b|include\b|osm\b)")

_TRANSLATED = {
    "label",
    "hint",
    "guidance_hint",
    "image",
    "big-image",
    "audio",
    "video",
    "constraint_message",
    "required_message",
}
_COLUMNS: Mapping[str, tuple[str, ...]] = {
    "survey": (
        "type",
        "name",
        *sorted(_TRANSLATED),
        "relevant",
        "required",
        "constraint",
        "calculation",
        "default",
        "choice_filter",
        "appearance",
        "read_only",
        "parameters",
        "repeat_count",
        "trigger",
        "media",
        "body",
        "bind",
        "instance",
        "autoplay",
        "rows",
        "save_to",
        "disabled",
        "intent",
    ),
    "choices": ("list_name", "name", "label", "image", "audio", "video", "media"),
    "settings": (
        "form_title",
        "form_id",
        "version",
        "default_language",
        "instance_name",
        "style",
        "public_key",
        "submission_url",
        "allow_choice_duplicates",
        "clean_text_values",
        "name",
    ),
}
"""Names of columns by sheet, as in the XLSForm reference: what an unknown one may have been meant to be."""

_NESTED = {"media", "body", "bind", "instance"}
"""Columns whose header goes on with what they hold (``bind::jr:constraintMsg::vi``)."""

_ALIASES = {
    "relevance",
    "calculate",
    "readonly",
    "caption",
    "command",
    "tag",
    "value",
    "count",
    "requiredmsg",
    "constraining_message",
    "noapperrorstring",
    "title",
    "id_string",
    "prefix",
    "delimiter",
    "labels",
}


def _headers(headers: Mapping[str, Sequence[str]]) -> tuple[list[Finding], list[Finding]]:
    """Headers that are a likely reason for a crash (errors), and headers that look like a slip (warnings)."""
    errors, warnings = [], []
    for sheet, written in headers.items():
        known = _COLUMNS[sheet]
        for header in written:
            first, *rest = (part.strip() for part in re.split("::" if "::" in header else ":", header))
            column = "_".join(first.split()).lower()
            if column in known:
                one_only = sheet == "survey" and column not in {*_TRANSLATED, *_NESTED}
                nested = len(rest) > 1 and column in _TRANSLATED
                if (rest and one_only) or nested or (column == "instance" and not rest):
                    errors.append(Finding("bad_header", sheet, 1, header))
            elif column not in _ALIASES and not column.startswith(("jr", "_")):
                close = difflib.get_close_matches(column, known, n=1, cutoff=0.8)
                if close:
                    params = {"column": header, "meant": close[0]}
                    warnings.append(Finding("unknown_column", sheet, 1, header, params, Severity.WARNING))
    return errors, warnings


@dataclass(frozen=True, slots=True)
class _Sentence:
    """A sentence of pyxform's and the finding it stands for; the pattern's groups become parameters."""

    pattern: re.Pattern[str]
    code: str
    sheet: str = "survey"
    column: str = ""


def _sentence(pattern: str, code: str, sheet: str = "survey", column: str = "") -> _Sentence:
    return _Sentence(re.compile(pattern, re.DOTALL), code, sheet, column)


_SENTENCES = (
    _sentence(r"Unknown question type '(?P<type>.*)'", "unknown_type", column="type"),
    _sentence(r"List name not in choices sheet: (?P<list>\S+)", "unknown_list", column="type"),
    _sentence(r"should be a choices sheet", "no_choices_sheet", "choices"),
    _sentence(r"must have a sheet named 'survey'", "no_survey_sheet", ""),
    _sentence(r"external_choices|external choices", "unsupported_type_external", column="type"),
    _sentence(
        r"different names for the same column were found: (?P<columns>.*?)\. Rename", "duplicate_column"
    ),
    _sentence(r"Duplicate column header: (?P<columns>.*)", "duplicate_column", ""),
    _sentence(r"required column headers were not found: (?P<columns>.*?)\. Learn", "missing_column"),
    _sentence(r"due a missing header row", "missing_header"),
    _sentence(
        r"the '(?P<header>[^']*)' value is invalid\. Column headers must not", "bad_choices_column", "choices"
    ),
    _sentence(r"Choices must have a name", "choice_without_name", "choices", "name"),
    _sentence(r"Choices should have a label", "choice_without_label", "choices", "label"),
    _sentence(r"Choice names must be unique", "duplicate_choice", "choices", "name"),
    _sentence(
        r"Choice names with spaces cannot.*See \[(?P<name>.*)\] in \[(?P<list>.*)\]",
        "bad_choice_name",
        "choices",
        "name",
    ),
    _sentence(r"The name 'meta' is reserved", "reserved_name", column="name"),
    _sentence(
        r"'name' value '(?P<name>[^']*)' is invalid\. (Questions|Repeat)", "duplicate_name", column="name"
    ),
    _sentence(r"'(?P<name>[^']*)' is problematic", "similar_name", column="name"),
    _sentence(r"^The '[^']*' value is invalid. Names must", "bad_name", "settings", "name"),
    _sentence(r"Names must begin with a letter", "bad_name", column="name"),
    _sentence(r"Reference variables must start with", "bad_reference"),
    _sentence(r"Could not find the name '(?P<name>[^']*)'", "unknown_reference"),
    _sentence(r"There is no survey element named '(?P<name>[^']*)'", "unknown_reference"),
    _sentence(r"The name '(?P<name>[^']*)' appears more than once", "ambiguous_reference"),
    _sentence(r"multiple survey elements named '(?P<name>[^']*)'", "ambiguous_reference"),
    _sentence(
        r"Unmatched 'begin_(?P<type>\w+)'.* for the name '(?P<name>.*)'", "unmatched_begin", column="type"
    ),
    _sentence(r"Unmatched 'end_(?P<type>\w+)'", "unmatched_end", column="type"),
    _sentence(r"For the 'range' question type", "bad_range", column="parameters"),
    _sentence(r"'parameters' value is invalid", "bad_parameters", column="parameters"),
    _sentence(r"Question with no type", "no_type", column="type"),
    _sentence(r"Question or group with no name", "no_name", column="name"),
    _sentence(r"Missing calculation", "no_calculation", column="calculation"),
    _sentence(r"element named '(?P<name>.*)' has no label or hint", "no_label", column="label"),
    _sentence(r"calculation trigger for question \$\{(?P<name>[^}]*)", "bad_trigger", column="trigger"),
    _sentence(r"Choice filter not supported with or_other", "or_other_with_filter", column="choice_filter"),
    _sentence(r"specify choices for this 'or other'", "no_choices", column="type"),
    _sentence(r"File name for '.*' should end with", "bad_file_name", column="type"),
    _sentence(r"Question '(?P<name>[^']*)' uses 'search\(\)'", "search_shares_list", column="appearance"),
    _sentence(
        r"Question '(?P<name>[^']*)' is a select from file type, using 'search",
        "bad_search",
        column="appearance",
    ),
    _sentence(r"'save_to' value is invalid|'entities' sheet", "unsupported_entities", column="save_to"),
    _sentence(r"'disabled' column header is not part", "disabled_column", column="disabled"),
    _sentence(
        r"do not contain valid machine-readable codes: (?P<languages>.*?)\. Learn", "language_without_code"
    ),
    _sentence(
        r"same instance id will be generated.*?Instance name: '(?P<list>[^']*)'",
        "same_list_name",
        column="type",
    ),
    _sentence(r"This section has not been included", "unsupported_include", column="type"),
    _sentence(r"Row without name, text, or label is being skipped", "row_skipped"),
    _sentence(r"looking for a sheet named '(?P<sheet>\w+)'.*found: (?P<names>[^.]*)", "sheet_misspelt", ""),
)

_RENAMED: Mapping[str, tuple[str, Mapping[str, object]]] = {
    "unsupported_type_external": ("unsupported_type", {"type": "select_one_external"}),
    "unsupported_include": ("unsupported_type", {"type": "include"}),
    "bad_reference": ("bad_reference", {"example": "${name}"}),
}
"""Codes with parameters that the sentence lacks: above all what we refuse anyway, refused the same way."""

_ROW = re.compile(r"\[row : (\d+)\]\s*")
_SHEET = re.compile(r"[Oo]n the '(\w+)' sheet|for sheet: '(\w+)'")
_COLUMN = re.compile(r"the '([^']+)' value")


def _explain(
    error: Mapping[str, Any],
    survey: Sequence[_SurveyRow],
    choices: Mapping[str, Sequence[Sequence[Any]]],
) -> list[Finding]:
    """What pyxform refused, a finding a sentence; a crash of its own is one finding without a place."""
    if error["kind"] == "crash":
        detail = f"{error['type']}: {error['message']}"
        return [Finding("converter_crashed", params={"message": detail})]
    known = Row(str(error["sheet"] or "survey"), int(error["row"]))
    found = [
        _locate(_read_sentence(text, known, str(error["column"])), survey, choices)
        for text in _sentences(str(error["message"]))
    ]
    return list(found)


def _sentences(message: str) -> Iterator[str]:
    """pyxform joins several refusals with line breaks, each with its own row."""
    parts = re.split(r"\n(?=\[row : \d+\])", message.strip())
    yield from (part for part in parts if part.strip())


def _read_sentence(text: str, known: Row, column: str) -> Finding:
    row, sheet = _ROW.search(text), _SHEET.search(text)
    number = int(row[1]) if row else known.row
    named = (sheet[1] or sheet[2]) if sheet else ""
    for candidate in _SENTENCES:
        matched = candidate.pattern.search(text)
        if matched:
            code, params = _RENAMED.get(candidate.code, (candidate.code, {}))
            return Finding(
                code,
                named or candidate.sheet,
                number,
                candidate.column or column or _quoted_column(text),
                {**{key: value for key, value in matched.groupdict().items() if value is not None}, **params},
            )
    message = _ROW.sub("", text).strip()
    return Finding(
        "converter_refused",
        named or known.sheet,
        number,
        column or _quoted_column(text),
        {"message": message},
    )


def _quoted_column(text: str) -> str:
    quoted = _COLUMN.search(text)
    return quoted[1] if quoted else ""


def _locate(
    finding: Finding,
    survey: Sequence[_SurveyRow],
    choices: Mapping[str, Sequence[Sequence[Any]]],
) -> Finding:
    """Add the row where pyxform names the thing only, and the name where it tells the row only."""
    if finding.row:
        return _name(finding, survey, choices)
    row = 0
    if finding.code == "unknown_type":
        row = _first(used.row for used in survey if used.type == finding.params.get("type"))
    elif finding.code in ("no_label", "bad_trigger", "search_shares_list", "bad_search"):
        row = _first(used.row for used in survey if used.name == finding.params.get("name"))
    elif finding.code == "same_list_name":
        listed_name = str(finding.params.get("list"))
        row = _first(used.row for used in survey if f" {listed_name}." in used.type)
    elif finding.code == "bad_choice_name":
        listed = choices.get(str(finding.params.get("list")), ())
        row = _first(int(number) for number, name in listed if name == finding.params.get("name"))
    elif finding.code == "no_choices_sheet":
        row = _first(used.row for used in survey if used.type.startswith("select"))
        return Finding(finding.code, "survey", row, "type", finding.params)
    elif finding.code in ("missing_column", "duplicate_column", "missing_header"):
        row = 1
    return Finding(finding.code, finding.sheet, row, finding.column, finding.params)


def _mentioned(finding: Finding, mentions: Mapping[str, Sequence[Any]]) -> Finding:
    """Add the place of a reference that pyxform tells the name of only."""
    place = mentions.get(str(finding.params.get("name")))
    if finding.row or place is None or finding.code not in ("ambiguous_reference", "unknown_reference"):
        return finding
    row, column, sheet = place
    return Finding(finding.code, sheet, int(row), finding.column or column, finding.params)


def _name(
    finding: Finding,
    survey: Sequence[_SurveyRow],
    choices: Mapping[str, Sequence[Sequence[Any]]],
) -> Finding:
    found: dict[str, object] = {}
    if finding.sheet == "survey":
        found = next(({"name": used.name} for used in survey if used.row == finding.row), {})
    elif finding.sheet == "choices":
        rows = ((row, name, listed) for listed, placed in choices.items() for row, name in placed)
        found = next(({"name": name, "list": listed} for row, name, listed in rows if row == finding.row), {})
    params = {**found, **finding.params}
    return Finding(finding.code, finding.sheet, finding.row, finding.column, params, finding.severity)


def _first(numbers: Iterable[int]) -> int:
    return next(iter(numbers), 0)


_TOLD_BETTER = (
    "is missing the",  # translations: counted by the reader, cell by cell
    "This form uses or_other and translations",  # the two texts are translated
    "max-pixels",  # pictures are refused
    "Choices should have a label",  # told by the reader with the choice's name
    "is no longer supported on most devices",  # metadata is ignored, and said so
    "Repeat has no label",
)


def _warning(sentence: str) -> Iterator[Finding]:
    for text in _sentences(sentence):
        if any(part in text for part in _TOLD_BETTER):
            continue
        found = _read_sentence(text, Row("", 0), "")
        code = "converter_warned" if found.code == "converter_refused" else found.code
        yield Finding(code, found.sheet, found.row, found.column, found.params, Severity.WARNING)
