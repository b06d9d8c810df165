"""The engine alone, beside ODK's own: microseconds for one answer, in the same run on the same forms.

An answer is what an application does: give the value, have everything worked out, go on, read the next
question and its choices. Ours is a step and the prompt after it, going on from the step before, as turns do.
JavaRosa (ODK Collect) and xforms-engine (ODK Web Forms) are driven by ``tests/golden/driver``; start-up,
reading the form and warming up are left out for all three. Each engine answers every form several times in
every round, the rounds take turns, and of all its interviews the one with the lowest median counts: that
favours just-in-time compilers, and is moved least by whatever else the machine does.

A server that many people talk to can't keep every interview at hand. So a turn in the middle of one that
isn't is measured, too: what was saved is read, the answer given, the next question read. The form itself is
at hand; JavaRosa's in its own cache, from which it must be taken for every interview.
"""

from __future__ import annotations

import random
import statistics
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from typing import Any
from xml.etree import ElementTree

import msgspec

from bot.authoring.check import read_converted
from bot.authoring.convert import interpret
from bot.questionnaires import Prepared, context, prepare
from surveys import interview
from surveys.forms import ACKNOWLEDGED, SELECTS, Kind, Missing
from surveys.instruments import Instrument, Unit
from surveys.interview import AddAnother, Answer, Ask, Event, Leave, NoMore, State, Step, prompt
from tests.golden import timed
from tests.golden.record import engines
from tests.golden.sources import NOW, Source, candidates, counts

AIMS = {"nguoi_lao_dong": 50.0, "household_60": 150.0, "long_500": 300.0}
"""What one answer should take at most, in microseconds (median), by form."""
TIMES_ODK = 20.0
"""How many times as fast as ODK's engines an answer should be."""
LOAD_S = 1.0
"""How long reading the longest form should take at most."""
INTERVIEWS = 10
"""How often each form is answered in a round: as often as ODK's engines answer it."""
TYPICAL = {
    Kind.INTEGER: ("33", "18", "5", "2", "1", "0"),
    Kind.DECIMAL: ("2.5", "18", "1"),
    Kind.RANGE: ("1", "2", "5"),
    Kind.DATE: ("1990-04-12",),
    Kind.TIME: ("07:30:00.000+07:00",),
    Kind.DATETIME: ("2024-03-01T07:30:00.000+07:00",),
    Kind.GEOPOINT: ("10.5 106.5 0 0",),
    Kind.ACKNOWLEDGE: (ACKNOWLEDGED,),
}
"""Values that mostly fit, by kind; words for everything else."""
WORDS = ("Nguyễn Văn An", "1985", "18")
ABOUT = context(datetime.fromisoformat(NOW), "vi")


@dataclass(frozen=True, slots=True)
class Times:
    """Of one interview: its number of answers and microseconds for one; ``first_us`` and ``last_us`` are
    medians of the first and the last tenth of the answers. ``anew_us``: for a turn in its middle when it is
    not at hand (0: not measured).
    """

    answers: float
    median_us: float
    mean_us: float
    p99_us: float
    first_us: float
    last_us: float
    anew_us: float


@dataclass(frozen=True, slots=True)
class Loaded:
    """Reading a form: seconds from the converted workbook (pyxform's part is ``pyxform_s``) to a form that is
    ready to be asked, the first time and afterwards (median).
    """

    pyxform_s: float
    first_s: float
    again_s: float


@dataclass(frozen=True, slots=True)
class Measured:
    """One form. ``odk`` are ODK's engines by name, those that are here."""

    form: str
    aim_us: float
    ours: Times
    load: Loaded
    odk: Mapping[str, Times] = field(default_factory=dict)

    def ratios(self, engine: str) -> dict[str, float]:
        """How many times as long ``engine`` takes for an answer: by the median, by the mean, and anew."""
        theirs, ours = self.odk[engine], self.ours
        return {
            "median": round(theirs.median_us / ours.median_us, 1),
            "mean": round(theirs.mean_us / ours.mean_us, 1),
            "anew": round(theirs.anew_us / ours.anew_us, 1),
        }


