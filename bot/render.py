"""Prompt → message: texts and buttons fitted to what a channel can do.

Every choice can be typed: a channel without buttons gets a numbered list, one with short buttons gets the
numbers as buttons when the choices are long, and a long list comes in pages, or is found by a part of a name.
Nothing here knows a channel by name.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from bot import reviews, rosters
from bot.buttons import (
    AMEND,
    BACK,
    CHANGE,
    CHOOSE,
    DONE,
    DONT_KNOW,
    KEEP,
    LANGUAGE,
    PAGE,
    PREFER_NOT,
    REVIEW,
    SKIP,
    SUBMIT,
    TOGGLE,
    WORD,
    base36,
    data,
    fits,
    mark,
    mark_of,
    place_of,
    read_data,
)
from bot.lengths import cut, fit, shorten, units, within
from bot.messages import Abilities, Button, Outgoing
from bot.pages import CHOICES, PER_PAGE, Page, fitting, page_of, turning
from bot.phrases import said, said_before, shown_number, steps_of, topic, whereabouts
from bot.texts import say
from surveys.forms import ACKNOWLEDGED, SELECTS, UPLOADS, Kind
from surveys.interview import (
    AddAnother,
    Ask,
    Confirming,
    Pending,
    Prompt,
    Review,
    Roster,
    Shown,
    Submitted,
)

__all__ = [
    "AMEND", "BACK", "CHANGE", "CHOOSE", "DONE", "DONT_KNOW", "KEEP", "LANGUAGE", "PREFER_NOT",
    "REVIEW", "SKIP", "SUBMIT", "TOGGLE", "WORD", "Look", "base36", "cut", "data", "fit", "mark",
    "mark_of", "read_data", "render", "said", "said_before", "shorten", "topic", "units", "within",
]  # fmt: skip

_KEYBOARDS = {
    Kind.INTEGER: "numeric",
    Kind.DECIMAL: "decimal",
    Kind.RANGE: "decimal",
    Kind.DATE: "date",
    Kind.TIME: "time",
    Kind.DATETIME: "datetime",
}

_HINTED = frozenset({Kind.DATE, Kind.TIME, Kind.DATETIME, Kind.GEOPOINT, Kind.BARCODE})
"""Kinds whose typing is explained beside buttons, too, where the form gives no hint of its own."""

MISREAD, LOST = 2, 3
"""Misunderstandings in a row after which typing is explained, and after which a human is offered."""

HUMAN, UPLOAD = "human", "upload"


@dataclass(frozen=True, slots=True)
class Look:
    """How a person looks at a prompt.

    ``page`` of a long list. ``removals`` so far, and what is ``pending``, as the state has them. ``among``:
    the only choices worth offering now, of a list too long to see at once. ``misread`` replies in a row that
    weren't understood. ``files``: by which way files come, ``here`` in the chat, ``page`` over a page of
    ours, empty for none; None for what goes without saying on the channel.
    """

    page: int = 0
    removals: int = 0
    pending: Pending | None = None
    among: tuple[Shown, ...] = ()
    misread: int = 0
    files: str | None = None


_PLAINLY = Look()


def files_way(look: Look, abilities: Abilities) -> str:
    """By which way files come in this chat."""
    if look.files is not None:
        return look.files
    return "page" if by_our_page(abilities) else "here" if abilities.files else ""


def by_our_page(abilities: Abilities) -> bool:
    """Whether a file goes through our own page rather than the chat: where the chat's platform is abroad."""
    return abilities.files and abilities.buttons and abilities.country != "VN"


