"""Rounds: every bot under the same load, one after another, several times; and what is left after a kill."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass

from tests.benchmarks.bots import Bot, Kind, Stores, listening, running, start

WARM_UP = 0.7
"""Seconds before a window, over which people begin."""
AT_LEAST = 3
"""Answers a respondent that a window has to see, or it is stretched."""
STRETCH = 4.0
"""How many times its length a window may be stretched."""


@dataclass(frozen=True, slots=True)
class Level:
    """One bot under one load in one round. Times in milliseconds; processor time in milliseconds a turn."""

    bot: str
    round: int
    respondents: int
    turns: int
    seconds: float
    per_second: float
    to_200_p50: float
    to_200_p99: float
    to_question_p50: float
    to_question_p99: float
    cpu: float
    cpu_server: float
    cpu_generator: float
    resident_mib: float
    calls: float
    """Bot API calls a turn, apart from those in the webhook's own answer."""
    finished: int
    refused: int
    stalls: int
    others_busy: float
    """Cores that everything else on the machine used meanwhile."""


def quantile(values: Sequence[float], share: float) -> float:
    """A quantile in milliseconds of times in seconds; 0 of none."""
    ordered = sorted(values)
    return round(1000 * ordered[min(len(ordered) - 1, int(share * len(ordered)))], 3) if ordered else 0.0


async def level(bot: Bot, number: int, respondents: int, seconds: float) -> Level:
    """Put ``respondents`` in front of the bot and watch for some ``seconds``."""
    telegram = bot.telegram
    telegram.begin(respondents, WARM_UP / 2)
    await asyncio.sleep(WARM_UP)
    telegram.window()
    before, began = bot.spent(), time.perf_counter()
    while (passed := time.perf_counter() - began) < STRETCH * seconds:
        if passed >= seconds and len(telegram.figures.to_question) >= AT_LEAST * respondents:
            break
        await asyncio.sleep(0.02)
    after, figures = bot.spent(), telegram.window()
    passed = time.perf_counter() - began
    await telegram.end()
    turns = len(figures.to_question)
    each = 1000 / max(1, turns)
    cpu, server = after.bot - before.bot, after.server - before.server
    own = after.generator - before.generator
    return Level(
        bot=bot.kind.name,
        round=number,
        respondents=respondents,
        turns=turns,
        seconds=round(passed, 2),
        per_second=round(turns / passed, 1),
        to_200_p50=quantile(figures.to_200, 0.5),
        to_200_p99=quantile(figures.to_200, 0.99),
        to_question_p50=quantile(figures.to_question, 0.5),
        to_question_p99=quantile(figures.to_question, 0.99),
        cpu=round(cpu * each, 4),
        cpu_server=round(server * each, 4),
        cpu_generator=round(own * each, 4),
        resident_mib=round(after.resident / 2**20, 1),
        calls=round(
            sum(count for name, count in figures.calls.items() if not name.startswith("answer:"))
            / max(1, turns),
            3,
        ),
        finished=figures.finished,
        refused=figures.refused,
        stalls=figures.stalls,
        others_busy=round(max(0.0, after.machine - before.machine - cpu - server - own) / passed, 2),
    )


async def rounds(
    kinds: Sequence[Kind],
    levels: Sequence[int],
    number: int,
    seconds: float,
    stores: Stores,
    told: Callable[[str], object],
) -> list[Level]:
    """Every kind at every level, ``number`` times; each time all kinds in turn, each afresh."""
    found = []
    for at in range(1, number + 1):
        for kind in kinds:
            async with running(kind, stores) as bot:
                for respondents in levels:
                    found.append(await level(bot, at, respondents, seconds))
            last = found[-len(levels) :]
            shown = " ".join(f"{each.per_second:.0f}@{each.respondents}" for each in last)
            told(f"round {at}: {kind.name}: {shown} turns/s")
    return found


@dataclass(frozen=True, slots=True)
class Killed:
    """What became of acknowledged updates after SIGKILL under load."""

    bot: str
    acknowledged: int
    lost: int


KILL_RESPONDENTS = 64
KILL_AFTER = 1.5
KILL_LATENCY = 0.05
"""Seconds a Bot API call takes meanwhile, as the real one's do."""


async def kill9(kind: Kind, stores: Stores) -> Killed:
    """Kill a bot under load, start it again, and look for every update that it had answered 200."""
    async with running(kind, stores, latency=KILL_LATENCY) as bot:
        telegram = bot.telegram
        telegram.begin(KILL_RESPONDENTS, WARM_UP / 2)
        await asyncio.sleep(KILL_AFTER)
        bot.kill()
        await telegram.end()
        bot.process = start(kind, bot.environment)
        await listening(bot)
        kept = await asyncio.to_thread(bot.saved)
    return Killed(kind.name, len(telegram.accepted), len(telegram.accepted - kept))


def document(found: Sequence[Level | Killed]) -> list[dict[str, object]]:
    """The same for JSON."""
    return [asdict(each) for each in found]
