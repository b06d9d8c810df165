"""Who belongs to which population: age, working age, age bands, levels of qualification.

Ages are counted in months of birth, since the month is the most a person is asked for. An unknown month is
January and an unknown day the first, as Decree 135/2020/NĐ-CP does for people whose date of birth is
incomplete.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from surveys.problems import Problem

EARLIEST_BIRTH_YEAR = 1905
WORKING_FROM = 15
"""Working age begins when a person is fully 15 (Labour Code 2019, Article 3)."""
LITERACY_TO = 60
"""The last age, in full years, at which literacy is reported (Decree 20/2014/NĐ-CP, Article 21)."""

_BIRTH = re.compile(r"(?:(0?[1-9]|1[0-2])/)?([0-9]{4})")


class Sex(StrEnum):
    """Sex as the retirement ages and tables know it."""

    MALE = "male"
    FEMALE = "female"


class WorkingAgeRule(StrEnum):
    """Which reading of *độ tuổi lao động* holds: a parameter of the deployment, named on every table."""

    BIRTH_MONTH = "theo_thang_sinh"
    """From the month of the 15th birthday through the month of retirement, found once from birth month and
    sex.
    """
    YEAR = "theo_nam"
    """The retirement age of the reference year, compared anew each year: people who had passed it come back.
    """
    FIXED = "co_dinh"
    """15–59 for men and 15–54 for women, whatever the year."""


class Denominator(StrEnum):
    """The population an indicator is a share of."""

    WORKING_AGE = "working_age"
    AGED_15 = "aged_15"
    AGED_15_60 = "aged_15_60"
    """Those whose literacy is reported: 15 to 60 (Decree 20/2014/NĐ-CP, Article 21)."""
    RESIDENTS = "residents"
    """Everybody counted, whatever their age."""
    HOUSEHOLDS = "households"
    """Households, not persons."""


class AgeBand(StrEnum):
    """Age groups of the official tables, at the campaign's reference date."""

    FROM_15 = "15_24"
    FROM_25 = "25_34"
    FROM_35 = "35_44"
    FROM_45 = "45_54"
    FROM_55 = "55_retire"
    """55 to the end of working age."""
    ABOVE = "above"
    """Older than working age."""
    UNDER_15 = "under_15"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Birth:
    """When a person was born, as far as they said: ``month`` None is unknown."""

    year: int
    month: int | None = None

    @property
    def months(self) -> int:
        """Months since year 0; an unknown month counts as January."""
        return self.year * 12 + (self.month or 1) - 1

    def __str__(self) -> str:
        return f"{self.month:02d}/{self.year}" if self.month else str(self.year)


@dataclass(frozen=True, slots=True)
class RetirementAges:
    """The age of retirement in normal conditions by calendar year, in months.

    Years before the first listed take ``earlier``, years after the last listed take the last.
    """

    source: str
    earlier: Mapping[Sex, int]
    by_year: Mapping[Sex, Mapping[int, int]]

    def age(self, sex: Sex, year: int) -> int:
        """Age in months at which a person of ``sex`` retires in ``year``."""
        listed = self.by_year[sex]
        if year < min(listed):
            return self.earlier[sex]
        return listed[min(year, max(listed))]


DECREE_135_2020 = RetirementAges(
    source="Nghị định 135/2020/NĐ-CP, Điều 4; Bộ luật Lao động 2019, Điều 169",
    earlier={Sex.MALE: 60 * 12, Sex.FEMALE: 55 * 12},
    by_year={
        Sex.MALE: {
            2021: 60 * 12 + 3,
            2022: 60 * 12 + 6,
            2023: 60 * 12 + 9,
            2024: 61 * 12,
            2025: 61 * 12 + 3,
            2026: 61 * 12 + 6,
            2027: 61 * 12 + 9,
            2028: 62 * 12,
        },
        Sex.FEMALE: {
            2021: 55 * 12 + 4,
            2022: 55 * 12 + 8,
            2023: 56 * 12,
            2024: 56 * 12 + 4,
            2025: 56 * 12 + 8,
            2026: 57 * 12,
            2027: 57 * 12 + 4,
            2028: 57 * 12 + 8,
            2029: 58 * 12,
            2030: 58 * 12 + 4,
            2031: 58 * 12 + 8,
            2032: 59 * 12,
            2033: 59 * 12 + 4,
            2034: 59 * 12 + 8,
            2035: 60 * 12,
        },
    },
)
"""Retirement ages since 2021 (and, before that, 60 and 55 of the Labour Code 2012)."""


def parse_birth(text: str) -> Birth:
    """Read ``MM/YYYY`` or ``YYYY``. Anything else, and a year before 1905, is ``birth_unreadable``."""
    found = _BIRTH.fullmatch(text.strip())
    if found is None or int(found[2]) < EARLIEST_BIRTH_YEAR:
        raise Problem("birth_unreadable", value=text, earliest=EARLIEST_BIRTH_YEAR)
    return Birth(int(found[2]), int(found[1]) if found[1] else None)


