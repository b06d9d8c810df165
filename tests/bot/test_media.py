"""Files and places as answers, over every way they can come: the page, a one-time link, a platform's chat."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession, FormData, web

from bot import media as rules
from bot.channels.telegram_api import TelegramSender
from bot.delivery import Delivery
from bot.doubles.person import Person
from bot.doubles.telegram import BotApiDouble
from bot.doubles.telegram_people import NO_LIMITS, FaultKind
from bot.fetching import Fetching
from bot.leaflets import Links
from bot.media import MEGABYTE, Limits
from bot.messages import What
from bot.pacing import SendingAccount
from bot.serve import form_file
from bot.web import visitors
from bot.web.telegram import TelegramDoor
from scheduler.jobs import forget_uploads
from surveys.problems import Problem
from tests.bot import samples
from tests.bot.asking_files import answers, campaign, content, files, history, row
from tests.bot.served import Served, Visitor, eventually, new_id, served, visitor
from tests.forms.build import Rows
from tests.town import Resident, Town, found

PHOTO = samples.png(40, 30)
SECRET = "s3cret"


@pytest.fixture
def town(tmp_path: Path) -> Iterator[Town]:
    place = found(f"sqlite:///{tmp_path / 'hoidan.db'}", instruments=())
    yield place
    place.close()


# ── what may be sent ────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("data", "kind", "code"),
    [
        (b"", "image", "media_empty"),
        (samples.png()[:-7], "image", "media_broken"),
        (samples.jpeg(50_000, 50_000), "image", "media_pixels"),
        (samples.mp3(), "image", "media_wrong_image"),
        (samples.png(), "audio", "media_wrong_audio"),
        (samples.wav(), "video", "media_wrong_video"),
        (b"MZ" + bytes(100), "file", "media_wrong_file"),
        (samples.png() + bytes(2 * MEGABYTE), "image", "media_too_large"),
    ],
)
def test_a_file_that_can_not_answer_its_question_is_refused_and_says_why(
    data: bytes, kind: str, code: str
) -> None:
    with pytest.raises(Problem) as caught:
        rules.inspect(data, kind, Limits(largest=3 * MEGABYTE, picture=MEGABYTE))
    assert caught.value.code == code
    assert 400 <= caught.value.status < 500


def test_a_recording_in_a_films_container_answers_a_question_for_a_recording() -> None:
    assert rules.inspect(samples.mp4(), "audio", Limits()).type == "audio/mp4"
    assert rules.inspect(samples.png(), "file", Limits()).type == "image/png"


# ── from the page of the web chat ───────────────────────────────────────────────────────────────────────────


async def upload(
    person: Visitor, data: Any, *, id: str = "", question: str | None = None, **headers: str
) -> tuple[int, dict[str, Any]]:
    """What the page does with a chosen file: *(status, answer)*."""
    cookie = next(each.value for each in person.http.cookie_jar if each.key == visitors.COOKIE)
    sent = {
        "Origin": person.base,
        "X-Hoidan-Page": visitors.nickname(cookie),
        "X-Hoidan-Id": id or new_id(),
        **headers,
    }
    asked = question if question is not None else person.last.get("attach", {}).get("question")
    if asked:
        sent["X-Hoidan-Question"] = asked
    async with person.http.post(f"{person.base}/chat/upload", data=data, headers=sent) as answer:
        told = await answer.json()
        if "prompt" in told:
            person.prompts.append(told["prompt"])
        return answer.status, told


def on_the_page(town: Town, story: Any) -> None:
    async def whole() -> None:
        code = campaign(town)
        async with served(town) as place, visitor(place.base) as person:
            await person.connect(code)
            await story(person, place)

    asyncio.run(whole())


def test_a_picture_is_kept_sealed_and_the_chat_goes_on(town: Town) -> None:
    async def story(person: Visitor, place: Served) -> None:
        assert person.last["attach"]["kind"] == "image"
        status, told = await upload(person, PHOTO)
        assert status == 200, told
        assert "Căn nhà ở đâu?" in told["prompt"]["text"]
        [kept] = files(town)
        assert (kept.kind, kept.type, kept.status, kept.size) == ("image", "image/png", "kept", len(PHOTO))
        assert content(town, kept) == PHOTO
        assert answers(town) == {"anh_nha": kept.name}
        assert PHOTO[:40] not in (town.database.path or Path()).read_bytes()

    on_the_page(town, story)


def test_every_kind_and_a_place_are_answered_and_the_file_can_be_changed(town: Town) -> None:
    async def story(person: Visitor, place: Served) -> None:
        await upload(person, PHOTO)
        question = person.last["locate"]
        await person.send({"place": "10.7769000 106.7009000 5.5 12", "question": question})
        assert answers(town)["vi_tri"].split()[:2] == ["10.7769", "106.7009"]
        assert person.last["attach"]["kind"] == "file"
        await upload(person, samples.pdf())
        await upload(person, samples.ogg())
        assert person.last["keyboard"] == "date"
        await person.say("5/3/1985")
        names = answers(town)
        assert [names[key].rpartition(".")[2] for key in ("anh_nha", "giay_to", "loi_ke")] == [
            "png",
            "pdf",
            "ogg",
        ]
        await person.say("sửa 1")
        await upload(person, samples.jpeg(9, 9))
        changed = answers(town)["anh_nha"]
        assert changed.endswith(".jpg")
        assert [value for name, value in history(town) if name == "anh_nha"] == [names["anh_nha"], changed]

    on_the_page(town, story)


def test_what_is_refused_is_said_and_changes_nothing(town: Town) -> None:
    async def story(person: Visitor, place: Served) -> None:
        before = person.last["text"]
        for data, status, words in (
            (b"", 422, "trống"),
            (samples.wav(), 415, "cần một ảnh"),
            (samples.png()[:-9], 422, "hỏng"),
            (samples.png() + samples.zipped({"a.class": b"x"}), 415, "cần một ảnh"),
            (b"\x7fELF" + bytes(50), 415, "cần một ảnh"),
            (samples.png() + bytes(MEGABYTE), 413, "1 MB"),
        ):
            given, told = await upload(person, data)
            assert given == status, told
            assert words in told["message"]
        assert files(town) == [] and answers(town) == {}
        await person.connect()
        assert person.last["text"] == before

    async def limited(person: Visitor, place: Served) -> None:
        town.desk.files = Limits(2 * MEGABYTE, MEGABYTE)
        await story(person, place)

    on_the_page(town, limited)


def test_a_body_that_says_nothing_of_its_length_is_read_no_further_than_the_limit(town: Town) -> None:
    async def story(person: Visitor, place: Served) -> None:
        town.desk.files = Limits(MEGABYTE, MEGABYTE)
        given = 0

        async def endless() -> AsyncIterator[bytes]:
            nonlocal given
            while given < 40:
                given += 1
                yield bytes(MEGABYTE // 4)

        status, told = await upload(person, endless())
        assert (status, told["error"]) == (413, "media_too_large")
        assert files(town) == []

    on_the_page(town, story)


def test_an_upload_that_breaks_off_is_no_file(town: Town) -> None:
    async def story(person: Visitor, place: Served) -> None:
        cookie = next(each.value for each in person.http.cookie_jar if each.key == visitors.COOKIE)
        reader, writer = await asyncio.open_connection("127.0.0.1", place.port)
        head = (
            f"POST /chat/upload HTTP/1.1\r\nHost: 127.0.0.1:{place.port}\r\nOrigin: {place.base}\r\n"
            f"Cookie: {visitors.COOKIE}={cookie}\r\nX-Hoidan-Page: {visitors.nickname(cookie)}\r\n"
            f"X-Hoidan-Id: {new_id()}\r\nContent-Length: {len(PHOTO)}\r\n\r\n"
        )
        writer.write(head.encode() + PHOTO[:-10])
        await writer.drain()
        writer.close()
        await writer.wait_closed()
        assert await reader.read() == b""
        status, _ = await upload(person, PHOTO)
        assert status == 200
        assert [kept.status for kept in files(town)] == ["kept"]

    on_the_page(town, story)


@pytest.mark.parametrize(
    "wrong",
    [
        {"Origin": "https://evil.example"},
        {"X-Hoidan-Page": "0123456789abcdef"},
        {"X-Hoidan-Page": "ảnh"},
        {"Cookie": "hoidan=" + "A" * 43},
    ],
)
def test_a_file_is_taken_from_our_own_page_of_this_visitor_alone(town: Town, wrong: dict[str, str]) -> None:
    async def story(person: Visitor, place: Served) -> None:
        cookie = next(each.value for each in person.http.cookie_jar if each.key == visitors.COOKIE)
        headers = {
            "Origin": place.base,
            "Cookie": f"hoidan={cookie}",
            "X-Hoidan-Page": visitors.nickname(cookie),
            "X-Hoidan-Id": new_id(),
            **wrong,
        }
        raw = {name: value.encode().decode("latin-1") for name, value in headers.items()}
        async with (
            ClientSession() as http,
            http.post(f"{place.base}/chat/upload", data=PHOTO, headers=raw) as answer,
        ):
            assert answer.status == 403
        assert files(town) == []

    on_the_page(town, story)


def test_an_upload_for_a_question_that_is_past_is_refused_and_nothing_is_kept(town: Town) -> None:
    async def story(person: Visitor, place: Served) -> None:
        old = person.last["attach"]["question"]
        await upload(person, PHOTO)
        status, told = await upload(person, PHOTO, question=old)
        assert (status, told["error"]) == (409, "media_not_asked")
        await person.send({"place": "10.5 106.5 0 5", "question": person.last["locate"]})
        status, told = await upload(person, PHOTO, question=old)
        assert (status, told["error"]) == (409, "media_moved_on")
        assert len(files(town)) == 1
        assert set(answers(town)) == {"anh_nha", "vi_tri"}

    on_the_page(town, story)


def test_the_same_upload_sent_again_counts_once(town: Town) -> None:
    async def story(person: Visitor, place: Served) -> None:
        same, question = new_id(), person.last["attach"]["question"]
        first = await upload(person, PHOTO, id=same)
        again = await upload(person, PHOTO, id=same, question=question)
        assert first[0] == again[0] == 200
        assert again[1]["prompt"]["text"] == first[1]["prompt"]["text"]
        assert len(files(town)) == 1
        assert len(history(town)) == 1

    on_the_page(town, story)


def test_of_uploads_at_the_same_moment_one_is_the_answer_and_the_others_leave_nothing(town: Town) -> None:
    async def story(person: Visitor, place: Served) -> None:
        question = person.last["attach"]["question"]
        done = await asyncio.gather(
            *(upload(person, samples.png(10 + n, 10), question=question) for n in range(5))
        )
        assert any(status == 200 for status, _ in done)
        assert all(status in (200, 409) for status, _ in done)
        [kept] = files(town)
        assert answers(town) == {"anh_nha": kept.name}

    on_the_page(town, story)


def test_more_uploads_at_once_than_the_process_can_hold_are_asked_to_wait(town: Town) -> None:
    async def story(person: Visitor, place: Served) -> None:
        gone_on = asyncio.Event()
        begun = asyncio.Event()

        async def slow() -> AsyncIterator[bytes]:
            yield PHOTO[:10]
            begun.set()
            await gone_on.wait()
            yield PHOTO[10:]

        from bot.web.limits import Uploads
        from bot.web.services import UPLOADS

        place.app._state[UPLOADS] = Uploads(1)
        first = asyncio.create_task(upload(person, slow()))
        await begun.wait()
        await eventually(lambda: place.app[UPLOADS]._free == 0)
        status, told = await upload(person, PHOTO)
        assert (status, told["error"]) == (503, "media_busy")
        gone_on.set()
        assert (await first)[0] == 200

    on_the_page(town, story)


def test_an_upload_that_became_no_answer_is_dropped_by_the_scheduler(town: Town) -> None:
    async def story(person: Visitor, place: Served) -> None:
        await upload(person, PHOTO)
        assert forget_uploads(town.database) == 0

    on_the_page(town, story)


@pytest.mark.parametrize("place", ["", "10 106", "a b c d", "10.5 106.5 0 5 7", "10.5 106.5 0", "1e3 1 0 0"])
def test_a_place_that_is_none_is_a_frame_that_is_none_of_ours(town: Town, place: str) -> None:
    async def story(person: Visitor, _: Served) -> None:
        await person.put({"id": new_id(), "place": place})
        assert await person.until("error") == {"error": "malformed"}

    on_the_page(town, story)


# ── Telegram ────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(slots=True)
class Platform:
    """A town that Telegram's double speaks to, and what fetches files from it."""

    town: Town
    place: Served
    api: BotApiDouble
    sender: TelegramSender
    fetching: Fetching
    lan: Person

    async def said(self, words: str) -> None:
        """Wait until the bot has said something with these words."""
        await self.api.wait_for(lambda: any(words in text for text in self.lan.chat.texts))


