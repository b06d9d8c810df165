"""Score the reading of typed replies against a corpus:
``python -m tests.surveys.score_replies FILE [--failures] [--json]``.

Prints accuracy and the rate of wrong accepts by kind, by language and over all; with ``--failures`` each line
that was not read as expected; with ``--json`` one document with all of it. Exit status 1 if a line is not of
the form below.

FILE has one JSON object per line:

- ``id``, ``kind``: select_one, select_multiple, yes_no, area_name, integer, decimal, range, date, month_year,
  year, time, phone, text, command and stop_word (a message while no question is open), join_code (a message
  that may hold a campaign code);
- ``lang`` (vi, en), ``question``, ``choices`` ([{code, label}] in the order shown), ``constraint``
  (XLSForm, or empty), ``reply`` (what was typed);
- ``expect``, and ``accept_also`` (a list of further outcomes as good): ``{value}`` (choice code, number, ISO
  date, month and year, time, text, code), ``{values}``, ``{dont_know: true}``, ``{prefer_not: true}``,
  ``{command: name}`` (with ``argument`` if that matters), ``{refuse: true}``, ``{ask_again: true,
  ambiguous_between: [codes]}``;
- optional: ``offers`` ({dont_know, prefer_not, skip}; all true when left out), ``today`` (2026-11-20 when
  left out), ``range`` ({start, end, step}; without it the bounds are those of the constraint, step 1).

What is compared:

- Values by what they mean: ``2.50`` is ``2.5``, ``1985-03`` and ``1985-03-01`` are the month ``03/1985``,
  ``07:30:00`` is ``07:30``, ``+84 912…`` is ``0912…``; a label stands for its code; *values* in any order.
- Refusing and asking again are the same to the person, who sees the question again: ``refuse`` is met by
  both, ``ask_again`` by a refusal only when it names no choices.
- A value that breaks the constraint, worked out by the engine's own expressions, counts as refused.
- yes_no without choices has *yes* and *no*. area_name without choices is asked of all areas of the library,
  and its value is a code, a name or a title. A command or stop word that is none is ``refuse`` and, as the
  words it is, ``value``; names of commands in use elsewhere are understood (:data:`ALIASES`). If no code of a
  file has our check character they are of another maker, and only their shape is looked at.

A *wrong accept* is a line where something was taken (a value, don't know, prefer not, a command) that is not
expected: the worst that can happen, since nobody notices. All rates are over all lines of a kind or language.
"""

from __future__ import annotations

import csv
import json
import re
import sys
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from functools import cache
from pathlib import Path
from typing import Any

from surveys import forms
from surveys.areas import Area, Areas
from surveys.expressions import Node, Scope, parse, store
from surveys.forms import Kind, Range
from surveys.placenames import Level
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
    clean,
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
    "range": (Kind.RANGE, ""),
    "decimal": (Kind.DECIMAL, ""),
    "date": (Kind.DATE, ""),
    "month_year": (Kind.TEXT, "month-year"),
    "year": (Kind.TEXT, "year"),
    "time": (Kind.TEXT, "time"),
    "phone": (Kind.TEXT, "phone"),
    "text": (Kind.TEXT, ""),
}
_TYPES = {Kind.INTEGER: "int", Kind.DECIMAL: "decimal", Kind.RANGE: "decimal", Kind.DATE: "date"}


ALIASES = {
    "previous": "back", "go_back": "back", "quay_lai": "back", "bo_qua": "skip", "next_question": "skip",
    "edit": "change", "correct": "change", "sua": "change", "edit_answer": "change", "lang": "language",
    "switch_language": "language", "change_language": "language", "set_language": "language",
    "ngon_ngu": "language",
    "cancel": "stop", "quit": "stop", "opt_out": "stop", "unsubscribe": "stop", "dung": "stop", "huy": "stop",
    "operator": "human", "agent": "human", "staff": "human", "handover": "human", "hand_over": "human",
    "send": "submit", "finish": "submit", "nop": "submit", "summary": "review", "show_review": "review",
    "xem_lai": "review", "giup": "help", "rieng_tu": "privacy", "members": "roster", "list": "roster",
    "show_roster": "roster", "add_member": "add", "add_person": "add", "remove_member": "remove",
    "remove_person": "remove", "delete": "remove", "nomore": "no_more", "search": "find", "next": "next_page",
    "prev_page": "previous_page", "prev": "previous_page", "continue": "keep",
}  # fmt: skip
"""Other names of the commands."""

