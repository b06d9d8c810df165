"""One-time secrets: only a digest is stored, and each is good once, for a while."""

from __future__ import annotations

from sqlalchemy import Connection, delete, insert, update

from storage.crypto import token, token_digest
from storage.schema import tokens


def issue(
    connection: Connection, purpose: str, account_id: int | None, now: int, length: int, prefix: str = ""
) -> str:
    """A new secret for one ``purpose``, good for ``length`` milliseconds. It is not kept and can't be shown
    again.
    """
    value = prefix + token()
    connection.execute(
        insert(tokens).values(
            digest=token_digest(value), purpose=purpose, account_id=account_id, expires_at=now + length
        )
    )
    return value


def use(connection: Connection, purpose: str, value: str, now: int) -> int | None:
    """Use up a secret: the account it was issued for, or None when it is unknown, used, too old or for
    another purpose.

    The secret is found by its SHA-256, so the time this takes says nothing about it.
    """
    account_id: int | None = connection.execute(
        update(tokens)
        .where(
            tokens.c.digest == token_digest(value),
            tokens.c.purpose == purpose,
            tokens.c.used_at.is_(None),
            tokens.c.expires_at > now,
        )
        .values(used_at=now)
        .returning(tokens.c.account_id)
    ).scalar()
    return account_id


def discard(connection: Connection, account_id: int) -> None:
    """Forget the unused secrets of an account."""
    connection.execute(delete(tokens).where(tokens.c.account_id == account_id, tokens.c.used_at.is_(None)))


def forget_before(connection: Connection, at: int) -> int:
    """Drop secrets that expired before ``at`` (milliseconds); how many."""
    return connection.execute(delete(tokens).where(tokens.c.expires_at < at)).rowcount
