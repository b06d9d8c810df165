"""Open pages, and the outbox brought to them.

A row of the outbox counts as sent when the page says that it shows it. What a page had not acknowledged
when its socket closed is due again; a page that gets a row twice shows it once, so what is lost with a
process is simply sent again. One loop per process does all of it, one transaction a round: acknowledgements
in, due rows out.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection

from bot.channels.webchat import CHANNEL, HandOut, content
from bot.messages import ABILITIES
from bot.notices import notice
from bot.readings import waited
from storage import outbox
from storage.crypto import Keyring
from storage.database import Database, now_ms
from storage.outbox import Settled, Waiting

log = logging.getLogger("hoidan.web.hub")

POLL_S = 1.0
"""How long a row queued by another process waits at most before it is seen."""
CLAIM = 200
CONTACTS = 500
"""Contacts asked for in one statement."""
FORGOTTEN_S = 300.0
"""How often rows are taken back from processes that died with them. Pages that do have them show them
once.
"""
WAITING = 200
"""Frames that may wait for one slow page; then its socket is closed, and it comes back for what it missed."""
EPOCH = 0
"""Web chat has no lease: the holder of the socket sends."""

_encode = msgspec.json.encode


class Line:
    """One open page: what waits to go out to it, and which notices it has."""

    __slots__ = ("_frames", "_wake", "address", "closing", "contact_id", "hand_out", "shown")

    def __init__(self, address: str, hand_out: HandOut) -> None:
        self.address = address
        self.hand_out = hand_out
        self.contact_id: int | None = None
        self.shown: set[int] = set()
        self.closing = False
        self._frames: deque[str] = deque()
        self._wake = asyncio.Event()

    def put(self, frame: Mapping[str, Any]) -> None:
        """Queue one frame for the page."""
        if len(self._frames) >= WAITING:
            self.close()
        elif not self.closing:
            self._frames.append(_encode(frame).decode())
            self._wake.set()

    def close(self) -> None:
        """End the line; what waits is not sent any more."""
        self.closing = True
        self._wake.set()

    async def next(self) -> str | None:
        """The next frame to send, None when the line ends."""
        while not self._frames and not self.closing:
            self._wake.clear()
            await self._wake.wait()
        return None if self.closing else self._frames.popleft()


class Hub:
    """The open pages of one process, by contact."""

    def __init__(
        self,
        database: Database,
        keyring: Keyring,
        clock: Callable[[], int] = now_ms,
    ) -> None:
        self._database = database
        self._keyring = keyring
        self._clock = clock
        self._holder = f"web {secrets.token_hex(8)}"
        self._open: set[Line] = set()
        self._lines: dict[int, list[Line]] = {}
        self._claimed: dict[int, int] = {}
        self._settled: list[Settled] = []
        self._woken: set[int] = set()
        self._wake = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopping = False
        self.delivered = 0

    # ── what sockets say ──────────────────────────────────────────────────────────────────────────────

    def enter(self, line: Line) -> None:
        """A page is open; whose it is shows with its first message."""
        self._open.add(line)

    def join(self, line: Line, contact_id: int) -> None:
        """The page is this contact's."""
        if line.contact_id == contact_id:
            return
        self._part(line)
        line.contact_id = contact_id
        self._lines.setdefault(contact_id, []).append(line)
        self._woken.add(contact_id)
        self._wake.set()

    def leave(self, line: Line) -> None:
        """The page is gone. What it had not acknowledged is due again, unless another page of the
        contact is open.
        """
        self._open.discard(line)
        self._part(line)

    def _part(self, line: Line) -> None:
        contact_id, line.contact_id = line.contact_id, None
        if contact_id is None:
            return
        lines = self._lines[contact_id]
        lines.remove(line)
        if lines:
            return
        del self._lines[contact_id]
        for key in [key for key, owner in self._claimed.items() if owner == contact_id]:
            del self._claimed[key]
            self._settled.append(Settled(key, "due"))
        self._wake.set()

    def acknowledge(self, line: Line, key: int) -> None:
        """The page shows the notice with this sequence number."""
        line.shown.add(key)
        if self._claimed.get(key) == line.contact_id and line.contact_id is not None:
            del self._claimed[key]
            self._settled.append(Settled(key, "sent"))
            self.delivered += 1
            self._wake.set()

    def wake(self, contact_id: int) -> None:
        """Something was queued for this contact. Any thread may say so."""
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._called, contact_id)

    def _called(self, contact_id: int) -> None:
        if contact_id in self._lines:
            self._woken.add(contact_id)
            self._wake.set()

    def pages(self) -> int:
        """How many pages are open."""
        return len(self._open)

    # ── the loop ──────────────────────────────────────────────────────────────────────────────────────

    async def run(self) -> None:
        """Bring the outbox to the pages until stopped."""
        self._loop = asyncio.get_running_loop()
        take_back_at = poll_at = 0.0
        while not self._stopping:
            try:
                if self._loop.time() >= take_back_at:
                    await self._database.writing(self._take_back, bulk=True)
                    take_back_at = self._loop.time() + FORGOTTEN_S
                everybody = self._loop.time() >= poll_at
                if everybody:
                    poll_at = self._loop.time() + POLL_S
                await self._round(everybody)
                await self._pause(poll_at - self._loop.time())
            except Exception as fault:
                log.error("the outbox can't be brought to pages: %s", type(fault).__name__)
                await asyncio.sleep(POLL_S)
        try:
            if self._settled:
                await self._database.writing(lambda connection: self._write(connection, self._settled, ()))
        except Exception as fault:
            # Claimed rows are taken back by whoever serves next.
            log.error("the last acknowledgements are lost: %s", type(fault).__name__)

    def stop(self) -> None:
        """End the loop after what is known has been written down."""
        self._stopping = True
        self._wake.set()

    def close_lines(self) -> None:
        """End every open page's line, so that it comes back to whoever serves next."""
        for line in self._open:
            line.close()

    async def _pause(self, seconds: float) -> None:
        """Until somebody says something, or ``seconds`` have passed."""
        try:
            await asyncio.wait_for(self._wake.wait(), max(0.0, seconds))
        except TimeoutError:
            return
        self._wake.clear()

    async def _round(self, everybody: bool) -> None:
        wanted = sorted(self._lines if everybody else self._woken & self._lines.keys())
        self._woken.clear()
        settled, self._settled = self._settled, []
        if not wanted and not settled:
            return
        try:
            # A look on the off chance gives way to turns; what somebody waits for does not.
            claimed = await self._database.writing(
                lambda connection: self._write(connection, settled, wanted), bulk=everybody
            )
        except BaseException:
            self._settled = settled + self._settled
            self._woken.update(wanted)
            raise
        for one in claimed:
            await self._deliver(one)
        if len(claimed) >= CLAIM:
            self._woken.update(wanted)
            self._wake.set()

    def _take_back(self, connection: Connection) -> int:
        return outbox.release(connection, CHANNEL, self._clock())

    def _write(
        self, connection: Connection, settled: Sequence[Settled], wanted: Sequence[int]
    ) -> list[Waiting]:
        now = self._clock()
        outbox.settle(connection, self._holder, EPOCH, settled, now)
        claimed: list[Waiting] = []
        for contacts in _chunks(wanted, CONTACTS):
            claimed += outbox.claim(
                connection, self._keyring, CHANNEL, self._holder, EPOCH, CLAIM, now, contacts_only=contacts
            )
        return claimed

    async def _deliver(self, one: Waiting) -> None:
        try:
            params = await waited(self._database, one.params)
        except Exception as fault:
            log.error("notice %s can't be worked out: %s", one.message, type(fault).__name__)
            self._settle(Settled(one.id, "failed", type(fault).__name__))
            return
        lines = self._lines.get(one.contact_id, [])
        if any(one.id in line.shown for line in lines):
            self._settle(Settled(one.id, "sent"))
            return
        if not lines:
            self._settle(Settled(one.id, "due"))
            return
        if one.id in self._claimed:
            return  # On its way already: it had been taken back for a moment.
        try:
            outgoing = notice(one.message, params, one.language, ABILITIES[CHANNEL])
            frames = [
                {"notice": content(outgoing, one.language, line.hand_out), "seq": one.id} for line in lines
            ]
        except Exception as fault:
            log.error("notice %s can't be made: %s", one.message, type(fault).__name__)
            self._settle(Settled(one.id, "failed", type(fault).__name__))
            return
        self._claimed[one.id] = one.contact_id
        for line, frame in zip(lines, frames, strict=True):
            line.put(frame)

    def _settle(self, settled: Settled) -> None:
        self._settled.append(settled)
        self._wake.set()


def _chunks(wanted: Sequence[int], size: int) -> Iterable[Sequence[int]]:
    for start in range(0, len(wanted), size):
        yield wanted[start : start + size]
