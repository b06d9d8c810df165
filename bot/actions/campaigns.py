"""Campaigns: made as drafts, opened when the law is met, closed once."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from secrets import SystemRandom
from typing import Annotated, Any

import msgspec

from bot.actions.gate import Act, Aim, Arguments, Id, action, area_key, area_text
from bot.actions.instruments import edition_view
from storage import areas, campaigns, instruments
from storage.campaigns import Campaign, Draft
from storage.instruments import Edition
from surveys.areas import AreaKey
from surveys.campaigns import (
    Basis,
    Legal,
    Mode,
    Status,
    Step,
    after,
    check_dates,
    check_legal,
    check_opening,
    is_running,
    missing,
)
from surveys.instruments import read_instrument
from surveys.letters import tidy
from surveys.problems import Problem
from surveys.replies import make_code

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


class Amend(Arguments, frozen=True):
    """What to change of a draft; ``consent`` ``-`` takes the consent form away."""

    campaign: Reference
    title: Title | None = None
    starts_on: date | None = None
    ends_on: date | None = None
    reference_date: date | None = None
    instrument: Reference | None = None
    consent: Reference | None = None
    legal: LegalFields = LegalFields()


class One(Arguments, frozen=True):
    """A campaign by id or code."""

    campaign: Reference


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


def campaign_view(act: Act, campaign: Campaign) -> dict[str, Any]:
    """A campaign as people and programs are shown it; ``missing`` names legal fields to give before it
    opens.
    """
    draft = campaign.draft
    area = areas.get(act.connection, draft.area)
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
        "instrument": edition_view(instruments.expect(act.connection, draft.instrument_id)),
        "consent": None if consent is None else edition_view(instruments.expect(act.connection, consent)),
        "legal": msgspec.to_builtins(draft.legal),
        "missing": list(missing(draft.legal)),
        "running": is_running(campaign.status, draft.starts_on, draft.ends_on, act.today),
        "opened_at": campaign.opened_at,
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


def _check_area(act: Act, area: AreaKey, starts_on: date) -> None:
    found = areas.index(act.connection).expect(area)
    if found.valid_to is not None and found.valid_to < starts_on:
        raise Problem("campaign_area_ended", area=found.title, valid_to=found.valid_to)


def _of_new(_act: Act, given: Create) -> Aim:
    return Aim((area_key(given.area),))


@action("campaign.create", Create, _of_new)
def create(act: Act, given: Create) -> dict[str, Any]:
    """A new campaign, a draft with a code of its own. Legal fields may still be missing."""
    if given.mode is not Mode.OPEN:
        raise Problem("campaign_mode", mode=given.mode.value)
    area = area_key(given.area)
    check_dates(given.starts_on, given.ends_on, given.reference_date)
    _check_area(act, area, given.starts_on)
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
    )
    made = campaigns.create(
        act.connection, draft, lambda: make_code(_chance.randrange(CODES)), act.actor.account_id, act.now_ms
    )
    return campaign_view(act, made)


def _title(text: str) -> str:
    title = tidy(text)
    if not title:
        raise Problem("argument_missing", field="title")
    return title


def _of_campaign(act: Act, given: Any) -> Aim:
    campaign = campaigns.expect(act.connection, given.campaign)
    return Aim((campaign.area,), f"campaign:{campaign.id}")


@action("campaign.amend", Amend, _of_campaign)
def amend(act: Act, given: Amend) -> dict[str, Any]:
    """Change a draft; what people were once asked under stays as it was."""
    campaign = campaigns.expect(act.connection, given.campaign, lock=True)
    if campaign.status is not Status.DRAFT:
        raise Problem("campaign_no_draft", campaign_status=campaign.status.value)
    draft = replace(
        campaign.draft,
        title=_title(given.title) if given.title is not None else campaign.draft.title,
        starts_on=given.starts_on or campaign.draft.starts_on,
        ends_on=given.ends_on or campaign.draft.ends_on,
        reference_date=given.reference_date or campaign.draft.reference_date,
        legal=_legal(campaign.draft.legal, given.legal),
    )
    if given.instrument is not None:
        draft = replace(draft, instrument_id=_asking(act, given.instrument).id)
    if given.consent is not None:
        consent = None if given.consent == NONE else _consenting(act, given.consent).id
        draft = replace(draft, consent_id=consent)
    check_dates(draft.starts_on, draft.ends_on, draft.reference_date)
    _check_area(act, draft.area, draft.starts_on)
    check_legal(draft.legal)
    return campaign_view(act, campaigns.amend(act.connection, campaign.id, draft))


def _step(act: Act, given: One, step: Step) -> dict[str, Any]:
    campaign = campaigns.expect(act.connection, given.campaign, lock=True)
    status = after(campaign.status, step)
    if step is Step.OPEN:
        draft = campaign.draft
        _check_area(act, draft.area, draft.starts_on)
        check_opening(
            legal=draft.legal,
            starts_on=draft.starts_on,
            ends_on=draft.ends_on,
            reference_date=draft.reference_date,
            has_consent_form=draft.consent_id is not None,
            today=act.today,
        )
    return campaign_view(act, campaigns.set_status(act.connection, campaign.id, status, act.now_ms))


@action("campaign.open", One, _of_campaign)
def open_campaign(act: Act, given: One) -> dict[str, Any]:
    """Open a draft: from its first day on, people may come in by its code."""
    return _step(act, given, Step.OPEN)


@action("campaign.close", One, _of_campaign)
def close(act: Act, given: One) -> dict[str, Any]:
    """Close a campaign for good: nobody is asked any more."""
    return _step(act, given, Step.CLOSE)


@action("campaign.status", One, _of_campaign)
def status(act: Act, given: One) -> dict[str, Any]:
    """A campaign and how far it has come."""
    campaign = campaigns.expect(act.connection, given.campaign)
    come = campaigns.progress(act.connection, campaign.id)
    return {
        **campaign_view(act, campaign),
        "progress": {
            "cases": come.cases,
            "begun": come.begun,
            "submitted": come.submitted,
            "refused": come.refused,
        },
    }


@action("campaign.list", Which)
def listing(act: Act, given: Which) -> dict[str, Any]:
    """The newest campaigns first, of the areas the actor sees."""
    found = campaigns.listing(
        act.connection,
        within=act.scope,
        statuses=None if given.status is None else [given.status],
        limit=given.limit,
    )
    return {"campaigns": [campaign_view(act, campaign) for campaign in found]}
