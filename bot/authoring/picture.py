"""A form as a picture of its flow (SVG): questions downwards, conditions as branches, repeats as loops.

Self-contained: no script, no font, no reference to anywhere. Whatever an author wrote is text in it.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from html import escape
from itertools import groupby

from bot.authoring.show import authored, facts, numbered, spoken, times, values_in, words
from bot.texts import SOURCE, pick, say
from surveys.expressions import Expression
from surveys.forms import ASKED, Form, Group, Item, Kind, Question, Repeat, language_code

WIDTH = 760
"""Pixels from side to side: read on a laptop without scrolling, printed on one sheet's width."""
MARGIN = 20
GAP = 18
"""Between one box and the next: room for an arrow."""
BRANCH = 34
"""How far what is asked only sometimes is moved to the right."""
PADDING = 12
NARROWEST = 240
"""Boxes get no narrower, however deep they stand: then the picture gets wider."""
LABEL, SMALL = 15, 13
"""Sizes of letters."""
LINES = 5
"""Lines of a text at most; an ellipsis stands for the rest."""
CHOICES = 12
"""Choices named at most."""

_INK, _QUIET, _LINE = "#1b2430", "#4a5563", "#5b6776"
_STYLE = "".join(
    f".{name}{{{rules}}}"
    for name, rules in {
        "l": f"font-size:{LABEL}px",
        "s": f"font-size:{SMALL}px;fill:{_QUIET}",
        "b": "font-weight:600",
        "q": f"fill:#fff;stroke:{_LINE}",
        "n": "fill:#fff8dc;stroke:#8a6d00",
        "c": f"fill:#eef1f5;stroke:{_LINE};stroke-dasharray:4 3",
        "g": "fill:#f6f8fb;stroke:#9aa7b8",
        "r": "fill:#eef5ff;stroke:#1f5fae;stroke-width:2",
        "d": "fill:#ffe9cc;stroke:#a35200",
        "e": "fill:#e3f4e6;stroke:#2b7a3b",
        "w": f"fill:none;stroke:{_LINE};stroke-width:1.5",
        "y": "fill:none;stroke:#a35200;stroke-width:1.5",
        "o": "fill:none;stroke:#a35200;stroke-width:1.5;stroke-dasharray:5 4",
        "t": "fill:none;stroke:#1f5fae;stroke-width:2",
        "cond": "fill:#7a3d00",
    }.items()
)
_FONT = f'text{{font-family:"Noto Sans","DejaVu Sans","Segoe UI",Arial,sans-serif;fill:{_INK}}}'

_MARKERS = "".join(
    f'<marker id="{name}" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
    f'<path d="M0 0L8 4L0 8z" fill="{colour}"/></marker>'
    for name, colour in (("a", _LINE), ("ay", "#a35200"), ("at", "#1f5fae"))
)


def flow(form: Form, language: str = SOURCE) -> str:
    """The picture, in the words of ``language`` (``vi``, ``en``), the form's own texts in that language where
    it has them.
    """
    language = pick(language)
    width = max(WIDTH, 2 * MARGIN + NARROWEST + _depth(form.children) * (BRANCH + 2 * PADDING))
    drawing = _Drawing(form, language, numbered(form))
    y = drawing.pill(MARGIN, MARGIN, width - 2 * MARGIN, form.title)
    y = drawing.sequence(form.children, MARGIN, y, width - 2 * MARGIN)
    drawing.arrow(MARGIN + 24, y, MARGIN + 24, y + GAP)
    y = drawing.pill(MARGIN, y + GAP, width - 2 * MARGIN, say(language, "picture.end"))
    height = y + MARGIN
    title = say(language, "picture.title", title=form.title)
    about = say(language, "picture.about", count=len(drawing.numbers), version=form.version or "–")
    speaks = language_code(spoken(form, language)) or language
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
        f'viewBox="0 0 {width} {height}" role="img" aria-labelledby="title about" lang="{_plain(speaks)}">'
        f'<title id="title">{_plain(title)}</title><desc id="about">{_plain(about)}</desc>'
        f"<style>{_FONT}{_STYLE}</style><defs>{_MARKERS}</defs>"
        f'<rect width="{width}" height="{height}" fill="#fff"/>' + "".join(drawing.parts) + "</svg>\n"
    )


