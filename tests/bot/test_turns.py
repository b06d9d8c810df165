"""Turns over a real database: one survey answered from the code to the receipt, once, whatever is
repeated.
"""

from __future__ import annotations

import itertools
import re
import threading
from collections.abc import Iterator, Sequence
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, func, select, text, update

from bot import render, turns
from bot.messages import Inbound, What
from bot.questionnaires import Shelf
from bot.render import data, mark
from bot.submitting import count_campaign, differences
from bot.texts import say
from bot.turns import Turned
from storage import campaigns, counts, events, interviews, outbox, schema, submissions
from storage.interviews import Interview
from tests.benchmarks import survey
from tests.benchmarks.survey import QUESTIONS
from tests.conversations.forms import publications
from tests.town import Resident, Town, found

PATIENCE = 60.0


@pytest.fixture
def town(database_url: str) -> Iterator[Town]:
    place = found(database_url)
    yield place
    place.close()


def answer_everything(person: Resident) -> None:
    """Answer whatever is asked until the review is there, then hand in."""
    for _ in range(60):
        labels = [button.label for row in person.last.rows for button in row]
        if any("Gửi câu trả lời" in label for label in labels):
            person.tap("Gửi câu trả lời")
            return
        if "✔ Xong" in labels:
            person.tap("☐ ")
            person.tap("✔ Xong")
        elif "Đồng ý" in labels:
            person.tap("Đồng ý")
        elif "Tháng, năm sinh" in person.last.text:
            person.say("03/1985")
        elif "1" in labels:
            person.tap("1")
        else:
            person.tap(labels[0])
    raise AssertionError("the interview does not end")


def submitted(town: Town, code: str) -> int:
    progress = town.act("campaign.status", {"campaign": code})["progress"]
    return int(progress["submitted"])


def test_a_code_leads_through_consent_and_questions_to_a_receipt(town: Town) -> None:
    code = town.campaign()
    person = Resident(town)
    person.start(code)
    assert "UBND phường Sài Gòn" in person.last.text
    answer_everything(person)
    assert submitted(town, code) == 1
    waiting = town.database.write(
        lambda c: outbox.claim(c, town.keyring, "telegram", "test", 1, 10, town.now)
    )
    assert [one.message for one in waiting] == ["receipt.thanks"]
    assert waiting[0].params["code"] == code


# ── the short survey, many people ───────────────────────────────────────────────────────────────────────────


@pytest.fixture
def short(database_url: str) -> Iterator[tuple[Town, str]]:
    """A town with a short survey open without consent: *(town, code)*."""
    place = found(database_url, instruments=())
    place.act("instrument.publish", survey.publication())
    yield place, place.campaign(basis="dieu_19", instrument=survey.NAME)
    place.close()


def at_once(town: Town, messages: Sequence[Inbound]) -> list[Turned]:
    """What became of messages that all waited when the lane came free: they make one batch."""
    held, go = threading.Event(), threading.Event()

    def hold(_: object) -> None:
        held.set()
        go.wait(PATIENCE)

    town.database.work(hold)
    assert held.wait(PATIENCE)
    futures = [town.turns.take(message) for message in messages]
    go.set()
    return [future.result(PATIENCE) for future in futures]


_ids = itertools.count(1)


def typed(person: Resident, words: str, event_id: str = "") -> Inbound:
    """A message that somebody types."""
    number = f"n{next(_ids)}"
    return Inbound(
        person.channel, event_id or number, person.address, What.TEXT, words, message=number, language="en"
    )


def tapped(person: Resident, carried: str, event_id: str = "") -> Inbound:
    """A tap on a button that carries ``carried``."""
    number = event_id or f"n{next(_ids)}"
    return Inbound(person.channel, number, person.address, What.TAP, data=carried, message="1", language="en")


def beginner(short: tuple[Town, str]) -> Resident:
    """Somebody who was just asked the first question."""
    person = Resident(short[0], language="en")
    person.start(short[1])
    return person


def interview_of(town: Town, person: Resident) -> Interview:
    """The one interview of a person."""

    def look(connection: Connection) -> Interview:
        (key,) = interviews.of_contact(connection, person.contact_id)
        return interviews.find(connection, town.keyring, [key])[key]

    return town.database.write(look)  # It locks what it finds.


