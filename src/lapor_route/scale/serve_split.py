"""Sends a share of the routing requests to a canary: the same requests to the same side, whoever asks again."""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
from contextlib import suppress
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from starlette.middleware import Middleware

from lapor_route.service.endpoints.route import RECORD_HEADER

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from fastapi import FastAPI
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from lapor_route.service.settings import Settings

    Answer = tuple[int, list[tuple[bytes, bytes]], bytes]
    """Status, headers and body."""
    Ask = Callable[[dict[str, Any], bytes], Awaitable[Answer]]

LOGGER = logging.getLogger("lapor_route.scale")
SINGLE, BULK = "/v1/route", "/v1/route/batch"
_PASSED_ON = ("method", "scheme", "http_version", "path", "raw_path", "query_string", "headers", "client", "server")
_KEPT_HEADERS = {
    name.lower().encode()
    for name in (
        "Content-Type",
        "Content-Length",
        "Cache-Control",
        "Retry-After",
        "WWW-Authenticate",
        RECORD_HEADER,
    )
}
_SPACE = 2**64
FAILED = 500


@runtime_checkable
class Cancellable(Protocol):
    """An answer that is under way elsewhere."""

    def cancel(self) -> None:
        """Gives it up."""
        ...


def is_canary(key: bytes, share: float) -> bool:
    """Whether a request is the canary's; a larger share keeps all that a smaller one has.

    Args:
        key: Of the request, the same whenever it is repeated.
        share: From 0 (none) to 1 (all).
    """
    return int.from_bytes(hashlib.sha256(key).digest()[:8], "big") < share * _SPACE


def key_of(path: str, body: bytes) -> tuple[bytes, bool]:
    """A request's key (the caller's `id` if it has one, else the whole body), and whether it takes long."""
    if path == BULK:
        return body, True
    with suppress(ValueError, RecursionError):
        data = json.loads(body)
        if isinstance(data, dict):
            named = data.get("id")
            key = named.encode("utf-8", "surrogatepass") if isinstance(named, str) else body
            return key, data.get("explain") is True
    return body, False


def add_split(app: FastAPI, ask: Ask, share: float, settings: Settings) -> None:
    """Puts a `Split` into an app that isn't started yet: behind its checks of bodies, before its endpoints."""
    app.user_middleware.append(Middleware(Split, ask=ask, share=share, settings=settings))


class Split:
    """Inside the app: routing requests of the canary's share are its to answer, all else is the app's.

    What the canary doesn't answer within half of the deadline, or answers by an error of its own (5xx), the app
    does. One that was only too late may have kept its record, too.

    Args:
        app: What comes behind it; before it bodies were read whole.
        ask: Has the canary answer a request: scope and body.
        share: The canary's, from 0 to 1.
        settings: Whose deadlines hold.
    """

    def __init__(self, app: ASGIApp, ask: Ask, share: float, settings: Settings) -> None:
        self.app = app
        self._ask = ask
        self._share = share
        self._short, self._long = settings.deadline_seconds / 2, settings.bulk_deadline_seconds / 2

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """An ASGI call."""
        if scope["type"] != "http" or scope["method"] != "POST" or scope["path"] not in (SINGLE, BULK):
            await self.app(scope, receive, send)
            return
        message = await receive()
        body = message["body"]
        key, is_long = key_of(scope["path"], body)
        if is_canary(key, self._share):
            answer = await self._canarys(scope, body, self._long if is_long else self._short)
            if answer is not None and answer[0] < FAILED:
                # As the app's router would: the log and the metrics say which route was asked.
                scope["route"] = SimpleNamespace(path=scope["path"])
                await _send(answer, send)
                return
        unread = [message]

        async def replay() -> Message:
            return unread.pop() if unread else await receive()

        await self.app(scope, replay, send)

    async def _canarys(self, scope: Scope, body: bytes, seconds: float) -> Answer | None:
        answer = self._ask({name: scope[name] for name in _PASSED_ON if name in scope}, body)
        try:
            return await asyncio.wait_for(_awaited(answer), seconds)
        except Exception as error:  # whatever Ray raises for a replica that is gone; its message may quote more
            LOGGER.warning("the canary didn't answer", extra={"error_kind": type(error).__name__})
            if isinstance(answer, Cancellable):
                answer.cancel()
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
    """Sends an answer on; what the app itself says of every answer, it says of this one."""
    status, headers, body = answer
    kept = [(name, value) for name, value in headers if name.lower() in _KEPT_HEADERS]
    await send({"type": "http.response.start", "status": status, "headers": kept})
    await send({"type": "http.response.body", "body": body})
