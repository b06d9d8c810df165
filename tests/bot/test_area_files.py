"""Files of areas and of conversions: CSV and XLSX, our columns and other offices'."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import zipfile
from datetime import date
from pathlib import Path

import openpyxl
import pytest
from babel.messages.pofile import read_po
from hypothesis import given
from hypothesis import strategies as st

import bot
from bot.authoring.areas import (
    BEFORE,
    NEWEST,
    UNIT_COLUMNS,
    areas_in,
    conversions_in,
    derive,
    differences,
    main,
    read_areas_file,
    read_conversions_file,
    read_csv,
    read_file,
    shipped_areas,
    write_units,
)
from surveys.areas import Areas, ConversionKind
from surveys.placenames import Level
from surveys.problems import Problem

ROOT = Path(bot.__file__).parents[1]
UNITS = ROOT / "surveys" / "library" / "areas" / f"units_{NEWEST}.csv"

OFFICIAL_OLD = """\
code,name,type,district_code,district,province_code,province
26740,Phường Bến Nghé,phường,760,Quận 1,79,Thành phố Hồ Chí Minh
27298,Phường 1,phường,773,Quận 4,79,Thành phố Hồ Chí Minh
"""

OFFICE_STEPS = """\
old_code,old_name,old_district,old_district_code,old_province,old_province_code,new_code,new_name,note
"""


def steps(*lines: str):
    """Conversions from an office's lines: old code, old name, new code, note."""
    records = []
    for line in lines:
        old, name, new, note = line.split(";")
        records.append(f'{old},{name},Quận 1,760,Thành phố Hồ Chí Minh,79,{new},,"{note}"\n')
    return conversions_in(read_csv((OFFICE_STEPS + "".join(records)).encode()))


def refused(data: bytes) -> str:
    with pytest.raises(Problem) as problem:
        read_csv(data)
    return problem.value.code


def workbook(path: Path, *records: tuple[object, ...]) -> Path:
    book = openpyxl.Workbook()
    assert book.active
    for record in records:
        book.active.append(list(record))
    book.save(path)
    return path


# CSV


@pytest.mark.parametrize("mark", ["", "\ufeff"])
@pytest.mark.parametrize("divider", [",", ";", "\t"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_utf8_is_read_with_or_without_byte_order_mark_whatever_divides_the_cells(mark, divider, end):
    records = (("code", "name"), ("79", "Hồ Chí Minh"), ("", ""))
    text = mark + end.join(divider.join(cells) for cells in records)
    table = read_csv(text.encode())
    assert table.columns == ("code", "name")
    assert [(row.line, row.cells) for row in table.rows] == [(2, {"code": "79", "name": "Hồ Chí Minh"})]


def test_a_row_knows_its_line_across_blank_lines_and_quoted_line_ends():
    table = read_csv(b'\ncode,name\n\n1,"a\nb"\n2,c\n')
    assert [(row.line, row.cells["name"]) for row in table.rows] == [(4, "a\nb"), (6, "c")]


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "cp1258", "utf-32"])
def test_another_encoding_is_refused_rather_than_guessed(encoding: str):
    assert refused("code,name\n79,Hô Chi Minh à ê\n".encode(encoding)) == "area_file_encoding"


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b'code,name\n1,"a\n', "area_file_broken"),
        (b'code,name\n1,"a"b\n', "area_file_broken"),
        (b"code,name,code\n1,a,2\n", "area_file_column_twice"),
        (b"code,name\n1,a,b\n", "area_file_ragged"),
        (b"code,name\n1," + b"a" * 1001, "area_file_cell"),
        (b"," * 60 + b"a\n", "area_file_wide"),
        (b"code\n" + b"1\n" * 100_001, "area_file_long"),
    ],
)
def test_a_file_that_is_no_sound_table_is_refused(data: bytes, code: str):
    assert refused(data) == code


def test_a_file_too_large_or_missing_is_refused_before_it_is_read(tmp_path: Path):
    large = tmp_path / "large.csv"
    with large.open("wb") as file:
        file.truncate(17 * 2**20)
    with pytest.raises(Problem, match="area_file_large"):
        read_file(large)
    with pytest.raises(Problem, match="area_file_missing"):
        read_file(tmp_path / "none.csv")
    with pytest.raises(Problem, match="area_file_missing"):
        read_file(tmp_path)


