"""What a form is made of: groups, repeats and questions, read from the instance, binds and controls."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, time
from decimal import Decimal, InvalidOperation

from surveys.expressions import Expression
from surveys.forms import (
    ACKNOWLEDGED,
    SELECTS,
    UPLOADS,
    Choice,
    Group,
    Item,
    Kind,
    Question,
    Range,
    Repeat,
    Setting,
    Text,
)
from surveys.xform.document import (
    ENTITIES,
    JR,
    ODK,
    XF,
    Document,
    Element,
    bind_type,
    is_false,
    is_true,
    name_of,
    plain,
)
from surveys.xform.findings import Row
from surveys.xform.lists import NOTHING, Lists
from surveys.xform.notes import SETTINGS, Notes
from surveys.xform.texts import Texts

MAX_DEPTH = 30
"""Groups and repeats in one another."""

_TYPED = {
    "string": Kind.TEXT,
    "int": Kind.INTEGER,
    "decimal": Kind.DECIMAL,
    "date": Kind.DATE,
    "time": Kind.TIME,
    "dateTime": Kind.DATETIME,
    "barcode": Kind.BARCODE,
    "geopoint": Kind.GEOPOINT,
    "boolean": Kind.TEXT,
    # Older converters leave the type of a select on the text that ``or_other`` adds.
    "select1": Kind.TEXT,
    "select": Kind.TEXT,
}
"""Bind types a typed question may have, and what we ask."""

_CONTROLS = {
    "select1": Kind.SELECT_ONE,
    "select": Kind.SELECT_MULTIPLE,
    f"{ODK}rank": Kind.RANK,
    "rank": Kind.RANK,
    "range": Kind.RANGE,
    "trigger": Kind.ACKNOWLEDGE,
}
_UPLOADS = {"image": Kind.IMAGE, "audio": Kind.AUDIO, "video": Kind.VIDEO}
_NODE_TYPES = {Kind.SELECT_ONE: "select1", Kind.SELECT_MULTIPLE: "select", Kind.RANK: "select"}

_DRAWN = frozenset({"annotate", "draw", "signature"})
"""Appearances of pictures that are made by hand on a screen."""
_NOT_ASKED = frozenset({"geotrace", "geoshape"})
_MEASURED = frozenset({"binary", "geopoint", "geotrace", "geoshape"})
"""Types of nodes without a control that only a device could fill in."""

_PRELOADED = {
    ("date", "today"): "once(today())",
    ("timestamp", "start"): "once(now())",
    ("timestamp", "end"): "now()",
    ("uid", ""): "once(concat('uuid:', uuid()))",
}
"""Metadata that we know: worked out when the interview begins, ``end`` when it is handed in."""
_OF_THE_CONTACT = frozenset({"deviceid", "username", "phonenumber", "email"})
"""Metadata that the context may fill in, where that is allowed; blank otherwise."""

_REFUSED_APPEARANCES = {"ex:": "ex:", "printer:": "printer", "intent:": "intent"}

_PLAIN_PATH = re.compile(r"[\w.\-/]+")
_INTEGER = re.compile(r"[+-]?\d+(?:\.0*)?")
_DATE_CELL = re.compile(r"(\d{4}-\d{2}-\d{2})(?:[ T]\d{2}:\d{2}:\d{2}(?:\.\d+)?)?")
"""A date, or a spreadsheet's date cell, which arrives with a time."""
_TIME = re.compile(r"(\d{2}:\d{2}(?::\d{2}(?:\.\d{1,6})?)?)(Z|[+-]\d{2}(?::?\d{2})?)?")


