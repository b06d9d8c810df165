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
from bot.doubles.telegram import BotApiDouble
from bot.doubles.telegram_people import NO_LIMITS, FaultKind, Limits
from bot.messages import Outgoing
from bot.pacing import RESERVE, SendingAccount
from bot.texts import say
from bot.web.telegram import Prompts
from storage import contacts, leases, outbox
from storage.outbox import Draft, Standing, Verdict, Waiting
from storage.schema import outbox as table
from tests.benchmarks.bots import free_port
from tests.benchmarks.survey import NAME, publication
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


def queue(
    town: Town,
    *people: Resident,
    message: str = PLAIN,
    bulk: bool = False,
    key: str = "",
    campaign: int | None = None,
) -> None:
    """Put a message for each of ``people`` into the outbox."""
    drafts = [
        Draft(
            "telegram",
            person.contact_id,
            f"{key or 'test'}:{person.address}",
            message,
            {},
            bulk=bulk or campaign is not None,
            campaign_id=campaign,
        )
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
async def delivering(town: Town, sender: Any, **more: Any) -> AsyncIterator[Delivery]:
    """A delivery that runs, until the end of the block."""
    delivery = Delivery(town.database, town.keyring, "telegram", sender, lambda: town.now, **more)
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
                stands = town.database.read(lambda connection: outbox.standing(connection, "telegram"))
                assert stands.halted_until == town.now + 7_000
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

        async def send(
            self,
            address: str,
            outgoing: Outgoing,
            tapped: str = "",
            language: str = "vi",
            bulk: bool = False,
        ) -> Outcome:
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
        port = free_port()
        sender = TelegramSender("42:delivery", f"http://127.0.0.1:{port}")
        async with delivering(town, sender) as delivery:
            async with asyncio.timeout(PATIENCE):
                while not (row := rows(town)[0]).fault or row.state != "due":
                    await asyncio.sleep(0.02)
            assert row.due_at > town.now
            async with BotApiDouble("42:delivery", port=port) as api:
                api.start(int(lan.address))
                town.now = row.due_at
                delivery.wake()
                await settled(town, "sent")
                assert len(texts(api, lan)) == 1
        await sender.close()

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

        async def send(
            self,
            address: str,
            outgoing: Outgoing,
            tapped: str = "",
            language: str = "vi",
            bulk: bool = False,
        ) -> Outcome:
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

        async def send(
            self,
            address: str,
            outgoing: Outgoing,
            tapped: str = "",
            language: str = "vi",
            bulk: bool = False,
        ) -> Outcome:
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


# ── campaigns ───────────────────────────────────────────────────────────────────────────────────────────────


def opened(town: Town) -> tuple[int, str]:
    """*(id, code)* of an open campaign."""
    town.act("instrument.publish", publication())
    code = town.campaign(basis="dieu_19", instrument=NAME)
    return town.act("campaign.status", {"campaign": code})["id"], code


class Taking:
    """A channel that takes everything, slowly, and remembers for whom."""

    def __init__(self, seconds: float = 0.0) -> None:
        self.seconds = seconds
        self.begun: list[tuple[float, str]] = []
        self.outcome = Outcome(Fate.SENT)

    async def send(
        self, address: str, outgoing: Outgoing, tapped: str = "", language: str = "vi", bulk: bool = False
    ) -> Outcome:
        self.begun.append((asyncio.get_running_loop().time(), address))
        await asyncio.sleep(self.seconds)
        return self.outcome


async def until(condition: Any) -> None:
    async with asyncio.timeout(PATIENCE):
        while not condition():
            await asyncio.sleep(0.01)


def test_nothing_goes_out_of_a_paused_campaign_and_all_of_it_when_it_goes_on(town: Town) -> None:
    campaign, code = opened(town)
    people = [resident(town) for _ in range(40)]
    queue(town, *people, campaign=campaign)

    async def main() -> None:
        sender = Taking()
        async with delivering(town, sender):
            await until(lambda: len(sender.begun) >= 3)
            await asyncio.to_thread(town.act, "campaign.pause", {"campaign": code})
            at_pause = len(sender.begun)
            # Within a second: whatever had begun by then, and no more.
            await asyncio.sleep(1.0)
            stopped = len(sender.begun)
            assert stopped - at_pause <= 30
            await asyncio.sleep(0.7)
            assert len(sender.begun) == stopped < len(people)
            assert set(await asyncio.to_thread(states, town)) == {"sent", "due"}
            await asyncio.to_thread(town.act, "campaign.resume", {"campaign": code})
            await settled(town, *["sent"] * len(people))
        assert len(sender.begun) == len({address for _, address in sender.begun}) == len(people)

    asyncio.run(main())


def test_nothing_is_sent_for_a_closed_campaign_and_its_messages_say_why(town: Town) -> None:
    campaign, code = opened(town)
    people = [resident(town) for _ in range(12)]
    queue(town, *people, campaign=campaign)
    town.act("campaign.close", {"campaign": code})

    async def main() -> None:
        sender = Taking()
        async with delivering(town, sender):
            await settled(town, *["dropped"] * len(people))
        assert sender.begun == []
        assert {row.fault for row in rows(town)} == {outbox.OVER}

    asyncio.run(main())


def test_whether_a_message_is_still_wanted_is_asked_when_it_is_claimed(town: Town) -> None:
    lan, ann, minh = resident(town), resident(town), resident(town)
    queue(town, lan, ann, bulk=True)
    queue(town, minh)

    def wanted(connection: Any, claimed: Any) -> dict[int, Verdict]:
        assert all(isinstance(one, Waiting) and one.bulk for one in claimed)
        return {one.id: Verdict("drop", "answered") for one in claimed if one.contact_id == lan.contact_id}

    async def main() -> None:
        sender = Taking()
        async with delivering(town, sender, wanted=wanted):
            await settled(town, "dropped", "sent", "sent")
        assert {address for _, address in sender.begun} == {ann.address, minh.address}
        assert rows(town)[0].fault == "answered"

    asyncio.run(main())


def test_who_can_not_be_reached_any_more_is_told_to_whoever_plans(town: Town) -> None:
    gone, lan = resident(town), resident(town)
    queue(town, gone, lan, bulk=True)
    told: list[list[int]] = []

    async def main() -> None:
        async with telegram(gone, lan) as (api, sender):
            api.deactivate(int(gone.address))
            async with delivering(town, sender, lost=lambda _, ids, now: told.append(list(ids))):
                await settled(town, "dropped", "sent")
        assert told == [[gone.contact_id]]

    asyncio.run(main())


# ── pace ────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_chat_gets_one_message_a_second_of_our_own_accord_whoever_else_gets_theirs(town: Town) -> None:
    lan, ann = resident(town), resident(town)
    for key in ("one", "two"):
        queue(town, lan, ann, bulk=True, key=key)

    async def main() -> None:
        sender = Taking()
        async with delivering(town, sender):
            await settled(town, *["sent"] * 4)
        for person in (lan, ann):
            first, second = (at for at, address in sender.begun if address == person.address)
            assert second - first >= 1.0

    asyncio.run(main())


def test_with_telegrams_own_limits_no_bulk_message_is_ever_refused_for_pace(town: Town) -> None:
    people = [resident(town) for _ in range(75)]
    queue(town, *people, bulk=True)

    async def main() -> None:
        async with BotApiDouble("42:delivery", limits=Limits()) as api:
            for person in people:
                api.start(int(person.address))
            sender = TelegramSender(api.token, api.base_url)
            async with delivering(town, sender):
                await settled(town, *["sent"] * len(people))
            await sender.close()
            assert {call.status for call in api.requests} == {200}
            assert all(api.chat(int(person.address)).sent == 1 for person in people)

    asyncio.run(main())


def test_only_bulk_messages_of_a_paid_tier_are_paid_for(town: Town) -> None:
    lan, ann = resident(town), resident(town)
    queue(town, lan, bulk=True)
    queue(town, ann)

    async def main() -> None:
        async with BotApiDouble("42:delivery", limits=NO_LIMITS) as api:
            for person in (lan, ann):
                api.start(int(person.address))
            sender = TelegramSender(api.token, api.base_url, per_second=500)
            async with delivering(town, sender, per_second=500):
                await settled(town, "sent", "sent")
            await sender.close()
            assert not api.violations
            paid = {call.params["chat_id"]: call.params.get("allow_paid_broadcast") for call in api.requests}
            assert paid == {int(lan.address): True, int(ann.address): None}

    asyncio.run(main())


# ── a platform in trouble ───────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("kind", [FaultKind.ERROR, FaultKind.BAD_GATEWAY])
def test_an_answer_to_somebody_is_tried_again_when_the_platform_failed_a_bulk_message_is_not(
    town: Town, kind: FaultKind
) -> None:
    lan, ann = resident(town), resident(town)
    queue(town, lan, bulk=True)
    queue(town, ann)

    async def main() -> None:
        async with telegram(lan, ann) as (api, sender):
            for person in (lan, ann):
                api.fault(kind, "sendMessage", chat_id=int(person.address))
            async with delivering(town, sender) as delivery:
                await until(lambda: states(town) == ["unknown", "due"])
                town.now = rows(town)[1].due_at
                delivery.wake()
                await settled(town, "unknown", "sent")
            assert len(texts(api, ann)) == 1
            assert texts(api, lan) == []

    asyncio.run(main())


def test_while_nobody_knows_what_becomes_of_messages_only_few_are_risked(town: Town) -> None:
    people = [resident(town) for _ in range(60)]
    queue(town, *people, bulk=True)

    async def main() -> None:
        sender = Taking()
        sender.outcome = Outcome(Fate.UNKNOWN, "timed out")
        async with delivering(town, sender):
            await asyncio.sleep(2.5)
            assert 1 <= len(sender.begun) <= 16
            sender.outcome = Outcome(Fate.SENT)
            await until(lambda: "due" not in states(town))
        assert states(town).count("unknown") <= 16

    asyncio.run(main())


def test_a_chat_that_moved_gets_its_message_at_its_new_address(town: Town) -> None:
    lan, ann = resident(town), resident(town)
    queue(town, lan, ann)
    ids = [lan.contact_id, ann.contact_id]
    new = str(int(lan.address) + 500_000)

    class Moving(Taking):
        async def send(self, address: str, *_: Any, **__: Any) -> Outcome:
            self.begun.append((0.0, address))
            if address == lan.address:
                return Outcome(Fate.RETRY, "migrated", 0.0, new)
            if address == ann.address:
                return Outcome(Fate.RETRY, "migrated", 0.0, new)
            return Outcome(Fate.SENT)

    async def main() -> None:
        sender = Moving()
        async with delivering(town, sender):
            # The second moves to where somebody is known already, who has messages of their own.
            await settled(town, "sent", "dropped")
        assert [address for _, address in sender.begun].count(new) == 1

    asyncio.run(main())
    known = town.database.read(lambda connection: contacts.addresses(connection, town.keyring, ids))
    assert known == {ids[0]: new}


def standing(town: Town) -> Standing:
    """How Telegram's account stands in the tables."""
    return town.database.read(lambda connection: outbox.standing(connection, "telegram"))


def test_prompts_wait_for_a_halt_that_another_process_was_told_and_tell_of_their_own(town: Town) -> None:
    async def main() -> None:
        sender = Taking()
        account = SendingAccount(town.database, "telegram", lambda: town.now)
        prompts = Prompts(sender, 2, account)  # type: ignore[arg-type]
        stop = asyncio.Event()
        running = asyncio.create_task(account.run(stop))
        await town.database.writing(
            lambda connection: outbox.halt(connection, "telegram", town.now + 60_000, town.now)
        )
        await until(lambda: account.halted > 0)
        assert not prompts.may_ride("5"), "nobody would know that it was refused"
        sending = prompts.send("5", Outgoing("Câu hỏi"), "")
        await asyncio.sleep(0.2)
        assert sender.begun == []
        town.now += 60_001
        await sending
        assert [address for _, address in sender.begun] == ["5"]
        # Told to wait itself, it has the whole account wait.
        sender.outcome = Outcome(Fate.HALT, "flood", 30.0)
        again = prompts.send("6", Outgoing("Câu hỏi"), "")
        await until(lambda: len(sender.begun) == 2 and standing(town).halted_until >= town.now + 30_000)
        sender.outcome = Outcome(Fate.SENT)
        town.now = standing(town).halted_until + 1
        await again
        stop.set()
        await running

    asyncio.run(main())


def test_beside_bulk_messages_prompts_ride_only_where_they_surely_fit(town: Town) -> None:
    async def main() -> None:
        account = SendingAccount(town.database, "telegram", lambda: town.now)
        assert [account.crowded() for _ in range(40)] == [False] * 40
        account = SendingAccount(town.database, "telegram", lambda: town.now)
        account.stands(Standing(bulk_until=town.now + 3_000))
        assert account.crowded(), "the first one after a while: bulk messages have the whole pace"
        account = SendingAccount(town.database, "telegram", lambda: town.now)
        assert not account.crowded()
        await asyncio.sleep(1.1)
        account.stands(Standing(bulk_until=town.now + 3_000))
        assert [account.crowded() for _ in range(RESERVE)] == [False] * RESERVE
        assert account.crowded()

    asyncio.run(main())
