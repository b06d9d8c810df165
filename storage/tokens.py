"""One-time secrets: only a digest is stored, and each is good once, for a while."""

from __future__ import annotations

from sqlalchemy import Connection, bindparam, delete, insert, select, update

from storage.crypto import token, token_digest
from storage.schema import tokens

_USE = (
    update(tokens)
    .where(
        tokens.c.digest == bindparam("digest_of"),
        tokens.c.purpose == bindparam("for"),
        tokens.c.used_at.is_(None),
        tokens.c.expires_at > bindparam("now"),
    )
    .values(used_at=bindparam("now"))
)


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


def issue_for_case(
    connection: Connection, purpose: str, value: str, case_id: int, now: int, length: int
) -> bool:
    """Make ``value``, a short code somebody will type, good for a case; False if it is in use already."""
    if connection.execute(select(tokens.c.digest).where(tokens.c.digest == token_digest(value))).first():
        return False
    connection.execute(
        insert(tokens).values(
            digest=token_digest(value), purpose=purpose, case_id=case_id, expires_at=now + length
        )
    )
    return True


def use_for_case(connection: Connection, purpose: str, value: str, now: int) -> int | None:
    """Use up a secret: the case it was issued for, or None as in :func:`use`."""
    case_id: int | None = connection.execute(
        _USE.returning(tokens.c.case_id), _used(purpose, value, now)
    ).scalar()
    return case_id


def use(connection: Connection, purpose: str, value: str, now: int) -> int | None:
    """Use up a secret: the account it was issued for, or None when it is unknown, used, too old or for
    another purpose.

    The secret is found by its SHA-256, so the time this takes says nothing about it.
    """
    account_id: int | None = connection.execute(
        _USE.returning(tokens.c.account_id), _used(purpose, value, now)
    ).scalar()
    return account_id


def _used(purpose: str, value: str, now: int) -> dict[str, object]:
    return {"digest_of": token_digest(value), "for": purpose, "now": now}


def discard(connection: Connection, account_id: int) -> None:
    """Forget the unused secrets of an account."""
    connection.execute(delete(tokens).where(tokens.c.account_id == account_id, tokens.c.used_at.is_(None)))


def forget_before(connection: Connection, at: int) -> int:
    """Drop secrets that expired before ``at`` (milliseconds); how many."""
    return connection.execute(delete(tokens).where(tokens.c.expires_at < at)).rowcount
