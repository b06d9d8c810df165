"""Reading an instrument, and holding it against its form."""

from __future__ import annotations

import copy
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from bot.texts import say
from surveys.forms import Choice, Form, Group, Kind, Missing, Question, Repeat, Text
from surveys.instruments import (
    AnyOf,
    Consent,
    Instrument,
    Score,
    ScreenOut,
    Unit,
    missing_offered,
    offers,
    read_instrument,
    screen_out,
)
from surveys.population import Denominator, Sex
from surveys.problems import Problem

LIBRARY = Path(__file__).parents[2] / "surveys" / "library"


def shipped(name: str) -> dict[str, Any]:
    return yaml.safe_load((LIBRARY / name / "instrument.yaml").read_text(encoding="utf-8"))


def question(
    name: str, kind: Kind = Kind.SELECT_ONE, choices: str = "", default: str | None = None
) -> Question:
    return Question(
        ref=f"/data/part/{name}",
        name=name,
        kind=kind,
        choices=tuple(Choice(code, Text({"English (en)": (code,)})) for code in choices.split()),
        default=default,
    )


def form(*questions: Question) -> Form:
    part = Group(ref="/data/part", name="part", children=questions)
    return Form("small", "1", "Small", "data", ("English (en)",), "English (en)", (part,))


SMALL_FORM = form(
    question("sex", choices="m f"),
    question("birth", Kind.TEXT),
    question("area", Kind.HIDDEN),
    question("ending", Kind.CALCULATE),
    question("reads", choices="0 1 2"),
    question("writes", choices="0 1 2"),
    question("hours", Kind.INTEGER),
    question("courses", Kind.SELECT_MULTIPLE, choices="a b none"),
    question("agrees", choices="1 2"),
)

SMALL: dict[str, Any] = {
    "instrument": {"id": "small", "version": 3, "status": "draft", "form": "small", "unit": "person"},
    "person": {"sex": {"field": "sex", "male": "m", "female": "f"}, "birth": "birth", "area": "area"},
    "missing": {"default": ["dont_know", "prefer_not"], "except": {"sex": ["prefer_not"], "agrees": []}},
    "self_only": ["reads"],
    "screen_outs": [{"name": "young", "field": "ending", "value": "young", "disposition": "4.7"}],
    "items": {"one": ["reads", "writes"], "multiple": ["courses"]},
    "indicators": {
        "literate": {
            "denominator": "aged_15",
            "label": {"vi": "Biết chữ", "en": "Literate"},
            "score": {
                "items": ["reads", "writes"],
                "max_each": 2,
                "max_missing": 1,
                "missing_rule": "prorate",
                "threshold_sum": 2,
                "sensitivity": [1, 2, 3],
                "min_each": 1,
                "min_each_items": ["reads"],
            },
        },
        "trained": {"denominator": "working_age", "any_of": {"courses": ["a", "b"]}},
    },
}


def changed(change: Callable[[dict[str, Any]], object]) -> dict[str, Any]:
    data = copy.deepcopy(SMALL)
    change(data)
    return data


def refusal(data: Any, against: Form | None = SMALL_FORM) -> tuple[str, dict[str, object]]:
    with pytest.raises(Problem) as refused:
        read_instrument(data, against)
    problem = refused.value
    for language in ("vi", "en"):
        sentence = say(language, f"problem.{problem.code}", **problem.params)
        assert sentence != f"problem.{problem.code}"
        assert str(problem.params["path"]) in sentence
    return problem.code, problem.params


def test_an_instrument_is_read_into_frozen_data() -> None:
    instrument = read_instrument(SMALL, SMALL_FORM)
    assert (instrument.id, instrument.version, instrument.unit) == ("small", "3", Unit.PERSON)
    assert instrument.person is not None
    assert instrument.person.sexes == {"m": Sex.MALE, "f": Sex.FEMALE}
    assert instrument.items == ("reads", "writes", "courses")
    literate, trained = instrument.indicators
    assert literate.denominator is Denominator.AGED_15
    assert literate.rule == Score(
        items=("reads", "writes"),
        max_each=2,
        max_missing=1,
        threshold=2,
        sensitivity=(1, 2, 3),
        min_each=1,
        min_each_items=("reads",),
    )
    assert literate.label == {"vi": "Biết chữ", "en": "Literate"}
    assert trained.rule == AnyOf({"courses": frozenset({"a", "b"})})
    assert instrument.indicator("trained") is trained
    assert instrument.indicator("nothing") is None


