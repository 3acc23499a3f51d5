"""From rounds to medians, ratios and spreads."""

from __future__ import annotations

from statistics import median
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

_DRAWS = 2000


def spread(values: Sequence[float]) -> dict[str, float]:
    """Median, least and largest."""
    return {"median": median(values), "min": min(values), "max": max(values)}


def ratios(ours: Sequence[float], theirs: Sequence[float]) -> dict[str, float]:
    """How often theirs goes into ours, round by round: median, least and largest."""
    return spread([a / b for a, b in zip(ours, theirs, strict=True)])


def latencies(rounds: Sequence[Sequence[float]]) -> dict[str, Any]:
    """Of texts one at a time, in ms: quantiles over all rounds, and the spread of the rounds' medians."""
    together = np.concatenate([np.asarray(times) for times in rounds]) * 1000
    return {
        "p50_ms": float(np.quantile(together, 0.5)),
        "p99_ms": float(np.quantile(together, 0.99)),
        "p50_by_round": spread([1000 * median(times) for times in rounds]),
    }


def compare(raw: dict[str, Any], ours: str, torch: str) -> dict[str, Any]:
    """The figures with everything that is computed from the rounds; `rates` and `singles` are kept out.

    Args:
        raw: What `rounds.measure` gives.
        ours: Name of the side that the others are compared with.
        torch: Name of our weights in torch.
    """
    rates = {name: peer["rates"] for name, peer in raw["peers"].items() if "rates" in peer}
    peers = {}
    for name, peer in raw["peers"].items():
        if "rates" not in peer or "singles" not in peer:
            continue
        rest = {key: value for key, value in peer.items() if key not in ("rates", "singles")}
        rest |= {"texts_per_second": spread(peer["rates"]) | {"rounds": peer["rates"]}} | latencies(peer["singles"])
        if ours in rates:
            rest["ours_times"] = ratios(rates[ours], peer["rates"])
        if torch in rates:
            rest["times_torch"] = ratios(peer["rates"], rates[torch])
        peers[name] = rest
    return raw | {"peers": peers, "accuracy": _accuracies(raw["accuracy"], ours)}


def _accuracies(found: dict[str, Any], ours: str) -> dict[str, Any]:
    """Accuracy of each peer beside ours on the same rows."""
    own = found.get(ours, {}).get("calibrated", {}).get("right")
    cleaned: dict[str, Any] = {}
    for name, kinds in found.items():
        cleaned[name] = {}
        for kind, figures in kinds.items():
            rest = {key: value for key, value in figures.items() if key != "right"}
            if own and name != ours:
                rest["less_than_ours"] = difference(own, figures["right"])
            cleaned[name][kind] = rest
    return cleaned


def difference(ours: Sequence[bool], theirs: Sequence[bool], seed: int = 1) -> dict[str, float]:
    """How much more is right of ours on the same rows, with a paired 95 % bootstrap interval."""
    paired = np.asarray(ours, float) - np.asarray(theirs, float)
    rows = np.random.default_rng(seed).integers(len(paired), size=(_DRAWS, len(paired)))
    low, high = np.quantile(paired[rows].mean(axis=1), (0.025, 0.975))
    return {"mean": float(paired.mean()), "low": float(low), "high": float(high)}
