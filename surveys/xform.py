"""XForm → Form: reads what a converter made of an XLSForm, and refuses what a chat can't ask.

Sources: the ODK XForms specification (getodk.github.io/xforms-spec) and the XLSForm reference (xlsform.org).
A converter checks the sheet, not the expressions: syntax, unknown nodes, dependency cycles, filters on
columns that are not there and impossible defaults are found here.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from xml.etree import ElementTree

from surveys.expressions import Expression, ExpressionError, parse
from surveys.forms import Choice, Form, Group, Kind, Question, Template, Text, language_code

MAX_QUESTIONS = 1_000
MAX_CHOICES = 5_000
MAX_TEXT = 4_000
"""Characters of one label, hint or message; references count nothing."""
MAX_DEPTH = 30
LONG_TEXT = 1_900
"""A longer text is sent as several messages (Zalo takes 2,000 characters a message)."""
MANY_CHOICES = 50


class Severity(StrEnum):
    """An error keeps a form from being asked; a warning does not."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Row:
    """A row of a workbook, numbered as the spreadsheet program shows it (the header is row 1)."""

    sheet: str
    row: int


@dataclass(frozen=True, slots=True)
class Finding:
    """Something wrong or doubtful in a form.

    ``code`` names the sentence ``form.<code>`` of the catalogue ``forms``, filled in with ``params``. ``row``
    is 0 and ``sheet`` or ``column`` empty where there is no such place. ``column`` is XLSForm's name of the
    column.
    """

    code: str
    sheet: str = ""
    row: int = 0
    column: str = ""
    params: Mapping[str, object] = field(default_factory=dict)
    severity: Severity = Severity.ERROR


@dataclass(frozen=True, slots=True)
class Loaded:
    """What reading came to: a form, or the errors that forbid it; and warnings either way."""

    form: Form | None
    errors: tuple[Finding, ...] = ()
    warnings: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True)
class Generated:
    """The two texts that ``or_other`` adds, in one language: the extra choice and the question after it."""

    choice: str
    question: str


def choice_ref(list_name: str, position: int) -> str:
    """The key in a row map of the choice at ``position`` (from 0) of a list."""
    return f"{list_name}#{position}"


def read_form(
    xform_xml: str, rows: Mapping[str, Row], *, generated: Mapping[str, Generated] | None = None
) -> Loaded:
    """Read an XForm.

    ``rows`` tells the row of every reference (``/data/group/name``) and choice (:func:`choice_ref`); what it
    does not know is placed at the nearest group that it does. ``generated`` replaces the English texts that a
    converter adds for ``or_other``, by language code (``vi``), with ``""`` for a form that names no language.
    """
    if "<!DOCTYPE" in xform_xml or "<!ENTITY" in xform_xml:
        return Loaded(None, (Finding("unsafe_xml"),))
    try:
        # A document type is refused above, so there are no entities to expand.
        document = ElementTree.fromstring(xform_xml)  # noqa: S314
    except ElementTree.ParseError as error:
        return Loaded(None, (Finding("not_xform", params={"detail": str(error)}),))
    try:
        reader = _Reader(document, rows, generated or {})
    except _NotAnXForm as error:
        return Loaded(None, (Finding("not_xform", params={"detail": str(error)}),))
    form = reader.form(_digest(xform_xml, rows))
    return Loaded(
        None if reader.errors else form,
        in_order(reader.errors),
        in_order(reader.warnings),
    )


def _digest(xform_xml: str, rows: Mapping[str, Row]) -> str:
    placed = json.dumps({ref: [row.sheet, row.row] for ref, row in rows.items()}, sort_keys=True)
    return hashlib.sha256(f"{xform_xml}\n{placed}".encode()).hexdigest()


_SHEETS = {"survey": 0, "choices": 1, "settings": 2}


