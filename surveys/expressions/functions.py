"""The functions of ODK XForms and those of XPath 1.0 that ODK keeps.

Each entry of :data:`FUNCTIONS` says how many arguments a function takes and builds the closure of a call.
Semantics follow the ODK XForms specification; where its engines differ, JavaRosa's typed reading is kept
unless a comment says why not.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import math
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import ROUND_HALF_DOWN, ROUND_HALF_UP, Decimal
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, TypeVar

from surveys.expressions import geography, patterns, syntax
from surveys.expressions.closures import (
    Base,
    Code,
    Run,
    as_leaf,
    as_leaves,
    as_nodes,
    as_number,
    as_text,
    as_truth,
    constant,
)
from surveys.expressions.errors import ExpressionError
from surveys.expressions.nodes import Leaf, Node
from surveys.expressions.values import (
    NAN,
    days,
    format_moment,
    from_days,
    local_date,
    midnight,
    node_string,
    parse_moment,
    parse_time,
    show_day_or_moment,
    show_moment,
    to_boolean,
    to_number,
    to_string,
    unknown_escape,
)

if TYPE_CHECKING:
    from surveys.expressions.compiler import Compiler

Build = Callable[["Compiler", syntax.Call, Base], Code]


@dataclass(frozen=True, slots=True)
class Function:
    """How many arguments a function takes (``most`` None: any; ``step`` 2: every second), and its closure."""

    least: int
    most: int | None
    build: Build
    step: int = 1

    def accepts(self, given: int) -> bool:
        """Whether a call may have ``given`` arguments."""
        return (
            self.least <= given
            and (self.most is None or given <= self.most)
            and (given - self.least) % self.step == 0
        )

    def allowed(self) -> str:
        """The numbers of arguments as a person reads them: ``2``, ``1–2``, ``2+``, ``3, 5, 7``."""
        if self.most is None:
            return f"{self.least}, {self.least + self.step}, …" if self.step > 1 else f"{self.least}+"
        if self.step > 1:
            return ", ".join(str(count) for count in range(self.least, self.most + 1, self.step))
        return str(self.least) if self.least == self.most else f"{self.least}–{self.most}"


FUNCTIONS: dict[str, Function] = {}

CONTEXTUAL = frozenset({"position", "last", "string", "number", "string-length", "normalize-space", "once"})
"""Functions that, without arguments (``once`` always), look at the context node or its position."""


def nearest(name: str) -> str:
    """The known function whose name is most like ``name``, ``''`` if none is."""
    found = get_close_matches(name.casefold(), FUNCTIONS, n=1, cutoff=0.75)
    return found[0] if found else ""


# ── ways of defining ────────────────────────────────────────────────────────────────────────────────────────

_READ: dict[str, Callable[[Code], Callable[[Run, Node], Any]]] = {
    "t": as_text,
    "n": as_number,
    "b": as_truth,
    "v": as_leaf,
}
_KIND: dict[str, Any] = {"t": "text", "n": "number", "b": "truth", "v": "any"}


def _plain(name: str, signature: str, function: Callable[..., Any], least: int | None = None) -> None:
    """Define a function of its arguments alone: ``"tn-t"`` takes a text and a number and gives a text."""
    takes, gives = signature.split("-")

    def build(compiler: Compiler, tree: syntax.Call, base: Base) -> Code:
        codes = compiler.arguments(tree, base)
        reads = [_READ[letter](code) for letter, code in zip(takes, codes, strict=False)]
        kind = _KIND[gives]
        if len(reads) == 1:
            (one,) = reads
            return Code(kind, lambda r, n: function(one(r, n)))
        if len(reads) == 2:
            first, second = reads
            return Code(kind, lambda r, n: function(first(r, n), second(r, n)))
        return Code(kind, lambda r, n: function(*[read(r, n) for read in reads]))

    FUNCTIONS[name] = Function(len(takes) if least is None else least, len(takes), build)


def _special(name: str, least: int, most: int | None, step: int = 1) -> Callable[[Build], Build]:
    """Define a function by its own builder of closures."""

    def define(build: Build) -> Build:
        FUNCTIONS[name] = Function(least, most, build, step)
        return build

    return define


def _alias(name: str, known: str) -> None:
    FUNCTIONS[name] = FUNCTIONS[known]


# ── text ────────────────────────────────────────────────────────────────────────────────────────────────────


def _whole(number: float) -> int | None:
    """A number cut to an integer, None if it has none."""
    return int(number) if math.isfinite(number) else None


def _substr(text: str, start: float, end: float = math.inf) -> str:
    # ODK counts from 0; a blank start is the beginning, a blank end leaves nothing
    first = 0 if math.isnan(start) else int(max(-1e9, min(start, 1e9)))
    return "" if math.isnan(end) else text[first : _whole(end)]


def _substring(text: str, start: float, length: float | None = None) -> str:
    """XPath 1.0 §4.2: positions count from 1 and are rounded, the length too."""
    first = _round(start)
    end = math.inf if length is None else first + _round(length)
    return "".join(char for place, char in enumerate(text, start=1) if first <= place < end)


def _before(text: str, mark: str) -> str:
    head, found, _ = text.partition(mark) if mark else ("", "", "")
    return head if found else ""


def _after(text: str, mark: str) -> str:
    if not mark:
        return text
    return text.partition(mark)[2]


def _translate(text: str, old: str, new: str) -> str:
    table: dict[int, str | None] = {}
    for place, char in enumerate(old):
        table.setdefault(ord(char), new[place] if place < len(new) else None)
    return text.translate(table)


def _normalize(text: str) -> str:
    return _SPACES.sub(" ", text).strip(" ")


_SPACES = re.compile(r"[ \t\r\n]+")


def _digest(text: str, algorithm: str, encoding: str = "base64") -> str:
    name = _ALGORITHMS.get(algorithm)
    if name is None or encoding not in ("base64", "hex"):
        return ""
    digest = hashlib.new(name, text.encode(), usedforsecurity=False).digest()
    return digest.hex() if encoding == "hex" else base64.b64encode(digest).decode("ascii")


_ALGORITHMS = {"MD5": "md5", "SHA-1": "sha1", "SHA-256": "sha256", "SHA-384": "sha384", "SHA-512": "sha512"}


def _decoded(text: str) -> bytes | None:
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError):
        return None


def _decode(text: str) -> str:
    data = _decoded(text)
    return "" if data is None else data.decode("utf-8", errors="replace")


_plain("contains", "tt-b", lambda text, part: part in text)
_plain("starts-with", "tt-b", str.startswith)
_plain("ends-with", "tt-b", str.endswith)
_plain("substr", "tnn-t", _substr, least=2)
_plain("substring", "tnn-t", _substring, least=2)
_plain("substring-before", "tt-t", _before)
_plain("substring-after", "tt-t", _after)
_plain("translate", "ttt-t", _translate)
_plain("base64-decode", "t-t", _decode)


@_special("extract-signed", 2, 2)
def _extract_signed(compiler: Compiler, tree: syntax.Call, base: Base) -> Code:
    text, key = (as_text(code) for code in compiler.arguments(tree, base))

    def extract(r: Run, n: Node) -> str:
        data, public = _decoded(text(r, n)), _decoded(key(r, n))
        if data is None or public is None or len(data) < 64:
            return ""
        signature, message = data[:64], data[64:]
        return message.decode("utf-8", errors="replace") if r.scope.signed(message, signature, public) else ""

    return Code("text", extract)


def _of_context(name: str, kind: str, convert: Callable[[Code], Callable[[Run, Node], Any]]) -> None:
    """Define a conversion that without an argument reads the context node."""

    def build(compiler: Compiler, tree: syntax.Call, base: Base) -> Code:
        if tree.arguments:
            code = compiler.compile(tree.arguments[0], base)
        else:
            code = Code("nodes", lambda r, n: [n], first=lambda r, n: n)
            compiler.note(base)
        return Code(_KIND[kind], convert(code))

    FUNCTIONS[name] = Function(0, 1, build)


def _then(read: Callable[[Code], Callable[[Run, Node], Any]], function: Callable[[Any], Any]) -> Any:
    def convert(code: Code) -> Callable[[Run, Node], Any]:
        value = read(code)
        return lambda r, n: function(value(r, n))

    return convert


_of_context("string", "t", as_text)
_of_context("number", "n", as_number)
_of_context("string-length", "n", _then(as_text, lambda text: float(len(text))))
_of_context("normalize-space", "t", _then(as_text, _normalize))


def _texts(codes: Sequence[Code]) -> Callable[[Run, Node], Iterator[str]]:
    """All arguments as texts, node-sets node by node."""
    reads = [(code.kind in ("nodes", "any"), code.run) for code in codes]

    def texts(r: Run, n: Node) -> Iterator[str]:
        for many, run in reads:
            value = run(r, n)
            if many and isinstance(value, list):
                r.spend(len(value))
                for node in value:
                    text = node_string(node)
                    r.spend(len(text) >> 5)
                    yield text
            else:
                text = to_string(value)
                r.spend(len(text) >> 5)
                yield text

    return texts


@_special("concat", 0, None)
def _concat(compiler: Compiler, tree: syntax.Call, base: Base) -> Code:
    texts = _texts(compiler.arguments(tree, base))
    return Code("text", lambda r, n: "".join(texts(r, n)))


@_special("join", 1, None)
def _join(compiler: Compiler, tree: syntax.Call, base: Base) -> Code:
    glue, *rest = compiler.arguments(tree, base)
    between, texts = as_text(glue), _texts(rest)

    def join(r: Run, n: Node) -> str:
        mark = between(r, n)
        parts = list(texts(r, n))
        r.spend(len(parts) * len(mark) >> 5)
        return mark.join(parts)

    return Code("text", join)


@_special("digest", 2, 3)
def _build_digest(compiler: Compiler, tree: syntax.Call, base: Base) -> Code:
    reads = compiler.arguments(tree, base)
    for code, known in zip(reads[1:], (_ALGORITHMS, ("base64", "hex")), strict=False):
        if code.constant is not None and code.constant not in known:
            raise ExpressionError(
                "bad_argument",
                tree.position,
                function=tree.name,
                value=code.constant,
                allowed=", ".join(known),
            )
    texts = [as_text(code) for code in reads]
    return Code("text", lambda r, n: _digest(*[text(r, n) for text in texts]))


_TOKEN_LIMIT = 1_000
_HEX = "0123456789abcdef"
_ALPHANUMERIC = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"


@_special("uuid", 0, 1)
def _uuid(compiler: Compiler, tree: syntax.Call, base: Base) -> Code:
    codes = compiler.arguments(tree, base)

    def draw(r: Run, alphabet: str, count: int) -> str:
        return "".join(alphabet[int(r.scope.rng() * len(alphabet))] for _ in range(count))

    def uuid4(r: Run, n: Node) -> str:
        digits = draw(r, _HEX, 30)
        variant = draw(r, "89ab", 1)
        return f"{digits[:8]}-{digits[8:12]}-4{digits[12:15]}-{variant}{digits[15:18]}-{digits[18:30]}"

    if not codes:
        return Code("text", uuid4)
    length = as_number(codes[0])

    def token(r: Run, n: Node) -> str:
        count = _whole(length(r, n)) or 0
        if count > _TOKEN_LIMIT:
            raise ExpressionError("too_much_work", limit=_TOKEN_LIMIT)
        return draw(r, _ALPHANUMERIC, max(count, 0))

    return Code("text", token)


# ── yes and no ──────────────────────────────────────────────────────────────────────────────────────────────

_plain("boolean", "b-b", lambda truth: truth)
_plain("not", "b-b", lambda truth: not truth)
_plain("boolean-from-string", "t-b", lambda text: text in ("true", "1"))


@_special("true", 0, 0)
def _true(compiler: Compiler, tree: syntax.Call, base: Base) -> Code:
    return constant(True)


@_special("false", 0, 0)
def _false(compiler: Compiler, tree: syntax.Call, base: Base) -> Code:
    return constant(False)


@_special("if", 3, 3)
def _if(compiler: Compiler, tree: syntax.Call, base: Base) -> Code:
    condition, yes, no = compiler.arguments(tree, base)
    test, a, b = as_truth(condition), yes.run, no.run
    kind = yes.kind if yes.kind == no.kind else "any"
    there = yes.exists or _nothing, no.exists or _nothing
    return Code(
        kind,
        lambda r, n: a(r, n) if test(r, n) else b(r, n),
        exists=lambda r, n: there[0](r, n) if test(r, n) else there[1](r, n),
    )


def _nothing(r: Run, n: Node) -> bool:
    return False


def _blank(value: Leaf) -> bool:
    return value == "" or value != value


@_special("coalesce", 2, 2)
def _coalesce(compiler: Compiler, tree: syntax.Call, base: Base) -> Code:
    first, second = (as_leaf(code) for code in compiler.arguments(tree, base))

    def coalesce(r: Run, n: Node) -> Leaf:
        value = first(r, n)
        return second(r, n) if _blank(value) else value

    return Code("any", coalesce)


@_special("once", 1, 1)
def _once(compiler: Compiler, tree: syntax.Call, base: Base) -> Code:
    # reads its own node: not a reference, or every once() would depend on itself
    (code,) = compiler.arguments(tree, base)
    value = as_leaf(code)
    own = as_leaf(Code("nodes", lambda r, n: [n], first=lambda r, n: n))

    def once(r: Run, n: Node) -> Leaf:
        kept = own(r, n)
        return value(r, n) if _blank(kept) else kept

    return Code("any", once)


@_special("regex", 2, 2)
def _regex(compiler: Compiler, tree: syntax.Call, base: Base) -> Code:
    code, wanted = compiler.arguments(tree, base)
    text, pattern = as_text(code), as_text(wanted)
    if wanted.constant is not None:
        written = to_string(wanted.constant)
        wrong = patterns.fault(written)
        if wrong is not None:
            raise ExpressionError("bad_regex", tree.position, pattern=written, reason=wrong)
        ready = patterns.translate(written)

        def match(r: Run, n: Node) -> bool:
            r.spend(_MATCH_COST)
            return r.scope.match(ready, text(r, n))

        return Code("truth", match)

    def match_computed(r: Run, n: Node) -> bool:
        r.spend(_MATCH_COST)
        written = pattern(r, n)
        if len(written) > syntax.LENGTH_LIMIT or patterns.fault(written) is not None:
            return False
        return r.scope.match(patterns.translate(written), text(r, n))

    return Code("truth", match_computed)


_MATCH_COST = 100


@_special("checklist", 2, None)
def _checklist(compiler: Compiler, tree: syntax.Call, base: Base) -> Code:
    low, high, *rest = compiler.arguments(tree, base)
    least, most = as_number(low), as_number(high)
    factors = [as_leaves(code) for code in rest]

    def checklist(r: Run, n: Node) -> bool:
        count = sum(to_boolean(leaf) for leaves in factors for leaf in leaves(r, n))
        lower, upper = least(r, n), most(r, n)
        return not (lower >= 0 and count < lower) and not (upper >= 0 and count > upper)

    return Code("truth", checklist)


@_special("weighted-checklist", 4, None, step=2)
def _weighted_checklist(compiler: Compiler, tree: syntax.Call, base: Base) -> Code:
    low, high, *rest = compiler.arguments(tree, base)
    least, most = as_number(low), as_number(high)
    pairs = [(as_leaves(rest[i]), as_leaves(rest[i + 1])) for i in range(0, len(rest), 2)]

    def weighted(r: Run, n: Node) -> bool:
        total = 0.0
        for factors, weights in pairs:
            for factor, weight in zip(factors(r, n), weights(r, n), strict=False):
                if to_boolean(factor):
                    total += to_number(weight, r.zone)
        lower, upper = least(r, n), most(r, n)
        return not (lower >= 0 and total < lower) and not (upper >= 0 and total > upper)

    return Code("truth", weighted)


# ── numbers ─────────────────────────────────────────────────────────────────────────────────────────────────


def _round(number: float, places: float = 0.0) -> float:
    """Half up, toward +∞ (XPath 1.0 §4.4), on the decimal digits as written: ``round(1.005, 2)`` is 1.01."""
    digits = _whole(places)
    if math.isnan(number) or math.isinf(number):
        return number
    if digits is None or abs(digits) > 30:
        return NAN
    rounding = ROUND_HALF_DOWN if number < 0 else ROUND_HALF_UP
    scaled = Decimal(repr(number)).scaleb(digits)
    if scaled.adjusted() > 20:  # no digit is left to round
        return number
    return float(scaled.quantize(Decimal(1), rounding).scaleb(-digits))


def _int(number: float) -> float:
    return float(math.trunc(number)) if math.isfinite(number) else number


def _floor(number: float) -> float:
    return float(math.floor(number)) if math.isfinite(number) else number


def _ceiling(number: float) -> float:
    return float(math.ceil(number)) if math.isfinite(number) else number


def _real(function: Callable[..., float]) -> Callable[..., float]:
    """``function`` with IEEE 754 answers where Python raises: NaN off its domain, infinity past its range."""

    def safe(*numbers: float) -> float:
        try:
            return function(*numbers)
        except ValueError:
            return NAN
        except OverflowError:
            return math.inf

    return safe


def _pow(a: float, b: float) -> float:
    try:
        return math.pow(a, b)
    except ValueError:
        # zero to a negative power
        return math.copysign(math.inf, a) if a == 0 and b % 2 == 1 else math.inf if a == 0 else NAN
    except OverflowError:
        return -math.inf if a < 0 and b % 2 == 1 else math.inf


def _log(base: Callable[[float], float]) -> Callable[[float], float]:
    return lambda number: -math.inf if number == 0 else _real(base)(number)


_plain("int", "n-n", _int)
_plain("round", "nn-n", _round, least=1)
_plain("floor", "n-n", _floor)
_plain("ceiling", "n-n", _ceiling)
_plain("abs", "n-n", abs)
_plain("pow", "nn-n", _pow)
_plain("exp", "n-n", _real(math.exp))
_plain("exp10", "n-n", lambda number: _pow(10.0, number))
_plain("log", "n-n", _log(math.log))
_plain("log10", "n-n", _log(math.log10))
_plain("sqrt", "n-n", _real(math.sqrt))
for _name in ("sin", "cos", "tan", "asin", "acos", "atan"):
    _plain(_name, "n-n", _real(getattr(math, _name)))
_plain("atan2", "nn-n", math.atan2)


@_special("pi", 0, 0)
def _pi(compiler: Compiler, tree: syntax.Call, base: Base) -> Code:
    return constant(math.pi)


@_special("random", 0, 0)
def _random(compiler: Compiler, tree: syntax.Call, base: Base) -> Code:
    return Code("number", lambda r, n: r.scope.rng())


def _numbers(codes: Sequence[Code]) -> Callable[[Run, Node], list[float]]:
    """All arguments as numbers, node by node; blanks and what is no number left out."""
    reads = [as_leaves(code) for code in codes]

    def numbers(r: Run, n: Node) -> list[float]:
        found = [to_number(leaf, r.zone) for leaves in reads for leaf in leaves(r, n)]
        return [number for number in found if number == number]

    return numbers


@_special("sum", 1, 1)
def _sum(compiler: Compiler, tree: syntax.Call, base: Base) -> Code:
    codes = compiler.arguments(tree, base)
    as_nodes(codes[0], tree.name, tree.position)
    numbers = _numbers(codes)
    return Code("number", lambda r, n: float(sum(numbers(r, n))))


@_special("max", 1, None)
def _max(compiler: Compiler, tree: syntax.Call, base: Base) -> Code:
    numbers = _numbers(compiler.arguments(tree, base))
    return Code("number", lambda r, n: max(numbers(r, n), default=NAN))


@_special("min", 1, None)
def _min(compiler: Compiler, tree: syntax.Call, base: Base) -> Code:
    numbers = _numbers(compiler.arguments(tree, base))
    return Code("number", lambda r, n: min(numbers(r, n), default=NAN))


# ── node-sets ───────────────────────────────────────────────────────────────────────────────────────────────


@_special("count", 1, 1)
def _count(compiler: Compiler, tree: syntax.Call, base: Base) -> Code:
    nodes = as_nodes(compiler.arguments(tree, base)[0], tree.name, tree.position)
    return Code("number", lambda r, n: float(len(nodes(r, n))))


@_special("count-non-empty", 1, 1)
def _count_non_empty(compiler: Compiler, tree: syntax.Call, base: Base) -> Code:
    nodes = as_nodes(compiler.arguments(tree, base)[0], tree.name, tree.position)
    return Code(
        "number", lambda r, n: float(sum(bool(node.children) or node.value != "" for node in nodes(r, n)))
    )


@_special("position", 0, 1)
def _position(compiler: Compiler, tree: syntax.Call, base: Base) -> Code:
    if not tree.arguments:
        return Code("number", lambda r, n: float(r.position or n.instance))
    # where a node stands does not depend on its value: a node may ask for its own place
    before = dict(compiler.references)
    code = compiler.compile(tree.arguments[0], base)
    nodes = as_nodes(code, tree.name, tree.position)
    if code.base is not None:
        own = "/" + "/".join(code.base[1:])
        if own not in before:
            compiler.references.pop(own, None)

    def position(r: Run, n: Node) -> float:
        found = nodes(r, n)
        return float(found[0].instance) if found else NAN

    return Code("number", position)


@_special("last", 0, 0)
def _last(compiler: Compiler, tree: syntax.Call, base: Base) -> Code:
    return Code("number", lambda r, n: float(r.size or 1))


@_special("current", 0, 0)
def _current(compiler: Compiler, tree: syntax.Call, base: Base) -> Code:
    turn = len(compiler.owner) if compiler.owner is not None else 1
    return Code(
        "nodes", lambda r, n: [r.current], base=compiler.owner, first=lambda r, n: r.current, turn=turn
    )


@_special("instance", 1, 1)
def _instance(compiler: Compiler, tree: syntax.Call, base: Base) -> Code:
    (code,) = compiler.arguments(tree, base)
    name = as_text(code)

    def nodes(r: Run, n: Node) -> list[Node]:
        table = r.table(name(r, n))
        return [] if table is None else [table.document]

    if isinstance(code.constant, str):
        compiler.instances.add(code.constant)
        return Code("nodes", nodes, base=(code.constant,))
    return Code("nodes", nodes)


@_special("randomize", 1, 2)
def _randomize(compiler: Compiler, tree: syntax.Call, base: Base) -> Code:
    code, *rest = compiler.arguments(tree, base)
    nodes = as_nodes(code, tree.name, tree.position)
    seed = as_leaf(rest[0]) if rest else None

    def shuffled(r: Run, n: Node) -> list[Node]:
        found = nodes(r, n)
        r.spend(len(found))
        return shuffle(found, r.scope.rng) if seed is None else seeded(found, seed(r, n))

    return Code("nodes", shuffled, base=code.base, turn=code.turn)


_T = TypeVar("_T")


def shuffle(nodes: Sequence[_T], rng: Callable[[], float]) -> list[_T]:
    """Fisher–Yates, inside out, as ODK's engines do it: the same seed gives the same order everywhere."""
    out: list[_T] = []
    for place, node in enumerate(nodes):
        other = int(rng() * (place + 1))
        out.append(node)
        if other != place:
            out[place], out[other] = out[other], node
    return out


