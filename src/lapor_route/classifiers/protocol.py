"""The contract between the router and whatever reads the topic of a complaint."""

from __future__ import annotations

from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import numpy as np

from lapor_route.errors import BundleError, ClassifierError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lapor_route.bodies import Registry

ENTRY_POINT_GROUP = "lapor_route.classifiers"
PROVINCE, LOCAL, OUT_OF_SCOPE = "provinsi", "kabupaten_kota", "out_of_scope"
SPECIAL_LABELS = (PROVINCE, LOCAL, OUT_OF_SCOPE)
"""Labels that aren't body ids: the two regional tiers, and "no government body's business"."""


@runtime_checkable
class Classifier(Protocol):
    """Anything that gives a probability for each of its labels.

    Attributes:
        labels: Body ids of the registry, the tiers ``provinsi`` and ``kabupaten_kota``, and
            ``out_of_scope``, in any mix. A flat model may name all 679 bodies.
    """

    @property
    def labels(self) -> Sequence[str]:
        """The labels, in the order of the columns of `predict_proba`."""
        ...

    def predict_proba(self, texts: Sequence[str]) -> np.ndarray:
        """Probability of each label.

        Args:
            texts: Complaints.

        Returns:
            Float array (n_texts, n_labels); rows sum to at most 1.
        """
        ...


def check_labels(labels: Sequence[str], registry: Registry) -> None:
    """Refuses labels that the router can't turn into bodies.

    Raises:
        ClassifierError: A label is neither a body id of the registry nor a tier, or stands twice.
    """
    unknown = [label for label in labels if label not in registry and label not in SPECIAL_LABELS]
    if unknown:
        raise ClassifierError(
            f"the classifier's labels {unknown[:5]} are neither body ids of registry {registry.version} nor one "
            f"of {', '.join(SPECIAL_LABELS)}; `lapor-route bodies QUERY` finds the right ids"
        )
    if len(set(labels)) != len(labels):
        raise ClassifierError("the classifier names a label twice")
    if not labels:
        raise ClassifierError("the classifier has no labels")


def load_engine(name: str) -> Any:
    """The engine class that an installed package offers under a name.

    Raises:
        BundleError: No installed package offers it.
    """
    found = entry_points(group=ENTRY_POINT_GROUP, name=name)
    for entry_point in found:
        return entry_point.load()
    known = sorted(entry_points(group=ENTRY_POINT_GROUP).names)
    raise BundleError(
        f"the bundle needs the classifier engine {name!r}, which isn't installed; installed are {known}"
    )


def softmax(scores: np.ndarray) -> np.ndarray:
    """Probabilities from scores, float array (n_texts, n_labels); rows sum to 1."""
    scores = np.exp(scores - scores.max(axis=1, keepdims=True, initial=-np.inf))
    probabilities: np.ndarray = scores / scores.sum(axis=1, keepdims=True)
    return probabilities
