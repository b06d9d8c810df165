"""Dates and times of day as people write them: ``5.3.85``, ``tháng 3 năm 1985``, ``hôm qua``, ``7h tối``.

Every reader returns ODK text or a :class:`~surveys.numerals.Doubt`: why it is better to ask again. All look
at a bounded text and take linear time.
"""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta
from typing import NamedTuple

from surveys.letters import fold
from surveys.numerals import LONGEST, Doubt, small_number, year_digits
from surveys.words import even

# ── dates ─────────────────────────────────────────────────────────────────────────────────────────────


class Parts(NamedTuple):
    """A date as far as it was told."""

    day: int | None
    month: int | None
    year: int | None


_MONTHS = {
    name: number
    for number, names in enumerate(
        ("january jan", "february feb", "march mar", "april apr", "may", "june jun", "july jul", "august aug",
         "september sep sept", "october oct", "november nov", "december dec"), 1)
    for name in names.split()
}  # fmt: skip
_LUNAR = re.compile(
    r"\bam lich\b|\bal\b|\bgieng\b|\bchap\b|\bram\b|"
    r"\b(?:giap|at|binh|dinh|mau|ky|ki|canh|tan|nham|quy|tuoi(?: con)?) "
    r"(?:ty|ti|suu|dan|mao|meo|thin|ngo|mui|than|dau|tuat|hoi|"
    r"chuot|trau|cop|ho|tho|rong|ran|ngua|de|khi|ga|cho|heo|lon)\b"
)
_DATE_LEAD = re.compile(
    r"(?:(?:da|thua|vang|toi|tui|em|con|chau|minh|la|thi|sinh|sinh vao|"
    r"ngay thang nam sinh|thang nam sinh|ngay sinh|thang sinh|nam sinh|sn|ns|vao|luc|tu|"
    r"on|in|since|i was born|born|it was|it is)\b[ :,]*)+"
)
_DATE_TAIL = re.compile(
    r"(?:[ ,.!;)]*\b(?:a|ah|nha|nhe|nghe|do|em|ban|roi|duong lich|dl|duong)\b)*[ .,!;)]*$"
)
_WEEKDAYS = {
    "thu hai": 0, "thu 2": 0, "thu ba": 1, "thu 3": 1, "thu tu": 2, "thu 4": 2, "thu nam": 3, "thu 5": 3,
    "thu sau": 4, "thu 6": 4, "thu bay": 5, "thu 7": 5, "chu nhat": 6, "monday": 0, "tuesday": 1,
    "wednesday": 2, "thursday": 3, "friday": 4, "saturday": 5, "sunday": 6,
}  # fmt: skip
_WEEKDAY = re.compile(f"({'|'.join(_WEEKDAYS)})[ ,]+(?:ngay +)?(?=[0-9])")
_MONTH_MARK = re.compile(r"(?:(?<=[^a-z0-9])|^)(?:thang|thg|thag|th|t)(?:\. ?| )?(?=[0-9])|\bthang\b")
_SPLIT = re.compile(r"[ ,/.\-]+")
_NUMERIC = re.compile(r"([0-9]{1,4}) ?([/.\- ]) ?([0-9]{1,4})(?: ?\2 ?([0-9]{1,4}))?")


def _full_year(digits: str, today: date | None) -> int | Doubt | None:
    """``1985`` or ``85`` as a year of 1900 to 2100.

    Two digits are the latest year that is not to come; the ten years after today stay open, since both
    "1927" and "2027" may be meant. Without ``today`` the year 2025 stands for it.
    """
    if len(digits) == 4:
        return int(digits) if 1900 <= int(digits) <= 2100 else None
    if len(digits) != 2:
        return None
    this = today.year if today else 2025
    year = 2000 + int(digits)
    if year <= this:
        return year
    return Doubt.YEAR if year <= this + 10 else year - 100


