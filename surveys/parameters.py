"""What an office may change without a new version of the program: every parameter, its default and its
bounds.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from surveys.calendar import read_corrections
from surveys.deadlines import is_day
from surveys.problems import Problem


@dataclass(frozen=True, slots=True)
class Parameter:
    """A whole number between ``least`` and ``most``, ``default`` until somebody sets it. ``day``: a day of
    the year, as month and day. ``clock``: a time of day, as hour and minutes. A default that is a text makes
    it a list of days (:func:`surveys.calendar.read_corrections`).
    """

    name: str
    default: int | str
    least: int = 0
    most: int = 0
    day: bool = False
    clock: bool = False


PARAMETERS: Mapping[str, Parameter] = {
    parameter.name: parameter
    for parameter in (
        # Cells with fewer people are hidden (Hundepool et al. 2012). One person must never be recognised:
        # at least 2.
        Parameter("suppression_threshold", default=5, least=2, most=100),
        # Decree 356/2025/NĐ-CP, Article 5: a request is answered within two working days; an office may be
        # quicker.
        Parameter("request_working_days", default=2, least=1, most=2),
        # So long a question waits before its staff are told again, and somebody else with them.
        Parameter("question_reminder_hours", default=4, least=1, most=72),
        Parameter("invitation_hours", default=72, least=1, most=24 * 14),
        # Campaigns of more cases are opened only when another account has approved them.
        Parameter("approval_cases", default=500, least=1, most=10_000_000),
        # When offices report (surveys.deadlines): 1210 is 10 December.
        Parameter("deadline_units", default=1210, least=101, most=1231, day=True),
        Parameter("deadline_departments", default=110, least=101, most=1231, day=True),
        Parameter("deadline_files", default=115, least=101, most=1231, day=True),
        Parameter("deadline_lead_days", default=14, least=0, most=180),
        # How long it can be seen what was sent to whom.
        Parameter("outbox_days", default=90, least=7, most=3_650),
        # What a message of our own accord costs on a channel, in đồng.
        Parameter("telegram_message_price", default=0, least=0, most=100_000),
        # When people may be written to of our own accord, and how often a household over all campaigns
        # (surveys.reminders.Office). 800 is 08:00; weekends and holidays: 1 for yes.
        Parameter("contact_begins", default=800, least=600, most=2_100, clock=True),
        Parameter("contact_ends", default=2_000, least=600, most=2_100, clock=True),
        Parameter("contact_weekends", default=1, least=0, most=1),
        Parameter("contact_holidays", default=0, least=0, most=1),
        Parameter("household_messages", default=4, least=1, most=20),
        Parameter("household_days", default=30, least=1, most=366),
        # What share of its cases a campaign wants to have answered, for forecasts and alerts.
        Parameter("target_percent", default=80, least=1, most=100),
        # When staff get a summary by themselves: a day of the week (1 Monday to 7, 0 never), so many days
        # before an end or a reporting deadline, from which hour on; and who gets it (1 for yes).
        Parameter("digest_weekday", default=1, least=0, most=7),
        Parameter("digest_hour", default=8, least=6, most=20),
        Parameter("digest_days_first", default=7, least=0, most=60),
        Parameter("digest_days_second", default=3, least=0, most=60),
        Parameter("digest_days_last", default=1, least=0, most=60),
        Parameter("digest_ward_staff", default=1, least=0, most=1),
        Parameter("digest_officers", default=1, least=0, most=1),
        Parameter("digest_administrators", default=0, least=0, most=1),
        # From when on something is an alert (surveys.alerts.Limits).
        Parameter("alert_late_minutes", default=15, least=1, most=24 * 60),
        Parameter("alert_undelivered", default=20, least=1, most=1_000_000),
        Parameter("alert_silent_hours", default=24, least=1, most=24 * 14),
        Parameter("alert_near_days", default=7, least=0, most=60),
        # Days in lieu and other corrections of the public holidays: +2027-02-11 -2027-11-24.
        Parameter("holidays", default=""),
    )
}


def expect(name: str) -> Parameter:
    """The parameter of that name. Raises Problem ``parameter_unknown``, naming those there are."""
    parameter = PARAMETERS.get(name)
    if parameter is None:
        raise Problem("parameter_unknown", name=name, known=", ".join(PARAMETERS))
    return parameter


def check(name: str, value: int | str) -> int | str:
    """``value``, if the parameter ``name`` may have it; a number may be given in digits. Raises Problem
    ``parameter_unknown``, ``parameter_number``, ``parameter_bounds``, ``parameter_day``, ``parameter_clock``,
    and what :func:`surveys.calendar.read_corrections` raises.
    """
    parameter = expect(name)
    if isinstance(parameter.default, str):
        read_corrections(str(value))
        return " ".join(str(value).replace(",", " ").split())
    value = _number(name, value)
    if not parameter.least <= value <= parameter.most:
        raise Problem("parameter_bounds", name=name, value=value, least=parameter.least, most=parameter.most)
    if parameter.day and not is_day(value):
        raise Problem("parameter_day", name=name, value=value)
    if parameter.clock and value % 100 > 59:
        raise Problem("parameter_clock", name=name, value=value)
    return value


def _number(name: str, value: int | str) -> int:
    try:
        return int(value)
    except ValueError:
        raise Problem("parameter_number", name=name, value=str(value)[:40]) from None
