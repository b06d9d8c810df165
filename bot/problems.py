"""A Problem in a person's words."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from bot.texts import has, say
from surveys.problems import Problem


def explain(language: str, problem: Problem) -> str:
    """What was wrong and what to do.

    A parameter whose value has a sentence of its own under *name of the parameter* ``.`` *value* is shown
    by that (``role="dpo"`` by ``role.dpo``); several values are joined by commas.
    """
    return said(language, f"problem.{problem.code.removeprefix('problem.')}", problem.params)


def said(language: str, key: str, params: Mapping[str, object]) -> str:
    """The sentence ``key`` with ``params`` put in words as by :func:`explain`."""
    return say(language, key, **{name: _word(language, name, value) for name, value in params.items()})


_SINGULAR = {"fields": "field", "dimensions": "dimension"}
_NAMED = {"field", "role", "mode", "campaign_status", "campaign_step"}
"""Parameters whose values have sentences. Others may hold what somebody typed, which only looks like a key.
"""


def _word(language: str, name: str, value: object) -> object:
    if isinstance(value, list | tuple):
        return ", ".join(str(_word(language, _SINGULAR.get(name, name), one)) for one in value)
    if name in _NAMED and isinstance(value, str):
        key = f"{name}.{value.rpartition('.')[2]}"
        return say(language, key) if has(key) else value
    if value is None:
        return "–"
    if isinstance(value, date):
        return f"{value:%d/%m/%Y}"
    return say(language, str(value)) if name == "allowed" else value
