"""What officers say: kept, read, and the latest word of each routing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import and_, insert, or_, select
from sqlalchemy.exc import IntegrityError

from lapor_route.classifiers.protocol import OUT_OF_SCOPE
from lapor_route.service.store import queue
from lapor_route.service.store.engine import is_duplicate
from lapor_route.service.store.errors import DuplicateRecordError, StoreError, UnknownRecordError
from lapor_route.service.store.records import VERDICTS, Feedback
from lapor_route.service.store.tables import FEEDBACK, ROUTINGS

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, Connection

_NAMES = tuple(Feedback.__dataclass_fields__)
_FIELDS = [FEEDBACK.c[name] for name in _NAMES]


def add(connection: Connection, feedback: Feedback) -> None:
    """Keeps an officer's word, and takes the routing out of the queue.

    Raises:
        StoreError: The verdict isn't one, or has no body that it needs.
        UnknownRecordError: There is no such routing.
        DuplicateRecordError: The id is stored already.
    """
    if feedback.verdict not in VERDICTS:
        raise StoreError(f"{feedback.verdict!r} is no verdict; known: {', '.join(VERDICTS)}")
    if (feedback.verdict == OUT_OF_SCOPE) != (feedback.body_id is None):
        raise StoreError(f"feedback names its body_id, unless it is {OUT_OF_SCOPE}")
    # Locked against retention, which would take it away before the insert.
    known = select(ROUTINGS.c.id).where(ROUTINGS.c.id == feedback.routing_id).with_for_update(read=True)
    if connection.execute(known).first() is None:
        raise UnknownRecordError(f"no routing has the id {feedback.routing_id!r}")
    try:
        connection.execute(insert(FEEDBACK), {name: getattr(feedback, name) for name in _NAMES})
    except IntegrityError as error:
        if not is_duplicate(error):
            raise
        raise DuplicateRecordError(f"feedback {feedback.id!r} is stored already") from None
    queue.remove(connection, feedback.routing_id)


def of_routing(connection: Connection, routing_id: str) -> list[Feedback]:
    """All that was said about a routing, oldest first."""
    found = (
        select(*_FIELDS).where(FEEDBACK.c.routing_id == routing_id).order_by(FEEDBACK.c.created_at, FEEDBACK.c.id)
    )
    return [Feedback(*row) for row in connection.execute(found)]


def is_latest() -> ColumnElement[bool]:
    """Whether a row of `FEEDBACK` is the latest of its routing."""
    later = FEEDBACK.alias("later")
    is_later = or_(
        later.c.created_at > FEEDBACK.c.created_at,
        and_(later.c.created_at == FEEDBACK.c.created_at, later.c.id > FEEDBACK.c.id),
    )
    return ~select(later.c.id).where(later.c.routing_id == FEEDBACK.c.routing_id, is_later).exists()
