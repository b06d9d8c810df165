"""The documentation, held against the program: what it names is there, and what is there is named."""

from __future__ import annotations

import asyncio
import os
import re
import shlex
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from http.client import HTTPResponse
from pathlib import Path

import click
import pytest
import yaml

from bot.authoring.convert import LIMITS, MEBIBYTE
from bot.channels.telegram import UPDATES
from bot.cli import root
from bot.commands import RESIDENT
from bot.conversation import COMMANDS, STAFF_COMMANDS
from bot.desk import Desk
from bot.doubles.person import Person
from bot.doubles.telegram import BotApiDouble
from bot.questionnaires import Shelf
from bot.serve import Role
from bot.settings import SETTINGS, load
from bot.staff import STAFF
from bot.texts import LANGUAGES, catalogue
from bot.turns import Turns
from bot.web.app import make_app
from bot.web.services import Services
from storage.crypto import new_keys, parse_keys
from storage.database import Database
from surveys.expressions import FUNCTIONS
from surveys.forms import Kind
from surveys.hours import asked_hour
from surveys.parameters import PARAMETERS
from surveys.replies import TEXT_LIMIT, read_command
from surveys.xform import MAX_CHOICES, MAX_QUESTIONS, read_form
from tests import docs_reference
from tests.forms.build import converted, row

HOME = Path(__file__).resolve().parent.parent
DOCS = HOME / "docs"
MADE = {"build", "dist", "node_modules", "var"}
PAGES = sorted(
    path.relative_to(HOME)
    for path in HOME.rglob("*.md")
    if not any(part in MADE or part.startswith(".") for part in path.relative_to(HOME).parts)
)
OURS = [page for page in PAGES if page.parts[0] in ("README.md", "CHANGELOG.md", "docs")]


def read(name: str | Path) -> str:
    """A page by its path from the repository's root."""
    return (HOME / name).read_text(encoding="utf-8")


def section(name: str, heading: str) -> str:
    """What stands under a heading of any level, to the next of the same or a higher one."""
    found = re.search(rf"^(#+) {re.escape(heading)}$", read(name), re.MULTILINE)
    assert found, f"{name} has no heading “{heading}”"
    rest = read(name)[found.end() :]
    following = re.search(rf"^#{{1,{len(found[1])}}} ", _without_code(rest), re.MULTILINE)
    return rest[: following.start()] if following else rest


def _without_code(text: str) -> str:
    """The same with every line of a code block blanked out, character by character."""
    return re.sub(
        r"^```.*?^```$", lambda block: re.sub(r"[^\n]", " ", block[0]), text, flags=re.DOTALL | re.MULTILINE
    )


def rows(text: str) -> list[list[str]]:
    """The cells of every table row in ``text``, without headings and rules. ``\\|`` is no border."""
    found = []
    for line in text.splitlines():
        if line.lstrip().startswith("|"):
            cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", line.strip().strip("|"))]
            if not all(re.fullmatch(r":?-*:?", cell) for cell in cells):
                found.append(cells)
    return found


def code(text: str) -> list[str]:
    """What stands between backticks on a line."""
    return re.findall(r"(?<!`)`([^`\n]+)`(?!`)", text)


