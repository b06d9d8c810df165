"""Counts: what the ledger and the cube add up to, for the areas the asker may see, with small cells
hidden.
"""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import msgspec

from bot.actions.campaigns import Reference
from bot.actions.gate import Act, Aim, Arguments, action, area_text, reaches
from bot.questionnaires import Prepared, context, read
from bot.readings import Reading, reading
from bot.texts import LANGUAGES
from storage import areas, campaigns, counts, instruments, parameters, submissions, tasks
from storage.campaigns import Campaign
from storage.counts import Cell
from surveys.areas import AreaKey
from surveys.counts import (
    BREAKDOWNS,
    UNDETERMINED,
    CountTable,
    Dimension,
    Entry,
    N,
    Place,
    Tally,
    breakdowns,
    breakdowns_offered,
    countable,
    family,
    protect_in_order,
    table,
)
from surveys.disclosure import Reason
from surveys.interview import labels
from surveys.problems import Problem

if TYPE_CHECKING:
    from sqlalchemy import Connection


class Show(Arguments, frozen=True):
    """Which items (all indicators when none is named), broken down by what. Of a campaign that was published
    again, one version is counted: ``instrument``, or the one it asks now.
    """

    campaign: Reference
    items: tuple[Annotated[str, msgspec.Meta(max_length=120)], ...] = ()
    by: tuple[Dimension, ...] = ()
    instrument: Reference | None = None


class One(Arguments, frozen=True):
    """A campaign by id or code."""

    campaign: Reference


def _of_campaign(act: Act, given: One) -> Aim:
    campaign = campaigns.expect(act.connection, given.campaign)
    return Aim((campaign.area,), f"campaign:{campaign.id}")


def _asked(act: Act, given: Show) -> Aim:
    """Only what is asked about, for the audit; which areas are shown is for the action to find out."""
    with contextlib.suppress(Problem):
        return Aim(target=f"campaign:{campaigns.expect(act.connection, given.campaign).id}")
    return Aim()


@action("counts.show", Show, _asked)
def show(act: Act, given: Show) -> Reading:
    """Counts of a campaign with their denominators. ``null`` in place of a number: hidden, ``hidden`` says
    why.

    Somebody whose grants reach only part of the campaign's area gets that part, and is told so in ``areas``.
    Raises Problem ``campaign_unknown``, ``not_allowed``, ``count_unknown_item``,
    ``count_breakdown_unknown``, ``count_of_households``.
    """
    if set(given.by) not in [set(each) for each in BREAKDOWNS]:
        raise Problem("count_breakdown_unknown", dimensions=[dimension.value for dimension in given.by])
    campaign = campaign_seen(act, given.campaign)
    seen = part_seen(act, campaign)
    version = _version(act.connection, campaign, given.instrument)
    instrument = _prepared(act.connection, version).instrument
    items = [_item(item, countable(instrument)) for item in given.items]
    for item in items:
        if set(given.by) not in [set(each) for each in breakdowns_offered(instrument, item)]:
            raise Problem("count_of_households", item=item)
    return Reading(
        "counts",
        {
            "campaign": campaign.id,
            "instrument": version,
            "items": items,
            "by": [dimension.value for dimension in given.by],
            "areas": None if seen is None else sorted(seen),
            "now": act.now_ms,
        },
    )


def _version(connection: Connection, campaign: Campaign, wanted: int | str | None) -> int:
    """The version of a campaign's instrument to count. Raises Problem ``campaign_other_instrument``."""
    if wanted is None:
        return campaign.draft.instrument_id
    own = instruments.expect(connection, campaign.draft.instrument_id)
    edition = instruments.expect(connection, wanted)
    if edition.name != own.name:
        raise Problem("campaign_other_instrument", name=own.name, given=edition.name)
    return edition.id


def _prepared(connection: Connection, version: int) -> Prepared:
    stored = instruments.get(connection, version)
    assert stored is not None
    return read(stored)


