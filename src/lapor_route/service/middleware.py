"""What wraps every request: an id, a log line and numbers; a bound on its size; headers that protect the page."""

from __future__ import annotations

import asyncio
import logging
import uuid
from time import perf_counter
from typing import TYPE_CHECKING

from starlette.requests import ClientDisconnect

from lapor_route.service.logs import LOGGER
from lapor_route.service.problems import Problem, internal

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from lapor_route.service.metrics import Metrics

REQUEST_ID = b"x-request-id"
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}
"""On every answer. HSTS is the business of the proxy that ends TLS."""
_HEADERS = [(name.lower().encode(), value.encode()) for name, value in HEADERS.items()]
_QUIET = ("/health/", "/metrics")
"""Paths that are asked every few seconds: logged at debug level."""
CLIENT_GONE = 499
"""Logged and counted as the status of a request that its client gave up before there was an answer."""
READ_SECONDS = 15.0
"""Time for a body to arrive."""


class Observed:
    """Gives each request an id, logs it and counts it, and sets the protecting headers."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self.app = app
        self.metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """An ASGI call."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        start = perf_counter()
        status: int | None = None
        request_id = uuid.uuid4().hex.encode()

        async def observe(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = message.setdefault("headers", [])
                headers.extend([*_HEADERS, (REQUEST_ID, request_id)])
                if not any(name == b"cache-control" for name, _ in headers):
                    of_page = scope["path"].startswith("/static/")
                    headers.append((b"cache-control", b"no-cache" if of_page else b"no-store"))
            await send(message)

        try:
            await self.app(scope, receive, observe)
        except ClientDisconnect:
            pass
        except Exception:
            LOGGER.exception("request failed", extra={"request": request_id.decode()})
            if status is not None:
                raise
            await internal().response()(scope, receive, observe)
        finally:
            self._done(scope, status or CLIENT_GONE, perf_counter() - start, request_id.decode())

    def _done(self, scope: Scope, status: int, seconds: float, request_id: str) -> None:
        route = getattr(scope.get("route"), "path", "unmatched")
        self.metrics.request_done(route, scope["method"], status, seconds)
        quiet = scope["path"].startswith(_QUIET)
        LOGGER.log(
            logging.DEBUG if quiet else logging.INFO,
            "request",
            extra={
                "request": request_id,
                "method": scope["method"],
                "route": route,
                "status": status,
                "milliseconds": round(seconds * 1e3, 1),
                **scope.get("state", {}).get("log", {}),
            },
        )


class Bodies:
    """Reads each request's body before the app does: within a size and a time, and only JSON.

    Args:
        app: The app.
        most: Bytes of a body.
        posts: Paths that take JSON.
    """

    def __init__(self, app: ASGIApp, most: int, posts: frozenset[str]) -> None:
        self.app = app
        self.most = most
        self.posts = posts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """An ASGI call."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        try:
            self._check(scope)
            body = await asyncio.wait_for(self._read(receive), READ_SECONDS)
        except asyncio.TimeoutError:
            slow = Problem(408, "timeout", f"the body didn't arrive within {READ_SECONDS:g} s")
            await slow.response()(scope, receive, send)
            return
        except Problem as problem:
            await problem.response()(scope, receive, send)
            return
        replayed = False

        async def replay() -> Message:
            nonlocal replayed
            if replayed:
                return await receive()
            replayed = True
            return {"type": "http.request", "body": body, "more_body": False}

        await self.app(scope, replay, send)

    def _check(self, scope: Scope) -> None:
        headers = dict(scope["headers"])
        length = headers.get(b"content-length", b"0")
        if length.isdigit() and int(length) > self.most:
            raise self._too_large()
        if scope["method"] != "POST" or scope["path"] not in self.posts:
            return
        media_type = headers.get(b"content-type", b"").partition(b";")[0].strip().lower()
        if media_type != b"application/json" or headers.get(b"content-encoding", b"identity") != b"identity":
            raise Problem(415, "unsupported_media_type", "send plain JSON in UTF-8: Content-Type: application/json")

    async def _read(self, receive: Receive) -> bytes:
        chunks, length, more = [], 0, True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise ClientDisconnect
            chunks.append(message.get("body", b""))
            length += len(chunks[-1])
            more = message.get("more_body", False)
            if length > self.most:
                raise self._too_large()
        return b"".join(chunks)

    def _too_large(self) -> Problem:
        return Problem(
            413,
            "too_large",
            f"the body is longer than {self.most:,} bytes; a complaint is read up to 20,000 characters, "
            "and a batch can be split",
        )
