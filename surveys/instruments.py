"""An instrument: a form plus how it is scored, counted and ended early, as read from ``instrument.yaml``.

Everything a rule or an office may change about a questionnaire stands in that file, never in code. The format
is described for authors in ``surveys/library/README.md``.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from surveys.forms import ASKED, Form, Kind, Missing, Question
from surveys.population import Denominator, Sex
from surveys.problems import Problem
from surveys.replies import Offers


class Unit(StrEnum):
    """Whom one submission is about."""

    PERSON = "person"
    HOUSEHOLD = "household"


class Way(StrEnum):
    """How the answers came about."""

    SELF = "self"
    PROXY = "proxy"
    """Somebody else answered for the person."""
    ASSISTED = "assisted"
    """The person answered, a collector read aloud and typed."""


ANSWERED = "answered"
NOT_ASKED = "not_asked"
CODES: Mapping[Missing, str] = {Missing.DONT_KNOW: "98", Missing.PREFER_NOT: "99", Missing.SKIPPED: "blank"}
"""What missing states are called as outcomes of a question (98 and 99 in coded rows and exports, too)."""

RESERVED = frozenset({ANSWERED, NOT_ASKED, *CODES.values()})
"""Outcomes of every question, so no choice of a counted question may have these names."""


LONGEST_OUTCOME = 40
"""Characters of a counted choice's name."""


@dataclass(frozen=True, slots=True)
class PersonFields:
    """The fields of the form that say who the answers are about. ``sexes``: stored value → sex."""

    sex: str
    sexes: Mapping[str, Sex]
    birth: str
    area: str | None = None
    way: str | None = None


@dataclass(frozen=True, slots=True)
class ScreenOut:
    """The interview ends early when ``field`` is ``value``; ``disposition`` is the case's outcome code
    (AAPOR).
    """

    name: str
    field: str
    value: str
    disposition: str


@dataclass(frozen=True, slots=True)
class Consent:
    """The toggles of a consent form: agreed when the stored value is ``agree``."""

    agree: str
    required: tuple[str, ...]
    optional: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Score:
    """*Yes* when the levels of several items add up to enough (see :func:`surveys.indicators.score`)."""

    items: tuple[str, ...]
    max_each: int
    max_missing: int
    threshold: int
    sensitivity: tuple[int, ...]
    """Thresholds the indicator is reported at, the chosen one among them."""
    min_each: int = 0
    min_each_items: tuple[str, ...] = ()
    min_items_at_least_1: int = 0


@dataclass(frozen=True, slots=True)
class AnyOf:
    """*Yes* when an answer to any of these questions is, or contains, a listed choice."""

    choices: Mapping[str, frozenset[str]]


@dataclass(frozen=True, slots=True)
class Indicator:
    """A share: who counts as *yes* by ``rule``, among whom. ``label`` by language; empty: the catalogue has
    it.
    """

    name: str
    denominator: Denominator
    rule: Score | AnyOf
    label: Mapping[str, str] = field(default_factory=dict)

    @property
    def questions(self) -> tuple[str, ...]:
        """The questions the rule reads."""
        return self.rule.items if isinstance(self.rule, Score) else tuple(self.rule.choices)


@dataclass(frozen=True, slots=True)
class Instrument:
    """How a form is asked, scored and counted."""

    id: str
    version: str
    status: str
    form: str
    unit: Unit
    person: PersonFields | None = None
    missing_default: frozenset[Missing] = frozenset()
    missing_except: Mapping[str, frozenset[Missing]] = field(default_factory=dict)
    self_only: frozenset[str] = frozenset()
    screen_outs: tuple[ScreenOut, ...] = ()
    one: tuple[str, ...] = ()
    """Counted questions with one answer, in table order."""
    multiple: tuple[str, ...] = ()
    """Counted questions with several."""
    indicators: tuple[Indicator, ...] = ()
    consent: Consent | None = None

    @property
    def items(self) -> tuple[str, ...]:
        """Every counted question."""
        return self.one + self.multiple

    def indicator(self, name: str) -> Indicator | None:
        """The indicator of that name, if there is one."""
        return next((each for each in self.indicators if each.name == name), None)


