"""What wraps every request: an id, a log line and numbers; a bound on its size; headers that protect the page."""

from __future__ import annotations

import logging
import uuid
from time import perf_counter
from typing import TYPE_CHECKING

from lapor_route.service.logs import LOGGER
from lapor_route.service.problems import Problem

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
        start, status = perf_counter(), 500
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
        finally:
            self._done(scope, status, perf_counter() - start, request_id.decode())

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


class BodyLimit:
    """Refuses a longer body as soon as that shows, whatever its headers say."""

    def __init__(self, app: ASGIApp, most: int) -> None:
        self.app = app
        self.most = most

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """An ASGI call."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        told = dict(scope["headers"]).get(b"content-length", b"0")
        body, problem = b"", None
        if told.isdigit() and int(told) > self.most:
            problem = self._too_large()
        else:
            chunks, length, more = [], 0, True
            while more:
                message = await receive()
                if message["type"] == "http.disconnect":
                    return
                chunks.append(message.get("body", b""))
                length += len(chunks[-1])
                more = message.get("more_body", False)
                if length > self.most:
                    problem = self._too_large()
                    break
            body = b"".join(chunks)
        if problem:
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

    def _too_large(self) -> Problem:
        return Problem(
            413,
            "too_large",
            f"the body is longer than {self.most:,} bytes; a complaint is read up to 20,000 characters, "
            "and a batch can be split",
        )
