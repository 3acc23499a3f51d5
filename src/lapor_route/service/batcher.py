"""Micro-batching: waiting complaints are routed together, and what would wait too long is turned away at once."""

from __future__ import annotations

import asyncio
import math
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from time import perf_counter
from typing import TYPE_CHECKING, Any, Protocol

from lapor_route.service.ids import new_id
from lapor_route.stages import measured

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from lapor_route.complaint import Complaint
    from lapor_route.router import Router
    from lapor_route.routing import Routing

TOKEN_BUDGET = 256
"""Tokens of one micro-batch, some 25 ms. Larger ones are a tenth quicker in all, but each text of one waits for the
others: under overload, 768 made the 99th percentile 100 ms longer."""
BULK_SHARE = 0.25
"""Share of a micro-batch that batch calls get while single complaints wait too."""
_MOST_EXPLAIN_COST = 34
"""How many times a routing with every word weighed costs a plain one, at most: one run for each word or group."""
_CHARACTERS_A_WORD = 7
_LEAST_COST = 16
"""What the shortest text costs, in tokens: a text has costs beside its encoder's."""
_CHARACTERS_A_TOKEN = 5
_LONGEST_READ = 1200
"""Characters that the encoder reads of a text (192 tokens); behind them only places, rules and masking do."""
_UNREAD_CHARACTERS_A_TOKEN = 15
_MEMORY = 4
"""Full micro-batches over which the rate is averaged."""
_STALE = 1.5
"""How many times the longest expected wait a complaint may really wait before it is turned away after all."""
_MOST_COMMITS = 2
"""Micro-batches that may wait for the store, or be in it, while others are routed."""


class OverloadedError(Exception):
    """The queue is full.

    Attributes:
        retry_after: Seconds after which there should be room.
    """

    def __init__(self, retry_after: int) -> None:
        super().__init__(f"try again in {retry_after} s")
        self.retry_after = retry_after


class DeadlineError(Exception):
    """The complaint wasn't answered in time."""


@dataclass(frozen=True, slots=True)
class Order:
    """What a request wants beside its routings.

    Attributes:
        asker: Name of the API key that asks, if any.
        keep: Whether records are kept.
        officer: Who gets what is undecided.
        replaces: A record that leaves the queue.
    """

    asker: str | None = None
    keep: bool = True
    officer: str | None = None
    replaces: str | None = None


@dataclass(slots=True, eq=False)
class Job:
    """One complaint on its way.

    Attributes:
        complaint: What to route.
        top_k: Most candidates.
        order: What else the request wants.
        cost: Tokens, estimated.
        kept: Done once it is routed and kept; a failure is raised there.
        record: Id of its record.
        since: When it came.
        started: When its micro-batch began.
        routing: What the router said; set once `kept` is done.
        data: The same as JSON-ready data.
        failure: Why it couldn't be routed.
    """

    complaint: Complaint
    top_k: int
    order: Order
    cost: int
    kept: asyncio.Future[None]
    record: str = field(default_factory=new_id)
    since: float = field(default_factory=perf_counter)
    started: float = 0.0
    routing: Routing | None = None
    data: dict[str, Any] = field(default_factory=dict)
    failure: Exception | None = None


