from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import text

from lapor_route.service.store import Store, StoreError
from lapor_route.service.store.revisions import VERSION_TABLE
from lapor_route.service.store.tables import METADATA
from tests.service.store.samples import record, record_id

if TYPE_CHECKING:
    from lapor_route.service.store.engine import Database
    from tests.service.store.conftest import StartWorkers


def test_a_store_without_tables_says_what_to_run(database: Database) -> None:
    store = Store(database)
    with pytest.raises(StoreError, match="run `lapor-route store upgrade`"):
        store.check()
    if database.file:
        database.file.touch()
    with pytest.raises(StoreError, match="is at revision none, this package needs 0001; run `lapor-route store"):
        store.check()
    store.upgrade()
    store.check()


def test_upgrading_again_changes_nothing(store: Store) -> None:
    store.add_routings([record(1)])
    store.upgrade()
    store.check()
    assert store.routing(record_id(1)) == record(1)


def test_a_store_of_a_newer_package_is_left_alone(store: Store, database: Database) -> None:
    with database.write() as connection:
        connection.execute(text(f"UPDATE {VERSION_TABLE} SET version_num = '9999'"))
    for action in (store.check, store.upgrade):
        with pytest.raises(StoreError, match="made by a newer lapor-route than this one: upgrade the package"):
            action()


def test_the_migrations_make_the_tables_that_the_queries_see(store: Store, database: Database) -> None:
    with database.read() as connection:
        options = {"version_table": VERSION_TABLE, "compare_type": True, "compare_server_default": True}
        assert compare_metadata(MigrationContext.configure(connection, opts=options), METADATA) == []


def test_others_revisions_are_left_alone(database: Database) -> None:
    if database.file:
        database.file.touch()
    with database.write() as connection:
        connection.execute(text("CREATE TABLE alembic_version (version_num TEXT)"))
        connection.execute(text("INSERT INTO alembic_version VALUES ('theirs')"))
    store = Store(database)
    store.upgrade()
    store.check()
    with database.read() as connection:
        assert connection.execute(text("SELECT version_num FROM alembic_version")).scalar() == "theirs"


def test_a_failed_upgrade_leaves_nothing_behind(database: Database) -> None:
    if database.file:
        database.file.touch()
    with database.write() as connection:
        connection.execute(text("CREATE TABLE queue (id TEXT)"))
    with pytest.raises(StoreError, match="queue"):
        Store(database).upgrade()
    with database.write() as connection:
        connection.execute(text("DROP TABLE queue"))
    Store(database).upgrade()
    Store(database).check()


def test_several_processes_upgrade_at_once(url: str, start_workers: StartWorkers) -> None:
    workers = start_workers("upgrade", url, count=2)
    assert [worker.result() for worker in workers] == [["done"]] * 2
    assert [worker.status for worker in workers] == [0, 0]
    store = Store.open(url)
    store.add_routings([record(1)])
    store.close()
