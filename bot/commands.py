"""What a person says that is not an answer: a code, a command, a word to a human; and what staff ask for
in chat.

Each function here takes a :class:`Hearing` (the open transaction and whose message it is) and returns what
to say.
Staff commands are thin: they read arguments and show results; :mod:`bot.actions` decides and does.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime

from sqlalchemy import Connection

from bot import conversation, render
from bot.actions import Act, Actor, perform
from bot.actions.gate import record_again
from bot.conversation import Aside
from bot.leaflets import Links
from bot.messages import Abilities, Button, Inbound, Outgoing
from bot.problems import explain
from bot.questionnaires import Prepared, Shelf, context
from bot.submitting import receipt_code
from bot.texts import LANGUAGES, say
from storage import areas, campaigns, contacts, interviews, outbox, submissions
from storage.campaigns import Campaign
from storage.contacts import Contact
from storage.crypto import Keyring
from storage.interviews import Interview, Logged
from surveys import interview as engine
from surveys.campaigns import Status
from surveys.counts import by_name
from surveys.instruments import screen_out
from surveys.interview import Review, State, begin, prompt, result, wording
from surveys.problems import Problem
from surveys.replies import clean, find_code


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
        return self.contact.language

    def context(self) -> engine.Context:
        return context(self.local, self.contact.language)

    def say(self, key: str, /, **params: object) -> str:
        return say(self.contact.language, key, **params)


@dataclass(frozen=True, slots=True)
class Heard:
    """What came of it. ``queued``: something waits in the outbox."""

    contact: Contact
    reply: Outgoing | None
    queued: bool = False


Handler = Callable[["Desk", Hearing, str], Heard]


class Desk:
    """Answers everything that is not an answer. ``staff`` are the commands only members of staff have."""

    def __init__(self, staff: Mapping[str, Handler] | None = None, links: Links | None = None) -> None:
        self._staff = dict(staff or {})
        self.links = links or Links()

    def hear(self, hearing: Hearing, aside: Aside) -> Heard:
        """Deal with one aside. A Problem becomes a sentence; whatever was half done is undone."""
        handler = RESIDENT.get(aside.name)
        if handler is None:
            handler = self._staff.get(aside.name) if hearing.contact.account_id is not None else None
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
        return _session(hearing, interview_id=interview_id)

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
) -> Outgoing | None:
    """The prompt of an interview as it stands, as a message. ``ticks``, ``again``: see :mod:`bot.render`."""
    return render.render(
        prompt(prepared.questionnaire, state, hearing.context()),
        interview_id,
        hearing.language,
        hearing.abilities,
        notices,
        ticks=ticks,
        again=again,
    )


def _session(hearing: Hearing, **changes: object) -> Contact:
    contact = replace(hearing.contact, **changes)  # type: ignore[arg-type]
    contacts.save_sessions(hearing.connection, [contact], hearing.now)
    return replace(contact, version=contact.version + 1)


# ── everybody ───────────────────────────────────────────────────────────────────────────────────────────────


def unknown(desk: Desk, hearing: Hearing, argument: str) -> Heard:
    """Nothing of ours: say so, and what can be done."""
    return Heard(hearing.contact, desk.now(hearing, [hearing.say("turn.unknown_command")]))


def opened(desk: Desk, hearing: Hearing, argument: str) -> Heard:
    """The person opened the chat without a code."""
    return Heard(hearing.contact, desk.now(hearing))


def over(desk: Desk, hearing: Hearing, argument: str) -> Heard:
    """An answer to a campaign that takes none any more."""
    interview = hearing.interview
    assert interview is not None
    contact = _session(hearing, interview_id=None)
    ends = day(date.fromisoformat(interview.campaign_ends))
    notice = hearing.say("code.over", title=interview.campaign_title, ends=ends)
    return Heard(contact, desk.idle(contact, hearing.abilities, [notice]))


def nothing_open(desk: Desk, hearing: Hearing, argument: str) -> Heard:
    """Back, skip, submit … while nothing is asked."""
    return Heard(hearing.contact, desk.now(hearing, [hearing.say("turn.nothing_open")]))


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


def stale_tap(desk: Desk, hearing: Hearing, argument: str) -> Heard:
    """A button of an interview that is not open any more."""
    return Heard(hearing.contact, desk.now(hearing, [hearing.say("turn.stale_tap")]))


def blocked(desk: Desk, hearing: Hearing, argument: str) -> Heard:
    """The person blocked us: nothing more is sent there."""
    contacts.set_status(hearing.connection, hearing.contact.id, "blocked")
    return Heard(replace(hearing.contact, status="blocked"), None)


def unblocked(desk: Desk, hearing: Hearing, argument: str) -> Heard:
    """The person let us in again."""
    contacts.set_status(hearing.connection, hearing.contact.id, "active")
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
        wanted = next(each for each in LANGUAGES if each != hearing.language)
    contact = _session(hearing, language=wanted)
    after = replace(hearing, contact=contact)
    return Heard(contact, desk.now(after, [after.say("turn.language")], whole=True))


def stop(desk: Desk, hearing: Hearing, argument: str) -> Heard:
    """No more messages. What was answered stays, and the code leads back to it."""
    if hearing.interview is None or hearing.interview.status != "open":
        return Heard(hearing.contact, Outgoing(hearing.say("turn.stopped_idle")))
    if hearing.interview.stage == "wizard":
        interviews.save(
            hearing.connection, hearing.keyring,
            [(hearing.interview, hearing.interview.state, "withdrawn")], hearing.now,
        )  # fmt: skip
        contact = _session(hearing, interview_id=None)
        return Heard(contact, Outgoing(hearing.say("wizard.stopped")))
    interviews.set_dispositions(hearing.connection, [(hearing.interview.case_id, "2.12")], hearing.now)
    contact = _session(hearing, interview_id=None)
    return Heard(contact, Outgoing(hearing.say("turn.stopped", code=hearing.interview.campaign_code)))


def privacy(desk: Desk, hearing: Hearing, argument: str) -> Heard:
    """Who holds the data, which rights there are, and a button to ask for one of them (Law 91/2025/QH15,
    Article 4).
    """
    campaign = _about(hearing)
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


def request(desk: Desk, hearing: Hearing, argument: str) -> Heard:
    """A request about one's data, in the person's own words."""
    return _requested(desk, hearing, "privacy", argument or hearing.say("request.privacy_default"))


def human(desk: Desk, hearing: Hearing, argument: str) -> Heard:
    """A word to a member of staff."""
    return _requested(desk, hearing, "question", argument or hearing.say("request.human_default"))


def _requested(desk: Desk, hearing: Hearing, kind: str, text: str) -> Heard:
    campaign = _about(hearing)
    act = Act(
        connection=hearing.connection,
        keyring=hearing.keyring,
        actor=Actor(account_id=hearing.contact.account_id, contact_id=hearing.contact.id),
        now_ms=hearing.now,
        today=hearing.local.date(),
        channel=hearing.inbound.channel,
    )
    made = perform(
        act,
        "request.create",
        {"kind": kind, "text": clean(text), "campaign": campaign.id if campaign else None},
    )
    due = day(date.fromisoformat(made["due_on"]))
    return Heard(
        hearing.contact, desk.now(hearing, [hearing.say("request.taken", number=made["id"], due=due)])
    )


def _about(hearing: Hearing) -> Campaign | None:
    """The campaign a person means: of the open interview, else of their newest case."""
    if hearing.interview is not None and hearing.interview.campaign_id:
        return campaigns.expect(hearing.connection, hearing.interview.campaign_id)
    newest = interviews.newest_campaign(hearing.connection, hearing.contact.id)
    return campaigns.expect(hearing.connection, newest) if newest is not None else None


# ── a code ──────────────────────────────────────────────────────────────────────────────────────────────────


def code(desk: Desk, hearing: Hearing, argument: str) -> Heard:
    """A campaign's code, typed or in a link: into its interview, where it was left."""
    given = find_code(argument) or argument.strip().upper()
    campaign = campaigns.by_code(hearing.connection, given) if len(given) <= 8 else None
    if campaign is None:
        bind = desk._staff.get("bind")
        if bind is not None and len(argument.strip()) > 8:
            return bind(desk, hearing, argument.strip())
        return Heard(hearing.contact, desk.now(hearing, [hearing.say("code.unknown", code=given[:12])]))
    draft, today = campaign.draft, hearing.local.date()
    if campaign.status is not Status.OPEN or not draft.starts_on <= today <= draft.ends_on:
        early = campaign.status is Status.DRAFT or today < draft.starts_on
        notice = hearing.say(
            "code.paused" if campaign.status is Status.PAUSED else "code.not_yet" if early else "code.over",
            title=draft.title,
            starts=day(draft.starts_on),
            ends=day(draft.ends_on),
        )
        return Heard(hearing.contact, desk.now(hearing, [notice]))
    connection, now = hearing.connection, hearing.now
    unit = hearing.shelf.get(connection, draft.instrument_id).instrument.unit.value
    case_id = interviews.open_case(connection, campaign.id, hearing.contact.id, unit, campaign.area[1], now)
    begun = interviews.of_case(connection, case_id)
    if "main" in begun:
        return _resume(desk, hearing, begun["main"])
    if draft.consent_id is None:
        return _ask_main(hearing, campaign, case_id, {}, [])
    if "consent" in begun:
        earlier = interviews.find(connection, hearing.keyring, [begun["consent"]])[begun["consent"]]
        if earlier.status == "open":
            return _resume(desk, hearing, earlier.id)
        consent = hearing.shelf.get(connection, earlier.instrument_id)
        state = begin(consent.questionnaire, _hidden(hearing, campaign), hearing.context())
        interviews.restart(connection, hearing.keyring, earlier.id, state, earlier.version, now)
        key = earlier.id
    else:
        consent = hearing.shelf.get(connection, draft.consent_id)
        state = begin(consent.questionnaire, _hidden(hearing, campaign), hearing.context())
        key = interviews.begin(
            connection, hearing.keyring, case_id, draft.consent_id, "consent", "self", state, now
        )
    contact = _session(hearing, interview_id=key)
    after = replace(hearing, contact=contact)
    return Heard(contact, show(after, consent, key, state))


