"""One turn: is it an answer, a code, a command, a word to a human? And what an answer does.

What only changes an interview is decided here without touching a table, so that many turns can share a
transaction.
Everything else is named as an :class:`Aside` and goes alone.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal

from bot import buttons, render, wishes
from bot.actions.accounts import CODE_PREFIX
from bot.messages import Abilities, Inbound, Outgoing, What
from bot.pages import CHOICES
from bot.phrases import headline, shown_number
from bot.questionnaires import Prepared
from bot.render import Look
from bot.rosters import pending_mark
from bot.texts import say
from bot.wishes import Aside as Aside
from bot.wishes import Standing
from bot.writing import replied_to, written_to
from storage.contacts import Contact
from storage.interviews import Interview
from surveys import interview as engine
from surveys import personal_codes
from surveys.campaigns import Status
from surveys.codes import find_handover
from surveys.forms import UPLOADS, Kind, Missing
from surveys.hours import asked_hour
from surveys.letters import fold
from surveys.replies import Command, clean, find_code, read_command, read_enough
from surveys.words import narrow

COMMANDS: dict[str, tuple[str, str]] = {
    "help": ("trogiup", "help"),
    "review": ("xemlai", "review"),
    "roster": ("danhsach", "members"),
    "people": ("nguoi", "people"),
    "elsewhere": ("maykhac", "elsewhere"),
    "language": ("ngonngu", "language"),
    "privacy": ("riengtu", "privacy"),
    "request": ("yeucau", "request"),
    "stop": ("dung", "stop"),
    "remind_at": ("gionhac", "remindme"),
    "human": ("hoi", "ask"),
    "forward": ("chuyentiep", "forward"),
}
"""Everybody's commands: name → its word in Vietnamese and in English."""

STAFF_COMMANDS: dict[str, tuple[str, str]] = {
    "campaigns": ("chiendich", "campaigns"),
    "new_campaign": ("taochiendich", "newcampaign"),
    "preview": ("xemtruoc", "preview"),
    "approve": ("duyet", "approve"),
    "open_campaign": ("mochiendich", "opencampaign"),
    "pause": ("tamdung", "pause"),
    "resume": ("tieptuc", "resume"),
    "extend": ("giahan", "extend"),
    "close_campaign": ("dongchiendich", "closecampaign"),
    "archive": ("luutru", "archive"),
    "replace": ("thaythe", "replace"),
    "qr": ("maqr", "qr"),
    "remind": ("nhac", "remind"),
    "progress": ("tiendo", "progress"),
    "waiting": ("chuatraloi", "waiting"),
    "alerts": ("canhbao", "alerts"),
    "digest": ("tomtat", "digest"),
    "failed": ("loigui", "failed"),
    "counts": ("thongke", "counts"),
    "recount": ("demlai", "recount"),
    "households": ("hogiadinh", "households"),
    "forms": ("phieu", "form"),
    "questions": ("cauhoi", "questions"),
    "answer": ("traloi", "answer"),
    "assist": ("nhapho", "assist"),
    "leaflets": ("toroi", "leaflets"),
}
"""Commands of members of staff."""

