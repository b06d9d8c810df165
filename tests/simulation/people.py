"""Households with telephones, and what the people in them do with the messages that reach them."""

from __future__ import annotations

import asyncio
import heapq
import itertools
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import partial
from typing import Any

from bot.buttons import read_data
from bot.doubles.telegram import BotApiDouble
from bot.doubles.telegram_people import Call, FaultKind
from surveys.personal_codes import bare

HOUR_MS = 3_600_000
FIRST_CHAT = 100_000
PATIENCE_S = 6.0
"""After so many real seconds without an answer people do the same once more."""
TRIES = 10
"""Who has no answer after so many times is stuck: something is wrong."""
LEAFLET = -1
"""In place of a message's number: the person comes by the leaflet, by themselves."""


class What(StrEnum):
    """What somebody does."""

    ANSWER = "answer"
    """Everything, and hands it in."""
    HALF = "half"
    """The first question, no more."""
    STOP = "stop"
    BLOCK = "block"
    PREFER = "prefer"
    """Asks to be written to at six in the evening."""
    GO = "go"
    """The account is deleted; nobody is told."""


PREFERRED = 18
"""The hour of :attr:`What.PREFER`."""


@dataclass(frozen=True, slots=True)
class Deed:
    """What somebody does, on average ``hours`` after the household's message number ``after`` (0: the
    invitation), on its telephone number ``by`` (None: the one the message came to).
    """

    after: int
    what: What
    hours: float = 6.0
    by: int | None = None


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of household: how many of a thousand, its telephones, and what happens there."""

    name: str
    share: int
    phones: int
    deeds: tuple[Deed, ...] = ()
    shared: bool = False
    """The telephone is also that of the household before."""


KINDS = (
    Kind("answers at once", 290, 1, (Deed(0, What.ANSWER, 5),)),
    Kind("answers after the first reminder", 120, 1, (Deed(1, What.ANSWER, 9),)),
    Kind("answers after the second reminder", 60, 1, (Deed(2, What.ANSWER, 9),)),
    Kind("answers after the last reminder", 40, 1, (Deed(3, What.ANSWER, 9),)),
    Kind("half, then all", 60, 1, (Deed(0, What.HALF, 5), Deed(1, What.ANSWER, 7))),
    Kind("half late, then all", 20, 1, (Deed(1, What.HALF, 5), Deed(2, What.ANSWER, 7))),
    Kind("half, and no more", 40, 1, (Deed(0, What.HALF, 20),)),
    Kind("never answers", 170, 1),
    Kind("says stop at once", 20, 1, (Deed(0, What.STOP, 3),)),
    Kind("says stop when reminded", 15, 1, (Deed(1, What.STOP, 3),)),
    Kind("stops half way", 10, 1, (Deed(0, What.HALF, 3), Deed(1, What.STOP, 2))),
    Kind("blocks", 15, 1, (Deed(0, What.BLOCK, 12),)),
    Kind("blocks when reminded", 10, 1, (Deed(1, What.BLOCK, 12),)),
    Kind("account deleted", 10, 1, (Deed(0, What.GO, 24),)),
    Kind("prefers an hour, never answers", 10, 1, (Deed(0, What.PREFER, 2),)),
    Kind("prefers an hour, answers", 10, 1, (Deed(0, What.PREFER, 2), Deed(2, What.ANSWER, 4))),
    Kind("answers on the other telephone", 20, 2, (Deed(1, What.ANSWER, 9, by=1),)),
    Kind("two telephones, never answers", 10, 2),
    Kind("two telephones, one blocks", 5, 2, (Deed(0, What.BLOCK, 12),)),
    Kind("on a neighbour's telephone, answers", 10, 1, (Deed(1, What.ANSWER, 9),), shared=True),
    Kind("on a neighbour's telephone, never answers", 5, 1, shared=True),
    Kind("no telephone", 25, 0),
    Kind("comes by leaflet", 15, 0, (Deed(LEAFLET, What.ANSWER, 200),)),
    Kind("comes by leaflet, half", 10, 0, (Deed(LEAFLET, What.HALF, 200),)),
)


@dataclass(frozen=True, slots=True)
class Got:
    """A message of our own accord that reached a household: when (ms), on which telephone, of which kind."""

    at: int
    chat: int
    kind: str
    message_id: int
    data: str


@dataclass(frozen=True, slots=True)
class Did:
    """What somebody did, and had an answer to at ``at`` (ms)."""

    at: int
    what: What
    chat: int


@dataclass(slots=True)
class Home:
    """A household, its telephones (chats), and what happened. ``code`` is the one on its leaflet."""

    number: int
    kind: Kind
    chats: tuple[int, ...]
    case: int = 0
    code: str = ""
    got: list[Got] = field(default_factory=list)
    did: list[Did] = field(default_factory=list)

    @property
    def done(self) -> bool:
        """Whether it answered all."""
        return any(one.what is What.ANSWER for one in self.did)


def settle(number: int, seed: int) -> list[Home]:
    """So many households, of all kinds in their shares; every kind at least once if there are enough."""
    drawn = random.Random(seed)
    kinds = [*KINDS, *drawn.choices(KINDS, [kind.share for kind in KINDS], k=max(0, number - len(KINDS)))]
    kinds = kinds[:number]
    drawn.shuffle(kinds)
    chats, homes = itertools.count(FIRST_CHAT), list[Home]()
    for place, kind in enumerate(kinds):
        neighbour = next((home for home in reversed(homes) if len(home.chats) == 1), None)
        if kind.shared and neighbour is not None and neighbour.kind.name in _LEND:
            own = neighbour.chats
        else:
            own = tuple(next(chats) for _ in range(max(1, kind.phones)))
        homes.append(Home(place, kind, own))
    return homes


_LEND = ("answers at once", "never answers", "answers after the first reminder")
"""Kinds of households whose telephone may be a neighbour's, too: there nobody says stop for both."""

