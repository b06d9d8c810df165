"""A form driven by a program: one JSON object comes in, those that answer it go out. No input or output here.

Out, each with ``event``:

* ``question``: ``ref``, ``type`` (as XLSForm names it), ``label``, ``hint``, ``required``, ``read_only``,
  ``choices`` (``[{"name", "label"}]``, those offered now), ``value`` (what stands there, an answer or a
  default, or null); inside repeats ``members`` (``[{"ref", "number", "total", "name"}]``, outermost first);
  for a *range* ``range`` (``{"start", "end", "step"}``). It waits for an answer unless it can only be read.
  Something that needs a yes first is a ``select_one`` of ``yes`` and ``no`` with ``confirms`` (``add``,
  ``remove`` or ``count``); its ``ref`` is what it is about.
* ``note``: ``ref``, ``type``, ``label``, ``value``. ``group``: ``ref``, ``type`` (``group``, or ``repeat``
  for an instance of one), ``label``. Each once, when it is passed; again only when its text has changed.
* ``add_another``: ``ref`` of the repeat, ``label``, ``members``. It waits.
* ``review``: ``values``, ``missing``, ``open`` (questions that still wait for an answer). It waits. The
  members of a repeat, shown on request, are a review with that repeat's ``ref`` and its ``members``.
* ``rejected``: ``reason`` (:data:`REASONS`, or ``bad_line``, ``unexpected``, ``language``, ``not_here``),
  ``message`` in the person's language, ``ref`` of the question it concerns or null, ``choices`` that a typed
  reply could have meant. Nothing has changed; what is asked now follows.
* ``submitted``: ``values``, ``missing``. The end.

``values`` maps every relevant reference, notes and calculations too, to its ODK string, which may be blank
(of a question that still waits, the default nobody has taken yet); ``missing`` says why a question was left
blank (``skipped``, ``dont_know``, ``prefer_not``).

In, one of: ``{"value": text or null}``, ``{"reply": text}``, ``{"dont_know": true}``,
``{"prefer_not": true}``, ``{"back": true}``, ``{"add": true or false}``, ``{"remove": ref}``,
``{"change": ref}``, ``{"language": code or the form's own name}``, ``{"submit": true}``. With a value, a
reply or a reason for none, ``ref`` may name another question than the one asked; with ``add`` another repeat.
A program is sure of what it says: members are added and removed without asking back. A reply is read as a
person's: it may be asked back.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from bot.patterns import match
from bot.texts import LANGUAGES, pick, say
from surveys import interview as engine
from surveys.forms import SELECTS, Kind, Missing, language_code
from surveys.interview import AddAnother, Ask, Confirming, Event, Refusal, Roster, State, Step
from surveys.problems import Problem
from surveys.sights import Sight

if TYPE_CHECKING:
    # Loading it takes longer than most talks: it brings the database's library.
    from bot.questionnaires import Prepared

REASONS: Mapping[str, str] = {
    "reply.required": "required",
    "reply.constraint": "constraint",
    "reply.not_an_integer": "type",
    "reply.not_a_number": "type",
    "reply.not_a_date": "type",
    "reply.not_a_time": "type",
    "reply.not_a_datetime": "type",
    "reply.not_a_location": "type",
    "reply.not_in_range": "type",
    "reply.file_expected": "type",
    "reply.too_long": "type",
    "reply.not_a_choice": "choice",
    "reply.not_a_rank": "choice",
    "reply.confirm_expected": "choice",
    "reply.yes_or_no": "choice",
    "reply.which": "ambiguous",
    "reply.not_offered": "not_offered",
    "reply.members_counted": "governed",
    "reply.too_many_members": "limit",
    "reply.no_such_member": "not_there",
    "reply.no_such_line": "not_there",
    "reply.no_longer_asked": "not_there",
    "reply.at_start": "at_start",
    "reply.still_open": "open",
}
"""Why something was rejected, by the key of the sentence that says it. A reply that could not be read at all
is ``not_understood``.
"""

_UNREAD = frozenset({"type", "choice"})
"""Of a reply rather than a value: it was not understood."""

_WORDS = frozenset(
    ("value", "reply", "dont_know", "prefer_not", "back", "add", "remove", "change", "language", "submit")
)
_WITH_REF = frozenset({"value", "reply", "dont_know", "prefer_not", "add"})
_YES_NO = ("yes", "no")

Out = dict[str, Any]


@dataclass(slots=True)
class Drive:
    """One form being answered by a program. ``language`` is what texts are shown in: ``vi``, ``en`` or a name
    the form gives one of its own; ``over``: handed in, or the program said to stop.
    """

    prepared: Prepared
    language: str
    clock: Callable[[], datetime]
    state: State = field(default_factory=State)
    over: bool = False
    _step: Step | None = None
    _told: dict[str, str] = field(default_factory=dict)
    """Notes and headings as they were last shown, by reference."""

    def begin(self, given: Mapping[str, str]) -> list[Out]:
        """The first events, with ``given`` values of hidden fields by name.

        Raises Problem ``talk_field`` for a name that the form does not declare.
        """
        check_given(self.prepared, given)
        self.state = engine.begin(self.prepared.questionnaire, given, self._about())
        return self._now()

    def take(self, said: object) -> list[Out]:
        """The events that answer ``said``, a line as it came from JSON. Never raises, whatever it is."""
        if self.over:
            return self._ended() if self.state.submitted else []
        if not isinstance(said, dict):
            return self._rejected_line()
        words = [word for word in said if word in _WORDS]
        known = {*words, "ref"} if words and words[0] in _WITH_REF else {*words}
        ref = said.get("ref")
        if len(words) != 1 or set(said) - known or not (ref is None or isinstance(ref, str)):
            return self._rejected_line()
        word, content = words[0], said[words[0]]
        match word, content:
            case "value", None | str() | int() | float() if not isinstance(content, bool):
                return self._value(_text(content), ref)
            case "reply", str():
                return self._reply(content, ref)
            case "dont_know" | "prefer_not", True:
                return self._leave(Missing(word), ref)
            case "add", bool():
                return self._do(engine.Add(ref, sure=True) if content else engine.NoMore(ref))
            case "back", True:
                return self._do(engine.Back())
            case "submit", True:
                return self._do(engine.Submit())
            case "remove", str():
                return self._do(engine.Remove(content, sure=True))
            case "change", str():
                return self._do(engine.Change(content))
            case "language", str():
                return self._speak(content)
        return self._rejected_line()

    # ── what was said ───────────────────────────────────────────────────────────────────────────────────────

    def _value(self, value: str, ref: str | None) -> list[Out]:
        if ref is not None:
            return self._do(engine.Answer(ref, value, sure=True))
        match self._prompt():
            case Ask(ref=asked):
                return self._do(engine.Answer(asked, value, sure=True))
            case Confirming(ref=about):
                if value in _YES_NO:
                    return self._do(engine.Confirm(value == "yes"))
                return [self._no("choice", "driving.yes_or_no", ref=about), *self._now()]
            case AddAnother(ref=repeat):
                return [self._no("unexpected", "driving.add_expected", ref=repeat), *self._now()]
        # The review and the list of members wait for nothing in particular: blank goes on.
        if not value:
            return self._do(engine.Keep())
        return [self._no("unexpected", "driving.nothing_asked"), *self._now()]

    def _leave(self, missing: Missing, ref: str | None) -> list[Out]:
        if ref is None:
            asked = self._prompt()
            if not isinstance(asked, Ask):
                return [self._no("unexpected", "driving.nothing_asked"), *self._now()]
            ref = asked.ref
        return self._do(engine.Leave(ref, missing))

    def _reply(self, text: str, ref: str | None) -> list[Out]:
        # Not before it is needed: it loads all that people can ask for in a chat.
        from bot import conversation
        from bot.channels.terminal import typed
        from bot.talking import heard
        from bot.wishes import Aside

        meaning: Event | Aside = engine.Typed(text, ref)
        if ref is None:
            meaning = heard(typed(text), self.prepared, self.state, self._about(), self._step)
        if isinstance(meaning, Aside):
            return self._aside(meaning.name, meaning.argument)
        after, self._step = self._step, None
        step = conversation.answer(self.prepared, self.state, meaning, self._about(), after)
        if step.command is not None:
            return self._aside(step.command.name, step.command.argument)
        return self._took(step, typed=True)

    def _aside(self, name: str, argument: str) -> list[Out]:
        """A command or a wish that was typed."""
        from bot import views
        from bot.channels.terminal import CHANNEL
        from bot.messages import ABILITIES
        from bot.wishes import Aside

        match name:
            case "stop":
                self.over = True
                return []
            case "language":
                other = next(each for each in LANGUAGES if each != self._said_in())
                return self._speak(argument or other)
            case "help":
                return [self._note(self._guidance() or say(self._said_in(), "terminal.help")), *self._now()]
            case "page":
                return self._now()
        if name not in views.NAMES:
            return [self._no("not_here", "terminal.not_here"), *self._now()]
        view = views.look(
            self.prepared,
            self.state,
            self._about(),
            Aside(name, argument),
            interview=0,
            abilities=ABILITIES[CHANNEL],
        )
        told = view.message.text if view.message is not None else view.notice
        notes = [self._note(told)] if told else []
        return [*notes, *(self._now() if view.event is None else self._do(view.event))]

    def _speak(self, wanted: str) -> list[Out]:
        """Go on in another language of ours or of the form."""
        names = self.prepared.form.languages
        code = language_code(wanted)
        if wanted not in names and wanted not in LANGUAGES and all(language_code(n) != wanted for n in names):
            known = ", ".join([*names, *LANGUAGES])
            return [self._no("language", "driving.language", languages=known), *self._now()]
        self.language = code if code in LANGUAGES else wanted
        self._step = None
        return self._now()

    def _do(self, event: Event) -> list[Out]:
        after, self._step = self._step, None
        return self._took(engine.step(self.prepared.questionnaire, self.state, event, self._about(), after))

    def _took(self, step: Step, *, typed: bool = False) -> list[Out]:
        for change in step.changes:
            if change.what == "removed":
                self._told = without(self._told, change.ref)
        self.state, self._step = step.state, step
        if step.refusal is None:
            return self._now()
        return [self._refused(step.refusal, typed=typed), *self._now()]

    # ── what is said ────────────────────────────────────────────────────────────────────────────────────────

    def _prompt(self) -> engine.Prompt:
        return engine.prompt(self.prepared.questionnaire, self.state, self._about(), self._step)

    def _now(self) -> list[Out]:
        """What is passed on the way to what waits now, and that."""
        asked = self._prompt()
        match asked:
            case Ask():
                return [*self._passed(asked.before), _question(asked)]
            case AddAnother():
                event = {"event": "add_another", "ref": asked.ref, "type": "repeat", "label": asked.label}
                return [*self._passed(asked.before), {**event, "members": _members(asked.members)}]
            case Confirming():
                return [self._confirming(asked)]
            case Roster():
                members = _members(asked.members)
                return [self._review(0, ref=asked.ref, label=asked.label, members=members)]
            case engine.Review():
                return [*self._passed(asked.before), self._review(asked.open)]
        return self._ended()

    def _passed(self, passages: Sequence[engine.Passage]) -> list[Out]:
        """Those passages that were not shown as they are now."""
        fresh = [passage for passage in passages if self._told.get(passage.ref) != passage.text]
        self._told.update((passage.ref, passage.text) for passage in fresh)
        return [self._passage(passage) for passage in fresh]

    def _passage(self, passage: engine.Passage) -> Out:
        label = passage.label or passage.text
        if passage.kind is None:
            kind = "repeat" if passage.ref.endswith("]") else "group"
            return {"event": "group", "ref": passage.ref, "type": kind, "label": label}
        if passage.kind is Kind.NOTE:
            value = passage.value or None
            return {"event": "note", "ref": passage.ref, "type": "note", "label": label, "value": value}
        sight = Sight(self.prepared.questionnaire, self.state, self._about())
        place = next(place for place in sight.tree.leaves() if place.ref == passage.ref)
        return {
            "event": "question",
            "ref": passage.ref,
            "type": passage.kind.value,
            "label": passage.label,
            "hint": "",
            "required": sight.required(place),
            "read_only": True,
            "choices": _choices(sight.shown(place)) if passage.kind in SELECTS else [],
            "value": passage.value or None,
        }

    def _confirming(self, asked: Confirming) -> Out:
        language = self._said_in()
        names = ", ".join(member.name or str(member.number) for member in asked.members)
        label = say(
            language,
            f"driving.confirm_{asked.what}",
            label=asked.label,
            names=names,
            question=asked.governed_by,
            value=asked.value,
        )
        return {
            "event": "question",
            "ref": asked.ref,
            "type": Kind.SELECT_ONE.value,
            "label": label,
            "hint": "",
            "required": True,
            "read_only": False,
            "choices": [{"name": each, "label": say(language, f"driving.{each}")} for each in _YES_NO],
            "value": None,
            "members": _members(asked.members),
            "confirms": asked.what,
        }

    def _review(self, waiting: int, **about: Any) -> Out:
        return {"event": "review", "ref": None, **about, "open": waiting, **self._values()}

    def _ended(self) -> list[Out]:
        self.over = True
        return [{"event": "submitted", **self._values()}]

    def _values(self) -> Out:
        questionnaire, about = self.prepared.questionnaire, self._about()
        found = engine.result(questionnaire, self.state, about)
        sight = Sight(questionnaire, self.state, about)
        values = {
            place.ref: found.values.get(place.ref) or sight.by_default(place)
            for place in sight.tree.leaves()
            if place.is_relevant()
        }
        return {"values": values, "missing": {ref: why.value for ref, why in found.missing.items()}}

    def _note(self, text: str) -> Out:
        """Something said about what is asked, not by the form."""
        ref = getattr(self._prompt(), "ref", None)
        return {"event": "note", "ref": ref, "type": "note", "label": text, "value": None}

    def _guidance(self) -> str:
        asked = self._prompt()
        return asked.guidance if isinstance(asked, Ask) else ""

    def _refused(self, refusal: Refusal, *, typed: bool) -> Out:
        reason = REASONS.get(refusal.key, "not_understood")
        if typed and reason in _UNREAD:
            reason = "not_understood"
        message = refusal.text or say(self._said_in(), refusal.key, **refusal.params)
        rejected: Out = {"event": "rejected", "ref": refusal.ref, "reason": reason, "message": message}
        if refusal.between:
            rejected["choices"] = _choices(refusal.between)
        return rejected

    def _rejected_line(self) -> list[Out]:
        return [self._no("bad_line", "driving.bad_line"), *self._now()]

    def _no(self, reason: str, key: str, *, ref: str | None = None, **params: object) -> Out:
        return {
            "event": "rejected",
            "ref": ref,
            "reason": reason,
            "message": say(self._said_in(), key, **params),
        }

    # ── the world ───────────────────────────────────────────────────────────────────────────────────────────

    def _said_in(self) -> str:
        """The language of the product's own sentences."""
        return pick(language_code(self.language) or self.language)

    def _about(self) -> engine.Context:
        return engine.Context(now=self.clock(), language=self.language, match=match, rng=random.random)


