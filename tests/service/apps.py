"""The real app over a real store, and a real server in processes of its own."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from fastapi.testclient import TestClient

from lapor_route.service.app import create_app
from lapor_route.service.settings import Settings
from lapor_route.service.store import Store

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from lapor_route import Router


def settings(folder: Path, **given: Any) -> Settings:
    """Settings with a store in a folder, whatever the environment says."""
    url = f"sqlite:///{folder / 'store.db'}"
    Store.open(url).upgrade()
    return Settings(store=url, hash_key="a test's own", **given)


@contextmanager
def running(router: Router, chosen: Settings, *, raise_errors: bool = True) -> Iterator[TestClient]:
    """A client of the app, once its model is loaded."""
    app = create_app(chosen, lambda: router)
    with TestClient(app, raise_server_exceptions=raise_errors) as client:
        wait_until(lambda: client.get("/health/ready").status_code == 200)
        yield client


def wait_until(condition: Any, seconds: float = 30) -> None:
    """Waits for what comes in its own time; fails where it doesn't."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.02)


class Server:
    """`lapor-route serve` as a user starts it."""

    def __init__(self, folder: Path, *arguments: str, **environment: str) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.store_url = f"sqlite:///{folder / 'served.db'}"
        self.log = folder / f"server-{self.port}.log"
        own = {name: value for name, value in os.environ.items() if not name.startswith("LAPOR_ROUTE_")}
        command = [sys.executable, "-m", "lapor_route.cli", "serve", "--port", str(self.port)]
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                [*command, "--store", self.store_url, *arguments], stderr=log, env={**own, **environment}
            )

    def wait_ready(self) -> Server:
        """Waits until it can answer."""
        wait_until(lambda: self.process.poll() is not None or self.status("/health/ready") == 200, 60)
        assert self.process.poll() is None, self.log.read_text()
        return self

    def status(self, path: str) -> int:
        """Status of a GET; 0 where nobody listens."""
        try:
            with urllib.request.urlopen(self.url + path, timeout=5) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as error:
            return error.code
        except OSError:
            return 0

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Sends a signal and waits for the end; returns the exit status."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        return self.process.wait(40)

    def logged(self) -> list[dict[str, Any]]:
        """What it logged."""
        return [json.loads(line) for line in self.log.read_text().splitlines()]


@contextmanager
def server(folder: Path, *arguments: str, **environment: str) -> Iterator[Server]:
    """A server that is ready, and stopped afterwards."""
    started = Server(folder, *arguments, **environment)
    try:
        yield started.wait_ready()
    finally:
        started.stop()


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
