"""Lists of households from the file to the frame: read apart, taken in by a task, told on our own page."""

from __future__ import annotations

import asyncio
import base64
import io
import json
import re
import shutil
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import suppress
from datetime import date
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from aiohttp import FormData
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from openpyxl.utils.datetime import CALENDAR_MAC_1904
from sqlalchemy import select

from bot import frames
from bot.actions import Actor
from bot.authoring import sheets
from bot.authoring.households import COLUMNS, defused, report, template
from bot.authoring.sheets import Begin, read_sheets, sheets_of
from bot.cli import main
from bot.frames import template_file
from bot.households import told as frame_told
from bot.leaflets import Links
from bot.messages import ABILITIES
from bot.notices import notice
from bot.settings import load
from bot.texts import LANGUAGES, say
from bot.worker import Worker
from storage import households, outbox, tasks
from storage.schema import audit, household_imports, household_pieces
from surveys.areas import Areas
from surveys.frames.lists import Line, Place, Remark
from surveys.frames.places import Locator
from surveys.frames.rows import Outcome, Sheet, read_frame
from surveys.problems import Problem
from surveys.roles import Role
from tests.bot.served import served, visitor
from tests.town import WARD as WARD_TEXT
from tests.town import Resident, Town
from tests.town import found as found_town
from tests.ward import CITY, HERE, KEYS, THERE, Ward, enter, found

# The reader


def workbook(path: Path, *records: tuple[object, ...], **sheets_: list[tuple[object, ...]]) -> Path:
    """A workbook with one sheet of records, or several."""
    book = openpyxl.Workbook()
    assert book.active
    for record in records:
        book.active.append(list(record))
    for name, more in sheets_.items():
        sheet = book.create_sheet(name)
        for record in more:
            sheet.append(list(record))
    book.save(path)
    return path


def told(path: Path) -> list[Line]:
    """The lines of a file's sheets, one after the other."""
    return [said for said in sheets_of(path) if isinstance(said, Line)]


def cells(path: Path) -> list[tuple[str, ...]]:
    return [line.cells for line in told(path)]


def refusal(path: Path) -> Problem:
    with pytest.raises(Problem) as caught:
        list(sheets_of(path))
    return caught.value


