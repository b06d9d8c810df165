"""Compiled pieces of expressions, their conversions into one another, and the comparison of values.

A piece is a function of the run (what belongs to one evaluation) and the context node. What its result can be
is known when it is compiled, so conversions are chosen once, not at every evaluation.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, Literal

from surveys.expressions.errors import ExpressionError
from surveys.expressions.nodes import Leaf, Node, Scope, Table
from surveys.expressions.values import (
    TOLERANCE,
    Value,
    days,
    midnight,
    node_boolean,
    node_leaf,
    node_number,
    node_string,
    parse_moment,
    to_boolean,
    to_number,
    to_string,
)

WORK_LIMIT = 1_000_000
"""How many node visits one evaluation may cost."""

LOOK_LIMIT = 3_000_000
"""How many node visits the evaluations over one scope may cost together; then each gets but ``FREE_WORK``."""

FREE_WORK = 20_000


class Run:
    """What belongs to one evaluation: its scope, the position inside a predicate, the work done so far."""

    __slots__ = ("charged", "current", "limit", "position", "root", "scope", "size", "tables", "work", "zone")

    def __init__(self, scope: Scope) -> None:
        self.scope = scope
        self.root = scope.root
        self.current = scope.current or scope.node
        self.zone = scope.now.tzinfo or UTC
        self.position = 0
        self.size = 0
        self.work = 0
        self.charged = 0
        self.limit = FREE_WORK
        self.tables: dict[str, Table] | None = None

    def spend(self, amount: int) -> None:
        """Count ``amount`` visits; raises ``too_much_work`` when there were too many."""
        self.work += amount
        if self.work > self.limit:
            self.charge()

    def charge(self) -> None:
        """Put down the work done since this was last called to the scope."""
        self.scope.spent += self.work - self.charged
        self.charged = self.work
        if self.work > WORK_LIMIT or self.scope.spent > LOOK_LIMIT:
            raise ExpressionError("too_much_work", limit=WORK_LIMIT)
        self.limit = self.work + FREE_WORK

    def table(self, name: str) -> Table | None:
        """The secondary instance called ``name``."""
        if self.tables and name in self.tables:
            return self.tables[name]
        rows = self.scope.instances.get(name)
        if rows is None or isinstance(rows, Table):
            return rows
        self.tables = self.tables or {}
        self.tables[name] = table = Table(rows)
        self.spend(len(table))
        return table


Kind = Literal["nodes", "text", "number", "truth", "any"]
Base = tuple[str, ...] | None
"""Where a node-set lies, as far as the source tells: ``("", "data", "age")`` in the form's own document,
``("regions", "root", "item")`` in a secondary instance, None if unknown."""


@dataclass(slots=True)
class Code:
    """A compiled piece. ``run`` gives a value of ``kind`` (``any``: only known when it runs).

    Of node-sets, ``first`` gives the first node where that is cheaper than all, ``exists`` whether there are
    nodes when relevance is left out of account. ``turn`` is how many steps from the root (itself one) the way
    to them turned down: nodes of a way that turned inside an instance of a repeat all stand in that instance.
    """

    kind: Kind
    run: Callable[[Run, Node], Any]
    constant: Leaf | None = None
    base: Base = None
    first: Callable[[Run, Node], Node | None] | None = None
    exists: Callable[[Run, Node], bool] | None = None
    turn: int = 1


def constant(value: Leaf) -> Code:
    """A piece that always gives ``value``."""
    kind: Kind = "truth" if isinstance(value, bool) else "text" if isinstance(value, str) else "number"
    return Code(kind, lambda r, n: value, constant=value)


# ── conversions ─────────────────────────────────────────────────────────────────────────────────────────────


def as_text(code: Code) -> Callable[[Run, Node], str]:
    """``code`` read as text; of a node-set, its first node's."""
    run, first = code.run, code.first
    if code.kind == "text":
        return run
    if code.constant is not None:
        constant = to_string(code.constant)
        return lambda r, n: constant
    if first is not None:

        def text_of_first(r: Run, n: Node) -> str:
            node = first(r, n)
            if node is None:
                return ""
            value = node.value
            if value.__class__ is str and (value or not node.children):
                return value
            return node_string(node)

        return text_of_first
    if code.kind in ("number", "truth"):
        return lambda r, n: to_string(run(r, n))

    def text(r: Run, n: Node) -> str:
        value = run(r, n)
        if isinstance(value, list):
            return node_string(value[0]) if value else ""
        return to_string(value)

    return text


