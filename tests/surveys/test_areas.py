"""The tree of areas, vintages, conversions, and finding an area by what people type."""

from __future__ import annotations

import csv
from datetime import date
from functools import cache
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import surveys
from surveys.area_rows import Row, read_areas, read_conversions
from surveys.areas import Area, Areas, Conversion, ConversionKind
from surveys.letters import fold, settle, tidy
from surveys.placenames import TYPES, Level, Rank, split_title, words
from surveys.problems import Problem

NEW, OLD = "2025-07-01", "2025-06-30"
UNITS = Path(surveys.__file__).parent / "library" / "areas" / f"units_{NEW}.csv"


def rows(*records: dict[str, str]) -> list[Row]:
    return [Row(line, record) for line, record in enumerate(records, 2)]


def table(columns: str, *lines: str) -> list[Row]:
    names = columns.split(",")
    return rows(*(dict(zip(names, line.split(","), strict=True)) for line in lines))


@cache
def shipped() -> tuple[Area, ...]:
    with UNITS.open(encoding="utf-8", newline="") as file:
        return read_areas(rows(*csv.DictReader(file))).require()


OLD_UNITS = table(
    "code,name,type,parent",
    "79,Thành phố Hồ Chí Minh,thành phố,",
    "74,Tỉnh Bình Dương,tỉnh,",
    "22,Tỉnh Quảng Ninh,tỉnh,",
    "760,Quận 1,quận,79",
    "773,Quận 4,quận,79",
    "774,Quận 5,quận,79",
    "719,Huyện Bàu Bàng,huyện,74",
    "193,Thành phố Hạ Long,thành phố,22",
    "26740,Phường Bến Nghé,phường,760",
    "27298,Phường 1,phường,773",
    "27325,Phường 1,phường,774",
    "25822,Thị trấn Lai Uyên,thị trấn,719",
    "06664,Phường Hà Tu,phường,193",
    "06652,Phường Hà Phong,phường,193",
)

STEPS = table(
    "old_vintage,old_code,new_vintage,new_code,kind,share,source",
    f"{OLD},26740,{NEW},26740,toan_bo,,1685/NQ-UBTVQH15",
    f"{OLD},27298,{NEW},27286,toan_bo,,1685/NQ-UBTVQH15",
    f"{OLD},27325,{NEW},27301,toan_bo,,1685/NQ-UBTVQH15",
    f"{OLD},25822,{NEW},25819,mot_phan,,1685/NQ-UBTVQH15",
    f"{OLD},25822,{NEW},25822,mot_phan,,1685/NQ-UBTVQH15",
    f"{OLD},06664,{NEW},06652,toan_bo,,1679/NQ-UBTVQH15",
    f"{OLD},06652,{NEW},06652,toan_bo,,1679/NQ-UBTVQH15",
)


@cache
def country() -> Areas:
    """The shipped list, some old units and what became of them."""
    old = read_areas(OLD_UNITS, vintage=OLD).require()
    steps = read_conversions(STEPS, areas=Areas([*shipped(), *old])).require()
    return Areas([*shipped(), *old], steps)


def found(text: str, **options: object) -> list[str]:
    return [match.area.title for match in country().search(text, **options)]  # type: ignore[arg-type]


# The shipped list


def test_the_shipped_list_has_the_34_provinces_and_3321_communes_of_1_july_2025():
    kinds: dict[tuple[Level, str], int] = {}
    for area in shipped():
        kinds[area.level, area.type] = kinds.get((area.level, area.type), 0) + 1
    assert kinds == {
        (Level.PROVINCE, "tỉnh"): 28,
        (Level.PROVINCE, "thành phố"): 6,
        (Level.COMMUNE, "xã"): 2621,
        (Level.COMMUNE, "phường"): 687,
        (Level.COMMUNE, "đặc khu"): 13,
    }


def test_ho_chi_minh_city_has_113_wards_54_communes_and_con_dao():
    units = country().children((NEW, "79"))
    assert [sum(unit.type == kind for unit in units) for kind in ("phường", "xã", "đặc khu")] == [113, 54, 1]
    assert country().get((NEW, "26732")) == Area(
        NEW, "26732", "Côn Đảo", "đặc khu", Level.COMMUNE, "79", date(2025, 7, 1)
    )