@asynccontextmanager
async def telegram(town: Town) -> AsyncIterator[Platform]:
    async with BotApiDouble(limits=NO_LIMITS) as api:
        sender = TelegramSender(api.token, api.base_url, partial(form_file, town.database))
        await sender.start()
        account = SendingAccount(town.database, "telegram", lambda: town.now, chats_paced=False)
        delivery = Delivery(
            town.database, town.keyring, "telegram", sender, lambda: town.now, account=account
        )
        door = TelegramDoor(town.turns, sender, SECRET, delivery.wake, account, burst=0)
        fetching = Fetching(
            town.database, town.keyring, "telegram", sender, town.turns, town.desk.files, lambda: town.now
        )
        async with served(town, routes=(web.post("/hook", door.webhook),)) as place:
            town.desk.links = Links(place.base)
            running = asyncio.create_task(delivery.run())
            await sender.set_webhook(f"{place.base}/hook", SECRET)
            try:
                yield Platform(town, place, api, sender, fetching, Person(api, 7))
            finally:
                delivery.stop()
                await running
                await sender.close()
        assert api.violations == []


def in_telegram(town: Town, story: Any, *, transfer_file: str = "") -> None:
    async def whole() -> None:
        code = campaign(town, transfer_file=transfer_file)
        async with telegram(town) as platform:
            await platform.lan.start(code)
            await story(platform)

    asyncio.run(whole())


