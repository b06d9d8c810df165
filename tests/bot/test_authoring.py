"""From an author's file to a report: what is refused before a library sees it, and what an author reads."""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import struct
import subprocess
import sys
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import psutil
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.authoring import child
from bot.authoring.attached import MAX_FILE
from bot.authoring.check import Report, check, line, read_converted
from bot.authoring.convert import MEBIBYTE, Limits, convert, inspect
from bot.authoring.show import authored, outline
from bot.texts import LANGUAGES, catalogue
from surveys.problems import Problem
from surveys.xform import Finding, Row
from tests.forms.build import Rows, choices, converted, row, xlsx

OLE = bytes.fromhex("d0cf11e0a1b11ae1")
"""How an Excel 97 workbook begins, and any workbook under a password."""

GOOD = xlsx([row("text", "q", "Tên ông/bà?")], settings=[{"form_title": "Thử", "version": "1"}])
YES_NO = choices("yn", "yes", "no")


def problem(content: bytes, limits: Limits | None = None) -> str:
    with pytest.raises(Problem) as raised:
        inspect(content, limits=limits or Limits())
    return raised.value.code


def repacked(change: Mapping[str, bytes], source: bytes = GOOD) -> bytes:
    """The workbook with some parts put in place of its own, or added."""
    written = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(source)) as old,
        zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as new,
    ):
        for name in old.namelist():
            if name not in change:
                new.writestr(name, old.read(name))
        for name, content in change.items():
            new.writestr(name, content)
    return written.getvalue()


# A file that is no safe workbook ----------------------------------------------------------------------------


def test_a_workbook_passes() -> None:
    inspect(GOOD)


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "form_not_xlsx"),
        (b"type,name,label\ntext,q,Q\n", "form_not_xlsx"),
        (OLE + bytes(600) + "EncryptedPackage".encode("utf-16-le"), "form_encrypted"),
        (b"PK\x03\x04 not a zip at all", "form_corrupt"),
        (GOOD[: len(GOOD) // 2], "form_corrupt"),
    ],
)
def test_what_is_not_a_workbook_is_refused_with_a_reason(content: bytes, code: str) -> None:
    assert problem(content) == code


def test_a_damaged_part_is_refused() -> None:
    at = GOOD.index(b"xl/worksheets/sheet1.xml") + 40
    assert problem(GOOD[:at] + bytes(20) + GOOD[at + 20 :]) == "form_corrupt"


def test_another_kind_of_office_file_is_refused() -> None:
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w") as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
        archive.writestr("word/document.xml", "<document/>")
    assert problem(written.getvalue()) == "form_not_xlsx"


def test_a_file_over_the_limit_is_refused_before_it_is_opened() -> None:
    with pytest.raises(Problem) as raised:
        inspect(b"PK" + bytes(2 * MEBIBYTE), limits=Limits(file=MEBIBYTE))
    assert (raised.value.code, raised.value.status) == ("form_too_large", 413)
    assert raised.value.params == {"megabytes": 2.0, "limit": 1.0}


def test_a_file_of_200_megabytes_is_refused_without_being_read(tmp_path: Path) -> None:
    path = tmp_path / "to.xlsx"
    with path.open("wb") as file:
        file.truncate(200 * MEBIBYTE)
    report = check(path)
    assert [found.code for found in report.errors] == ["form_too_large"]
    assert "200.0 MB" in report.lines("vi")[1]


def test_a_part_that_unpacks_to_far_more_than_it_weighs_is_refused() -> None:
    bomb = repacked({"xl/worksheets/sheet9.xml": b"<a>" + b" " * (8 * MEBIBYTE) + b"</a>"})
    assert len(bomb) < 100_000
    assert problem(bomb) == "form_unsafe"


def test_a_workbook_that_unpacks_to_more_than_the_limit_is_refused() -> None:
    noise = os.urandom(3 * MEBIBYTE)
    assert problem(repacked({"xl/media/image1.png": noise}), Limits(unpacked=2 * MEBIBYTE)) == "form_unsafe"


