"""Into a campaign: by its code or a personal one, through consent, back to where it was left, and out
again to change what was handed in.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace

from bot import helping, invitations, render
from bot.desk import (
    Desk,
    Heard,
    Hearing,
    day,
    nothing_open,
    session,
    show,
    stale_tap,
)
from bot.leaflets import chat_link
from bot.messages import Button, Outgoing
from bot.questionnaires import Prepared
from bot.submitting import receipt_code
from storage import areas, assists, campaigns, cases, interviews, submissions
from storage.campaigns import Campaign
from storage.interviews import Interview
from surveys import interview as engine
from surveys.campaigns import Status, is_running
from surveys.counts import by_name
from surveys.instruments import WAY_FIELD, Unit, Way, screen_out
from surveys.interview import State, begin, result, wording
from surveys.replies import find_code


def code(desk: Desk, hearing: Hearing, argument: str) -> Heard:
    """A campaign's code or a personal one, typed or in a link: into its interview, where it was left."""
    arrived = invitations.arrive(hearing.connection, hearing.keyring, hearing.contact, argument, hearing.now)
    if isinstance(arrived, str):
        return Heard(hearing.contact, desk.now(hearing, [hearing.say(arrived)]))
    given = find_code(argument) or argument.strip().upper()
    campaign = campaigns.by_code(hearing.connection, given) if len(given) <= 8 else None
    if arrived is not None:
        campaign = arrived.campaign
    if campaign is None:
        bind = desk._staff.get("bind")
        if bind is not None and len(argument.strip()) > 8:
            return bind(desk, hearing, argument.strip())
        return Heard(hearing.contact, desk.now(hearing, [hearing.say("code.unknown", code=given[:12])]))
    closed = _not_open(hearing, campaign)
    if closed:
        return Heard(hearing.contact, desk.now(hearing, [closed]))
    refused = _not_here(desk, hearing, campaign, given)
    if refused is not None:
        return refused
    if arrived is not None:
        case_id = arrived.case_id
        invitations.take(hearing.connection, hearing.keyring, arrived, hearing.contact, hearing.now)
    else:
        case_id = cases.case_for(
            hearing.connection, campaign, hearing.contact.id, _unit(hearing, campaign), hearing.now
        )
    return enter(desk, hearing, campaign, case_id)


def ask_case(desk: Desk, hearing: Hearing, campaign: Campaign, case_id: int | None) -> Heard:
    """Into the interview of a case that this contact answers for; None: a new case of theirs."""
    refused = _not_open(hearing, campaign)
    if refused:
        return Heard(hearing.contact, desk.now(hearing, [refused]))
    elsewhere = _not_here(desk, hearing, campaign)
    if elsewhere is not None:
        return elsewhere
    if case_id is None:
        unit = _unit(hearing, campaign)
        case_id = cases.another(hearing.connection, campaign, hearing.contact.id, unit, hearing.now)
    return enter(desk, hearing, campaign, case_id)


def _unit(hearing: Hearing, campaign: Campaign) -> Unit:
    """Whom a campaign asks."""
    return hearing.shelf.get(hearing.connection, campaign.draft.instrument_id).instrument.unit


def _not_open(hearing: Hearing, campaign: Campaign) -> str:
    """Why nobody is asked in a campaign today; empty when people are."""
    draft, today = campaign.draft, hearing.local.date()
    if is_running(campaign.status, draft.starts_on, draft.ends_on, today):
        return ""
    early = campaign.status is Status.DRAFT or today < draft.starts_on
    return hearing.say(
        "code.paused" if campaign.status is Status.PAUSED else "code.not_yet" if early else "code.over",
        title=draft.title,
        starts=day(draft.starts_on),
        ends=day(draft.ends_on),
    )


