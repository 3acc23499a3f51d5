"""Fits the linear classifier: n-gram vocabulary, TF-IDF, one linear support vector machine a label."""

from __future__ import annotations

import math
from collections import Counter
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
from joblib import Parallel, delayed
from scipy.sparse import csr_matrix
from sklearn.svm import LinearSVC

from lapor_route.classifiers.linear import LinearClassifier
from lapor_route.classifiers.ngrams import NgramVectorizer, character_ngrams, words_of
from training.data import balanced_weights

if TYPE_CHECKING:
    from collections.abc import Sequence

    from training.data import Example

SMALLEST_DOCUMENT_FREQUENCY = 4
MOST_FEATURES = 100_000


def fit_vectorizer(texts: Sequence[str], most_features: int = MOST_FEATURES) -> NgramVectorizer:
    """Chooses the n-grams that occur in most texts (words before character n-grams at a tie)."""
    frequency: Counter[str] = Counter()
    for text in texts:
        words = words_of(text)
        grams = {*words, *(f"{a} {b}" for a, b in pairwise(words))}
        for word in set(words):
            if len(word) <= 40:
                grams.update(character_ngrams(word))
        frequency.update(grams)
    kept = [gram for gram, n in frequency.items() if n >= SMALLEST_DOCUMENT_FREQUENCY]
    kept.sort(key=lambda gram: (-frequency[gram], gram.startswith("~"), gram))
    vocabulary = sorted(kept[:most_features])
    idf = [math.log((1 + len(texts)) / (1 + frequency[gram])) + 1 for gram in vocabulary]
    return NgramVectorizer(vocabulary, np.array(idf, dtype=np.float32))


def to_matrix(vectorizer: NgramVectorizer, texts: Sequence[str]) -> csr_matrix:
    """The texts as a sparse matrix (n_texts, n_features)."""
    columns, values, ends = [], [], [0]
    for text in texts:
        used, weights = vectorizer.transform(text)
        columns.append(used)
        values.append(weights)
        ends.append(ends[-1] + len(used))
    shape = (len(texts), len(vectorizer.vocabulary))
    return csr_matrix((np.concatenate(values), np.concatenate(columns), np.array(ends)), shape=shape)


def fit(
    examples: Sequence[Example],
    *,
    c: float = 1.0,
    balance: float = 0.25,
    most_features: int = MOST_FEATURES,
    jobs: int = 2,
) -> LinearClassifier:
    """Trains one squared-hinge machine a label, against all others.

    Args:
        examples: Training texts.
        c: Inverse strength of the L2 penalty.
        balance: Exponent of the class balance: 0 leaves rows as they are, 1 gives every label the same sum.
        most_features: Size of the vocabulary.
        jobs: Processes; not threads, since liblinear's random numbers are one stream for the whole process.
    """
    labels = sorted({example.target for example in examples})
    texts = [example.text for example in examples]
    vectorizer = fit_vectorizer(texts, most_features)
    matrix = to_matrix(vectorizer, texts).astype(np.float64)
    targets = np.array([labels.index(example.target) for example in examples])
    weight = np.array([example.weight for example in examples])
    weight = balanced_weights(targets, weight, len(labels), balance)

    columns = Parallel(n_jobs=jobs)(
        delayed(_machine)(matrix, np.where(targets == label, 1, -1), weight, c) for label in range(len(labels))
    )
    dense = np.stack([column for column, _ in columns], axis=1)
    scales = np.maximum(np.abs(dense).max(axis=1), 1e-12) / 127
    return LinearClassifier(
        labels=labels,
        vectorizer=vectorizer,
        weights=np.round(dense / scales[:, None]).astype(np.int8),
        scales=scales.astype(np.float32),
        bias=np.array([bias for _, bias in columns], dtype=np.float32),
    )


def _machine(matrix: csr_matrix, sides: np.ndarray, weight: np.ndarray, c: float) -> tuple[np.ndarray, float]:
    machine = LinearSVC(C=c, dual=True, max_iter=300, tol=0.05, random_state=1)
    machine.fit(matrix, sides, sample_weight=weight)
    return machine.coef_[0].astype(np.float32), float(machine.intercept_[0])
