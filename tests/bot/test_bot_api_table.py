"""Our table of Telegram's Bot API against a machine-readable copy of its documentation; what the check finds.

The copy is api.json of github.com/PaulSonOfLars/telegram-bot-api-spec; HOIDAN_TEST_BOT_API_SPEC is its path.
"""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.doubles.telegram_methods import (
    METHODS,
    TYPES,
    UNIONS,
    Checked,
    Field,
    Unparsable,
    Upload,
    bad_request,
    check,
    format_text,
    link_problem,
    method_named,
    parse_html,
    utf16_length,
)

SPEC = os.environ.get("HOIDAN_TEST_BOT_API_SPEC", "")
needs_spec = pytest.mark.skipif(
    not SPEC, reason="HOIDAN_TEST_BOT_API_SPEC names no copy of Telegram's Bot API (api.json)"
)

LENGTH = re.compile(r"(\d+)-(\d+) (characters|bytes)( after entit)?")
VALUES = re.compile(r"[Vv]alues between (\d+)-(\d+)|; (\d+)-(\d+)\. Defaults|, (\d+)-(\d+)\. Defaults")
ITEMS = re.compile(r"At most (\d+) |list of (\d+)-(\d+) identifiers")
MUST_BE = re.compile(r"must be (\w+)$")
UNREAD = {"parse_mode": "HTML", "quote_parse_mode": "HTML"}
"""Fields of which the product uses, and the double reads, one value alone."""


@pytest.fixture(scope="module")
def spec() -> dict[str, Any]:
    read: dict[str, Any] = json.loads(Path(SPEC).read_text(encoding="utf-8"))
    return read


def notation(types: list[str]) -> tuple[str, ...]:
    """The documentation's names of types in our notation: Array of X is [X]."""
    told = []
    for name in types:
        depth = 0
        while name.startswith("Array of "):
            name, depth = name.removeprefix("Array of "), depth + 1
        told.append("[" * depth + name + "]" * depth)
    return tuple(told)


def bounds(description: str) -> tuple[int, int, str] | None:
    """Lengths and values that a description gives in numbers."""
    if told := LENGTH.search(description):
        return int(told[1]), int(told[2]), "parsed" if told[4] else told[3]
    if told := VALUES.search(description):
        low, high = (int(number) for number in told.groups() if number)
        return low, high, "value"
    if told := ITEMS.search(description):
        numbers = [int(number) for number in told.groups() if number]
        return numbers[0] if len(numbers) == 2 else 0, numbers[-1], "items"
    return None


def assert_same(owner: str, ours: dict[str, Field], theirs: list[dict[str, Any]]) -> None:
    assert sorted(ours) == sorted(one["name"] for one in theirs), owner
    for one in theirs:
        field, where = ours[one["name"]], f"{owner}.{one['name']}"
        assert field.types == notation(one["types"]), where
        assert field.required == one["required"], where
        told = bounds(one["description"])
        assert (field.low, field.high, field.unit) == (told or (None, None, "")), where


@needs_spec
@pytest.mark.parametrize("name", METHODS)
def test_a_method_of_the_table_has_the_fields_types_and_lengths_of_the_documentation(
    name: str, spec: dict[str, Any]
) -> None:
    documented = spec["methods"][name]
    assert_same(name, dict(METHODS[name].fields), documented.get("fields", []))
    assert METHODS[name].returns == notation(documented["returns"])


@needs_spec
@pytest.mark.parametrize("name", TYPES)
def test_a_type_of_the_table_has_the_fields_types_and_lengths_of_the_documentation(
    name: str, spec: dict[str, Any]
) -> None:
    assert_same(name, dict(TYPES[name]), spec["types"][name].get("fields", []))


@needs_spec
@pytest.mark.parametrize("name", UNIONS)
def test_a_type_that_is_one_of_several_is_told_apart_as_documented(name: str, spec: dict[str, Any]) -> None:
    documented = spec["types"][name]["subtypes"]
    assert sorted(UNIONS[name].values()) == sorted(documented)
    for kind, member in UNIONS[name].items():
        described = next(one for one in spec["types"][member]["fields"] if one["name"] == "type")
        told = MUST_BE.search(described["description"])
        assert told is not None
        assert told[1] == kind


@needs_spec
def test_values_a_field_is_limited_to_stand_in_its_description(spec: dict[str, Any]) -> None:
    owners = [(method.fields, spec["methods"][name]) for name, method in METHODS.items()]
    owners += [(fields, spec["types"][name]) for name, fields in TYPES.items()]
    for fields, documented in owners:
        described = {one["name"]: one["description"] for one in documented.get("fields", [])}
        for field in fields.values():
            if field.name in UNREAD:
                assert field.only == (UNREAD[field.name],)
                continue
            for value in field.only:
                assert value in described[field.name], (field, value)


