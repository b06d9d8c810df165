"""Sentences of the chat that no transcript can show, each brought about where it is said."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from bot.contacting import message
from bot.messages import ABILITIES
from bot.opening import open_by_steps
from bot.texts import say
from storage import openings, schema
from surveys.roles import Role
from tests.bot import test_render as rendered
from tests.bot import test_trials as trials
from tests.bot.served import settings
from tests.conversations.forms import publications
from tests.forms.build import row, xlsx
from tests.households import settle
from tests.told import told
from tests.town import LEGAL, WARD, ZONE, Resident, Town, found
from tests.working import InProcess

NINE = int(datetime(2026, 3, 5, 9, 0, tzinfo=ZONE).timestamp() * 1000)


@pytest.fixture
def town(tmp_path: Path) -> Iterator[Town]:
    place = found(f"sqlite:///{tmp_path / 'hoidan.db'}", instruments=(), now=NINE)
    yield place
    place.close()


def staff(town: Town) -> Resident:
    """A member of the ward's staff in a chat."""
    account = town.act("account.create", {"name": "Chị Hoa"})["id"]
    town.act("account.grant", {"account": account, "role": Role.WARD_STAFF.value, "area": WARD})
    person = Resident(town, "telegram")
    person.start(town.act("account.invite", {"account": account})["code"])
    return person


def big(town: Town, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The draft of a census of nine people, which is too big to be opened at once, in steps of two."""
    for module in ("bot.opening", "bot.actions.campaign_life"):
        monkeypatch.setattr(f"{module}.SMALL", 3)
    for name in ("STEP", "SHORTEST", "LONGEST"):
        monkeypatch.setattr(f"bot.opening.{name}", 2)
    town.act("instrument.publish", publications()["nho"])
    vintage, code = WARD.split("/")
    town.database.write(lambda c: settle(c, (vintage, code), 9, people=1))
    made: dict[str, Any] = town.act(
        "campaign.create",
        {
            "title": "Khảo sát lớn",
            "area": WARD,
            "starts_on": town.today.isoformat(),
            "ends_on": (town.today + timedelta(days=30)).isoformat(),
            "reference_date": town.today.isoformat(),
            "instrument": "nho",
            "legal": {**LEGAL, "basis": "dieu_19"},
            "mode": "census",
        },
    )
    return made


def test_while_a_big_campaign_is_opened_staff_are_told_how_far_it_is(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    hoa, made = staff(town), big(town, monkeypatch)
    monkeypatch.setattr("bot.worker.TOLD_S", -1.0)
    hoa.say(f"/mochiendich {made['code']}")
    moments = itertools.count(town.now)
    worker = InProcess(settings(town), town.database, town.keyring, lambda: next(moments))
    assert asyncio.run(worker.drain()) == 1
    town.now += 60_000
    texts = [one.text for one in told(town, hoa)]
    assert texts[0] == say("vi", "life.opening", title="Khảo sát lớn", code=made["code"])
    assert say("vi", "life.making", done="2", size="9") in texts
    assert "Số phiếu: 9" in texts[-1]


def test_a_campaign_whose_opening_was_killed_is_shown_as_unfinished(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    hoa, made = staff(town), big(town, monkeypatch)
    hoa.say(f"/mochiendich {made['code']}")
    step, left = openings.step, iter(range(2))

    def killed(*given: Any) -> Any:
        if next(left, None) is None:
            raise KeyboardInterrupt
        return step(*given)

    monkeypatch.setattr(openings, "step", killed)
    with pytest.raises(KeyboardInterrupt):
        asyncio.run(open_by_steps(town.database, made["id"], ZONE, clock=lambda: town.now))
    told(town, hoa)
    hoa.say(f"/chiendich {made['code']}")
    shown = told(town, hoa)[-1].text
    assert say("vi", "life.size_unfinished", size="9", mode=say("vi", "mode.census")) in shown


def test_a_channel_without_buttons_is_told_to_send_the_code() -> None:
    params = {
        "title": "Khảo sát năm 2026", "office": "UBND phường", "code": "0016-9KQ4-2MTD", "ends": "01/04/2026",
        "days": 3, "open": 2, "minutes": 1, "link": "",
    }  # fmt: skip
    for language in ("vi", "en"):
        plain = message("contact.not_started", params, language, ABILITIES["terminal"])
        assert say(language, "contact.by_code", **params) in plain.text and plain.rows == ()


def test_where_nothing_leads_to_a_page_of_ours_people_are_sent_to_the_staff(town: Town) -> None:
    assert town.desk.links.public_url == ""
    town.act("instrument.publish", publications()["gia_dinh_rieng"])
    code = town.campaign(basis="dieu_19", instrument="gia-dinh-rieng")
    lan = Resident(town, "telegram")
    lan.start(code)
    assert lan.last.text == say("vi", "code.not_on_this_channel_no_link")


def test_a_report_on_a_form_that_is_deleted_meanwhile_says_so(town: Town) -> None:
    lan = trials.staff(town)
    trials.checked(lan, trials.GOOD)
    lan.say("/phieu 1")
    lan.say("/phieu xóa 1")
    assert trials.told(town, lan)[0].text == say("vi", "trial.gone", number=1)


def test_a_form_on_trial_is_told_a_campaign_that_is_none(town: Town) -> None:
    lan = trials.staff(town)
    form = xlsx(
        [
            row("hidden", "ten_chien_dich"),
            row("text", "y_kien", "Về ${ten_chien_dich}, ông/bà thấy sao?", required="yes"),
        ],
        (),
        trials.HEAD,
    )
    lan.tap("▶ Thử ngay", trials.checked(lan, form))
    assert f"Về {say('vi', 'trial.campaign')}, ông/bà thấy sao?" in lan.last.text


def test_whoever_wrote_what_goes_into_quarantine_is_told_so_and_their_answers_stay(town: Town) -> None:
    town.act("instrument.publish", publications()["nho"])
    lan = Resident(town, "telegram")
    lan.start(town.campaign(basis="dieu_19", instrument="nho"))
    spoil = update(schema.interviews).values(document_sealed=b"\x02k1broken")
    town.database.write(lambda connection: connection.execute(spoil))
    lan.say("nam")
    assert lan.last.text == say("vi", "turn.fault")


@pytest.mark.parametrize("language", ["vi", "en"])
def test_a_roster_says_what_its_buttons_do(language: str) -> None:
    free = rendered.shown(rendered.roster(2), language=language)
    assert say(language, "roster.tap") in free.text.split("\n")
    fixed = replace(rendered.roster(2), may_change=False)
    assert say(language, "roster.tap_change") in rendered.shown(fixed, language=language).text.split("\n")
