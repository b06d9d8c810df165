"""How long ODK's engines take for one answer; ``python -m tests.benchmarks --only engine`` shows it beside
ours.

Three forms: the worker form; a household of 8 with 60 questions, 40 of them about every member; a form of
500 questions with 300 expressions. Each form is answered several times in one process; start-up and reading
the form are not measured. An answer is what an application does: give the value, have everything worked out,
go on, read the next question and its choices.
"""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from tests.forms.build import choices, row, xlsx
from tests.golden.record import HERE, NODE, _jobs, engines, javarosa
from tests.golden.sources import Source, converted, source

MEMBERS = 8
ROUNDS = range(1, 11)
HALF = {"nguoi_lao_dong": 12, "household_60": 90, "long_500": 230}
"""After how many answers an interview is read anew, by form."""


def worker() -> Source:
    """The worker form of the library: 24 questions."""
    return source("nguoi_lao_dong")


def household() -> Source:
    """A household of as many members as its first question says: 20 questions of it, 40 of every member."""
    rows = [
        row("integer", "size", "How many people live here?", required="yes", constraint=". > 0 and . <= 20"),
        *(row("select_one yn", f"has_{n}", f"Does the household have thing {n}?") for n in range(1, 11)),
        row("calculate", "assets", calculation=" + ".join(f"(${{has_{n}}} = 'yes')" for n in range(1, 11))),
        row("begin repeat", "member", "Member", repeat_count="${size}"),
        row("text", "name", "Name?", required="yes"),
        row("integer", "age", "How old is ${name}?", required="yes", constraint=". >= 0 and . <= 120"),
        row("select_one sex", "sex", "Is ${name} male or female?", required="yes"),
        row("calculate", "adult", calculation="if(${age} >= 15, 1, 0)"),
        *(
            row("select_one yn", f"a{n}", f"Can ${{name}} do thing {n}?", relevant="${age} >= 15")
            for n in range(1, 19)
        ),
        *(
            row(
                "select_multiple use", f"b{n}", f"What does ${{name}} use {n}?", relevant=f"${{a{n}}} = 'yes'"
            )
            for n in range(1, 10)
        ),
        *(
            row(
                "integer",
                f"c{n}",
                f"How often {n}?",
                constraint=". >= 0 and . < 1000",
                relevant="${adult} = 1",
            )
            for n in range(1, 11)
        ),
        row("calculate", "score", calculation=" + ".join(f"(${{a{n}}} = 'yes')" for n in range(1, 19))),
        row("end repeat"),
        row("calculate", "adults", calculation="sum(${adult})"),
        row("calculate", "able", calculation="sum(${score})"),
        row("calculate", "eldest", calculation="max(${age})"),
        *(
            row("text", f"end_{n}", f"For the {'${adults}'} adults: {n}?", relevant="${adults} > 0")
            for n in range(1, 10)
        ),
    ]
    lists = [*choices("yn", "yes", "no"), *choices("sex", "male", "female"), *choices("use", *"abcdef")]
    return converted("household_60", xlsx(rows, lists))


def long() -> Source:
    """500 questions with 300 expressions: 200 of relevance, 50 constraints, 50 calculations."""
    rows = list(_long())
    return converted("long_500", xlsx(rows, [*choices("yn", "yes", "no"), *choices("many", *"abcdefgh")]))


def _long() -> Iterator[dict[str, Any]]:
    for block in range(50):
        first = block * 10
        yield row("begin group", f"g{block}", f"Part {block}")
        yield row("select_one yn", f"q{first}", f"Question {first}?")
        yield row("integer", f"q{first + 1}", f"Question {first + 1}?", constraint=". >= 0 and . < 1000")
        for n in range(first + 2, first + 6):
            relevant = f"${{q{first}}} = 'yes' or ${{q{first + 1}}} > {n % 7}"
            yield row("select_one yn", f"q{n}", f"Question {n}?", relevant=relevant)
        for n in range(first + 6, first + 8):
            yield row("select_multiple many", f"q{n}", f"Question {n}?")
        for n in range(first + 8, first + 10):
            yield row("text", f"q{n}", f"Question {n}?")
        before = f" + ${{s{block - 1}}}" if block else ""
        calculation = f"coalesce(${{q{first + 1}}}, 0) + count-selected(${{q{first + 6}}}){before}"
        yield row("calculate", f"s{block}", calculation=calculation)
        yield row("end group")


FORMS = (worker, household, long)


def every(
    forms: Sequence[Source], interviews: Sequence[int] = ROUNDS
) -> dict[str, dict[str, list[dict[str, float]]]]:
    """Interviews by engine (``javarosa``, ``xforms_engine``: those that are here) and form, each with the
    number of ``answers`` and microseconds for one: ``median_us``, ``mean_us``, ``p99_us``, and ``first_us``
    and ``last_us``, medians of the first and the last tenth; ``anew_us`` for a turn in the middle of an
    interview that is not at hand and has to be read first (0: not measured). Raises RuntimeError naming what
    a driver could not do.
    """
    found: dict[str, dict[str, list[dict[str, float]]]] = {}
    missing = engines()
    with tempfile.TemporaryDirectory() as folder:
        jobs = _jobs(forms, Path(folder), interviews, time=True, members=MEMBERS, half=HALF)
        if missing != "java":
            found["javarosa"] = _by_form(javarosa(jobs))
        if not missing:
            found["xforms_engine"] = _by_form(_xforms_engine(jobs))
    return found


def _xforms_engine(jobs: Path) -> str:
    command = ["node", str(HERE / "driver" / "second.mjs"), "--time", str(jobs)]
    environment = {**os.environ, "TZ": "Asia/Ho_Chi_Minh"}
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=NODE, env=environment)
    return done.stdout


def _by_form(lines: str) -> dict[str, list[dict[str, float]]]:
    found: dict[str, list[dict[str, float]]] = {}
    for line in lines.split("\n"):
        if line:
            one = json.loads(line)
            if "error" in one:
                raise RuntimeError(one["error"])
            kept = ("answers", "median_us", "mean_us", "p99_us", "first_us", "last_us", "anew_us")
            found.setdefault(one["form"], []).append({key: one[key] for key in kept})
    return found