def written(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


LIST = "Mã hộ;Chủ hộ;Ghi chú\nH1;Nguyễn Văn Ân;\nH2;Trần Thị Bưởi;đã gọi\n"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("divider", [";", ",", "\t"])
def test_csv_is_read_in_every_encoding_that_spreadsheets_write(tmp_path: Path, encoding: str, divider: str):
    file = written(tmp_path / "a.csv", LIST.replace(";", divider).encode(encoding))
    assert [row[1] for row in cells(file)] == ["Chủ hộ", "Nguyễn Văn Ân", "Trần Thị Bưởi"]


def test_csv_in_the_vietnamese_code_page_of_windows_is_read(tmp_path: Path):
    # Its letters are a base and a mark: ễ is ê and a tilde.
    marks = {"ễ": "ê\u0303", "ầ": "â\u0300", "ị": "i\u0323", "ở": "ơ\u0309", "ộ": "ô\u0323", "ủ": "u\u0309"}
    text = LIST.replace("đã gọi", "")
    for letter, pair in marks.items():
        text = text.replace(letter, pair)
    file = written(tmp_path / "a.csv", text.replace("ã", "a\u0303").encode("cp1258"))
    assert [row[1] for row in cells(file)] == ["Chủ hộ", "Nguyễn Văn Ân", "Trần Thị Bưởi"]


@pytest.mark.parametrize(
    ("text", "font"),
    [
        ("M· hé;Hä vµ tªn\nH1;NguyÔn V¨n ¢n\nH2;TrÇn ThÞ B×nh\nH3;§Æng V¨n Hïng\n", "TCVN3"),
        ("Maõ hoä;Hoï vaø teân\nH1;Nguyeãn Vaên Aân\nH2;Traàn Thò Bình\nH3;Ñaëng Vaên Huøng\n", "VNI"),
    ],
)
def test_csv_in_letters_of_old_is_refused_by_the_name_of_the_font(tmp_path: Path, text: str, font: str):
    problem = refusal(written(tmp_path / "a.csv", text.encode("cp1252")))
    assert problem.code == "household_file_font" and font in str(problem.params["font"])


def test_bytes_of_no_known_encoding_are_refused_rather_than_guessed(tmp_path: Path):
    data = bytes(range(128, 256)) * 20
    assert refusal(written(tmp_path / "a.csv", b"a;b\n" + data)).code == "household_file_encoding"
    assert refusal(written(tmp_path / "b.csv", b"\xff\xfea")).code == "household_file_encoding"


def test_a_line_of_csv_knows_its_number_across_quoted_line_ends(tmp_path: Path):
    file = written(tmp_path / "a.csv", 'Mã hộ,Địa chỉ\n\nH1,"1 Lê Lợi\nlầu 2"\nH2,x\n'.encode())
    assert [line.number for line in told(file)] == [1, 3, 5]


def test_values_of_a_workbook_are_text_as_people_see_it(tmp_path: Path):
    row = (" H1 ", 912345678, 1985.0, 0.5, date(1985, 3, 15), True, None, "'0912")
    assert cells(workbook(tmp_path / "a.xlsx", row)) == [
        ("H1", "912345678", "1985", "0.5", "1985-03-15", "1", "", "'0912")
    ]


def test_what_a_merged_cell_holds_is_on_each_line_and_its_span_is_told(tmp_path: Path):
    path = workbook(
        tmp_path / "a.xlsx",
        ("Hộ", "Năm sinh", None),
        (None, "Nam", "Nữ"),
        ("H1", "1985", None),
        (None, "1990"),
    )
    book = openpyxl.load_workbook(path)
    assert book.active
    for merged in ("A1:A2", "B1:C1", "A3:A4"):
        book.active.merge_cells(merged)
    book.save(path)
    begin, *lines = sheets_of(path)
    assert isinstance(begin, Begin) and begin.spans == ((1, 1, 2),)
    assert [line.cells[:2] for line in lines if isinstance(line, Line)] == [
        ("Hộ", "Năm sinh"),
        ("Hộ", "Nam"),
        ("H1", "1985"),
        ("H1", "1990"),
    ]


def test_hidden_lines_and_sheets_are_told_to_be_so(tmp_path: Path):
    path = workbook(tmp_path / "a.xlsx", ("a",), ("b",), Sheet2=[("c",)])
    book = openpyxl.load_workbook(path)
    assert book.active
    book.active.row_dimensions[2].hidden = True
    book["Sheet2"].sheet_state = "hidden"
    book.save(path)
    assert [line.hidden for line in told(path)] == [False, True, False]
    assert [said.hidden for said in sheets_of(path) if isinstance(said, Begin)] == [False, True]


def formulas(path: Path) -> Path:
    """A workbook with a formula that was computed, one that never was, and one that failed."""
    workbook(path, ("H1", "=1+1"), ("H2", "=A1"), ("H3", "=1/0"))
    parts: dict[str, bytes] = {}
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    sheet = parts["xl/worksheets/sheet1.xml"].decode()
    sheet = sheet.replace('<c r="B1"><f>1+1</f><v></v></c>', '<c r="B1"><f>1+1</f><v>2</v></c>')
    sheet = sheet.replace('<c r="B1"><f>1+1</f><v /></c>', '<c r="B1"><f>1+1</f><v>2</v></c>')
    sheet = re.sub(
        r'<c r="B3"><f>1/0</f><v ?(?:/>|></v>)</c>', '<c r="B3" t="e"><f>1/0</f><v>#DIV/0!</v></c>', sheet
    )
    parts["xl/worksheets/sheet1.xml"] = sheet.encode()
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in parts.items():
            archive.writestr(name, data)
    return path


def test_of_a_formula_its_kept_value_counts_and_a_missing_one_is_told(tmp_path: Path):
    first, second, third = told(formulas(tmp_path / "a.xlsx"))
    assert first.cells == ("H1", "2") and not first.faults
    assert (second.faults, third.faults) == ({1: "formula"}, {1: "#DIV/0!"})


def test_days_are_counted_from_1904_where_the_workbook_says_so(tmp_path: Path):
    path = tmp_path / "a.xlsx"
    book = openpyxl.Workbook()
    book.epoch = CALENDAR_MAC_1904
    assert book.active
    book.active.append([date(1985, 3, 15)])
    book.save(path)
    assert cells(path) == [("1985-03-15",)]


def ole(*names: str) -> bytes:
    """As much of a compound file as tells what is in it."""
    return (
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
        + b"\0" * 504
        + b"".join(name.encode("utf-16-le") for name in names)
    )


def archive(**parts: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as opened:
        for name, data in parts.items():
            opened.writestr(name, data)
    return file.getvalue()


BOOK = {
    "xl/workbook.xml": b'<workbook xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" '
    b'xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships">'
    b'<sheets><sheet name="A" sheetId="1" r:id="rId1"/></sheets></workbook>',
    "xl/_rels/workbook.xml.rels": b'<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/'
    b'relationships"><Relationship Id="rId1" Target="worksheets/sheet1.xml"/></Relationships>',
}
BILLION = (
    b'<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]>'
    b'<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>'
    b'<row r="1"><c r="A1" t="str"><v>&b;</v></c></row></sheetData></worksheet>'
)


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "household_file_empty"),
        (ole("EncryptedPackage"), "household_file_protected"),
        (ole("Workbook"), "household_file_old"),
        (b"<html><table><tr><td>1</td></tr></table></html>", "household_file_old"),
        (b"%PDF-1.7\n", "household_file_kind"),
        (archive(mimetype=b"application/vnd.oasis.opendocument.spreadsheet"), "household_file_kind"),
        (archive(**{"xl/workbook.bin": b"x"}), "household_file_kind"),
        (archive(**{"word/document.xml": b"<x/>"}), "household_file_kind"),
        (archive(**{"xl/workbook.xml": b"<x"}), "household_file_unreadable"),
        (archive(**BOOK, **{"xl/worksheets/sheet1.xml": BILLION}), "household_file_unreadable"),
        (archive(**BOOK, **{"xl/worksheets/sheet1.xml": b"<a/>"})[:400], "household_file_unreadable"),
    ],
)
def test_what_is_no_list_is_refused_in_a_sentence_of_its_own(tmp_path: Path, data: bytes, code: str):
    assert refusal(written(tmp_path / "a.xlsx", data)).code == code


