"""Fits what `calibration.json` holds on held-out dispositions: the join, and the thresholds with their promises.

Cross-fitted: the probabilities that thresholds and figures rest on come from joins that were fitted without the row
(five folds); the join that is kept is fitted on all rows.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.optimize import minimize
from scipy.stats import beta

from lapor_route.classifiers.protocol import OUT_OF_SCOPE
from lapor_route.decisions import Calibration, Candidates, Join
from lapor_route.decisions.decide import is_placed, named_doubts
from lapor_route.decisions.join import CENTRAL, features
from lapor_route.decisions.promise import NATIONAL, REGIONAL, TIERS, TOGETHER, HeldOut, Level, Point, level_of
from lapor_route.errors import InputError
from lapor_route.router import Router
from lapor_route.weigher import MOST_CANDIDATES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lapor_route.bodies import Registry
    from lapor_route.classifiers.protocol import Classifier
    from lapor_route.places import PlaceResolver
    from training.data import Example

PRECISION = 0.95
"""Precision of "forward" that a bundle promises by default."""
SHORTLIST = 0.95
"""Probability with which its shortlist holds the right body."""
CONFIDENCE = 0.9
"""Confidence of every promised precision."""
LEVELS = (0.8, 0.85, 0.9, 0.925, 0.95, 0.96, 0.97, 0.98, 0.99)
"""Promises of a shortlist that are worked out."""
POINTS = 40
"""Thresholds of each tier that are tested."""
FOLDS = 5
RIDGE = 3e-3
"""Pulls the join's coefficients towards the plain product; the least cross-fitted calibration error chose it."""
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
_HOPELESS = -30.0


def fit_calibration(
    classifier: Classifier,
    held_out: Sequence[Example],
    weights: np.ndarray,
    registry: Registry,
    resolver: PlaceResolver,
) -> tuple[Calibration, dict[str, Any]]:
    """Fits the join and works out the thresholds.

    Args:
        classifier: Trained without the held-out rows.
        held_out: Rows, used where they have the body of their disposition, or are out of scope.
        weights: float array (n_rows,); how much a row counts.
        registry: The bodies.
        resolver: The places.

    Returns:
        The calibration and the figures that it reaches on the held-out rows, cross-fitted.
    """
    used = [i for i, row in enumerate(held_out) if (row.body_id or row.target == OUT_OF_SCOPE) and weights[i] > 0]
    rows = _weigh(
        [held_out[i] for i in used], weights[used], Router(classifier, registry=registry, resolver=resolver)
    )
    probabilities = np.zeros(rows.right.shape)
    for fold in range(min(FOLDS, len(used))):
        inside = rows.fold == fold
        if inside.any():
            join = fit_join(rows.only(~inside)) if not inside.all() else Join()
            probabilities[inside] = join.probabilities(rows.only(inside).candidates)
    first = _Firsts.of(rows, probabilities)
    calibration = Calibration(join=fit_join(rows), held_out=held_out_of(rows, probabilities))
    calibration, promised = _with_defaults(calibration, first)
    figures = {"promised_precision": PRECISION if promised else None}
    return calibration, figures | _figures(rows, probabilities, first, calibration)


@dataclass(frozen=True, slots=True)
class HeldOutRows:
    """All held-out rows before the join, arrays with a leading axis of rows.

    Attributes:
        candidates: Padded to `MOST_CANDIDATES` with hopeless ones.
        right: bool array (n_rows, n_candidates); no candidate is right where the message is out of scope.
        weight: float array (n_rows,).
        placed: bool array (n_rows,); whether the place is told, or not needed.
        barred: bool array (n_rows,); whether the row isn't forwarded whatever its probability.
        in_scope: bool array (n_rows,).
        fold: int array (n_rows,).
    """

    candidates: Candidates
    right: np.ndarray
    weight: np.ndarray
    placed: np.ndarray
    barred: np.ndarray
    in_scope: np.ndarray
    fold: np.ndarray

    def only(self, mask: np.ndarray) -> HeldOutRows:
        """Some of the rows."""
        parts = self.candidates
        candidates = Candidates(*(getattr(parts, name)[mask] for name in parts.__slots__))
        rest = (getattr(self, name)[mask] for name in self.__slots__ if name != "candidates")
        return HeldOutRows(candidates, *rest)


def fold_of(row: Example) -> int:
    """The fold of a held-out row, by a hash of its key; copies of one text with other places are in the same."""
    return int(hashlib.sha256(row.key.partition("#")[0].encode()).hexdigest(), 16) % FOLDS