def missing_offered(instrument: Instrument, question: str) -> frozenset[Missing]:
    """Which of *don't know* and *prefer not to say* the question of that name offers."""
    return instrument.missing_except.get(question, instrument.missing_default)


def offers(instrument: Instrument, form: Form) -> dict[str, Offers]:
    """The same for every asked question of the form by name, as the interview engine takes it."""
    return {
        question.name: Offers(
            dont_know=Missing.DONT_KNOW in missing_offered(instrument, question.name),
            prefer_not=Missing.PREFER_NOT in missing_offered(instrument, question.name),
        )
        for question in form.questions()
        if question.kind in ASKED
    }


def screen_out(instrument: Instrument, answers: Mapping[str, str | Missing]) -> ScreenOut | None:
    """Why an interview with these answers (by question name) ended early, or None."""
    return next((each for each in instrument.screen_outs if answers.get(each.field) == each.value), None)


# ── reading ─────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class _Shape:
    """What a text must look like, with an example to show whoever wrote it otherwise."""

    pattern: re.Pattern[str]
    example: str


_NAME = _Shape(re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,79}"), "hoc_van")
_ID = _Shape(re.compile(r"[a-z0-9][a-z0-9_.-]{0,79}"), "nltt-kns-v0")
_INDICATOR = _Shape(re.compile(r"[a-z][a-z0-9_]{0,59}"), "dai_hoc")
_DISPOSITION = _Shape(re.compile(r"[1-4]\.[0-9]{1,3}"), "2.11")

_POLICIES = {"dont_know": Missing.DONT_KNOW, "prefer_not": Missing.PREFER_NOT}


def read_instrument(data: Mapping[str, object], form: Form | None = None) -> Instrument:
    """Build an instrument from the parsed ``instrument.yaml``, held against its form where one is given.

    Raises problems ``instrument_…`` whose ``path`` names the place in the file
    (``indicators.dai_hoc.any_of.cmkt``): unknown and missing keys, wrong types and values, and names or
    choices the form does not have.
    """
    top = _mapping(
        data,
        "",
        required=("instrument",),
        optional=("person", "missing", "self_only", "screen_outs", "items", "indicators", "consent"),
    )
    head = _mapping(
        top["instrument"], "instrument", required=("id", "version", "status", "form", "unit"), optional=()
    )
    default, exceptions = _missing(top.get("missing", {"default": []}))
    items = _mapping(top.get("items", {}), "items", required=(), optional=("one", "multiple"))
    one = _names(items.get("one", ()), "items.one")
    multiple = _names(items.get("multiple", ()), "items.multiple")
    _distinct(one + multiple, "items")
    instrument = Instrument(
        id=_text(head["id"], "instrument.id", _ID),
        version=_code(head["version"], "instrument.version"),
        status=_text(head["status"], "instrument.status"),
        form=_text(head["form"], "instrument.form", _NAME),
        unit=Unit(_one_of(head["unit"], "instrument.unit", tuple(Unit))),
        person=_person(top["person"]) if "person" in top else None,
        missing_default=default,
        missing_except=exceptions,
        self_only=frozenset(_names(top.get("self_only", ()), "self_only")),
        screen_outs=_screen_outs(top.get("screen_outs", ())),
        one=one,
        multiple=multiple,
        indicators=_indicators(top.get("indicators", {})),
        consent=_consent(top["consent"]) if "consent" in top else None,
    )
    if (instrument.items or instrument.indicators) and instrument.person is None:
        raise Problem("instrument_missing_key", path="person")
    if form is not None:
        check_against_form(instrument, form)
    return instrument


