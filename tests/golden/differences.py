"""Where ODK's two engines go different ways, by name, and which way is ours.

Every difference that a recording holds has one of these names; a new one has to be looked at and named here
before the recordings can be kept.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Adopt(StrEnum):
    """Whose way is ours."""

    JAVAROSA = "javarosa"
    XFORMS_ENGINE = "xforms_engine"
    CHANCE = "chance"
    """Neither's: each time is another. Only that there is something is compared."""


@dataclass(frozen=True, slots=True)
class Difference:
    """What the engines do, which is ours, and in which forms at which references it shows (``*`` for any)."""

    says: str
    adopt: Adopt
    where: Mapping[str, str]


DIFFERENCES: Mapping[str, Difference] = {
    "count-beyond": Difference(
        "repeat_count of nothing or 0, or lowered: JavaRosa keeps and asks the instances there are, "
        "xforms-engine takes them out. Ours has none, and hides those beyond the number. JavaRosa's driver "
        "takes them out, too, and says so in `adopted`.",
        Adopt.XFORMS_ENGINE,
        {},
    ),
    "count-not-relevant": Difference(
        "repeat_count reads an answer that is not relevant (any more): JavaRosa takes the number that is "
        "still there, for xforms-engine and us there is none. The recording ends there (`until`).",
        Adopt.XFORMS_ENGINE,
        {},
    ),
    "count-raised-again": Difference(
        "repeat_count lowered and raised again: xforms-engine has forgotten what was answered. Ours and, as "
        "long as nobody went past, JavaRosa have kept it.",
        Adopt.JAVAROSA,
        {"repeat_labels": "paid"},
    ),
    "nothing-to-choose": Difference(
        "A required select whose filter lets nothing through can't be answered: both refuse to hand in. Ours "
        "passes it over with a word and hands in; events `no_choices`.",
        Adopt.XFORMS_ENGINE,
        {},
    ),
    "fractional-count": Difference(
        "repeat_count of 1.5: JavaRosa takes the whole part, xforms-engine stops with an error.",
        Adopt.JAVAROSA,
        {"count_calculated": "*"},
    ),
    "boolean-calculate": Difference(
        "A calculation that is true or false: JavaRosa keeps it so, for xforms-engine it is the text 'true' "
        "or 'false', and either is a true condition.",
        Adopt.JAVAROSA,
        {"booleans": "*", "or_other": "more"},
    ),
    "offered-again": Difference(
        "A choice that was dropped, since it was not offered (any more), is offered again: xforms-engine "
        "remembers it, JavaRosa has forgotten.",
        Adopt.JAVAROSA,
        {"cascade": "commune district", "default_not_offered": "ward zone zones other told"},
    ),
    "sum-of-blanks": Difference(
        "sum(), min() and max() where a number is blank, or there is none: JavaRosa leaves blanks out (and "
        "the sum of nothing is 0), xforms-engine makes the result blank.",
        Adopt.JAVAROSA,
        {
            "count_zero": "kilos",
            "health_needs": "spent report borrowed",
            "labour": "trained result",
            "lookups": "all",
            "migration": "received sum use",
            "nested_counted": "absent all_ill measure",
            "nested_open": "worked house_hours all_hours total",
            "nested_mixed": "deepest",
            "numbers": "low high",
            "own_instance": "own total avg lowest end",
            "repeat_in_group": "harvest instead sum",
            "repeat_labels": "sum s",
            "roster_open": "earned",
            "time_use": "total work unpaid hours day rest",
        },
    ),
    "not-relevant-in-a-set": Difference(
        "A set of nodes of which some are not relevant: JavaRosa leaves those out (count(), join()), in "
        "xforms-engine they are blank members of it.",
        Adopt.JAVAROSA,
        {"cascade_in_repeat": "cities", "nested_mixed": "wells n"},
    ),
    "days-of-a-date": Difference(
        "number() of a date: JavaRosa gives whole days, xforms-engine days of midnight here in UTC.",
        Adopt.JAVAROSA,
        {"dates": "number"},
    ),
    "date-as-text": Difference(
        "A date kept by a calculation of no type: a moment in JavaRosa, a date in xforms-engine.",
        Adopt.XFORMS_ENGINE,
        {"dates": "later"},
    ),
    "default-of-a-calculation": Difference(
        "A default that reads a calculation: JavaRosa sets defaults before it calculates and finds nothing, "
        "xforms-engine after.",
        Adopt.XFORMS_ENGINE,
        {"defaults": "guess"},
    ),
    "absolute-path-in-a-repeat": Difference(
        "An absolute path into the repeat it is written in: JavaRosa reads the own instance alone, "
        "xforms-engine all, as XPath says.",
        Adopt.XFORMS_ENGINE,
        {"own_instance": "share given every"},
    ),
    "nearly-equal": Difference(
        "0.1 + 0.2 = 0.3: true within 1e-12 in JavaRosa, false in xforms-engine.",
        Adopt.JAVAROSA,
        {"operators": "c14"},
    ),
    "chance": Difference(
        "random(), uuid() and an order without a seed are different each time.",
        Adopt.CHANCE,
        {"once_only": "id number", "shuffled": "any"},
    ),
}


def name(form: str, ref: str) -> str:
    """What a difference in this form at this reference is called; empty when it has no name yet."""
    leaf = re.sub(r"\[\d+\]", "", ref).rsplit("/", 1)[-1]
    for known, difference in DIFFERENCES.items():
        where = difference.where.get(form, "").split()
        if leaf in where or "*" in where:
            return known
    return ""
