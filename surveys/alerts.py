"""What staff should look at: when something is raised, and who is told.

Facts come in, alerts come out; the same facts give the same alerts, so whoever compares them with what is
raised already knows what is new and what is over.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from surveys.progress import Forecast, Outlook
from surveys.roles import Role

MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS


class Kind(StrEnum):
    """What is the matter."""

    DELIVERY = "delivery"
    """Messages that are due are not sent."""
    DEAD_LETTERS = "dead_letters"
    """Many messages of a campaign could not be delivered."""
    SILENCE = "silence"
    """Nothing was answered for a day in a campaign that runs."""
    COVERAGE = "coverage"
    """The last day or a reporting deadline is near, and the target will not be reached."""
    WORKER = "worker"
    """Tasks wait and nobody takes them."""
    SCHEDULER = "scheduler"
    """Nothing that goes by the clock is done."""


SYSTEM = frozenset({Kind.DELIVERY, Kind.WORKER, Kind.SCHEDULER})
"""What concerns everybody: no campaign's."""

TOLD: Mapping[Kind, frozenset[Role]] = {
    Kind.DELIVERY: frozenset({Role.ADMINISTRATOR}),
    Kind.WORKER: frozenset({Role.ADMINISTRATOR}),
    Kind.SCHEDULER: frozenset({Role.ADMINISTRATOR}),
    Kind.DEAD_LETTERS: frozenset({Role.WARD_STAFF, Role.ADMINISTRATOR}),
    Kind.SILENCE: frozenset({Role.WARD_STAFF}),
    Kind.COVERAGE: frozenset({Role.WARD_STAFF, Role.OFFICER}),
}
"""Which roles are told of what, where their grants reach the campaign's area (the system's: everywhere)."""


@dataclass(frozen=True, slots=True)
class Alert:
    """Something to look at. ``about`` names what it is about; ``figures`` are numbers and codes alone."""

    kind: Kind
    about: str
    campaign_id: int | None = None
    figures: Mapping[str, int] = field(default_factory=dict, compare=False, hash=False)

    @property
    def key(self) -> tuple[str, str]:
        """What makes it the same alert."""
        return self.kind.value, self.about


@dataclass(frozen=True, slots=True)
class Limits:
    """From when on something is raised: minutes that a message or task may be late, undelivered messages of
    a campaign, hours without an answer, days before an end that count as near.
    """

    late_minutes: int = 15
    undelivered: int = 20
    silent_hours: int = 24
    near_days: int = 7


@dataclass(frozen=True, slots=True)
class Sending:
    """A channel that we send on: the oldest answer that is due, since when; whether bulk messages of open
    campaigns are late; until when the last ones were on their way (all instants in milliseconds, 0: never or
    none).
    """

    channel: str
    reply_due_at: int = 0
    bulk_due_at: int = 0
    bulk_until: int = 0


@dataclass(frozen=True, slots=True)
class System:
    """What is known of the system: its channels; since when the oldest task waits (0: none) and whether one
    is being worked on; undelivered messages by campaign.
    """

    sending: tuple[Sending, ...] = ()
    task_due_at: int = 0
    working: bool = False
    undelivered: Mapping[int, int] = field(default_factory=dict)


def of_system(known: System, limits: Limits, now: int) -> list[Alert]:
    """The alerts that the system's state gives."""
    late = now - limits.late_minutes * MINUTE_MS
    found = []
    for one in known.sending:
        due = [at for at in (one.reply_due_at,) if 0 < at < late]
        # A wave of thousands takes its time: late is only a wave that does not move.
        if 0 < one.bulk_due_at < late and one.bulk_until < late:
            due.append(one.bulk_due_at)
        if due:
            figures = {"minutes": (now - min(due)) // MINUTE_MS}
            found.append(Alert(Kind.DELIVERY, f"channel:{one.channel}", None, figures))
    if 0 < known.task_due_at < late and not known.working:
        figures = {"minutes": (now - known.task_due_at) // MINUTE_MS}
        found.append(Alert(Kind.WORKER, "worker", None, figures))
    for campaign_id, number in sorted(known.undelivered.items()):
        if number >= limits.undelivered:
            found.append(Alert(Kind.DEAD_LETTERS, about(campaign_id), campaign_id, {"number": number}))
    return found


@dataclass(frozen=True, slots=True)
class Running:
    """What is known of a campaign that runs: since when (its first day, or its opening), when somebody last
    answered (None: nobody has), whether anybody is left to answer, how it goes on, and how many days are left
    to its end or the nearest reporting deadline.
    """

    campaign_id: int
    since: int
    answered_at: int | None
    left: int
    forecast: Forecast | None
    days_left: int


def of_campaign(known: Running, limits: Limits, now: int) -> list[Alert]:
    """The alerts that a campaign's state gives."""
    found = []
    silent_since = max(known.since, known.answered_at or 0)
    hours = (now - silent_since) // HOUR_MS
    if hours >= limits.silent_hours and known.left:
        found.append(Alert(Kind.SILENCE, about(known.campaign_id), known.campaign_id, {"hours": hours}))
    expected = known.forecast
    if (
        expected is not None
        and expected.outlook is Outlook.BEHIND
        and known.days_left <= limits.near_days
        and expected.expected is not None
    ):
        figures = {
            "days": known.days_left,
            "complete": expected.complete,
            "target": expected.target,
            "expected": expected.expected,
        }
        found.append(Alert(Kind.COVERAGE, about(known.campaign_id), known.campaign_id, figures))
    return found


def about(campaign_id: int) -> str:
    """How an alert names a campaign."""
    return f"campaign:{campaign_id}"


@dataclass(frozen=True, slots=True)
class Change:
    """What to raise and what is over, by key."""

    raised: tuple[Alert, ...]
    over: tuple[tuple[str, str], ...]


def compare(now: Iterable[Alert], before: Iterable[tuple[str, str]], kinds: Iterable[Kind]) -> Change:
    """The alerts that are new, and those of these ``kinds`` that stand and should not any more."""
    found = {alert.key: alert for alert in now}
    standing = set(before)
    watched = {kind.value for kind in kinds}
    return Change(
        tuple(alert for key, alert in found.items() if key not in standing),
        tuple(sorted(key for key in standing if key[0] in watched and key not in found)),
    )
