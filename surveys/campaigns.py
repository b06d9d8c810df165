"""A campaign's life and what the law wants said before people are asked.

A survey that a state agency decides on names its decision (Law on Statistics 89/2015/QH13, Articles 28 to
30); one without a decision is shown as an internal survey. Everybody asked is told who controls the data,
why it is collected, where it is kept, for how long, and whom to turn to (Law 91/2025/QH15, Articles 9 and
33).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from surveys.problems import Problem


class Status(StrEnum):
    """Where a campaign stands in its life."""

    DRAFT = "draft"
    OPEN = "open"
    PAUSED = "paused"
    CLOSED = "closed"
    ARCHIVED = "archived"


class Mode(StrEnum):
    """Whom a campaign asks: everybody of a frame, a drawn sample, or whoever comes."""

    CENSUS = "census"
    SAMPLE = "sample"
    OPEN = "open"


class Basis(StrEnum):
    """What allows the data to be processed."""

    CONSENT = "dong_y"
    """The person's consent (Law 91/2025/QH15, Article 9)."""
    STATE_TASK = "dieu_19"
    """A task of a state agency by law (Law 91/2025/QH15, Article 19(1)(c))."""


class Step(StrEnum):
    """What can be done to a campaign's status."""

    OPEN = "open"
    PAUSE = "pause"
    RESUME = "resume"
    CLOSE = "close"
    ARCHIVE = "archive"


_STEPS: Mapping[Step, tuple[frozenset[Status], Status]] = {
    Step.OPEN: (frozenset({Status.DRAFT}), Status.OPEN),
    Step.PAUSE: (frozenset({Status.OPEN}), Status.PAUSED),
    Step.RESUME: (frozenset({Status.PAUSED}), Status.OPEN),
    Step.CLOSE: (frozenset({Status.OPEN, Status.PAUSED}), Status.CLOSED),
    Step.ARCHIVE: (frozenset({Status.CLOSED}), Status.ARCHIVED),
}


def after(status: Status, step: Step) -> Status:
    """The status after ``step``. Raises Problem ``campaign_status`` when a campaign in ``status`` can't
    take it.
    """
    before, then = _STEPS[step]
    if status not in before:
        raise Problem("campaign_status", campaign_step=step.value, campaign_status=status.value)
    return then


@dataclass(frozen=True, slots=True)
class Legal:
    """What has to be on record, and is shown to everybody asked. Empty: not given yet.

    ``retention_days`` counts from the close of the campaign to the removal of what identifies people.
    ``internal`` says that there is no decision of a competent authority: "khảo sát nội bộ, không phải điều
    tra thống kê nhà nước".
    """

    controller: str = ""
    address: str = ""
    phone: str = ""
    purpose: str = ""
    storage_place: str = ""
    retention_days: int | None = None
    dpo_contact: str = ""
    basis: Basis | None = None
    decision_number: str = ""
    decision_date: date | None = None
    internal: bool = False
    transfer_file: str = ""
    """The number of the impact file for personal data that go abroad (Article 20): with it, files people send
    may pass over a platform whose servers stand elsewhere.
    """


LONGEST_RETENTION = 3_650
"""Days. Ten years: more can't be what a survey needs (Law 91/2025/QH15, Article 14: deleted when the
purpose is done).
"""

_NEEDED = (
    "controller",
    "address",
    "phone",
    "purpose",
    "storage_place",
    "retention_days",
    "dpo_contact",
    "basis",
)


def missing(legal: Legal) -> tuple[str, ...]:
    """The names of the legal fields still to be given before a campaign may open, in their usual order."""
    lacking = [name for name in _NEEDED if not getattr(legal, name)]
    if not legal.internal:
        lacking += [name for name in ("decision_number", "decision_date") if not getattr(legal, name)]
    return tuple(lacking)


def check_legal(legal: Legal) -> None:
    """Refuse legal fields that can't be right, given or not.

    Raises Problem ``campaign_retention`` (outside 1 to 3,650 days), ``campaign_internal`` (called internal,
    yet with a decision).
    """
    if legal.retention_days is not None and not 1 <= legal.retention_days <= LONGEST_RETENTION:
        raise Problem("campaign_retention", days=legal.retention_days, most=LONGEST_RETENTION)
    if legal.internal and (legal.decision_number or legal.decision_date):
        raise Problem("campaign_internal")


LONGEST_CAMPAIGN = 366
"""Days between the first and the last day, and between the reference date and either: more is a slip in the
year.
"""


def check_dates(starts_on: date, ends_on: date, reference_date: date) -> None:
    """Refuse dates in the wrong order or too far apart: Problem ``campaign_dates``,
    ``campaign_reference_date``.
    """
    if not 0 <= (ends_on - starts_on).days <= LONGEST_CAMPAIGN:
        raise Problem("campaign_dates", starts_on=starts_on, ends_on=ends_on, most=LONGEST_CAMPAIGN)
    if (starts_on - reference_date).days > LONGEST_CAMPAIGN or (
        reference_date - ends_on
    ).days > LONGEST_CAMPAIGN:
        raise Problem("campaign_reference_date", reference_date=reference_date, most=LONGEST_CAMPAIGN)


def check_opening(
    *,
    legal: Legal,
    starts_on: date,
    ends_on: date,
    reference_date: date,
    has_consent_form: bool,
    today: date,
) -> None:
    """Refuse to open a campaign that people can't lawfully or sensibly be asked in.

    Raises Problem ``campaign_legal_missing`` (with ``fields``), ``campaign_consent_form`` (consent is the
    basis and there is no form to give it in), ``campaign_over`` (its last day has passed),
    ``campaign_decision_date`` (a decision of a later day), and what :func:`check_legal` and
    :func:`check_dates` raise.
    """
    check_legal(legal)
    check_dates(starts_on, ends_on, reference_date)
    lacking = missing(legal)
    if lacking:
        raise Problem("campaign_legal_missing", fields=lacking)
    if legal.basis is Basis.CONSENT and not has_consent_form:
        raise Problem("campaign_consent_form")
    if legal.decision_date is not None and legal.decision_date > today:
        raise Problem("campaign_decision_date", decision_date=legal.decision_date)
    if ends_on < today:
        raise Problem("campaign_over", ends_on=ends_on)


def check_extension(starts_on: date, ends_on: date, until: date, today: date) -> None:
    """Refuse another last day that is none: Problem ``campaign_extension`` (not later than the present one,
    or past), ``campaign_dates`` (too long after the first day).
    """
    if until <= ends_on or until < today:
        raise Problem("campaign_extension", ends_on=ends_on)
    if (until - starts_on).days > LONGEST_CAMPAIGN:
        raise Problem("campaign_dates", starts_on=starts_on, ends_on=until, most=LONGEST_CAMPAIGN)


def check_approval(size: int, threshold: int, approved_size: int | None) -> None:
    """Refuse to open a campaign of ``size`` cases, more than ``threshold``, that nobody else has approved, or
    that has grown since: Problem ``campaign_approval_needed``, ``campaign_approval_outgrown``.
    """
    if size <= threshold:
        return
    if approved_size is None:
        raise Problem("campaign_approval_needed", size=size, threshold=threshold)
    if size > approved_size:
        raise Problem("campaign_approval_outgrown", size=size, approved=approved_size)


def is_running(status: Status, starts_on: date, ends_on: date, today: date) -> bool:
    """Whether people are asked ``today``: the campaign is open and today is one of its days."""
    return status is Status.OPEN and starts_on <= today <= ends_on
