"""Every transcript on every channel it can happen on, through the channel's own door.

``pytest tests/conversations --update-conversations`` writes the bot's side anew: read it before keeping it.
"""

from __future__ import annotations

import asyncio
import re
from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bot.commands import RESIDENT
from bot.conversation import COMMANDS, STAFF_COMMANDS
from bot.staff import STAFF
from bot.texts import catalogue
from surveys.forms import ASKED, Kind, Question
from surveys.xform import read_form
from tests.conversations.forms import VI, publications
from tests.conversations.stage import Ground, Stage, lay, staged
from tests.conversations.transcripts import CHANNELS, Exchange, Said, Transcript, everything, write

PARTS = ("asks", "says", "offers", "ticked", "buttons", "picture")
TRANSCRIPTS = everything()
RUNS = [(transcript, channel) for transcript in TRANSCRIPTS for channel in transcript.channels]


@pytest.fixture(scope="session")
def ground(tmp_path_factory: pytest.TempPathFactory) -> Ground:
    """A town's database to copy for each transcript."""
    return lay(tmp_path_factory.mktemp("ground"))


@pytest.fixture
def settled(pytestconfig: pytest.Config) -> None:
    """Only where transcripts stay as they were when the tests were collected."""
    if pytestconfig.getoption("--update-conversations"):
        pytest.skip("the transcripts are being written")


@pytest.mark.parametrize(
    ("transcript", "channel"), RUNS, ids=[f"{transcript.name}-{channel}" for transcript, channel in RUNS]
)
def test_the_bot_says_what_the_transcript_says(
    transcript: Transcript, channel: str, ground: Ground, tmp_path: Path, pytestconfig: pytest.Config
) -> None:
    if pytestconfig.getoption("--update-conversations"):
        if channel == transcript.channels[0]:
            update(transcript, ground, tmp_path)
        return
    heard = asyncio.run(perform(transcript, channel, ground, tmp_path))
    if channel == transcript.channels[0]:
        assert heard == transcript.heard, f"{transcript.path}: heard"


async def perform(transcript: Transcript, channel: str, ground: Ground, folder: Path) -> tuple[str, ...]:
    """Go through a transcript, holding what the bot says against it; what it took messages for."""
    async with staged(transcript, channel, ground, folder) as stage:
        for number, exchange in enumerate(transcript.exchanges, 1):
            said = await stage.act(exchange.act)
            expected = [one for one in exchange.said if channel in one.only]
            where = f"{transcript.path}, on {channel}, {number}. {exchange.act}"
            assert len(said) == len(expected), f"{where}: the bot said {[one.says for one in said]}"
            for got, wanted in zip(said, expected, strict=True):
                for key in differing(wanted, got, buttons=channel != "terminal"):
                    assert getattr(got, key) == getattr(wanted, key), f"{where}: {key}"
        return noted(stage)


def noted(stage: Stage) -> tuple[str, ...]:
    """What the desk heard on the transcript's first channel, by name."""
    return tuple(sorted(stage.desk.heard))


def differing(wanted: Said, got: Said, *, buttons: bool) -> Iterator[str]:
    """What the transcript says and the bot did not. In ``says``, "…" stands for anything."""
    for key in PARTS:
        value = getattr(wanted, key)
        if value is None or (key == "buttons" and not buttons):
            continue
        if key == "says" and got.says is not None and fits(str(value).strip(), got.says):
            continue
        if value != getattr(got, key):
            yield key


def fits(wanted: str, text: str) -> bool:
    """Whether ``text`` is what was wanted, with "…" for anything."""
    parts = (re.escape(part) for part in wanted.split("…"))
    return re.fullmatch("(?s:.*)".join(parts), text) is not None


# ── writing the bot's side anew ─────────────────────────────────────────────────────────────────────────────


def update(transcript: Transcript, ground: Ground, folder: Path) -> None:
    """Write what the bot really says on every channel. What a transcript leaves out, it keeps leaving out; a
    turn without anything of the bot gets everything.
    """
    on: dict[str, list[list[Said]]] = {}
    heard: dict[str, tuple[str, ...]] = {}
    for channel in transcript.channels:
        place = folder / channel
        place.mkdir()
        on[channel], heard[channel] = asyncio.run(record(transcript, channel, ground, place))
    exchanges = [
        Exchange(exchange.act, tuple(merged({c: on[c][n] for c in on}, exchange.said, transcript.channels)))
        for n, exchange in enumerate(transcript.exchanges)
    ]
    header = {**transcript.header, "heard": list(heard[transcript.channels[0]])}
    write(replace(transcript, header=header, exchanges=tuple(exchanges)))


