"""Small forms for transcripts, each with how it is asked: what the shipped ones lack, or have too much of."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from tests.forms.build import Rows, converted, xlsx
from tests.town import LIBRARY, publication

VI, EN = "Tiếng Việt (vi)", "English (en)"
SHIPPED = ("dong_y", "nguoi_lao_dong", "ho_gia_dinh", "cong_dan_hoc_tap", "chien_dich_moi")


def row(type: str, name: str = "", vi: str = "", en: str = "", **columns: Any) -> dict[str, Any]:
    """A row of sheet ``survey``; ``hint`` and ``guidance`` and messages as pairs *(Vietnamese, English)*."""
    made: dict[str, Any] = {"type": type, "name": name}
    if vi:
        made |= {f"label::{VI}": vi, f"label::{EN}": en}
    for column, value in columns.items():
        if isinstance(value, tuple):
            made |= {f"{column}::{VI}": value[0], f"{column}::{EN}": value[1]}
        else:
            made[column] = value
    return made


def choice(list_name: str, name: str, vi: str, en: str, **columns: str) -> dict[str, Any]:
    """A row of sheet ``choices``."""
    return {"list_name": list_name, "name": name, f"label::{VI}": vi, f"label::{EN}": en, **columns}


def settings(form_id: str, title: str) -> Rows:
    language = EN if form_id == "chi_tieng_anh" else VI
    return [{"form_title": title, "form_id": form_id, "version": "1", "default_language": language}]


def definition(form_id: str, **parts: Any) -> dict[str, Any]:
    head = {
        "id": form_id.replace("_", "-"),
        "version": "1",
        "status": "thử",
        "form": form_id,
        "unit": "person",
    }
    return {"instrument": head, **parts}


EVERY_KIND: Rows = [
    row("note", "chao", "Vài câu về gia đình ông/bà.", "A few questions about your family."),
    row(
        "integer", "so_nguoi", "Nhà có mấy người?", "How many people live in your home?",
        hint=("Kể cả ông/bà.", "You included."),
        guidance_hint=("Người đi vắng trên 6 tháng thì không tính.", "Not who is away over 6 months."),
        required="yes", constraint=". >= 1 and . <= 20",
        constraint_message=("Xin ghi một số từ 1 đến 20.", "Please write a number from 1 to 20."),
    ),
    row(
        "decimal", "dien_tich", "Nhà rộng bao nhiêu mét vuông?", "How many square metres is your home?",
        constraint=". > 0",
    ),
    row(
        "date", "chuyen_den", "Ông/bà chuyển đến đây ngày nào?", "On which day did you move here?",
        constraint=". <= today()",
        constraint_message=("Ngày này chưa tới.", "That day is still to come."),
    ),
    row("select_one co_khong", "co_tre", "Nhà có trẻ em không?", "Are there children?", required="yes"),
    row("begin group", "tre", "Về trẻ em", "About the children", relevant="${co_tre} = '1'"),
    row("integer", "so_tre", "Có mấy cháu?", "How many?", required="yes"),
    row("text", "ten_truong", "Các cháu học trường nào?", "Which school?"),
    row("end group"),
    row("select_one tinh", "tinh", "Quê ở đâu?", "Where do you come from?", required="yes"),
    row(
        "select_one huyen", "huyen", "Ở vùng nào?", "Which part?",
        required="yes", choice_filter="tinh = ${tinh}",
    ),
    row(
        "select_multiple tien_nghi", "tien_nghi", "Nhà có những gì?", "What do you have at home?",
        required="yes",
        required_message=("Xin chọn ít nhất một mục.", "Please choose at least one."),
        constraint="not(selected(., '0') and count-selected(.) > 1)",
        constraint_message=('Đã chọn "Không có gì" thì xin bỏ các mục khác.', 'With "None", nothing else.'),
    ),
    row("text", "gop_y", "Ông/bà muốn nói thêm gì không?", "Anything to add?"),
    row("note", "ket", "Chỉ có vậy thôi ạ.", "That is all."),
]  # fmt: skip
EVERY_KIND_CHOICES: Rows = [
    choice("co_khong", "1", "Có", "Yes"),
    choice("co_khong", "2", "Không", "No"),
    choice("tinh", "hn", "Hà Nội", "Hà Nội"),
    choice("tinh", "hcm", "Thành phố Hồ Chí Minh", "Hồ Chí Minh City"),
    choice("huyen", "tay_ho", "Tây Hồ", "Tây Hồ", tinh="hn"),
    choice("huyen", "soc_son", "Sóc Sơn", "Sóc Sơn", tinh="hn"),
    choice("huyen", "cu_chi", "Củ Chi", "Củ Chi", tinh="hcm"),
    choice("huyen", "can_gio", "Cần Giờ", "Cần Giờ", tinh="hcm"),
    choice("tien_nghi", "1", "Ti vi", "Television"),
    choice("tien_nghi", "2", "Tủ lạnh", "Refrigerator"),
    choice("tien_nghi", "3", "Máy giặt", "Washing machine"),
    choice("tien_nghi", "0", "Không có gì", "None"),
]

SMALL: Rows = [
    row("select_one gioi", "gioi", "Giới tính của ông/bà?", "Sex?", required="yes"),
    row("text", "sinh", "Ông/bà sinh năm nào?", "Year of birth?", required="yes", appearance="year"),
    row(
        "select_one co_khong", "dien_thoai", "Ông/bà có dùng điện thoại thông minh không?",
        "Do you use a smartphone?", required="yes",
    ),
]  # fmt: skip
SMALL_CHOICES: Rows = [
    choice("gioi", "1", "Nam", "Male"),
    choice("gioi", "2", "Nữ", "Female"),
    choice("co_khong", "1", "Có", "Yes"),
    choice("co_khong", "2", "Không", "No"),
]

TYPED: Rows = [
    row(
        "text", "gio", "Mấy giờ thì tiện gọi cho ông/bà?", "At what time may we call you?", appearance="time"
    ),
    row("text", "so_dien_thoai", "Số điện thoại của ông/bà?", "Your telephone number?", appearance="phone"),
    row(
        "text",
        "thang",
        "Ông/bà nghỉ hưu tháng, năm nào?",
        "Month and year of retirement?",
        appearance="month-year",
    ),
    row("integer", "so_buoi", "Một tháng ông/bà học mấy buổi?", "How many lessons a month?"),
]

HOUSEHOLD: Rows = [
    row("integer", "so_nguoi", "Nhà có mấy người?", "How many people live here?", required="yes",
        constraint=". >= 0 and . <= 30"),
    row("begin repeat", "nguoi", "Thành viên", "Member", repeat_count="${so_nguoi}"),
    row("text", "ten", "Tên?", "Name?", required="yes"),
    row("integer", "tuoi", "${ten} bao nhiêu tuổi?", "How old is ${ten}?", required="yes",
        constraint=". >= 0 and . <= 120"),
    row("select_one co_khong", "di_hoc", "${ten} có đi học không?", "Does ${ten} go to school?",
        relevant="${tuoi} < 25", required="yes"),
    row("end repeat"),
    row("begin repeat", "ruong", "Thửa ruộng", "Field"),
    row("text", "xu_dong", "Thửa ruộng ở đâu?", "Where is the field?", required="yes"),
    row("decimal", "sao", "Rộng mấy sào?", "How large?"),
    row("end repeat"),
    row("select_one co_khong", "vay_von", "Nhà có vay vốn không?", "Does the home have a loan?",
        required="yes"),
]  # fmt: skip
"""People counted by a question, and fields without a count."""

COUNTED: Rows = [
    row("integer", "so_con", "Ông/bà có mấy con?", "How many children do you have?", required="yes"),
    row("begin repeat", "nguoi", "Người", "Person", repeat_count="${so_con} + 1"),
    row("text", "ten", "Tên?", "Name?", required="yes"),
    row("end repeat"),
    row("integer", "so_nha", "Số nhà theo sổ", "Houses on record", read_only="yes", default="1"),
    row("begin repeat", "nha", "Nhà", "House", repeat_count="${so_nha}"),
    row("text", "dia_chi", "Địa chỉ?", "Address?", required="yes"),
    row("end repeat"),
]
"""Counts that are worked out, or known: nobody can be added or taken out but by what says how many."""

EVERY_OTHER: Rows = [
    row("acknowledge", "bao_truoc", "Các câu sau hỏi về ruộng nhà ông/bà.", "Now about your field.",
        required="yes"),
    row("rank cay", "thu_tu", "Xếp cây trồng, quan trọng nhất trước.", "Rank the crops.", required="yes"),
    row("range", "hai_long", "Ông/bà hài lòng mức nào?", "How content are you?",
        parameters="start=0 end=10 step=1", required="yes"),
    row("range", "do_am", "Độ ẩm của đất?", "Moisture of the soil?", parameters="start=0 end=100 step=0.5"),
    row("date", "thang_gieo", "Gieo tháng nào?", "Sown in which month?", appearance="month-year"),
    row("date", "nam_mua", "Mua đất năm nào?", "Bought in which year?", appearance="year"),
    row("time", "gio_tuoi", "Mấy giờ tưới nước?", "Watered at what time?"),
    row("dateTime", "lan_cuoi", "Lần tưới cuối là lúc nào?", "When was the last watering?"),
    row("barcode", "ma_vach", "Mã vạch trên bao giống?", "Bar code of the seeds?"),
    row("geopoint", "vi_tri", "Ruộng ở đâu?", "Where is the field?"),
    row("image", "anh", "Ảnh thửa ruộng?", "A picture of the field?"),
    row("audio", "loi", "Ông/bà muốn nói gì thêm?", "Anything to add?"),
    row("video", "phim", "Đoạn phim về cách tưới?", "A video of the watering?"),
    row("file", "giay_to", "Giấy tờ thửa đất?", "Papers of the field?", required="yes"),
]  # fmt: skip
EVERY_OTHER_CHOICES: Rows = [
    choice("cay", "lua", "Lúa", "Rice"),
    choice("cay", "ngo", "Ngô", "Maize"),
    choice("cay", "rau", "Rau", "Vegetables"),
]

LONG: Rows = [
    row("select_one xa", "noi_sinh", "Ông/bà sinh ở phường, xã nào?", "Where were you born?", required="yes"),
    row("select_multiple xa", "tung_o", "Ông/bà từng ở những nơi nào?", "Where did you ever live?"),
    *(
        row("integer", f"thu_{number}", f"Thu nhập tháng {number}, mấy triệu?", f"Income in month {number}?")
        for number in range(1, 13)
    ),
    *(
        row("integer", f"chi_{number}", f"Chi tiêu tháng {number}, mấy triệu?", f"Spent in month {number}?")
        for number in range(1, 13)
    ),
    *(
        row("integer", f"gio_{number}", f"Giờ làm tháng {number}?", f"Hours worked in month {number}?")
        for number in range(1, 13)
    ),
]
IN_ENGLISH: Rows = [{"type": "text", "name": "name", f"label::{EN}": "What is your name?"}]
COMMUNES = [
    f"{kind} {name}{side}"
    for kind in ("Phường", "Xã")
    for name in ("An Lạc", "Bình Trị", "Chánh Hưng", "Diên Hồng", "Đông Hưng", "Gò Vấp", "Hòa Bình",
                 "Phú Thọ", "Tân Sơn", "Vườn Lài", "Xuân Hòa", "Hạnh Thông", "Cầu Kiệu", "Bến Thành")
    for side in ("", " Đông", " Tây", " Nam", " Bắc", " Trung")
]  # fmt: skip
"""168 names of communes, many of which begin alike."""

ONE_LANGUAGE: Rows = [
    {"type": "text", "name": "ten", f"label::{VI}": "Ông/bà tên gì?"},
    {"type": "integer", "name": "tuoi", f"label::{VI}": "Ông/bà bao nhiêu tuổi?"},
]

OWN: Mapping[str, tuple[Rows, Rows, str, dict[str, Any]]] = {
    "moi_loai": (
        EVERY_KIND, EVERY_KIND_CHOICES, "Mọi loại câu hỏi",
        definition("moi_loai", missing={"default": [], "except": {"dien_tich": ["dont_know", "prefer_not"]}}),
    ),
    "hen_gap": (TYPED, (), "Hẹn gặp", definition("hen_gap", missing={"default": []})),
    "gia_dinh": (HOUSEHOLD, EVERY_KIND_CHOICES, "Gia đình", definition("gia_dinh")),
    "gia_dinh_rieng": (
        HOUSEHOLD, EVERY_KIND_CHOICES, "Gia đình, riêng tư", definition("gia_dinh_rieng", about_others=True)
    ),
    "dem_san": (COUNTED, (), "Đếm sẵn", definition("dem_san")),
    "kieu_khac": (EVERY_OTHER, EVERY_OTHER_CHOICES, "Các kiểu khác", definition("kieu_khac")),
    "danh_sach_dai": (
        LONG,
        [choice("xa", f"x{number}", name, name) for number, name in enumerate(COMMUNES, 1)],
        "Danh sách dài",
        definition("danh_sach_dai"),
    ),
    "chi_tieng_anh": (IN_ENGLISH, (), "English only", definition("chi_tieng_anh")),
    "chi_tieng_viet": (ONE_LANGUAGE, (), "Chỉ tiếng Việt", definition("chi_tieng_viet")),
    "nho": (
        SMALL, SMALL_CHOICES, "Phiếu nhỏ",
        definition(
            "nho",
            missing={"default": [], "except": {"dien_thoai": ["dont_know", "prefer_not"]}},
            person={"sex": {"field": "gioi", "male": "1", "female": "2"}, "birth": "sinh"},
            items={"one": ["dien_thoai"]},
            indicators={
                "dung_dien_thoai": {
                    "denominator": "aged_15",
                    "any_of": {"dien_thoai": ["1"]},
                    "label": {"vi": "Dùng điện thoại thông minh", "en": "Uses a smartphone"},
                }
            },
        ),
    ),
}  # fmt: skip
"""Name → survey rows, choices, title, and what an ``instrument.yaml`` would hold."""

FORMS = (*SHIPPED, *OWN)

_GARDEN = [
    row("integer", "so_cay", "Vườn có mấy cây?", "How many trees?", required="yes"),
    row("select_one co", "tuoi", "Có tưới hằng ngày không?", "Watered daily?"),
    row("calculate", "gap_doi", calculation="${so_cay} * 2"),
]
_CARE = [choice("co", "1", "Có", "Yes"), choice("co", "0", "Không", "No")]
_WORKBOOKS: Mapping[str, tuple[str, str, Rows, Rows]] = {
    "vuon": ("vuon", "Vườn nhà", _GARDEN, _CARE),
    "vuon_loi": (
        "vuon",
        "Vườn nhà",
        [
            *_GARDEN,
            row("text", "ghi_chu", "Ghi chú?", "Notes?", relevant="khong_co(1) = 1"),
            row("text", "ten", "Tên?"),
        ],
        _CARE,
    ),
    "nho": ("nho", OWN["nho"][2], OWN["nho"][0], OWN["nho"][1]),
    "nho_moi": ("nho", OWN["nho"][2], _GARDEN, _CARE),
}


@lru_cache(maxsize=8)
def workbook(name: str) -> bytes:
    """A form as its author sends it: ``vuon``, or with an error, ``vuon_loi``; the published ``nho`` once
    more, or changed, ``nho_moi``.
    """
    form_id, title, survey, choices = _WORKBOOKS[name]
    return xlsx(survey, choices, settings(form_id, title))


@lru_cache(maxsize=1)
def publications() -> Mapping[str, dict[str, Any]]:
    """The arguments that publish each form's instrument, by name of the form."""
    made = {name: publication(LIBRARY / name) for name in SHIPPED}
    for name, (survey, choices, title, defined) in OWN.items():
        form = converted(survey, choices, settings(name, title))
        assert form.errors == ()
        made[name] = {
            "definition": defined,
            "xform": form.xform,
            "rows": {ref: (place.sheet, place.row) for ref, place in form.rows.items()},
        }
    return made
