"""Invitations and reminders through the real code, with a moved clock: who gets what, and never twice."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event, func, select, update

from bot.contacting import Ticked
from bot.messages import What
from storage.schema import cases, outbox, steps
from surveys.problems import Problem
from tests.street import FIRST_DAY, Street, at, is_quiet, local, open_census, questions, street

TET = {date(2026, 2, day) for day in range(16, 21)}


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'hoidan.db'}"


@pytest.fixture
def three(url: str) -> Iterator[Street]:
    """Three households with a telephone each."""
    with street(url, 3) as made:
        yield made


def days(sent: list[Any]) -> list[tuple[int, int, int]]:
    """*(month, day, hour)* of messages."""
    return [(one.when.month, one.when.day, one.when.hour) for one in sent]


# A campaign


def test_nothing_goes_out_before_the_first_day_at_eight(three: Street) -> None:
    three.pass_to(at(2, 2, 7, 30))
    assert three.sent == []
    three.pass_to(at(2, 2, 8))
    assert len(three.sent) == 3
    assert {one.message for one in three.sent} == {"contact.invite"}


def test_who_never_answers_gets_the_invitation_and_three_reminders_none_of_them_at_tet(three: Street) -> None:
    three.pass_to(at(3, 2))
    for household in three.households:
        sent = three.to_household(household)
        # The last one, due on the first day of the year of the Horse, waits until after the holidays.
        assert days(sent) == [(2, 2, 8), (2, 5, 8), (2, 10, 8), (2, 21, 8)]
        assert [one.message for one in sent] == ["contact.invite"] + 3 * ["contact.not_started"]
        assert three.row(household).sent == 4


def test_a_tap_on_the_invitation_leads_to_the_first_question(three: Street) -> None:
    three.pass_to(at(2, 2, 8))
    person = three.phone(three.households[0])
    person.seen.append(three.to_household(three.households[0])[0].outgoing)
    person.tap("Trả lời ngay")
    assert person.last.text.startswith("Câu 1/3.")


def begin(three: Street, household: int) -> None:
    """Answer the first question by the newest message."""
    person = three.phone(household)
    message = three.to_household(household)[-1].outgoing
    person.seen.append(message)
    person.tap(message.rows[0][0].label)
    person.say("nam")


def finish(three: Street, household: int) -> None:
    person = three.phone(household)
    person.say("1985")
    person.say("có")
    person.say("gửi")


def test_who_is_half_done_is_told_how_much_is_left_and_sooner(three: Street) -> None:
    household = three.households[0]
    three.pass_to(at(2, 2, 10))
    begin(three, household)
    three.pass_to(at(2, 4))
    sent = three.to_household(household)
    assert days(sent) == [(2, 2, 8), (2, 3, 10)]
    assert sent[-1].message == "contact.half_done"
    assert "Còn 2 câu" in sent[-1].outgoing.text
    assert sent[-1].outgoing.rows[0][0].label == "Trả lời tiếp"


def test_an_answer_counts_from_then_on_without_costing_the_turn_a_statement(three: Street) -> None:
    household = three.households[0]
    three.pass_to(at(2, 2, 10))
    begin(three, household)
    planned = three.row(household)
    assert planned.stage == "half_done"
    three.pass_to(at(2, 3, 9))
    three.phone(household).say("1985")
    assert three.row(household).next_at == at(2, 3, 10)
    # The reminder that was planned for ten is decided on again and moved to a day after the last answer.
    three.pass_to(at(2, 4, 9, 30))
    assert days(three.to_household(household)) == [(2, 2, 8), (2, 4, 9)]


def test_who_has_answered_is_left_in_peace(three: Street) -> None:
    household = three.households[0]
    three.pass_to(at(2, 2, 8))
    begin(three, household)
    finish(three, household)
    three.pass_to(at(3, 2))
    assert len(three.to_household(household)) == 1
    assert three.row(household).next_at is None


def test_an_answer_from_another_telephone_of_the_household_stops_the_reminders(url: str) -> None:
    with street(url, 1, phones=2) as two:
        household = two.households[0]
        two.pass_to(at(2, 2, 8))
        message = two.to_household(household)[0]
        other = next(one for one in two.phones[household] if one.contact_id != message.contact_id)
        other.start(message.outgoing.text.partition("mã ")[2].partition(" ")[0])
        for text in ("nam", "1985", "có", "gửi"):
            other.say(text)
        two.pass_to(at(3, 2))
        assert len(two.sent) == 1


@pytest.mark.parametrize("word", ["DỪNG", "stop", "Huỷ", "đừng nhắc nữa", "/dung"])
def test_a_stop_word_stops_for_good_as_an_answer_to_a_reminder(three: Street, word: str) -> None:
    household = three.households[0]
    three.pass_to(at(2, 2, 8))
    three.phone(household).say(word)
    three.pass_to(at(3, 2))
    assert len(three.to_household(household)) == 1
    assert three.row(household).disposition == "2.13"


def test_a_stop_word_in_the_middle_of_the_questions_is_a_break_off_and_stops_for_good(three: Street) -> None:
    household = three.households[0]
    three.pass_to(at(2, 2, 8))
    begin(three, household)
    three.phone(household).say("DỪNG")
    three.pass_to(at(3, 2))
    assert len(three.to_household(household)) == 1
    assert three.row(household).disposition == "2.12"


def test_who_comes_back_is_reminded_again(three: Street) -> None:
    household = three.households[0]
    three.pass_to(at(2, 2, 8))
    three.phone(household).say("dừng")
    three.pass_to(at(2, 12))
    three.phone(household).say("bắt đầu lại")
    three.pass_to(at(2, 12, 12))
    assert days(three.to_household(household)) == [(2, 2, 8), (2, 12, 8)]
    assert three.row(household).disposition == "2.20"


def test_stopping_keeps_nobody_from_answering_later(three: Street) -> None:
    household = three.households[0]
    three.pass_to(at(2, 2, 8))
    three.phone(household).say("dừng")
    begin(three, household)
    finish(three, household)
    assert three.row(household).disposition == "1.1"


def test_who_blocks_us_hears_nothing_until_they_let_us_in_again(three: Street) -> None:
    household = three.households[0]
    three.pass_to(at(2, 2, 8))
    three.phone(household).send(What.BLOCKED)
    three.pass_to(at(2, 6))
    assert len(three.to_household(household)) == 1
    assert three.row(household).disposition == "2.13"
    three.phone(household).send(What.UNBLOCKED)
    three.pass_to(at(2, 6, 12))
    assert days(three.to_household(household)) == [(2, 2, 8), (2, 6, 8)]


def test_an_invitation_that_finds_us_blocked_goes_to_the_household_s_other_telephone(url: str) -> None:
    with street(url, 1, phones=2) as two:
        household = two.households[0]
        two.now = at(2, 2, 8)
        two.tick()
        waits = two.town.database.read(lambda c: c.execute(select(outbox.c.contact_id)).scalars().all())
        blocked = next(one.contact_id for one in two.phones[household] if one.contact_id in waits)
        two.town.database.write(
            lambda c: c.execute(update(outbox).where(outbox.c.bulk.is_(True)).values(state="dropped"))
        )
        two.blocked_at_sending(blocked)
        two.pass_to(at(2, 2, 9))
        assert [one.step for one in two.sent] == [0]
        assert two.sent[0].contact_id != blocked


# Quiet hours, and the hour somebody likes


def test_a_reminder_that_missed_its_hours_is_decided_again_not_sent_in_the_morning_blindly(
    three: Street,
) -> None:
    first, second, third = three.households
    three.pass_to(at(2, 2, 19, 30))
    three.now = at(2, 5, 19, 59)
    three.tick()  # The reminders of the fifth wait in the outbox …
    three.now = at(2, 5, 20, 1)
    assert three.carry() == []  # … and it is too late for them.
    assert [three.row(each).sent for each in three.households] == [1, 1, 1]
    three.phone(first).say("dừng")
    brought = three.pass_to(at(2, 6, 8))
    assert {one.case_id for one in brought} == {three.case_of(second), three.case_of(third)}
    assert days(brought) == 2 * [(2, 6, 8)]


def test_the_hour_somebody_prefers_is_kept(three: Street) -> None:
    household = three.households[0]
    three.phone(household).say("nhắc tôi lúc 19 giờ")
    three.pass_to(at(2, 6))
    assert days(three.to_household(household)) == [(2, 2, 19), (2, 5, 19)]


def test_an_hour_at_which_nobody_is_written_to_can_t_be_preferred(three: Street) -> None:
    person = three.phone(three.households[0])
    person.say("/gionhac 22h")
    assert "08:00" in person.last.text and "20:00" in person.last.text
    person.say("/gionhac 18")
    assert "18:00" in person.last.text
    person.say("/gionhac")
    assert "18:00" in person.last.text
    person.say("giờ nhắc bất kỳ")
    assert "từ 08:00 đến 20:00" in person.last.text


def test_the_office_s_hours_holidays_and_weekends_bound_every_campaign(three: Street) -> None:
    three.town.act("parameter.set", {"name": "contact_begins", "value": 930})
    three.town.act("parameter.set", {"name": "contact_weekends", "value": 0})
    three.town.act("parameter.set", {"name": "holidays", "value": "+2026-02-05 -2026-02-17"})
    three.pass_to(at(3, 2))
    sent = three.to_household(three.households[0])
    # The fifth is a holiday now; the eleventh plus seven days is a Wednesday within Tết; Monday is the next.
    assert [(one.when.day, one.when.hour, one.when.minute) for one in sent] == [
        (2, 9, 30), (6, 9, 30), (11, 9, 30), (23, 9, 30),
    ]  # fmt: skip


# Limits over all campaigns


def test_a_household_gets_no_more_than_allowed_over_all_campaigns(three: Street) -> None:
    three.town.act("instrument.publish", questions("person"))
    other = open_census(three.town, "person", title="Khảo sát khác")
    key = int(three.town.act("campaign.status", {"campaign": other})["id"])
    three.pass_to(at(3, 2))
    both = three.town.database.read(
        lambda c: c.execute(select(steps.c.household_id, func.count()).group_by(steps.c.household_id)).all()
    )
    assert {number for _, number in both} == {4}
    campaigns_ = three.town.database.read(
        lambda c: c.execute(
            select(cases.c.campaign_id, func.count()).join(steps, steps.c.case_id == cases.c.id)
            .group_by(cases.c.campaign_id)
        ).all()
    )  # fmt: skip
    assert dict(campaigns_).keys() == {three.campaign, key}


# Pause, close, more days


def test_a_pause_takes_effect_on_what_already_waits_and_is_decided_anew_when_it_ends(three: Street) -> None:
    three.now = at(2, 2, 8)
    three.tick()
    three.town.act("campaign.pause", {"campaign": three.code})
    assert three.carry() == []
    three.pass_to(at(2, 4, 12))
    assert three.sent == []
    stopped = three.households[0]
    three.phone(stopped).say("dừng")
    three.town.act("campaign.resume", {"campaign": three.code})
    three.pass_to(at(2, 4, 13))
    assert {one.case_id for one in three.sent} == {three.case_of(each) for each in three.households[1:]}
    assert {one.message for one in three.sent} == {"contact.invite"}
    assert three.row(stopped).sent == 0


def test_nothing_is_sent_for_a_closed_campaign(three: Street) -> None:
    three.now = at(2, 2, 8)
    three.tick()
    three.town.act("campaign.close", {"campaign": three.code})
    three.pass_to(at(2, 8))
    assert three.sent == []


def test_more_days_bring_the_reminder_that_had_no_time_left(url: str) -> None:
    with street(url, 2, ends_on="2026-02-09") as short:
        short.pass_to(at(2, 8))
        assert days(short.to_household(short.households[0])) == [(2, 2, 8), (2, 5, 8)]
        short.town.act("campaign.extend", {"campaign": short.code, "ends_on": "2026-02-14"})
        short.pass_to(at(2, 15))
        assert days(short.to_household(short.households[0])) == [(2, 2, 8), (2, 5, 8), (2, 10, 8)]


def test_a_contact_linked_later_is_invited_then(three: Street) -> None:
    three.pass_to(at(2, 2, 8))
    household = three.one_more()
    three.tick()
    assert three.row(household).next_at is None
    newcomer = three.phone(three.households[0])
    three.town.act("household.link", {"household": household, "contact": newcomer.contact_id})
    three.pass_to(at(2, 2, 9))
    assert [one.contact_id for one in three.to_household(household)] == [newcomer.contact_id]


# Reminding now


def test_staff_remind_now_and_are_told_who_is_left_out_and_why(url: str) -> None:
    with street(url, 6) as six:
        done, stopped, blocked, lately, silent, _ = six.households
        six.pass_to(at(2, 2, 8))
        begin(six, done)
        finish(six, done)
        six.phone(stopped).say("dừng")
        six.phone(blocked).send(What.BLOCKED)
        six.pass_to(at(2, 4, 9))
        begin(six, lately)
        before = len(six.sent)
        told = six.town.act("campaign.remind", {"campaign": six.code, "sure": False})
        assert told["wanted"] == 2
        assert told["left_out"] == {"done": 1, "opted_out": 2, "not_yet": 1}
        six.tick()
        six.carry()
        assert len(six.sent) == before, "it was only asked what it would come to"
        six.town.act("campaign.remind", {"campaign": six.code})
        six.tick()
        six.carry()
        assert len(six.sent) == before + 2
        assert {one.case_id for one in six.sent[before:]} == {
            six.case_of(each) for each in six.households[4:]
        }
        six.now += 60_000
        again = six.town.act("campaign.remind", {"campaign": six.code})
        six.tick()
        six.carry()
        assert (again["wanted"], again["left_out"]["not_yet"]) == (0, 3)
        assert len(six.sent) == before + 2, "nobody is written to twice a day"
        assert six.row(silent).sent == 2


def test_reminding_at_night_waits_for_the_morning(three: Street) -> None:
    three.pass_to(at(2, 3, 22))
    told = three.town.act("campaign.remind", {"campaign": three.code})
    assert (told["wanted"], told["at_once"], told["begins"]) == (3, False, "2026-02-04T08:00+07:00")
    three.pass_to(at(2, 4, 9))
    assert days(three.to_household(three.households[0])) == [(2, 2, 8), (2, 4, 8)]


def test_nobody_is_reminded_of_a_campaign_that_does_not_ask(three: Street) -> None:
    def remind() -> None:
        three.town.act("campaign.remind", {"campaign": three.code})

    with pytest.raises(Problem, match="campaign_not_begun"):
        remind()
    three.now = at(3, 2, 8)
    with pytest.raises(Problem, match="campaign_ended"):
        remind()
    three.now = at(2, 10, 8)
    three.town.act("campaign.pause", {"campaign": three.code})
    with pytest.raises(Problem, match="campaign_not_running"):
        remind()


# Whoever comes by themselves


def test_who_came_by_the_link_and_stopped_halfway_is_reminded_without_an_invitation(url: str) -> None:
    with street(url, 1) as one:
        code = one.town.campaign(basis="dieu_19", instrument="nho-household")
        key = int(one.town.act("campaign.status", {"campaign": code})["id"])
        one.now = at(2, 3, 10)
        person = one.phone(one.households[0])
        person.start(code)
        person.say("nữ")
        one.campaign = key
        one.pass_to(at(2, 4, 12))
        mine = [each for each in one.sent if each.message == "contact.half_done"]
        assert [(each.step, *days([each])[0]) for each in mine] == [(1, 2, 4, 10)]


# Killed at any moment, twice at once, clocks that go wrong


class Killed(BaseException):
    """What becomes of a process in the middle of something."""


def snapshot(one: Street) -> tuple[Any, ...]:
    """Everything that a tick writes."""

    def read(connection: Any) -> tuple[Any, ...]:
        rows = connection.execute(
            select(cases.c.id, cases.c.sent, cases.c.last_at, cases.c.next_at, cases.c.disposition).order_by(
                cases.c.id
            )
        ).all()
        taken = connection.execute(select(steps).order_by(steps.c.case_id, steps.c.step)).all()
        waits = connection.execute(
            select(outbox.c.key, outbox.c.message, outbox.c.state)
            .where(outbox.c.bulk.is_(True))
            .order_by(outbox.c.key)
        ).all()
        return rows, taken, waits

    return one.town.database.read(read)


def test_a_scheduler_killed_before_any_statement_forgets_nothing_and_sends_nothing_twice(url: str) -> None:
    with street(url, 4) as some:
        some.pass_to(at(2, 2, 10))
        begin(some, some.households[0])
        some.now = at(2, 5, 8)
        engine = some.town.database.engine
        survived = 0
        while True:
            left = survived

            def before(*_: Any) -> None:
                nonlocal left
                left -= 1
                if left < 0:
                    raise Killed

            event.listen(engine, "before_cursor_execute", before)
            try:
                some.tick()
                ended = True
            except Killed:
                ended = False
            finally:
                event.remove(engine, "before_cursor_execute", before)
            if ended:
                break
            survived += 1
        assert survived > 8, "the tick was cut short at every one of its statements"
        once = snapshot(some)
        assert [row.key for row in once[2] if row.state == "due"] == [f"case:{row.id}:1" for row in once[0]]
        assert some.tick() == Ticked(0, 0)
        assert snapshot(some) == once
        assert len(some.carry()) == 4


def test_a_claim_whose_outbox_can_t_be_written_takes_no_step(three: Street) -> None:
    three.now = at(2, 2, 8)
    engine = three.town.database.engine

    def refuse(_c: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if statement.startswith("INSERT INTO outbox"):
            raise Killed

    event.listen(engine, "before_cursor_execute", refuse)
    with pytest.raises(Killed):
        three.tick()
    event.remove(engine, "before_cursor_execute", refuse)
    assert three.all_steps() == []
    assert [three.row(each).sent for each in three.households] == [0, 0, 0]
    three.tick()
    assert len(three.carry()) == 3


def test_two_processes_that_tick_at_once_write_each_message_once(postgres_url: str) -> None:
    with street(postgres_url, 60, phones=1) as one:
        one.now = at(2, 2, 8)
        other = one.another_process()
        other.town.now = one.now
        ready = threading.Barrier(2)
        results: list[Ticked] = []

        def run(mine: Street) -> None:
            ready.wait()
            results.append(mine.tick())

        threads = [threading.Thread(target=run, args=[mine]) for mine in (one, other)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        other.town.database.close()
        assert sum(each.written for each in results) == 60
        assert Counter((each.case_id, each.step) for each in one.all_steps()).most_common(1)[0][1] == 1
        assert len(one.carry()) == 60


TICKING = """
import sys
from tests.town import contacting
from bot.contacting import tick
from bot.questionnaires import Shelf
from storage.crypto import parse_keys
from storage.database import Database

