"""Counts what was routed in some days, and how often officers agreed."""

from __future__ import annotations

from collections import Counter
from datetime import date, timedelta
from typing import TYPE_CHECKING

from sqlalchemy import func, select

from lapor_route.classifiers.protocol import OUT_OF_SCOPE
from lapor_route.routing import ASK, FORWARD, REVIEW
from lapor_route.service.store import queue
from lapor_route.service.store.feedback import is_latest
from lapor_route.service.store.records import ACCEPTED, VERDICTS, Change, Day, Statistics
from lapor_route.service.store.tables import FEEDBACK, ROUTINGS

if TYPE_CHECKING:
    from sqlalchemy import Connection

_MOST_CHANGED = 10


def count(connection: Connection, first: date, last: date) -> Statistics:
    """The figures of the days from `first` to `last`, and of the feedback on their routings."""
    days = _days(connection, first, last)
    verdicts: Counter[str] = Counter()
    agreed: Counter[bool] = Counter()
    agreed_forward: Counter[bool] = Counter()
    changes: Counter[tuple[str | None, str]] = Counter()
    for decision, verdict, said, body_id, number in _latest_feedback(connection, first, last):
        agrees = verdict == ACCEPTED or (body_id is not None and body_id == said)
        verdicts[verdict] += number
        agreed[agrees] += number
        if decision == FORWARD:
            agreed_forward[agrees] += number
        if not agrees:
            changes[said, body_id or OUT_OF_SCOPE] += number
    return Statistics(
        days=days,
        decisions={decision: sum(getattr(day, decision) for day in days) for decision in (FORWARD, REVIEW, ASK)},
        feedback={verdict: verdicts[verdict] for verdict in VERDICTS},
        agreement=_share(agreed),
        forward_agreement=_share(agreed_forward),
        most_changed=_most_frequent(changes),
        waiting=queue.waiting(connection),
    )


def _days(connection: Connection, first: date, last: date) -> tuple[Day, ...]:
    counted = (
        select(ROUTINGS.c.day, ROUTINGS.c.decision, func.count())
        .where(ROUTINGS.c.day.between(first, last))
        .group_by(ROUTINGS.c.day, ROUTINGS.c.decision)
    )
    counts = {(day, decision): number for day, decision, number in connection.execute(counted)}
    return tuple(
        Day(day, *(counts.get((day, decision), 0) for decision in (FORWARD, REVIEW, ASK)))
        for day in (first + timedelta(days=number) for number in range((last - first).days + 1))
    )


def _latest_feedback(
    connection: Connection, first: date, last: date
) -> list[tuple[str, str, str | None, str | None, int]]:
    """(decision, verdict, body of the router, body of the officer, how often)."""
    columns = (ROUTINGS.c.decision, FEEDBACK.c.verdict, ROUTINGS.c.first_body_id, FEEDBACK.c.body_id)
    found = (
        select(*columns, func.count())
        .join_from(FEEDBACK, ROUTINGS, FEEDBACK.c.routing_id == ROUTINGS.c.id)
        .where(ROUTINGS.c.day.between(first, last), is_latest())
        .group_by(*columns)
    )
    return [tuple(row) for row in connection.execute(found)]


def _share(agreed: Counter[bool]) -> float | None:
    return agreed[True] / agreed.total() if agreed else None


def _most_frequent(changes: Counter[tuple[str | None, str]]) -> tuple[Change, ...]:
    by_frequency = sorted(changes.items(), key=lambda item: (-item[1], item[0][0] or "", item[0][1]))
    return tuple(Change(*bodies, number) for bodies, number in by_frequency[:_MOST_CHANGED])