def enter(
    desk: Desk, hearing: Hearing, campaign: Campaign, case_id: int, way: Way = Way.SELF, notice: str = ""
) -> Heard:
    """Into the interview of a case where it was left: consent first, then the questions. ``way``: who
    answers; ``notice`` is said before the first of them.
    """
    connection, now, draft = hearing.connection, hearing.now, campaign.draft
    begun = interviews.of_case(connection, case_id)
    if "main" in begun:
        return resume(desk, hearing, begun["main"], way)
    brought = brought_along(hearing, campaign, case_id, way)
    notices = [notice] if notice else []
    if draft.consent_id is None:
        return _ask_main(hearing, campaign, case_id, brought, notices, way)
    if "consent" in begun:
        earlier = interviews.find(connection, hearing.keyring, [begun["consent"]])[begun["consent"]]
        if earlier.status == "open":
            return resume(desk, hearing, earlier.id, way)
        consent = hearing.shelf.get(connection, earlier.instrument_id)
        state = begin(consent.questionnaire, brought, hearing.context(consent))
        interviews.restart(connection, hearing.keyring, earlier.id, state, earlier.version, now)
        key = earlier.id
        interviews.set_way(connection, hearing.keyring, case_id, way.value, now)
    else:
        consent = hearing.shelf.get(connection, draft.consent_id)
        state = begin(consent.questionnaire, brought, hearing.context(consent))
        key = interviews.begin(
            connection, hearing.keyring, case_id, draft.consent_id, "consent", way.value, state, now
        )
        interviews.reached(connection, case_id, now)
    contact = session(hearing, interview_id=key)
    after = replace(hearing, contact=contact)
    return Heard(contact, show(after, consent, key, state, notices))


def not_here(hearing: Hearing, campaign: Campaign) -> bool:
    """Whether a campaign can't be answered in this chat: it asks about other people than the one who answers,
    and the chat's platform is abroad.
    """
    prepared = hearing.shelf.get(hearing.connection, campaign.draft.instrument_id)
    at_home = hearing.abilities.country == "VN" or bool(campaign.draft.legal.transfer_file)
    return not at_home and prepared.instrument.about_others


def _not_here(desk: Desk, hearing: Hearing, campaign: Campaign, code: str = "") -> Heard | None:
    """Where a campaign asks about other people than the one who answers, and the chat's platform is abroad:
    the way to our own page, by the ``code`` that led here or the campaign's. None where it may be answered
    here.

    What relatives tell of each other leaves the country only if the transfer was filed (Law 91/2025/QH15,
    Article 20).
    """
    if not not_here(hearing, campaign):
        return None
    if not desk.links.public_url:
        text = hearing.say("code.not_on_this_channel_no_link")
    else:
        link = chat_link(desk.links.public_url, code or campaign.code)
        text = hearing.say("code.not_on_this_channel", link=link)
    # With nothing below it: the way is the link.
    return Heard(hearing.contact, Outgoing(render.fit(text, hearing.abilities)))


def brought_along(hearing: Hearing, campaign: Campaign, case_id: int, way: Way = Way.SELF) -> dict[str, str]:
    """What the case brings along for the declared hidden questions of consent and instrument."""
    area = areas.get(hearing.connection, campaign.area)
    draft, legal = campaign.draft, campaign.draft.legal
    instrument = hearing.shelf.get(hearing.connection, draft.instrument_id).instrument
    of_case = invitations.context_of(
        hearing.connection, hearing.keyring, instrument, campaign, case_id, hearing.local
    )
    return {
        "ten_chien_dich": draft.title,
        "ma_xa": campaign.area[1],
        "ten_xa": area.title if area else campaign.area[1],
        "ref_date": draft.reference_date.isoformat(),
        "co_quan": legal.controller,
        "dia_chi": legal.address,
        "dien_thoai": legal.phone,
        "muc_dich": legal.purpose,
        "noi_luu": legal.storage_place,
        "so_ngay": str(legal.retention_days or ""),
        "cau_nen_tang": "" if hearing.abilities.country == "VN" else hearing.say("consent.foreign_platform"),
        WAY_FIELD: way.value,
        **of_case,
    }


