"""Stopping for good and coming back, and the hour at which somebody wants to be written to.

Whoever says stop hears nothing more of our own accord, on any of the cases they speak for; what they answered
stays, and a code leads back to it. Only their own word opens the door again.
"""

from __future__ import annotations

from datetime import time

from bot import trying
from bot.desk import Desk, Heard, Hearing, session
from bot.messages import Outgoing
from storage import cases, contacting, interviews
from surveys.hours import is_any, read_hour
from surveys.instruments import Way


def stop(desk: Desk, hearing: Hearing, argument: str) -> Heard:
    """No more messages of our own accord. In a wizard of the staff's, a form that is only tried, or while
    they write down somebody else's answers, that ends and nothing else.
    """
    interview = hearing.interview
    open_ = interview is not None and interview.status == "open"
    if interview is not None and open_ and interview.stage == "wizard":
        state = [(interview, interview.state, "withdrawn")]
        interviews.save(hearing.connection, hearing.keyring, state, hearing.now)
        contact = session(hearing, interview_id=None)
        return Heard(contact, Outgoing(hearing.say("wizard.stopped")))
    if open_ and interview is not None and interview.stage == "trial":
        return trying.stopped(hearing)
    if open_ and interview is not None and interview.way != Way.SELF:
        return Heard(session(hearing, interview_id=None), Outgoing(hearing.say("assist.stopped")))
    contacting.stop(hearing.connection, hearing.contact.id, hearing.now)
    back = hearing.say("contact.stopped_back")
    # Whoever works here is still told of their work.
    staff = "_staff" if hearing.contact.account_id is not None else ""
    if interview is None or not open_:
        return Heard(hearing.contact, Outgoing(f"{hearing.say(f'turn.stopped{staff}')} {back}"))
    contact = session(hearing, interview_id=None)
    several = len(cases.held(hearing.connection, interview.campaign_id, contact.id)) > 1
    again = "turn.stopped_people" if several else "turn.stopped_code"
    stopped = hearing.say(f"turn.stopped{staff}")
    kept = hearing.say(again, code=interview.campaign_code)
    return Heard(contact, Outgoing(f"{stopped} {kept}\n{back}"))


def start(desk: Desk, hearing: Hearing, argument: str) -> Heard:
    """*Bắt đầu lại*: whoever had stopped may be written to again."""
    said = _returned(hearing)
    return Heard(hearing.contact, desk.now(hearing, said))


def opened(desk: Desk, hearing: Hearing, argument: str) -> Heard:
    """The person opened the chat without a code. On a channel where they press Start for that, it means that
    they are back; a page of ours says hello by itself.
    """
    said = _returned(hearing) if hearing.abilities.reaches else []
    return Heard(hearing.contact, desk.now(hearing, said))


def _returned(hearing: Hearing) -> list[str]:
    if not contacting.is_stopped(hearing.connection, hearing.contact.id):
        return []
    contacting.come_back(hearing.connection, hearing.contact.id, hearing.now)
    return [hearing.say("contact.back")]


def remind_at(desk: Desk, hearing: Hearing, argument: str) -> Heard:
    """The hour at which somebody wants to be written to; without one, which holds."""
    connection, contact = hearing.connection, hearing.contact
    hours = contacting.office(connection).hours
    bounds = {"begins": _clock(hours.begins), "ends": _clock(hours.ends)}
    if not argument.strip():
        kept = contacting.preferred(connection, contact.id)
        key = "contact.hour_any" if kept is None else "contact.hour_kept"
        said = hearing.say(key, hour=_clock(kept) if kept is not None else "", **bounds)
        return Heard(contact, desk.now(hearing, [said]))
    if is_any(argument):
        contacting.prefer(connection, contact.id, None, hearing.now)
        return Heard(contact, desk.now(hearing, [hearing.say("contact.hour_any", hour="", **bounds)]))
    hour = read_hour(argument)
    if hour is None or not hours.begins <= hour < hours.ends:
        return Heard(contact, desk.now(hearing, [hearing.say("contact.hour_wrong", **bounds)]))
    contacting.prefer(connection, contact.id, hour, hearing.now)
    return Heard(contact, desk.now(hearing, [hearing.say("contact.hour_set", hour=_clock(hour))]))


def _clock(at: time) -> str:
    """``19:00`` as it is read on both sides of the catalogue."""
    return f"{at:%H:%M}"
