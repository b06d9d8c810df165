"""From a finished interview to submission, coded rows and counts; and from a household to its people."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, select

from bot.messages import ABILITIES
from bot.notices import notice
from bot.retention import forget_names
from bot.submitting import count_campaign, differences
from bot.web.visitors import asking
from storage import campaigns, contacts, counts, interviews, invitations, outbox, submissions
from storage.schema import cases
from storage.schema import outbox as rows_out
from storage.submissions import CodedRow
from surveys.forms import Missing
from surveys.interview import Remove, State, step
from surveys.personal_codes import ALPHABET
from tests.households import settle
from tests.shipped import CONTEXT, Key, hold
from tests.town import Resident, Town, found

Answers = Mapping[Key, str | Missing]

HOUSEHOLD: dict[Key, str | Missing] = {
    "vai_tro": "1", "dung_dia_ban": "1", "khu_pho": "5", "cu_tru": "1", "loai_ho": "1", "so_nk": "5",
    "so_15": "3", "internet": "1", "thiet_bi": "1 3", "xac_nhan": "1", "gio_nhac": "0", "sdt": "0912345678",
    "tv_hoc_van": "4", "tv_biet_chu": "1", "tv_cmkt": "0", "tv_viec": "1", "tv_moi": "1",
    ("tv_ten", 1): "Ba", ("tv_qh", 1): "1", ("tv_gioi", 1): "1", ("tv_sinh", 1): "03/1970",
    ("tv_ten", 2): "Má", ("tv_qh", 2): "2", ("tv_gioi", 2): "2", ("tv_sinh", 2): "1972",
    ("tv_ten", 3): "Lan", ("tv_qh", 3): "3", ("tv_gioi", 3): "2", ("tv_sinh", 3): "05/2004",
    "so_15_xn": "1", "tv_tuoi_xn": "1", "tv_cmkt_xn": "1", "tv_hv_xn": "1", "tv_giam_ho": "1",
}  # fmt: skip
WORKER: dict[Key, str | Missing] = {
    "gioi": "2", "sinh": "05/1990", "viec_lam": "1", "hoc_van": "4", "cmkt": "6", "linh_vuc": "14",
    "dao_tao_12t": "1 2", "nhu_cau": "2 7",
    **{
        f"{scale}_{item}": "2"
        for scale, items in {
            "il": "nhu_cau tim danh_gia su_dung an_toan",
            "ls": "quyet_dinh giai_quyet sang_tao phan_bien giao_tiep"
            " quan_he tu_nhan thau_cam cam_xuc ap_luc",
        }.items()
        for item in items.split()
    },
}  # fmt: skip


INSTRUMENTS = ("dong_y", "nguoi_lao_dong", "ho_gia_dinh")


@pytest.fixture
def town(tmp_path: Path) -> Iterator[Town]:
    made = found(f"sqlite:///{tmp_path / 'h.db'}", instruments=INSTRUMENTS)
    yield made
    made.close()


@pytest.fixture
def any_town(database_url: str) -> Iterator[Town]:
    """The same on every kind of database."""
    made = found(database_url, instruments=INSTRUMENTS)
    yield made
    made.close()


def open_interview(town: Town, resident: Resident) -> interviews.Interview:
    def look(connection: Connection) -> interviews.Interview:
        contact = contacts.get(connection, resident.contact_id)
        assert contact is not None and contact.interview_id is not None
        return interviews.find(connection, town.keyring, [contact.interview_id])[contact.interview_id]

    return town.database.write(look)


def answer(town: Town, resident: Resident, given: Answers, change: Any = None) -> None:
    """Answer everything that is asked in the open interview (``change`` its state first), and hand it in."""
    interview = open_interview(town, resident)
    prepared = town.database.read(lambda connection: town.shelf.get(connection, interview.instrument_id))
    state: State = interview.state if change is None else change(prepared.questionnaire, interview.state)
    held = hold(prepared.questionnaire, given, {}, state)
    assert held.refusal is None, (held.asked[-1], held.said)
    town.database.write(
        lambda connection: interviews.save(
            connection, town.keyring, [(interview, held.state, "open")], town.now
        )
    )
    resident.say("gửi")


def fresh_answers(given: Answers) -> Any:
    """Forget what was answered, so that everything is asked again."""
    return lambda questionnaire, state: State(hidden=state.hidden)


def answered(town: Town, code: str, given: Answers = HOUSEHOLD, channel: str = "webchat") -> Resident:
    resident = Resident(town, channel)
    resident.start(code)
    answer(town, resident, given)
    return resident


def received(town: Town, resident: Resident) -> list[str]:
    """What waits for a resident in the outbox, as it would be shown; it is taken out."""

    def take(connection: Connection) -> list[Any]:
        claimed = outbox.claim(connection, town.keyring, resident.channel, "test", 1, 100, town.now)
        return [one for one in claimed if one.contact_id == resident.contact_id]

    return [
        notice(one.message, one.params, "vi", ABILITIES[resident.channel]).text
        for one in town.database.write(take)
    ]


def rows(town: Town, campaign: str) -> list[CodedRow]:
    """The coded rows of a campaign's newest submissions."""

    def look(connection: Connection) -> list[CodedRow]:
        key = campaigns.expect(connection, campaign).id
        return submissions.current_rows(connection, town.keyring, key)

    return town.database.read(look)


