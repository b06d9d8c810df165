"""The values of expressions and their conversions: text, number, yes/no, and dates as ISO text.

Conversions follow XPath 1.0 §4 (string, number, boolean), except that a text which is an ISO 8601 date counts
as a number of days, as dates do in ODK's functions.
"""

from __future__ import annotations

import math
import re
from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo
from decimal import Decimal

from surveys.expressions.nodes import Leaf, Node

Value = Leaf | list[Node]
"""What an expression evaluates to: a leaf value or a node-set in document order."""

NAN = math.nan
TOLERANCE = 1e-9
"""Two numbers nearer than this are equal: ``0.1 + 0.2 = 0.3`` holds for an author."""

_NUMBER = re.compile(r"-?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)")
_CLOCK = (
    r"([0-9]{2}):([0-9]{2})(?::([0-9]{2})(?:\.([0-9]+))?)?"
    r"(Z|[+-][0-9]{2}(?::?[0-9]{2}(?::[0-9]{2})?)?)?"
)
_TIME = re.compile(_CLOCK)
_MOMENT = re.compile(rf"([0-9]{{4}})-([0-9]{{1,2}})-([0-9]{{1,2}})(?:T{_CLOCK})?")
_EPOCH_DAY = date(1970, 1, 1).toordinal()
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DAY = 86_400.0

NUMERIC = frozenset({"int", "decimal"})


# ── text, number, yes/no ────────────────────────────────────────────────────────────────────────────────────