def _depth(items: Iterable[Item]) -> int:
    """How deep groups, repeats and conditions stand in each other."""
    deepest = 0
    stack = [(item, 0) for item in items]
    while stack:
        item, depth = stack.pop()
        depth += item.relevant is not None
        deepest = max(deepest, depth)
        if not isinstance(item, Question):
            stack.extend((child, depth + 1) for child in item.children)
    return deepest


@dataclass(slots=True)
class _Drawing:
    """What is drawn so far, in order: later parts lie above earlier ones."""

    form: Form
    language: str
    numbers: dict[str, int]
    parts: list[str] = field(default_factory=list)

    # ── one below the other ─────────────────────────────────────────────────────────────────────────────────

    def sequence(self, items: Sequence[Item], x: int, y: int, width: int) -> int:
        """Items one below the other from ``y`` on, each after an arrow; where the last one ends. Neighbours
        with the same condition share its branch.
        """
        line = x + 24
        for rule, some in groupby(items, key=lambda item: _source(item.relevant)):
            together = _together(some)
            if rule:
                y, line = self.branch(rule, together, x, y, width, line), x + 14
                continue
            for each in together:
                self.arrow(line, y, x + 24, y + GAP)
                y, line = self.items(each, x, y + GAP, width), x + 24
        if line != x + 24:
            self.arrow(line, y, x + 24, y, head=False)
        return y

    def branch(
        self, rule: str, together: Sequence[Sequence[Item]], x: int, y: int, width: int, line: int
    ) -> int:
        """A condition, what is asked when it holds to the right, and the way around it."""
        spine, inner, top = x + 14, x + BRANCH, y + GAP
        values = ", ".join(values_in(self.form, rule, self.language))
        told = say(self.language, "picture.when", rule=rule) + (f"  ({values})" if values else "")
        lines = wrap(told, width - BRANCH - 8, SMALL)
        self.arrow(line, y, spine, top)
        self.parts.append(f'<path class="d" d="M{spine} {top}l11 11l-11 11l-11 -11z"/>')
        self.texts(lines, inner, top + 15, "s cond", SMALL)
        below = max(top + 22, top + 4 + len(lines) * (SMALL + 4))
        for number, some in enumerate(together):
            if number:
                self.arrow(inner + 24, below, inner + 24, below + GAP)
                below += GAP
            else:
                self.parts.append(
                    f'<path class="y" marker-end="url(#ay)" d="M{spine + 11} {top + 11}H{inner - 8}'
                    f'V{below + 14}H{inner}"/>'
                )
            below = self.items(some, inner, below, width - BRANCH)
        end = below + 10
        self.parts.append(f'<path class="o" d="M{spine} {top + 22}V{end}"/>')
        self.parts.append(f'<path class="y" d="M{inner + 24} {below}V{end}H{spine}"/>')
        no = say(self.language, "picture.no")
        at = top + 28 + round(broad(no, SMALL))
        if at < end:
            turn = f'transform="rotate(-90 {spine - 4} {at})"'
            self.parts.append(f'<text class="s cond" x="{spine - 4}" y="{at}" {turn}>{_plain(no)}</text>')
        return end

    def items(self, items: Sequence[Item], x: int, y: int, width: int) -> int:
        """One box or frame, or one for neighbours that nobody sees; where it ends."""
        item = items[0]
        if not isinstance(item, Question):
            return self.frame(item, x, y, width)
        kind = _silent(item)
        if kind is None:
            return self.question(item, x, y, width)
        room = width - 2 * PADDING
        known = [each for each in items if isinstance(each, Question)]
        head = say(self.language, f"form.kind_{kind.value}")
        if kind is Kind.HIDDEN:
            texts = [f"{head}: " + ", ".join(each.name for each in known)]
        else:
            texts = [head, *(f"{each.name} = {_source(each.calculation)}" for each in known)]
        lines = [line for text in texts for line in wrap(text, room, SMALL, 3)]
        height = 2 * PADDING + len(lines) * (SMALL + 4) - 4
        refs = "\n".join(each.ref for each in known)
        self.parts.append(
            f"<g><title>{_plain(refs)}</title>"
            f'<rect class="c" x="{x}" y="{y}" width="{width}" height="{height}" rx="7"/></g>'
        )
        self.texts(lines, x + PADDING, y + PADDING + SMALL - 2, "s", SMALL)
        return y + height

    def frame(self, item: Group | Repeat, x: int, y: int, width: int) -> int:
        """A group, or a repeat with the way back to its beginning."""
        again = isinstance(item, Repeat)
        place = len(self.parts)
        title = ("↻ " if again else "") + (words(self.form, item.label, self.language) or item.name)
        side = 22 if again else 0
        lines = wrap(title, width - 2 * PADDING - side, LABEL)
        bottom = y + PADDING + len(lines) * (LABEL + 5)
        self.texts(lines, x + PADDING, y + PADDING + LABEL - 2, "l b", LABEL)
        if isinstance(item, Repeat):
            often = wrap(times(self.form, item, self.language), width - 2 * PADDING - side, SMALL)
            self.texts(often, x + PADDING, bottom + SMALL, "s", SMALL)
            bottom += len(often) * (SMALL + 4)
        start = bottom
        bottom = self.sequence(item.children, x + PADDING, bottom, width - 2 * PADDING - side) + PADDING
        if again:
            right = x + width
            self.parts.append(
                f'<path class="t" marker-end="url(#at)" d="M{right - PADDING - side} {bottom - PADDING - 14}'
                f'H{right - PADDING - 2}V{start - 4}H{right - PADDING - side - 4}"/>'
            )
        self.parts.insert(
            place,
            f"<g><title>{_plain(item.ref)}</title>"
            f'<rect class="{"r" if again else "g"}" x="{x}" y="{y}" width="{width}" height="{bottom - y}" '
            f'rx="10"/></g>',
        )
        return bottom

    def question(self, question: Question, x: int, y: int, width: int) -> int:
        """A question, a note, or something worked out."""
        asked = question.kind in ASKED
        style = "q" if asked else "n" if question.kind is Kind.NOTE else "c"
        room = width - 2 * PADDING
        number = self.numbers.get(question.ref)
        label = words(self.form, question.label, self.language)
        star = " *" if question.required is not None and asked else ""
        heads = [f"{number}. " if number else "", label or question.name, star]
        lines = wrap("".join(heads), room, LABEL if asked or label else SMALL)
        small = [line for text in self.smaller(question) for line in wrap(text, room, SMALL)]
        size = LABEL if asked or label else SMALL
        height = 2 * PADDING + len(lines) * (size + 5) + len(small) * (SMALL + 4) - 4
        told = " – ".join(filter(None, [question.ref, label]))
        self.parts.append(
            f"<g><title>{_plain(told)}</title>"
            f'<rect class="{style}" x="{x}" y="{y}" width="{width}" height="{height}" rx="7"/></g>'
        )
        self.texts(lines, x + PADDING, y + PADDING + size - 2, "l" if size == LABEL else "s b", size)
        self.texts(small, x + PADDING, y + PADDING + len(lines) * (size + 5) + SMALL - 2, "s", SMALL)
        return y + height

    def smaller(self, question: Question) -> list[str]:
        """What stands below a question in smaller letters."""
        language = self.language
        kind = say(language, f"form.kind_{question.kind.value}")
        found = [" · ".join([kind, question.name, *facts(question, language)])]
        choices = [words(self.form, choice.label, language) or choice.name for choice in question.choices]
        if choices:
            more = (
                [say(language, "form.show_more", count=len(choices) - CHOICES)]
                if len(choices) > CHOICES
                else []
            )
            found.append(" / ".join([*choices[:CHOICES], *more]))
        for name, rule in (
            ("constraint", question.constraint),
            ("choice_filter", question.choice_filter),
            ("calculation", question.calculation),
        ):
            if rule is not None:
                found.append(say(language, f"form.show_{name}", rule=authored(rule.source)))
        return found

    # ── strokes ─────────────────────────────────────────────────────────────────────────────────────────────

    def pill(self, x: int, y: int, width: int, text: str) -> int:
        """Where the flow begins or ends."""
        lines = wrap(text, width - 40, LABEL)
        height = 2 * PADDING + len(lines) * (LABEL + 5) - 5
        self.parts.append(
            f'<rect class="e" x="{x}" y="{y}" width="{width}" height="{height}" rx="{min(22, height // 2)}"/>'
        )
        self.texts(lines, x + 20, y + PADDING + LABEL - 2, "l b", LABEL)
        return y + height

    def arrow(self, x: int, top: int, to: int, bottom: int, *, head: bool = True) -> None:
        """From one thing down to the next, and to its side where that stands elsewhere."""
        across = f"V{top + 5}H{to}" if to != x and head else f"H{to}"
        mark = ' marker-end="url(#a)"' if head else ""
        self.parts.append(f'<path class="w"{mark} d="M{x} {top}{across}V{bottom}"/>')

    def texts(self, lines: Sequence[str], x: int, y: int, style: str, size: int) -> None:
        """Lines of text, the first on the base line ``y``."""
        for number, line in enumerate(lines):
            at = y + number * (size + (5 if size == LABEL else 4))
            self.parts.append(f'<text class="{style}" x="{x}" y="{at}">{_plain(line)}</text>')


