"""What is deleted when a campaign closes: the names that told a household's members apart."""

from __future__ import annotations

import json
import logging
from functools import partial

from scheduler.jobs import Job
from storage import retention
from storage.crypto import Keyring
from storage.database import Database, now_ms
from surveys.instruments import read_instrument

log = logging.getLogger("hoidan.retention")

SECONDS = 600
"""How often closed campaigns are looked for."""
TOGETHER = 200
"""Interviews of one transaction, so that turns wait little."""


def forgetting(keyring: Keyring) -> Job:
    """The job that forgets names of closed campaigns."""
    return Job("forget_names", SECONDS, lambda database: forget_names(database, keyring))


def forget_names(database: Database, keyring: Keyring) -> int:
    """Forget what closed campaigns' instruments keep only until then; how many campaigns. A run that is cut
    short is simply begun again.
    """
    due = database.read(retention.campaigns_to_forget)
    for campaign_id, definitions in due.items():
        names = frozenset[str]().union(
            *(read_instrument(json.loads(each)).until_close for each in definitions)
        )
        if names:
            _forget(database, keyring, campaign_id, names)
        database.write(partial(retention.mark_forgotten, campaign_id=campaign_id, now=now_ms()), bulk=True)
        log.info("names of campaign %d are forgotten", campaign_id)
    return len(due)


def _forget(database: Database, keyring: Keyring, campaign_id: int, names: frozenset[str]) -> None:
    last: int | None = 0
    while last is not None:
        piece = partial(
            retention.forget_names,
            keyring=keyring,
            campaign_id=campaign_id,
            names=names,
            after=last,
            limit=TOGETHER,
            now=now_ms(),
        )
        last = database.write(piece, bulk=True)
    database.write(lambda connection: retention.forget_invitations(connection, campaign_id), bulk=True)
