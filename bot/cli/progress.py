"""``hoidan progress``, ``hoidan waiting``, ``hoidan alerts``: how far campaigns have come."""

from __future__ import annotations

import asyncio
import base64
import os
import time
from pathlib import Path
from typing import Any

import click

from bot.cli.frame import ActionCommand, Shown, act, language, moment, say, zone
from surveys.problems import Problem

BY = ("neighbourhood", "channel", "day")
PATIENCE_S = 300.0
"""How long a command waits for a server's worker to make a list."""


@click.command("progress", cls=ActionCommand)
@click.argument("which", metavar="CAMPAIGN")
@click.option("--by", multiple=True, type=click.Choice(BY))
@click.option("--png", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE.png")
def progress(which: str, by: tuple[str, ...], png: Path | None, as_account: str | None) -> Shown:
    from bot.progress import progress_lines

    shown = act("campaign.progress", as_account, {"campaign": which, "by": list(by)})
    lines = progress_lines(shown, language())
    if png is not None:
        from bot.charts import progress_png

        png.write_bytes(progress_png(shown, language()))
        lines.append(say("progress.chart_written", file=png))
    return Shown(shown, lines)


@click.command("waiting", cls=ActionCommand)
@click.argument("which", metavar="CAMPAIGN")
@click.option("--neighbourhood", default="", metavar="NAME")
@click.option("--out", required=True, type=click.Path(path_type=Path, dir_okay=False), metavar="FILE.xlsx")
def waiting(which: str, neighbourhood: str, out: Path, as_account: str | None) -> Shown:
    if out.exists():
        raise Problem("file_in_the_way", file=str(out))
    given = {"campaign": which, "neighbourhood": neighbourhood, "language": language()}
    made, found = _made(given, as_account)
    # With names and addresses: for nobody's eyes but the owner's.
    handle = os.open(out, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with open(handle, "wb") as file:
        file.write(base64.b64decode(found["content"]))
    told = {"campaign": made["code"], "records": found["records"], "file": str(out)}
    return Shown(told, [say("progress.list_written", records=found["records"], file=out)])


def _made(given: dict[str, Any], as_account: str | None) -> tuple[dict[str, Any], dict[str, Any]]:
    """Have the list made: by the server's worker, or here where no server runs that would do it."""
    from bot.office import Desk, enter
    from bot.settings import load
    from bot.worker import Worker

    settings = load()
    with enter(settings) as office:
        made = office.call("campaign.waiting", given, as_account)
        if isinstance(office, Desk) and office.database.is_sqlite:
            asyncio.run(Worker(settings, office.database, office.keyring).drain())
        asked = {"download": made["download"]}
        deadline, pause = time.monotonic() + PATIENCE_S, 0.5
        while True:
            try:
                return made, office.call("campaign.waiting_file", asked, as_account)
            except Problem as problem:
                if problem.code != "download_not_ready" or time.monotonic() > deadline:
                    raise
            time.sleep(pause)
            pause = min(10.0, pause * 2)


@click.command("alerts", cls=ActionCommand)
@click.option("--over", is_flag=True)
def alerts(over: bool, as_account: str | None) -> Shown:
    from bot.progress import alert_line

    found = act("alert.list", as_account, {"over": over})
    lines = []
    for one in found["alerts"]:
        line = f"{moment(one['raised_at'], zone())}  {alert_line(one, language())}"
        if one["cleared_at"]:
            line += " " + say("alert.over", at=moment(one["cleared_at"], zone()))
        lines.append(line)
    return Shown(found, lines or [say("alert.none")])
