"""Trying a form in the chat: a workbook is sent, checked, and answered as people would answer it. Nothing of
that counts, and nothing is published.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from bot import render
from bot.actions import perform
from bot.authoring.attached import FORMS
from bot.desk import Desk, Heard, Hearing, day, session, show
from bot.media import TELEGRAM_LARGEST, Limits, asked, megabytes
from bot.messages import Abilities, Attached, Button, Outgoing
from bot.notices import maker
from bot.orders import act, queued
from bot.phrases import said, topic, whereabouts
from bot.readings import Reading, to_wait
from bot.texts import say
from bot.trials import DAYS
from bot.trials import report as report_of
from bot.wishes import overview
from storage import interviews, media, trials
from surveys.forms import UPLOADS
from surveys.interview import Line, begin, result
from surveys.letters import fold
from surveys.problems import Problem

SHOWN = 15
"""Errors and warnings that a message shows."""
CHANGES = 20
"""Lines of a message on what is different from the published form."""
ANSWERS = 60
"""Answers that a message shows."""
_ENDINGS = (*FORMS, ".zip")
_TYPES = frozenset(
    {
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        "application/vnd.ms-excel",
        "application/vnd.ms-excel.sheet.macroenabled.12",
        "application/zip",
    }
)
TRY, DROP = "try_form", "drop_form"


# ── a file comes ────────────────────────────────────────────────────────────────────────────────────────────


def is_form(hearing: Hearing) -> bool:
    """Whether a file that came is a form to be tried: sent as one by the page, or a workbook that a member of
    staff sent while no question asked for a file.
    """
    file = hearing.inbound.file
    if file is None or hearing.contact.account_id is None:
        return False
    if file.kind == media.FORM:
        return True
    if file.kind != "file" or file.media or not _is_workbook(file):
        return False
    interview, prepared = hearing.interview, hearing.prepared
    if interview is None or prepared is None or interview.status != "open":
        return True
    waits = asked(prepared, interview.state, hearing.context())
    return waits is None or waits.kind not in UPLOADS


def _is_workbook(file: Attached) -> bool:
    return file.name.lower().endswith(_ENDINGS) or file.type.lower() in _TYPES


def sent(desk: Desk, hearing: Hearing, argument: str) -> Heard:
    """A form came: have it checked; what came of that follows."""
    file = hearing.inbound.file
    assert file is not None
    limits = desk.files
    if not file.media:
        limits = Limits(min(limits.largest, TELEGRAM_LARGEST), limits.picture)
    if file.size > limits.of(media.FORM):
        raise Problem("media_too_large", status=413, most=megabytes(limits.of(media.FORM)))
    key = file.media
    if not key and file.handle:
        key, _ = media.expect(
            hearing.connection,
            hearing.keyring,
            contact_id=hearing.contact.id,
            interview_id=None,
            ref=None,
            kind=media.FORM,
            type_=file.type,
            ending="xlsx",
            size=file.size,
            handle=file.handle,
            now=hearing.now,
        )
    made = perform(act(hearing), "form.try", {"media": key, "name": file.name[:200]})
    notice = hearing.say("trial.taken", number=made["id"], name=made["name"])
    return Heard(hearing.contact, desk.now(hearing, [notice]))


def lost(desk: Desk, hearing: Hearing) -> Heard | None:
    """A form that could not be fetched; None where the file was something else."""
    number = hearing.inbound.text
    found = trials.waiting_for(hearing.connection, int(number)) if number.isdecimal() else None
    if found is None:
        return None
    media.fail(hearing.connection, int(number))
    trials.end(hearing.connection, found[0], "failed", "", None, hearing.now)
    return Heard(hearing.contact, desk.now(hearing, [hearing.say("trial.not_fetched", number=found[0])]))


# ── one's forms ─────────────────────────────────────────────────────────────────────────────────────────────


def forms(desk: Desk, hearing: Hearing, argument: str) -> Heard:
    """``/phieu [thử|xóa] [number]``: one's forms; the report on one; try it, or delete it."""
    words = fold(argument).split()
    numbers = [word for word in words if word.isdecimal() and len(word) < 16]
    if not numbers:
        return _listed(hearing)
    if {"thu", "try"} & set(words):
        return try_form(desk, hearing, numbers[0])
    if {"xoa", "delete"} & set(words):
        return drop_form(desk, hearing, numbers[0])
    mine = perform(act(hearing), "form.list", {})["forms"]
    if int(numbers[0]) not in [each["id"] for each in mine]:
        raise Problem("trial_unknown", status=404, number=numbers[0])
    return queued(hearing, "task.form_check", to_wait(Reading("trials.report", {"trial": int(numbers[0])})))


