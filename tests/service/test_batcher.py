from __future__ import annotations

import asyncio
import time
from threading import Event
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from lapor_route import Complaint, Router
from lapor_route.service.batcher import Batcher, DeadlineError, OverloadedError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from lapor_route.service.batcher import Job


class Gated:
    """A classifier that waits at a gate and remembers what it saw."""

    labels = ("pln", "kabupaten_kota")

    def __init__(self) -> None:
        self.gate = Event()
        self.gate.set()
        self.batches: list[list[str]] = []

    def predict_proba(self, texts: Sequence[str]) -> np.ndarray:
        self.gate.wait(20)
        if any("meledak" in text for text in texts):
            raise RuntimeError("boom")
        self.batches.append(sorted(texts))
        return np.full((len(texts), 2), 0.5)


class Seen:
    """An observer that counts."""

    def __init__(self) -> None:
        self.batches: list[int] = []
        self.turned_away: dict[str, int] = {}
        self.most_waiting = 0

    def batch_done(self, jobs: Sequence[Job], seconds: dict[str, float]) -> None:
        assert all(value >= 0 for value in seconds.values())
        self.batches.append(len(jobs))

    def waiting(self, lane: str, number: int) -> None:
        assert lane == "route"
        self.most_waiting = max(self.most_waiting, number)

    def shed(self, reason: str, number: int) -> None:
        self.turned_away[reason] = self.turned_away.get(reason, 0) + number


class Bench:
    """A batcher with what it needs."""

    def __init__(self, **options: Any) -> None:
        self.classifier = Gated()
        self.seen = Seen()
        self.kept: list[str] = []
        self.keep: Callable[[Sequence[Job]], None] = lambda jobs: self.kept.extend(
            job.complaint.text for job in jobs
        )
        options = {"max_wait": 60.0, "max_bulk_wait": 60.0, "rate": 4000.0, **options}
        self.batcher = Batcher(
            Router(classifier=self.classifier), lambda jobs: self.keep(jobs), self.seen, **options
        )

    def send(
        self, *texts: str, bulk: bool = False, deadline: float = 20.0, top_k: int = 5
    ) -> asyncio.Future[list[Job]]:
        complaints = [Complaint(text) for text in texts]
        routed = self.batcher.route(complaints, top_k=top_k, deadline=deadline, bulk=bulk)
        return asyncio.ensure_future(routed)

    async def hold(self) -> asyncio.Future[list[Job]]:
        """Closes the gate behind a first complaint, so that what comes next waits."""
        self.classifier.gate.clear()
        first = self.send("pertama")
        while self.batcher.depth or not self.seen.most_waiting:
            await asyncio.sleep(0.001)
        return first


def run(scenario: Callable[[], Any]) -> Any:
    return asyncio.run(scenario())


def test_what_waits_is_routed_together_and_kept_before_it_is_answered() -> None:
    async def scenario() -> None:
        bench = Bench()
        first = await bench.hold()
        sent = [bench.send(f"keluhan {number}", top_k=1 + number % 2) for number in range(8)]
        await asyncio.sleep(0)
        bench.classifier.gate.set()
        jobs = [(await one)[0] for one in (first, *sent)]
        assert bench.seen.batches == [1, 8]
        assert [len(job.routing.candidates) for job in jobs[1:] if job.routing] == [1, 2] * 4
        assert sorted(bench.kept) == sorted(job.complaint.text for job in jobs)
        await bench.batcher.stop()

    run(scenario)


def test_a_micro_batch_keeps_its_budget() -> None:
    async def scenario() -> None:
        bench = Bench(token_budget=100)
        first = await bench.hold()
        sent = [bench.send("a" * 150) for _ in range(5)]  # 16 + 30 tokens each
        await asyncio.sleep(0)
        bench.classifier.gate.set()
        await asyncio.gather(first, *sent)
        assert bench.seen.batches == [1, 2, 2, 1]
        await bench.batcher.stop()

    run(scenario)


def test_too_long_a_queue_refuses_at_once_and_recovers() -> None:
    async def scenario() -> None:
        bench = Bench(max_wait=0.05)
        first = await bench.hold()
        accepted = []
        for number in range(10_000):
            accepted.append(bench.send(f"keluhan {number}"))
            await asyncio.sleep(0)
            if accepted[-1].done():
                break
        with pytest.raises(OverloadedError) as refused:
            await accepted.pop()
        assert refused.value.retry_after >= 1
        assert bench.seen.most_waiting <= len(accepted)
        assert bench.seen.turned_away == {"queue_full": 1}
        bench.classifier.gate.set()
        assert len(await asyncio.gather(first, *accepted)) == len(accepted) + 1
        assert await bench.send("sesudahnya")
        await bench.batcher.stop()

    run(scenario)


def test_a_batch_call_is_refused_whole() -> None:
    async def scenario() -> None:
        bench = Bench(max_bulk_wait=0.01)
        first = await bench.hold()
        waiting = bench.send(*["kedua " * 20] * 50, bulk=True)
        await asyncio.sleep(0)
        with pytest.raises(OverloadedError):
            await bench.send("ketiga", "keempat", bulk=True)
        bench.classifier.gate.set()
        await asyncio.gather(first, waiting)
        assert not {"ketiga", "keempat"} & set(bench.kept)
        await bench.batcher.stop()

    run(scenario)


def test_single_complaints_pass_batch_calls_without_starving_them() -> None:
    async def scenario() -> None:
        bench = Bench(token_budget=200)
        first = await bench.hold()
        bulk = bench.send(*[f"borongan {number}" for number in range(40)], bulk=True)
        singles = [bench.send(f"satuan {number}") for number in range(40)]
        await asyncio.sleep(0)
        bench.classifier.gate.set()
        await asyncio.gather(first, bulk, *singles)
        early = [text for batch in bench.classifier.batches[1:5] for text in batch]
        assert sum("satuan" in text for text in early) > 2 * sum("borongan" in text for text in early)
        assert all(any("borongan" in text for text in batch) for batch in bench.classifier.batches[1:5])
        await bench.batcher.stop()

    run(scenario)


