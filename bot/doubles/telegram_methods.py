"""What a survey bot may ask of Telegram: methods, fields, types and limits, and the check of a request.

The table below is data in a short notation. One declaration a line: names, a colon, types, bounds::

    text: String! 1-4096 parsed

``!`` marks what is required, ``A|B`` a choice of types, ``[X]`` an array of X. Bounds are ``LOW-HIGH UNIT``:
``characters`` (UTF-16 code units), ``bytes`` (UTF-8), ``parsed`` (characters left once entities are parsed),
``value`` (the number itself), ``items`` (of an array). ``=a,b`` lists the only values.

Names, types, required flags and lengths are those of https://core.telegram.org/bots/api; a test holds them
against its machine-readable copy. What that page does not say in numbers (buttons in a keyboard, size of a
keyboard, wording of refusals) is by observation and from the source of Telegram's own server,
github.com/tdlib/telegram-bot-api.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any
from urllib.parse import urlsplit

import orjson

TEXT_BYTES = 1 << 15
"""Raw text of more bytes is refused before it is parsed."""
INLINE_BUTTONS, INLINE_ROW = 100, 8
REPLY_BUTTONS, REPLY_ROW = 300, 12
MARKUP_BYTES = 10_000
"""A keyboard of more bytes of JSON is refused: unpublished, about 10 kB by report."""
COMMANDS_BYTES = 7_800
"""A command list of more bytes of JSON is refused whatever its length: unpublished, by report."""


@dataclass(frozen=True, slots=True)
class Field:
    """A field of a method or type: ``types`` as documented, inclusive bounds in ``unit`` (see the module)."""

    name: str
    types: tuple[str, ...]
    required: bool = False
    low: int | None = None
    high: int | None = None
    unit: str = ""
    only: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Method:
    """A method, the types it may return and its fields by name."""

    name: str
    returns: tuple[str, ...]
    fields: Mapping[str, Field]


@dataclass(frozen=True, slots=True)
class Upload:
    """A file that came with a request."""

    name: str
    content_type: str
    content: bytes


@dataclass(frozen=True, slots=True)
class FormattedText:
    """Text as a reader sees it, with its entities (offset and length in UTF-16 code units)."""

    text: str
    entities: tuple[Mapping[str, Any], ...] = ()


@dataclass(frozen=True, slots=True)
class Violation:
    """Where a request broke the table. ``refusal`` is Telegram's answer, None if it would pass unseen."""

    method: str
    path: str
    rule: str
    refusal: str | None = None


@dataclass(frozen=True, slots=True)
class Checked:
    """A request after the check: its values decoded, its text parsed, and what was wrong, if anything."""

    values: dict[str, Any]
    formatted: FormattedText | None = None
    violations: tuple[Violation, ...] = ()

    @property
    def refusal(self) -> str | None:
        """Telegram's answer to the first thing it would refuse, or None."""
        return next((found.refusal for found in self.violations if found.refusal), None)


class Unparsable(Exception):
    """A text whose entities can't be parsed; the message is Telegram's, before its prefix."""


# the table

_TEXT = """
    text: String! 1-4096 parsed
    parse_mode: String =HTML
    entities: [MessageEntity]
    link_preview_options: LinkPreviewOptions
"""
_CAPTION = """
    caption: String 0-1024 parsed
    parse_mode: String =HTML
    caption_entities: [MessageEntity]
"""
_TO = """
    chat_id: Integer|String!
    message_thread_id direct_messages_topic_id: Integer
    disable_notification protect_content: Boolean
    message_effect_id: String
    suggested_post_parameters: SuggestedPostParameters
"""
_COPY = f"""{_TO}
    allow_paid_broadcast: Boolean
    reply_parameters: ReplyParameters
    reply_markup: InlineKeyboardMarkup|ReplyKeyboardMarkup|ReplyKeyboardRemove|ForceReply
"""
_SEND = f"""{_COPY}
    business_connection_id: String
"""
_EDIT = """
    business_connection_id inline_message_id: String
    chat_id: Integer|String
    message_id: Integer
    reply_markup: InlineKeyboardMarkup
"""
_ACTIONS = (
    "typing,upload_photo,record_video,upload_video,record_voice,upload_voice,upload_document,choose_sticker,"
    "find_location,record_video_note,upload_video_note"
)
_SCOPE = "scope: BotCommandScope \n language_code: String"

_METHODS: dict[str, tuple[str, str]] = {
    "getMe": ("User", ""),
    "logOut": ("Boolean", ""),
    "close": ("Boolean", ""),
    "getUpdates": (
        "[Update]",
        "offset: Integer \n limit: Integer 1-100 value \n timeout: Integer \n allowed_updates: [String]",
    ),
    "setWebhook": (
        "Boolean",
        """
        url: String!
        certificate: InputFile
        ip_address: String
        max_connections: Integer 1-100 value
        allowed_updates: [String]
        drop_pending_updates: Boolean
        secret_token: String 1-256 characters
        """,
    ),
    "deleteWebhook": ("Boolean", "drop_pending_updates: Boolean"),
    "getWebhookInfo": ("WebhookInfo", ""),
    "sendMessage": ("Message", _SEND + _TEXT),
    "forwardMessage": (
        "Message",
        f"{_TO} \n from_chat_id: Integer|String! \n message_id: Integer! \n video_start_timestamp: Integer",
    ),
    "copyMessage": (
        "MessageId",
        f"""{_COPY} {_CAPTION}
        from_chat_id: Integer|String!
        message_id: Integer!
        video_start_timestamp: Integer
        show_caption_above_media: Boolean
        """,
    ),
    "sendPhoto": (
        "Message",
        f"{_SEND} {_CAPTION} photo: InputFile|String! \n show_caption_above_media has_spoiler: Boolean",
    ),
    "sendAudio": (
        "Message",
        f"""{_SEND} {_CAPTION}
        audio: InputFile|String!
        duration: Integer
        performer title: String
        thumbnail: InputFile|String
        """,
    ),
    "sendVideo": (
        "Message",
        f"""{_SEND} {_CAPTION}
        video: InputFile|String!
        duration width height start_timestamp: Integer
        thumbnail cover: InputFile|String
        show_caption_above_media has_spoiler supports_streaming: Boolean
        """,
    ),
    "sendDocument": (
        "Message",
        f"""{_SEND} {_CAPTION}
        document: InputFile|String!
        thumbnail: InputFile|String
        disable_content_type_detection: Boolean
        """,
    ),
    "sendChatAction": (
        "Boolean",
        f"""
        business_connection_id: String
        chat_id: Integer|String!
        message_thread_id: Integer
        action: String! ={_ACTIONS}
        """,
    ),
    "getFile": ("File", "file_id: String!"),
    "getChat": ("ChatFullInfo", "chat_id: Integer|String!"),
    "getChatMember": ("ChatMember", "chat_id: Integer|String! \n user_id: Integer!"),
    "leaveChat": ("Boolean", "chat_id: Integer|String!"),
    "pinChatMessage": (
        "Boolean",
        """
        business_connection_id: String
        chat_id: Integer|String!
        message_id: Integer!
        disable_notification: Boolean
        """,
    ),
    "unpinChatMessage": (
        "Boolean",
        "business_connection_id: String \n chat_id: Integer|String! \n message_id: Integer",
    ),
    "answerCallbackQuery": (
        "Boolean",
        """
        callback_query_id: String!
        text: String 0-200 characters
        show_alert: Boolean
        url: String
        cache_time: Integer
        """,
    ),
    "setMyCommands": ("Boolean", f"commands: [BotCommand]! 0-100 items \n {_SCOPE}"),
    "deleteMyCommands": ("Boolean", _SCOPE),
    "getMyCommands": ("[BotCommand]", _SCOPE),
    "setMyName": ("Boolean", "name: String 0-64 characters \n language_code: String"),
    "getMyName": ("BotName", "language_code: String"),
    "setMyDescription": ("Boolean", "description: String 0-512 characters \n language_code: String"),
    "getMyDescription": ("BotDescription", "language_code: String"),
    "setMyShortDescription": (
        "Boolean",
        "short_description: String 0-120 characters \n language_code: String",
    ),
    "getMyShortDescription": ("BotShortDescription", "language_code: String"),
    "setChatMenuButton": ("Boolean", "chat_id: Integer \n menu_button: MenuButton"),
    "getChatMenuButton": ("MenuButton", "chat_id: Integer"),
    "editMessageText": (
        "Message|Boolean",
        f"{_EDIT} {_TEXT.replace('String!', 'String')} rich_message: InputRichMessage",
    ),
    "editMessageCaption": ("Message|Boolean", f"{_EDIT} {_CAPTION} show_caption_above_media: Boolean"),
    "editMessageReplyMarkup": ("Message|Boolean", _EDIT),
    "deleteMessage": ("Boolean", "chat_id: Integer|String! \n message_id: Integer!"),
    "deleteMessages": ("Boolean", "chat_id: Integer|String! \n message_ids: [Integer]! 1-100 items"),
}

