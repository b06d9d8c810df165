"""Writing to people of our own accord: invitations and reminders, decided when their time is there and once
more when they are sent.

The journey of a reminder, top to bottom: the scheduler's :func:`tick` takes the cases that are due, a piece
at a time; the rules (:mod:`surveys.reminders`) say of each what is to be done; its step, its outbox row and
when to look again are written in one transaction. Delivery asks :func:`wanted` before it sends: whoever
answered, stopped or is asleep meanwhile is not written to, and their case is looked at anew.

Only as much waits in the outbox as is sent in a few minutes, so that a pause has little to take back.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from bot import holidays, wishes
from bot.buttons import WORD, data
from bot.leaflets import Links, chat_link
from bot.lengths import fit
from bot.messages import ABILITIES, Abilities, Button, Outgoing
from bot.notices import maker
from bot.questionnaires import Shelf, context
from bot.texts import SOURCE, say
from scheduler.jobs import Job
from storage import campaigns, cases, contacting, interviews, outbox, steps
from storage import invitations as kept
from storage.campaigns import Campaign
from storage.contacting import Counted, Known, Row
from storage.crypto import Keyring
from storage.database import Database, now_ms
from storage.outbox import Draft, Verdict, Waiting, Wanted
from storage.steps import Step
from surveys.campaigns import is_running
from surveys.dispositions import Disposition
from surveys.interview import begin
from surveys.personal_codes import bare
from surveys.reminders import Campaigning, Decision, Facts, Rules, Stage, Why, decide, within
from surveys.states import State

log = logging.getLogger("hoidan.contacting")

CHANNELS = tuple(sorted(name for name, abilities in ABILITIES.items() if abilities.reaches))
"""Channels that bring a message to somebody who has closed the chat."""
SECONDS = 5
"""How often due cases are looked for."""
PIECE = 100
"""Cases of one transaction: on SQLite turns wait for it."""
PULLED = 1_000
"""Cases made due in one transaction."""
WAVE = 5_000
"""Messages of a campaign that may wait to be sent; the next are written when these are gone."""
MOST = 20_000
"""Cases looked at in one tick."""
BACKWARDS_MS = 60_000
"""A clock set back by more makes everything that is planned be looked at again."""
SECONDS_EACH = 15
"""How long a question takes, to tell people how long they will need."""
DAY_MS = 86_400_000


@dataclass(slots=True)
class Contacting:
    """What is needed to write to people. ``links`` is where they find us, at the time; ``latest`` the latest
    instant a tick has seen.
    """

    keyring: Keyring
    zone: ZoneInfo
    shelf: Shelf
    links: Callable[[], Links] = Links
    clock: Callable[[], int] = now_ms
    channels: Collection[str] = CHANNELS
    wave: int = WAVE
    latest: int = field(default=0)

    def local(self, now: int) -> datetime:
        """An instant as the office's clocks show it."""
        return datetime.fromtimestamp(now / 1000, self.zone)


def writing(to: Contacting) -> Job:
    """The job that writes to people."""
    return Job("write_to_people", SECONDS, lambda database: tick(database, to))


# ── when their time is there ────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Ticked:
    """What a tick did: cases looked at, messages written."""

    looked: int = 0
    written: int = 0


def tick(database: Database, to: Contacting) -> Ticked:
    """Look at the cases that are due, campaign by campaign, a piece of each at a time.

    May run twice, anywhere and at once, and be killed at any moment: a piece is one transaction, whose cases
    nobody else holds.
    """
    now = to.clock()
    today = to.local(now).date()
    asking = [one.id for one in database.read(lambda c: campaigns.running(c, today))]
    if now < to.latest - BACKWARDS_MS:
        log.warning(
            "the clock was set back by %d s: everything planned is looked at again", _s(to.latest - now)
        )
        for key in asking:
            database.write(partial(contacting.look_again, campaign_id=key), bulk=True)
    to.latest = now
    looked = written = 0
    while asking and looked < MOST:
        for key in tuple(asking):
            piece = database.write(partial(_piece, to=to, campaign_id=key, now=now), bulk=True)
            looked, written = looked + piece.looked, written + piece.written
            if piece.done:
                asking.remove(key)
    return Ticked(looked, written)


def _s(milliseconds: int) -> int:
    return milliseconds // 1000


@dataclass(frozen=True, slots=True)
class _Piece:
    """What a piece came to; ``done``: there is nothing more to do of this campaign now."""

    looked: int = 0
    written: int = 0
    done: bool = True


