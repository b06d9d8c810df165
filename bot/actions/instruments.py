"""Instruments: published once, then never changed."""

from __future__ import annotations

import json
from typing import Annotated, Any

import msgspec

from bot.actions.gate import Act, Arguments, Nothing, action, everywhere
from bot.authoring.check import generated_texts
from bot.questionnaires import prepare
from storage import instruments
from storage.instruments import Edition, StoredForm
from surveys.attachments import attachment, named_files
from surveys.instruments import read_instrument
from surveys.problems import Problem
from surveys.xform import Row, read_form

MEBIBYTE = 2**20


class Publish(Arguments, frozen=True):
    """An instrument's definition (the content of ``instrument.yaml``) with its form: XForm, row map, files.

    ``rows`` maps a reference to *(sheet, row)*, ``attached`` the name of a file to its content (Base64).
    """

    definition: dict[str, Any]
    xform: Annotated[str, msgspec.Meta(max_length=16 * MEBIBYTE)]
    rows: dict[str, tuple[str, int]]
    attached: dict[str, bytes] = msgspec.field(default_factory=dict)


def edition_view(edition: Edition) -> dict[str, Any]:
    """A version of an instrument as people and programs are shown it."""
    return {
        "id": edition.id,
        "name": edition.name,
        "version": edition.version,
        "form": edition.form_id,
        "title": edition.title,
        "digest": edition.form_digest,
        "published_at": edition.created_at,
    }


@action("instrument.publish", Publish, everywhere, bulk=True)
def publish(act: Act, given: Publish) -> dict[str, Any]:
    """Check a form and its instrument once more, and keep them. Publishing the same again changes nothing.

    Raises Problem ``instrument_form_refused``, ``instrument_…``, ``instrument_version_taken``.
    """
    rows = {ref: Row(sheet, row) for ref, (sheet, row) in given.rows.items()}
    wanted = set(named_files(given.xform))
    attached = tuple(attachment(name, file) for name, file in given.attached.items() if name in wanted)
    loaded = read_form(given.xform, rows, generated=generated_texts(), attached=attached)
    if loaded.form is None:
        raise Problem("instrument_form_refused", count=len(loaded.errors))
    instrument = read_instrument(given.definition, loaded.form)
    prepare(0, loaded.form, instrument)
    for told, most in (
        (instrument.version, 40),
        (loaded.form.id, 200),
        (loaded.form.version, 200),
        (loaded.form.title, 500),
    ):
        if len(told) > most:
            raise Problem("instrument_long", text=told[:40], most=most)
    form = StoredForm(
        digest=loaded.form.digest,
        form_id=loaded.form.id,
        version=loaded.form.version,
        title=loaded.form.title,
        xform=given.xform,
        rows=json.dumps(given.rows, sort_keys=True),
        attached=attached,
    )
    edition, new = instruments.publish(
        act.connection,
        name=instrument.id,
        version=instrument.version,
        form=form,
        definition=json.dumps(given.definition, ensure_ascii=False),
        now=act.now_ms,
    )
    return {**edition_view(edition), "new": new}


@action("instrument.list", Nothing)
def listing(act: Act, _given: Nothing) -> dict[str, Any]:
    """Every version of every instrument."""
    return {"instruments": [edition_view(edition) for edition in instruments.everything(act.connection)]}
