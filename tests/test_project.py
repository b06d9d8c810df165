"""The project itself: what it needs, how its rooms lie, what its files say."""

from __future__ import annotations

import ast
import os
import re
import shutil
import string
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path

import pytest
from babel.messages.pofile import read_po
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests import licences

HOME = Path(__file__).resolve().parent.parent
FLOORS = ("bot", "scheduler", "storage", "surveys")
LOCKS = ("requirements.lock", "requirements-dev.lock")
PROJECT = tomllib.loads((HOME / "pyproject.toml").read_text(encoding="utf-8"))
LOCALES = HOME / "bot" / "locales"
DOMAINS = sorted({path.name for path in LOCALES.glob("*/LC_MESSAGES/*.po")})


# The locks


def entries(lock: str) -> list[str]:
    """The requirements of a lock, each with its continuation lines joined."""
    return (HOME / lock).read_text(encoding="utf-8").replace("\\\n", " ").splitlines()


def pins(lock: str) -> dict[str, str]:
    """Package → the version a lock holds it at."""
    found = (re.match(r"([A-Za-z0-9._-]+)==([^ ;]+)", entry) for entry in entries(lock))
    return {canonicalize_name(match[1]): match[2] for match in found if match}


@pytest.mark.parametrize("lock", LOCKS)
def test_every_line_of_a_lock_pins_a_version_by_hash_and_names_no_place(lock: str) -> None:
    line = re.compile(r"[a-z0-9._-]+==[^ ;]+ (?:; [^/]+ )? *(?: +--hash=sha256:[0-9a-f]{64})+")
    wrong = [entry for entry in entries(lock) if not line.fullmatch(entry.rstrip())]
    assert wrong == []


@pytest.mark.parametrize(
    ("lock", "needed"),
    [
        (LOCKS[0], PROJECT["project"]["dependencies"] + PROJECT["build-system"]["requires"]),
        (LOCKS[1], PROJECT["project"]["optional-dependencies"]["dev"]),
    ],
    ids=LOCKS,
)
def test_the_lock_holds_what_the_project_asks_for(lock: str, needed: list[str]) -> None:
    held = pins(lock)
    missing = [
        text
        for text in needed
        if not (request := Requirement(text)).specifier.contains(
            held.get(canonicalize_name(request.name), "0")
        )
    ]
    assert missing == []


def test_development_runs_on_the_versions_that_are_delivered() -> None:
    delivered, developed = map(pins, LOCKS)
    assert delivered == {name: developed.get(name) for name in delivered}


# The rooms


def lint_imports(folder: Path) -> subprocess.CompletedProcess[str]:
    program = Path(sys.executable).parent / "lint-imports"
    return subprocess.run(
        [program, "--no-cache", "--no-logo"],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(folder), "COLUMNS": "200"},
        capture_output=True,
        text=True,
        check=False,
    )


def test_imports_go_down_only() -> None:
    said = lint_imports(HOME)
    assert said.returncode == 0, said.stdout + said.stderr


@pytest.mark.parametrize(
    ("module", "line", "broken"),
    [
        ("surveys/new.py", "import socket", "surveys is pure"),
        ("storage/new.py", "import scheduler", "Imports go down only"),
        ("bot/texts.py", "import bot.render", "Inside bot"),
        ("bot/new.py", "import sqlite3", "Databases are spoken to in storage only"),
        ("bot/new.py", "import apscheduler", "APScheduler stays"),
        ("bot/new.py", "import telegram", "python-telegram-bot stays"),
        ("bot/new.py", "import pyxform", "Form conversion and workbooks"),
    ],
)
def test_an_import_out_of_its_room_is_noticed(tmp_path: Path, module: str, line: str, broken: str) -> None:
    shutil.copy(HOME / "pyproject.toml", tmp_path)
    for floor in FLOORS:
        shutil.copytree(HOME / floor, tmp_path / floor, ignore=only_code)
    with (tmp_path / module).open("a", encoding="utf-8") as file:
        file.write(f"\n{line}\n")
    said = lint_imports(tmp_path)
    assert said.returncode == 1
    assert re.search(rf"{broken}.* BROKEN", said.stdout)


def only_code(folder: str, names: list[str]) -> set[str]:
    return {name for name in names if not name.endswith(".py") and not Path(folder, name).is_dir()}


