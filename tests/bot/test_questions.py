"""Talking back: a question reaches the nearest staff, and the answer reaches who asked."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from bot import questions
from bot.channels.telegram import read_update
from bot.messages import Inbound, What
from bot.questions import remind_staff
from storage import contacts, requests
from surveys.problems import Problem
from surveys.roles import Role
from tests.benchmarks import survey
from tests.grounds import Ground, copied, lay
from tests.told import told
from tests.town import WARD, ZONE, Resident, Town, found

HOUR = 3_600_000
NINE = int(datetime(2026, 3, 5, 9, 0, tzinfo=ZONE).timestamp() * 1000)
CITY = "2025-07-01/79"
ELSEWHERE = "2025-07-01/26743"


def prepare(town: Town) -> None:
    """A short survey open without consent."""
    town.act("instrument.publish", survey.publication())
    town.campaign(basis="dieu_19", instrument=survey.NAME)


@pytest.fixture(scope="module")
def ground(tmp_path_factory: pytest.TempPathFactory) -> Ground:
    """A town with that survey."""
    return lay(tmp_path_factory.mktemp("ground"), NINE, prepare)


@pytest.fixture
def town(ground: Ground, tmp_path: Path) -> Iterator[Town]:
    """A copy of it."""
    place = copied(ground, tmp_path)
    yield place
    place.close()


@pytest.fixture
def any_town(database_url: str) -> Iterator[Town]:
    """The same on either database."""
    place = found(database_url, instruments=(), now=NINE)
    prepare(place)
    yield place
    place.close()


def code(town: Town) -> str:
    return str(town.act("campaign.list")["campaigns"][0]["code"])


def staff(town: Town, name: str, role: Role, area: str | None = WARD, channel: str = "telegram") -> Resident:
    """A member of staff with a chat."""
    account = town.act("account.create", {"name": name})["id"]
    town.act("account.grant", {"account": account, "role": role.value, "area": area})
    invited = town.act("account.invite", {"account": account})
    person = Resident(town, channel)
    person.start(invited["code"])
    return person


def asking(town: Town, text: str = "/hoi Hạn nộp là ngày nào?", channel: str = "webchat") -> Resident:
    """Somebody who was asked the survey's first question, and asks back."""
    person = Resident(town, channel)
    person.start(code(town))
    person.say(text)
    return person


def reply(person: Resident, text: str, to: str) -> None:
    """Reply to a message of the bot's, as Telegram has it."""
    number = f"r{next(Resident._numbers)}"
    inbound = Inbound(person.channel, number, person.address, What.TEXT, text, message="9", replied=to)
    turned = person.town.turns.take(inbound).result(30)
    if turned.reply is not None:
        person.seen.append(turned.reply)


# ── a question and its answer ───────────────────────────────────────────────────────────────────────────────


def test_a_question_reaches_the_wards_staff_with_what_the_person_was_asked_but_no_answer(town: Town) -> None:
    hoa = staff(town, "Chị Hoa", Role.WARD_STAFF)
    person = Resident(town, "telegram")
    person.start(code(town))
    first = survey.QUESTIONS[0]
    person.tap(first.choices[1])
    person.say("/hoi Câu này nghĩa là gì ạ?")
    (notice,) = told(town, hoa)
    assert notice.text.startswith("✉ #1 ")
    assert "Câu này nghĩa là gì ạ?" in notice.text
    assert survey.QUESTIONS[1].label in notice.text
    assert first.choices[1] not in notice.text


def test_the_answer_comes_back_in_the_persons_chat(town: Town) -> None:
    hoa = staff(town, "Chị Hoa", Role.WARD_STAFF)
    person = asking(town)
    hoa.say("/traloi 1 Ngày 10/12 ạ.")
    assert "Đã gửi trả lời câu hỏi số 1" in hoa.last.text
    (answer,) = told(town, person)
    assert "Ngày 10/12 ạ." in answer.text
    assert town.act("message.list")["questions"] == []


def test_a_reply_to_the_notice_on_telegram_is_the_answer(town: Town) -> None:
    hoa = staff(town, "Chị Hoa", Role.WARD_STAFF)
    person = asking(town)
    (notice,) = told(town, hoa)
    reply(hoa, "Ngày 10/12 ạ.", notice.text)
    (answer,) = told(town, person)
    assert "Ngày 10/12 ạ." in answer.text


def test_a_reply_to_the_answer_goes_on_in_the_same_thread_and_opens_it_again(town: Town) -> None:
    hoa = staff(town, "Chị Hoa", Role.WARD_STAFF)
    person = asking(town, channel="telegram")
    told(town, hoa)
    hoa.say("/traloi 1 Ngày 10/12 ạ.")
    (answer,) = told(town, person)
    reply(person, "Nộp ở đâu ạ?", answer.text)
    (more,) = told(town, hoa)
    assert "Nộp ở đâu ạ?" in more.text
    assert "Ngày 10/12 ạ." in more.text
    (waiting,) = town.act("message.list")["questions"]
    assert (waiting["id"], waiting["state"]) == (1, "open")


