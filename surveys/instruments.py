"""An instrument: a form plus how it is scored, counted and ended early, as read from ``instrument.yaml``.

Everything a rule or an office may change about a questionnaire stands in that file, never in code. The format
is described for authors in ``surveys/library/README.md``.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from surveys.forms import ASKED, Form, Kind, Missing, Question, Repeat
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


WAY_FIELD = "cach_tra_loi"
"""The hidden field by which a form that asks for it learns how it is answered."""


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
class Address:
    """How a member of ``from_age`` full years or more is spoken to, by sex."""

    from_age: int
    by_sex: Mapping[Sex, str]


@dataclass(frozen=True, slots=True)
class Invited:
    """Members whose ``field`` is ``value`` get a code of their own to the campaign that asks
    ``instrument``.
    """

    field: str
    value: str
    instrument: str
    address: tuple[Address, ...] = ()
    """By rising age; younger than the first: as the form says."""


@dataclass(frozen=True, slots=True)
class Members:
    """The people of a household: one instance each of the form's repeat ``repeat``, told apart by ``name``.

    All fields, counted questions and indicators are of one member. ``person.way`` says whether the member
    answered for themselves.
    """

    repeat: str
    name: str
    person: PersonFields
    one: tuple[str, ...] = ()
    multiple: tuple[str, ...] = ()
    indicators: tuple[Indicator, ...] = ()
    invited: Invited | None = None


@dataclass(frozen=True, slots=True)
class Part:
    """What is counted of one unit of an instrument: its questions and indicators."""

    unit: Unit
    person: PersonFields | None
    one: tuple[str, ...]
    multiple: tuple[str, ...]
    indicators: tuple[Indicator, ...]

    @property
    def items(self) -> tuple[str, ...]:
        """Its counted questions."""
        return self.one + self.multiple


MODULES = ("nhay_cam", "ket_noi")
"""What consent asks about besides taking part: sensitive personal data (Decree 356/2025/NĐ-CP, Article 4),
the link to the residents' learning database.
"""


@dataclass(frozen=True, slots=True)
class Instrument:
    """How a form is asked, scored and counted. ``person``, ``one``, ``multiple`` and ``indicators`` are of
    its ``unit``; what is counted of a household's people stands in ``members``.
    """

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
    members: Members | None = None
    area: str | None = None
    """The field with the code of the area where it counts."""
    about_others: bool = False
    """It asks one person about others: never through a platform abroad (Law 91/2025/QH15, Article 20)."""
    private: frozenset[str] = frozenset()
    """Fields that identify people: kept apart from the answers, never in a coded row."""
    until_close: frozenset[str] = frozenset()
    """Those of them that are deleted when the campaign closes."""
    modules: frozenset[str] = frozenset()
    """Which of :data:`MODULES` it needs."""

    @property
    def parts(self) -> tuple[Part, ...]:
        """What is counted, by unit: its own, then its members'."""
        own = Part(self.unit, self.person, self.one, self.multiple, self.indicators)
        if self.members is None:
            return (own,)
        of = self.members
        return own, Part(Unit.PERSON, of.person, of.one, of.multiple, of.indicators)

    @property
    def items(self) -> tuple[str, ...]:
        """Every counted question."""
        return tuple(name for part in self.parts for name in part.items)

    @property
    def every_indicator(self) -> tuple[Indicator, ...]:
        """Every indicator of every unit."""
        return tuple(indicator for part in self.parts for indicator in part.indicators)

    def part_of(self, item: str) -> Part | None:
        """The unit of which an item (a question, an indicator, ``indicator@threshold``) is counted."""
        name = item.partition("@")[0]
        return next(
            (
                part
                for part in self.parts
                if name in part.items or any(each.name == name for each in part.indicators)
            ),
            None,
        )

    def indicator(self, name: str) -> Indicator | None:
        """The indicator of that name, if there is one."""
        return next((each for each in self.every_indicator if each.name == name), None)


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
        optional=(
            "person",
            "household",
            "members",
            "about_others",
            "private",
            "until_close",
            "modules",
            "missing",
            "self_only",
            "screen_outs",
            "items",
            "indicators",
            "consent",
        ),
    )
    head = _mapping(
        top["instrument"], "instrument", required=("id", "version", "status", "form", "unit"), optional=()
    )
    default, exceptions = _missing(top.get("missing", {"default": []}))
    one, multiple = _items(top.get("items", {}), "items")
    unit = Unit(_one_of(head["unit"], "instrument.unit", tuple(Unit)))
    person = _person(top["person"]) if "person" in top else None
    members = _members(top["members"]) if "members" in top else None
    household = _mapping(top.get("household", {}), "household", required=(), optional=("area",))
    area = _text(household["area"], "household.area", _NAME) if "area" in household else None
    for key in ("household", "members"):
        if key in top and unit is not Unit.HOUSEHOLD:
            raise Problem("instrument_not_a_household", path=key)
    if person is not None and unit is Unit.HOUSEHOLD:
        raise Problem("instrument_not_a_person", path="person")
    instrument = Instrument(
        id=_text(head["id"], "instrument.id", _ID),
        version=_code(head["version"], "instrument.version"),
        status=_text(head["status"], "instrument.status"),
        form=_text(head["form"], "instrument.form", _NAME),
        unit=unit,
        person=person,
        missing_default=default,
        missing_except=exceptions,
        self_only=frozenset(_names(top.get("self_only", ()), "self_only")),
        screen_outs=_screen_outs(top.get("screen_outs", ())),
        one=one,
        multiple=multiple,
        indicators=_indicators(top.get("indicators", {})),
        consent=_consent(top["consent"]) if "consent" in top else None,
        members=members,
        area=person.area if person is not None else area,
        about_others=_flag(top.get("about_others", members is not None), "about_others"),
        private=frozenset(_names(top.get("private", ()), "private")),
        until_close=frozenset(_names(top.get("until_close", ()), "until_close")),
        modules=frozenset(
            _one_of(each, f"modules[{index}]", MODULES)
            for index, each in enumerate(_sequence(top.get("modules", ()), "modules"))
        ),
    )
    _check_apart(instrument)
    for name in sorted(instrument.until_close - instrument.private):
        raise Problem("instrument_not_private", path="until_close", name=name)
    if members is not None and not instrument.about_others:
        raise Problem("instrument_about_others", path="about_others")
    if (one or multiple or instrument.indicators) and person is None and unit is Unit.PERSON:
        raise Problem("instrument_missing_key", path="person")
    _check_denominators(instrument)
    if form is not None:
        check_against_form(instrument, form)
    return instrument


