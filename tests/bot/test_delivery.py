"""The outbox is sent once, by one process at a time, and what Telegram says about a send is heeded."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from sqlalchemy import select

from bot.channels import Fate, Outcome
from bot.channels.telegram_api import TelegramSender
from bot.delivery import LEASE_MS, Delivery
from bot.doubles.telegram import NO_LIMITS, BotApiDouble, FaultKind
from bot.messages import Outgoing
from bot.texts import say
from storage import contacts, leases, outbox
from storage.outbox import Draft
from storage.schema import outbox as table
from tests.town import Resident, Town, found

PATIENCE = 30.0
PLAIN = "turn.unreadable"
"""A message of the catalogues without parameters."""


@pytest.fixture
def town(database_url: str) -> Iterator[Town]:
    place = found(database_url, instruments=())
    yield place
    place.close()


def resident(town: Town) -> Resident:
    """Somebody the bot knows."""
    person = Resident(town)
    person.start()
    return person


def queue(town: Town, *people: Resident, message: str = PLAIN, bulk: bool = False, key: str = "") -> None:
    """Put a message for each of ``people`` into the outbox."""
    drafts = [
        Draft("telegram", person.contact_id, f"{key or 'test'}:{person.address}", message, {}, bulk=bulk)
        for person in people
    ]
    town.database.write(lambda connection: outbox.queue(connection, town.keyring, drafts, town.now))


def states(town: Town) -> list[str]:
    """The states of all messages in the order they were queued."""
    return town.database.read(
        lambda connection: [row[0] for row in connection.execute(select(table.c.state).order_by(table.c.id))]
    )


def rows(town: Town) -> list[Any]:
    """The same messages whole."""
    statement = select(table).order_by(table.c.id)
    return town.database.read(lambda connection: list(connection.execute(statement)))


@asynccontextmanager
async def telegram(*people: Resident) -> AsyncIterator[tuple[BotApiDouble, TelegramSender]]:
    """Telegram with these people on it, and a way to send to them."""
    async with BotApiDouble("42:delivery", limits=NO_LIMITS) as api:
        for person in people:
            api.user(int(person.address))
            api.start(int(person.address))
        sender = TelegramSender(api.token, api.base_url)
        try:
            await sender.start()
            yield api, sender
        finally:
            await sender.close()
            assert not api.violations


@asynccontextmanager
async def delivering(town: Town, sender: Any) -> AsyncIterator[Delivery]:
    """A delivery that runs, until the end of the block."""
    delivery = Delivery(town.database, town.keyring, "telegram", sender, clock=lambda: town.now)
    running = asyncio.create_task(delivery.run())
    try:
        yield delivery
    finally:
        delivery.stop()
        await running


async def settled(town: Town, *wanted: str) -> None:
    """Wait until the messages are in these states."""
    async with asyncio.timeout(PATIENCE):
        while (found := await asyncio.to_thread(states, town)) != list(wanted):
            await asyncio.sleep(0.02)
            assert found


def texts(api: BotApiDouble, person: Resident) -> list[str]:
    return api.chat(int(person.address)).texts


def test_what_is_queued_is_sent_once_and_in_the_persons_language(town: Town) -> None:
    lan, ann = resident(town), Resident(town, language="en")
    ann.start()
    queue(town, lan, ann)

    async def main() -> None:
        async with telegram(lan, ann) as (api, sender), delivering(town, sender) as delivery:
            await settled(town, "sent", "sent")
            assert delivery.sent == 2
            assert len(texts(api, lan)) == len(texts(api, ann)) == 1
            assert texts(api, lan) != texts(api, ann)

    asyncio.run(main())


def test_a_flood_halts_the_whole_account_until_its_time_is_over(town: Town) -> None:
    people = [resident(town) for _ in range(4)]
    queue(town, *people)

    async def main() -> None:
        async with telegram(*people) as (api, sender):
            api.fault(FaultKind.TOO_MANY, "sendMessage", retry_after=7, times=4)
            async with delivering(town, sender) as delivery:
                async with asyncio.timeout(PATIENCE):
                    while not all(row.fault and row.state == "due" for row in rows(town)):
                        await asyncio.sleep(0.02)
                calls = len(api.calls("sendMessage"))
                assert {call.status for call in api.calls("sendMessage")} == {429}
                halted = town.database.read(lambda connection: outbox.halted_until(connection, "telegram"))
                assert halted == town.now + 7_000
                # Nothing goes out before that, however often it is looked at.
                for _ in range(3):
                    delivery.wake()
                    await asyncio.sleep(0.05)
                assert len(api.calls("sendMessage")) == calls
                api.faults.clear()
                town.now += 7_001
                delivery.wake()
                await settled(town, *["sent"] * 4)
            assert [len(texts(api, person)) for person in people] == [1, 1, 1, 1]

    asyncio.run(main())


def test_a_flood_stops_what_was_claimed_with_it(town: Town) -> None:
    people = [resident(town) for _ in range(30)]
    queue(town, *people)

    class Flooded:
        """A channel that says "wait" to the first send, and would take every other."""

        taken = 0

        async def send(self, address: str, outgoing: Outgoing) -> Outcome:
            self.taken += 1
            first = self.taken == 1
            await asyncio.sleep(0.01)
            return Outcome(Fate.HALT, "flood", 5.0) if first else Outcome(Fate.SENT)

    async def main() -> None:
        sender = Flooded()
        async with delivering(town, sender):
            async with asyncio.timeout(PATIENCE):
                while "claimed" in (found := states(town)) or "sent" not in found:
                    await asyncio.sleep(0.02)
        # What was under way went out; what had not begun was left for later.
        assert sender.taken < len(people)
        assert states(town).count("due") == len(people) - sender.taken + 1

    asyncio.run(main())


def test_somebody_who_blocked_the_bot_gets_nothing_more(town: Town) -> None:
    gone, lan = resident(town), resident(town)
    queue(town, gone, lan)

    async def main() -> None:
        async with telegram(gone, lan) as (api, sender):
            api.block(int(gone.address))
            async with delivering(town, sender) as delivery:
                await settled(town, "dropped", "sent")
                contact = town.database.read(lambda connection: contacts.get(connection, gone.contact_id))
                assert contact is not None and contact.status == "blocked"
                sends = len(api.calls("sendMessage"))
                queue(town, gone, key="again")
                delivery.wake()
                await settled(town, "dropped", "sent", "dropped")
                assert len(api.calls("sendMessage")) == sends, "Telegram is not asked again"

    asyncio.run(main())


@pytest.mark.parametrize("kind", [FaultKind.DROP_AFTER, FaultKind.DROP_BEFORE])
def test_a_send_of_which_nobody_knows_what_became_is_not_repeated(town: Town, kind: FaultKind) -> None:
    lan = resident(town)
    queue(town, lan)

    async def main() -> None:
        async with telegram(lan) as (api, sender):
            api.fault(kind, "sendMessage")
            async with delivering(town, sender) as delivery:
                await settled(town, "unknown")
                town.now += 3_600_000
                delivery.wake()
                await asyncio.sleep(0.1)
            assert states(town) == ["unknown"]
            assert len(api.calls("sendMessage")) == 1
            assert len(texts(api, lan)) == (1 if kind is FaultKind.DROP_AFTER else 0)

    asyncio.run(main())


def test_a_server_that_is_not_there_is_tried_again_later(town: Town) -> None:
    lan = resident(town)
    queue(town, lan)

    async def main() -> None:
        async with telegram(lan) as (api, sender):
            address = sender._base
            sender._base = "http://127.0.0.1:1"
            async with delivering(town, sender) as delivery:
                async with asyncio.timeout(PATIENCE):
                    while not (row := rows(town)[0]).fault or row.state != "due":
                        await asyncio.sleep(0.02)
                assert row.due_at > town.now
                sender._base = address
                town.now = row.due_at
                delivery.wake()
                await settled(town, "sent")
            assert len(texts(api, lan)) == 1

    asyncio.run(main())


def test_a_message_that_cannot_be_made_fails_alone(town: Town) -> None:
    lan, ann = resident(town), resident(town)
    draft = Draft("telegram", lan.contact_id, "damaged", "receipt.thanks", {"title": "but no receipt"})
    town.database.write(lambda connection: outbox.queue(connection, town.keyring, [draft], town.now))
    queue(town, ann)

    async def main() -> None:
        async with telegram(lan, ann) as (api, sender), delivering(town, sender):
            await settled(town, "failed", "sent")
            assert len(texts(api, ann)) == 1

    asyncio.run(main())


def test_messages_to_one_person_arrive_in_the_order_they_were_queued(town: Town) -> None:
    lan = resident(town)
    keys = ["turn.unreadable", "turn.foreign_tap", "turn.stale_tap", "turn.edit_unknown"]
    for key in keys:
        queue(town, lan, message=key, key=key)

    class Slower:
        """A channel on which earlier sends take longer than later ones."""

        def __init__(self) -> None:
            self.begun = 0
            self.arrived: list[str] = []

        async def send(self, address: str, outgoing: Outgoing) -> Outcome:
            self.begun += 1
            await asyncio.sleep(0.05 / self.begun)
            self.arrived.append(outgoing.text)
            return Outcome(Fate.SENT)

    async def main() -> None:
        sender = Slower()
        async with delivering(town, sender):
            await settled(town, *["sent"] * len(keys))
        assert sender.arrived == [say("vi", key) for key in keys]

    asyncio.run(main())


def test_whoever_holds_the_lease_sends_and_the_other_waits(town: Town) -> None:
    lan = resident(town)

    class Counting:
        def __init__(self) -> None:
            self.sent = 0

        async def send(self, address: str, outgoing: Outgoing) -> Outcome:
            self.sent += 1
            return Outcome(Fate.SENT)

    async def main() -> None:
        first, second = Counting(), Counting()
        queue(town, lan, key="one")
        async with delivering(town, first):
            await settled(town, "sent")
            async with delivering(town, second) as waiting:
                queue(town, lan, key="two")
                waiting.wake()
                await asyncio.sleep(0.1)
                assert second.sent == 0
                await settled(town, "sent", "sent")
                assert (first.sent, second.sent) == (2, 0)
        # The first gave its lease back when it ended: another takes over at once.
        async with delivering(town, second):
            queue(town, lan, key="three")
            await settled(town, "sent", "sent", "sent")
        assert (first.sent, second.sent) == (2, 1)

    asyncio.run(main())


def test_sends_that_a_dead_process_had_begun_become_unknown_at_the_next_epoch(town: Town) -> None:
    lan, ann = resident(town), resident(town)
    queue(town, lan, bulk=True)

    def die_with_a_claim(connection: Any) -> int:
        epoch = leases.take(connection, "delivery:telegram", "dead", town.now, LEASE_MS)
        assert epoch is not None
        claimed = outbox.claim(connection, town.keyring, "telegram", "dead", epoch, 10, town.now)
        assert len(claimed) == 1
        return epoch

    epoch = town.database.write(die_with_a_claim)
    queue(town, ann)

    async def main() -> None:
        async with telegram(lan, ann) as (api, sender), delivering(town, sender) as delivery:
            await asyncio.sleep(0.1)
            assert states(town) == ["claimed", "due"], "the lease still holds"
            town.now += LEASE_MS + 1
            delivery.wake()
            await settled(town, "unknown", "sent")
            assert texts(api, lan) == []
            assert [row.epoch for row in rows(town)] == [epoch, epoch + 1]

    asyncio.run(main())
    # The dead one comes back: its old claims are its own to settle, the new ones are not.
    late = [outbox.Settled(row.id, "due") for row in rows(town)]
    town.database.write(lambda connection: outbox.settle(connection, "dead", epoch, late[1:], town.now))
    assert states(town)[1] == "sent"
