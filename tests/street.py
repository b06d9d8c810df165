"""A street of households for tests of invitations and reminders: a census of them, their telephones, a clock
that is moved, and a carrier who brings what waits.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, time
from functools import lru_cache
from typing import Any

from sqlalchemy import func, select

from bot.contacting import Contacting, Ticked, lost, tick, wanted
from bot.messages import ABILITIES, Outgoing
from bot.notices import notice
from storage import contacts, outbox
from storage.crypto import new_keys
from storage.database import Database
from storage.outbox import Settled
from storage.schema import cases, sessions, steps
from tests.conversations.forms import OWN, settings
from tests.forms.build import converted
from tests.households import link, settle
from tests.town import LEGAL, WARD, ZONE, Resident, Town, contacting, found

AREA = ("2025-07-01", "26740")
FIRST_DAY, LAST_DAY = date(2026, 2, 2), date(2026, 3, 1)
"""Monday to Sunday, four weeks; Tết is on 17 February 2026."""


def at(month: int, day: int, hour: int = 8, minute: int = 0) -> int:
    """An instant of 2026 in Vietnam."""
    return round(datetime(2026, month, day, hour, minute, tzinfo=ZONE).timestamp() * 1000)


def local(instant: int) -> datetime:
    return datetime.fromtimestamp(instant / 1000, ZONE)


@lru_cache(maxsize=2)
def questions(unit: str) -> dict[str, Any]:
    """Three questions, asked of households or persons."""
    survey, choices, title, defined = OWN["nho"]
    form = converted(survey, choices, settings("nho", title))
    definition = copy.deepcopy(dict(defined))
    definition["instrument"] |= {"id": f"nho-{unit}", "unit": unit}
    if unit == "household":
        del definition["person"], definition["indicators"]
    return {
        "definition": definition,
        "xform": form.xform,
        "rows": {ref: (place.sheet, place.row) for ref, place in form.rows.items()},
    }


@dataclass(frozen=True, slots=True)
class Sent:
    """A message that arrived."""

    at: int
    contact_id: int
    case_id: int
    step: int
    message: str
    outgoing: Outgoing

    @property
    def when(self) -> datetime:
        return local(self.at)


@dataclass(slots=True)
class Street:
    """``households`` of a census, each with the telephones that were linked with it."""

    town: Town
    to: Contacting
    campaign: int
    code: str
    households: list[int]
    phones: dict[int, list[Resident]]
    keys: str
    sent: list[Sent] = field(default_factory=list)

    # ── the clock ─────────────────────────────────────────────────────────────────────────────────────────

    @property
    def now(self) -> int:
        return self.town.now

    @now.setter
    def now(self, instant: int) -> None:
        self.town.now = instant

    def tick(self) -> Ticked:
        """One run of the scheduler's job."""
        return tick(self.town.database, self.to)

    def carry(self, most: int = 10_000) -> list[Sent]:
        """Bring what waits, as delivery does: claimed, decided on again, sent, settled."""
        brought: list[Sent] = []
        decide = wanted(self.to)

        def claim(connection: Any) -> tuple[list[Any], bool]:
            claimed = outbox.claim_bulk(
                connection, self.town.keyring, "telegram", "carrier", 1, 100, self.now, [self.campaign, None]
            )
            kept = outbox.still_wanted(connection, claimed, decide, "carrier", 1, self.now)
            return kept, bool(claimed)

        more = True
        while more and len(brought) < most:
            kept, more = self.town.database.write(claim)
            settled = []
            for one in kept:
                _, case_id, step = one.key.split(":")
                shown = notice(one.message, one.params, one.language, ABILITIES["telegram"])
                blocked = self.status(one.contact_id) == "blocked"
                if not blocked:
                    brought.append(
                        Sent(self.now, one.contact_id, int(case_id), int(step), one.message, shown)
                    )
                settled.append(Settled(one.id, "dropped" if blocked else "sent"))
            self._settle(settled)
        self.sent += brought
        return brought

    def _settle(self, settled: Sequence[Settled]) -> None:
        self.town.database.write(lambda c: outbox.settle(c, "carrier", 1, settled, self.now))

    def step(self, until: int) -> list[Sent]:
        """Let time pass to when the next case is due, or to ``until``; a tick and the carrier then."""
        planned = self.town.database.read(
            lambda c: c.execute(select(func.min(cases.c.next_at)).where(cases.c.next_at > self.now)).scalar()
        )
        self.now = min(until, planned or until)
        self.tick()
        return self.carry()

    def pass_to(self, instant: int) -> list[Sent]:
        """Let time pass, with a tick and the carrier whenever a case is due, and at the end."""
        self.tick()
        brought = self.carry()
        while self.now < instant:
            brought += self.step(instant)
        return brought

    # ── looking ───────────────────────────────────────────────────────────────────────────────────────────

    def case_of(self, household: int) -> int:
        """The case of a household."""
        return int(self._row(household).id)

    def _row(self, household: int) -> Any:
        statement = select(cases).where(
            cases.c.campaign_id == self.campaign, cases.c.household_id == household
        )
        return self.town.database.read(lambda c: c.execute(statement).one())

    def row(self, household: int) -> Any:
        """The case of a household as it stands."""
        return self._row(household)

    def all_steps(self) -> list[Any]:
        """Every step there is, in order."""
        ordered = select(steps).order_by(steps.c.case_id, steps.c.step)
        return list(self.town.database.read(lambda c: c.execute(ordered).all()))

    def to_household(self, household: int) -> list[Sent]:
        """What a household got, in order."""
        case_id = self.case_of(household)
        return [one for one in self.sent if one.case_id == case_id]

    def status(self, contact_id: int) -> str:
        found = self.town.database.read(lambda c: contacts.get(c, contact_id))
        assert found is not None
        return found.status

    def phone(self, household: int) -> Resident:
        return self.phones[household][0]

    def blocked_at_sending(self, contact_id: int) -> None:
        """The platform says, when we send, that this contact blocked us."""

        def write(connection: Any) -> None:
            contacts.set_status(connection, contact_id, "blocked")
            lost(self.to)(connection, [contact_id], self.now)

        self.town.database.write(write)

    def one_more(self) -> int:
        """A household with a case and no telephone."""

        def write(connection: Any) -> int:
            key = settle(connection, AREA, 1)[0]
            made = cases.insert().values(
                campaign_id=self.campaign,
                unit="household",
                area_code=AREA[1],
                disposition="3.10",
                created_at=self.now,
                changed_at=self.now,
                household_id=key,
                next_at=self.now,
            )
            connection.execute(made)
            return key

        return self.town.database.write(write)

    def another_process(self) -> Street:
        """The same street as another process sees it, with a database connection of its own."""
        town = copy.copy(self.town)
        town.database = Database(str(self.town.database.url.render_as_string(hide_password=False)))
        return Street(
            town, contacting(town), self.campaign, self.code, self.households, self.phones, self.keys
        )


