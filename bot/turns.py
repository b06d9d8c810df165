"""Turns: what waits is taken as one batch, in one transaction, and acknowledged only after the commit.

The journey of an answer, top to bottom: :meth:`Turns.take` queues a message; :meth:`Turns._drain` takes
all that waits; :meth:`Turns._batch` reads set-based, lets the pure engine decide per event and writes
set-based; what is not an answer follows one by one (:meth:`Turns._alone`), in the same transaction while
that can be written, and before anything newer of the same contact.

A batch that can't be written is repeated in parts, at last event by event; what still can't be is put into
quarantine and acknowledged, so that no event blocks a chat. Faults of the ground (disk, connection, locks)
are tried again a bounded number of times and then reported as :class:`Unavailable`: nothing was committed,
the channel must deliver again.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
import traceback
from collections import OrderedDict, deque
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec
from sqlalchemy import Connection

from bot import conversation, helping, quotas, republishing, wishes
from bot.conversation import Aside
from bot.desk import Desk, Hearing, files_way
from bot.entering import brought_along
from bot.lengths import fit
from bot.messages import ABILITIES, Inbound, Outgoing, What
from bot.questionnaires import Prepared, Shelf, context
from bot.republishing import Republished
from bot.submitting import submit
from bot.texts import pick, say
from bot.writing import written_to
from storage import campaigns, contacting, contacts, events, interviews, outbox
from storage.contacts import Contact
from storage.crypto import Keyring
from storage.database import Database, Transact, now_ms, of_the_ground
from storage.interviews import Interview, Logged
from surveys.instruments import Way
from surveys.interview import Context, Event, State, Step, Toggle

log = logging.getLogger("hoidan.turns")

BATCH = 256
"""Events taken into one transaction at most."""
WAITING = 20_000
"""Events that may wait; more are refused with :class:`Unavailable` so that the channel slows down."""
KEPT_STEPS = 2_000
"""Interviews whose last step is kept in memory, so that the next need not be worked out from nothing."""
RETRIES = (0.05, 0.2, 0.5)
"""Seconds between attempts when the ground fails."""


class Unavailable(Exception):
    """Nothing could be committed, or too much waits: deliver again in a few seconds."""


class GroundFailed(Unavailable):
    """The database's surroundings let nothing be committed, however often it was tried."""


def where(fault: BaseException) -> str:
    """The kind of a fault and where it happened, without its words: they may quote an answer."""
    frames = traceback.extract_tb(fault.__traceback__)
    place = f" at {Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""
    return type(fault).__name__ + place


@dataclass(frozen=True, slots=True)
class Turned:
    """What became of one event, after the commit. ``reply`` is a prompt, which costs nothing to lose."""

    contact_id: int | None
    language: str
    reply: Outgoing | None
    queued: bool = False
    """Whether messages were put into the outbox."""
    account_id: int | None = None


@dataclass(slots=True)
class _Waiting:
    """An event and who waits for it: another thread, or a coroutine of ``loop``."""

    inbound: Inbound
    future: Future[Turned] | asyncio.Future[Turned]
    loop: asyncio.AbstractEventLoop | None = None
    told: bool = False


_Told = Turned | Unavailable


@dataclass(slots=True)
class _Run:
    """One contact within a batch: as read, and as the events so far have left it."""

    contact: Contact
    interview: Interview | None
    prepared: Prepared | None
    state: State | None
    changed: bool = False
    submitted: bool = False
    session: bool = False
    """Whether the contact's session has changed."""
    turned_away: bool = False
    """Ended by a full quota: nothing was handed in."""
    step: Step | None = None
    """What led to exactly this state, where that is still at hand."""

    @property
    def language(self) -> str:
        """What is spoken: the person's language, as far as the open interview's form has it."""
        wanted = self.contact.language
        return wanted if self.prepared is None else self.prepared.spoken(wanted)


@dataclass(frozen=True, slots=True)
class _Reply:
    """What to say about an event before the prompt that now stands."""

    notices: list[str]
    ticks: bool = False
    step: Step | None = None


