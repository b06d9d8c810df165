"""Parameters: what an office may change."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec

from bot.actions.gate import Act, Arguments, Nothing, action, everywhere
from storage import parameters
from storage.parameters import Setting
from surveys.parameters import PARAMETERS, check


class Set(Arguments, frozen=True):
    """A parameter and its new value."""

    name: Annotated[str, msgspec.Meta(max_length=80)]
    value: int | Annotated[str, msgspec.Meta(max_length=2_000)]


def _view(setting: Setting) -> dict[str, Any]:
    parameter = PARAMETERS[setting.name]
    return {
        "name": setting.name,
        "value": setting.value,
        "version": setting.version,
        "default": parameter.default,
        "least": parameter.least,
        "most": parameter.most,
        "set_at": setting.set_at,
        "set_by": setting.set_by,
    }


@action("parameter.set", Set, everywhere)
def put(act: Act, given: Set) -> dict[str, Any]:
    """Write a new version of a parameter."""
    value = check(given.name, given.value)
    return _view(parameters.put(act.connection, given.name, value, act.now_ms, act.actor.account_id))


@action("parameter.list", Nothing)
def listing(act: Act, _given: Nothing) -> dict[str, Any]:
    """Every parameter with the value in force."""
    return {"parameters": [_view(setting) for setting in parameters.in_force(act.connection)]}