def test_a_workbook_that_unpacks_to_too_much_is_refused_unread(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(sheets, "MOST_UNPACKED", 1_000_000)
    bomb = archive(**BOOK, **{"xl/worksheets/sheet1.xml": b" " * 2_000_000})
    assert refusal(written(tmp_path / "a.xlsx", bomb)).code == "household_file_heavy"


def test_a_file_too_large_or_missing_is_refused(tmp_path: Path):
    with (tmp_path / "large.csv").open("wb") as file:
        file.truncate(sheets.MOST_BYTES + 1)
    assert refusal(tmp_path / "large.csv").code == "household_file_large"
    assert refusal(tmp_path / "none.csv").code == "household_file_missing"


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=400))
def test_whatever_bytes_come_they_are_lines_or_a_problem(tmp_path: Path, data: bytes):
    for beginning in (b"", b"PK\x03\x04", b"\xff\xfe"):
        with suppress(Problem):
            list(sheets_of(written(tmp_path / "any", beginning + data)))


def test_sheets_are_read_by_a_process_of_its_own_with_limits(tmp_path: Path):
    path = workbook(
        tmp_path / "a.xlsx", ("Mã hộ", "Chủ hộ"), ("H1", "Lê A"), KP2=[("Mã hộ", "Chủ hộ"), ("H2", "Lê B")]
    )
    with read_sheets(path) as opened:
        found = [(sheet.name, [line.cells for line in sheet.lines]) for sheet in opened]
    assert [(name, rows[1]) for name, rows in found] == [("Sheet", ("H1", "Lê A")), ("KP2", ("H2", "Lê B"))]
    with (
        pytest.raises(Problem, match="household_file_kind"),
        read_sheets(written(tmp_path / "b", b"%PDF")) as opened,
    ):
        list(opened)


def test_a_list_with_too_many_lines_is_refused(tmp_path: Path):
    path = written(tmp_path / "a.csv", b"Ma ho;Chu ho\n" + b"1;a\n" * (sheets.MOST_ROWS + 1))
    with pytest.raises(Problem, match="household_file_long"), read_sheets(path) as opened:
        for sheet in opened:
            for _ in sheet.lines:
                pass


# The template and the report


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_shipped_template_is_the_one_the_program_writes(language: str):
    def content(data: bytes) -> list[list[tuple[object, ...]]]:
        book = openpyxl.load_workbook(io.BytesIO(data))
        return [list(sheet.iter_rows(values_only=True)) for sheet in book.worksheets]

    assert content(template_file(language).read_bytes()) == content(template(language))


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_template_is_understood_its_example_left_out_and_its_words_known(language: str, tmp_path: Path):
    path = tmp_path / "a.xlsx"
    shutil.copy(template_file(language), path)
    locator = Locator(Areas([]), None)
    with pytest.raises(Problem, match="household_file_example"), read_sheets(path) as opened:
        read_frame(opened, locator, date(2026, 11, 22))
    book = openpyxl.load_workbook(path)
    sheet = book.worksheets[0]
    names = [name for name, _, _ in COLUMNS]
    words = book[say(language, "households.template.words_sheet")]
    relations = [cell.value for cell in words["B"][1:]]
    for line, relation in enumerate(relations, 3):
        row = {"code": f"H{line}", "name": f"Người {line}", "relation": relation, "sex": words["A2"].value}
        for name, value in row.items():
            sheet.cell(line, names.index(name) + 1, value)
    book.save(path)
    index = Areas([])
    with read_sheets(path) as opened:
        frame = read_frame(opened, Locator(index, None), date(2026, 11, 22))
    # Only the area is missing: no word of the template's own is refused.
    assert {each.code for each in frame.report.remarks} == {"example", "area_missing"}
    assert {rule.formula1 for rule in sheet.data_validations.dataValidation} != set()


