"""Prompt → message: texts and buttons fitted to what a channel can do.

Every choice can be typed: a channel without buttons gets a numbered list, one with short buttons gets the
numbers as buttons when the choices are long, and a list longer than a channel has buttons is typed anywhere.
Nothing here knows a channel by name.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import lru_cache
from zlib import crc32

from bot.messages import Abilities, Button, Outgoing
from bot.texts import say
from surveys.forms import Kind, Missing
from surveys.interview import Ask, Prompt, Review, Submitted

_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"

CHOOSE, TOGGLE, DONE, SKIP, DONT_KNOW, PREFER_NOT = "c", "t", "d", "s", "k", "p"
BACK, CHANGE, REVIEW, SUBMIT, KEEP = "b", "e", "v", "y", "n"
AMEND, LANGUAGE, WORD = "r", "l", "w"

_KEYBOARDS = {Kind.INTEGER: "numeric", Kind.DECIMAL: "decimal"}

_DATA = re.compile(r"([a-z])([0-9a-z]{1,13})(?:\.([0-9A-Za-z_-]{1,30}))?(?:\.([0-9A-Za-z_-]{1,30}))?")

_ROOMS = ((90, 300), (60, 120), (40, 60), (24, 40), (16, 24), (10, 12))
"""Characters of a question and of its answer in a line of the review; fewer where there are many lines."""


def base36(number: int) -> str:
    """``number`` (≥ 0) in digits and small letters."""
    if number < 36:
        return _DIGITS[number]
    text = ""
    while number:
        number, rest = divmod(number, 36)
        text = _DIGITS[rest] + text
    return text


@lru_cache(maxsize=1 << 16)
def mark(name: str) -> str:
    """A short mark of a choice's name that fits into a button (CRC-32, base 36)."""
    return base36(crc32(name.encode()))


def mark_of(ref: str) -> str:
    """The mark of the question at ``ref``: of its path below the root, since groups may share a name."""
    return mark(ref.split("/", 2)[-1])


def data(op: str, interview: int, question: str = "", choice: str = "") -> str:
    """What a button carries: operation, interview, and marks of question and choice; at most 30 bytes."""
    return ".".join(filter(None, (op + base36(interview), question, choice)))


def read_data(text: str) -> tuple[str, int, str, str] | None:
    """*(operation, interview, question mark, choice mark)*, or None for what no button of ours carries."""
    found = _DATA.fullmatch(text)
    if found is None:
        return None
    operation, interview, question, choice = found.groups(default="")
    return operation, int(interview, 36), question, choice


def render(
    prompt: Prompt,
    interview: int,
    language: str,
    abilities: Abilities,
    notices: Sequence[str] = (),
    *,
    ticks: bool = False,
    again: bool = False,
) -> Outgoing | None:
    """The message for ``prompt`` with ``notices`` (why a reply was not taken, what changed) before it.

    ``again``: the same question was just asked, so headings and notes that stand before it are not repeated.
    None when there is nothing to say.
    """
    if again and isinstance(prompt, Ask | Review):
        prompt = replace(prompt, before=())
    match prompt:
        case Ask():
            return _ask(prompt, interview, language, abilities, notices, ticks)
        case Review():
            return _review(prompt, interview, language, abilities, notices)
        case Submitted():
            text = "\n\n".join(notices)
            return Outgoing(text) if text else None


def _ask(
    ask: Ask, interview: int, language: str, abilities: Abilities, notices: Sequence[str], ticks: bool
) -> Outgoing:
    listed = len(ask.choices) > abilities.buttons_per_message
    numbered = listed or any(len(choice.label) > abilities.button_limit for choice in ask.choices)
    head = [say(language, "ask.line", number=ask.number, total=ask.total, label=ask.label)]
    if ask.hint:
        head.append(ask.hint)
    tail = []
    if ask.missing is not None:
        tail.append(say(language, f"ask.was_{ask.missing.value}"))
    elif ask.value and not ask.ticked:
        tail.append(say(language, "ask.was", value=ask.value_label))
    if not abilities.buttons:
        tail.append(_typed_help(ask, language))
    elif listed:
        tail.append(_typed(ask, language))
    elif ask.kind is Kind.SELECT_MULTIPLE:
        tail.append(say(language, "ask.tick_all"))
    elif ask.kind is Kind.DATE and not ask.hint:
        tail.append(say(language, "ask.type_date"))
    text = within(
        "\n\n".join([*notices, *ask.before, "\n".join(head)]),
        _numbered(ask, not abilities.buttons or listed) if numbered else "",
        "\n".join(tail),
        abilities,
    )
    rows: tuple[tuple[Button, ...], ...] = ()
    if abilities.buttons:
        rows = _ask_rows(ask, interview, language, numbered=numbered, listed=listed)
    return Outgoing(text, rows, ticks=ticks and bool(rows), keyboard=_KEYBOARDS.get(ask.kind, ""))


def _numbered(ask: Ask, ticks: bool) -> str:
    """The choices as a list; with ``ticks`` where no button shows them."""
    ticked = set(ask.ticked) if ticks else ()
    lines = []
    for number, choice in enumerate(ask.choices, 1):
        tick = "✓ " if choice.name in ticked else ""
        lines.append(f"{number}. {tick}{choice.label}")
    return "\n".join(lines)


def _typed(ask: Ask, language: str) -> str:
    """How an answer is typed."""
    if ask.kind is Kind.SELECT_ONE:
        return say(language, "ask.type_one")
    if ask.kind is Kind.SELECT_MULTIPLE:
        return say(language, "ask.type_many")
    return say(language, f"ask.type_{ask.kind.value}")