def test_no_shipped_name_holds_its_type_stray_spaces_or_loose_marks():
    for area in shipped():
        assert area.name == tidy(area.name)
        assert "’" not in area.name
        assert not area.name.lower().startswith(area.type + " ")
        assert area.name[0].isupper() or area.name[0].isdigit()
        assert area.level is Level.PROVINCE or area.parent == country().ancestors(area.key)[0].code


# The tree


def test_an_area_knows_its_full_name_and_what_it_lies_in():
    assert country().place((NEW, "26740")) == "Phường Sài Gòn, Thành phố Hồ Chí Minh"
    assert country().place((OLD, "26740")) == "Phường Bến Nghé, Quận 1, Thành phố Hồ Chí Minh"
    assert country().place((NEW, "00001")) == "00001"
    assert [unit.code for unit in country().roots(OLD)] == ["22", "74", "79"]


def test_the_same_code_in_another_vintage_is_another_area():
    then, now = country().get((OLD, "06652")), country().get((NEW, "06652"))
    assert then and now
    assert (then.name, now.name) == ("Hà Phong", "Hà Tu")
    assert not country().contains(then.key, now.key)


def test_a_grant_in_a_province_reaches_its_wards_and_no_others():
    assert country().contains((NEW, "79"), (NEW, "26740"))
    assert not country().contains((NEW, "26740"), (NEW, "79"))
    assert not country().contains((NEW, "01"), (NEW, "26740"))
    assert not country().contains((NEW, "79"), (NEW, "99999"))
    assert not country().contains((NEW, "99999"), (NEW, "99999"))


@st.composite
def trees(draw: st.DrawFn) -> Areas:
    """Small trees of four levels in two vintages that use the same codes."""
    areas: list[Area] = []
    since = date(2025, 7, 1)
    for vintage in (OLD, NEW):
        above: list[str] = []
        for level in Level:
            codes = draw(st.lists(st.sampled_from([f"{level}-{n}" for n in range(4)]), unique=True))
            for code in codes:
                parent = draw(st.sampled_from(above)) if above else None
                areas.append(Area(vintage, code, code, TYPES[level][0], level, parent, since))
            above = codes or above
    return Areas(areas)


@given(trees())
def test_containing_is_a_partial_order(areas: Areas):
    keys = [area.key for area in areas]
    reach = {(a, b) for a in keys for b in keys if areas.contains(a, b)}
    for a in keys:
        assert (a, a) in reach
    for a, b in reach:
        assert a == b or (b, a) not in reach
        assert a[0] == b[0]
        for c in keys:
            assert (b, c) not in reach or (a, c) in reach


@given(trees())
def test_an_area_is_contained_in_itself_and_its_ancestors_alone(areas: Areas):
    for area in areas:
        above = {area.key, *(unit.key for unit in areas.ancestors(area.key))}
        assert {outer.key for outer in areas if areas.contains(outer.key, area.key)} == above
        assert all(area.key != unit.key for unit in areas.ancestors(area.key))
        assert all(child.parent == area.code for child in areas.children(area.key))


# Vintages and conversions


def test_a_code_of_the_wrong_vintage_is_refused_with_what_it_became():
    with pytest.raises(Problem) as refused:
        country().expect((OLD, "26740"), NEW)
    assert refused.value.code == "area_wrong_vintage"
    assert refused.value.params["name"] == "Phường Bến Nghé"
    assert refused.value.params["successors"] == "Phường Sài Gòn (26740)"


def test_an_old_code_given_as_a_new_one_is_refused_with_every_successor():
    with pytest.raises(Problem) as refused:
        country().expect((NEW, "27298"))
    assert refused.value.code == "area_wrong_vintage"
    assert refused.value.params["successors"] == "Phường Vĩnh Hội (27286)"
    with pytest.raises(Problem) as split:
        country().expect((OLD, "25822"), NEW)
    assert split.value.params["successors"] == "Xã Trừ Văn Thố (25819); Xã Bàu Bàng (25822)"


def test_a_code_no_list_knows_is_unknown_and_one_without_conversion_says_so():
    with pytest.raises(Problem) as unknown:
        country().expect((NEW, "99999"))
    assert unknown.value.code == "area_unknown"
    with pytest.raises(Problem) as other:
        country().expect((NEW, "26740"), OLD)
    assert other.value.code == "area_other_vintage"
    assert country().expect((NEW, "26740"), NEW).name == "Sài Gòn"


