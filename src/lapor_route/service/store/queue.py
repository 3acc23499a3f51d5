"""The officers' queue: hands out undecided routings, the oldest first, each to one officer at a time."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from sqlalchemy import delete, func, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from lapor_route.service.store.tables import QUEUE, SKIPS

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection

SKIPPED_FOR = timedelta(hours=1)
"""How long a routing isn't offered again to an officer who gave it back."""


def lease_next(connection: Connection, holder: str, now: datetime, until: datetime) -> str | None:
    """Leases the oldest routing that waits for `holder`, perhaps the one that they hold already.

    Returns:
        Its id, or None where nothing waits.
    """
    skipped = select(SKIPS.c.routing_id).where(
        SKIPS.c.routing_id == QUEUE.c.routing_id, SKIPS.c.holder == holder, SKIPS.c.skipped_until > now
    )
    free = or_(QUEUE.c.leased_until.is_(None), QUEUE.c.leased_until <= now, QUEUE.c.holder == holder)
    # SQLite needs no row locks, and ignores these: its writers come one after the other.
    oldest = (
        select(QUEUE.c.routing_id)
        .where(free, ~skipped.exists())
        .order_by(QUEUE.c.created_at, QUEUE.c.routing_id)
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    routing_id: str | None = connection.execute(oldest).scalar()
    if routing_id is not None:
        connection.execute(
            update(QUEUE).where(QUEUE.c.routing_id == routing_id).values(holder=holder, leased_until=until)
        )
    return routing_id


def lease(connection: Connection, routing_id: str, holder: str, until: datetime) -> None:
    """Leases one routing; nothing where it doesn't wait."""
    connection.execute(
        update(QUEUE).where(QUEUE.c.routing_id == routing_id).values(holder=holder, leased_until=until)
    )


def release(connection: Connection, routing_id: str, holder: str, now: datetime) -> None:
    """Gives a routing back, not to be offered to `holder` for a while; nothing where it doesn't wait any more."""
    # Locked, so that it isn't decided between the look and the insert.
    waiting = select(QUEUE.c.holder).where(QUEUE.c.routing_id == routing_id).with_for_update()
    if connection.execute(waiting).first() is None:
        return
    insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    skip = insert(SKIPS).values(routing_id=routing_id, holder=holder, skipped_until=now + SKIPPED_FOR)
    connection.execute(
        skip.on_conflict_do_update(
            index_elements=[SKIPS.c.routing_id, SKIPS.c.holder],
            set_={"skipped_until": skip.excluded.skipped_until},
        )
    )
    connection.execute(
        update(QUEUE)
        .where(QUEUE.c.routing_id == routing_id, QUEUE.c.holder == holder)
        .values(holder=None, leased_until=None)
    )


def remove(connection: Connection, routing_id: str) -> None:
    """Takes a decided routing out."""
    connection.execute(delete(QUEUE).where(QUEUE.c.routing_id == routing_id))


def waiting(connection: Connection) -> int:
    """How many routings wait for an officer."""
    return connection.execute(select(func.count()).select_from(QUEUE)).scalar_one()
