"""A small town for tests: a database with an administrator, areas, instruments, and campaigns to answer."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import yaml

from bot.actions import Act, Actor, perform
from bot.authoring.convert import Converted, convert
from bot.commands import RESIDENT
from bot.contacting import Contacting
from bot.desk import Desk
from bot.leaflets import Links
from bot.messages import Inbound, Outgoing, What
from bot.questionnaires import Shelf
from bot.readings import finish
from bot.staff import STAFF
from bot.turns import Turned, Turns
from storage import areas, contacts
from storage.crypto import Keyring, new_keys, parse_keys
from storage.database import Database, now_ms
from storage.migrate import upgrade
from surveys.areas import Area
from surveys.placenames import Level
from tests import migrated

LIBRARY = Path(__file__).parent.parent / "surveys" / "library"
ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
WARD = "2025-07-01/26740"
"""Phường Sài Gòn."""
_VINTAGE = "2025-07-01"
AREAS = [
    Area(_VINTAGE, code, name, type_, level, parent, date(2025, 7, 1))
    for code, name, type_, level, parent in (
        ("79", "Hồ Chí Minh", "thành phố", Level.PROVINCE, None),
        ("26740", "Sài Gòn", "phường", Level.COMMUNE, "79"),
        ("26743", "Bến Thành", "phường", Level.COMMUNE, "79"),
    )
]

LEGAL = {
    "controller": "UBND phường Sài Gòn",
    "address": "45-47 Lê Duẩn",
    "phone": "028 3829 7000",
    "purpose": "thống kê năng lực thông tin và kỹ năng sống",
    "storage_place": "máy chủ của phường",
    "retention_days": 90,
    "dpo_contact": "dpo@phuong.example",
    "basis": "dong_y",
    "internal": True,
}


@lru_cache(maxsize=64)
def converted(path: Path) -> Converted:
    """A form converted once per run of the tests."""
    return convert(path)


def publication(folder: Path) -> dict[str, Any]:
    """The arguments that publish the instrument in ``folder``."""
    made = converted(folder / "form.xlsx")
    return {
        "definition": yaml.safe_load((folder / "instrument.yaml").read_text("utf-8")),
        "xform": made.xform,
        "rows": {ref: (row.sheet, row.row) for ref, row in made.rows.items()},
    }


@dataclass(slots=True)
class Town:
    """What a test acts on. ``now`` is the clock, in milliseconds; move it as you like."""

    database: Database
    keyring: Keyring
    shelf: Shelf
    desk: Desk
    turns: Turns
    admin: int
    now: int

    def act(self, name: str, arguments: Mapping[str, Any] | None = None, account: int | None = None) -> Any:
        """Have an action done by ``account`` (the administrator by default)."""
        done = self.database.write(
            lambda connection: perform(
                Act(
                    connection=connection,
                    keyring=self.keyring,
                    actor=Actor(account_id=self.admin if account is None else account),
                    now_ms=self.now,
                    today=self.today,
                    channel="test",
                ),
                name,
                arguments or {},
            )
        )
        return finish(self.database, done)

    @property
    def today(self) -> date:
        return datetime.fromtimestamp(self.now / 1000, ZONE).date()

    def campaign(self, *, basis: str = "dong_y", instrument: str = "nltt-kns-v0", **changes: Any) -> str:
        """The code of an open campaign."""
        made = self.act(
            "campaign.create",
            {
                "title": "Khảo sát năm 2026",
                "area": WARD,
                "starts_on": self.today.isoformat(),
                "ends_on": (self.today + timedelta(days=30)).isoformat(),
                "reference_date": self.today.isoformat(),
                "instrument": instrument,
                "consent": "dong-y-v0" if basis == "dong_y" else None,
                "legal": {**LEGAL, "basis": basis},
                **changes,
            },
        )
        self.act("campaign.open", {"campaign": made["id"]})
        code: str = made["code"]
        return code

    def close(self) -> None:
        self.database.close()


def found(
    url: str,
    *,
    instruments: tuple[str, ...] = ("dong_y", "nguoi_lao_dong"),
    now: int | None = None,
    keys: str | None = None,
) -> Town:
    """A town on the empty database at ``url``; its clock stands at ``now`` (ms), or tells the time. ``keys``
    are its own unless given.
    """
    file = Path(url.removeprefix("sqlite:///"))
    if url.startswith("sqlite:///") and not file.exists():
        migrated.put(file)
    database = Database(url)
    upgrade(database.engine)
    keyring = parse_keys(keys or new_keys())
    shelf, desk = Shelf(), Desk(RESIDENT, STAFF)
    town = Town(database, keyring, shelf, desk, None, 0, now or now_ms())  # type: ignore[arg-type]
    town.turns = Turns(database, keyring, shelf, desk, ZONE, clock=lambda: town.now)
    made = database.write(
        lambda connection: perform(
            Act(connection, keyring, Actor(system_user="tester"), town.now, town.today, "test"),
            "account.create",
            {"name": "Quản trị"},
        )
    )
    town.admin = made["id"]
    database.write(lambda connection: areas.put(connection, AREAS, town.now))
    for folder in instruments:
        town.act("instrument.publish", publication(LIBRARY / folder))
    return town


def contacting(town: Town) -> Contacting:
    """What is needed to write to the town's people of our own accord, with its clock."""
    links = Links("https://hoidan.example", "hoidan_bot")
    return Contacting(town.keyring, ZONE, town.shelf, lambda: links, clock=lambda: town.now)


class Resident:
    """A person on one channel, at the level of turns: what a channel would pass on, and what it would
    show.
    """

    _numbers = itertools.count(1)

    def __init__(
        self, town: Town, channel: str = "telegram", address: str = "", language: str = "vi"
    ) -> None:
        self.town = town
        self.channel = channel
        self.address = address or str(1000 + next(self._numbers))
        self.language = language
        self.seen: list[Outgoing] = []

    def send(
        self, what: What, *, text: str = "", data: str = "", message: str = "", event_id: str = ""
    ) -> Turned:
        inbound = Inbound(
            self.channel,
            event_id or f"e{next(self._numbers)}",
            self.address,
            what,
            text,
            data,
            message,
            language=self.language,
        )
        turned = self.town.turns.take(inbound).result(30)
        if turned.reply is not None:
            self.seen.append(turned.reply)
        return turned

    def start(self, code: str = "") -> Outgoing | None:
        return self.send(What.OPENED, text=code).reply

    def say(self, text: str, **parts: str) -> Outgoing | None:
        return self.send(What.TEXT, text=text, **parts).reply

    def tap(self, label: str, message: Outgoing | None = None) -> Outgoing | None:
        """Tap the button with this label, or whose label starts with it, on the last message or another."""
        shown = message or self.last
        buttons = [button for row in shown.rows for button in row]
        found = [b for b in buttons if b.label == label] or [b for b in buttons if label in b.label]
        assert found, f"no button {label!r} among {[b.label for b in buttons]}"
        return self.send(What.TAP, data=found[0].data, message="1").reply

    @property
    def last(self) -> Outgoing:
        return self.seen[-1]

    @property
    def contact_id(self) -> int:
        known = self.town.database.read(
            lambda connection: contacts.find_unlocked(
                connection, self.town.keyring, self.channel, self.address
            )
        )
        assert known is not None
        return known