def _person(value: object) -> PersonFields:
    return _fields(_mapping(value, "person", required=("sex", "birth"), optional=("area", "way")), "person")


def _fields(fields: Mapping[str, object], path: str) -> PersonFields:
    """Who the answers are about, out of a mapping whose keys were checked."""
    sex = _mapping(fields["sex"], f"{path}.sex", required=("field", "male", "female"), optional=())
    sexes = {_code(sex[each.value], f"{path}.sex.{each.value}"): each for each in Sex}
    if len(sexes) < len(Sex):
        raise Problem("instrument_duplicate", path=f"{path}.sex", name=next(iter(sexes)))
    return PersonFields(
        sex=_text(sex["field"], f"{path}.sex.field", _NAME),
        sexes=sexes,
        birth=_text(fields["birth"], f"{path}.birth", _NAME),
        area=_text(fields["area"], f"{path}.area", _NAME) if "area" in fields else None,
        way=_text(fields["way"], f"{path}.way", _NAME) if "way" in fields else None,
    )


def _members(value: object) -> Members:
    data = _mapping(
        value,
        "members",
        required=("repeat", "name", "sex", "birth"),
        optional=("way", "items", "indicators", "invite"),
    )
    one, multiple = _items(data.get("items", {}), "members.items")
    return Members(
        repeat=_text(data["repeat"], "members.repeat", _NAME),
        name=_text(data["name"], "members.name", _NAME),
        person=_fields(data, "members"),
        one=one,
        multiple=multiple,
        indicators=_indicators(data.get("indicators", {}), "members.indicators"),
        invited=_invited(data["invite"]) if "invite" in data else None,
    )


def _invited(value: object) -> Invited:
    path = "members.invite"
    data = _mapping(value, path, required=("field", "value", "instrument"), optional=("address",))
    address = []
    for index, each in enumerate(_sequence(data.get("address", ()), f"{path}.address")):
        where = f"{path}.address[{index}]"
        said = _mapping(each, where, required=("from_age", "male", "female"), optional=())
        address.append(
            Address(
                from_age=_whole(said["from_age"], f"{where}.from_age", 0, 120),
                by_sex={sex: _text(said[sex.value], f"{where}.{sex.value}") for sex in Sex},
            )
        )
    return Invited(
        field=_text(data["field"], f"{path}.field", _NAME),
        value=_code(data["value"], f"{path}.value"),
        instrument=_text(data["instrument"], f"{path}.instrument", _ID),
        address=tuple(sorted(address, key=lambda one: one.from_age)),
    )


