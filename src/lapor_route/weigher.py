"""A complaint before the join: the bodies that its topic and its place speak for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from lapor_route.bodies.registry import DKI
from lapor_route.classifiers.protocol import LOCAL as LOCAL_TIER
from lapor_route.classifiers.protocol import OUT_OF_SCOPE
from lapor_route.classifiers.protocol import PROVINCE as PROVINCE_TIER
from lapor_route.decisions import Candidates, Doubts
from lapor_route.decisions.decide import telling_words
from lapor_route.decisions.join import CENTRAL, LOCAL, PROVINCE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lapor_route.bodies import Body
    from lapor_route.places import PlaceResolver, Resolution

MOST_CANDIDATES = 25
"""Candidates that are considered for the shortlist, at most."""
_NEGLIGIBLE = 1e-9


@dataclass(frozen=True, slots=True)
class Weighed:
    """A complaint before the join.

    Attributes:
        bodies: The bodies that may be in charge, at most `MOST_CANDIDATES`, likeliest first.
        candidates: The same, as the join sees them.
        doubts: What the decision looks at beside them.
    """

    bodies: list[Body]
    candidates: Candidates
    doubts: Doubts


class Weigher:
    """Turns the columns of a classifier and the regions of a resolver into bodies.

    Args:
        bodies: The connected ones.
        labels: The classifier's.
        resolver: The places.
    """

    def __init__(self, bodies: Sequence[Body], labels: Sequence[str], resolver: PlaceResolver) -> None:
        self._bodies = bodies
        self._column = {label: i for i, label in enumerate(labels)}
        self._layout = _Layout.of(bodies, labels, resolver)

    def weigh(self, text: str, place: str | None, row: np.ndarray, resolution: Resolution) -> Weighed:
        """The likeliest bodies by P(topic) x P(place), and what makes the decision doubtful.

        Args:
            text: The complaint.
            place: Its place field, if any.
            row: float array (n_labels,); the classifier's probabilities.
            resolution: Where it happens.
        """
        layout = self._layout
        local_tier, province_tier, out_of_scope = (
            float(row[self._column[label]]) if label in self._column else 0.0
            for label in (LOCAL_TIER, PROVINCE_TIER, OUT_OF_SCOPE)
        )
        joint, share = np.zeros(len(self._bodies)), np.ones(len(self._bodies))
        for bodies, tier, regions in (
            (layout.province_bodies, province_tier, resolution.provinces[layout.province_states]),
            (layout.local_bodies, local_tier, resolution.local[layout.local_states]),
        ):
            joint[bodies] += tier * regions
            if tier:
                share[bodies] = regions
        joint[layout.label_bodies] += row[layout.label_columns]
        likeliest = np.argsort(-joint, kind="stable")[:MOST_CANDIDATES]
        likeliest = likeliest[joint[likeliest] > _NEGLIGIBLE]
        best_local = float(resolution.local.max(initial=0.0))
        flat_local, flat_province = (
            float(row[columns].sum()) if len(columns) else 0.0 for columns in layout.flat_columns
        )
        topics = sorted(
            [*row[layout.central_columns].tolist(), local_tier + province_tier + flat_local + flat_province]
        )
        doubts = Doubts(
            words=len(text.split()) + bool(place and place.strip()),
            telling=telling_words(text),
            rival=topics[-2] if len(topics) > 1 else 0.0,
            out_of_scope=out_of_scope,
            province_tier=province_tier + flat_province,
            local_tier=local_tier + flat_local,
            best_local=best_local,
            best_province=float(resolution.provinces.max(initial=0.0)),
            place_unknown=resolution.unknown,
        )
        candidates = Candidates.of(joint[likeliest], share[likeliest], layout.kinds[likeliest], best_local)
        return Weighed([self._bodies[i] for i in likeliest], candidates, doubts)


@dataclass(frozen=True, slots=True)
class _Layout:
    """Which column of the classifier, or which region, belongs to which connected body (index arrays).

    `kinds` are the bodies' in the join; `flat_columns` the classifier's columns that are regional bodies themselves
    (local ones, provinces), `central_columns` those that are central ones.
    """

    local_states: np.ndarray
    local_bodies: np.ndarray
    province_states: np.ndarray
    province_bodies: np.ndarray
    label_columns: np.ndarray
    label_bodies: np.ndarray
    kinds: np.ndarray
    flat_columns: tuple[np.ndarray, np.ndarray]
    central_columns: np.ndarray

    @classmethod
    def of(cls, bodies: Sequence[Body], labels: Sequence[str], resolver: PlaceResolver) -> _Layout:
        index = {body.id: i for i, body in enumerate(bodies)}

        def pairs(names: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
            known = [(i, index[name]) for i, name in enumerate(names) if name in index]
            columns = np.array(known, dtype=np.intp).reshape(-1, 2)
            return columns[:, 0], columns[:, 1]

        def columns_of(kind: int) -> np.ndarray:
            of_kind = [
                i for i, label in enumerate(labels) if label in index and _kind(bodies[index[label]]) == kind
            ]
            return np.array(of_kind, dtype=np.intp)

        return cls(
            *pairs(resolver.local_ids),
            *pairs(resolver.province_ids),
            *pairs(labels),
            np.array([_kind(body) for body in bodies]),
            (columns_of(LOCAL), columns_of(PROVINCE)),
            columns_of(CENTRAL),
        )


def _kind(body: Body) -> int:
    """What a body is in the join: DKI Jakarta counts as local."""
    if not body.is_regional:
        return CENTRAL
    return PROVINCE if body.kind == "province" and body.id != DKI else LOCAL
