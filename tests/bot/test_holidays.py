"""Vietnam's public holidays, and the office's corrections of them."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from bot import holidays
from storage import parameters
from tests.ward import NOW, Ward, found


@pytest.fixture
def ward(tmp_path: Path) -> Iterator[Ward]:
    office = found(f"sqlite:///{tmp_path / 'hoidan.db'}")
    yield office
    office.close()


@pytest.mark.parametrize(
    ("new_year", "others"),
    [
        (date(2025, 1, 29), [date(2025, 1, 28), date(2025, 4, 7)]),
        (date(2026, 2, 17), [date(2026, 2, 16), date(2026, 2, 20), date(2026, 9, 2)]),
        (date(2027, 2, 6), [date(2027, 2, 5), date(2027, 4, 30)]),
    ],
)
def test_tet_moves_with_the_moon_and_the_other_holidays_are_there(new_year: date, others: list[date]) -> None:
    year = holidays.of_year(new_year.year)
    assert {new_year, *others} <= year
    assert date(new_year.year, 6, 10) not in year


def test_the_office_s_corrections_hold_from_the_moment_they_are_set(ward: Ward) -> None:
    today = date(2026, 2, 3)
    assert date(2026, 2, 17) in ward.database.read(lambda c: holidays.around(c, today))
    ward.database.write(lambda c: parameters.put(c, "holidays", "+2026-02-13 -2026-02-17", NOW, None))
    after = ward.database.read(lambda c: holidays.around(c, today))
    assert date(2026, 2, 13) in after and date(2026, 2, 17) not in after
    assert date(2027, 1, 1) in after, "the next year's are known, too"


def test_a_process_that_never_asks_does_not_load_the_library() -> None:
    loaded = "import bot.serve, sys; sys.exit('holidays' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", loaded], check=False).returncode == 0
