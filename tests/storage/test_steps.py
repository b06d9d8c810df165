"""Steps as stored, cases as the rules see them, and what is looked at when."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import time
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import insert, select, update
from sqlalchemy.exc import IntegrityError

from storage import cases as kept
from storage import contacting, contacts, interviews, leases, parameters, steps
from storage.contacting import Counted, Known
from storage.schema import campaigns, case_contacts, cases
from storage.schema import contacts as contact_rows
from storage.steps import Step, key_of, read_key
from surveys.reminders import Stage
from tests.households import link, people_of, settle
from tests.ward import HERE, NOW, Ward, found

ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
TELEGRAM = ("telegram",)
DAY = 86_400_000


@pytest.fixture
def ward(database_url: str) -> Iterator[Ward]:
    office = found(database_url)
    office.database.write(lambda c: c.execute(update(campaigns).values(status="open")))
    yield office
    office.close()


def contact(ward: Ward, name: str, channel: str = "telegram") -> int:
    return ward.database.write(lambda c: contacts.create(c, ward.keyring, channel, name, "vi", NOW)).id


def case(ward: Ward, household: int | None = None, person: int | None = None, **changes: Any) -> int:
    """A case of the campaign here; its id."""
    values = {
        "campaign_id": ward.here,
        "unit": "household" if person is None else "person",
        "area_code": HERE[1],
        "disposition": "3.10",
        "created_at": NOW,
        "changed_at": NOW,
        "household_id": household,
        "person_id": person,
        **changes,
    }
    return ward.database.write(
        lambda c: c.execute(insert(cases).values(**values).returning(cases.c.id)).scalar_one()
    )


def look(ward: Ward, case_id: int, now: int = NOW, channels: tuple[str, ...] = TELEGRAM) -> Known:
    return ward.database.read(lambda c: contacting.look(c, [case_id], now, ZONE, channels))[0]


def next_at(ward: Ward, case_id: int) -> int | None:
    statement = select(cases.c.next_at).where(cases.c.id == case_id)
    found_: int | None = ward.database.read(lambda c: c.execute(statement).scalar_one())
    return found_


def take(
    ward: Ward, case_id: int, number: int, contact_id: int, at: int = NOW, home: int | None = None
) -> None:
    taken = Step(case_id, number, at, contact_id, home, key_of(case_id, number))
    ward.database.write(lambda c: contacting.told(c, [(taken, at + DAY)]))


# Steps


def test_a_step_is_taken_once(ward: Ward) -> None:
    one, who = case(ward), contact(ward, "a")
    take(ward, one, 0, who)
    with pytest.raises(IntegrityError):
        take(ward, one, 0, who)
    assert [row.step for row in ward.database.read(lambda c: steps.of_cases(c, [one]))[one]] == [0]


def test_the_key_of_a_step_is_read_back_and_no_other_key_is_one() -> None:
    assert read_key(key_of(12, 3)) == (12, 3)
    for other in ("receipt:12", "case:12", "case:12:3~99", "case:a:b", "invite:1:2", ""):
        assert read_key(other) is None


# Who is written to


def test_who_answers_for_a_case_is_written_to_before_who_is_linked(ward: Ward) -> None:
    home = ward.database.write(lambda c: settle(c, HERE, 1))[0]
    linked, holder = contact(ward, "linked"), contact(ward, "holder")
    ward.database.write(lambda c: link(c, linked, home))
    one = case(ward, home)
    assert look(ward, one).contact_id == linked
    ward.database.write(lambda c: kept.hold(c, one, holder, NOW))
    assert look(ward, one).contact_id == holder


def test_a_person_s_own_telephone_comes_before_their_household_s(ward: Ward) -> None:
    home = ward.database.write(lambda c: settle(c, HERE, 1, people=2))[0]
    first, second = ward.database.read(lambda c: people_of(c, home))
    own, shared = contact(ward, "own"), contact(ward, "shared")
    ward.database.write(lambda c: link(c, own, home, first))
    ward.database.write(lambda c: link(c, shared, home))
    cases_ = case(ward, home, first), case(ward, home, second)
    assert [look(ward, each).contact_id for each in cases_] == [own, shared]


def test_a_page_that_is_closed_can_t_be_written_to(ward: Ward) -> None:
    home = ward.database.write(lambda c: settle(c, HERE, 1))[0]
    page = contact(ward, "page", "webchat")
    ward.database.write(lambda c: link(c, page, home))
    known = look(ward, case(ward, home))
    assert (known.contact_id, known.facts.reachable) == (0, False)


def test_one_telephone_of_two_that_stopped_leaves_the_other_unless_it_spoke_for_the_case(ward: Ward) -> None:
    home = ward.database.write(lambda c: settle(c, HERE, 1))[0]
    one, other = contact(ward, "one"), contact(ward, "other")
    ward.database.write(lambda c: link(c, one, home))
    ward.database.write(lambda c: link(c, other, home))
    made = case(ward, home)
    ward.database.write(lambda c: contacting.stop(c, one, NOW))
    assert (look(ward, made).contact_id, look(ward, made).facts.opted_out) == (other, False)
    ward.database.write(
        lambda c: c.execute(insert(case_contacts).values(case_id=made, contact_id=one, since=NOW))
    )
    assert look(ward, made).facts.opted_out


# What is looked at when


def test_replanning_looks_at_open_cases_now_and_at_closed_ones_never(ward: Ward) -> None:
    open_, done = case(ward, next_at=NOW + DAY), case(ward, disposition="1.1", next_at=NOW + DAY)
    ward.database.write(lambda c: contacting.replan(c, [open_, done], NOW))
    assert (next_at(ward, open_), next_at(ward, done)) == (NOW, None)


def test_a_disposition_that_closes_a_case_ends_looking_at_it_and_any_other_looks_now(ward: Ward) -> None:
    one = case(ward, next_at=NOW + DAY)
    ward.database.write(lambda c: interviews.set_dispositions(c, [(one, "2.20")], NOW + 5))
    assert next_at(ward, one) == NOW + 5
    for code in ("1.1", "2.11", "4.80"):
        ward.database.write(partial(interviews.set_dispositions, changed=[(one, code)], now=NOW + 9))
        assert next_at(ward, one) is None


def test_holding_a_case_looks_at_it_once(ward: Ward) -> None:
    one, who = case(ward, next_at=NOW + DAY), contact(ward, "a")
    ward.database.write(lambda c: kept.hold(c, one, who, NOW))
    assert next_at(ward, one) == NOW
    ward.database.write(lambda c: contacting.plan(c, [(look_in(c, one), NOW + DAY)], NOW))
    ward.database.write(lambda c: kept.hold(c, one, who, NOW + 7))
    assert next_at(ward, one) == NOW + DAY


def look_in(connection: Any, case_id: int) -> Known:
    return contacting.look(connection, [case_id], NOW, ZONE, TELEGRAM)[0]


def test_what_changes_about_a_contact_looks_at_every_case_it_speaks_for(ward: Ward) -> None:
    home = ward.database.write(lambda c: settle(c, HERE, 1, people=1))[0]
    person = ward.database.read(lambda c: people_of(c, home))[0]
    who = contact(ward, "a")
    ward.database.write(lambda c: link(c, who, home))
    concerned = [case(ward, home, next_at=NOW + DAY), case(ward, home, person, next_at=NOW + DAY)]
    held = case(ward, next_at=NOW + DAY)
    written = case(ward)
    stranger = case(ward, next_at=NOW + DAY)
    ward.database.write(
        lambda c: c.execute(insert(case_contacts).values(case_id=held, contact_id=who, since=NOW))
    )
    take(ward, written, 0, who)
    ward.database.write(lambda c: contacting.prefer(c, who, time(18, 30), NOW + 3))
    assert [next_at(ward, each) for each in (*concerned, held, written)] == 4 * [NOW + 3]
    assert next_at(ward, stranger) == NOW + DAY
    assert ward.database.read(lambda c: contacting.preferred(c, who)) == time(18, 30)


def test_planned_cases_are_pulled_forward_in_pieces_until_none_is_left(ward: Ward) -> None:
    made = [case(ward, next_at=NOW + (number + 1) * DAY) for number in range(5)]
    never = case(ward, disposition="2.11")
    ward.database.write(lambda c: contacting.urge(c, ward.here, NOW))
    left = [ward.database.write(lambda c: contacting.pull(c, ward.here, NOW, 2)) for _ in range(3)]
    assert left == [True, True, False]
    assert [next_at(ward, each) for each in made] == 5 * [NOW]
    assert next_at(ward, never) is None
    waits = select(campaigns.c.look_again).where(campaigns.c.id == ward.here)
    assert ward.database.read(lambda c: c.execute(waits).scalar_one()) is False


# Counting, taking back


def test_messages_count_per_household_over_all_campaigns_and_without_one_per_contact(ward: Ward) -> None:
    home = ward.database.write(lambda c: settle(c, HERE, 1))[0]
    who = contact(ward, "a")
    ward.database.write(lambda c: link(c, who, home))
    inside, elsewhere = case(ward, home), case(ward, home, campaign_id=ward.there)
    alone = case(ward)
    ward.database.write(
        lambda c: c.execute(insert(case_contacts).values(case_id=alone, contact_id=who, since=1))
    )
    take(ward, inside, 0, who, NOW - 40 * DAY, home)
    take(ward, inside, 1, who, NOW, home)
    take(ward, elsewhere, 0, who, NOW, home)
    take(ward, alone, 0, who, NOW)
    known = [look(ward, each) for each in (inside, alone)]
    counted = ward.database.read(lambda c: Counted(c, known, NOW - 30 * DAY))
    assert [counted.of(each) for each in known] == [2, 1]


def test_a_step_taken_back_was_never_taken(ward: Ward) -> None:
    home = ward.database.write(lambda c: settle(c, HERE, 1))[0]
    who = contact(ward, "a")
    ward.database.write(lambda c: link(c, who, home))
    one = case(ward, home)
    take(ward, one, 0, who, NOW, home)
    row = contacting.row_of(99, key_of(one, 0), who)
    assert row is not None
    ward.database.write(lambda c: contacting.take_back(c, [(row, look_in(c, one))], NOW + 5))
    after = ward.database.read(lambda c: c.execute(select(cases).where(cases.c.id == one)).one())
    assert (after.sent, after.last_at, after.next_at, after.disposition) == (0, None, NOW + 5, "3.10")
    assert ward.database.read(lambda c: steps.of_cases(c, [one])) == {}
    take(ward, one, 0, who, NOW + 10, home)


def test_instants_of_a_clock_that_was_ahead_count_as_now(ward: Ward) -> None:
    one, who = case(ward), contact(ward, "a")
    ward.database.write(
        lambda c: c.execute(insert(case_contacts).values(case_id=one, contact_id=who, since=NOW))
    )
    take(ward, one, 0, who, NOW + 300 * DAY)
    known = look(ward, one, NOW + DAY)
    assert known.facts.last is not None
    assert round(known.facts.last.timestamp() * 1000) == NOW
    ward.database.write(
        lambda c: c.execute(update(contact_rows).where(contact_rows.c.id == who).values(opted_out_at=None))
    )
    assert known.healed == NOW + DAY
    assert known.facts.stage is Stage.NOT_STARTED


def test_a_lease_taken_by_a_clock_that_was_ahead_keeps_nobody_waiting_for_long(ward: Ward) -> None:
    ahead = ward.database.write(lambda c: leases.take(c, "x", "one", NOW + DAY, 1_000))
    assert ahead == 1
    assert ward.database.write(lambda c: leases.take(c, "x", "other", NOW, 1_000)) is None
    assert ward.database.write(lambda c: leases.take(c, "x", "other", NOW + 1_001, 1_000)) == 2
    assert ward.database.write(lambda c: leases.take(c, "x", "one", NOW + 1_500, 1_000)) is None


def test_what_the_office_allows_follows_its_parameters(ward: Ward) -> None:
    def allow(connection: Any) -> Any:
        for name, value in (("contact_begins", 930), ("contact_weekends", 0), ("household_messages", 2)):
            parameters.put(connection, name, value, NOW, None)
        return contacting.office(connection)

    office = ward.database.write(allow)
    assert (office.hours.begins, office.hours.ends) == (time(9, 30), time(20))
    assert (office.hours.weekends, office.per_household, office.household_days) == (False, 2, 30)
