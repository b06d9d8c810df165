"""The shipped instruments made ready, and somebody who answers them question by question."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from functools import lru_cache
from pathlib import Path

import yaml

from bot.authoring.convert import convert
from surveys.forms import Missing
from surveys.instruments import Instrument, offers, read_instrument
from surveys.interview import (
    Answer,
    Ask,
    Context,
    Leave,
    Prompt,
    Questionnaire,
    Refusal,
    Review,
    State,
    begin,
    prompt,
    step,
)
from surveys.xform import read_form

LIBRARY = Path(__file__).parents[1] / "surveys" / "library"

CONTEXT = Context(
    now=datetime(2026, 6, 1, 9, tzinfo=timezone(timedelta(hours=7))),
    language="vi",
    match=lambda pattern, text: re.fullmatch(pattern, text) is not None,
    rng=lambda: 0.5,
)

Key = str | tuple[str, int]
Given = Mapping[Key, str | Missing]
"""Answers by the question's name, or by name and number of the member asked about."""


@lru_cache(maxsize=8)
def shipped(name: str) -> tuple[Instrument, Questionnaire]:
    """A shipped instrument and its form."""
    loaded = read_form(convert(LIBRARY / name / "form.xlsx").xform, {})
    assert loaded.form is not None, loaded.errors
    text = (LIBRARY / name / "instrument.yaml").read_text(encoding="utf-8")
    instrument = read_instrument(yaml.safe_load(text), loaded.form)
    return instrument, Questionnaire(loaded.form, offers(instrument, loaded.form))


@dataclass(frozen=True, slots=True)
class Held:
    """An interview as it went: the questions asked, in order, by name (with the member's number); what stands
    at the end; the refusal that stopped it.
    """

    asked: list[Key]
    state: State
    last: Prompt
    refusal: Refusal | None = None

    def of(self, member: int) -> list[str]:
        """What was asked about one member."""
        return [key[0] for key in self.asked if isinstance(key, tuple) and key[1] == member]

    @property
    def of_all(self) -> list[str]:
        """What was asked once."""
        return [key for key in self.asked if isinstance(key, str)]

    @property
    def said(self) -> str:
        """Notes at the end, or why the last answer was refused."""
        if self.refusal is not None:
            return self.refusal.text or self.refusal.key
        return " ".join(one.text for one in self.last.before) if isinstance(self.last, Review) else ""


def key_of(ref: str) -> Key:
    """``/data/member[2]/age`` as ``("age", 2)``, ``/data/part/age`` as ``"age"``."""
    name = ref.rpartition("/")[2]
    found = re.search(r"\[(\d+)\]", ref)
    return (name, int(found[1])) if found else name


def hold(
    questionnaire: Questionnaire, given: Given, hidden: Mapping[str, str], state: State | None = None
) -> Held:
    """Answer whatever is asked, from the beginning or from ``state``, until it ends or a reply is refused."""
    state, asked = state or begin(questionnaire, hidden, CONTEXT), list[Key]()
    for _ in range(500):
        now = prompt(questionnaire, state, CONTEXT)
        if not isinstance(now, Ask):
            return Held(asked, state, now)
        key = key_of(now.ref)
        asked.append(key)
        reply = given[key] if key in given else given[key[0] if isinstance(key, tuple) else key]
        event = Leave(now.ref, reply) if isinstance(reply, Missing) else Answer(now.ref, reply)
        done = step(questionnaire, state, event, CONTEXT)
        if done.refusal is not None:
            return Held(asked, done.state, now, done.refusal)
        state = done.state
    raise AssertionError("an interview without end")
