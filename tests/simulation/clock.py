"""One clock for several processes: the machine's, moved by an offset that lies in a file.

It runs as fast as any clock, and is only ever moved between two moments at which nothing is under way.
"""

from __future__ import annotations

import mmap
import struct
import time
from pathlib import Path

VARIABLE = "HOIDAN_TEST_CLOCK"
"""The variable that names the file to the processes."""
_OFFSET = struct.Struct("<q")
_real = time.time_ns


class Clock:
    """The clock whose offset (ns) is in ``path``; ``make`` writes the file first."""

    def __init__(self, path: Path) -> None:
        with path.open("r+b") as file:
            self._file = mmap.mmap(file.fileno(), _OFFSET.size)

    @classmethod
    def make(cls, path: Path, at: int) -> Clock:
        """A clock that shows ``at`` (ms) now."""
        path.write_bytes(_OFFSET.pack(at * 1_000_000 - _real()))
        return cls(path)

    def ns(self) -> int:
        """This instant, in nanoseconds since 1970."""
        offset: int = _OFFSET.unpack(self._file[: _OFFSET.size])[0]
        return _real() + offset

    def now(self) -> int:
        """This instant, in milliseconds since 1970."""
        return self.ns() // 1_000_000

    def move_to(self, at: int) -> None:
        """Let it be ``at`` (ms) now."""
        self._file[: _OFFSET.size] = _OFFSET.pack(at * 1_000_000 - _real())
