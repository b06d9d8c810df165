"""How fast one account of a platform may send: in all, to one chat, and when it was told to wait.

Telegram takes about 30 messages a second of a bot, one a second to a chat with short bursts, and after a 429
nothing for as long as that says (core.telegram.org/bots/faq). What answers somebody goes first; messages of
our own accord have the whole pace only while nobody talks to the bot, and make room when somebody does.
"""

from __future__ import annotations

import asyncio
import logging
import math
import time
from collections import OrderedDict, deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

from storage import outbox, signals
from storage.database import Database, now_ms
from storage.outbox import Standing

log = logging.getLogger("hoidan.pacing")

PER_SECOND = 30
"""Messages a second of a bot without a paid tier (core.telegram.org/bots/faq)."""
RESERVE = 5
"""Of these, kept free for replies while people talk to the bot."""
IDLE_S = 10.0
"""Nobody talks to the bot when nobody did for that long."""
PEAK_S = 10.0
"""How long it is remembered that more than these were needed."""
_LASTING_S = 1.0
"""Over how long it shows that more people talk, rather than that some did at the same moment."""
_SEEN_S = 2.5
"""The same for those who reply: later than delivery sees it, so that there is room when they go."""
_AWAKE_S = 0.7
"""How long delivery takes to make room when the first one talks."""
_STEADY = 30
"""Answers after which the shortest round trip is believed."""
_LATELY_S = 30.0
_CAUTION, _MOST_SPARE = 0.8, 0.2
"""The part of it that is made use of, and how many seconds of it at most."""

Clock = Callable[[], float]


@dataclass(frozen=True, slots=True)
class Room:
    """How many sends may begin now."""

    replies: int
    bulk: int


