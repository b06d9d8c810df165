"""Drawing a sample from a frame, with the probability of every unit, and replacing units by rule.

Sources: Cochran, *Sampling Techniques* (3rd ed. 1977), chapters 2 and 5; Lohr, *Sampling: Design and
Analysis* (3rd ed. 2021), chapter 3. A draw depends on the seed and the frame's keys alone, not on the order
of the frame's rows, so that anybody can repeat it: every unit gets a number made of seed and key
(SHA-256), and those with the smallest numbers of a stratum are drawn.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from heapq import heapify, heappop, heappush, heapreplace

from surveys.problems import Problem


@dataclass(frozen=True, slots=True)
class Unit:
    """A unit of the frame: a stable ``key``, and the ``stratum`` it belongs to (empty: none)."""

    key: str
    stratum: str = ""


@dataclass(frozen=True, slots=True)
class Drawn:
    """A unit of the sample. ``probability`` is n_h/N_h; ``rank`` its place in the stratum's order, from 1."""

    key: str
    stratum: str
    probability: float
    rank: int


@dataclass(frozen=True, slots=True)
class Draw:
    """A sample. ``reserve`` are the other units of each stratum in the order in which they would replace."""

    seed: str
    sample: tuple[Drawn, ...]
    reserve: Mapping[str, tuple[str, ...]]


def number_of(seed: str, key: str) -> int:
    """The number that decides on a unit: 256 bits of SHA-256 over seed and key."""
    return int.from_bytes(hashlib.sha256(f"{seed}\x1f{key}".encode()).digest(), "big")


def allocate(sizes: Mapping[str, int], total: int, *, at_least: int = 2) -> dict[str, int]:
    """How many units of each stratum make a sample of ``total``, in proportion to their ``sizes``.

    Largest remainders; each stratum gets ``at_least`` so many (two: a variance needs them) but never more
    than it has. Raises Problem ``sample_size`` for a total below that minimum or above the frame.
    """
    frame = sum(sizes.values())
    minimum = {stratum: min(at_least, size) for stratum, size in sizes.items()}
    if not sum(minimum.values()) <= total <= frame:
        raise Problem("sample_size", size=total, least=sum(minimum.values()), most=frame)
    given = dict(minimum)
    # One at a time to whoever lacks most of their share: largest remainders, above every minimum.
    lacking = [(given[stratum] - total * size / frame, stratum) for stratum, size in sizes.items()]
    heapify(lacking)
    for _ in range(total - sum(given.values())):
        while given[lacking[0][1]] == sizes[lacking[0][1]]:
            heappop(lacking)
        lack, stratum = lacking[0]
        given[stratum] += 1
        heapreplace(lacking, (lack + 1, stratum))
    return given


def draw(frame: Sequence[Unit], size: int | Mapping[str, int], seed: str) -> Draw:
    """Draw without replacement: ``size`` in all (in proportion to the strata) or by stratum.

    Raises Problem ``sample_seed`` (empty), ``sample_duplicate`` (a key twice), ``sample_stratum`` (no such
    stratum), ``sample_size``.
    """
    if not seed.strip():
        raise Problem("sample_seed")
    strata: dict[str, list[str]] = {}
    seen: set[str] = set()
    for unit in frame:
        if unit.key in seen:
            raise Problem("sample_duplicate", key=unit.key)
        seen.add(unit.key)
        strata.setdefault(unit.stratum, []).append(unit.key)
    sizes = {stratum: len(keys) for stratum, keys in sorted(strata.items())}
    numbers = allocate(sizes, size) if isinstance(size, int) else _given(size, sizes)
    sample: list[Drawn] = []
    reserve: dict[str, tuple[str, ...]] = {}
    for stratum, keys in sorted(strata.items()):
        order = sorted(keys, key=lambda key: (number_of(seed, key), key))
        taken = numbers.get(stratum, 0)
        probability = taken / len(order)
        sample += [Drawn(key, stratum, probability, rank) for rank, key in enumerate(order[:taken], 1)]
        reserve[stratum] = tuple(order[taken:])
    return Draw(seed, tuple(sample), reserve)


def first(frame: Iterable[Unit], keep: Mapping[str, int], seed: str) -> dict[str, tuple[str, ...]]:
    """The first so many units of each stratum in the order of the draw, as :func:`draw` has it: sample and
    reserve in one. Reads the frame once and keeps no more than it gives back, however large the frame is.

    Raises Problem ``sample_seed`` (empty).
    """
    if not seed.strip():
        raise Problem("sample_seed")
    # The largest of those kept stands on top, to give way to a smaller one.
    kept: dict[str, list[_Last]] = {stratum: [] for stratum in keep}
    for unit in frame:
        most = keep.get(unit.stratum, 0)
        if not most:
            continue
        heap, one = kept[unit.stratum], _Last(number_of(seed, unit.key), unit.key)
        if len(heap) < most:
            heappush(heap, one)
        elif heap[0] < one:
            heapreplace(heap, one)
    return {stratum: tuple(one.key for one in sorted(heap, reverse=True)) for stratum, heap in kept.items()}


@dataclass(frozen=True, slots=True)
class _Last:
    """A unit in the reverse order of the draw."""

    number: int
    key: str

    def __lt__(self, other: _Last) -> bool:
        return (self.number, self.key) > (other.number, other.key)


def _given(wanted: Mapping[str, int], sizes: Mapping[str, int]) -> dict[str, int]:
    for stratum, number in wanted.items():
        if stratum not in sizes:
            raise Problem("sample_stratum", stratum=stratum)
        if not 0 <= number <= sizes[stratum]:
            raise Problem("sample_size", size=number, least=0, most=sizes[stratum])
    return dict(wanted)


def replacement(reserve: Sequence[str], used: int) -> str | None:
    """The unit that replaces the next one lost in a stratum, after ``used`` replacements; None when the
    reserve is empty. Always the next in the draw's order, never one that somebody picks.
    """
    return reserve[used] if used < len(reserve) else None