async def record(
    transcript: Transcript, channel: str, ground: Ground, folder: Path
) -> tuple[list[list[Said]], tuple[str, ...]]:
    """What the bot says to each act on one channel."""
    async with staged(transcript, channel, ground, folder) as stage:
        said = [await stage.act(exchange.act) for exchange in transcript.exchanges]
        return said, noted(stage)


def merged(
    said: Mapping[str, Sequence[Said]], before: Sequence[Said], channels: Sequence[str]
) -> Iterator[Said]:
    """One list for all channels: what is the same on several stands once, the rest says where it is said."""
    for number in range(max((len(each) for each in said.values()), default=0)):
        groups: list[tuple[Said, list[str]]] = []
        for channel in channels:
            if number >= len(said[channel]):
                continue
            one = said[channel][number]
            kept = [each for each in before if channel in each.only]
            one = as_detailed(one, kept[number] if number < len(kept) else None)
            for index, (other, places) in enumerate(groups):
                if (together := joined(one, other)) is not None:
                    groups[index] = (together, [*places, channel])
                    break
            else:
                groups.append((one, [channel]))
        for one, places in groups:
            yield replace(one, only=CHANNELS if set(places) == set(channels) else tuple(places))


def joined(one: Said, other: Said) -> Said | None:
    """Two channels' messages as one, if they say the same; a terminal just has no buttons."""
    for name in ("asks", "says", "offers", "ticked", "picture"):
        if getattr(one, name) != getattr(other, name):
            return None
    if one.buttons is not None and other.buttons is not None and one.buttons != other.buttons:
        return None
    return replace(one, buttons=one.buttons if one.buttons is not None else other.buttons)


def as_detailed(one: Said, before: Said | None) -> Said:
    """What the bot says in as much detail as the transcript had."""
    if before is None or all(getattr(before, key) is None for key in PARTS):
        return one
    changed: dict[str, Any] = {}
    for key in PARTS:
        wanted, got = getattr(before, key), getattr(one, key)
        keep = key == "says" and wanted is not None and got is not None and fits(wanted.strip(), got)
        changed[key] = wanted if keep else got if wanted is not None or key in ("ticked", "picture") else None
    return replace(one, **changed)


# ── everything a person can see is in a transcript ──────────────────────────────────────────────────────────

FAMILIES = (
    "code", "confirm", "consent", "contact", "idle", "life", "privacy", "quota", "receipt", "reply",
    "request", "review", "roster",
    "staff", "trial", "turn", "wizard",
)  # fmt: skip
"""Sentences that only chats say: every one of them must stand in a transcript, in Vietnamese."""

NOT_IN_A_CHAT = {
    "contact.by_code": "for a channel without buttons that brings messages to people: none so far",
    "code.not_on_this_channel_no_link": "a deployment without an address of its own has no page to name",
    "life.asks_whoever": "of a preview; its sentences are held by tests/bot/test_campaign_life.py",
    "life.left_out.inactive": "the same",
    "life.left_out.asked_elsewhere": "the same",
    "life.unreached.blocked": "the same",
    "life.unreached.opted_out": "the same",
    "life.sending_never": "the same",
    "reply.confirm_expected": "the terminal alone has no button to acknowledge with, and takes what is close",
    "life.making": "said of a list that takes the worker longer than any transcript's",
    "life.not_opened": "the same",
    "life.opening": "the same",
    "life.size_unfinished": "the same",
    "life.strata_more": "said of more neighbourhoods than any transcript has",
    "reply.members_counted": "without a question to name it ends a word earlier (rosters/counted_elsewhere)",
    "reply.already_submitted": "a form that is handed in is not open: a tap is stale, words go elsewhere",
    "request.human_default": "what staff read of a request without words of the person's own",
    "request.privacy_default": "the same",
    "review.ask_open_typed": "the terminal's words for review.ask_open, which stands for both",
    "review.ask_typed": "the terminal's words for review.ask",
    "review.find": "left out of transcripts: a terminal says it in other words",
    "roster.tap": "the same",
    "roster.tap_change": "the same",
    "trial.campaign": "what a hidden field is given",
    "trial.gone": "a form that is deleted while its report is on the way",
    "trial.more": "of more findings than a message holds",
    "trial.not_fetched": "a platform that does not give a file",
    "trial.report_name": "the name of a file",
    "turn.fault": "said of a message that went into quarantine: never in a transcript",
}
"""Sentences no transcript shows, and why."""