def seeded(things: Sequence[_T], seed: Leaf) -> list[_T]:
    """``things`` in the order that ``randomize()`` gives a node-set of them with this seed."""
    return shuffle(things, park_miller(seed_number(seed)))


def park_miller(seed: int) -> Callable[[], float]:
    """The minimal standard generator (Park and Miller 1988: 16807, 2³¹ − 1) behind ODK's ``randomize()``."""
    state = int(math.copysign(1, seed)) * (abs(seed) % 2_147_483_647)
    if state <= 0:
        state += 2_147_483_646

    def draw() -> float:
        nonlocal state
        state = state * 16_807 % 2_147_483_647
        return (state - 1) / 2_147_483_646

    return draw


def seed_number(seed: Leaf) -> int:
    """The seed as ODK makes it an integer: numbers cut, text by the first 64 bits of its SHA-256, blank 0."""
    number = to_number(seed)
    if math.isinf(number):
        return 2**63 - 1 if number > 0 else -(2**63)
    if number == number:
        return int(number)
    if not isinstance(seed, str) or seed == "":
        return 0
    return int.from_bytes(hashlib.sha256(seed.encode()).digest()[:8], "big", signed=True)


@_special("indexed-repeat", 3, 11, step=2)
def _indexed_repeat(compiler: Compiler, tree: syntax.Call, base: Base) -> Code:
    target = _names(compiler, tree, tree.arguments[0], base)
    picks: dict[int, Callable[[Run, Node], float]] = {}
    for repeat, index in zip(tree.arguments[1::2], tree.arguments[2::2], strict=True):
        path = _names(compiler, tree, repeat, base)
        if len(path) >= len(target) or target[: len(path)] != path:
            raise ExpressionError("not_inside", tree.position, repeat="/".join(path), target="/".join(target))
        picks[len(path) - 1] = as_number(compiler.compile(index, base))
    outer = compiler.turn
    # up to the first repeat whose instance is picked, it stays in the instances around it
    turn = compiler.turn = min(outer, *picks)
    compiler.note(target)
    compiler.turn = outer

    def nodes(r: Run, n: Node) -> list[Node]:
        around: list[Node] = []
        here: Node | None = r.current
        while here is not None:
            around.append(here)
            here = here.parent
        around.reverse()
        found = [r.root]
        for depth, name in enumerate(target[1:], start=1):
            kids = [kid for node in found for kid in node.named(name)]
            r.spend(1 + len(kids))
            if depth in picks:
                index = _whole(picks[depth](r, n))
                kids = [kid for kid in kids if kid.instance == index]
            elif len(kids) > 1 and depth < len(around) and around[depth] in kids:
                kids = [around[depth]]  # an enclosing repeat that is not indexed: the one this node stands in
            found = [kid for kid in kids if kid.relevant]
        return found

    return Code("nodes", nodes, base=target, turn=turn)


