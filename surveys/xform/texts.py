"""Words of a form: labels, hints and messages in every language, and media beside them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from surveys.attachments import Attachment
from surveys.expressions import Expression
from surveys.forms import Media, Template, Text, language_code
from surveys.xform.document import JR, Document, Element, outside_quotes, plain
from surveys.xform.findings import Row
from surveys.xform.notes import Notes

MAX_TEXT = 20_000
"""Characters of one label, hint or message; references count nothing."""
LONG_TEXT = 1_900
"""A longer text is sent as several messages (Zalo takes 2,000 characters a message)."""

_ITEXT = re.compile(r"\s*jr:itext\(\s*(['\"])(.*)\1\s*\)\s*", re.DOTALL)
_MEDIA = {"image": "image", "big-image": "image", "audio": "audio", "video": "video"}
_FILE = re.compile(r"jr://[\w\-]+/(.+)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Generated:
    """The two texts that ``or_other`` adds, in one language: the extra choice and the question after it."""

    choice: str
    question: str


@dataclass(slots=True)
class Texts:
    """Reads the texts of ``document``. ``attached`` are the files that came with the form."""

    document: Document
    notes: Notes
    generated: Mapping[str, Generated]
    attached: Mapping[str, Attachment]
    untranslated: dict[tuple[str, str], list[tuple[Row, str]]] = field(default_factory=dict)
    """Texts that lack a language: places by language and sheet."""

    def text(
        self,
        element: Element | None,
        owner: str,
        column: str,
        *,
        form: str | None = None,
        within: str = "",
    ) -> Text:
        """A label or hint: its own words, or its translations (of one ``form``, such as guidance).

        ``within`` is the repeat whose own instance is meant by its path: the label of a repeat.
        """
        if element is None:
            return Text()
        place = self.notes.place(owner)
        pointed = _ITEXT.fullmatch(element.get("ref") or "")
        if pointed:
            return self.translated(pointed[2], owner, column, place, form, within)
        if form is not None:
            return Text()
        return self.literal(element, owner, column, place, within)

    def literal(self, element: Element, owner: str, column: str, place: Row, within: str = "") -> Text:
        """A text that stands in one language only: the default one."""
        template, size = self._template(element, owner, column, place, within)
        if not template:
            return Text()
        self._check_length(size, place, column)
        for language in self.document.languages:
            if language != self.document.default_language:
                self.untranslated.setdefault((language, place.sheet), []).append((place, column))
        return Text({self.document.default_language: template})

    def translated(
        self, key: str, owner: str, column: str, place: Row, form: str | None = None, within: str = ""
    ) -> Text:
        """The translations of one text; ``-`` is what a converter writes for a missing one."""
        by_language: dict[str, Template] = {}
        languages = self.document.languages
        for language in languages:
            for value in self.document.texts.get(key, {}).get(language, ()):
                kind = value.get("form")
                if (kind if kind in ("guidance", "short", *_MEDIA) else None) != form:
                    continue
                template, size = self._template(value, owner, column, place, within)
                if not template or (template == ("-",) and len(languages) > 1):
                    continue
                self._check_length(size, place, column)
                by_language.setdefault(language, template)
        for language in languages if by_language else ():
            if language not in by_language:
                self.untranslated.setdefault((language, place.sheet), []).append((place, column))
        return Text(by_language)

    def message(self, bind: Mapping[str, str], attribute: str, owner: str, column: str) -> Text:
        """A message of a bind: an attribute with words, or a pointer to translations."""
        words = bind.get(f"{JR}{attribute}", "").strip()
        if not words:
            return Text()
        place = self.notes.place(owner)
        pointed = _ITEXT.fullmatch(words)
        if pointed:
            return self.translated(pointed[2], owner, column, place)
        element = Element("value")
        element.text = words
        return self.literal(element, owner, column, place)

    def added(self, which: str, english: str) -> Text:
        """A text that a converter added in English, in every language of the form that we have words for."""
        by_language: dict[str, Template] = {}
        for language in self.document.languages:
            words = self.generated.get(language_code(language))
            if words is not None:
                by_language[language] = (words.choice if which == "choice" else words.question,)
        by_language.setdefault(self.document.default_language, (english,))
        return Text(by_language)

    # Media --------------------------------------------------------------------------------------------------

    def media(self, element: Element | None, owner: str, label: Text) -> tuple[Media, ...]:
        """What is shown with a label.

        A file that did not come with the form is left out with a warning; an error where the label has no
        words either, so that nothing would be left to show.
        """
        pointed = None if element is None else _ITEXT.fullmatch(element.get("ref") or "")
        if pointed is None:
            return ()
        place = self.notes.place(owner)
        found: dict[str, dict[str, str]] = {}
        missing: dict[tuple[str, str], None] = {}
        for kind, column, language, name in self._files(pointed[2]):
            if name in self.attached:
                found.setdefault(kind, {}).setdefault(language, name)
            else:
                missing[column, name] = None
        for column, name in missing:
            if label or found:
                self.notes.warn("missing_media", place, column, name=name)
            else:
                self.notes.error("missing_file", place, column, name=name)
        return tuple(Media(kind, names) for kind, names in found.items())

    def refuse_media(self, key: str, place: Row) -> None:
        """Warn of media where none is shown: on choices, groups and hints."""
        for column in dict.fromkeys(column for _, column, _, _ in self._files(key)):
            self.notes.warn("media_not_shown", place, column)

    def refuse_media_of(self, element: Element | None, place: Row) -> None:
        """As :meth:`refuse_media`, for whatever ``element`` points to."""
        pointed = None if element is None else _ITEXT.fullmatch(element.get("ref") or "")
        if pointed is not None:
            self.refuse_media(pointed[2], place)

    def _files(self, key: str) -> list[tuple[str, str, str, str]]:
        """Media of one text: *(kind, column, language, file name)*; a picture before its larger version."""
        files = []
        for language in self.document.languages:
            for value in self.document.texts.get(key, {}).get(language, ()):
                column = value.get("form") or ""
                named = _FILE.fullmatch("".join(value.itertext()).strip())
                if column in _MEDIA and named:
                    files.append((_MEDIA[column], column, language, named[1].strip()))
        return sorted(files, key=lambda found: found[1] == "big-image")

    # Words --------------------------------------------------------------------------------------------------

    def _template(
        self, element: Element, owner: str, column: str, place: Row, within: str
    ) -> tuple[Template, int]:
        """One text with its references, and its number of characters. Outer blanks are the converter's."""
        parts: list[str | Expression] = [element.text or ""]
        for child in element:
            if plain(child.tag) == "output":
                source = child.get("value") or child.get("ref") or ""
                if within:
                    source = of_this(source, within)
                shown = self.notes.expression(source, owner, column, place)
                if shown is not None:
                    parts.append(shown)
            parts.append(child.tail or "")
        if isinstance(parts[0], str):
            parts[0] = parts[0].lstrip()
        if isinstance(parts[-1], str):
            parts[-1] = parts[-1].rstrip()
        kept: Template = tuple(part for part in parts if part != "")
        return kept, sum(len(part) for part in kept if isinstance(part, str))

    def _check_length(self, size: int, place: Row, column: str) -> None:
        if size > MAX_TEXT:
            self.notes.error("text_too_long", place, column, length=size, limit=MAX_TEXT)
        elif size > LONG_TEXT:
            self.notes.warn("text_long", place, column, length=size, limit=LONG_TEXT)


def of_this(source: str, repeat: str) -> str:
    """``source``, an expression of ``repeat``, with every path into the repeat meaning its own instance.

    A converter writes ``../member/name`` or ``/data/member/name`` in the label of *member*: all instances.
    """
    name = repeat.rpartition("/")[2]
    path = re.compile(rf"(?<![\w.\-/\])])(?:\.\./{re.escape(name)}|{re.escape(repeat)})/")
    return outside_quotes(source, path, "./")
