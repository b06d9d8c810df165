"""The one place that touches keys: sealing personal data, looking it up without reading it, codes and
receipts.

A master key ``id:base64(32 bytes)`` gives one key per purpose by HKDF-SHA256 (RFC 5869). What is sealed
carries its
key's id in front, so several master keys can be in use while data is sealed again with the newest.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import hmac
import os
import secrets
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from surveys.problems import Problem

_NONCE = 12


def _derive(master: bytes, purpose: bytes) -> bytes:
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=b"hoidan " + purpose).derive(master)


class Keyring:
    """Keys by purpose, newest first. Never prints itself."""

    def __init__(self, masters: dict[str, bytes]) -> None:
        if not masters:
            raise Problem("keys_missing")
        self._ids = tuple(masters)
        self._seal_id = self._ids[0]
        self._data = {key: AESGCM(_derive(master, b"data")) for key, master in masters.items()}
        self._lookup = tuple(_derive(master, b"lookup") for master in masters.values())
        self._code = {key: _derive(master, b"code") for key, master in masters.items()}
        prefix = self._seal_id.encode()
        self._prefix = bytes([len(prefix)]) + prefix

    def __repr__(self) -> str:
        return f"Keyring({', '.join(self._ids)})"

    def seal(self, plain: bytes, use: bytes) -> bytes:
        """``plain`` encrypted with AES-256-GCM for one ``use`` (a column's name); opens only for the same
        use.
        """
        nonce = os.urandom(_NONCE)
        return self._prefix + nonce + self._data[self._seal_id].encrypt(nonce, plain, use)

    def open(self, sealed: bytes, use: bytes) -> bytes:
        """What was sealed. Raises Problem when its key is not here or it was tampered with."""
        sealed = bytes(sealed)
        end = 1 + sealed[0]
        key = self._data.get(sealed[1:end].decode("ascii", "replace"))
        if key is None:
            raise Problem("key_unknown", status=500)
        try:
            return key.decrypt(sealed[end : end + _NONCE], sealed[end + _NONCE :], use)
        except InvalidTag:
            raise Problem("sealed_damaged", status=500) from None

    def lookup(self, *parts: str) -> bytes:
        """Keyed fingerprint (HMAC-SHA256) to find a row by what is sealed in it, under the newest key."""
        return hmac.digest(self._lookup[0], "\x1f".join(parts).encode(), "sha256")

    def lookups(self, *parts: str) -> tuple[bytes, ...]:
        """The fingerprint under every key, newest first: rows not yet indexed again are found too."""
        text = "\x1f".join(parts).encode()
        return tuple(hmac.digest(key, text, "sha256") for key in self._lookup)

    def pseudonym(self, campaign: int, case: int, member: int = 0) -> str:
        """A stable name in coded rows that says nothing about whom it stands for: 32 hexadecimal digits.

        ``member`` is the number of somebody in the household that the case is about.
        """
        of = f"pseudonym\x1f{campaign}\x1f{case}" + (f"\x1f{member}" if member else "")
        return hmac.digest(self._lookup[-1], of.encode(), "sha256").hex()[:32]

    @property
    def code_key(self) -> str:
        """The id of the key that a campaign's personal codes are made with from now on."""
        return self._seal_id

    def code_tag(self, key: str, campaign: int, case: int) -> bytes:
        """What only we can add to the number of a case: 40 bits of HMAC-SHA256 under a campaign's code key.

        Raises Problem ``key_unknown`` when that key is not here.
        """
        if key not in self._code:
            raise Problem("key_unknown", status=500)
        return hmac.digest(self._code[key], f"case\x1f{campaign}\x1f{case}".encode(), "sha256")[:5]


def token() -> str:
    """A one-time secret for a link: 256 random bits, URL-safe."""
    return secrets.token_urlsafe(32)


def token_digest(value: str) -> bytes:
    """What is stored of a one-time secret."""
    return hashlib.sha256(value.encode()).digest()


def parse_keys(text: str) -> Keyring:
    """A keyring from ``k2:BASE64,k1:BASE64`` (newest first; each 32 bytes)."""
    masters: dict[str, bytes] = {}
    for part in filter(None, (piece.strip() for piece in text.replace("\n", ",").split(","))):
        key, _, encoded = part.partition(":")
        try:
            master = base64.b64decode(encoded, validate=True)
        except ValueError:
            master = b""
        if not key.isalnum() or len(key) > 16 or len(master) != 32 or key in masters:
            raise Problem("keys_malformed")
        masters[key] = master
    return Keyring(masters)


def new_keys() -> str:
    """Text of one new master key, as :func:`parse_keys` reads it."""
    return "k1:" + base64.b64encode(os.urandom(32)).decode()


def keys_beside(path: Path) -> Keyring:
    """The keyring in the file at ``path``, made once with mode 600 when it is not there.

    The file appears whole or not at all, however many processes come at the same moment.
    """
    if not path.exists():
        draft = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
        handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(handle, "w") as file:
                file.write(new_keys() + "\n")
                file.flush()
                os.fsync(file.fileno())
            with contextlib.suppress(FileExistsError):
                os.link(draft, path)
        finally:
            draft.unlink()
    return parse_keys(path.read_text("ascii"))
