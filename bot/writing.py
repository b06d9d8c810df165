"""To whom words go that are no answer to the survey: a thread with staff, told apart by its number.

Every message of a thread begins with the mark of its number, so that a reply to it can be recognised; and
whoever tapped *write* has their next words taken for the thread, for a while.
"""

from __future__ import annotations

import re

LIFE_MS = 30 * 60_000
"""So long somebody who was asked to write may take. Later words are words to the survey again."""

_MARK = re.compile(r"✉ #([0-9]{1,18})(?![0-9])")
_WRITING = re.compile(r"([0-9]{1,18})\.([0-9]{1,18})")


def marked(thread: int) -> str:
    """What stands at the beginning of every message of a thread."""
    return f"✉ #{thread}"


def replied_to(text: str) -> int | None:
    """The thread of a message of ours that somebody replied to; None for any other message."""
    found = _MARK.match(text)
    return int(found[1]) if found else None


def write_to(thread: int, now: int) -> str:
    """What a session holds while the next words go to a thread. ``now`` in milliseconds."""
    return f"{thread}.{now + LIFE_MS}"


def written_to(writing: str, now: int | None = None) -> int | None:
    """The thread that the next words go to; None when it was too long ago, or the survey is what they answer.
    Without ``now`` however long ago it was.
    """
    found = _WRITING.fullmatch(writing)
    if found is None or (now is not None and int(found[2]) < now):
        return None
    return int(found[1])
