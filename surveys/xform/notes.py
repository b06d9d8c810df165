"""What one reading of a form notes down: findings with their places, and every expression it met."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from surveys.expressions import Expression, ExpressionError, parse
from surveys.xform.document import LAST_SAVED, XF, Document, bracketed
from surveys.xform.findings import Finding, Row, Severity

SETTINGS = Row("settings", 2)
"""Where the values of the sheet ``settings`` stand."""

_GENERATED_LABELS = re.compile(r"(?:generated_table_list_label|reserved_name_for_field_list_labels)_(\d+)")
_CHOICE_LABEL = re.compile(
    r"(instance\(\s*['\"]([^'\"]+)['\"]\s*\)/root/item\s*\[.*\])\s*/\s*itextId", re.DOTALL
)
_REFUSED_FUNCTIONS = frozenset({"jr:itext", "search"})


@dataclass(frozen=True, slots=True)
class Use:
    """An expression of the form: whose it is, and where it stands."""

    owner: str
    column: str
    place: Row
    expression: Expression


@dataclass(slots=True)
class Notes:
    """One reading of ``document``: ``rows`` place its references, all else is what was found so far.

    ``asked`` are the references a person may be asked for.
    """

    document: Document
    rows: Mapping[str, Row]
    errors: list[Finding] = field(default_factory=list)
    warnings: list[Finding] = field(default_factory=list)
    uses: list[Use] = field(default_factory=list)
    asked: set[str] = field(default_factory=set)
    tables_used: dict[str, tuple[Row, str]] = field(default_factory=dict)
    """Secondary instances that something reads, and where that is first said."""
    _parsed: dict[tuple[str, str, str | None], Expression] = field(default_factory=dict)
    _by_name: dict[str, Row | None] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for ref, row in self.rows.items():
            name = ref.rpartition("/")[2]
            self._by_name[name] = None if name in self._by_name else row

    def error(self, code: str, place: Row, column: str = "", /, **params: object) -> None:
        """Note something that keeps the form from being asked."""
        self.errors.append(Finding(code, place.sheet, place.row, column, params))

    def warn(self, code: str, place: Row, column: str = "", /, **params: object) -> None:
        """Note something doubtful."""
        self.warnings.append(Finding(code, place.sheet, place.row, column, params, Severity.WARNING))

    def place(self, ref: str) -> Row:
        """The row of a reference, or of what a converter added it for; else the nearest group's.

        Where a converter put the node elsewhere (flattened groups, the ``meta`` block) its name tells.
        """
        if ref not in self.rows and (named := self._by_name.get(ref.rpartition("/")[2])):
            return named
        while ref:
            name = ref.rpartition("/")[2]
            if ref in self.rows:
                return self.rows[ref]
            for ending in ("_other", "_count"):
                if name.endswith(ending) and ref.removesuffix(ending) in self.rows:
                    return self.rows[ref.removesuffix(ending)]
            if numbered := _GENERATED_LABELS.fullmatch(name):
                return Row("survey", int(numbered[1]))
            if name in ("instanceName", "instanceID"):
                return SETTINGS
            ref = ref.rpartition("/")[0]
        return Row("survey", 0)

    def is_count(self, ref: str) -> bool:
        """Whether a converter made the node at ``ref`` to hold a repeat's count."""
        repeat = ref.removesuffix("_count")
        return ref not in self.rows and repeat != ref and repeat in self.document.repeats

    def expression(
        self,
        source: str | None,
        owner: str,
        column: str,
        place: Row | None = None,
        table: str | None = None,
    ) -> Expression | None:
        """Parse one expression of ``owner`` (or a filter of the list ``table``); a fault is noted at
        ``column`` and gives ``None``, as does nothing to parse.
        """
        source = (source or "").strip()
        if not source:
            return None
        place = place or self.place(owner)
        if "jr:itext(" in source:
            source = self._named_choices(source)
        expression = self._parsed.get((source, owner, table))
        if expression is None:
            try:
                expression = parse(source, owner=owner, table=table)
            except ExpressionError as error:
                params = {
                    **error.params,
                    "reason": error.key,
                    "source": source,
                    "position": None if error.position is None else error.position + 1,
                }
                self.errors.append(Finding("expression", place.sheet, place.row, column, params))
                return None
            self._parsed[source, owner, table] = expression
        for function in sorted(expression.functions & _REFUSED_FUNCTIONS):
            self.error("unsupported_function", place, column, function=function)
        for name in sorted(expression.instances - {table}):
            self._uses_table(name, place, column)
        self.uses.append(Use(owner, column, place, expression))
        return expression

    def _named_choices(self, source: str) -> str:
        """``source`` with ``jr:itext(instance('list')/root/item[…]/itextId)``, the label of a choice, written
        as ``jr:choice-name`` of a select that shows the list, where there is one.
        """
        made, at = "", 0
        for found in re.finditer(r"jr:itext\(", source):
            argument = bracketed(source, found.end())
            label = None if argument is None else _CHOICE_LABEL.fullmatch(argument.strip())
            select = None if label is None else self._select_of(label[2])
            if argument is None or label is None or select is None:
                continue
            made += f"{source[at : found.start()]}jr:choice-name({label[1]}/name, '{select}')"
            at = found.end() + len(argument) + 1
        return made + source[at:]

    def _select_of(self, table: str) -> str | None:
        """The first select that shows a list."""
        named = re.compile(rf"instance\(\s*['\"]{re.escape(table)}['\"]\s*\)")
        for path, control in self.document.controls.items():
            itemset = control.find(f"{XF}itemset")
            if itemset is not None and named.search(itemset.get("nodeset", "")):
                return path
        return None

    def _uses_table(self, name: str, place: Row, column: str) -> None:
        if name == LAST_SAVED:
            self.error("unsupported_last_saved", place, column)
        elif name not in self.document.tables:
            self.error("unknown_list", place, column, list=name)
        else:
            self.tables_used.setdefault(name, (place, column))
