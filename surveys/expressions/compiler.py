"""Syntax tree → closures, once per form; and what the expression reads, resolved against its owner."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from surveys.expressions import functions as library
from surveys.expressions import syntax
from surveys.expressions.closures import (
    ORDERS,
    Base,
    Code,
    Run,
    as_leaf,
    as_number,
    as_truth,
    constant,
    equal,
    equality,
    in_order,
    relation,
)
from surveys.expressions.errors import ExpressionError
from surveys.expressions.nodes import Leaf, Node
from surveys.expressions.values import to_boolean

Filter = Callable[[Run, Sequence[Node]], Sequence[Node]]


@dataclass(frozen=True, slots=True)
class _Move:
    """A compiled step. ``below`` says that it leads down from a node reached by going up."""

    axis: str
    name: str
    filters: tuple[Filter, ...]
    below: bool


@dataclass(slots=True)
class Compiler:
    """Compiles one expression and notes what it reads. ``owner`` is what ``current()`` means."""

    owner: Base
    references: dict[str, int] = field(default_factory=dict)
    """What is read, and how many steps from the root (itself one) the way there turned down."""
    functions: set[str] = field(default_factory=set)
    instances: set[str] = field(default_factory=set)
    columns: set[tuple[str, str]] = field(default_factory=set)
    turn: int = field(init=False)
    """Where the way to the context node of what is being compiled turned down."""

    def __post_init__(self) -> None:
        self.turn = depth(self.owner)

    def compile(self, tree: syntax.Tree, base: Base) -> Code:
        """The closure of ``tree``; relative paths start at ``base``."""
        match tree:
            case syntax.Number(value):
                return constant(value)
            case syntax.Text(text):
                return constant(text)
            case syntax.Path():
                return self.path(tree, base)
            case syntax.Call():
                return self.call(tree, base)
            case syntax.Chain(level, first, rest):
                begin = self.compile(first, base)
                operands = [self.compile(operand, base) for _, operand in rest]
                return _CHAINS[level](begin, [sign for sign, _ in rest], operands)
            case syntax.Negation(operand, odd):
                number = as_number(self.compile(operand, base))
                if isinstance(operand, syntax.Number):
                    return constant(-operand.value if odd else operand.value)
                return Code("number", (lambda r, n: -number(r, n)) if odd else number)
            case syntax.Union():
                return self.union(tree, base)

    def call(self, tree: syntax.Call, base: Base) -> Code:
        """The closure of a function call; raises ``unknown_function`` and ``arity``."""
        function = library.FUNCTIONS.get(tree.name)
        if function is None:
            near = library.nearest(tree.name)
            if near:
                raise ExpressionError("unknown_function_near", tree.position, function=tree.name, near=near)
            raise ExpressionError("unknown_function", tree.position, function=tree.name)
        given = len(tree.arguments)
        if not function.accepts(given):
            raise ExpressionError(
                "arity", tree.position, function=tree.name, given=given, allowed=function.allowed()
            )
        self.functions.add(tree.name)
        return function.build(self, tree, base)

    def arguments(self, tree: syntax.Call, base: Base) -> list[Code]:
        """The arguments of a call, compiled."""
        return [self.compile(argument, base) for argument in tree.arguments]

    # -- paths -----------------------------------------------------------------------------------------------

    def path(self, tree: syntax.Path, base: Base) -> Code:
        """The closure of a path."""
        start: Code | None = None
        outer = self.turn
        match tree.start:
            case "/":
                here: Base = ("",)
                turn = 1
            case ".":
                here = base
                turn = outer
            case _:
                start = self.compile(tree.start, base)
                here = start.base
                turn = start.turn
                if start.kind not in ("nodes", "any"):
                    raise ExpressionError("not_a_path", tree.position)
        lookup = self.lookup(tree) if start is not None else None
        self.turn = turn
        filters = tuple(self.filter(predicate, here) for predicate in tree.filters)
        moves: list[_Move] = []
        up = False
        for step in tree.steps:
            here = advance(here, step)
            turn = self.turn = min(turn, depth(here))
            within = tuple(self.filter(predicate, here) for predicate in step.predicates)
            moves.append(_Move(step.axis, step.name, within, step.axis == "child" and up))
            up = step.axis == "parent" or (step.axis == "self" and up)
        self.turn = turn
        self.note(here)
        self.turn = outer
        code = located(tree.start, start, filters, tuple(moves), lookup)
        code.base, code.turn = here, turn
        return code

    def lookup(self, tree: syntax.Path) -> Lookup | None:
        """How to find the rows of ``instance('id')/root/item[column = …]`` by an index instead of a walk."""
        match tree:
            case syntax.Path(
                start=syntax.Call("instance", (syntax.Text(name),)),
                filters=(),
                steps=(
                    syntax.Step("child", "root", ()),
                    syntax.Step(
                        "child",
                        "item",
                        (syntax.Chain(2, left, (("=", right),)), *_),
                    ),
                    *_,
                ),
            ):
                for cell, wanted in ((left, right), (right, left)):
                    match cell:
                        case syntax.Path(".", (), (syntax.Step("child", column, ()),)) if column != "*":
                            if fixed(wanted):
                                quiet = Compiler(self.owner)
                                return Lookup(name, column, as_leaf(single(quiet.compile(wanted, None))))
        return None

    def filter(self, tree: syntax.Tree, base: Base) -> Filter:
        """The closure of a predicate: a number asks for that position, anything else must hold."""
        code = self.compile(tree, base)
        weight = 1 + size(tree)
        if isinstance(code.constant, float):
            place = int(code.constant) if code.constant == code.constant // 1 else 0

            def pick(r: Run, nodes: Sequence[Node]) -> Sequence[Node]:
                return nodes[place - 1 : place] if place > 0 else ()

            return pick
        holds = _holds(code)

        def keep(r: Run, nodes: Sequence[Node]) -> Sequence[Node]:
            r.spend(len(nodes) * weight)
            position, count = r.position, r.size
            r.size = len(nodes)
            kept = []
            for number, node in enumerate(nodes, start=1):
                r.position = number
                if holds(r, node):
                    kept.append(node)
            r.position, r.size = position, count
            return kept

        return keep

    def union(self, tree: syntax.Union, base: Base) -> Code:
        """Node-sets put together, each node once, in document order."""
        runs = []
        for part in tree.parts:
            code = self.compile(part, base)
            if code.kind not in ("nodes", "any"):
                raise ExpressionError("not_a_path", tree.position)
            runs.append(code.run)

        def nodes(r: Run, n: Node) -> list[Node]:
            found: dict[Node, None] = {}
            for run in runs:
                value = run(r, n)
                if isinstance(value, list):
                    found.update(dict.fromkeys(value))
            r.spend(len(found))
            return sorted(found, key=lambda node: place(r, node))

        return Code("nodes", nodes)

    def note(self, base: Base) -> None:
        """Remember that the expression reads the nodes at ``base``."""
        if base is None or len(base) < 2:
            return
        if base[0] == "":
            name = "/" + "/".join(base[1:])
            self.references[name] = min(self.turn, self.references.get(name, self.turn))
        elif len(base) > 3:
            self.columns.add((base[0], base[3]))


@dataclass(frozen=True, slots=True)
class Lookup:
    """Rows of secondary instance ``name`` whose ``column`` is what ``wanted`` gives."""

    name: str
    column: str
    wanted: Callable[[Run, Node], Leaf | None]


def single(code: Code) -> Code:
    """``code`` for a look-up by index: where a node-set has not exactly one node, None."""
    if code.kind not in ("nodes", "any"):
        return code
    run = code.run

    def only(r: Run, n: Node) -> object:
        value = run(r, n)
        return None if isinstance(value, list) and len(value) != 1 else value

    return Code("any", only)


def advance(base: Base, step: syntax.Step) -> Base:
    """Where ``step`` leads from ``base``."""
    if base is None:
        return None
    if step.axis == "child":
        return (*base, step.name)
    if step.axis == "parent":
        return base[:-1] if len(base) > 1 else None
    return base


def depth(base: Base) -> int:
    """How many steps from the root a place is, the root itself one; also for a place that is not known."""
    return 1 if base is None else len(base)


def size(tree: syntax.Tree) -> int:
    """How many pieces ``tree`` has: what one evaluation of it costs at least."""
    total, stack = 0, [tree]
    while stack:
        total += 1
        match stack.pop():
            case syntax.Call(_, arguments):
                stack += arguments
            case syntax.Chain(_, first, rest):
                stack += [first, *(operand for _, operand in rest)]
            case syntax.Negation(operand):
                stack.append(operand)
            case syntax.Union(parts):
                stack += parts
            case syntax.Path(start, filters, steps):
                total += len(steps)
                stack += filters
                if not isinstance(start, str):
                    stack.append(start)
            case _:
                pass
    return total


def fixed(tree: syntax.Tree) -> bool:
    """Whether ``tree`` means the same for every context node and position."""
    stack = [tree]
    while stack:
        match stack.pop():
            case syntax.Call(name, arguments):
                if name in library.CONTEXTUAL and (not arguments or name == "once"):
                    return False
                if name == "random" or name == "uuid":
                    return False
                stack += arguments
            case syntax.Chain(_, first, rest):
                stack += [first, *(operand for _, operand in rest)]
            case syntax.Negation(operand):
                stack.append(operand)
            case syntax.Union(parts):
                stack += parts
            case syntax.Path("."):
                return False
            case syntax.Path(start, filters, steps):
                if filters or any(step.predicates for step in steps):
                    return False
                if not isinstance(start, str):
                    stack.append(start)
            case _:
                pass
    return True


def place(r: Run, node: Node) -> tuple[int, ...]:
    """The place of ``node`` in its document, comparable with others'."""
    places: list[int] = []
    while node.parent is not None:
        r.spend(len(node.parent.children))
        places.append(node.parent.children.index(node))
        node = node.parent
    return tuple(reversed(places))


