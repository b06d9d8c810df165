"""The command line: what it does, what programs read from it, what a person is told when it can't be done."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import click
import pytest

from bot import office
from bot.actions import Act, Actor, perform
from bot.cli import COMMANDS, main, root
from bot.cli.frame import Group, param_key
from bot.settings import keyring, load
from bot.texts import LANGUAGES, catalogue
from storage import accounts, contacts, migrate
from storage.crypto import new_keys
from storage.database import Database, Ownership, now_ms
from storage.migrate import upgrade
from tests.ward import AREAS, CONVERSIONS, TODAY, publication

ME = office.user_name(os.geteuid())

MINE = (
    "account",
    "import",
    "area",
    "household",
    "form",
    "instrument",
    "campaign",
    "parameter",
    "privacy",
    "audit",
    "db",
    "doctor",
)
"""The commands that act on an installation."""


class Ran:
    """A command line that was run: its exit code and what it printed."""

    def __init__(self, code: int, out: str, err: str) -> None:
        self.code, self.out, self.err = code, out, err

    @property
    def document(self) -> Any:
        """What it printed for programs: one JSON document and nothing else."""
        return json.loads(self.out)


class Terminal:
    """Runs command lines as a person would, in an environment of its own."""

    def __init__(
        self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], folder: Path
    ) -> None:
        self._capsys = capsys
        self.folder = folder
        self._set = monkeypatch.setenv
        for name in list(os.environ):
            if name.startswith(("HOIDAN_", "LC_")) or name == "LANG":
                monkeypatch.delenv(name)
        monkeypatch.chdir(folder)
        self.set("HOIDAN_DATABASE_URL", f"sqlite:///{folder / 'var' / 'hoidan.db'}")
        self.set("HOIDAN_LANGUAGE", "vi")

    def set(self, name: str, value: str) -> None:
        self._set(name, value)

    def __call__(self, *words: str) -> Ran:
        self._capsys.readouterr()
        code = main(list(words))
        said = self._capsys.readouterr()
        return Ran(code, said.out, said.err)

    def json(self, *words: str) -> Any:
        """The document of a command that must succeed."""
        ran = self(*words, "--json")
        assert (ran.code, ran.err) == (0, "")
        return ran.document


@pytest.fixture
def hoidan(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Terminal:
    return Terminal(monkeypatch, capsys, tmp_path)


@pytest.fixture
def office_of_one(hoidan: Terminal) -> Terminal:
    """An installation with its first account and two wards."""
    hoidan.json("account", "create", "Nguyễn Văn An")
    (hoidan.folder / "areas.csv").write_text(AREAS, "utf-8")
    hoidan.json("import", "areas", "areas.csv")
    return hoidan


# Help and usage


def commands(group: click.Group, *names: str) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """Every command below ``group`` with its words."""
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        yield (*names, name), command
        if isinstance(command, click.Group):
            yield from commands(command, *names, name)


ALL = {words: command for words, command in commands(root) if words[0] in MINE}


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_command_and_option_is_explained(language: str) -> None:
    sentences = catalogue(language)
    wanted = {"cli", "cli.option.help"}
    for words, command in ALL.items():
        key = ".".join(("cli", *words))
        wanted.add(key)
        wanted.update(param_key(key, param) for param in command.params)
    assert sorted(wanted - sentences.keys()) == []


@pytest.mark.parametrize("words", [(), *ALL], ids=" ".join)
def test_help_is_in_the_language_of_the_person_throughout(hoidan: Terminal, words: tuple[str, ...]) -> None:
    ran = hoidan(*words, "--help")
    assert ran.code == 0
    assert ran.out.startswith("Cách dùng: hoidan")
    english = ("Usage", "Options", "Commands", "Show this", "OPTIONS", "cli.")
    assert [word for word in english if word in ran.out] == []
    hoidan.set("HOIDAN_LANGUAGE", "en")
    assert hoidan(*words, "--help").out.startswith("Usage: hoidan")


@pytest.mark.parametrize(
    ("variables", "start"),
    [
        ({}, "Cách dùng"),
        ({"LANG": "en_GB.UTF-8"}, "Usage"),
        ({"LANG": "C.UTF-8"}, "Cách dùng"),
        ({"LANG": "fr_FR.UTF-8"}, "Cách dùng"),
        ({"LANG": "vi_VN.UTF-8", "LC_ALL": "en_US"}, "Usage"),
        ({"LANG": "en_US.UTF-8", "HOIDAN_LANGUAGE": "vi"}, "Cách dùng"),
    ],
)
def test_the_language_is_the_systems_unless_set_and_vietnamese_otherwise(
    hoidan: Terminal, variables: dict[str, str], start: str
) -> None:
    for name, value in {"HOIDAN_LANGUAGE": "", **variables}.items():
        hoidan.set(name, value)
    assert hoidan("--help").out.startswith(start)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("acount",), "Không có lệnh acount. Xem: hoidan --help"),
        (("account", "make"), "Không có lệnh make. Xem: hoidan account --help"),
        (("account", "create"), "Thiếu NAME. Xem: hoidan account create --help"),
        (("account", "create", "A", "B"), "Không hiểu dòng lệnh này. Xem: hoidan account create --help"),
        (("account", "list", "--foo"), "Không có tùy chọn --foo. Xem: hoidan account list --help"),
        (("account", "list", "--as"), "Dùng --as chưa đúng. Xem: hoidan --help"),
        (
            ("area", "find", "x", "--limit", "y"),
            "Giá trị của --limit không đúng. Xem: hoidan area find --help",
        ),
        (
            ("campaign", "list", "--status", "new"),
            "--status phải là một trong: draft, open, paused, closed, archived."
            " Xem: hoidan campaign list --help",
        ),
        (("account", "grant", "1", "dpo"), "Thiếu --area. Xem: hoidan account grant --help"),
    ],
)
def test_a_line_that_is_not_understood_ends_with_2_and_says_which_word(
    hoidan: Terminal, words: tuple[str, ...], told: str
) -> None:
    ran = hoidan(*words)
    assert (ran.code, ran.out, ran.err) == (2, "", told + "\n")
    assert not (hoidan.folder / "var").exists()


def test_without_any_word_the_help_is_shown(hoidan: Terminal) -> None:
    ran = hoidan()
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.startswith("Cách dùng")


def test_the_version_is_shown(hoidan: Terminal) -> None:
    assert hoidan("--version").out.startswith("hoidan ")


def test_help_loads_neither_the_database_nor_a_web_server() -> None:
    program = (
        "import sys; from bot.cli import main; main(['--help']);"
        "print(*[name for name in ('sqlalchemy', 'aiohttp', 'alembic', 'pyxform') if name in sys.modules])"
    )
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert said.stdout.splitlines()[-1] == ""


# The first account, and whom a command acts as


def test_the_first_account_is_the_administrator_that_later_commands_act_as(hoidan: Terminal) -> None:
    made = hoidan.json("account", "create", "Nguyễn Văn An")
    assert (made["id"], made["name"], made["system_user"]) == (1, "Nguyễn Văn An", ME)
    assert [(grant["role"], grant["area"]) for grant in made["grants"]] == [("administrator", "*")]
    second = hoidan.json("account", "create", "Trần Thị Bình")
    assert (second["system_user"], second["grants"]) == (None, [])
    assert [each["name"] for each in hoidan.json("account", "list")["accounts"]] == [
        "Nguyễn Văn An",
        "Trần Thị Bình",
    ]
    files = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (hoidan.folder / "var").iterdir()}
    assert files["hoidan.db.keys"] == 0o600


def test_a_command_acts_as_the_account_it_is_told(office_of_one: Terminal) -> None:
    hoidan = office_of_one
    hoidan.json("account", "create", "Bình")
    hoidan.json("account", "grant", "Bình", "ward_staff", "--area", "2025-07-01/26740")
    for name in ("Bình", "bình", "2"):
        assert hoidan("campaign", "list", "--as", name).code == 0
        ran = hoidan("account", "list", "--as", name)
        assert (ran.code, ran.out) == (1, "")
        assert ran.err.startswith("Ông/bà không có quyền")
    assert hoidan("campaign", "list", "--as", "Châu").err == "Không có tài khoản: Châu.\n"
    entries = hoidan.json("audit", "--account", "2")["entries"]
    assert {(entry["action"], entry["outcome"]) for entry in entries} == {
        ("campaign.list", "done"),
        ("account.list", "refused"),
    }


def test_a_user_without_an_account_is_told_how_to_get_one(hoidan: Terminal) -> None:
    ran = hoidan("account", "list", "--json")
    assert ran.code == 1
    assert ran.document["error"]["code"] == "no_account"
    assert f"Người dùng {ME}" in ran.err and "hoidan account create" in ran.err


def test_an_account_is_invited_granted_revoked_and_closed(office_of_one: Terminal) -> None:
    hoidan = office_of_one
    hoidan.json("account", "create", "Bình")
    invited = hoidan.json("account", "invite", "Bình")
    assert invited["link"] == f"http://127.0.0.1:8080/sign-in/{invited['code']}"
    assert invited["code"].startswith("nv_")
    assert "    nv_" in hoidan("account", "invite", "Bình").out
    granted = hoidan.json(
        "account", "grant", "Bình", "dpo", "--area", "*", "--from", "2026-01-01", "--to", "2099-12-31"
    )
    (grant,) = granted["grants"]
    assert (grant["role"], grant["area"], grant["valid_to"]) == ("dpo", "*", "2099-12-31")
    assert "phụ trách bảo vệ dữ liệu cá nhân" in hoidan("account", "list").out
    assert hoidan.json("account", "revoke", str(grant["id"]))["grants"] == []
    assert hoidan.json("account", "close", "Bình")["status"] == "closed"
    assert hoidan("account", "close", "1").err.startswith("Đây là quyền quản trị cuối cùng.")


# Areas and files


def test_areas_are_imported_whole_with_a_report_by_line(office_of_one: Terminal) -> None:
    hoidan = office_of_one
    bad = (
        "vintage,code,name,type,level,parent\n"
        "2025-07-01,26746,Tân Định,phường,commune,79\n"
        "2025-07-01,,X,phường,,79\n"
    )
    (hoidan.folder / "bad.csv").write_text(bad, "utf-8")
    ran = hoidan("import", "areas", "bad.csv", "--json")
    assert ran.code == 1
    assert ran.document["error"]["code"] == "area_lines_refused"
    assert [remark["line"] for remark in ran.document["report"]] == [3]
    assert "Dòng 3: " in ran.err
    assert hoidan.json("area", "find", "tân", "định")["areas"] == []
    (hoidan.folder / "conversions.csv").write_text(CONVERSIONS, "utf-8")
    assert hoidan.json("import", "conversions", "conversions.csv")["added"] == 1
    (found,) = hoidan.json("area", "find", "ben", "nghe")["areas"]
    assert (found["area"], found["former"]) == (
        "2025-07-01/26740",
        "Phường Bến Nghé, Quận 1, Thành phố Hồ Chí Minh",
    )
    found_so = "Phường Bến Nghé, Quận 1, Thành phố Hồ Chí Minh nay thuộc Phường Sài Gòn."
    assert found_so in hoidan("area", "find", "ben nghe").out


def test_the_list_that_comes_with_the_program_is_imported_without_a_file(hoidan: Terminal) -> None:
    hoidan.json("account", "create", "An")
    assert hoidan.json("import", "areas")["added"] == 3355
    assert hoidan.json("import", "areas")["unchanged"] == 3355
    assert hoidan.json("area", "find", "phuong sai gon")["areas"][0]["area"] == "2025-07-01/26740"


@pytest.mark.parametrize("command", ["areas", "conversions"])
@pytest.mark.parametrize("name", ["none.csv", "folder", "picture.csv"])
def test_a_file_that_is_no_table_is_refused_in_one_sentence(
    office_of_one: Terminal, command: str, name: str
) -> None:
    hoidan = office_of_one
    (hoidan.folder / "folder").mkdir()
    (hoidan.folder / "picture.csv").write_bytes(bytes(range(256)))
    ran = hoidan("import", command, name)
    assert (ran.code, ran.out) == (1, "")
    assert len(ran.err.splitlines()) == 1 and "Traceback" not in ran.err and "problem." not in ran.err


# Forms, instruments, campaigns


def test_a_form_is_checked_and_shown(hoidan: Terminal) -> None:
    form = str(Path(__file__).parents[2] / "surveys" / "library" / "dong_y" / "form.xlsx")
    assert hoidan.json("form", "check", form)["ok"] is True
    shown = hoidan.json("form", "show", form)
    assert shown["id"] == "dong_y"
    assert "dy_tra_loi" in {item["name"] for item in shown["items"]}
    assert "dy_tra_loi" in hoidan("form", "show", form).out


def test_a_file_that_is_no_form_is_an_error_in_the_report(hoidan: Terminal) -> None:
    (hoidan.folder / "form.xlsx").write_text("no workbook")
    for command in ("check", "show"):
        ran = hoidan("form", command, "form.xlsx", "--json")
        assert (ran.code, ran.document["ok"], ran.err) == (1, False, "")
        assert hoidan("form", command, "form.xlsx").code == 1


def test_a_campaign_is_made_amended_opened_and_closed(office_of_one: Terminal) -> None:
    hoidan = office_of_one
    assert hoidan.json("instrument", "publish", "dong_y")["name"] == "dong-y-v0"
    assert hoidan.json("instrument", "publish", "nguoi_lao_dong")["new"] is True
    assert hoidan.json("instrument", "publish", "nguoi_lao_dong")["new"] is False
    assert [each["form"] for each in hoidan.json("instrument", "list")["instruments"]] == [
        "dong_y",
        "nguoi_lao_dong",
    ]
    today = datetime.now(load().time_zone).date()
    last = (today + timedelta(days=30)).isoformat()
    made = hoidan.json(
        *("campaign", "create", "Khảo sát", "--area", "2025-07-01/26740", "--instrument", "nltt-kns-v0"),
        *("--consent", "dong-y-v0", "--starts", today.isoformat(), "--ends", today.isoformat()),
        *("--reference-date", today.isoformat(), "--internal", "--basis", "dong_y"),
    )
    code = made["code"]
    refused = hoidan("campaign", "open", code)
    assert refused.code == 1 and refused.err.startswith("Chưa mở được, còn thiếu: đơn vị thực hiện")
    legal = (
        "--controller",
        "UBND",
        "--address",
        "A",
        "--phone",
        "028",
        "--purpose",
        "P",
        "--storage-place",
        "S",
    )
    amended = hoidan.json(
        *("campaign", "amend", code, *legal, "--retention-days", "90", "--dpo-contact", "dpo", "--ends", last)
    )
    assert (amended["missing"], amended["ends_on"]) == ([], last)
    assert amended["legal"]["basis"] == "dong_y" and amended["legal"]["internal"]
    opened = hoidan.json("campaign", "open", code)
    assert (opened["running"], opened["link"]) == (True, f"http://127.0.0.1:8080/chat/{code}")
    assert hoidan("campaign", "close", code).out.startswith("Đã đóng.")
    assert hoidan("campaign", "open", code).err == "Chiến dịch ở trạng thái đã đóng, nên không mở được.\n"


def test_an_instrument_that_is_not_there_or_broken_is_named(office_of_one: Terminal) -> None:
    hoidan = office_of_one
    ran = hoidan("instrument", "publish", "khong_co")
    assert ran.code == 1 and "cong_dan_hoc_tap, dong_y, ho_gia_dinh, nguoi_lao_dong" in ran.err
    folder = hoidan.folder / "mine"
    folder.mkdir()
    for content in ("a: [", "- 1", "a: 2026-01-01", "\xff"):
        (folder / "instrument.yaml").write_bytes(content.encode("latin-1"))
        ran = hoidan("instrument", "publish", "mine", "--json")
        assert (ran.code, ran.document["error"]["code"]) == (1, "instrument_yaml")


def test_a_qr_code_is_saved(office_of_one: Terminal) -> None:
    hoidan = office_of_one
    settings = load()
    with office.enter(settings) as desk:
        desk.call("instrument.publish", publication())
        made = desk.call(
            "campaign.create",
            {
                "title": "Khảo sát",
                "area": "2025-07-01/26740",
                "starts_on": "2026-01-05",
                "ends_on": "2026-02-05",
                "reference_date": "2026-01-01",
                "instrument": "phieu",
            },
        )
    code = made["code"]
    assert hoidan.json("campaign", "qr", code)["file"] == f"{code}.png"
    assert (hoidan.folder / f"{code}.png").read_bytes().startswith(b"\x89PNG")
    told = hoidan.json("campaign", "qr", code, "--telegram", "hoi_dan_bot", "--out", "to.svg")
    assert told["link"] == f"https://t.me/hoi_dan_bot?start={code}"
    assert b"<svg" in (hoidan.folder / "to.svg").read_bytes()
    assert (
        hoidan("campaign", "qr", code, "--out", "to.pdf").err
        == "Tên tệp to.pdf phải có đuôi .png hoặc .svg.\n"
    )
    assert hoidan("campaign", "qr", code, "--out", "none/to.png").code == 1
    assert code in hoidan("campaign", "list").out
    assert hoidan.json("campaign", "status", code)["progress"]["cases"] == 0


# Parameters, requests, the log


def test_parameters_are_listed_and_set(office_of_one: Terminal) -> None:
    hoidan = office_of_one
    assert hoidan.json("parameter", "set", "suppression_threshold", "10")["version"] == 1
    listed = {each["name"]: each["value"] for each in hoidan.json("parameter", "list")["parameters"]}
    assert listed["suppression_threshold"] == 10
    for value, told in (
        ("1", "suppression_threshold phải từ 2 đến 100"),
        ("mười", "suppression_threshold phải là một số"),
    ):
        assert hoidan("parameter", "set", "suppression_threshold", value).err.startswith(told)


def test_requests_are_listed_and_answered(office_of_one: Terminal) -> None:
    hoidan = office_of_one
    with Database(load().database) as database:
        keys = keyring(load())

        def ask(connection: Any) -> None:
            contact = contacts.create(connection, keys, "telegram", "1", "vi", now_ms())
            actor = Actor(contact_id=contact.id)
            act = Act(connection, keys, actor, now_ms(), TODAY, "telegram")
            perform(act, "request.create", {"kind": "privacy", "text": "Xin xóa\ndữ liệu"})

        database.write(ask)
    assert hoidan.json("privacy", "list")["requests"][0]["text"] == "Xin xóa\ndữ liệu"
    assert "    dữ liệu" in hoidan("privacy", "list").out.splitlines()
    assert hoidan("privacy", "answer", "1", "Đã xóa.").out == "Đã trả lời yêu cầu số 1.\n"
    assert hoidan("privacy", "list").out == "Không có yêu cầu nào đang chờ.\n"
    assert "    → Đã xóa." in hoidan("privacy", "list", "--all").out.splitlines()
    assert hoidan("privacy", "answer", "1", "Lại").err == "Yêu cầu số 1 đã được trả lời rồi.\n"


def test_the_log_is_shown_and_filtered(office_of_one: Terminal) -> None:
    hoidan = office_of_one
    shown = hoidan("audit").out.splitlines()
    assert shown[0].split() == [
        "số",
        "lúc",
        "kênh",
        "tài",
        "khoản",
        "việc",
        "đối",
        "tượng",
        "địa",
        "bàn",
        "kết",
        "quả",
    ]
    found = hoidan.json("audit", "--action", "account.create", "--since", "2020-01-01")["entries"]
    assert [(entry["action"], entry["target"], entry["channel"]) for entry in found] == [
        ("account.create", "account:1", "cli")
    ]
    assert hoidan("audit", "--since", "hôm qua").code == 1


# The database


def test_the_tables_are_made_and_brought_up_to_date(hoidan: Terminal) -> None:
    assert hoidan.json("db", "upgrade")["ran"] != []
    assert hoidan.json("db", "upgrade")["ran"] == []
    assert hoidan("db", "upgrade").out == "Cơ sở dữ liệu đã mới nhất.\n"


@pytest.mark.parametrize("words", [("account", "list"), ("db", "upgrade"), ("doctor",)])
@pytest.mark.parametrize(
    ("variables", "told"),
    [
        ({"HOIDAN_DATABASE_URL": "oracle://x"}, "Giá trị của HOIDAN_DATABASE_URL không dùng được."),
        (
            {"HOIDAN_DATABASE_URL": "sqlite:///{folder}/text.db"},
            "Tệp này không phải là cơ sở dữ liệu SQLite.",
        ),
        ({"HOIDAN_DATABASE_URL": "sqlite:///{folder}/folder"}, "Không ghi được vào cơ sở dữ liệu."),
        ({"HOIDAN_DATABASE_URL": "postgresql://x@127.0.0.1:1/x"}, "Không kết nối được cơ sở dữ liệu."),
        ({"HOIDAN_SECRET_KEYS": "k1:short"}, "Danh sách khóa viết sai."),
        ({"HOIDAN_TIME_ZONE": "Moon/Crater"}, "Giá trị của HOIDAN_TIME_ZONE không dùng được."),
    ],
)
def test_a_wrong_installation_is_told_in_one_sentence(
    hoidan: Terminal, words: tuple[str, ...], variables: dict[str, str], told: str
) -> None:
    (hoidan.folder / "text.db").write_text("đây không phải cơ sở dữ liệu" * 100)
    (hoidan.folder / "folder").mkdir()
    hoidan.set("HOIDAN_SECRET_KEYS", new_keys())
    for name, value in variables.items():
        hoidan.set(name, value.format(folder=hoidan.folder))
    ran = hoidan(*words)
    said = ran.out + ran.err
    assert ran.code == 1
    assert told in said and "Traceback" not in said and "sqlalchemy" not in said.lower()
    ran = hoidan(*words, "--json")
    assert ran.code == 1
    message = ran.document.get("error", {}).get("message") or str(ran.document["checks"])
    assert told in message


def test_a_database_of_an_older_program_is_upgraded_on_request_only(
    hoidan: Terminal, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    hoidan.json("account", "create", "An")
    with monkeypatch.context() as newer:
        newer.setattr(migrate, "revisions", lambda: ("0001", "9999"))
        ran = hoidan("account", "list")
        assert (ran.code, ran.err) == (
            1,
            "Cơ sở dữ liệu chưa được nâng cấp cho phiên bản này. Xin sao lưu rồi chạy: hoidan db upgrade\n",
        )
        assert "hoidan db upgrade" in hoidan("doctor").out


def test_a_command_waits_for_another_and_then_says_so(
    hoidan: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    hoidan.json("account", "create", "An")
    monkeypatch.setattr(office, "PATIENCE", 0.1)
    owner = Ownership(load().database_file or Path())
    assert owner.take()
    assert hoidan("account", "list").err == "Một lệnh khác đang giữ cơ sở dữ liệu. Xin đợi rồi thử lại.\n"
    assert hoidan("db", "upgrade").code == 1
    threading.Timer(0.2, owner.release).start()
    monkeypatch.setattr(office, "PATIENCE", 30)
    assert hoidan("account", "list").code == 0


def test_on_postgresql_commands_act_directly_after_an_upgrade(hoidan: Terminal, postgres_url: str) -> None:
    hoidan.set("HOIDAN_DATABASE_URL", postgres_url)
    hoidan.set("HOIDAN_SECRET_KEYS", new_keys())
    assert hoidan("account", "create", "An").err.startswith("Cơ sở dữ liệu chưa được nâng cấp")
    assert hoidan.json("db", "upgrade")["ran"]
    assert hoidan.json("account", "create", "An")["system_user"] == ME
    assert [each["name"] for each in hoidan.json("account", "list")["accounts"]] == ["An"]
    assert list(hoidan.folder.iterdir()) == []


# A server that owns the database


class Server:
    """The office of a running server, on a thread."""

    def __init__(self) -> None:
        settings = load()
        file = settings.database_file
        assert file is not None
        self.path = office.socket_path(file)
        self._owner = Ownership(file)
        assert self._owner.take()
        self._keys = keyring(settings)
        self.database = Database(settings.database)
        upgrade(self.database.engine)
        self._zone = settings.time_zone
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()
        serving = office.serve_office(self.database, self._keys, self._zone, self.path)
        self._runner = asyncio.run_coroutine_threadsafe(serving, self._loop).result(30)

    def stop(self) -> None:
        asyncio.run_coroutine_threadsafe(self._runner.cleanup(), self._loop).result(30)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
        self.database.close()
        self._owner.release()


@pytest.fixture
def served(hoidan: Terminal) -> Iterator[Server]:
    server = Server()
    yield server
    server.stop()


def test_commands_reach_a_running_server_over_its_socket(hoidan: Terminal, served: Server) -> None:
    assert stat.S_IMODE(served.path.stat().st_mode) == 0o600
    made = hoidan.json("account", "create", "Nguyễn Văn An")
    assert (made["id"], made["system_user"]) == (1, ME)
    (hoidan.folder / "areas.csv").write_text(AREAS, "utf-8")
    assert hoidan.json("import", "areas", "areas.csv")["added"] == 6
    assert hoidan("account", "invite", "Không Ai").err == "Không có tài khoản: Không Ai.\n"
    ran = hoidan("campaign", "status", "ABCDE", "--as", "1", "--json")
    assert ran.document["error"]["code"] == "campaign_unknown"
    assert "✔ Máy chủ: đang chạy" in hoidan("doctor").out.splitlines()
    assert hoidan("db", "upgrade").err.startswith("Máy chủ hoặc một lệnh khác đang dùng")
    assert served.database.read(accounts.any_account)


def test_a_refusal_over_the_socket_is_the_same_problem_and_leaves_its_audit_row(
    hoidan: Terminal, served: Server
) -> None:
    hoidan.json("account", "create", "An")
    hoidan.json("account", "create", "Bình")
    ran = hoidan("account", "list", "--as", "Bình")
    assert (ran.code, ran.err.startswith("Ông/bà không có quyền")) == (1, True)
    assert hoidan.json("audit", "--account", "2")["entries"][0]["outcome"] == "refused"
    bad = "vintage,code,name\n2025-07-01,1,X\n"
    (hoidan.folder / "bad.csv").write_text(bad, "utf-8")
    assert hoidan("import", "areas", "bad.csv", "--json").document["report"][0]["line"] == 2


def raw(path: Path, request: bytes) -> bytes:
    with closing(socket.socket(socket.AF_UNIX)) as line:
        line.settimeout(30)
        line.connect(str(path))
        line.sendall(request)
        told = b""
        while chunk := line.recv(65536):
            told += chunk
        return told


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"{", 400),
        (b"[]", 400),
        (b'{"action": 1}', 400),
        (b'{"action": "account.list", "more": 1}', 400),
        (b'{"action": "no.such", "arguments": {}}', 403),
        (b'{"action": "account.create", "arguments": {"name": "\\ud800"}}', 400),
    ],
)
def test_whatever_comes_over_the_socket_is_answered(
    hoidan: Terminal, served: Server, body: bytes, status: int
) -> None:
    head = f"POST /act HTTP/1.1\r\nHost: office\r\nConnection: close\r\nContent-Length: {len(body)}\r\n\r\n"
    told = raw(served.path, head.encode() + body)
    assert told.startswith(f"HTTP/1.1 {status} ".encode())
    assert b'"problem"' in told


def test_another_user_is_not_served(
    hoidan: Terminal, served: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(office, "_peer", lambda _request: 65_534)
    ran = hoidan("account", "create", "Kẻ lạ")
    assert (ran.code, ran.err.startswith("Ông/bà không phải là người dùng hệ thống")) == (1, True)
    assert not served.database.read(accounts.any_account)


def test_the_kernel_says_who_is_at_the_other_end(hoidan: Terminal, served: Server) -> None:
    seen: list[int] = []
    ask = office._peer

    def watch(request: Any) -> int:
        seen.append(ask(request))
        return seen[-1]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(office, "_peer", watch)
        hoidan.json("account", "create", "An")
    assert seen == [os.geteuid()]


def test_a_socket_that_a_killed_server_left_stands_in_nobodys_way(hoidan: Terminal) -> None:
    hoidan.json("account", "create", "An")
    path = office.socket_path(load().database_file or Path())
    office.listen(path).close()
    assert path.exists()
    assert hoidan("account", "list").code == 0
    server = Server()
    try:
        assert hoidan.json("account", "list")["accounts"][0]["name"] == "An"
    finally:
        server.stop()
    assert not path.exists()


def test_a_database_may_lie_deeper_than_a_socket_address_has_room(hoidan: Terminal) -> None:
    deep = hoidan.folder / ("d" * 100) / "hoidan.db"
    hoidan.set("HOIDAN_DATABASE_URL", f"sqlite:///{deep}")
    server = Server()
    try:
        assert hoidan.json("account", "create", "An")["id"] == 1
    finally:
        server.stop()


def test_a_server_that_goes_away_half_way_is_told(hoidan: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    hoidan.json("account", "create", "An")
    file = load().database_file or Path()
    owner = Ownership(file)
    assert owner.take()
    line = office.listen(office.socket_path(file))

    def hang_up() -> None:
        caller, _ = line.accept()
        caller.recv(100)
        caller.close()

    answering = threading.Thread(target=hang_up)
    answering.start()
    ran = hoidan("account", "list")
    answering.join()
    line.close()
    owner.release()
    assert (ran.code, ran.err.startswith("Máy chủ đã ngắt giữa chừng")) == (1, True)


# The doctor


def outcomes(document: Any) -> dict[str, str]:
    return {check["name"]: check["outcome"] for check in document["checks"]}


def test_a_new_installation_is_examined_without_making_anything(hoidan: Terminal) -> None:
    document = hoidan.json("doctor")
    assert document["ok"] is True
    assert outcomes(document)["database"] == "warning"
    assert list(hoidan.folder.iterdir()) == []


def test_a_good_installation_passes(office_of_one: Terminal) -> None:
    found = outcomes(office_of_one.json("doctor"))
    assert set(found.values()) == {"ok"}
    assert {"settings", "keys", "database", "migrations", "areas", "administrators", "server"} <= found.keys()


def test_keys_that_others_can_read_fail_the_examination(office_of_one: Terminal) -> None:
    path = office_of_one.folder / "var" / "hoidan.db.keys"
    path.chmod(0o644)
    ran = office_of_one("doctor", "--json")
    assert (ran.code, outcomes(ran.document)["keys"]) == (1, "failed")
    assert f"chmod 600 {path}" in office_of_one("doctor").out


def test_keys_that_were_lost_fail_the_examination(office_of_one: Terminal) -> None:
    path = office_of_one.folder / "var" / "hoidan.db.keys"
    path.unlink()
    ran = office_of_one("doctor", "--json")
    assert (ran.code, outcomes(ran.document)["keys"]) == (1, "failed")
    assert not path.exists()
    assert office_of_one("account", "list").err.startswith(f"Không thấy tệp khóa {path}")


def test_a_public_address_without_https_is_warned_of(office_of_one: Terminal) -> None:
    office_of_one.set("HOIDAN_PUBLIC_URL", "http://hoi.example")
    assert outcomes(office_of_one.json("doctor"))["address"] == "warning"


@pytest.mark.parametrize(
    ("status", "body", "outcome", "told"),
    [
        (
            200,
            {"ok": True, "result": {"id": 1, "is_bot": True, "username": "hoi_dan_bot"}},
            "ok",
            "@hoi_dan_bot",
        ),
        (401, {"ok": False, "error_code": 401}, "failed", "BotFather"),
        (502, {}, "failed", "không liên lạc được"),
        (200, [], "failed", "không liên lạc được"),
    ],
)
def test_telegram_is_asked_when_online_is_wanted(
    office_of_one: Terminal, status: int, body: object, outcome: str, told: str
) -> None:
    class Telegram(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            assert self.path == "/bot123456:AAabcdefghijk/getMe"
            answer = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Telegram) as server:
        threading.Thread(target=server.serve_forever).start()
        office_of_one.set("HOIDAN_TELEGRAM_TOKEN", "123456:AAabcdefghijk")
        office_of_one.set("HOIDAN_TELEGRAM_API_BASE", f"http://127.0.0.1:{server.server_port}")
        offline = outcomes(office_of_one.json("doctor"))["telegram"]
        ran = office_of_one("doctor", "--online", "--json")
        server.shutdown()
    assert offline == "ok"
    (check,) = [check for check in ran.document["checks"] if check["name"] == "telegram"]
    assert check["outcome"] == outcome and told in check["message"]
    assert "AAabcdefghijk" not in ran.out + ran.err


def test_every_command_that_may_be_called_is_listed() -> None:
    assert set(MINE) <= set(COMMANDS)
    assert all(isinstance(command, click.Command) for command in ALL.values())
    assert isinstance(root, Group)
