"""The joint engine: the linear model and BERT, their log-probabilities added with learned weights."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from lapor_route.classifiers.bert import BertClassifier
from lapor_route.classifiers.linear import LinearClassifier
from lapor_route.classifiers.protocol import Classifier, softmax
from lapor_route.errors import BundleError
from lapor_route.evidence.words import combine, contributions

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from lapor_route.routing import WordWeight

SETTINGS_FILE = "joint.json"
_LEAST = 1e-9


@dataclass(frozen=True, slots=True)
class JointSettings:
    """How the parts are added.

    Attributes:
        linear: Weight of the linear model's log-probabilities.
        bert: Weight of BERT's.
        bias: Added to each label's sum; one number a label.
    """

    linear: float
    bert: float
    bias: tuple[float, ...]

    def save(self, folder: Path) -> None:
        """Writes `joint.json`."""
        content = {"linear": self.linear, "bert": self.bert, "bias": list(self.bias)}
        (folder / SETTINGS_FILE).write_text(json.dumps(content) + "\n", encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> JointSettings:
        """Reads `joint.json`."""
        data = json.loads((folder / SETTINGS_FILE).read_text(encoding="utf-8"))
        return cls(float(data["linear"]), float(data["bert"]), tuple(map(float, data["bias"])))


class JointClassifier:
    """A logarithmic opinion pool (Genest and Zidek, 1986) of two classifiers with the same labels.

    Args:
        linear: The first.
        bert: The second.
        settings: Their weights.
    """

    def __init__(self, linear: Classifier, bert: Classifier, settings: JointSettings) -> None:
        self.linear = linear
        self.bert = bert
        self.settings = settings

    @property
    def labels(self) -> Sequence[str]:
        """The labels, in the order of the columns."""
        return self.linear.labels

    def predict_proba(self, texts: Sequence[str]) -> np.ndarray:
        """Probabilities, float32 array (n_texts, n_labels); rows sum to 1."""
        return pool(self.linear.predict_proba(texts), self.bert.predict_proba(texts), self.settings)

    def contributions(self, text: str, label: str) -> tuple[WordWeight, ...]:
        """What each word adds to a label's sum before it is normalised, in the order of the text.

        That is the weighted sum of what it adds in either part: to the linear model's score, exactly, and to
        BERT's log-probability, by occlusion.

        Raises:
            ClassifierError: The classifier has no such label.
        """
        linear, bert = (contributions(part, text, label) for part in (self.linear, self.bert))
        return combine(linear, self.settings.linear, bert, self.settings.bert)

    @classmethod
    def load(
        cls, folder: Path, labels: Sequence[str], *, backend: str = "onnx", threads: int | None = None
    ) -> JointClassifier:
        """Reads a bundle's two parts and their weights.

        Raises:
            BundleError: The files don't fit together.
            MissingExtraError: A part needs a package that isn't installed.
        """
        settings = JointSettings.load(folder)
        if len(settings.bias) != len(labels):
            raise BundleError(
                f"{folder / SETTINGS_FILE} has {len(settings.bias)} numbers for {len(labels)} labels; "
                "export the bundle again"
            )
        linear = LinearClassifier.load(folder, labels)
        return cls(linear, BertClassifier.load(folder, labels, backend=backend, threads=threads), settings)


def pool(linear: np.ndarray, bert: np.ndarray, settings: JointSettings) -> np.ndarray:
    """The probabilities of both, joined.

    Args:
        linear: float array (n_texts, n_labels).
        bert: float array of the same shape.
        settings: Weights and bias.

    Returns:
        float32 array of the same shape; rows sum to 1.
    """
    logs = (np.log(np.maximum(part, _LEAST, dtype=np.float32)) for part in (linear, bert))
    weights = (settings.linear, settings.bert)
    scores = sum(weight * log for weight, log in zip(weights, logs, strict=True))
    return softmax(scores + np.array(settings.bias, dtype=np.float32))