def test_nothing_of_a_list_is_a_formula_in_its_report():
    evil = '=HYPERLINK("http://x","Lê A")'
    remark = Remark(Place("=A1", 2), "unused_line", {"value": evil}, "+cmd|' /C calc'!A0", refused=False)
    book = openpyxl.load_workbook(
        io.BytesIO(report("vi", [("n", 1)], [remark], [(Place("@x", 2), Outcome.NEW)]))
    )
    values = [cell for sheet in book.worksheets for row in sheet.iter_rows() for cell in row if cell.value]
    assert all(cell.data_type in ("s", "n") for cell in values)
    assert not any(str(cell.value).startswith(("=", "+", "-", "@")) for cell in values)
    assert defused("Lê A") == "Lê A" and defused("-1") == "'-1"


# Taken in by a task


@pytest.fixture(scope="module")
def founded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file of an office as founded, to be copied."""
    path = tmp_path_factory.mktemp("ward") / "template.db"
    found(f"sqlite:///{path}").close()
    return path


@pytest.fixture
def ward(founded: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Ward]:
    url = f"sqlite:///{shutil.copy(founded, tmp_path / 'hoidan.db')}"
    monkeypatch.setenv("HOIDAN_DATABASE_URL", url)
    monkeypatch.setenv("HOIDAN_SECRET_KEYS", KEYS)
    monkeypatch.setenv("HOIDAN_PUBLIC_URL", "https://hoidan.example")
    office = enter(url)
    yield office
    office.close()


def work(ward: Ward) -> None:
    """Do every task that is due."""
    asyncio.run(Worker(load(), ward.database, ward.keyring).drain())


GOOD = """Mã hộ;Họ và tên;Quan hệ;Giới tính;Ngày sinh;SĐT;Khu phố;Mã xã
H1;Lê Văn Ân;Chủ hộ;Nam;03/1985;912345678;KP1;26740
H1;Lê Thị Bé;Con;Nữ;05/2015;;KP1;26740
H2;Trần Thị Cúc;Chủ hộ;Nữ;1960;;KP2;26740
"""


def take_in(ward: Ward, text: str, actor: Actor | None = None, **more: Any) -> dict[str, Any]:
    """Send a list as the command line does; its report."""
    begun = ward.act("household.import", actor, content=text.encode(), name="list.csv", **more)
    work(ward)
    done: dict[str, Any] = ward.act("household.report", actor, upload=begun["id"])
    return done


def test_a_good_list_is_taken_in_and_the_same_list_again_changes_nothing(ward: Ward):
    done = take_in(ward, GOOD)
    assert (done["state"], done["summary"]["households"], done["summary"]["people"]) == (
        "done",
        {"new": 2},
        {"new": 3},
    )
    counted = ward.act("household.count")
    assert (counted["households"], counted["people"]) == (2, 3)
    assert [each["neighbourhood"] for each in counted["areas"]] == ["Khu phố 1", "Khu phố 2"]
    again = take_in(ward, GOOD)
    assert (again["summary"]["households"], again["summary"]["people"]) == ({"same": 2}, {})


def test_one_wrong_line_and_nothing_is_taken_in(ward: Ward):
    done = take_in(ward, GOOD.replace("1960", "31/13/1960").replace("Con;Nữ", "Con;?!"))
    assert done["state"] == "refused" and done["summary"]["refused_lines"] == 2
    assert [(each["line"], each["code"], each["column"]) for each in done["remarks"] if each["refused"]] == [
        (3, "sex_unreadable", "Giới tính"),
        (4, "birth_unreadable", "Ngày sinh"),
    ]
    assert ward.act("household.count")["households"] == 0


def test_what_is_no_list_is_told_as_a_problem(ward: Ward):
    done = take_in(ward, "a;b\n1;2\n")
    assert done["state"] == "refused"
    assert done["summary"]["problem"]["code"] == "household_columns"


def test_a_list_for_a_ward_takes_no_household_of_another(ward: Ward):
    staff = ward.staff(Role.WARD_STAFF, HERE)
    done = take_in(ward, GOOD.replace("26740", "26743", 1), staff)
    assert [each["code"] for each in done["remarks"] if each["refused"]] == ["area_outside"]
    assert take_in(ward, GOOD.replace(";26740", ""), staff)["state"] == "done"


def test_who_may_not_import_here_is_refused_before_anything_is_kept(ward: Ward):
    for actor, where in (
        (ward.staff(Role.WARD_STAFF, THERE), "/".join(HERE)),
        (ward.staff(Role.WARD_STAFF, HERE), "/".join(CITY)),
        (ward.staff(Role.COLLECTOR, HERE), "/".join(HERE)),
    ):
        with pytest.raises(Problem, match="not_allowed"):
            take_in(ward, GOOD, actor, area=where)
    assert ward.database.read(lambda c: c.execute(select(household_imports.c.id)).all()) == []


def test_a_list_may_come_as_text_as_over_the_socket_of_a_running_server(ward: Ward):
    plain = base64.b64encode(GOOD.encode()).decode()
    begun = ward.act("household.import", content=plain, name="list.csv")
    work(ward)
    assert ward.act("household.report", upload=begun["id"])["state"] == "done"


def test_a_report_is_for_whoever_sent_the_list_alone(ward: Ward):
    staff, colleague = ward.staff(Role.WARD_STAFF), ward.staff(Role.WARD_STAFF)
    done = take_in(ward, GOOD.replace("1960", "abc"), staff)
    with pytest.raises(Problem, match="not_allowed"):
        ward.act("household.report", colleague, upload=done["upload"])


def test_neither_log_nor_audit_nor_summary_holds_anything_of_anybody(
    ward: Ward, caplog: pytest.LogCaptureFixture
):
    caplog.set_level("DEBUG")
    take_in(ward, GOOD.replace("1960", "Sinh năm Tý"))
    entries = ward.database.read(lambda c: [tuple(row) for row in c.execute(select(audit))])
    kept = ward.database.read(lambda c: [tuple(row) for row in c.execute(select(household_imports))])
    said = repr(entries) + repr([row[:1] + row[8:] for row in kept]) + caplog.text
    for secret in ("Lê Văn", "912345678", "Sinh năm", "list.csv"):
        assert secret not in said
    assert any("household.import" in row and "failed" in row for row in entries)


def test_the_file_is_gone_once_it_was_read(ward: Ward):
    take_in(ward, GOOD)
    kinds = ward.database.read(lambda c: set(c.execute(select(household_pieces.c.kind)).scalars()))
    assert kinds == {"report", "remarks"}


def test_a_task_begun_again_after_it_was_done_does_nothing_more(ward: Ward):
    done = take_in(ward, GOOD)
    arguments = {"import": done["upload"]}
    told_again = ward.database.read(lambda c: frames.dealt_with(c, arguments))
    assert told_again is not None and told_again["state"] == "done"


def test_an_old_wards_list_is_converted_and_shows_where_it_came_from(ward: Ward):
    text = "Mã hộ;Chủ hộ;Xã/phường\nH1;Lê A;Phường Bến Nghé\n"
    done = take_in(ward, text)
    assert [each["code"] for each in done["remarks"]] == ["area_converted"]
    (key,) = ward.act("household.find", code="H1")["households"]
    shown = ward.act("household.show", household=key)
    assert (shown["area"], shown["given"]) == ("2025-07-01/26740", "2025-06-30/26740")
    assert [each["what"] for each in shown["events"]] == ["imported", "converted"]


# One household


def test_looking_at_a_household_is_audited_and_asks_for_its_area(ward: Ward):
    take_in(ward, GOOD)
    (key,) = ward.act("household.find", phone="+84 912 345 678")["households"]
    shown = ward.act("household.show", ward.staff(Role.WARD_STAFF, HERE), household=key)
    assert shown["head"] == "Lê Văn Ân" and [each["name"] for each in shown["people"]] == ["Lê Văn Ân", ""]
    with pytest.raises(Problem, match="not_allowed"):
        ward.act("household.show", ward.staff(Role.WARD_STAFF, THERE), household=key)
    seen = ward.act("audit.list", limit=5)["entries"]
    assert {(each["action"], each["target"]) for each in seen[:3]} >= {("household.show", f"household:{key}")}
    assert ward.act("household.find", ward.staff(Role.WARD_STAFF, THERE), code="H1")["households"] == []


def test_merging_and_splitting_pass_the_gate_and_can_be_undone(ward: Ward):
    take_in(ward, GOOD)
    (one,), (two,) = (ward.act("household.find", code=code)["households"] for code in ("H1", "H2"))
    staff = ward.staff(Role.WARD_STAFF, HERE)
    done = ward.act("household.merge", staff, household=one, gone=two)
    assert ward.act("household.count")["households"] == 1
    with pytest.raises(Problem, match="household_not_active"):
        ward.act("household.merge", staff, household=one, gone=two)
    with pytest.raises(Problem, match="not_allowed"):
        ward.act("household.undo", ward.staff(Role.WARD_STAFF, THERE), event=done["event"])
    ward.act("household.undo", staff, event=done["event"])
    assert ward.act("household.count")["households"] == 2
    people = ward.act("household.show", staff, household=one)["people"]
    with pytest.raises(Problem, match="household_head_child"):
        ward.act(
            "household.split", staff, household=one, people=[people[1]["person"]], head=people[1]["person"]
        )
    with pytest.raises(Problem, match="household_split_all"):
        ward.act(
            "household.split",
            staff,
            household=one,
            people=[e["person"] for e in people],
            head=people[0]["person"],
        )


def test_a_contact_is_linked_to_a_household_and_a_person_but_not_to_a_child(ward: Ward):
    take_in(ward, GOOD)
    (one,) = ward.act("household.find", code="H1")["households"]
    head, child = ward.act("household.show", household=one)["people"]
    contact = ward.resident().contact_id
    assert ward.act("household.link", household=one, contact=contact, person=head["person"])["changed"]
    assert not ward.act("household.link", household=one, contact=contact, person=head["person"])["changed"]
    with pytest.raises(Problem, match="household_head_child"):
        ward.act("household.link", household=one, contact=contact, person=child["person"])
    assert ward.act("household.link", household=one, contact=contact, person=head["person"], end=True)[
        "changed"
    ]
    (link,) = ward.act("household.show", household=one)["contacts"]
    assert link["ended_at"] is not None


# The command line


def run(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    capsys.readouterr()
    code = main(list(words))
    said = capsys.readouterr()
    return code, said.out, said.err


def test_the_command_line_imports_reports_and_shows(
    ward: Ward, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    ward.close()
    monkeypatch.setenv("HOIDAN_LANGUAGE", "vi")
    good, bad = tmp_path / "good.csv", tmp_path / "bad.csv"
    good.write_text(GOOD, "utf-8")
    bad.write_text(GOOD.replace("1960", "abc"), "utf-8")
    chief = ("--as", "1")
    code, out, err = run(capsys, "import", "households", str(bad), *chief)
    assert code == 1 and not out
    assert err.splitlines() == [
        "Chưa nạp gì: 1 dòng có lỗi (1 lỗi). Xin sửa các dòng đó rồi gửi lại cả tệp.",
        "Dòng 4, cột “Ngày sinh”: Ngày sinh “abc” không đúng. Xin ghi ngày/tháng/năm, tháng/năm hoặc năm, "
        "ví dụ 15/03/1985.",
    ]
    code, out, _ = run(capsys, "import", "households", str(good), *chief, "--json")
    document = json.loads(out)
    assert (code, document["state"], document["summary"]["households"]) == (0, "done", {"new": 2})
    assert document["remarks"][0]["message"]
    code, out, _ = run(capsys, "household", "count", *chief)
    assert "Khu phố 1" in out and code == 0
    code, out, _ = run(capsys, "household", "show", "1", *chief)
    assert "Lê Văn Ân" in out
    assert "nạp vào danh sách (Phường Sài Gòn, Thành phố Hồ Chí Minh, 2025-07-01/26740); tài khoản 1" in out
    code, out, _ = run(capsys, "household", "merge", "1", "2", *chief)
    event = re.search(r"undo (\d+)", out)
    assert event is not None
    code, out, _ = run(capsys, "household", "undo", event[1], *chief)
    assert code == 0
    good.write_text(GOOD.replace("KP1", "KP3").replace("912345678", "0987654321"), "utf-8")
    assert run(capsys, "import", "households", str(good), *chief)[0] == 0
    code, out, _ = run(capsys, "household", "show", "1", *chief)
    before = "trước đó: Khu phố: Khu phố 1; Điện thoại: 0912345678; Số: 1 (Lê Văn Ân, Nam, 1985-03"
    assert before in out and "(đã hoàn lại)" in out
    code, out, _ = run(capsys, "household", "count", "--given", *chief)
    assert code == 0 and "Khu phố 3" in out
    target = tmp_path / "mau.xlsx"
    assert run(capsys, "household", "template", str(target), *chief)[0] == 0
    assert target.read_bytes() == template_file("vi").read_bytes()
    code, _, err = run(capsys, "import", "households", str(tmp_path / "none.csv"), *chief)
    assert code == 1 and "none.csv" in err


# The page and the chat


@pytest.fixture
def town(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Town]:
    url = f"sqlite:///{tmp_path / 'town.db'}"
    place = found_town(url, instruments=())
    yield place
    place.close()


def staff_in_chat(town: Town, channel: str = "telegram", area: str = WARD_TEXT) -> Resident:
    """A member of the ward's staff in a chat."""
    account = town.act("account.create", {"name": "Nguyễn Thị Hoa"})["id"]
    town.act("account.grant", {"account": account, "role": "ward_staff", "area": area})
    code = town.act("account.invite", {"account": account})["code"]
    someone = Resident(town, channel)
    someone.start(code)
    return someone