def test_telegram_says_which_message_of_the_bots_was_replied_to() -> None:
    def update(is_bot: bool) -> Inbound | None:
        sender = {"id": 7, "is_bot": False}
        replied = {"message_id": 3, "from": {"id": 1, "is_bot": is_bot}, "text": "✉ #12 Có người dân"}
        message = {"message_id": 4, "chat": {"id": 7, "type": "private"}, "from": sender, "text": "Vâng"}
        return read_update(
            json.dumps({"update_id": 1, "message": {**message, "reply_to_message": replied}}).encode()
        )

    ours, theirs = update(True), update(False)
    assert ours is not None and ours.replied.startswith("✉ #12")
    assert theirs is not None and theirs.replied == ""


def test_staff_can_answer_by_the_button_and_the_next_words(town: Town) -> None:
    hoa = staff(town, "Chị Hoa", Role.WARD_STAFF, channel="webchat")
    person = asking(town)
    told(town, hoa)
    hoa.tap("Trả lời")
    hoa.say("Ngày 10/12 ạ.")
    (answer,) = told(town, person)
    assert "Ngày 10/12 ạ." in answer.text
    hoa.say("lời này không gửi cho ai")
    assert told(town, person) == []


def test_a_thread_goes_to_and_fro_on_either_database(any_town: Town) -> None:
    hoa, lan = (staff(any_town, name, Role.WARD_STAFF) for name in ("Chị Hoa", "Chị Lan"))
    person = asking(any_town)
    assert [len(told(any_town, one)) for one in (hoa, lan)] == [1, 1]
    hoa.tap("Tôi nhận")
    any_town.now += 5 * HOUR
    assert remind_staff(any_town.database, any_town.keyring, ZONE, any_town.now) == 1
    hoa.say("/traloi 1 Ngày 10/12 ạ.")
    assert "Ngày 10/12 ạ." in told(any_town, person)[0].text
    any_town.now += HOUR
    person.say("/hoi Nộp ở đâu ạ?")
    (waiting,) = any_town.act("message.list")["questions"]
    assert [text for _, text in waiting["thread"]] == ["Ngày 10/12 ạ.", "Nộp ở đâu ạ?"]


# ── a word to a human ───────────────────────────────────────────────────────────────────────────────────────


def test_whoever_just_asks_for_a_human_is_heard_at_once_and_may_say_more(town: Town) -> None:
    hoa = staff(town, "Chị Hoa", Role.WARD_STAFF, channel="webchat")
    person = asking(town, "gặp cán bộ")
    assert len(told(town, hoa)) == 1
    person.say("Tôi không đọc được chữ nhỏ")
    (more,) = told(town, hoa)
    assert "Tôi không đọc được chữ nhỏ" in more.text
    assert len(town.act("message.list")["questions"]) == 1
    assert survey.QUESTIONS[0].label in person.last.text


def test_after_asking_for_a_human_a_tap_on_an_old_button_is_an_answer_again(town: Town) -> None:
    hoa = staff(town, "Chị Hoa", Role.WARD_STAFF, channel="webchat")
    person = Resident(town, "webchat")
    person.start(code(town))
    question = person.last
    person.say("gặp cán bộ")
    told(town, hoa)
    person.tap(survey.QUESTIONS[0].choices[0], question)
    person.say("Chữ này không phải câu hỏi")
    assert told(town, hoa) == []


@pytest.mark.parametrize("said", ["thôi", "không", "quay lại"])
def test_whoever_has_nothing_to_say_is_back_at_the_question(town: Town, said: str) -> None:
    hoa = staff(town, "Chị Hoa", Role.WARD_STAFF, channel="webchat")
    person = asking(town, "gặp cán bộ")
    told(town, hoa)
    person.say(said)
    assert told(town, hoa) == []
    assert survey.QUESTIONS[0].label in person.last.text


def test_words_half_an_hour_later_are_for_the_survey_again(town: Town) -> None:
    hoa = staff(town, "Chị Hoa", Role.WARD_STAFF, channel="webchat")
    asking(town, "gặp cán bộ").town.now += HOUR
    told(town, hoa)
    person = asking(town, "gặp cán bộ")
    told(town, hoa)
    town.now += HOUR
    person.say(survey.QUESTIONS[0].choices[0])
    assert told(town, hoa) == []
    assert survey.QUESTIONS[1].label in person.last.text


