"""Measures the product beside the same survey on python-telegram-bot, what a kill leaves of it, the interview
engine beside ODK's own, and campaigns of a million: how they open, what waits to be sent, who is due.

On a shared machine compare rows of one run with each other, never numbers of two runs: everything is measured
in interleaved rounds, tables hold medians, and processor time a turn moves far less than turns a second.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import signal
import sqlite3
import statistics
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict
from functools import partial
from importlib.metadata import version
from pathlib import Path

import psutil

from tests import postgres
from tests.benchmarks import campaigns, delivery, engine, outboxes, reminders
from tests.benchmarks.bots import KINDS, OURS, OURS_SERVER, PTB, PTB_AIOHTTP, Kind, Stores
from tests.benchmarks.rounds import KILL_LATENCY, KILL_RESPONDENTS, Killed, Level, kill9, rounds
from tests.benchmarks.small import Cost, small

PARTS = ("turns", "kill9", "small", "engine", "delivery", "campaigns", "outbox", "due")
COMPARED = 64
"""Respondents at which processor time is compared."""
LIBRARIES = ("aiohttp", "SQLAlchemy", "psycopg", "python-telegram-bot", "httpx")


def main() -> int:
    """The command line; 1 when something failed: an update lost, refused or left without an answer."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one short round at 1 and 64 respondents")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write everything measured to FILE, too")
    parser.add_argument("--only", default=",".join(PARTS), metavar="PARTS", help=f"of {', '.join(PARTS)}")
    parser.add_argument("--bots", metavar="WORDS", help="only bots with one of these in their names")
    parser.add_argument("--rounds", type=int, help="how many (default 3; --quick 1)")
    parser.add_argument("--seconds", type=float, help="length of a window (default 2; --quick 1.5)")
    given = parser.parse_args()
    parts = given.only.split(",")
    if unknown := set(parts) - set(PARTS):
        parser.error(f"unknown: {', '.join(sorted(unknown))}")
    words = given.bots.lower().split(",") if given.bots else [""]
    kinds = [kind for kind in KINDS if any(word in kind.name.lower() for word in words)]

    async def until_terminated() -> int:
        # As a cancellation, a termination passes through every `finally`: no bot, no server stays behind.
        task = asyncio.current_task()
        assert task is not None
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
        return await measure(
            parts,
            kinds,
            levels=[1, COMPARED] if given.quick else [1, 16, COMPARED, 256],
            number=given.rounds or (1 if given.quick else 3),
            seconds=given.seconds or (1.5 if given.quick else 2.0),
            times=5 if given.quick else 9,
            file=given.json,
        )

    try:
        return asyncio.run(until_terminated())
    except asyncio.CancelledError:
        return 128 + signal.SIGTERM


async def measure(
    parts: Sequence[str],
    kinds: Sequence[Kind],
    *,
    levels: Sequence[int],
    number: int,
    seconds: float,
    times: int,
    file: Path | None,
) -> int:
    """Do the parts asked for, show tables, and write ``file``."""
    stores = Stores()
    measured: list[Level] = []
    killed: list[Killed] = []
    costs: list[Cost] = []
    engines: list[engine.Measured] = []
    missing = ""
    claimed: list[delivery.Claimed] = []
    paced: list[delivery.Paced] = []
    opened: list[campaigns.Row] = []
    asked: list[outboxes.Asked] = []
    due: list[reminders.Measured] = []
    large = 1_000_000 if number > 1 else 100_000
    machine = about_the_machine()
    print(machine, flush=True)
    try:
        kinds = available(kinds, stores)
        if "turns" in parts:
            measured = await rounds(kinds, levels, number, seconds, stores, tell)
            print_levels(measured, kinds, levels)
            print_ratios(measured, kinds)
        if "kill9" in parts:
            killed = [await kill9(kind, stores) for kind in kinds if kind in (OURS, OURS_SERVER)]
            print_killed(killed)
        if "small" in parts:
            costs = await asyncio.to_thread(small, tell, times)
            print_costs(costs)
        if "engine" in parts:
            engines, missing = await asyncio.to_thread(engine.measure, tell, number)
            print_engines(engines, missing)
        if "delivery" in parts:
            claimed, paced = await asyncio.to_thread(
                partial(delivery.measure, stores, tell, rows=100_000 * number**2, seconds=3.0 * seconds)
            )
            print_delivery(claimed, paced)
        if "campaigns" in parts:
            opened = await asyncio.to_thread(campaigns.both, stores, tell, large)
            print_opened(opened)
        if "outbox" in parts:
            asked = await asyncio.to_thread(partial(outboxes.measure, stores, tell, rows=large))
            print_asked(asked)
        if "due" in parts:
            due = await asyncio.to_thread(reminders.both, stores, tell, large)
            print_due(due)
    finally:
        stores.close()
    if file is not None:
        written = {
            "machine": machine,
            "turns": [asdict(one) for one in measured],
            "ratios": ratios(measured, kinds),
            "kill9": [asdict(one) for one in killed],
            "small": [asdict(one) for one in costs],
            "engine": engine.written(engines, missing),
            "claims": [asdict(one) for one in claimed],
            "delivery": [asdict(one) for one in paced],
            "campaigns": [asdict(one) for one in opened],
            "outbox": [asdict(one) for one in asked],
            "due": [asdict(one) for one in due],
        }
        file.write_text(json.dumps(written, indent=1, ensure_ascii=False) + "\n", "utf-8")
    wrong = [f"{one.bot}: {one.lost} acknowledged updates lost" for one in killed if one.lost]
    wrong += [
        f"{one.bot} at {one.respondents}: {one.refused} refused, {one.stalls} without an answer"
        for one in measured
        if one.refused or one.stalls
    ]
    wrong += [
        f"{one.case} on {one.store}: {one.refused} messages refused for pace" for one in paced if one.refused
    ]
    for line in wrong:
        print(f"FAILED: {line}", file=sys.stderr)
    return 1 if wrong else 0