def test_outside_storage_sqlalchemy_gives_nothing_but_the_types_of_an_open_transaction() -> None:
    allowed = {"Connection", "Engine"}
    found = [
        f"{path.relative_to(HOME)}:{node.lineno}"
        for floor in ("bot", "scheduler")
        for path in sorted((HOME / floor).rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if (isinstance(node, ast.Import) and any(name.name.startswith("sqlalchemy") for name in node.names))
        or (
            isinstance(node, ast.ImportFrom)
            and (node.module or "").startswith("sqlalchemy")
            and not {name.name for name in node.names} <= allowed
        )
    ]
    assert found == []


def test_the_pure_floor_opens_prints_and_runs_nothing() -> None:
    banned = {"open", "print", "input", "eval", "exec", "compile", "__import__", "breakpoint"}
    found = [
        f"{path.relative_to(HOME)}:{node.lineno}: {node.func.id}()"
        for path in sorted((HOME / "surveys").rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in banned
    ]
    assert found == []


def test_the_serving_process_loads_no_heavy_library() -> None:
    """Everything a serving process may import is imported; what only child processes do is left out."""
    apart = ("bot.authoring", "bot.workbooks", "storage.migrations")
    modules = sorted(
        name
        for floor in FLOORS
        for path in (HOME / floor).rglob("*.py")
        if path.stem != "__main__"
        and not (
            name := ".".join(path.relative_to(HOME).with_suffix("").parts).removesuffix(".__init__")
        ).startswith(apart)
    )
    heavy = ["matplotlib", "numpy", "openpyxl", "pyxform", "xlrd"]
    program = (
        "import importlib, sys\n"
        f"for name in {modules!r}: importlib.import_module(name)\n"
        f"print(*[name for name in {heavy!r} if name in sys.modules])"
    )
    said = subprocess.run(
        [sys.executable, "-c", program], cwd=HOME, capture_output=True, text=True, check=False
    )
    assert (said.returncode, said.stdout.strip()) == (0, ""), said.stderr


# The licences


def test_the_licences_of_all_libraries_are_allowed() -> None:
    assert licences.objections() == []


@pytest.mark.parametrize(
    ("package", "stated", "refused"),
    [
        ("plain", "MIT", False),
        ("both", "Apache-2.0 OR (BSD License AND MIT-0)", False),
        ("psycopg", "LGPL-3.0-only", False),
        ("other", "LGPL-3.0-only", True),
        ("certifi", "MPL-2.0", False),
        ("unlisted", "MPL-2.0", True),
        ("copyleft", "GPL-3.0-or-later", True),
        ("network", "MIT AND AGPL-3.0-only", True),
        ("python-telegram-bot", "GPL-3.0-only", True),
        ("odd", "see the web page", True),
        ("silent", "", True),
    ],
)
def test_a_licence_is_refused_unless_it_is_known_to_be_allowed(
    package: str, stated: str, refused: bool
) -> None:
    notice = "- certifi: MPL-2.0\n- psycopg and python-telegram-bot: LGPL"
    found = licences.names(stated) if stated else frozenset[str]()
    assert (licences.objection(package, found, notice) is not None) == refused


def test_the_notice_names_the_source_of_the_tables_of_areas() -> None:
    assert "19/2025/QĐ-TTg" in (HOME / "NOTICE").read_text(encoding="utf-8")


# What files say

MADE = {".git", "build", "dist", "node_modules", "var", "__pycache__"}


def texts() -> Iterator[tuple[Path, str]]:
    """Every text file of the repository, and what it says."""
    for folder, folders, files in os.walk(HOME):
        folders[:] = [
            name
            for name in folders
            if name not in MADE
            and (name == ".ci" or not name.startswith("."))
            and not name.endswith(".egg-info")
        ]
        for file in files:
            path = Path(folder, file)
            try:
                yield path.relative_to(HOME), path.read_text(encoding="utf-8")
            except UnicodeDecodeError:
                continue


def test_no_file_speaks_of_where_or_how_it_was_written() -> None:
    # A bracket in each pattern keeps it from finding itself.
    patterns = [
        r"(?<![\w./-])/[w]ork/",
        # A form's own paths may well begin so; a machine's go on like this.
        r"(?<![\w./-])/[r]oot/(?:\.|main|project)",
        r"\.\./[s]hared",
        r"[D]ESIGN\.md",
        r"[S]TYLE\.md",
        r"[B]RIEF\.md",
        r"bash[_]jobs",
        r"[p]ypi\.org",
        r"[p]ythonhosted\.org",
        r"\bissue [#]?\d",
        r"\b[Ss]ub-?[a]gents?\b",
        r"\b[C]laude|[A]nthropic|[O]penAI",
    ]
    said = re.compile("|".join(patterns))
    found = [
        f"{path}:{number}: {match[0]}"
        for path, text in texts()
        for number, line in enumerate(text.splitlines(), start=1)
        if (match := said.search(line))
    ]
    assert found == []


def test_every_file_a_floor_needs_is_installed_with_it() -> None:
    patterns = [pattern.rpartition("/")[2] for pattern in PROJECT["tool"]["setuptools"]["package-data"]["*"]]
    left_out = [
        str(path.relative_to(HOME))
        for floor in FLOORS
        for path in sorted((HOME / floor).rglob("*"))
        if path.is_file()
        and path.suffix not in {".py", ".pyc"}
        and not any(fnmatch(path.name, pattern) for pattern in patterns)
    ]
    assert left_out == []


# The catalogues


def sentences(language: str, domain: str) -> dict[str, str]:
    """Key → sentence of one catalogue."""
    with (LOCALES / language / "LC_MESSAGES" / domain).open("rb") as file:
        return {str(entry.id): str(entry.string) for entry in read_po(file) if entry.id}


def placeholders(sentence: str) -> set[str]:
    """The names a sentence expects to be filled in."""
    return {name for _, name, _, _ in string.Formatter().parse(sentence) if name is not None}


@pytest.mark.parametrize("domain", DOMAINS)
def test_vietnamese_and_english_say_the_same_things(domain: str) -> None:
    vietnamese, english = sentences("vi", domain), sentences("en", domain)
    assert sorted(vietnamese) == sorted(english)
    assert {key: placeholders(text) for key, text in vietnamese.items()} == {
        key: placeholders(text) for key, text in english.items()
    }


@pytest.mark.parametrize("domain", DOMAINS)
@pytest.mark.parametrize("language", ["vi", "en"])
def test_no_sentence_is_empty_doubtful_or_under_an_odd_key(language: str, domain: str) -> None:
    with (LOCALES / language / "LC_MESSAGES" / domain).open("rb") as file:
        entries = [entry for entry in read_po(file) if entry.id]
    wrong = [
        entry.id
        for entry in entries
        if not entry.string
        or entry.fuzzy
        or not re.fullmatch(r"[a-z0-9_]+(\.[a-zA-Z0-9_-]+)*", str(entry.id))
    ]
    assert wrong == []