@reading("counts")
def count(connection: Connection, asked: Mapping[str, Any]) -> dict[str, Any]:
    """The counts that :func:`show` allowed."""
    campaign = campaigns.expect(connection, asked["campaign"])
    version: int = asked["instrument"]
    prepared = _prepared(connection, version)
    by = tuple(Dimension(name) for name in asked["by"])
    seen: list[str] | None = asked["areas"]
    items = list(asked["items"]) or [
        each.name
        for each in prepared.instrument.every_indicator
        if set(by) in [set(offered) for offered in breakdowns_offered(prepared.instrument, each.name)]
    ]
    families = {item: family(prepared.instrument, item) for item in items}
    needed = sorted({name for names in families.values() for name in names})
    every = counts.cells(connection, campaign.id, needed, seen)
    cells = [(_entry(cell), number) for cell, number in every if cell.instrument_id == version]
    others = {cell.instrument_id for cell, _ in every} - {version}
    threshold = parameters.number(connection, "suppression_threshold")
    protected: dict[tuple[str, ...], dict[_TableKey, Mapping[Place, Reason]]] = {}
    tables = []
    for item, names in families.items():
        if names not in protected:
            protected[names] = _protect(prepared, cells, item, threshold)
        made = table(prepared.instrument, cells, item=item, by=by, choices=_choices(prepared, item))
        hidden = protected[names][item, frozenset(by)]
        tables.append(_table_view(connection, campaign, prepared, made, hidden, asked["now"]))
    submitted = submissions.number_of_version(connection, campaign.id, version)
    return {
        "campaign": {
            "code": campaign.code,
            "title": campaign.draft.title,
            "status": campaign.status.value,
            "mode": campaign.draft.mode.value,
            "area": area_text(campaign.area),
            "reference_date": campaign.draft.reference_date.isoformat(),
        },
        "areas": seen,
        "instrument": {
            "id": prepared.instrument.id,
            "version": prepared.instrument.version,
            "status": prepared.instrument.status,
        },
        "other_versions": [_named(connection, other) for other in sorted(others)],
        "suppression_threshold": threshold,
        # Beside a hidden number of people, how many there are in all would tell it.
        "submissions": None if seen is not None or any(_hides_people(made) for made in tables) else submitted,
        "tables": tables,
        "known": list(countable(prepared.instrument)),
    }


def _named(connection: Connection, version: int) -> str:
    edition = instruments.expect(connection, version)
    return f"{edition.name}@{edition.version}"


def _hides_people(made: Mapping[str, Any]) -> bool:
    return made["total"]["n"] is None or made["total"]["undetermined"] is None


_TableKey = tuple[str, frozenset[Dimension]]


def _protect(
    prepared: Prepared, cells: Sequence[tuple[Entry, int]], item: str, threshold: int
) -> dict[_TableKey, Mapping[Place, Reason]]:
    """What must not be shown of an item's whole family in any breakdown, so that no series of questions
    tells more.
    """
    made = breakdowns(prepared.instrument, cells, item=item)
    hidden = protect_in_order(made, prepared.instrument, threshold=threshold)
    return {(each.item, frozenset(each.by)): places for each, places in zip(made, hidden, strict=True)}


def campaign_seen(act: Act, wanted: int | str) -> Campaign:
    """The campaign, if any grant of the actor touches its area; otherwise as if it were not there."""
    try:
        campaign = campaigns.expect(act.connection, wanted)
    except Problem:
        if act.scope is None:
            raise
        raise Problem("not_allowed", status=403) from None
    if reaches(act, campaign.area) or any(
        campaign.area in areas.line(act.connection, area) for area in act.scope or ()
    ):
        return campaign
    raise Problem("not_allowed", status=403)


def part_seen(act: Act, campaign: Campaign) -> Collection[str] | None:
    """Codes of the areas the actor may see of a campaign; None is all of it."""
    if reaches(act, campaign.area):
        return None
    index = areas.index(act.connection)
    found: set[str] = set()
    waiting: list[AreaKey] = [
        area for area in act.scope or () if campaign.area in areas.line(act.connection, area)
    ]
    while waiting:
        area = waiting.pop()
        found.add(area[1])
        waiting.extend(child.key for child in index.children(area))
    return found


