"""An interview as it is kept, and what the engine may know of the world when it looks at one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from surveys.forms import Missing


@dataclass(frozen=True, slots=True)
class Pending:
    """What waits for a yes or no: an ``answer`` with its ``value`` (or the reason for none), ``add`` or
    ``remove``, at ``ref``.
    """

    what: str
    ref: str
    value: str = ""
    missing: Missing | None = None


@dataclass(frozen=True, slots=True)
class Focus:
    """What the person asked to see out of turn. ``ref`` is a question, or a repeat for its members; None is
    the review. ``ticked`` are ticks not yet done, ``pending`` what waits for a yes or no.
    """

    ref: str | None
    ticked: tuple[str, ...] | None = None
    pending: Pending | None = None


@dataclass(frozen=True, slots=True)
class State:
    """An interview so far: a small document. ``answers`` and ``missing`` by reference, of which one holds;
    ``hidden`` by name; ``computed`` the results of calculations, and the defaults, that can't be worked out
    again.

    References inside repeats name their instances (``/data/member[2]/age``). ``counts`` says how many
    instances a repeat without a count has, by its reference (1 where it says nothing); ``closed`` are the
    repeats that have nobody else; ``removals`` counts how often a member was taken out: a reference seen
    before that may name somebody else now.
    """

    answers: Mapping[str, str] = field(default_factory=dict)
    missing: Mapping[str, Missing] = field(default_factory=dict)
    hidden: Mapping[str, str] = field(default_factory=dict)
    focus: Focus | None = None
    submitted: bool = False
    computed: Mapping[str, str | float | bool] = field(default_factory=dict)
    counts: Mapping[str, int] = field(default_factory=dict)
    closed: frozenset[str] = frozenset()
    removals: int = 0


@dataclass(frozen=True, slots=True)
class Context:
    """What the engine may know of the world. ``match`` is a time-limited full match of a pattern and a
    text.
    """

    now: datetime
    language: str
    match: Callable[[str, str], bool]
    rng: Callable[[], float]
