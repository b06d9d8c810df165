"""What an office may change without a new version of the program: every parameter, its default and its
bounds.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from surveys.problems import Problem


@dataclass(frozen=True, slots=True)
class Parameter:
    """A whole number between ``least`` and ``most``, ``default`` until somebody sets it."""

    name: str
    default: int
    least: int
    most: int


PARAMETERS: Mapping[str, Parameter] = {
    parameter.name: parameter
    for parameter in (
        # Cells with fewer people are hidden (Hundepool et al. 2012). One person must never be recognised:
        # at least 2.
        Parameter("suppression_threshold", default=5, least=2, most=100),
        # Decree 356/2025/NĐ-CP, Article 5: a request is answered within two working days; an office may be
        # quicker.
        Parameter("request_working_days", default=2, least=1, most=2),
        Parameter("invitation_hours", default=72, least=1, most=24 * 14),
    )
}


def expect(name: str) -> Parameter:
    """The parameter of that name. Raises Problem ``parameter_unknown``, naming those there are."""
    parameter = PARAMETERS.get(name)
    if parameter is None:
        raise Problem("parameter_unknown", name=name, known=", ".join(PARAMETERS))
    return parameter


def check(name: str, value: int) -> int:
    """``value``, if the parameter ``name`` may have it. Raises Problem ``parameter_unknown``,
    ``parameter_bounds``.
    """
    parameter = expect(name)
    if not parameter.least <= value <= parameter.most:
        raise Problem("parameter_bounds", name=name, value=value, least=parameter.least, most=parameter.most)
    return value
