"""The web application of one process."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from aiohttp import web

from bot.web import chat, downloads, frames, guard, operators, pages, signing, uploads
from bot.web.handouts import Handouts
from bot.web.hub import Hub
from bot.web.limits import Gate, Uploads
from bot.web.services import GATE, HANDOUTS, HUB, SERVICES, UPLOADS, Services

LARGEST_BODY = 2**20
"""Bytes of a request's body: a webhook's update with room to spare."""


def make_app(services: Services, gate: Gate | None = None) -> web.Application:
    """Every page, the web chat's socket, what operators ask, and the channels' own routes.

    Run it without an access log: addresses hold codes and one-time tokens.
    """
    app = web.Application(middlewares=[guard.answer_faults], client_max_size=LARGEST_BODY)
    app[SERVICES] = services
    app[HUB] = Hub(services.database, services.keyring)
    app[GATE] = gate or Gate()
    app[HANDOUTS] = Handouts()
    app[UPLOADS] = Uploads()
    app.on_response_prepare.append(guard.add_headers)
    app.cleanup_ctx.append(_hub)
    app.on_shutdown.append(_close_pages)
    app.add_routes(
        [
            web.get("/", _to_chat),
            web.get("/chat/", _to_chat),
            web.get("/chat", chat.page),
            web.get("/chat/ws", chat.socket),
            web.get("/chat/file/{token:[A-Za-z0-9_-]{1,64}}", chat.file),
            web.post("/chat/sign-in", signing.sign_in),
            web.post("/chat/leave", signing.leave),
            web.get("/chat/{code:[A-Za-z0-9-]{1,24}}", chat.page),
            web.get("/sign-in/{token}", signing.link),
            web.post("/chat/upload", uploads.from_chat),
            web.get("/chat/media/{interview:[0-9]{1,18}}/{name}", uploads.shown),
            web.get("/upload/{token}", uploads.page),
            web.post("/upload/{token}", uploads.by_link),
            web.get("/households/template.xlsx", frames.template),
            web.get("/households/report/{token:[A-Za-z0-9_-]{43}}", frames.report),
            web.post("/households/report/{token:[A-Za-z0-9_-]{43}}", frames.read_report),
            web.get("/households/{token:[A-Za-z0-9_-]{43}}", frames.page),
            web.post("/households/{token:[A-Za-z0-9_-]{43}}", frames.send),
            web.get("/download/{token:[A-Za-z0-9_-]{43}}", downloads.page),
            web.post("/download/{token:[A-Za-z0-9_-]{43}}", downloads.fetch),
            web.get("/static/{name}", pages.static),
            web.get("/healthz", operators.alive),
            web.get("/readyz", operators.ready),
            web.get("/metrics", operators.metrics),
            *services.routes,
        ]
    )
    return app


async def _to_chat(request: web.Request) -> web.Response:
    return web.Response(status=303, headers={"Location": "/chat"})


async def _hub(app: web.Application) -> AsyncIterator[None]:
    hub = app[HUB]
    running = asyncio.create_task(hub.run())
    yield
    hub.stop()
    await running


async def _close_pages(app: web.Application) -> None:
    app[HUB].close_lines()
