"""What published tables hide, and that what is hidden stays hidden."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from surveys.disclosure import TOTAL, Reason, Share, Sum, Table, cross, determined, suppress
from surveys.problems import Problem

Cell = tuple[str, str]

PRIMARY, SECONDARY = Reason.PRIMARY, Reason.SECONDARY


def row(*counts: int) -> Table[str]:
    """One row of cells c0, c1, … with their total, and nothing said of shares."""
    cells = {f"c{index}": count for index, count in enumerate(counts)}
    return Table({**cells, TOTAL: sum(counts)}, (Sum(TOTAL, tuple(cells)),))


@st.composite
def tables(draw: st.DrawFn) -> Table[Cell]:
    """Cities of wards: columns that split each row, at two or three levels."""
    columns = [f"c{index}" for index in range(draw(st.integers(2, 4)))]
    wards = [f"w{index}" for index in range(draw(st.integers(1, 7)))]
    few = st.one_of(st.integers(0, 6), st.integers(0, 60))
    counts = {(ward, column): draw(few) for ward in wards for column in columns}
    parents = {ward: draw(st.sampled_from(["north", "south"])) for ward in wards}
    if draw(st.booleans()):
        parents |= {"north": "city", "south": "city"}
    return cross(counts, columns, parents)


def recovered_by_subtraction(table: Table[Cell], hidden: Iterable[Cell]) -> set[Cell]:
    """What a reader finds who fills in every sum with a single gap, again and again."""
    gaps, found = set(hidden), set[Cell]()
    while True:
        for each in table.sums:
            missing = [cell for cell in (each.total, *each.parts) if cell in gaps]
            if len(missing) == 1:
                break
        else:
            return found
        gaps.discard(missing[0])
        found.add(missing[0])


def rank(rows: list[list[int]]) -> int:
    """The rank of a small matrix of −1, 0, 1 (over a large prime field)."""
    prime, rows, found = 2_147_483_647, [list(each) for each in rows], 0
    for column in range(len(rows[0]) if rows else 0):
        pivot = next((index for index in range(found, len(rows)) if rows[index][column] % prime), None)
        if pivot is None:
            continue
        rows[found], rows[pivot] = rows[pivot], rows[found]
        inverse = pow(rows[found][column], -1, prime)
        for index in range(found + 1, len(rows)):
            factor = rows[index][column] * inverse % prime
            rows[index] = [(a - factor * b) % prime for a, b in zip(rows[index], rows[found], strict=True)]
        found += 1
    return found


def recovered_by_algebra(table: Table[Cell], hidden: Iterable[Cell]) -> set[Cell]:
    """What follows from all sums at once: leaving such a cell out of the unknowns lowers the rank."""
    unknown = sorted(hidden, key=str)
    rows = [[(cell == each.total) - (cell in each.parts) for cell in unknown] for each in table.sums]
    full = rank(rows)
    return {
        cell
        for index, cell in enumerate(unknown)
        if rank([each[:index] + each[index + 1 :] for each in rows]) < full
    }


def test_a_cell_of_one_to_four_people_is_hidden() -> None:
    assert [cell for cell, why in suppress(row(0, 1, 4, 5, 40)).items() if why is PRIMARY] == ["c1", "c2"]


def test_a_single_hidden_cell_takes_the_next_smallest_with_it() -> None:
    assert suppress(row(3, 20, 9, 40)) == {"c0": PRIMARY, "c2": SECONDARY}


def test_an_empty_cell_is_no_cover_for_few_people() -> None:
    assert suppress(row(3, 0, 20)) == {"c0": PRIMARY, "c2": SECONDARY}


def test_hidden_cells_that_hold_few_people_together_are_covered_by_another() -> None:
    assert suppress(row(1, 1, 30, 60)) == {"c0": PRIMARY, "c1": PRIMARY, "c2": SECONDARY}


def test_two_hidden_cells_of_enough_people_need_no_other() -> None:
    assert suppress(row(3, 4, 30, 60)) == {"c0": PRIMARY, "c1": PRIMARY}


def test_when_nothing_else_is_left_the_total_goes() -> None:
    assert suppress(row(1, 2, 1)) == {"c0": PRIMARY, "c1": PRIMARY, "c2": PRIMARY, TOTAL: PRIMARY}
    assert suppress(row(4, 4, 1)).keys() == {"c0", "c1", "c2"}
    assert suppress(row(0, 3)) == {"c1": PRIMARY, TOTAL: PRIMARY}


def test_a_table_without_small_cells_is_shown_whole() -> None:
    assert suppress(row(0, 5, 9, 40)) == {}


@pytest.mark.parametrize(
    ("part", "whole", "is_hidden"),
    [
        (96, 100, True),  # 4 did not
        (95, 100, False),
        (0, 9, True),  # nobody of nine
        (9, 9, True),  # all of nine
        (0, 10, False),
        (10, 10, False),
        (0, 0, False),
        (5, 9, True),
        (5, 10, False),
    ],
)
def test_a_share_hides_its_cell_when_its_complement_or_everybody_is_too_few(
    part: int, whole: int, is_hidden: bool
) -> None:
    table = Table({"part": part, "whole": whole}, shares=(Share("part", "whole"),))
    assert (suppress(table).get("part") is PRIMARY) == is_hidden


def test_threshold_and_floor_are_parameters() -> None:
    assert suppress(row(7, 20, 30), threshold=10) == {"c0": PRIMARY, "c1": SECONDARY}
    table = Table({"part": 0, "whole": 15}, shares=(Share("part", "whole"),))
    assert suppress(table, share_floor=20) == {"part": PRIMARY}


def test_a_wards_small_cell_can_not_be_worked_out_from_the_citys_row() -> None:
    table = cross(
        {
            ("w1", "yes"): 3,
            ("w1", "no"): 30,
            ("w2", "yes"): 12,
            ("w2", "no"): 40,
            ("w3", "yes"): 50,
            ("w3", "no"): 60,
        },
        ["yes", "no"],
        {"w1": "city", "w2": "city", "w3": "city"},
    )
    hidden = suppress(table)
    assert table.counts["city", TOTAL] == 195
    assert hidden["w1", "yes"] is PRIMARY
    assert {("w1", "no"), ("w2", "yes"), ("w2", "no")} <= hidden.keys()
    assert not any(area in ("w3", "city") for area, _ in hidden)


def test_a_cell_between_two_covered_corners_is_not_left_open() -> None:
    """Two squares of hidden cells joined by one: no sum has a single gap, yet the joint follows from all."""
    squares = [
        ("r1", "a"),
        ("r1", "b"),
        ("r2", "a"),
        ("r2", "b"),
        ("r3", "c"),
        ("r3", "d"),
        ("r4", "c"),
        ("r4", "d"),
    ]
    joint = ("r2", "c")
    gaps = {*squares, joint}
    table = cross(
        {
            (row, column): 4 if (row, column) in gaps else 20
            for row in ("r1", "r2", "r3", "r4")
            for column in "abcdef"
        },
        list("abcdef"),
        dict.fromkeys(("r1", "r2", "r3", "r4"), "all"),
    )
    assert recovered_by_subtraction(table, gaps) == set()
    assert determined(table, gaps) == {joint}
    hidden = suppress(table)
    assert gaps < hidden.keys()
    assert recovered_by_algebra(table, hidden) == set()


def test_a_cell_that_the_sums_themselves_make_empty_is_nobodys_secret() -> None:
    sums = (Sum("all", ("one",)), Sum("all", ("one", "other")))
    assert suppress(Table({"all": 3, "one": 3, "other": 0}, sums)).keys() >= {"all", "one"}


def test_parents_are_sums_of_their_children_and_hold_nothing_of_their_own() -> None:
    with pytest.raises(Problem) as refused:
        cross({("w", "a"): 1, ("city", "a"): 1}, ["a"], {"w": "city"})
    assert refused.value.code == "disclosure_parent_with_counts"


def test_a_hierarchy_that_runs_in_a_circle_is_refused() -> None:
    with pytest.raises(Problem) as refused:
        cross({("w", "a"): 1}, ["a"], {"w": "x", "x": "y", "y": "x"})
    assert refused.value.code == "disclosure_circle"


@given(table=tables())
def test_every_small_cell_is_hidden(table: Table[Cell]) -> None:
    assert {cell for cell, count in table.counts.items() if 1 <= count <= 4} <= suppress(table).keys()


@given(table=tables())
def test_no_hidden_cell_can_be_worked_out_by_subtraction(table: Table[Cell]) -> None:
    assert recovered_by_subtraction(table, suppress(table)) == set()


@given(table=tables())
def test_no_group_of_hidden_cells_under_a_published_total_holds_fewer_people_than_the_threshold(
    table: Table[Cell],
) -> None:
    hidden = suppress(table)
    for each in table.sums:
        gaps = [table.counts[part] for part in each.parts if part in hidden]
        assert each.total in hidden or not gaps or sum(gaps) >= 5


@settings(max_examples=60)
@given(table=tables())
def test_no_hidden_cell_follows_from_all_published_sums_together(table: Table[Cell]) -> None:
    assert recovered_by_algebra(table, suppress(table)) == set()


@settings(max_examples=60)
@given(table=tables(), data=st.data())
def test_what_is_determined_is_what_algebra_can_recover(table: Table[Cell], data: st.DataObject) -> None:
    cells = sorted(table.counts, key=str)
    hidden = data.draw(st.sets(st.sampled_from(cells), max_size=12))
    assert determined(table, hidden) == recovered_by_algebra(table, hidden)
