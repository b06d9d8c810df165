"""Lists of households: what offices write, and what is made of it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from surveys.areas import Area, Areas, Conversion, ConversionKind
from surveys.frames import cells
from surveys.frames.columns import Field, field_of, find_heading
from surveys.frames.lists import Household, Line, Person, Place, Relation
from surveys.frames.matching import Plan, plan
from surveys.frames.places import Located, Locator, Lost, Said
from surveys.frames.rows import Frame, Outcome, Report, Sheet, read_frame
from surveys.placenames import Level
from surveys.population import Sex
from surveys.problems import Problem

TODAY = date(2026, 11, 22)
NOW, OLD = "2025-07-01", "2025-06-30"
WARD = (NOW, "26740")


def area(code: str, name: str, parent: str | None = "79", vintage: str = NOW, kind: str = "phường") -> Area:
    level = Level.COMMUNE if parent else Level.PROVINCE
    return Area(vintage, code, name, kind if parent else "thành phố", level, parent, date(2025, 7, 1))


def became(old: str, new: str, kind: ConversionKind, name: str, share: float | None = None) -> Conversion:
    return Conversion(OLD, old, NOW, new, kind, share, "NQ 1685", f"{name}, Quận 1, Thành phố Hồ Chí Minh")


AREAS = Areas(
    [
        area("79", "Hồ Chí Minh", None),
        area("26740", "Sài Gòn"),
        area("26743", "Bến Thành"),
        area("26758", "Tân Định"),
    ],
    [
        became("26740", "26740", ConversionKind.WHOLE, "Phường Bến Nghé"),
        became("26737", "26740", ConversionKind.PART, "Phường Đa Kao"),
        became("26737", "26758", ConversionKind.PART, "Phường Đa Kao"),
        became("26752", "26743", ConversionKind.PART, "Phường Cầu Ông Lãnh", 1.0),
        became("26752", "26740", ConversionKind.PART, "Phường Cầu Ông Lãnh", 0.0),
    ],
)


def lines(text: str, start: int = 1) -> list[Line]:
    """A sheet from a table with | between its cells."""
    return [
        Line(number, tuple(cell.strip() for cell in row.split("|")))
        for number, row in enumerate(text.strip("\n").split("\n"), start)
    ]


def read(text: str | Sequence[Sheet], within: tuple[str, str] | None = WARD, areas: Areas = AREAS) -> Frame:
    sheets = [Sheet("", lines(text))] if isinstance(text, str) else text
    return read_frame(sheets, Locator(areas, within), TODAY)


def said(frame: Frame | Report) -> list[tuple[int, str]]:
    """*(line, code)* of each remark; refused ones with a !."""
    report = frame.report if isinstance(frame, Frame) else frame
    return [(each.place.line, "!" * each.refused + each.code) for each in report.remarks]


def refused(frame: Frame) -> list[tuple[int, str]]:
    return [(each.place.line, each.code) for each in frame.report.remarks if each.refused]


def members(frame: Frame) -> list[list[str]]:
    return [[one.name for one in household.members] for household in frame.households]


# Headings


@pytest.mark.parametrize(
    ("heading", "field"),
    [
        ("Mã hộ", Field.CODE),
        ("MA HO", Field.CODE),
        ("Họ và tên", Field.NAME),
        ("Họ, chữ đệm và tên", Field.NAME),
        ("Họ và tên chủ hộ", Field.HEAD),
        ("Họ và tên người trong hộ", Field.NAME),
        ("SĐT", Field.PHONE),
        ("Số điện thoại (nếu có)", Field.PHONE),
        ("Quan hệ\nvới chủ hộ", Field.RELATION),
        ("Khu phố/Ấp", Field.NEIGHBOURHOOD),
        ("Ngày, tháng, năm sinh", Field.BIRTH),
        ("Date of birth", Field.BIRTH),
        ("Ward code", Field.AREA_CODE),
        ("Số CCCD/CMND", Field.UNWANTED),
        ("Địa chỉ email", Field.UNREAD),
        ("Ghi chú", Field.UNREAD),
        ("Màu nhà", None),
    ],
)
def test_a_heading_is_known_with_or_without_marks_in_either_language(heading: str, field: Field | None):
    assert field_of(heading) is field


def test_headings_are_found_below_titles():
    found = find_heading(lines("UBND PHƯỜNG||\nDANH SÁCH HỘ||\n\nSTT|Họ và tên|SĐT\n1|Lê A|0912345678"))
    assert found is not None and found.last == 4
    assert [found.columns[at] for at in (1, 2)] == [Field.NAME, Field.PHONE]


def test_a_birth_under_two_headings_tells_the_sex():
    text = "STT|Họ và tên|Năm sinh||Địa chỉ\n||Nam|Nữ|\n1|Lê A|1985||1 Lê Lợi\n2|Lê B||1990|2 Lê Lợi"
    for spans in ([(1, 2, 3)], []):
        frame = read([Sheet("", lines(text), spans)])
        people = [household.members[0] for household in frame.households]
        assert [(one.sex, one.birth) for one in people] == [(Sex.MALE, "1985"), (Sex.FEMALE, "1990")]


def test_a_sex_may_be_a_tick_in_one_of_two_columns():
    frame = read("Họ tên|Nam|Nữ|Năm sinh\nLê A|x||1985\nLê B||x|1990\nLê C|||1991")
    assert [one.members[0].sex for one in frame.households] == [Sex.MALE, Sex.FEMALE, None]


def test_a_line_of_data_is_no_second_row_of_headings():
    found = find_heading(lines("Mã hộ|Họ và tên|Giới tính|Quan hệ\n1|Lê A|Nữ|Chủ hộ"))
    assert found is not None and found.last == 1 and found.columns[2] is Field.SEX


def test_a_row_that_numbers_the_columns_is_passed_over():
    frame = read("Mã hộ|Họ và tên|SĐT\n(1)|(2)|(3)\nH1|Lê A|0912345678")
    assert members(frame) == [["Lê A"]]


def test_two_columns_that_mean_the_same_are_refused():
    with pytest.raises(Problem, match="household_column_twice"):
        read("Mã hộ|Họ và tên|Họ tên\n1|Lê A|Lê B")


@pytest.mark.parametrize("text", ["a|b|c\n1|2|3", "Ghi chú|STT\n1|2", "Hướng dẫn|\nMã hộ|mã trong sổ"])
def test_a_sheet_without_headings_of_a_list_is_none(text: str):
    with pytest.raises(Problem, match="household_columns"):
        read(text)


# Cells


@pytest.mark.parametrize(
    ("cell", "phone"),
    [
        ("0912345678", "0912345678"),
        ("912345678", "0912345678"),
        ("912345678.0", "0912345678"),
        ("+84 912 345 678", "0912345678"),
        ("84912345678", "0912345678"),
        ("0084-912-345-678", "0912345678"),
        ("(+84) 0912.345.678", "0912345678"),
        ("01681234567", "0381234567"),
        ("028 3829 7000", "02838297000"),
        ("02838297000; 0912345678", "0912345678"),
        ("0912345678 - 0987654321", "0912345678"),
        ("12345", None),
        ("0112345678", None),
        ("không", None),
        ("+1 202 555 0100", None),
    ],
)
def test_a_telephone_becomes_its_ten_digits(cell: str, phone: str | None):
    assert cells.read_phone(cell) == phone


@given(st.text(max_size=30))
def test_whatever_stands_in_a_cell_it_is_a_vietnamese_number_or_none(cell: str):
    phone = cells.read_phone(cell)
    assert phone is None or (phone.startswith("0") and phone.isdecimal() and len(phone) in (10, 11))
    if phone is not None:
        assert cells.read_phone(phone) == phone


@pytest.mark.parametrize(
    ("cell", "birth"),
    [
        ("15/03/1985", "1985-03"),
        ("1985-03-15", "1985-03"),
        ("3/1985", "1985-03"),
        ("1985", "1985"),
        ("1985.0", "1985"),
        ("31121", "1985-03"),
        ("15-03-85", "1985-03"),
        ("00/00/1950", "1950"),
        ("tháng 3 năm 1985", "1985-03"),
        ("không rõ", ""),
        ("", ""),
        ("-", ""),
    ],
)
def test_a_birth_is_read_to_the_month(cell: str, birth: str):
    assert cells.read_birth(cell, TODAY) == birth


@pytest.mark.parametrize(
    ("cell", "code"),
    [
        ("12/31/1985", "birth_unreadable"),
        ("30/02/1985", "birth_unreadable"),
        ("15/03", "birth_unreadable"),
        ("abc", "birth_unreadable"),
        ("12/2026", "birth_to_come"),
        ("1904", "birth_long_ago"),
    ],
)
def test_a_birth_that_can_not_be_is_refused(cell: str, code: str):
    with pytest.raises(cells.Unreadable, match=code):
        cells.read_birth(cell, TODAY)


@given(st.text(max_size=40))
def test_whatever_stands_in_a_cell_it_is_a_birth_until_today_or_refused(cell: str):
    try:
        birth = cells.read_birth(cell, TODAY)
    except cells.Unreadable:
        return
    assert birth == "" or "1905" <= birth <= "2026-11"


@pytest.mark.parametrize(
    ("birth", "years"),
    [("2010-11", 15), ("2010-10", 16), ("2010", 15), ("2009", 16), ("1985-03", 41), ("", None)],
)
def test_an_age_is_the_least_that_it_may_be(birth: str, years: int | None):
    assert cells.age(birth, TODAY) == years


@pytest.mark.parametrize(
    ("cell", "name"),
    [
        ("KP5", "Khu phố 5"),
        ("KP. 05", "Khu phố 5"),
        ("khu pho 5", "Khu phố 5"),
        ("Khu phố 5", "Khu phố 5"),
        ("KHU PHỐ 12a", "Khu phố 12A"),
        ("TDP 5", "Tổ dân phố 5"),
        ("tổ dân phố số 7", "Tổ dân phố 7"),
        ("Tổ 5", "Tổ 5"),
        ("Ấp Bình Hòa", "Ấp Bình Hòa"),
        ("5", "Khu phố 5"),
        ("05", "Khu phố 5"),
        ("Cư xá Đô Thành", "Cư xá Đô Thành"),
        ("", ""),
        ("-", ""),
    ],
)
def test_a_neighbourhood_has_one_name_however_it_is_typed(cell: str, name: str):
    assert cells.neighbourhood(cell) == name
    assert cells.neighbourhood(name) == name


def test_a_number_alone_is_what_the_heading_says():
    frame = read("Họ tên|Tổ dân phố|SĐT\nLê A|5|0912345678")
    assert frame.households[0].neighbourhood == "Tổ dân phố 5"


@pytest.mark.parametrize(
    ("cell", "relation"),
    [
        ("Chủ hộ", Relation.HEAD),
        ("CH", Relation.HEAD),
        ("vợ", Relation.SPOUSE),
        ("Vợ/chồng", Relation.SPOUSE),
        ("Vợ chủ hộ", Relation.SPOUSE),
        ("con trai thứ 2", Relation.CHILD),
        ("Con của chủ hộ", Relation.CHILD),
        ("con dâu", Relation.RELATIVE),
        ("mẹ vợ", Relation.RELATIVE),
        ("cháu nội", Relation.GRAND),
        ("em trai", Relation.SIBLING),
        ("người ở trọ", Relation.UNRELATED),
        ("bản thân", Relation.HEAD),
        ("bạn thân", Relation.UNRELATED),
        ("bà", Relation.GRAND),
        ("ba", Relation.PARENT),
        ("3", Relation.CHILD),
        ("xyz", None),
    ],
)
def test_relations_are_the_eight_of_the_questionnaire(cell: str, relation: Relation | None):
    assert cells.read_relation(cell) is relation


@pytest.mark.parametrize(
    ("cell", "kind"),
    [
        ("NguyÔn V¨n An", "tcvn3"),
        ("TrÇn ThÞ B×nh", "tcvn3"),
        ("PH¹M", "tcvn3"),
        ("Nguyeãn Vaên An", "vni"),
        ("NGUYEÃN VAÊN", "vni"),
        ("Ñaëng", "vni"),
        ("Nguyá»…n VÄƒn", "garbled"),
        ("Nguyễn Văn Ân", ""),
        ("Hoà Thuý Đặng Uyên", ""),
        ("H'Đê Niê", ""),
        ("Müller", ""),
    ],
)
def test_letters_of_old_fonts_are_told_from_unicode(cell: str, kind: str):
    assert cells.not_unicode(cell) == kind


# Lines


def test_one_row_a_person_with_the_code_repeated_makes_households():
    frame = read(
        """
