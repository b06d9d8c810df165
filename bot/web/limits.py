"""How much one page, one address and everybody together may ask for.

Whole neighbourhoods of mobile users share one IPv4 address, so what an address may do is generous; the
limits are there to keep one program from taking the place of everybody else.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from aiohttp import web

from bot.settings import Network
from surveys.problems import Problem

Address = IPv4Address | IPv6Address

FORWARDING = ("X-Forwarded-For", "Forwarded", "X-Real-IP")


def client(request: web.Request, trusted: Sequence[Network]) -> Address | None:
    """Where a request comes from.

    The peer, or what a trusted proxy says of it: the last address in X-Forwarded-For that no trusted proxy
    wrote. None when that can't be told.
    """
    peer = _address(request.remote or "")
    if peer is None or not any(peer in network for network in trusted):
        return peer
    told = ",".join(request.headers.getall("X-Forwarded-For", ())).split(",")
    for text in reversed([each.strip() for each in told if each.strip()]):
        found = _address(text)
        if found is None:
            return None
        if not any(found in network for network in trusted):
            return found
    return peer


def _address(text: str) -> Address | None:
    try:
        found = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    mapped = found.ipv4_mapped if isinstance(found, IPv6Address) else None
    return mapped or found


def is_local(request: web.Request, trusted: Sequence[Network]) -> bool:
    """Whether a request comes from this machine or a private network, and not through a proxy nobody
    vouched for.
    """
    found = client(request, trusted)
    peer = _address(request.remote or "")
    proxied = any(name in request.headers for name in FORWARDING)
    if proxied and (peer is None or not any(peer in network for network in trusted)):
        return False
    return found is not None and (found.is_loopback or found.is_private)


class Bucket:
    """``rate`` a second, at most ``burst`` at once."""

    __slots__ = ("_at", "_burst", "_clock", "_left", "_rate")

    def __init__(self, rate: float, burst: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._rate, self._burst, self._clock = rate, burst, clock
        self._left, self._at = burst, clock()

    def take(self) -> float:
        """Take one: 0 when there was one, else the seconds until there is (and nothing is taken)."""
        now = self._clock()
        self._left = min(self._burst, self._left + (now - self._at) * self._rate)
        self._at = now
        if self._left >= 1:
            self._left -= 1
            return 0.0
        return (1 - self._left) / self._rate


SOCKETS = 20_000
"""Pages that may be open in one process."""
SOCKETS_EACH = 1_000
"""Of which from one address."""
KEPT = 10_000
"""Addresses whose buckets are kept; the one not heard of longest goes first."""


class Gate:
    """Counts open pages and messages by where they come from. This machine is not counted against itself."""

    def __init__(
        self,
        *,
        sockets: int = SOCKETS,
        sockets_each: int = SOCKETS_EACH,
        rate: float = 200.0,
        burst: float = 1_000.0,
    ) -> None:
        self._sockets, self._each = sockets, sockets_each
        self._rate, self._burst = rate, burst
        self._open: dict[str, int] = {}
        self._buckets: OrderedDict[str, Bucket] = OrderedDict()
        self.total = 0

    def enter(self, source: Address | None) -> bool:
        """Whether one more page may be opened; if so it is counted until :meth:`leave`."""
        key = _key(source)
        if self.total >= self._sockets or (key and self._open.get(key, 0) >= self._each):
            return False
        self.total += 1
        self._open[key] = self._open.get(key, 0) + 1
        return True

    def leave(self, source: Address | None) -> None:
        """A page was closed."""
        key = _key(source)
        self.total -= 1
        self._open[key] -= 1
        if not self._open[key]:
            del self._open[key]

    def wait(self, source: Address | None, what: str = "", rate: float = 0.0, burst: float = 0.0) -> float:
        """Seconds until ``source`` may do one more of ``what`` (0: now, and it is counted)."""
        key = _key(source)
        if not key:
            return 0.0
        name = f"{what} {key}"
        bucket = self._buckets.get(name)
        if bucket is None:
            bucket = self._buckets[name] = Bucket(rate or self._rate, burst or self._burst)
            if len(self._buckets) > KEPT:
                self._buckets.popitem(last=False)
        self._buckets.move_to_end(name)
        return bucket.take()


TOGETHER = 6
"""Files on their way at once in one process: each is held in memory whole until it is kept."""


class Uploads:
    """How many files are on their way."""

    def __init__(self, together: int = TOGETHER) -> None:
        self._free = together

    @contextmanager
    def one(self) -> Iterator[None]:
        """A place for one file. Raises Problem ``media_busy`` (503) when all are taken."""
        if self._free < 1:
            raise Problem("media_busy", status=503)
        self._free -= 1
        try:
            yield
        finally:
            self._free += 1


def _key(source: Address | None) -> str:
    """One customer of a network operator: an IPv4 address, or the 64 bits of an IPv6 network."""
    if source is None:
        return "?"
    if source.is_loopback:
        return ""
    if isinstance(source, IPv6Address):
        return str(ip_network((source, 64), strict=False))
    return str(source)
