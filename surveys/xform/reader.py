"""XForm → Form: reads what a converter made of an XLSForm, and refuses what a chat can't ask.

Sources: the ODK XForms specification (getodk.github.io/xforms-spec) and the XLSForm reference (xlsform.org).
A converter checks the sheet, not the expressions: syntax, unknown nodes, dependency cycles, filters on
columns that are not there and impossible defaults are found here.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from xml.etree import ElementTree

from surveys.attachments import Attachment
from surveys.forms import Form
from surveys.xform.actions import read_settings
from surveys.xform.checks import check
from surveys.xform.document import ODK, Document, NotAnXForm, open_document
from surveys.xform.findings import Finding, Loaded, Row, in_order
from surveys.xform.items import Items
from surveys.xform.lists import Lists
from surveys.xform.notes import Notes
from surveys.xform.texts import Generated, Texts

MAX_XFORM = 16 * 2**20
"""Characters of an XForm: more than any form of the other bounds needs."""


def read_form(
    xform_xml: str,
    rows: Mapping[str, Row],
    *,
    generated: Mapping[str, Generated] | None = None,
    attached: Iterable[Attachment] = (),
) -> Loaded:
    """Read an XForm.

    ``rows`` tells the row of every reference (``/data/group/name``) and choice (:func:`choice_ref`); what it
    does not know is placed at the nearest group that it does. ``generated`` replaces the English texts that a
    converter adds for ``or_other``, by language code (``vi``), with ``""`` for a form that names no language.
    ``attached`` are the files that the form names: lists, tables, media.
    """
    if len(xform_xml) > MAX_XFORM:
        return Loaded(None, (Finding("too_much", params={"limit": MAX_XFORM // 2**20}),))
    if "<!DOCTYPE" in xform_xml or "<!ENTITY" in xform_xml:
        return Loaded(None, (Finding("unsafe_xml"),))
    try:
        # A document type is refused above, so there are no entities to expand.
        document = open_document(ElementTree.fromstring(xform_xml))  # noqa: S314
    except (ElementTree.ParseError, NotAnXForm) as error:
        return Loaded(None, (Finding("not_xform", params={"detail": str(error)}),))
    files = {file.name: file for file in attached}
    notes = Notes(document, rows)
    form = _read(document, notes, generated or {}, files, _digest(xform_xml, rows, files))
    return Loaded(None if notes.errors else form, in_order(notes.errors), in_order(notes.warnings))


def _digest(xform_xml: str, rows: Mapping[str, Row], files: Mapping[str, Attachment]) -> str:
    placed = json.dumps({ref: [row.sheet, row.row] for ref, row in rows.items()}, sort_keys=True)
    parts = [xform_xml, placed]
    if files:
        parts.append(json.dumps({name: file.digest for name, file in files.items()}, sort_keys=True))
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def _read(
    document: Document,
    notes: Notes,
    generated: Mapping[str, Generated],
    files: Mapping[str, Attachment],
    digest: str,
) -> Form:
    """Read everything and check it as a whole; worth anything only if no error was noted."""
    texts = Texts(document, notes, generated, files)
    lists = Lists(document, notes, texts, files)
    items = Items(document, notes, texts, lists, read_settings(document, notes))
    children = tuple(items.children(document.primary, f"/{document.root}", 0, False))
    for name in document.tables:
        lists.list_of(name)
    for name, (place, column) in notes.tables_used.items():
        if document.src(name):
            lists.table(name, place, column)
    primary = document.primary
    form = Form(
        id=primary.get("id", ""),
        version=primary.get("version") or primary.get(f"{ODK}version") or "",
        title=document.title or primary.get("id", ""),
        root=document.root,
        languages=document.languages,
        default_language=document.default_language,
        children=children,
        digest=digest,
        lists={name: listed.choices for name, listed in lists.lists.items()},
        tables=lists.tables,
        instance_name=items.instance_name,
    )
    check(form, document, notes, lists)
    for (language, sheet), places in texts.untranslated.items():
        first, column = min(places, key=lambda found: found[0].row)
        notes.warn("missing_translation", Row(sheet, first.row), column, language=language, count=len(places))
    return form
