"""The double of Telegram's Bot API server answers, limits, delivers and fails as Telegram does."""

from __future__ import annotations

import asyncio
import base64
import functools
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, ParamSpec

import aiohttp
import pytest
import telegram
from aiohttp import web
from hypothesis import given, settings
from hypothesis import strategies as st
from telegram.error import (
    BadRequest,
    ChatMigrated,
    Conflict,
    Forbidden,
    InvalidToken,
    NetworkError,
    RetryAfter,
)
from telegram.request import HTTPXRequest

from bot.doubles.person import Person
from bot.doubles.telegram import BotApiDouble
from bot.doubles.telegram_methods import METHODS
from bot.doubles.telegram_people import NO_LIMITS, Delivery, HandClock, Limits, Rate, Standing

TOKEN = "42:abc"
SECRET = "s3cret_-A"
P = ParamSpec("P")
Answer = tuple[int, dict[str, Any]]
FORM = "application/x-www-form-urlencoded"
LATE = "Bad Request: query is too old and response timeout expired or query ID is invalid"


def in_a_loop(test: Callable[P, Coroutine[Any, Any, None]]) -> Callable[P, None]:
    """Run a test that is a coroutine in an event loop of its own."""

    @functools.wraps(test)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        asyncio.run(test(*args, **kwargs))

    return run


@dataclass
class Client:
    """A bot's raw calls, JSON both ways."""

    api: BotApiDouble
    http: aiohttp.ClientSession

    async def __call__(self, method: str, **params: Any) -> Answer:
        async with self.http.post(f"/bot{TOKEN}/{method}", json=params) as answer:
            return answer.status, await answer.json()

    async def ok(self, method: str, **params: Any) -> Any:
        status, body = await self(method, **params)
        assert (status, body["ok"]) == (200, True), body
        return body["result"]

    async def refused(self, method: str, **params: Any) -> tuple[int, str]:
        status, body = await self(method, **params)
        assert body["ok"] is False
        assert body["error_code"] == status
        return status, body["description"]


@asynccontextmanager
async def double(**given: Any) -> AsyncIterator[tuple[BotApiDouble, Client]]:
    given.setdefault("limits", NO_LIMITS)
    given.setdefault("delivery", Delivery(pace=0.001))
    async with BotApiDouble(TOKEN, **given) as api, aiohttp.ClientSession(api.base_url) as http:
        yield api, Client(api, http)


# The wire


@in_a_loop
async def test_a_call_may_be_a_get_json_a_form_or_multipart_in_any_case() -> None:
    async with double() as (api, bot):
        api.start(7)
        path = f"/bot{TOKEN}/SENDMESSAGE"
        form = aiohttp.FormData({"chat_id": "7", "text": "một"})
        multipart = aiohttp.MultipartWriter("form-data")
        for name, value in (("chat_id", "7"), ("text", "một")):
            multipart.append(value).set_content_disposition("form-data", name=name)
        for sending in (
            bot.http.get(path, params={"chat_id": "7", "text": "một"}),
            bot.http.post(path, json={"chat_id": 7, "text": "một"}),
            bot.http.post(path, data=form),
            bot.http.post(path, data=multipart),
        ):
            async with sending as answer:
                assert answer.status == 200, await answer.text()
        assert api.chat(7).texts == ["một"] * 4
        assert [call.method for call in api.requests] == ["sendMessage"] * 4
        assert api.violations == []


@in_a_loop
async def test_every_method_of_the_table_is_served() -> None:
    for name in METHODS:
        async with double() as (_, bot):
            status, body = await bot(name)
            assert status in (200, 400), (name, body)


ODD_VALUES = [
    *(None, True, 0, 1, 7, -5, 2.5, "", "a", "7", "x" * 70, "{", "attach://x", "<b>a</b>", "HTML"),
    *([], [1], [None], {}, {"type": "chat"}, {"type": ["a"]}, {"message_id": 1}, {"message_id": "a"}),
    *({"inline_keyboard": [[1]]}, {"keyboard": "x"}, {"remove_keyboard": True}, {"keyboard": [["a"]]}),
    {"inline_keyboard": [[{"text": "a", "callback_data": "b"}]]},
    [{"type": "bold", "offset": "z", "length": 1}],
]
METHOD_NAMES = sorted(set(METHODS) - {"getUpdates", "setWebhook", "logOut"})


@settings(max_examples=25)
@given(st.data())
def test_no_request_makes_the_server_stumble(data: st.DataObject) -> None:
    async def scenario() -> None:
        async with double() as (api, bot):
            api.group(-5)
            api.press(7, api.start(7), "x")
            for _ in range(20):
                name = data.draw(st.sampled_from(METHOD_NAMES))
                fields = sorted(METHODS[name].fields)
                odd = (
                    st.dictionaries(st.sampled_from(fields), st.sampled_from(ODD_VALUES))
                    if fields
                    else st.just({})
                )
                status, body = await bot(name, **data.draw(odd))
                assert status in (200, 400, 403), (name, body)

    asyncio.run(scenario())


@in_a_loop
async def test_a_wrong_token_a_wrong_method_and_a_wrong_path_are_refused() -> None:
    async with double() as (api, bot):
        for path, status, description in (
            ("/bot42:other/getMe", 401, "Unauthorized"),
            ("/botnonsense/getMe", 401, "Unauthorized: invalid token specified"),
            (f"/bot{TOKEN}/sendPigeon", 404, "Not Found: method not found"),
            ("/nothing", 404, "Not Found"),
            ("/control/chat", 404, "Not Found"),
        ):
            async with bot.http.get(path) as answer:
                assert answer.status == status
                told = {"ok": False, "error_code": status, "description": description}
                assert await answer.json() == told
        assert [(one.method, one.rule) for one in api.violations] == [
            ("sendPigeon", "not a method of the table")
        ]


@in_a_loop
async def test_a_body_that_is_not_json_breaks_the_table() -> None:
    async with double() as (api, bot):
        headers = {"Content-Type": "application/json"}
        async with bot.http.post(f"/bot{TOKEN}/getMe", data=b"{", headers=headers) as answer:
            assert answer.status == 200
        assert [one.rule for one in api.violations] == ["the body is not JSON"]


@in_a_loop
async def test_get_me_says_it_is_a_bot() -> None:
    async with double(username="phuong_bot") as (_, bot):
        me = await bot.ok("getMe")
        assert (me["id"], me["is_bot"], me["username"]) == (42, True, "phuong_bot")


@in_a_loop
async def test_a_request_that_breaks_the_table_is_refused_and_remembered() -> None:
    async with double() as (api, bot):
        api.start(7)
        assert await bot.refused("sendMessage", chat_id=7, text="a" * 5000) == (
            400,
            "Bad Request: message is too long",
        )
        await bot.ok("sendMessage", chat_id=7, text="a", colour="red")
        assert [(one.method, one.path) for one in api.violations] == [
            ("sendMessage", "text"),
            ("sendMessage", "colour"),
        ]
        await bot.refused("sendMessage", chat_id=9, text="a")
        assert [call.violations for call in api.requests[:2]] == [(one,) for one in api.violations]
        assert [call.valid for call in api.requests] == [False, False, True]


