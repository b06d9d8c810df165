"""Sends the outbox of one channel's account: by lease, at the channel's pace, each message at most once.

One process holds the lease of a sending account. It works in short turns, each one transaction: what was
answered since the last one is settled, the lease is kept, and as many messages are claimed as may begin at
this moment. They begin at once, so what a process that dies had claimed is what it had on its way: bulk
messages among that become ``unknown`` and are not repeated by themselves. Answers to somebody go first; when
the platform says to wait, the whole account waits, in every process (:mod:`bot.pacing`).
"""

from __future__ import annotations

import asyncio
import logging
import random
import secrets
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Protocol, TypeVar

import msgspec
from sqlalchemy import Connection

from bot.channels import Fate, Outcome
from bot.messages import ABILITIES, Outgoing
from bot.notices import notice
from bot.pacing import PER_SECOND, Pacer, Room, SendingAccount, waking
from bot.readings import waited
from bot.texts import SOURCE
from storage import contacts, events, leases, outbox, signals
from storage.crypto import Keyring
from storage.database import Database, now_ms, of_the_ground
from storage.outbox import Lane, Settled, Standing, Waiting, Wanted
from surveys.campaigns import Status

log = logging.getLogger("hoidan.delivery")

T = TypeVar("T")

LEASE_MS = 15_000
"""How long a lease holds without being kept; every turn keeps it."""
IDLE_S = 1.0
"""How long to wait for a signal before looking anyway."""
SETTLE_S = 0.02
"""How long an answer waits for others before it is written down."""
TOGETHER = 16
"""Sends on their way at once, at least; a quarter of a second's where the platform takes more."""
MOST_TOGETHER = 256
ATTEMPTS = 8
"""After that many refusals a message is given up as failed, for staff to see."""
AGAIN = 3
"""How often an answer to somebody is tried when the platform itself is in trouble (5xx)."""
LONGEST_S = 300.0
"""How long delivery waits at most before it tries again."""
OVER_AT_ONCE = 250
"""Messages of a closed campaign dropped in one transaction."""
FILLED = 4
"""How often more is claimed in one transaction when what was claimed is not wanted any more."""
TEXTS = 512
"""Messages kept as made, for others with the same words."""


class Sender(Protocol):
    """What delivery needs of a channel. ``bulk``: a message of our own accord."""

    async def send(
        self,
        address: str,
        outgoing: Outgoing,
        tapped: str = "",
        language: str = SOURCE,
        bulk: bool = False,
    ) -> Outcome: ...


Lost = Callable[[Connection, Sequence[int], int], object]
"""What follows when contacts can't be reached any more: *(connection, contact ids, now)*."""


@dataclass(frozen=True, slots=True)
class _Done:
    """A send that has ended. Without an outcome it had not begun."""

    one: Waiting
    epoch: int
    outcome: Outcome | None


@dataclass(slots=True)
class _Turn:
    """What a transaction came to. ``held``: seconds until a chat is free that a reply waits for."""

    epoch: int | None
    standing: Standing = field(default_factory=Standing)
    lanes: list[Lane] | None = None
    live: int = 0
    claimed: list[Waiting] = field(default_factory=list)
    addresses: dict[int, str] = field(default_factory=dict)
    full: bool = False
    held: float = float("inf")