def _items(value: object, path: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The counted questions: with one answer, with several."""
    items = _mapping(value, path, required=(), optional=("one", "multiple"))
    one = _names(items.get("one", ()), f"{path}.one")
    multiple = _names(items.get("multiple", ()), f"{path}.multiple")
    _distinct(one + multiple, path)
    return one, multiple


def _check_apart(instrument: Instrument) -> None:
    """What is counted of households and what of persons is told apart by its name alone."""
    own, *others = ({*part.items, *(each.name for each in part.indicators)} for part in instrument.parts)
    for part in others:
        for name in sorted(own & part):
            raise Problem("instrument_duplicate", path="members", name=name)


def _check_denominators(instrument: Instrument) -> None:
    """Shares of households are of households' indicators, and the other way round."""
    for part in instrument.parts:
        for each in part.indicators:
            if (each.denominator is Denominator.HOUSEHOLDS) != (part.unit is Unit.HOUSEHOLD):
                raise Problem(
                    "instrument_denominator",
                    path=each.name,
                    denominator=each.denominator.value,
                    unit=part.unit.value,
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


def _indicators(value: object, at: str = "indicators") -> tuple[Indicator, ...]:
    found = []
    for name, each in _mapping(value, at).items():
        path = f"{at}.{name}"
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


def _flag(value: object, path: str) -> bool:
    if not isinstance(value, bool):
        raise Problem("instrument_not_a_flag", path=path)
    return value


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
    repeats = [item for item in form.items() if isinstance(item, Repeat)]

    def repeats_of(question: Question) -> list[str]:
        return [repeat.ref for repeat in repeats if question.ref.startswith(f"{repeat.ref}/")]

    def find(name: str, path: str, kinds: Collection[Kind] | None = None, within: str = "") -> Question:
        found = anywhere(name, path, kinds)
        if repeats_of(found) != ([within] if within else []):
            if within:
                raise Problem("instrument_not_of_members", path=path, name=name, repeat=within)
            raise Problem("instrument_of_members", path=path, name=name)
        return found

    def anywhere(name: str, path: str, kinds: Collection[Kind] | None = None) -> Question:
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

    def check_person(person: PersonFields, path: str, within: str = "") -> None:
        for value, sex in person.sexes.items():
            must_have(find(person.sex, f"{path}.sex.field", None, within), value, f"{path}.sex.{sex.value}")
        find(person.birth, f"{path}.birth", None, within)
        for name, key in ((person.area, "area"), (person.way, "way")):
            if name is not None:
                find(name, f"{path}.{key}", None, within)

    def check_items(names: Iterable[str], kind: Kind, path: str, within: str = "") -> None:
        for name in names:
            for choice in find(name, path, {kind}, within).choices:
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

    def check_indicator(indicator: Indicator, path: str, within: str = "") -> None:
        if isinstance(indicator.rule, Score):
            levels = {str(level) for level in range(indicator.rule.max_each + 1)}
            where = f"{path}.score.items"
            for name in indicator.rule.items:
                item = find(name, where, {Kind.SELECT_ONE, Kind.INTEGER, Kind.RANGE}, within)
                if item.kind is Kind.SELECT_ONE and {choice.name for choice in item.choices} != levels:
                    raise Problem("instrument_not_levels", path=where, name=name, most=max(levels, key=int))
        else:
            for name, codes in indicator.rule.choices.items():
                where = f"{path}.any_of.{name}"
                asked = find(name, where, {Kind.SELECT_ONE, Kind.SELECT_MULTIPLE}, within)
                for code in sorted(codes):
                    must_have(asked, code, where)

    if instrument.person is not None:
        check_person(instrument.person, "person")
    if instrument.area is not None:
        find(instrument.area, "household.area" if instrument.unit is Unit.HOUSEHOLD else "person.area")
    for name in instrument.missing_except:
        anywhere(name, f"missing.except.{name}", ASKED)
    for name in sorted(instrument.self_only):
        anywhere(name, "self_only", ASKED)
    for name in sorted(instrument.private):
        anywhere(name, "private")
    for index, ending in enumerate(instrument.screen_outs):
        path = f"screen_outs[{index}]"
        must_have(find(ending.field, f"{path}.field"), ending.value, f"{path}.value")
    check_items(instrument.one, Kind.SELECT_ONE, "items.one")
    check_items(instrument.multiple, Kind.SELECT_MULTIPLE, "items.multiple")
    for indicator in instrument.indicators:
        check_indicator(indicator, f"indicators.{indicator.name}")
    if instrument.members is not None:
        members = instrument.members
        found = next((repeat for repeat in repeats if repeat.name == members.repeat), None)
        if found is None or any(found.ref.startswith(f"{other.ref}/") for other in repeats):
            raise Problem("instrument_no_such_repeat", path="members.repeat", name=members.repeat)
        find(members.name, "members.name", None, found.ref)
        check_person(members.person, "members", found.ref)
        check_items(members.one, Kind.SELECT_ONE, "members.items.one", found.ref)
        check_items(members.multiple, Kind.SELECT_MULTIPLE, "members.items.multiple", found.ref)
        for indicator in members.indicators:
            check_indicator(indicator, f"members.indicators.{indicator.name}", found.ref)
        if members.invited is not None:
            asked = find(members.invited.field, "members.invite.field", None, found.ref)
            must_have(asked, members.invited.value, "members.invite.value")
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