@given(st.binary(max_size=300))
def test_whatever_bytes_come_they_are_a_table_or_a_problem(data: bytes):
    try:
        table = read_csv(data)
    except Problem:
        return
    for row in table.rows:
        assert tuple(row.cells) == table.columns


# XLSX


def test_a_workbook_is_read_as_a_csv_file_would_be(tmp_path: Path):
    path = workbook(
        tmp_path / "areas.xlsx",
        ("vintage", "code", "name", "type", "parent", "valid_from", None),
        (date(2025, 7, 1), "79", "Hồ Chí Minh", "thành phố", None, None, None),
        (None, None, None, None, None, None, None),
        ("2025-07-01", 4, "Phường Mới", "phường", 79.0, date(2025, 8, 1), None),
    )
    assert [row.line for row in read_file(path).rows] == [2, 4]
    city, ward = read_areas_file(path).require()
    assert (city.code, city.name, city.valid_from) == ("79", "Hồ Chí Minh", date(2025, 7, 1))
    assert (ward.code, ward.parent, ward.valid_from) == ("00004", "79", date(2025, 8, 1))


def test_what_only_looks_like_a_workbook_is_refused(tmp_path: Path):
    broken = tmp_path / "broken.xlsx"
    broken.write_bytes(b"PK\x03\x04" + b"x" * 100)
    with pytest.raises(Problem, match="area_file_unreadable"):
        read_file(broken)
    other = tmp_path / "other.xlsx"
    with zipfile.ZipFile(other, "w") as archive:
        archive.writestr("a.txt", "a")
    with pytest.raises(Problem, match="area_file_unreadable"):
        read_file(other)


def test_a_workbook_that_unpacks_to_too_much_is_refused(tmp_path: Path):
    bomb = tmp_path / "bomb.xlsx"
    with zipfile.ZipFile(bomb, "w") as archive:
        archive.writestr("xl/workbook.xml", "small")
        archive.infolist()[0].file_size = 500 * 2**20
    with pytest.raises(Problem, match="area_file_heavy"):
        read_file(bomb)


def test_the_program_prints_the_table_as_json(tmp_path: Path):
    path = tmp_path / "areas.csv"
    path.write_text("Mã,Tên\n79,Hồ Chí Minh\n", encoding="utf-8")
    command = [sys.executable, "-m", "bot.authoring.areas", "read", str(path)]
    done = subprocess.run(command, capture_output=True, cwd=ROOT, check=True)
    assert json.loads(done.stdout) == {
        "columns": ["code", "name"],
        "rows": [[2, {"code": "79", "name": "Hồ Chí Minh"}]],
    }


# Official lists


def test_an_official_list_of_before_july_2025_gives_provinces_districts_and_communes():
    areas = areas_in(read_csv(OFFICIAL_OLD.encode())).require()
    assert [(area.vintage, area.code, area.title, area.parent) for area in areas] == [
        (BEFORE, "79", "Thành phố Hồ Chí Minh", None),
        (BEFORE, "760", "Quận 1", "79"),
        (BEFORE, "773", "Quận 4", "79"),
        (BEFORE, "26740", "Phường Bến Nghé", "760"),
        (BEFORE, "27298", "Phường 1", "773"),
    ]


def test_the_statistics_offices_own_headings_are_understood():
    text = (
        "Tỉnh Thành Phố,Mã TP,Quận Huyện,Mã QH,Phường Xã,Mã PX,Cấp,Tên Tiếng Anh\n"
        "Thành phố Hà Nội,01,Quận Ba Đình,001,Phường Phúc Xá,00001,Phường,\n"
    )
    areas = Areas(areas_in(read_csv(text.encode())).require())
    assert areas.place((BEFORE, "00001")) == "Phường Phúc Xá, Quận Ba Đình, Thành phố Hà Nội"


def test_one_code_for_two_provinces_is_refused_with_both_lines():
    text = "code,name,type,province_code,province\n00004,Xã A,xã,01,Tỉnh Một\n00008,Xã B,xã,1,Tỉnh Hai\n"
    result = areas_in(read_csv(text.encode()))
    assert [(remark.line, remark.code, remark.params["first"]) for remark in result.refusals] == [
        (3, "area_names_differ", 2)
    ]
    assert result.items == ()


# Conversions in words


