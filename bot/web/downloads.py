"""Files with personal data on our own page: fetched by a one-time link from the chat.

Chat apps open links to draw previews, so the link only shows a page; its button fetches the file. Who asked
for it must still be allowed to have it: the gate is asked again, and writes down that it was fetched.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from html import escape
from pathlib import Path
from typing import Any
from urllib.parse import quote

from aiohttp import web
from sqlalchemy import Connection

from bot.actions import Act, Actor, settle
from bot.problems import explain
from bot.texts import has, say
from bot.web import pages
from bot.web.guard import same_origin
from bot.web.limits import client
from bot.web.services import GATE, SERVICES, Services
from storage import downloads
from storage.database import now_ms
from storage.downloads import Download
from surveys.problems import Problem

CHANNEL = "web"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
FETCHING = {"waiting": "campaign.waiting_file", "leaflets": "campaign.leaflets_file"}
"""The action that gives out each kind of file."""
STREAMED = frozenset({"leaflets"})
"""Kinds that may be large: sent piece by piece, so that no more than one is held."""
TYPES = {".xlsx": XLSX, ".pdf": "application/pdf", ".zip": "application/zip"}
RATE, BURST = 0.2, 20.0
"""Files a second from one address, and at once."""


@dataclass(frozen=True, slots=True)
class _Fetched:
    name: str
    content: bytes | None
    """None: sent piece by piece, from the download with this number."""
    download: int

    @property
    def type(self) -> str:
        return TYPES.get(Path(self.name).suffix, "application/octet-stream")


def _expect(connection: Connection, token: str, now: int) -> Download:
    found = downloads.find(connection, token, now)
    if found is None:
        raise Problem("download_gone", status=410)
    return found


async def page(request: web.Request) -> web.Response:
    """``GET /download/TOKEN``: a page with a button. Nothing is used up by looking, and nothing is told."""
    language, token = pages.wanted_language(request), request.match_info["token"]
    try:
        found = await request.app[SERVICES].database.reading(
            lambda connection: _expect(connection, token, now_ms())
        )
    except Problem as problem:
        return _refused(language, problem)
    body = (
        f"<p>{escape(say(language, _text(found.kind), records=found.records))}</p>"
        f"<p>{escape(say(language, 'web.download.secret'))}</p>"
        f'<form method="post" action="/download/{escape(token)}">'
        f'<button class="main">{escape(say(language, "web.download.button"))}</button></form>'
    )
    response = pages.html(pages.card(language, say(language, "web.download.heading"), body))
    # With no-referrer a browser would not say which page sends the form.
    response.headers["Referrer-Policy"] = "same-origin"
    return response


def _text(kind: str) -> str:
    own = f"web.download.text_{kind}"
    return own if has(own) else "web.download.text"


async def fetch(request: web.Request) -> web.StreamResponse:
    """``POST /download/TOKEN``: the file; good once, and a few minutes more."""
    services, token = request.app[SERVICES], request.match_info["token"]
    if not same_origin(request):
        raise web.HTTPForbidden
    source = client(request, services.settings.trusted_proxies)
    wait = request.app[GATE].wait(source, "download", RATE, BURST)
    if wait:
        raise web.HTTPTooManyRequests(headers={"Retry-After": str(round(wait + 1))})
    language = pages.wanted_language(request)
    done = await services.database.writing(lambda connection: _fetch(connection, services, token), bulk=True)
    if isinstance(done, Problem):
        return _refused(language, done)
    headers = {
        "Content-Disposition": f"attachment; filename*=UTF-8''{quote(done.name)}",
        "Cache-Control": "no-store",
    }
    if done.content is None:
        return await _streamed(request, services, done, headers)
    return web.Response(body=done.content, content_type=done.type, headers=headers)


async def _streamed(
    request: web.Request, services: Services, fetched: _Fetched, headers: dict[str, str]
) -> web.StreamResponse:
    response = web.StreamResponse(headers={**headers, "Content-Type": fetched.type})
    await response.prepare(request)
    number = 0
    while True:
        number += 1
        piece = await services.database.reading(
            partial(downloads.opened, keyring=services.keyring, download_id=fetched.download, number=number)
        )
        if piece is None:
            break
        await response.write(piece)
    await response.write_eof()
    return response


def _fetch(connection: Connection, services: Services, token: str) -> _Fetched | Problem:
    """The file, as the account that asked for it; a Problem is returned, so that the audit row is kept."""
    now = now_ms()
    try:
        found = _expect(connection, token, now)
    except Problem as problem:
        return problem
    zone = services.settings.time_zone
    act = Act(
        connection=connection,
        keyring=services.keyring,
        actor=Actor(account_id=found.account_id),
        now_ms=now,
        today=datetime.fromtimestamp(now / 1000, zone).date(),
        channel=CHANNEL,
        zone=zone,
    )
    asked: dict[str, Any] = {"download": found.id}
    streamed = found.kind in STREAMED
    if streamed:
        asked["content"] = False
    given: Any = settle(act, FETCHING[found.kind], asked)
    if isinstance(given, Problem):
        return given
    return _Fetched(given["name"], None if streamed else base64.b64decode(given["content"]), found.id)


def _refused(language: str, problem: Problem) -> web.Response:
    status = 410 if problem.code == "download_gone" else problem.status
    heading = say(language, "web.download.refused")
    return pages.html(pages.plain(language, heading, explain(language, problem)), status)