def agrees_with_a_fresh_count(town: Town, campaign: str) -> bool:
    def look(connection: Connection) -> bool:
        key = campaigns.expect(connection, campaign).id
        fresh, _ = count_campaign(connection, town.keyring, town.shelf, key)
        return not differences(fresh, dict(counts.cells(connection, key)))

    return town.database.read(look)


def count(town: Town, campaign: str, item: str, **by: Any) -> dict[str, Any]:
    shown = town.act("counts.show", {"campaign": campaign, "items": [item], **by})
    table: dict[str, Any] = shown["tables"][0]
    return table


# ── a household and its people ──────────────────────────────────────────────────────────────────────────────


def test_a_household_makes_one_row_for_itself_and_one_for_each_member(town: Town) -> None:
    code = town.campaign(basis="dieu_19", instrument="ho-gia-dinh-v0")
    answered(town, code)
    made = rows(town, code)
    assert [(row.unit, row.member, row.place) for row in made] == [
        ("household", 0, 0),
        ("person", 1, 1),
        ("person", 2, 2),
        ("person", 3, 3),
    ]
    assert len({row.pseudonym for row in made}) == 4
    assert {row.household for row in made} == {made[0].pseudonym}
    assert [row.way for row in made] == ["self", "self", "proxy", "proxy"]
    assert [row.row.get("_birth") for row in made] == [None, "1970-03", "1972", "2004-05"]
    assert made[0].row["thiet_bi"] == "1 3"
    assert made[2].row["tv_hoc_van"] == "4"


def test_what_identifies_people_is_kept_apart(town: Town) -> None:
    code = town.campaign(instrument="ho-gia-dinh-v0")
    resident = Resident(town, "webchat")
    resident.start(code)
    for _ in range(2):
        resident.say("đồng ý")
    answer(town, resident, HOUSEHOLD)
    told = "".join(str(row.row) for row in rows(town, code))
    assert "Má" not in told and "0912345678" not in told

    def look(connection: Connection) -> tuple[Mapping[str, str], dict[str, str]]:
        interview = interviews.newest_submitted(connection, resident.contact_id)
        assert interview is not None
        filed = submissions.latest(connection, town.keyring, interview)
        assert filed is not None
        return filed.result.values, submissions.private_of(connection, town.keyring, filed.case_id)

    filed, private = town.database.read(look)
    assert not {"tv_ten", "sdt", "danh_sach"} & {ref.rpartition("/")[2] for ref in filed}
    assert private["/data/phan_2/sdt"] == "0912345678"
    assert private["/data/thanh_vien[3]/tv_ten"] == "Lan"


def test_households_and_persons_are_counted_apart(town: Town) -> None:
    code = town.campaign(basis="dieu_19", instrument="ho-gia-dinh-v0")
    for number in range(10):
        answered(town, code, {**HOUSEHOLD, "internet": "13"[number % 2]})
    internet = count(town, code, "internet")
    assert (internet["unit"], internet["total"]["n"], internet["denominator"]) == (
        "household",
        10,
        "households_asked",
    )
    work = count(town, code, "tv_viec")
    assert (work["unit"], work["total"]["n"], work["denominator"]) == ("person", 30, "asked")
    assert agrees_with_a_fresh_count(town, code)
    every = town.act("counts.show", {"campaign": code})["tables"]
    assert {table["item"]: table["unit"] for table in every} == {
        "ho_co_internet": "household",
        **dict.fromkeys(
            ("cmkt_certified", "dai_hoc", "biet_chu", "biet_chu_15_60", "biet_chu_muc_2"), "person"
        ),
    }
    by_sex = town.act("counts.show", {"campaign": code, "by": ["sex"]})["tables"]
    assert "ho_co_internet" not in {table["item"] for table in by_sex}