def _piece(connection: Connection, to: Contacting, campaign_id: int, now: int) -> _Piece:
    """One piece of one campaign, in one transaction."""
    campaign = campaigns.expect(connection, campaign_id)
    local = to.local(now)
    if not _runs(campaign, local.date()):
        return _Piece()
    if campaign.look_again:
        contacting.pull(connection, campaign.id, now, PULLED)
        return _Piece(done=False)
    room = to.wave - contacting.waiting(connection, campaign.id, to.channels, to.wave)
    if room <= 0:
        return _Piece()
    limit = min(PIECE, room)
    due = cases.due(connection, campaign.id, now, limit)
    if not due:
        return _Piece()
    known = contacting.look(connection, due, now, to.zone, to.channels)
    contacting.lock_households(connection, known)
    rules = rules_of(connection, campaign)
    counted = Counted(connection, known, now - rules.household_days * DAY_MS)
    days_off = holidays.around(connection, local.date())
    told: list[tuple[Known, Step, int | None]] = []
    planned: list[tuple[Known, int | None]] = []
    for one in known:
        facts = replace(one.facts, household_sent=counted.of(one))
        decision = decide(facts, _campaigning(campaign, to), rules, local, days_off)
        if not decision.now:
            planned.append((one, _ms(decision)))
            continue
        counted.add(one)
        step = Step(
            case_id=one.case_id,
            step=one.next_step,
            at=now,
            contact_id=one.contact_id,
            household_id=one.household_id,
            outbox_key=steps.key_of(one.case_id, one.next_step),
        )
        after = replace(_after(facts, step, local), household_sent=counted.of(one))
        told.append((one, step, _ms(decide(after, _campaigning(campaign, to), rules, local, days_off))))
    contacting.plan(connection, planned, now)
    contacting.told(connection, [(step, following) for _, step, following in told])
    outbox.queue(connection, to.keyring, _drafts(connection, to, campaign, told, local), now)
    return _Piece(len(due), len(told), done=len(due) < limit)


def _runs(campaign: Campaign, today: date) -> bool:
    return is_running(campaign.status, campaign.draft.starts_on, campaign.draft.ends_on, today)


def _campaigning(campaign: Campaign, to: Contacting) -> Campaigning:
    draft, urged = campaign.draft, campaign.urged_at
    return Campaigning(
        campaign.status.value == "open",
        draft.starts_on,
        draft.ends_on,
        None if urged is None else to.local(urged),
    )


def rules_of(connection: Connection, campaign: Campaign) -> Rules:
    """A campaign's rules, as far as the office allows them now."""
    return within(campaign.draft.rules, contacting.office(connection))


def _after(facts: Facts, step: Step, local: datetime) -> Facts:
    """The same case when the step is taken."""
    invited = facts.disposition is Disposition.NOT_SENT
    return replace(
        facts,
        sent=step.step + 1,
        last=local,
        disposition=Disposition.NO_REPLY if invited else facts.disposition,
    )


def _ms(decision: Decision) -> int | None:
    return None if decision.at is None else round(decision.at.timestamp() * 1000)


# ── what they read ──────────────────────────────────────────────────────────────────────────────────────────


def _drafts(
    connection: Connection,
    to: Contacting,
    campaign: Campaign,
    told: Sequence[tuple[Known, Step, int | None]],
    local: datetime,
) -> list[Draft]:
    """The outbox rows of steps."""
    if not told:
        return []
    ids = [step.case_id for _, step, _ in told]
    codes = kept.codes(connection, to.keyring, campaign.id, ids)
    half = [one.case_id for one, _, _ in told if one.facts.stage is Stage.HALF_DONE]
    states = interviews.main_states(connection, to.keyring, half) if half else {}
    asked = to.shelf.get(connection, campaign.draft.instrument_id)
    whole = _open(to, connection, campaign.draft.instrument_id, None, local)
    drafts = []
    for one, step, _ in told:
        begun = states.get(one.case_id)
        left = whole if begun is None else _open(to, connection, *begun, local)
        if begun is not None:
            message = "contact.half_done"
        else:
            message = "contact.not_started" if step.step else "contact.invite"
        home = ABILITIES[one.channel].country == "VN" or bool(campaign.draft.legal.transfer_file)
        drafts.append(
            Draft(
                channel=one.channel,
                contact_id=one.contact_id,
                key=step.outbox_key,
                message=message,
                params={
                    "title": campaign.draft.title,
                    "office": campaign.draft.legal.controller,
                    "code": codes[one.case_id],
                    "ends": f"{campaign.draft.ends_on:%d/%m/%Y}",
                    "days": (campaign.draft.ends_on - local.date()).days,
                    "open": left,
                    "minutes": max(1, math.ceil(left * SECONDS_EACH / 60)),
                    "link": _link(to, codes[one.case_id])
                    if asked.instrument.about_others and not home
                    else "",
                },
                bulk=True,
                campaign_id=campaign.id,
            )
        )
    return drafts


def _link(to: Contacting, code: str) -> str:
    """The way to our own page, for what may not be answered over a platform abroad."""
    url = to.links().public_url
    return chat_link(url, bare(code)) if url else ""


def _open(
    to: Contacting, connection: Connection, instrument_id: int, state: State | None, local: datetime
) -> int:
    """How many questions are still open, as far as the answers tell."""
    prepared = to.shelf.get(connection, instrument_id)
    about = context(local, prepared.spoken(SOURCE))
    if state is None:
        state = begin(prepared.questionnaire, {}, about)
    return wishes.overview(prepared, state, about).open


