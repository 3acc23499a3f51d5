"""A real HTTP server that answers from a script and notes what it was asked."""

from __future__ import annotations

import json
import socket
import struct
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from types import TracebackType


@dataclass(frozen=True)
class Asked:
    method: str
    path: str
    headers: dict[str, str]
    body: Any


@dataclass(frozen=True)
class Says:
    """One answer of the script."""

    status: int = 200
    body: Any = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    media_type: str = "application/json"

    def send(self, handler: BaseHTTPRequestHandler) -> None:
        content = self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()
        handler.send_response_only(self.status)
        for name, value in {"Content-Type": self.media_type, **self.headers}.items():
            handler.send_header(name, value)
        handler.send_header("Content-Length", str(len(content)))
        handler.end_headers()
        handler.wfile.write(content)


def problem(status: int, code: str, detail: str = "no", **more: Any) -> Says:
    """A problem document like the service's."""
    headers = more.pop("headers", {})
    body = {"type": "about:blank", "title": "T", "status": status, "detail": detail, "code": code, **more}
    return Says(status, body, headers, "application/problem+json")


class Resets:
    """The connection breaks after the request was read."""

    def send(self, handler: BaseHTTPRequestHandler) -> None:
        handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        handler.close_connection = True
        handler.connection.shutdown(socket.SHUT_RD)


class Silent:
    """No answer until the client has gone."""

    def send(self, handler: BaseHTTPRequestHandler) -> None:
        handler.connection.recv(1)
        handler.close_connection = True


class Breaks:
    """The answer breaks off in its middle."""

    def send(self, handler: BaseHTTPRequestHandler) -> None:
        handler.send_response_only(200)
        handler.send_header("Content-Length", "1000")
        handler.end_headers()
        handler.wfile.write(b'{"decision"')
        handler.close_connection = True


class Scripted:
    """Answers each request with the next line of its script.

    The last line answers all that come after it.
    """

    def __init__(self, *script: Says | Resets | Silent | Breaks) -> None:
        self.script = list(script)
        self.asked: list[Asked] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self) -> None:
                content = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                body = json.loads(content) if content else None
                headers = {name.lower(): value for name, value in self.headers.items()}
                outer.asked.append(Asked(self.command, self.path, headers, body))
                line = outer.script.pop(0) if len(outer.script) > 1 else outer.script[0]
                line.send(self)

            do_GET = do_POST = answer  # noqa: N815

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        self.thread = Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.01})

    def __enter__(self) -> Scripted:
        self.thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()
