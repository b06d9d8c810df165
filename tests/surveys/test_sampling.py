"""Drawing samples: repeatable, with the probability of every unit."""

from __future__ import annotations

import random
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from surveys.problems import Problem
from surveys.sampling import Unit, allocate, draw, replacement

FRAME = [Unit(f"H{number:04}", f"tổ {number % 5}") for number in range(400)]


def test_the_order_of_the_frame_does_not_matter() -> None:
    shuffled = FRAME[:]
    random.Random(1).shuffle(shuffled)
    assert draw(shuffled, 50, "QĐ 12") == draw(FRAME, 50, "QĐ 12")


def test_another_seed_is_another_sample() -> None:
    assert draw(FRAME, 50, "a").sample != draw(FRAME, 50, "b").sample


def test_the_probability_is_the_share_of_the_stratum_drawn() -> None:
    drawn = draw(FRAME, {"tổ 0": 8, "tổ 1": 40}, "seed")
    assert Counter(one.stratum for one in drawn.sample) == {"tổ 0": 8, "tổ 1": 40}
    assert {one.stratum: one.probability for one in drawn.sample} == {"tổ 0": 0.1, "tổ 1": 0.5}


def test_weights_by_the_probabilities_add_up_to_the_frame() -> None:
    drawn = draw(FRAME, 50, "seed")
    assert sum(1 / one.probability for one in drawn.sample) == pytest.approx(len(FRAME))


def test_a_lost_unit_is_replaced_by_the_next_in_the_order_of_the_draw() -> None:
    drawn = draw(FRAME, 50, "seed")
    larger = draw(FRAME, {**Counter(one.stratum for one in drawn.sample), "tổ 3": 11}, "seed")
    added = {one.key for one in larger.sample} - {one.key for one in drawn.sample}
    assert added == {replacement(drawn.reserve["tổ 3"], 0)}
    assert replacement(drawn.reserve["tổ 3"], len(drawn.reserve["tổ 3"])) is None


def test_every_unit_is_drawn_about_as_often_as_any_other() -> None:
    small = [Unit(str(number)) for number in range(20)]
    times = Counter(one.key for seed in range(2_000) for one in draw(small, 5, str(seed)).sample)
    # 500 expected each, standard deviation 19.4: five of them either way.
    assert len(times) == 20 and min(times.values()) > 400 and max(times.values()) < 600


def test_shares_are_proportional_with_two_at_least() -> None:
    assert allocate({"a": 800, "b": 150, "c": 49, "d": 1}, 100) == {"a": 80, "b": 15, "c": 4, "d": 1}
    assert allocate({"a": 980, "b": 10, "c": 10}, 50) == {"a": 46, "b": 2, "c": 2}


@given(
    st.dictionaries(st.text(min_size=1, max_size=2), st.integers(1, 50), min_size=1, max_size=8), st.data()
)
def test_shares_add_up_and_fit(sizes: dict[str, int], data: st.DataObject) -> None:
    least = sum(min(2, size) for size in sizes.values())
    total = data.draw(st.integers(least, sum(sizes.values())))
    given_ = allocate(sizes, total)
    assert sum(given_.values()) == total
    assert all(min(2, size) <= given_[stratum] <= size for stratum, size in sizes.items())


@pytest.mark.parametrize(
    ("size", "seed", "code"),
    [(401, "s", "sample_size"), (3, "s", "sample_size"), (50, " ", "sample_seed"),
     ({"tổ 9": 1}, "s", "sample_stratum"), ({"tổ 1": 81}, "s", "sample_size")],
)  # fmt: skip
def test_what_cannot_be_drawn_is_refused(size: int | dict[str, int], seed: str, code: str) -> None:
    with pytest.raises(Problem) as refused:
        draw(FRAME, size, seed)
    assert refused.value.code == code


def test_a_frame_with_a_unit_twice_is_refused() -> None:
    with pytest.raises(Problem) as refused:
        draw([*FRAME, FRAME[7]], 50, "s")
    assert refused.value.code == "sample_duplicate"
