"""Records to store, written by us."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

from lapor_route.service.store import Feedback, RoutingRecord

NOON = datetime(2026, 3, 10, 5, 0, 0, 123456, tzinfo=timezone.utc)
"""Noon in Jakarta."""
LEASE = timedelta(minutes=10)


def record(
    number: int, decision: str = "review", body_id: str | None = "pln", *, at: datetime | None = None, **other: Any
) -> RoutingRecord:
    """The routing of that number; by default one more second old each."""
    candidates = [{"body_id": body_id, "name": body_id, "probability": 0.61}] if body_id else []
    routing = {
        "decision": decision,
        "body_id": body_id if decision == "forward" else None,
        "candidates": candidates,
        "reasons": ["place_missing"],
        "evidence": {"sentence": "Menyebut tiang listrik.", "words": []},
        "truncated": False,
        "versions": {"package": "0.1.0", "model": "embedded 3", "registry": "2026.1"},
        "id": None,
    }
    given: dict[str, Any] = {
        "id": record_id(number),
        "created_at": at or NOON + timedelta(seconds=number),
        "caller_id": f"aduan-{number}",
        "text": f"Tiang listrik nomor {number} miring, hubungi [NAMA] di [TELEPON]",
        "place": "Kota Bogor",
        "text_hash": "ab" * 32,
        "routing": routing,
        "top_k": 5,
        "latency_ms": 12.5,
        "key_name": "portal",
    }
    return RoutingRecord(**(given | other))


def record_id(number: int) -> str:
    return f"{number:032x}"


def feedback(
    number: int, routing: int, verdict: str = "accepted", body_id: str | None = "pln", **other: Any
) -> Feedback:
    """The feedback of that number on the routing of another; ten seconds later each."""
    given: dict[str, Any] = {
        "id": f"f{number:031x}",
        "created_at": NOON + timedelta(seconds=10 * number),
        "routing_id": record_id(routing),
        "verdict": verdict,
        "body_id": body_id,
        "note": None,
        "officer": "Sari",
    }
    return Feedback(**(given | other))