TAPPED_WORDS = frozenset(
    {"privacy_request", "close_sure", "upload", "human", "person", "another", "campaigns", "preview"}
    | {"approve", "open_campaign", "pause", "resume", "extend", "close_campaign", "archive"}
    | {"try_form", "drop_form", "code", "remind_sure"}
    | {"write", "take_question", "close_question", "back_to_form", "assist_case", "assist_as", "forward_to"}
    | {"retry_failed", "drop_failed"}
    | {"progress", "waiting"}
    | {"ask_approval", "qr", "leaflets", "remind"}
)
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
    now: Standing | None = None,
) -> engine.Event | Aside:
    """What a message means ``today``, given whose it is, which interview is open and how it stands ``now``
    (without: as it was read, and nobody sees a list).
    """
    if inbound.what is What.BLOCKED or inbound.what is What.UNBLOCKED:
        return Aside(inbound.what.value)
    if contact is None:
        return Aside("arrive")
    open_interview = interview is not None and interview.status == "open" and prepared is not None
    if open_interview and interview is not None and is_over(interview, today):
        late = listen(inbound, contact, None, None, today)
        answers = isinstance(late, Aside) and late.name in ("idle", "stale_tap", "edit", "file", "location")
        return Aside("over") if answers else late
    if inbound.what is What.OPENED:
        return _came_by(inbound.text) if inbound.text else Aside("opened")
    if inbound.what is What.UNREADABLE:
        return Aside("unreadable")
    if inbound.what in (What.FILE, What.LOCATION, What.LOST):
        return Aside(inbound.what.value)
    if inbound.what is What.EDIT:
        return Aside("edit", inbound.text)
    if inbound.what is What.TAP:
        return _tapped(inbound.data, interview if open_interview else None, prepared, now)
    text = inbound.text
    hour = asked_hour(text)
    if hour is not None:
        return Aside("remind_at", hour)
    brought = _INVITATION.fullmatch(text) or _is_personal_code(text) or find_handover(text)
    if brought and not text.startswith("/"):
        return _came_by(text.strip())
    thread = _thread(inbound, contact)
    if thread is not None:
        return Aside("written", f"{thread} {text}")
    if text.startswith("/") or not open_interview:
        command = _slash(text) or read_command(text)
        if command is not None and not (open_interview and command.name in ENGINE_COMMANDS):
            return _command(command)
        if not open_interview:
            if read_enough(text) and contact.account_id is None:
                return Aside("stop")
            code = text if _may_be_personal(text) else find_code(text)
            return Aside("code", code) if code else Aside("idle", text)
    assert interview is not None
    if interview.stage != "main":
        return Aside("stage", text)
    return _said(text, prepared, now)


def _thread(inbound: Inbound, contact: Contact) -> int | None:
    """The thread with staff that typed words go to: of the message they reply to, or the one the person was
    asked to write in. A command, and a resident's word to stop, stay what they are: staff who say stop don't
    write after all.
    """
    thread = replied_to(inbound.replied) if inbound.replied else written_to(contact.writing)
    if thread is None or inbound.text.startswith("/") or not inbound.text.strip():
        return None
    command = read_command(inbound.text)
    stops = command is not None and command.name == "stop" and contact.account_id is None
    return None if stops else thread


def _came_by(code: str) -> Aside:
    """What somebody brings who comes by a code: from another device, or into a campaign."""
    handover = find_handover(code)
    return Aside("arrived", handover) if handover else Aside("code", code)


_DIGIT = re.compile(r"[0-9]")


def _is_personal_code(text: str) -> bool:
    """Whether words can be nothing but a personal code: with letters and digits, as every real one has them
    (the number of a case begins with noughts). "Paid employee" is an answer, twelve digits are a number.
    """
    return _may_be_personal(text) and personal_codes.has_letters(text)


def _may_be_personal(text: str) -> bool:
    """Whether words have the characters of a personal code, and are no sentence around a campaign's: "toi co
    ma" and a code are as long as one.
    """
    if not (personal_codes.read(text) and _DIGIT.search(text)):
        return False
    return not any(len(word) in (5, 6) and find_code(word) for word in text.split())


_ABOUT_CODES = frozenset(
    {"", "ma", "ma so", "ma khao sat", "ma la", "ma so la", "ma khao sat la", "ma cua toi", "ma cua toi la"}
    | {"ma khao sat cua toi", "ma khao sat cua toi la", "la ma", "la ma khao sat", "toi co ma"}
    | {"code", "the code", "my code", "code is", "the code is", "my code is"}
)
"""What stands beside a code that is all somebody brings (plain words)."""


def code_alone(text: str) -> str | None:
    """The code of a campaign or of a person that a message consists of; None where it says anything else."""
    if _is_personal_code(text):
        return text.strip()
    found = find_code(text)
    if found is None:
        return None
    if re.fullmatch(r"\s*\S*/chat/[A-Za-z0-9]{5,6}/?\s*", text):
        return found
    spelled = re.compile("(?: - |[ -])?".join(found), re.IGNORECASE)
    beside = re.findall(r"[^\W_]+", fold(spelled.sub(" ", narrow(text), count=1)))
    said = " ".join(word for word in beside if word not in ("da", "a", "xin", "day"))
    return found if said in _ABOUT_CODES else None


def _said(text: str, prepared: Prepared | None, now: Standing | None) -> engine.Event | Aside:
    """Words while an interview is open: a wish about what the person sees, else for the question."""
    wish = wishes.read(text, prepared, now) if prepared is not None and now is not None else None
    return wish or engine.Typed(text)


