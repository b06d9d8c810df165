"""What is doubtful in an expression although it can be worked out: said at load, not met in an interview."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import pairwise

from surveys.expressions import ExpressionError, syntax
from surveys.expressions.syntax import Call, Chain, Negation, Number, Path, Text, Tree, Union

Base = tuple[str, ...]
Remark = tuple[str, dict[str, object]]
"""A finding's code and parameters."""

_AGGREGATES = {"sum": 0, "count": 0, "min": 0, "max": 0, "count-non-empty": 0, "join": 1}
"""Functions over several values, and which argument those are."""

_TAKE_NODES = frozenset(
    {*_AGGREGATES, "concat", "randomize", "area", "distance", "checklist", "weighted-checklist", "position"}
)
"""Functions whose arguments may be several nodes."""

_TRUTHS = frozenset(
    {
        *("true", "false", "not", "boolean", "boolean-from-string", "selected", "is-selected", "contains"),
        *("starts-with", "ends-with", "regex", "checklist", "weighted-checklist", "geofence", "intersects"),
    }
)
"""Functions whose result is yes or no."""

_COMPARES = (2, 3)
"""Levels of a chain that compare: ``=`` and ``<``."""


@dataclass(frozen=True, slots=True)
class Adviser:
    """What advice needs to know of the form: its ``repeats`` and nodes by path, calculations that are yes or
    no, and the names that the selects with a fixed list offer.
    """

    repeats: frozenset[str]
    leaves: frozenset[str]
    yes_or_no: frozenset[str] = frozenset()
    offered: Mapping[str, frozenset[str]] = field(default_factory=dict)

    def remarks(self, source: str, owner: str, column: str, *, filters: bool = False) -> Iterator[Remark]:
        """What is doubtful in ``source``, an expression of ``owner``; ``filters``: a choice filter, whose
        relative paths are columns.
        """
        try:
            tree = syntax.read(source)
        except ExpressionError:
            return
        base: Base = tuple(owner.split("/")[1:])
        condition = column in ("relevant", "required", "read_only", "constraint")
        yield from self._walk(tree, None if filters else base, base, condition, scalar=not filters)

    # Paths --------------------------------------------------------------------------------------------------

    def _resolve(self, path: Path, base: Base | None, owner: Base) -> tuple[Base, int, bool] | None:
        """Where a path leads, up to which depth it is certain to be in the owner's instances, and whether it
        has predicates; ``None`` for a path into a list or that is not known.
        """
        match path.start:
            case "/":
                here: Base = ()
            case ".":
                if base is None:
                    return None
                here = base
            case Call("current"):
                here = owner
            case _:
                return None
        shared = len(here)
        filtered = bool(path.filters)
        for step in path.steps:
            filtered = filtered or bool(step.predicates)
            if step.name == "*" and step.axis == "child":
                return None
            if step.axis == "child":
                here = (*here, step.name)
            elif step.axis == "parent":
                here = here[:-1]
                shared = min(shared, len(here))
        return here, shared, filtered

    def _crosses(self, here: Base, shared: int) -> bool:
        """Whether a path goes into a repeat, so that it means all its instances."""
        return any("/" + "/".join(here[:end]) in self.repeats for end in range(shared + 1, len(here) + 1))

    def _inside(self, here: Base) -> bool:
        return any("/" + "/".join(here[:end]) in self.repeats for end in range(1, len(here) + 1))

    # The tree -----------------------------------------------------------------------------------------------

    def _walk(
        self, tree: Tree, base: Base | None, owner: Base, condition: bool, *, scalar: bool
    ) -> Iterator[Remark]:
        """``condition``: it is taken as yes or no; ``scalar``: as one value."""
        match tree:
            case Path():
                yield from self._path(tree, base, owner, condition, scalar=scalar)
            case Call():
                yield from self._call(tree, base, owner)
            case Chain(level, first, rest):
                operands = [first, *(operand for _, operand in rest)]
                if level == _COMPARES[0]:
                    for left, right in pairwise(operands):
                        yield from self._compared(left, right, base, owner)
                        yield from self._compared(right, left, base, owner)
                for operand in operands:
                    yield from self._walk(operand, base, owner, level < _COMPARES[0], scalar=True)
            case Negation(operand):
                yield from self._walk(operand, base, owner, False, scalar=True)
            case Union(parts):
                for part in parts:
                    yield from self._walk(part, base, owner, False, scalar=False)
            case _:
                return

    def _path(
        self, path: Path, base: Base | None, owner: Base, condition: bool, *, scalar: bool
    ) -> Iterator[Remark]:
        found = self._resolve(path, base, owner)
        if found is not None:
            here, shared, filtered = found
            ref = "/" + "/".join(here)
            if scalar and not filtered and self._crosses(here, shared) and ref in self.leaves:
                yield "several_values", {"name": here[-1]}
            if condition and ref in self.yes_or_no:
                yield "calculated_condition", {"name": here[-1]}
        predicates = [*path.filters, *(each for step in path.steps for each in step.predicates)]
        for predicate in predicates:
            # Inside a predicate paths start at the node that is tried; only current() is the owner.
            yield from self._walk(predicate, None, owner, True, scalar=False)
        if not isinstance(path.start, str):
            yield from self._walk(path.start, base, owner, False, scalar=False)

    def _call(self, call: Call, base: Base | None, owner: Base) -> Iterator[Remark]:
        name, arguments = call.name, call.arguments
        place = _AGGREGATES.get(name)
        if place is not None and len(arguments) == place + 1:
            yield from self._aggregate(name, arguments[place], base, owner)
        if name == "position" and arguments:
            yield from self._position(arguments[0], base, owner)
        if name in ("selected", "is-selected") and len(arguments) == 2:
            yield from self._compared(arguments[0], arguments[1], base, owner, several=True)
        if name == "indexed-repeat":
            for index in arguments[2::2]:
                yield from self._walk(index, base, owner, False, scalar=True)
            return
        for number, argument in enumerate(arguments):
            asks = name in ("not", "boolean") or (name == "if" and number == 0)
            yield from self._walk(argument, base, owner, asks, scalar=name not in _TAKE_NODES)

    def _aggregate(self, name: str, argument: Tree, base: Base | None, owner: Base) -> Iterator[Remark]:
        if not isinstance(argument, Path) or argument.start == "/":
            return
        found = self._resolve(argument, base, owner)
        if found is None:
            return
        here, shared, filtered = found
        ref = "/" + "/".join(here)
        if not filtered and ref in self.leaves and self._inside(here) and not self._crosses(here, shared):
            repeat = next(
                here[end - 1] for end in range(len(here), 0, -1) if "/" + "/".join(here[:end]) in self.repeats
            )
            yield "aggregate_of_one", {"function": name, "name": here[-1], "repeat": repeat}

    def _position(self, argument: Tree, base: Base | None, owner: Base) -> Iterator[Remark]:
        if not isinstance(argument, Path):
            return
        found = self._resolve(argument, base, owner)
        if found is None or not all(step.axis == "parent" for step in argument.steps) or not argument.steps:
            return
        here = found[0]
        if self._inside(here) and "/" + "/".join(here) not in self.repeats:
            up = 0
            while "/" + "/".join(here[: len(here) - up]) not in self.repeats:
                up += 1
            fix = "/".join([".."] * (len(argument.steps) + up))
            yield "position_of_group", {"group": here[-1], "fix": f"position({fix})"}

    def _compared(
        self, asked: Tree, value: Tree, base: Base | None, owner: Base, *, several: bool = False
    ) -> Iterator[Remark]:
        """A select compared with a value that it never has."""
        if not isinstance(asked, Path):
            return
        found = self._resolve(asked, base, owner)
        names = self.offered.get("/" + "/".join(found[0])) if found is not None else None
        match value:
            case Text(text):
                wanted = text.strip()
            case Number(number):
                wanted = str(int(number)) if number.is_integer() else str(number)
            case _:
                return
        if found is None or names is None or not wanted or wanted in names:
            return
        if not several and all(part in names for part in wanted.split()):
            return
        if isinstance(value, Number) and any(_is_same(name, value.value) for name in names):
            return
        yield "value_not_in_list", {"name": found[0][-1], "value": wanted}


def _is_same(name: str, number: float) -> bool:
    try:
        return float(name) == number
    except ValueError:
        return False


def is_yes_or_no(source: str) -> bool:
    """Whether the result of an expression is a yes or no."""
    try:
        tree = syntax.read(source)
    except ExpressionError:
        return False
    match tree:
        case Call(name):
            return name in _TRUTHS
        case Chain(level):
            return level <= _COMPARES[1]
    return False
