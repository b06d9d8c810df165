"""A census of some households for tests of its progress: written as rows, answered as rows."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import insert, select, update

from storage.schema import cases, households, interviews, steps, submissions
from surveys.areas import AreaKey
from tests.households import settle
from tests.ward import HERE, Ward, publication

DAY = 86_400_000


@dataclass(slots=True)
class Census:
    """An open campaign, and its cases in the order of their households."""

    ward: Ward
    id: int
    code: str
    households: list[int]
    cases: list[int]
    receipts: Any = field(default_factory=lambda: itertools.count(1))

    def change(self, some: Iterable[int], **values: Any) -> None:
        """Write columns of cases."""
        ids = list(some)
        self.ward.database.write(
            lambda c: c.execute(update(cases).where(cases.c.id.in_(ids)).values(**values))
        )

    def write_to(self, some: Iterable[int], times: int, contact: int, *, invited: bool = True) -> None:
        """Write to cases so often; the first message is the invitation, unless they came before."""
        first = 0 if invited else 1
        rows: list[dict[str, Any]] = [
            {
                "case_id": one,
                "step": first + step,
                "at": self.ward.now,
                "contact_id": contact,
                "outbox_key": "",
            }
            for one in some
            for step in range(times)
        ]
        self.ward.database.write(lambda c: c.execute(insert(steps), rows))
        self.change({row["case_id"] for row in rows}, sent=times, last_at=self.ward.now)
        self.ward.database.write(
            lambda c: c.execute(
                update(cases)
                .where(cases.c.id.in_({row["case_id"] for row in rows}), cases.c.disposition == "3.10")
                .values(disposition="2.20")
            )
        )

    def begin(self, some: Iterable[int], at: int) -> None:
        """Begin their questionnaires."""

        def write(connection: Any) -> None:
            for one in some:
                connection.execute(
                    insert(interviews).values(
                        case_id=one,
                        instrument_id=1,
                        stage="main",
                        way="self",
                        document_sealed=b"-",
                        status="open",
                        version=1,
                        started_at=at,
                        changed_at=at,
                    )
                )

        self.ward.database.write(write)

    def hand_in(self, some: Iterable[int], at: int) -> None:
        """Begin and hand in their questionnaires."""
        ids = list(some)
        self.begin(ids, at)

        def write(connection: Any) -> None:
            for one in ids:
                key = connection.execute(
                    select(interviews.c.id).where(interviews.c.case_id == one, interviews.c.stage == "main")
                ).scalar_one()
                connection.execute(
                    insert(submissions).values(
                        interview_id=key,
                        case_id=one,
                        campaign_id=self.id,
                        instrument_id=1,
                        stage="main",
                        revision=1,
                        receipt=f"R{next(self.receipts)}",
                        document_sealed=b"-",
                        channel="webchat",
                        way="self",
                        at=at,
                    )
                )
            connection.execute(
                update(interviews).where(interviews.c.case_id.in_(ids)).values(status="submitted")
            )

        self.ward.database.write(write)
        self.change(ids, disposition="1.1", changed_at=at)

    def name(self, place: int, *, head: str, address: str = "", phone: str = "", code: str = "") -> None:
        """What is known of a household, by its place among the census's."""
        keys = self.ward.keyring
        sealed = {
            f"{name}_sealed": keys.seal(text.encode(), f"households.{name}".encode())
            for name, text in (("head", head), ("address", address), ("phone", phone), ("code", code))
            if text
        }
        key = self.households[place]
        self.ward.database.write(
            lambda c: c.execute(update(households).where(households.c.id == key).values(**sealed))
        )


def census(
    ward: Ward,
    number: int,
    *,
    place: AreaKey = HERE,
    neighbourhoods: Sequence[str] = ("Khu phố 1", "Khu phố 2"),
    **changes: Any,
) -> Census:
    """An open census of ``number`` households of a ward, spread over its neighbourhoods in turn."""
    made = ward.database.write(lambda c: settle(c, place, number, neighbourhoods=neighbourhoods))
    return over(ward, made, place, **changes)


def over(ward: Ward, made: list[int], place: AreaKey = HERE, **changes: Any) -> Census:
    """An open census over households that are there."""
    given = publication("ho", version="1")
    given["definition"]["instrument"]["unit"] = "household"
    ward.act("instrument.publish", **given)
    draft = {"title": "Khảo sát hộ 2026", "mode": "census", "instrument": "ho-v0", **changes}
    campaign = ward.act("campaign.create", **ward.draft(place, **draft))
    ward.act("campaign.open", campaign=campaign["id"])
    key = int(campaign["id"])
    found = select(cases.c.id).where(cases.c.campaign_id == key).order_by(cases.c.household_id)
    ids = list(ward.database.read(lambda c: c.execute(found).scalars()))
    return Census(ward, key, campaign["code"], made, ids)