def _year_words(tokens: list[str], today: date | None) -> int | Doubt | None:
    """A year in words: ``một chín tám lăm``, ``tám lăm``, ``hai nghìn lẻ năm``; or one token of digits."""
    digits = year_digits(tokens)
    return None if digits is None else _full_year(digits, today)


def _with_month_mark(text: str, at: re.Match[str], today: date | None) -> Parts | Doubt | None:
    """``ngày 5 tháng 3 năm 1985`` and everything less of it."""
    before = [token for token in _SPLIT.split(text[: at.start()]) if token]
    after = [token for token in _SPLIT.split(text[at.end() :]) if token]
    if before and before[0] in ("ngay", "mung", "mong", "hom"):
        before = before[1:]
        if before and before[0] in ("mung", "mong"):
            before = before[1:]
        if not before:
            return None
    day = small_number(before) if before else None
    if (before and day is None) or not after:
        return None
    size = 2 if len(after) > 1 and after[0] == "muoi" and after[1] in ("mot", "hai") else 1
    month, rest = small_number(after[:size]), after[size:]
    if month is None:
        return None
    if not rest:
        return Parts(day, month, None)
    if rest[0] == "nam":
        rest = rest[1:]
    year = _year_words(rest, today)
    return year if isinstance(year, Doubt) else None if year is None else Parts(day, month, year)


_ENGLISH_DATE = re.compile(
    r"(?:(?:the )?([0-9]{1,2})(?:st|nd|rd|th)? (?:of )?)?([a-z]{3,9})"
    r"(?: ([0-9]{1,2})(?:st|nd|rd|th)?)?(?: ([0-9]{2,4}))?"
)


def _with_month_name(text: str, today: date | None) -> Parts | Doubt | None:
    """``5 March 1985``, ``March 5, 1985``, ``Mar 85``."""
    found = _ENGLISH_DATE.fullmatch(" ".join(token for token in _SPLIT.split(text) if token))
    if found is None or found[2] not in _MONTHS:
        return None
    month = _MONTHS[found[2]]
    first, second, last = found[1], found[3], found[4]
    if first and second and last:
        return None
    day = first or (second if last else None)
    year_text = last or second
    if year_text is None:
        return Parts(int(day) if day else None, month, None)
    year = _full_year(year_text, today)
    if isinstance(year, Doubt) or year is None:
        return year
    return Parts(int(day) if day else None, month, year)


def _numeric(text: str, today: date | None) -> Parts | Doubt | None:
    """Digits with separators, day before month before year, or ISO order; and digits run together."""
    if text.isdecimal():
        if len(text) == 6:
            year = _full_year(text[2:], today)
            return Parts(None, int(text[:2]), year) if isinstance(year, int) else None
        if len(text) == 8:
            orders = [(text[:2], text[2:4], text[4:]), (text[6:], text[4:6], text[:4])]
            fitting = [
                Parts(int(day), int(month), int(year))
                for day, month, year in orders
                if 1 <= int(day) <= 31 and 1 <= int(month) <= 12 and 1900 <= int(year) <= 2100
            ]
            return fitting[0] if len(fitting) == 1 else None
        year = _full_year(text, today)
        return Parts(None, None, year) if isinstance(year, int) else year
    found = _NUMERIC.fullmatch(text)
    if found is None:
        return None
    first, second, third = found[1], found[3], found[4]
    if len(first) > 2:
        if (
            len(first) != 4
            or len(second) > 2
            or (third and len(third) > 2)
            or (not third and found[2] == ".")
        ):
            return None
        year = _full_year(first, today)
        return Parts(int(third) if third else None, int(second), year) if isinstance(year, int) else None
    if third:
        year = _full_year(third, today) if len(second) <= 2 else None
        day_month: tuple[int | None, int] = (int(first), int(second))
    elif len(second) == 1:
        return Parts(int(first), int(second), None)
    else:
        year = _full_year(second, today)
        day_month = (None, int(first))
        if year is None:
            return None
    if isinstance(year, Doubt) or year is None:
        return year
    return Parts(*day_month, year)