_ENTITIES = (
    "mention,hashtag,cashtag,bot_command,url,email,phone_number,bold,italic,underline,strikethrough,spoiler,"
    "blockquote,expandable_blockquote,code,pre,text_link,text_mention,custom_emoji,date_time"
)
_CHAT_SCOPE = "type: String! \n chat_id: Integer|String!"
_STYLED = "text: String! \n icon_custom_emoji_id: String \n style: String =danger,success,primary"

_TYPES: dict[str, str] = {
    "InlineKeyboardMarkup": "inline_keyboard: [[InlineKeyboardButton]]!",
    "InlineKeyboardButton": f"""{_STYLED}
        url switch_inline_query switch_inline_query_current_chat: String
        callback_data: String 1-64 bytes
        web_app: WebAppInfo
        login_url: LoginUrl
        switch_inline_query_chosen_chat: SwitchInlineQueryChosenChat
        copy_text: CopyTextButton
        callback_game: CallbackGame
        pay: Boolean
        """,
    "ReplyKeyboardMarkup": """
        keyboard: [[KeyboardButton]]!
        is_persistent resize_keyboard one_time_keyboard selective: Boolean
        input_field_placeholder: String 1-64 characters
        """,
    "KeyboardButton": f"""{_STYLED}
        request_users: KeyboardButtonRequestUsers
        request_chat: KeyboardButtonRequestChat
        request_managed_bot: KeyboardButtonRequestManagedBot
        request_contact request_location: Boolean
        request_poll: KeyboardButtonPollType
        web_app: WebAppInfo
        """,
    "KeyboardButtonRequestUsers": """
        request_id: Integer!
        user_is_bot user_is_premium request_name request_username request_photo: Boolean
        max_quantity: Integer 1-10 value
        """,
    "KeyboardButtonRequestChat": """
        request_id: Integer!
        chat_is_channel: Boolean!
        chat_is_forum chat_has_username chat_is_created bot_is_member: Boolean
        request_title request_username request_photo: Boolean
        user_administrator_rights bot_administrator_rights: ChatAdministratorRights
        """,
    "KeyboardButtonRequestManagedBot": "request_id: Integer! \n suggested_name suggested_username: String",
    "KeyboardButtonPollType": "type: String =quiz,regular",
    "ChatAdministratorRights": """
        is_anonymous can_manage_chat can_delete_messages can_manage_video_chats can_restrict_members: Boolean!
        can_promote_members can_change_info can_invite_users: Boolean!
        can_post_stories can_edit_stories can_delete_stories: Boolean!
        can_post_messages can_edit_messages can_pin_messages can_manage_topics: Boolean
        can_manage_direct_messages can_manage_tags: Boolean
        """,
    "ReplyKeyboardRemove": "remove_keyboard: Boolean! \n selective: Boolean",
    "ForceReply": """
        force_reply: Boolean!
        input_field_placeholder: String 1-64 characters
        selective: Boolean
        """,
    "ReplyParameters": """
        message_id: Integer!
        chat_id: Integer|String
        allow_sending_without_reply: Boolean
        quote: String 0-1024 parsed
        quote_parse_mode: String =HTML
        quote_entities: [MessageEntity]
        quote_position checklist_task_id: Integer
        poll_option_id: String
        """,
    "LinkPreviewOptions": """
        is_disabled prefer_small_media prefer_large_media show_above_text: Boolean
        url: String
        """,
    "BotCommand": "command: String! 1-32 characters \n description: String! 1-256 characters",
    "BotCommandScopeDefault": "type: String!",
    "BotCommandScopeAllPrivateChats": "type: String!",
    "BotCommandScopeAllGroupChats": "type: String!",
    "BotCommandScopeAllChatAdministrators": "type: String!",
    "BotCommandScopeChat": _CHAT_SCOPE,
    "BotCommandScopeChatAdministrators": _CHAT_SCOPE,
    "BotCommandScopeChatMember": f"{_CHAT_SCOPE} \n user_id: Integer!",
    "MenuButtonCommands": "type: String!",
    "MenuButtonWebApp": "type text: String! \n web_app: WebAppInfo!",
    "MenuButtonDefault": "type: String!",
    "MessageEntity": f"""
        type: String! ={_ENTITIES}
        offset length: Integer!
        url language custom_emoji_id date_time_format: String
        user: User
        unix_time: Integer
        """,
    "User": """
        id: Integer!
        is_bot: Boolean!
        first_name: String!
        last_name username language_code: String
        is_premium added_to_attachment_menu can_join_groups can_read_all_group_messages: Boolean
        supports_guest_queries supports_inline_queries can_connect_to_business has_main_web_app: Boolean
        has_topics_enabled allows_users_to_create_topics can_manage_bots: Boolean
        supports_join_request_queries: Boolean
        """,
    "WebAppInfo": "url: String!",
    "LoginUrl": "url: String! \n forward_text bot_username: String \n request_write_access: Boolean",
    "SwitchInlineQueryChosenChat": """
        query: String
        allow_user_chats allow_bot_chats allow_group_chats allow_channel_chats: Boolean
        """,
    "CopyTextButton": "text: String! 1-256 characters",
    "CallbackGame": "",
    "SuggestedPostParameters": "price: SuggestedPostPrice \n send_date: Integer",
    "SuggestedPostPrice": "currency: String! =XTR,TON \n amount: Integer!",
    "InputRichMessage": "html markdown: String \n is_rtl skip_entity_detection: Boolean",
}

