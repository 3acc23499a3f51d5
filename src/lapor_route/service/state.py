"""What a running service holds: the model once it is loaded, the store, the queue."""

from __future__ import annotations

import asyncio
import gc
import math
import secrets
from datetime import datetime, timedelta, timezone
from functools import partial
from time import perf_counter
from typing import TYPE_CHECKING

from starlette.concurrency import run_in_threadpool

from lapor_route.complaint import Complaint
from lapor_route.errors import LaporRouteError
from lapor_route.service.batcher import Batcher, cost
from lapor_route.service.logs import LOGGER
from lapor_route.service.metrics import Metrics
from lapor_route.service.problems import unavailable
from lapor_route.service.records import record_of, text_hash
from lapor_route.service.store import Store, StoreError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from lapor_route.router import Router
    from lapor_route.service.batcher import Job
    from lapor_route.service.settings import Settings

_WARM_UP = (
    "Jalan di depan pasar Kec. Depok, Sleman berlubang dan tergenang setiap hujan, mohon segera diperbaiki.",
    "Listrik padam sejak pagi.",
    "Sudah tiga bulan bantuan sosial untuk orang tua saya tidak cair. Petugas di kantor kelurahan meminta kami "
    "menunggu, padahal tetangga kami sudah menerimanya. Kami sudah dua kali membawa semua berkas yang diminta. "
    "Mohon penjelasan kapan bantuan itu cair, dan ke mana kami harus mengurusnya agar tidak bolak-balik lagi.",
)
"""Written texts of three lengths, routed before the first request: the first run of a network is slow."""
_WARM_UPS = 5
_PURGE_EVERY = 3600.0
_WRITE_FAILURE_SECONDS = 10.0
"""How long a failed write makes the service unready; then requests are let in to try again."""


class Service:
    """Everything behind the endpoints.

    Args:
        settings: The deployment's settings.
        load_router: Makes the router; called once, on a thread, while the service already answers `/health/live`.
        threads: Micro-batches that are routed at the same time.
    """

    def __init__(self, settings: Settings, load_router: Callable[[], Router], threads: int) -> None:
        self.settings = settings
        self.metrics = Metrics()
        self.failure: str | None = None
        self._load_router = load_router
        self._threads = threads
        self._hash_key = (settings.hash_key or secrets.token_hex(32)).encode()
        self._store: Store | None = None
        self._router: Router | None = None
        self._batcher: Batcher | None = None
        self._explainer: Batcher | None = None
        self._write_failed_at = -math.inf
        self._tasks: list[asyncio.Task[None]] = []

    @property
    def store(self) -> Store:
        """The store.

        Raises:
            Problem: It isn't open yet.
        """
        if self._store is None:
            raise unavailable("the service is starting")
        return self._store

    @property
    def router(self) -> Router:
        """The router.

        Raises:
            Problem: The model isn't loaded yet, or can't be.
        """
        if self._router is None:
            raise unavailable(self.failure or "the model is being loaded")
        return self._router

    def batcher(self, *, explain: bool = False) -> Batcher:
        """The queue; that of explanations is one of its own, so that they don't hold up the others.

        Raises:
            Problem: The model isn't loaded yet, or can't be.
        """
        found = self._explainer if explain else self._batcher
        if found is None:
            raise unavailable(self.failure or "the model is being loaded")
        return found

    def check(self) -> None:
        """Sees whether it can answer; reads the store.

        Raises:
            Problem: Not yet, or not now.
            LaporRouteError: The store can't be read.
        """
        self.batcher()
        self.store.waiting()
        if perf_counter() - self._write_failed_at < _WRITE_FAILURE_SECONDS:
            raise unavailable("the store can't be written")

    @property
    def loaded(self) -> bool:
        """Whether the model is loaded."""
        return self._batcher is not None

    @property
    def dead(self) -> bool:
        """Whether only a restart helps."""
        return any(batcher.failed for batcher in (self._batcher, self._explainer) if batcher)

    def hash(self, text: str) -> str:
        """The keyed hash that stands for a complaint's text."""
        return text_hash(text, self._hash_key)

    async def start(self) -> None:
        """Opens the store and begins to load the model."""
        self._store = await run_in_threadpool(Store.open, self.settings.store)
        await run_in_threadpool(self._store.check)
        self._tasks = [asyncio.create_task(self._load()), asyncio.create_task(self._retain())]

    async def stop(self) -> None:
        """Answers what waits, then closes."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.gather(*(batcher.stop() for batcher in (self._batcher, self._explainer) if batcher))
        if self._store:
            await run_in_threadpool(self._store.close)

    async def _load(self) -> None:
        try:
            router = await run_in_threadpool(self._load_router)
            rate = await run_in_threadpool(_warm_up, router)
        except Exception as error:
            told = isinstance(error, LaporRouteError)
            self.failure = f"the model can't be loaded: {error if told else type(error).__name__}"
            LOGGER.critical(self.failure, exc_info=None if told else error)
            return
        make = partial(
            Batcher, router, self._keep, self.metrics, rate=rate, max_bulk_wait=self.settings.max_bulk_wait_seconds
        )
        self._batcher = make(max_wait=self.settings.max_wait_seconds, threads=self._threads)
        self._explainer = make(max_wait=self.settings.max_bulk_wait_seconds, explain=True)
        self._router = router
        gc.freeze()  # what stays for good isn't looked at again: some 20 ms for every full collection
        self.metrics.ready(router.registry, router.versions)
        LOGGER.info("ready", extra={"versions": router.versions})

    def _keep(self, jobs: Sequence[Job]) -> None:
        """Puts a routed micro-batch into the store; runs on a thread of the store's."""
        start = perf_counter()
        wanted = [job for job in jobs if job.order.keep]
        if not wanted:
            return
        records = [record_of(job, self._hash_key) for job in wanted]
        try:
            self.store.add_routings(
                records,
                replaces=[job.order.replaces for job in wanted if job.order.replaces],
                leases={job.record: job.order.officer for job in wanted if job.order.officer},
            )
        except StoreError:
            self._write_failed_at = perf_counter()
            raise
        self._write_failed_at = -math.inf
        self.metrics.kept(wanted, perf_counter() - start)
        for record in records:
            LOGGER.debug("routing", extra={"record": record.id, "text": record.text, "place": record.place})

    async def _retain(self) -> None:
        """Deletes what is too old, once an hour."""
        while self.settings.retention_days:
            before = datetime.now(timezone.utc) - timedelta(days=self.settings.retention_days)
            try:
                deleted = await run_in_threadpool(self.store.purge, before)
            except Exception:  # the next hour may be better; nobody else would tell
                LOGGER.exception("retention failed")
            else:
                if deleted:
                    LOGGER.info("retention", extra={"deleted": deleted})
            await asyncio.sleep(_PURGE_EVERY)


def _warm_up(router: Router) -> float:
    """Runs the network a few times; returns the tokens a second of the last, best one."""
    tokens = sum(cost(Complaint(text)) for text in _WARM_UP)
    rate = 0.0
    for _ in range(_WARM_UPS):
        start = perf_counter()
        list(router.route_many(_WARM_UP))
        rate = max(rate, tokens / (perf_counter() - start))
    return rate
