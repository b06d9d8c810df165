"""The installation of a ward: its database, the processes that serve it, and the commands its staff give."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, func, select

from bot.actions import Act, Actor, perform
from bot.doubles.telegram import BotApiDouble
from bot.settings import Settings, keyring, load
from storage import areas, contacts, invitations
from storage.crypto import Keyring, keys_beside
from storage.database import Database
from storage.migrate import upgrade
from storage.schema import campaigns, cases, contact_links, households, outbox, tasks
from tests.simulation.audit import local
from tests.simulation.clock import VARIABLE, Clock
from tests.simulation.people import Home
from tests.simulation.relay import Relay
from tests.street import questions
from tests.town import AREAS, LEGAL, WARD

HOME = Path(__file__).resolve().parent.parent.parent
SECRET = "s3cret"
FIRST_DAY = date(2026, 2, 2)
"""A Monday, two weeks before Tết."""
NEIGHBOURHOODS = 60
PER_SECOND = 500
"""What the platform takes of us: the paid tier, as far as two cores carry it."""


class Ward:
    """The installation: settings, database, two servers, and the commands that staff give."""

    def __init__(
        self, folder: Path, database_url: str, clock: Clock, relay: Relay, ports: Sequence[int]
    ) -> None:
        self.folder = folder
        self.clock = clock
        self.ports = ports
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith(("HOIDAN_", "PG"))},
            "HOIDAN_DATABASE_URL": database_url,
            "HOIDAN_KEYS_FILE": str(folder / "keys"),
            "HOIDAN_PUBLIC_URL": f"http://127.0.0.1:{relay.port}",
            "HOIDAN_LOG_LEVEL": "warning",
            "HOIDAN_TELEGRAM_CHAT_BURST": "0",
            "HOIDAN_TELEGRAM_PER_SECOND": str(PER_SECOND),
            VARIABLE: str(folder / "clock"),
        }
        self.database: Database
        self.keys: Keyring
        self.servers: dict[int, subprocess.Popen[bytes]] = {}
        self.code = ""
        self.campaign = 0
        self._started = 0

    @property
    def settings(self) -> Settings:
        return load(self.environment)

    def on_telegram(self, api: BotApiDouble) -> None:
        """Be on the platform ``api``, with a webhook."""
        self.environment.update(
            HOIDAN_TELEGRAM_TOKEN=api.token,
            HOIDAN_TELEGRAM_API_BASE=api.base_url,
            HOIDAN_TELEGRAM_MODE="webhook",
            HOIDAN_TELEGRAM_WEBHOOK_SECRET=SECRET,
        )

    # ── commands ────────────────────────────────────────────────────────────────────────────────────────────

    def run(self, *arguments: str) -> Any:
        """A command of the command line, by the moved clock: what it prints as JSON."""
        done = subprocess.run(
            [sys.executable, "-m", "tests.simulation.moved", *arguments, "--json"],
            cwd=HOME, env=self.environment, capture_output=True, text=True, timeout=600, check=False,
        )  # fmt: skip
        if done.returncode:
            raise AssertionError(f"hoidan {' '.join(arguments)}: {done.stderr}")
        return json.loads(done.stdout)

    # ── servers ─────────────────────────────────────────────────────────────────────────────────────────────

    def start(self, port: int) -> None:
        """Start a server."""
        self._started += 1
        with (self.folder / f"serve-{self._started:04}.log").open("wb") as log:
            self.servers[port] = subprocess.Popen(
                [sys.executable, "-m", "tests.simulation.moved", "serve", "--port", str(port)],
                cwd=HOME,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=log,
                start_new_session=True,
            )

    def kill(self, port: int) -> None:
        """SIGKILL to a server and all it started."""
        process = self.servers[port]
        with suppress(ProcessLookupError):
            os.killpg(process.pid, 9)
        process.wait()

    def stop(self) -> None:
        """End all servers."""
        for port in self.servers:
            self.kill(port)

    def log(self) -> list[str]:
        """What the servers said that is no plain fact of a kill, each kind of line once."""
        lines = Counter[str]()
        for path in sorted(self.folder.glob("serve-*.log")):
            for line in path.read_text("utf-8", "replace").splitlines():
                lines["".join("#" if sign.isdigit() else sign for sign in line)[-160:]] += 1
        return [f"{number} × {line}" for line, number in lines.most_common(40)]

    # ── setting up ──────────────────────────────────────────────────────────────────────────────────────────

    def found(self, homes: Sequence[Home]) -> None:
        """Accounts, areas, the form, the frame with its households, and the telephones known of them."""
        keys_beside(Path(self.environment["HOIDAN_KEYS_FILE"]))
        self.keys = keyring(self.settings)
        self.database = Database(self.settings.database)
        upgrade(self.database.engine)
        now = self.clock.now()
        self.database.write(lambda connection: areas.put(connection, AREAS, now))
        self.run("account", "create", "Trần Thị Lan")
        self.run("account", "create", "Lê Văn Hùng")
        self.run("account", "grant", "Lê Văn Hùng", "approver", "--area", WARD)
        self.run("account", "grant", "Lê Văn Hùng", "ward_staff", "--area", WARD)
        actor = Actor(account_id=1)
        self.database.write(
            lambda connection: perform(
                Act(connection, self.keys, actor, now, local(now).date(), "cli"),
                "instrument.publish",
                questions("household"),
            )
        )
        self._take_in(homes)

    def _take_in(self, homes: Sequence[Home]) -> None:
        """Import the list of households, and write down which telephones are theirs."""
        path = self.folder / "households.csv"
        with path.open("w", encoding="utf-8-sig", newline="") as file:
            rows = csv.writer(file)
            rows.writerow(("Mã hộ", "Khu phố/tổ dân phố", "Địa chỉ", "Họ và tên", "Quan hệ với chủ hộ"))
            for home in homes:
                place = home.number % NEIGHBOURHOODS + 1
                rows.writerow(
                    (
                        f"H{home.number:06}",
                        f"Khu phố {place}",
                        f"{home.number} Lê Lợi",
                        f"Nguyễn Văn {home.number}",
                        "Chủ hộ",
                    )
                )
        self.run("import", "households", str(path), "--area", WARD)
        in_order = select(households.c.id).order_by(households.c.id)
        ids = list(self.database.read(lambda c: c.execute(in_order).scalars().all()))
        assert len(ids) == len(homes), f"{len(ids)} households of {len(homes)}"
        self._ids = dict(zip((home.number for home in homes), ids, strict=True))
        known: dict[int, int] = {}
        for begin in range(0, len(homes), 500):
            piece = homes[begin : begin + 500]
            self.database.write(partial(self._link, homes=piece, known=known))

    def _link(self, connection: Connection, homes: Sequence[Home], known: dict[int, int]) -> None:
        now, rows = self.clock.now(), []
        for home in homes:
            for chat in home.chats if home.kind.phones else ():
                if chat not in known:
                    made = contacts.create(connection, self.keys, "telegram", str(chat), "vi", now)
                    known[chat] = made.id
                rows.append(
                    {
                        "contact_id": known[chat],
                        "household_id": self._ids[home.number],
                        "person_id": None,
                        "since": now,
                        "how": "staff",
                    }
                )
        if rows:
            connection.execute(contact_links.insert(), rows)

    def open(self, homes: Sequence[Home], last_day: date) -> None:
        """Make the campaign, have it approved by the other account, open it; everybody gets their code."""
        legal = {**LEGAL, "basis": "dieu_19"}
        texts = (
            "controller",
            "address",
            "phone",
            "purpose",
            "storage_place",
            "retention_days",
            "dpo_contact",
        )
        made = self.run(
            "campaign", "create", "Khảo sát hộ 2026", "--area", WARD, "--mode", "census",
            "--instrument", "nho-household", "--starts", str(FIRST_DAY), "--ends", str(last_day),
            "--reference-date", str(FIRST_DAY), "--internal", "--basis", "dieu_19",
            *(each for name in texts for each in (f"--{name.replace('_', '-')}", str(legal[name]))),
        )  # fmt: skip
        self.code, self.campaign = made["code"], int(made["id"])
        if len(homes) > 1_000:
            self.run("campaign", "approve", self.code, str(len(homes)), "--as", "Lê Văn Hùng")
        self.run("campaign", "open", self.code)

    def know_cases(self, homes: Sequence[Home]) -> None:
        """Which case and code each household has."""
        rows = select(cases.c.household_id, cases.c.id).where(cases.c.campaign_id == self.campaign)
        by_household = {row[0]: row[1] for row in self.database.read(lambda c: c.execute(rows).all())}
        assert len(by_household) == len(homes), f"{len(by_household)} cases of {len(homes)}"
        codes = self.database.write(
            lambda c: invitations.codes(c, self.keys, self.campaign, by_household.values())
        )
        for home in homes:
            home.case = by_household[self._ids[home.number]]
            home.code = codes[home.case]

    # ── looking ─────────────────────────────────────────────────────────────────────────────────────────────

    def look(self) -> tuple[int, int | None]:
        """*(what is still to do at this moment, when the next case is due)*."""
        now = self.clock.now()

        def read(connection: Connection) -> tuple[int, int | None]:
            campaign = connection.execute(
                select(campaigns).where(campaigns.c.id == self.campaign)
            ).one_or_none()
            to_do = connection.execute(
                select(func.count()).select_from(tasks).where(tasks.c.state.in_(("due", "running")))
            ).scalar_one()
            waiting = select(func.count()).where(outbox.c.state.in_(("due", "claimed")))
            asking = (
                campaign is not None
                and campaign.status == "open"
                and not campaign.opening_at
                and campaign.starts_on <= f"{local(now):%Y-%m-%d}" <= campaign.ends_on
            )
            if campaign is not None and campaign.status == "paused":
                waiting = waiting.where(outbox.c.bulk.is_(False))
            to_do += connection.execute(waiting).scalar_one()
            following = None
            if campaign is not None and asking:
                to_do += bool(campaign.look_again)
                mine = cases.c.campaign_id == self.campaign
                to_do += connection.execute(
                    select(func.count()).where(mine, cases.c.next_at <= now)
                ).scalar_one()
                following = connection.execute(
                    select(func.min(cases.c.next_at)).where(mine, cases.c.next_at > now)
                ).scalar_one()
            elif campaign is not None and campaign.opening_at:
                to_do += 1
            return int(to_do), following

        return self.database.read(read)

    def under_way(self) -> int:
        """How many of our messages are claimed."""
        claimed = select(func.count()).where(outbox.c.state == "claimed", outbox.c.bulk)
        return int(self.database.read(lambda c: c.execute(claimed).scalar_one()))

    def close(self) -> None:
        """Leave the database."""
        if hasattr(self, "database"):
            self.database.close()
