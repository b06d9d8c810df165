"""From a finished interview to a submission, a coded person row and ledger entries, in the turn's own
transaction.
"""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from datetime import date
from typing import Any

from sqlalchemy import Connection

from bot.questionnaires import Prepared, Shelf
from storage import campaigns, counts, interviews, submissions
from storage.contacts import Contact
from storage.counts import Cell
from storage.crypto import Keyring
from storage.interviews import Interview
from storage.outbox import Draft
from surveys.counts import by_name, coded, entries, sex_and_birth
from surveys.instruments import Way, screen_out
from surveys.interview import Context, Result, State, result

_RECEIPT = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"
COMPLETE = "1.1"
"""AAPOR Standard Definitions: complete interview."""


def receipt_code() -> str:
    """A number to quote: ten letters and digits without 0/O and 1/I."""
    return "".join(secrets.choice(_RECEIPT) for _ in range(10))


def counted(
    prepared: Prepared, outcome: Result, *, campaign_id: int, area_code: str, way: str, on: date
) -> list[Cell]:
    """The cells of the cube that a submission falls into, ``on`` the campaign's reference date."""
    return [
        Cell(
            campaign_id=campaign_id,
            instrument_id=prepared.id,
            unit=entry.unit,
            way=entry.way,
            area_code=entry.area,
            sex=entry.sex,
            age_band=entry.age_band,
            item=entry.item,
            outcome=entry.outcome,
        )
        for entry in entries(
            prepared.instrument, by_name(outcome.values, outcome.missing), area=area_code, way=Way(way), on=on
        )
    ]


def submit(
    connection: Connection,
    keyring: Keyring,
    shelf: Shelf,
    prepared: Prepared,
    interview: Interview,
    state: State,
    contact: Contact,
    about: Context,
    now: int,
) -> Iterable[Draft]:
    """File the interview as the newest revision of its submission; what to tell the person.

    An earlier revision is taken back from the counts and stays where it is.
    """
    outcome = result(prepared.questionnaire, state, about)
    earlier = submissions.latest(connection, keyring, interview.id)
    receipt = earlier.receipt.split("-")[0] if earlier else receipt_code()
    if earlier:
        receipt = f"{receipt}-{earlier.revision + 1}"
    key = submissions.add(
        connection,
        keyring,
        interview_id=interview.id,
        case_id=interview.case_id,
        campaign_id=interview.campaign_id,
        instrument_id=prepared.id,
        stage=interview.stage,
        receipt=receipt,
        channel=contact.channel,
        way=interview.way,
        result=outcome,
        now=now,
    )
    answers = by_name(outcome.values, outcome.missing)
    screened = screen_out(prepared.instrument, answers)
    place: dict[str, Any] = {
        "campaign_id": interview.campaign_id,
        "area_code": interview.area_code,
        "on": date.fromisoformat(interview.reference_date),
    }
    if earlier:
        asked = shelf.get(connection, earlier.instrument_id)
        counts.enter(connection, earlier.id, counted(asked, earlier.result, way=earlier.way, **place), -1)
    counts.enter(connection, key, counted(prepared, outcome, way=interview.way, **place), +1)
    sex, birth = sex_and_birth(prepared.instrument, answers)
    row = coded(answers)
    if sex is not None:
        row["_sex"] = sex.value
    if birth is not None:
        row["_birth"] = f"{birth.year:04}-{birth.month:02}" if birth.month else f"{birth.year:04}"
    submissions.add_person_row(
        connection,
        keyring,
        submission_id=key,
        campaign_id=interview.campaign_id,
        instrument_id=prepared.id,
        pseudonym=keyring.pseudonym(interview.campaign_id, interview.case_id),
        area_code=interview.area_code,
        way=interview.way,
        unit=prepared.instrument.unit.value,
        row=row,
    )
    disposition = screened.disposition if screened else COMPLETE
    interviews.set_dispositions(connection, [(interview.case_id, disposition)], now)
    return [
        Draft(
            channel=contact.channel,
            contact_id=contact.id,
            key=f"receipt:{key}",
            message="receipt.screened" if screened else "receipt.thanks",
            params={
                "title": interview.campaign_title,
                "receipt": receipt,
                "code": interview.campaign_code,
                "instrument": f"{prepared.instrument.id} v{prepared.instrument.version}",
            },
        )
    ]


def count_campaign(
    connection: Connection,
    keyring: Keyring,
    shelf: Shelf,
    campaign_id: int,
    progress: Callable[[float], object] | None = None,
) -> tuple[dict[Cell, int], int]:
    """Count a campaign anew from its submissions: *(cells that are not zero, how many submissions)*."""
    on = campaigns.expect(connection, campaign_id).draft.reference_date
    total = submissions.number_of_campaign(connection, campaign_id)
    sums: Counter[Cell] = Counter()
    number = 0
    for one in submissions.newest_of_campaign(connection, keyring, campaign_id):
        prepared = shelf.get(connection, one.instrument_id)
        sums.update(
            counted(
                prepared, one.result, campaign_id=campaign_id, area_code=one.area_code, way=one.way, on=on
            )
        )
        number += 1
        if progress is not None and number % 500 == 0:
            progress(number / total)
    return dict(sums), number


def differences(fresh: Mapping[Cell, int], held: Mapping[Cell, int]) -> list[tuple[Cell, int]]:
    """What has to be added to ``held`` to make it ``fresh``."""
    cells = dict.fromkeys([*fresh, *held])
    found = [(cell, fresh.get(cell, 0) - held.get(cell, 0)) for cell in cells]
    return [(cell, delta) for cell, delta in found if delta]
