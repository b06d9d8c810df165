"""``hoidan privacy``: what people ask for under the law, and by when it is answered."""

from __future__ import annotations

import click

from bot.cli.frame import Group, Shown, act, day, say

privacy = Group("privacy")


@privacy.command("list")
@click.option("--all", "all_", is_flag=True)
def listing(all_: bool, as_account: str | None) -> Shown:
    found = act("request.list", as_account, {"all": all_})
    lines: list[str] = []
    for each in found["requests"]:
        key = "requests.late" if each["late"] else f"requests.{each['state']}"
        lines.append(
            say(key, id=each["id"], kind=say(f"request_kind.{each['kind']}"), due_on=day(each["due_on"]))
        )
        lines += [f"    {line}" for line in each["text"].splitlines()]
        lines += [f"    → {line}" for line in (each["answer"] or "").splitlines()]
    return Shown(found, lines or [say("requests.none")])


@privacy.command()
@click.argument("request", metavar="ID")
@click.argument("text", metavar="ANSWER")
def answer(request: str, text: str, as_account: str | None) -> Shown:
    made = act("request.answer", as_account, {"request": request, "text": text})
    return Shown(made, [say("requests.sent", id=made["id"])])
