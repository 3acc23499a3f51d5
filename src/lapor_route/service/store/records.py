"""The store's shapes: what goes in, and what comes out."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta, timezone
from typing import TYPE_CHECKING, Any

from lapor_route.classifiers.protocol import OUT_OF_SCOPE

if TYPE_CHECKING:
    from datetime import date, datetime

ACCEPTED, CHANGED = "accepted", "changed"
VERDICTS = (ACCEPTED, CHANGED, OUT_OF_SCOPE)
"""What an officer says: it goes where the router said; elsewhere; it is no matter for any body."""
CALLER, OFFICER = "caller", "officer"
ROLES = (CALLER, OFFICER)
"""What a key may: route, and give feedback on its own routings; or all that officers do, too."""
WIB = timezone(timedelta(hours=7), "WIB")
"""Asia/Jakarta, which has known no summer time since 1964: days are counted there."""


@dataclass(frozen=True, slots=True)
class RoutingRecord:
    """A routing as it was given, with what was asked.

    Attributes:
        id: 32 hexadecimal characters that sort by time (a UUID of version 7).
        created_at: When it was asked, with a time zone.
        caller_id: The caller's own key of the complaint.
        text: The complaint, masked.
        place: Its place field, masked.
        text_hash: Keyed hash of the original.
        routing: `Routing.to_dict()`, its offsets those of the masked text.
        top_k: Candidates asked for.
        latency_ms: How long the routing took.
        key_name: Name of the API key that asked.
    """

    id: str
    created_at: datetime
    caller_id: str | None
    text: str
    place: str | None
    text_hash: str
    routing: dict[str, Any]
    top_k: int
    latency_ms: float
    key_name: str | None


@dataclass(frozen=True, slots=True)
class Feedback:
    """What an officer says about a routing.

    Attributes:
        id: 32 hexadecimal characters that sort by time (a UUID of version 7).
        created_at: When it was said, with a time zone.
        routing_id: The routing's record.
        verdict: One of `VERDICTS`.
        body_id: The body that it goes to; None where it is out of scope.
        note: The officer's words, masked.
        officer: Who said it.
    """

    id: str
    created_at: datetime
    routing_id: str
    verdict: str
    body_id: str | None
    note: str | None
    officer: str | None


@dataclass(frozen=True, slots=True)
class KeyRecord:
    """An API key, without its secret.

    Attributes:
        id: 8 hexadecimal characters, part of the key.
        name: What it is for.
        role: One of `ROLES`.
        created_at: When it was made.
        revoked_at: When it was revoked, if it was.
    """

    id: str
    name: str
    role: str
    created_at: datetime
    revoked_at: datetime | None


@dataclass(frozen=True, slots=True)
class Day:
    """What one day (WIB) brought.

    Attributes:
        date: The day.
        forward: Routings that were forwarded.
        review: Routings for an officer.
        ask: Routings that asked the citizen.
    """

    date: date
    forward: int
    review: int
    ask: int

    @property
    def routings(self) -> int:
        """All of the day."""
        return self.forward + self.review + self.ask


@dataclass(frozen=True, slots=True)
class Change:
    """How often officers changed one body for another.

    Attributes:
        from_body_id: What the router had said; None where it had no candidate.
        to_body_id: What the officers said, or ``out_of_scope``.
        count: Complaints.
    """

    from_body_id: str | None
    to_body_id: str
    count: int


@dataclass(frozen=True, slots=True)
class Statistics:
    """What was routed in some days, and what officers said about these routings.

    Attributes:
        days: Each day, oldest first, those without a routing too.
        decisions: Routings of each decision.
        feedback: Routings of each verdict, by their latest feedback.
        agreement: Share of them for which the router's body was right; None without feedback.
        forward_agreement: The same among those that were forwarded.
        most_changed: The ten most frequent changes.
        waiting: Routings that wait for an officer now, of whatever day.
    """

    days: tuple[Day, ...]
    decisions: dict[str, int]
    feedback: dict[str, int]
    agreement: float | None
    forward_agreement: float | None
    most_changed: tuple[Change, ...]
    waiting: int