def test_an_unknown_share_stays_unknown_and_a_whole_is_one():
    assert [step.share for step in country().successors((OLD, "25822"))] == [None, None]
    assert [step.share for step in country().successors((OLD, "26740"))] == [1.0]
    assert country().successors((OLD, "760")) == ()


def test_successors_are_followed_over_several_changes():
    later = "2027-01-01"
    merged = Area(later, "26740", "Bến Nghé Mới", "phường", Level.COMMUNE, None, date(2027, 1, 1))
    step = Conversion(NEW, "26740", later, "26740", ConversionKind.WHOLE, 1.0)
    areas = Areas([*country(), merged], [*country().successors((OLD, "26740")), step])
    with pytest.raises(Problem) as refused:
        areas.expect((OLD, "26740"), later)
    assert refused.value.params["successors"] == "Phường Bến Nghé Mới (26740)"
    match = areas.pick("phường bến nghé, quận 1")
    assert match
    assert match.area == merged


# Search


@pytest.mark.parametrize(
    "typed",
    ["Sài Gòn", "sài gòn", "sai gon", "SAIGON", "phường sài gòn", "P. Sai Gon", "p sài gòn", "Phuong Sai Gon",
     "phường sài gòn, thành phố hồ chí minh", "P.Sài Gòn TP.HCM", "phuong sai gon tphcm", "  sài   gòn "],
)  # fmt: skip
def test_a_ward_is_found_however_its_name_is_typed(typed: str):
    match = country().pick(typed)
    assert match
    assert (match.area.title, match.former) == ("Phường Sài Gòn", "")


@pytest.mark.parametrize(
    ("typed", "meant"),
    [("sài gon", "Phường Sài Gòn"), ("xã thuận hoà, tuyên quang", "Xã Thuận Hòa"), ("mdrak", "Xã M'Drắk"),
     ("m’drăk", "Xã M'Drắk"), ("xa dung", "Xã Xa Dung"), ("chân mây lăng cô", "Xã Chân Mây - Lăng Cô"),
     ("con dao", "Đặc khu Côn Đảo"), ("dk hoang sa", "Đặc khu Hoàng Sa"), ("tinh gia lai", "Tỉnh Gia Lai"),
     ("văn miếu quốc", "Phường Văn Miếu - Quốc Tử Giám"), ("bao loc 3", "Phường 3 Bảo Lộc")],
)  # fmt: skip
def test_a_name_or_an_unambiguous_part_of_it_decides(typed: str, meant: str):
    match = country().pick(typed)
    assert match
    assert match.area.title == meant


def test_a_name_borne_twice_must_be_asked_unless_a_place_or_the_diacritics_tell():
    assert country().pick("thanh an", within=(NEW, "79")) is None
    assert set(found("thanh an", within=(NEW, "79"))) == {"Xã Thanh An", "Xã Thạnh An"}
    told = country().pick("thạnh an", within=(NEW, "79"))
    assert told
    assert told.area.title == "Xã Thạnh An"
    placed = country().pick("xã an khánh, thái nguyên")
    assert placed
    assert country().place(placed.area.key) == "Xã An Khánh, Tỉnh Thái Nguyên"


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("sài gònn", "Phường Sài Gòn"),
        ("hiep bihn", "Phường Hiệp Bình"),
        ("tang nhon pu", "Phường Tăng Nhơn Phú"),
    ],
)
def test_a_slip_of_the_finger_is_offered_and_never_taken_by_itself(typed: str, meant: str):
    best = country().search(typed, within=(NEW, "79"))[0]
    assert (best.area.title, best.rank) == (meant, Rank.CLOSE)
    assert country().pick(typed, within=(NEW, "79")) is None


def test_initials_are_the_last_resort():
    assert country().search("hcm")[0].area.title == "Thành phố Hồ Chí Minh"
    assert country().search("sg")[0].rank is Rank.INITIALS
    assert "Phường Sài Gòn" in found("sg")