def _names(compiler: Compiler, call: syntax.Call, tree: syntax.Tree, base: Base) -> tuple[str, ...]:
    """The absolute path that an argument of ``indexed-repeat`` names."""
    quiet = type(compiler)(compiler.owner)
    found = quiet.compile(tree, base).base if isinstance(tree, syntax.Path) else None
    if found is None or found[0] != "":
        raise ExpressionError("needs_nodes", call.position, function=call.name)
    return found


# ── selects ─────────────────────────────────────────────────────────────────────────────────────────────────


@_special("selected", 2, 2)
def _selected(compiler: Compiler, tree: syntax.Call, base: Base) -> Code:
    code, wanted = compiler.arguments(tree, base)
    chosen, needle = as_text(code), as_text(wanted)
    if wanted.constant is not None:
        name = to_string(wanted.constant).strip()

        def selected_name(r: Run, n: Node) -> bool:
            value = chosen(r, n)
            return value == name or (name in value and name in value.split())

        return Code("truth", selected_name)

    def selected(r: Run, n: Node) -> bool:
        value, name = chosen(r, n), needle(r, n).strip()
        return value == name or name in value.split()

    return Code("truth", selected)


_alias("is-selected", "selected")


def _selected_at(text: str, index: float) -> str:
    names, place = text.split(), _whole(index)
    return names[place] if place is not None and 0 <= place < len(names) else ""


