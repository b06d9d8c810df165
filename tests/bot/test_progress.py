"""Who may see how far a campaign has come, and how it is shown; the list of who has not answered, from the
asking to the file.
"""

from __future__ import annotations

import asyncio
import base64
import io
from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from openpyxl import load_workbook
from PIL import Image

from bot import charts
from bot.actions import Actor
from bot.charts import progress_png
from bot.messages import ABILITIES
from bot.notices import notice
from bot.progress import progress_lines
from bot.readings import Reading, finish, work_out
from bot.settings import load
from storage import audit, outbox
from surveys.problems import Problem
from surveys.roles import Role
from tests.census import DAY, Census, census
from tests.households import settle
from tests.ward import CITY, HERE, NOW, THERE, Ward, found
from tests.working import InProcess


@pytest.fixture
def ward(tmp_path: Path) -> Iterator[Ward]:
    office = found(f"sqlite:///{tmp_path / 'hoidan.db'}")
    yield office
    office.close()


def refusal(do: Callable[[], object]) -> str:
    with pytest.raises(Problem) as caught:
        do()
    return caught.value.code


def shown(ward: Ward, which: Any, who: Actor | None = None, **asked: Any) -> dict[str, Any]:
    done = ward.act("campaign.progress", who, campaign=which, **asked)
    assert isinstance(done, Reading)
    told: dict[str, Any] = finish(ward.database, done)
    return told


def answered(ward: Ward) -> Census:
    """A hundred and twenty households: forty answered on four days, a few refused."""
    made = census(ward, 120)
    for day in range(4):
        made.hand_in(made.cases[day * 10 : day * 10 + 10], NOW + day * DAY)
    made.change(made.cases[40:43], disposition="2.11")
    made.change(made.cases[43:60], disposition="2.20", sent=1)
    later(ward, 4)
    return made


def later(ward: Ward, days: int) -> None:
    ward.now += days * DAY
    ward.today += timedelta(days=days)


# ── who sees what ───────────────────────────────────────────────────────────────────────────────────────────


def test_progress_says_outcomes_rates_coverage_places_days_and_forecast(ward: Ward) -> None:
    made = answered(ward)
    told = shown(ward, made.code)
    total = told["total"]
    assert (total["cases"], total["complete"], total["refused"], total["not_sent"]) == (120, 40, 3, 60)
    assert total["rates"]["rr1"] == pytest.approx(40 / 120)
    assert told["coverage"] == {
        "frame": 120,
        "asked": 1.0,
        "invited": 0.5,
        "answered": pytest.approx(1 / 3),
    }
    assert [row["name"] for row in told["rows"]] == ["Khu phố 1", "Khu phố 2"]
    assert [day["complete"] for day in told["days"]] == [10, 10, 10, 10, 0]
    # Ten a day for 27 days more, of which there are not as many left.
    forecast = told["forecast"]
    assert (forecast["per_day"], forecast["target"], forecast["outlook"]) == (10.0, 96, "on_track")
    assert forecast["expected"] == 117


def test_who_does_the_work_there_sees_every_figure_and_others_who_has_answered(ward: Ward) -> None:
    made = census(ward, 60, neighbourhoods=("Khu phố 1", "Khu phố 2", "Khu phố 3"))
    made.hand_in(made.cases[0:30:3], NOW)
    made.hand_in(made.cases[1:4:3], NOW)
    made.hand_in(made.cases[2:60:3], NOW)
    staff, officer = ward.staff(Role.WARD_STAFF), ward.staff(Role.OFFICER, CITY)
    own = shown(ward, made.id, staff)
    assert own["whole"] and [row["complete"] for row in own["rows"]] == [10, 1, 20]
    others = shown(ward, made.id, officer)
    assert not others["whole"]
    assert [row["answered"] for row in others["rows"]] == [None, None, 20]
    assert others["total"]["complete"] == 31
    assert all(set(row) >= {"cases", "hidden"} and "codes" not in row for row in others["rows"])
    text = "\n".join(progress_lines(others, "vi"))
    assert "Khu phố 2: * (20)" in text and "Không ghi số dưới 5 người" in text


