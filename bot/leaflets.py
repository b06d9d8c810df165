"""What leads people into a campaign: links, and QR codes of them."""

from __future__ import annotations

import io
import re
from dataclasses import dataclass

import segno

from surveys.problems import Problem

BOT_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{3,31}")
"""A Telegram user name (core.telegram.org/bots/features#deep-linking)."""


@dataclass(frozen=True, slots=True)
class Links:
    """Where people find the deployment. Empty parts are not offered."""

    public_url: str = ""
    telegram_bot: str = ""

    def join(self, code: str) -> list[str]:
        """The links that lead straight into a campaign, the web chat's first."""
        links = [chat_link(self.public_url, code)] if self.public_url else []
        return links + ([telegram_link(self.telegram_bot, code)] if self.telegram_bot else [])


def chat_link(public_url: str, code: str) -> str:
    """Where a browser opens the web chat with a campaign's code."""
    return f"{public_url.rstrip('/')}/chat/{code}"


def sign_in_link(public_url: str, code: str) -> str:
    """Where a browser becomes a member of staff's, by an invitation's code."""
    return f"{public_url.rstrip('/')}/sign-in/{code}"


def telegram_link(bot: str, code: str) -> str:
    """Where Telegram opens the bot with a code (at most 64 letters, digits, ``_``, ``-``).

    Raises Problem ``telegram_bot_name``.
    """
    name = bot.strip().removeprefix("https://t.me/").removeprefix("@")
    if not BOT_NAME.fullmatch(name):
        raise Problem("telegram_bot_name", name=name[:40])
    return f"https://t.me/{name}?start={code}"


def qr_png(link: str, *, pixels: int = 8) -> bytes:
    """A PNG of the QR code of ``link``, each of its squares ``pixels`` wide."""
    return _save(link, "png", pixels)


def qr_svg(link: str, *, pixels: int = 8) -> bytes:
    """The same as SVG, for print in any size."""
    return _save(link, "svg", pixels)


def _save(link: str, kind: str, scale: int) -> bytes:
    buffer = io.BytesIO()
    # Level Q stays readable with a quarter of it worn off: leaflets hang on walls and in the rain.
    segno.make(link, error="q", micro=False).save(buffer, kind=kind, scale=scale, border=4)
    return buffer.getvalue()