def _begins(run: _Run) -> bool:
    """Whether the first answer of an interview is there now."""
    interview, state = run.interview, run.state
    if interview is None or state is None or interview.stage != "main":
        return False
    before = interview.state
    return bool(state.answers or state.missing) and not (before.answers or before.missing)


def _tell(results: Iterable[tuple[_Waiting, _Told]]) -> None:
    """Give whoever waits their result, once; an event loop gets all of its own in one call."""
    loops: dict[asyncio.AbstractEventLoop, list[tuple[asyncio.Future[Turned], _Told]]] = {}
    for waiting, told in results:
        if waiting.told:
            continue
        waiting.told = True
        if isinstance(waiting.future, asyncio.Future):
            assert waiting.loop is not None
            loops.setdefault(waiting.loop, []).append((waiting.future, told))
        elif isinstance(told, Turned):
            waiting.future.set_result(told)
        else:
            waiting.future.set_exception(told)
    for loop, those in loops.items():
        with suppress(RuntimeError):  # A loop that was closed meanwhile waits for nothing.
            loop.call_soon_threadsafe(_resolve, those)


def _resolve(results: Iterable[tuple[asyncio.Future[Turned], _Told]]) -> None:
    for future, told in results:
        if future.done():
            continue
        if isinstance(told, Turned):
            future.set_result(told)
        else:
            future.set_exception(told)


