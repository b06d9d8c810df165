"""What was answered, before it is handed in or on the way: all, a member's part, what was looked for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from bot.buttons import CHANGE, KEEP, PAGE, REVIEW, ROSTER, SUBMIT, data, place_of
from bot.lengths import fit, is_within, shorten, within
from bot.messages import Abilities, Button, Outgoing
from bot.pages import LINES, page_of, turning
from bot.phrases import called, names, repeat_label, said, said_before, topic, whereabouts
from bot.texts import say
from surveys.interview import Line, Member, Review, Roster
from surveys.letters import fold

EVERYTHING = "all"
"""What the buttons to another page of the review are about."""
ROOMS = ((90, 300), (60, 120), (40, 60), (24, 40), (16, 24), (10, 12))
"""Characters of a question and of its answer in a line; fewer where there are many lines."""


def review(
    prompt: Review,
    interview: int,
    language: str,
    abilities: Abilities,
    notices: Sequence[str],
    removals: int,
    wanted: int,
) -> Outgoing:
    """Everything answered, a page of it, with a button to change each."""
    page = page_of(len(prompt.lines), LINES, wanted, LINES)
    lines = page.of(prompt.lines)
    head = [*notices, *said_before(prompt)]
    if prompt.lines:
        head.append(say(language, "review.title"))
    summary = [_summary(each, language) for each in prompt.rosters if each.members or each.may_change]
    if summary:
        head.append("\n".join(summary))
    tail = []
    if prompt.open and not prompt.lines:
        tail.append(say(language, "review.none"))
    else:
        ask = "review.ask_open" if prompt.open else "review.ask"
        tail.append(say(language, ask if abilities.buttons else ask + "_typed", open=prompt.open))
    if page.total > 1 and abilities.buttons:
        tail.append(say(language, "review.find"))
    if not abilities.buttons:
        if page.total > 1:
            tail.append(
                "(" + say(language, "ask.type_review_page", page=page.number + 1, pages=page.total) + ")"
            )
        if prompt.rosters:
            tail.append("(" + say(language, "ask.type_see_roster") + ")")
    text = _text(head, lines, "\n".join(tail), language, abilities)
    if not abilities.buttons:
        return Outgoing(text)
    first = KEEP if prompt.open else SUBMIT
    label = "button.continue" if prompt.open else "button.submit"
    rows: list[tuple[Button, ...]] = [(Button(say(language, label), data(first, interview)),)]
    rows.extend(_to_lists(worth_seeing(prompt.rosters), interview, language, removals))
    if turn := turning(page, interview, EVERYTHING, abilities):
        rows.append(turn)
    rows.extend(_edits(lines, interview, abilities, removals))
    return Outgoing(text, tuple(rows))


def _summary(roster: Roster, language: str) -> str:
    """Who is in a repeat, on one line."""
    label = repeat_label(roster.label, language)
    where = whereabouts(roster.within, language)
    label = f"{where} › {label}" if where else label
    if not roster.members:
        return say(language, "roster.empty", label=label, count=0)
    return say(
        language,
        "review.roster",
        label=label,
        count=len(roster.members),
        names=names(roster.members, language),
    )


def some(
    title: str,
    lines: Sequence[Line],
    interview: int,
    language: str,
    abilities: Abilities,
    removals: int,
    *,
    more: int = 0,
    inside: str = "",
) -> Outgoing:
    """Some lines of the review with a button to change each: those of the member at ``inside``, or those
    looked for. ``more`` were left out.
    """
    tail = []
    if more:
        tail.append(say(language, "review.more", count=more))
    if lines and abilities.buttons:
        tail.append(say(language, "review.tap"))
    elif lines:
        tail.append("(" + say(language, "ask.type_change", number=lines[0].number) + ")")
    text = _text([title], lines, "\n".join(tail), language, abilities, inside)
    if not abilities.buttons:
        return Outgoing(text)
    return Outgoing(text, (*_edits(lines, interview, abilities, removals), _onward(interview, language)))


def _onward(interview: int, language: str) -> tuple[Button, ...]:
    """Everything, or on with what is asked: as it stands, nothing is taken for an answer."""
    return (
        Button(say(language, "button.review"), data(REVIEW, interview)),
        Button(say(language, "button.continue"), data(PAGE, interview, EVERYTHING, "0")),
    )


def worth_seeing(rosters: Iterable[Roster]) -> list[Roster]:
    """The repeats that stand in no other, and that somebody is in or can be added to."""
    return [each for each in rosters if "[" not in each.ref and (each.members or each.may_change)]


def lists(
    rosters: Sequence[Roster], interview: int, language: str, abilities: Abilities, removals: int
) -> Outgoing:
    """Which list? Where there are several."""
    text = "\n".join([say(language, "roster.which"), *(f"– {_summary(each, language)}" for each in rosters)])
    if not abilities.buttons:
        label = repeat_label(rosters[-1].label, language) if rosters else ""
        text += "\n(" + say(language, "ask.type_which_list", label=label) + ")"
        return Outgoing(fit(text, abilities))
    rows = [*_to_lists(rosters, interview, language, removals), _onward(interview, language)]
    return Outgoing(fit(text, abilities), tuple(rows))


def _to_lists(
    rosters: Iterable[Roster], interview: int, language: str, removals: int
) -> Iterator[tuple[Button, ...]]:
    for each in rosters:
        label = shorten(repeat_label(each.label, language), 24)
        about = place_of(each.ref, removals)
        yield (Button(say(language, "button.see_roster", label=label), data(ROSTER, interview, about)),)


def of_member(lines: Iterable[Line], ref: str) -> list[Line]:
    """The lines about the member at ``ref``."""
    return [line for line in lines if any(member.ref == ref for member in line.members)]


def found(lines: Iterable[Line], wanted: str, language: str) -> list[Line]:
    """The lines in which every word of ``wanted`` stands: in the question, the answer, or who it is about."""
    words = fold(wanted).split()

    def hay(line: Line) -> str:
        who = " ".join(f"{member.label} {member.name}" for member in line.members)
        return fold(f"{line.number} {who} {line.label} {said(line.value_label, line.missing, language)}")

    return [line for line in lines if words and all(word in hay(line) for word in words)]


def _edits(
    lines: Sequence[Line], interview: int, abilities: Abilities, removals: int
) -> Iterator[tuple[Button, ...]]:
    edits = [
        Button(f"✎ {line.number}", data(CHANGE, interview, place_of(line.ref, removals)))
        for line in lines[: abilities.buttons_per_message - 8]
    ]
    for start in range(0, len(edits), 5):
        yield tuple(edits[start : start + 5])


def _text(
    head: Sequence[str],
    lines: Sequence[Line],
    tail: str,
    language: str,
    abilities: Abilities,
    inside: str = "",
) -> str:
    listed = ""
    for topic_room, value_room in ROOMS:
        listed = "\n".join(_listed(lines, language, topic_room, value_room, inside))
        text = "\n\n".join(filter(None, [*head, listed, tail]))
        if is_within(text, abilities.text_limit):
            return text
    return within("\n\n".join(head), f"\n{listed}\n", tail, abilities)


def _listed(
    lines: Sequence[Line], language: str, topic_room: int, value_room: int, inside: str
) -> Iterator[str]:
    """The lines, with a heading wherever another member begins; all are about the member at ``inside``."""
    before: tuple[Member, ...] = ()
    for line in lines:
        members = tuple(member for member in line.members if len(member.ref) > len(inside))
        if [member.ref for member in members] != [member.ref for member in before]:
            yield "— " + " › ".join(called(member, language) for member in members) if members else "—"
        before = members
        value = shorten(said(line.value_label, line.missing, language), value_room)
        yield f"{line.number}. {topic(line.label, topic_room)}: {value}"