def test_every_type_a_field_names_is_in_the_table() -> None:
    scalars = {"Integer", "String", "Boolean", "InputFile"}
    fields = [field for method in METHODS.values() for field in method.fields.values()]
    fields += [field for declared in TYPES.values() for field in declared.values()]
    named = {name.strip("[]") for field in fields for name in field.types}
    assert named - scalars == (set(TYPES) | set(UNIONS)) - {m for u in UNIONS.values() for m in u.values()}


def test_method_names_are_read_in_any_case() -> None:
    assert method_named("SENDmessage") is METHODS["sendMessage"]
    assert method_named("sendPigeon") is None


# The check


def checked(method: str, **arguments: Any) -> Checked:
    return check(METHODS[method], arguments)


def refusal(method: str, **arguments: Any) -> str:
    found = checked(method, **arguments)
    assert found.refusal is not None
    return found.refusal


def keyboard(*buttons: Any) -> dict[str, Any]:
    return {"inline_keyboard": [list(buttons)]}


def tap(data: str, text: str = "Nam") -> dict[str, str]:
    return {"text": text, "callback_data": data}


def test_a_sound_request_has_no_violations_as_json_and_as_a_form() -> None:
    markup = {"inline_keyboard": [[tap("s:1:nam"), tap("s:1:nu", "Nữ")]]}
    as_json = check(METHODS["sendMessage"], {"chat_id": 7, "text": "Giới tính?", "reply_markup": markup})
    form = {"chat_id": "7", "text": "Giới tính?", "reply_markup": json.dumps(markup)}
    as_form = check(METHODS["sendMessage"], form)
    assert as_json.violations == as_form.violations == ()
    assert as_json.values == as_form.values


def test_an_unknown_field_breaks_the_table_though_telegram_ignores_it() -> None:
    found = checked("sendMessage", chat_id=7, text="a", disable_web_page_preview=True)
    assert [(one.path, one.refusal) for one in found.violations] == [("disable_web_page_preview", None)]
    assert found.refusal is None


