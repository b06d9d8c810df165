"""Lists of households on our own page: sent by a one-time link from the chat, and their reports read there.

A list holds names, telephones and addresses of whole wards: it never goes through a chat app, and what is
shown before a button was pressed says nothing of anybody, since chat apps open links to draw previews.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache
from html import escape
from typing import Any
from urllib.parse import quote

from aiohttp import BodyPartReader, web
from sqlalchemy import Connection

from bot import frames
from bot.actions import Act, Actor, settle
from bot.actions.gate import area_text
from bot.authoring.sheets import MOST_BYTES
from bot.frames import numbers, place_of, read_remarks
from bot.problems import explain, said
from bot.texts import pick, say
from bot.web import pages
from bot.web.guard import same_origin
from bot.web.limits import client
from bot.web.services import GATE, SERVICES, UPLOADS, Services
from storage import contacts, household_imports
from storage.database import now_ms
from storage.household_imports import Import
from surveys.problems import Problem

CHANNEL = "web"
SLOWEST_S = 300.0
"""How long a list may take to come in."""
RATE, BURST = 0.2, 20.0
"""Lists a second from one address, and at once."""
FORM_OVERHEAD = 16 << 10
REMARKS_SHOWN = 300
"""Remarks on the page; the workbook has more."""
REFRESH_S = "3"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


@lru_cache(maxsize=2)
def _template(language: str) -> bytes:
    return frames.template_file(language).read_bytes()


async def template(request: web.Request) -> web.Response:
    """``GET /households/template.xlsx``: the empty list to fill in; ``?language=en`` for the English one."""
    language = pick(request.query.get("language") or pages.wanted_language(request))
    headers = {
        "Content-Disposition": f'attachment; filename="{frames.TEMPLATES[language]}"',
        "Cache-Control": "public, max-age=3600",
    }
    return web.Response(body=_template(language), content_type=XLSX, headers=headers)


def _found(connection: Connection, token: str, purpose: str) -> tuple[Import, str]:
    """The list of a link, and the language of whom it was given to. Raises Problem ``household_link``
    (410).
    """
    found = household_imports.find_link(connection, token, purpose, now_ms())
    if found is None:
        raise Problem("household_link", status=410)
    contact = None if found.contact_id is None else contacts.get(connection, found.contact_id)
    return found, pick(contact.language if contact else None)


async def page(request: web.Request) -> web.Response:
    """``GET /households/TOKEN``: the page that takes a list. Nothing is used up by looking."""
    services, token = request.app[SERVICES], request.match_info["token"]
    try:
        _, language = await services.database.reading(lambda connection: _found(connection, token, "upload"))
    except Problem as problem:
        return _told(pages.wanted_language(request), problem)
    return _form(language, token)


def _form(language: str, token: str, problem: Problem | None = None) -> web.Response:
    megabytes = str(MOST_BYTES >> 20)
    fault = explain(language, problem) if problem is not None else ""
    texts = {
        "most": str(MOST_BYTES),
        "too-large": say(language, "web.chat.attach_too_large", most=megabytes),
        "sending": say(language, "web.upload.sending"),
        "empty": say(language, "web.chat.attach_empty"),
    }
    data = " ".join(f'data-{name}="{escape(text)}"' for name, text in texts.items())
    paragraphs = "".join(
        f"<p>{escape(part)}</p>"
        for part in say(language, "web.households.text", most=megabytes).split("\n\n")
    )
    link = f'<p><a href="/households/template.xlsx?language={language}" download>'
    body = (
        f"{paragraphs}{link}{escape(say(language, 'web.households.template'))}</a></p>"
        f'<form id="upload" method="post" action="/households/{escape(token)}" {data}'
        ' enctype="multipart/form-data">'
        f'<p id="fault" role="alert">{escape(fault)}</p>'
        f'<p><label class="picker" for="file">{escape(say(language, "web.households.pick"))}</label>'
        '<input type="file" id="file" name="file" accept=".xlsx,.xlsm,.csv,.txt" required'
        ' aria-describedby="fault"></p>'
        '<img id="preview" alt="" hidden><p id="state" role="status"></p>'
        f'<p><button class="main" id="go">{escape(say(language, "web.upload.button"))}</button></p></form>'
        f'<script src="{pages.address("upload.js")}" defer></script>'
    )
    status = problem.status if problem is not None else 200
    return _sending(pages.card(language, say(language, "web.households.heading"), body), status)


def _sending(text: str, status: int = 200) -> web.Response:
    """A page with a form: with no-referrer a browser would not say which page sends it."""
    response = pages.html(text, status)
    response.headers["Referrer-Policy"] = "same-origin"
    return response


def _told(language: str, problem: Problem) -> web.Response:
    heading = say(language, "web.upload.refused")
    return pages.html(pages.plain(language, heading, explain(language, problem)), problem.status)


async def send(request: web.Request) -> web.Response:
    """``POST /households/TOKEN``: the list. It is kept, sealed, until a task has read it."""
    services, token = request.app[SERVICES], request.match_info["token"]
    if not same_origin(request):
        raise web.HTTPForbidden
    source = client(request, services.settings.trusted_proxies)
    wait = request.app[GATE].wait(source, "households", RATE, BURST)
    if wait:
        raise web.HTTPTooManyRequests(headers={"Retry-After": str(round(wait + 1))})
    try:
        found, language = await services.database.reading(
            lambda connection: _found(connection, token, "upload")
        )
    except Problem as problem:
        return _told(pages.wanted_language(request), problem)
    try:
        with request.app[UPLOADS].one():
            name, data = await _form_file(request)
            value = await _take(services, token, found, name, data)
    except Problem as problem:
        if problem.code == "household_link":
            return _told(language, problem)
        return _form(language, token, problem)
    return web.Response(status=303, headers={"Location": f"/households/report/{value}"})


async def _take(services: Services, token: str, found: Import, name: str, data: bytes) -> str:
    """Keep a list and have it read; the secret of the link to its report."""
    database, keyring = services.database, services.keyring
    used = await database.writing(
        lambda connection: household_imports.use_link(connection, token, "upload", now_ms()), bulk=True
    )
    if not used:
        raise Problem("household_link", status=410)
    sealing = household_imports.pieces(keyring, found.id, "file", data)
    while (piece := await asyncio.to_thread(next, sealing, None)) is not None:
        kept = [piece]
        await database.writing(
            lambda connection, kept=kept: household_imports.add_pieces(  # type: ignore[misc]
                connection, found.id, "file", kept
            ),
            bulk=True,
        )

    def begin(connection: Connection) -> str | Problem:
        given = {"upload": found.id, "name": name[:255], "page": services.settings.public_url}
        begun = settle(_act(services, connection, found), "household.import", given)
        if isinstance(begun, Problem):
            household_imports.restart(connection, found.id)
            return begun
        hours = frames.LINK_HOURS * 3_600_000
        return household_imports.issue_link(connection, found.id, "report", now_ms(), hours)

    value = await database.writing(begin, bulk=True)
    if isinstance(value, Problem):
        raise value
    return value


def _act(services: Services, connection: Connection, found: Import) -> Act:
    now = now_ms()
    return Act(
        connection=connection,
        keyring=services.keyring,
        actor=Actor(account_id=found.account_id, contact_id=found.contact_id),
        now_ms=now,
        today=datetime.fromtimestamp(now / 1000, services.settings.time_zone).date(),
        channel=CHANNEL,
    )


async def _form_file(request: web.Request) -> tuple[str, bytes]:
    """The file in a form: its name and bytes. Raises Problem ``household_file_large``, ``…_cut_off``,
    ``…_empty``.
    """
    told = request.content_length
    large = Problem("household_file_large", status=413, limit=MOST_BYTES >> 20)
    if told is not None and told > MOST_BYTES + FORM_OVERHEAD:
        raise large
    if not request.content_type.startswith("multipart/"):
        raise Problem("household_file_cut_off", status=400)
    data = bytearray()
    try:
        async with asyncio.timeout(SLOWEST_S):
            reader = await request.multipart()
            part = await reader.next()
            if not isinstance(part, BodyPartReader) or part.name != "file":
                raise Problem("household_file_cut_off", status=400)
            while piece := await part.read_chunk(1 << 16):
                data += piece
                if len(data) > MOST_BYTES:
                    raise large
            if not part.at_eof():
                raise Problem("household_file_cut_off", status=422)
    except TimeoutError:
        raise Problem("household_file_cut_off", status=408) from None
    except (ValueError, AssertionError, RuntimeError):
        raise Problem("household_file_cut_off", status=400) from None
    if not data:
        raise Problem("household_file_empty", status=422)
    return part.filename or "", bytes(data)


# ── the report ──────────────────────────────────────────────────────────────────────────────────────────────


async def report(request: web.Request) -> web.Response:
    """``GET /households/report/TOKEN``: how far a list is, or what came of it, in numbers alone."""
    services, token = request.app[SERVICES], request.match_info["token"]
    try:
        found, language = await services.database.reading(
            lambda connection: _found(connection, token, "report")
        )
    except Problem as problem:
        return _told(pages.wanted_language(request), problem)
    body = f'<p role="status">{escape(_so_far(language, found))}</p>'
    wanted = [] if found.state in ("asked", "waiting", "done") else ["again"]
    if found.summary and "problem" not in found.summary:
        body += _numbers(language, found.summary)
        wanted = ["lines", "file", *wanted]
    body += _buttons(language, token, wanted)
    response = _sending(pages.card(language, say(language, f"web.households.state.{found.state}"), body))
    if found.state == "waiting":
        response.headers["Refresh"] = REFRESH_S
    return response


def _so_far(language: str, found: Import) -> str:
    problem = found.summary.get("problem")
    if problem is not None:
        return explain(language, Problem(problem["code"], **problem["params"]))
    return say(language, f"web.households.told.{found.state}", progress=found.progress)


def _numbers(language: str, summary: Any) -> str:
    lines = "".join(f"<li>{escape(label)}: {value}</li>" for label, value in numbers(language, summary))
    return f"<ul>{lines}</ul>"


def _buttons(language: str, token: str, wanted: Sequence[str]) -> str:
    made = "".join(
        f'<button class="main" name="wanted" value="{each}">'
        f"{escape(say(language, f'web.households.button.{each}'))}</button>"
        for each in wanted
    )
    form = f'<form class="row" method="post" action="/households/report/{escape(token)}">{made}</form>'
    return form if wanted else ""


async def read_report(request: web.Request) -> web.Response:
    """``POST /households/report/TOKEN``: the lines that need a look (``wanted=lines``), all as a workbook
    (``file``), or a new page to send the corrected list by (``again``).
    """
    services, token = request.app[SERVICES], request.match_info["token"]
    if not same_origin(request):
        raise web.HTTPForbidden
    wanted = (await request.post()).get("wanted")
    if wanted == "again":
        return await _again(request, services, token)
    kind = "report" if wanted == "file" else "remarks"

    def read(connection: Connection) -> tuple[Import, str, bytes] | Problem:
        try:
            found, language = _found(connection, token, "report")
        except Problem as problem:
            return problem
        household_imports.use_link(connection, token, "report", now_ms())
        # By the gate, so that it is allowed still, and in the audit.
        asked = settle(_act(services, connection, found), "household.report", {"upload": found.id})
        if isinstance(asked, Problem):
            return asked
        return found, language, household_imports.content(connection, services.keyring, found.id, kind)

    got = await services.database.writing(read, bulk=True)
    if isinstance(got, Problem):
        return _told(pages.wanted_language(request), got)
    found, language, data = got
    if not data:
        return _told(language, Problem("household_link", status=410))
    if kind == "report":
        name = say(language, "households.report.file", number=found.id)
        headers = {"Content-Disposition": f"attachment; filename*=UTF-8''{quote(name, safe='')}"}
        return web.Response(body=data, content_type=XLSX, headers=headers)
    return _sending(
        pages.card(language, say(language, "web.households.lines"), _lines(language, token, data))
    )


async def _again(request: web.Request, services: Services, token: str) -> web.Response:
    """A new link to send a list by, for whom the list before was refused."""

    def ask(connection: Connection) -> str | Problem:
        try:
            found, _ = _found(connection, token, "report")
        except Problem as problem:
            return problem
        area = {} if found.area is None else {"area": area_text(found.area)}
        asked = settle(_act(services, connection, found), "household.upload", area)
        return asked if isinstance(asked, Problem) else str(asked["token"])

    got = await services.database.writing(ask)
    if isinstance(got, Problem):
        return _told(pages.wanted_language(request), got)
    return web.Response(status=303, headers={"Location": f"/households/{got}"})


def _lines(language: str, token: str, data: bytes) -> str:
    """What is to be put right first, then what is to be known."""
    rows = sorted(read_remarks(data), key=lambda row: (row.sheet, row.line))
    body, room = "", REMARKS_SHOWN
    for kind, key in ((True, "refused"), (False, "note")):
        those = [row for row in rows if row.refused is kind]
        shown = those[:room]
        room -= len(shown)
        if not shown:
            continue
        items = (
            place_of(language, row.sheet, row.line, row.column)
            + said(language, f"households.{key}.{row.code}", row.params)
            for row in shown
        )
        heading = say(language, f"web.households.of.{key}", count=len(those))
        body += f"<h2>{escape(heading)}</h2><ul>{''.join(f'<li>{escape(each)}</li>' for each in items)}</ul>"
    if len(rows) > REMARKS_SHOWN:
        more = say(language, "web.households.more", count=len(rows) - REMARKS_SHOWN)
        body += f"<p>{escape(more)}</p>"
    if not rows:
        body = f"<p>{escape(say(language, 'web.households.nothing'))}</p>"
    again = ["again"] if any(row.refused for row in rows) else []
    return body + _buttons(language, token, ["file", *again])
