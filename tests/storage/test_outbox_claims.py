"""Which messages of our own accord are next: in turn from every campaign that is open, the oldest of a person
first, found by index whatever else stands in the outbox.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

import pytest
from sqlalchemy import event, select, update

from scheduler.jobs import drop_over, forget_sent
from storage import leases, outbox, signals, tallies, undelivered
from storage.database import now_ms
from storage.outbox import Draft, Settled, Verdict, Waiting
from storage.schema import campaigns
from storage.schema import outbox as table
from tests.benchmarks.survey import NAME, publication
from tests.town import Resident, Town, found

BEN_THANH = "2025-07-01/26743"
HERE = ("2025-07-01", "26740")
LONG = "message is too long"


@pytest.fixture
def town(database_url: str) -> Iterator[Town]:
    place = found(database_url, instruments=())
    place.act("instrument.publish", publication())
    yield place
    place.close()


def campaign(town: Town, **changes: Any) -> int:
    """The id of an open campaign."""
    code = town.campaign(basis="dieu_19", instrument=NAME, **changes)
    return town.database.read(
        lambda c: int(c.execute(select(campaigns.c.id).where(campaigns.c.code == code)).scalar_one())
    )


def people(town: Town, number: int) -> list[int]:
    made = []
    for _ in range(number):
        person = Resident(town)
        person.start()
        made.append(person.contact_id)
    return made


def put(town: Town, campaign_id: int | None, contacts: Sequence[int], at: int = 0, **more: Any) -> None:
    drafts = [
        Draft(
            more.get("channel", "telegram"),
            contact,
            f"{campaign_id}:{contact}:{at}",
            "turn.unreadable",
            {},
            due_at=town.now + at,
            bulk=more.get("bulk", True),
            campaign_id=campaign_id,
        )
        for contact in contacts
    ]
    town.database.write(lambda c: outbox.queue(c, town.keyring, drafts, town.now))


def take(town: Town, limit: int, among: Sequence[int | None], busy: Any = lambda _: False) -> list[Waiting]:
    return town.database.write(
        lambda c: outbox.claim_bulk(c, town.keyring, "telegram", "me", 1, limit, town.now, among, busy)
    )


def lanes(town: Town) -> dict[int | None, str]:
    return {
        lane.campaign_id: lane.status
        for lane in town.database.read(lambda c: outbox.lanes(c, "telegram", town.now))
    }


def set_status(town: Town, campaign_id: int, status: str) -> None:
    town.database.write(
        lambda c: c.execute(update(campaigns).where(campaigns.c.id == campaign_id).values(status=status))
    )


def states(town: Town) -> list[str]:
    return town.database.read(lambda c: list(c.execute(select(table.c.state).order_by(table.c.id)).scalars()))


def test_a_large_campaign_does_not_keep_a_small_one_waiting(town: Town) -> None:
    large, small = campaign(town), campaign(town)
    everybody = people(town, 24)
    put(town, large, everybody[:20], at=-100)
    put(town, small, everybody[20:], at=-10)
    assert lanes(town) == {large: "open", small: "open"}
    first = take(town, 6, [large, small])
    assert sorted(one.campaign_id for one in first if one.campaign_id) == [large] * 3 + [small] * 3
    # What one can't fill, the other does; and one message that is odd goes to whose turn it is.
    second = take(town, 5, [small, large])
    assert [one.campaign_id for one in second].count(small) == 1
    assert len(second) == 5
    assert [one.campaign_id for one in take(town, 4, [large, small])] == [large] * 4


def test_of_a_person_the_oldest_message_goes_first_whichever_campaign_it_is_of(town: Town) -> None:
    old, new = campaign(town), campaign(town)
    lan, ann, minh = people(town, 3)
    put(town, old, [minh], at=-90)
    put(town, old, [lan], at=-50)
    put(town, new, [lan], at=-40)
    put(town, new, [ann], at=-30)
    claimed = take(town, 2, [new, old])
    assert {(one.contact_id, one.campaign_id) for one in claimed} == {(lan, old), (minh, old)}
    assert {(one.contact_id, one.campaign_id) for one in take(town, 5, [new, old])} == {
        (lan, new),
        (ann, new),
    }


def test_one_claim_has_one_message_for_a_person_and_none_for_whose_chat_is_busy(town: Town) -> None:
    one = campaign(town)
    everybody = people(town, 6)
    for at in (-30, -20, -10):
        put(town, one, everybody, at=at)
    busy = set(everybody[:3])
    claimed = take(town, 10, [one], busy.__contains__)
    assert [each.contact_id for each in claimed] == everybody[3:]
    assert {each.due_at for each in claimed} == {town.now - 30}


def test_nothing_of_a_campaign_that_is_not_open_is_claimed_and_what_is_over_is_dropped(town: Town) -> None:
    one, two, three = campaign(town), campaign(town), campaign(town)
    everybody = people(town, 3)
    for which in (one, two, three):
        put(town, which, everybody)
    put(town, None, everybody)
    put(town, three, everybody, bulk=False, at=1)
    set_status(town, two, "paused")
    set_status(town, three, "closed")
    assert lanes(town) == {one: "open", two: "paused", three: "closed", None: "open"}
    # Even who still thinks that they are open gets nothing of them.
    claimed = take(town, 50, [one, two, three, None])
    assert len(claimed) == 3, "one for each of them"
    assert two not in {each.campaign_id for each in claimed}
    assert three not in {each.campaign_id for each in claimed}
    assert drop_over(town.database) == 3
    found_ = town.database.read(
        lambda c: c.execute(
            select(table.c.campaign_id, table.c.bulk, table.c.state, table.c.fault)
            .where(table.c.state != "claimed")
            .order_by(table.c.id)
        ).all()
    )
    assert [(row.state, row.fault) for row in found_ if row.campaign_id == three and row.bulk] == [
        ("dropped", outbox.OVER)
    ] * 3
    assert {row.state for row in found_ if row.campaign_id == two} == {"due"}
    # An answer to somebody is theirs whatever became of the campaign.
    assert {row.state for row in found_ if row.campaign_id == three and not row.bulk} == {"due"}


def test_pages_get_nothing_of_a_paused_campaign_either(town: Town) -> None:
    one, two = campaign(town), campaign(town)
    lan = Resident(town, "webchat")
    lan.start()
    for which in (one, two):
        put(town, which, [lan.contact_id], channel="webchat")
    set_status(town, two, "paused")
    claimed = town.database.write(
        lambda c: outbox.claim(
            c, town.keyring, "webchat", "page", 0, 9, town.now, contacts_only=[lan.contact_id]
        )
    )
    assert [each.campaign_id for each in claimed] == [one]


def test_whoever_decides_again_has_the_last_word_and_nothing_is_counted_as_a_try(town: Town) -> None:
    one = campaign(town)
    first, second, third = people(town, 3)
    put(town, one, [first, second, third])
    asked: list[list[int]] = []

    def wanted(_connection: object, claimed: Sequence[Waiting]) -> dict[int, Verdict]:
        asked.append([each.contact_id for each in claimed])
        return {
            claimed[0].id: Verdict("drop", "answered"),
            claimed[1].id: Verdict("later", at=town.now + 500),
        }

    claimed = take(town, 9, [one])
    sent = town.database.write(lambda c: outbox.still_wanted(c, claimed, wanted, "me", 1, town.now))
    assert asked == [[first, second, third]]
    assert [each.contact_id for each in sent] == [third]
    rows = town.database.read(lambda c: c.execute(select(table).order_by(table.c.id)).all())
    assert [(row.state, row.attempts, row.due_at - town.now) for row in rows] == [
        ("dropped", 0, 0),
        ("due", 0, 500),
        ("claimed", 1, 0),
    ]
    assert rows[0].fault == "answered"


def plans(town: Town, job: Any) -> list[str]:
    """How the database goes about the statements of ``job`` that look for rows of the outbox."""
    said: list[tuple[str, Any]] = []
    engine = town.database.engine

    def remember(_c: object, _cursor: object, statement: str, given: Any, *_: object) -> None:
        if "outbox" in statement and not statement.startswith("EXPLAIN"):
            said.append((statement, given))

    event.listen(engine, "before_cursor_execute", remember)
    try:
        town.database.read(job)
    finally:
        event.remove(engine, "before_cursor_execute", remember)

    def explain(connection: Any) -> list[str]:
        if not town.database.is_sqlite:
            connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
            connection.exec_driver_sql("SET LOCAL enable_sort = off")
        how = "EXPLAIN QUERY PLAN " if town.database.is_sqlite else "EXPLAIN "
        return [
            "\n".join(str(row[-1]) for row in connection.exec_driver_sql(how + statement, given))
            for statement, given in said
        ]

    return town.database.read(explain)


def test_what_is_next_is_found_by_index_whatever_stands_in_the_outbox(town: Town) -> None:
    one, two = campaign(town), campaign(town)
    put(town, one, people(town, 3))
    put(town, two, people(town, 3), at=1)
    picked = {"on": "telegram", "before": town.now, "campaign0": one, "campaign1": two}

    def bulk(connection: Any) -> None:
        statement = outbox._next_bulk(2, True)
        connection.execute(statement, {**picked, "most0": 5, "most1": 5, "most2": 5, "passed": [7]}).all()
        outbox.lanes(connection, "telegram", town.now)

    def replies(connection: Any) -> None:
        connection.execute(
            outbox._NEXT_REPLIES, {"on": "telegram", "before": town.now, "most0": 5, "passed": []}
        ).all()

    for job, index in ((bulk, "ix_outbox_bulk"), (replies, "ix_outbox_replies")):
        for plan in plans(town, job):
            assert index in plan, plan
            assert "SCAN outbox" not in plan and "Seq Scan on outbox" not in plan
            assert "TEMP B-TREE" not in plan


def test_what_was_sent_long_ago_is_forgotten_and_what_was_not_delivered_is_kept(town: Town) -> None:
    one = campaign(town)
    everybody = people(town, 5)
    put(town, one, everybody)
    claimed = take(town, 9, [one])
    ends = ["sent", "dropped", "failed", "unknown", "due"]
    settled = [Settled(each.id, end) for each, end in zip(claimed, ends, strict=True)]
    long_ago = now_ms() - 91 * 24 * 3_600_000
    town.database.write(lambda c: outbox.settle(c, "me", 1, settled, long_ago))
    assert forget_sent(town.database) == 2
    assert states(town) == ["failed", "unknown", "due"]
    assert forget_sent(town.database) == 0
    assert town.database.read(lambda c: tallies.unsent(c, ["telegram"])) == {
        ("telegram", "due"): 1,
        ("telegram", "claimed"): 0,
        ("telegram", "unknown"): 1,
        ("telegram", "failed"): 1,
    }


def test_who_is_told_to_wait_again_and_again_waits_longer_each_time(town: Town) -> None:
    def halt(seconds: int) -> int:
        until = town.now + seconds * 1000
        return town.database.write(lambda c: outbox.halt(c, "telegram", until, town.now)) - town.now

    assert halt(3) == 3_000
    town.now += 1_000
    assert halt(3) == 3_000, "of the same wave"
    for expected in (6_000, 12_000, 24_000):
        town.now = town.database.read(lambda c: outbox.standing(c, "telegram")).halted_until + 500
        assert halt(3) == expected
    town.now += 24_000 + outbox.REPEATED_MS
    assert halt(3) == 3_000, "that was a while ago"
    town.now += 3_500
    assert halt(3_600) == 3_600_000, "the platform's own word is never cut"


def test_a_clock_that_was_put_back_does_not_keep_a_dead_holders_lease(town: Town) -> None:
    def lease(holder: str, now: int) -> int | None:
        return town.database.write(lambda c: leases.take(c, "delivery:telegram", holder, now, 100))

    assert lease("dead", town.now + 3_600_000) == 1
    assert lease("other", town.now) is None
    assert lease("other", town.now + 99) is None
    assert lease("other", town.now + 101) == 2


def test_what_is_told_is_heard_after_the_commit_and_only_then(town: Town) -> None:
    heard: list[str] = []
    topic = signals.queued("telegram")
    end = town.database.signals.listen(topic, lambda: heard.append("queued"))

    def undone(connection: Any) -> None:
        signals.tell(connection, topic)
        raise ZeroDivisionError

    def told(connection: Any) -> None:
        signals.tell(connection, topic)
        signals.tell(connection, topic, "another")

    def wait(number: int) -> None:
        deadline = time.monotonic() + 20
        while len(heard) < number and time.monotonic() < deadline:
            time.sleep(0.01)
        assert len(heard) >= number

    if not town.database.is_sqlite:
        wait(1)  # Who begins to listen is told once, for what was said before.
    heard.clear()
    with pytest.raises(ZeroDivisionError):
        town.database.write(undone)
    town.database.write(told)
    wait(1)
    assert heard == ["queued"]
    end()
    town.database.write(told)
    assert heard == ["queued"]


def test_staff_see_what_was_not_delivered_in_their_areas_and_have_it_sent_or_dropped(town: Town) -> None:
    here, there = campaign(town), campaign(town, area=BEN_THANH)
    everybody = people(town, 4)
    for which in (here, there):
        put(town, which, everybody)
    settled = []
    for which in (here, there):
        claimed = take(town, 9, [which])
        assert len(claimed) == 4
        for each, (end, fault) in zip(
            claimed,
            [("failed", LONG), ("failed", LONG), ("unknown", "timed out"), ("sent", "")],
            strict=True,
        ):
            settled.append(Settled(each.id, end, fault))
    town.database.write(lambda c: outbox.settle(c, "me", 1, settled, town.now))

    def seen(**chosen: Any) -> list[tuple[int | None, str, int]]:
        groups = town.database.read(lambda c: undelivered.groups(c, **chosen))
        return [(each.campaign_id, each.state, each.number) for each in groups]

    assert seen() == [
        (here, "failed", 2),
        (there, "failed", 2),
        (here, "unknown", 1),
        (there, "unknown", 1),
    ]
    assert seen(within=[HERE]) == [(here, "failed", 2), (here, "unknown", 1)]
    assert seen(campaign_id=there, states=["unknown"]) == [(there, "unknown", 1)]
    listed = town.database.read(lambda c: undelivered.listing(c, campaign_id=here))
    assert [each.fault for each in listed] == ["timed out", LONG, LONG]
    ids = [each.id for each in listed]
    assert town.database.read(lambda c: undelivered.areas_of(c, ids)) == dict.fromkeys(ids, HERE)
    assert (
        town.database.write(partial(undelivered.retry, now=town.now, campaign_id=here, states=["failed"]))
        == 2
    )
    assert town.database.write(partial(undelivered.drop, now=town.now, reason="enough", ids=ids)) == 1
    assert seen(campaign_id=here) == []
    # What was given up for dead and comes back has no say any more.
    late = [Settled(each.id, "sent") for each in listed]
    town.database.write(lambda c: outbox.settle(c, "me", 1, late, town.now))
    assert states(town)[:4] == ["due", "due", "dropped", "sent"]


def test_nothing_is_claimed_before_its_time_or_while_its_campaign_is_paused(town: Town) -> None:
    one, two = campaign(town), campaign(town)
    everybody = people(town, 3)
    put(town, one, everybody, at=10_000)
    put(town, two, everybody)
    set_status(town, two, "paused")
    assert lanes(town) == {two: "paused"}
    assert take(town, 9, [one, two]) == []
    town.now += 10_000
    assert len(take(town, 9, [one, two])) == 3