def as_number(code: Code) -> Callable[[Run, Node], float]:
    """``code`` read as a number; NaN if it is none."""
    run, first = code.run, code.first
    if code.kind == "number":
        return run
    if first is not None:

        def number_of_first(r: Run, n: Node) -> float:
            node = first(r, n)
            return node_number(node, r.zone) if node is not None else float("nan")

        return number_of_first

    def number(r: Run, n: Node) -> float:
        value = run(r, n)
        if isinstance(value, list):
            return node_number(value[0], r.zone) if value else float("nan")
        return to_number(value, r.zone)

    return number


def as_truth(code: Code) -> Callable[[Run, Node], bool]:
    """``code`` read as yes/no: a reference holds by its value, several nodes when one of them does."""
    run = code.run
    if code.kind == "truth":
        return run
    if code.kind == "nodes":
        return lambda r, n: any(map(node_boolean, run(r, n)))

    def truth(r: Run, n: Node) -> bool:
        value = run(r, n)
        return any(map(node_boolean, value)) if isinstance(value, list) else to_boolean(value)

    return truth


def as_leaf(code: Code) -> Callable[[Run, Node], Leaf]:
    """``code`` read as one value that keeps its type; of a node-set, its first node's, ``''`` without one."""
    run, first = code.run, code.first
    if first is not None:

        def leaf_of_first(r: Run, n: Node) -> Leaf:
            node = first(r, n)
            return "" if node is None else node_leaf(node)

        return leaf_of_first
    if code.kind in ("nodes", "any"):

        def leaf(r: Run, n: Node) -> Leaf:
            value = run(r, n)
            if isinstance(value, list):
                return node_leaf(value[0]) if value else ""
            return value  # type: ignore[no-any-return]

        return leaf
    return run


def as_leaves(code: Code) -> Callable[[Run, Node], list[Leaf]]:
    """``code`` read as a list of values: every node's, or the one value."""
    run = code.run
    if code.kind in ("nodes", "any"):

        def leaves(r: Run, n: Node) -> list[Leaf]:
            value = run(r, n)
            if isinstance(value, list):
                r.spend(len(value))
                return [node_leaf(node) for node in value]
            return [value]

        return leaves
    return lambda r, n: [run(r, n)]


def as_nodes(code: Code, function: str, position: int) -> Callable[[Run, Node], list[Node]]:
    """``code`` as a node-set; raises ``needs_nodes`` where it can't be one."""
    run = code.run
    if code.kind == "nodes":
        return run
    if code.kind != "any":
        raise ExpressionError("needs_nodes", position, function=function)

    def nodes(r: Run, n: Node) -> list[Node]:
        value = run(r, n)
        return value if isinstance(value, list) else []

    return nodes


# ── equality ────────────────────────────────────────────────────────────────────────────────────────────────


def near(a: float, b: float) -> bool:
    """Whether two numbers are the same but for rounding."""
    return a == b or abs(a - b) < TOLERANCE


def same(r: Run, a: Leaf, b: Leaf) -> bool:
    """XPath 1.0 §3.4 for two single values: as yes/no if one is, else as numbers if one is, else as text."""
    if a.__class__ is str and b.__class__ is str:
        return a == b
    if isinstance(a, bool) or isinstance(b, bool):
        return to_boolean(a) == to_boolean(b)
    return near(to_number(a, r.zone), to_number(b, r.zone))


def same_node(r: Run, a: Leaf, b: Leaf) -> bool:
    """As :func:`same` where a value is a node's: one that says no also equals ``false`` and ``0``."""
    if isinstance(a, bool) and isinstance(b, str):
        return a == (b not in ("false", "0") and b != "")
    if isinstance(b, bool) and isinstance(a, str):
        return b == (a not in ("false", "0") and a != "")
    return same(r, a, b)


def equal(r: Run, a: Value, b: Value, negated: bool) -> bool:
    """``a = b`` (``negated``: ``a != b``); of node-sets whether it holds for some node (XPath 1.0 §3.4)."""
    if isinstance(a, list):
        if isinstance(b, list):
            r.spend(len(a) * len(b))
            others = [node_leaf(node) for node in b]
            for node in a:
                leaf = node_leaf(node)
                for other in others:
                    if same_node(r, leaf, other) != negated:
                        return True
            return False
        if isinstance(b, bool):
            return (any(map(node_boolean, a)) == b) != negated
        return any(same_node(r, node_leaf(node), b) != negated for node in a)
    if isinstance(b, list):
        return equal(r, b, a, negated)
    return same(r, a, b) != negated


