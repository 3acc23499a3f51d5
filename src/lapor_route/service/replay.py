"""Routes what is kept once more: what another model, registry or set of rules would change."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from lapor_route.complaint import Complaint

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lapor_route.router import Router
    from lapor_route.service.store import RoutingRecord


def replay(router: Router, records: Sequence[RoutingRecord]) -> dict[str, Any]:
    """How a router's answers differ from those that were given.

    Args:
        router: The one to compare.
        records: Routings as they are kept; their texts are masked, which costs a little agreement by itself.

    Returns:
        `routings`, `same_body` and `same_decision` (shares of them), `versions` (of the kept routings, with their
        numbers, and of this router), and `changes`: the ten most frequent pairs of first candidates.
    """
    complaints = [Complaint(record.text, record.place, record.caller_id) for record in records]
    changes: Counter[tuple[str | None, str | None]] = Counter()
    same_decision = 0
    for record, routing in zip(records, router.route_many(complaints, top_k=1), strict=True):
        new = routing.candidates[0].body_id if routing.candidates else None
        candidates = record.routing["candidates"]
        changes[candidates[0]["body_id"] if candidates else None, new] += 1
        same_decision += record.routing["decision"] == routing.decision
    number = max(1, len(records))
    same_body = sum(count for (old, new), count in changes.items() if old == new)
    models = Counter(record.routing["versions"]["model"] for record in records)
    return {
        "routings": len(records),
        "same_body": round(same_body / number, 4),
        "same_decision": round(same_decision / number, 4),
        "versions": {"kept": dict(models), "now": router.versions["model"]},
        "changes": [
            {"from": old, "to": new, "count": count} for (old, new), count in changes.most_common() if old != new
        ][:10],
    }
