"""The BERT engine: a fine-tuned encoder, by ONNX Runtime or torch."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import numpy as np

from lapor_route.classifiers.backends import load_backend
from lapor_route.classifiers.protocol import softmax
from lapor_route.classifiers.tokens import encode, load_segmenter
from lapor_route.errors import BundleError, ClassifierError
from lapor_route.stages import stage

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from lapor_route.classifiers.backends import Backend
    from lapor_route.classifiers.tokens import Segmenter

SETTINGS_FILE = "bert.json"
TOKEN_BUDGET = 512
"""Tokens of one batch, padding included, at most: long texts come in small batches, short ones in large. As many as
a core's cache holds: 256 to 512 gave about the same texts a second, 1024 and more fewer."""
_LEAST_BUDGET = 128
"""Tokens below which a batch isn't split, only to keep every thread busy."""


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

        def fill(rows: list[int]) -> None:
            found = self.backend.scores(*pad([inputs[row] for row in rows], self.segmenter.pad))
            if found.shape != (len(rows), len(self.labels)):
                raise ClassifierError(
                    f"the encoder gives scores of shape {found.shape} for {len(self.labels)} labels"
                )
            scores[rows] = found

        with stage("encode"):
            lengths = [len(ids) for ids in inputs]
            share = max(sum(lengths) // self.backend.at_once, _LEAST_BUDGET)
            _run(fill, [*batches(lengths, min(self.token_budget, share))], self.backend.at_once)
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
            threads: Threads that it may use; by default one a core.

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


def _run(work: Callable[[list[int]], None], batches: list[list[int]], at_once: int) -> None:
    """Does some work with every batch, several at a time; the longest texts first, so that all end together.

    The threads live as long as the call: a process that was forked from this one has none to miss.
    """
    if min(at_once, len(batches)) < 2:
        for rows in batches:
            work(rows)
        return
    with ThreadPoolExecutor(at_once, "lapor-route-encoder") as pool:
        for _ in pool.map(work, reversed(batches)):
            pass


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

    The number of tokens is even: ONNX Runtime sums an odd number in another order, and a text's answer would depend
    on its neighbours in the last digit.
    """
    longest = -(-max(len(ids) for ids in inputs) // 2) * 2
    ids = np.full((len(inputs), longest), padding, dtype=np.int64)
    mask = np.zeros((len(inputs), longest), dtype=np.int64)
    for row, tokens in enumerate(inputs):
        ids[row, : len(tokens)] = tokens
        mask[row, : len(tokens)] = 1
    return ids, mask
