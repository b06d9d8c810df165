"""Files that people send to us: from the web chat's page, and on a page of their own by a one-time link.

A file is read only when a question asks for one, never past its limit, and never held by name: what it is
called on somebody's telephone is not read at all. It is kept before the turn that makes it an answer; what
became no answer is dropped.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
from dataclasses import dataclass
from datetime import datetime
from hmac import compare_digest
from urllib.parse import quote, unquote

from aiohttp import BodyPartReader, web
from sqlalchemy import Connection

from bot import media as files
from bot.buttons import place_of
from bot.channels import webchat
from bot.messages import Attached, Inbound, What
from bot.problems import explain
from bot.questionnaires import context
from bot.texts import LANGUAGES, say
from bot.turns import Turned
from bot.web import pages, visitors
from bot.web.guard import refuse, same_origin
from bot.web.limits import client
from bot.web.services import GATE, HANDOUTS, HUB, SERVICES, UPLOADS, Services
from storage import contacts, events, interviews, media, outbox, trials
from storage.database import now_ms
from storage.media import Link
from surveys.forms import UPLOADS as UPLOAD_KINDS
from surveys.problems import Problem

SLOWEST_S = 180.0
"""How long one file may take to come in."""
RATE, BURST = 2.0, 120.0
"""Files a second from one address, which whole neighbourhoods share, and at once."""
FORM_OVERHEAD = 16 << 10
"""Bytes of a form around its file."""

_TOKEN = re.compile(r"[A-Za-z0-9_-]{43}")
_ID = re.compile(r"[0-9a-zA-Z-]{8,40}")


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a contact may send now: for which question, of which kind."""

    contact_id: int
    channel: str
    language: str
    kind: str = ""
    question: str = ""
    ref: str = ""
    interview_id: int = 0
    seen: bool = False
    staff: bool = False
    """Whether a member of staff: they may send forms to be tried."""


def _wanted(
    connection: Connection, services: Services, channel: str, address: str, event_id: str
) -> Wanted | None:
    """What is asked of a contact now; None for nobody we know. ``seen``: this very event was taken."""
    contact = contacts.find(connection, services.keyring, [(channel, address)]).get((channel, address))
    if contact is None:
        return None
    seen = bool(events.already_seen(connection, [(channel, event_id)]))
    staff = contact.account_id is not None
    nothing = Wanted(contact.id, channel, contact.language, seen=seen, staff=staff)
    if contact.interview_id is None:
        return nothing
    found = interviews.find(connection, services.keyring, [contact.interview_id]).get(contact.interview_id)
    if found is None or found.status != "open":
        return nothing
    prepared = services.shelf.get(connection, found.instrument_id)
    local = datetime.fromtimestamp(now_ms() / 1000, services.settings.time_zone)
    ask = files.asked(prepared, found.state, context(local, contact.language))
    if ask is None or ask.kind not in UPLOAD_KINDS:
        return nothing
    return Wanted(
        contact.id,
        channel,
        contact.language,
        ask.kind.value,
        place_of(ask.ref, found.state.removals),
        ask.ref,
        found.id,
        seen,
        staff,
    )


async def _take(
    services: Services, wanted: Wanted, address: str, event_id: str, data: bytes, message: str
) -> tuple[Turned, bool]:
    """Keep a file and have it answer the question it was sent for: *(the turn, whether it did)*. Raises
    Problem for a file that can't.
    """
    found = await asyncio.to_thread(files.inspect, data, wanted.kind, services.desk.files)
    kept = await services.database.writing(
        lambda connection: media.begin(
            connection,
            wanted.contact_id,
            kind=wanted.kind,
            type_=found.type,
            ending=found.ending,
            size=len(data),
            now=now_ms(),
        ),
        bulk=True,
    )
    try:
        await files.store(services.database, services.keyring, kept, data, found.type)
        file = Attached(wanted.kind, "", len(data), found.type, media=kept)
        turned = await services.turns.taking(
            Inbound(
                wanted.channel,
                event_id,
                address,
                What.FILE,
                data=wanted.question,
                message=message,
                language=wanted.language,
                file=file,
            )
        )
        row = await services.database.reading(lambda connection: media.numbered(connection, kept))
        return turned, row is not None and row.interview_id is not None
    finally:
        # What became no answer is not kept.
        await services.database.writing(lambda connection: media.drop(connection, kept), bulk=True)


