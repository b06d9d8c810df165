"""Vietnam's public holidays, Tết included, with the corrections of the office.

The days come from the library ``holidays`` (Labour Code 45/2019/QH14, Article 112, and the days in lieu it
knows). What the Government names each autumn for the year to come may differ: the parameter ``holidays``
adds and removes days. Loading the library takes a while, so nobody's turn asks here: the scheduler does, and
what is worked out beside the turns.
"""

from __future__ import annotations

from datetime import date
from functools import lru_cache

from sqlalchemy import Connection

from storage import parameters
from surveys.calendar import read_corrections


@lru_cache(maxsize=16)
def of_year(year: int) -> frozenset[date]:
    """The public holidays of a year, days in lieu among them."""
    # Here and not above: the library is large, and most processes never ask.
    from holidays import country_holidays

    return frozenset(country_holidays("VN", years=year))


@lru_cache(maxsize=16)
def _of(year: int, corrections: str) -> frozenset[date]:
    known = of_year(year - 1) | of_year(year) | of_year(year + 1)
    corrected = read_corrections(corrections)
    return (known - corrected.removed) | corrected.added


def around(connection: Connection, today: date) -> frozenset[date]:
    """The holidays of this year, the one before and the next, as the office has corrected them."""
    return _of(today.year, parameters.text(connection, "holidays"))
