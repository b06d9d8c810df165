"""Small forms for transcripts, each with how it is asked: what the shipped ones lack, or have too much of."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from tests.forms.build import Rows, converted
from tests.town import LIBRARY, publication

VI, EN = "Tiếng Việt (vi)", "English (en)"
SHIPPED = ("dong_y", "nguoi_lao_dong", "chien_dich_moi")


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
    return [{"form_title": title, "form_id": form_id, "version": "1", "default_language": VI}]


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

OWN: Mapping[str, tuple[Rows, Rows, str, dict[str, Any]]] = {
    "moi_loai": (
        EVERY_KIND, EVERY_KIND_CHOICES, "Mọi loại câu hỏi",
        definition("moi_loai", missing={"default": [], "except": {"dien_tich": ["dont_know", "prefer_not"]}}),
    ),
    "hen_gap": (TYPED, (), "Hẹn gặp", definition("hen_gap", missing={"default": []})),
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