def check_given(prepared: Prepared, given: Mapping[str, str]) -> None:
    """Raises Problem ``talk_field`` if ``given`` names something that is no hidden field of the form."""
    known = [question.name for question in prepared.form.questions() if question.kind is Kind.HIDDEN]
    for name in given:
        if name not in known:
            raise Problem("talk_field", name=name, known=", ".join(known) or None)


def without(told: Mapping[str, str], member: str) -> dict[str, str]:
    """``told`` by reference after the member at ``member`` was taken out: those after move up."""
    repeat, _, number = member.removesuffix("]").rpartition("[")
    gone = int(number)
    inside = re.compile(re.escape(repeat) + r"\[(\d+)\](.*)")
    kept = {}
    for ref, text in told.items():
        found = inside.fullmatch(ref)
        if found is None or int(found[1]) < gone:
            kept[ref] = text
        elif int(found[1]) > gone:
            kept[f"{repeat}[{int(found[1]) - 1}]{found[2]}"] = text
    return kept


def _question(ask: Ask) -> Out:
    event: Out = {
        "event": "question",
        "ref": ask.ref,
        "type": ask.kind.value,
        "label": ask.label,
        "hint": ask.hint,
        "required": ask.required,
        "read_only": False,
        "choices": _choices(ask.choices),
        "value": ask.value,
    }
    if ask.members:
        event["members"] = _members(ask.members)
    if ask.range is not None:
        limits = ask.range
        event["range"] = {"start": f"{limits.start}", "end": f"{limits.end}", "step": f"{limits.step}"}
    return event


def _choices(shown: Sequence[engine.Shown]) -> list[dict[str, str]]:
    return [{"name": choice.name, "label": choice.label} for choice in shown]


def _members(members: Sequence[engine.Member]) -> list[Out]:
    return [
        {"ref": member.ref, "number": member.number, "total": member.total, "name": member.name}
        for member in members
    ]


def _text(value: str | float | None) -> str:
    """A JSON value as an ODK string: null is blank, ``2.0`` is ``2``."""
    if value is None:
        return ""
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() else repr(value)
    return str(value)
