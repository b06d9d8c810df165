"""The people of a household from one submission to the next: who is still who."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from surveys.counts import sex_and_birth
from surveys.forms import Missing
from surveys.indicators import Answers
from surveys.instruments import Members
from surveys.letters import fold
from surveys.population import Birth, Sex, age


@dataclass(frozen=True, slots=True)
class Person:
    """What tells one member of a household from another."""

    name: str
    sex: Sex | None
    birth: Birth | None


def person(members: Members, answers: Answers) -> Person:
    """A member as answered for."""
    sex, birth = sex_and_birth(members.person, answers)
    name = answers.get(members.name)
    return Person("" if name is None or isinstance(name, Missing) else name, sex, birth)


_SAME: tuple[Callable[[Person], Hashable], ...] = (
    lambda one: (fold(one.name), one.sex, one.birth),
    lambda one: fold(one.name) or None,
    lambda one: (one.sex, one.birth) if one.sex and one.birth else None,
)
"""What shows two people to be one, the surest first: everything, the name, else sex and month of birth."""


def number_members(earlier: Mapping[int, Person], now: Sequence[Person], first_free: int) -> tuple[int, ...]:
    """A number for each member ``now``: that of the same person ``earlier`` (by their number then), else a
    new one from ``first_free`` on. Whoever is moved up because somebody before them is gone keeps theirs.
    """
    left = dict(earlier)
    found: dict[int, int] = {}
    for same in _SAME:
        for place, one in enumerate(now):
            key = same(one)
            if place in found or key is None:
                continue
            number = next((number for number, other in left.items() if same(other) == key), None)
            if number is not None:
                found[place] = number
                del left[number]
    numbers = []
    for place in range(len(now)):
        numbers.append(found.get(place, first_free))
        first_free += place not in found
    return tuple(numbers)


def address(members: Members, one: Person, on: date) -> str:
    """How a member is spoken to on a day; empty where the instrument has no words for them."""
    if members.invited is None or one.birth is None or one.sex is None:
        return ""
    years = age(one.birth, on)
    said = ""
    for each in members.invited.address:
        if years >= each.from_age:
            said = each.by_sex[one.sex]
    return said
