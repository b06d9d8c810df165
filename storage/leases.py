"""Leases with epochs: who may do what only one may do at a time."""

from __future__ import annotations

from sqlalchemy import Connection, insert, select, update
from sqlalchemy.exc import IntegrityError

from storage.schema import leases


def take(connection: Connection, name: str, holder: str, now: int, length: int) -> int | None:
    """Take or keep the lease ``name`` for ``length`` milliseconds; its epoch, or None when another holds it.

    The epoch rises each time the lease changes hands. A lease that is kept holds for two thirds of ``length``
    at least; it is written anew only when less than that is left, so that asking often costs little. One
    that ends later than any could (a clock was put back) is cut to ``length``: else nobody could take over
    from a holder that has died. It is not taken at once, since its holder may live, with another clock.
    """
    row = connection.execute(
        select(leases.c.holder, leases.c.epoch, leases.c.until).where(leases.c.name == name).with_for_update()
    ).one_or_none()
    if row is None:
        try:
            with connection.begin_nested():
                connection.execute(
                    insert(leases).values(name=name, holder=holder, epoch=1, until=now + length)
                )
        except IntegrityError:
            return None
        return 1
    if row.holder != holder and row.until > now:
        if row.until > now + length:
            connection.execute(update(leases).where(leases.c.name == name).values(until=now + length))
        return None
    epoch = row.epoch if row.holder == holder else row.epoch + 1
    if row.holder == holder and length * 2 // 3 <= row.until - now <= length:
        return int(epoch)
    connection.execute(
        update(leases).where(leases.c.name == name).values(holder=holder, epoch=epoch, until=now + length)
    )
    return int(epoch)


def release(connection: Connection, name: str, holder: str) -> None:
    """Give the lease back."""
    connection.execute(update(leases).where(leases.c.name == name, leases.c.holder == holder).values(until=0))


def lapse(connection: Connection) -> None:
    """End every lease: for the one owner of an embedded database, before it begins. Who held one is dead."""
    connection.execute(update(leases).values(until=0))
