"""Score the reading of typed replies against a corpus: ``python tests/surveys/score_replies.py FILE
[--json]``.

FILE has one JSON object per line:

- ``id``, ``kind``: select_one, select_multiple, yes_no, area_name (a select_one), integer, range (an
  integer), decimal, date, month_year, year, time, phone, text (the last five are text questions, with that
  appearance), command and stop_word (a message while no question is open), join_code (a message that may
  hold a campaign code);
- ``lang`` (vi, en), ``question``, ``choices`` ([{code, label}] in the order shown), ``constraint``
  (XLSForm, or empty), ``reply`` (what was typed);
- ``expect``, and ``accept_also`` (a list of further outcomes as good): ``{value}`` (choice code, number,
  ISO date, MM/YYYY, text, code), ``{values}``, ``{dont_know: true}``, ``{prefer_not: true}``, ``{command:
  name}`` (with ``argument`` if that matters), ``{refuse: true}``, ``{ask_again: true, ambiguous_between:
  [codes]}``;
- optional: ``offers`` ({dont_know, prefer_not, skip}; all true when left out), ``today`` (2026-11-20 when
  left out).

A line is right when what was read is expected. Refusing and asking again are the same to the person, who
sees the question again: ``refuse`` is met by both, ``ask_again`` by a refusal only when it names no
choices. A value that breaks the constraint counts as refused, as in an interview. A *wrong accept* is a
line where something was taken (a value, don't know, prefer not, a command) that is not expected: the worst
that can happen, since nobody notices. Both rates are over all lines of a kind.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from surveys.expressions import Node, Scope, parse, store
from surveys.forms import Kind
from surveys.replies import (
    Ambiguous,
    Command,
    DontKnow,
    Offers,
    Option,
    PreferNot,
    Reading,
    Refused,
    Value,
    Values,
    find_code,
    read_command,
    read_reply,
)

Line = Mapping[str, Any]
Outcome = Mapping[str, Any]

TODAY = "2026-11-20"
KINDS = {
    "select_one": (Kind.SELECT_ONE, ""),
    "yes_no": (Kind.SELECT_ONE, ""),
    "area_name": (Kind.SELECT_ONE, ""),
    "select_multiple": (Kind.SELECT_MULTIPLE, ""),
    "integer": (Kind.INTEGER, ""),
    "range": (Kind.INTEGER, ""),
    "decimal": (Kind.DECIMAL, ""),
    "date": (Kind.DATE, ""),
    "month_year": (Kind.TEXT, "month-year"),
    "year": (Kind.TEXT, "year"),
    "time": (Kind.TEXT, "time"),
    "phone": (Kind.TEXT, "phone"),
    "text": (Kind.TEXT, ""),
}
_TYPES = {Kind.INTEGER: "int", Kind.DECIMAL: "decimal", Kind.DATE: "date"}


def read(line: Line) -> Outcome:
    """What the product makes of one line, as an outcome of the corpus."""
    text = line["reply"]
    if line["kind"] == "join_code":
        code = find_code(text)
        return {"value": code} if code else {"refuse": True}
    if line["kind"] in ("command", "stop_word"):
        command = read_command(text)
        return _outcome(command) if command else {"refuse": True}
    kind, appearance = KINDS[line["kind"]]
    reading = read_reply(
        kind,
        text,
        choices=[Option(choice["code"], (choice["label"],)) for choice in line["choices"]],
        language=line["lang"],
        today=date.fromisoformat(line.get("today", TODAY)),
        offers=Offers(**line.get("offers", {"dont_know": True, "prefer_not": True, "skip": True})),
        appearance=appearance,
        question=line["question"],
    )
    outcome = _outcome(reading)
    if (
        "value" in outcome
        and line.get("constraint")
        and not _fits(line["constraint"], outcome["value"], kind)
    ):
        return {"refuse": True}
    return outcome


def _outcome(reading: Reading) -> Outcome:
    match reading:
        case Value(value):
            return {"value": value}
        case Values(values):
            return {"values": list(values)}
        case DontKnow():
            return {"dont_know": True}
        case PreferNot():
            return {"prefer_not": True}
        case Command(name, argument):
            return {"command": name, "argument": argument}
        case Ambiguous(between):
            return {"ask_again": True, "ambiguous_between": list(between)}
        case Refused(reason):
            return {"refuse": True, "reason": reason}


def _fits(constraint: str, value: str, kind: Kind) -> bool:
    root = Node("", type="root")
    type_ = _TYPES.get(kind, "string")
    node = Node("q", type=type_, parent=Node("data", type="group", parent=root))
    node.value = store(value, type_)
    scope = Scope(
        node=node,
        root=root,
        instances={},
        now=datetime.fromisoformat(TODAY),
        rng=lambda: 0.5,
        match=lambda pattern, text: re.fullmatch(pattern, text) is not None,
        language="vi",
        labels=lambda ref, name, language: name,
    )
    return parse(constraint, owner="/data/q").true(scope)


def meets(read_as: Outcome, expected: Outcome, kind: str) -> bool:
    """Whether what was read is what was expected."""
    if "refuse" in expected:
        return "refuse" in read_as or "ask_again" in read_as
    if "ask_again" in expected:
        between = expected.get("ambiguous_between") or []
        if "ask_again" in read_as:
            return not between or set(read_as["ambiguous_between"]) == set(between)
        return "refuse" in read_as and not between
    if "value" in expected:
        return "value" in read_as and _equal(read_as["value"], expected["value"], kind)
    if "command" in expected:
        same = read_as.get("command") == expected["command"]
        return same and ("argument" not in expected or read_as.get("argument") == expected["argument"])
    return all(read_as.get(key) == value for key, value in expected.items())


def _equal(one: str, other: str, kind: str) -> bool:
    if kind not in ("integer", "decimal", "range"):
        return one == other
    try:
        return Decimal(one) == Decimal(other)
    except InvalidOperation:
        return False


@dataclass(slots=True)
class Score:
    """Lines, right ones and wrong accepts of one kind, with the lines that failed."""

    lines: int = 0
    right: int = 0
    wrong_accepts: int = 0

    @property
    def accuracy(self) -> float:
        """Share of lines read as expected, 0 to 1."""
        return self.right / self.lines if self.lines else 1.0

    @property
    def wrong_accept_rate(self) -> float:
        """Share of lines where something not expected was taken, 0 to 1."""
        return self.wrong_accepts / self.lines if self.lines else 0.0


@dataclass(frozen=True, slots=True)
class Failure:
    """A line that was not read as expected."""

    line: Line
    read_as: Outcome
    wrong_accept: bool


def score(lines: Iterable[Line]) -> tuple[dict[str, Score], list[Failure]]:
    """Scores by kind, and of all under ``all``; and the lines that failed."""
    scores: dict[str, Score] = {}
    failures: list[Failure] = []
    for line in lines:
        read_as = read(line)
        right = any(
            meets(read_as, expected, line["kind"])
            for expected in (line["expect"], *line.get("accept_also", ()))
        )
        wrong = not right and "refuse" not in read_as and "ask_again" not in read_as
        for name in (line["kind"], "all"):
            one = scores.setdefault(name, Score())
            one.lines += 1
            one.right += right
            one.wrong_accepts += wrong
        if not right:
            failures.append(Failure(line, read_as, wrong))
    return scores, failures


def load(path: Path) -> list[Line]:
    """The lines of a corpus."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]


