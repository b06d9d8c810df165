"""The same survey as a bot of python-telegram-bot's ConversationHandler, to measure beside.

As its documentation shows it, with what durable answers need: a webhook that says 200 only when the update
was handled, and a persistence on SQLite (WAL, synchronous=FULL) whose one commit an update holds the answer
and where the conversation stands. Updates are handled one at a time, which ConversationHandler requires.

``--transport httpx``: its own way out. ``--transport aiohttp``: an aiohttp session instead, as a hand-tuned
bot has.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sqlite3
import warnings
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web
from telegram import InlineKeyboardButton, InlineKeyboardMarkup, Update
from telegram.ext import (
    Application,
    BasePersistence,
    CallbackQueryHandler,
    CommandHandler,
    ConversationHandler,
    MessageHandler,
    PersistenceInput,
    filters,
)
from telegram.request import BaseRequest, RequestData

from tests.benchmarks.survey import DONE, QUESTIONS, THANKS, Kind, Question

END = ConversationHandler.END


class Book(BasePersistence):
    """Answers and conversations in SQLite; written one by one, committed once an update."""

    def __init__(self, path: Path) -> None:
        kept = PersistenceInput(bot_data=False, chat_data=False, user_data=True, callback_data=False)
        super().__init__(store_data=kept, update_interval=3600)
        self._db = sqlite3.connect(path, isolation_level=None)
        for statement in (
            "PRAGMA journal_mode=WAL",
            "PRAGMA synchronous=FULL",
            "CREATE TABLE IF NOT EXISTS answers"
            " (update_id INTEGER PRIMARY KEY, person INTEGER, question TEXT, value TEXT)",
            "CREATE TABLE IF NOT EXISTS kept (key TEXT PRIMARY KEY, value TEXT)",
        ):
            self._db.execute(statement)

    def begin(self) -> None:
        self._db.execute("BEGIN IMMEDIATE")

    def commit(self) -> None:
        self._db.execute("COMMIT")

    def answer(self, update: Update, question: str, value: object) -> None:
        person = update.effective_user.id if update.effective_user else 0
        self._db.execute(
            "INSERT OR IGNORE INTO answers VALUES (?, ?, ?, ?)",
            (update.update_id, person, question, str(value)),
        )

    def _keep(self, key: str, value: object) -> None:
        self._db.execute("INSERT OR REPLACE INTO kept VALUES (?, ?)", (key, json.dumps(value)))

    async def update_user_data(self, user_id: int, data: Any) -> None:
        self._keep(f"user {user_id}", data)

    async def update_conversation(self, name: str, key: Any, new_state: object) -> None:
        self._keep(f"conversation {name} {key}", new_state)

    async def get_user_data(self) -> dict[int, Any]:
        return {}

    async def get_conversations(self, name: str) -> Any:
        return {}

    async def get_bot_data(self) -> Any:
        return {}

    async def get_chat_data(self) -> Any:
        return {}

    async def get_callback_data(self) -> Any:
        return None

    async def flush(self) -> None: ...

    async def update_bot_data(self, data: Any) -> None: ...

    async def update_chat_data(self, chat_id: int, data: Any) -> None: ...

    async def update_callback_data(self, data: Any) -> None: ...

    async def drop_chat_data(self, chat_id: int) -> None: ...

    async def drop_user_data(self, user_id: int) -> None: ...

    async def refresh_user_data(self, user_id: int, user_data: Any) -> None: ...

    async def refresh_chat_data(self, chat_id: int, chat_data: Any) -> None: ...

    async def refresh_bot_data(self, bot_data: Any) -> None: ...


class AiohttpRequest(BaseRequest):
    """A way out over one aiohttp session."""

    def __init__(self) -> None:
        self._session: aiohttp.ClientSession | None = None

    @property
    def read_timeout(self) -> float | None:
        return 5.0

    async def initialize(self) -> None:
        self._session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=64))

    async def shutdown(self) -> None:
        if self._session is not None:
            await self._session.close()

    async def do_request(
        self, url: str, method: str, request_data: RequestData | None = None, *_: Any, **__: Any
    ) -> tuple[int, bytes]:
        assert self._session is not None
        given = request_data.json_parameters if request_data else None
        async with self._session.request(method, url, data=given) as answer:
            return answer.status, await answer.read()


class Bot:
    """The handlers; a state is the index of a question."""

    def __init__(self, book: Book) -> None:
        self.book = book

    def conversation(self) -> Any:
        start: Any = CommandHandler("start", self.start)
        states: dict[object, list[Any]] = {}
        for index, question in enumerate(QUESTIONS):
            if question.choices:
                states[index] = [CallbackQueryHandler(self.tapped, pattern=f"^[std]:{index}(:|$)")]
            else:
                states[index] = [MessageHandler(filters.TEXT & ~filters.COMMAND, self.typed)]
        return ConversationHandler(
            [start], states, [start], name="survey", persistent=True, allow_reentry=True
        )

    async def ask(self, update: Update, context: Any, index: int) -> int:
        chat = update.effective_chat
        assert chat is not None
        context.user_data["at"] = index
        if index == len(QUESTIONS):
            await context.bot.send_message(chat.id, f"{THANKS}! Your answers are saved.")
            return END
        question = QUESTIONS[index]
        text = f"Question {index + 1}/{len(QUESTIONS)}. {question.label}\n{question.hint}".strip()
        await context.bot.send_message(chat.id, text, reply_markup=keyboard(index, question, 0))
        return index

    async def start(self, update: Update, context: Any) -> int:
        context.user_data.clear()
        self.book.answer(update, "start", "")
        return await self.ask(update, context, 0)

    async def tapped(self, update: Update, context: Any) -> int:
        query = update.callback_query
        assert query is not None and query.data is not None
        op, *numbers = f"{query.data}:0".split(":")
        index, choice = int(numbers[0]), int(numbers[1])
        question = QUESTIONS[index]
        await query.answer()
        if op == "t":
            ticked = context.user_data["ticked"] = context.user_data.get("ticked", 0) ^ (1 << choice)
            await query.edit_message_reply_markup(keyboard(index, question, ticked))
            return index
        value = context.user_data.pop("ticked", 0) if op == "d" else question.choices[choice]
        self.book.answer(update, question.name, value)
        return await self.ask(update, context, index + 1)

    async def typed(self, update: Update, context: Any) -> int:
        message, index = update.message, int(context.user_data["at"])
        assert message is not None and message.text is not None
        question, text = QUESTIONS[index], message.text.strip()
        if question.kind is Kind.NUMBER:
            fits = text.isdecimal() and len(text) < 5 and question.least <= int(text) <= question.most
            if not fits:
                await message.reply_text(f"{question.label}\n{question.hint}")
                return index
        self.book.answer(update, question.name, text[:4000])
        return await self.ask(update, context, index + 1)


def keyboard(index: int, question: Question, ticked: int) -> InlineKeyboardMarkup | None:
    """The buttons of a question; ``ticked`` a bit a choice."""
    if not question.choices:
        return None
    many = question.kind is Kind.MANY
    rows = [
        [
            InlineKeyboardButton(
                ("☑ " if ticked >> number & 1 else "☐ ") * many + label,
                callback_data=f"{'t' if many else 's'}:{index}:{number}",
            )
        ]
        for number, label in enumerate(question.choices)
    ]
    if many:
        rows.append([InlineKeyboardButton(DONE, callback_data=f"d:{index}")])
    return InlineKeyboardMarkup(rows)


def main() -> None:
    """Serve until terminated; settings as for ``tests/benchmarks/target``."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--transport", choices=["httpx", "aiohttp"], default="httpx")
    transport: str = parser.parse_args().transport
    warnings.filterwarnings("ignore")
    given = os.environ
    book = Book(Path(given["DATA_DIR"]) / "answers.db")
    builder: Any = Application.builder().token(given["BOT_TOKEN"]).base_url(given["BOT_API_BASE"] + "/bot")
    builder = builder.persistence(book).updater(None)
    if transport == "aiohttp":
        builder = builder.request(AiohttpRequest()).get_updates_request(AiohttpRequest())
    else:
        builder = builder.connection_pool_size(64)
    application = builder.build()
    application.add_handler(Bot(book).conversation())
    one_at_a_time = asyncio.Lock()

    async def webhook(request: web.Request) -> web.Response:
        if request.headers.get("X-Telegram-Bot-Api-Secret-Token") != given["WEBHOOK_SECRET"]:
            return web.Response(status=403)
        update = Update.de_json(await request.json(), application.bot)
        async with one_at_a_time:
            book.begin()
            await application.process_update(update)
            await application.update_persistence()
            book.commit()
        return web.Response()

    async def begin(_: web.Application) -> None:
        await application.initialize()
        await application.start()

    async def end(_: web.Application) -> None:
        await application.stop()
        await application.shutdown()

    app = web.Application()
    app.router.add_post(given["WEBHOOK_PATH"], webhook)
    app.on_startup.append(begin)
    app.on_cleanup.append(end)
    web.run_app(app, host="127.0.0.1", port=int(given["WEBHOOK_PORT"]), access_log=None, print=None)


if __name__ == "__main__":
    main()