@dataclass(slots=True)
class Items:
    """Reads what stands in the instance. ``settings`` are by reference; ``instance_name`` is there once the
    block ``meta`` has been read.
    """

    document: Document
    notes: Notes
    texts: Texts
    lists: Lists
    settings: Mapping[str, tuple[Setting, ...]]
    instance_name: Expression | None = None

    def children(self, element: Element, path: str, depth: int, read_only: bool | str) -> Iterator[Item]:
        """The model of what stands below ``element``, in form order.

        ``read_only`` is what the groups around say: an absolute expression where it is not plainly yes or no.
        """
        seen: set[str] = set()
        for child in element:
            ref = f"{path}/{name_of(child)}"
            if ref in seen:
                continue
            seen.add(ref)
            if depth == 0 and name_of(child) == "meta":
                yield from self._meta(child, ref)
            elif ref in self.document.groups or ref in self.document.repeats or len(child):
                yield from self._group(child, ref, depth, read_only)
            else:
                yield from self._leaf(child, ref, read_only)

    def _meta(self, meta: Element, path: str) -> Iterator[Item]:
        kept: list[Item] = []
        for child in meta:
            ref, name = f"{path}/{name_of(child)}", name_of(child)
            bind = self.document.binds.get(ref, {})
            if name == "entity":
                self.notes.error("unsupported_entities", Row("entities", 2))
            elif name == "instanceName":
                self.instance_name = self.notes.expression(
                    bind.get("calculate"), ref, "instance_name", SETTINGS
                )
                if self._mentioned(ref):
                    kept.append(
                        Question(ref, name, Kind.CALCULATE, calculation=self.instance_name, row=SETTINGS.row)
                    )
            elif name == "instanceID":
                if self._mentioned(ref):
                    kept += self._unasked(child, ref, {**bind, f"{JR}preload": "uid"}, SETTINGS)
            else:
                self.notes.warn("metadata_ignored", self.notes.place(ref), "type", name=name)
        if kept:
            yield Group(path, "meta", tuple(kept), row=SETTINGS.row)

    def _mentioned(self, ref: str) -> bool:
        """Whether any expression or text of the document names ``ref``."""
        name = re.compile(re.escape(ref) + r"(?![\w.\-])")
        document = self.document
        for path, bind in document.binds.items():
            if path != ref and any(name.search(value) for key, value in bind.items() if key != "nodeset"):
                return True
        if any(name.search(action.value) for action in document.actions):
            return True
        roots = [document.model, *document.controls.values(), *document.groups.values()]
        return any(
            name.search(value)
            for root in roots
            for element in root.iter()
            for key, value in element.attrib.items()
            if key in ("value", "nodeset") and plain(element.tag) != "bind"
        )

    # Groups and repeats -------------------------------------------------------------------------------------

    def _group(self, element: Element, ref: str, depth: int, read_only: bool | str) -> Iterator[Item]:
        place = self.notes.place(ref)
        if depth >= MAX_DEPTH:
            self.notes.error("too_deep", place, "type", limit=MAX_DEPTH)
            return
        bind = self.document.binds.get(ref, {})
        control = self.document.groups.get(ref)
        repeat = self.document.repeats.get(ref)
        for body in (control, repeat):
            if body is not None:
                self._check_appearance(body, place)
        for attribute, column in (
            ("required", "required"),
            ("constraint", "constraint"),
            ("calculate", "calculation"),
        ):
            if not is_false(bind.get(attribute)):
                self.notes.warn("column_ignored", place, column)
        words = None if control is None else control.find(f"{XF}label")
        label = self.texts.text(words, ref, "label", within=ref if repeat is not None else "")
        self.texts.refuse_media_of(words, place)
        relevant = self.notes.expression(bind.get("relevant"), ref, "relevant")
        inside = self._read_only_inside(bind, ref, read_only, place)
        children = tuple(self.children(element, ref, depth + 1, inside))
        if not children:
            return
        if repeat is None:
            yield Group(ref, name_of(element), children, label, relevant, place.row)
            return
        count = self.notes.expression(repeat.get(f"{JR}count"), ref, "repeat_count")
        yield Repeat(
            ref, name_of(element), children, label, relevant, place.row, count, self._governor(count)
        )

    def _governor(self, count: Expression | None) -> str | None:
        """The integer question whose plain value ``count`` is."""
        if count is None or len(count.references) != 1 or not _PLAIN_PATH.fullmatch(count.source):
            return None
        (ref,) = count.references
        control, bind = self.document.controls.get(ref), self.document.binds.get(ref, {})
        asked = control is not None and plain(control.tag) == "input" and bind_type(bind) == "int"
        return ref if asked and not bind.get("calculate") and is_false(bind.get("readonly")) else None

    def _read_only_inside(
        self, bind: Mapping[str, str], ref: str, around: bool | str, place: Row
    ) -> bool | str:
        """What a group says of the questions in it: yes, no, or an expression made of absolute paths."""
        source = (bind.get("readonly") or "").strip()
        if around is True or is_true(source):
            return True
        if is_false(source):
            return around
        expression = self.notes.expression(source, ref, "read_only")
        if expression is None:
            return around
        if self.document.around(ref) or re.search(r"(?<![\w.\-/\])])\.", source):
            # An expression of the group's, to be worked out at its questions, must not be relative.
            self.notes.error("unsupported_read_only", place, "read_only")
            return around
        return source if around is False else f"({around}) or ({source})"

    def _read_only(self, bind: Mapping[str, str], ref: str, around: bool | str) -> bool | Expression:
        source = (bind.get("readonly") or "").strip()
        if around is True or is_true(source):
            return True
        own = "" if is_false(source) else source
        if isinstance(around, str):
            own = f"({around}) or ({own})" if own else around
        return self.notes.expression(own, ref, "read_only") or False

    def _check_appearance(self, control: Element, place: Row) -> None:
        appearance = control.get("appearance", "")
        for start, name in _REFUSED_APPEARANCES.items():
            if any(word.startswith(start) for word in appearance.split()):
                self.notes.error("unsupported_appearance", place, "appearance", appearance=name)
        if control.get("intent"):
            self.notes.error("unsupported_appearance", place, "intent", appearance="intent")

    # Questions ----------------------------------------------------------------------------------------------

    def _leaf(self, element: Element, ref: str, read_only: bool | str) -> Iterator[Question]:
        bind = self.document.binds.get(ref, {})
        control = self.document.controls.get(ref)
        place = self.notes.place(ref)
        if f"{ENTITIES}saveto" in bind:
            self.notes.error("unsupported_entities", place, "save_to")
        if control is None:
            yield from self._unasked(element, ref, bind, place)
            return
        kind = self._kind(control, bind)
        if isinstance(kind, str) and not isinstance(kind, Kind):
            yield from self._left_out(element, ref, bind, place, kind)
            return
        self._check_appearance(control, place)
        yield from self._asked(element, ref, bind, control, kind, self._read_only(bind, ref, read_only))

    def _kind(self, control: Element, bind: Mapping[str, str]) -> Kind | str:
        """What a control asks, or XLSForm's name of what can't be asked by chat."""
        tag = plain(control.tag)
        appearances = set(control.get("appearance", "").split())
        if tag == "upload":
            mediatype = control.get("mediatype", "").partition("/")[0]
            drawn = sorted(appearances & _DRAWN)
            if mediatype == "osm" or drawn:
                return mediatype if mediatype == "osm" else drawn[0]
            return _UPLOADS.get(mediatype, Kind.FILE)
        if tag == "input":
            if control.get("query"):
                return "select_one_external"
            return _TYPED.get(bind_type(bind), bind_type(bind))
        return _CONTROLS.get(tag, name_of(control))

    def _left_out(
        self, element: Element, ref: str, bind: Mapping[str, str], place: Row, type: str
    ) -> Iterator[Question]:
        """A question that no chat can ask: left out, blank in expressions, if it need not be answered."""
        optional = type in _NOT_ASKED or type in _DRAWN
        if not optional or not is_false(bind.get("required")):
            code = "required_type" if optional else "unsupported_type"
            self.notes.error(code, place, "type", type=type)
            return
        self.notes.warn("left_out", place, "type", type=type)
        yield self._blank(element, ref, bind, place)

    def _blank(self, element: Element, ref: str, bind: Mapping[str, str], place: Row) -> Question:
        """A field that stays blank, for what nobody can fill in."""
        relevant = self.notes.expression(bind.get("relevant"), ref, "relevant")
        return Question(
            ref, name_of(element), Kind.HIDDEN, relevant=relevant, row=place.row, type=bind_type(bind)
        )

    def _asked(
        self,
        element: Element,
        ref: str,
        bind: Mapping[str, str],
        control: Element,
        kind: Kind,
        read_only: bool | Expression,
    ) -> Iterator[Question]:
        """A question with a control: asked, or shown if it is read only or calculated."""
        place = self.notes.place(ref)
        offered = NOTHING
        if kind in SELECTS:
            if "label" in control.get("appearance", "").split():
                # Only the labels of a table's columns are shown: a heading, nothing to answer.
                kind, read_only = Kind.NOTE, True
            else:
                offered = self.lists.offered(control, ref)
        calculation = self.notes.expression(bind.get("calculate"), ref, "calculation")
        settings = self.settings.get(ref, ())
        if kind is Kind.TEXT and read_only is True and not bind.get("calculate") and not settings:
            kind = Kind.NOTE
        label, hint, guidance = self._words(control, ref)
        told = len(self.notes.errors)
        media = self.texts.media(control.find(f"{XF}label"), ref, label)
        nothing_left = len(self.notes.errors) > told
        if kind is Kind.NOTE and not (label or hint or media):
            return
        if not (label or hint or media):
            if not guidance and not nothing_left:
                self.notes.error("no_label", place, "label", name=name_of(element))
            label, guidance = guidance, Text()
        constraint = self.notes.expression(bind.get("constraint"), ref, "constraint")
        constraint_message = self.texts.message(bind, "constraintMsg", ref, "constraint_message")
        if constraint is not None and not constraint_message:
            self.notes.warn("constraint_without_message", place, "constraint_message")
        required = None
        if not is_false(bind.get("required")):
            required = self.notes.expression(bind.get("required"), ref, "required")
        if required is not None and read_only is True and calculation is None:
            self.notes.warn("required_not_asked", place, "required")
        if read_only is not True and calculation is None:
            self.notes.asked.add(ref)
        yield Question(
            ref=ref,
            name=name_of(element),
            kind=kind,
            label=label,
            hint=hint,
            guidance=guidance,
            choices=offered.choices,
            choice_filter=offered.choice_filter,
            relevant=self.notes.expression(bind.get("relevant"), ref, "relevant"),
            required=required,
            required_message=self.texts.message(bind, "requiredMsg", ref, "required_message"),
            constraint=constraint,
            constraint_message=constraint_message,
            calculation=calculation,
            read_only=read_only,
            default=self._default(element, kind, offered.choices, place),
            appearance=control.get("appearance", ""),
            row=place.row,
            list_name=offered.list_name,
            type=_NODE_TYPES.get(kind) or bind_type(bind),
            picked=offered.picked,
            shuffled=offered.shuffled,
            seed=offered.seed,
            range=self._range(control, place) if kind is Kind.RANGE else None,
            settings=settings,
            media=media,
        )

    def _words(self, control: Element, ref: str) -> tuple[Text, Text, Text]:
        """Label, hint and guidance hint of a control; the question that ``or_other`` adds gets our words."""
        rows = self.notes.rows
        if ref not in rows and ref.endswith("_other") and ref.removesuffix("_other") in rows:
            return self.texts.added("question", "Specify other."), Text(), Text()
        hint = control.find(f"{XF}hint")
        return (
            self.texts.text(control.find(f"{XF}label"), ref, "label"),
            self.texts.text(hint, ref, "hint"),
            self.texts.text(hint, ref, "guidance_hint", form="guidance"),
        )

    def _range(self, control: Element, place: Row) -> Range | None:
        """The bounds and step of a range; what makes no sense is an error."""
        try:
            start, end, step = (
                Decimal(control.get(name, default))
                for name, default in (("start", "1"), ("end", "10"), ("step", "1"))
            )
        except InvalidOperation:
            self.notes.error("bad_range", place, "parameters")
            return None
        step = abs(step)
        sound = all(number.is_finite() for number in (start, end, step)) and step > 0 and start != end
        if not sound or step > abs(end - start):
            self.notes.error("bad_range", place, "parameters")
            return None
        return Range(min(start, end), max(start, end), step)

    def _unasked(self, element: Element, ref: str, bind: Mapping[str, str], place: Row) -> Iterator[Question]:
        """A leaf without a control: calculated, hidden, or metadata."""
        source = bind.get("calculate")
        preload, parameter = bind.get(f"{JR}preload"), bind.get(f"{JR}preloadParams", "")
        column = "calculation"
        if preload and not source:
            source = _PRELOADED.get((preload, "" if preload == "uid" else parameter))
            column = "type"
            if source is None:
                if parameter not in _OF_THE_CONTACT:
                    self.notes.warn("metadata_ignored", place, "type", name=parameter or preload)
                yield self._blank(element, ref, bind, place)
                return
        given = source or ref in self.settings or (element.text or "").strip()
        if bind_type(bind) in _MEASURED and not given:
            if not is_false(bind.get("required")):
                self.notes.error("required_type", place, "type", type=bind_type(bind))
            self.notes.warn("metadata_ignored", place, "type", name=name_of(element))
            yield self._blank(element, ref, bind, place)
            return
        for attribute in ("required", "constraint"):
            if not is_false(bind.get(attribute)):
                self.notes.warn("column_ignored", place, attribute)
        if self.notes.is_count(ref):
            column = "repeat_count"
        kind = Kind.CALCULATE if source else Kind.HIDDEN
        yield Question(
            ref=ref,
            name=name_of(element),
            kind=kind,
            relevant=self.notes.expression(bind.get("relevant"), ref, "relevant"),
            calculation=self.notes.expression(source, ref, column),
            default=self._default(element, kind, (), place),
            row=place.row,
            type=bind_type(bind),
            settings=self.settings.get(ref, ()),
            at_end=(preload, parameter) == ("timestamp", "end"),
        )

    # Defaults -----------------------------------------------------------------------------------------------

    def _default(self, element: Element, kind: Kind, choices: Sequence[Choice], place: Row) -> str | None:
        """A static default that fits the question, or ``None``."""
        value = (element.text or "").strip()
        if not value:
            return None
        if kind in SELECTS:
            names = {choice.name for choice in choices}
            for part in (value,) if kind is Kind.SELECT_ONE else value.split():
                if choices and part not in names:
                    self.notes.error("default_not_in_list", place, "default", value=part)
            return value
        if kind in UPLOADS:
            self.notes.warn("column_ignored", place, "default")
            return None
        fitting = _fitting(value, kind)
        if fitting is None:
            self.notes.error("bad_default", place, "default", value=value, kind=kind.value)
        return fitting


