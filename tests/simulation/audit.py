"""What every household should have got, worked out anew from what happened: not by the product's own rules.

Those of the manual for ward staff: an invitation when the campaign begins; to who has not started a reminder
after 3, 5 and 7 days, to who is half done after 1, 3 and 5, each counted from the last message or answer; at
most four messages to a household; from 8 to 20 o'clock, on no public holiday, at the hour somebody prefers
(and two hours after); nothing after the answer, a stop, a block, the end, or in a pause. *Remind now* reaches
whoever had or said nothing for a day.

Time stands still between :class:`Span` s: a message that is due while it stands has to come in the next span
in which it may come, and was lost if it does not.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time
from zoneinfo import ZoneInfo

from tests.simulation.people import HOUR_MS, PREFERRED, Home, What

ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
DAY_MS = 24 * HOUR_MS
AFTER = {"not_started": (3, 5, 7), "half_done": (1, 3, 5)}
MOST = 4
OPENS, CLOSES = time(8), time(20)
TET = frozenset(date(2026, 2, day) for day in (16, 17, 18, 19, 20))
"""Tết Bính Ngọ, by Labour Code 45/2019/QH14, Article 112, as the Government set the days off for 2026."""
SLACK_MS = 180_000
"""Between what people see and what is written down there may be so long, kills included."""


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of time in which the clock ran (ms)."""

    begins: int
    ends: int


@dataclass(frozen=True, slots=True)
class Course:
    """What happened to the campaign: its days, pauses (from, to) and when staff reminded everybody (ms)."""

    begins: date
    ends: date
    pauses: tuple[tuple[int, int], ...] = ()
    reminded: tuple[int, ...] = ()


@dataclass(slots=True)
class Audit:
    """What came out. Each finding names the household; ``late`` is how long after the first moment at which
    they could come messages came (ms).
    """

    arrived: int = 0
    unknown: int = 0
    kinds: dict[str, int] = field(default_factory=dict)
    lost: list[str] = field(default_factory=list)
    early: list[str] = field(default_factory=list)
    unasked: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    quiet: list[str] = field(default_factory=list)
    paused: list[str] = field(default_factory=list)
    worded: list[str] = field(default_factory=list)
    late: list[int] = field(default_factory=list)

    @property
    def findings(self) -> dict[str, list[str]]:
        """Everything that should not be."""
        names = ("lost", "doubled", "quiet", "paused", "early", "unasked", "worded")
        return {name: getattr(self, name) for name in names}


def local(at: int) -> datetime:
    """An instant as the clocks in Vietnam show it."""
    return datetime.fromtimestamp(at / 1000, ZONE)


def may_come(at: int, course: Course, *, prefers: bool = False) -> bool:
    """Whether a message may come at ``at``."""
    when = local(at)
    opens, closes = (time(PREFERRED), time(PREFERRED + 2)) if prefers else (OPENS, CLOSES)
    return (
        course.begins <= when.date() <= course.ends
        and when.date() not in TET
        and opens <= when.time() < closes
        and not any(begins <= at < ends for begins, ends in course.pauses)
    )


class Calendar:
    """The spans in which time passed, and in which of them a message could come first."""

    def __init__(self, spans: Sequence[Span], course: Course) -> None:
        self.spans = spans
        self.course = course
        self._ends = [span.ends for span in spans]

    def first(self, due: int, *, prefers: bool) -> Span | None:
        """The first span after ``due`` in which a message may come, from the moment it may."""
        for span in self.spans[bisect_left(self._ends, due) :]:
            at = max(due, span.begins)
            if may_come(at, self.course, prefers=prefers):
                return Span(at, span.ends)
        return None


@dataclass(slots=True)
class _Case:
    """What is known of a household so far. ``sent`` counts the invitation also where none was needed,
    ``messages`` does not.
    """

    sent: int = 0
    messages: int = 0
    last: int | None = None
    stage: str = "not_started"
    closed: bool = False
    prefers: bool = False
    blocked: set[int] = field(default_factory=set)
    gone: bool = False


def audit(
    homes: Sequence[Home], spans: Sequence[Span], course: Course, unknown: Mapping[int, list[int]]
) -> Audit:
    """Hold what reached the households against the rules.

    ``unknown``: case → when messages were taken on of which nobody knows whether they arrived (and which did
    not): they count as sent, for nobody may repeat them.
    """
    found, calendar = Audit(), Calendar(spans, course)
    begins = round(datetime.combine(course.begins, time(), ZONE).timestamp() * 1000)
    for home in homes:
        _audit_one(home, calendar, begins, unknown.get(home.case, []), found)
    return found


