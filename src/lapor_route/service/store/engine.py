"""Connections: to an SQLite file or a PostgreSQL server, by URL, made so that what is committed stays."""

from __future__ import annotations

import json
import sqlite3
import time
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import partial
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

from sqlalchemy import create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, SQLAlchemyError, StatementError

from lapor_route.errors import MissingExtraError
from lapor_route.service.store.errors import OutdatedStoreError, StoreError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import URL, Connection, Engine
    from sqlalchemy.exc import IntegrityError

PATIENCE = 5
"""Seconds that a writer waits for others."""
_SUPPORTED = "use sqlite:///FILE or postgresql://USER:PASSWORD@HOST/DATABASE"
_MIB = 2**20


class Database:
    """A database, its connections and its transactions.

    Args:
        url: ``sqlite:///FILE`` or ``postgresql://USER:PASSWORD@HOST/DATABASE``.

    Attributes:
        name: The URL without what is secret.
        file: The file of an SQLite database.

    Raises:
        StoreError: The URL is no such URL, or would keep nothing.
        MissingExtraError: The PostgreSQL driver isn't installed.
    """

    def __init__(self, url: str) -> None:
        parsed = _parsed(url)
        self._secrets = _secrets(parsed)
        self.name = parsed.set(query={}).render_as_string()
        self.file = Path(parsed.database or "") if parsed.get_backend_name() == "sqlite" else None
        try:
            self.engine = _sqlite(parsed) if self.file else _postgresql(parsed)
        except ModuleNotFoundError:
            raise MissingExtraError(
                "a store in PostgreSQL needs its driver: pip install 'lapor-route[serve,postgres]'"
            ) from None
        self._writer = self.engine.execution_options(immediate=True)
        # SQLite's writers poll for their turn; those of one process may as well queue for it.
        self._turn: AbstractContextManager[Any] = Lock() if self.file else nullcontext()

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A transaction that only reads.

        Raises:
            StoreError: Anything went wrong in it.
        """
        with self._guarded(), self.engine.begin() as connection:
            yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """A transaction that writes: durable behind it, undone where anything was raised in it.

        Raises:
            StoreError: Anything went wrong in it.
        """
        with self._guarded(), self._turn, self._writer.begin() as connection:
            yield connection

    @contextmanager
    def _guarded(self) -> Iterator[None]:
        # SQLite would make an empty file where there is none.
        if self.file is not None and not self.file.is_file():
            raise OutdatedStoreError(f"the store {self.name} doesn't exist; run `lapor-route store upgrade`")
        # Not chained: what a driver says below its first line may hold a row, with its text.
        try:
            yield
        except SQLAlchemyError as error:
            raise StoreError(f"the store {self.name}: {self._cause(error)}") from None

    def _cause(self, error: SQLAlchemyError) -> str:
        original = error.orig if isinstance(error, StatementError) else error
        lines = str(original).strip().splitlines() or [type(original).__name__]
        cause = lines[0]
        for secret in self._secrets:
            cause = cause.replace(secret, "***")
        return cause


def is_duplicate(error: IntegrityError) -> bool:
    """Whether an id is there already; PostgreSQL's words depend on its language, its code doesn't."""
    return getattr(error.orig, "sqlstate", None) == "23505" or "UNIQUE" in str(error.orig)


def _parsed(url: str) -> URL:
    """The URL, its driver one that we know.

    Raises:
        StoreError: It isn't usable; the message doesn't repeat it.
    """
    try:
        parsed = make_url(url.replace("postgres://", "postgresql://", 1) if url.startswith("postgres:") else url)
    except (ArgumentError, ValueError):
        raise StoreError(f"the store's URL can't be read; {_SUPPORTED}") from None
    if "@" in (parsed.host or ""):
        raise StoreError("the store's URL holds several @; write that of a user or a password as %40")
    if parsed.drivername in ("postgresql", "postgresql+psycopg"):
        return parsed.set(drivername="postgresql+psycopg")
    if parsed.drivername not in ("sqlite", "sqlite+pysqlite"):
        raise StoreError(f"the store can't be kept in {parsed.drivername!r}; {_SUPPORTED}")
    file = parsed.database or ""
    if not file or file.startswith("file:") or ":memory:" in file:
        raise StoreError("the store must be a file: one in memory is lost with the process; use sqlite:///FILE")
    return parsed


def _secrets(url: URL) -> tuple[str, ...]:
    """What may not stand in a message."""
    given = [url.password, url.query.get("password"), url.query.get("sslpassword")]
    return tuple(str(secret) for secret in given if secret)


def _options() -> dict[str, Any]:
    """For both: what is stored is never shown in an error, and JSON is JSON (no NaN)."""
    dumps = partial(json.dumps, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return {"hide_parameters": True, "json_serializer": dumps}


def _sqlite(url: URL) -> Engine:
    engine = create_engine(url, connect_args={"timeout": PATIENCE}, **_options())
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: sqlite3.Connection, _record: Any) -> None:
    """Sets what SQLite keeps per connection: every commit reaches the disk, what is deleted is overwritten."""
    connection.isolation_level = None  # The driver begins no transactions; _begin_sqlite does.
    for pragma in ("synchronous = FULL", "foreign_keys = ON", "secure_delete = ON"):
        connection.execute(f"PRAGMA {pragma}")
    connection.execute(f"PRAGMA journal_size_limit = {64 * _MIB}")
    _use_wal(connection)


def _use_wal(connection: sqlite3.Connection) -> None:
    """Turns the write-ahead log on, so that readers and the writer don't wait for each other."""
    deadline = time.monotonic() + PATIENCE
    while not _is_wal_on(connection, time.monotonic() > deadline):
        time.sleep(0.01)


def _is_wal_on(connection: sqlite3.Connection, is_last: bool) -> bool:
    try:
        connection.execute("PRAGMA journal_mode = WAL")
    except sqlite3.OperationalError as error:
        # The only statement that doesn't wait for its turn: another process is just doing the same.
        if is_last or "locked" not in str(error):
            raise
        return False
    return True


def _begin_sqlite(connection: Connection) -> None:
    """Begins; a writer takes its turn at once, since one that read first can't wait for it any more."""
    immediate = connection.get_execution_options().get("immediate")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if immediate else "BEGIN")


def _postgresql(url: URL) -> Engine:
    # A server that vanished is noticed within seconds; the URL's own settings win.
    patience = {"connect_timeout": "5", "tcp_user_timeout": str(PATIENCE * 1000)}
    url = url.update_query_dict({name: value for name, value in patience.items() if name not in url.query})
    engine = create_engine(url, pool_pre_ping=True, **_options())
    event.listen(engine, "connect", _prepare_postgresql)
    return engine


def _prepare_postgresql(connection: Any, _record: Any) -> None:
    """Sets what a session keeps: every commit reaches the disk, and nobody waits for a lock for ever."""
    with connection.cursor() as cursor:
        cursor.execute(f"SET lock_timeout = '{PATIENCE}s'")
        cursor.execute(
            "SELECT set_config('synchronous_commit', 'on', false)"
            " WHERE current_setting('synchronous_commit') = 'off'"
        )
    connection.commit()
