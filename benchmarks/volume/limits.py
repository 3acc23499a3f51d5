"""What breaks first as the rate of requests rises."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from benchmarks.load.report import MOST_GROWTH, MOST_MEMORY
from benchmarks.load.runner import BUSY_MS
from benchmarks.service import CALM_MS

if TYPE_CHECKING:
    from collections.abc import Sequence

BUSY_SHARE = 0.9
"""Of the cores; above that nothing is left to compute with."""


def crossed(trials: Sequence[dict[str, Any]], cores: int) -> list[dict[str, Any]]:
    """For each limit the lowest rate at which it was crossed, those first that were crossed at the lowest.

    Args:
        trials: Figures of scenarios with a steady rate, as `benchmarks.load.runner` keeps them.
        cores: Of the machine, which client and service share.

    Returns:
        `limit`, `at` (requests a second) and `value` there; for a limit that held, `at` is None and `value` the
        highest.
    """
    rising = sorted(trials, key=lambda trial: float(trial["offered_per_second"]))
    memory = [trial["memory_mb"] for trial in rising if trial["memory_mb"]]
    least = min(memory, default=0)
    watched: tuple[tuple[str, float, list[float]], ...] = (
        (f"99th percentile above {CALM_MS} ms", CALM_MS, [trial["p99_ms"] or 0 for trial in rising]),
        (f"99th percentile above {BUSY_MS} ms", BUSY_MS, [trial["p99_ms"] or 0 for trial in rising]),
        ("requests shed", 0, [trial["shed"] for trial in rising]),
        ("requests lost or failed", 0, [trial["lost"] + sum(trial["errors"].values()) for trial in rising]),
        (
            f"cores busy above {BUSY_SHARE:.0%} of {cores}, others' included",
            BUSY_SHARE * cores,
            [_busy(trial) for trial in rising],
        ),
        (f"memory above {MOST_MEMORY} MB", MOST_MEMORY, [trial["memory_mb"] or 0 for trial in rising]),
        (
            f"memory above {MOST_GROWTH} times the least seen, MB",
            MOST_GROWTH * least,
            [trial["memory_mb"] or 0 for trial in rising],
        ),
    )
    found = []
    for limit, most, values in watched:
        over = next((i for i, value in enumerate(values) if value > most), None)
        at = None if over is None else rising[over]["offered_per_second"]
        value = max(values, default=0) if over is None else values[over]
        found.append({"limit": limit, "at": at, "value": round(value, 2)})
    return sorted(found, key=lambda each: float("inf") if each["at"] is None else float(each["at"]))


def _busy(trial: dict[str, Any]) -> float:
    return float(trial["server_cores"] + trial["generator_cpu"] + trial["other_cores"])


def first(found: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """What was crossed at the lowest rate of all; several if at the same."""
    rates = [each["at"] for each in found if each["at"] is not None]
    return [each for each in found if rates and each["at"] == min(rates)]
