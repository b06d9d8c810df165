"""Our engine goes the way of ODK's own: golden interviews, recorded there, gone through again here."""

from __future__ import annotations

import copy
import os
from collections.abc import Iterator, Mapping

import pytest

from tests.golden.compare import compare, prepared
from tests.golden.differences import DIFFERENCES
from tests.golden.record import RECORDINGS, SEEDS, Recording, engines, kept, record, written
from tests.golden.sources import names, source

EVERY = tuple(names())


@pytest.mark.parametrize("name", EVERY)
def test_every_golden_interview_goes_the_same_way_here(name: str) -> None:
    """The same questions in the same order, required and offered alike, the same answers taken and refused,
    and the same values in the end.
    """
    form = prepared(source(name))
    found = [
        f"seed {recording['seed']}, event {mismatch.at}: {mismatch.what} of {mismatch.ref}: "
        f"{mismatch.golden!r} there, {mismatch.ours!r} here"
        for recording in kept(name)
        for mismatch in compare(form, recording)
    ]
    assert not found, "\n".join(found)


def _otherwise(recording: Recording) -> Iterator[tuple[str, Recording]]:
    """The recording with one thing changed, and what that is."""
    at = next(i for i, event in enumerate(recording["events"]) if event.get("attempts"))
    for what, key, value in (
        ("required", "required", None),
        ("label", "label", "Câu khác?"),
        ("outcome", "attempts", [["", "constraint"]]),
        ("asked", "ref", "/data/nowhere"),
    ):
        other = copy.deepcopy(recording)
        event = other["events"][at]
        event[key] = not event[key] if value is None else value
        yield what, other
    other = copy.deepcopy(recording)
    last = next(reversed(other["values"]))
    other["values"][last] += "?"
    yield "value", other


def test_an_interview_that_went_another_way_is_noticed() -> None:
    form = prepared(source("roster_counted"))
    for what, other in _otherwise(kept("roster_counted")[0]):
        assert what in {mismatch.what for mismatch in compare(form, other)}


def test_every_form_has_its_recordings_and_no_recording_is_without_a_form() -> None:
    assert {path.stem for path in RECORDINGS.glob("*.jsonl")} == set(EVERY)
    for name in EVERY:
        assert [recording["seed"] for recording in kept(name)] == list(SEEDS)


def test_no_recording_holds_an_error() -> None:
    wrong = [(one["form"], one["seed"]) for one in _all() if "error" in one or "second_error" in one]
    assert not wrong


def test_every_difference_between_odks_engines_has_a_name_and_a_rule() -> None:
    unnamed = [
        (one["form"], one["seed"], difference)
        for one in _all()
        for difference in [*one.get("differs", []), *one.get("second_values", {}).items()]
        if _name(difference) not in DIFFERENCES
    ]
    assert not unnamed


def test_every_named_difference_occurs() -> None:
    used = {
        _name(difference)
        for one in _all()
        for difference in [*one.get("differs", []), *one.get("second_values", {}).items()]
    }
    used |= {rule for one in _all() for rule in [*one.get("adopted", []), one.get("until")] if rule}
    assert used == set(DIFFERENCES)


def test_the_interviews_show_what_a_form_can_have() -> None:
    """All that JavaRosa tells of an event occurs somewhere, and in each of the ways it can come out."""
    events = [event for one in _all() for event in one["events"]]
    kinds = {event["event"] for event in events}
    assert kinds == {"question", "read_only", "no_choices", "group", "add_another", "change", "remove"}
    assert {event["control"] for event in events if "control" in event} >= {1, 2, 3, 6, 9, 10, 12, 15, 16}
    assert {event["data"] for event in events if "data" in event} >= {1, 2, 3, 4, 5, 6, 7, 8, 10, 11, 12}
    outcomes = {attempt[1] for event in events for attempt in event.get("attempts", [])}
    assert outcomes == {"ok", "required", "constraint"}
    assert {one.get("submit") for one in _all()} >= {"ok", "required", "constraint"}
    assert max(event["ref"].count("[") for event in events) == 3
    assert len(EVERY) > 40


@pytest.mark.skipif(
    "GOLDEN_NODE" not in os.environ or bool(engines()),
    reason="make golden: needs Java and, at GOLDEN_NODE, xforms-engine",
)
def test_odks_engines_still_say_what_was_recorded() -> None:
    found = record([source(name) for name in EVERY])
    for name in EVERY:
        now = written(one for one in found if one["form"] == name)
        assert now == (RECORDINGS / f"{name}.jsonl").read_text(encoding="utf-8"), name


def _all() -> Iterator[Recording]:
    for name in EVERY:
        yield from kept(name)


def _name(difference: Mapping[str, object] | tuple[str, Mapping[str, object]]) -> object:
    return difference[1]["name"] if isinstance(difference, tuple) else difference["name"]
