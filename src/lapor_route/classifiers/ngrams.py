"""Word and character n-grams of a text, as sparse TF-IDF vectors."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_WORD = re.compile(r"[a-z]+(?:[’‘]+[a-z]+)*|\d+(?:[’‘]+\d+)*|<\w{1,12}>")
_RUN = re.compile(r"([a-z])\1{2,}")
_MOST_CACHED_WORDS = 200_000
CHARACTER_SIZES = (2, 3, 4, 5)


def words_of(text: str) -> list[str]:
    """The lower-case words of a text; numbers become ``0``, masks like ``<nama>`` and long runs go."""
    return [_plain(word) for word in _WORD.findall(text.casefold()) if word[0] != "<"]


def words_at(text: str) -> tuple[list[str], list[int]]:
    """What `words_of` gives, and the offset of each word's first character."""
    folded = text.casefold()
    found = [match for match in _WORD.finditer(folded) if match[0][0] != "<"]
    starts = [match.start() for match in found]
    if len(folded) != len(text):
        origin = [i for i, character in enumerate(text) for _ in character.casefold()]
        starts = [origin[start] for start in starts]
    return [_plain(match[0]) for match in found], starts


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
        own, pairs = self._columns(words_of(text))
        columns = [pair for pair in pairs if pair is not None]
        for found in own:
            columns += found
        used, counts = np.unique(np.array(columns, dtype=np.intp), return_counts=True)
        values = (1.0 + np.log(counts, dtype=np.float32)) * self.idf[used]
        norm = float(np.sqrt(values @ values))
        return used, values / norm if norm else values

    def spread(self, words: Sequence[str], columns: np.ndarray, shares: np.ndarray) -> np.ndarray:
        """Hands what the n-grams of a text are worth to the words that they were made of.

        An n-gram's share is split evenly among its occurrences, and a pair's between its two words.

        Args:
            words: What `words_of` gives.
            columns: What `transform` gives.
            shares: Float array (n_columns,); what each of them is worth.

        Returns:
            Float array (n_words,) with the same sum.
        """
        own, pairs = self._columns(words)
        parts = [(i, column, 1.0) for i, found in enumerate(own) for column in found]
        parts += [(i + side, pair, 0.5) for i, pair in enumerate(pairs) if pair is not None for side in (0, 1)]
        if not parts:
            return np.zeros(len(words))
        owners, made, counts = map(np.array, zip(*parts, strict=True))
        gram = np.searchsorted(columns, made)
        totals = np.bincount(gram, counts)
        return np.bincount(owners, counts * (shares / totals)[gram], minlength=len(words))

    def _columns(self, words: Sequence[str]) -> tuple[list[list[int]], list[int | None]]:
        """The columns of each word by itself, and that of each pair of neighbours."""
        known = self._of_word.get
        column = self._column.get
        own = [self._look_up(word) if (found := known(word)) is None else found for word in words]
        return own, [column(f"{first} {second}") for first, second in pairwise(words)]

    def _look_up(self, word: str) -> list[int]:
        column = self._column
        grams = [word, *character_ngrams(word)] if len(word) <= 40 else [word]
        found = [column[gram] for gram in grams if gram in column]
        if len(self._of_word) < _MOST_CACHED_WORDS:
            self._of_word[word] = found
        return found


def _plain(word: str) -> str:
    if not word.isalpha():
        word = word.replace("’", "").replace("‘", "")
        if word.isdigit():
            return "0"
    # Most words have no run, and search is four times as fast as sub.
    return _RUN.sub(r"\1", word) if _RUN.search(word) else word
