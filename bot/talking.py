"""A form answered by a person in the terminal, as people will answer it in the chat. Nothing is stored."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from bot import conversation, render, views, wishes
from bot.channels.terminal import CHANNEL, Terminal, typed
from bot.conversation import Aside
from bot.driving import check_given
from bot.messages import ABILITIES, Inbound
from bot.phrases import topic, whereabouts
from bot.questionnaires import Prepared, context
from bot.texts import LANGUAGES, say
from bot.wishes import overview
from storage.contacts import Contact
from storage.interviews import Interview
from surveys import interview as engine
from surveys.interview import Ask, Event, Line, State, Step, prompt

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
    campaign_instrument=0,
    state=State(),
)
"""What a message is heard with: someone in the middle of an interview, as on every other channel."""


@dataclass(slots=True)
class Talk:
    """One form being answered. ``state`` is all there is of the answers; ``over``: the talk has ended."""

    prepared: Prepared
    language: str
    clock: Callable[[], datetime]
    state: State = field(default_factory=State)
    over: bool = False
    page: int = 0
    """Of a long list, the page that is shown."""
    misread: int = 0
    """Replies in a row that weren't understood."""
    _step: Step | None = None
    """What led to exactly this state, where that is at hand."""

    def begin(self, given: Mapping[str, str]) -> str:
        """The first question, with ``given`` values of hidden fields. Raises Problem ``talk_field``."""
        check_given(self.prepared, given)
        self.state = engine.begin(self.prepared.questionnaire, given, self._about())
        return self._now([say(self._spoken(), "terminal.welcome", title=self.prepared.form.title)])

    def hear(self, inbound: Inbound) -> str:
        """What the bot says to a message: the same reading, engine and texts as on every other channel."""
        about = self._about()
        meaning = heard(inbound, self.prepared, self.state, about, self._step, self.page)
        return self._aside(meaning) if isinstance(meaning, Aside) else self.take(meaning)

    def take(self, event: Event, notices: Sequence[str] = ()) -> str:
        """What the bot says to an answer; ``notices`` before anything else."""
        about = self._about()
        after, self._step = self._step, None
        step = conversation.answer(self.prepared, self.state, event, about, after)
        if step.command is not None:
            return self._aside(Aside(step.command.name, step.command.argument))
        self.state, self._step = step.state, step
        self.misread = conversation.misread(self.misread, event, step)
        self.page = conversation.page_after(self.page, event, step)
        if step.state.submitted:
            return self._end()
        told = conversation.notices(self.prepared, event, step, about)
        return self._now([*notices, *told], again=step.refusal is not None)

    def stop(self) -> str:
        """The person has had enough, or the input ends."""
        self.over = True
        return say(self._spoken(), "terminal.stopped")

    def _aside(self, aside: Aside) -> str:
        language = self._spoken()
        if aside.name in views.NAMES:
            return self._view(aside)
        match aside.name:
            case "stop":
                return self.stop()
            case "help":
                asked = prompt(self.prepared.questionnaire, self.state, self._about(), self._step)
                guidance = [asked.guidance] if isinstance(asked, Ask) and asked.guidance else []
                return self._now([*guidance, say(language, "terminal.help")], again=True)
            case "language":
                other = next(each for each in LANGUAGES if each != self.language)
                self.language = aside.argument if aside.argument in LANGUAGES else other
                self._step = None
                key = "turn.language" if self._spoken() == self.language else "turn.language_form"
                return self._now([say(self.language, key)])
            case "page":
                self.page = int(aside.argument)
                return self._now([], again=True)
        return self._now([say(language, "terminal.not_here")], again=True)

    def _view(self, aside: Aside) -> str:
        """Something about a list: who is there, the answers that hold some words."""
        view = views.look(
            self.prepared, self.state, self._about(), aside, interview=0, abilities=ABILITIES[CHANNEL]
        )
        notices = [view.notice] if view.notice else []
        said = self.take(view.event, notices) if view.event else self._now(notices, again=True)
        return view.message.text if view.message is not None else said

    def _end(self) -> str:
        """Everything that was answered, as a list."""
        self.over = True
        review = overview(self.prepared, self.state, self._about())
        lines = [self._line(line) for line in review.lines]
        before, language = render.said_before(review), self._spoken()
        return "\n".join(
            [*before, say(language, "terminal.answers"), *lines, "", say(language, "terminal.over")]
        )

    def _line(self, line: Line) -> str:
        """One answer: ``12. Lan – Tuổi: 34``."""
        language = self._spoken()
        about = " – ".join(filter(None, [whereabouts(line.members, language), topic(line.label)]))
        return f"{line.number}. {about}: {render.said(line.value_label, line.missing, language)}"

    def _now(self, notices: Sequence[str], *, again: bool = False) -> str:
        message = conversation.put(
            self.prepared,
            self.state,
            self._about(),
            interview=0,
            abilities=ABILITIES[CHANNEL],
            notices=notices,
            after=self._step,
            again=again,
            page=self.page,
            misread=self.misread,
        )
        assert message is not None
        return message.text

    def _spoken(self) -> str:
        """The language of the product's own sentences."""
        return self.prepared.spoken(self.language)

    def _about(self) -> engine.Context:
        return context(self.clock(), self._spoken())


def heard(
    inbound: Inbound,
    prepared: Prepared,
    state: State,
    about: engine.Context,
    after: Step | None,
    page: int = 0,
) -> Event | Aside:
    """What a message means to somebody in the middle of a form, as on every other channel."""
    now = wishes.standing(prepared, state, about, after, page)
    return conversation.listen(inbound, _CONTACT, _INTERVIEW, prepared, about.now.date(), now)


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