def _person(value: object) -> PersonFields:
    fields = _mapping(value, "person", required=("sex", "birth"), optional=("area", "way"))
    sex = _mapping(fields["sex"], "person.sex", required=("field", "male", "female"), optional=())
    sexes = {_code(sex[each.value], f"person.sex.{each.value}"): each for each in Sex}
    if len(sexes) < len(Sex):
        raise Problem("instrument_duplicate", path="person.sex", name=next(iter(sexes)))
    return PersonFields(
        sex=_text(sex["field"], "person.sex.field", _NAME),
        sexes=sexes,
        birth=_text(fields["birth"], "person.birth", _NAME),
        area=_text(fields["area"], "person.area", _NAME) if "area" in fields else None,
        way=_text(fields["way"], "person.way", _NAME) if "way" in fields else None,
    )


def _missing(value: object) -> tuple[frozenset[Missing], dict[str, frozenset[Missing]]]:
    policy = _mapping(value, "missing", required=("default",), optional=("except",))
    exceptions = policy.get("except", {})
    return _policy(policy["default"], "missing.default"), {
        name: _policy(each, f"missing.except.{name}")
        for name, each in _mapping(exceptions, "missing.except").items()
    }


def _policy(value: object, path: str) -> frozenset[Missing]:
    return frozenset(
        _POLICIES[_one_of(each, f"{path}[{index}]", tuple(_POLICIES))]
        for index, each in enumerate(_sequence(value, path))
    )


def _screen_outs(value: object) -> tuple[ScreenOut, ...]:
    found = []
    for index, each in enumerate(_sequence(value, "screen_outs")):
        path = f"screen_outs[{index}]"
        row = _mapping(each, path, required=("name", "field", "value", "disposition"), optional=())
        found.append(
            ScreenOut(
                name=_text(row["name"], f"{path}.name", _NAME),
                field=_text(row["field"], f"{path}.field", _NAME),
                value=_code(row["value"], f"{path}.value"),
                disposition=_text(row["disposition"], f"{path}.disposition", _DISPOSITION),
            )
        )
    _distinct([each.name for each in found], "screen_outs")
    return tuple(found)


def _consent(value: object) -> Consent:
    data = _mapping(value, "consent", required=("agree", "required"), optional=("optional",))
    consent = Consent(
        agree=_code(data["agree"], "consent.agree"),
        required=_names(data["required"], "consent.required"),
        optional=_names(data.get("optional", ()), "consent.optional"),
    )
    if not consent.required:
        raise Problem("instrument_empty", path="consent.required")
    _distinct(consent.required + consent.optional, "consent")
    return consent


def _indicators(value: object) -> tuple[Indicator, ...]:
    found = []
    for name, each in _mapping(value, "indicators").items():
        path = f"indicators.{name}"
        _text(name, path, _INDICATOR)
        data = _mapping(each, path, required=("denominator",), optional=("score", "any_of", "label"))
        if ("score" in data) == ("any_of" in data):
            raise Problem("instrument_one_rule", path=path)
        label = _mapping(data.get("label", {}), f"{path}.label", required=(), optional=("vi", "en"))
        found.append(
            Indicator(
                name=name,
                denominator=Denominator(
                    _one_of(data["denominator"], f"{path}.denominator", tuple(Denominator))
                ),
                rule=(
                    _score(data["score"], f"{path}.score")
                    if "score" in data
                    else _any_of(data["any_of"], f"{path}.any_of")
                ),
                label={language: _text(text, f"{path}.label.{language}") for language, text in label.items()},
            )
        )
    return tuple(found)


