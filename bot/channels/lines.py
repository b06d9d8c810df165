"""Connections kept open to one server, for small calls whose answers matter to nobody.

An HTTP library's client costs several times what the rest of a turn does, and a tap needs one call to stop
its spinner. Here a call is one write, and its answer is read only as far as is needed to use the connection
again.
"""

from __future__ import annotations

import asyncio
import ssl
from collections import deque
from urllib.parse import urlsplit

ANSWERS_WITHIN = 20.0
"""Seconds after which a connection that does not answer is given up."""
HEAD = 16_384
"""Bytes of an answer's head at most."""


class _Line(asyncio.Protocol):
    """One connection, one call at a time."""

    __slots__ = ("_lines", "_read", "_rest", "began", "busy", "transport")

    def __init__(self, lines: Lines) -> None:
        self._lines = lines
        self.transport: asyncio.Transport | None = None
        self._read = b""
        self._rest = 0
        self.busy = False
        self.began = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def write(self, request: bytes, now: float) -> None:
        assert self.transport is not None
        self.busy, self.began = True, now
        self.transport.write(request)

    def data_received(self, data: bytes) -> None:
        if self._rest:
            self._rest -= len(data)
        else:
            self._read += data
            end = self._read.find(b"\r\n\r\n")
            if end < 0:
                if len(self._read) > HEAD:
                    self.give_up()
                return
            head = self._read[:end].lower()
            self._rest = _length(head) - (len(self._read) - end - 4)
            self._read = b""
            if not head.startswith(b"http/1.1 ") or b"connection: close" in head:
                self._rest = -1
        if self._rest < 0:  # No plain answer, or more than was announced: done, and not to be used again.
            self.busy = False
            self.give_up()
        elif not self._rest:
            self.busy = False
            self._lines.free(self)

    def give_up(self) -> None:
        if self.transport is not None:
            self.transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        self.transport = None
        self._lines.lost(self)


def _length(head: bytes) -> int:
    """Bytes of the body that ``head`` (in small letters) announces; −1 without a plain announcement."""
    _, there, rest = head.partition(b"\r\ncontent-length:")
    number = rest.partition(b"\r\n")[0].strip()
    return int(number) if there and number.isdigit() and len(number) < 8 else -1 << 30


class Lines:
    """Calls to the server at ``base``: at most ``most`` on their way, at most ``waiting`` behind those; the
    rest are dropped.
    """

    def __init__(self, base: str, *, most: int = 32, waiting: int = 320) -> None:
        parts = urlsplit(base)
        self._host = parts.hostname or ""
        self._tls = ssl.create_default_context() if parts.scheme == "https" else None
        self._port = parts.port or (443 if self._tls else 80)
        self._netloc = parts.netloc.rpartition("@")[2]
        self._most, self._room = most, waiting
        self._waiting: deque[bytes] = deque()
        self._lines: set[_Line] = set()
        self._free: list[_Line] = []
        self._dialling = 0
        self._tasks: set[asyncio.Task[None]] = set()
        self._sweep: asyncio.TimerHandle | None = None
        self._closing = False
        self.dropped = 0

    @property
    def open(self) -> int:
        """Connections that stand or are being made."""
        return len(self._lines) + self._dialling

    def post(self, path: str, body: bytes) -> None:
        """Send one call of JSON; nobody waits for it."""
        if len(self._waiting) >= self._room:
            self.dropped += 1
            return
        self._waiting.append(
            b"POST %b HTTP/1.1\r\nHost: %b\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b"
            % (path.encode(), self._netloc.encode(), len(body), body)
        )
        if self._free:
            self.free(self._free.pop())
        else:
            self._dial_more()

    def _dial_more(self) -> None:
        if len(self._lines) + self._dialling < self._most:
            self._dialling += 1
            task = asyncio.get_running_loop().create_task(self._dial())
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _dial(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            connecting = loop.create_connection(lambda: _Line(self), self._host, self._port, ssl=self._tls)
            _, line = await asyncio.wait_for(connecting, 5)
        except (OSError, TimeoutError):
            # What waits is of no use later.
            self.dropped += len(self._waiting)
            self._waiting.clear()
            return
        finally:
            self._dialling -= 1
        self._lines.add(line)
        self.free(line)

    def free(self, line: _Line) -> None:
        """``line`` can take a call."""
        if line.transport is None or line.transport.is_closing():
            return
        if not self._waiting:
            self._free.append(line)
            return
        loop = asyncio.get_running_loop()
        line.write(self._waiting.popleft(), loop.time())
        if self._sweep is None:
            self._sweep = loop.call_later(ANSWERS_WITHIN, self._give_up_late)

    def lost(self, line: _Line) -> None:
        """``line`` is gone, and with it the call it had."""
        self.dropped += line.busy
        self._lines.discard(line)
        if line in self._free:
            self._free.remove(line)
        if self._waiting and not self._closing:
            self._dial_more()

    def _give_up_late(self) -> None:
        loop = asyncio.get_running_loop()
        late = loop.time() - ANSWERS_WITHIN
        busy = [line for line in self._lines if line.busy]
        for line in busy:
            if line.began <= late:
                line.give_up()
        self._sweep = loop.call_later(ANSWERS_WITHIN, self._give_up_late) if busy else None

    def close(self) -> None:
        """Hang up; what waits is dropped."""
        self._closing = True
        if self._sweep is not None:
            self._sweep.cancel()
        for task in self._tasks:
            task.cancel()
        for line in list(self._lines):
            line.give_up()
        self._waiting.clear()
