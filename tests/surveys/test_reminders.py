"""Whom to contact next, when, and whether still."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from surveys.calendar import Hours
from surveys.dispositions import OPEN, Disposition
from surveys.problems import Problem
from surveys.reminders import (
    PLANS,
    Campaigning,
    Facts,
    Office,
    Plan,
    Rules,
    Stage,
    Why,
    check_rules,
    decide,
    next_contact,
    within,
)

HERE = ZoneInfo("Asia/Ho_Chi_Minh")
CAMPAIGN = Campaigning(True, date(2026, 1, 26), date(2026, 3, 8))
TET = frozenset(date(2026, 2, day) for day in range(14, 23))
NEW = Facts(Disposition.NOT_SENT, Stage.NOT_STARTED)
RULES = Rules()


def at(month: int, day: int, hour: int = 10, minute: int = 0) -> datetime:
    return datetime(2026, month, day, hour, minute, tzinfo=HERE)


def invited(sent: int, last: datetime, **more: object) -> Facts:
    facts = replace(NEW, disposition=Disposition.NO_REPLY, sent=sent, last=last)
    return replace(facts, **more)  # type: ignore[arg-type]


def test_the_invitation_goes_out_on_the_first_day_at_eight() -> None:
    early = decide(NEW, CAMPAIGN, RULES, at(1, 20))
    assert (early.why, early.at) == (Why.NOT_YET, at(1, 26, 8))
    assert decide(NEW, CAMPAIGN, RULES, at(1, 26, 8)).now


def test_reminders_follow_at_the_intervals_of_the_rules() -> None:
    assert next_contact(invited(1, at(1, 26)), CAMPAIGN, RULES, at(1, 26, 10, 1)) == at(1, 29)
    assert next_contact(invited(2, at(1, 29)), CAMPAIGN, RULES, at(1, 29, 11)) == at(2, 3)
    assert next_contact(invited(3, at(2, 3)), CAMPAIGN, RULES, at(2, 3, 11)) == at(2, 10)
    assert decide(invited(4, at(2, 10)), CAMPAIGN, RULES, at(2, 20)).why is Why.ENOUGH


def test_somebody_half_done_is_reminded_sooner() -> None:
    half = invited(1, at(1, 26), stage=Stage.HALF_DONE)
    assert next_contact(half, CAMPAIGN, RULES, at(1, 26, 12)) == at(1, 27)


def test_a_reminder_that_falls_into_tet_waits_until_after() -> None:
    assert decide(invited(3, at(2, 8)), CAMPAIGN, RULES, at(2, 15), TET).at == at(2, 23, 8)


def test_a_missed_window_is_decided_again_when_its_time_is_there() -> None:
    asleep = invited(1, at(1, 26))
    woken = at(1, 29, 23)
    decision = decide(asleep, CAMPAIGN, RULES, woken)
    assert (decision.why, decision.at) == (Why.QUIET, at(1, 30, 8))
    answered = replace(asleep, disposition=Disposition.COMPLETE)
    assert decide(answered, CAMPAIGN, RULES, at(1, 30, 8)).why is Why.DONE


@pytest.mark.parametrize(
    ("disposition", "why"),
    [
        (Disposition.COMPLETE, Why.DONE),
        (Disposition.REFUSED, Why.DECLINED),
        (Disposition.OTHER, Why.DECLINED),
        (Disposition.OPTED_OUT, Why.OPTED_OUT),
        (Disposition.OUT_OF_SCOPE, Why.OUT_OF_SCOPE),
        (Disposition.DUPLICATE, Why.OUT_OF_SCOPE),
    ],
)
def test_whoever_answered_or_declined_is_left_in_peace_for_good(disposition: Disposition, why: Why) -> None:
    decision = decide(invited(1, at(1, 26), disposition=disposition), CAMPAIGN, RULES, at(2, 2))
    assert (decision.why, decision.at) == (why, None)


def test_whoever_said_stop_or_blocked_us_is_left_in_peace() -> None:
    assert decide(invited(1, at(1, 26), opted_out=True), CAMPAIGN, RULES, at(2, 2)).why is Why.OPTED_OUT
    assert decide(invited(1, at(1, 26), reachable=False), CAMPAIGN, RULES, at(2, 2)).why is Why.UNREACHABLE


def test_nothing_is_sent_for_a_campaign_that_is_paused_closed_or_over() -> None:
    paused = replace(CAMPAIGN, open=False)
    assert decide(NEW, paused, RULES, at(1, 27)).why is Why.CAMPAIGN_NOT_OPEN
    assert decide(NEW, CAMPAIGN, RULES, at(3, 9)).why is Why.CAMPAIGN_NOT_OPEN


def test_a_household_is_not_written_to_more_often_than_allowed_over_all_campaigns() -> None:
    decision = decide(invited(1, at(1, 26), household_sent=4), CAMPAIGN, RULES, at(2, 2))
    assert (decision.why, decision.at) == (Why.HOUSEHOLD_ENOUGH, at(2, 3))


def test_the_hour_somebody_prefers_is_kept() -> None:
    evening = invited(1, at(1, 26), preferred=time(18, 30))
    assert decide(evening, CAMPAIGN, RULES, at(1, 29)).at == at(1, 29, 18, 30)


def test_a_channels_closed_window_is_not_broken_into() -> None:
    shut = invited(1, at(1, 26), window=at(1, 28))
    assert decide(shut, CAMPAIGN, RULES, at(1, 29)).why is Why.WINDOW_CLOSED


def test_what_would_come_after_the_last_day_is_not_sent() -> None:
    assert decide(invited(1, at(3, 7)), CAMPAIGN, RULES, at(3, 8)).why is Why.TOO_LATE


FACTS = st.builds(
    Facts,
    disposition=st.sampled_from(Disposition),
    stage=st.sampled_from(Stage),
    sent=st.integers(0, 6),
    last=st.none()
    | st.datetimes(datetime(2026, 1, 1), datetime(2026, 3, 20)).map(lambda d: d.replace(tzinfo=HERE)),
    reachable=st.booleans(),
    opted_out=st.booleans(),
    household_sent=st.integers(0, 6),
    preferred=st.none() | st.times(),
)


@given(FACTS, st.datetimes(datetime(2026, 1, 1), datetime(2026, 3, 20)).map(lambda d: d.replace(tzinfo=HERE)))
def test_whatever_goes_out_goes_out_to_somebody_open_in_the_hours_of_an_open_campaign(
    facts: Facts, now: datetime
) -> None:
    decision = decide(facts, CAMPAIGN, RULES, now, TET)
    if decision.now:
        assert facts.disposition in OPEN and facts.reachable and not facts.opted_out
        assert Hours().allow(now, TET) and CAMPAIGN.begins <= now.date() <= CAMPAIGN.ends
        assert facts.sent <= RULES.most and facts.household_sent < RULES.per_household
        assert decision.at is None
    elif decision.at is not None:
        # Looked at again later, never in a circle.
        assert decision.at > now


@given(FACTS)
def test_a_case_that_nobody_answers_is_written_to_a_bounded_number_of_times(facts: Facts) -> None:
    now, sent = at(1, 20), 0
    while True:
        decision = decide(facts, CAMPAIGN, RULES, now, TET)
        if decision.now:
            sent += 1
            facts = replace(facts, sent=facts.sent + 1, last=now)
        elif decision.at is None:
            break
        else:
            now = decision.at
        now += timedelta(seconds=decision.now)
    assert sent <= 1 + RULES.most


@pytest.mark.parametrize(("plan", "most"), [(Plan.STANDARD, 3), (Plan.FEW, 1), (Plan.NONE, 0)])
def test_a_plan_by_name_says_how_often_people_are_reminded(plan: Plan, most: int) -> None:
    check_rules(PLANS[plan])
    assert PLANS[plan].most == most


@pytest.mark.parametrize(
    ("rules", "code"),
    [
        (Rules(after={Stage.NOT_STARTED: (1,) * 11}), "rules_reminders"),
        (Rules(after={Stage.HALF_DONE: (0,)}), "rules_reminders"),
        (Rules(last_days=31), "rules_reminders"),
        (Rules(hours=Hours(time(20), time(8))), "rules_hours"),
        (Rules(hours=Hours(time(5), time(20))), "rules_hours"),
        (Rules(hours=Hours(time(8), time(23))), "rules_hours"),
        (Rules(per_household=0), "rules_household"),
        (Rules(household_days=400), "rules_household"),
    ],
)
def test_rules_that_would_pester_people_are_refused(rules: Rules, code: str) -> None:
    with pytest.raises(Problem) as caught:
        check_rules(rules)
    assert caught.value.code == code


# ── who came by themselves, staff who ask now, what the office allows ───────────────────────────────────────


def test_who_came_by_themselves_needs_no_invitation_and_is_reminded_as_if_they_had_one() -> None:
    came = replace(NEW, disposition=Disposition.NO_REPLY, last=at(1, 26))
    assert next_contact(came, CAMPAIGN, RULES, at(1, 26, 11)) == at(1, 29)
    half = replace(came, stage=Stage.HALF_DONE)
    assert next_contact(half, CAMPAIGN, RULES, at(1, 26, 11)) == at(1, 27)


def test_staff_who_ask_now_are_heard_for_whoever_heard_nothing_for_a_day() -> None:
    asked = replace(CAMPAIGN, urged=at(1, 28, 9))
    assert decide(invited(1, at(1, 26)), asked, RULES, at(1, 28, 9)).now
    lately = invited(1, at(1, 27, 20))
    assert decide(lately, asked, RULES, at(1, 28, 9)).at == at(1, 30, 20) - timedelta(hours=20) + timedelta(
        days=1, hours=8
    )
    assert decide(invited(9, at(1, 26)), asked, RULES, at(1, 28, 9)).now, "beyond the number of reminders"
    full = invited(1, at(1, 26), household_sent=4)
    assert decide(full, asked, RULES, at(1, 28, 9)).why is Why.HOUSEHOLD_ENOUGH
    assert decide(invited(1, at(1, 26)), asked, RULES, at(1, 28, 21)).at == at(1, 29, 8)
    again = invited(2, at(1, 28, 9))
    assert decide(again, asked, RULES, at(1, 28, 9, 1)).why is Why.NOT_YET


def test_what_has_no_time_left_is_looked_at_again_after_the_last_day() -> None:
    late = decide(invited(1, at(3, 7)), CAMPAIGN, RULES, at(3, 8))
    assert (late.why, late.at) == (Why.TOO_LATE, at(3, 9, 0))
    longer = replace(CAMPAIGN, ends=date(2026, 3, 20))
    assert next_contact(invited(1, at(3, 7)), longer, RULES, at(3, 9, 0)) == at(3, 10)


def test_an_instant_of_a_clock_that_was_ahead_keeps_nobody_waiting() -> None:
    assert next_contact(invited(1, at(3, 1)), CAMPAIGN, RULES, at(1, 27)) == at(1, 30)


def test_the_hour_somebody_prefers_is_kept_for_two_hours_then_it_is_tomorrow_s() -> None:
    morning = invited(1, at(1, 26, 9), preferred=time(9))
    assert decide(morning, CAMPAIGN, RULES, at(1, 29, 10, 59)).now
    assert decide(morning, CAMPAIGN, RULES, at(1, 29, 11)).at == at(1, 30, 9)


def test_a_campaign_without_rules_of_its_own_has_the_office_s() -> None:
    office = Office(Hours(time(9), time(19), weekends=False), per_household=2, household_days=60)
    rules = within(Rules(), office)
    assert (rules.hours, rules.per_household, rules.household_days) == (office.hours, 2, 60)
    assert rules.after == Rules().after


def test_a_campaign_s_own_rules_hold_as_far_as_the_office_allows() -> None:
    own = Rules(hours=Hours(time(7), time(18), holidays=True), per_household=9, household_days=7)
    rules = within(own, Office(Hours(time(8), time(20), weekends=False), 4, 30))
    assert rules.hours == Hours(time(8), time(18), weekends=False, holidays=False)
    assert (rules.per_household, rules.household_days) == (4, 30)
    apart = within(Rules(hours=Hours(time(6), time(7))), Office(Hours(time(8), time(20))))
    assert apart.hours == Hours(time(8), time(20))