def _typed_help(ask: Ask, language: str) -> str:
    """How an answer is typed, and what may be typed instead."""
    words = [_typed(ask, language)]
    instead = []
    if ask.offers.dont_know:
        instead.append(say(language, "ask.type_dont_know"))
    if ask.offers.prefer_not:
        instead.append(say(language, "ask.type_prefer_not"))
    if ask.offers.skip:
        instead.append(say(language, "ask.type_skip"))
    if instead:
        words.append(say(language, "ask.type_or", words="; ".join(instead)))
    return "(" + " ".join(words) + ")"


def _ask_rows(
    ask: Ask, interview: int, language: str, *, numbered: bool, listed: bool
) -> tuple[tuple[Button, ...], ...]:
    question = mark_of(ask.ref)
    many = ask.kind is Kind.SELECT_MULTIPLE and not listed
    op = TOGGLE if many else CHOOSE
    ticked = set(ask.ticked)
    buttons = []
    for number, choice in enumerate(() if listed else ask.choices, 1):
        on = choice.name in ticked
        label = str(number) if numbered else choice.label
        if many:
            label = ("☑ " if on else "☐ ") + label
        buttons.append(Button(label, data(op, interview, question, mark(choice.name)), ticked=on))
    rows = list(_in_rows(buttons, 5 if numbered and not many else 4 if numbered else 1))
    if many:
        rows.append((Button(say(language, "button.done"), data(DONE, interview, question)),))
    aside = []
    if ask.offers.dont_know:
        aside.append(Button(say(language, "button.dont_know"), data(DONT_KNOW, interview, question)))
    if ask.offers.prefer_not:
        aside.append(Button(say(language, "button.prefer_not"), data(PREFER_NOT, interview, question)))
    if aside:
        rows.append(tuple(aside))
    way = []
    if ask.may_go_back:
        way.append(Button(say(language, "button.back"), data(BACK, interview)))
    if ask.value is not None or ask.missing is not None:
        way.append(Button(say(language, "button.keep"), data(KEEP, interview, question)))
    elif ask.offers.skip and not many:
        way.append(Button(say(language, "button.skip"), data(SKIP, interview, question)))
    if way:
        rows.append(tuple(way))
    return tuple(rows)


def _in_rows(buttons: Sequence[Button], width: int) -> Iterable[tuple[Button, ...]]:
    for start in range(0, len(buttons), width):
        yield tuple(buttons[start : start + width])


def _review(
    review: Review, interview: int, language: str, abilities: Abilities, notices: Sequence[str]
) -> Outgoing:
    head = [*notices, *review.before]
    if review.lines:
        head.append(say(language, "review.title"))
    if review.open and not review.lines:
        tail = say(language, "review.none")
    else:
        ask = "review.ask_open" if review.open else "review.ask"
        tail = say(language, ask if abilities.buttons else ask + "_typed", open=review.open)
    text = ""
    for topic_room, value_room in _ROOMS:
        lines = "\n".join(
            f"{line.number}. {topic(line.label, topic_room)}: "
            + shorten(said(line.value_label, line.missing, language), value_room)
            for line in review.lines
        )
        text = "\n\n".join(filter(None, [*head, lines, tail]))
        if units(text) <= abilities.text_limit:
            break
    else:
        text = within("\n\n".join(head), f"\n{lines}\n", tail, abilities)
    if not abilities.buttons:
        return Outgoing(text)
    first = KEEP if review.open else SUBMIT
    label = "button.continue" if review.open else "button.submit"
    rows: list[tuple[Button, ...]] = [(Button(say(language, label), data(first, interview)),)]
    edits = [
        Button(f"✎ {line.number}", data(CHANGE, interview, mark_of(line.ref)))
        for line in review.lines[: abilities.buttons_per_message - 1]
    ]
    rows.extend(_in_rows(edits, 5))
    return Outgoing(text, tuple(rows))


def said(value_label: str, missing: Missing | None, language: str) -> str:
    """An answer as shown to a person: its label, or why there is none."""
    return say(language, f"missing.{missing.value}") if missing is not None else value_label


def topic(label: str, room: int = 90) -> str:
    """A question as the heading of its answer: a line of at most ``room`` characters, without its mark."""
    return shorten(label, room).rstrip("?:. ")


def shorten(text: str, room: int) -> str:
    """``text`` on one line in at most ``room`` characters."""
    line = " ".join(text.split())
    return line if len(line) <= room else line[: room - 1].rstrip() + "…"


def fit(text: str, abilities: Abilities) -> str:
    """``text`` within the channel's limit (counted in UTF-16 units, the strictest way channels count)."""
    return cut(text, abilities.text_limit)


def within(head: str, middle: str, tail: str, abilities: Abilities) -> str:
    """Three texts, one below the other, within the channel's limit; the middle one gives way first."""
    parts = [part for part in (head, middle, tail) if part]
    text = "\n".join(parts)
    if len(text) * 2 <= abilities.text_limit or units(text) <= abilities.text_limit or not middle:
        return fit(text, abilities)
    room = abilities.text_limit - units(head) - units(tail) - len(parts) + 1
    return fit("\n".join(filter(None, (head, cut(middle, max(0, room)), tail))), abilities)


def cut(text: str, limit: int) -> str:
    """``text`` in at most ``limit`` UTF-16 units, with an ellipsis where something is missing."""
    if len(text) * 2 <= limit or units(text) <= limit:
        return text
    low, high = 0, len(text)
    while low < high:
        middle = (low + high + 1) // 2
        if units(text[:middle]) <= limit - 1:
            low = middle
        else:
            high = middle - 1
    return text[:low] + "…" if limit else ""


def units(text: str) -> int:
    """Length in UTF-16 units."""
    return len(text) + sum(character > "\uffff" for character in text)
