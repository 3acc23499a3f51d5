"""What is said about a volley's answers: figures, and whether each is right."""

from __future__ import annotations

import json
import math
import sqlite3
from collections import Counter
from contextlib import closing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from benchmarks.load.generator import Answer, Volley

OK, SHED, LOST = "ok", "shed", "lost"
PROBLEM = "application/problem+json"
RECORD = "Lapor-Record"
MANY = 1_000
"""Requests from which on a 99.9th percentile says more than their maximum."""


def outcome(answer: Answer) -> str:
    """What became of a request: ``ok``, ``shed`` (as the contract has it), ``lost``, or an error's name."""
    if answer.status == 0:
        return LOST
    if answer.status == 200:
        return OK
    try:
        code = str(json.loads(answer.body)["code"])
    except (ValueError, KeyError, TypeError):
        return f"{answer.status} without a problem document"
    if not (answer.field("Content-Type") or "").startswith(PROBLEM):
        return f"{answer.status} {code} as {answer.field('Content-Type')}"
    if answer.status == 503 and code == "overloaded":
        after = answer.field("Retry-After") or ""
        return SHED if after.isdecimal() and int(after) > 0 else f"503 with Retry-After {after!r}"
    return f"{answer.status} {code}"


def percentile(values: Sequence[float], share: float) -> float:
    """The nearest-rank percentile; NaN of nothing."""
    return sorted(values)[max(0, math.ceil(share * len(values)) - 1)] if values else math.nan


def spread(seconds: Sequence[float]) -> dict[str, float | None]:
    """Latencies in ms: percentiles 50, 95, 99, of `MANY` and more also 99.9, and the maximum."""
    many = len(seconds) >= MANY
    found = {f"p{100 * share:g}_ms": percentile(seconds, share) for share in (0.5, 0.95, 0.99)}
    found |= {"p999_ms": percentile(seconds, 0.999) if many else math.nan, "max_ms": max(seconds, default=math.nan)}
    return {name: _rounded(1000 * value) for name, value in found.items()}


def figures(volley: Volley) -> dict[str, Any]:
    """Numbers, latencies (ms, from the intended time) of what was accepted, and how late the generator was."""
    found = Counter(outcome(answer) for answer in volley.answers)
    accepted = [a.latency for a in volley.answers if a.status == 200]
    refused = [1000 * a.latency for a in volley.answers if a.status == 503]
    span = max((a.due for a in volley.answers), default=0.0)
    return {
        "requests": len(volley.answers),
        "offered_per_second": _rounded(len(volley.answers) / span if span else math.nan),
        "ok": found.pop(OK, 0),
        "shed": found.pop(SHED, 0),
        "lost": found.pop(LOST, 0),
        "errors": dict(found),
        "goodput_per_second": _rounded(len(accepted) / span if span else math.nan),
        **spread(accepted),
        "shed_p99_ms": _rounded(percentile(refused, 0.99)),
        "generator_late_p99_ms": _rounded(percentile([1000 * (a.sent - a.due) for a in volley.answers], 0.99)),
        "generator_cpu": round(volley.cpu, 3),
        "connections": volley.connections,
    }


def _rounded(value: float) -> float | None:
    return None if math.isnan(value) else round(value, 1)


def recovery(answers: Sequence[Answer], end: float, limit: float = 0.1, calm: float = 5.0) -> float | None:
    """Seconds from an overload's end until all goes well: everything accepted, the 99th percentile in the limit.

    Args:
        answers: Of overload and aftermath.
        end: When the overload ended.
        limit: Seconds.
        calm: How long it must have gone well to count.

    Returns:
        A multiple of a quarter of a second; None if it never does.
    """
    last = max(answer.due for answer in answers)
    steps = int(4 * (last - end - calm)) + 1
    for step in range(max(0, steps)):
        after = [answer for answer in answers if answer.due >= end + step / 4]
        if all(a.status == 200 for a in after) and percentile([a.latency for a in after], 0.99) <= limit:
            return step / 4
    return None


def gap(found: Any, expected: Any) -> float:
    """By how much two pieces of JSON differ in their numbers at most; infinite if in anything else."""
    if isinstance(found, float) and isinstance(expected, float):
        return abs(found - expected)
    if isinstance(found, dict) and isinstance(expected, dict) and found.keys() == expected.keys():
        return max((gap(found[key], expected[key]) for key in found), default=0.0)
    if isinstance(found, list) and isinstance(expected, list) and len(found) == len(expected):
        return max(map(gap, found, expected), default=0.0)
    return 0.0 if type(found) is type(expected) and found == expected else math.inf


@dataclass(slots=True)
class Tally:
    """Whether the answers are those of the library, over all volleys.

    Attributes:
        asked: Requests sent.
        exact: Answers equal to the library's in every part.
        near: Answers that differ in the value of a number only.
        largest_gap: The largest such difference.
        wrong: Answers that differ in more; the first ones in `examples`.
        refused: Requests turned away as the contract has it.
        lost: Requests without an answer.
        errors: Other answers, by name.
        strays: Packets that nothing had been asked for.
        records: The record ids of the answers, with the key that was asked for.
        examples: What was wrong.
    """

    asked: int = 0
    exact: int = 0
    near: int = 0
    largest_gap: float = 0.0
    wrong: int = 0
    refused: int = 0
    lost: int = 0
    errors: Counter[str] = field(default_factory=Counter)
    strays: int = 0
    records: dict[str, str] = field(default_factory=dict)
    examples: list[str] = field(default_factory=list)

    def add(self, volley: Volley, names: Sequence[str], expected: Sequence[dict[str, Any]]) -> None:
        """Judges a volley.

        Args:
            volley: The answers.
            names: The keys that were sent with the requests.
            expected: The library's answers, without keys.
        """
        self.asked += len(names)
        self.strays += volley.strays
        for answer, name, routing in zip(volley.answers, names, expected, strict=True):
            kind = outcome(answer)
            if kind == OK:
                self._compare(answer, name, routing)
            elif kind == SHED:
                self.refused += 1
            elif kind == LOST:
                self.lost += 1
                self._note(f"{name}: {answer.body.decode(errors='replace')}")
            else:
                self.errors[kind] += 1
                self._note(f"{name}: {kind}")

    def _compare(self, answer: Answer, name: str, routing: dict[str, Any]) -> None:
        found, expected = json.loads(answer.body), {**routing, "id": name}
        difference = gap(found, expected)
        if difference == 0:
            self.exact += 1
        elif math.isfinite(difference):
            self.near += 1
            self.largest_gap = max(self.largest_gap, difference)
        else:
            self.wrong += 1
            parts = [key for key in expected if found.get(key) != expected[key]]
            self._note(f"{name}: differs in {', '.join(parts) or 'keys'}")
        record = answer.field(RECORD)
        if record is None or record in self.records:
            self._note(f"{name}: its record is {record}")
        self.records[record or name] = name

    def _note(self, what: str) -> None:
        if len(self.examples) < 20:
            self.examples.append(what)

    @property
    def accepted(self) -> int:
        """Answers with status 200."""
        return self.exact + self.near + self.wrong


def unrecorded(store: Path, tally: Tally) -> tuple[int, int]:
    """How many answers aren't in the store under their record and key, and by how many its rows outnumber them."""
    with closing(sqlite3.connect(f"file:{store}?mode=ro", uri=True)) as connection:
        rows = dict(connection.execute("SELECT id, caller_id FROM routings"))
    missing = sum(rows.get(record) != name for record, name in tally.records.items())
    return missing, len(rows) - tally.accepted
