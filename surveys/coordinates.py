"""A place on the earth as people write it: ``10.77, 106.7``, ``10°46'N 106°42'E``, a link of a map."""

from __future__ import annotations

import re
from decimal import Decimal

from surveys.letters import fold
from surveys.numerals import LONGEST, Doubt
from surveys.words import even

_LINK = re.compile(r"(?:[?&](?:q|query|ll|daddr|destination|center)=|!3d|/@|geo:|#map=[0-9.]+/|/)")
_PAIR = re.compile(
    r"(-?[0-9]{1,3}(?:[.][0-9]{1,20})?)(?:,|%2c|!4d|/)\+?(-?[0-9]{1,3}(?:[.][0-9]{1,20})?)(?![0-9.])"
)
_POINT_WORDS = re.compile(
    r"(?<![a-z])(?:vi do|kinh do|latitude|longitude|lat|lon|lng|long|toa do|vi tri|gps|location|tai|la|o)"
    r"(?![a-z])"
)
_DECIMAL_DEGREES = re.compile(
    r"([+-]?[0-9]{1,3}[.][0-9]{1,20})°? ?(?:[,;/ ] ?)+([+-]?[0-9]{1,3}[.][0-9]{1,20})°?"
)
_COMMA_DEGREES = re.compile(
    r"([+-]?[0-9]{1,3},[0-9]{1,20})°?(?: ?[;/] ?| +|, )([+-]?[0-9]{1,3},[0-9]{1,20})°?"
)
_ANGLE = r"([0-9]{1,3}(?:[.,][0-9]{1,20})?)(?: ?[°*d] ?| do )"
_MINUTES = r"(?:([0-9]{1,2}(?:[.,][0-9]{1,10})?)(?: ?['′] ?| phut ?))?"
_SECONDS = r"(?:([0-9]{1,2}(?:[.,][0-9]{1,10})?)(?: ?(?:\"|″|'') ?| giay ?))?"
_AFTER = re.compile(rf"{_ANGLE}{_MINUTES}{_SECONDS} ?([ns])[,; ]*{_ANGLE}{_MINUTES}{_SECONDS} ?([ew])")
_AHEAD = re.compile(rf"([ns]) ?{_ANGLE}{_MINUTES}{_SECONDS}[,; ]*([ew]) ?{_ANGLE}{_MINUTES}{_SECONDS}")
_SIDE = {"n": 1, "s": -1, "e": 1, "w": -1}


def read_point(text: str) -> str | Doubt:
    """A place on the earth as ODK writes it, ``latitude longitude 0 0`` in degrees (altitude and accuracy are
    not known): ``10.77, 106.7``, ``10°46'N 106°42'E``, ``vĩ độ 10,77 kinh độ 106,7``, a link of a map.

    Latitude comes first; where the first number can't be one, the second is.
    """
    if len(text) > 3 * LONGEST:
        return Doubt.NOT_A_LOCATION
    raw = even(text)
    if re.search(r"https?://|geo:|www\.|maps\.", raw):
        starts = [found.end() for found in _LINK.finditer(raw)]
        # "!3d…!4d…" is the place itself, "@…" the middle of the picture.
        starts.sort(key=lambda at: not raw[:at].endswith("!3d"))
        pairs = [found for at in starts if (found := _PAIR.match(raw, at)) and ("." in found[0])]
        return _point_at(pairs[0][1], pairs[0][2]) if pairs else Doubt.NOT_A_LOCATION
    said = fold(raw).replace("’", "'").replace("º", "°").replace("˚", "°").replace("đ", "d")
    said = re.sub(r"\b(?:bac|north)\b", "n", re.sub(r"\b(?:dong|east)\b", "e", said))
    said = re.sub(r"\b(?:nam|south)\b", "s", re.sub(r"\b(?:tay|west)\b", "w", said))
    marked = _AFTER.fullmatch(said.strip(" .()"))
    if marked:
        return _point_in_degrees(marked.groups()[:4], marked.groups()[4:])
    marked = _AHEAD.fullmatch(said.strip(" .()"))
    if marked:
        first, second = marked.groups()[:4], marked.groups()[4:]
        return _point_in_degrees((*first[1:], first[0]), (*second[1:], second[0]))
    longitude_first = re.search(r"kinh do|longitude|\blng\b|\blon\b", said)
    latitude_at = re.search(r"vi do|latitude|\blat\b", said)
    bare = " ".join(re.sub(r"[()=:]", " ", _POINT_WORDS.sub(" ", said)).split()).strip(" .,;")
    bare = re.sub(r" ,", ",", bare)
    plain = _DECIMAL_DEGREES.fullmatch(bare) or _COMMA_DEGREES.fullmatch(bare)
    if plain is None:
        return Doubt.NOT_A_LOCATION
    one, two = plain[1].replace(",", "."), plain[2].replace(",", ".")
    if longitude_first and latitude_at and longitude_first.start() < latitude_at.start():
        one, two = two, one
    return _point_at(one, two)


def _point_at(latitude: str, longitude: str) -> str | Doubt:
    north, east = Decimal(latitude), Decimal(longitude)
    if abs(north) > 90 >= abs(east):
        north, east = east, north
    if abs(north) > 90 or abs(east) > 180:
        return Doubt.NOT_A_LOCATION
    return f"{_short(north)} {_short(east)} 0 0"


def _point_in_degrees(first: tuple[str | None, ...], second: tuple[str | None, ...]) -> str | Doubt:
    sums: list[Decimal] = []
    for degrees, minutes, seconds, side in (first, second):
        parts = [Decimal((part or "0").replace(",", ".")) for part in (degrees, minutes, seconds)]
        if parts[1] >= 60 or parts[2] >= 60:
            return Doubt.NOT_A_LOCATION
        sums.append(_SIDE[str(side)] * (parts[0] + parts[1] / 60 + parts[2] / 3600))
    if abs(sums[0]) > 90 or abs(sums[1]) > 180:
        return Doubt.NOT_A_LOCATION
    return f"{_short(sums[0])} {_short(sums[1])} 0 0"


def _short(angle: Decimal) -> str:
    """Degrees with at most eight decimals: a millimetre."""
    text = f"{round(angle, 8):f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
