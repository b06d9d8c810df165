"""Prompt → message: texts and buttons fitted to what a channel can do.

Every choice can be typed: a channel without buttons gets a numbered list, one with short buttons gets the
numbers as
buttons when the choices are long. Nothing here knows a channel by name.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from zlib import crc32

from bot.messages import Abilities, Button, Outgoing
from bot.texts import say
from surveys.forms import Kind, Missing
from surveys.interview import Ask, Prompt, Review, Shown, Submitted

_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"

CHOOSE, TOGGLE, DONE, SKIP, DONT_KNOW, PREFER_NOT = "c", "t", "d", "s", "k", "p"
BACK, CHANGE, REVIEW, SUBMIT, KEEP = "b", "e", "v", "y", "n"
AMEND, LANGUAGE, WORD = "r", "l", "w"


_KEYBOARDS = {Kind.INTEGER: "numeric", Kind.DECIMAL: "decimal"}


def base36(number: int) -> str:
    """``number`` (≥ 0) in digits and small letters."""
    if number < 36:
        return _DIGITS[number]
    text = ""
    while number:
        number, rest = divmod(number, 36)
        text = _DIGITS[rest] + text
    return text


def mark(name: str) -> str:
    """A short mark of a question's or choice's name that fits into a button (CRC-32, base 36)."""
    return base36(crc32(name.encode()))


def data(op: str, interview: int, question: str = "", choice: str = "") -> str:
    """What a button carries: operation, interview, and marks of question and choice; at most 30 bytes."""
    return ".".join(filter(None, (op + base36(interview), question, choice)))


def read_data(text: str) -> tuple[str, int, str, str] | None:
    """*(operation, interview, question mark, choice mark)*, or None for what no button of ours carries."""
    parts = text.split(".")
    if not 1 <= len(parts) <= 3 or len(text) > 64 or len(parts[0]) < 2 or not text.isascii():
        return None
    try:
        interview = int(parts[0][1:], 36)
    except ValueError:
        return None
    return parts[0][0], interview, parts[1] if len(parts) > 1 else "", parts[2] if len(parts) > 2 else ""


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
    question = mark(ask.ref.rsplit("/", 1)[-1])
    numbered = bool(ask.choices) and (
        not abilities.buttons
        or len(ask.choices) > abilities.buttons_per_message
        or any(len(choice.label) > abilities.button_limit for choice in ask.choices)
    )
    body = [say(language, "ask.line", number=ask.number, total=ask.total, label=ask.label)]
    if ask.hint:
        body.append(ask.hint)
    if numbered:
        body.append(_numbered(ask, abilities))
    if ask.missing is not None:
        body.append(say(language, f"ask.was_{ask.missing.value}"))
    elif ask.value and not ask.ticked:
        body.append(say(language, "ask.was", value=ask.value_label))
    if not abilities.buttons:
        body.append(_typed_help(ask, language))
    elif ask.kind is Kind.SELECT_MULTIPLE:
        body.append(say(language, "ask.tick_all"))
    elif ask.kind is Kind.DATE and not ask.hint:
        body.append(say(language, "ask.type_date"))
    text = "\n\n".join([*notices, *ask.before, "\n".join(body)])
    if not abilities.buttons:
        return Outgoing(fit(text, abilities))
    return Outgoing(
        fit(text, abilities), _ask_rows(ask, interview, question, language, numbered), ticks=ticks
    )


def _numbered(ask: Ask, abilities: Abilities) -> str:
    ticked = set(ask.ticked)
    lines = []
    for number, choice in enumerate(ask.choices, 1):
        tick = "✓ " if choice.name in ticked and not abilities.buttons else ""
        lines.append(f"{number}. {tick}{choice.label}")
    return "\n".join(lines)


def _typed_help(ask: Ask, language: str) -> str:
    if ask.kind is Kind.SELECT_ONE:
        words = [say(language, "ask.type_one")]
    elif ask.kind is Kind.SELECT_MULTIPLE:
        words = [say(language, "ask.type_many")]
    else:
        words = [say(language, f"ask.type_{ask.kind.value}")]
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
    ask: Ask, interview: int, question: str, language: str, numbered: bool
) -> tuple[tuple[Button, ...], ...]:
    many = ask.kind is Kind.SELECT_MULTIPLE
    op = TOGGLE if many else CHOOSE
    ticked = set(ask.ticked)
    buttons = []
    for number, choice in enumerate(ask.choices, 1):
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
    room = max(24, min(90, (abilities.text_limit - 600) // max(1, len(review.lines)) - 40))
    lines = [
        f"{line.number}. {topic(line.label, room)}: {said(line.value_label, line.missing, language)}"
        for line in review.lines
    ]
    parts = [*notices, *review.before]
    if review.lines:
        parts += [say(language, "review.title"), "\n".join(lines)]
    if review.open and not review.lines:
        parts.append(say(language, "review.none"))
    else:
        ask = "review.ask_open" if review.open else "review.ask"
        parts.append(say(language, ask if abilities.buttons else ask + "_typed", open=review.open))
    if not abilities.buttons:
        return Outgoing(fit("\n\n".join(parts), abilities))
    first = KEEP if review.open else SUBMIT
    label = "button.continue" if review.open else "button.submit"
    rows: list[tuple[Button, ...]] = [(Button(say(language, label), data(first, interview)),)]
    edits = [
        Button(f"✎ {line.number}", data(CHANGE, interview, mark(line.ref.rsplit("/", 1)[-1])))
        for line in review.lines[: abilities.buttons_per_message - 1]
    ]
    rows.extend(_in_rows(edits, 5))
    return Outgoing(fit("\n\n".join(parts), abilities), tuple(rows))


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
    if len(text) * 2 <= abilities.text_limit or units(text) <= abilities.text_limit:
        return text
    low, high = 0, len(text)
    while low < high:
        middle = (low + high + 1) // 2
        if units(text[:middle]) <= abilities.text_limit - 1:
            low = middle
        else:
            high = middle - 1
    return text[:low] + "…"


def units(text: str) -> int:
    """Length in UTF-16 units."""
    return len(text) + sum(character > "\uffff" for character in text)


def among(between: Sequence[Shown], interview: int, ref: str) -> tuple[tuple[Button, ...], ...]:
    """Buttons for "which of these?"."""
    question = mark(ref.rsplit("/", 1)[-1])
    return tuple(
        (Button(choice.label, data(CHOOSE, interview, question, mark(choice.name))),) for choice in between
    )