def test_a_number_is_not_the_beginning_of_a_longer_one():
    assert "Phường 1 Bảo Lộc" in found("phường 1", within=(NEW, "68"))
    areas = [
        Area(NEW, f"26740-KP{n}", str(n), "khu phố", Level.NEIGHBOURHOOD, "26740", date(2025, 7, 1))
        for n in (1, 10, 12, 2)
    ]
    ward = Areas([*shipped(), *areas])
    for typed in ("khu phố 1", "kp1", "KP 01", "1"):
        matches = ward.search(typed, within=(NEW, "26740"))
        assert [match.area.title for match in matches] == ["Khu phố 1"]
    assert ward.search("ấp 1", within=(NEW, "26740")) == []


def test_a_search_stays_inside_the_area_and_the_level_asked_for():
    assert found("ba đình", within=(NEW, "79")) == []
    assert found("lạng sơn", level=Level.PROVINCE) == ["Tỉnh Lạng Sơn"]
    assert len(country().search("an", limit=3)) == 3
    assert country().search("an", limit=0) == []


def test_a_former_name_finds_what_it_belongs_to_now():
    match = country().pick("ben nghe")
    assert match
    assert match.area.title == "Phường Sài Gòn"
    assert match.former == "Phường Bến Nghé, Quận 1, Thành phố Hồ Chí Minh"
    assert match.conversion
    assert match.conversion.kind is ConversionKind.WHOLE


def test_a_former_name_of_a_split_unit_lists_every_successor():
    assert found("thị trấn lai uyên") == ["Xã Trừ Văn Thố", "Xã Bàu Bàng"]
    assert country().pick("lai uyên") is None


@pytest.mark.parametrize(
    "typed",
    ["phường 1, quận 4", "phường 1 quận 4 tp hcm", "p1 q4", "P.1, Q.4, TP.HCM", "Phường 01 Quận 04"],
)
def test_a_numbered_old_ward_is_told_by_its_district(typed: str):
    assert country().pick("phường 1", within=(NEW, "79")) is None
    match = country().pick(typed)
    assert match
    assert match.area.title == "Phường Vĩnh Hội"


def test_a_name_both_former_and_present_is_shown_once_as_the_present_one():
    matches = [match for match in country().search("hà tu") if match.area.code == "06652"]
    assert [(match.area.title, match.former) for match in matches] == [("Phường Hà Tu", "")]


def test_a_former_name_needs_no_old_list_if_the_conversion_brings_it():
    step = Conversion(
        OLD, "26740", NEW, "26740", ConversionKind.WHOLE, 1.0, "", "Phường Bến Nghé, Quận 1, TP HCM"
    )
    match = Areas(shipped(), [step]).pick("bến nghé, q1")
    assert match
    assert match.former == "Phường Bến Nghé, Quận 1, TP HCM"


def test_land_without_people_is_nobodys_new_ward():
    steps = [
        Conversion(OLD, "26740", NEW, "26740", ConversionKind.PART, 1.0, "", "Phường Bến Nghé"),
        Conversion(OLD, "26740", NEW, "26743", ConversionKind.PART, 0.0, "", "Phường Bến Nghé"),
    ]
    match = Areas(shipped(), steps).pick("bến nghé")
    assert match
    assert match.area.title == "Phường Sài Gòn"


@settings(deadline=None, max_examples=200)
@given(st.data())
def test_any_name_folded_or_not_is_among_the_first_and_as_written_before_all_others(data: st.DataObject):
    area = data.draw(st.sampled_from(shipped()))
    as_written = country().search(area.name, limit=100)
    assert words(as_written[0].area.name) == words(area.name)
    typed = data.draw(
        st.sampled_from([area.name, fold(area.name), area.name.upper(), area.title, fold(area.title)])
    )
    matches = country().search(typed, limit=100)
    whole = [match for match in matches if match.rank <= Rank.FOLDED]
    assert area.key in {match.area.key for match in whole}
    assert matches[: len(whole)] == whole


@settings(deadline=None, max_examples=100)
@given(st.data())
def test_a_full_address_finds_the_one_commune(data: st.DataObject):
    area = data.draw(st.sampled_from(shipped()))
    address = country().place(area.key)
    assert country().search(address)[0].area.name == area.name
    # Without marks two communes of a province may be written alike (Văn Lang, Văn Lăng).
    assert fold(country().search(fold(address))[0].area.name) == fold(area.name)


