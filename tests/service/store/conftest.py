"""A store in each of the two databases."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Protocol

import pytest

from lapor_route.service.store import Store
from lapor_route.service.store.engine import Database
from tests.service.store.samples import NOON
from tests.service.store.workers import Worker

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.service.postgres import PostgresServer


class Clock:
    """A clock that only moves when told."""

    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        return self.now

    def pass_by(self, **duration: float) -> None:
        self.now += timedelta(**duration)


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty database."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/store.db"
    server: PostgresServer = request.getfixturevalue("postgres")
    return server.make_schema()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def database(url: str) -> Iterator[Database]:
    database = Database(url)
    yield database
    database.engine.dispose()


@pytest.fixture
def store(database: Database, clock: Clock) -> Store:
    """With its tables, nothing in them."""
    store = Store(database, clock)
    store.upgrade()
    return store


class StartWorkers(Protocol):
    """Starts processes that all begin at once."""

    def __call__(self, task: str, url: str, *, count: int = 3, argument: int = 0) -> list[Worker]: ...


@pytest.fixture
def start_workers() -> Iterator[StartWorkers]:
    workers: list[Worker] = []

    def start(task: str, url: str, *, count: int = 3, argument: int = 0) -> list[Worker]:
        started = [Worker(task, url, number, argument) for number in range(count)]
        workers.extend(started)
        for worker in started:
            worker.wait_for(1)
        for worker in started:
            worker.begin()
        return started

    yield start
    for worker in workers:
        worker.close()
