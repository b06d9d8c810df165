"""Ledger and cube together are the count, whenever and however much of the ledger was folded."""

from __future__ import annotations

from collections import Counter
from functools import partial
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from storage import counts
from storage.counts import Cell
from storage.database import Database
from storage.migrate import upgrade


def cell(
    outcome: str = "1", sex: str = "female", campaign: int = 1, area: str = "26740", unit: str = "person"
) -> Cell:
    return Cell(campaign, 1, unit, "self", area, sex, "25_34", "cmkt", outcome)


def test_entries_count_at_once_and_taking_back_leaves_nothing(database_url: str) -> None:
    with Database(database_url) as database:
        upgrade(database.engine)
        database.write(lambda c: counts.enter(c, 1, [cell("1"), cell("2")], +1))
        database.write(lambda c: counts.enter(c, 2, [cell("1")], +1))
        assert dict(database.read(lambda c: counts.cells(c, 1))) == {cell("1"): 2, cell("2"): 1}
        assert database.write(lambda c: counts.fold(c, 2)) == 2
        database.write(lambda c: counts.enter(c, 1, [cell("1"), cell("2")], -1))
        assert dict(database.read(lambda c: counts.cells(c, 1))) == {cell("1"): 1}
        assert database.write(lambda c: counts.fold(c)) == 3
        assert dict(database.read(lambda c: counts.cells(c, 1))) == {cell("1"): 1}
        assert database.write(lambda c: counts.fold(c)) == 0


def test_counts_are_kept_apart_by_campaign_item_and_area(database_url: str) -> None:
    with Database(database_url) as database:
        upgrade(database.engine)
        database.write(lambda c: counts.enter(c, 1, [cell(), cell(campaign=2), cell(area="26743")], +1))
        assert len(database.read(lambda c: counts.cells(c, 1))) == 2
        assert database.read(lambda c: counts.cells(c, 1, ["cmkt"], ["26740"])) == [(cell(), 1)]
        assert database.read(lambda c: counts.cells(c, 1, ["gioi"])) == []


def test_households_and_persons_are_never_added_up(database_url: str) -> None:
    with Database(database_url) as database:
        upgrade(database.engine)
        house = cell(unit="household")
        database.write(lambda c: counts.enter(c, 1, [house, cell(), cell()], +1))
        database.write(lambda c: counts.fold(c, 2))
        assert dict(database.read(lambda c: counts.cells(c, 1))) == {house: 1, cell(): 2}


_moves = st.lists(
    st.one_of(
        st.tuples(
            st.just("enter"),
            st.sampled_from("123"),
            st.sampled_from(["male", "female"]),
            st.sampled_from([1, -1]),
        ),
        st.tuples(st.just("fold"), st.integers(min_value=1, max_value=4)),
        st.tuples(st.just("correct"), st.sampled_from("123"), st.sampled_from([-2, 3])),
    ),
    max_size=25,
)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(moves=_moves)
@pytest.mark.parametrize("kind", ["sqlite"])
def test_folding_at_any_moment_changes_no_count(
    tmp_path_factory: pytest.TempPathFactory, kind: str, moves: list[tuple[object, ...]]
) -> None:
    folder: Path = tmp_path_factory.mktemp(kind)
    expected: Counter[Cell] = Counter()
    with Database(f"sqlite:///{folder / 'h.db'}") as database:
        upgrade(database.engine)
        for number, move in enumerate(moves):
            if move[0] == "enter":
                where, delta = cell(str(move[1]), str(move[2])), int(str(move[3]))
                database.write(partial(counts.enter, submission_id=number, cells=[where], delta=delta))
                expected[where] += delta
            elif move[0] == "correct":
                where, delta = cell(str(move[1])), int(str(move[2]))
                database.write(partial(counts.correct, campaign_id=1, differences=[(where, delta)]))
                expected[where] += delta
            else:
                database.write(partial(counts.fold, limit=int(str(move[1]))))
            held = dict(database.read(lambda c: counts.cells(c, 1)))
            assert held == {key: number for key, number in expected.items() if number}
