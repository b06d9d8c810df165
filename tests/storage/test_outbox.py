"""The outbox: written once, claimed by one, settled by who claimed it."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import pytest
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from storage import contacts, leases, outbox, tasks
from storage.crypto import Keyring, new_keys, parse_keys
from storage.database import Database
from storage.migrate import upgrade
from storage.outbox import Draft, Settled
from storage.schema import outbox as table

NOW = 1_800_000_000_000


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    with Database(database_url) as opened:
        upgrade(opened.engine)
        yield opened


@pytest.fixture
def keyring() -> Keyring:
    return parse_keys(new_keys())


def person(database: Database, keyring: Keyring, address: str = "5") -> int:
    return database.write(lambda c: contacts.create(c, keyring, "telegram", address, "vi", NOW)).id


def put(database: Database, keyring: Keyring, *drafts: Draft) -> None:
    database.write(lambda c: outbox.queue(c, keyring, drafts, NOW))


def states(database: Database) -> list[str]:
    return [
        row[0] for row in database.read(lambda c: c.execute(select(table.c.state).order_by(table.c.id)).all())
    ]


def test_a_message_is_queued_once_whatever_asks_again(database: Database, keyring: Keyring) -> None:
    draft = Draft("telegram", person(database, keyring), "receipt:1", "receipt.thanks", {"title": "x"})
    put(database, keyring, draft)
    with pytest.raises(IntegrityError):
        put(database, keyring, draft)
    assert states(database) == ["due"]


def test_replies_go_before_bulk_and_nothing_before_its_time(database: Database, keyring: Keyring) -> None:
    who = person(database, keyring)
    put(
        database,
        keyring,
        Draft("telegram", who, "a", "invite", {}, bulk=True),
        Draft("telegram", who, "b", "receipt", {}),
        Draft("telegram", who, "c", "later", {}, due_at=NOW + 1000),
        Draft("webchat", who, "d", "elsewhere", {}),
    )
    claimed = database.write(lambda c: outbox.claim(c, keyring, "telegram", "me", 1, 10, NOW))
    assert [one.message for one in claimed] == ["receipt", "invite"]
    assert claimed[0].attempts == 1
    assert not database.write(lambda c: outbox.claim(c, keyring, "telegram", "me", 1, 10, NOW))
    later = database.write(lambda c: outbox.claim(c, keyring, "telegram", "me", 1, 10, NOW + 1000))
    assert [one.message for one in later] == ["later"]


def test_only_who_claimed_a_message_in_this_epoch_may_settle_it(database: Database, keyring: Keyring) -> None:
    put(database, keyring, Draft("telegram", person(database, keyring), "a", "x", {}))
    [one] = database.write(lambda c: outbox.claim(c, keyring, "telegram", "me", 3, 10, NOW))
    for holder, epoch in (("you", 3), ("me", 2)):
        database.write(
            partial(outbox.settle, holder=holder, epoch=epoch, settled=[Settled(one.id, "sent")], now=NOW)
        )
        assert states(database) == ["claimed"]
    database.write(lambda c: outbox.settle(c, "me", 3, [Settled(one.id, "sent")], NOW))
    assert states(database) == ["sent"]


def test_what_an_ended_lease_had_claimed_in_bulk_is_unknown_and_never_sent_by_itself(
    database: Database, keyring: Keyring
) -> None:
    who = person(database, keyring)
    put(
        database,
        keyring,
        Draft("telegram", who, "a", "invite", {}, bulk=True),
        Draft("telegram", who, "b", "receipt", {}),
    )
    database.write(lambda c: outbox.claim(c, keyring, "telegram", "me", 1, 10, NOW))
    assert database.write(lambda c: outbox.orphan(c, "telegram", 1, NOW)) == (0, 0)
    assert database.write(lambda c: outbox.orphan(c, "telegram", 2, NOW)) == (1, 1)
    assert states(database) == ["unknown", "due"]
    again = database.write(lambda c: outbox.claim(c, keyring, "telegram", "you", 2, 10, NOW + 10**9))
    assert [one.message for one in again] == ["receipt"]


def test_what_is_written_to_the_outbox_can_not_be_read_there(database: Database, keyring: Keyring) -> None:
    put(
        database,
        keyring,
        Draft("telegram", person(database, keyring), "a", "x", {"text": "bí mật của bà Năm"}),
    )
    [sealed] = database.read(lambda c: c.execute(select(table.c.params_sealed)).scalars().all())
    assert "bí mật".encode() not in bytes(sealed)


def test_a_halt_holds_for_the_whole_channel_and_can_be_renewed(database: Database) -> None:
    def until(channel: str) -> int:
        return database.read(lambda c: outbox.standing(c, channel)).halted_until

    assert until("telegram") == 0
    for wait in (5_000, 9_000, 4_000):
        database.write(partial(outbox.halt, channel="telegram", until=NOW + wait, now=NOW))
        assert until("telegram") == NOW + max(wait, 5_000 if wait == 5_000 else 9_000)
    assert until("zalo") == 0


def test_a_lease_is_one_holders_until_it_lapses_and_then_has_a_new_epoch(database: Database) -> None:
    def take(holder: str, now: int) -> int | None:
        return database.write(lambda c: leases.take(c, "delivery:telegram", holder, now, 100))

    assert take("a", NOW) == 1
    assert take("b", NOW + 50) is None
    assert take("a", NOW + 90) == 1
    assert take("b", NOW + 150) is None
    assert take("b", NOW + 191) == 2
    assert take("a", NOW + 200) is None
    database.write(lambda c: leases.release(c, "delivery:telegram", "b"))
    assert take("a", NOW + 210) == 3


def test_a_task_is_one_workers_until_it_lapses_and_is_then_taken_again(
    database: Database, keyring: Keyring
) -> None:
    key = database.write(lambda c: tasks.queue(c, keyring, "count", {"campaign": 1}, None, None, NOW))
    first = database.write(lambda c: tasks.claim(c, keyring, "a", NOW, 100))
    assert first is not None
    assert (first.id, first.arguments, first.attempts) == (key, {"campaign": 1}, 1)
    assert database.write(lambda c: tasks.claim(c, keyring, "b", NOW + 50, 100)) is None
    database.write(lambda c: tasks.keep(c, key, "a", 40, NOW + 60, 100))
    assert database.write(lambda c: tasks.claim(c, keyring, "b", NOW + 150, 100)) is None
    again = database.write(lambda c: tasks.claim(c, keyring, "b", NOW + 161, 100))
    assert again is not None and again.attempts == 2
    assert not database.write(lambda c: tasks.finish(c, keyring, key, "a", {}, NOW + 170))
    assert database.write(lambda c: tasks.finish(c, keyring, key, "b", {"n": 1}, NOW + 170))
    assert database.write(lambda c: tasks.claim(c, keyring, "a", NOW + 999, 100)) is None


def test_a_contact_is_found_by_its_address_and_the_address_can_not_be_read(
    database: Database, keyring: Keyring
) -> None:
    who = person(database, keyring, "0901234567")
    found = database.write(
        lambda c: contacts.find(c, keyring, [("telegram", "0901234567"), ("telegram", "1")])
    )
    assert [(key, contact.id) for key, contact in found.items()] == [(("telegram", "0901234567"), who)]
    assert database.read(lambda c: contacts.addresses(c, keyring, [who])) == {who: "0901234567"}
    assert database.read(lambda c: contacts.find_unlocked(c, keyring, "webchat", "0901234567")) is None
    database.write(lambda c: contacts.set_status(c, who, "blocked"))
    assert database.read(lambda c: contacts.addresses(c, keyring, [who])) == {}
