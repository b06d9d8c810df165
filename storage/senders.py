"""Who we are on a channel: the name under which its platform knows our bot, and which links to it carry.

The platform tells it to one process; the others, which make paper and messages, read it here.
"""

from __future__ import annotations

from sqlalchemy import Connection, select, update

from storage.schema import senders
from storage.unless_there import insert_unless_there


def note(connection: Connection, channel: str, name: str, now: int) -> None:
    """Keep the name that a platform gives us."""
    values = {"name": name, "noted_at": now}
    changed = connection.execute(update(senders).where(senders.c.channel == channel).values(values)).rowcount
    if not changed:
        insert_unless_there(connection, senders, channel=channel, **values)


def name_on(connection: Connection, channel: str) -> str:
    """The name under which people find us on a channel; empty when its platform has told none yet."""
    statement = select(senders.c.name).where(senders.c.channel == channel)
    return connection.execute(statement).scalar_one_or_none() or ""
