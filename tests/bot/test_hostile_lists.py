"""Lists as they really come: what is understood is taken, what is not is told in a sentence, in both
languages, and nothing is half done.
"""

from __future__ import annotations

import io
import unicodedata
import zipfile
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from openpyxl.worksheet.worksheet import Worksheet

from bot.authoring.sheets import Begin, sheets_of
from bot.problems import explain, said
from bot.texts import LANGUAGES
from surveys.areas import Area, Areas
from surveys.frames.lists import Line
from surveys.frames.places import Locator
from surveys.frames.rows import Frame, Sheet, read_frame
from surveys.placenames import Level
from surveys.problems import Problem
from tests.bot.test_household_import import BOOK, archive, ole, take_in, ward, work  # noqa: F401
from tests.ward import HERE, Ward, found

TODAY = date(2026, 11, 22)
HEAD = ("Mã hộ", "Họ và tên", "Quan hệ", "Giới tính", "Ngày sinh", "SĐT", "Khu phố")
AN = ("H1", "Lê Văn Ân", "Chủ hộ", "Nam", "15/03/1985", "0912345678", "KP1")
BE = ("H1", "Trần Thị Bé", "Vợ", "Nữ", "3/1987", "", "KP1")
DUC = ("H2", "Phạm Hữu Đức", "Chủ hộ", "Nam", "1960", "", "KP2")
PEOPLE = [("Lê Văn Ân", "1985-03"), ("Trần Thị Bé", "1987-03"), ("Phạm Hữu Đức", "1960")]
"""Whom those lines speak of, however they are written."""


