"""The catalogues: every key the code asks for has a sentence in both languages, and none is there in vain.

Keys are found in the source itself. A key is literal (``say("turn.fault")``), or made of a literal part and
a value (``say(f"missing.{why}")``); then at least one sentence must fit, and every one that fits counts as
used.
"""

from __future__ import annotations

import ast
import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from string import Formatter

import pytest
from babel.messages.pofile import read_po

from bot.texts import LANGUAGES, catalogue, say

ROOT = Path(__file__).parents[2]
FLOORS = ("bot", "scheduler", "storage", "surveys")
LOCALES = ROOT / "bot" / "locales"
DOMAINS = sorted({path.name for path in LOCALES.glob("*/LC_MESSAGES/*.po")})

KEY = re.compile(r"[a-z][a-z0-9_]*(\.[A-Za-z0-9_-]+)+")
ASKING = frozenset({"say", "said", "said_in", "has", "Refusal", "Refused"})
"""Functions and values that are given a key."""
QUEUEING = frozenset({"Draft", "queue", "_queued"})
"""What puts a message into the outbox by its key; a message with a maker of its own needs no sentence."""

SPOKEN_BY_THE_COMMAND_LINE = "cli."
"""Keys of help texts are the words of the commands; that each has one is the command line's own test."""

WORDED_BY_NAME = frozenset({"sex", "age_band", "way", "dimension", "outcome", "verdict", "role"})
"""Families asked for by the name of a value alone (``f"{dimension}.{value}"``)."""

CODED = ("problem.", "areas.note.")
"""Families asked for by a code that a value carries: what follows is a literal elsewhere."""

ON_TABLES = frozenset({"screen_out", "suppression", "working_age_rule"})
"""What instruments and parameters name; that everything they name has words is the library's own test."""


@dataclass(frozen=True, slots=True)
class Use:
    """A place in the code that asks for a key, or for all keys that fit a pattern."""

    place: str
    key: str = ""
    pattern: re.Pattern[str] | None = None


@lru_cache(maxsize=1)
def sources() -> tuple[tuple[str, ast.Module], ...]:
    return tuple(
        (str(path.relative_to(ROOT)), ast.parse(path.read_text("utf-8")))
        for floor in FLOORS
        for path in sorted((ROOT / floor).rglob("*.py"))
        if "doubles" not in path.parts
    )


def name_of(call: ast.Call) -> str:
    function = call.func
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")


def pattern_of(joined: ast.JoinedStr) -> re.Pattern[str] | None:
    """What keys an f-string can make; None when it has no literal beginning."""
    first = joined.values[0]
    if not isinstance(first, ast.Constant):
        return None
    parts = [re.escape(str(part.value)) if isinstance(part, ast.Constant) else ".+" for part in joined.values]
    return re.compile("".join(parts))


