"""Calls over connections kept open: each gets its own answer, or it is said that nobody knows."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress

import pytest

from bot.channels.calls import BrokenOff, Calls, NoConnection

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"


def plain(body: bytes) -> bytes:
    return HEAD + b"Content-Length: %d\r\n\r\n%b" % (len(body), body)


Answer = Callable[[int, bytes], Sequence[bytes] | None]
"""Number and body of a call → pieces of what is said; None: the server hangs up."""


class Server:
    """Answers as it is told to, and counts."""

    def __init__(self, answer: Answer) -> None:
        self.answer = answer
        self.calls: list[bytes] = []
        self.connections = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                assert head.startswith(b"POST /base/x HTTP/1.1\r\nHost: 127.0.0.1:")
                length = int(head.partition(b"Content-Length: ")[2].partition(b"\r\n")[0])
                body = await reader.readexactly(length)
                self.calls.append(body)
                said = self.answer(len(self.calls), body)
                if said is None:
                    break
                for piece in said:
                    writer.write(piece)
                    await writer.drain()
                    await asyncio.sleep(0.002)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()
            with suppress(ConnectionError):
                await writer.wait_closed()


@asynccontextmanager
async def calling(
    answer: Answer, most: int = 4, seconds: float = 20.0
) -> AsyncIterator[tuple[Server, Calls]]:
    server = Server(answer)
    listening = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    calls = Calls(
        f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}/base", most=most, seconds=seconds
    )
    try:
        yield server, calls
    finally:
        calls.close()
        listening.close()
        await asyncio.sleep(0.02)


async def post(calls: Calls, body: bytes = b"{}") -> tuple[int, bytes]:
    status, answer, _ = await calls.post(b"/base/x", body)
    return status, answer


def test_everybody_gets_the_answer_to_their_own_call_over_few_connections() -> None:
    async def main() -> None:
        async with calling(lambda _, body: [plain(body)]) as (server, calls):
            bodies = [b"%d" % number for number in range(40)]
            answers = await asyncio.gather(*(post(calls, body) for body in bodies))
            assert answers == [(200, body) for body in bodies]
            assert server.connections <= 4
            assert await post(calls, b"again") == (200, b"again")
            assert server.connections <= 4

    asyncio.run(main())


CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"


@pytest.mark.parametrize(
    ("said", "read"),
    [
        ([plain(b"whole")], (200, b"whole")),
        ([bytes([byte]) for byte in plain(b"in single bytes")], (200, b"in single bytes")),
        ([CHUNKED + b"4\r\nfour\r\n3;x=y\r\n", b"and\r\n0\r\n\r\n"], (200, b"fourand")),
        ([b"HTTP/1.1 100 Continue\r\n\r\n", plain(b"then")], (200, b"then")),
        ([b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 5\r\n\r\n<html"], (502, b"<html")),
        ([b"HTTP/1.1 204 No Content\r\n\r\n"], (204, b"")),
        ([plain(b"")], (200, b"")),
    ],
)
def test_whatever_http_a_server_speaks_is_understood(said: list[bytes], read: tuple[int, bytes]) -> None:
    async def main() -> None:
        async with calling(lambda *_: said) as (_, calls):
            for _ in range(2):
                assert await post(calls) == read

    asyncio.run(main())


def test_a_body_may_end_with_its_connection() -> None:
    async def main() -> None:
        ends = [b"HTTP/1.0 200 OK\r\n\r\nto the ", b"end"]

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"{}")
            for piece in ends:
                writer.write(piece)
                await writer.drain()
            writer.close()

        listening = await asyncio.start_server(serve, "127.0.0.1", 0)
        calls = Calls(f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}", most=1)
        for _ in range(2):
            status, body, _ = await calls.post(b"/", b"{}")
            assert (status, body) == (200, b"to the end")
        calls.close()
        listening.close()

    asyncio.run(main())


@pytest.mark.parametrize(
    "said",
    [
        None,
        [b"SSH-2.0-OpenSSH\r\n\r\n"],
        [b"HTTP/1.1 two hundred\r\n\r\n"],
        [HEAD + b"Content-Length: many\r\n\r\n"],
        [CHUNKED + b"zz\r\n"],
    ],
)
def test_what_is_no_answer_is_known_as_such_and_the_next_call_goes_on(said: list[bytes] | None) -> None:
    async def main() -> None:
        async with calling(lambda number, body: said if number == 1 else [plain(body)]) as (_, calls):
            with pytest.raises(BrokenOff):
                await post(calls)
            assert await post(calls, b"next") == (200, b"next")

    asyncio.run(main())


def test_a_server_that_answers_twice_can_not_answer_somebody_else_with_it() -> None:
    async def main() -> None:
        def twice(number: int, body: bytes) -> list[bytes]:
            return [plain(body) + plain(b"once more")] if number == 1 else [plain(body)]

        async with calling(twice, most=1) as (server, calls):
            assert await post(calls, b"first") == (200, b"first")
            assert await post(calls, b"second") == (200, b"second")
            assert server.connections == 2

        def later(number: int, body: bytes) -> list[bytes]:
            return [plain(body), plain(b"late")] if number == 1 else [plain(body)]

        async with calling(later, most=1) as (server, calls):
            assert await post(calls, b"first") == (200, b"first")
            await asyncio.sleep(0.05)
            assert await post(calls, b"second") == (200, b"second")
            assert server.connections == 2

    asyncio.run(main())


def test_who_does_not_trust_an_answer_has_its_connection_ended() -> None:
    async def main() -> None:
        async with calling(lambda _, body: [plain(body)], most=1) as (server, calls):
            *_, distrust = await calls.post(b"/base/x", b"{}")
            distrust()
            assert await post(calls) == (200, b"{}")
            assert server.connections == 2

    asyncio.run(main())


def test_a_silent_server_is_given_up_after_a_while() -> None:
    async def main() -> None:
        async with calling(lambda *_: [], seconds=0.3) as (_, calls):
            with pytest.raises(TimeoutError):
                await post(calls)

    asyncio.run(main())


def test_a_server_that_is_not_there_took_nothing() -> None:
    async def main() -> None:
        calls = Calls("http://127.0.0.1:1", most=1)
        results = await asyncio.gather(*(post(calls) for _ in range(3)), return_exceptions=True)
        assert [type(result) for result in results] == [NoConnection] * 3
        calls.close()

    asyncio.run(main())


def test_who_stops_waiting_leaves_no_answer_to_others() -> None:
    async def main() -> None:

        async with calling(
            lambda number, body: [b"", plain(body)] if number == 1 else [plain(body)], most=1
        ) as (_, calls):
            first = asyncio.create_task(post(calls, b"first"))
            waiting = asyncio.create_task(post(calls, b"never sent"))
            await asyncio.sleep(0.001)
            first.cancel()
            waiting.cancel()
            await asyncio.gather(first, waiting, return_exceptions=True)
            assert await post(calls, b"third") == (200, b"third")

    asyncio.run(main())