def tell(line: str) -> None:
    """What is going on, for whoever waits."""
    print(f"  {line}", file=sys.stderr, flush=True)


def available(kinds: Sequence[Kind], stores: Stores) -> list[Kind]:
    """``kinds`` without those that need a server which this machine can't have."""
    try:
        if any(kind.server for kind in kinds):
            stores.server()
    except postgres.NoServer as problem:
        print(f"Without PostgreSQL: {problem}")
        return [kind for kind in kinds if not kind.server]
    return list(kinds)


def about_the_machine() -> str:
    """What the figures were measured on."""
    busy = psutil.cpu_percent(0.5) * (os.cpu_count() or 1) / 100
    libraries = ", ".join(f"{name} {version(name)}" for name in LIBRARIES)
    return (
        f"{os.cpu_count()} cores ({busy:.1f} busy before), {psutil.virtual_memory().total >> 30} GiB, "
        f"{platform.system()} {platform.release()}; Python {platform.python_version()}, "
        f"SQLite {sqlite3.sqlite_version}, {libraries}"
    )


def middle(
    measured: Sequence[Level], kind: Kind, respondents: int, value: Callable[[Level], float]
) -> float | None:
    """The median over the rounds."""
    found = [value(one) for one in measured if one.bot == kind.name and one.respondents == respondents]
    return statistics.median(found) if found else None


def show(value: float | None, digits: int = 0) -> str:
    """A figure, or a dash."""
    return "–" if value is None else f"{value:,.{digits}f}"