@pytest.mark.parametrize(
    ("note", "kind", "share"),
    [
        ("Nhập toàn bộ", ConversionKind.WHOLE, 1.0),
        ("Nhập toàn bộ diện tích tự nhiên, quy mô dân số", ConversionKind.WHOLE, 1.0),
        ("Giữ nguyên", ConversionKind.UNCHANGED, 1.0),
        ("Đổi tên", ConversionKind.UNCHANGED, 1.0),
        ("Nhập một phần", ConversionKind.PART, None),
        ("Nhâp một phần diện tích", ConversionKind.PART, None),
        ("Đổi tên từ một phần Phường 15", ConversionKind.PART, None),
        ("Phần còn lại sau khi tách một phần", ConversionKind.PART, None),
    ],
)
def test_a_note_in_words_says_whole_part_or_unchanged(note: str, kind: ConversionKind, share: float | None):
    (step,) = steps(f"26740;Phường Bến Nghé;26740;{note}").require()
    assert (step.kind, step.share) == (kind, share)
    assert (step.old, step.new) == ((BEFORE, "26740"), (NEWEST, "26740"))
    assert step.old_name == "Phường Bến Nghé, Quận 1, Thành phố Hồ Chí Minh"


def test_a_note_no_one_understands_is_refused():
    assert [remark.code for remark in steps("26740;Phường Bến Nghé;26740;xem công văn").refusals] == [
        "conversion_note_unknown"
    ]


def test_where_all_people_went_one_way_the_other_parts_have_none():
    result = steps(
        "26740;Phường A;26740;Nhập một phần diện tích, toàn bộ dân số",
        "26740;Phường A;26743;Nhập một phần diện tích",
    )
    assert [step.share for step in result.require()] == [1.0, 0.0]


def test_shares_nobody_stated_stay_unknown():
    result = steps("26740;Phường A;26740;Nhập một phần", "26740;Phường A;26743;Nhập một phần diện tích")
    assert [step.share for step in result.require()] == [None, None]


def test_a_code_with_two_names_or_two_wholes_is_taken_as_parts_unknown_with_a_note():
    names = steps(
        "00553;Xã Cổ Bi;26740;Nhập một phần diện tích, toàn bộ dân số",
        "00553;Xã Đặng Xá;26743;Nhập toàn bộ",
    )
    assert {(step.kind, step.share) for step in names.require()} == {(ConversionKind.PART, None)}
    assert [(remark.line, remark.key) for remark in names.report] == [
        (2, "areas.note.conversion_two_names"),
        (3, "areas.note.conversion_two_names"),
    ]
    wholes = steps("00553;Xã Cổ Bi;26740;Nhập toàn bộ", "00553;Xã Cổ Bi;26743;Nhập một phần")
    assert {(step.kind, step.share) for step in wholes.require()} == {(ConversionKind.PART, None)}
    assert {remark.code for remark in wholes.report} == {"conversion_whole_twice"}


def test_a_district_that_became_a_special_zone_goes_by_its_own_code():
    result = steps(
        ";;26732;Sắp xếp toàn bộ huyện Côn Đảo thành đặc khu Côn Đảo",
        ";Khu vực bãi bồi;14698;Nhập toàn bộ",
    )
    assert [step.old for step in result.require()] == [(BEFORE, "760")]
    assert [(remark.line, remark.code) for remark in result.report] == [(3, "conversion_no_code")]


# The shipped list


def test_the_shipped_file_reads_back_as_it_is_written():
    assert write_units(shipped_areas()) == UNITS.read_text(encoding="utf-8")
    assert UNITS.read_text(encoding="utf-8").partition("\n")[0] == ",".join(UNIT_COLUMNS)


def test_deriving_takes_code_name_type_and_parent_and_mends_known_defects(tmp_path: Path):
    source = [
        {
            "name": "Tỉnh Đắk Lắk",
            "code": 66,
            "phone_code": 262,
            "wards": [
                {"name": "Phường  Buôn Ma Thuột", "code": 24133},
                {"name": "Xã M’Drắk", "code": 24412},
                {"name": "xã Ea Kly", "code": 24496},
                {"name": "Xã Thuận Hoà", "code": 922},
            ],
        },
        {"name": "Thành phố Hà Nội", "code": 1, "wards": []},
    ]
    derived = [(area.code, area.title, area.level, area.parent) for area in derive(source)]
    assert derived == [
        ("01", "Thành phố Hà Nội", Level.PROVINCE, None),
        ("66", "Tỉnh Đắk Lắk", Level.PROVINCE, None),
        ("00922", "Xã Thuận Hòa", Level.COMMUNE, "66"),
        ("24133", "Phường Buôn Ma Thuột", Level.COMMUNE, "66"),
        ("24412", "Xã M'Drắk", Level.COMMUNE, "66"),
        ("24496", "Xã Ea Kly", Level.COMMUNE, "66"),
    ]
    path, out = tmp_path / "nested.json", tmp_path / "units.csv"
    path.write_text(json.dumps(source), encoding="utf-8")
    assert main(["derive", str(path), "--out", str(out)]) == 0
    assert len(read_areas_file(out).require()) == 6


