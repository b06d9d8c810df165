"""Sends the outbox of one channel's account: by lease, at the channel's pace, each message at most once.

One process holds the lease of a sending account. What it had claimed when its lease ended becomes
``unknown`` and is not
repeated by itself. Replies to somebody go out at once; bulk messages keep to the pace. When the platform
says to wait,
the whole account waits, in every process.
"""

from __future__ import annotations

import asyncio
import logging
import random
import secrets
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Protocol

from sqlalchemy import Connection

from bot.channels import Fate, Outcome
from bot.messages import ABILITIES, Outgoing
from bot.notices import notice
from bot.readings import waited
from storage import contacts, leases, outbox
from storage.crypto import Keyring
from storage.database import Database, now_ms, of_the_ground
from storage.outbox import Settled, Waiting

log = logging.getLogger("hoidan.delivery")

LEASE_MS = 15_000
"""How long a lease holds without being kept; it is kept every third of that."""
IDLE_S = 1.0
"""How long to wait for a signal before looking anyway."""
CLAIM = 32
TOGETHER = 16
"""Sends on their way at once: more make the transport slower, not faster."""
ATTEMPTS = 8
"""After that many refusals a message is given up as failed, for staff to see."""
BULK_PER_SECOND = 25.0
"""Telegram: about 30 messages a second for the whole bot, of which replies need some
(core.telegram.org/bots/faq).
"""


class Sender(Protocol):
    """What delivery needs of a channel."""

    async def send(self, address: str, outgoing: Outgoing) -> Outcome: ...