def link_in(text: str) -> str:
    found_link = re.search(r"/households/(?:report/)?[A-Za-z0-9_-]{43}", text)
    assert found_link is not None, text
    return found_link[0]


def with_links(town: Town, base: str) -> None:
    town.desk.links = Links(base)


async def post(person: Any, base: str, path: str, data: bytes, name: str = "ds.csv") -> tuple[int, str, str]:
    """Send a list by the page's form; *(status, body, where it led)*."""
    form = FormData()
    form.add_field("file", data, filename=name)
    own = {"Origin": base}
    async with person.http.post(base + path, data=form, headers=own, allow_redirects=False) as answer:
        return answer.status, await answer.text(), answer.headers.get("Location", "")


async def finish_tasks(town: Town) -> None:
    """What the worker's process does, in this one: it has no environment of its own here."""

    def claim(connection: Any) -> Any:
        return tasks.claim(connection, town.keyring, "test", town.now, 60_000)

    while (task := await town.database.writing(claim)) is not None:
        with tempfile.TemporaryDirectory() as folder:
            arguments = {**task.arguments, "folder": folder}
            result = await asyncio.to_thread(
                frames.work, town.database, town.keyring, arguments, lambda _percent: None
            )
            path = frames.plan_file(result)
            plan = None
            if path is not None:
                plan = frames.staging(result, io.BytesIO(path.read_bytes()), town.now)
                while await town.database.writing(plan.step):
                    continue

            def finish(connection: Any, result: Any = result, plan: Any = plan, task: Any = task) -> None:
                told_ = frames.finish(connection, result, plan, town.now)
                tasks.finish(connection, town.keyring, task.id, "test", told_, town.now)

            await town.database.writing(finish)


