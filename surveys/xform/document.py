"""An XForm as a document: its model and body indexed by path, before anything is made of it.

Namespaces and attributes are those of the ODK XForms specification (getodk.github.io/xforms-spec).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from xml.etree import ElementTree

Element = ElementTree.Element

XF = "{http://www.w3.org/2002/xforms}"
XHTML = "{http://www.w3.org/1999/xhtml}"
JR = "{http://openrosa.org/javarosa}"
ODK = "{http://www.opendatakit.org/xforms}"
ENTITIES = "{http://www.opendatakit.org/xforms/entities}"

LAST_SAVED = "__last-saved"
"""What a converter calls the instance with the answers of the interview before."""

_BESIDE_CONTROLS = frozenset(
    {"label", "hint", "itemset", "item", "value", "help", "alert", f"{ODK}setgeopoint", f"{ODK}recordaudio"}
)


class NotAnXForm(Exception):
    """The document has no model, instance or body."""


@dataclass(frozen=True, slots=True)
class Action:
    """A value set by an event: ``setvalue`` of the specification. ``trigger`` is the path of the control it
    stands in, or empty.
    """

    ref: str
    events: frozenset[str]
    value: str
    trigger: str


@dataclass(slots=True)
class Document:
    """The parts of an XForm. Paths are absolute (``/data/group/name``), without blanks around them.

    ``known`` numbers every node of the primary instance in form order; ``texts`` are translations by id and
    language; ``tables`` the secondary instances.
    """

    title: str
    root: str
    primary: Element
    model: Element
    binds: Mapping[str, Mapping[str, str]]
    controls: dict[str, Element] = field(default_factory=dict)
    groups: dict[str, Element] = field(default_factory=dict)
    repeats: dict[str, Element] = field(default_factory=dict)
    actions: list[Action] = field(default_factory=list)
    known: dict[str, int] = field(default_factory=dict)
    texts: dict[str, dict[str, list[Element]]] = field(default_factory=dict)
    languages: tuple[str, ...] = ("default",)
    default_language: str = "default"
    tables: dict[str, Element] = field(default_factory=dict)

    def around(self, ref: str) -> tuple[str, ...]:
        """The repeats that ``ref`` stands in, outermost first; a repeat stands in itself."""
        if not self.repeats:
            return ()
        steps = ref.split("/")
        paths = ("/".join(steps[:end]) for end in range(2, len(steps) + 1))
        return tuple(path for path in paths if path in self.repeats)

    def src(self, table: str) -> str:
        """Where the rows of a secondary instance come from (``jr://file-csv/areas.csv``), or nothing."""
        found = self.tables.get(table)
        return "" if found is None else found.get("src", "").replace(".csv.csv", ".csv")


def open_document(document: Element) -> Document:
    """Index an XForm; raises :class:`NotAnXForm`."""
    head, body = document.find(f"{XHTML}head"), document.find(f"{XHTML}body")
    model = None if head is None else head.find(f"{XF}model")
    instances = [] if model is None else model.findall(f"{XF}instance")
    if head is None or body is None or model is None or not instances or not len(instances[0]):
        raise NotAnXForm("model, instance, body")
    title = head.find(f"{XHTML}title")
    primary = instances[0][0]
    binds = model.findall(f"{XF}bind")
    made = Document(
        title="" if title is None else "".join(title.itertext()).strip(),
        root=name_of(primary),
        primary=primary,
        model=model,
        binds={bind.get("nodeset", "").strip(): bind.attrib for bind in binds},
        # ``pulldata('areas.csv', …)`` means the file areas.csv, not areas.csv.csv.
        tables={instance.get("id", "").removesuffix(".csv"): instance for instance in instances[1:]},
    )
    ids = {bind.get("id", ""): bind.get("nodeset", "").strip() for bind in binds}
    _index_body(made, body, ids)
    for path in _paths(primary, f"/{made.root}"):
        made.known.setdefault(path, len(made.known))
    _read_translations(made)
    for element in model:
        _note_action(made, element, "")
    return made


def _index_body(made: Document, body: Element, ids: Mapping[str, str]) -> None:
    """Note every control, group, repeat and action of the body by the path it is bound to."""
    waiting = [(element, f"/{made.root}", "") for element in reversed(body)]
    while waiting:
        element, around, control = waiting.pop()
        tag = plain(element.tag)
        if tag in _BESIDE_CONTROLS or _note_action(made, element, control):
            continue
        path = (element.get("ref") or element.get("nodeset") or ids.get(element.get("bind", ""), "")).strip()
        if path and not path.startswith("/"):
            path = f"{around}/{path}"
        if tag == "repeat":
            made.repeats[path] = element
        elif tag == "group":
            if path:
                made.groups.setdefault(path, element)
        elif path:
            made.controls.setdefault(path, element)
            control = path
        waiting.extend((child, path or around, control) for child in reversed(element))


def _note_action(made: Document, element: Element, control: str) -> bool:
    if plain(element.tag) != "setvalue":
        return False
    events = frozenset(element.get("event", "").split())
    value = element.get("value")
    if value is None:
        # Words between the tags are the value itself, none of both sets it to blank.
        words = (element.text or "").strip()
        value = f'"{words}"' if "'" in words else f"'{words}'"
    made.actions.append(Action(element.get("ref", "").strip(), events, value.strip() or "''", control))
    return True


def _paths(element: Element, path: str) -> Iterator[str]:
    """The path of every node of the instance in form order; a repeat's second copy comes again."""
    waiting = [(element, path)]
    while waiting:
        node, here = waiting.pop()
        yield here
        waiting.extend((child, f"{here}/{name_of(child)}") for child in reversed(node))


def _read_translations(made: Document) -> None:
    """Read itext: the languages in order and the default one (``default`` in a form without any)."""
    languages: list[str] = []
    default = ""
    itext = made.model.find(f"{XF}itext")
    for translation in () if itext is None else itext.findall(f"{XF}translation"):
        language = translation.get("lang", "default")
        languages.append(language)
        if is_true(translation.get("default")) or translation.get("default") == "":
            default = language
        for text in translation.findall(f"{XF}text"):
            values = made.texts.setdefault(text.get("id", ""), {})
            values[language] = text.findall(f"{XF}value")
    if languages:
        made.languages = tuple(dict.fromkeys(languages))
        made.default_language = default or languages[0]


def plain(tag: str) -> str:
    """A tag without the XForms namespace: ``input``; other namespaces stay."""
    return tag.removeprefix(XF)


def name_of(element: Element) -> str:
    """The name of an element without its namespace."""
    return element.tag.rpartition("}")[2]


def bind_type(bind: Mapping[str, str]) -> str:
    """The type of a node: ``string`` where nothing is said, ``int`` for ``xsd:integer`` too."""
    name = bind.get("type", "string").rpartition(":")[2]
    return {"integer": "int", "datetime": "dateTime", "long": "int", "double": "decimal"}.get(name, name)


def is_true(source: str | None) -> bool:
    """Whether an expression is the plain ``true()``."""
    return (source or "").strip() in ("true()", "1")


def is_false(source: str | None) -> bool:
    """Whether an expression is not there or the plain ``false()``."""
    return (source or "").strip() in ("", "false()", "0")


_QUOTED = re.compile(r"""'[^']*'|"[^"]*\"""")


def outside_quotes(source: str, pattern: re.Pattern[str], replacement: str) -> str:
    """``source`` with ``pattern`` replaced, but not inside texts between quotes."""
    made, at = [], 0
    for quoted in _QUOTED.finditer(source):
        made += [pattern.sub(replacement, source[at : quoted.start()]), quoted[0]]
        at = quoted.end()
    return "".join([*made, pattern.sub(replacement, source[at:])])


def bracketed(source: str, start: int) -> str | None:
    """What stands from ``start`` up to the bracket that closes the one before it; ``None`` if none does."""
    depth, quote = 1, ""
    for at in range(start, len(source)):
        sign = source[at]
        if quote:
            quote = "" if sign == quote else quote
        elif sign in "'\"":
            quote = sign
        elif sign in "([":
            depth += 1
        elif sign in ")]":
            depth -= 1
            if depth == 0:
                return source[start:at]
    return None


def split_arguments(source: str, divider: str = ",") -> list[str]:
    """``source`` divided at commas that stand in no brackets or quotes, each part stripped."""
    parts, depth, start = [], 0, 0
    quote = ""
    for at, sign in enumerate(source):
        if quote:
            quote = "" if sign == quote else quote
        elif sign in "'\"":
            quote = sign
        elif sign in "([":
            depth += 1
        elif sign in ")]":
            depth -= 1
        elif sign == divider and depth == 0:
            parts.append(source[start:at].strip())
            start = at + 1
    return [*parts, source[start:].strip()]