def test_missing_states_are_offered_by_default_and_by_exception() -> None:
    instrument = read_instrument(SMALL, SMALL_FORM)
    assert missing_offered(instrument, "reads") == {Missing.DONT_KNOW, Missing.PREFER_NOT}
    assert missing_offered(instrument, "sex") == {Missing.PREFER_NOT}
    assert missing_offered(instrument, "agrees") == frozenset()
    by_name = offers(instrument, SMALL_FORM)
    assert set(by_name) == {"sex", "birth", "reads", "writes", "hours", "courses", "agrees"}
    assert (by_name["sex"].dont_know, by_name["sex"].prefer_not) == (False, True)


def test_an_instrument_that_says_nothing_of_missing_states_offers_none() -> None:
    instrument = read_instrument(changed(lambda data: data.pop("missing")), SMALL_FORM)
    assert missing_offered(instrument, "reads") == frozenset()


def test_an_early_end_is_recognised_by_its_fields_value() -> None:
    instrument = read_instrument(SMALL, SMALL_FORM)
    assert screen_out(instrument, {"ending": "young"}) == ScreenOut("young", "ending", "young", "4.7")
    assert screen_out(instrument, {"ending": Missing.SKIPPED}) is None
    assert screen_out(instrument, {}) is None


def test_sensitivity_is_the_threshold_alone_when_nothing_else_is_asked_for() -> None:
    instrument = read_instrument(
        changed(lambda data: data["indicators"]["literate"]["score"].pop("sensitivity")), SMALL_FORM
    )
    rule = instrument.indicators[0].rule
    assert isinstance(rule, Score)
    assert rule.sensitivity == (2,)


@pytest.mark.parametrize(
    ("change", "code", "path"),
    [
        (lambda d: d.update(indicator={}), "instrument_unknown_key", "indicator"),
        (lambda d: d["instrument"].update(name="x"), "instrument_unknown_key", "instrument.name"),
        (lambda d: d["instrument"].pop("status"), "instrument_missing_key", "instrument.status"),
        (lambda d: d.pop("person"), "instrument_missing_key", "person"),
        (lambda d: d.update(items=["reads"]), "instrument_not_a_mapping", "items"),
        (lambda d: d["items"].update(one="reads"), "instrument_not_a_list", "items.one"),
        (lambda d: d["items"].update(one=[1]), "instrument_not_text", "items.one[0]"),
        (lambda d: d["items"].update(multiple=["reads"]), "instrument_duplicate", "items"),
        (lambda d: d["instrument"].update(version=1.5), "instrument_not_a_code", "instrument.version"),
        (lambda d: d["instrument"].update(status=" "), "instrument_empty", "instrument.status"),
        (lambda d: d["instrument"].update(id="Tên có dấu"), "instrument_shape", "instrument.id"),
        (lambda d: d["instrument"].update(unit="family"), "instrument_one_of", "instrument.unit"),
        (lambda d: d["person"]["sex"].update(female="m"), "instrument_duplicate", "person.sex"),
        (lambda d: d["missing"].update(default=["maybe"]), "instrument_one_of", "missing.default[0]"),
        (
            lambda d: d["screen_outs"][0].update(disposition="5.1"),
            "instrument_shape",
            "screen_outs[0].disposition",
        ),
        (
            lambda d: d["indicators"]["trained"].update(denominator="labour_force"),
            "instrument_one_of",
            "indicators.trained.denominator",
        ),
        (
            lambda d: d["indicators"]["trained"].pop("any_of"),
            "instrument_one_rule",
            "indicators.trained",
        ),
        (
            lambda d: d["indicators"]["literate"].update(any_of={"courses": ["a"]}),
            "instrument_one_rule",
            "indicators.literate",
        ),
        (
            lambda d: d["indicators"]["trained"].update(any_of={"courses": []}),
            "instrument_empty",
            "indicators.trained.any_of.courses",
        ),
        (
            lambda d: d["indicators"]["literate"]["score"].update(treshold=3),
            "instrument_unknown_key",
            "indicators.literate.score.treshold",
        ),
        (
            lambda d: d["indicators"]["literate"]["score"].update(threshold_sum=5),
            "instrument_bounds",
            "indicators.literate.score.threshold_sum",
        ),
        (
            lambda d: d["indicators"]["literate"]["score"].update(max_missing=2),
            "instrument_bounds",
            "indicators.literate.score.max_missing",
        ),
        (
            lambda d: d["indicators"]["literate"]["score"].update(max_each=True),
            "instrument_bounds",
            "indicators.literate.score.max_each",
        ),
        (
            lambda d: d["indicators"]["literate"]["score"].update(sensitivity=[1, 3]),
            "instrument_sensitivity",
            "indicators.literate.score.sensitivity",
        ),
        (
            lambda d: d["indicators"]["literate"]["score"].update(missing_rule="guess"),
            "instrument_one_of",
            "indicators.literate.score.missing_rule",
        ),
        (
            lambda d: d["indicators"]["literate"]["score"].update(min_each_items=["hours"]),
            "instrument_one_of",
            "indicators.literate.score.min_each_items[0]",
        ),
    ],
)
def test_a_mistake_in_the_file_is_refused_with_its_path(
    change: Callable[[dict[str, Any]], object], code: str, path: str
) -> None:
    found, params = refusal(changed(change))
    assert (found, params["path"]) == (code, path)


