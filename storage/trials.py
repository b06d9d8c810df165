"""Forms that members of staff try in a chat before anything is published: each with its report, and the
interviews in which it was tried. All of it goes again after some days.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, delete, func, insert, select, update

from storage import media
from storage.crypto import Keyring
from storage.database import insert_row
from storage.instruments import Instrument
from storage.schema import answer_log, interviews, media_pieces, sessions, trial_files, trials
from storage.schema import media as media_table
from surveys.attachments import Attachment, is_table
from surveys.problems import Problem

_NAME = b"trials.name"


@dataclass(frozen=True, slots=True)
class Trial:
    """A form that was sent. ``state``: ``coming`` (its file is still to be fetched), ``checking``, ``ready``
    (to be tried), ``refused`` (it has errors) or ``failed`` (it could not be had, or not be checked).

    ``report`` is JSON, empty until it was checked; ``media_id`` the file while it waits.
    """

    id: int
    account_id: int
    contact_id: int
    media_id: int | None
    name: str
    state: str
    report: str
    form_id: str
    version: str
    title: str
    created_at: int


@dataclass(frozen=True, slots=True)
class Tried:
    """A form as it is to be tried: its XForm, ``rows``, JSON that maps a reference to ``[sheet, row]``, and
    the files that came with it.
    """

    form_id: str
    version: str
    title: str
    digest: str
    xform: str
    rows: str
    attached: tuple[Attachment, ...] = ()


def begin(
    connection: Connection,
    keyring: Keyring,
    *,
    account_id: int,
    contact_id: int,
    media_id: int,
    name: str,
    state: str,
    now: int,
) -> int:
    """A form that came, or is coming; its number, which is never given out again."""
    return insert_row(
        connection,
        trials,
        account_id=account_id,
        contact_id=contact_id,
        media_id=media_id,
        name_sealed=keyring.seal(name.encode(), _NAME),
        state=state,
        created_at=now,
        changed_at=now,
    )


_TRIAL = (
    trials.c.id,
    trials.c.account_id,
    trials.c.contact_id,
    trials.c.media_id,
    trials.c.name_sealed,
    trials.c.state,
    func.coalesce(trials.c.report, ""),
    trials.c.form_id,
    trials.c.version,
    trials.c.title,
    trials.c.created_at,
)


def _trial(row: Any, keyring: Keyring) -> Trial:
    name = keyring.open(row[4], _NAME).decode()
    return Trial(row[0], row[1], row[2], row[3], name, row[5], row[6], row[7], row[8], row[9], row[10])


def of_account(connection: Connection, keyring: Keyring, account_id: int) -> list[Trial]:
    """An account's forms, the newest first."""
    rows = connection.execute(
        select(*_TRIAL).where(trials.c.account_id == account_id).order_by(trials.c.id.desc())
    )
    return [_trial(row, keyring) for row in rows]


def number_of(connection: Connection, account_id: int) -> int:
    """How many forms of an account are kept."""
    return connection.execute(
        select(func.count()).select_from(trials).where(trials.c.account_id == account_id)
    ).scalar_one()


def get(connection: Connection, keyring: Keyring, trial_id: int) -> Trial | None:
    """The form with this number."""
    row = connection.execute(select(*_TRIAL).where(trials.c.id == trial_id)).one_or_none()
    return _trial(row, keyring) if row else None


def expect(connection: Connection, keyring: Keyring, trial_id: int, account_id: int | None) -> Trial:
    """An account's form with this number. Raises Problem ``trial_unknown`` (404), also for another's."""
    found = get(connection, keyring, trial_id)
    if found is None or found.account_id != account_id:
        raise Problem("trial_unknown", status=404, number=trial_id)
    return found


def report_of(connection: Connection, trial_id: int) -> str | None:
    """The report (JSON) on a form; None when the form is gone."""
    row = connection.execute(select(trials.c.report).where(trials.c.id == trial_id)).one_or_none()
    return (row[0] or "") if row else None


def has_file(connection: Connection, media_id: int) -> bool:
    """Whether a file is a form's that waits to be checked."""
    found = connection.execute(select(trials.c.id).where(trials.c.media_id == media_id)).first()
    return found is not None


def waiting_for(connection: Connection, media_id: int) -> tuple[int, int, int] | None:
    """*(trial, account, contact)* of the form whose file this is, while it waits for that."""
    row = connection.execute(
        select(trials.c.id, trials.c.account_id, trials.c.contact_id).where(
            trials.c.media_id == media_id, trials.c.state == "coming"
        )
    ).one_or_none()
    return (row[0], row[1], row[2]) if row else None


