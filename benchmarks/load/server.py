"""The service under load: started and ended, or found by its address; what it takes of memory and CPU."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import psutil

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

START_SECONDS = 60.0
STOP_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Server:
    """A running service.

    Attributes:
        host: Its address, on this machine.
        port: Its port.
        process: The process that started its workers; None if it can't be found.
    """

    host: str
    port: int
    process: psutil.Process | None

    @property
    def family(self) -> list[psutil.Process]:
        """The process and its children."""
        if self.process is None or not self.process.is_running():
            return []
        return [self.process, *self.process.children(recursive=True)]

    def memory(self) -> float:
        """Resident memory of all its processes, MB; what they share counts for each."""
        return sum(_of(process, lambda p: p.memory_info().rss) for process in self.family) / 2**20

    def cpu(self) -> float:
        """Seconds of CPU that its processes have used."""
        return sum(_of(process, lambda p: sum(p.cpu_times()[:2])) for process in self.family)

    def ready(self) -> bool:
        """Whether it says that it can route."""
        try:
            with urllib.request.urlopen(f"http://{self.host}:{self.port}/health/ready", timeout=5) as answer:
                return bool(answer.status == 200)
        except (OSError, urllib.error.URLError):
            return False


def _of(process: psutil.Process, figure: Callable[[psutil.Process], float]) -> float:
    try:
        return figure(process)
    except psutil.NoSuchProcess:
        return 0.0


def attach(url: str) -> Server:
    """A service that runs already.

    Raises:
        SystemExit: It isn't on this machine, or doesn't answer.
    """
    parts = urlsplit(url)
    host, port = parts.hostname or "", parts.port or 80
    if host not in ("127.0.0.1", "localhost", "::1"):
        raise SystemExit(f"{host or url} isn't this machine; put load on services of your own, over loopback")
    sockets = (c for c in psutil.net_connections("tcp") if c.status == psutil.CONN_LISTEN and c.pid)
    pids = [c.pid or 0 for c in sockets if c.laddr and c.laddr.port == port]
    server = Server(host, port, psutil.Process(min(pids)) if pids else None)
    if not server.ready():
        raise SystemExit(f"{url}/health/ready doesn't answer with 200; start it with `lapor-route serve`")
    return server


@contextmanager
def started(folder: Path, arguments: Sequence[str] = (), threads: int | None = None) -> Iterator[Server]:
    """A service of its own with an empty SQLite store `store.db` and a log `server.log` in a folder.

    Args:
        folder: Where it keeps its files.
        arguments: More of them for `lapor-route serve`.
        threads: Micro-batches that a worker routes at the same time; by default the cores.

    Raises:
        SystemExit: It doesn't become ready, or doesn't end well when told to.
    """
    port = free_port()
    command = [str(Path(sys.executable).with_name("lapor-route")), "serve", "--port", str(port), *arguments]
    environment = {
        **os.environ,
        "LAPOR_ROUTE_STORE": f"sqlite:///{folder / 'store.db'}",
        "LAPOR_ROUTE_HASH_KEY": "of a benchmark, nothing secret",
        **({"LAPOR_ROUTE_THREADS": str(threads)} if threads else {}),
    }
    log_file = folder / "server.log"
    with log_file.open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, env=environment)
        server = Server("127.0.0.1", port, psutil.Process(process.pid))
        try:
            _wait_until_ready(server, process, log_file)
            yield server
        finally:
            status = _stop(process)
    if status not in (0, -15, 143):
        raise SystemExit(f"the service ended with status {status}; see {log_file}")


def _wait_until_ready(server: Server, process: subprocess.Popen[bytes], log: Path) -> None:
    """Waits for a row of good answers: each of several workers speaks for itself only."""
    end, row = time.monotonic() + START_SECONDS, 0
    while row < 20:
        if server.ready():
            row += 1
            continue
        row = 0
        if process.poll() is not None or time.monotonic() > end:
            last = "\n".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-15:])
            raise SystemExit(f"the service didn't become ready; the end of {log}:\n{last}")
        time.sleep(0.1)


def _stop(process: subprocess.Popen[bytes]) -> int | None:
    """Its exit status; None if it had to be killed."""
    process.terminate()
    try:
        return process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        return None


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port: int = listening.getsockname()[1]
    return port


class Watch:
    """Notes a service's memory twice a second, from `with` to its end.

    Attributes:
        notes: Times (`time.monotonic`) and MB.
    """

    def __init__(self, server: Server, every: float = 0.5) -> None:
        self.server, self.every = server, every
        self.notes: list[tuple[float, float]] = []
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)

    def __enter__(self) -> Watch:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        self._thread.join()

    def between(self, start: float, end: float) -> list[float]:
        """MB noted in a span of `time.monotonic`."""
        return [memory for at, memory in self.notes if start <= at <= end]

    def _look(self) -> None:
        while not self._end.wait(self.every):
            if memory := self.server.memory():
                self.notes.append((time.monotonic(), memory))
