"""Which case somebody comes to, which are due, and cases made of a frame set by set."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, insert, select, update

from storage import campaigns, cases, frames, openings
from storage.campaigns import Campaign
from storage.frames import Frame, LeftOut, Reach
from storage.openings import COMMUNES, Making
from storage.schema import cases as rows
from storage.schema import contacts, draws, households, persons
from surveys.campaigns import Mode, Status
from surveys.designs import Design, Kind, Strata, planned
from surveys.instruments import Unit
from surveys.population import Sex
from surveys.problems import Problem
from surveys.sampling import first
from tests.households import link, people_of, settle
from tests.ward import CITY, HERE, NOW, THERE, Ward, found

NAMES = ("Khu phố 1", "Khu phố 2", "")


@pytest.fixture
def ward(database_url: str) -> Iterator[Ward]:
    office = found(database_url)
    yield office
    office.close()


def campaign(ward: Ward, mode: Mode = Mode.CENSUS, design: Design | None = None) -> Campaign:
    """The campaign here, open, of this mode."""

    def write(connection: Any) -> Campaign:
        known = campaigns.expect(connection, ward.here)
        draft = replace(known.draft, mode=mode, design=design or Design())
        campaigns.amend(connection, ward.here, draft)
        return campaigns.set_status(connection, ward.here, Status.OPEN, NOW)

    return ward.database.write(write)


def frame(ward: Ward, area: tuple[str, str] = HERE, unit: Unit = Unit.HOUSEHOLD, **changes: Any) -> Frame:
    return ward.database.read(
        lambda c: frames.frame_of(c, campaign_id=ward.here, instrument_id=1, area=area, unit=unit, **changes)
    )


def make(ward: Ward, making: Making, limit: int = 7) -> list[int]:
    """All cases, step by step; the units each step looked at."""
    steps = []
    while True:
        done = ward.database.write(lambda c: openings.step(c, making, limit))
        steps.append(done.units)
        if done.done:
            return steps


def made(ward: Ward) -> list[Any]:
    statement = select(rows).where(rows.c.campaign_id == ward.here).order_by(rows.c.id)
    return ward.database.read(lambda c: list(c.execute(statement)))


# Making cases


def test_every_household_of_the_area_gets_one_case_in_short_steps(ward: Ward) -> None:
    here = ward.database.write(lambda c: settle(c, HERE, 20, neighbourhoods=NAMES))
    there = ward.database.write(lambda c: settle(c, THERE, 9))
    ward.database.write(lambda c: settle(c, HERE, 3, status="left"))
    campaign(ward)
    steps = make(ward, Making(ward.here, frame(ward, CITY), NOW, NOW + 5))
    assert max(steps) <= 7 and sum(steps) == 32
    cases_made = made(ward)
    assert Counter(one.household_id for one in cases_made) == Counter([*here, *there])
    assert {(one.unit, one.disposition, one.next_at, one.sent, one.stage) for one in cases_made} == {
        ("household", "3.10", NOW + 5, 0, "not_started")
    }
    assert {(one.area_code, one.neighbourhood) for one in cases_made} == {
        *((HERE[1], name) for name in NAMES),
        (THERE[1], "Khu phố 1"),
    }
    assert ward.database.read(lambda c: campaigns.expect(c, ward.here)).made_at == NOW


def test_whoever_came_by_themselves_in_between_keeps_the_case_they_have(ward: Ward) -> None:
    homes = ward.database.write(lambda c: settle(c, HERE, 9))
    campaign(ward)
    common = {"campaign_id": ward.here, "unit": "household", "area_code": HERE[1], "created_at": NOW}

    def come(connection: Any) -> None:
        for home in (homes[1], homes[5]):
            values = {**common, "household_id": home, "disposition": "3.20", "changed_at": NOW}
            connection.execute(insert(rows).values(**values))

    ward.database.write(come)
    steps = make(ward, Making(ward.here, frame(ward), NOW, NOW), 4)
    assert sum(steps) == 9
    assert Counter(one.household_id for one in made(ward)) == Counter(homes)
    assert {one.household_id for one in made(ward) if one.disposition == "3.20"} == {homes[1], homes[5]}


def test_people_are_asked_one_by_one_where_the_form_is_personal(ward: Ward) -> None:
    homes = ward.database.write(lambda c: settle(c, HERE, 4, people=3))
    moved = ward.database.read(lambda c: people_of(c, homes[0]))[0]
    ward.database.write(
        lambda c: c.execute(update(persons).where(persons.c.id == moved).values(status="moved"))
    )
    campaign(ward)
    make(ward, Making(ward.here, frame(ward, unit=Unit.PERSON), NOW, None), 2)
    assert len(made(ward)) == 11 and moved not in {one.person_id for one in made(ward)}


def test_only_the_neighbourhoods_that_are_asked_get_cases(ward: Ward) -> None:
    ward.database.write(lambda c: settle(c, HERE, 9, neighbourhoods=NAMES))
    campaign(ward)
    some = frame(ward, neighbourhoods=["Khu phố 2"])
    make(ward, Making(ward.here, some, NOW, None), 2)
    assert [one.neighbourhood for one in made(ward)] == ["Khu phố 2"] * 3
    assert ward.database.read(lambda c: frames.count(c, some)) == 3
    assert ward.database.read(lambda c: frames.count(c, some, 2)) == 2


def test_a_step_walks_a_bounded_number_of_communes_however_empty_they_are(ward: Ward) -> None:
    ward.database.write(lambda c: settle(c, HERE, 2))
    campaign(ward)
    empty = tuple(f"0{number:04}" for number in range(2 * COMMUNES))
    wide = replace(frame(ward), communes=(*empty, HERE[1]))
    assert len(make(ward, Making(ward.here, wide, NOW, None), 100)) == 3
    assert len(made(ward)) == 2


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.tuples(st.sampled_from([HERE, THERE]), st.sampled_from(NAMES)), max_size=12),
    st.lists(st.integers(1, 5), min_size=1, max_size=4),
)
def test_however_the_steps_are_cut_and_repeated_every_unit_has_one_case(
    tmp_path_factory: pytest.TempPathFactory, homes: list[tuple[tuple[str, str], str]], limits: list[int]
) -> None:
    ward = found(f"sqlite:///{tmp_path_factory.mktemp('cut') / 'hoidan.db'}")
    for area, name in homes:
        ward.database.write(partial(_one, area=area, name=name))
    campaign(ward)
    making = Making(ward.here, frame(ward, CITY), NOW, None)
    count = 0
    while not ward.database.write(
        lambda c: openings.step(c, making, limits[count % len(limits)])  # noqa: B023
    ).done:
        count += 1
    # Somebody begins all over, as after a lost note of how far it came.
    ward.database.write(lambda c: campaigns.note(c, ward.here, made_at=None, made_to=None))
    make(ward, making, 3)
    assert sorted(one.household_id for one in made(ward)) == list(range(1, len(homes) + 1))
    ward.close()


def _one(connection: Any, area: tuple[str, str], name: str) -> None:
    settle(connection, area, 1, neighbourhoods=(name,))


def test_a_closed_campaign_gets_no_more_cases(ward: Ward) -> None:
    ward.database.write(lambda c: settle(c, HERE, 20))
    campaign(ward)
    making = Making(ward.here, frame(ward), NOW, None)
    ward.database.write(lambda c: openings.step(c, making, 5))
    ward.database.write(lambda c: campaigns.set_status(c, ward.here, Status.CLOSED, NOW))
    assert ward.database.write(lambda c: openings.step(c, making, 5)).done
    assert len(made(ward)) == 5


# Who is left out, who is reached


def test_who_is_left_out_is_counted_once_by_the_first_reason(ward: Ward) -> None:
    homes = ward.database.write(lambda c: settle(c, HERE, 9, neighbourhoods=NAMES))
    ward.database.write(lambda c: settle(c, HERE, 2, status="left"))
    ward.act("campaign.open", campaign=ward.there)
    ward.database.write(
        lambda c: c.execute(
            insert(rows),
            [
                {
                    "campaign_id": ward.there, "unit": "household", "area_code": HERE[1],
                    "disposition": "3.10", "created_at": NOW, "changed_at": NOW, "household_id": key,
                }
                for key in homes[:2]
            ],
        )
    )  # fmt: skip
    asked = frame(ward, neighbourhoods=["Khu phố 1", "Khu phố 2"])
    assert asked.beside == (ward.there,)
    left = ward.database.read(lambda c: frames.left_out(c, asked))
    assert left == LeftOut(inactive=2, other_neighbourhood=3, asked_elsewhere=2)
    assert ward.database.read(lambda c: frames.count(c, asked)) == 4


def test_reach_tells_channels_and_why_others_are_not_reached(ward: Ward) -> None:
    homes = ward.database.write(lambda c: settle(c, HERE, 6, people=2))
    first_, second, third, fourth = (ward.resident(channel).contact_id or 0 for channel in CHANNELS)

    def write(connection: Any) -> None:
        link(connection, first_, homes[0])
        link(connection, second, homes[0])
        link(connection, second, homes[1])
        link(connection, third, homes[2])
        link(connection, fourth, homes[3], people_of(connection, homes[3])[0])
        changed = update(contacts).where(contacts.c.id == third)
        connection.execute(changed.values(status="blocked"))
        connection.execute(update(contacts).where(contacts.c.id == fourth).values(opted_out_at=NOW))

    ward.database.write(write)
    known = ward.database.read(lambda c: frames.reach(c, frame(ward)))
    assert known == Reach(
        channels={"telegram": 1, "webchat": 2}, reached=2, no_contact=2, blocked=1, opted_out=1
    )
    people = ward.database.read(lambda c: frames.reach(c, frame(ward, unit=Unit.PERSON)))
    assert people == Reach(
        channels={"telegram": 2, "webchat": 4}, reached=4, no_contact=5, blocked=2, opted_out=1
    )


CHANNELS = ("telegram", "webchat", "telegram", "telegram")


# Samples


def drawn(ward: Ward, design: Design) -> Making:
    """A sample drawn and kept, its campaign open."""
    campaign(ward, Mode.SAMPLE, design)
    asked = frame(ward)

    def write(connection: Any) -> Making:
        plan = planned(design, frames.strata(connection, asked, design.strata))
        keep = {name: plan.sample[name] + plan.reserve[name] for name in plan.sample}
        order = first(frames.units(connection, asked, design.strata), keep, design.seed)
        for piece in openings.pieces(openings.rows_of(ward.here, order)):
            openings.keep_draw(connection, piece)
        campaigns.note(connection, ward.here, drawn=plan)
        return Making(ward.here, asked, NOW, None, plan)

    return ward.database.write(write)


SAMPLE = Design(size=8, seed="QĐ 12", strata=Strata.NEIGHBOURHOOD, reserve=50)


def test_a_sample_keeps_probability_and_rank_of_every_case_and_its_reserve(ward: Ward) -> None:
    ward.database.write(lambda c: settle(c, HERE, 40, neighbourhoods=NAMES[:2]))
    making = drawn(ward, SAMPLE)
    make(ward, making, 3)
    found_ = made(ward)
    assert Counter(one.stratum for one in found_) == {f"{HERE[1]}/Khu phố 1": 4, f"{HERE[1]}/Khu phố 2": 4}
    assert {one.probability for one in found_} == {0.2}
    assert sorted(one.rank for one in found_) == [1, 1, 2, 2, 3, 3, 4, 4]
    assert ward.database.read(lambda c: c.execute(select(func.count()).select_from(draws)).scalar_one()) == 12
    assert all(one.stratum.endswith(one.neighbourhood) for one in found_)


def test_a_lost_case_is_replaced_by_the_next_of_its_stratum_and_by_nobody_else(ward: Ward) -> None:
    ward.database.write(lambda c: settle(c, HERE, 40, neighbourhoods=NAMES[:2]))
    make(ward, drawn(ward, SAMPLE), 50)
    one = made(ward)[0]
    reserve = ward.database.read(
        lambda c: list(
            c.execute(
                select(draws.c.household_id)
                .where(draws.c.stratum == one.stratum, draws.c.rank > 4)
                .order_by(draws.c.rank)
            ).scalars()
        )
    )

    def replaced(case: int) -> int:
        return ward.database.write(
            lambda c: openings.replace(
                c, openings.replaceable(c, ward.here, case), Unit.HOUSEHOLD, "4.10", NOW, NOW
            )
        )

    # The first of the reserve has left meanwhile: it is passed over, not chosen around.
    ward.database.write(
        lambda c: c.execute(update(households).where(households.c.id == reserve[0]).values(status="left"))
    )
    new = replaced(one.id)
    after = {each.id: each for each in made(ward)}
    assert (after[one.id].disposition, after[one.id].next_at) == ("4.10", None)
    taken = after[new]
    assert (taken.household_id, taken.stratum, taken.rank) == (reserve[1], one.stratum, 6)
    assert (taken.replaces, taken.probability, taken.next_at) == (one.id, one.probability, NOW)
    with pytest.raises(Problem) as caught:
        replaced(one.id)
    assert caught.value.code == "case_replaced"
    with pytest.raises(Problem) as caught:
        replaced(new)
    assert caught.value.code == "reserve_empty"
    assert len(made(ward)) == 9


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"disposition": "1.1"}, "case_answered"),
        ({"disposition": "1.2"}, "case_answered"),
        ({"rank": None}, "case_not_of_sample"),
    ],
)
def test_only_a_drawn_case_without_answers_is_replaced(
    ward: Ward, changes: dict[str, Any], code: str
) -> None:
    ward.database.write(lambda c: settle(c, HERE, 20))
    make(ward, drawn(ward, replace(SAMPLE, strata=Strata.NONE)), 50)
    one = made(ward)[0].id
    ward.database.write(lambda c: c.execute(update(rows).where(rows.c.id == one).values(**changes)))
    for case, wanted in ((one, code), (10**6, "case_unknown")):
        with pytest.raises(Problem) as caught:
            ward.database.write(partial(openings.replaceable, campaign_id=ward.here, case_id=case))
        assert caught.value.code == wanted


# Who comes to which case


def comes(ward: Ward, contact: int, unit: Unit = Unit.HOUSEHOLD) -> int:
    known = ward.database.read(lambda c: campaigns.expect(c, ward.here))
    return ward.database.write(lambda c: cases.case_for(c, known, contact, unit, NOW))


def test_who_is_linked_with_a_household_comes_to_its_case_whichever_telephone_it_is(ward: Ward) -> None:
    homes = ward.database.write(lambda c: settle(c, HERE, 5))
    campaign(ward)
    make(ward, Making(ward.here, frame(ward), NOW, None), 50)
    wanted = next(one.id for one in made(ward) if one.household_id == homes[3])
    for channel in ("telegram", "webchat"):
        contact = ward.resident(channel).contact_id or 0
        ward.database.write(partial(link, contact_id=contact, household=homes[3]))
        assert comes(ward, contact) == wanted == comes(ward, contact)
    holders = ward.database.read(lambda c: cases.holders(c, wanted))
    assert [one.channel for one in holders] == ["telegram", "webchat"]
    assert len(made(ward)) == 5


def test_a_merged_household_leads_to_the_one_it_became_part_of(ward: Ward) -> None:
    homes = ward.database.write(lambda c: settle(c, HERE, 2))
    contact = ward.resident().contact_id or 0
    ward.database.write(partial(link, contact_id=contact, household=homes[0]))
    ward.database.write(
        lambda c: c.execute(
            update(households)
            .where(households.c.id == homes[0])
            .values(status="merged", merged_into=homes[1])
        )
    )
    campaign(ward)
    make(ward, Making(ward.here, frame(ward), NOW, None), 50)
    (only,) = made(ward)
    assert only.household_id == homes[1] and comes(ward, contact) == only.id


def test_who_comes_before_the_cases_are_all_made_gets_the_frames_case_and_no_second_one(ward: Ward) -> None:
    homes = ward.database.write(lambda c: settle(c, HERE, 4))
    contact = ward.resident().contact_id or 0
    ward.database.write(partial(link, contact_id=contact, household=homes[2]))
    campaign(ward)
    early = comes(ward, contact)
    make(ward, Making(ward.here, frame(ward), NOW, None), 50)
    assert Counter(one.household_id for one in made(ward)) == Counter(homes)
    assert next(one for one in made(ward) if one.household_id == homes[2]).id == early


def test_of_a_telephone_of_the_whole_house_nobody_can_tell_which_person_writes(ward: Ward) -> None:
    homes = ward.database.write(lambda c: settle(c, HERE, 1, people=2))
    person = ward.database.read(lambda c: people_of(c, homes[0]))[1]
    of_house, of_person = (ward.resident().contact_id or 0 for _ in range(2))
    ward.database.write(partial(link, contact_id=of_house, household=homes[0]))
    ward.database.write(partial(link, contact_id=of_person, household=homes[0], person=person))
    campaign(ward)
    make(ward, Making(ward.here, frame(ward, unit=Unit.PERSON), NOW, None), 50)
    known = {one.person_id: one.id for one in made(ward)}
    assert comes(ward, of_person, Unit.PERSON) == known[person]
    assert comes(ward, of_house, Unit.PERSON) not in known.values()


def test_nobody_chooses_to_be_in_a_sample(ward: Ward) -> None:
    homes = ward.database.write(lambda c: settle(c, HERE, 20))
    make(ward, drawn(ward, replace(SAMPLE, strata=Strata.NONE)), 50)
    in_it = {one.household_id: one.id for one in made(ward)}
    inside, outside, stranger = (ward.resident().contact_id or 0 for _ in range(3))
    ward.database.write(partial(link, contact_id=inside, household=min(in_it)))
    ward.database.write(partial(link, contact_id=outside, household=min(set(homes) - set(in_it))))
    assert comes(ward, inside) == in_it[min(in_it)]
    for contact in (outside, stranger):
        with pytest.raises(Problem) as caught:
            comes(ward, contact)
        assert caught.value.code == "case_not_drawn"
    assert len(made(ward)) == 8


def test_who_lives_outside_the_campaigns_area_is_nobody_of_its_frame(ward: Ward) -> None:
    homes = ward.database.write(lambda c: settle(c, THERE, 1))
    contact = ward.resident().contact_id or 0
    ward.database.write(partial(link, contact_id=contact, household=homes[0]))
    campaign(ward, Mode.OPEN)
    comes(ward, contact)
    (only,) = made(ward)
    assert (only.household_id, only.area_code) == (None, HERE[1])


# Due cases


def test_due_cases_come_campaign_by_campaign_the_longest_due_first(ward: Ward) -> None:
    ward.database.write(lambda c: settle(c, HERE, 5))
    campaign(ward)
    make(ward, Making(ward.here, frame(ward), NOW, NOW), 50)
    ids = [one.id for one in made(ward)]
    ward.database.write(lambda c: c.execute(update(rows).where(rows.c.id == ids[3]).values(next_at=NOW - 1)))
    ward.database.write(lambda c: c.execute(update(rows).where(rows.c.id == ids[0]).values(next_at=None)))
    ward.database.write(lambda c: c.execute(update(rows).where(rows.c.id == ids[1]).values(next_at=NOW + 1)))
    assert ward.database.write(lambda c: cases.due(c, ward.here, NOW, 2)) == [ids[3], ids[2]]
    assert ward.database.write(lambda c: cases.due(c, ward.there, NOW, 2)) == []


# Quotas


def test_only_completes_count_for_quotas(ward: Ward) -> None:
    ward.database.write(lambda c: settle(c, HERE, 3))
    campaign(ward)
    make(ward, Making(ward.here, frame(ward), NOW, None), 50)
    man = Kind(Sex.MALE, None, HERE[1])
    for one, code in zip(made(ward), ("1.1", "2.20", "4.80"), strict=True):
        ward.database.write(partial(cases.set_kind, case_id=one.id, kind=man))
        ward.database.write(
            lambda c: c.execute(update(rows).where(rows.c.id == one.id).values(disposition=code))  # noqa: B023
        )
    assert ward.database.read(lambda c: cases.completes(c, ward.here)) == {man: 1}
