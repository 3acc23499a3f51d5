"""A routing as it is kept: masked, with every offset in the masked text."""

from __future__ import annotations

import hashlib
import hmac
from datetime import datetime, timezone
from time import perf_counter
from typing import TYPE_CHECKING, Any

from lapor_route.complaint import MAX_CHARACTERS
from lapor_route.privacy import mask
from lapor_route.service.store import RoutingRecord

if TYPE_CHECKING:
    from collections.abc import Callable

    from lapor_route.privacy import Masked
    from lapor_route.service.batcher import Job


def record_of(job: Job, key: bytes) -> RoutingRecord:
    """The record of a routed job.

    Args:
        job: With its routing.
        key: Of the hash that stands for the original text.
    """
    text, place = job.complaint.text[:MAX_CHARACTERS], job.complaint.place
    masked = mask(text)
    masked_place = mask(place[:MAX_CHARACTERS]) if place is not None else None
    return RoutingRecord(
        id=job.record,
        created_at=datetime.now(timezone.utc),
        caller_id=job.complaint.id,
        text=masked.text,
        place=masked_place.text if masked_place else None,
        text_hash=text_hash(text, key),
        routing=masked_routing(job.data, masked, masked_place),
        top_k=job.top_k,
        latency_ms=round((perf_counter() - job.since) * 1e3, 3),
        key_name=job.order.asker,
    )


def text_hash(text: str, key: bytes) -> str:
    """The keyed hash (HMAC-SHA256, hex) that stands for a complaint's text, as far as it is read."""
    return hmac.new(key, text[:MAX_CHARACTERS].encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()


def masked_routing(routing: dict[str, Any], text: Masked, place: Masked | None) -> dict[str, Any]:
    """A routing's data without what was masked.

    Places, units and words that touch a masked part are left out; the offsets of the others point into the masked
    text.

    Args:
        routing: `Routing.to_dict()` of the original text; isn't changed.
        text: The text, masked.
        place: The place field, masked.
    """
    fields = {"text": text, "place": place}
    evidence = routing["evidence"]
    return {
        **routing,
        "places": _moved(routing["places"], lambda item: fields[item["field"]]),
        "evidence": {
            **evidence,
            "units": _moved(evidence["units"], lambda item: text),
            "words": _moved(evidence["words"], lambda item: text),
            "sentence": mask(evidence["sentence"]).text,
        },
    }


def _moved(
    items: list[dict[str, Any]], masked_of: Callable[[dict[str, Any]], Masked | None]
) -> list[dict[str, Any]]:
    found = []
    for item in items:
        masked = masked_of(item)
        moved = masked.moved(item["start"], item["end"]) if masked else None
        if moved:
            found.append({**item, "start": moved[0], "end": moved[1]})
    return found
