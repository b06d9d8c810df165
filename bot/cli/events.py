"""``hoidan events``: event ids dealt with, and events that could not be."""

from __future__ import annotations

import click

from bot.cli.frame import ActionCommand, Shown, act, moment, table, zone


@click.command("events", cls=ActionCommand)
@click.option("--channel", default=None)
@click.option("--quarantined", is_flag=True)
@click.option("--since", type=int, default=0, metavar="MILLISECONDS")
def events(channel: str | None, quarantined: bool, since: int, as_account: str | None) -> Shown:
    listed = act("event.list", as_account, {"channel": channel, "quarantined": quarantined, "since": since})
    rows: list[tuple[object, ...]]
    if quarantined:
        rows = [
            (one["id"], one["channel"], one["event"], one["fault"], moment(one["at"], zone()))
            for one in listed["events"]
        ]
    else:
        rows = [(one["channel"], one["event"], moment(one["at"], zone())) for one in listed["events"]]
    return Shown(listed, table(rows) if rows else [])