class Pace:
    """A bucket of sends: ``rate`` a second, at most ``burst`` saved up."""

    def __init__(self, rate: float, burst: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._rate, self._burst, self._clock = rate, burst, clock
        self._saved, self._at = burst, clock()

    def wait(self) -> float:
        """Take one send; seconds to wait before it."""
        now = self._clock()
        self._saved = min(self._burst, self._saved + (now - self._at) * self._rate)
        self._at = now
        self._saved -= 1
        return max(0.0, -self._saved / self._rate)


@dataclass(slots=True)
class _Round:
    """One claim on its way. ``halt``: the platform said to wait, so what has not begun is not begun."""

    gate: asyncio.Semaphore
    halt: Outcome | None = None
    outcomes: dict[int, Outcome] = field(default_factory=dict)


class Delivery:
    """The delivery of one channel in one process."""

    def __init__(
        self,
        database: Database,
        keyring: Keyring,
        channel: str,
        sender: Sender,
        clock: Callable[[], int] = now_ms,
    ) -> None:
        self._database = database
        self._keyring = keyring
        self._channel = channel
        self._sender = sender
        self._clock = clock
        self._wake = asyncio.Event()
        self._stopping = False
        self._holder = secrets.token_hex(8)
        self._epoch: int | None = None
        self._kept_at = 0
        self._pace = Pace(BULK_PER_SECOND, 5.0)
        self.sent = 0

    def wake(self) -> None:
        """Something was queued."""
        self._wake.set()

    def stop(self) -> None:
        """Send what is claimed, then end."""
        self._stopping = True
        self._wake.set()

    async def run(self) -> None:
        """Deliver until stopped."""
        try:
            while not self._stopping:
                try:
                    busy = await self._round()
                except Exception as fault:
                    log.error("delivery on %s failed: %s", self._channel, type(fault).__name__)
                    busy = False
                    await asyncio.sleep(1 + random.random())  # noqa: S311
                if not busy:
                    await self._idle()
        finally:
            if self._epoch is not None:
                await self._database.writing(
                    lambda connection: leases.release(connection, self._lease, self._holder), bulk=True
                )

    @property
    def _lease(self) -> str:
        return f"delivery:{self._channel}"

    async def _idle(self) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(self._wake.wait(), IDLE_S)
        self._wake.clear()

    async def _round(self) -> bool:
        """Claim and send once; whether there may be more."""
        claimed, addresses, halted = await self._database.writing(self._claim)
        if halted > 0:
            await asyncio.sleep(min(halted / 1000, IDLE_S))
            return False
        if not claimed:
            return False
        by_contact: dict[int, list[Waiting]] = {}
        for one in claimed:
            by_contact.setdefault(one.contact_id, []).append(one)
        round_ = _Round(asyncio.Semaphore(TOGETHER))
        await asyncio.gather(
            *(self._to(theirs, addresses.get(key), round_) for key, theirs in by_contact.items())
        )
        await self._settle(claimed, [round_.outcomes[one.id] for one in claimed])
        return len(claimed) == CLAIM

    def _claim(self, connection: Connection) -> tuple[list[Waiting], dict[int, str], int]:
        now = self._clock()
        if self._epoch is None or now - self._kept_at > LEASE_MS // 3:
            epoch = leases.take(connection, self._lease, self._holder, now, LEASE_MS)
            if epoch is None:
                self._epoch = None
                return [], {}, 0
            if epoch != self._epoch:
                unknown, again = outbox.orphan(connection, self._channel, epoch, now)
                if unknown or again:
                    log.warning(
                        "a process died while it sent on %s: %d sends unknown, %d answers sent again",
                        self._channel,
                        unknown,
                        again,
                    )
            self._epoch, self._kept_at = epoch, now
        halted = outbox.halted_until(connection, self._channel) - now
        if halted > 0:
            return [], {}, halted
        claimed = outbox.claim(
            connection, self._keyring, self._channel, self._holder, self._epoch, CLAIM, now
        )
        ids = [one.contact_id for one in claimed]
        return claimed, dict(contacts.addresses(connection, self._keyring, ids)) if ids else {}, 0

    async def _to(self, theirs: Sequence[Waiting], address: str | None, round_: _Round) -> None:
        """The messages of one contact, one after another: they arrive in the order they were queued."""
        for one in theirs:
            async with round_.gate:
                outcome = await self._send(one, address, round_.halt)
            round_.outcomes[one.id] = outcome
            if outcome.fate is Fate.HALT:
                round_.halt = outcome

    async def _send(self, one: Waiting, address: str | None, halt: Outcome | None) -> Outcome:
        if address is None:
            return Outcome(Fate.GONE, "blocked")
        if halt is not None:
            return halt
        if one.bulk:
            await asyncio.sleep(self._pace.wait())
        try:
            params = await waited(self._database, one.params)
            outgoing = notice(one.message, params, one.language, ABILITIES[self._channel])
        except Exception as fault:
            if of_the_ground(fault):
                return Outcome(Fate.RETRY, type(fault).__name__)
            log.error("message %d (%s) can't be made: %s", one.id, one.message, type(fault).__name__)
            return Outcome(Fate.REFUSED, type(fault).__name__)
        outcome = await self._sender.send(address, outgoing)
        self.sent += outcome.fate is Fate.SENT
        return outcome

    async def _settle(self, claimed: Sequence[Waiting], outcomes: Sequence[Outcome]) -> None:
        now = self._clock()
        settled = [settle(one, outcome, now) for one, outcome in zip(claimed, outcomes, strict=True)]
        halt = max((outcome.after for outcome in outcomes if outcome.fate is Fate.HALT), default=0.0)
        gone = [
            one.contact_id
            for one, outcome in zip(claimed, outcomes, strict=True)
            if outcome.fate is Fate.GONE and one.status == "active"
        ]
        epoch = self._epoch
        assert epoch is not None

        def write(connection: Connection) -> None:
            outbox.settle(connection, self._holder, epoch, settled, now)
            if halt:
                outbox.halt(connection, self._channel, now + round(halt * 1000))
            for contact_id in sorted(set(gone)):
                contacts.set_status(connection, contact_id, "blocked")

        while True:
            try:
                await self._database.writing(write)
                return
            except Exception as fault:
                # What was sent is known here alone: forgotten, it would stay claimed until somebody else
                # takes over.
                if self._stopping or not of_the_ground(fault):
                    raise
                log.warning(
                    "what was sent on %s can't be written yet: %s", self._channel, type(fault).__name__
                )
                await asyncio.sleep(IDLE_S)


def settle(one: Waiting, outcome: Outcome, now: int) -> Settled:
    """What the outbox row of a send becomes; retries wait twice as long each time, with jitter."""
    match outcome.fate:
        case Fate.SENT:
            return Settled(one.id, "sent")
        case Fate.GONE:
            return Settled(one.id, "dropped", outcome.fault)
        case Fate.REFUSED:
            return Settled(one.id, "failed", outcome.fault)
        case Fate.UNKNOWN:
            return Settled(one.id, "unknown", outcome.fault)
    if outcome.fate is Fate.RETRY and one.attempts >= ATTEMPTS:
        return Settled(one.id, "failed", outcome.fault)
    backoff = min(300.0, 2.0**one.attempts) * (0.5 + random.random() / 2)  # noqa: S311
    halted = outcome.fate is Fate.HALT
    wait = outcome.after if halted else max(outcome.after, backoff)
    return Settled(one.id, "due", outcome.fault, now + round(wait * 1000), tried=not halted)
