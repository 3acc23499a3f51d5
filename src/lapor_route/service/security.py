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

    async def __call__(self, request: Request) -> KeyRecord | None:
        """The request's key; None where none is required.

        Raises:
            Problem: There is no valid key, or its rate is used up.
        """
        try:
            key = await self._key(request) if self._require_key else None
        except Problem:
            self._take(_network(request))  # who guesses keys has a rate, too
            raise
        self._take(key.id if key else _network(request))
        if key:
            request.state.log = {"key": key.name}
        return key

    def _take(self, asker: str) -> None:
        if self._buckets and (wait := self._buckets.take(asker)):
            raise Problem(429, "rate_limited", f"too many requests; try again in {wait} s", retry_after=wait)

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


def _network(request: Request) -> str:
    """The asker's address; of an IPv6 one the half that a subscriber can't choose."""
    host = request.client.host if request.client else "unknown"
    return ":".join(host.split(":")[:4]) if ":" in host else host


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
        if asker not in self._buckets and len(self._buckets) >= _MOST_KNOWN:
            self._buckets.clear()  # rather a minute's grace for all than a memory that grows
        self._buckets[asker] = (left - 1, now)
        return 0