def test_stop_is_stop_even_while_somebody_writes(town: Town) -> None:
    hoa = staff(town, "Chị Hoa", Role.WARD_STAFF, channel="webchat")
    person = asking(town, "gặp cán bộ")
    told(town, hoa)
    person.say("DỪNG")
    assert told(town, hoa) == []


# ── who is told ─────────────────────────────────────────────────────────────────────────────────────────────


def test_the_nearest_staff_are_told_and_nobody_elsewhere(town: Town) -> None:
    ward = staff(town, "Phường", Role.WARD_STAFF)
    city = staff(town, "Thành phố", Role.WARD_STAFF, CITY)
    other = staff(town, "Phường khác", Role.WARD_STAFF, ELSEWHERE)
    collector = staff(town, "Cộng tác viên", Role.COLLECTOR)
    asking(town)
    assert [len(told(town, one)) for one in (ward, city, other, collector)] == [1, 0, 0, 0]


def test_who_waits_for_hours_is_brought_to_mind_and_to_others_by_day_only(town: Town) -> None:
    ward = staff(town, "Phường", Role.WARD_STAFF)
    city = staff(town, "Thành phố", Role.WARD_STAFF, CITY)
    asking(town)
    told(town, ward)

    def remind() -> list[int]:
        remind_staff(town.database, town.keyring, ZONE, town.now)
        return [len(told(town, one)) for one in (ward, city)]

    town.now += 3 * HOUR
    assert remind() == [0, 0]
    town.now += 2 * HOUR
    assert remind() == [1, 1]
    assert remind() == [0, 0]
    town.now += 8 * HOUR
    assert remind() == [0, 0], "at ten in the evening"
    town.now += 10 * HOUR
    assert remind() == [1, 1]


def test_a_question_without_anybody_to_tell_waits_until_there_is_somebody(town: Town) -> None:
    asking(town)
    remind_staff(town.database, town.keyring, ZONE, town.now)
    hoa = staff(town, "Chị Hoa", Role.WARD_STAFF)
    town.now += HOUR
    remind_staff(town.database, town.keyring, ZONE, town.now)
    (notice,) = told(town, hoa)
    assert "Hạn nộp là ngày nào?" in notice.text or "/cauhoi 1" in notice.text


def test_a_request_about_data_goes_to_the_data_protection_officer_first(town: Town) -> None:
    hoa = staff(town, "Chị Hoa", Role.WARD_STAFF)
    officer = staff(town, "Bảo vệ dữ liệu", Role.DPO, CITY)
    asking(town, "/yeucau Xin xóa câu trả lời của tôi")
    assert [len(told(town, one)) for one in (hoa, officer)] == [0, 1]
    officer.say("/cauhoi 1 đóng")
    assert "không đóng được" in officer.last.text


def test_the_first_to_take_it_is_shown_to_the_others(town: Town) -> None:
    hoa, lan = (staff(town, name, Role.WARD_STAFF) for name in ("Chị Hoa", "Chị Lan"))
    person = asking(town)
    told(town, hoa), told(town, lan)
    hoa.tap("Tôi nhận")
    (seen,) = told(town, lan)
    assert "Chị Hoa đã nhận" in seen.text
    lan.tap("Tôi nhận", lan.seen[-2])
    assert "đã có Chị Hoa nhận" in lan.last.text
    person.say("/hoi Còn một điều nữa")
    assert [len(told(town, one)) for one in (hoa, lan)] == [1, 0]
    lan.say("/traloi 1 Tôi trả lời thay ạ")
    (seen,) = told(town, hoa)
    assert "Chị Lan đã trả lời" in seen.text


def test_words_said_at_home_are_not_shown_on_a_platform_abroad(town: Town) -> None:
    abroad = staff(town, "Chị Hoa", Role.WARD_STAFF, channel="telegram")
    at_home = staff(town, "Chị Lan", Role.WARD_STAFF, channel="webchat")
    asking(town, "/hoi Tôi tên là Bí Mật", channel="webchat")
    (on_telegram,), (on_our_page,) = told(town, abroad), told(town, at_home)
    assert "Bí Mật" not in on_telegram.text
    assert "Bí Mật" in on_our_page.text
    abroad.say("/cauhoi 1"), abroad.say("/cauhoi")
    assert all("Bí Mật" not in one.text for one in told(town, abroad))


# ── bounds ──────────────────────────────────────────────────────────────────────────────────────────────────


def test_nobody_can_bury_the_staff_in_messages(town: Town) -> None:
    hoa = staff(town, "Chị Hoa", Role.WARD_STAFF)
    person = asking(town)
    for number in range(30):
        person.say(f"/hoi {number}")
    assert "trong một giờ" in person.last.text
    assert len(told(town, hoa)) == 20
    town.now += HOUR
    person.say("/hoi Sau một giờ")
    assert len(told(town, hoa)) == 1