def cost(complaint: Complaint, explain: bool = False) -> int:
    """Tokens that a routing costs, by the characters that are read."""
    read = len(complaint.text) + len(complaint.place or "")
    beyond = max(0, read - _LONGEST_READ)
    plain = _LEAST_COST + (read - beyond) // _CHARACTERS_A_TOKEN + beyond // _UNREAD_CHARACTERS_A_TOKEN
    return plain * min(_MOST_EXPLAIN_COST, 2 + read // _CHARACTERS_A_WORD) if explain else plain


class Observer(Protocol):
    """Told what the batcher does; see `lapor_route.service.metrics`."""

    def batch_done(self, jobs: Sequence[Job], seconds: dict[str, float]) -> None:
        """A micro-batch was routed; `seconds` are those of its stages."""

    def waiting(self, lane: str, number: int) -> None:
        """So many complaints wait in a batcher."""

    def shed(self, reason: str, number: int) -> None:
        """Complaints were turned away."""


class Batcher:
    """Routes complaints in micro-batches of a token budget, on threads beside the event loop.

    A micro-batch takes what waits as soon as a thread is free: nothing waits for company. Single complaints go
    first; batch calls get what is left, and a quarter at least. How long a new one would wait is known from the
    tokens ahead of it and the rate of late, the store's part included; above the bound it is refused at once, so
    the queue can't grow.

    Args:
        router: Routes.
        keep: Called on a second thread with each routed micro-batch before its answers go out; what it raises is
            raised to who waits.
        observer: Told what happens.
        max_wait: Seconds that a single complaint may be expected to wait.
        max_bulk_wait: The same for batch calls.
        rate: Tokens a second to reckon with at first.
        threads: Micro-batches that are routed at the same time.
        explain: Whether it weighs every word of its complaints.
        token_budget: Tokens of a micro-batch.
    """

    def __init__(
        self,
        router: Router,
        keep: Callable[[Sequence[Job]], None],
        observer: Observer,
        *,
        max_wait: float,
        max_bulk_wait: float,
        rate: float,
        threads: int = 1,
        explain: bool = False,
        token_budget: int = TOKEN_BUDGET,
    ) -> None:
        self._router = router
        self._explain = explain
        self._lane = "explain" if explain else "route"
        self._keep = keep
        self._observer = observer
        self._budget = token_budget
        self._limits = {False: max_wait, True: max_bulk_wait}
        self._queues: dict[bool, deque[Job]] = {False: deque(), True: deque()}
        self._tokens = {False: 0, True: 0}
        self._under_way = 0
        self._rate = Rate(rate, _MEMORY * token_budget)
        self._wake = asyncio.Event()
        self._stopping = False
        self._working: set[asyncio.Task[None]] = set()
        self._room = asyncio.Semaphore(threads + _MOST_COMMITS - 1)
        self._free = asyncio.Semaphore(threads)
        self._model = ThreadPoolExecutor(threads, "lapor-route-model")
        self._store = ThreadPoolExecutor(1, "lapor-route-store")
        self._task = asyncio.get_running_loop().create_task(self._run())

    @property
    def failed(self) -> bool:
        """Whether it has ended by an error of ours, and answers nothing any more."""
        return self._task.done() and not self._stopping

    @property
    def depth(self) -> int:
        """Complaints that wait."""
        return sum(map(len, self._queues.values()))

    def expected_wait(self, bulk: bool) -> float:
        """Seconds that a complaint which comes now waits, by the rate of late."""
        under_way = max(0.0, self._under_way - self._rate.since_last())
        ahead = under_way + self._tokens[False] + (self._tokens[True] if bulk else 0)
        share = 1 - BULK_SHARE if self._queues[True] and not bulk else 1
        return ahead / (self._rate.tokens_a_second * share)

    async def route(
        self,
        complaints: Sequence[Complaint],
        *,
        top_k: int,
        deadline: float,
        bulk: bool = False,
        order: Order | None = None,
    ) -> list[Job]:
        """The complaints as jobs that are done: routed, and kept; in their order.

        Args:
            complaints: One, or those of a batch call.
            top_k: Most candidates of each.
            deadline: Seconds from now.
            bulk: Whether it is a batch call.
            order: What else is wanted.

        Raises:
            OverloadedError: The queue is full, or the service stops; none of them is routed.
            DeadlineError: Not all were answered in time.
        """
        wait = self.expected_wait(bulk)
        if self._stopping or wait > self._limits[bulk]:
            self._observer.shed("queue_full", len(complaints))
            raise OverloadedError(max(1, math.ceil(wait - self._limits[bulk])))
        loop, order = asyncio.get_running_loop(), order or Order()
        jobs = [
            Job(complaint, top_k, order, cost(complaint, self._explain), loop.create_future())
            for complaint in complaints
        ]
        self._queues[bulk].extend(jobs)
        self._tokens[bulk] += sum(job.cost for job in jobs)
        self._wake.set()
        self._observer.waiting(self._lane, self.depth)
        try:
            await asyncio.wait_for(asyncio.gather(*(job.kept for job in jobs)), deadline)
        except asyncio.TimeoutError:
            self._observer.shed("deadline", len(complaints))
            raise DeadlineError from None
        return jobs

    async def stop(self) -> None:
        """Answers what waits, then ends."""
        self._stopping = True
        self._wake.set()
        await self._task
        if self._working:
            await asyncio.wait(self._working)
        self._model.shutdown()
        self._store.shutdown()

    async def _run(self) -> None:
        while True:
            await self._wake.wait()
            await self._room.acquire()
            await self._free.acquire()
            jobs = self._take()
            if not jobs:
                self._free.release()
                self._room.release()
                if self._stopping:
                    return
                self._wake.clear()
                continue
            if not self._under_way:
                self._rate.resume()
            self._under_way += sum(job.cost for job in jobs)
            self._observer.waiting(self._lane, self.depth)
            task = asyncio.get_running_loop().create_task(self._work(jobs))
            self._working.add(task)
            task.add_done_callback(self._working.discard)

    def _take(self) -> list[Job]:
        """The next micro-batch: at least one job, then as many as fit the budget."""
        for_singles = self._budget * (1 - BULK_SHARE if self._queues[True] else 1)
        jobs = list(self._pop(False, for_singles))
        left = self._budget - sum(job.cost for job in jobs)
        jobs.extend(self._pop(True, left if jobs else self._budget))
        return jobs

    def _pop(self, bulk: bool, budget: float) -> Iterator[Job]:
        queue, used = self._queues[bulk], 0
        while queue and (not used or used + queue[0].cost <= budget):
            job = queue.popleft()
            self._tokens[bulk] -= job.cost
            if job.kept.done():  # given up on at its deadline
                continue
            if not bulk and perf_counter() - job.since > _STALE * self._limits[bulk]:  # the machine became slower
                self._observer.shed("stale", 1)
                job.kept.set_exception(OverloadedError(1))
                continue
            used += job.cost
            yield job

    def _route(self, jobs: list[Job]) -> dict[str, float]:
        """Routes on the model's thread; where one complaint fails, the others don't."""
        now = perf_counter()
        for job in jobs:
            job.started = now
        with measured() as seconds:
            try:
                self._fill(jobs)
            except Exception:
                for job in jobs:
                    self._fill_alone(job)
        return seconds

    def _fill_alone(self, job: Job) -> None:
        try:
            self._fill([job])
        except Exception as error:
            job.failure = error

    def _fill(self, jobs: list[Job]) -> None:
        most = max(job.top_k for job in jobs)
        complaints = [job.complaint for job in jobs]
        routings = self._router.route_many(complaints, top_k=most, explain=self._explain)
        for job, routing in zip(jobs, routings, strict=True):
            job.routing = replace(routing, candidates=routing.candidates[: job.top_k])
            job.data = job.routing.to_dict()

    async def _work(self, jobs: list[Job]) -> None:
        """Routes a micro-batch, keeps it, and answers."""
        loop = asyncio.get_running_loop()
        try:
            try:
                seconds = await loop.run_in_executor(self._model, self._route, jobs)
            finally:
                self._free.release()
            self._observer.batch_done(jobs, seconds)
            routed = [job for job in jobs if job.failure is None]
            await loop.run_in_executor(self._store, self._keep, routed)
        except Exception as error:
            self._end(jobs, error)
        else:
            self._end(jobs)

    def _end(self, jobs: Sequence[Job], error: Exception | None = None) -> None:
        """Answers a micro-batch, and learns from how long it took."""
        for job in jobs:
            if job.kept.done():
                continue
            failure = job.failure or error
            if failure is None:
                job.kept.set_result(None)
            else:
                job.kept.set_exception(failure)
        tokens = sum(job.cost for job in jobs)
        self._under_way -= tokens
        self._rate.done(tokens)
        self._room.release()


class Rate:
    """Tokens a second of late: what was done, over the time in which there was something to do.

    Args:
        tokens_a_second: To begin with.
        memory: Tokens over which it is averaged.
    """

    def __init__(self, tokens_a_second: float, memory: float) -> None:
        self._memory = memory
        self._tokens = memory
        self._seconds = memory / tokens_a_second
        self._last = perf_counter()

    @property
    def tokens_a_second(self) -> float:
        """The rate."""
        return self._tokens / self._seconds

    def since_last(self) -> float:
        """Tokens that should have been done since the last ones were."""
        return (perf_counter() - self._last) * self.tokens_a_second

    def resume(self) -> None:
        """There is something to do again."""
        self._last = perf_counter()

    def done(self, tokens: int) -> None:
        """Some are done."""
        now = perf_counter()
        kept = math.exp(-tokens / self._memory)
        self._tokens = self._tokens * kept + tokens
        self._seconds = self._seconds * kept + now - self._last
        self._last = now
