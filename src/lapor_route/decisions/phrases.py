"""Phrases that are looked for in a complaint: whole words in their order, `*` for the rest of a word."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lapor_route.errors import InputError
from lapor_route.text import keys_of, tokenize

if TYPE_CHECKING:
    from collections.abc import Iterable

_START = 3
_ACCENTS = re.compile("[\u0300-\u036f]+")


def normalised(text: str) -> str:
    """The text's words as phrases are compared with: normalised, joined and enclosed by spaces."""
    return f" {' '.join(keys_of(_ACCENTS.sub('', text)))} "


def starts_of(words: str) -> frozenset[str]:
    """The first letters of a text's normalised words, and nothing: what `Phrase.start` must be among."""
    return frozenset({"", *(word[:_START] for word in words.split())})


@dataclass(frozen=True, slots=True)
class Phrase:
    """Words that are looked for in their order.

    Attributes:
        words: Normalised and joined by spaces; a word that ends in ``*`` stands for all that begin so.
        literal: What a text must contain, up to the first ``*``.
        pattern: The whole phrase, where more follows after the first ``*``.
        start: How one of the text's words must begin, cut like those of `starts_of`; nothing where any may do.
    """

    words: str
    literal: str
    pattern: re.Pattern[str] | None
    start: str

    @classmethod
    def of(cls, text: str) -> Phrase:
        """Reads a phrase as a person writes it.

        Raises:
            InputError: It has no words, a word of another script, or a ``*`` elsewhere than at a word's end.
        """
        words: list[str] = []
        for chunk in _ACCENTS.sub("", text).split():
            stem = chunk.removesuffix("*")
            found = tokenize(stem)
            misplaced = "*" in stem or (stem != chunk and (not found or found[-1].end < len(stem)))
            if misplaced or (not found and any(character.isalnum() for character in stem)):
                raise InputError(
                    f"{chunk!r} can't be looked for: a word needs Latin letters or digits, and a * may only end one"
                )
            words.extend(token.key for token in found)
            if stem != chunk:
                words[-1] += "*"
        if not words:
            raise InputError(f"the phrase {text!r} has no words")
        joined = " ".join(words)
        head, star, rest = joined.partition("*")
        pattern = re.compile(f" {joined} ".replace("*", "[^ ]*")) if rest else None
        stem = words[0].removesuffix("*")
        start = "" if stem != words[0] and len(stem) < _START else stem[:_START]
        return cls(joined, f" {head}" if star else f" {head} ", pattern, start)

    def is_in(self, words: str) -> bool:
        """Whether it stands in a text's normalised words, joined and enclosed by spaces."""
        return self.literal in words and (self.pattern is None or self.pattern.search(words) is not None)


def one_is_in(phrases: Iterable[Phrase], words: str) -> bool:
    """Whether one of the phrases stands in a text's normalised words."""
    return any(phrase.is_in(words) for phrase in phrases)
