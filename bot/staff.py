"""What members of staff ask for in chat: campaigns and counts. Thin: actions decide and do, here is only
the showing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import Any

from bot import render
from bot.actions import Act, Actor, perform
from bot.actions.gate import area_text
from bot.commands import Desk, Handler, Heard, Hearing, day, queue, show
from bot.leaflets import qr_png
from bot.messages import Abilities, Button, Outgoing
from bot.notices import maker
from bot.problems import explain
from bot.readings import to_wait
from bot.texts import has, say
from storage import accounts, areas, instruments, interviews
from surveys.counts import by_name
from surveys.interview import Focus, begin, result
from surveys.letters import fold
from surveys.problems import Problem
from surveys.replies import find_code
from surveys.roles import MAY, Grant, in_force

WIZARD = "chien-dich-moi"
"""The instrument of the form that asks for a new campaign."""


def act(hearing: Hearing) -> Act:
    """The actor behind a message, in its transaction."""
    return Act(
        connection=hearing.connection,
        keyring=hearing.keyring,
        actor=Actor(account_id=hearing.contact.account_id, contact_id=hearing.contact.id),
        now_ms=hearing.now,
        today=hearing.local.date(),
        channel=hearing.inbound.channel,
    )


def _queued(hearing: Hearing, message: str, params: Mapping[str, Any]) -> Heard:
    """An answer that can't be derived again: into the outbox, once per event."""
    queue(hearing, f"{message}:{hearing.inbound.channel}:{hearing.inbound.event_id}", message, params)
    return Heard(hearing.contact, None, queued=True)


def _code(argument: str) -> str:
    """The campaign meant: the first word."""
    word = argument.split()[0] if argument.split() else ""
    if not word:
        raise Problem("campaign_code_missing")
    return find_code(word) or word.upper()


# ── campaigns ───────────────────────────────────────────────────────────────────────────────────────────────


def campaigns(desk: Desk, hearing: Hearing, argument: str) -> Heard:
    """The campaigns of the actor's areas; one named: how far it is."""
    if argument.strip():
        view = perform(act(hearing), "campaign.status", {"campaign": _code(argument)})
        return _queued(hearing, "staff.campaign", view)
    listed = perform(act(hearing), "campaign.list", {"limit": 20})
    return _queued(hearing, "staff.campaigns", listed)


@maker("staff.campaigns")
def _campaigns(params: Mapping[str, Any], language: str, abilities: Abilities) -> Outgoing:
    if not params["campaigns"]:
        return Outgoing(say(language, "staff.no_campaigns"))
    lines = [
        say(
            language,
            "staff.campaign_line",
            code=view["code"],
            title=view["title"],
            status=say(language, f"campaign_status.{view['status']}"),
            ends=day(date.fromisoformat(view["ends_on"])),
        )
        for view in params["campaigns"]
    ]
    return Outgoing(render.fit("\n".join(lines), abilities))


@maker("staff.campaign")
def _campaign(params: Mapping[str, Any], language: str, abilities: Abilities) -> Outgoing:
    return Outgoing(
        render.fit(
            say(
                language,
                "staff.campaign_status",
                code=params["code"],
                title=params["title"],
                status=say(language, f"campaign_status.{params['status']}"),
                starts=day(date.fromisoformat(params["starts_on"])),
                ends=day(date.fromisoformat(params["ends_on"])),
                **params["progress"],
            ),
            abilities,
        )
    )


def open_campaign(desk: Desk, hearing: Hearing, argument: str) -> Heard:
    """Open a draft, and send the code to pass on."""
    view = perform(act(hearing), "campaign.open", {"campaign": _code(argument)})
    return _queued(hearing, "staff.opened", {"view": view, "links": desk.links.join(view["code"])})


@maker("staff.opened")
def _opened(params: Mapping[str, Any], language: str, abilities: Abilities) -> Outgoing:
    view = params["view"]
    text = say(
        language, "staff.opened", title=view["title"], code=view["code"], links="\n".join(params["links"])
    )
    return Outgoing(render.fit(text, abilities))


def close_campaign(desk: Desk, hearing: Hearing, argument: str) -> Heard:
    """Close a campaign for good; asks first."""
    words = argument.split()
    code = _code(argument)
    if not (len(words) == 2 and fold(words[1]) in ("co", "yes", "dong", "close")):
        view = perform(act(hearing), "campaign.status", {"campaign": code})
        text = hearing.say("staff.close_confirm", title=view["title"], code=view["code"])
        rows: tuple[tuple[Button, ...], ...] = ()
        if hearing.abilities.buttons:
            sure = Button(
                hearing.say("button.close_campaign"), render.data(render.WORD, 0, "close_sure", view["code"])
            )
            rows = ((sure,),)
        return Heard(hearing.contact, Outgoing(render.fit(text, hearing.abilities), rows))
    return close_sure(desk, hearing, code)


def close_sure(desk: Desk, hearing: Hearing, argument: str) -> Heard:
    """Close a campaign; the asking is done."""
    view = perform(act(hearing), "campaign.close", {"campaign": _code(argument)})
    return _queued(hearing, "staff.closed", {"code": view["code"], "title": view["title"]})


def qr(desk: Desk, hearing: Hearing, argument: str) -> Heard:
    """The picture that leads people into a campaign."""
    view = perform(act(hearing), "campaign.status", {"campaign": _code(argument)})
    return _queued(
        hearing,
        "staff.qr",
        {"code": view["code"], "title": view["title"], "links": desk.links.join(view["code"])},
    )