_plain("selected-at", "tn-t", _selected_at)
_plain("count-selected", "t-n", lambda text: float(len(text.split())))


@_special("jr:choice-name", 2, 2)
def _choice_name(compiler: Compiler, tree: syntax.Call, base: Base) -> Code:
    value, question = compiler.arguments(tree, base)
    name = as_text(value)
    if isinstance(question.constant, str):
        question = _quoted(compiler, question.constant, base) or question
    if question.kind == "nodes" and question.base and question.base[0] == "":
        ref = as_text(constant("/" + "/".join(question.base[1:])))
    else:
        ref = as_text(question)
    return Code("text", lambda r, n: r.scope.labels(ref(r, n).strip(), name(r, n).strip(), r.scope.language))


def _quoted(compiler: Compiler, path: str, base: Base) -> Code | None:
    """The path that a text spells out; relative ones stand there too, where a question is in a repeat."""
    try:
        tree = syntax.read(path)
    except ExpressionError:
        return None
    return compiler.compile(tree, base) if isinstance(tree, syntax.Path) else None


@_special("jr:itext", 1, 1)
def _itext(compiler: Compiler, tree: syntax.Call, base: Base) -> Code:
    key = as_text(compiler.arguments(tree, base)[0])
    return Code("text", lambda r, n: r.scope.texts(key(r, n), r.scope.language))


