"""One turn: is it an answer, a code, a command, a word to a human? And what an answer does.

What only changes an interview is decided here without touching a table, so that many turns can share a
transaction.
Everything else is named as an :class:`Aside` and goes alone.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import date

from bot import render
from bot.actions.accounts import CODE_PREFIX
from bot.messages import Inbound, What
from bot.questionnaires import Prepared
from bot.texts import say
from storage.contacts import Contact
from storage.interviews import Interview
from surveys import interview as engine
from surveys.campaigns import Status
from surveys.forms import Missing
from surveys.letters import fold
from surveys.replies import Command, clean, find_code, read_command


@dataclass(frozen=True, slots=True)
class Aside:
    """Something that is not an answer: ``name`` says what, ``argument`` with what."""

    name: str
    argument: str = ""


COMMANDS: dict[str, tuple[str, str]] = {
    "help": ("trogiup", "help"),
    "review": ("xemlai", "review"),
    "language": ("ngonngu", "language"),
    "privacy": ("riengtu", "privacy"),
    "request": ("yeucau", "request"),
    "stop": ("dung", "stop"),
}
"""Everybody's commands: name → its word in Vietnamese and in English."""

STAFF_COMMANDS: dict[str, tuple[str, str]] = {
    "campaigns": ("chiendich", "campaigns"),
    "new_campaign": ("taochiendich", "newcampaign"),
    "open_campaign": ("mochiendich", "opencampaign"),
    "close_campaign": ("dongchiendich", "closecampaign"),
    "qr": ("maqr", "qr"),
    "counts": ("thongke", "counts"),
    "recount": ("demlai", "recount"),
}
"""Commands of members of staff."""

TAPPED_WORDS = frozenset({"privacy_request", "close_sure"})
"""What a button may say in words; everything else that looks like it is none of ours."""

_WORDS = {word: name for name, words in {**COMMANDS, **STAFF_COMMANDS}.items() for word in words}

ENGINE_COMMANDS = frozenset({"back", "skip", "review", "submit", "change", "keep"})
"""Commands that the interview engine carries out while an interview is open."""


_INVITATION = re.compile(rf"\s*{CODE_PREFIX}[A-Za-z0-9_-]{{16,80}}\s*")


def is_over(interview: Interview, today: date) -> bool:
    """Whether an interview's campaign takes no answers any more: closed by staff, or past its last day."""
    if not interview.campaign_status:
        return False
    return interview.campaign_status != Status.OPEN or interview.campaign_ends < today.isoformat()


def listen(
    inbound: Inbound,
    contact: Contact | None,
    interview: Interview | None,
    prepared: Prepared | None,
    today: date,
) -> engine.Event | Aside:
    """What a message means ``today``, given whose it is and which interview is open."""
    if inbound.what is What.BLOCKED or inbound.what is What.UNBLOCKED:
        return Aside(inbound.what.value)
    if contact is None:
        return Aside("arrive")
    open_interview = interview is not None and interview.status == "open" and prepared is not None
    if open_interview and interview is not None and is_over(interview, today):
        late = listen(inbound, contact, None, None, today)
        answers = isinstance(late, Aside) and late.name in ("idle", "stale_tap", "edit")
        return Aside("over") if answers else late
    if inbound.what is What.OPENED:
        return Aside("code", inbound.text) if inbound.text else Aside("opened")
    if inbound.what is What.UNREADABLE:
        return Aside("unreadable")
    if inbound.what is What.EDIT:
        return Aside("edit", inbound.text)
    if inbound.what is What.TAP:
        return _tapped(inbound.data, interview if open_interview else None, prepared)
    text = inbound.text
    if _INVITATION.fullmatch(text):
        return Aside("code", text.strip())
    if text.startswith("/") or not open_interview:
        command = _slash(text) or read_command(text)
        if command is not None and not (open_interview and command.name in ENGINE_COMMANDS):
            return _command(command)
        if not open_interview:
            code = find_code(text)
            return Aside("code", code) if code else Aside("idle", text)
    assert interview is not None
    if interview.stage != "main":
        return Aside("stage", text)
    return engine.Typed(text)


def _slash(text: str) -> Command | None:
    """``/word argument`` if the word is one of ours."""
    if not text.startswith("/"):
        return None
    word, _, argument = text[1:].partition(" ")
    name = _WORDS.get(word.partition("@")[0].lower())
    return Command(name, argument.strip()) if name else None


def _command(command: Command) -> Aside:
    if command.name == "start" and command.argument:
        return Aside("code", command.argument)
    return Aside(command.name, command.argument)


def _tapped(data: str, interview: Interview | None, prepared: Prepared | None) -> engine.Event | Aside:
    read = render.read_data(data)
    if read is None:
        return Aside("foreign_tap")
    op, number, question, choice = read
    if op == render.LANGUAGE:
        return Aside("language", choice or question)
    if op == render.AMEND:
        return Aside("amend", str(number))
    if op == render.WORD:
        return Aside(question, choice) if question in TAPPED_WORDS else Aside("foreign_tap")
    if interview is None or prepared is None or number != interview.id:
        return Aside("stale_tap", str(number))
    event = _event(op, prepared, question, choice)
    if event is None:
        return Aside("foreign_tap")
    return event if interview.stage == "main" else Aside("stage")