Mã hộ|Họ và tên|Quan hệ|Giới tính|Ngày sinh|SĐT|Khu phố|Địa chỉ
H1|Lê A|Chủ hộ|Nam|03/1985|912345678|KP5|1 Lê Lợi
H1|Trần B|Vợ|Nữ|04/1986|||
H2|Phạm C|Chủ hộ|Nữ|1960||Tổ 3|2 Lê Lợi
"""
    )
    assert said(frame) == []
    one, two = frame.households
    assert (one.code, one.head, one.phone, one.neighbourhood, one.address, one.whole) == (
        *("H1", "Lê A", "0912345678", "Khu phố 5", "1 Lê Lợi"),
        True,
    )
    assert [(each.name, each.sex, each.birth, each.relation) for each in one.members] == [
        ("Lê A", Sex.MALE, "1985-03", Relation.HEAD),
        ("Trần B", Sex.FEMALE, "1986-04", Relation.SPOUSE),
    ]
    assert (two.head, two.neighbourhood) == ("Phạm C", "Tổ 3")
    assert one.area == one.given == WARD


def test_one_row_a_household_makes_its_head_its_first_person():
    frame = read("Mã hộ|Chủ hộ|Điện thoại|Số khẩu\nH1|Lê A|0912345678|4\nH2|Lê B||3")
    assert [(one.head, one.phone, one.whole) for one in frame.households] == [
        ("Lê A", "0912345678", False),
        ("Lê B", "", False),
    ]
    assert [one.members[0].relation for one in frame.households] == [Relation.HEAD] * 2


def test_without_codes_a_household_goes_from_one_head_to_the_next():
    frame = read("Họ và tên|Quan hệ\nLê A|Chủ hộ\nLê B|Con\nTrần C|Chủ hộ\nTrần D|Vợ")
    assert members(frame) == [["Lê A", "Lê B"], ["Trần C", "Trần D"]]


def test_without_codes_a_household_is_told_by_its_head_in_a_column_of_its_own():
    frame = read("Chủ hộ|Họ và tên|Địa chỉ\nLê A|Lê A|1\nLê A|Lê B|1\nTrần C|Trần C|2")
    assert members(frame) == [["Lê A", "Lê B"], ["Trần C"]]
    assert [one.head for one in frame.households] == ["Lê A", "Trần C"]


def test_an_empty_code_goes_on_with_the_household_above():
    frame = read("Mã hộ|Họ và tên|Quan hệ\nH1|Lê A|Chủ hộ\n|Lê B|Con\n|Lê C|Con\nH2|Trần D|Chủ hộ")
    assert members(frame) == [["Lê A", "Lê B", "Lê C"], ["Trần D"]]
    assert said(frame) == [(3, "code_carried")]


def test_rows_of_one_household_need_not_follow_each_other():
    frame = read("Mã hộ|Họ và tên|Quan hệ\nH1|Lê A|Chủ hộ\nH2|Trần D|Chủ hộ\nH1|Lê B|Con")
    assert members(frame) == [["Lê A", "Lê B"], ["Trần D"]]


def test_codes_are_compared_without_capitals_spaces_and_zeros_in_front():
    frame = read("Mã hộ|Họ và tên|Quan hệ\n007|Lê A|Chủ hộ\n7|Lê B|Con\nhb 1|Trần C|Chủ hộ\nHB1|Trần D|Con")
    assert members(frame) == [["Lê A", "Lê B"], ["Trần C", "Trần D"]]


def test_headings_of_sections_name_the_neighbourhood():
    frame = read(
        """
