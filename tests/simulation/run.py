"""Runs a campaign from its first day to its end, with kills and faults on the way, and audits it."""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from datetime import time as clock_time
from pathlib import Path
from typing import Any

from aiohttp import ClientError, ClientSession
from sqlalchemy import select

from bot.doubles.telegram import BotApiDouble
from bot.doubles.telegram_people import Call, Delivery, FaultKind, Limits, Rate
from storage.schema import cases, outbox, steps
from tests.acceptance.processes import free_port
from tests.simulation.audit import ZONE, Audit, Course, Span, audit, local
from tests.simulation.clock import Clock
from tests.simulation.people import HOUR_MS, Got, Home, People, settle
from tests.simulation.relay import Relay
from tests.simulation.ward import FIRST_DAY, PER_SECOND, Ward

TOKEN = "42:simulation"
LONGEST_STRIDE_MS = 2 * HOUR_MS
"""How far the clock is moved where nothing waits."""
EXTENDED = 4
"""The campaign is given so many days more, on the day before its last one."""
DWELL_S = 0.6
"""Real time passes at every stop, so that the jobs have run there."""
SHOWN = 500
"""How many messages that nobody knows about staff ask for."""
STUCK_S = 180.0
"""After so many real seconds in which nothing comes to an end, the run is given up."""
FAULTS: Sequence[tuple[FaultKind, dict[str, Any]]] = (
    (FaultKind.TOO_MANY, {"retry_after": 2}),
    (FaultKind.ERROR, {"times": 3}),
    (FaultKind.BAD_GATEWAY, {"times": 3}),
    (FaultKind.DROP_BEFORE, {}),
    (FaultKind.DROP_AFTER, {}),
    (FaultKind.SLOW, {"seconds": 1.5}),
)
"""What goes wrong at the platform from time to time."""

UNSAID = (FaultKind.DROP_BEFORE, FaultKind.DROP_AFTER, FaultKind.ERROR, FaultKind.BAD_GATEWAY)
"""Faults after which nobody knows whether a message went out."""

BY_A_KILL = "holder ended"
"""The reason that is written to messages whose sender died."""

Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Plan:
    """What is simulated. ``kill_every``, ``fault_every``: real seconds from one to the next, on average (0:
    none). ``stride_minutes``: the clock is moved by so much, or a multiple.
    """

    households: int
    days: int = 28
    seed: int = 1
    kill_every: float = 20.0
    fault_every: float = 15.0
    stride_minutes: int = 30

    @property
    def last_day(self) -> date:
        """The last day, when it was extended."""
        return FIRST_DAY + timedelta(days=self.days - 1)


@dataclass(frozen=True, slots=True)
class Kill:
    """A process was killed at ``at`` (ms): at most so many of our messages were on their way then."""

    at: int
    under_way: int


@dataclass(frozen=True, slots=True)
class Unknown:
    """A message of which the system can't know whether it arrived, and what the platform's log says."""

    row: int
    case: int
    step: int
    at: int
    fault: str
    arrived: bool


@dataclass(slots=True)
class Result:
    """What a run came to."""

    plan: Plan
    course: Course
    homes: Sequence[Home]
    audit: Audit
    kills: list[Kill]
    faults: Counter[str]
    unknown: list[Unknown]
    states: Counter[str]
    dispositions: Counter[str]
    mismatched: list[str]
    trouble: list[str]
    violations: int
    calls: Counter[str]
    turns: int
    again: int
    seconds: float
    spans: list[Span]
    logged: list[str]

    @property
    def findings(self) -> dict[str, list[str]]:
        """Everything that should not be: empty lists, all of them, in a sound run."""
        by_kills = [f"row {one.row}" for one in self.unknown if one.fault == BY_A_KILL]
        others = [f"row {one.row}" for one in self.unknown if one.fault != BY_A_KILL]
        return {
            **self.audit.findings,
            "answers": self.mismatched,
            "unknown beyond what was on its way at the kills": by_kills[self.under_way :],
            "unknown beyond what the platform gave no answer to": others[self.unsaid :],
            "stuck": self.trouble,
        }

    @property
    def under_way(self) -> int:
        """How many of our messages were on their way at the kills, at most."""
        return sum(kill.under_way for kill in self.kills)

    @property
    def unsaid(self) -> int:
        """To how many messages the platform gave no answer, or one that says nothing (5xx)."""
        return sum(self.faults[kind] for kind in UNSAID)


