"""The frame of every command: in the person's language, with ``--json``, and one clear sentence when it
can't be done.

The texts of ``--help`` stand in the catalogue ``cli`` under the command's words: ``cli.account.create`` for
the command, ``cli.account.create.name`` for a parameter (or ``cli.option.<parameter>`` where several
commands mean the same by it).
"""

from __future__ import annotations

import json
import os
import sys
import traceback
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from importlib import import_module
from typing import Any
from zoneinfo import ZoneInfo

import click
import msgspec

from bot.problems import explain
from bot.texts import has, pick
from bot.texts import say as said_in
from surveys.problems import Problem


def language() -> str:
    """The language of this run: ``HOIDAN_LANGUAGE``, else the system's, else Vietnamese."""
    for name in ("HOIDAN_LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG"):
        if value := os.environ.get(name):
            return pick(value.partition(".")[0])
    return pick(None)


def say(key: str, /, **params: object) -> str:
    """A sentence in the language of this run."""
    return said_in(language(), key, **params)


@dataclass(frozen=True, slots=True)
class Shown:
    """What a command came to: ``document`` for programs, ``lines`` for people; ``failed`` ends it with 1."""

    document: Any
    lines: Sequence[str] = ()
    failed: bool = False


class Failed(Exception):
    """A command that could not do what was asked. ``as_json``: programs are told on standard output, too."""

    def __init__(self, problem: Problem, as_json: bool) -> None:
        super().__init__(problem.code)
        self.problem = problem
        self.as_json = as_json


# Help


def _key(context: click.Context) -> str:
    names: list[str] = []
    at: click.Context | None = context
    while at is not None and at.parent is not None:
        names.insert(0, at.info_name or "")
        at = at.parent
    return ".".join(["cli", *names])


def param_key(command_key: str, param: click.Parameter) -> str:
    """The key of what a parameter's help says."""
    own = f"{command_key}.{param.name}"
    return own if has(own) else f"cli.option.{param.name}"


def _brief(text: str) -> str:
    first = text.partition("\n")[0]
    return first.partition(". ")[0].rstrip(".")