def _slash(text: str) -> Command | None:
    """``/word argument`` if the word is one of ours."""
    if not text.startswith("/"):
        return None
    word, _, argument = text[1:].partition(" ")
    name = _WORDS.get(word.partition("@")[0].lower())
    return Command(name, argument.strip()) if name else None


def _command(command: Command) -> Aside:
    if command.name == "start" and command.argument:
        return _came_by(command.argument)
    return Aside(command.name, command.argument)


def _tapped(
    data: str, interview: Interview | None, prepared: Prepared | None, now: Standing | None
) -> engine.Event | Aside:
    read = buttons.read_data(data)
    if read is None:
        return Aside("foreign_tap")
    op, number, about, choice = read
    if op == buttons.LANGUAGE:
        return Aside("language", choice or about)
    if op == buttons.AMEND:
        return Aside("amend", str(number))
    if op == buttons.WORD:
        return Aside(about, choice) if about in TAPPED_WORDS else Aside("foreign_tap")
    if interview is None or prepared is None or number != interview.id:
        return Aside("stale_tap", str(number))
    meant = _event(op, prepared, about, choice, now.state if now is not None else interview.state, now)
    if isinstance(meant, Aside) or interview.stage == "main":
        return meant
    return Aside("stage")


_PLAIN: dict[str, engine.Event] = {
    buttons.BACK: engine.Back(),
    buttons.REVIEW: engine.ShowReview(),
    buttons.SUBMIT: engine.Submit(),
}


def _event(
    op: str, prepared: Prepared, about: str, choice: str, state: engine.State, now: Standing | None
) -> engine.Event | Aside:
    """What a button of an open interview means."""
    if op in _PLAIN:
        return _PLAIN[op]
    if op == buttons.CONFIRM:
        return _confirmed(about, choice, state)
    if not about and op == buttons.KEEP:
        return engine.Keep()
    if op == buttons.PAGE:
        # Only another look, whatever list it was about.
        return _page(choice)
    place = buttons.read_place(about)
    ref = prepared.ref(place) if place is not None else None
    if place is None or ref is None:
        return Aside("foreign_tap")
    if not place.is_of(state.removals):
        # Somebody was taken out since: whom it was about may have another number now.
        return Aside("moved", _outermost(ref))
    if buttons.template(ref) in prepared.repeats:
        return _of_repeat(op, prepared, ref, choice, state)
    return _of_question(op, prepared, ref, choice, now)


def _page(choice: str) -> Aside:
    number = int(choice, 36) if choice.isalnum() and choice.isascii() and len(choice) < 5 else 0
    return Aside("page", str(number))


def _confirmed(about: str, choice: str, state: engine.State) -> engine.Event | Aside:
    """Yes or no, to what is still asked."""
    pending = state.focus.pending if state.focus is not None else None
    if choice not in ("0", "1"):
        return Aside("foreign_tap")
    if pending is None or pending_mark(pending) != about:
        return Aside("stale_tap")
    return engine.Confirm(choice == "1")


def _outermost(ref: str) -> str:
    """The repeat at the head of a reference with instances."""
    return ref.partition("[")[0]


def _of_repeat(
    op: str, prepared: Prepared, ref: str, choice: str, state: engine.State
) -> engine.Event | Aside:
    """A button about a repeat, or about one of its members."""
    is_member = ref.endswith("]")
    if is_member:
        if op == buttons.REMOVE:
            return engine.Remove(ref)
        return Aside("member", ref) if op == buttons.MEMBER else Aside("foreign_tap")
    if op == buttons.ADD:
        counted = prepared.repeats[buttons.template(ref)].count is not None
        seen = int(choice, 36) if choice.isalnum() and choice.isascii() and len(choice) < 5 else -1
        # A second tap on the same button adds nobody else.
        return engine.Add(ref) if counted or seen == state.counts.get(ref, 1) else Aside("stale_tap")
    simple: dict[str, engine.Event] = {
        buttons.NO_MORE: engine.NoMore(ref),
        buttons.ROSTER: engine.ShowRoster(ref),
    }
    return simple.get(op, Aside("foreign_tap"))


