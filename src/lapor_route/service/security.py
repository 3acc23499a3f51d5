"""Who may ask, and how often."""

from __future__ import annotations

import math
from time import monotonic
from typing import TYPE_CHECKING

from starlette.concurrency import run_in_threadpool

from lapor_route.service.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Callable

    from fastapi import Request

    from lapor_route.service.store import KeyRecord, Store

KNOWN_SECONDS = 5.0
"""How long a key's record is taken from memory: a revoked key works this much longer at most."""
_MOST_KNOWN = 10_000


class Gate:
    """Lets a request in, by its API key and its rate.

    Args:
        store: Keeps the keys; a function, since it is opened after the app is made.
        require_key: Whether a key is needed; without, requests are told apart by their address.
        rate_per_minute: Requests a minute of each key or address; 0 is no limit.
    """

    def __init__(self, store: Callable[[], Store], *, require_key: bool, rate_per_minute: int) -> None:
        self._store = store
        self._require_key = require_key
        self._buckets = RateLimiter(rate_per_minute) if rate_per_minute else None
        self._known: dict[str, tuple[float, KeyRecord | None]] = {}

    async def __call__(self, request: Request) -> str | None:
        """The name of the request's key; None where none is required.

        Raises:
            Problem: There is no valid key, or its rate is used up.
        """
        key = await self._key(request) if self._require_key else None
        asker = key.id if key else request.client.host if request.client else "unknown"
        if self._buckets and (wait := self._buckets.take(asker)):
            raise Problem(429, "rate_limited", f"too many requests; try again in {wait} s", retry_after=wait)
        if key:
            request.state.log = {"key": key.name}
        return key.name if key else None

    async def _key(self, request: Request) -> KeyRecord:
        scheme, _, secret = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not secret.strip():
            raise Problem(401, "unauthorized", "send an API key: Authorization: Bearer lr_...")
        record = await self._look_up(secret.strip())
        if record is None:
            raise Problem(401, "unauthorized", "the API key isn't valid; ask for a new one, it may be revoked")
        return record

    async def _look_up(self, secret: str) -> KeyRecord | None:
        now = monotonic()
        until, record = self._known.get(secret, (0.0, None))
        if until < now:
            record = await run_in_threadpool(self._store().key, secret)
            if len(self._known) >= _MOST_KNOWN:
                self._known.clear()
            if record is not None:  # a wrong key is looked up each time: guessing mustn't fill the memory
                self._known[secret] = (now + KNOWN_SECONDS, record)
        return record


class RateLimiter:
    """A token bucket for each asker: a minute's requests may come at once, then they come back evenly.

    Args:
        per_minute: Requests a minute.
    """

    def __init__(self, per_minute: int) -> None:
        self.per_minute = per_minute
        self._buckets: dict[str, tuple[float, float]] = {}

    def take(self, asker: str, now: float | None = None) -> int:
        """Takes one request.

        Returns:
            0 if there was one, else the seconds until there is.
        """
        now = monotonic() if now is None else now
        left, since = self._buckets.get(asker, (float(self.per_minute), now))
        left = min(self.per_minute, left + (now - since) * self.per_minute / 60)
        if left < 1:
            self._buckets[asker] = (left, now)
            return math.ceil((1 - left) * 60 / self.per_minute)
        if len(self._buckets) >= _MOST_KNOWN:
            self._forget_idle(now)
        self._buckets[asker] = (left - 1, now)
        return 0

    def _forget_idle(self, now: float) -> None:
        """A bucket that is full again says nothing."""
        self._buckets = {asker: (left, since) for asker, (left, since) in self._buckets.items() if now - since < 60}
