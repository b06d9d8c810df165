"""A form is published again while people are in the middle: nobody starts over, everybody is told."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from bot.messages import Inbound, What
from storage import interviews, submissions
from surveys.problems import Problem
from tests.forms.build import Rows, choices, converted, row
from tests.town import Resident, Town, found

VI = "Tiếng Việt (vi)"
CASE = [row("hidden", name) for name in ("gioi", "sinh", "ma_xa", "cach_tra_loi")]
PERSON = {
    "sex": {"field": "gioi", "male": "1", "female": "2"},
    "birth": "sinh",
    "area": "ma_xa",
    "way": "cach_tra_loi",
}
VERSION_1 = [
    row("text", "ten", "Ông/bà tên gì?", required="yes"),
    row("select_one v", "viec", "Ông/bà làm gì?"),
    row("integer", "tuoi", "Ông/bà bao nhiêu tuổi?"),
    row("text", "cu", "Câu cũ?"),
    row("text", "y_kien", "Ý kiến?"),
]
VERSION_2 = [
    row("begin_group", "g", "Phần 1"),
    row("text", "ten", "Họ tên của ông/bà?", required="yes"),
    row("select_one v", "viec", "Ông/bà làm gì?"),
    row("end_group"),
    row("integer", "so_nguoi", "Nhà có mấy người?"),
    row("integer", "tuoi", "Ông/bà bao nhiêu tuổi?"),
    row("text", "y_kien", "Ý kiến?"),
]
NUMBERS = itertools.count(1)
JOBS = choices("v", "di_lam", "di_hoc", "o_nha")


def publication(version: str, survey: Rows, listed: Rows = JOBS, name: str = "nho") -> dict[str, Any]:
    made = converted(
        [*CASE, *survey], listed, [{"form_id": name, "version": version, "default_language": VI}]
    )
    assert made.xform, made.errors
    head = {"id": name, "version": version, "status": "thử", "form": name, "unit": "person"}
    return {
        "definition": {"instrument": head, "person": PERSON, "items": {"one": ["viec"]}},
        "xform": made.xform,
        "rows": {ref: (place.sheet, place.row) for ref, place in made.rows.items()},
    }


@pytest.fixture
def town(tmp_path: Path) -> Iterator[Town]:
    place = found(f"sqlite:///{tmp_path / 'hoidan.db'}", instruments=())
    place.act("instrument.publish", publication("1", VERSION_1))
    yield place
    place.close()


@pytest.fixture
def code(town: Town) -> str:
    return town.campaign(basis="dieu_19", instrument="nho")


def publish(town: Town, code: str, survey: Rows = VERSION_2, listed: Rows = JOBS) -> dict[str, Any]:
    town.act("instrument.publish", publication("2", survey, listed))
    made: dict[str, Any] = town.act("campaign.republish", {"campaign": code})
    return made


def answers(town: Town, person: Resident) -> dict[str, str]:
    """What is written down of the one interview of a person."""
    (key,) = town.database.read(partial(interviews.of_contact, contact_id=person.contact_id))
    kept = town.database.read(lambda connection: interviews.find(connection, town.keyring, [key]))
    return dict(kept[key].state.answers)


def begun(town: Town, code: str, *said: str) -> Resident:
    """Somebody who has come with the code and said this much."""
    person = Resident(town)
    person.start(code)
    for text in said:
        person.say(text)
    return person


def text(person: Resident) -> str:
    return person.last.text


# ── people in the middle ────────────────────────────────────────────────────────────────────────────────────


def test_answers_move_along_and_the_person_is_told_what_changed(town: Town, code: str) -> None:
    person = begun(town, code, "Lan", "Di_lam", "34", "câu cũ")
    assert "Ý kiến?" in text(person)
    publish(town, code)
    person.say("rất tốt")
    assert text(person).startswith("Phiếu khảo sát vừa được cập nhật.")
    assert "Có 1 câu hỏi mới." in text(person)
    assert "Không còn hỏi:\n– Câu cũ" in text(person)
    assert "Nhà có mấy người?" in text(person)
    assert answers(town, person) == {"/data/g/ten": "Lan", "/data/g/viec": "di_lam", "/data/tuoi": "34"}


def test_what_was_typed_for_one_question_is_never_taken_for_another(town: Town, code: str) -> None:
    person = begun(town, code, "Lan", "Di_lam")
    assert "bao nhiêu tuổi" in text(person)
    publish(town, code)
    person.say("34")
    assert "Tin vừa rồi chưa được ghi." in text(person)
    assert "Nhà có mấy người?" in text(person)
    assert "/data/so_nguoi" not in answers(town, person)
    person.say("4")
    assert answers(town, person)["/data/so_nguoi"] == "4"
    assert "cập nhật" not in text(person)


def test_what_was_typed_is_taken_where_the_same_is_asked_now(town: Town, code: str) -> None:
    person = begun(town, code, "Lan")
    assert "làm gì" in text(person)
    publish(town, code)
    person.say("đi học")
    assert answers(town, person)["/data/g/viec"] == "di_hoc"
    assert "cập nhật" in text(person) and "Nhà có mấy người?" in text(person)


def test_a_button_from_before_still_answers_its_question_if_that_stands_where_it_stood(
    town: Town, code: str
) -> None:
    person = begun(town, code, "Lan")
    publish(town, code, [*VERSION_1[:2], row("integer", "so_nguoi", "Nhà có mấy người?"), *VERSION_1[2:]])
    person.tap("DI_HOC")
    assert answers(town, person) == {"/data/ten": "Lan", "/data/viec": "di_hoc"}
    assert "cập nhật" in text(person) and "Nhà có mấy người?" in text(person)


def test_who_gave_an_answer_that_is_not_offered_any_more_is_asked_again(town: Town, code: str) -> None:
    person = begun(town, code, "Lan", "O_nha", "34")
    publish(town, code, VERSION_1, choices("v", "di_lam", "di_hoc"))
    person.say("xem lại")
    assert "xin ông/bà trả lời lại:\n– Ông/bà làm gì" in text(person)
    assert "/data/viec" not in answers(town, person)
    assert "làm gì" in text(person)


def test_only_the_first_turn_tells_of_the_change_and_a_repeated_event_changes_nothing(
    town: Town, code: str
) -> None:
    person = begun(town, code, "Lan")
    publish(town, code)
    told = person.send(What.TEXT, text="đi học", event_id="twice").reply
    again = person.send(What.TEXT, text="đi học", event_id="twice").reply
    assert told is not None and again is not None
    assert "cập nhật" in told.text and "cập nhật" not in again.text
    assert answers(town, person)["/data/g/viec"] == "di_hoc"


def test_many_people_who_write_at_once_all_go_over(town: Town, code: str) -> None:
    people = [begun(town, code, f"Người {number}") for number in range(5)]
    publish(town, code)
    futures = [town.turns.take(_message(person, "đi làm")) for person in (*people, *people[:2])]
    replies = [future.result(30).reply for future in futures]
    assert sum("cập nhật" in (reply.text if reply else "") for reply in replies) == 5
    for number, person in enumerate(people):
        kept = answers(town, person)
        assert (kept["/data/g/ten"], kept["/data/g/viec"]) == (f"Người {number}", "di_lam")


def _message(person: Resident, said: str) -> Inbound:
    return Inbound(person.channel, f"many{next(NUMBERS)}", person.address, What.TEXT, said)


def test_who_comes_after_is_asked_the_newer_version(town: Town, code: str) -> None:
    publish(town, code)
    assert "Họ tên của ông/bà?" in text(begun(town, code))


# ── what was handed in ──────────────────────────────────────────────────────────────────────────────────────


def handed_in(town: Town, code: str, *said: str) -> Resident:
    person = begun(town, code, *said)
    person.tap("Gửi câu trả lời")
    return person


def test_what_was_handed_in_stays_under_its_version_also_when_it_is_amended(town: Town, code: str) -> None:
    person = handed_in(town, code, "Lan", "Di_lam", "34", "x", "tốt")
    before = answers(town, person)
    publish(town, code)
    person.start(code)
    assert answers(town, person) == before
    person.tap("Sửa")
    person.say("sửa 3")
    person.say("35")
    assert "cập nhật" not in text(person)
    assert answers(town, person) == {**before, "/data/tuoi": "35"}


def test_versions_are_counted_apart(town: Town, code: str) -> None:
    handed_in(town, code, "Lan", "Di_lam", "34", "x", "tốt")
    publish(town, code)
    for _ in range(2):
        handed_in(town, code, "Hà", "Di_hoc", "3", "20", "tốt")
    asked = {"campaign": code, "items": ["viec"]}
    now = town.act("counts.show", asked)
    before = town.act("counts.show", {**asked, "instrument": "nho@1"})
    assert (now["instrument"]["version"], now["other_versions"]) == ("2", ["nho@1"])
    assert (before["instrument"]["version"], before["other_versions"]) == ("1", ["nho@2"])
    assert submitted(town, code) == {"1": 1, "2": 2}


def submitted(town: Town, code: str) -> dict[str, int]:
    """How many handed in, by version."""
    campaign = town.act("campaign.status", {"campaign": code})["id"]
    listed = {each["version"]: each["id"] for each in town.act("instrument.list")["instruments"]}
    return {
        version: town.database.read(
            partial(submissions.number_of_version, campaign_id=campaign, instrument_id=key)
        )
        for version, key in listed.items()
    }


# ── the action ──────────────────────────────────────────────────────────────────────────────────────────────


def test_staff_are_told_what_changes_and_for_how_many(town: Town, code: str) -> None:
    begun(town, code, "Lan")
    handed_in(town, code, "Hà", "Di_lam", "34", "x", "tốt")
    made = publish(town, code)
    assert (made["before"]["version"], made["instrument"]["version"]) == ("1", "2")
    assert made["half_finished"] == 1
    assert (made["changes"]["asked"], made["changes"]["dropped"]) == (["so_nguoi"], ["cu"])
    entries = town.act("audit.list")["entries"]
    assert [each["outcome"] for each in entries if each["action"] == "campaign.republish"] == ["done"]


@pytest.mark.parametrize(
    ("given", "code_of_problem"),
    [
        ({}, "campaign_same_version"),
        ({"instrument": "nho@1"}, "campaign_same_version"),
        ({"instrument": "khac"}, "campaign_other_instrument"),
        ({"instrument": "nho@9"}, "instrument_unknown"),
    ],
)
def test_only_another_version_of_the_same_instrument_can_follow(
    town: Town, code: str, given: dict[str, str], code_of_problem: str
) -> None:
    town.act("instrument.publish", publication("1", VERSION_2, name="khac"))
    with pytest.raises(Problem) as caught:
        town.act("campaign.republish", {"campaign": code, **given})
    assert caught.value.code == code_of_problem


def test_a_closed_campaign_goes_on_with_nothing(town: Town, code: str) -> None:
    town.act("campaign.close", {"campaign": code})
    with pytest.raises(Problem, match="campaign_republish_status"):
        publish(town, code)
