"""What stands before two servers in a deployment: bytes go to one that is alive, in turn."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Sequence
from contextlib import suppress


class Relay:
    """Listens on a free port of 127.0.0.1 and passes connections on to ``ports``."""

    def __init__(self, ports: Sequence[int]) -> None:
        self._turn = itertools.cycle(ports)
        self._number = len(ports)
        self._server: asyncio.Server | None = None
        self.port = 0

    async def open(self) -> None:
        """Begin to listen."""
        self._server = await asyncio.start_server(self._pass, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        """Listen no more."""
        if self._server is not None:
            self._server.close()

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for _ in range(self._number):
            try:
                there, thither = await asyncio.open_connection("127.0.0.1", next(self._turn))
                break
            except OSError:
                continue
        else:
            writer.close()
            return
        # When all is over, connections that are open still just end.
        with suppress(asyncio.CancelledError):
            await asyncio.gather(_pump(reader, thither), _pump(there, writer))


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()
    with suppress(OSError):
        writer.close()
