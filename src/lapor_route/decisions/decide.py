"""From probabilities to a decision: calibration, thresholds, and a reason for every doubt."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

import numpy as np

from lapor_route.errors import BundleError
from lapor_route.routing import ASK, FORWARD, REVIEW

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


@dataclass(frozen=True, slots=True)
class Calibration:
    """What is fitted on held-out training data and kept in `calibration.json`.

    Attributes:
        national_power: Exponent of a central body's joint probability (1 leaves it as it is).
        regional_power: The same for a regional body.
        regional_bias: Log-odds added to regional bodies.
        place_bias: More of it, times the probability of the likeliest kabupaten/kota: who names a village
            mostly writes about it.
        slope: Of the first candidate's log-odds, in the logistic (Platt) calibration that comes last.
        intercept: The same calibration's constant.
        forward_at: Probability from which a complaint is forwarded.
        shortlist_mass: Probability that the shortlist holds.
        scope_at: Probability of "no government's business" from which nothing is forwarded.
        region_at: A regional complaint whose likeliest region is less probable needs a question.
    """

    national_power: float = 1.0
    regional_power: float = 1.0
    regional_bias: float = 0.0
    place_bias: float = 0.0
    slope: float = 1.0
    intercept: float = 0.0
    forward_at: float = 0.8
    shortlist_mass: float = 0.95
    scope_at: float = 0.5
    region_at: float = 0.6

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Calibration:
        """Reads `calibration.json`.

        Raises:
            BundleError: A key is unknown or no number.
        """
        if not isinstance(data, dict):
            raise BundleError("calibration.json must be a JSON object")
        known = {field.name for field in fields(cls)}
        wrong = [key for key, value in data.items() if key not in known or type(value) not in (int, float)]
        if wrong:
            raise BundleError(f"calibration.json has unusable entries: {', '.join(wrong)}")
        signed = {"regional_bias", "place_bias", "intercept"}
        negative = [key for key, value in data.items() if key not in signed and not value >= 0]
        if negative:
            raise BundleError(f"calibration.json has negative entries: {', '.join(negative)}")
        return cls(**data)

    def calibrate(self, joint: np.ndarray, is_regional: np.ndarray, place_known: float) -> np.ndarray:
        """Calibrated probabilities of the candidates, sum at most 1.

        Args:
            joint: Float array (n_candidates,), P(topic) times P(region); sum at most 1.
            is_regional: Bool array (n_candidates,).
            place_known: Probability of the likeliest kabupaten/kota, given the text.
        """
        return self._surest(self.weigh(joint, is_regional, place_known)) if len(joint) else joint

    def weigh(self, joint: np.ndarray, is_regional: np.ndarray, place_known: float | np.ndarray) -> np.ndarray:
        """The part of the calibration before the last, logistic step.

        Works on one complaint, arrays (n_candidates,), or on many, arrays (n_complaints, n_candidates) with
        `place_known` (n_complaints, 1).
        """
        bias = np.exp(self.regional_bias + self.place_bias * place_known)
        scaled = np.where(is_regional, joint**self.regional_power * bias, joint**self.national_power)
        rest = np.maximum(0.0, 1.0 - joint.sum(axis=-1, keepdims=True))
        weighed: np.ndarray = scaled / (scaled.sum(axis=-1, keepdims=True) + rest)
        return weighed

    def _surest(self, probabilities: np.ndarray) -> np.ndarray:
        """Calibrates the first candidate's probability; the others shrink where it grows."""
        if self.slope == 1.0 and self.intercept == 0.0:
            return probabilities
        first = int(probabilities.argmax())
        before = float(np.clip(probabilities[first], 1e-6, 1 - 1e-6))
        log_odds = np.log(before / (1 - before))
        after = float(1 / (1 + np.exp(-(self.slope * log_odds + self.intercept))))
        calibrated: np.ndarray = np.minimum(probabilities * min(1.0, (1 - after) / (1 - before)), after)
        calibrated[first] = after
        return calibrated


@dataclass(frozen=True, slots=True)
class Doubts:
    """What the decision looks at beside the candidates.

    Attributes:
        words: Number of words in the complaint and its place field.
        out_of_scope: Probability that it's no government's business.
        province_tier: Probability of the tier ``provinsi``.
        local_tier: Probability of the tier ``kabupaten_kota``.
        best_local: Probability of the likeliest kabupaten/kota, given the text.
        best_province: Probability of the likeliest province, given the text.
        place_unknown: Probability that the text doesn't tell the place.
    """

    words: int
    out_of_scope: float
    province_tier: float
    local_tier: float
    best_local: float
    best_province: float
    place_unknown: float


LEAST_LISTED = 0.01
"""Bodies that are less probable don't come on a shortlist, even where it stays short of its promised mass."""
SHORTEST = 3
"""Words below which a complaint is too short to be routed."""
UNTOLD = 0.3
"""Probability of "the text doesn't tell the place" from which the place is missing, not just ambiguous."""


def decide(
    probabilities: np.ndarray, kinds: Sequence[str], doubts: Doubts, calibration: Calibration
) -> tuple[str, tuple[str, ...], int]:
    """What to do with a complaint.

    Args:
        probabilities: Calibrated probabilities of the candidates, best first.
        kinds: Their kinds: ``province``, ``local`` or ``central``.
        doubts: What else there is to know.
        calibration: The thresholds.

    Returns:
        The decision, the reasons, and the length of the shortlist.
    """
    best = float(probabilities[0]) if len(probabilities) else 0.0
    length = 1 + int(np.searchsorted(np.cumsum(probabilities), calibration.shortlist_mass))
    length = min(length, max(1, int((probabilities >= LEAST_LISTED).sum())), len(probabilities))
    if doubts.out_of_scope >= calibration.scope_at and doubts.words >= SHORTEST:
        return REVIEW, ("out_of_scope",), length
    if best >= calibration.forward_at:
        return (FORWARD, (), length) if doubts.words >= SHORTEST else (ASK, ("too_short",), length)
    reasons = _reasons(doubts, calibration) or (_closest_doubt(kinds),)
    asks = not {"too_short", "place_missing", "place_ambiguous"}.isdisjoint(reasons)
    return (ASK if asks else REVIEW), reasons, length


def _reasons(doubts: Doubts, calibration: Calibration) -> tuple[str, ...]:
    reasons: list[str] = []
    if doubts.words < SHORTEST:
        reasons.append("too_short")
    regional = doubts.local_tier + doubts.province_tier
    if regional > 0.5:
        known = doubts.best_local if doubts.local_tier >= doubts.province_tier else doubts.best_province
        if known < calibration.region_at:
            reasons.append("place_missing" if doubts.place_unknown >= UNTOLD else "place_ambiguous")
        if min(doubts.local_tier, doubts.province_tier) > 0.25 * regional:
            reasons.append("tier_ambiguous")
    if regional < 0.8:
        reasons.append("topic_ambiguous")
    return tuple(reasons)


def _closest_doubt(kinds: Sequence[str]) -> str:
    """The doubt between the first two candidates, where nothing else stands out."""
    first_two = set(kinds[:2])
    if first_two == {"local"} and len(kinds) > 1:
        return "place_ambiguous"
    return "tier_ambiguous" if first_two == {"local", "province"} else "topic_ambiguous"
