"""``hoidan audit``: who did what, and what was refused."""

from __future__ import annotations

from datetime import datetime

import click

from bot.cli.frame import ActionCommand, Shown, act, moment, say, table, zone
from surveys.problems import Problem


def _start(text: str | None) -> int | None:
    """Midnight of a day here, in milliseconds."""
    if text is None:
        return None
    try:
        return int(datetime.fromisoformat(text).replace(tzinfo=zone()).timestamp() * 1000)
    except (ValueError, OverflowError):
        raise Problem("argument_wrong", field="since") from None


@click.command(cls=ActionCommand)
@click.option("--action", "action_name", metavar="ACTION")
@click.option("--account", type=click.IntRange(0), metavar="ID")
@click.option("--since", metavar="YYYY-MM-DD")
@click.option("--before", type=click.IntRange(0), metavar="ID")
@click.option("--limit", type=click.IntRange(1, 1000), default=100)
def audit(
    action_name: str | None,
    account: int | None,
    since: str | None,
    before: int | None,
    limit: int,
    as_account: str | None,
) -> Shown:
    given = {
        "action_name": action_name,
        "account": account,
        "since": _start(since),
        "before": before,
        "limit": limit,
    }
    found = act("audit.list", as_account, given)
    at = zone()
    rows = [
        (
            each["id"],
            moment(each["at"], at),
            each["channel"],
            each["account"],
            each["action"],
            each["target"] or None,
            each["area"],
            say(f"audit_outcome.{each['outcome']}"),
        )
        for each in found["entries"]
    ]
    headings = [say(f"audit.{name}") for name in _HEADINGS]
    return Shown(found, table(rows, headings))


_HEADINGS = ("id", "at", "channel", "account", "action", "target", "area", "outcome")