def _holds(code: Code) -> Callable[[Run, Node], bool]:
    if code.kind == "number":
        number = code.run
        return lambda r, n: bool(number(r, n) == r.position)
    truth = as_truth(code)
    if code.kind != "any":
        return truth
    run = code.run

    def holds(r: Run, n: Node) -> bool:
        value = run(r, n)
        if isinstance(value, float):
            return value == r.position
        return bool(any(value)) if isinstance(value, list) else to_boolean(value)

    return holds


# ── walking ─────────────────────────────────────────────────────────────────────────────────────────────────


def walk(r: Run, nodes: Sequence[Node], moves: Sequence[_Move], everything: bool = False) -> list[Node]:
    """The nodes that ``moves`` lead to; ``everything``: non-relevant ones too."""
    for move in moves:
        found: list[Node] = []
        name, filters = move.name, move.filters
        for node in nodes:
            kids: Sequence[Node]
            if move.axis == "child":
                if move.below and not everything and not node.is_relevant():
                    continue
                kids = node.children if name == "*" else node.named(name)
                r.spend(1 + len(kids))
                if not everything:
                    kids = [kid for kid in kids if kid.relevant]
            elif move.axis == "parent":
                r.spend(1)
                kids = (node.parent,) if node.parent is not None else ()
                if name != "*":
                    kids = [kid for kid in kids if kid.name == name]
            else:
                kids = (node,) if name in ("*", node.name) else ()
            for keep in filters:
                kids = keep(r, kids)
            found.extend(kids)
        nodes = list(dict.fromkeys(found)) if move.axis == "parent" and len(found) > 1 else found
    return list(nodes)