Họ và tên chủ hộ|SĐT|Ghi chú
I. KHU PHỐ 1||
Lê A|0912345678|
II. Khu phố 2||
Lê B|0912345679|
"""
    )
    assert [one.neighbourhood for one in frame.households] == ["Khu phố 1", "Khu phố 2"]
    assert said(frame) == [(2, "section"), (4, "section")]


def test_totals_signatures_and_blank_lines_are_left_out_and_said():
    frame = read(
        """
STT|Họ và tên chủ hộ|SĐT
1|Lê A|0912345678
2||
Tổng cộng|1|
|Người lập biểu|
"""
    )
    assert members(frame) == [["Lê A"]]
    assert said(frame) == [(4, "total_line"), (5, "unused_line")]
    assert frame.report.outcomes[Place("", 5)] is Outcome.IGNORED


def test_the_templates_example_is_left_out():
    frame = read("Mã hộ|Họ và tên\nVÍ DỤ|Nguyễn Văn A\nH1|Lê A")
    assert members(frame) == [["Lê A"]]
    with pytest.raises(Problem, match="household_file_example"):
        read("Mã hộ|Họ và tên\nVÍ DỤ|Nguyễn Văn A")


def test_a_list_without_lines_is_refused():
    with pytest.raises(Problem, match="household_file_empty"):
        read("Mã hộ|Họ và tên")


def test_of_children_neither_name_nor_telephone_is_kept():
    frame = read(
        """
