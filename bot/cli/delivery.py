"""``hoidan delivery``: what could not be delivered, and what is to become of it."""

from __future__ import annotations

from typing import Any

import click

from bot.cli.frame import Group, Shown, act, language, moment, say, table, zone
from bot.undelivered import reason

delivery = Group("delivery")

_STATE = click.Choice(["failed", "unknown"])


@delivery.command("list")
@click.option("--campaign", metavar="CODE")
@click.option("--state", type=_STATE)
@click.option("--limit", type=click.IntRange(1, 500), default=50)
def listing(as_account: str | None, **given: Any) -> Shown:
    found = act("delivery.list", as_account, given)
    if not found["total"]:
        return Shown(found, [say("undelivered.none")])
    here = zone()
    groups = [
        (
            each["code"] or "–",
            each["channel"],
            say(f"undelivered.state.{each['state']}"),
            each["number"],
            reason(language(), each["fault"]),
        )
        for each in found["groups"]
    ]
    rows = [
        (
            each["id"],
            each["code"] or "–",
            say(f"undelivered.state.{each['state']}"),
            moment(each["at"], here),
            reason(language(), each["fault"]),
        )
        for each in found["messages"]
    ]
    return Shown(found, [*table(groups), "", *table(rows)])


@delivery.command()
@click.argument("messages", metavar="[ID]...", nargs=-1, type=int)
@click.option("--campaign", metavar="CODE")
@click.option("--state", type=_STATE)
def retry(messages: tuple[int, ...], as_account: str | None, **given: Any) -> Shown:
    done = act("delivery.retry", as_account, {"messages": list(messages) or None, **given})
    return Shown(done, [say("undelivered.retry", n=done["retried"])])


@delivery.command()
@click.argument("messages", metavar="[ID]...", nargs=-1, type=int)
@click.option("--campaign", metavar="CODE")
@click.option("--state", type=_STATE)
def drop(messages: tuple[int, ...], as_account: str | None, **given: Any) -> Shown:
    done = act("delivery.drop", as_account, {"messages": list(messages) or None, **given})
    return Shown(done, [say("undelivered.drop", n=done["dropped"])])
