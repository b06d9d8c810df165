"""The household form: who is asked what, which rules hold, and what a household and its people count for."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from surveys.counts import by_name, countable, entries, members_of
from surveys.forms import ASKED, Kind, Repeat
from surveys.instruments import Unit, Way, screen_out
from surveys.interview import (
    Add,
    Answer,
    Ask,
    Confirm,
    Confirming,
    Remove,
    Review,
    prompt,
    result,
    step,
)
from surveys.population import Birth, Sex, in_working_age
from tests.shipped import CONTEXT, Given, Held, Key, hold, shipped

INSTRUMENT, FORM = shipped("ho_gia_dinh")
REFERENCE = date(2026, 3, 1)
CAMPAIGN = {
    "ten_chien_dich": "Khảo sát 2026",
    "ten_xa": "Phường Sài Gòn",
    "xa_moi": "26740",
    "ref_date": "2026-03-01",
    "cach_tra_loi": "self",
}
HOME: dict[Key, str] = {
    "vai_tro": "1",
    "dung_dia_ban": "1",
    "khu_pho": "5",
    "cu_tru": "1",
    "loai_ho": "1",
    "so_nk": "4",
    "so_15": "3",
    "internet": "1",
    "thiet_bi": "1 3",
    "gio_nhac": "2",
    "sdt": "0912345678",
    "xac_nhan": "1",
}
SOMEBODY: dict[Key, str] = {
    "tv_hoc_van": "4",
    "tv_biet_chu": "1",
    "tv_cmkt": "0",
    "tv_viec": "1",
    "tv_moi": "1",
}
FAMILY: dict[Key, str] = {
    **HOME,
    **SOMEBODY,
    ("tv_ten", 1): "Ba",
    ("tv_qh", 1): "1",
    ("tv_gioi", 1): "1",
    ("tv_sinh", 1): "03/1970",
    ("tv_ten", 2): "Má",
    ("tv_qh", 2): "2",
    ("tv_gioi", 2): "2",
    ("tv_sinh", 2): "1972",
    ("tv_ten", 3): "Lan",
    ("tv_qh", 3): "3",
    ("tv_gioi", 3): "2",
    ("tv_sinh", 3): "05/2004",
}
"""A couple and their grown-up daughter, and a child too young for the roster."""
MEMBER = [
    "tv_ten",
    "tv_qh",
    "tv_gioi",
    "tv_sinh",
    "tv_hoc_van",
    "tv_biet_chu",
    "tv_cmkt",
    "tv_viec",
    "tv_moi",
]
CHECKS = {"so_15_xn", "tv_tuoi_xn", "tv_cmkt_xn", "tv_hv_xn"}


def household(changes: Given | None = None, hidden: dict[str, str] | None = None) -> Held:
    return hold(FORM, {**FAMILY, **(changes or {})}, {**CAMPAIGN, **(hidden or {})})


def counted(held: Held) -> list[tuple[str, str, str, str]]:
    """What the submission counts for: unit, way, item, outcome."""
    outcome = result(FORM, held.state, CONTEXT)
    return [
        (entry.unit, entry.way, entry.item, entry.outcome)
        for entry in entries(
            INSTRUMENT,
            by_name(outcome.values, outcome.missing),
            area="26740",
            way=Way.SELF,
            on=REFERENCE,
            members=members_of(INSTRUMENT, outcome.values, outcome.missing).values(),
        )
    ]


# What is asked


def test_there_are_13_questions_on_the_household_and_9_on_each_member() -> None:
    repeat = next(item for item in FORM.form.items() if isinstance(item, Repeat))
    every = [question for question in FORM.form.questions() if question.kind in ASKED]
    of_members = [one.name for one in every if one.ref.startswith(f"{repeat.ref}/")]
    of_household = [one.name for one in every if one.name not in of_members]
    assert [name for name in of_members if name not in CHECKS | {"tv_giam_ho"}] == MEMBER
    assert [name for name in of_household if name not in CHECKS] == [
        "vai_tro", "dung_dia_ban", "ma_xa", "khu_pho", "cu_tru", "loai_ho", "so_nk", "so_15", "internet",
        "thiet_bi", "gio_nhac", "sdt", "xac_nhan",
    ]  # fmt: skip


def test_the_roster_is_as_long_as_the_answer_that_says_so() -> None:
    repeat = next(item for item in FORM.form.items() if isinstance(item, Repeat))
    assert repeat.governed_by == "/data/phan_2/so_15"
    assert [member for member in range(1, 5) if household().of(member)] == [1, 2, 3]


def test_a_usual_member_is_asked_eight_questions_by_name() -> None:
    held = household()
    assert held.of(1) == [name for name in MEMBER if name != "tv_biet_chu"]
    assert isinstance(held.last, Review)
    state = hold(FORM, {**FAMILY, ("tv_qh", 3): "9"}, CAMPAIGN).state
    now = prompt(FORM, state, CONTEXT)
    assert isinstance(now, Ask)
    assert now.label == "Lan có quan hệ thế nào với chủ hộ?"


@pytest.mark.parametrize(("school", "asked"), [("0", True), ("1", True), ("2", False), ("4", False)])
def test_literacy_is_asked_only_below_primary_school(school: str, asked: bool) -> None:
    assert ("tv_biet_chu" in household({("tv_hoc_van", 2): school}).of(2)) == asked


def test_the_ward_is_asked_only_where_the_link_does_not_say_it() -> None:
    assert "ma_xa" not in household().of_all
    elsewhere = household({"dung_dia_ban": "2", "ma_xa": "26743"})
    assert elsewhere.of_all[:3] == ["vai_tro", "dung_dia_ban", "ma_xa"]
    openly = household({"ma_xa": "26743"}, {"xa_moi": ""})
    assert openly.of_all[:2] == ["vai_tro", "ma_xa"]


@pytest.mark.parametrize(
    ("changes", "area"),
    [({}, "26740"), ({"dung_dia_ban": "2", "ma_xa": "26743"}, "26743")],
)
def test_a_household_counts_where_it_says_it_lives(changes: Given, area: str) -> None:
    values = result(FORM, household(changes).state, CONTEXT).values
    assert values["/data/phan_1/xa_chot"] == area


def test_reminders_and_telephone_are_asked_only_of_those_who_agreed_to_be_contacted() -> None:
    assert not {"gio_nhac", "sdt"} & set(household().of_all)
    assert {"gio_nhac", "sdt"} <= set(household(hidden={"dy_lien_he_lai": "1"}).of_all)


def test_nobody_is_offered_an_invitation_where_there_is_nothing_to_invite_to() -> None:
    assert "tv_moi" not in household(hidden={"mo_dun_ca_nhan": "0"}).of(1)


@pytest.mark.parametrize(
    ("changes", "last", "why", "disposition"),
    [
        ({"vai_tro": "4"}, "vai_tro", "khong_thuoc_ho", "2.3"),
        ({"cu_tru": "2"}, "cu_tru", "khong_cu_tru", "4.62"),
        ({"loai_ho": "4"}, "loai_ho", "nha_tap_the", "4.53"),
    ],
)
def test_who_is_not_to_be_asked_is_thanked_and_counts_for_nothing(
    changes: Given, last: str, why: str, disposition: str
) -> None:
    held = household(changes)
    assert (held.asked[-1], "Xin cảm ơn" in held.said) == (last, True)
    outcome = result(FORM, held.state, CONTEXT)
    found = screen_out(INSTRUMENT, by_name(outcome.values, outcome.missing))
    assert found is not None
    assert (found.name, found.disposition) == (why, disposition)
    assert counted(held) == []


# Rules


@pytest.mark.parametrize(
    ("changes", "stopped"),
    [
        ({"so_nk": "0"}, "so_nk"),
        ({"so_nk": "31"}, "so_nk"),
        ({"loai_ho": "2", "so_nk": "2"}, "so_nk"),
        ({"so_15": "5"}, "so_15"),
        ({"thiet_bi": "0 1"}, "thiet_bi"),
        ({("tv_ten", 1): "Một cái tên dài quá hai mươi"}, ("tv_ten", 1)),
        ({("tv_qh", 2): "1"}, ("tv_qh", 2)),
        ({("tv_sinh", 3): "04/2011"}, ("tv_sinh", 3)),
        ({("tv_sinh", 3): "1904"}, ("tv_sinh", 3)),
        ({("tv_sinh", 3): "13/1990"}, ("tv_sinh", 3)),
        ({("tv_qh", 1): "5"}, "xac_nhan"),
    ],
)
def test_what_cannot_be_is_refused_with_a_word_of_help(changes: Given, stopped: Key) -> None:
    held = household(changes)
    assert held.refusal is not None
    assert held.asked[-1] == stopped
    assert held.said.endswith(".")


@pytest.mark.parametrize("number", ["123456789", "1912345678", "09123456789", "0912 345 678"])
def test_a_telephone_number_has_ten_digits(number: str) -> None:
    held = household({"sdt": number}, {"dy_lien_he_lai": "1"})
    assert (held.asked[-1], held.refusal is not None) == ("sdt", True)


def test_the_youngest_who_are_listed_are_just_15() -> None:
    assert isinstance(household({("tv_sinh", 3): "03/2011"}).last, Review)


@pytest.mark.parametrize(
    ("changes", "check"),
    [
        ({("tv_sinh", 3): "05/1981"}, ("tv_tuoi_xn", 3)),
        ({("tv_qh", 3): "4", ("tv_sinh", 3): "05/1959"}, ("tv_tuoi_xn", 3)),
        ({("tv_cmkt", 3): "6", ("tv_sinh", 3): "04/2006"}, ("tv_cmkt_xn", 3)),
        ({("tv_cmkt", 3): "7", ("tv_sinh", 3): "04/2004"}, ("tv_cmkt_xn", 3)),
        ({("tv_cmkt", 3): "8", ("tv_sinh", 3): "04/2001"}, ("tv_cmkt_xn", 3)),
        ({("tv_cmkt", 2): "6", ("tv_hoc_van", 2): "3"}, ("tv_hv_xn", 2)),
        ({"so_15": "0"}, "so_15_xn"),
    ],
)
def test_what_is_unusual_is_asked_about_and_can_be_confirmed(changes: Given, check: Key) -> None:
    name = check[0] if isinstance(check, tuple) else check
    confirmed = household({**changes, name: "1"})
    assert check in confirmed.asked
    assert isinstance(confirmed.last, Review)
    denied = household({**changes, name: "2"})
    assert (denied.asked[-1], denied.refusal is not None) == (check, True)


@pytest.mark.parametrize(
    "changes",
    [
        {("tv_sinh", 3): "03/1982"},
        {("tv_cmkt", 3): "6", ("tv_sinh", 3): "03/2006"},
        {("tv_cmkt", 3): "5", ("tv_sinh", 3): "03/2008"},
        {("tv_cmkt", 3): "41", ("tv_hoc_van", 3): "3"},
        {("tv_qh", 3): "5", ("tv_sinh", 3): "05/1971"},
    ],
)
def test_what_is_usual_is_not_asked_about(changes: Given) -> None:
    assert not CHECKS & {key[0] if isinstance(key, tuple) else key for key in household(changes).asked}


def test_a_check_is_gone_once_the_answers_agree() -> None:
    held = household({("tv_sinh", 3): "05/1981", "tv_tuoi_xn": "2"})
    mended = step(FORM, held.state, Answer("/data/thanh_vien[3]/tv_sinh", "05/2004"), CONTEXT)
    now = prompt(FORM, mended.state, CONTEXT)
    assert isinstance(now, Ask)
    assert now.ref == "/data/thanh_vien[3]/tv_hoc_van"


# Children


def test_at_15_the_heads_child_is_answered_for_by_a_parent_and_not_invited() -> None:
    held = household({("tv_sinh", 3): "04/2010"})
    assert held.of(3) == ["tv_ten", "tv_qh", "tv_gioi", "tv_sinh", "tv_hoc_van", "tv_cmkt", "tv_viec"]


@pytest.mark.parametrize("changes", [{("tv_qh", 3): "6"}, {"vai_tro": "3"}])
def test_at_15_anybody_elses_child_is_told_about_by_a_parent_or_guardian_alone(changes: Given) -> None:
    child: Given = {**changes, ("tv_sinh", 3): "04/2010"}
    assert household({**child, "tv_giam_ho": "1"}).of(3) == [
        "tv_ten", "tv_qh", "tv_gioi", "tv_sinh", "tv_giam_ho", "tv_hoc_van", "tv_cmkt", "tv_viec",
    ]  # fmt: skip
    stranger = household({**child, "tv_giam_ho": "2"})
    assert stranger.of(3) == ["tv_ten", "tv_qh", "tv_gioi", "tv_sinh", "tv_giam_ho"]
    assert isinstance(stranger.last, Review)


def test_at_16_a_person_can_be_invited() -> None:
    assert "tv_moi" in household({("tv_sinh", 3): "03/2010"}).of(3)


@settings(max_examples=40, deadline=None)
@given(
    year=st.integers(1955, 1975),
    month=st.integers(1, 12),
    sex=st.sampled_from(["1", "2"]),
    on=st.dates(date(2025, 7, 1), date(2036, 12, 31)),
)
def test_who_is_invited_is_of_working_age_by_the_month_of_retirement(
    year: int, month: int, sex: str, on: date
) -> None:
    alone: Given = {
        **FAMILY, "loai_ho": "2", "so_nk": "1", "so_15": "1",
        ("tv_sinh", 1): f"{month:02d}/{year}", ("tv_gioi", 1): sex,
    }  # fmt: skip
    held = hold(FORM, alone, {**CAMPAIGN, "ref_date": on.isoformat()})
    expected = in_working_age(Birth(year, month), Sex.MALE if sex == "1" else Sex.FEMALE, on)
    assert ("tv_moi" in held.of(1)) == expected


# The roster in a chat


def test_the_roster_is_read_out_and_confirmed_at_the_end() -> None:
    held = household({"xac_nhan": "2"})
    assert (held.asked[-1], held.refusal is not None) == ("xac_nhan", True)
    now = prompt(FORM, held.state, CONTEXT)
    assert isinstance(now, Ask)
    assert now.label == "Danh sách 3 người từ đủ 15 tuổi: Ba, Má, Lan. Đã đúng và đủ chưa?"


def test_taking_out_the_second_of_three_leaves_the_first_and_the_third() -> None:
    held = household()
    asked = step(FORM, held.state, Remove("/data/thanh_vien[2]"), CONTEXT)
    assert isinstance(prompt(FORM, asked.state, CONTEXT), Confirming)
    done = step(FORM, asked.state, Confirm(True), CONTEXT)
    values = result(FORM, done.state, CONTEXT).values
    assert values["/data/phan_2/so_15"] == "2"
    assert [values[f"/data/thanh_vien[{at}]/tv_ten"] for at in (1, 2)] == ["Ba", "Lan"]
    assert values["/data/danh_sach"] == "Ba, Lan"


@pytest.mark.parametrize(
    "change",
    [Answer("/data/thanh_vien[2]/tv_ten", "Dì Hai"), Remove("/data/thanh_vien[2]", sure=True)],
    ids=["another name", "somebody taken out"],
)
def test_another_roster_has_to_be_confirmed_anew(change: Answer | Remove) -> None:
    changed = step(FORM, household().state, change, CONTEXT)
    now = prompt(FORM, changed.state, CONTEXT)
    assert isinstance(now, Ask)
    assert now.ref == "/data/xac_nhan"
    again = hold(FORM, FAMILY, CAMPAIGN, changed.state)
    assert (again.asked, isinstance(again.last, Review)) == (["xac_nhan"], True)


def test_adding_somebody_asks_about_them_next() -> None:
    asked = step(FORM, household().state, Add("/data/thanh_vien"), CONTEXT)
    done = step(FORM, asked.state, Confirm(True), CONTEXT)
    now = prompt(FORM, done.state, CONTEXT)
    assert isinstance(now, Ask)
    assert (now.ref, now.label) == ("/data/thanh_vien[4]/tv_ten", "Tên gọi của người thứ 4?")


def test_more_people_than_the_household_has_are_refused_with_what_to_change_first() -> None:
    state = household({"so_nk": "3"}).state
    asked = step(FORM, state, Add("/data/thanh_vien"), CONTEXT)
    done = step(FORM, asked.state, Confirm(True), CONTEXT)
    assert done.refusal is not None
    assert "số người của hộ" in (done.refusal.text or "")


# Counting


def test_a_household_counts_once_and_each_of_its_people_once() -> None:
    found = counted(household())
    assert [outcome for unit, _, item, outcome in found if item == "internet"] == ["1"]
    assert [outcome for _, _, item, outcome in found if item == "tv_cmkt"] == ["0", "0", "0"]
    assert {(unit, item) for unit, _, item, _ in found} == {
        *(("household", item) for item in ("loai_ho", "internet", "thiet_bi", "ho_co_internet")),
        *(
            ("person", item)
            for item in countable(INSTRUMENT)
            if item.startswith(("tv_", "cm", "dai", "biet"))
        ),
    }
    assert {item for _, _, item, _ in found} == set(countable(INSTRUMENT))


@pytest.mark.parametrize(
    ("changes", "ways"),
    [
        ({}, ["self", "proxy", "proxy"]),
        ({"vai_tro": "2"}, ["proxy", "self", "proxy"]),
        ({"vai_tro": "3"}, ["proxy", "proxy", "proxy"]),
    ],
)
def test_only_who_answers_answered_for_themselves(changes: Given, ways: list[str]) -> None:
    assert [way for _, way, item, _ in counted(household(changes)) if item == "tv_viec"] == ways


def test_what_an_officer_typed_for_the_informant_is_assisted() -> None:
    found = counted(household(hidden={"cach_tra_loi": "assisted"}))
    assert [way for _, way, item, _ in found if item == "tv_viec"] == ["assisted", "proxy", "proxy"]


@pytest.mark.parametrize(
    ("changes", "item", "outcome"),
    [
        ({("tv_hoc_van", 2): "2"}, "biet_chu", "yes"),
        ({("tv_hoc_van", 2): "1", ("tv_biet_chu", 2): "1"}, "biet_chu", "yes"),
        ({("tv_hoc_van", 2): "0", ("tv_biet_chu", 2): "2"}, "biet_chu", "no"),
        ({("tv_hoc_van", 2): "1", ("tv_biet_chu", 2): "1"}, "biet_chu_muc_2", "no"),
        ({("tv_sinh", 2): "02/1965"}, "biet_chu_15_60", "not_applicable"),
        ({("tv_sinh", 2): "03/1965"}, "biet_chu_15_60", "not_applicable"),
        ({("tv_sinh", 2): "04/1965"}, "biet_chu_15_60", "yes"),
        ({("tv_cmkt", 2): "41"}, "cmkt_certified", "yes"),
        ({("tv_cmkt", 2): "2"}, "cmkt_certified", "no"),
        ({("tv_cmkt", 2): "5"}, "dai_hoc", "no"),
    ],
)
def test_indicators_of_people_follow_the_roster(changes: Given, item: str, outcome: str) -> None:
    found = [found for _, _, name, found in counted(household(changes)) if name == item]
    assert found[1] == outcome


@pytest.mark.parametrize(("internet", "outcome"), [("1", "yes"), ("2", "yes"), ("3", "no")])
def test_a_household_has_the_internet_by_cable_or_by_telephone(internet: str, outcome: str) -> None:
    assert ("household", "self", "ho_co_internet", outcome) in counted(household({"internet": internet}))


def test_names_and_numbers_are_never_counted_or_coded() -> None:
    assert INSTRUMENT.private == {"tv_ten", "danh_sach", "sdt"}
    assert INSTRUMENT.about_others
    assert [part.unit for part in INSTRUMENT.parts] == [Unit.HOUSEHOLD, Unit.PERSON]
    texts = {one.name for one in FORM.form.questions() if one.kind is Kind.TEXT}
    assert texts - {"tv_sinh"} <= INSTRUMENT.private
