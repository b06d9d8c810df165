"""Files that come with a form: beside the workbook, or with it in one archive."""

from __future__ import annotations

import io
import re
import zipfile
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from surveys.attachments import Attachment, attachment, safe_name
from surveys.problems import Problem

MAX_FILE = 20 * 2**20
MAX_TOTAL = 40 * 2**20
"""Bytes of one file, and of all files of a form together."""
MAX_ENTRIES = 500
RATIO = 200
"""Unpacked to packed of one entry, counted from the first MiB on."""

FORMS = (".xlsx", ".xlsm", ".xls")


@dataclass(frozen=True, slots=True)
class Package:
    """A workbook with the files that came with it, by name."""

    content: bytes
    name: str = ""
    files: Mapping[str, bytes] = field(default_factory=dict)


def beside(workbook: Path, names: Iterable[str]) -> tuple[Attachment, ...]:
    """Those of the files ``names`` that stand in the workbook's folder or in ``<name>-media`` beside it.

    Capital and small letters count as the same where no file is called exactly so. Raises Problem
    ``form_attached_too_large``.
    """
    folders = [workbook.parent / f"{workbook.stem}-media", workbook.parent]
    listed = [_listing(folder) for folder in folders]
    found: list[Attachment] = []
    total = 0
    for name in names:
        path = next((one for there in listed if (one := _pick(there, name))), None)
        if path is None:
            continue
        with path.open("rb") as file:
            content = file.read(MAX_FILE + 1)
        total += len(content)
        if len(content) > MAX_FILE or total > MAX_TOTAL:
            raise Problem("form_attached_too_large", status=413, name=name, limit=MAX_FILE // 2**20)
        found.append(attachment(name, content))
    return tuple(found)


def _listing(folder: Path) -> dict[str, Path]:
    try:
        return {path.name: path for path in folder.iterdir() if path.is_file()}
    except OSError:
        return {}


def _pick(there: Mapping[str, Path], name: str) -> Path | None:
    if name in there:
        return there[name]
    return next((path for other, path in there.items() if other.lower() == name.lower()), None)


def chosen(files: Mapping[str, bytes], names: Iterable[str]) -> tuple[Attachment, ...]:
    """Those of the files ``names`` that are among ``files``."""
    return tuple(attachment(name, files[name]) for name in names if name in files)


def unpack(content: bytes) -> Package | None:
    """The workbook in an archive and the files with it; ``None`` if ``content`` is no such archive.

    The workbook is the only one in the archive, or the only one that lies highest; folders count nothing.
    Raises Problem ``form_unsafe``, ``form_encrypted`` or ``form_corrupt``.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            entries = [entry for entry in archive.infolist() if not entry.is_dir()]
            names = {entry.filename for entry in entries}
            if "[Content_Types].xml" in names or "mimetype" in names:
                return None
            workbook = _workbook(names)
            if workbook is None:
                return None
            if len(entries) > MAX_ENTRIES or sum(entry.file_size for entry in entries) > MAX_TOTAL:
                raise Problem("form_unsafe")
            if any(entry.flag_bits & 0x1 for entry in entries):
                raise Problem("form_encrypted")
            files: dict[str, bytes] = {}
            for entry in entries:
                name = PurePosixPath(entry.filename).name
                if entry.filename == workbook or (safe_name(name) and "__MACOSX" not in entry.filename):
                    files[entry.filename if entry.filename == workbook else name] = _read(archive, entry)
            return Package(files.pop(workbook), PurePosixPath(workbook).stem, files)
    except (
        zipfile.BadZipFile,
        zlib.error,
        EOFError,
        NotImplementedError,
        ValueError,
        OverflowError,
    ) as error:
        raise Problem("form_corrupt") from error


def _workbook(names: Iterable[str]) -> str | None:
    books = [
        name
        for name in names
        if name.lower().endswith(FORMS)
        and "__MACOSX" not in name
        and not re.match(r"[.~]", PurePosixPath(name).name)
    ]
    if not books:
        return None
    highest = min(name.count("/") for name in books)
    top = [name for name in books if name.count("/") == highest]
    return top[0] if len(top) == 1 else None


def _read(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> bytes:
    """One entry; what it says of its size is not believed."""
    allowed = max(2**20, entry.compress_size * RATIO)
    with archive.open(entry) as stream:
        content = stream.read(min(MAX_FILE, allowed) + 1)
    if len(content) > min(MAX_FILE, allowed):
        raise Problem("form_unsafe")
    return content
