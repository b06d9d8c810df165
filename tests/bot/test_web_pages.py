"""Pages, sign-in, what operators ask, and what every response carries."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from aiohttp import web

from bot.texts import LANGUAGES
from bot.web import pages
from bot.web.handouts import LIFE_S, Handouts
from bot.web.limits import Bucket
from surveys.problems import Problem
from tests.bot.served import served, visitor
from tests.town import Town, found

PAGE = {"Accept": "text/html"}


@pytest.fixture
def town(tmp_path: Path) -> Iterator[Town]:
    place = found(f"sqlite:///{tmp_path / 'hoidan.db'}", instruments=())
    yield place
    place.close()


def invitation(town: Town) -> str:
    code: str = town.act("account.invite", {"account": town.admin})["code"]
    return code


def staff_contacts(town: Town) -> int:
    listed = town.act("account.list")["accounts"]
    return sum(len(account["contacts"]) for account in listed)


@pytest.mark.parametrize(
    "path",
    ["/chat", "/chat/ABC234", "/sign-in/nv_0123456789abcdef", "/nowhere", "/healthz", "/static/chat.js"],
)
def test_every_response_carries_the_security_headers(town: Town, path: str) -> None:
    async def story() -> None:
        public = "https://khaosat.example"
        async with served(town, HOIDAN_PUBLIC_URL=public) as place, visitor(place.base) as person:
            answer = await person.http.get(place.base + path, headers=PAGE)
            async with answer:
                csp = answer.headers["Content-Security-Policy"]
                assert csp == (
                    "default-src 'none'; script-src 'self'; style-src 'self'; "
                    "connect-src 'self' wss://khaosat.example; img-src 'self' data: blob:; "
                    "media-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'"
                )
                assert answer.headers["X-Content-Type-Options"] == "nosniff"
                assert answer.headers["Referrer-Policy"] in ("no-referrer", "same-origin")
                assert "max-age" in answer.headers["Strict-Transport-Security"]
                assert answer.headers["Cache-Control"]
                assert "aiohttp" not in answer.headers["Server"]

    asyncio.run(story())


@pytest.mark.parametrize("language", LANGUAGES)
def test_pages_hold_no_inline_code_and_no_sentence_is_missing(language: str) -> None:
    for page in (
        pages.chat(language, "A", "p", "", ""),
        pages.plain(language, "H", "T", button="B", token="t"),
        pages.upload(language, "t", "image", 1 << 20, "F"),
    ):
        assert not re.search(r"<[^>]+\son\w+=|<style|style=|javascript:", page)
        assert re.findall(r"<script(?![^>]*(?:src=|application/json))", page) == []
        assert "web." not in re.sub(r"https?://\S+", "", page)


def test_what_a_page_is_given_can_not_break_out_of_it() -> None:
    page = pages.chat("vi", '"><script>x', "p", "</h1><script>alert(1)</script>", "$chat_name & co")
    assert "<script>" not in page and "$chat_name &amp; co" in page


def test_the_page_and_its_files_are_small() -> None:
    whole = len(pages.chat("vi", "", "p", "", "").encode()) + sum(
        len(one.data) for one in pages.files().values()
    )
    assert whole < 60_000
    zipped = sum(len(one.zipped) for one in pages.files().values())
    assert zipped < 20_000


def test_looking_at_a_sign_in_link_uses_nothing_up_and_its_button_works_once(town: Town) -> None:
    async def story() -> None:
        token = invitation(town)
        async with served(town) as place, visitor(place.base) as person:
            for _ in range(3):
                async with person.http.get(f"{place.base}/sign-in/{token}") as page:
                    assert page.status == 200 and "Đăng nhập trên máy này" in await page.text()
            assert staff_contacts(town) == 0
            own = {"Origin": place.base, **PAGE}
            post = f"{place.base}/chat/sign-in"
            data = {"token": token}
            async with person.http.post(post, data=data, headers=own, allow_redirects=False) as done:
                assert (done.status, done.headers["Location"]) == (303, "/chat")
            assert staff_contacts(town) == 1
            async with person.http.post(post, data=data, headers=own, allow_redirects=False) as again:
                assert again.status == 410 and "Không đăng nhập được" in await again.text()
            assert staff_contacts(town) == 1
            await person.connect()
            assert person.frames[-1]["staff"]

    asyncio.run(story())


@pytest.mark.parametrize("headers", [{}, {"Origin": "https://evil.example"}, {"Origin": "null"}])
def test_nobody_elses_page_can_sign_a_browser_in_or_out(town: Town, headers: dict[str, str]) -> None:
    async def story() -> None:
        token = invitation(town)
        async with served(town) as place, visitor(place.base) as person:
            for path in ("sign-in", "leave"):
                url = f"{place.base}/chat/{path}"
                async with person.http.post(url, data={"token": token}, headers=headers) as answer:
                    assert answer.status == 403
        assert staff_contacts(town) == 0

    asyncio.run(story())


def test_signing_in_gives_a_new_cookie_and_leaving_takes_it_and_the_account_away(town: Town) -> None:
    async def story() -> None:
        token = invitation(town)
        async with served(town) as place, visitor(place.base) as person:
            async with person.http.get(f"{place.base}/chat") as page:
                before = page.cookies["hoidan"].value
            own = {"Origin": place.base}
            url = f"{place.base}/chat/sign-in"
            async with person.http.post(
                url, data={"token": token}, headers=own, allow_redirects=False
            ) as done:
                assert done.cookies["hoidan"].value not in ("", before)
            async with person.http.post(f"{place.base}/chat/leave", headers=own) as left:
                assert left.status == 204 and left.cookies["hoidan"].value == ""
            assert staff_contacts(town) == 0
            await person.connect()
            assert not person.frames[-1]["staff"]

    asyncio.run(story())


def test_faults_are_told_in_the_persons_language_and_never_as_a_traceback(town: Town) -> None:
    async def broken(request: web.Request) -> web.Response:
        raise ValueError("Nguyễn Văn A, 0901234567")

    async def refused(request: web.Request) -> web.Response:
        raise Problem("invitation_wrong")

    routes = (web.get("/broken", broken), web.get("/refused", refused))

    async def story() -> None:
        async with served(town, routes=routes) as place, visitor(place.base) as person:
            async with person.http.get(f"{place.base}/broken", headers=PAGE) as answer:
                told = await answer.text()
                assert answer.status == 500 and "Hệ thống gặp lỗi" in told
                assert "Traceback" not in told and "0901234567" not in told
            english = {"Accept-Language": "en"}
            async with person.http.get(f"{place.base}/nowhere", headers=english) as answer:
                assert answer.status == 404
                assert (await answer.json())["message"].startswith("Please check the link")
            async with person.http.get(f"{place.base}/refused") as answer:
                assert answer.status == 400 and (await answer.json())["error"] == "invitation_wrong"
            big = b"x" * (2**20 + 1)
            own = {"Origin": place.base, "Content-Type": "application/x-www-form-urlencoded"}
            async with person.http.post(f"{place.base}/chat/sign-in", data=big, headers=own) as answer:
                assert answer.status == 413

    asyncio.run(story())


def test_operators_see_life_readiness_and_numbers(town: Town) -> None:
    async def story() -> None:
        async with served(town) as place, visitor(place.base) as person:
            await person.connect()
            for path in ("healthz", "readyz"):
                async with person.http.get(f"{place.base}/{path}") as answer:
                    assert answer.status == 200
            async with person.http.get(f"{place.base}/metrics") as answer:
                told = await answer.text()
            assert "hoidan_web_sockets 1.0" in told and "hoidan_turns_total 1.0" in told
            assert 'hoidan_outbox{channel="webchat",state="due"} 0.0' in told
            proxied = {"X-Forwarded-For": "127.0.0.1"}
            async with person.http.get(f"{place.base}/metrics", headers=proxied) as answer:
                assert answer.status == 403

    asyncio.run(story())


def test_numbers_are_for_private_addresses_behind_a_trusted_proxy_too(town: Town) -> None:
    async def story() -> None:
        async with served(town, HOIDAN_TRUSTED_PROXIES="127.0.0.1") as place, visitor(place.base) as person:
            for told, status in (
                ("10.1.2.3", 200),
                ("203.0.114.9", 403),
                ("10.1.2.3, 1.1.1.1", 403),
                ("?", 403),
            ):
                headers = {"X-Forwarded-For": told}
                async with person.http.get(f"{place.base}/metrics", headers=headers) as answer:
                    assert answer.status == status, told

    asyncio.run(story())


def test_a_server_whose_database_is_not_up_to_date_is_not_ready(town: Town) -> None:
    async def story() -> None:
        async with served(town) as place, visitor(place.base) as person:
            town.database.write(lambda connection: connection.exec_driver_sql("DROP TABLE alembic_version"))
            async with person.http.get(f"{place.base}/readyz") as answer:
                assert answer.status == 503
            async with person.http.get(f"{place.base}/healthz") as answer:
                assert answer.status == 200

    asyncio.run(story())


def test_a_handed_out_file_is_for_one_browser_and_a_while() -> None:
    now = [0.0]
    kept = Handouts(lambda: now[0])
    token = kept.keep("mine", b"data", "a.png")
    assert kept.find(token, "mine") is not None
    assert kept.find(token, "yours") is None
    now[0] = LIFE_S + 1
    assert kept.find(token, "mine") is None


def test_a_bucket_gives_what_it_saved_and_then_its_rate() -> None:
    now = [0.0]
    bucket = Bucket(2.0, 3.0, lambda: now[0])
    assert [bucket.take() for _ in range(4)] == [0.0, 0.0, 0.0, 0.5]
    now[0] = 0.5
    assert bucket.take() == 0.0
