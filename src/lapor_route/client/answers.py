"""The service's JSON as the objects that the library itself returns."""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, TypeVar

from lapor_route.bodies import Body
from lapor_route.routing import Candidate, Evidence, PlaceMention, Routing, Unit, WordWeight

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Routed(Routing):
    """A `Routing` that the service keeps.

    Attributes:
        record: The service's id of it, for `feedback`.
    """

    record: str = ""

    def to_dict(self) -> dict[str, Any]:
        """The routing as JSON-ready data, the same everywhere: without `record`, as `Router` has none."""
        found = Routing.to_dict(self)
        del found["record"]
        return found


@dataclass(frozen=True, slots=True)
class Receipt:
    """What the service wrote down of an officer's verdict.

    Attributes:
        id: Of the feedback.
        record: The routing that it is about.
        verdict: ``accepted``, ``changed`` or ``out_of_scope``.
        body_id: The body that it really goes to.
        created_at: When, with its time zone.
    """

    id: str
    record: str
    verdict: str
    body_id: str | None
    created_at: datetime


def routed(data: dict[str, Any], record: str) -> Routed:
    """A routing from `Routing.to_dict`'s data; what a newer service adds is left out."""
    evidence = data.get("evidence") or {}
    return _made(
        Routed,
        data,
        record=record,
        candidates=_many(Candidate, data["candidates"]),
        places=_many(PlaceMention, data.get("places", ())),
        evidence=_made(
            Evidence,
            evidence,
            words=_many(WordWeight, evidence.get("words", ())),
            units=_many(Unit, evidence.get("units", ())),
        ),
    )


def body(data: dict[str, Any]) -> Body:
    """A body from `Body.to_dict`'s data."""
    return _made(Body, data)


def receipt(data: dict[str, Any]) -> Receipt:
    """What the service answers to feedback."""
    # Python 3.10 reads no "Z".
    moment = datetime.fromisoformat(data["created_at"].replace("Z", "+00:00"))
    return _made(Receipt, data, created_at=moment)


def _many(kind: type[T], rows: Any) -> tuple[T, ...]:
    return tuple(_made(kind, row) for row in rows)


def _made(kind: type[T], data: dict[str, Any], **parts: Any) -> T:
    known = {field.name for field in fields(kind)} - set(parts)  # type: ignore[arg-type]
    plain = {name: tuple(value) if isinstance(value, list) else value for name, value in data.items()}
    return kind(**{name: value for name, value in plain.items() if name in known}, **parts)