@maker("staff.qr")
def _qr(params: Mapping[str, Any], language: str, abilities: Abilities) -> Outgoing:
    links: Sequence[str] = params["links"]
    text = say(language, "staff.qr", title=params["title"], code=params["code"], links="\n".join(links))
    return Outgoing(text, picture=qr_png(links[0]) if links and abilities.files else None)


# ── a new campaign, asked by a form ─────────────────────────────────────────────────────────────────────────


def new_campaign(desk: Desk, hearing: Hearing, argument: str) -> Heard:
    """Ask for a new campaign, question by question; the form's submission creates the draft."""
    grants = _creating(hearing)
    if not grants:
        # Said now rather than after all the questions.
        raise Problem("not_allowed", status=403)
    edition = instruments.expect(hearing.connection, WIZARD)
    prepared = hearing.shelf.get(hearing.connection, edition.id)
    areas_granted = {grant.area for grant in grants}
    own = next(iter(areas_granted)) if len(areas_granted) == 1 else None
    index = areas.index(hearing.connection)
    state = begin(
        prepared.questionnaire,
        {
            "hom_nay": hearing.local.date().isoformat(),
            "ma_don_vi": area_text(own) or "",
            "ten_don_vi": index.expect(own).title if own else "",
        },
        hearing.context(),
    )
    key = interviews.begin(
        hearing.connection, hearing.keyring, None, prepared.id, "wizard", "self", state, hearing.now
    )
    contact = desk.enter(hearing, key)
    return Heard(contact, show(replace(hearing, contact=contact), prepared, key, state))


def _creating(hearing: Hearing) -> tuple[Grant, ...]:
    """The grants by which the account may create campaigns."""
    held = accounts.grants_of(hearing.connection, hearing.contact.account_id or 0)
    return in_force(held, MAY["campaign.create"], hearing.local.date())


def wizard(desk: Desk, hearing: Hearing, argument: str) -> Heard:
    """The answers are complete: create the campaign, or lead back to what can't be."""
    interview, prepared = hearing.interview, hearing.prepared
    assert interview is not None and prepared is not None
    values = by_name(result(prepared.questionnaire, interview.state, hearing.context()).values, {})
    try:
        view = perform(act(hearing), "campaign.create", _asked_for(hearing, values))
    except Problem as problem:
        state = replace(interview.state, submitted=False, focus=Focus(None))
        interviews.restart(
            hearing.connection, hearing.keyring, interview.id, state, interview.version, hearing.now
        )
        text = explain(hearing.language, problem)
        return Heard(hearing.contact, show(hearing, prepared, interview.id, state, [text]))
    contact = desk.enter(hearing, None)
    queue(
        hearing,
        f"staff.created:{view['id']}",
        "staff.created",
        {"code": view["code"], "title": view["title"]},
    )
    return Heard(contact, None, queued=True)


def _asked_for(hearing: Hearing, values: Mapping[str, object]) -> dict[str, Any]:
    """The arguments of ``campaign.create`` from the wizard's answers."""
    given = {name: str(value) for name, value in values.items()}
    area = given.get("ma_don_vi") or ""
    if not area:
        named = given.get("don_vi", "")
        found = areas.index(hearing.connection).pick(named)
        if found is None:
            raise Problem("area_not_named", name=named)
        area = area_text(found.area.key) or ""
    consent = given["can_cu"] == "dong_y"
    return {
        "title": given["ten"],
        "area": area,
        "starts_on": given["tu_ngay"],
        "ends_on": given["den_ngay"],
        "reference_date": given.get("ngay_moc") or given["tu_ngay"],
        "instrument": "nltt-kns-v0",
        "consent": "dong-y-v0" if consent else None,
        "legal": {
            "controller": given.get("co_quan", ""),
            "address": given.get("dia_chi", ""),
            "phone": given.get("dien_thoai", ""),
            "purpose": given.get("muc_dich", ""),
            "storage_place": given.get("noi_luu", ""),
            "retention_days": int(given.get("so_ngay", "0")),
            "dpo_contact": given.get("lien_he_bvdl", ""),
            "basis": given["can_cu"],
            "internal": given.get("co_quyet_dinh") != "1",
            **(
                {"decision_number": given.get("so_qd", ""), "decision_date": given.get("ngay_qd")}
                if given.get("co_quyet_dinh") == "1"
                else {}
            ),
        },
    }


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
        {"campaign": _code(words[0]), "items": items, "by": list(dict.fromkeys(by))},
    )
    return _queued(hearing, "staff.counts", to_wait(asked))


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
    queued = perform(act(hearing), "counts.rebuild", {"campaign": _code(argument)})
    return Heard(hearing.contact, Outgoing(hearing.say("staff.recounting", code=queued["code"])))


# ── becoming staff ──────────────────────────────────────────────────────────────────────────────────────────


def bind(desk: Desk, hearing: Hearing, argument: str) -> Heard:
    """A one-time code that makes this contact a member of staff's."""
    bound = perform(act(hearing), "account.bind", {"code": argument})
    contact = replace(hearing.contact, account_id=bound["id"])
    after = replace(hearing, contact=contact)
    return Heard(contact, desk.idle(contact, after.abilities, [hearing.say("staff.bound")]))


STAFF: Mapping[str, Handler] = {
    "campaigns": campaigns,
    "campaign": campaigns,
    "open_campaign": open_campaign,
    "close_campaign": close_campaign,
    "close_sure": close_sure,
    "new_campaign": new_campaign,
    "wizard": wizard,
    "qr": qr,
    "counts": counts,
    "recount": recount,
    "bind": bind,
}