def blocks(text: str, kind: str = "sh") -> list[str]:
    """The code blocks of one kind."""
    return re.findall(rf"^```{kind}\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)


# Links


def targets(text: str) -> list[str]:
    """Where links and pictures lead."""
    return re.findall(r"\]\(([^)\s]+)\)", _without_code(text))


def anchors(text: str) -> set[str]:
    """The names that headings can be linked by, as code hosts make them."""
    found = set()
    for heading in re.findall(r"^#+ (.+)$", _without_code(text), re.MULTILINE):
        plain = re.sub(r"[`*]|\[|\]\([^)]*\)", "", heading).lower()
        found.add(re.sub(r"[^\w\- ]", "", plain).strip().replace(" ", "-"))
    return found


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_every_link_and_picture_leads_somewhere(page: Path) -> None:
    broken = []
    for target in targets(read(page)):
        if re.match(r"(https?|mailto):", target):
            continue
        place, _, anchor = target.partition("#")
        file = (HOME / page).parent / place if place else HOME / page
        if not file.exists() or (anchor and anchor not in anchors(file.read_text(encoding="utf-8"))):
            broken.append(target)
    assert broken == []


@pytest.mark.parametrize("page", OURS, ids=str)
def test_every_file_that_a_page_names_is_there(page: Path) -> None:
    named = re.findall(r"`((?:bot|scheduler|storage|surveys|tests)/[\w./-]*)`", _without_code(read(page)))
    assert [name for name in named if not (HOME / name).exists()] == []


def test_every_page_can_be_reached_from_the_readme() -> None:
    reached, waiting = set(), [Path("README.md")]
    while waiting:
        page = waiting.pop()
        reached.add(page)
        for target in targets(read(page)):
            place = target.partition("#")[0]
            if place.endswith(".md") and "://" not in place:
                linked = Path(os.path.normpath(page.parent / place))
                if linked not in reached:
                    waiting.append(linked)
    assert sorted(set(OURS) - reached) == []


# The command line


def test_the_reference_is_what_the_program_says() -> None:
    assert read("docs/reference.md") == docs_reference.page(), "run: python -m tests.docs_reference"


TREE = dict(docs_reference.commands(root))
"""Every command by its words."""


def tokens(line: str) -> list[str]:
    """A line as a shell splits it, without comments; ``;``, ``&&`` and brackets stand alone."""
    reader = shlex.shlex(line, posix=True, punctuation_chars=True)
    reader.whitespace_split = True
    return list(reader)


def command_lines(page: Path) -> Iterator[tuple[list[str], bool]]:
    """The words of every command line of ours on a page, and whether it is a whole one, in a code block."""
    text = read(page)
    for block in blocks(text):
        for line in block.replace("\\\n", " ").splitlines():
            words: list[str] = []
            for token in (*tokens(line), ";"):
                if re.fullmatch(r"[();<>|&]+", token):
                    if words and words[0].rpartition("/")[2] == "hoidan":
                        yield words[1:], True
                    words = []
                else:
                    words.append(token)
    for piece in code(_without_code(text)):
        if piece.startswith("hoidan "):
            yield tokens(piece)[1:], False


def misunderstood(given: list[str], whole: bool) -> str | None:
    """Why the program would not understand a command line, as far as it is given; None if it would."""
    words = ["2026-01-01" if word.startswith("$(date ") else word for word in given]
    line = " ".join(given)
    path: list[str] = []
    while words and (*path, words[0]) in TREE:
        path.append(words.pop(0))
    if not path:
        return None if words in (["--version"], ["--help"]) else f"no command: {line}"
    command = TREE[tuple(path)]
    known = {name for param in command.params for name in (*param.opts, *param.secondary_opts)} | {"--help"}
    unknown = [word for word in words if word.startswith("--") and word.partition("=")[0] not in known]
    if unknown or (words and isinstance(command, click.Group)):
        return f"not understood: {unknown or words} in {line}"
    if whole:
        try:
            command.make_context("hoidan", list(words))
        except click.UsageError as error:
            return f"{error.format_message()} in {line}"
    return None


@pytest.mark.parametrize("page", OURS, ids=str)
def test_every_command_on_a_page_is_understood(page: Path) -> None:
    said = (misunderstood(words, whole) for words, whole in command_lines(page))
    assert [why for why in said if why] == []


@pytest.mark.parametrize(
    "line",
    [
        "campain list",
        "campaign sell 1",
        "counts 1 --per sex",
        "counts",
        "account grant 2 mayor --area '*'",
    ],
)
def test_a_command_that_is_not_there_would_be_noticed(line: str) -> None:
    assert misunderstood(tokens(line), True) is not None


def test_every_make_target_on_a_page_is_in_the_makefile() -> None:
    there = set(re.findall(r"^([a-z-]+):", read("Makefile"), re.MULTILINE))
    named = {
        target
        for page in OURS
        for text in (*blocks(read(page)), *code(_without_code(read(page))))
        for target in re.findall(r"^make ([a-z-]+)", text, re.MULTILINE)
    }
    assert named and named - there == set()


# Settings, parameters, roles of a process


def test_every_setting_is_documented_with_its_default() -> None:
    told = {
        code(cells[0])[0]: (code(cells[1]) or [""])[0]
        for cells in rows(section("docs/operator.md", "Settings"))
        if code(cells[0])
    }
    assert told == {setting.name: setting.default for setting in SETTINGS}


def test_every_variable_that_is_named_anywhere_is_a_setting() -> None:
    known = {setting.name for setting in SETTINGS}
    named = {name for page in OURS for name in re.findall(r"HOIDAN_[A-Z_]+[A-Z]", read(page))}
    assert {name for name in named - known if not name.startswith("HOIDAN_TEST_")} == set()


def test_every_parameter_is_documented_with_default_and_bounds() -> None:
    told = {
        code(cells[0])[0]: (cells[1], cells[2])
        for cells in rows(section("docs/operator.md", "Parameters"))
        if code(cells[0])
    }
    assert told == {
        each.name: (str(each.default), "" if each.default == "" else f"{each.least}–{each.most}")
        for each in PARAMETERS.values()
    }


def test_every_part_of_the_work_is_documented() -> None:
    told = {code(cells[0])[0] for cells in rows(section("docs/operator.md", "PostgreSQL")) if code(cells[0])}
    assert told == {role.value for role in Role}


# HTTP and Telegram


def test_every_route_is_documented(tmp_path: Path) -> None:
    settings = load({"HOIDAN_DATABASE_URL": f"sqlite:///{tmp_path / 'hoidan.db'}"})
    keys = parse_keys(new_keys())
    with Database(settings.database) as database:
        shelf, desk = Shelf(), Desk(RESIDENT, STAFF)
        turns = Turns(database, keys, shelf, desk, settings.time_zone)
        app = make_app(Services(settings, database, keys, turns, shelf, desk))
        there = {
            f"{route.method} {route.resource.canonical}"
            for route in app.router.routes()
            if route.resource is not None and route.method != "HEAD"
        }
    there.add(f"POST {settings.telegram_webhook_path}")
    told = {code(cells[0])[0] for cells in rows(section("docs/protocol.md", "HTTP")) if code(cells[0])}
    assert told == there


def test_every_kind_of_update_that_telegram_is_asked_for_is_documented() -> None:
    asked = section("docs/protocol.md", "Telegram").split(".")[0]
    assert code(asked) == list(UPDATES)


# The chat


def slashes(name: str) -> set[str]:
    """The slash commands on a page. ``/start`` is Telegram's own."""
    found = {match[1] for piece in code(read(name)) if (match := re.match(r"/([a-z]+)(?![\w/.-])", piece))}
    return found - {"start"}


def test_every_command_of_the_chat_is_documented() -> None:
    everybody = {word for words in COMMANDS.values() for word in words}
    staff = {word for words in STAFF_COMMANDS.values() for word in words}
    assert everybody - slashes("docs/resident.md") == set()
    assert staff - slashes("docs/ward-staff.md") == set()


@pytest.mark.parametrize("page", ["README.md", "docs/resident.md", "docs/ward-staff.md", "docs/officer.md"])
def test_every_command_on_a_page_is_one_of_the_chat(page: str) -> None:
    known = {word for words in {**COMMANDS, **STAFF_COMMANDS}.values() for word in words}
    assert slashes(page) - known == set()


def _is_understood(said: str) -> bool:
    """Whether words are a command, or one and what it is about (a member, what to look for)."""
    words = said.split()
    return asked_hour(said) is not None or any(
        read_command(" ".join(words[:some])) is not None for some in range(len(words), 0, -1)
    )


def test_everything_that_residents_are_told_to_type_is_understood() -> None:
    told = [piece for cells in rows(read("docs/resident.md")) for piece in code(cells[0])]
    assert len(told) > 20
    assert [piece for piece in told if not _is_understood(piece)] == []


@pytest.mark.parametrize("page", OURS, ids=str)
def test_every_button_that_is_to_be_pressed_has_that_label(page: Path) -> None:
    labels = {sentence for language in LANGUAGES for sentence in catalogue(language).values()}
    named = re.findall(r"(?:bấm|press) \*\*([^*]+)\*\*", " ".join(read(page).split()))
    assert [label for label in named if label not in labels] == []


def test_every_line_about_a_campaign_is_explained_to_staff() -> None:
    shown = catalogue("vi")["staff.campaign_come"].splitlines()
    numbers = ("{cases}", "{begun}", "{submitted}", "{refused}")
    labels = [line.partition(":")[0] for line in shown if line.endswith(numbers)]
    told = [cells[0] for cells in rows(read("docs/ward-staff.md"))]
    assert len(labels) == len(numbers)
    assert [label for label in labels if label not in told] == []


def test_every_denominator_is_explained_to_officers() -> None:
    named = {text for key, text in catalogue("vi").items() if key.startswith("denominator.")}
    assert named and named - {cells[0] for cells in rows(read("docs/officer.md"))} == set()


@pytest.mark.parametrize(
    ("name", "heading"),
    [
        ("nguoi_lao_dong", "Các chỉ tiêu của phiếu"),
        ("ho_gia_dinh", "Các chỉ tiêu của phiếu"),
        ("cong_dan_hoc_tap", "Chỉ tiêu của phiếu"),
    ],
)
def test_every_indicator_that_is_shipped_is_explained_to_officers(name: str, heading: str) -> None:
    shipped = yaml.safe_load(read(f"surveys/library/{name}/instrument.yaml"))
    about = section("docs/officer.md", f"{heading} `{shipped['instrument']['id']}`")
    told = {piece for cells in rows(about) for piece in code(cells[0])}
    assert told == set(shipped["indicators"]) | set(shipped.get("members", {}).get("indicators", {}))


# Forms


def is_asked(type_: str, **extra: str) -> bool:
    """Whether a form with a question of this type can be asked."""
    words = f"{type_} ds" if type_.startswith(("select_", "rank")) else type_
    if type_ == "calculate":
        extra["calculation"] = "1"
    made = converted(
        survey=[row("text", "a", "A"), row(words, "b", "B", **extra)],
        choices=[{"list_name": "ds", "name": "1", "label": "Một"}],
        settings=[{"form_id": "f", "version": "1"}],
    )
    return not made.errors and read_form(made.xform, made.rows).form is not None


def types_in(heading: str) -> list[str]:
    """The question types in the first column of a table of the authors' page."""
    told = [piece for cells in rows(section("docs/form-author.md", heading)) for piece in code(cells[0])]
    return [piece for piece in told if re.fullmatch(r"[a-zA-Z_\-]+", piece) and piece != "type"]


def test_every_question_type_that_is_documented_is_asked() -> None:
    told = types_in("Question types")
    assert sorted(told) == sorted(kind.value for kind in Kind)
    assert [type_ for type_ in told if not is_asked(type_)] == []


def test_every_question_type_that_is_documented_as_refused_is_refused() -> None:
    others = {"draw", "annotate", "signature", "intent", "required", "constraint", "choice_filter"}
    others |= {"public_key", "submission_url", "save_to", "last-saved", "include", "cascading_select"}
    told = set(types_in("What is refused, and why")) - others
    assert told == {
        "geotrace",
        "geoshape",
        "start-geopoint",
        "background-audio",
        "osm",
        "select_one_external",
    }
    assert [type_ for type_ in sorted(told) if is_asked(type_, required="yes")] == []


def test_every_function_of_expressions_is_documented() -> None:
    page = section("docs/form-author.md", "Expressions")
    told = code(page.partition("Functions:")[2].partition(".\n\n")[0])
    refused = {"jr:itext"}
    assert told == sorted(FUNCTIONS.keys() - refused)


def test_the_limits_of_a_form_are_documented() -> None:
    page = read("docs/form-author.md")
    for limit in (
        f"{LIMITS.file // MEBIBYTE} MB",
        f"{LIMITS.seconds:g} seconds",
        f"{MAX_QUESTIONS:,} questions",
        f"{MAX_CHOICES:,} choices",
        f"{TEXT_LIMIT:,} characters",
    ):
        assert limit in page


# The README's deployment, for real

PATIENCE = 60.0
"""Seconds a server may take to start on a busy machine; nothing depends on how long it takes."""
CODE = re.compile(r"^ +(nv_[\w-]+)$", re.MULTILINE)


class Shell:
    """Runs code blocks one after another, as somebody who copies them into terminals does.

    The line ``hoidan serve`` starts a server in the background, in place of the one that ran.
    """

    def __init__(self, home: Path, port: int, **environment: str) -> None:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("HOIDAN_", "LC_"))}
        self.environment = kept | {
            "HOME": str(home),
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "LANG": "en_US.UTF-8",
            "HOIDAN_PORT": str(port),
            **environment,
        }
        self.folder = str(HOME)
        self.port = port
        self._state = home / "shell-state"
        self._server: subprocess.Popen[bytes] | None = None
        self._log = home / "server-log"

    def run(self, block: str) -> str:
        """What the lines of a block printed. Fails the test with it when one of them fails."""
        before, serves, after = block.partition("hoidan serve\n")
        said = self._bash(before) if before.strip() else ""
        if serves:
            self.serve()
        return said + (self._bash(after) if after.strip() else "")

    def _bash(self, lines: str) -> str:
        script = f"set -eu -o pipefail\n{lines}\n{{ pwd; env -0; }} > {shlex.quote(str(self._state))}\n"
        ran = subprocess.run(
            ["bash", "-c", script],
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=5 * PATIENCE,
            check=False,
        )
        assert ran.returncode == 0, f"{lines}\n{ran.stdout}"
        self.folder, _, left = self._state.read_text("utf-8").partition("\n")
        self.environment = dict(line.partition("=")[::2] for line in left.split("\0") if line)
        return ran.stdout

    def serve(self) -> None:
        """Start the server, and wait until it is ready and says so."""
        self.stop()
        with self._log.open("wb") as log:
            self._server = subprocess.Popen(
                ["hoidan", "serve"], cwd=self.folder, env=self.environment, stdout=log, stderr=log
            )
        until = time.monotonic() + PATIENCE
        while True:
            assert self._server.poll() is None and time.monotonic() < until, self._log.read_text("utf-8")
            with suppress(OSError):
                if self.get("/readyz").status == 200 and "is running" in self._log.read_text("utf-8"):
                    return
            time.sleep(0.05)

    def stop(self) -> None:
        """As Ctrl+C does."""
        if self._server is not None:
            self._server.send_signal(signal.SIGINT)
            assert self._server.wait(PATIENCE) == 0, self._log.read_text("utf-8")
            self._server = None

    def kill(self) -> None:
        """Leave nothing running, whatever happened."""
        if self._server is not None and self._server.poll() is None:
            self._server.kill()
            self._server.wait()

    def get(self, path: str, form: dict[str, str] | None = None) -> HTTPResponse:
        """What the server answers; redirections are not followed."""
        data = urllib.parse.urlencode(form).encode() if form is not None else None
        base = f"http://127.0.0.1:{self.port}"
        asked = urllib.request.Request(base + path, data, {"Origin": base} if form is not None else {})
        opener = urllib.request.build_opener(_Stay)
        try:
            answer: HTTPResponse = opener.open(asked, timeout=PATIENCE)
        except urllib.error.HTTPError as error:
            answer = error  # type: ignore[assignment]
        return answer