_YEAR_FIRST = re.compile(r"nam ([0-9]{2}|[0-9]{4}),? (thang .+)")
_AGO = re.compile(
    r"(?:cach day |cach nay )?([0-9]{1,3}|[a-z]+(?: [a-z]+)?) (?:ngay|hom|day|days)(?: (truoc|ago|roi))?"
)
_LAST_WEEK = re.compile(rf"({'|'.join(_WEEKDAYS)}) tuan (truoc|roi|vua roi|qua|nay)")
_DAYS_OFF = {
    "hom nay": 0, "nay": 0, "bua nay": 0, "ngay hom nay": 0, "today": 0, "hom qua": -1, "bua qua": -1,
    "ngay hom qua": -1, "yesterday": -1, "hom kia": -2, "bua kia": -2,
    "ngay mai": 1, "mai": 1, "tomorrow": 1,
}  # fmt: skip


def read_date(text: str, today: date | None) -> Parts | Doubt:
    """A date as far as told: ``5.3.85``, ``tháng 3 năm 1985``, ``hôm nay``; the month exists, the day may
    not.

    ``today`` anchors words like *hôm nay* and years of two digits.
    """
    if len(text) > LONGEST:
        return Doubt.NOT_A_DATE
    said = " ".join(re.sub(r"[\"“”'’()]+", " ", fold(even(text))).split())
    if _LUNAR.search(said):
        return Doubt.LUNAR
    lead = _DATE_LEAD.match(said)
    if lead and lead.end() < len(said):
        said = said[lead.end() :]
    said = _DATE_TAIL.sub("", said)
    if today is not None and said in _DAYS_OFF:
        at = today + timedelta(days=_DAYS_OFF[said])
        return Parts(at.day, at.month, at.year)
    if today is not None and (off := _days_off(said, today)) is not None:
        at = today + timedelta(days=off)
        return Parts(at.day, at.month, at.year)
    if today is not None and said in ("thang nay", "thang truoc", "this month", "last month"):
        at = today if said in ("thang nay", "this month") else today.replace(day=1) - timedelta(days=1)
        return Parts(None, at.month, at.year)
    if today is not None and said in ("nam nay", "nam ngoai", "this year", "last year"):
        return Parts(None, None, today.year - (said in ("nam ngoai", "last year")))
    weekday = _WEEKDAY.match(said)
    if weekday:
        said = said[weekday.end() :]
    parts = _parts(said, today)
    if isinstance(parts, Doubt):
        return parts
    if parts is None or (parts.month is not None and not 1 <= parts.month <= 12) or parts.day == 0:
        return Doubt.NOT_A_DATE
    if weekday:
        try:
            told = date(parts.year or 0, parts.month or 0, parts.day or 0)
        except ValueError:
            return Doubt.NOT_A_DATE
        if told.weekday() != _WEEKDAYS[weekday[1]]:
            return Doubt.NOT_A_DATE
    return parts


def _days_off(said: str, today: date) -> int | None:
    """Days from ``today`` to what is told by counting: ``3 ngày trước``, ``thứ hai tuần trước``."""
    ago = _AGO.fullmatch(said)
    if ago and (ago[2] or said.startswith("cach")):
        days = int(ago[1]) if ago[1].isdecimal() else small_number(ago[1].split())
        return -days if days is not None else None
    week = _LAST_WEEK.fullmatch(said)
    if week and week[1]:
        return _WEEKDAYS[week[1]] - today.weekday() - (0 if week[2] == "nay" else 7)
    return None