@settings(deadline=None, max_examples=200)
@given(st.text(max_size=220), st.sampled_from([None, (NEW, "79"), (OLD, "79"), ("", "")]))
def test_whatever_is_typed_a_search_answers_with_distinct_areas_of_one_vintage(text, within):
    matches = country().search(text, within)
    keys = [match.area.key for match in matches]
    assert len(keys) == len(set(keys)) <= 8
    assert len({vintage for vintage, _ in keys}) <= 1
    assert [match.rank for match in matches] == sorted(match.rank for match in matches)
    assert all(within is None or country().contains(within, key) for key in keys)


# Rows of areas


def report(result) -> list[tuple[int, str]]:
    return [(remark.line, remark.code) for remark in result.report]


def test_neighbourhoods_are_read_below_the_communes_already_known():
    result = read_areas(
        table(
            "vintage,code,name,parent",
            f"{NEW},KP1,Khu phố 1,26740",
            f"{NEW},26740-KP2,Khu phố 2,26740",
            f"{NEW},5A,Ấp 5A,25819",
        ),
        known=country(),
    )
    assert [(area.code, area.name, area.type, area.level) for area in result.require()] == [
        ("26740-KP1", "1", "khu phố", Level.NEIGHBOURHOOD),
        ("26740-KP2", "2", "khu phố", Level.NEIGHBOURHOOD),
        ("25819-5A", "5A", "ấp", Level.NEIGHBOURHOOD),
    ]
    assert report(result) == [(2, "area_code_joined"), (4, "area_code_joined")]


def test_zeros_a_spreadsheet_dropped_are_put_back_and_noted():
    result = read_areas(
        table("code,name,type,parent", "1,Hà Nội,thành phố,", "4,Ba Đình,phường,1"), vintage=NEW
    )
    assert [(area.code, area.parent) for area in result.require()] == [("01", None), ("00004", "01")]
    assert report(result) == [(2, "area_code_padded"), (3, "area_code_padded")]


def test_a_type_missing_or_contradicted_is_taken_from_the_name_and_noted():
    result = read_areas(
        table(
            "code,name,type,parent",
            "66,Tỉnh Đắk Lắk,tỉnh,",
            "24496,Xa Ea Kly,?,66",
            "27046,Phường 5,xã,66",
            "03208,Xa Dung,xã,66",
            "24497,Xã Ea Knuec,,66",
        ),
        vintage=NEW,
    )
    assert [area.title for area in result.require()] == [
        "Tỉnh Đắk Lắk", "Xã Ea Kly", "Phường 5", "Xã Xa Dung", "Xã Ea Knuec",
    ]  # fmt: skip
    assert report(result) == [(3, "area_type_corrected"), (4, "area_type_corrected")]


def test_the_list_before_july_2025_has_districts():
    areas = Areas(read_areas(OLD_UNITS, vintage=OLD).require())
    assert [unit.title for unit in areas.ancestors((OLD, "06664"))] == [
        "Thành phố Hạ Long",
        "Tỉnh Quảng Ninh",
    ]
    city = areas.get((OLD, "193"))
    assert city
    assert city.level is Level.DISTRICT


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("x,26740,Sài Gòn,phường,,79,,", "area_vintage_bad"),
        ("2025-02-30,26740,Sài Gòn,phường,,79,,", "area_vintage_bad"),
        (f"{NEW},2674O,Sài Gòn,phường,,79,,", "area_code_bad"),
        (f"{NEW},126740,Sài Gòn,phường,,79,,", "area_code_bad"),
        (f"{NEW},00000,Sài Gòn,phường,,79,,", "area_code_bad"),
        (f"{NEW},,Sài Gòn,phường,,79,,", "area_code_bad"),
        (f"{NEW},26740,,phường,,79,,", "area_name_missing"),
        (f"{NEW},26740,{'a' * 101},phường,,79,,", "area_name_long"),
        (f"{NEW},26740,Sài Gòn,hương,,79,,", "area_type_unknown"),
        (f"{NEW},26740,Sài Gòn,phường,ward,79,,", "area_level_unknown"),
        (f"{NEW},26740,Sài Gòn,phường,province,79,,", "area_level_differs"),
        (f"{NEW},26740,Sài Gòn,phường,,,,", "area_parent_missing"),
        (f"{NEW},26740,Sài Gòn,phường,,99,,", "area_parent_unknown"),
        (f"{NEW},26740,Sài Gòn,phường,,26743,,", "area_parent_unknown"),
        (f"{OLD},26740,Sài Gòn,phường,,79,,", "area_parent_unknown"),
        (f"{NEW},80,Tây Ninh,tỉnh,,79,,", "area_parent_needless"),
        (f"{NEW},khu 1,1,khu phố,,26743,,", "area_code_neighbourhood"),
        (f"{NEW},26740,Sài Gòn,phường,,79,31/6/2025,", "area_date_bad"),
        (f"{NEW},26740,Sài Gòn,phường,,79,1/7/2025,30/6/2025", "area_dates_reversed"),
        (f"{NEW},26743,Bến Thành,phường,,79,,", "area_duplicate"),
    ],
)
def test_a_wrong_row_is_refused_with_its_line_and_nothing_is_taken(line: str, code: str):
    result = read_areas(
        table(
            "vintage,code,name,type,level,parent,valid_from,valid_to",
            f"{NEW},79,Hồ Chí Minh,thành phố,province,,,",
            f"{NEW},26743,Bến Thành,phường,,79,,",
            line,
        )
    )
    assert result.items == ()
    assert [(remark.line, remark.code, remark.key) for remark in result.refusals] == [
        (4, code, f"problem.{code}")
    ]
    with pytest.raises(Problem) as refused:
        result.require()
    assert (refused.value.params["count"], refused.value.params["lines"]) == (1, "4")


