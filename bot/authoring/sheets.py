"""Reads the sheets of a workbook or a CSV file, line by line, in a process of its own with limits.

``python -m bot.authoring.sheets FILE`` prints JSON lines: ``{"sheet", "hidden", "spans"}`` where a sheet
begins, ``[line, hidden, cells, faults]`` for each of its lines that is not blank, ``{"end": true}`` after the
last one, or ``{"problem", "params"}``. :func:`read_sheets` runs it. Nothing of a workbook is carried out: no
macro, no formula, no link; what a formula came to when the file was saved is its value.

Workbooks are read from their XML (ECMA-376, part 1, chapter 18) rather than by openpyxl: its way of reading
without holding all in memory knows neither merged cells nor hidden lines nor formulas that were never
computed, and a list of households needs all three.
"""

from __future__ import annotations

import contextlib
import csv
import io
import os
import re
import resource
import subprocess
import sys
import threading
import unicodedata
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import IO, Any
from xml.parsers import expat

import msgspec

from surveys.frames.cells import not_unicode
from surveys.frames.columns import HEADING_WITHIN
from surveys.frames.lists import Line
from surveys.frames.rows import Sheet
from surveys.problems import Problem

MOST_BYTES = 32 * 2**20
"""Bytes of a file."""
MOST_ROWS = 200_000
"""Lines with anything in them."""
MOST_UNPACKED = 600 * 2**20
MOST_CELLS = 300
"""Columns looked at: a line with more filled ones is no list."""
LONGEST_CELL = 2_000
CHILD_MEMORY = 768 * 2**20
CHILD_SECONDS = 240
_ROOT = Path(__file__).resolve().parents[2]

# ── reading apart ───────────────────────────────────────────────────────────────────────────────────────────


@contextlib.contextmanager
def read_sheets(path: Path) -> Iterator[Iterator[Sheet]]:
    """The sheets of a file, each to be read to its end before the next.

    Raises Problem ``household_file_…``, at once or while lines are read.
    """
    child = subprocess.Popen(
        [sys.executable, "-m", "bot.authoring.sheets", str(path.resolve())],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        cwd=_ROOT,
        # No key and no address of ours is its business.
        env={"PYTHONPATH": str(_ROOT), "PYTHONIOENCODING": "utf-8", "PATH": os.defpath},
    )
    assert child.stdout is not None
    # Processor time is bounded by the child itself; one that sleeps is ended here.
    watch = threading.Timer(CHILD_SECONDS * 3, child.kill)
    watch.daemon = True
    watch.start()
    try:
        yield _told(child.stdout)
    finally:
        watch.cancel()
        child.kill()
        child.stdout.close()
        child.wait()


def _told(lines: IO[bytes]) -> Iterator[Sheet]:
    decode = msgspec.json.Decoder().decode
    said = _next_line(lines, decode)
    while "end" not in said:
        over: list[dict[str, Any]] = []

        def rows(over: list[dict[str, Any]] = over) -> Iterator[Line]:
            while isinstance(row := _next_line(lines, decode), list):
                number, hidden, cells, faults = row
                yield Line(number, tuple(cells), {int(at): what for at, what in faults.items()}, bool(hidden))
            over.append(row)

        reading = rows()
        spans = [(line, first, last) for line, first, last in said["spans"]]
        yield Sheet(said["sheet"], reading, spans, said["hidden"])
        for _ in reading:
            pass
        said = over[0]


def _next_line(lines: IO[bytes], decode: Any) -> Any:
    line = lines.readline()
    if not line.endswith(b"\n"):
        # Killed by a limit, or dead of it in a way that left no answer.
        raise Problem("household_file_heavy")
    said = decode(line)
    if isinstance(said, dict) and "problem" in said:
        raise Problem(said["problem"], **said["params"])
    return said