def day(date: date) -> str:
    """A date as it is written in Vietnam: 05/03/2026."""
    return f"{date:%d/%m/%Y}"


def _hidden(hearing: Hearing, campaign: Campaign) -> dict[str, str]:
    """What the case brings along for the declared hidden questions of consent and instrument."""
    area = areas.get(hearing.connection, campaign.area)
    draft, legal = campaign.draft, campaign.draft.legal
    return {
        "ten_chien_dich": draft.title,
        "ma_xa": campaign.area[1],
        "ten_xa": area.title if area else campaign.area[1],
        "ref_date": draft.reference_date.isoformat(),
        "co_quan": legal.controller,
        "dia_chi": legal.address,
        "dien_thoai": legal.phone,
        "muc_dich": legal.purpose,
        "noi_luu": legal.storage_place,
        "so_ngay": str(legal.retention_days or ""),
        "cau_nen_tang": "" if hearing.abilities.country == "VN" else hearing.say("consent.foreign_platform"),
        "cach_tra_loi": "self",
    }


def _ask_main(
    hearing: Hearing, campaign: Campaign, case_id: int, toggles: Mapping[str, str], notices: Sequence[str]
) -> Heard:
    prepared = hearing.shelf.get(hearing.connection, campaign.draft.instrument_id)
    state = begin(prepared.questionnaire, {**_hidden(hearing, campaign), **toggles}, hearing.context())
    key = interviews.begin(
        hearing.connection, hearing.keyring, case_id, prepared.id, "main", "self", state, hearing.now
    )
    contact = _session(hearing, interview_id=key)
    after = replace(hearing, contact=contact)
    return Heard(contact, show(after, prepared, key, state, notices))