class _Stay(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: object) -> None:
        return None


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def deployment() -> list[str]:
    """The code blocks of the README's deployment, without what makes the environment this runs in."""
    found = blocks(section("README.md", "First real deployment in ten minutes"))
    return [block.replace("make install\n", "") for block in found]


def one_with(words: str, among: list[str]) -> str:
    """The block that holds ``words``."""
    (found,) = (block for block in among if words in block)
    return found


def metric_names(text: str) -> set[str]:
    """Our own metrics in what Prometheus reads."""
    return set(re.findall(r"^# TYPE (hoidan_\w+)", text, re.MULTILINE))


def test_the_deployment_of_the_readme_works_as_written(tmp_path: Path) -> None:
    """Every block in its order: the first account, areas, forms, campaign, server, QR code, staff, Telegram,
    backup; then the restore of the operators' page.
    """
    steps = deployment()
    token = re.search(r"HOIDAN_TELEGRAM_TOKEN=(\S+)", one_with("HOIDAN_TELEGRAM_TOKEN", steps))
    assert token is not None

    async def deploy() -> None:
        async with BotApiDouble(token=token[1]) as telegram:
            shell = Shell(tmp_path, free_port(), HOIDAN_TELEGRAM_API_BASE=telegram.base_url)
            try:
                said = [await asyncio.to_thread(shell.run, step) for step in steps[:5]]
                await asyncio.to_thread(by_web, shell, "".join(said))
                said += [await asyncio.to_thread(shell.run, step) for step in steps[5:]]
                await by_telegram(telegram, "".join(said))
                await asyncio.to_thread(restored, shell)
                await asyncio.to_thread(shell.stop)
            finally:
                shell.kill()
            assert telegram.violations == []

    asyncio.run(deploy())