def to_string(value: Leaf) -> str:
    """``value`` as text: numbers in their shortest decimal form without exponent, integers without ``.0``."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if value != value:
        return "NaN"
    if value in (math.inf, -math.inf):
        return "Infinity" if value > 0 else "-Infinity"
    if value == int(value):
        return (
            str(int(value))
            if abs(value) < 1e15
            else format(Decimal(repr(float(value))), "f").removesuffix(".0")
        )
    shown = repr(value)
    return format(Decimal(shown), "f") if "e" in shown else shown


def to_number(value: Leaf, zone: tzinfo = UTC) -> float:
    """``value`` as a number; NaN if it is none.

    Text is trimmed, has a ``.`` as decimal point and no exponent. A date counts whole days since 1970-01-01,
    a date with time fractional days since 1970-01-01T00:00Z (``zone`` is that of times written without one).
    """
    if isinstance(value, str):
        text = value.strip()
        if _NUMBER.fullmatch(text):
            return float(text)
        moment = parse_moment(text, zone) if len(text) > 7 else None
        return NAN if moment is None else days(moment)
    return float(value)


def to_boolean(value: Leaf) -> bool:
    """``value`` as yes/no: text is true unless blank, a number unless zero or NaN."""
    if isinstance(value, float):
        return abs(value) > 1e-12
    return bool(value)


def store(value: Leaf, type: str, zone: tzinfo = UTC) -> Leaf:
    """``value`` as a node of bind ``type`` keeps it; NaN and what does not fit the type become blank.

    ``int`` cuts the fraction off; ``date`` turns a number of days into ``YYYY-MM-DD``, ``dateTime`` into an
    ISO moment in ``zone``; ``boolean`` keeps a truth value; a select keeps text. Any other type keeps the
    value as it was computed, so that a calculation that says yes or no, or a number, still does when it is
    read. Infinity is kept as text, since it can't stand in a JSON document.
    """
    if value == "" or value != value:
        return ""
    if type in NUMERIC:
        number = to_number(value, zone)
        if number != number:
            return ""
        if math.isinf(number):
            return to_string(number)
        return float(math.trunc(number)) if type == "int" else number + 0.0
    if type in ("date", "dateTime", "time"):
        return _store_moment(value, type, zone)
    if type == "boolean":
        return value not in ("false", "0") if isinstance(value, str) else to_boolean(value)
    if type in ("select", "select1"):
        return to_string(value)
    if isinstance(value, float):
        return to_string(value) if math.isinf(value) else value + 0.0
    return value


def _store_moment(value: Leaf, type: str, zone: tzinfo) -> Leaf:
    if isinstance(value, str):
        if type == "time" and _TIME.fullmatch(value):
            return value
        moment = parse_moment(value.strip(), zone)
    else:
        moment = None if isinstance(value, bool) else from_days(value, zone)
    if moment is None:
        return ""
    if type == "date":
        return local_date(moment, zone).isoformat()
    shown = show_moment(midnight(moment, zone))
    if type == "time":
        return shown.partition("T")[2]
    return value if isinstance(value, str) and isinstance(moment, datetime) else shown


# ── nodes ───────────────────────────────────────────────────────────────────────────────────────────────────


def node_string(node: Node) -> str:
    """The text of a leaf; of a group, the texts of its relevant leaves one after another (XPath 1.0 §5.2)."""
    value = node.value
    if value.__class__ is str:
        if value or not node.children:
            return value
        parts: list[str] = []
        stack = list(reversed(node.children))
        while stack:
            child = stack.pop()
            if child.relevant:
                if child.children:
                    stack.extend(reversed(child.children))
                else:
                    parts.append(to_string(child.value))
        return "".join(parts)
    return to_string(value)


def node_leaf(node: Node) -> Leaf:
    """The value of a node as its type means it: a number for ``int`` and ``decimal``, blank stays ``''``."""
    value = node.value
    if value.__class__ is str:
        if value:
            if node.type in NUMERIC:
                return _lenient_number(value)
            if node.type == "boolean":
                return value not in ("false", "0")
        elif node.children:
            return node_string(node)
    return value


def node_number(node: Node, zone: tzinfo) -> float:
    """The number of a node; NaN if blank."""
    value = node.value
    if value.__class__ is float:
        return value
    if value.__class__ is str:
        if not value and node.children:
            value = node_string(node)
        return _lenient_number(value, zone)
    return float(value)


def node_boolean(node: Node) -> bool:
    """Whether a bare reference to ``node`` holds: by value and type; a group holds because it is there."""
    if node.children:
        return True
    return to_boolean(node_leaf(node))


def _lenient_number(text: str, zone: tzinfo = UTC) -> float:
    """As :func:`to_number`; also reads back an infinity that :func:`store` kept as text."""
    number = to_number(text, zone)
    if number != number and text in ("Infinity", "-Infinity"):
        return float(text)
    return number


# ── dates and times ─────────────────────────────────────────────────────────────────────────────────────────


def parse_moment(text: str, zone: tzinfo) -> date | datetime | None:
    """An ISO date as ``date``, with time as aware ``datetime`` (in ``zone`` if it names none), else None."""
    found = _MOMENT.fullmatch(text)
    if found is None:
        return None
    year, month, day, hour, minute, second, fraction, offset = found.groups()
    try:
        on = date(int(year), int(month), int(day))
        if hour is None:
            return on
        if not 1 < on.year < 9999:  # leaves room for every time zone
            return None
        at = time(int(hour), int(minute), int(second or 0), int((fraction or "0")[:6].ljust(6, "0")))
        return datetime.combine(on, at, _offset(offset) or zone)
    except ValueError:
        return None


def parse_time(text: str, on: date, zone: tzinfo) -> datetime | None:
    """A time of day (``HH:MM``, ``HH:MM:SS.mmm+07:00``) as a moment of the day ``on``, else None."""
    moment = parse_moment(f"{on.isoformat()}T{text}", zone) if _TIME.fullmatch(text) else None
    return moment if isinstance(moment, datetime) else None


def _offset(text: str | None) -> tzinfo | None:
    if text is None:
        return None
    if text == "Z":
        return UTC
    digits = text[1:].replace(":", "").ljust(6, "0")
    # seconds: what clocks of a century ago were set to
    hours, minutes, seconds = int(digits[:2]), int(digits[2:4]), int(digits[4:])
    if hours > 14 or minutes > 59 or seconds > 59:
        raise ValueError(text)
    span = timedelta(hours=hours, minutes=minutes, seconds=seconds)
    return timezone(-span if text[0] == "-" else span)


def days(moment: date | datetime) -> float:
    """Days since 1970-01-01: whole for a date, fractional and in UTC for a date with time."""
    if isinstance(moment, datetime):
        return (moment - _EPOCH).total_seconds() / _DAY
    return float(moment.toordinal() - _EPOCH_DAY)


def from_days(number: float, zone: tzinfo) -> date | datetime | None:
    """The date ``number`` days after 1970-01-01, with a fraction a moment in ``zone``; None out of range."""
    try:
        if number == int(number):
            return date.fromordinal(int(number) + _EPOCH_DAY)
        # ODK's moments are kept to the millisecond
        return (_EPOCH + timedelta(milliseconds=round(number * 86_400_000))).astimezone(zone)
    except (ValueError, OverflowError):
        return None


def midnight(moment: date | datetime, zone: tzinfo) -> datetime:
    """A date as the moment it begins in ``zone``; a moment as it is, seen in ``zone``."""
    if isinstance(moment, datetime):
        return moment.astimezone(zone)
    return datetime(moment.year, moment.month, moment.day, tzinfo=zone)


def local_date(moment: date | datetime, zone: tzinfo) -> date:
    """The calendar day of ``moment`` in ``zone``."""
    return moment.astimezone(zone).date() if isinstance(moment, datetime) else moment


def show_moment(moment: datetime) -> str:
    """``YYYY-MM-DDTHH:MM:SS.mmm+07:00``."""
    return moment.isoformat(timespec="milliseconds")


def show_day_or_moment(moment: date | datetime, zone: tzinfo) -> str:
    """A date, or a moment that is midnight in ``zone``, as ``YYYY-MM-DD``; any other with its time."""
    local = midnight(moment, zone)
    return local.date().isoformat() if local.time() == time() else show_moment(local)


# ── names of months and days ────────────────────────────────────────────────────────────────────────────────

# What %b %B %a %A of ODK's format-date say; forms of CLDR, where English has three letters.
_NAMES = {
    "en": (
        tuple("Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()),
        tuple(
            "January February March April May June July August September October November December".split()
        ),
        tuple("Mon Tue Wed Thu Fri Sat Sun".split()),
        tuple("Monday Tuesday Wednesday Thursday Friday Saturday Sunday".split()),
    ),
    "vi": (
        tuple(f"thg {month}" for month in range(1, 13)),
        tuple(f"tháng {month}" for month in range(1, 13)),
        ("T2", "T3", "T4", "T5", "T6", "T7", "CN"),
        ("thứ Hai", "thứ Ba", "thứ Tư", "thứ Năm", "thứ Sáu", "thứ Bảy", "Chủ nhật"),
    ),
}
_LANGUAGE_CODE = re.compile(r"\(\s*([A-Za-z]{2,3})\b[^)]*\)\s*$")
_ESCAPE = re.compile(r"%(.?)", re.DOTALL)
FORMAT_ESCAPES = "%YymnbBdeaAHhMS3W"


def format_moment(moment: datetime, pattern: str, language: str) -> str:
    """``moment`` written by ODK's escapes (``%d/%m/%Y %H:%M``); an escape that does not exist stays as it is.

    ``language`` is a code or a name as forms give it (``vi``, ``Tiếng Việt (vi)``); all but Vietnamese read
    English.
    """
    months, full_months, weekdays, full_weekdays = _NAMES[_name_language(language)]

    def write(found: re.Match[str]) -> str:
        match found[1]:
            case "%":
                return "%"
            case "Y":
                return f"{moment.year:04}"
            case "y":
                return f"{moment.year % 100:02}"
            case "m":
                return f"{moment.month:02}"
            case "n":
                return str(moment.month)
            case "b":
                return months[moment.month - 1]
            case "B":
                return full_months[moment.month - 1]
            case "d":
                return f"{moment.day:02}"
            case "e":
                return str(moment.day)
            case "a":
                return weekdays[moment.weekday()]
            case "A":
                return full_weekdays[moment.weekday()]
            case "H":
                return f"{moment.hour:02}"
            case "h":
                return str(moment.hour)
            case "M":
                return f"{moment.minute:02}"
            case "S":
                return f"{moment.second:02}"
            case "3":
                return f"{moment.microsecond // 1000:03}"
            case "W":
                return str(moment.isocalendar().week)
        return found[0]

    return _ESCAPE.sub(write, pattern)


def unknown_escape(pattern: str) -> str | None:
    """The first escape of a date format that ODK does not have, if there is one."""
    for found in _ESCAPE.finditer(pattern):
        if not found[1] or found[1] not in FORMAT_ESCAPES:
            return found[0]
    return None


def _name_language(language: str) -> str:
    code = _LANGUAGE_CODE.search(language)
    name = (code[1] if code else language).strip().casefold()
    return "vi" if name in ("vi", "vie") or name.startswith(("vi-", "vi_", "tiếng việt", "vietnam")) else "en"