def test_who_reaches_a_part_of_the_area_sees_that_part(ward: Ward) -> None:
    ward.database.write(lambda c: settle(c, THERE, 30, neighbourhoods=("Khu phố 7",)))
    made = census(ward, 50, area="/".join(CITY))
    here = ward.staff(Role.WARD_STAFF)
    whole, part = shown(ward, made.id), shown(ward, made.id, here)
    assert (whole["total"]["cases"], whole["by"]) == (80, "area")
    assert (part["total"]["cases"], part["areas"], part["by"]) == (50, [HERE[1]], "neighbourhood")
    assert part["coverage"]["frame"] == 50
    assert refusal(lambda: shown(ward, ward.there, here)) == "not_allowed"


def test_somebody_without_a_role_sees_nothing(ward: Ward) -> None:
    made = census(ward, 3)
    institution = ward.staff(Role.INSTITUTION_CONTACT)
    assert refusal(lambda: shown(ward, made.id, institution)) == "not_allowed"
    assert refusal(lambda: shown(ward, made.id, ward.resident())) == "not_allowed"


def test_a_draft_has_no_progress(ward: Ward) -> None:
    assert refusal(lambda: shown(ward, ward.here)) == "progress_draft"


def test_progress_is_worked_out_beside_the_lane_that_writes(ward: Ward) -> None:
    made = census(ward, 3)
    reading = ward.act("campaign.progress", campaign=made.id)

    # In a snapshot that may only read.
    def only_reads(connection: Any) -> dict[str, Any]:
        connection.exec_driver_sql("PRAGMA query_only=ON")
        told: dict[str, Any] = work_out(connection, reading)
        connection.exec_driver_sql("PRAGMA query_only=OFF")
        return told

    assert ward.database.read(only_reads)["total"]["cases"] == 3


# ── how it is shown ─────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("language", ["vi", "en"])
@pytest.mark.parametrize("by", [[], ["channel"], ["day"], ["neighbourhood"]])
def test_progress_fits_a_telephone(ward: Ward, language: str, by: list[str]) -> None:
    made = answered(ward)
    params = shown(ward, made.id, ward.staff(Role.WARD_STAFF), by=by)
    message = notice("staff.progress", params, language, ABILITIES["telegram"])
    assert len(message.text) < ABILITIES["telegram"].text_limit
    assert "{" not in message.text and "progress." not in message.text
    assert max(map(len, message.text.splitlines())) < 160
    assert all(1 <= len(button.data.encode()) <= 64 for row in message.rows for button in row)


def test_of_many_places_those_furthest_behind_are_listed(ward: Ward) -> None:
    made = census(ward, 120, neighbourhoods=[f"Khu phố {number}" for number in range(1, 41)])
    made.hand_in(made.cases[:60], NOW)
    text = "\n".join(progress_lines(shown(ward, made.id, ward.staff(Role.WARD_STAFF)), "vi"))
    assert "30 nơi chậm nhất trong 40" in text


def test_the_chart_is_a_small_picture_for_any_campaign(ward: Ward) -> None:
    made = answered(ward)
    for params in (shown(ward, made.id), shown(ward, census_of_none(ward))):
        for language in ("vi", "en"):
            png = progress_png(params, language)
            picture = Image.open(io.BytesIO(png))
            # Twice as wide as a small telephone: nothing in it is smaller there than twelve pixels.
            assert picture.width == 720 and picture.height > 400
            assert min(charts.TITLE, charts.HEAD, charts.TEXT, charts.SMALL) >= 24
            assert len(png) < 150_000
            # Something is drawn: more than one colour, and mostly paper.
            colours = picture.convert("RGB").getcolors(1 << 20)
            assert colours is not None and len(colours) > 5


def census_of_none(ward: Ward) -> int:
    """An open link that nobody has come to."""
    return int(ward.act("campaign.open", campaign=ward.here)["id"])


# ── the list ────────────────────────────────────────────────────────────────────────────────────────────────