@in_a_loop
async def test_the_check_can_be_left_out_for_measurements() -> None:
    async with double(check=False, log=1) as (api, bot):
        api.start(7)
        await bot.ok("sendMessage", chat_id=7, text="a", colour="red")
        await bot.ok("sendMessage", chat_id="7", text="b", reply_markup='{"inline_keyboard":[]}')
        assert api.violations == []
        assert [call.params["text"] for call in api.requests] == ["b"]
        assert (await bot("sendMessage", chat_id=7, text="c", reply_markup="{"))[0] == 400


# Messages


@in_a_loop
async def test_message_ids_rise_in_each_chat_whoever_writes() -> None:
    async with double() as (api, bot):
        assert [api.start(7), api.start(8)] == [1, 1]
        sent = [(await bot.ok("sendMessage", chat_id=chat, text="a"))["message_id"] for chat in (7, 7, 8)]
        assert sent == [2, 3, 2]
        assert api.say(7, "b") == 4


@in_a_loop
async def test_a_message_shows_its_text_as_parsed_and_its_inline_keyboard() -> None:
    async with double() as (api, bot):
        api.start(7)
        markup = {"inline_keyboard": [[{"text": "Nam", "callback_data": "x"}], []]}
        text = "<b>Giới tính</b>? "
        sent = await bot.ok("sendMessage", chat_id=7, text=text, parse_mode="HTML", reply_markup=markup)
        assert sent["text"] == "Giới tính?"
        assert sent["entities"] == [{"type": "bold", "offset": 0, "length": 9}]
        assert sent["reply_markup"] == {"inline_keyboard": markup["inline_keyboard"][:1]}
        assert sent["from"]["is_bot"]
        assert sent["chat"]["type"] == "private"
        assert api.chat(7).messages[-1] == sent


@in_a_loop
async def test_a_bot_writes_only_to_people_who_started_it_and_did_not_block_it() -> None:
    async with double() as (api, bot):
        for user_id, standing in enumerate(Standing, 10):
            api.user(user_id, standing=standing)
        said = [
            (await bot("sendMessage", chat_id=chat, text="a"))[1].get("description") for chat in range(9, 14)
        ]
        assert said == [
            "Bad Request: chat not found",
            "Forbidden: bot can't initiate conversation with a user",
            None,
            "Forbidden: bot was blocked by the user",
            "Forbidden: user is deactivated",
        ]
        assert api.violations == []


@in_a_loop
async def test_an_edit_replaces_text_and_keyboard() -> None:
    async with double() as (api, bot):
        api.start(7)
        markup = {"inline_keyboard": [[{"text": "Nam", "callback_data": "x"}]]}
        sent = await bot.ok("sendMessage", chat_id=7, text="a", reply_markup=markup)
        where = {"chat_id": 7, "message_id": sent["message_id"]}
        edited = await bot.ok("editMessageText", **where, text="b")
        assert edited["text"] == "b"
        assert "edit_date" in edited
        assert "reply_markup" not in edited
        edited = await bot.ok("editMessageReplyMarkup", **where, reply_markup=markup)
        assert edited["reply_markup"] == markup
        assert api.chat(7).messages[-1] == edited


@in_a_loop
async def test_an_edit_that_changes_nothing_or_finds_nothing_is_refused() -> None:
    async with double() as (api, bot):
        own = api.start(7)
        sent = (await bot.ok("sendMessage", chat_id=7, text="a"))["message_id"]
        asked = (await bot.ok("sendMessage", chat_id=7, text="b", reply_markup={"force_reply": True}))[
            "message_id"
        ]
        status, said = await bot.refused("editMessageText", chat_id=7, message_id=sent, text="a")
        assert status == 400
        assert said.startswith("Bad Request: message is not modified: specified new message content")
        for message_id, description in (
            (99, "Bad Request: message to edit not found"),
            (own, "Bad Request: message can't be edited"),
            (asked, "Bad Request: message can't be edited"),
        ):
            refused = await bot.refused("editMessageText", chat_id=7, message_id=message_id, text="c")
            assert refused == (400, description)
        assert await bot.refused("editMessageCaption", chat_id=7, message_id=sent, caption="c") == (
            400,
            "Bad Request: there is no caption in the message to edit",
        )


@in_a_loop
async def test_a_message_can_be_deleted_for_48_hours() -> None:
    clock = HandClock()
    async with double(clock=clock) as (api, bot):
        api.start(7)
        sent = [(await bot.ok("sendMessage", chat_id=7, text="a"))["message_id"] for _ in range(3)]
        assert await bot.ok("deleteMessage", chat_id=7, message_id=sent[0])
        assert await bot.refused("deleteMessage", chat_id=7, message_id=sent[0]) == (
            400,
            "Bad Request: message to delete not found",
        )
        assert await bot.ok("deleteMessages", chat_id=7, message_ids=[sent[0], sent[1]])
        clock.advance(48 * 3600)
        assert await bot.refused("deleteMessage", chat_id=7, message_id=sent[2]) == (
            400,
            "Bad Request: message can't be deleted",
        )


@in_a_loop
async def test_a_reply_shows_what_it_replies_to_if_that_is_there() -> None:
    async with double() as (api, bot):
        own = api.start(7)
        sent = await bot.ok("sendMessage", chat_id=7, text="a", reply_parameters={"message_id": own})
        assert sent["reply_to_message"]["message_id"] == own
        lost = {"message_id": 99}
        assert await bot.refused("sendMessage", chat_id=7, text="a", reply_parameters=lost) == (
            400,
            "Bad Request: message to be replied not found",
        )
        lost["allow_sending_without_reply"] = True
        assert "reply_to_message" not in await bot.ok(
            "sendMessage", chat_id=7, text="a", reply_parameters=lost
        )


@in_a_loop
async def test_a_message_can_be_copied_forwarded_and_pinned() -> None:
    async with double() as (api, bot):
        own = api.say(7, "Đường Lê Lợi")
        api.start(8)
        source = {"from_chat_id": 7, "message_id": own}
        copied = await bot.ok("copyMessage", chat_id=8, **source)
        forwarded = await bot.ok("forwardMessage", chat_id=8, **source)
        assert api.chat(8).texts == ["Đường Lê Lợi"] * 2
        assert copied == {"message_id": forwarded["message_id"] - 1}
        assert forwarded["forward_origin"]["sender_user"]["id"] == 7
        await bot.ok("pinChatMessage", chat_id=8, **copied)
        assert (await bot.ok("getChat", chat_id=8))["pinned_message"]["text"] == "Đường Lê Lợi"
        await bot.ok("unpinChatMessage", chat_id=8)
        assert (await bot.refused("unpinChatMessage", chat_id=8))[
            1
        ] == "Bad Request: message to unpin not found"


@in_a_loop
async def test_a_document_goes_up_and_comes_down_again() -> None:
    async with double() as (api, bot):
        api.start(7)
        form = aiohttp.FormData({"chat_id": "7", "caption": "Biểu <i>B02</i>", "parse_mode": "HTML"})
        form.add_field("document", b"PK\x03\x04", filename="B02.xlsx", content_type="application/zip")
        async with bot.http.post(f"/bot{TOKEN}/sendDocument", data=form) as answer:
            sent = (await answer.json())["result"]
        assert sent["document"]["file_name"] == "B02.xlsx"
        assert sent["caption"] == "Biểu B02"
        again = await bot.ok("sendDocument", chat_id=7, document=sent["document"]["file_id"])
        assert again["document"]["file_id"] == sent["document"]["file_id"]
        told = await bot.ok("getFile", file_id=sent["document"]["file_id"])
        assert told["file_size"] == 4
        for token, status in ((TOKEN, 200), ("42:other", 401)):
            async with bot.http.get(f"/file/bot{token}/{told['file_path']}") as answer:
                assert answer.status == status
                assert (await answer.read() == b"PK\x03\x04") is (status == 200)
        assert api.violations == []