def measure(told: Callable[[str], object], rounds: int = 3) -> tuple[list[Measured], str]:
    """Every form; and which of ODK's engines is missing (empty when both are here)."""
    forms = []
    for make in timed.FORMS:
        began = time.perf_counter()
        source = make()
        seconds = time.perf_counter() - began
        prepared, load = _read(source, seconds)
        forms.append((source, prepared, load))
        told(f"{source.name} read in {load.first_s:.2f} s (pyxform before that: {seconds:.1f} s)")
    missing = engines()
    ours: dict[str, list[Times]] = {}
    odk: dict[str, dict[str, list[Times]]] = {}
    for number in range(rounds):
        for source, prepared, _ in forms:
            own = ours.setdefault(source.name, [])
            own += [answered(source, prepared, seed) for seed in range(INTERVIEWS)]
        if missing != "java":
            for engine, interviews in timed.every([source for source, *_ in forms]).items():
                for form, times in interviews.items():
                    odk.setdefault(form, {}).setdefault(engine, []).extend(Times(**each) for each in times)
        told(f"round {number + 1} of {rounds}")
    return [
        Measured(
            source.name,
            AIMS[source.name],
            quickest(ours[source.name]),
            load,
            {engine: quickest(times) for engine, times in odk.get(source.name, {}).items()},
        )
        for source, _, load in forms
    ], missing


def quickest(interviews: Sequence[Times]) -> Times:
    """The interview with the lowest median, of those that were not over early."""
    most = max(one.answers for one in interviews)
    best = min((one for one in interviews if one.answers * 2 > most), key=lambda one: one.median_us)
    return replace(best, anew_us=min(one.anew_us for one in interviews if one.anew_us))


def _read(source: Source, pyxform_s: float, times: int = 5) -> tuple[Prepared, Loaded]:
    seconds = []
    for _ in range(times):
        began = time.perf_counter()
        prepared = _prepared(source)
        seconds.append(time.perf_counter() - began)
    load = Loaded(round(pyxform_s, 3), round(seconds[0], 3), round(statistics.median(seconds[1:]), 3))
    return prepared, load


def _prepared(source: Source) -> Prepared:
    loaded = read_converted(interpret(source.document))
    form = loaded.form
    assert form is not None, loaded.errors
    return prepare(0, form, Instrument(form.id, form.version, "", form.id, Unit.PERSON))


# ── one interview ───────────────────────────────────────────────────────────────────────────────────────────


def answered(source: Source, prepared: Prepared, seed: int) -> Times:
    """Answer a form at random, with something to everything, and time each answer that was taken."""
    rng = random.Random(seed)
    tree = ElementTree.fromstring(source.xform.encode())
    suggested, counted = candidates(tree), set(counts(tree))
    questionnaire = prepared.questionnaire
    state = interview.begin(questionnaire, {}, ABOUT)
    step: Step | None = None
    asked = prompt(questionnaire, state, ABOUT)
    micros: list[float] = []
    anew = 0.0
    while isinstance(asked, Ask | AddAnother):
        for event in _events(asked, suggested, counted, rng):
            before = state
            began = time.perf_counter_ns()
            after = interview.step(questionnaire, state, event, ABOUT, step)
            following = prompt(questionnaire, after.state, ABOUT, after)
            took = time.perf_counter_ns() - began
            step, state = after, after.state
            if after.refusal is None:
                if len(micros) == timed.HALF[source.name]:
                    anew = _anew(prepared, before, event)
                micros.append(took / 1000)
                asked = following
                break
        else:
            raise RuntimeError(f"{source.name}: nothing fits {asked.ref}")
    first, last = _ends(micros)
    ninety_nine = sorted(micros)[int(len(micros) * 0.99)]
    middle, mean = statistics.median(micros), statistics.mean(micros)
    return Times(len(micros), middle, mean, ninety_nine, first, last, anew)


def _anew(prepared: Prepared, state: State, event: Event) -> float:
    """Microseconds for a turn when all that is there of the interview is its document; the median of five."""
    document = msgspec.json.encode(state)
    micros = []
    for _ in range(5):
        began = time.perf_counter_ns()
        kept = msgspec.json.decode(document, type=State)
        after = interview.step(prepared.questionnaire, kept, event, ABOUT)
        prompt(prepared.questionnaire, after.state, ABOUT, after)
        micros.append((time.perf_counter_ns() - began) / 1000)
    return statistics.median(micros)


