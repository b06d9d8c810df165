"""Fetches the files that people sent through a platform, after the turn that took them as answers.

The turn wrote a row that says by which handle the platform gives the bytes. One process holds the lease and
fetches: what comes is looked at like an upload and kept, sealed; what can't be had now is tried again, ever
later; what can't be had at all is taken back from the answers, and the person is asked again.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
import secrets
from collections.abc import Callable
from typing import Protocol

from sqlalchemy import Connection

from bot import media as files
from bot import trials
from bot.channels import Outcome
from bot.channels.telegram_api import Unfetched
from bot.media import Limits
from bot.messages import Inbound, Outgoing, What
from bot.texts import SOURCE
from bot.turns import Turns
from storage import contacts, leases, media
from storage.crypto import Keyring
from storage.database import Database, now_ms
from storage.media import Due
from surveys.problems import Problem

log = logging.getLogger("hoidan.fetching")

IDLE_S = 2.0
LEASE_MS = 180_000
"""Longer than one file takes at most."""
CLAIM = 4
"""Files fetched at once, each of which is held in memory whole."""
ATTEMPTS = 9
"""Tries before a file is given up: with the waits below, within three hours."""
LONGEST_S = 3_600.0


class Source(Protocol):
    """What fetching needs of a channel."""

    async def fetch(self, handle: str, largest: int) -> bytes: ...

    async def send(
        self, address: str, outgoing: Outgoing, tapped: str = "", language: str = SOURCE
    ) -> Outcome: ...


class Fetching:
    """The fetching of one channel's files in one process."""

    def __init__(
        self,
        database: Database,
        keyring: Keyring,
        channel: str,
        source: Source,
        turns: Turns,
        limits: Limits,
        clock: Callable[[], int] = now_ms,
    ) -> None:
        self._database = database
        self._keyring = keyring
        self._channel = channel
        self._source = source
        self._turns = turns
        self._limits = limits
        self._clock = clock
        self._holder = secrets.token_hex(8)

    async def run(self, stopping: asyncio.Event) -> None:
        """Fetch until ``stopping``."""
        try:
            while not stopping.is_set():
                try:
                    if await self.round():
                        continue
                except Exception as fault:
                    log.error("fetching on %s failed: %s", self._channel, type(fault).__name__)
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(stopping.wait(), IDLE_S)
        finally:
            await self._database.writing(
                lambda connection: leases.release(connection, self._lease, self._holder), bulk=True
            )

    @property
    def _lease(self) -> str:
        return f"fetching:{self._channel}"

    async def round(self) -> int:
        """Fetch what is due now; how many files were dealt with. Nothing while another process does it."""
        now = self._clock()
        due = await self._database.reading(
            lambda connection: media.due(connection, self._keyring, self._channel, now, CLAIM)
        )
        if not due:
            return 0
        epoch = await self._database.writing(
            lambda connection: leases.take(connection, self._lease, self._holder, now, LEASE_MS), bulk=True
        )
        if epoch is None:
            return 0
        await asyncio.gather(*(self._fetch(one) for one in due))
        return len(due)

    async def _fetch(self, one: Due) -> None:
        type_ = ""
        try:
            data = await self._source.fetch(one.handle, self._limits.of(one.kind))
            if not data:
                raise Problem("media_empty")
            if one.kind != media.FORM:
                type_ = (await asyncio.to_thread(files.inspect, data, one.kind, self._limits)).type
        except Unfetched as fault:
            if fault.again and one.attempts + 1 < ATTEMPTS:
                wait = max(fault.after, min(LONGEST_S, 5.0 * 2.0**one.attempts) * (0.5 + random.random() / 2))  # noqa: S311
                at = self._clock() + round(wait * 1000)
                await self._database.writing(
                    lambda connection: media.postpone(connection, one.id, at), bulk=True
                )
                return
            log.info("file %d can't be fetched: %s", one.id, fault)
            await self._lose(one)
            return
        except Problem as problem:
            log.info("file %d is not taken: %s", one.id, problem.code)
            await self._lose(one)
            return
        await files.store(self._database, self._keyring, one.id, data, type_, then=self._arrived(one))

    def _arrived(self, one: Due) -> Callable[[Connection], None] | None:
        """What is to be done with a file that is here now and is no answer."""
        if one.kind != media.FORM:
            return None
        return lambda connection: trials.arrived(connection, self._keyring, one.id, self._clock())

    async def _lose(self, one: Due) -> None:
        """Take the answer back, and ask again."""
        addresses = await self._database.reading(
            lambda connection: contacts.addresses(connection, self._keyring, [one.contact_id])
        )
        address = addresses.get(one.contact_id)
        if address is None:  # Whoever blocked us can't be asked.
            await self._database.writing(lambda connection: media.fail(connection, one.id), bulk=True)
            return
        turned = await self._turns.taking(
            Inbound(self._channel, f"lost:{one.id}", address, What.LOST, str(one.id))
        )
        if turned.reply is not None:
            await self._source.send(address, turned.reply, "", turned.language)
