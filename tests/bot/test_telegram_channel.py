"""Raw updates are read tolerantly, and messages become calls that Telegram takes."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.channels.telegram import call, read_update
from bot.doubles.telegram_methods import METHODS, check
from bot.messages import ABILITIES, Button, Inbound, Outgoing, What
from bot.render import fit

ASHA = {"id": 7_001_002_003, "is_bot": False, "first_name": "Bà Năm", "language_code": "vi"}
HOME = {"id": 7_001_002_003, "type": "private", "first_name": "Bà Năm"}


def read(**update: Any) -> Inbound | None:
    return read_update(json.dumps({"update_id": 10, **update}).encode())


def message(**parts: Any) -> dict[str, Any]:
    return {"message_id": 5, "date": 1_780_000_000, "from": ASHA, "chat": HOME, **parts}


def test_a_text_is_what_was_typed_with_its_message_and_language() -> None:
    inbound = read(message=message(text="Có ạ"))
    assert inbound is not None
    assert (inbound.what, inbound.text, inbound.message) == (What.TEXT, "Có ạ", "5")
    assert (inbound.address, inbound.language, inbound.event_id) == ("7001002003", "vi", "10")


@pytest.mark.parametrize(
    ("text", "code"), [("/start", ""), ("/start K7M2QX", "K7M2QX"), ("/start@hoidan_bot  K7M2QX ", "K7M2QX")]
)
def test_a_deep_link_opens_the_chat_with_its_code(text: str, code: str) -> None:
    inbound = read(message=message(text=text))
    assert inbound is not None
    assert (inbound.what, inbound.text) == (What.OPENED, code)


def test_a_command_meant_for_this_bot_loses_the_bots_name() -> None:
    inbound = read(message=message(text="/thongke@hoidan_bot K7M2QX theo giới"))
    assert inbound is not None
    assert inbound.text == "/thongke K7M2QX theo giới"


def test_a_tap_brings_what_the_button_carried() -> None:
    query = {"id": "99", "from": ASHA, "chat_instance": "1", "data": "c1.a.b", "message": message(text="?")}
    inbound = read(callback_query=query)
    assert inbound is not None
    assert (inbound.what, inbound.data, inbound.callback, inbound.message) == (What.TAP, "c1.a.b", "99", "5")


def test_a_tap_on_a_message_too_old_to_see_is_still_a_tap() -> None:
    old = {"chat": HOME, "message_id": 5, "date": 0}
    assert read(callback_query={"id": "9", "from": ASHA, "data": "x", "message": old}) is not None
    assert read(callback_query={"id": "9", "from": ASHA, "data": "x", "inline_message_id": "A"}) is not None


def test_an_edited_text_is_an_edit_of_that_message() -> None:
    inbound = read(edited_message=message(text="4/85", edit_date=1_780_000_100))
    assert inbound is not None
    assert (inbound.what, inbound.text, inbound.message) == (What.EDIT, "4/85", "5")


@pytest.mark.parametrize(
    "content",
    [
        {"sticker": {"file_id": "x", "emoji": "👍"}},
        {"photo": []},
        {"photo": [{"width": 3}, None, "x"]},
        {"voice": {"duration": 3}},
        {"document": "x"},
        {"location": {"latitude": "10.7", "longitude": 106.7}},
        {"location": {"latitude": 91, "longitude": 0}},
        {"contact": {"phone_number": "0900000000", "first_name": "A"}},
        {"poll": {"id": "1"}},
        {"story": {}},
        {"kind_of_the_future": {"a": 1}},
    ],
)
def test_what_is_not_text_is_noticed_as_unreadable(content: dict[str, Any]) -> None:
    inbound = read(message=message(**content))
    assert inbound is not None
    assert inbound.what is What.UNREADABLE


@pytest.mark.parametrize(
    ("content", "kind", "handle", "size"),
    [
        (
            {
                "photo": [
                    {"file_id": "s", "width": 90, "height": 60, "file_size": 900},
                    {"file_id": "l", "width": 1280, "height": 960, "file_size": 90_000},
                    {"file_id": "m", "width": 320, "height": 240},
                ],
                "caption": "nhà tôi",
            },
            "image",
            "l",
            90_000,
        ),
        ({"photo": [{"file_id": "x"}]}, "image", "x", 0),
        ({"voice": {"file_id": "v", "duration": 3, "file_size": 5}}, "audio", "v", 5),
        ({"audio": {"file_id": "a", "mime_type": "audio/mpeg", "file_name": "1.mp3"}}, "audio", "a", 0),
        ({"video": {"file_id": "f", "mime_type": "video/mp4"}}, "video", "f", 0),
        ({"video_note": {"file_id": "n", "length": 240}}, "video", "n", 0),
        ({"document": {"file_id": "d", "file_size": -4}, "media_group_id": "1"}, "file", "d", 0),
        ({"document": {"file_id": "d", "mime_type": "image/png"}}, "image", "d", 0),
        ({"document": {"file_id": "d", "mime_type": "application/pdf"}}, "file", "d", 0),
    ],
)
def test_a_file_comes_with_its_kind_and_the_handle_it_is_fetched_by(
    content: dict[str, Any], kind: str, handle: str, size: int
) -> None:
    inbound = read(message=message(**content))
    assert inbound is not None and inbound.file is not None
    assert inbound.what is What.FILE
    assert (inbound.file.kind, inbound.file.handle, inbound.file.size) == (kind, handle, size)


@pytest.mark.parametrize(
    ("location", "place"),
    [
        ({"latitude": 10.7769, "longitude": 106.7009}, "10.7769 106.7009 0 0"),
        ({"latitude": -8, "longitude": 0.00000012, "horizontal_accuracy": 12.5}, "-8 0.0000001 0 12.5"),
        ({"latitude": 10, "longitude": 106, "live_period": 60, "horizontal_accuracy": -1}, "10 106 0 0"),
    ],
)
def test_a_place_comes_as_odk_writes_it(location: dict[str, Any], place: str) -> None:
    inbound = read(message=message(location=location))
    assert inbound is not None
    assert (inbound.what, inbound.text) == (What.LOCATION, place)
    venue = read(message=message(location=location, venue={"title": "Chợ", "location": location}))
    assert venue is not None and venue.text == place


@pytest.mark.parametrize(("status", "what"), [("kicked", What.BLOCKED), ("member", What.UNBLOCKED)])
def test_blocking_and_unblocking_are_noticed(status: str, what: What) -> None:
    member = {"chat": HOME, "from": ASHA, "date": 1, "new_chat_member": {"status": status, "user": {"id": 1}}}
    inbound = read(my_chat_member=member)
    assert inbound is not None
    assert inbound.what is what


@pytest.mark.parametrize(
    "update",
    [
        {},
        {"message": message(text="hi", chat={"id": -100123, "type": "supergroup", "title": "Khu phố 3"})},
        {"message": message(text="hi", chat={"id": -55, "type": "group"})},
        {"channel_post": message(text="hi")},
        {"business_message": message(text="hi", business_connection_id="b")},
        {"message": message(text="hi", **{"from": {**ASHA, "is_bot": True}})},
        {"message": message(new_chat_members=[ASHA])},
        {"message": message(pinned_message=message(text="x"))},
        {"message": message()},
        {"edited_message": message(location={"latitude": 1, "longitude": 1})},
        {"poll_answer": {"poll_id": "1", "user": ASHA, "option_ids": [0]}},
        {"inline_query": {"id": "1", "from": ASHA, "query": "x", "offset": ""}},
        {"message_reaction": {"chat": HOME}},
        {"message": "text"},
        {"callback_query": {"id": "1", "data": "x"}},
        {"callback_query": {"id": "1", "data": "x", "from": ASHA, "message": message(chat={"id": -9})}},
        {"my_chat_member": {"chat": HOME, "from": ASHA, "new_chat_member": {"status": "left"}}},
    ],
)
def test_what_nobody_said_to_the_bot_in_private_is_passed_over(update: dict[str, Any]) -> None:
    assert read(**update) is None


def test_updates_without_fields_called_required_are_read_all_the_same() -> None:
    """The published examples of updates lack ``is_bot`` and ``chat_instance``."""
    bare = {"id": 1111111, "first_name": "Test", "last_name": "Lastname", "username": "Testusername"}
    inbound = read(
        message={
            "date": 1441645532,
            "chat": {**bare, "type": "private"},
            "message_id": 1365,
            "from": bare,
            "text": "/start",
        }
    )
    assert inbound is not None
    assert inbound.what is What.OPENED
    assert read(message={"chat": {"id": 5}, "text": "x"}) is not None
    assert (
        read(
            callback_query={
                "id": "4382bfdwdsb323b2d9",
                "from": bare,
                "data": "Data",
                "inline_message_id": "1234csdbsk4839",
            }
        )
        is not None
    )


def test_an_update_without_a_number_has_an_id_of_its_own_content() -> None:
    raw = json.dumps({"message": message(text="x")}).encode()
    first, again = read_update(raw), read_update(raw)
    assert first is not None and again is not None
    assert first.event_id == again.event_id
    assert len(first.event_id) == 40


@pytest.mark.parametrize("raw", [b"", b"null", b"[]", b"12", b"{", b"\xff\xfe", b'"x"', b"{" * 5000])
def test_what_is_no_update_is_passed_over(raw: bytes) -> None:
    assert read_update(raw) is None


_json = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "message_id",
                    "from",
                    "chat",
                    "id",
                    "type",
                    "text",
                    "data",
                    "date",
                    "message",
                    "is_bot",
                    "new_chat_member",
                    "status",
                ]
            ),
            inner,
            max_size=6,
        )
    ),
    max_leaves=20,
)


@given(
    st.dictionaries(
        st.sampled_from(["update_id", "message", "edited_message", "callback_query", "my_chat_member"]), _json
    )
)
def test_no_update_whatever_its_shape_raises(update: dict[str, Any]) -> None:
    inbound = read_update(json.dumps(update).encode())
    assert inbound is None or (inbound.address.isdecimal() and isinstance(inbound.text, str))


@given(st.text(min_size=1, max_size=9000).filter(str.strip), st.booleans())
def test_every_message_is_a_call_within_telegrams_limits(text: str, wide: bool) -> None:
    fitted = fit(text, ABILITIES["telegram"])
    rows = ((Button("Nữ", "c1.a.b"), Button("x" * 30, "t" + "z" * 29)),)
    method, parameters = call(Outgoing(fitted, rows, wide=wide), "7001002003")
    refused = check(METHODS[method], parameters).violations
    # A text of nothing but marks that no eye sees is empty to Telegram; everything else is taken.
    assert not refused or not any(character.isprintable() and not character.isspace() for character in text)


def test_other_ticks_change_the_buttons_of_the_tapped_message() -> None:
    outgoing = Outgoing("Chọn", ((Button("☑ A", "t1.a.b", ticked=True),),), ticks=True)
    method, parameters = call(outgoing, "5", tapped="77")
    assert method == "editMessageReplyMarkup"
    assert parameters["message_id"] == 77
    assert check(METHODS[method], parameters).violations == ()


def test_a_table_is_escaped_and_set_in_letters_of_equal_width() -> None:
    _, parameters = call(Outgoing("a < b & c", wide=True), "5")
    assert parameters["text"] == "<pre>a &lt; b &amp; c</pre>"
    assert parameters["parse_mode"] == "HTML"