UNIONS: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        "BotCommandScope": {
            "default": "BotCommandScopeDefault",
            "all_private_chats": "BotCommandScopeAllPrivateChats",
            "all_group_chats": "BotCommandScopeAllGroupChats",
            "all_chat_administrators": "BotCommandScopeAllChatAdministrators",
            "chat": "BotCommandScopeChat",
            "chat_administrators": "BotCommandScopeChatAdministrators",
            "chat_member": "BotCommandScopeChatMember",
        },
        "MenuButton": {
            "commands": "MenuButtonCommands",
            "web_app": "MenuButtonWebApp",
            "default": "MenuButtonDefault",
        },
    }
)
"""Types that are one of several, told apart by their field ``type``."""

_DECLARATION = re.compile(
    r"(?P<names>[a-z_ ]+):\s*(?P<types>[A-Za-z|\[\]]+)(?P<required>!?)"
    r"(?:\s+(?P<low>\d+)-(?P<high>\d+)\s+(?P<unit>characters|bytes|parsed|value|items))?(?:\s+=(?P<only>[A-Za-z_,]+))?"
)


def _fields(declarations: str) -> Mapping[str, Field]:
    found: dict[str, Field] = {}
    for line in filter(None, map(str.strip, declarations.splitlines())):
        told = _DECLARATION.fullmatch(line)
        if told is None:
            raise ValueError(f"not a declaration: {line}")
        for name in told["names"].split():
            found[name] = Field(
                name=name,
                types=tuple(told["types"].split("|")),
                required=bool(told["required"]),
                low=int(told["low"]) if told["low"] else None,
                high=int(told["high"]) if told["high"] else None,
                unit=told["unit"] or "",
                only=tuple(told["only"].split(",")) if told["only"] else (),
            )
    return MappingProxyType(found)


METHODS: Mapping[str, Method] = MappingProxyType(
    {
        name: Method(name, tuple(returns.split("|")), _fields(declared))
        for name, (returns, declared) in _METHODS.items()
    }
)
"""Methods by their name as documented."""
TYPES: Mapping[str, Mapping[str, Field]] = MappingProxyType(
    {name: _fields(told) for name, told in _TYPES.items()}
)
"""Fields of every type that a request can carry."""
_BY_LOWER = {name.lower(): method for name, method in METHODS.items()}


def method_named(name: str) -> Method | None:
    """The method of that name in any case, as Telegram reads it."""
    return _BY_LOWER.get(name.lower())


# what Telegram says

_MISSING: dict[str, str] = {
    "chat_id": "chat_id is empty",
    "text": "Message text is empty",
    "action": "Wrong parameter action in request",
    "photo": "There is no photo in the request",
    "audio": "There is no audio in the request",
    "video": "There is no video in the request",
    "document": "There is no document in the request",
    "file_id": "file_id not specified",
    "from_chat_id": 'Parameter "from_chat_id" is required',
    "message_ids": "Message identifiers are not specified",
    "callback_query_id": "query is too old and response timeout expired or query ID is invalid",
    "user_id": "Invalid user_id specified",
    "deleteMessage.chat_id": "Chat identifier is not specified",
    "deleteMessages.chat_id": "Chat identifier is not specified",
    "deleteMessage.message_id": "Message identifier is not specified",
    "copyMessage.message_id": "message to copy not found",
    "forwardMessage.message_id": "message to forward not found",
    "pinChatMessage.message_id": "message to pin not found",
}
"""Absent commands mean an empty list to Telegram, an absent url no webhook: wrong here, but not refused."""

_NOT_JSON: dict[str, str] = {
    "reply_markup": "Can't parse reply keyboard markup JSON object",
    "reply_parameters": "Can't parse reply parameters JSON object",
    "link_preview_options": "Can't parse link preview options JSON object",
    "suggested_post_parameters": "Can't parse suggested post parameters JSON object",
    "commands": "Can't parse commands JSON object",
    "scope": "Can't parse BotCommandScope JSON object",
    "menu_button": "Can't parse menu button JSON object",
    "message_ids": "Can't parse message_ids JSON object",
}
"""Other lists that are not JSON are silently taken as absent."""

_MARKUPS = ("InlineKeyboardMarkup", "ReplyKeyboardMarkup", "ReplyKeyboardRemove", "ForceReply")
_NOT_OBJECT: dict[str, str] = {
    **dict.fromkeys(_MARKUPS, "Object expected as reply markup"),
    "ReplyParameters": "Object expected as reply parameters",
    "LinkPreviewOptions": "Object expected as link preview options",
    "SuggestedPostParameters": "Object expected as suggested post parameters",
    "InlineKeyboardButton": "InlineKeyboardButton must be an Object",
    "KeyboardButton": "KeyboardButton must be a String or an Object",
    "BotCommand": "expected an Object",
    "MessageEntity": "expected an Object",
}
_NOT_ARRAY: dict[str, str] = {
    "InlineKeyboardButton": 'Field "inline_keyboard" of the InlineKeyboardMarkup must be an Array of Arrays',
    "KeyboardButton": 'Field "keyboard" must be an Array of Arrays',
    "BotCommand": "Expected an Array of BotCommand",
    "Integer": "Expected an Array of message identifiers",
}
_WITHIN: dict[str, str] = {
    "InlineKeyboardButton": "Can't parse inline keyboard button: ",
    "KeyboardButton": "Can't parse keyboard button: ",
    "BotCommand": "Can't parse BotCommand: ",
    "BotCommandScope": "Can't parse BotCommandScope: ",
    "MenuButton": "Can't parse menu button: ",
    "MessageEntity": "Can't parse MessageEntity: ",
}
"""What stands before a refusal that comes from inside such an object."""

