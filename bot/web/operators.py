"""What operators and their programs ask: is it alive, can it serve, how much does it do."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator

from aiohttp import web
from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from sqlalchemy import Connection

from bot.messages import ABILITIES
from bot.turns import Turns
from bot.web.hub import Hub
from bot.web.limits import is_local
from bot.web.services import HUB, SERVICES, Services
from storage import migrate, tallies
from surveys.problems import Problem

log = logging.getLogger("hoidan.web.operators")

READY_WITHIN_S = 5.0


async def alive(request: web.Request) -> web.Response:
    """``GET /healthz``: the process answers. Says nothing about the database: restarting would not mend
    that.
    """
    return web.json_response({"alive": True})


async def ready(request: web.Request) -> web.Response:
    """``GET /readyz``: the database is reachable and up to date; 503 otherwise."""
    why = await _unready(request.app[SERVICES])
    if why:
        return web.json_response({"ready": False, "why": why}, status=503, headers={"Retry-After": "5"})
    return web.json_response({"ready": True})


async def _unready(services: Services) -> str:
    """Why requests can't be served: ``database``, ``migrations``, or empty when they can."""

    def look() -> str:
        services.database.ready()
        return "migrations" if migrate.pending(services.database.engine) else ""

    try:
        return await asyncio.wait_for(asyncio.to_thread(look), READY_WITHIN_S)
    except Problem:
        return "migrations"
    except Exception as fault:
        log.warning("not ready: %s", type(fault).__name__)
        return "database"


class _Figures(Collector):
    """The numbers of one moment, as Prometheus wants them."""

    def __init__(self, turns: Turns, hub: Hub, unsent: dict[tuple[str, str], int], quarantined: int) -> None:
        self._turns = turns
        self._hub = hub
        self._unsent = unsent
        self._quarantined = quarantined

    def collect(self) -> Iterator[Metric]:
        turns, hub = self._turns, self._hub
        yield CounterMetricFamily("hoidan_turns", "Messages from people taken into a batch", turns.taken)
        yield CounterMetricFamily("hoidan_batches", "Transactions that turns were taken in", turns.batches)
        yield GaugeMetricFamily("hoidan_turns_waiting", "Messages that wait for a batch", len(turns._waiting))
        yield GaugeMetricFamily("hoidan_web_sockets", "Open pages of the web chat", hub.pages())
        yield CounterMetricFamily("hoidan_web_notices", "Notices that a page says it shows", hub.delivered)
        yield GaugeMetricFamily("hoidan_quarantined", "Events in quarantine", self._quarantined)
        outbox = GaugeMetricFamily(
            "hoidan_outbox", "Messages of the outbox that were not sent", labels=("channel", "state")
        )
        for labels, count in self._unsent.items():
            outbox.add_metric(labels, count)
        yield outbox


async def metrics(request: web.Request) -> web.Response:
    """``GET /metrics`` for Prometheus, from this machine or its private network only."""
    services = request.app[SERVICES]
    if not is_local(request, services.settings.trusted_proxies):
        raise web.HTTPForbidden

    def count(connection: Connection) -> tuple[dict[tuple[str, str], int], int]:
        return tallies.unsent(connection, ABILITIES), tallies.quarantined(connection)

    registry = CollectorRegistry(auto_describe=False)
    ProcessCollector(registry=registry)
    registry.register(_Figures(services.turns, request.app[HUB], *await services.database.reading(count)))
    return web.Response(
        body=generate_latest(registry), headers={"Content-Type": "text/plain; version=0.0.4; charset=utf-8"}
    )
