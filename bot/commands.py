"""What a person says that is not an answer: a code, a command, a word to a human; and what staff ask for
in chat.

Each function here takes a :class:`Hearing` (the open transaction and whose message it is) and returns what
to say.
Staff commands are thin: they read arguments and show results; :mod:`bot.actions` decides and does.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date

from bot import questions, render, stopping, views
from bot.answering import edit, file, location, lost, page, stage, upload, viewing
from bot.desk import (
    Desk,
    Handler,
    Heard,
    Hearing,
    about,
    day,
    nothing_open,
    session,
)
from bot.elsewhere import another, arrived, elsewhere, people, person
from bot.entering import amend, code, late_tap
from bot.forwarding import FORWARDING
from bot.messages import Button
from bot.texts import LANGUAGES, say
from storage import contacting, contacts
from surveys import interview as engine
from surveys.interview import prompt


def over(desk: Desk, hearing: Hearing, argument: str) -> Heard:
    """An answer to a campaign that takes none any more."""
    interview = hearing.interview
    assert interview is not None
    contact = session(hearing, interview_id=None)
    ends = day(date.fromisoformat(interview.campaign_ends))
    notice = hearing.say("code.over", title=interview.campaign_title, ends=ends)
    return Heard(contact, desk.idle(contact, hearing.abilities, [notice]))


def idle(desk: Desk, hearing: Hearing, argument: str) -> Heard:
    """Words while nothing is asked."""
    return Heard(
        hearing.contact, desk.now(hearing, [hearing.say("turn.not_a_code")] if argument.strip() else [])
    )


def unreadable(desk: Desk, hearing: Hearing, argument: str) -> Heard:
    """A sticker, a picture, a voice message."""
    return Heard(hearing.contact, desk.now(hearing, [hearing.say("turn.unreadable")]))


def foreign_tap(desk: Desk, hearing: Hearing, argument: str) -> Heard:
    """A button that is none of ours, or damaged."""
    return Heard(hearing.contact, desk.now(hearing, [hearing.say("turn.foreign_tap")]))


def blocked(desk: Desk, hearing: Hearing, argument: str) -> Heard:
    """The person blocked us: nothing more is sent there."""
    contacts.set_status(hearing.connection, hearing.contact.id, "blocked")
    contacting.replan_contact(hearing.connection, hearing.contact.id, hearing.now)
    return Heard(replace(hearing.contact, status="blocked"), None)


def unblocked(desk: Desk, hearing: Hearing, argument: str) -> Heard:
    """The person let us in again."""
    contacts.set_status(hearing.connection, hearing.contact.id, "active")
    if not contacting.is_stopped(hearing.connection, hearing.contact.id):
        contacting.return_to(hearing.connection, hearing.contact.id, hearing.now)
    return Heard(replace(hearing.contact, status="active"), None)


def help_(desk: Desk, hearing: Hearing, argument: str) -> Heard:
    """What can be said here; the question's own guidance first when one is asked."""
    said = []
    if hearing.interview is not None and hearing.prepared is not None:
        asked = prompt(hearing.prepared.questionnaire, hearing.interview.state, hearing.context())
        if isinstance(asked, engine.Ask) and asked.guidance:
            said.append(asked.guidance)
    said.append(hearing.say("help.staff" if hearing.contact.account_id is not None else "help.resident"))
    return Heard(hearing.contact, desk.now(hearing, said))


def language(desk: Desk, hearing: Hearing, argument: str) -> Heard:
    """Change the language; without one named, to the other."""
    wanted = argument.strip().lower()
    if wanted not in LANGUAGES:
        wanted = next(each for each in LANGUAGES if each != hearing.contact.language)
    contact = session(hearing, language=wanted)
    after = replace(hearing, contact=contact)
    key = "turn.language" if after.language == wanted else "turn.language_form"
    return Heard(contact, desk.now(after, [say(wanted, key)], whole=True))


def privacy(desk: Desk, hearing: Hearing, argument: str) -> Heard:
    """Who holds the data, which rights there are, and a button to ask for one of them (Law 91/2025/QH15,
    Article 4).
    """
    campaign = about(hearing)
    legal = campaign.draft.legal if campaign else None
    said = [
        hearing.say("privacy.who", controller=legal.controller, address=legal.address, phone=legal.phone)
        if legal
        else hearing.say("privacy.none")
    ]
    message = desk.now(hearing, said)
    if message is not None and hearing.abilities.buttons and campaign:
        ask = Button(hearing.say("button.privacy_request"), render.data(render.WORD, 0, "privacy_request"))
        message = replace(message, rows=((ask,), *message.rows))
    return Heard(hearing.contact, message)


RESIDENT: Mapping[str, Handler] = {
    "opened": stopping.opened,
    "start": stopping.start,
    "idle": idle,
    "unreadable": unreadable,
    "file": file,
    "location": location,
    "upload": upload,
    "lost": lost,
    "foreign_tap": foreign_tap,
    "stale_tap": late_tap,
    "blocked": blocked,
    "unblocked": unblocked,
    "help": help_,
    "language": language,
    "stop": stopping.stop,
    "remind_at": stopping.remind_at,
    "privacy": privacy,
    **questions.RESIDENT,
    **FORWARDING,
    "code": code,
    "amend": amend,
    "elsewhere": elsewhere,
    "arrived": arrived,
    "people": people,
    "person": person,
    "another": another,
    "change": amend,
    "edit": edit,
    "stage": stage,
    "page": page,
    **{name: viewing(name) for name in sorted(views.NAMES)},
    "over": over,
    **dict.fromkeys(("back", "skip", "keep", "review", "submit"), nothing_open),
}
"""Everybody's words and taps."""