def _resume(desk: Desk, hearing: Hearing, interview_id: int) -> Heard:
    """Back to an interview that was begun; if it is handed in already, offer to change it."""
    found = interviews.find(hearing.connection, hearing.keyring, [interview_id])[interview_id]
    prepared = hearing.shelf.get(hearing.connection, found.instrument_id)
    if found.status == "open":
        contact = hearing.contact
        notices = []
        if contact.interview_id != found.id:
            contact = _session(hearing, interview_id=found.id)
            notices = [hearing.say("code.resumed")]
        after = replace(hearing, contact=contact, interview=found, prepared=prepared)
        return Heard(contact, show(after, prepared, found.id, found.state, notices))
    filed = submissions.latest(hearing.connection, hearing.keyring, found.id)
    text = hearing.say("code.done", title=found.campaign_title, receipt=filed.receipt if filed else "")
    rows: tuple[tuple[Button, ...], ...] = ()
    if hearing.abilities.buttons:
        rows = ((Button(hearing.say("button.amend"), render.data(render.AMEND, found.id)),),)
    return Heard(hearing.contact, Outgoing(text, rows))


def amend(desk: Desk, hearing: Hearing, argument: str) -> Heard:
    """Open a submitted interview again; handing it in again amends the submission."""
    if not argument:
        newest = interviews.newest_submitted(hearing.connection, hearing.contact.id)
        argument = str(newest) if newest is not None else ""
        if newest is None:
            return nothing_open(desk, hearing, "")
    mine = interviews.of_contact(hearing.connection, hearing.contact.id)
    if not argument.isdecimal() or int(argument) not in mine:
        return stale_tap(desk, hearing, "")
    found = interviews.find(hearing.connection, hearing.keyring, [int(argument)])[int(argument)]
    today = hearing.local.date().isoformat()
    if found.campaign_status != "open" or today > found.campaign_ends:
        return Heard(hearing.contact, Outgoing(hearing.say("code.over_amend", title=found.campaign_title)))
    prepared = hearing.shelf.get(hearing.connection, found.instrument_id)
    state = found.state
    if found.status == "submitted" and found.stage == "main":
        state = replace(state, submitted=False, focus=engine.Focus(None))
        interviews.restart(hearing.connection, hearing.keyring, found.id, state, found.version, hearing.now)
    elif found.status != "open":
        return stale_tap(desk, hearing, "")
    contact = _session(hearing, interview_id=found.id)
    after = replace(hearing, contact=contact)
    return Heard(contact, show(after, prepared, found.id, state))


