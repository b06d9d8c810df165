"""Settings: environment variables, all in one table that the documentation and the checks are made from."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from bot.texts import LANGUAGES
from storage.crypto import Keyring, keys_beside, parse_keys
from storage.database import parse_url
from surveys.problems import Problem

if TYPE_CHECKING:
    from storage.database import URL

Network = IPv4Network | IPv6Network


class _Refused(Exception):
    """A value that can't be taken; the row of the table knows what is allowed."""


def _text(value: str) -> str:
    return value


def _port(value: str) -> int:
    if not (value.isdecimal() and 1 <= int(value) <= 65535):
        raise _Refused
    return int(value)


def _small(value: str) -> int:
    if not (value.isdecimal() and int(value) <= 100):
        raise _Refused
    return int(value)


def _pace(value: str) -> int:
    if not (value.isdecimal() and 1 <= int(value) <= 1_000):
        raise _Refused
    return int(value)


def _some(value: str) -> int:
    if not _small(value):
        raise _Refused
    return int(value)


def _address(value: str) -> str:
    parts = urlsplit(value)
    try:
        parts.port  # noqa: B018 (a wrong port shows only when it is read)
    except ValueError:
        raise _Refused from None
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
        raise _Refused
    return value.rstrip("/")


def _networks(value: str) -> tuple[Network, ...]:
    try:
        return tuple(ip_network(part.strip(), strict=False) for part in value.split(",") if part.strip())
    except ValueError:
        raise _Refused from None


def _zone(value: str) -> ZoneInfo:
    try:
        return ZoneInfo(value)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise _Refused from None


def _one_of(*allowed: str) -> Callable[[str], str]:
    def read(value: str) -> str:
        if value.lower() not in allowed:
            raise _Refused
        return value.lower()

    return read


def _matching(pattern: str) -> Callable[[str], str]:
    def read(value: str) -> str:
        if not re.fullmatch(pattern, value):
            raise _Refused
        return value

    return read


@dataclass(frozen=True, slots=True)
class Setting:
    """One environment variable.

    ``field`` of :class:`Settings` that it fills; ``default`` as it would be written (empty: off, or worked
    out). What it does and what it allows are sentences of the catalogue ``cli``: ``setting.<field>`` and
    ``setting.<field>.allowed``.
    """

    name: str
    field: str
    read: Callable[[str], Any]
    default: str = ""
    secret: bool = False

    @property
    def about(self) -> str:
        """Key of the sentence that says what the setting does."""
        return f"setting.{self.field}"

    @property
    def allowed(self) -> str:
        """Key of the sentence that says which values it takes."""
        return f"setting.{self.field}.allowed"


LEVELS = ("debug", "info", "warning", "error")

