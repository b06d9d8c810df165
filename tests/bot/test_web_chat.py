"""The web chat as a page speaks it: over real sockets, to a real server, on a real database."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import WSMsgType, WSServerHandshakeError

from bot.channels.webchat import CHANNEL, FRAME_LIMIT, INLINE_LIMIT, content
from bot.messages import Outgoing
from bot.web.limits import Gate
from storage import outbox, tallies
from storage.outbox import Draft
from tests.bot.served import PATIENCE, Visitor, eventually, new_id, served, visitor
from tests.town import Town, found


@pytest.fixture
def town(tmp_path: Path) -> Iterator[Town]:
    place = found(f"sqlite:///{tmp_path / 'hoidan.db'}")
    yield place
    place.close()


def submitted(town: Town, code: str) -> int:
    return int(town.act("campaign.status", {"campaign": code})["progress"]["submitted"])


def unsent(town: Town) -> int:
    counted = town.database.read(lambda connection: tallies.unsent(connection, [CHANNEL]))
    return sum(counted.values())


def queue(town: Town, contact_id: int, key: str) -> None:
    draft = Draft(CHANNEL, contact_id, key, "turn.stopped", {})
    town.database.write(lambda connection: outbox.queue(connection, town.keyring, [draft], town.now))


def only_contact(town: Town) -> int:
    """The id of the only contact: the first one made."""
    return 1


def test_a_link_with_a_code_leads_through_the_interview_to_the_receipt(town: Town) -> None:
    async def story() -> None:
        code = town.campaign()
        async with served(town) as place, visitor(place.base) as person:
            await person.connect(code)
            assert "UBND phường Sài Gòn" in person.last["text"]
            await person.answer_everything()
            await person.tap("Gửi câu trả lời")
            receipt = await person.notice()
            assert "Mã biên nhận" in receipt["text"] and "Khảo sát năm 2026" in receipt["text"]
            assert {"office": "UBND phường Sài Gòn", "title": "Khảo sát năm 2026"} in [
                frame["asking"] for frame in person.frames if "asking" in frame
            ]
            await eventually(lambda: unsent(town) == 0)
        assert submitted(town, code) == 1

    asyncio.run(story())


async def at_ticks(person: Visitor) -> list[dict[str, Any]]:
    for _ in range(40):
        ticks = [button for button in person.buttons() if button["role"] == "tick"]
        if ticks:
            return ticks
        assert await person.answer()
    raise AssertionError("no question to tick")


def test_ticks_change_the_same_question_and_count_with_done(town: Town) -> None:
    async def story() -> None:
        code = town.campaign()
        async with served(town) as place, visitor(place.base) as person:
            await person.connect(code)
            ticks = await at_ticks(person)
            assert [button["ticked"] for button in ticks] == [False] * len(ticks)
            assert not any(button["label"].startswith(("☑", "☐")) for button in ticks)
            question = person.last["text"]
            await person.tap(ticks[0]["label"])
            assert person.last["ticks"] and person.last["text"] == question
            assert next(button["ticked"] for button in person.buttons() if button["role"] == "tick")
            await person.tap("Xong")
            assert person.last["text"] != question

    asyncio.run(story())


def test_a_message_sent_again_after_a_lost_acknowledgement_counts_once(town: Town) -> None:
    async def story() -> None:
        code = town.campaign()
        async with served(town) as place, visitor(place.base) as person:
            await person.connect(code)
            await person.tap("Đồng ý")
            asked = person.last["text"]
            first = next(button for button in person.buttons() if button["role"] == "choice")
            frame = {"id": new_id(), "tap": first["data"], "message": "1"}
            taken = town.turns.taken
            await person.put(frame)
            await eventually(lambda: town.turns.taken > taken)
            await person.drop()
            await person.connect(quiet=True)
            await person.put(frame)
            await person.until("ack", frame["id"])
            after = person.last["text"]
            assert after != asked
            await person.send(frame | {"id": frame["id"]})
            assert person.last["text"] == after

    asyncio.run(story())


def test_a_notice_the_page_had_not_acknowledged_comes_again_and_an_acknowledged_one_does_not(
    town: Town,
) -> None:
    async def story() -> None:
        async with served(town) as place, visitor(place.base) as person:
            await person.connect()
            queue(town, only_contact(town), "first")
            assert person.ws is not None
            message = await person.ws.receive(PATIENCE)
            lost = message.json()["seq"]
            await person.drop()
            await person.connect()
            again = await person.until("seq")
            assert again["seq"] == lost
            await eventually(lambda: unsent(town) == 0)
            queue(town, only_contact(town), "second")
            assert (await person.until("seq"))["seq"] != lost

    asyncio.run(story())


def test_a_notice_the_page_names_in_its_hello_is_not_sent_again(town: Town) -> None:
    async def story() -> None:
        async with served(town) as place, visitor(place.base) as person:
            await person.connect()
            queue(town, only_contact(town), "first")
            assert person.ws is not None
            shown = (await person.ws.receive(PATIENCE)).json()["seq"]
            await person.drop()
            await person.connect(seen=[shown])
            await eventually(lambda: unsent(town) == 0)
            queue(town, only_contact(town), "second")
            assert (await person.until("seq"))["seq"] != shown

    asyncio.run(story())


def test_what_a_dead_process_had_claimed_is_sent_by_the_next(town: Town) -> None:
    async def story() -> None:
        async with visitor("") as person:
            async with served(town) as place:
                person.base = place.base
                await person.connect()
            queue(town, only_contact(town), "claimed")
            town.database.write(
                lambda connection: outbox.claim(connection, town.keyring, CHANNEL, "dead", 0, 9, town.now)
            )
            async with served(town, port=place.port):
                await person.connect()
                await person.notice()

    asyncio.run(story())


def test_an_edited_message_changes_the_answer_it_gave(town: Town) -> None:
    async def story() -> None:
        code = town.campaign()
        async with served(town) as place, visitor(place.base) as person:
            await person.connect(code)
            while "Tháng, năm sinh" not in person.last["text"]:
                assert await person.answer()
            told = new_id()
            await person.send({"id": told, "text": "03/1985"})
            await person.send({"edit": "04/1986", "message": told})
            await person.say("xem lại")
            assert "04/1986" in person.last["text"] and "03/1985" not in person.last["text"]

    asyncio.run(story())


def test_the_language_can_be_changed_and_every_frame_says_which_it_is(town: Town) -> None:
    async def story() -> None:
        async with served(town) as place, visitor(place.base) as person:
            await person.connect()
            answer = await person.send({"language": "en"})
            assert answer["language"] == answer["prompt"]["language"] == "en"

    asyncio.run(story())


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://127.0.0.1.evil.example"])
def test_a_socket_of_somebody_elses_page_is_refused(town: Town, origin: str) -> None:
    async def story() -> None:
        async with served(town) as place, visitor(place.base) as person:
            with pytest.raises(WSServerHandshakeError) as refused:
                await person.open(origin=origin)
            assert refused.value.status == 403

    asyncio.run(story())


def test_the_public_address_is_an_origin_of_ours(town: Town) -> None:
    async def story() -> None:
        public = "https://khaosat.example"
        async with served(town, HOIDAN_PUBLIC_URL=public) as place, visitor(place.base) as person:
            async with person.http.get(f"{place.base}/chat") as page:
                cookie = page.cookies["hoidan"]
            assert cookie["secure"] and cookie["httponly"] and cookie["samesite"] == "Lax"
            assert cookie["path"] == "/chat"
            await person.open(origin=public)
            assert person.ws is not None and not person.ws.closed

    asyncio.run(story())


def test_a_browser_without_cookies_is_told_so_by_a_close_code(town: Town) -> None:
    async def story() -> None:
        async with served(town) as place, visitor(place.base) as person:
            await person.open()
            assert person.ws is not None
            assert (await person.ws.receive(PATIENCE)).type is WSMsgType.CLOSE
            assert person.ws.close_code == 4401

    asyncio.run(story())


MALFORMED = [
    "", "{", "[]", "null", "7", '"hello"', "{}", '{"text": "a"}', '{"id": "short", "text": "a"}',
    '{"id": "0123456789abcdef", "text": "a", "tap": "b"}', '{"id": "0123456789abcdef", "text": 5}',
    '{"id": "0123456789abcdef", "text": "\\ud800"}', '{"seen": -1}', '{"seen": 1e30}', '{"ping": true}',
    '{"id": "0123456789abcdef", "tap": "' + "x" * 65 + '"}', "[" * 5_000,
    '{"hello": {"id": "' + "a" * 41 + '"}}',
]  # fmt: skip


@pytest.mark.parametrize("raw", MALFORMED, ids=range(len(MALFORMED)))
def test_a_malformed_frame_is_refused_and_the_conversation_goes_on(town: Town, raw: str) -> None:
    async def story() -> None:
        async with served(town) as place, visitor(place.base) as person:
            await person.connect()
            assert person.ws is not None
            await person.ws.send_str(raw)
            await person.until("error", "malformed")
            await person.say("xin chào")

    asyncio.run(story())


def test_nothing_is_taken_before_the_hello_and_too_much_nonsense_ends_the_socket(town: Town) -> None:
    async def story() -> None:
        async with served(town) as place, visitor(place.base) as person:
            async with person.http.get(f"{place.base}/chat"):
                pass
            await person.open()
            assert person.ws is not None
            for _ in range(10):
                await person.put({"id": new_id(), "text": "a"})
            while (message := await person.ws.receive(PATIENCE)).type is WSMsgType.TEXT:
                assert message.json() == {"error": "malformed"}
            assert person.ws.close_code == 4429 and town.turns.taken == 0

    asyncio.run(story())


def test_a_text_of_a_hundred_thousand_characters_gets_an_answer(town: Town) -> None:
    async def story() -> None:
        code = town.campaign()
        async with served(town) as place, visitor(place.base) as person:
            await person.connect(code)
            await person.say("a" * 100_000)
            assert person.last["text"]
            await person.tap("Đồng ý")

    asyncio.run(story())


def test_a_frame_over_the_limit_ends_the_socket(town: Town) -> None:
    async def story() -> None:
        async with served(town) as place, visitor(place.base) as person:
            await person.connect()
            await person.put({"id": new_id(), "text": "a" * FRAME_LIMIT})
            assert person.ws is not None
            while (await person.ws.receive(PATIENCE)).type is WSMsgType.TEXT:
                pass
            assert person.ws.close_code == 1009

    asyncio.run(story())


def test_a_page_that_sends_too_fast_is_asked_to_wait_and_loses_nothing(town: Town) -> None:
    async def story() -> None:
        async with served(town) as place, visitor(place.base) as person:
            await person.connect()
            frames = [{"id": new_id(), "text": "xin chào"} for _ in range(120)]
            for frame in frames:
                await person.put(frame)
            answers = [await person.get() for _ in frames]
            busy = [answer for answer in answers if "busy" in answer]
            assert busy and all(answer["busy"] >= 1 for answer in busy)
            done = {answer["ack"] for answer in answers if "ack" in answer}
            assert done | {answer["id"] for answer in busy} == {frame["id"] for frame in frames}

    asyncio.run(story())


def test_no_more_pages_are_opened_than_the_gate_lets_in(town: Town) -> None:
    async def story() -> None:
        async with served(town, gate=Gate(sockets=1)) as place, visitor(place.base) as first:
            await first.connect()
            async with visitor(place.base) as second:
                with pytest.raises(WSServerHandshakeError) as refused:
                    await second.connect()
                assert refused.value.status == 503

    asyncio.run(story())


def test_tables_number_fields_pictures_and_files_reach_the_page_as_what_they_are() -> None:
    kept: list[tuple[bytes, str]] = []

    def hand_out(data: bytes, name: str) -> str:
        kept.append((data, name))
        return f"/chat/file/{len(kept)}"

    assert content(Outgoing("a  1", wide=True), "vi", hand_out)["wide"]
    assert content(Outgoing("Tuổi?", keyboard="numeric"), "vi", hand_out)["keyboard"] == "numeric"
    small = content(Outgoing("QR", picture=b"png"), "vi", hand_out)
    assert small["picture"] == "data:image/png;base64,cG5n" and kept == []
    large = b"x" * (INLINE_LIMIT + 1)
    assert content(Outgoing("QR", picture=large), "vi", hand_out)["picture"] == "/chat/file/1"
    file = content(Outgoing("Bảng", file=b"data", file_name="bảng.xlsx"), "vi", hand_out)["file"]
    assert file == {"link": "/chat/file/2", "name": "bảng.xlsx", "size": 4}
    assert kept == [(large, "image.png"), (b"data", "bảng.xlsx")]