def age_in_months(birth: Birth, on: date) -> int:
    """Completed months of life on a day; negative before birth."""
    return on.year * 12 + on.month - 1 - birth.months


def age(birth: Birth, on: date) -> int:
    """Completed years of life on a day."""
    return age_in_months(birth, on) // 12


def retirement_month(birth: Birth, sex: Sex, ages: RetirementAges = DECREE_135_2020) -> tuple[int, int]:
    """Year and month in whose last day a person reaches retirement age (Decree 135/2020, Articles 3 and 4).

    The first month in which the person's age is at least the retirement age of that month's year: the rule
    behind the decree's Appendix I.
    """
    month = birth.months + min(ages.earlier[sex], *ages.by_year[sex].values())
    while month - birth.months < ages.age(sex, month // 12):
        month += 1
    return month // 12, month % 12 + 1


def in_working_age(
    birth: Birth | None,
    sex: Sex | None,
    on: date,
    *,
    rule: WorkingAgeRule = WorkingAgeRule.BIRTH_MONTH,
    ages: RetirementAges = DECREE_135_2020,
) -> bool | None:
    """Whether a person is in working age on a day; None if what is known of them can't tell.

    Under every rule the month in which retirement age is reached still counts, as pensions begin the month
    after.
    """
    if birth is None:
        return None
    if sex is None:
        either = {in_working_age(birth, each, on, rule=rule, ages=ages) for each in Sex}
        return either.pop() if len(either) == 1 else None
    months = age_in_months(birth, on)
    if months < WORKING_FROM * 12:
        return False
    if rule is WorkingAgeRule.BIRTH_MONTH:
        return (on.year, on.month) <= retirement_month(birth, sex, ages)
    if rule is WorkingAgeRule.YEAR:
        return months <= ages.age(sex, on.year)
    return months // 12 <= (59 if sex is Sex.MALE else 54)


def membership(
    birth: Birth | None,
    sex: Sex | None,
    on: date,
    *,
    rule: WorkingAgeRule = WorkingAgeRule.BIRTH_MONTH,
    ages: RetirementAges = DECREE_135_2020,
) -> dict[Denominator, bool | None]:
    """Whether a person belongs to each population of persons on a day; None where that can't be told."""
    return {
        Denominator.WORKING_AGE: in_working_age(birth, sex, on, rule=rule, ages=ages),
        Denominator.AGED_15: None if birth is None else age(birth, on) >= WORKING_FROM,
        Denominator.AGED_15_60: None if birth is None else WORKING_FROM <= age(birth, on) <= LITERACY_TO,
        Denominator.RESIDENTS: True,
    }


def age_band(
    birth: Birth | None,
    sex: Sex | None,
    on: date,
    *,
    rule: WorkingAgeRule = WorkingAgeRule.BIRTH_MONTH,
    ages: RetirementAges = DECREE_135_2020,
) -> AgeBand:
    """The age group on a day. From 55 on it depends on working age, so on sex too."""
    if birth is None:
        return AgeBand.UNKNOWN
    years = age(birth, on)
    if years < WORKING_FROM:
        return AgeBand.UNDER_15
    if years < 55:
        return (AgeBand.FROM_15, AgeBand.FROM_25, AgeBand.FROM_35, AgeBand.FROM_45)[(years - 15) // 10]
    working = in_working_age(birth, sex, on, rule=rule, ages=ages)
    if working is None:
        return AgeBand.UNKNOWN
    return AgeBand.FROM_55 if working else AgeBand.ABOVE


QUALIFICATION_LEVELS = ("0", "1", "2", "3", "4", "41", "5", "6", "7", "8")
"""Levels of *trình độ chuyên môn kỹ thuật* in the order tables show them.

Names, not numbers: 41 (trung học nghề, Law 124/2025/QH15) stands between 4 and 5, so levels are compared by
membership.
"""

SKILLED_WITHOUT_CERTIFICATE = "1"
"""Group 2 of *lao động qua đào tạo*: no certificate, a trade mastered for three years or more."""


def qualification_level(certificate: str | None, skilled: bool | None) -> str | None:
    """The row of a qualification table: the certificate's level, or 1 for a skilled person without one.

    ``certificate`` is a code of question ``cmkt`` (0, 2, 3, 4, 41, 5 … 8), ``skilled`` the answer about a
    trade without certificate. None if the certificate is unknown.
    """
    if certificate in ("0", "2") and skilled:
        return SKILLED_WITHOUT_CERTIFICATE
    return certificate if certificate in QUALIFICATION_LEVELS else None