_BEYOND: dict[str, str] = {
    "text": "Message is too long",
    "caption": "Message caption is too long",
    "quote": "message quote is too long",
    "answerCallbackQuery.text": "MESSAGE_TOO_LONG",
    "InlineKeyboardButton.callback_data": "BUTTON_DATA_INVALID",
    "setWebhook.secret_token": "secret token is too long",
    "BotCommand.command": "Command length must not exceed 32",
    "BotCommand.description": "Command description length must not exceed 256",
    "setMyCommands.commands": "BOT_COMMANDS_TOO_MUCH",
    "deleteMessages.message_ids": "Too many message identifiers specified",
}
_BELOW: dict[str, str] = {
    "InlineKeyboardButton.callback_data": "Text buttons are unallowed in the inline keyboard",
    "BotCommand.command": "Command must be non-empty",
    "BotCommand.description": "Command description must be non-empty",
    "deleteMessages.message_ids": "Message identifiers are not specified",
}
_NOT_LISTED: dict[str, str] = {
    "parse_mode": "Unsupported parse_mode",
    "quote_parse_mode": "Unsupported parse_mode",
    "sendChatAction.action": "Wrong parameter action in request",
    "MessageEntity.type": "Unsupported type specified",
    "InlineKeyboardButton.style": "invalid button style specified",
    "KeyboardButton.style": "invalid button style specified",
    "SuggestedPostPrice.currency": "Invalid suggested post price currency specified",
}
_UNWRAPPED = frozenset(
    (*_BEYOND.values(), "Command must be non-empty", "Command description must be non-empty")
)
"""Refusals that come from further inside Telegram, without the prefix of the object they concern."""


def bad_request(message: str) -> str:
    """Telegram's description of a 400: its prefix, then the message, small at first (codes stay capital)."""
    if message.startswith("Bad Request"):
        return message
    if len(message) >= 2 and (message[1] == "_" or "A" <= message[1] <= "Z"):
        return f"Bad Request: {message}"
    return f"Bad Request: {message[:1].lower()}{message[1:]}"


# texts

_STYLES = {
    **dict.fromkeys(("b", "strong"), "bold"),
    **dict.fromkeys(("i", "em"), "italic"),
    **dict.fromkeys(("u", "ins"), "underline"),
    **dict.fromkeys(("s", "strike", "del"), "strikethrough"),
    **dict.fromkeys(("tg-spoiler", "span"), "spoiler"),
}
_TAGS = frozenset(_STYLES) | {"a", "pre", "code", "blockquote", "tg-emoji", "tg-time"}
_REFERENCE = re.compile(r"&(?:#x([0-9a-fA-F]*)|#([0-9]*)|([a-zA-Z]*));?")
_NAMED = {"lt": "<", "gt": ">", "amp": "&", "quot": '"'}
_SPACE = " \t\r\n\v\0"
_PLAIN = re.compile("[^<&]+")
_TAG_NAME = re.compile(rf"[^{_SPACE}>]*")
_ATTRIBUTE_NAME = re.compile(rf"[^{_SPACE}=>/\"']*")
_TOKEN = re.compile(r"[A-Za-z0-9.\-]*")
_LINK = re.compile(r"(?i)(?:[a-z][a-z0-9+.\-]*://)?[^\s/]+\.[^\s]+|tg://\S+")
_USER_LINK = re.compile(r"tg://user\?id=(\d+)")
_UNSEEN = re.compile("[\x00-\x09\x0b-\x1f\u2028-\u202e\u0333\u033f\u030a]")
_AS_SEEN = {code: " " for code in range(32) if code not in (10, 13)} | dict.fromkeys(
    (13, *range(0x2028, 0x202F), 0x333, 0x33F, 0x30A)
)


def utf16_length(text: str) -> int:
    """Length as Telegram counts offsets: characters beyond the basic plane (most emoji) are two."""
    return len(text) if text.isascii() else len(text.encode("utf-16-le", "surrogatepass")) >> 1


def _reference(text: str, at: int) -> tuple[str, int] | None:
    """The character that the reference at ``at`` stands for, and its end; None if it is just an ampersand."""
    told = _REFERENCE.match(text, at)
    if told is None:
        return None
    hexadecimal, decimal, name = told.groups()
    if name is not None:
        return (_NAMED[name], told.end()) if name in _NAMED else None
    code = int(hexadecimal or "0", 16) if hexadecimal is not None else int(decimal or "0")
    digits_end = told.end() - told[0].endswith(";")
    if code == 0 or code >= 0x10FFFF or digits_end - at >= 10:
        return None
    return chr(code), told.end()


def _skip_space(text: str, at: int) -> int:
    while at < len(text) and text[at] in _SPACE:
        at += 1
    return at


def _attribute(text: str, at: int, unclosed: Unparsable, empty: Unparsable) -> tuple[str, str | None, int]:
    """The attribute at ``at``: its name, its value (None without one), where it ends."""
    name = _ATTRIBUTE_NAME.match(text, at)
    if name is None or not name[0]:
        raise empty
    at = _skip_space(text, name.end())
    if at >= len(text):
        raise unclosed
    if text[at] != "=":
        return name[0], None, at
    at = _skip_space(text, at + 1)
    if at >= len(text):
        raise unclosed
    quote = text[at]
    if quote not in "\"'":
        token = _TOKEN.match(text, at)
        end = token.end() if token else at
        if end < len(text) and text[end] not in _SPACE + ">":
            offset = len(text[:at].encode())
            raise Unparsable(f"Unexpected end of name token at byte offset {offset}")
        return name[0], text[at:end].lower(), end
    at += 1
    value: list[str] = []
    while at < len(text) and text[at] != quote:
        told = _reference(text, at) if text[at] == "&" else None
        if told:
            value.append(told[0])
            at = told[1]
        else:
            value.append(text[at])
            at += 1
    return name[0], "".join(value), at + 1


def _start_tag(text: str, at: int) -> tuple[str, str, int]:
    """Name and argument (link, language, …) of the start tag at ``at``, and the place after it."""
    offset = len(text[:at].encode())
    unclosed = Unparsable(f"Unclosed start tag at byte offset {offset}")
    name = _TAG_NAME.match(text, at + 1)
    if name is None or name.end() >= len(text):
        raise unclosed
    tag = name[0].lower()
    if tag not in _TAGS:
        raise Unparsable(f'Unsupported start tag "{tag}" at byte offset {offset}')
    empty = Unparsable(f'Empty attribute name in the tag "{tag}" at byte offset {offset}')
    argument, at = "", name.end()
    while True:
        at = _skip_space(text, at)
        if at >= len(text):
            raise unclosed
        if text[at] == ">":
            break
        attribute, value, at = _attribute(text, at, unclosed, empty)
        if tag == "blockquote" and attribute == "expandable":
            argument = "1"
        elif value is not None and (
            (tag == "a" and attribute == "href")
            or (tag == "tg-emoji" and attribute == "emoji-id")
            or (tag == "tg-time" and attribute == "unix")
        ):
            argument = value
        elif tag == "code" and attribute == "class" and value and value.startswith("language-"):
            argument = value[9:]
        elif tag == "span" and attribute == "class" and value and value.startswith("tg-"):
            argument = value[3:]
    if tag == "span" and argument != "spoiler":
        raise Unparsable(f'Tag "span" must have class "tg-spoiler" at byte offset {offset}')
    return tag, argument, at + 1