def keys_in(node: ast.expr) -> Iterator[str | re.Pattern[str]]:
    """The keys an argument can be: a text, one of two texts, an f-string."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, ast.IfExp):
        yield from keys_in(node.body)
        yield from keys_in(node.orelse)
    elif isinstance(node, ast.JoinedStr) and (pattern := pattern_of(node)) is not None:
        yield pattern


def made_messages() -> set[str]:
    """Messages of the outbox that a function of their own makes."""
    return {
        str(call.args[0].value)
        for _, tree in sources()
        for call in ast.walk(tree)
        if isinstance(call, ast.Call) and name_of(call) == "maker" and isinstance(call.args[0], ast.Constant)
    }


@lru_cache(maxsize=1)
def uses() -> tuple[Use, ...]:
    """Every place that asks for a sentence."""
    made = made_messages()
    found = []
    for path, tree in sources():
        for call in ast.walk(tree):
            if not isinstance(call, ast.Call):
                continue
            place, name = f"{path}:{call.lineno}", name_of(call)
            if name == "Problem" and call.args:
                for code in keys_in(call.args[0]):
                    if isinstance(code, str):
                        found.append(Use(place, "problem." + code.removeprefix("problem.")))
            elif name in ASKING:
                for argument in call.args[:2]:
                    for key in keys_in(argument):
                        if not isinstance(key, str):
                            found.append(Use(place, pattern=key))
                        elif KEY.fullmatch(key):
                            found.append(Use(place, key))
            elif name in QUEUEING:
                given = [*call.args, *(each.value for each in call.keywords if each.arg == "message")]
                for argument in given:
                    for key in keys_in(argument):
                        if isinstance(key, str) and KEY.fullmatch(key) and key not in made:
                            found.append(Use(place, key))
    return tuple(found)


@lru_cache(maxsize=1)
def patterns_of_the_code() -> tuple[re.Pattern[str], ...]:
    """Every f-string that begins like a key, wherever it is made."""
    made = (
        pattern_of(node)
        for _, tree in sources()
        for node in ast.walk(tree)
        if isinstance(node, ast.JoinedStr)
    )
    return tuple(
        one for one in made if one is not None and re.match(r"[a-z_]+(\\\.[a-z_]+)*(\\\.|_)\.\+", one.pattern)
    )


@lru_cache(maxsize=1)
def words_of_the_code() -> frozenset[str]:
    """Every text in the code that could be a key, a code of a problem, or the end of a key."""
    return frozenset(
        node.value
        for _, tree in sources()
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and len(node.value) < 80
    )


def spoken_by_pages() -> str:
    """The pages and scripts of the web chat, which name keys too."""
    found = [path for kind in ("html", "js") for path in (ROOT / "bot").rglob(f"*.{kind}")]
    return "\n".join(path.read_text("utf-8") for path in found)


def parameters_of_problems() -> set[str]:
    """Names of parameters: their values are worded by sentences of the family of that name."""
    return {
        keyword.arg
        for _, tree in sources()
        for call in ast.walk(tree)
        if isinstance(call, ast.Call) and name_of(call) == "Problem"
        for keyword in call.keywords
        if keyword.arg
    }


def messages(language: str, domain: str) -> dict[str, str]:
    with (LOCALES / language / "LC_MESSAGES" / domain).open("rb") as file:
        return {str(one.id): str(one.string) for one in read_po(file, locale=language) if one.id}


def placeholders(sentence: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(sentence) if name}


def listed(found: Iterable[str]) -> str:
    """All of what was found wrong, a line each."""
    return "\n" + "\n".join(sorted(found))


# ── the code asks, the catalogues answer ────────────────────────────────────────────────────────────────────


def test_every_key_the_code_asks_for_has_a_sentence() -> None:
    known = catalogue("vi")
    lacking = [f"{use.place} {use.key}" for use in uses() if use.key and use.key not in known]
    assert not lacking, listed(lacking)


def test_every_key_made_of_a_value_finds_at_least_one_sentence() -> None:
    known = catalogue("vi")
    lacking = [
        f"{use.place} {use.pattern.pattern}"
        for use in uses()
        if use.pattern is not None and not any(use.pattern.fullmatch(key) for key in known)
    ]
    assert not lacking, listed(lacking)


def test_every_sentence_is_asked_for() -> None:
    literal = {use.key for use in uses()} | words_of_the_code()
    patterns = patterns_of_the_code()
    worded = WORDED_BY_NAME | parameters_of_problems()
    # "web.chat." alone: a page is given the whole family.
    families = tuple(word for word in literal if re.fullmatch(r"([a-z_]+\.)+", word))
    endings = tuple(word for word in literal if re.fullmatch(r"_[a-z_]+", word))
    pages = spoken_by_pages()

    def asked(key: str) -> bool:
        family = key.partition(".")[0]
        return (
            key in literal
            or family in worded | ON_TABLES
            or any(key.startswith(start) and key.removeprefix(start) in literal for start in CODED)
            or any(key.endswith(end) and key.removesuffix(end) in literal for end in endings)
            or any(pattern.fullmatch(key) for pattern in patterns)
            or key.startswith(families)
            or key.removeprefix("web.") in pages
        )

    idle = [
        key for key in catalogue("vi") if not key.startswith(SPOKEN_BY_THE_COMMAND_LINE) and not asked(key)
    ]
    assert not idle, listed(idle)


# ── the languages agree ─────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("domain", DOMAINS)
def test_both_languages_have_the_same_keys_with_the_same_placeholders(domain: str) -> None:
    vi, en = (messages(language, domain) for language in LANGUAGES)
    assert list(vi) == list(en)
    assert [key for key in vi if placeholders(vi[key]) != placeholders(en[key])] == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_sentence_is_empty_and_none_stands_in_two_files(language: str) -> None:
    seen: dict[str, str] = {}
    for domain in DOMAINS:
        for key, sentence in messages(language, domain).items():
            assert sentence.strip(), f"{domain}: {key}"
            assert key not in seen, f"{key} in {seen[key]} and {domain}"
            seen[key] = domain


def test_vietnamese_sentences_are_in_composed_letters() -> None:

    assert [key for key, text in catalogue("vi").items() if text != unicodedata.normalize("NFC", text)] == []


def test_a_key_without_a_sentence_is_shown_rather_than_nothing() -> None:
    assert say("vi", "no.such_key") == "no.such_key"
