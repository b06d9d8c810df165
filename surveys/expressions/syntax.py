"""Source text → syntax tree: the part of XPath 1.0 that ODK forms use, and errors that say where and what.

Precedence from low to high: ``or``, ``and``, ``= !=``, ``< <= > >=``, ``+ -``, ``* div mod``, unary minus,
``|``, path. All operators associate to the left, comparisons too. As in XPath 1.0 §3.7, whether ``*`` or a
name like ``div`` is an operator depends on what stands before it; so the parser asks the lexer for what it
expects.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Literal, NoReturn

from surveys.expressions.errors import ExpressionError

LENGTH_LIMIT = 20_000
DEPTH_LIMIT = 100


@dataclass(frozen=True, slots=True)
class Number:
    """A number as written."""

    value: float
    depth: int = 1


@dataclass(frozen=True, slots=True)
class Text:
    """A text between quotes."""

    value: str
    depth: int = 1


@dataclass(frozen=True, slots=True)
class Chain:
    """Operands joined by operators of one precedence, worked out from left to right."""

    level: int
    first: Tree
    rest: tuple[tuple[str, Tree], ...]
    depth: int


@dataclass(frozen=True, slots=True)
class Negation:
    """An odd or even number of minus signs before an operand."""

    operand: Tree
    odd: bool
    depth: int


@dataclass(frozen=True, slots=True)
class Union:
    """Node-sets put together."""

    parts: tuple[Tree, ...]
    depth: int
    position: int


@dataclass(frozen=True, slots=True)
class Call:
    """A function call; ``position`` is that of its name."""

    name: str
    arguments: tuple[Tree, ...]
    position: int
    depth: int


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a path: to children called ``name`` (``*``: all), up, or nowhere; then filtered."""

    axis: Literal["child", "parent", "self"]
    name: str
    predicates: tuple[Tree, ...] = ()


@dataclass(frozen=True, slots=True)
class Path:
    """Steps from the document (``start`` is ``/``), from the context node (``.``) or from what an expression
    gives.

    ``filters`` are predicates on that expression itself: ``(…)[1]``.
    """

    start: Literal["/", "."] | Tree
    filters: tuple[Tree, ...]
    steps: tuple[Step, ...]
    depth: int
    position: int


Tree = Number | Text | Chain | Negation | Union | Call | Path

LEVELS = {
    "or": 0,
    "and": 1,
    "=": 2,
    "!=": 2,
    "<": 3,
    "<=": 3,
    ">": 3,
    ">=": 3,
    "+": 4,
    "-": 4,
    "*": 5,
    "div": 5,
    "mod": 5,
}

_SPACE = re.compile(r"\s*")
# After an operand a word is an operator when no further letter follows: 1div1 and 3mod4 are accepted as ODK
# does.
_OPERATOR = re.compile(r"<=|>=|!=|[=<>+\-*]|(?:or|and|div|mod)(?![^\W\d])")
_NUMBER = re.compile(r"[0-9]+(?:\.[0-9]*)?|\.[0-9]+")
_NAME = re.compile(r"[^\W\d][\w.\-]*(?::(?!:)[^\W\d][\w.\-]*)?")
_TEXT = re.compile(r"'[^']*'|\"[^\"]*\"")
_AXIS = re.compile(r"([^\W\d][\w.\-]*)\s*::")
_CALL = re.compile(r"\s*\(")
_WORD = re.compile(r"\w+|\S|$")
_NODE_TESTS = frozenset({"node", "text", "comment", "processing-instruction"})


def read(source: str) -> Tree:
    """The syntax tree of ``source``; raises :class:`ExpressionError` for what is wrong or not supported."""
    if len(source) > LENGTH_LIMIT:
        raise ExpressionError("too_long", None, length=len(source), limit=LENGTH_LIMIT)
    reader = _Reader(source)
    tree = reader.expression(0)
    if reader.at < len(source):
        reader.fail("syntax_operator")
    return tree


