"""Alerts are raised once, told to the right people by day, and cleared; summaries come when they should, to
whom they should.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

import pytest
from sqlalchemy import insert, update

from bot import watching
from bot.actions import Actor
from bot.actions.gate import VIETNAM
from bot.actions.progress import SIGN
from bot.messages import ABILITIES, Outgoing
from bot.notices import notice
from bot.progress import PROGRESS
from bot.readings import Reading, work_out
from bot.watching import SILENT_MS, Watch
from scheduler.jobs import STORAGE_JOBS
from storage import accounts, alerts, contacts, leases, outbox, tasks
from storage.schema import outbox as messages
from storage.schema import tasks as task_rows
from surveys.alerts import Alert, Kind
from surveys.roles import Role
from tests.census import DAY, census
from tests.ward import CITY, HERE, NOW, THERE, Ward, found

MINUTE, HOUR = 60_000, 3_600_000
MORNING = NOW + HOUR
"""Monday, 2026-01-05, 08:00 in Vietnam."""


@dataclass(slots=True)
class Place:
    """A ward that is watched."""

    ward: Ward
    now: int = MORNING

    @property
    def watch(self) -> Watch:
        return Watch(self.ward.keyring, VIETNAM, lambda: self.now)

    def look(self) -> int:
        """One run of everything that raises and clears."""
        database, watch = self.ward.database, self.watch
        return watching.watch_system(database, watch) + watching.watch_campaigns(database, watch)

    def tell(self) -> int:
        return watching.tell(self.ward.database, self.watch)

    def digests(self) -> int:
        return watching.send_digests(self.ward.database, self.watch)

    def standing(self) -> list[tuple[str, str]]:
        return [(one.kind, one.about) for one in self.ward.database.read(alerts.standing)]

    def account(self, role: Role, area: Any = HERE, channel: str = "telegram") -> Actor:
        """A member of staff with a contact."""
        who = self.ward.staff(role, area)
        contact = self.ward.resident(channel).contact_id
        assert contact is not None
        self.ward.database.write(lambda c: contacts.bind_account(c, contact, who.account_id))
        return Actor(account_id=who.account_id, contact_id=contact)

    def post(self, contact: int, due_at: int, **values: Any) -> None:
        """A message in the outbox."""
        row = {
            "channel": "telegram", "contact_id": contact, "key": f"k{due_at}{values}", "message": "m",
            "params_sealed": b"-", "bulk": False, "state": "due", "due_at": due_at, "changed_at": due_at,
        }  # fmt: skip
        self.ward.database.write(lambda c: c.execute(insert(messages).values(**{**row, **values})))

    def got(self) -> dict[int, list[tuple[str, Outgoing]]]:
        """What waits for whom, as they will read it: contact → *(message, how it looks)*."""

        def claim(connection: Any) -> list[outbox.Waiting]:
            both: list[outbox.Waiting] = []
            for channel in ("telegram", "webchat"):
                both += outbox.claim_replies(connection, self.ward.keyring, channel, "t", 1, 99, self.now)
            return both

        found_: dict[int, list[tuple[str, Outgoing]]] = {}
        for one in self.ward.database.write(claim):
            params = one.params
            if "reading" in params:
                params = self.ward.database.read(partial(_worked_out, params=params))
            shown = notice(one.message, params, "vi", ABILITIES[one.channel])
            found_.setdefault(one.contact_id, []).append((one.message, shown))
        return found_


def _worked_out(connection: Any, params: Any) -> Any:
    return work_out(connection, Reading(params["reading"], params["arguments"]))


@pytest.fixture
def place(database_url: str) -> Iterator[Place]:
    office = found(database_url)
    yield Place(office)
    office.close()


def test_every_message_about_progress_has_its_commands() -> None:
    assert set(PROGRESS) == {"progress", "waiting", "alerts", "digest"}


# ── raising and clearing ────────────────────────────────────────────────────────────────────────────────────


def test_messages_that_do_not_go_out_are_an_alert_until_they_do(place: Place) -> None:
    contact = place.ward.resident().contact_id
    assert contact is not None
    place.post(contact, place.now - 16 * MINUTE)
    assert place.look() == 1 and place.standing() == [("delivery", "channel:telegram")]
    place.now += MINUTE
    assert place.look() == 0 and len(place.standing()) == 1
    place.ward.database.write(lambda c: c.execute(update(messages).values(state="sent")))
    assert place.look() == 1 and place.standing() == []
    place.post(contact, place.now - 16 * MINUTE, key="again")
    assert place.look() == 1 and place.standing() == [("delivery", "channel:telegram")]


def test_a_wave_that_moves_is_no_alert_and_one_of_a_paused_campaign_neither(place: Place) -> None:
    made = census(place.ward, 10)
    contact = place.ward.resident().contact_id
    assert contact is not None
    place.post(contact, place.now - HOUR, bulk=True, campaign_id=made.id)
    place.ward.database.write(lambda c: outbox.bulk_under_way(c, "telegram", place.now))
    assert ("delivery", "channel:telegram") not in (place.look(), *place.standing())
    place.now += HOUR
    place.look()
    assert ("delivery", "channel:telegram") in place.standing()
    place.ward.act("campaign.pause", campaign=made.id)
    place.look()
    assert ("delivery", "channel:telegram") not in place.standing()


def test_a_task_that_nobody_takes_is_an_alert(place: Place) -> None:
    place.ward.database.write(
        lambda c: tasks.queue(c, place.ward.keyring, "x", {}, None, None, place.now - 16 * MINUTE)
    )
    place.look()
    assert place.standing() == [("worker", "worker")]
    held = {"state": "running", "held_until": place.now + HOUR}
    place.ward.database.write(lambda c: c.execute(update(task_rows).values(**held)))
    place.look()
    assert place.standing() == []


def test_many_undelivered_messages_are_an_alert_of_their_campaign(place: Place) -> None:
    made = census(place.ward, 10)
    contact = place.ward.resident().contact_id
    assert contact is not None
    for number in range(20):
        state = "failed" if number % 2 else "unknown"
        place.post(contact, place.now, key=f"d{number}", state=state, campaign_id=made.id, bulk=True)
    place.look()
    assert place.standing() == [("dead_letters", f"campaign:{made.id}")]


def test_a_day_without_an_answer_in_a_campaign_that_runs_is_an_alert(place: Place) -> None:
    made = census(place.ward, 10)
    place.now = NOW + 23 * HOUR
    assert place.look() == 0
    place.now = NOW + 25 * HOUR
    assert place.look() == 1 and place.standing() == [("silence", f"campaign:{made.id}")]
    made.begin(made.cases[:1], place.now)
    assert place.look() == 1 and place.standing() == []
    place.now += 30 * HOUR
    place.look()
    place.ward.act("campaign.close", campaign=made.id)
    place.look()
    assert place.standing() == []


def test_a_near_end_and_too_slow_a_pace_are_an_alert(place: Place) -> None:
    made = census(place.ward, 100, ends_on="2026-01-16")
    made.hand_in(made.cases[:10], NOW + DAY)
    place.now = NOW + 4 * DAY  # 9 January, 7 days to the end
    place.look()
    assert ("coverage", f"campaign:{made.id}") in place.standing()
    made.hand_in(made.cases[10:85], place.now)
    place.look()
    assert ("coverage", f"campaign:{made.id}") not in place.standing()


def test_two_who_look_at_once_raise_one_alert(place: Place) -> None:
    contact = place.ward.resident().contact_id
    assert contact is not None
    place.post(contact, place.now - HOUR)
    silent = Alert(Kind.DELIVERY, "channel:telegram")
    first = place.ward.database.write(lambda c: alerts.put(c, silent, place.now))
    second = place.ward.database.write(lambda c: alerts.put(c, silent, place.now))
    assert first is not None and second is None


# ── telling ─────────────────────────────────────────────────────────────────────────────────────────────────


def test_an_alert_is_told_once_to_those_it_concerns(place: Place) -> None:
    staff, elsewhere = place.account(Role.WARD_STAFF), place.account(Role.WARD_STAFF, THERE)
    officer, boss = place.account(Role.OFFICER, CITY), place.account(Role.ADMINISTRATOR, None)
    census(place.ward, 10)
    place.now = MORNING + 30 * HOUR
    place.post(staff.contact_id or 0, place.now - HOUR, key="late")
    place.look()
    assert {kind for kind, _ in place.standing()} == {"silence", "delivery"}
    assert place.tell() == 2 and place.tell() == 0
    place.ward.database.write(
        lambda c: c.execute(update(messages).where(messages.c.key == "late").values(state="sent"))
    )
    got = {contact: shown[0][1].text for contact, shown in place.got().items()}
    assert set(got) == {staff.contact_id, boss.contact_id}
    assert "không có ai trả lời" in got[staff.contact_id or 0]
    assert "Telegram" in got[boss.contact_id or 0] and "không có ai trả lời" not in got[boss.contact_id or 0]
    assert elsewhere.contact_id not in got and officer.contact_id not in got


def test_an_alert_of_a_campaign_leads_to_its_progress(place: Place) -> None:
    staff, one = place.account(Role.WARD_STAFF), census(place.ward, 5)
    place.now = MORNING + 2 * DAY
    place.look()
    place.tell()
    ((message, shown),) = place.got()[staff.contact_id or 0]
    assert message == "staff.alerts"
    assert [button.label for row in shown.rows for button in row] == [f"Tiến độ {one.code}"]


def test_nobody_is_told_at_night_and_what_is_over_by_morning_not_at_all(place: Place) -> None:
    boss = place.account(Role.ADMINISTRATOR, None)
    place.now = MORNING + 16 * HOUR  # midnight
    place.post(boss.contact_id or 0, place.now - HOUR, key="a")
    place.look()
    assert place.standing() and place.tell() == 0
    place.ward.database.write(lambda c: c.execute(update(messages).values(state="sent")))
    place.look()
    place.now += 8 * HOUR
    assert place.tell() == 0
    place.post(boss.contact_id or 0, place.now - HOUR, key="b")
    place.look()
    assert place.tell() == 1


def test_staff_see_the_alerts_of_their_area_and_of_the_system(place: Place) -> None:
    here, there = place.ward.staff(Role.WARD_STAFF), place.ward.staff(Role.WARD_STAFF, THERE)
    made = census(place.ward, 10)
    contact = place.ward.resident().contact_id
    assert contact is not None
    place.now = NOW + 30 * HOUR
    place.post(contact, place.now - HOUR)
    place.look()

    def listed(who: Actor) -> list[tuple[str, str | None]]:
        place.ward.now = place.now
        return [(one["kind"], one["campaign"]) for one in place.ward.act("alert.list", who)["alerts"]]

    assert set(listed(here)) == {("delivery", None), ("silence", made.code)}
    assert listed(there) == [("delivery", None)]


def test_a_silent_scheduler_is_seen_and_told_by_whoever_is_left(place: Place) -> None:
    boss = place.account(Role.ADMINISTRATOR, None)
    database, began = place.ward.database, place.now
    place.look()
    place.now += SILENT_MS // 2
    assert not watching.notice_silence(database, place.watch, began)
    place.now += SILENT_MS
    assert watching.notice_silence(database, place.watch, began)
    assert watching.notice_silence(database, place.watch, began)
    assert place.standing() == [("scheduler", "scheduler")]
    (told,) = place.got()[boss.contact_id or 0]
    assert told[0] == "staff.alerts" and "không ai được mời hay nhắc" in told[1].text
    # It is back: whoever looks shows it.
    place.look()
    assert place.standing() == []


def test_a_process_that_has_just_begun_calls_nobody_silent(place: Place) -> None:
    place.ward.database.write(lambda c: leases.take(c, SIGN, "jobs", place.now - DAY, SILENT_MS))
    assert not watching.notice_silence(place.ward.database, place.watch, place.now)


def test_the_list_names_a_silent_scheduler_that_nobody_raised(place: Place) -> None:
    place.look()
    place.ward.now = place.now + DAY
    (only,) = place.ward.act("alert.list")["alerts"]
    assert (only["kind"], only["figures"]["minutes"] > 1400) == ("scheduler", True)


# ── summaries ───────────────────────────────────────────────────────────────────────────────────────────────


def test_on_monday_at_eight_everybody_gets_one_summary_of_all_their_campaigns(place: Place) -> None:
    staff, officer = place.account(Role.WARD_STAFF), place.account(Role.OFFICER, CITY)
    nobody, boss = place.account(Role.WARD_STAFF, THERE), place.account(Role.ADMINISTRATOR, None)
    one = census(place.ward, 10)
    other = census(place.ward, 5, title="Khảo sát thứ hai", neighbourhoods=("Khu phố 9",))
    place.now = MORNING - MINUTE
    assert place.digests() == 0
    place.now = MORNING
    assert place.digests() == 2 and place.digests() == 0
    got = place.got()
    assert set(got) == {staff.contact_id, officer.contact_id}
    assert nobody.contact_id not in got and boss.contact_id not in got
    ((message, shown),) = got[staff.contact_id or 0]
    assert message == "staff.digest" and one.code in shown.text and other.code in shown.text
    place.now = MORNING + DAY
    assert place.digests() == 0


def test_a_summary_comes_some_days_before_an_end(place: Place) -> None:
    place.account(Role.WARD_STAFF)
    census(place.ward, 3, ends_on="2026-02-05")
    sent = []
    for day in range(32):
        place.now = MORNING + day * DAY
        if place.digests():
            sent.append(datetime.fromtimestamp(place.now / 1000, VIETNAM).strftime("%m-%d"))
    mondays = ["01-05", "01-12", "01-19", "01-26", "02-02"]
    before_end, before_reports = ["01-29", "02-02", "02-04"], ["01-07", "01-08", "01-09", "01-12", "01-14"]
    assert sent == sorted({*mondays, *before_end, *before_reports})


def test_a_missed_morning_is_made_up_for_later_that_day_and_not_at_night(place: Place) -> None:
    place.account(Role.WARD_STAFF)
    census(place.ward, 3)
    place.now = MORNING + 13 * HOUR
    assert place.digests() == 0
    place.now = MORNING + 11 * HOUR
    assert place.digests() == 1


def test_who_wants_no_summaries_gets_none_until_they_want_them_again(place: Place) -> None:
    staff = place.account(Role.WARD_STAFF)
    census(place.ward, 3)
    place.ward.act("digest.set", staff, wanted=False)
    place.now = MORNING
    assert place.digests() == 0
    place.ward.act("digest.set", staff, wanted=True)
    assert place.digests() == 1


def test_the_office_says_who_gets_summaries_and_when(place: Place) -> None:
    place.account(Role.WARD_STAFF)
    boss = place.account(Role.ADMINISTRATOR, None)
    census(place.ward, 3)
    for name, value in (
        ("digest_ward_staff", 0), ("digest_administrators", 1), ("digest_weekday", 2), ("digest_hour", 10),
    ):  # fmt: skip
        place.ward.act("parameter.set", name=name, value=value)
    place.now = MORNING + 3 * HOUR
    assert place.digests() == 0
    place.now = MORNING + DAY
    assert place.digests() == 0
    place.now = MORNING + DAY + 2 * HOUR
    assert place.digests() == 1
    assert set(place.got()) == {boss.contact_id}


def test_staff_of_a_ward_hear_of_the_citys_campaign_what_concerns_their_ward(place: Place) -> None:
    staff = place.account(Role.WARD_STAFF, THERE)
    made = census(place.ward, 10, area="/".join(CITY), place=THERE)
    made.hand_in(made.cases[:4], NOW)
    census(place.ward, 6, place=HERE)
    place.now = MORNING
    assert place.digests() == 1
    ((_, shown),) = place.got()[staff.contact_id or 0]
    assert "4/10" in shown.text


def test_a_summary_shows_how_things_stand_when_it_is_sent(place: Place) -> None:
    staff = place.account(Role.WARD_STAFF)
    made = census(place.ward, 10)
    place.now = MORNING
    place.digests()
    made.hand_in(made.cases[:3], place.now)
    ((_, shown),) = place.got()[staff.contact_id or 0]
    assert "3/10" in shown.text


def test_who_fetches_messages_seldom_finds_the_newest_summary_alone(place: Place) -> None:
    staff = place.account(Role.WARD_STAFF, channel="webchat")
    census(place.ward, 3)
    for week in range(3):
        place.now = MORNING + 7 * week * DAY
        assert place.digests() == 1
    ((_, shown),) = place.got()[staff.contact_id or 0]
    assert "19/01/2026" in shown.text


def test_a_message_comes_where_it_comes_to_people_by_itself(place: Place) -> None:
    web = place.account(Role.WARD_STAFF, channel="webchat")
    telegram = place.ward.resident("telegram").contact_id
    assert telegram is not None
    database = place.ward.database
    database.write(lambda c: contacts.bind_account(c, telegram, web.account_id))
    (one,) = database.read(lambda c: alerts.contacts_of(c, [web.account_id or 0], ["telegram"])).values()
    assert (one.contact_id, one.channel) == (telegram, "telegram")
    database.write(lambda c: contacts.set_status(c, telegram, "blocked"))
    (one,) = database.read(lambda c: alerts.contacts_of(c, [web.account_id or 0], ["telegram"])).values()
    assert one.channel == "webchat"
    database.write(lambda c: accounts.close(c, web.account_id or 0, NOW))
    assert database.read(lambda c: alerts.contacts_of(c, [web.account_id or 0], ["telegram"])) == {}


def test_the_scheduler_runs_what_watches_and_forgets_under_names_of_their_own(place: Place) -> None:
    names = [job.name for job in (*STORAGE_JOBS, *watching.jobs(place.watch))]
    assert len(names) == len(set(names))
    assert {"watch_system", "watch_campaigns", "tell_staff", "send_digests", "forget_downloads"} <= set(names)
    for job in watching.jobs(place.watch):
        job.run(place.ward.database)
