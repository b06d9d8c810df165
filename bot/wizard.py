"""A new campaign, asked question by question: a form whose submission is an action."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection

from bot.actions import perform
from bot.actions.gate import area_text
from bot.desk import Desk, Heard, Hearing, day, queue, show
from bot.orders import act
from bot.problems import explain
from storage import accounts, areas, frames, instruments, interviews, parameters
from surveys.areas import AreaKey
from surveys.counts import by_name
from surveys.deadlines import DEADLINES, LEAD, upcoming
from surveys.instruments import read_instrument
from surveys.interview import Focus, begin, result
from surveys.population import AgeBand, Sex
from surveys.problems import Problem
from surveys.progress import natural
from surveys.roles import MAY, Grant, in_force

WIZARD = "chien-dich-moi"
"""The instrument of the form that asks for a new campaign."""


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
            **_to_choose_from(hearing, own),
            "kenh_ngoai": desk.links.telegram_bot,
        },
        hearing.context(),
    )
    key = interviews.begin(
        hearing.connection, hearing.keyring, None, prepared.id, "wizard", "self", state, hearing.now
    )
    contact = desk.enter(hearing, key)
    return Heard(contact, show(replace(hearing, contact=contact), prepared, key, state))


NAMED_FORMS = frozenset({"nltt-kns-v0", "ho-gia-dinh-v0", "cdht-v0"})
"""Instruments that the form names in words of its own."""
LISTED = 30
"""Names in a hint."""


def _to_choose_from(hearing: Hearing, area: AreaKey | None) -> dict[str, str]:
    """What the form's hints say there is: questionnaires, neighbourhoods, and the day of the next report."""
    connection = hearing.connection
    asking = dict.fromkeys(
        edition.name for edition in instruments.everything(connection) if edition.name != WIZARD
    )
    asking = {name: None for name in asking if not _gives_consent(connection, name)}
    places = sorted(frames.neighbourhoods(connection, area), key=natural) if area is not None else []
    days = parameters.numbers(connection, DEADLINES)
    next_report = upcoming(days, parameters.number(connection, LEAD), hearing.local.date())[0]
    return {
        "cac_phieu": " ".join(asking),
        "phieu_rieng": ", ".join([name for name in asking if name not in NAMED_FORMS][:LISTED]),
        "cac_khu_pho": ", ".join(places[:LISTED]) + (", …" if len(places) > LISTED else ""),
        "han_bao_cao": day(next_report.on),
    }


def _gives_consent(connection: Connection, name: str) -> bool:
    stored = instruments.get(connection, instruments.newest(connection, name).id)
    return stored is not None and read_instrument(json.loads(stored.definition)).consent is not None


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
        "instrument": given["phieu_khac"].strip() if given["phieu"] == "khac" else given["phieu"],
        "mode": given["cach_hoi"],
        "design": _design(given),
        "rules": {"plan": given.get("nhac")},
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
            "transfer_file": given.get("ho_so_ngoai", ""),
            **(
                {"decision_number": given.get("so_qd", ""), "decision_date": given.get("ngay_qd")}
                if given.get("co_quyet_dinh") == "1"
                else {}
            ),
        },
    }


def _design(given: Mapping[str, str]) -> dict[str, Any]:
    """Whom to ask, of the wizard's answers; nothing for whoever has the code."""
    named = [name.strip() for name in given.get("khu_pho", "").split(",")]
    design: dict[str, Any] = {"neighbourhoods": [name for name in named if name]}
    if given["cach_hoi"] == "sample":
        design |= {
            "size": int(given["co_mau"]),
            "strata": given["phan_tang"],
            "seed": given.get("hat_giong", ""),
        }
    return design | _quotas(given)


AGES = (AgeBand.FROM_15, AgeBand.FROM_25, AgeBand.FROM_35, AgeBand.FROM_45, AgeBand.FROM_55, AgeBand.ABOVE)
"""The age groups that a quota by age is about."""


def _quotas(given: Mapping[str, str]) -> dict[str, Any]:
    """The same number for each group, where groups are limited."""
    by = given.get("han_ngach", "none")
    if by not in ("sex", "age", "sex_age"):
        return {}
    most = int(given["moi_nhom"])
    sexes = tuple(Sex) if "sex" in by else (None,)
    ages = AGES if "age" in by else (None,)
    return {
        "quotas": [
            {
                "most": most,
                **({} if sex is None else {"sex": sex.value}),
                **({} if age is None else {"age_band": age.value}),
            }
            for sex in sexes
            for age in ages
        ]
    }
