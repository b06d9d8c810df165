"""Small files of every kind that may be sent, made here byte by byte; and files that may not."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib


def png(width: int = 3, height: int = 2) -> bytes:
    """A grey picture that a browser shows."""
    rows = b"".join(b"\0" + b"\x99" * width for _ in range(height))

    def part(name: bytes, content: bytes) -> bytes:
        check = zlib.crc32(name + content)
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", check)

    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    parts = part(b"IHDR", head) + part(b"IDAT", zlib.compress(rows)) + part(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + parts


def jpeg(width: int = 3, height: int = 2) -> bytes:
    """The parts of a JPEG, without a picture in them."""
    frame = b"\xff\xc0" + struct.pack(">HBHHB", 11, 8, height, width, 1) + b"\x01\x11\x00"
    scan = b"\xff\xda\x00\x08\x01\x01\x00\x00\x3f\x00" + b"\x12\x34"
    return (
        b"\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00" + frame + scan + b"\xff\xd9"
    )


def gif() -> bytes:
    """One pixel."""
    return (
        b"GIF89a\x01\x00\x01\x00\x80\x00\x00\x00\x00\x00\xff\xff\xff!\xf9\x04\x01\x00\x00\x00\x00,\x00\x00\x00\x00"
        b"\x01\x00\x01\x00\x00\x02\x02D\x01\x00;"
    )


def webp() -> bytes:
    """One pixel, without loss."""
    body = b"VP8L\x0d\x00\x00\x00/\x00\x00\x00\x10\x07\x10\x11\x11\x88\x88\xfe\x07\x00"
    return b"RIFF" + struct.pack("<I", 4 + len(body)) + b"WEBP" + body


def wav(seconds: float = 0.1) -> bytes:
    """Silence."""
    sound = b"\x80" * int(8000 * seconds)
    head = struct.pack("<4sIHHIIHH4sI", b"fmt ", 16, 1, 1, 8000, 8000, 1, 8, b"data", len(sound))
    return b"RIFF" + struct.pack("<I", 4 + len(head) + len(sound)) + b"WAVE" + head + sound


def ogg() -> bytes:
    """The first page of an Opus stream."""
    return b"OggS\x00\x02" + bytes(20) + b"\x01\x13OpusHead\x01\x01" + bytes(9)


def boxes(brand: bytes, *names: bytes) -> bytes:
    """An ISO base media file of empty boxes."""
    head = struct.pack(">I", 20) + b"ftyp" + brand + bytes(4) + brand
    return head + b"".join(struct.pack(">I", 16) + name + bytes(8) for name in names)


def mp4() -> bytes:
    return boxes(b"isom", b"moov", b"mdat")


def mp3() -> bytes:
    return b"ID3\x04\x00\x00\x00\x00\x00\x05" + bytes(5) + b"\xff\xfb\x90\x00" + bytes(60)


def pdf() -> bytes:
    return b"%PDF-1.4\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n"


def zipped(members: dict[str, bytes]) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return made.getvalue()


def docx(**more: bytes) -> bytes:
    return zipped({"[Content_Types].xml": b"<Types/>", "word/document.xml": b"<w/>", **more})


TAKEN: dict[str, tuple[bytes, str]] = {
    "png": (png(), "image/png"),
    "jpeg": (jpeg(), "image/jpeg"),
    "gif": (gif(), "image/gif"),
    "webp": (webp(), "image/webp"),
    "heic": (boxes(b"heic", b"meta", b"mdat"), "image/heic"),
    "avif": (boxes(b"avif", b"meta", b"mdat"), "image/avif"),
    "a photo with a film behind it": (jpeg() + mp4(), "image/jpeg"),
    "wav": (wav(), "audio/wav"),
    "ogg": (ogg(), "audio/ogg"),
    "mp3": (mp3(), "audio/mpeg"),
    "mp3 without tags": (b"\xff\xfb\x90\x00" + bytes(60), "audio/mpeg"),
    "aac": (b"\xff\xf1\x50\x80\x02\x1f\xfc" + bytes(20), "audio/aac"),
    "m4a": (boxes(b"M4A ", b"moov", b"mdat"), "audio/mp4"),
    "amr": (b"#!AMR\n" + bytes(33), "audio/amr"),
    "flac": (b"fLaC\x80\x00\x00\x22" + bytes(40), "audio/flac"),
    "mp4": (mp4(), "video/mp4"),
    "mov": (boxes(b"qt  ", b"moov"), "video/quicktime"),
    "3gp": (boxes(b"3gp4", b"moov"), "video/3gpp"),
    "webm": (b"\x1aE\xdf\xa3" + bytes(30) + b"\x18\x53\x80\x67" + bytes(20), "video/webm"),
    "pdf": (pdf(), "application/pdf"),
    "docx": (docx(), "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
    "odt": (
        zipped({"mimetype": b"application/vnd.oasis.opendocument.text", "content.xml": b"<x/>"}),
        "application/vnd.oasis.opendocument.text",
    ),
    "text": ("Họ tên;Tuổi\nLê Thị Năm;71\n".encode(), "text/plain"),
    "text of Windows": ("\ufeffGhi chú\r\n".encode(), "text/plain"),
}

NOT_TAKEN: dict[str, bytes] = {
    "a program of Windows": b"MZ\x90\x00" + bytes(100),
    "a program of Linux": b"\x7fELF\x02\x01\x01" + bytes(100),
    "a script": b"#!/bin/sh\nrm -rf ~\n",
    "a page": b"<!DOCTYPE html><html><script>alert(1)</script>",
    "a drawing with a script": b'<svg xmlns="http://www.w3.org/2000/svg"><script/></svg>',
    "an archive": zipped({"a.txt": b"a"}),
    "an app": zipped({"AndroidManifest.xml": b"x", "classes.dex": b"dex\n035"}),
    "a document with macros": docx(**{"word/vbaProject.bin": b"x"}),
    "an old Word document": b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600),
    "a picture that is an archive too": png() + zipped({"a.class": b"\xca\xfe\xba\xbe"}),
    "a photo that is an archive too": jpeg() + zipped({"stub.php": b"<?php"}),
    "a picture that is a script too": gif()[:6] + b"/*<script>*/" + gif()[6:],
    "a PDF that is an archive too": pdf() + zipped({"x": b"y"}),
    "a photo with a program for a server": jpeg().replace(b"JFIF\x00", b"<?php", 1),
    "bytes of chance": bytes(range(256)),
    "an unknown film": boxes(b"zzzz", b"moov"),
}