FILED = "01/HS-XBG"


def test_a_photo_in_the_chat_is_fetched_after_the_turn_where_the_campaign_has_filed_for_it(
    town: Town,
) -> None:
    async def story(there: Platform) -> None:
        await there.lan.send_photo(content=PHOTO)
        await there.said("Căn nhà ở đâu?")
        [kept] = files(town)
        assert (kept.status, answers(town)["anh_nha"]) == ("waiting", kept.name)
        assert await there.fetching.round() == 1
        [kept] = files(town)
        assert (kept.status, kept.type) == ("kept", "image/png")
        assert content(town, kept) == PHOTO, "of all sizes the largest"
        assert await there.fetching.round() == 0

    in_telegram(town, story, transfer_file=FILED)


def test_without_the_file_for_transfers_a_photo_goes_over_our_own_page(town: Town) -> None:
    async def story(there: Platform) -> None:
        assert "bấm nút dưới đây" in there.lan.last().text
        seen = await there.lan.send_photo(content=PHOTO)
        assert files(town) == [] and answers(town) == {}
        assert f"{there.place.base}/upload/" in seen.text
        seen = await there.lan.press("📎 Gửi qua trang riêng")
        link = seen.text.split()[-1]
        async with ClientSession(headers={"Accept": "text/html"}) as browser:
            for _ in range(2):  # A preview uses nothing up.
                async with browser.get(link) as page:
                    told = await page.text()
                    assert page.status == 200 and 'enctype="multipart/form-data"' in told
                    assert "căn nhà" not in told, "the question is nobody's who only has the link"
                    assert page.headers["Content-Security-Policy"].startswith("default-src 'none'")
            before = there.lan.chat.deeds
            async with browser.post(link, data=form(PHOTO), headers={"Origin": there.place.base}) as done:
                assert done.status == 200
                assert "Đã nhận tệp" in await done.text()
            town.now += 60_000
            await there.api.wait_for(lambda: there.lan.chat.deeds > before)
            await there.said("Căn nhà ở đâu?")
            [kept] = files(town)
            assert content(town, kept) == PHOTO and answers(town) == {"anh_nha": kept.name}
            async with browser.post(link, data=form(PHOTO), headers={"Origin": there.place.base}) as again:
                assert again.status == 410
                assert "đã dùng rồi" in await again.text()
        assert len(files(town)) == 1

    in_telegram(town, story)


