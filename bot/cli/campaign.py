"""``hoidan campaign``: what staff also do in the chat."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from bot.cli.frame import Group, Shown, act, day, say, table
from bot.leaflets import chat_link, qr_png, qr_svg, telegram_link
from bot.settings import load
from surveys.campaigns import Basis, Status
from surveys.problems import Problem

campaign = Group("campaign")

LEGAL = (
    "controller",
    "address",
    "phone",
    "purpose",
    "storage_place",
    "retention_days",
    "dpo_contact",
    "basis",
    "decision_number",
    "decision_date",
)

_METAVARS = {"retention_days": "DAYS", "decision_date": "YYYY-MM-DD"}

Function = TypeVar("Function", bound=Callable[..., Any])


def legal_options(function: Function) -> Function:
    """The options for the legal fields, in the order of :class:`surveys.campaigns.Legal`."""
    function = click.option("--internal/--not-internal", "internal", default=None)(function)
    for name in reversed(LEGAL):
        flag = "--" + name.replace("_", "-")
        if name == "basis":
            function = click.option(flag, name, type=click.Choice([basis.value for basis in Basis]))(function)
        else:
            function = click.option(flag, name, metavar=_METAVARS.get(name, "TEXT"))(function)
    return function


def _legal(given: dict[str, Any]) -> dict[str, Any]:
    """The legal fields among the options, taken out of them."""
    fields = {name: given.pop(name) for name in (*LEGAL, "internal")}
    return {name: value for name, value in fields.items() if value is not None}


def _lines(shown: dict[str, Any]) -> list[str]:
    lines = [
        say("campaign.head", code=shown["code"], title=shown["title"], id=shown["id"]),
        say(
            "campaign.facts",
            status=say(f"campaign_status.{shown['status']}"),
            area=shown["area_title"] or shown["area"],
            starts_on=day(shown["starts_on"]),
            ends_on=day(shown["ends_on"]),
            reference_date=day(shown["reference_date"]),
            instrument=f"{shown['instrument']['name']}@{shown['instrument']['version']}",
        ),
    ]
    if shown["status"] == Status.DRAFT and shown["missing"]:
        fields = ", ".join(say(f"field.{name}") for name in shown["missing"])
        lines.append(say("campaign.missing", fields=fields))
    if "progress" in shown:
        lines.append(say("campaign.progress", **shown["progress"]))
    return lines


@campaign.command()
@click.argument("title")
@click.option("--area", required=True, metavar="VINTAGE/CODE")
@click.option("--instrument", required=True, metavar="NAME[@VERSION]")
@click.option("--consent", metavar="NAME[@VERSION]")
@click.option("--starts", "starts_on", required=True, metavar="YYYY-MM-DD")
@click.option("--ends", "ends_on", required=True, metavar="YYYY-MM-DD")
@click.option("--reference-date", required=True, metavar="YYYY-MM-DD")
@legal_options
def create(as_account: str | None, **given: Any) -> Shown:
    legal = _legal(given)
    made = act("campaign.create", as_account, {**given, "legal": legal})
    return Shown(made, [say("campaign.created"), *_lines(made)])


@campaign.command()
@click.argument("which", metavar="CAMPAIGN")
@click.option("--title", metavar="TEXT")
@click.option("--instrument", metavar="NAME[@VERSION]")
@click.option("--consent", metavar="NAME[@VERSION]|-")
@click.option("--starts", "starts_on", metavar="YYYY-MM-DD")
@click.option("--ends", "ends_on", metavar="YYYY-MM-DD")
@click.option("--reference-date", metavar="YYYY-MM-DD")
@legal_options
def amend(which: str, as_account: str | None, **given: Any) -> Shown:
    legal = _legal(given)
    made = act("campaign.amend", as_account, {"campaign": which, **given, "legal": legal})
    return Shown(made, [say("campaign.amended"), *_lines(made)])


@campaign.command("open")
@click.argument("which", metavar="CAMPAIGN")
def open_(which: str, as_account: str | None) -> Shown:
    made = act("campaign.open", as_account, {"campaign": which})
    link = chat_link(load().public_url, made["code"])
    return Shown({**made, "link": link}, [say("campaign.opened", link=link), *_lines(made)])


@campaign.command()
@click.argument("which", metavar="CAMPAIGN")
def close(which: str, as_account: str | None) -> Shown:
    made = act("campaign.close", as_account, {"campaign": which})
    return Shown(made, [say("campaign.closed"), *_lines(made)])


@campaign.command()
@click.argument("which", metavar="CAMPAIGN")
def status(which: str, as_account: str | None) -> Shown:
    found = act("campaign.status", as_account, {"campaign": which})
    link = chat_link(load().public_url, found["code"])
    return Shown({**found, "link": link}, [*_lines(found), say("campaign.link", link=link)])


@campaign.command("list")
@click.option("--status", "wanted", type=click.Choice([status.value for status in Status]))
def listing(wanted: str | None, as_account: str | None) -> Shown:
    found = act("campaign.list", as_account, {"status": wanted})
    rows = [
        (
            each["code"],
            say(f"campaign_status.{each['status']}"),
            f"{day(each['starts_on'])}-{day(each['ends_on'])}",
            each["area_title"] or each["area"],
            each["title"],
        )
        for each in found["campaigns"]
    ]
    return Shown(found, table(rows) if rows else [say("campaign.none")])


@campaign.command()
@click.argument("which", metavar="CAMPAIGN")
@click.option("--out", type=click.Path(path_type=Path), metavar="FILE.png|FILE.svg")
@click.option("--telegram", metavar="BOT")
def qr(which: str, out: Path | None, telegram: str | None, as_account: str | None) -> Shown:
    found = act("campaign.status", as_account, {"campaign": which})
    code = found["code"]
    link = telegram_link(telegram, code) if telegram else chat_link(load().public_url, code)
    file = out or Path(f"{code}.png")
    makers = {".png": qr_png, ".svg": qr_svg}
    if file.suffix.lower() not in makers:
        raise Problem("qr_file", file=str(file))
    file.write_bytes(makers[file.suffix.lower()](link))
    return Shown({"code": code, "link": link, "file": str(file)}, [say("campaign.qr", file=file, link=link)])
