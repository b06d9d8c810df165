"""The one survey that every bot here asks: 8 questions with one answer, 2 numbers, 1 with several answers, 1
text.

Somebody who answers straight through sends 16 messages (the start, 8 taps, 2 numbers, 3 ticks and *Done*, 1
text), and one more to a bot that shows the answers again before it takes them.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import Any

from bot.authoring.convert import Converted
from surveys.replies import make_code
from tests.forms.build import converted, row

NAME = "bench-v0"
CODE = make_code(2026)
"""The campaign's code, the same in every run."""
TICKS = 3
DONE = "✔ Done"
SUBMIT = "✔ Submit my answers"
THANKS = "Thank you"
"""How the last message of every bot begins."""


class Kind(StrEnum):
    """How a question is answered; the words are XLSForm's."""

    ONE = "select_one"
    MANY = "select_multiple"
    NUMBER = "integer"
    TEXT = "text"


@dataclass(frozen=True, slots=True)
class Question:
    """One question. ``least`` and ``most`` bound a number."""

    name: str
    kind: Kind
    label: str
    choices: tuple[str, ...] = ()
    hint: str = ""
    least: int = 0
    most: int = 0


_AGREE = ("Strongly agree", "Agree", "Neither", "Disagree", "Strongly disagree")


def _one(name: str, label: str, *choices: str) -> Question:
    return Question(name, Kind.ONE, label, choices or _AGREE)


def _number(name: str, label: str, least: int, most: int) -> Question:
    return Question(name, Kind.NUMBER, label, (), f"Type a whole number from {least} to {most}.", least, most)


QUESTIONS = (
    _one("sex", "What is your sex?", "Male", "Female", "Another"),
    _number("age", "Your years of life", 16, 110),
    _one("part", "Which part of town do you live in?", "North", "South", "East", "West", "Centre", "Outside"),
    _one("water", "Water reaches my home every day."),
    _one("light", "The streets in my ward are well lit."),
    _one("refuse", "Refuse is collected on time."),
    Question(
        "services",
        Kind.MANY,
        "Which services did you use this year?",
        ("Clinic", "Library", "Park", "Bus", "Market", "School"),
    ),
    _one("safe", "I feel safe in my ward at night."),
    _number("household", "People in your household", 1, 30),
    _one("listens", "My councillor listens to people like me."),
    _one("content", "Overall, how satisfied are you?", "Very", "Fairly", "Neutral", "Not very", "Not at all"),
    Question("first", Kind.TEXT, "What should the council fix first?", (), "Please use your own words."),
)


def asked_in(text: str) -> Question | None:
    """The question that a bot's message asks; None for any other message."""
    return next((question for question in QUESTIONS if question.label in text), None)


def _listed(question: Question) -> str:
    return "agree" if question.choices == _AGREE else question.name


@cache
def form() -> Converted:
    """The survey as an XLSForm, converted."""
    rows: list[dict[str, Any]] = []
    lists: dict[str, tuple[str, ...]] = {}
    for question in QUESTIONS:
        type_ = str(question.kind)
        more: dict[str, Any] = {"required": "yes"}
        if question.choices:
            lists[_listed(question)] = question.choices
            type_ += f" {_listed(question)}"
        if question.hint:
            more["hint"] = question.hint
        if question.kind is Kind.NUMBER:
            more["constraint"] = f". >= {question.least} and . <= {question.most}"
            more["constraint_message"] = question.hint
        rows.append(row(type_, question.name, question.label, **more))
    rows.append(row("calculate", "born", calculation="2026 - ${age}"))
    choices = [
        {"list_name": name, "name": f"c{number}", "label": label}
        for name, labels in lists.items()
        for number, label in enumerate(labels, 1)
    ]
    return converted(rows, choices, [{"form_title": "Services of the town", "form_id": "bench"}])


def definition() -> dict[str, Any]:
    """How the survey is counted: every choice by sex and age, and two indicators."""
    return {
        "instrument": {"id": NAME, "version": 1, "status": "measurement", "form": "bench", "unit": "person"},
        "person": {"sex": {"field": "sex", "male": "c1", "female": "c2"}, "birth": "born"},
        "missing": {"default": []},
        "items": {
            "one": [question.name for question in QUESTIONS if question.kind is Kind.ONE],
            "multiple": [question.name for question in QUESTIONS if question.kind is Kind.MANY],
        },
        "indicators": {
            "content": {"denominator": "aged_15", "any_of": {"content": ["c1", "c2"]}},
            "lit": {"denominator": "aged_15", "any_of": {"light": ["c1", "c2"]}},
        },
    }


def publication() -> dict[str, Any]:
    """The arguments of the action that publishes the survey."""
    made = form()
    return {
        "definition": definition(),
        "xform": made.xform,
        "rows": {ref: (each.sheet, each.row) for ref, each in made.rows.items()},
    }