@in_a_loop
async def test_files_that_telegram_does_not_take_are_refused() -> None:
    async with double() as (api, bot):
        api.start(7)
        for document, description in (
            ("attach://x", "Bad Request: there is no document in the request"),
            ("https://a.vn/x.pdf", "Bad Request: failed to get HTTP URL content"),
            ("nonsense", "Bad Request: wrong file identifier/HTTP URL specified"),
        ):
            assert (await bot.refused("sendDocument", chat_id=7, document=document))[1] == description
        for content, description in (
            (b"%PDF-1.7", "Bad Request: IMAGE_PROCESS_FAILED"),
            (
                b"\xff\xd8\xff" * (4 << 20),
                f"Bad Request: file of size {12 << 20} bytes is too big for a photo",
            ),
        ):
            form = aiohttp.FormData({"chat_id": "7"})
            form.add_field("photo", content, filename="x.jpg")
            async with bot.http.post(f"/bot{TOKEN}/sendPhoto", data=form) as answer:
                assert (await answer.json())["description"] == description
        number = api.send(7, "document", bytes((20 << 20) + 1), name="to.bin")
        file_id = api.chat(7).by_id[number]["document"]["file_id"]
        assert (await bot.refused("getFile", file_id=file_id))[1] == "Bad Request: file is too big"
        assert (await bot.refused("getFile", file_id="x"))[1] == "Bad Request: invalid file_id"


@in_a_loop
async def test_a_callback_query_is_answered_once_and_in_time() -> None:
    clock = HandClock()
    async with double(clock=clock, callback_seconds=15.0) as (api, bot):
        message = api.start(7)
        first, late = api.press(7, message, "x"), api.press(7, message, "y")
        assert await bot.ok("answerCallbackQuery", callback_query_id=first, text="Đã ghi")
        assert api.answers[first].text == "Đã ghi"
        assert await bot.refused("answerCallbackQuery", callback_query_id=first) == (400, LATE)
        assert await bot.refused("answerCallbackQuery", callback_query_id="1") == (400, LATE)
        clock.advance(16)
        assert await bot.refused("answerCallbackQuery", callback_query_id=late) == (400, LATE)


# The bot's own settings


@in_a_loop
async def test_commands_are_kept_by_scope_and_language() -> None:
    async with double() as (api, bot):
        start = [{"command": "start", "description": "Bắt đầu"}]
        mine = [{"command": "hoi", "description": "Hỏi cán bộ"}]
        scope = {"type": "all_private_chats"}
        await bot.ok("setMyCommands", commands=start)
        await bot.ok("setMyCommands", commands=mine, scope=scope, language_code="vi")
        assert await bot.ok("getMyCommands") == start
        assert await bot.ok("getMyCommands", scope=scope, language_code="vi") == mine
        assert await bot.ok("getMyCommands", scope=scope) == []
        await bot.ok("deleteMyCommands")
        assert await bot.ok("getMyCommands") == []
        nowhere = {"type": "chat", "chat_id": 5}
        assert (await bot.refused("getMyCommands", scope=nowhere))[1] == "Bad Request: chat not found"
        assert api.violations == []


@in_a_loop
async def test_name_and_descriptions_are_kept_by_language_with_a_fallback() -> None:
    async with double(name="Hỏi Dân") as (_, bot):
        assert await bot.ok("getMyName") == {"name": "Hỏi Dân"}
        await bot.ok("setMyName", name="Ask the people", language_code="en")
        assert await bot.ok("getMyName", language_code="en") == {"name": "Ask the people"}
        await bot.ok("setMyDescription", description="Khảo sát")
        await bot.ok("setMyShortDescription", short_description="Phường hỏi dân")
        assert await bot.ok("getMyDescription", language_code="en") == {"description": "Khảo sát"}
        assert await bot.ok("getMyShortDescription") == {"short_description": "Phường hỏi dân"}
        await bot.ok("setMyDescription", description="")
        assert await bot.ok("getMyDescription") == {"description": ""}


@in_a_loop
async def test_a_menu_button_is_the_chats_or_the_bots() -> None:
    async with double() as (api, bot):
        api.start(7)
        assert await bot.ok("getChatMenuButton", chat_id=7) == {"type": "commands"}
        app = {"type": "web_app", "text": "Mở", "web_app": {"url": "https://phuong.vn/chat"}}
        await bot.ok("setChatMenuButton", chat_id=7, menu_button=app)
        assert await bot.ok("getChatMenuButton", chat_id=7) == app
        await bot.ok("setChatMenuButton", chat_id=7)
        assert await bot.ok("getChatMenuButton", chat_id=7) == {"type": "commands"}
        assert api.violations == []


@in_a_loop
async def test_after_logging_out_nothing_works_for_ten_minutes() -> None:
    clock = HandClock()
    async with double(clock=clock) as (_, bot):
        await bot.ok("logOut")
        assert await bot.refused("getMe") == (400, "Logged out")
        clock.advance(601)
        await bot.ok("getMe")


# Groups


@in_a_loop
async def test_a_group_that_became_a_supergroup_names_its_new_id() -> None:
    async with double() as (api, bot):
        api.group(-5, "Tổ 3")
        new = api.migrate(-5)
        status, body = await bot("sendMessage", chat_id=-5, text="a")
        assert (status, body["parameters"]) == (400, {"migrate_to_chat_id": new})
        assert body["description"] == "Bad Request: group chat was upgraded to a supergroup chat"
        assert (await bot.ok("sendMessage", chat_id=new, text="a"))["chat"]["type"] == "supergroup"
        told = [update["message"] for update in await bot.ok("getUpdates")]
        assert [one.get("migrate_to_chat_id") for one in told] == [new, None]
        assert [one.get("migrate_from_chat_id") for one in told] == [None, -5]


@in_a_loop
async def test_a_bot_that_is_not_in_a_group_cannot_write_there() -> None:
    async with double() as (api, bot):
        api.group(-5)
        api.say(7, "chào", chat_id=-5)
        assert (await bot.ok("getChatMember", chat_id=-5, user_id=7))["status"] == "member"
        api.expel(-5)
        assert await bot.refused("sendMessage", chat_id=-5, text="a") == (
            403,
            "Forbidden: bot was kicked from the group chat",
        )
        api.group(-6, kind="supergroup")
        await bot.ok("leaveChat", chat_id=-6)
        assert await bot.refused("sendMessage", chat_id=-6, text="a") == (
            403,
            "Forbidden: bot is not a member of the supergroup chat",
        )
        kinds = [set(update) - {"update_id"} for update in await bot.ok("getUpdates")]
        assert kinds == [{"message"}, {"my_chat_member"}]


# Limits


