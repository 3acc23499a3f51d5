"""Labelled complaints and what the router said about them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lapor_route.complaint import Complaint
from lapor_route.errors import InputError
from lapor_route.routing import ASK, FORWARD, REASONS, REVIEW

if TYPE_CHECKING:
    from pathlib import Path

    from lapor_route.router import Router
    from lapor_route.routing import Routing

DECISIONS = (FORWARD, REVIEW, ASK)
LENGTHS = (
    (20, "under 20 words"),
    (60, "20 to 59 words"),
    (150, "60 to 149 words"),
    (10**9, "150 words and more"),
)
FOUND_REGIONS = 5
FOUND_AT_LEAST = 0.02
"""A region counts as found when it is among the five likeliest and has at least 2 %."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """One labelled complaint after routing.

    Attributes:
        key: The row's id.
        label: The body of the disposition; nothing for a row that no body should get.
        right: All bodies that count as right.
        expected: The decision that the label asks for, where the data says it.
        reasons: The reasons that it asks for, where the data has them.
        also: The bodies to copy in, where the data has them.
        routing: What the router said.
        region_found: Whether the label's region is among those found; None for central bodies.
        region_first: Whether it is the likeliest one.
        slices: Slice name -> value, for the tables.
    """

    key: str
    label: str | None
    right: frozenset[str]
    expected: str | None
    reasons: frozenset[str] | None
    also: frozenset[str] | None
    routing: Routing
    region_found: bool | None
    region_first: bool | None
    slices: dict[str, str]

    def hit(self, k: int) -> bool:
        """Whether a right body is among the first k candidates."""
        return any(candidate.body_id in self.right for candidate in self.routing.candidates[:k])

    @property
    def forwarded_right(self) -> bool:
        """Whether it is forwarded to a right body."""
        return self.routing.body_id in self.right

    @property
    def listed(self) -> bool:
        """Whether a right body is on the shortlist."""
        return not self.right.isdisjoint(self.routing.shortlist)

    @property
    def placed(self) -> bool:
        """Whether the place is told or not needed, as the router sees it."""
        return {"place_missing", "place_ambiguous"}.isdisjoint(self.routing.reasons)

    @property
    def probability(self) -> float:
        """Of the first candidate."""
        return self.routing.candidates[0].probability if self.routing.candidates else 0.0


def read_labelled(path: Path, router: Router) -> list[dict[str, Any]]:
    """The rows of a JSONL file with `text` and `body_id`, and what else there is to measure.

    `acceptable` ("id;id" or a list), `decision`, `reasons` and `also` (lists) are optional.

    Raises:
        InputError: The file can't be read, or a row isn't usable; the message names the line.
    """
    rows = []
    try:
        lines = path.read_text(encoding="utf-8").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path} can't be read as UTF-8 text: {error}") from error
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise InputError(f"{path}, line {number} isn't JSON: {error}") from error
        problem = _row_problem(row)
        if problem:
            raise InputError(f"{path}, line {number} {problem}")
        for body_id in [*_ids(row), *(row.get("also") or [])]:
            if body_id not in router.registry:
                raise InputError(f"{path}, line {number}: {body_id!r} is no body of the registry")
        rows.append(row)
    if not rows:
        raise InputError(f"{path} has no rows")
    return rows


def _row_problem(row: Any) -> str | None:
    if not isinstance(row, dict) or not isinstance(row.get("text"), str):
        return "needs a string 'text'"
    for key in ("body_id", "place", "decision"):
        if not isinstance(row.get(key), (str, type(None))):
            return f"has a {key!r} that is no string"
    if not isinstance(row.get("acceptable"), (str, list, type(None))):
        return "has an 'acceptable' that is neither \"id;id\" nor a list"
    for key in ("reasons", "also"):
        items = row.get(key)
        if items is not None and not (isinstance(items, list) and all(isinstance(item, str) for item in items)):
            return f"has a {key!r} that is no list of strings"
    unknown = [reason for reason in row.get("reasons") or [] if reason not in REASONS]
    if unknown:
        return f"has the reason {unknown[0]!r}, which is none of {', '.join(REASONS)}"
    if row.get("decision") not in (None, "", *DECISIONS):
        return f"has the decision {row['decision']!r}, which is none of {', '.join(DECISIONS)}"
    if not row.get("body_id") and not row.get("decision"):
        return "needs a 'body_id' or, where none is right, a 'decision'"
    return None


def _ids(row: dict[str, Any]) -> list[str]:
    acceptable = row.get("acceptable") or ""
    parts = acceptable.split(";") if isinstance(acceptable, str) else [str(item) for item in acceptable]
    return [part.strip() for part in (row.get("body_id") or "", *parts) if part and part.strip()]


def route_labelled(rows: list[dict[str, Any]], router: Router, top_k: int = 5) -> list[Outcome]:
    """Routes the rows and lays label and answer side by side."""
    complaints = [Complaint(row["text"], row.get("place") or None) for row in rows]
    routings = router.route_many(complaints, top_k=top_k)
    return [
        _outcome(number, row, routing, router)
        for number, (row, routing) in enumerate(zip(rows, routings, strict=True))
    ]


def _outcome(number: int, row: dict[str, Any], routing: Routing, router: Router) -> Outcome:
    label = row.get("body_id") or None
    found = first = None
    if label and router.registry[label].is_regional:
        found, first = _region(row, label, router)
    return Outcome(
        key=str(row.get("id", number)),
        label=label,
        right=frozenset(_ids(row)),
        expected=row.get("decision") or ("ask" if row.get("ask") else None),
        reasons=frozenset(row["reasons"]) if row.get("reasons") is not None else None,
        also=frozenset(row["also"]) if row.get("also") is not None else None,
        routing=routing,
        region_found=found,
        region_first=first,
        slices=_slices(row, label, router),
    )


def _region(row: dict[str, Any], label: str, router: Router) -> tuple[bool, bool]:
    resolver = router.resolver
    resolution = resolver.resolve(row["text"], row.get("place") or None)
    if label in resolver.local_ids:
        ids, probabilities = resolver.local_ids, resolution.local
    else:
        ids, probabilities = resolver.province_ids, resolution.provinces
    best = probabilities.argsort()[::-1][:FOUND_REGIONS]
    found = [ids[i] for i in best if probabilities[i] >= FOUND_AT_LEAST]
    return label in found, bool(found) and found[0] == label


def _slices(row: dict[str, Any], label: str | None, router: Router) -> dict[str, str]:
    words = len(row["text"].split())
    slices = {"length": next(name for limit, name in LENGTHS if words < limit)}
    if label:
        body = router.registry[label]
        tier = "central" if not body.is_regional else "province" if body.kind == "province" else "kabupaten/kota"
        slices |= {"kind": "regional" if body.is_regional else "national", "tier": tier}
    for column in ("names_body", "source", "year", "decidable", "style", "contrast"):
        if row.get(column) is not None:
            slices[column] = str(row[column])
    return slices