@_special("pulldata", 4, 4)
def _pulldata(compiler: Compiler, tree: syntax.Call, base: Base) -> Code:
    codes = compiler.arguments(tree, base)
    table_name, column, key_column, key = (as_text(code) for code in codes)
    table, *columns = (code.constant for code in codes[:3])
    if isinstance(table, str):
        compiler.instances.add(table.removesuffix(".csv"))
        compiler.columns |= {(table.removesuffix(".csv"), name) for name in columns if isinstance(name, str)}

    def pulldata(r: Run, n: Node) -> str:
        rows = r.table(table_name(r, n).removesuffix(".csv"))
        if rows is None:
            return ""
        found = rows.where(key_column(r, n), key(r, n))
        cells = found[0].named(column(r, n)) if found else ()
        return to_string(cells[0].value) if cells else ""

    return Code("text", pulldata)


# ── dates ───────────────────────────────────────────────────────────────────────────────────────────────────


@_special("today", 0, 0)
def _today(compiler: Compiler, tree: syntax.Call, base: Base) -> Code:
    return Code("text", lambda r, n: r.scope.now.date().isoformat())


@_special("now", 0, 0)
def _now(compiler: Compiler, tree: syntax.Call, base: Base) -> Code:
    return Code("text", lambda r, n: show_moment(r.scope.now))