def history(town: Town, person: Resident) -> list[tuple[str, str | None, str | None]]:
    """The answer log of a person's interview: *(question, value, missing)*."""
    key = interview_of(town, person).id
    lines = town.database.read(lambda connection: interviews.answer_history(connection, town.keyring, key))
    return [(ref.rpartition("/")[2], value, missing) for ref, value, missing, _ in lines]


def quarantined(town: Town) -> list[Any]:
    return town.database.read(events.quarantined)


def rows_of(town: Town, table: Any) -> list[Any]:
    return town.database.read(lambda connection: list(connection.execute(select(table))))


def number_of(town: Town, table: Any) -> int:
    return town.database.read(lambda c: int(c.execute(select(func.count()).select_from(table)).scalar_one()))


EVERYTHING = {"age": "34", "household": "4", "first": "Sửa đường cạnh chợ.", "services": "1, 3"}
"""What to type for a question; *1* for any other."""


def all_answers(person: Resident, **other: str) -> list[Inbound]:
    """The whole survey typed in advance, handed in at the end."""
    words = {**EVERYTHING, **other}
    return [
        *(typed(person, words.get(question.name, "1")) for question in QUESTIONS),
        typed(person, "submit"),
    ]


# Once, whatever is repeated and in whatever order it comes


def test_an_event_that_comes_again_changes_nothing_and_brings_the_prompt(short: tuple[Town, str]) -> None:
    town, _ = short
    person = beginner(short)
    first = typed(person, "male")
    asked = town.turns.take(first).result(PATIENCE).reply
    before = interview_of(town, person)
    again = [town.turns.take(first).result(PATIENCE).reply for _ in range(3)]
    assert again == [asked] * 3
    assert interview_of(town, person) == before
    assert history(town, person) == [("sex", "c1", None)]


def test_an_event_that_comes_twice_in_one_batch_counts_once(short: tuple[Town, str]) -> None:
    town, _ = short
    people = [beginner(short) for _ in range(3)]
    messages = [typed(person, "1") for person in people]
    replies = [turned.reply for turned in at_once(town, [*messages, *messages, *messages])]
    assert all(reply is not None and QUESTIONS[1].label in reply.text for reply in replies)
    assert [history(town, person) for person in people] == [[("sex", "c1", None)]] * 3


def test_a_start_that_comes_twice_in_one_batch_begins_one_interview(short: tuple[Town, str]) -> None:
    town, code = short
    start = Inbound("telegram", "once", "77001", What.OPENED, code, language="en")
    replies = [turned.reply for turned in at_once(town, [start, start])]
    assert all(reply is not None and QUESTIONS[0].label in reply.text for reply in replies)
    assert number_of(town, schema.contacts) == number_of(town, schema.interviews) == 1


def test_taps_that_overtake_each_other_each_answer_their_own_question(short: tuple[Town, str]) -> None:
    town, _ = short
    person = beginner(short)
    key = interview_of(town, person).id
    water, sex = (data(render.CHOOSE, key, mark(name), mark("c2")) for name in ("water", "sex"))
    at_once(town, [tapped(person, water), tapped(person, sex)])
    assert set(history(town, person)) <= {("sex", "c2", None), ("water", "c2", None)}
    assert ("sex", "c2", None) in history(town, person)
    reply = town.turns.take(typed(person, "34")).result(PATIENCE).reply
    assert reply is not None and QUESTIONS[2].label in reply.text


def test_what_follows_the_handing_in_within_one_batch_belongs_to_what_comes_after(
    short: tuple[Town, str],
) -> None:
    town, code = short
    person, other = beginner(short), beginner(short)
    late = typed(person, "hello")
    replies = at_once(town, [*all_answers(person), late, typed(other, "2")])
    assert submitted(town, code) == 1
    assert replies[-2].reply is not None and "Question" not in replies[-2].reply.text
    assert history(town, other) == [("sex", "c2", None)]
    assert len(history(town, person)) == len(QUESTIONS)


# What is damaged, foreign or too long harms nobody else