# ── the program ─────────────────────────────────────────────────────────────────────────────────────────────


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the lines of the file named; the exit code."""
    (name,) = sys.argv[1:] if arguments is None else arguments
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CPU, (CHILD_SECONDS, CHILD_SECONDS + 1))
    resource.setrlimit(resource.RLIMIT_AS, (CHILD_MEMORY, CHILD_MEMORY))
    out = open(sys.stdout.fileno(), "wb", buffering=1 << 20, closefd=False)  # noqa: SIM115 (ours to its end)
    encode = msgspec.json.Encoder().encode

    def say(line: object) -> None:
        out.write(encode(line) + b"\n")

    try:
        number = 0
        for said in sheets_of(Path(name)):
            if isinstance(said, Begin):
                say({"sheet": said.name, "hidden": said.hidden, "spans": said.spans})
                continue
            number += 1
            if number > MOST_ROWS:
                raise Problem("household_file_long", limit=f"{MOST_ROWS:,}".replace(",", "."))
            say([said.number, said.hidden, said.cells, {str(at): what for at, what in said.faults.items()}])
        say({"end": True})
    except MemoryError:
        say({"problem": "household_file_heavy", "params": {}})
    except Problem as problem:
        say({"problem": problem.code, "params": problem.params})
    out.flush()
    return 0


@dataclass(frozen=True, slots=True)
class Begin:
    """A sheet begins: its name, whether it is hidden, and cells merged side by side among its first lines."""

    name: str
    hidden: bool = False
    spans: tuple[tuple[int, int, int], ...] = ()


def sheets_of(path: Path) -> Iterator[Begin | Line]:
    """The sheets of a file and their lines that are not blank. Raises Problem ``household_file_…``."""
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            beginning = file.read(4096)
    except OSError:
        raise Problem("household_file_missing", file=path.name[:60]) from None
    if size > MOST_BYTES:
        raise Problem("household_file_large", limit=MOST_BYTES // 2**20)
    if not size:
        raise Problem("household_file_empty")
    if beginning.startswith(b"PK\x03\x04"):
        yield from _workbook(path)
        return
    _refuse_others(path, beginning)
    yield Begin("")
    yield from read_csv(path.read_bytes())


_OTHERS = {
    b"%PDF": "PDF",
    b"{\\rtf": "RTF",
    b"\x89PNG": "PNG",
    b"\xff\xd8\xff": "JPEG",
    b"Rar!": "RAR",
    b"7z\xbc\xaf": "7-Zip",
    b"\x1f\x8b": "gzip",
}
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
"""How files of Office until 2003 begin, and those of today under a password ([MS-CFB], 2.2)."""


def _refuse_others(path: Path, beginning: bytes) -> None:
    if beginning.startswith(_OLE):
        names = path.read_bytes()
        if "EncryptedPackage".encode("utf-16-le") in names:
            raise Problem("household_file_protected")
        raise Problem("household_file_old")
    for start, kind in _OTHERS.items():
        if beginning.startswith(start):
            raise Problem("household_file_kind", kind=kind)
    if re.match(rb"\s*(?:<!doctype html|<html|<table|<\?xml|<workbook)", beginning, re.IGNORECASE):
        # Some programs write a web page and call it .xls.
        raise Problem("household_file_old")


# ── CSV ─────────────────────────────────────────────────────────────────────────────────────────────────────


def read_csv(data: bytes) -> Iterator[Line]:
    """The lines of a CSV file that are not blank, whatever of the usual encodings and dividers it has.

    Raises Problem ``household_file_encoding``, ``household_file_font``, ``household_file_broken``.
    """
    text = decode(data)
    if text.startswith("sep=") and len(text) > 5:
        divider, text = text[4], text[5:].lstrip("\r\n")
    else:
        divider = _divider(text)
    # A cell may be as long as the file: what is too long is told of its line, by the reader of lines.
    csv.field_size_limit(max(csv.field_size_limit(), len(text) + 1))
    # Strict: without it a quotation mark that nobody closed makes one cell of all lines below, in silence.
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=divider, strict=True)
    line = 1
    try:
        for cells in reader:
            kept = tuple(cell.strip()[:LONGEST_CELL] for cell in cells[:MOST_CELLS])
            if any(kept):
                yield Line(line, kept)
            line = reader.line_num + 1
    except csv.Error:
        raise Problem("household_file_broken", line=line) from None


def _divider(text: str) -> str:
    """What divides cells: what the lines have in common, most of it."""
    lines = [line for line in text[: 1 << 16].splitlines()[:HEADING_WITHIN] if line.strip()]
    return max(";\t,|", key=lambda one: sum(min(line.count(one), 60) for line in lines))


def decode(data: bytes) -> str:
    """The text of a file in UTF-8, UTF-16 or Windows-1258 (Vietnamese), with or without a byte-order mark.

    Raises Problem ``household_file_font`` for letters of TCVN3 or VNI, ``household_file_encoding`` for
    others.
    """
    for mark, encoding in ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16")):
        if data.startswith(mark):
            return _decoded(data, encoding)
    head = data[:4096]
    if b"\0" in head:
        # Without a mark: every other byte of what is mostly ASCII is zero.
        even, odd = head[0::2].count(0), head[1::2].count(0)
        return _decoded(data, "utf-16-le" if odd > even else "utf-16-be")
    with contextlib.suppress(UnicodeDecodeError):
        return data.decode("utf-8")
    western = data.decode("latin-1")
    words = [word for word in re.split(r"[\s,;|\"]+", western) if not word.isascii()][:5_000]
    # In Windows-1258 a tone is a byte of its own after the vowel, where the fonts of old have letters.
    as_1258 = [word.encode("latin-1").decode("cp1258", "replace") for word in words]
    odd_words = sum(1 for word in as_1258 if not_unicode(word) or not _VIETNAMESE.fullmatch(_composed(word)))
    if odd_words * 10 <= len(words):
        return _composed(_decoded(data, "cp1258"))
    kinds = [
        kind for word in words if (kind := not_unicode(word.encode("latin-1").decode("cp1252", "replace")))
    ]
    for kind, font in (("tcvn3", "TCVN3 (.VnTime)"), ("vni", "VNI (VNI-Times)")):
        if kinds.count(kind) * 2 > len(kinds) and len(kinds) * 2 > len(words):
            raise Problem("household_file_font", font=font)
    raise Problem("household_file_encoding")


_VIETNAMESE = re.compile(
    r"[\x20-\x7eàáảãạăằắẳẵặâầấẩẫậèéẻẽẹêềếểễệìíỉĩịòóỏõọôồốổỗộơờớởỡợùúủũụưừứửữựỳýỷỹỵđ"
    r"ÀÁẢÃẠĂẰẮẲẴẶÂẦẤẨẪẬÈÉẺẼẸÊỀẾỂỄỆÌÍỈĨỊÒÓỎÕỌÔỒỐỔỖỘƠỜỚỞỠỢÙÚỦŨỤƯỪỨỬỮỰỲÝỶỸỴĐ“”‘’–—…°\u00a0]*"
)


def _composed(text: str) -> str:
    return unicodedata.normalize("NFC", text)


def _decoded(data: bytes, encoding: str) -> str:
    try:
        return data.decode(encoding)
    except UnicodeDecodeError:
        raise Problem("household_file_encoding") from None


# ── workbooks ───────────────────────────────────────────────────────────────────────────────────────────────

_MAIN = (
    "http://schemas.openxmlformats.org/spreadsheetml/2006/main",
    "http://purl.oclc.org/ooxml/spreadsheetml/main",
)
_RELATIONS = (
    "http://schemas.openxmlformats.org/officeDocument/2006/relationships",
    "http://purl.oclc.org/ooxml/officeDocument/relationships",
)
_TAGS = ("row", "c", "v", "f", "is", "t", "si", "rPh", "sheet", "workbookPr", "numFmt", "xf", "cellXfs")
_NAMES = {f"{space} {tag}": tag for space in _MAIN for tag in _TAGS}
_PIECE = 1 << 17


def _workbook(path: Path) -> Iterator[Begin | Line]:
    try:
        with zipfile.ZipFile(path) as archive:
            yield from _sheets(archive)
    except (zipfile.BadZipFile, expat.ExpatError, KeyError, EOFError, NotImplementedError, RuntimeError):
        # RuntimeError: a part under a password. zlib's own fault comes as BadZipFile or as below.
        raise Problem("household_file_unreadable") from None
    except (ValueError, IndexError, OSError, UnicodeDecodeError):
        raise Problem("household_file_unreadable") from None
    except Exception as fault:
        if type(fault).__module__ == "zlib":
            raise Problem("household_file_unreadable") from None
        raise


def _sheets(archive: zipfile.ZipFile) -> Iterator[Begin | Line]:
    names = set(archive.namelist())
    if sum(part.file_size for part in archive.infolist()) > MOST_UNPACKED:
        raise Problem("household_file_heavy")
    if "mimetype" in names:
        raise Problem("household_file_kind", kind="ODS")
    if "xl/workbook.bin" in names:
        raise Problem("household_file_kind", kind="XLSB")
    if "xl/workbook.xml" not in names:
        raise Problem("household_file_kind", kind="DOCX" if "word/document.xml" in names else "ZIP")
    book = _Book(archive)
    for name, part, hidden in book.sheets:
        if part not in names:
            continue
        merges = _Merges(archive, part)
        yield Begin(name, hidden, merges.spans)
        yield from _lines(archive, part, book, merges)


def _parse(archive: zipfile.ZipFile, part: str, parser: expat.XMLParserType) -> Iterator[None]:
    """Feed a part to a parser, a piece at a time. A document type is refused: nothing needs one but an
    attack.
    """

    def no_doctype(*_: object) -> None:
        raise Problem("household_file_unreadable")

    parser.StartDoctypeDeclHandler = no_doctype
    parser.buffer_text = True
    with archive.open(part) as file:
        while piece := file.read(_PIECE):
            parser.Parse(piece, False)
            yield
        parser.Parse(b"", True)
    yield


_EPOCH = date(1899, 12, 30)
_EPOCH_1904 = date(1904, 1, 1)
_DATES = {14, 15, 16, 17, 22, *range(27, 32), 36, *range(50, 59)}
"""Built-in formats that show a day (ECMA-376, part 1, 18.8.30, with the East Asian ones)."""
_NO_FORMAT = re.compile(r'"[^"]*"|\\.|\[[^\]]*\]|_.|\*.')


class _Book:
    """What the sheets of a workbook share: their names, the texts, which styles show days."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive
        self.epoch = _EPOCH
        self.sheets: list[tuple[str, str, bool]] = []
        self._read_book()
        self.texts = self._read_texts()
        self.dates = self._read_styles()

    def _read_book(self) -> None:
        targets = self._targets()
        found: list[tuple[str, str, bool]] = []

        def start(name: str, attributes: Mapping[str, str]) -> None:
            tag = _NAMES.get(name)
            if tag == "workbookPr" and attributes.get("date1904") in ("1", "true"):
                self.epoch = _EPOCH_1904
            elif tag == "sheet":
                key = next(
                    (attributes[f"{space} id"] for space in _RELATIONS if f"{space} id" in attributes), ""
                )
                hidden = attributes.get("state", "visible") != "visible"
                found.append((attributes.get("name", ""), targets.get(key, ""), hidden))

        parser = expat.ParserCreate(namespace_separator=" ")
        parser.StartElementHandler = start
        for _ in _parse(self._archive, "xl/workbook.xml", parser):
            pass
        self.sheets = found

    def _targets(self) -> dict[str, str]:
        targets: dict[str, str] = {}

        def start(name: str, attributes: Mapping[str, str]) -> None:
            if name.endswith(" Relationship") and attributes.get("TargetMode") != "External":
                target = attributes.get("Target", "")
                targets[attributes.get("Id", "")] = (
                    target.lstrip("/") if target.startswith("/") else f"xl/{target}"
                )

        parser = expat.ParserCreate(namespace_separator=" ")
        parser.StartElementHandler = start
        for _ in _parse(self._archive, "xl/_rels/workbook.xml.rels", parser):
            pass
        return targets

    def _read_texts(self) -> list[str]:
        part = "xl/sharedStrings.xml"
        if part not in self._archive.namelist():
            return []
        texts: list[str] = []
        pieces: list[str] = []
        inside = phonetic = False

        def start(name: str, _attributes: Mapping[str, str]) -> None:
            nonlocal inside, phonetic
            tag = _NAMES.get(name)
            if tag == "t":
                inside = not phonetic
            elif tag == "rPh":
                phonetic = True

        def end(name: str) -> None:
            nonlocal inside, phonetic
            tag = _NAMES.get(name)
            if tag == "si":
                texts.append("".join(pieces)[:LONGEST_CELL])
                pieces.clear()
            elif tag == "t":
                inside = False
            elif tag == "rPh":
                phonetic = False

        def data(text: str) -> None:
            if inside:
                pieces.append(text)

        parser = expat.ParserCreate(namespace_separator=" ")
        parser.StartElementHandler, parser.EndElementHandler, parser.CharacterDataHandler = start, end, data
        for _ in _parse(self._archive, part, parser):
            pass
        return texts

    def _read_styles(self) -> frozenset[int]:
        part = "xl/styles.xml"
        if part not in self._archive.namelist():
            return frozenset()
        formats: dict[int, str] = {}
        used: list[int] = []
        inside = False

        def start(name: str, attributes: Mapping[str, str]) -> None:
            nonlocal inside
            tag = _NAMES.get(name)
            if tag == "numFmt":
                formats[int(attributes.get("numFmtId", "0"))] = attributes.get("formatCode", "")
            elif tag == "cellXfs":
                inside = True
            elif tag == "xf" and inside:
                used.append(int(attributes.get("numFmtId", "0")))

        def end(name: str) -> None:
            nonlocal inside
            if _NAMES.get(name) == "cellXfs":
                inside = False

        parser = expat.ParserCreate(namespace_separator=" ")
        parser.StartElementHandler, parser.EndElementHandler = start, end
        for _ in _parse(self._archive, part, parser):
            pass
        return frozenset(
            at for at, key in enumerate(used) if key in _DATES or _shows_days(formats.get(key, ""))
        )