class Delivery:
    """The delivery of one channel in one process.

    ``per_second``: messages the platform takes of this account in a second, in all. ``wanted`` decides about
    bulk messages again when they are claimed. ``lost`` is told of contacts that can't be reached any more.
    """

    def __init__(
        self,
        database: Database,
        keyring: Keyring,
        channel: str,
        sender: Sender,
        clock: Callable[[], int] = now_ms,
        *,
        account: SendingAccount | None = None,
        per_second: int = PER_SECOND,
        wanted: Wanted | None = None,
        lost: Lost | None = None,
    ) -> None:
        self._database = database
        self._lane = database.lane(f"delivery {channel}")
        self._keyring = keyring
        self._channel = channel
        self._sender = sender
        self._clock = clock
        self._account = account or SendingAccount(database, channel, clock)
        self._pacer = Pacer(per_second)
        self._together = max(TOGETHER, min(MOST_TOGETHER, per_second // 4))
        self._wanted = wanted
        self._lost = lost
        self._wake = asyncio.Event()
        self._stopping = False
        self._holder = secrets.token_hex(8)
        self._epoch: int | None = None
        self._holds_until = 0.0
        self._tasks: set[asyncio.Task[None]] = set()
        self._finished: list[_Done] = []
        self._lanes: deque[Lane] = deque()
        self._lanes_at = float("-inf")
        self._live = 0
        self._said_at = 0
        self._troubles = 0
        self._bulk_at = 0.0
        self._probe: int | None = None
        self._texts: OrderedDict[tuple[str, str, bytes], Outgoing] = OrderedDict()
        self.sent = 0

    def wake(self) -> None:
        """Something was queued."""
        self._wake.set()

    def stop(self) -> None:
        """End what is on its way, then end."""
        self._stopping = True
        self._wake.set()

    async def run(self) -> None:
        """Deliver until stopped."""
        ends = [
            self._database.signals.listen(signals.queued(self._channel), waking(self._wake)),
            self._database.signals.listen(signals.halted(self._channel), waking(self._wake)),
            self._database.signals.listen(signals.CAMPAIGNS, self._campaigns_changed()),
        ]
        try:
            while not (self._stopping and not self._tasks and not self._finished):
                self._wake.clear()
                try:
                    pause = await self._turn()
                except Exception as fault:
                    # What was sent is known here alone, and is kept until it can be written down.
                    log.error("delivery on %s failed: %s", self._channel, type(fault).__name__)
                    if self._stopping and not of_the_ground(fault):
                        raise
                    pause = 1 + random.random()  # noqa: S311
                    await asyncio.sleep(pause)
                await self._rest(pause)
        finally:
            for end in ends:
                end()
            if self._epoch is not None:
                await self._writing(lambda connection: leases.release(connection, self._lease, self._holder))

    @property
    def _lease(self) -> str:
        return f"delivery:{self._channel}"

    def _campaigns_changed(self) -> Callable[[], None]:
        wake = waking(self._wake)

        def changed() -> None:
            self._lanes_at = float("-inf")
            wake()

        return changed

    async def _writing(self, job: Callable[[Connection], T]) -> T:
        return await asyncio.wrap_future(self._lane.write(job))

    async def _rest(self, pause: float) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(self._wake.wait(), pause)

    # ── a turn ──────────────────────────────────────────────────────────────────────────────────────────────

    async def _turn(self) -> float:
        """Settle, claim, begin; seconds until the next turn if nothing happens before."""
        finished, self._finished = self._finished, []
        self._weigh(finished)
        room = self._room()
        began = time.monotonic()
        refresh = began - self._lanes_at >= IDLE_S
        try:
            turn = await self._writing(partial(self._write, finished=finished, room=room, refresh=refresh))
        except BaseException:
            self._finished = finished + self._finished
            raise
        self._epoch = turn.epoch
        if turn.epoch is None:
            return IDLE_S
        self._holds_until = began + LEASE_MS * 2 / 3000
        self._account.stands(turn.standing)
        self._live = turn.live
        if turn.lanes is not None:
            self._lanes, self._lanes_at = deque(turn.lanes), began
        elif room.bulk and self._lanes:
            self._lanes.rotate(-min(len(self._lanes), max(1, room.bulk)))
        for one in turn.claimed:
            self._begin(one, turn.addresses.get(one.contact_id), turn.epoch)
        return self._pause(turn, room)

    def _room(self) -> Room:
        """How many messages may be claimed now: nothing for its own sake."""
        if self._stopping or self._account.halted:
            return Room(0, 0)
        room = self._pacer.room(self._live)
        free = self._together - len(self._tasks)
        bulk = min(room.bulk, free)
        if time.monotonic() < self._bulk_at or bulk < self._wave():
            bulk = 0
        elif self._probe is not None:
            bulk = min(bulk, self._probe - len(self._tasks))
        return Room(max(0, min(room.replies, free)), max(0, bulk))

    def _wave(self) -> int:
        if self._probe is not None:
            return 1
        return min(self._pacer.wave(self._live), self._together // 4)

    def _pause(self, turn: _Turn, room: Room) -> float:
        if self._stopping or turn.full:
            return 0.05
        pause = min(IDLE_S, turn.held)
        if not room.replies:
            pause = min(pause, 0.1)
        if halted := self._account.halted:
            return min(pause, halted)
        if any(lane.status == Status.OPEN.value for lane in self._lanes):
            later = max(0.0, self._bulk_at - time.monotonic())
            pause = min(pause, max(later, self._pacer.wait(self._wave(), self._live), 0.001))
        if any(lane.status in outbox.ENDED for lane in self._lanes):
            pause = min(pause, 0.01)
        return pause

    def _write(self, connection: Connection, finished: Sequence[_Done], room: Room, refresh: bool) -> _Turn:
        """The transaction of a turn, in the thread of a lane."""
        now = self._clock()
        self._settle(connection, finished, now)
        if self._stopping and self._epoch is None:
            return _Turn(None)
        epoch = leases.take(connection, self._lease, self._holder, now, LEASE_MS)
        if epoch is None:
            return _Turn(None)
        if epoch != self._epoch:
            self._take_over(connection, epoch, now)
        turn = _Turn(epoch, outbox.standing(connection, self._channel))
        lanes: Sequence[Lane] = self._lanes
        if refresh:
            lanes = turn.lanes = self._in_order(outbox.lanes(connection, self._channel, now))
        for lane in lanes:
            if lane.campaign_id is not None and lane.status in outbox.ENDED:
                outbox.drop_over(connection, self._channel, lane.campaign_id, OVER_AT_ONCE, now)
        turn.live = events.lately(connection, self._channel, now - 1_000, self._pacer.per_second)
        if turn.standing.halted_until > now or not (room.replies or room.bulk):
            return turn
        self._claim(connection, turn, epoch, room, lanes, now)
        if turn.claimed:
            ids = [one.contact_id for one in turn.claimed]
            turn.addresses = dict(contacts.addresses(connection, self._keyring, ids))
        return turn

    def _take_over(self, connection: Connection, epoch: int, now: int) -> None:
        unknown, again = outbox.orphan(connection, self._channel, epoch, now)
        if unknown or again:
            log.warning(
                "a process died while it sent on %s: %d sends unknown, %d answers sent again",
                self._channel,
                unknown,
                again,
            )

    def _in_order(self, found: Sequence[Lane]) -> list[Lane]:
        """Campaigns in the order of their turns: where the last turn ended, the next one goes on."""
        first = self._lanes[0].campaign_id if self._lanes else None
        place = next((at for at, lane in enumerate(found) if lane.campaign_id == first), 0)
        return [*found[place:], *found[:place]]

    def _claim(
        self, connection: Connection, turn: _Turn, epoch: int, room: Room, lanes: Sequence[Lane], now: int
    ) -> None:
        def busy(contact_id: int, bulk: bool) -> bool:
            wait = self._account.chats.wait(contact_id, bulk)
            if not bulk and wait > 0:
                turn.held = min(turn.held, wait)
            return wait > 0

        mine = (connection, self._keyring, self._channel, self._holder, epoch)
        turn.claimed = outbox.claim_replies(*mine, room.replies, now, partial(busy, bulk=False))
        turn.full = 0 < room.replies == len(turn.claimed)
        among = [lane.campaign_id for lane in lanes if lane.status == Status.OPEN.value]
        left = min(room.bulk, self._together - len(self._tasks) - len(turn.claimed))
        taken = {one.contact_id for one in turn.claimed}
        for _ in range(FILLED if among else 0):
            if left <= 0:
                break
            found = outbox.claim_bulk(
                *mine, left, now, among, lambda one: one in taken or busy(one, bulk=True)
            )
            kept = outbox.still_wanted(connection, found, self._wanted, self._holder, epoch, now)
            turn.claimed += kept
            taken.update(one.contact_id for one in kept)
            left -= len(kept)
            if len(kept) == len(found):
                break
        if any(one.bulk for one in turn.claimed) and now - self._said_at >= 1_000:
            outbox.bulk_under_way(connection, self._channel, now + 3_000)
            self._said_at = now

    # ── one message ─────────────────────────────────────────────────────────────────────────────────────────

    def _begin(self, one: Waiting, address: str | None, epoch: int) -> None:
        began = self._pacer.begin(one.bulk)
        self._account.chats.begin(one.contact_id)
        task = asyncio.create_task(self._deliver(one, address, epoch, began))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _deliver(self, one: Waiting, address: str | None, epoch: int, began: float) -> None:
        outcome: Outcome | None = Outcome(Fate.UNKNOWN, "broken off")
        try:
            outcome = await self._send(one, address)
        except Exception as fault:
            log.error("message %d broke off: %s", one.id, type(fault).__name__)
        finally:
            self._pacer.end(one.bulk, began)
            self._account.chats.end(one.contact_id)
            self._finished.append(_Done(one, epoch, outcome))
        if outcome is not None and outcome.fate is Fate.HALT:
            # Nobody begins anything from now on; the tables learn it with the next turn.
            until = self._clock() + round(outcome.after * 1000)
            self._account.halts_until(until)
        if len(self._tasks) == 1 or (outcome is not None and outcome.fate is Fate.HALT):
            self._wake.set()
        elif len(self._finished) == 1:
            asyncio.get_running_loop().call_later(SETTLE_S, self._wake.set)

    async def _send(self, one: Waiting, address: str | None) -> Outcome | None:
        """Make and send one message; None when it did not begin."""
        if address is None:
            return Outcome(Fate.GONE, "blocked")
        try:
            outgoing = await self._made(one)
        except Exception as fault:
            if of_the_ground(fault):
                return Outcome(Fate.RETRY, type(fault).__name__)
            log.error("message %d (%s) can't be made: %s", one.id, one.message, type(fault).__name__)
            return Outcome(Fate.REFUSED, type(fault).__name__)
        if self._account.halted or time.monotonic() > self._holds_until or self._stays(one):
            return None
        if one.bulk:
            outcome = await self._sender.send(address, outgoing, language=one.language, bulk=True)
        else:
            outcome = await self._sender.send(address, outgoing, language=one.language)
        self.sent += outcome.fate is Fate.SENT
        return outcome

    def _stays(self, one: Waiting) -> bool:
        """Whether the message's campaign was paused or closed since it was claimed, as far as is known."""
        return one.bulk and any(
            lane.campaign_id == one.campaign_id and lane.status != Status.OPEN.value for lane in self._lanes
        )

    async def _made(self, one: Waiting) -> Outgoing:
        params = await waited(self._database, one.params)
        abilities = ABILITIES[self._channel]
        if not one.bulk or params is not one.params:
            return notice(one.message, params, one.language, abilities)
        key = (one.message, one.language, msgspec.json.encode(params))
        made = self._texts.get(key)
        if made is None:
            made = notice(one.message, params, one.language, abilities)
            if made.picture is None and made.file is None:
                self._texts[key] = made
                if len(self._texts) > TEXTS:
                    self._texts.popitem(last=False)
        return made

    # ── what became of them ─────────────────────────────────────────────────────────────────────────────────

    def _weigh(self, finished: Sequence[_Done]) -> None:
        """While the platform gives no sensible answer, bulk messages go one by one and ever more seldom: each
        of them may be lost.
        """
        outcomes = [done.outcome for done in finished if done.outcome is not None]
        if not outcomes:
            return
        if any(not _troubled(outcome) for outcome in outcomes):
            self._troubles, self._bulk_at = 0, 0.0
            if self._probe is not None:
                self._probe = self._probe * 2 if self._probe * 2 < self._together else None
            return
        self._troubles += 1
        self._probe = 1
        pause = min(LONGEST_S, 2.0 ** min(self._troubles, 10)) * (0.75 + random.random() / 4)  # noqa: S311
        self._bulk_at = time.monotonic() + pause
        log.warning("%s is in trouble (%s); next try in %.0f s", self._channel, outcomes[0].fault, pause)

    def _settle(self, connection: Connection, finished: Sequence[_Done], now: int) -> None:
        for epoch in sorted({done.epoch for done in finished}):
            those = [done for done in finished if done.epoch == epoch]
            settled = [self._settled(connection, done, now) for done in those]
            outbox.settle(connection, self._holder, epoch, settled, now)
        halts = [done.outcome.after for done in finished if done.outcome and done.outcome.fate is Fate.HALT]
        if halts:
            outbox.halt(connection, self._channel, now + round(max(halts) * 1000), now)
        gone = {
            done.one.contact_id
            for done in finished
            if done.outcome and done.outcome.fate is Fate.GONE and done.one.status == "active"
        }
        for contact_id in sorted(gone):
            contacts.set_status(connection, contact_id, "blocked")
        if gone and self._lost is not None:
            self._lost(connection, sorted(gone), now)

    def _settled(self, connection: Connection, done: _Done, now: int) -> Settled:
        if done.outcome is None:
            return Settled(done.one.id, "due", "", now, tried=False)
        if done.outcome.address:
            moved = contacts.move(
                connection, self._keyring, done.one.contact_id, self._channel, done.outcome.address
            )
            if not moved:  # Somebody else is known there already, and gets what is theirs.
                return Settled(done.one.id, "dropped", done.outcome.fault)
        return settle(done.one, done.outcome, now)


def _troubled(outcome: Outcome) -> bool:
    """Whether an outcome says nothing of the message, but that the platform does not do its work."""
    return outcome.fate is Fate.UNKNOWN or (outcome.fate is Fate.RETRY and not outcome.address)


def settle(one: Waiting, outcome: Outcome, now: int) -> Settled:
    """What the outbox row of a send becomes; retries wait twice as long each time, with jitter.

    An answer to somebody of which the platform said that it failed (5xx) is tried again a few times; a bulk
    message is not, since it may have arrived.
    """
    match outcome.fate:
        case Fate.SENT:
            return Settled(one.id, "sent", outcome.fault)
        case Fate.GONE:
            return Settled(one.id, "dropped", outcome.fault)
        case Fate.REFUSED:
            return Settled(one.id, "failed", outcome.fault)
        case Fate.UNKNOWN:
            if one.bulk or not outcome.after or one.attempts >= AGAIN:
                return Settled(one.id, "unknown", outcome.fault)
    if outcome.fate is Fate.RETRY and one.attempts >= ATTEMPTS:
        return Settled(one.id, "failed", outcome.fault)
    halted = outcome.fate is Fate.HALT
    backoff = min(LONGEST_S, 2.0**one.attempts) * (0.5 + random.random() / 2)  # noqa: S311
    wait = outcome.after if halted or outcome.address else max(outcome.after, backoff)
    return Settled(one.id, "due", outcome.fault, now + round(wait * 1000), tried=not halted)