def test_a_household_counts_in_the_ward_it_says_it_lives_in(town: Town) -> None:
    code = town.campaign(basis="dieu_19", instrument="ho-gia-dinh-v0")
    answered(town, code, {**HOUSEHOLD, "dung_dia_ban": "2", "ma_xa": "26743"})
    assert {row.area_code for row in rows(town, code)} == {"26743"}
    assert {entry.area_code for entry in held_cells(town, code)} == {"26743"}
    assert agrees_with_a_fresh_count(town, code)


def held_cells(town: Town, code: str) -> dict[counts.Cell, int]:
    return town.database.read(
        lambda connection: dict(counts.cells(connection, campaigns.expect(connection, code).id))
    )


def test_a_household_that_was_screened_out_has_its_outcome_and_no_counts(town: Town) -> None:
    code = town.campaign(basis="dieu_19", instrument="ho-gia-dinh-v0")
    answered(town, code, {**HOUSEHOLD, "loai_ho": "4"})
    assert held_cells(town, code) == {}
    assert [row.member for row in rows(town, code)] == [0]


def amend(town: Town, resident: Resident, given: Answers, change: Any = None) -> None:
    resident.say("sửa")
    answer(town, resident, given, change or fresh_answers(given))


def test_amending_takes_the_old_household_and_its_people_back_exactly(any_town: Town) -> None:
    town = any_town
    code = town.campaign(basis="dieu_19", instrument="ho-gia-dinh-v0")
    resident = answered(town, code)
    amend(town, resident, {**HOUSEHOLD, "so_15": "2", ("tv_cmkt", 2): "6", "internet": "3"})
    assert agrees_with_a_fresh_count(town, code)
    assert [(row.member, row.place) for row in rows(town, code)] == [(0, 0), (1, 1), (2, 2)]
    other = town.campaign(basis="dieu_19", instrument="ho-gia-dinh-v0", title="Chỉ bản sửa")
    answered(town, other, {**HOUSEHOLD, "so_15": "2", ("tv_cmkt", 2): "6", "internet": "3"})

    def bare(cells: dict[counts.Cell, int]) -> dict[tuple[str, ...], int]:
        return {(c.unit, c.way, c.sex, c.age_band, c.item, c.outcome): n for c, n in cells.items()}

    assert bare(held_cells(town, code)) == bare(held_cells(town, other))


def test_a_member_keeps_their_number_and_pseudonym_when_somebody_before_them_is_taken_out(town: Town) -> None:
    code = town.campaign(basis="dieu_19", instrument="ho-gia-dinh-v0")
    resident = answered(town, code)
    before = {row.member: row.pseudonym for row in rows(town, code)}

    def without_mother(questionnaire: Any, state: State) -> State:
        return step(questionnaire, state, Remove("/data/thanh_vien[2]", sure=True), CONTEXT).state

    amend(town, resident, HOUSEHOLD, without_mother)
    after = {row.member: (row.place, row.pseudonym) for row in rows(town, code)}
    assert after == {0: (0, before[0]), 1: (1, before[1]), 3: (2, before[3])}
    amend(town, resident, {**HOUSEHOLD, ("tv_ten", 2): "Cô Tư", ("tv_qh", 2): "5", ("tv_sinh", 2): "1980"})
    assert sorted(row.member for row in rows(town, code)) == [0, 1, 3, 4]


_people = st.lists(
    st.tuples(
        st.sampled_from(["An", "Bình", "Chi"]),
        st.sampled_from("12"),
        st.sampled_from(["1950", "1990", "2010"]),
    ),
    min_size=1,
    max_size=3,
)


