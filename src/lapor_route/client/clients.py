"""The two clients: they differ only in how they send and wait."""

from __future__ import annotations

import json
import time
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, TypeVar, cast

from lapor_route.client import calls
from lapor_route.client.wire import Content, Lost, Reply, Retries, exchange
from lapor_route.errors import InputError, MissingExtraError

try:
    import anyio
    import httpx
except ImportError:
    raise MissingExtraError("the client needs httpx: pip install 'lapor-route[client]'") from None

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator

    from lapor_route.bodies import Body
    from lapor_route.client.answers import Receipt, Routed
    from lapor_route.client.wire import Call
    from lapor_route.complaint import Complaint

T = TypeVar("T")
_BEFORE_SENDING = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError)
_LIMITS = httpx.Limits(keepalive_expiry=2.0)
"""Shorter than servers keep a quiet connection (uvicorn: 5 s): none is used while the other side closes it."""


class _Settings:
    """What both clients know."""

    def __init__(self, base_url: str, api_key: str | None, retries: int, max_wait: float) -> None:
        address = httpx.URL(base_url)
        if address.scheme not in ("http", "https") or not address.host:
            raise InputError(f"base_url must look like https://lapor.example.go.id, found {base_url!r}")
        if retries < 0 or max_wait < 0:
            raise InputError(f"retries and max_wait can't be below 0, found {retries!r} and {max_wait!r}")
        self._base = str(address).rstrip("/")
        self._retries = Retries(retries, max_wait)
        self._headers = {"accept": "application/json", "user-agent": f"lapor-route/{version('lapor-route')}"}
        if api_key:
            self._headers["authorization"] = f"Bearer {api_key}"

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._base!r})"

    def _request(self, call: Call[Any]) -> dict[str, Any]:
        """The arguments of httpx's `stream`."""
        found = {
            "method": call.method,
            "url": self._base + call.path,
            "params": call.params,
            "headers": self._headers,
        }
        if call.body is None:
            return found
        # A lone surrogate can't be sent; one character stands for it, so offsets still hold.
        content = json.dumps(call.body, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
        return {**found, "content": content, "headers": {**self._headers, "content-type": "application/json"}}


class Client(_Settings):
    """Asks a lapor-route service; safe to share between threads.

    `route` and `route_many` answer like `Router`'s, so code written for one works with the other.

    Args:
        base_url: Where the service is, ``https://lapor.example.go.id`` or with a path behind it.
        api_key: An ``lr_...`` key, where the service wants one.
        timeout: Seconds to wait for a connection, and for each part of an answer; a batch may take a minute.
        retries: Times that a request is sent again; 0 never does.
        max_wait: Seconds to wait between the tries of one request in all. Where the service asks for more by
            ``Retry-After``, the client gives up at once.
        http: An `httpx.Client` of your own, for a proxy or a private certificate authority; it keeps its own
            timeout, and you close it.
        sleep: What waits.

    Raises:
        InputError: `base_url` isn't an address of HTTP, or a number is below 0.
    """

    def __init__(
        self,
        base_url: str,
        api_key: str | None = None,
        *,
        timeout: float = 75.0,
        retries: int = 6,
        max_wait: float = 60.0,
        http: httpx.Client | None = None,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        super().__init__(base_url, api_key, retries, max_wait)
        self._own = http is None
        self._http = http or httpx.Client(timeout=timeout, limits=_LIMITS)
        self._sleep = sleep

    def route(
        self,
        complaint: Complaint | str,
        place: str | None = None,
        *,
        top_k: int = 5,
        id: str | None = None,  # noqa: A002 -- its name in `Complaint` and in the JSON
        explain: bool = False,
    ) -> Routed:
        """Routes one complaint.

        Args:
            complaint: Its text, or a `Complaint`.
            place: Where it happens, if known apart from the text.
            top_k: The most candidates to return; there are never more than 25.
            id: Your own key of it; returned in `Routing.id`, and `feedback` knows it.
            explain: Whether to weigh every word of the text, which takes up to some 50 times as long.

        Raises:
            InputError: The complaint isn't text.
            ServiceError: The service can't be reached or refuses; its subclasses say which.
        """
        return self._run(calls.route(calls.complaint_of(complaint, place, id), top_k, explain))

    def route_many(
        self, complaints: Iterable[Complaint | str], *, top_k: int = 5, batch: int = calls.MOST_AT_ONCE
    ) -> Iterator[Routed]:
        """Routes any number of complaints, lazily and in their order.

        Args:
            complaints: Texts or `Complaint`s; read a batch at a time, so a generator is fine.
            top_k: The most candidates to return for each; there are never more than 25.
            batch: The most complaints of one request; long ones go out in smaller requests.

        Raises:
            InputError: A complaint isn't text, or `batch` isn't from 1 to 256.
            ServiceError: The service can't be reached or refuses; what was yielded before stands.
        """
        for some in calls.batches(complaints, batch):
            yield from self._run(calls.route_batch(some, top_k))

    def feedback(
        self,
        verdict: str,
        *,
        record: str | None = None,
        id: str | None = None,  # noqa: A002 -- its name in `Complaint` and in the JSON
        body_id: str | None = None,
        note: str | None = None,
        officer: str | None = None,
    ) -> Receipt:
        """Tells the service where a complaint really went.

        It isn't sent again once the service may have it: `Unavailable` then says so.

        Args:
            verdict: ``accepted``, ``changed`` or ``out_of_scope``.
            record: The routing's `Routed.record`; or else
            id: your own key of the complaint (its latest routing is meant).
            body_id: The body that it goes to; needed with ``changed``.
            note: Up to 2,000 characters.
            officer: Who says so, up to 100 characters.

        Raises:
            InputError: Neither or both of `record` and `id` were passed.
            NotFound: There is no such record or body.
            ServiceError: The service can't be reached or refuses.
        """
        return self._run(calls.feedback(verdict, record, id, body_id, note, officer))

    def bodies(self, query: str | None = None, *, limit: int | None = None) -> list[Body]:
        """Finds bodies by name, alias or id, best first; without a query all connected ones.

        Args:
            query: What a person would type.
            limit: The most bodies to return; by default the service's own limit.
        """
        return self._run(calls.bodies(query, limit))

    def body(self, body_id: str) -> Body:
        """One body.

        Args:
            body_id: Its id in the registry.

        Raises:
            NotFound: The registry has no such body.
        """
        return self._run(calls.body(body_id))

    def info(self) -> dict[str, Any]:
        """Says which package, model and registry the service runs."""
        return self._run(calls.info())

    def ready(self) -> bool:
        """Whether the service takes complaints now; never raises for one that doesn't answer."""
        return self._run(calls.ready())

    def close(self) -> None:
        """Closes the connections."""
        if self._own:
            self._http.close()

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _run(self, call: Call[T]) -> T:
        tries = exchange(call, self._retries)
        pause = next(tries)
        try:
            while True:
                if pause:
                    self._sleep(pause)
                pause = tries.send(self._send(call))
        except StopIteration as done:
            return cast("T", done.value)

    def _send(self, call: Call[Any]) -> Reply | Lost:
        content = Content()
        try:
            with self._http.stream(**self._request(call)) as response:
                for chunk in response.iter_bytes():
                    content.take(chunk)
        except httpx.HTTPError as error:
            return _lost(error)
        return Reply(response.status_code, response.headers, bytes(content))


class AsyncClient(_Settings):
    """`Client` for asyncio and trio: the same arguments, answers and errors, awaited."""

    def __init__(
        self,
        base_url: str,
        api_key: str | None = None,
        *,
        timeout: float = 75.0,
        retries: int = 6,
        max_wait: float = 60.0,
        http: httpx.AsyncClient | None = None,
        sleep: Callable[[float], Awaitable[object]] = anyio.sleep,
    ) -> None:
        super().__init__(base_url, api_key, retries, max_wait)
        self._own = http is None
        self._http = http or httpx.AsyncClient(timeout=timeout, limits=_LIMITS)
        self._sleep = sleep

    async def route(
        self,
        complaint: Complaint | str,
        place: str | None = None,
        *,
        top_k: int = 5,
        id: str | None = None,  # noqa: A002 -- its name in `Complaint` and in the JSON
        explain: bool = False,
    ) -> Routed:
        """Like `Client.route`."""
        return await self._run(calls.route(calls.complaint_of(complaint, place, id), top_k, explain))

    async def route_many(
        self, complaints: Iterable[Complaint | str], *, top_k: int = 5, batch: int = calls.MOST_AT_ONCE
    ) -> AsyncIterator[Routed]:
        """Like `Client.route_many`."""
        for some in calls.batches(complaints, batch):
            for routing in await self._run(calls.route_batch(some, top_k)):
                yield routing

    async def feedback(
        self,
        verdict: str,
        *,
        record: str | None = None,
        id: str | None = None,  # noqa: A002 -- its name in `Complaint` and in the JSON
        body_id: str | None = None,
        note: str | None = None,
        officer: str | None = None,
    ) -> Receipt:
        """Like `Client.feedback`."""
        return await self._run(calls.feedback(verdict, record, id, body_id, note, officer))

    async def bodies(self, query: str | None = None, *, limit: int | None = None) -> list[Body]:
        """Like `Client.bodies`."""
        return await self._run(calls.bodies(query, limit))

    async def body(self, body_id: str) -> Body:
        """Like `Client.body`."""
        return await self._run(calls.body(body_id))

    async def info(self) -> dict[str, Any]:
        """Like `Client.info`."""
        return await self._run(calls.info())

    async def ready(self) -> bool:
        """Like `Client.ready`."""
        return await self._run(calls.ready())

    async def aclose(self) -> None:
        """Closes the connections."""
        if self._own:
            await self._http.aclose()

    async def __aenter__(self) -> AsyncClient:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def _run(self, call: Call[T]) -> T:
        tries = exchange(call, self._retries)
        pause = next(tries)
        try:
            while True:
                if pause:
                    await self._sleep(pause)
                pause = tries.send(await self._send(call))
        except StopIteration as done:
            return cast("T", done.value)

    async def _send(self, call: Call[Any]) -> Reply | Lost:
        content = Content()
        try:
            async with self._http.stream(**self._request(call)) as response:
                async for chunk in response.aiter_bytes():
                    content.take(chunk)
        except httpx.HTTPError as error:
            return _lost(error)
        return Reply(response.status_code, response.headers, bytes(content))


def _lost(error: httpx.HTTPError) -> Lost:
    reason = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    slow = isinstance(error, httpx.TimeoutException)
    return Lost(reason, sent=not isinstance(error, _BEFORE_SENDING), slow=slow)
