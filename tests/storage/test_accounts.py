"""Accounts, grants and one-time secrets as stored."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from sqlalchemy import select, text

from storage import accounts, contacts, tokens
from storage.crypto import Keyring, new_keys, parse_keys
from storage.database import Database
from storage.migrate import upgrade
from storage.schema import tokens as tokens_table
from surveys.problems import Problem
from surveys.roles import Role
from tests.ward import CITY, HERE, NOW, TODAY


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    with Database(database_url) as made:
        upgrade(made.engine)
        yield made


@pytest.fixture
def keyring() -> Keyring:
    return parse_keys(new_keys())


def give(connection: Any, account_id: int, **changes: Any) -> Any:
    given = {"role": Role.ADMINISTRATOR, "area": None, "valid_from": TODAY, "valid_to": None, **changes}
    return accounts.grant(connection, account_id=account_id, granted_by=None, now=NOW, **given)


def test_an_account_is_read_as_it_was_written_and_its_name_is_sealed(
    database: Database, keyring: Keyring
) -> None:
    made = database.write(lambda c: accounts.create(c, keyring, "Nguyễn Văn An", "an", NOW))
    assert database.read(lambda c: accounts.get(c, keyring, made.id)) == made
    assert database.read(lambda c: accounts.of_system_user(c, "an")) == made.id
    (sealed,) = database.read(lambda c: c.execute(text("SELECT name_sealed FROM accounts")).one())
    assert b"An" not in bytes(sealed)


def test_an_account_is_found_by_number_or_by_name_in_any_case(database: Database, keyring: Keyring) -> None:
    made = database.write(lambda c: accounts.create(c, keyring, "Nguyễn Văn An", None, NOW))
    for wanted in (made.id, str(made.id), "Nguyễn Văn An", " nguyễn  văn an"):
        assert database.read(partial(accounts.expect, keyring=keyring, wanted=wanted)) == made
    for wanted in ("Nguyen Van An", "", "99", "9" * 100):
        with pytest.raises(Problem) as caught:
            database.read(partial(accounts.expect, keyring=keyring, wanted=wanted))
        assert (caught.value.code, caught.value.status) == ("account_unknown", 404)


def test_a_name_means_the_account_that_is_still_active(database: Database, keyring: Keyring) -> None:
    def job(connection: Any) -> tuple[int, int]:
        old = accounts.create(connection, keyring, "An", None, NOW)
        accounts.close(connection, old.id, NOW)
        new = accounts.create(connection, keyring, "An", None, NOW)
        return new.id, accounts.expect(connection, keyring, "An").id

    new, found = database.write(job)
    assert found == new


def test_a_system_user_has_one_account(database: Database, keyring: Keyring) -> None:
    database.write(lambda c: accounts.create(c, keyring, "An", "an", NOW))
    with pytest.raises(Problem) as caught:
        database.write(lambda c: accounts.create(c, keyring, "Bình", "an", NOW))
    assert caught.value.code == "system_user_taken"
    database.write(lambda c: accounts.create(c, keyring, "Bình", None, NOW))
    database.write(lambda c: accounts.create(c, keyring, "Châu", None, NOW))


def test_grants_are_read_as_given_and_stay_on_record_when_revoked(
    database: Database, keyring: Keyring
) -> None:
    def job(connection: Any) -> Any:
        account = accounts.create(connection, keyring, "An", None, NOW)
        first = give(connection, account.id, role=Role.OFFICER, area=HERE, valid_to=TODAY + timedelta(days=9))
        second = give(connection, account.id)
        accounts.revoke(connection, first.id, NOW)
        return first, second, accounts.grants_of(connection, account.id)

    first, second, (kept, other) = database.write(job)
    assert other == second
    assert kept.revoked and not first.revoked
    assert (kept.role, kept.area, kept.valid_to) == (Role.OFFICER, HERE, TODAY + timedelta(days=9))


def test_only_active_accounts_that_administer_everything_today_count(
    database: Database, keyring: Keyring
) -> None:
    def job(connection: Any) -> list[int]:
        ids = [accounts.create(connection, keyring, name, None, NOW).id for name in "ABCDEF"]
        give(connection, ids[0])
        give(connection, ids[0], valid_to=TODAY)
        give(connection, ids[1], area=CITY)
        give(connection, ids[2], role=Role.DPO)
        give(connection, ids[3], valid_from=TODAY + timedelta(days=1))
        give(connection, ids[4])
        accounts.close(connection, ids[4], NOW)
        accounts.revoke(connection, give(connection, ids[5]).id, NOW)
        return [accounts.administrators(connection, TODAY)]

    assert database.write(job) == [1]


def test_a_closed_account_has_no_grants_and_no_contacts(database: Database, keyring: Keyring) -> None:
    def job(connection: Any) -> tuple[Any, ...]:
        account = accounts.create(connection, keyring, "An", "an", NOW)
        give(connection, account.id)
        contact = contacts.create(connection, keyring, "telegram", "7", "vi", NOW)
        contacts.bind_account(connection, contact.id, account.id)
        before = accounts.contacts_of(connection, [account.id])
        accounts.close(connection, account.id, NOW)
        after = accounts.contacts_of(connection, [account.id])
        return (
            before == {account.id: [(contact.id, "telegram")]},
            after,
            accounts.grants_of(connection, account.id),
            accounts.of_system_user(connection, "an"),
        )

    assert database.write(job) == (True, {}, [], None)


# One-time secrets


def test_a_secret_is_good_once_for_its_purpose_until_it_expires(database: Database, keyring: Keyring) -> None:
    def job(connection: Any) -> tuple[Any, ...]:
        account = accounts.create(connection, keyring, "An", None, NOW)
        secret = tokens.issue(connection, "invitation", account.id, NOW, 1_000, "nv_")
        late = tokens.issue(connection, "invitation", account.id, NOW, 1_000)
        return (
            secret.startswith("nv_") and len(secret) >= 46,
            tokens.use(connection, "sign-in", secret, NOW),
            tokens.use(connection, "invitation", secret + "x", NOW),
            tokens.use(connection, "invitation", secret, NOW + 999) == account.id,
            tokens.use(connection, "invitation", secret, NOW + 999),
            tokens.use(connection, "invitation", late, NOW + 1_000),
        )

    assert database.write(job) == (True, None, None, True, None, None)


def test_a_secret_is_stored_as_a_digest_alone(database: Database) -> None:
    secret = database.write(lambda c: tokens.issue(c, "invitation", None, NOW, 1_000))
    row = database.read(lambda c: c.execute(select(tokens_table)).one())
    assert secret.encode() not in b"".join(bytes(v) for v in row if isinstance(v, bytes | memoryview))
    assert len(bytes(row.digest)) == 32


def test_old_secrets_are_forgotten(database: Database) -> None:
    def job(connection: Any) -> int:
        tokens.issue(connection, "invitation", None, NOW, 1_000)
        tokens.issue(connection, "invitation", None, NOW, 9_000)
        return tokens.forget_before(connection, NOW + 5_000)

    assert database.write(job) == 1