def _family(people: list[tuple[str, str, str]], internet: str) -> dict[Key, str | Missing]:
    answers: dict[Key, str | Missing] = {**HOUSEHOLD, "so_15": str(len(people)), "internet": internet}
    for number, (name, sex, birth) in enumerate(people, 1):
        answers |= {
            ("tv_ten", number): name,
            ("tv_qh", number): "1" if number == 1 else "7",
            ("tv_gioi", number): sex,
            ("tv_sinh", number): birth,
        }
    return answers


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(revisions=st.lists(st.tuples(_people, st.sampled_from("13")), min_size=1, max_size=3))
def test_whatever_is_amended_the_ledger_is_what_a_fresh_count_gives(
    tmp_path_factory: pytest.TempPathFactory, revisions: list[tuple[list[tuple[str, str, str]], str]]
) -> None:
    url = f"sqlite:///{tmp_path_factory.mktemp('amended') / 'h.db'}"
    town = found(url, instruments=("ho_gia_dinh",))
    try:
        code = town.campaign(basis="dieu_19", instrument="ho-gia-dinh-v0")
        first, *later = revisions
        resident = answered(town, code, _family(*first))
        for people, internet in later:
            amend(town, resident, _family(people, internet))
        assert agrees_with_a_fresh_count(town, code)
        current = rows(town, code)
        assert [row.place for row in current] == list(range(len(revisions[-1][0]) + 1))
        assert len({row.pseudonym for row in current}) == len(current)
    finally:
        town.close()


# ── personal invitations ────────────────────────────────────────────────────────────────────────────────────


def both(town: Town) -> tuple[str, str]:
    """A household campaign, and the one its people are invited to."""
    personal = town.campaign(basis="dieu_19", title="Phiếu cá nhân")
    return town.campaign(basis="dieu_19", instrument="ho-gia-dinh-v0"), personal


def codes(messages: list[str]) -> dict[str, str]:
    """Names and codes out of invitations."""
    found = {}
    for text in messages:
        if text.startswith("Lời mời riêng cho "):
            name = text.removeprefix("Lời mời riêng cho ").partition(":")[0]
            found[name] = text.partition("Mã riêng: ")[2].split("\n")[0]
    return found


def test_every_member_who_is_to_answer_gets_a_code_of_their_own_to_pass_on(town: Town) -> None:
    household, _ = both(town)
    messages = received(town, answered(town, household, {**HOUSEHOLD, ("tv_moi", 2): "3"}))
    given = codes(messages)
    assert set(given) == {"Ba", "Lan"}
    assert all(set(code) <= set(ALPHABET + "-") for code in given.values())
    assert "Phiếu cá nhân" in messages[1]
    assert "mã của chính ông/bà" in messages[1]
    assert "Xin chuyển tin này cho Lan" in messages[2]


def test_receipts_and_invitations_of_members_belong_to_the_campaign_whose_staff_see_them(town: Town) -> None:
    code, _ = both(town)
    answered(town, code)

    def look(connection: Connection) -> list[tuple[int | None, bool]]:
        queued = connection.execute(select(rows_out.c.campaign_id, rows_out.c.bulk))
        return [(campaign_id, bulk) for campaign_id, bulk in queued]

    own = town.act("campaign.status", {"campaign": code})["id"]
    told = town.database.read(look)
    # Answers, not bulk: they are sent though the campaign is paused or closed meanwhile.
    assert len(told) == 4 and set(told) == {(own, False)}


def test_without_a_campaign_to_invite_to_nobody_is_asked_and_nothing_is_sent(town: Town) -> None:
    code = town.campaign(basis="dieu_19", instrument="ho-gia-dinh-v0")
    resident = answered(town, code)
    assert codes(received(town, resident)) == {}
    assert "tv_moi" not in rows(town, code)[1].row


def test_what_the_roster_knows_is_not_asked_again(town: Town) -> None:
    household, personal = both(town)
    given = codes(received(town, answered(town, household)))
    lan = Resident(town, "webchat")
    asked = lan.start(given["Lan"].replace("-", ""))
    assert asked is not None
    assert "Trong 7 ngày qua, chị chủ yếu làm gì?" in asked.text
    hidden = open_interview(town, lan).state.hidden
    assert (hidden["gioi_ho_so"], hidden["sinh_ho_so"], hidden["xung_ho"]) == ("2", "05/2004", "chị")
    answer(town, lan, WORKER)
    made = rows(town, personal)
    assert [row.row["_birth"] for row in made] == ["2004-05"]
    assert made[0].household == rows(town, household)[0].pseudonym
    assert agrees_with_a_fresh_count(town, personal)


