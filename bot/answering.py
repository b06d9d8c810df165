"""Answers that go alone: of consents and wizards, files and places, edited messages, wishes about lists."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from bot import conversation, media, trying, views, wishes
from bot.conversation import Aside
from bot.desk import (
    Desk,
    Handler,
    Heard,
    Hearing,
    files_way,
    nothing_open,
    session,
    show,
    stale_tap,
)
from bot.entering import consented
from bot.messages import Outgoing, What
from storage import interviews
from storage.interviews import Logged
from surveys import interview as engine
from surveys.forms import UPLOADS, Missing
from surveys.interview import Review, prompt
from surveys.problems import Problem


def file(desk: Desk, hearing: Hearing, argument: str) -> Heard:
    """A picture, a recording, a film or a document: the answer to a question that asks for one."""
    if trying.is_form(hearing):
        return trying.sent(desk, hearing, argument)
    if hearing.inbound.file is not None and hearing.inbound.file.media == 0:
        media.expected(hearing, UPLOADS)
        if files_way(hearing.connection, hearing.interview, hearing.abilities) == "page":
            return upload(desk, hearing, argument)
    return take(desk, hearing, media.keep(hearing, desk.files))


def upload(desk: Desk, hearing: Hearing, argument: str) -> Heard:
    """The way to our own page for a file that may not pass over this channel's platform."""
    return Heard(hearing.contact, Outgoing(media.by_page(hearing, desk.links)))


def location(desk: Desk, hearing: Hearing, argument: str) -> Heard:
    """Where the person is: the answer to a question that asks for it."""
    return take(desk, hearing, media.place(hearing))


def lost(desk: Desk, hearing: Hearing, argument: str) -> Heard:
    """A file that can't be had after all: its question is asked again."""
    form = trying.lost(desk, hearing)
    if form is not None:
        return form
    gone, interview = media.lose(hearing), hearing.interview
    if gone is None:
        return Heard(hearing.contact, None)
    if gone.state is None or interview is None:
        return Heard(hearing.contact, desk.now(hearing, [hearing.say("media.lost_after")]))
    way, missing = hearing.inbound.what.value, Missing.SKIPPED.value
    line = Logged(interview.id, hearing.contact.id, gone.ref, None, missing, way, "")
    interviews.log_answers(hearing.connection, hearing.keyring, [line], hearing.now)
    interviews.save(hearing.connection, hearing.keyring, [(interview, gone.state, "open")], hearing.now)
    after = replace(hearing, interview=replace(interview, state=gone.state, version=interview.version + 1))
    return Heard(hearing.contact, desk.now(after, [hearing.say("media.lost")]))


def page(desk: Desk, hearing: Hearing, argument: str) -> Heard:
    """Another page of the list before the person."""
    interview, prepared = hearing.interview, hearing.prepared
    if interview is None or prepared is None or interview.status != "open":
        return stale_tap(desk, hearing, "")
    contact = session(hearing, page=int(argument) if argument.isdecimal() else 0)
    tapped = hearing.inbound.what is What.TAP
    state = interview.state
    asked = prompt(prepared.questionnaire, state, hearing.context())
    # The text of a question stays the same, only the choices on its buttons are others.
    plain = isinstance(asked, engine.Ask) and not conversation.is_numbered(asked, hearing.abilities)
    ticks = tapped and plain
    after = replace(hearing, contact=contact)
    return Heard(contact, show(after, prepared, interview.id, state, ticks=ticks, again=True))


def viewing(name: str) -> Handler:
    """A wish about a list (:mod:`bot.views`), while an interview is open."""

    def viewing(desk: Desk, hearing: Hearing, argument: str) -> Heard:
        interview, prepared = hearing.interview, hearing.prepared
        if interview is None or prepared is None or interview.status != "open":
            return nothing_open(desk, hearing, "")
        view = views.look(
            prepared,
            interview.state,
            hearing.context(),
            Aside(name, argument),
            interview=interview.id,
            abilities=hearing.abilities,
        )
        notices = [view.notice] if view.notice else []
        if view.event is not None:
            heard = take(desk, hearing, view.event, notices)
            return heard if view.message is None else replace(heard, reply=view.message)
        return Heard(hearing.contact, view.message or desk.now(hearing, notices))

    return viewing