@pytest.mark.parametrize(
    ("change", "code", "path"),
    [
        (lambda d: d["instrument"].update(form="other"), "instrument_other_form", "instrument.form"),
        (lambda d: d["person"].update(birth="born"), "instrument_unknown_question", "person.birth"),
        (lambda d: d["person"]["sex"].update(male="x"), "instrument_unknown_choice", "person.sex.male"),
        (lambda d: d["self_only"].append("dances"), "instrument_unknown_question", "self_only"),
        (
            lambda d: d["missing"]["except"].update(ending=[]),
            "instrument_wrong_kind",
            "missing.except.ending",
        ),
        (
            lambda d: d["screen_outs"][0].update(field="end"),
            "instrument_unknown_question",
            "screen_outs[0].field",
        ),
        (
            lambda d: d["screen_outs"][0].update(field="sex"),
            "instrument_unknown_choice",
            "screen_outs[0].value",
        ),
        (lambda d: d["items"]["one"].append("hours"), "instrument_wrong_kind", "items.one"),
        (lambda d: d["items"].update(one=["courses"], multiple=[]), "instrument_wrong_kind", "items.one"),
        (
            lambda d: d["indicators"]["literate"]["score"].update(max_each=3),
            "instrument_not_levels",
            "indicators.literate.score.items",
        ),
        (
            lambda d: d["indicators"]["trained"].update(any_of={"courses": ["a", "c"]}),
            "instrument_unknown_choice",
            "indicators.trained.any_of.courses",
        ),
    ],
)
def test_a_name_the_form_does_not_have_is_refused_with_its_path(
    change: Callable[[dict[str, Any]], object], code: str, path: str
) -> None:
    found, params = refusal(changed(change))
    assert (found, params["path"]) == (code, path)


@pytest.mark.parametrize("name", ["98", "99", "blank", "not_asked", "answered"])
def test_a_counted_choice_can_not_have_the_name_of_a_missing_state(name: str) -> None:
    other = form(*SMALL_FORM.questions(), question("extra", choices=f"1 {name}"))
    code, params = refusal(changed(lambda data: data["items"]["one"].append("extra")), other)
    assert (code, params["choice"]) == ("instrument_reserved_choice", name)


def test_a_counted_choices_name_fits_into_the_ledger() -> None:
    other = form(*SMALL_FORM.questions(), question("extra", choices="x" * 41))
    assert refusal(changed(lambda data: data["items"]["one"].append("extra")), other)[0] == (
        "instrument_long_choice"
    )


