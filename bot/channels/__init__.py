"""One module per channel over one contract: read what came, say what goes out, report what became of a
send.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Fate(StrEnum):
    """What became of one send."""

    SENT = "sent"
    RETRY = "retry"
    """Not sent, through no fault of the message: again after ``after`` seconds."""
    HALT = "halt"
    """The platform wants silence on the whole channel for ``after`` seconds; the message is due again."""
    GONE = "gone"
    """The contact can't be reached here any more (blocked, deactivated, never started)."""
    REFUSED = "refused"
    """The platform will never take this message: a fault of ours."""
    UNKNOWN = "unknown"
    """It may have arrived: never repeated by itself."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """The fate of a send, and why in the platform's words (never with an address in them)."""

    fate: Fate
    fault: str = ""
    after: float = 0.0
    address: str = ""
    """A new address of the same contact, when the platform moved it."""
