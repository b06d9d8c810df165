"""Somebody answering a small questionnaire, written as its author would write it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import Any

from surveys.forms import Missing
from surveys.interview import (
    Add,
    AddAnother,
    Answer,
    Ask,
    Change,
    Confirming,
    Context,
    Event,
    Leave,
    Prompt,
    Questionnaire,
    Remove,
    Result,
    Review,
    Roster,
    Step,
    Toggle,
    Typed,
    begin,
    line,
    prompt,
    result,
    step,
)
from surveys.replies import Offers
from surveys.xform import read_form
from tests.forms.build import Rows, choices, converted, row

NOW = datetime(2026, 6, 1, 5, 30, tzinfo=timezone(timedelta(hours=7)))
VI, EN = "Tiếng Việt (vi)", "English (en)"
DK, PN, SKIPPED = Missing.DONT_KNOW, Missing.PREFER_NOT, Missing.SKIPPED
YES_NO = choices("yn", "yes", "no")
ABC = choices("abc", "a", "b", "c")


def questionnaire(
    survey: Iterable[Mapping[str, Any]],
    listed: Rows = (),
    offers: Mapping[str, Offers] | None = None,
    **settings: str,
) -> Questionnaire:
    about = {"form_id": "f", "version": "1", "default_language": VI, **settings}
    made = converted(list(survey), listed, [about])
    loaded = read_form(made.xform, made.rows)
    assert loaded.form is not None, (made.errors, loaded.errors)
    return Questionnaire(loaded.form, offers)


def altered(known: Questionnaire, **questions: Mapping[str, Any]) -> Questionnaire:
    """The same questionnaire with something else about the questions named (none of them in a group)."""
    children = tuple(replace(item, **questions.get(item.name, {})) for item in known.form.children)
    return Questionnaire(replace(known.form, children=children), known.offers)


class Talk:
    """Somebody answering; questions go by their names."""

    def __init__(
        self,
        survey: Iterable[Mapping[str, Any]],
        listed: Rows = (),
        offers: Mapping[str, Offers] | None = None,
        hidden: Mapping[str, str] | None = None,
        language: str = "vi",
        chance: Iterable[float] = (),
        **settings: str,
    ) -> None:
        self.about = questionnaire(survey, listed, offers, **settings)
        drawn = iter(chance)
        self.context = Context(
            now=NOW,
            language=language,
            match=lambda pattern, text: re.fullmatch(pattern, text) is not None,
            rng=lambda: next(drawn),
        )
        self.state = begin(self.about, hidden or {}, self.context)
        self.last = self.after = Step(self.state)

    def put(self, about: Questionnaire) -> None:
        """Begin again with another questionnaire."""
        self.about, self.state = about, begin(about, {}, self.context)
        self.last = self.after = Step(self.state)

    def ref(self, name: str) -> str:
        """The reference of a question by its name, ``age``, or in a member: ``member[2]/age``."""
        if "[" not in name:
            return self.about.by_name[name]
        path, _, last = name.rpartition("/")
        return f"/data/{path}/{last}"

    def do(self, *events: Event) -> Step:
        """What comes of the last of some events; what went before must be taken."""
        for event in events:
            assert self.last.refusal is None, self.last.refusal
            self.last = step(self.about, self.state, event, self.context, self.after)
            self.after = self.last
            self.state = self.last.state
            assert prompt(self.about, self.state, self.context, self.last) == self.now
        done, self.last = self.last, Step(self.state)
        return done

    def say(self, **answers: str) -> Step:
        """Answers by name, in this order."""
        return self.do(*(Answer(self.ref(name), value) for name, value in answers.items()))

    def leave(self, name: str, why: Missing = SKIPPED) -> Step:
        return self.do(Leave(self.ref(name), why))

    def typed(self, text: str, name: str | None = None) -> Step:
        return self.do(Typed(text, self.ref(name) if name else None))

    def tick(self, name: str, *names: str) -> Step:
        return self.do(*(Toggle(self.ref(name), choice) for choice in names))

    def change(self, name: str) -> Step:
        return self.do(Change(self.ref(name)))

    def add(self, name: str | None = None) -> Step:
        return self.do(Add(f"/data/{name}" if name else None, sure=True))

    def remove(self, name: str) -> Step:
        return self.do(Remove(f"/data/{name}", sure=True))

    @property
    def now(self) -> Prompt:
        return prompt(self.about, self.state, self.context)

    @property
    def ask(self) -> Ask:
        now = self.now
        assert isinstance(now, Ask), now
        return now

    @property
    def review(self) -> Review:
        now = self.now
        assert isinstance(now, Review), now
        return now

    @property
    def another(self) -> AddAnother:
        now = self.now
        assert isinstance(now, AddAnother), now
        return now

    @property
    def roster(self) -> Roster:
        now = self.now
        assert isinstance(now, Roster), now
        return now

    @property
    def confirming(self) -> Confirming:
        now = self.now
        assert isinstance(now, Confirming), now
        return now

    def review_line(self, name: str) -> str:
        """A question's answer as the review shows it."""
        return line(self.about, self.state, self.ref(name), self.context).value_label

    @property
    def before(self) -> tuple[str, ...]:
        """Headings and notes that stand before what is asked."""
        now = self.now
        assert isinstance(now, Ask | Review | AddAnother), now
        return tuple(passage.text for passage in now.before)

    @property
    def asks(self) -> str:
        """What is asked: its name, in a member with the member (``member[2]/age``); ``member?`` for *add
        another?*; empty at the review and after.
        """
        now = self.now
        if isinstance(now, AddAnother):
            return f"{now.ref.removeprefix('/data/')}?"
        if not isinstance(now, Ask):
            return ""
        return self.short(now.ref)

    @staticmethod
    def short(ref: str) -> str:
        return ref.removeprefix("/data/") if "[" in ref else ref.rpartition("/")[2]

    @property
    def counted(self) -> str:
        return f"{self.ask.number}/{self.ask.total}"

    @property
    def result(self) -> Result:
        return result(self.about, self.state, self.context)

    @property
    def values(self) -> dict[str, str]:
        return {self.short(ref): value for ref, value in self.result.values.items()}


def refused(done: Step) -> str:
    """The key of a refusal."""
    assert done.refusal is not None
    return done.refusal.key


def names(found: Iterable[Any]) -> list[str]:
    return [each.ref.rpartition("/")[2] for each in found]


def three() -> Talk:
    """Three questions without any rules."""
    return Talk([row("text", "a", "A?"), row("text", "b", "B?"), row("text", "c", "C?")])