def test_a_name_that_stands_twice_in_the_form_names_nothing() -> None:
    other = form(*SMALL_FORM.questions(), question("reads", choices="0 1 2"))
    assert refusal(SMALL, other)[0] == "instrument_ambiguous_question"


CONSENT: dict[str, Any] = {
    "instrument": {"id": "asks", "version": 1, "status": "draft", "form": "small", "unit": "person"},
    "consent": {"agree": 1, "required": ["agrees"]},
}


def test_consent_toggles_are_read() -> None:
    assert read_instrument(CONSENT, SMALL_FORM).consent == Consent("1", ("agrees",), ())


def test_consent_is_never_preselected() -> None:
    assert refusal(CONSENT, form(question("agrees", choices="1 2", default="1")))[0] == (
        "instrument_preselected_consent"
    )


def test_consent_never_offers_dont_know() -> None:
    assert refusal({**CONSENT, "missing": {"default": ["dont_know"]}})[0] == "instrument_missing_on_consent"


def test_consent_without_a_required_toggle_is_refused() -> None:
    assert refusal({**CONSENT, "consent": {"agree": 1, "required": []}})[0] == "instrument_empty"


def test_what_consent_calls_agreement_is_a_choice_of_every_toggle() -> None:
    assert refusal({**CONSENT, "consent": {"agree": 3, "required": ["agrees"]}})[0] == (
        "instrument_unknown_choice"
    )


@pytest.mark.parametrize(
    "place",
    [
        lambda d: d,
        lambda d: d["instrument"],
        lambda d: d["person"],
        lambda d: d["person"]["sex"],
        lambda d: d["missing"],
        lambda d: d["screen_outs"][0],
        lambda d: d["items"],
        lambda d: d["indicators"]["trained"],
        lambda d: d["indicators"]["literate"]["score"],
        lambda d: d.setdefault("consent", {}),
    ],
)
def test_the_readme_names_every_key(place: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
    readme = (LIBRARY / "README.md").read_text(encoding="utf-8")
    _, params = refusal(changed(lambda data: place(data).update(no_such_key=1)))
    missing = [key for key in str(params["known"]).split(", ") if not re.search(rf"\b{key}\b", readme)]
    assert missing == []


@pytest.mark.parametrize("name", ["ho_gia_dinh", "nguoi_lao_dong", "cong_dan_hoc_tap", "dong_y"])
def test_the_shipped_instruments_are_read(name: str) -> None:
    instrument = read_instrument(shipped(name))
    assert isinstance(instrument, Instrument)
    assert (instrument.form, instrument.version) == (name, "1")


def test_the_worker_instrument_is_scored_as_proposed() -> None:
    instrument = read_instrument(shipped("nguoi_lao_dong"))
    assert (instrument.id, instrument.status) == (
        "nltt-kns-v0",
        "bản đề xuất, không phải phiếu chính thức",
    )
    il, ls, certified, broad, university, trained = (each.rule for each in instrument.indicators)
    assert isinstance(il, Score)
    assert (len(il.items), il.max_each, il.max_missing, il.threshold, il.sensitivity) == (
        5, 3, 1, 9, (8, 9, 10),
    )  # fmt: skip
    assert (il.min_each, il.min_each_items) == (1, ("il_tim", "il_danh_gia", "il_an_toan"))
    assert isinstance(ls, Score)
    assert (len(ls.items), ls.max_each, ls.max_missing, ls.threshold, ls.sensitivity) == (
        10, 3, 2, 18, (17, 18, 19),
    )  # fmt: skip
    assert ls.min_items_at_least_1 == 8
    levels = frozenset({"3", "4", "41", "5", "6", "7", "8"})
    assert certified == AnyOf({"cmkt": levels})
    assert broad == AnyOf({"cmkt": levels, "tay_nghe": frozenset({"1"})})
    assert university == AnyOf({"cmkt": frozenset({"6", "7", "8"})})
    assert trained == AnyOf({"dao_tao_12t": frozenset({"1"})})
    assert instrument.self_only == {*il.items, *ls.items}
    assert {each.name: each.disposition for each in instrument.screen_outs} == {
        "duoi_15": "4.7",
        "du_15": "2.3",
    }


def test_refused_consent_is_a_refusal_and_only_taking_part_is_required() -> None:
    instrument = read_instrument(shipped("dong_y"))
    assert [each.disposition for each in instrument.screen_outs] == ["2.11"]
    assert instrument.consent == Consent(
        "1", ("dy_tra_loi",), ("dy_lien_he_lai", "dy_nhay_cam", "dy_ket_noi")
    )
    assert missing_offered(instrument, "dy_tra_loi") == frozenset()


json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda children: (
        st.lists(children, max_size=3) | st.dictionaries(st.text(max_size=8), children, max_size=3)
    ),
    max_leaves=8,
)


