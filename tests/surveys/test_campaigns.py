"""A campaign's life: what follows what, and what the law wants before anybody is asked."""

from __future__ import annotations

from dataclasses import fields, replace
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from surveys.campaigns import (
    Basis,
    Legal,
    Status,
    Step,
    after,
    check_approval,
    check_dates,
    check_extension,
    check_legal,
    check_opening,
    is_running,
    missing,
)
from surveys.problems import Problem

FIRST, LAST, TODAY = date(2026, 1, 5), date(2026, 2, 5), date(2026, 1, 10)
LEGAL = Legal(
    controller="UBND phường Sài Gòn",
    address="45 Lê Duẩn",
    phone="028 3829 7000",
    purpose="thống kê",
    storage_place="máy chủ của phường",
    retention_days=90,
    dpo_contact="dpo@phuong.example",
    basis=Basis.CONSENT,
    decision_number="12/QĐ-UBND",
    decision_date=date(2025, 12, 1),
)


def opening(legal: Legal = LEGAL, **changes: object) -> None:
    given_ = {
        "starts_on": FIRST,
        "ends_on": LAST,
        "reference_date": FIRST,
        "has_consent_form": True,
        "today": TODAY,
    }
    check_opening(legal=legal, **{**given_, **changes})  # type: ignore[arg-type]


def code(of: pytest.ExceptionInfo[Problem]) -> str:
    return of.value.code


@pytest.mark.parametrize(
    ("path", "end"),
    [
        ([Step.OPEN, Step.CLOSE, Step.ARCHIVE], Status.ARCHIVED),
        ([Step.OPEN, Step.PAUSE, Step.RESUME, Step.PAUSE, Step.CLOSE], Status.CLOSED),
    ],
)
def test_a_campaign_goes_from_draft_to_archive(path: list[Step], end: Status) -> None:
    status = Status.DRAFT
    for step in path:
        status = after(status, step)
    assert status is end


@given(st.lists(st.sampled_from(Step)))
def test_a_campaign_opens_once_and_never_after_it_was_closed(steps: list[Step]) -> None:
    status, seen = Status.DRAFT, [Status.DRAFT]
    for step in steps:
        try:
            status = after(status, step)
        except Problem as problem:
            assert problem.params == {"campaign_step": step.value, "campaign_status": status.value}
        seen.append(status)
    closed = next((n for n, status in enumerate(seen) if status is Status.CLOSED), len(seen))
    assert all(status in (Status.CLOSED, Status.ARCHIVED) for status in seen[closed:])
    assert Status.DRAFT not in seen[next((n for n, s in enumerate(seen) if s is Status.OPEN), len(seen)) :]


def test_a_complete_campaign_may_open() -> None:
    opening()
    opening(replace(LEGAL, decision_number="", decision_date=None, internal=True))
    opening(replace(LEGAL, basis=Basis.STATE_TASK), has_consent_form=False)


OPTIONAL = ("internal", "transfer_file")


@pytest.mark.parametrize("name", [field.name for field in fields(Legal) if field.name not in OPTIONAL])
def test_every_legal_field_is_needed_and_named_when_it_is_missing(name: str) -> None:
    change: dict[str, Any] = {name: getattr(Legal(), name)}
    with pytest.raises(Problem) as caught:
        opening(replace(LEGAL, **change))
    assert (code(caught), caught.value.params) == ("campaign_legal_missing", {"fields": (name,)})


def test_an_internal_survey_needs_no_decision_and_may_not_have_one() -> None:
    internal = replace(LEGAL, decision_number="", decision_date=None, internal=True)
    assert missing(internal) == ()
    with pytest.raises(Problem) as caught:
        check_legal(replace(LEGAL, internal=True))
    assert code(caught) == "campaign_internal"


def test_consent_as_the_basis_needs_a_form_to_give_it_in() -> None:
    with pytest.raises(Problem) as caught:
        opening(has_consent_form=False)
    assert code(caught) == "campaign_consent_form"


@pytest.mark.parametrize("days", [-1, 0, 3651])
def test_identifying_data_is_kept_a_day_at_least_and_ten_years_at_most(days: int) -> None:
    with pytest.raises(Problem) as caught:
        check_legal(replace(LEGAL, retention_days=days))
    assert code(caught) == "campaign_retention"


def test_a_campaign_of_yesterday_or_on_a_decision_of_tomorrow_does_not_open() -> None:
    with pytest.raises(Problem) as over:
        opening(today=LAST + timedelta(days=1))
    with pytest.raises(Problem) as early:
        opening(replace(LEGAL, decision_date=TODAY + timedelta(days=1)))
    assert (code(over), code(early)) == ("campaign_over", "campaign_decision_date")
    opening(today=LAST)


@given(st.dates(date(2020, 1, 1), date(2030, 1, 1)), st.integers(-500, 500), st.integers(-800, 800))
def test_dates_are_in_order_and_within_a_year_of_each_other(first: date, length: int, back: int) -> None:
    last = first + timedelta(days=length)
    reference = first - timedelta(days=back)
    good = 0 <= length <= 366 and back <= 366 and (reference - last).days <= 366
    try:
        check_dates(first, last, reference)
    except Problem:
        assert not good
    else:
        assert good


def test_people_are_asked_on_the_days_of_an_open_campaign_only() -> None:
    assert is_running(Status.OPEN, FIRST, LAST, FIRST) and is_running(Status.OPEN, FIRST, LAST, LAST)
    assert not is_running(Status.OPEN, FIRST, LAST, FIRST - timedelta(days=1))
    assert not is_running(Status.OPEN, FIRST, LAST, LAST + timedelta(days=1))
    assert not any(is_running(status, FIRST, LAST, TODAY) for status in Status if status is not Status.OPEN)


# More days, and a second pair of eyes


def test_a_campaign_is_extended_to_a_later_day_that_is_not_past() -> None:
    check_extension(FIRST, LAST, LAST + timedelta(days=1), TODAY)
    check_extension(FIRST, LAST, FIRST + timedelta(days=366), TODAY)
    for until, today, wanted in (
        (LAST, TODAY, "campaign_extension"),
        (LAST + timedelta(days=5), LAST + timedelta(days=6), "campaign_extension"),
        (FIRST + timedelta(days=367), TODAY, "campaign_dates"),
    ):
        with pytest.raises(Problem) as caught:
            check_extension(FIRST, LAST, until, today)
        assert code(caught) == wanted


@given(st.integers(1, 2_000), st.integers(1, 2_000), st.none() | st.integers(1, 2_000))
def test_more_cases_than_the_threshold_need_an_approval_of_as_many(
    size: int, threshold: int, approved: int | None
) -> None:
    may = size <= threshold or (approved is not None and size <= approved)
    try:
        check_approval(size, threshold, approved)
    except Problem as problem:
        outgrown = approved is not None
        assert not may
        assert problem.code == ("campaign_approval_outgrown" if outgrown else "campaign_approval_needed")
    else:
        assert may