@dataclass(slots=True)
class _Run:
    """A run under way."""

    plan: Plan
    ward: Ward
    people: People
    api: BotApiDouble
    clock: Clock
    tell: Tell
    random: random.Random
    kills: list[Kill] = field(default_factory=list)
    spans: list[Span] = field(default_factory=list)
    pauses: list[tuple[int, int]] = field(default_factory=list)
    reminded: list[int] = field(default_factory=list)
    over: bool = False

    # ── trouble ─────────────────────────────────────────────────────────────────────────────────────────────

    async def killing(self) -> None:
        """Kill one of the servers every now and then, and start it again."""
        while self.plan.kill_every:
            await asyncio.sleep(self.random.uniform(0.5, 1.5) * self.plan.kill_every)
            if self.random.random() < 0.5:
                # At a moment at which something is being sent, if one comes soon.
                self.people.reached.clear()
                with suppress(TimeoutError):
                    await asyncio.wait_for(self.people.reached.wait(), self.plan.kill_every)
            await self.kill()

    async def kill(self) -> None:
        """Kill one of the servers, and start it again."""
        port = self.random.choice(self.ward.ports)
        await asyncio.to_thread(self.ward.kill, port)
        self.kills.append(Kill(self.clock.now(), await asyncio.to_thread(self.ward.under_way)))
        self.ward.start(port)

    async def failing(self) -> None:
        """Let the platform fail every now and then."""
        while self.plan.fault_every:
            await asyncio.sleep(self.random.expovariate(1 / self.plan.fault_every))
            kind, details = self.random.choice(FAULTS)
            self.api.fault(kind, "sendMessage", replies=False, **details)

    # ── time ────────────────────────────────────────────────────────────────────────────────────────────────

    async def quiet(self) -> int | None:
        """Wait until nothing is left to do at this moment; when the next case is due."""
        began = changed = time.monotonic()
        seen: object = None
        while True:
            self.people.act()
            to_do, following = await asyncio.to_thread(self.ward.look)
            resting = not (to_do or self.people.busy or self.api.pending)
            now = time.monotonic()
            if resting and now - began >= DWELL_S:
                at = self.people.next_at
                if at is None or at > self.clock.now():
                    return following
            state = (to_do, self.people.turns, self.api.pending, len(self.kills))
            if state != seen:
                seen, changed = state, now
            elif now - changed > STUCK_S:
                raise AssertionError(f"nothing moves: {state}\n" + "\n".join(self.ward.log()))
            await asyncio.sleep(0.08)

    async def stop_here(self) -> int | None:
        """Let the clock run until all is quiet."""
        begins = self.clock.now()
        following = await self.quiet()
        self.spans.append(Span(begins, self.clock.now()))
        return following

    async def pass_to(self, until: int) -> None:
        """Let time pass to ``until``: from one moment at which something happens to the next."""
        while True:
            following = await self.stop_here()
            now = self.clock.now()
            if now >= until:
                return
            soon = [at for at in (self.people.next_at, following) if at is not None]
            stride = self.plan.stride_minutes * 60_000
            wanted = -(-max(min(soon, default=until), now + 1) // stride) * stride
            self.clock.move_to(max(now, min(until, wanted, now + max(stride, LONGEST_STRIDE_MS))))
            self._say()

    def _say(self) -> None:
        arrived = sum(len(home.got) for home in self.people.homes)
        done = sum(home.done for home in self.people.homes)
        self.tell(
            f"{local(self.clock.now()):%d/%m %H:%M}  {arrived:7,} messages  {done:6,} answered  "
            f"{self.people.turns:7,} replies  {len(self.kills):3} kills  {self.people.trouble[-1:]}"
        )

    # ── the campaign ────────────────────────────────────────────────────────────────────────────────────────

    async def staff(self, *command: str) -> tuple[int, int]:
        """A command of the staff's; from when to when (ms)."""
        begins = self.clock.now()
        await asyncio.to_thread(self.ward.run, *command)
        return begins, self.clock.now()

    async def course(self) -> Course:
        """From the evening before to the evening after: pause and resume, remind everybody, extend."""
        days, code = self.plan.days, self.ward.code
        if days >= 28:
            await self.pass_to(_at(FIRST_DAY + timedelta(days=8), 10))
            _, paused = await self.staff("campaign", "pause", code)
            await self.pass_to(_at(FIRST_DAY + timedelta(days=9), 14))
            resumed, _ = await self.staff("campaign", "resume", code)
            self.pauses.append((paused + 1_000, resumed))
            await self.pass_to(_at(FIRST_DAY + timedelta(days=21), 9))
            begins, _ = await self.staff("campaign", "remind", code)
            self.reminded.append(begins)
        await self.pass_to(_at(self.plan.last_day - timedelta(days=EXTENDED + 1), 11))
        await self.staff("campaign", "extend", code, str(self.plan.last_day))
        await self.pass_to(_at(self.plan.last_day + timedelta(days=1), 9))
        return Course(FIRST_DAY, self.plan.last_day, tuple(self.pauses), tuple(self.reminded))


def _at(day: date, hour: int) -> int:
    return round(datetime.combine(day, clock_time(hour), ZONE).timestamp() * 1000)


async def simulate(plan: Plan, folder: Path, database_url: str, tell: Tell = lambda _: None) -> Result:
    """Run the campaign of ``plan`` on the empty PostgreSQL database at ``database_url``."""
    began = time.monotonic()
    homes = settle(plan.households, plan.seed)
    clock = Clock.make(folder / "clock", _at(FIRST_DAY - timedelta(days=1), 15))
    people = People(homes, clock.now, plan.seed)
    ports = (free_port(), free_port())
    relay = Relay(ports)
    await relay.open()
    ward = Ward(folder, database_url, clock, relay, ports)
    calls, faults = Counter[str](), Counter[str]()

    def heard(call: Call) -> None:
        calls[f"{call.method} {call.status}"] += 1
        if call.fault is not None:
            faults[call.fault.value] += 1
        people.hear(call)

    api = BotApiDouble(
        TOKEN,
        limits=Limits(chat=None, group=None, bot=Rate(2 * PER_SECOND, 1.0), set_webhook=None),
        delivery=Delivery(pace=0.05),
        log=3_000,
        clock=lambda: clock.now() / 1000,
        everybody=True,
        heard=heard,
        seed=plan.seed,
    )
    try:
        await asyncio.to_thread(ward.found, homes)
        tell(f"{len(homes):,} households are in the list")
        async with api:
            ward.on_telegram(api)
            people.api = api
            run = _Run(plan, ward, people, api, clock, tell, random.Random(plan.seed + 2))
            course = await _run(run, homes)
        known = _read(ward, homes)
        return Result(
            plan=plan,
            course=course,
            homes=homes,
            audit=_audited(homes, run.spans, course, known),
            kills=run.kills,
            faults=faults,
            unknown=known.unknown,
            states=known.states,
            dispositions=known.dispositions,
            mismatched=known.mismatched,
            trouble=people.trouble,
            violations=len(api.violations),
            calls=calls,
            turns=people.turns,
            again=people.again,
            seconds=time.monotonic() - began,
            spans=run.spans,
            logged=ward.log(),
        )
    finally:
        ward.stop()
        ward.close()
        await relay.close()


async def _run(run: _Run, homes: Sequence[Home]) -> Course:
    """The campaign itself, with the servers running and dying."""
    ward, plan = run.ward, run.plan
    for port in ward.ports:
        ward.start(port)
        await _ready(port)
    await asyncio.to_thread(ward.open, homes, plan.last_day - timedelta(days=EXTENDED))
    await run.stop_here()
    await asyncio.to_thread(ward.know_cases, homes)
    run.people.begin(run.api, _at(FIRST_DAY, 8))
    run.tell(f"the campaign {ward.code} is open")
    trouble = [asyncio.create_task(run.killing()), asyncio.create_task(run.failing())]
    try:
        course = await run.course()
    finally:
        for task in trouble:
            task.cancel()
        await asyncio.gather(*trouble, return_exceptions=True)
    await run.stop_here()
    return course


async def _ready(port: int) -> None:
    deadline = time.monotonic() + STUCK_S
    async with ClientSession() as http:
        while time.monotonic() < deadline:
            try:
                async with http.get(f"http://127.0.0.1:{port}/readyz") as answer:
                    if answer.status == 200:
                        return
            except (ClientError, OSError):
                pass
            await asyncio.sleep(0.05)
    raise AssertionError("a server does not answer")


# ── what the system knows ───────────────────────────────────────────────────────────────────────────────────


@dataclass(slots=True)
class _Known:
    """What the database holds at the end. ``never``: case → when messages were taken on that did not arrive,
    as the platform's log says.
    """

    unknown: list[Unknown] = field(default_factory=list)
    never: dict[int, list[int]] = field(default_factory=dict)
    states: Counter[str] = field(default_factory=Counter)
    dispositions: Counter[str] = field(default_factory=Counter)
    mismatched: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)