def test_a_list_goes_from_the_chat_to_our_page_and_its_report_comes_back(town: Town):
    staff = staff_in_chat(town)

    async def story() -> None:
        async with served(town) as place, visitor(place.base, **{"Accept-Language": "vi"}) as person:
            with_links(town, place.base)
            asked = await asyncio.to_thread(staff.say, "/hogiadinh")
            assert asked is not None and "Phường Sài Gòn" in asked.text
            link = link_in(asked.text)
            for _ in range(2):
                # Chat apps open links to draw previews: looking uses nothing up.
                async with person.http.get(place.base + link) as page:
                    told_ = await page.text()
                    assert page.status == 200 and "Gửi danh sách hộ" in told_
            async with person.http.get(f"{place.base}/households/template.xlsx") as page:
                assert await page.read() == template_file("vi").read_bytes()
            status, _, where = await post(person, place.base, link, GOOD.replace("1960", "=1+1").encode())
            assert status == 303
            report_link = link_in(where)
            async with person.http.get(place.base + report_link) as page:
                assert "Đang đọc danh sách" in await page.text() and page.headers["Refresh"] == "3"
            status, body, _ = await post(person, place.base, link, b"x")
            assert status == 410 and "/hogiadinh" in body
            await finish_tasks(town)
            async with person.http.get(place.base + report_link) as page:
                told_ = await page.text()
                assert "Chưa nạp gì" in told_ and "=1+1" not in told_ and "Lê Văn" not in told_
            own = {"Origin": place.base}
            async with person.http.post(
                place.base + report_link, data={"wanted": "lines"}, headers=own
            ) as page:
                told_ = await page.text()
                assert "Dòng 4, cột “Ngày sinh”: Ngày sinh “=1+1” không đúng" in told_
                assert "Phải sửa (1)" in told_ and "Gửi lại tệp đã sửa" in told_
            async with person.http.post(
                place.base + report_link, data={"wanted": "file"}, headers=own
            ) as page:
                book = openpyxl.load_workbook(io.BytesIO(await page.read()))
            assert len(book.worksheets) == 3

    asyncio.run(story())