def render(
    prompt: Prompt,
    interview: int,
    language: str,
    abilities: Abilities,
    notices: Sequence[str] = (),
    *,
    ticks: bool = False,
    again: bool = False,
    look: Look = _PLAINLY,
) -> Outgoing | None:
    """The message for ``prompt`` with ``notices`` (why a reply was not taken, what changed) before it.

    ``again``: the same question was just asked, so headings and notes that stand before it are not repeated.
    None when there is nothing to say.
    """
    if again and isinstance(prompt, Ask | AddAnother | Review):
        prompt = replace(prompt, before=())
    match prompt:
        case Ask():
            made = _ask(prompt, interview, language, abilities, notices, ticks, look)
        case AddAnother():
            made = rosters.another(prompt, interview, language, abilities, notices, look.removals)
        case Roster():
            made = rosters.roster(prompt, interview, language, abilities, notices, look.removals, look.page)
        case Confirming():
            made = rosters.confirming(prompt, interview, language, abilities, notices, look.pending)
        case Review():
            made = reviews.review(prompt, interview, language, abilities, notices, look.removals, look.page)
        case Submitted():
            text = "\n\n".join(notices)
            return Outgoing(text) if text else None
    return made if look.misread < LOST else _with_human(made, language, abilities)


def _with_human(made: Outgoing, language: str, abilities: Abilities) -> Outgoing:
    """The same message, offering a member of staff."""
    text = within("", made.text, say(language, "ask.human"), abilities)
    if not abilities.buttons:
        return replace(made, text=text)
    button = Button(say(language, "button.human"), data(WORD, 0, HUMAN))
    return replace(made, text=text, rows=(*made.rows, (button,)))


# ── a question ──────────────────────────────────────────────────────────────────────────────────────────────


def _ask(
    ask: Ask,
    interview: int,
    language: str,
    abilities: Abilities,
    notices: Sequence[str],
    ticks: bool,
    look: Look,
) -> Outgoing:
    if abilities.buttons and not fits(ask.ref):
        # So deep in repeats that no button can say where: everything is typed.
        abilities = replace(abilities, buttons=False)
    page = page_of(
        len(ask.choices), PER_PAGE, look.page, min(CHOICES, abilities.buttons_per_message or CHOICES)
    )
    long = page.total > 1
    numbers = {choice.name: number for number, choice in enumerate(ask.choices, 1)}
    shown = look.among if long and look.among else page.of(ask.choices)
    numbered = not abilities.buttons or any(len(choice.label) > abilities.button_limit for choice in shown)
    about = place_of(ask.ref, look.removals)
    line = say(language, "ask.line", number=ask.number, total=ask.total, label=ask.label)
    head = "\n".join(filter(None, (whereabouts(ask.members, language), line, ask.hint)))
    tail = _below(ask, language, abilities, look, page)
    above = "\n\n".join([*notices, *said_before(ask), head])
    below = "\n".join(tail)
    listed: Sequence[str] = ()
    if numbered:
        lines = [_numbered(choice, numbers.get(choice.name, 0), ask, abilities) for choice in shown]
        room = abilities.text_limit - units(above) - units(below) - 2
        listed = fitting(Page(0, 1, 0, len(lines)), lines, max(0, room))
    text = within(above, "\n".join(listed), below, abilities)
    rows: tuple[tuple[Button, ...], ...] = ()
    if abilities.buttons:
        rows = tuple(
            _rows(ask, shown, numbers if numbered else {}, interview, language, abilities, look, page)
        )
    return Outgoing(
        text,
        rows,
        ticks=ticks and bool(rows),
        keyboard=_keyboard(ask),
        ask_location=ask.kind is Kind.GEOPOINT,
        ask_file=ask.kind.value if ask.kind in UPLOADS else "",
        media=ask.media,
        interview=interview if ask.media else 0,
        question=about if ask.kind in UPLOADS or ask.kind is Kind.GEOPOINT else "",
    )


def _keyboard(ask: Ask) -> str:
    """Which keys, or which picker, a device should show."""
    if ask.kind is Kind.RANGE and _scale(ask):
        return ""
    shown = ask.appearance.split()
    if ask.kind is Kind.DATE and "year" in shown:
        return "numeric"
    if ask.kind is Kind.DATE and "month-year" in shown:
        return "month"
    return _KEYBOARDS.get(ask.kind, "")