def _read(ward: Ward, homes: Sequence[Home]) -> _Known:
    known, by_case = _Known(), {home.case: home for home in homes}

    def read(connection: Any) -> None:
        statement = select(cases.c.id, cases.c.disposition).where(cases.c.campaign_id == ward.campaign)
        for case_id, code in connection.execute(statement):
            known.dispositions[code] += 1
            home = by_case[case_id]
            if home.done != (code == "1.1"):
                known.mismatched.append(f"household {home.number} ({home.kind.name}): {code}")
        rows = {
            row.key: row
            for row in connection.execute(
                select(outbox.c.id, outbox.c.key, outbox.c.state, outbox.c.fault).where(outbox.c.bulk)
            )
        }
        known.states.update(row.state for row in rows.values())
        taken: dict[int, list[Any]] = {}
        for row in connection.execute(select(steps).order_by(steps.c.case_id, steps.c.step)):
            taken.setdefault(row.case_id, []).append(row)
        for home in homes:
            _reconcile(known, home, taken.get(home.case, []), rows)

    ward.database.read(read)
    listed = ward.run("delivery", "list", "--state", "unknown", "--limit", str(SHOWN))
    shown = {one["id"] for one in listed["messages"]}
    if len(shown) < SHOWN and not {one.row for one in known.unknown} <= shown:
        known.lost.append("staff are not shown all messages that nobody knows about")
    return known