def test_a_deadline_frees_the_queue() -> None:
    async def scenario() -> None:
        bench = Bench()
        first = await bench.hold()
        with pytest.raises(DeadlineError):
            await bench.send("terlambat", deadline=0.01)
        bench.classifier.gate.set()
        await first
        await bench.send("berikutnya")
        assert "terlambat" not in bench.kept
        assert bench.seen.turned_away == {"deadline": 1}
        await bench.batcher.stop()

    run(scenario)


def test_what_cannot_be_kept_is_an_error_for_its_batch_only() -> None:
    async def scenario() -> None:
        bench = Bench()
        keep = bench.keep

        def fails(jobs: Sequence[Job]) -> None:
            raise OSError("the disk is full")

        bench.keep = fails
        with pytest.raises(OSError, match="disk is full"):
            await bench.send("hilang")
        bench.keep = keep
        await bench.send("tersimpan")
        assert bench.kept == ["tersimpan"]
        await bench.batcher.stop()

    run(scenario)


def test_stopping_answers_what_waits_and_takes_nothing_new() -> None:
    async def scenario() -> None:
        bench = Bench()
        keep = bench.keep

        def slowly(jobs: Sequence[Job]) -> None:
            time.sleep(0.05)
            keep(jobs)

        bench.keep = slowly
        first = await bench.hold()
        sent = [bench.send(f"keluhan {number}") for number in range(5)]
        await asyncio.sleep(0)
        stop = asyncio.ensure_future(bench.batcher.stop())
        await asyncio.sleep(0)
        with pytest.raises(OverloadedError):
            await bench.send("terlambat")
        bench.classifier.gate.set()
        await asyncio.gather(stop, first, *sent)
        assert len(bench.kept) == 6

    run(scenario)


def test_a_slow_store_counts_as_wait() -> None:
    async def scenario() -> None:
        bench = Bench(max_wait=0.2)
        keep, let_go = bench.keep, Event()

        def stuck(jobs: Sequence[Job]) -> None:
            let_go.wait(20)
            keep(jobs)

        bench.keep = stuck
        sent = []
        for number in range(10_000):
            sent.append(bench.send(f"keluhan {number}"))
            await asyncio.sleep(0.001)
            if sent[-1].done():
                break
        with pytest.raises(OverloadedError):
            await sent.pop()
        let_go.set()
        done = await asyncio.gather(*sent, return_exceptions=True)
        assert any(not isinstance(one, BaseException) for one in done)
        await bench.batcher.stop()

    run(scenario)


def test_what_has_waited_far_too_long_is_turned_away_after_all() -> None:
    async def scenario() -> None:
        bench = Bench(max_wait=0.05, rate=1e9)
        first = await bench.hold()
        late = bench.send("terlambat")
        await asyncio.sleep(0.2)
        bench.classifier.gate.set()
        await first
        with pytest.raises(OverloadedError):
            await late
        assert bench.seen.turned_away == {"stale": 1}
        assert await bench.send("berikutnya")
        await bench.batcher.stop()

    run(scenario)


def test_one_complaint_that_fails_does_not_take_its_neighbours_along() -> None:
    async def scenario() -> None:
        bench = Bench()
        first = await bench.hold()
        sent = [bench.send(text) for text in ("satu", "meledak", "dua")]
        await asyncio.sleep(0)
        bench.classifier.gate.set()
        await first
        results = await asyncio.gather(*sent, return_exceptions=True)
        assert [isinstance(result, RuntimeError) for result in results] == [False, True, False]
        assert sorted(bench.kept) == ["dua", "pertama", "satu"]
        await bench.batcher.stop()

    run(scenario)


def test_an_error_of_ours_shows() -> None:
    async def scenario() -> None:
        bench = Bench()
        assert not bench.batcher.failed
        calls = []

        def fails(lane: str, number: int) -> None:
            calls.append(number)
            if len(calls) > 1:  # the second one is the batcher's own
                raise RuntimeError("a counter broke")

        bench.seen.waiting = fails  # type: ignore[method-assign]
        with pytest.raises(DeadlineError):
            await bench.send("terjebak", deadline=0.3)
        assert bench.batcher.failed

    run(scenario)


def test_who_gives_up_is_not_routed() -> None:
    async def scenario() -> None:
        bench = Bench()
        first = await bench.hold()
        gone = bench.send("pergi")
        await asyncio.sleep(0)
        gone.cancel()
        await asyncio.sleep(0)
        bench.classifier.gate.set()
        await first
        await bench.send("tinggal")
        assert sorted(bench.kept) == ["pertama", "tinggal"]
        await bench.batcher.stop()

    run(scenario)


def test_a_cost_grows_as_the_time_does(router: Router) -> None:
    from lapor_route.privacy import mask
    from lapor_route.service.batcher import cost

    sentence = "Jalan di depan pasar rusak parah dan tergenang setiap hujan, mohon diperbaiki. "

    def seconds(length: int) -> float:
        texts = [(sentence * 300)[number : number + length] for number in range(3)]
        start = time.process_time()
        for text in texts:
            router.route(text)
            mask(text)
        return time.process_time() - start

    seconds(100)
    spent = [seconds(length) for length in (100, 1200, 20_000)]
    costs = [cost(Complaint("a" * length)) for length in (100, 1200, 20_000)]
    assert spent[0] < spent[1] < spent[2]
    assert costs[0] < costs[1] < costs[2]
