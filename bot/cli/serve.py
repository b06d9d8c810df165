"""``hoidan serve``: the running product."""

from __future__ import annotations

import asyncio
import logging
import sys
from typing import TYPE_CHECKING

import click

from bot.cli.frame import Spoken, _as_problem, say
from bot.problems import explain
from surveys.problems import Problem

if TYPE_CHECKING:
    from bot.serve import Running


class Serve(Spoken):
    """A command that runs until it is told to end."""

    def invoke(self, ctx: click.Context) -> int:
        try:
            super().invoke(ctx)
        except click.exceptions.ClickException:
            raise
        except Exception as fault:
            problem = _as_problem(fault)
            if problem is None:
                raise
            click.echo(explain(ctx.params.get("language") or _language(), problem), err=True)
            return 1
        return 0


def _language() -> str:
    from bot.cli.frame import language

    return language()


@click.command("serve", cls=Serve)
@click.option("--role", default="all", metavar="all|web,delivery,scheduler,worker")
@click.option("--port", type=int, default=None)
@click.option("--host", default=None)
def serve(role: str, port: int | None, host: str | None) -> None:
    from dataclasses import replace

    from bot.serve import read_roles
    from bot.serve import serve as run
    from bot.settings import load

    settings = load()
    if port is not None:
        if not 0 <= port <= 65535:
            raise Problem("port_wrong", port=port)
        at_port = f"http://127.0.0.1:{settings.port}"
        settings = replace(settings, port=port)
        if settings.public_url == at_port:
            settings = replace(settings, public_url=f"http://127.0.0.1:{port}")
    if host is not None:
        settings = replace(settings, host=host)
    write_log(settings.log_level)
    roles = read_roles(role)

    async def main() -> None:
        started: asyncio.Future[Running] = asyncio.get_running_loop().create_future()
        started.add_done_callback(_announce)
        await run(settings, roles, started=started)

    asyncio.run(main())


def _announce(started: asyncio.Future[Running]) -> None:
    if not started.cancelled() and started.exception() is None:
        click.echo(say("serve.ready", url=started.result().settings.public_url))


def write_log(level: str) -> None:
    """Log to standard error. Libraries that would write addresses or tokens into it are kept quiet."""
    logging.basicConfig(
        level=level.upper(), stream=sys.stderr, format="%(asctime)s %(levelname)s %(name)s: %(message)s"
    )
    for name in ("httpx", "httpcore", "telegram", "aiohttp.access", "apscheduler", "asyncio", "alembic"):
        logging.getLogger(name).setLevel(logging.WARNING)
