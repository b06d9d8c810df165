"""The shipped questionnaires: their files, their words, and how they go when they are answered."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta, timezone
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
import pyxform
import yaml
from openpyxl import load_workbook

from bot.authoring.convert import convert
from bot.authoring.library import FORMS, VI, Workform, workbook
from bot.texts import LANGUAGES, has
from surveys.counts import countable, entries
from surveys.forms import ASKED, Form, Kind, Missing, Question
from surveys.indicators import Verdict
from surveys.instruments import Instrument, Way, offers, read_instrument, screen_out
from surveys.interview import (
    Answer,
    Ask,
    Context,
    Leave,
    Questionnaire,
    Review,
    State,
    Typed,
    prompt,
    result,
    step,
)
from surveys.population import AgeBand, Denominator, Sex, WorkingAgeRule
from surveys.xform import read_form

LIBRARY = Path(__file__).parents[2] / "surveys" / "library"
NAMES = [form.id for form in FORMS]
EN = "English (en)"

CONTEXT = Context(
    now=datetime(2026, 6, 1, 9, tzinfo=timezone(timedelta(hours=7))),
    language="vi",
    match=lambda pattern, text: re.fullmatch(pattern, text) is not None,
    rng=lambda: 0.5,
)
CAMPAIGN = {
    "ten_chien_dich": "Khảo sát 2026",
    "co_quan": "UBND phường Hòa Bình",
    "ten_xa": "phường Hòa Bình",
    "ma_xa": "26740",
    "ref_date": "2026-03-01",
    "cach_tra_loi": "self",
}

# Every question of the worker form in its order: type, codes.
WORKER_QUESTIONS = {
    "gioi": ("select_one", "1 2"),
    "sinh": ("text", ""),
    "viec_lam": ("select_one", "1 2 3 4 5 6 7 8 9"),
    "hoc_van": ("select_one", "0 1 2 3 4"),
    "cmkt": ("select_one", "0 2 3 4 41 5 6 7 8"),
    "tay_nghe": ("select_one", "1 2"),
    "linh_vuc": ("select_one", "14 34 38 48 52 62 72 81 22 90"),
    "dao_tao_12t": ("select_multiple", "1 2 3 4 0"),
    "nhu_cau": ("select_multiple", "1 2 3 4 5 6 7 8 0"),
    **dict.fromkeys(
        ("il_nhu_cau", "il_tim", "il_danh_gia", "il_su_dung", "il_an_toan"), ("select_one", "0 1 2 3")
    ),
    **dict.fromkeys(
        (
            "ls_quyet_dinh",
            "ls_giai_quyet",
            "ls_sang_tao",
            "ls_phan_bien",
            "ls_giao_tiep",
            "ls_quan_he",
            "ls_tu_nhan",
            "ls_thau_cam",
            "ls_cam_xuc",
            "ls_ap_luc",
        ),
        ("select_one", "0 1 2 3"),
    ),
}
CHECK = "cmkt_xac_nhan"
"""The question that asks again; not one of the 24."""

NUMBERED = {
    "viec_lam",
    "cmkt",
    "linh_vuc",
    "dao_tao_12t",
    "nhu_cau",
    "tv_viec",
    "tv_cmkt",
    "ma_xa",
    "nhom",
    *(name for name in WORKER_QUESTIONS if name.startswith("il_")),
}
"""Questions whose choices are too long for buttons: they are numbered in the message."""

USUAL = {
    "gioi": "2",
    "sinh": "05/1990",
    "viec_lam": "1",
    "hoc_van": "4",
    "cmkt": "6",
    "tay_nghe": "2",
    "linh_vuc": "14",
    "dao_tao_12t": "1 2",
    "nhu_cau": "2 7",
    **{name: "2" for name in WORKER_QUESTIONS if name.startswith(("il_", "ls_"))},
}


@pytest.fixture(scope="module")
def xforms() -> Mapping[str, str]:
    """The XForm of every shipped workbook; converting warns of nothing."""
    made = {}
    for name in NAMES:
        converted = convert(LIBRARY / name / "form.xlsx")
        assert (converted.errors, converted.warnings) == ((), ())
        made[name] = converted.xform
    return made


@pytest.fixture(scope="module")
def forms(xforms: Mapping[str, str]) -> Mapping[str, Form]:
    made = {}
    for name, xform in xforms.items():
        loaded = read_form(xform, {})
        assert loaded.errors == ()
        assert loaded.form is not None
        made[name] = loaded.form
    return made


@pytest.fixture(scope="module")
def instruments(forms: Mapping[str, Form]) -> Mapping[str, Instrument]:
    return {
        name: read_instrument(
            yaml.safe_load((LIBRARY / name / "instrument.yaml").read_text(encoding="utf-8")), form
        )
        for name, form in forms.items()
    }


@pytest.fixture(scope="module")
def worker(forms: Mapping[str, Form], instruments: Mapping[str, Instrument]) -> Questionnaire:
    form = forms["nguoi_lao_dong"]
    return Questionnaire(form, offers(instruments["nguoi_lao_dong"], form))


@pytest.fixture(scope="module")
def consent(forms: Mapping[str, Form], instruments: Mapping[str, Instrument]) -> Questionnaire:
    return Questionnaire(forms["dong_y"], offers(instruments["dong_y"], forms["dong_y"]))


def questions(form: Form) -> dict[str, Question]:
    return {question.name: question for question in form.questions()}


def words(template: tuple[Any, ...]) -> str:
    return "".join(part if isinstance(part, str) else "…" for part in template)


def interview(
    questionnaire: Questionnaire,
    answers: Mapping[str, str | Missing],
    hidden: Mapping[str, str] = CAMPAIGN,
) -> tuple[list[str], State, str]:
    """Answer whatever is asked until it ends or a reply is refused: names asked, state, what stopped it."""
    state, asked = State(hidden=hidden), list[str]()
    for _ in range(60):
        now = prompt(questionnaire, state, CONTEXT)
        if not isinstance(now, Ask):
            return (
                asked,
                state,
                " ".join(passage.text for passage in now.before) if isinstance(now, Review) else "",
            )
        name = now.ref.rpartition("/")[2]
        asked.append(name)
        reply = answers[name]
        event = Leave(now.ref, reply) if isinstance(reply, Missing) else Answer(now.ref, reply)
        done = step(questionnaire, state, event, CONTEXT)
        if done.refusal is not None:
            return asked, done.state, done.refusal.text or done.refusal.key
        state = done.state
    raise AssertionError("an interview of more than 60 questions")


def answers_of(questionnaire: Questionnaire, state: State) -> dict[str, str | Missing]:
    found = result(questionnaire, state, CONTEXT)
    return {ref.rpartition("/")[2]: value for ref, value in (*found.values.items(), *found.missing.items())}


# Files


def cell_values(data: bytes) -> dict[str, list[tuple[object, ...]]]:
    book = load_workbook(BytesIO(data), read_only=True)
    return {sheet.title: list(sheet.iter_rows(values_only=True)) for sheet in book.worksheets}


@pytest.mark.parametrize("form", FORMS, ids=NAMES)
def test_every_committed_workbook_is_what_its_table_says(form: Workform) -> None:
    committed = (LIBRARY / form.id / "form.xlsx").read_bytes()
    assert cell_values(committed) == cell_values(workbook(form))


@pytest.mark.parametrize("form", FORMS, ids=NAMES)
def test_the_same_table_gives_the_same_file(form: Workform) -> None:
    assert workbook(form) == workbook(form)


def test_the_readme_names_every_hidden_field_of_the_shipped_forms(forms: Mapping[str, Form]) -> None:
    readme = (LIBRARY / "README.md").read_text(encoding="utf-8")
    declared = {q.name for form in forms.values() for q in form.questions() if q.kind is Kind.HIDDEN}
    assert sorted(name for name in declared if f"`{name}`" not in readme) == []


@pytest.mark.parametrize("name", NAMES)
def test_odk_validate_accepts_the_form(name: str, xforms: Mapping[str, str], tmp_path: Path) -> None:
    java = shutil.which("java")
    if java is None:
        pytest.skip("ODK Validate needs Java")
    jar = Path(pyxform.__file__).parent / "validators" / "odk_validate" / "bin" / "ODK_Validate.jar"
    path = tmp_path / "form.xml"
    path.write_text(xforms[name], encoding="utf-8")
    said = subprocess.run([java, "-jar", jar, path], capture_output=True, text=True, timeout=120, check=False)
    assert said.returncode == 0, said.stderr


@pytest.mark.parametrize("name", NAMES)
def test_form_and_instrument_belong_together(name: str, instruments: Mapping[str, Instrument]) -> None:
    assert instruments[name].form == name


# Words


@pytest.mark.parametrize("name", NAMES)
def test_every_text_is_there_in_both_languages(name: str, forms: Mapping[str, Form]) -> None:
    form = forms[name]
    assert (form.languages, form.default_language) == ((VI, EN), VI)
    texts = [
        text
        for question in form.questions()
        for text in (question.label, question.hint, question.constraint_message)
        if text
    ] + [choice.label for question in form.questions() for choice in question.choices]
    for text in texts:
        for language in (VI, EN):
            assert words(text.by_language[language]).strip() not in ("", "-")


@pytest.mark.parametrize("name", NAMES)
def test_every_label_and_message_is_short(name: str, forms: Mapping[str, Form]) -> None:
    long = [
        (question.name, language)
        for question in forms[name].questions()
        for text in (question.label, question.hint, question.constraint_message)
        for language, template in text.by_language.items()
        if len(words(template)) > 200
    ]
    assert long == []


@pytest.mark.parametrize("name", NAMES)
def test_choices_that_become_buttons_have_at_most_24_characters(name: str, forms: Mapping[str, Form]) -> None:
    long = [
        words(template)
        for question in forms[name].questions()
        if question.name not in NUMBERED
        for choice in question.choices
        for template in choice.label.by_language.values()
        if len(words(template)) > 24
    ]
    assert long == []


@pytest.mark.parametrize("name", NAMES)
def test_dont_know_and_prefer_not_are_never_choices(name: str, forms: Mapping[str, Form]) -> None:
    for question in forms[name].questions():
        assert not {"98", "99"} & {choice.name for choice in question.choices}


def names_in_the_catalogue(instruments: Mapping[str, Instrument]) -> Iterator[str]:
    for instrument in instruments.values():
        yield from (f"indicator.{each.name}" for each in instrument.every_indicator)
        yield from (f"screen_out.{each.name}" for each in instrument.screen_outs)
    yield from (f"denominator.{each}" for each in (*Denominator, "asked", "households_asked"))
    yield from (f"age_band.{each}" for each in AgeBand)
    yield from (f"sex.{each}" for each in (*Sex, "unknown"))
    yield from (f"way.{each}" for each in Way)
    yield from (f"outcome.{each}" for each in (*Verdict, "98", "99", "blank", "not_asked", "answered"))
    yield from (f"working_age_rule.{each}" for each in WorkingAgeRule)


def test_everything_a_table_names_has_words(instruments: Mapping[str, Instrument]) -> None:
    assert LANGUAGES == ("vi", "en")
    assert [key for key in names_in_the_catalogue(instruments) if not has(key)] == []


# The worker form


def test_the_worker_form_asks_24_questions_with_their_codes_and_one_check(forms: Mapping[str, Form]) -> None:
    asked = {
        question.name: (question.kind.value, " ".join(choice.name for choice in question.choices))
        for question in forms["nguoi_lao_dong"].questions()
        if question.kind in ASKED
    }
    assert asked.pop(CHECK) == ("select_one", "1 2")
    assert asked == WORKER_QUESTIONS
    assert list(asked) == list(WORKER_QUESTIONS)
    assert len(asked) == 24


def test_everything_but_the_persons_birth_can_be_left_unanswered(
    worker: Questionnaire,
) -> None:
    for name in WORKER_QUESTIONS:
        given = worker.offers[name]
        assert given.dont_know == (name not in ("gioi", "sinh"))
        assert given.prefer_not == (name != "sinh")
    assert not (worker.offers[CHECK].dont_know or worker.offers[CHECK].prefer_not)


def test_a_field_of_training_stands_for_official_fields(forms: Mapping[str, Form]) -> None:
    official = {
        choice.name: choice.columns["ma_cap_2"]
        for choice in questions(forms["nguoi_lao_dong"])["linh_vuc"].choices
    }
    assert official["52"] == "51 52 54 58"
    assert all(code in official[code].split() for code in official)
    every = [field for fields in official.values() for field in fields.split()]
    assert len(every) == len(set(every))


def test_a_person_with_a_certificate_is_asked_its_field_and_23_questions(worker: Questionnaire) -> None:
    asked, state, _ = interview(worker, USUAL)
    assert asked == [name for name in WORKER_QUESTIONS if name != "tay_nghe"]
    assert len(asked) == 23
    assert answers_of(worker, state)["tuoi"] == "35"


@pytest.mark.parametrize("cmkt", ["0", "2"])
def test_a_person_without_one_is_asked_for_a_trade_instead(worker: Questionnaire, cmkt: str) -> None:
    asked, _, _ = interview(worker, {**USUAL, "cmkt": cmkt})
    assert asked == [name for name in WORKER_QUESTIONS if name != "linh_vuc"]


@pytest.mark.parametrize("state", [Missing.DONT_KNOW, Missing.PREFER_NOT])
def test_who_does_not_say_the_certificate_is_asked_neither(worker: Questionnaire, state: Missing) -> None:
    asked, _, _ = interview(worker, {**USUAL, "cmkt": state})
    assert asked == [name for name in WORKER_QUESTIONS if name not in ("tay_nghe", "linh_vuc")]


def test_sex_and_birth_from_the_roster_are_not_asked_again(worker: Questionnaire) -> None:
    asked, state, _ = interview(worker, USUAL, {**CAMPAIGN, "gioi_ho_so": "1", "sinh_ho_so": "1970"})
    assert asked[0] == "viec_lam"
    assert len(asked) == 21
    found = answers_of(worker, state)
    assert (found["gioi_chot"], found["sinh_chot"], found["tuoi"]) == ("1", "1970", "56")
    assert not {"gioi", "sinh"} & found.keys()


@pytest.mark.parametrize(
    ("birth", "why", "said"),
    [
        ("04/2011", "duoi_15", "từ đủ 15 tuổi"),
        ("2012", "duoi_15", "từ đủ 15 tuổi"),
        ("03/2011", "du_15", "cha, mẹ"),
    ],
)
def test_a_child_is_asked_nothing_after_birth_and_told_why(
    worker: Questionnaire, instruments: Mapping[str, Instrument], birth: str, why: str, said: str
) -> None:
    asked, state, closing = interview(worker, {**USUAL, "sinh": birth})
    assert asked == ["gioi", "sinh"]
    assert said in closing
    found = screen_out(instruments["nguoi_lao_dong"], answers_of(worker, state))
    assert found is not None
    assert found.name == why


def test_a_child_known_from_the_roster_is_asked_nothing_at_all(worker: Questionnaire) -> None:
    asked, _, closing = interview(worker, USUAL, {**CAMPAIGN, "gioi_ho_so": "1", "sinh_ho_so": "2014"})
    assert asked == []
    assert "từ đủ 15 tuổi" in closing


def test_at_15_a_parent_answers_but_not_for_what_only_the_child_knows(worker: Questionnaire) -> None:
    asked, _, _ = interview(worker, {**USUAL, "sinh": "03/2011"}, {**CAMPAIGN, "cach_tra_loi": "proxy"})
    assert asked == [
        name for name in WORKER_QUESTIONS if not name.startswith(("il_", "ls_")) and name != "tay_nghe"
    ]


def test_at_16_a_person_answers_alone(worker: Questionnaire) -> None:
    asked, _, _ = interview(worker, {**USUAL, "sinh": "03/2010"})
    assert len(asked) == 23


@pytest.mark.parametrize("birth", ["3/1985", "03/1985", "1985", "1905", "03/2026", "2026"])
def test_a_birth_is_a_month_and_year_or_a_year(worker: Questionnaire, birth: str) -> None:
    _, state, stopped = interview(worker, {**USUAL, "sinh": birth})
    assert "Ghi tháng/năm" not in stopped
    assert answers_of(worker, state)["sinh"] == birth


@pytest.mark.parametrize(
    "birth", ["13/1985", "0/1985", "1904", "04/2026", "2027", "1/2/1985", "85", "năm 1985"]
)
def test_any_other_birth_is_refused_with_an_example(worker: Questionnaire, birth: str) -> None:
    asked, _, stopped = interview(worker, {**USUAL, "sinh": birth})
    assert (asked[-1], "03/1985" in stopped) == ("sinh", True)


def test_without_a_campaign_the_reference_date_is_today(worker: Questionnaire) -> None:
    _, state, _ = interview(worker, {**USUAL, "sinh": "06/1990"}, {})
    assert answers_of(worker, state)["tuoi"] == "36"


def test_a_short_typed_birth_is_understood(worker: Questionnaire) -> None:
    done = step(worker, State({"/data/phan_1/gioi": "1"}, hidden=CAMPAIGN), Typed("3/85"), CONTEXT)
    assert [change.value for change in done.changes] == ["03/1985"]


@pytest.mark.parametrize("degree", ["6", "7", "8"])
def test_a_degree_without_upper_secondary_school_is_asked_about_and_can_be_confirmed(
    worker: Questionnaire, degree: str
) -> None:
    unusual = {**USUAL, "hoc_van": "3", "cmkt": degree}
    asked, _, stopped = interview(worker, {**unusual, CHECK: "2"})
    assert (asked[-1], "sửa" in stopped) == (CHECK, True)
    asked, state, _ = interview(worker, {**unusual, CHECK: "1"})
    assert (len(asked), answers_of(worker, state)["cmkt"]) == (24, degree)


def test_once_the_two_answers_agree_the_check_is_gone(worker: Questionnaire) -> None:
    _, state, _ = interview(worker, {**USUAL, "hoc_van": "3", CHECK: "2"})
    done = step(worker, state, Answer("/data/phan_2/hoc_van", "4"), CONTEXT)
    now = prompt(worker, done.state, CONTEXT)
    assert isinstance(now, Ask)
    assert now.ref == "/data/phan_2/linh_vuc"


@pytest.mark.parametrize(("hoc_van", "cmkt"), [("3", "5"), ("4", "6"), (Missing.DONT_KNOW, "6"), ("0", "41")])
def test_a_usual_pair_of_school_and_degree_is_not_asked_about(
    worker: Questionnaire, hoc_van: str | Missing, cmkt: str
) -> None:
    asked, _, _ = interview(worker, {**USUAL, "hoc_van": hoc_van, "cmkt": cmkt})
    assert CHECK not in asked


@pytest.mark.parametrize("name", ["dao_tao_12t", "nhu_cau"])
def test_none_stands_alone(worker: Questionnaire, name: str) -> None:
    asked, _, stopped = interview(worker, {**USUAL, name: "1 0"})
    assert (asked[-1], "bỏ chọn" in stopped) == (name, True)
    assert len(interview(worker, {**USUAL, name: "0"})[0]) == 23


def test_at_most_three_learning_needs_are_taken(worker: Questionnaire) -> None:
    asked, _, stopped = interview(worker, {**USUAL, "nhu_cau": "1 2 3 4"})
    assert (asked[-1], "tối đa 3" in stopped) == ("nhu_cau", True)
    assert len(interview(worker, {**USUAL, "nhu_cau": "1 2 3"})[0]) == 23


def test_people_are_spoken_to_as_the_campaign_says_and_of_when_someone_else_answers(
    worker: Questionnaire,
) -> None:
    def first_label(hidden: Mapping[str, str]) -> str:
        now = prompt(worker, State(hidden=hidden), CONTEXT)
        assert isinstance(now, Ask)
        return now.label

    assert first_label(CAMPAIGN) == "Giới tính của ông/bà?"
    assert first_label({**CAMPAIGN, "xung_ho": "anh/chị"}) == "Giới tính của anh/chị?"
    assert first_label({**CAMPAIGN, "cach_tra_loi": "proxy"}) == "Giới tính của người được hỏi?"


def test_an_answered_worker_form_counts_for_every_item(
    worker: Questionnaire, instruments: Mapping[str, Instrument]
) -> None:
    _, state, _ = interview(worker, USUAL)
    instrument = instruments["nguoi_lao_dong"]
    found = entries(
        instrument,
        answers_of(worker, state),
        area="26740",
        way=Way.SELF,
        on=datetime(2026, 3, 1, tzinfo=CONTEXT.now.tzinfo).date(),
    )
    assert {entry.item for entry in found} == set(countable(instrument))
    verdicts = {entry.item: entry.outcome for entry in found}
    assert (verdicts["duoc_trang_bi_nltt"], verdicts["duoc_trang_bi_kns"]) == ("yes", "yes")
    assert (verdicts["dai_hoc"], verdicts["da_tap_huan_nltt"]) == ("yes", "yes")


# The consent form

OFFICE = {
    "ten_chien_dich": "Khảo sát 2026",
    "co_quan": "UBND phường Hòa Bình",
    "dia_chi": "12 Lê Lợi",
    "dien_thoai": "028 1234 5678",
    "muc_dich": "thống kê",
    "noi_luu": "Trung tâm dữ liệu thành phố",
    "so_ngay": "90",
    "cau_nen_tang": "Telegram là nền tảng nước ngoài.",
}


def test_consent_says_who_why_what_where_how_long_and_which_rights_before_it_asks(
    consent: Questionnaire,
) -> None:
    first = prompt(consent, State(hidden=OFFICE), CONTEXT)
    assert isinstance(first, Ask)
    said = " ".join(passage.text for passage in first.before)
    assert all(value in said for value in OFFICE.values())
    assert "${" not in said
    for right in ("biết", "xem", "sửa", "rút lại", "cung cấp", "xóa", "hạn chế", "phản đối", "khiếu nại"):
        assert right in said
    assert "riêng tư" in said
    assert "không ảnh hưởng quyền lợi" in said


def test_who_is_asked_about_others_is_told_so(consent: Questionnaire) -> None:
    def said(hidden: Mapping[str, str]) -> str:
        first = prompt(consent, State(hidden=hidden), CONTEXT)
        assert isinstance(first, Ask)
        return " ".join(passage.text for passage in first.before)

    assert "người khác trong hộ" in said({**OFFICE, "ve_nguoi_khac": "1"})
    assert "người khác trong hộ" not in said(OFFICE)


def test_nothing_is_agreed_beforehand(consent: Questionnaire, forms: Mapping[str, Form]) -> None:
    toggles = [question for question in forms["dong_y"].questions() if question.kind is Kind.SELECT_ONE]
    assert [toggle.name for toggle in toggles] == [
        "dy_tra_loi",
        "dy_lien_he_lai",
        "dy_nhay_cam",
        "dy_ket_noi",
    ]
    for toggle in toggles:
        assert toggle.default is None
        assert [choice.name for choice in toggle.choices] == ["1", "2"]
        given = consent.offers[toggle.name]
        assert not (given.dont_know or given.prefer_not)


def test_taking_part_has_to_be_answered_and_the_rest_may_be_skipped(consent: Questionnaire) -> None:
    _, _, stopped = interview(consent, {"dy_tra_loi": Missing.SKIPPED}, OFFICE)
    assert stopped == "reply.required"
    asked, state, _ = interview(consent, {"dy_tra_loi": "1", "dy_lien_he_lai": Missing.SKIPPED}, OFFICE)
    assert asked == ["dy_tra_loi", "dy_lien_he_lai"]
    assert "dy_lien_he_lai" not in result(consent, state, CONTEXT).values


def test_sensitive_data_and_the_learning_database_are_asked_about_only_where_they_are_used(
    consent: Questionnaire,
) -> None:
    agree = {"dy_tra_loi": "1", "dy_lien_he_lai": "1", "dy_nhay_cam": "2", "dy_ket_noi": "1"}
    hidden = {**OFFICE, "mo_dun_nhay_cam": "1", "mo_dun_ket_noi": "1"}
    assert interview(consent, agree, hidden)[0] == list(agree)
    assert interview(consent, agree, {**OFFICE, "mo_dun_ket_noi": "1"})[0] == [
        "dy_tra_loi",
        "dy_lien_he_lai",
        "dy_ket_noi",
    ]
    now = prompt(
        consent, State({"/data/dy_tra_loi": "1", "/data/dy_lien_he_lai": "1"}, hidden=hidden), CONTEXT
    )
    assert isinstance(now, Ask)
    assert "nhạy cảm" in now.label


def test_who_does_not_agree_is_thanked_and_asked_nothing_more(
    consent: Questionnaire, instruments: Mapping[str, Instrument]
) -> None:
    asked, state, closing = interview(consent, {"dy_tra_loi": "2"}, OFFICE)
    assert asked == ["dy_tra_loi"]
    assert "cảm ơn" in closing
    found = screen_out(instruments["dong_y"], answers_of(consent, state))
    assert found is not None
    assert found.disposition == "2.11"
