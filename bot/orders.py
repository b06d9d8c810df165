"""What every command of a member of staff needs: who acts, the campaign meant, an answer that waits."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from zoneinfo import ZoneInfo

from bot.actions import Act, Actor
from bot.actions.gate import VIETNAM
from bot.desk import Heard, Hearing, queue
from surveys.problems import Problem
from surveys.replies import find_code


def act(hearing: Hearing) -> Act:
    """The actor behind a message, in its transaction."""
    zone = hearing.local.tzinfo
    return Act(
        connection=hearing.connection,
        keyring=hearing.keyring,
        actor=Actor(account_id=hearing.contact.account_id, contact_id=hearing.contact.id),
        now_ms=hearing.now,
        today=hearing.local.date(),
        channel=hearing.inbound.channel,
        zone=zone if isinstance(zone, ZoneInfo) else VIETNAM,
    )


def queued(hearing: Hearing, message: str, params: Mapping[str, Any]) -> Heard:
    """An answer that can't be derived again: into the outbox, once per event."""
    queue(hearing, f"{message}:{hearing.inbound.channel}:{hearing.inbound.event_id}", message, params)
    return Heard(hearing.contact, None, queued=True)


def code(argument: str) -> str:
    """The campaign meant: the first word. Raises Problem ``campaign_code_missing``."""
    words = argument.split()
    if not words:
        raise Problem("campaign_code_missing")
    return find_code(words[0]) or words[0].upper()


def rest(argument: str) -> str:
    """What was said after the campaign."""
    return argument.strip().partition(" ")[2].strip()