def _entity(
    tag: str, argument: str, inner: str, offset: int, length: int, before: list[dict[str, Any]]
) -> dict[str, Any] | None:
    """The entity a closed tag makes. <pre> and <code class=…> around one text make one, hence ``before``."""
    made: dict[str, Any] = {"type": _STYLES.get(tag, tag), "offset": offset, "length": length}
    last = before[-1] if before else None
    same = last is not None and (last["offset"], last["length"]) == (offset, length)
    if tag == "a":
        link = argument or inner
        user = _USER_LINK.fullmatch(link)
        if user:
            return {**made, "type": "text_mention", "user": {"id": int(user[1])}}
        if not _LINK.fullmatch(link):
            return None
        return {**made, "type": "text_link", "url": link if "://" in link else f"http://{link}"}
    if tag == "blockquote":
        made["type"] = "expandable_blockquote" if argument else "blockquote"
    elif tag == "tg-emoji":
        if not argument.isdigit() or int(argument) == 0:
            raise Unparsable("Invalid custom emoji identifier specified")
        return {**made, "type": "custom_emoji", "custom_emoji_id": argument}
    elif tag == "tg-time":
        if not argument.isdigit() or int(argument) == 0:
            return None
        return {**made, "type": "date_time", "unix_time": int(argument)}
    elif tag == "code" and argument and same and last is not None and last["type"] == "pre":
        last["language"] = argument
        return None
    elif tag == "code" and argument:
        made["language"] = argument
    elif tag == "pre" and same and last is not None and last["type"] == "code" and "language" in last:
        last["type"] = "pre"
        return None
    return made


def parse_html(text: str) -> FormattedText:
    """Text in Telegram's HTML as its server reads it (parse_html of github.com/tdlib/td): strict about tags.

    Raises ``Unparsable`` with the server's words; byte offsets are UTF-8.
    """
    if "<" not in text and "&" not in text:
        return FormattedText(text)
    seen: list[str] = []
    length = 0
    entities: list[dict[str, Any]] = []
    nested: list[tuple[str, str, int, int]] = []
    at = 0
    while at < len(text):
        sign = text[at]
        if sign == "&":
            told = _reference(text, at)
            character, at = told if told else ("&", at + 1)
            seen.append(character)
            length += 1 + (character > "\uffff")
        elif sign != "<":
            plain = _PLAIN.match(text, at)
            run = plain[0] if plain else sign
            seen.append(run)
            length += utf16_length(run)
            at += len(run)
        elif text[at + 1 : at + 2] != "/":
            tag, argument, at = _start_tag(text, at)
            nested.append((tag, argument, length, len(seen)))
        else:
            offset = len(text[:at].encode())
            if not nested:
                raise Unparsable(f"Unexpected end tag at byte offset {offset}")
            name = _TAG_NAME.match(text, at + 2)
            closing = name[0].lower() if name else ""
            at = _skip_space(text, name.end() if name else at + 2)
            if text[at : at + 1] != ">":
                raise Unparsable(f"Unclosed end tag at byte offset {offset}")
            at += 1
            tag, argument, begin, first = nested.pop()
            if closing and closing != tag:
                raise Unparsable(
                    f'Unmatched end tag at byte offset {offset}, expected "</{tag}>", found "</{closing}>"'
                )
            if length > begin:
                made = _entity(tag, argument, "".join(seen[first:]), begin, length - begin, entities)
                if made:
                    entities.append(made)
    if nested:
        raise Unparsable(f'Can\'t find end tag corresponding to start tag "{nested[-1][0]}"')
    for entity in entities:
        if entity["type"] == "code":
            entity.pop("language", None)
    whole = "".join(seen)
    if any("\ud800" <= character <= "\udfff" for character in whole):
        raise Unparsable(
            "Text contains invalid Unicode characters after decoding HTML entities, check for unmatched "
            "surrogate code units"
        )
    entities.sort(key=lambda entity: (entity["offset"], -entity["length"]))
    return FormattedText(whole, tuple(entities))


_CHOSEN_BY_SENDER = frozenset(_ENTITIES.split(",")) - frozenset(
    ("mention", "hashtag", "cashtag", "bot_command", "url", "email", "phone_number")
)


def format_text(text: str, parse_mode: str, entities: Sequence[Mapping[str, Any]] = ()) -> FormattedText:
    """What a reader will see of ``text``: entities parsed, unseen characters dropped, the ends trimmed.

    Only HTML is read: the product sends no Markdown, and a request with it breaks the table.
    Raises ``Unparsable``.
    """
    if _UNSEEN.search(text):
        text = text.translate(_AS_SEEN)
    if parse_mode and parse_mode.lower() == "html":
        formatted = parse_html(text)
    else:
        formatted = FormattedText(
            text, tuple(one for one in entities if one.get("type") in _CHOSEN_BY_SENDER and one.get("length"))
        )
    kept = formatted.text.rstrip()
    cut = len(kept) - len(kept.lstrip(" \n"))
    if not formatted.entities:
        return FormattedText(kept[cut:])
    cut = min(cut, formatted.entities[0]["offset"])
    end = utf16_length(kept)
    moved = tuple(
        {**one, "offset": one["offset"] - cut, "length": min(one["length"], end - one["offset"])}
        for one in formatted.entities
        if one["offset"] < end
    )
    return FormattedText(kept[cut:], moved)


# the check

Finding = tuple[str, str, str | None]
"""Path below the value at hand, rule, refusal (None: passes unseen; ``{name}`` is filled in one level up)."""
Findings = list[Finding]
Checker = Callable[[Any, Findings], Any]
"""Takes a value, adds to the findings, returns the value decoded."""
_WHOLE = re.compile(r"-?[0-9]{1,18}")
_MISTYPED = 'Field "{name}"'
Rule = Callable[[dict[str, Any], Findings], None]
"""What the documentation says of a type or method in words."""


def _string(value: Any, found: Findings) -> Any:
    if type(value) is str:
        return value
    if type(value) is int or type(value) is float:
        found.append(("", "a number stands where text is declared", None))
        return str(value)
    found.append(("", "must be text", f"{_MISTYPED} must be of type String"))
    return value


def _integer(value: Any, found: Findings) -> Any:
    if type(value) is int:
        return value
    if type(value) is str and _WHOLE.fullmatch(value):
        return int(value)
    found.append(("", "must be a whole number", f"{_MISTYPED} must be a Number"))
    return value


def _boolean(value: Any, found: Findings) -> Any:
    if type(value) is not bool:
        found.append(("", "must be true or false", f"{_MISTYPED} must be of type Boolean"))
    return value


def _file(value: Any, found: Findings) -> Any:
    if not isinstance(value, Upload):
        found.append(("", "must be a file", None))
    return value


def _integer_or_string(value: Any, found: Findings) -> Any:
    return value if type(value) is int else _string(value, found)


def _file_or_string(value: Any, found: Findings) -> Any:
    return value if isinstance(value, Upload) else _string(value, found)


