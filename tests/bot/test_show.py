"""What an author is shown of a form: its outline, the picture of its flow, how two versions differ."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.authoring.diff import lines, to_json
from bot.authoring.picture import LABEL, broad, flow, wrap
from bot.authoring.show import outline, values_in
from bot.cli import main
from surveys.forms import Form
from surveys.xform import read_form
from tests.forms.build import Rows, choices, converted, row, xlsx

SVG = "{http://www.w3.org/2000/svg}"
VI = "Tiếng Việt (vi)"
YES_NO = [*choices("yn", "1", "0")]
ROSTER = [
    row("hidden", "ten_xa"),
    row("note", "chao", "Chào ${ten_xa}"),
    row("integer", "so", "Nhà có mấy người?", required="yes", constraint=". < 30"),
    row("begin_repeat", "nguoi", "Người trong nhà", repeat_count="${so}"),
    row("text", "ten", "Tên?"),
    row("integer", "tuoi", "${ten} bao nhiêu tuổi?"),
    row("select_one yn", "di_lam", "${ten} có đi làm không?", relevant="${tuoi} > 14"),
    row("end_repeat"),
    row("begin_repeat", "xe", "Xe"),
    row("select_one yn", "moi", "Xe mới?", relevant="${so} > 0", appearance="minimal"),
    row("end_repeat"),
    row("calculate", "tong", calculation="count(${nguoi})"),
    row("range", "hai_long", "Hài lòng?", parameters="start=1 end=5 step=1"),
    row("text", "vi_sao", "Vì sao?", relevant="${moi} = '0' or selected(${moi}, '1')"),
]


def form(survey: Rows, listed: Rows = (), **settings: str) -> Form:
    made = converted(survey, listed, [{"form_id": "f", "version": "1", "default_language": VI, **settings}])
    loaded = read_form(made.xform, made.rows)
    assert loaded.form is not None, (made.errors, loaded.errors)
    return loaded.form


@pytest.fixture(scope="module")
def roster() -> Form:
    return form(ROSTER, YES_NO, form_title="Hộ & người <thử>")


# ── the outline ─────────────────────────────────────────────────────────────────────────────────────────────


def test_repeats_are_shown_with_how_often_they_are_asked(roster: Form) -> None:
    shown = outline(roster, "vi").splitlines()
    at = shown.index("↻ Người trong nhà  (nguoi)")
    assert shown[at + 1] == "   số lần hỏi: ${so}"
    assert shown[at + 2].startswith("   2. Tên?")
    at = shown.index("↻ Xe  (xe)")
    assert shown[at + 1] == "   hỏi từng mục, đến khi không còn mục nào nữa"


def test_the_values_a_condition_compares_with_are_told_by_their_labels() -> None:
    listed = [
        {"list_name": "v", "name": name, "label": label}
        for name, label in (("1", "Đi làm"), ("2", "Đi học"), ("3", "Ở nhà"))
    ]
    some = form([row("select_one v", "viec", "Việc?"), row("integer", "so", "Số?")], listed)
    for rule, told in (
        ("${viec} = '1'", ["1: Đi làm"]),
        ("${viec}!='2' and ${viec} > 1", ["2: Đi học", "1: Đi làm"]),
        ("selected(${viec}, '3')", ["3: Ở nhà"]),
        ("selected('1 2', ${viec})", ["1: Đi làm", "2: Đi học"]),
        ("${so} = '1' or ${nothing} = '1'", []),
    ):
        assert values_in(some, rule, "vi") == told


def test_bounds_order_and_what_can_only_be_read_are_told() -> None:
    shown = outline(
        form(
            [
                row("range", "r", "Mấy?", parameters="start=1 end=5 step=2"),
                row("select_one v", "s", "Gì?", parameters="randomize=true"),
                row("date", "d", "Khi nào?", appearance="month-year"),
                row("integer", "t", "Chỉ xem", read_only="yes", default="5"),
            ],
            choices("v", "a", "b"),
        ),
        "en",
    )
    for told in ("from 1 to 5 in steps of 2", "choices in random order", "month and year only", "shown only"):
        assert f"   {told}" in shown.splitlines()


def test_programs_are_shown_groups_and_repeats_too(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "ho.xlsx"
    path.write_bytes(xlsx(ROSTER, YES_NO))
    assert main(["form", "show", str(path), "--json"]) == 0
    items = {item["name"]: item for item in json.loads(capsys.readouterr().out)["items"]}
    assert (items["nguoi"]["kind"], items["nguoi"]["count"]) == ("repeat", "${so}")
    assert (items["xe"]["kind"], items["xe"]["count"]) == ("repeat", None)
    assert items["ten"]["ref"] == "/data/nguoi/ten"


# ── the picture ─────────────────────────────────────────────────────────────────────────────────────────────


def drawn(some: Form, language: str = "vi") -> ElementTree.Element:
    return ElementTree.fromstring(flow(some, language))


def words_in(picture: ElementTree.Element) -> str:
    return " ".join("".join(text.itertext()) for text in picture.iter(f"{SVG}text"))


def boxes(picture: ElementTree.Element, style: str) -> list[tuple[float, float, float, float]]:
    """*(x, y, width, height)* of boxes of one kind."""
    return [
        (float(r.get("x", 0)), float(r.get("y", 0)), float(r.get("width", 0)), float(r.get("height", 0)))
        for r in picture.iter(f"{SVG}rect")
        if r.get("class") == style
    ]


def test_the_picture_tells_its_title_and_what_it_shows_to_who_cannot_see_it(roster: Form) -> None:
    picture = drawn(roster)
    assert picture.get("role") == "img"
    named = (picture.get("aria-labelledby") or "").split()
    told = {each.get("id"): each.text for each in picture if each.get("id")}
    assert [told[name] for name in named] == [
        "Sơ đồ phiếu: Hộ & người <thử>",
        "7 câu hỏi từ trên xuống dưới; hình thoi là điều kiện, khung có mũi tên vòng là phần lặp lại. "
        "Phiên bản 1.",
    ]


def test_every_question_condition_and_repeat_is_in_the_picture(roster: Form) -> None:
    said = words_in(drawn(roster))
    for told in (
        "1. Nhà có mấy người? *",
        "2. Tên?",
        "chỉ khi ${tuoi} > 14",
        "↻ Người trong nhà",
        "số lần hỏi: ${so}",
        "tong = count(${nguoi})",
        "ẩn: ten_xa",
        "Xem lại và gửi",
    ):
        assert told in said


def test_what_belongs_together_stands_in_its_frame_and_nothing_overlaps(roster: Form) -> None:
    picture = drawn(roster)
    first, second = boxes(picture, "r")
    assert first[1] + first[3] <= second[1]
    inside = [box for box in boxes(picture, "q") if first[1] <= box[1] <= first[1] + first[3]]
    assert len(inside) == 3
    for box in inside:
        assert first[0] < box[0] and box[0] + box[2] < first[0] + first[2]
        assert box[1] + box[3] < first[1] + first[3]
    tops = sorted(boxes(picture, "q"), key=lambda box: box[1])
    for above, below in pairwise(tops):
        assert above[1] + above[3] < below[1]


def test_neighbours_with_one_condition_share_its_branch() -> None:
    survey = [row("integer", "a", "A"), *(row("text", name, name, relevant="${a} > 1") for name in "bcd")]
    told = words_in(drawn(form(survey)))
    assert told.count("chỉ khi ${a} > 1") == 1


def test_a_picture_holds_nothing_that_could_run_or_be_fetched() -> None:
    nasty = "<script>alert(1)</script> & \"'><image href='http://x'/>"
    some = form([row("text", "a", nasty), row("select_one v", "b", "B")], choices("v", "x"))
    picture = drawn(some)
    assert {element.tag.removeprefix(SVG) for element in picture.iter()} <= {
        "svg", "title", "desc", "style", "defs", "marker", "path", "rect", "g", "text",
    }  # fmt: skip
    assert not [name for element in picture.iter() for name in element.attrib if "href" in name]
    assert "<script>alert(1)</script>" in words_in(picture)


@given(st.text(max_size=200), st.integers(40, 700))
def test_lines_of_a_box_are_never_broader_than_the_box(text: str, room: int) -> None:
    lines = wrap(text, room, LABEL)
    assert len(lines) <= 5
    assert all(broad(line, LABEL) <= room or len(line) == 1 for line in lines)
    if lines and not lines[-1].endswith("…"):
        assert "".join(lines).replace(" ", "") == "".join(text.split())


def test_a_picture_is_saved_as_svg_and_as_nothing_else(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "ho.xlsx"
    path.write_bytes(xlsx(ROSTER, YES_NO))
    assert main(["form", "show", str(path), "--picture", str(tmp_path / "ho.svg")]) == 0
    assert ElementTree.parse(tmp_path / "ho.svg").getroot().tag == f"{SVG}svg"
    assert main(["form", "show", str(path), "--picture", str(tmp_path / "ho.png")]) == 1
    assert "ho.png" in capsys.readouterr().err
    assert not (tmp_path / "ho.png").exists()


# ── two versions ────────────────────────────────────────────────────────────────────────────────────────────

OLD = [
    row("text", "ten", "Họ tên"),
    row("integer", "tuoi", "Tuổi?"),
    row("select_one v", "chon", "Chọn?"),
    row("text", "cu", "Cái cũ"),
]
NEW = [
    row("begin_group", "g", "Phần 1"),
    row("text", "ten", "Họ và tên"),
    row("end_group"),
    row("integer", "tuoi", "Tuổi?", required="yes"),
    row("select_one v", "chon", "Chọn?"),
    row("text", "moi", "Cái mới"),
]


@pytest.fixture(scope="module")
def versions() -> tuple[Form, Form]:
    return form(OLD, choices("v", "a", "b"), form_title="Phiếu"), form(NEW, choices("v", "a"))


def test_a_difference_is_told_with_what_it_does_to_half_finished_interviews(
    versions: tuple[Form, Form],
) -> None:
    assert lines(*versions, "vi")[1:] == [
        "Phiếu đang trả lời dở: hỏi thêm 1 câu, hỏi lại 2 câu nếu câu trả lời không còn hợp, bỏ câu trả lời "
        "của 1 câu. Các câu khác được giữ, không ai phải làm lại từ đầu.",
        "",
        "/data/g  thêm nhóm “Phần 1”",
        "/data/g/ten  chuyển từ “đầu phiếu” sang “g”",
        "/data/g/ten  nội dung: “Họ tên” → “Họ và tên”",
        "/data/tuoi  bắt buộc khi: – → true()",
        "    → ai đã bỏ qua câu này sẽ được hỏi lại",
        "/data/chon  bỏ lựa chọn b: “B”",
        "    → ai có câu trả lời không còn hợp sẽ được hỏi lại",
        "/data/moi  thêm chữ “Cái mới”",
        "    → người đang trả lời dở cũng được hỏi",
        "/data/cu  bỏ chữ “Cái cũ”",
        "    → câu trả lời đã có sẽ bị bỏ",
    ]


def test_programs_are_told_the_same_with_names(versions: tuple[Form, Form]) -> None:
    told = to_json(*versions, "en")
    assert told["interviews"] == {
        "asked": ["moi"],
        "again": [],
        "some_again": ["tuoi", "chon"],
        "at_submission": [],
        "dropped": ["cu"],
        "depends": [],
    }
    assert told["same"] is False
    assert told["changes"][-1] == {
        "what": "removed",
        "effect": "dropped",
        "ref": "/data/cu",
        "name": "cu",
        "kind": "text",
        "detail": None,
        "before": "Cái cũ",
        "after": None,
        "message": "text “Cái cũ” is gone",
    }


def test_whoever_renames_a_question_is_told_how_to_keep_the_answers() -> None:
    old, new = form([row("text", "a", "Tên?")]), form([row("text", "b", "Tên?")])
    assert lines(old, new, "en")[3:] == [
        "/data/b  “a” renamed to “b”?",
        "    → answers given so far are dropped",
        "    To keep the answers given so far, keep the name “a”.",
    ]


def test_the_same_form_twice_differs_in_nothing(versions: tuple[Form, Form]) -> None:
    old, _ = versions
    assert lines(old, old, "vi") == ["Hai phiên bản hỏi như nhau."]
    assert to_json(old, old)["same"] is True


def test_the_command_compares_two_files_and_refuses_what_is_no_form(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def written(name: str, survey: Rows, listed: Rows = ()) -> str:
        (tmp_path / name).write_bytes(xlsx(survey, listed))
        return str(tmp_path / name)

    old = written("cu.xlsx", OLD, choices("v", "a", "b"))
    new = written("moi.xlsx", NEW, choices("v", "a"))
    wrong = written("sai.xlsx", [row("text", "a", "A", relevant="${b} = 1")])
    assert main(["form", "diff", old, new, "--json"]) == 0
    told: dict[str, Any] = json.loads(capsys.readouterr().out)
    assert [change["name"] for change in told["changes"]][:2] == ["g", "ten"]
    assert main(["form", "diff", old, wrong]) == 1
    assert "“b”" in capsys.readouterr().out
