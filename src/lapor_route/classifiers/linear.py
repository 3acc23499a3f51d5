"""The linear engine: n-grams and one weight vector per label, in numpy alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from safetensors.numpy import load_file, save_file

from lapor_route.classifiers.ngrams import NgramVectorizer, words_at
from lapor_route.classifiers.protocol import softmax
from lapor_route.classifiers.tokens import NGRAMS_PART, read_part, write_part
from lapor_route.errors import BundleError
from lapor_route.evidence.words import column_of, weigh_words
from lapor_route.stages import stage

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from lapor_route.routing import WordWeight


class LinearClassifier:
    """A linear model over word and character n-grams, followed by a softmax.

    The field's strong baseline. Weights are kept as 8-bit integers with one scale a feature, a quarter of
    float32's size; the change of the scores stays below the last digit that matters.

    Args:
        labels: One a column.
        vectorizer: Turns a text into a sparse vector.
        weights: int8 array (n_features, n_labels).
        scales: float32 array (n_features,); what one step of a feature's weights is worth.
        bias: float32 array (n_labels,).
        temperature: Divides the scores before the softmax.
    """

    def __init__(
        self,
        labels: Sequence[str],
        vectorizer: NgramVectorizer,
        weights: np.ndarray,
        scales: np.ndarray,
        bias: np.ndarray,
        temperature: float = 1.0,
    ) -> None:
        self._labels = tuple(labels)
        self.vectorizer = vectorizer
        self.weights = weights
        self.scales = scales
        self.bias = bias
        self.temperature = temperature

    @property
    def labels(self) -> Sequence[str]:
        """The labels, in the order of the columns."""
        return self._labels

    def decision_function(self, texts: Sequence[str]) -> np.ndarray:
        """Scores before the softmax, float32 array (n_texts, n_labels)."""
        scores = np.empty((len(texts), len(self._labels)), dtype=np.float32)
        for row, text in enumerate(texts):
            columns, values = self.vectorizer.transform(text)
            weights = self.weights[columns].astype(np.float32)
            # Not `@`: a BLAS would keep threads of its own spinning beside the encoder's.
            np.einsum("i,ij->j", values * self.scales[columns], weights, out=scores[row])
        scores += self.bias
        return scores

    def predict_proba(self, texts: Sequence[str]) -> np.ndarray:
        """Probabilities, float32 array (n_texts, n_labels); rows sum to 1."""
        with stage("ngrams"):
            return softmax(self.decision_function(texts) / self.temperature)

    def contributions(self, text: str, label: str) -> tuple[WordWeight, ...]:
        """What each word adds to a label's score, in the order of the text.

        Exact: with the label's `bias` over the temperature, the weights add up to its score over the
        temperature. Each n-gram's share goes in equal parts to its occurrences, a word pair's to both words.

        Raises:
            ClassifierError: The classifier has no such label.
        """
        column = column_of(self._labels, label)
        words, starts = words_at(text)
        used, values = self.vectorizer.transform(text)
        shares = values * self.scales[used] * self.weights[used, column] / self.temperature
        return weigh_words(text, starts, self.vectorizer.spread(words, used, shares))

    def save(self, folder: Path) -> None:
        """Writes `linear.safetensors`, and the n-grams into `tokenizer.json`."""
        tokenizer = {
            "temperature": self.temperature,
            "labels": list(self._labels),
            "vocabulary": list(self.vectorizer.vocabulary),
        }
        write_part(folder, NGRAMS_PART, tokenizer)
        tensors = {
            "weights": self.weights,
            "scales": self.scales,
            "bias": self.bias,
            "idf": self.vectorizer.idf,
        }
        save_file(tensors, folder / "linear.safetensors")

    @classmethod
    def load(cls, folder: Path, labels: Sequence[str]) -> LinearClassifier:
        """Reads what `save` wrote.

        Raises:
            BundleError: The files don't fit together.
        """
        tokenizer = read_part(folder, NGRAMS_PART)
        tensors = load_file(folder / "linear.safetensors")
        vocabulary = tokenizer["vocabulary"]
        if tokenizer["labels"] != list(labels):
            raise BundleError(f"the weights in {folder} were trained for other labels than the manifest names")
        if tensors["weights"].shape != (len(vocabulary), len(labels)):
            raise BundleError(
                f"the weights in {folder} have shape {tensors['weights'].shape}, but the bundle names "
                f"{len(vocabulary)} features and {len(labels)} labels; export the bundle again"
            )
        return cls(
            labels=labels,
            vectorizer=NgramVectorizer(vocabulary, tensors["idf"]),
            weights=tensors["weights"],
            scales=tensors["scales"],
            bias=tensors["bias"],
            temperature=tokenizer["temperature"],
        )
