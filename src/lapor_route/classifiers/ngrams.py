"""Word and character n-grams of a text, as sparse TF-IDF vectors."""

from __future__ import annotations

import re
from array import array
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_WORD = re.compile(r"[a-z]+(?:[’‘]+[a-z]+)*|\d+(?:[’‘]+\d+)*|<\w{1,12}>")
_RUN = re.compile(r"([a-z])\1{2,}")
MOST_REMEMBERED = 30_000
"""Words of one generation, of which there are two; 60,000 words take some 15 MB."""
_LONGEST = 40
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


def character_ngrams(word: str) -> list[str]:
    """Character n-grams of a word between two blanks, marked by a leading tilde."""
    padded = f" {word} "
    length = len(padded)
    return ["~" + padded[start : start + size] for size in CHARACTER_SIZES for start in range(length - size + 1)]


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
        self._recent: dict[str, bytes] = {}
        self._earlier: dict[str, bytes] = {}

    @property
    def remembered(self) -> int:
        """Words whose n-grams are at hand, at most twice `MOST_REMEMBERED`."""
        return len(self._recent.keys() | self._earlier.keys())

    def transform(self, text: str) -> tuple[np.ndarray, np.ndarray]:
        """One text as a sparse vector.

        Returns:
            Columns (intp array, ascending) and their values (float32 array of unit length); both empty
            for a text without known n-grams.
        """
        own, pairs = self._columns(words_of(text))
        own.append(_packed(pair for pair in pairs if pair is not None))
        columns, counts = np.unique(_unpacked(b"".join(own)), return_counts=True)
        used = columns.astype(np.intp)
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
        parts = [(i, column, 1.0) for i, found in enumerate(own) for column in _unpacked(found).tolist()]
        parts += [(i + side, pair, 0.5) for i, pair in enumerate(pairs) if pair is not None for side in (0, 1)]
        if not parts:
            return np.zeros(len(words))
        owners, made, counts = map(np.array, zip(*parts, strict=True))
        gram = np.searchsorted(columns, made)
        totals = np.bincount(gram, counts)
        return np.bincount(owners, counts * (shares / totals)[gram], minlength=len(words))

    def _columns(self, words: Sequence[str]) -> tuple[list[bytes], list[int | None]]:
        """The columns of each word by itself, packed, and that of each pair of neighbours."""
        known = self._recent.get
        column = self._column.get
        own = [self._recall(word) if (found := known(word)) is None else found for word in words]
        return own, [column(f"{first} {second}") for first, second in pairwise(words)]

    def _recall(self, word: str) -> bytes:
        """The columns of a word that isn't among the recent ones, where it is from now on.

        When these are as many as may be remembered, they become the earlier ones, and those are forgotten: so the
        words that are usual stay, however many others come by.
        """
        found = self._earlier.get(word)
        if found is None:
            grams = [word, *character_ngrams(word)] if len(word) <= _LONGEST else [word]
            found = _packed(column for column in map(self._column.get, grams) if column is not None)
        if len(self._recent) >= MOST_REMEMBERED:
            self._recent, self._earlier = {}, self._recent
        self._recent[word] = found
        return found


def _packed(columns: Iterable[int]) -> bytes:
    """Columns as they are remembered: a quarter of a list's size, and joined in one step."""
    return array("i", columns).tobytes()


def _unpacked(columns: bytes) -> np.ndarray:
    return np.frombuffer(columns, dtype=np.intc)


def _plain(word: str) -> str:
    if not word.isalpha():
        word = word.replace("’", "").replace("‘", "")
        if word.isdigit():
            return "0"
    # Most words have no run, and search is four times as fast as sub.
    return _RUN.sub(r"\1", word) if _RUN.search(word) else word
