"""Turns feedback into rows that the training kit reads."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from lapor_route.classifiers.protocol import OUT_OF_SCOPE
from lapor_route.service.store.feedback import is_latest
from lapor_route.service.store.records import WIB
from lapor_route.service.store.tables import FEEDBACK, ROUTINGS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lapor_route.service.store.engine import Database

SOURCE = "feedback"
ROWS_AT_ONCE = 500


def rows(database: Database) -> Iterator[dict[str, Any]]:
    """The latest feedback of each routing, by its id, all as of one moment.

    Yields:
        `id`, `text`, `place`, `body_id` (that of the officer, or ``out_of_scope``), `date` (WIB) and `source` as
        the training kit has them; `verdict`; and what the router had said: `decision`, `first_body_id`,
        `model_version`.
    """
    said = (ROUTINGS.c.decision, ROUTINGS.c.first_body_id, ROUTINGS.c.model_version)
    found = (
        select(
            ROUTINGS.c.id,
            ROUTINGS.c.text,
            ROUTINGS.c.place,
            FEEDBACK.c.body_id,
            ROUTINGS.c.created_at,
            FEEDBACK.c.verdict,
            *said,
        )
        .join_from(FEEDBACK, ROUTINGS, FEEDBACK.c.routing_id == ROUTINGS.c.id)
        .where(is_latest())
        .order_by(FEEDBACK.c.id)
        .execution_options(yield_per=ROWS_AT_ONCE)
    )
    with database.read() as connection, connection.execute(found) as found_rows:
        for row in found_rows:
            yield {
                "id": row.id,
                "text": row.text,
                "place": row.place,
                "body_id": row.body_id or OUT_OF_SCOPE,
                "date": row.created_at.astimezone(WIB).date().isoformat(),
                "source": SOURCE,
                "verdict": row.verdict,
                "decision": row.decision,
                "first_body_id": row.first_body_id,
                "model_version": row.model_version,
            }