def form(data: bytes, name: str = "photo.png", field: str = "file") -> FormData:
    made = FormData()
    made.add_field(field, data, filename=name, content_type="image/png")
    return made


def test_the_page_of_a_link_refuses_what_can_not_be_taken_and_the_link_stays_good(town: Town) -> None:
    async def story(there: Platform) -> None:
        link = (await there.lan.press("📎 Gửi qua trang riêng")).text.split()[-1]
        ours = {"Origin": there.place.base, "Accept": "text/html"}
        async with ClientSession() as browser:
            for body, status in (
                (form(b"MZ" + bytes(90), "../../etc/passwd"), 415),
                (form(b""), 422),
                (form(PHOTO[:-8]), 422),
                (form(PHOTO, field="other"), 400),
                ({"file": "text"}, 400),
                (form(PHOTO + bytes(11 * MEGABYTE)), 413),
            ):
                async with browser.post(link, data=body, headers=ours) as answer:
                    assert answer.status == status
                    assert 'role="alert"' in await answer.text()
            async with browser.post(link, data=form(PHOTO), headers={"Origin": "https://x.example"}) as other:
                assert other.status == 403
            for wrong in ("A" * 43, "short", "%2e%2e%2fetc"):
                async with browser.get(f"{there.place.base}/upload/{wrong}", headers=ours) as page:
                    assert page.status in (404, 410)
            assert files(town) == [] and answers(town) == {}
            name = "..\\..\\..\\x.php%00.png"
            async with browser.post(link, data=form(PHOTO, name), headers=ours) as answer:
                assert answer.status == 200
        [kept] = files(town)
        assert kept.name.endswith(".png") and "/" not in kept.name and "php" not in kept.name

    in_telegram(town, story)