_SCALARS: dict[tuple[str, ...], Checker] = {
    ("String",): _string,
    ("Integer",): _integer,
    ("Boolean",): _boolean,
    ("InputFile",): _file,
    ("Integer", "String"): _integer_or_string,
    ("InputFile", "String"): _file_or_string,
}


def _bounded(field: Field, owner: str, inner: Checker) -> Checker:
    """The checker of a field with its bounds and listed values."""
    qualified = f"{owner}.{field.name}"
    beyond = _BEYOND.get(qualified) or _BEYOND.get(field.name) or f"{field.name} is too long"
    below = _BELOW.get(qualified)
    not_listed = _NOT_LISTED.get(qualified) or _NOT_LISTED.get(field.name)
    low, high, unit = field.low, field.high, field.unit
    only = frozenset(field.only)
    lowered = frozenset(value.lower() for value in field.only)
    rule = f"must have {low} to {high} {unit}"
    listed = f"must be one of {', '.join(field.only)}"

    def text(value: Any, found: Findings) -> Any:
        value = inner(value, found)
        if type(value) is not str:
            return value
        if high is not None and low is not None and unit != "parsed":
            size = len(value)
            if size * 4 > high:
                size = len(value.encode("utf-8", "surrogatepass")) if unit == "bytes" else utf16_length(value)
            if size > high:
                found.append(("", rule, beyond))
            elif size < low:
                found.append(("", rule, below))
        if only and value and value not in only:
            found.append(("", listed, None if value.lower() in lowered else not_listed))
        return value

    def number(value: Any, found: Findings) -> Any:
        value = inner(value, found)
        if type(value) is int and high is not None and low is not None and not low <= value <= high:
            found.append(("", f"must be {low} to {high}", None))
            return min(max(value, low), high)
        return value

    def items(value: Any, found: Findings) -> Any:
        value = inner(value, found)
        if type(value) is list and high is not None and low is not None:
            if len(value) > high:
                found.append(("", rule, beyond))
            elif len(value) < low:
                found.append(("", rule, below))
        return value

    if unit == "items":
        return items
    if unit == "value":
        return number
    return text if unit or only else inner


def _deepen(found: Findings, start: int, step: str, prefix: str = "") -> None:
    """Put ``step`` before the path of what was found since ``start``, and ``prefix`` before the refusal."""
    for at in range(start, len(found)):
        path, rule, refusal = found[at]
        if refusal is not None:
            refusal = refusal.replace("{name}", step)
            if prefix and refusal not in _UNWRAPPED and not refusal.startswith("Bad Request"):
                refusal = prefix + refusal
        found[at] = (f"{step}.{path}" if path and step else step or path, rule, refusal)


_compiled: dict[str, Checker] = {}


def _array(inner_type: str) -> Checker:
    inner = _type(inner_type)
    refusal = _NOT_ARRAY.get(inner_type.strip("[]"))
    not_item = "Message identifier must be a Number" if inner_type == "Integer" else None
    scalar = (inner_type,) in _SCALARS

    def check_array(value: Any, found: Findings) -> Any:
        if type(value) is not list:
            found.append(("", "must be an array", refusal))
            return value
        for at, item in enumerate(value):
            start = len(found)
            value[at] = inner(item, found)
            if len(found) > start:
                if scalar:
                    found[start:] = [(path, rule, not_item) for path, rule, _ in found[start:]]
                _deepen(found, start, str(at))
        return value

    return check_array


def _object(name: str) -> Checker:
    fields = TYPES[name]
    checkers: dict[str, Checker] = {}
    required = tuple(field.name for field in fields.values() if field.required)
    rule = _TYPE_RULES.get(name)
    prefix = _WITHIN.get(name, "")
    refusal = _NOT_OBJECT.get(name, f"{_MISTYPED} must be of type Object")

    def check_object(value: Any, found: Findings) -> Any:
        start = len(found)
        if type(value) is str and name == "KeyboardButton":
            value = {"text": value}
        if type(value) is not dict:
            found.append(("", "must be an object", prefix + refusal))
            return value
        if not checkers:
            checkers.update({field.name: _field(field, name) for field in fields.values()})
        for key, item in value.items():
            checker = checkers.get(key)
            here = len(found)
            if checker is None:
                found.append((key, f"not a field of {name}", None))
                continue
            value[key] = checker(item, found)
            if len(found) > here:
                _deepen(found, here, key)
        for key in required:
            if key not in value:
                # Of a mentioned user Telegram reads the id alone.
                refused = name != "User" or key == "id"
                found.append((key, "required", f'Can\'t find field "{key}"' if refused else None))
        if rule is not None:
            rule(value, found)
        if prefix and len(found) > start:
            _deepen(found, start, "", prefix)
        return value

    return check_object


def _union(name: str) -> Checker:
    members = {kind: _object(member) for kind, member in UNIONS[name].items()}
    prefix = _WITHIN.get(name, "")
    unknown = "Unsupported type specified" if name == "BotCommandScope" else f"{name} has unsupported type"

    def check_union(value: Any, found: Findings) -> Any:
        start = len(found)
        if type(value) is not dict:
            found.append(("", "must be an object", f"{name} must be an Object"))
        elif "type" not in value:
            found.append(("type", "required", 'Can\'t find field "type"'))
        elif type(value["type"]) is not str or (member := members.get(value["type"])) is None:
            found.append(("type", f"must be one of {', '.join(members)}", unknown))
        else:
            value = member(value, found)
        if len(found) > start:
            _deepen(found, start, "", prefix)
        return value

    return check_union


def _choice(names: tuple[str, ...]) -> Checker:
    """One of several object types, told apart by the fields only one of them requires."""
    required_of = {name: [field.name for field in TYPES[name].values() if field.required] for name in names}
    members = [(_type(name), required) for name, required in required_of.items()]

    def check_choice(value: Any, found: Findings) -> Any:
        if type(value) is dict:
            for member, required in members:
                if all(key in value for key in required):
                    return member(value, found)
            found.append(("", f"is none of {', '.join(names)}", None))
            return value
        return members[0][0](value, found)

    return check_choice


def _type(name: str) -> Checker:
    made = _compiled.get(name)
    if made is None:
        if name.startswith("["):
            made = _array(name[1:-1])
        elif (name,) in _SCALARS:
            made = _SCALARS[(name,)]
        else:
            made = _union(name) if name in UNIONS else _object(name)
        _compiled[name] = made
    return made


def _field(field: Field, owner: str) -> Checker:
    scalar = _SCALARS.get(field.types)
    if scalar is None:
        scalar = _type(field.types[0]) if len(field.types) == 1 else _choice(field.types)
    return _bounded(field, owner, scalar)


# Rules that the documentation gives in words.

_STYLE_FIELDS = frozenset(("text", "icon_custom_emoji_id", "style"))
_COMMAND = re.compile(r"[a-z0-9_]+")
_SECRET = re.compile(r"[A-Za-z0-9_-]*")
_LANGUAGE = re.compile(r"(?:[a-z]{2})?")