async def _read(request: web.Request, most: int) -> bytes:
    """The body, ``most`` bytes at most. Raises Problem ``media_too_large``, ``media_broken`` (cut off)."""
    told = request.content_length
    if told is not None and told > most:
        raise Problem("media_too_large", status=413, most=files.megabytes(most))
    body = bytearray()
    try:
        async with asyncio.timeout(SLOWEST_S):
            async for piece in request.content.iter_chunked(1 << 16):
                body += piece
                if len(body) > most:
                    raise Problem("media_too_large", status=413, most=files.megabytes(most))
    except TimeoutError:
        raise Problem("media_broken", status=408) from None
    if told is not None and len(body) != told:
        raise Problem("media_broken", status=422)
    return bytes(body)


# ── from the page of the web chat ───────────────────────────────────────────────────────────────────────────


async def from_chat(request: web.Request) -> web.Response:
    """``POST /chat/upload``: a file as the body; ``X-Hoidan-Id`` is the page's own number of the message,
    ``X-Hoidan-Page`` shows that the page is this visitor's, ``X-Hoidan-Question`` says which question it is
    for: ``form`` for a workbook that a member of staff wants to try, whose name is ``X-Hoidan-Name``. The
    answer is a frame as on the socket.
    """
    services = request.app[SERVICES]
    address = visitors.address(request)
    page, message = request.headers.get("X-Hoidan-Page", ""), request.headers.get("X-Hoidan-Id", "")
    # A page of somebody else's can send neither our header nor, without asking, any other.
    ours = address is not None and compare_digest(
        page.encode("utf-8", "replace"), visitors.nickname(address).encode()
    )
    if address is None or not ours or not same_origin(request):
        raise web.HTTPForbidden
    if not _ID.fullmatch(message):
        raise web.HTTPBadRequest
    _pace(request)
    event_id = webchat.event_id(address, message)
    wanted = await services.database.writing(
        lambda connection: _wanted(connection, services, webchat.CHANNEL, address, event_id), bulk=True
    )
    if wanted is None:
        raise web.HTTPForbidden
    try:
        turned = await _from_chat(request, services, wanted, address, event_id, message)
    except Problem as problem:
        headers = {"Retry-After": "3"} if problem.status == 503 else None
        text = explain(wanted.language, problem)
        return refuse(request, max(problem.status, 400), problem.code, text, headers=headers)
    handouts = request.app[HANDOUTS]
    answer: dict[str, object] = {
        "ack": message,
        "language": turned.language,
        "staff": turned.account_id is not None,
    }
    if turned.reply is not None:
        answer["prompt"] = webchat.content(
            turned.reply,
            turned.language,
            lambda data, name: "/chat/file/" + handouts.keep(address, data, name),
        )
    if turned.contact_id is not None and turned.queued:
        request.app[HUB].wake(turned.contact_id)
    return web.json_response(answer)


async def _from_chat(
    request: web.Request, services: Services, wanted: Wanted, address: str, event_id: str, message: str
) -> Turned:
    if wanted.seen:
        # Sent again because our answer was lost: it is given again, and the file not read.
        again = Inbound(wanted.channel, event_id, address, What.FILE, message=message)
        return await services.turns.taking(again)
    if wanted.staff and request.headers.get("X-Hoidan-Question") == media.FORM:
        return await _form_from_chat(request, services, wanted, address, event_id, message)
    if not wanted.kind:
        raise Problem("media_not_asked", status=409)
    if request.headers.get("X-Hoidan-Question", wanted.question) != wanted.question:
        raise Problem("media_moved_on", status=409)
    with request.app[UPLOADS].one():
        data = await _read(request, services.desk.files.of(wanted.kind))
        turned, _ = await _take(services, wanted, address, event_id, data, message)
    return turned