class Spoken(click.Command):
    """A command whose help is in the person's language."""

    def format_usage(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        pieces = " ".join(self.collect_usage_pieces(ctx))
        formatter.write_usage(ctx.command_path, pieces, prefix=say("cli.usage") + " ")

    def collect_usage_pieces(self, ctx: click.Context) -> list[str]:
        words = {"[OPTIONS]": say("cli.usage.options"), "COMMAND [ARGS]...": say("cli.usage.command")}
        return [words.get(piece, piece) for piece in super().collect_usage_pieces(ctx)]

    def format_help_text(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        formatter.write_paragraph()
        with formatter.indentation():
            formatter.write_text(say(_key(ctx)))

    def format_arguments(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        rows = [
            (param.make_metavar(ctx), say(param_key(_key(ctx), param)))
            for param in self.get_params(ctx)
            if isinstance(param, click.Argument)
        ]
        if rows:
            with formatter.section(say("cli.help.arguments")):
                formatter.write_dl(rows)

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        rows = []
        for param in self.get_params(ctx):
            if isinstance(param, click.Option):
                names = " / ".join([", ".join(param.opts), *param.secondary_opts])
                if not param.is_flag:
                    names += f" {param.make_metavar(ctx)}"
                told = param is self.get_help_option(ctx)
                rows.append((names, say("cli.option.help" if told else param_key(_key(ctx), param))))
        if rows:
            with formatter.section(say("cli.help.options")):
                formatter.write_dl(rows)


class Command(Spoken):
    """A command that returns :class:`Shown`, with the option ``--json``."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.params.append(click.Option(["--json", "as_json"], is_flag=True))

    def invoke(self, ctx: click.Context) -> int:
        as_json = bool(ctx.params.pop("as_json", False))
        try:
            shown = super().invoke(ctx)
        except click.exceptions.ClickException:
            raise
        except Exception as fault:
            problem = _as_problem(fault)
            if problem is None:
                raise
            raise Failed(problem, as_json) from fault
        if as_json:
            emit(shown.document)
        else:
            for line in shown.lines:
                click.echo(line)
        return 1 if shown.failed else 0


class ActionCommand(Command):
    """A command that acts as an account, with the option ``--as``."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.params.append(click.Option(["--as", "as_account"], metavar="ACCOUNT"))


class Group(Spoken, click.Group):
    """Commands about one noun."""

    command_class = ActionCommand

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        Spoken.format_options(self, ctx, formatter)
        self.format_commands(ctx, formatter)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        base = _key(ctx)
        rows = [(name, _brief(say(f"{base}.{name}"))) for name in self.list_commands(ctx)]
        with formatter.section(say("cli.help.commands")):
            formatter.write_dl(rows)


class Root(Group):
    """The whole command line. A module is imported when one of its commands is asked for."""

    def __init__(self, modules: dict[str, str], **options: Any) -> None:
        super().__init__(name="hoidan", **options)
        self._modules = modules

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self._modules)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        place = self._modules.get(cmd_name)
        if place is None:
            return None
        module, _, name = place.partition(":")
        found: click.Command = getattr(import_module(module), name)
        return found


def emit(document: Any) -> None:
    """Print ``document`` as JSON, on standard output."""
    plain = msgspec.to_builtins(document, enc_hook=str)
    click.echo(json.dumps(plain, ensure_ascii=False, indent=2))


# Running


def run(root: click.Command, arguments: Sequence[str] | None) -> int:
    """Run a command line; the exit code: 0 done, 1 it could not be done, 2 it was not understood."""
    for stream in (sys.stdout, sys.stderr):
        if callable(reconfigure := getattr(stream, "reconfigure", None)):
            reconfigure(encoding="utf-8", errors="replace")
    try:
        return int(root.main(arguments, prog_name="hoidan", standalone_mode=False) or 0)
    except Failed as failed:
        return _tell(failed.problem, failed.as_json)
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.ctx.get_help() if error.ctx else "", err=True)
        return 2
    except click.exceptions.UsageError as error:
        click.echo(_usage(error), err=True)
        return 2
    except click.exceptions.FileError as error:
        return _tell(Problem("file_unwritable", file=error.ui_filename), False)
    except click.exceptions.Exit as done:
        return int(done.exit_code)
    except (click.exceptions.Abort, KeyboardInterrupt):
        return 130
    except BrokenPipeError:
        # Whoever read us has gone; so that Python doesn't complain of it at the end:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    except Exception as fault:
        problem = _as_problem(fault)
        if problem is None and os.environ.get("HOIDAN_LOG_LEVEL", "").lower() == "debug":
            traceback.print_exc()
        return _tell(problem or Problem("internal", fault=type(fault).__name__), False)


def _as_problem(fault: BaseException) -> Problem | None:
    # With the database's library, which takes longer to load than most commands that don't need it take to
    # run.
    from storage.faults import as_problem

    return as_problem(fault)


def _tell(problem: Problem, as_json: bool) -> int:
    message = explain(language(), problem)
    if as_json:
        emit({"error": {"code": problem.code, "message": message, "params": problem.params}})
    click.echo(message, err=True)
    return 1


def _usage(error: click.exceptions.UsageError) -> str:
    """Which word of the command line was not understood, and where to read more."""
    at = error.ctx.command_path if error.ctx else "hoidan"
    return f"{_misused(error)} {say('cli.usage.see', command=at)}"


def _misused(error: click.exceptions.UsageError) -> str:
    if isinstance(error, click.exceptions.NoSuchCommand):
        return say("cli.usage.no_such_command", name=error.command_name)
    if isinstance(error, click.exceptions.NoSuchOption):
        return say("cli.usage.no_such_option", name=error.option_name)
    if isinstance(error, click.exceptions.MissingParameter):
        return say("cli.usage.missing", name=_named(error))
    if isinstance(error, click.exceptions.BadParameter):
        kind = error.param.type if error.param is not None else None
        if isinstance(kind, click.Choice):
            return say("cli.usage.choice", name=_named(error), allowed=", ".join(map(str, kind.choices)))
        return say("cli.usage.wrong_value", name=_named(error))
    if isinstance(error, click.exceptions.BadOptionUsage):
        return say("cli.usage.option", name=error.option_name)
    return say("cli.usage.wrong")


def _named(error: click.exceptions.BadParameter) -> str:
    if error.param is None:
        return "…"
    if isinstance(error.param, click.Option):
        return max(error.param.opts, key=len)
    return error.param.human_readable_name


# Showing


def table(rows: Iterable[Sequence[object]], headings: Sequence[str] = ()) -> list[str]:
    """Rows as lines with columns side by side."""
    cells = [[*headings]] if headings else []
    cells += [["–" if cell is None else str(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    return ["  ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)).rstrip() for row in cells]


def moment(at: int | None, zone: ZoneInfo) -> str:
    """An instant (milliseconds) as people read it; a dash for none."""
    return "–" if at is None else datetime.fromtimestamp(at / 1000, zone).strftime("%d/%m/%Y %H:%M")


def day(text: str | None) -> str:
    """``2026-09-01`` as 01/09/2026; a dash for none."""
    return "–" if text is None else "/".join(reversed(text.split("-")))


def act(action: str, as_account: str | None, arguments: dict[str, Any]) -> Any:
    """Have ``action`` done in the office of this installation; arguments that are None are left out."""
    from bot.office import enter
    from bot.settings import load

    with enter(load()) as office:
        given = {name: value for name, value in arguments.items() if value is not None}
        return office.call(action, given, as_account)


def zone() -> ZoneInfo:
    """The time zone of this installation."""
    from bot.settings import load

    return load().time_zone


Decorated = Callable[..., Shown]
