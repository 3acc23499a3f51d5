"""The join: from what a complaint is about and where it happens to one probability a body."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

import numpy as np

from lapor_route.errors import BundleError

if TYPE_CHECKING:
    from collections.abc import Mapping

CENTRAL, LOCAL, PROVINCE = range(3)
"""Kinds of a candidate; DKI Jakarta counts as local."""
_LEAST = 1e-9
# Which features hold the topic, the place and how well the place is known; the others are constants.
_TOPICS, _PLACES, _KNOWN = [0, 1, 5], [2, 6], [4, 8]
# Which features count for a kind: central, local, province.
_COUNTS = np.array([[1, 0, 0, 0, 0, 0, 0, 0, 0], [0, 1, 1, 1, 1, 0, 0, 0, 0], [0, 0, 0, 0, 0, 1, 1, 1, 1]], float)


@dataclass(frozen=True, slots=True)
class Candidates:
    """The bodies that may be in charge, before they are weighed against each other.

    Every field is of one complaint, with the shapes below, or of many, with a leading axis.

    Attributes:
        topic: float array (n_candidates,); log-probability of the body's label.
        place: float array (n_candidates,); log-probability of its region, 0 where the label needs none.
        kind: int array (n_candidates,); `CENTRAL`, `LOCAL` or `PROVINCE`.
        known: float array (1,); probability of the likeliest kabupaten/kota, given the text.
        rest: float array (1,); log of the probability that is left for every other body, and for none.
    """

    topic: np.ndarray
    place: np.ndarray
    kind: np.ndarray
    known: np.ndarray
    rest: np.ndarray

    @classmethod
    def of(cls, joint: np.ndarray, place: np.ndarray, kind: np.ndarray, known: float) -> Candidates:
        """Candidates from their joint probability P(topic) x P(place), and its second factor."""
        place = np.log(np.maximum(place, _LEAST))
        rest = np.array([np.log(max(1.0 - float(joint.sum()), _LEAST))])
        return cls(np.log(np.maximum(joint, _LEAST)) - place, place, kind, np.array([known]), rest)


@dataclass(frozen=True, slots=True)
class Join:
    """A conditional logit (McFadden, 1974) over the candidates and "none of them".

    A body's score is the sum of its coefficients times its features: the log-probabilities of topic and place,
    a constant of its kind, and how well the place is known. Who names a village mostly writes about it: so
    a told place speaks for regional bodies whatever the topic. The defaults give P(topic) x P(place), unchanged.
    """

    central_topic: float = 1.0
    local_topic: float = 1.0
    local_place: float = 1.0
    local_constant: float = 0.0
    local_known: float = 0.0
    province_topic: float = 1.0
    province_place: float = 1.0
    province_constant: float = 0.0
    province_known: float = 0.0
    none_rest: float = 1.0
    none_constant: float = 0.0

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Join:
        """Reads the entry `join` of `calibration.json`.

        Raises:
            BundleError: A key is unknown, or a value no finite number.
        """
        if not isinstance(data, dict):
            raise BundleError("calibration.json's join must be a JSON object")
        known = {field.name for field in fields(cls)}
        wrong = [key for key, value in data.items() if key not in known or not is_number(value)]
        if wrong:
            raise BundleError(f"calibration.json has unusable entries in join: {', '.join(wrong)}")
        return cls(**data)

    @classmethod
    def from_coefficients(cls, coefficients: np.ndarray) -> Join:
        """A join from its coefficients, in the order of the fields."""
        return cls(*(round(float(value), 4) for value in coefficients))

    @property
    def coefficients(self) -> np.ndarray:
        """The coefficients, float array (n_features + 2,), in the order of the fields."""
        return np.array([getattr(self, field.name) for field in fields(self)])

    def probabilities(self, candidates: Candidates) -> np.ndarray:
        """Calibrated probabilities, float array (..., n_candidates); they sum to at most 1."""
        *of_bodies, none_rest, none_constant = self.coefficients
        scores = features(candidates) @ np.array(of_bodies)
        none = none_rest * candidates.rest + none_constant
        highest = np.maximum(scores.max(axis=-1, keepdims=True, initial=-np.inf), none)
        odds = np.exp(scores - highest)
        probabilities: np.ndarray = odds / (odds.sum(axis=-1, keepdims=True) + np.exp(none - highest))
        return probabilities


def features(candidates: Candidates) -> np.ndarray:
    """What the coefficients are multiplied with, float array (..., n_candidates, n_features)."""
    found = np.ones((*candidates.kind.shape, len(_COUNTS[0])))
    found[..., _TOPICS] = candidates.topic[..., None]
    found[..., _PLACES] = candidates.place[..., None]
    found[..., _KNOWN] = candidates.known[..., None]
    found *= _COUNTS[candidates.kind]
    return found


def is_number(value: Any) -> bool:
    """Whether a JSON value is a finite number."""
    return type(value) in (int, float) and bool(np.isfinite(value))