def _scale(ask: Ask) -> tuple[str, ...]:
    """The values of a range that are tapped; none of any other question."""
    return steps_of(ask.range) if ask.range is not None else ()


def _numbered(choice: Shown, number: int, ask: Ask, abilities: Abilities) -> str:
    """A choice in a list; ticked where no button shows that."""
    if abilities.buttons or choice.name not in ask.ticked:
        tick = ""
    elif ask.kind is Kind.RANK:
        tick = f"({ask.ticked.index(choice.name) + 1}) "
    else:
        tick = "✓ "
    return f"{number}. {tick}{choice.label}"


def _below(ask: Ask, language: str, abilities: Abilities, look: Look, page: Page) -> list[str]:
    """What stands below a question: what is noted so far, and how to answer."""
    long = page.total > 1
    lines = []
    if ask.missing is not None:
        lines.append(say(language, f"ask.was_{ask.missing.value}"))
    elif ask.value and not ask.ticked:
        lines.append(say(language, "ask.was", value=shorten(ask.value_label, 300)))
    elif ask.ticked and not abilities.buttons and (long or ask.kind is Kind.RANK):
        labels = {choice.name: choice.label for choice in ask.choices}
        so_far = [labels.get(name, name) for name in ask.ticked]
        if ask.kind is Kind.RANK:
            so_far = [f"{place}. {label}" for place, label in enumerate(so_far, 1)]
        lines.append(say(language, "ask.so_far", choices=shorten(", ".join(so_far), 600)))
    if ask.kind in UPLOADS:
        lines.append(say(language, _file_key(ask, files_way(look, abilities))))
    if not abilities.buttons:
        if words := [*_typed_help(ask, language), *_instead(ask, language)]:
            lines.append("(" + " ".join(words) + ")")
        if long:
            lines.append("(" + say(language, "ask.type_list", page=page.number + 1, pages=page.total) + ")")
        return lines
    if ask.kind is Kind.SELECT_MULTIPLE:
        lines.append(say(language, "ask.tick_all"))
    elif ask.kind is Kind.RANK:
        lines.append(say(language, "ask.tap_in_order"))
    elif (ask.kind in _HINTED and not ask.hint) or (ask.kind is Kind.RANGE and not _scale(ask)):
        lines += _typed_help(ask, language)
    if long:
        lines.append(say(language, "ask.part", count=len(ask.choices)))
    if look.misread >= MISREAD:
        lines += [each for each in _typed_help(ask, language) if each not in lines]
    return lines


def _file_key(ask: Ask, way: str) -> str:
    """The key of the sentence that says how a file is sent, or that it can't be."""
    if way:
        return f"ask.send_{ask.kind.value}" if way == "here" else f"media.ask_page.{ask.kind.value}"
    return "ask.no_file" if ask.offers.skip else "ask.no_file_needed"


def _typed_help(ask: Ask, language: str) -> list[str]:
    """How an answer is typed."""
    if ask.kind in UPLOADS:
        return []
    if ask.kind is Kind.RANGE and ask.range is not None:
        start, end = (shown_number(each, language) for each in (ask.range.start, ask.range.end))
        return [say(language, "ask.type_range", start=start, end=end)]
    return [say(language, _help_key(ask.kind, ask.appearance))]


def _help_key(kind: Kind, appearance: str) -> str:
    """The key of the sentence that says how an answer is typed, with an example."""
    shown = appearance.split()
    if kind is Kind.DATE or kind is Kind.TEXT:
        for one in ("month-year", "year", "time", "phone"):
            if one in shown and (kind is Kind.TEXT or one in ("month-year", "year")):
                return f"ask.type_{one.replace('-', '_')}"
    if kind is Kind.SELECT_ONE:
        return "ask.type_one"
    if kind is Kind.SELECT_MULTIPLE:
        return "ask.type_many"
    return f"ask.type_{kind.value.lower()}"