def link_problem(url: str, *, https_only: bool = False) -> str | None:
    """Why Telegram would not take ``url`` on a button (check_link of github.com/tdlib/td), or None."""
    try:
        parts = urlsplit(url if "://" in url or url.startswith("tg:") else f"http://{url}")
        host = parts.hostname or ""
    except ValueError:
        return "Wrong HTTP URL"
    if parts.scheme in ("tg", "ton", "tonsite"):
        return "Only HTTPS links are allowed" if https_only else None
    if parts.scheme not in ("http", "https"):
        return "Unsupported URL protocol"
    if https_only and parts.scheme != "https":
        return "Only HTTPS links are allowed"
    if any(character in _SPACE for character in url) or ("." not in host and ":" not in host):
        return "Wrong HTTP URL"
    return None


def _inline_button(button: dict[str, Any], found: Findings) -> None:
    actions = [key for key in button if key not in _STYLE_FIELDS]
    if button.get("text") == "" and "icon_custom_emoji_id" not in button:
        said = "Bad Request: inline keyboard button text must be non-empty"
        found.append(("text", "must not be empty", said))
    used = [key for key in actions if button[key] != "" or key.startswith("switch_inline_query")]
    if not used:
        if "callback_data" not in button:
            said = "Text buttons are unallowed in the inline keyboard"
            found.append(("", "needs exactly one action", said))
        return
    if len(actions) > 1:
        found.append(("", f"needs exactly one action, has {', '.join(sorted(actions))}", None))
    if type(button.get("url")) is str:
        problem = link_problem(button["url"])
        if problem:
            said = f"Bad Request: inline keyboard button URL '{button['url']}' is invalid: {problem}"
            found.append(("url", "must be a link that can be opened", said))


def _web_app(info: dict[str, Any], found: Findings) -> None:
    problem = link_problem(info["url"], https_only=True) if type(info.get("url")) is str else None
    if problem:
        said = f"Bad Request: inline keyboard button Web App URL '{info['url']}' is invalid: {problem}"
        found.append(("url", "must be an HTTPS link", said))


def _keyboard_button(button: dict[str, Any], found: Findings) -> None:
    if button.get("text") == "":
        found.append(("text", "must not be empty", "Bad Request: keyboard button text must be non-empty"))
    requests = [key for key in button if key not in _STYLE_FIELDS]
    if len(requests) > 1:
        found.append(("", f"at most one request, has {', '.join(sorted(requests))}", None))


def _keyboard(key: str, most: int, row_most: int) -> Rule:
    def rule(markup: dict[str, Any], found: Findings) -> None:
        rows = markup.get(key)
        if type(rows) is not list or not all(type(row) is list for row in rows):
            return
        if sum(map(len, rows)) > most:
            found.append((key, f"at most {most} buttons", "reply markup is too long"))
        elif any(len(row) > row_most for row in rows):
            found.append((key, f"at most {row_most} buttons in a row", None))
        if len(orjson.dumps(markup)) > MARKUP_BYTES:
            found.append((key, f"at most {MARKUP_BYTES} bytes of JSON", "reply markup is too long"))

    return rule


def _must_be_true(key: str) -> Rule:
    def rule(value: dict[str, Any], found: Findings) -> None:
        if value.get(key) is False:
            found.append((key, "must be true", None))

    return rule


def _command(command: dict[str, Any], found: Findings) -> None:
    name = command.get("command")
    if type(name) is str and name and not _COMMAND.fullmatch(name):
        found.append(("command", "only a-z, 0-9 and _", "Bad Request: BOT_COMMAND_INVALID"))


def _formatted_part(
    value: dict[str, Any], name: str, mode: str, entities: str, most: int, found: Findings
) -> FormattedText | None:
    """Parse the text in ``name`` and hold it against its bound; None if it can't be parsed."""
    text = value[name]
    if len(text) > TEXT_BYTES // 4 and len(text.encode("utf-8", "surrogatepass")) > TEXT_BYTES:
        found.append((name, f"at most {TEXT_BYTES} bytes before parsing", "Text is too long"))
        return None
    sound = not any(path.startswith(entities) for path, _, _ in found)
    given = value[entities] if sound and entities in value else ()
    parse_mode = value.get(mode)
    try:
        formatted = format_text(text, parse_mode if type(parse_mode) is str else "", given)
    except Unparsable as problem:
        found.append((name, "must parse", f"Can't parse entities: {problem}"))
        return None
    if len(formatted.text) * 2 > most and utf16_length(formatted.text) > most:
        found.append((name, f"at most {most} characters once parsed", _BEYOND[name]))
    return formatted


def _reply_parameters(value: dict[str, Any], found: Findings) -> None:
    if type(value.get("quote")) is str:
        most = TYPES["ReplyParameters"]["quote"].high or 0
        _formatted_part(value, "quote", "quote_parse_mode", "quote_entities", most, found)


_ENTITY_NEEDS = {
    "text_link": "url",
    "text_mention": "user",
    "custom_emoji": "custom_emoji_id",
    "date_time": "unix_time",
}


def _message_entity(entity: dict[str, Any], found: Findings) -> None:
    kind = entity.get("type")
    needed = _ENTITY_NEEDS.get(kind) if type(kind) is str else None
    if needed and needed not in entity:
        found.append((needed, "required for this type", f'Can\'t find field "{needed}"'))


_TYPE_RULES: dict[str, Rule] = {
    "InlineKeyboardMarkup": _keyboard("inline_keyboard", INLINE_BUTTONS, INLINE_ROW),
    "InlineKeyboardButton": _inline_button,
    "ReplyKeyboardMarkup": _keyboard("keyboard", REPLY_BUTTONS, REPLY_ROW),
    "KeyboardButton": _keyboard_button,
    "ReplyKeyboardRemove": _must_be_true("remove_keyboard"),
    "ForceReply": _must_be_true("force_reply"),
    "ReplyParameters": _reply_parameters,
    "BotCommand": _command,
    "MessageEntity": _message_entity,
    "WebAppInfo": _web_app,
}


def _edit_target(values: dict[str, Any], found: Findings) -> None:
    if values.get("inline_message_id"):
        if values.get("chat_id") or values.get("message_id"):
            found.append(("inline_message_id", "either this or chat_id with message_id", None))
        return
    chat, message = values.get("chat_id"), values.get("message_id")
    if not chat and not message:
        said = "Message identifier is not specified"
        found.append(("message_id", "required with chat_id, or inline_message_id", said))
    elif not chat:
        found.append(("chat_id", "required with message_id", "chat_id is empty"))
    elif not message:
        found.append(("message_id", "required with chat_id", "message to edit not found"))


def _edit_text(values: dict[str, Any], found: Findings) -> None:
    if "rich_message" in values:
        found.append(("rich_message", "not read here", "rich messages are not read by this double"))
    elif not values.get("text"):
        found.append(("text", "required", "Message text is empty"))
    _edit_target(values, found)


