"""Choice lists: those of the form, of attached files and of answers, and what a select shows of them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from surveys.attachments import Attachment, Unreadable, read_table
from surveys.expressions import Expression
from surveys.forms import Choice, Picked, Template, Text
from surveys.xform.document import (
    ODK,
    XF,
    Document,
    Element,
    bracketed,
    name_of,
    outside_quotes,
    plain,
    split_arguments,
)
from surveys.xform.findings import Row, choice_ref
from surveys.xform.notes import Notes
from surveys.xform.texts import Texts

MANY_CHOICES = 50
"""A longer list is hard to choose from on a phone: it is searched by typing."""

_NODESET = re.compile(r"instance\(\s*(['\"])([^'\"]+)\1\s*\)/root/item\s*(\[.*\])?", re.DOTALL)
_SEARCH = re.compile(r"\bsearch\(")
_COLUMN = re.compile(r"[^\W\d][\w.\-]*")
_RELATIVE = re.compile(r"(?<![\w.\-/\])])(?=\.\.?/)")
_UPPER, _LOWER = "ABCDEFGHIJKLMNOPQRSTUVWXYZ", "abcdefghijklmnopqrstuvwxyz"


@dataclass(frozen=True, slots=True)
class Listed:
    """A choice list and the columns that some row of it has."""

    choices: tuple[Choice, ...]
    columns: frozenset[str]


@dataclass(frozen=True, slots=True)
class Offered:
    """What a select offers: a list by name with its choices and filter, or choices picked from answers."""

    list_name: str = ""
    choices: tuple[Choice, ...] = ()
    choice_filter: Expression | None = None
    picked: Picked | None = None
    shuffled: bool = False
    seed: Expression | None = None


NOTHING = Offered()


@dataclass(slots=True)
class Lists:
    """Reads the lists of ``document``, each once. ``attached`` are the files that came with the form."""

    document: Document
    notes: Notes
    texts: Texts
    attached: Mapping[str, Attachment]
    lists: dict[str, Listed] = field(default_factory=dict)
    tables: dict[str, Sequence[Mapping[str, str]]] = field(default_factory=dict)
    """Rows of attached files, by instance."""
    _columns: dict[str, frozenset[str]] = field(default_factory=dict)
    _told: set[str] = field(default_factory=set)

    # Lists of the form --------------------------------------------------------------------------------------

    def list_of(self, name: str) -> Listed | None:
        """The list called ``name`` that stands in the form itself; ``None`` if there is none."""
        if name not in self.lists:
            table = self.document.tables.get(name)
            root = None if table is None or table.get("src") else table.find(f"{XF}root")
            if root is None:
                return None
            self.lists[name] = self._read(name, root)
        return self.lists[name]

    def _read(self, name: str, root: Element) -> Listed:
        choices = []
        columns: set[str] = set()
        owner = f"/{self.document.root}"
        for position, item in enumerate(root):
            cells = {name_of(cell): (cell.text or "").strip() for cell in item}
            label = item.find(f"{XF}label")
            known = self.notes.rows.get(choice_ref(name, position))
            place = known or Row("choices", 0)
            value = cells.pop("name", "")
            key = cells.pop("itextId", None)
            if known is None and value == "other":
                text = self.texts.added("choice", "Other")
            elif key is not None:
                text = self.texts.translated(key, owner, "label", place)
                self.texts.refuse_media(key, place)
            elif label is not None and cells["label"]:
                text = self.texts.literal(label, owner, "label", place)
            else:
                text = Text()
            if not text:
                self.notes.warn("choice_without_label", place, "label", list=name, choice=value)
                text = self._plain(value)
            columns.update(cells)
            choices.append(Choice(value, text, cells))
        return Listed(tuple(choices), frozenset({"name", *columns}))

    def _plain(self, words: str) -> Text:
        return Text({self.document.default_language: (words,)})

    # Attached files -----------------------------------------------------------------------------------------

    def table(self, name: str, place: Row, column: str) -> Sequence[Mapping[str, str]] | None:
        """The rows of the attached file behind instance ``name``; a fault is noted at ``place``, once."""
        src = self.document.src(name)
        return self.file_table(name, src.rpartition("/")[2] or f"{name}.csv", place, column)

    def file_table(self, name: str, file: str, place: Row, column: str) -> Sequence[Mapping[str, str]] | None:
        """The rows of ``file``, kept as ``name``."""
        if name not in self.tables and name not in self._told:
            found = self.attached.get(file)
            try:
                if found is None:
                    raise Unreadable("missing_file", name=file)
                self.tables[name] = read_table(found)
            except Unreadable as fault:
                self._told.add(name)
                self.notes.error(fault.code, place, column, **fault.params)
        return self.tables.get(name)

    def columns(self, name: str) -> frozenset[str] | None:
        """The columns of a list or table; ``None`` if there is no such one."""
        if name in self.tables:
            if name not in self._columns:
                self._columns[name] = frozenset(column for row in self.tables[name] for column in row)
            return self._columns[name]
        listed = self.list_of(name)
        return None if listed is None else listed.columns

    def _kept(self, name: str, value: str, label: str, place: Row, column: str) -> tuple[str, Listed] | None:
        """The list made of an instance with these columns as value and label, and what it is called."""
        if not self.document.src(name):
            listed = self.list_of(name)
            if listed is None:
                self.notes.error("unknown_list", place, "type", list=name)
                return None
            if value == "name" and label in ("label", "jr:itext(itextId)"):
                return name, listed
            rows = [{"name": each.name, **each.columns} for each in listed.choices]
        else:
            found = self.table(name, place, column)
            if found is None:
                return None
            rows = [dict(row) for row in found]
        return self._made(name, rows, value, label, place)

    def _made(
        self, name: str, rows: Sequence[Mapping[str, str]], value: str, label: str, place: Row
    ) -> tuple[str, Listed] | None:
        columns = frozenset(column for row in rows for column in row)
        for wanted in (value, label):
            if wanted not in columns:
                self.notes.error("unknown_choice_column", place, "parameters", name=wanted, list=name)
                return None
        plainly = (value, label) == ("name", "label") and all(row.get(value) for row in rows)
        key = name if plainly and self.document.src(name) else f"{name} ({value}, {label})"
        if key not in self.lists:
            choices = tuple(
                Choice(row[value], self._plain(row.get(label) or row[value]), row)
                for row in rows
                if row.get(value)
            )
            self.lists[key] = Listed(choices, columns)
        return key, self.lists[key]

    # Selects ------------------------------------------------------------------------------------------------

    def offered(self, control: Element, ref: str) -> Offered:
        """What the select at ``ref`` offers; faults are noted and give nothing."""
        place = self.notes.place(ref)
        if _SEARCH.search(control.get("appearance", "")):
            return self._searched(control, ref, place)
        itemset = control.find(f"{XF}itemset")
        if itemset is None:
            choices = self._inline(control, ref)
            self._check("", choices, None, control, place)
            return Offered("", choices)
        nodeset = itemset.get("nodeset", "").strip()
        shuffled = nodeset.startswith("randomize(") and nodeset.endswith(")")
        seed = None
        if shuffled:
            nodeset, *seeds = split_arguments(nodeset.removeprefix("randomize(")[:-1])
            seed = self.notes.expression(seeds[0], ref, "parameters") if seeds else None
        value, label = itemset.find(f"{XF}value"), itemset.find(f"{XF}label")
        if value is None or label is None or not value.get("ref") or not label.get("ref"):
            self.notes.error("unsupported_itemset", place, "parameters")
            return NOTHING
        names = value.get("ref", "").strip(), label.get("ref", "").strip()
        pointed = _NODESET.fullmatch(nodeset)
        if pointed is None:
            return replace(self._picked(nodeset, *names, ref, place), shuffled=shuffled, seed=seed)
        kept = self._kept(pointed[2], *names, place, "type")
        if kept is None:
            return NOTHING
        key, listed = kept
        chosen = self.notes.expression(_predicate(pointed[3]), ref, "choice_filter", table=key)
        self._check(key, listed.choices, chosen, control, place)
        key, choices = self._own(key, listed, ref)
        return Offered(key, choices, chosen, None, shuffled, seed)

    def _own(self, name: str, listed: Listed, ref: str) -> tuple[str, tuple[Choice, ...]]:
        """The list as the question at ``ref`` shows it: where a label speaks of a repeat that the question is
        in, its own instance is meant, so it gets a list of its own.
        """
        inside = self.document.around(ref)[::-1]
        prefixes = tuple(f"{repeat}/" for repeat in inside)
        if not any(
            reference.startswith(prefixes)
            for choice in listed.choices
            for template in choice.label.by_language.values()
            for part in template
            if isinstance(part, Expression)
            for reference in part.references
        ):
            return name, listed.choices
        choices = tuple(replace(choice, label=self._nearer(choice.label, ref)) for choice in listed.choices)
        key = f"{name} {ref}"
        self.lists[key] = Listed(choices, listed.columns)
        return key, choices

    def _nearer(self, text: Text, ref: str) -> Text:
        """``text`` with every path into a repeat around ``ref`` relative to ``ref``."""
        by_language: dict[str, Template] = {}
        for language, template in text.by_language.items():
            parts: list[str | Expression] = []
            for part in template:
                near: str | Expression | None = part
                if isinstance(part, Expression):
                    source = nearer(part.source, ref, self.document.around(ref))
                    near = self.notes.expression(source, ref, "label")
                parts += [] if near is None else [near]
            by_language[language] = tuple(parts)
        return Text(by_language)

    def _picked(self, nodeset: str, value: str, label: str, ref: str, place: Row) -> Offered:
        """Choices from what was answered in a repeat."""
        nodes = self.notes.expression(nodeset, ref, "choice_filter" if "[" in nodeset else "type")
        if nodes is None:
            return NOTHING
        if not any(path in self.document.repeats for path in nodes.references):
            self.notes.error("unsupported_itemset", place, "type")
            return NOTHING
        repeat = next(path for path in nodes.references if path in self.document.repeats)
        shown = [self.notes.expression(name, repeat, "type", place) for name in (value, label)]
        if shown[0] is None or shown[1] is None:
            return NOTHING
        return Offered(picked=Picked(nodes, shown[0], shown[1]))

    def _inline(self, control: Element, ref: str) -> tuple[Choice, ...]:
        """Choices written into the control itself, as older converters do."""
        choices = []
        place = self.notes.place(ref)
        for item in control.findall(f"{XF}item"):
            value = item.find(f"{XF}value")
            name = "" if value is None else (value.text or "").strip()
            words = item.find(f"{XF}label")
            label = self.texts.text(words, ref, "label")
            self.texts.refuse_media_of(words, place)
            choices.append(Choice(name, label or self._plain(name)))
        return tuple(choices)

    # search() -----------------------------------------------------------------------------------------------

    def _searched(self, control: Element, ref: str, place: Row) -> Offered:
        """``search('file', …)`` in the appearance: the choices sheet names the columns of the file, and may
        have choices of its own with whole numbers as names, which come first.
        """
        call = _call(control.get("appearance", ""))
        arguments = [] if call is None else split_arguments(call)
        texts = [_quoted(argument) for argument in arguments]
        written = self._inline(control, ref) or self._plain_choices(control)
        named = [choice for choice in written if not choice.name.lstrip("-").isdigit()]
        if not texts or texts[0] is None or len(arguments) not in (1, 4, 6) or len(named) != 1:
            self.notes.error("bad_search", place, "appearance")
            return NOTHING
        name = texts[0].removesuffix(".csv")
        rows = self.file_table(name, f"{name}.csv", place, "appearance")
        value = named[0].name
        labels = split_arguments(_words(named[0].label))
        if rows is None:
            return NOTHING
        columns = self.columns(name) or frozenset()
        for column in (value, *labels):
            if column not in columns:
                self.notes.error("unknown_choice_column", place, "appearance", name=column, list=name)
                return NOTHING
        fixed = [choice for choice in written if choice not in named]
        key = f"{name} ({value}, {', '.join(labels)})" + (f" {ref}" if fixed else "")
        if key not in self.lists:
            made = [Choice(each.name, each.label, {_FIXED: "1"}) for each in fixed]
            for row in rows:
                if row[value]:
                    words = ", ".join(row[label] for label in labels if row[label])
                    made.append(Choice(row[value], self._plain(words or row[value]), row))
            self.lists[key] = Listed(tuple(made), columns | {_FIXED})
        source = self._search_filter(arguments[1:], columns, place, name)
        if source is None:
            return NOTHING
        if source and fixed:
            source = f"{_FIXED} = '1' or ({source})"
        chosen = self.notes.expression(source, ref, "appearance", table=key)
        choices = self.lists[key].choices
        if not choices:
            self.notes.error("no_choices", place, "type", list=name)
        return Offered(key, choices, chosen)

    def _plain_choices(self, control: Element) -> tuple[Choice, ...]:
        """The choices of the list that an itemset names: newer converters write one also for ``search()``."""
        itemset = control.find(f"{XF}itemset")
        pointed = None if itemset is None else _NODESET.fullmatch(itemset.get("nodeset", "").strip())
        listed = None if pointed is None else self.list_of(pointed[2])
        return () if listed is None else listed.choices

    def _search_filter(
        self, arguments: Sequence[str], columns: frozenset[str], place: Row, name: str
    ) -> str | None:
        """The choice filter that ``search`` means by its arguments after the file; ``None`` noted a fault."""
        tests: list[str] = []
        if len(arguments) >= 3:
            kind, searched = _quoted(arguments[0]), _quoted(arguments[1])
            if kind not in _KINDS or searched is None:
                self.notes.error("bad_search", place, "appearance")
                return None
            wanted = outside_quotes(arguments[2], _RELATIVE, "current()/")
            each = [_KINDS[kind].format(column=column, wanted=wanted) for column in split_arguments(searched)]
            if not self._has(split_arguments(searched), columns, place, name):
                return None
            tests.append(" or ".join(each))
        if len(arguments) == 5:
            by = _quoted(arguments[3])
            if by is None or not self._has([by], columns, place, name):
                return None
            tests.append(f"{by} = {outside_quotes(arguments[4], _RELATIVE, 'current()/')}")
        return " and ".join(f"({test})" for test in tests)

    def _has(self, wanted: Sequence[str], columns: frozenset[str], place: Row, name: str) -> bool:
        for column in wanted:
            if column not in columns or not _COLUMN.fullmatch(column):
                self.notes.error("unknown_choice_column", place, "appearance", name=column, list=name)
                return False
        return True

    # Checks -------------------------------------------------------------------------------------------------

    def _check(
        self,
        name: str,
        choices: Sequence[Choice],
        chosen: Expression | None,
        control: Element,
        place: Row,
    ) -> None:
        if not choices:
            self.notes.error("no_choices", place, "type", list=name)
        if len(choices) > MANY_CHOICES and chosen is None:
            self.notes.warn("many_choices", place, "type", count=len(choices), limit=MANY_CHOICES)
        several = plain(control.tag) in ("select", f"{ODK}rank")
        seen: set[str] = set()
        attached = bool(self.document.src(name.partition(" (")[0]))
        for position, choice in enumerate(choices):
            where = self.notes.rows.get(choice_ref(name, position), place)
            column = "name" if where.sheet == "choices" else "type"
            # One name under several parents of a filtered list is what `allow_choice_duplicates` is for.
            if choice.name in seen and chosen is None:
                self.notes.warn("duplicate_choice", where, column, name=choice.name, list=name)
                if attached:
                    break
            # The names chosen in a select_multiple are stored with spaces between them.
            if not choice.name or (several and len(choice.name.split()) != 1):
                self.notes.error("bad_choice_name", where, column, name=choice.name, list=name)
                if attached:
                    break
            seen.add(choice.name)


_FIXED = "__of_the_form"
"""The column that marks the choices which stand in the form beside those of a searched file."""

_FOLDED = f"translate({{}}, '{_UPPER}', '{_LOWER}')"
_KINDS = {
    "matches": "{column} = {wanted}",
    "contains": f"contains({_FOLDED.format('{column}')}, {_FOLDED.format('{wanted}')})",
    "startswith": f"starts-with({_FOLDED.format('{column}')}, {_FOLDED.format('{wanted}')})",
    "endswith": f"ends-with({_FOLDED.format('{column}')}, {_FOLDED.format('{wanted}')})",
}
"""How ``search`` compares; all but *matches* take small and capital letters as the same."""


def nearer(source: str, owner: str, repeats: Sequence[str]) -> str:
    """``source``, an expression of ``owner``, with absolute paths into the ``repeats`` around it (outermost
    first) made relative, so that they mean the instances that ``owner`` stands in.
    """
    for repeat in reversed(repeats):
        up = "../" * (owner.count("/") - repeat.count("/"))
        path = re.compile(rf"(?<![\w.\-/\])]){re.escape(repeat)}/")
        source = outside_quotes(source, path, up or "./")
    return source


def _predicate(brackets: str | None) -> str:
    """The condition in ``[a][b]``: ``(a) and (b)``."""
    tests: list[str] = []
    rest = (brackets or "").strip()
    while rest.startswith("["):
        test = bracketed(rest, 1)
        if test is None:
            return rest
        tests.append(test.strip())
        rest = rest[len(test) + 2 :].strip()
    return tests[0] if len(tests) == 1 else " and ".join(f"({test})" for test in tests)


def _call(appearance: str) -> str | None:
    """What stands between the brackets of ``search(…)``."""
    found = _SEARCH.search(appearance)
    return None if found is None else bracketed(appearance, found.end())


def _quoted(argument: str) -> str | None:
    """The text in quotes that an argument is; ``None`` if it is anything else."""
    found = re.fullmatch(r"\s*(['\"])([^'\"]*)\1\s*", argument)
    return found[2].strip() if found else None


def _words(text: Text) -> str:
    template: Template = next(iter(text.by_language.values()), ())
    return "".join(part for part in template if isinstance(part, str))
