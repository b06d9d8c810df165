"""What a file really is, told from its bytes: never from its name or what the sender says of it.

Only kinds of file that a survey has a use for are known, and each is checked as far as it can be without
decoding it: where it begins and ends, that its parts lie inside it, how many pixels it declares. A file that
is something else besides (an archive or a script behind a picture) is none of them. Layouts are those of
their own standards: JPEG (ITU-T T.81), PNG (W3C), GIF89a, WebP and WAVE (RIFF), ISO base media files (ISO/IEC
14496-12), Ogg (RFC 3533), Matroska (RFC 8794), AMR (RFC 4867), PDF (ISO 32000), ZIP (APPNOTE).
"""

from __future__ import annotations

import io
import re
import struct
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

MOST_PIXELS = 120_000_000
"""More than any telephone takes; a picture that declares more is made to fill the memory of who opens it."""
PARTS = 5_000
"""Members of an office document looked at; no honest one has more."""
UNPACKED = 400 << 20
"""Bytes an office document may claim to hold, unpacked."""


class Fault(StrEnum):
    """Why a file is not taken."""

    EMPTY = "empty"
    UNKNOWN = "unknown"
    """Nothing we know, a program, or two things in one."""
    BROKEN = "broken"
    """It ends too early, or its parts don't fit together."""
    PIXELS = "pixels"


