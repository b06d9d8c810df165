"""Several people on one telephone, and one interview on several devices."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from bot.messages import What
from storage import outbox
from surveys.codes import find_handover, write_handover
from tests.benchmarks import survey
from tests.town import Resident, Town, found

MINUTE = 60_000


@pytest.fixture
def short(database_url: str) -> Iterator[tuple[Town, str]]:
    """A town with a short survey open without consent: *(town, code)*."""
    place = found(database_url, instruments=())
    place.act("instrument.publish", survey.publication())
    yield place, place.campaign(basis="dieu_19", instrument=survey.NAME)
    place.close()


def handover(person: Resident) -> str:
    """The code that somebody gets to go on elsewhere."""
    person.say("máy khác")
    shown = re.search(r"TT-\w{4}-\w{4}", person.last.text)
    assert shown is not None
    return shown[0]


def begun(town: Town, code: str, channel: str = "telegram") -> Resident:
    person = Resident(town, channel)
    person.start(code)
    return person


def told(town: Town, channel: str) -> list[tuple[int, str]]:
    """What waits to be sent: *(contact, message)*."""
    waiting = town.database.write(lambda c: outbox.claim(c, town.keyring, channel, "test", 1, 50, town.now))
    return [(one.contact_id, one.message) for one in waiting]


def answer_one(person: Resident) -> None:
    """Answer the question that is asked, whatever it is."""
    aside = ("◀", "Giữ", "Bỏ qua", "Không ")
    labels = [button.label for row in person.last.rows for button in row]
    choices = [label for label in labels if not label.startswith(aside)]
    if "✔ Xong" in choices:
        person.tap(choices[0])
        person.tap("✔ Xong")
    elif choices:
        person.tap(choices[0])
    else:
        person.say("30")


# ── another device ──────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("written", ["{}", "{} ", "/start {}"])
def test_a_one_time_code_takes_the_interview_to_another_channel(
    short: tuple[Town, str], written: str
) -> None:
    town, code = short
    here = begun(town, code)
    answer_one(here)
    left = here.last.text
    there = Resident(town, "webchat")
    there.say(written.format(handover(here)))
    assert there.last.text.endswith(left)
    answer_one(there)
    assert there.last.text != here.last.text
    # And back again, without a code: both devices see the same interview.
    here.start()
    assert here.last.text == there.last.text


def test_a_link_with_the_code_does_the_same(short: tuple[Town, str]) -> None:
    town, code = short
    here = begun(town, code)
    there = Resident(town, "webchat")
    there.start(handover(here).replace("-", ""))
    assert there.last.text.endswith(here.seen[0].text)


def test_the_other_device_is_told_that_the_form_was_opened_elsewhere(short: tuple[Town, str]) -> None:
    town, code = short
    here = begun(town, code)
    there = Resident(town, "webchat")
    there.say(handover(here))
    assert told(town, "telegram") == [(here.contact_id, "elsewhere.taken")]


def test_the_code_is_good_once(short: tuple[Town, str]) -> None:
    town, code = short
    here = begun(town, code)
    given = handover(here)
    Resident(town, "webchat").say(given)
    stranger = Resident(town, "telegram")
    stranger.say(given)
    assert "đã dùng hoặc đã hết hạn" in stranger.last.text


def test_the_code_is_good_for_half_an_hour(short: tuple[Town, str]) -> None:
    town, code = short
    here = begun(town, code)
    given = handover(here)
    town.now += 30 * MINUTE
    there = Resident(town, "webchat")
    there.say(given)
    assert "hết hạn" in there.last.text


def test_what_was_handed_in_elsewhere_is_handed_in_here_too(short: tuple[Town, str]) -> None:
    town, code = short
    here = begun(town, code)
    there = Resident(town, "webchat")
    there.say(handover(here))
    for _ in range(20):
        if any("Gửi" in button.label for row in there.last.rows for button in row):
            break
        answer_one(there)
    there.tap("Gửi")
    assert town.act("campaign.status", {"campaign": code})["progress"]["submitted"] == 1
    here.start(code)
    assert any("Sửa" in button.label for row in here.last.rows for button in row)


def test_without_a_form_there_is_nothing_to_take_along(short: tuple[Town, str]) -> None:
    town, _ = short
    person = Resident(town)
    person.start()
    person.say("/maykhac")
    assert "không có phiếu nào" in person.last.text


@pytest.mark.parametrize(
    "text", ["ttabcdefgh", "TT", "tt-abcd", "xTT-ABCD-2345", "TT-ABCD-23450", "TT-ABCO-2345"]
)
def test_words_are_no_codes(text: str) -> None:
    assert find_handover(text) is None


@pytest.mark.parametrize(
    "text", ["TT-ABCD-2345", "tt abcd 2345", "TTABCD2345", " tt-abcd-2345 ", "TT-ABCD-EFGH"]
)
def test_a_code_is_read_however_it_is_typed(text: str) -> None:
    assert find_handover(text) in ("ABCD2345", "ABCDEFGH")
    assert find_handover(write_handover("ABCD2345")) == "ABCD2345"


# ── several people ──────────────────────────────────────────────────────────────────────────────────────────


def test_somebody_else_answers_by_the_same_telephone_and_neither_sees_the_others_answers(
    short: tuple[Town, str],
) -> None:
    town, code = short
    phone = begun(town, code)
    answer_one(phone)
    second = phone.last.text
    phone.say("đổi người")
    phone.tap("Thêm người khác")
    assert phone.last.text == phone.seen[0].text
    answer_one(phone)
    answer_one(phone)
    phone.say("đổi người")
    assert "1. Người thứ 1: đang trả lời dở\n2. Người thứ 2: đang trả lời dở ← đang chọn" in phone.last.text
    phone.tap("Người thứ 1")
    assert phone.last.text.endswith(second)


def test_whoever_has_handed_in_can_pass_the_telephone_on(short: tuple[Town, str]) -> None:
    town, code = short
    phone = begun(town, code)
    first = phone.last
    for _ in range(20):
        if any("Gửi" in button.label for row in phone.last.rows for button in row):
            break
        answer_one(phone)
    phone.tap("Gửi")
    phone.say(code)
    phone.tap("Thêm người khác")
    assert phone.last.text == first.text
    assert town.act("campaign.status", {"campaign": code})["progress"]["cases"] == 2


def test_nobody_gets_to_other_peoples_forms_by_a_made_up_button(short: tuple[Town, str]) -> None:
    town, code = short
    owner = begun(town, code)
    owner.say("đổi người")
    button = next(b for row in owner.last.rows for b in row if "Người thứ 1" in b.label)
    stranger = begun(town, code)
    before = stranger.last.text
    stranger.send(What.TAP, data=button.data)
    assert stranger.last.text.endswith(before)
    stranger.say("đổi người")
    assert "Người thứ 2" not in stranger.last.text
