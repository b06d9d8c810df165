"""The texts of a form in one language, each got ready when it is first shown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from surveys.expressions import Expression
from surveys.forms import Form, Group, Question, Repeat, Template, Text

Words = str | Template
"""A text in one language: ready to show, or with references to fill in."""


@dataclass(frozen=True, slots=True)
class Shown:
    """A choice as shown: what is stored, and its text."""

    name: str
    label: str


@dataclass(frozen=True, slots=True)
class Wording:
    """A question's texts in one language. ``choices`` are the labels of its choices, in order and by name;
    ``shown`` all of them as shown, where all are always offered and there is nothing to fill in.
    """

    label: Words
    hint: Words
    guidance: Words
    choices: tuple[Words, ...]
    by_name: Mapping[str, Words]
    shown: tuple[Shown, ...] | None
    media: tuple[tuple[str, str], ...]


class Texts:
    """The form's texts in one language."""

    __slots__ = ("_choices", "_fallback", "_headings", "_language", "_wordings")

    def __init__(self, form: Form, language: str) -> None:
        self._language = language
        self._fallback = form.default_language
        self._wordings: dict[str, Wording] = {}
        self._headings: dict[str, Words] = {}
        self._choices: dict[str, tuple[tuple[Words, ...], Mapping[str, Words]]] = {}

    def words(self, text: Text) -> Words:
        """``text`` in this language, else in the form's default language, else in any."""
        template = text.choose(self._language, self._fallback)
        if any(not isinstance(part, str) for part in template):
            return template
        return "".join(part for part in template if isinstance(part, str)).strip()

    def wording(self, question: Question) -> Wording:
        """The texts of ``question``."""
        found = self._wordings.get(question.ref)
        if found is None:
            labels, by_name = self._choices_of(question)
            shown = None
            fixed = question.choice_filter is None and question.picked is None and not question.shuffled
            if fixed and all(isinstance(label, str) for label in labels):
                pairs = zip(question.choices, labels, strict=True)
                shown = tuple(Shown(choice.name, str(label) or choice.name) for choice, label in pairs)
            found = self._wordings[question.ref] = Wording(
                label=self.words(question.label),
                hint=self.words(question.hint),
                guidance=self.words(question.guidance),
                choices=labels,
                by_name=by_name,
                shown=shown,
                media=tuple(self._media(question)),
            )
        return found

    def _media(self, question: Question) -> list[tuple[str, str]]:
        """What is shown with the label: *(kind, file name)*."""
        found = []
        for media in question.media:
            names = media.by_language
            name = names.get(self._language) or names.get(self._fallback) or next(iter(names.values()), "")
            if name:
                found.append((media.kind, name))
        return found

    def _choices_of(self, question: Question) -> tuple[tuple[Words, ...], Mapping[str, Words]]:
        """The labels of a list that several questions may show, once."""
        key = question.list_name or question.ref
        found = self._choices.get(key)
        if found is None:
            labels = tuple(self.words(choice.label) for choice in question.choices)
            pairs = zip(question.choices, labels, strict=True)
            found = self._choices[key] = labels, {choice.name: label for choice, label in pairs}
        return found

    def heading(self, item: Group | Repeat) -> Words:
        """The label of a group, or of each instance of a repeat."""
        found = self._headings.get(item.ref)
        if found is None:
            found = self._headings[item.ref] = self.words(item.label)
        return found


def plain(words: Words) -> str:
    """``words`` with nothing filled in."""
    return words if isinstance(words, str) else "".join(part for part in words if isinstance(part, str))


def references(words: Words) -> tuple[Expression, ...]:
    """What is filled in in ``words``."""
    return () if isinstance(words, str) else tuple(part for part in words if isinstance(part, Expression))
