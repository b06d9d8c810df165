"""``hoidan demo``: the whole product on this machine, with nothing to set up."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from bot.cli.frame import language, say, table
from bot.cli.serve import Serve, write_log


@click.command("demo", cls=Serve)
@click.option("--folder", type=click.Path(path_type=Path), default=Path("var/demo"))
@click.option("--port", type=click.IntRange(0, 65535), default=0)
@click.option("--residents", type=click.IntRange(0, 5000), default=200)
@click.option("--seed", type=int, default=2026)
@click.option("--once", is_flag=True)
def demo(folder: Path, port: int, residents: int, seed: int, once: bool) -> None:
    from bot.demo import Staged, run

    write_log("warning")
    click.echo(say("demo.begin", residents=residents))
    with click.progressbar(length=residents, label=say("demo.answering"), show_pos=True) as bar:

        def told(staged: Staged) -> None:
            bar.finish()
            bar.render_finish()
            tell(staged, once)

        asyncio.run(
            run(
                folder,
                port=port,
                residents=residents,
                seed=seed,
                progress=lambda done: bar.update(1),
                told=told,
                stay=not once,
            )
        )


def tell(staged: object, once: bool) -> None:
    """Say what there is to see."""
    from bot.demo import Staged
    from bot.render import shorten
    from bot.staff import item_label

    assert isinstance(staged, Staged)
    sexes = {"item": "sex", "labels": {}, "indicator": False}
    tables = {**staged.tables, "sex": sexes}
    click.echo()
    click.echo(say("demo.submitted", submitted=staged.submitted))
    rows = [
        (
            say("demo.sex") if line.item == "sex" else shorten(item_label(tables[line.item], language()), 34),
            shorten(_outcome(tables[line.item], line.outcome), 34),
            f"{100 * line.chance:.1f}",
            "*" if line.share is None else f"{100 * line.share:.1f}",
            "*" if line.n is None else line.n,
        )
        for line in staged.compared
    ]
    headings = [say(f"demo.{name}") for name in ("item", "outcome", "drawn", "counted", "people")]
    for text in table(rows, headings):
        click.echo(text)
    click.echo(say("demo.chance"))
    click.echo()
    click.echo(say("demo.resident", link=staged.resident))
    people = "*" if staged.people is None else staged.people
    click.echo(
        say(
            "demo.household",
            link=staged.household,
            code=staged.household_code,
            households=staged.households,
            people=people,
        )
    )
    click.echo(say("demo.ward_staff", link=staged.ward_staff, code=staged.code))
    click.echo(say("demo.officer", link=staged.officer, code=staged.code))
    if not once:
        click.echo(say("demo.stay"))


def _outcome(table: Mapping[str, Any], outcome: str) -> str:
    from bot.staff import outcome_label

    if table["item"] == "sex":
        return say(f"sex.{outcome}")
    return outcome_label(table, outcome, language())
