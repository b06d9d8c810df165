"""``hoidan talk``: answer a form in the terminal, as people will in the chat. Nothing is stored.

With ``--json`` a program talks instead: a JSON object a line, both ways. In: ``{"text": "…"}`` is typed,
``{"name": "gioi", "value": "1"}`` an exact value for a question (blank: skipped). Out: see
:meth:`Talk.document`.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import click

from bot import conversation, render
from bot.authoring.check import check as check_form
from bot.channels.terminal import CHANNEL, Terminal, typed
from bot.cli.frame import Spoken, zone
from bot.cli.frame import language as language_of_the_system
from bot.cli.instrument import LIBRARY, read_definition
from bot.conversation import Aside
from bot.messages import ABILITIES, Inbound
from bot.questionnaires import Prepared, context, prepare
from bot.texts import LANGUAGES, say
from storage.contacts import Contact
from storage.interviews import Interview
from surveys import interview as engine
from surveys.forms import Form, Kind
from surveys.instruments import Instrument, Unit, read_instrument
from surveys.interview import Ask, Event, Focus, Refusal, Review, State, prompt, result
from surveys.problems import Problem

_CONTACT = Contact(
    id=0, channel=CHANNEL, status="active", account_id=None, language="", interview_id=0, misread=0, version=0
)
_INTERVIEW = Interview(
    id=0,
    case_id=0,
    instrument_id=0,
    stage="main",
    way="self",
    status="open",
    version=0,
    campaign_id=0,
    campaign_code="",
    campaign_title="",
    campaign_status="",
    campaign_ends="",
    reference_date="",
    area_code="",
    state=State(),
)
"""What a message is heard with: someone in the middle of an interview, as on every other channel."""


@dataclass(slots=True)
class Talk:
    """One form being answered; ``state`` is all there is of it. ``over``: the talk has ended."""

    prepared: Prepared
    language: str
    clock: Callable[[], datetime]
    state: State = field(default_factory=State)
    refusal: Refusal | None = None
    over: bool = False

    def begin(self, given: Mapping[str, str]) -> str:
        """The first question, with ``given`` values of hidden fields. Raises Problem ``talk_field``."""
        form = self.prepared.form
        known = [question.name for question in form.questions() if question.kind is Kind.HIDDEN]
        for name in given:
            if name not in known:
                raise Problem("talk_field", name=name, known=", ".join(known) or None)
        self.state = engine.begin(self.prepared.questionnaire, given, self._about())
        return self._now([say(self.language, "terminal.welcome", title=form.title)])

    def hear(self, inbound: Inbound) -> str:
        """What the bot says to a message: the same reading, engine and texts as on every other channel."""
        meaning = conversation.listen(inbound, _CONTACT, _INTERVIEW, self.prepared, self.clock().date())
        return self._aside(meaning) if isinstance(meaning, Aside) else self.take(meaning)

    def take(self, event: Event) -> str:
        """What the bot says to an answer."""
        step = conversation.answer(self.prepared, self.state, event, self._about())
        if step.command is not None:
            return self._aside(Aside(step.command.name, step.command.argument))
        self.state, self.refusal = step.state, step.refusal
        if step.state.submitted:
            return self._end()
        notices = conversation.notices(self.prepared, event, step, self._about())
        return self._now(notices, again=step.refusal is not None)

    def stop(self) -> str:
        """The person has had enough, or the input ends."""
        self.over = True
        return say(self.language, "terminal.stopped")

    def document(self, text: str) -> dict[str, Any]:
        """The talk as it stands, for programs.

        ``says`` is what a person would read; ``asks`` the question (None: the review, or over) with its
        ``name``, ``kind``, ``label``, ``hint``, ``choices``, ``value``, ``required``, ``number``, ``total``;
        ``refused`` why a reply was not taken; ``answers`` every relevant value by name, ``missing`` why
        questions have none.
        """
        questionnaire = self.prepared.questionnaire
        now = prompt(questionnaire, self.state, self._about())
        found = result(questionnaire, self.state, self._about())
        return {
            "says": text,
            "asks": _asked(now) if isinstance(now, Ask) and not self.over else None,
            "refused": self.refusal.key if self.refusal else None,
            "over": self.over,
            "submitted": self.state.submitted,
            "answers": {_name(ref): value for ref, value in found.values.items()},
            "missing": {_name(ref): why.value for ref, why in found.missing.items()},
        }

    def _aside(self, aside: Aside) -> str:
        self.refusal = None
        if aside.name == "stop":
            return self.stop()
        if aside.name == "help":
            asked = prompt(self.prepared.questionnaire, self.state, self._about())
            guidance = [asked.guidance] if isinstance(asked, Ask) and asked.guidance else []
            return self._now([*guidance, say(self.language, "terminal.help")], again=True)
        if aside.name == "language":
            other = next(each for each in LANGUAGES if each != self.language)
            self.language = aside.argument if aside.argument in LANGUAGES else other
            return self._now([say(self.language, "turn.language")])
        return self._now([say(self.language, "terminal.not_here")], again=True)

    def _end(self) -> str:
        """Everything that was answered, as a list."""
        self.over = True
        reviewed = replace(self.state, submitted=False, focus=Focus(None))
        review = prompt(self.prepared.questionnaire, reviewed, self._about())
        assert isinstance(review, Review)
        lines = [
            f"{line.number}. {render.topic(line.label)}: "
            f"{render.said(line.value_label, line.missing, self.language)}"
            for line in review.lines
        ]
        title = say(self.language, "terminal.answers")
        return "\n".join([*review.before, title, *lines, "", say(self.language, "terminal.over")])

    def _now(self, notices: list[str], *, again: bool = False) -> str:
        now = prompt(self.prepared.questionnaire, self.state, self._about())
        message = render.render(now, 0, self.language, ABILITIES[CHANNEL], notices, again=again)
        assert message is not None
        return message.text

    def _about(self) -> engine.Context:
        return context(self.clock(), self.language)


def _name(ref: str) -> str:
    return ref.rpartition("/")[2]


def _asked(ask: Ask) -> dict[str, Any]:
    return {
        "name": _name(ask.ref),
        "kind": ask.kind.value,
        "label": ask.label,
        "hint": ask.hint,
        "choices": [{"name": choice.name, "label": choice.label} for choice in ask.choices],
        "value": ask.value,
        "required": ask.required,
        "number": ask.number,
        "total": ask.total,
    }


# ── both ends of the line ───────────────────────────────────────────────────────────────────────────────────


def converse(talk: Talk, given: Mapping[str, str], terminal: Terminal) -> None:
    """Talk with a person until the answers are handed in, the person stops, or the input ends."""
    terminal.show(talk.begin(given) + "\n")
    try:
        for line in terminal.lines():
            terminal.show(talk.hear(typed(line)) + "\n")
            if talk.over:
                return
    except KeyboardInterrupt:
        pass
    # Ctrl-C and Ctrl-D leave the cursor behind what was being typed.
    terminal.show(("\n" if terminal.attended else "") + talk.stop())


def exchange(talk: Talk, given: Mapping[str, str], terminal: Terminal) -> None:
    """Talk with a program, a JSON object a line. A line that is none of ours is answered with ``error``."""
    _emit(terminal, talk.document(talk.begin(given)))
    for line in terminal.lines():
        if not line.strip():
            continue
        text = _heard(talk, line)
        _emit(
            terminal,
            {"error": say(talk.language, "terminal.bad_line")} if text is None else talk.document(text),
        )
        if talk.over:
            return


def _heard(talk: Talk, line: str) -> str | None:
    try:
        said = json.loads(line)
    except (ValueError, RecursionError):
        return None
    match said:
        case {"text": str(text)}:
            return talk.hear(typed(text))
        case {"name": str(name), "value": str(value)}:
            ref = talk.prepared.questionnaire.by_name.get(name)
            return None if ref is None else talk.take(engine.Answer(ref, value))
    return None


def _emit(terminal: Terminal, document: Mapping[str, Any]) -> None:
    terminal.show(json.dumps(document, ensure_ascii=False))


# ── the command ─────────────────────────────────────────────────────────────────────────────────────────────


def _pairs(given: Iterable[str]) -> dict[str, str]:
    """``name=value`` texts as a mapping. Raises Problem ``talk_set``."""
    pairs = {}
    for text in given:
        name, equals, value = text.partition("=")
        if not equals or not name.strip():
            raise Problem("talk_set", given=text[:80])
        pairs[name.strip()] = value
    return pairs


def _place(form: Path) -> tuple[Path, dict[str, Any] | None]:
    """The workbook; and what the ``instrument.yaml`` beside it says, for a folder or a shipped one's name."""
    folder = form if form.is_dir() or form.suffix else LIBRARY / form.name
    if not folder.is_dir():
        return form, None
    definition = folder / "instrument.yaml"
    return folder / "form.xlsx", read_definition(definition) if definition.is_file() else None


