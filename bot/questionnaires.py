"""Instruments made ready for asking: loaded once from the tables, then kept; what they hold never changes."""

from __future__ import annotations

import json
import random
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from sqlalchemy import Connection

from bot.authoring.check import generated_texts
from bot.patterns import match
from bot.render import mark, mark_of
from storage import instruments
from storage.instruments import Instrument as StoredInstrument
from surveys.forms import Form, Question
from surveys.instruments import Instrument, offers, read_instrument
from surveys.interview import Context, Questionnaire
from surveys.problems import Problem
from surveys.xform import Row, read_form


@dataclass(frozen=True, slots=True)
class Prepared:
    """One version of an instrument. ``refs`` and ``choices`` read the marks that buttons carry."""

    id: int
    instrument: Instrument
    questionnaire: Questionnaire
    refs: Mapping[str, str]
    choices: Mapping[str, Mapping[str, str]]

    @property
    def form(self) -> Form:
        return self.questionnaire.form


def context(now: datetime, language: str) -> Context:
    """What the engine may know of the world in this turn."""
    return Context(now=now, language=language, match=match, rng=random.random)


def prepare(key: int, form: Form, instrument: Instrument) -> Prepared:
    """Index a form and its instrument for the conversation.

    Raises Problem ``instrument_same_mark_question`` or ``instrument_same_mark_choice`` where buttons could
    not tell two questions, or two choices of a question, apart.
    """
    questionnaire = Questionnaire(form, offers(instrument, form))
    refs: dict[str, str] = {}
    choices: dict[str, Mapping[str, str]] = {}
    for ref in questionnaire.asked:
        first = refs.setdefault(mark_of(ref), ref)
        if first != ref:
            raise Problem("instrument_same_mark_question", first=first, second=ref)
        choices[ref] = _marks(questionnaire.leaves[ref].question)
    return Prepared(key, instrument, questionnaire, refs, choices)


def _marks(question: Question) -> Mapping[str, str]:
    """The names of a question's choices by their marks."""
    names: dict[str, str] = {}
    for choice in question.choices:
        first = names.setdefault(mark(choice.name), choice.name)
        if first != choice.name:
            raise Problem(
                "instrument_same_mark_choice", question=question.name, first=first, second=choice.name
            )
    return names


@lru_cache(maxsize=64)
def read(stored: StoredInstrument) -> Prepared:
    """A published instrument made ready. Raises Problem ``instrument_unreadable`` when this version can't
    ask it.
    """
    rows = {ref: Row(sheet, row) for ref, (sheet, row) in json.loads(stored.rows).items()}
    loaded = read_form(stored.xform, rows, generated=generated_texts())
    if loaded.form is None:
        raise Problem("instrument_unreadable", status=500, id=stored.id)
    return prepare(stored.id, loaded.form, read_instrument(json.loads(stored.definition), loaded.form))


class Shelf:
    """Prepared instruments by id, shared by all threads of a process."""

    def __init__(self) -> None:
        self._kept: dict[int, Prepared] = {}
        self._lock = threading.Lock()

    def get(self, connection: Connection, key: int) -> Prepared:
        """The instrument with this id, prepared now if it was not yet."""
        kept = self._kept.get(key)
        if kept is not None:
            return kept
        found = instruments.get(connection, key)
        if found is None:
            raise Problem("instrument_unknown", status=404, id=key)
        prepared = read(found)
        with self._lock:
            return self._kept.setdefault(key, prepared)