@given(place=st.sampled_from([*SMALL, *(("instrument", key) for key in SMALL["instrument"])]), value=json)
def test_whatever_stands_in_a_place_it_is_read_or_refused_as_a_problem(place: Any, value: Any) -> None:
    data = copy.deepcopy(SMALL)
    if isinstance(place, tuple):
        data[place[0]][place[1]] = value
    else:
        data[place] = value
    try:
        read_instrument(data, SMALL_FORM)
    except Problem as problem:
        assert problem.code.startswith("instrument_")


# Households


def in_repeat(name: str, kind: Kind = Kind.SELECT_ONE, choices: str = "", within: str = "member") -> Question:
    return replace(question(name, kind, choices), ref=f"/data/{within}/{name}")


HOUSE_FORM = Form(
    "house", "1", "House", "data", ("English (en)",), "English (en)",
    (
        Group(
            "/data/part",
            "part",
            (
                question("place", Kind.CALCULATE),
                question("net", choices="1 2"),
                question("things", Kind.SELECT_MULTIPLE, choices="a b"),
                question("phone", Kind.TEXT),
            ),
        ),
        Repeat(
            "/data/member",
            "member",
            (
                in_repeat("called", Kind.TEXT),
                in_repeat("sex", choices="m f"),
                in_repeat("born", Kind.TEXT),
                in_repeat("by", Kind.CALCULATE),
                in_repeat("reads", choices="1 2"),
                in_repeat("alone", choices="1 2"),
                Repeat("/data/member/job", "job", (in_repeat("trade", choices="1 2", within="member/job"),)),
            ),
        ),
    ),
)  # fmt: skip

HOUSE: dict[str, Any] = {
    "instrument": {"id": "house", "version": 1, "status": "draft", "form": "house", "unit": "household"},
    "household": {"area": "place"},
    "private": ["called", "phone"],
    "modules": ["nhay_cam"],
    "items": {"one": ["net"], "multiple": ["things"]},
    "indicators": {"online": {"denominator": "households", "any_of": {"net": [1]}}},
    "members": {
        "repeat": "member",
        "name": "called",
        "sex": {"field": "sex", "male": "m", "female": "f"},
        "birth": "born",
        "way": "by",
        "items": {"one": ["reads"]},
        "indicators": {"literate": {"denominator": "aged_15", "any_of": {"reads": [1]}}},
        "invite": {
            "field": "alone",
            "value": 1,
            "instrument": "small",
            "address": [
                {"from_age": 40, "male": "ông", "female": "bà"},
                {"from_age": 16, "male": "anh", "female": "chị"},
            ],
        },
    },
}


def house(change: Callable[[dict[str, Any]], object]) -> dict[str, Any]:
    data = copy.deepcopy(HOUSE)
    change(data)
    return data


def test_a_household_and_its_members_are_counted_in_parts() -> None:
    instrument = read_instrument(HOUSE, HOUSE_FORM)
    own, people = instrument.parts
    assert (own.unit, own.items, [one.name for one in own.indicators]) == (
        Unit.HOUSEHOLD,
        ("net", "things"),
        ["online"],
    )
    assert (people.unit, people.items, [one.name for one in people.indicators]) == (
        Unit.PERSON,
        ("reads",),
        ["literate"],
    )
    assert instrument.items == ("net", "things", "reads")
    found = [instrument.part_of(item) for item in ("net", "literate", "online@1", "nothing")]
    assert [part.unit if part else None for part in found] == [
        Unit.HOUSEHOLD,
        Unit.PERSON,
        Unit.HOUSEHOLD,
        None,
    ]
    assert instrument.area == "place"
    assert (set(instrument.private), set(instrument.modules)) == ({"called", "phone"}, {"nhay_cam"})


