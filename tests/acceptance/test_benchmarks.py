"""The measurements measure: short runs of what ``make bench`` does, lest they fall behind the product."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from tests.benchmarks.bots import OURS, PTB, PTB_AIOHTTP, Kind, Stores
from tests.benchmarks.rounds import kill9, rounds
from tests.benchmarks.small import small


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
