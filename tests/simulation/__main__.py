"""``python -m tests.simulation``: a four-week campaign of 36,000 households on PostgreSQL, in simulated time.

Two processes of ``hoidan serve`` work on it and are killed at random, the platform (a double of Telegram's
servers) fails at random, the households answer, stop, block and come by leaflet; an auditor works out anew
what each should have got. Prints what came out; exits with 1 if anything was lost, doubled or sent when it
must not be.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import sys
import tempfile
import time
from collections import Counter
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tests import postgres
from tests.simulation.audit import local
from tests.simulation.run import Plan, Result, simulate

SHOWN = 12


def table(result: Result) -> list[tuple[str, str]]:
    """What came out, as rows of words and figures."""
    audit, plan = result.audit, result.plan
    arrived = sum(one.arrived for one in result.unknown)
    return [
        ("households", f"{plan.households:,}, {plan.days} days, {len(result.spans):,} stops of the clock"),
        ("real time", f"{result.seconds / 60:.1f} min"),
        (
            "kills (SIGKILL) of a server",
            f"{len(result.kills)}, over {result.under_way} messages on their way",
        ),
        ("faults of the platform", ", ".join(f"{k} {n}" for k, n in sorted(result.faults.items())) or "none"),
        ("messages that arrived", f"{audit.arrived:,}"),
        *((f"   {kind}", f"{number:,}") for kind, number in sorted(audit.kinds.items()) if kind),
        ("replies of the bot to people", f"{result.turns:,} ({result.again} after they asked once more)"),
        ("households that answered", f"{sum(home.done for home in result.homes):,}"),
        ("lost", f"{len(audit.lost)}"),
        ("doubled", f"{len(audit.doubled)}"),
        ("sent in quiet hours or on holidays", f"{len(audit.quiet)}"),
        ("sent in the pause", f"{len(audit.paused)}"),
        ("too early, or not to be sent", f"{len(audit.early)}, {len(audit.unasked)}"),
        ("in the wrong words", f"{len(audit.worded)}"),
        ("answers that are not in the database", f"{len(result.mismatched)}"),
        (
            "unknown",
            f"{len(result.unknown)} (at most {result.under_way} by kills, {result.unsaid} by the platform's "
            f"silence): {arrived} had arrived",
        ),
        *((f"   {why}", f"{number}") for why, number in Counter(one.fault for one in result.unknown).items()),
        ("people who got stuck", f"{len(result.trouble)}"),
        ("requests that break the Bot API", f"{result.violations}"),
        ("from the first moment to the arrival", _lateness(sorted(audit.late))),
    ]


def _lateness(late: list[int]) -> str:
    if not late:
        return "–"
    median, most = statistics.median(late), late[-1]
    nearly_all = late[len(late) * 99 // 100]
    return f"median {median / 1000:.0f} s, 99 % {nearly_all / 1000:.0f} s, most {most / 1000:.0f} s"


def document(result: Result) -> dict[str, Any]:
    """Everything, for programs."""
    return {
        "plan": asdict(result.plan),
        "seconds": round(result.seconds, 1),
        "table": dict(table(result)),
        "findings": result.findings,
        "unknown": [{**asdict(one), "at": local(one.at).isoformat()} for one in result.unknown],
        "kills": [{"at": local(one.at).isoformat(), "under_way": one.under_way} for one in result.kills],
        "faults": result.faults,
        "calls": result.calls,
        "states": result.states,
        "dispositions": result.dispositions,
        "kinds": Counter(home.kind.name for home in result.homes),
        "logged": result.logged,
    }


def main() -> int:
    """Run it."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--households", type=int, default=36_000)
    parser.add_argument("--days", type=int, default=28)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--kill-every", type=float, default=20.0, help="real seconds, on average")
    parser.add_argument("--fault-every", type=float, default=15.0, help="real seconds, on average")
    parser.add_argument("--stride", type=int, default=30, help="minutes by which the clock is moved at least")
    parser.add_argument("--json", type=Path, help="write everything to this file")
    asked = parser.parse_args()
    plan = Plan(asked.households, asked.days, asked.seed, asked.kill_every, asked.fault_every, asked.stride)
    said = time.monotonic()

    def tell(line: str) -> None:
        nonlocal said
        if time.monotonic() - said > 5:
            said = time.monotonic()
            print(line, file=sys.stderr, flush=True)

    run = postgres.begin()
    try:
        server = postgres.server_of(run.folder)
        url = server.url(server.create_database())
        with tempfile.TemporaryDirectory(prefix="hoidan-") as folder:
            result = asyncio.run(simulate(plan, Path(folder), url, tell))
    finally:
        run.close()
    if asked.json:
        asked.json.write_text(json.dumps(document(result), ensure_ascii=False, indent=1), "utf-8")
    for words, figures in table(result):
        print(f"{words:<40} {figures}")
    bad = {name: found for name, found in result.findings.items() if found}
    for name, found in bad.items():
        print(f"\n{name}: {len(found)}")
        print(*(f"  {one}" for one in found[:SHOWN]), sep="\n")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