@dataclass(slots=True)
class _Reader:
    source: str
    at: int = 0
    depth: int = field(default=0)

    # -- looking at the source -------------------------------------------------------------------------------

    def skip(self) -> int:
        found = _SPACE.match(self.source, self.at)
        self.at = found.end() if found else self.at
        return self.at

    def fail(self, code: str, **params: object) -> NoReturn:
        word = _WORD.match(self.source, self.at)
        found = word[0] if word else ""
        if not found:
            raise ExpressionError("syntax_end", self.at)
        raise ExpressionError(code, self.at, found=found, **params)

    def takes(self, symbol: str) -> bool:
        """Whether ``symbol`` comes next; if so, past it."""
        self.skip()
        if self.source.startswith(symbol, self.at):
            self.at += len(symbol)
            return True
        return False

    def needs(self, symbol: str) -> None:
        if not self.takes(symbol):
            self.fail("syntax_symbol", expected=symbol)

    def check(self, depth: int) -> int:
        if depth > DEPTH_LIMIT:
            raise ExpressionError("too_deep", self.at, limit=DEPTH_LIMIT)
        return depth

    # -- expressions -----------------------------------------------------------------------------------------

    def expression(self, least: int) -> Tree:
        """An expression whose operators bind at least as tightly as level ``least``."""
        self.depth = self.check(self.depth + 1)
        left = self.negation()
        operator = self.operator()
        while operator and LEVELS[operator] >= least:
            level = LEVELS[operator]
            rest: list[tuple[str, Tree]] = []
            while operator and LEVELS[operator] == level:
                self.at += len(operator)
                rest.append((operator, self.expression(level + 1)))
                operator = self.operator()
            depth = self.check(1 + max(left.depth, *(operand.depth for _, operand in rest)))
            left = Chain(level, left, tuple(rest), depth)
        self.depth -= 1
        return left

    def operator(self) -> str | None:
        found = _OPERATOR.match(self.source, self.skip())
        return found[0] if found else None

    def negation(self) -> Tree:
        signs = 0
        while self.takes("-"):
            signs += 1
        operand = self.union()
        if not signs:
            return operand
        return Negation(operand, signs % 2 == 1, self.check(1 + operand.depth))

    def union(self) -> Tree:
        at = self.skip()
        parts = [self.path()]
        while self.takes("|"):
            parts.append(self.path())
        if len(parts) == 1:
            return parts[0]
        return Union(tuple(parts), self.check(1 + max(part.depth for part in parts)), at)

    # -- paths -----------------------------------------------------------------------------------------------

    def path(self) -> Tree:
        at = self.skip()
        if self.takes("/"):
            self.no_descendants(self.at - 1)
            return self.located("/", (), self.steps() if self.starts_step() else (), at)
        start = self.primary()
        if start is None:
            return self.located(".", (), self.steps(), at)
        filters = self.predicates()
        steps: tuple[Step, ...] = ()
        if self.takes("/"):
            self.no_descendants(self.at - 1)
            steps = self.steps()
        return self.located(start, filters, steps, at) if filters or steps else start

    def located(
        self, start: Literal["/", "."] | Tree, filters: tuple[Tree, ...], steps: tuple[Step, ...], at: int
    ) -> Path:
        inner = [predicate.depth for step in steps for predicate in step.predicates]
        inner += [predicate.depth for predicate in filters]
        if not isinstance(start, str):
            inner.append(start.depth)
        return Path(start, filters, steps, self.check(1 + max(inner, default=0)), at)

    def starts_step(self) -> bool:
        self.skip()
        if self.source.startswith((".", "@", "*"), self.at):
            return True
        return _NAME.match(self.source, self.at) is not None

    def no_descendants(self, at: int) -> None:
        if self.source.startswith("/", self.at):
            raise ExpressionError("unsupported_descendants", at)

    def primary(self) -> Tree | None:
        """A number, text, call or bracketed expression; None where a path begins."""
        source, at = self.source, self.skip()
        if number := _NUMBER.match(source, at):
            self.at = number.end()
            return Number(float(number[0]))
        first = source[at : at + 1]
        if first in ("'", '"'):
            text = _TEXT.match(source, at)
            if text is None:
                raise ExpressionError("syntax_quote", at, quote=first)
            self.at = text.end()
            return Text(text[0][1:-1])
        if first == "(":
            self.at += 1
            inner = self.expression(0)
            self.needs(")")
            return inner
        if first == "$":
            raise ExpressionError("unsupported_variable", at)
        name = _NAME.match(source, at)
        if name and _CALL.match(source, name.end()) and name[0] not in _NODE_TESTS:
            return self.call(name[0], at)
        if name is None and first not in (".", "@", "*"):
            self.fail("syntax_value")
        return None

    def call(self, name: str, at: int) -> Call:
        self.at += len(name)
        self.needs("(")
        arguments: list[Tree] = []
        if not self.takes(")"):
            arguments.append(self.expression(0))
            while self.takes(","):
                arguments.append(self.expression(0))
            if not self.takes(")"):
                self.fail("syntax_symbol", expected=", )")
        depth = self.check(1 + max((argument.depth for argument in arguments), default=0))
        return Call(name, tuple(arguments), at, depth)

    def steps(self) -> tuple[Step, ...]:
        found = [self.step()]
        while self.takes("/"):
            self.no_descendants(self.at - 1)
            found.append(self.step())
        return tuple(found)

    def step(self) -> Step:
        source, at = self.source, self.skip()
        if source.startswith("..", at):
            self.at += 2
            return Step("parent", "*", self.predicates())
        if source.startswith(".", at):
            self.at += 1
            return Step("self", "*", self.predicates())
        axis: Literal["child", "parent", "self"] = "child"
        if named := _AXIS.match(source, at):
            match named[1]:
                case "child" | "parent" | "self" as known:
                    axis = known
                case "attribute":
                    raise ExpressionError("unsupported_attribute", at)
                case other:
                    raise ExpressionError("unsupported_axis", at, axis=other)
            self.at = named.end()
            at = self.skip()
        if source.startswith("@", at):
            raise ExpressionError("unsupported_attribute", at)
        if source.startswith("*", at):
            self.at += 1
            return Step(axis, "*", self.predicates())
        name = _NAME.match(source, at)
        if name is None:
            self.fail("syntax_name")
        self.at = name.end()
        if source.startswith(":*", self.at):
            raise ExpressionError("unsupported_step", at, step=f"{name[0]}:*")
        if _CALL.match(source, self.at):
            if name[0] != "node":
                raise ExpressionError("unsupported_step", at, step=f"{name[0]}()")
            self.needs("(")
            self.needs(")")
            return Step(axis, "*", self.predicates())
        return Step(axis, name[0], self.predicates())

    def predicates(self) -> tuple[Tree, ...]:
        found: list[Tree] = []
        while self.takes("["):
            found.append(self.expression(0))
            self.needs("]")
        return tuple(found)