@pytest.fixture(scope="module")
def founded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file of an office as founded, to be copied."""
    path = tmp_path_factory.mktemp("ward") / "template.db"
    found(f"sqlite:///{path}").close()
    return path


def text(*rows: tuple[object, ...], divider: str = ";") -> str:
    return "\r\n".join(divider.join(map(str, row)) for row in (HEAD, *rows))


def book(*rows: tuple[object, ...], change: Callable[[Worksheet], object] | None = None) -> bytes:
    made = openpyxl.Workbook()
    sheet = made.active
    assert isinstance(sheet, Worksheet)
    for row in rows:
        sheet.append(list(row))
    if change is not None:
        change(sheet)
    file = io.BytesIO()
    made.save(file)
    return file.getvalue()


def understood(path: Path, data: bytes) -> Frame:
    """What a file says, to staff of a ward."""
    path.write_bytes(data)
    sheets: list[tuple[Begin, list[Line]]] = []
    for told in sheets_of(path):
        if isinstance(told, Begin):
            sheets.append((told, []))
        else:
            sheets[-1][1].append(told)
    here = found_here()
    read = (Sheet(begin.name, lines, begin.spans, begin.hidden) for begin, lines in sheets)
    return read_frame(read, Locator(here, HERE), TODAY)


def found_here() -> Areas:
    city = Area("2025-07-01", "79", "Hồ Chí Minh", "thành phố", Level.PROVINCE, None, date(2025, 7, 1))
    ward_ = Area("2025-07-01", "26740", "Sài Gòn", "phường", Level.COMMUNE, "79", date(2025, 7, 1))
    return Areas([city, ward_])


def people(frame: Frame) -> list[tuple[str, str]]:
    return [(one.name, one.birth) for household in frame.households for one in household.members]


def vietnamese(text_: str) -> bytes:
    """Windows-1258 as Windows writes it: a base, then its tone as a byte of its own."""
    made = b""
    for letter in text_:
        try:
            made += letter.encode("cp1258")
        except UnicodeEncodeError:
            parts = unicodedata.normalize("NFD", letter)
            tone = "".join(mark for mark in parts if mark in "\u0300\u0301\u0303\u0309\u0323")
            base = unicodedata.normalize("NFC", "".join(mark for mark in parts if mark not in tone))
            made += base.encode("cp1258") + tone.encode("cp1258")
    return made


def merged(sheet: Worksheet) -> None:
    for cells in ("A2:A3", "G2:G3"):
        sheet.merge_cells(cells)


TITLED = (("UBND PHƯỜNG SÀI GÒN", None, None, "CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM"), ("DANH SÁCH HỘ",))

GOOD: dict[str, bytes] = {
    "UTF-8": text(AN, BE, DUC).encode(),
    "UTF-8 with a mark": text(AN, BE, DUC).encode("utf-8-sig"),
    "UTF-16": text(AN, BE, DUC).encode("utf-16"),
    "UTF-16 without a mark": text(AN, BE, DUC).encode("utf-16-le"),
    "Windows-1258": vietnamese(text(AN, BE, DUC)),
    "tabs": text(AN, BE, DUC, divider="\t").encode(),
    "commas": text(AN, BE, DUC, divider=",").encode(),
    "headings in line 3": book(*TITLED, HEAD, AN, BE, DUC),
    "merged cells": book(HEAD, AN, (None, *BE[1:6], None), DUC, change=merged),
    "days as days": book(
        HEAD, (*AN[:4], date(1985, 3, 15), *AN[5:]), (*BE[:4], datetime(1987, 3, 1, 9), "", ""), DUC
    ),
    "numbers as numbers": book(
        HEAD, (*AN[:4], 31121, 912345678, 1), (*BE[:4], "15-03-1987", None, 1), (*DUC[:4], 1960)
    ),
    "columns nobody asked for": book((*HEAD, "CCCD", "Cột lạ"), (*AN, "079085012345", "x"), BE, DUC),
    "control characters": text(("H1", "Lê\x07 Văn\u200b\u202e Ân", *AN[2:]), BE, DUC).encode(),
    "bullets before names": text(
        ("H1", "- Lê Văn Ân", *AN[2:]), ("H1", "+ Trần Thị Bé", *BE[2:]), DUC
    ).encode(),
}


@pytest.mark.parametrize("name", GOOD)
def test_the_same_people_are_read_however_a_list_is_written(name: str, tmp_path: Path):
    frame = understood(tmp_path / "list", GOOD[name])
    assert people(frame) == PEOPLE and not frame.report.refused
    assert frame.households[0].phone == "0912345678"


def formula(sheet: Worksheet) -> None:
    sheet["B3"] = "=B2"


def hidden(sheet: Worksheet) -> None:
    assert sheet.parent is not None
    sheet.parent.create_sheet("Khác")["A1"] = "x"
    sheet.parent.active = 1
    sheet.sheet_state = "hidden"


TCVN3 = "H1;NguyÔn V¨n ¢n\nH2;TrÇn ThÞ B×nh\nH3;§Æng V¨n Hïng\n"
NO_PLACE = (
    b'<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>'
    b'<row r="99999999999999999999"><c r="A1" t="s"><v>99999999999</v></c></row></sheetData></worksheet>'
)
MANY = "Khu phố;" + ";".join(f"c{number}" for number in range(80))
GARBLED = text(AN, BE, DUC).encode().decode("cp1252", "ignore")

UNREADABLE: dict[str, tuple[bytes, str]] = {
    "nothing at all": (b"", "household_file_empty"),
    "a mark alone": (b"\xef\xbb\xbf", "household_file_empty"),
    "blank lines": (b"\n ; ; \n\n", "household_file_empty"),
    "an empty workbook": (book(), "household_file_empty"),
    "headings alone": (text().encode(), "household_file_empty"),
    "another table": (book(("Thu chi", "Số tiền"), ("Tiền điện", 1000)), "household_columns"),
    "a hidden sheet alone": (book(HEAD, AN, change=hidden), "household_file_hidden"),
    "letters of TCVN3": (f"M· hé;Hä vµ tªn\n{TCVN3}".encode("cp1252"), "household_file_font"),
    "TCVN3 inside Unicode": (f"Mã hộ;Họ và tên\n{TCVN3}".encode(), "household_file_font"),
    "UTF-8 read as something else": (GARBLED.encode(), "household_file_garbled"),
    "a file cut within a letter": (text(AN, DUC, ("H3", "Lê Bưở")).encode()[:-1], "household_file_encoding"),
    "a quotation mark nobody closed": (
        text(AN, ("H2", '"Lê B', *AN[2:]), DUC).encode(),
        "household_file_broken",
    ),
    "a password": (ole("EncryptedPackage"), "household_file_protected"),
    "Excel of old": (ole("Workbook"), "household_file_old"),
    "a web page": (b"<html><table><tr><td>1</td></tr></table></html>", "household_file_old"),
    "LibreOffice": (
        archive(mimetype=b"application/vnd.oasis.opendocument.spreadsheet"),
        "household_file_kind",
    ),
    "XLSB": (archive(**{"xl/workbook.bin": b"x"}), "household_file_kind"),
    "PDF": (b"%PDF-1.7\n", "household_file_kind"),
    "a damaged workbook": (book(HEAD, AN)[:900], "household_file_unreadable"),
    "places no sheet has": (
        archive(**BOOK, **{"xl/worksheets/sheet1.xml": NO_PLACE}),
        "household_file_unreadable",
    ),
    "too many columns": (text((*AN, *"x" * 80)).replace("Khu phố", MANY).encode(), "household_file_wide"),
    "one heading twice": (
        text((*AN, "x")).replace("Khu phố", "Khu phố;Họ và tên").encode(),
        "household_column_twice",
    ),
}


@pytest.mark.parametrize("name", UNREADABLE)
def test_a_file_that_is_no_list_is_refused_with_what_to_do(name: str, tmp_path: Path):
    data, code = UNREADABLE[name]
    with pytest.raises(Problem) as caught:
        understood(tmp_path / "list", data)
    assert caught.value.code == code
    told = {explain(language, caught.value) for language in LANGUAGES}
    assert len(told) == len(LANGUAGES) and all(sentence.endswith((".", ")")) for sentence in told)


LONG = "L" * 1_000_000

REFUSED: dict[str, tuple[bytes, list[tuple[int, str, str]]]] = {
    "a formula never computed": (
        book(HEAD, AN, BE, DUC, change=formula),
        [(3, "formula_empty", "Họ và tên")],
    ),
    "a cell of a million letters": (
        text(AN, ("H2", LONG, *DUC[2:])).encode(),
        [(3, "cell_long", "Họ và tên")],
    ),
    "a formula for a name": (
        text(AN, ("H2", "=HYPERLINK(1)", *DUC[2:])).encode(),
        [(3, "name_unreadable", "Họ và tên")],
    ),
    "a number for a name": (
        text(AN, ("H2", "12345", *DUC[2:])).encode(),
        [(3, "name_unreadable", "Họ và tên")],
    ),
    "a dash for a name": (text(AN, ("H2", "-", *DUC[2:])).encode(), [(3, "name_missing", "")]),
    "days no month has": (
        text((*AN[:4], "30/02/1985", *AN[5:])).encode(),
        [(2, "birth_unreadable", "Ngày sinh")],
    ),
    "days as Americans write them": (
        text((*AN[:4], "03/25/1985", *AN[5:])).encode(),
        [(2, "birth_unreadable", "Ngày sinh")],
    ),
    "a code with another head": (
        "Mã hộ;Chủ hộ;Khu phố\nH1;Lê A;1\nH1;Ngô B;1\n".encode(),
        [(3, "code_twice", "")],
    ),
    "two heads": (text(AN, ("H1", "Ngô B", *AN[2:])).encode(), [(3, "two_heads", "")]),
    "codes of nowhere": (
        "Mã hộ;Chủ hộ;Mã xã\nH1;Lê A;99999\nH2;Lê B;ABC\n".encode(),
        [(2, "area_code_unknown", "Mã xã"), (3, "area_code_bad", "Mã xã")],
    ),
    "a name of nowhere": (
        "Mã hộ;Chủ hộ;Mã xã;Tên xã\nH1;Lê A;;Gotham\n".encode(),
        [(2, "area_unknown", "Tên xã")],
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_line_that_can_not_be_taken_is_told_with_its_number_and_column(name: str, tmp_path: Path):
    data, wanted = REFUSED[name]
    report = understood(tmp_path / "list", data).report
    refused = [remark for remark in report.remarks if remark.refused]
    assert [(remark.place.line, remark.code, remark.column) for remark in refused] == wanted
    for remark in refused:
        told = {said(language, remark.key, remark.params) for language in LANGUAGES}
        assert len(told) == len(LANGUAGES) and max(map(len, told)) < 400


def test_families_called_like_words_of_forms_are_no_totals_and_no_examples(tmp_path: Path):
    names = ["Tống Văn An", "Tòng Thị Lan", "Công Tằng Tôn Nữ Hoa", "Vi Dũng", "Vi Duy", "Cống Văn Tổng"]
    rows = "".join(f"{name};091234567{at}\n" for at, name in enumerate(names))
    frame = understood(
        tmp_path / "a.csv", f"Họ và tên;SĐT\n{rows}Tổng cộng: 6;\nTONG SO;6\ncong: 6;\n".encode()
    )
    assert [one.head for one in frame.households] == names
    assert frame.report.counts == {(False, "total_line"): 3}


def test_brothers_whose_names_differ_by_a_mark_are_two_people(tmp_path: Path):
    lines = "H1;Lê Văn Ân;Chủ hộ\nH1;Lê Văn Hùng;Con\nH1;Lê Văn Hưng;Con\nH1;LE VAN HUNG;Con\n"
    frame = understood(tmp_path / "a.csv", f"Mã hộ;Họ và tên;Quan hệ\n{lines}".encode())
    assert [name for name, _ in people(frame)] == ["Lê Văn Ân", "Lê Văn Hùng", "Lê Văn Hưng"]
    # Typed without marks it may be either: told, and not counted again.
    assert [(one.place.line, one.code) for one in frame.report.remarks] == [(5, "row_repeated")]


@pytest.mark.parametrize("name", ["a quotation mark nobody closed", "a hidden sheet alone", "LibreOffice"])
def test_nothing_is_kept_of_a_file_that_could_not_be_read(ward: Ward, name: str):  # noqa: F811
    begun: dict[str, Any] = ward.act("household.import", content=UNREADABLE[name][0], name="list")
    work(ward)
    done = ward.act("household.report", upload=begun["id"])
    assert (done["state"], done["summary"]["problem"]["code"]) == ("refused", UNREADABLE[name][1])
    assert ward.act("household.count")["households"] == 0


def test_a_workbook_with_macros_is_read_and_its_macros_are_not(tmp_path: Path):
    with zipfile.ZipFile(io.BytesIO(book(HEAD, AN, BE, DUC))) as opened:
        parts = {name: opened.read(name) for name in opened.namelist()}
    macros = archive(**parts, **{"xl/vbaProject.bin": b"Sub AutoOpen()"})
    assert people(understood(tmp_path / "list.xlsm", macros)) == PEOPLE