def _item(wanted: str, known: Sequence[str]) -> str:
    if wanted in known:
        return wanted
    near = [name for name in known if name.startswith(wanted)]
    if len(near) == 1:
        return near[0]
    raise Problem("count_unknown_item", item=wanted, known=", ".join(near or known))


def _entry(cell: Cell) -> Entry:
    return Entry(
        item=cell.item,
        outcome=cell.outcome,
        unit=cell.unit,
        way=cell.way,
        area=cell.area_code,
        sex=cell.sex,
        age_band=cell.age_band,
    )


def _choices(prepared: Prepared, item: str) -> tuple[str, ...]:
    ref = prepared.questionnaire.by_name.get(item)
    if ref is None:
        return ()
    return tuple(choice.name for choice in prepared.questionnaire.leaves[ref].question.choices)


def _labels(prepared: Prepared, item: str, now_ms: int) -> dict[str, dict[str, str]]:
    """Labels of a question and its choices by language code: ``{"vi": {"": question, "1": choice}}``."""
    ref = prepared.questionnaire.by_name.get(item)
    if ref is None:
        return {}
    now = datetime.fromtimestamp(now_ms / 1000, UTC)
    found = {}
    for code in LANGUAGES:
        question, choices = labels(prepared.questionnaire, ref, context(now, code))
        found[code] = {"": question, **choices}
    return found


def _table_view(
    connection: Connection,
    campaign: Campaign,
    prepared: Prepared,
    made: CountTable,
    hidden: Mapping[Place, Reason],
    now: int,
) -> dict[str, Any]:
    names: dict[str, str] = {}
    if Dimension.AREA in made.by:
        index = areas.index(connection)
        place = made.by.index(Dimension.AREA)
        for code in {row.group[place] for row in made.rows}:
            area = index.get((campaign.area[0], code))
            names[code] = area.title if area else code
    indicator = prepared.instrument.indicator(made.item.partition("@")[0])
    return {
        "item": made.item,
        "indicator": made.indicator,
        "several": made.several,
        "denominator": made.denominator,
        "unit": made.unit.value,
        "by": [dimension.value for dimension in made.by],
        "outcomes": list(made.outcomes),
        "rows": [_row(row, made, hidden) for row in made.rows],
        "total": _row(made.total, made, hidden),
        "labels": _labels(prepared, made.item, now),
        "indicator_labels": dict(indicator.label) if indicator else {},
        "area_names": names,
    }


def _row(row: Tally, made: CountTable, hidden: Mapping[Place, Reason]) -> dict[str, Any]:
    n = None if (row.group, N) in hidden else row.n
    cells = {}
    for outcome in made.outcomes:
        reason = hidden.get((row.group, outcome))
        count = None if reason is not None else row.counts.get(outcome, 0)
        share = None if count is None or not n else row.share(outcome)
        cells[outcome] = {"count": count, "share": share, "hidden": reason.value if reason else None}
    undetermined = None if (row.group, UNDETERMINED) in hidden else row.undetermined
    return {
        "group": dict(zip((dimension.value for dimension in made.by), row.group, strict=True))
        if row.group
        else {},
        "n": n,
        "undetermined": undetermined,
        "outside": None if n is None or undetermined is None else row.outside,
        "cells": cells,
    }


@action("counts.rebuild", One, _of_campaign, bulk=True)
def rebuild(act: Act, given: One) -> dict[str, Any]:
    """Have a campaign counted anew from its submissions, by a task; differences are corrected and told."""
    campaign = campaigns.expect(act.connection, given.campaign)
    task = tasks.queue(
        act.connection,
        act.keyring,
        "counts_rebuild",
        {"campaign": campaign.id},
        act.actor.account_id,
        act.actor.contact_id,
        act.now_ms,
    )
    return {"task": task, "code": campaign.code, "title": campaign.draft.title}