def test_a_code_can_be_typed_with_slips(town: Town) -> None:
    household, _ = both(town)
    given = codes(received(town, answered(town, household)))
    lan = Resident(town, "webchat")
    lan.start()
    asked = lan.say(given["Lan"].lower().replace("0", "o").replace("1", "l"))
    assert asked is not None
    assert "chủ yếu làm gì" in asked.text


def test_a_code_is_for_one_person_and_leads_them_back(any_town: Town) -> None:
    town = any_town
    household, personal = both(town)
    given = codes(received(town, answered(town, household)))
    lan, other = Resident(town, "webchat"), Resident(town, "webchat")
    lan.start(given["Lan"])
    said = other.start(given["Lan"])
    assert said is not None
    assert "đã được dùng trên một máy khác" in said.text
    lan.say("dừng")
    again = lan.start(given["Lan"])
    assert again is not None
    assert "chủ yếu làm gì" in again.text
    assert town.act("campaign.status", {"campaign": personal})["progress"]["cases"] == 1


def test_several_people_can_answer_on_one_telephone_with_their_own_codes(town: Town) -> None:
    household, personal = both(town)
    phone = answered(town, household)
    for code in codes(received(town, phone)).values():
        phone.start(code)
        answer(town, phone, WORKER)
    assert sorted(row.row["_birth"] for row in rows(town, personal)) == ["1970-03", "1972", "2004-05"]


def test_wrong_codes_are_told_and_after_ten_there_is_a_pause(town: Town) -> None:
    household, _ = both(town)
    right = codes(received(town, answered(town, household)))["Lan"]
    guesser = Resident(town, "webchat")
    guesser.start()
    wrong = right[:-1] + next(letter for letter in "ABC" if letter != right[-1])
    for _ in range(10):
        said = guesser.start(wrong)
        assert said is not None
        assert "không đúng" in said.text
    refused = guesser.start(right)
    assert refused is not None
    assert "thử lại sau một giờ" in refused.text
    town.now += 3_600_001
    asked = guesser.start(right)
    assert asked is not None
    assert "chủ yếu làm gì" in asked.text


def test_the_head_of_the_page_names_the_survey_of_a_personal_code(town: Town) -> None:
    household, _ = both(town)
    given = codes(received(town, answered(town, household)))

    def head(code: str) -> dict[str, str]:
        return town.database.read(lambda c: asking(c, town.keyring, None, code))

    assert (
        head(given["Ba"])["title"] == head(given["Ba"].replace("-", "").lower())["title"] == "Phiếu cá nhân"
    )
    wrong = given["Ba"][:-1] + ("0" if given["Ba"][-1] != "0" else "1")
    assert head(wrong) == {}


def test_who_comes_by_a_code_on_paper_is_no_longer_one_who_was_not_invited(town: Town) -> None:
    place = ("2025-07-01", "26740")
    town.database.write(lambda c: settle(c, area=place, number=1))
    campaign = town.campaign(basis="dong_y", instrument="ho-gia-dinh-v0", mode="census")
    key = town.act("campaign.status", {"campaign": campaign})["id"]

    def outcome() -> str:
        statement = select(cases.c.disposition).where(cases.c.campaign_id == key)
        return str(town.database.read(lambda c: c.execute(statement).scalar_one()))

    case = town.database.read(
        lambda c: c.execute(select(cases.c.id).where(cases.c.campaign_id == key)).scalar_one()
    )
    assert outcome() == "3.10"
    code = town.database.write(lambda c: invitations.code(c, town.keyring, key, case))
    # They read what they are asked to agree to, and go no further.
    Resident(town, "webchat").start(code)
    assert outcome() == "2.20"


def test_a_code_of_another_deployment_leads_nowhere(town: Town) -> None:
    household, _ = both(town)
    case = codes(received(town, answered(town, household)))["Lan"]
    stranger = Resident(town, "webchat")
    for code in ("ZZZZ-0000-0000", f"{case[:5]}0000-0000", "0001-0000-0000"):
        said = stranger.start(code)
        assert said is not None
        assert "không đúng" in said.text


def test_amending_the_roster_sends_new_codes_only_to_new_people(town: Town) -> None:
    household, _ = both(town)
    resident = answered(town, household, {**HOUSEHOLD, "so_15": "2"})
    first = codes(received(town, resident))
    assert set(first) == {"Ba", "Má"}
    amend(town, resident, HOUSEHOLD)
    assert set(codes(received(town, resident))) == {"Lan"}
    amend(town, resident, HOUSEHOLD)
    assert codes(received(town, resident)) == {}