# What the bot says, as people recognise it.
_SEX, _BORN, _PHONE = "Giới tính", "sinh năm nào", "điện thoại thông minh"
_SENT, _STOPPED, _HOUR = "Mã biên nhận", "BẮT ĐẦU LẠI", "khoảng 18:00"
_SUBMIT, _PAUSED, _OVER = "Gửi câu trả lời", "đang tạm dừng", "đã kết thúc"
_KINDS = {
    "contact.invite": "kính mời",
    "contact.not_started": "chưa trả lời:",
    "contact.half_done": "trả lời một phần:",
}


class Later(Exception):
    """The campaign pauses: people are told to come again."""


class Over(Exception):
    """The campaign is over: people come too late."""


class People:
    """All households on the platform ``api``. ``clock`` gives milliseconds.

    The platform's calls are brought to :meth:`hear`; deeds whose time has come are done by :meth:`act`.
    """

    def __init__(self, homes: Sequence[Home], clock: Any, seed: int) -> None:
        self.homes = homes
        self.api: BotApiDouble
        self._clock = clock
        self._random = random.Random(seed + 1)
        self._by_code: dict[str, Home] = {}
        self._deeds: list[tuple[int, int, Home, Deed, int]] = []
        self._numbers = itertools.count()
        self._lines: dict[int, asyncio.Queue[Call]] = {}
        self._locks: dict[int, asyncio.Lock] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._some = asyncio.Semaphore(96)
        self.trouble: list[str] = []
        self.other_codes = 0
        self.turns = 0
        self.again = 0
        self.too_late = 0
        self.reached = asyncio.Event()

    def begin(self, api: BotApiDouble, begins: int) -> None:
        """Everybody has their code; whoever comes by leaflet does so some time after ``begins`` (ms)."""
        self.api = api
        self._by_code = {bare(home.code): home for home in self.homes}
        for home in self.homes:
            for deed in home.kind.deeds:
                if deed.after == LEAFLET:
                    self._plan(home, deed, begins, home.chats[0])

    # ── messages ────────────────────────────────────────────────────────────────────────────────────────────

    def hear(self, call: Call) -> None:
        """A call of the bot, as the platform's log has it."""
        arrived = call.status == 200 or call.fault is FaultKind.DROP_AFTER
        if not arrived or call.method not in ("sendMessage", "editMessageText") or not call.result:
            return
        chat, text = int(call.params["chat_id"]), str(call.params["text"])
        kind = next((name for name, words in _KINDS.items() if words in text), None)
        if kind is None:
            if chat in self._lines:
                self._lines[chat].put_nowait(call)
            return
        data = next((one for _, one in buttons(call)), "")
        read = read_data(data)
        home = self._by_code.get(bare(read[3])) if read else None
        if home is None:
            self.other_codes += 1
            return
        self.reached.set()
        home.got.append(Got(self._clock(), chat, kind, int(call.result["message_id"]), data))
        for deed in home.kind.deeds:
            if deed.after == len(home.got) - 1:
                self._plan(home, deed, self._clock(), chat)

    def _plan(self, home: Home, deed: Deed, since: int, chat: int) -> None:
        at = since + round(self._random.expovariate(1 / deed.hours) * HOUR_MS)
        where = chat if deed.by is None else next(one for one in home.chats if one != chat)
        heapq.heappush(self._deeds, (at, next(self._numbers), home, deed, where))

    # ── deeds ───────────────────────────────────────────────────────────────────────────────────────────────

    @property
    def next_at(self) -> int | None:
        """When somebody does something next (ms)."""
        return self._deeds[0][0] if self._deeds else None

    @property
    def busy(self) -> bool:
        """Whether somebody is talking to the bot."""
        return bool(self._tasks)

    def act(self) -> None:
        """Let everybody whose time has come do what they do."""
        while self._deeds and self._deeds[0][0] <= self._clock():
            _, _, home, deed, chat = heapq.heappop(self._deeds)
            task = asyncio.get_running_loop().create_task(self._do(home, deed, chat))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _do(self, home: Home, deed: Deed, chat: int) -> None:
        async with self._some, self._locks.setdefault(chat, asyncio.Lock()):
            self._lines[chat] = asyncio.Queue()
            try:
                await self._doing(home, deed, chat)
            except Later:
                self._plan(home, replace(deed, by=None, hours=24), self._clock(), chat)
            except Over:
                self.too_late += 1
            except TimeoutError:
                last = [
                    f"{call.method} {call.status} {call.params.get('text', '')[:90]!r} {call.description}"
                    for call in self.api.requests
                    if call.params.get("chat_id") == chat
                ][-4:]
                self.trouble.append(f"household {home.number} ({home.kind.name}) waits after {last}")
            except (LookupError, ValueError) as fault:
                self.trouble.append(f"household {home.number} ({home.kind.name}): {fault!r}")
            finally:
                del self._lines[chat]
                _forget_old(self.api, chat)

    async def _doing(self, home: Home, deed: Deed, chat: int) -> None:
        if deed.what is What.BLOCK:
            self.api.block(chat)
        elif deed.what is What.GO:
            self.api.deactivate(chat)
        elif deed.what is What.STOP:
            await self._say_until(chat, "dừng", _STOPPED)
        elif deed.what is What.PREFER:
            await self._say_until(chat, f"nhắc tôi lúc {PREFERRED} giờ", _HOUR)
        else:
            await self._answer(home, chat, half=deed.what is What.HALF)
        home.did.append(Did(self._clock(), deed.what, chat))

    async def _say_until(self, chat: int, words: str, awaited: str) -> None:
        while awaited not in (await self._ask(chat, lambda: self.api.say(chat, words))).params["text"]:
            continue

    async def _ask(self, chat: int, deed: Callable[[], object]) -> Call:
        """Do something, and once more if nothing happens; what the bot says to it."""
        for _ in range(TRIES):
            deed()
            try:
                call = await asyncio.wait_for(self._lines[chat].get(), PATIENCE_S)
            except TimeoutError:
                self.again += 1
                continue
            self.turns += 1
            return call
        raise TimeoutError

    async def _answer(self, home: Home, chat: int, *, half: bool) -> None:
        """Open the form by the last message's button or the code, and answer what is asked."""
        here = [one for one in home.got if one.chat == chat]
        deed: Callable[[], object]
        if here:
            deed = partial(self.api.press, chat, here[-1].message_id, here[-1].data)
        else:
            deed = partial(self.api.start, chat, bare(home.code))
        while True:
            call = await self._ask(chat, deed)
            while not self._lines[chat].empty():
                call = self._lines[chat].get_nowait()
            text, shown = str(call.params["text"]), dict(buttons(call))
            if _SENT in text or (half and _BORN in text):
                return
            number = int(call.result["message_id"])
            submit = next((data for label, data in shown.items() if _SUBMIT in label), None)
            if submit is not None:
                deed = partial(self.api.press, chat, number, submit)
            elif _PHONE in text:
                deed = partial(self.api.press, chat, number, _labelled(shown, "Có"))
            elif _BORN in text:
                deed = partial(self.api.say, chat, str(1940 + home.number % 60))
            elif _SEX in text:
                deed = partial(self.api.press, chat, number, _labelled(shown, "Nữ"))
            elif _PAUSED in text:
                raise Later
            elif _OVER in text:
                raise Over
            else:
                raise LookupError(f"what to say to {text[:120]!r}?")


def buttons(call: Call) -> Iterator[tuple[str, str]]:
    """*(label, data)* of the buttons below a message."""
    markup: Mapping[str, Any] = call.params.get("reply_markup") or {}
    for row in markup.get("inline_keyboard", ()):
        for button in row:
            yield button["text"], button.get("callback_data", "")


def _labelled(shown: Mapping[str, str], label: str) -> str:
    return next(data for text, data in shown.items() if text.endswith(label))


def _forget_old(api: BotApiDouble, chat: int, kept: int = 6) -> None:
    """Of a chat that is over only the last messages are kept: there are tens of thousands of them."""
    by_id = api.chat(chat).by_id
    for number in sorted(by_id)[:-kept]:
        del by_id[number]