def test_an_event_that_cannot_be_dealt_with_goes_into_quarantine_and_the_others_pass(
    short: tuple[Town, str],
) -> None:
    town, _ = short
    damaged, *others = (beginner(short) for _ in range(5))
    key = interview_of(town, damaged).id

    def damage(connection: Connection) -> None:
        sealed = connection.execute(
            select(schema.interviews.c.document_sealed).where(schema.interviews.c.id == key)
        ).scalar_one()
        broken = bytes(sealed[:-1]) + bytes([sealed[-1] ^ 1])
        connection.execute(
            update(schema.interviews).where(schema.interviews.c.id == key).values(document_sealed=broken)
        )

    town.database.write(damage)
    poison = typed(damaged, "1")
    turned = at_once(town, [typed(others[0], "1"), poison, *(typed(person, "1") for person in others[1:])])
    assert [history(town, person) for person in others] == [[("sex", "c1", None)]] * 4
    told = turned[1].reply
    assert told is not None and told.text, "the person is told"
    assert QUESTIONS[1].label not in told.text
    (kept,) = quarantined(town)
    assert kept[1:3] == (poison.channel, poison.event_id)
    # The channel repeats it: told again, kept once.
    town.turns.take(poison).result(PATIENCE)
    at_once(town, [poison, typed(others[0], "34")])
    assert len(quarantined(town)) == 1
    assert ("age", "34", None) in history(town, others[0])


def test_a_tap_of_somebody_nobody_knows_is_answered(short: tuple[Town, str]) -> None:
    town, _ = short
    known = beginner(short)
    key = interview_of(town, known).id
    for carried in ("", "x", "c1.zzz", data(render.CHOOSE, key, mark("sex"), mark("c1")), "c" + "9" * 60):
        stranger = Resident(town, language="en")
        turned = town.turns.take(tapped(stranger, carried)).result(PATIENCE)
        assert turned.reply is not None
        assert "Question" not in turned.reply.text
    assert history(town, known) == [], "a button of somebody else's interview does nothing to it"
    assert quarantined(town) == []


def test_one_persons_button_in_another_persons_hands_changes_neither(short: tuple[Town, str]) -> None:
    town, _ = short
    one, other = beginner(short), beginner(short)
    key = interview_of(town, one).id
    for carried in (
        data(render.CHOOSE, key, mark("sex"), mark("c1")),
        data(render.BACK, key),
        data(render.SUBMIT, key),
        data(render.AMEND, key),
        data(render.CHANGE, key, mark("sex")),
    ):
        at_once(town, [tapped(other, carried), tapped(other, carried)])
    assert history(town, one) == history(town, other) == []
    assert interview_of(town, one).status == "open"


