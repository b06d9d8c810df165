"""What members of staff ask for in chat. Thin: actions decide and do, here is only the showing. Campaigns
stand in :mod:`bot.campaigning`, the form for a new one in :mod:`bot.wizard`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from typing import Any

from bot import questions, render
from bot.actions import perform
from bot.assisting import ASSISTING
from bot.campaigning import LIFE
from bot.desk import Desk, Handler, Heard, Hearing, day
from bot.households import households
from bot.leafleting import PRINTING
from bot.messages import Abilities, Outgoing
from bot.notices import maker
from bot.orders import act, code, queued
from bot.progress import PROGRESS
from bot.readings import to_wait
from bot.reminding import REMINDING
from bot.texts import has, say
from bot.trying import TRIALS
from bot.undelivered import UNDELIVERED
from bot.wizard import new_campaign, wizard
from surveys.letters import fold
from surveys.problems import Problem

# ── counts ──────────────────────────────────────────────────────────────────────────────────────────────────

_BY = {
    "xa": "area", "phuong": "area", "area": "area", "ward": "area", "donvi": "area",
    "gioi": "sex", "gioitinh": "sex", "sex": "sex", "gender": "sex",
    "tuoi": "age_band", "nhomtuoi": "age_band", "age": "age_band",
    "cach": "way", "way": "way",
}  # fmt: skip


_JOINING = frozenset({"theo", "by", "nhom", "tinh", "va", "and"})
"""Words between and around the ones that mean something: *theo giới tính và nhóm tuổi*."""


def counts(desk: Desk, hearing: Hearing, argument: str) -> Heard:
    """``/thongke CODE [item …] [theo giới|tuổi|xã]``."""
    words = argument.replace(",", " ").split()
    if not words:
        listed = perform(act(hearing), "campaign.list", {"limit": 2})["campaigns"]
        if len(listed) != 1:
            raise Problem("campaign_code_missing")
        words = [listed[0]["code"]]
    items, by = [], []
    for word in words[1:]:
        plain = fold(word).replace(" ", "")
        if plain in _JOINING:
            continue
        if plain in _BY:
            by.append(_BY[plain])
        else:
            items.append(word.lower())
    asked = perform(
        act(hearing),
        "counts.show",
        {"campaign": code(words[0]), "items": items, "by": list(dict.fromkeys(by))},
    )
    return queued(hearing, "staff.counts", to_wait(asked))


@maker("staff.counts")
def counts_message(params: Mapping[str, Any], language: str, abilities: Abilities) -> Outgoing:
    """Tables of counts for letters of equal width and a narrow screen."""
    campaign, instrument = params["campaign"], params["instrument"]
    lines = [
        f"{campaign['title']} ({campaign['code']})",
        say(language, f"counts.mode_{campaign['mode']}"),
        say(
            language,
            "counts.head",
            instrument=f"{instrument['id']} v{instrument['version']}",
            status=instrument["status"],
            date=day(date.fromisoformat(campaign["reference_date"])),
        ),
    ]
    if params["submissions"] is not None:
        lines.append(say(language, "counts.submissions", n=params["submissions"]))
    if params["other_versions"]:
        lines.append(say(language, "counts.other_versions", versions=", ".join(params["other_versions"])))
    for table in params["tables"]:
        lines += ["", *_table(table, language)]
    if any(_hides(table) for table in params["tables"]):
        lines += ["", say(language, "counts.hidden", threshold=params["suppression_threshold"])]
    return Outgoing(render.fit("\n".join(lines), abilities), wide=True)


def item_label(table: Mapping[str, Any], language: str) -> str:
    """What a table counts, in words."""
    name, _, threshold = table["item"].partition("@")
    if table["indicator"]:
        label = table["indicator_labels"].get(language) or (
            say(language, f"indicator.{name}") if has(f"indicator.{name}") else name
        )
        return (
            say(language, "indicator.other_threshold", indicator=label, threshold=threshold)
            if threshold
            else label
        )
    return str(table["labels"].get(language, {}).get("") or name)


def outcome_label(table: Mapping[str, Any], outcome: str, language: str) -> str:
    """An outcome in words: a choice, a verdict, or why there is no answer."""
    label = table["labels"].get(language, {}).get(outcome)
    if label:
        return str(label)
    for key in (f"verdict.{outcome}", f"outcome.{outcome}", f"missing.{outcome}"):
        if has(key):
            return say(language, key)
    return outcome


def group_label(table: Mapping[str, Any], group: Mapping[str, str], language: str) -> str:
    """A row's group in words."""
    said = []
    for dimension, value in group.items():
        key = f"{dimension}.{value}"
        if dimension == "area":
            said.append(table["area_names"].get(value, value))
        else:
            said.append(say(language, key) if has(key) else value)
    return ", ".join(said)


