"""Kills writers, and the database server, in the middle of a storm of writes: what was acknowledged is there."""

from __future__ import annotations

from collections import Counter
from contextlib import closing
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text

from lapor_route.service.store import Store
from lapor_route.service.store.engine import Database
from lapor_route.service.store.tables import METADATA
from tests.service.postgres import PostgresServer
from tests.service.store.workers import BATCH

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.service.store.conftest import StartWorkers

SOME = 160
"""Lines that each writer prints before it is killed."""


@pytest.fixture(scope="module")
def durable_postgres() -> Iterator[PostgresServer]:
    """A server that syncs, whose owner thought that commits needn't."""
    server = PostgresServer(is_durable=True)
    try:
        server.start()
        server.run("ALTER SYSTEM SET synchronous_commit = off")
        server.run("SELECT pg_reload_conf()")
        yield server
    finally:
        server.remove()


@pytest.fixture(params=["sqlite", "postgresql"])
def durable_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/store.db"
    server: PostgresServer = request.getfixturevalue("durable_postgres")
    return server.make_database()


def test_what_was_acknowledged_survives_the_writers_death(durable_url: str, start_workers: StartWorkers) -> None:
    _upgrade(durable_url)
    writers = start_workers("write", durable_url)
    for writer in writers:
        writer.wait_for(SOME)
    for writer in writers:
        writer.kill()
    _assert_kept(durable_url, [line for writer in writers for line in writer.result()])


def test_what_was_acknowledged_survives_the_servers_death(
    durable_postgres: PostgresServer, start_workers: StartWorkers
) -> None:
    url = durable_postgres.make_database()
    _upgrade(url)
    writers = start_workers("write", url)
    for writer in writers:
        writer.wait_for(SOME)
    durable_postgres.kill()
    before = [len(writer.printed) for writer in writers]
    durable_postgres.start()
    # The same processes go on as soon as it is back.
    for writer, lines in zip(writers, before, strict=True):
        writer.wait_for(lines + 2 * BATCH)
        writer.kill()
    _assert_kept(url, [line for writer in writers for line in writer.result()])


def _upgrade(url: str) -> None:
    with closing(Store.open(url)) as store:
        store.upgrade()


def _assert_kept(url: str, acknowledged: list[str]) -> None:
    """All that was acknowledged is there, each call's routings all or none, and the database is sound."""
    database = Database(url)
    with database.read() as connection:
        stored = set(connection.execute(text("SELECT id FROM routings")).scalars())
        waiting = set(connection.execute(text("SELECT routing_id FROM queue")).scalars())
    assert len(acknowledged) >= 3 * SOME - 3
    assert not set(acknowledged) - stored
    assert waiting == stored
    assert set(Counter(int(stored_id, 16) // BATCH for stored_id in stored).values()) == {BATCH}
    _assert_sound(database)
    Store(database).check()
    database.engine.dispose()


def _assert_sound(database: Database) -> None:
    with database.write() as connection:
        if database.file:
            assert connection.execute(text("PRAGMA integrity_check")).scalar() == "ok"
            assert connection.execute(text("PRAGMA foreign_key_check")).all() == []
            return
        connection.execute(text("CREATE EXTENSION amcheck"))
        for table in METADATA.tables:
            # Raises where the table, or an index on it, is damaged.
            assert connection.execute(text(f"SELECT * FROM verify_heapam('{table}')")).all() == []
            indexes = text(
                "SELECT bt_index_check(indexrelid, true) FROM pg_index WHERE indrelid = :name ::regclass"
            )
            connection.execute(indexes, {"name": table})
