"""Whom to contact next, when, and whether still: rules as data, decided anew at the moment of sending.

A case is invited once and reminded at intervals until it answers, declines, can't be reached, or the campaign
ends. All of it is derived from the case's facts: nothing is planned that can't be taken back. A step missed
(quiet hours, a stopped server) is decided again when its time is there, not sent late blindly.
"""

from __future__ import annotations

from collections.abc import Container, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta
from enum import StrEnum

from surveys.calendar import Hours
from surveys.dispositions import OPEN, Disposition
from surveys.problems import Problem


class Stage(StrEnum):
    """How far a case is: it decides on the text."""

    NOT_STARTED = "not_started"
    HALF_DONE = "half_done"


class Why(StrEnum):
    """Why a case is not contacted, or not now. Named in the preview and in the log of decisions."""

    WANTED = "wanted"
    DONE = "done"
    DECLINED = "declined"
    OPTED_OUT = "opted_out"
    UNREACHABLE = "unreachable"
    OUT_OF_SCOPE = "out_of_scope"
    CAMPAIGN_NOT_OPEN = "campaign_not_open"
    ENOUGH = "enough"
    HOUSEHOLD_ENOUGH = "household_enough"
    NOT_YET = "not_yet"
    QUIET = "quiet"
    WINDOW_CLOSED = "window_closed"
    TOO_LATE = "too_late"


@dataclass(frozen=True, slots=True)
class Rules:
    """The rules of a campaign. ``after`` are the days between one message and the next, by stage: as many
    reminders as there are numbers, after the invitation.

    ``per_household`` bounds the messages of our own accord to one household over all campaigns within
    ``household_days``. ``last_days``: nothing new is begun that many days before the end.
    """

    after: Mapping[Stage, tuple[int, ...]] = field(
        default_factory=lambda: {Stage.NOT_STARTED: (3, 5, 7), Stage.HALF_DONE: (1, 3, 5)}
    )
    hours: Hours = field(default_factory=Hours)
    per_household: int = 4
    household_days: int = 30
    last_days: int = 0

    @property
    def most(self) -> int:
        """Reminders of a case at most."""
        return max((len(days) for days in self.after.values()), default=0)


class Plan(StrEnum):
    """Rules by a name, for who does not want to write numbers."""

    STANDARD = "standard"
    """Three reminders."""
    FEW = "few"
    """One reminder."""
    NONE = "none"
    """The invitation alone."""


PLANS: Mapping[Plan, Rules] = {
    Plan.STANDARD: Rules(),
    Plan.FEW: Rules(after={Stage.NOT_STARTED: (5,), Stage.HALF_DONE: (2,)}),
    Plan.NONE: Rules(after={Stage.NOT_STARTED: (), Stage.HALF_DONE: ()}),
}

MOST_REMINDERS = 10


def check_rules(rules: Rules) -> None:
    """Refuse rules that would pester, or that mean nothing: Problem ``rules_reminders`` (more than ten, or
    less than a day or more than 60 apart), ``rules_hours`` (they end before they begin, or reach into the
    night), ``rules_household`` (fewer than 1 or more than 20 messages in 1 to 366 days).
    """
    for days in rules.after.values():
        if len(days) > MOST_REMINDERS or not all(1 <= each <= 60 for each in days):
            raise Problem("rules_reminders", most=MOST_REMINDERS)
    if not time(6) <= rules.hours.begins < rules.hours.ends <= time(21):
        raise Problem("rules_hours")
    if not (1 <= rules.per_household <= 20 and 1 <= rules.household_days <= 366):
        raise Problem("rules_household")
    if not 0 <= rules.last_days <= 30:
        raise Problem("rules_reminders", most=MOST_REMINDERS)


@dataclass(frozen=True, slots=True)
class Office:
    """What an office allows all its campaigns: hours, and messages to one household within so many days."""

    hours: Hours = field(default_factory=Hours)
    per_household: int = 4
    household_days: int = 30