def print_table(title: str, headings: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """A table in Markdown."""
    print(f"\n### {title}\n\n| {' | '.join(headings)} |\n|---|{'---:|' * (len(headings) - 1)}")
    for row in rows:
        print(f"| {' | '.join(row)} |")
    sys.stdout.flush()


def print_levels(measured: Sequence[Level], kinds: Sequence[Kind], levels: Sequence[int]) -> None:
    """One table a number of respondents."""
    number = max((one.round for one in measured), default=0)
    for respondents in levels:
        rows = []
        for kind in kinds:

            def of(
                value: Callable[[Level], float], kind: Kind = kind, respondents: int = respondents
            ) -> float | None:
                return middle(measured, kind, respondents, value)

            rows.append(
                [
                    kind.name,
                    show(of(lambda one: one.per_second)),
                    f"{show(of(lambda one: one.to_200_p50), 1)} / {show(of(lambda one: one.to_200_p99), 1)}",
                    f"{show(of(lambda one: one.to_question_p50), 1)} / "
                    f"{show(of(lambda one: one.to_question_p99), 1)}",
                    show(of(lambda one: one.cpu), 3),
                    show(of(lambda one: one.cpu_server), 3),
                    show(of(lambda one: one.resident_mib)),
                    show(of(lambda one: one.calls), 2),
                    show(of(lambda one: one.refused)),
                    show(of(lambda one: one.stalls)),
                    show(of(lambda one: one.others_busy), 1),
                ]
            )
        print_table(
            f"{respondents} at once (median of {number})",
            [
                "bot", "turns/s", "to 200 p50/p99 ms", "to the next question p50/p99 ms", "CPU ms/turn",
                "database server", "MiB", "API calls/turn", "refused", "stalled", "others busy",
            ],
            rows,
        )  # fmt: skip


def ratios(measured: Sequence[Level], kinds: Sequence[Kind]) -> list[dict[str, object]]:
    """Processor time a turn of ours over each peer's, round by round: median, lowest, highest."""
    spent = {(one.bot, one.round): one for one in measured if one.respondents == COMPARED}
    found: list[dict[str, object]] = []
    for ours in (OURS, OURS_SERVER):
        for peer in (PTB, PTB_AIOHTTP):
            shares = [
                round((mine.cpu + mine.cpu_server) / theirs.cpu, 4)
                for (name, at), mine in spent.items()
                if name == ours.name and (theirs := spent.get((peer.name, at))) and theirs.cpu
            ]
            if shares:
                found.append(
                    {
                        "ours": ours.name,
                        "peer": peer.name,
                        "ratio": round(statistics.median(shares), 4),
                        "lowest": min(shares),
                        "highest": max(shares),
                    }
                )
    return found


def print_ratios(measured: Sequence[Level], kinds: Sequence[Kind]) -> None:
    """The same as a table."""
    rows = [
        [str(one["ours"]), str(one["peer"]), f"{one['ratio']}", f"{one['lowest']} – {one['highest']}"]
        for one in ratios(measured, kinds)
    ]
    if rows:
        print_table(
            f"CPU a turn at {COMPARED} at once, the database server's included: ours / peer",
            ["ours", "peer", "median", "rounds"],
            rows,
        )


def print_killed(killed: Sequence[Killed]) -> None:
    """Acknowledged and lost."""
    print_table(
        f"SIGKILL under {KILL_RESPONDENTS} respondents, Bot API calls of {1000 * KILL_LATENCY:.0f} ms",
        ["bot", "answered 200", "of these lost"],
        [[one.bot, str(one.acknowledged), str(one.lost)] for one in killed],
    )


def print_costs(costs: Sequence[Cost]) -> None:
    """Single costs."""
    print_table(
        "Single costs in one process",
        ["what", "median µs", "lowest – highest"],
        [[one.name, f"{one.median:,.1f}", f"{one.lowest:,.1f} – {one.highest:,.1f}"] for one in costs],
    )


def print_engines(measured: Sequence[engine.Measured], missing: str) -> None:
    """Ours beside ODK's."""
    if missing:
        print(f"\nWithout {missing}, see tests/golden/README.md.")
    print_table(
        "One answer in the engine alone: the quickest of all interviews",
        engine.HEADINGS,
        list(engine.rows(measured)),
    )
    print_table(
        "A turn of an interview that is not at hand: read what was saved, answer, read the next question",
        engine.ANEW_HEADINGS,
        list(engine.anew_rows(measured)),
    )
    print_table("Reading a form", engine.LOAD_HEADINGS, list(engine.load_rows(measured)))


def print_delivery(claimed: Sequence[delivery.Claimed], paced: Sequence[delivery.Paced]) -> None:
    """Claims, and sends at a platform's pace."""
    print_table(
        "The outbox: settling a batch and claiming the next, in one transaction",
        ["store", "rows that wait", "batch", "rows/s", "a transaction p50/p99 ms"],
        [
            [
                one.store,
                f"{one.standing:,}",
                f"{one.batch:,}",
                f"{one.per_second:,}",
                f"{one.one_p50:.1f} / {one.one_p99:.1f}",
            ]
            for one in claimed
        ],
    )
    print_table(
        "Delivery to the double of Telegram's server, with its limits",
        [
            "store",
            "case",
            "allowed/s",
            "sent/s",
            "replies",
            "reply p50/p99 ms",
            "refused (429)",
            "CPU ms/message",
            "the double's",
        ],
        [
            [
                one.store,
                one.case,
                f"{one.allowed:,}",
                f"{one.per_second:,.1f}",
                str(one.replies),
                f"{one.reply_p50:.0f} / {one.reply_p99:.0f}" if one.replies else "–",
                str(one.refused),
                f"{one.cpu:.2f}",
                f"{one.cpu_double:.2f}",
            ]
            for one in paced
        ],
    )


def print_opened(opened: Sequence[campaigns.Row]) -> None:
    """Opening, pausing and claiming beside turns."""
    print_table(
        "Campaigns: what is done in the lane of bulk work, and what turns meanwhile took with their commit",
        ["store", "what", "cases", "seconds", "CPU s", "turns p50/p99/most ms", "most MiB"],
        [
            [
                one.database,
                one.what,
                f"{one.cases:,}",
                f"{one.seconds:.2f}",
                f"{one.processor:.2f}",
                f"{one.wait_p50:.1f} / {one.wait_p99:.1f} / {one.wait_most:.1f}",
                f"{one.memory:.0f}",
            ]
            for one in opened
        ],
    )


def print_asked(asked: Sequence[outboxes.Asked]) -> None:
    """What a large outbox is asked."""
    print_table(
        "A large outbox: what each transaction takes",
        ["store", "the outbox", "what", "median ms", "lowest – highest", "by"],
        [
            [
                one.store,
                one.outbox,
                one.what,
                f"{one.median:,.1f}",
                f"{one.lowest:,.1f} – {one.highest:,.1f}",
                one.plan,
            ]
            for one in asked
        ],
    )


def print_due(due: Sequence[reminders.Measured]) -> None:
    """Whom to write to."""
    print_table(
        "Cases that are due",
        ["store", "what", "median ms", "lowest – highest"],
        [
            [one.database, one.what, f"{one.median:,.2f}", f"{one.lowest:,.2f} – {one.highest:,.2f}"]
            for one in due
        ],
    )


if __name__ == "__main__":
    sys.exit(main())
