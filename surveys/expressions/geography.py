"""Lengths and areas of ODK's geopoints, geotraces and geoshapes on a sphere.

A point is written ``latitude longitude altitude accuracy`` (degrees, degrees, metres, metres; the last two
may be missing), points of a trace or shape are separated by ``;``.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

Point = tuple[float, float]
"""Latitude and longitude in degrees."""

EARTH_RADIUS = 6_378_100.0
"""Metres; the equatorial radius that ODK's engines reckon with."""


def points(text: str) -> list[Point] | None:
    """The points written in ``text``; none for a blank, None if one of them is no point."""
    found: list[Point] = []
    for written in text.split(";"):
        parts = written.split()
        if not parts:
            continue
        try:
            latitude, longitude = float(parts[0]), float(parts[1])
        except (ValueError, IndexError):
            return None
        if not (abs(latitude) <= 90 and abs(longitude) <= 180):
            return None
        found.append((latitude, longitude))
    return found


def distance(trace: Sequence[Point]) -> float:
    """The length of a trace in metres, to the centimetre, by the spherical law of cosines."""
    total = 0.0
    for (lat1, lon1), (lat2, lon2) in pairwise(trace):
        a, b, angle = math.radians(lat1), math.radians(lat2), math.radians(lon1 - lon2)
        cosine = math.sin(a) * math.sin(b) + math.cos(a) * math.cos(b) * math.cos(angle)
        total += math.acos(min(1.0, max(-1.0, cosine))) * EARTH_RADIUS
    return round(total, 2)


def area(shape: Sequence[Point]) -> float:
    """The area that a shape encloses in square metres, to the square decimetre; zero for fewer than three
    points.

    Chamberlain and Duquette, Some Algorithms for Polygons on a Sphere (JPL 2007), equation 2.
    """
    if len(shape) < 3:
        return 0.0
    total = 0.0
    for (lat1, lon1), (lat2, lon2) in zip(shape, (*shape[1:], shape[0]), strict=True):
        total += math.radians(lon2 - lon1) * (2 + math.sin(math.radians(lat1)) + math.sin(math.radians(lat2)))
    return round(abs(total) * EARTH_RADIUS**2 / 2, 2)


def inside(point: Point, shape: Sequence[Point]) -> bool:
    """Whether a point lies in a closed shape: a ray to the east crosses its edges an odd number of times."""
    y, x = point
    odd = False
    for (y1, x1), (y2, x2) in pairwise(shape):
        if (y1 > y) != (y2 > y) and x < (x1 - x2) * (y - y2) / (y1 - y2) + x2:
            odd = not odd
    return odd


def crosses_itself(trace: Sequence[Point]) -> bool:
    """Whether two pieces of a trace that are not neighbours touch or cross."""
    pieces = list(pairwise(trace))
    closed = len(trace) > 2 and trace[0] == trace[-1]
    for i, first in enumerate(pieces):
        for j in range(i + 2, len(pieces)):
            if closed and i == 0 and j == len(pieces) - 1:
                continue
            if _touch(*first, *pieces[j]):
                return True
    return False


def _touch(a: Point, b: Point, c: Point, d: Point) -> bool:
    turns = [_turn(a, b, c), _turn(a, b, d), _turn(c, d, a), _turn(c, d, b)]
    if turns[0] * turns[1] < 0 and turns[2] * turns[3] < 0:
        return True
    ends = ((a, b, c), (a, b, d), (c, d, a), (c, d, b))
    return any(turn == 0 and _between(*end) for turn, end in zip(turns, ends, strict=True))


def _turn(a: Point, b: Point, c: Point) -> float:
    return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])


def _between(a: Point, b: Point, c: Point) -> bool:
    return min(a[0], b[0]) <= c[0] <= max(a[0], b[0]) and min(a[1], b[1]) <= c[1] <= max(a[1], b[1])
