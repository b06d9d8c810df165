"""Who a browser is to us: a random cookie, which is the contact's address on the web chat."""

from __future__ import annotations

import hashlib
import re

from aiohttp import web
from sqlalchemy import Connection

from bot.channels.webchat import CHANNEL
from bot.web.services import SERVICES
from storage import campaigns, contacts, interviews, invitations
from storage.crypto import Keyring, token
from surveys.campaigns import Status
from surveys.personal_codes import read
from surveys.replies import find_code

COOKIE = "hoidan"
PATH = "/chat"
LIFE_S = 400 * 24 * 3600
"""As long as browsers keep a cookie at most (draft-ietf-httpbis-rfc6265bis)."""

_ADDRESS = re.compile(r"[A-Za-z0-9_-]{43}")


def address(request: web.Request) -> str | None:
    """The contact's address in this browser; None for a new visitor, or one whose cookie is none of ours."""
    value = request.cookies.get(COOKIE, "")
    return value if _ADDRESS.fullmatch(value) else None


def new_address() -> str:
    """An address for a new visitor: 256 random bits."""
    return token()


def keep(request: web.Request, response: web.StreamResponse, value: str) -> None:
    """Have the browser keep the address."""
    response.set_cookie(
        COOKIE, value, max_age=LIFE_S, path=PATH, httponly=True, samesite="Lax", secure=_secure(request)
    )


def forget(request: web.Request, response: web.StreamResponse) -> None:
    """Have the browser forget it."""
    response.set_cookie(
        COOKIE, "", max_age=0, expires="Thu, 01 Jan 1970 00:00:00 GMT", path=PATH, httponly=True,
        samesite="Lax", secure=_secure(request), )  # fmt: skip


def _secure(request: web.Request) -> bool:
    return request.app[SERVICES].settings.public_url.startswith("https://")


def nickname(value: str) -> str:
    """A name for the address that a page may know: it tells whether the browser is still the same visitor."""
    return hashlib.sha256(b"webchat page " + value.encode()).hexdigest()[:16]


def asking(connection: Connection, keyring: Keyring, value: str | None, code: str) -> dict[str, str]:
    """Who asks this visitor, ``{"office", "title"}``: the campaign of ``code``, which may be somebody's own,
    else the one they came to last.

    Empty when there is none, or its office is not given yet.
    """
    campaign = None
    if code:
        campaign = campaigns.by_code(connection, find_code(code) or code.upper())
        if campaign is None and (personal := read(code)) is not None:
            # Only with the right tag: a number that is guessed tells nothing.
            found = invitations.find(connection, keyring, *personal)
            campaign = campaigns.expect(connection, found.campaign_id) if found is not None else None
    elif value is not None:
        contact_id = contacts.find_unlocked(connection, keyring, CHANNEL, value)
        newest = interviews.newest_campaign(connection, contact_id) if contact_id is not None else None
        campaign = campaigns.expect(connection, newest) if newest is not None else None
    if campaign is None or campaign.status is Status.DRAFT:
        return {}
    return {"office": campaign.draft.legal.controller, "title": campaign.draft.title}
