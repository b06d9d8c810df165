"""Pictures of figures, drawn with Pillow: a megabyte or two of code, no plotting library, some twenty
milliseconds. Imported by who draws, not with the rest.

Colours are told apart by everybody (Okabe and Ito, *Color Universal Design*, 2008), and nothing is said by
colour alone. The fonts have every letter of Vietnamese.
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Any

from PIL import Image, ImageDraw, ImageFont

from bot.places import place_name
from bot.texts import say

FONTS = Path(__file__).parent / "fonts"
WIDTH = 720
"""Pixels: twice a small telephone's, so that letters of 26 are there as large as those of the chat."""
MARGIN = 24
TITLE, HEAD, TEXT, SMALL = 34, 28, 26, 24
"""Sizes of letters, in pixels; nothing is smaller than the last one."""
TITLE_LINE = 44
BAR, GAP = 34, 16
NAMES, LABELS = 200, 236
"""How wide the names of places are, and what stands beside their bars."""
MOST_BARS = 20
"""Places drawn; of more, those that are furthest behind."""
LINE_HEIGHT = 320

INK, PALE, GRID = "#1b1b1b", "#5a5a5a", "#dcdcdc"
DONE, BEGUN, TARGET = "#0072b2", "#e69f00", "#d55e00"
BACK = "#ffffff"


@lru_cache(maxsize=16)
def _font(size: int, bold: bool = False) -> ImageFont.FreeTypeFont:
    name = "BeVietnamPro-Bold.ttf" if bold else "BeVietnamPro-Regular.ttf"
    return ImageFont.truetype(str(FONTS / name), size)


@dataclass(frozen=True, slots=True)
class Bar:
    """A place: its name, the shares of cases answered and begun (0 to 1; None: not to be shown), and what
    stands beside them.
    """

    name: str
    done: float | None
    begun: float
    label: str


def progress_png(shown: Mapping[str, Any], language: str) -> bytes:
    """A campaign's progress, as :func:`bot.actions.progress.work_out` gives it: a bar a place, and how the
    answers add up day by day.
    """
    bars = _bars(shown, language)
    days = shown["days"]
    begun = any(bar.begun for bar in bars)
    titled = TITLE_LINE * len(_title(ImageDraw.Draw(Image.new("RGB", (1, 1))), shown["campaign"]["title"]))
    height = MARGIN + titled + 104 + (40 if begun else 0) + len(bars) * (BAR + GAP) + 72 + LINE_HEIGHT + 72
    image = Image.new("RGB", (WIDTH, height), BACK)
    draw = ImageDraw.Draw(image)
    y = _head(draw, shown, language)
    y = _draw_bars(draw, bars, y, language)
    _draw_line(draw, days, shown.get("forecast"), y + 24, language)
    file = io.BytesIO()
    image.quantize(64, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE).save(file, "PNG")
    return file.getvalue()


def _head(draw: ImageDraw.ImageDraw, shown: Mapping[str, Any], language: str) -> int:
    campaign = shown["campaign"]
    y = MARGIN
    for line in _title(draw, campaign["title"]):
        draw.text((MARGIN, y), line, INK, _font(TITLE, True))
        y += TITLE_LINE
    at = f"{date.fromisoformat(shown['at'][:10]):%d/%m/%Y} {shown['at'][11:16]}"
    text = say(language, "progress.chart.under", code=campaign["code"], at=at)
    draw.text((MARGIN, y + 4), text, PALE, _font(SMALL))
    return y + 56


def _title(draw: ImageDraw.ImageDraw, text: str) -> list[str]:
    """A title in two lines at most."""
    font, room = _font(TITLE, True), WIDTH - 2 * MARGIN
    words = text.split()
    first = 1
    while first < len(words) and draw.textlength(" ".join(words[: first + 1]), font) <= room:
        first += 1
    lines = [" ".join(words[:first]), " ".join(words[first:])]
    return [_cut(draw, line, font, room) for line in lines if line]


def _bars(shown: Mapping[str, Any], language: str) -> list[Bar]:
    rows = [row for row in shown["rows"] if row["cases"]]
    if len(rows) > MOST_BARS:
        worst = sorted(rows, key=lambda row: (row["share"] is None, row["share"] or 0.0))[:MOST_BARS]
        rows = [row for row in rows if row in worst]
    return [
        Bar(
            name=place_name(row, shown["by"], language),
            done=row["share"],
            begun=row.get("unfinished", 0) / row["cases"],
            label="*"
            if row["share"] is None
            else f"{100 * row['share']:.0f}%  {row['answered']}/{row['cases']}",
        )
        for row in rows
    ]


