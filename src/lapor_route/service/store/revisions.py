"""Brings a database to the tables that this package needs, and says whether it has them."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import inspect, text

from lapor_route.service.store.errors import OutdatedStoreError, StoreError

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from lapor_route.service.store.engine import Database

MIGRATIONS = Path(__file__).parent / "migrations"
VERSION_TABLE = "lapor_route_revision"
"""Not Alembic's own name: the database may hold others' tables, and their revisions."""
_LOCK = 0x6C61706F72  # "lapor"
_PATIENCE = "120s"


def upgrade(database: Database) -> None:
    """Makes or changes the tables; a second process waits, and finds it done.

    Raises:
        StoreError: The database can't be reached or changed, or is newer than this package.
    """
    if database.file is not None:
        _make(database.file)
    with database.write() as connection:
        if database.file is None:
            connection.execute(text(f"SET LOCAL lock_timeout = '{_PATIENCE}'"))
            connection.execute(text(f"SELECT pg_advisory_xact_lock({_LOCK})"))
        if _current(connection) not in (None, *_known()):
            raise StoreError(_newer(database))
        config = _config()
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def check(database: Database) -> None:
    """Sees whether the database can be reached and has the tables of this package.

    Raises:
        StoreError: It doesn't; the message says what to run.
    """
    with database.read() as connection:
        current = _current(connection)
    if current not in (None, *_known()):
        raise StoreError(_newer(database))
    if current != _head():
        raise OutdatedStoreError(
            f"the store {database.name} is at revision {current or 'none'}, this package needs {_head()}; "
            "run `lapor-route store upgrade`"
        )


def _make(file: Path) -> None:
    """Makes an empty database that only its owner reads: it'll hold complaints.

    Raises:
        StoreError: Its folder doesn't exist, or can't be written.
    """
    try:
        file.touch(mode=0o600)
    except OSError as error:
        raise StoreError(f"the store {file} can't be made: {error.strerror}") from None


def _newer(database: Database) -> str:
    return f"the store {database.name} was made by a newer lapor-route than this one: upgrade the package"


def _current(connection: Connection) -> str | None:
    # Asked at every look at the service's health: Alembic's own way writes two lines of log each time.
    if not inspect(connection).has_table(VERSION_TABLE):
        return None
    current: str | None = connection.execute(text(f"SELECT version_num FROM {VERSION_TABLE}")).scalar()
    return current


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes["version_table"] = VERSION_TABLE
    return config


@cache
def _known() -> tuple[str, ...]:
    """All revisions of this package, the newest first."""
    return tuple(script.revision for script in ScriptDirectory.from_config(_config()).walk_revisions())


def _head() -> str:
    return _known()[0]