def _event(op: str, prepared: Prepared, question: str, choice: str) -> engine.Event | None:
    """The engine's event for what a button of an open interview carries, None for what none of ours would."""
    if op == render.BACK:
        return engine.Back()
    if op == render.REVIEW:
        return engine.ShowReview()
    if op == render.SUBMIT:
        return engine.Submit()
    if op == render.KEEP and not question:
        return engine.Keep()
    ref = prepared.refs.get(question)
    if ref is None:
        return None
    if op == render.CHOOSE or op == render.TOGGLE:
        name = prepared.choices[ref].get(choice)
        if name is None:
            return None
        return engine.Answer(ref, name) if op == render.CHOOSE else engine.Toggle(ref, name)
    simple: dict[str, engine.Event] = {
        render.DONE: engine.Done(ref),
        render.SKIP: engine.Leave(ref, Missing.SKIPPED),
        render.DONT_KNOW: engine.Leave(ref, Missing.DONT_KNOW),
        render.PREFER_NOT: engine.Leave(ref, Missing.PREFER_NOT),
        render.CHANGE: engine.Change(ref),
        render.KEEP: engine.Keep(ref),
    }
    return simple.get(op)


def staged(inbound: Inbound, interview: Interview, prepared: Prepared) -> engine.Event | Aside:
    """The same reading for interviews that go alone (consent, wizards)."""
    if inbound.what is What.TAP:
        return _tapped(inbound.data, replace(interview, stage="main"), prepared)
    return engine.Typed(inbound.text)


def answer(
    prepared: Prepared, state: engine.State, event: engine.Event, about: engine.Context
) -> engine.Step:
    """Let the engine take ``event``; commands found in typed text that are the engine's are carried out
    too.
    """
    step = engine.step(prepared.questionnaire, state, event, about)
    command = step.command
    if step.refusal is not None and isinstance(event, engine.Typed) and event.ref is None:
        # No answer to what is asked, but the code of a campaign: this one's, or another. Digits alone are
        # rather a number that was refused.
        code = find_code(event.text)
        return engine.Step(state, command=Command("code", code)) if code and not code.isdecimal() else step
    if command is None or command.name not in ENGINE_COMMANDS:
        return step
    meant = _meant(command)
    return engine.step(prepared.questionnaire, state, meant, about) if meant else step


def _meant(command: Command) -> engine.Event | None:
    match command.name:
        case "back":
            return engine.Back()
        case "review":
            return engine.ShowReview()
        case "submit":
            return engine.Submit()
        case "keep":
            return engine.Keep()
        case "change":
            number = command.argument.strip()
            return (
                engine.ChangeNumber(int(number))
                if number.isdecimal() and len(number) < 5
                else engine.ShowReview()
            )
    return None


def notices(prepared: Prepared, event: engine.Event, step: engine.Step, about: engine.Context) -> list[str]:
    """What to tell the person about a step before the next prompt: why a reply was not taken, how a typed
    one was understood, which earlier answer it changed, what it undid.
    """
    said = []
    if step.refusal is not None:
        said.append(_refused(prepared, step.refusal, step, about))
    for change in step.changes:
        noted = _noted(prepared, event, change, step, about)
        if noted:
            said.append(noted)
    language = about.language
    if step.dropped:
        lines = "\n".join(f"– {render.shorten(line.label, 60)}" for line in step.dropped)
        said.append(say(language, "turn.dropped", lines=lines))
    return said


def _refused(prepared: Prepared, refusal: engine.Refusal, step: engine.Step, about: engine.Context) -> str:
    """Why a reply was not taken; and to which question, when that is not the one asked now."""
    text = refusal.text or say(about.language, refusal.key, **refusal.params)
    if refusal.between:
        text += "\n" + "\n".join(f"– {choice.label}" for choice in refusal.between)
    if refusal.ref is None or refusal.ref not in prepared.questionnaire.leaves:
        return text
    asked = engine.prompt(prepared.questionnaire, step.state, about, step)
    if isinstance(asked, engine.Ask) and asked.ref == refusal.ref:
        return text
    line = engine.line(prepared.questionnaire, step.state, refusal.ref, about)
    return say(about.language, "turn.about", question=render.topic(line.label), text=text)


def _noted(
    prepared: Prepared, event: engine.Event, change: engine.Changed, step: engine.Step, about: engine.Context
) -> str:
    """An answer as it was understood, where neither what was typed or tapped nor the review shows it."""
    if step.state.submitted:
        return ""
    language = about.language
    line = engine.line(prepared.questionnaire, step.state, change.ref, about, step)
    value = render.said(line.value_label, line.missing, language)
    if change.first:
        typed = isinstance(event, engine.Typed) and fold(clean(event.text)) != fold(value.strip("()"))
        return say(language, "turn.noted", value=render.shorten(value, 200)) if typed else ""
    if isinstance(engine.prompt(prepared.questionnaire, step.state, about, step), engine.Review):
        return ""
    return say(language, "turn.changed", question=render.topic(line.label), value=render.shorten(value, 200))
