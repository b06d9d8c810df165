"""Messages from the outbox, rendered at the moment of sending in the contact's language.

A row holds a key and its parameters, not a text: most are a sentence of the catalogues; tables, pictures
and files are
made by the named makers that rooms register here at start.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from bot.messages import Abilities, Outgoing
from bot.render import fit
from bot.texts import say

Maker = Callable[[Mapping[str, Any], str, Abilities], Outgoing]
"""Parameters, language, abilities → message."""

_makers: dict[str, Maker] = {}


def maker(message: str) -> Callable[[Maker], Maker]:
    """Register how outbox rows named ``message`` are made."""

    def register(function: Maker) -> Maker:
        _makers[message] = function
        return function

    return register


def notice(message: str, params: Mapping[str, Any], language: str, abilities: Abilities) -> Outgoing:
    """The message of an outbox row."""
    make = _makers.get(message)
    if make is not None:
        return make(params, language, abilities)
    return Outgoing(fit(say(language, message, **params), abilities))
