"""The running product: which rooms a process of ``hoidan serve`` opens, in which order, and how it closes
them.

Roles can be split over processes and machines on one PostgreSQL; an embedded database belongs to one
process that does
everything.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
import signal
from collections.abc import Collection
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from enum import StrEnum
from functools import partial

from aiohttp import web
from sqlalchemy import Connection

from bot import media, office, questions, watching
from bot.channels.telegram import CHANNEL as TELEGRAM
from bot.channels.telegram_api import TelegramSender
from bot.commands import RESIDENT
from bot.contacting import Contacting, lost, wanted, writing
from bot.delivery import Delivery
from bot.desk import Desk
from bot.fetching import Fetching
from bot.leaflets import Links
from bot.media import MEGABYTE, Limits
from bot.pacing import SendingAccount
from bot.questionnaires import Shelf
from bot.retention import forgetting
from bot.settings import Settings, keyring
from bot.staff import STAFF
from bot.turns import Turns
from bot.web.app import make_app
from bot.web.services import Services
from bot.web.telegram import TelegramDoor, resident_commands
from bot.worker import Worker
from scheduler.jobs import STORAGE_JOBS
from scheduler.runner import Runner
from storage import leases, migrate, senders
from storage.crypto import Keyring
from storage.database import Database, Ownership, now_ms, of_the_ground
from storage.tasks import lapse as lapse_tasks
from surveys.problems import Problem

log = logging.getLogger("hoidan.serve")


TRY_AGAIN_S = 20.0
POLLING_LEASE_MS = 45_000
"""Longer than one long poll: only one process of a deployment may fetch updates at a time."""


class Role(StrEnum):
    """A part of the work that a process can take on."""

    WEB = "web"
    DELIVERY = "delivery"
    SCHEDULER = "scheduler"
    WORKER = "worker"


EVERYTHING = frozenset(Role)


def read_roles(text: str) -> frozenset[Role]:
    """``all``, or names separated by commas. Raises Problem ``role_unknown``."""
    names = {name.strip() for name in text.split(",") if name.strip()}
    if "all" in names:
        return EVERYTHING
    unknown = names - {role.value for role in Role}
    if unknown or not names:
        raise Problem("role_unknown", role=", ".join(sorted(unknown)), known="all, " + ", ".join(Role))
    return frozenset(Role(name) for name in names)


@dataclass(slots=True)
class Running:
    """A process that serves: what it holds, for tests and the demo. ``port`` is where it listens."""

    settings: Settings
    database: Database
    keyring: Keyring
    turns: Turns
    desk: Desk
    shelf: Shelf
    port: int = 0
    telegram: TelegramSender | None = None
    account: SendingAccount | None = None
    deliveries: list[Delivery] = field(default_factory=list)


async def serve(
    settings: Settings,
    roles: Collection[Role] = EVERYTHING,
    *,
    started: asyncio.Future[Running] | None = None,
    stopping: asyncio.Event | None = None,
) -> None:
    """Serve until ``stopping`` is set or a signal asks to end; everything begun is finished first.

    Raises Problem ``database_owned`` when another process serves this embedded database, and whatever the
    settings,
    keys and database have to say.
    """
    stop = stopping or asyncio.Event()
    if stopping is None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop.set)
    async with AsyncExitStack() as stack:
        running = await _open(settings, frozenset(roles), stop, stack)
        log.info("serving on %s:%d", settings.host, running.port)
        if started is not None:
            started.set_result(running)
        await stop.wait()
        log.info("stopping")


async def _open(
    settings: Settings, roles: frozenset[Role], stop: asyncio.Event, stack: AsyncExitStack
) -> Running:
    file = settings.database_file
    if file is not None:
        if roles != EVERYTHING:
            raise Problem("embedded_needs_all")
        owner = Ownership(file)
        if not owner.take():
            raise Problem("database_owned", file=str(file))
        stack.callback(owner.release)
    keys = keyring(settings)
    database = Database(settings.database)
    stack.callback(database.close)
    if file is not None:
        migrate.upgrade(database.engine)
        database.write(_outlive)
    elif migrate.pending(database.engine):
        raise Problem("database_pending")
    shelf = Shelf()
    sender = None
    if settings.telegram_token is not None:
        sender = TelegramSender(
            settings.telegram_token,
            settings.telegram_api_base,
            partial(form_file, database),
            settings.telegram_per_second,
        )
        stack.push_async_callback(sender.close)
    files = Limits(settings.media_largest_mb * MEGABYTE, settings.media_image_mb * MEGABYTE)
    # Until Telegram has said who we are, and where it can't be reached: as it said last.
    known = database.read(partial(senders.name_on, channel=TELEGRAM)) if sender is not None else ""
    desk = Desk(RESIDENT, STAFF, Links(settings.public_url, known), files)
    turns = Turns(database, keys, shelf, desk, settings.time_zone)
    running = Running(settings, database, keys, turns, desk, shelf, telegram=sender)
    contacting = Contacting(keys, settings.time_zone, shelf, lambda: desk.links)
    tasks: list[asyncio.Task[None]] = []
    if sender is not None:
        account = running.account = SendingAccount(
            database, TELEGRAM, chats_paced=settings.telegram_chat_burst > 0
        )
        tasks.append(asyncio.create_task(account.run(stop), name="account"))
    if Role.DELIVERY in roles and sender is not None:
        delivery = Delivery(
            database,
            keys,
            TELEGRAM,
            sender,
            account=running.account,
            per_second=settings.telegram_per_second,
            wanted=wanted(contacting),
            lost=lost(contacting),
        )
        running.deliveries.append(delivery)
        tasks.append(asyncio.create_task(delivery.run(), name="delivery"))
        fetching = Fetching(database, keys, TELEGRAM, sender, turns, files)
        tasks.append(asyncio.create_task(fetching.run(stop), name="fetching"))
    watch = watching.Watch(keys, settings.time_zone)
    tasks.append(asyncio.create_task(watching.keep_an_eye(database, watch, stop), name="watching"))
    if Role.SCHEDULER in roles:
        staff = questions.reminding(keys, settings.time_zone)
        jobs = (*STORAGE_JOBS, forgetting(keys), staff, writing(contacting), *watching.jobs(watch))
        tasks.append(asyncio.create_task(Runner(database, jobs).run(stop), name="scheduler"))
    if Role.WORKER in roles:
        tasks.append(asyncio.create_task(Worker(settings, database, keys).run(stop), name="worker"))
    stack.push_async_callback(_finish, running, tasks)
    if file is not None:
        # Before anybody is told that we are ready: commands find the file owned from now on.
        site = await office.serve_office(database, keys, settings.time_zone, office.socket_path(file))
        stack.push_async_callback(site.cleanup)
    if Role.WEB in roles:
        await _listen(running, stop, stack, tasks)
    return running


async def form_file(database: Database, interview: int, name: str) -> tuple[str, bytes] | None:
    """A file that a form shows with a question, for the channel that sends it: *(digest, content)*."""
    found = await database.reading(lambda connection: media.shown(connection, interview, name))
    return None if found is None else (found.digest, found.content)


def _outlive(connection: Connection) -> None:
    """What a killed process held of its embedded database is free at once: the lock says that it is gone."""
    leases.lapse(connection)
    lapse_tasks(connection)


async def _finish(running: Running, tasks: list[asyncio.Task[None]]) -> None:
    for delivery in running.deliveries:
        delivery.stop()
    if tasks:
        _, late = await asyncio.wait(tasks, timeout=8)
        for task in late:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _listen(
    running: Running, stop: asyncio.Event, stack: AsyncExitStack, tasks: list[asyncio.Task[None]]
) -> None:
    settings, sender = running.settings, running.telegram

    def wake() -> None:
        for delivery in running.deliveries:
            delivery.wake()

    routes: list[web.RouteDef] = []
    door = None
    if sender is not None and running.account is not None:
        door = TelegramDoor(
            running.turns,
            sender,
            settings.telegram_webhook_secret or "",
            wake,
            running.account,
            settings.telegram_chat_burst,
        )
        if settings.telegram_mode == "webhook":
            routes.append(web.post(settings.telegram_webhook_path, door.webhook))
    services = Services(
        settings=settings,
        database=running.database,
        keyring=running.keyring,
        turns=running.turns,
        shelf=running.shelf,
        desk=running.desk,
        routes=tuple(routes),
    )
    runner = web.AppRunner(make_app(services), access_log=None, handle_signals=False, shutdown_timeout=3.0)
    await runner.setup()
    stack.push_async_callback(runner.cleanup)
    site = web.TCPSite(runner, settings.host, settings.port)
    try:
        await site.start()
    except OSError as fault:
        raise Problem("port_taken", port=settings.port, fault=fault.strerror or "") from None
    running.port = runner.addresses[0][1]
    if sender is None:
        # Nobody is sent to a bot that does not answer.
        await _keep_name(running.database, "")
    elif door is not None:
        reached = await _greet(running, sender)
        tasks.append(asyncio.create_task(_talk(running, sender, door, stop, reached), name="telegram"))


async def _greet(running: Running, sender: TelegramSender) -> bool:
    """Ask Telegram who we are, and tell it where we are and what can be said. False when it can't be reached.

    Telegram is one channel of several: when it can't be reached, the others are served. A token it refuses
    is a mistake in
    the settings, and raises Problem ``telegram_token``.
    """
    settings = running.settings
    try:
        await sender.start()
    except Problem as problem:
        if problem.code != "telegram_unreachable":
            raise
        log.warning("Telegram can't be reached; it is tried again while the other channels are served")
        return False
    running.desk.links = Links(settings.public_url, sender.name)
    await _keep_name(running.database, sender.name)
    webhook = None
    if settings.telegram_mode == "webhook":
        webhook = (
            settings.public_url.rstrip("/") + settings.telegram_webhook_path,
            settings.telegram_webhook_secret or "",
        )
    await sender.announce(webhook, resident_commands())
    return True


async def _keep_name(database: Database, name: str) -> None:
    """Keep who we are on Telegram, for the paper and the messages that other processes make. Where nothing
    can be written now, people are served all the same.
    """

    def keep(connection: Connection) -> None:
        if senders.name_on(connection, TELEGRAM) != name:
            senders.note(connection, TELEGRAM, name, now_ms())

    try:
        await database.writing(keep)
    except Exception as fault:
        if not of_the_ground(fault):
            raise
        log.warning("our name on Telegram can't be kept now: %s", type(fault).__name__)


async def _talk(
    running: Running, sender: TelegramSender, door: TelegramDoor, stop: asyncio.Event, reached: bool
) -> None:
    """Reach Telegram if that is still to be done; then fetch updates, where they are not brought."""
    while not reached and not stop.is_set():
        await _pause(stop, TRY_AGAIN_S)
        try:
            reached = stop.is_set() or await _greet(running, sender)
        except Problem as problem:
            log.error("Telegram is not served: %s", problem.code)
            return
    if running.settings.telegram_mode != "polling" or stop.is_set():
        return
    holder, name = secrets.token_hex(8), f"polling:{TELEGRAM}"

    async def allowed() -> bool:
        epoch = await running.database.writing(
            lambda connection: leases.take(connection, name, holder, now_ms(), POLLING_LEASE_MS), bulk=True
        )
        return epoch is not None

    try:
        await sender.poll(door.polled, stop, allowed)
    finally:
        await running.database.writing(lambda connection: leases.release(connection, name, holder), bulk=True)


async def _pause(stop: asyncio.Event, seconds: float) -> None:
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(stop.wait(), seconds)
