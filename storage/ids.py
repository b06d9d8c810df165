"""What people give to name a row: its id, or its name."""

from __future__ import annotations

_DIGITS = 18
"""Digits that surely fit the tables' ids."""


def is_id(wanted: int | str) -> bool:
    """Whether ``wanted`` is the number of a row rather than a name."""
    return isinstance(wanted, int) or (wanted.isdecimal() and len(wanted) <= _DIGITS)
