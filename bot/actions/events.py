"""Event ids: what operators look at to see that nothing was lost or counted twice."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec

from bot.actions.gate import Act, Arguments, action, everywhere
from storage import events


class Which(Arguments, frozen=True):
    """Events of one channel or all, since an instant (milliseconds), or those in quarantine."""

    channel: Annotated[str, msgspec.Meta(max_length=20)] | None = None
    quarantined: bool = False
    since: Annotated[int, msgspec.Meta(ge=0)] = 0


@action("event.list", Which, everywhere)
def listing(act: Act, given: Which) -> dict[str, Any]:
    """Ids and times, never what was in an event."""
    if given.quarantined:
        kept = events.quarantined(act.connection)
        return {
            "events": [
                {"id": key, "channel": channel, "event": event_id, "fault": fault, "at": at}
                for key, channel, event_id, fault, at in kept
                if given.channel in (None, channel) and at >= given.since
            ]
        }
    return {
        "events": [
            {"channel": channel, "event": event_id, "at": at}
            for channel, event_id, at in events.seen_since(act.connection, given.since)
            if given.channel in (None, channel)
        ]
    }