def _parts(said: str, today: date | None) -> Parts | Doubt | None:
    turned = _YEAR_FIRST.fullmatch(said)
    if turned:
        said = f"{turned[2]} nam {turned[1]}"
    mark = _MONTH_MARK.search(said)
    if mark:
        return _with_month_mark(said, mark, today)
    if re.search("[a-z]{3}", said) and any(token in _MONTHS for token in _SPLIT.split(said)):
        return _with_month_name(said, today)
    said = re.sub(r"^ngay ?(?=[0-9])", "", said)
    if said.startswith("nam ") or not any(character.isdecimal() for character in said):
        tokens = said.split()
        year = _year_words(tokens[1:] if tokens[:1] == ["nam"] and len(tokens) > 1 else tokens, today)
        return Parts(None, None, year) if isinstance(year, int) else year
    said = re.sub(r"(?<=[0-9])[ ,/.\-]*nam (?=[0-9])", "/", said)
    if "/" in said:
        said = re.sub(r" ?/ ?| (?=[0-9]{4}$)", "/", said)
        mixed = re.fullmatch(r"([0-9]{1,2})[-. ]([0-9]{1,2})/([0-9]{2,4})", said)
        if mixed:
            return None
    return _numeric(said, today)


def iso_date(text: str, today: date, appearance: str = "") -> str | Doubt:
    """A whole date in ISO form. With ``month-year`` or ``year`` (ODK's appearances) the first day of it."""
    parts = read_date(text, today)
    if isinstance(parts, Doubt):
        return parts
    shown = appearance.split()
    if "year" in shown and parts.year:
        return f"{parts.year}-01-01"
    if "month-year" in shown and parts.year and parts.month:
        return f"{parts.year}-{parts.month:02}-01"
    if parts.day is None or parts.month is None or parts.year is None:
        return Doubt.NOT_A_DATE
    try:
        return date(parts.year, parts.month, parts.day).isoformat()
    except ValueError:
        return Doubt.NO_SUCH_DATE


def month_and_year(text: str, today: date | None) -> str | Doubt:
    """``MM/YYYY``, or ``YYYY`` when only a year was told (in four digits: "40" may be an age)."""
    parts = read_date(text, today)
    if isinstance(parts, Doubt):
        return parts if parts in (Doubt.LUNAR, Doubt.YEAR) else Doubt.NOT_A_MONTH
    if parts.year is None:
        return Doubt.NOT_A_MONTH
    if parts.month is None:
        return str(parts.year) if _tells_year(text) else Doubt.YEAR
    if parts.day is not None and parts.day > 31:
        return Doubt.NOT_A_MONTH
    return f"{parts.month:02}/{parts.year}"


def _tells_year(text: str) -> bool:
    """Whether a lone year is in four digits or words, or said to be a year."""
    said = fold(even(text))
    return re.search(r"[0-9]{4}", said) is not None or re.search(r"\bnam\b|\bsn\b|[a-z]{3}", said) is not None


def only_year(text: str, today: date | None) -> str | Doubt:
    """``YYYY``; a month told with it is left out."""
    parts = read_date(text, today)
    if isinstance(parts, Doubt):
        return parts if parts in (Doubt.LUNAR, Doubt.YEAR) else Doubt.NOT_A_YEAR
    return str(parts.year) if parts.year is not None else Doubt.NOT_A_YEAR


# ── times of day ──────────────────────────────────────────────────────────────────────────────────────

_TIME = re.compile(
    r"([0-9]{1,2}) ?(?:(?::|h|g|gio) ?([0-9]{2}|[0-9](?= ?(?:p\b|phut)))? ?(?:p|phut|'|h)?|\.([0-9]{2}))"
    r"(?: ?(ruoi)| ?kem ([0-9]{1,2})(?: ?phut)?)? ?(sang|trua|chieu|toi|dem|khuya|am|pm)?"
)
_HOUR_WORDS = re.compile(
    r"^((?:(?:hai )?muoi )?(?:mot|hai|ba|bon|tu|nam|lam|sau|bay|tam|chin)|muoi|hai muoi) gio\b"
)
_MINUTE_WORDS = re.compile(
    r"(gio(?: kem)?) ((?:(?:ba|hai|bon|nam) )?muoi(?: (?:mot|hai|ba|bon|tu|nam|lam|sau|bay|tam|chin))?|nam)"
    r"(?= |$)"
)
_TO = {"half past": 30, "quarter past": 15, "quarter to": -15}
_HOURS = {
    name: hour
    for hour, name in enumerate("one two three four five six seven eight nine ten eleven twelve".split(), 1)
}
_PAST = re.compile(
    rf"(half past|quarter past|quarter to) ([0-9]{{1,2}}|{'|'.join(_HOURS)})(?: ?(am|pm|in the morning))?"
)