def _moment(r: Run, value: Leaf) -> date | datetime | None:
    """The date or moment that a value is: ISO text, or a number of days."""
    if isinstance(value, str):
        return parse_moment(value.strip(), r.zone)
    return None if isinstance(value, bool) else from_days(value, r.zone)


_DATED = frozenset({"now", "today", "date", "date-time"})


@_special("date", 1, 1)
def _date(compiler: Compiler, tree: syntax.Call, base: Base) -> Code:
    (argument,) = tree.arguments
    (code,) = compiler.arguments(tree, base)
    value, first = as_leaf(code), code.first
    # A value of a date type loses its time; a text keeps the time it spells out (as JavaRosa does)
    dated = isinstance(argument, syntax.Call) and argument.name in _DATED

    def day(r: Run, n: Node) -> str:
        leaf = value(r, n)
        if isinstance(leaf, float):
            leaf = _floor(leaf)
        moment = _moment(r, leaf)
        if moment is None:
            return ""
        node = first(r, n) if first is not None else None
        if dated or (node is not None and node.type in ("date", "dateTime")):
            return local_date(moment, r.zone).isoformat()
        return show_day_or_moment(moment, r.zone)

    return Code("text", day)


@_special("date-time", 1, 1)
def _date_time(compiler: Compiler, tree: syntax.Call, base: Base) -> Code:
    value = as_leaf(compiler.arguments(tree, base)[0])

    def date_time(r: Run, n: Node) -> str:
        moment = _moment(r, value(r, n))
        return "" if moment is None else show_day_or_moment(moment, r.zone)

    return Code("text", date_time)


