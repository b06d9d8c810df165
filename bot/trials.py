"""Checks a form that was sent into a chat: the work of the task, what the worker writes of it, and the report
that is shown.

The workbook is opened in the converter's own limited process, which the task's process starts. What is said
of the form is worked out in every language of the product at once, since whoever reads the report may change
theirs.
"""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection

from bot.actions.forms import KIND
from bot.authoring import diff
from bot.authoring.check import line, read_converted
from bot.authoring.convert import LIMITS, convert
from bot.authoring.show import outline
from bot.problems import explain
from bot.questionnaires import Shelf, prepare, unscored
from bot.readings import Reading, reading, to_wait
from bot.texts import LANGUAGES
from scheduler.jobs import HOUR_MS, TRIED_MS
from storage import instruments, media, tasks, trials
from storage.crypto import Keyring
from storage.database import Database
from storage.trials import Tried
from surveys.attachments import attachment
from surveys.forms import ASKED, Form, Group, Repeat
from surveys.problems import Problem
from surveys.xform import Finding

DAYS = TRIED_MS // (24 * HOUR_MS)
"""How long a form that is tried is kept."""
FINDINGS = 1_000
"""Errors and warnings that a report holds; a form with more of them is told how many there are."""
OUTLINE = 400_000
"""Characters of an outline that a report holds."""
CHANGES = 200
"""Lines on what is different from the published form."""


# ── in the task's process ───────────────────────────────────────────────────────────────────────────────────


def work(database: Database, keys: Keyring, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Check the form of a trial. The result holds its report and, if it can be asked, the form itself."""
    trial_id = int(arguments["trial"])

    def read(connection: Connection) -> tuple[str, bytes] | None:
        found = trials.get(connection, keys, trial_id)
        if found is None or found.media_id is None:
            return None
        return found.name, media.content(connection, keys, found.media_id)

    given = database.read(read)
    if given is None:
        return {"trial": trial_id, "gone": True}
    name, content = given
    try:
        converted = convert(content, limits=LIMITS, name=name.rpartition(".")[0])
        loaded = read_converted(converted)
        if loaded.form is not None:
            check_lengths(loaded.form.id, loaded.form.version, loaded.form.title)
            prepare(0, loaded.form, unscored(loaded.form))
    except Problem as problem:
        lines = {language: [explain(language, problem)] for language in LANGUAGES}
        nothing: dict[str, Any] = {"count": 0, "lines": {language: [] for language in LANGUAGES}}
        return {"trial": trial_id, "report": {"errors": {"count": 1, "lines": lines}, "warnings": nothing}}
    found = {"errors": written(loaded.errors), "warnings": written(loaded.warnings)}
    form = loaded.form
    if form is None:
        return {"trial": trial_id, "report": found}
    rows = {ref: (row.sheet, row.row) for ref, row in converted.rows.items()}
    return {
        "trial": trial_id,
        "report": {
            **found,
            "form": described(form),
            "changes": database.read(lambda connection: _changes(connection, form)),
        },
        "form": {
            "form_id": form.id,
            "version": form.version,
            "title": form.title,
            "digest": form.digest,
            "xform": converted.xform,
            "rows": json.dumps(rows, sort_keys=True),
        },
        "files": {file.name: b64encode(file.content).decode() for file in converted.attached},
    }


def check_lengths(form_id: str, version: str, title: str) -> None:
    """Raises Problem ``instrument_long`` for what could not be kept."""
    for text, most in ((form_id, 200), (version, 200), (title, 500)):
        if len(text) > most:
            raise Problem("instrument_long", text=text[:40], most=most)


def written(findings: Sequence[Finding]) -> dict[str, Any]:
    """How many findings, and a line on each in every language."""
    shown = findings[:FINDINGS]
    return {
        "count": len(findings),
        "lines": {language: [line(finding, language) for finding in shown] for language in LANGUAGES},
    }


def described(form: Form) -> dict[str, Any]:
    """A form in numbers, and its outline."""
    items = list(form.items())
    return {
        "id": form.id,
        "version": form.version,
        "title": form.title,
        "questions": sum(question.kind in ASKED for question in form.questions()),
        "groups": sum(isinstance(item, Group) for item in items),
        "repeats": sum(isinstance(item, Repeat) for item in items),
        "languages": list(form.languages),
        "outline": {language: outline(form, language)[:OUTLINE] for language in LANGUAGES},
    }


def _changes(connection: Connection, form: Form) -> dict[str, Any] | None:
    """What is different from the published form with the same id; None when there is none."""
    try:
        edition = instruments.expect(connection, form.id)
        if edition.form_id != form.id:
            return None
        before = Shelf().get(connection, edition.id).form
    except Problem:
        return None
    return {
        "than": f"{edition.name}@{edition.version}",
        "same": before.digest == form.digest,
        "lines": {language: diff.lines(before, form, language)[:CHANGES] for language in LANGUAGES},
    }


# ── what the worker writes ──────────────────────────────────────────────────────────────────────────────────


def finish(connection: Connection, result: Mapping[str, Any], now: int) -> dict[str, Any]:
    """Keep the report and the form; the parameters of the message that shows them."""
    trial_id = int(result["trial"])
    if "gone" not in result:
        form = result.get("form")
        tried = None
        if form is not None:
            files = tuple(attachment(name, b64decode(file)) for name, file in result["files"].items())
            tried = Tried(**form, attached=files)
        state = "refused" if form is None else "ready"
        report = json.dumps(result["report"], ensure_ascii=False)
        trials.end(connection, trial_id, state, report, tried, now)
    return to_wait(Reading("trials.report", {"trial": trial_id}))


def give_up(connection: Connection, arguments: Mapping[str, Any], now: int) -> None:
    """The form could not be checked: its file goes."""
    trials.end(connection, int(arguments["trial"]), "failed", "", None, now)


def arrived(connection: Connection, keyring: Keyring, media_id: int, now: int) -> None:
    """The file of a form that was still to be fetched is here: have it checked."""
    found = trials.waiting_for(connection, media_id)
    if found is not None:
        trial_id, account_id, contact_id = found
        trials.move(connection, trial_id, "checking", now)
        tasks.queue(connection, keyring, KIND, {"trial": trial_id}, account_id, contact_id, now)


@reading("trials.report")
def report(connection: Connection, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """The report on a form, by the number of its trial; ``report`` is None when there is none any more."""
    trial_id = int(arguments["trial"])
    kept = trials.report_of(connection, trial_id)
    return {"trial": trial_id, "report": msgspec.json.decode(kept) if kept else None}