def test_members_are_spoken_to_by_rising_age() -> None:
    members = read_instrument(HOUSE, HOUSE_FORM).members
    assert members is not None and members.invited is not None
    assert [one.from_age for one in members.invited.address] == [16, 40]


def test_a_form_about_a_households_people_is_about_others_without_saying_so() -> None:
    assert read_instrument(HOUSE, HOUSE_FORM).about_others
    assert not read_instrument(SMALL, SMALL_FORM).about_others
    assert read_instrument(changed(lambda data: data.update(about_others=True)), SMALL_FORM).about_others


@pytest.mark.parametrize(
    ("change", "code", "path"),
    [
        (lambda data: data.update(about_others=False), "instrument_about_others", "about_others"),
        (lambda data: data.update(about_others="yes"), "instrument_not_a_flag", "about_others"),
        (lambda data: data.update(modules=["dan_toc"]), "instrument_one_of", "modules[0]"),
        (lambda data: data.update(person=SMALL["person"]), "instrument_not_a_person", "person"),
        (lambda data: data.update(private=["nobody"]), "instrument_unknown_question", "private"),
        (lambda data: data.update(until_close=["net"]), "instrument_not_private", "until_close"),
        (lambda data: data["household"].update(area="sex"), "instrument_of_members", "household.area"),
        (lambda data: data["items"].update(one=["reads"]), "instrument_duplicate", "members"),
        (lambda data: data["items"].update(one=["alone"]), "instrument_of_members", "items.one"),
        (
            lambda data: data["indicators"]["online"].update(denominator="aged_15"),
            "instrument_denominator",
            "online",
        ),
        (
            lambda data: data["members"]["indicators"]["literate"].update(denominator="households"),
            "instrument_denominator",
            "literate",
        ),
        (lambda data: data["members"].update(repeat="job"), "instrument_no_such_repeat", "members.repeat"),
        (lambda data: data["members"].update(repeat="part"), "instrument_no_such_repeat", "members.repeat"),
        (lambda data: data["members"].update(name="phone"), "instrument_not_of_members", "members.name"),
        (lambda data: data["members"].update(birth="trade"), "instrument_not_of_members", "members.birth"),
        (
            lambda data: data["members"]["sex"].update(male="x"),
            "instrument_unknown_choice",
            "members.sex.male",
        ),
        (
            lambda data: data["members"]["items"].update(one=["trade"]),
            "instrument_not_of_members",
            "members.items.one",
        ),
        (
            lambda data: data["members"]["invite"].update(value=3),
            "instrument_unknown_choice",
            "members.invite.value",
        ),
        (
            lambda data: data["members"]["invite"]["address"][0].update(from_age=-1),
            "instrument_bounds",
            "members.invite.address[0].from_age",
        ),
    ],
)
def test_what_does_not_fit_a_household_is_refused_at_its_place(
    change: Callable[[dict[str, Any]], object], code: str, path: str
) -> None:
    found, params = refusal(house(change), HOUSE_FORM)
    assert (found, params["path"]) == (code, path)


@pytest.mark.parametrize("key", ["household", "members"])
def test_only_households_have_members(key: str) -> None:
    found, params = refusal(changed(lambda data: data.update({key: HOUSE[key]})))
    assert (found, params["path"]) == ("instrument_not_a_household", key)


@pytest.mark.parametrize(
    "place",
    [
        lambda data: data["household"],
        lambda data: data["members"],
        lambda data: data["members"]["invite"],
        lambda data: data["members"]["invite"]["address"][0],
    ],
)
def test_the_readme_names_every_key_of_households(place: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
    readme = (LIBRARY / "README.md").read_text(encoding="utf-8")
    _, params = refusal(house(lambda data: place(data).update(no_such_key=1)), HOUSE_FORM)
    assert [key for key in str(params["known"]).split(", ") if not re.search(rf"\b{key}\b", readme)] == []