@in_a_loop
async def test_a_burst_to_one_person_is_refused_with_the_seconds_to_wait() -> None:
    clock = HandClock()
    async with double(clock=clock, limits=Limits(chat=Rate(3, 3.0))) as (api, bot):
        api.start(7)
        for _ in range(3):
            await bot.ok("sendMessage", chat_id=7, text="a")
        clock.advance(0.5)
        async with bot.http.post(f"/bot{TOKEN}/sendMessage", json={"chat_id": 7, "text": "a"}) as answer:
            assert answer.status == 429
            assert answer.headers["Retry-After"] == "3"
            assert await answer.json() == {
                "ok": False,
                "error_code": 429,
                "description": "Too Many Requests: retry after 3",
                "parameters": {"retry_after": 3},
            }
        clock.advance(2.5)
        await bot.ok("sendMessage", chat_id=7, text="a")
        assert api.chat(7).sent == 4


@in_a_loop
async def test_a_group_takes_20_messages_a_minute() -> None:
    clock = HandClock()
    async with double(clock=clock, limits=Limits(bot=None)) as (api, bot):
        api.group(-5)
        statuses = [(await bot("sendMessage", chat_id=-5, text="a"))[0] for _ in range(22)]
        assert statuses == [200] * 20 + [429] * 2
        clock.advance(60)
        await bot.ok("sendMessage", chat_id=-5, text="a")


@in_a_loop
async def test_all_chats_together_take_30_messages_a_second() -> None:
    clock = HandClock()
    async with double(clock=clock, limits=Limits()) as (api, bot):
        for user_id in range(100, 140):
            api.start(user_id)
        statuses = [(await bot("sendMessage", chat_id=chat, text="a"))[0] for chat in range(100, 140)]
        assert statuses == [200] * 30 + [429] * 10
        clock.advance(1)
        await bot.ok("sendMessage", chat_id=139, text="a")


@in_a_loop
async def test_edits_answers_and_actions_are_not_counted_as_messages() -> None:
    async with double(clock=HandClock(), limits=Limits(chat=Rate(1, 1.0))) as (api, bot):
        api.start(7)
        sent = await bot.ok("sendMessage", chat_id=7, text="0")
        for text in "123":
            await bot.ok("editMessageText", chat_id=7, message_id=sent["message_id"], text=text)
            await bot.ok("sendChatAction", chat_id=7, action="typing")
        assert (await bot("sendMessage", chat_id=7, text="a"))[0] == 429


# Polling


@in_a_loop
async def test_updates_are_given_until_an_offset_confirms_them() -> None:
    clock = HandClock()
    async with double(clock=clock) as (api, bot):
        for text in ("một", "hai", "ba"):
            api.say(7, text)
        first = await bot.ok("getUpdates", limit=2)
        numbers = [update["update_id"] for update in first]
        assert numbers == [numbers[0], numbers[0] + 1]
        assert [update["message"]["text"] for update in first] == ["một", "hai"]
        rest = await bot.ok("getUpdates", offset=numbers[-1] + 1)
        assert [update["message"]["text"] for update in rest] == ["ba"]
        assert api.pending == 1
        assert await bot.ok("getUpdates", offset=rest[-1]["update_id"] + 1) == []
        assert api.pending == 0


@in_a_loop
async def test_asking_for_the_same_again_at_once_gives_one_update() -> None:
    clock = HandClock()
    async with double(clock=clock) as (api, bot):
        for text in ("một", "hai"):
            api.say(7, text)
        assert len(await bot.ok("getUpdates", offset=0)) == 2
        assert len(await bot.ok("getUpdates", offset=0)) == 1
        clock.advance(1)
        assert len(await bot.ok("getUpdates", offset=0)) == 2


@in_a_loop
async def test_a_negative_offset_forgets_all_but_the_last() -> None:
    async with double() as (api, bot):
        for text in ("một", "hai", "ba"):
            api.say(7, text)
        left = await bot.ok("getUpdates", offset=-1)
        assert [update["message"]["text"] for update in left] == ["ba"]


@in_a_loop
async def test_a_long_poll_ends_when_an_update_comes() -> None:
    async with double() as (api, bot):
        poll = asyncio.create_task(bot.ok("getUpdates", timeout=50))
        await api.wait_for(lambda: api.polling)
        api.say(7, "chào")
        assert [update["message"]["text"] for update in await poll] == ["chào"]


@in_a_loop
async def test_a_second_poller_ends_the_first_with_a_conflict() -> None:
    async with double() as (api, bot):
        first = asyncio.create_task(bot.refused("getUpdates", timeout=50, offset=1))
        await api.wait_for(lambda: api.polling)
        second = asyncio.create_task(bot.ok("getUpdates", timeout=50, offset=2))
        status, description = await first
        assert status == 409
        assert description.startswith("Conflict: terminated by other getUpdates request")
        api.say(7, "chào")
        assert len(await second) == 1


@in_a_loop
async def test_setting_a_webhook_ends_polling() -> None:
    async with double() as (api, bot), hook() as there:
        poll = asyncio.create_task(bot.refused("getUpdates", timeout=50))
        await api.wait_for(lambda: api.polling)
        await bot.ok("setWebhook", url=there.url)
        assert await poll == (409, "Conflict: terminated by setWebhook request")
        status, description = await bot.refused("getUpdates")
        assert status == 409
        assert description.startswith("Conflict: can't use getUpdates method while webhook is active")
        await bot.ok("deleteWebhook")
        await bot.ok("getUpdates")


@in_a_loop
async def test_only_allowed_kinds_of_update_are_kept_until_told_otherwise() -> None:
    async with double() as (api, bot):
        await bot.ok("getUpdates", allowed_updates=["callback_query"])
        message = api.say(7, "không đến")
        api.press(7, message, "đến")
        assert [set(one) for one in await bot.ok("getUpdates", offset=1)] == [{"update_id", "callback_query"}]
        await bot.ok("getUpdates", offset=-1, allowed_updates=[])
        api.say(7, "đến")
        assert [set(one) for one in await bot.ok("getUpdates", offset=2)][1:] == [{"update_id", "message"}]


@in_a_loop
async def test_updates_expire_after_a_day_presses_after_150_seconds() -> None:
    clock = HandClock()
    async with double(clock=clock) as (api, bot):
        api.press(7, api.say(7, "chào"), "x")
        clock.advance(151)
        assert [set(one) for one in await bot.ok("getUpdates")] == [{"update_id", "message"}]
        clock.advance(86_400)
        assert await bot.ok("getUpdates", offset=1) == []


@in_a_loop
async def test_a_held_text_is_overtaken_by_a_press() -> None:
    async with double() as (api, bot):
        message = api.start(7)
        api.hold("message")
        api.say(7, "trước")
        api.press(7, message, "sau")
        api.release()
        kinds = [sorted(set(one) - {"update_id"}) for one in await bot.ok("getUpdates")]
        assert kinds == [["message"], ["callback_query"], ["message"]]


@in_a_loop
async def test_updates_can_lack_fields_that_the_documentation_requires() -> None:
    lacking = ("message.from.is_bot", "callback_query.chat_instance")
    async with double(delivery=Delivery(without=lacking)) as (api, bot):
        api.press(7, api.say(7, "chào"), "x")
        text, press = await bot.ok("getUpdates")
        assert "is_bot" not in text["message"]["from"]
        assert text["message"]["from"]["id"] == 7
        assert "chat_instance" not in press["callback_query"]


