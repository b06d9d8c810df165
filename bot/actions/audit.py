"""The log of actions, to be read by those who watch over them."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec

from bot.actions.gate import Act, Arguments, Id, action, area_text
from storage import audit


class Page(Arguments, frozen=True):
    """Which entries: at most ``limit`` of one ``action_name`` or ``account``, older than entry ``before``."""

    action_name: Annotated[str, msgspec.Meta(max_length=60)] | None = None
    account: Id | None = None
    since: Id | None = None
    before: Id | None = None
    limit: Annotated[int, msgspec.Meta(ge=1, le=1000)] = 100


@action("audit.list", Page)
def listing(act: Act, given: Page) -> dict[str, Any]:
    """The newest entries first, from the areas the actor watches over."""
    found = audit.entries(
        act.connection,
        within=act.scope,
        action=given.action_name,
        account_id=given.account,
        since=given.since,
        before_id=given.before,
        limit=given.limit,
    )
    return {
        "entries": [
            {
                "id": entry.id,
                "at": entry.at,
                "account": entry.account_id,
                "contact": entry.contact_id,
                "channel": entry.channel,
                "action": entry.action,
                "area": area_text(entry.area),
                "target": entry.target,
                "outcome": entry.outcome,
            }
            for entry in found
        ]
    }
