"""Personal invitations: the code a household passes on, and what happens when somebody uses it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection

from bot.leaflets import Links
from bot.messages import Abilities, Outgoing
from bot.notices import maker
from bot.questionnaires import Prepared
from bot.render import fit
from bot.texts import say
from storage import areas, campaigns, cases, contacting, household_contacts, households, interviews
from storage import invitations as kept
from storage.campaigns import Campaign
from storage.contacts import Contact
from storage.crypto import Keyring
from storage.interviews import Interview
from storage.outbox import Draft
from surveys.areas import AreaKey
from surveys.campaigns import Mode
from surveys.counts import way_of
from surveys.indicators import Answers
from surveys.instruments import MODULES, Instrument, Members, Way
from surveys.personal_codes import bare, read
from surveys.placenames import Level
from surveys.population import Sex, parse_birth
from surveys.rosters import Person, address, number_members, person

WRONG_CODES = 10
"""Wrong codes after which a contact has to wait: a tag has 40 bits, so at this pace nobody guesses one."""
WAIT_MS = 3_600_000

OUT_OF_SCOPE = "4.10"
"""AAPOR Standard Definitions: not eligible; here, not a member of the household after all."""
INVITED = "2.20"


# ── inviting ────────────────────────────────────────────────────────────────────────────────────────────────


def invite(
    connection: Connection,
    keyring: Keyring,
    prepared: Prepared,
    household: Interview,
    contact: Contact,
    members: Mapping[int, Answers],
    *,
    area: str,
    today: date,
    now: int,
    submission: int,
    links: Links,
) -> list[Draft]:
    """Give each member of a household who is to answer a personal form a case and a code; what to tell.

    Nothing is told of members who have their code already. Who is not in the roster any more, or is not to
    answer, can't begin with theirs; an interview that somebody began stays theirs.
    """
    of = prepared.instrument.members
    if of is None or of.invited is None:
        return []
    there = kept.of_household(connection, keyring, household.case_id)
    wanted = {
        number: answers
        for number, answers in members.items()
        if answers.get(of.invited.field) == of.invited.value
    }
    begun = kept.begun(connection, [one.case_id for one in there.values()])
    _withdraw(connection, keyring, there, wanted, begun, now)
    found = _campaign(connection, household, of.invited.instrument, area, today)
    if found is None:
        return []
    campaign_id, title, code_of_area = found
    drawn = campaigns.expect(connection, campaign_id).draft.mode is Mode.SAMPLE
    frame = _of_frame(connection, keyring, household.case_id, campaign_id, there, today)
    drafts = []
    for number, answers in wanted.items():
        brought = _brought(of, answers, code_of_area, today)
        case = there.get(number)
        fresh = case is None or case.withdrawn
        known = frame.find(person(of, answers)) if case is None else None
        if case is None and known is None and drawn:
            # Nobody comes into a sample who was not drawn.
            continue
        if known is not None:
            case_id = known
            kept.adopt(
                connection,
                keyring,
                case_id=case_id,
                household_id=household.case_id,
                member=number,
                brought=brought,
            )
        elif case is None:
            case_id = kept.invite(
                connection,
                keyring,
                campaign_id=campaign_id,
                household_id=household.case_id,
                member=number,
                area_code=code_of_area,
                brought=brought,
                now=now,
            )
        else:
            case_id, campaign_id = case.case_id, case.campaign_id
            kept.bring(connection, keyring, case_id, brought, withdrawn=False)
            if case.withdrawn:
                interviews.set_dispositions(connection, [(case_id, INVITED)], now)
        if fresh:
            code = kept.code(connection, keyring, campaign_id, case_id)
            drafts.append(
                Draft(
                    channel=contact.channel,
                    contact_id=contact.id,
                    key=f"invite:{submission}:{number}",
                    message="invite.member",
                    params={
                        "name": person(of, answers).name,
                        "title": title,
                        "code": code,
                        "links": links.join(bare(code)),
                        "own": household.way == Way.SELF and answered_alone(of, answers),
                    },
                )
            )
    return drafts


@dataclass(slots=True)
class _Frame:
    """The cases that people of a household have as people of the frame, by what tells them apart. Each is
    found once.
    """

    cases: dict[int, Person]

    def find(self, one: Person) -> int | None:
        """The case of somebody out of the roster."""
        (case_id,) = number_members(self.cases, [one], 0)
        if not case_id:
            return None
        del self.cases[case_id]
        return case_id


def _of_frame(
    connection: Connection,
    keyring: Keyring,
    case_id: int,
    campaign_id: int,
    there: Mapping[int, kept.Invited],
    today: date,
) -> _Frame:
    household, _ = cases.whose(connection, case_id)
    if household is None:
        return _Frame({})
    taken = {one.case_id for one in there.values()}
    found = kept.listed_of(connection, keyring, [household], today)
    return _Frame(
        {
            one.case_id: Person(
                one.name, Sex(one.sex) if one.sex else None, parse_birth(one.birth) if one.birth else None
            )
            for one in found
            if one.campaign_id == campaign_id and one.case_id not in taken
        }
    )


def answered_alone(of: Members, answers: Answers) -> bool:
    """Whether the member is who answered for the household."""
    return way_of(of.person, answers, Way.PROXY) is not Way.PROXY


def _withdraw(
    connection: Connection,
    keyring: Keyring,
    there: Mapping[int, kept.Invited],
    wanted: Mapping[int, Answers],
    begun: set[int],
    now: int,
) -> None:
    for number, case in there.items():
        if number not in wanted and not case.withdrawn and case.case_id not in begun:
            kept.bring(connection, keyring, case.case_id, case.brought, withdrawn=True)
            interviews.set_dispositions(connection, [(case.case_id, OUT_OF_SCOPE)], now)


def _campaign(
    connection: Connection, household: Interview, instrument: str, area: str, today: date
) -> tuple[int, str, str] | None:
    """The campaign to invite to, its title, and the code of the area the people count in."""
    vintage = campaigns.expect(connection, household.campaign_id).area[0]
    for code in dict.fromkeys((area, household.area_code)):
        if areas.get(connection, (vintage, code)) is None:
            continue
        found = kept.campaign_asking(connection, instrument, (vintage, code), today)
        if found is not None:
            return (*found, code)
    return None


def _brought(of: Members, answers: Answers, area: str, today: date) -> dict[str, str]:
    """What the roster knows of a member, for the hidden fields of their own form."""
    fields = {
        "gioi_ho_so": answers.get(of.person.sex),
        "sinh_ho_so": answers.get(of.person.birth),
        "xung_ho": address(of, person(of, answers), today),
        "ma_xa": area,
    }
    return {name: str(value) for name, value in fields.items() if isinstance(value, str) and value}


@maker("invite.member")
def _invitation(params: Mapping[str, Any], language: str, abilities: Abilities) -> Outgoing:
    """A message to be passed on as it is."""
    lines = [say(language, "invite.member", name=params["name"], title=params["title"], code=params["code"])]
    lines += params["links"]
    lines.append(say(language, "invite.own" if params["own"] else "invite.pass_on", name=params["name"]))
    return Outgoing(fit("\n".join(lines), abilities))


# ── coming in ───────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Arrived:
    """Where a personal code leads."""

    campaign: Campaign
    case_id: int


def arrive(
    connection: Connection, keyring: Keyring, contact: Contact, argument: str, now: int
) -> Arrived | str | None:
    """The case of a personal code, its holder from now on; or the key of a sentence why not; None when it is
    no such code.

    The first contact to use a code has it for good: another one is told who may go on.
    """
    code = read(argument)
    if code is None:
        return None
    if kept.wrong(connection, contact.id, now - WAIT_MS) >= WRONG_CODES:
        return "invite.wait"
    found = kept.find(connection, keyring, *code)
    if found is None:
        kept.note_wrong(connection, contact.id, now, now - WAIT_MS)
        return "invite.unknown"
    if not cases.holds(connection, found.case_id, contact.id):
        if kept.begun(connection, [found.case_id]):
            return "invite.used"
        if found.withdrawn:
            return "invite.withdrawn"
    return Arrived(campaigns.expect(connection, found.campaign_id), found.case_id)


def context_of(
    connection: Connection,
    keyring: Keyring,
    instrument: Instrument,
    campaign: Campaign,
    case_id: int,
    local: datetime,
) -> dict[str, str]:
    """What a case and its campaign bring along for the hidden fields of an instrument: what the roster knows
    of an invited member, where a household is supposed to live, which modules are on.
    """
    hidden = {f"mo_dun_{name}": "1" for name in MODULES if name in instrument.modules}
    if instrument.about_others:
        hidden["ve_nguoi_khac"] = "1"
    area = areas.get(connection, campaign.area)
    if area is not None and area.level is Level.COMMUNE:
        hidden["xa_moi"] = area.code
        invited = instrument.members.invited if instrument.members is not None else None
        if invited is not None and not kept.campaign_asking(
            connection, invited.instrument, area.key, local.date()
        ):
            hidden["mo_dun_ca_nhan"] = "0"
    case = kept.of_case(connection, keyring, case_id)
    if case is None:
        return hidden
    if case.household_id is None and cases.whose(connection, case_id)[0] is None:
        return hidden
    hidden["ma_xa"] = case.area_code
    home: AreaKey = (campaign.area[0], case.area_code)
    found = areas.get(connection, home)
    if found is not None:
        hidden["ten_xa"] = found.title
    return hidden | _listed(connection, keyring, instrument, case_id) | dict(case.brought)


def _listed(connection: Connection, keyring: Keyring, instrument: Instrument, case_id: int) -> dict[str, str]:
    """Sex and birth as the office's list has them, in the codes of the form; the newest word is a
    household's own roster.
    """
    one = kept.listed(connection, keyring, case_id)
    if one is None or instrument.person is None:
        return {}
    code = next((code for code, sex in instrument.person.sexes.items() if sex.value == one.sex), "")
    return {name: value for name, value in (("gioi_ho_so", code), ("sinh_ho_so", one.birth)) if value}


def take(connection: Connection, keyring: Keyring, arrived: Arrived, contact: Contact, now: int) -> None:
    """Whoever came by a personal code answers for its case from now on; of the frame's households and people
    their telephone is known then, too.
    """
    cases.hold(connection, arrived.case_id, contact.id, now)
    standing, person_id = cases.whose(connection, arrived.case_id)
    if standing is None:
        return
    found = households.get(connection, keyring, standing, locked=True)
    if found is None:
        return
    linked = household_contacts.link(
        connection,
        keyring,
        contact_id=contact.id,
        household=found,
        person_id=person_id,
        how="code",
        account_id=None,
        now=now,
    )
    if linked is not None:
        contacting.replan_households(connection, [standing], now)
