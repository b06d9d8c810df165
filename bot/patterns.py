"""Regular expressions of form authors, matched under a time limit."""

from __future__ import annotations

from functools import lru_cache

import regex

SECONDS = 0.01
"""How long one match may take: an answer that needs longer does not fit the pattern."""


@lru_cache(maxsize=1024)
def _compiled(pattern: str) -> regex.Pattern[str]:
    return regex.compile(pattern)


def match(pattern: str, text: str) -> bool:
    """Whether ``pattern`` matches the whole of ``text`` within :data:`SECONDS`."""
    try:
        return _compiled(pattern).fullmatch(text, timeout=SECONDS) is not None
    except (TimeoutError, regex.error):
        return False
