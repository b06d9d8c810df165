"""An account keeps to its platform's pace by itself: whatever happens on the way, the server never has cause
to say "too many".
"""

from __future__ import annotations

import heapq
import itertools
import random
from collections import deque
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.pacing import IDLE_S, RESERVE, Chats, Pacer, Replies


@dataclass
class World:
    """Time, a pacer, and a server that hears of a send some time after it began, and answers later still."""

    per_second: int
    out: list[float]
    back: list[float]
    now: float = 0.0
    arrived: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.pacer = Pacer(self.per_second, lambda: self.now)
        self._ends: list[tuple[float, float]] = []
        self._out, self._back = itertools.cycle(self.out), itertools.cycle(self.back)

    def pass_(self, seconds: float) -> None:
        until = self.now + seconds
        while self._ends and self._ends[0][0] <= until:
            self.now, began = heapq.heappop(self._ends)
            self.pacer.end(True, began)
        self.now = until

    def send(self, number: int) -> None:
        for _ in range(number):
            began = self.pacer.begin(True)
            arrives = self.now + next(self._out)
            self.arrived.append(arrives)
            heapq.heappush(self._ends, (arrives + next(self._back), began))

    def most_in_a_second(self) -> int:
        times = sorted(self.arrived)
        return max((sum(1 for other in times if at <= other < at + 0.999_999) for at in times), default=0)


delays = st.floats(0.0, 0.4)


@given(
    per_second=st.integers(1, 60),
    out=st.lists(delays, min_size=1, max_size=7),
    back=st.lists(delays, min_size=1, max_size=5),
    pauses=st.lists(st.floats(0.001, 0.7), min_size=1, max_size=9),
)
def test_in_no_second_more_arrive_than_the_platform_takes_whatever_the_way_there_does(
    per_second: int, out: list[float], back: list[float], pauses: list[float]
) -> None:
    world = World(per_second, out, back)
    for pause in itertools.islice(itertools.cycle(pauses), 120):
        world.send(world.pacer.room(0).bulk)
        world.pass_(pause)
    assert world.arrived
    assert world.most_in_a_second() <= per_second


def sent_in(world: World, seconds: float, live: int = 0) -> int:
    """How many bulk messages begin in some time, when whoever sends waits as long as the pacer says."""
    before, until = len(world.arrived), world.now + seconds
    while world.now < until:
        room = world.pacer.room(live).bulk
        wave = world.pacer.wave(live)
        if room >= wave:
            world.send(min(room, 2 * wave))
        world.pass_(max(0.001, min(world.pacer.wait(wave, live), until - world.now)))
    return len(world.arrived) - before


@pytest.mark.parametrize("way", [0.001, 0.05])
def test_an_idle_bot_has_the_whole_pace(way: float) -> None:
    world = World(30, [way], [way])
    sent_in(world, 5.0)
    assert 292 <= sent_in(world, 10.0) <= 300


def test_beside_live_replies_some_is_left_to_them_and_more_if_they_need_more() -> None:
    world = World(30, [0.002], [0.002])
    sent_in(world, 2.0, live=1)
    assert 245 <= sent_in(world, 10.0, live=1) <= 250
    sent_in(world, 2.0, live=18)
    assert 88 <= sent_in(world, 10.0, live=18) <= 112
    # However many talk, something goes out.
    assert sent_in(world, 10.0, live=500) >= 40
    # For a while after the last one somebody may talk again.
    assert sent_in(world, IDLE_S - 1.0) <= 25 * IDLE_S
    sent_in(world, 2.0)
    assert sent_in(world, 10.0) >= 292


def test_own_answers_take_from_the_pace_of_bulk_messages_and_not_the_other_way_round() -> None:
    world = World(30, [0.0], [0.0])
    replies = [world.pacer.begin(False) for _ in range(20)]
    assert world.pacer.room(0).bulk <= 10
    assert world.pacer.room(0).replies == 10
    for began in replies:
        world.pacer.end(False, began)
    world.pass_(1.1)
    assert world.pacer.room(0).replies == 30


def test_a_paid_tier_is_kept_to_as_well() -> None:
    world = World(1_000, [0.004, 0.011, 0.006], [0.003, 0.02])
    sent_in(world, 2.0)
    number = sent_in(world, 2.0)
    assert 1_900 <= number <= 2_000
    assert world.most_in_a_second() <= 1_000


