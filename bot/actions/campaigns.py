"""Campaigns: made and changed as drafts, published again, shown. What happens to them then stands in
:mod:`bot.actions.campaign_life`.
"""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date, time
from secrets import SystemRandom
from typing import TYPE_CHECKING, Annotated, Any

import msgspec

from bot.actions.gate import Act, Aim, Arguments, Id, action, area_key, area_text
from bot.actions.instruments import edition_view
from bot.opening import is_opening
from bot.questionnaires import Prepared, read
from storage import areas, campaigns, cases, frames, instruments, parameters, senders
from storage.campaigns import Campaign, Draft
from storage.instruments import Edition
from surveys.areas import AreaKey
from surveys.campaigns import (
    Basis,
    Legal,
    Mode,
    Status,
    check_dates,
    check_legal,
    is_running,
    missing,
)
from surveys.deadlines import DEADLINES, LEAD, upcoming
from surveys.designs import MOST_QUOTAS, Design, Quota, Strata, check_design, filled
from surveys.instruments import Instrument, read_instrument
from surveys.letters import tidy
from surveys.population import AgeBand, Sex
from surveys.problems import Problem
from surveys.progress import natural, pick
from surveys.reminders import PLANS, Plan, Rules, Stage, check_rules
from surveys.replies import make_code
from surveys.revisions import Effect, compare

if TYPE_CHECKING:
    from sqlalchemy import Connection

Title = Annotated[str, msgspec.Meta(min_length=1, max_length=300)]
Reference = Id | Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
Words = Annotated[str, msgspec.Meta(max_length=1000)]

NONE = "-"
"""In place of a consent form: none."""

CODES = 1_000_000
"""How many codes campaigns are drawn from: fewer than there are, more than will be used."""

_chance = SystemRandom()


class LegalFields(Arguments, frozen=True):
    """Legal fields as given; what is left out stays as it was. See :class:`surveys.campaigns.Legal`."""

    controller: Words | None = None
    address: Words | None = None
    phone: Words | None = None
    purpose: Words | None = None
    storage_place: Words | None = None
    retention_days: int | None = None
    dpo_contact: Words | None = None
    basis: Basis | None = None
    decision_number: Words | None = None
    decision_date: date | None = None
    internal: bool | None = None
    transfer_file: Words | None = None


Name = Annotated[str, msgspec.Meta(min_length=1, max_length=100)]
Count = Annotated[int, msgspec.Meta(ge=0, le=10_000_000)]


class QuotaFields(Arguments, frozen=True):
    """At most ``most`` completes of a kind of people. ``area`` is the code of a commune."""

    most: Count
    sex: Sex | None = None
    age_band: AgeBand | None = None
    area: Annotated[str, msgspec.Meta(max_length=20)] = ""


class DesignFields(Arguments, frozen=True):
    """Whom to ask; what is left out stays as it was. See :class:`surveys.designs.Design`."""

    neighbourhoods: Annotated[tuple[Name, ...], msgspec.Meta(max_length=1_000)] | None = None
    size: Count | None = None
    sizes: dict[str, Count] | None = None
    strata: Strata | None = None
    seed: Annotated[str, msgspec.Meta(max_length=100)] | None = None
    reserve: Count | None = None
    quotas: Annotated[tuple[QuotaFields, ...], msgspec.Meta(max_length=MOST_QUOTAS + 1)] | None = None


