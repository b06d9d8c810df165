"""Indicators of one person: yes, no, undetermined, or not in the population the indicator is about."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction

from surveys.forms import Missing
from surveys.instruments import AnyOf, Indicator, Instrument, Part, Score, Way
from surveys.population import Denominator
from surveys.problems import Problem

Answers = Mapping[str, str | Missing]
"""Answers by question name: a value, or why there is none. A question that is not here was not asked."""


class Verdict(StrEnum):
    """What an indicator says of a person."""

    YES = "yes"
    NO = "no"
    UNDETERMINED = "undetermined"
    """In the population (or perhaps in it), but too little is known to say yes or no."""
    NOT_APPLICABLE = "not_applicable"
    """Not in the indicator's population."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """One indicator of one person. ``threshold`` is None for rules without one.

    ``item`` is what it is counted under: the indicator's name for the chosen threshold, ``name@8`` for
    another that is reported to show how much the threshold matters.
    """

    item: str
    indicator: str
    denominator: Denominator
    threshold: int | None
    verdict: Verdict


def score(
    instrument: Instrument,
    answers: Answers,
    *,
    members: Mapping[Denominator, bool | None],
    way: Way = Way.SELF,
    part: Part | None = None,
) -> tuple[Outcome, ...]:
    """Every indicator of one part of the instrument (without one, of its own unit) for one person or
    household, at the chosen and at the sensitivity thresholds.

    ``members`` says which populations the person belongs to (:func:`surveys.population.membership`); where
    that is unknown the outcome is undetermined, since a person who may not belong to the denominator can't be
    in the numerator. Questions only the person can answer count as not asked when a proxy answered. Raises
    ``answer_not_a_level``.
    """
    if way is Way.PROXY:
        answers = {name: value for name, value in answers.items() if name not in instrument.self_only}
    outcomes = []
    for indicator in (part or instrument).indicators:
        member = members.get(indicator.denominator)
        for threshold, verdict in _verdicts(indicator, answers):
            chosen = threshold is None or threshold == _chosen(indicator)
            outcomes.append(
                Outcome(
                    item=indicator.name if chosen else f"{indicator.name}@{threshold}",
                    indicator=indicator.name,
                    denominator=indicator.denominator,
                    threshold=threshold,
                    verdict=_within(member, verdict),
                )
            )
    return tuple(outcomes)


def items_of(indicator: Indicator) -> tuple[str, ...]:
    """What an indicator is counted under: its name, then ``name@threshold`` for each other reported
    threshold.
    """
    if isinstance(indicator.rule, AnyOf):
        return (indicator.name,)
    others = (at for at in indicator.rule.sensitivity if at != indicator.rule.threshold)
    return (indicator.name, *(f"{indicator.name}@{at}" for at in others))


def scale_sum(rule: Score, answers: Answers) -> Fraction | None:
    """The sum S of a person's levels, prorated for missing items: S = s·n/k for k of n items answered with
    sum s.

    None (undetermined) when more than ``max_missing`` items have no answer.
    """
    levels = _levels(rule, answers)
    if len(rule.items) - len(levels) > rule.max_missing:
        return None
    return Fraction(sum(levels.values()) * len(rule.items), len(levels))


def _verdicts(indicator: Indicator, answers: Answers) -> list[tuple[int | None, Verdict]]:
    if isinstance(indicator.rule, AnyOf):
        return [(None, _any_of(indicator.rule, answers))]
    return [(at, _reaches(indicator.rule, answers, at)) for at in indicator.rule.sensitivity]


def _reaches(rule: Score, answers: Answers, threshold: int) -> Verdict:
    """S ≥ threshold, each listed item answered with at least ``min_each``, and enough items at level 1 or
    more.

    A listed item without an answer fails its condition (*no*), as the published rule has it; only too many
    missing items make the whole undetermined.
    """
    total = scale_sum(rule, answers)
    if total is None:
        return Verdict.UNDETERMINED
    levels = _levels(rule, answers)
    enough = (
        total >= threshold
        and all(levels.get(name, -1) >= rule.min_each for name in rule.min_each_items)
        and sum(level >= 1 for level in levels.values()) >= rule.min_items_at_least_1
    )
    return Verdict.YES if enough else Verdict.NO


def _any_of(rule: AnyOf, answers: Answers) -> Verdict:
    """Yes if any question says so, else undetermined if one that was asked has no answer, else no.

    If none of the questions was asked, nothing is known.
    """
    asked = [(answers[name], choices) for name, choices in rule.choices.items() if name in answers]
    known = [(value, choices) for value, choices in asked if not isinstance(value, Missing)]
    if any(choices & set(value.split()) for value, choices in known):
        return Verdict.YES
    return Verdict.NO if known and len(known) == len(asked) else Verdict.UNDETERMINED


def _levels(rule: Score, answers: Answers) -> dict[str, int]:
    levels = {}
    for name in rule.items:
        value = answers.get(name)
        if value is None or isinstance(value, Missing):
            continue
        if not value.isascii() or not value.isdigit() or int(value) > rule.max_each:
            raise Problem("answer_not_a_level", question=name, value=value, most=rule.max_each)
        levels[name] = int(value)
    return levels


def _chosen(indicator: Indicator) -> int | None:
    return indicator.rule.threshold if isinstance(indicator.rule, Score) else None


def _within(member: bool | None, verdict: Verdict) -> Verdict:
    if member is None:
        return Verdict.UNDETERMINED
    return verdict if member else Verdict.NOT_APPLICABLE
