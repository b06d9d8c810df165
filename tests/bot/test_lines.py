"""Small calls over connections kept open: each is one write, and nobody waits for an answer."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

import pytest

from bot.channels.lines import Lines

PATIENCE = 20.0
OK = b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 11\r\n\r\n{"ok":true}'


class Server:
    """Reads calls, and answers each with what ``answer`` says (nothing: keeps silent)."""

    def __init__(self, answer: Callable[[int], bytes]) -> None:
        self.answer = answer
        self.calls: list[bytes] = []
        self.writers: list[asyncio.StreamWriter] = []

    @property
    def connections(self) -> int:
        return len(self.writers)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.writers.append(writer)
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = int(head.partition(b"Content-Length: ")[2].partition(b"\r\n")[0])
                self.calls.append(head.partition(b"\r\n")[0] + b" " + await reader.readexactly(length))
                for byte in self.answer(len(self.calls)):
                    writer.write(bytes([byte]))
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()


@asynccontextmanager
async def calling(server: Server, **limits: int) -> AsyncIterator[Lines]:
    """Lines to ``server``; everything is hung up at the end, and seen to be."""
    listening = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    lines = Lines(f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}/base", **limits)
    try:
        yield lines
    finally:
        lines.close()
        listening.close()
        for writer in server.writers:
            writer.close()
            with suppress(ConnectionError):
                await writer.wait_closed()
        await until(lambda: not lines.open)


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not condition():
            await asyncio.sleep(0.005)


def test_calls_one_after_another_share_a_connection() -> None:
    async def main() -> None:
        server = Server(lambda _: OK)
        async with calling(server) as lines:
            for number in range(5):
                lines.post("/base/bot1/answerCallbackQuery", b"%d" % number)
                await until(lambda n=number: len(server.calls) == n + 1)  # type: ignore[misc]
                await asyncio.sleep(0.01)
            assert server.connections == 1
            assert server.calls == [b"POST /base/bot1/answerCallbackQuery HTTP/1.1 %d" % n for n in range(5)]
            assert lines.dropped == 0

    asyncio.run(main())


def test_what_is_too_much_is_dropped_and_the_rest_arrives() -> None:
    async def main() -> None:
        server = Server(lambda _: OK)
        async with calling(server, most=3, waiting=10) as lines:
            for _ in range(50):
                lines.post("/x", b"{}")
            assert lines.dropped == 40
            await until(lambda: len(server.calls) == 10)
            assert server.connections <= 3

    asyncio.run(main())


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.0 502 Bad Gateway\r\nContent-Length: 2\r\n\r\nno",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nmore than one",
        b"garbage\r\n\r\n",
    ],
)
def test_an_answer_that_is_no_plain_one_costs_the_connection_and_nothing_else(answer: bytes) -> None:
    async def main() -> None:
        server = Server(lambda number: answer if number == 1 else OK)
        async with calling(server, most=1) as lines:
            for _ in range(3):
                lines.post("/x", b"{}")
            await until(lambda: len(server.calls) == 3)
            assert server.connections == 2

    asyncio.run(main())


def test_a_server_that_is_not_there_costs_the_calls_and_nothing_else() -> None:
    async def main() -> None:
        lines = Lines("http://127.0.0.1:1")
        for _ in range(3):
            lines.post("/x", b"{}")
        await until(lambda: lines.dropped >= 3)
        lines.post("/x", b"{}")
        await until(lambda: lines.dropped == 4)
        lines.close()

    asyncio.run(main())
