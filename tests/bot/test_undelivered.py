"""Who may see, repeat or give up what could not be delivered: those who run the campaign it is of."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import select, update

from bot.texts import LANGUAGES
from bot.undelivered import reason
from storage import campaigns, outbox
from storage.outbox import Draft
from storage.schema import outbox as table
from surveys.problems import Problem
from tests.benchmarks.survey import NAME, publication
from tests.town import WARD, Resident, Town, found

BEN_THANH = "2025-07-01/26743"


@pytest.fixture
def town(database_url: str) -> Iterator[Town]:
    place = found(database_url, instruments=())
    place.act("instrument.publish", publication())
    yield place
    place.close()


def ward_staff(town: Town, area: str = WARD) -> int:
    account: int = town.act("account.create", {"name": "Bình"})["id"]
    grant = {"account": account, "role": "ward_staff", "area": area}
    town.act("account.grant", {**grant, "valid_from": town.today.isoformat()})
    return account


def failed(town: Town, code: str | None, state: str = "failed", number: int = 2) -> list[int]:
    """Messages of a campaign, or of none, that were not delivered."""
    lan = Resident(town)
    lan.start()

    def write(connection: Any) -> list[int]:
        of = None if code is None else campaigns.expect(connection, code).id
        keys = [f"{code}:{state}:{index}" for index in range(number)]
        drafts = [Draft("telegram", lan.contact_id, key, "x", {}, 0, of is not None, of) for key in keys]
        outbox.queue(connection, town.keyring, drafts, town.now)
        mine = table.c.key.in_(keys)
        connection.execute(update(table).where(mine).values(state=state, fault="timed out", attempts=8))
        return list(connection.execute(select(table.c.id).where(mine)).scalars())

    return town.database.write(write)


def test_staff_of_a_ward_see_and_change_what_is_of_their_campaigns_alone(town: Town) -> None:
    here = town.campaign(basis="dieu_19", instrument=NAME)
    there = town.campaign(basis="dieu_19", instrument=NAME, area=BEN_THANH)
    mine, theirs, nobodys = failed(town, here), failed(town, there), failed(town, None)
    staff = ward_staff(town)
    seen = town.act("delivery.list", account=staff)
    assert seen["total"] == 2
    assert sorted(each["id"] for each in seen["messages"]) == sorted(mine)
    assert town.act("delivery.list")["total"] == 6, "who looks after everything sees everything"
    for given in ({"campaign": there}, {"messages": theirs}, {"messages": [mine[0], *nobodys]}):
        for name in ("delivery.retry", "delivery.drop"):
            with pytest.raises(Problem) as refused:
                town.act(name, given, staff)
            assert refused.value.code == "not_allowed"
    assert town.act("delivery.retry", {"messages": mine[:1]}, staff) == {"retried": 1}
    assert town.act("delivery.drop", {"campaign": here}, staff) == {"dropped": 1}
    assert town.act("delivery.list", account=staff)["total"] == 0
    done = {entry["action"] for entry in town.act("audit.list")["entries"] if entry["outcome"] == "done"}
    assert {"delivery.list", "delivery.retry", "delivery.drop"} <= done


def test_what_may_have_arrived_is_sent_again_only_when_that_is_said(town: Town) -> None:
    code = town.campaign(basis="dieu_19", instrument=NAME)
    failed(town, code, "unknown", 3)
    failed(town, code, "failed", 1)
    assert town.act("delivery.retry", {"campaign": code}) == {"retried": 1}
    assert town.act("delivery.retry", {"campaign": code}) == {"retried": 0}
    assert town.act("delivery.retry", {"campaign": code, "state": "unknown"}) == {"retried": 3}


@pytest.mark.parametrize("given", [{}, {"campaign": "X", "messages": [1]}, {"messages": [999_999]}])
def test_what_is_meant_has_to_be_clear(town: Town, given: dict[str, Any]) -> None:
    if "campaign" in given:
        given = {**given, "campaign": town.campaign(basis="dieu_19", instrument=NAME)}
    with pytest.raises(Problem) as refused:
        town.act("delivery.retry", given)
    assert refused.value.code in ("delivery_which", "message_unknown")


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_reason_is_said_in_words(language: str) -> None:
    ours = ["timed out", "broken off", "holder ended", "no connection: OSError", "HTTP 502 without an answer"]
    ours.append("")
    said = [reason(language, fault) for fault in ours]
    assert len(set(said)) == len(said)
    assert not any("undelivered." in words or "{" in words for words in said)
    assert "message is too long" in reason(language, "message is too long")
