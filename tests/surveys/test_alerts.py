"""When something is an alert, when it is over."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from surveys.alerts import (
    HOUR_MS,
    MINUTE_MS,
    TOLD,
    Alert,
    Kind,
    Limits,
    Running,
    Sending,
    System,
    compare,
    of_campaign,
    of_system,
)
from surveys.progress import Forecast, Outlook

NOW = 1_767_571_200_000
LIMITS = Limits()


def ago(minutes: int) -> int:
    return NOW - minutes * MINUTE_MS


def kinds(known: System) -> list[tuple[Kind, str]]:
    return [(one.kind, one.about) for one in of_system(known, LIMITS, NOW)]


@pytest.mark.parametrize(
    ("sending", "raised"),
    [
        (Sending("telegram"), False),
        (Sending("telegram", reply_due_at=ago(14)), False),
        (Sending("telegram", reply_due_at=ago(16)), True),
        # A wave of thousands is late by itself, and moves.
        (Sending("telegram", bulk_due_at=ago(40), bulk_until=ago(1)), False),
        (Sending("telegram", bulk_due_at=ago(40), bulk_until=ago(20)), True),
        (Sending("telegram", bulk_due_at=ago(5), bulk_until=0), False),
    ],
)
def test_delivery_has_stopped_when_what_is_due_does_not_move(sending: Sending, raised: bool) -> None:
    assert kinds(System(sending=(sending,))) == ([(Kind.DELIVERY, "channel:telegram")] if raised else [])


@pytest.mark.parametrize(
    ("due_at", "working", "raised"),
    [(0, False, False), (ago(14), False, False), (ago(16), False, True), (ago(16), True, False)],
)
def test_the_worker_is_silent_when_a_task_waits_and_none_is_worked_on(
    due_at: int, working: bool, raised: bool
) -> None:
    assert kinds(System(task_due_at=due_at, working=working)) == ([(Kind.WORKER, "worker")] if raised else [])


def test_undelivered_messages_are_an_alert_of_their_campaign_from_a_number_on() -> None:
    found = of_system(System(undelivered={3: 19, 4: 20, 5: 700}), LIMITS, NOW)
    assert [(one.campaign_id, one.figures) for one in found] == [(4, {"number": 20}), (5, {"number": 700})]


BEHIND = Forecast(Outlook.BEHIND, 40, 80, 1.0, 7, 5, 45, 8, date(2026, 3, 1))
GOING = Running(7, ago(60 * 72), ago(60 * 2), 100, replace(BEHIND, outlook=Outlook.ON_TRACK), 20)


def raised(known: Running) -> list[Kind]:
    return [one.kind for one in of_campaign(known, LIMITS, NOW)]


@pytest.mark.parametrize(
    ("known", "expected"),
    [
        (GOING, []),
        (replace(GOING, answered_at=NOW - 25 * HOUR_MS), [Kind.SILENCE]),
        (replace(GOING, answered_at=None), [Kind.SILENCE]),
        # It opened an hour ago: nobody could have answered for a day.
        (replace(GOING, answered_at=None, since=NOW - HOUR_MS), []),
        # Nobody is left who could.
        (replace(GOING, answered_at=NOW - 25 * HOUR_MS, left=0), []),
        (replace(GOING, forecast=BEHIND), []),
        (replace(GOING, forecast=BEHIND, days_left=7), [Kind.COVERAGE]),
        (replace(GOING, days_left=7), []),
        (replace(GOING, forecast=None, days_left=1), []),
    ],
)
def test_a_campaign_is_an_alert_when_it_falls_silent_or_will_miss_its_target(
    known: Running, expected: list[Kind]
) -> None:
    assert raised(known) == expected


def test_what_stands_is_not_raised_again_and_what_is_gone_is_over() -> None:
    silent = Alert(Kind.SILENCE, "campaign:7", 7, {"hours": 25})
    worker = Alert(Kind.WORKER, "worker")
    before = {("silence", "campaign:7"), ("coverage", "campaign:8"), ("delivery", "channel:telegram")}
    change = compare([silent, worker], before, [Kind.SILENCE, Kind.COVERAGE, Kind.WORKER])
    assert change.raised == (worker,)
    # Whether messages are sent was not looked at.
    assert change.over == (("coverage", "campaign:8"),)


def test_everything_is_told_to_somebody() -> None:
    assert set(TOLD) == set(Kind) and all(TOLD.values())
