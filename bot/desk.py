"""The desk: who hears everything that is not an answer, and what a handler needs to answer it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime

from sqlalchemy import Connection

from bot import conversation, helping, render
from bot.actions.gate import record_again
from bot.conversation import Aside
from bot.leaflets import Links
from bot.media import Limits
from bot.messages import Abilities, Button, Inbound, Outgoing
from bot.problems import explain
from bot.questionnaires import Prepared, Shelf, context
from bot.texts import LANGUAGES, say
from storage import campaigns, contacts, interviews, outbox
from storage.campaigns import Campaign
from storage.contacts import Contact
from storage.crypto import Keyring
from storage.interviews import Interview
from surveys import interview as engine
from surveys.instruments import Way
from surveys.interview import State
from surveys.problems import Problem


@dataclass(frozen=True, slots=True)
class Hearing:
    """One message that goes alone: the open transaction, whose it is, and what it is about."""

    connection: Connection
    keyring: Keyring
    shelf: Shelf
    inbound: Inbound
    contact: Contact
    interview: Interview | None
    prepared: Prepared | None
    now: int
    local: datetime
    abilities: Abilities

    @property
    def language(self) -> str:
        """What is spoken: the person's language, as far as the open interview's form has it."""
        asked = self.prepared is not None and self.interview is not None and self.interview.status == "open"
        return self.spoken(self.prepared) if asked else self.contact.language

    def spoken(self, prepared: Prepared | None) -> str:
        """The language that goes with a form (:meth:`Prepared.spoken`)."""
        return self.contact.language if prepared is None else prepared.spoken(self.contact.language)

    def context(self, prepared: Prepared | None = None) -> engine.Context:
        """What the engine may know; of ``prepared``, where another form than the open one is meant."""
        return context(self.local, self.spoken(prepared) if prepared is not None else self.language)

    def say(self, key: str, /, **params: object) -> str:
        return say(self.language, key, **params)


@dataclass(frozen=True, slots=True)
class Heard:
    """What came of it. ``queued``: something waits in the outbox."""

    contact: Contact
    reply: Outgoing | None
    queued: bool = False


Handler = Callable[["Desk", Hearing, str], Heard]
"""Deals with one message: the desk, the message, and what was said after the command."""


class Desk:
    """Answers everything that is not an answer. ``residents`` are everybody's words and taps, ``staff`` the
    commands that only members of staff have, ``files`` bounds what people may send.
    """

    def __init__(
        self,
        residents: Mapping[str, Handler],
        staff: Mapping[str, Handler] | None = None,
        links: Links | None = None,
        files: Limits | None = None,
    ) -> None:
        self._residents = dict(residents)
        self._staff = dict(staff or {})
        self.links = links or Links()
        self.files = files or Limits()

    def hear(self, hearing: Hearing, aside: Aside) -> Heard:
        """Deal with one aside. A Problem becomes a sentence; whatever was half done is undone."""
        handler = self._residents.get(aside.name)
        if handler is None:
            handler = self._staff.get(aside.name) if hearing.contact.account_id is not None else None
        if hearing.contact.writing:
            # Whatever comes next ends it, so that nobody writes to staff without knowing.
            hearing = replace(hearing, contact=session(hearing, writing=""))
        try:
            with hearing.connection.begin_nested():
                return (handler or unknown)(self, hearing, aside.argument)
        except Problem as problem:
            # What was half done is undone, and with it the audit row of what was refused: written again.
            record_again(hearing.connection, problem)
            text = explain(hearing.language, problem)
            return Heard(hearing.contact, self.now(hearing, [text]))

    def idle(self, contact: Contact, abilities: Abilities, notices: Sequence[str] = ()) -> Outgoing:
        """What to say when no interview is open."""
        key = "idle.again" if notices else "idle.resident"
        if contact.account_id is not None:
            key = "idle.staff_again" if notices else "idle.staff"
        text = "\n\n".join([*notices, say(contact.language, key)])
        other = next(each for each in LANGUAGES if each != contact.language)
        rows = ((Button(say(other, "button.this_language"), render.data(render.LANGUAGE, 0, other)),),)
        return Outgoing(render.fit(text, abilities), rows if abilities.buttons else ())

    def enter(self, hearing: Hearing, interview_id: int | None) -> Contact:
        """Open an interview for the contact, or none."""
        return session(hearing, interview_id=interview_id)

    def now(self, hearing: Hearing, notices: Sequence[str] = (), *, whole: bool = False) -> Outgoing | None:
        """The prompt that stands, with ``notices`` in place of headings and notes (``whole``: and these)."""
        interview = hearing.interview
        if interview is None or hearing.prepared is None or interview.status != "open":
            return self.idle(hearing.contact, hearing.abilities, notices)
        again = bool(notices) and not whole
        return show(hearing, hearing.prepared, interview.id, interview.state, notices, again=again)


def show(
    hearing: Hearing,
    prepared: Prepared,
    interview_id: int,
    state: State,
    notices: Sequence[str] = (),
    *,
    ticks: bool = False,
    again: bool = False,
    after: engine.Step | None = None,
) -> Outgoing | None:
    """The prompt of an interview as it stands, as a message. ``ticks``, ``again``: see :mod:`bot.render`.
    ``after``: the step that led to it.
    """
    same = hearing.interview is not None and hearing.interview.id == interview_id
    if not same or (hearing.interview is not None and hearing.interview.way != Way.SELF):
        notices = [
            *helping.told(
                hearing.connection, hearing.keyring, interview_id, hearing.abilities, hearing.language
            ),
            *notices,
        ]
    return conversation.put(
        prepared,
        state,
        hearing.context(prepared),
        interview=interview_id,
        abilities=hearing.abilities,
        notices=notices,
        after=after,
        ticks=ticks,
        again=again,
        page=hearing.contact.page if same else 0,
        misread=hearing.contact.misread if same else 0,
        files=lambda: files_way(hearing.connection, hearing.interview, hearing.abilities),
    )


def files_way(connection: Connection, interview: Interview | None, abilities: Abilities) -> str:
    """By which way files come in a chat: ``here``, over a ``page`` of ours, or by none (empty).

    Over a platform abroad only where the campaign has filed for that (Law 91/2025/QH15, Article 20).
    """
    if not abilities.files:
        return ""
    if abilities.country == "VN":
        return "here"
    campaign_id = interview.campaign_id if interview is not None else 0
    filed = campaign_id and campaigns.expect(connection, campaign_id).draft.legal.transfer_file
    return "here" if filed else "page"


def session(hearing: Hearing, **changes: object) -> Contact:
    contact = replace(hearing.contact, **changes)  # type: ignore[arg-type]
    contacts.save_sessions(hearing.connection, [contact], hearing.now)
    return replace(contact, version=contact.version + 1)


def unknown(desk: Desk, hearing: Hearing, argument: str) -> Heard:
    """Nothing of ours: say so, and what can be done."""
    return Heard(hearing.contact, desk.now(hearing, [hearing.say("turn.unknown_command")]))


def about(hearing: Hearing) -> Campaign | None:
    """The campaign a person means: of the open interview, else of their newest case."""
    if hearing.interview is not None and hearing.interview.campaign_id:
        return campaigns.expect(hearing.connection, hearing.interview.campaign_id)
    newest = interviews.newest_campaign(hearing.connection, hearing.contact.id)
    return campaigns.expect(hearing.connection, newest) if newest is not None else None


def day(date: date) -> str:
    """A date as it is written in Vietnam: 05/03/2026."""
    return f"{date:%d/%m/%Y}"


def queue(
    hearing: Hearing,
    key: str,
    message: str,
    params: Mapping[str, object],
    to: tuple[str, int] | None = None,
) -> None:
    """Put a message that can't be derived into the outbox: of this contact, or of another, ``to`` *(channel,
    contact id)*.
    """
    channel, contact_id = to or (hearing.contact.channel, hearing.contact.id)
    draft = outbox.Draft(channel, contact_id, key, message, params)
    outbox.queue(hearing.connection, hearing.keyring, [draft], hearing.now)


def nothing_open(desk: Desk, hearing: Hearing, argument: str) -> Heard:
    """Back, skip, submit … while nothing is asked."""
    return Heard(hearing.contact, desk.now(hearing, [hearing.say("turn.nothing_open")]))


def stale_tap(desk: Desk, hearing: Hearing, argument: str) -> Heard:
    """A button of an interview that is not open any more."""
    return Heard(hearing.contact, desk.now(hearing, [hearing.say("turn.stale_tap")]))