def within(rules: Rules, office: Office) -> Rules:
    """A campaign's rules as far as the office allows them. A campaign that says nothing of its own has the
    office's; where its hours and the office's have nothing in common, the office's hold.
    """
    if rules == Rules():
        return replace(
            rules,
            hours=office.hours,
            per_household=office.per_household,
            household_days=office.household_days,
        )
    hours, own = office.hours, rules.hours
    both = replace(
        hours,
        begins=max(hours.begins, own.begins),
        ends=min(hours.ends, own.ends),
        weekends=hours.weekends and own.weekends,
        holidays=hours.holidays and own.holidays,
    )
    return replace(
        rules,
        hours=both if both.begins < both.ends else hours,
        per_household=min(rules.per_household, office.per_household),
        household_days=max(rules.household_days, office.household_days),
    )


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of a case at the moment of a decision.

    ``sent`` counts its messages so far (the invitation and the reminders), ``last`` when the last one went
    out or the person last came or answered: who came without an invitation needs none. ``reachable``: there
    is a contact that has not blocked us, on a channel whose window (if it has one) is open until ``window``.
    ``household_sent`` counts messages to the household within :attr:`Rules.household_days`, over all
    campaigns.
    """

    disposition: Disposition
    stage: Stage
    sent: int = 0
    last: datetime | None = None
    reachable: bool = True
    opted_out: bool = False
    window: datetime | None = None
    household_sent: int = 0
    preferred: time | None = None


REST = timedelta(days=1)
"""Nobody gets two messages about one case within a day, whoever asks for it."""


@dataclass(frozen=True, slots=True)
class Campaigning:
    """What is known of the campaign: whether it is ``open`` now, its days, and when staff last asked to
    remind everybody (``urged``): that counts for whoever had heard nothing for a day then, and goes beyond
    the number of reminders.
    """

    open: bool
    begins: date
    ends: date
    urged: datetime | None = None


@dataclass(frozen=True, slots=True)
class Decision:
    """What to do with a case: send now (``why`` is ``wanted``), look again at ``at``, or never (None).

    Where there were enough messages, or there is no time left, ``at`` is the moment after the campaign's last
    day: it may be given more days.
    """

    why: Why
    at: datetime | None = None

    @property
    def now(self) -> bool:
        """Whether a message goes out now."""
        return self.why is Why.WANTED


def decide(
    facts: Facts, campaign: Campaigning, rules: Rules, now: datetime, holidays: Container[date] = ()
) -> Decision:
    """Whether the case gets its next message at ``now`` (local time), and if not, when to look again.

    The same function plans (:func:`next_contact`) and decides at the moment of sending, so that whatever
    happened in between counts.
    """
    never = _never(facts)
    if never is not None:
        return Decision(never)
    if campaign.ends < now.date() or not campaign.open:
        # A pause ends, and days are added, by an action.
        return Decision(Why.CAMPAIGN_NOT_OPEN)
    after_all = datetime.combine(campaign.ends + timedelta(days=1), time(), now.tzinfo)
    due = _due(facts, campaign, rules, now)
    if due is None:
        return Decision(Why.ENOUGH, after_all)
    at = rules.hours.next(max(due, now), holidays, preferred=facts.preferred)
    if at is None or at.date() > campaign.ends - timedelta(days=rules.last_days):
        return Decision(Why.TOO_LATE, after_all)
    if facts.window is not None and at >= facts.window:
        return Decision(Why.WINDOW_CLOSED)
    if at > now:
        return Decision(Why.QUIET if due <= now else Why.NOT_YET, at)
    if facts.household_sent >= rules.per_household:
        return Decision(Why.HOUSEHOLD_ENOUGH, now + REST)
    return Decision(Why.WANTED)


def _due(facts: Facts, campaign: Campaigning, rules: Rules, now: datetime) -> datetime | None:
    """When the next message is due, whatever the hour; None when there were enough."""
    begins = datetime.combine(campaign.begins, time(), now.tzinfo)
    if facts.last is None and not facts.sent:
        return begins
    # Of a clock that was ahead: nobody waits for it.
    last = min(facts.last or begins, now)
    intervals = rules.after.get(facts.stage, ())
    so_far = max(facts.sent, 1)
    due = last + timedelta(days=intervals[so_far - 1]) if so_far <= len(intervals) else None
    if campaign.urged is not None and last + REST <= campaign.urged:
        due = campaign.urged if due is None else min(due, campaign.urged)
    return None if due is None else max(due, begins)


def _never(facts: Facts) -> Why | None:
    """Why nothing is sent whatever the time."""
    if facts.opted_out or facts.disposition is Disposition.OPTED_OUT:
        return Why.OPTED_OUT
    if facts.disposition is Disposition.COMPLETE:
        return Why.DONE
    if facts.disposition in (Disposition.OUT_OF_SCOPE, Disposition.DUPLICATE):
        return Why.OUT_OF_SCOPE
    if facts.disposition not in OPEN:
        return Why.DECLINED
    if not facts.reachable:
        return Why.UNREACHABLE
    return None


def next_contact(
    facts: Facts, campaign: Campaigning, rules: Rules, now: datetime, holidays: Container[date] = ()
) -> datetime | None:
    """When to look at the case again: ``now`` if it is due, None if it is not contacted any more."""
    decision = decide(facts, campaign, rules, now, holidays)
    return now if decision.now else decision.at
