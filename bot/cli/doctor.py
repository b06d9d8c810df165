"""``hoidan doctor``: what is well with this installation, and what is not."""

from __future__ import annotations

import click

from bot.cli.frame import Command, Shown, language, say
from bot.doctor import examine
from bot.problems import said

MARKS = {"ok": "✔", "warning": "!", "failed": "✘"}


@click.command(cls=Command)
@click.option("--online", is_flag=True)
def doctor(online: bool) -> Shown:
    checks = list(examine(online=online))
    told = [said(language(), check.key, check.params) for check in checks]
    lines = [
        f"{MARKS[check.outcome]} {say(f'doctor.{check.name}')}: {sentence}"
        for check, sentence in zip(checks, told, strict=True)
    ]
    failed = any(check.outcome == "failed" for check in checks)
    document = {
        "ok": not failed,
        "checks": [
            {"name": check.name, "outcome": check.outcome, "message": sentence}
            for check, sentence in zip(checks, told, strict=True)
        ],
    }
    return Shown(document, lines, failed)