def located(
    start: object,
    given: Code | None,
    filters: tuple[Filter, ...],
    moves: tuple[_Move, ...],
    lookup: Lookup | None,
) -> Code:
    """The closure of a path, by the cheapest way that fits it."""
    plain = given is None and all(
        not move.filters and move.name != "*" for move in moves if move.axis == "child"
    )
    ups = 0
    while (
        ups < len(moves) and moves[ups].axis != "child" and moves[ups].name == "*" and not moves[ups].filters
    ):
        ups += 1
    if plain and all(move.axis == "child" for move in moves[ups:]) and (start == "." or not ups):
        climbs = sum(move.axis == "parent" for move in moves[:ups])
        names = tuple(move.name for move in moves[ups:])
        return _straight(start == "/", climbs, names, moves)

    def starts(r: Run, n: Node) -> Sequence[Node]:
        if given is None:
            return (r.root,) if start == "/" else (n,)
        value = given.run(r, n)
        nodes: Sequence[Node] = value if isinstance(value, list) else ()
        for keep in filters:
            nodes = keep(r, nodes)
        return nodes

    def exists(r: Run, n: Node) -> bool:
        return bool(walk(r, starts(r, n), moves, everything=True))

    if lookup is not None:
        return Code("nodes", _indexed(lookup, starts, moves), exists=exists)
    return Code("nodes", lambda r, n: walk(r, starts(r, n), moves), exists=exists)


def _straight(absolute: bool, climbs: int, names: tuple[str, ...], moves: tuple[_Move, ...]) -> Code:
    """A path up, then down by names: while every name has one bearer, no lists are made on the way."""
    down = moves[len(moves) - len(names) :]

    def origin(r: Run, n: Node) -> Node | None:
        if absolute:
            return r.root
        here: Node | None = n
        for _ in range(climbs):
            if here is None:
                return None
            here = here.parent
        return here

    def first(r: Run, n: Node) -> Node | None:
        here = r.root if absolute else n
        if climbs:
            for _ in range(climbs):
                parent = here.parent
                if parent is None:
                    return None
                here = parent
            if names and not here.is_relevant():
                return None
        for done, name in enumerate(names):
            if here.counted != len(here.children):
                here.index()
            kids = here.by_name.get(name)
            if kids is None:
                return None
            if len(kids) > 1:
                rest = walk(r, (here,), down[done:])
                return rest[0] if rest else None
            here = kids[0]
            if not here.relevant:
                return None
        return here

    def nodes(r: Run, n: Node) -> list[Node]:
        here = r.root if absolute else n
        if climbs:
            for _ in range(climbs):
                parent = here.parent
                if parent is None:
                    return []
                here = parent
            if names and not here.is_relevant():
                return []
        for done, name in enumerate(names):
            if here.counted != len(here.children):
                here.index()
            kids = here.by_name.get(name)
            if kids is None:
                return []
            if len(kids) > 1:
                return walk(r, (here,), down[done:])
            here = kids[0]
            if not here.relevant:
                return []
        return [here]

    def exists(r: Run, n: Node) -> bool:
        here = origin(r, n)
        return here is not None and bool(walk(r, (here,), down, everything=True))

    return Code("nodes", nodes, first=first, exists=exists)


