"""Calls to one server over connections kept open, for what is sent by the thousand.

An HTTP library's client costs several times what sending a message needs otherwise. Here a call is one write
and its answer a status and a body; whatever of HTTP/1.1 a server may say is understood, and a connection that
said more than it was asked is never used again.
"""

from __future__ import annotations

import asyncio
import ssl
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from urllib.parse import urlsplit

CONNECT_S = 5.0
IDLE_S = 20.0
"""Servers end connections that nobody uses; before they do, we do, so that no call runs into it."""
LARGEST = 1 << 20
"""Bytes of an answer at most."""

Answer = tuple[int, bytes]
"""*(HTTP status, body)*."""


class NoConnection(Exception):
    """The server can't be reached: nothing was sent."""


class BrokenOff(Exception):
    """The connection ended before the answer did, or what came was none: nobody knows what was done."""


class _Line(asyncio.Protocol):
    """One connection, one call at a time."""

    __slots__ = ("_answer", "_buffer", "_calls", "_until_end", "began", "free_since", "transport")

    def __init__(self, calls: Calls) -> None:
        self._calls = calls
        self._answer: asyncio.Future[Answer] | None = None
        self._buffer = b""
        self._until_end = False
        self.transport: asyncio.Transport | None = None
        self.began = 0.0
        self.free_since = 0.0

    @property
    def busy(self) -> bool:
        return self._answer is not None

    @property
    def usable(self) -> bool:
        return self.transport is not None and not self.transport.is_closing()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def call(self, request: bytes, now: float) -> asyncio.Future[Answer]:
        assert self.transport is not None
        self.began = now
        self._answer = asyncio.get_running_loop().create_future()
        self.transport.write(request)
        return self._answer

    def data_received(self, data: bytes) -> None:
        if self._answer is None:  # Nobody asked.
            self.give_up()
            return
        self._buffer = self._buffer + data if self._buffer else data
        try:
            read = _read(self._buffer)
        except ValueError:
            self.give_up()
            return
        if read is None:
            if len(self._buffer) > LARGEST:
                self.give_up()
            return
        status, body, rest, keep = read
        self._until_end = rest is None
        if rest is None:
            return  # The body ends with the connection.
        self._buffer = b""
        self._tell((status, body))
        if rest or not keep:
            self.give_up()
        else:
            self._calls.free(self)

    def _tell(self, answer: Answer) -> None:
        future, self._answer = self._answer, None
        if future is not None and not future.done():
            future.set_result(answer)

    def give_up(self, fault: Exception | None = None) -> None:
        """End the connection; whoever waits for an answer gets ``fault``."""
        future, self._answer = self._answer, None
        if future is not None and not future.done():
            future.set_exception(fault or BrokenOff())
        if self.transport is not None:
            self.transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        self.transport = None
        if self._until_end and exc is None and (read := _read(self._buffer)) is not None:
            self._tell(read[:2])
        self.give_up()
        self._calls.lost(self)


def _read(buffer: bytes) -> tuple[int, bytes, bytes | None, bool] | None:
    """*(status, body, what follows, whether the connection may be used again)* of an answer, or None while
    it is not complete; None follows where the body ends with the connection. Raises ValueError for what is
    no answer.
    """
    end = buffer.find(b"\r\n\r\n")
    if end < 0:
        if not b"HTTP/1.".startswith(buffer[:7]):
            raise ValueError
        return None
    head = buffer[:end].lower()
    if not head.startswith(b"http/1."):
        raise ValueError
    status = int(head[9:12])
    if status < 200:
        return _read(buffer[end + 4 :])
    keep = head.startswith(b"http/1.1") and b"\r\nconnection: close" not in head
    start = end + 4
    _, announced, rest = head.partition(b"\r\ncontent-length:")
    if announced:
        last = start + int(rest.partition(b"\r\n")[0])
        return None if len(buffer) < last else (status, buffer[start:last], buffer[last:], keep)
    if b"\r\ntransfer-encoding: chunked" in head:
        pieces: list[bytes] = []
        while True:
            at = buffer.find(b"\r\n", start)
            if at < 0:
                return None
            size = int(buffer[start:at].partition(b";")[0], 16)
            start = at + 2 + size + 2
            if len(buffer) < start:
                return None
            if not size:
                return status, b"".join(pieces), buffer[start:], keep
            pieces.append(buffer[at + 2 : at + 2 + size])
    if status in (204, 304):
        return status, b"", buffer[start:], keep
    return status, buffer[start:], None, False