def _ask_main(
    hearing: Hearing,
    campaign: Campaign,
    case_id: int,
    brought: Mapping[str, str],
    notices: Sequence[str],
    way: Way,
) -> Heard:
    prepared = hearing.shelf.get(hearing.connection, campaign.draft.instrument_id)
    state = begin(prepared.questionnaire, brought, hearing.context(prepared))
    key = interviews.begin(
        hearing.connection, hearing.keyring, case_id, prepared.id, "main", way.value, state, hearing.now
    )
    contact = session(hearing, interview_id=key)
    after = replace(hearing, contact=contact)
    return Heard(contact, show(after, prepared, key, state, notices))


def resume(desk: Desk, hearing: Hearing, interview_id: int, way: Way = Way.SELF) -> Heard:
    """Back to an interview that was begun; if it is handed in already, offer to change it. ``way``: who goes
    on answering.
    """
    found = interviews.find(hearing.connection, hearing.keyring, [interview_id])[interview_id]
    if found.status == "open" and found.way != way:
        interviews.set_way(hearing.connection, hearing.keyring, found.case_id, way.value, hearing.now)
        found = interviews.find(hearing.connection, hearing.keyring, [interview_id])[interview_id]
    refused = _not_here(desk, hearing, campaigns.expect(hearing.connection, found.campaign_id))
    if refused is not None:
        return refused
    prepared = hearing.shelf.get(hearing.connection, found.instrument_id)
    if found.status == "open":
        contact = hearing.contact
        notices = []
        if contact.interview_id != found.id:
            contact = session(hearing, interview_id=found.id)
            notices = [hearing.say("code.resumed")]
        after = replace(hearing, contact=contact, interview=found, prepared=prepared)
        return Heard(contact, show(after, prepared, found.id, found.state, notices))
    if found.status == "withdrawn":
        return Heard(
            hearing.contact, desk.now(hearing, [hearing.say("quota.full", title=found.campaign_title)])
        )
    filed = submissions.latest(hearing.connection, hearing.keyring, found.id)
    text = hearing.say("code.done", title=found.campaign_title, receipt=filed.receipt if filed else "")
    rows: tuple[tuple[Button, ...], ...] = ()
    if hearing.abilities.buttons:
        campaign = campaigns.expect(hearing.connection, found.campaign_id)
        rows = (
            (Button(hearing.say("button.amend"), render.data(render.AMEND, found.id)),),
            (another_button(hearing, campaign),),
        )
    return Heard(hearing.contact, Outgoing(text, rows))


def late_tap(desk: Desk, hearing: Hearing, argument: str) -> Heard:
    """A button of an interview that is not asked any more (or not now): who handed it in and perhaps never
    saw the receipt is shown it.
    """
    if hearing.interview is None and argument.isdecimal() and len(argument) < 19:
        number = int(argument)
        if number in interviews.of_contact(hearing.connection, hearing.contact.id):
            found = interviews.find(hearing.connection, hearing.keyring, [number])[number]
            if found.status == "submitted" and found.stage == "main":
                return resume(desk, hearing, number)
    return stale_tap(desk, hearing, "")


def amend(desk: Desk, hearing: Hearing, argument: str) -> Heard:
    """Open a submitted interview again; handing it in again amends the submission."""
    if not argument:
        newest = interviews.newest_submitted(hearing.connection, hearing.contact.id)
        argument = str(newest) if newest is not None else ""
        if newest is None:
            return nothing_open(desk, hearing, "")
    way = _amends(hearing, int(argument)) if argument.isdecimal() and len(argument) < 19 else None
    if way is None:
        return stale_tap(desk, hearing, "")
    found = interviews.find(hearing.connection, hearing.keyring, [int(argument)])[int(argument)]
    today = hearing.local.date().isoformat()
    if found.campaign_status != "open" or today > found.campaign_ends:
        return Heard(hearing.contact, Outgoing(hearing.say("code.over_amend", title=found.campaign_title)))
    refused = _not_here(desk, hearing, campaigns.expect(hearing.connection, found.campaign_id))
    if refused is not None:
        return refused
    prepared = hearing.shelf.get(hearing.connection, found.instrument_id)
    state = found.state
    if found.status == "submitted" and found.stage == "main":
        state = replace(state, submitted=False, focus=engine.Focus(None))
        interviews.restart(hearing.connection, hearing.keyring, found.id, state, found.version, hearing.now)
        interviews.set_way(hearing.connection, hearing.keyring, found.case_id, way.value, hearing.now)
        state = interviews.find(hearing.connection, hearing.keyring, [found.id])[found.id].state
    elif found.status != "open":
        return stale_tap(desk, hearing, "")
    contact = session(hearing, interview_id=found.id)
    after = replace(hearing, contact=contact)
    return Heard(contact, show(after, prepared, found.id, state))