def test_from_the_report_on_a_refused_list_a_corrected_one_is_sent(town: Town):
    staff = staff_in_chat(town)

    async def story() -> None:
        async with served(town) as place, visitor(place.base) as person:
            with_links(town, place.base)
            asked = await asyncio.to_thread(staff.say, "/hogiadinh")
            assert asked is not None
            _, _, where = await post(person, place.base, link_in(asked.text), b"a;b\n1;2\n")
            await finish_tasks(town)
            report_link, own = place.base + link_in(where), {"Origin": place.base}
            async with person.http.get(report_link) as page:
                told_ = await page.text()
                assert "Không tìm thấy dòng tiêu đề" in told_ and "Gửi lại tệp đã sửa" in told_
                assert "Xem các dòng" not in told_

            async def again() -> tuple[int, str]:
                form = {"wanted": "again"}
                async with person.http.post(
                    report_link, data=form, headers=own, allow_redirects=False
                ) as answer:
                    return answer.status, answer.headers.get("Location", "")

            status, link = await again()
            assert status == 303
            status, _, where = await post(person, place.base, link, GOOD.encode())
            assert status == 303
            await finish_tasks(town)
            async with person.http.get(place.base + link_in(where)) as page:
                told_ = await page.text()
                assert "Đã nạp danh sách" in told_ and "Gửi lại tệp đã sửa" not in told_
            # A right that ended in between gives no new link.
            grants = town.act("account.list")["accounts"][-1]["grants"]
            town.act("account.revoke", {"grant": grants[0]["id"]})
            assert (await again())[0] == 403

    asyncio.run(story())