def _shows_days(code: str) -> bool:
    """Whether a number format shows days or years: letters d, y, or m without a clock's h and s."""
    plain = _NO_FORMAT.sub("", code.lower()).split(";")[0]
    return "d" in plain or "y" in plain or ("m" in plain and not re.search("[hs]", plain))


_MERGE = re.compile(
    rb"<(?:\w+:)?mergeCell\b[^>]*\bref=[\"']([A-Z]{1,3})([0-9]{1,7}):([A-Z]{1,3})([0-9]{1,7})[\"']"
)
_MOST_MERGES = 200_000
_LONGEST_MERGE = 200
"""Lines that one merged cell may fill: a household has no more people. What is longer is an ornament."""


def _column(letters: str) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - 64
    return number - 1


class _Merges:
    """The merged cells of a sheet. They stand behind its lines, so they are looked for first.

    ``down``: by their first line, *(column, last line)* of those that span lines. ``spans``: those of the
    first lines that span columns.
    """

    def __init__(self, archive: zipfile.ZipFile, part: str) -> None:
        self.down: dict[int, list[tuple[int, int]]] = {}
        spans: list[tuple[int, int, int]] = []
        for found in self._found(archive, part):
            first, top, last, bottom = (each.decode() for each in found.groups())
            left, right, above, below = _column(first), _column(last), int(top), int(bottom)
            if above < below <= above + _LONGEST_MERGE and left < MOST_CELLS:
                self.down.setdefault(above, []).append((left, below))
            if left < right and above <= HEADING_WITHIN:
                last_column = min(right, MOST_CELLS)
                spans += [(line, left, last_column) for line in range(above, min(below, HEADING_WITHIN) + 1)]
        self.spans = tuple(spans)

    def _found(self, archive: zipfile.ZipFile, part: str) -> Iterator[re.Match[bytes]]:
        number = 0
        kept = b""
        with archive.open(part) as file:
            while piece := file.read(1 << 20):
                kept = kept[-256:] + piece
                if b"mergeCell" not in kept:
                    continue
                end = 0
                for found in _MERGE.finditer(kept):
                    end = found.end()
                    number += 1
                    if number > _MOST_MERGES:
                        raise Problem("household_file_heavy")
                    yield found
                # What was found is not found again at the beginning of the next piece.
                kept = kept[end:]