Days = Annotated[tuple[int, ...], msgspec.Meta(max_length=20)]
Clock = Annotated[str, msgspec.Meta(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$")]
"""A time of day, as 08:00."""


class RulesFields(Arguments, frozen=True):
    """How to remind: a ``plan`` by name, and what differs from it. Days lie between one message and the next.
    See :class:`surveys.reminders.Rules`.
    """

    plan: Plan | None = None
    not_started: Days | None = None
    half_done: Days | None = None
    begins: Clock | None = None
    ends: Clock | None = None
    weekends: bool | None = None
    holidays: bool | None = None
    per_household: int | None = None
    household_days: int | None = None
    last_days: int | None = None


class Create(Arguments, frozen=True):
    """A campaign to be. Instruments by id, ``name``, ``name@version`` or form; the area as
    ``VINTAGE/CODE``.
    """

    title: Title
    area: Annotated[str, msgspec.Meta(max_length=40)]
    starts_on: date
    ends_on: date
    reference_date: date
    instrument: Reference
    consent: Reference | None = None
    mode: Mode = Mode.OPEN
    legal: LegalFields = LegalFields()
    design: DesignFields = DesignFields()
    rules: RulesFields = RulesFields()


class Amend(Arguments, frozen=True):
    """What to change of a draft; ``consent`` ``-`` takes the consent form away."""

    campaign: Reference
    title: Title | None = None
    starts_on: date | None = None
    ends_on: date | None = None
    reference_date: date | None = None
    instrument: Reference | None = None
    consent: Reference | None = None
    mode: Mode | None = None
    legal: LegalFields = LegalFields()
    design: DesignFields = DesignFields()
    rules: RulesFields = RulesFields()


class One(Arguments, frozen=True):
    """A campaign by id or code."""

    campaign: Reference


class Republish(Arguments, frozen=True):
    """The version of its instrument that a campaign asks from now on; without one, the newest."""

    campaign: Reference
    instrument: Reference | None = None


class Which(Arguments, frozen=True):
    """Campaigns of one status, or of all."""

    status: Status | None = None
    limit: Annotated[int, msgspec.Meta(ge=1, le=500)] = 100


def _legal(before: Legal, given: LegalFields) -> Legal:
    changed: dict[str, Any] = {
        name: tidy(value) if isinstance(value, str) and not isinstance(value, Basis) else value
        for name in given.__struct_fields__
        if (value := getattr(given, name)) is not None
    }
    return replace(before, **changed)


SEEDS = 100_000_000
"""A sample for which nobody named a seed gets a number below this; it is kept, and shown."""


def _design(before: Design, given: DesignFields, mode: Mode) -> Design:
    """A design with what was given. Of two ways to say how large a sample is the one given counts."""
    changed: dict[str, Any] = {
        name: value for name in given.__struct_fields__ if (value := getattr(given, name)) is not None
    }
    if given.quotas is not None:
        changed["quotas"] = tuple(Quota(q.most, q.sex, q.age_band, q.area) for q in given.quotas)
    if given.neighbourhoods is not None:
        changed["neighbourhoods"] = tuple(tidy(name) for name in given.neighbourhoods)
    if given.size is not None and given.sizes is None:
        changed["sizes"] = {}
    if given.sizes and given.size is None:
        changed["size"] = None
    design = replace(before, **changed)
    if mode is Mode.SAMPLE and not design.seed.strip():
        design = replace(design, seed=str(_chance.randrange(SEEDS)))
    return design


def _located(act: Act, area: AreaKey, design: Design) -> Design:
    """A design with the names of neighbourhoods as the list of households has them. They stay as typed where
    there is no list yet.

    Raises Problem ``campaign_neighbourhood`` (none is called so), ``neighbourhood_unclear`` (several are).
    """
    if not design.neighbourhoods:
        return design
    known = sorted(frames.neighbourhoods(act.connection, area), key=natural)
    if not known:
        return design
    names: list[str] = []
    for wanted in design.neighbourhoods:
        found = pick(wanted, known)
        if not found:
            raise Problem("campaign_neighbourhood", name=wanted[:60], known=", ".join(known[:30]))
        if len(found) > 1:
            raise Problem("neighbourhood_unclear", name=wanted[:60], known=", ".join(found[:10]))
        names += found
    return replace(design, neighbourhoods=tuple(dict.fromkeys(names)))


def _rules(before: Rules, given: RulesFields) -> Rules:
    rules = before if given.plan is None else PLANS[given.plan]
    after = dict(rules.after)
    for stage, days in ((Stage.NOT_STARTED, given.not_started), (Stage.HALF_DONE, given.half_done)):
        if days is not None:
            after[stage] = days
    clocks = {"begins": given.begins, "ends": given.ends}
    hours: dict[str, Any] = {
        "weekends": given.weekends,
        "holidays": given.holidays,
        **{name: time.fromisoformat(text) for name, text in clocks.items() if text is not None},
    }
    bounds = {name: getattr(given, name) for name in ("per_household", "household_days", "last_days")}
    rules = replace(
        rules,
        after=after,
        hours=replace(rules.hours, **{name: value for name, value in hours.items() if value is not None}),
        **{name: value for name, value in bounds.items() if value is not None},
    )
    check_rules(rules)
    return rules


def _check_design(act: Act, draft: Draft) -> None:
    """Refuse a design that does not go with the rest of the draft, or with the campaign's area."""
    check_design(draft.design, draft.mode, _instrument(act.connection, draft.instrument_id))
    for quota in draft.design.quotas:
        if quota.area and draft.area not in areas.line(act.connection, (draft.area[0], quota.area)):
            raise Problem("quota_elsewhere", area=quota.area)


def _instrument(connection: Connection, instrument_id: int) -> Instrument:
    stored = instruments.get(connection, instrument_id)
    assert stored is not None
    return read_instrument(json.loads(stored.definition))


def campaign_view(act: Act, campaign: Campaign) -> dict[str, Any]:
    """A campaign as people and programs are shown it; see :func:`view`."""
    return view(act.connection, campaign, act.today)


def view(connection: Connection, campaign: Campaign, today: date) -> dict[str, Any]:
    """A campaign as people and programs are shown it ``today``; ``missing`` names legal fields to give before
    it opens. ``made`` says whether all its cases are there, ``size`` how many that are.
    """
    draft = campaign.draft
    area = areas.get(connection, draft.area)
    consent = draft.consent_id
    return {
        "id": campaign.id,
        "code": campaign.code,
        "title": draft.title,
        "status": campaign.status.value,
        "mode": draft.mode.value,
        "area": area_text(draft.area),
        "area_title": area.title if area else None,
        "starts_on": draft.starts_on.isoformat(),
        "ends_on": draft.ends_on.isoformat(),
        "reference_date": draft.reference_date.isoformat(),
        "instrument": edition_view(instruments.expect(connection, draft.instrument_id)),
        "consent": None if consent is None else edition_view(instruments.expect(connection, consent)),
        "legal": msgspec.to_builtins(draft.legal),
        "missing": list(missing(draft.legal)),
        "design": msgspec.to_builtins(draft.design),
        "rules": msgspec.to_builtins(draft.rules),
        "running": is_running(campaign.status, draft.starts_on, draft.ends_on, today),
        "size": campaign.size,
        "made": campaign.made_at is not None,
        "approved_size": campaign.approved_size,
        "approved_by": campaign.approved_by,
        "opened_at": campaign.opened_at,
        "paused_at": campaign.paused_at,
        "closed_at": campaign.closed_at,
    }


def _asking(act: Act, wanted: int | str) -> Edition:
    edition = instruments.expect(act.connection, wanted)
    if _gives_consent(act, edition):
        raise Problem("campaign_instrument_is_consent", name=edition.name)
    return edition


def _consenting(act: Act, wanted: int | str) -> Edition:
    edition = instruments.expect(act.connection, wanted)
    if not _gives_consent(act, edition):
        raise Problem("campaign_consent_is_not", name=edition.name)
    return edition


def _gives_consent(act: Act, edition: Edition) -> bool:
    stored = instruments.get(act.connection, edition.id)
    return stored is not None and read_instrument(json.loads(stored.definition)).consent is not None


def check_area(act: Act, area: AreaKey, starts_on: date) -> None:
    """Refuse an area that is not there (any more): Problem ``area_unknown``, ``campaign_area_ended``."""
    found = areas.index(act.connection).expect(area)
    if found.valid_to is not None and found.valid_to < starts_on:
        raise Problem("campaign_area_ended", area=found.title, valid_to=found.valid_to)


def _of_new(_act: Act, given: Create) -> Aim:
    return Aim((area_key(given.area),))


@action("campaign.create", Create, _of_new)
def create(act: Act, given: Create) -> dict[str, Any]:
    """A new campaign, a draft with a code of its own. Legal fields may still be missing."""
    area = area_key(given.area)
    check_dates(given.starts_on, given.ends_on, given.reference_date)
    check_area(act, area, given.starts_on)
    legal = _legal(Legal(), given.legal)
    check_legal(legal)
    consent = None if given.consent in (None, NONE) else _consenting(act, given.consent).id
    draft = Draft(
        title=_title(given.title),
        instrument_id=_asking(act, given.instrument).id,
        consent_id=consent,
        mode=given.mode,
        area=area,
        starts_on=given.starts_on,
        ends_on=given.ends_on,
        reference_date=given.reference_date,
        legal=legal,
        design=_located(act, area, _design(Design(), given.design, given.mode)),
        rules=_rules(Rules(), given.rules),
    )
    _check_design(act, draft)
    made = campaigns.create(
        act.connection, draft, lambda: make_code(_chance.randrange(CODES)), act.actor.account_id, act.now_ms
    )
    return campaign_view(act, made)


def _title(text: str) -> str:
    title = tidy(text)
    if not title:
        raise Problem("argument_missing", field="title")
    return title


def of_campaign(act: Act, given: Any) -> Aim:
    campaign = campaigns.expect(act.connection, given.campaign)
    return Aim((campaign.area,), f"campaign:{campaign.id}")


@action("campaign.amend", Amend, of_campaign)
def amend(act: Act, given: Amend) -> dict[str, Any]:
    """Change a draft; what people were once asked under stays as it was. An approval is void then."""
    campaign = campaigns.expect(act.connection, given.campaign, lock=True)
    if campaign.status is not Status.DRAFT:
        raise Problem("campaign_no_draft", campaign_status=campaign.status.value)
    if is_opening(campaign, act.now_ms):
        raise Problem("campaign_opening", title=campaign.draft.title)
    mode = given.mode or campaign.draft.mode
    # Of a sample nothing is left where it is none any more.
    before = campaign.draft.design if mode is campaign.draft.mode else Design()
    draft = replace(
        campaign.draft,
        title=_title(given.title) if given.title is not None else campaign.draft.title,
        starts_on=given.starts_on or campaign.draft.starts_on,
        ends_on=given.ends_on or campaign.draft.ends_on,
        reference_date=given.reference_date or campaign.draft.reference_date,
        legal=_legal(campaign.draft.legal, given.legal),
        mode=mode,
        design=_located(act, campaign.draft.area, _design(before, given.design, mode)),
        rules=_rules(campaign.draft.rules, given.rules),
    )
    if given.instrument is not None:
        draft = replace(draft, instrument_id=_asking(act, given.instrument).id)
    if given.consent is not None:
        consent = None if given.consent == NONE else _consenting(act, given.consent).id
        draft = replace(draft, consent_id=consent)
    check_dates(draft.starts_on, draft.ends_on, draft.reference_date)
    check_area(act, draft.area, draft.starts_on)
    check_legal(draft.legal)
    _check_design(act, draft)
    campaigns.amend(act.connection, campaign.id, draft)
    nobody = dict.fromkeys(("approved_by", "approved_at", "approved_size"))
    campaigns.note(act.connection, campaign.id, changed_by=act.actor.account_id, **nobody)
    return campaign_view(act, campaigns.expect(act.connection, campaign.id))


@action("campaign.republish", Republish, of_campaign)
def republish(act: Act, given: Republish) -> dict[str, Any]:
    """Ask another version of the campaign's instrument from now on, and say what that changes.

    Half-finished interviews go over to it at their next turn, what was handed in stays as it is, and counts
    of the versions stay apart. Raises Problem ``campaign_republish_status``, ``campaign_other_instrument``,
    ``campaign_same_version``.
    """
    campaign = campaigns.expect(act.connection, given.campaign, lock=True)
    if campaign.status not in (Status.OPEN, Status.PAUSED):
        raise Problem("campaign_republish_status", campaign_status=campaign.status.value)
    now = instruments.expect(act.connection, campaign.draft.instrument_id)
    if given.instrument is None:
        edition = instruments.newest(act.connection, now.name)
    else:
        edition = instruments.expect(act.connection, given.instrument)
    old, new = (_prepared(act, each) for each in (now, edition))
    if edition.name != now.name or old.instrument.unit is not new.instrument.unit:
        raise Problem("campaign_other_instrument", name=now.name, given=edition.name)
    if edition.id == now.id:
        raise Problem("campaign_same_version", name=now.name, version=now.version)
    changes = compare(old.form, new.form)
    made = campaigns.amend(act.connection, campaign.id, replace(campaign.draft, instrument_id=edition.id))
    return {
        **campaign_view(act, made),
        "before": edition_view(now),
        "half_finished": campaigns.half_finished(act.connection, campaign.id),
        "changes": {effect.value: list(changes.names(effect)) for effect in Effect if effect != Effect.NONE},
    }


def _prepared(act: Act, edition: Edition) -> Prepared:
    stored = instruments.get(act.connection, edition.id)
    assert stored is not None
    return read(stored)


@action("campaign.status", One, of_campaign)
def status(act: Act, given: One) -> dict[str, Any]:
    """A campaign and how far it has come; how full its quotas are; which reports are due next."""
    campaign = campaigns.expect(act.connection, given.campaign)
    come = campaigns.progress(act.connection, campaign.id)
    days = parameters.numbers(act.connection, DEADLINES)
    lead = parameters.number(act.connection, LEAD)
    return {
        **campaign_view(act, campaign),
        "quotas": quotas_view(act.connection, campaign),
        "telegram_bot": senders.name_on(act.connection, "telegram"),
        "deadlines": [
            {"name": one.name, "on": one.on.isoformat(), "days_left": one.days_left, "near": one.near}
            for one in upcoming(days, lead, act.today)
        ],
        "progress": {
            "cases": come.cases,
            "begun": come.begun,
            "submitted": come.submitted,
            "refused": come.refused,
        },
    }


def quotas_view(connection: Connection, campaign: Campaign) -> list[dict[str, Any]]:
    """A campaign's quotas and how full each of them is."""
    quotas = campaign.draft.design.quotas
    done = filled(quotas, cases.completes(connection, campaign.id)) if quotas else ()
    return [
        {
            **msgspec.to_builtins(quota),
            "area_title": _title_of(connection, (campaign.area[0], quota.area)) if quota.area else None,
            "completes": number,
        }
        for quota, number in zip(quotas, done, strict=True)
    ]


def _title_of(connection: Connection, area: AreaKey) -> str:
    found = areas.get(connection, area)
    return area[1] if found is None else found.title


_SHOWN = frozenset(Status) - {Status.ARCHIVED}


@action("campaign.list", Which)
def listing(act: Act, given: Which) -> dict[str, Any]:
    """The newest campaigns first, of the areas the actor sees; archived ones if asked for."""
    found = campaigns.listing(
        act.connection,
        within=act.scope,
        statuses=_SHOWN if given.status is None else [given.status],
        limit=given.limit,
    )
    return {"campaigns": [campaign_view(act, campaign) for campaign in found]}
