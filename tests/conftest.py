"""What every test may ask for.

Tests of coroutines call ``asyncio.run`` themselves: no plugin, no hidden event loop, and what a test starts
ends with it.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests import migrated, postgres

RUN = pytest.StashKey[postgres.Run]()
RUN_FOLDER = pytest.StashKey[Path]()

# Nothing here depends on how fast the machine is. The parent keeps what Hypothesis sets in CI.
settings.register_profile(
    "suite",
    parent=settings.get_profile(settings.get_current_profile_name()),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("suite")


def pytest_addoption(parser: pytest.Parser) -> None:
    """The one flag of this suite's own: see tests/conversations/README.md."""
    parser.addoption(
        "--update-conversations", action="store_true", help="write the bot's side of the transcripts anew"
    )


def pytest_configure(config: pytest.Config) -> None:
    """Make the folder of this run's PostgreSQL server; a worker of pytest-xdist is told its controller's.

    The settings of whoever runs the tests are no part of them.
    """
    for name in [name for name in os.environ if name.startswith("HOIDAN_")]:
        if not name.startswith("HOIDAN_TEST_"):
            del os.environ[name]
    worker = getattr(config, "workerinput", None)
    if worker is not None:
        config.stash[RUN_FOLDER] = Path(worker["postgres_folder"])
    elif not config.option.collectonly:
        config.stash[RUN] = postgres.begin()
        config.stash[RUN_FOLDER] = config.stash[RUN].folder


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: object) -> None:
    """Tell a worker of pytest-xdist where the one server of this run is."""
    node.workerinput["postgres_folder"] = str(node.config.stash[RUN_FOLDER])  # type: ignore[attr-defined]


def pytest_unconfigure(config: pytest.Config) -> None:
    """Stop the server and remove what it left, when all workers are done."""
    if RUN in config.stash:
        config.stash[RUN].close()
        del config.stash[RUN]


def must_have_postgres() -> bool:
    """Whether a missing server is a failure rather than a reason to skip."""
    return os.environ.get("CI") == "true" or os.environ.get("HOIDAN_TEST_POSTGRES") == "required"


@pytest.fixture(scope="session")
def postgres_server(pytestconfig: pytest.Config) -> postgres.Server:
    """The PostgreSQL server of this run, started when the first test asks for it."""
    try:
        return postgres.server_of(pytestconfig.stash[RUN_FOLDER])
    except postgres.NoServer as problem:
        if must_have_postgres():
            pytest.fail(str(problem))
        pytest.skip(str(problem))


@pytest.fixture
def postgres_url(postgres_server: postgres.Server) -> Iterator[str]:
    """The SQLAlchemy URL of a fresh, empty PostgreSQL database."""
    name = postgres_server.create_database()
    yield postgres_server.url(name)
    postgres_server.drop_database(name)


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The SQLAlchemy URL of a fresh database that has its tables: the test runs once on each kind."""
    if request.param == "sqlite":
        yield migrated.put(tmp_path / "hoidan.db")
        return
    server: postgres.Server = request.getfixturevalue("postgres_server")
    name = migrated.create(server)
    yield server.url(name)
    server.drop_database(name)


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The SQLAlchemy URL of a fresh database without tables: the test runs once on each kind."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'hoidan.db'}"
    url: str = request.getfixturevalue("postgres_url")
    return url
