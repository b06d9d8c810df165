"""``hoidan campaign``: what staff also do in the chat."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from bot.cli.frame import Group, Shown, act, day, language, say, table
from bot.cli.leaflets import leaflets
from bot.leaflets import Links, chat_link, qr_png, qr_svg, telegram_link
from bot.messages import ABILITIES
from bot.reminding import outlook_lines
from bot.settings import load
from surveys.campaigns import Basis, Mode, Status
from surveys.designs import Strata
from surveys.problems import Problem
from surveys.reminders import Plan

campaign = Group("campaign")
campaign.add_command(leaflets)

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
    "transfer_file",
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


def asking_options(function: Function) -> Function:
    """The options for whom to ask and how often to remind."""
    for option in reversed(
        (
            click.option("--mode", type=click.Choice([mode.value for mode in Mode])),
            click.option("--neighbourhood", "neighbourhoods", multiple=True, metavar="NAME"),
            click.option("--sample-size", type=int, metavar="NUMBER"),
            click.option("--stratum-size", "stratum_sizes", multiple=True, metavar="STRATUM=NUMBER"),
            click.option("--strata", type=click.Choice([strata.value for strata in Strata])),
            click.option("--seed", metavar="TEXT"),
            click.option("--reserve", type=int, metavar="PERCENT"),
            click.option("--quota", "quotas", multiple=True, metavar="NUMBER:SEX:AGE:COMMUNE"),
            click.option("--reminders", type=click.Choice([plan.value for plan in Plan])),
        )
    ):
        function = option(function)
    return function


def _asking(given: dict[str, Any]) -> dict[str, Any]:
    """Whom to ask among the options, taken out of them, as the arguments ``design`` and ``rules``."""
    design: dict[str, Any] = {
        "size": given.pop("sample_size"),
        "strata": given.pop("strata"),
        "seed": given.pop("seed"),
        "reserve": given.pop("reserve"),
        "neighbourhoods": list(given.pop("neighbourhoods")) or None,
        "sizes": dict(map(_stratum, given.pop("stratum_sizes"))) or None,
        "quotas": [_quota(text) for text in given.pop("quotas")] or None,
    }
    rules = {"plan": given.pop("reminders")}
    return {
        "design": {name: value for name, value in design.items() if value is not None},
        "rules": {name: value for name, value in rules.items() if value is not None},
    }


def _stratum(text: str) -> tuple[str, int]:
    """``26740/Khu phố 1=20``. Raises Problem ``stratum_option``."""
    name, equals, size = text.rpartition("=")
    if not (equals and size.strip().isdecimal()):
        raise Problem("stratum_option", given=text)
    return name.strip(), int(size)


def _quota(text: str) -> dict[str, Any]:
    """``50:female:25_34:26740``, the last parts optional. Raises Problem ``quota_option``."""
    most, *kind = (part.strip() for part in text.split(":"))
    if not most.isdecimal() or len(kind) > 3:
        raise Problem("quota_option", quota=text)
    named = dict(zip(("sex", "age_band", "area"), kind, strict=False))
    return {"most": int(most), **{name: value for name, value in named.items() if value}}


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
    if shown["status"] == Status.DRAFT and shown["approved_size"]:
        lines.append(say("life.approved_to", size=shown["approved_size"]))
    if "progress" in shown:
        if shown["mode"] != Mode.OPEN and shown["size"] is not None:
            size = "life.size" if shown["made"] else "life.size_unfinished"
            lines.append(say(size, size=shown["size"], mode=say(f"mode.{shown['mode']}")))
        lines.append(say("campaign.progress", **shown["progress"]))
        lines += [_quota_line(quota) for quota in shown["quotas"]]
        lines += [
            say(
                "life.deadline", what=say(f"deadline.{one['name']}"), on=day(one["on"]), days=one["days_left"]
            )
            for one in shown["deadlines"]
            if one["near"]
        ]
    return lines


def _quota_line(quota: dict[str, Any]) -> str:
    from bot.campaigning import quota_kind

    kind = quota_kind(quota, language())
    return say("life.quota", kind=kind, completes=quota["completes"], most=quota["most"])


@campaign.command()
@click.argument("title")
@click.option("--area", required=True, metavar="VINTAGE/CODE")
@click.option("--instrument", required=True, metavar="NAME[@VERSION]")
@click.option("--consent", metavar="NAME[@VERSION]")
@click.option("--starts", "starts_on", required=True, metavar="YYYY-MM-DD")
@click.option("--ends", "ends_on", required=True, metavar="YYYY-MM-DD")
@click.option("--reference-date", required=True, metavar="YYYY-MM-DD")
@asking_options
@legal_options
def create(as_account: str | None, **given: Any) -> Shown:
    legal, asking = _legal(given), _asking(given)
    made = act("campaign.create", as_account, {**given, "legal": legal, **asking})
    return Shown(made, [say("campaign.created"), *_lines(made)])


@campaign.command()
@click.argument("which", metavar="CAMPAIGN")
@click.option("--title", metavar="TEXT")
@click.option("--instrument", metavar="NAME[@VERSION]")
@click.option("--consent", metavar="NAME[@VERSION]|-")
@click.option("--starts", "starts_on", metavar="YYYY-MM-DD")
@click.option("--ends", "ends_on", metavar="YYYY-MM-DD")
@click.option("--reference-date", metavar="YYYY-MM-DD")
@asking_options
@legal_options
def amend(which: str, as_account: str | None, **given: Any) -> Shown:
    legal, asking = _legal(given), _asking(given)
    made = act("campaign.amend", as_account, {"campaign": which, **given, "legal": legal, **asking})
    return Shown(made, [say("campaign.amended"), *_lines(made)])


@campaign.command("open")
@click.argument("which", metavar="CAMPAIGN")
def open_(which: str, as_account: str | None) -> Shown:
    made = _opening("campaign.open", which, as_account)
    link = chat_link(load().public_url, made["code"])
    if made["opening"]:
        return Shown({**made, "link": link}, [say("campaign.opening", code=made["code"])])
    if made["status"] == Status.DRAFT:
        return Shown(made, [say("campaign.not_opened", code=made["code"])], failed=True)
    return Shown({**made, "link": link}, [say("campaign.opened", link=link), *_lines(made)])


def _opening(action: str, which: str, as_account: str | None) -> dict[str, Any]:
    """Open, or go on opening; where no server runs that would make the cases of a big campaign, make them
    now.
    """
    from bot.office import Desk, enter
    from bot.worker import Worker

    settings = load()
    with enter(settings) as office:
        made: dict[str, Any] = office.call(action, {"campaign": which}, as_account)
        if made["opening"] and isinstance(office, Desk) and office.database.is_sqlite:
            asyncio.run(Worker(settings, office.database, office.keyring).drain())
            made = {**office.call("campaign.status", {"campaign": which}, as_account), "opening": False}
    return made


@campaign.command()
@click.argument("which", metavar="CAMPAIGN")
def preview(which: str, as_account: str | None) -> Shown:
    from bot.campaigning import preview_message

    found = act("campaign.preview", as_account, {"campaign": which})
    return Shown(found, [preview_message(found, language(), ABILITIES["terminal"]).text])


@campaign.command("ask-approval")
@click.argument("which", metavar="CAMPAIGN")
def ask_approval(which: str, as_account: str | None) -> Shown:
    made = act("campaign.ask_approval", as_account, {"campaign": which})
    told = {"title": made["title"], "code": made["code"], "names": ", ".join(made["asked"])}
    return Shown(made, [say("life.approval_sent", **told)])


@campaign.command()
@click.argument("which", metavar="CAMPAIGN")
@click.argument("size", type=int)
def approve(which: str, size: int, as_account: str | None) -> Shown:
    made = act("campaign.approve", as_account, {"campaign": which, "size": size})
    return Shown(made, [say("campaign.approved", size=size), *_lines(made)])


@campaign.command()
@click.argument("which", metavar="CAMPAIGN")
def pause(which: str, as_account: str | None) -> Shown:
    made = act("campaign.pause", as_account, {"campaign": which})
    return Shown(made, [say("campaign.paused"), *_lines(made)])


@campaign.command()
@click.argument("which", metavar="CAMPAIGN")
def resume(which: str, as_account: str | None) -> Shown:
    made = _opening("campaign.resume", which, as_account)
    if made["opening"]:
        return Shown(made, [say("campaign.opening", code=made["code"])])
    return Shown(made, [say("campaign.resumed"), *_lines(made)])


@campaign.command()
@click.argument("which", metavar="CAMPAIGN")
@click.argument("ends_on", metavar="YYYY-MM-DD")
def extend(which: str, ends_on: str, as_account: str | None) -> Shown:
    made = act("campaign.extend", as_account, {"campaign": which, "ends_on": ends_on})
    return Shown(made, [say("campaign.extended"), *_lines(made)])


@campaign.command()
@click.argument("which", metavar="CAMPAIGN")
@click.option("--only-tell", "only_tell", is_flag=True)
def remind(which: str, only_tell: bool, as_account: str | None) -> Shown:
    done = act("campaign.remind", as_account, {"campaign": which, "sure": not only_tell})
    return Shown(done, outlook_lines(done, language()))


@campaign.command()
@click.argument("which", metavar="CAMPAIGN")
def archive(which: str, as_account: str | None) -> Shown:
    made = act("campaign.archive", as_account, {"campaign": which})
    return Shown(made, [say("campaign.archived"), *_lines(made)])


@campaign.command()
@click.argument("which", metavar="CAMPAIGN")
@click.argument("case", type=int)
@click.argument("reason", type=click.Choice(["refused", "not_found", "absent", "moved", "unable"]))
def replace(which: str, case: int, reason: str, as_account: str | None) -> Shown:
    done = act("campaign.replace", as_account, {"campaign": which, "case": case, "reason": reason})
    shown = say("life.replaced", case=done["case"], replacement=done["replacement"])
    return Shown(done, [shown])


@campaign.command()
@click.argument("which", metavar="CAMPAIGN")
def close(which: str, as_account: str | None) -> Shown:
    made = act("campaign.close", as_account, {"campaign": which})
    return Shown(made, [say("campaign.closed"), *_lines(made)])


@campaign.command()
@click.argument("which", metavar="CAMPAIGN")
@click.option("--instrument", metavar="NAME[@VERSION]")
def republish(which: str, instrument: str | None, as_account: str | None) -> Shown:
    made = act("campaign.republish", as_account, {"campaign": which, "instrument": instrument})
    versions = {"before": made["before"]["version"], "now": made["instrument"]["version"]}
    lines = [
        say("campaign.republished", name=made["instrument"]["name"], count=made["half_finished"], **versions)
    ]
    for effect, names in made["changes"].items():
        if names:
            lines.append(say(f"campaign.republished_{effect}", names=", ".join(names)))
    return Shown(made, [*lines, *_lines(made)])


@campaign.command()
@click.argument("which", metavar="CAMPAIGN")
def status(which: str, as_account: str | None) -> Shown:
    found = act("campaign.status", as_account, {"campaign": which})
    links = Links(load().public_url, found["telegram_bot"]).join(found["code"])
    lines = [*_lines(found), *(say("campaign.link", link=link) for link in links)]
    return Shown({**found, "link": links[0], "links": links}, lines)


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
