"""Staff come in by a one-time link, and go out by a button.

Chat apps open links to draw previews, so the link only shows a page; its button is what signs in. Signing
in gives the browser a new cookie: whoever knew the old one (a shared phone, a planted cookie) is not signed
in with it, and what the same browser answered as a resident stays apart.
"""

from __future__ import annotations

import re
from datetime import date, datetime

from aiohttp import web
from sqlalchemy import Connection

from bot.actions import Act, Actor, settle
from bot.channels.webchat import CHANNEL
from bot.problems import explain
from bot.texts import say
from bot.web import pages, visitors
from bot.web.guard import same_origin
from bot.web.limits import client
from bot.web.services import GATE, SERVICES, Services
from storage import contacts
from storage.database import now_ms
from surveys.problems import Problem

_TOKEN = re.compile(r"[A-Za-z0-9_-]{16,200}")


async def link(request: web.Request) -> web.Response:
    """``GET /sign-in/TOKEN``: a page with a button. Nothing is used up by looking."""
    language = pages.wanted_language(request)
    token = request.match_info["token"]
    if not _TOKEN.fullmatch(token):
        return _refused(language, Problem("invitation_wrong"))
    response = pages.html(
        pages.plain(
            language,
            say(language, "web.sign_in.title"),
            say(language, "web.sign_in.text"),
            button=say(language, "web.sign_in.button"),
            token=token,
        )
    )
    # With no-referrer a browser would not say which page sends the form.
    response.headers["Referrer-Policy"] = "same-origin"
    return response


async def sign_in(request: web.Request) -> web.Response:
    """``POST /chat/sign-in``: bind this browser to the account the token was issued for."""
    services = request.app[SERVICES]
    if not same_origin(request):
        raise web.HTTPForbidden
    source = client(request, services.settings.trusted_proxies)
    wait = request.app[GATE].wait(source, "sign-in", 0.2, 20.0)
    if wait:
        raise web.HTTPTooManyRequests(headers={"Retry-After": str(round(wait + 1))})
    language = pages.wanted_language(request)
    token = (await request.post()).get("token")
    if not isinstance(token, str) or not _TOKEN.fullmatch(token):
        return _refused(language, Problem("invitation_wrong"))
    before, value = visitors.address(request), visitors.new_address()
    problem = await services.database.writing(
        lambda connection: _bind(connection, services, token, before, value, language)
    )
    if problem is not None:
        return _refused(language, problem)
    response = web.Response(status=303, headers={"Location": "/chat"})
    visitors.keep(request, response, value)
    return response


def _refused(language: str, problem: Problem) -> web.Response:
    status = 410 if problem.code == "invitation_wrong" else problem.status
    return pages.html(
        pages.plain(language, say(language, "web.sign_in.refused"), explain(language, problem)), status
    )


def _bind(
    connection: Connection, services: Services, token: str, before: str | None, value: str, language: str
) -> Problem | None:
    now = now_ms()
    contact = contacts.create(connection, services.keyring, CHANNEL, value, language, now)
    act = Act(connection, services.keyring, Actor(contact_id=contact.id), now, _today(services, now), CHANNEL)
    result = settle(act, "account.bind", {"code": token})
    if isinstance(result, Problem):
        return result
    if before is not None:
        _unbind(connection, services, before, now)
    return None


async def leave(request: web.Request) -> web.Response:
    """``POST /chat/leave``: this browser is nobody any more; a member of staff is signed out."""
    services = request.app[SERVICES]
    if not same_origin(request):
        raise web.HTTPForbidden
    value = visitors.address(request)
    if value is not None:
        await services.database.writing(lambda connection: _unbind(connection, services, value, now_ms()))
    response = web.Response(status=204)
    visitors.forget(request, response)
    return response


def _unbind(connection: Connection, services: Services, value: str, now: int) -> None:
    """The contact at an address is no member of staff's any more. What was answered there stays."""
    contact_id = contacts.find_unlocked(connection, services.keyring, CHANNEL, value)
    contact = contacts.get(connection, contact_id) if contact_id is not None else None
    if contact is None or contact.account_id is None:
        return
    actor = Actor(account_id=contact.account_id, contact_id=contact.id)
    settle(
        Act(connection, services.keyring, actor, now, _today(services, now), CHANNEL), "account.sign_out", {}
    )


def _today(services: Services, now: int) -> date:
    return datetime.fromtimestamp(now / 1000, services.settings.time_zone).date()
