"""The forms that golden interviews are made of, and what a driver has to know of each beforehand."""

from __future__ import annotations

import random
import re
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from re import _constants, _parser  # type: ignore[attr-defined]
from typing import Any
from xml.etree import ElementTree

from bot.authoring.child import document
from tests.forms.build import xlsx
from tests.golden.tables import FILES, FORMS, sheets

LIBRARY = Path(__file__).parents[2] / "surveys" / "library"
INSTRUMENTS = ("nguoi_lao_dong", "ho_gia_dinh", "cong_dan_hoc_tap")
"""Instruments that are shipped, answered like any other form."""

NOW = "2026-03-02T09:30:00.000+07:00"
"""The moment at which every golden interview takes place."""

_JR = "{http://openrosa.org/javarosa}"
_REFERENCE = re.compile(r"(?:current\(\)/)?(?:\.\./|/)[\w./-]+")
_NUMBER = re.compile(r"(?<![\w.'-])-?\d+(?:\.\d+)?(?![\w'-])")
_LITERAL = re.compile(r"'([^']*)'|\"([^\"]*)\"")
_PATTERN = re.compile(r"regex\(\s*\.\s*,\s*(?:'([^']*)'|\"([^\"]*)\")")


@dataclass(frozen=True, slots=True)
class Source:
    """A form as it is given to each engine. ``document`` is what the converter says of its workbook."""

    name: str
    document: dict[str, Any]
    media: Path = FILES
    files: tuple[str, ...] = field(default=())

    @property
    def xform(self) -> str:
        """The XForm as it is."""
        return str(self.document["xform"])

    @property
    def still(self) -> str:
        """The XForm with its clock stopped at :data:`NOW` and chance taken out: JavaRosa reads both from the
        machine, and offers no way to give it others.
        """
        text = re.sub(r"(?<![\w.-])today\(\s*\)", f"date('{NOW[:10]}')", self.xform)
        text = re.sub(r"(?<![\w.-])now\(\s*\)", f"date-time('{NOW}')", text)
        return re.sub(r"(?<![\w.-])random\(\s*\)", "0.5", text)


def source(name: str) -> Source:
    """A form of this folder, or an instrument of the library."""
    if name in INSTRUMENTS:
        return converted(name, (LIBRARY / name / "form.xlsx").read_bytes(), LIBRARY / name)
    tables = sheets((FORMS / f"{name}.md").read_text(encoding="utf-8"))
    return converted(name, xlsx(tables.pop("survey"), **tables))