@in_a_loop
async def test_any_update_can_be_given_to_the_bot_as_it_is() -> None:
    async with double() as (api, bot):
        odd = {"update_id": 1, "galaxy_event": {"x": 1}}
        old = {
            "callback_query": {
                "id": "9",
                "from": {"id": 7},
                "message": {"chat": {"id": 7, "type": "private"}},
            }
        }
        api.inject(odd)
        api.inject(old)
        first, second = await bot.ok("getUpdates")
        assert first["galaxy_event"] == {"x": 1}
        assert second["update_id"] == first["update_id"] + 1
        await bot.ok("answerCallbackQuery", callback_query_id="9")
        await bot.ok("sendMessage", chat_id=7, text="a")


@in_a_loop
async def test_a_press_below_a_deleted_message_comes_with_an_inaccessible_one() -> None:
    async with double() as (api, bot):
        api.start(7)
        sent = await bot.ok("sendMessage", chat_id=7, text="a")
        await bot.ok("deleteMessage", chat_id=7, message_id=sent["message_id"])
        api.press(7, sent["message_id"], "x")
        press = (await bot.ok("getUpdates"))[-1]["callback_query"]
        assert press["message"] == {"message_id": sent["message_id"], "chat": sent["chat"], "date": 0}


# Webhook


@dataclass
class Hook:
    """A bot's webhook: what arrived, and what to answer next."""

    url: str
    updates: list[dict[str, Any]] = field(default_factory=list)
    headers: list[Any] = field(default_factory=list)
    connections: set[Any] = field(default_factory=set)
    answers: list[web.Response] = field(default_factory=list)
    before: Callable[[dict[str, Any]], Awaitable[None]] | None = None

    async def __call__(self, request: web.BaseRequest) -> web.Response:
        update = await request.json()
        self.updates.append(update)
        self.headers.append(request.headers)
        self.connections.add(request.transport)
        if self.before is not None:
            await self.before(update)
        return self.answers.pop(0) if self.answers else web.Response()

    @property
    def told(self) -> list[str]:
        """Texts and pressed data, in order of arrival."""
        return [
            update["message"]["text"] if "message" in update else update["callback_query"]["data"]
            for update in self.updates
        ]


@asynccontextmanager
async def hook() -> AsyncIterator[Hook]:
    there = Hook("")
    runner = web.ServerRunner(web.Server(there), shutdown_timeout=1.0)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    there.url = f"http://127.0.0.1:{runner.addresses[0][1]}/telegram/webhook"
    try:
        yield there
    finally:
        await runner.cleanup()


@in_a_loop
async def test_a_webhook_gets_updates_with_its_secret_over_one_kept_connection() -> None:
    async with double() as (api, bot), hook() as there:
        await bot.ok("setWebhook", url=there.url, secret_token=SECRET, max_connections=1)
        for text in ("một", "hai", "ba"):
            api.say(7, text)
        await api.wait_for(lambda: api.pending == 0)
        assert there.told == ["một", "hai", "ba"]
        assert {one["X-Telegram-Bot-Api-Secret-Token"] for one in there.headers} == {SECRET}
        assert {one["Content-Type"] for one in there.headers} == {"application/json"}
        assert len(there.connections) == 1
        info = await bot.ok("getWebhookInfo")
        assert (info["url"], info["pending_update_count"], info["max_connections"]) == (there.url, 0, 1)
        assert SECRET not in json.dumps(info)


@in_a_loop
async def test_updates_that_waited_are_delivered_once_a_webhook_is_set_unless_dropped() -> None:
    async with double() as (api, bot), hook() as there:
        api.say(7, "cũ")
        await bot.ok("setWebhook", url=there.url, drop_pending_updates=True)
        api.say(7, "mới")
        await api.wait_for(lambda: there.told == ["mới"])
        await bot.ok("deleteWebhook")
        api.say(7, "chờ")
        await bot.ok("setWebhook", url=there.url)
        await api.wait_for(lambda: there.told == ["mới", "chờ"])


@in_a_loop
async def test_one_update_of_a_chat_is_on_its_way_at_a_time_others_beside_it() -> None:
    async with double() as (api, bot), hook() as there:
        gate = asyncio.Event()

        async def wait_at_gate(update: dict[str, Any]) -> None:
            await gate.wait()

        there.before = wait_at_gate
        await bot.ok("setWebhook", url=there.url)
        message = api.say(7, "một")
        api.say(7, "hai")
        api.say(8, "tám")
        api.press(7, message, "bấm")
        async with asyncio.timeout(5):
            while len(there.updates) < 3:
                await asyncio.sleep(0.001)
        assert sorted(there.told) == ["bấm", "một", "tám"]
        gate.set()
        await api.wait_for(lambda: api.pending == 0)
        assert there.told[-1] == "hai"


@in_a_loop
async def test_a_refused_update_is_tried_again_and_holds_up_its_own_chat_only() -> None:
    async with double() as (api, bot), hook() as there:

        async def fail_first(update: dict[str, Any]) -> None:
            again = there.told.count("hỏng")
            if update["message"]["text"] == "hỏng" and again <= 4:
                there.answers.append(web.Response(status=500))

        there.before = fail_first
        await bot.ok("setWebhook", url=there.url)
        api.say(7, "hỏng")
        api.say(7, "sau")
        api.say(8, "khác")
        await api.wait_for(lambda: api.pending == 0)
        assert [text for text in there.told if text != "khác"] == ["hỏng"] * 5 + ["sau"]
        assert there.told.index("khác") < there.told.index("sau")
        number = there.updates[0]["update_id"]
        tried = [attempt.status for attempt in api.attempts if attempt.update_id == number]
        assert tried == [500, 500, 500, 500, 200]
        info = await bot.ok("getWebhookInfo")
        assert info["last_error_message"] == "Wrong response from the webhook: 500 Internal Server Error"


@in_a_loop
async def test_pauses_between_tries_double_from_two_seconds_after_one_try_at_once() -> None:
    async with double(delivery=Delivery(pace=0.0001)) as (api, bot), hook() as there:
        there.answers = [web.Response(status=500) for _ in range(6)]
        there.answers.append(web.Response(status=503, headers={"Retry-After": "5"}))
        await bot.ok("setWebhook", url=there.url)
        api.say(7, "chào")
        await api.wait_for(lambda: api.pending == 0)
        assert [attempt.again_in for attempt in api.attempts] == [0, 2, 4, 8, 16, 32, 5, None]


@in_a_loop
async def test_a_webhook_that_cannot_be_reached_gets_its_updates_later() -> None:
    async with double() as (api, bot):
        async with hook() as there:
            url = there.url
        await bot.ok("setWebhook", url=url)
        api.say(7, "chào")
        await api.wait_for(lambda: len(api.attempts) >= 3)
        assert {attempt.status for attempt in api.attempts} == {None}
        assert (await bot.ok("getWebhookInfo"))["last_error_message"] == "Connection refused"
        assert api.pending == 1
        await bot.ok("deleteWebhook")
        assert len(await bot.ok("getUpdates")) == 1


