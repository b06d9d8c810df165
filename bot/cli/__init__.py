"""The command line, ``hoidan``: a module a noun, each imported when it is asked for."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.metadata import version

import click

from bot.cli.frame import Root, run

COMMANDS = {
    "demo": "bot.cli.demo:demo",
    "serve": "bot.cli.serve:serve",
    "talk": "bot.cli.talk:talk",
    "account": "bot.cli.account:account",
    "import": "bot.cli.imports:imports",
    "area": "bot.cli.area:area",
    "household": "bot.cli.household:household",
    "form": "bot.cli.form:form",
    "instrument": "bot.cli.instrument:instrument",
    "campaign": "bot.cli.campaign:campaign",
    "progress": "bot.cli.progress:progress",
    "waiting": "bot.cli.progress:waiting",
    "alerts": "bot.cli.progress:alerts",
    "counts": "bot.cli.counts:counts",
    "delivery": "bot.cli.delivery:delivery",
    "parameter": "bot.cli.parameter:parameter",
    "privacy": "bot.cli.privacy:privacy",
    "audit": "bot.cli.audit:audit",
    "events": "bot.cli.events:events",
    "db": "bot.cli.db:db",
    "doctor": "bot.cli.doctor:doctor",
}
"""Command → where it is, in the order that ``--help`` shows them."""


def _print_version(context: click.Context, _param: click.Parameter, wanted: bool) -> None:
    if wanted:
        click.echo(f"hoidan {version('hoidan')}")
        context.exit()


root = Root(
    COMMANDS,
    params=[
        click.Option(["--version"], is_flag=True, is_eager=True, expose_value=False, callback=_print_version)
    ],
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; its exit code."""
    return run(root, arguments)
