"""Who is still who when a household's list changes."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from surveys.forms import Missing
from surveys.instruments import Members, PersonFields
from surveys.population import Birth, Sex
from surveys.rosters import Person, address, number_members, person
from tests.shipped import shipped

BA = Person("Ba", Sex.MALE, Birth(1970, 3))
MA = Person("Má", Sex.FEMALE, Birth(1972))
LAN = Person("Lan", Sex.FEMALE, Birth(2004, 5))
BEFORE = {1: BA, 2: MA, 3: LAN}


@pytest.mark.parametrize(
    ("now", "numbers"),
    [
        ([BA, MA, LAN], (1, 2, 3)),
        ([BA, LAN], (1, 3)),
        ([LAN, BA, MA], (3, 1, 2)),
        ([BA, Person("Tí", Sex.MALE, Birth(2009, 1)), LAN], (1, 4, 3)),
        ([Person("ba", Sex.MALE, Birth(1971, 3)), MA, LAN], (1, 2, 3)),
        ([BA, MA, Person("Lan Anh", Sex.FEMALE, Birth(2004, 5))], (1, 2, 3)),
        ([], ()),
        ([Person("Tư", Sex.MALE, Birth(1980, 2)), Person("Năm", Sex.MALE, Birth(1981, 2))], (4, 5)),
    ],
)
def test_a_person_keeps_their_number_while_name_or_birth_show_who_they_are(
    now: list[Person], numbers: tuple[int, ...]
) -> None:
    assert number_members(BEFORE, now, 4) == numbers


def test_two_people_alike_keep_their_order() -> None:
    twins = {1: LAN, 2: LAN}
    assert number_members(twins, [LAN, LAN], 3) == (1, 2)
    assert number_members(twins, [LAN], 3) == (1,)


def test_who_shares_a_birth_month_with_a_namesake_is_told_by_the_name() -> None:
    hoa = Person("Hoa", Sex.FEMALE, Birth(2004, 5))
    assert number_members({1: LAN, 2: hoa}, [hoa, LAN], 3) == (2, 1)


_people = st.builds(
    Person,
    name=st.sampled_from(["Ba", "Má", "Lan", "An", ""]),
    sex=st.sampled_from([*Sex, None]),
    birth=st.one_of(st.none(), st.builds(Birth, st.integers(1990, 1993))),
)


@given(before=st.lists(_people, max_size=6), now=st.lists(_people, max_size=6))
def test_numbers_are_given_once_and_new_ones_were_never_used(before: list[Person], now: list[Person]) -> None:
    held = dict(enumerate(before, 1))
    numbers = number_members(held, now, 7)
    assert len(set(numbers)) == len(numbers) == len(now)
    assert all(number in held or number >= 7 for number in numbers)


@given(people=st.lists(_people, max_size=6))
def test_an_unchanged_roster_keeps_every_number(people: list[Person]) -> None:
    assert set(number_members(dict(enumerate(people, 1)), people, 9)) >= {
        number for number, one in enumerate(people, 1) if one.name
    }


def test_people_are_read_by_the_instruments_fields() -> None:
    members = Members("m", "name", PersonFields("sex", {"1": Sex.MALE, "2": Sex.FEMALE}, "born"))
    assert person(members, {"name": "Ba", "sex": "1", "born": "03/1970"}) == BA
    assert person(members, {"name": Missing.PREFER_NOT, "sex": Missing.PREFER_NOT}) == Person("", None, None)


@pytest.mark.parametrize(
    ("one", "said"),
    [
        (BA, "ông"),
        (MA, "bà"),
        (LAN, "chị"),
        (Person("Tí", Sex.MALE, Birth(2009, 1)), "anh"),
        (Person("Út", Sex.MALE, Birth(2015, 1)), ""),
        (Person("?", None, Birth(1970, 1)), ""),
        (Person("?", Sex.MALE, None), ""),
    ],
)
def test_people_are_spoken_to_by_sex_and_age(one: Person, said: str) -> None:
    members = shipped("ho_gia_dinh")[0].members
    assert members is not None
    assert address(members, one, date(2026, 3, 1)) == said
