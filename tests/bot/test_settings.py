"""Settings: what is read from the environment, what is refused, and what is never shown."""

from __future__ import annotations

import stat
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.problems import explain
from bot.settings import SETTINGS, keyring, keys_path, load
from bot.texts import LANGUAGES, has
from storage.crypto import new_keys
from surveys.problems import Problem

TOKEN = "123456:AAabcdefghijklmnop-qrs"


def refused(environment: dict[str, str]) -> Problem:
    with pytest.raises(Problem) as caught:
        load(environment)
    return caught.value


def test_without_any_variable_the_defaults_hold() -> None:
    settings = load({})
    assert settings.database_file == Path("var/hoidan.db")
    assert (settings.public_url, settings.host, settings.port) == ("http://127.0.0.1:8080", "127.0.0.1", 8080)
    assert (settings.time_zone.key, settings.log_level, settings.trusted_proxies) == (
        "Asia/Ho_Chi_Minh",
        "info",
        (),
    )
    assert not settings.telegram
    assert settings.telegram_api_base == "https://api.telegram.org"
    assert (settings.telegram_mode, settings.telegram_webhook_path) == ("polling", "/telegram/webhook")


def test_an_empty_variable_counts_as_not_set() -> None:
    assert load({setting.name: " " for setting in SETTINGS}) == load({})


def test_the_public_address_follows_the_port_until_it_is_set() -> None:
    assert load({"HOIDAN_PORT": "9000"}).public_url == "http://127.0.0.1:9000"
    assert load({"HOIDAN_PUBLIC_URL": "https://hoi.example/"}).public_url == "https://hoi.example"


def test_every_setting_is_explained_in_both_languages() -> None:
    assert [setting.about for setting in SETTINGS if not has(setting.about)] == []
    assert [setting.allowed for setting in SETTINGS if not has(setting.allowed)] == []


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("HOIDAN_DATABASE_URL", "mysql://u:geheim@h/d"),
        ("HOIDAN_DATABASE_URL", "geheim"),
        ("HOIDAN_PUBLIC_URL", "hoi.example"),
        ("HOIDAN_PUBLIC_URL", "https://hoi.example:geheim"),
        ("HOIDAN_PUBLIC_URL", "https://hoi.example/?geheim"),
        ("HOIDAN_HOST", "a b"),
        ("HOIDAN_PORT", "0"),
        ("HOIDAN_PORT", "65536"),
        ("HOIDAN_PORT", "geheim"),
        ("HOIDAN_TRUSTED_PROXIES", "10.0.0.0/33"),
        ("HOIDAN_TIME_ZONE", "Asia/Sai_Gon"),
        ("HOIDAN_TIME_ZONE", "../etc/passwd"),
        ("HOIDAN_LANGUAGE", "fr"),
        ("HOIDAN_LOG_LEVEL", "loud"),
        ("HOIDAN_TELEGRAM_TOKEN", "geheim"),
        ("HOIDAN_TELEGRAM_API_BASE", "ftp://geheim"),
        ("HOIDAN_TELEGRAM_MODE", "push"),
        ("HOIDAN_TELEGRAM_WEBHOOK_SECRET", "geheim!"),
        ("HOIDAN_TELEGRAM_WEBHOOK_PATH", "telegram"),
    ],
)
def test_a_wrong_value_is_named_by_its_variable_and_never_shown(name: str, value: str) -> None:
    problem = refused({name: value})
    assert (problem.code, problem.params["setting"]) == ("setting_wrong", name)
    for language in LANGUAGES:
        said = explain(language, problem)
        assert name in said and "geheim" not in said and "{" not in said and "setting." not in said
    assert "geheim" not in str(problem)


@given(st.sampled_from(SETTINGS), st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])))
def test_whatever_a_variable_holds_it_is_taken_or_refused(setting: Any, value: str) -> None:
    try:
        load({setting.name: value})
    except Problem as problem:
        assert problem.params["setting"] == setting.name


def test_secrets_are_not_in_what_settings_print() -> None:
    secrets = {
        "HOIDAN_DATABASE_URL": "postgresql://hoidan:matkhau@db/hoidan",
        "HOIDAN_SECRET_KEYS": new_keys(),
        "HOIDAN_TELEGRAM_TOKEN": TOKEN,
        "HOIDAN_TELEGRAM_WEBHOOK_SECRET": "bimat",
    }
    settings = load(secrets)
    assert "matkhau" in settings.database
    assert settings.telegram_token == TOKEN
    for secret in ("matkhau", TOKEN, "bimat", secrets["HOIDAN_SECRET_KEYS"]):
        assert secret not in repr(settings)


def test_a_webhook_needs_its_secret() -> None:
    given_ = {"HOIDAN_TELEGRAM_TOKEN": TOKEN, "HOIDAN_TELEGRAM_MODE": "webhook"}
    assert refused(given_).params == {"setting": "HOIDAN_TELEGRAM_WEBHOOK_SECRET"}
    assert load({**given_, "HOIDAN_TELEGRAM_WEBHOOK_SECRET": "abc"}).telegram


# Keys


def beside(tmp_path: Path, **more: str) -> dict[str, str]:
    return {"HOIDAN_DATABASE_URL": f"sqlite:///{tmp_path / 'var' / 'hoidan.db'}", **more}


def test_an_embedded_database_gets_a_file_of_keys_that_nobody_else_can_read(tmp_path: Path) -> None:
    settings = load(beside(tmp_path))
    sealed = keyring(settings).seal(b"ten", b"use")
    path = tmp_path / "var" / "hoidan.db.keys"
    assert keys_path(settings) == path
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert keyring(settings).open(sealed, b"use") == b"ten"


def test_keys_that_were_lost_are_not_quietly_replaced(tmp_path: Path) -> None:
    settings = load(beside(tmp_path))
    keyring(settings)
    (tmp_path / "var" / "hoidan.db").write_bytes(b"SQLite format 3\0")
    path = tmp_path / "var" / "hoidan.db.keys"
    path.unlink()
    with pytest.raises(Problem) as caught:
        keyring(settings)
    assert (caught.value.code, caught.value.params) == ("keys_lost", {"file": str(path)})
    assert not path.exists()


def test_keys_come_from_the_variable_or_the_named_file(tmp_path: Path) -> None:
    keys = new_keys()
    path = tmp_path / "keys"
    path.write_text(keys)
    sealed = keyring(load({"HOIDAN_SECRET_KEYS": keys})).seal(b"ten", b"use")
    postgres = {"HOIDAN_DATABASE_URL": "postgresql://db/hoidan"}
    for more in (
        {"HOIDAN_KEYS_FILE": str(path)},
        {"HOIDAN_SECRET_KEYS": f"{new_keys().replace('k1', 'k2')},{keys}"},
    ):
        assert keyring(load({**postgres, **more})).open(sealed, b"use") == b"ten"


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ({}, "keys_needed"),
        ({"HOIDAN_KEYS_FILE": "{tmp}/none"}, "keys_lost"),
        ({"HOIDAN_KEYS_FILE": "{tmp}"}, "keys_file_unreadable"),
    ],
)
def test_postgresql_needs_keys_of_its_own(tmp_path: Path, more: dict[str, str], code: str) -> None:
    given_ = {name: value.format(tmp=tmp_path) for name, value in more.items()}
    settings = load({"HOIDAN_DATABASE_URL": "postgresql://db/hoidan", **given_})
    with pytest.raises(Problem) as caught:
        keyring(settings)
    assert caught.value.code == code
    assert not (tmp_path / "none").exists()
