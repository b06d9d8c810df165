"""Pages and the files they need: read once, filled from the catalogues, served from memory."""

from __future__ import annotations

import gzip
import hashlib
import json
import string
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from html import escape
from pathlib import Path

from aiohttp import web

from bot.media import Limits
from bot.texts import LANGUAGES, SOURCE, catalogue, say

STATIC = Path(__file__).parent / "static"
SENTENCES = "web.chat."
"""Sentences under this key are those the chat's script needs."""

_TYPES = {
    ".css": "text/css",
    ".js": "text/javascript",
    ".svg": "image/svg+xml",
}


@dataclass(frozen=True, slots=True)
class File:
    """A file as served. ``mark`` is in its address, so that a browser may keep it for good."""

    name: str
    kind: str
    data: bytes
    zipped: bytes
    mark: str


@lru_cache(maxsize=1)
def files() -> Mapping[str, File]:
    """The static files by name (pages are no static files: they are filled in first)."""
    found = {}
    for path in sorted(STATIC.iterdir()):
        if path.suffix in _TYPES:
            data = path.read_bytes()
            found[path.name] = File(
                path.name,
                _TYPES[path.suffix],
                data,
                gzip.compress(data, 9, mtime=0),
                hashlib.sha256(data).hexdigest()[:12],
            )
    return found


@lru_cache(maxsize=8)
def _template(name: str) -> string.Template:
    return string.Template((STATIC / name).read_text("utf-8"))


def address(name: str) -> str:
    """Where a static file is fetched."""
    return f"/static/{name}?v={files()[name].mark}"


def wanted_language(request: web.Request) -> str:
    """The language for somebody we know nothing about but what their browser accepts.

    Phones sold in Vietnam are often left in English: whoever lists Vietnamese at all reads it.
    """
    listed = [
        part.partition(";")[0].strip().split("-")[0].lower()
        for part in request.headers.get("Accept-Language", "")[:500].split(",")
    ]
    return "en" if "en" in listed and SOURCE not in listed else SOURCE


def _fill(template: str, language: str, raw: Mapping[str, str], **values: str) -> str:
    """A template with its sentences (``$name`` is ``web.name``, ``_`` for ``.``) and values, all
    escaped but ``raw``.
    """
    given = {name: escape(value) for name, value in values.items()} | dict(raw)
    found = _template(template)
    for name in found.get_identifiers():
        if name not in given:
            given[name] = escape(say(language, "web." + name.replace("_", ".", 1)))
    return found.substitute(given)


@lru_cache(maxsize=1)
def _sentences() -> str:
    """The script's sentences in every language, as JSON that can stand inside a page."""
    told = {
        language: {
            key.removeprefix(SENTENCES): text
            for key, text in sorted(catalogue(language).items())
            if key.startswith(SENTENCES)
        }
        for language in LANGUAGES
    }
    return json.dumps(told, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c")


def chat(language: str, code: str, person: str, office: str, title: str, limits: Limits | None = None) -> str:
    """The web chat. ``code`` leads into a campaign, ``person`` tells visitors apart, ``office`` and
    ``title`` say who asks, as far as is known; ``limits`` bounds the files that can be sent.
    """
    limits = limits or Limits()
    return _fill(
        "chat.html",
        language,
        {"sentences": _sentences(), "language": language},
        code=code,
        person=person,
        most=str(limits.largest),
        most_image=str(limits.of("image")),
        office=office,
        title=title,
        heading=office or say(language, "web.chat.name"),
        subtitle=title or say(language, "web.chat.tagline"),
        script=address("chat.js"),
        style=address("chat.css"),
        icon=address("icon.svg"),
    )


def plain(
    language: str, heading: str, text: str, *, button: str = "", token: str = "", action: bool = True
) -> str:
    """A page with a heading, a few words, and either a button that signs in with ``token`` or a way to
    the chat (none without ``action``).
    """
    paragraphs = "".join(f"<p>{escape(part)}</p>" for part in text.split("\n\n"))
    doing = ""
    if token:
        doing = (
            '<form method="post" action="/chat/sign-in">'
            f'<input type="hidden" name="token" value="{escape(token)}">'
            f'<button class="main">{escape(button)}</button></form>'
        )
    elif action:
        doing = (
            f'<p><a class="button" href="/chat">{escape(button or say(language, "web.page.to_chat"))}</a></p>'
        )
    return _fill(
        "page.html",
        language,
        {"paragraphs": paragraphs, "action": doing, "language": language},
        heading=heading,
        style=address("chat.css"),
        icon=address("icon.svg"),
    )


def card(language: str, heading: str, body: str) -> str:
    """A page with a heading over ``body``, which is HTML and escaped where it has to be."""
    raw = {"paragraphs": body, "action": "", "language": language}
    return _fill(
        "page.html", language, raw, heading=heading, style=address("chat.css"), icon=address("icon.svg")
    )


ACCEPT = {
    "image": "image/*",
    "audio": "audio/*",
    "video": "video/*",
    "file": ".pdf,.docx,.xlsx,.pptx,.odt,.ods,.txt,.csv,image/*,audio/*,video/*",
}
"""What a file picker offers for a kind of file (a device offers its camera or recorder by itself)."""


def upload(language: str, token: str, kind: str, most: int, fault: str = "") -> str:
    """The page that takes one file of a ``kind``, ``most`` bytes at most; ``fault`` says why the last one
    was not taken. It works without a script; with one it shows what was picked and how far it is.
    """
    megabytes = str(max(1, most >> 20))
    return _fill(
        "upload.html",
        language,
        {"language": language},
        heading=say(language, f"web.upload.title.{kind}"),
        text=say(language, "web.upload.text", most=megabytes),
        pick=say(language, f"web.upload.pick.{kind}"),
        too_large=say(language, "web.chat.attach_too_large", most=megabytes),
        most=str(most),
        accept=ACCEPT[kind],
        where=f"/upload/{token}",
        fault=fault,
        script=address("upload.js"),
        style=address("chat.css"),
        icon=address("icon.svg"),
    )


def html(text: str, status: int = 200) -> web.Response:
    """A page as a response that no browser keeps."""
    return web.Response(
        text=text,
        status=status,
        content_type="text/html",
        charset="utf-8",
        headers={"Cache-Control": "no-store"},
    )


async def static(request: web.Request) -> web.Response:
    """``GET /static/NAME``."""
    found = files().get(request.match_info["name"])
    if found is None:
        raise web.HTTPNotFound
    headers = {
        "Cache-Control": "public, max-age=31536000, immutable"
        if request.query.get("v") == found.mark
        else "no-cache",
        "ETag": f'"{found.mark}"',
        "Vary": "Accept-Encoding",
    }
    if request.headers.get("If-None-Match") == f'"{found.mark}"':
        return web.Response(status=304, headers=headers)
    data = found.data
    if "gzip" in request.headers.get("Accept-Encoding", ""):
        headers["Content-Encoding"] = "gzip"
        data = found.zipped
    return web.Response(body=data, content_type=found.kind, charset="utf-8", headers=headers)
