"""``hoidan counts``: what officers also ask for in the chat."""

from __future__ import annotations

import asyncio

import click

from bot.cli.frame import ActionCommand, Shown, act, language, say
from bot.messages import ABILITIES
from surveys.counts import BREAKDOWNS


@click.command("counts", cls=ActionCommand)
@click.argument("which", metavar="CAMPAIGN")
@click.argument("items", nargs=-1, metavar="[ITEM…]")
@click.option(
    "--by",
    multiple=True,
    type=click.Choice(sorted({dimension.value for by in BREAKDOWNS for dimension in by})),
)
@click.option("--instrument", metavar="NAME@VERSION")
@click.option("--rebuild", is_flag=True)
def counts(
    which: str,
    items: tuple[str, ...],
    by: tuple[str, ...],
    instrument: str | None,
    rebuild: bool,
    as_account: str | None,
) -> Shown:
    from bot.staff import counts_message

    if rebuild:
        return _rebuild(which, as_account)
    asked = {"campaign": which, "items": list(items), "by": list(by), "instrument": instrument}
    shown = act("counts.show", as_account, asked)
    return Shown(shown, [counts_message(shown, language(), ABILITIES["terminal"]).text])


def _rebuild(which: str, as_account: str | None) -> Shown:
    """Queue the task; where no server runs that would do it, do it now."""
    from bot.office import Desk, enter
    from bot.settings import load
    from bot.worker import Worker

    settings = load()
    with enter(settings) as office:
        queued = office.call("counts.rebuild", {"campaign": which}, as_account)
        if isinstance(office, Desk) and office.database.is_sqlite:
            asyncio.run(Worker(settings, office.database, office.keyring).drain())
            return Shown({**queued, "done": True}, [say("counts.rebuilt", code=queued["code"])])
    return Shown({**queued, "done": False}, [say("counts.rebuilding", code=queued["code"])])