@pytest.mark.parametrize("length", [5_000, 100_000])
def test_a_text_that_is_far_too_long_is_refused_and_nothing_else(
    short: tuple[Town, str], length: int
) -> None:
    town, _ = short
    person, other = beginner(short), beginner(short)
    flood = "ngập " * (length // 5)
    at_once(town, [*all_answers(person)[:-2], *all_answers(other)[:-2]])
    turned = at_once(town, [typed(person, flood), typed(other, "Đường cạnh chợ.")])
    assert turned[0].reply is not None and "4,000" in turned[0].reply.text.replace("4000", "4,000")
    assert [name for name, *_ in history(town, person)] == [question.name for question in QUESTIONS[:-1]]
    assert history(town, other)[-1] == ("first", "Đường cạnh chợ.", None)
    # As a first message, a command or a code, too.
    for words in (flood, "/" + flood, "/start " + flood):
        stranger = Resident(town, language="en")
        assert stranger.say(words) is not None
        assert stranger.start(words) is not None
    assert quarantined(town) == []


def test_what_people_write_stands_nowhere_in_plain_text(
    short: tuple[Town, str], tmp_path: Path, database_url: str
) -> None:
    town, _ = short
    person = Resident(town, address="918273645001", language="en")
    person.start(short[1])
    at_once(
        town, [typed(person, words) for words in ("1", "34", "3", "2", "1", "2", "2, 4", "1", "17", "3", "2")]
    )
    person.say("đường-cạnh-chợ-bị-ngập")
    person.say("/request xin-xóa-dữ-liệu-của-tôi")
    key = interview_of(town, person).id
    person.send(What.TAP, data=data(render.CHANGE, key, mark("first")))
    person.say("cầu-gần-trường-bị-gãy")
    person.say("submit")
    spoil = update(schema.interviews).values(document_sealed=b"\x02k1broken")
    town.database.write(lambda connection: connection.execute(spoil))
    stranger = Resident(town, address="918273645002", language="en")
    stranger.start(short[1])
    town.database.write(lambda connection: connection.execute(spoil))
    stranger.say("lời-của-người-bị-cách-ly")
    assert len(quarantined(town)) == 1
    secrets = (
        "918273645001", "918273645002", "đường-cạnh-chợ", "cầu-gần-trường", "xin-xóa-dữ-liệu",
        "người-bị-cách-ly",
    )  # fmt: skip
    everything = b""
    for table in schema.metadata.sorted_tables:
        for row in rows_of(town, table):
            everything += b"".join(
                value if isinstance(value, bytes) else f"{value}\0".encode() for value in row
            )
    town.database.write(lambda connection: connection.execute(text("SELECT 1")))
    for file in tmp_path.glob("hoidan.db*"):
        if file.is_file():
            everything += file.read_bytes()
    assert everything
    assert [secret for secret in secrets if secret.encode() in everything] == []


# However turns are batched, the outcome is that of one after another

ACTS = st.one_of(
    st.tuples(st.just("choose"), st.integers(0, len(QUESTIONS) - 1), st.integers(1, 5)),
    st.tuples(st.just("toggle"), st.just(6), st.integers(1, 6)),
    st.tuples(st.just("type"), st.sampled_from(["1", "2", "34", "7", "many", "Đường.", "2, 4"]), st.just(0)),
    st.tuples(
        st.just("type"), st.sampled_from(["back", "review", "/help", "submit", "xin chào", "3"]), st.just(0)
    ),
    st.tuples(
        st.sampled_from(["done", "back", "change", "keep", "submit"]),
        st.integers(0, len(QUESTIONS) - 1),
        st.just(0),
    ),
)


def acted(person: Resident, key: int, act: tuple[str, Any, int]) -> Inbound:
    """One act of a person on the interview ``key``."""
    kind, what, choice = act
    if kind == "type":
        return typed(person, what)
    question = mark(QUESTIONS[what].name)
    match kind:
        case "choose":
            return tapped(person, data(render.CHOOSE, key, question, mark(f"c{choice}")))
        case "toggle":
            return tapped(person, data(render.TOGGLE, key, question, mark(f"c{choice}")))
        case "done":
            return tapped(person, data(render.DONE, key, question))
        case "change":
            return tapped(person, data(render.CHANGE, key, question))
        case "keep":
            return tapped(person, data(render.KEEP, key, question))
        case "back":
            return tapped(person, data(render.BACK, key))
    return tapped(person, data(render.SUBMIT, key))


RECEIPT = re.compile(r"\b[0-9A-Z]{9}(?:[0-9A-Z]|-[0-9]+)*\b")
SMALL = settings(
    max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


@SMALL
@given(
    acts=st.lists(st.lists(ACTS, max_size=8), min_size=2, max_size=4),
    filled=st.integers(0, len(QUESTIONS)),
    order=st.randoms(use_true_random=False),
)
def test_turns_taken_together_come_to_the_same_as_one_after_another(
    short: tuple[Town, str], acts: list[list[tuple[str, Any, int]]], filled: int, order: Any
) -> None:
    town, _ = short
    outcomes = []
    for together in (False, True):
        people = [beginner(short) for _ in acts]
        keys = [interview_of(town, person).id for person in people]
        waiting = [
            [*all_answers(person)[:filled], *(acted(person, key, act) for act in theirs)]
            for person, key, theirs in zip(people, keys, acts, strict=True)
        ]
        last: dict[str, str] = {}

        def note(message: Inbound, turned: Turned, last: dict[str, str] = last) -> None:
            # Each has a receipt of their own.
            last[message.address] = RECEIPT.sub("…", turned.reply.text) if turned.reply else ""

        if together:
            mixed: list[Inbound] = []
            queues = [iter(each) for each in waiting]
            while queues:
                queue = order.choice(queues)
                message = next(queue, None)
                if message is None:
                    queues.remove(queue)
                else:
                    mixed.append(message)
            while mixed:
                size = order.randint(1, 12)
                for message, turned in zip(mixed[:size], at_once(town, mixed[:size]), strict=True):
                    note(message, turned)
                del mixed[:size]
        else:
            for each in waiting:
                for message in each:
                    note(message, town.turns.take(message).result(PATIENCE))
        states = [interview_of(town, person) for person in people]
        outcomes.append(
            (
                [(one.state, one.status) for one in states],
                [history(town, person) for person in people],
                [last.get(person.address) for person in people],
            )
        )
    assert outcomes[0] == outcomes[1]
    assert quarantined(town) == []


# Members of a household

LISTED = ("2", "Lan", "40", "Minh", "41", "Đồng Trên", "2", "hết rồi", "có")
"""A household of two and one field, up to the review."""

WISHES = st.sampled_from(
    [
        "3", "1", "Hoa", "30", "có", "không", "thêm", "hết rồi", "danh sách", "thành viên", "bỏ 1", "xóa Lan",
        "bỏ người 2", "sửa 1", "sửa 4", "quay lại", "xem lại", "tiếp tục", "xem lại tuổi", "gửi", "English",
    ]
)  # fmt: skip


@pytest.fixture
def home(database_url: str) -> Iterator[tuple[Town, str]]:
    """A town with a survey about a household's members and fields: *(town, code)*."""
    place = found(database_url, instruments=())
    place.act("instrument.publish", publications()["gia_dinh"])
    yield place, place.campaign(basis="dieu_19", instrument="gia-dinh")
    place.close()


def living(home: tuple[Town, str], *said: str) -> Resident:
    """Somebody who answers about a home, after saying some things."""
    town, code = home
    person = Resident(town)
    person.start(code)
    for words in said:
        person.say(words, message=f"m{words}")
    return person


@SMALL
@given(st.integers(0, len(LISTED)), st.lists(WISHES, max_size=12))
def test_going_on_from_the_last_step_comes_to_the_same_as_working_everything_out_anew(
    home: tuple[Town, str], filled: int, wishes: list[str]
) -> None:
    town, _ = home
    outcomes = []
    for kept in (turns.KEPT_STEPS, 0):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(turns, "KEPT_STEPS", kept)
            person = living(home, *LISTED[:filled], *wishes)
        one = interview_of(town, person)
        shown = [re.sub(r"[2-9A-HJ-NP-Z]{10}", "", message.text) for message in person.seen]
        outcomes.append((one.state, one.status, history(town, person), shown))
    assert outcomes[0] == outcomes[1]
    assert quarantined(town) == []


def test_the_log_keeps_every_version_of_an_answer_and_who_was_added_and_taken_out(
    home: tuple[Town, str],
) -> None:
    town, _ = home
    person = living(home, *LISTED)
    for words in ("sửa 3", "42", "xóa Lan", "có", "thêm thành viên", "có"):
        person.say(words)
    log = [(row.what, row.ref, row.way) for row in rows_of(town, schema.answer_log)]
    assert log.count(("answer", "/data/nguoi[1]/tuoi", "text")) == 2
    assert ("removed", "/data/nguoi[1]", "text") in log
    assert ("added", "/data/nguoi[2]", "text") in log
    assert ("nguoi[1]", "Lan", None) in history(town, person)
    assert log.count(("answer", "/data/so_nguoi", "text")) == 3


def test_an_edited_message_changes_the_member_it_was_about_whatever_their_number_is_now(
    home: tuple[Town, str],
) -> None:
    town, _ = home
    person = living(home, *LISTED, "xóa Lan", "có")
    person.send(What.EDIT, text="55", message="m41")
    answers = interview_of(town, person).state.answers
    assert (answers["/data/nguoi[1]/ten"], answers["/data/nguoi[1]/tuoi"]) == ("Minh", "55")
    reply = person.send(What.EDIT, text="66", message="m40").reply
    assert reply is not None
    assert say("vi", "roster.edit_gone") in reply.text
    assert interview_of(town, person).state.answers == answers


def test_the_page_of_a_list_is_remembered_and_forgotten_with_the_question(home: tuple[Town, str]) -> None:
    town, _ = home
    person = living(home, "20")
    person.say("danh sách")
    person.tap("▶")
    assert "9. Thành viên 9" in person.last.text
    assert rows_of(town, schema.sessions)[-1].page == 1
    person.say("tiếp tục")
    assert rows_of(town, schema.sessions)[-1].page == 0


def test_who_is_not_understood_three_times_is_offered_a_human_until_something_is(
    home: tuple[Town, str],
) -> None:
    town, _ = home
    person = living(home, "mèo", "chó", "gà")
    assert say("vi", "ask.human") in person.last.text
    assert rows_of(town, schema.sessions)[-1].misread == 3
    person.say("2")
    assert say("vi", "ask.human") not in person.last.text
    assert rows_of(town, schema.sessions)[-1].misread == 0


# Counts


def agree(town: Town, code: str) -> tuple[list[Any], int]:
    """What counting all submissions anew finds different, and how many submissions there are."""

    def look(connection: Connection) -> tuple[list[Any], int]:
        campaign = campaigns.expect(connection, code)
        fresh, number = count_campaign(connection, town.keyring, Shelf(), campaign.id)
        return differences(fresh, dict(counts.cells(connection, campaign.id))), number

    return town.database.read(look)


@SMALL
@given(
    steps=st.lists(
        st.one_of(
            st.tuples(st.just("submit"), st.integers(1, 5)),
            st.tuples(st.just("amend"), st.integers(0, 10)),
            st.tuples(st.just("fold"), st.integers(1, 40)),
        ),
        max_size=12,
    )
)
def test_ledger_and_cube_are_what_counting_all_submissions_anew_gives(
    short: tuple[Town, str], steps: list[tuple[str, int]]
) -> None:
    town, _ = short
    code = town.campaign(basis="dieu_19", instrument=survey.NAME)
    done: list[Resident] = []
    for kind, number in steps:
        if kind == "submit":
            person = beginner((town, code))
            given = {"water": str(number), "sex": str(1 + number % 3), "age": str(15 + number * 7)}
            at_once(town, all_answers(person, **given))
            done.append(person)
        elif kind == "amend" and done:
            person = done[number % len(done)]
            key = interview_of(town, person).id
            person.send(What.TAP, data=data(render.AMEND, key))
            at_once(
                town,
                [
                    tapped(person, data(render.CHANGE, key, mark("water"))),
                    typed(person, str(1 + number % 5)),
                    tapped(person, data(render.SUBMIT, key)),
                ],
            )
            assert interview_of(town, person).status == "submitted"
        elif kind == "fold":
            town.database.write(partial(counts.fold, limit=number), bulk=True)
        assert agree(town, code) == ([], len(done))
    filed = town.database.read(
        lambda connection: [
            submissions.latest(connection, town.keyring, interview_of(town, person).id) for person in done
        ]
    )
    assert all(one is not None for one in filed)


def test_a_submission_amended_twice_keeps_its_revisions_and_counts_once(short: tuple[Town, str]) -> None:
    town, code = short
    person = beginner(short)
    at_once(town, all_answers(person))
    key = interview_of(town, person).id
    for choice in ("c3", "c5"):
        person.send(What.TAP, data=data(render.AMEND, key))
        person.send(What.TAP, data=data(render.CHOOSE, key, mark("water"), mark(choice)))
        person.send(What.TAP, data=data(render.SUBMIT, key))
    assert agree(town, code) == ([], 1)
    newest = town.database.read(lambda connection: submissions.latest(connection, town.keyring, key))
    assert newest is not None
    assert newest.revision == 3
    assert newest.result.values[f"/{newest_root(newest)}/water"] == "c5"
    current = select(func.count()).where(schema.person_rows.c.current.is_(True))
    assert town.database.read(lambda connection: connection.execute(current).scalar_one()) == 1
    receipts = town.database.write(
        lambda connection: outbox.claim(connection, town.keyring, "telegram", "test", 1, 10, town.now)
    )
    assert len({one.params["receipt"] for one in receipts}) == 3


def newest_root(filed: submissions.Submission) -> str:
    """The name of the form's root."""
    return next(iter(filed.result.values)).split("/")[1]


def test_an_interview_of_a_campaign_that_was_closed_meanwhile_takes_no_more_answers(
    short: tuple[Town, str],
) -> None:
    town, code = short
    person, other = beginner(short), beginner(short)
    town.act("campaign.close", {"campaign": code})
    turned = at_once(town, [typed(person, "1"), typed(other, "2")])
    assert history(town, person) == history(town, other) == []
    assert all(one.reply is not None and "Question 2" not in one.reply.text for one in turned)
    assert date.fromisoformat(interview_of(town, person).campaign_ends) >= town.today


def test_what_the_gate_refuses_in_a_chat_is_audited_like_anywhere_else(town: Town) -> None:
    account = town.act("account.create", {"name": "Cán bộ Bến Thành"})
    town.act("account.grant", {"account": account["id"], "role": "ward_staff", "area": "2025-07-01/26743"})
    code = town.campaign()
    staff = Resident(town)
    staff.say(town.act("account.invite", {"account": account["id"]})["code"])
    staff.say(f"/dongchiendich {code} co")
    rows = [row for row in town.act("audit.list")["entries"] if row["account"] == account["id"]]
    assert ("campaign.close", "refused") in [(row["action"], row["outcome"]) for row in rows]