def test_what_came_of_a_list_is_told_in_the_chat_in_numbers_alone(ward: Ward):
    staff = ward.staff(Role.WARD_STAFF, HERE)
    contact = ward.resident().contact_id
    actor = Actor(account_id=staff.account_id, contact_id=contact)
    take_in(ward, GOOD, actor, page="https://hoidan.example")
    (row,) = ward.database.write(lambda c: outbox.claim(c, ward.keyring, "telegram", "test", 1, 10, 2**50))
    assert row.message == "task.household_import"
    text = notice(row.message, row.params, "vi", ABILITIES["telegram"]).text
    assert text.startswith("Đã nạp danh sách hộ: 2 hộ mới, 0 hộ thay đổi, 0 hộ như cũ; 3 người mới.")
    assert "https://hoidan.example/households/report/" in text and "Lê" not in text


def test_people_who_are_missing_are_told_in_the_chat_and_are_back_with_the_full_list(ward: Ward):
    actor = Actor(
        account_id=ward.staff(Role.WARD_STAFF, HERE).account_id, contact_id=ward.resident().contact_id
    )
    take_in(ward, GOOD)
    less = "".join(line for line in GOOD.splitlines(keepends=True) if "Bé" not in line)
    done = take_in(ward, less, actor)
    assert done["summary"]["people"] == {"gone": 1}
    assert "1 người không còn trong danh sách" in frame_told("vi", done["summary"])
    assert take_in(ward, GOOD)["summary"]["people"] == {"changed": 1}
    assert ward.act("household.count")["people"] == 3


def test_a_page_takes_lists_only_from_itself_whole_and_not_too_large(
    town: Town, monkeypatch: pytest.MonkeyPatch
):
    staff = staff_in_chat(town)
    monkeypatch.setattr("bot.web.frames.MOST_BYTES", 2_000)

    async def story() -> None:
        async with served(town) as place, visitor(place.base) as person:
            with_links(town, place.base)
            asked = await asyncio.to_thread(staff.say, "/households")
            assert asked is not None
            link = link_in(asked.text)
            form = FormData()
            form.add_field("file", b"x", filename="a.csv")
            foreign = {"Origin": "https://elsewhere.example"}
            async with person.http.post(place.base + link, data=form, headers=foreign) as answer:
                assert answer.status == 403
            assert (await post(person, place.base, link, b""))[0] == 422
            assert (await post(person, place.base, link, b"x" * 30_000))[0] == 413
            own = {"Origin": place.base}
            async with person.http.post(place.base + link, data=b"x", headers=own) as answer:
                assert answer.status == 400
            assert (await post(person, place.base, link, GOOD.encode()))[0] == 303
            unknown = "/households/" + "A" * 43
            async with person.http.get(place.base + unknown) as answer:
                assert answer.status == 410

    asyncio.run(story())


def test_staff_without_a_right_to_import_get_no_link(town: Town):
    resident = Resident(town)
    resident.start()
    answer = resident.say("/hogiadinh")
    assert answer is not None and "/households/" not in answer.text
    with_links(town, "https://hoidan.example")
    staff = staff_in_chat(town)
    answer = staff.say("/hogiadinh phường Bến Thành")
    assert answer is not None and "không có quyền" in answer.text


def test_a_right_that_ended_between_link_and_list_takes_nothing(town: Town):
    staff = staff_in_chat(town)

    async def story() -> None:
        async with served(town) as place, visitor(place.base) as person:
            with_links(town, place.base)
            asked = await asyncio.to_thread(staff.say, "/hogiadinh")
            assert asked is not None
            grants = town.act("account.list")["accounts"][-1]["grants"]
            town.act("account.revoke", {"grant": grants[0]["id"]})
            status, body, _ = await post(person, place.base, link_in(asked.text), GOOD.encode())
            assert status == 403 and "không có quyền" in body
        kept = town.database.read(lambda c: c.execute(select(household_pieces.c.number)).all())
        assert kept == []

    asyncio.run(story())


def test_sheets_without_lines_are_no_households():
    lines = [Line(1, ("Mã hộ", "Chủ hộ"))]
    with pytest.raises(Problem, match="household_file_empty"):
        read_frame([Sheet("", lines)], Locator(Areas([]), None), date(2026, 11, 22))


def test_the_frame_that_a_campaign_draws_from_has_the_active_households_alone(ward: Ward):
    take_in(ward, GOOD)
    (one,), (two,) = (ward.act("household.find", code=code)["households"] for code in ("H1", "H2"))
    ward.act("household.merge", household=one, gone=two)
    rows = ward.database.read(lambda c: [row.id for row in c.execute(households.frame([CITY]))])
    assert rows == [one]
