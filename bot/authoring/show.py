"""A form as an outline to read before it is asked."""

from __future__ import annotations

import re
from collections.abc import Iterator

from bot.texts import SOURCE, pick, say
from surveys.expressions import Expression
from surveys.forms import ASKED, Form, Group, Item, Kind, Question, Repeat, Template, Text, language_code
from surveys.revisions import written

SHOWN_CHOICES = 30
"""A longer list is cut: nobody reads four hundred communes in an outline."""

authored = written
"""An expression as its author wrote it: ``${age}`` for a path such as ``/data/person/age``."""


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


def words(form: Form, text: Text, language: str) -> str:
    """A text on one line, with references as the author wrote them."""
    template: Template = text.choose(spoken(form, language), form.default_language)
    parts = (part if isinstance(part, str) else authored(part.source) for part in template)
    return " ".join("".join(parts).split())


def numbered(form: Form) -> dict[str, int]:
    """The questions a person answers, by reference, numbered through the whole form."""
    asked = [question.ref for question in form.questions() if question.kind in ASKED]
    return {ref: number for number, ref in enumerate(asked, 1)}


_COMPARED = re.compile(
    r"\$\{(?P<name>[\w.\-]+)\} *[!<>]?=? *(?:'(?P<value>[^']*)'|(?P<number>\d+))"
    r"|selected\( *\$\{(?P<several>[\w.\-]+)\} *, *'(?P<one>[^']*)' *\)"
    r"|selected\( *'(?P<many>[^']*)' *, *\$\{(?P<among>[\w.\-]+)\} *\)"
)


def values_in(form: Form, rule: str, language: str) -> list[str]:
    """What the values are called that a rule compares answers with: ``4: Không có việc`` for
    ``${viec_lam} = '4'``.
    """
    questions = {question.name: question for question in form.questions()}
    found: dict[str, None] = {}
    for match in _COMPARED.finditer(rule):
        question = questions.get(match["name"] or match["several"] or match["among"])
        if question is None:
            continue
        labels = {choice.name: words(form, choice.label, language) for choice in question.choices}
        values = match["value"] or match["number"] or match["one"] or match["many"] or ""
        for value in values.split():
            if labels.get(value, value) != value:
                found[f"{value}: {labels[value]}"] = None
    return list(found)


def _form(form: Form, language: str) -> Iterator[str]:
    yield say(language, "form.show_title", title=form.title, id=form.id, version=form.version or "–")
    yield say(language, "form.show_languages", languages=", ".join(form.languages))
    yield ""
    numbers = numbered(form)
    stack: list[tuple[Item, int]] = [(item, 0) for item in reversed(form.children)]
    while stack:
        item, depth = stack.pop()
        if isinstance(item, Question):
            yield from _question(form, item, numbers.get(item.ref), depth, language)
        else:
            yield from _around(form, item, depth, language)
            stack.extend((child, depth + 1) for child in reversed(item.children))


def _around(form: Form, item: Group | Repeat, depth: int, language: str) -> Iterator[str]:
    """The head of a group or repeat."""
    indent = "   " * depth
    mark = "↻" if isinstance(item, Repeat) else "▸"
    yield f"{indent}{mark} {words(form, item.label, language) or item.name}  ({item.name})"
    if isinstance(item, Repeat):
        yield f"{indent}   {times(form, item, language)}"
    yield from _rule(form, "relevant", item.relevant, f"{indent}   ", language)


def times(form: Form, repeat: Repeat, language: str) -> str:
    """How often a repeat is asked."""
    if repeat.count is None:
        return say(language, "outline.until_no_more")
    return say(language, "outline.times", rule=authored(repeat.count.source))


def _question(form: Form, question: Question, number: int | None, depth: int, language: str) -> Iterator[str]:
    indent = "   " * depth
    inner = f"{indent}   "
    mark = "•" if number is None else f"{number}."
    kind = say(language, f"form.kind_{question.kind.value}")
    label = words(form, question.label, language)
    star = " *" if question.required is not None else ""
    yield f"{indent}{mark} {label + star + '  ' if label else ''}[{kind}]  ({question.name})"
    hint = words(form, question.hint, language)
    if hint:
        yield f"{inner}{hint}"
    for line in facts(question, language):
        yield inner + line
    for choice in question.choices[:SHOWN_CHOICES]:
        yield f"{inner}- {choice.name}: {words(form, choice.label, language)}"
    if len(question.choices) > SHOWN_CHOICES:
        yield inner + say(language, "form.show_more", count=len(question.choices) - SHOWN_CHOICES)
    yield from _rule(form, "relevant", question.relevant, inner, language)
    yield from _rule(form, "choice_filter", question.choice_filter, inner, language)
    yield from _rule(form, "constraint", question.constraint, inner, language)
    if question.required is not None and question.required.source != "true()":
        yield from _rule(form, "required", question.required, inner, language)
    yield from _rule(form, "calculation", question.calculation, inner, language)
    if question.default is not None:
        yield inner + say(language, "form.show_default", value=question.default)


_PRECISE = ("month-year", "year", "time", "phone")


def facts(question: Question, language: str) -> Iterator[str]:
    """What else an author wants to see at a glance: bounds, precision, order, where choices come from."""
    for appearance in question.appearance.split():
        if question.kind in (Kind.DATE, Kind.TEXT) and appearance in _PRECISE:
            yield say(language, f"outline.as_{appearance.replace('-', '_')}")
    if question.range is not None:
        limits = question.range
        yield say(language, "outline.range", start=limits.start, end=limits.end, step=limits.step)
    if question.picked is not None:
        yield say(language, "outline.picked", source=authored(question.picked.value.source))
    if question.shuffled:
        yield say(language, "outline.shuffled")
    if isinstance(question.read_only, Expression):
        yield say(language, "outline.read_only_when", rule=authored(question.read_only.source))
    elif question.read_only and question.kind is not Kind.NOTE:
        yield say(language, "outline.read_only")
    for setting in question.settings:
        names = ", ".join(f"${{{ref.rpartition('/')[2]}}}" for ref in setting.triggers)
        key = "outline.set_after" if names else "outline.set_at_first"
        yield say(language, key, rule=authored(setting.value.source), names=names)
    for media in question.media:
        files = ", ".join(dict.fromkeys(media.by_language.values()))
        yield say(language, "outline.media", files=files)


def _rule(form: Form, name: str, expression: Expression | None, indent: str, language: str) -> Iterator[str]:
    if expression is not None:
        rule = authored(expression.source)
        values = ", ".join(values_in(form, rule, language))
        yield indent + say(language, f"form.show_{name}", rule=rule) + (f"  ({values})" if values else "")
