"""``hoidan talk``: answering a form in the terminal, by hand, through a pipe and by a program."""

from __future__ import annotations

import fcntl
import io
import json
import os
import pty
import select
import subprocess
import sys
import termios
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from bot.channels.terminal import Terminal
from bot.cli import main
from tests.forms.build import choices, row, xlsx

HOME = Path(__file__).parents[2]
SMALL = xlsx(
    survey=[
        row("hidden", "ten"),
        row("note", "chao", "Chào ${ten}", relevant="${ten} != ''"),
        row("select_one ab", "chon", "Chọn?", required="yes"),
        row("integer", "so", "Mấy?"),
    ],
    choices=choices("ab", "a", "b"),
)


@pytest.fixture
def form(tmp_path: Path) -> Path:
    path = tmp_path / "nho.xlsx"
    path.write_bytes(SMALL)
    return path


Talk = Callable[..., "Done"]
COMMAND = (sys.executable, "-c", "import sys; from bot.cli import main; sys.exit(main())", "talk")
"""The command in a process of its own."""


@dataclass(frozen=True)
class Done:
    """What a run of the command came to."""

    returncode: int
    stdout: str
    stderr: str


@pytest.fixture
def talk(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., Done]:
    """Runs the command with ``said`` as its input."""
    monkeypatch.setenv("HOIDAN_LANGUAGE", "vi")

    def run(*arguments: str | Path, said: str = "") -> Done:
        monkeypatch.setattr(sys, "stdin", io.StringIO(said))
        code = main(["talk", *map(str, arguments)])
        told = capsys.readouterr()
        return Done(code, told.out, told.err)

    return run


def test_a_form_is_answered_through_a_pipe_and_its_answers_are_listed(talk: Talk, form: Path) -> None:
    done = talk(form, said="b\n7\ngửi\n")
    assert done.returncode == 0
    assert "1. A\n2. B\n(Xin gõ số của câu trả lời, ví dụ: 1.)" in done.stdout
    assert done.stdout.endswith(
        "Các câu trả lời:\n1. Chọn: B\n2. Mấy: 7\n\nĐã xong. Không có gì được lưu.\n\n"
    )


def test_when_the_input_ends_the_talk_ends_politely(talk: Talk, form: Path) -> None:
    done = talk(form, said="b\n")
    assert (done.returncode, done.stdout.splitlines()[-1]) == (0, "Đã dừng. Không có gì được lưu.")


def test_a_hidden_field_is_given_on_the_command_line(talk: Talk, form: Path) -> None:
    assert "Chào bà Lan" in talk(form, "--set", "ten=bà Lan", said="").stdout


def test_a_field_the_form_does_not_have_and_a_wrong_pair_are_refused(talk: Talk, form: Path) -> None:
    for given, told in (("tuoi=3", "tuoi"), ("ten", "tên=giá trị")):
        done = talk(form, "--set", given)
        assert (done.returncode, done.stdout) == (1, "")
        assert told in done.stderr