def move(connection: Connection, trial_id: int, state: str, now: int) -> None:
    """Note how far a form is."""
    connection.execute(update(trials).where(trials.c.id == trial_id).values(state=state, changed_at=now))


def end(connection: Connection, trial_id: int, state: str, report: str, form: Tried | None, now: int) -> bool:
    """Write what came of a form's check, and drop its file; False when it is gone."""
    values: dict[str, Any] = {"state": state, "report": report, "media_id": None, "changed_at": now}
    if form is not None:
        values |= {
            "form_id": form.form_id,
            "version": form.version,
            "title": form.title,
            "digest": form.digest,
            "xform": form.xform,
            "rows": form.rows,
        }
    was = connection.execute(select(trials.c.media_id).where(trials.c.id == trial_id)).one_or_none()
    if was is None:
        return False
    connection.execute(update(trials).where(trials.c.id == trial_id).values(**values))
    connection.execute(delete(trial_files).where(trial_files.c.trial_id == trial_id))
    files = form.attached if form is not None else ()
    if files:
        connection.execute(
            insert(trial_files),
            [
                {"trial_id": trial_id, "name": one.name, "digest": one.digest, "content": one.content}
                for one in files
            ],
        )
    if was[0] is not None:
        media.drop(connection, was[0])
    return True


def form(connection: Connection, trial_id: int) -> Instrument | None:
    """A form that is ready, as an instrument without a definition; its id is minus the trial's number."""
    row = connection.execute(
        select(
            trials.c.form_id,
            trials.c.version,
            trials.c.title,
            trials.c.digest,
            trials.c.xform,
            trials.c.rows,
            trials.c.created_at,
        ).where(trials.c.id == trial_id, trials.c.state == "ready")
    ).one_or_none()
    if row is None:
        return None
    return Instrument(
        id=-trial_id,
        name=row.form_id,
        version=row.version,
        definition="",
        created_at=row.created_at,
        form_digest=row.digest,
        form_id=row.form_id,
        form_version=row.version,
        title=row.title,
        xform=row.xform,
        rows=row.rows,
        attached=_attached(connection, trial_id),
    )


def _attached(connection: Connection, trial_id: int) -> tuple[Attachment, ...]:
    """The files of a form by name; the content of tables, which are read with the form."""
    files = trial_files.c
    named = connection.execute(
        select(files.name, files.digest).where(files.trial_id == trial_id).order_by(files.name)
    ).all()
    found = []
    for name, digest in named:
        one = attachment(connection, trial_id, name) if is_table(name) else None
        found.append(one or Attachment(name, digest, b""))
    return tuple(found)


def attachment(connection: Connection, trial_id: int, name: str) -> Attachment | None:
    """A file of a form that is tried, with its content."""
    files = trial_files.c
    row = connection.execute(
        select(files.name, files.digest, files.content).where(files.trial_id == trial_id, files.name == name)
    ).one_or_none()
    return Attachment(*row) if row else None


# ── forgetting ──────────────────────────────────────────────────────────────────────────────────────────────


def drop(connection: Connection, trial_ids: Collection[int]) -> int:
    """Delete forms with their files, reports, and the interviews in which they were tried; how many forms."""
    ids = sorted(trial_ids)
    if not ids:
        return 0
    tried: Sequence[int] = [
        row[0] for row in connection.execute(select(interviews.c.id).where(interviews.c.trial_id.in_(ids)))
    ]
    if tried:
        connection.execute(
            update(sessions)
            .where(sessions.c.interview_id.in_(tried))
            .values(interview_id=None, version=sessions.c.version + 1)
        )
        connection.execute(delete(answer_log).where(answer_log.c.interview_id.in_(tried)))
        media.forget(connection, tried)
        connection.execute(delete(interviews).where(interviews.c.id.in_(tried)))
    kept = [
        row[0]
        for row in connection.execute(
            select(trials.c.media_id).where(trials.c.id.in_(ids), trials.c.media_id.is_not(None))
        )
    ]
    if kept:
        connection.execute(delete(media_pieces).where(media_pieces.c.media_id.in_(kept)))
        connection.execute(
            delete(media_table).where(media_table.c.id.in_(kept), media_table.c.interview_id.is_(None))
        )
    return connection.execute(delete(trials).where(trials.c.id.in_(ids))).rowcount


def sent_before(connection: Connection, before: int, limit: int) -> list[int]:
    """Forms that were sent before ``before``, the oldest first."""
    rows = connection.execute(
        select(trials.c.id).where(trials.c.created_at < before).order_by(trials.c.created_at).limit(limit)
    )
    return [row[0] for row in rows]