def _reconcile(known: _Known, home: Home, taken: Sequence[Any], rows: dict[str, Any]) -> None:
    """Hold the steps of a case against what arrived of it."""
    left: list[Got] = sorted(home.got, key=lambda one: one.at)
    for number, step in enumerate(taken):
        before = taken[number + 1].at if number + 1 < len(taken) else None
        found = next((one for one in left if before is None or one.at < before), None)
        if found is not None:
            left.remove(found)
        row = rows.get(step.outbox_key)
        if row is not None and row.state == "unknown":
            known.unknown.append(
                Unknown(row.id, home.case, step.step, step.at, row.fault or "", found is not None)
            )
            if found is None:
                known.never.setdefault(home.case, []).append(step.at)
        elif found is None:
            said = "forgotten" if row is None else row.state
            known.lost.append(f"household {home.number} ({home.kind.name}): step {step.step} is {said}")
    for one in left:
        known.doubled.append(f"household {home.number} ({home.kind.name}): {one.kind} at {local(one.at)}")


def _audited(homes: Sequence[Home], spans: Sequence[Span], course: Course, known: _Known) -> Audit:
    """The audit, with what the system's own books say against the platform's log."""
    found = audit(homes, spans, course, known.never)
    found.doubled += known.doubled
    found.lost += known.lost
    return found
