"""``hoidan campaign leaflets``: invitations on paper."""

from __future__ import annotations

import asyncio
import base64
import os
import time
from pathlib import Path
from typing import Any

import click

from bot.cli.frame import ActionCommand, Shown, language, say
from surveys.problems import Problem

KINDS = ("leaflet", "labels", "poster")
PATIENCE_S = 1_800.0
"""How long a command waits for a server's worker."""


@click.command("leaflets", cls=ActionCommand)
@click.argument("which", metavar="CAMPAIGN")
@click.option("--kind", type=click.Choice(KINDS), default="leaflet")
@click.option("--neighbourhood", default="", metavar="NAME")
@click.option("--waiting", is_flag=True)
@click.option("--lang", type=click.Choice(("vi", "en")), default=None)
@click.option("--out", required=True, type=click.Path(path_type=Path, dir_okay=False), metavar="FILE")
def leaflets(
    which: str,
    kind: str,
    neighbourhood: str,
    waiting: bool,
    lang: str | None,
    out: Path,
    as_account: str | None,
) -> Shown:
    if out.exists():
        raise Problem("file_in_the_way", file=str(out))
    given = {
        "campaign": which,
        "kind": kind,
        "neighbourhood": neighbourhood,
        "waiting": waiting,
        "language": lang or language(),
    }
    made, found = _made(given, as_account)
    # With names and codes: for nobody's eyes but the owner's.
    handle = os.open(out, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with open(handle, "wb") as file:
        file.write(base64.b64decode(found["content"]))
    told = {
        "campaign": made["code"],
        "kind": kind,
        "households": made["number"],
        "files": made["files"],
        "name": found["name"],
        "file": str(out),
    }
    return Shown(told, [say("leaflets.written", file=out, count=made["number"], files=made["files"])])


def _made(given: dict[str, Any], as_account: str | None) -> tuple[dict[str, Any], dict[str, Any]]:
    """Have the paper made: by the server's worker, or here where no server runs that would do it."""
    from bot.office import Desk, enter
    from bot.settings import load
    from bot.worker import Worker

    settings = load()
    with enter(settings) as office:
        made = office.call("campaign.leaflets", {**given, "page": settings.public_url}, as_account)
        if isinstance(office, Desk) and office.database.is_sqlite:
            asyncio.run(Worker(settings, office.database, office.keyring).drain())
        deadline, pause = time.monotonic() + PATIENCE_S, 0.5
        while True:
            try:
                return made, office.call("campaign.leaflets_file", {"download": made["download"]}, as_account)
            except Problem as problem:
                if problem.code != "download_not_ready" or time.monotonic() > deadline:
                    raise
            time.sleep(pause)
            pause = min(10.0, pause * 2)