def test_who_is_taken_out_of_the_roster_cannot_begin_but_may_finish(any_town: Town) -> None:
    town = any_town
    household, personal = both(town)
    resident = answered(town, household)
    given = codes(received(town, resident))
    lan = Resident(town, "webchat")
    lan.start(given["Lan"])
    amend(town, resident, {**HOUSEHOLD, "so_15": "1"})
    mother = Resident(town, "webchat")
    said = mother.start(given["Má"])
    assert said is not None
    assert "không còn dùng" in said.text
    lan.say("dừng")
    again = lan.start(given["Lan"])
    assert again is not None
    assert "chủ yếu làm gì" in again.text
    amend(town, resident, HOUSEHOLD)
    assert codes(received(town, resident)) == {"Má": given["Má"]}
    assert town.act("campaign.status", {"campaign": personal})["progress"]["cases"] == 1


def test_a_correction_of_the_roster_reaches_who_has_not_begun(town: Town) -> None:
    household, _ = both(town)
    resident = answered(town, household)
    given = codes(received(town, resident))
    amend(town, resident, {**HOUSEHOLD, ("tv_sinh", 3): "06/2004"})
    lan = Resident(town, "webchat")
    lan.start(given["Lan"])
    assert open_interview(town, lan).state.hidden["sinh_ho_so"] == "06/2004"


def test_at_15_there_is_no_code_and_the_parent_answers_in_the_roster(town: Town) -> None:
    household, _ = both(town)
    year = town.today.year - 15
    child: Answers = {**HOUSEHOLD, ("tv_sinh", 3): f"01/{year}"}
    assert set(codes(received(town, answered(town, household, child)))) == {"Ba", "Má"}
    assert rows(town, household)[3].row["tv_viec"] == "1"


def test_a_campaigns_codes_stay_good_when_the_newest_key_changes(town: Town) -> None:
    household, personal = both(town)
    given = codes(received(town, answered(town, household)))

    def look(connection: Connection) -> dict[str, str]:
        key = campaigns.expect(connection, personal).id
        made = invitations.of_household(connection, town.keyring, 1)
        return {
            one.brought["sinh_ho_so"]: invitations.code(connection, town.keyring, key, one.case_id)
            for one in made.values()
        }

    again = town.database.write(look)
    assert again == {"03/1970": given["Ba"], "1972": given["Má"], "05/2004": given["Lan"]}


# ── forgetting ──────────────────────────────────────────────────────────────────────────────────────────────


def test_names_are_forgotten_everywhere_once_the_campaign_is_closed(any_town: Town) -> None:
    town = any_town
    household, _ = both(town)
    resident = answered(town, household)
    before = rows(town, household)
    assert forget_names(town.database, town.keyring) == 0
    received(town, resident)
    town.act("campaign.close", {"campaign": household})
    assert forget_names(town.database, town.keyring) == 1
    assert forget_names(town.database, town.keyring) == 0

    def look(connection: Connection) -> tuple[State, dict[str, str], list[Any]]:
        key = interviews.newest_submitted(connection, resident.contact_id)
        assert key is not None
        kept = interviews.find(connection, town.keyring, [key])[key]
        private = submissions.private_of(connection, town.keyring, kept.case_id)
        return kept.state, private, interviews.answer_history(connection, town.keyring, key)

    state, private, history = town.database.write(look)
    assert not [ref for ref in state.answers if ref.endswith("tv_ten")]
    assert not [ref for ref in private if ref.endswith(("tv_ten", "danh_sach"))]
    assert not [line for line in history if line[0].endswith("tv_ten")]
    assert state.answers["/data/thanh_vien[3]/tv_sinh"] == "05/2004"
    assert [row.row for row in rows(town, household)] == [row.row for row in before]
    assert agrees_with_a_fresh_count(town, household)


def test_a_campaign_that_keeps_no_names_is_only_noted(town: Town) -> None:
    code = town.campaign(basis="dieu_19")
    resident = answered(town, code, WORKER)
    town.act("campaign.close", {"campaign": code})
    assert forget_names(town.database, town.keyring) == 1
    assert forget_names(town.database, town.keyring) == 0
    assert resident.start(code) is not None
