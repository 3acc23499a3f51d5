"""Moves a classifier from the mix of its training data towards the mix that LAPOR! really gets.

The crawls that most texts come from hold national bodies alone, about a thousand texts each, where a natural mix
is more than half regional. The correction is the usual one for label shift: to the log-probability of a label
add the log-ratio of its natural to its training share (Saerens et al., 2002), here weakened by a strength
between 0 and 1, since the natural shares are counted on one small file.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING

import numpy as np

from lapor_route.classifiers.protocol import OUT_OF_SCOPE
from training.data import MIXED_SOURCE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from training.data import Example

STRENGTHS = (0.0, 0.2, 0.35, 0.5)


def log_ratios(labels: Sequence[str], trained_on: Sequence[Example], real: Sequence[Example]) -> np.ndarray:
    """Log of each label's share in the mixed file over its weighted share in training, float array (n_labels,).

    Without the mixed file nothing is shifted. A label without a row in it counts as half a row. What is out of
    scope has no natural share that the data would show, and stays where it is.
    """
    natural: Counter[str] = Counter()
    trained: defaultdict[str, float] = defaultdict(float)
    for example in trained_on:
        trained[example.target] += example.weight
    for example in real:
        natural[example.target] += example.source == MIXED_SOURCE
    if not natural.total():
        return np.zeros(len(labels))
    shares = np.array([natural[label] + 0.5 for label in labels])
    weights = np.array([trained[label] for label in labels], dtype=float)
    ratios: np.ndarray = np.log(shares / shares.sum()) - np.log(weights / weights.sum())
    if OUT_OF_SCOPE in labels:
        ratios[list(labels).index(OUT_OF_SCOPE)] = 0.0
    return ratios
