"""Writes ``docs/reference.md`` from the program itself: ``python -m tests.docs_reference``.

The command line as ``--help`` explains it (in English), and who may do what. The suite holds the page equal
to what this writes.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click

from bot.cli import root
from bot.cli.frame import param_key
from bot.texts import say
from surveys.roles import BY_CONTACT, MAY, Role

PAGE = Path(__file__).resolve().parent.parent / "docs" / "reference.md"

HEAD = """# Reference

This page is written by the program: `python -m tests.docs_reference`. Do not edit it; the suite holds the two
equal.

- [The command line](#the-command-line): every command, argument and option.
- [Who may do what](#who-may-do-what): roles and actions.

Settings stand in [operator.md](operator.md#settings), HTTP addresses and message formats in
[protocol.md](protocol.md), chat commands in [resident.md](resident.md) and [ward-staff.md](ward-staff.md).

## The command line

Help is in Vietnamese or English: `HOIDAN_LANGUAGE`, else the system's language, else Vietnamese.

Exit codes: 0 done; 1 it could not be done, and standard error says why; 2 the command line was not
understood. With `--json` standard output holds one JSON document, also with exit code 1:
`{{"error": {{"code", "message", "params"}}}}` unless the command says otherwise.

Many commands also take these two:

| | |
|---|---|
| `--json` | {as_json} |
| `--as ACCOUNT` | {as_account} |
"""

COMMON = ("as_json", "as_account")
"""Options that mean the same wherever they are."""


def commands(group: click.Group, *words: str) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """Every command below ``group`` with its words, in the order that ``--help`` shows them."""
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        yield (*words, name), command
        if isinstance(command, click.Group):
            yield from commands(command, *words, name)


def _cell(text: str) -> str:
    return text.replace("\n", " ").replace("|", "\\|")


def _names(param: click.Parameter, context: click.Context) -> str:
    if not isinstance(param, click.Option):
        return param.make_metavar(context)
    names = " / ".join([", ".join(param.opts), *param.secondary_opts])
    if param.is_flag:
        return names
    kind = param.type
    if isinstance(kind, click.IntRange) and kind.min is not None and kind.max is not None:
        return f"{names} {kind.min}…{kind.max}"
    return f"{names} {param.make_metavar(context)}"


def _about(key: str, param: click.Parameter) -> str:
    told = say("en", param_key(key, param))
    if not isinstance(param, click.Option):
        return told
    if param.required:
        return f"{told} Required."
    if isinstance(param.default, str | int | Path) and not isinstance(param.default, bool):
        return f"{told} Default: `{param.default}`."
    return told


def _command(words: tuple[str, ...], command: click.Command) -> Iterator[str]:
    context = click.Context(command, info_name=" ".join(("hoidan", *words)))
    key = ".".join(("cli", *words))
    yield f"### hoidan {' '.join(words)}"
    yield ""
    yield say("en", key)
    yield ""
    if isinstance(command, click.Group):
        return
    own, common = [], []
    for param in command.params:
        names, about = _names(param, context), _about(key, param)
        if param.name in COMMON and about == say("en", f"cli.option.{param.name}"):
            common.append(f"`{names}`")
        else:
            own.append(f"| `{_cell(names)}` | {_cell(about)} |")
    if own:
        yield from ("| | |", "|---|---|", *own, "")
    if common:
        yield f"Also {' and '.join(common)}."
        yield ""


def _roles() -> Iterator[str]:
    yield "## Who may do what"
    yield ""
    yield "A role is granted in an area and holds there and in everything below it (`hoidan account grant`)."
    yield "Chat, web pages and command line pass through the same gate. Actions on everything (areas,"
    yield "instruments, parameters, events) want a grant for everywhere (`--area '*'`). Nobody may do what"
    yield "is not in this table."
    yield ""
    yield "| action | " + " | ".join(f"`{role.value}`" for role in Role) + " |"
    yield "|---|" + "---|" * len(Role)
    for action, roles in MAY.items():
        yield f"| `{action}` | " + " | ".join("yes" if role in roles else "" for role in Role) + " |"
    yield ""
    told = ", ".join(f"`{action}`" for action in sorted(BY_CONTACT))
    yield f"Anybody in a chat may do for themselves: {told}."


def page() -> str:
    """The whole page."""
    lines = [HEAD.format(**{name: say("en", f"cli.option.{name}") for name in COMMON})]
    for words, command in commands(root):
        lines.extend(_command(words, command))
    lines.extend(_roles())
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
