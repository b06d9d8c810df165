"""Published instruments: a form and how it is scored, never changed once written."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, insert, or_, select

from storage.ids import is_id
from storage.schema import form_attachments, forms, instruments
from storage.unless_there import insert_unless_there
from surveys.attachments import Attachment, is_table
from surveys.problems import Problem


@dataclass(frozen=True, slots=True)
class StoredForm:
    """A form as checked: its XForm, ``rows``, JSON that maps a reference to ``[sheet, row]``, and the files
    that came with it.
    """

    digest: str
    form_id: str
    version: str
    title: str
    xform: str
    rows: str
    attached: tuple[Attachment, ...] = ()


@dataclass(frozen=True, slots=True)
class Instrument:
    """A version of an instrument with its form. ``definition`` is JSON with the content of
    ``instrument.yaml``; of ``attached`` only tables come with their content, media by name.
    """

    id: int
    name: str
    version: str
    definition: str
    created_at: int
    form_digest: str
    form_id: str
    form_version: str
    title: str
    xform: str
    rows: str
    attached: tuple[Attachment, ...] = ()


@dataclass(frozen=True, slots=True)
class Edition:
    """A version of an instrument, without what it asks."""

    id: int
    name: str
    version: str
    form_id: str
    title: str
    form_digest: str
    created_at: int


_EDITION = (
    instruments.c.id,
    instruments.c.name,
    instruments.c.version,
    forms.c.form_id,
    forms.c.title,
    instruments.c.form_digest,
    instruments.c.created_at,
)
_JOINED = instruments.join(forms, forms.c.digest == instruments.c.form_digest)


def get(connection: Connection, instrument_id: int) -> Instrument | None:
    """The instrument with this id, its form included."""
    row = connection.execute(
        select(
            instruments.c.id,
            instruments.c.name,
            instruments.c.version,
            instruments.c.definition,
            instruments.c.created_at,
            forms.c.digest,
            forms.c.form_id,
            forms.c.version,
            forms.c.title,
            forms.c.xform,
            forms.c.rows,
        )
        .select_from(_JOINED)
        .where(instruments.c.id == instrument_id)
    ).one_or_none()
    return Instrument(*row, attached=_attached(connection, row.digest)) if row else None


def _attached(connection: Connection, form_digest: str) -> tuple[Attachment, ...]:
    """The files of a form by name; the content of tables, which are read with the form."""
    files = form_attachments.c
    named = select(files.name, files.digest).where(files.form_digest == form_digest).order_by(files.name)
    found = []
    for name, digest in connection.execute(named).all():
        content = b""
        if is_table(name):
            wanted = select(files.content).where(files.form_digest == form_digest, files.name == name)
            content = connection.execute(wanted).scalar_one()
        found.append(Attachment(name, digest, content))
    return tuple(found)


def attachment(connection: Connection, instrument_id: int, name: str) -> Attachment | None:
    """A file of an instrument's form with its content: a picture to be shown with a question."""
    files = form_attachments.c
    row = connection.execute(
        select(files.name, files.digest, files.content)
        .join_from(form_attachments, instruments, instruments.c.form_digest == files.form_digest)
        .where(instruments.c.id == instrument_id, files.name == name)
    ).one_or_none()
    return Attachment(*row) if row else None


def everything(connection: Connection) -> list[Edition]:
    """All versions of all instruments, by name, the newest of each first."""
    statement = select(*_EDITION).select_from(_JOINED).order_by(instruments.c.name, instruments.c.id.desc())
    return [Edition(*row) for row in connection.execute(statement)]


def expect(connection: Connection, wanted: int | str) -> Edition:
    """An instrument by id, ``name``, ``name@version`` or the id of its form; of several versions the newest.

    Raises Problem ``instrument_unknown`` (404).
    """
    statement = select(*_EDITION).select_from(_JOINED).order_by(instruments.c.id.desc()).limit(1)
    if is_id(wanted):
        statement = statement.where(instruments.c.id == int(wanted))
    else:
        name, _, version = str(wanted).partition("@")
        statement = statement.where(or_(instruments.c.name == name, forms.c.form_id == name))
        if version:
            statement = statement.where(instruments.c.version == version)
    row = connection.execute(statement).one_or_none()
    if row is None:
        raise Problem("instrument_unknown", status=404, id=wanted)
    return Edition(*row)


def newest(connection: Connection, name: str) -> Edition:
    """The version of an instrument that was published last. Raises Problem ``instrument_unknown`` (404)."""
    statement = (
        select(*_EDITION)
        .select_from(_JOINED)
        .where(instruments.c.name == name)
        .order_by(instruments.c.id.desc())
        .limit(1)
    )
    row = connection.execute(statement).one_or_none()
    if row is None:
        raise Problem("instrument_unknown", status=404, id=name)
    return Edition(*row)


def put_form(connection: Connection, form: StoredForm, now: int) -> None:
    """Keep a form; one with the same digest is the same form and is kept once."""
    known = connection.execute(select(forms.c.digest).where(forms.c.digest == form.digest)).scalar()
    if known is None:
        insert_unless_there(
            connection,
            forms,
            digest=form.digest,
            form_id=form.form_id,
            version=form.version,
            title=form.title,
            xform=form.xform,
            rows=form.rows,
            created_at=now,
        )
        for file in form.attached:
            insert_unless_there(
                connection,
                form_attachments,
                form_digest=form.digest,
                name=file.name,
                digest=file.digest,
                content=file.content,
            )


def publish(
    connection: Connection, *, name: str, version: str, form: StoredForm, definition: str, now: int
) -> tuple[Edition, bool]:
    """Write a version of an instrument; *(what is stored, whether it is new)*.

    The very same version may be published again and changes nothing. Raises Problem
    ``instrument_version_taken`` when that version has another form or definition: what tables were printed
    from must stay what it was.
    """
    put_form(connection, form, now)
    there = connection.execute(
        select(instruments.c.id, instruments.c.form_digest, instruments.c.definition).where(
            instruments.c.name == name, instruments.c.version == version
        )
    ).one_or_none()
    if there is not None:
        if (there.form_digest, there.definition) != (form.digest, definition):
            raise Problem("instrument_version_taken", name=name, version=version)
        return expect(connection, int(there.id)), False
    key: int = connection.execute(
        insert(instruments)
        .values(name=name, version=version, form_digest=form.digest, definition=definition, created_at=now)
        .returning(instruments.c.id)
    ).scalar_one()
    return expect(connection, key), True
