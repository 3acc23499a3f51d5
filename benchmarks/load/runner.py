"""Volleys at a service, one scenario at a time, and the books that are kept of them."""

from __future__ import annotations

import math
import os
import time
from statistics import median
from typing import TYPE_CHECKING, Any

import psutil

from benchmarks.arrivals import steady
from benchmarks.load.generator import Request, Volley, fire, post
from benchmarks.load.verdict import Tally, figures, percentile

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from concurrent.futures import Executor

    from benchmarks.load.letters import Letter
    from benchmarks.load.server import Server, Watch

BUSY_MS = 500
"""A 99th percentile that is just bearable."""
KEY = "LAPOR_ROUTE_KEY"
"""Environment variable with the API key, where the service asks for one."""


class Load:
    """Puts volleys on a service and keeps the books.

    Args:
        server: The service.
        watch: What notes its memory.
        pool: A process that generates.
        asked: The complaints, sent in turn.
        expected: The library's answers to them.
        progress: Told the scenario that goes on, and the share of it that is done.
    """

    def __init__(
        self,
        server: Server,
        watch: Watch,
        pool: Executor,
        asked: Sequence[Letter],
        expected: Sequence[dict[str, Any]],
        progress: Callable[[str, float], None],
    ) -> None:
        self.server, self.watch, self.pool = server, watch, pool
        self.asked, self.expected, self.progress = asked, expected, progress
        self.scenarios: dict[str, dict[str, Any]] = {}
        self.tally = Tally()
        key = os.environ.get(KEY)
        self._headers = [f"Authorization: Bearer {key}"] if key else []
        self._run = os.urandom(4).hex()

    def run(self, name: str, times: Sequence[float], aftermath: Sequence[float] = ()) -> Volley:
        """One scenario; latencies and counts are those of `times`, cores, memory and correctness those of all.

        Args:
            name: Under which its figures are kept.
            times: When requests leave, seconds.
            aftermath: More such times, after those.
        """
        every = [*times, *aftermath]
        letters = [(self.tally.asked + i) % len(self.asked) for i in range(len(every))]
        names = [f"{self._run}-{name}-{i}" for i in range(len(every))]
        requests = [
            Request(at, post("/v1/route", self.asked[letter].body(key), self._headers))
            for at, letter, key in zip(every, letters, names, strict=True)
        ]
        started, server_cpu, busy = time.monotonic(), self.server.cpu(), _busy()
        volley = self._fire(name, requests)
        wall = time.monotonic() - started
        server_cores = (self.server.cpu() - server_cpu) / wall
        part = Volley(volley.answers[: len(times)], volley.cpu, volley.connections)
        memory = self.watch.between(started, time.monotonic())
        self.scenarios[name] = {
            **figures(part),
            "server_cpu_seconds": round(server_cores * wall, 3),
            "server_cores": round(server_cores, 2),
            "other_cores": round(max(0.0, (_busy() - busy) / wall - server_cores - volley.cpu), 2),
            "memory_mb": round(median(memory[-10:])) if memory else None,
        }
        self.tally.add(volley, names, [self.expected[letter] for letter in letters])
        return volley

    def _fire(self, name: str, requests: Sequence[Request]) -> Volley:
        total = requests[-1].at if requests else 1.0
        future, start = self.pool.submit(fire, self.server.host, self.server.port, requests), time.monotonic()
        while not future.done():
            time.sleep(0.1)
            self.progress(name, min(1.0, (time.monotonic() - start) / total))
        self.progress(name, 1.0)
        return future.result()

    def bears(self, rate: float, seconds: float) -> bool:
        """Whether all requests of a rate are accepted, with a bearable 99th percentile."""
        name = f"{rate:.0f}/s for {seconds:.0f} s"
        volley = self.run(name, steady(rate, seconds, seed=round(rate)))
        latencies = [answer.latency for answer in volley.answers]
        accepted = all(answer.status == 200 for answer in volley.answers)
        return accepted and 1000 * percentile(latencies, 0.99) <= BUSY_MS

    def memory(self) -> dict[str, float | None]:
        """Resident memory of the service (MB): after the steady load, at its peak, at the end."""
        notes = [memory for _, memory in self.watch.notes]
        return {
            "after_steady_mb": self.scenarios["steady"]["memory_mb"],
            "peak_mb": round(max(notes)) if notes else None,
            "last_mb": round(median(notes[-10:])) if notes else None,
        }


def _busy() -> float:
    """Seconds of CPU used by anyone on this machine."""
    times = psutil.cpu_times()
    return float(
        times.user
        + times.system
        + getattr(times, "nice", 0)
        + getattr(times, "irq", 0)
        + getattr(times, "softirq", 0)
        + getattr(times, "steal", 0)
    )


def saturation(
    bears: Callable[[float, float], bool], first: float, growth: float, close: float, trial: float, confirm: float
) -> float:
    """The highest rate that is borne, requests a second: up by steps, then halving what is left.

    Args:
        bears: Whether the service bears a rate for some seconds.
        first: Rate to begin with.
        growth: Factor to the next rate, until one is too much.
        close: It ends when what is too much is that factor above what is not.
        trial: Seconds at each rate.
        confirm: Seconds at the rate found; as long as that is too much, it falls by a twentieth.

    Raises:
        SystemExit: The service doesn't bear one request a second.
    """
    good, bad = 0.0, first
    while bears(bad, trial):
        good, bad = bad, bad * growth
    while not good:
        if bad < 1:
            raise SystemExit("the service doesn't bear one request a second")
        if bears(bad / 2, trial):
            good = bad / 2
        else:
            bad /= 2
    while bad / good > close:
        middle = math.sqrt(good * bad)
        if bears(middle, trial):
            good = middle
        else:
            bad = middle
    while not bears(good, confirm):
        good *= 0.95
    return good