def converted(name: str, workbook: bytes, media: Path = FILES) -> Source:
    """A workbook converted in this process."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "form.xlsx"
        path.write_bytes(workbook)
        return Source(name, document(str(path), name), media)


def names() -> Iterator[str]:
    """Every form that there are golden interviews of."""
    yield from sorted(path.stem for path in FORMS.glob("*.md"))
    yield from (name for name in INSTRUMENTS if (LIBRARY / name / "form.xlsx").exists())


def job(form: Source, xform: Path, still: Path, seeds: Sequence[int], **more: object) -> dict[str, object]:
    """What the drivers are told: see README.md."""
    tree = ElementTree.fromstring(form.xform.encode())
    return {
        "form": form.name,
        "xform": str(still),
        "source": str(xform),
        "media": str(form.media),
        "now": NOW,
        "seeds": list(seeds),
        "candidates": candidates(tree),
        "counts": dict.fromkeys(counts(tree), True),
        **more,
    }


def candidates(tree: ElementTree.Element) -> dict[str, list[str]]:
    """Values that could satisfy what is asked of an answer, by reference: numbers, words and dates of its
    constraint and those it is compared with elsewhere, and texts that match its pattern.
    """
    binds = {
        str(bind.get("nodeset")): dict(bind.attrib) for bind in tree.iter() if bind.tag.endswith("}bind")
    }
    found: dict[str, dict[str, None]] = {}
    for ref, bind in binds.items():
        constraint = bind.get("constraint", "")
        values = found.setdefault(ref, {})
        for pattern in _PATTERN.finditer(constraint):
            for seed in range(4):
                values.update(dict.fromkeys(_matching(pattern[1] or pattern[2] or "", seed)))
        values.update(dict.fromkeys(_values(constraint, str(bind.get("type", "string")))))
    for owner, bind in binds.items():
        for attribute in ("relevant", "required", "calculate"):
            for written in re.finditer(
                rf"({_REFERENCE.pattern})\s*(?:>=|<=|!=|=|<|>)\s*('[^']*'|-?[\d.]+)", bind.get(attribute, "")
            ):
                ref = _absolute(written[1], owner)
                if ref in binds:
                    kind = str(binds[ref].get("type", "string"))
                    found[ref].update(dict.fromkeys(_values(written[2], kind)))
    return {ref: [v for v in values if v][:40] for ref, values in found.items() if values}


def counts(tree: ElementTree.Element) -> list[str]:
    """The references that decide how many instances a repeat has."""
    binds = {
        str(bind.get("nodeset")): bind.get("calculate", "")
        for bind in tree.iter()
        if bind.tag.endswith("}bind")
    }
    waiting = [
        _absolute(str(repeat.get(f"{_JR}count")).strip(), str(repeat.get("nodeset")))
        for repeat in tree.iter()
        if repeat.tag.endswith("}repeat") and repeat.get(f"{_JR}count")
    ]
    found: dict[str, None] = {}
    while waiting:
        ref = waiting.pop()
        if ref in binds and ref not in found:
            found[ref] = None
            waiting += [_absolute(path, ref) for path in _REFERENCE.findall(binds[ref])]
    return list(found)


def _absolute(path: str, owner: str) -> str:
    steps = [] if path.startswith("/") else owner.split("/")[1:]
    for step in path.removeprefix("current()/").strip("/").split("/"):
        if step == "..":
            steps = steps[:-1]
        elif step != ".":
            steps.append(step)
    return "/" + "/".join(steps)


def _values(expression: str, kind: str) -> Iterator[str]:
    literals = [a or b for a, b in _LITERAL.findall(expression)]
    match kind:
        case "int":
            for number in _NUMBER.findall(expression):
                yield from (str(round(float(number)) + step) for step in (0, 1, -1))
        case "decimal":
            for number in _NUMBER.findall(expression):
                yield from (f"{float(number) + step:g}" for step in (0.0, 0.5, -0.5))
        case "date":
            yield from (text for text in literals if re.fullmatch(r"\d{4}-\d\d-\d\d", text))
            if "date" in expression or "today" in expression:
                yield from ("2026-03-02", "2026-03-03", "2026-03-01")
        case "string" if "regex" in expression:
            yield from ("1985", "3/1990", "2003", "10/2011", "0912345678")
        case "string":
            yield from literals


def _matching(pattern: str, seed: int) -> Iterator[str]:
    """A text that a pattern lets through, or nothing where the pattern is beyond this."""
    rng = random.Random(f"{pattern}{seed}")
    try:
        yield " ".join("".join(_sample(_parser.parse(pattern), rng)).split())
    except (re.error, KeyError, ValueError):
        return


def _sample(parsed: Any, rng: random.Random) -> Iterator[str]:
    for kind, given in parsed:
        match str(kind):
            case "LITERAL":
                yield chr(given)
            case "NOT_LITERAL" | "ANY":
                yield "k"
            case "IN":
                yield _member(given, rng)
            case "MAX_REPEAT" | "MIN_REPEAT" | "POSSESSIVE_REPEAT":
                low, high, inner = given
                for _ in range(rng.randint(low, min(int(high), low + 3))):
                    yield from _sample(inner, rng)
            case "SUBPATTERN":
                yield from _sample(given[3], rng)
            case "BRANCH":
                yield from _sample(rng.choice(given[1]), rng)
            case "AT" | "ASSERT" | "ASSERT_NOT":
                pass
            case _:
                raise KeyError(kind)


_CLASSES = {
    _constants.CATEGORY_DIGIT: "0123456789",
    _constants.CATEGORY_WORD: "abcXYZ019_",
    _constants.CATEGORY_SPACE: " ",
    _constants.CATEGORY_NOT_SPACE: "abc1",
    _constants.CATEGORY_NOT_DIGIT: "abc-",
    _constants.CATEGORY_NOT_WORD: " -",
}


def _member(given: Any, rng: random.Random) -> str:
    items = list(given)
    if items and str(items[0][0]) == "NEGATE":
        barred = {chr(value) for kind, value in items[1:] if str(kind) == "LITERAL"}
        return rng.choice([letter for letter in "kmnpq12" if letter not in barred])
    kind, value = rng.choice(items)
    match str(kind):
        case "LITERAL":
            return chr(value)
        case "RANGE":
            return chr(rng.randint(*value))
        case _:
            return rng.choice(_CLASSES[value])