def main(arguments: list[str]) -> int:
    """Print a table, or with ``--json`` one document with the failures."""
    as_json = "--json" in arguments
    files = [argument for argument in arguments if not argument.startswith("-")]
    if len(files) != 1:
        print("usage: score_replies.py FILE [--json]", file=sys.stderr)
        return 2
    scores, failures = score(load(Path(files[0])))
    if as_json:
        print(
            json.dumps(
                {
                    "kinds": {
                        name: {
                            "lines": one.lines,
                            "accuracy": round(one.accuracy, 4),
                            "wrong_accept_rate": round(one.wrong_accept_rate, 4),
                        }
                        for name, one in scores.items()
                    },
                    "failures": [
                        {
                            "id": failure.line["id"],
                            "reply": failure.line["reply"],
                            "expect": failure.line["expect"],
                            "read": failure.read_as,
                            "wrong_accept": failure.wrong_accept,
                        }
                        for failure in failures
                    ],
                },
                ensure_ascii=False,
            )
        )
        return 0
    print(f"{'kind':16} {'lines':>6} {'accuracy':>9} {'wrong accepts':>14}")
    for name, one in sorted(scores.items(), key=lambda pair: (pair[0] == "all", pair[0])):
        print(f"{name:16} {one.lines:6} {one.accuracy:9.2%} {one.wrong_accept_rate:14.2%}")
    for failure in failures:
        mark = "WRONG" if failure.wrong_accept else "asked"
        shown = json.dumps(failure.read_as, ensure_ascii=False)
        wanted = json.dumps(failure.line["expect"], ensure_ascii=False)
        print(f"{mark} {failure.line['id']} {failure.line['reply']!r}: {shown}, expected {wanted}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