async def _form_from_chat(
    request: web.Request, services: Services, wanted: Wanted, address: str, event_id: str, message: str
) -> Turned:
    """Keep a workbook to be tried; the turn says whether its sender may do that."""
    with request.app[UPLOADS].one():
        data = await _read(request, services.desk.files.of(media.FORM))
        if not data:
            raise Problem("media_empty", status=422)
        name = unquote(request.headers.get("X-Hoidan-Name", "")[:600])[-200:] or "form.xlsx"
        kept = await services.database.writing(
            lambda connection: media.begin(
                connection,
                wanted.contact_id,
                kind=media.FORM,
                type_=request.content_type,
                ending="xlsx",
                size=len(data),
                now=now_ms(),
            ),
            bulk=True,
        )
        taken = False
        try:
            await files.store(services.database, services.keyring, kept, data, "")
            file = Attached(media.FORM, name, len(data), media=kept)
            turned = await services.turns.taking(
                Inbound(
                    wanted.channel,
                    event_id,
                    address,
                    What.FILE,
                    message=message,
                    language=wanted.language,
                    file=file,
                )
            )
            taken = await services.database.reading(lambda connection: trials.has_file(connection, kept))
            return turned
        finally:
            if not taken:
                await services.database.writing(lambda connection: media.drop(connection, kept), bulk=True)


def _pace(request: web.Request) -> None:
    source = client(request, request.app[SERVICES].settings.trusted_proxies)
    wait = request.app[GATE].wait(source, "upload", RATE, BURST)
    if wait:
        raise web.HTTPTooManyRequests(headers={"Retry-After": str(round(wait + 1))})


# ── on a page of its own, by a one-time link ────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class _Guest:
    """Whom a link was given to."""

    link: Link
    channel: str
    address: str
    wanted: Wanted


def _event_id(token: str) -> str:
    return "upload:" + hashlib.sha256(b"upload event " + token.encode()).hexdigest()[:40]


def _guest(connection: Connection, services: Services, token: str) -> _Guest:
    """Whom a link leads back to, and what is asked of them. Raises Problem ``media_link`` (410) when it is
    unknown, used, too old, or its question is asked no more.
    """
    link = media.find_link(connection, token, now_ms()) if _TOKEN.fullmatch(token) else None
    contact = contacts.get(connection, link.contact_id) if link else None
    if link is None or contact is None:
        raise Problem("media_link", status=410)
    address = contacts.addresses(connection, services.keyring, [contact.id]).get(contact.id)
    if address is None:
        raise Problem("media_link", status=410)
    wanted = _wanted(connection, services, contact.channel, address, _event_id(token))
    if wanted is None or (wanted.interview_id, wanted.ref) != (link.interview_id, link.ref):
        raise Problem("media_link", status=410)
    return _Guest(link, contact.channel, address, wanted)


async def page(request: web.Request) -> web.Response:
    """``GET /upload/TOKEN``: a page with a form. Nothing is used up by looking, and nothing is told: chat
    apps open links to draw previews.
    """
    services = request.app[SERVICES]
    token = request.match_info["token"]
    try:
        guest = await services.database.writing(
            lambda connection: _guest(connection, services, token), bulk=True
        )
    except Problem as problem:
        return _told(pages.wanted_language(request), problem)
    return _form(services, guest.wanted, token)


def _form(services: Services, wanted: Wanted, token: str, problem: Problem | None = None) -> web.Response:
    limit = services.desk.files.of(wanted.kind)
    response = pages.html(
        pages.upload(
            wanted.language,
            token,
            wanted.kind,
            limit,
            explain(wanted.language, problem) if problem is not None else "",
        ),
        problem.status if problem is not None else 200,
    )
    # With no-referrer a browser would not say which page sends the form.
    response.headers["Referrer-Policy"] = "same-origin"
    return response


