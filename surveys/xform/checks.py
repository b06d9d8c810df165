"""A form checked as a whole: references, circles, sizes, and what is doubtful."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime

from surveys.expressions import Expression, ExpressionError, Node, Scope
from surveys.forms import SELECTS, Form, Kind, Question, Repeat
from surveys.xform.advice import Adviser, is_yes_or_no
from surveys.xform.circles import circles
from surveys.xform.document import LAST_SAVED, Document
from surveys.xform.findings import Row
from surveys.xform.lists import Lists
from surveys.xform.notes import SETTINGS, Notes, Use

MAX_QUESTIONS = 5_000
MAX_CHOICES = 20_000
"""Choices that stand in the form itself; attached files have limits of their own."""

_CHANGING = frozenset({"random", "now", "uuid"})
_DEPENDS = frozenset({"relevant", "calculation", "required", "read_only", "repeat_count"})
"""Columns that make a node depend on what they read. Constraints look only, and may look at each other."""

_NEVER_WHOLE = frozenset(
    {"text", "barcode", "select_multiple", "rank", "decimal", "date", "time", "dateTime"}
)


def check(form: Form, document: Document, notes: Notes, lists: Lists) -> None:
    """Note everything that is wrong or doubtful in ``form`` as a whole."""
    if not form.version:
        notes.warn("no_version", SETTINGS, "version")
    _submission(document, notes)
    _unused(document, notes, lists)
    _sizes(form, document, notes, lists)
    known = Known(document)
    _references(document, notes, lists, known)
    _cycles(document, notes, known)
    _doubts(form, document, notes)


def _submission(document: Document, notes: Notes) -> None:
    submission = document.model.find("{http://www.w3.org/2002/xforms}submission")
    if submission is None:
        return
    if submission.get("base64RsaPublicKey"):
        notes.error("unsupported_encryption", SETTINGS, "public_key")
    if submission.get("action"):
        notes.error("unsupported_submission_url", SETTINGS, "submission_url")


def _unused(document: Document, notes: Notes, lists: Lists) -> None:
    """Rows that attach a file which did not come, and which nothing reads."""
    for name in document.tables:
        file = document.src(name).rpartition("/")[2]
        if not file or name == LAST_SAVED:
            continue
        if name not in lists.tables and name not in notes.tables_used and file not in lists.attached:
            attaching = (row for path, row in notes.rows.items() if path.endswith(f"/{name}"))
            place = next(attaching, Row("survey", 0))
            if not any(found.code == "missing_file" and found.row == place.row for found in notes.errors):
                notes.warn("missing_unused_file", place, "type", name=file)


def _sizes(form: Form, document: Document, notes: Notes, lists: Lists) -> None:
    questions = list(form.questions())
    if len(questions) > MAX_QUESTIONS:
        notes.error("too_many_questions", Row("survey", 0), count=len(questions), limit=MAX_QUESTIONS)
    shown = any(question.kind not in (Kind.CALCULATE, Kind.HIDDEN) for question in questions)
    if not shown and not notes.errors:
        notes.error("no_questions", Row("survey", 0))
    inside = (name for name in document.tables if not document.src(name))
    choices = sum(len(lists.lists[name].choices) for name in inside if name in lists.lists)
    if choices > MAX_CHOICES:
        notes.error("too_many_choices", Row("choices", 0), count=choices, limit=MAX_CHOICES)


# References -------------------------------------------------------------------------------------------------


class Known:
    """The paths of the instance, and those that a path with ``*`` names, looked up once each."""

    def __init__(self, document: Document) -> None:
        self.paths = document.known
        self.wild: dict[str, list[str]] = {}
        self._by_depth: dict[int, list[tuple[str, list[str]]]] = {}
        for path in self.paths:
            steps = path.split("/")
            self._by_depth.setdefault(len(steps), []).append((path, steps))

    def named(self, reference: str) -> list[str]:
        """The paths that ``reference`` names; none if there is no such node."""
        if "*" not in reference:
            return [reference] if reference in self.paths or reference == "/" else []
        if reference not in self.wild:
            steps = reference.split("/")
            asked = [(at, step) for at, step in reversed(list(enumerate(steps))) if step != "*"]
            self.wild[reference] = [
                path
                for path, names in self._by_depth.get(len(steps), ())
                if all(names[at] == step for at, step in asked)
            ]
        return self.wild[reference]


def _references(document: Document, notes: Notes, lists: Lists, known: Known) -> None:
    everywhere: frozenset[str] | None = None
    for use in notes.uses:
        for table, column in sorted(use.expression.columns):
            columns = lists.columns(table) if table not in lists.lists else lists.lists[table].columns
            if columns is None or column in columns or column == "*":
                continue
            if everywhere is None:
                everywhere = frozenset(
                    name for listed in lists.lists.values() for name in listed.columns
                ) | frozenset(name for table in lists.tables for name in lists.columns(table) or ())
            if column in everywhere and use.column != "parameters":
                # The sheet has the column, but no row of this list fills it in.
                notes.warn("empty_choice_column", use.place, use.column, name=column, list=table)
            else:
                notes.error("unknown_choice_column", use.place, use.column, name=column, list=table)
        for reference in use.expression.references:
            found = known.named(reference)
            name = reference.rpartition("/")[2]
            if not found and reference in use.expression.source:
                notes.error("unknown_reference", use.place, use.column, name=name, path=reference)
            elif not found:
                # A word without quotes, mostly: to ODK's engines a node that is not there, always blank.
                notes.warn("unknown_word", use.place, use.column, name=name)
            elif (
                use.column == "relevant"
                and reference in notes.asked
                and known.paths[reference] > known.paths.get(use.owner, 0)
            ):
                notes.warn("later_question", use.place, use.column, name=name)


def _cycles(document: Document, notes: Notes, known: Known) -> None:
    """Values that depend on themselves by relevance, calculation, requirement or being read only.

    As JavaRosa counts it: by path, whatever the instance. How many instances a repeat has is no such value.
    """
    reads: dict[str, dict[str, Use]] = {}
    for use in notes.uses:
        counts = use.column == "repeat_count" and use.owner in document.repeats
        if use.column in _DEPENDS and not counts:
            for reference in use.expression.references:
                if known.named(reference):
                    reads.setdefault(use.owner, {}).setdefault(reference, use)
    # What stands in a group is there only when the group is: it depends on the group's relevance.
    parents = {path: path.rpartition("/")[0] for path in known.paths}
    graph = {
        path: [*reads.get(path, ()), *([parents[path]] if parents[path] in known.paths else [])]
        for path in known.paths
    }
    # A path with * stands between who reads it and all that it names, which may be many times many.
    graph.update(known.wild)
    for circle in circles(graph):
        members = set(circle)
        first = min(
            (use for path in circle for target, use in reads.get(path, {}).items() if target in members),
            key=lambda use: (use.place.row, use.column),
        )
        names = [path.rpartition("/")[2] for path in circle if path not in known.wild]
        notes.error("cycle", first.place, first.column, names=" → ".join([*names, names[0]]))


# Doubts -----------------------------------------------------------------------------------------------------


def _doubts(form: Form, document: Document, notes: Notes) -> None:
    questions = {question.ref: question for question in form.questions()}
    calculated = {
        ref: question.calculation
        for ref, question in questions.items()
        if question.calculation is not None and question.kind is Kind.CALCULATE
    }
    adviser = Adviser(
        repeats=frozenset(document.repeats),
        leaves=frozenset(questions),
        yes_or_no=frozenset(ref for ref, found in calculated.items() if is_yes_or_no(found.source)),
        offered={
            ref: frozenset(choice.name for choice in question.choices)
            for ref, question in questions.items()
            if question.kind in SELECTS and question.choices and question.picked is None
        },
    )
    for use in notes.uses:
        told = adviser.remarks(
            use.expression.source, use.owner, use.column, filters=use.expression.table is not None
        )
        for code, params in told:
            notes.warn(code, use.place, use.column, **params)
        changing = use.expression.functions & _CHANGING
        if not changing:
            continue
        if use.column == "relevant":
            notes.warn("changing_condition", use.place, use.column)
        elif use.column == "calculation" and "once" not in use.expression.functions:
            owner = questions.get(use.owner)
            if owner is not None and owner.calculation is use.expression:
                notes.warn("changing_calculation", use.place, use.column)
    for item in form.items():
        if isinstance(item, Repeat):
            _count(item, questions, notes)
        elif isinstance(item, Question) and item.constraint is not None:
            _impossible(item, item.constraint, notes)


def _count(repeat: Repeat, questions: Mapping[str, Question], notes: Notes) -> None:
    """A count that is no whole number."""
    if repeat.count is None or len(repeat.count.references) != 1:
        return
    counted: Expression | None = repeat.count
    place = notes.place(repeat.ref)
    for _ in range(2):
        if counted is None or len(counted.references) != 1:
            break
        if not re.fullmatch(r"[\w.\-/]+", counted.source.strip()):
            return
        question = questions.get(counted.references[0])
        if question is None:
            return
        if question.kind.value in _NEVER_WHOLE:
            notes.warn("count_not_whole", place, "repeat_count", name=question.name)
            return
        counted = question.calculation
    quoted = None if counted is None else _QUOTED.fullmatch(counted.source.strip())
    if quoted and not quoted[1].strip().isdigit():
        notes.warn("count_not_whole", place, "repeat_count", name=repeat.name)


_QUOTED = re.compile(r"['\"]([^'\"]*)['\"]")
_BOUND = re.compile(r"\.\s*(<=|>=|<|>)\s*(-?\d+(?:\.\d+)?)")


def _impossible(question: Question, constraint: Expression, notes: Notes) -> None:
    """A constraint that no answer meets: a plain no, or bounds that exclude each other."""
    if not _is_never(constraint):
        return
    place = notes.place(question.ref)
    # Where something else decides whether it is asked at all, it may be meant to stop people there.
    if question.required is not None and question.relevant is None:
        notes.error("impossible_constraint", place, "constraint")
    else:
        notes.warn("impossible_constraint", place, "constraint")


def _is_never(constraint: Expression) -> bool:
    bounds: list[tuple[str, float]] = []
    for part in re.split(r"\band\b", constraint.source):
        found = _BOUND.fullmatch(part.strip())
        if found is None:
            break
        bounds.append((found[1], float(found[2])))
    else:
        lower = [(value, sign == ">") for sign, value in bounds if sign.startswith(">")]
        upper = [(value, sign == "<") for sign, value in bounds if sign.startswith("<")]
        if lower and upper:
            (low, above), (high, below) = max(lower), min(upper, key=lambda bound: (bound[0], not bound[1]))
            return low > high or (low == high and (above or below))
        return False
    if constraint.references or constraint.instances or constraint.functions - {"true", "false", "not"}:
        return False
    if re.search(r"(?<![\d\w])\.(?!\d)", constraint.source):
        return False
    node = Node("value")
    scope = Scope(node, node, datetime(2000, 1, 1, tzinfo=UTC), lambda: 0.0, lambda pattern, text: True)
    try:
        return not constraint.true(scope)
    except ExpressionError:
        return False