def _set_commands(values: dict[str, Any], found: Findings) -> None:
    commands = values.get("commands")
    if type(commands) is list and len(commands) <= 100 and len(orjson.dumps(commands)) > COMMANDS_BYTES:
        said = "BOT_COMMANDS_TOO_MUCH"
        found.append(("commands", f"at most {COMMANDS_BYTES} bytes of JSON", said))
    _language(values, found)


def _language(values: dict[str, Any], found: Findings) -> None:
    code = values.get("language_code")
    if type(code) is str and not _LANGUAGE.fullmatch(code):
        found.append(("language_code", "two letters of ISO 639-1", "Invalid language code specified"))


def _set_webhook(values: dict[str, Any], found: Findings) -> None:
    secret = values.get("secret_token")
    if type(secret) is str and not _SECRET.fullmatch(secret):
        said = "secret token contains unallowed characters"
        found.append(("secret_token", "only A-Z, a-z, 0-9, _ and -", said))


def _get_updates(values: dict[str, Any], found: Findings) -> None:
    if type(values.get("timeout")) is int and values["timeout"] > 50:
        found.append(("timeout", "more than 50 seconds is cut to 50", None))


_METHOD_RULES: dict[str, Rule] = {
    "editMessageText": _edit_text,
    "editMessageCaption": _edit_target,
    "editMessageReplyMarkup": _edit_target,
    "setMyCommands": _set_commands,
    "setWebhook": _set_webhook,
    "getUpdates": _get_updates,
    **{
        name: _language
        for name, method in METHODS.items()
        if "language_code" in method.fields and name != "setMyCommands"
    },
}


@dataclass(frozen=True, slots=True)
class _Plan:
    """A method ready for checking: per field its checker, whether forms carry it as JSON text, its types."""

    method: Method
    checkers: Mapping[str, tuple[Checker, bool, tuple[str, ...]]]
    required: tuple[str, ...]
    text: Field | None
    rule: Rule | None


def _plan(method: Method) -> _Plan:
    checkers = {
        field.name: (_field(field, method.name), field.types not in _SCALARS, field.types)
        for field in method.fields.values()
    }
    text = next((field for field in method.fields.values() if field.unit == "parsed"), None)
    required = tuple(field.name for field in method.fields.values() if field.required)
    return _Plan(method, checkers, required, text, _METHOD_RULES.get(method.name))


_PLANS = {name: _plan(method) for name, method in METHODS.items()}
_TRUE, _FALSE = frozenset(("true", "True", "1", "yes")), frozenset(("false", "False", "0", "no", ""))


def _from_form(value: str, types: tuple[str, ...]) -> Any:
    """A scalar that arrived as text, as its type where that is what it says; unchanged otherwise."""
    if types == ("Boolean",):
        return True if value in _TRUE else False if value in _FALSE else value
    if types == ("Integer",) or types == ("Integer", "String"):
        return int(value) if _WHOLE.fullmatch(value) else value
    return value


def _coerced(value: Any, types: tuple[str, ...]) -> Any:
    """What Telegram makes of a mistyped value at the top of a request."""
    if types == ("Boolean",):
        return False
    if types == ("Integer",):
        return int(value) if type(value) is float and abs(value) < 2**53 else 0
    return orjson.dumps(value).decode()


def _attached(value: Any, name: str, files: Mapping[str, Upload]) -> Any:
    if name in files:
        return files[name]
    if type(value) is str and value.startswith("attach://"):
        return files.get(value[9:], value)
    return value


def decode(method: Method, arguments: Mapping[str, Any], files: Mapping[str, Upload]) -> dict[str, Any]:
    """The known fields of a request, decoded but not checked: a measurement would measure the check too."""
    values: dict[str, Any] = {}
    for name, value in arguments.items():
        entry = _PLANS[method.name].checkers.get(name)
        if entry is None or value is None:
            continue
        if type(value) is str:
            value = (orjson.loads(value) if value else None) if entry[1] else _from_form(value, entry[2])
        if value is not None:
            values[name] = _attached(value, name, files) if files else value
    values.update({name: upload for name, upload in files.items() if name in method.fields})
    return values


def check(method: Method, arguments: Mapping[str, Any], files: Mapping[str, Upload] | None = None) -> Checked:
    """Hold a request against the table.

    ``arguments`` are as they arrived: JSON values, or text from a form with JSON inside. Never raises for
    bad input: what is wrong is in ``violations``.
    """
    plan = _PLANS[method.name]
    found: Findings = []
    values: dict[str, Any] = {}
    files = files or {}
    for name, value in arguments.items():
        entry = plan.checkers.get(name)
        if entry is None:
            found.append((name, f"not a field of {method.name}", None))
            continue
        checker, as_json, types = entry
        if type(value) is str:
            if as_json:
                if not value:
                    continue
                try:
                    value = orjson.loads(value)
                except orjson.JSONDecodeError:
                    found.append((name, "must be JSON", _NOT_JSON.get(name)))
                    continue
            else:
                value = _from_form(value, types)
        elif value is None:
            found.append((name, "null: leave the field out", _NOT_OBJECT.get(types[0]) if as_json else None))
            continue
        if files and (name in files or value.__class__ is str):
            value = _attached(value, name, files)
        if types == ("InlineKeyboardMarkup",) and type(value) is dict and "inline_keyboard" not in value:
            found.append((name, "must be an inline keyboard", "Inline keyboard expected" if value else None))
            continue
        here = len(found)
        values[name] = checker(value, found)
        if len(found) > here:
            if types in _SCALARS and any(refusal and _MISTYPED in refusal for _, _, refusal in found[here:]):
                # Telegram refuses a mistyped field inside an object, but reads one at the top as best it can.
                found[here:] = [(path, rule, None) for path, rule, _ in found[here:]]
                values[name] = _coerced(values[name], types)
            _deepen(found, here, name)
    for name, upload in files.items():
        if name not in values and name in plan.checkers:
            values[name] = upload
    for name in plan.required:
        if values.get(name) in (None, "") and not (name == "url" and name in values):
            refusal = _MISSING.get(f"{method.name}.{name}") or _MISSING.get(name)
            found.append((name, "required", refusal))
    if plan.rule is not None:
        plan.rule(values, found)
    formatted = None
    if plan.text is not None and type(values.get(plan.text.name)) is str and values[plan.text.name]:
        name, high = plan.text.name, plan.text.high or 0
        entities = "entities" if name == "text" else "caption_entities"
        formatted = _formatted_part(values, name, "parse_mode", entities, high, found)
        if formatted is not None and not formatted.text and name == "text":
            found.append((name, "nothing but space", "Text must be non-empty"))
    return Checked(values, formatted, tuple(_violations(method.name, found)))


def _violations(method: str, found: Iterable[Finding]) -> Iterable[Violation]:
    for path, rule, refusal in found:
        yield Violation(method, path, rule, bad_request(refusal) if refusal else None)