def by_web(shell: Shell, said: str) -> None:
    """The campaign's page opens, the invitation signs in once, the metrics are those documented."""
    link = re.search(r"The link for people: (\S+)", said)
    invited = CODE.search(said)
    assert link is not None and invited is not None, said
    assert link[1].startswith(f"http://127.0.0.1:{shell.port}/chat/")
    assert shell.get(urllib.parse.urlsplit(link[1]).path).status == 200
    assert shell.get(f"/sign-in/{invited[1]}").status == 200
    assert shell.get("/chat/sign-in", {"token": invited[1]}).status == 303
    assert shell.get("/chat/sign-in", {"token": invited[1]}).status == 410
    assert (Path(shell.folder) / "qr.png").read_bytes().startswith(b"\x89PNG")
    told = section("docs/operator.md", "Health and metrics")
    named = {name for cells in rows(told) for name in code(cells[0]) if name.startswith("hoidan_")}
    there = metric_names(shell.get("/metrics").read().decode())
    assert {name.removesuffix("_total") for name in named} == {name.removesuffix("_total") for name in there}


async def by_telegram(telegram: BotApiDouble, said: str) -> None:
    """The bot leads somebody with the campaign's code to the question of consent."""
    found = re.search(r"/chat/([0-9A-Z]+)\n", said)
    assert found is not None, said
    lan = Person(telegram, 7, seconds=PATIENCE)
    shown = await lan.start(found[1])
    assert "UBND phường Sài Gòn" in shown.text
    assert "Đồng ý" in shown.labels


def restored(shell: Shell) -> None:
    """What was backed up can be put back as the operators' page says, and holds the campaign."""
    backup, restore, *_ = blocks(section("docs/operator.md", "Backup and restore"))
    shell.run(backup)
    shell.stop()
    shell.run(restore)
    assert "Khảo sát kỹ năng số" in shell.run("hoidan campaign list\n")
    shell.serve()
