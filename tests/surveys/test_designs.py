"""Whom a campaign asks: samples of a frame, and quotas that ask everybody what tells them apart."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from surveys.campaigns import Mode
from surveys.deadlines import day_of, is_day, upcoming
from surveys.designs import (
    MOST_QUOTAS,
    Design,
    Kind,
    Quota,
    Strata,
    belongs,
    check_design,
    filled,
    full,
    needs,
    planned,
    read_kind,
    stratum_of,
)
from surveys.instruments import Instrument, PersonFields, Unit
from surveys.population import AgeBand, Sex
from surveys.problems import Problem
from surveys.sampling import Unit as Drawable
from surveys.sampling import draw, first

PERSON = Instrument(
    "phieu", "1", "", "phieu", Unit.PERSON, PersonFields("gioi", {"1": Sex.MALE, "2": Sex.FEMALE}, "sinh")
)
HOUSEHOLD = replace(PERSON, unit=Unit.HOUSEHOLD, person=None)
SAMPLE = Design(size=10, seed="QĐ 12")


def refused(design: Design, mode: Mode, instrument: Instrument = PERSON) -> str:
    with pytest.raises(Problem) as caught:
        check_design(design, mode, instrument)
    return caught.value.code


@pytest.mark.parametrize(
    ("mode", "design"),
    [
        (Mode.OPEN, Design()),
        (Mode.CENSUS, Design()),
        (Mode.CENSUS, Design(neighbourhoods=("Khu phố 1",))),
        (Mode.SAMPLE, SAMPLE),
        (Mode.SAMPLE, replace(SAMPLE, size=None, sizes={"26740/Khu phố 1": 3}, strata=Strata.NEIGHBOURHOOD)),
        (Mode.OPEN, Design(quotas=(Quota(50, Sex.FEMALE), Quota(50, Sex.MALE), Quota(9, area="26740")))),
    ],
)
def test_a_design_that_goes_with_its_campaign_is_taken(mode: Mode, design: Design) -> None:
    check_design(design, mode, PERSON)


@pytest.mark.parametrize(
    ("mode", "design", "code"),
    [
        (Mode.CENSUS, SAMPLE, "design_no_sample"),
        (Mode.OPEN, Design(strata=Strata.COMMUNE), "design_no_sample"),
        (Mode.OPEN, Design(neighbourhoods=("Khu phố 1",)), "design_no_frame"),
        (Mode.SAMPLE, replace(SAMPLE, size=None), "design_size"),
        (Mode.SAMPLE, replace(SAMPLE, size=0), "design_size"),
        (Mode.SAMPLE, replace(SAMPLE, size=200_001), "design_size"),
        (Mode.SAMPLE, replace(SAMPLE, sizes={"": 3}), "design_size"),
        (Mode.SAMPLE, replace(SAMPLE, seed=" "), "sample_seed"),
        (Mode.SAMPLE, replace(SAMPLE, reserve=501), "design_reserve"),
        (Mode.SAMPLE, replace(SAMPLE, quotas=(Quota(5, Sex.MALE),)), "quota_mode"),
        (Mode.CENSUS, Design(quotas=(Quota(5, Sex.MALE),)), "quota_mode"),
        (Mode.OPEN, Design(quotas=(Quota(5),)), "quota_of_everybody"),
        (Mode.OPEN, Design(quotas=(Quota(0, Sex.MALE),)), "quota_number"),
        (Mode.OPEN, Design(quotas=(Quota(5, Sex.MALE), Quota(6, Sex.MALE))), "quota_twice"),
        (
            Mode.OPEN,
            Design(quotas=tuple(Quota(1, area=str(each)) for each in range(MOST_QUOTAS + 1))),
            "quota_many",
        ),
    ],
)
def test_a_design_that_does_not_is_refused(mode: Mode, design: Design, code: str) -> None:
    assert refused(design, mode) == code


def test_a_quota_by_sex_needs_a_form_that_asks_it() -> None:
    assert refused(Design(quotas=(Quota(5, Sex.MALE),)), Mode.OPEN, HOUSEHOLD) == "quota_unasked"
    check_design(Design(quotas=(Quota(5, area="26740"),)), Mode.OPEN, HOUSEHOLD)


# Samples


def test_strata_of_one_name_in_two_communes_are_two() -> None:
    assert stratum_of(Strata.NEIGHBOURHOOD, "26740", "Khu phố 1") == "26740/Khu phố 1"
    assert stratum_of(Strata.COMMUNE, "26740", "Khu phố 1") == "26740"
    assert stratum_of(Strata.NONE, "26740", "Khu phố 1") == ""


def test_the_plan_of_a_sample_names_probability_and_reserve() -> None:
    plan = planned(Design(size=30, seed="s", strata=Strata.COMMUNE, reserve=50), {"a": 200, "b": 98, "c": 2})
    assert plan.sample == {"a": 19, "b": 9, "c": 2}
    assert plan.reserve == {"a": 10, "b": 5, "c": 0}
    assert plan.probability("a") == 0.095


def test_sizes_by_stratum_are_taken_as_they_are_and_the_others_get_none() -> None:
    plan = planned(Design(sizes={"a": 3}, seed="s"), {"a": 10, "b": 10})
    assert plan.sample == {"a": 3, "b": 0} and plan.reserve == {"a": 3, "b": 0}


@pytest.mark.parametrize(
    ("design", "frame", "code"),
    [
        (SAMPLE, {}, "frame_empty"),
        (SAMPLE, {"": 9}, "sample_size"),
        (replace(SAMPLE, size=None, sizes={"x": 1}), {"": 9}, "sample_stratum"),
        (replace(SAMPLE, size=None, sizes={"": 10}), {"": 9}, "sample_size"),
    ],
)
def test_a_sample_that_the_frame_does_not_have_is_refused(
    design: Design, frame: dict[str, int], code: str
) -> None:
    with pytest.raises(Problem) as caught:
        planned(design, frame)
    assert caught.value.code == code


@given(st.lists(st.sampled_from("abc"), min_size=1, max_size=60), st.text(min_size=1, max_size=4), st.data())
def test_reading_the_frame_once_draws_what_drawing_it_whole_does(
    strata: list[str], seed: str, data: Any
) -> None:
    if not seed.strip():
        return
    frame = [Drawable(f"{place}", stratum) for place, stratum in enumerate(strata)]
    sizes = {name: strata.count(name) for name in set(strata)}
    taken = {name: data.draw(st.integers(0, size)) for name, size in sizes.items()}
    more = {name: data.draw(st.integers(taken[name], size)) for name, size in sizes.items()}
    whole = draw(frame, taken, seed)
    once = first(reversed(frame), more, seed)
    for name in sizes:
        sample = tuple(one.key for one in whole.sample if one.stratum == name)
        assert once[name] == (sample + whole.reserve[name])[: more[name]]


# Quotas

KINDS = st.builds(
    Kind,
    st.sampled_from([None, *Sex]),
    st.sampled_from([None, AgeBand.FROM_15, AgeBand.FROM_25]),
    st.sampled_from(["26740", "26743"]),
)
QUOTAS = st.builds(
    Quota,
    st.integers(1, 4),
    st.sampled_from([None, *Sex]),
    st.sampled_from([None, AgeBand.FROM_15, AgeBand.FROM_25]),
    st.sampled_from(["", "26740", "26743"]),
)


@given(KINDS)
def test_a_kind_is_read_as_it_was_written(kind: Kind) -> None:
    assert read_kind(str(kind)) == kind


def test_all_that_any_quota_is_about_has_to_be_known_first() -> None:
    men, young = Quota(1, Sex.MALE), Quota(1, age_band=AgeBand.FROM_15)
    assert needs([men]) == (True, False, False)
    assert needs([men, young, Quota(1, area="26740")]) == (True, True, True)


def test_who_is_not_known_to_belong_to_a_quota_is_not_kept_out_by_it() -> None:
    quota = Quota(1, Sex.MALE, area="26740")
    assert not belongs(quota, Kind(None, AgeBand.FROM_15, "26740"))
    assert full([quota], {Kind(Sex.MALE, None, "26740"): 9}, Kind(None, None, "26740")) is None


@given(st.lists(QUOTAS, min_size=1, max_size=5), st.lists(KINDS, max_size=40))
def test_people_let_in_one_by_one_never_fill_a_quota_beyond_its_number(
    quotas: list[Quota], people: list[Kind]
) -> None:
    completes: dict[Kind, int] = {}
    for kind in people:
        out = full(quotas, completes, kind)
        own = [
            number
            for quota, number in zip(quotas, filled(quotas, completes), strict=True)
            if belongs(quota, kind) and number >= quota.most
        ]
        assert (out is not None) == bool(own)
        if out is None:
            completes[kind] = completes.get(kind, 0) + 1
    for quota, number in zip(quotas, filled(quotas, completes), strict=True):
        assert number <= quota.most


# Deadlines


def test_the_next_deadlines_come_nearest_first_and_are_near_within_the_lead_time() -> None:
    days = {"units": 1210, "departments": 110, "files": 115}
    found = upcoming(days, 14, date(2026, 11, 28))
    assert [(one.name, one.on, one.days_left, one.near) for one in found] == [
        ("units", date(2026, 12, 10), 12, True),
        ("departments", date(2027, 1, 10), 43, False),
        ("files", date(2027, 1, 15), 48, False),
    ]
    assert upcoming({"units": 1210}, 0, date(2026, 12, 10))[0].days_left == 0
    assert upcoming({"units": 1210}, 0, date(2026, 12, 11))[0].on == date(2027, 12, 10)


def test_a_day_of_the_year_is_written_as_month_and_day() -> None:
    assert is_day(1210) and is_day(229)
    assert not any(map(is_day, (1200, 1301, 230, 1131, 0)))
    assert day_of(229, 2027) == date(2027, 2, 28)