@in_a_loop
async def test_an_update_whose_next_try_would_come_after_its_expiry_is_dropped() -> None:
    async with double(clock=HandClock()) as (api, bot), hook() as there:
        there.answers = [web.Response(status=503, headers={"Retry-After": "151"})]
        await bot.ok("setWebhook", url=there.url)
        api.press(7, 1, "mất")
        await api.wait_for(lambda: api.pending == 0)
        assert there.told == ["mất"]


@in_a_loop
async def test_a_webhook_may_answer_with_one_call() -> None:
    async with double() as (api, bot), hook() as there:
        call = {"method": "sendMessage", "chat_id": 7, "text": "Xin chào"}
        there.answers = [
            web.json_response(call),
            web.Response(
                text="method=sendMessage&chat_id=7&text=Form",
                content_type="application/x-www-form-urlencoded",
            ),
            web.json_response({"method": "getMe"}),
            web.json_response({"method": "deleteWebhook"}),
            web.Response(text="ok"),
        ]
        await bot.ok("setWebhook", url=there.url)
        for text in "abcde":
            api.say(7, text)
        await api.wait_for(lambda: api.pending == 0)
        assert api.chat(7).texts == ["Xin chào", "Form"]
        assert [call.method for call in api.requests if call.by_reply] == ["sendMessage"] * 2
        assert (await bot.ok("getWebhookInfo"))["url"] == there.url


@in_a_loop
async def test_an_update_can_come_twice() -> None:
    async with double(delivery=Delivery(pace=0.001, twice=True)) as (api, bot), hook() as there:
        await bot.ok("setWebhook", url=there.url)
        api.say(7, "một")
        api.say(7, "hai")
        await api.wait_for(lambda: api.pending == 0)
        assert there.told == ["một", "một", "hai", "hai"]
        assert len({update["update_id"] for update in there.updates}) == 2


@in_a_loop
async def test_under_a_webhook_a_held_text_keeps_its_number_and_comes_late() -> None:
    async with double() as (api, bot), hook() as there:
        await bot.ok("setWebhook", url=there.url)
        api.hold("message")
        api.press(7, api.say(7, "trước"), "sau")
        await api.wait_for(lambda: there.told == ["sau"])
        api.release()
        await api.wait_for(lambda: api.pending == 0)
        assert there.told == ["sau", "trước"]
        assert there.updates[1]["update_id"] < there.updates[0]["update_id"]


@in_a_loop
async def test_a_webhook_that_says_gone_for_23_hours_is_removed() -> None:
    clock = HandClock()
    async with double(clock=clock) as (api, bot), hook() as there:
        there.answers = [web.Response(status=410) for _ in range(2)]
        await bot.ok("setWebhook", url=there.url)

        async def let_a_day_go_by(update: dict[str, Any]) -> None:
            clock.advance(23 * 3600 + 1 if len(there.updates) == 2 else 1)

        there.before = let_a_day_go_by
        api.say(7, "chào")
        await api.wait_for(lambda: len(api.attempts) == 2)
        assert (await bot.ok("getWebhookInfo"))["url"] == ""
        assert len(await bot.ok("getUpdates")) == 1


@pytest.mark.parametrize(
    ("url", "description"),
    [
        ("http://phuong.vn/hook", "Failed to resolve host: Name or service not known"),
        ("https://10.0.0.1/hook", "IP address 10.0.0.1 is reserved"),
    ],
)
@in_a_loop
async def test_a_webhook_away_from_this_machine_is_refused(url: str, description: str) -> None:
    async with double() as (_, bot):
        assert await bot.refused("setWebhook", url=url) == (400, f"Bad Request: bad webhook: {description}")


@in_a_loop
async def test_a_webhook_can_be_set_once_a_second() -> None:
    clock = HandClock()
    async with double(clock=clock, limits=Limits()) as (_, bot), hook() as there:
        await bot.ok("setWebhook", url=there.url)
        status, body = await bot("setWebhook", url=there.url)
        assert (status, body["parameters"]) == (429, {"retry_after": 1})
        clock.advance(1)
        await bot.ok("setWebhook", url=there.url)


# Faults


@in_a_loop
async def test_the_next_calls_of_a_method_can_fail_and_then_work_again() -> None:
    async with double() as (api, bot):
        api.start(7)
        api.fault("too_many", "sendMessage", times=2, retry_after=9)
        api.fault("error", "sendMessage")
        await bot.ok("getMe")
        for _ in range(2):
            status, body = await bot("sendMessage", chat_id=7, text="a")
            assert (status, body["parameters"]) == (429, {"retry_after": 9})
        assert (await bot.refused("sendMessage", chat_id=7, text="a"))[0] == 500
        await bot.ok("sendMessage", chat_id=7, text="a")
        assert api.chat(7).sent == 1
        assert [call.fault for call in api.calls("sendMessage")] == ["too_many", "too_many", "error", None]


@in_a_loop
async def test_a_fault_can_concern_one_chat() -> None:
    async with double() as (api, bot):
        api.start(7)
        api.start(8)
        api.fault("migrated", chat_id=8, migrate_to=-1005)
        await bot.ok("sendMessage", chat_id=7, text="a")
        status, body = await bot("sendMessage", chat_id=8, text="a")
        assert (status, body["parameters"]) == (400, {"migrate_to_chat_id": -1005})


@in_a_loop
async def test_a_bad_gateway_answers_html() -> None:
    async with double() as (api, bot):
        api.fault("bad_gateway")
        async with bot.http.get(f"/bot{TOKEN}/getMe") as answer:
            assert answer.status == 502
            assert answer.content_type == "text/html"
            assert "<html>" in await answer.text()


@pytest.mark.parametrize(("kind", "done"), [("drop_before", 0), ("drop_after", 1)])
@in_a_loop
async def test_a_dropped_connection_leaves_the_bot_in_the_dark(kind: str, done: int) -> None:
    async with double() as (api, bot):
        api.start(7)
        api.fault(kind, "sendMessage")
        with pytest.raises(aiohttp.ClientError):
            await bot("sendMessage", chat_id=7, text="a")
        assert api.chat(7).sent == done
        assert [call.status for call in api.calls("sendMessage")] == [None]
        await bot.ok("sendMessage", chat_id=7, text="b")


@in_a_loop
async def test_a_slow_answer_was_done_before_the_bot_gave_up() -> None:
    async with double() as (api, bot):
        api.start(7)
        api.fault("slow", "sendMessage", seconds=60)
        call = asyncio.create_task(bot("sendMessage", chat_id=7, text="a"))
        await api.wait_for(lambda: api.chat(7).sent == 1)
        await bot.ok("getMe")
        assert not call.done()
        call.cancel()


@in_a_loop
async def test_waiting_in_vain_tells_the_last_calls() -> None:
    async with double() as (api, bot):
        await bot.refused("sendMessage", chat_id=7, text="a")
        with pytest.raises(TimeoutError, match="sendMessage 400 Bad Request: chat not found"):
            await api.wait_for(lambda: False, seconds=0.01)


# A person


