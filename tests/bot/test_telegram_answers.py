"""What Telegram's answers mean for a message: sent, again, never, or nobody knows."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from telegram.error import (
    BadRequest,
    ChatMigrated,
    Forbidden,
    InvalidToken,
    NetworkError,
    RetryAfter,
    TimedOut,
)

from bot.channels import Fate, Outcome
from bot.channels.telegram_api import classify, read_answer

CHAT = 7001
SENT = {"ok": True, "result": {"message_id": 1, "date": 0, "chat": {"id": CHAT, "type": "private"}}}


def said(code: int, description: str, **parameters: int) -> Outcome:
    body: dict[str, Any] = {"ok": False, "error_code": code, "description": description}
    if parameters:
        body["parameters"] = parameters
    return read_answer(code, json.dumps(body).encode(), CHAT)


@pytest.mark.parametrize(
    ("code", "description", "fate"),
    [
        (403, "Forbidden: bot was blocked by the user", Fate.GONE),
        (403, "Forbidden: user is deactivated", Fate.GONE),
        (403, "Forbidden: bot can't initiate conversation with a user", Fate.GONE),
        (403, "Forbidden: bot was kicked from the group chat", Fate.GONE),
        (400, "Bad Request: chat not found", Fate.GONE),
        (400, "Bad Request: PEER_ID_INVALID", Fate.GONE),
        (400, "Bad Request: message is not modified: specified new message content", Fate.SENT),
        (400, "Bad Request: query is too old and response timeout expired or query ID is invalid", Fate.SENT),
        (400, "Bad Request: message to edit not found", Fate.SENT),
        (400, "Bad Request: message is too long", Fate.REFUSED),
        (400, "Bad Request: can't parse entities: Unsupported start tag \"Nguyễn\"", Fate.REFUSED),
        (413, "Request Entity Too Large", Fate.REFUSED),
        (401, "Unauthorized", Fate.HALT),
        (404, "Not Found: method not found", Fate.HALT),
        (500, "Internal Server Error: restart", Fate.UNKNOWN),
        (502, "Bad Gateway", Fate.UNKNOWN),
    ],
)  # fmt: skip
def test_each_refusal_of_the_bot_api_has_its_own_meaning(code: int, description: str, fate: Fate) -> None:
    outcome = said(code, description)
    assert outcome.fate is fate
    assert outcome.fault
    assert "Nguyễn" not in outcome.fault, "what is quoted may be a person's"


def test_a_success_is_one_only_for_the_chat_it_names() -> None:
    assert read_answer(200, json.dumps(SENT).encode(), CHAT) == Outcome(Fate.SENT)
    assert read_answer(200, b'{"ok":true,"result":true}', CHAT) == Outcome(Fate.SENT)
    assert read_answer(200, json.dumps(SENT).encode(), CHAT + 1).fate is Fate.UNKNOWN


def test_who_asks_too_often_halts_for_as_long_as_is_said() -> None:
    outcome = said(429, "Too Many Requests: retry after 37", retry_after=37)
    assert (outcome.fate, outcome.after) == (Fate.HALT, 37)
    assert said(429, "Too Many Requests").after == 1.0


def test_a_chat_that_moved_is_written_to_at_its_new_address() -> None:
    moved = "Bad Request: group chat was upgraded to a supergroup chat"
    outcome = said(400, moved, migrate_to_chat_id=-1001)
    assert (outcome.fate, outcome.address) == (Fate.RETRY, "-1001")


@pytest.mark.parametrize("status", [200, 500, 502, 504])
@pytest.mark.parametrize(
    "body", [b"", b"<html><title>502 Bad Gateway</title></html>", b"{", b"null", b'"ok"', b"[]", b"\xff"]
)
def test_whatever_is_no_answer_of_telegrams_leaves_it_unknown(status: int, body: bytes) -> None:
    outcome = read_answer(status, body, CHAT)
    assert outcome.fate is Fate.UNKNOWN
    # Only where a server says itself that it failed may an answer to somebody be tried again.
    assert (outcome.after > 0) == (status >= 500)


def test_what_something_in_between_refuses_never_came_to_telegram() -> None:
    assert read_answer(407, b"<html>Proxy Authentication Required</html>", CHAT).fate is Fate.RETRY


@given(st.integers(200, 599), st.binary(max_size=60))
def test_no_answer_raises(status: int, body: bytes) -> None:
    assert read_answer(status, body, CHAT).fate in Fate


@pytest.mark.parametrize(
    ("fault", "fate"),
    [
        (Forbidden("Forbidden: bot was blocked by the user"), Fate.GONE),
        (BadRequest("Chat not found"), Fate.GONE),
        (BadRequest("Message is not modified"), Fate.SENT),
        (BadRequest("Message is too long"), Fate.REFUSED),
        (ChatMigrated(-1001), Fate.RETRY),
        (RetryAfter(5), Fate.HALT),
        (InvalidToken("Unauthorized"), Fate.HALT),
        (TimedOut("timed out"), Fate.UNKNOWN),
        (NetworkError("Bad Gateway"), Fate.UNKNOWN),
        (NetworkError("no connection: ClientConnectorError"), Fate.RETRY),
    ],
)
def test_what_the_library_raises_means_the_same(fault: Any, fate: Fate) -> None:
    assert classify(fault).fate is fate
