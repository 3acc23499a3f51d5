"""The shape of a name of a person: words that can follow each other in it."""

from __future__ import annotations

import re
from dataclasses import dataclass

from lapor_route.privacy.lexicon import AMBIGUOUS, FAMILY, STOP
from lapor_route.privacy.name_cues import (
    FORMS,
    GREETING,
    TITLES,
)
from lapor_route.privacy.words import ACRONYM, is_known, is_ordinary, is_region

MOST_WORDS = 6
WORD = re.compile(r"(?<!\w)[^\W\d_]{1,30}(?:['’`-][^\W\d_]{1,20}){0,2}(?!\w)")
GAP = re.compile(r"[^\S\n]{1,2}")
_LINKS = frozenset("bin binti binte br bt al el van de da".split())


@dataclass(frozen=True, slots=True)
class Name:
    """A stretch of text that has the shape of a name.

    Attributes:
        start: Offset of its first character.
        end: Offset behind its last character.
        words: Its words, without titles.
    """

    start: int
    end: int
    words: tuple[str, ...]

    @property
    def known(self) -> int:
        """How many of its words are usual names."""
        return sum(is_known(word.lower()) for word in self.words)

    @property
    def first(self) -> str:
        """The first word that is no initial, in small letters."""
        return next((word for word in self.words if len(word) > 2), self.words[0]).lower()

    @property
    def lower(self) -> bool:
        """Whether it begins with a small letter."""
        return self.words[0][0].islower()


def looks_like_name(name: Name, cased: bool, *, sure: bool | None = None) -> bool:
    """Whether unknown words look like a name, by capitals or because a sure cue says so."""
    first = name.words[0]
    if is_region(first) or (ACRONYM.fullmatch(first) and cased and len(name.words) == 1):
        return False
    if cased and (sure is not False or len(name.words) > 1):
        return first[0].isupper()
    return bool(sure) and len(first) > 2 and not cased


def name_at(text: str, position: int, cased: bool, *, sure: bool = False) -> Name | None:
    """The words from here on that can be a name, titles before it left out."""
    position = _skip(FORMS, text, position)
    start = end = position
    position = _skip(TITLES, text, position)
    words: list[str] = []
    while len(words) < MOST_WORDS and (match := WORD.match(text, position)):
        word = match.group()
        dotted = len(word) <= 2 and text[match.end() : match.end() + 1] == "."
        if not _may_be(word, words, cased, sure=sure, dotted=dotted):
            break
        words.append(word)
        end = match.end() + dotted
        gap = GAP.match(text, end)
        if gap is None and not dotted:
            break
        position = gap.end() if gap else end
    while words and (words[-1].lower() in _LINKS or (len(words) == 1 and len(words[0]) < 3)):
        end -= len(words.pop())
        end = len(text[start:end].rstrip(" .")) + start
    return Name(start, end, tuple(words)) if words else None


def _skip(titles: re.Pattern[str], text: str, position: int) -> int:
    """Where up to three titles end."""
    for _ in range(3):
        title = titles.match(text, position)
        if title is None:
            break
        position = title.end()
    return position


def _may_be(word: str, before: list[str], cased: bool, *, sure: bool, dotted: bool) -> bool:
    """Whether a word can be the next of a name."""
    low = word.lower()
    if before and low in _LINKS:
        return True
    if GREETING.match(low):
        return False
    known = is_known(low)
    if cased and word[0].isupper():
        if known:
            return True
        if is_ordinary(low) or (before and is_region(low)):
            return False
        if len(word) == 1:
            return bool(before) or dotted
        return (
            not ACRONYM.fullmatch(word) or sure or (bool(before) and before[-1].isupper() and len(before[-1]) > 1)
        )
    if cased:
        # Small letters in a text with capitals: only usual names, unless they are words as well.
        return known and low not in STOP and (not before or before[-1][0].islower()) and low not in AMBIGUOUS
    if known and (low not in STOP or bool(before)):
        return low not in STOP or low in FAMILY
    if len(low) < 3 or is_ordinary(low) or is_region(low):
        return len(low) == 1 and dotted
    return sure or bool(before)
