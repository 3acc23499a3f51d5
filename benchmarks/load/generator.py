"""An open-loop HTTP client: each request leaves at its time, whether or not earlier ones are answered.

Latencies count from the intended time, so a server that stalls pays for every request that should have come
meanwhile (no coordinated omission). Raw `asyncio` protocols and bytes made beforehand, since the client shares the
cores with the server: 0.03 ms of CPU a request, a quarter of aiohttp's. Nothing is sent twice: each request gets
one answer, or none.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import resource
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

_LEAD = 0.2
"""Seconds from the start of a volley to its time 0."""
_IDLE = 2.0
"""Seconds after which a quiet connection isn't used again: the server may be closing it."""


@dataclass(frozen=True, slots=True)
class Request:
    """What to send, and when.

    Attributes:
        at: Seconds from the volley's start.
        content: The whole HTTP request.
    """

    at: float
    content: bytes


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of one request.

    Attributes:
        due: When it should leave, seconds from the volley's start.
        sent: When it left.
        done: When the last byte of the answer was there.
        status: The HTTP status; 0 if there was no answer.
        head: Status line and header fields.
        body: The answer's content; why there is none where the status is 0.
    """

    due: float
    sent: float
    done: float
    status: int
    head: bytes
    body: bytes

    @property
    def latency(self) -> float:
        """Seconds from the intended time to the last byte."""
        return self.done - self.due

    def field(self, name: str) -> str | None:
        """A header field's value."""
        for line in self.head.split(b"\r\n")[1:]:
            key, _, value = line.partition(b":")
            if key.strip().lower() == name.lower().encode():
                return value.strip().decode("latin-1")
        return None


@dataclass(frozen=True, slots=True)
class Volley:
    """All answers, in the order of their requests.

    Attributes:
        answers: One for each request.
        cpu: Share of one core that the generator used.
        connections: How many it opened.
        strays: Packets that nothing had been asked for: answers too many.
    """

    answers: tuple[Answer, ...]
    cpu: float
    connections: int
    strays: int = 0


def post(path: str, body: bytes, headers: Sequence[str] = ()) -> bytes:
    """A whole HTTP/1.1 request with JSON."""
    lines = [
        f"POST {path} HTTP/1.1",
        "Host: 127.0.0.1",
        "Content-Type: application/json",
        f"Content-Length: {len(body)}",
        *headers,
    ]
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


def fire(host: str, port: int, requests: Sequence[Request], patience: float = 15.0) -> Volley:
    """Sends the requests at their times.

    Args:
        host: The server's address.
        port: Its port.
        requests: Sorted by their times.
        patience: Seconds after the last request until the missing answers are given up.
    """
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    gc.disable()  # a collection amid tens of thousands of answers would show as latency
    try:
        return asyncio.run(_Generator(host, port, requests).run(patience))
    finally:
        gc.enable()


class _Generator:
    def __init__(self, host: str, port: int, requests: Sequence[Request]) -> None:
        self.host, self.port, self.requests = host, port, requests
        self.idle: list[_Connection] = []
        self.answers: list[Answer | None] = [None] * len(requests)
        self.sent = [0.0] * len(requests)
        self.waiting = len(requests)
        self.opened: set[_Connection] = set()
        self.opening: set[asyncio.Task[None]] = set()
        self.connections = self.strays = 0

    async def run(self, patience: float) -> Volley:
        self.loop = asyncio.get_running_loop()
        self.done = asyncio.Event()
        self.start = self.loop.time() + _LEAD
        wall, cpu = time.perf_counter(), time.process_time()
        for number, request in enumerate(self.requests):
            await asyncio.sleep(max(0.0, self.start + request.at - self.loop.time()))
            self._send(number)
        with contextlib.suppress(asyncio.TimeoutError):
            await asyncio.wait_for(self.done.wait() if self.waiting else asyncio.sleep(0), patience)
        share = (time.process_time() - cpu) / (time.perf_counter() - wall)
        for number, answer in enumerate(self.answers):
            if answer is None:
                self.finish(number, 0, b"", b"no answer in time")
        for connection in [*self.opened]:
            connection.close()
        await asyncio.sleep(0)  # what is closed is closed before the loop is
        return Volley(tuple(a for a in self.answers if a), share, self.connections, self.strays)

    def _send(self, number: int) -> None:
        self.sent[number] = self.loop.time() - self.start
        while self.idle:
            connection = self.idle.pop()
            if self.loop.time() - connection.used < _IDLE:
                connection.ask(number, self.requests[number].content)
                return
            connection.close()
        task = self.loop.create_task(self._send_on_a_new_one(number))
        self.opening.add(task)
        task.add_done_callback(self.opening.discard)

    async def _send_on_a_new_one(self, number: int) -> None:
        try:
            _, connection = await self.loop.create_connection(lambda: _Connection(self), self.host, self.port)
        except OSError as error:
            self.finish(number, 0, b"", f"no connection: {error}".encode())
            return
        self.connections += 1
        connection.ask(number, self.requests[number].content)

    def finish(self, number: int, status: int, head: bytes, body: bytes) -> None:
        if self.answers[number] is not None:  # given up before: it stays without an answer
            return
        now = self.loop.time() - self.start
        self.answers[number] = Answer(self.requests[number].at, self.sent[number], now, status, head, body)
        self.waiting -= 1
        if not self.waiting:
            self.done.set()


class _Connection(asyncio.Protocol):
    """One connection, with one request under way at most."""

    def __init__(self, generator: _Generator) -> None:
        self.generator = generator
        self.number: int | None = None
        self.used = 0.0
        self.got = bytearray()
        self.transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self.generator.opened.add(self)

    def ask(self, number: int, content: bytes) -> None:
        self.number = number
        if self.transport.is_closing():
            self._finish(0, b"", b"the server closed the connection")
        else:
            self.transport.write(content)

    def data_received(self, data: bytes) -> None:
        if self.number is None:
            self.generator.strays += 1
            self.close()
            return
        self.got += data
        end = self.got.find(b"\r\n\r\n")
        if end < 0:
            return
        head = bytes(self.got[:end])
        fields = head.lower()
        length = fields.find(b"\r\ncontent-length:")
        if length < 0:
            self._finish(0, head, b"an answer that this client can't read")
            self.close()
            return
        size = int(fields[length + 17 :].split(b"\r\n", 1)[0])
        if len(self.got) < end + 4 + size:
            return
        body = bytes(self.got[end + 4 : end + 4 + size])
        more = len(self.got) > end + 4 + size
        self.generator.strays += more
        self.got.clear()
        self._finish(int(head.split(b" ", 2)[1]), head, body)
        if more or b"\r\nconnection: close" in fields:
            self.close()
        else:
            self.used = self.generator.loop.time()
            self.generator.idle.append(self)

    def connection_lost(self, _: Exception | None) -> None:
        self._finish(0, b"", b"the server closed the connection")
        self.generator.opened.discard(self)
        with contextlib.suppress(ValueError):
            self.generator.idle.remove(self)

    def close(self) -> None:
        self.transport.close()

    def _finish(self, status: int, head: bytes, body: bytes) -> None:
        number, self.number = self.number, None
        if number is not None:
            self.generator.finish(number, status, head, body)