def test_a_link_ends_with_its_question_and_with_the_next_link(town: Town) -> None:
    async def story(there: Platform) -> None:
        first = (await there.lan.press("📎 Gửi qua trang riêng")).text.split()[-1]
        second = (await there.lan.press("📎 Gửi qua trang riêng")).text.split()[-1]
        ours = {"Origin": there.place.base}
        async with ClientSession() as browser:
            async with browser.post(first, data=form(PHOTO), headers=ours) as answer:
                assert answer.status == 410
            both = await asyncio.gather(
                *(browser.post(second, data=form(PHOTO), headers=ours) for _ in range(3))
            )
            assert sorted(answer.status for answer in both) == [200, 410, 410]
        assert len(files(town)) == 1

    in_telegram(town, story)


def test_a_file_telegram_can_not_give_now_is_tried_again_ever_later(town: Town) -> None:
    async def story(there: Platform) -> None:
        await there.lan.send_photo(content=PHOTO)
        there.api.fault(FaultKind.BAD_GATEWAY, "getFile", times=1)
        assert await there.fetching.round() == 1
        assert await there.fetching.round() == 0
        town.now += 10_000
        assert await there.fetching.round() == 1
        assert [kept.status for kept in files(town)] == ["kept"]

    in_telegram(town, story, transfer_file=FILED)


