"""A server that does nothing but answer: what the generator alone can do."""

from __future__ import annotations

import asyncio
import multiprocessing
import socket
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_BODY = b'{"x": "' + b"x" * 2_000 + b'"}'
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(_BODY) + _BODY


class _Trivial(asyncio.Protocol):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, _: bytes) -> None:
        self.transport.write(ANSWER)


def serve(listening: socket.socket) -> None:
    """Answers every packet with the same 200, until the process is ended."""

    async def forever() -> None:
        server = await asyncio.get_running_loop().create_server(_Trivial, sock=listening)
        await server.serve_forever()

    asyncio.run(forever())


@contextmanager
def trivial_server() -> Iterator[int]:
    """A trivial server in a process of its own; gives its port."""
    with socket.create_server(("127.0.0.1", 0), backlog=2_048) as listening:
        process = multiprocessing.get_context("spawn").Process(target=serve, args=(listening,), daemon=True)
        process.start()
        try:
            yield listening.getsockname()[1]
        finally:
            process.terminate()
            process.join()