def _fitting(value: str, kind: Kind) -> str | None:
    """A static default as the question keeps it; ``None`` if it can't be an answer."""
    match kind:
        case Kind.INTEGER:
            return value.partition(".")[0] if _INTEGER.fullmatch(value) else None
        case Kind.DECIMAL | Kind.RANGE:
            return value if _is_number(value) else None
        case Kind.DATE:
            dated = _DATE_CELL.fullmatch(value)
            return dated[1] if dated and _is_date(dated[1]) else None
        case Kind.TIME:
            return value if _is_time(value) else None
        case Kind.DATETIME:
            day, _, hour = value.replace(" ", "T", 1).partition("T")
            return f"{day}T{hour}" if _is_date(day) and _is_time(hour) else None
        case Kind.GEOPOINT:
            return value if _is_place(value) else None
        case Kind.ACKNOWLEDGE:
            return value if value == ACKNOWLEDGED else None
        case _:
            return value


def _is_date(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return len(text) == len("2025-07-01")


def _is_time(text: str) -> bool:
    found = _TIME.fullmatch(text)
    if found is None:
        return False
    try:
        time.fromisoformat(found[1][:8])
    except ValueError:
        return False
    return True


def _is_number(text: str) -> bool:
    try:
        return math.isfinite(float(text)) and "_" not in text
    except ValueError:
        return False


def _is_place(text: str) -> bool:
    numbers = text.split()
    if not 2 <= len(numbers) <= 4 or not all(map(_is_number, numbers)):
        return False
    return abs(float(numbers[0])) <= 90 and abs(float(numbers[1])) <= 180
