"""``hoidan area``: finding an administrative unit."""

from __future__ import annotations

import click

from bot.cli.frame import Group, Shown, act, say, table

area = Group("area")


@area.command()
@click.argument("text", nargs=-1, required=True)
@click.option("--vintage", metavar="YYYY-MM-DD")
@click.option("--limit", type=click.IntRange(1, 50), default=8)
def find(text: tuple[str, ...], vintage: str | None, limit: int, as_account: str | None) -> Shown:
    given = {"text": " ".join(text), "vintage": vintage, "limit": limit}
    found = act("area.find", as_account, given)
    rows = [
        (
            each["area"],
            each["place"],
            say("area.former", former=each["former"]) if each["former"] else "",
        )
        for each in found["areas"]
    ]
    return Shown(found, table(rows) if rows else [say("area.none")])