class Calls:
    """Calls to the server at ``base``: ``most`` at once, each answered within ``seconds``."""

    def __init__(self, base: str, *, most: int, seconds: float = 20.0) -> None:
        parts = urlsplit(base)
        self._host = parts.hostname or ""
        self._tls = ssl.create_default_context() if parts.scheme == "https" else None
        self._port = parts.port or (443 if self._tls else 80)
        self._netloc = parts.netloc.rpartition("@")[2].encode()
        self._most = most
        self._seconds = seconds
        self._lines: set[_Line] = set()
        self._free: list[_Line] = []
        self._dialling = 0
        self._waiting: deque[asyncio.Future[_Line | None]] = deque()
        self._sweep: asyncio.TimerHandle | None = None

    async def post(self, path: bytes, body: bytes) -> tuple[int, bytes, Callable[[], None]]:
        """The answer to a call of JSON: status, body, and what to call when it seems to be the answer to
        something else: that connection can't be trusted. Raises NoConnection, BrokenOff, or TimeoutError.
        """
        line = await self._take()
        loop = asyncio.get_running_loop()
        if self._sweep is None:
            self._sweep = loop.call_later(1.0, self._give_up_late)
        answer = line.call(
            b"POST %b HTTP/1.1\r\nHost: %b\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b"
            % (path, self._netloc, len(body), body),
            loop.time(),
        )
        try:
            return *(await answer), line.give_up
        except asyncio.CancelledError:
            line.give_up()
            raise

    async def _take(self) -> _Line:
        """A connection that is free: one there is, a new one, or the next that comes free."""
        while True:
            now = asyncio.get_running_loop().time()
            while self._free:
                line = self._free.pop()
                if line.usable and now - line.free_since < IDLE_S:
                    return line
                line.give_up()
            if len(self._lines) + self._dialling < self._most:
                return await self._dial()
            waiting: asyncio.Future[_Line | None] = asyncio.get_running_loop().create_future()
            self._waiting.append(waiting)
            try:
                got = await waiting
            except asyncio.CancelledError:
                if waiting.done() and not waiting.cancelled() and (spare := waiting.result()) is not None:
                    self.free(spare)
                raise
            if got is not None:
                return got

    async def _dial(self) -> _Line:
        loop = asyncio.get_running_loop()
        self._dialling += 1
        try:
            connecting = loop.create_connection(lambda: _Line(self), self._host, self._port, ssl=self._tls)
            _, line = await asyncio.wait_for(connecting, CONNECT_S)
        except (OSError, TimeoutError) as fault:
            raise NoConnection(type(fault).__name__) from None
        finally:
            self._dialling -= 1
            self._next(None)
        self._lines.add(line)
        return line

    def _next(self, line: _Line | None) -> bool:
        """Give ``line`` to who waits longest, or have them look for themselves (None)."""
        while self._waiting:
            waiting = self._waiting.popleft()
            if not waiting.done():
                waiting.set_result(line)
                return True
        return False

    def free(self, line: _Line) -> None:
        """``line`` can take a call."""
        if not line.usable:
            return
        if not self._next(line):
            line.free_since = asyncio.get_running_loop().time()
            self._free.append(line)

    def lost(self, line: _Line) -> None:
        """``line`` is gone."""
        self._lines.discard(line)
        if line in self._free:
            self._free.remove(line)
        self._next(None)

    def _give_up_late(self) -> None:
        loop = asyncio.get_running_loop()
        late = loop.time() - self._seconds
        busy = [line for line in self._lines if line.busy]
        for line in busy:
            if line.began <= late:
                line.give_up(TimeoutError())
        self._sweep = loop.call_later(1.0, self._give_up_late) if busy else None

    def close(self) -> None:
        """Hang up; whoever waits for an answer does not get it."""
        if self._sweep is not None:
            self._sweep.cancel()
        for line in list(self._lines):
            with suppress(RuntimeError):
                line.give_up()
