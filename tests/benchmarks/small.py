"""Single costs, in this process: a step of the engine, a batch of turns, the reply reader, a table from the
cube.
"""

from __future__ import annotations

import itertools
import random
import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import insert

from bot import render
from bot.messages import ABILITIES, Inbound, What
from bot.questionnaires import Prepared, context
from storage import counts
from storage.schema import CELL, cube
from surveys import interview as engine
from surveys.counts import Dimension, Entry, table
from surveys.forms import Kind
from surveys.interview import Answer, State, prompt
from surveys.population import AgeBand, Sex
from surveys.replies import Option, read_reply
from tests.benchmarks import survey
from tests.town import Resident, Town, found

BATCH = 64


@dataclass(frozen=True, slots=True)
class Cost:
    """One cost: the median of several measurements, in microseconds, and the lowest and highest."""

    name: str
    median: float
    lowest: float
    highest: float


def cost(name: str, measure: Callable[[], float], times: int) -> Cost:
    """``measure`` gives microseconds; the first time doesn't count."""
    measure()
    found = [measure() for _ in range(times)]
    return Cost(name, round(statistics.median(found), 1), round(min(found), 1), round(max(found), 1))


def each(work: Callable[[], object], number: int) -> Callable[[], float]:
    """Microseconds of one of ``number`` runs of ``work`` in a row."""

    def measure() -> float:
        began = time.perf_counter()
        for _ in range(number):
            work()
        return (time.perf_counter() - began) * 1e6 / number

    return measure


@contextmanager
def town() -> Iterator[tuple[Town, str, Prepared]]:
    """A town on SQLite with the survey open: *(town, code, the survey prepared)*."""
    with tempfile.TemporaryDirectory(prefix="hoidan-bench-") as folder:
        place = found(f"sqlite:///{Path(folder) / 'hoidan.db'}", instruments=())
        try:
            made = place.act("instrument.publish", survey.publication())
            code = place.campaign(basis="dieu_19", instrument=survey.NAME)
            prepared = place.database.read(lambda connection: place.shelf.get(connection, made["id"]))
            yield place, code, prepared
        finally:
            place.close()


def small(told: Callable[[str], object], times: int = 9) -> list[Cost]:
    """All of them."""
    with town() as (place, code, prepared):
        results = []
        for measured in (
            _step(prepared, times),
            _reply(prepared, times),
            _batch(place, code, times),
            _start(place, code, times),
            *_cube(place, prepared, times),
        ):
            results.append(measured)
            told(f"{measured.name}: {measured.median:.1f} µs")
    return results