def _draw_bars(draw: ImageDraw.ImageDraw, bars: Sequence[Bar], y: int, language: str) -> int:
    font, left = _font(TEXT), MARGIN + NAMES
    right = WIDTH - MARGIN - LABELS
    key = say(language, "progress.chart.bars")
    draw.text((MARGIN, y), key, INK, _font(HEAD, True))
    if any(bar.begun for bar in bars):
        # What the colours mean, in words of its own line: a telephone is not wide.
        y += 40
        x = MARGIN
        for colour, name in ((DONE, "progress.chart.done"), (BEGUN, "progress.chart.begun")):
            draw.rectangle((x, y + 5, x + 24, y + 29), colour)
            text = say(language, name)
            draw.text((x + 34, y), text, PALE, font)
            x += 34 + round(draw.textlength(text, font)) + 30
    y += 48
    for bar in bars:
        draw.text((MARGIN, y), _cut(draw, bar.name, font, left - MARGIN - 12), INK, font)
        draw.rectangle((left, y, right, y + BAR), "#f0f0f0")
        if bar.done is not None:
            done = left + round((right - left) * min(1.0, bar.done))
            begun = min(right, done + round((right - left) * bar.begun))
            if begun > done:
                draw.rectangle((done, y, begun, y + BAR), BEGUN)
            if done > left:
                draw.rectangle((left, y, done, y + BAR), DONE)
        room = WIDTH - MARGIN - right - 12
        # The share alone, where the figures behind it have no room.
        share = bar.label.partition(" ")[0]
        draw.text(
            (right + 12, y), bar.label if draw.textlength(bar.label, font) <= room else share, INK, font
        )
        y += BAR + GAP
    return y


def _draw_line(
    draw: ImageDraw.ImageDraw,
    days: Sequence[Mapping[str, Any]],
    forecast: Mapping[str, Any] | None,
    y: int,
    language: str,
) -> None:
    font, small = _font(TEXT), _font(SMALL)
    draw.text((MARGIN, y), say(language, "progress.chart.line"), INK, _font(HEAD, True))
    y += 56
    left, right, bottom = MARGIN + 86, WIDTH - MARGIN - 10, y + LINE_HEIGHT
    target = forecast["target"] if forecast is not None else 0
    top = max([day["so_far"] for day in days] + [target, 1])
    step = _step(top)
    top = -(-top // step) * step
    for value in range(0, top + 1, step):
        at = bottom - round(LINE_HEIGHT * value / top)
        draw.line((left, at, right, at), GRID)
        text = f"{value:,}".replace(",", "." if language == "vi" else ",")
        draw.text((left - 12 - draw.textlength(text, small), at - 16), text, PALE, small)
    if target:
        at = bottom - round(LINE_HEIGHT * target / top)
        for x in range(left, right, 16):
            draw.line((x, at, min(right, x + 9), at), TARGET, 4)
        text = say(language, "progress.chart.target")
        # Below its line, where that stands high: above it would run into the grid.
        below = at - y < 40
        draw.text((left + 12, at + 4 if below else at - 38), text, TARGET, font)
    span = max(1, len(days) - 1)
    points = [
        (left + (right - left) * number / span, bottom - LINE_HEIGHT * day["so_far"] / top)
        for number, day in enumerate(days)
    ]
    if len(points) > 1:
        draw.line(points, DONE, 6, joint="curve")
    for across, down in points[-1:]:
        draw.ellipse((across - 8, down - 8, across + 8, down + 8), DONE)
    for number in sorted({0, len(days) // 2, len(days) - 1} if days else ()):
        text = f"{date.fromisoformat(days[number]['day']):%d/%m}"
        middle = left + (right - left) * number / span
        wide = draw.textlength(text, small)
        draw.text((min(max(left, middle - wide / 2), right - wide), bottom + 12), text, PALE, small)


def _step(top: int) -> int:
    """A round distance between grid lines: about five of them."""
    step, factors = 1, (2, 5, 10)
    while top / step > 6:
        base = 10 ** (len(str(step)) - 1)
        step = next(base * factor for factor in factors if base * factor > step)
    return step


def _cut(draw: ImageDraw.ImageDraw, text: str, font: ImageFont.FreeTypeFont, width: float) -> str:
    """As much of a text as fits."""
    if draw.textlength(text, font) <= width:
        return text
    while text and draw.textlength(text + "…", font) > width:
        text = text[:-1]
    return text.rstrip() + "…"