def equality(left: Code, right: Code, negated: bool) -> Callable[[Run, Node], bool]:
    """``left = right`` compiled; a reference that is there but not relevant reads as blank."""
    if right.kind == "nodes" and left.kind != "nodes":
        left, right = right, left
    a, b = left.run, right.run
    kinds = {left.kind, right.kind}
    if kinds == {"nodes", "text"} and right.constant is not None:
        return _equals_text(left, str(right.constant), negated)
    if not kinds & {"nodes", "any"}:
        if "truth" in kinds:
            x, y = as_truth(left), as_truth(right)
            return lambda r, n: (x(r, n) == y(r, n)) != negated
        if "number" in kinds:
            f, g = as_number(left), as_number(right)
            return lambda r, n: near(f(r, n), g(r, n)) != negated
        return lambda r, n: (a(r, n) == b(r, n)) != negated
    left_exists, right_exists = left.exists, right.exists

    def compare(r: Run, n: Node) -> bool:
        x = a(r, n)
        y = b(r, n)
        if left_exists is not None and not x and x.__class__ is list and left_exists(r, n):
            x = ""
        if right_exists is not None and not y and y.__class__ is list and right_exists(r, n):
            y = ""
        return equal(r, x, y, negated)

    return compare


def _equals_text(left: Code, text: str, negated: bool) -> Callable[[Run, Node], bool]:
    run, exists = left.run, left.exists

    def compare(r: Run, n: Node) -> bool:
        nodes = run(r, n)
        for node in nodes:
            value = node.value
            if value.__class__ is str and node.type in _PLAIN and not node.children:
                if (value == text) != negated:
                    return True
            elif same_node(r, node_leaf(node), text) != negated:
                return True
        return not nodes and (text == "") != negated and exists is not None and exists(r, n)

    return compare


_PLAIN = frozenset({"string", "select1", "select", "date", "dateTime", "time"})
"""Bind types whose text compares with text as it is."""


# ── order ───────────────────────────────────────────────────────────────────────────────────────────────────

ORDERS: dict[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


def ordered(r: Run, a: Leaf, b: Leaf, order: Callable[[Any, Any], bool]) -> bool:
    """Whether two single values stand in ``order``, as numbers; dates by days.

    A date beside a date with time counts from its midnight in the zone of the deployment: ``now() >=
    today()``.
    """
    if isinstance(a, str) and isinstance(b, str):
        x, y = parse_moment(a.strip(), r.zone), parse_moment(b.strip(), r.zone)
        if x is not None and y is not None:
            return order(*_comparable(x, y, r))
    return order(to_number(a, r.zone), to_number(b, r.zone))


def _comparable(x: date | datetime, y: date | datetime, r: Run) -> tuple[float, float]:
    if isinstance(x, datetime) == isinstance(y, datetime):
        return days(x), days(y)
    return days(midnight(x, r.zone)), days(midnight(y, r.zone))


def in_order(r: Run, a: Value, b: Value, order: Callable[[Any, Any], bool]) -> bool:
    """``a < b`` and the like; of node-sets whether it holds for some node (XPath 1.0 §3.4)."""
    left: Sequence[Leaf] = [node_leaf(node) for node in a] if isinstance(a, list) else [a]
    right: Sequence[Leaf] = [node_leaf(node) for node in b] if isinstance(b, list) else [b]
    r.spend(len(left) * len(right))
    return any(ordered(r, x, y, order) for x in left for y in right)


def relation(left: Code, right: Code, sign: str) -> Callable[[Run, Node], bool]:
    """``left < right`` and the like, compiled."""
    order = ORDERS[sign]
    a, b = left.run, right.run
    for one, other, swapped in ((left, right, False), (right, left, True)):
        if one.kind == "nodes" and other.kind == "number":
            return _number_relation(one, other, order, swapped)
    kinds = {left.kind, right.kind}
    if not kinds & {"nodes", "any"} and kinds != {"text"}:
        f, g = as_number(left), as_number(right)
        return lambda r, n: order(f(r, n), g(r, n))
    return lambda r, n: in_order(r, a(r, n), b(r, n), order)


def _number_relation(
    one: Code, other: Code, order: Callable[[Any, Any], bool], swapped: bool
) -> Callable[[Run, Node], bool]:
    nodes, number = one.run, other.run

    def compare(r: Run, n: Node) -> bool:
        limit = number(r, n)
        for node in nodes(r, n):
            value = node_number(node, r.zone)
            if order(limit, value) if swapped else order(value, limit):
                return True
        return False

    return compare