def test_a_part_that_hides_its_size_is_refused() -> None:
    """The directory of the archive says one byte; the stream holds megabytes."""
    bomb = bytearray(repacked({"xl/media/zero.bin": bytes(4 * MEBIBYTE)}))
    at = bomb.rindex(b"PK\x01\x02", 0, bomb.rindex(b"xl/media/zero.bin"))
    bomb[at + 24 : at + 28] = struct.pack("<L", 1)
    assert problem(bytes(bomb)) in ("form_unsafe", "form_corrupt")


def test_an_archive_of_too_many_parts_is_refused() -> None:
    many = repacked({f"xl/media/{number}.txt": b"x" for number in range(50)})
    assert problem(many, Limits(entries=40)) == "form_unsafe"


def test_a_part_under_a_password_is_refused() -> None:
    locked = bytearray(GOOD)
    for signature, offset in ((b"PK\x01\x02", 8), (b"PK\x03\x04", 6)):
        locked[locked.index(signature) + offset] |= 1
    assert problem(bytes(locked)) == "form_encrypted"


@pytest.mark.parametrize("name", ["../../etc/cron.d/x", "/etc/passwd", "xl\\..\\..\\x"])
def test_a_part_that_points_outside_is_refused(name: str) -> None:
    assert problem(repacked({name: b"x"})) == "form_corrupt"


_LAUGHS = '<!DOCTYPE s [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;">]><s>&b;</s>'


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("xl/sharedStrings.xml", _LAUGHS.encode()),
        ("xl/workbook.xml", b'<!DOCTYPE x SYSTEM "http://example.org/x.dtd"><x/>'),
        ("xl/_rels/workbook.xml.rels", b'<?xml version="1.0"?>\n<!DOCTYPE r><r/>'),
        ("xl/styles.xml", _LAUGHS.encode("utf-16")),
        ("xl/odd.bin", _LAUGHS.encode()),
        ("xl/odd2.bin", b"\xef\xbb\xbf  " + _LAUGHS.encode()),
        ("xl/odd3.bin", _LAUGHS.encode("utf-16-be")),
    ],
)
def test_a_document_type_in_any_part_is_refused_however_it_is_written(name: str, content: bytes) -> None:
    assert problem(repacked({name: content})) == "form_unsafe"


def test_a_part_that_is_not_well_formed_is_refused() -> None:
    assert problem(repacked({"xl/workbook.xml": b"<a><b></a>"})) == "form_corrupt"


@given(st.binary(max_size=300), st.integers(0, len(GOOD)))
@settings(max_examples=60, deadline=None)
def test_whatever_bytes_come_the_answer_is_a_problem_or_a_pass(noise: bytes, at: int) -> None:
    for content in (noise, b"PK" + noise, GOOD[:at] + noise + GOOD[at + len(noise) :]):
        try:
            inspect(content)
        except Problem as told:
            assert told.code.startswith("form_")


@pytest.mark.parametrize(
    ("name", "content", "code"),
    [
        ("phieu.xls", OLE + bytes(600), "form_corrupt"),
        ("phieu.csv", b"type,name\n", "form_not_xlsx"),
        ("phieu.txt", b"xin chao", "form_not_xlsx"),
        ("phieu.xlsx", b"xin chao", "form_not_xlsx"),
    ],
)
def test_a_file_with_another_ending_is_refused(tmp_path: Path, name: str, content: bytes, code: str) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(Problem) as raised:
        convert(path)
    assert raised.value.code == code


def test_a_file_that_is_not_there_is_told_by_its_name(tmp_path: Path) -> None:
    for path in (tmp_path / "khong-co.xlsx", tmp_path):
        with pytest.raises(Problem) as raised:
            convert(path)
        assert raised.value.code == "form_not_found"
        assert raised.value.params == {"name": path.name}


# The child process ------------------------------------------------------------------------------------------


