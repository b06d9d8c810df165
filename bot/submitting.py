"""From a finished interview to a submission, a coded person row and ledger entries, in the turn's own
transaction.
"""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from sqlalchemy import Connection

from bot import helping, invitations
from bot.leaflets import Links
from bot.questionnaires import Prepared, Shelf
from storage import campaigns, counts, interviews, submissions
from storage import invitations as storage_invitations
from storage.contacts import Contact
from storage.counts import Cell
from storage.crypto import Keyring
from storage.interviews import Interview
from storage.outbox import Draft
from storage.submissions import CodedRow, Submission
from surveys.counts import area_of, by_name, coded, entries, member_way, members_of, sex_and_birth
from surveys.indicators import Answers
from surveys.instruments import Instrument, Members, PersonFields, Unit, Way, screen_out
from surveys.interview import Context, Result, State, result
from surveys.population import Birth, Sex
from surveys.rosters import Person, number_members, person

_RECEIPT = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"
COMPLETE = "1.1"
"""AAPOR Standard Definitions: complete interview."""


def receipt_code() -> str:
    """A number to quote: ten letters and digits without 0/O and 1/I."""
    return "".join(secrets.choice(_RECEIPT) for _ in range(10))


def counted(
    prepared: Prepared, outcome: Result, *, campaign_id: int, area_code: str, way: str, on: date
) -> list[Cell]:
    """The cells of the cube that a submission falls into: those of its unit and, of a household, those of
    each member. ``on`` is the campaign's reference date; ``area_code`` the case's area, where the answers
    name none.
    """
    answers = by_name(outcome.values, outcome.missing)
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
            prepared.instrument,
            answers,
            area=area_of(prepared.instrument, answers) or area_code,
            way=Way(way),
            on=on,
            members=members_of(prepared.instrument, outcome.values, outcome.missing).values(),
        )
    ]


def apart(prepared: Prepared, outcome: Result) -> tuple[Result, dict[str, str]]:
    """A result without what identifies people, and that by reference."""
    names = prepared.instrument.private
    if not names:
        return outcome, {}
    private = {ref: value for ref, value in outcome.values.items() if ref.rpartition("/")[2] in names}
    rest = {ref: value for ref, value in outcome.values.items() if ref not in private}
    return replace(outcome, values=rest), private


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
    links: Links | None = None,
) -> Iterable[Draft]:
    """File the interview as the newest revision of its submission; what to tell the person.

    An earlier revision is taken back from the counts and stays where it is. ``links`` are put into the
    invitations of a household's people.
    """
    whole = result(prepared.questionnaire, state, about)
    outcome, private = apart(prepared, whole)
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
        account_id=helping.helper(interview, contact),
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
    members = _members(connection, keyring, prepared, interview, whole, earlier)
    if prepared.instrument.private:
        submissions.keep_private(connection, keyring, interview.case_id, private)
    submissions.add_rows(
        connection,
        keyring,
        submission_id=key,
        campaign_id=interview.campaign_id,
        instrument_id=prepared.id,
        rows=_rows(connection, keyring, prepared, interview, answers, members),
        superseded=earlier.id if earlier else None,
    )
    disposition = screened.disposition if screened else COMPLETE
    interviews.set_dispositions(connection, [(interview.case_id, disposition)], now)
    told = {
        "title": interview.campaign_title,
        "receipt": receipt,
        "code": interview.campaign_code,
        "instrument": f"{prepared.instrument.id} v{prepared.instrument.version}",
    }
    name = "receipt.screened" if screened else "receipt.thanks"
    receipts = [Draft(contact.channel, contact.id, f"receipt:{key}", name, told)]
    if interview.way != Way.SELF:
        receipts = helping.receipts(connection, keyring, interview, contact, key, told)
    told_of = [
        *receipts,
        *invitations.invite(
            connection,
            keyring,
            prepared,
            interview,
            contact,
            {member.number: member.answers for member in members},
            area=area_of(prepared.instrument, answers) or interview.area_code,
            today=about.now.date(),
            now=now,
            submission=key,
            links=links or Links(),
        ),
    ]
    # Whose staff sees it if it can't be delivered.
    return [replace(draft, campaign_id=interview.campaign_id) for draft in told_of]


