"""Migrations: their sum is the schema, data survives them, and a wrong database is left alone."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, inspect, select, text

from storage import accounts, migrate
from storage.crypto import new_keys, parse_keys
from storage.database import make_engine, parse_url
from storage.schema import audit, grants, metadata
from surveys.problems import Problem
from surveys.roles import Role
from tests.ward import HERE, TODAY


@pytest.fixture
def engine(empty_database_url: str) -> Iterator[Engine]:
    made = make_engine(parse_url(empty_database_url))
    yield made
    made.dispose()


def shape(engine: Engine) -> dict[str, dict[str, Any]]:
    """What Alembic does not compare: columns in full, the checks and keys of every table by name."""
    look = inspect(engine)
    return {
        table: {
            "columns": [
                (c["name"], str(c["type"]), c["nullable"], c["default"]) for c in look.get_columns(table)
            ],
            "checks": sorted(str(check["name"]) for check in look.get_check_constraints(table)),
            "primary": look.get_pk_constraint(table)["constrained_columns"],
            "foreign": sorted(str(key["name"]) for key in look.get_foreign_keys(table)),
            "unique": sorted(str(key["name"]) for key in look.get_unique_constraints(table)),
        }
        for table in look.get_table_names()
        if table != "alembic_version"
    }


def differences(engine: Engine) -> list[Any]:
    with engine.connect() as connection:
        # Alembic takes an empty text for no default on SQLite; there, shape() tells.
        defaults = engine.dialect.name != "sqlite"
        context = MigrationContext.configure(
            connection, opts={"compare_type": True, "compare_server_default": defaults}
        )
        return list(compare_metadata(context, metadata))


def test_all_migrations_together_make_the_schema(engine: Engine, tmp_path: Path) -> None:
    assert migrate.upgrade(engine) == migrate.revisions()
    assert differences(engine) == []
    made_at_once = make_engine(parse_url(f"sqlite:///{tmp_path / 'at_once.db'}"))
    metadata.create_all(made_at_once)
    migrated, wanted = shape(engine), shape(made_at_once)
    assert {table: facts["checks"] for table, facts in migrated.items()} == {
        table: facts["checks"] for table, facts in wanted.items()
    }
    if engine.dialect.name == "sqlite":
        assert migrated == wanted
    made_at_once.dispose()


def test_a_new_database_has_everything_pending_and_an_upgraded_one_nothing(engine: Engine) -> None:
    assert migrate.is_empty(engine)
    assert migrate.pending(engine) == migrate.revisions() != ()
    migrate.upgrade(engine)
    assert not migrate.is_empty(engine)
    assert migrate.pending(engine) == ()
    assert migrate.upgrade(engine) == ()


def test_several_processes_may_upgrade_at_once(engine: Engine) -> None:
    with ThreadPoolExecutor(4) as pool:
        ran = list(pool.map(lambda _: migrate.upgrade(engine), range(4)))
    assert sorted(ran) == [(), (), (), migrate.revisions()]


def test_the_numbers_of_the_files_are_the_order_of_the_revisions() -> None:
    scripts = ScriptDirectory(str(Path(migrate.__file__).parent / "migrations"))
    chain = [script.revision for script in reversed(list(scripts.walk_revisions()))]
    assert tuple(chain) == migrate.revisions()


@pytest.fixture
def next_version(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A program with one revision more, which changes a table that others refer to."""
    folder = tmp_path / "migrations"
    shutil.copytree(Path(migrate.__file__).parent / "migrations", folder)
    last = migrate.revisions()[-1]
    number = f"{int(last) + 1:04}"
    (folder / "versions" / f"{number}_change.py").write_text(
        f"""
import sqlalchemy as sa
from alembic import op

revision = "{number}"
down_revision = "{last}"
branch_labels = None
depends_on = None


def upgrade():
    with op.batch_alter_table("accounts") as table:
        table.add_column(sa.Column("colour", sa.String(10), nullable=False, server_default="xanh"))
        table.alter_column("status", type_=sa.String(12))
    with op.batch_alter_table("audit") as table:
        table.alter_column("channel", new_column_name="way")
""",
        "utf-8",
    )
    monkeypatch.setattr(migrate, "_FOLDER", folder)
    return number


def test_an_upgrade_keeps_the_data_and_the_references_to_it(
    engine: Engine, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    migrate.upgrade(engine)
    keys = parse_keys(new_keys())
    with engine.connect() as connection, connection.begin():
        if engine.dialect.name == "sqlite":
            connection.exec_driver_sql("BEGIN")
        account = accounts.create(connection, keys, "An", "an", 1)
        accounts.grant(
            connection,
            account_id=account.id,
            role=Role.OFFICER,
            area=HERE,
            valid_from=TODAY,
            valid_to=None,
            granted_by=account.id,
            now=1,
        )
    number = request.getfixturevalue("next_version")
    assert migrate.pending(engine) == (number,)
    assert migrate.upgrade(engine) == (number,)
    with engine.connect() as connection:
        found = connection.execute(text("SELECT os_user, colour FROM accounts")).all()
        assert [tuple(row) for row in found] == [("an", "xanh")]
        assert connection.execute(select(grants.c.account_id, grants.c.role)).all() == [
            (account.id, "officer")
        ]
        assert "way" in {column["name"] for column in inspect(connection).get_columns(audit.name)}
    if engine.dialect.name == "sqlite":
        with engine.connect() as connection:
            assert connection.exec_driver_sql("PRAGMA foreign_keys").scalar() == 1


def test_a_migration_that_fails_changes_nothing(engine: Engine, next_version: str) -> None:
    path = next(migrate._FOLDER.glob(f"versions/{next_version}_*.py"))
    path.write_text(path.read_text("utf-8") + "    raise RuntimeError('half way')\n", "utf-8")
    with pytest.raises(RuntimeError, match="half way"):
        migrate.upgrade(engine)
    assert migrate.is_empty(engine)


def test_a_database_of_a_later_program_is_left_alone(engine: Engine, request: pytest.FixtureRequest) -> None:
    with pytest.MonkeyPatch.context() as later:
        request.getfixturevalue("next_version")
        migrate.upgrade(engine)
        later.undo()
    with pytest.MonkeyPatch.context() as now:
        now.setattr(migrate, "_FOLDER", Path(migrate.__file__).parent / "migrations")
        for look in (migrate.pending, migrate.upgrade):
            with pytest.raises(Problem) as caught:
                look(engine)
            assert caught.value.code == "database_newer"


def test_tables_of_somebody_else_are_left_alone(engine: Engine) -> None:
    with engine.connect() as connection, connection.begin():
        connection.execute(text("CREATE TABLE orders (id INTEGER)"))
    for look in (migrate.pending, migrate.upgrade):
        with pytest.raises(Problem) as caught:
            look(engine)
        assert caught.value.code == "database_foreign"
    assert inspect(engine).get_table_names() == ["orders"]
