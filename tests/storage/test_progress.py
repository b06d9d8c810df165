"""Counting how far a campaign has come, and finding who has not answered, on both kinds of database."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import update

from storage import downloads, progress
from storage.cases import hold
from storage.schema import cases, households
from surveys.campaigns import Mode
from surveys.instruments import Unit
from surveys.progress import Tally, figures
from tests.census import DAY, Census, census
from tests.households import settle
from tests.ward import HERE, NOW, THERE, Ward, found

ZONE = ZoneInfo("Asia/Ho_Chi_Minh")


@pytest.fixture
def ward(database_url: str) -> Iterator[Ward]:
    office = found(database_url)
    yield office
    office.close()


@pytest.fixture
def hundred(ward: Ward) -> Census:
    """A hundred households: some written to, some answered, one refused."""
    made = census(ward, 100)
    contact = ward.resident().contact_id
    assert contact is not None
    made.write_to(made.cases[:40], 1, contact)
    made.write_to(made.cases[40:60], 3, contact)
    made.write_to(made.cases[60:62], 2, contact, invited=False)
    made.hand_in(made.cases[:20], NOW)
    made.hand_in(made.cases[60:61], NOW + DAY)
    made.begin(made.cases[20:25], NOW)
    made.change(made.cases[40:41], disposition="2.11")
    made.change(made.cases[:3], contact_id=contact)
    return made


def counted(ward: Ward, campaign: int, **more: Any) -> list[Tally]:
    return ward.database.read(lambda c: progress.tallies(c, campaign, **more))


def test_every_case_is_counted_by_outcome_beginning_and_reminders(ward: Ward, hundred: Census) -> None:
    whole = figures(counted(ward, hundred.id), Mode.CENSUS)
    assert (whole.cases, whole.complete, whole.refused, whole.unfinished) == (100, 21, 1, 5)
    assert (whole.not_sent, whole.no_reply) == (38, 100 - 38 - 21 - 1 - 5)
    assert whole.invited == 62
    # Of the two who came before they were invited both messages are reminders.
    assert whole.reminded == (22, 22, 0)


def test_neighbourhoods_are_counted_apart(ward: Ward, hundred: Census) -> None:
    tallies = counted(ward, hundred.id)
    by_name = {
        name: sum(one.cases for one in tallies if one.neighbourhood == name)
        for name in ("Khu phố 1", "Khu phố 2")
    }
    assert by_name == {"Khu phố 1": 50, "Khu phố 2": 50}


def test_another_campaign_or_ward_is_not_counted(ward: Ward, hundred: Census) -> None:
    assert counted(ward, ward.here) == []
    assert counted(ward, hundred.id, areas=[THERE[1]]) == []
    assert sum(one.cases for one in counted(ward, hundred.id, areas=[HERE[1], THERE[1]])) == 100


def test_the_channel_is_the_one_a_case_is_in_contact_by(ward: Ward, hundred: Census) -> None:
    web = ward.resident("webchat").contact_id
    assert web is not None
    ward.database.write(lambda c: hold(c, hundred.cases[50], web, NOW))
    tallies = counted(ward, hundred.id, channels=True)
    found = {
        name: sum(one.cases for one in tallies if one.channel == name) for name in ("telegram", "webchat", "")
    }
    assert found == {"telegram": 3, "webchat": 1, "": 96}


def test_the_frame_is_counted_as_it_is_now(ward: Ward, hundred: Census) -> None:
    def count(**more: Any) -> dict[tuple[str, str], int]:
        return ward.database.read(
            lambda c: progress.frame(c, HERE, [HERE[1], THERE[1]], Unit.HOUSEHOLD, **more)
        )

    ward.database.write(lambda c: settle(c, THERE, 7, neighbourhoods=("Khu phố 9",)))
    ward.database.write(lambda c: settle(c, HERE, 3, status="left"))
    code = HERE[1]
    assert count() == {(code, "Khu phố 1"): 50, (code, "Khu phố 2"): 50, (THERE[1], "Khu phố 9"): 7}
    assert count(neighbourhoods=["Khu phố 2"]) == {(code, "Khu phố 2"): 50}


def test_days_are_those_of_the_offices_clock(ward: Ward, hundred: Census) -> None:
    midnight = NOW - 7 * 3_600_000  # 2026-01-05 00:00 in Vietnam
    hundred.hand_in(hundred.cases[70:72], midnight - 1)
    hundred.hand_in(hundred.cases[72:73], midnight)

    def by_day(function: Any) -> dict[date, int]:
        found: dict[date, int] = ward.database.read(lambda c: function(c, hundred.id, ZONE))
        return found

    fourth, fifth, sixth = (date(2026, 1, day) for day in (4, 5, 6))
    assert by_day(progress.handed_in_by_day) == {fourth: 2, fifth: 21, sixth: 1}
    assert by_day(progress.begun_by_day) == {fourth: 2, fifth: 26, sixth: 1}


def test_what_was_answered_last_is_known_also_where_nothing_was_handed_in(ward: Ward) -> None:
    made = census(ward, 5)

    def last() -> int | None:
        return ward.database.read(lambda c: progress.answered_at(c, made.id))

    assert last() is None
    made.hand_in(made.cases[:1], NOW)
    made.begin(made.cases[1:2], NOW + 500)
    assert last() == NOW + 500


# ── who has not answered ────────────────────────────────────────────────────────────────────────────────────


def names(ward: Ward, campaign: int, **more: Any) -> list[int]:
    return ward.database.read(
        lambda c: [one.case_id for one in progress.waiting(c, ward.keyring, campaign, **more)]
    )


def test_who_answered_refused_stopped_or_left_is_not_on_the_list(ward: Ward) -> None:
    made = census(ward, 10, neighbourhoods=("Khu phố 1",))
    for place, code in enumerate(("1.1", "1.2", "2.11", "2.13", "4.10", "4.20", "2.12", "2.20", "3.20")):
        made.change([made.cases[place]], disposition=code)
    # Who said stop half way (2.12) is left alone; who only paused is not.
    made.begin(made.cases[7:8], NOW)
    assert names(ward, made.id) == made.cases[7:]
    ward.database.write(
        lambda c: c.execute(
            update(households).where(households.c.id == made.households[9]).values(status="left")
        )
    )
    assert names(ward, made.id) == made.cases[7:9]
    assert ward.database.read(lambda c: progress.waiting_number(c, made.id)) == 2


def test_the_list_has_what_is_needed_at_the_door(ward: Ward) -> None:
    made = census(ward, 2)
    made.name(1, head="Trần Thị Bé", address="12 Lê Lợi", phone="0901234567", code="H-002")
    contact = ward.resident().contact_id
    assert contact is not None
    made.write_to(made.cases[1:], 2, contact)
    made.begin(made.cases[1:], NOW)
    (one,) = ward.database.read(
        lambda c: list(progress.waiting(c, ward.keyring, made.id, neighbourhoods=["Khu phố 2"]))
    )
    assert (one.name, one.address, one.phone, one.code) == (
        "Trần Thị Bé",
        "12 Lê Lợi",
        "0901234567",
        "H-002",
    )
    assert (one.outcome, one.sent, one.last_at, one.case_id) == ("2.12", 2, NOW, made.cases[1])


def test_the_list_goes_along_places_and_keeps_to_those_asked_for(ward: Ward) -> None:
    made = census(ward, 6, neighbourhoods=("B", "A", ""))
    assert names(ward, made.id) == [made.cases[at] for at in (2, 5, 1, 4, 0, 3)]
    assert names(ward, made.id, neighbourhoods=["A"]) == [made.cases[1], made.cases[4]]
    assert names(ward, made.id, areas=[THERE[1]]) == []
    assert ward.database.read(lambda c: progress.neighbourhoods_of(c, made.id)) == ["", "A", "B"]


def test_who_came_by_themselves_and_is_nobody_of_the_frame_is_not_on_the_list(ward: Ward) -> None:
    made = census(ward, 1)
    ward.database.write(
        lambda c: c.execute(
            cases.insert().values(
                campaign_id=made.id,
                unit="household",
                area_code=HERE[1],
                disposition="2.20",
                created_at=NOW,
                changed_at=NOW,
            )
        )
    )
    assert names(ward, made.id) == made.cases


# ── files ───────────────────────────────────────────────────────────────────────────────────────────────────


def begun(ward: Ward) -> int:
    return ward.database.write(
        lambda c: downloads.begin(
            c,
            kind="waiting",
            account_id=ward.chief,
            campaign_id=ward.here,
            name="ds.xlsx",
            now=NOW,
            length=DAY,
        )
    )


def filled(ward: Ward, data: bytes) -> tuple[int, str]:
    key = begun(ward)

    def fill(connection: Any) -> str:
        downloads.add(connection, key, downloads.pieces(ward.keyring, key, data))
        return downloads.ready(connection, key, 3)

    return key, ward.database.write(fill)


def test_a_file_is_kept_sealed_and_found_by_its_secret_alone(ward: Ward) -> None:
    data = b"Tran Thi Be" * 100_000
    key, secret = filled(ward, data)
    kept = ward.database.read(lambda c: downloads.find(c, secret, NOW))
    assert kept is not None and (kept.id, kept.records, kept.campaign_id) == (key, 3, ward.here)
    assert ward.database.read(lambda c: downloads.content(c, ward.keyring, key)) == data
    assert ward.database.read(lambda c: downloads.find(c, secret[:-1] + "x", NOW)) is None
    plain = ward.database.read(
        lambda c: c.exec_driver_sql("SELECT piece_sealed FROM download_pieces").scalars().all()
    )
    assert len(plain) == 5 and all(b"Tran" not in bytes(piece) for piece in plain)


def test_a_file_that_is_being_made_is_not_found_by_any_secret(ward: Ward) -> None:
    key = begun(ward)
    found_ = ward.database.read(lambda c: downloads.get(c, key, NOW))
    assert found_ is not None and found_.records is None


def test_a_file_that_was_fetched_is_there_for_a_little_while(ward: Ward) -> None:
    key, secret = filled(ward, b"x")

    def find(at: int) -> object:
        return ward.database.read(lambda c: downloads.find(c, secret, at))

    ward.database.write(lambda c: downloads.use(c, key, NOW))
    ward.database.write(lambda c: downloads.use(c, key, NOW + downloads.GRACE_MS - 1))
    assert find(NOW + downloads.GRACE_MS - 1) is not None
    assert find(NOW + downloads.GRACE_MS) is None


def test_files_whose_time_is_over_are_forgotten_with_their_pieces(ward: Ward) -> None:
    key, _ = filled(ward, b"x")
    assert ward.database.write(lambda c: downloads.forget_before(c, NOW + DAY)) == 0
    assert ward.database.write(lambda c: downloads.forget_before(c, NOW + DAY + 1)) == 1
    assert ward.database.read(lambda c: downloads.content(c, ward.keyring, key)) == b""