_SIDES = ({"code": "yes", "label": "Có"}, {"code": "no", "label": "Không"})


def read(line: Line, *, own_codes: bool = True) -> Outcome:
    """What the product makes of one line, as an outcome of the corpus. ``own_codes``: campaign codes have our
    check character."""
    text = line["reply"]
    if line["kind"] == "join_code":
        code = find_code(text) if own_codes else _shaped_code(text)
        return {"value": code} if code else {"refuse": True}
    if line["kind"] in ("command", "stop_word"):
        command = read_command(text)
        return _outcome(command) if command else {"refuse": True, "value": clean(text)}
    choices = line.get("choices") or ()
    if line["kind"] == "area_name" and not choices:
        return _area(text)
    if line["kind"] == "yes_no" and not choices:
        choices = _SIDES
    kind, appearance = KINDS[line["kind"]]
    reading = read_reply(
        kind,
        text,
        choices=[Option(str(choice["code"]), (str(choice["label"]),)) for choice in choices],
        language=line.get("lang") or "vi",
        today=date.fromisoformat(line.get("today", TODAY)),
        offers=Offers(**line.get("offers", {"dont_know": True, "prefer_not": True, "skip": True})),
        appearance=appearance,
        question=line.get("question") or "",
        within=_range(line) if kind is Kind.RANGE else None,
    )
    outcome = _outcome(reading)
    constraint = line.get("constraint")
    taken = outcome.get("value", " ".join(outcome.get("values", ())))
    if taken and constraint and not _fits(constraint, taken, kind):
        return {"refuse": True, "reason": "reply.constraint"}
    return outcome


_BOUND = re.compile(r"\.\s*(>=|<=|>|<)\s*(-?[0-9]+(?:\.[0-9]+)?)")


def _range(line: Line) -> Range:
    """The bounds and the step of a range question: given, or those of the constraint with step 1."""
    given = line.get("range")
    if given:
        return Range(*(Decimal(str(given[name])) for name in ("start", "end", "step")))
    bounds = {sign[0]: Decimal(number) for sign, number in _BOUND.findall(line.get("constraint") or "")}
    start, end = bounds.get(">", Decimal(-1_000_000)), bounds.get("<", Decimal(1_000_000))
    return Range(start, end, Decimal(1) if start % 1 == 0 and end % 1 == 0 else Decimal(0))


def _shaped_code(text: str) -> str | None:
    """What looks like a campaign code: five or six capitals and digits, some of each."""
    for found in re.findall(r"(?<![A-Z0-9])[A-Z0-9]{5,6}(?![A-Z0-9])", text.upper().replace("-", "")):
        if re.search("[A-Z]", found) and re.search("[0-9]", found):
            return str(found)
    return None


@cache
def _country() -> Areas:
    """All areas of the library."""
    rows: list[Area] = []
    for path in sorted((Path(forms.__file__).parent / "library" / "areas").glob("units_*.csv")):
        with path.open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                rows.append(
                    Area(
                        row["vintage"], row["code"], row["name"], row["type"], Level(row["level"]),
                        row["parent"] or None, date.fromisoformat(row["valid_from"]),
                        date.fromisoformat(row["valid_to"]) if row["valid_to"] else None,
                    )
                )  # fmt: skip
    return Areas(rows)


