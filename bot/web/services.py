"""What the web application works with."""

from __future__ import annotations

from dataclasses import dataclass

from aiohttp import web

from bot.desk import Desk
from bot.questionnaires import Shelf
from bot.settings import Settings
from bot.turns import Turns
from bot.web.handouts import Handouts
from bot.web.hub import Hub
from bot.web.limits import Gate, Uploads
from storage.crypto import Keyring
from storage.database import Database


@dataclass(frozen=True, slots=True)
class Services:
    """One process's rooms, put together by whoever serves them. ``routes`` are those of channels
    (webhooks).
    """

    settings: Settings
    database: Database
    keyring: Keyring
    turns: Turns
    shelf: Shelf
    desk: Desk
    routes: tuple[web.RouteDef, ...] = ()


SERVICES: web.AppKey[Services] = web.AppKey("services", Services)
HUB: web.AppKey[Hub] = web.AppKey("hub", Hub)
GATE: web.AppKey[Gate] = web.AppKey("gate", Gate)
UPLOADS: web.AppKey[Uploads] = web.AppKey("uploads", Uploads)
HANDOUTS: web.AppKey[Handouts] = web.AppKey("handouts", Handouts)