@contextmanager
def street(
    url: str, number: int, *, phones: int = 1, unit: str = "household", **campaign: Any
) -> Iterator[Street]:
    """A street of ``number`` households with telephones, and a census of them that is open; the clock stands
    on Sunday evening before its first day.
    """
    keys = new_keys()
    town = found(url, instruments=(), now=at(2, 1, 19), keys=keys)
    try:
        town.act("instrument.publish", questions(unit))
        households = town.database.write(lambda c: settle(c, AREA, number, people=1))
        there: dict[int, list[Resident]] = {}
        for household in households:
            there[household] = [Resident(town) for _ in range(phones)]
            for one in there[household]:
                one.start()
                _link(town, one, household)
        code = open_census(town, unit, **campaign)
        key = int(town.act("campaign.status", {"campaign": code})["id"])
        yield Street(town, contacting(town), key, code, households, there, keys)
    finally:
        town.close()


def _link(town: Town, one: Resident, household: int) -> None:
    town.database.write(lambda c: link(c, one.contact_id, household))


def open_census(town: Town, unit: str = "household", **changes: Any) -> str:
    """The code of an open census of the households or persons."""
    made = town.act(
        "campaign.create",
        {
            "title": "Khảo sát hộ 2026",
            "area": WARD,
            "mode": "census",
            "starts_on": FIRST_DAY.isoformat(),
            "ends_on": LAST_DAY.isoformat(),
            "reference_date": FIRST_DAY.isoformat(),
            "instrument": f"nho-{unit}",
            "consent": None,
            "legal": {**LEGAL, "basis": "dieu_19"},
            **changes,
        },
    )
    town.act("campaign.open", {"campaign": made["id"]})
    return str(made["code"])


def language(town: Town, contact_id: int, wanted_language: str) -> None:
    """Let a contact speak another language."""
    statement = sessions.update().where(sessions.c.contact_id == contact_id).values(language=wanted_language)
    town.database.write(lambda c: c.execute(statement))


def is_quiet(sent: Sent) -> bool:
    """Whether a message came at an hour at which none may come."""
    return not time(8) <= sent.when.time() < time(20)