# ── an interview that goes alone ────────────────────────────────────────────────────────────────────────────


def edit(desk: Desk, hearing: Hearing, argument: str) -> Heard:
    """The person edited a message of their own: that changes the answer it had given."""
    found = interviews.answered_by_message(hearing.connection, hearing.contact.id, hearing.inbound.message)
    if found is None or not hearing.inbound.message:
        return Heard(hearing.contact, desk.now(hearing, [hearing.say("turn.edit_unknown")]))
    interview_id, ref = found
    if (
        hearing.interview is None
        or hearing.interview.id != interview_id
        or hearing.interview.status != "open"
    ):
        return Heard(hearing.contact, desk.now(hearing, [hearing.say("turn.edit_late")]))
    return _take(desk, hearing, engine.Typed(argument, ref))


def stage(desk: Desk, hearing: Hearing, argument: str) -> Heard:
    """An event of a consent or a wizard."""
    assert hearing.interview is not None and hearing.prepared is not None
    event = conversation.staged(hearing.inbound, hearing.interview, hearing.prepared)
    if isinstance(event, Aside):
        return desk.hear(hearing, event)
    return _take(desk, hearing, event)


def _take(desk: Desk, hearing: Hearing, event: engine.Event) -> Heard:
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
        notices = conversation.notices(prepared, event, step, hearing.context())
        again = step.refusal is not None
        said = show(hearing, prepared, interview.id, state, notices, ticks=ticks, again=again)
        return Heard(hearing.contact, said)
    if interview.stage == "consent":
        return _consented(hearing, interview, prepared, state)
    finish = desk._staff.get("wizard")
    if finish is None:
        raise Problem("not_allowed", status=403)
    done = replace(hearing, interview=replace(interview, state=state, version=interview.version + 1))
    return finish(desk, done, "")


