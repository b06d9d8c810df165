"""Links and QR codes into a campaign."""

from __future__ import annotations

import struct
import zlib
from xml.etree import ElementTree

import pytest
import segno

from bot.leaflets import chat_link, qr_png, qr_svg, telegram_link
from surveys.problems import Problem


def test_a_code_leads_into_the_web_chat() -> None:
    assert chat_link("https://hoi.example/", "AB2CDE") == "https://hoi.example/chat/AB2CDE"


@pytest.mark.parametrize("bot", ["hoi_dan_bot", "@hoi_dan_bot", " https://t.me/hoi_dan_bot "])
def test_a_code_leads_into_telegram(bot: str) -> None:
    assert telegram_link(bot, "AB2CDE") == "https://t.me/hoi_dan_bot?start=AB2CDE"


@pytest.mark.parametrize("bot", ["", "hỏi dân", "a", "t.me/x?y"])
def test_what_is_no_bot_name_is_refused(bot: str) -> None:
    with pytest.raises(Problem) as caught:
        telegram_link(bot, "AB2CDE")
    assert caught.value.code == "telegram_bot_name"


def test_the_picture_holds_the_link_with_a_quarter_to_spare() -> None:
    link = "https://hoi.example/chat/AB2CDE"
    code = segno.make(link, error="q", micro=False)
    assert code.error == "Q"
    assert pixels(qr_png(link, pixels=1)) == [
        [bool(square) for square in row] for row in code.matrix_iter(scale=1, border=4)
    ]
    width = code.symbol_size(scale=8, border=4)[0]
    drawing = ElementTree.fromstring(qr_svg(link))
    assert (drawing.get("width"), drawing.get("height")) == (str(width), str(width))


def pixels(png: bytes) -> list[list[bool]]:
    """The squares of a PNG with one bit a pixel, True for dark (W3C, PNG specification, third edition)."""
    assert png[:8] == b"\x89PNG\r\n\x1a\n"
    at, data, width, height = 8, b"", 0, 0
    while at < len(png):
        size, kind = struct.unpack(">I4s", png[at : at + 8])
        chunk = png[at + 8 : at + 8 + size]
        if kind == b"IHDR":
            width, height, depth, colour = struct.unpack(">IIBB", chunk[:10])
            assert (depth, colour) == (1, 0)
        if kind == b"IDAT":
            data += chunk
        at += 12 + size
    raw = zlib.decompress(data)
    stride = 1 + (width + 7) // 8
    lines = [raw[y * stride : (y + 1) * stride] for y in range(height)]
    assert {line[0] for line in lines} == {0}
    return [[not line[1 + x // 8] >> (7 - x % 8) & 1 for x in range(width)] for line in lines]