def read_time(text: str) -> str | Doubt:
    """``HH:MM`` of a time of day: ``7h30``, ``7 giờ rưỡi tối``, ``2:15 pm``, ``8 giờ kém 15``; a bare
    number is none."""
    if len(text) > LONGEST:
        return Doubt.NOT_A_TIME
    said = " ".join(fold(even(text)).split())
    said = re.sub(r"^(?:(?:da|luc|vao luc|vao|toi|a|i|at)\b ?)+(?=[0-9a-z])", "", said)
    said = re.sub(r"(?:[ ,.!]*\b(?:a|nha|nhe|em|do)\b)*[ .,!]*$", "", said)
    said = re.sub(r"(?<=[0-9]) ?o ?'?clock", "h", said)
    said = {"noon": "12h trua", "midday": "12h trua", "midnight": "0h"}.get(said, said)
    past = _PAST.fullmatch(said)
    if past:
        total = ((_HOURS.get(past[2]) or int(past[2])) * 60 + _TO[past[1]]) % 1440
        half_day = " am" if past[3] and past[3] != "pm" else " pm" if past[3] else ""
        said = f"{total // 60}:{total % 60:02}{half_day}"
    said = re.sub(r" buoi (sang|trua|chieu|toi|dem|khuya)$", r" \1", said)
    spelled = _HOUR_WORDS.match(said)
    if spelled:
        said = f"{small_number(spelled[1].split())} gio{said[spelled.end() :]}"
    worded = _MINUTE_WORDS.search(said)
    if worded:
        told = small_number(worded[2].split()) or 0
        said = f"{said[: worded.start()]}{worded[1]} {told:02}{said[worded.end() :]}"
    said = re.sub(r"(?<=[0-9]) ?(?=[ap]m$)", "h ", said) if re.fullmatch(r"[0-9]{1,2} ?[ap]m", said) else said
    found = _TIME.fullmatch(said)
    if found is None:
        return Doubt.NOT_A_TIME
    hour_text, minute_text, dotted, half, short, part = found.groups()
    minutes = minute_text or dotted
    if (half and minutes) or (short and (minutes or half)):
        return Doubt.NOT_A_TIME
    hour, minute = int(hour_text), 30 if half else int(minutes or 0)
    if part:
        turned = _turned(hour, part)
        if turned is None:
            return Doubt.NOT_A_TIME
        hour = turned
    total = hour * 60 + minute - int(short or 0)
    if hour > 23 or minute > 59 or int(short or 0) > 59 or total < 0:
        return Doubt.NOT_A_TIME
    return f"{total // 60:02}:{total % 60:02}"


def _turned(hour: int, part: str) -> int | None:
    """The hour of the day for an hour of a part of the day; None where the two don't fit."""
    if part in ("sang", "am"):
        return hour % 12 if hour == 12 and part == "am" else hour if hour < 12 else None
    if part == "trua":
        return hour if 10 <= hour <= 14 else hour + 12 if hour in (1, 2) else None
    if part in ("dem", "khuya"):
        return (
            0 if hour == 12 else hour + 12 if 8 <= hour <= 11 else hour if hour <= 4 or hour >= 20 else None
        )
    first = {"chieu": 1, "toi": 5, "pm": 1}[part]
    if hour == 12 and part == "pm":
        return 12
    return hour + 12 if first <= hour <= 11 else hour if hour >= 12 + first else None