def _format(name: str) -> None:
    @_special(name, 2, 2)
    def build(compiler: Compiler, tree: syntax.Call, base: Base) -> Code:
        code, wanted = compiler.arguments(tree, base)
        value, pattern = as_leaf(code), as_text(wanted)
        if wanted.constant is not None:
            unknown = unknown_escape(to_string(wanted.constant))
            if unknown is not None:
                raise ExpressionError("bad_format", tree.position, function=name, escape=unknown)

        def write(r: Run, n: Node) -> str:
            moment = _moment(r, value(r, n))
            if moment is None:
                return ""
            return format_moment(midnight(moment, r.zone), pattern(r, n), r.scope.language)

        return Code("text", write)


_format("format-date")
_format("format-date-time")


@_special("decimal-date-time", 1, 1)
def _decimal_date_time(compiler: Compiler, tree: syntax.Call, base: Base) -> Code:
    value = as_leaf(compiler.arguments(tree, base)[0])

    def decimal(r: Run, n: Node) -> float:
        leaf = value(r, n)
        if isinstance(leaf, float):
            return leaf
        moment = _moment(r, leaf)
        return NAN if moment is None else days(midnight(moment, r.zone))

    return Code("number", decimal)


@_special("decimal-time", 1, 1)
def _decimal_time(compiler: Compiler, tree: syntax.Call, base: Base) -> Code:
    value = as_leaf(compiler.arguments(tree, base)[0])

    def decimal(r: Run, n: Node) -> float:
        leaf = value(r, n)
        if isinstance(leaf, float):
            return leaf - math.floor(leaf) if math.isfinite(leaf) else NAN
        moment = _moment(r, leaf)
        if moment is None and isinstance(leaf, str):
            moment = parse_time(leaf.strip(), r.scope.now.date(), r.zone)
        if moment is None:
            return NAN
        local = midnight(moment, r.zone)
        return (local.hour * 3600 + local.minute * 60 + local.second + local.microsecond / 1e6) / 86_400

    return Code("number", decimal)