INSIDE = {
    "bind": "carried out by the code of an invitation",
    "assist_as": "tapped in tests/bot/test_assisting.py",
    "forward_to": "what its list of people taps; the list stands in a transcript",
    "location": "sent in tests/bot/test_media.py",
    "lost": "comes from fetching, in tests/bot/test_media.py",
    "no_more": "carried out as an event of the engine",
    "upload": "tapped in tests/bot/test_media.py",
    "write": "tapped in tests/bot/test_questions.py",
    "wizard": "carried out by the submission of a wizard",
}
"""What the desk does that is not heard by its own name."""


def shown(language: str) -> str:
    """Everything the bot says in the transcripts that begin in one language."""
    return "\n\n".join(
        said.says
        for transcript in TRANSCRIPTS
        if transcript.language == language
        for exchange in transcript.exchanges
        for said in exchange.said
        if said.says is not None
    )


FILLED_IN = 400
"""Characters that stand in a sentence's gap at most."""


def stands_in(sentence: str, text: str) -> bool:
    """Whether a sentence with ``{gaps}`` stands in a text: its pieces one after another, each so far from the
    one before as a gap may be long. A regular expression would try every length of every gap.
    """
    ends: list[int] | None = None
    gaps = 0
    for piece in re.split(r"\{[a-z_]+\}", sentence):
        if piece:
            starts = [found.start() for found in re.finditer(re.escape(piece), text)]
            if ends is not None:
                far = gaps * FILLED_IN
                places = [(start, bisect_left(ends, start - far)) for start in starts]
                starts = [s for s, at in places if at < len(ends) and ends[at] <= s - gaps]
            ends, gaps = [start + len(piece) for start in starts], 0
        gaps += 1
    return bool(ends)


@pytest.mark.usefixtures("settled")
def test_every_sentence_of_the_chat_stands_in_a_transcript() -> None:
    everything_said = shown("vi")
    lacking = [
        key
        for key in catalogue("vi")
        if key.partition(".")[0] in FAMILIES
        and key not in NOT_IN_A_CHAT
        and not stands_in(catalogue("vi")[key], everything_said)
    ]
    assert not lacking, lacking


def test_what_is_excused_from_the_transcripts_exists() -> None:
    assert [key for key in NOT_IN_A_CHAT if key not in catalogue("vi")] == []
    assert [name for name in INSIDE if name not in STAFF and name not in RESIDENT] == []


@pytest.mark.usefixtures("settled")
def test_every_kind_of_question_is_asked_in_a_transcript() -> None:
    asked = {said.asks for transcript in TRANSCRIPTS for one in transcript.exchanges for said in one.said}
    kinds = {question.kind for question in questions() if question.name in asked}
    assert kinds >= ASKED


@pytest.mark.usefixtures("settled")
def test_notes_are_shown_in_a_transcript() -> None:
    everything_said = shown("vi")
    notes = [question for question in questions() if question.kind is Kind.NOTE]
    plain = [
        part
        for note in notes
        for part in note.label.by_language[VI]
        if isinstance(part, str) and len(part) > 9
    ]
    assert any(part.strip() in everything_said for part in plain)


def questions() -> Iterator[Question]:
    """Every question of every form that transcripts use."""
    for publication in publications().values():
        form = read_form(publication["xform"], {}).form
        assert form is not None
        yield from form.questions()


@pytest.mark.usefixtures("settled")
def test_every_command_is_heard_in_a_transcript() -> None:
    heard = {name for transcript in TRANSCRIPTS for name in transcript.heard} | set(INSIDE)
    assert sorted({*COMMANDS, *STAFF_COMMANDS, *RESIDENT, *STAFF} - heard) == []


@pytest.mark.usefixtures("settled")
def test_every_transcript_says_what_it_is_about_and_what_the_bot_says() -> None:
    for transcript in TRANSCRIPTS:
        assert str(transcript.header.get("about", "")).endswith("."), transcript.path
        assert any(exchange.said for exchange in transcript.exchanges), transcript.path
