"""What the ground does to a database is said as a Problem."""

from __future__ import annotations

import errno
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from storage.database import Database, make_engine, parse_url
from storage.faults import as_problem
from storage.migrate import upgrade
from surveys.problems import Problem


def fault_of(do: Callable[[], Any]) -> BaseException:
    with pytest.raises(Exception) as caught:
        do()
    return caught.value


def code_of(do: Callable[[], Any]) -> str:
    problem = as_problem(fault_of(do))
    assert problem is not None
    return problem.code


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "hoidan.db"


def test_a_full_disk(path: Path) -> None:
    with Database(f"sqlite:///{path}") as database:
        upgrade(database.engine)

        def fill(connection: Any) -> None:
            connection.execute(text("PRAGMA max_page_count = 1"))
            connection.execute(text("CREATE TABLE filler (x)"))
            connection.execute(text("INSERT INTO filler VALUES (zeroblob(1000000))"))

        assert code_of(lambda: database.write(fill)) == "disk_full"


def test_a_locked_file(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("storage.database.BUSY_MS", 50)
    with Database(f"sqlite:///{path}") as first, Database(f"sqlite:///{path}") as second:

        def hold(_connection: Any) -> None:
            assert code_of(lambda: second.write(lambda c: None)) == "database_busy"

        first.write(hold)


def test_a_file_that_may_only_be_read(path: Path) -> None:
    with Database(f"sqlite:///{path}") as database:
        upgrade(database.engine)

    engine = make_engine(parse_url(f"sqlite:///file:{path}?mode=ro&uri=true"))
    with engine.connect() as connection:
        change = text("DELETE FROM accounts")
        assert code_of(lambda: connection.execute(change)) == "database_unwritable"
    engine.dispose()


def test_a_file_that_is_no_database_or_a_damaged_one(path: Path) -> None:
    path.write_bytes(b"x" * 5000)
    with Database(f"sqlite:///{path}") as database:
        assert code_of(database.ready) == "database_not_one"


def test_a_folder_in_place_of_the_file(path: Path) -> None:
    path.mkdir()
    with Database(f"sqlite:///{path}") as database:
        assert code_of(database.ready) == "database_unwritable"


def test_a_server_that_does_not_answer() -> None:
    with Database("postgresql://nobody@127.0.0.1:1/none") as database:
        assert code_of(database.ready) == "database_unreachable"


@pytest.mark.parametrize(
    ("number", "code"),
    [(errno.ENOSPC, "disk_full"), (errno.EACCES, "file_unwritable"), (errno.ENOENT, "file_missing")],
)
def test_faults_of_files(number: int, code: str) -> None:
    problem = as_problem(OSError(number, "", "/tệp"))
    assert problem is not None
    assert (problem.code, problem.params) == (code, {"file": "/tệp"})


def test_a_fault_of_the_program_is_nobodys_problem(path: Path) -> None:
    with Database(f"sqlite:///{path}") as database:
        wrong = fault_of(lambda: database.write(lambda c: c.execute(text("INSERT INTO nothing VALUES (1)"))))
    assert as_problem(ZeroDivisionError()) is None
    assert as_problem(ValueError("database is locked")) is None
    assert as_problem(wrong) is None
    assert as_problem(Problem("x")) is not None
