"""``hoidan account``: who works here, and what they may do where."""

from __future__ import annotations

from typing import Any

import click

from bot.cli.frame import Group, Shown, act, day, moment, say, zone
from bot.leaflets import sign_in_link
from bot.settings import load
from surveys.roles import Role

account = Group("account")


def _lines(shown: dict[str, Any]) -> list[str]:
    lines = [
        say(
            "account.line",
            id=shown["id"],
            name=shown["name"],
            status=say(f"account_status.{shown['status']}"),
            system_user=shown["system_user"] or "–",
            channels=", ".join(contact["channel"] for contact in shown["contacts"]) or "–",
        )
    ]
    for grant in shown["grants"]:
        lines.append(
            "   "
            + say(
                "account.grant_line",
                id=grant["id"],
                role=say(f"role.{grant['role']}"),
                area=say("area.everywhere") if grant["area"] == "*" else grant["area"],
                valid_from=day(grant["valid_from"]),
                valid_to=day(grant["valid_to"]),
            )
        )
    return lines


@account.command()
@click.argument("name")
@click.option("--system-user", metavar="USER")
def create(name: str, system_user: str | None, as_account: str | None) -> Shown:
    made = act("account.create", as_account, {"name": name, "system_user": system_user})
    return Shown(made, [say("account.created"), *_lines(made)])


@account.command()
@click.argument("who", metavar="ACCOUNT")
def invite(who: str, as_account: str | None) -> Shown:
    made = act("account.invite", as_account, {"account": who})
    link = sign_in_link(load().public_url, made["code"])
    return Shown(
        {**made, "link": link},
        [
            say("account.invited", name=made["name"], hours=made["hours"]),
            "",
            f"    {made['code']}",
            "",
            say("account.invited_link", link=link, until=moment(made["expires_at"], zone())),
        ],
    )


@account.command()
@click.argument("who", metavar="ACCOUNT")
@click.argument("role", type=click.Choice([role.value for role in Role]), metavar="ROLE")
@click.option("--area", required=True, metavar="VINTAGE/CODE|*")
@click.option("--from", "valid_from", metavar="YYYY-MM-DD")
@click.option("--to", "valid_to", metavar="YYYY-MM-DD")
def grant(
    who: str, role: str, area: str, valid_from: str | None, valid_to: str | None, as_account: str | None
) -> Shown:
    given = {"account": who, "role": role, "area": area, "valid_from": valid_from, "valid_to": valid_to}
    made = act("account.grant", as_account, given)
    return Shown(made, [say("account.granted"), *_lines(made)])


@account.command()
@click.argument("grant_id", metavar="GRANT")
def revoke(grant_id: str, as_account: str | None) -> Shown:
    made = act("account.revoke", as_account, {"grant": grant_id})
    return Shown(made, [say("account.revoked"), *_lines(made)])


@account.command()
@click.argument("who", metavar="ACCOUNT")
def close(who: str, as_account: str | None) -> Shown:
    made = act("account.close", as_account, {"account": who})
    return Shown(made, [say("account.closed", name=made["name"])])


@account.command("list")
def listing(as_account: str | None) -> Shown:
    found = act("account.list", as_account, {})
    return Shown(found, [line for one in found["accounts"] for line in _lines(one)])
