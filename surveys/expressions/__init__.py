"""The expression language of forms: ODK's subset of XPath 1.0 with ODK's functions.

:func:`parse` reads relevance, constraints, calculations, choice filters and references in labels once per
form and compiles them to closures; an :class:`Expression` is then evaluated as often as wanted over a tree of
:class:`Node`. Grammar and types follow XPath 1.0, functions the ODK XForms specification. Values have the
types of their nodes, as in JavaRosa: an ``int`` or ``decimal`` node is a number, a calculated yes/no stays
one, dates are ISO text that counts as days. A node that is not relevant reads as blank and does not count in
node-sets.

Bounds: 20,000 characters, nesting of 100, 1,000,000 node visits per evaluation, 3,000,000 for all that are
costly over the same scope.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from surveys.expressions import syntax
from surveys.expressions.closures import (
    WORK_LIMIT,
    Base,
    Code,
    Run,
    as_leaf,
    as_nodes,
    as_number,
    as_text,
    as_truth,
)
from surveys.expressions.compiler import Compiler
from surveys.expressions.errors import ExpressionError
from surveys.expressions.functions import FUNCTIONS, seeded
from surveys.expressions.nodes import Leaf, Node, Scope, Table
from surveys.expressions.syntax import DEPTH_LIMIT, LENGTH_LIMIT
from surveys.expressions.values import store, to_boolean, to_number, to_string

__all__ = [
    "DEPTH_LIMIT",
    "FUNCTIONS",
    "LENGTH_LIMIT",
    "WORK_LIMIT",
    "Expression",
    "ExpressionError",
    "Leaf",
    "Node",
    "Scope",
    "Table",
    "order",
    "parse",
    "seeded",
    "store",
    "to_boolean",
    "to_number",
    "to_string",
]


@dataclass(frozen=True, slots=True)
class Expression:
    """An expression compiled once per form; equal to another of the same source and place.

    ``references`` are the absolute paths it reads, without instance numbers and predicates
    (``/data/member/age``), in order of appearance; a path to a group or repeat stands for its being there.
    ``turns`` says of each how many steps from the root (itself one) the way to it turned down: 3 for
    ``../age`` in ``/data/member/name``, which stays in the same instance of ``/data/member``, and 1 for an
    absolute path.
    ``functions`` are the functions it calls, ``instances`` the secondary instances it names, ``columns`` the
    (instance, column) pairs it reads there.
    """

    source: str
    owner: str
    table: str | None
    references: tuple[str, ...] = field(compare=False)
    turns: tuple[int, ...] = field(compare=False)
    functions: frozenset[str] = field(compare=False)
    instances: frozenset[str] = field(compare=False)
    columns: frozenset[tuple[str, str]] = field(compare=False)
    _leaf: Callable[[Run, Node], Leaf] = field(compare=False, repr=False)
    _text: Callable[[Run, Node], str] = field(compare=False, repr=False)
    _truth: Callable[[Run, Node], bool] = field(compare=False, repr=False)
    _number: Callable[[Run, Node], float] = field(compare=False, repr=False)
    _nodes: Callable[[Run, Node], list[Node]] | None = field(compare=False, repr=False)

    def evaluate(self, scope: Scope) -> Leaf:
        """The value with its type; of a node-set, its first node's, ``''`` if it is empty."""
        return self._leaf(Run(scope), scope.node)

    def string(self, scope: Scope) -> str:
        """The value as text, as a label shows it."""
        return self._text(Run(scope), scope.node)

    def true(self, scope: Scope) -> bool:
        """Whether it holds, as relevance and constraints ask."""
        return self._truth(Run(scope), scope.node)

    def number(self, scope: Scope) -> float:
        """The value as a number, NaN if it is none."""
        return self._number(Run(scope), scope.node)

    def nodes(self, scope: Scope) -> list[Node]:
        """The node-set, as the choices of a select want it; raises ``not_a_path`` if it never is one."""
        if self._nodes is None:
            raise ExpressionError("not_a_path", 0)
        return self._nodes(Run(scope), scope.node)

    def __reduce__(self) -> tuple[Any, ...]:
        return _again, (self.source, self.owner, self.table)


def parse(source: str, *, owner: str, table: str | None = None) -> Expression:
    """Read and compile ``source``; raises :class:`ExpressionError`.

    ``owner`` is the absolute path of the node the expression belongs to: relative paths are resolved against
    it. With ``table`` the expression is a choice filter on its own, relative paths are columns of that
    secondary instance, and only ``current()`` means the owner.
    """
    place: Base = ("", *(name for name in owner.split("/") if name))
    compiler = Compiler(place)
    try:
        code = compiler.compile(syntax.read(source), place if table is None else (table, "root", "item"))
    except RecursionError:
        # within the limits of nesting only when the caller has used most of the stack already
        raise ExpressionError("too_deep", 0, limit=DEPTH_LIMIT) from None
    if table is not None:
        compiler.instances.add(table)
    return Expression(
        source,
        owner,
        table,
        tuple(compiler.references),
        tuple(compiler.references.values()),
        frozenset(compiler.functions),
        frozenset(compiler.instances),
        frozenset(compiler.columns),
        as_leaf(code),
        as_text(code),
        as_truth(code),
        as_number(code),
        _node_set(code),
    )


def _again(source: str, owner: str, table: str | None) -> Expression:
    return parse(source, owner=owner, table=table)


def _node_set(code: Code) -> Callable[[Run, Node], list[Node]] | None:
    return as_nodes(code, "", 0) if code.kind in ("nodes", "any") else None


def order(dependencies: Mapping[str, Iterable[str]]) -> list[str]:
    """The keys of ``dependencies`` so that each comes after those it depends on, else in their given order.

    Names that are no keys are inputs and left out. Raises ``cycle`` with ``path``, the names around a circle
    of dependencies, the first again at the end (``names``: the same as text).
    """
    done: set[str] = set()
    ordered: list[str] = []
    for start in dependencies:
        if start in done:
            continue
        trail: dict[str, None] = {start: None}
        pending = [iter(dependencies[start])]
        while pending:
            needed = next((name for name in pending[-1] if name in dependencies and name not in done), None)
            if needed is None:
                pending.pop()
                name, _ = trail.popitem()
                done.add(name)
                ordered.append(name)
            elif needed in trail:
                trodden = list(trail)
                circle = [*trodden[trodden.index(needed) :], needed]
                raise ExpressionError("cycle", path=circle, names=" → ".join(circle))
            else:
                trail[needed] = None
                pending.append(iter(dependencies[needed]))
    return ordered
