"""Quotas in an interview: when enough people of a kind have answered, the next one is thanked and let go.

Everybody is asked all that any quota is about, also where one of them is full already: else nobody would know
whom a full quota turned away. Only completes count.
"""

from __future__ import annotations

from datetime import date

from sqlalchemy import Connection

from bot.questionnaires import Prepared
from storage import cases, interviews
from storage.campaigns import read_design
from storage.interviews import Interview
from surveys.counts import area_of, by_name, sex_and_birth
from surveys.designs import Kind, full, needs
from surveys.dispositions import Disposition
from surveys.indicators import Answers
from surveys.interview import Context, State, result
from surveys.population import age_band


def kind_of(prepared: Prepared, answers: Answers, area_code: str, on: date) -> Kind:
    """What kind of person answered, as far as is known; ``on`` is the campaign's reference date."""
    sex, birth = sex_and_birth(prepared.instrument.person, answers)
    band = None if birth is None else age_band(birth, sex, on)
    return Kind(sex, band, area_of(prepared.instrument, answers) or area_code)


def ends(
    connection: Connection,
    interview: Interview,
    prepared: Prepared,
    state: State,
    about: Context,
    now: int,
) -> bool:
    """Whether an interview ends here because a quota is full; its case is disposed of then (AAPOR 4.80).

    Looked at when all that the quotas are about has just become known, and again when that changes; who was
    let in goes on to the end, and who has answered may change the answers. Of campaigns without quotas
    nothing is read.
    """
    if not interview.campaign_design:
        return False
    quotas = read_design(interview.campaign_design).quotas
    if not quotas:
        return False
    outcome = result(prepared.questionnaire, state, about)
    answers = by_name(outcome.values, outcome.missing)
    on = date.fromisoformat(interview.reference_date)
    kind = kind_of(prepared, answers, interview.area_code, on)
    known = (kind.sex is not None, kind.age_band is not None, bool(kind.area))
    if any(need and not has for need, has in zip(needs(quotas), known, strict=True)):
        return False
    before = cases.standing(connection, interview.case_id)
    if before.kind == kind:
        return False
    out = not before.complete and full(quotas, cases.completes(connection, interview.campaign_id), kind)
    if out:
        interviews.set_dispositions(connection, [(interview.case_id, Disposition.QUOTA_FULL.value)], now)
        return True
    cases.set_kind(connection, interview.case_id, kind)
    return False