class Turns:
    """The one door to interviews, for every channel of this process."""

    def __init__(
        self,
        database: Database,
        keyring: Keyring,
        shelf: Shelf,
        desk: Desk,
        zone: ZoneInfo,
        clock: Callable[[], int] = now_ms,
    ) -> None:
        self._database = database
        self._keyring = keyring
        self._shelf = shelf
        self._desk = desk
        self._zone = zone
        self._clock = clock
        self._waiting: deque[_Waiting] = deque()
        self._lock = threading.Lock()
        self._draining = False
        self._steps: OrderedDict[int, tuple[int, str, Step]] = OrderedDict()
        self.taken = 0
        self.batches = 0

    # ── the queue ───────────────────────────────────────────────────────────────────────────────────────────

    @property
    def waiting(self) -> int:
        """How many events wait to be taken."""
        return len(self._waiting)

    def take(self, inbound: Inbound) -> Future[Turned]:
        """Queue one event; the future is done after its commit, or failed with :class:`Unavailable`."""
        future: Future[Turned] = Future()
        if self._queue(_Waiting(inbound, future)):
            self._database.work(self._drain)
        return future

    async def taking(self, inbound: Inbound) -> Turned:
        """The same for the event loop: what it reads in one round of its own becomes one batch."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Turned] = loop.create_future()
        if self._queue(_Waiting(inbound, future, loop)):
            loop.call_soon(self._database.work, self._drain)
        return await future

    def _queue(self, waiting: _Waiting) -> bool:
        """Put an event into the queue; whether nobody works on that yet."""
        with self._lock:
            if len(self._waiting) < WAITING:
                self._waiting.append(waiting)
                start = not self._draining
                self._draining = True
                return start
        waiting.future.set_exception(Unavailable("too much waits"))
        return False

    def _drain(self, transact: Transact) -> None:
        while True:
            with self._lock:
                batch = [self._waiting.popleft() for _ in range(min(BATCH, len(self._waiting)))]
                if not batch:
                    self._draining = False
                    return
            self.batches += 1
            self.taken += len(batch)
            try:
                self._settle(transact, batch)
            except GroundFailed:
                # What failed one fails all: nobody waits for it sixty-four times, and nothing newer of a
                # contact is written before what is older.
                _tell((waiting, GroundFailed()) for waiting in batch)
            except BaseException as fault:
                log.error("a batch of turns failed: %s", where(fault))
                _tell((waiting, Unavailable("fault")) for waiting in batch)

    def _settle(self, transact: Transact, batch: Sequence[_Waiting]) -> None:
        turned = self._write(transact, [waiting.inbound for waiting in batch])
        both = list(zip(batch, turned, strict=True))
        _tell((waiting, done) for waiting, done in both if done is not None)
        for waiting in (waiting for waiting, done in both if done is None):
            try:
                _tell([(waiting, self._one(transact, waiting.inbound))])
            except GroundFailed:
                raise
            except Unavailable as fault:
                _tell([(waiting, fault)])

    def _write(self, transact: Transact, batch: Sequence[Inbound]) -> Sequence[Turned | None]:
        """A batch in one transaction: all of it; if that can't be written, its answers; if they can't,
        nothing.

        None for what is left to go alone. Raises GroundFailed when the ground fails again and again.
        """
        if len(batch) == 1:
            return [None]
        for part in (self._everything, self._batch):
            work = partial(part, batch=batch)
            for pause in (*RETRIES, None):
                try:
                    return transact(work)  # type: ignore[no-any-return]
                except Exception as fault:
                    if not of_the_ground(fault):
                        log.warning("batch of %d repeated in parts: %s", len(batch), type(fault).__name__)
                        break
                    if pause is None:
                        log.error("turns can't be committed: %s", type(fault).__name__)
                        raise GroundFailed from None
                    time.sleep(pause)
        return [None] * len(batch)

    def _everything(self, connection: Connection, batch: Sequence[Inbound]) -> list[Turned | None]:
        """The answers of a batch, then what is none, one after another: whoever comes at once shares a
        commit.
        """
        turned = self._batch(connection, batch)
        # Sorted, so that two processes that make the same contacts don't wait for each other; of one contact
        # in the order they came.
        rest = [index for index, done in enumerate(turned) if done is None]
        for index in sorted(rest, key=lambda index: (batch[index].channel, batch[index].address)):
            turned[index] = self._alone(connection, batch[index])
        return turned

    def _one(self, transact: Transact, inbound: Inbound) -> Turned:
        """One event alone, as often as the ground needs; what is the event's own fault goes into
        quarantine.
        """
        fault: Exception | None = None
        for pause in (*RETRIES, None):
            try:
                return transact(lambda connection: self._alone(connection, inbound))  # type: ignore[no-any-return]
            except Exception as raised:
                fault = raised
                retry = of_the_ground(raised) or type(raised).__name__ == "IntegrityError"
                if not retry:
                    break
                if pause is None:
                    if of_the_ground(raised):
                        log.error("turns can't be committed: %s", type(raised).__name__)
                        raise GroundFailed from None
                    break
                time.sleep(pause)
        assert fault is not None
        log.error("event of %s goes into quarantine: %s", inbound.channel, where(fault))
        for pause in (*RETRIES, None):
            try:
                return transact(lambda connection: self._quarantine(connection, inbound, fault))  # type: ignore[no-any-return]
            except Exception as raised:
                if pause is None or not of_the_ground(raised):
                    raise Unavailable("quarantine") from raised
                time.sleep(pause)
        raise AssertionError

    def _quarantine(self, connection: Connection, inbound: Inbound, fault: Exception) -> Turned:
        key = (inbound.channel, inbound.event_id)
        known = contacts.find(connection, self._keyring, [(inbound.channel, inbound.address)])
        contact = known.get((inbound.channel, inbound.address))
        if not events.already_seen(connection, [key]):
            now = self._clock()
            events.mark_seen(connection, [key], now)
            raw = inbound.raw or msgspec.json.encode(inbound)
            events.quarantine_event(connection, self._keyring, key, raw, type(fault).__name__, now)
        language = contact.language if contact else pick(inbound.language)
        return Turned(contact.id if contact else None, language, Outgoing(say(language, "turn.fault")))

    # ── many answers at once ────────────────────────────────────────────────────────────────────────────────

    def _batch(self, connection: Connection, batch: Sequence[Inbound]) -> list[Turned | None]:
        """The answers of a batch; None for what is none, and for what follows that of the same contact."""
        now = self._clock()
        runs = self._read(connection, batch)
        seen = events.already_seen(connection, [(one.channel, one.event_id) for one in batch])
        fresh: list[tuple[str, str]] = []
        logged: list[Logged] = []
        drafts: list[outbox.Draft] = []
        turned: list[Turned | None] = []
        alone_addresses: set[tuple[str, str]] = set()
        for inbound in batch:
            address = (inbound.channel, inbound.address)
            run = runs.get(address)
            key = (inbound.channel, inbound.event_id)
            if address in alone_addresses:
                meaning: Event | Aside = Aside("later")
            elif run is not None and key in seen:
                turned.append(self._turned(connection, run, _Reply([])))
                continue
            elif run is not None and republishing.due(run.interview):
                meaning = Aside("republished")
            else:
                meaning = self._meaning(inbound, run, now)
            if isinstance(meaning, Aside) or run is None or run.submitted:
                alone_addresses.add(address)
                turned.append(None)
                continue
            kept = (run.contact, run.state, run.changed, run.submitted, run.session)
            marks = (len(logged), len(drafts))
            reply = self._answer(connection, run, inbound, meaning, now, logged, drafts)
            if reply is None:
                # Not an answer after all (a command in typed words): undone here, dealt with alone.
                run.contact, run.state, run.changed, run.submitted, run.session = kept
                run.step = None
                del logged[marks[0] :], drafts[marks[1] :]
                alone_addresses.add(address)
                turned.append(None)
                continue
            seen.add(key)
            fresh.append(key)
            turned.append(self._turned(connection, run, reply, queued=len(drafts) > marks[1]))
        self._save(connection, runs.values(), now)
        self._keep(runs.values())
        interviews.log_answers(connection, self._keyring, logged, now)
        outbox.queue(connection, self._keyring, drafts, now)
        events.mark_seen(connection, fresh, now)
        return turned

    def _read(self, connection: Connection, batch: Iterable[Inbound]) -> dict[tuple[str, str], _Run]:
        """Contacts, sessions and interviews of a batch, locked in order of id."""
        addresses = list(dict.fromkeys((one.channel, one.address) for one in batch))
        known = contacts.find(connection, self._keyring, addresses)
        ids = sorted({one.interview_id for one in known.values() if one.interview_id is not None})
        found = interviews.find(connection, self._keyring, ids)
        runs = {}
        for address, contact in known.items():
            interview = found.get(contact.interview_id) if contact.interview_id is not None else None
            prepared = self._shelf.get(connection, interview.instrument_id) if interview else None
            run = runs[address] = _Run(contact, interview, prepared, interview.state if interview else None)
            self._remember(run)
        return runs

    def _remember(self, run: _Run) -> None:
        """Go on from the last step, if what was read is exactly the state that led to. It can be used once:
        if the transaction fails, the next attempt works everything out anew.
        """
        kept = self._steps.pop(run.interview.id, None) if run.interview is not None else None
        if kept is None or run.prepared is None:
            return
        key, language, step = kept
        if (key, language) == (run.prepared.id, run.language) and step.state == run.state:
            run.step, run.state = step, step.state

    def _keep(self, runs: Iterable[_Run]) -> None:
        """Keep the last steps of open interviews, the newest of them."""
        for run in runs:
            if run.step is None or run.submitted or run.interview is None or run.prepared is None:
                continue
            self._steps[run.interview.id] = (run.prepared.id, run.language, replace(run.step, refusal=None))
        while len(self._steps) > KEPT_STEPS:
            self._steps.popitem(last=False)

    def _meaning(self, inbound: Inbound, run: _Run | None, now: int) -> Event | Aside:
        """What a message means to whoever it is from."""
        local = self._local(now)
        if run is None:
            return conversation.listen(inbound, None, None, None, local.date())
        standing = None
        if run.interview is not None and run.prepared is not None and run.state is not None:
            about = context(local, run.language)
            standing = wishes.standing(run.prepared, run.state, about, run.step, run.contact.page)
        contact = run.contact
        if contact.writing and written_to(contact.writing, now) is None:
            contact = replace(contact, writing="")
        return conversation.listen(inbound, contact, run.interview, run.prepared, local.date(), standing)

    def _save(self, connection: Connection, runs: Iterable[_Run], now: int) -> None:
        written = sorted(
            (run for run in runs if run.changed and run.interview is not None and run.state is not None),
            key=lambda run: run.interview.id if run.interview else 0,
        )
        interviews.save(
            connection,
            self._keyring,
            [
                (
                    run.interview,
                    run.state,
                    "withdrawn" if run.turned_away else "submitted" if run.submitted else "open",
                )
                for run in written
                if run.interview is not None and run.state is not None
            ],
            now,
        )
        begun = [run.interview.case_id for run in written if run.interview is not None and _begins(run)]
        contacting.begun(connection, begun, now)
        contacts.save_sessions(
            connection,
            sorted((run.contact for run in runs if run.session), key=lambda one: one.id),
            now,
        )

    def _answer(
        self,
        connection: Connection,
        run: _Run,
        inbound: Inbound,
        event: Event,
        now: int,
        logged: list[Logged],
        drafts: list[outbox.Draft],
    ) -> _Reply | None:
        """Let the engine take one event of an open interview; None when it turns out not to be an answer."""
        assert run.interview is not None and run.prepared is not None and run.state is not None
        about = context(self._local(now), run.language)
        after, run.step = run.step, None
        step = conversation.answer(run.prepared, run.state, event, about, after)
        if step.command is not None:
            return None
        interview, contact = run.interview, run.contact
        run.step = step if step.sight is not None else None
        self._look(run, event, step)
        for change in step.changes:
            logged.append(
                Logged(
                    interview.id,
                    contact.id,
                    change.ref,
                    change.value,
                    change.missing.value if change.missing else None,
                    inbound.what.value,
                    inbound.message,
                    change.what,
                )
            )
        run.changed = run.changed or step.state is not run.state
        run.state = step.state
        if step.state.submitted:
            drafts.extend(
                submit(
                    connection,
                    self._keyring,
                    self._shelf,
                    run.prepared,
                    interview,
                    step.state,
                    contact,
                    about,
                    now,
                    self._desk.links,
                )
            )
            run.submitted = run.session = True
            run.contact = replace(contact, interview_id=None, misread=0, page=0)
        elif step.changes and quotas.ends(connection, interview, run.prepared, step.state, about, now):
            title = {"title": interview.campaign_title}
            drafts.append(
                outbox.Draft(contact.channel, contact.id, f"quota:{interview.id}", "quota.full", title)
            )
            run.submitted = run.session = run.turned_away = True
            run.contact = replace(contact, interview_id=None, misread=0, page=0)
        return _Reply(
            conversation.notices(run.prepared, event, step, about),
            ticks=isinstance(event, Toggle) and step.refusal is None,
            step=step,
        )

    def _look(self, run: _Run, event: Event, step: Step) -> None:
        """Note in the session how many replies weren't understood, and which page of a list is shown."""
        contact = run.contact
        misread = conversation.misread(contact.misread, event, step)
        page = conversation.page_after(contact.page, event, step)
        if (misread, page, "") != (contact.misread, contact.page, contact.writing):
            run.contact, run.session = replace(contact, misread=misread, page=page, writing=""), True

    def _turned(self, connection: Connection, run: _Run, reply: _Reply, *, queued: bool = False) -> Turned:
        """The result for one event: its notices and the prompt as it stands now."""
        contact = run.contact
        message = None
        if run.submitted:
            pass  # The receipt follows from the outbox.
        elif run.interview is not None and run.prepared is not None and run.state is not None:
            interview, abilities = run.interview, ABILITIES[contact.channel]
            notices = reply.notices
            if interview.way != Way.SELF:
                told = helping.told(connection, self._keyring, interview.id, abilities, run.language)
                notices = [*told, *notices]
            message = conversation.put(
                run.prepared,
                run.state,
                self._about(run),
                interview=interview.id,
                abilities=abilities,
                notices=notices,
                after=reply.step or run.step,
                ticks=reply.ticks,
                again=reply.step is not None and reply.step.refusal is not None,
                page=contact.page,
                misread=contact.misread,
                files=lambda: files_way(connection, interview, abilities),
            )
        else:
            message = self._desk.idle(contact, ABILITIES[contact.channel], reply.notices)
        return Turned(contact.id, contact.language, message, queued, contact.account_id)

    def _about(self, run: _Run) -> Context:
        return context(self._local(self._clock()), run.language)

    def _local(self, now: int) -> datetime:
        return datetime.fromtimestamp(now / 1000, self._zone)

    # ── one event alone ─────────────────────────────────────────────────────────────────────────────────────

    def _alone(self, connection: Connection, inbound: Inbound) -> Turned:
        """One event in a transaction of its own: answers too, and everything that is not one."""
        now = self._clock()
        address = (inbound.channel, inbound.address)
        run = self._read(connection, [inbound]).get(address)
        key = (inbound.channel, inbound.event_id)
        if events.already_seen(connection, [key]):
            if run is None:
                return Turned(None, pick(inbound.language), None)
            return self._turned(connection, run, _Reply([]))
        events.mark_seen(connection, [key], now)
        if run is not None and republishing.due(run.interview):
            republished = self._republish(connection, run, inbound, now)
            if republished is not None:
                return self._onward(connection, run, inbound, now, republished)
        return self._heard(connection, run, inbound, now)

    def _republish(self, connection: Connection, run: _Run, inbound: Inbound, now: int) -> Republished | None:
        """Take an interview over to the version that its campaign asks now."""
        assert run.interview is not None
        hearing, campaign = self._hearing(connection, run, inbound, now), run.interview.campaign_id
        case, way = run.interview.case_id, Way(run.interview.way)
        moved = republishing.republish(
            connection,
            self._keyring,
            self._shelf,
            run.interview,
            lambda: brought_along(hearing, campaigns.expect(connection, campaign), case, way),
            self._local(now),
            run.contact.language,
        )
        if moved is not None:
            interview = moved.interview
            interviews.save(connection, self._keyring, [(interview, interview.state, "open")], now)
            run.interview = replace(interview, version=interview.version + 1)
            run.prepared, run.state, run.step = moved.prepared, interview.state, None
        return moved

    def _onward(
        self, connection: Connection, run: _Run, inbound: Inbound, now: int, republished: Republished
    ) -> Turned:
        """An event for an interview that has just gone over to another version: what changed is told first.
        Words that were meant for what was asked before are not taken for an answer to anything else.
        """
        notices = [republished.notice]
        typed = inbound.what is What.TEXT
        if typed and not republished.same and not isinstance(self._meaning(inbound, run, now), Aside):
            notices.append(say(run.language, "revision.not_taken"))
            return self._turned(connection, run, _Reply(notices))
        turned = self._heard(connection, run, inbound, now)
        if turned.reply is None:
            return turned
        text = fit("\n\n".join([*notices, turned.reply.text]), ABILITIES[inbound.channel])
        return replace(turned, reply=replace(turned.reply, text=text, ticks=False))

    def _heard(self, connection: Connection, run: _Run | None, inbound: Inbound, now: int) -> Turned:
        """What comes of one event of a contact, known or new."""
        today = self._local(now).date()
        meaning = self._meaning(inbound, run, now)
        if run is None:
            created = contacts.create(
                connection, self._keyring, inbound.channel, inbound.address, pick(inbound.language), now
            )
            run = _Run(created, None, None, None)
            meaning = conversation.listen(inbound, created, None, None, today)
            if isinstance(meaning, Aside) and meaning.name == "idle":
                # Whoever says hello is greeted.
                meaning = Aside("opened")
        if not isinstance(meaning, Aside):
            logged: list[Logged] = []
            drafts: list[outbox.Draft] = []
            reply = self._answer(connection, run, inbound, meaning, now, logged, drafts)
            if reply is not None:
                self._save(connection, [run], now)
                interviews.log_answers(connection, self._keyring, logged, now)
                outbox.queue(connection, self._keyring, drafts, now)
                self._keep([run])
                return self._turned(connection, run, reply, queued=bool(drafts))
            about = context(self._local(now), run.language)
            assert run.prepared is not None and run.state is not None
            command = conversation.answer(run.prepared, run.state, meaning, about).command
            assert command is not None
            meaning = Aside(command.name, command.argument)
        heard = self._desk.hear(self._hearing(connection, run, inbound, now), meaning)
        return Turned(
            heard.contact.id, heard.contact.language, heard.reply, heard.queued, heard.contact.account_id
        )

    def _hearing(self, connection: Connection, run: _Run, inbound: Inbound, now: int) -> Hearing:
        return Hearing(
            connection=connection,
            keyring=self._keyring,
            shelf=self._shelf,
            inbound=inbound,
            contact=run.contact,
            interview=run.interview,
            prepared=run.prepared,
            now=now,
            local=self._local(now),
            abilities=ABILITIES[inbound.channel],
        )
