"""The library under load, in a process of its own."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any

import psutil

from benchmarks.texts import mixed_texts
from lapor_route import Router

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Self

_WARM_UP = 20
_routers: list[Router] = []
"""In the process of its own: the router."""


@dataclass(frozen=True, slots=True)
class Replay:
    """What became of complaints that arrived at their times.

    Attributes:
        latencies: Seconds from the intended time to the answer, of what was answered.
        lost: How many were not.
        late: By how many seconds each was handed over too late.
        deepest: The most complaints that waited at once.
        cpu: Seconds of CPU.
        memory: Resident bytes at the end.
    """

    latencies: list[float]
    lost: int
    late: list[float]
    deepest: int
    cpu: float
    memory: int


@dataclass(frozen=True, slots=True)
class Effort:
    """What it took to route so many texts: seconds on the clock and of CPU, and the seconds of each call."""

    texts: int
    seconds: float
    cpu: float
    calls: list[float]


class Library:
    """A router in a process of its own, for a `with` block.

    Args:
        threads: Of the encoder.
    """

    def __init__(self, threads: int) -> None:
        context = get_context("spawn")
        self._pool = ProcessPoolExecutor(1, mp_context=context, initializer=_load, initargs=(threads,))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.shutdown()

    def replay(self, texts: Sequence[str], times: Sequence[float]) -> Replay:
        """Texts at their times (seconds), through a queue, to one thread that calls `Router.route`."""
        return self._pool.submit(_replay, [*texts], [*times]).result()

    def single(self, texts: Sequence[str]) -> Effort:
        """One text after the other."""
        return self._pool.submit(_effort, [*texts], _route_each).result()

    def bulk(self, texts: Sequence[str]) -> Effort:
        """All texts in one `Router.route_many`."""
        return self._pool.submit(_effort, [*texts], _route_all).result()


def _load(threads: int) -> None:
    router = Router.load(threads=threads)
    for text in mixed_texts(_WARM_UP, 0):
        router.route(text)
    _routers.append(router)


def _replay(texts: list[str], times: list[float]) -> Replay:
    router, waiting, deepest = _routers[0], SimpleQueue[int](), 0
    done: list[float | None] = [None] * len(times)
    late = []

    def work() -> None:
        for _ in times:
            number = waiting.get()
            try:
                router.route(texts[number % len(texts)])
            except Exception:  # whatever it is, the answer is lost, and counted as such
                continue
            done[number] = time.perf_counter()

    worker = threading.Thread(target=work)
    cpu, start = time.process_time(), time.perf_counter()
    worker.start()
    for number, at in enumerate(times):
        time.sleep(max(0.0, start + at - time.perf_counter()))
        late.append(time.perf_counter() - start - at)
        waiting.put(number)
        deepest = max(deepest, waiting.qsize())
    worker.join()
    latencies = [end - start - at for end, at in zip(done, times, strict=True) if end is not None]
    used = time.process_time() - cpu
    memory = psutil.Process().memory_info().rss
    return Replay(latencies, len(times) - len(latencies), late, deepest, used, memory)


def _effort(texts: list[str], work: Callable[[Router, list[str]], list[float]]) -> Effort:
    start, cpu = time.perf_counter(), time.process_time()
    calls = work(_routers[0], texts)
    return Effort(len(texts), time.perf_counter() - start, time.process_time() - cpu, calls)


def _route_each(router: Router, texts: list[str]) -> list[float]:
    calls = []
    for text in texts:
        start = time.perf_counter()
        router.route(text)
        calls.append(time.perf_counter() - start)
    return calls


def _route_all(router: Router, texts: list[str]) -> list[float]:
    for _ in router.route_many(texts):
        pass
    return []


def effort_figures(effort: Effort) -> dict[str, Any]:
    """Texts a second, cores used, CPU seconds of 1,000 texts."""
    return {
        "texts": effort.texts,
        "per_second": effort.texts / effort.seconds,
        "cores": effort.cpu / effort.seconds,
        "cpu_per_1000": 1000 * effort.cpu / effort.texts,
    }
