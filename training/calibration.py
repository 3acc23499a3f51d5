"""Fits the joined probability's calibration on held-out dispositions."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import numpy as np

from lapor_route.decisions import Calibration
from lapor_route.router import Router

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lapor_route.bodies import Registry
    from lapor_route.classifiers.protocol import Classifier
    from lapor_route.places import PlaceResolver
    from training.data import Example

PRECISION = 0.95
"""Precision of "forward" that the threshold aims at on the held-out rows."""
SOURCE_WEIGHTS = {
    "lapor_2017": 6.0,
    "annurkhozin": 0.5,
    "kbdp1305": 0.7,
    "surabaya": 0.4,
    "surabaya_2015": 0.4,
    "purbalingga": 0.3,
    "bandung_tweets": 0.2,
    "jakarta_mixed": 0.1,
    "dinsos_jatim": 0.0,
    "app_and_account": 0.0,
}
"""How much a row counts, so that the held-out rows resemble the mix that LAPOR! really gets."""
POWERS = (0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 1.15, 1.3)
BIASES = (-0.6, -0.3, 0.0, 0.3, 0.6, 0.9)


def fit_calibration(
    classifier: Classifier, held_out: Sequence[Example], registry: Registry, resolver: PlaceResolver
) -> tuple[Calibration, dict[str, Any]]:
    """Chooses exponents and bias by likelihood, then the threshold of "forward" by precision.

    Args:
        classifier: Trained without the held-out rows.
        held_out: Rows with the body of their disposition.
        registry: The bodies.
        resolver: The places.

    Returns:
        The calibration and the figures that it reaches on the held-out rows.
    """
    rows = [row for row in held_out if row.body_id and SOURCE_WEIGHTS.get(row.source, 0.0) > 0]
    weight = np.array([SOURCE_WEIGHTS[row.source] for row in rows])
    joined = _joined(classifier, rows, registry, resolver)
    best, chosen = -np.inf, Calibration()
    for national, regional, bias in itertools.product(POWERS, POWERS, BIASES):
        likelihood = float(np.average(_log_likelihood(joined, national, regional, bias), weights=weight))
        if likelihood > best:
            best = likelihood
            chosen = Calibration(national_power=national, regional_power=regional, regional_bias=bias)
    router = Router(classifier, registry=registry, resolver=resolver, calibration=chosen)
    routings = list(router.route_many(row.text for row in rows))
    probability = np.array([r.candidates[0].probability if r.candidates else 0.0 for r in routings])
    right = np.array([bool(r.candidates) and r.candidates[0].body_id == row.body_id for r, row in zip(routings, rows, strict=True)])
    threshold = forward_threshold(probability, right, weight)
    figures = {
        "held_out_rows": len(rows),
        "held_out_routing_top1": round(float(np.average(right, weights=weight)), 4),
        "held_out_forward_coverage": round(float(np.average(probability >= threshold, weights=weight)), 4),
    }
    return (
        Calibration(
            national_power=chosen.national_power,
            regional_power=chosen.regional_power,
            regional_bias=chosen.regional_bias,
            forward_at=round(threshold, 3),
        ),
        figures,
    )


def forward_threshold(probability: np.ndarray, right: np.ndarray, weight: np.ndarray) -> float:
    """The lowest probability above which the weighted precision is at least `PRECISION`."""
    order = np.argsort(-probability)
    hits = np.cumsum((right * weight)[order]) / np.cumsum(weight[order])
    good = np.flatnonzero(hits >= PRECISION)
    return float(probability[order][good[-1]]) if len(good) else 0.99


def _joined(
    classifier: Classifier, rows: Sequence[Example], registry: Registry, resolver: PlaceResolver
) -> list[tuple[np.ndarray, np.ndarray, int, float]]:
    """Per row: raw probabilities, whether each is regional, the right one's index (-1: none), the rest."""
    router = Router(classifier, registry=registry, resolver=resolver)
    joined = []
    for row, routing in zip(rows, router.route_many((row.text for row in rows), top_k=25), strict=True):
        probability = np.array([candidate.probability for candidate in routing.candidates])
        ids = [candidate.body_id for candidate in routing.candidates]
        regional = np.array([registry[body_id].is_regional for body_id in ids], dtype=bool)
        joined.append(
            (probability, regional, ids.index(row.body_id) if row.body_id in ids else -1, max(0.0, 1 - probability.sum()))
        )
    return joined


def _log_likelihood(
    joined: Sequence[tuple[np.ndarray, np.ndarray, int, float]], national: float, regional: float, bias: float
) -> np.ndarray:
    values = np.empty(len(joined))
    for number, (probability, is_regional, right, rest) in enumerate(joined):
        scaled = np.where(is_regional, probability**regional * np.exp(bias), probability**national)
        total = scaled.sum() + rest
        values[number] = np.log(max((scaled[right] if right >= 0 else rest / 500) / total, 1e-6))
    return values
