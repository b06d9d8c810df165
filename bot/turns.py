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
from collections import deque
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

from bot import conversation, render
from bot.commands import Desk, Hearing
from bot.conversation import Aside
from bot.messages import ABILITIES, Inbound, Outgoing
from bot.questionnaires import Prepared, Shelf, context
from bot.submitting import submit
from bot.texts import pick, say
from storage import contacts, events, interviews, outbox
from storage.contacts import Contact
from storage.crypto import Keyring
from storage.database import Database, Transact, now_ms, of_the_ground
from storage.interviews import Interview, Logged
from surveys.interview import Event, State, Step, Toggle, prompt

log = logging.getLogger("hoidan.turns")

BATCH = 256
"""Events taken into one transaction at most."""
WAITING = 20_000
"""Events that may wait; more are refused with :class:`Unavailable` so that the channel slows down."""
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


@dataclass(frozen=True, slots=True)
class _Reply:
    """What to say about an event before the prompt that now stands."""

    notices: list[str]
    ticks: bool = False
    step: Step | None = None


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
        today = self._local(now).date()
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
                turned.append(self._turned(run, _Reply([])))
                continue
            else:
                meaning = conversation.listen(
                    inbound,
                    run.contact if run else None,
                    run.interview if run else None,
                    run.prepared if run else None,
                    today,
                )
            if isinstance(meaning, Aside) or run is None or run.submitted:
                alone_addresses.add(address)
                turned.append(None)
                continue
            kept = (run.contact, run.state, run.changed, run.submitted)
            marks = (len(logged), len(drafts))
            reply = self._answer(connection, run, inbound, meaning, now, logged, drafts)
            if reply is None:
                # Not an answer after all (a command in typed words): undone here, dealt with alone.
                run.contact, run.state, run.changed, run.submitted = kept
                del logged[marks[0] :], drafts[marks[1] :]
                alone_addresses.add(address)
                turned.append(None)
                continue
            seen.add(key)
            fresh.append(key)
            turned.append(self._turned(run, reply, queued=len(drafts) > marks[1]))
        self._save(connection, runs.values(), now)
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
            runs[address] = _Run(contact, interview, prepared, interview.state if interview else None)
        return runs

    def _save(self, connection: Connection, runs: Iterable[_Run], now: int) -> None:
        written = sorted(
            (run for run in runs if run.changed and run.interview is not None and run.state is not None),
            key=lambda run: run.interview.id if run.interview else 0,
        )
        interviews.save(
            connection,
            self._keyring,
            [
                (run.interview, run.state, "submitted" if run.submitted else "open")
                for run in written
                if run.interview is not None and run.state is not None
            ],
            now,
        )
        contacts.save_sessions(
            connection,
            sorted((run.contact for run in runs if run.submitted), key=lambda one: one.id),
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
        about = context(self._local(now), run.contact.language)
        step = conversation.answer(run.prepared, run.state, event, about)
        if step.command is not None:
            return None
        interview, contact = run.interview, run.contact
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
                )
            )
            run.submitted = True
            run.contact = replace(contact, interview_id=None)
        return _Reply(
            conversation.notices(run.prepared, event, step, about),
            ticks=isinstance(event, Toggle) and step.refusal is None,
            step=step,
        )

    def _turned(self, run: _Run, reply: _Reply, *, queued: bool = False) -> Turned:
        """The result for one event: its notices and the prompt as it stands now."""
        contact = run.contact
        message = None
        if run.submitted:
            pass  # The receipt follows from the outbox.
        elif run.interview is not None and run.prepared is not None and run.state is not None:
            message = render.render(
                prompt(
                    run.prepared.questionnaire,
                    run.state,
                    context(self._local(self._clock()), contact.language),
                    reply.step,
                ),
                run.interview.id,
                contact.language,
                ABILITIES[contact.channel],
                reply.notices,
                ticks=reply.ticks,
                again=reply.step is not None and reply.step.refusal is not None,
            )
        else:
            message = self._desk.idle(contact, ABILITIES[contact.channel], reply.notices)
        return Turned(contact.id, contact.language, message, queued, contact.account_id)

    def _local(self, now: int) -> datetime:
        return datetime.fromtimestamp(now / 1000, self._zone)

    # ── one event alone ─────────────────────────────────────────────────────────────────────────────────────

    def _alone(self, connection: Connection, inbound: Inbound) -> Turned:
        """One event in a transaction of its own: answers too, and everything that is not one."""
        now = self._clock()
        today = self._local(now).date()
        address = (inbound.channel, inbound.address)
        run = self._read(connection, [inbound]).get(address)
        key = (inbound.channel, inbound.event_id)
        if events.already_seen(connection, [key]):
            if run is None:
                return Turned(None, pick(inbound.language), None)
            return self._turned(run, _Reply([]))
        events.mark_seen(connection, [key], now)
        meaning = conversation.listen(
            inbound,
            run.contact if run else None,
            run.interview if run else None,
            run.prepared if run else None,
            today,
        )
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
                return self._turned(run, reply, queued=bool(drafts))
            about = context(self._local(now), run.contact.language)
            assert run.prepared is not None and run.state is not None
            command = conversation.answer(run.prepared, run.state, meaning, about).command
            assert command is not None
            meaning = Aside(command.name, command.argument)
        hearing = Hearing(
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
        heard = self._desk.hear(hearing, meaning)
        return Turned(
            heard.contact.id, heard.contact.language, heard.reply, heard.queued, heard.contact.account_id
        )