# ── a day and a time ──────────────────────────────────────────────────────────────────────────────────

_CLOCK_AT = re.compile(
    r"[0-9]{1,2} ?(?:h|g|gio|:)|[0-9]{1,2} ?[ap]m\b(?! lich)|"
    r"\b(?:(?:hai )?muoi )?(?:mot|hai|ba|bon|tu|nam|lam|sau|bay|tam|chin|muoi) gio\b|\b(?:noon|midnight)\b"
)
_ISO_MOMENT = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})[t ]([0-9]{2}:[0-9]{2})(?::00)?")


def odk_time(told: str, now: datetime | None) -> str:
    """``HH:MM`` as ODK keeps a time, ``07:30:00.000+07:00``; without the zone where ``now`` has none."""
    return f"{told}:00.000{_offset(now)}"


def _offset(at: datetime | None) -> str:
    return at.isoformat()[-6:] if at is not None and at.utcoffset() is not None else ""


def read_moment(text: str, today: date, now: datetime | None) -> str | Doubt:
    """A day and a time of day in ISO form with the zone of ``now``: ``hôm qua lúc 3 giờ chiều``,
    ``5/3/2026 14:30``, ``14h30 ngày 5/3/2026``, ``bây giờ``.
    """
    if len(text) > LONGEST:
        return Doubt.NOT_A_DATETIME
    said = " ".join(fold(even(text)).split()).strip(" .!")
    if now is not None and said in ("bay gio", "ngay bay gio", "now", "right now", "luc nay", "hien tai"):
        return f"{now.date().isoformat()}T{odk_time(now.strftime('%H:%M'), now)}"
    iso = _ISO_MOMENT.fullmatch(said)
    if iso:
        said = f"{iso[1]} {iso[2]}"
    clock = _CLOCK_AT.search(said)
    if clock is None:
        return Doubt.NOT_A_DATETIME
    # The date stands before the clock, or after it.
    before = re.sub(r"(?:[ ,]|\b(?:luc|vao|at|vao luc)\b)+$", "", said[: clock.start()])
    before = re.sub(r"^(?:luc|vao|vao luc)\b ?", "", before)
    if before:
        halves = [(before, said[clock.start() :])]
    else:
        spaces = [found.span() for found in re.finditer(r"[ ,]+(?:(?:vao )?(?:ngay|on)\b ?)?", said)]
        halves = [
            (said[end:], said[start_of:start]) for start_of in (clock.start(),) for start, end in spaces
        ]
    found: set[str] = set()
    doubt = Doubt.NOT_A_DATETIME
    for day, hour in halves:
        on, at = iso_date(_TODAYS.get(day, day), today), read_time(_of_the_day(day, hour))
        if isinstance(on, Doubt):
            doubt = on if on in (Doubt.LUNAR, Doubt.NO_SUCH_DATE, Doubt.YEAR) else doubt
        elif not isinstance(at, Doubt):
            found.add(f"{on}T{odk_time(at, now)}")
    return found.pop() if len(found) == 1 else doubt


_TODAYS = {
    "sang nay": "hom nay", "trua nay": "hom nay", "chieu nay": "hom nay", "toi nay": "hom nay",
    "sang qua": "hom qua", "trua qua": "hom qua", "chieu qua": "hom qua", "toi qua": "hom qua",
    "dem qua": "hom qua", "sang hom qua": "hom qua", "chieu hom qua": "hom qua", "toi hom qua": "hom qua",
    "sang hom nay": "hom nay", "chieu hom nay": "hom nay", "toi hom nay": "hom nay",
}  # fmt: skip


def _of_the_day(day: str, hour: str) -> str:
    """The time with the part of the day that was told with the day: ``tối qua 8 giờ``."""
    told = day.split()[0] if day in _TODAYS else ""
    return f"{hour} {told}" if told and re.search(r"(?:h|g|gio|[0-9]|ruoi)$", hour) else hour