@pytest.mark.parametrize(
    ("method", "arguments", "said"),
    [
        ("sendMessage", {"text": "a"}, "Bad Request: chat_id is empty"),
        ("sendMessage", {"chat_id": 7}, "Bad Request: message text is empty"),
        ("sendMessage", {"chat_id": 7, "text": ""}, "Bad Request: message text is empty"),
        ("sendMessage", {"chat_id": 7, "text": " \n"}, "Bad Request: text must be non-empty"),
        ("sendMessage", {"chat_id": 7, "text": "a" * 4097}, "Bad Request: message is too long"),
        ("sendMessage", {"chat_id": 7, "text": "ộ" * 11_000}, "Bad Request: text is too long"),
        (
            "sendMessage",
            {"chat_id": 7, "text": "a", "parse_mode": "MarkdownV2"},
            "Bad Request: unsupported parse_mode",
        ),
        (
            "sendMessage",
            {"chat_id": 7, "text": "1 < 2", "parse_mode": "HTML"},
            'Bad Request: can\'t parse entities: Unsupported start tag "" at byte offset 2',
        ),
        (
            "sendMessage",
            {"chat_id": 7, "text": "a", "reply_markup": "{"},
            "Bad Request: can't parse reply keyboard markup JSON object",
        ),
        (
            "sendMessage",
            {"chat_id": 7, "text": "a", "reply_markup": None},
            "Bad Request: object expected as reply markup",
        ),
        (
            "sendMessage",
            {"chat_id": 7, "text": "a", "reply_markup": keyboard(tap("ộ" * 22))},
            "Bad Request: BUTTON_DATA_INVALID",
        ),
        (
            "sendMessage",
            {"chat_id": 7, "text": "a", "reply_markup": keyboard({"text": "Nam"})},
            "Bad Request: can't parse inline keyboard button: "
            "Text buttons are unallowed in the inline keyboard",
        ),
        (
            "sendMessage",
            {"chat_id": 7, "text": "a", "reply_markup": keyboard({"text": "Nam", "callback_data": None})},
            'Bad Request: can\'t parse inline keyboard button: Field "callback_data" must be of type String',
        ),
        (
            "sendMessage",
            {"chat_id": 7, "text": "a", "reply_markup": keyboard({"callback_data": "x"})},
            "Bad Request: can't parse inline keyboard button: Can't find field \"text\"",
        ),
        (
            "sendMessage",
            {"chat_id": 7, "text": "a", "reply_markup": {"inline_keyboard": [tap("x")]}},
            'Bad Request: field "inline_keyboard" of the InlineKeyboardMarkup must be an Array of Arrays',
        ),
        (
            "sendMessage",
            {
                "chat_id": 7,
                "text": "a",
                "reply_markup": keyboard({"text": "Mở", "url": "http://localhost/x"}),
            },
            "Bad Request: inline keyboard button URL 'http://localhost/x' is invalid: Wrong HTTP URL",
        ),
        (
            "sendMessage",
            {"chat_id": 7, "text": "a", "reply_parameters": {"chat_id": 7}},
            'Bad Request: can\'t find field "message_id"',
        ),
        (
            "editMessageText",
            {"text": "a"},
            "Bad Request: message identifier is not specified",
        ),
        ("editMessageText", {"chat_id": 7, "text": "a"}, "Bad Request: message to edit not found"),
        (
            "editMessageReplyMarkup",
            {"chat_id": 7, "message_id": 1, "reply_markup": {"keyboard": [[{"text": "a"}]]}},
            "Bad Request: inline keyboard expected",
        ),
        (
            "answerCallbackQuery",
            {"callback_query_id": "1", "text": "a" * 201},
            "Bad Request: MESSAGE_TOO_LONG",
        ),
        ("sendDocument", {"chat_id": 7}, "Bad Request: there is no document in the request"),
        ("sendPhoto", {"chat_id": 7}, "Bad Request: there is no photo in the request"),
        (
            "sendDocument",
            {"chat_id": 7, "document": "x", "caption": "a" * 1025},
            "Bad Request: message caption is too long",
        ),
        (
            "sendChatAction",
            {"chat_id": 7, "action": "thinking"},
            "Bad Request: wrong parameter action in request",
        ),
        (
            "setMyCommands",
            {"commands": [{"command": "Start", "description": "Bắt đầu"}]},
            "Bad Request: BOT_COMMAND_INVALID",
        ),
        (
            "setMyCommands",
            {"commands": [{"command": "start", "description": "a" * 257}]},
            "Bad Request: command description length must not exceed 256",
        ),
        (
            "setMyCommands",
            {"commands": [{"command": "start"}]},
            "Bad Request: can't parse BotCommand: Can't find field \"description\"",
        ),
        (
            "setMyCommands",
            {"commands": [{"command": f"c{i}", "description": "d"} for i in range(101)]},
            "Bad Request: BOT_COMMANDS_TOO_MUCH",
        ),
        (
            "setMyCommands",
            {"commands": [{"command": f"c{i}", "description": "d" * 250} for i in range(40)]},
            "Bad Request: BOT_COMMANDS_TOO_MUCH",
        ),
        (
            "setMyCommands",
            {"commands": [], "scope": {"type": "everyone"}},
            "Bad Request: can't parse BotCommandScope: Unsupported type specified",
        ),
        (
            "setMyCommands",
            {"commands": [], "language_code": "vi-VN"},
            "Bad Request: invalid language code specified",
        ),
        (
            "setWebhook",
            {"url": "https://localhost", "secret_token": "a b"},
            "Bad Request: secret token contains unallowed characters",
        ),
        (
            "setWebhook",
            {"url": "https://localhost", "secret_token": "a" * 257},
            "Bad Request: secret token is too long",
        ),
        (
            "deleteMessages",
            {"chat_id": 7, "message_ids": list(range(1, 102))},
            "Bad Request: too many message identifiers specified",
        ),
        ("deleteMessage", {"chat_id": 7}, "Bad Request: message identifier is not specified"),
        ("getFile", {}, "Bad Request: file_id not specified"),
    ],
)
def test_a_request_that_telegram_refuses_is_refused_in_its_words(
    method: str, arguments: dict[str, Any], said: str
) -> None:
    assert refusal(method, **arguments) == said


