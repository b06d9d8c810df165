"""Which commune a line means: by code or name, of today's list or an older one, and what became of it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from surveys.areas import AreaKey, Areas, Match
from surveys.frames.cells import text
from surveys.placenames import Level, Rank, split_title, words

_DIGITS = 5
"""Of a commune's code, zeros in front included."""
_SUGGESTED = 3


@dataclass(frozen=True, slots=True)
class Said:
    """What a line says of its commune, cell by cell; empty where it says nothing. ``vintage`` is a day as
    text.
    """

    code: str = ""
    name: str = ""
    district: str = ""
    province: str = ""
    vintage: str = ""
    new: str = ""


@dataclass(frozen=True, slots=True)
class Located:
    """``area``: the commune today; ``given``: the one that was named. ``note``: how that was understood."""

    area: AreaKey
    given: AreaKey
    note: str = ""
    params: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Lost:
    """A line's commune can't be told: the code of the remark that says why."""

    code: str
    params: Mapping[str, object] = field(default_factory=dict)


class Locator:
    """Finds communes for the lines of one file.

    ``within`` bounds them: an area of the newest list, or None. ``vintage``: the list whose codes and names
    the file uses where it does not say; None: told by what fits, today's first.
    """

    def __init__(self, areas: Areas, within: AreaKey | None = None, vintage: str | None = None) -> None:
        self._areas = areas
        self._within = within
        self._vintage = vintage
        self.newest = areas.vintages[-1] if areas.vintages else ""
        self._known: dict[Said, Located | Lost] = {}
        only = areas.get(within) if within is not None else None
        self._only = within if only is not None and only.level is Level.COMMUNE else None

    def find(self, said: Said) -> Located | Lost:
        """The commune that a line means."""
        found = self._known.get(said)
        if found is None:
            found = self._known[said] = self._bounded(self._find(said))
        return found

    def _bounded(self, found: Located | Lost) -> Located | Lost:
        if (
            isinstance(found, Located)
            and self._within is not None
            and not self._areas.contains(self._within, found.area)
        ):
            return Lost("area_outside", {"name": self._areas.place(found.area)})
        return found

    def _find(self, said: Said) -> Located | Lost:
        if said.vintage and _day(said.vintage) is None:
            return Lost("area_vintage_bad", {"value": said.vintage[:24]})
        vintage = (_day(said.vintage) if said.vintage else None) or self._vintage
        code = re.sub(r"\.0+$", "", said.code.strip())
        name = said.name
        if not code and name.strip().isdecimal():
            code, name = name.strip(), ""
        if code:
            if not re.fullmatch(r"[0-9]{1,5}", code):
                return Lost("area_code_bad", {"value": code[:24]})
            return self._by_code(code.zfill(_DIGITS), name, said, vintage)
        if name:
            return self._by_name(name, said, vintage)
        if self._only is None:
            return Lost("area_missing")
        if said.new:
            return self._chosen(self._only, self._only, (self._only,), said.new)
        return Located(self._only, self._only)

    # By code

    def _by_code(self, code: str, name: str, said: Said, vintage: str | None) -> Located | Lost:
        older = [each for each in reversed(self._areas.vintages_known) if each != self.newest]
        order = [vintage] if vintage else [*older, self.newest] if said.district else [self.newest, *older]
        keys = [(each, code) for each in order if self._there((each, code))]
        if not keys:
            return Lost("area_code_unknown", {"unit": code})
        if name:
            fitting = [key for key in keys if self._is_called(key, name)]
            if not fitting:
                return Lost(
                    "area_code_differs", {"unit": code, "name": name[:40], "known": self._called(keys[0])}
                )
            return self._today(fitting[0], said.new)
        found = self._today(keys[0], said.new)
        if isinstance(found, Located) and not found.note:
            params = {"unit": code, "name": self._called(keys[0]), "vintage": keys[0][0]}
            return Located(found.area, found.given, "area_understood", params)
        return found

    def _there(self, key: AreaKey) -> bool:
        area = self._areas.get(key)
        if area is not None:
            return area.level is Level.COMMUNE
        return bool(self._areas.successors(key))

    def _called(self, key: AreaKey) -> str:
        area = self._areas.get(key)
        if area is not None:
            return area.title
        steps = self._areas.successors(key)
        return steps[0].old_name if steps and steps[0].old_name else key[1]

    def _is_called(self, key: AreaKey, name: str) -> bool:
        """Whether a name is that of an area: in the list of areas, or in the table of what became of it,
        which spell dozens of names differently (Sà Phìn, Xà Phìn).
        """
        names = (self._called(key), *(step.old_name for step in self._areas.successors(key)))
        said, *known = (words(split_title(each.split(",")[0])[1]).compact for each in (name, *names))
        return said in known

    # By name

    def _by_name(self, name: str, said: Said, vintage: str | None) -> Located | Lost:
        places = [text(place) for place in (said.district, said.province) if text(place)]
        query = ", ".join([text(name), *places])
        target = vintage if vintage in self._areas.vintages else self.newest
        for within in dict.fromkeys((self._within if target == self.newest else None, None)):
            matches = self._areas.search(query, within, limit=8, vintage=target, level=Level.COMMUNE)
            if matches:
                return self._of_matches(name, matches, said, target)
        return Lost("area_unknown", {"name": name[:40]})

    def _of_matches(self, name: str, matches: Sequence[Match], said: Said, vintage: str) -> Located | Lost:
        sure = [match for match in matches if match.rank <= Rank.FOLDED and not match.other_type]
        present = [match for match in sure if not match.former]
        if len(present) == 1 and (not said.district or len(sure) == 1):
            located = self._today(present[0].area.key, said.new)
            if len(sure) > 1 and isinstance(located, Located) and not located.note:
                # An older area of this name went elsewhere, or not there alone.
                params = {"name": name[:40], "area": self._areas.place(located.area), "vintage": vintage}
                return Located(located.area, located.given, "area_present", params)
            return located
        olds = {match.conversion.old for match in sure if match.conversion is not None}
        if not present and len(olds) == 1:
            return self._today(olds.pop(), said.new)
        if not sure:
            near = "; ".join(self._areas.place(match.area.key) for match in matches[:_SUGGESTED])
            return Lost("area_unknown_near", {"name": name[:40], "near": near})
        several = "; ".join(
            f"{match.former or self._areas.place(match.area.key)} ({match.area.code})"
            for match in sure[:_SUGGESTED]
        )
        return Lost("area_several", {"name": name[:40], "several": several})

    # What became of it

    def _today(self, key: AreaKey, new: str) -> Located | Lost:
        """The commune of the newest list that ``key`` is, or went into."""
        if key[0] == self.newest:
            return self._chosen(key, key, (key,), new) if new else Located(key, key)
        now = self._areas.reached(key, self.newest)
        if not now:
            return Lost("area_not_converted", {"name": self._called(key), "unit": key[1], "vintage": key[0]})
        if new or len(now) > 1:
            return self._chosen(key, now[0], now, new)
        return Located(
            now[0], key, "area_converted", {"name": self._called(key), "new": self._areas.place(now[0])}
        )

    def _chosen(self, given: AreaKey, only: AreaKey, choices: Sequence[AreaKey], new: str) -> Located | Lost:
        """Of several the one that column "mã xã mới" names."""
        shown = "; ".join(f"{self._areas.place(key)} ({key[1]})" for key in choices)
        params = {"name": self._called(given), "choices": shown}
        code = re.sub(r"\.0+$", "", new.strip())
        if not code:
            return Lost("area_split", params)
        wanted = (self.newest, code.zfill(_DIGITS))
        if wanted not in choices:
            return Lost("area_new_wrong", {**params, "unit": code[:24]})
        return Located(wanted, given)


def _day(cell: str) -> str | None:
    """A vintage as people write it: 2025-07-01 or 1/7/2025."""
    iso = re.fullmatch(r"([0-9]{4})-([0-9]{2})-([0-9]{2})", cell.strip())
    if iso:
        return cell.strip()
    other = re.fullmatch(r"([0-9]{1,2})/([0-9]{1,2})/([0-9]{4})", cell.strip())
    return f"{other[3]}-{int(other[2]):02}-{int(other[1]):02}" if other else None