def test_deriving_from_another_structure_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    path = tmp_path / "nested.json"
    path.write_text('[{"name": "Huyện", "code": 1}]', encoding="utf-8")
    assert main(["derive", str(path), "--out", str(tmp_path / "units.csv")]) == 1
    assert "nested-divisions.json" in capsys.readouterr().err
    assert not (tmp_path / "units.csv").exists()


# A copy of the statistics office's lists, where there is one


@pytest.fixture
def lists() -> Path:
    folder = os.environ.get("HOIDAN_TEST_AREAS")
    if not folder:
        pytest.skip("HOIDAN_TEST_AREAS names no folder with the statistics office's lists")
    return Path(folder)


def test_the_shipped_list_agrees_with_the_official_one_but_for_one_slip_of_it(lists: Path):
    official = read_file(lists / "communes_from_2025-07-01.csv")
    assert len(official.rows) == 3321
    assert differences(shipped_areas(), official) == [("24496", "Xã Ea Kly (66)", "Xa Ea Kly (66)")]
    imported = areas_in(official)
    assert set(imported.require()) == set(shipped_areas())
    assert [remark.code for remark in imported.report] == ["area_type_corrected"]


def test_the_official_conversion_table_is_read_whole_and_finds_former_wards(lists: Path):
    old = read_areas_file(lists / "communes_before_2025-07-01.csv").require()
    assert sum(area.level is Level.COMMUNE for area in old) == 10_051
    areas = Areas([*shipped_areas(), *old])
    result = read_conversions_file(lists / "conversion_2025-07-01.csv", areas=areas)
    assert len(result.require()) == 10_570
    assert {remark.code for remark in result.report} == {
        "conversion_old_unlisted",
        "conversion_two_names",
        "conversion_no_code",
    }
    index = Areas(areas, result.items)
    in_the_city = {step.old for step in result.items if index.contains((NEWEST, "79"), step.new)}
    successors = [len(index.successors(old)) for old in in_the_city]
    assert [successors.count(n) for n in (1, 2, 3)] == [395, 43, 4]
    match = index.pick("Bến Nghé")
    assert match
    assert (match.area.title, match.former) == (
        "Phường Sài Gòn",
        "Phường Bến Nghé, Quận 1, Thành phố Hồ Chí Minh",
    )
    numbered = index.pick("phường 1, quận 4")
    assert numbered
    assert numbered.area.title == "Phường Vĩnh Hội"


# Sentences


def sentences(language: str) -> dict[str, str]:
    with (ROOT / "bot" / "locales" / language / "LC_MESSAGES" / "areas.po").open("rb") as file:
        return {str(message.id): str(message.string) for message in read_po(file) if message.id}


def test_every_refusal_and_note_has_its_sentence_and_no_sentence_is_left_over():
    code = "".join(
        path.read_text(encoding="utf-8")
        for path in (*(ROOT / "surveys").glob("area*.py"), ROOT / "bot" / "authoring" / "areas.py")
    )
    raised = set(re.findall(r'"((?:area|conversion)_[a-z_]+)"', code))
    said = {key.rpartition(".")[2] for key in sentences("vi") if key.startswith(("problem.", "areas.note."))}
    columns = {"area_source", "conversion_rows"}
    assert raised - columns == said


def test_both_languages_say_the_same_with_the_same_placeholders():
    vietnamese, english = sentences("vi"), sentences("en")
    assert vietnamese.keys() == english.keys()
    for key, sentence in vietnamese.items():
        assert sentence
        assert set(re.findall(r"{(\w+)}", sentence)) == set(re.findall(r"{(\w+)}", english[key])), key