async def survey_bot(bot: Client) -> None:
    """A bot of a few lines, polling: enough for a person to talk to."""
    offset = 0
    yes_no = {
        "inline_keyboard": [
            [{"text": "Có", "callback_data": "yes"}, {"text": "Không", "callback_data": "no"}]
        ]
    }
    keys = {"keyboard": [["Bỏ qua"], [{"text": "Gửi số", "request_contact": True}]]}
    while True:
        for update in await bot.ok("getUpdates", offset=offset, timeout=50):
            offset = update["update_id"] + 1
            if "callback_query" in update:
                query = update["callback_query"]
                text = "Câu này đã trả lời" if query["data"] == "old" else ""
                await bot.ok("answerCallbackQuery", callback_query_id=query["id"], text=text)
                if not text:
                    chat = query["message"]["chat"]["id"]
                    number = query["message"]["message_id"]
                    await bot.ok(
                        "editMessageText", chat_id=chat, message_id=number, text=f"Đã ghi: {query['data']}"
                    )
                    await bot.ok("sendMessage", chat_id=chat, text="Tên?", reply_markup=keys)
                continue
            message = update.get("message") or update.get("edited_message")
            if message is None:
                continue
            chat = message["chat"]["id"]
            if "edited_message" in update:
                await bot.ok("sendMessage", chat_id=chat, text=f"Sửa thành: {message['text']}")
            elif message.get("text", "").startswith("/start"):
                await bot.ok("sendMessage", chat_id=chat, text=message["text"])
                await bot.ok("sendMessage", chat_id=chat, text="Có việc làm?", reply_markup=yes_no)
            elif "text" in message:
                await bot.ok("sendMessage", chat_id=chat, text=f"Chào {message['text']}")
            else:
                kinds = set(message) & {"sticker", "photo", "voice", "document", "contact", "location"}
                await bot.ok("sendMessage", chat_id=chat, text=f"Không đọc được {kinds.pop()}")


@asynccontextmanager
async def person() -> AsyncIterator[tuple[Person, Client]]:
    async with double() as (api, bot):
        serving = asyncio.create_task(survey_bot(bot))
        try:
            yield Person(api, 7, first_name="Lan"), bot
            assert api.violations == []
        finally:
            serving.cancel()
            await asyncio.gather(serving, return_exceptions=True)


@in_a_loop
async def test_a_person_starts_presses_and_writes() -> None:
    async with person() as (lan, _):
        asked = await lan.start("HD7K2")
        assert lan.chat.texts == ["/start HD7K2", "Có việc làm?"]
        assert asked.buttons == (("Có", "Không"),)
        assert lan.standing is Standing.STARTED
        then = await lan.press("Có")
        assert lan.read(asked.message_id).text == "Đã ghi: yes"
        assert then.text == "Tên?"
        assert then.labels == ("Bỏ qua", "Gửi số")
        assert (await lan.press("Bỏ qua")).text == "Chào Bỏ qua"
        assert (await lan.say("Lan")).text == "Chào Lan"
        assert (await lan.edit_last("Lành")).text == "Sửa thành: Lành"
        assert lan.last().text == "Sửa thành: Lành"


@in_a_loop
async def test_a_person_presses_by_data_and_what_is_gone_and_sees_what_pops_up() -> None:
    async with person() as (lan, _):
        asked = await lan.start()
        await lan.press("no")
        await lan.press_gone("old", asked.message_id, popup_only=True)
        assert lan.popup is not None
        assert lan.popup.text == "Câu này đã trả lời"
        with pytest.raises(LookupError, match="no button 'Có' in chat 7; there are \\[\\]"):
            await lan.press("Có")


@in_a_loop
async def test_a_person_sends_what_is_not_text() -> None:
    async with person() as (lan, bot):
        assert (await lan.send_sticker()).text == "Không đọc được sticker"
        assert (await lan.send_photo("cmnd")).text == "Không đọc được photo"
        assert (await lan.send_voice()).text == "Không đọc được voice"
        assert (await lan.send_document("phieu.xlsx", b"PK")).text == "Không đọc được document"
        assert (await lan.send_contact("+84901234567")).text == "Không đọc được contact"
        assert (await lan.send_location(10.77, 106.7)).text == "Không đọc được location"
        document = next(one["document"] for one in lan.chat.messages if "document" in one)
        told = await bot.ok("getFile", file_id=document["file_id"])
        async with bot.http.get(f"/file/bot{TOKEN}/{told['file_path']}") as answer:
            assert await answer.read() == b"PK"


@in_a_loop
async def test_a_person_who_blocks_the_bot_is_out_of_reach_until_they_unblock_it() -> None:
    async with double() as (api, bot):
        lan = Person(api, 7)
        with pytest.raises(LookupError):
            lan.last()
        api.start(7)
        lan.block()
        assert (await bot.refused("sendMessage", chat_id=7, text="a"))[0] == 403
        with pytest.raises(ValueError, match="blocked"):
            await lan.say("a")
        lan.unblock()
        await bot.ok("sendMessage", chat_id=7, text="a")
        told = [one["my_chat_member"] for one in (await bot.ok("getUpdates"))[1:]]
        assert [one["new_chat_member"]["status"] for one in told] == ["kicked", "member"]


# From another process


@in_a_loop
async def test_the_control_api_acts_for_people_and_shows_what_the_bot_did() -> None:
    async with double(control=True) as (_, bot):

        async def control(verb: str, **details: Any) -> Any:
            async with bot.http.post(f"/control/{verb}", json=details) as answer:
                return (await answer.json()) if answer.status == 200 else answer.status

        await control("user", user_id=7, first_name="Lan", language_code="en")
        assert await control("start", user_id=7, payload="HD7K2") == {"message_id": 1}
        markup = {"inline_keyboard": [[{"text": "Có", "callback_data": "yes"}]]}
        await bot.ok("sendMessage", chat_id=7, text="Có việc làm?", reply_markup=markup)
        assert (await control("wait", chat_id=7, deeds=0))["deeds"] == 1
        assert "query_id" in await control("press", user_id=7, button="Có")
        await control("say", user_id=7, text="Lan")
        await control(
            "send", user_id=7, kind="document", name="a.xlsx", content=base64.b64encode(b"PK").decode()
        )
        texts = [message.get("text") for message in (await control("chat", chat_id=7))["messages"]]
        assert texts == ["/start HD7K2", "Có việc làm?", "Lan", None]
        assert len(await bot.ok("getUpdates")) == 4
        await control("fault", kind="error", method="getMe")
        assert (await bot.refused("getMe"))[0] == 500
        calls = await control("requests", after=1)
        assert [(call["method"], call["status"]) for call in calls] == [("getUpdates", 200), ("getMe", 500)]
        assert await control("violations") == []
        assert await control("press", user_id=7, button="Không") == 400
        assert await control("dance") == 400
        async with bot.http.get("/control/chat", params={"chat_id": "7"}) as answer:
            assert (await answer.json())["deeds"] == 1


@in_a_loop
async def test_it_runs_alone_until_it_is_told_to_stop() -> None:
    here = Path(__file__).parents[2]
    command = [
        sys.executable,
        "-m",
        "bot.doubles.telegram",
        "--token",
        TOKEN,
        "--no-limits",
        "--pace",
        "0.01",
    ]
    process = await asyncio.create_subprocess_exec(
        *command, cwd=here, env={**os.environ, "PYTHONPATH": str(here)}, stdout=asyncio.subprocess.PIPE
    )
    try:
        assert process.stdout is not None
        told = json.loads(await asyncio.wait_for(process.stdout.readline(), 30))
        async with aiohttp.ClientSession(told["base_url"]) as http:
            async with http.post("/control/start", json={"user_id": 7}) as answer:
                assert answer.status == 200
            async with http.post(f"/bot{TOKEN}/sendMessage", json={"chat_id": 7, "text": "a"}) as answer:
                assert answer.status == 200
    finally:
        process.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(process.wait(), 30) == 0