# ── places ──────────────────────────────────────────────────────────────────────────────────────────────────


def _points(codes: Sequence[Code]) -> Callable[[Run, Node], list[geography.Point] | None]:
    """The points of all arguments together; None where a text is none."""
    texts = _texts(codes)

    def points(r: Run, n: Node) -> list[geography.Point] | None:
        found: list[geography.Point] = []
        for text in texts(r, n):
            more = geography.points(text)
            if more is None:
                return None
            found += more
        r.spend(len(found))
        return found

    return points


def _measure(name: str, most: int | None, function: Callable[[Sequence[geography.Point]], float]) -> None:
    @_special(name, 1, most)
    def build(compiler: Compiler, tree: syntax.Call, base: Base) -> Code:
        points = _points(compiler.arguments(tree, base))

        def measure(r: Run, n: Node) -> float:
            found = points(r, n)
            return NAN if found is None else function(found)

        return Code("number", measure)


_measure("area", 1, geography.area)
_measure("distance", None, geography.distance)


@_special("geofence", 2, 2)
def _geofence(compiler: Compiler, tree: syntax.Call, base: Base) -> Code:
    place, fence = (_points([code]) for code in compiler.arguments(tree, base))

    def inside(r: Run, n: Node) -> bool:
        here, around = place(r, n), fence(r, n)
        return bool(here and around) and geography.inside(here[0], around)  # type: ignore[index, arg-type]

    return Code("truth", inside)


@_special("intersects", 1, 1)
def _intersects(compiler: Compiler, tree: syntax.Call, base: Base) -> Code:
    points = _points(compiler.arguments(tree, base))

    def crosses(r: Run, n: Node) -> bool:
        found = points(r, n) or []
        r.spend(len(found) ** 2)
        return geography.crosses_itself(found)

    return Code("truth", crosses)