@pytest.mark.parametrize("data", [b"\x7fELF" + bytes(90), samples.png()[:-9], samples.ogg()])
def test_a_file_that_can_not_be_had_is_taken_back_and_asked_for_again(town: Town, data: bytes) -> None:
    async def story(there: Platform) -> None:
        await there.lan.send_photo(content=data)
        assert set(answers(town)) == {"anh_nha"}
        await there.fetching.round()
        assert "Xin gửi lại" in there.lan.last().text and "mặt trước căn nhà" in there.lan.last().text
        assert answers(town) == {}
        assert [kept.status for kept in files(town)] == ["failed"]
        assert [value for _, value in history(town)][1:] == [None]
        await there.lan.send_photo(content=PHOTO)
        await there.said("Căn nhà ở đâu?")

    in_telegram(town, story, transfer_file=FILED)


def test_a_lost_file_that_was_changed_meanwhile_is_nobodys_business(town: Town) -> None:
    async def story(there: Platform) -> None:
        await there.lan.send_photo(content=b"\x7fELF" + bytes(90))
        await there.lan.say("sửa 1")
        await there.lan.send_photo(content=PHOTO)
        await there.api.wait_for(lambda: bool(there.lan.last().keyboard))
        before = there.lan.chat.deeds
        await there.fetching.round()
        assert sorted(kept.status for kept in files(town)) == ["failed", "kept"]
        assert there.lan.chat.deeds == before
        assert set(answers(town)) == {"anh_nha"}

    in_telegram(town, story, transfer_file=FILED)


def test_a_place_is_asked_with_a_button_that_is_put_away_afterwards(town: Town) -> None:
    async def story(there: Platform) -> None:
        await there.lan.send_photo(content=PHOTO)
        await there.api.wait_for(lambda: bool(there.lan.last().keyboard))
        assert there.lan.last().keyboard == (("📍 Gửi vị trí của tôi",),)
        await there.lan.press("📍 Gửi vị trí của tôi")
        await there.said("giấy tờ")
        assert answers(town)["vi_tri"] == "10.7769 106.7009 0 0"
        assert there.lan.last().keyboard == ()

    in_telegram(town, story, transfer_file=FILED)


def test_a_document_of_the_right_type_answers_a_question_for_a_picture(town: Town) -> None:
    async def story(there: Platform) -> None:
        await there.lan._do(
            lambda: there.api.send(7, "document", PHOTO, name="nhà.png", mime_type="image/png")
        )
        await there.fetching.round()
        [kept] = files(town)
        assert (kept.type, kept.name.rpartition(".")[2]) == ("image/png", "png")

    in_telegram(town, story, transfer_file=FILED)


@pytest.mark.parametrize("kind", ["voice", "video", "document"])
def test_another_kind_of_file_than_the_one_asked_for_is_said_and_not_kept(town: Town, kind: str) -> None:
    async def story(there: Platform) -> None:
        seen = await there.lan._do(lambda: there.api.send(7, kind, samples.ogg()))
        assert "cần một ảnh" in seen.text
        assert files(town) == [] and answers(town) == {}

    in_telegram(town, story, transfer_file=FILED)


def test_a_photo_or_place_that_nobody_asked_for_is_said_and_not_kept(town: Town) -> None:
    lan = Resident(town, channel="telegram")
    lan.start(campaign(town, transfer_file=FILED))
    lan.send(What.LOCATION, text="10 106 0 0")
    assert "chưa hỏi vị trí" in lan.last.text
    assert files(town) == [] and answers(town) == {}


# ── what forms show ─────────────────────────────────────────────────────────────────────────────────────────

HOUSES: Rows = [
    row("integer", "tang", "Nhà ông/bà giống hình này có mấy tầng?", "How many floors?", required="yes")
    | {"media::image": "nha mẫu.png"},
    row("text", "chao", "Xin nghe rồi trả lời.", "Please listen.", required="yes")
    | {"media::audio": "loi.mp3"},
]
ATTACHED = {"nha mẫu.png": PHOTO, "loi.mp3": samples.mp3()}