def _together(items: Iterable[Item]) -> list[list[Item]]:
    """What shares a box: neighbours that nobody sees."""
    found: list[list[Item]] = []
    for kind, some in groupby(items, key=_silent):
        run = list(some)
        found += [run] if kind else [[each] for each in run]
    return found


def _silent(item: Item) -> Kind | None:
    """The kind of what nobody sees."""
    silent = isinstance(item, Question) and item.kind in (Kind.HIDDEN, Kind.CALCULATE)
    return item.kind if isinstance(item, Question) and silent else None


def _source(rule: Expression | None) -> str:
    return "" if rule is None else authored(rule.source)


def _plain(text: str) -> str:
    """Text that is nothing but text in XML: no markup, no characters that XML 1.0 does not have."""
    kept = (
        character
        for character in text
        if character in "\t\n" or (character >= " " and not "\ud800" <= character <= "\udfff")
    )
    return escape("".join(kept).replace("\ufffe", "").replace("\uffff", ""), quote=True)


# ── fitting text ────────────────────────────────────────────────────────────────────────────────────────────

_NARROW = frozenset(" iljtfrI.,:;|!'()[]{}/\\`·-")
_BROAD = frozenset("mwMWĐ@%—…")


def broad(text: str, size: int) -> float:
    """About how many pixels a line takes; rather more than less, since fonts differ."""
    total = 0.0
    for character in unicodedata.normalize("NFC", text):
        if unicodedata.combining(character):
            continue
        base = unicodedata.normalize("NFD", character)[0]
        if unicodedata.east_asian_width(character) in "WF":
            total += 1.05
        elif base in _NARROW:
            total += 0.38
        elif base in _BROAD or character in _BROAD:
            total += 0.95
        else:
            total += 0.72 if base.isupper() else 0.62
    return total * size


def wrap(text: str, room: int, size: int, most: int = LINES) -> list[str]:
    """``text`` in lines of at most ``room`` pixels, at most ``most`` of them; long words are broken."""
    lines: list[str] = []
    line = ""
    for word in text.split():
        while broad(word, size) > room:
            at = next(n for n in range(len(word), 0, -1) if n == 1 or broad(word[:n], size) <= room)
            if line:
                lines.append(line)
                line = ""
            lines.append(word[:at])
            word = word[at:]
            if not word or len(lines) > most:
                break
        if not word:
            continue
        longer = f"{line} {word}" if line else word
        if broad(longer, size) > room and line:
            lines.append(line)
            line = word
        else:
            line = longer
        if len(lines) > most:
            break
    if line:
        lines.append(line)
    if len(lines) > most:
        lines = lines[:most]
        last = lines[-1]
        while last and broad(last + "…", size) > room:
            last = last[:-1]
        lines[-1] = last.rstrip() + "…"
    return lines
