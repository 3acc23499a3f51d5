"""The figures: accuracy, slices, decisions, calibration, risk against coverage."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

import numpy as np

from lapor_route.evaluation.effort import effort
from lapor_route.routing import ASK, FORWARD, REASONS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lapor_route.evaluation.outcomes import Outcome

ECE_BINS = 10
_BOOTSTRAPS = 1000


def measure(outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """All figures of a labelled set, JSON-ready."""
    labelled = [outcome for outcome in outcomes if outcome.label]
    slices: dict[str, dict[str, list[Outcome]]] = defaultdict(lambda: defaultdict(list))
    for outcome in labelled:
        for name, value in outcome.slices.items():
            slices[name][value].append(outcome)
    return {
        "overall": accuracy(labelled) | {"top1_interval": interval([outcome.hit(1) for outcome in labelled])},
        "slices": {
            name: {value: accuracy(rows) for value, rows in sorted(values.items())}
            for name, values in sorted(slices.items())
        },
        "decisions": decisions(outcomes),
        "reasons": reasons(outcomes),
        "copies": copies(outcomes),
        "effort": effort(outcomes),
        "calibration": calibration(labelled),
        "calibration_by_kind": {
            kind: {key: value for key, value in calibration(of_kind).items() if key != "bins"}
            for kind in ("national", "regional")
            if (of_kind := [outcome for outcome in labelled if outcome.slices.get("kind") == kind])
        },
        "risk_coverage": risk_coverage(labelled),
    }


def accuracy(outcomes: Sequence[Outcome]) -> dict[str, float | int | None]:
    """Top-1/3/5, macro over bodies, and how often the right region was found."""
    by_body: dict[str, list[bool]] = defaultdict(list)
    for outcome in outcomes:
        by_body[outcome.label or ""].append(outcome.hit(1))
    regional = [outcome for outcome in outcomes if outcome.region_found is not None]
    return {
        "rows": len(outcomes),
        "bodies": len(by_body),
        "top1": _mean([outcome.hit(1) for outcome in outcomes]),
        "top3": _mean([outcome.hit(3) for outcome in outcomes]),
        "top5": _mean([outcome.hit(5) for outcome in outcomes]),
        "macro": _mean([float(np.mean(hits)) for hits in by_body.values()]),
        "region_found": _mean([bool(outcome.region_found) for outcome in regional]),
        "region_first": _mean([bool(outcome.region_first) for outcome in regional]),
    }


def interval(hits: Sequence[bool], seed: int = 1) -> list[float]:
    """95 % bootstrap interval of a share."""
    found = np.array(hits, dtype=float)
    if not len(found):
        return []
    means = np.random.default_rng(seed).binomial(len(found), found.mean(), _BOOTSTRAPS) / len(found)
    return [round(float(value), 4) for value in np.quantile(means, (0.025, 0.975))]


def decisions(outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """Coverage and precision of "forward", recall of "ask", size and validity of the shortlist.

    A row without a right body that is forwarded counts as a wrong forward.
    """
    labelled = [outcome for outcome in outcomes if outcome.label]
    placed = [outcome for outcome in labelled if outcome.placed]
    forwarded = [outcome for outcome in outcomes if outcome.routing.decision == FORWARD]
    to_ask = [outcome for outcome in outcomes if outcome.expected == ASK]
    unroutable = [outcome for outcome in outcomes if not outcome.label]
    return {
        "forward_coverage": _mean([outcome.routing.decision == FORWARD for outcome in outcomes]),
        "forward_precision": _mean([outcome.forwarded_right for outcome in forwarded]),
        "forward_precision_interval": interval([outcome.forwarded_right for outcome in forwarded]),
        "forward_by_tier": {
            name: {
                "coverage": _mean([outcome.routing.decision == FORWARD for outcome in of_tier]),
                "precision": _mean([o.forwarded_right for o in of_tier if o.routing.decision == FORWARD]),
            }
            for name in ("national", "regional")
            if (of_tier := [outcome for outcome in labelled if outcome.slices.get("kind") == name])
        },
        "ask_rows": len(to_ask),
        "ask_recall": _mean([outcome.routing.decision == ASK for outcome in to_ask]),
        "ask_not_forwarded": _mean([outcome.routing.decision != FORWARD for outcome in to_ask]),
        "asked_share": _mean([outcome.routing.decision == ASK for outcome in outcomes]),
        "unroutable_rows": len(unroutable),
        "unroutable_forwarded": _mean([outcome.routing.decision == FORWARD for outcome in unroutable]),
        "shortlist_size": _mean([len(outcome.routing.shortlist) for outcome in labelled]),
        "shortlist_holds_right": _mean([outcome.listed for outcome in labelled]),
        "shortlist_holds_right_interval": interval([outcome.listed for outcome in labelled]),
        "placed_rows": len(placed),
        "placed_shortlist_size": _mean([len(outcome.routing.shortlist) for outcome in placed]),
        "placed_shortlist_holds_right": _mean([outcome.listed for outcome in placed]),
        "placed_shortlist_holds_right_interval": interval([outcome.listed for outcome in placed]),
    }


def reasons(outcomes: Sequence[Outcome]) -> dict[str, dict[str, Any]]:
    """How often each reason is given and, on rows whose reasons are known, its precision and recall."""
    known = [outcome for outcome in outcomes if outcome.reasons is not None]
    return {
        reason: {
            "given": sum(reason in outcome.routing.reasons for outcome in outcomes),
            **_found([(reason in (o.reasons or ()), reason in o.routing.reasons) for o in known]),
        }
        for reason in REASONS
    }


def copies(outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """How often bodies are copied in and, on rows whose copies are known, how rightly."""
    known = [outcome for outcome in outcomes if outcome.also is not None]
    pairs = [
        (body_id in (outcome.also or ()), body_id in outcome.routing.also)
        for outcome in known
        for body_id in {*(outcome.also or ()), *outcome.routing.also}
    ]
    return {"copied_share": _mean([bool(outcome.routing.also) for outcome in outcomes]), **_found(pairs)}


def _found(pairs: Sequence[tuple[bool, bool]]) -> dict[str, Any]:
    """Precision and recall of (wanted, given) pairs; nothing where nothing is known."""
    both = sum(wanted and given for wanted, given in pairs)
    given, wanted = sum(given for _, given in pairs), sum(wanted for wanted, _ in pairs)
    return {
        "precision": round(both / given, 4) if given else None,
        "recall": round(both / wanted, 4) if wanted else None,
    }


def calibration(outcomes: Sequence[Outcome], bins: int = ECE_BINS) -> dict[str, Any]:
    """Expected calibration error, Brier score and reliability bins of the first candidate."""
    if not outcomes:
        return {"ece": None, "brier": None, "bins": []}
    probability = np.array([outcome.probability for outcome in outcomes])
    right = np.array([outcome.hit(1) for outcome in outcomes], dtype=float)
    which = np.minimum((probability * bins).astype(int), bins - 1)
    rows = []
    error = 0.0
    for number in range(bins):
        inside = which == number
        if inside.any():
            mean, share = float(probability[inside].mean()), float(right[inside].mean())
            error += float(inside.mean()) * abs(mean - share)
            rows.append({"probability": round(mean, 4), "right": round(share, 4), "rows": int(inside.sum())})
    return {
        "ece": round(error, 4),
        "brier": round(float(((probability - right) ** 2).mean()), 4),
        "bins": rows,
    }


def risk_coverage(outcomes: Sequence[Outcome], points: int = 50) -> dict[str, Any]:
    """Error rate among the surest rows, against their share; the area below; coverage at a precision."""
    if not outcomes:
        return {"aurc": None, "curve": [], "coverage_at_precision": {}}
    ranked = sorted(outcomes, key=lambda outcome: -outcome.probability)
    right = np.cumsum([outcome.hit(1) for outcome in ranked])
    size = np.arange(1, len(ranked) + 1)
    risk = 1 - right / size
    chosen = np.unique(np.linspace(1, len(ranked), points).astype(int)) - 1
    coverage_at = {}
    for precision in (0.90, 0.95, 0.98):
        good = np.flatnonzero(risk <= 1 - precision)
        coverage_at[f"{precision:.2f}"] = round(float(size[good[-1]] / len(ranked)), 4) if len(good) else 0.0
    return {
        "aurc": round(float(risk.mean()), 4),
        "curve": [[round(float(size[i] / len(ranked)), 4), round(float(risk[i]), 4)] for i in chosen],
        "coverage_at_precision": coverage_at,
    }


def _mean(values: Sequence[float]) -> float | None:
    return round(float(np.mean(values)), 4) if len(values) else None