def test_what_a_form_shows_is_served_to_those_it_asks_and_to_nobody_else(town: Town) -> None:
    async def story() -> None:
        code = campaign(town, HOUSES, attached=ATTACHED)
        async with served(town) as place, visitor(place.base) as person, visitor(place.base) as other:
            await person.connect(code)
            [shown] = person.last["media"]
            assert (shown["kind"], shown["name"]) == ("image", "nha mẫu.png")
            async with person.http.get(place.base + shown["link"]) as answer:
                assert answer.status == 200 and answer.content_type == "image/png"
                assert await answer.read() == PHOTO
                assert "sandbox" in answer.headers["Content-Security-Policy"]
                assert answer.headers["Cache-Control"].startswith("private")
                tag = answer.headers["ETag"]
            async with person.http.get(place.base + shown["link"], headers={"If-None-Match": tag}) as same:
                assert same.status == 304
            for link in (
                shown["link"].replace("nha", "nhà"),
                shown["link"].replace("/media/1/", "/media/2/"),
                "/chat/media/1/..%2f..%2fhoidan.db",
            ):
                async with person.http.get(place.base + link) as answer:
                    assert answer.status == 404
            await other.connect()
            async with other.http.get(place.base + shown["link"]) as answer:
                assert answer.status == 404
            await person.say("2")
            assert person.last["media"][0]["kind"] == "audio"

    asyncio.run(story())


def test_in_telegram_what_a_form_shows_comes_before_its_question_and_is_uploaded_once(town: Town) -> None:
    async def story() -> None:
        code = campaign(town, HOUSES, attached=ATTACHED)
        async with telegram(town) as there:
            for user in (7, 8):
                await Person(there.api, user).start(code)
            pictures = there.api.calls("sendPhoto")
            assert [call.status for call in pictures] == [200, 200]
            first, second = (call.params["photo"] for call in pictures)
            assert not isinstance(first, str) and isinstance(second, str), (
                "the second time its name is enough"
            )
            kinds = ["photo" in message for message in there.lan.chat.from_bot]
            assert kinds == [True, False]
            await there.lan.say("2")
            assert [call.status for call in there.api.calls("sendAudio")] == [200]

    asyncio.run(story())


# ── the same on every channel ───────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("channel", ["webchat", "telegram"])
def test_a_picture_and_a_place_answer_alike_on_every_channel(town: Town, channel: str) -> None:
    code = campaign(town, transfer_file=FILED)

    async def on_the_web() -> None:
        async with served(town) as place, visitor(place.base) as person:
            await person.connect(code)
            await upload(person, PHOTO)
            await person.send({"place": "10.7769 106.7009 0 0", "question": person.last["locate"]})

    async def in_the_app() -> None:
        async with telegram(town) as there:
            await there.lan.start(code)
            await there.lan.send_photo(content=PHOTO)
            await there.said("Căn nhà ở đâu?")
            await there.lan.send_location(10.7769, 106.7009)
            await there.fetching.round()

    asyncio.run(on_the_web() if channel == "webchat" else in_the_app())
    [kept] = files(town)
    assert (kept.status, kept.kind, kept.type, content(town, kept)) == ("kept", "image", "image/png", PHOTO)
    given = answers(town)
    assert given["anh_nha"] == kept.name
    assert given["vi_tri"] == "10.7769 106.7009 0 0"


@pytest.mark.parametrize("channel", ["webchat", "telegram"])
@pytest.mark.parametrize("what", [What.FILE, What.LOCATION])
def test_what_comes_after_the_campaign_is_over_changes_nothing_on_any_channel(
    town: Town, channel: str, what: What
) -> None:
    person = Resident(town, channel=channel)
    code = campaign(town, transfer_file=FILED)
    person.start(code)
    town.act("campaign.close", {"campaign": code})
    person.send(what, text="10 106 0 0")
    assert "Khảo sát năm 2026" in person.last.text
    assert files(town) == [] and answers(town) == {}