def _step(prepared: Prepared, times: int) -> Cost:
    about = context(datetime(2026, 3, 2, 9, 0), "en")
    half = dict(itertools.islice(_answers(prepared).items(), len(survey.QUESTIONS) // 2))
    state = State(answers=half)
    ref = prepared.questionnaire.asked[len(half)]
    choice = prepared.questionnaire.leaves[ref].question.choices[0].name

    def work() -> None:
        step = engine.step(prepared.questionnaire, state, Answer(ref, choice), about)
        asked = prompt(prepared.questionnaire, step.state, about, step)
        render.render(asked, 1, "en", ABILITIES["telegram"])

    return cost("engine: one answer, the next prompt, its message", each(work, 300), times)


def _answers(prepared: Prepared) -> dict[str, str]:
    """An answer to every question, by reference."""
    values = {}
    for ref in prepared.questionnaire.asked:
        question = prepared.questionnaire.leaves[ref].question
        values[ref] = question.choices[0].name if question.choices else "30"
    return values


def _reply(prepared: Prepared, times: int) -> Cost:
    choices = [Option(f"c{number}", (label,)) for number, label in enumerate(survey.QUESTIONS[3].choices, 1)]
    typed: list[tuple[Kind, str, list[Option]]] = [
        (Kind.SELECT_ONE, "Strongly agree", choices),
        (Kind.SELECT_ONE, "2", choices),
        (Kind.SELECT_ONE, "strongly disagre", choices),
        (Kind.INTEGER, "42", []),
        (Kind.INTEGER, "bốn mươi hai", []),
        (Kind.TEXT, "Sửa con đường cạnh chợ, mưa là ngập.", []),
        (Kind.DATE, "02/03/1985", []),
    ]
    today = date(2026, 3, 2)

    def work() -> None:
        for kind, text, offered in typed:
            read_reply(kind, text, choices=offered, language="vi", today=today)

    measured = cost("", each(work, 20), times)
    share = len(typed)
    return Cost(
        "reply reader: one typed reply (mean of seven kinds)",
        *(round(value / share, 1) for value in (measured.median, measured.lowest, measured.highest)),
    )


def _at_once(place: Town, messages: list[Inbound]) -> float:
    """Microseconds a message, of messages that all waited when the lane came free."""
    held, go = threading.Event(), threading.Event()

    def hold(_: object) -> None:
        held.set()
        go.wait()

    place.database.work(hold)
    held.wait()
    futures = [place.turns.take(message) for message in messages]
    began = time.perf_counter()
    go.set()
    for future in futures:
        future.result(60)
    return (time.perf_counter() - began) * 1e6 / len(messages)


def _batch(place: Town, code: str, times: int) -> Cost:
    people = [Resident(place, language="en") for _ in range(BATCH)]
    numbers = itertools.count()
    for person in people:
        person.start(code)
        person.tap(survey.QUESTIONS[0].choices[0])

    def measure() -> float:
        # The second question is a number; one out of bounds is refused: the next one is the same work.
        messages = [
            Inbound("telegram", f"batch {next(numbers)}", person.address, What.TEXT, "7", language="en")
            for person in people
        ]
        return _at_once(place, messages)

    return cost(f"turns: one answer in a batch of {BATCH}, committed", measure, times)


def _start(place: Town, code: str, times: int) -> Cost:
    numbers = itertools.count()

    def measure() -> float:
        messages = [
            Inbound("telegram", f"start {number}", f"{number}", What.OPENED, code, language="en")
            for number in itertools.islice(numbers, BATCH)
        ]
        return _at_once(place, messages)

    return cost(f"turns: one of {BATCH} new people who begin at once, committed", measure, times)


def _cube(place: Town, prepared: Prepared, times: int) -> Iterator[Cost]:
    """A question by ward, sex and age: 100 wards × 3 × every age band × 5 choices."""
    rng = random.Random(1)
    item = "water"
    cells = [
        {
            "campaign_id": 1,
            "instrument_id": prepared.id,
            "unit": "person",
            "way": "self",
            "area_code": f"{ward:05}",
            "sex": sex,
            "age_band": band.value,
            "item": item,
            "outcome": f"c{choice}",
            "count": rng.randrange(1, 1000),
        }
        for ward in range(100)
        for sex in (*(each.value for each in Sex), "unknown")
        for band in AgeBand
        for choice in range(1, 6)
    ]
    place.database.write(lambda connection: connection.execute(insert(cube), cells))
    assert set(CELL) < set(cells[0])

    def all_cells() -> Any:
        return place.database.read(lambda connection: counts.cells(connection, 1, [item]))

    def one_ward() -> Any:
        return place.database.read(lambda connection: counts.cells(connection, 1, [item], ["00042"]))

    entries = [
        (
            Entry(cell.item, cell.outcome, cell.unit, cell.way, cell.area_code, cell.sex, cell.age_band),
            number,
        )
        for cell, number in all_cells()
    ]

    def add_up() -> object:
        return table(prepared.instrument, entries, item=item, by=[Dimension.SEX, Dimension.AGE_BAND])

    yield cost(f"cube: one question, all {len(cells)} cells read", each(all_cells, 1), times)
    yield cost("cube: one question in one ward read", each(one_ward, 10), times)
    yield cost("cube: those cells added up by sex and age", each(add_up, 1), times)
