"""Keeps routings: adding, finding, and deleting the old ones."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, and_, delete, insert, select
from sqlalchemy.exc import IntegrityError

from lapor_route.routing import FORWARD
from lapor_route.service.store.engine import is_duplicate
from lapor_route.service.store.errors import DuplicateRecordError
from lapor_route.service.store.records import WIB, RoutingRecord
from lapor_route.service.store.tables import QUEUE, ROUTINGS

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy import Connection

    from lapor_route.service.store.engine import Database

_CHUNK = 500
_NAMES = tuple(RoutingRecord.__dataclass_fields__)
_FIELDS = [ROUTINGS.c[name] for name in _NAMES]


def add(connection: Connection, records: Sequence[RoutingRecord]) -> None:
    """Adds routings, and queues those that aren't forwarded.

    Raises:
        DuplicateRecordError: One of their ids is stored already, or comes twice.
    """
    if not records:
        return
    waiting = [
        {"routing_id": record.id, "created_at": record.created_at}
        for record in records
        if record.routing["decision"] != FORWARD
    ]
    try:
        connection.execute(insert(ROUTINGS), [_row(record) for record in records])
    except IntegrityError as error:
        if not is_duplicate(error):
            raise
        raise DuplicateRecordError("a routing of that id is stored already; nothing was stored") from None
    if waiting:
        connection.execute(insert(QUEUE), waiting)


def _row(record: RoutingRecord) -> dict[str, Any]:
    routing = record.routing
    candidates = routing.get("candidates") or [{}]
    row = {name: getattr(record, name) for name in _NAMES}
    return row | {
        "day": record.created_at.astimezone(WIB).date(),
        "decision": routing["decision"],
        "first_body_id": routing.get("body_id") or candidates[0].get("body_id"),
        "model_version": (routing.get("versions") or {}).get("model"),
    }


def get(connection: Connection, record_id: str) -> RoutingRecord | None:
    """The routing of that id."""
    return _found(connection, ROUTINGS.c.id == record_id)


def latest_of_caller(connection: Connection, caller_id: str, key_name: str | None) -> RoutingRecord | None:
    """The latest routing under a caller's own id of a complaint; of that API key alone, if one is named."""
    condition = ROUTINGS.c.caller_id == caller_id
    return _found(connection, condition if key_name is None else and_(condition, ROUTINGS.c.key_name == key_name))


def latest(connection: Connection, number: int) -> list[RoutingRecord]:
    """The latest routings, newest first."""
    found = select(*_FIELDS).order_by(ROUTINGS.c.created_at.desc(), ROUTINGS.c.id.desc()).limit(number)
    return [RoutingRecord(*row) for row in connection.execute(found)]


def _found(connection: Connection, condition: ColumnElement[bool]) -> RoutingRecord | None:
    latest = select(*_FIELDS).where(condition).order_by(ROUTINGS.c.created_at.desc(), ROUTINGS.c.id.desc()).limit(1)
    row = connection.execute(latest).first()
    return None if row is None else RoutingRecord(*row)


def purge(database: Database, before: datetime) -> int:
    """Deletes routings older than `before`, with all that hangs on them, a few at a time.

    Returns:
        How many there were.
    """
    old = (
        select(ROUTINGS.c.id)
        .where(ROUTINGS.c.created_at < before)
        .order_by(ROUTINGS.c.created_at, ROUTINGS.c.id)
        .limit(_CHUNK)
        # What an officer is just answering, or another worker deletes, isn't waited for.
        .with_for_update(skip_locked=True)
    )
    total = 0
    while True:
        start = time.monotonic()
        with database.write() as connection:
            ids = connection.scalars(old).all()
            connection.execute(delete(ROUTINGS).where(ROUTINGS.c.id.in_(ids)))
        total += len(ids)
        if len(ids) < _CHUNK:
            return total
        # Half of the time belongs to those who write.
        time.sleep(time.monotonic() - start)
