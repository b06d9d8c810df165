"""``hoidan area``: finding an administrative unit."""

from __future__ import annotations

from typing import Any

import click

from bot.cli.frame import Group, Shown, act, say, table
from surveys.areas import ConversionKind

area = Group("area")


def _former(found: dict[str, Any]) -> str:
    """What an area found by a former name took in; empty for a present name."""
    if not found["former"]:
        return ""
    key = "areas.former_part" if found["kind"] == ConversionKind.PART else "areas.former"
    return say(key, former=found["former"], area=found["title"])


@area.command()
@click.argument("text", nargs=-1, required=True)
@click.option("--vintage", metavar="YYYY-MM-DD")
@click.option("--limit", type=click.IntRange(1, 50), default=8)
def find(text: tuple[str, ...], vintage: str | None, limit: int, as_account: str | None) -> Shown:
    given = {"text": " ".join(text), "vintage": vintage, "limit": limit}
    found = act("area.find", as_account, given)
    rows = [(each["area"], each["place"], _former(each)) for each in found["areas"]]
    return Shown(found, table(rows) if rows else [say("area.none")])
