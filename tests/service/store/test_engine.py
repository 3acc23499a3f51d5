from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text

from lapor_route.errors import LaporRouteError, MissingExtraError
from lapor_route.service.store import Store, StoreError, engine
from lapor_route.service.store.engine import Database
from tests.service.store.samples import record, record_id

if TYPE_CHECKING:
    from pathlib import Path

    from tests.service.postgres import PostgresServer

SECRET = "s3cr3t-sandi"


@pytest.mark.parametrize(
    "url",
    [
        "sqlite://",
        "sqlite:///",
        "sqlite:///:memory:",
        "sqlite+pysqlite:///:memory:",
        "sqlite:///file::memory:?cache=shared&uri=true",
        "sqlite:///file:x?mode=memory&uri=true",
    ],
)
def test_a_store_in_memory_is_refused(url: str) -> None:
    with pytest.raises(StoreError, match="must be a file: one in memory is lost with the process"):
        Store.open(url)


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("lapor-route.db", "can't be read; use sqlite:///FILE or postgresql://"),
        ("", "can't be read"),
        (f"mysql://lapor:{SECRET}@host/db", "can't be kept in 'mysql'; use"),
        (f"postgresql+psycopg2://lapor:{SECRET}@host/db", "'postgresql.psycopg2'"),
        (f"postgresql://lapor:{SECRET}@host:{SECRET}/db", "can't be read"),
        (f"postgresql://lapor:9@{SECRET}@host/db", "write that of a user or a password as %40"),
        (f"postgresql//lapor:{SECRET}@host/db", "can't be read"),
    ],
)
def test_other_urls_are_refused_without_repeating_them(url: str, message: str) -> None:
    with pytest.raises(StoreError, match=message) as caught:
        Store.open(url)
    assert SECRET not in str(caught.value)


def test_a_store_names_itself_without_secrets() -> None:
    given = f"postgresql://lapor:{SECRET}@db.internal:5433/lapor?sslmode=require&password={SECRET}"
    assert Store.open(given).name == "postgresql+psycopg://lapor:***@db.internal:5433/lapor"


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg"])
def test_every_usual_scheme_means_psycopg(postgres: PostgresServer, scheme: str) -> None:
    store = Store.open(postgres.make_database().replace("postgresql", scheme))
    store.upgrade()
    store.check()
    store.close()


def test_a_missing_driver_names_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'lapor-route\[serve,postgres\]'"):
        Store.open("postgresql://host/db")


def test_a_server_that_is_away_is_named_without_secrets(tmp_path: Path) -> None:
    for url in (
        f"postgresql://lapor:{SECRET}@127.0.0.1:1/lapor",
        f"postgresql://lapor@/lapor?host={tmp_path}&password={SECRET}",
        f"postgresql://lapor@127.0.0.1:1/lapor?password={SECRET}&sslmode={SECRET}",
    ):
        with pytest.raises(
            StoreError, match=r"the store postgresql\+psycopg://lapor(:\*\*\*)?@.*/lapor: "
        ) as caught:
            Store.open(url).check()
        assert SECRET not in str(caught.value)
        assert isinstance(caught.value, LaporRouteError)


def test_a_folder_that_does_not_exist(tmp_path: Path) -> None:
    store = Store.open(f"sqlite:///{tmp_path}/no/store.db")
    with pytest.raises(StoreError, match="can't be made: No such file or directory"):
        store.upgrade()
    with pytest.raises(StoreError, match="doesn't exist; run `lapor-route store upgrade`"):
        store.check()


def test_a_store_that_was_never_made_isnt_made_by_the_way(tmp_path: Path) -> None:
    store = Store.open(f"sqlite:///{tmp_path}/store.db")
    with pytest.raises(StoreError, match="doesn't exist; run `lapor-route store upgrade`"):
        store.add_routings([record(1)])
    with pytest.raises(StoreError, match="doesn't exist"):
        store.waiting()
    assert not list(tmp_path.iterdir())


def test_a_file_that_is_no_database(tmp_path: Path) -> None:
    file = tmp_path / "store.db"
    file.write_text("Bukan basis data. " * 100)
    store = Store.open(f"sqlite:///{file}")
    for action in (store.check, store.upgrade):
        with pytest.raises(StoreError, match="file is not a database"):
            action()
    assert file.read_text().startswith("Bukan")


def test_only_its_owner_reads_the_file(tmp_path: Path) -> None:
    file = tmp_path / "store.db"
    store = Store.open(f"sqlite:///{file}")
    store.upgrade()
    store.add_routings([record(1)])
    assert {path.stat().st_mode & 0o777 for path in tmp_path.iterdir()} == {0o600}
    store.close()


def test_every_commit_reaches_the_disk_in_sqlite(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path}/store.db")
    Store(database).upgrade()
    pragmas = {
        "journal_mode": "wal",
        "synchronous": 2,
        "foreign_keys": 1,
        "secure_delete": 1,
        "busy_timeout": 5_000,
    }
    with database.read() as one, database.read() as other:
        for connection in (one, other):
            found = {name: connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in pragmas}
            assert found == pragmas
    database.engine.dispose()


@pytest.mark.parametrize(("configured", "used"), [("off", "on"), ("remote_apply", "remote_apply"), ("on", "on")])
def test_every_commit_reaches_the_disk_in_postgresql(postgres: PostgresServer, configured: str, used: str) -> None:
    url = postgres.make_database()
    name = url.partition("?")[0].rpartition("/")[2]
    postgres.run(f"ALTER DATABASE {name} SET synchronous_commit = {configured}")
    database = Database(url)
    with database.read() as connection:
        assert connection.exec_driver_sql("SHOW synchronous_commit").scalar() == used
    database.engine.dispose()


def test_who_waits_too_long_for_others_is_told(
    url: str, store: Store, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "PATIENCE", 0.1)
    hasty = Database(url)
    lock = "SELECT 1" if hasty.file else "LOCK TABLE routings"
    with database.write() as connection:
        connection.execute(text(lock))
        with pytest.raises(StoreError, match=r"database is locked|lock timeout"):
            Store(hasty).add_routings([record(1)])
    Store(hasty).add_routings([record(1)])
    assert store.routing(record_id(1)) == record(1)
    hasty.engine.dispose()


def test_readers_wait_for_nobody(store: Store, database: Database) -> None:
    store.add_routings([record(1)])
    with database.write() as connection:
        connection.execute(text("DELETE FROM routings"))
        assert store.routing(record_id(1)) == record(1)


def test_what_fails_is_undone(store: Store, database: Database) -> None:
    key = text("INSERT INTO api_keys VALUES ('1', 'x', 'y', '2026-01-01 00:00:00', NULL)")
    with pytest.raises(StoreError), database.write() as connection:  # noqa: PT012
        connection.execute(key)
        assert connection.execute(text("SELECT count(*) FROM api_keys")).scalar() == 1
        connection.execute(key)
    assert store.keys() == []