def _area(text: str) -> Outcome:
    """An area of the whole country, with the names its value also goes by."""
    command = read_command(text)
    if command is not None and command.name != "find":
        return _outcome(command)
    picked = _country().pick(text)
    if picked is not None:
        area = picked.area
        return {"value": area.code, "also": [area.name, area.title, _country().place(area.key)]}
    near = _country().search(text, limit=12)
    if not near:
        return {"refuse": True, "reason": "reply.not_a_choice"}
    return {"ask_again": True, "ambiguous_between": [match.area.code for match in near]}


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


def meets(read_as: Outcome, expected: Outcome, line: Line) -> bool:
    """Whether what was read is what was expected of ``line``."""
    if expected.get("refuse"):
        return "refuse" in read_as or "ask_again" in read_as
    if expected.get("ask_again"):
        between = expected.get("ambiguous_between") or []
        if "ask_again" in read_as:
            return not between or set(read_as["ambiguous_between"]) == {_code(line, each) for each in between}
        return "refuse" in read_as and not between
    if "value" in expected:
        if "value" not in read_as:
            # One of several choices may be written as a value.
            return "values" in read_as and read_as["values"] == [_code(line, expected["value"])]
        return any(
            _meant(line, read) == _meant(line, expected["value"])
            for read in (read_as["value"], *read_as.get("also", ()))
        )
    if "values" in expected:
        wanted = {_code(line, each) for each in expected["values"]}
        return set(read_as.get("values", ())) == wanted and bool(wanted)
    if "command" in expected:
        name = str(expected["command"]).strip("/").lower()
        same = read_as.get("command") == ALIASES.get(name, name)
        return same and ("argument" not in expected or read_as.get("argument") == expected["argument"])
    return all(read_as.get(key) == value for key, value in expected.items())


def _code(line: Line, told: object) -> str:
    """The code of a choice told by code or label."""
    choices = line.get("choices") or ()
    if any(str(choice["code"]) == str(told) for choice in choices):
        return str(told)
    return next((str(choice["code"]) for choice in choices if choice["label"] == told), str(told))


_YES = frozenset("yes y true 1 co có dong_y đồng ý".split())


def _meant(line: Line, value: object) -> object:
    """``value`` in the one form in which values of the kind are compared."""
    kind, text = line["kind"], unicodedata.normalize("NFC", " ".join(str(value).split()))
    if kind in ("integer", "decimal", "range"):
        try:
            return Decimal(text)
        except InvalidOperation:
            return text
    if kind == "yes_no" and not line.get("choices"):
        return text.lower() in _YES
    if kind in ("select_one", "select_multiple", "yes_no"):
        return _code(line, value)
    if kind == "area_name":
        return _code(line, value) if line.get("choices") else text.lower()
    if kind in ("month_year", "year"):
        parts = [int(part) for part in re.findall("[0-9]+", text)]
        years = [part for part in parts if part > 31]
        months = parts[1:2] if parts and parts[0] > 31 else parts[-2:-1]
        return (years, months) if kind == "month_year" else years
    if kind == "time":
        return tuple(int(part) for part in re.findall("[0-9]+", text)[:2])
    if kind == "phone":
        digits = re.sub("[^0-9]", "", text)
        return "0" + digits[2:] if digits.startswith("84") and len(digits) > 10 else digits
    if kind == "join_code":
        return re.sub("[^A-Z0-9]", "", text.upper())
    return text


_OUTCOMES = ("value", "values", "refuse", "ask_again", "dont_know", "prefer_not", "command")