def fit_join(rows: HeldOutRows) -> Join:
    """The coefficients of highest likelihood, pulled towards the plain product by a ridge."""
    found = minimize(join_loss, Join().coefficients, (rows,), jac=True, method="L-BFGS-B")
    return Join.from_coefficients(found.x)


def join_loss(coefficients: np.ndarray, rows: HeldOutRows) -> tuple[float, np.ndarray]:
    """Weighted negative log-likelihood of what is right, with the ridge, and its gradient."""
    share, none_right = rows.weight / rows.weight.sum(), ~rows.right.any(axis=1)
    probabilities = Join(*coefficients).probabilities(rows.candidates)
    mass = np.maximum(likelihood(rows, probabilities), 1e-12)
    posterior = probabilities * rows.right / mass[:, None]
    by_feature = np.einsum("n,nk,nkf->f", share, probabilities - posterior, features(rows.candidates))
    surplus = share * (1 - probabilities.sum(axis=1) - none_right)
    gradient = np.array([*by_feature, surplus @ rows.candidates.rest[:, 0], surplus.sum()])
    away = coefficients - Join().coefficients
    return -float(share @ np.log(mass)) + RIDGE * float(away @ away), gradient + 2 * RIDGE * away


def likelihood(rows: HeldOutRows, probabilities: np.ndarray) -> np.ndarray:
    """Probability of what is right, float array (n_rows,)."""
    found: np.ndarray = np.where(
        rows.right.any(axis=1), (probabilities * rows.right).sum(axis=1), 1 - probabilities.sum(axis=1)
    )
    return found


def effective(weight: np.ndarray) -> float:
    """Number of equally weighted rows that tell as much (Kish, 1965)."""
    return float(weight.sum() ** 2 / (weight**2).sum()) if len(weight) else 0.0


def lower_bound(right: np.ndarray, weight: np.ndarray, level: float = level_of(CONFIDENCE)) -> float:
    """One-sided lower confidence bound of the weighted share that is right (Clopper and Pearson, 1934).

    Exact for equal weights; for others an approximation by their effective number.
    """
    rows = effective(weight)
    hits = rows * float(np.average(right, weights=weight))
    return float(beta.ppf(1 - level, hits, rows - hits + 1)) if hits > 0 else 0.0


def calibration_error(probability: np.ndarray, right: np.ndarray, weight: np.ndarray, bins: int = 10) -> float:
    """Expected calibration error of weighted rows."""
    which = np.minimum((probability * bins).astype(int), bins - 1)
    gap = weight * (probability - right)
    return round(float(sum(abs(gap[which == number].sum()) for number in range(bins)) / weight.sum()), 4)


def _weigh(rows: Sequence[Example], weight: np.ndarray, router: Router) -> HeldOutRows:
    shape = (len(rows), MOST_CANDIDATES)
    topic, place = np.full(shape, _HOPELESS), np.zeros(shape)
    kind, right = np.full(shape, CENTRAL), np.zeros(shape, bool)
    known, rest = np.zeros((len(rows), 1)), np.zeros((len(rows), 1))
    placed, barred = np.zeros(len(rows), bool), np.zeros(len(rows), bool)
    neutral = Calibration()
    for i, weighed in enumerate(router.weigh([row.text for row in rows])):
        found, n = weighed.candidates, len(weighed.bodies)
        topic[i, :n], place[i, :n], kind[i, :n] = found.topic, found.place, found.kind
        known[i], rest[i] = found.known, found.rest
        right[i, :n] = [body.id == rows[i].body_id or body.id in rows[i].acceptable for body in weighed.bodies]
        placed[i] = is_placed(weighed.doubts, neutral)
        barred[i] = bool(named_doubts(weighed.doubts, neutral))
    return HeldOutRows(
        Candidates(topic, place, kind, known, rest),
        right,
        weight,
        placed,
        barred,
        np.array([row.target != OUT_OF_SCOPE for row in rows]),
        np.array([fold_of(row) for row in rows]),
    )


def _figures(
    rows: HeldOutRows, probabilities: np.ndarray, first: _Firsts, calibration: Calibration
) -> dict[str, Any]:
    """Of the cross-fitted probabilities, weighted; accuracy and calibration of the rows that have a body."""
    thresholds = np.array([calibration.forward_at[tier] for tier in first.tier])
    forwarded = ~rows.barred & (first.probability >= thresholds)
    everything, scope = np.ones(len(rows.weight), bool), rows.in_scope

    def mean(values: np.ndarray, mask: np.ndarray) -> float:
        return round(float(np.average(values[mask], weights=rows.weight[mask])), 4)

    return {
        "held_out_rows": len(rows.weight),
        "held_out_effective_rows": round(effective(rows.weight)),
        "held_out_routing_top1": mean(first.right, scope),
        "held_out_brier": mean((first.probability - first.right) ** 2, scope),
        "held_out_ece": calibration_error(first.probability[scope], first.right[scope], rows.weight[scope]),
        "held_out_log_loss": mean(-np.log(np.maximum(likelihood(rows, probabilities), 1e-12)), everything),
        "held_out_forward_coverage": mean(forwarded, everything),
        "held_out_forward_precision": mean(first.right, forwarded) if forwarded.any() else None,
    }