def _amends(hearing: Hearing, interview_id: int) -> Way | None:
    """How this contact changes an interview: of a case it answers for, or helped with; None for any other."""
    if interview_id in interviews.of_contact(hearing.connection, hearing.contact.id):
        return Way.SELF
    helped = assists.with_interview(hearing.connection, interview_id, hearing.contact.account_id)
    return Way(helped) if helped else None


def consented(hearing: Hearing, interview: Interview, prepared: Prepared, state: State) -> Heard:
    """The consent is complete: keep what was agreed to, by text; then ask, or thank and leave in peace."""
    connection, now = hearing.connection, hearing.now
    outcome = result(prepared.questionnaire, state, hearing.context())
    earlier = submissions.latest(connection, hearing.keyring, interview.id)
    submission_id = submissions.add(
        connection,
        hearing.keyring,
        interview_id=interview.id,
        case_id=interview.case_id,
        campaign_id=interview.campaign_id,
        instrument_id=prepared.id,
        stage="consent",
        receipt=receipt_code() if earlier is None else f"{earlier.receipt[:10]}-{earlier.revision + 1}",
        channel=hearing.contact.channel,
        way=interview.way,
        result=outcome,
        now=now,
        account_id=helping.helper(interview, hearing.contact),
    )
    answers = by_name(outcome.values, outcome.missing)
    consent = prepared.instrument.consent
    names = (*consent.required, *consent.optional) if consent else ()
    toggles = {name: str(answers[name]) for name in names if isinstance(answers.get(name), str)}
    text = wording(prepared.questionnaire, state, hearing.context())
    submissions.add_consent(
        connection,
        case_id=interview.case_id,
        submission_id=submission_id,
        contact_id=hearing.contact.id,
        channel=hearing.contact.channel,
        language=hearing.language,
        text=text,
        text_digest=hashlib.sha256(text.encode()).hexdigest(),
        toggles=toggles,
        now=now,
    )
    agreed = consent is not None and all(toggles.get(name) == consent.agree for name in consent.required)
    if not agreed:
        screened = screen_out(prepared.instrument, answers)
        interviews.set_dispositions(
            connection, [(interview.case_id, screened.disposition if screened else "2.11")], now
        )
        contact = session(hearing, interview_id=None)
        return Heard(contact, Outgoing(hearing.say("consent.refused", code=interview.campaign_code)))
    campaign = campaigns.expect(connection, interview.campaign_id)
    main = interviews.of_case(connection, interview.case_id).get("main")
    interviews.set_dispositions(connection, [(interview.case_id, "2.20")], now)
    if main is not None:
        contact = session(hearing, interview_id=main)
        found = interviews.find(connection, hearing.keyring, [main])[main]
        main_prepared = hearing.shelf.get(connection, found.instrument_id)
        return Heard(contact, show(replace(hearing, contact=contact), main_prepared, main, found.state))
    way = Way(interview.way)
    brought = {**brought_along(hearing, campaign, interview.case_id, way), **toggles}
    return _ask_main(hearing, campaign, interview.case_id, brought, [hearing.say("consent.thanks")], way)


def another_button(hearing: Hearing, campaign: Campaign) -> Button:
    """What somebody else taps who answers the same campaign by this telephone."""
    return Button(hearing.say("button.another_person"), render.data(render.WORD, 0, "another", campaign.code))
