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
WIDTH = 900
"""Pixels: as wide as a telephone shows without making letters too small."""
MARGIN = 36
BAR, GAP = 26, 12
MOST_BARS = 20
"""Places drawn; of more, those that are furthest behind."""
LINE_HEIGHT = 300

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
    height = MARGIN + 96 + len(bars) * (BAR + GAP) + 64 + LINE_HEIGHT + 76
    image = Image.new("RGB", (WIDTH, height), BACK)
    draw = ImageDraw.Draw(image)
    y = _head(draw, shown, language)
    y = _draw_bars(draw, bars, y, language)
    _draw_line(draw, days, shown.get("forecast"), y + 22, language)
    file = io.BytesIO()
    image.quantize(64, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE).save(file, "PNG")
    return file.getvalue()


def _head(draw: ImageDraw.ImageDraw, shown: Mapping[str, Any], language: str) -> int:
    campaign = shown["campaign"]
    title = _cut(draw, campaign["title"], _font(26, True), WIDTH - 2 * MARGIN)
    draw.text((MARGIN, MARGIN), title, INK, _font(26, True))
    at = f"{date.fromisoformat(shown['at'][:10]):%d/%m/%Y} {shown['at'][11:16]}"
    text = say(language, "progress.chart.under", code=campaign["code"], at=at)
    draw.text((MARGIN, MARGIN + 38), text, PALE, _font(17))
    return MARGIN + 76


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
    font, left = _font(17), MARGIN + 230
    right = WIDTH - MARGIN - 170
    key = say(language, "progress.chart.bars")
    draw.text((MARGIN, y), key, INK, _font(18, True))
    if any(bar.begun for bar in bars):
        x = MARGIN + round(draw.textlength(key, _font(18, True))) + 24
        draw.rectangle((x, y + 4, x + 16, y + 18), BEGUN)
        draw.text((x + 24, y), say(language, "progress.chart.begun"), PALE, font)
    y += 34
    for bar in bars:
        draw.text((MARGIN, y + 2), _cut(draw, bar.name, font, left - MARGIN - 12), INK, font)
        draw.rectangle((left, y, right, y + BAR), "#f0f0f0")
        if bar.done is not None:
            done = left + round((right - left) * min(1.0, bar.done))
            begun = min(right, done + round((right - left) * bar.begun))
            if begun > done:
                draw.rectangle((done, y, begun, y + BAR), BEGUN)
            if done > left:
                draw.rectangle((left, y, done, y + BAR), DONE)
        draw.text((right + 12, y + 2), bar.label, INK, font)
        y += BAR + GAP
    return y


def _draw_line(
    draw: ImageDraw.ImageDraw,
    days: Sequence[Mapping[str, Any]],
    forecast: Mapping[str, Any] | None,
    y: int,
    language: str,
) -> None:
    font, small = _font(17), _font(15)
    draw.text((MARGIN, y), say(language, "progress.chart.line"), INK, _font(18, True))
    y += 38
    left, right, bottom = MARGIN + 70, WIDTH - MARGIN - 10, y + LINE_HEIGHT
    target = forecast["target"] if forecast is not None else 0
    top = max([day["so_far"] for day in days] + [target, 1])
    step = _step(top)
    top = -(-top // step) * step
    for value in range(0, top + 1, step):
        at = bottom - round(LINE_HEIGHT * value / top)
        draw.line((left, at, right, at), GRID)
        text = f"{value:,}".replace(",", "." if language == "vi" else ",")
        draw.text((left - 10 - draw.textlength(text, small), at - 9), text, PALE, small)
    if target:
        at = bottom - round(LINE_HEIGHT * target / top)
        for x in range(left, right, 16):
            draw.line((x, at, min(right, x + 9), at), TARGET, 3)
        text = say(language, "progress.chart.target")
        draw.text((right - draw.textlength(text, font), at - 24), text, TARGET, font)
    span = max(1, len(days) - 1)
    points = [
        (left + (right - left) * number / span, bottom - LINE_HEIGHT * day["so_far"] / top)
        for number, day in enumerate(days)
    ]
    if len(points) > 1:
        draw.line(points, DONE, 4, joint="curve")
    for across, down in points[-1:]:
        draw.ellipse((across - 6, down - 6, across + 6, down + 6), DONE)
    for number in sorted({0, len(days) // 2, len(days) - 1} if days else ()):
        text = f"{date.fromisoformat(days[number]['day']):%d/%m}"
        middle = left + (right - left) * number / span
        wide = draw.textlength(text, small)
        draw.text((min(max(left, middle - wide / 2), right - wide), bottom + 10), text, PALE, small)


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
