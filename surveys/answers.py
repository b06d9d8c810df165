"""What may be an answer to a question of each kind, how it is written down, and how a person reads it.

Values are ODK strings (ODK XForms specification, "data types"): choice names, ISO dates, ``HH:MM``, *latitude
longitude altitude accuracy*, the name of a file. Whether a choice is offered is not decided here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation

from surveys.expressions.values import parse_moment, parse_time
from surveys.forms import ACKNOWLEDGED, Kind, Question
from surveys.replies import TEXT_LIMIT, clean

_INTEGER = re.compile(r"[+-]?[0-9]{1,9}")
_DECIMAL = re.compile(r"[+-]?([0-9]{1,15}(\.[0-9]{0,15})?|\.[0-9]{1,15})")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_MOMENT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T.+")
_DAY = date(2000, 1, 1)

Fault = tuple[str, Mapping[str, object]]
"""Why something is no answer: a key of the catalogue of replies, and what fills it in."""

_FREE = frozenset({Kind.TEXT, Kind.BARCODE, Kind.IMAGE, Kind.AUDIO, Kind.VIDEO, Kind.FILE})


def tidy(kind: Kind, value: str) -> str:
    """``value`` as a program or a button gives it, without what surrounds it; empty for none."""
    return clean(value, TEXT_LIMIT + 1) if kind in _FREE else value.strip()


def fault(question: Question, value: str) -> Fault | None:
    """Why ``value`` is not of the question's kind; None if it is. Choices are left out of account."""
    check = _FAULTS.get(question.kind)
    return check(question, value) if check is not None else None


def written(question: Question, value: str) -> str:
    """``value``, one without a fault, as it is stored: ``5`` for ``+05``, ``2.5`` for ``2.50``."""
    match question.kind:
        case Kind.INTEGER:
            return str(int(value))
        case Kind.DECIMAL | Kind.RANGE:
            return _plain(Decimal(value))
        case Kind.GEOPOINT:
            numbers = [_plain(Decimal(part)) for part in value.split()]
            return " ".join([*numbers, "0", "0"][:4])
        case Kind.RANK:
            return " ".join(value.split())
    return value


def shown(question: Question, value: str, language: str) -> str:
    """``value`` of a question without choices as a person writes it: 05/03/2026, 7:30, 2,5 in Vietnamese."""
    match question.kind:
        case Kind.DATE:
            return _shown_date(value, question.appearance.split())
        case Kind.TIME:
            return value[:5]
        case Kind.DATETIME:
            day, _, clock = value.partition("T")
            return f"{clock[:5]} {_shown_date(day, ())}".strip()
        case Kind.DECIMAL | Kind.RANGE if language == "vi":
            return value.replace(".", ",")
        case Kind.GEOPOINT:
            return ", ".join(value.split()[:2])
    return value


def _shown_date(value: str, appearance: object) -> str:
    if not is_date(value):
        return value
    year, month, day = value.split("-")
    if isinstance(appearance, list):
        if "year" in appearance:
            return year
        if "month-year" in appearance:
            return f"{month}/{year}"
    return f"{day}/{month}/{year}"


def is_date(text: str) -> bool:
    """Whether ``text`` is a day, written ``YYYY-MM-DD``."""
    if not _DATE.fullmatch(text):
        return False
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


def _plain(number: Decimal) -> str:
    text = f"{number:f}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text in ("-0", "") else text


# ── kind by kind ────────────────────────────────────────────────────────────────────────────────────────────


def _integer(question: Question, value: str) -> Fault | None:
    return None if _INTEGER.fullmatch(value) else ("reply.not_an_integer", {})


def _decimal(question: Question, value: str) -> Fault | None:
    return None if _DECIMAL.fullmatch(value) else ("reply.not_a_number", {})


def _range(question: Question, value: str) -> Fault | None:
    if not _DECIMAL.fullmatch(value):
        return "reply.not_a_number", {}
    bounds = question.range
    if bounds is None:
        return None
    number, step = Decimal(value), abs(bounds.step)
    low, high = sorted((bounds.start, bounds.end))
    try:
        fits = low <= number <= high and (not step or (number - bounds.start) % step == 0)
    except InvalidOperation:  # a step beyond all precision
        fits = False
    if fits:
        return None
    return "reply.not_in_range", {"start": bounds.start, "end": bounds.end, "step": bounds.step}


def _date(question: Question, value: str) -> Fault | None:
    return None if is_date(value) else ("reply.not_a_date", {})


def _time(question: Question, value: str) -> Fault | None:
    return None if parse_time(value, _DAY, UTC) is not None else ("reply.not_a_time", {})


def _date_time(question: Question, value: str) -> Fault | None:
    moment = parse_moment(value, UTC) if _MOMENT.fullmatch(value) else None
    return None if isinstance(moment, datetime) else ("reply.not_a_datetime", {})


def _geopoint(question: Question, value: str) -> Fault | None:
    parts = value.split()
    if 2 <= len(parts) <= 4 and all(_DECIMAL.fullmatch(part) for part in parts):
        latitude, longitude, *rest = map(Decimal, parts)
        accurate = len(rest) < 2 or rest[1] >= 0
        if abs(latitude) <= 90 and abs(longitude) <= 180 and accurate:
            return None
    return "reply.not_a_location", {}


def _text(question: Question, value: str) -> Fault | None:
    return None if len(value) <= TEXT_LIMIT else ("reply.too_long", {"limit": TEXT_LIMIT})


def _acknowledge(question: Question, value: str) -> Fault | None:
    return None if value == ACKNOWLEDGED else ("reply.not_a_choice", {})


_FAULTS: Mapping[Kind, Callable[[Question, str], Fault | None]] = {
    Kind.INTEGER: _integer,
    Kind.DECIMAL: _decimal,
    Kind.RANGE: _range,
    Kind.DATE: _date,
    Kind.TIME: _time,
    Kind.DATETIME: _date_time,
    Kind.GEOPOINT: _geopoint,
    Kind.ACKNOWLEDGE: _acknowledge,
    **dict.fromkeys(_FREE, _text),
}
