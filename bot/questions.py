"""Talking back: a word to a human, the staff who hear it, and their answer in the chat.

A person is never left in between: what they ask is a request with a day, told to staff at once and again
while nobody answers (:mod:`bot.actions.messages`). Whoever taps *write*, or replies to a message of a thread,
writes in that thread; everything else goes on being an answer to the survey.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from bot import buttons, entering, render, stopping
from bot.actions import messages as threads
from bot.actions import perform
from bot.actions.messages import kept_home
from bot.conversation import code_alone
from bot.desk import Desk, Handler, Heard, Hearing, about, day, session
from bot.messages import Abilities, Button, Outgoing
from bot.notices import maker
from bot.orders import act, queued
from bot.texts import LANGUAGES, say
from bot.writing import marked, write_to
from scheduler.jobs import Job
from storage import requests
from storage.crypto import Keyring
from storage.database import Database, now_ms
from surveys.calendar import Hours
from surveys.forms import Question, language_code
from surveys.interview import Ask, prompt
from surveys.letters import fold
from surveys.problems import Problem
from surveys.replies import clean, read_command

log = logging.getLogger("hoidan.questions")

ENOUGH = frozenset(
    {"thoi", "da thoi", "thoi a", "da thoi a", "thoi khoi", "thoi khong", "thoi khong hoi nua", "khong"}
    | {"khong co", "khong hoi", "khong hoi nua", "khong tra loi", "quay lai", "back", "no", "nothing"}
    | {"never mind", "not now"}
)
"""What somebody says who was asked to write and has nothing to say."""


# ── people ──────────────────────────────────────────────────────────────────────────────────────────────────


def request(desk: Desk, hearing: Hearing, argument: str) -> Heard:
    """A request about one's data, in the person's own words."""
    made = _request(hearing, "privacy", clean(argument) or hearing.say("request.privacy_default"))
    return Heard(hearing.contact, desk.now(hearing, [_taken(hearing, made)]))


def human(desk: Desk, hearing: Hearing, argument: str) -> Heard:
    """A word to a member of staff. Without any words of their own staff are told all the same, and the person
    may say more at once. Whoever was lost is counted anew.
    """
    if hearing.contact.misread:
        hearing = replace(hearing, contact=session(hearing, misread=0))
    said = clean(argument)
    thread = _thread(hearing)
    if said and thread is not None:
        return _add(desk, hearing, thread, said)
    if said:
        made = _request(hearing, "question", said)
        return Heard(hearing.contact, desk.now(hearing, [_taken(hearing, made)]))
    if thread is not None:
        return _ask(hearing, thread, hearing.say("question.still_open", number=thread))
    made = _request(hearing, "question", hearing.say("request.human_default"))
    return _ask(hearing, made["id"], _taken(hearing, made))


def _thread(hearing: Hearing) -> int | None:
    """The thread of this person that more words belong to."""
    campaign = about(hearing)
    since = hearing.now - threads.SAME_THREAD_MS
    return requests.current(hearing.connection, hearing.contact.id, campaign.id if campaign else None, since)


def _request(hearing: Hearing, kind: str, text: str) -> dict[str, Any]:
    campaign = about(hearing)
    given: dict[str, Any] = {"kind": kind, "text": text, "campaign": campaign.id if campaign else None}
    interview = hearing.interview
    if interview is not None and interview.case_id:
        given |= {"case": interview.case_id, "about": asked(hearing)}
    made: dict[str, Any] = perform(act(hearing), "request.create", given)
    return made


def asked(hearing: Hearing) -> dict[str, str]:
    """What a person is being asked, by language: the form's own words, with nothing of anybody's answers in
    them.
    """
    interview, prepared = hearing.interview, hearing.prepared
    if interview is None or prepared is None or interview.status != "open":
        return {}
    standing = prompt(prepared.questionnaire, interview.state, hearing.context())
    leaf = isinstance(standing, Ask) and prepared.questionnaire.leaves.get(buttons.template(standing.ref))
    return _labels(leaf.question, prepared.form.default_language) if leaf else {}


def _labels(question: Question, default: str) -> dict[str, str]:
    names = {language_code(name): name for name in question.label.by_language}
    found = {}
    for language in LANGUAGES:
        template = question.label.choose(names.get(language, ""), default)
        text = "".join(part if isinstance(part, str) else "…" for part in template)
        found[language] = render.shorten(text, 200)
    return found


def _taken(hearing: Hearing, made: Mapping[str, Any]) -> str:
    due = day(date.fromisoformat(made["due_on"]))
    return hearing.say("request.taken", number=made["id"], due=due)


def _ask(hearing: Hearing, thread: int, notice: str, *, staff: bool = False) -> Heard:
    """Let somebody write: their next words go to the thread. ``staff``: they answer who asked."""
    contact = session(hearing, writing=write_to(thread, hearing.now))
    text = f"{notice}\n\n{hearing.say('question.write_answer' if staff else 'question.write')}"
    rows: tuple[tuple[Button, ...], ...] = ()
    if hearing.abilities.buttons:
        asks = hearing.interview is not None and hearing.interview.status == "open"
        idle = "button.not_now" if staff else "button.nothing_to_say"
        label = hearing.say("button.back_to_form" if asks else idle)
        rows = ((Button(label, render.data(render.WORD, 0, "back_to_form")),),)
    else:
        text += " " + hearing.say("question.type_not_now" if staff else "question.type_enough")
    return Heard(contact, Outgoing(render.fit(text, hearing.abilities), rows))


def back_to_form(desk: Desk, hearing: Hearing, argument: str) -> Heard:
    """Nothing (more) to say: the survey goes on where it was."""
    return Heard(hearing.contact, desk.now(hearing, whole=True))


def written(desk: Desk, hearing: Hearing, argument: str) -> Heard:
    """Words for a thread: its number, then what was said. The person's own go to staff, staff's to the
    person.
    """
    number, _, said = argument.partition(" ")
    said = said.strip()
    thread = int(number)
    found = requests.get(hearing.connection, hearing.keyring, thread)
    if found is None:
        raise Problem("request_unknown", status=404, request=thread)
    command = read_command(said)
    stops = command is not None and command.name == "stop"
    if found.contact_id != hearing.contact.id:
        if stops or fold(clean(said)) in ENOUGH:
            return back_to_form(desk, hearing, "")
        return answer(desk, hearing, f"{thread} {said}")
    if stops:
        return stopping.stop(desk, hearing, "")
    if fold(clean(said)) in ENOUGH:
        return back_to_form(desk, hearing, "")
    brought = code_alone(said)
    if brought is not None:
        # Whoever has a code wants to come in; staff could do nothing with it.
        return entering.code(desk, hearing, brought)
    return _add(desk, hearing, thread, clean(said))


def _add(desk: Desk, hearing: Hearing, thread: int, said: str) -> Heard:
    made = perform(act(hearing), "message.say", {"request": thread, "text": said})
    due = day(date.fromisoformat(made["due_on"]))
    return Heard(
        hearing.contact, desk.now(hearing, [hearing.say("question.passed_on", number=thread, due=due)])
    )


def write(desk: Desk, hearing: Hearing, argument: str) -> Heard:
    """*Write* was tapped below a message of a thread: by the person who asked, or by staff."""
    number = int(argument) if argument.isdecimal() else 0
    found = requests.get(hearing.connection, hearing.keyring, number)
    if found is None:
        return Heard(hearing.contact, desk.now(hearing, [hearing.say("turn.stale_tap")]))
    if found.contact_id == hearing.contact.id:
        return _ask(hearing, found.id, hearing.say("question.more", number=found.id))
    return _answering(hearing, found.id)


def _answering(hearing: Hearing, number: int) -> Heard:
    """Let a member of staff write an answer; whoever does has taken the question."""
    shown = perform(act(hearing), "message.show", {"request": number})
    if shown["taken_by"] == "":
        perform(act(hearing), "message.take", {"request": number})
    return _ask(hearing, number, hearing.say("question.answering", number=number), staff=True)


# ── staff ───────────────────────────────────────────────────────────────────────────────────────────────────


def _number(argument: str) -> tuple[int, str]:
    """The thread meant (``12``, ``#12``), and what was said after it. Raises Problem
    ``question_number_missing``.
    """
    first, _, said = argument.strip().partition(" ")
    number = first.removeprefix("#").rstrip(":.,")
    if not (number.isascii() and number.isdecimal() and len(number) < 19):
        raise Problem("question_number_missing")
    return int(number), said.strip()


def answer(desk: Desk, hearing: Hearing, argument: str) -> Heard:
    """``/traloi 12 words``: to the person who asked; without words, the next ones are the answer."""
    number, said = _number(argument)
    if not said:
        found = requests.get(hearing.connection, hearing.keyring, number)
        if found is not None and found.contact_id == hearing.contact.id:
            # Words of theirs without the command would be more of the question.
            return Heard(hearing.contact, desk.now(hearing, [hearing.say("question.own", number=number)]))
        return _answering(hearing, number)
    shown = perform(act(hearing), "message.answer", {"request": number, "text": said})
    key = "question.sent" if shown["reached"] else "question.not_reached"
    return Heard(hearing.contact, desk.now(hearing, [hearing.say(key, number=number)]), queued=True)


_DEEDS = {
    "nhan": "message.take", "take": "message.take",
    "dong": "message.close", "xong": "message.close", "close": "message.close",
    "mo": "message.reopen", "mo lai": "message.reopen", "reopen": "message.reopen",
}  # fmt: skip
"""What can be typed after the number of a thread."""


def questions(desk: Desk, hearing: Hearing, argument: str) -> Heard:
    """``/cauhoi``: what waits for an answer; ``/cauhoi 12``: a thread; ``/cauhoi 12 nhận|đóng|mở``."""
    if not argument.strip():
        listed = perform(act(hearing), "message.list", {})
        shown = [kept_home(each, hearing.contact.channel) for each in listed["questions"]]
        return queued(hearing, "question.list", {"questions": shown})
    number, said = _number(argument)
    deed = _DEEDS.get(fold(said))
    if said and deed is None:
        raise Problem("question_deed", said=said[:40], number=number)
    return _done(desk, hearing, deed or "message.show", number)


def _done(desk: Desk, hearing: Hearing, deed: str, number: int) -> Heard:
    shown = perform(act(hearing), deed, {"request": number})
    if deed == "message.show":
        return queued(hearing, "question.shown", kept_home(shown, hearing.contact.channel))
    key = {"message.take": "took", "message.close": "closed", "message.reopen": "reopened"}[deed]
    text = hearing.say(f"question.{key}", number=number)
    return Heard(hearing.contact, desk.now(hearing, [text]), queued=True)


def tapped(deed: str) -> Handler:
    """A button below a question that staff were told of."""

    def tapped(desk: Desk, hearing: Hearing, argument: str) -> Heard:
        return _done(desk, hearing, deed, _number(argument)[0])

    return tapped


# ── how it is told ──────────────────────────────────────────────────────────────────────────────────────────


def _buttons(
    params: Mapping[str, Any], language: str, abilities: Abilities
) -> tuple[tuple[Button, ...], ...]:
    if not abilities.buttons:
        return ()
    number = str(params["id"])

    def button(key: str, word: str) -> Button:
        return Button(say(language, key), render.data(render.WORD, 0, word, number))

    first = [button("button.answer_question", "write")]
    if not params["taken_by"]:
        first.append(button("button.take_question", "take_question"))
    if params["kind"] == requests.QUESTION:
        first.append(button("button.close_question", "close_question"))
    return (tuple(first),)


def _question(head: str, params: Mapping[str, Any], language: str, abilities: Abilities) -> Outgoing:
    """A thread as staff read it: what it is about, where the person was, what they said, how to answer."""
    lines = [f"{marked(params['id'])} {head}"]
    if params["code"]:
        lines.append(say(language, "question.campaign", title=params["title"], code=params["code"]))
    if params["place"]:
        lines.append(say(language, "question.place", place=params["place"]))
    label = params["asked"].get(language)
    if label:
        lines.append(say(language, "question.asked", question=label))
    due = day(date.fromisoformat(params["due_on"]))
    lines.append(say(language, f"question.due_{params['kind']}", due=due))
    if params["taken_by"]:
        lines.append(say(language, "question.taken_line", name=params["taken_by"]))
    said = [say(language, "question.said", text=params["text"])] if params["text"] is not None else []
    for direction, text in params["thread"]:
        said.append(
            say(language, "question.said" if direction == "in" else "question.was_answered", text=text)
        )
    if params["text"] is None:
        said.append(say(language, "question.withheld", number=params["id"]))
    how = say(language, "question.how", number=params["id"])
    text = render.within("\n".join(lines), "\n" + "\n".join(said) + "\n", how, abilities)
    return Outgoing(text, _buttons(params, language, abilities))


def _told(key: str) -> Callable[[Mapping[str, Any], str, Abilities], Outgoing]:
    def made(params: Mapping[str, Any], language: str, abilities: Abilities) -> Outgoing:
        return _question(say(language, key), params, language, abilities)

    return made


for _name, _key in (
    ("question.new", "question.head_new"),
    ("question.more", "question.head_more"),
    ("question.waiting", "question.head_waiting"),
    ("question.shown", "question.head_shown"),
):
    maker(_name)(_told(_key))


@maker("question.list")
def _list(params: Mapping[str, Any], language: str, abilities: Abilities) -> Outgoing:
    if not params["questions"]:
        return Outgoing(say(language, "question.none"))
    lines = [say(language, "question.list", count=len(params["questions"]))]
    for one in params["questions"]:
        newest = next((text for way, text in reversed(one["thread"]) if way == "in"), one["text"])
        lines.append(
            say(
                language,
                "question.line_late" if one["late"] else "question.line",
                number=one["id"],
                due=day(date.fromisoformat(one["due_on"])),
                name=one["taken_by"] or "–",
                text=render.shorten(newest or say(language, "question.unread"), 80),
            )
        )
    return Outgoing(render.within("\n".join(lines), "", say(language, "question.list_how"), abilities))


@maker("question.taken")
def _taken_by(params: Mapping[str, Any], language: str, abilities: Abilities) -> Outgoing:
    told = say(language, "question.taken", name=params["name"])
    return Outgoing(f"{marked(params['id'])} {told}")


@maker("question.answered_by")
def _answered_by(params: Mapping[str, Any], language: str, abilities: Abilities) -> Outgoing:
    told = say(language, "question.answered_by", name=params["name"])
    return Outgoing(f"{marked(params['id'])} {told}")


@maker("request.answered")
def _answered(params: Mapping[str, Any], language: str, abilities: Abilities) -> Outgoing:
    """Staff's answer, in the chat of who asked."""
    head = f"{marked(params['id'])} {say(language, 'question.answer_head')}"
    tail = say(language, "question.answer_tail")
    rows: tuple[tuple[Button, ...], ...] = ()
    if abilities.buttons:
        more = Button(
            say(language, "button.ask_more"), render.data(render.WORD, 0, "write", str(params["id"]))
        )
        rows = ((more,),)
    return Outgoing(render.within(head, params["text"], tail, abilities), rows)


# ── while nobody answers ────────────────────────────────────────────────────────────────────────────────────

SECONDS = 300
"""How often it is looked for questions that wait."""
AT_WORK = Hours()
"""When staff are told again: never at night."""


def reminding(keyring: Keyring, zone: ZoneInfo, clock: Callable[[], int] = now_ms) -> Job:
    """The job that tells staff again what nobody answers."""
    return Job("remind_staff", SECONDS, lambda database: remind_staff(database, keyring, zone, clock()))


def remind_staff(database: Database, keyring: Keyring, zone: ZoneInfo, now: int) -> int:
    """Tell staff of questions that wait too long, by day; how many."""
    local = datetime.fromtimestamp(now / 1000, zone)
    if not AT_WORK.allow(local):
        return 0

    def told(connection: Connection) -> int:
        return threads.remind(connection, keyring, local.date(), now)

    number: int = database.write(told, bulk=True)
    if number:
        log.info("staff were told of %d questions that wait", number)
    return number


RESIDENT: Mapping[str, Handler] = {
    "privacy_request": request,
    "request": request,
    "human": human,
    "written": written,
    "write": write,
    "back_to_form": back_to_form,
}
"""What everybody may say and tap."""

STAFF: Mapping[str, Handler] = {
    "answer": answer,
    "questions": questions,
    "take_question": tapped("message.take"),
    "close_question": tapped("message.close"),
}
"""What staff may."""