@dataclass(slots=True)
class _Cell:
    """The cell that is being read."""

    column: int
    kind: str
    style: int
    formula: bool = False
    value: str = ""


@dataclass(slots=True)
class _Row:
    number: int
    hidden: bool
    cells: dict[int, str] = field(default_factory=dict)
    faults: dict[int, str] = field(default_factory=dict)


def _lines(archive: zipfile.ZipFile, part: str, book: _Book, merges: _Merges) -> Iterator[Line]:
    """The lines of a sheet that are not blank; what a merged cell holds is on each line that it spans."""
    ready: list[_Row] = []
    texts, dates = book.texts, book.dates
    row: _Row | None = None
    cell: _Cell | None = None
    column = 0
    number = 0
    collecting = False
    pieces: list[str] = []
    columns: dict[str, int] = {}

    def start(name: str, attributes: Mapping[str, str]) -> None:
        nonlocal row, cell, column, number, collecting
        tag = _NAMES.get(name)
        if tag == "c" and row is not None:
            place = attributes.get("r")
            if place is not None:
                letters = place.rstrip("0123456789")
                at = columns.get(letters)
                if at is None:
                    at = columns[letters] = _column(letters)
                column = at
            cell = _Cell(column, attributes.get("t", "n"), int(attributes.get("s", 0)))
            column += 1
        elif tag == "v" or tag == "t":
            collecting = cell is not None
        elif tag == "f":
            if cell is not None:
                cell.formula = True
        elif tag == "row":
            number = int(attributes.get("r", number + 1))
            row = _Row(number, attributes.get("hidden") in ("1", "true"))
            column = 0

    def end(name: str) -> None:
        nonlocal row, cell, collecting
        tag = _NAMES.get(name)
        if tag == "v" or tag == "t":
            collecting = False
        elif tag == "c" and row is not None and cell is not None:
            told = "".join(pieces)
            pieces.clear()
            if cell.column < MOST_CELLS and (told or cell.formula):
                _keep(row, cell, told, texts, dates, book.epoch)
            cell = None
        elif tag == "row" and row is not None:
            ready.append(row)
            row = None

    def data(text: str) -> None:
        if collecting:
            pieces.append(text)

    parser = expat.ParserCreate(namespace_separator=" ")
    parser.StartElementHandler, parser.EndElementHandler, parser.CharacterDataHandler = start, end, data
    filling: list[tuple[int, int, str]] = []
    for _ in _parse(archive, part, parser):
        for done in ready:
            filling = [each for each in filling if each[1] >= done.number]
            for at, _last, value in filling:
                done.cells.setdefault(at, value)
            if done.number in merges.down:
                filling += [
                    (at, last, done.cells[at]) for at, last in merges.down[done.number] if done.cells.get(at)
                ]
            if done.cells or done.faults:
                width = max((*done.cells, *done.faults)) + 1
                cells = tuple(done.cells.get(at, "") for at in range(width))
                if any(cells) or done.faults:
                    yield Line(done.number, cells, done.faults, done.hidden)
        ready.clear()