Mã hộ|Họ và tên|Quan hệ|Ngày sinh|SĐT
H1|Lê A|Chủ hộ|1985|0912345678
H1|Lê B|Con|05/2015|0987654321
H1|Lê C|Con|10/2010|0987654322
"""
    )
    assert [(one.name, one.birth, one.phone) for one in frame.households[0].members] == [
        ("Lê A", "1985", "0912345678"),
        ("", "2015-05", ""),
        ("Lê C", "2010-10", "0987654322"),
    ]
    assert said(frame) == [(0, "children")]


@pytest.mark.parametrize(
    ("row", "code"),
    [
        ("H1|Lê A|Chủ hộ|Nam|1985", None),
        ("H1||Chủ hộ|Nam|1985", "name_missing"),
        ("H1|Lê A|Chủ hộ|Giới|1985", "sex_unreadable"),
        ("H1|Lê A|hàng xóm|Nam|1985", "relation_unreadable"),
        ("H1|Lê A|Chủ hộ|Nam|31/13/1985", "birth_unreadable"),
        ("H1|Lê A|Chủ hộ|Nam|2030", "birth_to_come"),
        ("H1|Lê A|Chủ hộ|Nam|2015", "head_a_child"),
        (f"H1|{'Lê ' * 40}|Chủ hộ|Nam|1985", "cell_long"),
        ("H2|Trần C|Chủ hộ|Nam|1985", "two_heads"),
    ],
)
def test_a_line_that_can_not_be_right_is_refused_with_its_place(row: str, code: str | None):
    text = f"Mã hộ|Họ và tên|Quan hệ|Giới tính|Ngày sinh\nH2|Trần B|Chủ hộ|Nữ|1960\n{row}"
    frame = read(text)
    assert refused(frame) == ([(3, code)] if code else [])
    assert (Place("", 3) in frame.report.outcomes) is (code is not None)


def test_a_remark_names_the_column_and_shows_a_short_piece_of_the_cell():
    frame = read(f"Mã hộ|Họ và tên|Giới tính\nH1|Lê A|{'lạ ' * 30}")
    (remark,) = frame.report.remarks
    assert remark.column == "Giới tính"
    assert len(str(remark.params["value"])) == 25


def test_one_code_for_two_heads_is_refused_and_for_the_same_row_twice_is_not():
    frame = read("Mã hộ|Chủ hộ|SĐT\nH1|Lê A|0912345678\nH1|Lê A|0912345678")
    assert members(frame) == [["Lê A"]] and said(frame) == [(3, "row_repeated")]
    frame = read("Mã hộ|Chủ hộ|Số khẩu\nH1|Lê A|2\nH2|Lê C|2\nH2|Lê C|2\nH2|Lê C|2\nH1|Lê A|3")
    assert members(frame) == [["Lê A"], ["Lê C"]]


def test_one_household_in_two_neighbourhoods_is_refused():
    frame = read("Mã hộ|Họ tên|Quan hệ|Khu phố\nH1|Lê A|Chủ hộ|KP1\nH1|Lê B|Con|KP2")
    assert refused(frame) == [(3, "neighbourhoods_differ")]


def test_a_telephone_that_is_none_is_left_out_and_said():
    frame = read("Mã hộ|Chủ hộ|SĐT\nH1|Lê A|12345")
    assert frame.households[0].phone == "" and said(frame) == [(2, "phone_unusable")]


def test_cells_without_a_value_refuse_the_line_where_the_column_is_read():
    sheet = [
        Line(1, ("Mã hộ", "Chủ hộ", "SĐT", "Màu nhà")),
        Line(2, ("H1", "Lê A"), {2: "formula"}),
        Line(3, ("H2", "Lê B"), {2: "#REF!"}),
        Line(4, ("H3", "Lê C"), {3: "#N/A"}),
    ]
    frame = read([Sheet("", sheet)])
    assert refused(frame) == [(2, "formula_empty"), (3, "cell_error")]


def test_hidden_lines_are_read_and_hidden_sheets_are_not():
    head = Line(1, ("Mã hộ", "Chủ hộ"))
    shown = [head, Line(2, ("H1", "Lê A")), Line(3, ("H2", "Lê B"), hidden=True)]
    frame = read([Sheet("KP1", shown), Sheet("Cũ", [head, Line(2, ("H9", "Lê Z"))], hidden=True)])
    assert members(frame) == [["Lê A"], ["Lê B"]]
    assert said(frame) == [(0, "hidden_sheet"), (3, "hidden_line")]


def test_all_sheets_with_headings_are_read_and_lines_then_name_theirs():
    one = [Line(1, ("Mã hộ", "Chủ hộ", "Giới tính")), Line(2, ("H1", "Lê A", "Nam"))]
    two = [Line(1, ("Mã hộ", "Chủ hộ", "Giới tính")), Line(2, ("H2", "Lê B", "?!"))]
    notes = [Line(1, ("Hướng dẫn", "")), Line(2, ("Mã hộ", "mã trong sổ"))]
    frame = read([Sheet("Hướng dẫn", notes), Sheet("KP1", one), Sheet("KP2", two)])
    assert [each.place for each in frame.report.remarks] == [Place("KP2", 2)]


def test_identity_numbers_are_not_taken():
    frame = read("Mã hộ|Chủ hộ|Số CCCD\nH1|Lê A|079085001234")
    assert said(frame) == [(1, "unwanted_column")]
    assert "079085001234" not in repr([frame.households[0].members[0], frame.households[0]])


@pytest.mark.parametrize(
    ("names", "code"),
    [
        (["NguyÔn V¨n An", "TrÇn ThÞ B×nh"], "household_file_font"),
        (["Nguyeãn Vaên An", "Traàn Thò Bình"], "household_file_font"),
        (["Nguyá»…n VÄƒn", "Tráº§n Thá»‹"], "household_file_garbled"),
    ],
)
def test_a_list_in_letters_of_old_is_refused_with_advice(names: list[str], code: str):
    with pytest.raises(Problem) as problem:
        read("Mã hộ|Chủ hộ\n" + "\n".join(f"H{n}|{name}" for n, name in enumerate(names)))
    assert problem.value.code == code


def test_headings_in_letters_of_old_are_called_so_and_not_missing():
    with pytest.raises(Problem, match="household_file_font"):
        read("M· hé|Hä vµ tªn|§iÖn tho¹i\n1|NguyÔn V¨n An|0912345678")


def test_a_foreign_name_among_many_is_no_font():
    rows = "\n".join(f"H{n}|Nguyễn Văn Ân" for n in range(30))
    assert len(read(f"Mã hộ|Chủ hộ\n{rows}\nX|Joaõ").households) == 31


def test_too_many_columns_are_refused():
    with pytest.raises(Problem, match="household_file_wide"):
        read("|".join(["Mã hộ", "Chủ hộ", *(f"cột {n}" for n in range(299))]) + "\nH1|Lê A")


# Places


def areas_of(
    text: str, within: tuple[str, str] | None = None
) -> list[tuple[tuple[str, str], tuple[str, str]]]:
    return [(one.area, one.given) for one in read(text, within).households]


@pytest.mark.parametrize(
    ("head", "cell", "area_code", "given"),
    [
        ("Mã xã", "26743", "26743", (NOW, "26743")),
        ("Xã/phường", "Phường Bến Thành", "26743", (NOW, "26743")),
        ("Xã/phường", "ben thanh", "26743", (NOW, "26743")),
        ("Xã/phường", "26743", "26743", (NOW, "26743")),
        ("Xã/phường", "Phường Bến Nghé", "26740", (OLD, "26740")),
        ("Mã xã", "26752", "26743", (OLD, "26752")),
    ],
)
def test_a_commune_is_known_by_code_or_name_of_today_or_before(
    head: str, cell: str, area_code: str, given: tuple[str, str]
):
    assert areas_of(f"Mã hộ|Chủ hộ|{head}\nH1|Lê A|{cell}") == [((NOW, area_code), given)]


def test_a_code_alone_names_nothing_so_what_it_was_taken_for_is_said():
    frame = read("Mã hộ|Chủ hộ|Mã xã\nH1|Lê A|26740\nH2|Lê B|26740", None)
    (note,) = frame.report.remarks
    assert (note.code, note.params["name"]) == ("area_understood", "Phường Sài Gòn")


def test_a_code_with_a_name_or_a_district_may_be_of_the_old_list():
    assert areas_of("Chủ hộ|Mã xã|Xã/phường\nLê A|26740|Bến Nghé") == [(WARD, (OLD, "26740"))]
    assert areas_of("Chủ hộ|Mã xã|Quận/huyện\nLê A|26740|Quận 1") == [(WARD, (OLD, "26740"))]
    assert areas_of("Chủ hộ|Mã xã|Ngày danh mục\nLê A|26740|30/6/2025") == [(WARD, (OLD, "26740"))]


def test_a_name_is_that_of_a_code_as_the_list_of_areas_or_the_table_of_changes_spells_it():
    step = Conversion(OLD, "00736", NOW, "26740", ConversionKind.WHOLE, 1.0, "", "Xã Sà Phìn, Huyện Đồng Văn")
    index = Areas([*AREAS, area("00736", "Xà Phìn", vintage=OLD, kind="xã")], [step])
    for name in ("Xã Xà Phìn", "Xã Sà Phìn", "sa phin"):
        found = Locator(index).find(Said(code="00736", name=name))
        assert isinstance(found, Located) and found.area == WARD
    assert isinstance(Locator(index).find(Said(code="00736", name="Bến Thành")), Lost)


def test_a_name_of_today_that_older_areas_had_too_is_of_today_and_that_is_said():
    index = Areas(AREAS, [became("26752", "26743", ConversionKind.PART, "Phường Tân Định")])
    found = Locator(index).find(Said(name="Phường Tân Định"))
    assert isinstance(found, Located) and (found.area[1], found.note) == ("26758", "area_present")
    # Today there are no districts: who names one means the older area.
    older = Locator(index).find(Said(name="Phường Tân Định", district="Quận 1"))
    assert isinstance(older, Located) and (older.area[1], older.given) == ("26743", (OLD, "26752"))


@pytest.mark.parametrize(
    ("head", "cells_", "code"),
    [
        ("Mã xã", "99999", "area_code_unknown"),
        ("Mã xã", "SG", "area_code_bad"),
        ("Xã/phường", "Phường Bến Thàn", "area_unknown_near"),
        ("Xã/phường", "Atlantis", "area_unknown"),
        ("Mã xã|Xã/phường", "26740|Tân Định", "area_code_differs"),
        ("Xã/phường", "", "area_missing"),
        ("Mã xã|Ngày danh mục", "26740|hôm qua", "area_vintage_bad"),
    ],
)
def test_a_commune_that_can_not_be_told_refuses_the_line(head: str, cells_: str, code: str):
    frame = read(f"Mã hộ|Chủ hộ|{head}\nH1|Lê A|{cells_}", None)
    assert refused(frame) == [(2, code)]


def test_near_names_are_offered_for_an_unknown_one():
    frame = read("Chủ hộ|Xã/phường\nLê A|Phường Bến Thàn", None)
    assert "Phường Bến Thành" in str(frame.report.remarks[0].params["near"])


def test_a_commune_outside_the_area_of_the_import_is_refused():
    assert refused(read("Chủ hộ|Mã xã\nLê A|26743")) == [(2, "area_outside")]
    assert refused(read("Chủ hộ|Mã xã\nLê A|26743", (NOW, "79"))) == []


def test_a_ward_that_was_split_asks_for_the_choice_and_takes_it():
    text = "Chủ hộ|Xã/phường|Mã xã mới\nLê A|Phường Đa Kao|{}"
    frame = read(text.format(""), None)
    (remark,) = frame.report.remarks
    assert remark.code == "area_split"
    assert "26740" in str(remark.params["choices"]) and "26758" in str(remark.params["choices"])
    assert areas_of(text.format("26758")) == [((NOW, "26758"), (OLD, "26737"))]
    assert refused(read(text.format("26743"), None)) == [(2, "area_new_wrong")]


def test_a_conversion_is_said_once_and_both_areas_are_kept():
    frame = read("Mã hộ|Chủ hộ|Xã/phường\nH1|Lê A|Bến Nghé\nH2|Lê B|Bến Nghé", None)
    assert said(frame) == [(2, "area_converted")]
    assert {(one.area, one.given) for one in frame.households} == {(WARD, (OLD, "26740"))}


def test_one_code_of_two_offices_of_old_is_two_households():
    frame = read("Mã hộ|Chủ hộ|Xã/phường\nH1|Lê A|Bến Nghé\nH1|Trần B|Sài Gòn", None)
    assert members(frame) == [["Lê A"], ["Trần B"]]


# Who is known


def stored(made: Plan) -> list[Household]:
    """The frame as it stands after a plan: what storage does, in memory."""
    found: list[Household] = []
    numbers = iter(range(1, 10_000))
    for write in made.writes:
        household = write.target
        household.id = household.id or next(numbers)
        for one in household.members:
            one.id = one.id or next(numbers)
        if write.known is not None:
            kept = {one.id: one for one in household.members}
            for one in write.known.members:
                gone = next(((status, who) for was, status, who in write.gone if was is one), None)
                if one.id not in kept:
                    one.status = gone[0] if gone else one.status
                    household.members.append(one)
        found.append(household)
    return found


def again(
    text: str, known: Iterable[Household], within: tuple[str, str] | None = WARD
) -> tuple[Plan, Report]:
    frame = read(text, within)
    assert refused(frame) == []
    return plan(frame.households, known, frame.report), frame.report


def outcomes(made: Plan) -> dict[str, int]:
    return {str(name): number for name, number in made.households.items() if number}


LIST = """
Mã hộ|Họ và tên|Quan hệ|Giới tính|Ngày sinh|SĐT|Địa chỉ
H1|Lê A|Chủ hộ|Nam|03/1985|0912345678|1 Lê Lợi
H1|Trần B|Vợ|Nữ|04/1986||1 Lê Lợi
H1|Lê C|Con|Nam|05/2015||1 Lê Lợi
H1|Lê D|Con|Nam|05/2015||1 Lê Lợi
H2|Phạm E|Chủ hộ|Nữ|1960||2 Lê Lợi
"""


def test_the_same_file_twice_changes_nothing():
    first, _ = again(LIST, [])
    assert outcomes(first) == {"new": 2}
    second, report = again(LIST, stored(first))
    assert outcomes(second) == {"same": 2}
    assert second.people.total() == 0 and set(report.outcomes.values()) == {Outcome.SAME}


def test_what_changed_is_changed_and_nothing_else():
    known = stored(again(LIST, [])[0])
    second, _ = again(LIST.replace("04/1986", "05/1986").replace("2 Lê Lợi", "22 Lê Lợi"), known)
    assert outcomes(second) == {"changed": 2}
    one, two = second.writes
    assert one.fields == () and [was.name for _, was in one.changed] == ["Trần B"]
    assert two.fields == ("address",) and two.changed == []


def test_a_blank_cell_takes_nothing_away():
    known = stored(again(LIST, [])[0])
    second, _ = again(LIST.replace("0912345678", "").replace("04/1986", ""), known)
    assert outcomes(second) == {"same": 2}


def test_who_is_missing_in_a_list_of_people_has_left_and_may_come_back():
    known = stored(again(LIST, [])[0])
    shorter = LIST.replace("H1|Trần B|Vợ|Nữ|04/1986||1 Lê Lợi\n", "")
    second, _ = again(shorter, known)
    assert [(was.name, status) for was, status, _ in second.writes[0].gone] == [("Trần B", "left")]
    third, _ = again(LIST, stored(second))
    assert [(one.name, one.status) for one, _ in third.writes[0].changed] == [("Trần B", "active")]


def test_a_list_of_heads_alone_sends_nobody_away():
    known = stored(again(LIST, [])[0])
    second, _ = again("Mã hộ|Chủ hộ|SĐT\nH1|Lê A|0912345678\nH2|Phạm E|", known)
    assert outcomes(second) == {"same": 2}


def test_a_list_of_heads_with_another_head_keeps_the_old_one_in_the_household():
    known = stored(again(LIST, [])[0])
    second, _ = again("Mã hộ|Chủ hộ\nH1|Trần B\nH2|Phạm E", known)
    (write,) = [each for each in second.writes if each.outcome is Outcome.CHANGED]
    assert write.fields == ("head",)
    assert {one.name: one.relation for one, _ in write.changed} == {
        "Trần B": Relation.HEAD,
        "Lê A": None,
    }


def test_households_not_in_the_file_stay_and_are_counted():
    known = stored(again(LIST, [])[0])
    second, _ = again("Mã hộ|Chủ hộ\nH2|Phạm E", known)
    assert second.absent == 1


@pytest.mark.parametrize(
    ("rows", "code"),
    [
        ("|Lê A|0912345678||\n|Le A|+84912345678||", "merged_phone_and_name"),
        ("|Lê A||03/1985|1 Lê Lợi\n|LÊ A||3/1985|số 1, đường Lê Lợi", "merged_name_birth_address"),
        ("H1|Lê A|0912345678||\n|Lê A|0912345678||", "merged_phone_and_name"),
    ],
)
def test_what_is_surely_one_household_is_merged_with_the_reason(rows: str, code: str):
    made, report = again(f"Mã hộ|Chủ hộ|SĐT|Ngày sinh|Địa chỉ\n{rows}", [])
    assert outcomes(made) == {"new": 1}
    assert said(report) == [(3, code)]
    assert report.outcomes[Place("", 3)] is Outcome.MERGED


@pytest.mark.parametrize(
    ("rows", "code"),
    [
        ("H1|Lê A|0912345678||\nH2|Lê A|0912345678||", "maybe_same_phone_and_name"),
        ("|Lê A||03/1985|1 Lê Lợi\n|Lê A||03/1985|9 Hai Bà Trưng", "maybe_same_name_and_birth"),
        ("|Lê A|||1 Lê Lợi\n|Lê A|||1 Lê Lợi", "maybe_same_name_and_address"),
    ],
)
def test_what_is_doubtful_is_said_and_kept_apart_unless_told(rows: str, code: str):
    head = "Mã hộ|Chủ hộ|SĐT|Ngày sinh|Địa chỉ|Trùng với"
    first, second = rows.split("\n")
    made, report = again(f"{head}\n{first}|\n{second}|", [])
    assert outcomes(made) == {"new": 2} and said(report) == [(3, code)]
    made, report = again(f"{head}\n{first}|\n{second}|dòng 2", [])
    assert outcomes(made) == {"new": 1} and said(report) == [(3, "merged_told")]
    made, report = again(f"{head}\n{first}|\n{second}|riêng", [])
    assert outcomes(made) == {"new": 2} and said(report) == []


def test_a_line_or_code_that_is_not_there_can_not_be_told_the_same():
    _, report = again("Mã hộ|Chủ hộ|Trùng với\nH1|Lê A|dòng 99", [])
    assert said(report) == [(2, "!same_as_unknown")]


def test_several_people_on_one_telephone_are_several_people():
    made, report = again("Mã hộ|Chủ hộ|SĐT\nH1|Lê A|0912345678\nH2|Trần B|0912345678", [])
    assert outcomes(made) == {"new": 2} and said(report) == []


def test_lists_without_codes_find_their_households_again():
    text = "Chủ hộ|SĐT|Ngày sinh|Địa chỉ\nLê A|0912345678|03/1985|1 Lê Lợi\nTrần B||04/1986|2 Lê Lợi"
    known = stored(again(text, [])[0])
    assert outcomes(again(text, known)[0]) == {"same": 2}
    moved, _ = again(text.replace("1 Lê Lợi", "5 Hai Bà Trưng"), known)
    assert outcomes(moved) == {"changed": 1, "same": 1}


def test_a_code_given_later_is_learned():
    known = stored(again("Chủ hộ|SĐT\nLê A|0912345678", [])[0])
    made, _ = again("Mã hộ|Chủ hộ|SĐT\nH1|Lê A|0912345678", known)
    assert [write.fields for write in made.writes] == [("code",)]


def test_somebody_listed_in_two_households_counts_in_the_one_they_head():
    text = """