def _consented(hearing: Hearing, interview: Interview, prepared: Prepared, state: State) -> Heard:
    """The consent is complete: keep what was agreed to, by text; then ask, or thank and leave in peace."""
    connection, now = hearing.connection, hearing.now
    outcome = result(prepared.questionnaire, state, hearing.context())
    earlier = submissions.latest(connection, hearing.keyring, interview.id)
    submission_id = submissions.add(
        connection,
        hearing.keyring,
        interview_id=interview.id,
        case_id=interview.case_id,
        campaign_id=interview.campaign_id,
        instrument_id=prepared.id,
        stage="consent",
        receipt=receipt_code() if earlier is None else f"{earlier.receipt[:10]}-{earlier.revision + 1}",
        channel=hearing.contact.channel,
        way=interview.way,
        result=outcome,
        now=now,
    )
    answers = by_name(outcome.values, outcome.missing)
    consent = prepared.instrument.consent
    names = (*consent.required, *consent.optional) if consent else ()
    toggles = {name: str(answers[name]) for name in names if isinstance(answers.get(name), str)}
    text = wording(prepared.questionnaire, state, hearing.context())
    submissions.add_consent(
        connection,
        case_id=interview.case_id,
        submission_id=submission_id,
        contact_id=hearing.contact.id,
        channel=hearing.contact.channel,
        language=hearing.language,
        text=text,
        text_digest=hashlib.sha256(text.encode()).hexdigest(),
        toggles=toggles,
        now=now,
    )
    agreed = consent is not None and all(toggles.get(name) == consent.agree for name in consent.required)
    if not agreed:
        screened = screen_out(prepared.instrument, answers)
        interviews.set_dispositions(
            connection, [(interview.case_id, screened.disposition if screened else "2.11")], now
        )
        contact = _session(hearing, interview_id=None)
        return Heard(contact, Outgoing(hearing.say("consent.refused", code=interview.campaign_code)))
    campaign = campaigns.expect(connection, interview.campaign_id)
    main = interviews.of_case(connection, interview.case_id).get("main")
    interviews.set_dispositions(connection, [(interview.case_id, "2.20")], now)
    if main is not None:
        contact = _session(hearing, interview_id=main)
        found = interviews.find(connection, hearing.keyring, [main])[main]
        main_prepared = hearing.shelf.get(connection, found.instrument_id)
        return Heard(contact, show(replace(hearing, contact=contact), main_prepared, main, found.state))
    return _ask_main(hearing, campaign, interview.case_id, toggles, [hearing.say("consent.thanks")])


RESIDENT: Mapping[str, Handler] = {
    "opened": opened,
    "start": opened,
    "idle": idle,
    "unreadable": unreadable,
    "foreign_tap": foreign_tap,
    "stale_tap": stale_tap,
    "blocked": blocked,
    "unblocked": unblocked,
    "help": help_,
    "language": language,
    "stop": stop,
    "privacy": privacy,
    "privacy_request": request,
    "request": request,
    "human": human,
    "code": code,
    "amend": amend,
    "change": amend,
    "edit": edit,
    "stage": stage,
    "over": over,
    **dict.fromkeys(("back", "skip", "keep", "review", "submit"), nothing_open),
}
"""Everybody's words and taps."""


def queue(hearing: Hearing, key: str, message: str, params: Mapping[str, object]) -> None:
    """Put a message that can't be derived into the outbox of this contact."""
    draft = outbox.Draft(hearing.contact.channel, hearing.contact.id, key, message, params)
    outbox.queue(hearing.connection, hearing.keyring, [draft], hearing.now)
