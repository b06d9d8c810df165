"""What flows between the rooms of a frame: lines, households, people, remarks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

from surveys.areas import AreaKey
from surveys.population import Sex


class Relation(StrEnum):
    """Who somebody is to the head of the household: the eight groups of the household questionnaire."""

    HEAD = "head"
    SPOUSE = "spouse"
    CHILD = "child"
    PARENT = "parent"
    SIBLING = "sibling"
    GRAND = "grand"
    """Grandparents and grandchildren."""
    RELATIVE = "relative"
    UNRELATED = "unrelated"


SELF_ANSWERING_AGE = 16
"""Below it somebody is a child (Law on Children 102/2016/QH13, Article 1): no name and no telephone is
kept.
"""


class Place(NamedTuple):
    """A line of a file: the sheet (empty where there is only one) and the line's number, from 1."""

    sheet: str
    line: int


NOWHERE = Place("", 0)
"""The file as a whole."""


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a sheet as read: its cells as text (dates as 1985-03-15, whole numbers without ".0").

    ``faults`` are cells that hold no value: ``formula`` (never computed) or an error like ``#REF!``, by
    column, from 0. ``hidden``: the line is not shown in the spreadsheet.
    """

    number: int
    cells: tuple[str, ...]
    faults: Mapping[int, str] = field(default_factory=dict)
    hidden: bool = False


@dataclass(frozen=True, slots=True)
class Remark:
    """Something to say about a line, or about the file (line 0).

    ``refused``: nothing is taken from the file until it is put right; else a note on how the line was
    understood. ``column`` names the column as the file has it. What is shown of a cell is short.
    """

    place: Place
    code: str
    params: Mapping[str, object] = field(default_factory=dict)
    column: str = ""
    refused: bool = True

    @property
    def key(self) -> str:
        """Key of its sentence in the catalogue."""
        return f"households.{'refused' if self.refused else 'note'}.{self.code}"


@dataclass(slots=True, eq=False)
class Person:
    """Somebody of a household. ``birth`` is YYYY-MM, YYYY or empty; ``phone`` ten digits (eleven of a
    landline).

    Of a child neither name nor phone is set.
    """

    name: str = ""
    sex: Sex | None = None
    birth: str = ""
    relation: Relation | None = None
    phone: str = ""
    place: Place = NOWHERE
    status: str = "active"
    id: int = 0
    number: int = 0
    elsewhere: Person | None = None
    """Who a moved person, or one listed twice, is now."""

    @property
    def told(self) -> tuple[object, ...]:
        """What is compared to say whether a person changed."""
        return self.name, self.sex, self.birth, self.relation, self.phone


@dataclass(slots=True, eq=False)
class Household:
    """A household of a file, or a known one (``id``). ``area`` is the commune it belongs to now, ``given``
    the one that its list named.

    ``whole``: the file lists all its people, so that whoever is missing has left.
    """

    area: AreaKey
    given: AreaKey
    neighbourhood: str = ""
    code: str = ""
    head: str = ""
    address: str = ""
    phone: str = ""
    members: list[Person] = field(default_factory=list)
    places: list[Place] = field(default_factory=list)
    whole: bool = False
    same_as: str = ""
    id: int = 0
    merged_into: int = 0
    status: str = "active"

    @property
    def told(self) -> tuple[object, ...]:
        """What is compared to say whether a household changed."""
        return self.area, self.neighbourhood, self.code, self.head, self.address, self.phone

    @property
    def head_person(self) -> Person | None:
        """The head among the people, if the head is."""
        return next((one for one in self.members if one.relation is Relation.HEAD), None)


_SHOWN = 24


def shortened(value: str) -> str:
    """A cell as a report may repeat it: enough to find it by, not more than a line can hold."""
    return value if len(value) <= _SHOWN else f"{value[:_SHOWN]}…"
