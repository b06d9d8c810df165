"""The auditor of the simulation finds what is wrong, each kind of it, and nothing where all is right."""

from __future__ import annotations

from datetime import date, datetime

import pytest

from tests.simulation.audit import ZONE, Audit, Course, Span, audit
from tests.simulation.people import KINDS, Did, Got, Home, What

COURSE = Course(date(2026, 2, 2), date(2026, 3, 1))
NEVER = next(kind for kind in KINDS if kind.name == "never answers")
LEAFLET = next(kind for kind in KINDS if kind.name == "comes by leaflet, half")


def at(month: int, day: int, hour: int = 8, minute: int = 0) -> int:
    return round(datetime(2026, month, day, hour, minute, tzinfo=ZONE).timestamp() * 1000)


SPANS = [
    Span(at(2, 1) + (day * 24 + hour) * 3_600_000, at(2, 1) + (day * 24 + hour) * 3_600_000 + 60_000)
    for day in range(31)
    for hour in range(24)
]
"""The clock ran a minute at every full hour."""
RIGHT = (("contact.invite", at(2, 2)), *(("contact.not_started", at(2, day)) for day in (5, 10, 21)))
"""Three, five and seven days apart; Tết moves the last one from the 17th to the 21st."""


def home(*got: tuple[str, int], did: tuple[Did, ...] = (), kind: object = NEVER) -> Home:
    messages = [Got(when + 5_000, 1, words, 1, "") for words, when in got]
    return Home(1, kind, (1,), 1, "", messages, list(did))  # type: ignore[arg-type]


def found(one: Home, course: Course = COURSE, unknown: dict[int, list[int]] | None = None) -> Audit:
    return audit([one], SPANS, course, unknown or {})


def names(audited: Audit) -> set[str]:
    return {name for name, listed in audited.findings.items() if listed}


def test_a_household_that_got_what_it_should_is_in_order() -> None:
    audited = found(home(*RIGHT))
    assert names(audited) == set()
    assert audited.arrived == 4
    assert max(audited.late) <= 10_000


@pytest.mark.parametrize("missing", range(4))
def test_a_message_that_never_came_is_missed(missing: int) -> None:
    assert "lost" in names(found(home(*(one for number, one in enumerate(RIGHT) if number != missing))))


@pytest.mark.parametrize(
    ("when", "wrong"),
    [
        (at(2, 4), "early"),
        (at(2, 5, 21), "quiet"),
        (at(2, 5, 7), "quiet"),
        (at(2, 18, 9), "quiet"),
        (at(2, 5, 10), "lost"),
    ],
)
def test_a_message_at_the_wrong_time_is_found(when: int, wrong: str) -> None:
    assert wrong in names(found(home(RIGHT[0], ("contact.not_started", when))))


def test_a_message_too_many_is_found() -> None:
    assert "unasked" in names(found(home(*RIGHT, ("contact.not_started", at(2, 28)))))


def test_wrong_words_are_found() -> None:
    assert names(found(home(("contact.not_started", at(2, 2)), *RIGHT[1:]))) == {"worded"}


@pytest.mark.parametrize("what", [What.ANSWER, What.STOP, What.BLOCK])
def test_after_an_answer_a_stop_or_a_block_nothing_may_come(what: What) -> None:
    did = (Did(at(2, 3), what, 1),)
    assert names(found(home(RIGHT[0], did=did))) == set()
    assert "unasked" in names(found(home(*RIGHT[:2], did=did)))


def test_whoever_is_half_done_is_reminded_sooner_and_in_other_words() -> None:
    did = (Did(at(2, 3, 10), What.HALF, 1),)
    half = [("contact.half_done", at(2, day, 10)) for day in (4, 7, 12)]
    assert names(found(home(RIGHT[0], *half, did=did))) == set()
    assert "lost" in names(found(home(*RIGHT, did=did)))


def test_who_comes_by_leaflet_is_reminded_without_an_invitation() -> None:
    did = (Did(at(2, 3, 10), What.HALF, 1),)
    half = [("contact.half_done", at(2, day, 10)) for day in (4, 7, 12)]
    assert names(found(home(*half, did=did, kind=LEAFLET))) == set()


def test_in_a_pause_nothing_may_come_and_after_it_what_waited() -> None:
    paused = Course(COURSE.begins, COURSE.ends, ((at(2, 4, 12), at(2, 6, 14)),))
    assert "paused" in names(found(home(*RIGHT[:2]), paused))
    words = RIGHT[1][0]
    later = (RIGHT[0], (words, at(2, 6, 14)), (words, at(2, 11, 14)), (words, at(2, 21)))
    assert names(found(home(*later), paused)) == set()


def test_what_nobody_knows_about_counts_as_sent() -> None:
    assert names(found(home(RIGHT[0], *RIGHT[2:]), unknown={1: [RIGHT[1][1]]})) == set()


def test_remind_now_reaches_whoever_had_nothing_for_a_day() -> None:
    asked = Course(COURSE.begins, COURSE.ends, (), (at(2, 4, 10),))
    words = RIGHT[1][0]
    sooner = (RIGHT[0], (words, at(2, 4, 10)), (words, at(2, 9, 10)), (words, at(2, 21)))
    assert names(found(home(*sooner), asked)) == set()
    assert "lost" in names(found(home(*RIGHT), asked))
    assert "early" in names(found(home(*sooner)))
