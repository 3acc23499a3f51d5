"""Fits the joined probability's calibration on held-out dispositions."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.linear_model import LogisticRegression

from lapor_route.classifiers.protocol import OUT_OF_SCOPE
from lapor_route.decisions import Calibration
from lapor_route.router import MOST_CANDIDATES, Router

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lapor_route.bodies import Registry
    from lapor_route.classifiers.protocol import Classifier
    from lapor_route.places import PlaceResolver
    from training.data import Example

PRECISION = 0.95
"""Precision of "forward" that the threshold aims at on the held-out rows."""
SOURCE_WEIGHTS = {
    "lapor_2017": 8.0,
    "kbdp1305": 1.2,
    "examples": 0.6,
    "annurkhozin": 0.15,
    "surabaya": 0.1,
    "surabaya_2015": 0.1,
    "purbalingga": 0.1,
    "regions": 0.1,
}
"""How much a row counts, so that the held-out rows resemble the mix that LAPOR! really gets, with a good
part of written texts for the bodies that no real row is known of."""
POWERS = (0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 1.2)
BIASES = (-0.6, -0.3, 0.0, 0.3, 0.6, 0.9)
PLACE_BIASES = (0.0, 0.4, 0.8, 1.2, 1.6)


def fit_calibration(
    classifier: Classifier,
    held_out: Sequence[Example],
    weights: np.ndarray,
    registry: Registry,
    resolver: PlaceResolver,
) -> tuple[Calibration, dict[str, Any]]:
    """Chooses exponents and biases by the Brier score, then the threshold of "forward" by precision.

    Args:
        classifier: Trained without the held-out rows.
        held_out: Rows, used where they have the body of their disposition.
        weights: float array (n_rows,); how much a row counts.
        registry: The bodies.
        resolver: The places.

    Returns:
        The calibration and the figures that it reaches on the held-out rows.
    """
    used = [i for i, row in enumerate(held_out) if row.body_id not in ("", OUT_OF_SCOPE) and weights[i] > 0]
    rows, weight = [held_out[i] for i in used], weights[used]
    joined = _joined(classifier, rows, registry, resolver)
    best, chosen = np.inf, Calibration()
    for national, regional, bias, place in itertools.product(POWERS, POWERS, BIASES, PLACE_BIASES):
        trial = Calibration(national_power=national, regional_power=regional, regional_bias=bias, place_bias=place)
        distance = float(np.average(_brier(joined, trial), weights=weight))
        if distance < best:
            best, chosen = distance, trial
    probability, right = _first_candidates(classifier, rows, registry, resolver, chosen)
    chosen = replace(chosen, **_platt(probability, right, weight))
    probability, right = _first_candidates(classifier, rows, registry, resolver, chosen)
    threshold = forward_threshold(probability, right, weight)
    figures = {
        "held_out_rows": len(rows),
        "held_out_brier": round(best, 4),
        "held_out_routing_top1": round(float(np.average(right, weights=weight)), 4),
        "held_out_forward_coverage": round(float(np.average(probability >= threshold, weights=weight)), 4),
    }
    return replace(chosen, forward_at=round(threshold, 3)), figures


def _first_candidates(
    classifier: Classifier,
    rows: Sequence[Example],
    registry: Registry,
    resolver: PlaceResolver,
    calibration: Calibration,
) -> tuple[np.ndarray, np.ndarray]:
    """Probability of each row's first candidate, and whether it is right."""
    router = Router(classifier, registry=registry, resolver=resolver, calibration=calibration)
    firsts = [routing.candidates[:1] for routing in router.route_many(row.text for row in rows)]
    probability = np.array([first[0].probability if first else 0.0 for first in firsts])
    right = [bool(first) and _is_right(first[0].body_id, row) for first, row in zip(firsts, rows, strict=True)]
    return probability, np.array(right)


def _platt(probability: np.ndarray, right: np.ndarray, weight: np.ndarray) -> dict[str, float]:
    """Slope and intercept of a logistic regression of "right" on the log-odds (Platt, 1999)."""
    if right.all() or not right.any():
        return {"slope": 1.0, "intercept": 0.0}
    clipped = np.clip(probability, 1e-6, 1 - 1e-6)
    log_odds = np.log(clipped / (1 - clipped))[:, None]
    model = LogisticRegression(C=1e6).fit(log_odds, right, sample_weight=weight)
    slope, intercept = round(float(model.coef_[0, 0]), 4), round(float(model.intercept_[0]), 4)
    if slope <= 0:  # surest where it is wrong: no probability to be had from that, and `Calibration` refuses it
        return {"slope": 1.0, "intercept": 0.0}
    return {"slope": slope, "intercept": intercept}


def forward_threshold(probability: np.ndarray, right: np.ndarray, weight: np.ndarray) -> float:
    """The lowest probability above which the weighted precision is at least `PRECISION`."""
    order = np.argsort(-probability)
    hits = np.cumsum((right * weight)[order]) / np.cumsum(weight[order])
    good = np.flatnonzero(hits >= PRECISION)
    return float(probability[order][good[-1]]) if len(good) else 0.99


def _is_right(body_id: str, row: Example) -> bool:
    return body_id == row.body_id or body_id in row.acceptable


@dataclass(frozen=True, slots=True)
class _Joined:
    """Uncalibrated candidates of all held-out rows, as arrays (n_rows, n_candidates)."""

    probability: np.ndarray
    is_regional: np.ndarray
    is_right: np.ndarray
    best_local: np.ndarray


def _joined(
    classifier: Classifier, rows: Sequence[Example], registry: Registry, resolver: PlaceResolver
) -> _Joined:
    router = Router(classifier, registry=registry, resolver=resolver)
    shape = (len(rows), MOST_CANDIDATES)
    probability, is_regional, is_right = np.zeros(shape), np.zeros(shape, bool), np.zeros(shape, bool)
    for number, routing in enumerate(router.route_many((row.text for row in rows), top_k=MOST_CANDIDATES)):
        for column, candidate in enumerate(routing.candidates):
            probability[number, column] = candidate.probability
            is_regional[number, column] = registry[candidate.body_id].is_regional
            is_right[number, column] = _is_right(candidate.body_id, rows[number])
    best_local = np.array([resolver.resolve(row.text).local.max() for row in rows])
    return _Joined(probability, is_regional, is_right, best_local)


def _brier(joined: _Joined, trial: Calibration) -> np.ndarray:
    """Squared distance of each row's probabilities from its label; bounded, so that hopeless rows don't rule."""
    probability = trial.weigh(joined.probability, joined.is_regional, joined.best_local[:, None])
    distance: np.ndarray = ((probability - joined.is_right) ** 2).sum(axis=1) + ~joined.is_right.any(axis=1)
    return distance
