"""The members of a repeat in the chat: another one? who is there? are you sure?"""

from __future__ import annotations

from collections.abc import Sequence

from bot.buttons import (
    ADD,
    BACK,
    CONFIRM,
    KEEP,
    MEMBER,
    NO_MORE,
    REMOVE,
    ROSTER,
    base36,
    data,
    mark,
    place_of,
)
from bot.lengths import fit, shorten, within
from bot.messages import Abilities, Button, Outgoing
from bot.pages import MEMBERS, page_of, turning
from bot.phrases import called, names, repeat_label, said_before, topic, whereabouts
from bot.texts import say
from surveys.interview import AddAnother, Confirming, Member, Pending, Roster

LISTED = 12
"""Members named below each other where one may be added; of more, the last ones."""


def pending_mark(pending: Pending) -> str:
    """A mark of what waits for a yes or no: an old button confirms nothing else."""
    return mark(f"{pending.what} {pending.ref} {pending.value}")


def _title(label: str, count: int, language: str) -> str:
    key = "roster.title" if count else "roster.empty"
    return say(language, key, label=repeat_label(label, language), count=count)


def _lines(members: Sequence[Member], language: str) -> list[str]:
    return [f"{member.number}. {_named(member, language)}" for member in members]


def _named(member: Member, language: str) -> str:
    if not member.open:
        return called(member, language)
    return say(language, "roster.unfinished", name=called(member, language), open=member.open)


def another(
    prompt: AddAnother,
    interview: int,
    language: str,
    abilities: Abilities,
    notices: Sequence[str],
    removals: int,
) -> Outgoing:
    """Is there another one? With those there are."""
    members = prompt.members
    shown = members[-LISTED:]
    lines = [*(["…"] if len(shown) < len(members) else []), *_lines(shown, language)]
    head = [*notices, *said_before(prompt)]
    within_others = whereabouts(prompt.within, language)
    title = "\n".join(filter(None, (within_others, _title(prompt.label, len(members), language))))
    tail = say(language, "roster.another")
    if not abilities.buttons:
        tail += "\n" + "(" + say(language, "ask.type_another") + ")"
    text = within("\n\n".join([*head, title]), "\n".join(lines), f"\n{tail}", abilities)
    rows: list[tuple[Button, ...]] = []
    if abilities.buttons:
        about = place_of(prompt.ref, removals)
        rows = [
            (Button(say(language, "button.add"), data(ADD, interview, about, base36(len(members)))),),
            (Button(say(language, "button.no_more"), data(NO_MORE, interview, about)),),
        ]
        way = []
        if prompt.may_go_back:
            way.append(Button(say(language, "button.back"), data(BACK, interview)))
        if members:
            way.append(Button(say(language, "button.roster"), data(ROSTER, interview, about)))
        if way:
            rows.append(tuple(way))
    return Outgoing(text, tuple(rows))


def roster(
    prompt: Roster,
    interview: int,
    language: str,
    abilities: Abilities,
    notices: Sequence[str],
    removals: int,
    wanted: int,
) -> Outgoing:
    """Who is there, each with a button to correct and one to take out."""
    members = prompt.members
    page = page_of(len(members), MEMBERS, wanted, MEMBERS)
    shown = page.of(members)
    title = [whereabouts(prompt.within, language), _title(prompt.label, len(members), language)]
    tail = []
    if prompt.governed_by:
        tail.append(say(language, "roster.governed", question=topic(prompt.governed_by)))
    if not abilities.buttons:
        key = "ask.type_roster" if prompt.may_change else "ask.type_members"
        tail.append("(" + say(language, key) + ")")
        if page.total > 1:
            tail.append("(" + say(language, "ask.type_page", page=page.number + 1, pages=page.total) + ")")
    elif members:
        tail.append(say(language, "roster.tap" if prompt.may_change else "roster.tap_change"))
    head = "\n\n".join([*notices, "\n".join(filter(None, title))])
    below = "\n".join(tail)
    text = within(head, "\n".join(_lines(shown, language)), f"\n{below}" if below else "", abilities)
    if not abilities.buttons:
        return Outgoing(text)
    about = place_of(prompt.ref, removals)
    rows: list[tuple[Button, ...]] = []
    for member in shown:
        place = place_of(member.ref, removals)
        label = f"✎ {member.number}. {shorten(called(member, language), 24)}"
        row = [Button(label, data(MEMBER, interview, place))]
        if prompt.may_change:
            row.append(
                Button(say(language, "button.remove", number=member.number), data(REMOVE, interview, place))
            )
        rows.append(tuple(row))
    if turn := turning(page, interview, about, abilities):
        rows.append(turn)
    if prompt.may_change:
        rows.append((Button(say(language, "button.add"), data(ADD, interview, about, base36(len(members)))),))
    rows.append((Button(say(language, "button.continue"), data(KEEP, interview)),))
    return Outgoing(text, tuple(rows))


def confirming(
    prompt: Confirming,
    interview: int,
    language: str,
    abilities: Abilities,
    notices: Sequence[str],
    pending: Pending | None,
) -> Outgoing:
    """Something that needs a yes first, and what it will change."""
    label = repeat_label(prompt.label, language)
    who = names(prompt.members, language)
    asks = say(language, f"confirm.{prompt.what}", label=label, names=who, count=len(prompt.members))
    lines = [asks]
    if prompt.governed_by:
        lines.append(
            say(
                language,
                "confirm.changes",
                question=topic(prompt.governed_by),
                value=shorten(prompt.value, 40),
            )
        )
    if not abilities.buttons:
        lines.append("(" + say(language, "ask.type_confirm") + ")")
        return Outgoing(fit("\n\n".join([*notices, "\n".join(lines)]), abilities))
    about = pending_mark(pending) if pending is not None else ""
    rows = (
        (Button(say(language, f"button.confirm_{prompt.what}"), data(CONFIRM, interview, about, "1")),),
        (Button(say(language, "button.confirm_no"), data(CONFIRM, interview, about, "0")),),
    )
    return Outgoing(fit("\n\n".join([*notices, "\n".join(lines)]), abilities), rows)
