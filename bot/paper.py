"""Paper, A4: an invitation a household, sheets of labels to cut apart, a poster. Drawn with ReportLab in
black alone, so that any copier will do, in a typeface made for Vietnamese.

What is the same on every page of a document is drawn once and referred to, so that thousands of pages stay
small.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import segno
from reportlab import rl_config
from reportlab.lib.pagesizes import A4
from reportlab.lib.units import mm
from reportlab.lib.utils import simpleSplit
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas

from bot.texts import say
from surveys.campaigns import Mode

FONTS = Path(__file__).parent / "fonts"
"""Be Vietnam Pro (SIL Open Font License 1.1), with its licence."""
PLAIN, BOLD = "BeVietnamPro-Regular", "BeVietnamPro-Bold"

WIDTH, HEIGHT = A4
MARGIN = 18 * mm
LABEL_COLUMNS, LABEL_ROWS = 3, 8
PEOPLE_COLUMNS, PEOPLE_ROWS = 2, 3
PEOPLE_ON_PAGE = PEOPLE_COLUMNS * PEOPLE_ROWS
"""People of a household whose codes stand on one page; more go on to another."""
LEGAL_LINES = 12
"""Lines that the law wants, at most; in smaller letters where they would be more."""
QUIET = 4
"""Modules around a QR code that stay white (ISO/IEC 18004)."""


@dataclass(frozen=True, slots=True)
class Sender:
    """What is the same on all paper of a campaign. ``site`` is where codes are typed; ``legal`` are the lines
    that the law wants said; ``telegram`` is the bot that takes codes, too, empty where none does.
    """

    language: str
    office: str
    address: str
    phone: str
    title: str
    ends: str
    site: str
    legal: tuple[str, ...]
    telegram: str = ""

    def way(self, key: str) -> str:
        """A sentence on where a code is typed."""
        if self.telegram:
            return say(self.language, f"{key}_telegram", site=self.site, bot=f"@{self.telegram}")
        return say(self.language, key, site=self.site)


@dataclass(frozen=True, slots=True)
class Invitation:
    """A code with its link; ``name`` of a person, empty for the household as a whole."""

    code: str
    link: str
    name: str = ""


@dataclass(frozen=True, slots=True)
class Letter:
    """What is written to one household. ``lines`` are its address field."""

    lines: tuple[str, ...]
    mark: str
    invitations: tuple[Invitation, ...]


def _fonts() -> None:
    # Streams as they are: by default ReportLab writes them in printable letters alone, a quarter longer.
    rl_config.useA85 = 0
    for name in (PLAIN, BOLD):
        if name not in pdfmetrics.getRegisteredFontNames():
            pdfmetrics.registerFont(TTFont(name, str(FONTS / f"{name}.ttf")))


def _document(file: BinaryIO, sender: Sender, subject: str) -> Canvas:
    _fonts()
    canvas = Canvas(file, pagesize=A4, pageCompression=1)
    canvas.setTitle(f"{sender.title} – {subject}")
    canvas.setAuthor(sender.office)
    canvas.setCreator("Hỏi Dân")
    return canvas


# ── drawing ─────────────────────────────────────────────────────────────────────────────────────────────────


def draw_qr(canvas: Canvas, link: str, x: float, y: float, size: float, *, error: str = "m") -> None:
    """The QR code of ``link`` in a square of ``size`` points with its lower left corner at *(x, y)*, its
    quiet zone inside.

    Always the same mask, which costs a fifth of trying all eight; every reader reads each of them.
    """
    matrix = segno.make(link, error=error, micro=False, boost_error=False, mask=2).matrix
    across = len(matrix) + 2 * QUIET
    drawn = []
    for number, row in enumerate(matrix, 1):
        bottom = across - QUIET - number
        start = None
        for place, dark in enumerate((*row, 0), QUIET):
            if dark and start is None:
                start = place
            elif not dark and start is not None:
                # A hair taller than its row, so that no white line shows between two.
                drawn.append(f"{start} {bottom} {place - start} 1.03 re")
                start = None
    canvas.saveState()
    canvas.translate(x, y)
    canvas.scale(size / across, size / across)
    # In PDF's own words (ISO 32000-1, 8.5): a rectangle for each run of dark modules, then fill them all. A
    # path object would write every number with six digits, which takes longer than all the rest of a page.
    canvas.addLiteral(" ".join(drawn) + " f")
    canvas.restoreState()


def _wrap(text: str, font: str, size: float, width: float) -> list[str]:
    return [str(line) for line in simpleSplit(text, font, size, width)]


def _paragraph(
    canvas: Canvas,
    text: str,
    x: float,
    y: float,
    width: float,
    *,
    font: str = PLAIN,
    size: float = 10.5,
    lead: float = 1.4,
    most: int = 99,
) -> float:
    """Lines below one another from the baseline ``y`` down; the baseline after them."""
    canvas.setFont(font, size)
    for line in _fewer(_wrap(text, font, size, width), most):
        canvas.drawString(x, y, line)
        y -= size * lead
    return y


def _fewer(lines: list[str], most: int) -> list[str]:
    return lines if len(lines) <= most else [*lines[: most - 1], lines[most - 1].rstrip() + " …"]


def _fitted(canvas: Canvas, text: str, x: float, y: float, width: float, font: str, size: float) -> None:
    """One line, in smaller letters where it would not fit."""
    drawn = pdfmetrics.stringWidth(text, font, size)
    canvas.setFont(font, size if drawn <= width else max(4.0, size * width / drawn))
    canvas.drawString(x, y, text)


def _centred(canvas: Canvas, text: str, y: float, font: str, size: float, lead: float = 1.25) -> float:
    canvas.setFont(font, size)
    for line in _wrap(text, font, size, WIDTH - 2 * MARGIN):
        canvas.drawCentredString(WIDTH / 2, y, line)
        y -= size * lead
    return y


def _legal(canvas: Canvas, sender: Sender, bottom: float) -> float:
    """The lines the law wants, standing on ``bottom``; the height above them."""
    lead, width = 1.32, WIDTH - 2 * MARGIN
    for size in (7.6, 6.8, 6.0):
        lines = [line for text in sender.legal for line in _wrap(text, PLAIN, size, width)]
        if len(lines) <= LEGAL_LINES:
            break
    lines = _fewer(lines, LEGAL_LINES)
    top = bottom + len(lines) * size * lead
    canvas.setLineWidth(0.4)
    canvas.line(MARGIN, top + 3, WIDTH - MARGIN, top + 3)
    y = top - size
    canvas.setFont(PLAIN, size)
    for line in lines:
        canvas.drawString(MARGIN, y, line)
        y -= size * lead
    return top + 3


# ── letters ─────────────────────────────────────────────────────────────────────────────────────────────────

FIELD_TOP = HEIGHT - 46 * mm
"""Where the address field begins: it shows in the window of a DL envelope when the sheet is folded in
three.
"""
BODY_TOP = HEIGHT - 92 * mm


def letters(file: BinaryIO, sender: Sender, letters: Iterable[Letter]) -> int:
    """A page a household, one more for every further six of its people; the number of pages."""
    canvas = _document(file, sender, say(sender.language, "leaflet.subject_leaflet"))
    pages = 0
    drawn: dict[bool, float] = {}
    for letter in letters:
        personal = bool(letter.invitations and letter.invitations[0].name)
        if personal not in drawn:
            drawn[personal] = _letter_form(canvas, sender, personal=personal)
        for start in range(0, len(letter.invitations), PEOPLE_ON_PAGE):
            canvas.doForm(_form_name(personal))
            _address(canvas, sender, letter)
            some = letter.invitations[start : start + PEOPLE_ON_PAGE]
            if personal:
                _people(canvas, sender, some, drawn[personal])
            else:
                _household(canvas, some[0], drawn[personal])
            canvas.showPage()
            pages += 1
    canvas.save()
    return pages


def _form_name(personal: bool) -> str:
    return "personal" if personal else "household"


def _letter_form(canvas: Canvas, sender: Sender, *, personal: bool) -> float:
    """Draw what all letters share; where the codes begin (from above)."""
    canvas.beginForm(_form_name(personal))
    language, width = sender.language, WIDTH - 2 * MARGIN
    y = HEIGHT - 20 * mm
    y = _paragraph(canvas, sender.office, MARGIN, y, width * 0.6, font=BOLD, size=11.5, most=2)
    contact = " · ".join(filter(None, (sender.address, say(language, "leaflet.phone", phone=sender.phone))))
    _paragraph(canvas, contact, MARGIN, y, width, size=8.5, most=2)
    canvas.setLineWidth(0.3)
    for third in (1, 2):
        # Where to fold.
        canvas.line(4 * mm, HEIGHT * third / 3, 9 * mm, HEIGHT * third / 3)
    y = _paragraph(canvas, sender.title, MARGIN, BODY_TOP, width, font=BOLD, size=17, lead=1.2, most=2)
    kind = "personal" if personal else "household"
    y = _paragraph(canvas, say(language, f"leaflet.why_{kind}"), MARGIN, y - 2 * mm, width)
    y = _paragraph(
        canvas, say(language, "leaflet.until", ends=sender.ends), MARGIN, y - 1 * mm, width, font=BOLD
    )
    top = y
    if personal:
        steps = sender.way("leaflet.steps_personal")
        top = _paragraph(canvas, steps, MARGIN, y - 1 * mm, width, size=9.5)
    else:
        x = MARGIN + 52 * mm
        canvas.setFont(PLAIN, 9.5)
        canvas.drawString(x, y - 7 * mm, say(language, "leaflet.code_household"))
        step_y = y - 25 * mm
        for number, text in enumerate(_steps(sender), 1):
            step_y = _paragraph(canvas, f"{number}. {text}", x, step_y, width - 52 * mm, size=10) - 1.2 * mm
        canvas.setLineWidth(0.8)
        canvas.roundRect(MARGIN, y - 54 * mm, width, 53 * mm, 3 * mm, stroke=1, fill=0)
    bottom = _legal(canvas, sender, 12 * mm)
    help_y = bottom + 13 * mm
    _paragraph(
        canvas, say(language, "leaflet.help", phone=sender.phone), MARGIN, help_y, width, size=9.5, most=3
    )
    canvas.endForm()
    return top


def _steps(sender: Sender) -> tuple[str, str, str]:
    """How one comes to answer."""
    first, last = (say(sender.language, f"leaflet.step_{number}") for number in (1, 3))
    return first, sender.way("leaflet.step_2"), last


def _address(canvas: Canvas, sender: Sender, letter: Letter) -> None:
    """The address field, and the household's number in the office's list."""
    width = 95 * mm
    canvas.setFont(PLAIN, 9)
    canvas.drawString(MARGIN, FIELD_TOP, say(sender.language, "leaflet.to"))
    y = FIELD_TOP - 5.5 * mm
    for number, line in enumerate(letter.lines):
        y = _paragraph(
            canvas, line, MARGIN, y, width, font=BOLD if number == 0 else PLAIN, size=11.5, lead=1.28, most=2
        )
    if letter.mark:
        canvas.setFont(PLAIN, 7.5)
        canvas.drawRightString(WIDTH - MARGIN, FIELD_TOP, letter.mark)


def _household(canvas: Canvas, invitation: Invitation, top: float) -> None:
    """The one code of a household, beside the steps."""
    draw_qr(canvas, invitation.link, MARGIN + 1.5 * mm, top - 52.5 * mm, 49 * mm)
    canvas.setFont(BOLD, 22)
    canvas.drawString(MARGIN + 52 * mm, top - 16.5 * mm, invitation.code)


def _people(canvas: Canvas, sender: Sender, invitations: Sequence[Invitation], top: float) -> None:
    """A field a person, two side by side: their QR code, name and code, apart enough to be cut."""
    height, width = 26 * mm, (WIDTH - 2 * MARGIN) / PEOPLE_COLUMNS
    canvas.setLineWidth(0.4)
    canvas.setDash(2, 2)
    for line in range(-(-len(invitations) // PEOPLE_COLUMNS) + 1):
        canvas.line(MARGIN, top - line * height, WIDTH - MARGIN, top - line * height)
    canvas.setDash()
    for number, one in enumerate(invitations):
        left = MARGIN + (number % PEOPLE_COLUMNS) * width
        y = top - (number // PEOPLE_COLUMNS + 1) * height
        draw_qr(canvas, one.link, left, y + 0.5 * mm, height - 1 * mm)
        x = left + height + 1 * mm
        room = width - height - 3 * mm
        _fitted(canvas, one.name, x, y + 17 * mm, room, BOLD, 11.5)
        canvas.setFont(PLAIN, 8.5)
        canvas.drawString(x, y + 11.5 * mm, say(sender.language, "leaflet.code_personal"))
        _fitted(canvas, one.code, x, y + 5.5 * mm, room, BOLD, 13)


# ── labels ──────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Label:
    """A code to cut off: for whom it is, in one or two short lines."""

    invitation: Invitation
    lines: tuple[str, ...]


def labels(file: BinaryIO, sender: Sender, labels: Iterable[Label]) -> int:
    """Sheets of 3 × 8 labels (70 × 37 mm, as sheets of labels are sold, or to be cut); how many sheets."""
    canvas = _document(file, sender, say(sender.language, "leaflet.subject_labels"))
    canvas.beginForm("cuts")
    canvas.setLineWidth(0.3)
    canvas.setDash(1, 3)
    for column in range(1, LABEL_COLUMNS):
        canvas.line(WIDTH * column / LABEL_COLUMNS, 0, WIDTH * column / LABEL_COLUMNS, HEIGHT)
    for row in range(1, LABEL_ROWS):
        canvas.line(0, HEIGHT * row / LABEL_ROWS, WIDTH, HEIGHT * row / LABEL_ROWS)
    canvas.endForm()
    on_sheet = LABEL_COLUMNS * LABEL_ROWS
    place = sheets = 0
    for label in labels:
        if place == 0:
            canvas.doForm("cuts")
            sheets += 1
        _label(canvas, sender, label, place)
        place = (place + 1) % on_sheet
        if place == 0:
            canvas.showPage()
    if place or not sheets:
        canvas.showPage()
    canvas.save()
    return sheets


def _label(canvas: Canvas, sender: Sender, label: Label, place: int) -> None:
    width, height = WIDTH / LABEL_COLUMNS, HEIGHT / LABEL_ROWS
    left = (place % LABEL_COLUMNS) * width
    bottom = HEIGHT - (place // LABEL_COLUMNS + 1) * height
    # Printers leave some five millimetres at the edge white.
    size = height - 11 * mm
    draw_qr(canvas, label.invitation.link, left + 5 * mm, bottom + 5.5 * mm, size)
    x, room = left + 6 * mm + size, width - size - 9 * mm
    y = bottom + height - 9.5 * mm
    for number, line in enumerate(label.lines[:3]):
        _fitted(canvas, line, x, y, room, BOLD if number == 0 else PLAIN, 8 if number == 0 else 7)
        y -= 3.6 * mm
    _fitted(canvas, label.invitation.code, x, bottom + 12.5 * mm, room, BOLD, 10.5)
    _fitted(canvas, sender.site, x, bottom + 8.8 * mm, room, PLAIN, 7)
    until = say(sender.language, "leaflet.label_until", ends=sender.ends)
    _fitted(canvas, until, x, bottom + 5.6 * mm, room, PLAIN, 6.5)


# ── the poster ──────────────────────────────────────────────────────────────────────────────────────────────


def poster(file: BinaryIO, sender: Sender, invitation: Invitation, mode: Mode) -> int:
    """One page for walls: the campaign's own code, and who is meant."""
    language = sender.language
    canvas = _document(file, sender, say(language, "leaflet.subject_poster"))
    y = _centred(canvas, sender.office, HEIGHT - 22 * mm, BOLD, 14)
    y = _centred(canvas, sender.title, y - 12 * mm, BOLD, 27, 1.15)
    y = _centred(canvas, say(language, f"leaflet.poster_why_{mode}"), y - 3 * mm, PLAIN, 13, 1.35)
    size = 88 * mm
    draw_qr(canvas, invitation.link, (WIDTH - size) / 2, y - size - 1 * mm, size, error="q")
    y = _centred(canvas, say(language, "leaflet.poster_code"), y - size - 7 * mm, PLAIN, 12)
    y = _centred(canvas, invitation.code, y - 9 * mm, BOLD, 38)
    for number, text in enumerate(_steps(sender), 1):
        y = _centred(canvas, f"{number}. {text}", y, PLAIN, 11.5, 1.3)
    y = _centred(canvas, say(language, "leaflet.until", ends=sender.ends), y - 3 * mm, BOLD, 13)
    _centred(canvas, say(language, "leaflet.help", phone=sender.phone), y - 1 * mm, PLAIN, 10.5)
    _legal(canvas, sender, 12 * mm)
    canvas.showPage()
    canvas.save()
    return 1