@dataclass(frozen=True, slots=True)
class _Member:
    """Somebody in a submission's roster: ``number`` is theirs for good, ``place`` where they stand now.
    ``answers`` hold what identifies them, too.
    """

    number: int
    place: int
    answers: Answers


def _members(
    connection: Connection,
    keyring: Keyring,
    prepared: Prepared,
    interview: Interview,
    whole: Result,
    earlier: Submission | None,
) -> list[_Member]:
    """The people of a submission, each with the number they had in an earlier one if they were in any."""
    instrument = prepared.instrument
    now = members_of(instrument, whole.values, whole.missing)
    if instrument.members is None:
        return []
    before: dict[int, Person] = {}
    if earlier is not None:
        names = submissions.private_of(connection, keyring, interview.case_id)
        known = members_of(instrument, names, {})
        for one in submissions.members_ever(connection, keyring, interview.id):
            # Of who was taken out before only sex and birth are left to know them by.
            kept = known.get(one.place, {}) if one.submission_id == earlier.id else {}
            before.setdefault(one.member, _known(instrument.members, kept, one.row))
    numbered = number_members(
        before,
        [person(instrument.members, answers) for answers in now.values()],
        max(before, default=0) + 1,
    )
    return [_Member(number, at, now[at]) for number, at in zip(numbered, now, strict=True)]


def _known(members: Members, kept: Answers, row: Mapping[str, str]) -> Person:
    """A member of an earlier submission, by what is kept apart and what was coded."""
    year, _, month = row.get("_birth", "").partition("-")
    return Person(
        name=person(members, kept).name,
        sex=Sex(row["_sex"]) if "_sex" in row else None,
        birth=Birth(int(year), int(month) if month else None) if year else None,
    )


def _rows(
    connection: Connection,
    keyring: Keyring,
    prepared: Prepared,
    interview: Interview,
    answers: Answers,
    members: Sequence[_Member],
) -> list[CodedRow]:
    """The coded rows of a submission: of its unit, then of each member."""
    instrument, campaign, case = prepared.instrument, interview.campaign_id, interview.case_id
    area = area_of(instrument, answers) or interview.area_code
    own = keyring.pseudonym(campaign, case)
    household = own if instrument.unit is Unit.HOUSEHOLD else _household_of(connection, keyring, case)
    rows = [
        CodedRow(
            pseudonym=own,
            household=household,
            member=0,
            place=0,
            area_code=area,
            way=interview.way,
            unit=instrument.unit.value,
            row=_coded(instrument, instrument.person, answers),
        )
    ]
    if instrument.members is None:
        return rows
    for member in members:
        of = instrument.members.person
        rows.append(
            CodedRow(
                pseudonym=keyring.pseudonym(campaign, case, member.number),
                household=household,
                member=member.number,
                place=member.place,
                area_code=area,
                way=member_way(of, member.answers, Way(interview.way)).value,
                unit=Unit.PERSON.value,
                row=_coded(instrument, of, member.answers),
            )
        )
    return rows


def _household_of(connection: Connection, keyring: Keyring, case_id: int) -> str | None:
    """The pseudonym of the household out of whose roster somebody was invited, if they were."""
    household = storage_invitations.household_of(connection, case_id)
    return None if household is None else keyring.pseudonym(*household)


def _coded(instrument: Instrument, of: PersonFields | None, answers: Answers) -> dict[str, str]:
    """What is analysed of a household or person: codes, sex and birth; nothing that identifies anybody."""
    row = coded({name: value for name, value in answers.items() if name not in instrument.private})
    sex, birth = sex_and_birth(of, answers)
    if sex is not None:
        row["_sex"] = sex.value
    if birth is not None:
        row["_birth"] = f"{birth.year:04}-{birth.month:02}" if birth.month else f"{birth.year:04}"
    return row


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