def _audit_one(home: Home, calendar: Calendar, begins: int, unknown: list[int], found: Audit) -> None:
    case, name = _Case(), f"household {home.number} ({home.kind.name})"
    course = calendar.course
    for at, what, chat, kind in _history(home, unknown):
        due = _due(home, case, begins, course)
        if what == "message":
            _judge(name, case, at, due, kind, calendar, found)
            found.arrived += kind != ""
            found.unknown += kind == ""
            if chat in case.blocked:
                found.unasked.append(f"{name}: after a block, at {local(at)}")
            case.sent, case.messages, case.last = case.sent + 1, case.messages + 1, at
            continue
        if due is not None:
            _missed(name, case, due, at, calendar, found)
        _lives_on(case, at, What(what), chat)
    due = _due(home, case, begins, course)
    if due is not None:
        _missed(name, case, due, None, calendar, found)


def _history(home: Home, unknown: list[int]) -> Iterator[tuple[int, str, int, str]]:
    """*(at, what, chat, kind of message)* in order."""
    told = [(one.at, "message", one.chat, one.kind) for one in home.got]
    never = [(at, "message", 0, "") for at in unknown]
    done = [(one.at, one.what.value, one.chat, "") for one in home.did]
    return iter(sorted([*told, *never, *done], key=lambda one: one[0]))


def _lives_on(case: _Case, at: int, what: What, chat: int) -> None:
    if what is What.ANSWER or what is What.STOP:
        case.closed = True
    elif what is What.HALF:
        # Who came without an invitation needs none any more.
        case.stage, case.last, case.sent = "half_done", at, max(case.sent, 1)
    elif what is What.PREFER:
        case.prefers = True
    else:
        case.blocked.add(chat)
        case.gone = case.gone or what is What.GO


def _due(home: Home, case: _Case, begins: int, course: Course) -> int | None:
    """When the next message is due, hours and holidays aside; None: none is."""
    came = any(one.what in (What.ANSWER, What.HALF) for one in home.did)
    linked = home.kind.phones > 0
    reachable = (linked or (came and case.last is not None)) and not set(home.chats) <= case.blocked
    if case.closed or not reachable or case.messages >= MOST:
        return None
    if case.last is None:
        return begins
    days = AFTER[case.stage]
    so_far = max(case.sent, 1)
    due = case.last + days[so_far - 1] * DAY_MS if so_far <= len(days) else None
    for asked in course.reminded:
        if case.last + DAY_MS <= asked:
            due = asked if due is None else min(due, asked)
    return due


def _judge(
    name: str, case: _Case, at: int, due: int | None, kind: str, calendar: Calendar, found: Audit
) -> None:
    """Whether a message that came at ``at`` was the right one at the right time."""
    found.kinds[kind] = found.kinds.get(kind, 0) + 1
    if not may_come(at, _unpaused(calendar.course)):
        found.quiet.append(f"{name}: at {local(at)}")
    elif not may_come(at, calendar.course):
        found.paused.append(f"{name}: at {local(at)}")
    if kind and kind != _words(case):
        found.worded.append(f"{name}: {kind} in place of {_words(case)}")
    if due is None and not kind and case.gone:
        return  # Nobody is told of a deleted account: it is tried.
    if due is None:
        found.unasked.append(f"{name}: message {case.sent} at {local(at)}")
        return
    first = calendar.first(due - SLACK_MS, prefers=case.prefers)
    last = calendar.first(due + SLACK_MS, prefers=case.prefers)
    if first is None or at < first.begins - SLACK_MS:
        found.early.append(f"{name}: message {case.sent} at {local(at)}, due {local(due)}")
    elif last is not None and at > last.ends + SLACK_MS:
        found.lost.append(
            f"{name}: message {case.sent} at {local(at)}, due {local(due)}, may {local(last.begins)}"
        )
    else:
        on_time = calendar.first(due, prefers=case.prefers)
        found.late.append(0 if on_time is None else max(0, at - on_time.begins))


def _unpaused(course: Course) -> Course:
    return Course(course.begins, course.ends)


def _words(case: _Case) -> str:
    """The text that a case's next message has to have."""
    if case.sent == 0 and case.stage == "not_started":
        return "contact.invite"
    return f"contact.{case.stage}"


def _missed(name: str, case: _Case, due: int, until: int | None, calendar: Calendar, found: Audit) -> None:
    """A message was due and something else happened: it is lost if it could have come before."""
    span = calendar.first(due + SLACK_MS, prefers=case.prefers)
    if span is not None and (until is None or span.ends + SLACK_MS < until):
        found.lost.append(f"{name}: message {case.sent}, due {local(due)}, may {local(span.begins)}")