def _instead(ask: Ask, language: str) -> list[str]:
    """What may be typed instead of an answer."""
    instead = []
    if ask.offers.dont_know:
        instead.append(say(language, "ask.type_dont_know"))
    if ask.offers.prefer_not:
        instead.append(say(language, "ask.type_prefer_not"))
    if ask.offers.skip:
        instead.append(say(language, "ask.type_skip"))
    if not instead:
        return []
    key = "ask.type_only" if ask.kind in UPLOADS else "ask.type_or"
    return [say(language, key, words="; ".join(instead))]


def _rows(
    ask: Ask,
    shown: Sequence[Shown],
    numbers: dict[str, int],
    interview: int,
    language: str,
    abilities: Abilities,
    look: Look,
    page: Page,
) -> Iterable[tuple[Button, ...]]:
    """The buttons of a question; ``numbers`` are those of the choices, where the text has them."""
    about = place_of(ask.ref, look.removals)
    many = ask.kind is Kind.SELECT_MULTIPLE or ask.kind is Kind.RANK
    if ask.kind in SELECTS:
        buttons = [_choice(ask, choice, numbers.get(choice.name, 0), interview, about) for choice in shown]
        yield from _in_rows(buttons, 1 if not numbers else 4 if many else 5)
    elif ask.kind in UPLOADS and files_way(look, abilities) == "page":
        yield (Button(say(language, "media.button.by_page"), data(WORD, interview, UPLOAD)),)
    elif ask.kind is Kind.ACKNOWLEDGE:
        chosen = data(CHOOSE, interview, about, mark(ACKNOWLEDGED))
        yield (Button(say(language, "button.acknowledge"), chosen),)
    elif ask.range is not None:
        scale = [
            Button(
                value.replace(".", ",") if language == "vi" else value,
                data(CHOOSE, interview, about, mark(value)),
            )
            for value in _scale(ask)
        ]
        yield from _in_rows(scale, 6 if len(scale) > 5 else 5)
    if page.total > 1:
        if look.among:
            yield (Button(say(language, "button.whole_list"), data(PAGE, interview, about, "0")),)
        else:
            yield turning(page, interview, about, abilities)
    if many:
        # Of a long list not all that is ticked can be seen: how many there are can.
        count = f" ({len(ask.ticked)})" if page.total > 1 and ask.ticked else ""
        yield (Button(say(language, "button.done") + count, data(DONE, interview, about)),)
    aside = []
    if ask.offers.dont_know:
        aside.append(Button(say(language, "button.dont_know"), data(DONT_KNOW, interview, about)))
    if ask.offers.prefer_not:
        aside.append(Button(say(language, "button.prefer_not"), data(PREFER_NOT, interview, about)))
    if aside:
        yield tuple(aside)
    way = []
    if ask.may_go_back:
        way.append(Button(say(language, "button.back"), data(BACK, interview)))
    if ask.value is not None or ask.missing is not None:
        way.append(Button(say(language, "button.keep"), data(KEEP, interview, about)))
    elif ask.offers.skip and not many:
        way.append(Button(say(language, "button.skip"), data(SKIP, interview, about)))
    if way:
        yield tuple(way)


def _choice(ask: Ask, choice: Shown, number: int, interview: int, about: str) -> Button:
    """The button of a choice: its label, or its number where the text has the list."""
    label = str(number) if number else choice.label
    carried = mark(choice.name)
    if ask.kind is Kind.SELECT_ONE:
        return Button(label, data(CHOOSE, interview, about, carried))
    on = choice.name in ask.ticked
    if ask.kind is Kind.RANK:
        place = ask.ticked.index(choice.name) + 1 if on else 0
        label = f"❲{place}❳ {label}" if on else f"☐ {label}"
    else:
        label = ("☑ " if on else "☐ ") + label
    return Button(label, data(TOGGLE, interview, about, carried), ticked=on)


def _in_rows(buttons: Sequence[Button], width: int) -> Iterable[tuple[Button, ...]]:
    for start in range(0, len(buttons), width):
        yield tuple(buttons[start : start + width])
