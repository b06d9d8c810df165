"""``hoidan parameter``: what an office may change."""

from __future__ import annotations

from typing import Any

import click

from bot.cli.frame import Group, Shown, act, say, table

parameter = Group("parameter")


def _row(shown: dict[str, Any]) -> tuple[object, ...]:
    return shown["name"], shown["value"], say("parameter.version", **shown), say(f"parameter.{shown['name']}")


@parameter.command("set")
@click.argument("name")
@click.argument("value")
def put(name: str, value: str, as_account: str | None) -> Shown:
    made = act("parameter.set", as_account, {"name": name, "value": value})
    return Shown(made, table([_row(made)]))


@parameter.command("list")
def listing(as_account: str | None) -> Shown:
    found = act("parameter.list", as_account, {})
    return Shown(found, table([_row(each) for each in found["parameters"]]))
