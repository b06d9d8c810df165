"""What can happen to an interview: an answer, a wish to see something, a member more or less."""

from __future__ import annotations

from dataclasses import dataclass

from surveys.forms import Missing


@dataclass(frozen=True, slots=True)
class Answer:
    """An exact ODK value for the question at ``ref`` (a tapped choice, a program); blank means skip.

    ``sure``: it is taken even if it drops members of a repeat who were answered for; else that is asked
    first.
    """

    ref: str
    value: str
    sure: bool = False


@dataclass(frozen=True, slots=True)
class Typed:
    """A message typed by a person, meant for whatever is asked now, or for ``ref`` when it says which."""

    text: str
    ref: str | None = None


@dataclass(frozen=True, slots=True)
class Toggle:
    """One choice of a select_multiple ticked or unticked, or put last in a rank or taken out of it; counts
    only once ``Done`` comes.
    """

    ref: str
    choice: str


@dataclass(frozen=True, slots=True)
class Done:
    """The ticks of a select_multiple, or the order of a rank, are complete."""

    ref: str


@dataclass(frozen=True, slots=True)
class Leave:
    """No value for the question at ``ref``, and why."""

    ref: str
    missing: Missing


@dataclass(frozen=True, slots=True)
class Keep:
    """Leave the answer at ``ref`` (or its default) as it is and go on; None just goes on."""

    ref: str | None = None


@dataclass(frozen=True, slots=True)
class Back:
    """To the question before the one asked now."""


@dataclass(frozen=True, slots=True)
class Change:
    """Ask the question at ``ref`` again."""

    ref: str


@dataclass(frozen=True, slots=True)
class ChangeNumber:
    """Ask the question with this number in the review again."""

    number: int


@dataclass(frozen=True, slots=True)
class ShowReview:
    """Show what was answered so far."""


@dataclass(frozen=True, slots=True)
class ShowRoster:
    """Show the members of the repeat at ``ref`` (``/data/member``, ``/data/house[2]/member``); without one,
    of the repeat that the person is in, else of the form's first.
    """

    ref: str | None = None


@dataclass(frozen=True, slots=True)
class Add:
    """One more member of the repeat at ``ref``; without one, of the repeat asked about or shown now.

    ``sure``: also where that changes the answer that says how many there are; else that is asked first.
    """

    ref: str | None = None
    sure: bool = False


@dataclass(frozen=True, slots=True)
class NoMore:
    """There is nobody else in the repeat at ``ref``; without one, in the repeat asked about or shown now."""

    ref: str | None = None


@dataclass(frozen=True, slots=True)
class Remove:
    """Take out the member at ``ref`` (``/data/member[3]``) with everything answered for them; those after
    move up. ``sure``: at once; else that is asked first.
    """

    ref: str
    sure: bool = False


@dataclass(frozen=True, slots=True)
class Confirm:
    """The answer to a :class:`Confirming`."""

    yes: bool


@dataclass(frozen=True, slots=True)
class Submit:
    """Hand in."""


Event = (
    Answer
    | Typed
    | Toggle
    | Done
    | Leave
    | Keep
    | Back
    | Change
    | ChangeNumber
    | ShowReview
    | ShowRoster
    | Add
    | NoMore
    | Remove
    | Confirm
    | Submit
)
