"""What the places of a breakdown are called."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bot.texts import say


def place_name(row: Mapping[str, Any], by: str, language: str) -> str:
    """The name of a row's place: an area's title, or a neighbourhood's name, if it has one."""
    if by == "area":
        return str(row["area_title"])
    return str(row["name"]) or say(language, "progress.no_neighbourhood")