def test_a_chat_gets_one_message_a_second_of_our_own_accord_and_short_bursts_of_answers() -> None:
    now = [100.0]
    chats = Chats(lambda: now[0])
    assert chats.wait(5, bulk=True) == 0
    chats.begin(5)
    assert chats.wait(5, bulk=False) == float("inf")
    assert chats.wait(6, bulk=True) == 0
    chats.end(5)
    assert chats.wait(5, bulk=True) == pytest.approx(1.0)
    assert chats.wait(5, bulk=False) == 0
    for _ in range(2):
        now[0] += 0.1
        chats.note(5)
    assert chats.wait(5, bulk=False) == pytest.approx(2.8)
    now[0] += 2.8
    assert chats.wait(5, bulk=False) == pytest.approx(0)
    assert chats.wait(5, bulk=True) == pytest.approx(0)


def test_chats_of_long_ago_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Chats, "MOST", 3)
    chats = Chats(lambda: 1.0)
    for contact in range(5):
        chats.note(contact)
    assert [chats.wait(contact, bulk=True) > 0 for contact in range(5)] == [False, False, True, True, True]


def test_the_reserve_is_what_the_faq_leaves() -> None:
    assert Pacer(30, lambda: 0.0).ceiling(1) == 30 - RESERVE


def test_beside_bulk_messages_a_few_replies_go_at_once_and_more_wait_until_there_is_room() -> None:
    now = [100.0]
    replies = Replies(lambda: now[0])
    replies.ask()
    assert not replies.free(), "nobody had talked: bulk messages have the whole pace"
    now[0] += 1.0
    for _ in range(RESERVE):
        assert replies.free()
        replies.end(replies.begin())
    assert not replies.free()
    now[0] += 1.01
    assert replies.free()
    for _ in range(18 * 8):
        replies.ask()
        now[0] += 1 / 18
    went = 0
    while replies.free():
        replies.end(replies.begin())
        went += 1
    assert 16 <= went <= 20, "whoever talks for long gets as much as they need"


@dataclass
class Talk:
    """People who talk to a bot while it sends messages of its own accord, each process by what it knows."""

    per_second: float
    now: float = 0.0
    bulk: int = 0
    arrived: list[float] = field(default_factory=list)
    waited: list[float] = field(default_factory=list)

    def go_on(self, seconds: float, way: float = 0.002) -> None:
        chance = random.Random(5)
        pacer, replies = Pacer(30, lambda: self.now), Replies(lambda: self.now)
        events: deque[float] = deque()
        waiting: deque[float] = deque()
        flying: list[tuple[float, bool, float]] = []
        begins = 3.0
        while self.now < seconds:
            while flying and flying[0][0] <= self.now:
                _, bulk, began = heapq.heappop(flying)
                pacer.end(True, began) if bulk else replies.end(began)
            while begins <= self.now:
                events.append(begins)
                waiting.append(begins)
                replies.ask()
                begins += chance.uniform(0.5, 1.5) / self.per_second
            while events and events[0] <= self.now - 1.0:
                events.popleft()
            while waiting and replies.free():
                self.waited.append(self.now - waiting.popleft())
                heapq.heappush(flying, (self.now + 2 * way, False, replies.begin()))
                self.arrived.append(self.now + way)
            wave = pacer.wave(len(events))
            if (room := pacer.room(len(events)).bulk) >= wave:
                for _ in range(room):
                    heapq.heappush(flying, (self.now + 2 * way, True, pacer.begin(True)))
                    self.arrived.append(self.now + way)
                    self.bulk += self.now >= 5.0
            self.now += 0.005


@pytest.mark.parametrize(
    ("talking", "least", "longest"), [(4.0, 24.6, 0.8), (5.25, 20.5, 1.5), (12.0, 12.0, 2.5)]
)
def test_bulk_messages_and_replies_fit_into_every_second_together(
    talking: float, least: float, longest: float
) -> None:
    talk = Talk(talking)
    talk.go_on(25.0)
    times = sorted(talk.arrived)
    assert all(later - first > 0.999 for first, later in zip(times, times[30:], strict=False))
    assert talk.bulk / 20 >= least
    assert max(talk.waited) <= longest
    soon = [waited < 0.1 for waited in talk.waited[len(talk.waited) // 2 :]]
    assert sum(soon) > len(soon) / 2, "once it is seen how many talk, most get their replies at once"