def _listed(hearing: Hearing) -> Heard:
    found = perform(act(hearing), "form.list", {})["forms"]
    lines = [
        hearing.say(
            "trial.line",
            number=each["id"],
            title=render.shorten(each["title"] or each["name"], 80),
            state=hearing.say(f"trial_state.{each['state']}"),
            sent=day(datetime.fromtimestamp(each["sent_at"] / 1000, hearing.local.tzinfo).date()),
        )
        for each in found
    ]
    text = hearing.say("trial.list", days=DAYS) if lines else hearing.say("trial.none")
    parts = [text, "\n".join(lines), hearing.say("trial.send")]
    rows = []
    if hearing.abilities.buttons:
        for each in found:
            number = each["id"]
            row = [_button(hearing.language, DROP, number, "button.drop_number")]
            if each["state"] == "ready":
                row.insert(0, _button(hearing.language, TRY, number, "button.try_number"))
            rows.append(tuple(row))
    return Heard(
        hearing.contact,
        Outgoing(
            render.fit("\n\n".join(filter(None, parts)), hearing.abilities),
            tuple(rows),
            ask_file=media.FORM if hearing.abilities.country == "VN" else "",
            question=media.FORM,
        ),
    )


def _button(language: str, word: str, number: int, key: str) -> Button:
    return Button(say(language, key, number=number), render.data(render.WORD, 0, word, str(number)))


def _number(argument: str) -> int:
    if not argument.isdecimal() or len(argument) > 15:
        raise Problem("trial_unknown", status=404, number=argument[:15] or "–")
    return int(argument)


def drop_form(desk: Desk, hearing: Hearing, argument: str) -> Heard:
    """Delete a form with everything that was answered in it."""
    gone = perform(act(hearing), "form.drop", {"trial": _number(argument)})
    if hearing.prepared is not None and hearing.prepared.id == -gone["id"]:
        hearing = replace(hearing, contact=session(hearing, interview_id=None), interview=None, prepared=None)
    notice = hearing.say("trial.dropped", number=gone["id"])
    return Heard(hearing.contact, desk.now(hearing, [notice]))


def try_form(desk: Desk, hearing: Hearing, argument: str) -> Heard:
    """Ask a form that was checked, from the beginning, as people would be asked."""
    trial = perform(act(hearing), "form.begin", {"trial": _number(argument)})
    prepared = hearing.shelf.get(hearing.connection, -trial["id"])
    state = begin(prepared.questionnaire, _made_up(hearing), hearing.context(prepared))
    key = interviews.begin(
        hearing.connection, hearing.keyring, None, prepared.id, "trial", "self", state, hearing.now
    )
    contact = desk.enter(hearing, key)
    notice = hearing.say("trial.begun", number=trial["id"])
    after = replace(hearing, contact=contact)
    return Heard(contact, show(after, prepared, key, state, [notice]))


def _made_up(hearing: Hearing) -> dict[str, str]:
    """What a campaign would bring along for declared hidden fields."""
    return {
        "ten_chien_dich": hearing.say("trial.campaign"),
        "ref_date": hearing.local.date().isoformat(),
        "cach_tra_loi": "self",
    }


# ── the end of it ───────────────────────────────────────────────────────────────────────────────────────────


def stopped(hearing: Hearing) -> Heard:
    """The person has tried enough."""
    interview = hearing.interview
    assert interview is not None
    number = -interview.instrument_id
    interviews.save(
        hearing.connection, hearing.keyring, [(interview, interview.state, "withdrawn")], hearing.now
    )
    contact = session(hearing, interview_id=None)
    rows = ((_button(hearing.language, TRY, number, "button.try_again"),),)
    text = hearing.say("trial.stopped", number=number)
    return Heard(contact, Outgoing(text, rows if hearing.abilities.buttons else ()))


def tried(desk: Desk, hearing: Hearing) -> Heard:
    """The form was answered to the end: what would be handed in, and what publishing it would change."""
    interview, prepared = hearing.interview, hearing.prepared
    assert interview is not None and prepared is not None
    about, language = hearing.context(), hearing.language
    lines = overview(prepared, interview.state, about).lines
    outcome = result(prepared.questionnaire, interview.state, about)
    shown = {line.ref for line in lines}
    others = [f"{ref} = {value}" for ref, value in outcome.values.items() if ref not in shown]
    number = -prepared.id
    kept = report_of(hearing.connection, {"trial": number})["report"]
    contact = session(hearing, interview_id=None)
    return queued(
        replace(hearing, contact=contact),
        "trial.done",
        {
            "trial": number,
            "changes": (kept or {}).get("changes"),
            "title": prepared.form.title,
            "answers": [_answer(line, language) for line in lines],
            "others": others,
        },
    )


def _answer(line: Line, language: str) -> str:
    """One answer: ``12. Lan – Tuổi: 34``."""
    about = " – ".join(filter(None, [whereabouts(line.members, language), topic(line.label)]))
    return f"{line.number}. {about}: {said(line.value_label, line.missing, language)}"


# ── messages ────────────────────────────────────────────────────────────────────────────────────────────────