Mã hộ|Họ và tên|Quan hệ|Ngày sinh|SĐT
H1|Lê A|Chủ hộ|03/1950|
H1|Lê B|Con|03/1985|0912345678
H2|Lê B|Chủ hộ|03/1985|0912345678
"""
    made, report = again(text, [])
    assert said(report) == [(3, "person_twice")]
    twice = made.writes[0].target.members[1]
    assert twice.status == "duplicate" and twice.elsewhere is made.writes[1].target.members[0]
    assert outcomes(again(text, stored(made))[0]) == {"same": 2}


def test_somebody_known_in_another_household_has_moved():
    text = "Mã hộ|Họ và tên|Quan hệ|Ngày sinh|SĐT\nH1|Lê A|Chủ hộ|1950|\n{}"
    row = "{}|Lê B|{}|03/1985|0912345678"
    known = stored(again(text.format(row.format("H1", "Con")), [])[0])
    made, report = again(text.format(row.format("H2", "Chủ hộ")), known)
    assert (4 - 1, "person_moved") in said(report)
    (gone,) = made.writes[0].gone
    assert (gone[0].name, gone[1]) == ("Lê B", "moved") and gone[2] is made.writes[1].target.members[0]


def test_a_name_and_a_birth_alone_prove_nothing():
    text = """
