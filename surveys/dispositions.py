"""Outcomes of cases and the rates made of them.

Source: American Association for Public Opinion Research, *Standard Definitions: Final Dispositions of Case
Codes and Outcome Rates for Surveys* (the codes and formulas RR1 to RR6, COOP1, COOP3, REF1, CON1). Names are
AAPOR's. For an open link there is no frame, so no response rate: only participation (AAPOR Task Force on
Non-Probability Sampling, 2013).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache


class Disposition(StrEnum):
    """The outcome of a case so far."""

    COMPLETE = "1.1"
    PARTIAL = "1.2"
    REFUSED = "2.11"
    """Consent refused, or an invitation declined."""
    BREAK_OFF = "2.12"
    OPTED_OUT = "2.13"
    """Asked not to be contacted any more, or blocked us."""
    NO_REPLY = "2.20"
    """Invited and reached, no answer so far."""
    OTHER = "2.30"
    """Could not take part: language, incapacity, refused by somebody else."""
    NOT_SENT = "3.10"
    """Not invited so far."""
    UNDELIVERED = "3.20"
    """Nothing could be delivered: nobody known there, or no way to reach them."""
    OUT_OF_SCOPE = "4.10"
    """Not of the population: moved away, died, too young, not a resident."""
    DUPLICATE = "4.20"
    """The same household or person as another case."""
    QUOTA_FULL = "4.80"
    """Came when enough people of the same kind had answered."""


class Category(StrEnum):
    """What a rate counts a case as: the letters of AAPOR's formulas."""

    I = "I"  # noqa: E741
    P = "P"
    R = "R"
    NC = "NC"
    O = "O"  # noqa: E741
    UH = "UH"
    UO = "UO"
    INELIGIBLE = "ineligible"


_CATEGORIES: Mapping[Disposition, Category] = {
    Disposition.COMPLETE: Category.I,
    Disposition.PARTIAL: Category.P,
    Disposition.REFUSED: Category.R,
    Disposition.BREAK_OFF: Category.R,
    Disposition.OPTED_OUT: Category.R,
    Disposition.NO_REPLY: Category.NC,
    Disposition.OTHER: Category.O,
    Disposition.NOT_SENT: Category.UO,
    Disposition.UNDELIVERED: Category.UH,
    Disposition.OUT_OF_SCOPE: Category.INELIGIBLE,
    Disposition.DUPLICATE: Category.INELIGIBLE,
    Disposition.QUOTA_FULL: Category.INELIGIBLE,
}

OPEN = frozenset(
    {
        Disposition.NO_REPLY,
        Disposition.NOT_SENT,
        Disposition.UNDELIVERED,
        Disposition.BREAK_OFF,
        Disposition.PARTIAL,
    }
)
"""Outcomes that may still become an answer, and may be reminded of it where nothing else forbids that."""


def category(code: str) -> Category:
    """What the disposition ``code`` counts as. A finer code counts as the one it belongs to (``2.111`` as
    ``2.11``); one of another family as *other* of its first digit. ValueError for what is no code.
    """
    known = {member.value: member for member in Disposition}
    for length in range(len(code), 2, -1):
        if code[:length] in known:
            return _CATEGORIES[known[code[:length]]]
    families = {"1": Category.P, "2": Category.O, "3": Category.UO, "4": Category.INELIGIBLE}
    if len(code) > 1 and code[0] in families and code[1] == ".":
        return families[code[0]]
    raise ValueError(f"no disposition: {code!r}")


_FAMILIES: Mapping[str, Disposition] = {
    "1": Disposition.COMPLETE,
    "2": Disposition.OTHER,
    "3": Disposition.UNDELIVERED,
    "4": Disposition.OUT_OF_SCOPE,
}


@lru_cache(maxsize=256)
def nearest(code: str) -> Disposition:
    """The disposition ``code`` names or belongs to: a finer code counts as the one it begins with, one of its
    own as its family's. ValueError for what is no code.
    """
    for length in range(len(code), 2, -1):
        for member in Disposition:
            if member.value == code[:length]:
                return member
    if len(code) > 1 and code[0] in _FAMILIES and code[1] == ".":
        return _FAMILIES[code[0]]
    raise ValueError(f"no disposition: {code!r}")


@dataclass(frozen=True, slots=True)
class Rates:
    """Outcome rates, each None where its denominator is zero. ``e`` is the share taken as eligible of the
    cases whose eligibility is not known.
    """

    e: float | None
    rr1: float | None
    rr2: float | None
    rr3: float | None
    rr4: float | None
    rr5: float | None
    rr6: float | None
    coop1: float | None
    coop3: float | None
    ref1: float | None
    con1: float | None


def tally(codes: Mapping[str, int]) -> dict[Category, int]:
    """Cases by category, from cases by disposition code; every category is there."""
    found = dict.fromkeys(Category, 0)
    for code, number in codes.items():
        found[category(code)] += number
    return found


def rates(codes: Mapping[str, int], e: float | None = None) -> Rates:
    """The outcome rates of cases by disposition code.

    ``e`` unless given is estimated from the cases whose eligibility is known: those eligible, of those
    eligible and not (the CASRO way).
    """
    n = tally(codes)
    interviews, partial, refusals = n[Category.I], n[Category.P], n[Category.R]
    reached = interviews + partial + refusals + n[Category.O]
    eligible = reached + n[Category.NC]
    unknown = n[Category.UH] + n[Category.UO]
    if e is None:
        e = _share(eligible, eligible + n[Category.INELIGIBLE])
    estimated = None if e is None else eligible + e * unknown
    return Rates(
        e=e,
        rr1=_share(interviews, eligible + unknown),
        rr2=_share(interviews + partial, eligible + unknown),
        rr3=_share(interviews, estimated),
        rr4=_share(interviews + partial, estimated),
        rr5=_share(interviews, eligible),
        rr6=_share(interviews + partial, eligible),
        coop1=_share(interviews, reached),
        coop3=_share(interviews, interviews + partial + refusals),
        ref1=_share(refusals, eligible + unknown),
        con1=_share(reached, eligible + unknown),
    )


def _share(part: float, whole: float | None) -> float | None:
    return part / whole if whole else None


def completeness(
    answered: int, applicable: int, *, partial: float = 0.5, complete: float = 0.8
) -> Disposition:
    """The outcome of an interview by the share of applicable questions answered: more than ``complete`` is
    a complete, from ``partial`` on a partial interview, less a break-off (AAPOR's usual thresholds; both
    are parameters).
    """
    share = answered / applicable if applicable else 0.0
    if share > complete:
        return Disposition.COMPLETE
    return Disposition.PARTIAL if share >= partial else Disposition.BREAK_OFF