# python-telegram-bot as the client


@asynccontextmanager
async def library_bot(api: BotApiDouble, token: str = TOKEN) -> AsyncIterator[telegram.Bot]:
    requests = [HTTPXRequest(httpx_kwargs={"trust_env": False}) for _ in range(2)]
    bot = telegram.Bot(
        token,
        base_url=f"{api.base_url}/bot",
        base_file_url=f"{api.base_url}/file/bot",
        request=requests[0],
        get_updates_request=requests[1],
    )
    async with bot:
        yield bot


@in_a_loop
async def test_the_library_finds_everything_it_needs_in_the_answers() -> None:
    async with BotApiDouble(TOKEN, limits=NO_LIMITS) as api, library_bot(api) as bot:
        assert (await bot.get_me()).is_bot
        asked_at = api.start(7, "HD7K2")
        buttons = [[telegram.InlineKeyboardButton("Nữ", callback_data="x:2")]]
        markup = telegram.InlineKeyboardMarkup(buttons)
        sent = await bot.send_message(
            7,
            "Giới tính của <b>bà</b>?",
            parse_mode="HTML",
            reply_markup=markup,
            reply_parameters=telegram.ReplyParameters(asked_at),
            link_preview_options=telegram.LinkPreviewOptions(is_disabled=True),
        )
        assert sent.text == "Giới tính của bà?"
        assert sent.reply_markup == markup
        assert sent.reply_to_message is not None
        query_id = api.press(7, sent.message_id, "x:2")
        start, press = await bot.get_updates(timeout=0, allowed_updates=["message", "callback_query"])
        assert start.message is not None
        assert start.message.text == "/start HD7K2"
        assert press.callback_query is not None
        assert (press.callback_query.id, press.callback_query.data) == (query_id, "x:2")
        assert await bot.answer_callback_query(query_id, "Đã ghi")
        edited = await bot.edit_message_text("Nữ ✓", 7, sent.message_id)
        assert isinstance(edited, telegram.Message)
        assert edited.text == "Nữ ✓"
        await bot.edit_message_reply_markup(7, sent.message_id, reply_markup=markup)
        keys = telegram.ReplyKeyboardMarkup([["Bỏ qua"]], resize_keyboard=True, input_field_placeholder="Tên")
        await bot.send_message(7, "Tên?", reply_markup=keys)
        await bot.send_message(7, "Tuổi?", reply_markup=telegram.ReplyKeyboardRemove())
        commands = [telegram.BotCommand("start", "Bắt đầu")]
        scope = telegram.BotCommandScopeAllPrivateChats()
        assert await bot.set_my_commands(commands, scope, "vi")
        assert list(await bot.get_my_commands(scope, "vi")) == commands
        assert await bot.set_my_description("Khảo sát", "vi")
        assert await bot.set_chat_menu_button(menu_button=telegram.MenuButtonCommands())
        assert await bot.send_chat_action(7, "typing")
        assert await bot.delete_message(7, sent.message_id)
        assert (await bot.get_chat(7)).id == 7
        assert api.violations == []


@in_a_loop
async def test_the_library_sends_and_fetches_files() -> None:
    async with BotApiDouble(TOKEN, limits=NO_LIMITS) as api, library_bot(api) as bot:
        api.start(7)
        sent = await bot.send_document(7, b"PK\x03\x04", caption="Biểu B02", filename="B02.xlsx")
        assert sent.document is not None
        assert sent.document.file_name == "B02.xlsx"
        png = b"\x89PNG\r\n\x1a\n" + bytes(8) + (640).to_bytes(4) + (480).to_bytes(4)
        photo = await bot.send_photo(7, png)
        assert (photo.photo[-1].width, photo.photo[-1].height) == (640, 480)
        number = api.send(7, "voice", b"OggS")
        file_id = api.chat(7).by_id[number]["voice"]["file_id"]
        fetched = await (await bot.get_file(file_id)).download_as_bytearray()
        assert bytes(fetched) == b"OggS"
        for kind in ("photo", "sticker", "video", "document"):
            api.send(7, kind, b"x")
        api.send(7, "contact", phone_number="1", first_name="Lan")
        api.block(7)
        assert len(await bot.get_updates(timeout=0)) == 8
        assert api.violations == []


@in_a_loop
async def test_the_library_sets_a_webhook_and_reads_its_state() -> None:
    async with BotApiDouble(TOKEN) as api, library_bot(api) as bot, hook() as there:
        kinds = ["message", "edited_message", "callback_query", "my_chat_member"]
        await bot.set_webhook(there.url, secret_token=SECRET, allowed_updates=kinds, max_connections=10)
        info = await bot.get_webhook_info()
        assert (info.url, info.max_connections, sorted(info.allowed_updates)) == (
            there.url,
            10,
            sorted(kinds),
        )
        api.start(7)
        await api.wait_for(lambda: there.updates)
        assert telegram.Update.de_json(there.updates[0], bot).effective_user is not None
        assert await bot.delete_webhook()
        assert api.violations == []


@in_a_loop
async def test_the_library_raises_its_own_errors_at_the_doubles_refusals(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PTB_TIMEDELTA", "true")
    async with BotApiDouble(TOKEN, limits=NO_LIMITS) as api, library_bot(api) as bot:
        api.user(7)
        with pytest.raises(Forbidden, match="bot can't initiate conversation"):
            await bot.send_message(7, "a")
        api.start(7)
        with pytest.raises(BadRequest, match="Message is too long"):
            await bot.send_message(7, "a" * 4097)
        with pytest.raises(BadRequest, match="Button_data_invalid"):
            button = telegram.InlineKeyboardButton("x", callback_data="x" * 65)
            await bot.send_message(7, "a", reply_markup=telegram.InlineKeyboardMarkup([[button]]))
        api.fault("too_many", "sendMessage", retry_after=3)
        with pytest.raises(RetryAfter) as wait:
            await bot.send_message(7, "a")
        assert wait.value.retry_after == timedelta(seconds=3)
        api.group(-5)
        new = api.migrate(-5)
        with pytest.raises(ChatMigrated) as moved:
            await bot.send_message(-5, "a")
        assert moved.value.new_chat_id == new
        api.fault("bad_gateway", "sendMessage")
        with pytest.raises(NetworkError, match="Bad Gateway"):
            await bot.send_message(7, "a")
        api.fault("drop_after", "sendMessage")
        with pytest.raises(NetworkError):
            await bot.send_message(7, "a")
        with pytest.raises(InvalidToken):
            async with library_bot(api, "42:other"):
                pass
        await bot.set_webhook("https://127.0.0.1:1/hook")
        with pytest.raises(Conflict):
            await bot.get_updates(timeout=0)
        rules = [one.rule for one in api.violations]
        assert rules == ["at most 4096 characters once parsed", "must have 1 to 64 bytes"]