def _score(value: object, path: str) -> Score:
    data = _mapping(
        value,
        path,
        required=("items", "max_each", "max_missing", "missing_rule", "threshold_sum"),
        optional=("sensitivity", "min_each", "min_each_items", "min_items_at_least_1"),
    )
    items = _names(data["items"], f"{path}.items")
    if not items:
        raise Problem("instrument_empty", path=f"{path}.items")
    _one_of(data["missing_rule"], f"{path}.missing_rule", ("prorate",))
    max_each = _whole(data["max_each"], f"{path}.max_each", 1, 100)
    most = max_each * len(items)
    threshold = _whole(data["threshold_sum"], f"{path}.threshold_sum", 0, most)
    sensitivity = tuple(
        _whole(each, f"{path}.sensitivity[{index}]", 0, most)
        for index, each in enumerate(_sequence(data.get("sensitivity", [threshold]), f"{path}.sensitivity"))
    )
    _distinct([str(each) for each in sensitivity], f"{path}.sensitivity")
    if threshold not in sensitivity:
        raise Problem("instrument_sensitivity", path=f"{path}.sensitivity", threshold=threshold)
    min_each_items = _names(data.get("min_each_items", ()), f"{path}.min_each_items")
    for index, name in enumerate(min_each_items):
        _one_of(name, f"{path}.min_each_items[{index}]", items)
    return Score(
        items=items,
        max_each=max_each,
        max_missing=_whole(data["max_missing"], f"{path}.max_missing", 0, len(items) - 1),
        threshold=threshold,
        sensitivity=tuple(sorted(sensitivity)),
        min_each=_whole(data.get("min_each", 0), f"{path}.min_each", 0, max_each),
        min_each_items=min_each_items,
        min_items_at_least_1=_whole(
            data.get("min_items_at_least_1", 0), f"{path}.min_items_at_least_1", 0, len(items)
        ),
    )


def _any_of(value: object, path: str) -> AnyOf:
    choices: dict[str, frozenset[str]] = {}
    for name, each in _mapping(value, path).items():
        where = f"{path}.{name}"
        codes = [_code(code, f"{where}[{index}]") for index, code in enumerate(_sequence(each, where))]
        if not codes:
            raise Problem("instrument_empty", path=where)
        _distinct(codes, where)
        choices[name] = frozenset(codes)
    if not choices:
        raise Problem("instrument_empty", path=path)
    return AnyOf(choices)


# ── small readers: every one knows the path it reads at ─────────────────────────────────────────────────────


def _mapping(
    value: object,
    path: str,
    *,
    required: Sequence[str] = (),
    optional: Sequence[str] | None = None,
) -> Mapping[str, object]:
    """A mapping with text keys; with ``optional`` given, no keys but those and ``required``."""
    if not isinstance(value, Mapping):
        raise Problem("instrument_not_a_mapping", path=path or "instrument")
    for key in value:
        where = f"{path}.{key}".lstrip(".")
        if not isinstance(key, str):
            raise Problem("instrument_not_text", path=where)
        if optional is not None and key not in required and key not in optional:
            raise Problem("instrument_unknown_key", path=where, known=", ".join((*required, *optional)))
    for key in required:
        if key not in value:
            raise Problem("instrument_missing_key", path=f"{path}.{key}".lstrip("."))
    return value


def _sequence(value: object, path: str) -> Sequence[object]:
    if isinstance(value, str) or not isinstance(value, Sequence):
        raise Problem("instrument_not_a_list", path=path)
    return value


def _text(value: object, path: str, shape: _Shape | None = None) -> str:
    if not isinstance(value, str):
        raise Problem("instrument_not_text", path=path)
    text = value.strip()
    if not text:
        raise Problem("instrument_empty", path=path)
    if shape is not None and not shape.pattern.fullmatch(text):
        raise Problem("instrument_shape", path=path, value=text, example=shape.example)
    return text


def _code(value: object, path: str) -> str:
    """A choice's name: YAML reads ``3`` as a number, the form stores it as text."""
    if isinstance(value, bool) or not isinstance(value, (int, str)):
        raise Problem("instrument_not_a_code", path=path, value=value)
    return _text(str(value), path)


