"""What is sealed can be opened with its key alone, and found without being read."""

from __future__ import annotations

import base64
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage.crypto import Keyring, keys_beside, new_keys, parse_keys, token, token_digest
from surveys.problems import Problem

OLD = "k1:" + base64.b64encode(bytes(range(32))).decode()
NEW = "k2:" + base64.b64encode(bytes(range(32, 64))).decode()


@given(st.binary(max_size=300), st.binary(min_size=1, max_size=20))
def test_what_was_sealed_opens_for_the_same_use_alone(plain: bytes, use: bytes) -> None:
    keyring = parse_keys(OLD)
    sealed = keyring.seal(plain, use)
    assert keyring.open(sealed, use) == plain
    with pytest.raises(Problem, match="sealed_damaged"):
        keyring.open(sealed, use + b"x")


def test_the_same_text_is_never_sealed_twice_alike() -> None:
    keyring = parse_keys(OLD)
    assert keyring.seal(b"0901234567", b"x") != keyring.seal(b"0901234567", b"x")


@given(st.integers(min_value=0, max_value=60), st.integers(min_value=1, max_value=255))
def test_a_changed_byte_is_noticed(place: int, change: int) -> None:
    keyring = parse_keys(OLD)
    sealed = bytearray(keyring.seal(b"a short secret", b"x"))
    sealed[place % len(sealed)] ^= change
    with pytest.raises(Problem):
        keyring.open(bytes(sealed), b"x")


def test_a_new_key_in_front_still_opens_and_finds_what_the_old_one_wrote() -> None:
    before, after = parse_keys(OLD), parse_keys(f"{NEW},{OLD}")
    assert after.open(before.seal(b"x", b"u"), b"u") == b"x"
    assert before.lookup("contact", "telegram", "5") in after.lookups("contact", "telegram", "5")
    assert after.lookups("contact", "telegram", "5")[0] == after.lookup("contact", "telegram", "5")


def test_what_a_forgotten_key_sealed_stays_shut_and_says_so() -> None:
    with pytest.raises(Problem, match="key_unknown"):
        parse_keys(OLD).open(parse_keys(NEW).seal(b"x", b"u"), b"u")


def test_lookups_keep_their_parts_apart() -> None:
    keyring = parse_keys(OLD)
    assert keyring.lookup("a", "bc") != keyring.lookup("ab", "c")


def test_a_pseudonym_is_stable_when_a_key_is_added() -> None:
    assert parse_keys(OLD).pseudonym(1, 2) == parse_keys(f"{NEW},{OLD}").pseudonym(1, 2)
    assert parse_keys(OLD).pseudonym(1, 2) != parse_keys(OLD).pseudonym(2, 2)


@pytest.mark.parametrize("text", ["", "k1", "k1:AAAA", "k1:%%%", f"{OLD},{OLD}", "k-1:" + OLD[3:]])
def test_malformed_keys_are_refused_without_being_repeated(text: str) -> None:
    with pytest.raises(Problem) as refused:
        parse_keys(text)
    assert OLD[3:] not in str(refused.value)


def test_a_keyring_never_prints_a_key() -> None:
    assert OLD[3:] not in repr(parse_keys(OLD))


def test_a_keys_file_is_made_once_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "hoidan.keys"

    def make(_: int) -> Keyring:
        return keys_beside(path)

    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(make, range(8)))
    assert len({keyring.lookup("x") for keyring in made}) == 1
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [entry.name for entry in tmp_path.iterdir()] == ["hoidan.keys"]


def test_one_time_secrets_are_long_and_stored_as_digests() -> None:
    assert len(token()) >= 43
    assert token() != token()
    assert token_digest("a") != b"a"


def test_new_keys_are_new_each_time_and_can_be_read() -> None:
    first, second = new_keys(), new_keys()
    assert first != second
    assert parse_keys(first).lookup("x") != parse_keys(second).lookup("x")