def _instrument(form: Form, definition: Mapping[str, Any] | None) -> Instrument:
    if definition is not None:
        return read_instrument(definition, form)
    # A form alone offers neither "don't know" nor "prefer not to say".
    return Instrument(id=form.id, version=form.version, status="", form=form.id, unit=Unit.PERSON)


@click.command(cls=Spoken)
@click.argument("form", metavar="FORM.xlsx|FOLDER", type=click.Path(path_type=Path))
@click.option("--language", type=click.Choice(LANGUAGES))
@click.option("--set", "given", multiple=True, metavar="NAME=VALUE")
@click.option("--json", "as_json", is_flag=True)
def talk(form: Path, language: str | None, given: tuple[str, ...], as_json: bool) -> int:
    pairs = _pairs(given)
    spoken = language or language_of_the_system()
    workbook, definition = _place(form)
    report = check_form(workbook)
    if report.form is None:
        for line in (
            [json.dumps(report.to_json(spoken), ensure_ascii=False)] if as_json else report.lines(spoken)
        ):
            click.echo(line)
        return 1
    prepared = prepare(0, report.form, _instrument(report.form, definition))
    if callable(reconfigure := getattr(sys.stdin, "reconfigure", None)):
        reconfigure(encoding="utf-8", errors="replace")
    talks = exchange if as_json else converse
    here = zone()
    talks(Talk(prepared, spoken, lambda: datetime.now(here)), pairs, Terminal(sys.stdin, sys.stdout))
    return 0
