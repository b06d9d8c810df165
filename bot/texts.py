"""Every sentence a person sees, by key and language, from the catalogues in ``bot/locales``."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from babel.messages.pofile import read_po

LANGUAGES = ("vi", "en")
SOURCE = "vi"

_FOLDER = Path(__file__).parent / "locales"


@lru_cache(maxsize=len(LANGUAGES))
def catalogue(language: str) -> dict[str, str]:
    """All sentences of one language: key → sentence with ``{named}`` placeholders."""
    sentences: dict[str, str] = {}
    for path in sorted((_FOLDER / language / "LC_MESSAGES").glob("*.po")):
        with path.open("rb") as file:
            for message in read_po(file, locale=language):
                if message.id and message.string:
                    sentences[str(message.id)] = str(message.string)
    return sentences


def pick(language: str | None) -> str:
    """The product's language for what a person or device asked for (``vi-VN``, ``en``, ``fr`` …)."""
    short = (language or SOURCE).replace("_", "-").split("-")[0].lower()
    return short if short in LANGUAGES else SOURCE


def say(language: str, key: str, /, **params: object) -> str:
    """The sentence ``key`` in ``language``, filled in.

    A key without a sentence is a fault of ours that the suite finds; a person then sees the key rather
    than nothing.
    """
    sentence = catalogue(pick(language)).get(key)
    if sentence is None:
        return key
    return sentence.format_map(params) if params else sentence


def has(key: str) -> bool:
    """Whether ``key`` has a sentence (in the source language; the suite holds the languages equal)."""
    return key in catalogue(SOURCE)