class NotTaken(Exception):
    """A file that is not taken, and why."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault.value)
        self.fault = fault


@dataclass(frozen=True, slots=True)
class FileType:
    """A kind of file: its media type, the ending of its name, and the kinds of question it can answer."""

    type: str
    ending: str
    kinds: tuple[str, ...]


_IMAGE, _AUDIO, _VIDEO, _FILE = ("image", "file"), ("audio", "file"), ("video", "file"), ("file",)
_BOTH = ("video", "audio", "file")

JPEG = FileType("image/jpeg", "jpg", _IMAGE)
PNG = FileType("image/png", "png", _IMAGE)
GIF = FileType("image/gif", "gif", _IMAGE)
WEBP = FileType("image/webp", "webp", _IMAGE)
HEIC = FileType("image/heic", "heic", _IMAGE)
AVIF = FileType("image/avif", "avif", _IMAGE)
MP3 = FileType("audio/mpeg", "mp3", _AUDIO)
AAC = FileType("audio/aac", "aac", _AUDIO)
OGG = FileType("audio/ogg", "ogg", _AUDIO)
WAV = FileType("audio/wav", "wav", _AUDIO)
M4A = FileType("audio/mp4", "m4a", _AUDIO)
AMR = FileType("audio/amr", "amr", _AUDIO)
FLAC = FileType("audio/flac", "flac", _AUDIO)
MP4 = FileType("video/mp4", "mp4", _BOTH)
MOV = FileType("video/quicktime", "mov", _VIDEO)
THREE_GP = FileType("video/3gpp", "3gp", _BOTH)
WEBM = FileType("video/webm", "webm", _BOTH)
PDF = FileType("application/pdf", "pdf", _FILE)
DOCX = FileType("application/vnd.openxmlformats-officedocument.wordprocessingml.document", "docx", _FILE)
XLSX = FileType("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "xlsx", _FILE)
PPTX = FileType("application/vnd.openxmlformats-officedocument.presentationml.presentation", "pptx", _FILE)
ODT = FileType("application/vnd.oasis.opendocument.text", "odt", _FILE)
ODS = FileType("application/vnd.oasis.opendocument.spreadsheet", "ods", _FILE)
TXT = FileType("text/plain", "txt", _FILE)

KNOWN = (
    JPEG, PNG, GIF, WEBP, HEIC, AVIF, MP3, AAC, OGG, WAV, M4A, AMR, FLAC, MP4, MOV, THREE_GP, WEBM, PDF, DOCX,
    XLSX, PPTX, ODT, ODS, TXT,
)  # fmt: skip
BY_ENDING = {one.ending: one for one in KNOWN}


def recognise(data: bytes) -> FileType:
    """What ``data`` is. Raises NotTaken."""
    if not data:
        raise NotTaken(Fault.EMPTY)
    for starts, look in _LOOKS:
        if starts(data):
            found = look(data)
            if found not in _ZIPPED and _has_passenger(data):
                raise NotTaken(Fault.UNKNOWN)
            return found
    return _text(data)


def _broken_unless(sound: bool) -> None:
    if not sound:
        raise NotTaken(Fault.BROKEN)


def _pixels(width: int, height: int) -> None:
    _broken_unless(width > 0 and height > 0)
    if width * height > MOST_PIXELS:
        raise NotTaken(Fault.PIXELS)


_SCRIPT = re.compile(rb"<\?php|<\s*(script|html|svg|iframe|body)\b|<!doctype", re.IGNORECASE)


def _has_passenger(data: bytes) -> bool:
    """Whether something else rides along: an archive at the end, or markup that a browser or a server would
    run at the beginning. (What follows a photo's own end is no sign: telephones put a short film there.)
    """
    tail = data[-65_557:]
    at = tail.rfind(b"PK\x05\x06")
    if 0 <= at <= len(tail) - 22 and at + 22 + int.from_bytes(tail[at + 20 : at + 22], "little") == len(tail):
        return True
    return bool(_SCRIPT.search(data[:1024]))


def _jpeg(data: bytes) -> FileType:
    at = 2
    while True:
        _broken_unless(at + 4 <= len(data) and data[at] == 0xFF)
        mark = data[at + 1]
        if mark == 0xFF:
            at += 1
            continue
        if mark == 0x01 or 0xD0 <= mark <= 0xD7:
            at += 2
            continue
        length = int.from_bytes(data[at + 2 : at + 4], "big")
        _broken_unless(length >= 2 and at + 2 + length <= len(data))
        if 0xC0 <= mark <= 0xCF and mark not in (0xC4, 0xC8, 0xCC):
            _broken_unless(length >= 7)
            height, width = struct.unpack(">HH", data[at + 5 : at + 9])
            _pixels(width, height)
            _broken_unless(data.find(b"\xff\xd9", at) >= 0)
            return JPEG
        _broken_unless(mark not in (0xD9, 0xDA))
        at += 2 + length


def _png(data: bytes) -> FileType:
    _broken_unless(data[12:16] == b"IHDR" and len(data) >= 33)
    _pixels(*struct.unpack(">II", data[16:24]))
    at = 8
    while True:
        _broken_unless(at + 12 <= len(data))
        length = int.from_bytes(data[at : at + 4], "big")
        end = at + 12 + length
        _broken_unless(end <= len(data))
        if data[at + 4 : at + 8] == b"IEND":
            return PNG
        at = end


def _gif(data: bytes) -> FileType:
    _broken_unless(len(data) >= 14 and data.rstrip(b"\0").endswith(b";"))
    _pixels(*struct.unpack("<HH", data[6:10]))
    return GIF


def _riff(data: bytes) -> FileType:
    size = int.from_bytes(data[4:8], "little")
    form = data[8:12]
    if form == b"WAVE":
        # A recorder that streams does not know the size beforehand, and says so.
        _broken_unless(size in (0, 0xFFFFFFFF) or size + 8 <= len(data) + 1)
        return WAV
    if form != b"WEBP":
        raise NotTaken(Fault.UNKNOWN)
    _broken_unless(size + 8 <= len(data) + 1 and len(data) >= 30)
    part = data[12:16]
    if part == b"VP8X":
        _pixels(
            1 + int.from_bytes(data[24:27], "little"),
            1 + int.from_bytes(data[27:30], "little"),
        )
    elif part == b"VP8L":
        bits = int.from_bytes(data[21:25], "little")
        _pixels(1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF))
    else:
        width, height = struct.unpack("<HH", data[26:30])
        _pixels(width & 0x3FFF, height & 0x3FFF)
    return WEBP


_BRANDS = {
    b"heic": HEIC, b"heix": HEIC, b"heim": HEIC, b"heis": HEIC, b"mif1": HEIC, b"msf1": HEIC, b"hevc": HEIC,
    b"avif": AVIF, b"avis": AVIF, b"M4A ": M4A, b"M4B ": M4A, b"qt  ": MOV, b"isom": MP4, b"iso2": MP4,
    b"iso4": MP4, b"iso5": MP4, b"iso6": MP4, b"mp41": MP4, b"mp42": MP4, b"avc1": MP4, b"dash": MP4,
    b"M4V ": MP4, b"MSNV": MP4, b"mp71": MP4,
}  # fmt: skip


def _boxes(data: bytes) -> FileType:
    brand = data[8:12]
    found = THREE_GP if brand[:3] in (b"3gp", b"3g2") else _BRANDS.get(brand)
    if found is None:
        raise NotTaken(Fault.UNKNOWN)
    at, seen = 0, set()
    while at < len(data):
        _broken_unless(at + 8 <= len(data))
        size, name, head = int.from_bytes(data[at : at + 4], "big"), data[at + 4 : at + 8], 8
        if size == 1:
            size, head = int.from_bytes(data[at + 8 : at + 16], "big"), 16
        elif size == 0:
            size = len(data) - at
        _broken_unless(size >= head and at + size <= len(data))
        seen.add(name)
        at += size
    _broken_unless(bool(seen & ({b"meta"} if found in (HEIC, AVIF) else {b"moov", b"moof"})))
    return found


def _ogg(data: bytes) -> FileType:
    _broken_unless(len(data) >= 27 and data[4] == 0 and data[5] & 2 == 2)
    return OGG


def _mp3(data: bytes) -> FileType:
    if data[:3] == b"ID3":
        _broken_unless(len(data) > 10 and not any(byte & 0x80 for byte in data[6:10]))
        size = data[6] << 21 | data[7] << 14 | data[8] << 7 | data[9]
        _broken_unless(10 + size < len(data))
        return MP3
    layer = data[1] >> 1 & 3
    if layer == 0:  # ADTS: a layer that MPEG audio reserves.
        _broken_unless(len(data) >= 7)
        return AAC
    _broken_unless(len(data) >= 4)
    if data[2] >> 4 == 15 or data[2] >> 2 & 3 == 3:
        raise NotTaken(Fault.UNKNOWN)
    return MP3


def _webm(data: bytes) -> FileType:
    _broken_unless(len(data) > 32 and b"\x18\x53\x80\x67" in data[:4096])
    return WEBM


def _pdf(data: bytes) -> FileType:
    _broken_unless(b"%%EOF" in data[-2048:])
    return PDF


_OFFICE = {"word/document.xml": DOCX, "xl/workbook.xml": XLSX, "ppt/presentation.xml": PPTX}
_OPEN = {one.type.encode(): one for one in (ODT, ODS)}
_ZIPPED = frozenset({DOCX, XLSX, PPTX, ODT, ODS})


def _zip(data: bytes) -> FileType:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = archive.infolist()
            names = {member.filename for member in members}
            if len(members) > PARTS or sum(member.file_size for member in members) > UNPACKED:
                raise NotTaken(Fault.UNKNOWN)
            if members and members[0].filename == "mimetype" and members[0].file_size < 200:
                with archive.open(members[0]) as told:
                    found = _OPEN.get(told.read(200))
                macros = any(name.startswith(("Basic/", "Scripts/")) for name in names)
            else:
                found = next((kind for name, kind in _OFFICE.items() if name in names), None)
                found = found if "[Content_Types].xml" in names else None
                macros = any(name.lower().endswith("vbaproject.bin") for name in names)
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, ValueError, EOFError, OSError):
        raise NotTaken(Fault.BROKEN) from None
    if found is None or macros:
        raise NotTaken(Fault.UNKNOWN)
    return found


def _text(data: bytes) -> FileType:
    """Plain text, with nothing in it that a browser or a shell would run."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise NotTaken(Fault.UNKNOWN) from None
    controls = any(character < " " and character not in "\t\r\n\f" for character in text)
    if controls or not text.strip() or text.startswith(("#!", "%!", "{\\rtf")) or _SCRIPT.search(data):
        raise NotTaken(Fault.UNKNOWN)
    return TXT


def _begins(*marks: bytes) -> Callable[[bytes], bool]:
    return lambda data: data.startswith(marks)


def _amr(data: bytes) -> FileType:
    _broken_unless(len(data) > 9)
    return AMR


def _flac(data: bytes) -> FileType:
    _broken_unless(len(data) > 42 and data[4] & 0x7F == 0)
    return FLAC


_LOOKS: tuple[tuple[Callable[[bytes], bool], Callable[[bytes], FileType]], ...] = (
    (_begins(b"\xff\xd8\xff"), _jpeg),
    (_begins(b"\x89PNG\r\n\x1a\n"), _png),
    (_begins(b"GIF87a", b"GIF89a"), _gif),
    (_begins(b"RIFF"), _riff),
    (lambda data: data[4:8] == b"ftyp", _boxes),
    (_begins(b"OggS"), _ogg),
    (_begins(b"ID3"), _mp3),
    (lambda data: data[0] == 0xFF and len(data) > 1 and data[1] & 0xE0 == 0xE0, _mp3),
    (_begins(b"\x1aE\xdf\xa3"), _webm),
    (_begins(b"#!AMR\n", b"#!AMR-WB\n"), _amr),
    (_begins(b"fLaC"), _flac),
    (_begins(b"%PDF-"), _pdf),
    (_begins(b"PK\x03\x04"), _zip),
)
