"""The throw-away PostgreSQL server that other tests rely on."""

from __future__ import annotations

import os
import pwd
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import psutil
import psycopg
import pytest
from sqlalchemy import create_engine, inspect, text

from tests import postgres


def test_every_test_gets_an_empty_database_of_its_own(postgres_server: postgres.Server) -> None:
    first, second = postgres_server.create_database(), postgres_server.create_database()
    with psycopg.connect(postgres_server.dsn(first)) as connection:
        connection.execute("CREATE TABLE seen (id int)")
    with psycopg.connect(postgres_server.dsn(second)) as connection:
        assert connection.execute("SELECT to_regclass('seen')").fetchone() == (None,)
    postgres_server.drop_database(first)
    postgres_server.drop_database(second)


def test_a_database_is_dropped_under_those_still_connected(postgres_server: postgres.Server) -> None:
    name = postgres_server.create_database()
    with psycopg.connect(postgres_server.dsn(name), autocommit=True) as connection:
        postgres_server.drop_database(name)
        with pytest.raises(psycopg.OperationalError):
            connection.execute("SELECT 1")


def test_a_template_is_built_once_and_copied(postgres_server: postgres.Server) -> None:
    built = []

    def build(url: str) -> None:
        built.append(url)
        engine = create_engine(url)
        with engine.begin() as connection:
            connection.execute(text("CREATE TABLE ward (name text)"))
        engine.dispose()

    template = postgres_server.template(f"once_{os.getpid()}", build)
    assert postgres_server.template(f"once_{os.getpid()}", build) == template
    assert len(built) == 1
    name = postgres_server.create_database(template)
    engine = create_engine(postgres_server.url(name))
    assert inspect(engine).get_table_names() == ["ward"]
    engine.dispose()
    postgres_server.drop_database(name)


def test_both_kinds_of_database_start_empty(empty_database_url: str) -> None:
    engine = create_engine(empty_database_url)
    assert inspect(engine).get_table_names() == []
    engine.dispose()


def test_the_server_runs_without_the_rights_of_root(postgres_server: postgres.Server) -> None:
    data = postgres_server.folder / "data"
    assert [process.uids().real != 0 for process in postgres.postmasters(data)] == [True]
    assert postgres_server.folder.stat().st_mode & 0o077 == 0


@contextmanager
def in_the_foreground() -> Iterator[tuple[subprocess.Popen[str], Path]]:
    """``python -m tests.postgres`` and the folder of its server."""
    with subprocess.Popen(
        [sys.executable, "-m", "tests.postgres"],
        cwd=Path(__file__).resolve().parent.parent,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert process.stdout is not None
            url = process.stdout.readline().strip()
            yield process, Path(parse_qs(urlsplit(url).query)["host"][0])
        finally:
            process.kill()


def test_the_command_prints_an_address_and_cleans_up_when_terminated(
    postgres_server: postgres.Server,
) -> None:
    with in_the_foreground() as (process, folder):
        with psycopg.connect(postgres.Server(folder).dsn("postgres")) as connection:
            assert connection.execute("SELECT 1").fetchone() == (1,)
        process.send_signal(signal.SIGTERM)
        assert process.wait() == 0
    assert not folder.parent.exists()


def test_what_a_killed_run_left_is_stopped_and_removed_by_the_next(postgres_server: postgres.Server) -> None:
    with in_the_foreground() as (process, folder):
        [server] = postgres.postmasters(folder / "data")
        process.kill()
        process.wait()
        assert psutil.pid_exists(server.pid)
        postgres.begin().close()
    assert postgres.ended(server, 0.1)
    assert not folder.parent.exists()
    assert postgres_server.folder.exists()


def test_a_server_that_is_too_old_is_not_taken(tmp_path: Path) -> None:
    for name in ("initdb", "postgres"):
        program = tmp_path / name
        program.write_text("#!/bin/sh\necho 'postgres (PostgreSQL) 14.9'\n")
        program.chmod(0o755)
    with pytest.raises(postgres.NoServer, match="version 14, and 15 is needed"):
        postgres.find_programs([tmp_path])


def test_where_there_is_no_server_the_reason_is_told(tmp_path: Path) -> None:
    with pytest.raises(postgres.NoServer, match="no PostgreSQL server"):
        postgres.find_programs([tmp_path])


@pytest.mark.skipif(os.geteuid() != 0, reason="only root starts the server as someone else")
def test_programs_below_a_closed_folder_are_copied_to_where_the_servers_user_can_run_them(
    tmp_path: Path, postgres_server: postgres.Server
) -> None:
    programs = postgres.find_programs(postgres.program_folders())
    package = programs.parent.parent
    closed = tmp_path / "closed"
    install = closed / package.name / programs.parent.name
    install.mkdir(parents=True)
    closed.chmod(0o700)
    for part in ("bin", "lib", "share"):
        if (programs.parent / part).is_dir():
            (install / part).symlink_to(programs.parent / part)
    libraries = package.with_name(f"{package.name}.libs")
    if libraries.is_dir():
        (closed / libraries.name).symlink_to(libraries)
    user = pwd.getpwnam("nobody")
    run = postgres.begin()
    try:
        found = postgres.reachable_programs(install / "bin", user, run.folder)
        assert found.is_relative_to(run.folder)
        said = postgres.run_as(user, [str(found / "initdb"), "--version"], cwd=Path("/"))
        assert (said.returncode, said.stderr) == (0, "")
    finally:
        run.close()


@pytest.mark.parametrize(
    ("environment", "outcome"),
    [
        ({}, "1 skipped"),
        ({"CI": "true"}, "1 error"),
        ({"HOIDAN_TEST_POSTGRES": "required"}, "1 error"),
    ],
    ids=["anywhere", "in CI", "required"],
)
def test_without_a_server_a_test_is_skipped_or_fails_and_says_why(
    tmp_path: Path, environment: dict[str, str], outcome: str
) -> None:
    (tmp_path / "test_it.py").write_text("def test_it(postgres_url): pass\n")
    (tmp_path / "none").mkdir()
    usual = {name: value for name, value in os.environ.items() if name not in {"CI", "HOIDAN_TEST_POSTGRES"}}
    said = subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-ra",
            "-p",
            "tests.conftest",
            "-c",
            os.devnull,
            tmp_path / "test_it.py",
        ],
        cwd=Path(__file__).resolve().parent.parent,
        env=usual | environment | {"HOIDAN_TEST_POSTGRES_PROGRAMS": str(tmp_path / "none")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert outcome in said.stdout
    assert "no PostgreSQL server" in said.stdout
