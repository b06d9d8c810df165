"""``hoidan campaign``: the life of a campaign on the command line, as staff have it in the chat."""

from __future__ import annotations

import zipfile
from datetime import date, timedelta
from functools import partial
from pathlib import Path

import pytest

from storage.database import Database
from tests.bot.test_cli import Terminal
from tests.households import settle
from tests.ward import AREAS, HERE

LEGAL = (
    "--controller", "UBND", "--address", "45 Lê Duẩn", "--phone", "028 3829 7000", "--purpose", "thống kê",
    "--storage-place", "máy chủ", "--retention-days", "90", "--dpo-contact", "dpo", "--basis", "dieu_19",
    "--internal",
)  # fmt: skip
FIRST = date.today()


@pytest.fixture
def hoidan(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Terminal:
    """An installation with two accounts, a ward, twelve households, and the household form."""
    terminal = Terminal(monkeypatch, capsys, tmp_path)
    terminal.json("account", "create", "Nguyễn Văn An")
    (tmp_path / "areas.csv").write_text(AREAS, "utf-8")
    terminal.json("import", "areas", "areas.csv")
    terminal.json("account", "create", "Trần Thị Bình")
    terminal.json("account", "grant", "Trần Thị Bình", "approver", "--area", "/".join(HERE))
    terminal.json("instrument", "publish", "ho_gia_dinh")
    with Database(f"sqlite:///{tmp_path / 'var' / 'hoidan.db'}") as database:
        database.write(partial(settle, area=HERE, number=12, neighbourhoods=("Khu phố 1", "Khu phố 2")))
    return terminal


def create(hoidan: Terminal, *more: str) -> str:
    made = hoidan.json(
        *("campaign", "create", "Khảo sát hộ", "--area", "/".join(HERE), "--instrument", "ho-gia-dinh-v0"),
        *("--starts", FIRST.isoformat(), "--ends", (FIRST + timedelta(days=30)).isoformat()),
        *("--reference-date", FIRST.isoformat(), *LEGAL, *more),
    )
    return str(made["code"])


def test_a_census_is_previewed_approved_opened_paused_extended_closed_and_put_away(hoidan: Terminal) -> None:
    hoidan.json("parameter", "set", "approval_cases", "10")
    code = create(hoidan, "--mode", "census", "--reminders", "few")
    shown = hoidan.json("campaign", "preview", code)
    assert (shown["cases"], shown["approval"]["needed"]) == (12, True)
    assert "Hỏi toàn bộ: 12 hộ" in hoidan("campaign", "preview", code).out
    assert "phê duyệt" in hoidan("campaign", "open", code).err
    assert hoidan("campaign", "approve", code, "12").code == 1
    hoidan.json("campaign", "approve", code, "12", "--as", "Trần Thị Bình")
    opened = hoidan.json("campaign", "open", code)
    assert (opened["status"], opened["size"], opened["made"]) == ("open", 12, True)
    for step, status in (("pause", "paused"), ("resume", "open")):
        assert hoidan.json("campaign", step, code)["status"] == status
    until = (FIRST + timedelta(days=40)).isoformat()
    assert hoidan.json("campaign", "extend", code, until)["ends_on"] == until
    assert hoidan("campaign", "extend", code, until).code == 1
    hoidan.json("campaign", "close", code)
    assert hoidan("campaign", "archive", code).out.startswith("Đã lưu trữ.")
    assert hoidan.json("campaign", "list")["campaigns"] == []


def test_a_sample_is_drawn_by_stratum_and_a_lost_case_replaced(hoidan: Terminal) -> None:
    code = create(
        hoidan,
        *("--mode", "sample", "--strata", "neighbourhood", "--seed", "QĐ 12"),
        *("--stratum-size", f"{HERE[1]}/Khu phố 1=2", "--reserve", "50"),
    )
    assert hoidan.json("campaign", "open", code)["size"] == 2
    done = hoidan.json("campaign", "replace", code, "1", "moved")
    assert (done["case"], done["replacement"]) == (1, 3)
    assert "dự phòng" in hoidan("campaign", "replace", code, "3", "moved").err
    assert hoidan("campaign", "replace", code, "3", "just_because").code == 2


def test_a_campaign_larger_than_a_turn_can_bear_is_opened_at_once_where_no_server_runs(
    hoidan: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.actions.campaign_life.SMALL", 5)
    code = create(hoidan, "--mode", "sample", "--sample-size", "4", "--seed", "1")
    opened = hoidan.json("campaign", "open", code)
    assert (opened["status"], opened["size"], opened["made"]) == ("open", 4, True)


def test_quotas_and_neighbourhoods_are_given_as_options(hoidan: Terminal) -> None:
    code = create(hoidan, "--quota", f"50:::{HERE[1]}")
    assert hoidan.json("campaign", "status", code)["quotas"][0]["most"] == 50
    other = create(hoidan, "--mode", "census", "--neighbourhood", "Khu phố 2")
    assert hoidan.json("campaign", "preview", other)["cases"] == 6
    for option, given in (("--quota", "nhiều"), ("--quota", "5:male"), ("--stratum-size", "Khu phố 1")):
        ran = hoidan(
            *("campaign", "amend", other, option, given),
        )
        assert ran.code == 1 and ran.err


def test_letters_for_a_census_are_written_to_a_file_where_no_server_runs(
    hoidan: Terminal, tmp_path: Path
) -> None:
    code = create(hoidan, "--mode", "census")
    assert hoidan("campaign", "leaflets", code, "--out", "thu.zip").code == 1
    hoidan.json("campaign", "open", code)
    made = hoidan.json("campaign", "leaflets", code, "--out", "thu.zip")
    assert (made["households"], made["files"]) == (12, 2)
    with zipfile.ZipFile(tmp_path / "thu.zip") as archive:
        assert sorted(archive.namelist()) == ["26740-khu-pho-1-1.pdf", "26740-khu-pho-2-1.pdf"]
    assert (tmp_path / "thu.zip").stat().st_mode & 0o777 == 0o600
    one = ("--kind", "labels", "--neighbourhood", "2", "--out", "tem.pdf")
    assert "cho 6 hộ, 1 tệp PDF" in hoidan("campaign", "leaflets", code, *one).out
    assert (tmp_path / "tem.pdf").read_bytes().startswith(b"%PDF")
    assert hoidan("campaign", "leaflets", code, *one).code == 1