SETTINGS: tuple[Setting, ...] = (
    Setting("HOIDAN_DATABASE_URL", "database_url", parse_url, "sqlite:///var/hoidan.db", secret=True),
    Setting("HOIDAN_SECRET_KEYS", "secret_keys", _text, secret=True),
    Setting("HOIDAN_KEYS_FILE", "keys_file", Path),
    Setting("HOIDAN_PUBLIC_URL", "public_url", _address),
    Setting("HOIDAN_HOST", "host", _matching(r"[A-Za-z0-9.:_-]{1,253}"), "127.0.0.1"),
    Setting("HOIDAN_PORT", "port", _port, "8080"),
    Setting("HOIDAN_TRUSTED_PROXIES", "trusted_proxies", _networks),
    Setting("HOIDAN_TIME_ZONE", "time_zone", _zone, "Asia/Ho_Chi_Minh"),
    Setting("HOIDAN_LANGUAGE", "language", _one_of(*LANGUAGES)),
    Setting("HOIDAN_LOG_LEVEL", "log_level", _one_of(*LEVELS), "info"),
    Setting(
        "HOIDAN_TELEGRAM_TOKEN", "telegram_token", _matching(r"\d{1,20}:[A-Za-z0-9_-]{3,100}"), secret=True
    ),
    Setting("HOIDAN_TELEGRAM_API_BASE", "telegram_api_base", _address, "https://api.telegram.org"),
    Setting("HOIDAN_TELEGRAM_MODE", "telegram_mode", _one_of("polling", "webhook"), "polling"),
    Setting(
        "HOIDAN_TELEGRAM_WEBHOOK_SECRET",
        "telegram_webhook_secret",
        _matching(r"[A-Za-z0-9_-]{1,256}"),
        secret=True,
    ),
    Setting(
        "HOIDAN_TELEGRAM_WEBHOOK_PATH",
        "telegram_webhook_path",
        _matching(r"/[A-Za-z0-9/_.-]{1,200}"),
        "/telegram/webhook",
    ),
    Setting("HOIDAN_TELEGRAM_CHAT_BURST", "telegram_chat_burst", _small, "2"),
    Setting("HOIDAN_TELEGRAM_PER_SECOND", "telegram_per_second", _pace, "30"),
    Setting("HOIDAN_MEDIA_LARGEST_MB", "media_largest_mb", _some, "20"),
    Setting("HOIDAN_MEDIA_IMAGE_MB", "media_image_mb", _some, "10"),
)


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings as read. What is secret never shows in its ``repr``."""

    database_url: URL = field(repr=False)
    secret_keys: str | None = field(repr=False)
    keys_file: Path | None
    public_url: str
    host: str
    port: int
    trusted_proxies: tuple[Network, ...]
    time_zone: ZoneInfo
    language: str | None
    log_level: str
    telegram_token: str | None = field(repr=False)
    telegram_api_base: str
    telegram_mode: str
    telegram_webhook_secret: str | None = field(repr=False)
    telegram_webhook_path: str
    telegram_chat_burst: int
    telegram_per_second: int
    media_largest_mb: int
    media_image_mb: int

    @property
    def database(self) -> str:
        """The address of the database with its password, for :class:`storage.database.Database`."""
        return self.database_url.render_as_string(hide_password=False)

    @property
    def database_file(self) -> Path | None:
        """The file of an embedded database; None for PostgreSQL."""
        is_file = self.database_url.drivername == "sqlite" and self.database_url.database
        return Path(str(self.database_url.database)) if is_file else None

    @property
    def telegram(self) -> bool:
        """Whether the Telegram channel is on."""
        return self.telegram_token is not None


def load(environment: Mapping[str, str] | None = None) -> Settings:
    """Read the settings; empty variables count as not set.

    Raises Problem ``setting_wrong`` with the variable's name and the key of what it allows, never its value;
    ``setting_needed`` when Telegram's webhook is on without its secret.
    """
    given = os.environ if environment is None else environment
    values: dict[str, Any] = {}
    for setting in SETTINGS:
        text = given.get(setting.name, "").strip() or setting.default
        try:
            values[setting.field] = setting.read(text) if text else None
        except (_Refused, Problem):
            raise Problem("setting_wrong", setting=setting.name, allowed=setting.allowed) from None
    if values["trusted_proxies"] is None:
        values["trusted_proxies"] = ()
    if values["public_url"] is None:
        values["public_url"] = f"http://127.0.0.1:{values['port']}"
    settings = Settings(**values)
    if settings.telegram and settings.telegram_mode == "webhook" and not settings.telegram_webhook_secret:
        raise Problem("setting_needed", setting="HOIDAN_TELEGRAM_WEBHOOK_SECRET")
    return settings


def keys_path(settings: Settings) -> Path | None:
    """The file that holds the keys: as set, else beside an embedded database. None: the keys are in a
    variable.
    """
    if settings.secret_keys is not None:
        return None
    if settings.keys_file is not None:
        return settings.keys_file
    database = settings.database_file
    return None if database is None else database.with_name(database.name + ".keys")


def keyring(settings: Settings) -> Keyring:
    """The keys of this installation.

    An embedded database gets a file of its own, made once with mode 600 before the database is. Raises
    Problem ``keys_needed`` (PostgreSQL without keys), ``keys_lost`` (there is a database, and the file of
    its keys is gone: new ones could open nothing in it), ``keys_file_unreadable``, ``keys_malformed``.
    """
    if settings.secret_keys is not None:
        return parse_keys(settings.secret_keys)
    path = keys_path(settings)
    if path is None:
        raise Problem("keys_needed")
    database = settings.database_file
    try:
        if path.exists():
            return parse_keys(path.read_text("ascii"))
        if database is None or (database.exists() and database.stat().st_size > 0):
            raise Problem("keys_lost", file=str(path))
        path.parent.mkdir(parents=True, exist_ok=True)
        return keys_beside(path)
    except (OSError, UnicodeDecodeError):
        raise Problem("keys_file_unreadable", file=str(path)) from None
