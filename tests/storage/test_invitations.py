"""Personal codes and the cases they lead to, as stored."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest
from sqlalchemy import Connection

from storage import areas, campaigns, cases, contacts, instruments, invitations
from storage.campaigns import Draft
from storage.crypto import Keyring, parse_keys
from storage.database import Database
from storage.instruments import StoredForm
from storage.migrate import upgrade
from surveys.areas import Area
from surveys.campaigns import Legal, Mode, Status
from surveys.instruments import Unit
from surveys.personal_codes import read
from surveys.placenames import Level

VINTAGE = "2025-07-01"
CITY, WARD = (VINTAGE, "79"), (VINTAGE, "26740")
TODAY = date(2026, 3, 5)
OLD, NEW = (
    f"{name}:{base64.b64encode(bytes([byte]) * 32).decode()}" for name, byte in (("k1", 1), ("k2", 2))
)


def keyring(*keys: str) -> Keyring:
    return parse_keys(",".join(keys))


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    with Database(database_url) as opened:
        upgrade(opened.engine)
        since = date(2025, 7, 1)
        opened.write(
            lambda c: areas.put(
                c,
                [
                    Area(VINTAGE, "79", "Hồ Chí Minh", "thành phố", Level.PROVINCE, None, since),
                    Area(VINTAGE, "26740", "Sài Gòn", "phường", Level.COMMUNE, "79", since),
                    Area(VINTAGE, "26743", "Bến Thành", "phường", Level.COMMUNE, "79", since),
                ],
                0,
            )
        )
        yield opened


def campaign(
    connection: Connection, code: str, area: tuple[str, str] = WARD, name: str = "a", **other: date
) -> int:
    """An open campaign that asks an instrument of that name."""
    form = StoredForm("0" * 63 + name, name, "1", name, "<x/>", "{}")
    edition, _ = instruments.publish(connection, name=name, version="1", form=form, definition="{}", now=0)
    days: dict[str, Any] = {"starts_on": TODAY, "ends_on": TODAY, "reference_date": TODAY, **other}
    made = campaigns.create(
        connection,
        Draft(
            title=code,
            instrument_id=edition.id,
            consent_id=None,
            mode=Mode.OPEN,
            area=area,
            legal=Legal(),
            **days,
        ),
        lambda: code,
        None,
        0,
    )
    campaigns.set_status(connection, made.id, Status.OPEN, 0)
    return made.id


def household(connection: Connection, keys: Keyring, campaign_id: int, address: str = "1") -> int:
    contact = contacts.create(connection, keys, "webchat", address, "vi", 0)
    campaign = campaigns.expect(connection, campaign_id)
    return cases.another(connection, campaign, contact.id, Unit.HOUSEHOLD, 0)


def invited(connection: Connection, keys: Keyring, campaign_id: int, home: int, member: int = 1) -> int:
    return invitations.invite(
        connection,
        keys,
        campaign_id=campaign_id,
        household_id=home,
        member=member,
        area_code="26740",
        brought={"sinh_ho_so": "05/2004"},
        now=0,
    )


def test_a_code_leads_to_its_case_with_what_the_roster_knows(database: Database) -> None:
    keys = keyring(OLD)

    def play(connection: Connection) -> None:
        key = campaign(connection, "AAAA22")
        home = household(connection, keys, key)
        case = invited(connection, keys, key, home, member=3)
        code = read(invitations.code(connection, keys, key, case))
        assert code is not None
        found = invitations.find(connection, keys, *code)
        assert found is not None
        assert (found.case_id, found.household_id, found.member, found.withdrawn) == (case, home, 3, False)
        assert found.brought == {"sinh_ho_so": "05/2004"}
        assert invitations.of_household(connection, keys, home) == {3: found}
        assert invitations.household_of(connection, case) == (key, home)
        assert invitations.household_of(connection, home) is None

    database.write(play)


def test_the_tag_of_one_case_opens_no_other(database: Database) -> None:
    keys = keyring(OLD)

    def play(connection: Connection) -> None:
        key, other = campaign(connection, "AAAA22"), campaign(connection, "BBBB22")
        home = household(connection, keys, key)
        case = invited(connection, keys, key, home)
        second = invited(connection, keys, other, home, member=2)
        code = read(invitations.code(connection, keys, key, case))
        assert code is not None
        tag = code[1]
        assert invitations.find(connection, keys, second, tag) is None
        assert invitations.find(connection, keys, case + 100, tag) is None
        assert invitations.find(connection, keys, case, bytes([tag[0] ^ 1]) + tag[1:]) is None
        assert invitations.find(connection, keys, case, bytes(5)) is None

    database.write(play)


def test_without_a_first_code_nothing_opens_a_campaigns_cases(database: Database) -> None:
    keys = keyring(OLD)

    def play(connection: Connection) -> None:
        key = campaign(connection, "AAAA22")
        case = invited(connection, keys, key, household(connection, keys, key))
        assert invitations.find(connection, keys, case, bytes(5)) is None
        assert invitations.find(connection, keys, case, keys.code_tag("k1", key, case)) is None

    database.write(play)


def test_codes_of_a_campaign_stay_as_they_are_when_keys_rotate(database: Database) -> None:
    before, after = keyring(OLD), keyring(NEW, OLD)

    def play(connection: Connection) -> None:
        key = campaign(connection, "AAAA22")
        home = household(connection, before, key)
        case = invited(connection, before, key, home)
        code = invitations.code(connection, before, key, case)
        assert invitations.code(connection, after, key, case) == code
        read_code = read(code)
        assert read_code is not None
        assert invitations.find(connection, after, *read_code) is not None
        later = campaign(connection, "BBBB22")
        fresh = invited(connection, after, later, home, member=2)
        made = read(invitations.code(connection, after, later, fresh))
        assert made is not None
        assert made[1] == after.code_tag("k2", later, fresh)

    database.write(play)


def test_people_are_invited_to_the_nearest_running_campaign_that_asks_it(database: Database) -> None:
    keys = keyring(OLD)

    def play(connection: Connection) -> list[str | None]:
        campaign(connection, "AAAA22", CITY)
        campaign(connection, "BBBB22", name="b")
        campaign(connection, "CCCC22", (VINTAGE, "26743"))
        found = [invitations.campaign_asking(connection, "a", WARD, TODAY)]
        campaign(connection, "DDDD22")
        found.append(invitations.campaign_asking(connection, "a", WARD, TODAY))
        found.append(invitations.campaign_asking(connection, "a", WARD, date(2026, 3, 6)))
        found.append(invitations.campaign_asking(connection, "nobody", WARD, TODAY))
        found.append(invitations.campaign_asking(connection, "a", (VINTAGE, "99"), TODAY))
        return [None if one is None else one[1] for one in found]

    assert keys.code_key == "k1"
    assert database.write(play) == ["AAAA22", "DDDD22", None, None, None]


def test_a_case_is_begun_once_somebody_holds_it(database: Database) -> None:
    keys = keyring(OLD)

    def play(connection: Connection) -> None:
        key = campaign(connection, "AAAA22")
        home = household(connection, keys, key)
        first, second = (invited(connection, keys, key, home, member) for member in (1, 2))
        contact = contacts.create(connection, keys, "webchat", "2", "vi", 0)
        cases.hold(connection, second, contact.id, 0)
        assert invitations.begun(connection, [first, second]) == {second}
        assert invitations.begun(connection, []) == set()

    database.write(play)


def test_wrong_codes_are_counted_for_a_while_and_then_forgotten(database: Database) -> None:
    keys = keyring(OLD)

    def play(connection: Connection) -> None:
        mine, other = (contacts.create(connection, keys, "webchat", name, "vi", 0).id for name in "12")
        for at in (100, 200, 300):
            invitations.note_wrong(connection, mine, at, 0)
        assert [invitations.wrong(connection, mine, since) for since in (0, 150, 300)] == [3, 2, 0]
        assert invitations.wrong(connection, other, 0) == 0
        invitations.note_wrong(connection, mine, 400, 250)
        assert invitations.wrong(connection, mine, 0) == 2

    database.write(play)
