"""Writing down somebody's answers: found by their code, asked with a line that says for whom, kept so."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from bot.messages import Outgoing
from storage import invitations
from storage.schema import assists, case_contacts, cases, consents, contact_links, interviews, submissions
from surveys.personal_codes import bare
from surveys.roles import Role
from tests.families import HERE, THERE, family
from tests.grounds import Ground, copied, lay
from tests.street import questions
from tests.told import told
from tests.town import WARD, ZONE, Resident, Town, found

NINE = int(datetime(2026, 3, 5, 9, 0, tzinfo=ZONE).timestamp() * 1000)
HOUR = 3_600_000
CITY = "2025-07-01/79"


def prepare(town: Town) -> None:
    """A census of people here and of households here, one of people beside, and an open survey."""
    for unit in ("person", "household"):
        town.act("instrument.publish", questions(unit))
    an = ("Nguyễn Văn An", "male", "1960-03", "head"), ("Trần Thị Bình", "female", "1962", "spouse")
    family(town, "HK-01", "Nguyễn Văn An", *an, address="12 Lê Lợi")
    family(town, "HK-02", "Lê Thị Cúc", ("Lê Thị Cúc", "female", "1950-01", "head"))
    family(town, "HK-77", "Phạm Dũng", ("Phạm Dũng", "male", "1970-05", "head"), area=THERE)
    census = {"basis": "dieu_19", "mode": "census"}
    town.campaign(instrument="nho-person", title="Phiếu người", **census)
    town.campaign(instrument="nho-household", title="Phiếu hộ", **census)
    town.campaign(instrument="nho-person", title="Phiếu bên kia", area="2025-07-01/26743", **census)
    town.campaign(instrument="nho-person", title="Ai cũng được", basis="dieu_19", mode="open")


@pytest.fixture(scope="module")
def ground(tmp_path_factory: pytest.TempPathFactory) -> Ground:
    return lay(tmp_path_factory.mktemp("ground"), NINE, prepare)


@pytest.fixture
def town(ground: Ground, tmp_path: Path) -> Iterator[Town]:
    place = copied(ground, tmp_path)
    yield place
    place.close()


def rows(town: Town, statement: Any) -> list[tuple[Any, ...]]:
    return [tuple(row) for row in town.database.read(lambda c: c.execute(statement).all())]


def campaign(town: Town, title: str) -> dict[str, Any]:
    found: dict[str, Any] = next(
        each for each in town.act("campaign.list")["campaigns"] if each["title"] == title
    )
    return found


def code_of(town: Town, title: str, number: int = 0) -> str:
    """The personal code of the ``number``-th case of a campaign."""
    key = campaign(town, title)["id"]
    ids = rows(town, select(cases.c.id).where(cases.c.campaign_id == key).order_by(cases.c.id))
    return town.database.write(lambda c: invitations.code(c, town.keyring, key, ids[number][0]))


def collector(town: Town, channel: str = "webchat", area: str = WARD) -> Resident:
    """A collector with a chat."""
    account = town.act("account.create", {"name": f"Cộng tác viên {next(Resident._numbers)}"})["id"]
    town.act("account.grant", {"account": account, "role": Role.COLLECTOR.value, "area": area})
    invited = town.act("account.invite", {"account": account})
    person = Resident(town, channel)
    person.start(invited["code"])
    return person


def answer(person: Resident) -> None:
    """Answer the three questions, and hand in."""
    for said in ("nam", "1960", "không", "gửi"):
        person.say(said)


def labels(message: Outgoing) -> list[str]:
    return [button.label for row in message.rows for button in row]


# ── helping ─────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_personal_code_on_the_leaflet_leads_to_the_person_and_asks_who_answers(town: Town) -> None:
    helper = collector(town)
    helper.say(f"/nhapho {code_of(town, 'Phiếu người')}")
    assert "Nguyễn Văn An" in helper.last.text
    assert labels(helper.last) == ["Chính người đó trả lời", "Người khác trả lời thay"]
    helper.tap("Chính người đó trả lời")
    assert helper.last.text.startswith("✍ Nhập hộ, chính người được hỏi trả lời: Nguyễn Văn An")


def test_every_prompt_says_for_whom_it_is(town: Town) -> None:
    helper = collector(town)
    helper.say(f"/nhapho {code_of(town, 'Phiếu người')} thay")
    for said in ("xyz", "nam", "1960", "quay lại", "1961", "không"):
        helper.say(said)
        assert helper.last.text.startswith("✍ Nhập hộ, người khác trả lời thay cho: Nguyễn Văn An"), said


def test_what_was_written_down_is_kept_and_counted_as_such_with_whose_hand_it_was(town: Town) -> None:
    helper = collector(town)
    helper.say(f"/nhapho {code_of(town, 'Phiếu người')} hộ")
    answer(helper)
    account = rows(town, select(assists.c.account_id))[0][0]
    assert rows(town, select(submissions.c.way, submissions.c.account_id)) == [("assisted", account)]
    shown = town.act(
        "counts.show",
        {"campaign": campaign(town, "Phiếu người")["id"], "items": ["dien_thoai"], "by": ["way"]},
    )
    assert [row["group"] for row in shown["tables"][0]["rows"]] == [{"way": "assisted"}]


def test_the_receipt_is_told_to_whoever_wrote_so_that_the_person_can_keep_it(town: Town) -> None:
    helper = collector(town)
    helper.say(f"/nhapho {code_of(town, 'Phiếu người')} hộ")
    answer(helper)
    (receipt,) = told(town, helper)
    kept = re.search(r"Mã biên nhận: (\w{10})", receipt.text)
    assert kept is not None and "trao cho người trả lời" in receipt.text
    assert rows(town, select(submissions.c.receipt)) == [(kept[1],)]


def test_the_helper_does_not_answer_for_the_case_and_gets_no_reminders_of_it(town: Town) -> None:
    helper = collector(town)
    helper.say(f"/nhapho {code_of(town, 'Phiếu người')} hộ")
    helper.say("nam")
    assert rows(town, select(case_contacts)) == []


def test_the_persons_own_telephone_hears_that_answers_were_handed_in(town: Town) -> None:
    own = Resident(town, "webchat")
    code = code_of(town, "Phiếu người")
    own.start(bare(code))
    own.say("máy khác")
    handover = re.search(r"TT-\w{4}-\w{4}", own.last.text)
    assert handover is not None
    helper = collector(town)
    helper.say(f"/nhapho {handover[0]}")
    answer(helper)
    (notice,) = told(town, own)
    assert "Cán bộ đã nhập hộ" in notice.text


# ── finding ─────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_households_own_code_shows_all_of_it_that_is_asked(town: Town) -> None:
    helper = collector(town)
    helper.say("/nhapho HK-01")
    assert len(labels(helper.last)) == 3
    helper.say("/nhapho hk-01 2")
    assert "Trần Thị Bình" in helper.last.text
    helper.say(f"/nhapho {campaign(town, 'Phiếu hộ')['code']} HK-01")
    assert labels(helper.last) == ["Người trong hộ trả lời", "Người ngoài hộ trả lời thay"]


def test_one_of_several_is_tapped(town: Town) -> None:
    helper = collector(town)
    helper.say("/nhapho HK-01")
    helper.tap("Trần Thị Bình")
    helper.tap("Chính người đó trả lời")
    assert helper.last.text.startswith("✍ Nhập hộ, chính người được hỏi trả lời: Trần Thị Bình")


def test_somebody_in_no_list_is_helped_where_anybody_may_answer(town: Town) -> None:
    helper = collector(town)
    helper.say(f"/nhapho {campaign(town, 'Ai cũng được')['code']}")
    assert helper.last.text.startswith("✍ Nhập hộ, chính người được hỏi trả lời: phiếu số")
    answer(helper)
    helper.say(f"/nhapho {campaign(town, 'Phiếu người')['code']}")
    assert "chỉ hỏi những hộ, những người có trong danh sách" in helper.last.text


@pytest.mark.parametrize("code", ["HK-77", "HK-99", "0009-0000-0000", "linh tinh"])
def test_what_is_elsewhere_is_as_unknown_as_what_is_nowhere(town: Town, code: str) -> None:
    helper = collector(town)
    helper.say(f"/nhapho {code}")
    assert "Không tìm thấy phiếu nào" in helper.last.text


def test_a_personal_code_of_another_ward_leads_nowhere(town: Town) -> None:
    helper = collector(town)
    helper.say(f"/nhapho {code_of(town, 'Phiếu bên kia')}")
    assert "Không tìm thấy phiếu nào" in helper.last.text
    city = collector(town, area=CITY)
    city.say(f"/nhapho {code_of(town, 'Phiếu bên kia')}")
    assert "Phạm Dũng" in city.last.text


def test_codes_can_not_be_guessed(town: Town) -> None:
    helper = collector(town)
    for number in range(20):
        helper.say(f"/nhapho 0001-0000-{number:04}")
    helper.say(f"/nhapho {code_of(town, 'Phiếu người')}")
    assert "thử lại sau một giờ" in helper.last.text
    town.now += HOUR
    helper.say(f"/nhapho {code_of(town, 'Phiếu người')}")
    assert "Nguyễn Văn An" in helper.last.text


def test_over_a_platform_abroad_nobody_is_named(town: Town) -> None:
    helper = collector(town, "telegram")
    helper.say("/nhapho HK-01")
    assert "An" not in helper.last.text and "hộ HK-01" in helper.last.text
    helper.tap("người số 2")
    helper.tap("Chính người đó trả lời")
    assert "Trần" not in helper.last.text and "người số 2, vợ/chồng" in helper.last.text


# ── several at once ─────────────────────────────────────────────────────────────────────────────────────────


def test_several_can_be_open_and_each_goes_on_where_it_was(town: Town) -> None:
    helper = collector(town)
    helper.say(f"/nhapho {code_of(town, 'Phiếu người', 0)} hộ")
    helper.say("nam")
    helper.say(f"/nhapho {code_of(town, 'Phiếu người', 1)} thay")
    helper.say("/nhapho")
    assert len(labels(helper.last)) == 2
    helper.tap("Nguyễn Văn An")
    assert "Câu 2/3" in helper.last.text and "chính người được hỏi" in helper.last.text
    helper.say("/nhapho")
    helper.tap("Trần Thị Bình")
    assert "Câu 1/3" in helper.last.text and "trả lời thay" in helper.last.text


def test_whoever_has_nothing_open_is_told_what_to_type(town: Town) -> None:
    helper = collector(town)
    helper.say("/nhapho")
    assert "/nhapho và mã riêng" in helper.last.text


# ── what is people's own ────────────────────────────────────────────────────────────────────────────────────


def test_what_people_have_begun_themselves_is_not_opened_without_their_code(town: Town) -> None:
    own = Resident(town, "webchat")
    code = code_of(town, "Phiếu người")
    own.start(bare(code))
    own.say("nam")
    helper = collector(town)
    helper.say(f"/nhapho {code} hộ")
    assert "đã tự trả lời dở" in helper.last.text
    own.say("máy khác")
    handover = re.search(r"TT-\w{4}-\w{4}", own.last.text)
    assert handover is not None
    helper.say(f"/nhapho {handover[0]} hộ")
    assert "Câu 2/3" in helper.last.text
    assert rows(town, select(interviews.c.way)) == [("assisted",)]
    own.start(bare(code))
    assert not own.last.text.startswith("✍")
    assert rows(town, select(interviews.c.way)) == [("self",)]


def test_who_has_answered_themselves_is_left_in_peace(town: Town) -> None:
    own = Resident(town, "webchat")
    code = code_of(town, "Phiếu người")
    own.start(bare(code))
    answer(own)
    helper = collector(town)
    helper.say(f"/nhapho {code} hộ")
    assert "đã tự trả lời rồi" in helper.last.text


def test_whoever_wrote_it_down_can_correct_it_and_the_person_can_too(town: Town) -> None:
    helper = collector(town)
    code = code_of(town, "Phiếu người")
    helper.say(f"/nhapho {code} hộ")
    answer(helper)
    helper.say(f"/nhapho {code} hộ")
    helper.tap("Sửa câu trả lời")
    helper.say("gửi")
    own = Resident(town, "webchat")
    own.start(bare(code))
    own.tap("Sửa câu trả lời")
    own.say("gửi")
    found = rows(town, select(submissions.c.revision, submissions.c.way).order_by(submissions.c.id))
    assert found == [(1, "assisted"), (2, "assisted"), (3, "self")]


def test_a_resident_can_not_help_anybody(town: Town) -> None:
    person = Resident(town, "webchat")
    person.start()
    person.say(f"/nhapho {code_of(town, 'Phiếu người')} hộ")
    assert rows(town, select(assists)) == []
    assert rows(town, select(interviews)) == []


def test_what_a_helper_does_is_in_the_audit_log(town: Town) -> None:
    helper = collector(town)
    helper.say(f"/nhapho {code_of(town, 'Phiếu người')} hộ")
    log = town.act("audit.list", {"limit": 20})["entries"]
    (entry,) = [one for one in log if one["action"] == "case.assist"]
    assert (entry["outcome"], entry["area"]) == ("done", "/".join(HERE))
    assert entry["target"].startswith("case:")


# ── by the people's own codes ───────────────────────────────────────────────────────────────────────────────


def test_a_telephone_that_came_by_a_personal_code_is_known_for_the_person_from_then_on(town: Town) -> None:
    own = Resident(town, "telegram")
    own.start(bare(code_of(town, "Phiếu người", 1)))
    household, person, how = rows(
        town, select(contact_links.c.household_id, contact_links.c.person_id, contact_links.c.how)
    )[0]
    assert (household, person, how) == (1, 2, "code")
    own.start(bare(code_of(town, "Phiếu người", 1)))
    assert len(rows(town, select(contact_links))) == 1


def test_a_telephone_that_came_by_a_households_code_passes_invitations_on_to_its_people(town: Town) -> None:
    own = Resident(town, "webchat")
    own.start(bare(code_of(town, "Phiếu hộ")))
    own.say("/chuyentiep")
    assert labels(own.last) == ["Chuyển cho Nguyễn Văn An", "Chuyển cho Trần Thị Bình"]
    own.tap("Trần Thị Bình")
    (invitation,) = told(town, own)
    assert "Lời mời riêng cho Trần Thị Bình: Phiếu người" in invitation.text
    code = re.search(r"Mã riêng: (\S+)", invitation.text)
    assert code is not None
    other = Resident(town, "webchat")
    other.start(bare(code[1]))
    assert "Câu 1/3" in other.last.text
    own.say("/chuyentiep")
    assert "Trần Thị Bình – đang trả lời" in own.last.text


def test_over_a_platform_abroad_the_people_of_a_household_are_not_named_either(town: Town) -> None:
    own = Resident(town, "telegram")
    own.start(bare(code_of(town, "Phiếu hộ")))
    own.say("/chuyentiep 2")
    (invitation,) = told(town, own)
    assert "Trần" not in invitation.text and "người số 2" in invitation.text


def test_a_strangers_telephone_has_nobodys_invitations(town: Town) -> None:
    stranger = Resident(town, "webchat")
    stranger.start(campaign(town, "Ai cũng được")["code"])
    stranger.say("/chuyentiep")
    assert "Chưa có lời mời riêng nào" in stranger.last.text


# ── consent, and answers about somebody else ────────────────────────────────────────────────────────────────


@pytest.fixture
def real(database_url: str) -> Iterator[Town]:
    """A town with the shipped instruments, on either database."""
    place = found(database_url, now=NINE)
    family(place, "HK-01", "Nguyễn Văn An", ("Nguyễn Văn An", "male", "1960-03", "head"))
    place.campaign(title="Phiếu người", mode="census")
    yield place
    place.close()


def test_consent_is_read_aloud_and_kept_as_given_by_word_of_mouth(real: Town) -> None:
    helper = collector(real)
    helper.say(f"/nhapho {code_of(real, 'Phiếu người')} hộ")
    assert "đọc to, đúng từng chữ" in helper.last.text
    consent_to(helper)
    kept = rows(real, select(submissions.c.stage, submissions.c.way, submissions.c.account_id))
    helper_account = rows(real, select(assists.c.account_id))[0][0]
    assert kept == [("consent", "assisted", helper_account)]
    assert rows(real, select(consents.c.contact_id)) == [(helper.contact_id,)]


def questions_of(town: Town, way: str) -> int:
    """How many questions lie before somebody who writes down answers in this way."""
    helper = collector(town)
    helper.say(f"/nhapho {code_of(town, 'Phiếu người')} {way}")
    consent_to(helper)
    total = re.search(r"Câu 1/(\d+)", helper.last.text)
    assert total is not None, helper.last.text
    return int(total[1])


def test_who_answers_for_somebody_else_is_not_asked_what_only_they_can_say(real: Town) -> None:
    themselves = questions_of(real, "hộ")
    assert questions_of(real, "thay") < themselves


def consent_to(person: Resident) -> None:
    """Agree to everything that is asked before the questions."""
    while "Đồng ý" in labels(person.last):
        person.tap("Đồng ý")
