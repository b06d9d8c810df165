"""``hoidan household``: the frame on the command line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from bot.cli.frame import Group, Shown, act, say, table, zone
from bot.cli.frame import language as spoken
from surveys.problems import Problem

household = Group("household")

_NUMBER = click.IntRange(min=1)


@household.command()
@click.argument("file", type=click.Path(path_type=Path))
def template(file: Path, as_account: str | None) -> Shown:
    from bot.frames import template_file

    try:
        with file.open("xb") as opened:
            opened.write(template_file(spoken()).read_bytes())
    except FileExistsError:
        raise Problem("file_in_the_way", file=str(file)) from None
    return Shown({"file": str(file)}, [say("household.template", file=file)])


@household.command()
@click.option("--area", metavar="VINTAGE/CODE")
@click.option("--given", is_flag=True)
def count(area: str | None, given: bool, as_account: str | None) -> Shown:
    found = act("household.count", as_account, {"area": area, "given": given})
    rows = [
        (
            each["place"] + (f" ({each['area']})" if each["outdated"] else ""),
            each["neighbourhood"] or None,
            each["households"],
            each["people"],
        )
        for each in found["areas"]
    ]
    heads = [say(f"household.head.{name}") for name in ("area", "neighbourhood", "households", "people")]
    total = (say("household.total"), "", found["households"], found["people"])
    return Shown(found, table([*rows, total], heads))


@household.command()
@click.option("--code", default="", metavar="TEXT")
@click.option("--phone", default="", metavar="NUMBER")
@click.option("--area", metavar="VINTAGE/CODE")
def find(code: str, phone: str, area: str | None, as_account: str | None) -> Shown:
    found = act("household.find", as_account, {"code": code, "phone": phone, "area": area})
    return Shown(found, [str(key) for key in found["households"]] or [say("household.none")])


@household.command()
@click.argument("number", type=_NUMBER)
def show(number: int, as_account: str | None) -> Shown:
    from bot.households import contact_line, event_line, facts

    one = act("household.show", as_account, {"household": number})
    heads = [say(f"household.head.{name}") for name in _PERSON]
    lines = [*facts(spoken(), one), "", *table([_person(each) for each in one["people"]], heads), ""]
    lines += [contact_line(spoken(), each) for each in one["contacts"]]
    lines += [event_line(spoken(), each, zone()) for each in one["events"]]
    return Shown(one, lines)


_PERSON = ("person", "name", "sex", "birth", "relation", "phone", "status")


def _person(one: dict[str, Any]) -> tuple[object, ...]:
    from bot.households import word

    return (
        one["person"],
        one["name"] or None,
        word(spoken(), "sex", one["sex"]),
        one["birth"] or None,
        word(spoken(), "relation", one["relation"]),
        one["phone"] or None,
        word(spoken(), "person_status", one["status"]),
    )


@household.command()
@click.argument("number", type=_NUMBER)
@click.argument("gone", type=_NUMBER)
def merge(number: int, gone: int, as_account: str | None) -> Shown:
    done = act("household.merge", as_account, {"household": number, "gone": gone})
    return Shown(done, [say("household.merged", household=number, gone=gone, event=done["event"])])


@household.command()
@click.argument("number", type=_NUMBER)
@click.argument("people", type=_NUMBER, nargs=-1, required=True)
@click.option("--head", type=_NUMBER, required=True, metavar="PERSON")
@click.option("--code", default="", metavar="TEXT")
@click.option("--address", metavar="TEXT")
@click.option("--neighbourhood", metavar="NAME")
def split(
    number: int,
    people: tuple[int, ...],
    head: int,
    code: str,
    address: str | None,
    neighbourhood: str | None,
    as_account: str | None,
) -> Shown:
    given = {"household": number, "people": people, "head": head, "code": code}
    given |= {"address": address, "neighbourhood": neighbourhood}
    done = act("household.split", as_account, given)
    return Shown(done, [say("household.split", household=number, new=done["new"], event=done["event"])])


@household.command()
@click.argument("event", type=_NUMBER)
def undo(event: int, as_account: str | None) -> Shown:
    done = act("household.undo", as_account, {"event": event})
    return Shown(done, [say("household.taken_back", household=done["household"], other=done["other"])])


@household.command()
@click.argument("number", type=_NUMBER)
@click.argument("contact", type=_NUMBER)
@click.option("--person", type=_NUMBER, metavar="PERSON")
@click.option("--end", is_flag=True)
def link(number: int, contact: int, person: int | None, end: bool, as_account: str | None) -> Shown:
    given = {"household": number, "contact": contact, "person": person, "end": end}
    done = act("household.link", as_account, given)
    key = "household.nothing_changed" if not done["changed"] else "household.linked"
    if end and done["changed"]:
        key = "household.unlinked"
    return Shown(done, [say(key, household=number, contact=contact)])


@household.command()
@click.argument("area", metavar="VINTAGE/CODE")
@click.option("--to", metavar="VINTAGE/CODE")
@click.option("--neighbourhood", metavar="NAME")
def convert(area: str, to: str | None, neighbourhood: str | None, as_account: str | None) -> Shown:
    given = {"area": area, "to": to, "neighbourhood": neighbourhood}
    done = act("household.convert", as_account, given)
    return Shown(done, [say("household.converted", count=done["households"], area=done["to"])])


@household.command()
@click.argument("upload", type=_NUMBER)
def report(upload: int, as_account: str | None) -> Shown:
    from bot.cli.imports import list_shown

    return list_shown(act("household.report", as_account, {"upload": upload}))
