"""What every response carries and every request is held to; faults in a person's words."""

from __future__ import annotations

import asyncio
import logging
import traceback
from collections.abc import Awaitable, Callable
from urllib.parse import urlsplit

from aiohttp import web

from bot.problems import explain
from bot.texts import say
from bot.turns import Unavailable
from bot.web import pages
from bot.web.services import SERVICES
from storage.database import of_the_ground
from surveys.problems import Problem

log = logging.getLogger("hoidan.web")

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

YEAR_S = 31_536_000
RETRY_AFTER = {"Retry-After": "3"}

_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    # Addresses hold codes and one-time tokens.
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    # A page may ask where the device is, when a question does; the device asks the person.
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(self)",
    "X-Robots-Tag": "noindex",
}


def policy(public_url: str) -> str:
    """The Content-Security-Policy: our own files and our own socket, nothing inline, in nobody's frame."""
    parts = urlsplit(public_url)
    # Safari before 15.4 does not count a WebSocket to the page's own host as 'self'.
    socket = f"{'wss' if parts.scheme == 'https' else 'ws'}://{parts.netloc}"
    return (
        f"default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self' {socket}; "
        "img-src 'self' data: blob:; media-src 'self'; frame-ancestors 'none'; base-uri 'none'; "
        "form-action 'self'"
    )


async def add_headers(request: web.Request, response: web.StreamResponse) -> None:
    """Security headers on whatever is sent (a signal of the application)."""
    public_url = request.app[SERVICES].settings.public_url
    for name, value in _HEADERS.items():
        response.headers.setdefault(name, value)
    response.headers.setdefault("Content-Security-Policy", policy(public_url))
    response.headers.setdefault("Cache-Control", "no-store")
    response.headers["Server"] = "hoidan"
    if public_url.startswith("https://"):
        response.headers.setdefault("Strict-Transport-Security", f"max-age={YEAR_S}")


def same_origin(request: web.Request) -> bool:
    """Whether a browser says that a page of ours sent this: by the public address, or by the host it was
    sent to.

    A request without an Origin is nobody's page, unless the browser vouches for it otherwise.
    """
    origin = request.headers.get("Origin", "")
    if not origin:
        return request.headers.get("Sec-Fetch-Site") == "same-origin"
    try:
        given, ours = urlsplit(origin), urlsplit(request.app[SERVICES].settings.public_url)
    except ValueError:
        return False
    if given.scheme not in ("http", "https") or not given.netloc:
        return False
    if (given.scheme, given.netloc.lower()) == (ours.scheme, ours.netloc.lower()):
        return True
    return given.netloc.lower() == request.host.lower()


@web.middleware
async def answer_faults(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Whatever goes wrong becomes a page or JSON in the person's language, never a traceback."""
    try:
        return await handler(request)
    except web.HTTPException as fault:
        if fault.status < 400:
            raise
        kept = {name: fault.headers[name] for name in ("Allow", "Retry-After") if name in fault.headers}
        return refuse(request, fault.status, f"http_{fault.status}", headers=kept)
    except Problem as problem:
        return refuse(request, problem.status, problem.code, explain(pages.wanted_language(request), problem))
    except Unavailable:
        return refuse(request, 503, "http_503", headers=RETRY_AFTER)
    except asyncio.CancelledError:
        raise
    except Exception as fault:
        if of_the_ground(fault):
            log.error("the database is out of reach: %s", type(fault).__name__)
            return refuse(request, 503, "http_503", headers=RETRY_AFTER)
        # The fault's own words may hold a person's; where it arose says enough.
        log.error(
            "%s in a request\n%s", type(fault).__name__, "".join(traceback.format_tb(fault.__traceback__))
        )
        return refuse(request, 500, "http_500")


_KNOWN = frozenset({400, 403, 404, 405, 413, 429, 500, 503})


def refuse(
    request: web.Request, status: int, code: str, text: str = "", *, headers: dict[str, str] | None = None
) -> web.Response:
    """A refusal: a page for a browser, JSON for a program."""
    language = pages.wanted_language(request)
    known = status if status in _KNOWN else 400 if status < 500 else 500
    text = text or say(language, f"web.fault.{known}")
    if "text/html" in request.headers.get("Accept", ""):
        response = pages.html(pages.plain(language, say(language, f"web.fault.{known}.title"), text), status)
    else:
        response = web.json_response({"error": code, "message": text}, status=status)
    response.headers.update(headers or {})
    return response