@maker("task.form_check")
def _report(params: Mapping[str, Any], language: str, abilities: Abilities) -> Outgoing:
    """What the check found: errors and warnings with their places, and a form that can be tried."""
    number, report = int(params["trial"]), params["report"]
    if report is None:
        return Outgoing(say(language, "trial.gone", number=number))
    form = report.get("form")
    parts = list(_form(number, form, report.get("changes"), language))
    for kind in ("errors", "warnings"):
        parts += _findings(report[kind], kind, language)
    keys = "trial.then_try" if form is not None else "trial.then_mend"
    parts.append(say(language, keys))
    rows: tuple[tuple[Button, ...], ...] = ()
    if abilities.buttons:
        row = [_button(language, DROP, number, "button.drop_form")]
        if form is not None:
            row.insert(0, _button(language, TRY, number, "button.try_form"))
        rows = (tuple(row),)
    text = render.fit("\n\n".join(parts), abilities)
    if abilities.country != "VN":
        return Outgoing(text, rows)
    name = say(language, "trial.report_name", number=number)
    return Outgoing(text, rows, file=_file(report, parts[0], language), file_name=name)


def _form(
    number: int, form: Mapping[str, Any] | None, changes: Mapping[str, Any] | None, language: str
) -> Iterator[str]:
    """A form in a few lines."""
    if form is None:
        yield say(language, "trial.refused", number=number)
        return
    yield say(
        language,
        "trial.ready",
        number=number,
        title=form["title"],
        id=form["id"],
        version=form["version"] or "–",
        questions=form["questions"],
        groups=form["groups"],
        repeats=form["repeats"],
        languages=", ".join(form["languages"]),
    )
    if changes is not None:
        yield _against(changes, language)


def _against(changes: Mapping[str, Any], language: str) -> str:
    """Whether a form is another than the published one, and what becomes of half-finished interviews."""
    if changes["same"]:
        return say(language, "trial.same", than=changes["than"])
    told = changes["lines"][language]
    return say(language, "trial.changed", than=changes["than"], summary=told[1] if len(told) > 1 else "")


def _findings(found: Mapping[str, Any], kind: str, language: str) -> Iterator[str]:
    if not found["count"]:
        return
    lines = [f"– {line}" for line in found["lines"][language][:SHOWN]]
    if found["count"] > SHOWN:
        lines.append(say(language, "trial.more", count=found["count"] - SHOWN))
    yield "\n".join([say(language, f"form.check_{kind}", count=found["count"]), *lines])


def _file(report: Mapping[str, Any], head: str, language: str) -> bytes:
    """The whole report as a text: every finding, what is different from the published form, the outline."""
    parts = [head]
    for kind in ("errors", "warnings"):
        found = report[kind]
        if found["count"]:
            told = [say(language, f"form.check_{kind}", count=found["count"])]
            told += (f"– {line}" for line in found["lines"][language])
            rest = found["count"] - len(found["lines"][language])
            parts.append("\n".join([*told, *([say(language, "trial.more", count=rest)] if rest else [])]))
    changes, form = report.get("changes"), report.get("form")
    if changes is not None and not changes["same"]:
        parts.append("\n".join(changes["lines"][language]))
    if form is not None:
        parts.append(form["outline"][language])
    # Editors of spreadsheets on Windows take a text for Vietnamese only with the mark in front.
    return ("\ufeff" + "\n\n".join(parts) + "\n").encode()


@maker("trial.done")
def _done(params: Mapping[str, Any], language: str, abilities: Abilities) -> Outgoing:
    """What would have been handed in."""
    number, changes = int(params["trial"]), params["changes"]
    answers, others = params["answers"], params["others"]
    head = say(language, "trial.done", title=params["title"])
    parts = [head, _listing(answers, language)]
    if others:
        parts.append("\n".join([say(language, "trial.others"), _listing(others, language)]))
    if changes is not None:
        parts.append(_difference(changes, language))
    parts.append(say(language, "trial.publish"))
    rows: tuple[tuple[Button, ...], ...] = ()
    if abilities.buttons:
        again = _button(language, TRY, number, "button.try_again")
        rows = ((again, _button(language, DROP, number, "button.drop_form")),)
    return Outgoing(render.fit("\n\n".join(filter(None, parts)), abilities), rows)


def _listing(lines: Sequence[str], language: str) -> str:
    shown = [render.shorten(line, 300) for line in lines[:ANSWERS]]
    if len(lines) > ANSWERS:
        shown.append(say(language, "trial.more", count=len(lines) - ANSWERS))
    return "\n".join(shown)


def _difference(changes: Mapping[str, Any], language: str) -> str:
    if changes["same"]:
        return _against(changes, language)
    lines = changes["lines"][language]
    shown = [line for line in lines[1:CHANGES] if line]
    if len(lines) > CHANGES:
        shown.append("…")
    return "\n".join([say(language, "trial.different", than=changes["than"]), *shown])


TRIALS = {"forms": forms, TRY: try_form, DROP: drop_form}
"""What authors of forms ask for in chat."""