def edit(desk: Desk, hearing: Hearing, argument: str) -> Heard:
    """The person edited a message of their own: that changes the answer it had given."""
    found = interviews.answered_by_message(hearing.connection, hearing.contact.id, hearing.inbound.message)
    if found is None or not hearing.inbound.message:
        return Heard(hearing.contact, desk.now(hearing, [hearing.say("turn.edit_unknown")]))
    interview_id, ref, gone = found
    if (
        hearing.interview is None
        or hearing.interview.id != interview_id
        or hearing.interview.status != "open"
    ):
        return Heard(hearing.contact, desk.now(hearing, [hearing.say("turn.edit_late")]))
    now = conversation.shifted(ref, gone)
    if now is None:
        roster_ref, notice = ref.partition("[")[0], hearing.say("roster.edit_gone")
        return take(desk, hearing, engine.ShowRoster(roster_ref), [notice])
    return take(desk, hearing, engine.Typed(argument, now))


def stage(desk: Desk, hearing: Hearing, argument: str) -> Heard:
    """An event of a consent, a wizard or a form that is tried."""
    assert hearing.interview is not None and hearing.prepared is not None
    interview, prepared = hearing.interview, hearing.prepared
    now = wishes.standing(prepared, interview.state, hearing.context(), page=hearing.contact.page)
    event = conversation.staged(hearing.inbound, interview, prepared, now)
    if isinstance(event, Aside):
        return desk.hear(hearing, event)
    return take(desk, hearing, event)


def take(desk: Desk, hearing: Hearing, event: engine.Event, notices: Sequence[str] = ()) -> Heard:
    """Let the engine take an event of the open interview; ``notices`` are said before anything else."""
    interview, prepared = hearing.interview, hearing.prepared
    assert interview is not None and prepared is not None
    step = conversation.answer(prepared, interview.state, event, hearing.context())
    if step.command is not None:
        return desk.hear(hearing, Aside(step.command.name, step.command.argument))
    interviews.log_answers(
        hearing.connection,
        hearing.keyring,
        [
            Logged(
                interview.id,
                hearing.contact.id,
                change.ref,
                change.value,
                change.missing.value if change.missing else None,
                hearing.inbound.what.value,
                hearing.inbound.message,
                change.what,
            )
            for change in step.changes
        ],
        hearing.now,
    )
    state = step.state
    if interview.stage == "consent" and not state.submitted and step.changes:
        asked = prompt(prepared.questionnaire, state, hearing.context())
        if isinstance(asked, Review) and asked.open == 0:
            state = replace(state, submitted=True, focus=None)
    status = "submitted" if state.submitted else "open"
    interviews.save(hearing.connection, hearing.keyring, [(interview, state, status)], hearing.now)
    if not state.submitted:
        ticks = isinstance(event, engine.Toggle) and step.refusal is None
        told = [*notices, *conversation.notices(prepared, event, step, hearing.context())]
        again = step.refusal is not None
        hearing = _looking(hearing, event, step)
        said = show(hearing, prepared, interview.id, state, told, ticks=ticks, again=again, after=step)
        return Heard(hearing.contact, said)
    if interview.stage == "consent":
        return consented(hearing, interview, prepared, state)
    if interview.stage == "trial":
        return trying.tried(desk, replace(hearing, interview=replace(interview, state=state)))
    finish = desk._staff.get("wizard")
    if finish is None:
        raise Problem("not_allowed", status=403)
    done = replace(hearing, interview=replace(interview, state=state, version=interview.version + 1))
    return finish(desk, done, "")


def _looking(hearing: Hearing, event: engine.Event, step: engine.Step) -> Hearing:
    """Note in the session how many replies weren't understood, and which page of a list is shown."""
    contact = hearing.contact
    misread = conversation.misread(contact.misread, event, step)
    page = conversation.page_after(contact.page, event, step)
    if (misread, page, "") == (contact.misread, contact.page, contact.writing):
        return hearing
    return replace(hearing, contact=session(hearing, misread=misread, page=page, writing=""))