def _of_question(
    op: str, prepared: Prepared, ref: str, choice: str, now: Standing | None
) -> engine.Event | Aside:
    if op == buttons.CHOOSE or op == buttons.TOGGLE:
        name = _chosen(prepared, ref, choice, now)
        if name is None:
            picked = prepared.questionnaire.leaves[buttons.template(ref)].question.picked
            return engine.Change(ref) if picked is not None else Aside("foreign_tap")
        return engine.Answer(ref, name) if op == buttons.CHOOSE else engine.Toggle(ref, name)
    simple: dict[str, engine.Event] = {
        buttons.DONE: engine.Done(ref),
        buttons.SKIP: engine.Leave(ref, Missing.SKIPPED),
        buttons.DONT_KNOW: engine.Leave(ref, Missing.DONT_KNOW),
        buttons.PREFER_NOT: engine.Leave(ref, Missing.PREFER_NOT),
        buttons.CHANGE: engine.Change(ref),
        buttons.KEEP: engine.Keep(ref),
    }
    return simple.get(op, Aside("foreign_tap"))


def _chosen(prepared: Prepared, ref: str, choice: str, now: Standing | None) -> str | None:
    """The name of the choice with this mark. Choices made of answers have names only the interview knows."""
    named = prepared.choices[buttons.template(ref)].get(choice)
    if named is not None or now is None:
        return named
    if prepared.questionnaire.leaves[buttons.template(ref)].question.picked is None:
        return None
    asked = now.prompt()
    if not isinstance(asked, engine.Ask) or asked.ref != ref:
        return None
    return next((each.name for each in asked.choices if buttons.mark(each.name) == choice), None)


def staged(
    inbound: Inbound, interview: Interview, prepared: Prepared, now: Standing | None = None
) -> engine.Event | Aside:
    """The same reading for interviews that go alone (consent, wizards)."""
    if inbound.what is What.TAP:
        return _tapped(inbound.data, replace(interview, stage="main"), prepared, now)
    return _said(inbound.text, prepared, now)


def answer(
    prepared: Prepared,
    state: engine.State,
    event: engine.Event,
    about: engine.Context,
    after: engine.Step | None = None,
) -> engine.Step:
    """Let the engine take ``event``; commands found in typed text that are the engine's are carried out
    too. ``after``: the step that led to exactly this state; it can't be used again.
    """
    step = _stepped(prepared, state, event, about, after)
    command = step.command
    if step.refusal is not None and isinstance(event, engine.Typed) and event.ref is None:
        # No answer to what is asked, but the code of a campaign: this one's, or another. Digits alone are
        # rather a number that was refused.
        code = find_code(event.text)
        return engine.Step(state, command=Command("code", code)) if code and not code.isdecimal() else step
    if command is None or command.name not in ENGINE_COMMANDS:
        return step
    meant = _meant(command)
    return _stepped(prepared, state, meant, about, step if step.sight else None) if meant else step


def _stepped(
    prepared: Prepared,
    state: engine.State,
    event: engine.Event,
    about: engine.Context,
    after: engine.Step | None,
) -> engine.Step:
    if after is None:
        return engine.step(prepared.questionnaire, state, event, about)
    return engine.step(prepared.questionnaire, state, event, about, after)


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


_INSTANCE = re.compile(r"(.*)\[([0-9]+)\]")


def shifted(ref: str, gone: Sequence[str]) -> str | None:
    """What a reference from before names now that the members ``gone`` were taken out, one after another;
    None if it is about one of them.
    """
    for one in gone:
        found = _INSTANCE.fullmatch(one)
        assert found is not None, one
        head, number = found[1], int(found[2])
        mine = re.match(re.escape(head) + r"\[([0-9]+)\]", ref)
        if mine is None or int(mine[1]) < number:
            continue
        if int(mine[1]) == number:
            return None
        ref = f"{head}[{int(mine[1]) - 1}]{ref[mine.end() :]}"
    return ref


def is_numbered(asked: engine.Ask, abilities: Abilities) -> bool:
    """Whether the choices of a question stand in its text."""
    return any(len(choice.label) > abilities.button_limit for choice in asked.choices)


UNTOLD = frozenset({"reply.still_open", "reply.at_start", "reply.no_such_line", "reply.already_submitted"})
"""Refusals of a wish, not of an answer: nobody was misunderstood."""


def misread(before: int, event: engine.Event, step: engine.Step) -> int:
    """How many replies in a row weren't understood, after ``before`` and this one."""
    if step.refusal is None or step.refusal.key in UNTOLD:
        return 0
    return before + 1 if isinstance(event, engine.Typed) else before


