"""Pushing updates to a bot's webhook, as Telegram's server does: in order per chat or person, again and again
until they are accepted or expire.
"""

from __future__ import annotations

import asyncio
import re
from collections import deque
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

import aiohttp
import orjson

from bot.doubles.telegram_people import Attempt, Json, Update

if TYPE_CHECKING:
    from bot.doubles.telegram import BotApiDouble

RETRY_AFTER_MOST = 3_600
GONE_SECONDS = 23 * 3_600
"""A webhook that answers 410 for that long is removed."""
NOT_BY_REPLY = frozenset(("setwebhook", "deletewebhook", "close", "logout"))
_RETRY = re.compile(r"\d{1,9}")


class Pusher:
    """Delivers updates to one webhook: a queue per chat or person, one update of each on its way at a time.

    A refused update is tried again at once, then after 2, 4, 8 … seconds (a minute or two at most) until it
    expires, or when the webhook's Retry-After says; its queue waits, others do not.
    """

    def __init__(self, api: BotApiDouble, url: str, secret: str, connections: int) -> None:
        self.last_error: tuple[float, str] | None = None
        self._api = api
        self._url = url if "://" in url else f"https://{url}"
        self._headers = {"Content-Type": "application/json", "Accept-Encoding": "gzip, deflate"}
        if secret:
            self._headers["X-Telegram-Bot-Api-Secret-Token"] = secret
        self._slots = asyncio.Semaphore(connections)
        self._queues: dict[int, deque[Update]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._gone_since: float | None = None

    def feed(self, update: Update) -> None:
        """Put an update at the end of its queue."""
        queue = self._queues.get(update.queue)
        if queue is not None:
            queue.append(update)
            return
        self._queues[update.queue] = deque((update,))
        task = asyncio.get_running_loop().create_task(self._drain(update.queue))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def cancel(self) -> None:
        """Deliver nothing more; what was not accepted stays with the double."""
        for task in self._tasks:
            task.cancel()

    async def close(self) -> None:
        """Cancel, and wait until nothing is on its way."""
        self.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _drain(self, key: int) -> None:
        queue = self._queues[key]
        while queue:
            await self._deliver(queue[0])
            queue.popleft()
        del self._queues[key]

    async def _deliver(self, update: Update) -> None:
        api, delay, failures = self._api, 1, 0
        while True:
            async with self._slots:
                status, retry_after, reply = await self._post(update)
            if status is not None and 200 <= status <= 299:
                self._note(update, status, None)
                if reply:
                    await self._execute(reply)
                if api.delivery.twice:
                    async with self._slots:
                        status, _, _ = await self._post(update)
                    self._note(update, status, None)
                break
            wait = min(retry_after, RETRY_AFTER_MOST)
            if not wait and failures:
                delay = min(delay * 2, api._random.randint(60, 120))
                wait = delay
            failures += 1
            if api.clock() + wait > update.expires_at:
                self._note(update, status, None)
                break
            self._note(update, status, wait)
            await asyncio.sleep(wait * api.delivery.pace)
        api._forget(update.update_id)

    def _note(self, update: Update, status: int | None, again_in: int | None) -> None:
        now = self._api.clock()
        self._api.attempts.append(Attempt(update.update_id, update.kind, status, now, again_in))
        self._api._changed()

    async def _post(self, update: Update) -> tuple[int | None, int, Json | None]:
        """One try: status (None: no answer), seconds of Retry-After, a call that came with the answer."""
        api = self._api
        if api._http is None:
            raise RuntimeError("the double is closed")
        reply: Json | None = None
        retry_after, error = 0, ""
        status: int | None = None
        try:
            async with api._http.post(
                self._url,
                data=update.body,
                headers=self._headers,
                allow_redirects=False,
                timeout=aiohttp.ClientTimeout(total=api.delivery.answer_seconds),
            ) as answer:
                content = await answer.read()
                status = answer.status
                if 200 <= status <= 299:
                    reply = _call_in(content, answer.content_type)
                else:
                    error = f"Wrong response from the webhook: {status} {answer.reason}"
                    told = answer.headers.get("Retry-After", "")
                    retry_after = int(told) if _RETRY.fullmatch(told) else 0
        except TimeoutError:
            error = "Read timeout expired"
        except aiohttp.ClientConnectorError:
            error = "Connection refused"
        except (aiohttp.ClientError, OSError):
            error = "Webhook connection closed"
        if error:
            self.last_error = (api.clock(), error)
        self._note_gone(status, api.clock())
        return status, retry_after, reply

    def _note_gone(self, status: int | None, now: float) -> None:
        if status != 410:
            self._gone_since = None
        elif self._gone_since is None:
            self._gone_since = now
        elif now > self._gone_since + GONE_SECONDS and self._api._pusher is self:
            self._api._pusher = None
            self._api._webhook = {}
            self.cancel()

    async def _execute(self, reply: Json) -> None:
        """Do the call that came in the webhook's answer; its result is lost, as on Telegram."""
        name = str(reply.pop("method")).lower()
        if name not in NOT_BY_REPLY and not name.startswith("get"):
            await self._api._call(name, reply, {}, by_reply=True)


def _call_in(content: bytes, content_type: str) -> Json | None:
    """The call in a webhook's answer, JSON or form (multipart is not read here); None without one."""
    try:
        if content_type == "application/json":
            told = orjson.loads(content)
        elif content_type == "application/x-www-form-urlencoded":
            told = dict(parse_qsl(content.decode(), keep_blank_values=True))
        else:
            return None
    except ValueError:
        return None
    return told if isinstance(told, dict) and told.get("method") else None
