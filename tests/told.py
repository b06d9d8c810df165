"""What waits in the outbox for somebody, as they would read it."""

from __future__ import annotations

from bot.messages import ABILITIES, Outgoing
from bot.notices import notice
from bot.readings import Reading, work_out
from storage import contacts, outbox
from tests.town import Resident, Town


def told(town: Town, person: Resident) -> list[Outgoing]:
    """The messages that came for a person since they were asked for last; shown to them from now on."""

    def fetch(connection: object) -> list[Outgoing]:
        key = person.contact_id
        contact = contacts.get(connection, key)  # type: ignore[arg-type]
        assert contact is not None
        waiting = outbox.claim(connection, town.keyring, person.channel, "test", 1, 50, town.now, [key])  # type: ignore[arg-type]
        shown = []
        for one in waiting:
            params = one.params
            if "reading" in params:
                params = work_out(connection, Reading(params["reading"], params["arguments"]))  # type: ignore[arg-type]
            shown.append(notice(one.message, params, contact.language, ABILITIES[person.channel]))
        return shown

    shown = town.database.write(fetch)
    person.seen.extend(shown)
    return shown
