"""Prometheus metrics: what a service does, without a word of any complaint."""

from __future__ import annotations

import os
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    generate_latest,
    multiprocess,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lapor_route.bodies import Registry
    from lapor_route.service.batcher import Job

__all__ = ["CONTENT_TYPE_LATEST", "Metrics"]

SHARED_FOLDER = "PROMETHEUS_MULTIPROC_DIR"
"""Where several workers keep their numbers together; `serve` sets it."""
INFER = ("ngrams", "encode")
"""Stages of a routing that are the classifier's own; `lapor_route_stage_seconds` reports them as ``infer`` too."""
_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)


class Metrics:
    """The counters of one process, or of all workers where `serve` runs several."""

    def __init__(self) -> None:
        self._shared = SHARED_FOLDER in os.environ
        if self._shared:
            _forget_dead(Path(os.environ[SHARED_FOLDER]))
        self._registry = CollectorRegistry()
        registry = None if self._shared else self._registry
        if not self._shared:
            ProcessCollector(registry=self._registry)
        self.bodies: Registry | None = None
        self.requests = Counter(
            "lapor_route_requests",
            "Requests by route, method and status",
            ["route", "method", "status"],
            registry=registry,
        )
        self.request_seconds = Histogram(
            "lapor_route_request_seconds", "Time of a request", ["route"], registry=registry, buckets=_SECONDS
        )
        self.stage_seconds = Histogram(
            "lapor_route_stage_seconds",
            "Time of a complaint's wait (queue) and of a micro-batch in each stage",
            ["stage"],
            registry=registry,
            buckets=_SECONDS,
        )
        self.batch_complaints = Histogram(
            "lapor_route_batch_complaints",
            "Complaints of a micro-batch",
            registry=registry,
            buckets=(1, 2, 4, 8, 16, 32, 64, 128),
        )
        self.queue_depth = Gauge(
            "lapor_route_queue_depth",
            "Complaints that wait, to be routed or explained",
            ["lane"],
            registry=registry,
            multiprocess_mode="livesum",
        )
        self.decisions = Counter(
            "lapor_route_decisions", "Routings by decision and tier", ["decision", "tier"], registry=registry
        )
        self.shed_complaints = Counter(
            "lapor_route_shed", "Complaints turned away or given up on", ["reason"], registry=registry
        )
        self.feedback = Counter("lapor_route_feedback", "Officers' feedback", ["verdict"], registry=registry)
        self.model = Gauge(
            "lapor_route_model",
            "1 for the versions that run",
            ["package", "model", "registry"],
            registry=registry,
            multiprocess_mode="livemax",
        )

    def ready(self, bodies: Registry, versions: dict[str, str]) -> None:
        """The model is loaded."""
        self.bodies = bodies
        self.model.labels(**versions).set(1)

    def request_done(self, route: str, method: str, status: int, seconds: float) -> None:
        """A request was answered."""
        self.requests.labels(route, method, str(status)).inc()
        self.request_seconds.labels(route).observe(seconds)

    def batch_done(self, jobs: Sequence[Job], seconds: dict[str, float]) -> None:
        """A micro-batch was routed."""
        self.batch_complaints.observe(len(jobs))
        for job in jobs:
            self.stage_seconds.labels("queue").observe(job.started - job.since)
            if job.routing is not None:
                self.decisions.labels(job.routing.decision, self._tier(job)).inc()
        for stage, value in seconds.items():
            self.stage_seconds.labels(stage).observe(value)
        self.stage_seconds.labels("infer").observe(sum(seconds.get(stage, 0.0) for stage in INFER))

    def kept(self, jobs: Sequence[Job], seconds: float) -> None:
        """A micro-batch is in the store."""
        self.stage_seconds.labels("store").observe(seconds)
        for job in jobs:
            self.stage_seconds.labels("total").observe(perf_counter() - job.since)

    def waiting(self, lane: str, number: int) -> None:
        """So many complaints wait in a batcher."""
        self.queue_depth.labels(lane).set(number)

    def shed(self, reason: str, number: int) -> None:
        """Complaints were turned away."""
        self.shed_complaints.labels(reason).inc(number)

    def render(self) -> bytes:
        """The text that Prometheus reads."""
        if not self._shared:
            return generate_latest(self._registry)
        registry = CollectorRegistry()
        multiprocess.MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
        return generate_latest(registry)

    def _tier(self, job: Job) -> str:
        """Kind of the likeliest body: ``ministry``, ``agency``, ``province``, ``regency``, ``city`` or ``none``."""
        candidates = job.routing.candidates if job.routing else ()
        return self.bodies[candidates[0].body_id].kind if candidates and self.bodies else "none"


def _forget_dead(folder: Path) -> None:
    """Drops what workers that died have left of "now": how many wait in a queue that is gone."""
    for file in folder.glob("gauge_live*_*.db"):
        process = int(file.stem.rpartition("_")[2])
        try:
            os.kill(process, 0)
        except ProcessLookupError:
            multiprocess.mark_process_dead(process)  # type: ignore[no-untyped-call]
        except PermissionError:
            continue
