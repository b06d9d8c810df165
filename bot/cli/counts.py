"""``hoidan counts``: what officers also ask for in the chat."""

from __future__ import annotations

import click

from bot.cli.frame import ActionCommand, Shown, act, language
from bot.messages import ABILITIES
from surveys.counts import Dimension


@click.command("counts", cls=ActionCommand)
@click.argument("which", metavar="CAMPAIGN")
@click.argument("items", nargs=-1, metavar="[ITEM…]")
@click.option("--by", multiple=True, type=click.Choice([dimension.value for dimension in Dimension]))
@click.option("--rebuild", is_flag=True)
def counts(
    which: str, items: tuple[str, ...], by: tuple[str, ...], rebuild: bool, as_account: str | None
) -> Shown:
    from bot.staff import counts_message

    if rebuild:
        queued = act("counts.rebuild", as_account, {"campaign": which})
        from bot.cli.frame import say

        return Shown(queued, [say("staff.recounting", code=queued["code"])])
    shown = act("counts.show", as_account, {"campaign": which, "items": list(items), "by": list(by)})
    return Shown(shown, [counts_message(shown, language(), ABILITIES["terminal"]).text])