def work(ward: Ward) -> int:
    settings = load({"HOIDAN_DATABASE_URL": ward.database.url.render_as_string(False)})
    return asyncio.run(InProcess(settings, ward.database, ward.keyring, lambda: ward.now).drain())


def asker(ward: Ward, role: Role = Role.WARD_STAFF, channel: str = "telegram") -> Actor:
    """A member of staff with a contact."""
    account = ward.staff(role).account_id
    return Actor(account_id=account, contact_id=ward.resident(channel).contact_id)


def listed(ward: Ward, made: Census, who: Actor, **asked: Any) -> Any:
    """The workbook that somebody gets."""
    begun = ward.act("campaign.waiting", who, campaign=made.id, **asked)
    work(ward)
    given = ward.act("campaign.waiting_file", who, download=begun["download"])
    return load_workbook(io.BytesIO(base64.b64decode(given["content"])))


def now_ward(ward: Ward) -> Ward:
    # Links and files are dated by the system's clock.
    from storage.database import now_ms

    ward.now = now_ms()
    return ward


def test_the_list_is_grouped_by_place_and_made_to_be_printed(ward: Ward) -> None:
    now_ward(ward)
    made = census(ward, 5, neighbourhoods=("Khu phố 10", "Khu phố 2"))
    made.name(0, head="Nguyễn Văn Út", address="1 Lê Lợi", phone="0901234567", code="H1")
    made.hand_in(made.cases[1:2], NOW)
    sheet, sums = listed(ward, made, asker(ward))
    rows = [[cell.value for cell in row] for row in sheet.iter_rows()]
    assert rows[0][0].startswith("Chưa trả lời: Khảo sát hộ 2026")
    assert rows[1][:5] == ["STT", "Mã hộ", "Chủ hộ / người được hỏi", "Địa chỉ", "Điện thoại"]
    assert rows[2][0] == "Khu phố 10, Phường Sài Gòn"
    assert rows[3][:9] == [
        1, "H1", "Nguyễn Văn Út", "1 Lê Lợi", "0901234567", "chưa mời", 0, None, made.cases[0],
    ]  # fmt: skip
    assert [row[0] for row in rows[2:]] == [
        "Khu phố 10, Phường Sài Gòn",
        1,
        2,
        3,
        "Khu phố 2, Phường Sài Gòn",
        1,
    ]
    assert [mark.id for mark in sheet.row_breaks.brk] == [6]
    assert (sheet.print_title_rows, sheet.page_setup.orientation) == ("$1:$2", "landscape")
    assert (sheet.page_setup.fitToWidth, sheet.page_setup.fitToHeight) == (1, 0)
    assert sheet.sheet_properties.pageSetUpPr.fitToPage and sheet.page_setup.paperSize == 9
    assert "dữ liệu cá nhân" in sheet.oddFooter.left.text
    assert [cell.value for cell in list(sums.iter_rows())[-1]] == ["Tất cả", 4]


def test_nothing_in_the_list_can_be_taken_for_a_formula(ward: Ward) -> None:
    now_ward(ward)
    made = census(ward, 1, neighbourhoods=("=cmd()",), title="=1+1")
    made.name(0, head='=HYPERLINK("http://x")', address="@SUM(A1)", phone="-1", code="+2\x01")
    sheet, sums = listed(ward, made, asker(ward))
    cells = [cell for book in (sheet, sums) for row in book.iter_rows() for cell in row]
    assert all(cell.data_type != "f" for cell in cells)
    texts = [cell.value for cell in cells if isinstance(cell.value, str)]
    assert not [text for text in texts if text.startswith(("=", "+", "-", "@"))]
    assert '\'=HYPERLINK("http://x")' in texts and "'+2" in texts


def test_one_neighbourhood_is_asked_for_by_its_number(ward: Ward) -> None:
    now_ward(ward)
    made = census(ward, 6, neighbourhoods=("Khu phố 1", "Khu phố 2", "Khu phố 12"))
    sheet, _ = listed(ward, made, asker(ward), neighbourhood="2")
    names = {row[0].value for row in sheet.iter_rows() if isinstance(row[0].value, str)}
    assert "Khu phố 2, Phường Sài Gòn" in names and "Khu phố 12, Phường Sài Gòn" not in names
    who = asker(ward)
    unknown = {"campaign": made.id, "neighbourhood": "99"}
    assert refusal(lambda: ward.act("campaign.waiting", who, **unknown)) == "neighbourhood_unknown"


