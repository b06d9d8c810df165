"""``hoidan progress``, ``waiting`` and ``alerts``: on the command line as in the chat."""

from __future__ import annotations

import stat
from datetime import date, timedelta
from functools import partial
from pathlib import Path

import pytest
from openpyxl import load_workbook

from storage.database import Database
from tests.bot.test_cli import Terminal
from tests.bot.test_cli_campaign import LEGAL
from tests.households import settle
from tests.ward import AREAS, HERE

FIRST = date.today()


@pytest.fixture
def hoidan(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Terminal:
    """An installation with an open census of twelve households; whoever types runs the ward."""
    terminal = Terminal(monkeypatch, capsys, tmp_path)
    terminal.json("account", "create", "Nguyễn Văn An")
    (tmp_path / "areas.csv").write_text(AREAS, "utf-8")
    terminal.json("import", "areas", "areas.csv")
    terminal.json("account", "grant", "Nguyễn Văn An", "ward_staff", "--area", "/".join(HERE))
    terminal.json("instrument", "publish", "ho_gia_dinh")
    with Database(f"sqlite:///{tmp_path / 'var' / 'hoidan.db'}") as database:
        database.write(partial(settle, area=HERE, number=12, neighbourhoods=("Khu phố 1", "Khu phố 2")))
    return terminal


def opened(hoidan: Terminal) -> str:
    made = hoidan.json(
        *("campaign", "create", "Khảo sát hộ", "--area", "/".join(HERE), "--instrument", "ho-gia-dinh-v0"),
        *("--starts", FIRST.isoformat(), "--ends", (FIRST + timedelta(days=30)).isoformat()),
        *("--reference-date", FIRST.isoformat(), *LEGAL, "--mode", "census"),
    )
    hoidan.json("campaign", "open", str(made["code"]))
    return str(made["code"])


def test_progress_in_words_as_data_and_as_a_picture(hoidan: Terminal, tmp_path: Path) -> None:
    code = opened(hoidan)
    told = hoidan.json("progress", code, "--by", "neighbourhood", "--by", "channel", "--by", "day")
    assert (told["total"]["cases"], told["coverage"]["frame"]) == (12, 12)
    assert [row["name"] for row in told["rows"]] == ["Khu phố 1", "Khu phố 2"]
    assert told["asked"] == ["neighbourhood", "channel", "day"]
    out = hoidan("progress", code, "--png", "tien-do.png").out
    assert "Khu phố 1: 0/6" in out and "tien-do.png" in out
    assert (tmp_path / "tien-do.png").read_bytes().startswith(b"\x89PNG")
    assert hoidan("progress", code, "--by", "wind").code == 2
    assert hoidan("progress", "ZZZZZ").code == 1


def test_the_list_is_written_for_its_owners_eyes_alone_and_never_over_another_file(
    hoidan: Terminal, tmp_path: Path
) -> None:
    code = opened(hoidan)
    told = hoidan.json("waiting", code, "--neighbourhood", "2", "--out", "ds.xlsx")
    assert (told["records"], told["campaign"]) == (6, code)
    file = tmp_path / "ds.xlsx"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert len(list(load_workbook(file).worksheets[0].iter_rows())) == 2 + 1 + 6
    again = hoidan("waiting", code, "--out", "ds.xlsx")
    assert again.code == 1 and "ds.xlsx" in again.err
    assert hoidan("waiting", code, "--neighbourhood", "Khu phố 7", "--out", "d2.xlsx").code == 1
    assert not (tmp_path / "d2.xlsx").exists()
    log = hoidan.json("audit", "--action", "campaign.waiting")["entries"]
    assert {one["target"] for one in log if one["outcome"] == "done"} >= {"campaign:1", "campaign:1 rows:6"}


def test_alerts_when_there_are_none(hoidan: Terminal) -> None:
    assert hoidan.json("alerts", "--over") == {"alerts": []}
    assert hoidan("alerts").out.strip()