def test_every_wrong_line_is_reported_at_once():
    lines = [f"{NEW},{n},,xã,79" for n in range(12)]
    result = read_areas(table("vintage,code,name,type,parent", *lines))
    with pytest.raises(Problem) as refused:
        result.require()
    assert refused.value.params["count"] == 12
    assert refused.value.params["lines"] == "2, 3, 4, 5, 6, 7, 8, 9, 10, 11 …"


def test_rows_without_the_needed_columns_are_refused():
    with pytest.raises(Problem, match="area_file_columns"):
        read_areas(table("code,title", "79,Hồ Chí Minh"))
    with pytest.raises(Problem, match="area_file_empty"):
        read_areas([])


# Rows of conversions


def steps(*lines: str, areas: Areas | None = None):
    columns = "old_vintage,old_code,new_vintage,new_code,kind,share,old_name"
    return read_conversions(
        table(
            columns, *(f"{OLD},{old},{NEW},{rest}" for old, rest in (line.split(",", 1) for line in lines))
        ),
        areas=areas,
    )


@pytest.mark.parametrize(
    ("lines", "refusals"),
    [
        (["00001,00004,mot_phan,0.4,", "00001,00008,mot_phan,60%,"], []),
        (["00001,00004,mot_phan,0.333,", "00001,00008,mot_phan,0.667,"], []),
        (["00001,00004,mot_phan,0.4,", "00001,00008,mot_phan,,"], []),
        (["00001,00004,mot_phan,0.4,", "00001,00008,mot_phan,0.5,"], [(3, "conversion_share_sum")]),
        (["00001,00004,mot_phan,0.7,", "00001,00008,mot_phan,0.5,", "00001,00025,mot_phan,,"],
         [(4, "conversion_share_sum")]),
        (["00001,00004,mot_phan,1.1,"], [(2, "conversion_share_bad")]),
        (["00001,00004,mot_phan,nan,"], [(2, "conversion_share_bad")]),
        (["00001,00004,toan_bo,0.5,"], [(2, "conversion_whole_share")]),
        (["00001,00004,toan_bo,1,"], []),
        (["00001,00004,toan_bo,,", "00001,00008,mot_phan,,"], [(2, "conversion_whole_split")]),
        (["00001,00004,mot_phan,,", "00001,00004,mot_phan,,"], [(3, "conversion_duplicate")]),
        (["00001,00004,giu_nguyen,,", "00006,00004,mot_phan,,"], [(2, "conversion_unchanged_shared")]),
        (["00001,00004,whole,,"], [(2, "conversion_kind_unknown")]),
        (["1,00004,toan_bo,,"], [(2, "conversion_code_bad")]),
        ([f"00001,00004,toan_bo,,{'x' * 201}"], [(2, "conversion_text_long")]),
    ],
)  # fmt: skip
def test_the_rows_of_an_old_unit_must_agree(lines: list[str], refusals: list[tuple[int, str]]):
    result = steps(*lines)
    assert report(result) == refusals
    assert len(result.items) == (0 if refusals else len(lines))