def message(key: str, params: Mapping[str, Any], language: str, abilities: Abilities) -> Outgoing:
    """An invitation or reminder as somebody reads it."""
    lines = [say(language, key, **params), _when(language, params)]
    rows: tuple[tuple[Button, ...], ...] = ()
    if params["link"]:
        lines.append(say(language, "contact.by_page", **params))
    elif abilities.buttons:
        lines.append(say(language, "contact.by_button", **params))
        label = say(language, "button.go_on" if key == "contact.half_done" else "button.answer")
        rows = ((Button(label, data(WORD, 0, "code", params["code"])),),)
    else:
        lines.append(say(language, "contact.by_code", **params))
    lines.append(say(language, "contact.stop"))
    return Outgoing(fit("\n".join(lines), abilities), rows)


def _when(language: str, params: Mapping[str, Any]) -> str:
    days = params["days"]
    key = "contact.last_day" if days <= 0 else "contact.day_left" if days == 1 else "contact.days_left"
    return say(language, key, **params)


def _make(key: str) -> None:
    @maker(key)
    def make(params: Mapping[str, Any], language: str, abilities: Abilities) -> Outgoing:
        return message(key, params, language, abilities)


for _key in ("contact.invite", "contact.not_started", "contact.half_done"):
    _make(_key)


# ── when they are sent ──────────────────────────────────────────────────────────────────────────────────────


def wanted(to: Contacting) -> Wanted:
    """What delivery asks about messages of our own accord when it claims them.

    Whatever is not to be sent now is dropped: its step is undone and its case looked at anew, so it may come
    later, in other words, or never.
    """

    def decided(connection: Connection, claimed: Sequence[Waiting]) -> Mapping[int, Verdict]:
        found = (contacting.row_of(one.id, one.key, one.contact_id) for one in claimed)
        return _verdicts(connection, to, [row for row in found if row is not None])

    return decided


def lost(to: Contacting) -> Callable[[Connection, Sequence[int], int], object]:
    """What follows when contacts can't be reached any more: what was on its way to them was not sent, and
    whoever else speaks for those cases is written to.
    """

    def follow(connection: Connection, contact_ids: Sequence[int], now: int) -> None:
        rows = contacting.undelivered(connection, contact_ids)
        known = _known(connection, to, rows, now)
        contacting.take_back(connection, [(row, known[row.case_id]) for row in rows], now)
        for contact_id in contact_ids:
            contacting.replan_contact(connection, contact_id, now)

    return follow


def _known(connection: Connection, to: Contacting, rows: Sequence[Row], now: int) -> dict[int, Known]:
    ids = sorted({row.case_id for row in rows})
    if not ids:
        return {}
    return {one.case_id: one for one in contacting.look(connection, ids, now, to.zone, to.channels)}


def _verdicts(connection: Connection, to: Contacting, rows: Sequence[Row]) -> dict[int, Verdict]:
    """Why those of these messages that are not wanted now are dropped."""
    if not rows:
        return {}
    now = to.clock()
    known = _known(connection, to, rows, now)
    local = to.local(now)
    days_off = holidays.around(connection, local.date())
    about: dict[int, tuple[Campaigning, Rules, Counted]] = {}
    dropped: list[tuple[Row, Known]] = []
    verdicts: dict[int, Verdict] = {}
    for row in rows:
        one = known[row.case_id]
        if one.campaign_id not in about:
            about[one.campaign_id] = _about(connection, to, one.campaign_id, known, now)
        why = _still(row, one, *about[one.campaign_id], local, days_off)
        if why is not Why.WANTED:
            dropped.append((row, one))
            verdicts[row.id] = Verdict("drop", why.value)
    contacting.take_back(connection, dropped, now)
    return verdicts


def _about(
    connection: Connection, to: Contacting, campaign_id: int, known: Mapping[int, Known], now: int
) -> tuple[Campaigning, Rules, Counted]:
    campaign = campaigns.expect(connection, campaign_id)
    rules = rules_of(connection, campaign)
    counted = Counted(connection, tuple(known.values()), now - rules.household_days * DAY_MS)
    return _campaigning(campaign, to), rules, counted


def _still(
    row: Row,
    one: Known,
    campaign: Campaigning,
    rules: Rules,
    counted: Counted,
    local: datetime,
    days_off: Collection[date],
) -> Why:
    """Whether a message that was decided on is still wanted. How long ago the one before was is not asked
    again, only whether the person came or answered since.
    """
    step = next((step for step in one.taken if step.step == row.step), None)
    if step is None or one.active_at > step.at:
        return Why.NOT_YET
    facts = replace(one.facts, sent=0, last=None, household_sent=counted.of(one) - 1)
    why = decide(facts, campaign, rules, local, frozenset(days_off)).why
    if why is Why.WANTED and one.contact_id != row.contact_id:
        return Why.UNREACHABLE
    return why