Mã hộ|Họ và tên|Quan hệ|Giới tính|Ngày sinh
H1|Lê A|Chủ hộ|Nam|03/1950
H1|Lê B|Con|Nam|03/1985
H2|Trần C|Chủ hộ|Nam|03/1950
H2|Lê B|Con|Nam|03/1985
"""
    made, report = again(text, [])
    assert said(report) == [(5, "maybe_same_person")]
    assert made.people[Outcome.NEW] == 4


def test_what_staff_merged_stays_merged_when_the_file_comes_again():
    known = stored(again(LIST, [])[0])
    one, two = known
    two.status, two.merged_into = "merged", one.id
    one.members.append(two.members.pop())
    made, report = again(LIST, known)
    assert outcomes(made) == {"same": 1}
    assert said(report)[-1] == (6, "merged_before")


def test_codes_that_were_given_anew_refuse_the_list():
    def rows(shift: int) -> str:
        return "\n".join(f"H{n}|Người số {(n + shift) * 7}" for n in range(20))

    known = stored(again(f"Mã hộ|Chủ hộ\n{rows(0)}", [])[0])
    _, report = again(f"Mã hộ|Chủ hộ\n{rows(5)}", known)
    assert [code for _, code in said(report)] == ["!codes_renumbered"]


def test_one_office_may_have_the_number_of_another_after_boundaries_changed():
    known = stored(again("Mã hộ|Chủ hộ|Xã/phường\nH1|Lê A|Bến Nghé", [], None)[0])
    same, _ = again("Mã hộ|Chủ hộ|Xã/phường\nH1|Lê A|Sài Gòn", known, None)
    assert outcomes(same) == {"same": 1}
    other, _ = again("Mã hộ|Chủ hộ|Xã/phường\nH1|Trần B|Sài Gòn", known, None)
    assert outcomes(other) == {"new": 1}


def test_a_household_of_an_older_list_goes_where_its_new_list_says():
    known = stored(again("Mã hộ|Chủ hộ|Mã xã\nH1|Lê A|26740", [], None)[0])
    known[0].area = known[0].given = (OLD, "26737")
    made, _ = again("Mã hộ|Chủ hộ|Xã/phường|Mã xã mới\nH1|Lê A|Đa Kao|26758", known, None)
    assert [(write.fields, write.target.area) for write in made.writes] == [(("area",), (NOW, "26758"))]


def test_a_list_moves_no_household_between_communes_of_today():
    known = stored(again("Mã hộ|Chủ hộ|Xã/phường|Mã xã mới\nH1|Lê A|Đa Kao|26758", [], None)[0])
    frame = read("Mã hộ|Chủ hộ|Xã/phường|Mã xã mới\nH1|Lê A|Đa Kao|26740", None)
    plan(frame.households, known, frame.report)
    assert refused(frame) == [(2, "code_elsewhere")]


names = st.sampled_from(["Lê A", "Trần B", "Phạm C", "Võ D"])
births = st.sampled_from(["", "1950", "03/1985", "04/1986", "05/2015"])
phones = st.sampled_from(["", "0912345678", "0987654321"])
codes = st.sampled_from(["", "H1", "H2", "H3"])
addresses = st.sampled_from(["", "1 Lê Lợi", "2 Lê Lợi"])
relations = st.sampled_from(["Chủ hộ", "Con", "Vợ", ""])


@given(st.lists(st.tuples(codes, names, births, phones, addresses, relations), min_size=1, max_size=12))
def test_whatever_list_is_taken_in_again_changes_nothing(rows: list[tuple[str, ...]]):
    text = "Mã hộ|Họ và tên|Ngày sinh|SĐT|Địa chỉ|Quan hệ\n" + "\n".join("|".join(row) for row in rows)
    try:
        frame = read(text)
    except Problem:
        return
    refused_lines = frame.report.refused
    first = plan(frame.households, [], frame.report)
    if refused_lines:
        return
    known = stored(first)
    second = read(text)
    made = plan(second.households, known, second.report)
    assert {write.outcome for write in made.writes} == {Outcome.SAME}
    assert made.absent == 0


@given(st.lists(st.lists(st.text(max_size=12), max_size=5), max_size=12))
def test_whatever_stands_in_a_sheet_it_is_a_list_or_a_problem(rows: list[list[str]]):
    sheet = [Line(1, ("Mã hộ", "Họ và tên", "Ngày sinh", "SĐT", "Khu phố"))]
    sheet += [Line(n, tuple(row)) for n, row in enumerate(rows, 2)]
    try:
        frame = read([Sheet("", sheet)])
    except Problem:
        return
    assert {each.place.line for each in frame.report.remarks} <= set(range(len(rows) + 2))


def test_a_person_says_what_is_compared():
    assert Person("Lê A", Sex.MALE, "1985", Relation.HEAD, "09").told == (
        *("Lê A", Sex.MALE, "1985", Relation.HEAD, "09"),
    )