def in_order(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Each finding once (a list is checked for every question that shows it), by sheet and row."""
    once = {(f.code, f.sheet, f.row, f.column, repr(f.params)): f for f in findings}
    return tuple(sorted(once.values(), key=lambda found: (_SHEETS.get(found.sheet, 3), found.row)))


# The XForm --------------------------------------------------------------------------------------------------

_XF = "{http://www.w3.org/2002/xforms}"
_XHTML = "{http://www.w3.org/1999/xhtml}"
_JR = "{http://openrosa.org/javarosa}"
_ODK = "{http://www.opendatakit.org/xforms}"
_ENTITIES = "{http://www.opendatakit.org/xforms/entities}"

_ITEXT = re.compile(r"\s*jr:itext\(\s*(['\"])(.*)\1\s*\)\s*", re.DOTALL)
_LIST = re.compile(r"\s*instance\(\s*(['\"])([^'\"]+)\1\s*\)/root/item\s*(?:\[(.*)\])?\s*", re.DOTALL)
_MEDIA = ("image", "big-image", "audio", "video")

_LEAVES = {"string": Kind.TEXT, "int": Kind.INTEGER, "decimal": Kind.DECIMAL, "date": Kind.DATE}
"""Bind types a typed question may have, and what we ask."""

_SELECTS = {Kind.SELECT_ONE: "select1", Kind.SELECT_MULTIPLE: "select"}
_UNSUPPORTED_CONTROLS = {"range": "range", "trigger": "acknowledge", f"{_ODK}rank": "rank"}
_UPLOADS = {"image/*": "image", "audio/*": "audio", "video/*": "video", "osm/*": "osm"}

_PRELOADED = {("date", "today"): "once(today())", ("timestamp", "start"): "once(now())"}
"""Metadata that an expression may read: computed once, when the interview begins."""

_GENERATED_LABELS = re.compile(r"(?:generated_table_list_label|reserved_name_for_field_list_labels)_(\d+)")
_REFUSED_APPEARANCES = {"ex:": "ex:", "printer:": "printer", "search(": "search()"}
_PART_OF_DATE = {"month-year", "year"}

_INTEGER = re.compile(r"[+-]?\d+")
_DATE_CELL = re.compile(r"(\d{4}-\d{2}-\d{2})(?:[ T]00:00:00(?:\.0+)?)?")
"""A date, or a spreadsheet's date cell, which arrives as midnight."""


class _NotAnXForm(Exception):
    """The document has no model, instance or body."""


def _plain(tag: str) -> str:
    """A tag without the XForms namespace: ``input``; other namespaces stay."""
    return tag.removeprefix(_XF)


def _name(element: ElementTree.Element) -> str:
    return element.tag.rpartition("}")[2]


def _type(bind: Mapping[str, str]) -> str:
    name = bind.get("type", "string").removeprefix("xsd:")
    return {"integer": "int"}.get(name, name)


def _true(source: str | None) -> bool:
    return (source or "").strip() == "true()"


def _false(source: str | None) -> bool:
    return (source or "").strip() in ("", "false()")


@dataclass(frozen=True, slots=True)
class _Use:
    """An expression of the form: whose it is, and where it stands."""

    owner: str
    column: str
    place: Row
    expression: Expression


@dataclass(frozen=True, slots=True)
class _List:
    """A choice list and the columns that some row of it has."""

    choices: tuple[Choice, ...]
    columns: frozenset[str]


class _Reader:
    """One reading of one document: what was found so far."""

    def __init__(
        self, document: ElementTree.Element, rows: Mapping[str, Row], generated: Mapping[str, Generated]
    ) -> None:
        self.rows = rows
        self.generated = generated
        self.errors: list[Finding] = []
        self.warnings: list[Finding] = []
        self.uses: list[_Use] = []

        head, body = document.find(f"{_XHTML}head"), document.find(f"{_XHTML}body")
        model = None if head is None else head.find(f"{_XF}model")
        instances = [] if model is None else model.findall(f"{_XF}instance")
        if head is None or body is None or model is None or not instances or not len(instances[0]):
            raise _NotAnXForm("model, instance, body")
        self.model = model
        self.title = "".join(title.itertext()) if (title := head.find(f"{_XHTML}title")) is not None else ""
        self.primary = instances[0][0]
        self.root = _name(self.primary)

        self.binds: dict[str, Mapping[str, str]] = {
            bind.get("nodeset", "").strip(): bind.attrib for bind in model.findall(f"{_XF}bind")
        }
        self.controls: dict[str, ElementTree.Element] = {}
        self.groups: dict[str, ElementTree.Element] = {}
        self.repeats: set[str] = set()
        self._index(body)

        self.texts: dict[str, dict[str, list[ElementTree.Element]]] = {}
        self.languages, self.default_language = self._translations()
        self.untranslated: dict[tuple[str, str], list[tuple[Row, str]]] = {}
        self.media: set[tuple[str, str]] = set()
        self.known: dict[str, int] = {}
        self._know(self.primary, f"/{self.root}")
        self.metadata: dict[str, str] = {}
        self.asked: set[str] = set()

        self.tables = {instance.get("id", ""): instance for instance in instances[1:]}
        self.lists: dict[str, _List] = {}

    # Finding ------------------------------------------------------------------------------------------------

    def error(self, code: str, place: Row, column: str = "", **params: object) -> None:
        self.errors.append(Finding(code, place.sheet, place.row, column, params))

    def warn(self, code: str, place: Row, column: str = "", **params: object) -> None:
        self.warnings.append(Finding(code, place.sheet, place.row, column, params, Severity.WARNING))

    def place(self, ref: str) -> Row:
        """The row of a reference, or of what a converter added it for; else the nearest group's."""
        name = ref.rpartition("/")[2]
        if ref in self.rows:
            return self.rows[ref]
        if name.endswith("_other") and ref.removesuffix("_other") in self.rows:
            return self.rows[ref.removesuffix("_other")]
        if numbered := _GENERATED_LABELS.fullmatch(name):
            return Row("survey", int(numbered[1]))
        if name in ("instanceName", "instanceID"):
            return Row("settings", 2)
        parent = ref.rpartition("/")[0]
        return self.place(parent) if parent else Row("survey", 0)

    # The document -------------------------------------------------------------------------------------------

    def _index(self, parent: ElementTree.Element) -> None:
        """Note every control, group and repeat of the body by the path it is bound to."""
        waiting = list(parent)
        while waiting:
            element = waiting.pop()
            tag = _plain(element.tag)
            path = (element.get("ref") or element.get("nodeset") or "").strip()
            if tag == "repeat":
                self.repeats.add(path)
            elif tag == "group":
                if path:
                    self.groups[path] = element
            elif tag in ("label", "hint", "itemset", "item"):
                continue
            elif path:
                self.controls.setdefault(path, element)
            if tag in ("group", "repeat"):
                waiting.extend(element)

    def _know(self, element: ElementTree.Element, path: str) -> None:
        """Number every node of the instance in form order; a repeat's second copy adds nothing."""
        waiting = [(element, path)]
        while waiting:
            node, here = waiting.pop()
            self.known.setdefault(here, len(self.known))
            waiting.extend((child, f"{here}/{_name(child)}") for child in reversed(node))

    def _translations(self) -> tuple[tuple[str, ...], str]:
        """Read itext: the languages in order and the default one (``default`` in a form without any)."""
        languages: list[str] = []
        default = ""
        itext = self.model.find(f"{_XF}itext")
        for translation in () if itext is None else itext.findall(f"{_XF}translation"):
            language = translation.get("lang", "default")
            languages.append(language)
            if _true(translation.get("default")):
                default = language
            for text in translation.findall(f"{_XF}text"):
                values = self.texts.setdefault(text.get("id", ""), {})
                values[language] = text.findall(f"{_XF}value")
        if not languages:
            return ("default",), "default"
        return tuple(languages), default or languages[0]

    # Expressions and texts ----------------------------------------------------------------------------------

    def expression(
        self,
        source: str | None,
        owner: str,
        column: str,
        place: Row | None = None,
        table: str | None = None,
    ) -> Expression | None:
        """Parse one expression of ``owner`` (or filter of the list ``table``); faults are at ``column``."""
        source = (source or "").strip()
        if not source:
            return None
        place = place or self.place(owner)
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
        for function in sorted(expression.functions & {"jr:itext", "search"}):
            self.error("unsupported_function", place, column, function=function)
        for name in sorted(expression.instances):
            if name == "__last-saved":
                self.error("unsupported_last_saved", place, column)
            elif name not in self.tables:
                self.error("unknown_list", place, column, list=name)
            elif self.tables[name].get("src"):
                self.error("unsupported_external", place, column, name=name)
        self.uses.append(_Use(owner, column, place, expression))
        return expression

    def template(
        self, element: ElementTree.Element, owner: str, column: str, place: Row
    ) -> tuple[Template, int]:
        """One text with its references, and its number of characters. Outer blanks are the converter's."""
        parts: list[str | Expression] = [element.text or ""]
        for child in element:
            if _plain(child.tag) == "output":
                shown = self.expression(child.get("value"), owner, column, place)
                if shown is not None:
                    parts.append(shown)
            parts.append(child.tail or "")
        if isinstance(parts[0], str):
            parts[0] = parts[0].lstrip()
        if isinstance(parts[-1], str):
            parts[-1] = parts[-1].rstrip()
        kept: Template = tuple(part for part in parts if part != "")
        return kept, sum(len(part) for part in kept if isinstance(part, str))

    def text(
        self, element: ElementTree.Element | None, owner: str, column: str, *, form: str | None = None
    ) -> Text:
        """A label or hint: its own words, or its translations (of one ``form``, such as guidance)."""
        if element is None:
            return Text()
        place = self.place(owner)
        pointed = _ITEXT.fullmatch(element.get("ref") or "")
        if pointed:
            return self.translated(pointed[2], owner, column, place, form)
        if form is not None:
            return Text()
        return self.literal(element, owner, column, place)

    def literal(self, element: ElementTree.Element, owner: str, column: str, place: Row) -> Text:
        """A text that stands in one language only: the default one."""
        template, size = self.template(element, owner, column, place)
        if not template:
            return Text()
        self.check_length(size, place, column)
        for language in self.languages:
            if language != self.default_language:
                self.untranslated.setdefault((language, place.sheet), []).append((place, column))
        return Text({self.default_language: template})

    def translated(self, key: str, owner: str, column: str, place: Row, form: str | None) -> Text:
        """The translations of one text; ``-`` is what a converter writes for a missing one."""
        by_language: dict[str, Template] = {}
        for language in self.languages:
            for value in self.texts.get(key, {}).get(language, ()):
                kind = value.get("form")
                if kind in _MEDIA and (key, kind) not in self.media:
                    self.media.add((key, kind))
                    self.error("unsupported_media", place, kind, media=kind)
                if (kind if kind in ("guidance", *_MEDIA, "short") else None) != form:
                    continue
                template, size = self.template(value, owner, column, place)
                if not template or (template == ("-",) and len(self.languages) > 1):
                    continue
                self.check_length(size, place, column)
                by_language[language] = template
        for language in self.languages if by_language else ():
            if language not in by_language:
                self.untranslated.setdefault((language, place.sheet), []).append((place, column))
        return Text(by_language)

    def message(self, bind: Mapping[str, str], attribute: str, owner: str, column: str) -> Text:
        """A message of a bind: an attribute with words, or a pointer to translations."""
        words = bind.get(f"{_JR}{attribute}", "").strip()
        if not words:
            return Text()
        place = self.place(owner)
        pointed = _ITEXT.fullmatch(words)
        if pointed:
            return self.translated(pointed[2], owner, column, place, None)
        element = ElementTree.Element("value")
        element.text = words
        return self.literal(element, owner, column, place)

    def check_length(self, size: int, place: Row, column: str) -> None:
        if size > MAX_TEXT:
            self.error("text_too_long", place, column, length=size, limit=MAX_TEXT)
        elif size > LONG_TEXT:
            self.warn("text_long", place, column, length=size, limit=LONG_TEXT)

    # Choices ------------------------------------------------------------------------------------------------

    def list_of(self, name: str) -> _List | None:
        """The choice list called ``name``, read once; ``None`` if the form carries no such list."""
        if name not in self.lists:
            table = self.tables.get(name)
            root = None if table is None or table.get("src") else table.find(f"{_XF}root")
            if root is None:
                return None
            self.lists[name] = self._read_list(name, root)
        return self.lists[name]

    def _read_list(self, name: str, root: ElementTree.Element) -> _List:
        choices = []
        columns: set[str] = set()
        for position, item in enumerate(root):
            cells = {_name(cell): (cell.text or "").strip() for cell in item}
            label = item.find(f"{_XF}label")
            place = self.rows.get(choice_ref(name, position))
            value = cells.pop("name", "")
            key = cells.pop("itextId", None)
            if place is None and value == "other":
                text = self._added("choice", "Other")
            elif key is not None:
                text = self.translated(key, f"/{self.root}", "label", place or Row("choices", 0), None)
            elif label is not None and cells["label"]:
                text = self.literal(label, f"/{self.root}", "label", place or Row("choices", 0))
            else:
                text = Text()
            if not text:
                self.warn(
                    "choice_without_label", place or Row("choices", 0), "label", list=name, choice=value
                )
                text = Text({self.default_language: (value,)})
            columns.update(cells)
            choices.append(Choice(value, text, cells))
        return _List(tuple(choices), frozenset({"name", *columns}))

    def _added(self, which: str, english: str) -> Text:
        """A text that a converter added in English, in every language of the form that we have words for."""
        by_language: dict[str, Template] = {}
        for language in self.languages:
            words = self.generated.get(language_code(language))
            if words is not None:
                by_language[language] = (words.choice if which == "choice" else words.question,)
        by_language.setdefault(self.default_language, (english,))
        return Text(by_language)

    def _inline(self, control: ElementTree.Element, ref: str) -> tuple[Choice, ...]:
        """Choices written into the control itself, as older converters do."""
        choices = []
        for item in control.findall(f"{_XF}item"):
            value = item.find(f"{_XF}value")
            name = "" if value is None else (value.text or "").strip()
            label = self.text(item.find(f"{_XF}label"), ref, "label")
            choices.append(Choice(name, label or Text({self.default_language: (name,)})))
        return tuple(choices)

    def choices_of(
        self, control: ElementTree.Element, ref: str
    ) -> tuple[str, tuple[Choice, ...], Expression | None]:
        """List name, choices and filter of a select, refusing lists that do not come with the form."""
        place = self.place(ref)
        itemset = control.find(f"{_XF}itemset")
        if itemset is None:
            choices = self._inline(control, ref)
            self._check_choices("", choices, None, control, place)
            return "", choices, None
        nodeset = itemset.get("nodeset", "").strip()
        if nodeset.startswith("randomize("):
            self.error("unsupported_randomize", place, "parameters")
            return "", (), None
        pointed = _LIST.fullmatch(nodeset)
        if pointed is None:
            self.error("unsupported_choices_from_repeat", place, "type")
            return "", (), None
        name, predicate = pointed[2], pointed[3]
        table = self.tables.get(name)
        if table is not None and table.get("src"):
            self.error("unsupported_external", place, "type", name=name)
            return name, (), None
        listed = self.list_of(name)
        if listed is None:
            self.error("unknown_list", place, "type", list=name)
            return name, (), None
        value, label = itemset.find(f"{_XF}value"), itemset.find(f"{_XF}label")
        if (
            value is None
            or value.get("ref") != "name"
            or label is None
            or label.get("ref") not in ("label", "jr:itext(itextId)")
        ):
            self.error("unsupported_itemset", place, "parameters")
            return name, (), None
        chosen = self.expression(predicate, ref, "choice_filter", table=name)
        self._check_choices(name, listed.choices, chosen, control, place)
        return name, listed.choices, chosen

    def _check_choices(
        self,
        name: str,
        choices: Sequence[Choice],
        chosen: Expression | None,
        control: ElementTree.Element,
        place: Row,
    ) -> None:
        if not choices:
            self.error("no_choices", place, "type", list=name)
        if len(choices) > MANY_CHOICES and chosen is None:
            self.warn("many_choices", place, "type", count=len(choices), limit=MANY_CHOICES)
        seen: set[str] = set()
        for position, choice in enumerate(choices):
            where = self.rows.get(choice_ref(name, position), place)
            column = "name" if where.sheet == "choices" else "type"
            # One name under several parents of a filtered list is what `allow_choice_duplicates` is for.
            if choice.name in seen and chosen is None:
                self.error("duplicate_choice", where, column, name=choice.name, list=name)
            # The names chosen in a select_multiple are stored with spaces between them.
            if not choice.name or (_plain(control.tag) == "select" and len(choice.name.split()) != 1):
                self.error("bad_choice_name", where, column, name=choice.name, list=name)
            seen.add(choice.name)

    # Questions ----------------------------------------------------------------------------------------------

    def children(
        self, element: ElementTree.Element, path: str, depth: int, read_only: bool
    ) -> Iterator[Group | Question]:
        """The model of what stands below ``element``, in form order."""
        seen: set[str] = set()
        for child in element:
            ref = f"{path}/{_name(child)}"
            if ref in seen:
                continue
            seen.add(ref)
            if depth == 0 and _name(child) == "meta":
                self._meta(child, ref)
            elif ref in self.groups or ref in self.repeats or len(child):
                yield from self._group(child, ref, depth, read_only)
            else:
                yield from self._leaf(child, ref, read_only)

    def _meta(self, meta: ElementTree.Element, path: str) -> None:
        for child in meta:
            ref = f"{path}/{_name(child)}"
            if _name(child) == "entity":
                self.error("unsupported_entities", Row("entities", 2))
            elif _name(child) == "instanceID":
                self.metadata[ref] = "instanceID"
            else:
                self.metadata[ref] = _name(child)
                column = "instance_name" if _name(child) == "instanceName" else "type"
                self.warn("metadata_ignored", self.place(ref), column, name=_name(child))

    def _group(
        self, element: ElementTree.Element, ref: str, depth: int, read_only: bool
    ) -> Iterator[Group | Question]:
        place = self.place(ref)
        if depth >= MAX_DEPTH:
            self.error("too_deep", place, "type", limit=MAX_DEPTH)
            return
        if ref in self.repeats:
            self.error("unsupported_type", place, "type", type="repeat")
        bind = self.binds.get(ref, {})
        control = self.groups.get(ref)
        if control is not None:
            self._check_appearance(control, place)
        for attribute, column in (
            ("required", "required"),
            ("constraint", "constraint"),
            ("calculate", "calculation"),
        ):
            if not _false(bind.get(attribute)):
                self.warn("column_ignored", place, column)
        read_only = read_only or self._read_only(bind, place)
        label = self.text(None if control is None else control.find(f"{_XF}label"), ref, "label")
        relevant = self.expression(bind.get("relevant"), ref, "relevant")
        children = tuple(self.children(element, ref, depth + 1, read_only))
        if children:
            yield Group(ref, _name(element), children, label, relevant, place.row)

    def _read_only(self, bind: Mapping[str, str], place: Row) -> bool:
        source = bind.get("readonly")
        if not (_true(source) or _false(source)):
            self.error("unsupported_read_only", place, "read_only")
        return _true(source)

    def _check_appearance(self, control: ElementTree.Element, place: Row) -> None:
        appearance = control.get("appearance", "")
        for start, name in _REFUSED_APPEARANCES.items():
            if start in appearance:
                self.error("unsupported_appearance", place, "appearance", appearance=name)
        if control.get("intent"):
            self.error("unsupported_appearance", place, "intent", appearance="intent")

    def _leaf(self, element: ElementTree.Element, ref: str, read_only: bool) -> Iterator[Question]:
        bind = self.binds.get(ref, {})
        control = self.controls.get(ref)
        place = self.place(ref)
        if f"{_ENTITIES}saveto" in bind:
            self.error("unsupported_entities", place, "save_to")
        if control is None:
            yield from self._unasked(element, ref, bind, place)
            return
        unsupported = self._unsupported(control, bind)
        if unsupported:
            self.error("unsupported_type", place, "type", type=unsupported)
            return
        self._check_appearance(control, place)
        if _plain(control.tag) == "input":
            kind = _LEAVES[_type(bind)]
        else:
            kind = {"select1": Kind.SELECT_ONE, "select": Kind.SELECT_MULTIPLE}[_plain(control.tag)]
        appearances = set(control.get("appearance", "").split())
        if kind is Kind.DATE and appearances & _PART_OF_DATE:
            self.warn("part_of_date", place, "appearance")
        read_only = read_only or self._read_only(bind, place)
        list_name: str = ""
        choices: tuple[Choice, ...] = ()
        chosen: Expression | None = None
        if kind in (Kind.SELECT_ONE, Kind.SELECT_MULTIPLE):
            if "label" in appearances:
                # Only the labels of a table's columns are shown: a heading, nothing to answer.
                kind, read_only = Kind.NOTE, True
            else:
                list_name, choices, chosen = self.choices_of(control, ref)
        calculation = self.expression(bind.get("calculate"), ref, "calculation")
        if kind is Kind.TEXT and read_only and not bind.get("calculate"):
            kind = Kind.NOTE
        label, hint, guidance = self._words(control, ref)
        if kind is Kind.NOTE and not label and not hint:
            return
        if not label and not hint:
            self.error("no_label", place, "label", name=_name(element))
        constraint = self.expression(bind.get("constraint"), ref, "constraint")
        constraint_message = self.message(bind, "constraintMsg", ref, "constraint_message")
        if constraint is not None and not constraint_message:
            self.warn("constraint_without_message", place, "constraint_message")
        required = (
            None if _false(bind.get("required")) else self.expression(bind.get("required"), ref, "required")
        )
        if required is not None and read_only and calculation is None:
            self.warn("required_not_asked", place, "required")
        if not read_only:
            self.asked.add(ref)
        yield Question(
            ref=ref,
            name=_name(element),
            kind=kind,
            label=label,
            hint=hint,
            guidance=guidance,
            choices=choices,
            choice_filter=chosen,
            relevant=self.expression(bind.get("relevant"), ref, "relevant"),
            required=required,
            required_message=self.message(bind, "requiredMsg", ref, "required_message"),
            constraint=constraint,
            constraint_message=constraint_message,
            calculation=calculation,
            read_only=read_only,
            default=self._default(element, kind, choices, place),
            appearance=control.get("appearance", ""),
            row=place.row,
            list_name=list_name,
            type=_SELECTS.get(kind) or _type(bind),
        )

    def _words(self, control: ElementTree.Element, ref: str) -> tuple[Text, Text, Text]:
        """Label, hint and guidance hint of a control; the question that ``or_other`` adds gets our words."""
        asks_other = (
            ref not in self.rows and ref.endswith("_other") and ref.removesuffix("_other") in self.rows
        )
        if asks_other:
            return self._added("question", "Specify other."), Text(), Text()
        hint = control.find(f"{_XF}hint")
        return (
            self.text(control.find(f"{_XF}label"), ref, "label"),
            self.text(hint, ref, "hint"),
            self.text(hint, ref, "guidance_hint", form="guidance"),
        )

    def _unsupported(self, control: ElementTree.Element, bind: Mapping[str, str]) -> str:
        """XLSForm's name of a type that we don't ask, or nothing."""
        tag = _plain(control.tag)
        if tag == "upload":
            return _UPLOADS.get(control.get("mediatype", ""), "file")
        if tag in _UNSUPPORTED_CONTROLS:
            return _UNSUPPORTED_CONTROLS[tag]
        if tag == "input" and control.get("query"):
            return "select_one_external"
        if tag == "input" and _type(bind) not in _LEAVES:
            return _type(bind)
        return "" if tag in ("input", "select1", "select") else _name(control)

    def _unasked(
        self, element: ElementTree.Element, ref: str, bind: Mapping[str, str], place: Row
    ) -> Iterator[Question]:
        """A leaf without a control: calculated, hidden, or metadata of a device we don't have."""
        source = bind.get("calculate")
        preload = bind.get(f"{_JR}preload")
        if preload:
            parameter = bind.get(f"{_JR}preloadParams", "")
            source = _PRELOADED.get((preload, parameter))
            if source is None or not self._mentioned(ref):
                self.metadata[ref] = parameter or preload
                self.warn("metadata_ignored", place, "type", name=parameter or preload)
                return
        if _type(bind) in ("binary", "geopoint", "geotrace", "geoshape"):
            if _false(bind.get("required")):
                self.metadata[ref] = _name(element)
                self.warn("metadata_ignored", place, "type", name=_name(element))
            else:
                self.error("unsupported_type", place, "type", type=_type(bind))
            return
        for attribute in ("required", "constraint"):
            if not _false(bind.get(attribute)):
                self.warn("column_ignored", place, attribute)
        calculation = self.expression(source, ref, "calculation")
        functions = frozenset() if calculation is None or preload else calculation.functions
        if functions & {"random", "now", "uuid"} and "once" not in functions:
            self.warn("changing_calculation", place, "calculation")
        kind = Kind.CALCULATE if source else Kind.HIDDEN
        yield Question(
            ref=ref,
            name=_name(element),
            kind=kind,
            relevant=self.expression(bind.get("relevant"), ref, "relevant"),
            calculation=calculation,
            default=self._default(element, kind, (), place),
            row=place.row,
            type=_type(bind),
        )

    def _mentioned(self, ref: str) -> bool:
        """Whether any expression or text of the document names ``ref``."""
        name = re.compile(re.escape(ref) + r"(?![\w.\-])")
        for path, bind in self.binds.items():
            if path != ref and any(name.search(value) for key, value in bind.items() if key != "nodeset"):
                return True
        shown = (output.get("value", "") for output in self.model.iter(f"{_XF}output"))
        placed = (
            value
            for control in self.controls.values()
            for element in control.iter()
            for key, value in element.attrib.items()
            if key in ("value", "nodeset") and element is not control
        )
        headings = (
            output.get("value", "")
            for group in self.groups.values()
            for label in group.findall(f"{_XF}label")
            for output in label
        )
        return any(name.search(value) for sources in (shown, placed, headings) for value in sources)

    def _default(
        self, element: ElementTree.Element, kind: Kind, choices: Sequence[Choice], place: Row
    ) -> str | None:
        """A static default that fits the question, or ``None``."""
        value = (element.text or "").strip()
        if not value:
            return None
        names = {choice.name for choice in choices}
        if kind is Kind.DATE:
            matched = _DATE_CELL.fullmatch(value)
            if matched is None or not _is_date(matched[1]):
                self.error("bad_default", place, "default", value=value, kind=kind.value)
                return None
            return matched[1]
        if kind is Kind.SELECT_ONE and choices and value not in names:
            self.error("default_not_in_list", place, "default", value=value)
        elif kind is Kind.SELECT_MULTIPLE and choices:
            for part in value.split():
                if part not in names:
                    self.error("default_not_in_list", place, "default", value=part)
        elif (kind is Kind.INTEGER and not _INTEGER.fullmatch(value)) or (
            kind is Kind.DECIMAL and not _is_number(value)
        ):
            self.error("bad_default", place, "default", value=value, kind=kind.value)
        return value

    # The whole ----------------------------------------------------------------------------------------------

    def form(self, digest: str) -> Form:
        """Read everything and check it as a whole; worth anything only if no error was found."""
        self._submission()
        self._actions()
        children = tuple(self.children(self.primary, f"/{self.root}", 0, False))
        for name in self.tables:
            self.list_of(name)
        form = Form(
            id=self.primary.get("id", ""),
            version=self.primary.get("version") or self.primary.get(f"{_ODK}version") or "",
            title=self.title.strip() or self.primary.get("id", ""),
            root=self.root,
            languages=self.languages,
            default_language=self.default_language,
            children=children,
            digest=digest,
            lists={name: listed.choices for name, listed in self.lists.items()},
        )
        if not form.version:
            self.warn("no_version", Row("settings", 2), "version")
        self._external()
        self._sizes(form)
        self._references()
        self._cycles(form)
        for (language, sheet), places in self.untranslated.items():
            first, column = min(places, key=lambda found: found[0].row)
            self.warn(
                "missing_translation", Row(sheet, first.row), column, language=language, count=len(places)
            )
        return form

    def _submission(self) -> None:
        submission = self.model.find(f"{_XF}submission")
        if submission is None:
            return
        settings = Row("settings", 2)
        if submission.get("base64RsaPublicKey"):
            self.error("unsupported_encryption", settings, "public_key")
        if submission.get("action"):
            self.error("unsupported_submission_url", settings, "submission_url")

    def _actions(self) -> None:
        """Values set by events: dynamic defaults, triggers, and what a device would measure."""
        placed = [*self.model, *(child for control in self.controls.values() for child in control)]
        for action in placed:
            ref = action.get("ref", "").strip()
            if _plain(action.tag) == "setvalue" and not ref.startswith(f"/{self.root}/meta/"):
                if "xforms-value-changed" in action.get("event", ""):
                    self.error("unsupported_trigger", self.place(ref), "trigger")
                else:
                    self.error("unsupported_default", self.place(ref), "default")

    def _external(self) -> None:
        """Rows that only attach a file. What reads from a file has been told already, at its own place."""
        for name, table in self.tables.items():
            if table.get("src"):
                for path in self.rows:
                    if path.endswith(f"/{name}") and path not in self.known:
                        self.error("unsupported_external", self.rows[path], "type", name=name)

    def _sizes(self, form: Form) -> None:
        questions = sum(1 for _ in form.questions())
        if questions > MAX_QUESTIONS:
            self.error("too_many_questions", Row("survey", 0), count=questions, limit=MAX_QUESTIONS)
        shown = any(question.kind not in (Kind.CALCULATE, Kind.HIDDEN) for question in form.questions())
        if not shown and not self.errors:
            self.error("no_questions", Row("survey", 0))
        choices = sum(len(listed.choices) for listed in self.lists.values())
        if choices > MAX_CHOICES:
            self.error("too_many_choices", Row("choices", 0), count=choices, limit=MAX_CHOICES)

    def _references(self) -> None:
        for use in self.uses:
            for table, column in sorted(use.expression.columns):
                listed = self.list_of(table)
                if listed is not None and column not in listed.columns:
                    self.error("unknown_choice_column", use.place, use.column, name=column, list=table)
            for reference in use.expression.references:
                if reference in self.metadata:
                    name = self.metadata[reference]
                    self.error("metadata_used", use.place, use.column, name=name)
                elif not self._exists(reference):
                    name = reference.rpartition("/")[2]
                    self.error("unknown_reference", use.place, use.column, name=name, path=reference)
                elif (
                    use.column == "relevant"
                    and reference in self.asked
                    and self.known[reference] > self.known.get(use.owner, 0)
                ):
                    name = reference.rpartition("/")[2]
                    self.warn("later_question", use.place, use.column, name=name)

    def _exists(self, reference: str) -> bool:
        if reference in self.known or reference == "/":
            return True
        return "*" in reference and any(_matches(reference, path) for path in self.known)

    def _cycles(self, form: Form) -> None:
        """Values that depend on themselves by relevance, calculation or requirement; constraints may."""
        reads: dict[str, dict[str, _Use]] = {}
        for use in self.uses:
            if use.column in ("relevant", "calculation", "required"):
                for reference in use.expression.references:
                    targets = (
                        [path for path in self.known if _matches(reference, path)]
                        if "*" in reference
                        else [reference]
                    )
                    for target in targets:
                        reads.setdefault(use.owner, {}).setdefault(target, use)
        # What stands in a group is there only when the group is: it depends on the group's relevance.
        parents = {path: path.rpartition("/")[0] for path in self.known}
        graph = {
            path: [*reads.get(path, ()), *([parents[path]] if parents[path] in self.known else [])]
            for path in self.known
        }
        for circle in circles(graph):
            members = set(circle)
            first = min(
                (use for path in circle for target, use in reads.get(path, {}).items() if target in members),
                key=lambda use: (use.place.row, use.column),
            )
            names = [path.rpartition("/")[2] for path in circle]
            self.error("cycle", first.place, first.column, names=" → ".join([*names, names[0]]))


def _matches(reference: str, path: str) -> bool:
    """Whether a path with ``*`` steps names ``path``."""
    steps, names = reference.split("/"), path.split("/")
    return len(steps) == len(names) and all(
        step in ("*", name) for step, name in zip(steps, names, strict=True)
    )


def _is_date(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


def _is_number(text: str) -> bool:
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False


def circles(graph: Mapping[str, Iterable[str]]) -> list[list[str]]:
    """Every group of nodes that reach each other, each as a walk round its shortest circle, in order.

    Strongly connected components by Tarjan's algorithm (R. Tarjan, *Depth-first search and linear graph
    algorithms*, 1972), without recursion. A node that reads itself is a circle of one.
    """
    order: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    on_stack: set[str] = set()
    found: list[set[str]] = []
    for start in graph:
        if start in order:
            continue
        work: list[tuple[str, Iterator[str]]] = [(start, iter(graph[start]))]
        order[start] = low[start] = len(order)
        stack.append(start)
        on_stack.add(start)
        while work:
            node, following = work[-1]
            for target in following:
                if target not in graph:
                    continue
                if target not in order:
                    order[target] = low[target] = len(order)
                    stack.append(target)
                    on_stack.add(target)
                    work.append((target, iter(graph[target])))
                    break
                if target in on_stack:
                    low[node] = min(low[node], order[target])
            else:
                work.pop()
                if work:
                    low[work[-1][0]] = min(low[work[-1][0]], low[node])
                if low[node] == order[node]:
                    members: set[str] = set()
                    while node not in members:
                        members.add(stack.pop())
                    on_stack -= members
                    if len(members) > 1 or node in graph[node]:
                        found.append(members)
    place = {node: index for index, node in enumerate(graph)}
    return [
        _round_trip(graph, members, place)
        for members in sorted(found, key=lambda m: min(map(place.__getitem__, m)))
    ]


def _round_trip(graph: Mapping[str, Iterable[str]], members: set[str], place: Mapping[str, int]) -> list[str]:
    """The shortest walk from the first member back to itself, inside the component."""
    start = min(members, key=place.__getitem__)
    came_from: dict[str, str] = {}
    waiting = [start]
    for node in waiting:
        for target in graph[node]:
            if target == start:
                walk = [node]
                while walk[-1] != start:
                    walk.append(came_from[walk[-1]])
                return walk[::-1]
            if target in members and target not in came_from:
                came_from[target] = node
                waiting.append(target)
    raise AssertionError("a strongly connected component without a circle")