def _hides(table: Mapping[str, Any]) -> bool:
    return any(
        row["n"] is None or any(cell["hidden"] for cell in row["cells"].values())
        for row in [*table["rows"], table["total"]]
    )


def _number(value: int | None) -> str:
    return "*" if value is None else str(value)


def _share(value: float | None, n: int | None, language: str) -> str:
    """Percent to one decimal from 100 persons on, else whole: fewer digits than the number can bear are
    honest.
    """
    if value is None:
        return "–" if n == 0 else "*"
    text = f"{100 * value:.1f}%" if n is not None and n >= 100 else f"{100 * value:.0f}%"
    return text.replace(".", ",") if language == "vi" else text


def _table(table: Mapping[str, Any], language: str) -> list[str]:
    lines = [item_label(table, language)]
    denominator = say(language, f"denominator.{table['denominator']}")
    for row in [*table["rows"], table["total"]]:
        name = group_label(table, row["group"], language) if row["group"] else say(language, "counts.total")
        if table["indicator"]:
            yes = row["cells"].get("yes", {"count": 0, "share": None})
            line = say(
                language,
                "counts.indicator_row",
                group=name,
                share=_share(yes["share"], row["n"], language),
                yes=_number(yes["count"]),
                n=_number(row["n"]),
                undetermined=_number(row["undetermined"]),
            )
            lines.append(line)
            continue
        lines.append(f"{name}: n = {_number(row['n'])}")
        for outcome in table["outcomes"]:
            cell = row["cells"][outcome]
            if outcome in ("not_asked", "answered"):
                continue
            share = _share(cell["share"], row["n"], language)
            lines.append(
                f"  {_number(cell['count']):>5} {share:>6}  {outcome_label(table, outcome, language)}"
            )
    lines.append(say(language, "counts.denominator", denominator=denominator))
    return lines


def recount(desk: Desk, hearing: Hearing, argument: str) -> Heard:
    """Count a campaign anew from its submissions: a task, told when it is done."""
    queued = perform(act(hearing), "counts.rebuild", {"campaign": code(argument)})
    return Heard(hearing.contact, Outgoing(hearing.say("staff.recounting", code=queued["code"])))


# ── becoming staff ──────────────────────────────────────────────────────────────────────────────────────────


def bind(desk: Desk, hearing: Hearing, argument: str) -> Heard:
    """A one-time code that makes this contact a member of staff's."""
    bound = perform(act(hearing), "account.bind", {"code": argument})
    contact = replace(hearing.contact, account_id=bound["id"])
    after = replace(hearing, contact=contact)
    return Heard(contact, desk.idle(contact, after.abilities, [hearing.say("staff.bound")]))


STAFF: Mapping[str, Handler] = {
    **LIFE,
    **REMINDING,
    "new_campaign": new_campaign,
    "wizard": wizard,
    "counts": counts,
    "recount": recount,
    "households": households,
    **PROGRESS,
    **TRIALS,
    **questions.STAFF,
    **UNDELIVERED,
    **ASSISTING,
    **PRINTING,
    "bind": bind,
}
