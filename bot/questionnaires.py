"""Instruments made ready for asking: loaded once from the tables, then kept; what they hold never changes."""

from __future__ import annotations

import json
import random
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache

from sqlalchemy import Connection

from bot.authoring.check import generated_texts
from bot.buttons import Place, mark, mark_of
from bot.patterns import match
from bot.phrases import steps_of
from bot.texts import LANGUAGES
from storage import instruments, trials
from storage.instruments import Instrument as StoredInstrument
from surveys.forms import ACKNOWLEDGED, Form, Kind, Question, Repeat, language_code
from surveys.instruments import Instrument, Unit, offers, read_instrument
from surveys.interview import Context, Questionnaire
from surveys.problems import Problem
from surveys.xform import Row, read_form


@dataclass(frozen=True, slots=True)
class Prepared:
    """One version of an instrument. ``refs`` (of questions and repeats) and ``choices`` read the marks that
    buttons carry; ``repeats`` are all repeats by reference, in order; ``languages`` the codes of the form's.
    ``id`` is below zero for a form that is only tried: minus the number of the trial.
    """

    id: int
    instrument: Instrument
    questionnaire: Questionnaire
    refs: Mapping[str, str]
    choices: Mapping[str, Mapping[str, str]]
    repeats: Mapping[str, Repeat] = field(default_factory=dict)
    languages: tuple[str, ...] = ()

    @property
    def form(self) -> Form:
        return self.questionnaire.form

    @property
    def is_trial(self) -> bool:
        """Whether nothing that is answered counts."""
        return self.id < 0

    def spoken(self, wanted: str) -> str:
        """The product's language that goes with this form for somebody who speaks ``wanted``.

        Theirs, if the form has it, or does not say in which language it is; else that of the form's default
        texts, if the product has it; else one that both have; else theirs. So nobody reads sentences of ours
        in one language around questions in another while that can be helped.
        """
        if wanted in self.languages or not self.languages:
            return wanted
        default = language_code(self.form.default_language)
        both = [code for code in (default, *self.languages) if code in LANGUAGES]
        return both[0] if both else wanted

    def ref(self, place: Place) -> str | None:
        """The reference a button is about: with the numbers of its instances filled in. None for what this
        form does not have.
        """
        template = self.refs.get(place.mark)
        if template is None:
            return None
        path, filled, left = "", "", list(place.numbers)
        steps = template.split("/")[1:]
        for at, step in enumerate(steps, 1):
            path, filled = f"{path}/{step}", f"{filled}/{step}"
            if path in self.repeats:
                if left:
                    filled += f"[{left.pop(0)}]"
                elif at < len(steps):
                    return None
        return None if left else filled


def context(now: datetime, language: str) -> Context:
    """What the engine may know of the world in this turn."""
    return Context(now=now, language=language, match=match, rng=random.random)


def prepare(key: int, form: Form, instrument: Instrument) -> Prepared:
    """Index a form and its instrument for the conversation.

    Raises Problem ``instrument_same_mark_question`` or ``instrument_same_mark_choice`` where buttons could
    not tell two questions, or two choices of a question, apart.
    """
    questionnaire = Questionnaire(form, offers(instrument, form))
    repeats = {item.ref: item for item in form.items() if isinstance(item, Repeat)}
    refs: dict[str, str] = {}
    choices: dict[str, Mapping[str, str]] = {}
    for ref in (*questionnaire.asked, *repeats):
        first = refs.setdefault(mark_of(ref), ref)
        if first != ref:
            raise Problem("instrument_same_mark_question", first=first, second=ref)
        if ref not in repeats:
            choices[ref] = _marks(questionnaire.leaves[ref].question)
    languages = tuple(filter(None, map(language_code, form.languages)))
    return Prepared(key, instrument, questionnaire, refs, choices, repeats, languages)


def _marks(question: Question) -> Mapping[str, str]:
    """What can be tapped for a question, by marks: names of choices, values of a range."""
    if question.kind is Kind.ACKNOWLEDGE:
        return {mark(ACKNOWLEDGED): ACKNOWLEDGED}
    if question.range is not None:
        return {mark(value): value for value in steps_of(question.range)}
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
    loaded = read_form(stored.xform, rows, generated=generated_texts(), attached=stored.attached)
    if loaded.form is None:
        raise Problem("instrument_unreadable", status=500, id=stored.id)
    if not stored.definition:
        return prepare(stored.id, loaded.form, unscored(loaded.form))
    return prepare(stored.id, loaded.form, read_instrument(json.loads(stored.definition), loaded.form))


def unscored(form: Form) -> Instrument:
    """A form alone: nothing is counted, and neither "don't know" nor "prefer not to say" is offered."""
    return Instrument(id=form.id, version=form.version, status="", form=form.id, unit=Unit.PERSON)


class Shelf:
    """Prepared instruments by id, shared by all threads of a process."""

    def __init__(self) -> None:
        self._kept: dict[int, Prepared] = {}
        self._lock = threading.Lock()

    def get(self, connection: Connection, key: int) -> Prepared:
        """The instrument with this id (below zero: the form of a trial), prepared now if it was not yet."""
        kept = self._kept.get(key)
        if kept is not None:
            return kept
        found = instruments.get(connection, key) if key > 0 else trials.form(connection, -key)
        if found is None:
            raise Problem("instrument_unknown", status=404, id=key)
        prepared = read(found)
        with self._lock:
            return self._kept.setdefault(key, prepared)
