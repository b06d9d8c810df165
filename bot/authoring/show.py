"""A form as an outline to read before it is asked."""

from __future__ import annotations

import re
from collections.abc import Iterator

from bot.texts import SOURCE, pick, say
from surveys.expressions import Expression
from surveys.forms import Form, Group, Kind, Question, Template, Text, language_code

SHOWN_CHOICES = 30
"""A longer list is cut: nobody reads four hundred communes in an outline."""


def outline(form: Form, language: str = SOURCE) -> str:
    """The form in the words of ``language`` (``vi``, ``en``), its own texts in that language where it has
    them.
    """
    return "\n".join(_form(form, pick(language)))


def spoken(form: Form, language: str) -> str:
    """The form's own name of the language with code ``language``; its default language if it does not speak
    it.
    """
    return next((name for name in form.languages if language_code(name) == language), form.default_language)


def _form(form: Form, language: str) -> Iterator[str]:
    yield say(language, "form.show_title", title=form.title, id=form.id, version=form.version or "–")
    yield say(language, "form.show_languages", languages=", ".join(form.languages))
    yield ""
    number = 0
    stack: list[tuple[Group | Question, int]] = [(item, 0) for item in reversed(form.children)]
    while stack:
        item, depth = stack.pop()
        if isinstance(item, Group):
            yield from _group(form, item, depth, language)
            stack.extend((child, depth + 1) for child in reversed(item.children))
        else:
            asked = item.kind not in (Kind.NOTE, Kind.CALCULATE, Kind.HIDDEN)
            number += asked
            yield from _question(form, item, number if asked else None, depth, language)


def _group(form: Form, group: Group, depth: int, language: str) -> Iterator[str]:
    indent = "   " * depth
    label = _text(form, group.label, language) or group.name
    yield f"{indent}▸ {label}  ({group.name})"
    yield from _rule("relevant", group.relevant, f"{indent}   ", language)


def _question(form: Form, question: Question, number: int | None, depth: int, language: str) -> Iterator[str]:
    indent = "   " * depth
    inner = f"{indent}   "
    mark = "•" if number is None else f"{number}."
    kind = say(language, f"form.kind_{question.kind.value}")
    label = _text(form, question.label, language)
    star = " *" if question.required is not None else ""
    yield f"{indent}{mark} {label + star + '  ' if label else ''}[{kind}]  ({question.name})"
    hint = _text(form, question.hint, language)
    if hint:
        yield f"{inner}{hint}"
    for choice in question.choices[:SHOWN_CHOICES]:
        yield f"{inner}- {choice.name}: {_text(form, choice.label, language)}"
    if len(question.choices) > SHOWN_CHOICES:
        yield inner + say(language, "form.show_more", count=len(question.choices) - SHOWN_CHOICES)
    yield from _rule("relevant", question.relevant, inner, language)
    yield from _rule("choice_filter", question.choice_filter, inner, language)
    yield from _rule("constraint", question.constraint, inner, language)
    if question.required is not None and question.required.source != "true()":
        yield from _rule("required", question.required, inner, language)
    yield from _rule("calculation", question.calculation, inner, language)
    if question.default is not None:
        yield inner + say(language, "form.show_default", value=question.default)


def _rule(name: str, expression: Expression | None, indent: str, language: str) -> Iterator[str]:
    if expression is not None:
        yield indent + say(language, f"form.show_{name}", rule=authored(expression.source))


def _text(form: Form, text: Text, language: str) -> str:
    template: Template = text.choose(spoken(form, language), form.default_language)
    words = "".join(part if isinstance(part, str) else authored(part.source) for part in template)
    return " ".join(words.split())


_PATH = re.compile(r" ?(?<![\w.)\]])/[\w\-]+(?:\.[\w\-]+)*(?:/[\w\-]+(?:\.[\w\-]+)*)+ ?")


def authored(source: str) -> str:
    """An expression as its author wrote it: ``${age}`` for a path such as ``/data/person/age``."""
    return _PATH.sub(lambda found: "${" + found[0].strip().rpartition("/")[2] + "}", source).strip()