@pytest.mark.parametrize(
    ("method", "arguments", "path"),
    [
        (
            "sendMessage",
            {
                "chat_id": 7,
                "text": "a",
                "reply_markup": keyboard({"text": "x", "callback_data": "a", "url": "https://a.vn"}),
            },
            "reply_markup.inline_keyboard.0.0",
        ),
        (
            "sendMessage",
            {"chat_id": 7, "text": "a", "reply_markup": keyboard(*(tap("x") for _ in range(9)))},
            "reply_markup.inline_keyboard",
        ),
        ("sendMessage", {"chat_id": 7, "text": "a", "reply_markup": {}}, "reply_markup"),
        ("sendMessage", {"chat_id": 7, "text": 5}, "text"),
        ("sendMessage", {"chat_id": 7, "text": "a", "protect_content": "maybe"}, "protect_content"),
        ("sendMessage", {"chat_id": 7, "text": "a", "parse_mode": "html"}, "parse_mode"),
        ("sendMessage", {"chat_id": 7, "text": "a", "message_thread_id": None}, "message_thread_id"),
        ("setMyCommands", {}, "commands"),
        ("setWebhook", {}, "url"),
        ("getUpdates", {"limit": 101}, "limit"),
        ("getUpdates", {"timeout": 60}, "timeout"),
        ("getUpdates", {"allowed_updates": "message"}, "allowed_updates"),
        ("editMessageText", {"chat_id": 7, "message_id": "first", "text": "a"}, "message_id"),
    ],
)
def test_what_telegram_lets_pass_unseen_still_breaks_the_table(
    method: str, arguments: dict[str, Any], path: str
) -> None:
    unseen = [one for one in checked(method, **arguments).violations if one.refusal is None]
    assert [one.path for one in unseen] == [path]


@pytest.mark.parametrize(("buttons", "refused"), [(100, False), (101, True)])
def test_an_inline_keyboard_has_100_buttons_at_most(buttons: int, refused: bool) -> None:
    rows = [[tap("x", "a")] for _ in range(buttons)]
    found = checked("sendMessage", chat_id=7, text="a", reply_markup={"inline_keyboard": rows})
    assert found.refusal == ("Bad Request: reply markup is too long" if refused else None)


def test_a_keyboard_of_long_labels_is_too_long_before_it_has_100_buttons() -> None:
    rows = [[tap("x" * 60, "Trung cấp chuyên nghiệp" * 3)] for _ in range(60)]
    said = refusal("sendMessage", chat_id=7, text="a", reply_markup={"inline_keyboard": rows})
    assert said == "Bad Request: reply markup is too long"


def test_callback_data_is_counted_in_bytes() -> None:
    fits = checked("sendMessage", chat_id=7, text="a", reply_markup=keyboard(tap("ộ" * 21 + "x")))
    assert len(("ộ" * 21 + "x").encode()) == 64
    assert fits.violations == ()


def test_a_text_is_measured_after_its_entities_are_parsed() -> None:
    text = "<b>" + "a" * 4096 + "</b>"
    assert checked("sendMessage", chat_id=7, text=text, parse_mode="HTML").violations == ()
    assert refusal("sendMessage", chat_id=7, text=text) == "Bad Request: message is too long"


def test_a_letter_outside_the_basic_plane_counts_twice() -> None:
    assert checked("sendMessage", chat_id=7, text="😀" * 2048).violations == ()
    assert refusal("sendMessage", chat_id=7, text="😀" * 2049) == "Bad Request: message is too long"


def test_an_uploaded_file_stands_for_its_field_by_name_or_by_attach() -> None:
    upload = Upload("bang.xlsx", "application/octet-stream", b"PK")
    by_name = check(METHODS["sendDocument"], {"chat_id": "7"}, {"document": upload})
    attached = check(METHODS["sendDocument"], {"chat_id": "7", "document": "attach://f1"}, {"f1": upload})
    assert by_name.values["document"] == attached.values["document"] == upload
    assert by_name.violations == attached.violations == ()


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False)
    | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["type", "text", "inline_keyboard", "keyboard", "callback_data", "url", "chat_id"]
            ),
            inner,
            max_size=3,
        )
    ),
    max_leaves=8,
)


@given(st.data())
def test_the_check_never_stumbles_whatever_a_request_holds(data: st.DataObject) -> None:
    method = METHODS[data.draw(st.sampled_from(sorted(METHODS)))]
    names = [*method.fields, "surprise"]
    arguments = data.draw(st.dictionaries(st.sampled_from(names), json_values, max_size=5))
    found = check(method, arguments)
    assert all(one.method == method.name and one.rule for one in found.violations)
    assert all(one.refusal is None or one.refusal.startswith("Bad Request: ") for one in found.violations)
    assert not {"surprise"} & set(found.values)


# Texts