def test_a_workbook_becomes_an_xform_with_the_rows_of_its_questions_and_choices() -> None:
    content = xlsx(
        [
            row("text", "a", "A"),
            {},
            row("begin group", "g", "G"),
            row("select_one yn", "b", "B"),
            row("end group"),
        ],
        [*YES_NO, {}, *choices("khac", "x")],
    )
    made = convert(content)
    assert made.errors == ()
    assert made.xform.startswith("<?xml")
    assert made.rows == {
        "/data/a": Row("survey", 2),
        "/data/g": Row("survey", 4),
        "/data/g/b": Row("survey", 5),
        "yn#0": Row("choices", 2),
        "yn#1": Row("choices", 3),
        "khac#0": Row("choices", 5),
    }


def test_the_conversion_in_a_child_is_the_conversion() -> None:
    survey = [row("text", "q", "Tên ông/bà?")]
    assert convert(xlsx(survey), name="form") == converted(survey)


def test_a_form_without_an_id_is_named_after_its_file(tmp_path: Path) -> None:
    path = tmp_path / "-Phiếu hộ 2026.xlsx"
    path.write_bytes(GOOD)
    report = check(path)
    assert report.form is not None
    assert report.form.id == "Phiếu_hộ_2026"


def test_a_conversion_over_its_time_is_stopped() -> None:
    with pytest.raises(Problem) as raised:
        convert(GOOD, limits=Limits(seconds=0.01))
    assert raised.value.code == "form_too_slow"


def test_a_conversion_over_its_memory_is_stopped() -> None:
    with pytest.raises(Problem) as raised:
        convert(GOOD, limits=Limits(memory=24 * MEBIBYTE))
    assert raised.value.code in ("form_too_heavy", "form_converter_died")


def test_an_answer_over_its_size_is_cut_off() -> None:
    with pytest.raises(Problem) as raised:
        convert(GOOD, limits=Limits(output=64))
    assert raised.value.code == "form_too_heavy"