def _events(
    asked: Ask | AddAnother, suggested: Mapping[str, Sequence[str]], counted: set[str], rng: random.Random
) -> Iterator[Event]:
    """What may answer a prompt, the likeliest first."""
    if isinstance(asked, AddAnother):
        yield NoMore(asked.ref)
        return
    ref = asked.ref
    for value in _values(asked, suggested, counted, rng):
        yield Answer(ref, value, sure=True)
    if asked.offers.skip:
        yield Leave(ref, Missing.SKIPPED)


def _values(
    asked: Ask, suggested: Mapping[str, Sequence[str]], counted: set[str], rng: random.Random
) -> Iterator[str]:
    template = "".join(part.partition("[")[0] + "/" for part in asked.ref.split("/"))[:-1]
    if template in counted:
        yield str(timed.MEMBERS)
        return
    names = [choice.name for choice in asked.choices]
    if asked.kind is Kind.SELECT_ONE:
        yield from rng.sample(names, len(names))
        return
    if asked.kind in SELECTS or asked.kind is Kind.RANK:
        for _ in range(8):
            some = [name for name in names if rng.random() < 0.5] or names[:1]
            yield " ".join(names if asked.kind is Kind.RANK else some)
        yield from names
        return
    fitting = list(suggested.get(template, ()))
    rng.shuffle(fitting)
    yield from fitting
    yield from TYPICAL.get(asked.kind, WORDS)


def _ends(values: Sequence[float]) -> tuple[float, float]:
    tenth = max(1, len(values) // 10)
    return statistics.median(values[:tenth]), statistics.median(values[-tenth:])


# ── shown ───────────────────────────────────────────────────────────────────────────────────────────────────

ENGINES = {"javarosa": "JavaRosa", "xforms_engine": "xforms-engine"}


def rows(measured: Sequence[Measured]) -> Iterator[list[str]]:
    """A row for every form and engine, as in :data:`HEADINGS`."""
    for one in measured:
        yield [one.form, "ours", *_figures(one.ours), "", f"≤ {one.aim_us:.0f} µs"]
        for engine, times in one.odk.items():
            ratios = one.ratios(engine)
            ratio = f"{ratios['median']:.1f} / {ratios['mean']:.1f}"
            yield [one.form, ENGINES[engine], *_figures(times), ratio, f"≥ {TIMES_ODK:.0f} ×"]


HEADINGS = (
    "form", "engine", "answers", "median µs", "mean µs", "p99 µs", "first / last tenth µs",
    "× ours by median / mean", "aim",
)  # fmt: skip


def _figures(times: Times) -> list[str]:
    ends = f"{times.first_us:,.0f} / {times.last_us:,.0f}"
    figures = (f"{value:,.1f}" for value in (times.median_us, times.mean_us, times.p99_us))
    return [f"{times.answers:.0f}", *figures, ends]


ANEW_HEADINGS = ("form", "ours µs", *(f"{name} µs (× ours)" for name in ENGINES.values()))


def anew_rows(measured: Sequence[Measured]) -> Iterator[list[str]]:
    """A row for every form: a turn of an interview that is not at hand."""
    for one in measured:
        theirs = [
            f"{one.odk[engine].anew_us:,.0f} ({one.ratios(engine)['anew']:.0f})" if engine in one.odk else "–"
            for engine in ENGINES
        ]
        yield [one.form, f"{one.ours.anew_us:,.0f}", *theirs]


LOAD_HEADINGS = ("form", "read first s", "again s", "aim", "pyxform before that s")


def load_rows(measured: Sequence[Measured]) -> Iterator[list[str]]:
    """What reading the forms took."""
    for one in measured:
        load = one.load
        yield [
            one.form, f"{load.first_s:.3f}", f"{load.again_s:.3f}", f"≤ {LOAD_S:.0f}", f"{load.pyxform_s:.2f}"
        ]  # fmt: skip


def written(measured: Sequence[Measured], missing: str) -> dict[str, Any]:
    """Everything, for programs."""
    return {
        "missing": missing,
        "forms": [
            {**asdict(one), "ratios": {engine: one.ratios(engine) for engine in one.odk}} for one in measured
        ],
    }
