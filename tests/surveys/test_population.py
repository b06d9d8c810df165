"""Working age, age bands and levels of qualification."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from surveys.population import (
    DECREE_135_2020,
    QUALIFICATION_LEVELS,
    AgeBand,
    Birth,
    Denominator,
    Sex,
    WorkingAgeRule,
    age,
    age_band,
    in_working_age,
    membership,
    parse_birth,
    qualification_level,
    retirement_month,
)
from surveys.problems import Problem

MALE, FEMALE = Sex.MALE, Sex.FEMALE

# Decree 135/2020/NĐ-CP, Article 4: year → (years, months) for men, for women.
BY_YEAR = {
    2021: ((60, 3), (55, 4)),
    2022: ((60, 6), (55, 8)),
    2023: ((60, 9), (56, 0)),
    2024: ((61, 0), (56, 4)),
    2025: ((61, 3), (56, 8)),
    2026: ((61, 6), (57, 0)),
    2027: ((61, 9), (57, 4)),
    2028: ((62, 0), (57, 8)),
    2029: ((62, 0), (58, 0)),
    2030: ((62, 0), (58, 4)),
    2031: ((62, 0), (58, 8)),
    2032: ((62, 0), (59, 0)),
    2033: ((62, 0), (59, 4)),
    2034: ((62, 0), (59, 8)),
    2035: ((62, 0), (60, 0)),
    2050: ((62, 0), (60, 0)),
}

# The same by birth month (the decree's Appendix I): first birth month, last, age, first month reached, last.
BY_BIRTH = {
    MALE: [
        ("01/1961", "09/1961", (60, 3), (2021, 4), (2021, 12)),
        ("10/1961", "06/1962", (60, 6), (2022, 4), (2022, 12)),
        ("07/1962", "03/1963", (60, 9), (2023, 4), (2023, 12)),
        ("04/1963", "12/1963", (61, 0), (2024, 4), (2024, 12)),
        ("01/1964", "09/1964", (61, 3), (2025, 4), (2025, 12)),
        ("10/1964", "06/1965", (61, 6), (2026, 4), (2026, 12)),
        ("07/1965", "03/1966", (61, 9), (2027, 4), (2027, 12)),
        ("04/1966", "12/1980", (62, 0), (2028, 4), (2042, 12)),
    ],
    FEMALE: [
        ("01/1966", "08/1966", (55, 4), (2021, 5), (2021, 12)),
        ("09/1966", "04/1967", (55, 8), (2022, 5), (2022, 12)),
        ("05/1967", "12/1967", (56, 0), (2023, 5), (2023, 12)),
        ("01/1968", "08/1968", (56, 4), (2024, 5), (2024, 12)),
        ("09/1968", "04/1969", (56, 8), (2025, 5), (2025, 12)),
        ("05/1969", "12/1969", (57, 0), (2026, 5), (2026, 12)),
        ("01/1970", "08/1970", (57, 4), (2027, 5), (2027, 12)),
        ("09/1970", "04/1971", (57, 8), (2028, 5), (2028, 12)),
        ("05/1971", "12/1971", (58, 0), (2029, 5), (2029, 12)),
        ("01/1972", "08/1972", (58, 4), (2030, 5), (2030, 12)),
        ("09/1972", "04/1973", (58, 8), (2031, 5), (2031, 12)),
        ("05/1973", "12/1973", (59, 0), (2032, 5), (2032, 12)),
        ("01/1974", "08/1974", (59, 4), (2033, 5), (2033, 12)),
        ("09/1974", "04/1975", (59, 8), (2034, 5), (2034, 12)),
        ("05/1975", "12/1990", (60, 0), (2035, 5), (2050, 12)),
    ],
}

births = st.builds(Birth, st.integers(1905, 2030), st.one_of(st.none(), st.integers(1, 12)))
days = st.dates(date(2015, 1, 1), date(2060, 12, 31))


@pytest.mark.parametrize("year", BY_YEAR)
def test_the_age_of_retirement_of_every_year_is_the_decrees(year: int) -> None:
    assert tuple(divmod(DECREE_135_2020.age(sex, year), 12) for sex in (MALE, FEMALE)) == BY_YEAR[year]


@pytest.mark.parametrize(("sex", "row"), [(sex, row) for sex, rows in BY_BIRTH.items() for row in rows])
def test_who_is_born_when_retires_in_the_month_of_the_decrees_appendix(sex: Sex, row: tuple) -> None:
    first, last, reached_at, from_month, to_month = row
    assert retirement_month(parse_birth(first), sex) == from_month
    assert retirement_month(parse_birth(last), sex) == to_month
    for months in range(parse_birth(first).months, parse_birth(last).months + 1):
        birth = Birth(months // 12, months % 12 + 1)
        year, month = retirement_month(birth, sex)
        assert divmod(year * 12 + month - 1 - months, 12) == reached_at


@given(sex=st.sampled_from(Sex), birth=births)
def test_nobody_retires_before_somebody_older_of_the_same_sex(sex: Sex, birth: Birth) -> None:
    older = Birth((birth.months - 1) // 12, (birth.months - 1) % 12 + 1)
    assert retirement_month(older, sex) < retirement_month(birth, sex)


def test_working_age_begins_in_the_month_of_the_fifteenth_birthday() -> None:
    birth = Birth(2011, 3)
    assert in_working_age(birth, MALE, date(2026, 2, 28)) is False
    assert in_working_age(birth, MALE, date(2026, 3, 1)) is True


def test_working_age_ends_with_the_last_day_of_the_month_of_retirement() -> None:
    birth = Birth(1961, 9)
    assert in_working_age(birth, MALE, date(2021, 12, 31)) is True
    assert in_working_age(birth, MALE, date(2022, 1, 1)) is False


def test_by_the_years_retirement_age_people_who_had_passed_it_come_back() -> None:
    birth, rule = Birth(1961, 9), WorkingAgeRule.YEAR
    assert in_working_age(birth, MALE, date(2021, 12, 15), rule=rule) is True
    assert in_working_age(birth, MALE, date(2022, 1, 15), rule=rule) is True
    assert in_working_age(birth, MALE, date(2022, 1, 15)) is False


@pytest.mark.parametrize(("sex", "last"), [(MALE, 59), (FEMALE, 54)])
def test_fixed_working_age_is_fifteen_to_fifty_nine_for_men_and_to_fifty_four_for_women(
    sex: Sex, last: int
) -> None:
    on, rule = date(2026, 6, 1), WorkingAgeRule.FIXED
    within = [
        years for years in range(100) if in_working_age(Birth(2026 - years, 6), sex, on, rule=rule) is True
    ]
    assert within == list(range(15, last + 1))


@given(birth=births, on=days, rule=st.sampled_from(WorkingAgeRule))
def test_without_sex_working_age_is_known_only_where_it_is_the_same_for_both(
    birth: Birth, on: date, rule: WorkingAgeRule
) -> None:
    man, woman = (in_working_age(birth, sex, on, rule=rule) for sex in (MALE, FEMALE))
    assert in_working_age(birth, None, on, rule=rule) == (man if man == woman else None)


@given(birth=births, sex=st.sampled_from(Sex), on=days)
def test_once_retired_nobody_comes_back_to_working_age(birth: Birth, sex: Sex, on: date) -> None:
    if not in_working_age(birth, sex, on) and age(birth, on) >= 15:
        assert not in_working_age(birth, sex, date(on.year + 1, on.month, 1))


def test_without_birth_nothing_is_known_of_working_age() -> None:
    assert membership(None, MALE, date(2026, 1, 1)) == {
        Denominator.WORKING_AGE: None,
        Denominator.AGED_15: None,
        Denominator.AGED_15_60: None,
        Denominator.RESIDENTS: True,
    }
    assert age_band(None, MALE, date(2026, 1, 1)) is AgeBand.UNKNOWN


def test_old_people_are_aged_15_and_over_but_not_of_working_age() -> None:
    assert membership(Birth(1950, 1), FEMALE, date(2026, 1, 1)) == {
        Denominator.WORKING_AGE: False,
        Denominator.AGED_15: True,
        Denominator.AGED_15_60: False,
        Denominator.RESIDENTS: True,
    }


@pytest.mark.parametrize(
    ("birth", "reported"), [("04/2011", False), ("03/2011", True), ("04/1965", True), ("03/1965", False)]
)
def test_literacy_is_reported_of_people_from_15_until_they_are_61(birth: str, reported: bool) -> None:
    found = membership(parse_birth(birth), None, date(2026, 3, 1))
    assert found[Denominator.AGED_15_60] is reported


@pytest.mark.parametrize(
    ("text", "birth"),
    [("03/1985", Birth(1985, 3)), ("3/1985", Birth(1985, 3)), (" 1985 ", Birth(1985)), ("1905", Birth(1905))],
)
def test_a_birth_is_read_from_month_and_year_or_the_year_alone(text: str, birth: Birth) -> None:
    assert parse_birth(text) == birth


@pytest.mark.parametrize("text", ["", "85", "13/1985", "0/1985", "1904", "03-1985", "1/2/1985", "۱۹۸۵"])
def test_anything_else_is_no_birth(text: str) -> None:
    with pytest.raises(Problem) as refused:
        parse_birth(text)
    assert (refused.value.code, refused.value.params["value"]) == ("birth_unreadable", text)


@given(birth=births)
def test_a_birth_is_written_as_it_is_read(birth: Birth) -> None:
    assert parse_birth(str(birth)) == birth


def test_an_unknown_month_of_birth_is_january() -> None:
    assert age(Birth(2010), date(2025, 1, 1)) == 15
    assert retirement_month(Birth(1964), MALE) == retirement_month(Birth(1964, 1), MALE)


@pytest.mark.parametrize(
    ("birth", "sex", "band"),
    [
        ("04/2011", MALE, AgeBand.UNDER_15),
        ("03/2011", MALE, AgeBand.FROM_15),
        ("04/2001", MALE, AgeBand.FROM_15),
        ("03/2001", None, AgeBand.FROM_25),
        ("03/1991", MALE, AgeBand.FROM_35),
        ("03/1981", MALE, AgeBand.FROM_45),
        ("04/1971", FEMALE, AgeBand.FROM_45),
        ("03/1971", FEMALE, AgeBand.FROM_55),
        ("05/1969", FEMALE, AgeBand.FROM_55),
        ("04/1969", FEMALE, AgeBand.ABOVE),
        ("04/1969", MALE, AgeBand.FROM_55),
        ("04/1969", None, AgeBand.UNKNOWN),
        ("01/1950", None, AgeBand.ABOVE),
    ],
)
def test_age_bands_end_with_working_age_of_the_persons_sex(
    birth: str, sex: Sex | None, band: AgeBand
) -> None:
    assert age_band(parse_birth(birth), sex, date(2026, 3, 1)) is band


def test_qualification_levels_are_names_in_an_order_of_their_own() -> None:
    assert QUALIFICATION_LEVELS.index("41") == QUALIFICATION_LEVELS.index("4") + 1
    assert QUALIFICATION_LEVELS.index("41") < QUALIFICATION_LEVELS.index("5")


@pytest.mark.parametrize(
    ("certificate", "skilled", "level"),
    [
        ("0", True, "1"),
        ("2", True, "1"),
        ("0", False, "0"),
        ("2", None, "2"),
        ("3", None, "3"),
        ("41", None, "41"),
        ("8", None, "8"),
        (None, True, None),
    ],
)
def test_a_trade_mastered_without_a_certificate_is_a_level_of_its_own(
    certificate: str | None, skilled: bool | None, level: str | None
) -> None:
    assert qualification_level(certificate, skilled) == level