def test_a_conversion_leads_forward_in_time():
    result = read_conversions(
        table("old_vintage,old_code,new_vintage,new_code,kind", f"{NEW},00004,{OLD},00001,toan_bo")
    )
    assert report(result) == [(2, "conversion_vintages_reversed")]


def test_a_conversion_leads_to_a_known_unit_and_from_one_that_can_be_named():
    assert report(steps("26740,99999,toan_bo,,", areas=country())) == [(2, "conversion_new_unknown")]
    assert report(steps("99999,26740,toan_bo,,", areas=country())) == [(2, "conversion_old_unknown")]
    named = steps("99999,26740,toan_bo,,Phường Mới", areas=country())
    assert [(remark.code, remark.refused) for remark in named.report] == [("conversion_old_unlisted", False)]
    assert len(named.require()) == 1


LIKELY = (
    f",79,01,1,760,26740,00004,KP1,{NEW},{OLD},1/7/2025,phường,xã,thành phố,khu phố,Phường Sài Gòn,Thành phố,"
    "province,commune,toan_bo,mot_phan,giu_nguyen,0.5,50%"
)
CELLS = st.one_of(st.sampled_from(LIKELY.split(",")), st.text(max_size=30))


def any_rows(*columns: str) -> st.SearchStrategy[list[Row]]:
    record = st.dictionaries(st.sampled_from(columns), CELLS)
    full = st.fixed_dictionaries(dict.fromkeys(columns, CELLS))
    return st.lists(st.builds(Row, st.integers(2, 9), st.one_of(full, record)), max_size=8)


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(
    any_rows("vintage", "code", "name", "type", "level", "parent", "valid_from", "valid_to"),
    st.sampled_from([None, NEW, OLD, "x"]),
)
def test_whatever_a_file_of_areas_holds_it_is_read_or_refused_by_a_problem(lines, vintage):
    try:
        areas = read_areas(lines, vintage=vintage).require()
    except Problem:
        return
    index = Areas(areas)
    assert len(index) == len(areas)
    for area in areas:
        assert bool(index.ancestors(area.key)) == (area.level is not Level.PROVINCE)
        assert area.type in TYPES[area.level]


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(any_rows("old_vintage", "old_code", "new_vintage", "new_code", "kind", "share", "source", "old_name"))
def test_whatever_a_file_of_conversions_holds_it_is_read_or_refused_by_a_problem(lines):
    try:
        conversions = read_conversions(lines).require()
    except Problem:
        return
    for step in conversions:
        shares = [
            other.share
            for other in conversions
            if (other.old, other.new_vintage) == (step.old, step.new_vintage)
        ]
        known = [share for share in shares if share is not None]
        assert sum(known) <= 1.001
        assert len(known) < len(shares) or sum(known) >= 0.999


# Letters


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("Bến  Nghé", "ben nghe"),
        ("ĐẮK LẮK", "dak lak"),
        ("Ðồng Đăng Ɖ", "dong dang d"),
        ("ư\u200bơ", "uo"),
        ("  ", ""),
    ],
)
def test_folding_drops_case_diacritics_and_stray_spaces(text: str, folded: str):
    assert fold(text) == folded


@given(st.text())
def test_folding_and_tidying_twice_changes_nothing_more(text: str):
    assert fold(fold(text)) == fold(text)
    assert tidy(tidy(text)) == tidy(text)
    assert fold(tidy(text)) == fold(text)


def test_both_usual_places_of_the_tone_mark_become_one():
    assert settle("hoà thuỵ khoẻ hoạ") == "hòa thụy khỏe họa"
    assert settle("quý hoàn huỳnh hòa") == "quý hoàn huỳnh hòa"


def test_a_title_is_split_into_type_and_name():
    assert split_title("Phường Phường Đúc") == ("phường", "Phường Đúc")
    assert split_title("Thị trấn Lăng Cô") == ("thị trấn", "Lăng Cô")
    assert split_title("Lăng Cô") == (None, "Lăng Cô")
    assert split_title("Phường") == (None, "Phường")
