"""Administrative units: the tree of areas, what became of what when boundaries changed, and finding one by
name.

An area is known by *(vintage, code)*. A vintage is a day on which a list of areas is in force, by custom its
first ("2025-07-01", Quyết định 19/2025/QĐ-TTg); the list that ended that day is named by its last
("2025-06-30"). Most codes of 2025-07-01 are codes of older communes used again, so a code alone names
nothing.

Rows of a file become areas and conversions in :mod:`surveys.area_rows`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from functools import cache

from surveys.placenames import (
    DEPTH,
    TYPES,
    Level,
    Look,
    Names,
    Query,
    Rank,
    Words,
    alike,
    close,
    initials,
    queries,
    same_place,
    split_title,
    words,
)
from surveys.problems import Problem

AreaKey = tuple[str, str]
"""(vintage, code)."""

_LONGEST_QUERY = 200


@dataclass(frozen=True, slots=True)
class Area:
    """One administrative unit in one vintage.

    ``name`` is without its type ("Sài Gòn", "1 Bảo Lộc"), ``type`` in lower case ("phường"). ``parent`` is a
    code of the same vintage, None for a province. ``valid_from`` and ``valid_to`` are both included; where
    nobody has said since when, ``valid_from`` is the day of the vintage; ``valid_to`` None: no end recorded.
    """

    vintage: str
    code: str
    name: str
    type: str
    level: Level
    parent: str | None
    valid_from: date
    valid_to: date | None = None

    @property
    def key(self) -> AreaKey:
        """(vintage, code), what everything else stores."""
        return self.vintage, self.code

    @property
    def title(self) -> str:
        """The full name as the law writes it: "Phường Sài Gòn", "Khu phố 3"."""
        return f"{self.type[:1].upper()}{self.type[1:]} {self.name}"


class ConversionKind(StrEnum):
    """How an old unit went into a new one."""

    WHOLE = "toan_bo"
    """All of it, together with others."""
    PART = "mot_phan"
    """Some of its land or people."""
    UNCHANGED = "giu_nguyen"
    """The same land and people, perhaps under another name, type or code."""


@dataclass(frozen=True, slots=True)
class Conversion:
    """What became of an old unit: one row per old and new unit.

    ``share`` is the part (0 to 1) of the old unit's people that lives in the new one; None when nobody has
    said, never guessed. A part with share 0 moved land alone. ``source`` names the document. ``old_name`` is
    what people called the old unit, "Phường Bến Nghé, Quận 1, Thành phố Hồ Chí Minh"; it may be empty when
    the old vintage is at hand.
    """

    old_vintage: str
    old_code: str
    new_vintage: str
    new_code: str
    kind: ConversionKind
    share: float | None = None
    source: str = ""
    old_name: str = ""

    @property
    def old(self) -> AreaKey:
        """Key of the old unit."""
        return self.old_vintage, self.old_code

    @property
    def new(self) -> AreaKey:
        """Key of the new unit."""
        return self.new_vintage, self.new_code


@dataclass(frozen=True, slots=True)
class Match:
    """An area found by a name: its own, or a former one.

    ``former`` is the full former name ("Phường Bến Nghé, Quận 1, …") and ``conversion`` the step that led
    from it; empty and None for a present name. ``other_type``: a type was typed ("phường …") and it is not
    this unit's.
    """

    area: Area
    rank: Rank
    former: str = ""
    conversion: Conversion | None = None
    other_type: bool = False


class Areas:
    """An index of areas and conversions. Rows are trusted: check them with :func:`read_areas` first.

    Keep one and build another after an import: the whole country, old and new, with its conversions takes a
    few hundredths of a second, the first search in a vintage a quarter of a second, any other a few
    thousandths. It does not change, so threads may share it.
    """

    def __init__(self, areas: Iterable[Area], conversions: Iterable[Conversion] = ()) -> None:
        self._areas: dict[AreaKey, Area] = {area.key: area for area in areas}
        below: dict[AreaKey, list[Area]] = defaultdict(list)
        self._codes: dict[str, list[str]] = defaultdict(list)
        for area in self._areas.values():
            self._codes[area.code].append(area.vintage)
            if area.parent is not None:
                below[area.vintage, area.parent].append(area)
        self._children = {key: tuple(sorted(units, key=_order)) for key, units in below.items()}
        forward: dict[AreaKey, list[Conversion]] = defaultdict(list)
        for conversion in conversions:
            forward[conversion.old].append(conversion)
        self._forward = {key: tuple(sorted(steps, key=_by_share)) for key, steps in forward.items()}
        self.vintages: tuple[str, ...] = tuple(sorted({vintage for vintage, _ in self._areas}))
        self.vintages_known: tuple[str, ...] = tuple(
            sorted({*self.vintages, *(vintage for vintage, _ in self._forward)})
        )
        """Those, and the ones known only by what became of their areas."""
        self._lexicons: dict[str, _Lexicon] = {}

    def __len__(self) -> int:
        return len(self._areas)

    def __iter__(self) -> Iterator[Area]:
        return iter(self._areas.values())

    def __contains__(self, key: object) -> bool:
        return key in self._areas

    def get(self, key: AreaKey) -> Area | None:
        """The area, or None."""
        return self._areas.get(key)

    def expect(self, key: AreaKey, vintage: str | None = None) -> Area:
        """The area of ``key``, which must belong to ``vintage`` if one is given (a campaign pins one).

        Raises Problem ``area_wrong_vintage`` naming what the unit became (or ``area_other_vintage`` when
        nobody has recorded that), ``area_unknown``.
        """
        found, code = key
        if vintage is not None and found != vintage:
            then = [self._areas[new] for new in self._reach(key, vintage)]
            area = self._areas.get(key)
            if not then and area is None:
                raise Problem("area_unknown", unit=code, vintage=found)
            name = area.title if area else self._forward[key][0].old_name or code
            if not then:
                raise Problem("area_other_vintage", unit=code, name=name, vintage=found, wanted=vintage)
            raise Problem(
                "area_wrong_vintage",
                unit=code,
                name=name,
                vintage=found,
                wanted=vintage,
                successors="; ".join(f"{unit.title} ({unit.code})" for unit in then),
            )
        area = self._areas.get(key)
        if area is not None:
            return area
        elsewhere = [other for other in self._codes.get(code, ()) if other != found]
        if elsewhere:
            return self.expect((max(elsewhere), code), found)
        raise Problem("area_unknown", unit=code, vintage=found)

    def children(self, key: AreaKey) -> tuple[Area, ...]:
        """The areas directly below, by code; empty for a leaf or an unknown key."""
        return self._children.get(key, ())

    def roots(self, vintage: str) -> tuple[Area, ...]:
        """The areas of a vintage that stand below none here (the provinces, as a rule), by code."""
        tops = (unit for unit in self if unit.vintage == vintage and self._above(unit) is None)
        return tuple(sorted(tops, key=_order))

    def ancestors(self, key: AreaKey) -> tuple[Area, ...]:
        """The areas above, the nearest first; empty for a province or an unknown key."""
        line: list[Area] = []
        area = self._areas.get(key)
        while area is not None and (area := self._above(area)) is not None:
            line.append(area)
        return tuple(line)

    def contains(self, outer: AreaKey, inner: AreaKey) -> bool:
        """Whether ``inner`` is ``outer`` or below it: what a grant in ``outer`` reaches.

        A partial order on the known areas; False for an unknown key and across vintages.
        """
        area = self._areas.get(inner)
        if outer not in self._areas or outer[0] != inner[0]:
            return False
        while area is not None and area.key != outer:
            area = self._above(area)
        return area is not None

    def place(self, key: AreaKey) -> str:
        """Full name and what it lies in: "Phường Sài Gòn, Thành phố Hồ Chí Minh"; an unknown code stays."""
        area = self._areas.get(key)
        return ", ".join(unit.title for unit in (area, *self.ancestors(key))) if area else key[1]

    def successors(self, old: AreaKey) -> tuple[Conversion, ...]:
        """What became of ``old``, a row per new unit, the greater share first; empty if none is recorded."""
        return self._forward.get(old, ())

    def reached(self, old: AreaKey, vintage: str) -> list[AreaKey]:
        """The known areas of ``vintage`` that took in people of ``old``; ``old`` itself if it is one of them.

        One where it is certain: land that went elsewhere without people counts for nothing.
        """
        seen: set[AreaKey] = set()
        found: list[AreaKey] = []
        ahead = [old]
        while ahead:
            key = ahead.pop(0)
            if key in seen or key[0] > vintage:
                continue
            seen.add(key)
            if key[0] == vintage:
                found += [key] if key in self._areas else []
                continue
            steps = self.successors(key)
            ahead += [step.new for step in steps if step.share != 0 or len(steps) == 1]
        return found

    def search(
        self,
        text: str,
        within: AreaKey | None = None,
        limit: int = 8,
        *,
        vintage: str | None = None,
        level: Level | None = None,
    ) -> list[Match]:
        """The areas a present or former name may mean, the likeliest first, each once, at most ``limit``.

        All of one vintage: ``vintage``, else that of ``within``, else the newest. Read are: the name alone or
        with its type ("phường sài gòn", "P. Sai Gon", "p12", "TP.HCM"), with or without diacritics, followed
        by what it lies in ("bến nghé, quận 1", "phường 1 quận 4 tp hcm"). A former name finds every unit the
        old one went into, but for those that took land without people.

        Order: :class:`Rank`; the type typed before another; present before former names; more of the places
        named agreeing; letters equal as typed; the higher level; name, place, code. An area stays only if as
        many of the places named agree with it as with the best name.
        """
        target = vintage or (within[0] if within else None) or (self.vintages[-1] if self.vintages else None)
        if target is None or len(text) > _LONGEST_QUERY:
            return []
        lexicon = self._lexicons.get(target)
        if lexicon is None:
            lexicon = self._lexicons.setdefault(target, self._lexicon(target))
        readings = list(queries(text))

        def wanted(area: Area) -> bool:
            return (level is None or area.level is level) and (
                within is None or self.contains(within, area.key)
            )

        for look in (alike, close, initials):
            found = [hit for query in readings for hit in _hits(lexicon, query, look, wanted)]
            if found:
                return _pick_out(found, limit)
        return []

    def pick(
        self,
        text: str,
        within: AreaKey | None = None,
        *,
        vintage: str | None = None,
        level: Level | None = None,
    ) -> Match | None:
        """The one area meant; None if a person must be asked.

        A whole name decides when no other area bears, or bore, it; a beginning or part when nothing else fits
        at all; a slip, initials or another type never.
        """
        matches = self.search(text, within, limit=2, vintage=vintage, level=level)
        if not matches or matches[0].rank >= Rank.CLOSE or matches[0].other_type:
            return None
        best, *others = matches
        if best.rank >= Rank.PREFIX:
            return None if others else best
        rivals = [m for m in others if m.rank == best.rank and not m.other_type]
        return None if rivals else best

    def _above(self, area: Area) -> Area | None:
        return None if area.parent is None else self._areas.get((area.vintage, area.parent))

    def _reach(self, old: AreaKey, vintage: str) -> list[AreaKey]:
        """Units of ``vintage`` that ``old`` went into, over as many changes as lie between."""
        return [new for new, _ in self._paths(old, vintage) if new in self._areas]

    def _paths(self, old: AreaKey, vintage: str) -> Iterator[tuple[AreaKey, Conversion]]:
        """(unit of ``vintage``, first step towards it), each unit once; steps only lead to later vintages."""
        seen: set[AreaKey] = set()
        ahead = [(step.new, step) for step in reversed(self.successors(old))]
        while ahead:
            key, first = ahead.pop()
            if key in seen:
                continue
            seen.add(key)
            if key[0] == vintage:
                yield key, first
            elif key[0] < vintage:
                ahead.extend((step.new, first) for step in reversed(self.successors(key)))

    def _lexicon(self, vintage: str) -> _Lexicon:
        # Names of districts and provinces come again with each of their communes.
        read = cache(words)
        around: dict[AreaKey, tuple[Words, ...]] = {}

        def above(key: AreaKey) -> tuple[Words, ...]:
            if key not in around:
                around[key] = tuple(read(unit.name) for unit in self.ancestors(key))
            return around[key]

        entries: list[_Entry] = []
        for area in self._areas.values():
            if area.vintage == vintage:
                entries.append(_Entry(area, area.type, read(area.name), above(area.key)))
        for old, steps in self._forward.items():
            if old[0] >= vintage:
                continue
            was = self._areas.get(old)
            for new, first in self._paths(old, vintage):
                unit = self._areas.get(new)
                # Land without people is nobody's new ward.
                if unit is None or (first.share == 0 and len(steps) > 1):
                    continue
                former = first.old_name or (self.place(old) if was else "")
                own, *places = (part for part in former.split(",") if part.strip()) if former else ("",)
                kind, name = split_title(own)
                if not name:
                    continue
                lay = tuple(read(split_title(place)[1]) for place in places)
                entries.append(
                    _Entry(
                        unit, kind or (was.type if was else ""), read(name), lay + above(new), former, first
                    )
                )
        return _Lexicon(entries)


def _order(area: Area) -> tuple[int, str]:
    return DEPTH[area.level], area.code


def _by_share(step: Conversion) -> tuple[float, str, str]:
    return -(0.5 if step.share is None else step.share), step.new_vintage, step.new_code


@dataclass(frozen=True, slots=True)
class _Entry:
    """A name that leads to ``area``. ``around`` are the names of what it lies, or lay, in."""

    area: Area
    type: str
    name: Words
    around: tuple[Words, ...]
    former: str = ""
    conversion: Conversion | None = None


class _Lexicon:
    """The names of one vintage and the entries that bear each, by folded name."""

    def __init__(self, entries: Iterable[_Entry]) -> None:
        self.entries: dict[str, list[_Entry]] = defaultdict(list)
        for entry in entries:
            self.entries[entry.name.folded].append(entry)
        self.names = Names(self.entries)


@dataclass(frozen=True, slots=True)
class _Hit:
    match: Match
    agreeing: int
    order: tuple[int, bool, bool, int, bool, int, str, str, str] = field(repr=False)


def _hits(lexicon: _Lexicon, query: Query, look: Look, wanted: Callable[[Area], bool]) -> Iterator[_Hit]:
    plain = query.name.spelled == query.name.folded
    for rank, name in look(lexicon.names, query.name):
        for entry in lexicon.entries[name]:
            other_type = query.type is not None and query.type != entry.type
            if other_type and not (
                # People do say "phường" of a xã; but "phường 4" is not Quận 4, and "lang" may be no làng.
                rank is Rank.FOLDED and not name.isdigit() and query.type not in TYPES[Level.NEIGHBOURHOOD]
            ):
                continue
            if not wanted(entry.area):
                continue
            as_typed = entry.name.spelled == query.name.spelled
            better = Rank.EXACT if rank is Rank.FOLDED and as_typed and not plain else rank
            agreeing = sum(any(same_place(said, known) for known in entry.around) for said in query.around)
            area = entry.area
            yield _Hit(
                Match(area, better, entry.former, entry.conversion, other_type),
                agreeing,
                (
                    better,
                    other_type,
                    bool(entry.former),
                    -agreeing,
                    not as_typed,
                    DEPTH[area.level],
                    name,
                    entry.former or (entry.around[0].folded if entry.around else ""),
                    area.code,
                ),
            )


def _pick_out(hits: list[_Hit], limit: int) -> list[Match]:
    best = min(hit.match.rank for hit in hits)
    most = max(hit.agreeing for hit in hits if hit.match.rank == best)
    matches: dict[AreaKey, Match] = {}
    for hit in sorted(hits, key=lambda hit: hit.order):
        if hit.agreeing >= most:
            matches.setdefault(hit.match.area.key, hit.match)
    return list(matches.values())[: max(limit, 0)]
