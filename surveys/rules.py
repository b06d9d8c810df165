"""What of a form is worked out, in which order, and what has to be worked out again after a change.

References in rules are templates: ``/data/member/age`` stands for the age of every member. A rule knows of
each thing that it reads in how many repeats both stand *together*: a relative reference that turns inside an
instance concerns that instance alone, an absolute one all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from surveys.expressions import Expression, order

CHANGING = frozenset({"once", "random", "uuid", "now"})
"""Functions whose value may differ from one message to the next, or depends on its own last one."""


@dataclass(frozen=True, slots=True)
class Rule:
    """What is worked out for the group, repeat or question at ``key``; with ``structure``, how many instances
    a repeat has (``key`` is its reference and ``#``).

    ``kept``: the calculation's result is part of the state. ``default`` is evaluated once.
    """

    key: str
    type: str = ""
    relevant: Expression | None = None
    calculation: Expression | None = None
    default: Expression | None = None
    count: Expression | None = None
    kept: bool = False
    structure: bool = False


@dataclass(frozen=True, slots=True)
class Read:
    """Something depends on something: ``key`` is what depends, in the instances that are together with the
    changed one in ``together`` repeats; ``rank`` is its rule's place in the order.
    """

    rank: int
    key: str
    together: int


@dataclass(frozen=True, slots=True)
class Reach:
    """What may change with something: ``rules`` to work out again, in order, and what is ``shown``: choices,
    read-only questions, repeats to which more can be added.
    """

    rules: tuple[Read, ...] = ()
    shown: tuple[Read, ...] = ()


@dataclass(slots=True)
class Graph:
    """Keys that depend on keys. ``firm`` dependencies decide on the order; the ``counted`` ones of the number
    of instances, and the ``wished`` ones, do too unless they would close a circle.
    """

    firm: dict[str, list[str]] = field(default_factory=dict)
    counted: dict[str, list[str]] = field(default_factory=dict)
    wished: dict[str, list[str]] = field(default_factory=dict)

    def arranged(self) -> Iterator[str]:
        """The keys, each after what it depends on, else as they were put in.

        A repeat whose count depends on what stands in it is legal: its instances come first. Raises ``cycle``
        for anything else that depends on itself, also by way of another instance of itself, as ODK's engines
        do.
        """
        firm, counted, wished = self.firm, self.counted, self.wished
        levels: tuple[Callable[[str], Iterable[str]], ...] = (
            lambda key: (*firm[key], *counted.get(key, ()), *wished.get(key, ())),
            lambda key: (*firm[key], *counted.get(key, ())),
        )
        place = {key: at for at, key in enumerate(firm)}

        def arrange(keys: Iterable[str], level: int) -> Iterator[str]:
            for group in circles(keys, levels[level]):
                if len(group) == 1:
                    yield group[0]
                    continue
                again = sorted(group, key=place.__getitem__)
                if level + 1 < len(levels):
                    yield from arrange(again, level + 1)
                else:
                    inside = frozenset(again)
                    yield from order({key: [need for need in firm[key] if need in inside] for key in again})

        return arrange(firm, 0)


def circles(keys: Iterable[str], needs: Callable[[str], Iterable[str]]) -> Iterator[list[str]]:
    """``keys`` in groups that depend on each other (mostly of one), each group after those it needs, else in
    the given order (Tarjan 1972).
    """
    known = dict.fromkeys(keys)
    number: dict[str, int] = {}
    lowest: dict[str, int] = {}
    waiting: list[str] = []
    held: set[str] = set()
    for start in known:
        if start in number:
            continue
        trail: list[tuple[str, Iterator[str]]] = []
        enter: str | None = start
        while enter is not None or trail:
            if enter is not None:
                number[enter] = lowest[enter] = len(number)
                waiting.append(enter)
                held.add(enter)
                trail.append((enter, iter(needs(enter))))
                enter = None
            key, rest = trail[-1]
            for needed in rest:
                if needed not in known:
                    continue
                if needed not in number:
                    enter = needed
                    break
                if needed in held:
                    lowest[key] = min(lowest[key], number[needed])
            if enter is not None:
                continue
            trail.pop()
            if trail:
                above = trail[-1][0]
                lowest[above] = min(lowest[above], lowest[key])
            if lowest[key] == number[key]:
                group: list[str] = []
                while not group or group[-1] != key:
                    group.append(waiting.pop())
                    held.discard(group[-1])
                group.reverse()
                yield group
