"""Lists in the areas of before 1 July 2025, by the real table of what became of Quận 1: ten communes, three
of them divided.
"""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bot.actions import Actor
from bot.settings import load
from bot.worker import Worker
from storage.crypto import parse_keys
from storage.database import Database
from storage.migrate import upgrade
from surveys.problems import Problem
from tests.ward import KEYS, Ward

TABLES = Path(__file__).parent / "data" / "quan_1"


@pytest.fixture(scope="module")
def founded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An office that took in both lists of areas and the table between them, as they are published; to be
    copied.
    """
    path = tmp_path_factory.mktemp("quan_1") / "template.db"
    office = Ward(Database(f"sqlite:///{path}"), parse_keys(KEYS), chief=1)
    upgrade(office.database.engine)
    office.act("account.create", Actor(system_user="chief"), name="Trưởng phòng")
    for name, vintage in (("communes_before", "2025-06-30"), ("communes_from", "2025-07-01")):
        content = (TABLES / f"{name}.csv").read_text("utf-8")
        office.act("area.import", name=f"{name}.csv", content=content, vintage=vintage)
    content = (TABLES / "conversion.csv").read_text("utf-8")
    office.act("conversion.import", name="conversion.csv", content=content)
    office.close()
    return path


@pytest.fixture
def ward(founded: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Ward]:
    url = f"sqlite:///{shutil.copy(founded, tmp_path / 'hoidan.db')}"
    monkeypatch.setenv("HOIDAN_DATABASE_URL", url)
    monkeypatch.setenv("HOIDAN_SECRET_KEYS", KEYS)
    office = Ward(Database(url), parse_keys(KEYS), chief=1)
    yield office
    office.close()


def take_in(ward: Ward, *lines: str, **more: Any) -> dict[str, Any]:
    """Send a list of heads with their communes; its report."""
    text = "\n".join(("Mã hộ;Chủ hộ;Mã xã;Tên xã;Quận;Mã xã mới", *lines))
    begun = ward.act("household.import", content=text.encode(), name="list.csv", **more)
    asyncio.run(Worker(load(), ward.database, ward.keyring).drain())
    done: dict[str, Any] = ward.act("household.report", upload=begun["id"])
    return done


def refusals(done: dict[str, Any]) -> list[tuple[int, str]]:
    return [(each["line"], each["code"]) for each in done["remarks"] if each["refused"]]


def household(ward: Ward, code: str) -> dict[str, Any]:
    (key,) = ward.act("household.find", code=code)["households"]
    shown: dict[str, Any] = ward.act("household.show", household=key)
    return shown


WHOLE = {
    "26734;Phường Tân Định": "26737",
    "26740;Phường Bến Nghé": "26740",
    ";Phường Phạm Ngũ Lão;Quận 1": "26743",
    ";Nguyễn Cư Trinh": "26758",
    "26758;Phường Nguyễn Cư Trinh": "26758",
}
"""Communes that went whole to one, as lists name them."""


@pytest.mark.parametrize("named", WHOLE)
def test_a_household_of_a_commune_that_went_whole_is_where_it_went(ward: Ward, named: str):
    assert take_in(ward, f"H1;Lê A;{named}")["state"] == "done"
    one = household(ward, "H1")
    assert one["area"] == f"2025-07-01/{WHOLE[named]}"
    assert one["given"].startswith("2025-06-30/")
    assert [each["what"] for each in one["events"]] == ["imported", "converted"]


@pytest.mark.parametrize("named", ["26737;Phường Đa Kao", ";Phường Cầu Ông Lãnh;Quận 1", ";Nguyễn Thái Bình"])
def test_of_a_divided_commune_nothing_is_guessed(ward: Ward, named: str):
    done = take_in(ward, "H1;Lê A;26740;Phường Bến Nghé", f"H2;Lê B;{named}")
    assert refusals(done) == [(3, "area_split")]
    assert ward.act("household.count")["households"] == 0


def test_a_line_says_which_part_it_is_in_and_only_such_a_part(ward: Ward):
    done = take_in(ward, "H1;Lê A;26737;Phường Đa Kao;;26740", "H2;Lê B;26737;Phường Đa Kao;;26758")
    assert refusals(done) == [(3, "area_new_wrong")]
    done = take_in(ward, "H1;Lê A;26737;Phường Đa Kao;;26740", "H2;Lê B;26737;Phường Đa Kao;;26737")
    assert done["state"] == "done"
    assert [household(ward, code)["area"] for code in ("H1", "H2")] == [
        "2025-07-01/26740",
        "2025-07-01/26737",
    ]


def test_a_code_used_again_is_of_the_list_that_the_file_is_said_to_follow(ward: Ward):
    # 26737 was Đa Kao and is Tân Định.
    done = take_in(ward, "H1;Lê A;26737")
    assert [each["code"] for each in done["remarks"]] == ["area_understood"]
    assert household(ward, "H1")["area"] == "2025-07-01/26737"
    assert refusals(take_in(ward, "H2;Lê B;26737", vintage="2025-06-30")) == [(2, "area_split")]
    assert refusals(take_in(ward, "H3;Lê C;26737;Phường Bến Thành")) == [(2, "area_code_differs")]


def test_a_name_used_again_is_of_today_and_that_is_told(ward: Ward):
    done = take_in(ward, "H1;Lê A;;Phường Cầu Ông Lãnh")
    assert [each["code"] for each in done["remarks"]] == ["area_present"]
    assert household(ward, "H1")["area"] == "2025-07-01/26758"


def test_next_years_list_in_the_new_areas_knows_the_households_again_and_years_can_be_compared(ward: Ward):
    take_in(ward, "H1;Lê A;26740;Phường Bến Nghé", "H2;Lê B;26743;Phường Bến Thành;Quận 1")
    done = take_in(ward, "H1;Lê A;26740;Phường Sài Gòn", "H3;Lê C;26740;Phường Sài Gòn")
    assert done["summary"]["households"] == {"same": 1, "new": 1}
    one = household(ward, "H1")
    assert (one["area"], one["given"]) == ("2025-07-01/26740", "2025-06-30/26740")

    def counted(**by: Any) -> dict[str, int]:
        return {each["area"]: each["households"] for each in ward.act("household.count", **by)["areas"]}

    assert counted() == {"2025-07-01/26740": 2, "2025-07-01/26743": 1}
    assert counted(given=True) == {"2025-06-30/26740": 1, "2025-06-30/26743": 1, "2025-07-01/26740": 1}


def test_an_area_nobody_has_said_the_fate_of_is_refused(ward: Ward):
    with pytest.raises(Problem, match="household_not_converted"):
        ward.act("household.convert", area="2025-06-30/99999")
    with pytest.raises(Problem, match="household_convert_choice"):
        ward.act("household.convert", area="2025-06-30/26737")
    with pytest.raises(Problem, match="household_convert_wrong"):
        ward.act("household.convert", area="2025-06-30/26737", to="2025-07-01/26758")