@pytest.mark.parametrize(
    ("html", "text", "entities"),
    [
        ("<b>Tên</b> ông", "Tên ông", [("bold", 0, 3)]),
        ("😀<i>à</i>", "😀à", [("italic", 2, 1)]),
        ("a &lt; b &amp;&amp; c &#8364; &#x20ac;", "a < b && c € €", []),
        ("A &copy B & C &nbsp;", "A &copy B & C &nbsp;", []),
        ("<a href='https://a.vn/?x=1&amp;y=2'>đây</a>", "đây", [("text_link", 0, 3)]),
        ("<B><I>x</I></B>", "x", [("italic", 0, 1), ("bold", 0, 1)]),
        ('<span class="tg-spoiler">x</span>', "x", [("spoiler", 0, 1)]),
        ("<blockquote expandable>x</blockquote>", "x", [("expandable_blockquote", 0, 1)]),
        ("<u></u>x", "x", []),
        ("<b>x</>", "x", [("bold", 0, 1)]),
    ],
)
def test_html_is_read_as_telegram_reads_it(
    html: str, text: str, entities: list[tuple[str, int, int]]
) -> None:
    read = parse_html(html)
    assert read.text == text
    assert [(one["type"], one["offset"], one["length"]) for one in read.entities] == entities


def test_code_with_a_language_inside_pre_is_one_entity() -> None:
    read = parse_html('<pre><code class="language-python">x</code></pre>')
    assert read.entities == ({"type": "pre", "offset": 0, "length": 1, "language": "python"},)


@pytest.mark.parametrize(
    ("html", "said"),
    [
        ("<p>x</p>", 'Unsupported start tag "p" at byte offset 0'),
        ("ộ<br>", 'Unsupported start tag "br" at byte offset 3'),
        ("<b>x", 'Can\'t find end tag corresponding to start tag "b"'),
        ("x</b>", "Unexpected end tag at byte offset 1"),
        ("<b><i>x</b></i>", 'Unmatched end tag at byte offset 7, expected "</i>", found "</b>"'),
        ("<b", "Unclosed start tag at byte offset 0"),
        ("<b>x</b", "Unclosed end tag at byte offset 4"),
        ('<a href="x', "Unclosed start tag at byte offset 0"),
        ("<a href=x/y>z</a>", "Unexpected end of name token at byte offset 8"),
        ("<b =1>x</b>", 'Empty attribute name in the tag "b" at byte offset 0'),
        ("<span>x</span>", 'Tag "span" must have class "tg-spoiler" at byte offset 0'),
        ("tuổi < 15", 'Unsupported start tag "" at byte offset 7'),
    ],
)
def test_html_that_telegram_cannot_parse_is_refused_with_its_place(html: str, said: str) -> None:
    with pytest.raises(Unparsable) as refused:
        parse_html(html)
    assert str(refused.value) == said


@given(st.text())
def test_escaped_text_comes_out_of_html_as_it_was(text: str) -> None:
    escaped = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    read = parse_html(f"<b>{escaped}</b>")
    assert read.text == text
    assert sum(one["length"] for one in read.entities) == utf16_length(text)


@given(st.text(alphabet="<>/&;#abiu= '\"x1"))
def test_html_is_either_read_or_refused_never_stumbled_over(html: str) -> None:
    try:
        read = parse_html(html)
    except Unparsable as refused:
        assert str(refused)
    else:
        assert all(one["offset"] + one["length"] <= utf16_length(read.text) for one in read.entities)


def test_a_text_loses_the_space_around_it_and_its_entities_follow() -> None:
    read = format_text("\n <b> Nam </b>\r\n\t", "HTML")
    assert read.text == " Nam"
    assert read.entities == ({"type": "bold", "offset": 0, "length": 4},)


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("https://phuong.vn/chat/AB3CD", None),
        ("http://127.0.0.1:8080/chat", None),
        ("tg://user?id=7", None),
        ("http://localhost:8080", "Wrong HTTP URL"),
        ("ftp://a.vn", "Unsupported URL protocol"),
        ("https://a b.vn", "Wrong HTTP URL"),
    ],
)
def test_links_on_buttons_are_those_telegram_takes(url: str, problem: str | None) -> None:
    assert link_problem(url) == problem


def test_a_web_app_needs_https() -> None:
    button = {"text": "Mở", "web_app": {"url": "http://a.vn"}}
    said = refusal("sendMessage", chat_id=7, text="a", reply_markup=keyboard(button))
    assert said.endswith("is invalid: Only HTTPS links are allowed")


def test_a_refusal_begins_small_unless_it_is_a_code() -> None:
    assert bad_request("Message is too long") == "Bad Request: message is too long"
    assert bad_request("BUTTON_DATA_INVALID") == "Bad Request: BUTTON_DATA_INVALID"