def test_a_child_that_dies_without_an_answer_is_a_problem(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dead = tmp_path / "dead.py"
    dead.write_text("import os; os.abort()")
    monkeypatch.setattr("bot.authoring.convert._CHILD", dead)
    with pytest.raises(Problem) as raised:
        convert(GOOD)
    assert raised.value.code == "form_converter_died"


def test_a_child_that_leaves_something_running_is_killed_with_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A grandchild that holds the pipe open would otherwise keep us waiting, or stay behind."""
    left = tmp_path / "left.pid"
    script = tmp_path / "forks.py"
    script.write_text(
        "import os, pathlib, time\n"
        "if os.fork() == 0:\n"
        f"    pathlib.Path({str(left)!r}).write_text(str(os.getpid()))\n"
        "    time.sleep(600)\n"
        "time.sleep(600)\n"
    )
    monkeypatch.setattr("bot.authoring.convert._CHILD", script)
    with pytest.raises(Problem) as raised:
        convert(GOOD, limits=Limits(seconds=3))
    assert raised.value.code == "form_too_slow"
    with contextlib.suppress(psutil.NoSuchProcess):
        grandchild = psutil.Process(int(left.read_text()))
        # Killed, whether or not somebody has taken its status yet.
        assert grandchild.status() == psutil.STATUS_ZOMBIE or grandchild.wait(timeout=10) is None


@pytest.mark.parametrize(
    "attempt",
    [
        "import socket; socket.socket().connect(('127.0.0.1', 9))",
        "import subprocess; subprocess.run(['true'])",
        "import os; os.system('true')",
        "import os; os.fork()",
        f"open('big', 'wb').write(bytes({2 * MEBIBYTE}))",
        f"bytearray({900 * MEBIBYTE})",
        "while True: pass",
    ],
)
def test_under_its_limits_the_child_can_reach_no_network_start_nothing_and_fill_nothing(
    tmp_path: Path, attempt: str
) -> None:
    limits = f"child._limit({512 * MEBIBYTE}, 1, {MEBIBYTE})"
    folder = str(Path(child.__file__).parent)
    program = f"import sys; sys.path[:0] = [{folder!r}]; import child; {limits}\n{attempt}"
    done = subprocess.run(
        [sys.executable, "-I", "-B", "-c", program],
        cwd=tmp_path,
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert done.returncode != 0
    assert not (tmp_path / "big").exists() or (tmp_path / "big").stat().st_size <= MEBIBYTE


def test_checking_a_form_brings_no_converter_into_this_process() -> None:
    program = (
        "import sys, bot.authoring.check as c, pathlib\n"
        "report = c.check(pathlib.Path(sys.argv[1]))\n"
        "assert report.form is not None, report\n"
        "heavy = {'pyxform', 'openpyxl', 'xlrd', 'lxml', 'defusedxml'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    path = Path(__file__).parents[1] / "forms" / "mau.xlsx"
    done = subprocess.run(
        [sys.executable, "-c", program, str(path)],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


# What the converter refuses ---------------------------------------------------------------------------------


def found(survey: Rows, lists: Rows = (), options: Rows = (), **sheets: Rows) -> tuple[Finding, ...]:
    made = converted(survey, lists, options, **sheets)
    for finding in (*made.errors, *made.warnings):
        for language in LANGUAGES:
            assert not line(finding, language).startswith(("form.", "problem.")), finding
    return made.errors + made.warnings


def places(findings: tuple[Finding, ...]) -> list[tuple[str, str, int, str]]:
    return [(finding.code, finding.sheet, finding.row, finding.column) for finding in findings]


@pytest.mark.parametrize(
    ("survey", "expected"),
    [
        ([row("txt", "b", "B")], ("unknown_type", "survey", 3, "type")),
        ([row("select_one zz", "b", "B")], ("unknown_list", "survey", 3, "type")),
        ([row("text", "b")], ("no_label", "survey", 3, "label")),
        ([row("text", "a", "B")], ("duplicate_name", "survey", 3, "name")),
        ([row("text", "a b", "B")], ("bad_name", "survey", 3, "name")),
        ([row("begin group", "meta", "B"), row("end group")], ("reserved_name", "survey", 3, "name")),
        ([row("text", None, "B")], ("no_name", "survey", 3, "name")),
        ([{"name": "b", "label": "B"}], ("no_type", "survey", 3, "type")),
        ([row("calculate", "b")], ("no_calculation", "survey", 3, "calculation")),
        ([row("text", "b", "B", relevant="${c} = 1")], ("unknown_reference", "survey", 3, "relevant")),
        ([row("text", "b", "B ${a")], ("bad_reference", "survey", 3, "label")),
        ([row("begin group", "g", "G"), row("text", "b", "B")], ("unmatched_begin", "survey", 3, "type")),
        ([row("text", "b", "B"), row("end group")], ("unmatched_end", "survey", 4, "type")),
        (
            [row("hidden", "b"), row("calculate", "c", calculation="1", trigger="${b}")],
            ("bad_trigger", "survey", 4, "trigger"),
        ),
        (
            [row("calculate", "b", calculation="1"), row("calculate", "c", calculation="2", trigger="${b}")],
            ("bad_trigger", "survey", 4, "trigger"),
        ),
        ([row("text", "b", "B", parameters="rows")], ("bad_parameters", "survey", 3, "parameters")),
        (
            [row("select_one yn or_other", "b", "B", choice_filter="name = 'yes'")],
            ("or_other_with_filter", "survey", 3, "choice_filter"),
        ),
        ([row("range", "b", "B", parameters="start=a")], ("bad_range", "survey", 3, "parameters")),
        ([row("select_one_from_file x.pdf", "b", "B")], ("bad_file_name", "survey", 3, "type")),
        (
            [row("select_one_from_file yn.csv", "b", "B"), row("select_one_from_file yn.xml", "c", "C")],
            ("same_list_name", "survey", 3, "type"),
        ),
        (
            [row("select_one yn", "b", "B"), row("select_one yn", "c", "C", appearance="search('x')")],
            ("search_shares_list", "survey", 4, "appearance"),
        ),
        ([row("select_one_external x", "b", "B")], ("unsupported_type", "", 0, "type")),
    ],
)
def test_what_the_converter_refuses_is_told_with_sheet_row_and_column(
    survey: list[dict[str, Any]], expected: tuple[str, str, int, str]
) -> None:
    told = places(found([row("text", "a", "A"), *survey], YES_NO))
    if expected[2] == 0:
        assert told[0][0] == expected[0]
    else:
        assert told == [expected]


def test_a_name_in_two_groups_can_not_be_referred_to() -> None:
    survey = [
        *(row("begin group", "g", "G"), row("text", "b", "B"), row("end group")),
        *(row("begin group", "h", "H"), row("text", "b", "B"), row("end group")),
        row("text", "c", "C", relevant="${b} = 1"),
    ]
    assert places(found(survey)) == [("ambiguous_reference", "survey", 8, "relevant")]


def test_a_question_named_as_the_form_can_not_be_referred_to_in_the_settings() -> None:
    named = [{"instance_name": "concat('Ngày ', ${data})"}]
    told = places(found([row("date", "data", "Ngày?")], options=named))
    assert told == [("ambiguous_reference", "settings", 2, "instance_name")]


@pytest.mark.parametrize(
    ("lists", "expected"),
    [
        ([*YES_NO, {"list_name": "yn", "label": "X"}], [("choice_without_name", "choices", 4, "name")]),
        (
            [*YES_NO, *YES_NO],
            [("duplicate_choice", "choices", 4, "name"), ("duplicate_choice", "choices", 5, "name")],
        ),
        ([*YES_NO, *choices("yn", "a b")], [("bad_choice_name", "choices", 4, "name")]),
        ((), [("no_choices_sheet", "survey", 2, "type")]),
    ],
)
def test_faults_in_the_choices_are_told_with_their_rows(
    lists: Rows, expected: list[tuple[str, str, int, str]]
) -> None:
    assert places(found([row("select_multiple yn", "q", "Q")], lists)) == expected


@pytest.mark.parametrize(
    ("survey", "expected"),
    [
        ([{"name": "a", "label": "A"}], ("missing_column", "survey", 1, "")),
        (
            [row("text", "a", "A", image="a.png", **{"media::image": "b.png"})],
            ("duplicate_column", "survey", 1, ""),
        ),
    ],
)
def test_faults_in_the_header_are_told_at_row_one(survey: Rows, expected: tuple[str, str, int, str]) -> None:
    assert places(found(survey)) == [expected]


def test_a_workbook_without_a_sheet_of_questions_is_told_so() -> None:
    assert places(found((), YES_NO, [{"form_title": "x"}])) == [("no_survey_sheet", "", 0, "")]


@pytest.mark.parametrize("header", ["label::vi::en", "type::vi", "default::vi", "instance"])
def test_a_header_that_makes_the_converter_crash_is_told_at_row_one(header: str) -> None:
    survey = [{"type": "text", "name": "a", "label::vi": "A", header: "x"}]
    assert places(found(survey)) == [("bad_header", "survey", 1, header)]


def test_a_column_that_would_end_the_conversion_is_left_out_with_a_warning() -> None:
    made = converted([{"type": "text", "name": "a", "label": "A", "instance::tag": "x", "instance::y": "z"}])
    assert places(made.warnings) == [("column_ignored", "survey", 1, "instance::tag")]
    assert '<a y="z"/>' in made.xform


def test_a_crash_of_the_converter_is_an_error_and_not_a_traceback() -> None:
    survey = [row("text", "a", "A", itemset="a", query="b", tags="x", actions="1")]
    told = found(survey)
    assert places(told) == [("converter_crashed", "", 0, "")]
    assert "TypeError" in line(told[0], "vi")


def test_a_refusal_we_have_no_words_for_is_told_in_the_converters() -> None:
    survey = [
        row("begin group", "g", "G", appearance="table-list"),
        row("select_one yn", "a", "A"),
        row("select_one khac", "b", "B"),
        row("end group"),
    ]
    told = found(survey, [*YES_NO, *choices("khac", "x")])
    assert places(told) == [("converter_refused", "survey", 4, "")]
    assert "table list" in line(told[0], "vi")


@pytest.mark.parametrize("type", ["begin loop over yn"])
def test_obsolete_rows_are_refused_even_where_the_converter_takes_them(type: str) -> None:
    survey = [row(type, "l", "L"), row("text", "a", "A"), row("end loop")]
    assert places(found(survey, YES_NO)) == [("unsupported_type", "survey", 2, "type")]


def test_a_formula_without_a_saved_value_is_refused_instead_of_lost() -> None:
    survey = [row("text", "a", "A"), row("text", "b", "B", relevant="=1+1")]
    assert places(found(survey)) == [("formula_without_value", "survey", 3, "relevant")]


@pytest.mark.parametrize(
    ("survey", "options", "expected"),
    [
        ([row("text", "a", "A", requird="yes")], (), ("unknown_column", "survey", 1, "requird")),
        ([row("text", "a", "A")], [{"form_titel": "x"}], ("unknown_column", "settings", 1, "form_titel")),
        ([row("text", "a", "A"), row("text", "A", "A")], (), ("similar_name", "survey", 3, "name")),
        ([row("text", "a", "A"), {"hint": "ghi chú"}], (), ("row_skipped", "survey", 3, "")),
        (
            [row("text", "a", "A", choice_filter="name = 1")],
            (),
            ("column_ignored", "survey", 2, "choice_filter"),
        ),
        ([row("text", "a", "A", disabled="no")], (), ("disabled_column", "survey", 2, "disabled")),
    ],
)
def test_slips_are_warnings_at_their_place(
    survey: Rows, options: Rows, expected: tuple[str, str, int, str]
) -> None:
    assert places(found(survey, options=options)) == [expected]


def test_a_misspelt_sheet_is_a_warning() -> None:
    told = found([row("text", "a", "A")], setings=[{"form_title": "x"}])
    assert [finding.code for finding in told] == ["sheet_misspelt"]
    assert "setings" in line(told[0], "en")


def test_columns_of_the_authors_own_are_left_alone() -> None:
    survey = [row("text", "a", "A", ghi_chu="xem lại", nguon="TCTK")]
    assert found(survey, choices("l", "x", ma_tinh="01")) == ()


# The report -------------------------------------------------------------------------------------------------


def test_a_good_form_is_reported_with_its_title_and_number_of_questions() -> None:
    report = check(GOOD)
    assert report.lines("vi") == ["Biểu mẫu “Thử” dùng được, có 1 câu hỏi."]
    assert report.lines("en") == ["The form “Thử” can be used. Questions: 1."]


def test_every_fault_is_a_line_with_sheet_row_column_and_what_to_do() -> None:
    content = xlsx(
        [row("text", "q", "Q", relevant="/data/b = 1"), row("geoshape", "t", "T", required="yes")],
        settings=[{"version": "1"}],
    )
    report = check(content)
    assert report.form is None
    assert report.lines("vi") == [
        "Có 2 lỗi phải sửa trước khi dùng:",
        "survey hàng 2, cột relevant: Không có câu hỏi nào tên “b”. Ông/bà kiểm tra chính tả ở cột name.",
        "survey hàng 3, cột type: Không hỏi được loại “geoshape” qua tin nhắn mà câu này lại bắt buộc. "
        "Ông/bà bỏ required (câu sẽ được bỏ qua), hoặc đổi loại câu.",
    ]
    assert report.lines("en")[1].startswith("survey row 2, column relevant: There is no question named “b”.")


def test_a_report_for_programs_is_plain_json() -> None:
    content = xlsx([row("integer", "q", "Q", default="x", constraint=". > 1")], settings=[{"version": "1"}])
    document = json.loads(json.dumps(check(content).to_json("en")))
    assert document["ok"] is False
    assert document["form"] is None
    assert document["errors"][0] == {
        "code": "bad_default",
        "severity": "error",
        "sheet": "survey",
        "row": 2,
        "column": "default",
        "message": "The default “x” does not fit the question (whole number). "
        "Write dates as 2025-07-01, times as 08:30.",
        "params": {"value": "x", "kind": "integer"},
    }
    assert [found["code"] for found in document["warnings"]] == ["constraint_without_message"]


def test_a_good_report_for_programs_carries_the_form() -> None:
    document = check(GOOD).to_json()
    assert document["ok"] is True
    assert document["form"]["title"] == "Thử"
    assert document["form"]["languages"] == ["default"]
    assert len(document["form"]["digest"]) == 64


def test_a_file_that_can_not_be_opened_is_a_report_too() -> None:
    report = check(b"xin chao")
    assert isinstance(report, Report)
    assert report.lines("vi")[1].startswith("Đây không phải biểu mẫu Excel.")
    assert report.to_json()["errors"][0]["sheet"] is None


def test_warnings_of_converter_and_reader_stand_side_by_side() -> None:
    content = xlsx([row("integer", "q", "Q", constraint=". > 1", requird="yes")], settings=[{"version": "1"}])
    report = check(content)
    assert report.form is not None
    assert [finding.code for finding in report.warnings] == ["unknown_column", "constraint_without_message"]


# The outline ------------------------------------------------------------------------------------------------


def test_an_outline_can_be_read_before_the_form_is_asked() -> None:
    path = Path(__file__).parents[1] / "forms" / "mau.xlsx"
    form = check(path).form
    assert form is not None
    for language in LANGUAGES:
        expected = path.with_name(f"mau.{language}.txt").read_text(encoding="utf-8")
        assert outline(form, language) == expected.rstrip("\n")


@pytest.mark.parametrize(
    ("source", "written"),
    [
        (" /data/g/tuoi  + 1", "${tuoi} + 1"),
        ("selected( /data/a , 'x') and  /data/b  > 2", "selected(${a}, 'x') and ${b} > 2"),
        (". > 3", ". > 3"),
        ("../a = 1", "${a} = 1"),
        ("instance('l')/root/item[name =  /data/a ]/x", "instance('l')/root/item[name = ${a}]/x"),
    ],
)
def test_an_expression_is_shown_as_its_author_wrote_it(source: str, written: str) -> None:
    assert authored(source) == written


# Attached files ---------------------------------------------------------------------------------------------

LISTED = xlsx(
    [row("select_one_from_file xa.csv", "q", "Q"), row("note", "n", "N", **{"media::image": "Hình.png"})],
    settings=[{"version": "1"}],
)
XA = "name,label\nx1,Xã Một\n".encode()
FILES = {"xa.csv": XA, "Hình.png": b"\x89PNG"}


def archive(files: Mapping[str, bytes]) -> bytes:
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as made:
        for name, content in files.items():
            made.writestr(name, content)
    return written.getvalue()


@pytest.mark.parametrize("folder", ["", "phieu-media"])
def test_files_are_found_beside_the_form_and_in_its_media_folder(tmp_path: Path, folder: str) -> None:
    path = tmp_path / "phieu.xlsx"
    path.write_bytes(LISTED)
    (tmp_path / folder).mkdir(exist_ok=True)
    for name, content in FILES.items():
        (tmp_path / folder / name).write_bytes(content)
    made = convert(path)
    assert {file.name: file.content for file in made.attached} == FILES
    form = read_converted(made).form
    assert form is not None
    asked = next(form.questions())
    assert [choice.name for choice in asked.choices] == ["x1"]
    assert check(path).form == form


def test_a_file_written_in_other_letters_is_found(tmp_path: Path) -> None:
    (tmp_path / "phieu.xlsx").write_bytes(LISTED)
    (tmp_path / "XA.CSV").write_bytes(XA)
    report = check(tmp_path / "phieu.xlsx")
    assert report.form is not None
    assert [found.code for found in report.warnings] == ["missing_media"]


def test_a_form_and_its_files_may_come_in_one_archive() -> None:
    inside = {"phieu/Phiếu 1.xlsx": LISTED, "phieu/media/xa.csv": XA, "__MACOSX/phieu/._xa.csv": b"?"}
    report = check(archive(inside))
    assert report.form is not None
    assert (report.form.id, [found.code for found in report.warnings]) == ("Phiếu_1", ["missing_media"])


def test_files_may_be_given_with_a_form() -> None:
    assert check(LISTED, files=FILES).form is not None
    missing = check(LISTED)
    assert places(missing.errors) == [("missing_file", "survey", 2, "type")]
    assert "xa.csv" in missing.lines("vi")[1]


@pytest.mark.parametrize(
    ("inside", "code"),
    [
        ({"a.txt": b"x"}, "form_not_xlsx"),
        ({"a.xlsx": LISTED, "b.xlsx": LISTED}, "form_not_xlsx"),
        ({"a.xlsx": LISTED, "xa.csv": bytes(10 * 2**20)}, "form_unsafe"),
        ({"a.xlsx": b"PK\x03\x04"}, "form_corrupt"),
    ],
)
def test_an_archive_without_one_form_or_with_too_much_is_refused(
    inside: Mapping[str, bytes], code: str
) -> None:
    with pytest.raises(Problem) as raised:
        convert(archive(inside))
    assert raised.value.code == code


def test_a_file_that_is_too_large_is_refused(tmp_path: Path) -> None:
    (tmp_path / "phieu.xlsx").write_bytes(LISTED)
    with (tmp_path / "Hình.png").open("wb") as file:
        file.truncate(MAX_FILE + 1)
    with pytest.raises(Problem) as raised:
        convert(tmp_path / "phieu.xlsx")
    assert raised.value.code == "form_attached_too_large"
    assert raised.value.params["name"] == "Hình.png"


def test_a_workbook_of_excel_97_is_read(tmp_path: Path) -> None:
    path = tmp_path / "phieu.xls"
    path.write_bytes((Path(__file__).parents[1] / "forms" / "phieu.xls").read_bytes())
    form = check(path).form
    assert form is not None
    assert [(asked.name, asked.row) for asked in form.questions()] == [("ten", 2), ("tuoi", 3)]


@pytest.mark.parametrize("header", ["clause", "display.text"])
def test_a_workbook_of_odk_x_is_told_to_be_another_dialect(header: str) -> None:
    survey = [{"type": "text", "name": "a", header: "x"}]
    assert places(found(survey)) == [("odkx", "survey", 1, header)]


# The catalogue ----------------------------------------------------------------------------------------------


def test_every_finding_has_a_sentence_and_every_sentence_a_finding() -> None:
    """Read from the source: a finding that no test meets must not reach an author as a bare key."""
    root = Path(__file__).parents[2]
    paths = ["surveys/attachments.py", "bot/authoring/convert.py", "bot/authoring/attached.py"]
    paths += [str(path.relative_to(root)) for path in sorted((root / "surveys" / "xform").glob("*.py"))]
    source = "".join((root / path).read_text(encoding="utf-8") for path in paths)
    codes = set(
        re.findall(r'(?:notes\.error|notes\.warn|self\.error|Finding|Unreadable)\(\s*"(\w+)"', source)
    )
    codes |= set(re.findall(r'yield "(\w+)", \{', source)) | {"required_type"}
    codes |= set(re.findall(r'_sentence\(\s*r"(?:[^"\\]|\\.)*",\s*"(\w+)"', source))
    codes |= set(re.findall(r'\("(unsupported_\w+)", \{', source)) | {"converter_warned"}
    codes -= set(re.findall(r'"(\w+)": \("unsupported_', source))
    problems = set(re.findall(r'Problem\(\s*"(\w+)"', source))
    written = {key for key in catalogue("vi") if key.startswith(("form.", "problem.form_"))}
    told = {key for key in written if not re.match(r"form\.(check|place|show|kind|other_)", key)}
    assert {f"form.{code}" for code in codes} | {f"problem.{code}" for code in problems} == told