class Town:
    keyring, shelf, now = parse_keys(sys.argv[2]), Shelf(), int(sys.argv[3])

database = Database(sys.argv[1])
to = contacting(Town)
import bot.contacting
bot.contacting.PIECE = 5
print("ready", flush=True)
for _ in range(200):
    tick(database, to)
"""


def test_processes_killed_while_they_tick_leave_every_message_written_exactly_once(postgres_url: str) -> None:
    with street(postgres_url, 150) as one:
        one.now = at(2, 2, 8)
        chance = random.Random(7)
        for _ in range(4):
            process = subprocess.Popen(
                [sys.executable, "-c", TICKING, postgres_url, one.keys, str(one.now)],
                stdout=subprocess.PIPE, cwd=Path(__file__).parents[2],
            )  # fmt: skip
            assert process.stdout is not None
            assert process.stdout.readline() == b"ready\n"
            try:
                process.wait(chance.uniform(0.01, 0.15))
            except subprocess.TimeoutExpired:
                process.send_signal(signal.SIGKILL)
            process.wait()
            process.stdout.close()
        one.tick()
        taken = one.all_steps()
        assert len(taken) == 150
        assert {row.step for row in taken} == {0}
        assert len(one.carry()) == 150
        assert [one.row(each).sent for each in one.households] == 150 * [1]


def test_a_clock_that_was_set_back_sends_nothing_twice_and_forgets_nobody(three: Street) -> None:
    three.pass_to(at(2, 5, 12))
    assert len(three.sent) == 6
    three.now = at(2, 3, 9)  # Two days back.
    three.tick()
    three.carry()
    assert len(three.sent) == 6
    three.pass_to(at(2, 12))
    assert Counter((one.case_id, one.step) for one in three.sent).most_common(1)[0][1] == 1
    assert days(three.to_household(three.households[0]))[2:] == [(2, 10, 8)]


def test_a_clock_that_jumps_ahead_and_is_mended_sends_nothing_twice_and_forgets_nobody(three: Street) -> None:
    three.pass_to(at(2, 2, 12))
    three.now = at(2, 27, 12)
    three.tick()
    assert len(three.carry()) == 3, "by that clock the reminder is due"
    three.now = at(2, 2, 12, 30)
    three.pass_to(at(3, 2))
    each = three.to_household(three.households[0])
    assert [one.step for one in each] == [0, 1, 2, 3]
    assert [one.when.month for one in each[2:]] == [2, 2]


def test_a_clock_a_year_ahead_ends_nothing(three: Street) -> None:
    three.now = at(2, 2, 12) + 365 * 86_400_000
    three.tick()
    three.now = at(2, 2, 12)
    three.tick()
    assert len(three.carry()) == 3


# A whole campaign


class Kind:
    """What the people of a household do."""

    NEVER, AT_ONCE, AFTER_ONE, HALF, STOPS, BLOCKS, EVENING = range(7)


def test_four_weeks_with_tet_inside(url: str) -> None:
    chance = random.Random(20260202)
    with street(url, 120) as ward:
        kinds = {each: chance.randrange(7) for each in ward.households}
        for household, kind in kinds.items():
            if kind == Kind.EVENING:
                ward.phone(household).say("nhắc tôi lúc 18 giờ 30")
        answered: dict[int, int] = {}
        while ward.now < at(3, 4):
            for one in ward.step(at(3, 4)):
                household = _household(ward, one.case_id)
                assert household not in answered, "nothing after the end"
                if _reacts(ward, household, kinds[household], one.step):
                    answered[household] = ward.now
        for household, kind in kinds.items():
            _check(ward, household, kind)
        assert not any(is_quiet(one) or one.when.date() in TET for one in ward.sent)
        assert Counter((one.case_id, one.step) for one in ward.sent).most_common(1)[0][1] == 1
        assert {(one.case_id, one.step) for one in ward.sent} == {
            (row.case_id, row.step) for row in ward.all_steps()
        }
        assert all(FIRST_DAY <= one.when.date() <= local(at(3, 1)).date() for one in ward.sent)


def _household(ward: Street, case_id: int) -> int:
    statement = select(cases.c.household_id).where(cases.c.id == case_id)
    return int(ward.town.database.read(lambda c: c.execute(statement).scalar_one()))


def _reacts(ward: Street, household: int, kind: int, step: int) -> bool:
    """What a household does on a message; whether it is done with that."""
    if kind == Kind.AT_ONCE or (kind == Kind.AFTER_ONE and step == 1):
        begin(ward, household)
        finish(ward, household)
        return True
    if kind == Kind.HALF and step == 0:
        begin(ward, household)
    if kind == Kind.STOPS and step == 1:
        ward.phone(household).say("Dừng")
        return True
    if kind == Kind.BLOCKS and step == 0:
        ward.phone(household).send(What.BLOCKED)
        return True
    return False


def _check(ward: Street, household: int, kind: int) -> None:
    sent = ward.to_household(household)
    dates, messages = [one.when.date().isoformat()[5:] for one in sent], [one.message for one in sent]
    whole = ["02-02", "02-05", "02-10", "02-21"]
    texts = ["contact.invite"] + 3 * ["contact.not_started"]
    if kind == Kind.HALF:
        # A day after the first answer, then three and five days after the message before.
        assert dates == ["02-02", "02-03", "02-06", "02-11"], dates
        assert messages == ["contact.invite"] + 3 * ["contact.half_done"]
    elif kind in (Kind.AT_ONCE, Kind.BLOCKS):
        assert dates == ["02-02"]
    elif kind in (Kind.AFTER_ONE, Kind.STOPS):
        assert dates == ["02-02", "02-05"]
    else:
        assert (dates, messages) == (whole, texts)
    hour = (18, 30) if kind == Kind.EVENING else (8, 0)
    assert [(one.when.hour, one.when.minute) >= hour for one in sent] == [True] * len(sent)
    row = ward.row(household)
    code = {Kind.AT_ONCE: "1.1", Kind.AFTER_ONE: "1.1", Kind.STOPS: "2.13", Kind.BLOCKS: "2.13"}.get(
        kind, "2.20"
    )
    assert (row.disposition, row.sent) == (code, len(sent))
