"""The measurements measure: short runs of what ``make bench`` does, lest they fall behind the product."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.pacing import PER_SECOND
from tests.benchmarks import campaigns, delivery, outboxes, reminders
from tests.benchmarks.bots import OURS, PTB, PTB_AIOHTTP, Kind, Stores
from tests.benchmarks.rounds import kill9, rounds
from tests.benchmarks.small import small
from tests.street import street


@pytest.fixture
def stores() -> Iterator[Stores]:
    made = Stores()
    yield made
    made.close()


@pytest.mark.parametrize("kind", [OURS, PTB, PTB_AIOHTTP], ids=lambda kind: kind.name)
def test_every_bot_is_answered_by_respondents_without_an_error(kind: Kind, stores: Stores) -> None:
    (found,) = asyncio.run(rounds([kind], [3], 1, 0.5, stores, lambda _: None))
    assert found.turns > 9
    assert found.refused == found.stalls == 0
    assert found.cpu > 0
    assert found.to_question_p99 >= found.to_200_p50 > 0


def test_whatever_was_acknowledged_is_found_after_a_kill(stores: Stores) -> None:
    killed = asyncio.run(kill9(OURS, stores))
    assert killed.acknowledged > 20
    assert killed.lost == 0


def test_single_costs_can_be_taken() -> None:
    costs = small(lambda _: None, times=1)
    assert len({each.name for each in costs}) == len(costs) == 7
    assert all(each.median > 0 for each in costs)


@pytest.fixture
def embedded(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'hoidan.db'}"


def test_an_opening_is_measured_beside_turns(embedded: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(campaigns, "ALONE_S", 0.1)
    rows = {row.what: row for row in campaigns.measure(embedded, "SQLite", 10 * campaigns.COMMUNES)}
    opened = rows["open a census"]
    assert opened.cases == 10 * campaigns.COMMUNES
    assert opened.processor > 0 and opened.memory > 20
    assert 0 < rows["(turns alone)"].wait_p50 <= rows["(turns alone)"].wait_most
    assert "(open all at once, undone)" in rows


def test_delivery_is_measured_beside_people_who_talk(embedded: str) -> None:
    with delivery.filled(embedded, 3_000) as place:
        claimed = delivery.claims(place, "SQLite", 3_000, 300)
        paced = asyncio.run(delivery.pace(place, "SQLite", "free", PER_SECOND, 0.6, 4.0))
    assert [one.batch for one in claimed] == list(delivery.BATCHES)
    assert all(one.rows and one.per_second for one in claimed)
    assert paced.sent > 0 and paced.replies > 0 and paced.cpu > 0
    assert 0 < paced.reply_p50 <= paced.reply_p99


def test_whatever_a_large_outbox_is_asked_goes_by_an_index(embedded: str) -> None:
    asked = outboxes.measured("SQLite", embedded, 6_000, 1)
    scanning = {one.what for one in asked if "all rows" in one.plan}
    assert {what for what in scanning if not what.startswith("(")} == set()
    assert any("ix_outbox_undelivered" in one.plan for one in asked)
    assert any(one.what.startswith("drop 120") and "ix_outbox_bulk" in one.plan for one in asked)


def test_claims_of_due_cases_are_measured(embedded: str) -> None:
    with street(embedded, 1) as one:
        reminders.fill(one, 2 * reminders.DUE)
        found = reminders.measure("SQLite", one, 2 * reminders.DUE)
    assert len(found) == 4 and all(each.lowest <= each.median <= each.highest for each in found)