@pytest.mark.parametrize("role", [role for role in Role if role not in (Role.WARD_STAFF, Role.COLLECTOR)])
def test_the_list_is_for_who_goes_there_and_nobody_else(ward: Ward, role: Role) -> None:
    made = census(ward, 2)
    who = asker(ward, role)
    assert refusal(lambda: ward.act("campaign.waiting", who, campaign=made.id)) == "not_allowed"


def test_staff_of_another_ward_get_neither_list_nor_file(ward: Ward) -> None:
    now_ward(ward)
    made = census(ward, 2)
    elsewhere = ward.staff(Role.WARD_STAFF, THERE)
    assert refusal(lambda: ward.act("campaign.waiting", elsewhere, campaign=made.id)) == "not_allowed"
    begun = ward.act("campaign.waiting", asker(ward), campaign=made.id)
    work(ward)
    for who in (elsewhere, asker(ward)):
        asked = partial(ward.act, "campaign.waiting_file", who, download=begun["download"])
        assert refusal(asked) == "download_gone"


def test_an_open_link_or_a_finished_census_has_no_list(ward: Ward) -> None:
    who = asker(ward)
    ward.act("campaign.open", campaign=ward.here)
    assert refusal(lambda: ward.act("campaign.waiting", who, campaign=ward.here)) == "waiting_no_frame"
    made = census(ward, 2)
    made.hand_in(made.cases, NOW)
    assert refusal(lambda: ward.act("campaign.waiting", who, campaign=made.id)) == "waiting_nobody"


def test_who_asked_is_told_by_a_link_and_every_step_is_written_down(ward: Ward) -> None:
    now_ward(ward)
    made = census(ward, 3)
    made.name(0, head="Nguyễn Văn Út")
    who = asker(ward)
    begun = ward.act("campaign.waiting", who, campaign=made.id, page="https://hoidan.example/")
    assert refusal(lambda: ward.act("campaign.waiting_file", who, download=begun["download"])) == (
        "download_not_ready"
    )
    work(ward)
    waiting = ward.database.write(
        lambda c: outbox.claim_replies(c, ward.keyring, "telegram", "t", 1, 10, ward.now)
    )
    (told,) = [one for one in waiting if one.message == "task.campaign_waiting"]
    assert told.params["records"] == 3 and told.params["link"].startswith("https://hoidan.example/download/")
    said = notice(told.message, told.params, "vi", ABILITIES["telegram"])
    assert told.params["link"] in said.text and said.file is None and "Út" not in said.text
    ward.act("campaign.waiting_file", who, download=begun["download"])
    log = ward.database.read(lambda c: audit.entries(c, account_id=who.account_id))
    assert [(one.action, one.channel, one.target, one.outcome) for one in reversed(log)] == [
        ("campaign.waiting", "test", f"campaign:{made.id}", "done"),
        ("campaign.waiting_file", "test", f"download:{begun['download']} rows:0", "failed"),
        ("campaign.waiting", "worker", f"campaign:{made.id} rows:3", "done"),
        ("campaign.waiting_file", "test", f"download:{begun['download']} rows:3", "done"),
    ]


def test_who_lost_the_role_meanwhile_does_not_get_the_file(ward: Ward) -> None:
    now_ward(ward)
    made = census(ward, 2)
    who = asker(ward)
    begun = ward.act("campaign.waiting", who, campaign=made.id)
    work(ward)
    listed_ = ward.act("account.list")["accounts"]
    (mine,) = [one for one in listed_ if one["id"] == who.account_id]
    ward.act("account.revoke", grant=mine["grants"][0]["id"])
    assert refusal(lambda: ward.act("campaign.waiting_file", who, download=begun["download"])) == (
        "not_allowed"
    )