def _whole(value: object, path: str, least: int, most: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise Problem("instrument_bounds", path=path, value=value, least=least, most=most)
    return value


def _one_of(value: object, path: str, allowed: Sequence[str]) -> str:
    if not isinstance(value, str) or value not in allowed:
        raise Problem("instrument_one_of", path=path, value=value, allowed=", ".join(allowed))
    return value


def _names(value: object, path: str) -> tuple[str, ...]:
    names = tuple(_text(each, f"{path}[{index}]", _NAME) for index, each in enumerate(_sequence(value, path)))
    _distinct(names, path)
    return names


def _distinct(names: Iterable[str], path: str) -> None:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise Problem("instrument_duplicate", path=path, name=name)
        seen.add(name)


# ── against the form ────────────────────────────────────────────────────────────────────────────────────────


def check_against_form(instrument: Instrument, form: Form) -> None:
    """Hold every name of the instrument against the form; raise the first problem found, with its path."""
    if instrument.form != form.id:
        raise Problem("instrument_other_form", path="instrument.form", form=instrument.form, found=form.id)
    questions: dict[str, Question] = {}
    twice: set[str] = set()
    for question in form.questions():
        twice |= {question.name} & questions.keys()
        questions[question.name] = question

    def find(name: str, path: str, kinds: Collection[Kind] | None = None) -> Question:
        if name not in questions:
            raise Problem("instrument_unknown_question", path=path, name=name, form=form.id)
        if name in twice:
            raise Problem("instrument_ambiguous_question", path=path, name=name)
        found = questions[name]
        if kinds is not None and found.kind not in kinds:
            raise Problem(
                "instrument_wrong_kind",
                path=path,
                name=name,
                kind=found.kind.value,
                expected=", ".join(sorted(kind.value for kind in kinds)),
            )
        return found

    def must_have(question: Question, value: str, path: str) -> None:
        if question.choices and value not in {choice.name for choice in question.choices}:
            raise Problem("instrument_unknown_choice", path=path, name=question.name, choice=value)

    if instrument.person is not None:
        person = instrument.person
        for value, sex in person.sexes.items():
            must_have(find(person.sex, "person.sex.field"), value, f"person.sex.{sex.value}")
        find(person.birth, "person.birth")
        for name, path in ((person.area, "person.area"), (person.way, "person.way")):
            if name is not None:
                find(name, path)
    for name in instrument.missing_except:
        find(name, f"missing.except.{name}", ASKED)
    for name in sorted(instrument.self_only):
        find(name, "self_only", ASKED)
    for index, ending in enumerate(instrument.screen_outs):
        path = f"screen_outs[{index}]"
        must_have(find(ending.field, f"{path}.field"), ending.value, f"{path}.value")
    for path, names, kind in (
        ("items.one", instrument.one, Kind.SELECT_ONE),
        ("items.multiple", instrument.multiple, Kind.SELECT_MULTIPLE),
    ):
        for name in names:
            for choice in find(name, path, {kind}).choices:
                if choice.name in RESERVED:
                    raise Problem("instrument_reserved_choice", path=path, name=name, choice=choice.name)
                if len(choice.name) > LONGEST_OUTCOME:
                    raise Problem(
                        "instrument_long_choice",
                        path=path,
                        name=name,
                        choice=choice.name,
                        most=LONGEST_OUTCOME,
                    )
    if instrument.consent is not None:
        consent = instrument.consent
        for path, names in (("consent.required", consent.required), ("consent.optional", consent.optional)):
            for name in names:
                toggle = find(name, path, {Kind.SELECT_ONE})
                must_have(toggle, consent.agree, "consent.agree")
                if toggle.default:
                    raise Problem("instrument_preselected_consent", path=path, name=name)
                if missing_offered(instrument, name):
                    raise Problem("instrument_missing_on_consent", path=path, name=name)
    for indicator in instrument.indicators:
        path = f"indicators.{indicator.name}"
        if isinstance(indicator.rule, Score):
            levels = {str(level) for level in range(indicator.rule.max_each + 1)}
            for name in indicator.rule.items:
                item = find(name, f"{path}.score.items", {Kind.SELECT_ONE, Kind.INTEGER})
                if item.kind is Kind.SELECT_ONE and {choice.name for choice in item.choices} != levels:
                    raise Problem(
                        "instrument_not_levels",
                        path=f"{path}.score.items",
                        name=name,
                        most=max(levels, key=int),
                    )
        else:
            for name, codes in indicator.rule.choices.items():
                where = f"{path}.any_of.{name}"
                asked = find(name, where, {Kind.SELECT_ONE, Kind.SELECT_MULTIPLE})
                for code in sorted(codes):
                    must_have(asked, code, where)
