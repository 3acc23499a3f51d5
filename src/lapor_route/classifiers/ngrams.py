"""Word and character n-grams of a text, as sparse TF-IDF vectors."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_MASK = re.compile(r"<\w{1,12}>")
_WORD = re.compile(r"[a-z]+|\d+")
_RUN = re.compile(r"([a-z])\1{2,}")
_MOST_CACHED_WORDS = 200_000
CHARACTER_SIZES = (2, 3, 4, 5)


def words_of(text: str) -> list[str]:
    """The lower-case words of a text; numbers become ``0``, masks like ``<nama>`` and long runs go."""
    text = _MASK.sub(" ", text.casefold())
    if not text.isascii():
        text = text.replace("’", "").replace("‘", "")
    return ["0" if word.isdigit() else _RUN.sub(r"\1", word) for word in _WORD.findall(text)]


def character_ngrams(word: str) -> Iterator[str]:
    """Character n-grams of a word between two blanks, marked by a leading tilde."""
    padded = f" {word} "
    for size in CHARACTER_SIZES:
        for start in range(max(0, len(padded) - size) + 1):
            if start + size <= len(padded):
                yield "~" + padded[start : start + size]


class NgramVectorizer:
    """Words, word pairs and character n-grams within words, weighted by TF-IDF with unit length.

    Args:
        vocabulary: The n-grams in use, in the order of their column.
        idf: float32 array (n_features,); inverse document frequency of each.
    """

    def __init__(self, vocabulary: Sequence[str], idf: np.ndarray) -> None:
        self.vocabulary = vocabulary
        self.idf = idf
        self._column = dict(zip(vocabulary, range(len(vocabulary)), strict=True))
        self._of_word: dict[str, list[int]] = {}

    def transform(self, text: str) -> tuple[np.ndarray, np.ndarray]:
        """One text as a sparse vector.

        Returns:
            Columns (intp array, ascending) and their values (float32 array of unit length); both empty
            for a text without known n-grams.
        """
        column = self._column.get
        columns: list[int] = []
        previous = ""
        for word in words_of(text):
            known = self._of_word.get(word)
            columns += self._look_up(word) if known is None else known
            if previous:
                pair = column(f"{previous} {word}")
                if pair is not None:
                    columns.append(pair)
            previous = word
        used, counts = np.unique(np.array(columns, dtype=np.intp), return_counts=True)
        values = (1.0 + np.log(counts, dtype=np.float32)) * self.idf[used]
        norm = float(np.sqrt(values @ values))
        return used, values / norm if norm else values

    def _look_up(self, word: str) -> list[int]:
        column = self._column
        grams = [word, *character_ngrams(word)] if len(word) <= 40 else [word]
        found = [column[gram] for gram in grams if gram in column]
        if len(self._of_word) < _MOST_CACHED_WORDS:
            self._of_word[word] = found
        return found
