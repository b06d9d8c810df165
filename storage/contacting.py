"""Whom to write to of our own accord: cases as the rules see them, and when to look at each again.

``cases.next_at`` is when somebody looks at a case. Whatever changes a case only says *look now*
(:func:`replan`); when that is to be, is decided in one place, where the due cases are taken
(:mod:`bot.contacting`), by :mod:`surveys.reminders`. A turn pays one short statement.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, time
from itertools import islice
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import (
    BigInteger,
    BindParameter,
    Boolean,
    Connection,
    Select,
    and_,
    bindparam,
    case,
    exists,
    func,
    null,
    or_,
    select,
    text,
    union,
    update,
)

from storage import parameters, steps
from storage.schema import (
    campaigns,
    case_contacts,
    cases,
    contact_links,
    contacts,
    households,
    interviews,
    outbox,
    persons,
)
from storage.schema import steps as step_rows
from storage.steps import Step
from surveys.calendar import Hours
from surveys.dispositions import OPEN, Disposition, nearest
from surveys.reminders import Facts, Office, Stage, Why

_OPEN = tuple(sorted(code.value for code in OPEN))
_ASKING = ("open", "paused")
"""Campaigns whose cases may still be asked."""
PIECE = 500
"""Ids of one statement."""

NO_REPLY, NOT_SENT = Disposition.NO_REPLY.value, Disposition.NOT_SENT.value
OPTED_OUT, BREAK_OFF = Disposition.OPTED_OUT.value, Disposition.BREAK_OFF.value


def _pieces(ids: Iterable[int]) -> Iterable[list[int]]:
    left = iter(sorted(set(ids)))
    while piece := list(islice(left, PIECE)):
        yield piece


# ── look now ────────────────────────────────────────────────────────────────────────────────────────────────

_ids: BindParameter[Any] = bindparam("ids", expanding=True)
# Not with IN: some of these statements are executed for many rows at once.
_is_open = or_(*(cases.c.disposition == code for code in _OPEN))
_LOOK = case((_is_open, bindparam("now", type_=BigInteger)), else_=null())
_REPLAN = update(cases).where(cases.c.id.in_(_ids)).values(next_at=_LOOK)
_BEGUN = _REPLAN.values(stage=Stage.HALF_DONE.value)


def replan(connection: Connection, case_ids: Iterable[int], now: int) -> None:
    """Something changed about these cases: look at them now, or never again where they are closed."""
    for piece in _pieces(case_ids):
        connection.execute(_REPLAN, {"ids": piece, "now": now})


def begun(connection: Connection, case_ids: Iterable[int], now: int) -> None:
    """The first answer of these cases is there: they are half done."""
    for piece in _pieces(case_ids):
        connection.execute(_BEGUN, {"ids": piece, "now": now})


def _asked(condition: Any) -> Select[Any]:
    """Cases of campaigns that still ask, of which ``condition`` holds."""
    joined = cases.join(campaigns, campaigns.c.id == cases.c.campaign_id)
    return select(cases.c.id).select_from(joined).where(campaigns.c.status.in_(_ASKING), condition)


_HELD_BY = _asked(
    cases.c.id.in_(select(case_contacts.c.case_id).where(case_contacts.c.contact_id == bindparam("contact")))
)
_WRITTEN_TO = _asked(
    cases.c.id.in_(select(step_rows.c.case_id).where(step_rows.c.contact_id == bindparam("contact")))
)
_link = and_(contact_links.c.contact_id == bindparam("contact"), contact_links.c.ended_at.is_(None))
_OF_ONES_OWN = _asked(
    cases.c.person_id.in_(
        select(contact_links.c.person_id).where(_link, contact_links.c.person_id.is_not(None))
    )
)
_OF_ONES_HOUSEHOLD = _asked(
    and_(
        cases.c.household_id.in_(select(contact_links.c.household_id).where(_link)),
        cases.c.person_id.is_(None),
    )
)
_OF_ONES_PEOPLE = _asked(
    cases.c.person_id.in_(
        select(persons.c.id)
        .join(contact_links, contact_links.c.household_id == persons.c.household_id)
        .where(_link, contact_links.c.person_id.is_(None))
    )
)
_SPOKEN_FOR = union(_HELD_BY, _WRITTEN_TO, _OF_ONES_OWN)
_CONCERNED = union(_HELD_BY, _WRITTEN_TO, _OF_ONES_OWN, _OF_ONES_HOUSEHOLD, _OF_ONES_PEOPLE)


def replan_contact(connection: Connection, contact_id: int, now: int) -> None:
    """Something changed about a contact: look at every case it could be written to about."""
    replan(connection, connection.execute(_CONCERNED, {"contact": contact_id}).scalars(), now)


_OF_HOUSEHOLDS = union(
    _asked(
        and_(cases.c.household_id.in_(bindparam("households", expanding=True)), cases.c.person_id.is_(None))
    ),
    _asked(
        cases.c.person_id.in_(
            select(persons.c.id).where(persons.c.household_id.in_(bindparam("households", expanding=True)))
        )
    ),
)


def replan_households(connection: Connection, household_ids: Iterable[int], now: int) -> None:
    """Something changed about these households (a contact linked, two made one): look at their cases."""
    for piece in _pieces(household_ids):
        found = connection.execute(_OF_HOUSEHOLDS, {"households": piece}).scalars()
        replan(connection, found, now)


def look_again(connection: Connection, campaign_id: int) -> None:
    """Something changed about a campaign (more days, other rules): look at all its planned cases, in pieces
    (:func:`pull`).
    """
    connection.execute(update(campaigns).where(campaigns.c.id == campaign_id).values(look_again=True))


def urge(connection: Connection, campaign_id: int, now: int) -> None:
    """Staff ask to remind everybody now."""
    connection.execute(
        update(campaigns).where(campaigns.c.id == campaign_id).values(look_again=True, urged_at=now)
    )


_LATER = (
    select(cases.c.id)
    .where(cases.c.campaign_id == bindparam("campaign"), cases.c.next_at > bindparam("now"))
    .order_by(cases.c.next_at, cases.c.id)
    .limit(bindparam("most"))
    .with_for_update(skip_locked=True)
)


def pull(connection: Connection, campaign_id: int, now: int, limit: int) -> bool:
    """Make the next cases that were planned for later due now; whether there may be more. A killed process
    loses nothing: who comes next goes on.
    """
    ids = list(connection.execute(_LATER, {"campaign": campaign_id, "now": now, "most": limit}).scalars())
    replan(connection, ids, now)
    if len(ids) < limit:
        connection.execute(update(campaigns).where(campaigns.c.id == campaign_id).values(look_again=False))
    return len(ids) == limit


# ── stopping and coming back ────────────────────────────────────────────────────────────────────────────────

_STOPPED = (
    update(cases)
    .where(cases.c.id.in_(_ids), cases.c.disposition.in_(_OPEN))
    .values(
        disposition=case((cases.c.stage == Stage.HALF_DONE.value, BREAK_OFF), else_=OPTED_OUT),
        next_at=null(),
        changed_at=bindparam("now"),
    )
)
_BACK = (
    update(cases)
    .where(cases.c.id.in_(_ids), cases.c.disposition == OPTED_OUT)
    .values(disposition=NO_REPLY, changed_at=bindparam("now"))
)


def stop(connection: Connection, contact_id: int, now: int) -> None:
    """Nothing of our own accord is sent to this contact any more, nor to anybody else about the cases it
    answers for or was written to about: those opted out, or broke off where answers were there.
    """
    connection.execute(update(contacts).where(contacts.c.id == contact_id).values(opted_out_at=now))
    spoken = connection.execute(_SPOKEN_FOR, {"contact": contact_id}).scalars()
    for piece in _pieces(spoken):
        connection.execute(_STOPPED, {"ids": piece, "now": now})


def come_back(connection: Connection, contact_id: int, now: int) -> None:
    """The contact may be written to again."""
    connection.execute(update(contacts).where(contacts.c.id == contact_id).values(opted_out_at=None))
    return_to(connection, contact_id, now)


def return_to(connection: Connection, contact_id: int, now: int) -> None:
    """A contact that had blocked us, or had stopped, can be reached: open what closed for that alone."""
    concerned = list(connection.execute(_CONCERNED, {"contact": contact_id}).scalars())
    for piece in _pieces(concerned):
        connection.execute(_BACK, {"ids": piece, "now": now})
    replan(connection, concerned, now)


def is_stopped(connection: Connection, contact_id: int) -> bool:
    """Whether the contact said that nothing more is to be sent."""
    row = connection.execute(select(contacts.c.opted_out_at).where(contacts.c.id == contact_id)).scalar()
    return row is not None


def prefer(connection: Connection, contact_id: int, preferred: time | None, now: int) -> None:
    """Write the time of day at which a contact wants to be written to; None: at any."""
    minutes = None if preferred is None else preferred.hour * 60 + preferred.minute
    connection.execute(update(contacts).where(contacts.c.id == contact_id).values(preferred=minutes))
    replan_contact(connection, contact_id, now)


def preferred(connection: Connection, contact_id: int) -> time | None:
    """The time of day at which a contact wants to be written to."""
    found = connection.execute(select(contacts.c.preferred).where(contacts.c.id == contact_id)).scalar()
    return _clock(found)


def _clock(minutes: int | None) -> time | None:
    return None if minutes is None else time(minutes // 60, minutes % 60)


# ── what the office allows ──────────────────────────────────────────────────────────────────────────────────


_OFFICE = (
    "contact_begins",
    "contact_ends",
    "contact_weekends",
    "contact_holidays",
    "household_messages",
    "household_days",
)


def office(connection: Connection) -> Office:
    """What the parameters in force allow."""
    begins, ends, weekends, holidays, messages, days = parameters.numbers(connection, _OFFICE).values()
    hours = Hours(
        time(begins // 100, begins % 100), time(ends // 100, ends % 100), bool(weekends), bool(holidays)
    )
    return Office(hours, messages, days)


# ── cases as the rules see them ─────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Known:
    """A case with what is known of it: ``facts`` without the messages to its household, which depend on the
    rules. ``contact_id`` is who would be written to (``channel``), 0 where nobody can be; ``blocked`` that
    there would be somebody, had they not blocked us. ``healed`` is an instant to write in place of one that a
    clock gone wrong left in the future.
    """

    case_id: int
    campaign_id: int
    household_id: int | None
    facts: Facts
    contact_id: int = 0
    channel: str = ""
    blocked: bool = False
    healed: int | None = None
    taken: tuple[Step, ...] = ()
    active_at: int = 0

    @property
    def next_step(self) -> int:
        """The number of its next message: 0 is the invitation, which who came without it does not need."""
        return max(self.facts.sent, 0 if self.facts.last is None else 1)


_CASES = (
    select(
        cases.c.id,
        cases.c.campaign_id,
        cases.c.household_id,
        cases.c.person_id,
        cases.c.disposition,
        cases.c.stage,
        cases.c.last_at,
    )
    .where(cases.c.id.in_(_ids))
    .order_by(cases.c.id)
)
_ANSWERED = (
    select(interviews.c.case_id, func.max(interviews.c.changed_at))
    .where(interviews.c.case_id.in_(_ids))
    .group_by(interviews.c.case_id)
)
_SPEAKER = (
    contacts.c.id,
    contacts.c.channel,
    contacts.c.status,
    contacts.c.opted_out_at,
    contacts.c.preferred,
)
_HOLDERS = (
    select(case_contacts.c.case_id, case_contacts.c.since, *_SPEAKER)
    .join(contacts, contacts.c.id == case_contacts.c.contact_id)
    .where(case_contacts.c.case_id.in_(_ids))
)
_LINKED = (
    select(contact_links.c.household_id, contact_links.c.person_id, contact_links.c.since, *_SPEAKER)
    .join(contacts, contacts.c.id == contact_links.c.contact_id)
    .where(contact_links.c.ended_at.is_(None))
)
# By the values at hand: joined to the cases, a planner that knows of many links without a person reads all.
_LINKED_PEOPLE = _LINKED.where(contact_links.c.person_id.in_(_ids))
_LINKED_HOMES = _LINKED.where(contact_links.c.household_id.in_(_ids))


@dataclass(frozen=True, slots=True)
class _Speaker:
    """Who speaks for a case: ``rank`` 0 answers for it, 1 is the person's own contact, 2 the household's."""

    rank: int
    since: int
    contact_id: int
    channel: str
    status: str
    opted_out_at: int | None
    preferred: int | None


def look(
    connection: Connection, case_ids: Sequence[int], now: int, zone: ZoneInfo, channels: Collection[str]
) -> list[Known]:
    """These cases as they stand, in order of id. ``channels`` are those that take messages of our own accord.

    Who answers for a case is written to before somebody it is linked with, a person's own contact before
    their household's, the newest first.
    """
    given = {"ids": list(case_ids)}
    found = connection.execute(_CASES, given).all()
    answered = {row[0]: row[1] for row in connection.execute(_ANSWERED, given)}
    taken = steps.of_cases(connection, case_ids)
    speakers = _speakers(connection, found)
    return [
        _known(row, answered.get(row.id), taken.get(row.id, ()), speakers[row.id], now, zone, channels)
        for row in found
    ]


def _speakers(connection: Connection, found: Sequence[Any]) -> dict[int, list[_Speaker]]:
    """Who could be written to about each case, best first."""
    spoken: dict[int, list[_Speaker]] = {row.id: [] for row in found}
    for case_id, since, *contact in connection.execute(_HOLDERS, {"ids": list(spoken)}):
        spoken[case_id].append(_Speaker(0, since, *contact))
    of_people = _links(connection, _LINKED_PEOPLE, "person_id", {row.person_id for row in found})
    of_homes = _links(connection, _LINKED_HOMES, "household_id", {row.household_id for row in found})
    for row in found:
        for _, _, since, *contact in of_people.get(row.person_id, ()):
            spoken[row.id].append(_Speaker(1, since, *contact))
        for _, person, since, *contact in of_homes.get(row.household_id, ()):
            # A person's telephone speaks for a case of the household, not for somebody else's.
            if person is None or row.person_id is None:
                spoken[row.id].append(_Speaker(2, since, *contact))
        spoken[row.id].sort(key=lambda one: (one.rank, -one.since, -one.contact_id))
    return spoken


def _links(
    connection: Connection, statement: Select[Any], by: str, ids: Collection[int | None]
) -> dict[int | None, list[Any]]:
    """Links that hold, by the person or household they are with."""
    wanted = [key for key in ids if key is not None]
    linked: dict[int | None, list[Any]] = {}
    if wanted:
        for row in connection.execute(statement, {"ids": wanted}):
            linked.setdefault(getattr(row, by), []).append(row)
    return linked


def _known(
    row: Any,
    answered: int | None,
    taken: Sequence[Step],
    speakers: Sequence[_Speaker],
    now: int,
    zone: ZoneInfo,
    channels: Collection[str],
) -> Known:
    came = max((one.since for one in speakers if one.rank == 0), default=None)
    active = [at for at in (answered, came) if at is not None]
    all_known = [*active, *(at for at in (row.last_at, taken[-1].at if taken else None) if at is not None)]
    past = [at for at in all_known if at <= now]
    # A clock that was ahead left instants of the future: they count as now, once.
    last = max(past) if past else now if all_known else None
    good = [
        one
        for one in speakers
        if one.status == "active" and one.opted_out_at is None and one.channel in channels
    ]
    opted = [one for one in speakers if one.opted_out_at is not None]
    chosen = good[0] if good else None
    return Known(
        case_id=row.id,
        campaign_id=row.campaign_id,
        household_id=row.household_id,
        facts=Facts(
            disposition=nearest(row.disposition),
            stage=Stage(row.stage),
            sent=taken[-1].step + 1 if taken else 0,
            last=None if last is None else datetime.fromtimestamp(last / 1000, zone),
            reachable=chosen is not None,
            opted_out=any(one.rank < 2 for one in opted) or (chosen is None and bool(opted)),
            preferred=_clock(chosen.preferred) if chosen is not None else None,
        ),
        contact_id=chosen.contact_id if chosen is not None else 0,
        channel=chosen.channel if chosen is not None else "",
        blocked=any(one.status == "blocked" for one in speakers),
        healed=now
        if row.last_at is not None and row.last_at > now
        else None
        if past or not all_known
        else now,
        taken=tuple(taken),
        active_at=max(active, default=0),
    )


def lock_households(connection: Connection, known: Sequence[Known]) -> None:
    """Let nobody else count the messages of these households until this transaction ends."""
    ids = sorted({one.household_id for one in known if one.household_id is not None})
    if ids and connection.dialect.name != "sqlite":
        connection.execute(_LOCK, {"ids": ids})


_LOCK = select(households.c.id).where(households.c.id.in_(_ids)).order_by(households.c.id).with_for_update()


class Counted:
    """Messages to households within the days of the rules, over all campaigns; where no household is known,
    to the contact. Those taken meanwhile are counted, too.
    """

    def __init__(self, connection: Connection, known: Sequence[Known], since: int) -> None:
        households_ = {one.household_id for one in known if one.household_id is not None}
        contacts_ = {one.contact_id for one in known if one.household_id is None and one.contact_id}
        self._households = dict(steps.to_households(connection, households_, since))
        self._contacts = dict(steps.to_contacts(connection, contacts_, since))

    def of(self, known: Known) -> int:
        """How many there were."""
        if known.household_id is None:
            return self._contacts.get(known.contact_id, 0)
        return self._households.get(known.household_id, 0)

    def add(self, known: Known, number: int = 1) -> None:
        """Count another one, or one less."""
        if known.household_id is None:
            self._contacts[known.contact_id] = self.of(known) + number
        else:
            self._households[known.household_id] = self.of(known) + number


# ── what was decided ────────────────────────────────────────────────────────────────────────────────────────

_PLAN = (
    update(cases)
    .where(cases.c.id == bindparam("key"))
    .values(
        next_at=bindparam("next"),
        last_at=func.coalesce(bindparam("healed", type_=BigInteger), cases.c.last_at),
    )
)
_UNREACHED = (
    update(cases)
    .where(cases.c.id.in_(_ids), cases.c.disposition == NO_REPLY)
    .values(disposition=OPTED_OUT, changed_at=bindparam("now"))
)
_TOLD = (
    update(cases)
    .where(cases.c.id == bindparam("key"))
    .values(
        sent=cases.c.sent + 1,
        last_at=bindparam("at"),
        next_at=bindparam("next"),
        disposition=case((cases.c.disposition == NOT_SENT, NO_REPLY), else_=cases.c.disposition),
    )
)
_UNTOLD = (
    update(cases)
    .where(cases.c.id == bindparam("key"))
    .values(
        sent=bindparam("so_far"),
        last_at=bindparam("at"),
        next_at=_LOOK,
        disposition=case(
            (and_(cases.c.disposition == NO_REPLY, bindparam("untouched", type_=Boolean)), NOT_SENT),
            else_=cases.c.disposition,
        ),
    )
)


def plan(connection: Connection, planned: Sequence[tuple[Known, int | None]], now: int) -> None:
    """Write when to look at cases again that are not written to now; None: never.

    Where everybody who could be written to has blocked us, the case opted out by that (AAPOR 2.13).
    """
    if planned:
        connection.execute(
            _PLAN,
            [{"key": one.case_id, "next": at, "healed": one.healed} for one, at in planned],
        )
    gone = [one.case_id for one, at in planned if at is None and one.blocked and not one.facts.reachable]
    for piece in _pieces(gone):
        connection.execute(_UNREACHED, {"ids": piece, "now": now})


def told(connection: Connection, taken: Sequence[tuple[Step, int | None]]) -> None:
    """Write the steps that are taken now, each with when to look at its case again. The outbox rows belong
    into the same transaction.
    """
    steps.take(connection, [one for one, _ in taken])
    if taken:
        connection.execute(
            _TOLD,
            [{"key": one.case_id, "at": one.at, "next": following} for one, following in taken],
        )


# ── what waits to be sent ───────────────────────────────────────────────────────────────────────────────────

# Written out, not bound: the partial index is used only where it is seen to hold all that is asked.
_WAITING = (
    select(outbox.c.id)
    .where(
        text("outbox.state = 'due' AND outbox.bulk"),
        outbox.c.channel == bindparam("channel"),
        outbox.c.campaign_id == bindparam("campaign"),
    )
    .limit(bindparam("most"))
    .subquery()
)
_HOW_MANY = select(func.count()).select_from(_WAITING)
_FREE = update(outbox).where(outbox.c.id == bindparam("row_id")).values(key=bindparam("freed"))
_UNDELIVERED = (
    select(outbox.c.id, outbox.c.key, outbox.c.contact_id)
    .where(
        outbox.c.contact_id.in_(_ids),
        outbox.c.state == "dropped",
        outbox.c.bulk.is_(True),
    )
    .order_by(outbox.c.id)
)


def waiting(connection: Connection, campaign_id: int, channels: Collection[str], most: int) -> int:
    """How many messages of a campaign wait to be sent; no more than ``most`` a channel are counted."""
    return sum(
        connection.execute(
            _HOW_MANY, {"channel": channel, "campaign": campaign_id, "most": most}
        ).scalar_one()
        for channel in channels
    )


@dataclass(frozen=True, slots=True)
class Row:
    """An outbox row that is a step of a case."""

    id: int
    key: str
    contact_id: int
    case_id: int
    step: int


def row_of(row_id: int, key: str, contact_id: int) -> Row | None:
    """The step of a case that an outbox row is, if it is one."""
    read = steps.read_key(key)
    return None if read is None else Row(row_id, key, contact_id, *read)


def undelivered(connection: Connection, contact_ids: Collection[int]) -> list[Row]:
    """Steps that were dropped on their way to these contacts, and hold their keys still."""
    found = [row_of(*row) for row in connection.execute(_UNDELIVERED, {"ids": list(contact_ids)})]
    return [row for row in found if row is not None]


_LOCK_CASES = select(cases.c.id).where(cases.c.id.in_(_ids)).order_by(cases.c.id).with_for_update()


def take_back(connection: Connection, taken_back: Sequence[tuple[Row, Known]], now: int) -> None:
    """Undo steps whose messages did not go out and will not: as if they had never been taken. Their cases are
    looked at now, and their outbox rows give their keys free for the messages that may follow.
    """
    if not taken_back:
        return
    connection.execute(_LOCK_CASES, {"ids": [row.case_id for row, _ in taken_back]})
    steps.undo(connection, [(row.case_id, row.step) for row, _ in taken_back])
    connection.execute(_FREE, [{"row_id": row.id, "freed": f"{row.key}~{row.id}"} for row, _ in taken_back])
    connection.execute(
        _UNTOLD,
        [
            {
                "key": row.case_id,
                "so_far": len(_others(known, row)),
                "at": max((one.at for one in _others(known, row)), default=None),
                "untouched": not _others(known, row) and not known.active_at,
                "now": now,
            }
            for row, known in taken_back
        ],
    )


_UNSENT = (
    update(cases)
    .where(cases.c.id == bindparam("key"))
    .values(
        sent=cases.c.sent - 1,
        disposition=case(
            (
                and_(
                    cases.c.disposition == NO_REPLY,
                    cases.c.sent == 1,
                    ~exists().where(case_contacts.c.case_id == cases.c.id).correlate(cases),
                ),
                NOT_SENT,
            ),
            else_=cases.c.disposition,
        ),
    )
)


def unsent(connection: Connection, keys: Iterable[str]) -> None:
    """The messages of these outbox keys did not go out, since their campaigns are over: undo their steps."""
    found = sorted(read for read in map(steps.read_key, keys) if read is not None)
    steps.undo(connection, found)
    if found:
        connection.execute(_UNSENT, [{"key": case_id} for case_id, _ in found])


def _others(known: Known, row: Row) -> list[Step]:
    """The steps of a case without the one of this row."""
    return [one for one in known.taken if one.step != row.step]


# ── what asking everybody now would come to ─────────────────────────────────────────────────────────────────


def _speaks(table: Any, own: Any, condition: Any) -> Any:
    """Whether there is a contact of ``table`` that belongs to the case and of which ``condition`` holds."""
    return exists().where(contacts.c.id == table.c.contact_id, own, condition).correlate(cases)


def outlook(
    connection: Connection,
    campaign_id: int,
    channels: Collection[str],
    *,
    asked_at: int,
    rested: int,
    per_household: int,
    since: int,
) -> dict[Why, int]:
    """How many cases of a campaign are written to when staff ask for that at ``asked_at``, and how many are
    left out for which reason (:class:`surveys.reminders.Why`), in one statement over all of them.

    ``rested``: who had or said something after it is left in peace; ``since``: messages to a household count
    from there on, ``per_household`` of them are enough.
    """
    held = case_contacts.c.case_id == cases.c.id
    holds = contact_links.c.ended_at.is_(None)
    own = and_(contact_links.c.person_id == cases.c.person_id, holds)
    of_household = and_(
        contact_links.c.household_id == cases.c.household_id,
        holds,
        or_(contact_links.c.person_id.is_(None), cases.c.person_id.is_(None)),
    )
    opted = contacts.c.opted_out_at.is_not(None)
    good = and_(contacts.c.status == "active", ~opted, contacts.c.channel.in_(list(channels)))
    spoke_against = or_(_speaks(case_contacts, held, opted), _speaks(contact_links, own, opted))
    reached = or_(
        _speaks(case_contacts, held, good),
        _speaks(contact_links, own, good),
        _speaks(contact_links, of_household, good),
    )
    only_against = _speaks(contact_links, of_household, opted)
    lately = or_(
        and_(cases.c.last_at > rested, cases.c.last_at < asked_at),
        exists().where(interviews.c.case_id == cases.c.id, interviews.c.changed_at > rested).correlate(cases),
        exists().where(held, case_contacts.c.since > rested).correlate(cases),
    )
    written = (
        select(func.count())
        .where(
            step_rows.c.household_id == cases.c.household_id,
            step_rows.c.at > since,
            step_rows.c.at < asked_at,
        )
        .correlate(cases)
        .scalar_subquery()
    )
    code = cases.c.disposition
    why = case(
        (code == OPTED_OUT, Why.OPTED_OUT.value),
        (and_(code.not_in(_OPEN), code.like("1.%")), Why.DONE.value),
        (and_(code.not_in(_OPEN), code.like("4.%")), Why.OUT_OF_SCOPE.value),
        (code.not_in(_OPEN), Why.DECLINED.value),
        (spoke_against, Why.OPTED_OUT.value),
        (and_(~reached, only_against), Why.OPTED_OUT.value),
        (~reached, Why.UNREACHABLE.value),
        (lately, Why.NOT_YET.value),
        (written >= per_household, Why.HOUSEHOLD_ENOUGH.value),
        else_=Why.WANTED.value,
    ).label("why")
    each = select(why).where(cases.c.campaign_id == campaign_id).subquery()
    rows = connection.execute(select(each.c.why, func.count()).group_by(each.c.why))
    return {Why(name): int(number) for name, number in rows}