@dataclass(frozen=True, slots=True)
class _Firsts:
    """The first candidate of each row, arrays (n_rows,)."""

    probability: np.ndarray
    right: np.ndarray
    tier: np.ndarray
    weight: np.ndarray

    @classmethod
    def of(cls, rows: HeldOutRows, probabilities: np.ndarray) -> _Firsts:
        row, first = np.arange(len(probabilities)), probabilities.argmax(axis=1)
        tier = np.where(rows.candidates.kind[row, first] == CENTRAL, NATIONAL, REGIONAL)
        return cls(probabilities[row, first], rows.right[row, first], tier, rows.weight)

    def points(self, candidates: np.ndarray) -> tuple[Point, ...]:
        """What thresholds give among some of the rows, highest first."""
        points = []
        ranked = np.sort(self.probability[candidates])[::-1]
        for step in range(1, POINTS + 1 if len(ranked) else 0):
            threshold = float(ranked[min(len(ranked), round(step * len(ranked) / POINTS) or 1) - 1])
            forwarded = candidates & (self.probability >= threshold)
            weight = self.weight[forwarded]
            bound = lower_bound(self.right[forwarded], weight)
            coverage = weight.sum() / self.weight.sum()
            points.append(Point(*(round(float(x), 6) for x in (threshold, bound, effective(weight), coverage))))
        return tuple(dict.fromkeys(points))


def held_out_of(rows: HeldOutRows, probabilities: np.ndarray) -> HeldOut:
    """What a bundle keeps of its held-out rows, so that it can promise.

    Args:
        rows: The rows.
        probabilities: float array (n_rows, n_candidates), from a join that was fitted without them.
    """
    first, free = _Firsts.of(rows, probabilities), ~rows.barred
    forward = {tier: first.points(free & (first.tier == tier)) for tier in TIERS}
    return HeldOut(CONFIDENCE, forward | {TOGETHER: first.points(free)}, _levels(rows, probabilities))


def _levels(rows: HeldOutRows, probabilities: np.ndarray) -> tuple[Level, ...]:
    """Thresholds of the shortlist, for placed rows that have a body."""
    asked = rows.placed & rows.in_scope
    probabilities, weight = probabilities[asked], rows.weight[asked]
    reached = (probabilities * rows.right[asked]).max(axis=1, initial=0.0)
    order = np.argsort(-reached, kind="stable")
    # The row to come counts as the heaviest, and as one that isn't held: the finite-sample correction.
    held = np.cumsum(weight[order]) / (weight.sum() + weight.max(initial=0.0)) if len(weight) else np.zeros(0)
    levels = []
    for promised in LEVELS:
        last = int(np.searchsorted(held, promised))
        if last < len(held) and reached[order][last] > 0:
            threshold = round(float(reached[order][last]) * 0.999, 6)
            sizes = np.maximum(1, (probabilities >= threshold).sum(axis=1))
            levels.append(Level(promised, threshold, round(float(np.average(sizes, weights=weight)), 2)))
    return tuple(levels)


def _with_defaults(calibration: Calibration, first: _Firsts) -> tuple[Calibration, bool]:
    """The default promises' thresholds and whether the precision is promised.

    Where the rows are too few for that, the thresholds are those that reached it on them.
    """
    promised = True
    try:
        calibration = calibration.keeping(calibration.promise(PRECISION))
    except InputError:
        promised = False
        lowest = forward_threshold(first.probability, first.right, first.weight)
        calibration = replace(calibration, forward_at=dict.fromkeys(TIERS, round(lowest, 4)))
    try:
        return calibration.listing(SHORTLIST), promised
    except InputError:
        return calibration, promised


def forward_threshold(probability: np.ndarray, right: np.ndarray, weight: np.ndarray) -> float:
    """The lowest probability above which the weighted precision is at least `PRECISION`, without a guarantee."""
    order = np.argsort(-probability)
    hits = np.cumsum((right * weight)[order]) / np.cumsum(weight[order])
    good = np.flatnonzero(hits >= PRECISION)
    return float(probability[order][good[-1]]) if len(good) else 0.99