def _keep(
    row: _Row, cell: _Cell, told: str, texts: Sequence[str], dates: frozenset[int], epoch: date
) -> None:
    """Put the value of a cell into its line, as a CSV file would have it."""
    kind = cell.kind
    if kind == "s":
        value = texts[int(told)] if told else ""
    elif kind == "e":
        row.faults[cell.column] = told[:20]
        return
    elif not told:
        row.faults[cell.column] = "formula"
        return
    elif kind == "n":
        value = _number(told, cell.style in dates, epoch)
    elif kind == "d":
        value = told[:10]
    else:
        value = told
    value = value[:LONGEST_CELL].strip()
    if value:
        row.cells[cell.column] = value


def _number(told: str, shows_days: bool, epoch: date) -> str:
    """A number as text: whole without ".0", a day as 1985-03-15."""
    if told.isdecimal() and not shows_days:
        return told
    number = float(told)
    if shows_days:
        try:
            # Spreadsheets believe in a 29 February 1900; before it their days are off by one.
            days = int(number) + (1 if epoch is _EPOCH and number < 61 else 0)
            return (epoch + timedelta(days=days)).isoformat()
        except (OverflowError, ValueError):
            return told
    if number.is_integer() and abs(number) < 1e15:
        return str(int(number))
    return f"{number:.10f}".rstrip("0").rstrip(".")


if __name__ == "__main__":
    sys.exit(main())