def _indexed(
    lookup: Lookup, starts: Callable[[Run, Node], Sequence[Node]], moves: tuple[_Move, ...]
) -> Callable[[Run, Node], list[Node]]:
    rows, rest = moves[1], moves[2:]

    def nodes(r: Run, n: Node) -> list[Node]:
        wanted = lookup.wanted(r, n)
        if not isinstance(wanted, str):
            return walk(r, starts(r, n), moves)
        table = r.table(lookup.name)
        if table is None:
            return []
        found = table.where(lookup.column, wanted)
        r.spend(1 + len(found))
        for keep in rows.filters[1:]:
            found = keep(r, found)
        return walk(r, found, rest)

    return nodes


# ── operators ───────────────────────────────────────────────────────────────────────────────────────────────


def _either(first: Code, signs: list[str], operands: list[Code]) -> Code:
    tests = [as_truth(code) for code in (first, *operands)]
    if len(tests) == 2:
        a, b = tests
        return Code("truth", lambda r, n: a(r, n) or b(r, n))
    return Code("truth", lambda r, n: any(test(r, n) for test in tests))


def _both(first: Code, signs: list[str], operands: list[Code]) -> Code:
    tests = [as_truth(code) for code in (first, *operands)]
    if len(tests) == 2:
        a, b = tests
        return Code("truth", lambda r, n: a(r, n) and b(r, n))
    return Code("truth", lambda r, n: all(test(r, n) for test in tests))


def _equalities(first: Code, signs: list[str], operands: list[Code]) -> Code:
    begin = equality(first, operands[0], signs[0] == "!=")
    if len(operands) == 1:
        return Code("truth", begin)
    rest = [(sign == "!=", code.run) for sign, code in zip(signs[1:], operands[1:], strict=True)]

    def chain(r: Run, n: Node) -> bool:
        value = begin(r, n)
        for negated, run in rest:
            value = equal(r, value, run(r, n), negated)
        return value

    return Code("truth", chain)


def _relations(first: Code, signs: list[str], operands: list[Code]) -> Code:
    begin = relation(first, operands[0], signs[0])
    if len(operands) == 1:
        return Code("truth", begin)
    rest = [(ORDERS[sign], code.run) for sign, code in zip(signs[1:], operands[1:], strict=True)]

    def chain(r: Run, n: Node) -> bool:
        value = begin(r, n)
        for order, run in rest:
            value = in_order(r, value, run(r, n), order)
        return value

    return Code("truth", chain)


def divide(a: float, b: float) -> float:
    """IEEE 754 division: by zero gives an infinity, or NaN."""
    if b:
        return a / b
    if not a or a != a or b != b:
        return math.nan
    return math.copysign(math.inf, a) * math.copysign(1.0, b)


def remainder(a: float, b: float) -> float:
    """XPath's ``mod``: the remainder of a truncating division, with the sign of ``a``."""
    if not b or math.isinf(a):
        return math.nan
    return math.fmod(a, b)


_ARITHMETIC: dict[str, Callable[[float, float], float]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "div": divide,
    "mod": remainder,
}


def _sums(first: Code, signs: list[str], operands: list[Code]) -> Code:
    begin = as_number(first)
    rest = [(_ARITHMETIC[sign], as_number(code)) for sign, code in zip(signs, operands, strict=True)]
    if len(rest) == 1:
        apply, second = rest[0]
        return Code("number", lambda r, n: apply(begin(r, n), second(r, n)))

    def chain(r: Run, n: Node) -> float:
        value = begin(r, n)
        for apply, number in rest:
            value = apply(value, number(r, n))
        return value

    return Code("number", chain)


_CHAINS: tuple[Callable[[Code, list[str], list[Code]], Code], ...] = (
    _either,
    _both,
    _equalities,
    _relations,
    _sums,
    _sums,
)
