"""The BERT engine: a fine-tuned encoder, by ONNX Runtime or torch."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import numpy as np

from lapor_route.classifiers.backends import load_backend
from lapor_route.classifiers.protocol import softmax
from lapor_route.classifiers.tokens import encode, load_segmenter
from lapor_route.errors import BundleError, ClassifierError
from lapor_route.stages import stage

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from lapor_route.classifiers.backends import Backend
    from lapor_route.classifiers.tokens import Segmenter

SETTINGS_FILE = "bert.json"
TOKEN_BUDGET = 512
"""Tokens of one batch, padding included: long texts come in small batches, short ones in large. As many as a core's
cache holds: of 512, 1024, 2048 and 4096, measured on 2 cores, the smallest gave the most texts a second."""


@dataclass(frozen=True, slots=True)
class BertSettings:
    """What a bundle says about its encoder, beside its weights.

    Attributes:
        labels: One a column of the scores.
        max_tokens: Longest input; a longer text is read at its head and its tail.
        temperature: Divides the scores before the softmax.
        bias: Added to the scores after that, one number a label; none adds nothing.
    """

    labels: tuple[str, ...]
    max_tokens: int
    temperature: float = 1.0
    bias: tuple[float, ...] = ()

    def save(self, folder: Path) -> None:
        """Writes `bert.json`."""
        (folder / SETTINGS_FILE).write_text(json.dumps(asdict(self), indent=1) + "\n", encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> BertSettings:
        """Reads `bert.json`."""
        data = json.loads((folder / SETTINGS_FILE).read_text(encoding="utf-8"))
        return cls(tuple(data["labels"]), data["max_tokens"], data["temperature"], tuple(data["bias"]))


class BertClassifier:
    """A fine-tuned encoder, followed by a softmax.

    Args:
        settings: Labels, longest input, temperature.
        segmenter: Cuts texts into token ids.
        backend: Computes the scores.
        token_budget: Tokens of one batch, padding included.
    """

    def __init__(
        self, settings: BertSettings, segmenter: Segmenter, backend: Backend, token_budget: int = TOKEN_BUDGET
    ) -> None:
        self.settings = settings
        self.segmenter = segmenter
        self.backend = backend
        self.token_budget = token_budget

    @property
    def labels(self) -> Sequence[str]:
        """The labels, in the order of the columns."""
        return self.settings.labels

    def decision_function(self, texts: Sequence[str]) -> np.ndarray:
        """Scores before the softmax, float32 array (n_texts, n_labels)."""
        with stage("tokenise"):
            inputs = encode(self.segmenter, texts, self.settings.max_tokens)
        scores = np.empty((len(texts), len(self.labels)), dtype=np.float32)
        for rows in batches([len(ids) for ids in inputs], self.token_budget):
            with stage("encode"):
                found = self.backend.scores(*pad([inputs[row] for row in rows], self.segmenter.pad))
            if found.shape != (len(rows), len(self.labels)):
                raise ClassifierError(
                    f"the encoder gives scores of shape {found.shape} for {len(self.labels)} labels"
                )
            scores[rows] = found
        return scores

    def predict_proba(self, texts: Sequence[str]) -> np.ndarray:
        """Probabilities, float32 array (n_texts, n_labels); rows sum to 1."""
        scores = self.decision_function(texts) / self.settings.temperature
        return softmax(scores + np.array(self.settings.bias, np.float32) if self.settings.bias else scores)

    @classmethod
    def load(
        cls, folder: Path, labels: Sequence[str], *, backend: str = "onnx", threads: int | None = None
    ) -> BertClassifier:
        """Reads a bundle's encoder.

        Args:
            folder: The bundle.
            labels: What its manifest names.
            backend: ``onnx`` or ``torch``.
            threads: Threads inside one batch; by default one a core.

        Raises:
            BundleError: The files don't fit together, or the bundle lacks the backend's weights.
            MissingExtraError: The backend or the tokeniser needs a package that isn't installed.
        """
        settings = BertSettings.load(folder)
        if settings.labels != tuple(labels):
            raise BundleError(f"the encoder in {folder} was trained for other labels than the manifest names")
        if len(settings.bias) not in (0, len(labels)):
            raise BundleError(
                f"the bias in {folder / SETTINGS_FILE} has {len(settings.bias)} numbers for {len(labels)} labels; "
                "export the bundle again"
            )
        return cls(settings, load_segmenter(folder), load_backend(folder, backend, threads))


def batches(lengths: Sequence[int], token_budget: int) -> Iterator[list[int]]:
    """Row numbers in batches of like length, each within a budget of tokens, padding included.

    A text longer than the budget comes alone.
    """
    batch: list[int] = []
    for row in sorted(range(len(lengths)), key=lambda row: lengths[row]):
        if batch and (len(batch) + 1) * lengths[row] > token_budget:
            yield batch
            batch = []
        batch.append(row)
    if batch:
        yield batch


def pad(inputs: Sequence[Sequence[int]], padding: int) -> tuple[np.ndarray, np.ndarray]:
    """Ids and mask of a batch, int64 arrays (n_texts, n_tokens); texts end at the left of their padding.

    The number of tokens is even: of an odd number of rows ONNX Runtime's MatMulNBits rounds one otherwise, and a
    text's answer would depend on its neighbours.
    """
    longest = -(-max(len(ids) for ids in inputs) // 2) * 2
    ids = np.full((len(inputs), longest), padding, dtype=np.int64)
    mask = np.zeros((len(inputs), longest), dtype=np.int64)
    for row, tokens in enumerate(inputs):
        ids[row, : len(tokens)] = tokens
        mask[row, : len(tokens)] = 1
    return ids, mask
