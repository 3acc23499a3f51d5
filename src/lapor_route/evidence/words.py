"""Which words decided the topic."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Protocol, runtime_checkable

import numpy as np

from lapor_route.errors import ClassifierError
from lapor_route.routing import WordWeight

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lapor_route.classifiers import Classifier

MOST_SEGMENTS = 32
"""Stretches of a text that are left out in turn, at most: one more text than that is classified."""
MOST_CHARACTERS = 4_000
"""Characters from a text's beginning that occlusion looks at."""
_LEAST = 1e-9
_WORD = re.compile(r"[^\W_]+(?:(?:[-_]|['’‘`]+)[^\W_]+)*")


@runtime_checkable
class SelfExplaining(Protocol):
    """A classifier that knows better than by occlusion what its words weigh."""

    def contributions(self, text: str, label: str) -> tuple[WordWeight, ...]:
        """Every word of a text with its weight for a label, in the order of the text."""
        ...


def contributions(classifier: Classifier, text: str, label: str) -> tuple[WordWeight, ...]:
    """Every word of a text with its weight for a label, in the order of the text.

    Args:
        classifier: If it has a method of this name, that one answers; any other is asked by `occlusion`.
        text: A complaint.
        label: One of the classifier's.

    Raises:
        ClassifierError: The classifier has no such label.
    """
    if isinstance(classifier, SelfExplaining):
        return classifier.contributions(text, label)
    return occlusion(classifier, text, label)


def occlusion(classifier: Classifier, text: str, label: str) -> tuple[WordWeight, ...]:
    """Weighs words by leaving them out (Zeiler and Fergus, 2014), for any classifier and at a bounded cost.

    Neighbouring words are joined to `MOST_SEGMENTS` chunks if there are more; what the label's
    log-probability loses without a chunk is spread evenly over its words. The classifier is asked once, for at
    most `MOST_SEGMENTS` + 1 texts of at most `MOST_CHARACTERS` characters: of a longer text only the whole words
    within the head are looked at, those behind it weigh 0.

    Raises:
        ClassifierError: The classifier has no such label.
    """
    column = column_of(classifier.labels, label)
    words = find_words(text)
    weights = np.zeros(len(words))
    read = sum(end <= MOST_CHARACTERS for _, end in words)
    if read:
        head = text if read == len(words) else text[: words[read - 1][1]]
        chunks = np.array_split(np.arange(read), min(read, MOST_SEGMENTS))
        without = [head[: words[chunk[0]][0]] + head[words[chunk[-1]][1] :] for chunk in chunks]
        found = np.asarray(classifier.predict_proba([head, *without]), dtype=np.float64)[:, column]
        logs = np.log(np.maximum(found, _LEAST))
        for chunk, log in zip(chunks, logs[1:], strict=True):
            weights[chunk] = (logs[0] - log) / len(chunk)
    return _weighed(text, words, weights)


def weigh_words(text: str, starts: Sequence[int], weights: np.ndarray) -> tuple[WordWeight, ...]:
    """Every word of a text, with the sum of the weights that were found inside it.

    Args:
        text: A complaint.
        starts: Offsets of letters or digits, each inside a word.
        weights: Float array (n_starts,).
    """
    words = find_words(text)
    holders = np.searchsorted([start for start, _ in words], starts, side="right") - 1
    return _weighed(text, words, np.bincount(holders, weights, minlength=len(words)))


def combine(
    weighed: Sequence[WordWeight], factor: float, others: Sequence[WordWeight], other: float
) -> tuple[WordWeight, ...]:
    """Two explanations of one text as a weighted sum."""
    sums: dict[tuple[int, int, str], float] = {}
    for words, times in ((weighed, factor), (others, other)):
        for word in words:
            key = (word.start, word.end, word.text)
            sums[key] = sums.get(key, 0.0) + times * word.weight
    return tuple(WordWeight(text, start, end, weight) for (start, end, text), weight in sorted(sums.items()))


def find_words(text: str) -> list[tuple[int, int]]:
    """Start and end of each word or number; hyphens and apostrophes within them don't cut."""
    return [match.span() for match in _WORD.finditer(text)]


def column_of(labels: Sequence[str], label: str) -> int:
    """A label's column.

    Raises:
        ClassifierError: There is no such label.
    """
    if label not in labels:
        raise ClassifierError(f"the classifier has no label {label!r}; it knows {', '.join(labels)}")
    return list(labels).index(label)


def _weighed(text: str, words: Sequence[tuple[int, int]], weights: np.ndarray) -> tuple[WordWeight, ...]:
    return tuple(
        WordWeight(text[start:end], start, end, weight)
        for (start, end), weight in zip(words, weights.tolist(), strict=True)
    )
