"""What a person types becomes a value, a command, or the question once more; never a wrong answer."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from bot.texts import LANGUAGES, catalogue
from surveys import codes, numerals
from surveys.forms import UPLOADS, Kind, Range
from surveys.replies import (
    Ambiguous,
    Command,
    DontKnow,
    Offers,
    Option,
    PreferNot,
    Reading,
    Refused,
    Value,
    Values,
    clean,
    find_code,
    make_code,
    read_command,
    read_enough,
    read_month_year,
    read_more,
    read_reply,
    read_yes_no,
)
from tests.surveys.score_replies import faults, load, meets, score

HERE = Path(__file__).parent
TODAY = date(2026, 11, 20)
NOW = datetime(2026, 11, 20, 9, 30, tzinfo=timezone(timedelta(hours=7)))
TENTHS = Range(Decimal(0), Decimal(10), Decimal(1))
ALL = Offers(dont_know=True, prefer_not=True, skip=True)

SEX = (Option("1", ("Nam",)), Option("2", ("Nữ",)))
YES_NO = (Option("co", ("Có",)), Option("khong", ("Không",)))
WORK = tuple(
    Option(str(number), (label,))
    for number, label in enumerate(
        (
            "Làm công ăn lương",
            "Tự làm, buôn bán, chủ cơ sở",
            "Làm nông-lâm-thủy sản",
            "Không có việc, đang tìm",
            "Nội trợ",
            "Đi học",
            "Nghỉ hưu",
            "Khác",
        ),
        1,
    )
)


def reply(kind: Kind, text: str, choices: tuple[Option, ...] = (), **more: object) -> Reading:
    settings: dict[str, object] = {"language": "vi", "today": TODAY, "offers": ALL, **more}
    return read_reply(kind, text, choices=choices, **settings)  # type: ignore[arg-type]


# ── the corpus ────────────────────────────────────────────────────────────────────────────────────────


CORPUS = load(HERE / "data" / "replies.jsonl")


def test_the_corpus_is_large_varied_and_half_of_it_hard() -> None:
    asked_again = [line for line in CORPUS if {"refuse", "ask_again"} & set(line["expect"])]
    assert len(CORPUS) >= 600
    assert len({line["id"] for line in CORPUS}) == len(CORPUS)
    assert {line["kind"] for line in CORPUS} == {
        "select_one", "select_multiple", "integer", "decimal", "date", "month_year", "year", "time",
        "yes_no", "text", "range", "phone", "area_name", "command", "stop_word", "join_code",
    }  # fmt: skip
    assert len(asked_again) >= 0.3 * len(CORPUS)


def test_at_least_97_of_100_replies_are_read_as_meant_and_hardly_any_is_taken_wrongly() -> None:
    scores, failures = score(CORPUS)
    shown = [(failure.line["reply"], dict(failure.read_as)) for failure in failures]
    assert scores["all"].accuracy >= 0.97, shown
    assert scores["all"].wrong_accept_rate <= 0.005, shown
    for kind, one in scores.items():
        assert one.accuracy >= 0.9, (kind, shown)


def test_the_scorer_tells_a_wrong_accept_from_a_needless_question() -> None:
    line: dict[str, Any] = {"id": "x", "kind": "select_one", "lang": "vi", "question": "", "constraint": ""}
    line["choices"] = [{"code": option.name, "label": option.labels[0]} for option in SEX]
    lines = [
        {**line, "reply": "nam", "expect": {"value": "1"}},
        {**line, "reply": "nam", "expect": {"value": "2"}},
        {**line, "reply": "đẹp trai", "expect": {"value": "1"}},
        {**line, "reply": "đẹp trai", "expect": {"value": "1"}, "accept_also": [{"refuse": True}]},
    ]
    one = score(lines)[0]["select_one"]
    assert (one.lines, one.right, one.wrong_accepts) == (4, 2, 1)
    assert not meets({"refuse": True}, {"ask_again": True, "ambiguous_between": ["1", "2"]}, line)


@pytest.mark.parametrize(
    ("kind", "read_as", "expected"),
    [
        ("decimal", "2.50", "2.5"),
        ("month_year", "03/1985", "1985-03-01"),
        ("year", "1985", 1985),
        ("time", "07:30", "07:30:00.000+07:00"),
        ("phone", "0912345678", "+84 912 345 678"),
        ("yes_no", "yes", "có"),
        ("text", "Đỗ", unicodedata.normalize("NFD", "Đỗ")),
    ],
)
def test_the_scorer_compares_values_by_what_they_mean(kind: str, read_as: str, expected: object) -> None:
    line = {"id": "x", "kind": kind, "reply": "", "expect": {}}
    assert meets({"value": read_as}, {"value": expected}, line)
    assert not meets({"value": read_as}, {"value": "9"}, line)


def test_the_scorer_takes_lines_without_choices_and_says_what_is_not_a_line() -> None:
    lines: list[dict[str, Any]] = [
        {"id": "1", "kind": "yes_no", "lang": "vi", "reply": "ừ", "expect": {"value": "yes"}},
        {"id": "2", "kind": "area_name", "lang": "vi", "reply": "xã đa phúc", "expect": {"value": "Đa Phúc"}},
        {"id": "3", "kind": "integer", "lang": "vi", "reply": "130", "expect": {"refuse": True}},
        {"id": "4", "kind": "range", "lang": "en", "reply": "8/10", "expect": {"value": "8"}},
        {"id": "5", "kind": "stop_word", "lang": "vi", "reply": "Dũng", "expect": {"value": "Dũng"}},
        {"id": "6", "kind": "join_code", "lang": "vi", "reply": "mã ab2cde", "expect": {"value": "AB2CDE"}},
    ]
    lines[2]["constraint"] = lines[3]["constraint"] = ". >= 0 and . <= 10"
    assert faults(lines) == []
    scores, failures = score(lines)
    assert (scores["all"].right, scores["lang en"].lines, failures) == (6, 1, [])
    assert faults([{"id": "7", "kind": "colour", "reply": "red", "expect": {"value": "1"}}, {"id": "8"}]) == [
        "line 1 (7): no kind 'colour'",
        "line 2: no kind, reply, expect",
    ]


# ── choices ───────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "text", ["Nữ", "nu", "NƯ", "nuwx", "nu74", "2", "２", "2.", "số 2", "chọn hai", "là nữ ạ"]
)
def test_a_choice_is_understood_by_label_number_and_keyboard_slip(text: str) -> None:
    assert reply(Kind.SELECT_ONE, text, SEX) == Value("2")


@pytest.mark.parametrize("text", ["năm", "không phải nam", "nam à?", "đẹp trai", "không", "👍", "1.5", "-1"])
def test_a_word_with_other_marks_or_turned_round_is_no_choice(text: str) -> None:
    assert isinstance(reply(Kind.SELECT_ONE, text, SEX), Refused | Ambiguous)


def test_several_possible_choices_are_asked_back_by_name() -> None:
    assert reply(Kind.SELECT_ONE, "nam hay nữ", SEX) == Ambiguous(("1", "2"))
    assert reply(Kind.SELECT_ONE, "1 hoặc 2", SEX) == Ambiguous(("1", "2"))


def test_what_fits_too_many_choices_is_refused_rather_than_listed() -> None:
    wards = tuple(
        Option(str(number), (f"Phường Tân {name}",)) for number, name in enumerate("abcdefghijklmnop")
    )
    assert reply(Kind.SELECT_ONE, "tân", wards) == Refused("reply.not_a_choice")
    assert reply(Kind.SELECT_ONE, "tân", wards[:3]) == Ambiguous(("0", "1", "2"))


def test_the_shown_number_wins_over_a_stored_code() -> None:
    reversed_codes = (Option("2", ("Tốt",)), Option("1", ("Kém",)), Option("9", ("Khó nói",)))
    assert reply(Kind.SELECT_ONE, "1", reversed_codes) == Value("2")
    assert reply(Kind.SELECT_ONE, "9", reversed_codes) == Value("9")


def test_a_number_that_is_also_said_in_another_label_is_asked_back() -> None:
    children = (Option("a", ("Không có con",)), Option("b", ("1 con",)), Option("c", ("2 con trở lên",)))
    assert reply(Kind.SELECT_ONE, "2", children) == Ambiguous(("b", "c"))
    assert reply(Kind.SELECT_ONE, "số 2", children) == Value("b")
    assert reply(Kind.SELECT_ONE, "1 con", children) == Value("b")


def test_a_number_that_is_not_shown_says_how_many_there_are() -> None:
    assert reply(Kind.SELECT_ONE, "9", SEX) == Refused("reply.out_of_range", {"count": 2})


@pytest.mark.parametrize("text", ["có", "co", "ừ", "dạ có ạ", "đúng rồi", "co1", "yes", "ok"])
def test_yes_in_many_forms(text: str) -> None:
    assert reply(Kind.SELECT_ONE, text, YES_NO) == Value("co")


@pytest.mark.parametrize(
    "text", ["không", "ko", "khong a", "không có", "chưa", "kho6ng", "khoong", "nope", "hông"]
)
def test_no_in_many_forms(text: str) -> None:
    assert reply(Kind.SELECT_ONE, text, YES_NO) == Value("khong")


@pytest.mark.parametrize(
    "text", ["có lẽ", "có đâu", "không phải là không có", "lúc có lúc không", "dạ thôi", "cô", "có không?"]
)
def test_half_a_yes_is_asked_again(text: str) -> None:
    assert isinstance(reply(Kind.SELECT_ONE, text, YES_NO), Refused | Ambiguous)


def test_words_of_the_question_may_follow_a_yes_or_a_no() -> None:
    question = "Ông/bà có đang đi làm không?"
    assert reply(Kind.SELECT_ONE, "không đi làm", YES_NO, question=question) == Value("khong")
    assert isinstance(reply(Kind.SELECT_ONE, "không đi làm", YES_NO), Ambiguous)


def test_a_part_of_a_label_is_enough_if_it_points_at_one_choice_and_turns_nothing() -> None:
    assert reply(Kind.SELECT_ONE, "buôn bán", WORK) == Value("2")
    assert reply(Kind.SELECT_ONE, "thuỷ sản", WORK) == Value("3")
    assert reply(Kind.SELECT_ONE, "làm", WORK) == Refused("reply.not_a_choice")
    assert reply(Kind.SELECT_ONE, "có việc", WORK) == Refused("reply.not_a_choice")
    incomes = (Option("a", ("Dưới 5 triệu",)), Option("b", ("Từ 5 triệu",)), Option("c", ("Trên 9 triệu",)))
    assert reply(Kind.SELECT_ONE, "5 triệu", incomes) == Ambiguous(("a", "b"))
    assert reply(Kind.SELECT_ONE, "9 triệu", incomes) == Ambiguous(("c",))


def test_one_slip_in_a_long_word_is_forgiven_unless_it_makes_another_word() -> None:
    levels = (Option("x", ("Thường xuyên",)), Option("t", ("Trung học",)))
    assert reply(Kind.SELECT_ONE, "thuong xuyenn", levels) == Value("x")
    assert reply(Kind.SELECT_ONE, "trường học", levels) == Refused("reply.not_a_choice")


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("1,3 và 5", ("1", "3", "5")),
        ("1 3 5", ("1", "3", "5")),
        ("5, 3, 1", ("1", "3", "5")),
        ("từ 1 đến 3", ("1", "2", "3")),
        ("nội trợ, đi học", ("5", "6")),
        ("tự làm, buôn bán, chủ cơ sở", ("2",)),
        ("nghi huu va noi tro", ("5", "7")),
    ],
)
def test_several_choices_come_in_list_order(text: str, names: tuple[str, ...]) -> None:
    assert reply(Kind.SELECT_MULTIPLE, text, WORK) == Values(names)


def test_doubtful_lists_are_asked_back() -> None:
    assert reply(Kind.SELECT_MULTIPLE, "1-3", WORK) == Ambiguous(("1", "2", "3"))
    assert reply(Kind.SELECT_MULTIPLE, "135", WORK) == Ambiguous(("1", "3", "5"))
    assert reply(Kind.SELECT_MULTIPLE, "1, không 3", WORK) == Refused("reply.not_a_choice")
    assert isinstance(reply(Kind.SELECT_MULTIPLE, "nội trợ, nấu ăn", WORK), Refused)


def test_all_and_none_are_those_that_the_list_has() -> None:
    devices = (Option("1", ("Ti vi",)), Option("2", ("Radio",)), Option("0", ("Không có",)))
    assert reply(Kind.SELECT_MULTIPLE, "tất cả", devices) == Values(("1", "2"))
    assert reply(Kind.SELECT_MULTIPLE, "không có gì", devices) == Values(("0",))
    assert reply(Kind.SELECT_MULTIPLE, "ti vi, không có", devices) != Values(("1", "0"))
    assert reply(Kind.SELECT_MULTIPLE, "tất cả", WORK) == Ambiguous(("1", "2", "3", "5", "6", "7", "8"))


@pytest.mark.parametrize(
    ("labels", "text", "name"),
    [
        ("Nam; Nữ", "đàn ông", "1"),
        ("Nam; Nữ", "dạ con gái ạ", "2"),
        ("Chưa vợ/chồng; Có vợ/chồng; Góa; Ly hôn", "có chồng rồi", "2"),
        ("Chưa vợ/chồng; Có vợ/chồng; Góa; Ly hôn", "độc thân", "1"),
        ("Chưa có bằng; Tiểu học; THCS", "không có bằng cấp", "1"),
        ("Hằng ngày; Hằng tuần", "mỗi ngày", "1"),
    ],
)
def test_an_everyday_word_stands_for_the_label_that_it_can_only_mean(
    labels: str, text: str, name: str
) -> None:
    choices = tuple(Option(str(at), (label,)) for at, label in enumerate(labels.split("; "), 1))
    assert reply(Kind.SELECT_ONE, text, choices) == Value(name)


def test_a_synonym_needs_its_opposite_in_the_list() -> None:
    regions = tuple(Option(name, (f"{name}",)) for name in ("Bắc", "Trung", "Nam"))
    assert isinstance(reply(Kind.SELECT_ONE, "đàn ông", regions), Refused)


@pytest.mark.parametrize(
    "text",
    ["dạ em chọn số 2 ạ", "bấm 2", "cái thứ 2", "nhầm, số 2 mới đúng", "1 à nhầm 2", "No. 2", "nữ nha cô"],
)
def test_manners_and_corrections_leave_the_choice_that_is_meant(text: str) -> None:
    assert reply(Kind.SELECT_ONE, text, SEX) == Value("2")


@pytest.mark.parametrize("text", ["không phải 1", "đừng chọn 2", "2 à nhầm", "nhầm rồi", "hôm qua nhầm 2"])
def test_what_is_only_taken_back_is_no_answer(text: str) -> None:
    assert isinstance(reply(Kind.SELECT_ONE, text, SEX), Refused | Ambiguous)


def test_all_but_some_and_none_of_what_is_listed() -> None:
    media = (
        Option("a", ("Zalo",)),
        Option("b", ("Facebook",)),
        Option("c", ("TikTok",)),
        Option("d", ("Không dùng",)),
    )
    assert reply(Kind.SELECT_MULTIPLE, "tất cả trừ tiktok", media) == Values(("a", "b"))
    assert reply(Kind.SELECT_MULTIPLE, "không xài cái nào hết", media) == Values(("d",))
    assert reply(Kind.SELECT_MULTIPLE, "a, c", media) == Values(("a", "c"))
    assert reply(Kind.SELECT_MULTIPLE, "1, 4", media) == Ambiguous(("a", "d"))
    assert reply(Kind.SELECT_MULTIPLE, "xong", media, ticked=("a",)) == Command("done")
    assert isinstance(reply(Kind.SELECT_MULTIPLE, "xong", media), Refused)


# ── ranks, ranges, places and the rest of ODK's kinds ─────────────────────────────────────────────────


MEDIA = (Option("z", ("Zalo",)), Option("f", ("Facebook",)), Option("b", ("Báo giấy",)))


@pytest.mark.parametrize(
    "text",
    [
        "2 1 3",
        "213",
        "2-1-3",
        "facebook > zalo > báo giấy",
        "fb, za lô, bao giay",
        "fb rồi zalo rồi báo giấy",
    ],
)
def test_a_rank_is_all_choices_in_the_order_told(text: str) -> None:
    assert reply(Kind.RANK, text, MEDIA) == Values(("f", "z", "b"))


def test_a_rank_that_is_not_complete_says_what_is_missing() -> None:
    assert reply(Kind.RANK, "2 1", MEDIA) == Refused("reply.rank_rest", {"rest": "3. Báo giấy", "count": 3})
    assert reply(Kind.RANK, "1 3", MEDIA, ticked=("f",)) == Values(("f", "z", "b"))
    assert reply(Kind.RANK, "1 1 2", MEDIA) == Refused("reply.not_a_rank")
    assert reply(Kind.RANK, "1 2 4", MEDIA) == Refused("reply.out_of_range", {"count": 3})


def test_a_range_keeps_to_its_bounds_and_steps() -> None:
    halves = Range(Decimal("-1"), Decimal("1"), Decimal("0.5"))
    limits = {"start": "-1", "end": "1", "step": "0.5"}
    assert reply(Kind.RANGE, "-0,5", within=halves) == Value("-0.5")
    assert reply(Kind.RANGE, "0,3", within=halves) == Refused("reply.not_in_range", limits)
    assert reply(Kind.RANGE, "2", within=halves) == Refused("reply.not_in_range", limits)
    assert reply(Kind.RANGE, "8/10", within=TENTHS) == Value("8")
    assert reply(Kind.RANGE, "tám điểm", within=TENTHS) == Value("8")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("7h30", "07:30"), ("7 giờ rưỡi tối", "19:30"), ("7h kém 15", "06:45"), ("7.30pm", "19:30"),
        ("mười chín giờ ba mươi", "19:30"), ("16 giờ 5 phút", "16:05"), ("half past six", "06:30"),
        ("nửa đêm", None), ("trưa", None), ("7-8h", None), ("khoảng 7h", None), ("25h", None),
    ],
)  # fmt: skip
def test_a_time_of_day_has_the_zone_of_the_person(text: str, told: str | None) -> None:
    expected = Refused("reply.not_a_time") if told is None else Value(f"{told}:00.000+07:00")
    assert reply(Kind.TIME, text, now=NOW) == expected


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("hôm qua lúc 3 giờ chiều", "2026-11-19T15:00"), ("5/3/2026 14:30", "2026-03-05T14:30"),
        ("14h30 ngày 5/3/2026", "2026-03-05T14:30"), ("tối qua 8 giờ", "2026-11-19T20:00"),
        ("2026-03-05T14:30:00", "2026-03-05T14:30"), ("bây giờ", "2026-11-20T09:30"),
    ],
)  # fmt: skip
def test_a_day_and_a_time_in_either_order(text: str, told: str) -> None:
    assert reply(Kind.DATETIME, text, now=NOW) == Value(f"{told}:00.000+07:00")


def test_a_day_without_a_time_or_in_the_lunar_calendar_is_asked_again() -> None:
    assert reply(Kind.DATETIME, "5/3/2026", now=NOW) == Refused("reply.not_a_datetime")
    assert reply(Kind.DATETIME, "mùng 5 tháng 3 âm lịch lúc 7h", now=NOW) == Refused("reply.lunar")
    assert reply(Kind.DATE, "mùng 5 tháng 3 âm lịch") == Refused("reply.lunar")
    assert reply(Kind.DATE, "thứ hai tuần trước") == Value("2026-11-09")
    assert reply(Kind.DATE, "3 ngày trước") == Value("2026-11-17")


@pytest.mark.parametrize(
    "text",
    [
        "10.77, 106.7", "10,77; 106,7", "10.77 106.7", "vĩ độ 10.77, kinh độ 106.7",
        "kinh độ 106.7 vĩ độ 10.77",
        "106.7, 10.77", "10°46'12\"N 106°42'E", "geo:10.77,106.7", "https://maps.google.com/?q=10.77,106.70",
        "https://www.google.com/maps/place/X/@10.1,106.1,17z/data=!3d10.77!4d106.7",
    ],
)  # fmt: skip
def test_a_place_by_coordinates_or_a_link_of_a_map(text: str) -> None:
    assert reply(Kind.GEOPOINT, text) == Value("10.77 106.7 0 0")


@pytest.mark.parametrize(
    "text", ["quận 1", "10, 106", "91.5, 200.1", "10°77'N 106°E", "https://maps.app.goo.gl/x"]
)
def test_what_is_no_place_on_earth_is_refused(text: str) -> None:
    assert reply(Kind.GEOPOINT, text) == Refused("reply.not_a_location")


@given(st.decimals(-90, 90, places=6), st.decimals(-180, 180, places=6))
def test_every_place_is_read_back_from_its_coordinates(latitude: Decimal, longitude: Decimal) -> None:
    reading = reply(Kind.GEOPOINT, f"{latitude}, {longitude}")
    assert isinstance(reading, Value)
    assert [Decimal(part) for part in reading.value.split()] == [latitude, longitude, 0, 0]


def test_what_was_shown_is_acknowledged_by_a_yes() -> None:
    for text in ("ok", "đã rõ", "dạ vâng ạ", "hiểu rồi", "tiếp tục"):
        assert reply(Kind.ACKNOWLEDGE, text) == Value("OK"), text
    assert reply(Kind.ACKNOWLEDGE, "không") == Refused("reply.confirm_expected")
    assert reply(Kind.ACKNOWLEDGE, "quay lại") == Command("back")


@pytest.mark.parametrize("kind", sorted(UPLOADS))
def test_a_file_is_asked_for_where_somebody_types(kind: Kind) -> None:
    assert reply(kind, "đây ạ") == Refused(f"reply.{kind.value}_expected")
    assert reply(kind, "bỏ qua") == Command("skip")


@pytest.mark.parametrize(
    ("text", "more", "yes"),
    [
        ("có", True, True), ("thêm 1 người nữa", True, None), ("còn người nữa", True, None),
        ("không", False, False), ("hết rồi", False, None), ("ko còn ai", False, None),
        ("thôi ạ", False, None),
        ("có lẽ", None, None), ("quay lại", None, None), ("ừ xóa đi", True, True), ("Lan", None, None),
    ],
)  # fmt: skip
def test_whether_there_is_another_and_whether_to_go_on(
    text: str, more: bool | None, yes: bool | None
) -> None:
    assert read_more(text, "vi") is more
    assert read_yes_no(text, "vi") is yes


@pytest.mark.parametrize(
    ("text", "command"),
    [
        ("danh sách", Command("roster")), ("thêm người", Command("add")), ("hết rồi", Command("no_more")),
        ("bỏ người 3", Command("remove", "3")), ("xóa người thứ hai", Command("remove", "2")),
        ("xoá Lan đi", Command("remove", "Lan")), ("tìm Bến Thành", Command("find", "Bến Thành")),
        ("trang sau", Command("next_page")), ("trang trước", Command("previous_page")),
        ("xóa dữ liệu của tôi", Command("privacy")), ("bỏ học", None), ("bỏ Lan", None),
    ],
)  # fmt: skip
def test_members_and_pages_have_commands_of_their_own(text: str, command: Command | None) -> None:
    assert read_command(text) == command


def test_more_of_a_list_is_shown_only_where_it_has_pages() -> None:
    assert read_command("tiếp") == Command("keep")
    assert read_command("tiếp", paged=True) == Command("next_page")
    assert reply(Kind.SELECT_ONE, "tiếp", WORK, paged=True) == Command("next_page")


def test_words_of_an_answer_are_no_command_about_members() -> None:
    for text in ("xóa đói giảm nghèo", "thêm cây xanh", "tìm việc", "bỏ học", "hết rồi"):
        assert reply(Kind.TEXT, text) == Value(text)
    assert isinstance(reply(Kind.INTEGER, "hết rồi"), Refused)


def test_a_name_that_looks_like_stopping_is_a_name_where_one_is_asked() -> None:
    assert reply(Kind.TEXT, "Huy", question="Tên của người này?") == Value("Huy")
    assert reply(Kind.TEXT, "Huy", question="Nghề nghiệp?") == Refused("reply.stop_or_answer")
    assert reply(Kind.TEXT, "huy", question="Tên của người này?") == Refused("reply.stop_or_answer")


# ── not an answer ─────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "kind", [Kind.SELECT_ONE, Kind.SELECT_MULTIPLE, Kind.INTEGER, Kind.DECIMAL, Kind.DATE]
)
def test_dont_know_and_prefer_not_count_only_where_offered(kind: Kind) -> None:
    choices = SEX if kind in (Kind.SELECT_ONE, Kind.SELECT_MULTIPLE) else ()
    assert reply(kind, "tôi ko biết ạ", choices) == DontKnow()
    assert reply(kind, "không muốn trả lời", choices) == PreferNot()
    assert reply(kind, "không biết", choices, offers=Offers()) == Refused("reply.not_offered")
    assert reply(kind, "bí mật", choices, offers=Offers()) == Refused("reply.not_offered")


def test_a_choice_that_says_dont_know_is_a_choice() -> None:
    choices = (*YES_NO, Option("9", ("Không biết",)))
    assert reply(Kind.SELECT_ONE, "ko rõ", choices) == Value("9")
    literate = (Option("1", ("Biết",)), Option("2", ("Không biết",)))
    assert reply(Kind.SELECT_ONE, "không biết", literate) == Value("2")
    assert reply(Kind.SELECT_ONE, "có", literate) == Value("1")


@pytest.mark.parametrize(
    ("text", "command"),
    [
        ("/start AB2CD3", Command("start", "AB2CD3")),
        ("/thongke AB2CD3 theo xã", Command("counts", "AB2CD3 theo xã")),
        ("/trogiup", Command("help")),
        ("/ngonngu en", Command("language", "en")),
        ("/dừng", Command("stop")),
        ("/gì đó", Command("unknown", "gì")),
        ("DỪNG", Command("stop")),
        ("huy", Command("stop")),
        ("huỷ", Command("stop")),
        ("quay lai", Command("back")),
        ("sửa câu 3", Command("change", "3")),
        ("English", Command("language", "en")),
        ("tieng viet", Command("language", "vi")),
        ("rieng tu", Command("privacy")),
    ],
)
def test_commands_after_a_slash_and_as_whole_messages(text: str, command: Command) -> None:
    assert read_command(text) == command


@pytest.mark.parametrize(
    "text",
    [
        "đúng",
        "dùng",
        "Dũng",
        "quay lại trường",
        "tôi không muốn gửi",
        "không dừng",
        "dừng xe",
        "đôi mươi",
        "xin chào",
    ],
)
def test_a_message_that_only_holds_or_resembles_a_command_is_none(text: str) -> None:
    assert read_command(text) is None


def test_dung_without_marks_stops_only_where_it_can_mean_nothing_else() -> None:
    right = (Option("1", ("Đúng",)), Option("2", ("Không",)))
    assert reply(Kind.INTEGER, "dung") == Command("stop")
    assert reply(Kind.SELECT_ONE, "dung", right) == Refused("reply.stop_or_yes")
    assert reply(Kind.SELECT_ONE, "dung roi", right) == Value("1")
    assert reply(Kind.SELECT_ONE, "dừng", right) == Command("stop")
    assert reply(Kind.TEXT, "Dung") == Refused("reply.stop_or_answer")
    assert reply(Kind.TEXT, "Dũng") == Value("Dũng")


def test_a_label_that_reads_like_a_command_is_a_choice() -> None:
    tongues = (Option("vi", ("Tiếng Việt",)), Option("en", ("English",)))
    assert reply(Kind.SELECT_ONE, "english", tongues) == Value("en")


def test_a_command_nobody_is_told_of_is_an_answer_where_a_choice_has_its_words() -> None:
    kin = (Option("1", ("Con",)), Option("2", ("Người giúp việc",)))
    assert reply(Kind.SELECT_ONE, "giúp việc", kin) == Value("2")
    assert reply(Kind.SELECT_ONE, "giúp", kin) == Ambiguous(("2",))
    assert reply(Kind.SELECT_ONE, "trợ giúp", kin) == Command("help")
    assert reply(Kind.SELECT_ONE, "giúp", SEX) == Command("help")
    assert reply(Kind.TEXT, "hướng dẫn") == Value("hướng dẫn")


def test_in_the_review_a_number_means_that_answer() -> None:
    assert reply(Kind.SELECT_ONE, "3", ()) == Command("change", "3")
    assert reply(Kind.SELECT_ONE, "gửi", ()) == Command("submit")
    assert isinstance(reply(Kind.SELECT_ONE, "ok", ()), Refused)


def test_a_free_text_is_kept_as_written_unless_it_is_a_command() -> None:
    assert reply(Kind.TEXT, "  Đường   hay ngập \u202e\u200b") == Value("Đường hay ngập")
    assert reply(Kind.TEXT, "không") == Value("không")
    assert reply(Kind.TEXT, "Tiếng Việt") == Value("Tiếng Việt")
    assert reply(Kind.TEXT, "tôi muốn quay lại trường") == Value("tôi muốn quay lại trường")
    assert reply(Kind.TEXT, "quay lại") == Command("back")
    assert reply(Kind.TEXT, "du72ng") == Command("stop")
    assert reply(Kind.TEXT, "không biết", offers=Offers()) == Value("không biết")
    assert reply(Kind.TEXT, " \u200b ") == Refused("reply.blank")
    assert reply(Kind.TEXT, "😀😀") == Refused("reply.no_words")
    assert reply(Kind.TEXT, "a" * 4_001) == Refused("reply.too_long", {"limit": 4_000})


# ── numbers, dates, times ─────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("21 tuổi", "21"), ("hai mươi mốt", "21"), ("hai mốt", "21"), ("hăm mốt", "21"),
        ("hai muwoi moots", "21"), ("1.000", "1000"), ("1,000", "1000"), ("5 000 000", "5000000"),
        ("một nghìn", "1000"), ("500k", "500000"), ("1 triệu rưỡi", "1500000"), ("2tr5", "2500000"),
        ("hai nghìn không trăm linh năm", "2005"), ("-5", "-5"), ("nhà tôi có 5 người", "5"),
        ("năm người", "5"), ("２１", "21"), ("twenty-one", "21"),
    ],
)  # fmt: skip
def test_whole_numbers_in_digits_and_words(text: str, value: str) -> None:
    assert reply(Kind.INTEGER, text) == Value(value)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("2,5", "reply.not_an_integer"), ("20-25", "reply.one_number"), ("hơn 20", "reply.one_number"),
        ("20 hoặc 21", "reply.one_number"), ("khoảng 20", "reply.one_number"),
        ("hai ba", "reply.not_an_integer"),
        ("hai mươi năm", "reply.not_an_integer"), ("không có", "reply.zero"),
        ("5²", "reply.not_an_integer"), ("1e2", "reply.one_number"), ("12345678901", "reply.too_large"),
        ("18 tháng", "reply.not_an_integer"),
    ],
)  # fmt: skip
def test_what_is_not_surely_one_whole_number_is_asked_again(text: str, reason: str) -> None:
    assert reply(Kind.INTEGER, text) == Refused(reason)


def test_a_unit_of_time_or_a_scale_is_understood_from_the_question() -> None:
    assert reply(Kind.INTEGER, "3 tiếng", question="Mỗi ngày mấy giờ?") == Value("3")
    assert isinstance(reply(Kind.INTEGER, "30 phút", question="Mỗi ngày mấy giờ?"), Refused)
    assert reply(Kind.INTEGER, "2 triệu", question="Bao nhiêu triệu đồng?") == Value("2")
    assert isinstance(reply(Kind.INTEGER, "500 nghìn", question="Bao nhiêu triệu đồng?"), Refused)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("2,5", "2.5"), ("2.5", "2.5"), ("hai phẩy năm", "2.5"), ("2 rưỡi", "2.5"), ("1.000,5", "1000.5"),
        ("1.000", "1000"), ("2,50 ha", "2.5"),
    ],
)  # fmt: skip
def test_decimal_numbers(text: str, value: str) -> None:
    assert reply(Kind.DECIMAL, text) == Value(value)


@pytest.mark.parametrize("text", ["1,500", "3.125", "2,5,1", "2½", "1/2", "NaN", "inf", "2..5"])
def test_a_separator_that_can_be_two_things_is_asked_again(text: str) -> None:
    assert isinstance(reply(Kind.DECIMAL, text), Refused)


@pytest.mark.parametrize(
    "text",
    [
        "5/3/1985", "05.03.85", "ngày 5-3-1985", "ngày 5 tháng 3 năm 1985", "1985-03-05", "5 March 1985",
        "March 5, 1985", "ngay nam thang ba nam mot chin tam lam", "nga2y 5 tha1ng 3 na8m 1985",
        "thứ ba 5/3/1985", "05031985",
    ],
)  # fmt: skip
def test_dates_day_before_month(text: str) -> None:
    assert reply(Kind.DATE, text) == Value("1985-03-05")


def test_a_date_needs_all_its_parts_and_must_exist() -> None:
    assert reply(Kind.DATE, "hôm nay") == Value("2026-11-20")
    assert reply(Kind.DATE, "3/1985") == Refused("reply.not_a_date")
    assert reply(Kind.DATE, "30/2/1985") == Refused("reply.no_such_date")
    assert reply(Kind.DATE, "3/25/1985") == Refused("reply.not_a_date")
    assert reply(Kind.DATE, "thứ hai 5/3/1985") == Refused("reply.not_a_date")
    assert reply(Kind.DATE, "5/3/1985 âm lịch") == Refused("reply.lunar")
    assert reply(Kind.DATE, "3/1985", appearance="month-year") == Value("1985-03-01")
    assert reply(Kind.DATE, "1985", appearance="year") == Value("1985-01-01")


def test_a_year_of_two_digits_is_past_and_open_for_ten_years_to_come() -> None:
    assert reply(Kind.DATE, "5/3/26") == Value("2026-03-05")
    assert reply(Kind.DATE, "5/3/27") == Refused("reply.year_in_full")
    assert reply(Kind.DATE, "5/3/36") == Refused("reply.year_in_full")
    assert reply(Kind.DATE, "5/3/37") == Value("1937-03-05")


def test_month_and_year_of_a_text_question() -> None:
    for text in (
        "3/85",
        "03-1985",
        "tháng 3 năm 1985",
        "t3/1985",
        "tháng ba năm tám lăm",
        "5/3/1985",
        "March 1985",
    ):
        assert reply(Kind.TEXT, text, appearance="month-year") == Value("03/1985"), text
        assert read_month_year(text) == "03/1985", text
    assert reply(Kind.TEXT, "năm 1985", appearance="month-year") == Value("1985")
    assert reply(Kind.TEXT, "3/1985", appearance="year") == Value("1985")
    assert reply(Kind.TEXT, "85", appearance="month-year") == Refused("reply.year_in_full")
    assert reply(Kind.TEXT, "không nhớ", appearance="month-year") == DontKnow()
    for text in ("13/1985", "3", "tháng chạp năm 85", "tuổi Sửu", "3-4/1985", "", "x" * 100_000):
        assert read_month_year(text) is None, text


def test_times_and_telephone_numbers_of_a_text_question() -> None:
    assert reply(Kind.TEXT, "7 giờ rưỡi tối", appearance="time") == Value("19:30")
    assert reply(Kind.TEXT, "7", appearance="time") == Refused("reply.not_a_time")
    assert reply(Kind.TEXT, "+84 912.345.678", appearance="phone") == Value("0912345678")
    assert reply(Kind.TEXT, "091234567", appearance="phone") == Refused("reply.not_a_phone")


@given(st.integers(0, 999))
def test_every_number_below_a_thousand_is_read_back_from_its_words(number: int) -> None:
    assert reply(Kind.INTEGER, spelled(number)) == (
        Refused("reply.zero") if number == 0 else Value(str(number))
    )


@given(st.integers(1, 999), st.integers(0, 999))
def test_thousands_and_what_follows_them_are_read_back_from_their_words(thousands: int, rest: int) -> None:
    assume(rest == 0 or rest >= 100)
    text = spelled(thousands) + " nghìn" + (f" {spelled(rest)}" if rest else "")
    assert reply(Kind.INTEGER, text) == Value(str(thousands * 1000 + rest))


def spelled(number: int) -> str:
    """A number from 0 to 999 in Vietnamese words."""
    digits = "không một hai ba bốn năm sáu bảy tám chín".split()
    hundreds, tens, units = number // 100, number // 10 % 10, number % 10
    parts = [f"{digits[hundreds]} trăm"] if hundreds else []
    if tens == 1:
        parts.append("mười")
    elif tens:
        parts.append(f"{digits[tens]} mươi")
    elif hundreds and units:
        parts.append("linh")
    if units == 5 and tens:
        parts.append("lăm")
    elif units == 1 and tens > 1:
        parts.append("mốt")
    elif units or not parts:
        parts.append(digits[units])
    return " ".join(parts)


@given(st.dates(date(1900, 1, 1), date(2100, 12, 31)), st.sampled_from("/.- "), st.booleans())
def test_every_date_is_read_back_from_how_it_is_written(day: date, sign: str, padded: bool) -> None:
    width = "02" if padded else ""
    text = f"{day.day:{width}}{sign}{day.month:{width}}{sign}{day.year}"
    assert reply(Kind.DATE, text) == Value(day.isoformat())
    assert reply(Kind.DATE, f"ngày {day.day} tháng {day.month} năm {day.year}") == Value(day.isoformat())
    assert reply(Kind.DATE, day.isoformat()) == Value(day.isoformat())
    assert read_month_year(text) == f"{day.month:02}/{day.year}"


# ── any text at all ───────────────────────────────────────────────────────────────────────────────────


LISTS = (
    SEX,
    YES_NO,
    WORK,
    (*YES_NO, Option("9", ("Không biết",))),
    (
        Option("a", ("Không có con",)),
        Option("b", ("1 con",)),
        Option("c", ("2 con",)),
        Option("d", ("Từ 3 con trở lên",)),
    ),
    tuple(Option(name, (f"Phường {name}",)) for name in ("Bến Nghé", "Bến Thành", "Tân Định", "Sài Gòn")),
    (Option("1", ("Rất hài lòng",)), Option("2", ("Hài lòng",)), Option("3", ("Không hài lòng",))),
    (Option("m", ("Male", "Nam")), Option("f", ("Female", "Nữ"))),
    (Option("x", ("",)), Option("y", ("...",)), Option("z", ("a) Rất cần (ghi rõ)",))),
)
WORDS = st.sampled_from(
    "có không ko chưa dạ ạ nam nữ nu một hai ba năm mươi mười mốt trăm nghìn triệu rưỡi tháng ngày phường "
    "bến nghé và hoặc tất cả số câu 1 2 3 10 1985 5/3 2,5 dừng dung sửa quay lại gửi làm nông trợ học khác "
    "con hài lòng rất biết cấp 3 tr k kho6ng khoong , . ? - / ( 😀 \u0301 \u202e x p c1 t3 all none or and "
    "not yes no".split()
)
TEXTS = st.one_of(
    st.text(max_size=200), st.lists(WORDS, max_size=9).map(" ".join), st.lists(WORDS, max_size=9).map("".join)
)
KINDS = st.sampled_from(list(Kind))


@given(
    KINDS,
    TEXTS,
    st.sampled_from(LISTS),
    st.sampled_from(["", "month-year", "year", "time", "phone", "w1"]),
    st.booleans(),
)
@example(Kind.TEXT, "\ud800", SEX, "", True)
@example(Kind.INTEGER, "- -", SEX, "", True)
@example(Kind.SELECT_MULTIPLE, ", , ,", SEX, "", True)
@example(Kind.DATE, "00/00/0000", SEX, "", True)
def test_no_text_raises_and_only_what_was_offered_comes_back(
    kind: Kind, text: str, choices: tuple[Option, ...], appearance: str, offered: bool
) -> None:
    offers = ALL if offered else Offers()
    names = [option.name for option in choices]
    for language in ("vi", "en"):
        reading = reply(
            kind,
            text,
            choices,
            language=language,
            appearance=appearance,
            offers=offers,
            now=NOW,
            within=TENTHS,
        )
        match reading:
            case Value(value) if kind is Kind.SELECT_ONE:
                assert value in names
            case Values(values):
                assert kind in (Kind.SELECT_MULTIPLE, Kind.RANK)
                assert values
                if kind is Kind.RANK:
                    assert sorted(values) == sorted(names)
                else:
                    assert list(values) == [name for name in names if name in values]
            case Ambiguous(between):
                assert between
                assert set(between) <= set(names)
            case Value(value) if kind is Kind.INTEGER:
                assert re.fullmatch(r"-?[0-9]{1,9}", value)
            case Value(value) if kind is Kind.DECIMAL:
                assert re.fullmatch(r"-?[0-9]{1,15}(\.[0-9]{1,15})?", value)
            case Value(value) if kind is Kind.DATE:
                assert date.fromisoformat(value).isoformat() == value
            case Value(value) if kind is Kind.RANGE:
                assert Decimal(value) in range(11)
            case Value(value) if kind is Kind.TIME:
                assert re.fullmatch(r"([01][0-9]|2[0-3]):[0-5][0-9]:00\.000\+07:00", value)
            case Value(value) if kind is Kind.DATETIME:
                assert datetime.fromisoformat(value).utcoffset() == timedelta(hours=7)
            case Value(value) if kind is Kind.GEOPOINT:
                latitude, longitude, *rest = value.split()
                assert (abs(float(latitude)) <= 90, abs(float(longitude)) <= 180, rest) == (
                    True,
                    True,
                    ["0", "0"],
                )
            case Value(value) if kind is Kind.ACKNOWLEDGE:
                assert value == "OK"
            case Value(value):
                assert kind in (Kind.TEXT, Kind.BARCODE)
                assert value
                assert value == clean(value)
            case DontKnow() | PreferNot():
                assert offered
            case Refused(reason):
                assert reason.startswith("reply.")
            case Command(name):
                assert name


@given(st.text())
def test_no_text_raises_outside_a_question(text: str) -> None:
    read_command(text)
    read_month_year(text)
    code = find_code(text)
    assert code is None or codes.find_code(code) == code


@pytest.mark.parametrize(
    "kind", [Kind.SELECT_ONE, Kind.SELECT_MULTIPLE, Kind.INTEGER, Kind.DECIMAL, Kind.DATE, Kind.TEXT]
)
@pytest.mark.parametrize(
    "piece",
    [
        "a",
        "1",
        "1 ",
        "1,",
        "\u0301",
        "e\u0323\u0301",
        "😀",
        "/",
        "-",
        "không ",
        "tháng ",
        "hai ",
        "\u202e",
        " ",
        "số ",
        "x-",
    ],
)
def test_a_hundred_thousand_characters_are_refused_not_read(kind: Kind, piece: str) -> None:
    choices = WORK if kind in (Kind.SELECT_ONE, Kind.SELECT_MULTIPLE) else ()
    assert isinstance(reply(kind, piece * 100_000, choices), Refused | Command)


@given(st.sampled_from([option for choices in LISTS for option in choices[:8]]), st.data())
def test_a_label_reads_the_same_however_it_is_encoded_spaced_or_capitalised(
    option: Option, data: st.DataObject
) -> None:
    choices = next(choices for choices in LISTS if option in choices)
    label = data.draw(st.sampled_from(option.labels))
    forms: list[Literal["NFC", "NFD", "NFKC", "NFKD"]] = ["NFC", "NFD", "NFKC", "NFKD"]
    form = data.draw(st.sampled_from(forms))
    changes: list[Callable[[str], str]] = [str.upper, str.lower, str.title, str.swapcase, str.strip]
    change = data.draw(st.sampled_from(changes))
    space = data.draw(st.sampled_from([" ", "  ", "\t", "\u00a0", "\n"]))
    text = space + unicodedata.normalize(form, change(label)).replace(" ", space) + space
    for kind in (Kind.SELECT_ONE, Kind.SELECT_MULTIPLE):
        assert reply(kind, text, choices) == reply(kind, label, choices)
        if any(character.isalpha() for character in label):
            assert reply(kind, text, choices) == (
                Value(option.name) if kind is Kind.SELECT_ONE else Values((option.name,))
            )


@given(st.sampled_from([option for choices in LISTS[:7] for option in choices]))
def test_a_label_without_its_marks_is_never_read_as_another(option: Option) -> None:
    choices = next(choices for choices in LISTS if option in choices)
    bare = unicodedata.normalize("NFD", option.labels[0].replace("đ", "d").replace("Đ", "D"))
    bare = "".join(letter for letter in bare if not unicodedata.combining(letter))
    reading = reply(Kind.SELECT_ONE, bare, choices)
    assert reading == Value(option.name) or (
        isinstance(reading, Ambiguous) and option.name in reading.between
    )


@given(TEXTS)
def test_cleaned_text_is_normal_bounded_and_free_of_control_characters(text: str) -> None:
    cleaned = clean(text, 50)
    assert clean(cleaned, 50) == cleaned
    assert len(cleaned) <= 50
    assert cleaned == cleaned.strip()
    assert unicodedata.is_normalized("NFC", cleaned)
    assert not any(unicodedata.category(character) in ("Cc", "Cs") for character in cleaned)
    assert not re.search("[\u200b-\u200f\u202a-\u202e\u2066-\u2069\ufeff]", cleaned)


# ── codes ─────────────────────────────────────────────────────────────────────────────────────────────


LENGTHS = st.sampled_from([5, 6])
NUMBERS = st.integers(0, 262_143)


@given(NUMBERS, LENGTHS)
def test_a_code_has_a_digit_no_lookalikes_and_is_found_in_a_message(number: int, length: int) -> None:
    code = make_code(number, length)
    assert len(code) == length
    assert any(character.isdecimal() for character in code)
    assert not set(code) & set("0O1I")
    assert make_code(number, length) == code
    for text in (
        code,
        code.lower(),
        f"mã {code} ạ",
        f"{code[:3]} {code[3:]}",
        f"{code[:3]}-{code[3:]}",
        f"https://x.vn/chat/{code}",
    ):
        assert find_code(text) == code


@given(NUMBERS, LENGTHS, st.data())
def test_a_code_with_one_character_changed_is_none(number: int, length: int, data: st.DataObject) -> None:
    code = make_code(number, length)
    at = data.draw(st.integers(0, length - 1))
    for other in codes.ALPHABET:
        if other != code[at]:
            assert find_code(code[:at] + other + code[at + 1 :]) is None


@given(NUMBERS, LENGTHS)
def test_a_code_with_two_neighbours_exchanged_is_none(number: int, length: int) -> None:
    code = make_code(number, length)
    for at, (one, other) in enumerate(pairwise(code)):
        if one != other:
            assert find_code(code[:at] + other + one + code[at + 2 :]) is None


def test_different_numbers_have_different_codes_up_to_a_limit() -> None:
    assert len({make_code(number, 5) for number in range(20_000)}) == 20_000
    for number, length in ((-1, 6), (262_144, 5), (8_388_608, 6), (1, 4)):
        with pytest.raises(ValueError, match="no code"):
            make_code(number, length)


# ── what the person is told ───────────────────────────────────────────────────────────────────────────


def test_every_refusal_has_a_sentence_in_both_languages_with_the_same_placeholders() -> None:
    sources = [
        Path(numerals.__file__).with_name(name) for name in ("replies.py", "numerals.py", "interview.py")
    ]
    reasons = {
        key for source in sources for key in re.findall(r'"(reply\.[a-z_]+)"', source.read_text("utf-8"))
    }
    assert len(reasons) > 20
    for reason in sorted(reasons):
        sentences = [catalogue(language).get(reason) for language in LANGUAGES]
        assert all(sentences), reason
        fields = [set(re.findall(r"\{(\w+)\}", sentence or "")) for sentence in sentences]
        assert fields[0] == fields[1], reason


@pytest.mark.parametrize(
    ("text", "kind"), [("9", Kind.SELECT_ONE), ("a" * 5_000, Kind.TEXT), ("?", Kind.INTEGER), ("", Kind.DATE)]
)
def test_a_refusal_fills_its_sentence(text: str, kind: Kind) -> None:
    reading = reply(kind, text, SEX if kind is Kind.SELECT_ONE else ())
    assert isinstance(reading, Refused)
    for language in LANGUAGES:
        assert "{" not in catalogue(language)[reading.reason].format_map(dict(reading.params))


@pytest.mark.parametrize("text", ["thôi", "Thôi.", "THOI", "dạ thôi ạ", "thôi khỏi"])
def test_enough_is_no_answer_and_stops_nothing_by_itself(text: str) -> None:
    assert read_enough(text) and read_command(text) is None
    for kind in (Kind.INTEGER, Kind.TEXT, Kind.DATE, Kind.ACKNOWLEDGE):
        assert reply(kind, text) == Refused("reply.stop_or_go_on")
    for kind in (Kind.SELECT_ONE, Kind.SELECT_MULTIPLE):
        assert reply(kind, text, YES_NO) == Refused("reply.stop_or_go_on")
    assert reply(Kind.SELECT_ONE, "thôi", (Option("1", ("Học tiếp",)), Option("2", ("Thôi",)))) == Value("2")


@pytest.mark.parametrize("text", ["thôi không học nữa", "chỉ vậy thôi", "không", "Thôi Văn Hải", "thổi kèn"])
def test_what_says_more_than_enough_is_not_enough(text: str) -> None:
    assert not read_enough(text)
