"""Files for one person, kept a short while in memory and fetched by a link that only their own browser
can use.
"""

from __future__ import annotations

import secrets
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from hmac import compare_digest

LIFE_S = 15 * 60.0
LARGEST = 64 * 2**20
"""Bytes kept at once; the oldest files go first."""


@dataclass(frozen=True, slots=True)
class Handout:
    """A file for the person at ``address``."""

    address: str
    name: str
    data: bytes
    until: float


class Handouts:
    """The files of this process. A link is good in the browser it was made for, for a quarter of an hour."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._kept: OrderedDict[str, Handout] = OrderedDict()
        self._size = 0

    def keep(self, address: str, data: bytes, name: str) -> str:
        """Keep a file; its token."""
        self._tidy(len(data))
        token = secrets.token_urlsafe(24)
        self._kept[token] = Handout(address, name, data, self._clock() + LIFE_S)
        self._size += len(data)
        return token

    def find(self, token: str, address: str) -> Handout | None:
        """The file, when it is this person's and not too old."""
        self._tidy(0)
        found = self._kept.get(token)
        if found is None or not compare_digest(found.address, address):
            return None
        return found

    def _tidy(self, coming: int) -> None:
        now = self._clock()
        while self._kept:
            token, oldest = next(iter(self._kept.items()))
            if oldest.until > now and self._size + coming <= LARGEST:
                return
            self._size -= len(oldest.data)
            del self._kept[token]
