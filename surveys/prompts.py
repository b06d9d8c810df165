"""What an interview says: what is asked now, why a reply was not taken, what changed, what is handed in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from surveys.forms import Kind, Missing, Range
from surveys.replies import Offers
from surveys.wordings import Shown


@dataclass(frozen=True, slots=True)
class Member:
    """One instance of a repeat: ``number`` of ``total``, ``label`` the repeat's, ``name`` what tells this
    member from the others (empty until it is known), ``open`` how many questions still wait there.
    """

    ref: str
    number: int
    total: int
    label: str
    name: str
    open: int = 0


@dataclass(frozen=True, slots=True)
class Passage:
    """Something shown on the way to a prompt that waits for nothing: the heading of a group or of an instance
    of a repeat (``kind`` None), a note, or a question that can only be read, with its value.

    ``text`` is all of it as shown: label, value and hint; empty for a note that is but a picture or a sound
    (``media``, as in :class:`Ask`), or whose label is but a reference to something blank.
    """

    ref: str
    kind: Kind | None
    text: str
    label: str = ""
    value: str = ""
    media: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Ask:
    """A question to put. ``before`` are headings and notes that stand directly before it, in order;
    ``members`` the instances of repeats that it is in, outermost first.
    """

    ref: str
    kind: Kind
    label: str
    hint: str
    guidance: str
    appearance: str
    choices: tuple[Shown, ...]
    ticked: tuple[str, ...]
    number: int
    total: int
    before: tuple[Passage, ...]
    value: str | None
    value_label: str
    missing: Missing | None
    required: bool
    offers: Offers
    may_go_back: bool
    members: tuple[Member, ...] = ()
    range: Range | None = None
    media: tuple[tuple[str, str], ...] = ()
    """Files shown with the labels, of what stands before it first: *(kind, file name)* in the person's
    language.
    """


@dataclass(frozen=True, slots=True)
class AddAnother:
    """The last instance of a repeat without a count is complete: is there another? ``members`` are those
    there are, ``within`` the instances of other repeats it stands in.
    """

    ref: str
    label: str
    members: tuple[Member, ...]
    before: tuple[Passage, ...] = ()
    within: tuple[Member, ...] = ()
    may_go_back: bool = True


@dataclass(frozen=True, slots=True)
class Roster:
    """The members of the repeat at ``ref``, shown on request. ``governed_by`` is the label of the question
    that says how many there are, where that is one; ``may_change`` whether members can be added and taken
    out.
    """

    ref: str
    label: str
    members: tuple[Member, ...]
    may_change: bool
    governed_by: str = ""
    within: tuple[Member, ...] = ()


@dataclass(frozen=True, slots=True)
class Confirming:
    """Something that needs a yes first. ``what`` is ``remove``, ``add`` or ``count``; ``members`` are those
    it would take out (or, added, none); ``label`` is the repeat's, ``governed_by`` the label of the question
    whose answer changes to ``value`` (both empty where none does).
    """

    what: str
    ref: str
    label: str
    members: tuple[Member, ...]
    governed_by: str = ""
    value: str = ""


@dataclass(frozen=True, slots=True)
class Line:
    """One answered question in the review; ``members`` as in :class:`Ask`."""

    number: int
    ref: str
    label: str
    value_label: str
    missing: Missing | None
    members: tuple[Member, ...] = ()


@dataclass(frozen=True, slots=True)
class Review:
    """Everything answered, before it is handed in. ``before`` are notes after the last question, ``rosters``
    the members of every repeat.
    """

    lines: tuple[Line, ...]
    before: tuple[Passage, ...]
    open: int
    """How many questions still wait for an answer (> 0 only when the person asked for the review early)."""
    rosters: tuple[Roster, ...] = ()


@dataclass(frozen=True, slots=True)
class Submitted:
    """Handed in: nothing more to ask."""


Prompt = Ask | AddAnother | Roster | Confirming | Review | Submitted


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a reply was not taken: a catalogue key with parameters, or a text of the form's own."""

    key: str
    params: Mapping[str, object] = field(default_factory=dict)
    text: str = ""
    between: tuple[Shown, ...] = ()
    ref: str | None = None


@dataclass(frozen=True, slots=True)
class Changed:
    """An answer as it was given now. ``value`` None: left blank, for the reason ``missing``."""

    ref: str
    value: str | None
    missing: Missing | None
    first: bool
    """False when there was an answer before, the same or another."""
    what: str = "answer"
    """Or ``added`` and ``removed``: ``ref`` is a member then, ``value`` their name."""


@dataclass(frozen=True, slots=True)
class Result:
    """A finished interview: every relevant value, and why asked questions have none, by reference."""

    values: Mapping[str, str]
    missing: Mapping[str, Missing]