def _told(language: str, problem: Problem) -> web.Response:
    heading = say(language, "web.upload.refused")
    return pages.html(pages.plain(language, heading, explain(language, problem)), problem.status)


async def by_link(request: web.Request) -> web.Response:
    """``POST /upload/TOKEN``: the file; it answers the question, and the chat goes on where it was begun."""
    services = request.app[SERVICES]
    if not same_origin(request):
        raise web.HTTPForbidden
    _pace(request)
    token = request.match_info["token"]
    try:
        guest = await services.database.writing(
            lambda connection: _guest(connection, services, token), bulk=True
        )
    except Problem as problem:
        return _told(pages.wanted_language(request), problem)
    wanted = guest.wanted
    event_id = _event_id(token)
    try:
        with request.app[UPLOADS].one():
            data = await _form_file(request, services.desk.files.of(wanted.kind))
            turned, answered = await _take(services, wanted, guest.address, event_id, data, "")
    except Problem as problem:
        return _form(services, wanted, token, problem)
    if not answered:
        return _told(wanted.language, Problem("media_link", status=410))

    def finish(connection: Connection) -> None:
        if media.use_link(connection, token, now_ms()) is None or turned.reply is None:
            return
        draft = files.prompt_draft(guest.channel, guest.wanted.contact_id, f"prompt:{event_id}", turned.reply)
        outbox.queue(connection, services.keyring, [draft], now_ms())

    await services.database.writing(finish)
    request.app[HUB].wake(wanted.contact_id)
    language = turned.language if turned.language in LANGUAGES else wanted.language
    done = pages.plain(
        language,
        say(language, "web.upload.done"),
        say(language, "web.upload.done_text"),
        action=False,
    )
    return pages.html(done)


async def _form_file(request: web.Request, most: int) -> bytes:
    """The file in a form. Raises Problem ``media_too_large``, ``media_broken``, ``media_empty``."""
    told = request.content_length
    if told is not None and told > most + FORM_OVERHEAD:
        raise Problem("media_too_large", status=413, most=files.megabytes(most))
    if not request.content_type.startswith("multipart/"):
        raise Problem("media_broken", status=400)
    data = bytearray()
    try:
        async with asyncio.timeout(SLOWEST_S):
            reader = await request.multipart()
            part = await reader.next()
            if not isinstance(part, BodyPartReader) or part.name != "file":
                raise Problem("media_broken", status=400)
            while piece := await part.read_chunk(1 << 16):
                data += piece
                if len(data) > most:
                    raise Problem("media_too_large", status=413, most=files.megabytes(most))
            if not part.at_eof():
                raise Problem("media_broken", status=422)
    except TimeoutError:
        raise Problem("media_broken", status=408) from None
    except (ValueError, AssertionError, RuntimeError):
        raise Problem("media_broken", status=400) from None
    if not data:
        raise Problem("media_empty", status=422)
    return bytes(data)


# ── files that a form shows with its questions ──────────────────────────────────────────────────────────────


async def shown(request: web.Request) -> web.Response:
    """``GET /chat/media/INTERVIEW/NAME``: a file of the form, for whoever is asked by it."""
    services = request.app[SERVICES]
    address = visitors.address(request)
    if address is None:
        raise web.HTTPNotFound
    interview, name = int(request.match_info["interview"]), request.match_info["name"]
    found = await services.database.reading(
        lambda connection: files.shown_to(
            connection, services.keyring, webchat.CHANNEL, address, interview, name
        )
    )
    if found is None:
        raise web.HTTPNotFound
    headers = {
        "Cache-Control": "private, max-age=86400",
        "ETag": f'"{found.digest[:32]}"',
        "Content-Disposition": f"inline; filename*=UTF-8''{quote(name, safe='')}",
        "Content-Security-Policy": "default-src 'none'; sandbox",
    }
    if request.headers.get("If-None-Match") == headers["ETag"]:
        return web.Response(status=304, headers=headers)
    return web.Response(body=found.content, content_type=found.type, headers=headers)
