"""``python -m tests.acceptance.faulty PLACE serve …``: the command line in a process that kills itself on
demand.

Once the file named by HOIDAN_TEST_TRIGGER is there, the process removes it and sends itself SIGKILL the next
time it comes to PLACE: ``before_commit`` (everything of a batch of turns is written, nothing committed),
``after_commit`` (committed, nobody told yet), ``half_batch`` (interviews saved, their answer log not yet),
``sending`` (a message of the outbox is claimed and about to be sent), ``sent`` (the platform has it, the
outbox doesn't know).
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

TRIGGER = Path(os.environ.get("HOIDAN_TEST_TRIGGER", "/nonexistent"))


def die_if_asked() -> None:
    """Where the process may end."""
    if TRIGGER.exists():
        TRIGGER.unlink()
        os.kill(os.getpid(), signal.SIGKILL)


def before_commit() -> None:
    from bot.turns import Turns

    for name in ("_batch", "_alone"):
        setattr(Turns, name, _then_die(getattr(Turns, name)))


def after_commit() -> None:
    from bot.turns import Turns

    write = Turns._write

    def dying(turns: Turns, transact: Any, batch: Any) -> Any:
        result = write(turns, transact, batch)
        if len(batch) > 1:  # One alone is not written here.
            die_if_asked()
        return result

    setattr(Turns, "_write", dying)  # noqa: B010
    setattr(Turns, "_one", _then_die(Turns._one))  # noqa: B010


def half_batch() -> None:
    from storage import interviews

    written = interviews.log_answers

    def log_answers(*arguments: Any, **more: Any) -> None:
        if arguments[2]:
            die_if_asked()
        written(*arguments, **more)

    interviews.log_answers = log_answers


def sending() -> None:
    from bot.channels.telegram_api import TelegramSender

    send = TelegramSender.send

    async def dying(*arguments: Any, **more: Any) -> Any:
        die_if_asked()
        return await send(*arguments, **more)

    setattr(TelegramSender, "send", dying)  # noqa: B010


def sent() -> None:
    from bot.channels.telegram_api import TelegramSender

    setattr(TelegramSender, "send", _then_die_async(TelegramSender.send))  # noqa: B010


def _then_die(function: Callable[..., Any]) -> Callable[..., Any]:
    def dying(*arguments: Any, **more: Any) -> Any:
        result = function(*arguments, **more)
        die_if_asked()
        return result

    return dying


def _then_die_async(function: Callable[..., Any]) -> Callable[..., Any]:
    async def dying(*arguments: Any, **more: Any) -> Any:
        result = await function(*arguments, **more)
        die_if_asked()
        return result

    return dying


PLACES = {each.__name__: each for each in (before_commit, after_commit, half_batch, sending, sent)}


if __name__ == "__main__":
    place, *arguments = sys.argv[1:]
    PLACES[place]()
    from bot.cli import main

    sys.exit(main(arguments))
