"""Whom a campaign asks: which part of a frame, how a sample is drawn, which quotas an open campaign fills.

Sources: Lohr, *Sampling: Design and Analysis* (3rd ed. 2021), chapters 2 and 3 (known probabilities,
allocation to strata); AAPOR, *Standard Definitions* (code 4.80: quota filled). Quotas are a device of surveys
without probabilities, so a sample has none.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from surveys.campaigns import Mode
from surveys.instruments import Instrument, Unit
from surveys.population import AgeBand, Sex
from surveys.problems import Problem
from surveys.sampling import allocate

MOST_QUOTAS = 200
LARGEST_SAMPLE = 200_000
"""Units of a sample; a larger one is nearly always a census meant otherwise."""
MOST_RESERVE = 500
"""Percent."""


class Strata(StrEnum):
    """What a sample is stratified by."""

    NONE = "none"
    NEIGHBOURHOOD = "neighbourhood"
    COMMUNE = "commune"


@dataclass(frozen=True, slots=True)
class Quota:
    """At most so many completes of one kind; what is left out holds for everybody. ``area`` is the code of a
    commune in the campaign's vintage.
    """

    most: int
    sex: Sex | None = None
    age_band: AgeBand | None = None
    area: str = ""


@dataclass(frozen=True, slots=True)
class Design:
    """Which units of the frame are asked.

    ``neighbourhoods`` limits a campaign to some of its area's (empty: all). A sample has a ``size``, or
    ``sizes`` by stratum; ``reserve`` is how much of the draw's order is kept for replacements, in percent of
    the sample of each stratum. ``quotas`` bound an open campaign.
    """

    neighbourhoods: tuple[str, ...] = ()
    size: int | None = None
    sizes: Mapping[str, int] = field(default_factory=dict)
    strata: Strata = Strata.NONE
    seed: str = ""
    reserve: int = 100
    quotas: tuple[Quota, ...] = ()


@dataclass(frozen=True, slots=True)
class Drawn:
    """What a draw was made of, by stratum: units of the frame, of the sample, of the reserve."""

    seed: str
    frame: Mapping[str, int]
    sample: Mapping[str, int]
    reserve: Mapping[str, int]

    def probability(self, stratum: str) -> float:
        """The inclusion probability of the units of a stratum: n_h/N_h."""
        return self.sample[stratum] / self.frame[stratum]


def check_design(design: Design, mode: Mode, instrument: Instrument) -> None:
    """Refuse a design that does not go with the campaign.

    Raises Problem ``design_no_sample`` (sample sizes of what is no sample), ``design_size`` (a sample without
    a size, or with two, or one out of bounds), ``sample_seed`` (none), ``design_reserve``,
    ``design_no_frame`` (neighbourhoods of an open campaign), ``quota_mode`` (quotas of a census or sample),
    and what :func:`check_quotas` raises.
    """
    sampled = design.size is not None or bool(design.sizes)
    if mode is not Mode.SAMPLE and (sampled or design.strata is not Strata.NONE):
        raise Problem("design_no_sample")
    if mode is Mode.OPEN and design.neighbourhoods:
        raise Problem("design_no_frame")
    if mode is not Mode.OPEN and design.quotas:
        raise Problem("quota_mode")
    if mode is Mode.SAMPLE:
        numbers = [*design.sizes.values(), *([] if design.size is None else [design.size])]
        both = design.size is not None and bool(design.sizes)
        if not sampled or both or min(numbers) < 1 or sum(numbers) > LARGEST_SAMPLE:
            raise Problem("design_size", most=LARGEST_SAMPLE)
        if not design.seed.strip():
            raise Problem("sample_seed")
        if not 0 <= design.reserve <= MOST_RESERVE:
            raise Problem("design_reserve", most=MOST_RESERVE)
    check_quotas(design.quotas, instrument)


def check_quotas(quotas: Sequence[Quota], instrument: Instrument) -> None:
    """Refuse quotas that can't be kept.

    Raises Problem ``quota_many``, ``quota_number`` (below 1), ``quota_of_everybody`` (no sex, age or area),
    ``quota_twice`` (the same kind of people twice), ``quota_unasked`` (the form does not ask what tells who
    belongs to it).
    """
    if len(quotas) > MOST_QUOTAS:
        raise Problem("quota_many", most=MOST_QUOTAS)
    seen: set[tuple[Sex | None, AgeBand | None, str]] = set()
    for quota in quotas:
        kind = (quota.sex, quota.age_band, quota.area)
        if quota.most < 1:
            raise Problem("quota_number", number=quota.most)
        if kind == (None, None, ""):
            raise Problem("quota_of_everybody")
        if kind in seen:
            raise Problem("quota_twice", number=quota.most)
        seen.add(kind)
        told = instrument.unit is Unit.PERSON and instrument.person is not None
        if (quota.sex or quota.age_band) and not told:
            raise Problem("quota_unasked", name=instrument.id)


def stratum_of(strata: Strata, area_code: str, neighbourhood: str) -> str:
    """The stratum of a unit that lives there. Names of neighbourhoods repeat from commune to commune."""
    match strata:
        case Strata.NEIGHBOURHOOD:
            return f"{area_code}/{neighbourhood}"
        case Strata.COMMUNE:
            return area_code
        case Strata.NONE:
            return ""


def planned(design: Design, frame: Mapping[str, int]) -> Drawn:
    """How many units of each stratum will be drawn and kept in reserve, of a frame of so many.

    Raises Problem ``frame_empty``, ``sample_size``, ``sample_stratum`` (a size for a stratum that the frame
    does not have).
    """
    total = sum(frame.values())
    if not total:
        raise Problem("frame_empty")
    if design.sizes:
        for stratum, wanted in design.sizes.items():
            if stratum not in frame:
                raise Problem("sample_stratum", stratum=stratum)
            if wanted > frame[stratum]:
                raise Problem("sample_size", size=wanted, least=1, most=frame[stratum])
        sample = {stratum: design.sizes.get(stratum, 0) for stratum in frame}
    else:
        at_least = 1 if design.strata is Strata.NONE else 2
        sample = allocate(frame, design.size or 0, at_least=at_least)
    reserve = {
        stratum: min(frame[stratum] - taken, -(-taken * design.reserve // 100))
        for stratum, taken in sample.items()
    }
    return Drawn(design.seed, dict(frame), sample, reserve)


# ── quotas ──────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Kind:
    """What kind of person somebody is, as far as quotas go; None and empty: not known."""

    sex: Sex | None = None
    age_band: AgeBand | None = None
    area: str = ""

    def __str__(self) -> str:
        return f"{self.sex or ''}|{self.age_band or ''}|{self.area}"


def read_kind(text: str) -> Kind:
    """What ``str`` of a kind wrote."""
    sex, band, area = text.split("|", 2)
    return Kind(Sex(sex) if sex else None, AgeBand(band) if band else None, area)


def needs(quotas: Sequence[Quota]) -> tuple[bool, bool, bool]:
    """Which of sex, age and area have to be known before quotas can be looked at: those of any of them. A
    full quota of men still asks everybody's age where another quota is about age.
    """
    return (
        any(quota.sex is not None for quota in quotas),
        any(quota.age_band is not None for quota in quotas),
        any(bool(quota.area) for quota in quotas),
    )


def belongs(quota: Quota, kind: Kind) -> bool:
    """Whether a person of this kind counts for the quota. Who is not known to, does not."""
    return (
        quota.sex in (None, kind.sex)
        and quota.age_band in (None, kind.age_band)
        and quota.area in ("", kind.area)
    )


def filled(quotas: Sequence[Quota], completes: Mapping[Kind, int]) -> tuple[int, ...]:
    """How many of ``completes`` count for each quota."""
    return tuple(
        sum(number for kind, number in completes.items() if belongs(quota, kind)) for quota in quotas
    )


def full(quotas: Sequence[Quota], completes: Mapping[Kind, int], kind: Kind) -> Quota | None:
    """The quota that keeps a person of this kind out, if one does."""
    own = [quota for quota in quotas if belongs(quota, kind)]
    return next(
        (quota for quota, number in zip(own, filled(own, completes), strict=True) if number >= quota.most),
        None,
    )