def page_after(before: int, event: engine.Event, step: engine.Step) -> int:
    """The page of a list that is shown after an event: kept while the same list is looked at."""
    return before if step.refusal is not None or isinstance(event, engine.Toggle) else 0


def put(
    prepared: Prepared,
    state: engine.State,
    about: engine.Context,
    *,
    interview: int,
    abilities: Abilities,
    notices: Sequence[str] = (),
    after: engine.Step | None = None,
    ticks: bool = False,
    again: bool = False,
    page: int = 0,
    misread: int = 0,
    files: Callable[[], str] | None = None,
) -> Outgoing | None:
    """The prompt of an interview as it stands, as a message. ``after``: the step that led to exactly this
    state; the rest: see :mod:`bot.render`. Of a form that is only tried every message says so.
    """
    if prepared.is_trial:
        notices = [say(about.language, "trial.nothing_counts"), *notices]
    asked = engine.prompt(prepared.questionnaire, state, about, after)
    refusal = after.refusal if after is not None else None
    upload = isinstance(asked, engine.Ask) and asked.kind in UPLOADS
    look = Look(
        page=page,
        removals=state.removals,
        pending=state.focus.pending if state.focus is not None else None,
        among=refusal.between if refusal is not None else (),
        misread=misread,
        files=files() if upload and files is not None else "",
    )
    return render.render(
        asked, interview, about.language, abilities, notices, ticks=ticks, again=again, look=look
    )


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
        lines = "\n".join(f"– {headline(line, language, 60)}" for line in step.dropped)
        said.append(say(language, "turn.dropped", lines=lines))
    return said


def _refused(prepared: Prepared, refusal: engine.Refusal, step: engine.Step, about: engine.Context) -> str:
    """Why a reply was not taken; and to which question, when that is not the one asked now."""
    text = refusal.text or say(about.language, refusal.key, **_shown(refusal, about.language)).strip()
    asked = engine.prompt(prepared.questionnaire, step.state, about, step)
    if refusal.between:
        # A list too long to see has numbers to type; of a short one the choices follow anyway.
        names = [choice.name for choice in asked.choices] if isinstance(asked, engine.Ask) else []
        long = len(names) > CHOICES
        text += "\n" + "\n".join(
            f"{names.index(choice.name) + 1}. {choice.label}"
            if long and choice.name in names
            else f"– {choice.label}"
            for choice in refusal.between
        )
    if refusal.ref is None or buttons.template(refusal.ref) not in prepared.questionnaire.leaves:
        return text
    if isinstance(asked, engine.Ask) and asked.ref == refusal.ref:
        return text
    line = engine.line(prepared.questionnaire, step.state, refusal.ref, about)
    return say(about.language, "turn.about", question=headline(line, about.language), text=text)


def _shown(refusal: engine.Refusal, language: str) -> Mapping[str, object]:
    """What fills in the sentence of a refusal; numbers of a range as they are written in ``language``."""
    if refusal.key != "reply.not_in_range":
        return refusal.params
    return {key: shown_number(Decimal(str(value)), language) for key, value in refusal.params.items()}


def _noted(
    prepared: Prepared, event: engine.Event, change: engine.Changed, step: engine.Step, about: engine.Context
) -> str:
    """An answer as it was understood, where neither what was typed or tapped nor the review shows it."""
    if step.state.submitted or change.what == "added":
        return ""
    language = about.language
    leaf = prepared.questionnaire.leaves.get(buttons.template(change.ref))
    if leaf is not None and leaf.question.kind is Kind.ACKNOWLEDGE and change.first:
        return ""
    if change.what == "removed":
        return say(language, "roster.removed", name=render.shorten(change.value or "", 60))
    line = engine.line(prepared.questionnaire, step.state, change.ref, about, step)
    value = render.said(line.value_label, line.missing, language)
    if change.first:
        typed = isinstance(event, engine.Typed) and fold(clean(event.text)) != fold(value.strip("()"))
        return say(language, "turn.noted", value=render.shorten(value, 200)) if typed else ""
    if isinstance(engine.prompt(prepared.questionnaire, step.state, about, step), engine.Review):
        return ""
    heading = headline(line, language)
    return say(language, "turn.changed", question=heading, value=render.shorten(value, 200))
