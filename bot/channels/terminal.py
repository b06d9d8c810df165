"""The terminal: lines typed → :class:`Inbound`, :class:`Outgoing` → lines printed. Text alone, no buttons.

Where the other end is a program or a file instead of a person, nothing is printed but what the bot says.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TextIO

from bot.messages import Inbound, What

CHANNEL = "terminal"
LINE_LIMIT = 200_000
"""Characters of one line; the rest of a longer one is passed over."""
PROMPT = "> "


@dataclass(frozen=True, slots=True)
class Terminal:
    """Where lines come from and messages go to."""

    source: TextIO
    target: TextIO

    @property
    def attended(self) -> bool:
        """Whether a person sits at both ends."""
        return self.source.isatty() and self.target.isatty()

    def show(self, text: str) -> None:
        """Print and don't wait: whoever reads may be waiting. Raises BrokenPipeError when nobody reads."""
        self.target.write(text + "\n")
        self.target.flush()

    def lines(self) -> Iterator[str]:
        """What is typed, until the input ends (Ctrl-D)."""
        while True:
            if self.attended:
                self.target.write(PROMPT)
                self.target.flush()
            text = self.source.readline(LINE_LIMIT)
            if not text:
                return
            rest = text
            while rest and not rest.endswith("\n"):
                rest = self.source.readline(LINE_LIMIT)
            yield text.rstrip("\r\n")


_numbers = itertools.count(1)


def typed(text: str) -> Inbound:
    """A typed line as a message."""
    number = str(next(_numbers))
    return Inbound(CHANNEL, number, CHANNEL, What.TEXT, text, message=number)
