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
from tests.conversations.transcripts import CHANNELS, FOLDER, Exchange, Said, Transcript, everything, write

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

SELDOM = "tests/bot/test_seldom_said.py::test_"
RENDERED = "tests/bot/test_render.py::test_"
NOT_IN_A_CHAT = {
    "contact.by_code": SELDOM + "a_channel_without_buttons_is_told_to_send_the_code",
    "code.not_on_this_channel_no_link": SELDOM
    + "where_nothing_leads_to_a_page_of_ours_people_are_sent_to_the_staff",
    "life.approval_sent": "tests/bot/test_campaign_life.py::"
    "test_two_members_of_staff_settle_an_approval_in_the_chat",
    "life.making": SELDOM + "while_a_big_campaign_is_opened_staff_are_told_how_far_it_is",
    "life.size_unfinished": SELDOM + "a_campaign_whose_opening_was_killed_is_shown_as_unfinished",
    "reply.members_counted": "tests/surveys/test_interview_rosters.py::"
    "test_a_refusal_names_the_question_that_governs_even_if_it_is_not_asked_any_more",
    "reply.already_submitted": "tests/surveys/test_interview.py::"
    "test_after_handing_in_nothing_is_taken_any_more",
    "review.ask_open_typed": RENDERED + "an_early_review_leads_on_to_what_is_open",
    "review.ask_typed": RENDERED + "every_page_of_a_long_review_shows_every_line_of_it_and_what_to_do",
    "review.find": RENDERED + "a_review_of_hundreds_of_questions_still_says_what_to_do",
    "roster.tap": SELDOM + "a_roster_says_what_its_buttons_do",
    "roster.tap_change": SELDOM + "a_roster_says_what_its_buttons_do",
    "trial.campaign": SELDOM + "a_form_on_trial_is_told_a_campaign_that_is_none",
    "trial.gone": SELDOM + "a_report_on_a_form_that_is_deleted_meanwhile_says_so",
    "trial.more": "tests/bot/test_trials.py::"
    "test_errors_are_told_with_sheet_row_and_column_the_first_of_them",
    "trial.not_fetched": "tests/bot/test_trials.py::"
    "test_a_document_that_can_not_be_fetched_is_told_and_can_be_sent_again",
    "trial.report_name": "tests/bot/test_trials.py::"
    "test_the_page_sends_a_form_and_gets_the_whole_report_as_a_file",
    "turn.fault": SELDOM + "whoever_wrote_what_goes_into_quarantine_is_told_so_and_their_answers_stay",
}
"""Sentences that stand in no transcript, and the test, or the transcript, that holds them: a channel or a
moment that transcripts don't have, a line that they leave out since only one channel says it, a sentence
whose gap is at its end and stays empty, the name of a file.
"""

INSIDE = {
    "bind": "staff/sign_in",
    "wizard": "staff/a_new_campaign",
    "ask_approval": "tests/bot/test_campaign_life.py::"
    "test_two_members_of_staff_settle_an_approval_in_the_chat",
}
"""What the desk does that is not heard by its own name, and the transcript it is done in: by the code of an
invitation, by the submission of a wizard; or that takes two members of staff, and the test it is held by.
"""


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
def test_what_is_excused_is_not_shown_and_is_held_by_what_is_named() -> None:
    everything_said = shown("vi")
    assert [key for key in NOT_IN_A_CHAT if stands_in(catalogue("vi")[key], everything_said)] == []
    assert [name for name in INSIDE if any(name in transcript.heard for transcript in TRANSCRIPTS)] == []
    names = {transcript.name for transcript in TRANSCRIPTS}
    for held_by in (*NOT_IN_A_CHAT.values(), *INSIDE.values()):
        file, _, test = held_by.partition("::")
        if test:
            assert f"def {test}(" in (FOLDER.parents[1] / file).read_text("utf-8"), held_by
        else:
            assert file in names, held_by


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