def test_a_form_with_errors_is_told_as_by_form_check(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "sai.xlsx"
    path.write_bytes(xlsx(survey=[row("integer", "a", "A", relevant="${b} = 1")]))
    assert main(["form", "check", str(path)]) == 1
    told = capsys.readouterr().out
    assert main(["talk", str(path)]) == 1
    assert capsys.readouterr().out == told != ""


def test_a_file_that_is_not_there_is_named(talk: Talk) -> None:
    done = talk("nothing.xlsx")
    assert done.returncode == 1
    assert "nothing.xlsx" in done.stdout + done.stderr


def test_a_folder_brings_its_own_policy_of_missing_answers(talk: Talk) -> None:
    assert "không muốn trả lời" in talk("nguoi_lao_dong").stdout
    alone = talk(HOME / "surveys" / "library" / "nguoi_lao_dong" / "form.xlsx").stdout
    assert "không muốn trả lời" not in alone.partition("Câu 1/")[2]


def test_the_language_is_chosen_at_the_beginning(talk: Talk) -> None:
    assert "Question 1/" in talk("nguoi_lao_dong", "--language", "en").stdout


def test_commands_of_a_chat_that_mean_nothing_here_say_so(talk: Talk, form: Path) -> None:
    said = talk(form, said="riêng tư\n/thongke\ntrợ giúp\n").stdout
    assert said.count("Lệnh này không dùng được khi trả lời thử") == 2
    assert "– dừng: thôi không trả lời nữa" in said


def test_a_broken_line_of_bytes_and_an_endless_one_do_no_harm(form: Path) -> None:
    done = subprocess.run(
        [*COMMAND, str(form)],
        cwd=HOME,
        env={**os.environ, "HOIDAN_LANGUAGE": "vi"},
        input=b"\xff\xfe\x00\n" + b"x" * 500_000 + b"\na\n",
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0
    assert "Câu 2/2. Mấy?" in done.stdout.decode()


def events(done: Done) -> list[dict[str, Any]]:
    return [json.loads(line) for line in done.stdout.splitlines()]


def lines(*said: object) -> str:
    return "\n".join(map(json.dumps, said))


def test_a_program_talks_in_json_a_line_each_way(talk: Talk, form: Path) -> None:
    said = lines(
        {"value": "c"}, {"reply": "b"}, {"value": None}, {"submit": True}, {"value": "after the end"}
    )
    told = events(talk(form, "--json", said=said))
    assert [event["event"] for event in told] == [
        "question", "rejected", "question", "question", "review", "submitted",
    ]  # fmt: skip
    assert told[0]["choices"] == [{"name": "a", "label": "A"}, {"name": "b", "label": "B"}]
    assert told[1]["reason"] == "choice"
    assert told[-1]["values"] == {"/data/ten": "", "/data/chon": "b", "/data/so": ""}


def test_a_line_that_is_no_object_is_rejected_and_changes_nothing(talk: Talk, form: Path) -> None:
    said = "\n".join(["{", "[1]", "", '{"name": "nobody", "value": "1"}', "[" * 100_000, '{"value": "a"}'])
    told = events(talk(form, "--json", said=said))
    assert [event.get("reason") for event in told[1:-1:2]] == ["bad_line"] * 4
    assert (told[-1]["event"], told[-1]["ref"]) == ("question", "/data/so")


def test_when_a_programs_input_ends_the_talk_ends_without_a_word(talk: Talk, form: Path) -> None:
    done = talk(form, "--json", "--set", "ten=Lan", said=lines({"value": "a"}))
    assert (done.returncode, done.stderr) == (0, "")
    assert [event["event"] for event in events(done)] == ["note", "question", "question"]


def test_a_program_is_told_in_one_document_why_a_form_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "sai.xlsx"
    path.write_bytes(xlsx(survey=[row("integer", "a", "A", relevant="${b} = 1")]))
    assert main(["talk", str(path), "--json"]) == 1
    (line,) = capsys.readouterr().out.splitlines()
    told = json.loads(line)
    assert (told["ok"], [error["row"] for error in told["errors"]]) == (False, [2])


def test_a_program_waits_for_nothing_but_the_answer_to_its_line(form: Path) -> None:
    with subprocess.Popen(
        [*COMMAND, str(form), "--json"],
        cwd=HOME,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        encoding="utf-8",
    ) as child:
        assert child.stdin is not None and child.stdout is not None
        assert json.loads(child.stdout.readline())["ref"] == "/data/chon"
        for value, ref in (("a", "/data/so"), ("3", None)):
            child.stdin.write(json.dumps({"value": value}) + "\n")
            child.stdin.flush()
            assert json.loads(child.stdout.readline())["ref"] == ref
        child.stdin.close()
        assert child.stdout.read() == ""
        assert child.wait(60) == 0


HOUSE = xlsx(
    survey=[
        row("begin_repeat", "nguoi", "Người trong nhà"),
        row("text", "ten", "Tên?"),
        row("integer", "tuoi", "${ten} mấy tuổi?"),
        row("end_repeat"),
        row("text", "y", "Ý kiến?"),
    ]
)


def test_a_household_is_listed_corrected_and_read_back_in_the_terminal(talk: Talk, tmp_path: Path) -> None:
    path = tmp_path / "ho.xlsx"
    path.write_bytes(HOUSE)
    said = ["Lan", "40", "có", "Hà", "12", "danh sách", "xóa Lan", "có", "tiếp tục", "hết", "bỏ qua", "gửi"]
    told = talk(path, said="\n".join(said)).stdout
    assert "Lan mấy tuổi?" in told and "Hà mấy tuổi?" in told
    listed = told.partition("Các câu trả lời:\n")[2].splitlines()
    assert [line.rpartition(": ")[2] for line in listed[:3]] == ["Hà", "12", "(bỏ qua)"]
    assert "Hà" in listed[1].partition(": ")[0]


def take_the_terminal() -> None:
    """Make standard input the terminal of the session, so that its Ctrl-C becomes a signal."""
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


@pytest.mark.parametrize("key", [b"\x03", b"\x04"], ids=["Ctrl-C", "Ctrl-D"])
def test_keys_that_end_a_talk_at_a_terminal_end_it_politely(form: Path, key: bytes) -> None:
    ours, theirs = pty.openpty()
    child = subprocess.Popen(
        [*COMMAND, str(form)],
        cwd=HOME,
        env={**os.environ, "HOIDAN_LANGUAGE": "vi"},
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
        preexec_fn=take_the_terminal,
    )
    os.close(theirs)
    try:
        seen = shown(ours, until=b"> ")
        assert "Câu 1/2. Chọn?".encode() in seen
        os.write(ours, key)
        shown(ours, until="Đã dừng. Không có gì được lưu.".encode())
        assert child.wait(60) == 0
    finally:
        child.kill()
        os.close(ours)


def shown(terminal: int, until: bytes) -> bytes:
    """What appears on a terminal up to and with some text."""
    seen = b""
    while until not in seen:
        ready, _, _ = select.select([terminal], [], [], 60)
        assert ready, seen
        seen += os.read(terminal, 1024)
    return seen


def test_a_terminal_prompts_only_a_person(tmp_path: Path) -> None:
    (tmp_path / "in").write_text("a\nb", encoding="utf-8")
    with (tmp_path / "in").open(encoding="utf-8") as source, (tmp_path / "out").open("w") as target:
        assert list(Terminal(source, target).lines()) == ["a", "b"]
    assert (tmp_path / "out").read_text() == ""