def faults(lines: Sequence[Line]) -> list[str]:
    """What is not of the form: one sentence a line of the corpus, with its number and id."""
    found = []
    for number, line in enumerate(lines, 1):
        wrong = [name for name in ("id", "kind", "reply", "expect") if name not in line]
        expected = [line.get("expect") or {}, *(line.get("accept_also") or ())]
        if wrong:
            found.append(f"line {number}: no {', '.join(wrong)}")
        elif line["kind"] not in KINDS and line["kind"] not in ("command", "stop_word", "join_code"):
            found.append(f"line {number} ({line['id']}): no kind {line['kind']!r}")
        elif not all(any(name in outcome for name in _OUTCOMES) for outcome in expected):
            found.append(f"line {number} ({line['id']}): an outcome that is none of {', '.join(_OUTCOMES)}")
        elif line["kind"] == "select_one" and not line.get("choices"):
            found.append(f"line {number} ({line['id']}): no choices")
    return found


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


def score(lines: Sequence[Line]) -> tuple[dict[str, Score], list[Failure]]:
    """Scores by kind, by language (``lang vi``), and of all under ``all``; and the lines that failed."""
    scores: dict[str, Score] = {}
    failures: list[Failure] = []
    codes = [str(line["expect"].get("value", "")) for line in lines if line["kind"] == "join_code"]
    told = [code for code in codes if code]
    own = not told or any(find_code(code) for code in told)
    for line in lines:
        read_as = read(line, own_codes=own)
        right = any(
            meets(read_as, expected, line) for expected in (line["expect"], *(line.get("accept_also") or ()))
        )
        wrong = not right and "refuse" not in read_as and "ask_again" not in read_as
        for name in (line["kind"], f"lang {line.get('lang') or 'vi'}", "all"):
            one = scores.setdefault(name, Score())
            one.lines += 1
            one.right += right
            one.wrong_accepts += wrong
        if not right:
            failures.append(Failure(line, read_as, wrong))
    return scores, failures


def load(path: Path) -> list[Line]:
    """The lines of a corpus."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8-sig").split("\n") if line.strip()]


def main(arguments: list[str]) -> int:
    """Print the tables, with ``--failures`` the lines that failed, or with ``--json`` one document."""
    files = [argument for argument in arguments if not argument.startswith("-")]
    if len(files) != 1 or {*arguments} - {*files, "--json", "--failures"}:
        print("usage: python -m tests.surveys.score_replies FILE [--failures] [--json]", file=sys.stderr)
        return 2
    lines = load(Path(files[0]))
    wrong = faults(lines)
    if wrong:
        print("\n".join(wrong), file=sys.stderr)
        return 1
    scores, failures = score(lines)
    print(_document(scores, failures) if "--json" in arguments else _table(scores))
    if "--failures" in arguments and "--json" not in arguments:
        for failure in failures:
            mark = "WRONG" if failure.wrong_accept else "asked"
            shown = json.dumps(failure.read_as, ensure_ascii=False)
            wanted = json.dumps(failure.line["expect"], ensure_ascii=False)
            print(f"{mark} {failure.line['id']} {failure.line['reply']!r}: {shown}, expected {wanted}")
    return 0


def _table(scores: Mapping[str, Score]) -> str:
    rows = [f"{'':16} {'lines':>6} {'accuracy':>9} {'wrong accepts':>14}"]
    for name, one in sorted(scores.items(), key=lambda pair: (pair[0] == "all", " " in pair[0], pair[0])):
        rows.append(f"{name:16} {one.lines:6} {one.accuracy:9.2%} {one.wrong_accept_rate:14.2%}")
    return "\n".join(rows)


def _document(scores: Mapping[str, Score], failures: Sequence[Failure]) -> str:
    def rates(one: Score) -> dict[str, float]:
        return {
            "lines": one.lines,
            "accuracy": round(one.accuracy, 4),
            "wrong_accept_rate": round(one.wrong_accept_rate, 4),
        }

    return json.dumps(
        {
            "all": rates(scores.get("all", Score())),
            "kinds": {name: rates(one) for name, one in scores.items() if name != "all" and " " not in name},
            "languages": {name[5:]: rates(one) for name, one in scores.items() if name.startswith("lang ")},
            "failures": [
                {
                    "id": failure.line["id"],
                    "kind": failure.line["kind"],
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


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