class Pacer:
    """Counts the sends of one account so that the platform never sees more than ``per_second`` in a second.

    A send counts from its beginning until a second after its answer, since nobody knows when in between it
    arrived; of that second the time is taken off that no round trip stays under. Bulk messages also keep to
    an even pace, and leave room for ``live`` replies: those other processes sent in the last second.
    """

    def __init__(self, per_second: int = PER_SECOND, clock: Clock = time.monotonic) -> None:
        self.per_second = per_second
        self._clock = clock
        self._flying = {True: 0, False: 0}
        self._counted: dict[bool, deque[float]] = {True: deque(), False: deque()}
        self._talked_at = -IDLE_S
        self._most, self._most_at = 0.0, -PEAK_S
        self._lasting, self._looked = 0.0, clock()
        self._at = clock()
        self._saved = 0.0
        self._shortest = (float("inf"), float("inf"))
        self._since = self._at
        self._answers = 0
        self._saved = float(self.wave(0))

    def ceiling(self, live: int) -> int:
        """Bulk messages that may go in a second, beside ``live`` replies of others in the last one."""
        now = self._clock()
        others = live + self._in_second(False, now)
        self._lasting += (others - self._lasting) * (1 - math.exp((self._looked - now) / _LASTING_S))
        self._looked = now
        if others:
            self._talked_at = now
        elif now - self._talked_at >= IDLE_S:
            return self.per_second
        # People do not come evenly. Whoever replies waits for a place when some come at the same moment
        # (SendingAccount.room), so only what lasts, or is very much, takes more from the bulk.
        needed = max(self._lasting, others - RESERVE)
        if needed >= self._most or now - self._most_at >= PEAK_S:
            self._most, self._most_at = needed, now
        # Some more than come, so that those who had to wait are not always behind.
        kept = RESERVE if self._most < RESERVE else int(self._most) + 3
        return max(1, self.per_second // 6, self.per_second - kept)

    def wave(self, live: int) -> int:
        """How many bulk messages are worth a transaction: a tenth of a second's."""
        return max(1, self.ceiling(live) // 10)

    def room(self, live: int) -> Room:
        """How many may begin now."""
        ceiling = self.ceiling(live)
        now = self._clock()
        # More than is saved for a wave and a bit would come in a heap.
        self._saved = min(max(1.0, ceiling * 0.3), self._saved + (now - self._at) * ceiling)
        self._at = now
        bulk, replies = self._in_second(True, now), self._in_second(False, now)
        left = max(0, self.per_second - bulk - replies)
        return Room(replies=left, bulk=max(0, min(int(self._saved + 1e-6), left, ceiling - bulk)))

    def wait(self, number: int, live: int) -> float:
        """Seconds until ``number`` bulk messages may begin, as far as can be told."""
        ceiling = self.ceiling(live)
        now = self._clock()
        saved = max(0.0, (number - self._saved) / ceiling - (now - self._at))
        bulk = self._in_second(True, now) + number
        over = max(bulk - ceiling, bulk + self._in_second(False, now) - self.per_second)
        if over <= 0:
            return saved
        ends = self._counted[True]
        if over > len(ends):
            return max(0.01, saved)  # What is on its way has to come back first.
        return max(saved, ends[over - 1] - now)

    def begin(self, bulk: bool) -> float:
        """A send begins; what :meth:`end` wants to know of it."""
        self._flying[bulk] += 1
        if bulk:
            self._saved -= 1
        return self._clock()

    def end(self, bulk: bool, began: float) -> None:
        """It was answered, or given up."""
        now = self._clock()
        self._flying[bulk] -= 1
        spare = self._spare(now, now - began)
        counted = self._counted[bulk]
        counted.append(max(now + 1.0 - spare, counted[-1] if counted else 0.0))

    def _spare(self, now: float, took: float) -> float:
        """What surely lies between a beginning and its answer: most of the shortest round trip of late."""
        if now - self._since >= _LATELY_S:
            self._since, self._answers = now, 0
            self._shortest = (self._shortest[1], took)
        self._answers += 1
        self._shortest = (self._shortest[0], min(self._shortest[1], took))
        if self._shortest[0] == float("inf") and self._answers < _STEADY:
            return 0.0
        return min(_CAUTION * min(self._shortest), _MOST_SPARE)

    def _in_second(self, bulk: bool, now: float) -> int:
        counted = self._counted[bulk]
        while counted and counted[0] <= now:
            counted.popleft()
        return len(counted) + self._flying[bulk]


class Replies:
    """When replies may go beside bulk messages: :data:`RESERVE` in a second, which are kept free for them.
    More, once more came for so long that delivery has seen it and makes room; and none right away when
    nobody had talked before, for then bulk messages have the whole pace.
    """

    def __init__(self, clock: Clock = time.monotonic) -> None:
        self._clock = clock
        self._pacer = Pacer(RESERVE, clock)
        self._asked, self._asked_at = 0.0, -IDLE_S
        self._free_at = 0.0

    def ask(self) -> None:
        """Somebody talks: a reply will have to go."""
        now = self._clock()
        if now - self._asked_at >= IDLE_S:
            self._free_at = now + _AWAKE_S
        self._asked, self._asked_at = self._lately(now) + 1 / _SEEN_S, now

    def free(self) -> bool:
        """Whether one may go now."""
        now = self._clock()
        lately = self._lately(now)
        # One less than delivery keeps free by then, and later: both see the same, but not at the same moment.
        self._pacer.per_second = RESERVE if lately < RESERVE + 0.5 else int(lately) + 2
        return self._pacer.room(0).replies > 0 and now >= self._free_at

    def _lately(self, now: float) -> float:
        """How many a second talked of late."""
        return self._asked * math.exp((self._asked_at - now) / _SEEN_S)

    def begin(self) -> float:
        """One goes; what :meth:`end` wants to know of it."""
        return self._pacer.begin(False)

    def end(self, began: float) -> None:
        """It was answered, or given up."""
        self._pacer.end(False, began)


class Chats:
    """When a chat takes its next message: of our own accord one a second, replies three in any three; where
    it is not ``paced``, when the one before was answered.
    """

    BURST = 3
    MOST = 50_000
    """Chats that are remembered."""

    def __init__(self, clock: Clock = time.monotonic, *, paced: bool = True) -> None:
        self._clock = clock
        self._paced = paced
        self._times: OrderedDict[int, deque[float]] = OrderedDict()
        self._flying: set[int] = set()

    def wait(self, contact_id: int, bulk: bool) -> float:
        """Seconds until the chat of a contact is free; infinite while something is on its way there."""
        if contact_id in self._flying:
            return float("inf")
        times = self._times.get(contact_id)
        if not times or not self._paced:
            return 0.0
        now = self._clock()
        free = times[-1] + 1.0 if bulk else 0.0
        if len(times) == self.BURST:
            free = max(free, times[0] + self.BURST)
        return max(0.0, free - now)

    def begin(self, contact_id: int) -> None:
        """A message is on its way to the contact."""
        self._flying.add(contact_id)

    def end(self, contact_id: int) -> None:
        """It was answered, or given up."""
        self._flying.discard(contact_id)
        self.note(contact_id)

    def note(self, contact_id: int) -> None:
        """A message went there at this moment."""
        times = self._times.pop(contact_id, None)
        if times is None:
            times = deque(maxlen=self.BURST)
        times.append(self._clock())
        self._times[contact_id] = times
        if len(self._times) > self.MOST:
            self._times.popitem(last=False)


def waking(event: asyncio.Event) -> Callable[[], None]:
    """A callback for any thread that sets an event of the running loop."""
    loop = asyncio.get_running_loop()

    def wake() -> None:
        loop.call_soon_threadsafe(event.set)

    return wake


_LOOK_AGAIN_S = 0.02
"""How often a reply that waits looks whether there is room."""
LOOK_S = 1.0
"""How long a halt told by another process waits at most before it is seen."""


class SendingAccount:
    """What this process knows of a channel's account: whoever sends there asks it first.

    ``clock`` tells milliseconds since 1970, as the tables do.
    """

    def __init__(
        self,
        database: Database,
        channel: str,
        clock: Callable[[], int] = now_ms,
        *,
        chats_paced: bool = True,
    ) -> None:
        self._database = database
        self._channel = channel
        self._clock = clock
        self._standing = Standing()
        self._wake = asyncio.Event()
        self._replies = Replies()
        self.chats = Chats(paced=chats_paced)

    def stands(self, standing: Standing) -> None:
        """What was read in the tables a moment ago."""
        self._standing = standing

    def halts_until(self, until: int) -> None:
        """The platform said to wait; whoever calls this sees to it that the tables learn it."""
        self._standing = Standing(max(self._standing.halted_until, until), self._standing.bulk_until)

    @property
    def halted(self) -> float:
        """Seconds for which nothing may be sent; 0 when nothing holds it."""
        return max(0.0, (self._standing.halted_until - self._clock()) / 1000)

    @property
    def bulk_under_way(self) -> bool:
        """Whether some process sends bulk messages now."""
        return self._standing.bulk_until > self._clock()

    async def halt(self, seconds: float) -> None:
        """The platform said to wait: the whole account does, in every process, from now on."""
        now = self._clock()
        until = now + round(seconds * 1000)
        self.halts_until(until)
        self.halts_until(
            await self._database.writing(
                lambda connection: outbox.halt(connection, self._channel, until, now)
            )
        )

    def talked(self) -> None:
        """Somebody talked, and will get a reply: the more do, the more room there is to be."""
        self._replies.ask()

    def crowded(self) -> bool:
        """Whether one more reply at this moment may be too much beside the bulk messages under way; if not,
        it goes. Ask once a reply: it is counted.
        """
        self.talked()
        free = self._replies.free()
        if self.bulk_under_way and not free:
            return True
        self._replies.end(self._replies.begin())
        return False

    @asynccontextmanager
    async def room(self) -> AsyncIterator[None]:
        """Wait until one more reply is not too much beside the bulk messages under way; it is sent inside."""
        while not self._replies.free() and self.bulk_under_way:
            await asyncio.sleep(_LOOK_AGAIN_S)
        began = self._replies.begin()
        try:
            yield
        finally:
            self._replies.end(began)

    async def run(self, stop: asyncio.Event) -> None:
        """Know of what other processes were told, until ``stop``."""
        end = self._database.signals.listen(signals.halted(self._channel), waking(self._wake))
        try:
            while not stop.is_set():
                self._wake.clear()
                try:
                    self.stands(
                        await self._database.reading(
                            lambda connection: outbox.standing(connection, self._channel)
                        )
                    )
                except Exception as fault:
                    log.warning("how %s stands can't be read: %s", self._channel, type(fault).__name__)
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._wake.wait(), LOOK_S)
        finally:
            end()
