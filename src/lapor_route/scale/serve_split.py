"""Sends a share of the routing requests to a canary: the same requests to the same side, whoever asks again."""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from lapor_route.service.middleware import READ_SECONDS

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from lapor_route.service.settings import Settings

    Answer = tuple[int, list[tuple[bytes, bytes]], bytes]
    """Status, headers and body."""

LOGGER = logging.getLogger("lapor_route.scale")
SINGLE, BULK = "/v1/route", "/v1/route/batch"
_PASSED_ON = ("method", "scheme", "http_version", "path", "raw_path", "query_string", "headers", "client", "server")
_SPACE = 2**64


def is_canary(body: bytes, share: float) -> bool:
    """Whether a request is the canary's, by the caller's `id` if it has one, else by its whole body.

    A larger share keeps all that a smaller one has.

    Args:
        body: JSON of a routing request.
        share: From 0 (none) to 1 (all).
    """
    key = body
    with suppress(ValueError, RecursionError):
        data = json.loads(body)
        if isinstance(data, dict) and isinstance(data.get("id"), str):
            key = data["id"].encode("utf-8", "surrogatepass")
    return int.from_bytes(hashlib.sha256(key).digest()[:8], "big") < share * _SPACE


class Split:
    """An app in front of the app: routing requests of the canary's share are its to answer, all else is the app's.

    What the canary doesn't answer within half of the deadline, because it fails or is gone, the app answers.

    Args:
        app: The app.
        ask: Has the canary answer a request: scope and body.
        share: The canary's, from 0 to 1.
        settings: Whose limits hold.
    """

    def __init__(
        self,
        app: ASGIApp,
        ask: Callable[[dict[str, Any], bytes], Awaitable[Answer]],
        share: float,
        settings: Settings,
    ) -> None:
        self.app = app
        self._ask = ask
        self._share = share
        self._most = settings.max_body_bytes
        self._seconds = {SINGLE: settings.deadline_seconds / 2, BULK: settings.bulk_deadline_seconds / 2}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """An ASGI call."""
        if scope["type"] != "http" or scope["method"] != "POST" or scope["path"] not in self._seconds:
            await self.app(scope, receive, send)
            return
        messages = await self._read(receive)
        body = _whole(messages)
        if body is not None and len(body) <= self._most and is_canary(body, self._share):
            answer = await self._canarys(scope, body)
            if answer is not None:
                await _send(answer, send)
                return

        async def replay() -> Message:
            return messages.pop(0) if messages else await receive()

        await self.app(scope, replay, send)

    async def _read(self, receive: Receive) -> list[Message]:
        """What has come of a body; one that is too long or too slow is left to the app, which says so."""
        messages: list[Message] = []

        async def read() -> None:
            length, more = 0, True
            while more and length <= self._most:
                messages.append(await receive())
                length += len(messages[-1].get("body", b""))
                more = messages[-1].get("more_body", False)

        with suppress(asyncio.TimeoutError):
            await asyncio.wait_for(read(), READ_SECONDS)
        return messages

    async def _canarys(self, scope: Scope, body: bytes) -> Answer | None:
        asked = {name: scope[name] for name in _PASSED_ON if name in scope}
        try:
            return await asyncio.wait_for(_awaited(self._ask(asked, body)), self._seconds[scope["path"]])
        except Exception as error:  # whatever Ray raises for a replica that is gone; its message may quote more
            LOGGER.warning("the canary didn't answer", extra={"error_kind": type(error).__name__})
            return None


async def ask(app: ASGIApp, scope: dict[str, Any], body: bytes) -> Answer:
    """An app's answer to a request.

    Args:
        app: The app.
        scope: The ASGI scope, or what of it can travel.
        body: The whole body.
    """
    sent: list[Message] = []
    unread = [body]

    async def receive() -> Message:
        if not unread:
            await asyncio.Event().wait()  # nobody hangs up here; who waits for that is cancelled in the end
        return {"type": "http.request", "body": unread.pop(), "more_body": False}

    async def send(message: Message) -> None:
        sent.append(message)

    await app({"type": "http", "asgi": {"version": "3.0"}, "root_path": "", **scope}, receive, send)
    content = b"".join(message.get("body", b"") for message in sent[1:])
    return sent[0]["status"], [(bytes(name), bytes(value)) for name, value in sent[0]["headers"]], content


async def _awaited(answer: Awaitable[Answer]) -> Answer:
    return await answer


async def _send(answer: Answer, send: Send) -> None:
    status, headers, body = answer
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def _whole(messages: list[Message]) -> bytes | None:
    """The body, None where it isn't whole."""
    if not messages or messages[-1]["type"] != "http.request" or messages[-1].get("more_body", False):
        return None
    return b"".join(message.get("body", b"") for message in messages)
