"""What an expression reads: the tree of answers, tables of choices, and all else an evaluation may see."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import overload

Leaf = str | float | bool
"""A value in the tree: text (ISO dates too), a number, or a calculated yes/no; ``''`` is blank."""


class Node:
    """An element of the instance: a group, one instance of a repeat, or a leaf with a value.

    ``type`` is the bind type (``string int decimal date dateTime time boolean select1 select geopoint``), or
    ``group``, ``repeat``, ``root``. ``relevant`` is the node's own flag: a node counts only when its
    ancestors are relevant too. ``instance`` is its 1-based place among the siblings of the same name.

    Add and remove children with :meth:`add` and :meth:`remove`: the look-up by name notices a changed
    *number* of children by itself, but not one child put in place of another.
    """

    __slots__ = ("by_name", "children", "counted", "instance", "name", "parent", "relevant", "type", "value")

    def __init__(
        self,
        name: str,
        value: Leaf = "",
        type: str = "string",
        *,
        parent: Node | None = None,
        relevant: bool = True,
        instance: int = 1,
    ) -> None:
        self.name = name
        self.parent: Node | None = None
        self.children: list[Node] = []
        self.value: Leaf = value
        self.type = type
        self.relevant = relevant
        self.instance = instance
        self.by_name: dict[str, list[Node]] = {}
        self.counted = 0
        if parent is not None:
            parent.add(self)

    def __repr__(self) -> str:
        return f"Node({self.path()!r}, {self.value!r}, {self.type!r})"

    def add(self, child: Node, index: int | None = None) -> Node:
        """Make ``child`` the last child, or the one at ``index``; returns ``child``."""
        child.parent = self
        if index is None:
            self.children.append(child)
        else:
            self.children.insert(index, child)
        self.counted = -1
        return child

    def remove(self, child: Node) -> None:
        """Take ``child`` out of the tree."""
        self.children.remove(child)
        child.parent = None
        self.counted = -1

    def named(self, name: str) -> Sequence[Node]:
        """Children called ``name`` in order, non-relevant ones too."""
        if self.counted != len(self.children):
            self.index()
        return self.by_name.get(name, ())

    def index(self) -> None:
        """Build ``by_name``, the look-up of children; it holds while there are ``counted`` children."""
        by_name: dict[str, list[Node]] = {}
        for child in self.children:
            by_name.setdefault(child.name, []).append(child)
        self.by_name = by_name
        self.counted = len(self.children)

    def is_relevant(self) -> bool:
        """Whether the node and all its ancestors are relevant."""
        node: Node | None = self
        while node is not None:
            if not node.relevant:
                return False
            node = node.parent
        return True

    def path(self) -> str:
        """The absolute path without instance numbers: ``/data/member/age``."""
        names = []
        node: Node | None = self
        while node is not None and node.parent is not None:
            names.append(node.name)
            node = node.parent
        return "/" + "/".join(reversed(names))


class Table(Sequence[Mapping[str, str]]):
    """A secondary instance (choice list, CSV file): rows of column → value.

    Any sequence of rows may stand in :attr:`Scope.instances`; a ``Table`` made once per form spares building
    the rows' nodes and the look-up by column anew for every evaluation. The rows must not change afterwards.
    """

    __slots__ = ("_columns", "_document", "rows")

    def __init__(self, rows: Sequence[Mapping[str, str]]) -> None:
        self.rows = tuple(rows)
        self._document: Node | None = None
        self._columns: dict[str, dict[str, list[Node]]] = {}

    @overload
    def __getitem__(self, index: int) -> Mapping[str, str]: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Mapping[str, str]]: ...
    def __getitem__(self, index: int | slice) -> Mapping[str, str] | Sequence[Mapping[str, str]]:
        return self.rows[index]

    def __len__(self) -> int:
        return len(self.rows)

    def __iter__(self) -> Iterator[Mapping[str, str]]:
        return iter(self.rows)

    @property
    def document(self) -> Node:
        """The document ``/root/item/column`` of ``instance('id')``; row *n* is the item of instance n + 1."""
        if self._document is None:
            document = Node("", type="root")
            root = Node("root", type="group", parent=document)
            for number, row in enumerate(self.rows, start=1):
                item = Node("item", type="group", parent=root, instance=number)
                for column, value in row.items():
                    Node(column, value, parent=item)
            self._document = document
        return self._document

    @property
    def items(self) -> Sequence[Node]:
        """The rows as nodes, in order."""
        return self.document.children[0].children

    def where(self, column: str, value: str) -> Sequence[Node]:
        """The rows (as nodes) whose ``column`` is exactly ``value``, in order."""
        index = self._columns.get(column)
        if index is None:
            index = {}
            for item in self.items:
                for cell in item.named(column):
                    index.setdefault(str(cell.value), []).append(item)
            self._columns[column] = index
        return index.get(value, ())


def no_label(ref: str, value: str, language: str) -> str:
    """The answer of a scope without labels: none."""
    return ""


def no_text(key: str, language: str) -> str:
    """The answer of a scope without translations: none."""
    return ""


def not_signed(message: bytes, signature: bytes, key: bytes) -> bool:
    """The answer of a scope that can't verify signatures: no."""
    return False


@dataclass(slots=True)
class Scope:
    """All that an evaluation may see. One scope may serve many evaluations: set ``node`` in between.

    ``node`` is the context (``.``, the start of relative paths; of a constraint the node that already holds
    the candidate), ``root`` the document whose child is the form's root element. ``now`` is aware, in the
    time zone of the deployment. ``rng`` returns a number in [0, 1). ``match(pattern, text)`` is a
    time-limited full match. ``labels(ref, value, language)`` answers ``jr:choice-name``, ``texts(key,
    language)`` ``jr:itext``, ``signed(message, signature, key)`` (Ed25519) ``extract-signed``. ``current`` is
    what ``current()`` means where ``node`` is a row of a choice list; by default ``node``. ``spent`` is the
    work that evaluations took beyond what each has free: set it back to 0 when a new message comes.
    """

    node: Node
    root: Node
    now: datetime
    rng: Callable[[], float]
    match: Callable[[str, str], bool]
    instances: Mapping[str, Sequence[Mapping[str, str]]] = field(default_factory=dict)
    language: str = ""
    labels: Callable[[str, str, str], str] = no_label
    texts: Callable[[str, str], str] = no_text
    signed: Callable[[bytes, bytes, bytes], bool] = not_signed
    current: Node | None = None
    spent: int = 0