def test_staff_of_another_ward_can_neither_read_nor_answer(town: Town) -> None:
    other = staff(town, "Phường khác", Role.WARD_STAFF, ELSEWHERE)
    person = asking(town)
    for said in ("/cauhoi 1", "/traloi 1 Chào", "/cauhoi 1 nhận", "/cauhoi 99"):
        other.say(said)
        assert "không có quyền" in other.last.text
    reply(other, "Chào", "✉ #1 Có người dân cần cán bộ")
    assert told(town, person) == []


def test_a_resident_can_write_in_nobody_elses_thread(town: Town) -> None:
    asking(town)
    stranger = Resident(town, "telegram")
    stranger.start(code(town))
    reply(stranger, "Cho tôi xem", "✉ #1 Cán bộ trả lời ông/bà:")
    assert "không có quyền" in stranger.last.text
    (thread,) = town.act("message.list")["questions"]
    assert thread["thread"] == []


def test_closing_and_opening_again(town: Town) -> None:
    hoa = staff(town, "Chị Hoa", Role.WARD_STAFF)
    person = asking(town)
    hoa.say("/cauhoi 1 đóng")
    assert town.act("message.list")["questions"] == []
    hoa.say("/cauhoi 1 mở")
    assert [one["id"] for one in town.act("message.list")["questions"]] == [1]
    hoa.say("/cauhoi 1 đóng")
    person.say("/hoi Một chuyện khác")
    assert [one["id"] for one in town.act("message.list")["questions"]] == [2]


def test_an_answer_to_somebody_who_blocked_the_chat_says_so(town: Town) -> None:
    hoa = staff(town, "Chị Hoa", Role.WARD_STAFF)
    person = asking(town, channel="telegram")
    town.database.write(lambda c: contacts.set_status(c, person.contact_id, "blocked"))
    hoa.say("/traloi 1 Chào bác")
    assert "đã chặn" in hoa.last.text


def test_nothing_that_was_said_is_in_the_audit_log_or_plain_in_the_tables(town: Town) -> None:
    hoa = staff(town, "Chị Hoa", Role.WARD_STAFF)
    asking(town, "/hoi Điều bí mật của tôi")
    hoa.say("/traloi 1 Trả lời điều bí mật")
    log: Any = town.act("audit.list", {"limit": 500})["entries"]
    assert {one["action"] for one in log} >= {"request.create", "message.answer"}
    assert "bí mật" not in json.dumps(log, ensure_ascii=False)

    def everything(connection: Any) -> bytes:
        rows = [
            repr(tuple(row)).encode()
            for table in ("requests", "messages", "outbox")
            for row in connection.exec_driver_sql(f"SELECT * FROM {table}")
        ]
        return b"".join(rows)

    assert "bí mật".encode() not in town.database.read(everything)


@pytest.mark.parametrize(
    "said", ["/traloi", "/traloi mười hai", "/traloi -1 x", "/traloi 99999999999999999999 x"]
)
def test_an_answer_without_a_number_says_what_to_type(town: Town, said: str) -> None:
    hoa = staff(town, "Chị Hoa", Role.WARD_STAFF)
    hoa.say(said)
    assert "/traloi 12" in hoa.last.text


def test_a_thread_is_told_to_whoever_holds_it_when_the_person_says_more_after_an_answer(town: Town) -> None:
    hoa, lan = (staff(town, name, Role.WARD_STAFF) for name in ("Chị Hoa", "Chị Lan"))
    person = asking(town)
    told(town, hoa), told(town, lan)
    hoa.say("/traloi 1 Ngày 10/12 ạ")
    told(town, lan)
    person.say("/hoi Cảm ơn chị")
    assert [len(told(town, one)) for one in (hoa, lan)] == [1, 0]


def test_a_week_after_the_answer_a_new_question_is_a_thread_of_its_own(town: Town) -> None:
    staff(town, "Chị Hoa", Role.WARD_STAFF).say("/cauhoi")
    person = asking(town)
    town.act("message.answer", {"request": 1, "text": "Ngày 10/12 ạ"})
    town.now += 8 * 24 * HOUR
    person.say("/hoi Chuyện mới")
    assert [one["id"] for one in town.act("message.list")["questions"]] == [2]


def test_a_request_that_nobody_knows_is_said_to_be_unknown(town: Town) -> None:
    with pytest.raises(Problem, match="request_unknown"):
        town.act("message.answer", {"request": 7, "text": "?"})
    assert town.database.read(lambda c: requests.get(c, town.keyring, 7)) is None
    assert questions.SECONDS <= 600
